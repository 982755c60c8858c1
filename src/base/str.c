/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define DIGITS_MAX 18u
/* After so many places that only looked like it memmem() is the better searcher. */
#define SKIPS_MAX 64u

bool str_eq_nocase_bytes(const char *a, const char *b, size_t n)
{
    if (memcmp(a, b, n) == 0) /* most names come as we write them */
        return true;
    for (size_t i = 0; i < n; i++) {
        if (a[i] != b[i] && ascii_lower(a[i]) != ascii_lower(b[i]))
            return false;
    }
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct str str_trim(struct str s)
{
    while (s.len > 0 && is_blank(s.ptr[0])) {
        s.ptr++;
        s.len--;
    }
    while (s.len > 0 && is_blank(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

bool str_to_u64(struct str s, uint64_t *ret_n)
{
    uint64_t n = 0;

    if (s.len == 0 || s.len > DIGITS_MAX)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
        n = n * 10 + (uint64_t)(s.ptr[i] - '0');
    }
    *ret_n = n;
    return true;
}

/* The first place from p on where the needle may begin: where its first and its last byte stand,
 * which are rare together in what people write; or where there are too few bytes to look at 16. */
static const char *skip_unlike(const char *p, const char *end, struct str needle)
{
#if defined(__SSE2__)
    const size_t last = needle.len - 1;
    const __m128i head = _mm_set1_epi8(needle.ptr[0]), tail = _mm_set1_epi8(needle.ptr[last]);

    for (; (size_t)(end - p) >= 16 + last; p += 16) {
        __m128i a = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i b = _mm_loadu_si128((const __m128i *)(const void *)(p + last));
        unsigned mask = (unsigned)_mm_movemask_epi8(
            _mm_and_si128(_mm_cmpeq_epi8(a, head), _mm_cmpeq_epi8(b, tail)));

        if (mask != 0)
            return p + __builtin_ctz(mask);
    }
#else
    (void)end;
    (void)needle;
#endif
    return p;
}

const char *str_find(struct str s, struct str needle)
{
    const char *p = s.ptr, *end;

    if (needle.len == 0)
        return s.ptr;
    if (s.len < needle.len)
        return NULL;
    end = s.ptr + s.len;
    for (unsigned tries = 0; tries < SKIPS_MAX; tries++) {
        p = skip_unlike(p, end, needle);
        if ((size_t)(end - p) < 16 + needle.len)
            break;
        if (memcmp(p, needle.ptr, needle.len) == 0)
            return p;
        p++;
    }
    return memmem(p, (size_t)(end - p), needle.ptr, needle.len);
}

bool str_eq_secret(struct str a, struct str b)
{
    volatile unsigned char diff = 0;

    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        diff = (unsigned char)(diff | (unsigned char)(a.ptr[i] ^ b.ptr[i]));
    return diff == 0;
}
