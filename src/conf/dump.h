/*
 * dump.h - values back to text: for the effective configuration, bounds and the manual.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONF_DUMP_H
#define CONF_DUMP_H

#include "conf/settings.h"

/* A number of this setting's kind, with its unit. */
MUST_USE int dump_number(const struct setting *s, uint64_t n, struct buf *out);
/* The value that `record` has for a setting that holds no others; secrets masked. */
MUST_USE int dump_value(const struct setting *s, const void *record, struct buf *out);

#endif
