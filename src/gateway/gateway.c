/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/gateway.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "gateway/attempt.h"
#include "gateway/entra_fetch.h"
#include "gateway/error.h"
#include "gateway/exchange.h"
#include "gateway/proxy_url.h"
#include "gateway/relay.h"
#include "gateway/stages.h"
#include "loop/tls.h"

#define OWN_ID_BYTES 28u /* "req_" and 24 hexadecimal digits */
#define SAMPLE_MS 1000u
/* Models that no alias has, of which allowances are kept all the same. */
#define DIRECT_MODELS_MAX 512u
#define OUT_KEEP_BYTES (256u * 1024u)

/* ---- what the threads share ---- */

static int entra_init(struct provider_state *p, const struct http_origin_settings *s,
                      struct buf *why)
{
    if (!p->conf->entra.on)
        return 0;
    p->entra = entra_new(&p->conf->entra);
    return p->entra != NULL ? entra_fetch_new(p->entra, p->conf, s, why, &p->entra_fetch) : -ENOMEM;
}

static int provider_init(struct provider_state *p, const struct conf_provider *c, struct buf *why)
{
    struct proxy_url proxy = {0};
    struct http_origin_settings s = {
        .host = c->host,
        .port = c->port,
        .connections_max = c->upstream.connections_max,
        .idle_max = c->upstream.idle_max,
        .idle_ms = c->upstream.idle_ms,
        .queue_max = c->upstream.queue_max,
        .dns_ttl_ms = c->upstream.dns_ttl_ms,
        .happy_eyeballs_ms = c->upstream.happy_eyeballs_ms,
    };
    struct tls_client_settings t = {.ca_file = c->ca_file.len > 0 ? c->ca_file.ptr : NULL,
                                    .insecure = c->insecure};

    p->conf = c;
    p->benched = calloc(c->keys_count + 1u, sizeof(*p->benched));
    if (p->benched == NULL)
        return -ENOMEM;
    if (c->tls && tls_client_new(&t, why, &p->tls) < 0)
        return -EINVAL;
    if (c->proxy.len > 0 && proxy_url_parse(c->proxy, &proxy) < 0)
        return buf_printf(why, "provider %.*s: proxy is not http://[user:password@]host:port",
                          STR_ARG(c->name)) < 0
                   ? -ENOMEM
                   : -EINVAL;
    s.tls = p->tls;
    s.proxy_host = proxy.host;
    s.proxy_port = proxy.port;
    s.proxy_authorization = str_from(proxy.authorization);
    p->origin = http_origin_new(&s);
    return p->origin != NULL ? entra_init(p, &s, why) : -ENOMEM;
}

static int providers_init(struct gateway *g, struct buf *why)
{
    for (uint32_t i = 0; i < g->conf->providers_count; i++) {
        int err = provider_init(&g->providers[i], &g->conf->providers[i], why);

        if (err < 0)
            return err;
        if (g->conf->providers[i].insecure)
            log_warn("provider %.*s: insecure is on, its TLS certificate is not verified",
                     STR_ARG(g->conf->providers[i].name));
    }
    return 0;
}

static int listener_tls(struct gateway *g, struct buf *why)
{
    struct tls_server_settings t = {.cert_file = g->conf->tls.cert_file.ptr,
                                    .key_file = g->conf->tls.key_file.ptr};

    if (g->conf->tls.cert_file.len == 0)
        return 0;
    return tls_server_new(&t, why, &g->tls);
}

static int allocate(struct gateway *g)
{
    const struct conf *c = g->conf;

    /* One cache line a target, so that threads counting different ones do not meet. */
    g->targets = aligned_alloc(64, (c->targets_count + 1u) * sizeof(*g->targets));
    g->providers = aligned_alloc(64, (c->providers_count + 1u) * sizeof(*g->providers));
    g->tickets = calloc(c->models_count + 1u, sizeof(*g->tickets));
    if (g->targets == NULL || g->providers == NULL || g->tickets == NULL)
        return -ENOMEM;
    memset(g->targets, 0, (c->targets_count + 1u) * sizeof(*g->targets));
    memset(g->providers, 0, (c->providers_count + 1u) * sizeof(*g->providers));
    return 0;
}

