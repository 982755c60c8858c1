/*
 * base64.h - bytes as text (RFC 4648, 4).
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include <stddef.h>

#include "base/defs.h"

/* Characters for `n` bytes, padding included. */
#define BASE64_LEN(n) (((n) + 2) / 3 * 4)

/* Write BASE64_LEN(n) characters to `to`, no NUL; returns their number. */
size_t base64_write(const unsigned char *bytes, size_t n, char *to);
/* The bytes of a text in either alphabet (RFC 4648, 4 and 5), padded or not, into `to`, which has
 * room for n / 4 * 3 + 2; their number, or -1: it is none. */
ptrdiff_t base64_read(const char *text, size_t n, unsigned char *to);

#endif
