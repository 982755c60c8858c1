/*
 * upconn.h - one connection to an upstream, from the ready stream to its end.
 *
 * It is idle in its pool, or works for one fetch.  Making it (addresses, proxy, TLS) is dial.c's;
 * until then it has the dial's stream operations.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_UPCONN_H
#define HTTP_UPCONN_H

#include "http/pool.h"
#include "http/response.h"
#include "loop/stream.h"

struct http_upconn {
    struct stream stream; /* its `tcp` is initialised before the stream is opened */
    struct http_client *client;
    struct pool *pool;
    struct http_fetch *fetch; /* NULL: idle, or closing */
    struct list link;         /* in pool->idle */
    uint64_t idle_since_ms;
    union dns_address peer; /* without the port */
    uint32_t generation;    /* of the pool's addresses: this one is among them */
    struct response response;
    bool opened;    /* the stream was: it closes the socket */
    bool used;      /* it has carried a reply, so it may be stale now */
    bool heard;     /* a byte of the present reply came */
    bool batch;     /* on_body() was called in this read */
    bool resumable; /* its TLS session was kept */
    bool dying;     /* being closed */
};

/* A connection without a socket yet; it counts as a handle of the client. NULL: no memory. */
struct http_upconn *upconn_new(struct http_client *c);
/* It can carry requests from now on. */
void upconn_ready(struct http_upconn *c);
/* The fetch's request may be written: get ready for its reply. */
void upconn_begin(struct http_upconn *c, struct http_fetch *f);
/* Writing failed; the peer may have said why before it closed.  Reads what is there, once, as if
 * it had come by itself. */
void upconn_last_words(struct http_upconn *c);
/* Close, and free once that has happened.  `reset`: RST, for a peer that is still sending. */
void upconn_close(struct http_upconn *c, bool reset);
/* The stream's on_closed(), also while dialing. */
void upconn_closed(struct stream *s);

#endif
