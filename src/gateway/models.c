/*
 * models.c - GET /v1/models and /v1/models/{id}, and the same below /v1beta in Google's form: what
 * the configuration offers to this key.
 *
 * Aliases first, then every target as provider/model.  Ids may contain slashes, encoded or not.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/percent.h"
#include "gateway/answer.h"
#include "gateway/exchange.h"
#include "gateway/stages.h"
#include "llm/json_pen.h"

struct listing {
    struct exchange *x;
    struct buf out;
    struct str wanted; /* one id; empty for all */
    bool first, failed;
};

/* Google's ids begin with "models/". */
static int put_googles(struct listing *l, struct str id)
{
    struct json_pen p = json_pen(&l->out);

    p.comma = !l->first;
    pen_open(&p, '{');
    pen_key_plain(&p, STR("name"), arena_join(l->x->mem, (struct str[]){STR("models/"), id}, 2));
    pen_key_plain(&p, STR("version"), STR(""));
    pen_key_plain(&p, STR("displayName"), id);
    pen_key(&p, STR("supportedGenerationMethods"));
    pen_raw(&p, STR("[\"generateContent\",\"countTokens\"]"));
    pen_close(&p, '}');
    return p.err;
}

static void put_openais(struct listing *l, struct str id, struct str owner)
{
    struct str quoted = json_quote(l->x->mem, id), by = json_quote(l->x->mem, owner);

    if (quoted.ptr == NULL || by.ptr == NULL ||
        buf_printf(&l->out,
                   "%s{\"id\":%.*s,\"object\":\"model\",\"created\":%lld,\"owned_by\":%.*s}",
                   l->first ? "" : ",", STR_ARG(quoted), (long long)l->x->gl->gw->started_s,
                   STR_ARG(by)) < 0)
        l->failed = true;
}

static void put_model(struct listing *l, struct str id, struct str owner)
{
    if (l->x->surface->dialect != CHAT_GEMINI)
        put_openais(l, id, owner);
    else if (put_googles(l, id) < 0)
        l->failed = true;
    l->first = false;
}

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

    if (l->first && str_cut(l->wanted, '/', &provider, &model) && model.len > 0 &&
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

enum verdict models_enter(struct exchange *x)
{
    const struct conf *c = x->gl->gw->conf;
    const bool googles = x->surface->dialect == CHAT_GEMINI;
    const struct str below = googles ? STR("/v1beta/models/") : STR("/v1/models/");
    struct listing l = {.x = x, .first = true};

    if (!str_starts(x->call->path, below)) {
        list(&l, c);
        return reply(&l, googles ? STR("{\"models\":[") : STR("{\"object\":\"list\",\"data\":["),
                     STR("]}"));
    }
    l.wanted = percent_decode(x->mem, str_skip(x->call->path, below.len), false);
    if (l.wanted.len > 0) {
        list(&l, c);
        offer_direct(&l, c);
    }
    if (!l.first)
        return reply(&l, STR(""), STR(""));
    buf_done(&l.out);
    return exchange_fail(x, FAULT_NO_SUCH_MODEL, STR("model"),
                         "There is no model with this id: see GET /v1/models.");
}
