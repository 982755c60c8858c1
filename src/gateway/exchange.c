/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/exchange.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/attempt.h"
#include "gateway/translate.h"

#define WHY_MAX 512u
#define POOL_MAX 512u
/* A body buffer bigger than this is not kept for the next exchange. */
#define KEEP_BUF_BYTES (16u * 1024u)

static void on_timer(struct alarm *a)
{
    struct exchange *x = CONTAINER_OF(a, struct exchange, timer);

    if (x->finished)
        return;
    exchange_wait_end(x);
    attempt_tick(x);
    exchange_wait_begin(x);
}

struct exchange *exchange_new(struct gateway_loop *gl, struct http_call *call,
                              const struct surface *surface)
{
    struct exchange *x = spares_take(&gl->spare_exchanges);

    if (x == NULL)
        x = calloc(1, sizeof(*x));
    if (x == NULL)
        return NULL;
    x->timer.ring = on_timer;
    x->call = call;
    x->gl = gl;
    x->surface = surface;
    x->mem = &call->arena;
    x->attempt.key = KEY_NONE;
    x->answer.last_ms = loop_now_ms(call->loop);
    list_append(&gl->exchanges, &x->link);
    return x;
}

/* Keep a small buffer, forget the rest. */
static void reset(struct exchange *x)
{
    struct buf body = x->attempt.body;

    if (body.cap > KEEP_BUF_BYTES)
        buf_done(&body);
    body.len = 0;
    *x = (struct exchange){.attempt = {.body = body}};
}

static void free_one(void *object)
{
    struct exchange *x = object;

    buf_done(&x->attempt.body);
    free(x);
}

void exchange_free(struct exchange *x)
{
    struct gateway_loop *gl = x->gl;

    assert(x->finished && !x->attempt.running);
    exchange_timer_stop(x);
    list_unlink(&x->link);
    sse_done(&x->attempt.sse);
    http_inflate_free(x->attempt.inflate);
    openai_watch_done(&x->attempt.watch);
    translate_done(x);
    buf_done(&x->passed);
    reset(x);
    if (!spares_put(&gl->spare_exchanges, x, POOL_MAX))
        free_one(x);
}

void exchange_pool_trim(struct gateway_loop *gl)
{
    spares_trim(&gl->spare_exchanges, free_one);
}

void exchange_pool_done(struct gateway_loop *gl)
{
    spares_done(&gl->spare_exchanges, free_one);
}

enum verdict exchange_fail(struct exchange *x, enum fault f, struct str param, const char *fmt, ...)
{
    char text[WHY_MAX];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    x->fault = f;
    x->param = param;
    x->why = arena_dup(x->mem, str_from(text));
    return VERDICT_FAIL;
}

void exchange_timer_at(struct exchange *x, uint64_t due_ms)
{
    if (!alarm_is_set(&x->timer) || due_ms < x->timer.due_ms)
        alarm_set(&x->gl->alarms, &x->timer, due_ms);
}

void exchange_timer_stop(struct exchange *x)
{
    alarm_drop(&x->gl->alarms, &x->timer);
}

void exchange_wait_begin(struct exchange *x)
{
    if (!x->finished && x->waiting_since_ns == 0)
        x->waiting_since_ns = loop_clock_ns();
}

void exchange_wait_end(struct exchange *x)
{
    uint64_t now = loop_turn_ns(x->call->loop);

    if (x->waiting_since_ns == 0)
        return;
    if (now > x->waiting_since_ns) /* what we waited for may have come with what we had */
        x->waited_ns += now - x->waiting_since_ns;
    x->waiting_since_ns = 0;
}

uint64_t exchange_overhead_ns(const struct exchange *x)
{
    uint64_t total = loop_clock_ns() - x->call->started_ns;

    return total > x->waited_ns ? total - x->waited_ns : 0;
}
