/*
 * buf.h - bytes that grow, up to a maximum.
 *
 * A zeroed buf with a `max` is ready; buf_done() frees it.  The owner is whoever embeds it.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/str.h"

struct buf {
    char *ptr;
    size_t len, cap;
    size_t max; /* bytes; 0 is no limit */
};

/* Make room for `n` more.  -ENOBUFS over the max, -ENOMEM without memory; nothing changed then. */
MUST_USE int buf_reserve(struct buf *b, size_t n);
/* Append to one that is full; buf_put() knows when. */
MUST_USE int buf_put_more(struct buf *b, struct str s);
/* Append.  Errors as buf_reserve(). */
#if defined(__clang_analyzer__) || defined(ANALYZED)
/* An analyser that saw what is inside would take each buf for one without memory. */
MUST_USE int buf_put(struct buf *b, struct str s);
#else
/* JSON is written in pieces of a few bytes, so this is short. */
MUST_USE static inline int buf_put(struct buf *b, struct str s)
{
    if (UNLIKELY(s.len > b->cap - b->len))
        return buf_put_more(b, s);
    if (s.len > 0)
        memcpy(b->ptr + b->len, s.ptr, s.len);
    b->len += s.len;
    return 0;
}
#endif
MUST_USE int buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Drop the first `n` bytes; the rest moves to the front. */
void buf_drop(struct buf *b, size_t n);
/* Free the memory; empty and usable again. */
void buf_done(struct buf *b);

static inline struct str buf_str(const struct buf *b)
{
    return (struct str){b->ptr, b->len};
}

#endif
