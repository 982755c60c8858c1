/*
 * events.c - an event stream on its way through: held, committed, watched, ended.
 *
 * Until the first content-bearing event everything is held, so that any failure can still go to
 * another target.  Then the bytes go out as they came, one write for what one read brought.  Only
 * whole events are passed on: a cut can then be told by an error event that the client can parse.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>

#include "gateway/answer.h"
#include "gateway/attempt.h"
#include "gateway/translate.h"
#include "llm/chat_surface.h"
#include "llm/eventstream.h"
#include "llm/lines.h"

#define DONE_EVENT "data: [DONE]\n\n"
/* A flush before this much has gathered is the read's end; past it a firehose is passed on early.
 */
#define GATHER_BYTES (128u * 1024u)
/* After [DONE], an upstream may take this long to end its reply before we close. */
#define LINGER_MS 250u

/* What stops a feed, noted by the event handler and acted on behind it. */
struct feed {
    struct exchange *x;
    enum fault fault;
    const char *what;
};

void events_begin(struct exchange *x)
{
    struct attempt *a = &x->attempt;

    a->events = true;
    a->sse.part.max = x->gl->gw->conf->limits.event_bytes;
    a->sse.data.max = x->gl->gw->conf->limits.event_bytes;
    a->body.max = x->gl->gw->conf->limits.held_bytes;
}

static int gather(struct exchange *x, struct str bytes)
{
    if (!x->answer.committed)
        return buf_put(&x->attempt.body, bytes);
    return buf_put(&x->gl->out, bytes);
}

/* Content is here: from now on this target's answer is the answer. */
static void commit(struct exchange *x)
{
    struct attempt *a = &x->attempt;

    if (x->answer.committed)
        return;
    x->first_content_ns = loop_turn_ns(x->call->loop);
    a->first_content_due_ms = 0;
    answer_stream_open(x);
    x->answer.committed = true;
    if (a->body.len > 0 && buf_put(&x->gl->out, buf_str(&a->body)) < 0)
        a->body.len = 0;
    buf_done(&a->body);
}

static bool stop(struct feed *f, enum fault fault, const char *what)
{
    f->fault = fault;
    f->what = what;
    return false;
}

static bool pass(struct feed *f, struct str raw, bool rewritten)
{
    struct exchange *x = f->x;
    int err;

    if (!rewritten) {
        err = gather(x, raw);
    } else {
        err = gather(x, STR("data: "));
        if (err == 0)
            err = gather(x, buf_str(&x->gl->rewrite));
        if (err == 0)
            err = gather(x, STR("\n\n"));
    }
    return err == 0 ||
           stop(f, FAULT_UPSTREAM_BAD_REPLY, "more than limits.held_bytes before any content");
}

static bool on_done(struct feed *f)
{
    const struct openai_watch *w = &f->x->attempt.watch;

    if (w->finished)
        return true; /* events_end() writes [DONE], in the same write as the end */
    if (!w->content)
        return stop(f, FAULT_UPSTREAM_EMPTY, "the stream ended without any content");
    return stop(f, FAULT_UPSTREAM_TRUNCATED, "the stream ended without a finish reason");
}

static bool on_error(struct feed *f)
{
    struct openai_watch *w = &f->x->attempt.watch;

    return stop(f, w->fault != FAULT_NONE ? w->fault : FAULT_UPSTREAM_ERROR, NULL);
}

static bool on_malformed(struct feed *f)
{
    struct exchange *x = f->x;
    const struct gateway *g = x->gl->gw;
    uint32_t provider = x->attempt.candidate->target->provider->index;

    metric_add(x->gl->shard, g->series.malformed[provider], 1);
    if (g->conf->stream.malformed == MALFORMED_SKIP)
        return true;
    return stop(f, FAULT_UPSTREAM_BAD_REPLY, "an event of the stream is not JSON");
}

static bool is_usage_asked(const struct exchange *x)
{
    return x->req.wants_usage || !x->attempt.candidate->target->provider->ask_usage;
}

