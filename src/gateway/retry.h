/*
 * retry.h - how long to wait before a target is asked again.
 *
 * Pure functions: time and chance are arguments.  The delay is min(initial * 2^n + U(0, jitter),
 * max), 502 and 503 multiply it; a Retry-After of the reply is never undercut.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GATEWAY_RETRY_H
#define GATEWAY_RETRY_H

#include "conf/conf.h"
#include "http/message.h"

/* What a reply says about coming back, in milliseconds; 0 when it says nothing usable.  Reads
 * retry-after-ms (a decimal fraction is allowed), then Retry-After as seconds or as an HTTP date.
 * `now_s` is the wall clock.  Garbage, negative and past values count as absent. */
uint64_t retry_after_ms(const struct http_fields *f, int64_t now_s);

/* The back-off after this target's `failures`-th failure (1 or more) in this exchange.  `status`
 * is the reply's, or 0; `chance` any random number. */
uint64_t retry_delay_ms(const struct conf_retry *p, unsigned failures, unsigned status,
                        uint64_t retry_after, uint64_t chance);

#endif
