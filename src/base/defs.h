/* defs.h - the few compiler words we rely on, each named once.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_DEFS_H
#define BASE_DEFS_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define COUNTOF(a) (sizeof(a) / sizeof((a)[0]))
#define CONTAINER_OF(p, type, field) ((type *)(void *)((char *)(p)-offsetof(type, field)))
#define LIKELY(x) __builtin_expect(!!(x), 1)
/* For what only failing requests need: it stays out of the way of the others, also in the cache. */
#define COLD __attribute__((cold))
#define NOINLINE __attribute__((noinline))
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

/* What a consumer of bytes says about the next ones: send on, or stop until told to go on. */
enum flow { FLOW_MORE, FLOW_HOLD };

#endif
