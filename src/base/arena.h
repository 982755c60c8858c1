/*
 * arena.h - memory that is freed all at once.
 *
 * An exchange owns one.  Small pieces share chunks; chunks of the usual sizes go back to
 * freelists of the thread, so that a request in the steady state calls no malloc.  A zeroed
 * arena with a `max` is ready to use.  An arena belongs to one thread.  AddressSanitizer reports
 * who looks into an arena that was given back.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/str.h"

struct arena_chunk;

struct arena {
    struct arena_chunk *chunk; /* the newest; older ones hang behind it */
    char *at, *end;            /* what is left of it */
    size_t used;               /* bytes in all chunks */
    size_t max;                /* bytes; 0 is no limit */
    bool small;                /* grows in small chunks: for the little that is kept long */
};

/* Zeroed and aligned for any type.  NULL when the arena is at its max or memory is gone. */
MUST_USE void *arena_alloc(struct arena *a, size_t size);
/* `n` of `size`; NULL also when the product overflows. */
MUST_USE void *arena_array(struct arena *a, size_t n, size_t size);
/* Not zeroed, not aligned: for bytes. */
MUST_USE char *arena_bytes(struct arena *a, size_t size);
/* A copy of `s`, with a NUL behind it that is not counted.  .ptr is NULL when there is no room. */
struct str arena_dup(struct arena *a, struct str s);
/* Give back what was taken last, from `end` on: for what had to be measured before it was written.
 */
void arena_trim(struct arena *a, const char *start, char *end);
/* The pieces one behind the other; a NUL follows.  What printf could do, without its price. */
struct str arena_join(struct arena *a, const struct str *pieces, unsigned n);
/* printf into the arena; .ptr is NULL when there is no room.  A NUL follows it. */
struct str arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Give everything back; the arena is empty and can be used again. */
void arena_done(struct arena *a);
/* Give back what this thread's freelists have not needed lately.  Call it every second or so. */
void arena_thread_trim(void);
/* Free this thread's freelists; call it as the thread's last use of arenas. */
void arena_thread_done(void);

#define ARENA_NEW(a, type) ((type *)arena_alloc((a), sizeof(type)))

#endif