static int allowances_init(struct gateway *g)
{
    const struct conf *c = g->conf;

    atomic_init(&g->allowances.left, c->targets_count + DIRECT_MODELS_MAX);
    for (uint32_t m = 0; m < c->models_count; m++) {
        for (uint32_t i = 0; i < c->models[m].targets_count; i++) {
            const struct conf_target *t = &c->models[m].targets[i];
            struct allowance *a = allowance_book_get(&g->allowances, t->provider, t->model);

            if (a == NULL)
                return -ENOMEM;
            g->targets[t->index].allowances = a;
        }
    }
    return 0;
}

struct gateway *gateway_new(struct conf *c, struct metric_registry *m, struct buf *why)
{
    struct gateway *g = calloc(1, sizeof(*g));

    if (g == NULL)
        return NULL;
    g->conf = conf_ref(c);
    g->metrics = m;
    g->started_s = time(NULL);
    if (allocate(g) < 0 || allowances_init(g) < 0 || series_init(&g->series, m, c) < 0 ||
        providers_init(g, why) < 0 || listener_tls(g, why) < 0) {
        gateway_free(g);
        return NULL;
    }
    return g;
}

void gateway_free(struct gateway *g)
{
    for (uint32_t i = 0; g->providers != NULL && i < g->conf->providers_count; i++) {
        struct provider_state *p = &g->providers[i];

        free(p->benched);
        entra_fetch_free(p->entra_fetch);
        entra_free(p->entra);
        if (p->origin != NULL)
            http_origin_unref(p->origin);
        tls_free(p->tls);
    }
    tls_free(g->tls);
    series_done(&g->series);
    free(g->targets);
    allowance_book_done(&g->allowances);
    free(g->providers);
    free(g->tickets);
    conf_unref(g->conf);
    free(g);
}

/* ---- requests, as the server hands them over ---- */

static void write_hex(char *to, uint64_t n, unsigned digits)
{
    for (unsigned i = 0; i < digits; i++)
        to[i] = "0123456789abcdef"[n >> (4 * (digits - 1 - i)) & 15];
}

/* What the client called its request, if that is fit for logs and headers; otherwise ours. */
static struct str request_id(struct exchange *x)
{
    struct str given = http_fields_find(&x->call->fields, STR("x-request-id"));
    char *id;

    if (given.len > 0 && given.len <= REQUEST_ID_MAX) {
        size_t i = 0;

        while (i < given.len && given.ptr[i] > ' ' && given.ptr[i] < 0x7f)
            i++;
        if (i == given.len)
            return given;
    }
    id = arena_bytes(x->mem, OWN_ID_BYTES);
    if (id == NULL)
        return STR("req_none");
    memcpy(id, "req_", 4);
    write_hex(id + 4, rand_u64(&x->gl->rand), 8);
    write_hex(id + 12, rand_u64(&x->gl->rand), 16);
    return str_make(id, OWN_ID_BYTES);
}

static void refuse(struct exchange *x, struct str allow)
{
    x->allow = allow;
    if (allow.len > 0)
        exchange_fail(x, FAULT_BAD_METHOD, STR(""), "%.*s has to be called with %.*s.",
                      STR_ARG(x->call->path), STR_ARG(allow));
    else
        exchange_fail(x, FAULT_NO_SUCH_PATH, STR(""), "Nothing is served at %.*s.",
                      (int)(x->call->path.len < 200 ? x->call->path.len : 200), x->call->path.ptr);
}

static const struct stage refused[] = {{0}};

static bool has_field(const struct http_call *c, struct str name)
{
    return http_fields_find(&c->fields, name).ptr != NULL;
}

/* Who names a provider for the Responses API wants that one's own, with all that only it has
 * (stored responses, tools that it runs): its bytes pass as they are.  OpenAI and Anthropic list
 * their models at the same path: each request to Anthropic's API names that one's version. */
