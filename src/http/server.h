/*
 * server.h - HTTP/1.1 to clients: listener, connections, requests in, replies out.
 *
 * Each loop thread opens its own server on the same address (SO_REUSEPORT).  A request is a
 * struct http_call.  A connection works on one call at a time and keeps what a pipelining client
 * sent meanwhile (bounded), so replies are always in order.
 *
 * The life of a call, all on the loop's thread:
 *     head()  the head is whole; says how the body is wanted
 *     body()  only with HTTP_BODY_STREAM: pieces as they come, already unchunked
 *     ready() the request is whole (with HTTP_BODY_WHOLE, call->body holds it)
 *     ... http_reply_*() at any time from head() on ...
 *     gone()  the client left (FIN, RST, time-out) before the reply ended: stop, reply no more
 *     done()  exactly once, last: the call is about to be freed; let go of it
 * A reply may end before the body has come; the rest is then read and dropped, or the connection
 * closed.  Malformed requests, limits and time-outs are answered here and never reach head().
 *
 * Formats: RFC 9110, 9112.  Parsing is llhttp's, strict.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include <stdatomic.h>

#include "http/message.h"
#include "loop/loop.h"

struct http_server;
struct http_call;
struct ssl_ctx_st;

struct http_server_limits {
    uint32_t connections;      /* open at once, all threads together; more wait in the backlog */
    uint32_t header_bytes;     /* request line and fields; 431 over it */
    uint32_t header_fields;    /* 431 over it */
    uint64_t body_bytes;       /* 413 naming it */
    uint32_t header_ms;        /* from the first byte to the end of the head: 408 */
    uint32_t body_ms;          /* to the end of the body: 408 */
    uint32_t keepalive_ms;     /* idle between requests: closed */
    uint32_t write_stall_ms;   /* a client that takes no bytes this long is cut */
    uint32_t out_buffer_bytes; /* queued towards a client before FLOW_HOLD */
    uint64_t arena_bytes;      /* a call's arena; 0: no limit */
    uint64_t in_flight_bytes;  /* request bodies held, all threads together: 503; 0: no limit */
};

/* Cross-origin access for browsers (the Fetch standard).  Preflights are answered here. */
struct http_cors {
    const struct str *origins; /* "https://app.example", or one "*"; never with credentials */
    unsigned count;
    uint32_t max_age_s;
};

enum http_body_mode { HTTP_BODY_WHOLE, HTTP_BODY_STREAM };

struct http_handler {
    enum http_body_mode (*head)(struct http_call *c);
    void (*body)(struct http_call *c, struct str piece);
    void (*ready)(struct http_call *c);
    void (*drain)(struct http_call *c); /* after FLOW_HOLD: send on */
    void (*gone)(struct http_call *c);
    void (*done)(struct http_call *c);
    /* The server answered a request by itself that never became a call: for counting.  May be
     * NULL. */
    void (*refused)(struct http_call *c, unsigned status);
    /* Write the JSON body for an error the server itself answers (400, 408, 413, 417, 431, 501,
     * 503); `limit` names the setting in play, or is empty.  Of the call there are the arena and
     * the path, as it was sent, or empty when not even that came.  The arena may be full: .ptr
     * NULL, or a text that needs none.  May be NULL: a plain default. */
    struct str (*error_body)(struct http_call *c, unsigned status, struct str message,
                             struct str limit);
};

struct http_server_settings {
    struct str host; /* an address, or a name resolved at open */
    uint16_t port;   /* 0 lets the kernel choose: http_server_port() */
    struct http_server_limits limits;
    /* Refuse an address that somebody listens on, also another process of ours, with which
     * SO_REUSEPORT alone would share it silently.  For the first thread of a listener. */
    bool exclusive;
    struct ssl_ctx_st *tls;       /* NULL: plain */
    atomic_uint *connections;     /* shared by the threads of one listener; NULL: not limited */
    atomic_ullong *in_flight;     /* for limits.in_flight_bytes; shared as `connections` is */
    const struct http_cors *cors; /* NULL: off.  Must outlive the server. */
};

