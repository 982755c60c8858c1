/*
 * client.h - HTTP/1.1 to upstreams: origins, pooled connections, one attempt's request and reply.
 *
 * Each loop thread has one http_client.  It keeps idle connections per origin, opens new ones up
 * to a limit (TCP, proxy, TLS), and queues callers past it until their deadline.  A pooled
 * connection that turns out closed before any byte of the reply came is replaced once, silently
 * (R21): the caller never learns of it, except through http_fetch->replayed.
 *
 * A fetch is one request.  Exactly one of on_end and on_fail comes, last, unless it is cancelled.
 * Callbacks never come from within http_fetch_start().  In any callback the fetch may be
 * cancelled.  All on the loop's thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include "http/alarm.h"
#include "http/message.h"

struct http_client; /* one a thread */
struct http_origin; /* where to connect; shared by all threads, immutable */
struct ssl_ctx_st;

struct http_origin_settings {
    struct str host; /* name or address, no brackets */
    uint16_t port;
    struct ssl_ctx_st *tls; /* NULL: plain */
    struct str proxy_host;  /* empty: direct.  An http:// proxy: CONNECT for TLS, absolute-form
                             * targets otherwise */
    uint16_t proxy_port;
    struct str proxy_authorization; /* "Basic …", or empty */
    uint32_t connections_max;       /* a thread; 0: 256 */
    uint32_t queue_max;             /* fetches waiting for one of them, a thread; 0: 1024 */
    uint32_t idle_max;              /* kept open, a thread */
    uint32_t idle_ms;               /* and for how long */
    uint32_t dns_ttl_ms;
    uint32_t happy_eyeballs_ms; /* head start of the preferred family (RFC 8305: 250) */
};

struct http_limits {      /* milliseconds; 0 is none */
    uint32_t connect_ms;  /* DNS, TCP, proxy and TLS together; waiting for the pool is not in it */
    uint32_t headers_ms;  /* from the request's last byte to the reply's head */
    uint32_t idle_ms;     /* between two reads of the reply's body, unless we HOLD; and while the
                           * upstream takes no request bytes */
    uint64_t deadline_ms; /* loop time by which all must be over */
};

/* How far a fetch got, for the metric, the log and the fault. */
enum http_phase {
    HTTP_PHASE_QUEUE, /* waiting for a connection of the pool */
    HTTP_PHASE_RESOLVE,
    HTTP_PHASE_CONNECT,
    HTTP_PHASE_TLS,
    HTTP_PHASE_SEND,    /* request bytes are being written */
    HTTP_PHASE_HEADERS, /* waiting for the head */
    HTTP_PHASE_BODY,
};

enum http_failure {
    HTTP_FAIL_NONE,
    HTTP_FAIL_RESOLVE,  /* no such host, resolver failed */
    HTTP_FAIL_CONNECT,  /* refused, unreachable, proxy said no */
    HTTP_FAIL_TLS,      /* handshake or certificate */
    HTTP_FAIL_TIMEOUT,  /* `phase` says which limit fired; deadline_hit if it was the deadline */
    HTTP_FAIL_RESET,    /* the connection broke, or closed before the reply began */
    HTTP_FAIL_CUT,      /* it closed before the reply was whole */
    HTTP_FAIL_PROTOCOL, /* what came is not HTTP */
    HTTP_FAIL_LIMIT,    /* reply head too large, or the pool's queue is full */
};

struct http_reply_in {
    unsigned status;
    struct http_fields fields; /* in the fetch's arena */
    int64_t content_length;    /* -1: not known */
};

struct http_fetch;

struct http_fetch_ops {
    void (*on_head)(struct http_fetch *f, const struct http_reply_in *head);
    /* HOLD stops reading until http_fetch_resume(); what was already read (LOOP_SCRATCH_BYTES at
     * most) still comes. */
    enum flow (*on_body)(struct http_fetch *f, struct str bytes);
    /* What one read brought, on_head() or on_body() calls, is over: a good moment to write to the
     * client. The last batch has on_end() or on_fail() instead. */
    void (*on_batch)(struct http_fetch *f); /* may be NULL */
    void (*on_end)(struct http_fetch *f);
    /* `why` is a short text for logs: no secrets, valid during the call. */
    void (*on_fail)(struct http_fetch *f, enum http_failure failure, const char *why);
    /* A streamed request body may go on after FLOW_HOLD.  NULL when there is none. */
    void (*on_drain)(struct http_fetch *f);
};

