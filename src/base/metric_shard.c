/* SPDX-License-Identifier: Apache-2.0 */
#include "base/metric_shard.h"

#include <stdlib.h>

/* Chunks of different threads never share a cache line. */
static void *lines_new(size_t size)
{
    size_t bytes = (size + 63) & ~(size_t)63;
    void *p = aligned_alloc(64, bytes);

    if (p != NULL)
        memset(p, 0, bytes);
    return p;
}

struct metric_shard *metric_shard_new(struct metric_registry *r)
{
    struct metric_shard *s = lines_new(sizeof(*s));

    if (s == NULL)
        return NULL;
    pthread_mutex_lock(&r->lock);
    s->next = r->shards;
    r->shards = s;
    pthread_mutex_unlock(&r->lock);
    return s;
}

static void shard_free(struct metric_shard *s)
{
    for (unsigned i = 0; i < SCALAR_CHUNKS; i++)
        free(atomic_load(&s->scalars[i]));
    for (unsigned i = 0; i < HISTOGRAM_CHUNKS; i++) {
        struct histogram_chunk *c = atomic_load(&s->histograms[i]);

        for (unsigned k = 0; c != NULL && k < HISTOGRAMS_A_CHUNK; k++)
            free(atomic_load(&c->at[k]));
        free(c);
    }
    free(s);
}

void metric_shards_free(struct metric_shard *first)
{
    while (first != NULL) {
        struct metric_shard *next = first->next;

        shard_free(first);
        first = next;
    }
}

static void bump(cell *c, uint64_t n)
{
    uint64_t v = atomic_load_explicit(c, memory_order_relaxed);

    atomic_store_explicit(c, v + n, memory_order_relaxed);
}

static struct scalar_chunk *scalar_chunk_make(struct metric_shard *s, metric_series id)
{
    struct scalar_chunk *c = lines_new(sizeof(*c));

    atomic_store_explicit(&s->scalars[id / SCALARS_A_CHUNK], c, memory_order_release);
    return c;
}

static cell *scalar_cell(struct metric_shard *s, metric_series id)
{
    struct scalar_chunk *c;

    if (UNLIKELY(id >= SCALARS_MAX))
        return NULL;
    c = atomic_load_explicit(&s->scalars[id / SCALARS_A_CHUNK], memory_order_relaxed);
    if (UNLIKELY(c == NULL))
        c = scalar_chunk_make(s, id);
    return LIKELY(c != NULL) ? &c->at[id % SCALARS_A_CHUNK] : NULL;
}

static struct histogram_cells *histogram_make(struct metric_shard *s, uint32_t slot)
{
    struct histogram_chunk *_Atomic *place = &s->histograms[slot / HISTOGRAMS_A_CHUNK];
    struct histogram_chunk *chunk = atomic_load_explicit(place, memory_order_relaxed);
    struct histogram_cells *h;

    if (chunk == NULL) {
        chunk = lines_new(sizeof(*chunk));
        if (chunk == NULL)
            return NULL;
        atomic_store_explicit(place, chunk, memory_order_release);
    }
    h = lines_new(sizeof(*h));
    if (h != NULL)
        atomic_store_explicit(&chunk->at[slot % HISTOGRAMS_A_CHUNK], h, memory_order_release);
    return h;
}

/* `order` is acquire for a reader, relaxed for the shard's own thread. */
static struct histogram_cells *histogram_find(const struct metric_shard *s, uint32_t slot,
                                              memory_order order)
{
    struct histogram_chunk *c =
        atomic_load_explicit(&s->histograms[slot / HISTOGRAMS_A_CHUNK], order);

    return c != NULL ? atomic_load_explicit(&c->at[slot % HISTOGRAMS_A_CHUNK], order) : NULL;
}

void metric_add(struct metric_shard *s, metric_series id, uint64_t n)
{
    cell *c = scalar_cell(s, id);

    if (LIKELY(c != NULL))
        bump(c, n);
}

void metric_gauge(struct metric_shard *s, metric_series id, int64_t delta)
{
    metric_add(s, id, (uint64_t)delta);
}

void metric_set(struct metric_shard *s, metric_series id, int64_t value)
{
    cell *c = scalar_cell(s, id);

    if (LIKELY(c != NULL))
        atomic_store_explicit(c, (uint64_t)value, memory_order_relaxed);
}

void metric_observe(struct metric_shard *s, metric_series id, uint64_t us)
{
    uint32_t slot = id & ~METRIC_IS_HISTOGRAM;
    struct histogram_cells *h;

    if (UNLIKELY(slot == id || slot >= HISTOGRAMS_MAX))
        return;
    h = histogram_find(s, slot, memory_order_relaxed);
    if (UNLIKELY(h == NULL)) {
        h = histogram_make(s, slot);
        if (h == NULL)
            return;
    }
    bump(&h->counts[histogram_bucket(us)], 1);
    bump(&h->sum_us, us);
}

uint64_t metric_sum_scalar(const struct metric_registry *r, metric_series id)
{
    uint64_t sum = 0;

    for (const struct metric_shard *s = r->shards; s != NULL; s = s->next) {
        struct scalar_chunk *c =
            atomic_load_explicit(&s->scalars[id / SCALARS_A_CHUNK], memory_order_acquire);

        if (c != NULL)
            sum += atomic_load_explicit(&c->at[id % SCALARS_A_CHUNK], memory_order_relaxed);
    }
    return sum;
}

bool metric_sum_histogram(const struct metric_registry *r, metric_series id,
                          uint64_t ret_counts[HISTOGRAM_BUCKETS], uint64_t *ret_sum_us)
{
    bool touched = false;

    memset(ret_counts, 0, HISTOGRAM_BUCKETS * sizeof(*ret_counts));
    *ret_sum_us = 0;
    for (const struct metric_shard *s = r->shards; s != NULL; s = s->next) {
        struct histogram_cells *h =
            histogram_find(s, id & ~METRIC_IS_HISTOGRAM, memory_order_acquire);

        if (h == NULL)
            continue;
        touched = true;
        *ret_sum_us += atomic_load_explicit(&h->sum_us, memory_order_relaxed);
        for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
            ret_counts[i] += atomic_load_explicit(&h->counts[i], memory_order_relaxed);
    }
    return touched;
}
