/*
 * authority.c - tokens, as Entra ID and the metadata of Azure's machines give them.
 *
 * POST /{tenant}/oauth2/v2.0/token takes the client credentials of any application whose secret
 * does not begin with "wrong"; a tenant "life-90" makes tokens of 90 seconds, any other of an hour.
 * GET /metadata/identity/oauth2/token wants the field "metadata: true".  Tokens are numbered.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sim/state.h"

#define LIFE_S 3599u

static const struct str oauth_end = STR_INIT("/oauth2/v2.0/token");
static const struct str machine_path = STR_INIT("/metadata/identity/oauth2/token");

static bool ends_in(struct str s, struct str end)
{
    return s.len >= end.len && str_eq(str_skip(s, s.len - end.len), end);
}

bool sim_authority_claims(struct str method, struct str path)
{
    return (str_eq(method, STR("POST")) && ends_in(path, oauth_end)) ||
           (str_eq(method, STR("GET")) && str_eq(path, machine_path));
}

static void reply(struct sim_visit *v, unsigned status)
{
    struct http_field type = {STR("content-type"), STR("application/json")};
    struct http_fields fields = {.at = &type, .count = 1, .cap = 1};

    http_reply(v->call, status, &fields, out_str(&v->sim->out));
}

static void refuse(struct sim_visit *v, unsigned status, const char *error, const char *text)
{
    out_fmt(&v->sim->out, "{\"error\":\"%s\",\"error_description\":\"%s\\r\\nTrace ID: 0\"}", error,
            text);
    reply(v, status);
}

static void give(struct sim_visit *v, uint64_t life_s, const char *quote)
{
    unsigned long long n = SIM_COUNT(v->sim->shared->tokens, 1) + 1;

    out_fmt(&v->sim->out,
            "{\"token_type\":\"Bearer\",\"expires_in\":%s%llu%s,"
            "\"access_token\":\"eyJzaW0i.token-%llu\"}",
            quote, (unsigned long long)life_s, quote, n);
    reply(v, 200);
}

/* Form-encoded; the values that are asked for need no decoding. */
static struct str form_value(struct str form, struct str name)
{
    struct str item, key, value;

    while (form.len > 0) {
        str_cut(form, '&', &item, &form);
        str_cut(item, '=', &key, &value);
        if (str_eq(key, name))
            return value;
    }
    return STR("");
}

static uint64_t life_of(struct str path)
{
    struct str tenant, rest;
    uint64_t n;

    str_cut(str_skip(path, 1), '/', &tenant, &rest);
    if (str_starts(tenant, STR("life-")) && str_to_u64(str_skip(tenant, 5), &n))
        return n;
    return LIFE_S;
}

static void give_to_application(struct sim_visit *v)
{
    struct str form = v->call->body;

    if (!str_eq(form_value(form, STR("grant_type")), STR("client_credentials")) ||
        !ends_in(form_value(form, STR("scope")), STR("%2F.default")))
        refuse(v, 400, "invalid_request", "AADSTS900144: The request body is not what it must be.");
    else if (form_value(form, STR("client_id")).len == 0 ||
             form_value(form, STR("client_secret")).len == 0 ||
             str_starts(form_value(form, STR("client_secret")), STR("wrong")))
        refuse(v, 401, "invalid_client", "AADSTS7000215: Invalid client secret provided.");
    else
        give(v, life_of(v->call->path), "");
}

static void ready(struct sim_visit *v)
{
    out_reset(&v->sim->out, SIM_SCRATCH_KEEP);
    if (str_eq(v->call->method, STR("POST")))
        give_to_application(v);
    else if (!str_eq(http_fields_find(&v->call->fields, STR("metadata")), STR("true")))
        refuse(v, 400, "invalid_request", "Required metadata header not specified");
    else
        give(v, LIFE_S, "\"");
}

static void stop(struct sim_visit *v)
{
    (void)v;
}

struct sim_visit *sim_authority_new(struct http_call *c)
{
    static const struct sim_visit_ops ops = {.mode = HTTP_BODY_WHOLE, .ready = ready, .stop = stop};
    struct sim_visit *v = ARENA_NEW(&c->arena, struct sim_visit);

    if (v != NULL)
        v->ops = &ops;
    return v;
}
