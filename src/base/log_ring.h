/*
 * log_ring.h - lines on their way from one thread to the log writer.  Of log*.c alone.
 *
 * Bounded, one producer, one consumer, no lock (a Lamport queue of length-prefixed records).  The
 * producer owns the ring until it sets `closed`; the writer frees it once it is closed and empty.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_LOG_RING_H
#define BASE_LOG_RING_H

#include <stdatomic.h>

#include "base/buf.h"

enum log_stream { LOG_STREAM_TEXT, LOG_STREAM_ACCESS };

struct log_ring {
    /* Positions only grow; their difference is what is queued.  Each side writes its own. */
    _Alignas(64) atomic_size_t head; /* the producer's: the next byte to write */
    size_t tail_seen;                /* its last look at `tail` */
    _Alignas(64) atomic_size_t tail; /* the writer's: the next byte to read */
    _Alignas(64) atomic_bool closed;
    struct log_ring *next; /* the writer's list */
    size_t size;           /* of bytes[]; a power of two */
    char bytes[];
};

/* At least `size` bytes, within sane bounds.  NULL without memory. */
MUST_USE struct log_ring *log_ring_new(size_t size);
void log_ring_free(struct log_ring *r);

/* The producer's: false when it does not fit.  *ret_half: this line took it past half full. */
MUST_USE bool log_ring_put(struct log_ring *r, enum log_stream to, struct str line, bool *ret_half);
/* How long the oldest record's line is, and where it goes; false when there is none. */
MUST_USE bool log_ring_peek(struct log_ring *r, enum log_stream *ret_to, size_t *ret_len);
/* Copy the line that log_ring_peek() described, and drop the record. */
void log_ring_take(struct log_ring *r, size_t len, char *to);

#endif
