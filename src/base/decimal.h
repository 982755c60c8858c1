/*
 * decimal.h - a number in decimal, for the path of a request, where printf costs too much.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_DECIMAL_H
#define BASE_DECIMAL_H

#include "base/str.h"

#define DECIMAL_BYTES_MAX 20u /* of UINT64_MAX */

/* The digits of `n`, without leading zeros; they stand in `text`. */
struct str decimal_write(uint64_t n, char text[DECIMAL_BYTES_MAX]);

#endif
