/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/translate.h"

#include <time.h>

#include "llm/chat_surface.h"
#include "llm/chat_text.h"

#define ID_DIGITS 24u

struct translation {
    struct chat_request request;
    bool read;
    const struct chat_surface *surface;
    struct chat_answer_facts facts;
    struct buf body; /* what the attempt's target is asked */
    /* Of the attempt. */
    const struct dialect *dialect;
    struct chat_decoder *decoder;
    struct chat_writer *writer; /* NULL: the bytes pass */
    /* Of the call that is under way. */
    struct buf *out; /* NULL: events are collected for a whole answer */
    int err;
    bool content, ended, failed;
};

bool translate_applies(const struct exchange *x, const struct conf_target *t)
{
    return t->provider->dialect != CHAT_OPENAI || x->surface->dialect != CHAT_OPENAI;
}

bool translate_can_serve(const struct exchange *x, const struct conf_target *t)
{
    return x->surface->any_dialect || t->provider->dialect == x->surface->dialect;
}

bool translate_passes(const struct exchange *x)
{
    return x->translation->writer == NULL;
}

enum chat_framing translate_framing(const struct exchange *x)
{
    return x->translation->dialect->framing;
}

/* ---- the request ---- */

static bool out_of_room(struct exchange *x)
{
    exchange_fail(x, FAULT_OVERLOADED, STR(""), "limits.exchange_bytes is reached.");
    return false;
}

static bool refuse(struct exchange *x, const struct chat_problem *p)
{
    if (p->fault == FAULT_NONE || p->why.ptr == NULL)
        return out_of_room(x);
    exchange_fail(x, p->fault, p->param, "%.*s", STR_ARG(p->why));
    return false;
}

static void name_answer(struct exchange *x, struct translation *t)
{
    char *id = arena_bytes(x->mem, ID_DIGITS);
    struct timespec now;

    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    for (unsigned i = 0; id != NULL && i < ID_DIGITS; i++)
        id[i] = "0123456789abcdef"[rand_u64(&x->gl->rand) & 15];
    t->facts = (struct chat_answer_facts){.id = str_make(id, id != NULL ? ID_DIGITS : 0),
                                          .model = x->req.model,
                                          .created_s = (uint64_t)now.tv_sec,
                                          .request = &t->request};
}

static struct translation *translation_of(struct exchange *x)
{
    struct translation *t = x->translation;

    if (t == NULL) {
        t = x->translation = ARENA_NEW(x->mem, struct translation);
        if (t == NULL)
            return NULL;
        t->surface = chat_surface_get(x->surface->dialect);
        t->body.max = 2 * x->gl->gw->conf->limits.body_bytes;
        name_answer(x, t);
    }
    return t;
}

static bool begin_answer(struct exchange *x, struct translation *t, const struct conf_target *to)
{
    t->dialect = dialect_get(to->provider->dialect);
    t->decoder = t->dialect->decoder_new(x->mem);
    t->writer = NULL;
    if (to->provider->dialect == x->surface->dialect)
        return t->decoder != NULL;
    t->writer = t->surface->writer_new(x->mem, &t->facts);
    return t->decoder != NULL && t->writer != NULL;
}

static bool read_once(struct exchange *x, struct translation *t)
{
    struct chat_problem p = {.fault = FAULT_NONE};

    if (t->read)
        return true;
    t->read = t->surface->read(x->mem, x->call->body, x->gl->gw->conf->limits.json_depth,
                               &t->request, &p);
    return t->read || refuse(x, &p);
}

static bool write_body(struct exchange *x, struct translation *t, struct str model)
{
    struct chat_problem p = {.fault = FAULT_NONE};

    t->body.len = 0;
    t->request.dropped_count = 0;
    t->request.model = model;
    if (!t->dialect->encode(&t->request, model, &t->body, &p))
        return refuse(x, &p);
    x->attempt.fetch.request.body[0] = buf_str(&t->body);
    x->attempt.fetch.request.body_count = 1;
    return true;
}