/* Set by the caller before http_fetch_start(); must stay until the end or the cancel. */
struct http_request_out {
    struct str head; /* "POST /v1/x HTTP/1.1\r\nhost: …\r\n…\r\n\r\n", framing fields included */
    /* With a proxy in absolute form the client puts the origin in front of the target itself. */
    struct str body[8]; /* pieces, sent in order (the splice) */
    unsigned body_count;
    bool body_streamed; /* more follows through http_fetch_send(), framed by the caller's head:
                         * chunked when `chunked`, else exactly its Content-Length */
    bool chunked;
    bool head_method; /* HEAD: the reply has no body */
};

struct http_fetch { /* embed; zero it first */
    const struct http_fetch_ops *ops;
    struct http_client *client;
    const struct http_origin *origin;
    struct arena *arena; /* for the reply's fields */
    struct http_request_out request;
    struct http_limits limits;
    void *user;
    /* Facts, for metrics and logs. */
    enum http_phase phase;
    uint64_t started_ns, sent_ns, head_ns; /* loop_clock_ns() */
    uint64_t bytes_out, bytes_in;          /* on the wire, heads included (TLS not) */
    bool reused;                           /* on a pooled connection */
    bool replayed;                         /* a stale one was replaced */
    bool deadline_hit;
    /* The client's own. */
    struct pool *pool;
    struct http_dial *dial;   /* making a connection, or … */
    struct http_upconn *conn; /* … having one, or … */
    struct list link;         /* … waiting for one */
    struct alarm alarm;
    struct buf early;     /* streamed body that came before it could be written */
    uint64_t total, sent; /* of `request`'s own bytes, on the wire */
    uint64_t since_ms;    /* when the limit in play began */
    int pending_err;
    uint8_t pending;  /* an enum http_failure to tell in the next turn */
    bool active;      /* from the start until the last callback or the cancel */
    bool sending;     /* the request is not whole on the wire yet */
    bool refused;     /* the reply came before that, and is no success: send no more */
    bool write_on;    /* the kernel took all it was given, and there is more */
    bool streamed;    /* bytes of the streamed body went out: no replay */
    bool stream_over; /* http_fetch_send_end() was called */
    bool wants_drain; /* FLOW_HOLD was said */
    bool held;        /* on_body() said FLOW_HOLD */
};

MUST_USE int http_client_new(struct loop *l, struct http_client **ret_client);
void http_client_free(struct http_client *c); /* closes everything; no fetch may be under way */

/* The origin copies its settings' strings.  NULL: no memory, or a CR, LF or NUL in them. */
struct http_origin *http_origin_new(const struct http_origin_settings *s);
struct http_origin *http_origin_ref(const struct http_origin *o); /* thread-safe, both */
void http_origin_unref(struct http_origin *o); /* NULL is fine; pools drop theirs by themselves */

/* All of `f`'s input fields are set.  -ENOMEM, or 0 and a callback later. */
MUST_USE int http_fetch_start(struct http_fetch *f);
/* Closes the connection unless the reply had ended; no callback follows. */
void http_fetch_cancel(struct http_fetch *f);
void http_fetch_resume(struct http_fetch *f);
/* The reply's head was looked at and its fields are not needed any more: let go of them and of the
 * request, so that the caller may free their memory.  False, and nothing has changed, while parts
 * of the request are still to be sent. */
MUST_USE bool http_fetch_forget(struct http_fetch *f);
/* Streamed request body.  The piece is taken in any case; FLOW_HOLD: send no more until
 * on_drain().  After an early reply the rest is dropped. */
enum flow http_fetch_send(struct http_fetch *f, struct str piece);
void http_fetch_send_end(struct http_fetch *f);

/* Connections of this thread, for the gauge. */
struct http_client_counts {
    unsigned idle, active, connecting, waiting;
};
struct http_client_counts http_client_counts(const struct http_client *c);

#endif
