/*
 * relay.c - every other /v1 path: passed on to one provider, byte for byte, both ways.
 *
 * The provider is named by x-dragoman-provider, or by the model of a JSON body (an alias or
 * provider/model; then the body is kept until it is whole, and only the model's name is changed),
 * or it is the only one there is.  One try: what the call does at the provider is not known, so
 * nothing is repeated except on a stale connection.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/relay.h"

#include "base/percent.h"
#include "gateway/answer.h"
#include "gateway/attempt.h"
#include "gateway/entra.h"
#include "gateway/stages.h"
#include "gateway/upstream_head.h"
#include "gateway/upstream_path.h"

struct relay {
    struct buf body; /* a JSON body whose model names the provider */
    bool collecting; /* into `body`; nothing has been started yet */
    bool whole;      /* the client has sent everything */
    bool paused;     /* the client's upload, for the upstream's sake */
    struct candidate candidate;
    struct conf_target target;
};

/* ---- what comes back ---- */

static void on_head(struct http_fetch *f, const struct http_reply_in *head)
{
    struct exchange *x = f->user;
    struct http_fields fields = {0};

    exchange_wait_end(x);
    x->attempt.status = head->status;
    x->attempt.reply = head->fields;
    attempt_check_version(x, &head->fields);
    /* A 403 may be about what was asked for, which is not ours to know here. */
    if (head->status == 401 || head->status == 402)
        attempt_credential_refused(x);
    if (answer_fields(x, &fields) < 0 ||
        answer_upstream_fields(x, &fields, &head->fields, true) < 0)
        fields = (struct http_fields){0};
    x->answer.head_sent = x->answer.committed = true;
    x->first_content_ns = loop_turn_ns(x->call->loop);
    http_reply_head(x->call, head->status, &fields, head->content_length);
    exchange_wait_begin(x);
}

static enum flow on_body(struct http_fetch *f, struct str bytes)
{
    struct exchange *x = f->user;

    exchange_wait_end(x);
    answer_bytes(x, &bytes, 1);
    exchange_wait_begin(x);
    return x->answer.held ? FLOW_HOLD : FLOW_MORE;
}

static void on_end(struct http_fetch *f)
{
    struct exchange *x = f->user;
    unsigned status = x->attempt.status;

    exchange_wait_end(x);
    x->attempt.running = false;
    answer_end(x);
    if (x->finished)
        return;
    if (status >= 500)
        x->fault = FAULT_UPSTREAM_ERROR;
    else if (status == 429)
        x->fault = FAULT_UPSTREAM_RATE;
    else if (status >= 400)
        x->fault = FAULT_UPSTREAM_REFUSED;
    attempt_record(x, x->fault);
    pipeline_resume(x, VERDICT_DONE);
}

static void on_fail(struct http_fetch *f, enum http_failure failure, const char *why)
{
    struct exchange *x = f->user;
    enum fault fault = attempt_fetch_fault(f, failure);
    struct str name = attempt_target_name(x);

    exchange_wait_end(x);
    x->attempt.running = false;
    attempt_record(x, fault);
    exchange_fail(x, fault, STR(""), "%.*s: %s", STR_ARG(name), why);
    pipeline_resume(x, VERDICT_FAIL);
}

static void on_drain(struct http_fetch *f)
{
    struct exchange *x = f->user;

    if (!x->relay->paused)
        return;
    x->relay->paused = false;
    http_call_resume(x->call);
}

static const struct http_fetch_ops relay_ops = {
    .on_head = on_head,
    .on_body = on_body,
    .on_end = on_end,
    .on_fail = on_fail,
    .on_drain = on_drain,
};

/* ---- who is asked ---- */

static void aim(struct exchange *x, const struct conf_provider *p, struct str model)
{
    struct relay *r = x->relay;

    r->target = (struct conf_target){
        .index = UINT32_MAX, .provider = p, .model = model, .weight = 1, .timeouts = p->timeouts};
    r->candidate = (struct candidate){.target = &r->target,
                                      .provider = &x->gl->gw->providers[p->index],
                                      .state = &x->gl->gw->providers[p->index].direct};
}

static bool has_json_body(const struct exchange *x)
{
    const struct str json = STR("application/json");
    struct str type = http_fields_find(&x->call->fields, STR("content-type"));

    return type.len >= json.len && str_eq_nocase(str_make(type.ptr, json.len), json) &&
           x->call->content_length != 0;
}

static bool keys_are_limited(const struct exchange *x)
{
    return x->principal != NULL && x->principal->models_count > 0;
}

/* ---- the request ---- */

