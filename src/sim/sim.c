/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/sim.h"

#include <errno.h>
#include <stdlib.h>

#include "http/raw.h"
#include "loop/tls.h"
#include "sim/dialect.h"
#include "sim/json.h"
#include "sim/state.h"

#define OUT_MAX (64u * 1024u * 1024u)
#define HASHED_MAX (1024u * 1024u) /* larger bodies are counted, not hashed */

/* A simulator outwaits everyone: it is the gateway's limits that are tested. */
static const struct http_server_limits limits = {
    .connections = 100000,
    .header_bytes = 256u * 1024u,
    .header_fields = 1000,
    .body_bytes = 1024u * 1024u * 1024u,
    .header_ms = 60000,
    .body_ms = 3600000,
    .keepalive_ms = 3600000,
    .write_stall_ms = 3600000,
    .out_buffer_bytes = 64u * 1024u,
    .arena_bytes = 64u * 1024u * 1024u,
};

/* ---- One visit */

/* What an earlier visit on this connection ordered for the next one. */
static bool is_stale(struct http_call *c)
{
    unsigned mark = *http_call_mark(c);

    if (mark != 0)
        http_call_close(c, mark == SIM_STALE_RST);
    return mark != 0;
}

static struct sim_visit *visit_new(struct http_call *c)
{
    unsigned surface;

    if (sim_dialect_find(c->method, c->path, &surface) != NULL)
        return sim_play_new(c);
    if (sim_authority_claims(c->method, c->path))
        return sim_authority_new(c);
    if (!str_starts(c->path, STR("/v1/")) ||
        (str_eq(c->method, STR("GET")) && str_starts(c->path, STR("/v1/models"))))
        return sim_desk_new(c);
    return sim_echo_new(c);
}

static enum http_body_mode on_head(struct http_call *c)
{
    struct sim *s = http_server_user(c);
    struct sim_visit *v;

    s->refs++;
    c->user = NULL;
    if (is_stale(c))
        return HTTP_BODY_WHOLE;
    v = visit_new(c);
    if (v == NULL) {
        http_reply_abort(c);
        return HTTP_BODY_WHOLE;
    }
    v->sim = s;
    v->call = c;
    c->user = v;
    if (!v->unseen) {
        SIM_COUNT(s->shared->requests, 1);
        SIM_COUNT(s->shared->in_flight, 1);
    }
    return v->ops->mode;
}

static void on_body(struct http_call *c, struct str piece)
{
    struct sim_visit *v = c->user;

    if (v != NULL && v->ops->body != NULL)
        v->ops->body(v, piece);
}

/* Into `hex`; empty when it is too large or OpenSSL has no memory. */
static struct str hash_body(struct sim *s, struct str body, char hex[64])
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned n = 0;

    if (body.len > HASHED_MAX || EVP_DigestInit_ex2(s->digest, s->shared->sha256, NULL) != 1 ||
        EVP_DigestUpdate(s->digest, body.ptr, body.len) != 1 ||
        EVP_DigestFinal_ex(s->digest, sum, &n) != 1)
        return str_make(NULL, 0);
    for (unsigned i = 0; i < 32; i++) {
        hex[2 * i] = "0123456789abcdef"[sum[i] >> 4];
        hex[2 * i + 1] = "0123456789abcdef"[sum[i] & 15];
    }
    return str_make(hex, 64);
}

static void journal_visit(struct sim_visit *v, struct str sha256)
{
    struct http_call *c = v->call;
    struct journal_request r = {.method = c->method,
                                .target = c->target,
                                .model = v->model,
                                .fields = &c->fields,
                                .body_sha256 = sha256,
                                .body_bytes = v->body_bytes,
                                .connection = http_call_connection(c)};

    v->seq = journal_begin(v->sim->shared->journal, &r, &v->sim->scratch);
}

static void on_ready(struct http_call *c)
{
    struct sim_visit *v = c->user;
    char hex[64];

    if (v == NULL)
        return;
    v->ops->ready(v); /* the answer first: what is written down does not delay it */
    if (v->ops->mode == HTTP_BODY_WHOLE)
        v->body_bytes = c->body.len;
    if (v->unseen || v->sim->shared->journal == NULL)
        return;
    if (v->ops->mode == HTTP_BODY_WHOLE)
        journal_visit(v, hash_body(v->sim, c->body, hex));
    else
        journal_visit(v, v->body_sha256);
}

static void on_drain(struct http_call *c)
{
    struct sim_visit *v = c->user;

    if (v != NULL && v->ops->drain != NULL)
        v->ops->drain(v);
}

static void on_gone(struct http_call *c)
{
    (void)c; /* done() follows, and `left` is set */
}

static void count_end(struct sim_visit *v)
{
    struct sim_shared *s = v->sim->shared;
    const struct http_call *c = v->call;

    SIM_COUNT(s->finished, 1);
    SIM_COUNT(s->in_flight, -1);
    SIM_COUNT(s->bytes_out, c->bytes_out);
    SIM_COUNT(s->body_bytes, v->body_bytes);
    SIM_COUNT(s->classes[c->status < 600 ? c->status / 100 : 0], 1);
    if (c->left)
        SIM_COUNT(s->left, 1);
}

