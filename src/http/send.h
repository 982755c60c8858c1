/*
 * send.h - a fetch's request on its way out: head, body in slices, streamed body.
 *
 * The pieces stay the caller's and are never copied but for what one write to the socket leaves
 * over, so a body of 30 MB costs a slice (R20).  Nothing here calls the caller back, but for
 * send_tell_drained().
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_SEND_H
#define HTTP_SEND_H

#include "http/fetch.h"

/* From the beginning, for a first connection. */
void send_reset(struct http_fetch *f);
/* From the beginning again, for another connection. */
void send_again(struct http_fetch *f);
/* As much as the socket takes now. */
void send_request(struct http_fetch *f);
/* Call on_drain() if it is owed.  The last thing to do with `f`. */
void send_tell_drained(struct http_fetch *f);

#endif
