/*
 * A loop over "what may come next" with one bit a level for object or array, so depth costs no
 * stack.  Nearly all bytes of a body are inside strings; those are passed over 16 at a time.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/json.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "llm/utf8.h"

enum want { WANT_VALUE, WANT_VALUE_OR_CLOSE, WANT_KEY, WANT_KEY_OR_CLOSE, WANT_COMMA_OR_CLOSE };

struct reader {
    const char *p, *end, *start;
    const char *what; /* the error, at p */
    json_member_fn *on_member;
    void *ctx;
    struct json_member member;
    unsigned depth, depth_max;
    uint64_t objects[JSON_DEPTH_MAX / 64]; /* bit d-1: level d is an object */
};

static bool fail(struct reader *r, const char *what)
{
    r->what = what;
    return false;
}

static bool fail_here(struct reader *r)
{
    return fail(r, r->p == r->end ? "unexpected end" : "unexpected character");
}

static inline bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static inline void skip_space(struct reader *r)
{
    while (r->p < r->end && is_space(*r->p))
        r->p++;
}

/* ---- strings ---- */

/* The first byte from p that is a quote, a backslash, a control character or not ASCII. */
static inline const char *skip_plain(const char *p, const char *end)
{
#if defined(__SSE2__)
    const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\');
    const __m128i space = _mm_set1_epi8(' ');

    for (; end - p >= 16; p += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        /* Compared as signed bytes, what is not ASCII is below the space too. */
        __m128i odd = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, slash)),
                                   _mm_cmplt_epi8(v, space));
        unsigned mask = (unsigned)_mm_movemask_epi8(odd);

        if (mask != 0)
            return p + __builtin_ctz(mask);
    }
#else
    const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;

    for (; end - p >= 8; p += 8) {
        uint64_t v, quote, slash;

        memcpy(&v, p, 8);
        quote = v ^ (ones * '"');
        slash = v ^ (ones * '\\');
        /* A byte's high bit is left where it was zero (or below the space, or not ASCII).  A borrow
         * can only raise a false alarm, and that ends in the loop below. */
        if ((((quote - ones) | (slash - ones) | (v - ones * ' ') | v) & highs) != 0)
            break;
    }
#endif
    while (p < end && *p != '"' && *p != '\\' && (signed char)*p >= ' ')
        p++;
    return p;
}

static bool read_escape(struct reader *r)
{
    r->p++; /* the backslash */
    if (r->p == r->end)
        return fail_here(r);
    if (*r->p != 'u') {
        if (*r->p == '\0' || strchr("\"\\/bfnrt", *r->p) == NULL)
            return fail(r, "unknown escape");
        r->p++;
        return true;
    }
    r->p++;
    for (int i = 0; i < 4; i++, r->p++) {
        if (r->p == r->end)
            return fail_here(r);
        if (utf8_hex(*r->p) < 0)
            return fail(r, "\\u without four hexadecimal digits");
    }
    return true;
}

/* From the opening quote to behind the closing one. */
static bool read_string(struct reader *r)
{
    r->p++;
    for (;;) {
        unsigned n;

        r->p = skip_plain(r->p, r->end);
        if (r->p == r->end)
            return fail(r, "unexpected end in a string");
        if (*r->p == '"')
            break;
        if (*r->p == '\\') {
            if (!read_escape(r))
                return false;
            continue;
        }
        if ((unsigned char)*r->p < 0x80)
            return fail(r, "control character in a string");
        do { /* other scripts come in runs */
            n = utf8_len(r->p, r->end);
            if (n == 0)
                return fail(r, "invalid UTF-8");
            r->p += n;
        } while (r->p < r->end && (unsigned char)*r->p >= 0x80);
    }
    r->p++;
    return true;
}

/* ---- numbers and words ---- */

static bool read_digits(struct reader *r)
{
    if (r->p == r->end || *r->p < '0' || *r->p > '9')
        return fail_here(r);
    while (r->p < r->end && *r->p >= '0' && *r->p <= '9')
        r->p++;
    return true;
}

static bool read_number(struct reader *r)
{
    if (*r->p == '-')
        r->p++;
    if (r->p < r->end && *r->p == '0')
        r->p++; /* and nothing more: a digit behind it is unexpected */
    else if (!read_digits(r))
        return false;
    if (r->p < r->end && *r->p == '.') {
        r->p++;
        if (!read_digits(r))
            return false;
    }
    if (r->p < r->end && (*r->p == 'e' || *r->p == 'E')) {
        r->p++;
        if (r->p < r->end && (*r->p == '+' || *r->p == '-'))
            r->p++;
        return read_digits(r);
    }
    return true;
}

static bool read_word(struct reader *r, struct str word)
{
    for (size_t i = 0; i < word.len; i++, r->p++)
        if (r->p == r->end || *r->p != word.ptr[i])
            return fail_here(r);
    return true;
}

/* ---- structure ---- */

static inline bool in_object(const struct reader *r)
{
    return (r->objects[(r->depth - 1) / 64] >> ((r->depth - 1) % 64) & 1) != 0;
}

static bool push(struct reader *r, bool object)
{
    uint64_t bit;

    if (r->depth >= r->depth_max)
        return fail(r, "nested too deeply");
    bit = (uint64_t)1 << (r->depth % 64);
    if (object)
        r->objects[r->depth / 64] |= bit;
    else
        r->objects[r->depth / 64] &= ~bit;
    r->depth++;
    r->p++;
    return true;
}

/* A value has ended; when it was a member of the outermost thing, say so. */
static bool end_value(struct reader *r)
{
    if (r->depth != 1 || r->on_member == NULL)
        return true;
    r->member.value.len = (size_t)(r->p - r->member.value.ptr);
    if (!r->on_member(r->ctx, &r->member))
        return fail(r, "stopped");
    return true;
}