/* Only the model's name changes. */
static bool pass_body(struct exchange *x, struct translation *t, struct str model)
{
    struct http_request_out *r = &x->attempt.fetch.request;

    t->request.model = model;
    t->request.stream = x->req.stream;
    r->body_count = openai_request_splice(x->mem, &x->req, model, false, r->body);
    return r->body_count > 0 || out_of_room(x);
}

bool translate_request(struct exchange *x, struct str *ret_path)
{
    const struct conf_target *to = x->attempt.candidate->target;
    struct translation *t = translation_of(x);

    if (t == NULL)
        return out_of_room(x);
    /* Before there is a writer: it looks at what was asked for (usage). */
    if (to->provider->dialect != x->surface->dialect && !read_once(x, t))
        return false;
    if (!begin_answer(x, t, to))
        return out_of_room(x);
    if (t->writer == NULL ? !pass_body(x, t, to->model) : !write_body(x, t, to->model))
        return false;
    *ret_path = t->dialect->path(x->mem, &t->request);
    return ret_path->ptr != NULL || out_of_room(x);
}

/* ---- the answer ---- */

static void take_usage(struct openai_watch *w, const struct chat_usage *u)
{
    if (u->source != CHAT_USAGE_REPORTED)
        return;
    w->usage = (struct openai_usage){.source = USAGE_REPORTED,
                                     .prompt = u->input,
                                     .completion = u->output,
                                     .total = u->input + u->output,
                                     .cached = u->cache_read,
                                     .reasoning = u->reasoning};
}

static void take_error(struct exchange *x, const struct chat_event *ev)
{
    struct openai_watch *w = &x->attempt.watch;

    w->fault = ev->fault != FAULT_NONE ? ev->fault : FAULT_UPSTREAM_ERROR;
    w->error_message = json_text_plain(x->mem, ev->text);
    w->error_type = str_make(ev->name.ptr, ev->name.len);
    if (ev->retry_after_ms != 0)
        x->attempt.retry_after_ms = ev->retry_after_ms;
}

/* What the event says of the answer; true when it shows something. */
static bool note(struct exchange *x, const struct chat_event *ev)
{
    struct openai_watch *w = &x->attempt.watch;

    switch (ev->kind) {
    case CHAT_EV_TEXT:
    case CHAT_EV_THINKING:
    case CHAT_EV_REFUSAL:
        return ev->text.len > 0;
    case CHAT_EV_CALL:
    case CHAT_EV_RAW:
    case CHAT_EV_REDACTED:
    case CHAT_EV_CITATION:
        return true;
    case CHAT_EV_USAGE:
        take_usage(w, &ev->usage);
        return false;
    case CHAT_EV_STOP:
        w->finished = true;
        w->choices_finished = w->choices_seen = x->req.choices;
        return true;
    case CHAT_EV_ERROR:
        take_error(x, ev);
        x->translation->failed = true;
        return false;
    case CHAT_EV_END:
        x->translation->ended = true;
        return false;
    case CHAT_EV_START:
    case CHAT_EV_SIGNATURE:
    case CHAT_EV_ARGS:
    case CHAT_EV_BLOCK_END:
        break;
    }
    return false;
}

static bool on_chat_event(void *ctx, const struct chat_event *ev)
{
    struct exchange *x = ctx;
    struct translation *t = x->translation;

    t->content |= note(x, ev);
    if (t->failed)
        return false;
    /* A stream's end is written when all is known to be well. */
    if (t->writer != NULL && t->out == NULL)
        t->err = t->surface->collect(t->writer, ev);
    else if (t->writer != NULL && ev->kind != CHAT_EV_END)
        t->err = t->surface->put(t->writer, ev, t->out);
    return t->err == 0;
}

static void start(struct translation *t, struct buf *out)
{
    t->out = out;
    t->err = 0;
    t->content = t->failed = false;
}

static enum openai_event_kind kind_of(struct exchange *x)
{
    struct translation *t = x->translation;
    struct openai_watch *w = &x->attempt.watch;

