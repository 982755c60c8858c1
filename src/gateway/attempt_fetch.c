/*
 * attempt_fetch.c - the HTTP side of a try: the request as it is written, its limits, what its
 * callbacks do with the reply.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/attempt.h"

#include <errno.h>
#include <time.h>

#include "base/log.h"
#include "gateway/retry.h"
#include "gateway/translate.h"
#include "gateway/upstream_head.h"
#include "gateway/upstream_path.h"

#define RACES_MAX 4u /* lost ones of one request, and then it is asked all the same */

enum fault attempt_fetch_fault(const struct http_fetch *f, enum http_failure failure)
{
    switch (failure) {
    case HTTP_FAIL_RESOLVE:
    case HTTP_FAIL_CONNECT:
        return FAULT_UPSTREAM_CONNECT;
    case HTTP_FAIL_TLS:
        return FAULT_UPSTREAM_TLS;
    case HTTP_FAIL_TIMEOUT:
        return f->deadline_hit ? FAULT_DEADLINE : FAULT_UPSTREAM_TIMEOUT;
    case HTTP_FAIL_PROTOCOL:
        return FAULT_UPSTREAM_BAD_REPLY;
    case HTTP_FAIL_LIMIT:
        /* A full queue is one provider's: another may have room. */
        return f->phase == HTTP_PHASE_QUEUE ? FAULT_UPSTREAM_QUEUE : FAULT_UPSTREAM_BAD_REPLY;
    case HTTP_FAIL_NONE:
    case HTTP_FAIL_RESET:
    case HTTP_FAIL_CUT:
        break;
    }
    return FAULT_UPSTREAM_RESET;
}

static bool is_event_stream(const struct exchange *x, const struct http_fields *f)
{
    static const struct str types[] = {
        [CHAT_SSE] = STR_INIT("text/event-stream"),
        [CHAT_LINES] = STR_INIT("application/x-ndjson"),
        [CHAT_EVENTSTREAM] = STR_INIT("application/vnd.amazon.eventstream"),
    };
    const struct str type = types[x->attempt.foreign ? translate_framing(x) : CHAT_SSE];
    struct str v = http_fields_find(f, STR("content-type"));

    return v.len >= type.len && str_eq_nocase(str_make(v.ptr, type.len), type);
}

void attempt_check_version(struct exchange *x, const struct http_fields *reply)
{
    struct provider_state *p = x->attempt.candidate->provider;
    struct str want = p->conf->version, got;

    if (!conf_version_is_field(p->conf))
        return;
    got = http_fields_find(reply, p->conf->version_header);
    if (got.ptr == NULL || str_eq(got, want))
        return;
    metric_add(x->gl->shard, x->gl->gw->series.versions[p->conf->index], 1);
    if (!atomic_exchange(&p->version_warned, true))
        log_warn("provider %.*s answered with %.*s: %.*s, but %.*s is pinned",
                 STR_ARG(p->conf->name), STR_ARG(p->conf->version_header), STR_ARG(got),
                 STR_ARG(want));
}

static int64_t wall_clock_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    return now.tv_sec;
}

static void on_refusal(struct exchange *x, const struct http_reply_in *head)
{
    x->attempt.retry_after_ms = retry_after_ms(&head->fields, wall_clock_s());
}

/* The clock is read once for what one read brought: on_batch(), on_end() or on_fail() is still to
 * come, unless the try has just ended. */
static void wait_unless_more(struct exchange *x)
{
    if (!x->attempt.running)
        exchange_wait_begin(x);
}

/* The reply's fields go to the client; what they describe is written anew. */
static void retitle(struct http_fields *reply, bool stream)
{

    for (uint32_t i = 0; i < reply->count; i++) {
        if (str_eq_nocase(reply->at[i].name, STR("content-type")))
            reply->at[i].value = stream ? STR("text/event-stream") : STR("application/json");
    }
}

