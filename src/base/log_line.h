/*
 * log_line.h - the form of an operational line.  Of log*.c alone.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_LOG_LINE_H
#define BASE_LOG_LINE_H

#include <stdarg.h>

#include "base/log.h"

/* No line of any kind is longer.  A text line is cut to it, ending in "…". */
#define LOG_LINE_MAX 8192u

/* "2026-01-31T12:00:00.123Z LEVEL text", without a newline anywhere, into `line`. */
struct str log_line_format(char line[LOG_LINE_MAX], enum log_level level, const char *fmt,
                           va_list ap) __attribute__((format(printf, 3, 0)));

#endif
