/*
 * One loop with a bit a level for object or array, so depth costs no stack.  Nearly all bytes of a
 * body are inside strings; those are passed over 16 at a time. SPDX-License-Identifier: Apache-2.0
 */
#include "llm/json.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "llm/utf8.h"

/* What a value is, by its first byte. */
static const uint8_t types[256] = {
    ['{'] = JSON_OBJECT, ['['] = JSON_ARRAY,  ['"'] = JSON_STRING, ['t'] = JSON_TRUE,
    ['f'] = JSON_FALSE,  ['n'] = JSON_NULL,   ['-'] = JSON_NUMBER, ['0'] = JSON_NUMBER,
    ['1'] = JSON_NUMBER, ['2'] = JSON_NUMBER, ['3'] = JSON_NUMBER, ['4'] = JSON_NUMBER,
    ['5'] = JSON_NUMBER, ['6'] = JSON_NUMBER, ['7'] = JSON_NUMBER, ['8'] = JSON_NUMBER,
    ['9'] = JSON_NUMBER,
};

/* The readers below take the place p to read at and give the place behind; NULL: r has the error.
 */
struct reader {
    const char *start, *end;
    const char *what; /* the error, and where */
    const char *at;
    struct level *level; /* the innermost that is visited; its number is `told` */
    unsigned depth, told, depth_max;
    bool escaped;      /* the last string had an escape in it */
    bool in_object;    /* and not in an array */
    uint64_t *objects; /* JSON_DEPTH_MAX bits; bit d-1: level d is an object */
};

struct level {
    struct json_visitor visitor;
    struct json_member member; /* the one being read */
};

static COLD const char *fail(struct reader *r, const char *p, const char *what)
{
    r->at = p;
    r->what = what;
    return NULL;
}

static COLD const char *fail_here(struct reader *r, const char *p)
{
    return fail(r, p, p == r->end ? "unexpected end" : "unexpected character");
}

static inline bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static inline const char *skip_space(const struct reader *r, const char *p)
{
    while (p < r->end && (unsigned char)*p <= ' ' && is_space(*p))
        p++;
    return p;
}

/* ---- strings ---- */

#if defined(__SSE2__)
/* Which of the 16 bytes from p are a quote, a backslash, a control character or not ASCII. */
static inline unsigned odd_bytes(const char *p)
{
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i marks =
        _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')), _mm_cmpeq_epi8(v, _mm_set1_epi8('\\')));
    /* Compared as signed bytes, what is not ASCII is below the space too. */
    __m128i odd = _mm_or_si128(marks, _mm_cmplt_epi8(v, _mm_set1_epi8(' ')));

    return (unsigned)_mm_movemask_epi8(odd);
}
#endif

