/*
 * metric.h - counters, gauges and latency histograms, summed over threads when somebody asks.
 *
 * Each thread that counts owns a shard, so counting is one relaxed add on a line no other thread
 * writes.  A series (a metric with its label values) is made at start, from configuration, never
 * from what a client sent: the number of series is closed (R59).  Counters never go back, also
 * when a shard's thread has ended.
 *
 * Histograms are HDR-like: log-linear, 16 buckets an octave from 1 us to 2^36 us (under 7 %
 * error), exported with a fixed set of `le` boundaries.  One with labels is exported from its
 * first observation on, counters and gauges from the start.
 * Format: Prometheus text exposition 0.0.4.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_METRIC_H
#define BASE_METRIC_H

#include "base/buf.h"

enum metric_kind {
    METRIC_COUNTER,
    METRIC_GAUGE,
    METRIC_HISTOGRAM /* microseconds in, seconds out */
};

/* clang-format off */
/*      name                  kind       exported name                          labels                    help */
#define METRIC_MAP(X)                                                                                                                              \
    X(API_CALL_SECONDS,       HISTOGRAM, "api_call_duration_seconds",           "provider,model,outcome", "One upstream attempt, from its start to its end.") \
    X(ERROR_CODES,            COUNTER,   "error_code_counter",                  "provider,code",          "Failed upstream attempts, by HTTP status or fault.") \
    X(REQUESTS,               COUNTER,   "dragoman_requests_total",             "surface,outcome",        "Requests of clients, by outcome.") \
    X(REQUEST_SECONDS,        HISTOGRAM, "dragoman_request_duration_seconds",   "surface",                "A client's request, from its first byte to the last byte of the answer.") \
    X(OVERHEAD_SECONDS,       HISTOGRAM, "dragoman_overhead_seconds",           "",                       "Time in the gateway: total less waiting for upstreams and back-off.") \
    X(TTFT_SECONDS,           HISTOGRAM, "dragoman_time_to_first_token_seconds", "model",                 "From the request's first byte to the first content event.") \
    X(IN_FLIGHT,              GAUGE,     "dragoman_in_flight",                  "",                       "Requests being worked on.") \
    X(RETRIES,                COUNTER,   "dragoman_retries_total",              "reason",                 "Attempts after the first, by what the one before failed with.") \
    X(FALLBACKS,              COUNTER,   "dragoman_fallbacks_total",            "model",                  "Requests that left their alias for one of its fallbacks.") \
    X(TOKENS,                 COUNTER,   "dragoman_tokens_total",               "direction",              "Tokens as reported by upstreams.") \
    X(UPSTREAM_CONNECTIONS,   GAUGE,     "dragoman_upstream_connections",       "state",                  "Connections to upstreams.") \
    X(CLIENT_CONNECTIONS,     GAUGE,     "dragoman_client_connections",         "",                       "Open client connections.") \
    X(MALFORMED_EVENTS,       COUNTER,   "dragoman_malformed_events_total",     "provider",               "Stream events that were not JSON.") \
    X(STALE_REPLAYS,          COUNTER,   "dragoman_stale_replays_total",        "provider",               "Requests replayed because a pooled connection had been closed.") \
    X(VERSION_MISMATCHES,     COUNTER,   "dragoman_version_mismatches_total",   "provider",               "Replies whose API version header differs from the pinned one.") \
    X(RATE_LIMIT_SKIPS,       COUNTER,   "dragoman_rate_limit_skips_total",     "provider",               "Attempts that went to another target because this provider's rate-limit fields said that nothing is left.") \
    X(LOG_DROPPED,            COUNTER,   "dragoman_log_dropped_total",          "",                       "Log lines dropped because the ring was full.")
/* clang-format on */

enum metric {
#define X(name, kind, exported, labels, help) METRIC_##name,
    METRIC_MAP(X)
#undef X
        METRIC_COUNT
};

struct metric_registry;
struct metric_shard;            /* one a thread */
typedef uint32_t metric_series; /* 0 is a series nobody exports: safe to count on */

MUST_USE struct metric_registry *metric_registry_new(void);
void metric_registry_free(struct metric_registry *r);

/* Find or make the series with these label values (in the order of the table's labels, `n` of
 * them).  Any thread; takes a lock: for start-up and reload, not for the path of a request.  0, and
 * a line in the log, when there is no room for more (65,535 counters and gauges, 16,384
 * histograms). */
metric_series metric_series_get(struct metric_registry *r, enum metric m, const struct str *values,
                                unsigned n);

/* NULL without memory.  The registry frees its shards. */
MUST_USE struct metric_shard *metric_shard_new(struct metric_registry *r);

/* By the shard's own thread only. */
void metric_add(struct metric_shard *s, metric_series id, uint64_t n);      /* counters */
void metric_gauge(struct metric_shard *s, metric_series id, int64_t delta); /* gauges */
void metric_set(struct metric_shard *s, metric_series id, int64_t value);   /* this shard's part */
void metric_observe(struct metric_shard *s, metric_series id, uint64_t us); /* histograms */

/* Sums over all shards; any thread. */
int64_t metric_value(struct metric_registry *r, metric_series id);
/* The value at quantile q (0..1) in microseconds; 0 when nothing was observed. */
uint64_t metric_quantile(struct metric_registry *r, metric_series id, double q);

/* Append everything in Prometheus' text format: HELP, TYPE, series in a stable order. */
MUST_USE int metric_render(struct metric_registry *r, struct buf *out);

#endif
