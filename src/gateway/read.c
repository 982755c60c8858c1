/*
 * read.c - wait for the body, then learn from it what the path needs: model, stream, usage.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/exchange.h"
#include "gateway/stages.h"
#include "llm/generate.h"

enum verdict body_enter(struct exchange *x)
{
    return x->body_ready ? VERDICT_NEXT : VERDICT_WAIT;
}

void body_cancel(struct exchange *x)
{
    (void)x; /* the server drops the body with the call */
}

void body_ready(struct exchange *x)
{
    x->body_ready = true;
    if (!x->waiting)
        return; /* the path has not come to the body yet, or ended before it */
    exchange_wait_end(x);
    pipeline_resume(x, VERDICT_NEXT);
}

/* x-dragoman-timeout-ms shortens the deadline of one request. */
static bool read_timeout(struct exchange *x, uint64_t *ret_ms)
{
    struct str v = http_fields_find(&x->call->fields, STR("x-dragoman-timeout-ms"));

    if (v.ptr == NULL)
        return true;
    return str_to_u64(v, ret_ms) && *ret_ms > 0 && *ret_ms <= UINT32_MAX;
}

static bool is_form(struct str alt)
{
    return alt.len == 0 || str_eq(alt, STR("sse")) || str_eq(alt, STR("json"));
}

/* Gemini's clients name the model in the path, and say there whether they want a stream. */
static enum fault read_gemini(struct exchange *x, struct str *why, struct str *param)
{
    const struct surface *s = x->surface;
    struct str version = STR("/v1/"), path = x->call->path;
    struct str model;
    enum fault f;

    path = str_skip(path, str_starts(path, version) ? version.len : STR("/v1beta/").len);
    model = generate_model(x->mem, path);
    if (s->id == SURFACE_GEMINI &&
        !is_form(generate_parameter(x->mem, x->call->query, STR("alt")))) {
        *why = STR("'alt' must be 'sse' or 'json'");
        *param = STR("alt");
        return FAULT_BAD_REQUEST;
    }
    f = generate_scan(x->mem, model, x->call->body, x->gl->gw->conf->limits.json_depth, &x->req,
                      why, param);
    x->req.stream = str_eq(s->action, STR(":streamGenerateContent"));
    return f;
}

enum verdict read_enter(struct exchange *x)
{
    const struct conf *c = x->gl->gw->conf;
    struct str why = {"", 0}, param = {"", 0};
    uint64_t timeout = 0;
    enum fault f;

    f = x->surface->dialect == CHAT_GEMINI
            ? read_gemini(x, &why, &param)
            : openai_request_scan(x->mem, x->surface->openai, x->call->body, c->limits.json_depth,
                                  &x->req, &why, &param);
    if (f != FAULT_NONE)
        return exchange_fail(x, f, param, "%.*s", STR_ARG(why));
    /* It may point into the body, which goes before the log line is written. */
    x->req.model = arena_dup(x->mem, x->req.model);
    if (x->req.model.ptr == NULL)
        return exchange_fail(x, FAULT_OVERLOADED, STR(""), "limits.exchange_bytes is reached.");
    if (!read_timeout(x, &timeout))
        return exchange_fail(x, FAULT_BAD_REQUEST, STR("x-dragoman-timeout-ms"),
                             "x-dragoman-timeout-ms must be a number of milliseconds, 1 or more.");
    x->total_ms = (uint32_t)timeout;
    return VERDICT_NEXT;
}
