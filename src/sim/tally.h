/*
 * tally.h - how many requests each model name has had, for flip=, every= and escalating waits.
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
    } slots[TALLY_NAMES];
};

MUST_USE int tally_init(struct tally *t);
void tally_done(struct tally *t);
/* 1 for the first request of this name, then 2, …; UINT64_MAX when there is no room. */
uint64_t tally_next(struct tally *t, struct str name);
void tally_clear(struct tally *t);

#endif
