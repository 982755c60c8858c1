/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/sanitizer.h"
#include "base/spares.h"

/* With the header each fills a malloc size class.  Most exchanges need one or two chunks of the
 * first size; of the second there is one an open stream, and its event's stencil is most of it. */
#define CHUNK_BYTES 2032u
#define SMALL_BYTES 616u
#define SPARES_MAX 512u
#define ALIGN 16u

struct arena_chunk {
    struct arena_chunk *next;
    size_t size; /* of data[] */
    _Alignas(ALIGN) char data[];
};

static _Thread_local struct spares spare_chunks, spare_small;

static struct spares *spares_of(size_t size)
{
    if (size == CHUNK_BYTES)
        return &spare_chunks;
    return size == SMALL_BYTES ? &spare_small : NULL;
}

static struct arena_chunk *chunk_get(size_t size)
{
    struct spares *spares = spares_of(size);
    struct arena_chunk *c = spares != NULL ? spares_take(spares) : NULL;

    if (c == NULL)
        c = malloc(sizeof(*c) + size);
    if (c == NULL)
        return NULL;
    c->size = size;
    UNPOISON(c->data, size);
    return c;
}

static void chunk_put(struct arena_chunk *c)
{
    struct spares *spares = spares_of(c->size);

    if (spares != NULL && spares_put(spares, c, SPARES_MAX))
        POISON(c->data, c->size);
    else
        free(c);
}

static size_t chunk_bytes(const struct arena *a)
{
    return a->small ? SMALL_BYTES : CHUNK_BYTES;
}

/* A piece that would waste most of a chunk gets one of its own, behind the current one. */
static char *bytes_own_chunk(struct arena *a, size_t size)
{
    struct arena_chunk *c = chunk_get(size);

    if (c == NULL)
        return NULL;
    a->used += size;
    if (a->chunk == NULL) {
        c->next = NULL;
        a->chunk = c;
        a->at = a->end = c->data + size;
    } else {
        c->next = a->chunk->next;
        a->chunk->next = c;
    }
    return c->data;
}

static char *bytes_slow(struct arena *a, size_t size)
{
    size_t share = chunk_bytes(a);
    struct arena_chunk *c;
    bool own = size > share / 2;

    if (size > SIZE_MAX / 2)
        return NULL;
    if (a->max != 0 && (size > a->max || a->used + (own ? size : share) > a->max))
        return NULL;
    if (own)
        return bytes_own_chunk(a, size);
    c = chunk_get(share);
    if (c == NULL)
        return NULL;
    c->next = a->chunk;
    a->chunk = c;
    a->used += share;
    a->at = c->data + size;
    a->end = c->data + share;
    return c->data;
}

char *arena_bytes(struct arena *a, size_t size)
{
    char *p = a->at;

    if (size > (size_t)(a->end - p))
        return bytes_slow(a, size);
    a->at += size;
    return p;
}

void *arena_alloc(struct arena *a, size_t size)
{
    size_t pad = (size_t)(-(uintptr_t)a->at & (ALIGN - 1));
    void *p;

    if (size == 0) /* still a pointer of its own, since NULL means failure */
        size = 1;
    if (pad > 0 && pad <= (size_t)(a->end - a->at)) /* an empty arena's `at` is NULL */
        a->at += pad;
    p = arena_bytes(a, size);
    if (p != NULL)
        memset(p, 0, size);
    return p;
}

void *arena_array(struct arena *a, size_t n, size_t size)
{
    if (size != 0 && n > SIZE_MAX / 2 / size)
        return NULL;
    return arena_alloc(a, n * size);
}

struct str arena_dup(struct arena *a, struct str s)
{
    char *p = s.len < SIZE_MAX ? arena_bytes(a, s.len + 1) : NULL;

    if (p == NULL)
        return (struct str){NULL, 0};
    if (s.len > 0)
        memcpy(p, s.ptr, s.len);
    p[s.len] = '\0';
    return (struct str){p, s.len};
}

void arena_trim(struct arena *a, const char *start, char *end)
{
    struct arena_chunk *c = a->chunk;

    /* A piece with a chunk of its own may stand behind the current one. */
    if (c != NULL && start >= c->data && start < c->data + c->size && end <= a->at)
        a->at = end;
}

struct str arena_join(struct arena *a, const struct str *pieces, unsigned n)
{
    size_t len = 0;
    char *start, *p;

    for (unsigned i = 0; i < n; i++)
        len += pieces[i].len;
    start = p = arena_bytes(a, len + 1);
    if (p == NULL)
        return (struct str){NULL, 0};
    for (unsigned i = 0; i < n; i++) {
        if (pieces[i].len > 0)
            memcpy(p, pieces[i].ptr, pieces[i].len);
        p += pieces[i].len;
    }
    *p = '\0';
    return (struct str){start, len};
}

struct str arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list ap;
    int n;
    char *p;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    p = n >= 0 ? arena_bytes(a, (size_t)n + 1) : NULL;
    if (p == NULL)
        return (struct str){NULL, 0};
    va_start(ap, fmt);
    vsnprintf(p, (size_t)n + 1, fmt, ap);
    va_end(ap);
    return (struct str){p, (size_t)n};
}

void arena_done(struct arena *a)
{
    struct arena_chunk *c = a->chunk;

    while (c != NULL) {
        struct arena_chunk *next = c->next;

        chunk_put(c);
        c = next;
    }
    *a = (struct arena){.max = a->max, .small = a->small};
}

void arena_thread_trim(void)
{
    spares_trim(&spare_chunks, free);
    spares_trim(&spare_small, free);
}

void arena_thread_done(void)
{
    spares_done(&spare_chunks, free);
    spares_done(&spare_small, free);
}
