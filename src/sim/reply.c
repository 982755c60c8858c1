/* SPDX-License-Identifier: Apache-2.0 */
#include <time.h>

#include "sim/play.h"

#define CUT_DELAY_MS 20u

static bool put_field(struct sim_play *p, struct str name, struct str value)
{
    return value.ptr != NULL &&
           http_fields_add(&p->fields, &p->visit.call->arena, name, value) == 0;
}

bool sim_play_fields(struct sim_play *p, unsigned status, struct str content_type)
{
    struct sim_head head = {.ask = &p->ask,
                            .script = &p->script,
                            .id = p->talk.id,
                            .now_s = time(NULL),
                            .status = status};

    if (sim_script_gives(&p->script, SIM_PARAM_BUCKET))
        head.bucket = &p->bucket;
    return put_field(p, STR("content-type"), content_type) &&
           p->dialect->fields(&head, &p->fields, &p->visit.call->arena) &&
           (!sim_script_has(&p->script, SIM_GZIP) ||
            put_field(p, STR("content-encoding"), STR("gzip")));
}

/* ---- Sending a whole body */

static bool is_plain(const struct sim_script *s)
{
    return s->pick[SIM_GROUP_BODY] == SIM_NONE && s->pick[SIM_GROUP_SPLIT] == SIM_NONE &&
           s->pick[SIM_GROUP_END] == SIM_NONE;
}

static void send_broken(struct sim_play *p, unsigned status, struct str body)
{
    struct sim_wire *w = &p->wire;
    enum sim_fault end = (enum sim_fault)p->script.pick[SIM_GROUP_END];
    bool cut = end != SIM_NONE && end != SIM_NO_DONE && end != SIM_NO_FINISH;

    sim_wire_init(w, p->visit.call, &p->script, false);
    sim_wire_head(w, status, &p->fields, (int64_t)body.len);
    if (cut)
        body.len /= 2;
    (void)sim_wire_body(w, body, &p->visit.sim->scratch);
    p->step = SIM_STEP_END;
    if (end == SIM_TOKENS_SILENCE) {
        p->step = SIM_STEP_REST;
    } else if (end == SIM_CUT_RST) { /* not before the peer has read what came */
        p->ending = SIM_ENDING_RST;
        sim_play_wake(p, loop_now_ms(p->visit.sim->loop) + CUT_DELAY_MS);
        return;
    } else {
        sim_wire_end(w, cut ? SIM_ENDING_FIN : SIM_ENDING_WHOLE);
    }
    if (sim_wire_waits(w))
        sim_play_wake(p, 0);
}

static void mark_stale(struct sim_play *p)
{
    if (sim_script_has(&p->script, SIM_STALE_FIN))
        *http_call_mark(p->visit.call) = SIM_STALE_FIN;
    else if (sim_script_has(&p->script, SIM_STALE_RST))
        *http_call_mark(p->visit.call) = SIM_STALE_RST;
}

static void send_whole(struct sim_play *p, unsigned status, struct str body)
{
    mark_stale(p);
    if (!is_plain(&p->script)) {
        send_broken(p, status, body);
        return;
    }
    http_reply(p->visit.call, status, &p->fields, body);
    if (sim_script_has(&p->script, SIM_STALE))
        http_call_close(p->visit.call, false);
}

static void reply_with(struct sim_play *p, unsigned status, struct str content_type,
                       struct str body)
{
    if (!sim_play_fields(p, status, content_type))
        http_reply_abort(p->visit.call);
    else
        send_whole(p, status, body);
}

/* ---- Errors */

void sim_play_refuse(struct sim_play *p, const struct sim_problem *problem)
{
    struct out *o = &p->visit.sim->out;
    struct sim_problem with_id = *problem;

    with_id.id = p->talk.id;
    p->begun = true; /* the wire may wake us yet, and there is no talk to begin with */
    out_reset(o, SIM_SCRATCH_KEEP);
    p->dialect->problem(&p->ask, &with_id, o);
    reply_with(p, problem->status, p->dialect->json_type, out_str(o));
}

static struct str http_date(struct arena *a, time_t t)
{
    char text[40];
    struct tm tm;
    size_t n = strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&t, &tm));

    return arena_dup(a, str_make(text, n));
}

