/*
 * server_conn.h - one client connection: what the server*.c share.  Nobody else includes it.
 *
 * A connection is in one state; only server_conn.c moves it on.  Handlers are called
 * either while bytes are consumed (`consuming`) or by the loop.  What a handler sets in motion by
 * replying takes effect when it has returned: at once while consuming, else at the end of the
 * turn (conn_later()), so that done() never comes from within a handler's own call.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_SERVER_CONN_H
#define HTTP_SERVER_CONN_H

#include "base/spares.h"
#include "http/server_deadline.h"
#include "http/server_request.h"
#include "loop/stream.h"

enum conn_state {
    CONN_OPENING, /* TLS */
    CONN_IDLE,    /* nothing of a request yet */
    CONN_HEAD,    /* part of a head */
    CONN_CALL,    /* a call is in progress */
    CONN_DROP,    /* its reply has ended, its body has not */
    CONN_LINGER,  /* FIN sent; what still comes is dropped for a moment */
    CONN_CLOSING,
};

struct http_conn {
    struct stream stream;
    struct http_server *server;
    struct list link; /* in the server's */
    struct loop_dead later;
    struct deadline limit;   /* of the state */
    struct deadline stall;   /* of the bytes going out */
    struct deadline watch;   /* while not reading */
    uint64_t accepted_bytes; /* by the client's kernel when `stall` was started */
    struct buf held;         /* read, not consumed: part of a head, or what was pipelined */
    struct request_reader reader;
    struct http_call call;
    struct buf body;       /* HTTP_BODY_WHOLE */
    size_t body_in_flight; /* of its capacity, what is counted in settings.in_flight */
    size_t more_in_flight; /* http_call_hold(), counted there too */
    /* The reply. */
    struct str head;      /* serialised, not sent */
    uint64_t length_left; /* of a reply of known length */
    uint32_t lingered_bytes;
    enum conn_state state;
    bool consuming;
    bool own;         /* the server answers this call itself; the handler does not know it */
    bool stream_body; /* HTTP_BODY_STREAM */
    bool paused;      /* by http_call_pause() */
    bool holding;     /* FLOW_HOLD was said */
    bool broken;      /* a write failed */
    bool aborted;     /* http_reply_abort(), or a body of the wrong length */
    bool chunked;     /* the reply */
    bool sized;       /* it has a body of known length */
    bool bodiless;    /* HEAD, 204, 304 */
    bool expects_100; /* and has not been told to go on */
    bool told_ready;  /* the handler's ready() was called */
    bool close_after; /* this reply */
    bool stalled_once;
    uint64_t serial; /* raw.c: of this connection, once somebody asked */
    unsigned mark;   /* raw.c: the handler's own */
};

struct http_server {
    struct loop *loop;
    struct http_server_settings settings;
    const struct http_handler *handler;
    void *user;
    int fd; /* listening; -1 when not */
    uv_poll_t accepting;
    uv_timer_t accept_again;
    bool accept_paused;
    bool draining, closing;
    uint8_t handles; /* open, of the three */
    unsigned busy, open;
    uint64_t complained_ms;
    struct list conns;
    struct deadlines deadlines;
    struct spares spare_bodies; /* server_body.c's blocks */
    struct spares spare_conns;
};

/* server_conn.c */
/* `fd` is still the caller's if this fails. */
MUST_USE int conn_open(struct http_server *s, int fd, const char *peer);
/* The client is gone or must go: gone(), done(), close.  From the loop, not from a handler. */
void conn_cut(struct http_conn *c, bool reset);
/* gone() and done(); the connection stays and the call is nobody's. */
void conn_call_gone(struct http_conn *c);
/* Take the consequences of what a handler did.  No handler is on the stack. */
void conn_settle(struct http_conn *c);
/* conn_settle(), and go on with what was held, at the end of the turn. */
void conn_later(struct http_conn *c);
void conn_drain(struct http_conn *c);

/* server_time.c */
void conn_deadline(struct deadline *d);

/* server_body.c */
/* Keep a piece; false with the reader's refusal set. */
MUST_USE bool conn_body_put(struct http_conn *c, struct str piece);
void conn_body_free(struct http_conn *c);
void conn_body_uncount(struct http_conn *c);

/* server_refuse.c */
/* Answer instead of the handler, and close.  Of a call in progress the handler hears gone(). */
void conn_refuse(struct http_conn *c, const struct http_refusal *r);
/* Answer instead of what was to be answered: the arena has no room for its head.  503, and close.
 */
void conn_answer_full(struct http_conn *c);
/* True: it was a CORS preflight, and is answered. */
bool conn_preflight(struct http_conn *c);
/* The origin the reply may name, or empty. */
struct str conn_cors_origin(const struct http_conn *c);

/* server_reply.c */
void conn_send(struct http_conn *c, const struct str *pieces, unsigned n);

/* server_head.c */
#define CONN_CORS_PIECES 5u
/* The fields for a browser on another site, as pieces of a head; their number. */
unsigned conn_cors_pieces(const struct http_conn *c, struct str ret_pieces[CONN_CORS_PIECES]);
/* Serialise the reply's head into the arena, as c->head. */
MUST_USE int conn_head_write(struct http_conn *c, const struct http_fields *fields, int64_t length);

/* server.c */
void server_conn_closed(struct http_server *s);

#endif
