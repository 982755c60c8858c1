/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/exchange.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/attempt.h"

#define WHY_MAX 512u
#define POOL_MAX 512u
/* A body buffer bigger than this is not kept for the next exchange. */
#define KEEP_BUF_BYTES (16u * 1024u)

static void on_timer(uv_timer_t *t)
{
    struct exchange *x = t->data;

    x->timer_due_ms = 0;
    if (x->finished)
        return;
    exchange_wait_end(x);
    attempt_tick(x);
    exchange_wait_begin(x);
}

static struct exchange *pool_take(struct gateway_loop *gl)
{
    struct exchange *x = gl->free_exchanges;

    if (x != NULL) {
        gl->free_exchanges = x->next_free;
        gl->free_exchanges_count--;
        return x;
    }
    x = calloc(1, sizeof(*x));
    if (x == NULL)
        return NULL;
    if (uv_timer_init(&gl->loop->uv, &x->timer) < 0) {
        free(x);
        return NULL;
    }
    x->timer.data = x;
    return x;
}

struct exchange *exchange_new(struct gateway_loop *gl, struct http_call *call,
                              const struct surface *surface)
{
    struct exchange *x = pool_take(gl);

    if (x == NULL)
        return NULL;
    x->call = call;
    x->gl = gl;
    x->surface = surface;
    x->mem = &call->arena;
    x->attempt.key = KEY_NONE;
    x->answer.last_ms = loop_now_ms(call->loop);
    list_append(&gl->exchanges, &x->link);
    return x;
}

/* Keep the timer and small buffers, forget the rest. */
static void reset(struct exchange *x)
{
    uv_timer_t timer = x->timer;
    struct buf body = x->attempt.body;

    if (body.cap > KEEP_BUF_BYTES)
        buf_done(&body);
    body.len = 0;
    *x = (struct exchange){.timer = timer, .attempt = {.body = body}};
}

static void on_closed(uv_handle_t *h)
{
    struct exchange *x = h->data;

    buf_done(&x->attempt.body);
    free(x);
}

static void close_timer(struct exchange *x)
{
    uv_close((uv_handle_t *)&x->timer, on_closed);
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
    buf_done(&x->passed);
    reset(x);
    if (gl->closing || gl->free_exchanges_count == POOL_MAX) {
        close_timer(x);
        return;
    }
    x->next_free = gl->free_exchanges;
    gl->free_exchanges = x;
    gl->free_exchanges_count++;
}

void exchange_pool_done(struct gateway_loop *gl)
{
    while (gl->free_exchanges != NULL) {
        struct exchange *x = gl->free_exchanges;

        gl->free_exchanges = x->next_free;
        close_timer(x);
    }
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
    uint64_t now = exchange_now_ms(x);

    if (x->timer_due_ms != 0 && x->timer_due_ms <= due_ms)
        return;
    x->timer_due_ms = due_ms;
    uv_timer_start(&x->timer, on_timer, due_ms > now ? due_ms - now : 0, 0);
}

void exchange_timer_stop(struct exchange *x)
{
    if (x->timer_due_ms != 0)
        uv_timer_stop(&x->timer);
    x->timer_due_ms = 0;
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
