/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/entra.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/percent.h"
#include "llm/json.h"

#define SCOPE "https://cognitiveservices.azure.com/.default"
#define RESOURCE "https://cognitiveservices.azure.com"
#define AHEAD_MS                                                                                   \
    600000u /* before its end a token is renewed; a quarter of its life if that is less */
#define MARGIN_MS 30000u /* before its end it is not used any more; a tenth likewise */
#define LIFE_S_MAX 604800u
#define RETRY_FIRST_MS 1000u
#define RETRY_MOST_MS 60000u
#define YOUNG_MS 10000u /* what was refused that soon would be refused again */
#define SHOWN_BYTES 160 /* of what an authority says */

struct entra *entra_new(const struct conf_entra *c)
{
    struct entra *e = calloc(1, sizeof(*e));

    if (e == NULL)
        return NULL;
    e->conf = c;
    e->token.max = ENTRA_TOKEN_MAX;
    if (uv_mutex_init(&e->lock) != 0) {
        free(e);
        return NULL;
    }
    return e;
}

void entra_free(struct entra *e)
{
    if (e == NULL)
        return;
    uv_mutex_destroy(&e->lock);
    buf_done(&e->token);
    free(e);
}

static bool is_configured(const struct conf_entra *c)
{
    return c->managed || (c->tenant_id.len > 0 && c->client_id.len > 0 && c->client_secret.len > 0);
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t usable_until(const struct entra *e)
{
    return e->ends_ms - least(MARGIN_MS, (e->ends_ms - e->got_ms) / 10);
}

enum entra_answer entra_token(struct entra *e, struct arena *a, uint64_t now_ms,
                              struct str *ret_text)
{
    enum entra_answer answer = ENTRA_WAIT;

    uv_mutex_lock(&e->lock);
    if (e->ends_ms != 0 && now_ms < usable_until(e)) {
        answer = ENTRA_READY;
        *ret_text = arena_dup(a, buf_str(&e->token));
    } else if (e->why[0] != '\0') {
        answer = ENTRA_FAILED;
        *ret_text = arena_dup(a, str_from(e->why));
    }
    uv_mutex_unlock(&e->lock);
    if (answer == ENTRA_WAIT && !is_configured(e->conf)) {
        answer = ENTRA_FAILED;
        *ret_text = STR("tenant_id, client_id or client_secret is empty");
    }
    return answer;
}

void entra_refused(struct entra *e, uint64_t now_ms)
{
    uv_mutex_lock(&e->lock);
    if (e->ends_ms != 0 && now_ms >= e->got_ms + YOUNG_MS && e->due_ms > now_ms)
        e->due_ms = now_ms;
    uv_mutex_unlock(&e->lock);
}

bool entra_is_due(struct entra *e, uint64_t now_ms)
{
    bool due;

    uv_mutex_lock(&e->lock);
    due = is_configured(e->conf) && now_ms >= e->due_ms;
    uv_mutex_unlock(&e->lock);
    return due;
}

/* ---- asking ---- */

static struct str pair(struct arena *a, struct str name, struct str value)
{
    struct str escaped = percent_encode(a, value, STR(""));

    if (escaped.ptr == NULL)
        return escaped;
    return arena_join(a, (struct str[]){name, escaped}, 2);
}

/* GET …/metadata/identity/oauth2/token?… , which wants a field of its own ("Metadata: true"). */
static bool ask_machine(const struct conf_entra *c, struct arena *a, struct entra_request *ret)
{
    struct str resource = pair(a, STR("&resource="), STR(RESOURCE));
    struct str client = c->client_id.len > 0 ? pair(a, STR("&client_id="), c->client_id) : STR("");

    if (resource.ptr == NULL || client.ptr == NULL)
        return false;
    ret->method = STR("GET");
    ret->body = STR("");
    ret->path =
        arena_join(a,
                   (struct str[]){STR("/metadata/identity/oauth2/token?api-version=2018-02-01"),
                                  resource, client},
                   3);
    return ret->path.ptr != NULL;
}

static bool ask_authority(const struct conf_entra *c, struct arena *a, struct entra_request *ret)
{
    struct str pieces[] = {
        STR("grant_type=client_credentials"), pair(a, STR("&client_id="), c->client_id),
        pair(a, STR("&client_secret="), c->client_secret), pair(a, STR("&scope="), STR(SCOPE))};

    for (size_t i = 0; i < COUNTOF(pieces); i++) {
        if (pieces[i].ptr == NULL)
            return false;
    }
    ret->method = STR("POST");
    ret->body = arena_join(a, pieces, COUNTOF(pieces));
    ret->path = arena_join(a, (struct str[]){STR("/"), c->tenant_id, STR("/oauth2/v2.0/token")}, 3);
    return ret->body.ptr != NULL && ret->path.ptr != NULL;
}

bool entra_request(const struct entra *e, struct arena *a, struct entra_request *ret)
{
    return e->conf->managed ? ask_machine(e->conf, a, ret) : ask_authority(e->conf, a, ret);
}

/* ---- hearing ---- */

struct reply {
    struct str token, expires_in, error, description; /* raw */
};

static bool take_member(void *ctx, const struct json_member *m)
{
    struct reply *r = ctx;

    if (json_key_is(m, STR("access_token")) && m->type == JSON_STRING)
        r->token = m->value;
    else if (json_key_is(m, STR("expires_in")))
        r->expires_in = m->value;
    else if (json_key_is(m, STR("error")) && m->type == JSON_STRING)
        r->error = m->value;
    else if (json_key_is(m, STR("error_description")) && m->type == JSON_STRING)
        r->description = m->value;
    return true;
}

/* 3599, and "3599" of a machine. */
static uint64_t read_life_s(struct str value)
{
    uint64_t n = 0;

    if (value.len > 2 && value.ptr[0] == '"')
        value = str_make(value.ptr + 1, value.len - 2);
    if (!str_to_u64(value, &n))
        return 0;
    return least(n, LIFE_S_MAX);
}

/* Fit for a field of a head. */
static bool is_token(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] <= ' ' || s.ptr[i] > '~')
            return false;
    }
    return s.len > 0 && s.len < ENTRA_TOKEN_MAX;
}

