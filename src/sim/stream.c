/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/play.h"

#define BATCH_BYTES (16u * 1024u) /* one write, when nothing asks for less */
#define TURN_BYTES (256u * 1024u) /* of one stream; then the others have their turn */
#define CUT_DELAY_MS 20u          /* an RST overtakes: the peer reads first */
#define FILE_BYTES 65536u         /* of a file without `size` */

/* ---- Making bytes */

static enum sim_step end_with(struct sim_play *p, enum sim_ending ending)
{
    p->ending = ending;
    return SIM_STEP_END;
}

/* The answers that are over before they have begun. */
static enum sim_step make_opening(struct sim_play *p, struct out *o)
{
    struct sim_talk *t = &p->talk;

    p->stage = SIM_STAGE_CONTENT;
    switch (p->script.pick[SIM_GROUP_REPLY]) {
    case SIM_EMPTY_STREAM:
        return end_with(p, SIM_ENDING_WHOLE);
    case SIM_LIFECYCLE_ERROR:
        p->dialect->event(t, SIM_EVENT_OPEN, o);
        p->dialect->event(t, SIM_EVENT_ERROR, o);
        return end_with(p, SIM_ENDING_WHOLE);
    case SIM_ERROR_FIRST:
        p->dialect->event(t, SIM_EVENT_ERROR, o);
        return end_with(p, SIM_ENDING_WHOLE);
    case SIM_NULL_BODY:
        p->dialect->event(t, SIM_EVENT_NULL, o);
        p->dialect->event(t, SIM_EVENT_DONE, o);
        return end_with(p, SIM_ENDING_WHOLE);
    case SIM_EMPTY_CHOICES:
        p->dialect->event(t, SIM_EVENT_EMPTY_CHOICES, o);
        p->dialect->event(t, SIM_EVENT_DONE, o);
        return end_with(p, SIM_ENDING_WHOLE);
    default: /* the others do not come here, or are no fault of the beginning */
        p->dialect->event(t, SIM_EVENT_OPEN, o);
        return SIM_STEP_MORE;
    }
}

static enum sim_step make_end(struct sim_play *p, struct out *o)
{
    if (!sim_script_has(&p->script, SIM_NO_FINISH))
        p->dialect->event(&p->talk, SIM_EVENT_FINISH, o);
    p->dialect->event(&p->talk, SIM_EVENT_USAGE, o);
    if (!sim_script_has(&p->script, SIM_NO_DONE))
        p->dialect->event(&p->talk, SIM_EVENT_DONE, o);
    return end_with(p, SIM_ENDING_WHOLE);
}

/* Is it time for the fault of the end?  SIM_STEP_MORE: no. */
static enum sim_step check_cut(struct sim_play *p)
{
    if (p->sent < p->script.value[SIM_PARAM_AFTER] && sim_talk_left(&p->talk) > 0)
        return SIM_STEP_MORE;
    switch (p->script.pick[SIM_GROUP_END]) {
    case SIM_TOKENS_SILENCE:
        return SIM_STEP_REST;
    case SIM_CUT_FIN:
    case SIM_CUT_CHUNK:
        return end_with(p, SIM_ENDING_FIN);
    case SIM_CUT_RST:
        return end_with(p, SIM_ENDING_RST);
    default: /* no-done and done-without-finish are for make_end() */
        return SIM_STEP_MORE;
    }
}

static enum sim_step make_content(struct sim_play *p, struct out *o)
{
    enum sim_step step = check_cut(p);

    if (step != SIM_STEP_MORE)
        return step;
    if (sim_script_has(&p->script, SIM_BAD_JSON) && !p->broken &&
        p->sent >= p->script.value[SIM_PARAM_AFTER]) {
        p->broken = true;
        p->dialect->event(&p->talk, SIM_EVENT_MALFORMED, o);
    }
    if (sim_talk_left(&p->talk) == 0) {
        p->stage = SIM_STAGE_FINISH;
        return SIM_STEP_MORE;
    }
    sim_talk_next(&p->talk, o);
    p->sent++;
    if (p->script.value[SIM_PARAM_GAP] == 0 || sim_script_has(&p->script, SIM_GLUED) ||
        sim_talk_left(&p->talk) == 0)
        return SIM_STEP_MORE;
    p->due_ms += p->script.value[SIM_PARAM_GAP];
    return SIM_STEP_WAIT;
}

static enum sim_step make_events(struct sim_play *p, struct out *o)
{
    switch (p->stage) {
    case SIM_STAGE_OPEN:
        return make_opening(p, o);
    case SIM_STAGE_CONTENT:
        return make_content(p, o);
    case SIM_STAGE_FINISH:
        break;
    }
    return make_end(p, o);
}

/* A file's bytes are a function of their place in it. */
static enum sim_step make_bytes(struct sim_play *p, struct out *o)
{
    uint64_t left = p->script.value[SIM_PARAM_SIZE] - p->sent;
    uint64_t word = sim_hash(p->visit.sim->shared->seed, p->sent / sizeof(word));
    size_t n = left < sizeof(word) ? (size_t)left : sizeof(word);

