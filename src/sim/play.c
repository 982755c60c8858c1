/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/play.h"

#include "llm/utf8.h"
#include "sim/json.h"

static struct sim_play *play_of(struct sim_visit *v)
{
    return CONTAINER_OF(v, struct sim_play, visit);
}

static void act(struct sim_play *p);

static void on_time(struct wheel_entry *e)
{
    struct sim_play *p = CONTAINER_OF(e, struct sim_play, timer);

    if (!p->begun)
        act(p);
    else
        sim_play_go_on(p);
}

void sim_play_wake(struct sim_play *p, uint64_t due_ms)
{
    p->timer.fire = on_time;
    wheel_add(&p->visit.sim->wheel, &p->timer, due_ms);
}

/* ---- The request */

static bool refuse(struct sim_play *p, const char *param, struct str code, struct str message)
{
    struct sim_problem problem = {
        .status = 400, .message = message, .code = code, .param = str_from(param)};

    sim_play_refuse(p, &problem);
    return false;
}

static bool refuse_lack(struct sim_play *p, enum sim_fault f)
{
    return refuse(p, "model", STR("invalid_value"),
                  arena_printf(&p->visit.call->arena,
                               "The fault %.*s has no place in this dialect (%s).",
                               STR_ARG(sim_fault_info(f)->name), p->dialect->name));
}

/* One out of a URL may be anything. */
static bool is_utf8(struct str s)
{
    const char *at = s.ptr, *end = s.ptr + s.len;

    while (at < end) {
        unsigned n = utf8_len(at, end);

        if (n == 0)
            return false;
        at += n;
    }
    return true;
}

static bool read_script(struct sim_play *p, struct str model)
{
    struct arena *a = &p->visit.call->arena;
    struct out *why = &p->visit.sim->scratch;
    enum sim_fault lacked;

    if (!is_utf8(model))
        return refuse(p, "model", STR("invalid_value"), STR("The model's name is not UTF-8."));
    p->visit.model = p->ask.model = arena_dup(a, model);
    out_reset(why, SIM_SCRATCH_KEEP);
    if (!sim_script_parse(p->ask.model, &p->script, why))
        return refuse(p, "model", STR("invalid_value"), arena_dup(a, out_str(why)));
    lacked = sim_dialect_lacks(p->dialect, &p->script);
    return lacked == SIM_NONE || refuse_lack(p, lacked);
}

static bool read_root(struct sim_play *p, yyjson_val *root)
{
    struct arena *a = &p->visit.call->arena;
    struct sim_problem problem = {0};
    struct str model;

    if (!yyjson_is_obj(root))
        return refuse(p, NULL, STR("invalid_json"),
                      STR("We could not parse the JSON body of your request."));
    model = p->dialect->model(&p->ask, a, root);
    if (model.len > 0 && !read_script(p, model))
        return false;
    if (p->dialect->read(&p->ask, a, root, &problem))
        return true;
    sim_play_refuse(p, &problem);
    return false;
}

static bool read_request(struct sim_play *p)
{
    yyjson_doc *doc;
    bool ok;

    p->ask.path = p->visit.call->path;
    p->ask.query = p->visit.call->query;
    p->ask.fields = &p->visit.call->fields;
    p->ask.body = p->visit.call->body;
    p->ask.pool = p->visit.sim->pool;
    p->ask.choices = 1;
    doc = sim_json_read(p->ask.body, p->ask.pool);
    ok = read_root(p, yyjson_doc_get_root(doc));
    yyjson_doc_free(doc);
    return ok;
}

/* The key can be the script too: "dead-401" … "quota".  SIM_NONE for any other. */
static enum sim_fault key_fault(struct str key)
{
    static const struct {
        struct str key;
        enum sim_fault fault;
    } keys[] = {{STR_INIT("dead-401"), SIM_S401},
                {STR_INIT("dead-402"), SIM_S402},
                {STR_INIT("dead-403"), SIM_S403},
                {STR_INIT("dead-key"), SIM_INVALID_KEY},
                {STR_INIT("quota"), SIM_QUOTA}};

    for (size_t i = 0; i < COUNTOF(keys); i++) {
        if (str_eq(keys[i].key, key))
            return keys[i].fault;
    }
    return SIM_NONE;
}

#define WINDOW_MS 1000u

