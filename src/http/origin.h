/*
 * origin.h - what an origin is to the client's own files: settings made ready for the wire.
 *
 * Immutable but for the counts.  Pools hold an origin too, one a thread; `users` leaves them out,
 * so that a pool knows when nobody can ask for this origin any more.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_ORIGIN_H
#define HTTP_ORIGIN_H

#include <stdatomic.h>

#include "http/client.h"

struct http_origin {
    struct http_origin *self; /* the counts can be changed where the rest is const */
    atomic_uint holders, users;
    struct http_origin_settings set; /* its strings are ours, and NUL-terminated */
    struct str dial_host;            /* where the socket connects to: the host, or the proxy */
    uint16_t dial_port;
    char *connect_head; /* "CONNECT host:port HTTP/1.1 …": TLS through a proxy; else NULL */
    char *absolute;     /* "http://host:port": plain through a proxy; else NULL */
    char *proxy_line;   /* "proxy-authorization: …\r\n" for the plain case; may be NULL */
};

struct http_origin *origin_hold(const struct http_origin *o);
void origin_release(struct http_origin *o);

static inline bool origin_retired(const struct http_origin *o)
{
    return atomic_load_explicit(&o->self->users, memory_order_relaxed) == 0;
}

#endif
