/*
 * pool.h - one thread's connections to one origin, and who waits for one.
 *
 * A slot is a connection or one being made; `slots` never passes connections_max.  A freed slot
 * goes to the first waiter.  Idle connections are used last in, first out, so that the surplus
 * grows old and is closed.  Once a TTL the name is looked up again, and connections to addresses
 * it has no more are used for nothing new (R25).  A pool outlives its last connection, for its TLS
 * session; it goes when nobody but pools holds the origin. SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_POOL_H
#define HTTP_POOL_H

#include "http/alarm.h"
#include "http/dns.h"
#include "http/origin.h"

struct http_upconn;

struct pool {
    struct http_client *client;
    struct http_origin *origin;
    struct pool *next;   /* in the client's bucket */
    struct list idle;    /* of http_upconn.link, the last used first */
    struct list waiting; /* of http_fetch.link, the longest first */
    unsigned slots, idle_count, waiting_count;
    unsigned fetches; /* under way: they keep the pool */
    struct alarm expiry;
    struct dns_query check;
    struct dns_addresses addresses; /* the last answer */
    uint64_t check_ms;              /* when to ask again */
    uint32_t generation;            /* answers so far; a connection remembers which one it suits */
    struct ssl_session_st *session; /* of the last TLS connection, to resume; or NULL */
};

/* Find or make it; NULL: no memory. */
struct pool *pool_get(struct http_client *c, const struct http_origin *o);
void pool_free_all(struct http_client *c);

struct http_upconn *pool_take(struct pool *p); /* an idle connection, or NULL */
/* Its reply is over: to a waiter, to the idle list, or closed. */
void pool_put(struct pool *p, struct http_upconn *conn);
/* An idle connection leaves the list. */
void pool_remove(struct pool *p, struct http_upconn *conn);
/* After slots became free, or a fetch ended: start waiters; an unused retired pool goes away. */
void pool_settle(struct pool *p);

#endif