    out_put(o, str_make((const char *)&word, n));
    p->sent += n;
    return n < left ? SIM_STEP_MORE : end_with(p, SIM_ENDING_WHOLE);
}

/* ---- Sending them */

/* One write's worth. */
static enum flow fill_and_send(struct sim_play *p)
{
    struct out *o = &p->visit.sim->out;
    uint64_t events = p->sent;

    out_reset(o, SIM_SCRATCH_KEEP);
    do {
        p->step = p->make(p, o);
        if (p->step == SIM_STEP_WAIT && p->due_ms <= loop_now_ms(p->visit.sim->loop))
            p->step = SIM_STEP_MORE; /* late already: catch up */
    } while (p->step == SIM_STEP_MORE && o->buf.len < BATCH_BYTES && !o->full);
    if (!p->file)
        SIM_COUNT(p->visit.sim->shared->events, p->sent - events);
    if (o->full)
        p->step = end_with(p, SIM_ENDING_RST);
    return o->buf.len > 0 ? sim_wire_body(&p->wire, out_str(o), &p->visit.sim->scratch) : FLOW_MORE;
}

static void end(struct sim_play *p)
{
    enum sim_ending ending = p->ending;

    p->ending = SIM_ENDING_NONE;
    p->step = SIM_STEP_REST;
    if (ending != SIM_ENDING_NONE)
        sim_wire_end(&p->wire, ending);
    if (sim_wire_waits(&p->wire))
        sim_play_wake(p, 0);
}

/* `sent` bytes are on their way.  True: make more in this turn. */
static bool arrange_next(struct sim_play *p, enum flow flow, size_t turn_bytes)
{
    uint64_t now = loop_now_ms(p->visit.sim->loop);

    if (sim_wire_waits(&p->wire)) {
        sim_play_wake(p, 0);
        return false;
    }
    if (p->step == SIM_STEP_END && p->ending == SIM_ENDING_RST) {
        sim_play_wake(p, now + CUT_DELAY_MS);
        return false;
    }
    if (p->step == SIM_STEP_END) {
        end(p);
        return false;
    }
    if (p->step == SIM_STEP_REST)
        return false;
    p->held = flow == FLOW_HOLD;
    if (p->held)
        return false;
    if (p->step == SIM_STEP_WAIT && p->due_ms > now)
        sim_play_wake(p, p->due_ms);
    else if (turn_bytes >= TURN_BYTES)
        sim_play_wake(p, 0);
    else
        return true;
    return false;
}

static void run(struct sim_play *p)
{
    size_t turn_bytes = 0;
    enum flow flow;

    do {
        flow = fill_and_send(p);
        turn_bytes += p->visit.sim->out.buf.len;
    } while (arrange_next(p, flow, turn_bytes));
}

void sim_play_go_on(struct sim_play *p)
{
    uint64_t now = loop_now_ms(p->visit.sim->loop);

    if (p->held)
        return;
    if (sim_wire_waits(&p->wire)) {
        p->held = sim_wire_push(&p->wire) == FLOW_HOLD;
        if (!p->held && (sim_wire_waits(&p->wire) || p->step != SIM_STEP_REST))
            sim_play_wake(p, 0);
    } else if (p->step == SIM_STEP_END) {
        end(p);
    } else if (p->step == SIM_STEP_WAIT && p->due_ms > now) {
        sim_play_wake(p, p->due_ms);
    } else if (p->step != SIM_STEP_REST && p->make != NULL) {
        run(p);
    }
}

static void start(struct sim_play *p, struct str content_type,
                  enum sim_step (*make)(struct sim_play *p, struct out *o))
{
    if (!sim_play_fields(p, 200, content_type)) {
        http_reply_abort(p->visit.call);
        return;
    }
    p->make = make;
    sim_wire_init(&p->wire, p->visit.call, &p->script, true);
    sim_wire_head(&p->wire, 200, &p->fields, -1);
    run(p);
}

void sim_play_stream(struct sim_play *p)
{
    enum sim_fault f = (enum sim_fault)p->script.pick[SIM_GROUP_REPLY];

    if (sim_fault_info(f)->status >= 400 || f == SIM_HEADERS_SILENCE || f == SIM_ERROR_IN_200 ||
        f == SIM_HTML)
        sim_play_whole(p);
    else
        start(p, sim_frame_type(p->talk.frame.framing), make_events);
}

void sim_play_file(struct sim_play *p)
{
    enum sim_fault f = (enum sim_fault)p->script.pick[SIM_GROUP_REPLY];

    if (!sim_script_gives(&p->script, SIM_PARAM_SIZE))
        p->script.value[SIM_PARAM_SIZE] = FILE_BYTES;
    if (f != SIM_NONE)
        sim_play_whole(p);
    else
        start(p, STR("audio/mpeg"), make_bytes);
}