    if (t->failed)
        return OPENAI_EV_ERROR;
    if (t->err < 0) {
        w->fault = FAULT_UPSTREAM_BAD_REPLY;
        w->error_message = STR("more than this gateway holds of an answer");
        return OPENAI_EV_ERROR;
    }
    w->content |= t->content;
    if (t->ended) {
        w->done = true;
        return OPENAI_EV_DONE;
    }
    return t->content ? OPENAI_EV_CONTENT : OPENAI_EV_LIFECYCLE;
}

enum openai_event_kind translate_event(struct exchange *x, struct str name, struct str data,
                                       struct buf *out)
{
    struct translation *t = x->translation;

    start(t, out);
    x->attempt.watch.events++;
    if (!t->dialect->decode(t->decoder, name, data, on_chat_event, x) && !t->failed && t->err == 0)
        return OPENAI_EV_MALFORMED;
    return kind_of(x);
}

void translate_over(struct exchange *x, struct buf *out)
{
    struct translation *t = x->translation;

    start(t, out);
    if (t->dialect->decode_end == NULL || x->attempt.watch.done)
        return;
    t->dialect->decode_end(t->decoder, on_chat_event, x);
    (void)kind_of(x);
}

int translate_end(struct exchange *x, struct buf *out)
{
    struct translation *t = x->translation;
    const struct chat_event end = {.kind = CHAT_EV_END};

    if (t->writer != NULL)
        return t->surface->put(t->writer, &end, out);
    return x->surface->dialect == CHAT_ANTHROPIC
               ? buf_put(out, STR("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"))
               : 0;
}

/* ---- a whole answer, and a refusal ---- */

enum fault translate_whole(struct exchange *x, struct str body, struct buf *out,
                           struct str *ret_body)
{
    struct translation *t = x->translation;

    start(t, NULL);
    if (!t->dialect->decode_whole(t->decoder, body, on_chat_event, x) && !t->failed)
        return FAULT_UPSTREAM_BAD_REPLY;
    switch (kind_of(x)) {
    case OPENAI_EV_ERROR:
        return x->attempt.watch.fault;
    case OPENAI_EV_DONE:
        break;
    case OPENAI_EV_LIFECYCLE:
    case OPENAI_EV_CONTENT:
    case OPENAI_EV_USAGE:
    case OPENAI_EV_MALFORMED:
        return FAULT_UPSTREAM_BAD_REPLY;
    }
    *ret_body = body;
    if (t->writer == NULL)
        return FAULT_NONE;
    if (t->surface->write(t->writer, out) < 0)
        return FAULT_UPSTREAM_BAD_REPLY;
    *ret_body = buf_str(out);
    return FAULT_NONE;
}

struct openai_refusal translate_refusal(struct exchange *x, unsigned status, struct str body)
{
    const struct dialect *d = x->translation->dialect;
    struct chat_event ev = {.kind = CHAT_EV_ERROR};
    struct str kind = {NULL, 0};

    d->refusal(x->mem, status, body, &ev);
    if (d->kind_field != NULL)
        kind = http_fields_find(&x->attempt.reply, str_from(d->kind_field));
    if (kind.len > 0)
        d->refusal_kind(x->mem, kind, &ev);
    take_error(x, &ev);
    return (struct openai_refusal){.fault = x->attempt.watch.fault,
                                   .message = x->attempt.watch.error_message};
}

/* ---- */

struct str translate_dropped(struct exchange *x)
{
    struct str names[2 * CHAT_DROPPED_MAX];
    const struct chat_request *r;
    unsigned n = 0;

    if (x->translation == NULL || x->translation->request.dropped_count == 0)
        return (struct str){NULL, 0};
    r = &x->translation->request;
    for (uint32_t i = 0; i < r->dropped_count; i++) {
        if (n > 0)
            names[n++] = STR(", ");
        names[n++] = r->dropped[i];
    }
    return arena_join(x->mem, names, n);
}

void translate_done(struct exchange *x)
{
    if (x->translation != NULL)
        buf_done(&x->translation->body);
    x->translation = NULL;
}
