/* str.h - a read-only view of bytes.  It never owns them and is never NUL-terminated.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <string.h>

#include "base/defs.h"

struct str {
    const char *ptr;
    size_t len;
};

#define STR(lit) ((struct str){"" lit, sizeof(lit) - 1})
/* clang-format off */
#define STR_INIT(lit) {"" lit, sizeof(lit) - 1} /* a constant initialiser, for tables */
/* clang-format on */
/* For printf's "%.*s". */
#define STR_ARG(s) (int)(s).len, (s).ptr

static inline struct str str_from(const char *z)
{
    return z != NULL ? (struct str){z, strlen(z)} : (struct str){NULL, 0};
}

static inline struct str str_make(const char *ptr, size_t len)
{
    return (struct str){ptr, len};
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool str_starts(struct str s, struct str prefix)
{
    return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.ptr, prefix.ptr, prefix.len) == 0);
}

static inline struct str str_skip(struct str s, size_t n)
{
    return n < s.len ? (struct str){s.ptr + n, s.len - n} : (struct str){NULL, 0};
}

/* Split `s` at the first `sep`.  Without one, `*head` is all of `s` and the result is false. */
static inline bool str_cut(struct str s, char sep, struct str *head, struct str *tail)
{
    const char *at = s.len > 0 ? memchr(s.ptr, sep, s.len) : NULL;
    size_t n = at != NULL ? (size_t)(at - s.ptr) : s.len;

    *head = (struct str){s.ptr, n};
    *tail = at != NULL ? (struct str){at + 1, s.len - n - 1} : (struct str){NULL, 0};
    return at != NULL;
}

static inline char ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool str_eq_nocase_bytes(const char *a, const char *b, size_t n);
/* ASCII case only, as HTTP field names want.  Nearly always the lengths or the first letters
 * differ, and each request asks this a few hundred times. */
static inline bool str_eq_nocase(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || (((a.ptr[0] ^ b.ptr[0]) & ~0x20) == 0 &&
                                             str_eq_nocase_bytes(a.ptr, b.ptr, a.len)));
}
/* Without spaces and tabs at either end. */
struct str str_trim(struct str s);
/* A whole decimal number of at most 18 digits; false (and *ret_n untouched) for anything else. */
MUST_USE bool str_to_u64(struct str s, uint64_t *ret_n);
/* Find `needle`, or NULL. */
const char *str_find(struct str s, struct str needle);
/* Equal, in a time that depends on the lengths alone. */
bool str_eq_secret(struct str a, struct str b);

#endif
