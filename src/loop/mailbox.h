/*
 * mailbox.h - hand a task to another loop's thread.
 *
 * mailbox_post() may be called from any thread; the task runs on the loop that owns the mailbox,
 * in the order of posting, once.  The poster gives the message away: the task frees it.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LOOP_MAILBOX_H
#define LOOP_MAILBOX_H

#include "loop/loop.h"

struct mail {
    struct mail *next;
    void (*run)(struct mail *m, struct loop *l);
};

struct mailbox {
    uv_async_t async;
    uv_mutex_t lock;
    struct mail *first, **last;
    struct loop *loop;
};

MUST_USE int mailbox_open(struct mailbox *b, struct loop *l);
void mailbox_post(struct mailbox *b, struct mail *m);
/* On the loop's own thread; runs what is left first. */
void mailbox_close(struct mailbox *b);

#endif