struct http_call {
    /* The request; all bytes are in `arena`, which lives until done() returns, or until
     * http_call_forget(). */
    struct arena arena;
    struct loop *loop;
    struct str method;      /* "POST" */
    struct str target;      /* as sent: "/v1/models?x=1" */
    struct str path, query; /* split at '?'; not decoded */
    struct http_fields fields;
    struct str host;
    struct str body;              /* HTTP_BODY_WHOLE, from ready() on */
    int64_t content_length;       /* -1: chunked, or none */
    uint64_t started_ns;          /* first byte of the head */
    uint64_t bytes_in, bytes_out; /* of this call, framing and heads included */
    char peer[48];                /* the client's address, no port */
    bool head_only;               /* HEAD: bodies are counted but not sent */
    bool http_1_0;
    /* The reply so far. */
    unsigned status;        /* 0 until http_reply_head() */
    bool replied;           /* http_reply_end() or _abort() was called */
    bool full;              /* `arena` had no room for a head: the server answered 503 instead */
    bool left;              /* gone() was called */
    void *user;             /* the handler's own */
    struct http_conn *conn; /* server_conn.c's */
};

/* 0 or a negative errno; `why` gets a sentence ("127.0.0.1:8080: address already in use"). */
MUST_USE int http_server_open(struct loop *l, const struct http_server_settings *s,
                              const struct http_handler *h, void *user, struct buf *why,
                              struct http_server **ret_server);
uint16_t http_server_port(const struct http_server *s);
void *http_server_user(const struct http_call *c); /* `user` of http_server_open() */
/* Stop accepting; idle connections close, busy ones after their call ("Connection: close"). */
void http_server_drain(struct http_server *s);
unsigned http_server_busy(const struct http_server *s); /* calls in progress */
/* Give back memory that was not needed lately.  Call it every second or so. */
void http_server_trim(struct http_server *s);
/* Cut what is left and free the server once its handles are closed. */
void http_server_close(struct http_server *s);

/* Start the reply.  `length` is the body's; -1 when it is not known: chunked, or until close for
 * HTTP/1.0.  Content-Length, Transfer-Encoding, Connection, Date and CORS fields are written by
 * the server and must not be in `fields`; unsafe values are dropped.  The head leaves with the
 * first body piece, or with http_reply_flush()/_end(), in one write.  Without room for it in the
 * arena, a 503 goes out instead and the reply has ended (`full`). */
void http_reply_head(struct http_call *c, unsigned status, const struct http_fields *fields,
                     int64_t length);
/* Send body bytes, `n` pieces in one write (and one chunk).  FLOW_HOLD: stop until drain(). */
enum flow http_reply_body(struct http_call *c, const struct str *pieces, unsigned n);
void http_reply_flush(struct http_call *c);
void http_reply_end(struct http_call *c);
/* http_reply_body() and http_reply_end() in one write. */
void http_reply_last(struct http_call *c, struct str bytes);
/* The answer cannot be finished: close so that the client sees the cut (no last chunk). */
void http_reply_abort(struct http_call *c);
/* Head, whole body and end in one write. */
void http_reply(struct http_call *c, unsigned status, const struct http_fields *fields,
                struct str body);

/* HTTP_BODY_STREAM: stop and go on reading this client's body.  Time spent paused does not count
 * for body_ms. */
void http_call_pause(struct http_call *c);
void http_call_resume(struct http_call *c);
/* The handler holds up to `bytes` for this call beside its body: counted with it, until let go, the
 * reply's end, or http_call_forget(), in limits.in_flight_bytes.  False: that is passed. */
MUST_USE bool http_call_hold(struct http_call *c, size_t bytes);
void http_call_let_go(struct http_call *c);
/* The request has come whole and is not needed any more; what is kept of `arena` was copied to
 * `kept`, which takes its place, and the rest goes.  All strings of the request, its fields and its
 * body are empty from then on.  A reply's head that waits for its first bytes leaves now. */
void http_call_forget(struct http_call *c, struct arena *kept);

#endif
