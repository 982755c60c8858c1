/*
 * wheel.h - when thousands of paced streams want to be woken: one timer, O(1) to add and remove.
 *
 * A hashed wheel of one-millisecond slots (Varghese and Lauck 1987, scheme 6).  An entry fires
 * once, never before its time, and may be added again from within fire().  One thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIM_WHEEL_H
#define SIM_WHEEL_H

#include "loop/loop.h"

#define WHEEL_SLOTS 1024u

struct wheel_entry { /* embed; zero it first */
    struct list link;
    uint64_t due_ms; /* loop time */
    void (*fire)(struct wheel_entry *e);
};

struct wheel {
    uv_timer_t timer;
    uv_idle_t idle; /* runs while `ready` has entries */
    struct loop *loop;
    struct list ready; /* due already: at the next turn of the loop */
    void (*closed)(struct wheel *w);
    unsigned handles;
    uint64_t at_ms;                  /* slots before it have been looked at */
    uint64_t wake_ms;                /* when the timer is set for; UINT64_MAX: not set */
    uint64_t busy[WHEEL_SLOTS / 64]; /* a bit for each slot with entries */
    struct list slots[WHEEL_SLOTS];
};

void wheel_open(struct wheel *w, struct loop *l);
/* No entry may be waiting.  Its memory may go when `closed` is called, in a later turn. */
void wheel_close(struct wheel *w, void (*closed)(struct wheel *w));
/* An entry that waits already is moved. */
void wheel_add(struct wheel *w, struct wheel_entry *e, uint64_t due_ms);
void wheel_remove(struct wheel_entry *e);

#endif
