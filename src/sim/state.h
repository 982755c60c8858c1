/*
 * state.h - what the simulator's files share: one struct sim a thread, one sim_shared for all.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIM_STATE_H
#define SIM_STATE_H

#include <openssl/evp.h>
#include <stdatomic.h>

#include "http/server.h"
#include "sim/journal.h"
#include "sim/sim.h"
#include "sim/tally.h"
#include "sim/wheel.h"

#define SIM_SCRATCH_KEEP (1024u * 1024u) /* scratch above this is given back */

#define SIM_LOOPS_MAX 64u

struct sim_shared {
    atomic_uint refs;
    uint64_t seed;
    struct journal *journal; /* NULL: not kept */
    struct tally tally;
    EVP_MD *sha256;
    atomic_uint sims;                       /* that were opened */
    atomic_uint connections[SIM_LOOPS_MAX]; /* open, by loop */
    atomic_ullong counter;                  /* scripted requests, for the seed */
    atomic_ullong tokens;                   /* that were given */
    /* GET /sim/stats */
    atomic_ullong requests, finished, left, bytes_out, body_bytes, events;
    atomic_ullong classes[6]; /* by status / 100; [0]: none was sent */
    atomic_llong in_flight;
};

struct sim {
    struct loop *loop;
    struct http_server *server;
    struct wheel wheel;
    uv_timer_t farewell;      /* after sim_close(): waits for the last connection */
    atomic_uint *connections; /* ours, in `shared` */
    struct sim_shared *shared;
    struct ssl_ctx_st *tls; /* NULL: plain */
    EVP_MD_CTX *digest;
    struct out out;     /* what is being written */
    struct out scratch; /* for less than a call */
    char *pool;         /* SIM_JSON_POOL_BYTES */
    unsigned refs;      /* calls, the wheel and the farewell */
};

/* A request at the simulator, whatever it is for.  It lives in its call's arena. */
struct sim_visit {
    const struct sim_visit_ops *ops;
    struct sim *sim;
    struct http_call *call;
    struct str model;    /* as asked for; .ptr NULL: none */
    uint64_t seq;        /* in the journal; 0: not there (yet) */
    uint64_t body_bytes; /* when they come as a stream */
    struct str body_sha256;
    bool unseen; /* not journalled, not counted */
};

struct sim_visit_ops {
    enum http_body_mode mode;
    void (*body)(struct sim_visit *v, struct str piece); /* may be NULL */
    void (*ready)(struct sim_visit *v);
    void (*drain)(struct sim_visit *v); /* may be NULL */
    void (*stop)(struct sim_visit *v);  /* once, last: nothing may call it back */
};

/* Each makes a visit in the call's arena; NULL: no room. */
struct sim_visit *sim_play_new(struct http_call *c);      /* play.c: answers by script */
struct sim_visit *sim_echo_new(struct http_call *c);      /* echo.c: any other /v1 path */
struct sim_visit *sim_desk_new(struct http_call *c);      /* desk.c: /sim/…, /v1/models, 404 */
struct sim_visit *sim_authority_new(struct http_call *c); /* authority.c: tokens */
bool sim_authority_claims(struct str method, struct str path);

#define SIM_COUNT(counter, n) atomic_fetch_add_explicit(&(counter), (n), memory_order_relaxed)

#endif
