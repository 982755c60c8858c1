/*
 * heap.h - what a burst took goes back to the system once it is over.
 *
 * glibc gives back what is free at the end of its heap, and a long-lived stream nearly always sits
 * there: after ten thousand streams the process would keep their memory for good.  malloc_trim()
 * finds the free pages in between; it walks the heap (about a millisecond in 100 MB), so it is
 * asked when many connections have been closed, otherwise seldom, and more seldom while it finds
 * nothing.  One a process, on one loop's timer.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GATEWAY_HEAP_H
#define GATEWAY_HEAP_H

#include "base/defs.h"

struct heap {                /* zeroed is ready */
    uint64_t due_ms;         /* 0: to be set */
    bool for_closed;         /* the walk that is due is for connections that went … */
    uint32_t closed_wait_ms; /* … and this long behind the one before */
    uint64_t walked_ms;
    uint32_t wait_ms;
    unsigned last; /* connections a sample ago */
    unsigned most; /* since the last walk */
};

/* Whether it is time for a walk, if `connections` are open now, towards clients and upstreams. */
MUST_USE bool heap_is_due(struct heap *h, uint64_t now_ms, unsigned connections);
/* It was walked, and `found` much or little: when to look again. */
void heap_walked(struct heap *h, uint64_t now_ms, bool found);
/* Both, with the walk in between.  Call it every second or so. */
void heap_sample(struct heap *h, uint64_t now_ms, unsigned connections);

#endif
