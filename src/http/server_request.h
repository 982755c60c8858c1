/*
 * server_request.h - one HTTP/1.x request out of bytes: its head, then its body.
 *
 * The part of the server that reads what strangers send, without a socket, so that it can be
 * fuzzed.  Framing is llhttp's, strict; on top of it come the rules that keep a request from
 * meaning two things to two readers (R54, RFC 9112 sections 2.2, 3, 5, 6, 7) and the limits.
 *
 * Feed it all bytes that were not used yet, in order.  A head is taken whole: until its end has
 * come nothing is used, and the caller keeps the bytes.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_SERVER_REQUEST_H
#define HTTP_SERVER_REQUEST_H

#include <llhttp.h>

#include "http/server.h"

enum request_step {
    REQUEST_MORE, /* more bytes are needed */
    REQUEST_HEAD, /* the call's fields are set; feed on (also with no bytes) for the body */
    REQUEST_HELD, /* on_body said FLOW_HOLD */
    REQUEST_END,  /* the request is whole */
    REQUEST_BAD,  /* see `refusal`; nothing after it can be read */
};

/* What the server says to a request that it does not take. */
struct http_refusal {
    unsigned status;
    const char *message; /* static text */
    const char *limit;   /* the setting in play, or NULL */
};

struct request_reader {
    llhttp_t parser;
    struct http_call *call; /* the head goes here, its bytes into call->arena */
    const struct http_server_limits *limits;
    /* May call request_refuse(): the request is REQUEST_BAD then. */
    enum flow (*on_body)(struct request_reader *r, struct str piece);
    struct http_refusal refusal;
    struct str field_name, field_value; /* while a field is being read */
    size_t probed;                      /* bytes of an unfinished head already looked at */
    uint64_t body_bytes;                /* of the body, so far */
    uint32_t extra_bytes;               /* chunk extensions and trailers */
    bool head_done, whole;
    bool held; /* REQUEST_HELD was said: the end may need no further bytes */
    bool chunked, keep_alive, expects_100;
};

/* `r->call`, `r->limits` and `r->on_body` stay; everything else starts anew. */
void request_reader_reset(struct request_reader *r);
MUST_USE enum request_step request_read(struct request_reader *r, struct str bytes,
                                        size_t *ret_used);
/* Set the call's path to what `bytes`, a head that is not taken, begins with; it stays theirs. */
void request_peek(struct request_reader *r, struct str bytes);
/* Would request_read() without bytes have something to say? */
static inline bool request_pending(const struct request_reader *r)
{
    return r->whole || r->held;
}

/* server_check.c: the rules for a head that llhttp has found well formed.  `head` is all of it.
 * False with r->refusal set. */
MUST_USE bool request_check(struct request_reader *r, struct str head);
/* Set r->refusal; always false. */
COLD bool request_refuse(struct request_reader *r, unsigned status, const char *message,
                         const char *limit);

#endif
