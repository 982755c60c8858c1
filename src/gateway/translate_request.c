/*
 * What a target is asked: the client's body as it came, or written anew.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/translate.h"
#include "gateway/translate_embed.h"
#include "gateway/translation.h"
#include "llm/generate.h"
#include "llm/messages.h"
#include "llm/quirks.h"
#include "llm/responses.h"

#define DROPPED_NAME_MAX 64u
#define DROPPED_BYTES_MAX 1024u

static bool refuse(struct exchange *x, const struct chat_problem *p)
{
    if (p->fault == FAULT_NONE || p->why.ptr == NULL)
        return translation_out_of_room(x);
    exchange_fail(x, p->fault, p->param, "%.*s", STR_ARG(p->why));
    return false;
}

/* Behind read_once(): a writer looks at what was asked for, and may repeat it.  A whole answer is
 * gathered in the arena, and is as large as it may be. */
static bool begin_answer(struct exchange *x, struct translation *t, enum chat_dialect maker)
{
    const struct conf_limits *l = &x->gl->gw->conf->limits;

    arena_done(&t->told);
    t->told.max =
        l->exchange_bytes + x->call->body.len + (x->req.stream ? 0 : (size_t)l->reply_bytes);
    t->told.small = x->req.stream; /* it stays as long as the stream */
    t->marker = chat_origin_marker(&t->told, maker, x->surface->dialect);
    t->decoder = t->dialect->decoder_new(&t->told);
    t->writer = NULL;
    t->any = false;
    if (t->dialect->id == x->surface->dialect)
        return t->decoder != NULL;
    t->writer = t->surface->writer_new(&t->told, &t->facts);
    return t->decoder != NULL && t->writer != NULL;
}

static bool read_once(struct exchange *x, struct translation *t)
{
    struct chat_problem p = {.fault = FAULT_NONE};

    if (t->read)
        return true;
    t->read = (translation_is_count(x) ? messages_read_count : t->surface->read)(
        &t->asked, x->call->body, x->gl->gw->conf->limits.json_depth, t->request, &p);
    t->request->stream = x->req.stream; /* Gemini's clients say it in the path */
    t->unread_count = t->request->dropped_count;
    if (!t->read)
        return refuse(x, &p);
    t->marked = chat_origin_read(t->request);
    t->sieve.all = t->request->messages;
    t->sieve.all_count = t->request->messages_count;
    return true;
}

/* What the attempt's target was not told. */
static const struct str *dropped_of(const struct translation *t, uint32_t *ret_count)
{
    const struct embedding *e = t->embedding;

    *ret_count = 0;
    if (e != NULL) {
        *ret_count = e->request.dropped_count;
        return e->request.dropped;
    }
    if (t->request == NULL)
        return NULL; /* told, and gone */
    *ret_count = t->request->dropped_count;
    return t->request->dropped;
}

static bool refuse_dropped(struct exchange *x, const struct translation *t)
{
    struct str names = translate_dropped(x);
    uint32_t count;

    dropped_of(t, &count);
    exchange_fail(x, FAULT_BAD_REQUEST, count == 1 ? names : STR(""),
                  "%.*s cannot be told: %.*s (translation.strict).",
                  STR_ARG(x->attempt.candidate->target->provider->name), STR_ARG(names));
    return false;
}

static bool take_body(struct exchange *x, struct translation *t)
{
    uint32_t dropped;

    if (!translation_count(x, t))
        return false;
    dropped_of(t, &dropped);
    if (dropped > 0 && x->gl->gw->conf->translation.strict)
        return refuse_dropped(x, t);
    x->attempt.fetch.request.body[0] = buf_str(&t->body);
    x->attempt.fetch.request.body_count = 1;
    return true;
}

static bool write_embedding(struct exchange *x, struct translation *t, struct str *ret_path)
{
    struct chat_problem p = {.fault = FAULT_NONE};

    t->encoded = true;
    t->body.len = 0;
    arena_done(&t->told);
    t->told.max = x->gl->gw->conf->limits.exchange_bytes;
    if (t->embedding == NULL)
        t->embedding = translate_embed_read(x, &t->asked, &p);
    if (t->embedding == NULL ||
        !translate_embed_write(x, t->embedding, x->attempt.candidate->target, &t->body, ret_path,
                               &p))
        return refuse(x, &p);
    return take_body(x, t);
}

static bool write_body(struct exchange *x, struct translation *t, struct str model)
{
    struct chat_problem p = {.fault = FAULT_NONE};
    enum chat_dialect maker = chat_origin_of(t->dialect->id, model);

    t->encoded = true;
    t->cut = false;
    t->body.len = 0;
    t->request->dropped_count = t->unread_count;
    t->request->model = model;
    t->request->quirks = quirks_find(x->attempt.candidate->target->provider->server, model);
    if (!chat_origin_sift(&t->sieve, t->request, x->surface->dialect, maker))
        return translation_out_of_room(x);
    if (!t->dialect->encode(t->request, model, &t->body, &p))
        return refuse(x, &p);
    if (translation_is_count(x))
        messages_count_only(&t->body);
    return take_body(x, t);
}

/* The body without what the target would refuse all of it for; where nothing may be left out, the
 * target says so itself. */
static bool cut_body(struct exchange *x, struct translation *t, struct openai_request *ret_req)
{
    const struct conf *c = x->gl->gw->conf;
    struct str why = {NULL, 0}, param = {NULL, 0};
    struct openai_request req;

    t->body.len = 0;
    if (x->surface->dialect != CHAT_RESPONSES || c->translation.strict ||
        !responses_cut_foreign(x->call->body, &t->body) ||
        openai_request_scan(x->mem, x->surface->openai, buf_str(&t->body), c->limits.json_depth,
                            &req, &why, &param) != FAULT_NONE)
        return false;
    *ret_req = req;
    return true;
}

