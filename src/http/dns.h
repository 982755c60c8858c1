/*
 * dns.h - names to addresses, remembered for a while.
 *
 * One a loop.  Lookups of one name that are under way at the same time are one lookup.  Answers
 * are kept for the asker's TTL (getaddrinfo tells us none), failures for a second at most; a
 * connect error makes the caller forget a name, so that a move is followed at once (R25).
 * Who answers is a function: tests bring their own, and their own clock.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_DNS_H
#define HTTP_DNS_H

#include <netinet/in.h>

#include "base/str.h"
#include "loop/loop.h"

#define DNS_ADDRESSES_MAX 16u
#define DNS_FAMILY_MAX 12u /* of one family, so that the other is always heard */
#define DNS_FAILURE_MS_MAX 1000u
#define DNS_NAMES_MAX 1024u /* kept; beyond them the least recently asked goes */

union dns_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

struct dns_addresses { /* in the resolver's order of preference; ports are zero */
    unsigned count;
    union dns_address at[DNS_ADDRESSES_MAX];
};

struct dns;
struct dns_name; /* a remembered name, or one being looked up */

/* Start looking `host` up and call dns_found() exactly once, now or later, on the loop. */
struct dns_resolver {
    int (*look_up)(void *user, struct loop *l, const char *host, struct dns_name *n);
    void *user;
    uint64_t (*now_ms)(void *user); /* NULL: the loop's */
};

struct dns_query { /* embed; zero it first */
    struct list link;
    /* `err` 0 and addresses (valid during the call), or a negative errno or UV_EAI_*. */
    void (*answer)(struct dns_query *q, int err, const struct dns_addresses *a);
};

MUST_USE struct dns *dns_new(struct loop *l);
void dns_free(struct dns *d); /* no query may wait; lookups under way free themselves */
void dns_use(struct dns *d, struct dns_resolver r);

/* 1: `*ret` is the answer, now; 0: q->answer() comes, never from within; negative: it failed. */
MUST_USE int dns_ask(struct dns *d, const char *host, uint32_t ttl_ms, struct dns_query *q,
                     struct dns_addresses *ret);
void dns_cancel(struct dns_query *q); /* harmless when it does not wait */
void dns_forget(struct dns *d, const char *host);

/* Is `one` among them? */
bool dns_has(const struct dns_addresses *a, const union dns_address *one);

/* For resolvers. */
void dns_found(struct dns_name *n, int err, const struct dns_addresses *a);

#endif
