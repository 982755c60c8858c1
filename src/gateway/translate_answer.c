/*
 * What a target answers: events that are noted, and told in the client's dialect where its own
 * bytes do not pass.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>

#include "gateway/translate.h"
#include "gateway/translate_embed.h"
#include "gateway/translation.h"
#include "llm/chat_text.h"
#include "llm/generate.h"
#include "llm/messages.h"
#include "llm/responses.h"

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
    if (ev->retry_after_ms != 0)
        x->attempt.retry_after_ms = ev->retry_after_ms;
}

/* As openai_watch.c counts them: an answer is whole when all choices are. */
static void note_choice(struct openai_watch *w, const struct chat_event *ev)
{
    unsigned word = ev->choice / 64 % COUNTOF(w->seen);
    uint64_t bit = 1ull << ev->choice % 64;

    w->seen[word] |= bit;
    if (ev->kind != CHAT_EV_STOP)
        return;
    w->ended[word] |= bit;
    w->finished = w->seen[0] == w->ended[0] && w->seen[1] == w->ended[1];
    w->choices_finished =
        (uint32_t)(__builtin_popcountll(w->ended[0]) + __builtin_popcountll(w->ended[1]));
}

/* What the event says of the answer; true when it shows something. */
static bool note(struct exchange *x, const struct chat_event *ev)
{
    struct openai_watch *w = &x->attempt.watch;

    switch (ev->kind) {
    case CHAT_EV_TEXT:
    case CHAT_EV_THINKING:
    case CHAT_EV_REFUSAL:
        note_choice(w, ev);
        return ev->text.len > 0;
    case CHAT_EV_CALL:
    case CHAT_EV_RAW:
    case CHAT_EV_REDACTED:
    case CHAT_EV_CITATION:
        note_choice(w, ev);
        return true;
    case CHAT_EV_USAGE:
        take_usage(w, &ev->usage);
        return false;
    case CHAT_EV_STOP:
        note_choice(w, ev);
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

/* A stream's end is written when all is known to be well. */
static int tell(struct translation *t, const struct chat_event *ev)
{
    if (t->out == NULL)
        return t->surface->collect(t->writer, ev);
    return ev->kind != CHAT_EV_END ? t->surface->put(t->writer, ev, t->out) : 0;
}

static int tell_marked(struct translation *t, const struct chat_event *ev)
{
    struct chat_event marked;
    int err = 0;

    if (chat_origin_close(&t->marker, ev, &marked))
        err = tell(t, &marked);
    if (err == 0 && !chat_origin_mark(&t->marker, ev, &marked))
        err = -ENOMEM;
    return err == 0 ? tell(t, &marked) : err;
}

static bool on_chat_event(void *ctx, const struct chat_event *ev)
{
    struct exchange *x = ctx;
    struct translation *t = x->translation;

    t->content |= note(x, ev);
    if (t->failed)
        return false;
    if (t->writer != NULL)
        t->err = tell_marked(t, ev);
    return t->err == 0;
}

/* Make elements of an array of the events that `out` has from `from` on; `data`: of an event that
 * passes, instead.  Nothing changes for clients that want a stream of events. */
static int as_array(struct translation *t, struct buf *out, size_t from, struct str data)
{
    struct str sse = str_skip(buf_str(out), from);
    int err;

    if (!t->array || str_eq(data, STR("[DONE]"))) /* which some relays add */
        return 0;
    t->spare.len = 0;
    t->spare.max = out->max;
    err = t->writer == NULL && data.ptr != NULL ? generate_element(data, &t->any, &t->spare)
                                                : generate_array(sse, &t->any, &t->spare);
    out->len = from;
    return err < 0 ? err : buf_put(out, buf_str(&t->spare));
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
        w->error_message =
            STR("more than limits.reply_bytes, or limits.exchange_bytes, holds of it");
        return OPENAI_EV_ERROR;
    }
    w->content |= t->content;
    if (t->ended) {
        w->done = true;
        return OPENAI_EV_DONE;
    }
    return t->content ? OPENAI_EV_CONTENT : OPENAI_EV_LIFECYCLE;
}

/* Only the watcher cannot make sense of an event that passes: it passes all the same (R44). */
static bool passes_unread(const struct translation *t, struct str data)
{
    return t->writer == NULL && json_scan(data, JSON_DEPTH_MAX, NULL, NULL, NULL);
}

enum openai_event_kind translate_event(struct exchange *x, struct str name, struct str data,
                                       struct buf *out)
{
    struct translation *t = x->translation;
    bool read;

    start(t, out);
    x->attempt.watch.events++;
    read = t->dialect->decode(t->decoder, name, data, on_chat_event, x) || t->failed || t->err != 0;
    if (!read && !passes_unread(t, data))
        return OPENAI_EV_MALFORMED;
    if (t->err == 0 && !t->failed)
        t->err = as_array(t, out, 0, data);
    return kind_of(x);
}

void translate_over(struct exchange *x, struct buf *out)
{
    struct translation *t = x->translation;

    start(t, out);
    if (t->dialect->decode_end == NULL || x->attempt.watch.done)
        return;
    t->dialect->decode_end(t->decoder, on_chat_event, x);
    if (t->err == 0)
        t->err = as_array(t, out, 0, (struct str){NULL, 0});
    (void)kind_of(x);
}

int translate_end(struct exchange *x, struct buf *out)
{
    struct translation *t = x->translation;
    const struct chat_event end = {.kind = CHAT_EV_END};
    size_t from = out->len;
    int err = t->writer != NULL ? t->surface->put(t->writer, &end, out) : 0;

    if (err == 0)
        err = as_array(t, out, from, (struct str){NULL, 0});
    if (err == 0 && t->array)
        err = buf_put(out, t->any ? STR("]") : STR("[]"));
    if (t->writer != NULL || err < 0)
        return err;
    if (x->attempt.watch.done)
        return 0; /* and it has passed, as it came */
    return x->surface->dialect == CHAT_ANTHROPIC
               ? buf_put(out, STR("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"))
               : 0;
}

/* Events of the Responses API are numbered, and a failed response is told whole: only who wrote the
 * ones before knows how, or has seen them pass.  What was never sent another writer begins anew. */
static int put_failure(struct exchange *x, enum fault f, struct str message, struct buf *out)
{
    struct translation *t = x->translation;
    bool told = x->answer.committed;

    if (t == NULL)
        return responses_put_failure(0, f, message, out);
    if (t->writer == NULL)
        return responses_put_failure(told ? responses_next_number(t->decoder) : 0, f, message, out);
    return t->surface->error_event(told ? t->writer : t->surface->writer_new(&t->told, &t->facts),
                                   f, message, out);
}

bool translate_error(struct exchange *x, enum fault f, struct str message, struct buf *out)
{
    const struct chat_surface *s = chat_surface_get(x->surface->dialect);

    if (x->translation != NULL && x->translation->array) {
        bool any = x->translation->any && x->answer.committed;

        x->translation->spare.len = 0;
        return s->error_body(f, message, STR(""), x->request_id, &x->translation->spare) == 0 &&
               generate_element(buf_str(&x->translation->spare), &any, out) == 0 &&
               buf_put(out, STR("]")) == 0;
    }
    return x->surface->dialect == CHAT_RESPONSES && put_failure(x, f, message, out) == 0;
}

/* A whole answer is told as a stream by a writer, on the same dialect too. */
static bool has_writer(struct exchange *x, struct translation *t)
{
    if (t->writer == NULL && x->req.stream)
        t->writer = t->surface->writer_new(&t->told, &t->facts);
    return t->writer != NULL || !x->req.stream;
}

static enum fault judge_count(struct exchange *x, struct str body, struct str *ret_body)
{
    uint64_t tokens;
    bool count = x->surface->dialect == CHAT_GEMINI ? generate_is_count(body)
                                                    : messages_count_read(body, &tokens);

    *ret_body = body;
    return count ? FAULT_NONE : FAULT_UPSTREAM_BAD_REPLY;
}

enum fault translate_whole(struct exchange *x, struct str body, struct buf *out,
                           struct str *ret_body)
{
    struct translation *t = x->translation;

    if (translation_is_count(x))
        return judge_count(x, body, ret_body);
    if (t->embedding != NULL)
        return translate_embed_whole(x, t->embedding, &t->told, body, out, ret_body);
    if (!has_writer(x, t))
        return FAULT_OVERLOADED;
    start(t, x->req.stream ? out : NULL);
    if (!t->dialect->decode_whole(t->decoder, body, on_chat_event, x) && !t->failed)
        return FAULT_UPSTREAM_BAD_REPLY;
    switch (kind_of(x)) {
    case OPENAI_EV_ERROR:
        return x->attempt.watch.fault;
    case OPENAI_EV_DONE:
        break;
    case OPENAI_EV_LIFECYCLE: /* it is still to be made, as the client wanted (`background`) */
        *ret_body = body;
        return t->writer == NULL ? FAULT_NONE : FAULT_UPSTREAM_BAD_REPLY;
    case OPENAI_EV_CONTENT:
    case OPENAI_EV_USAGE:
    case OPENAI_EV_MALFORMED:
        return FAULT_UPSTREAM_BAD_REPLY;
    }
    if (x->req.stream && as_array(t, out, 0, (struct str){NULL, 0}) < 0)
        return FAULT_UPSTREAM_BAD_REPLY;
    *ret_body = x->req.stream ? buf_str(out) : body;
    if (!x->attempt.watch.finished)
        return FAULT_UPSTREAM_BAD_REPLY;
    if (t->writer == NULL || x->req.stream)
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
