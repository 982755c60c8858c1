/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/answer.h"

#include <errno.h>

#include "base/decimal.h"
#include "base/log.h"
#include "gateway/exchange.h"
#include "gateway/forward.h"
#include "gateway/translate.h"

#define OWN_FIELDS_MAX 8u /* what we add to what the upstream sent */

static struct str target_name(struct exchange *x)
{
    const struct conf_target *t;

    if (x->attempt.candidate == NULL)
        return (struct str){NULL, 0};
    t = x->attempt.candidate->target;
    if (t->model.len == 0)
        return t->provider->name;
    return arena_join(x->mem, (struct str[]){t->provider->name, STR("/"), t->model}, 3);
}

static struct str decimal(struct arena *a, uint64_t n)
{
    char digits[DECIMAL_BYTES_MAX];

    return arena_dup(a, decimal_write(n, digits));
}

int answer_fields(struct exchange *x, struct http_fields *f)
{
    struct str target = target_name(x);
    struct str attempts = decimal(x->mem, x->records_count);
    struct str overhead = decimal(x->mem, exchange_overhead_ns(x) / 1000);
    struct str dropped = translate_dropped(x);
    int err;

    err = http_fields_reserve(f, x->mem, x->attempt.reply.count + OWN_FIELDS_MAX);
    if (err == 0)
        err = http_fields_add(f, x->mem, STR("x-request-id"), x->request_id);
    if (err == 0 && target.ptr != NULL)
        err = http_fields_add(f, x->mem, STR("x-dragoman-target"), target);
    if (err == 0 && attempts.ptr != NULL)
        err = http_fields_add(f, x->mem, STR("x-dragoman-attempts"), attempts);
    if (err == 0 && overhead.ptr != NULL)
        err = http_fields_add(f, x->mem, STR("x-dragoman-overhead-us"), overhead);
    if (err == 0 && x->surface->dialect == CHAT_ANTHROPIC)
        err = http_fields_add(f, x->mem, STR("request-id"), x->request_id);
    if (err == 0 && dropped.len > 0)
        err = http_fields_add(f, x->mem, STR("x-dragoman-dropped-params"), dropped);
    return err;
}

/* A field of one maker's API means nothing to a client of another's. */
static bool is_foreign(const struct exchange *x, struct str name)
{
    static const struct str prefixes[] = {STR_INIT("anthropic-"), STR_INIT("openai-"),
                                          STR_INIT("x-goog-")};

    if (!x->attempt.foreign || translate_passes(x))
        return false;
    for (size_t i = 0; i < COUNTOF(prefixes); i++) {
        if (name.len > prefixes[i].len &&
            str_eq_nocase(str_make(name.ptr, prefixes[i].len), prefixes[i]))
            return true;
    }
    return false;
}

int answer_upstream_fields(struct exchange *x, struct http_fields *f,
                           const struct http_fields *reply, bool encoded)
{
    struct str connection = http_fields_join(reply, x->mem, STR("connection"));

    for (uint32_t i = 0; i < reply->count; i++) {
        struct str name = reply->at[i].name;

        if (forward_down(name, connection, encoded) && !is_foreign(x, name) &&
            http_fields_add(f, x->mem, name, reply->at[i].value) < 0)
            return -ENOMEM;
    }
    return 0;
}

void answer_whole(struct exchange *x, unsigned status, const struct http_fields *f, struct str body)
{
    x->answer.head_sent = x->answer.committed = x->answer.ended = true;
    http_reply(x->call, status, f, body);
}

void answer_json(struct exchange *x, unsigned status, struct str body)
{
    struct http_fields f = {0};

    if (answer_fields(x, &f) < 0 ||
        http_fields_add(&f, x->mem, STR("content-type"), STR("application/json")) < 0)
        f = (struct http_fields){0};
    answer_whole(x, status, &f, body);
}

/* A stream that is no stream of events. */
static void retitle(struct http_fields *f)
{
    for (uint32_t i = 0; i < f->count; i++) {
        if (str_eq_nocase(f->at[i].name, STR("content-type")))
            f->at[i].value = STR("application/json");
    }
}

static int stream_fields(struct exchange *x, struct http_fields *f)
{
    const struct http_fields *reply = &x->attempt.reply;
    int err = answer_fields(x, f);

    /* The reply's own content-type goes with its other fields; a keep-alive has none yet. */
    if (err == 0 && x->attempt.events)
        err = answer_upstream_fields(x, f, reply, false);
    if (err == 0 && http_fields_find(f, STR("content-type")).ptr == NULL)
        err = http_fields_add(f, x->mem, STR("content-type"), STR("text/event-stream"));
    if (err == 0 && translate_array(x))
        retitle(f);
    if (err == 0 && http_fields_find(f, STR("cache-control")).ptr == NULL)
        err = http_fields_add(f, x->mem, STR("cache-control"), STR("no-cache"));
    if (err == 0)
        err = http_fields_add(f, x->mem, STR("x-accel-buffering"), STR("no"));
    return err;
}

void answer_stream_open(struct exchange *x)
{
    struct http_fields f = {0};

    if (x->answer.head_sent)
        return;
    x->answer.head_sent = true;
    if (stream_fields(x, &f) < 0)
        log_warn("limits.exchange_bytes is reached: fields of an answer were left out");
    http_reply_head(x->call, 200, &f, -1);
}

void answer_bytes(struct exchange *x, const struct str *pieces, unsigned n)
{
    if (x->answer.ended || x->call->left)
        return;
    x->answer.last_ms = exchange_now_ms(x);
    if (http_reply_body(x->call, pieces, n) == FLOW_HOLD)
        x->answer.held = true;
}

void answer_end(struct exchange *x)
{
    if (x->answer.ended || x->call->left)
        return;
    x->answer.ended = true;
    http_reply_end(x->call);
}

void answer_last(struct exchange *x, struct str bytes)
{
    if (x->answer.ended || x->call->left)
        return;
    x->answer.ended = true;
    http_reply_last(x->call, bytes);
}