/* Only the model's name changes. */
static bool pass_body(struct exchange *x, struct translation *t, struct str model)
{
    struct http_request_out *r = &x->attempt.fetch.request;
    struct openai_request req = x->req;

    t->encoded = false;
    t->request->model = model;
    t->request->stream = x->req.stream;
    t->cut = cut_body(x, t, &req);
    if (t->cut && !translation_count(x, t))
        return false;
    r->body_count = x->surface->dialect == CHAT_GEMINI
                        ? generate_splice(x->mem, &req, model, r->body)
                        : openai_request_splice(x->mem, &req, model, false, r->body);
    return r->body_count > 0 || translation_out_of_room(x);
}

/* What another maker's model thought must not pass with the rest of the body.  Texts to embed are
 * nobody's thoughts, whatever stands in them. */
static bool is_suspect(const struct exchange *x)
{
    struct str body = x->call->body;

    if (x->surface->id == SURFACE_EMBEDDINGS)
        return false;
    if (x->surface->dialect == CHAT_GEMINI)
        return x->surface->any_dialect && str_find(body, STR(GENERATE_SEALED)) != NULL;
    return (x->surface->any_dialect || translation_is_count(x)) && chat_origin_suspect(body);
}

/* The body has to be read, though it is in the target's own dialect.  What a Responses client was
 * given to keep is whole items, which can be cut out. */
static bool is_mixed(const struct exchange *x)
{
    return is_suspect(x) &&
           (x->surface->dialect != CHAT_RESPONSES || x->gl->gw->conf->translation.strict);
}

/* On the same dialect the query is the client's as well ("?beta=true"). */
static struct str path_of(struct exchange *x, struct translation *t)
{
    struct str path;

    if (t->writer == NULL && x->surface->dialect == CHAT_GEMINI)
        return generate_path(x->mem, t->request->model, x->surface->action, x->call->query);
    path = translation_is_count(x) ? STR("/messages/count_tokens")
                                   : t->dialect->path(x->mem, t->request);
    if (path.ptr == NULL || t->writer != NULL || x->call->query.len == 0)
        return path;
    return arena_join(x->mem, (struct str[]){path, STR("?"), x->call->query}, 3);
}

bool translate_request(struct exchange *x, struct str *ret_path)
{
    const struct conf_target *to = x->attempt.candidate->target;
    struct translation *t = translation_of(x);

    if (t == NULL)
        return translation_out_of_room(x);
    t->dialect = dialect_get(translation_dialect(x, to));
    if (x->surface->id == SURFACE_EMBEDDINGS)
        return write_embedding(x, t, ret_path);
    if ((t->dialect->id != x->surface->dialect || is_mixed(x)) && !read_once(x, t))
        return false;
    if (!begin_answer(x, t, chat_origin_of(t->dialect->id, to->model)))
        return translation_out_of_room(x);
    if (t->writer == NULL && !(t->marked && is_mixed(x)) ? !pass_body(x, t, to->model)
                                                         : !write_body(x, t, to->model))
        return false;
    *ret_path = path_of(x, t);
    return ret_path->ptr != NULL || translation_out_of_room(x);
}

/* What we cannot read its own target may: it passes, marks and all. */
static bool read_or_pass(struct exchange *x, struct translation *t)
{
    const struct str why = x->why, param = x->param;
    const enum fault fault = x->fault;

    if (read_once(x, t))
        return true;
    x->why = why;
    x->param = param;
    x->fault = fault;
    return false;
}

int translate_own(struct exchange *x)
{
    const struct conf_target *to = x->attempt.candidate->target;
    struct translation *t;

    if (x->translation != NULL)
        x->translation->encoded = x->translation->cut = false;
    if (!is_suspect(x))
        return 0;
    t = translation_of(x);
    if (t == NULL)
        return translation_out_of_room(x) ? 0 : -1;
    t->dialect = dialect_get(to->provider->dialect);
    if (!read_or_pass(x, t) || !t->marked)
        return 0;
    return write_body(x, t, to->model) ? 1 : -1;
}

/* It may be a client's word, and becomes part of a header: only what a name may have. */
static void put_name(char *to, size_t *len, struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (i == DROPPED_NAME_MAX) {
            memcpy(to + *len, "...", 3);
            *len += 3;
            return;
        }
        to[(*len)++] =
            name.ptr[i] > 0x20 && name.ptr[i] < 0x7f && name.ptr[i] != ',' ? name.ptr[i] : '?';
    }
}

struct str translate_dropped(struct exchange *x)
{
    const struct str *names;
    uint32_t count;
    size_t len = 0;
    char *text;

    if (x->translation == NULL)
        return (struct str){NULL, 0};
    if (x->translation->cut)
        return STR("input.reasoning.encrypted_content");
    if (!x->translation->encoded)
        return (struct str){NULL, 0};
    names = dropped_of(x->translation, &count);
    if (count == 0)
        return (struct str){NULL, 0};
    text = arena_bytes(x->mem, DROPPED_BYTES_MAX + DROPPED_NAME_MAX + sizeof(", ......"));
    if (text == NULL)
        return (struct str){NULL, 0};
    for (uint32_t i = 0; i < count; i++) {
        if (len > 0) {
            memcpy(text + len, ", ", 2);
            len += 2;
        }
        if (len >= DROPPED_BYTES_MAX) {
            memcpy(text + len, "...", 3);
            len += 3;
            break;
        }
        put_name(text, &len, names[i]);
    }
    arena_trim(x->mem, text, text + len);
    return str_make(text, len);
}
