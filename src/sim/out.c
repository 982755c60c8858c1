/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/out.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/decimal.h"

#define FMT_MAX 512u

void out_put(struct out *o, struct str s)
{
    if (!o->full && buf_put(&o->buf, s) < 0)
        o->full = true;
}

void out_fmt(struct out *o, const char *fmt, ...)
{
    char text[FMT_MAX];
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= sizeof(text))
        o->full = true;
    else
        out_put(o, str_make(text, (size_t)n));
}

/* printf is half of the cost of a short answer; numbers are what it would be used for. */
void out_u64(struct out *o, uint64_t n)
{
    char digits[DECIMAL_BYTES_MAX];

    out_put(o, decimal_write(n, digits));
}

void out_hex(struct out *o, uint64_t n)
{
    char digits[16];

    for (size_t i = 0; i < sizeof(digits); i++)
        digits[i] = "0123456789abcdef"[(n >> (60 - 4 * i)) & 15];
    out_put(o, str_make(digits, sizeof(digits)));
}

static void put_escaped(struct out *o, unsigned char c)
{
    switch (c) {
    case '"':
        OUT_LIT(o, "\\\"");
        break;
    case '\\':
        OUT_LIT(o, "\\\\");
        break;
    case '\n':
        OUT_LIT(o, "\\n");
        break;
    case '\r':
        OUT_LIT(o, "\\r");
        break;
    case '\t':
        OUT_LIT(o, "\\t");
        break;
    default:
        out_fmt(o, "\\u%04x", (unsigned)c);
        break;
    }
}

/* Eight bytes that are ASCII and need no escape; a false no costs only time. */
static bool are_plain(const char *p)
{
    const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
    uint64_t v, quote, slash;

    memcpy(&v, p, 8);
    quote = v ^ (ones * '"');
    slash = v ^ (ones * '\\');
    return (((quote - ones) | (slash - ones) | (v - ones * ' ') | (v + ones) | v) & highs) == 0;
}

static void escape(struct out *o, struct str s, unsigned char last_plain)
{
    size_t from = 0;

    for (size_t i = 0; i < s.len; i++) {
        unsigned char c;

        while (s.len - i > 8 && are_plain(s.ptr + i))
            i += 8;
        c = (unsigned char)s.ptr[i];
        if (LIKELY(c >= 0x20 && c != '"' && c != '\\' && c <= last_plain))
            continue;
        out_put(o, str_make(s.ptr + from, i - from));
        put_escaped(o, c);
        from = i + 1;
    }
    out_put(o, str_skip(s, from));
}

void out_escape(struct out *o, struct str s)
{
    escape(o, s, 0xff);
}

void out_json(struct out *o, struct str s)
{
    OUT_LIT(o, "\"");
    escape(o, s, 0xff);
    OUT_LIT(o, "\"");
}

void out_json_bytes(struct out *o, struct str s)
{
    OUT_LIT(o, "\"");
    escape(o, s, 0x7e);
    OUT_LIT(o, "\"");
}

void out_reset(struct out *o, size_t keep)
{
    o->full = false;
    if (o->buf.cap > keep)
        buf_done(&o->buf);
    else
        o->buf.len = 0;
}