static struct sim_retry retry_of(const struct sim_play *p)
{
    uint64_t ms = p->script.value[SIM_PARAM_RA], doublings = p->nth > 1 ? p->nth - 1 : 0;
    enum sim_fault style = (enum sim_fault)p->script.pick[SIM_GROUP_RETRY];

    if (style == SIM_RA_ESCALATING)
        ms <<= doublings < 16 ? doublings : 16;
    return (struct sim_retry){.style = style, .ms = ms};
}

static bool put_retry_after(struct sim_play *p, const struct sim_retry *r)
{
    struct arena *a = &p->visit.call->arena;
    unsigned long long s = (r->ms + 999) / 1000;

    switch ((unsigned)r->style) {
    case SIM_RA_INT:
    case SIM_RA_ESCALATING:
        return put_field(p, STR("retry-after"), arena_printf(a, "%llu", s));
    case SIM_RA_DATE:
        return put_field(p, STR("retry-after"), http_date(a, time(NULL) + (time_t)s));
    case SIM_RA_MS:
        return put_field(p, STR("retry-after-ms"),
                         arena_printf(a, "%llu", (unsigned long long)r->ms));
    case SIM_RA_GARBAGE:
        return put_field(p, STR("retry-after"), STR("soon"));
    default: /* retry-after-absent, and faults of other groups */
        return true;
    }
}

static void send_status(struct sim_play *p, enum sim_fault f)
{
    struct sim_problem problem = p->dialect->fault(f, sim_fault_info(f)->status);

    problem.retry = retry_of(p);
    if (p->dialect->retry_in_body || put_retry_after(p, &problem.retry))
        sim_play_refuse(p, &problem);
    else
        http_reply_abort(p->visit.call);
}

static void send_login_page(struct sim_play *p)
{
    reply_with(p, 200, STR("text/html; charset=utf-8"),
               STR("<!DOCTYPE html>\n<html><head><title>Sign in</title></head>\n"
                   "<body><h1>Sign in to the network</h1><form method=\"post\">"
                   "<input name=\"user\"></form></body></html>\n"));
}

/* ---- Answers */

static void send_answer(struct sim_play *p)
{
    struct out *o = &p->visit.sim->out;

    out_reset(o, SIM_SCRATCH_KEEP);
    p->dialect->whole(&p->talk, o);
    if (o->full)
        http_reply_abort(p->visit.call);
    else
        reply_with(p, 200, p->dialect->json_type, out_str(o));
}

static void send_empty_choices(struct sim_play *p)
{
    p->ask.choices = 0;
    send_answer(p);
}

static void send_error_in_200(struct sim_play *p)
{
    struct sim_problem problem = p->dialect->fault(SIM_ERROR_IN_200, 500);

    problem.status = 200;
    sim_play_refuse(p, &problem);
}

static void send_head_only(struct sim_play *p)
{
    struct str type =
        p->talk.streams ? sim_frame_type(p->talk.frame.framing) : p->dialect->json_type;

    if (!sim_play_fields(p, 200, type)) {
        http_reply_abort(p->visit.call);
        return;
    }
    http_reply_head(p->visit.call, 200, &p->fields, -1);
    http_reply_flush(p->visit.call);
    p->step = SIM_STEP_REST;
}

void sim_play_whole(struct sim_play *p)
{
    enum sim_fault f = (enum sim_fault)p->script.pick[SIM_GROUP_REPLY];

    if (sim_fault_info(f)->status >= 400) {
        send_status(p, f);
    } else if (f == SIM_HEADERS_SILENCE) {
        send_head_only(p);
    } else if (f == SIM_ERROR_IN_200 || f == SIM_ERROR_FIRST || f == SIM_LIFECYCLE_ERROR) {
        send_error_in_200(p);
    } else if (f == SIM_HTML) {
        send_login_page(p);
    } else if (f == SIM_NULL_BODY) {
        reply_with(p, 200, p->dialect->json_type, STR("null"));
    } else if (f == SIM_EMPTY_STREAM) {
        reply_with(p, 200, p->dialect->json_type, STR(""));
    } else if (f == SIM_EMPTY_CHOICES) {
        send_empty_choices(p);
    } else {
        send_answer(p);
    }
}
