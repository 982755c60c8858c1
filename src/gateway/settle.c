/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/settle.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "base/log.h"
#include "gateway/exchange.h"

#define LINE_MAX_BYTES 1024u /* R61 */
#define NAME_MAX_BYTES 100
#define ATTEMPTS_LOGGED 8u

static void count_tokens(struct exchange *x)
{
    const struct openai_usage *u = &x->attempt.watch.usage;
    const struct series *s = &x->gl->gw->series;

    if (u->source != USAGE_REPORTED)
        return;
    metric_add(x->gl->shard, s->tokens_prompt, u->prompt);
    metric_add(x->gl->shard, s->tokens_completion, u->completion);
    metric_add(x->gl->shard, s->tokens_cached, u->cached);
    metric_add(x->gl->shard, s->tokens_reasoning, u->reasoning);
}

void settle_metrics(struct exchange *x)
{
    const struct gateway *g = x->gl->gw;
    const struct series *s = &g->series;
    struct metric_shard *shard = x->gl->shard;
    enum surface_id id = x->surface->id;
    uint32_t model = x->alias != NULL ? x->alias->index : g->conf->models_count;
    uint64_t total_ns = loop_clock_ns() - x->call->started_ns;

    metric_gauge(shard, s->in_flight, -1);
    metric_add(shard, s->requests[id][x->fault], 1);
    metric_observe(shard, s->request_seconds[id], total_ns / 1000);
    metric_observe(shard, s->overhead,
                   (total_ns > x->waited_ns ? total_ns - x->waited_ns : 0) / 1000);
    if (x->first_content_ns != 0)
        metric_observe(shard, s->ttft[model], (x->first_content_ns - x->call->started_ns) / 1000);
    count_tokens(x);
}

#define TAIL_BYTES 32u

/* A line of bounded length; what does not fit is left out whole, and the tail always fits: the line
 * is JSON whatever a client puts into its names. */
struct line {
    char text[LINE_MAX_BYTES];
    size_t len;
};

static bool put(struct line *l, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* False when it did not fit. */
static bool put(struct line *l, const char *fmt, ...)
{
    size_t room = sizeof(l->text) - TAIL_BYTES - l->len;
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(l->text + l->len, room, fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= room)
        return false;
    l->len += (size_t)n;
    return true;
}

/* "2026-01-31T12:00:00.123Z"; the part up to the second is kept for the second's other lines. */
static void put_time(struct line *l)
{
    static _Thread_local char second[24];
    static _Thread_local time_t at;
    struct timespec now;
    struct tm tm;

    clock_gettime(CLOCK_REALTIME, &now);
    if (now.tv_sec != at) {
        gmtime_r(&now.tv_sec, &tm);
        strftime(second, sizeof(second), "%Y-%m-%dT%H:%M:%S", &tm);
        at = now.tv_sec;
    }
    put(l, "{\"time\":\"%s.%03ldZ\"", second, now.tv_nsec / 1000000);
}

/* A string from outside, quoted; cut when it is long, and the more the more of it is escaped. */
static void put_text(struct line *l, struct exchange *x, const char *key, struct str s)
{
    struct str quoted;

    if (s.len > NAME_MAX_BYTES)
        s.len = NAME_MAX_BYTES;
    quoted = json_quote(x->mem, s);
    if (quoted.len > NAME_MAX_BYTES + NAME_MAX_BYTES / 2)
        quoted = json_quote(x->mem, str_make(s.ptr, s.len / 6));
    if (quoted.ptr != NULL)
        put(l, ",\"%s\":%.*s", key, STR_ARG(quoted));
}

static void put_attempts(struct line *l, const struct exchange *x)
{
    uint32_t n = x->records_count < ATTEMPTS_LOGGED ? x->records_count : ATTEMPTS_LOGGED;
    bool open = put(l, ",\"attempts\":["), first = true;

    for (uint32_t i = 0; open && i < n; i++) {
        const struct attempt_record *r = &x->records[i];

        if (r->target != NULL &&
            put(l, "%s{\"target\":\"%.*s\",\"outcome\":\"%s\",\"status\":%u,\"ms\":%u}",
                first ? "" : ",", STR_ARG(r->target->provider->name), fault_info(r->fault)->wire,
                r->status, r->ms))
            first = false;
    }
    l->len += (size_t)snprintf(l->text + l->len, TAIL_BYTES, "%s,\"calls\":%u}", open ? "]" : "",
                               x->records_count);
}

static void put_tokens(struct line *l, const struct exchange *x)
{
    static const char *const sources[] = {
        [USAGE_ABSENT] = "absent", [USAGE_REPORTED] = "reported", [USAGE_ESTIMATED] = "estimated"};
    const struct openai_usage *u = &x->attempt.watch.usage;

    if (u->source == USAGE_ABSENT)
        put(l, ",\"tokens\":{\"source\":\"%s\"}", sources[u->source]);
    else
        put(l, ",\"tokens\":{\"source\":\"%s\",\"prompt\":%llu,\"completion\":%llu}",
            sources[u->source], (unsigned long long)u->prompt, (unsigned long long)u->completion);
}

static void put_clocks(struct line *l, const struct exchange *x)
{
    uint64_t start = x->call->started_ns;

    if (x->first_content_ns != 0)
        put(l, ",\"ttft_ms\":%.1f", (double)(x->first_content_ns - start) / 1e6);
    put(l, ",\"total_ms\":%.1f,\"overhead_us\":%llu", (double)(loop_clock_ns() - start) / 1e6,
        (unsigned long long)(exchange_overhead_ns(x) / 1000));
    put(l, ",\"bytes_in\":%llu,\"bytes_out\":%llu", (unsigned long long)x->call->bytes_in,
        (unsigned long long)x->call->bytes_out);
}

/* A function of its own: the line's memory is cleared where it comes to life. */
static NOINLINE void write_line(struct exchange *x)
{
    struct line l = {.len = 0};
    unsigned status = x->call->status != 0 ? x->call->status : fault_info(x->fault)->http;

    put_time(&l);
    put_text(&l, x, "id", x->request_id);
    put_text(&l, x, "principal", x->principal != NULL ? x->principal->name : STR("-"));
    put(&l, ",\"peer\":\"%s\",\"surface\":\"%s\"", x->call->peer, x->surface->name);
    put_text(&l, x, "model", x->req.model);
    put(&l, ",\"status\":%u,\"outcome\":\"%s\",\"stream\":%s", status, fault_info(x->fault)->wire,
        x->req.stream ? "true" : "false");
    put_tokens(&l, x);
    put_clocks(&l, x);
    put_attempts(&l, x);
    log_access(str_make(l.text, l.len));
}

void settle_log(struct exchange *x)
{
    if (log_access_on())
        write_line(x);
}
