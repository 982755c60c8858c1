/*
 * fetch.h - a fetch, and the client around it, as the client's own files see them.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_FETCH_H
#define HTTP_FETCH_H

#include "http/dns.h"
#include "http/upconn.h"

#define CLIENT_BUCKETS 256u

struct http_client {
    struct loop *loop;
    struct alarms alarms;
    struct dns *dns;
    struct pool *pools[CLIENT_BUCKETS]; /* by the origin's address */
    struct http_client_counts counts;
    unsigned handles; /* not closed yet; the client is freed after the last */
};

void client_handle_closed(struct http_client *c);

/* There is a slot for `f`: dial.  Trouble is told in the next turn. */
void fetch_dial(struct http_fetch *f);
/* `conn` can be used and is for `f`: write the request. */
void fetch_begin(struct http_fetch *f, struct http_upconn *conn);
/* All that was queued on its connection has been written. */
void fetch_drained(struct http_fetch *f);
/* The reply's final head is there. */
void fetch_head(struct http_fetch *f, unsigned status);
/* What the limits and the gauges go by. */
void fetch_enter(struct http_fetch *f, enum http_phase phase);
/* Wake up when the limit in play fires. */
void fetch_arm(struct http_fetch *f);
uint32_t fetch_limit_ms(const struct http_fetch *f); /* it, without the deadline; 0: none */
/* Come back to `f` in the next turn. */
void fetch_poke(struct http_fetch *f);
/* The reply is whole, and the connection was let go of: tell the caller. */
void fetch_end(struct http_fetch *f);
/* Tell the caller, now; the connection is closed.  `err` may be 0 and `why` NULL. */
void fetch_fail(struct http_fetch *f, enum http_failure failure, int err, const char *why);
/* The same in the next turn, for when somebody's code is on the stack. */
void fetch_fail_later(struct http_fetch *f, enum http_failure failure, int err);
/* The connection took no more: replay, or fail later. */
void fetch_write_failed(struct http_fetch *f, int err);
/* The connection ended before the reply did: send the request again if that is right (R21). */
void fetch_broken(struct http_fetch *f, int err);

#endif