static void end_visit(struct sim_visit *v)
{
    struct journal_end end = {
        .status = v->call->status, .bytes = v->call->bytes_out, .left = v->call->left};
    struct journal *j = v->sim->shared->journal;

    v->ops->stop(v);
    if (v->unseen)
        return;
    count_end(v);
    if (j == NULL)
        return;
    if (v->seq == 0) /* it left before its body was whole */
        journal_visit(v, str_make(NULL, 0));
    journal_end(j, v->seq, &end);
}

static void unref(struct sim *s);

static void on_done(struct http_call *c)
{
    struct sim *s = http_server_user(c);

    if (c->user != NULL)
        end_visit(c->user);
    unref(s);
}

static const struct http_handler handler = {.head = on_head,
                                            .body = on_body,
                                            .ready = on_ready,
                                            .drain = on_drain,
                                            .gone = on_gone,
                                            .done = on_done};

/* ---- The simulator */

static void shared_unref(struct sim_shared *s)
{
    if (s == NULL || atomic_fetch_sub(&s->refs, 1) > 1)
        return;
    journal_free(s->journal);
    tally_done(&s->tally);
    EVP_MD_free(s->sha256);
    free(s);
}

static struct sim_shared *shared_new(const struct sim_settings *settings)
{
    struct sim_shared *s = calloc(1, sizeof(*s));

    if (s == NULL || tally_init(&s->tally) < 0) {
        free(s);
        return NULL;
    }
    s->refs = 1;
    s->seed = settings->seed;
    s->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    s->journal = settings->no_log ? NULL : journal_new();
    if (s->sha256 == NULL || (s->journal == NULL && !settings->no_log)) {
        shared_unref(s);
        return NULL;
    }
    return s;
}

static struct sim_shared *shared_get(const struct sim_settings *settings)
{
    if (settings->with == NULL)
        return shared_new(settings);
    atomic_fetch_add(&settings->with->shared->refs, 1);
    return settings->with->shared;
}

static void sim_free(struct sim *s)
{
    shared_unref(s->shared);
    if (s->tls != NULL)
        tls_free(s->tls);
    EVP_MD_CTX_free(s->digest);
    buf_done(&s->out.buf);
    buf_done(&s->scratch.buf);
    free(s->pool);
    free(s);
}

static void unref(struct sim *s)
{
    if (--s->refs == 0)
        sim_free(s);
}

static void on_farewell_closed(uv_handle_t *h)
{
    unref(CONTAINER_OF(h, struct sim, farewell));
}

/* The server counts its connections, in our memory, until the last of them is closed. */
static void on_farewell(uv_timer_t *t)
{
    struct sim *s = CONTAINER_OF(t, struct sim, farewell);

    if (atomic_load(s->connections) == 0)
        uv_close((uv_handle_t *)t, on_farewell_closed);
}

static void on_wheel_closed(struct wheel *w)
{
    unref(CONTAINER_OF(w, struct sim, wheel));
}

static int listen_on(struct sim *s, const struct sim_settings *settings, struct buf *why)
{
    struct http_server_settings server = {.host = settings->host,
                                          .port = settings->port,
                                          .limits = limits,
                                          .connections = s->connections};
    struct tls_server_settings tls = {settings->cert_file, settings->key_file};
    int err;

    if (server.host.len == 0)
        server.host = STR("127.0.0.1");
    if (settings->with != NULL)
        server.port = sim_port(settings->with);
    if (settings->cert_file != NULL) {
        err = tls_server_new(&tls, why, &server.tls);
        if (err < 0)
            return err;
        s->tls = server.tls;
    }
    return http_server_open(s->loop, &server, &handler, s, why, &s->server);
}

static struct sim *sim_new(struct loop *l, const struct sim_settings *settings)
{
    struct sim *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return NULL;
    s->loop = l;
    s->shared = shared_get(settings);
    if (s->shared != NULL)
        s->connections =
            &s->shared->connections[atomic_fetch_add(&s->shared->sims, 1) % SIM_LOOPS_MAX];
    s->digest = EVP_MD_CTX_new();
    s->pool = malloc(SIM_JSON_POOL_BYTES);
    s->out.buf.max = s->scratch.buf.max = OUT_MAX;
    if (s->shared == NULL || s->digest == NULL || s->pool == NULL) {
        sim_free(s);
        return NULL;
    }
    return s;
}

int sim_open(struct loop *l, const struct sim_settings *settings, struct buf *why,
             struct sim **ret_sim)
{
    struct sim *s = sim_new(l, settings);
    int err;

    if (s == NULL) {
        (void)!buf_put(why, STR("out of memory"));
        return -ENOMEM;
    }
    err = listen_on(s, settings, why);
    if (err < 0) {
        sim_free(s);
        return err;
    }
    wheel_open(&s->wheel, l);
    uv_timer_init(&l->uv, &s->farewell);
    s->refs = 2; /* the wheel's and the farewell's */
    *ret_sim = s;
    return 0;
}

uint16_t sim_port(const struct sim *s)
{
    return http_server_port(s->server);
}

void sim_close(struct sim *s)
{
    http_server_close(s->server);
    wheel_close(&s->wheel, on_wheel_closed);
    uv_timer_start(&s->farewell, on_farewell, 0, 1);
}
