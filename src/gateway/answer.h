/*
 * answer.h - the last step on the way out: what reaches the client, in what order.
 *
 * Every answer carries x-request-id and the x-dragoman-* fields.  A whole answer leaves in one
 * write.  An event stream's head leaves with its first bytes; from then on the status cannot
 * change any more, and from the first content on the target neither (the commit rule).
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GATEWAY_ANSWER_H
#define GATEWAY_ANSWER_H

#include "http/message.h"

struct exchange;

/* Add our own fields: request id, target, attempts, overhead.  -ENOMEM when the arena is full. */
MUST_USE int answer_fields(struct exchange *x, struct http_fields *f);
/* Add the upstream's fields that a client may see: not hop-by-hop, cookies, framing, dates, CORS.
 * `encoded`: keep content-encoding, because the bytes are passed on as they are. */
MUST_USE int answer_upstream_fields(struct exchange *x, struct http_fields *f,
                                    const struct http_fields *reply, bool encoded);

void answer_whole(struct exchange *x, unsigned status, const struct http_fields *f,
                  struct str body);
/* Our own JSON, with our own fields. */
void answer_json(struct exchange *x, unsigned status, struct str body);

/* Open the event stream if it is not open yet. */
void answer_stream_open(struct exchange *x);
/* Send stream bytes; sets x->answer.held when the client is slow. */
void answer_bytes(struct exchange *x, const struct str *pieces, unsigned n);
void answer_end(struct exchange *x);
/* Bytes and the end in one write. */
void answer_last(struct exchange *x, struct str bytes);

#endif