/* A relayed request does not wait for the first one: the gateway has just been started. */
static bool take_token(struct exchange *x, const struct provider_state *p, uint64_t now)
{
    struct str text = STR("the first is on its way");

    x->token = STR("");
    if (p->entra == NULL)
        return true;
    if (entra_token(p->entra, x->mem, now, &text) == ENTRA_READY && text.ptr != NULL) {
        x->token = text;
        return true;
    }
    exchange_fail(x, FAULT_UPSTREAM_KEY, STR(""), "%.*s has no token of Entra ID: %.*s",
                  STR_ARG(p->conf->name), STR_ARG(text));
    return false;
}

static enum verdict start(struct exchange *x, bool streamed)
{
    struct attempt *a = &x->attempt;
    const struct conf_target *t = &x->relay->target;
    uint64_t now = exchange_now_ms(x);
    struct upstream_head head;

    a->candidate = &x->relay->candidate;
    a->key = provider_key_pick(a->candidate->provider, NULL, 0, 0, now);
    a->started_ns = loop_clock_ns();
    x->total_ms = t->timeouts.total_ms;
    x->deadline_ms = x->total_ms != 0 ? now + x->total_ms : 0;
    if (!take_token(x, a->candidate->provider, now))
        return VERDICT_FAIL;
    head = (struct upstream_head){
        .provider = t->provider,
        .key = a->key,
        .token = x->token,
        .method = x->call->method,
        .path = upstream_path(x->mem, t->provider, t->model, str_skip(x->call->target, 3)),
        .length = -2,
        .relay = true};
    if (head.path.ptr == NULL)
        return exchange_fail(x, FAULT_OVERLOADED, STR(""), "limits.exchange_bytes is reached.");
    if (x->call->content_length == 0)
        head.length = 0; /* some refuse a POST that does not say so */
    if (streamed)
        head.length = x->call->content_length >= 0 ? x->call->content_length : -1;
    for (unsigned i = 0; !streamed && i < a->fetch.request.body_count; i++)
        head.length = (head.length < 0 ? 0 : head.length) + (int64_t)a->fetch.request.body[i].len;
    a->fetch.ops = &relay_ops;
    a->fetch.client = x->gl->client;
    a->fetch.origin = a->candidate->provider->origin;
    a->fetch.arena = x->mem;
    a->fetch.user = x;
    a->fetch.request.head = upstream_head(x, &head);
    a->fetch.request.body_streamed = streamed;
    a->fetch.request.chunked = head.length == -1;
    a->fetch.request.head_method = x->call->head_only;
    a->fetch.limits = (struct http_limits){.connect_ms = t->timeouts.connect_ms,
                                           .headers_ms = t->timeouts.first_content_ms,
                                           .idle_ms = t->timeouts.idle_ms,
                                           .deadline_ms = x->deadline_ms};
    x->records = ARENA_NEW(x->mem, struct attempt_record);
    if (x->records == NULL || a->fetch.request.head.ptr == NULL || http_fetch_start(&a->fetch) < 0)
        return exchange_fail(x, FAULT_OVERLOADED, STR(""), "limits.exchange_bytes is reached.");
    x->records_count = 1;
    a->running = true;
    return VERDICT_WAIT;
}

/* The first target that may be asked at all; NULL when none may. */
static const struct conf_target *first_target(const struct conf_model *alias)
{
    for (uint32_t i = 0; i < alias->targets_count; i++) {
        if (alias->targets[i].weight > 0)
            return &alias->targets[i];
    }
    return NULL;
}

/* Where others keep a model's name in the path. */
static bool is_place_of_model(struct str segment)
{
    static const struct str places[] = {STR_INIT("models"), STR_INIT("tunedModels"),
                                        STR_INIT("model"), STR_INIT("deployments"),
                                        STR_INIT("engines")};

    for (size_t i = 0; i < COUNTOF(places); i++) {
        if (str_eq_nocase(segment, places[i]))
            return true;
    }
    return false;
}

/* That name counts for who is asked, whatever the body says (/v1/models/x%3AgenerateContent at
 * Gemini's, /v1/model/x/converse at Amazon's). */
static bool path_names_model(struct exchange *x)
{
    struct str path = percent_decode(x->mem, x->call->path, false), segment;
    bool more;

    if (path.ptr == NULL)
        return true;
    do {
        more = str_cut(path, '/', &segment, &path);
        if (is_place_of_model(segment))
            return true;
    } while (more);
    return false;
}

/* The body names the model, and the model the provider. */
static enum verdict start_by_model(struct exchange *x)
{
    const struct conf *c = x->gl->gw->conf;
    const struct conf_provider *p = NULL;
    const struct conf_target *t;
    const struct conf_model *alias;
    struct str why = {"", 0}, param = {"", 0}, provider, model = {NULL, 0};
    enum fault f;

