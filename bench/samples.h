/*
 * samples.h - every duration of a run, kept whole, so that percentiles are exact.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BENCH_SAMPLES_H
#define BENCH_SAMPLES_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct samples {
    uint64_t *ns;
    size_t count, room;
};

void samples_add(struct samples *s, uint64_t ns); /* ends the process when there is no memory */
/* `"NAME": {"count": …, "p50": …, …}` in microseconds.  Sorts. */
void samples_print(struct samples *s, const char *name, FILE *to);
void samples_done(struct samples *s);

#endif
