/*
 * desk.c - what the simulator answers about itself: /sim/log, /sim/stats, /sim/menu, /sim/reset,
 * and the models it lists.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/percent.h"
#include "sim/dialect.h"
#include "sim/menu.h"
#include "sim/state.h"

#define LISTED_AT_S 1767225600u

static void reply(struct sim_visit *v, unsigned status, const struct out *o)
{
    struct http_field type = {STR("content-type"), STR("application/json")};
    struct http_fields fields = {.at = &type, .count = 1, .cap = 1};

    if (o->full)
        http_reply_abort(v->call);
    else
        http_reply(v->call, status, &fields, out_str(o));
}

static void refuse(struct sim_visit *v, unsigned status, struct str code, struct str message)
{
    struct sim_problem p = {
        .status = status, .message = message, .type = STR("invalid_request_error"), .code = code};
    struct out *o = &v->sim->out;

    sim_dialect_default()->problem(NULL, &p, o);
    reply(v, status, o);
}

/* ---- /sim */

static void show_log(struct sim_visit *v)
{
    struct journal_filter f = {0};
    struct str rest = v->call->query, item, name, value;

    while (rest.len > 0) {
        str_cut(rest, '&', &item, &rest);
        str_cut(item, '=', &name, &value);
        if (str_eq(name, STR("model")))
            f.model = percent_decode(&v->call->arena, value, true);
        else if (str_eq(name, STR("since")) && !str_to_u64(value, &f.since))
            f.since = UINT64_MAX;
    }
    if (v->sim->shared->journal != NULL)
        journal_write(v->sim->shared->journal, &f, &v->sim->out);
    else
        OUT_LIT(&v->sim->out, "[]\n");
    reply(v, 200, &v->sim->out);
}

static void clear_log(struct sim_visit *v)
{
    if (v->sim->shared->journal != NULL)
        journal_clear(v->sim->shared->journal);
    OUT_LIT(&v->sim->out, "{\"ok\":true}\n");
    reply(v, 200, &v->sim->out);
}

static void put_stat(struct out *o, const char *name, unsigned long long n)
{
    out_fmt(o, "\"%s\":%llu,", name, n);
}

static unsigned open_connections(const struct sim_shared *s)
{
    unsigned n = 0;

    for (unsigned i = 0; i < SIM_LOOPS_MAX; i++)
        n += s->connections[i];
    return n;
}

static void show_stats(struct sim_visit *v)
{
    struct sim_shared *s = v->sim->shared;
    struct out *o = &v->sim->out;

    OUT_LIT(o, "{");
    put_stat(o, "requests", s->requests);
    put_stat(o, "finished", s->finished);
    put_stat(o, "peers_left", s->left);
    put_stat(o, "in_flight", (unsigned long long)s->in_flight);
    put_stat(o, "open_connections", open_connections(s));
    put_stat(o, "events", s->events);
    put_stat(o, "bytes_out", s->bytes_out);
    put_stat(o, "body_bytes_in", s->body_bytes);
    out_fmt(o, "\"by_status\":{\"none\":%llu", (unsigned long long)s->classes[0]);
    for (unsigned i = 1; i < COUNTOF(s->classes); i++)
        out_fmt(o, ",\"%uxx\":%llu", i, (unsigned long long)s->classes[i]);
    OUT_LIT(o, "}}\n");
    reply(v, 200, o);
}

static void show_menu(struct sim_visit *v)
{
    sim_menu_json(&v->sim->out);
    reply(v, 200, &v->sim->out);
}

/* Everything as after the start, but for what is under way. */
static void reset(struct sim_visit *v)
{
    struct sim_shared *s = v->sim->shared;

    s->counter = s->requests = s->finished = s->left = 0;
    s->events = s->bytes_out = s->body_bytes = 0;
    for (unsigned i = 0; i < COUNTOF(s->classes); i++)
        s->classes[i] = 0;
    tally_clear(&s->tally);
    clear_log(v);
}

/* ---- /v1/models */

static const struct str models[] = {STR_INIT("sim"), STR_INIT("sim-large"),
                                    STR_INIT("sim-embedding")};

static void put_model(struct out *o, struct str id)
{
    OUT_LIT(o, "{\"id\":");
    out_json(o, id);
    out_fmt(o, ",\"object\":\"model\",\"created\":%u,\"owned_by\":\"dragoman\"}", LISTED_AT_S);
}

static void list_models(struct sim_visit *v)
{
    struct out *o = &v->sim->out;

    OUT_LIT(o, "{\"object\":\"list\",\"data\":[");
    for (size_t i = 0; i < COUNTOF(models); i++) {
        if (i > 0)
            OUT_LIT(o, ",");
        put_model(o, models[i]);
    }
    OUT_LIT(o, "]}\n");
    reply(v, 200, o);
}

static void show_model(struct sim_visit *v)
{
    struct str id =
        percent_decode(&v->call->arena, str_skip(v->call->path, sizeof("/v1/models/") - 1), true);

    for (size_t i = 0; i < COUNTOF(models); i++) {
        if (str_eq(models[i], id)) {
            put_model(&v->sim->out, id);
            reply(v, 200, &v->sim->out);
            return;
        }
    }
    refuse(v, 404, STR("model_not_found"), STR("The simulator does not list this model."));
}

/* ---- Which is asked for */

static void ready(struct sim_visit *v)
{
    static const struct {
        struct str method, path;
        void (*answer)(struct sim_visit *v);
    } doors[] = {
        {STR_INIT("GET"), STR_INIT("/sim/log"), show_log},
        {STR_INIT("DELETE"), STR_INIT("/sim/log"), clear_log},
        {STR_INIT("GET"), STR_INIT("/sim/stats"), show_stats},
        {STR_INIT("GET"), STR_INIT("/sim/menu"), show_menu},
        {STR_INIT("POST"), STR_INIT("/sim/reset"), reset},
        {STR_INIT("GET"), STR_INIT("/v1/models"), list_models},
    };

    out_reset(&v->sim->out, SIM_SCRATCH_KEEP);
    for (size_t i = 0; i < COUNTOF(doors); i++) {
        if (str_eq(doors[i].method, v->call->method) && str_eq(doors[i].path, v->call->path)) {
            doors[i].answer(v);
            return;
        }
    }
    if (str_eq(v->call->method, STR("GET")) && str_starts(v->call->path, STR("/v1/models/")))
        show_model(v);
    else
        refuse(
            v, 404, STR("unknown_url"),
            STR("The simulator does not serve this path; docs/simulator.md lists those it does."));
}

static void stop(struct sim_visit *v)
{
    (void)v;
}

struct sim_visit *sim_desk_new(struct http_call *c)
{
    static const struct sim_visit_ops ops = {.mode = HTTP_BODY_WHOLE, .ready = ready, .stop = stop};
    struct sim_visit *v = ARENA_NEW(&c->arena, struct sim_visit);

    if (v == NULL)
        return NULL;
    v->ops = &ops;
    v->unseen = !str_starts(c->path, STR("/v1/"));
    return v;
}
