/*
 * Between JSON's quoted strings and the bytes they stand for.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/json.h"

#include "llm/utf8.h"

#define REPLACEMENT 0xfffdu

/* ---- reading ---- */

struct cursor {
    const char *p, *end; /* end: the closing quote */
};

/* The four digits at p (behind \u), or -1. */
static int32_t take_hex4(struct cursor *c)
{
    int32_t v = 0;

    if (c->end - c->p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = utf8_hex(c->p[i]);

        if (digit < 0)
            return -1;
        v = v * 16 + digit;
    }
    c->p += 4;
    return v;
}

/* The character that the escape behind \u stands for; half a pair is itself; -1: not an escape. */
static int32_t take_unicode(struct cursor *c)
{
    int32_t high = take_hex4(c), low;
    struct cursor ahead;

    if (high < 0xd800 || high > 0xdbff || c->end - c->p < 6 || c->p[0] != '\\' || c->p[1] != 'u')
        return high;
    ahead = (struct cursor){c->p + 2, c->end};
    low = take_hex4(&ahead);
    if (low < 0xdc00 || low > 0xdfff)
        return high;
    *c = ahead;
    return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

/* The character that the escape at p (on the backslash) stands for; -1: not an escape. */
static int32_t take_escape(struct cursor *c)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    const char *at;

    if (c->end - c->p < 2)
        return -1;
    c->p += 2;
    if (c->p[-1] == 'u')
        return take_unicode(c);
    at = c->p[-1] != '\0' ? strchr(names, c->p[-1]) : NULL;
    return at != NULL ? values[at - names] : -1;
}

static struct str unescape(struct arena *a, struct str value, bool lossy)
{
    static const struct str failed = {NULL, 0};
    struct str inner;
    struct cursor c;
    char *out;
    size_t n = 0;

    if (value.len < 2 || value.ptr[0] != '"')
        return failed;
    inner = (struct str){value.ptr + 1, value.len - 2};
    if (inner.len == 0 || memchr(inner.ptr, '\\', inner.len) == NULL)
        return inner;
    out = arena_bytes(a, inner.len); /* an escape is never shorter than what it stands for */
    if (out == NULL)
        return failed;
    for (c = (struct cursor){inner.ptr, inner.ptr + inner.len}; c.p < c.end;) {
        int32_t ch;

        if (*c.p != '\\') {
            out[n++] = *c.p++;
            continue;
        }
        ch = take_escape(&c);
        if (ch >= 0xd800 && ch <= 0xdfff && lossy)
            ch = REPLACEMENT;
        if (ch < 0 || (ch >= 0xd800 && ch <= 0xdfff))
            return failed;
        n += utf8_put(out + n, (uint32_t)ch);
    }
    return (struct str){out, n};
}

struct str json_unescape(struct arena *a, struct str value)
{
    return unescape(a, value, false);
}

struct str json_unescape_lossy(struct arena *a, struct str value)
{
    return unescape(a, value, true);
}

bool json_key_unescapes_to(const struct json_member *m, struct str name)
{
    struct cursor c = {m->key.ptr, m->key.ptr + m->key.len};

    for (size_t i = 0; i < name.len; i++) {
        int32_t ch;

        if (c.p == c.end)
            return false;
        ch = *c.p == '\\' ? take_escape(&c) : *c.p++;
        if (ch != name.ptr[i])
            return false;
    }
    return c.p == c.end;
}

/* ---- writing ---- */

static char short_escape(char c)
{
    switch (c) {
    case '"':
    case '\\':
        return c;
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    default:
        return '\0';
    }
}

/* The quoted form of the character at *p, moved past; at most 6 bytes. */
static unsigned quote_char(const char **p, const char *end, char *out)
{
    static const char hex[] = "0123456789abcdef";
    unsigned n = utf8_len(*p, end);
    unsigned char c = (unsigned char)**p;

    if (n == 0) {
        (*p)++;
        return utf8_put(out, REPLACEMENT);
    }
    if (n > 1 || (c >= ' ' && c != '"' && c != '\\')) {
        memcpy(out, *p, n);
        *p += n;
        return n;
    }
    (*p)++;
    out[0] = '\\';
    out[1] = short_escape((char)c);
    if (out[1] != '\0')
        return 2;
    memcpy(out, "\\u00", 4);
    out[4] = hex[c >> 4];
    out[5] = hex[c & 15];
    return 6;
}

static bool needs_no_escape(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        signed char c = (signed char)s.ptr[i]; /* below zero: not ASCII */

        if (c < ' ' || c == '"' || c == '\\')
            return false;
    }
    return true;
}

struct str json_quote(struct arena *a, struct str s)
{
    const char *end;
    size_t n = 2;
    char scratch[8], *out;

    if (needs_no_escape(s)) /* names of models and ids, nearly always */
        return arena_join(a, (struct str[]){STR("\""), s, STR("\"")}, 3);
    end = s.ptr + s.len;
    for (const char *p = s.ptr; p < end;)
        n += quote_char(&p, end, scratch);
    out = arena_bytes(a, n);
    if (out == NULL)
        return (struct str){NULL, 0};
    n = 0;
    out[n++] = '"';
    for (const char *p = s.ptr; p < end;) {
        unsigned len = quote_char(&p, end, scratch);

        memcpy(out + n, scratch, len);
        n += len;
    }
    out[n++] = '"';
    return (struct str){out, n};
}
