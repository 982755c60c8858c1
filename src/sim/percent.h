/*
 * percent.h - text out of a URL.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIM_PERCENT_H
#define SIM_PERCENT_H

#include "base/arena.h"

/* %XX, and in a query's values + as a space; what is malformed stays as it is, as does everything
 * when the arena has no room. */
struct str percent_decode(struct arena *a, struct str s, bool plus);

#endif
