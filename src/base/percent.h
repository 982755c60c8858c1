/*
 * percent.h - text into a URL (RFC 3986, 2.1).
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_PERCENT_H
#define BASE_PERCENT_H

#include "base/arena.h"

/* Each byte that is not unreserved (letters, digits, "-._~") and not in `kept` becomes %XX.  .ptr
 * NULL: no room. */
struct str percent_encode(struct arena *a, struct str s, struct str kept);
/* The way back, and in a query's values + as a space; what is malformed stays as it is.  .ptr NULL:
 * no room. */
struct str percent_decode(struct arena *a, struct str s, bool plus);

#endif
