/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/series.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* Outside every configured index: a target that was addressed as provider/model. */
#define TARGET_DIRECT UINT32_MAX

static metric_series one(struct series *s, enum metric m, struct str a)
{
    return metric_series_get(s->registry, m, &a, 1);
}

static metric_series none(struct series *s, enum metric m)
{
    return metric_series_get(s->registry, m, NULL, 0);
}

static void init_calls(struct series *s, metric_series *row, struct str provider, struct str model)
{
    for (unsigned f = 0; f < FAULT_COUNT; f++) {
        struct str v[3] = {provider, model, str_from(fault_info((enum fault)f)->wire)};

        row[f] = metric_series_get(s->registry, METRIC_API_CALL_SECONDS, v, 3);
    }
}

static void init_targets(struct series *s, const struct conf *c)
{
    for (uint32_t m = 0; m < c->models_count; m++) {
        for (uint32_t t = 0; t < c->models[m].targets_count; t++) {
            const struct conf_target *ct = &c->models[m].targets[t];

            init_calls(s, s->calls[ct->index], ct->provider->name, ct->model);
        }
    }
    for (uint32_t p = 0; p < c->providers_count; p++) {
        struct str name = c->providers[p].name;

        init_calls(s, s->calls[c->targets_count + p], name, STR("other"));
        s->malformed[p] = one(s, METRIC_MALFORMED_EVENTS, name);
        s->replays[p] = one(s, METRIC_STALE_REPLAYS, name);
        s->versions[p] = one(s, METRIC_VERSION_MISMATCHES, name);
        s->skips[p] = one(s, METRIC_RATE_LIMIT_SKIPS, name);
    }
}

static void init_surfaces(struct series *s)
{
    for (unsigned i = 0; i < SURFACE_COUNT; i++) {
        struct str name = str_from(surface_get((enum surface_id)i)->name);

        s->request_seconds[i] = one(s, METRIC_REQUEST_SECONDS, name);
        for (unsigned f = 0; f < FAULT_COUNT; f++) {
            struct str v[2] = {name, str_from(fault_info((enum fault)f)->wire)};

            s->requests[i][f] = metric_series_get(s->registry, METRIC_REQUESTS, v, 2);
        }
    }
}

static void init_models(struct series *s, const struct conf *c)
{
    for (uint32_t m = 0; m < c->models_count; m++) {
        s->ttft[m] = one(s, METRIC_TTFT_SECONDS, c->models[m].name);
        s->fallbacks[m] = one(s, METRIC_FALLBACKS, c->models[m].name);
    }
    s->ttft[c->models_count] = one(s, METRIC_TTFT_SECONDS, STR("other"));
}

static void init_single(struct series *s)
{
    for (unsigned f = 1; f < FAULT_COUNT; f++)
        s->retries[f] = one(s, METRIC_RETRIES, str_from(fault_info((enum fault)f)->wire));
    s->overhead = none(s, METRIC_OVERHEAD_SECONDS);
    s->in_flight = none(s, METRIC_IN_FLIGHT);
    s->client_connections = none(s, METRIC_CLIENT_CONNECTIONS);
    s->tokens_prompt = one(s, METRIC_TOKENS, STR("prompt"));
    s->tokens_completion = one(s, METRIC_TOKENS, STR("completion"));
    s->tokens_cached = one(s, METRIC_TOKENS, STR("cached"));
    s->tokens_reasoning = one(s, METRIC_TOKENS, STR("reasoning"));
    s->connections_idle = one(s, METRIC_UPSTREAM_CONNECTIONS, STR("idle"));
    s->connections_active = one(s, METRIC_UPSTREAM_CONNECTIONS, STR("active"));
    s->connections_connecting = one(s, METRIC_UPSTREAM_CONNECTIONS, STR("connecting"));
    s->connections_waiting = one(s, METRIC_UPSTREAM_CONNECTIONS, STR("waiting"));
}

int series_init(struct series *s, struct metric_registry *r, const struct conf *c)
{
    size_t models = c->models_count, providers = c->providers_count;

    *s = (struct series){.registry = r};
    s->calls = calloc(c->targets_count + providers + 1, sizeof(*s->calls));
    s->requests = calloc(SURFACE_COUNT, sizeof(*s->requests));
    s->ttft = calloc(models + 1, sizeof(*s->ttft));
    s->fallbacks = calloc(models + 1, sizeof(*s->fallbacks));
    s->malformed = calloc(providers + 1, sizeof(*s->malformed));
    s->replays = calloc(providers + 1, sizeof(*s->replays));
    s->versions = calloc(providers + 1, sizeof(*s->versions));
    s->skips = calloc(providers + 1, sizeof(*s->skips));
    if (s->calls == NULL || s->requests == NULL || s->ttft == NULL || s->fallbacks == NULL ||
        s->malformed == NULL || s->replays == NULL || s->versions == NULL || s->skips == NULL)
        return -ENOMEM;
    init_targets(s, c);
    init_surfaces(s);
    init_models(s, c);
    init_single(s);
    return 0;
}

void series_done(struct series *s)
{
    free(s->calls);
    free(s->requests);
    free(s->ttft);
    free(s->fallbacks);
    free(s->malformed);
    free(s->replays);
    free(s->versions);
    free(s->skips);
    *s = (struct series){0};
}

uint32_t series_slot(const struct conf *c, const struct conf_target *t)
{
    return t->index != TARGET_DIRECT ? t->index : c->targets_count + t->provider->index;
}

static bool is_registered(unsigned status)
{
    static const uint16_t known[] = {400, 401, 402, 403, 404, 405, 406, 408, 409, 410,
                                     411, 412, 413, 414, 415, 421, 422, 424, 425, 429,
                                     431, 451, 499, 500, 501, 502, 503, 504, 507, 520,
                                     521, 522, 523, 524, 525, 526, 529, 530};

    for (size_t i = 0; i < COUNTOF(known); i++) {
        if (known[i] == status)
            return true;
    }
    return false;
}

metric_series series_error(struct series *s, const struct conf_provider *p, unsigned status,
                           enum fault f)
{
    char text[8];
    struct str v[2] = {p->name, {0}};

    if (status < 300) {
        v[1] = str_from(fault_info(f)->wire);
        return metric_series_get(s->registry, METRIC_ERROR_CODES, v, 2);
    }
    if (is_registered(status))
        snprintf(text, sizeof(text), "%u", status % 1000);
    else
        snprintf(text, sizeof(text), "%uxx", status / 100 % 10);
    v[1] = str_from(text);
    return metric_series_get(s->registry, METRIC_ERROR_CODES, v, 2);
}