/* The first byte from p that is a quote, a backslash, a control character or not ASCII. */
static inline const char *skip_plain(const char *p, const char *end)
{
#if defined(__SSE2__)
    for (; end - p >= 16; p += 16) {
        unsigned mask = odd_bytes(p);

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

static const char *read_escape(struct reader *r, const char *p)
{
    p++; /* the backslash */
    if (p == r->end)
        return fail_here(r, p);
    if (*p != 'u') {
        if (*p == '\0' || strchr("\"\\/bfnrt", *p) == NULL)
            return fail(r, p, "unknown escape");
        return p + 1;
    }
    p++;
    for (int i = 0; i < 4; i++, p++) {
        if (p == r->end)
            return fail_here(r, p);
        if (utf8_hex(*p) < 0)
            return fail(r, p, "\\u without four hexadecimal digits");
    }
    return p;
}

/* Other scripts come in runs. */
static const char *read_utf8(struct reader *r, const char *p)
{
    do {
        unsigned n = utf8_len(p, r->end);

        if (n == 0)
            return fail(r, p, "invalid UTF-8");
        p += n;
    } while (p < r->end && (unsigned char)*p >= 0x80);
    return p;
}

static const char *read_odd(struct reader *r, const char *p)
{
    if (p == r->end)
        return fail(r, p, "unexpected end in a string");
    if (*p == '\\') {
        r->escaped = true;
        return read_escape(r, p);
    }
    if ((unsigned char)*p < 0x80)
        return fail(r, p, "control character in a string");
    return read_utf8(r, p);
}

static NOINLINE const char *read_long_string(struct reader *r, const char *p)
{
    p = skip_plain(p + 1, r->end);
    while (UNLIKELY(p == r->end || *p != '"')) {
        p = read_odd(r, p);
        if (p == NULL)
            return NULL;
        p = skip_plain(p, r->end);
    }
    return p + 1;
}

/* From the opening quote.  Keys, and many values, end within 16 bytes. */
static inline const char *read_string(struct reader *r, const char *p)
{
    r->escaped = false;
#if defined(__SSE2__)
    if (LIKELY(r->end - p > 16)) {
        unsigned mask = odd_bytes(p + 1);

        if (mask != 0 && p[1 + __builtin_ctz(mask)] == '"')
            return p + __builtin_ctz(mask) + 2;
    }
#endif
    return read_long_string(r, p);
}

/* ---- numbers and words ---- */

static inline const char *read_digits(struct reader *r, const char *p)
{
    if (p == r->end || *p < '0' || *p > '9')
        return fail_here(r, p);
    while (p < r->end && *p >= '0' && *p <= '9')
        p++;
    return p;
}

static const char *read_number(struct reader *r, const char *p)
{
    if (*p == '-')
        p++;
    if (p < r->end && *p == '0')
        p++; /* and nothing more: a digit behind it is unexpected */
    else
        p = read_digits(r, p);
    if (p != NULL && p < r->end && *p == '.')
        p = read_digits(r, p + 1);
    if (p != NULL && p < r->end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < r->end && (*p == '+' || *p == '-'))
            p++;
        p = read_digits(r, p);
    }
    return p;
}

static inline const char *read_word(struct reader *r, const char *p, struct str word)
{
    if ((size_t)(r->end - p) >= word.len && memcmp(p, word.ptr, word.len) == 0)
        return p + word.len;
    for (size_t i = 0; p < r->end && i < word.len && *p == word.ptr[i]; i++)
        p++;
    return fail_here(r, p);
}

/* ---- structure ---- */

/* Of the level that was left for, or entered. */
static inline void look_where(struct reader *r)
{
    unsigned up = r->depth - 1;

    r->in_object = r->depth > 0 && (r->objects[up / 64] >> (up % 64) & 1) != 0;
}

static inline const char *push(struct reader *r, const char *p, bool object)
{
    uint64_t bit;

    if (r->depth >= r->depth_max)
        return fail(r, p, "nested too deeply");
    bit = (uint64_t)1 << (r->depth % 64);
    if (object)
        r->objects[r->depth / 64] |= bit;
    else
        r->objects[r->depth / 64] &= ~bit;
    r->depth++;
    r->in_object = object;
    return p + 1;
}

/* A value has ended; when it was a member of something visited, say so. */
static inline const char *end_value(struct reader *r, const char *p)
{
    struct level *l = r->level;

    if (r->depth != r->told || l->visitor.on_member == NULL)
        return p;
    l->member.value.len = (size_t)(p - l->member.value.ptr);
    return l->visitor.on_member(l->visitor.ctx, &l->member) ? p : fail(r, p, "stopped");
}

/* An object or array begins in one that is visited: is it visited too? */
static void enter(struct reader *r)
{
    struct level *l = r->level;
    struct json_visitor v;

    if (l->visitor.on_enter == NULL || r->told == JSON_VISIT_MAX)
        return;
    v = l->visitor.on_enter(l->visitor.ctx, &l->member);
    if (v.on_member == NULL)
        return;
    *++r->level = (struct level){.visitor = v};
    r->told++;
}

static inline const char *pop(struct reader *r, const char *p)
{
    if (r->depth == r->told && r->told > 1) {
        r->level--;
        r->told--;
    }
    r->depth--;
    look_where(r);
    return end_value(r, p + 1);
}

static inline const char *read_scalar(struct reader *r, const char *p, enum json_type type)
{
    switch (type) {
    case JSON_STRING:
        p = read_string(r, p);
        break;
    case JSON_NUMBER:
        p = read_number(r, p);
        break;
    case JSON_NULL:
        p = read_word(r, p, STR("null"));
        break;
    case JSON_TRUE:
        p = read_word(r, p, STR("true"));
        break;
    case JSON_FALSE:
        p = read_word(r, p, STR("false"));
        break;
    case JSON_ARRAY:
    case JSON_OBJECT:
    case JSON_NONE:
        return fail_here(r, p);
    }
    return p != NULL ? end_value(r, p) : NULL;
}

static inline enum json_type type_at(const struct reader *r, const char *p)
{
    return p < r->end ? (enum json_type)types[(unsigned char)*p] : JSON_NONE;
}

/* A value, or the beginning of one: then *open is set, and what is inside comes next. */
static inline const char *read_value(struct reader *r, const char *p, bool *open)
{
    enum json_type type = type_at(r, p);
    bool told = r->depth == r->told;

    if (told) {
        r->level->member.value = (struct str){p, 0};
        r->level->member.type = type;
    }
    if (type != JSON_OBJECT && type != JSON_ARRAY)
        return read_scalar(r, p, type);
    if (told)
        enter(r);
    p = push(r, p, type == JSON_OBJECT);
    if (p == NULL)
        return NULL;
    p = skip_space(r, p);
    if (p < r->end && *p == (type == JSON_OBJECT ? '}' : ']'))
        return pop(r, p);
    *open = true;
    return p;
}

/* From a key's opening quote to where its value begins. */
static inline const char *read_key(struct reader *r, const char *p)
{
    const char *open = p;

    if (p == r->end || *p != '"')
        return fail_here(r, p);
    p = read_string(r, p);
    if (p == NULL)
        return NULL;
    if (r->depth == r->told) {
        r->level->member.key = (struct str){open + 1, (size_t)(p - open) - 2};
        r->level->member.key_escaped = r->escaped;
    }
    p = skip_space(r, p);
    if (p == r->end || *p != ':')
        return fail_here(r, p);
    return skip_space(r, p + 1);
}

/* What stands behind a value: the ends of what it is the last in, and then a comma; or the end of
 * the text (*done). */
static inline const char *read_behind(struct reader *r, const char *p, bool *done)
{
    for (;;) {
        p = skip_space(r, p);
        *done = r->depth == 0;
        if (*done)
            return p == r->end ? p : fail(r, p, "more behind the end");
        if (p < r->end && *p == ',')
            return skip_space(r, p + 1);
        if (p == r->end || *p != (r->in_object ? '}' : ']'))
            return fail_here(r, p);
        p = pop(r, p);
        if (p == NULL)
            return NULL;
    }
}

static bool read_text(struct reader *r)
{
    const char *p = r->start;
    bool done = false;

    if (r->end - p >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
        return fail(r, p, "byte order mark") != NULL;
    p = skip_space(r, p);
    while (!done) {
        bool open = false;

        if (r->in_object)
            p = read_key(r, p);
        if (p != NULL)
            p = read_value(r, p, &open);
        if (p != NULL && !open)
            p = read_behind(r, p, &done);
        if (p == NULL)
            return false;
    }
    return true;
}

bool json_visit(struct str text, unsigned depth_max, struct json_visitor top,
                struct json_error *ret_error)
{
    static const char nothing[1];
    const char *start = text.ptr != NULL ? text.ptr : nothing;
    uint64_t objects[JSON_DEPTH_MAX / 64] = {0};
    struct level levels[JSON_VISIT_MAX];
    struct reader r = {.start = start,
                       .end = start + text.len,
                       .level = levels,
                       .told = 1,
                       .depth_max = depth_max < JSON_DEPTH_MAX ? depth_max : JSON_DEPTH_MAX,
                       .objects = objects};

    levels[0] = (struct level){.visitor = top};
    if (read_text(&r))
        return true;
    if (ret_error != NULL)
        *ret_error = (struct json_error){(size_t)(r.at - r.start), r.what};
    return false;
}

bool json_scan(struct str text, unsigned depth_max, json_member_fn *on_member, void *ctx,
               struct json_error *ret_error)
{
    struct json_visitor top = {.on_member = on_member, .ctx = ctx};

    return json_visit(text, depth_max, top, ret_error);
}

const char *json_string_end(const char *p, const char *end)
{
    struct reader r = {.end = end};

    return *p == '"' ? read_string(&r, p) : NULL;
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
    return i < text.len ? (enum json_type)types[(unsigned char)text.ptr[i]] : JSON_NONE;
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
