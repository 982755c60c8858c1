/*
 * float32.h - a JSON number as the nearest float.
 *
 * strtof() does the same in 200 ns, and the vectors of a hundred texts are 150,000 numbers: the
 * loop would stand still for 30 ms.  This is exact as well, and the most of that is saved.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_FLOAT32_H
#define BASE_FLOAT32_H

#include "base/str.h"

/* `number` is checked JSON, with another byte of the text behind it.  Infinite when no float32 is
 * that large. */
float float32_read(struct str number);

#endif
