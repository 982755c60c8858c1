/*
 * reply.h - an HTTP/1.1 reply as the load generator sees it: whole or not, and its events counted.
 *
 * Strict where it decides whether an answer counts (status, length, last chunk), indifferent to
 * everything else, and cheap: the generator must never be the limit of a run.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BENCH_REPLY_H
#define BENCH_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REPLY_HEAD_MAX 4096
#define REPLY_LINE_MAX 1024

enum reply_state {
    REPLY_HEAD,
    REPLY_BODY, /* `left` bytes of it */
    REPLY_CHUNK_SIZE,
    REPLY_CHUNK_DATA,
    REPLY_CHUNK_END, /* the line break behind the data */
    REPLY_TRAILER,
    REPLY_WHOLE,
    REPLY_BROKEN,
};

struct reply {
    enum reply_state state;
    unsigned status;
    bool close;   /* the server will not keep the connection */
    bool content; /* an event with text in it came */
    bool done;    /* data: [DONE] came */
    uint64_t left, bytes, events;
    size_t kept; /* in `keep`: the head so far, then a line of the body so far */
    char keep[REPLY_HEAD_MAX];
};

void reply_reset(struct reply *r);
/* What came.  REPLY_WHOLE: the reply is complete; bytes behind it make it REPLY_BROKEN, since we
 * never pipeline. */
enum reply_state reply_feed(struct reply *r, const char *p, size_t n);

#endif
