/*
 * spares.h - objects of one size that go round within a thread instead of through malloc.
 *
 * A zeroed one is ready.  Spares are linked through their own first bytes, which are lost; the rest
 * of an object stays as it was put.  The last one put is the first one taken, so that what nobody
 * needs stays at the bottom: the least number there was since a trim is what could have been
 * freed at that trim.  Each trim frees half of it.  A steady load keeps what it needs, and what a
 * burst left is gone after a dozen.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_SPARES_H
#define BASE_SPARES_H

#include "base/defs.h"

struct spare {
    struct spare *next;
};

struct spares {
    struct spare *first;
    unsigned count;
    unsigned idle; /* the least that `count` was since the last trim */
};

typedef void spare_free_fn(void *object);

/* NULL: there is none, allocate one. */
static inline void *spares_take(struct spares *s)
{
    struct spare *one = s->first;

    if (one == NULL)
        return NULL;
    s->first = one->next;
    if (--s->count < s->idle)
        s->idle = s->count;
    return one;
}

/* False: there are `max` already, and the object is still the caller's. */
MUST_USE static inline bool spares_put(struct spares *s, void *object, unsigned max)
{
    struct spare *one = object;

    if (s->count >= max)
        return false;
    one->next = s->first;
    s->first = one;
    s->count++;
    return true;
}

/* Free half of those that were not needed since the last time.  Call it every second or so. */
void spares_trim(struct spares *s, spare_free_fn *free_one);
/* Free all. */
void spares_done(struct spares *s, spare_free_fn *free_one);

#endif