static const struct surface *surface_of(const struct http_call *c, struct str *ret_allow)
{
    const struct surface *s = surface_find(c->method, c->path, ret_allow);

    if (s->id == SURFACE_RESPONSES && has_field(c, STR("x-dragoman-provider")))
        return surface_get(SURFACE_RELAY);
    if (s->id == SURFACE_MODELS && has_field(c, STR("anthropic-version")))
        return surface_in(s, CHAT_ANTHROPIC);
    return s;
}

static enum http_body_mode on_call(struct http_call *c)
{
    struct gateway_loop *gl = http_server_user(c);
    struct str allow;
    const struct surface *s = surface_of(c, &allow);
    struct exchange *x = exchange_new(gl, c, s);

    c->user = x;
    if (x == NULL) {
        http_reply(c, 503, &(struct http_fields){0},
                   error_server_body(c, 503, STR("No memory."), STR("")));
        return HTTP_BODY_STREAM;
    }
    metric_gauge(gl->shard, gl->gw->series.in_flight, 1);
    x->request_id = request_id(x);
    if (s->stages != NULL) {
        pipeline_start(x, s->stages);
        return s->body;
    }
    refuse(x, allow);
    x->path = refused;
    x->waiting = true;
    pipeline_resume(x, VERDICT_FAIL);
    return HTTP_BODY_STREAM;
}

static void on_piece(struct http_call *c, struct str piece)
{
    struct exchange *x = c->user;

    if (x != NULL && x->surface->id == SURFACE_RELAY)
        relay_body(x, piece);
}

static void on_ready(struct http_call *c)
{
    struct exchange *x = c->user;

    if (x == NULL || x->finished)
        return;
    if (x->surface->id == SURFACE_RELAY)
        relay_ready(x);
    else
        body_ready(x);
}

static void on_drain(struct http_call *c)
{
    struct exchange *x = c->user;

    if (x != NULL && !x->finished)
        attempt_drain(x);
}

static void on_gone(struct http_call *c)
{
    struct exchange *x = c->user;

    if (x != NULL)
        pipeline_cancel(x, FAULT_CLIENT_LEFT);
}

static void on_done(struct http_call *c)
{
    struct exchange *x = c->user;

    if (x == NULL)
        return;
    /* A head for which limits.exchange_bytes had no room has ended the call by itself, with 503. */
    pipeline_cancel(x, FAULT_OVERLOADED);
    relay_done(x);
    exchange_free(x);
}

/* Malformed, too large, too slow: it never became an exchange, but it is counted. */
static void on_refused(struct http_call *c, unsigned status)
{
    struct gateway_loop *gl = http_server_user(c);

    metric_add(gl->shard, gl->gw->series.requests[SURFACE_OTHER][error_server_fault(status)], 1);
    log_debug("refused a request of %s with %u before it was whole", c->peer, status);
}

static const struct http_handler handler = {
    .head = on_call,
    .body = on_piece,
    .ready = on_ready,
    .drain = on_drain,
    .gone = on_gone,
    .done = on_done,
    .refused = on_refused,
    .error_body = error_server_body,
};

/* ---- one loop ---- */

static void count_upstreams(struct gateway_loop *gl, struct http_client_counts n)
{
    unsigned now = n.idle + n.active + n.connecting;

    atomic_fetch_add(&gl->gw->upstream_connections, now - gl->upstream_counted);
    gl->upstream_counted = now;
}

/* What a burst took is given back once nobody needs it. */
static void trim(struct gateway_loop *gl)
{
    if (gl->out.cap > OUT_KEEP_BYTES && gl->out.len == 0)
        buf_done(&gl->out);
    exchange_pool_trim(gl);
    http_server_trim(gl->server);
    loop_trim(gl->loop);
    arena_thread_trim();
    if (gl->loop->index == 0)
        heap_sample(&gl->heap, loop_now_ms(gl->loop),
                    atomic_load(&gl->gw->connections) + atomic_load(&gl->gw->upstream_connections));
}

