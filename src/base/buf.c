/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define CAP_MIN 256u

int buf_reserve(struct buf *b, size_t n)
{
    size_t want, cap;
    char *p;

    if (n <= b->cap - b->len)
        return 0;
    if (n > SIZE_MAX / 2 - b->len)
        return -ENOBUFS;
    want = b->len + n;
    if (b->max != 0 && want > b->max)
        return -ENOBUFS;
    cap = b->cap < CAP_MIN ? CAP_MIN : b->cap * 2;
    if (cap < want)
        cap = want;
    if (b->max != 0 && cap > b->max)
        cap = b->max;
    p = realloc(b->ptr, cap);
    if (p == NULL)
        return -ENOMEM;
    b->ptr = p;
    b->cap = cap;
    return 0;
}

int buf_put_more(struct buf *b, struct str s)
{
    int err = buf_reserve(b, s.len);

    return err < 0 ? err : buf_put(b, s);
}

int buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    int n, err;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        return -EINVAL;
    err = buf_reserve(b, (size_t)n + 1); /* vsnprintf writes a NUL behind it */
    if (err < 0)
        return err;
    va_start(ap, fmt);
    vsnprintf(b->ptr + b->len, (size_t)n + 1, fmt, ap);
    va_end(ap);
    b->len += (size_t)n;
    return 0;
}

void buf_drop(struct buf *b, size_t n)
{
    assert(n <= b->len);
    b->len -= n;
    if (b->len > 0 && n > 0)
        memmove(b->ptr, b->ptr + n, b->len);
}

void buf_done(struct buf *b)
{
    free(b->ptr);
    *b = (struct buf){.max = b->max};
}