    f = openai_model_scan(x->mem, buf_str(&x->relay->body), c->limits.json_depth, &x->req, &why,
                          &param);
    if (f != FAULT_NONE)
        return exchange_fail(x, f, param, "%.*s", STR_ARG(why));
    if (!conf_key_allows(x->principal, x->req.model))
        return exchange_fail(x, FAULT_MODEL_DENIED, STR("model"),
                             "This key may not use this model.");
    if (keys_are_limited(x) && path_names_model(x))
        return exchange_fail(x, FAULT_MODEL_DENIED, STR("model"),
                             "This key is limited to some models; a relayed path must not name "
                             "one beside the body's.");
    alias = conf_model_find(c, x->req.model);
    if (alias != NULL && (t = first_target(alias)) != NULL) {
        p = t->provider;
        model = t->model;
    } else if (str_cut(x->req.model, '/', &provider, &model) && model.len > 0) {
        p = conf_provider_find(c, provider);
    }
    if (p == NULL)
        return exchange_fail(x, FAULT_NO_SUCH_MODEL, STR("model"),
                             "This path is relayed: name the provider in the model "
                             "(provider/model) or in x-dragoman-provider.");
    aim(x, p, model);
    x->attempt.fetch.request.body_count =
        openai_request_splice(x->mem, &x->req, model, false, x->attempt.fetch.request.body);
    return start(x, false);
}

static bool has_body(const struct exchange *x)
{
    return x->call->content_length > 0 ||
           http_fields_find(&x->call->fields, STR("transfer-encoding")).ptr != NULL;
}

static enum verdict relay_to(struct exchange *x, const struct conf_provider *p)
{
    if (keys_are_limited(x))
        return exchange_fail(
            x, FAULT_MODEL_DENIED, STR(""),
            "This key is limited to some models; a relayed path has to name one of "
            "them in a JSON body.");
    aim(x, p, STR(""));
    return start(x, has_body(x));
}

enum verdict relay_enter(struct exchange *x)
{
    const struct conf *c = x->gl->gw->conf;
    struct str name = http_fields_find(&x->call->fields, STR("x-dragoman-provider"));
    const struct conf_provider *p = name.ptr != NULL ? conf_provider_find(c, name) : NULL;

    x->relay = ARENA_NEW(x->mem, struct relay);
    if (x->relay == NULL)
        return exchange_fail(x, FAULT_OVERLOADED, STR(""), "limits.exchange_bytes is reached.");
    if (name.ptr != NULL && p == NULL)
        return exchange_fail(x, FAULT_BAD_REQUEST, STR("x-dragoman-provider"),
                             "There is no provider of the name in x-dragoman-provider.");
    if (p == NULL && c->providers_count == 1 && !(keys_are_limited(x) && has_json_body(x)))
        p = &c->providers[0];
    if (p != NULL)
        return relay_to(x, p);
    if (!has_json_body(x))
        return exchange_fail(x, FAULT_BAD_REQUEST, STR("x-dragoman-provider"),
                             "This path is relayed: name the provider in x-dragoman-provider.");
    x->relay->collecting = true;
    x->relay->body.max = c->limits.body_bytes;
    return VERDICT_WAIT;
}

void relay_cancel(struct exchange *x)
{
    if (x->attempt.running) {
        x->attempt.running = false;
        http_fetch_cancel(&x->attempt.fetch);
        attempt_record(x, x->fault);
    }
}

/* ---- what the client sends ---- */

void relay_body(struct exchange *x, struct str piece)
{
    struct relay *r = x->relay;

    if (r == NULL || x->finished)
        return;
    if (r->collecting) {
        /* The server has checked limits.body already; what is left is memory. */
        if (buf_put(&r->body, piece) < 0) {
            exchange_fail(x, FAULT_OVERLOADED, STR(""), "No memory for the request's body.");
            pipeline_resume(x, VERDICT_FAIL);
        }
        return;
    }
    if (x->attempt.running && http_fetch_send(&x->attempt.fetch, piece) == FLOW_HOLD) {
        r->paused = true;
        http_call_pause(x->call);
    }
}

void relay_ready(struct exchange *x)
{
    struct relay *r = x->relay;
    enum verdict v;

    if (r == NULL || x->finished)
        return;
    if (r->collecting) {
        r->collecting = false;
        exchange_wait_end(x);
        v = start_by_model(x);
        if (v != VERDICT_WAIT)
            pipeline_resume(x, v);
        exchange_wait_begin(x);
        return;
    }
    if (x->attempt.running && x->attempt.fetch.request.body_streamed)
        http_fetch_send_end(&x->attempt.fetch);
}

void relay_done(struct exchange *x)
{
    if (x->relay != NULL)
        buf_done(&x->relay->body);
}
