/*
 * loop.h - one event loop, its thread and what everything on it shares.
 *
 * A conn, its exchanges and its upstream connections stay on one loop, so nothing on a loop
 * needs a lock.  `scratch` is the one read buffer of the thread: whoever reads into it must be
 * done with it (or have copied) before returning to the loop.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LOOP_LOOP_H
#define LOOP_LOOP_H

#include <uv.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/spares.h"

#define LOOP_SCRATCH_BYTES (64u * 1024u)

struct loop {
    uv_loop_t uv; /* uv.data points back here */
    unsigned index;
    char *scratch;             /* LOOP_SCRATCH_BYTES; socket reads */
    char *scratch2;            /* LOOP_SCRATCH_BYTES; what TLS decrypts */
    char *gather;              /* one TLS record's worth: where small pieces become one */
    struct buf sealed;         /* TLS records on their way to raw_write(); empty between calls */
    struct spares spare_sends; /* of struct stream_send */
    struct list dead;          /* of struct loop_dead: freed at the end of the turn */
    uv_prepare_t before_poll;  /* both empty `dead`, so that nothing in it waits for an event */
    uv_check_t after_poll;
    uint64_t turn_ns; /* loop_turn_ns(); 0: not read yet */
};

/* Something whose callbacks may still be on the stack.  Embed it, hand it to loop_bury(). */
struct loop_dead {
    struct list link;
    void (*release)(struct loop_dead *d);
};

/* Negative errno on failure.  loop_done() runs the loop until its handles are closed. */
MUST_USE int loop_init(struct loop *l, unsigned index);
void loop_done(struct loop *l);
/* Give back memory that was not needed lately.  Call it every second or so. */
void loop_trim(struct loop *l);

static inline struct loop *loop_of(const uv_handle_t *h)
{
    return h->loop->data;
}

/* Milliseconds since some start; the same for the whole turn of the loop.  Never goes back. */
static inline uint64_t loop_now_ms(const struct loop *l)
{
    return uv_now(&l->uv);
}

/* Nanoseconds, read now (no system call: the vDSO answers). */
static inline uint64_t loop_clock_ns(void)
{
    return uv_hrtime();
}

/* When what we are working on began: the clock as it stood when the current read came in, or when
 * first asked for in this turn.  For what is measured from one event to the next, where a clock of
 * its own would cost a request ten look-ups and tell the same. */
static inline uint64_t loop_turn_ns(struct loop *l)
{
    if (l->turn_ns == 0)
        l->turn_ns = loop_clock_ns();
    return l->turn_ns;
}

/* Call `release` when no callback of `d` can be on the stack: once the loop is back in its own
 * hands, before it waits for anything.  Also the way to say "not now, but in this turn". */
void loop_bury(struct loop *l, struct loop_dead *d);

#endif
