/*
 * gateway.h - the client port: what the threads share, and what each loop has of its own.
 *
 * struct gateway is made once from a configuration; its states are atomics.  Each loop thread opens
 * a gateway_loop on it: listener, upstream client, counters, pool.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GATEWAY_GATEWAY_H
#define GATEWAY_GATEWAY_H

#include "base/metric.h"
#include "base/rand.h"
#include "base/spares.h"
#include "gateway/allowance_book.h"
#include "gateway/heap.h"
#include "gateway/series.h"
#include "gateway/surface.h"
#include "gateway/target.h"
#include "http/alarm.h"
#include "http/client.h"
#include "http/server.h"

struct exchange;

struct gateway {
    struct conf *conf;
    struct metric_registry *metrics;
    struct series series;
    struct target_state *targets;     /* by conf_target.index */
    struct provider_state *providers; /* by conf_provider.index */
    struct allowance_book allowances;
    atomic_uint *tickets;             /* by conf_model.index: see route_append() */
    atomic_uint connections;          /* of the listener, all threads */
    atomic_uint upstream_connections; /* all threads; a second old */
    atomic_ullong in_flight;          /* bytes of request bodies, all threads */
    struct ssl_ctx_st *tls;           /* of the listener, or NULL */
    int64_t started_s;                /* wall clock */
    atomic_bool draining;
};

struct gateway_loop {
    struct gateway *gw;
    struct loop *loop;
    struct http_server *server;
    struct http_cors cors;
    struct http_client *client;
    struct metric_shard *shard;
    struct rand rand;
    struct alarms alarms;          /* of the exchanges */
    struct spares spare_exchanges; /* exchange.c's */
    struct list exchanges;         /* live ones */
    struct buf out;            /* gathers one turn's bytes for one client; empty between turns */
    struct buf rewrite;        /* one rewritten event */
    unsigned upstream_counted; /* of ours, in gw->upstream_connections */
    struct heap heap;          /* of the first loop: looked after for all */
    uv_timer_t sample;         /* each second: gauges, and memory that nobody needs */
};

/* NULL with a sentence in `why`.  Takes references to what it keeps. */
MUST_USE struct gateway *gateway_new(struct conf *c, struct metric_registry *m, struct buf *why);
void gateway_free(struct gateway *g);

/* On the loop's own thread.  0, or a negative errno with a sentence in `why`.  `port` overrides the
 * configured one unless it is 0 (a first loop that let the kernel choose tells the others). */
MUST_USE int gateway_loop_open(struct gateway *g, struct loop *l, uint16_t port, struct buf *why,
                               struct gateway_loop **ret_gl);
void gateway_loop_drain(struct gateway_loop *gl); /* accept nothing new */
void gateway_loop_cut(struct gateway_loop *gl);   /* end what is left, with an error event */
/* Cut what is left and close all handles; run the loop until it is empty, then free. */
void gateway_loop_close(struct gateway_loop *gl);
void gateway_loop_free(struct gateway_loop *gl);
uint16_t gateway_loop_port(const struct gateway_loop *gl);

/* Append the state of every target as JSON, for the admin port. */
MUST_USE int gateway_targets_json(struct gateway *g, struct buf *out);

#endif
