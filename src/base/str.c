/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#define DIGITS_MAX 18u

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

const char *str_find(struct str s, struct str needle)
{
    if (needle.len == 0)
        return s.ptr;
    return s.len >= needle.len ? memmem(s.ptr, s.len, needle.ptr, needle.len) : NULL;
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
