/*
 * response.h - the bytes of one HTTP/1.1 reply made into head, body pieces and end.
 *
 * Strict as llhttp is by default: what two parsers might read differently is refused (R54).
 * Interim replies (1xx) are skipped.  Names and values are copied once, into the arena given;
 * body pieces point into the bytes that were fed.  No input or output here, so that it can be
 * fuzzed from memory.
 *
 * Format: RFC 9112.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_RESPONSE_H
#define HTTP_RESPONSE_H

#include <llhttp.h>

#include "http/client.h"

#define RESPONSE_HEAD_BYTES_MAX (64u * 1024u) /* all heads and trailers of one reply together */
#define RESPONSE_FIELDS_MAX 256u

enum response_verdict {
    RESPONSE_MORE,    /* feed on */
    RESPONSE_DONE,    /* the reply is whole */
    RESPONSE_STOPPED, /* a callback said so: its owner may be gone, touch nothing */
    RESPONSE_BAD,     /* not HTTP: response_why() */
    RESPONSE_LIMIT,   /* head too large */
};

struct response;

struct response_ops { /* false: stop at once */
    bool (*on_head)(struct response *r, const struct http_reply_in *head);
    bool (*on_body)(struct response *r, struct str bytes);
};

struct response {
    llhttp_t parser;
    const struct response_ops *ops;
    struct arena *arena;
    struct http_fields fields;
    const char *why; /* where llhttp does not say it better */
    char *at;        /* the field being read: name, then value; `room` bytes follow what is there */
    uint32_t room, name_len, value_len;
    uint32_t budget; /* bytes of heads still allowed */
    uint8_t verdict; /* why a callback stopped the parser */
    bool no_body;    /* the request was HEAD */
    bool headed;     /* on_head() was called */
    bool complete;
    bool reusable; /* once complete: the connection may carry another request */
};

/* For HEAD requests `no_body` is true.  `arena` must live until the reply is whole, or forgotten.
 */
void response_start(struct response *r, const struct response_ops *ops, struct arena *arena,
                    bool no_body);
/* `*ret_used` of the bytes belonged to the reply, when it is DONE. */
enum response_verdict response_feed(struct response *r, struct str bytes, size_t *ret_used);
/* on_head() was called, and what it was given is not needed any more: nothing of it is in the arena
 * from now on. */
void response_forget(struct response *r);
/* The peer closed properly: was that the end of the reply? */
bool response_end(struct response *r);
const char *response_why(const struct response *r);

#endif
