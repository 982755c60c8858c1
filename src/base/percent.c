/* SPDX-License-Identifier: Apache-2.0 */
#include "base/percent.h"

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

struct str percent_encode(struct arena *a, struct str s, struct str kept)
{
    static const char hex[] = "0123456789ABCDEF";
    char *to = arena_bytes(a, 3 * s.len + 1);
    size_t n = 0;

    if (to == NULL)
        return (struct str){NULL, 0};
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];

        if (is_unreserved(s.ptr[i]) || (kept.len > 0 && memchr(kept.ptr, c, kept.len) != NULL)) {
            to[n++] = s.ptr[i];
        } else {
            to[n++] = '%';
            to[n++] = hex[c >> 4];
            to[n++] = hex[c & 15];
        }
    }
    return str_make(to, n);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

struct str percent_decode(struct arena *a, struct str s, bool plus)
{
    char *p = arena_bytes(a, s.len + 1);
    size_t n = 0;

    if (p == NULL)
        return (struct str){NULL, 0};
    for (size_t i = 0; i < s.len; i++) {
        int hi = s.ptr[i] == '%' && i + 2 < s.len ? hex_digit(s.ptr[i + 1]) : -1;
        int lo = hi >= 0 ? hex_digit(s.ptr[i + 2]) : -1;

        p[n++] = lo >= 0 ? (char)(hi * 16 + lo) : plus && s.ptr[i] == '+' ? ' ' : s.ptr[i];
        i += lo >= 0 ? 2 : 0;
    }
    return (struct str){p, n};
}