static bool keep_token(struct entra *e, struct str token, uint64_t life_ms, uint64_t now_ms)
{
    int err;

    uv_mutex_lock(&e->lock);
    e->token.len = 0;
    err = buf_put(&e->token, token);
    e->got_ms = now_ms;
    e->ends_ms = err == 0 ? now_ms + life_ms : 0;
    e->due_ms = now_ms + life_ms - least(AHEAD_MS, life_ms / 4);
    e->failures = 0;
    e->why[0] = '\0';
    uv_mutex_unlock(&e->lock);
    return err == 0;
}

void entra_failed(struct entra *e, uint64_t now_ms, const char *fmt, ...)
{
    uint64_t wait = RETRY_FIRST_MS;
    va_list ap;

    uv_mutex_lock(&e->lock);
    for (unsigned i = 0; i < e->failures && wait < RETRY_MOST_MS; i++)
        wait *= 2;
    e->failures++;
    e->due_ms = now_ms + least(wait, RETRY_MOST_MS);
    va_start(ap, fmt);
    vsnprintf(e->why, sizeof(e->why), fmt, ap);
    va_end(ap);
    uv_mutex_unlock(&e->lock);
}

/* "AADSTS7000215: Invalid client secret provided.": its first line, and not the traces behind it.
 */
static struct str shown(struct arena *a, const struct reply *r)
{
    struct str text = json_unescape_lossy(a, r->description.len > 0 ? r->description : r->error);
    struct str line, rest;

    str_cut(text, '\n', &line, &rest);
    str_cut(line, '\r', &line, &rest);
    return line;
}

static int shown_bytes(struct str s)
{
    return s.len < SHOWN_BYTES ? (int)s.len : SHOWN_BYTES;
}

void entra_answered(struct entra *e, struct arena *a, unsigned status, struct str body,
                    uint64_t now_ms)
{
    struct reply r = {{NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}};
    bool json = json_scan(body, JSON_DEPTH_MAX, take_member, &r, NULL);
    uint64_t life_s = json ? read_life_s(r.expires_in) : 0;
    struct str token = {NULL, 0}, text = STR("");

    if (json && status == 200 && r.token.len > 0)
        token = json_unescape(a, r.token);
    if (is_token(token) && life_s > 0 && keep_token(e, token, life_s * 1000, now_ms))
        return;
    if (json && (r.error.len > 0 || r.description.len > 0))
        text = shown(a, &r);
    if (text.len > 0)
        entra_failed(e, now_ms, "%u %.*s", status, shown_bytes(text), text.ptr);
    else
        entra_failed(e, now_ms, "%u, and no token in it", status);
}
