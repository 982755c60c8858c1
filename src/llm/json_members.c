/*
 * The members of a text that was checked before.  What is inside a member is passed over by its
 * quotes and brackets alone, 16 bytes at a time: a watcher that goes down four levels would
 * otherwise check the innermost text four times.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/json.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

static inline const char *skip_space(const char *p, const char *end)
{
    while (p < end && (unsigned char)*p <= ' ')
        p++;
    return p;
}

/* The first quote or backslash from p on. */
static inline const char *find_quote(const char *p, const char *end)
{
#if defined(__SSE2__)
    const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\');

    for (; end - p >= 16; p += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        unsigned mask = (unsigned)_mm_movemask_epi8(
            _mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, slash)));

        if (mask != 0)
            return p + __builtin_ctz(mask);
    }
#endif
    while (p < end && *p != '"' && *p != '\\')
        p++;
    return p;
}

/* The first quote or bracket from p on.  With bit 0x20 set, [ and ] are { and }. */
static inline const char *find_bracket(const char *p, const char *end)
{
#if defined(__SSE2__)
    const __m128i quote = _mm_set1_epi8('"'), bit = _mm_set1_epi8(0x20);
    const __m128i open = _mm_set1_epi8('{'), close = _mm_set1_epi8('}');

    for (; end - p >= 16; p += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i lower = _mm_or_si128(v, bit);
        __m128i found = _mm_or_si128(_mm_cmpeq_epi8(lower, open), _mm_cmpeq_epi8(lower, close));
        unsigned mask = (unsigned)_mm_movemask_epi8(_mm_or_si128(found, _mm_cmpeq_epi8(v, quote)));

        if (mask != 0)
            return p + __builtin_ctz(mask);
    }
#endif
    while (p < end && *p != '"' && (*p | 0x20) != '{' && (*p | 0x20) != '}')
        p++;
    return p;
}

/* From the opening quote to behind the closing one. */
static inline const char *behind_string(const char *p, const char *end, bool *escaped)
{
    p = find_quote(p + 1, end);
    while (p < end && *p == '\\') {
        *escaped = true;
        p = find_quote(end - p > 2 ? p + 2 : end, end);
    }
    return p < end ? p + 1 : end;
}

static const char *behind_nested(const char *p, const char *end)
{
    unsigned depth = 0;
    bool escaped;

    while (p < end) {
        if (*p == '"') {
            p = behind_string(p, end, &escaped);
        } else {
            depth += (*p | 0x20) == '{' ? 1u : (unsigned)-1;
            p++;
            if (depth == 0)
                return p;
        }
        p = find_bracket(p, end);
    }
    return end;
}

static const char *behind_value(const char *p, const char *end)
{
    bool escaped;

    if (*p == '"')
        return behind_string(p, end, &escaped);
    if (*p == '{' || *p == '[')
        return behind_nested(p, end);
    while (p < end && (unsigned char)*p > ' ' && *p != ',' && *p != '}' && *p != ']')
        p++;
    return p;
}

bool json_members(struct str checked, json_member_fn *on_member, void *ctx)
{
    const char *end = checked.ptr + checked.len, *p, *start;
    bool object = json_type_of(checked) == JSON_OBJECT;

    p = skip_space(checked.ptr, end) + 1;
    for (p = skip_space(p, end); p < end && *p != '}' && *p != ']'; p = skip_space(p, end)) {
        struct json_member m = {.type = JSON_NONE};

        if (object) {
            start = p;
            p = behind_string(p, end, &m.key_escaped);
            m.key = str_make(start + 1, (size_t)(p - start) - 2);
            p = skip_space(skip_space(p, end) + 1, end); /* the colon */
        }
        start = p;
        p = behind_value(p, end);
        m.value = str_make(start, (size_t)(p - start));
        m.type = json_type_of(m.value);
        if (!on_member(ctx, &m))
            return false;
        p = skip_space(p, end);
        if (p < end && *p == ',')
            p++;
    }
    return true;
}
