/*
 * dial.h - a new connection for one fetch: addresses, the race between them, proxy, TLS.
 *
 * Happy eyeballs (RFC 8305): the families take turns, each address gets a head start over the
 * next, the first that connects wins and the others are closed.  The winner then asks the proxy
 * for a tunnel and shakes hands.  The outcome is fetch_connected() or fetch_fail(), never from
 * within dial_start().
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_DIAL_H
#define HTTP_DIAL_H

#include "http/fetch.h"

/* A negative errno, or UV_EAI_*: nothing was started. */
MUST_USE int dial_start(struct http_fetch *f);
/* Stop looking and connecting.  (A connection that has begun its handshake is f->conn.) */
void dial_cancel(struct http_dial *d);

#endif
