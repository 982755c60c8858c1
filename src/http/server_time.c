/*
 * server_time.c - what happens to a connection whose time is up.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <poll.h>

#include "http/server_conn.h"

/* Half of the limit has passed.  Has the client taken anything? */
static void stall_tick(struct http_conn *c)
{
    uint64_t accepted = stream_accepted(&c->stream);

    if (accepted != c->accepted_bytes) {
        c->accepted_bytes = accepted;
        c->stalled_once = false;
    } else if (c->stalled_once) {
        conn_cut(c, true);
        return;
    } else {
        c->stalled_once = true;
    }
    deadline_start(&c->server->deadlines, &c->stall, DEADLINE_STALL);
}

/* Nothing is read, so nothing would tell us that the client has left; ask (R1). */
static void watch_tick(struct http_conn *c)
{
    struct pollfd p = {.events = POLLRDHUP};

    if (uv_fileno((uv_handle_t *)&c->stream.tcp, &p.fd) == 0 && poll(&p, 1, 0) == 1)
        conn_cut(c, true);
    else
        deadline_start(&c->server->deadlines, &c->watch, DEADLINE_WATCH);
}

static void too_slow(struct http_conn *c, const char *message, const char *limit)
{
    conn_refuse(c, &(struct http_refusal){408, message, limit});
    conn_settle(c);
}

static void limit_tick(struct http_conn *c)
{
    bool writing = stream_queued(&c->stream) > 0; /* the stall limit looks after that */

    switch (c->state) {
    case CONN_HEAD:
        request_peek(&c->reader, buf_str(&c->held));
        too_slow(c, "the request's head did not arrive in time", "limits.header");
        break;
    case CONN_CALL:
        too_slow(c, "the request's body did not arrive in time", "limits.body");
        break;
    case CONN_IDLE:
    case CONN_LINGER:
        if (writing)
            deadline_start(&c->server->deadlines, &c->limit, c->limit.kind);
        else
            conn_cut(c, false);
        break;
    case CONN_OPENING:
    case CONN_DROP:
    case CONN_CLOSING:
        conn_cut(c, true);
        break;
    }
}

void conn_deadline(struct deadline *d)
{
    switch (d->kind) {
    case DEADLINE_STALL:
        stall_tick(CONTAINER_OF(d, struct http_conn, stall));
        break;
    case DEADLINE_WATCH:
        watch_tick(CONTAINER_OF(d, struct http_conn, watch));
        break;
    case DEADLINE_HEADER:
    case DEADLINE_BODY:
    case DEADLINE_KEEPALIVE:
    case DEADLINE_LINGER:
        limit_tick(CONTAINER_OF(d, struct http_conn, limit));
        break;
    case DEADLINE_KINDS:
        break;
    }
}