static bool close_level(struct reader *r, enum want *want)
{
    if (r->p == r->end || *r->p != (in_object(r) ? '}' : ']'))
        return fail_here(r);
    r->p++;
    r->depth--;
    *want = WANT_COMMA_OR_CLOSE;
    return end_value(r);
}

static inline void begin_value(struct reader *r, enum json_type type)
{
    if (r->depth == 1) {
        r->member.value.ptr = r->p;
        r->member.type = type;
    }
}

static bool read_value(struct reader *r, enum want *want)
{
    enum json_type type;
    bool ok;

    if (r->p == r->end)
        return fail_here(r);
    type = json_type_of((struct str){r->p, 1});
    begin_value(r, type);
    *want = WANT_COMMA_OR_CLOSE;
    switch (type) {
    case JSON_STRING:
        ok = read_string(r);
        break;
    case JSON_NUMBER:
        ok = read_number(r);
        break;
    case JSON_OBJECT:
        *want = WANT_KEY_OR_CLOSE;
        return push(r, true);
    case JSON_ARRAY:
        *want = WANT_VALUE_OR_CLOSE;
        return push(r, false);
    case JSON_NULL:
        ok = read_word(r, STR("null"));
        break;
    case JSON_TRUE:
        ok = read_word(r, STR("true"));
        break;
    case JSON_FALSE:
        ok = read_word(r, STR("false"));
        break;
    case JSON_NONE:
    default:
        return fail_here(r);
    }
    return ok && end_value(r);
}

static bool read_key(struct reader *r, enum want *want)
{
    const char *open = r->p;

    if (r->p == r->end || *r->p != '"')
        return fail_here(r);
    if (!read_string(r))
        return false;
    if (r->depth == 1)
        r->member.key = (struct str){open + 1, (size_t)(r->p - open) - 2};
    skip_space(r);
    if (r->p == r->end || *r->p != ':')
        return fail_here(r);
    r->p++;
    *want = WANT_VALUE;
    return true;
}

static bool read_next(struct reader *r, enum want *want)
{
    switch (*want) {
    case WANT_COMMA_OR_CLOSE:
        if (r->p < r->end && *r->p == ',') {
            r->p++;
            *want = in_object(r) ? WANT_KEY : WANT_VALUE;
            return true;
        }
        return close_level(r, want);
    case WANT_KEY_OR_CLOSE:
        if (r->p < r->end && *r->p == '}')
            return close_level(r, want);
        return read_key(r, want);
    case WANT_KEY:
        return read_key(r, want);
    case WANT_VALUE_OR_CLOSE:
        if (r->p < r->end && *r->p == ']')
            return close_level(r, want);
        return read_value(r, want);
    case WANT_VALUE:
        return read_value(r, want);
    }
    return false;
}

static bool read_text(struct reader *r)
{
    enum want want = WANT_VALUE;

    if (r->end - r->p >= 3 && memcmp(r->p, "\xef\xbb\xbf", 3) == 0)
        return fail(r, "byte order mark");
    do {
        skip_space(r);
        if (!read_next(r, &want))
            return false;
    } while (r->depth > 0);
    skip_space(r);
    return r->p == r->end || fail(r, "more behind the end");
}

bool json_scan(struct str text, unsigned depth_max, json_member_fn *on_member, void *ctx,
               struct json_error *ret_error)
{
    static const char nothing[1];
    struct reader r;

    /* Member by member: the bits of levels not yet entered need no zeroes. */
    r.start = r.p = text.ptr != NULL ? text.ptr : nothing;
    r.end = r.p + text.len;
    r.what = NULL;
    r.on_member = on_member;
    r.ctx = ctx;
    r.member = (struct json_member){{NULL, 0}, {NULL, 0}, JSON_NONE};
    r.depth = 0;
    r.depth_max = depth_max < JSON_DEPTH_MAX ? depth_max : JSON_DEPTH_MAX;
    if (read_text(&r))
        return true;
    if (ret_error != NULL)
        *ret_error = (struct json_error){(size_t)(r.p - r.start), r.what};
    return false;
}

struct str json_error_text(struct arena *a, struct str text, const struct json_error *error)
{
    char c = error->at < text.len ? text.ptr[error->at] : '\0';

    if (strcmp(error->what, "unexpected character") == 0 && c > ' ' && c < 0x7f)
        return arena_printf(a, "unexpected '%c' at byte %zu", c, error->at);
    return arena_printf(a, "%s at byte %zu", error->what, error->at);
}

enum json_type json_type_of(struct str text)
{
    size_t i = 0;

    while (i < text.len && is_space(text.ptr[i]))
        i++;
    if (i == text.len)
        return JSON_NONE;
    switch (text.ptr[i]) {
    case '{':
        return JSON_OBJECT;
    case '[':
        return JSON_ARRAY;
    case '"':
        return JSON_STRING;
    case 't':
        return JSON_TRUE;
    case 'f':
        return JSON_FALSE;
    case 'n':
        return JSON_NULL;
    default:
        return text.ptr[i] == '-' || (text.ptr[i] >= '0' && text.ptr[i] <= '9') ? JSON_NUMBER
                                                                                : JSON_NONE;
    }
}

bool json_is_empty(struct str text)
{
    size_t i = 0;
    char open;

    while (i < text.len && is_space(text.ptr[i]))
        i++;
    if (i == text.len)
        return true;
    open = text.ptr[i++];
    while (open != '"' && i < text.len && is_space(text.ptr[i]))
        i++;
    return i < text.len &&
           ((open == '{' && text.ptr[i] == '}') || (open == '[' && text.ptr[i] == ']') ||
            (open == '"' && text.ptr[i] == '"'));
}
