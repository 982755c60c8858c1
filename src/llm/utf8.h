/*
 * utf8.h - UTF-8 one character at a time, as strict as RFC 3629.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LLM_UTF8_H
#define LLM_UTF8_H

#include "base/defs.h"

/* The length of the character at p (< end): 1 to 4, or 0 when it is not well formed: overlong, a
 * surrogate, over U+10FFFF or cut off. */
unsigned utf8_len(const char *p, const char *end);
/* Write `c` (a scalar value) to `out`, which has room for 4; the length. */
unsigned utf8_put(char *out, uint32_t c);
/* The value of a hexadecimal digit, or -1. */
int utf8_hex(char c);

#endif
