/*
 * models.c - GET /v1/models and /v1/models/{id}, in OpenAI's form or Anthropic's, and the same
 * below /v1beta in Google's: what the configuration offers to this key.
 *
 * Aliases first, then every target as provider/model.  Ids may contain slashes, encoded or not.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <time.h>

#include "base/percent.h"
#include "gateway/answer.h"
#include "gateway/exchange.h"
#include "gateway/stages.h"
#include "llm/json_pen.h"

struct listing {
    struct exchange *x;
    struct buf out;
    struct str wanted;      /* one id; empty for all */
    struct str first, last; /* ids; .ptr NULL: there is none */
    bool failed;
};

static int64_t since_s(const struct listing *l)
{
    return l->x->gl->gw->started_s;
}

/* ---- a model ---- */

static void put_openais(struct json_pen *p, const struct listing *l, struct str id,
                        struct str owner)
{
    pen_key_plain(p, STR("id"), id);
    pen_key_plain(p, STR("object"), STR("model"));
    pen_key(p, STR("created"));
    pen_u64(p, (uint64_t)since_s(l));
    pen_key_plain(p, STR("owned_by"), owner);
}

/* What its SDK's type requires is there; what we do not know is null. */
static void put_anthropics(struct json_pen *p, const struct listing *l, struct str id,
                           struct str owner)
{
    static const struct str unknown[] = {STR_INIT("capabilities"), STR_INIT("deprecated_at"),
                                         STR_INIT("line"),         STR_INIT("max_input_tokens"),
                                         STR_INIT("max_tokens"),   STR_INIT("retires_at")};
    char since[sizeof("2026-01-01T00:00:00Z")];
    time_t t = since_s(l);
    struct tm tm;

    (void)owner;
    pen_key_plain(p, STR("type"), STR("model"));
    pen_key_plain(p, STR("id"), id);
    pen_key_plain(p, STR("display_name"), id);
    pen_key_plain(
        p, STR("created_at"),
        str_make(since, strftime(since, sizeof(since), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &tm))));
    pen_key_plain(p, STR("lifecycle"), STR("active"));
    for (size_t i = 0; i < COUNTOF(unknown); i++) {
        pen_key(p, unknown[i]);
        pen_null(p);
    }
}

/* Google's ids begin with "models/". */
static void put_googles(struct json_pen *p, const struct listing *l, struct str id,
                        struct str owner)
{
    (void)owner;
    pen_key_plain(p, STR("name"), arena_join(l->x->mem, (struct str[]){STR("models/"), id}, 2));
    pen_key_plain(p, STR("version"), STR(""));
    pen_key_plain(p, STR("displayName"), id);
    pen_key(p, STR("supportedGenerationMethods"));
    pen_raw(p, STR("[\"generateContent\",\"countTokens\"]"));
}

static void put_model(struct listing *l, struct str id, struct str owner)
{
    static void (*const put[CHAT_DIALECTS])(struct json_pen *, const struct listing *, struct str,
                                            struct str) = {
        [CHAT_OPENAI] = put_openais,
        [CHAT_ANTHROPIC] = put_anthropics,
        [CHAT_GEMINI] = put_googles,
    };
    struct json_pen p = json_pen(&l->out);

    p.comma = l->first.ptr != NULL;
    pen_open(&p, '{');
    put[l->x->surface->dialect](&p, l, id, owner);
    pen_close(&p, '}');
    l->failed |= p.err < 0;
    l->last = id;
    if (l->first.ptr == NULL)
        l->first = id;
}

/* ---- which ---- */

static void offer(struct listing *l, struct str id, struct str owner)
{
    if (l->wanted.len != 0 && !str_eq(l->wanted, id))
        return;
    if (conf_key_allows(l->x->principal, id))
        put_model(l, id, owner);
}

/* Is the same provider/model listed by an earlier target? */
static bool is_repeated(const struct conf *c, uint32_t mi, uint32_t ti)
{
    const struct conf_target *t = &c->models[mi].targets[ti];

    for (uint32_t m = 0; m <= mi; m++) {
        uint32_t end = m == mi ? ti : c->models[m].targets_count;

        for (uint32_t k = 0; k < end; k++) {
            const struct conf_target *o = &c->models[m].targets[k];

            if (o->provider == t->provider && str_eq(o->model, t->model))
                return true;
        }
    }
    return false;
}