/* Of one loop alone; the others find what it had. */
static void have_tokens(struct gateway_loop *gl)
{
    if (gl->loop->index != 0)
        return;
    for (uint32_t i = 0; i < gl->gw->conf->providers_count; i++) {
        if (gl->gw->providers[i].entra_fetch != NULL)
            entra_fetch_tick(gl->gw->providers[i].entra_fetch, gl->client, loop_now_ms(gl->loop));
    }
}

static void stop_tokens(struct gateway_loop *gl)
{
    for (uint32_t i = 0; gl->loop->index == 0 && i < gl->gw->conf->providers_count; i++) {
        if (gl->gw->providers[i].entra_fetch != NULL)
            entra_fetch_stop(gl->gw->providers[i].entra_fetch);
    }
}

static void on_sample(uv_timer_t *t)
{
    struct gateway_loop *gl = t->data;
    struct series *s = &gl->gw->series;
    struct http_client_counts n = http_client_counts(gl->client);

    metric_set(gl->shard, s->connections_idle, n.idle);
    metric_set(gl->shard, s->connections_active, n.active);
    metric_set(gl->shard, s->connections_connecting, n.connecting);
    metric_set(gl->shard, s->connections_waiting, n.waiting);
    if (gl->loop->index == 0)
        metric_set(gl->shard, s->client_connections, atomic_load(&gl->gw->connections));
    count_upstreams(gl, n);
    have_tokens(gl);
    trim(gl);
}

static struct http_server_settings server_settings(struct gateway *g, uint16_t port,
                                                   struct http_cors *cors)
{
    const struct conf_limits *l = &g->conf->limits;

    *cors = (struct http_cors){.origins = g->conf->cors.origins,
                               .count = g->conf->cors.origins_count,
                               .max_age_s = g->conf->cors.max_age_s};
    return (struct http_server_settings){
        .host = g->conf->listen.host,
        .port = port != 0 ? port : g->conf->listen.port,
        .limits = {.connections = l->connections,
                   .header_bytes = l->header_bytes,
                   .header_fields = l->header_fields,
                   .body_bytes = l->body_bytes,
                   .header_ms = l->header_ms,
                   .body_ms = l->body_ms,
                   .keepalive_ms = l->keepalive_ms,
                   .write_stall_ms = l->write_stall_ms,
                   .out_buffer_bytes = l->out_buffer_bytes,
                   .arena_bytes = l->exchange_bytes,
                   .in_flight_bytes = l->in_flight_bytes},
        .in_flight = &g->in_flight,
        .exclusive = port == 0, /* the first thread; the others join it */
        .tls = g->tls,
        .connections = &g->connections,
        .cors = g->conf->cors.origins_count > 0 ? cors : NULL,
    };
}

int gateway_loop_open(struct gateway *g, struct loop *l, uint16_t port, struct buf *why,
                      struct gateway_loop **ret_gl)
{
    struct gateway_loop *gl = calloc(1, sizeof(*gl));
    struct http_server_settings s;
    int err = -ENOMEM;

    if (gl == NULL)
        return -ENOMEM;
    gl->gw = g;
    gl->loop = l;
    list_init(&gl->exchanges);
    rand_init(&gl->rand, loop_clock_ns() ^ (uint64_t)(uintptr_t)gl);
    gl->shard = metric_shard_new(g->metrics);
    if (gl->shard == NULL)
        goto out;
    err = http_client_new(l, &gl->client);
    if (err < 0)
        goto out;
    s = server_settings(g, port, &gl->cors);
    err = http_server_open(l, &s, &handler, gl, why, &gl->server);
    if (err < 0)
        goto out_client;
    err = alarms_open(&gl->alarms, l); /* like the next, a timer's: it cannot fail */
    assert(err == 0);
    uv_timer_init(&l->uv, &gl->sample);
    gl->sample.data = gl;
    uv_timer_start(&gl->sample, on_sample, SAMPLE_MS, SAMPLE_MS);
    have_tokens(gl);
    *ret_gl = gl;
    return 0;

out_client:
    http_client_free(gl->client);
out:
    free(gl);
    return err;
}