/* As a provider counts: by credential and model. */
static void take_from_bucket(struct sim_play *p)
{
    uint64_t name = sim_hash_str(sim_hash_str(1, p->ask.model), sim_ask_credential(&p->ask));
    uint64_t window_ms = p->script.value[SIM_PARAM_WINDOW];

    p->bucket = tally_take(&p->visit.sim->shared->tally, name, p->script.value[SIM_PARAM_BUCKET],
                           window_ms > 0 ? window_ms : WINDOW_MS, loop_now_ms(p->visit.sim->loop));
    if (!p->bucket.over)
        return;
    memset(p->script.pick, 0, sizeof(p->script.pick));
    p->script.pick[SIM_GROUP_REPLY] = SIM_S429;
}

static void settle(struct sim_play *p)
{
    struct sim_shared *shared = p->visit.sim->shared;
    enum sim_fault of_key = key_fault(sim_ask_credential(&p->ask));
    struct sim_draw draw = {.seed = shared->seed};

    p->number = draw.counter = SIM_COUNT(shared->counter, 1);
    if (of_key != SIM_NONE) {
        memset(p->script.pick, 0, sizeof(p->script.pick));
        p->script.pick[SIM_GROUP_REPLY] = (uint8_t)of_key;
        return;
    }
    if (sim_script_counts(&p->script))
        draw.nth = p->nth = tally_next(&shared->tally, p->ask.model);
    sim_script_settle(&p->script, &draw);
    if (sim_script_gives(&p->script, SIM_PARAM_BUCKET))
        take_from_bucket(p);
}

/* ---- The answer */

static void act(struct sim_play *p)
{
    struct http_call *c = p->visit.call;

    p->begun = true;
    switch (p->script.pick[SIM_GROUP_REPLY]) {
    case SIM_REFUSE:
        http_call_close(c, true);
        break;
    case SIM_ACCEPT_CLOSE:
        http_call_close(c, false);
        break;
    default: /* most faults change what is sent, not how it begins */
        if (p->file)
            sim_play_file(p);
        else if (p->talk.streams)
            sim_play_stream(p);
        else
            sim_play_whole(p);
        break;
    }
}

static uint64_t first_delay(const struct sim_play *p)
{
    const struct sim_script *s = &p->script;
    uint64_t ms = s->value[SIM_PARAM_TTFT], left = p->file ? 0 : sim_talk_left(&p->talk);

    if (s->value[SIM_PARAM_JITTER] > 0)
        ms += sim_hash(p->visit.sim->shared->seed + SIM_PARAM_JITTER, p->number) %
              s->value[SIM_PARAM_JITTER];
    if (!p->talk.streams && left > 1)
        ms += (left - 1) * s->value[SIM_PARAM_GAP];
    return ms;
}

static bool is_silent(const struct sim_script *s)
{
    return sim_script_has(s, SIM_SILENT) || sim_script_has(s, SIM_TLS_HANG);
}

static void ready(struct sim_visit *v)
{
    struct sim_play *p = play_of(v);
    uint64_t delay;

    if (!read_request(p))
        return;
    settle(p);
    if (is_silent(&p->script))
        return;
    if (!sim_talk_init(&p->talk, p->dialect, &p->ask, &p->script, v->sim->shared->seed, p->number,
                       &v->call->arena, &v->sim->scratch)) {
        refuse(p, NULL, STR("too_large"), STR("The request is too large for the simulator."));
        return;
    }
    delay = first_delay(p);
    p->due_ms = loop_now_ms(v->sim->loop) + delay;
    if (delay == 0)
        act(p);
    else
        sim_play_wake(p, p->due_ms);
}

static void drain(struct sim_visit *v)
{
    struct sim_play *p = play_of(v);

    p->held = false;
    sim_play_go_on(p);
}

static void stop(struct sim_visit *v)
{
    struct sim_play *p = play_of(v);

    wheel_remove(&p->timer);
    sim_wire_done(&p->wire);
}

struct sim_visit *sim_play_new(struct http_call *c)
{
    static const struct sim_visit_ops ops = {
        .mode = HTTP_BODY_WHOLE, .ready = ready, .drain = drain, .stop = stop};
    struct sim_play *p = ARENA_NEW(&c->arena, struct sim_play);

    if (p == NULL)
        return NULL;
    p->visit.ops = &ops;
    p->dialect = sim_dialect_find(c->method, c->path, &p->ask.surface);
    p->file = p->dialect->form(p->ask.surface) == SIM_FORM_FILE;
    return &p->visit;
}