static void offer_targets(struct listing *l, const struct conf *c)
{
    for (uint32_t m = 0; m < c->models_count; m++) {
        for (uint32_t k = 0; k < c->models[m].targets_count; k++) {
            const struct conf_target *t = &c->models[m].targets[k];
            struct str id =
                arena_printf(l->x->mem, "%.*s/%.*s", STR_ARG(t->provider->name), STR_ARG(t->model));

            if (id.ptr != NULL && conf_model_find(c, id) == NULL && !is_repeated(c, m, k))
                offer(l, id, t->provider->name);
        }
    }
}

/* provider/model is answered for any model of a known provider: we cannot list what they have. */
static void offer_direct(struct listing *l, const struct conf *c)
{
    struct str provider, model;

    if (l->first.ptr == NULL && str_cut(l->wanted, '/', &provider, &model) && model.len > 0 &&
        conf_provider_find(c, provider) != NULL)
        offer(l, l->wanted, provider);
}

static void list(struct listing *l, const struct conf *c)
{
    for (uint32_t m = 0; m < c->models_count; m++)
        offer(l, c->models[m].name, STR("dragoman"));
    offer_targets(l, c);
}

static enum verdict reply(struct listing *l, struct str before, struct str after)
{
    struct str pieces[3] = {before, buf_str(&l->out), after};
    struct str body = arena_printf(l->x->mem, "%.*s%.*s%.*s", STR_ARG(pieces[0]),
                                   STR_ARG(pieces[1]), STR_ARG(pieces[2]));

    buf_done(&l->out);
    if (l->failed || body.ptr == NULL)
        return exchange_fail(l->x, FAULT_OVERLOADED, STR(""), "limits.exchange_bytes is reached.");
    answer_json(l->x, 200, body);
    return VERDICT_DONE;
}

static void pen_id(struct json_pen *p, struct str name, struct str id)
{
    pen_key(p, name);
    if (id.ptr != NULL)
        pen_plain(p, id);
    else
        pen_null(p);
}

/* Anthropic's list is a page, and this is the only one. */
static void end_page(struct listing *l)
{
    struct json_pen p = json_pen(&l->out);

    pen_bytes(&p, STR("],\"has_more\":false"));
    p.comma = true;
    pen_id(&p, STR("first_id"), l->first);
    pen_id(&p, STR("last_id"), l->last);
    pen_close(&p, '}');
    l->failed |= p.err < 0;
}

static enum verdict reply_all(struct listing *l)
{
    switch (l->x->surface->dialect) {
    case CHAT_ANTHROPIC:
        end_page(l);
        return reply(l, STR("{\"data\":["), STR(""));
    case CHAT_GEMINI:
        return reply(l, STR("{\"models\":["), STR("]}"));
    case CHAT_OPENAI:
    case CHAT_RESPONSES:
    case CHAT_BEDROCK:
    case CHAT_OLLAMA:
    case CHAT_DIALECTS:
        break;
    }
    return reply(l, STR("{\"object\":\"list\",\"data\":["), STR("]}"));
}

enum verdict models_enter(struct exchange *x)
{
    const struct conf *c = x->gl->gw->conf;
    const bool googles = x->surface->dialect == CHAT_GEMINI;
    const struct str below = googles ? STR("/v1beta/models/") : STR("/v1/models/");
    struct listing l = {.x = x};

    if (!str_starts(x->call->path, below)) {
        list(&l, c);
        return reply_all(&l);
    }
    l.wanted = percent_decode(x->mem, str_skip(x->call->path, below.len), false);
    if (l.wanted.len > 0) {
        list(&l, c);
        offer_direct(&l, c);
    }
    if (l.first.ptr != NULL)
        return reply(&l, STR(""), STR(""));
    buf_done(&l.out);
    return exchange_fail(x, FAULT_NO_SUCH_MODEL, STR("model"),
                         "There is no model with this id: see GET /v1/models.");
}