void gateway_loop_drain(struct gateway_loop *gl)
{
    http_server_drain(gl->server);
}

/* What is still running when the drain's time is over hears why, as far as it can be told. */
void gateway_loop_cut(struct gateway_loop *gl)
{
    list_each_safe (l, &gl->exchanges) {
        struct exchange *x = list_entry(l, struct exchange, link);

        if (x->finished || !x->waiting)
            continue;
        exchange_wait_end(x);
        exchange_fail(x, FAULT_DRAINING, STR(""), "The gateway is shutting down.");
        x->path[x->step].cancel(x);
        pipeline_resume(x, VERDICT_FAIL);
    }
}

void gateway_loop_close(struct gateway_loop *gl)
{
    gateway_loop_cut(gl);
    http_server_close(gl->server);
    stop_tokens(gl);
    http_client_free(gl->client);
    alarms_close(&gl->alarms, NULL);
    uv_close((uv_handle_t *)&gl->sample, NULL);
}

void gateway_loop_free(struct gateway_loop *gl)
{
    assert(list_empty(&gl->exchanges));
    exchange_pool_done(gl);
    buf_done(&gl->out);
    buf_done(&gl->rewrite);
    free(gl);
}

uint16_t gateway_loop_port(const struct gateway_loop *gl)
{
    return http_server_port(gl->server);
}

/* ---- for the admin port ---- */

struct page { /* a JSON text being written; `mem` holds what is quoted */
    struct buf *out;
    struct arena mem;
};

/* How long until a small request may be sent; 0 also when nothing is known. */
static uint64_t limited_for_ms(const struct gateway *g, const struct conf_target *t, uint64_t now)
{
    uint64_t at = provider_free_at(&g->providers[t->provider->index],
                                   g->targets[t->index].allowances, 1, now);

    return at > now && at < KEY_BENCHED ? at - now : 0;
}

static int put_target(struct page *p, const struct gateway *g, const struct conf_target *t,
                      bool first)
{
    const struct target_state *s = &g->targets[t->index];
    uint64_t until = atomic_load(&s->rest_until_ms), now = uv_hrtime() / 1000000u;
    enum fault last = (enum fault)atomic_load(&s->last_fault);
    struct str name =
        arena_printf(&p->mem, "%.*s/%.*s", STR_ARG(t->provider->name), STR_ARG(t->model));
    struct str quoted = json_quote(&p->mem, name);

    if (quoted.ptr == NULL)
        return -ENOMEM;
    return buf_printf(p->out,
                      "%s{\"target\":%.*s,\"weight\":%u,\"failures_in_a_row\":%u,"
                      "\"rests_for_ms\":%llu,\"limited_for_ms\":%llu,\"last_fault\":\"%s\"}",
                      first ? "" : ",", STR_ARG(quoted), t->weight, atomic_load(&s->failures),
                      (unsigned long long)(until > now ? until - now : 0),
                      (unsigned long long)limited_for_ms(g, t, now),
                      last == FAULT_NONE ? "" : fault_info(last)->wire);
}

static int put_model(struct page *p, const struct gateway *g, const struct conf_model *m)
{
    struct str quoted = json_quote(&p->mem, m->name);
    int err;

    if (quoted.ptr == NULL)
        return -ENOMEM;
    err = buf_printf(p->out, "%s{\"model\":%.*s,\"targets\":[", m->index > 0 ? "," : "",
                     STR_ARG(quoted));
    for (uint32_t t = 0; err == 0 && t < m->targets_count; t++)
        err = put_target(p, g, &m->targets[t], t == 0);
    return err == 0 ? buf_put(p->out, STR("]}")) : err;
}

int gateway_targets_json(struct gateway *g, struct buf *out)
{
    struct page p = {.out = out};
    int err = buf_put(out, STR("{\"models\":["));

    for (uint32_t m = 0; err == 0 && m < g->conf->models_count; m++)
        err = put_model(&p, g, &g->conf->models[m]);
    arena_done(&p.mem);
    return err == 0 ? buf_put(out, STR("]}\n")) : err;
}
