/*
 * histogram.h - the buckets of a latency histogram: pure arithmetic on an array of counts.
 *
 * Log-linear: values under 16 us have a bucket each, every octave above has 16, so a bucket is
 * never wider than a sixteenth of its values.  What lies beyond 2^36 us (19 hours) falls into the
 * last.  The layout is that of HDR histograms with 4 significant bits.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_HISTOGRAM_H
#define BASE_HISTOGRAM_H

#include "base/defs.h"

#define HISTOGRAM_SUB_BITS 4u
#define HISTOGRAM_TOP_BITS 36u
#define HISTOGRAM_BUCKETS ((HISTOGRAM_TOP_BITS - HISTOGRAM_SUB_BITS + 1) << HISTOGRAM_SUB_BITS)

/* The exported upper bounds, in order; +Inf comes on top. */
#define HISTOGRAM_BOUNDS 28u
struct histogram_bound {
    uint64_t us;
    const char *seconds; /* as a label value */
};
extern const struct histogram_bound histogram_bounds[HISTOGRAM_BOUNDS];

static inline unsigned histogram_bucket(uint64_t us)
{
    unsigned top;

    if (us < (1u << HISTOGRAM_SUB_BITS))
        return (unsigned)us;
    if (UNLIKELY(us >> HISTOGRAM_TOP_BITS != 0))
        return HISTOGRAM_BUCKETS - 1;
    top = 63u - (unsigned)__builtin_clzll(us) - HISTOGRAM_SUB_BITS;
    return (top << HISTOGRAM_SUB_BITS) + (unsigned)(us >> top);
}

/* The largest value that falls into this bucket. */
uint64_t histogram_bucket_end(unsigned bucket);

/* The count under each exported bound, cumulative.  A bucket that reaches over a bound belongs to
 * the next one, so no value is ever reported as faster than it was. */
void histogram_fold(const uint64_t counts[HISTOGRAM_BUCKETS], uint64_t ret_under[HISTOGRAM_BOUNDS]);

/* An upper bound (within 7 %) of the value at quantile `q` (0..1); 0 when all counts are 0. */
uint64_t histogram_quantile(const uint64_t counts[HISTOGRAM_BUCKETS], double q);

#endif
