/*
 * series.h - the metric series of the gateway, made once from the configuration.
 *
 * Counting is then an array look-up.  Labels are a closed set (R59): what a client sends never
 * becomes one; models addressed as provider/model without being configured share "other".
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GATEWAY_SERIES_H
#define GATEWAY_SERIES_H

#include "base/fault.h"
#include "base/metric.h"
#include "conf/conf.h"
#include "gateway/surface.h"

struct series {
    struct metric_registry *registry;
    metric_series (*calls)[FAULT_COUNT];    /* by target slot: conf_target.index, then providers */
    metric_series (*requests)[FAULT_COUNT]; /* by surface */
    metric_series request_seconds[SURFACE_COUNT];
    metric_series *ttft; /* by conf_model.index; the last is "other" */
    metric_series retries[FAULT_COUNT];
    metric_series *fallbacks; /* by conf_model.index */
    metric_series *malformed; /* by provider */
    metric_series *replays;   /* by provider */
    metric_series *versions;  /* by provider */
    metric_series *skips;     /* by provider */
    metric_series overhead, in_flight, client_connections;
    metric_series tokens_prompt, tokens_completion, tokens_cached, tokens_reasoning;
    metric_series connections_idle, connections_active, connections_connecting, connections_waiting;
};

MUST_USE int series_init(struct series *s, struct metric_registry *r, const struct conf *c);
void series_done(struct series *s);

/* The slot of a target in `calls`. */
uint32_t series_slot(const struct conf *c, const struct conf_target *t);
/* error_code_counter{provider,code}; takes a lock, so for failures only.  A status outside the
 * registered ones counts as its class ("4xx"). */
metric_series series_error(struct series *s, const struct conf_provider *p, unsigned status,
                           enum fault f);

#endif
