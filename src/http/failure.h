/*
 * failure.h - what the log says about a fetch that failed.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_FAILURE_H
#define HTTP_FAILURE_H

#include "http/fetch.h"

/* While `f` is still as it was when it failed.  `err` is a negative errno, or UV_EAI_*, or 0 when
 * the peer closed; `why` is a text that says it better, or NULL. */
void failure_text(const struct http_fetch *f, enum http_failure failure, int err, const char *why,
                  char *to, size_t size);

#endif
