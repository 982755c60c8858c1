/*
 * server_deadline.h - the time limits of all connections of a server, on one libuv timer.
 *
 * Each kind has one length, so the deadlines of a kind expire in the order they were started and
 * a list is enough: starting and stopping one is O(1), and no system call.  The timer sleeps
 * while there is nothing to wait for.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_SERVER_DEADLINE_H
#define HTTP_SERVER_DEADLINE_H

#include "loop/loop.h"

enum deadline_kind {
    DEADLINE_HEADER, /* handshake, then head */
    DEADLINE_BODY,
    DEADLINE_KEEPALIVE, /* between requests */
    DEADLINE_LINGER,    /* reading on after the reply, so that it is not lost in a reset */
    DEADLINE_STALL,     /* half of the stall limit: it must fire twice without progress */
    DEADLINE_WATCH,     /* while reading is paused: has the client left? */
    DEADLINE_KINDS,
};

struct deadline { /* embed; zeroed is stopped */
    struct list link;
    uint64_t at_ms;
    enum deadline_kind kind;
};

struct deadlines {
    uv_timer_t timer;
    struct loop *loop;
    uint64_t armed_ms; /* 0: not armed */
    struct list kinds[DEADLINE_KINDS];
    uint32_t length_ms[DEADLINE_KINDS]; /* 0: this kind never fires */
    void (*fire)(struct deadline *d);   /* it is stopped already */
};

/* Set `length_ms` and `fire` first. */
MUST_USE int deadlines_open(struct deadlines *s, struct loop *l);
void deadlines_close(struct deadlines *s, uv_close_cb closed);
void deadline_start(struct deadlines *s, struct deadline *d, enum deadline_kind kind);
static inline void deadline_stop(struct deadline *d)
{
    list_unlink(&d->link);
}
static inline bool deadline_running(const struct deadline *d)
{
    return list_linked(&d->link);
}

#endif
