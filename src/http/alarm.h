/*
 * alarm.h - many points in time behind one uv_timer.
 *
 * Every fetch has limits, nearly all of which never fire.  An alarm is embedded, setting it cannot
 * fail, and dropping it is immediate: no handle to close, nothing to wait for.  The uv_timer is
 * moved only when the earliest alarm comes before it; when it fires early it is set again.
 *
 * A pairing heap (Fredman, Sedgewick, Sleator, Tarjan 1986): as fast as the binary heap for our
 * sizes, and it needs no memory of its own.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_ALARM_H
#define HTTP_ALARM_H

#include "loop/loop.h"

struct alarm { /* embed; zero it first */
    void (*ring)(struct alarm *a);
    uint64_t due_ms; /* 0: not set */
    struct alarm *child, *next;
    struct alarm *prev; /* or the parent, for its first child */
};

struct alarms {
    uv_timer_t timer;
    struct loop *loop;
    struct alarm *first;
    uint64_t timer_ms; /* when `timer` fires; 0: it is not running */
    bool ringing;
};

MUST_USE int alarms_open(struct alarms *s, struct loop *l);
void alarms_close(struct alarms *s, uv_close_cb closed); /* no alarm may be set */

/* (Again) at `due_ms` of loop time; a time that is past rings in the next turn. */
void alarm_set(struct alarms *s, struct alarm *a, uint64_t due_ms);
void alarm_drop(struct alarms *s, struct alarm *a); /* harmless when not set */

static inline bool alarm_is_set(const struct alarm *a)
{
    return a->due_ms != 0;
}

#endif
