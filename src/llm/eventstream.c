/* SPDX-License-Identifier: Apache-2.0 */
#include "llm/eventstream.h"

#include <errno.h>
#include <zlib.h>

#define PRELUDE 12u /* two lengths and their CRC */
#define LEAST 16u   /* and the CRC at the end */
#define STRING 7u   /* the type of the only headers that are read */

static uint32_t u16_at(const char *p)
{
    return (uint32_t)(unsigned char)p[0] << 8 | (unsigned char)p[1];
}

static uint32_t u32_at(const char *p)
{
    return u16_at(p) << 16 | u16_at(p + 2);
}

static uint32_t crc(const char *p, size_t len)
{
    return (uint32_t)crc32_z(0, (const Bytef *)p, len);
}

/* ---- headers ---- */

/* Bytes of a value of that type; SIZE_MAX: there is no such type, or it is cut. */
static size_t value_bytes(unsigned type, struct str rest)
{
    static const uint8_t fixed[] = {0, 0, 1, 2, 4, 8, 0, 0, 8, 16};

    if (type >= COUNTOF(fixed))
        return SIZE_MAX;
    if (type != 6 && type != STRING) /* a byte array and a string bring their length */
        return fixed[type];
    return rest.len >= 2 ? 2 + u16_at(rest.ptr) : SIZE_MAX;
}

struct header {
    struct str name, text; /* text: of a string */
};

static bool header_next(struct str *at, struct header *ret)
{
    size_t name = (unsigned char)at->ptr[0], bytes;
    struct str rest;
    unsigned type;

    if (at->len < name + 2)
        return false;
    type = (unsigned char)at->ptr[1 + name];
    rest = str_skip(*at, name + 2);
    bytes = value_bytes(type, rest);
    if (bytes > rest.len)
        return false;
    *ret = (struct header){.name = str_make(at->ptr + 1, name)};
    if (type == STRING)
        ret->text = str_make(rest.ptr + 2, bytes - 2);
    *at = str_skip(rest, bytes);
    return true;
}

struct facts { /* of a message, from its headers */
    struct str kind, event, exception, code, message;
};

static void take(struct facts *f, const struct header *h)
{
    const struct {
        struct str name;
        struct str *to;
    } rows[] = {
        {STR(":message-type"), &f->kind},        {STR(":event-type"), &f->event},
        {STR(":exception-type"), &f->exception}, {STR(":error-code"), &f->code},
        {STR(":error-message"), &f->message},
    };

    for (size_t i = 0; i < COUNTOF(rows); i++) {
        if (str_eq(h->name, rows[i].name))
            *rows[i].to = h->text;
    }
}

static bool read_headers(struct str at, struct facts *ret)
{
    struct header h;

    *ret = (struct facts){.kind = {NULL, 0}};
    while (at.len > 0) {
        if (!header_next(&at, &h))
            return false;
        take(ret, &h);
    }
    return true;
}

/* ---- messages ---- */

/* How long the message is that begins with this prelude; 0: it is none. */
static size_t length_of(const char *prelude)
{
    size_t total = u32_at(prelude), headers = u32_at(prelude + 4);

    if (crc(prelude, 8) != u32_at(prelude + 8) || total < LEAST || headers > total - LEAST)
        return 0;
    return total;
}

static int tell(struct str m, eventstream_fn *emit, void *ctx)
{
    size_t headers = u32_at(m.ptr + 4);
    struct eventstream_message ev;
    struct facts f;

    if (crc(m.ptr, m.len - 4) != u32_at(m.ptr + m.len - 4) ||
        !read_headers(str_make(m.ptr + PRELUDE, headers), &f))
        return -EBADMSG;
    ev = (struct eventstream_message){
        .type = f.event,
        .payload = str_make(m.ptr + PRELUDE + headers, m.len - LEAST - headers),
    };
    if (str_eq(f.kind, STR("exception"))) {
        ev.type = f.exception;
        ev.failure = true;
    } else if (str_eq(f.kind, STR("error"))) {
        ev.type = f.code;
        ev.payload = f.message;
        ev.failure = true;
    }
    return emit(ctx, &ev) ? 0 : -ECANCELED;
}

/* ---- pieces ---- */

/* Move up to `want` bytes in all into the part; true when it has them. */
static int fill(struct buf *part, struct str *bytes, size_t want)
{
    size_t n = want > part->len ? want - part->len : 0;
    int err;

    n = n < bytes->len ? n : bytes->len;
    err = buf_put(part, str_make(bytes->ptr, n));
    *bytes = str_skip(*bytes, n);
    return err < 0 ? err : part->len >= want;
}

/* The message that the part began; 1: it is told, 0: it needs more. */
static int go_on(struct buf *part, struct str *bytes, eventstream_fn *emit, void *ctx)
{
    size_t total;
    int got = fill(part, bytes, PRELUDE), err;

    if (got <= 0)
        return got;
    total = length_of(part->ptr);
    if (total == 0)
        return -EBADMSG;
    if (part->max != 0 && total > part->max)
        return -ENOBUFS;
    got = fill(part, bytes, total);
    if (got <= 0)
        return got;
    err = tell(buf_str(part), emit, ctx);
    part->len = 0;
    return err < 0 ? err : 1;
}

int eventstream_feed(struct buf *part, struct str bytes, eventstream_fn *emit, void *ctx)
{
    int err = 1;

    while (bytes.len > 0 && err >= 0) {
        size_t total;

        if (part->len > 0 || bytes.len < PRELUDE) {
            err = go_on(part, &bytes, emit, ctx);
            continue;
        }
        total = length_of(bytes.ptr);
        if (total == 0)
            return -EBADMSG;
        if (part->max != 0 && total > part->max)
            return -ENOBUFS;
        if (total > bytes.len) {
            err = go_on(part, &bytes, emit, ctx);
            continue;
        }
        err = tell(str_make(bytes.ptr, total), emit, ctx);
        bytes = str_skip(bytes, total);
    }
    if (part->len == 0)
        buf_done(part); /* idle streams own no buffer */
    return err < 0 ? err : 0;
}