/* A target of another dialect, or of a dialect that both sides speak and openai_watch.c does not.
 */
static bool on_foreign(struct feed *f, struct str name, struct str data, struct str raw)
{
    struct exchange *x = f->x;
    struct buf *out = &x->gl->rewrite;
    enum openai_event_kind kind;

    if (x->attempt.watch.done)
        return true;
    out->len = 0;
    kind = translate_event(x, name, data, out);
    if (kind == OPENAI_EV_ERROR)
        return on_error(f);
    if (kind == OPENAI_EV_MALFORMED)
        return on_malformed(f);
    if (x->attempt.watch.content)
        commit(x);
    if (kind == OPENAI_EV_DONE && !on_done(f))
        return false;
    return pass(f, translate_as_it_came(x) ? raw : buf_str(out), false);
}

static bool on_line(void *ctx, struct str line)
{
    return on_foreign(ctx, STR(""), line, line);
}

static bool on_foreign_event(void *ctx, const struct sse_event *ev)
{
    return on_foreign(ctx, ev->name, ev->data, ev->raw);
}

/* A failure of a kind that the dialect does not know is one all the same. */
static bool on_message(void *ctx, const struct eventstream_message *m)
{
    struct feed *f = ctx;

    if (!on_foreign(f, m->type, m->payload, str_make(NULL, 0)))
        return false;
    return !m->failure || f->x->attempt.watch.done ||
           stop(f, FAULT_UPSTREAM_ERROR, "the stream ended with an exception");
}

static bool on_event(void *ctx, const struct sse_event *ev)
{
    struct feed *f = ctx;
    struct exchange *x = f->x;
    struct attempt *a = &x->attempt;
    bool rewritten = false;

    if (a->watch.done)
        return true; /* nothing counts behind [DONE] */
    x->gl->rewrite.len = 0;
    switch (openai_watch_event(&a->watch, ev->name, ev->data, &x->gl->rewrite, &rewritten)) {
    case OPENAI_EV_LIFECYCLE:
        return pass(f, ev->raw, rewritten);
    case OPENAI_EV_CONTENT:
        commit(x);
        return pass(f, ev->raw, rewritten);
    case OPENAI_EV_USAGE:
        return !is_usage_asked(x) || pass(f, ev->raw, rewritten);
    case OPENAI_EV_DONE:
        return on_done(f);
    case OPENAI_EV_ERROR:
        return on_error(f);
    case OPENAI_EV_MALFORMED:
        return on_malformed(f);
    }
    return true;
}

/* End the try for what the feed ran into; what had come before it goes out first. */
static void fail(struct exchange *x, enum fault fault, const char *what)
{
    struct openai_watch *w = &x->attempt.watch;
    struct str name = attempt_target_name(x);

    events_flush(x);
    if (x->finished)
        return; /* the client left while we wrote */
    http_fetch_cancel(&x->attempt.fetch);
    if (what != NULL)
        attempt_over(x, fault, "%.*s: %s.", STR_ARG(name), what);
    else
        attempt_over(x, fault, "%.*s sent an error: %.*s", STR_ARG(name),
                     STR_ARG(w->error_message));
}

static int cut(struct exchange *x, struct str bytes, struct feed *f)
{
    struct sse *sse = &x->attempt.sse;

    if (!x->attempt.foreign)
        return sse_feed(sse, bytes, on_event, f);
    switch (translate_framing(x)) {
    case CHAT_LINES:
        return lines_feed(&sse->part, bytes, on_line, f);
    case CHAT_EVENTSTREAM:
        return eventstream_feed(&sse->part, bytes, on_message, f);
    case CHAT_SSE:
        break;
    }
    return sse_feed(sse, bytes, on_foreign_event, f);
}

void events_feed(struct exchange *x, struct str bytes)
{
    struct feed f = {.x = x};
    int err = cut(x, bytes, &f);

    if (err == -ECANCELED)
        fail(x, f.fault, f.what);
    else if (err == -EBADMSG)
        fail(x, FAULT_UPSTREAM_BAD_REPLY, "the framing of the stream is broken");
    else if (err < 0)
        fail(x, FAULT_UPSTREAM_BAD_REPLY, "one event is larger than limits.event_bytes");
    else if (x->gl->out.len >= GATHER_BYTES)
        events_flush(x);
}

