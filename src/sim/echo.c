/*
 * echo.c - paths the simulator does not know: they come back, so that relays can be compared.
 *
 * POST /v1/echo-body returns the very bytes as they come, and reads no faster than they are
 * taken.  Any other path gets a description of the request.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sim/state.h"

struct echo {
    struct sim_visit visit; /* first */
    EVP_MD_CTX *digest;
    char hex[64];
    bool same_bytes;
};

static struct echo *echo_of(struct sim_visit *v)
{
    return CONTAINER_OF(v, struct echo, visit);
}

static bool put_type(struct echo *e, struct http_fields *fields)
{
    struct http_call *c = e->visit.call;
    struct str type = http_fields_find(&c->fields, STR("content-type"));

    if (type.len == 0)
        type = STR("application/octet-stream");
    return http_fields_add(fields, &c->arena, STR("content-type"), type) == 0;
}

static void begin_same_bytes(struct echo *e)
{
    struct http_fields fields = {0};

    if (put_type(e, &fields))
        http_reply_head(e->visit.call, 200, &fields, e->visit.call->content_length);
    else
        http_reply_abort(e->visit.call);
}

static void body(struct sim_visit *v, struct str piece)
{
    struct echo *e = echo_of(v);

    v->body_bytes += piece.len;
    EVP_DigestUpdate(e->digest, piece.ptr, piece.len);
    if (!e->same_bytes)
        return;
    if (v->call->status == 0)
        begin_same_bytes(e);
    if (http_reply_body(v->call, &piece, 1) == FLOW_HOLD)
        http_call_pause(v->call);
}

static void drain(struct sim_visit *v)
{
    http_call_resume(v->call);
}

static void end_digest(struct echo *e)
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned n = 0;

    EVP_DigestFinal_ex(e->digest, sum, &n);
    for (unsigned i = 0; i < n && i < 32; i++) {
        e->hex[2 * i] = "0123456789abcdef"[sum[i] >> 4];
        e->hex[2 * i + 1] = "0123456789abcdef"[sum[i] & 15];
    }
    e->visit.body_sha256 = str_make(e->hex, sizeof(e->hex));
}

static void describe(struct echo *e, struct out *o)
{
    const struct http_call *c = e->visit.call;

    OUT_LIT(o, "{\"object\":\"sim.echo\",\"method\":");
    out_json_bytes(o, c->method);
    OUT_LIT(o, ",\"path\":");
    out_json_bytes(o, c->target);
    OUT_LIT(o, ",\"headers\":");
    journal_put_fields(o, &c->fields);
    OUT_LIT(o, ",\"body_bytes\":");
    out_u64(o, e->visit.body_bytes);
    OUT_LIT(o, ",\"body_sha256\":");
    out_json(o, e->visit.body_sha256);
    OUT_LIT(o, "}\n");
}

static void ready(struct sim_visit *v)
{
    struct http_field type = {STR("content-type"), STR("application/json")};
    struct http_fields fields = {.at = &type, .count = 1, .cap = 1};
    struct echo *e = echo_of(v);
    struct out *o = &v->sim->out;

    end_digest(e);
    if (e->same_bytes) {
        if (v->call->status == 0)
            begin_same_bytes(e);
        http_reply_end(v->call);
        return;
    }
    out_reset(o, SIM_SCRATCH_KEEP);
    describe(e, o);
    http_reply(v->call, 200, &fields, out_str(o));
}

static void stop(struct sim_visit *v)
{
    EVP_MD_CTX_free(echo_of(v)->digest);
}

struct sim_visit *sim_echo_new(struct http_call *c)
{
    static const struct sim_visit_ops ops = {
        .mode = HTTP_BODY_STREAM, .body = body, .ready = ready, .drain = drain, .stop = stop};
    const struct sim *sim = http_server_user(c);
    struct echo *e = ARENA_NEW(&c->arena, struct echo);

    if (e == NULL)
        return NULL;
    e->digest = EVP_MD_CTX_new();
    if (e->digest == NULL || EVP_DigestInit_ex2(e->digest, sim->shared->sha256, NULL) != 1) {
        EVP_MD_CTX_free(e->digest);
        return NULL;
    }
    e->visit.ops = &ops;
    e->same_bytes = str_eq(c->path, STR("/v1/echo-body"));
    return &e->visit;
}
