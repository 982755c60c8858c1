/*
 * tally.h - how many requests each model name has had, for flip=, every=, escalating waits and
 * buckets.
 *
 * Shared by the threads, under a mutex; bounded: when it is full, new names are not counted.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIM_TALLY_H
#define SIM_TALLY_H

#include <uv.h>

#include "base/str.h"

#define TALLY_NAMES 4096u

struct tally {
    uv_mutex_t lock;
    struct {
        uint64_t name, count; /* the name's hash; 0: free */
        uint64_t since_ms;    /* of a bucket */
    } slots[TALLY_NAMES];
};

MUST_USE int tally_init(struct tally *t);
void tally_done(struct tally *t);
/* 1 for the first request of this name, then 2, …; UINT64_MAX when there is no room. */
uint64_t tally_next(struct tally *t, struct str name);

/* A number of requests in a time, as a provider limits them. */
struct tally_bucket {
    uint64_t limit, left; /* left: behind this request */
    uint64_t reset_ms;    /* from now, until it is full again */
    bool over;            /* this request is one too many */
};
/* Take one out of the bucket of this name, which is not one of tally_next()'s; a bucket begins with
 * its first request.  Without room there is no limit. */
struct tally_bucket tally_take(struct tally *t, uint64_t name, uint64_t limit, uint64_t window_ms,
                               uint64_t now_ms);
void tally_clear(struct tally *t);

#endif