void events_flush(struct exchange *x)
{
    struct buf *out = &x->gl->out;
    struct str bytes = buf_str(out);

    if (x->attempt.events && x->attempt.watch.done && x->answer.linger_until_ms == 0) {
        x->answer.linger_until_ms = exchange_now_ms(x) + LINGER_MS;
        exchange_timer_at(x, x->answer.linger_until_ms);
    }
    if (bytes.len == 0)
        return;
    out->len = 0; /* before the write: it may end the exchange, and the next one starts empty */
    answer_bytes(x, &bytes, 1);
}

/* Without [DONE], choices that were asked for and never began are missing, too. */
static bool is_whole(const struct exchange *x)
{
    const struct openai_watch *w = &x->attempt.watch;

    return w->finished && (w->done || w->choices_finished >= x->req.choices);
}

/* What the end itself tells, where a dialect has no last event. */
static void hear_end(struct exchange *x)
{
    struct feed f = {.x = x};
    struct buf *out = &x->gl->rewrite;

    out->len = 0;
    translate_over(x, out);
    if (x->attempt.watch.content)
        commit(x);
    (void)pass(&f, buf_str(out), false);
}

bool events_are_whole(struct exchange *x)
{
    if (x->attempt.foreign && !x->attempt.watch.finished)
        hear_end(x);
    return x->attempt.watch.finished;
}

/* False: the try is over. */
static bool foreign_over(struct exchange *x)
{
    struct feed f = {.x = x};

    if (translate_framing(x) == CHAT_LINES &&
        lines_end(&x->attempt.sse.part, on_line, &f) == -ECANCELED) {
        fail(x, f.fault, f.what);
        return false;
    }
    hear_end(x);
    return true;
}

void events_told(struct exchange *x, struct str events)
{
    struct feed f = {.x = x};

    commit(x);
    (void)pass(&f, events, false); /* without room the end is a cut, and seen */
    events_end(x);
}

void events_end(struct exchange *x)
{
    struct attempt *a = &x->attempt;
    const struct openai_watch *w = &a->watch;
    struct buf *out = &x->gl->out;
    struct str bytes;

    if (a->foreign && !foreign_over(x))
        return;
    if (!is_whole(x)) {
        fail(x, w->content ? FAULT_UPSTREAM_TRUNCATED : FAULT_UPSTREAM_EMPTY,
             w->content ? "the stream ended without a finish reason"
                        : "the stream ended without any content");
        return;
    }
    if ((a->foreign ? translate_end(x, out) : buf_put(out, STR(DONE_EVENT))) < 0)
        out->len = 0;
    bytes = buf_str(out);
    out->len = 0;
    answer_last(x, bytes);
    if (!x->finished)
        attempt_done(x);
}

void events_keepalive(struct exchange *x)
{
    struct str bytes = STR(": keep-alive\n\n");

    if (x->gl->gw->conf->stream.keepalive == KEEPALIVE_CHUNK)
        bytes = STR("data: {\"id\":\"\",\"object\":\"chat.completion.chunk\",\"created\":0,"
                    "\"model\":\"\",\"choices\":[]}\n\n");
    if (x->gl->gw->conf->stream.keepalive == KEEPALIVE_CHUNK &&
        x->surface->openai == OPENAI_COMPLETIONS)
        bytes =
            STR("data: {\"id\":\"\",\"object\":\"text_completion\",\"created\":0,\"model\":\"\","
                "\"choices\":[]}\n\n");
    if (x->surface->dialect != CHAT_OPENAI)
        bytes = chat_surface_get(x->surface->dialect)->keepalive;
    if (translate_array(x))
        bytes = STR("\n");
    answer_stream_open(x);
    answer_bytes(x, &bytes, 1);
}
