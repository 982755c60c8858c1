/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/percent.h"

#include "llm/utf8.h"

struct str percent_decode(struct arena *a, struct str s, bool plus)
{
    char *to = arena_bytes(a, s.len + 1);
    size_t n = 0;

    if (to == NULL)
        return s;
    for (size_t i = 0; i < s.len; i++) {
        int high = s.ptr[i] == '%' && i + 2 < s.len ? utf8_hex(s.ptr[i + 1]) : -1;
        int low = high >= 0 ? utf8_hex(s.ptr[i + 2]) : -1;

        if (low >= 0)
            i += 2;
        to[n++] = low >= 0 ? (char)(high * 16 + low) : plus && s.ptr[i] == '+' ? ' ' : s.ptr[i];
    }
    return str_make(to, n);
}
