/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log_ring.h"

#include <stdlib.h>

#define SIZE_MIN ((size_t)4 << 10)
#define SIZE_MAX_SANE ((size_t)64 << 20)
#define PREFIX sizeof(uint32_t)
#define ACCESS_BIT 0x80000000u

struct log_ring *log_ring_new(size_t size)
{
    size_t rounded = SIZE_MIN, bytes;
    struct log_ring *r;

    while (rounded < size && rounded < SIZE_MAX_SANE)
        rounded *= 2;
    bytes = (sizeof(*r) + rounded + 63) & ~(size_t)63;
    r = aligned_alloc(64, bytes);
    if (r == NULL)
        return NULL;
    memset(r, 0, sizeof(*r)); /* not the bytes: pages never written stay unmapped */
    r->size = rounded;
    return r;
}

void log_ring_free(struct log_ring *r)
{
    free(r);
}

static void copy_in(struct log_ring *r, size_t at, const void *from, size_t n)
{
    size_t start = at & (r->size - 1);
    size_t first = n < r->size - start ? n : r->size - start;

    memcpy(r->bytes + start, from, first);
    memcpy(r->bytes, (const char *)from + first, n - first);
}

static void copy_out(const struct log_ring *r, size_t at, void *to, size_t n)
{
    size_t start = at & (r->size - 1);
    size_t first = n < r->size - start ? n : r->size - start;

    memcpy(to, r->bytes + start, first);
    memcpy((char *)to + first, r->bytes, n - first);
}

bool log_ring_put(struct log_ring *r, enum log_stream to, struct str line, bool *ret_half)
{
    size_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
    size_t need = PREFIX + line.len, used = head - r->tail_seen;
    uint32_t prefix;

    if (line.len > r->size - PREFIX)
        return false;
    if (used + need > r->size / 2) { /* look again, but only when it could matter */
        r->tail_seen = atomic_load_explicit(&r->tail, memory_order_acquire);
        used = head - r->tail_seen;
    }
    if (used + need > r->size)
        return false;
    prefix = (uint32_t)line.len | (to == LOG_STREAM_ACCESS ? ACCESS_BIT : 0);
    copy_in(r, head, &prefix, PREFIX);
    if (line.len > 0)
        copy_in(r, head + PREFIX, line.ptr, line.len);
    atomic_store_explicit(&r->head, head + need, memory_order_release);
    *ret_half = used <= r->size / 2 && used + need > r->size / 2;
    return true;
}

bool log_ring_peek(struct log_ring *r, enum log_stream *ret_to, size_t *ret_len)
{
    size_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
    uint32_t prefix;

    if (atomic_load_explicit(&r->head, memory_order_acquire) == tail)
        return false;
    copy_out(r, tail, &prefix, PREFIX);
    *ret_to = (prefix & ACCESS_BIT) != 0 ? LOG_STREAM_ACCESS : LOG_STREAM_TEXT;
    *ret_len = prefix & ~ACCESS_BIT;
    return true;
}

void log_ring_take(struct log_ring *r, size_t len, char *to)
{
    size_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

    copy_out(r, tail + PREFIX, to, len);
    atomic_store_explicit(&r->tail, tail + PREFIX + len, memory_order_release);
}
