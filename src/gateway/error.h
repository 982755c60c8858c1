/*
 * error.h - what a client reads when something went wrong, in the shape of its surface.
 *
 * OpenAI's envelope: {"error":{"message","type","param","code"}}, all four always there; on the
 * paths of Anthropic's API and of Google's theirs.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GATEWAY_ERROR_H
#define GATEWAY_ERROR_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/fault.h"

struct exchange;
struct http_call;

/* The body, in the arena; a constant fallback when the arena is full.  `message` empty: the
 * fault's own sentence. */
struct str error_body(struct arena *a, enum fault f, struct str message, struct str param);

/* The same as the API of this exchange's surface writes it, appended. */
void error_put(struct exchange *x, enum fault f, struct str message, struct buf *out);

/* Tell the client: a real status while nothing has gone out; otherwise the in-band error event,
 * after which the stream ends without [DONE]. */
void error_answer(struct exchange *x);

/* The fault behind a status that the server answers by itself. */
enum fault error_server_fault(unsigned status);
/* For the server's own refusals (http_handler.error_body). */
struct str error_server_body(struct http_call *c, unsigned status, struct str message,
                             struct str limit);

#endif
