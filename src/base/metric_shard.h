/*
 * metric_shard.h - one thread's cells, and the registry that sums them.  Of metric*.c alone.
 *
 * A series' id says where its cell is: a counter or gauge is cell `id` of the scalars, a histogram
 * is number `id & ~METRIC_IS_HISTOGRAM` of the histograms.  Both tables come in chunks, made by
 * the shard's thread at the first touch and never moved or freed before the registry, so a reader
 * needs no lock and a shard knows series made after it.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_METRIC_SHARD_H
#define BASE_METRIC_SHARD_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/arena.h"
#include "base/histogram.h"
#include "base/metric.h"

#define METRIC_IS_HISTOGRAM 0x80000000u
#define SCALARS_A_CHUNK 512u
#define SCALAR_CHUNKS 128u
#define HISTOGRAMS_A_CHUNK 256u
#define HISTOGRAM_CHUNKS 64u
#define SCALARS_MAX (SCALARS_A_CHUNK * SCALAR_CHUNKS)
#define HISTOGRAMS_MAX (HISTOGRAMS_A_CHUNK * HISTOGRAM_CHUNKS)

/* Written by one thread, read by any: a plain load and store, without a locked instruction. */
typedef _Atomic uint64_t cell;

struct scalar_chunk {
    cell at[SCALARS_A_CHUNK];
};

struct histogram_cells {
    cell sum_us;
    cell counts[HISTOGRAM_BUCKETS];
};

struct histogram_chunk {
    struct histogram_cells *_Atomic at[HISTOGRAMS_A_CHUNK];
};

struct metric_shard {
    struct scalar_chunk *_Atomic scalars[SCALAR_CHUNKS];
    struct histogram_chunk *_Atomic histograms[HISTOGRAM_CHUNKS];
    struct metric_shard *next;
};

struct series {
    struct str labels; /* ready for export, without the braces */
    metric_series id;
};

struct family { /* the series of one metric, sorted by labels */
    struct series *at;
    uint32_t count, cap;
};

struct metric_registry {
    pthread_mutex_t lock; /* for everything below, not for the cells */
    struct arena mem;     /* label texts */
    struct family families[METRIC_COUNT];
    uint32_t scalars, histograms; /* ids given out */
    struct metric_shard *shards;
    bool full; /* said so */
};

struct metric_info {
    const char *name, *labels, *help;
    enum metric_kind kind;
};
extern const struct metric_info metric_infos[METRIC_COUNT];

void metric_shards_free(struct metric_shard *first);

/* Over all shards, the registry's lock held.  False: no thread has touched the histogram. */
uint64_t metric_sum_scalar(const struct metric_registry *r, metric_series id);
bool metric_sum_histogram(const struct metric_registry *r, metric_series id,
                          uint64_t ret_counts[HISTOGRAM_BUCKETS], uint64_t *ret_sum_us);

#endif
