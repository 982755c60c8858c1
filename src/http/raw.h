/*
 * raw.h - past the server: for a simulator that must be able to misbehave.
 *
 * The caller takes over the framing of the reply; nothing here keeps it within RFC 9112.  The
 * rest of a call's life is as in server.h: done() comes once, last, after the handler returned.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_RAW_H
#define HTTP_RAW_H

#include "http/server.h"

/* Send these bytes as they are, instead of http_reply_*().  FLOW_HOLD: stop until drain(). */
enum flow http_call_raw(struct http_call *c, struct str bytes);

/* End the call and close its connection: with FIN when all has been sent, or with RST at once,
 * dropping what is queued.  Also after http_reply() or http_reply_end(), from the same handler:
 * the client was told that the connection stays, and it does not. */
void http_call_close(struct http_call *c, bool reset);

/* A number for the call's connection, unique in the process. */
uint64_t http_call_connection(struct http_call *c);

/* The handler's own word on the connection; it starts at 0 and outlives the call. */
unsigned *http_call_mark(struct http_call *c);

#endif