static NOINLINE void learn_told(struct exchange *x, const struct http_fields *reply)
{
    struct allowance_told told;
    struct timespec now;

    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (allowance_read(reply, (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000, &told))
        allowance_learn(x->attempt.allowance, &x->attempt.mark, &told,
                        x->gl->gw->conf->retry.rate_limit_rest_max_ms, exchange_now_ms(x));
}

/* Also what a refusal says of it. */
static void learn_allowance(struct exchange *x, const struct http_fields *reply)
{
    if (x->attempt.allowance != NULL && allowance_is_told(reply))
        learn_told(x, reply);
}

static void on_head(struct http_fetch *f, const struct http_reply_in *head)
{
    struct exchange *x = f->user;
    struct attempt *a = &x->attempt;

    bool stream = is_event_stream(x, &head->fields);

    exchange_wait_end(x);
    a->status = head->status;
    a->reply = head->fields;
    attempt_check_version(x, &head->fields);
    learn_allowance(x, &head->fields);
    if (a->foreign && !translate_passes(x))
        retitle(&a->reply, stream);
    if (head->status >= 300)
        on_refusal(x, head);
    else if (x->req.stream && stream)
        events_begin(x);
    if (http_inflate_new(http_fields_find(&head->fields, STR("content-encoding")), &a->inflate) <
        0) {
        http_fetch_cancel(f);
        attempt_over(x, FAULT_UPSTREAM_BAD_REPLY,
                     "%.*s: the reply is in a coding nobody asked for.",
                     STR_ARG(attempt_target_name(x)));
    }
    wait_unless_more(x);
}

static bool take_plain(void *ctx, struct str bytes)
{
    struct exchange *x = ctx;

    if (x->attempt.events)
        events_feed(x, bytes);
    else
        whole_feed(x, bytes);
    return x->attempt.running;
}

static void take_coded(struct exchange *x, struct str bytes)
{
    if (http_inflate_feed(x->attempt.inflate, bytes, take_plain, x) != -EPROTO)
        return;
    events_flush(x);
    http_fetch_cancel(&x->attempt.fetch);
    attempt_over(x, FAULT_UPSTREAM_BAD_REPLY, "%.*s: the reply's content coding is broken.",
                 STR_ARG(attempt_target_name(x)));
}

static enum flow on_body(struct http_fetch *f, struct str bytes)
{
    struct exchange *x = f->user;

    exchange_wait_end(x);
    if (x->attempt.inflate != NULL)
        take_coded(x, bytes);
    else
        take_plain(x, bytes);
    wait_unless_more(x);
    return x->answer.held ? FLOW_HOLD : FLOW_MORE;
}

static void on_batch(struct http_fetch *f)
{
    struct exchange *x = f->user;

    if (x->attempt.events)
        events_flush(x);
    else
        whole_flush(x);
    exchange_lighten(x);
    exchange_wait_begin(x);
}

static void on_end(struct http_fetch *f)
{
    struct exchange *x = f->user;

    exchange_wait_end(x);
    if (x->attempt.events)
        events_end(x);
    else
        whole_end(x);
    exchange_wait_begin(x);
}

static const char *limit_name(const struct exchange *x, enum http_phase p)
{
    switch (p) {
    case HTTP_PHASE_QUEUE:
        return "upstream.queue";
    case HTTP_PHASE_RESOLVE:
    case HTTP_PHASE_CONNECT:
    case HTTP_PHASE_TLS:
        return "timeouts.connect";
    case HTTP_PHASE_SEND:
    case HTTP_PHASE_HEADERS:
        return x->req.stream ? "timeouts.headers" : "timeouts.first_content";
    case HTTP_PHASE_BODY:
        return "timeouts.idle";
    }
    return "";
}

static void fail_timeout(struct exchange *x, const struct http_fetch *f)
{
    struct str name = attempt_target_name(x);

    if (f->deadline_hit)
        attempt_over(x, FAULT_DEADLINE,
                     "No answer within the total limit of %u ms (last asked: %.*s).", x->total_ms,
                     STR_ARG(name));
    else
        attempt_over(x, FAULT_UPSTREAM_TIMEOUT, "%.*s: the limit %s passed.", STR_ARG(name),
                     limit_name(x, f->phase));
}

static void on_fail(struct http_fetch *f, enum http_failure failure, const char *why)
{
    struct exchange *x = f->user;
    struct attempt *a = &x->attempt;
    enum fault fault = attempt_fetch_fault(f, failure);

    exchange_wait_end(x);
    /* The answer is whole: all that is missing is an orderly end of the connection. */
    if (a->events && !f->deadline_hit && events_are_whole(x)) {
        events_end(x);
    } else if (failure == HTTP_FAIL_TIMEOUT) {
        events_flush(x);
        fail_timeout(x, f);
    } else {
        events_flush(x);
        if (x->answer.committed && fault == FAULT_UPSTREAM_RESET)
            fault = FAULT_UPSTREAM_TRUNCATED;
        attempt_over(x, fault, "%.*s: %s", STR_ARG(attempt_target_name(x)), why);
    }
    exchange_wait_begin(x);
}

static const struct http_fetch_ops fetch_ops = {
    .on_head = on_head,
    .on_body = on_body,
    .on_batch = on_batch,
    .on_end = on_end,
    .on_fail = on_fail,
};

static struct str surface_path(enum openai_surface s)
{
    switch (s) {
    case OPENAI_CHAT:
        return STR("/chat/completions");
    case OPENAI_COMPLETIONS:
        return STR("/completions");
    case OPENAI_EMBEDDINGS:
        return STR("/embeddings");
    case OPENAI_RESPONSES:
        return STR("/responses");
    }
    return STR("");
}

/* For a whole answer the head cannot come before the model is done: there the first-content limit
 * is the one that applies. */
static uint32_t headers_limit(const struct exchange *x, const struct conf_timeouts *t)
{
    if (x->req.stream || t->headers_ms == 0)
        return t->headers_ms;
    if (t->first_content_ms == 0)
        return 0;
    return t->headers_ms > t->first_content_ms ? t->headers_ms : t->first_content_ms;
}

/* Room for one more record; most exchanges need the first few only. */
static bool open_record(struct exchange *x)
{
    uint32_t n = x->records_count;
    struct attempt_record *bigger;

    if ((n & (n - 1)) == 0 && (n == 0 || n >= 2)) { /* 0, 2, 4, 8 … are full */
        bigger = arena_array(x->mem, n == 0 ? 2 : (size_t)n * 2, sizeof(*bigger));
        if (bigger == NULL)
            return false;
        if (n > 0)
            memcpy(bigger, x->records, n * sizeof(*bigger));
        x->records = bigger;
    }
    x->records_count++;
    return true;
}

static bool write_request(struct exchange *x)
{
    struct attempt *a = &x->attempt;
    const struct conf_target *t = a->candidate->target;
    struct http_request_out *r = &a->fetch.request;
    struct upstream_head head = {.provider = t->provider,
                                 .key = a->key,
                                 .token = x->token,
                                 .method = STR("POST"),
                                 .path = surface_path(x->surface->openai),
                                 .stream = x->req.stream};

    a->foreign = translate_applies(x, t);
    if (a->foreign) {
        if (!translate_request(x, &head.path))
            return false;
    } else {
        int written = translate_own(x);

        if (written < 0)
            return false;
        if (written == 0)
            r->body_count =
                openai_request_splice(x->mem, &x->req, t->model, t->provider->ask_usage, r->body);
        if (r->body_count == 0)
            return false;
    }
    head.path = upstream_path(x->mem, t->provider, t->model, head.path);
    if (head.path.ptr == NULL)
        return false;
    head.body = r->body;
    head.body_count = r->body_count;
    head.now_s = wall_clock_s();
    for (unsigned i = 0; i < r->body_count; i++)
        head.length += (int64_t)r->body[i].len;
    r->head = upstream_head(x, &head);
    return r->head.ptr != NULL;
}

/* The memory of the try before is used again. */
static void forget_last(struct exchange *x)
{
    struct attempt *a = &x->attempt;
    struct buf body = a->body;
    uint32_t key = a->key;

    sse_done(&a->sse);
    http_inflate_free(a->inflate);
    openai_watch_done(&a->watch);
    body.len = 0;
    *a = (struct attempt){.body = body, .key = key};
}

static void fill(struct exchange *x, struct candidate *c)
{
    struct attempt *a = &x->attempt;
    const struct conf_timeouts *t = &c->target->timeouts;

    a->candidate = c;
    a->started_ns = loop_clock_ns();
    a->fetch.ops = &fetch_ops;
    a->fetch.client = x->gl->client;
    a->fetch.origin = c->provider->origin;
    a->fetch.arena = x->mem;
    a->fetch.user = x;
    a->fetch.limits = (struct http_limits){.connect_ms = t->connect_ms,
                                           .headers_ms = headers_limit(x, t),
                                           .idle_ms = t->idle_ms,
                                           .deadline_ms = x->deadline_ms};
    openai_watch_init(&a->watch, x->surface->openai, x->mem);
    a->watch.inputs = x->req.inputs;
}

static void arm_timers(struct exchange *x)
{
    const struct conf *c = x->gl->gw->conf;
    uint32_t first = x->attempt.candidate->target->timeouts.first_content_ms;

    if (!x->req.stream)
        return;
    if (first != 0) {
        x->attempt.first_content_due_ms = exchange_now_ms(x) + first;
        exchange_timer_at(x, x->attempt.first_content_due_ms);
    }
    if (c->stream.keepalive != KEEPALIVE_OFF && c->stream.keepalive_ms != 0)
        exchange_timer_at(x, x->answer.last_ms + c->stream.keepalive_ms);
}

/* Of the key, where somebody counts.  False: others were faster with the last of it, and there is
 * somebody else to ask. */
static bool take_allowance(struct exchange *x, struct candidate *c)
{
    struct attempt *a = &x->attempt;
    struct route *r = &x->route;

    if (c->allowances == NULL)
        return true;
    a->allowance = &c->allowances[a->key != KEY_NONE ? a->key : 0];
    if (!r->scarce && r->raced < RACES_MAX) {
        if (allowance_take(a->allowance, r->tokens, exchange_now_ms(x), &a->mark))
            return true;
        r->raced++;
        return false;
    }
    a->mark = allowance_send(a->allowance, r->tokens);
    return true;
}

static enum verdict not_started(struct exchange *x)
{
    if (x->attempt.allowance != NULL)
        allowance_return(x->attempt.allowance, &x->attempt.mark);
    if (x->fault != FAULT_NONE)
        return VERDICT_FAIL; /* and it has said why */
    return exchange_fail(x, FAULT_OVERLOADED, STR(""), "limits.exchange_bytes is reached.");
}

enum verdict attempt_fetch_start(struct exchange *x, struct candidate *c)
{
    forget_last(x);
    fill(x, c);
    x->fault = FAULT_NONE;
    if (!write_request(x))
        return not_started(x);
    if (!take_allowance(x, c))
        return VERDICT_NEXT;
    if (!open_record(x) || http_fetch_start(&x->attempt.fetch) < 0)
        return not_started(x);
    c->asked++;
    x->counted++;
    x->attempt.running = true;
    if (x->records_count > 1 && x->last_fault != FAULT_NONE)
        metric_add(x->gl->shard, x->gl->gw->series.retries[x->last_fault], 1);
    arm_timers(x);
    return VERDICT_WAIT;
}
