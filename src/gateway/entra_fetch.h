/*
 * entra_fetch.h - has the tokens that entra.h keeps: one request to the authority at a time.
 *
 * One a provider that wants tokens; its fetch is the first loop's alone, which looks every second
 * (its time and its client are arguments).
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GATEWAY_ENTRA_FETCH_H
#define GATEWAY_ENTRA_FETCH_H

#include "gateway/entra.h"

struct entra_fetch;
struct http_client;
struct http_origin_settings;

/* `like` is the provider's own: the same proxy and the same limits.  -EINVAL: `why` got a sentence;
 * -ENOMEM. */
MUST_USE int entra_fetch_new(struct entra *e, const struct conf_provider *c,
                             const struct http_origin_settings *like, struct buf *why,
                             struct entra_fetch **ret_fetch);
void entra_fetch_free(struct entra_fetch *f); /* stopped; NULL is fine */
/* Have a token if it is time. */
void entra_fetch_tick(struct entra_fetch *f, struct http_client *client, uint64_t now_ms);
/* The loop ends: no callback follows. */
void entra_fetch_stop(struct entra_fetch *f);

#endif
