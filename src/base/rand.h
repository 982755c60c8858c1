/*
 * rand.h - pseudo-random integers, for back-off, weights and simulation; never for secrets.
 *
 * Who needs numbers is handed a struct rand, so a test gives it a seed and sees the same numbers
 * again.  A struct rand belongs to one thread.
 * Algorithm: xoshiro256** 1.0, seeded through SplitMix64 (Blackman and Vigna,
 * https://prng.di.unimi.it/); bounds by Lemire, "Fast Random Integer Generation in an Interval".
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_RAND_H
#define BASE_RAND_H

#include "base/defs.h"

struct rand {
    uint64_t state[4]; /* not all zero */
};

/* The same seed gives the same numbers. */
void rand_init(struct rand *r, uint64_t seed);
/* A seed nobody else has: from the kernel. */
void rand_init_any(struct rand *r);
/* This thread's own, seeded by the kernel at its first use. */
struct rand *rand_thread(void);

uint64_t rand_u64(struct rand *r);
/* Uniform in 0 .. n-1, without bias; 0 when n is 0. */
uint64_t rand_below(struct rand *r, uint64_t n);

#endif
