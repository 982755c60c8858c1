/*
 * tunnel.h - from a connected socket to one that speaks HTTP with the origin: proxy, TLS.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_TUNNEL_H
#define HTTP_TUNNEL_H

#include "http/fetch.h"

/* `conn` is connected and its fetch's.  fetch_begin() or fetch_fail() follows, maybe from within.
 */
void tunnel_start(struct http_upconn *conn);

#endif
