/*
 * dialect_ollama.c - Ollama's own chat: a JSON value a line, unless it is told not to stream.
 *
 * Shapes after its API reference: every line has model and created_at; the last says done, why, and
 * what was counted and how long it took (nanoseconds).  A call comes whole, its arguments an
 * object. SPDX-License-Identifier: Apache-2.0
 */
#include "sim/dialect_ollama.h"

#include <time.h>

#include "sim/embed.h"

#define NS_PER_TOKEN 1000000u /* made up: a clock would make two answers differ */
#define LOAD_NS 20000000u

static bool claims(struct str method, struct str path, unsigned *ret_surface)
{
    *ret_surface = str_eq(path, STR("/api/embed")) ? OLLAMA_EMBED : OLLAMA_CHAT;
    return str_eq(method, STR("POST")) &&
           (*ret_surface == OLLAMA_EMBED || str_eq(path, STR("/api/chat")));
}

static enum sim_form form(unsigned surface)
{
    return surface == OLLAMA_EMBED ? SIM_FORM_WHOLE : SIM_FORM_CHAT;
}

static enum sim_framing framing(const struct sim_ask *ask)
{
    (void)ask;
    return SIM_FRAMING_LINES;
}

static bool fields(const struct sim_head *h, struct http_fields *f, struct arena *a)
{
    (void)h;
    (void)f;
    (void)a;
    return true;
}

/* ---- refusing ---- */

/* clang-format off */
static const struct sim_saying sayings[] = {
    SIM_SAYING(400, SIM_CONTEXT_WINDOW, 400, "", "", "the input length exceeds the context length"),
    SIM_SAYING(429, SIM_QUOTA,          429, "", "", "you have reached your weekly usage limit, upgrade for higher limits"),
    SIM_SAYING(400, SIM_NONE,           400, "", "", "the simulator was told to find this request invalid"),
    SIM_SAYING(401, SIM_NONE,           401, "", "", "unauthorized"),
    SIM_SAYING(402, SIM_NONE,           402, "", "", "payment required"),
    SIM_SAYING(403, SIM_NONE,           403, "", "", "this model requires a subscription, upgrade for access"),
    SIM_SAYING(404, SIM_NONE,           404, "", "", "model 'sim' not found"),
    SIM_SAYING(408, SIM_NONE,           408, "", "", "request timeout"),
    SIM_SAYING(409, SIM_NONE,           409, "", "", "conflict"),
    SIM_SAYING(413, SIM_NONE,           413, "", "", "request body too large"),
    SIM_SAYING(422, SIM_NONE,           422, "", "", "unprocessable entity"),
    SIM_SAYING(429, SIM_NONE,           429, "", "", "too many concurrent requests"),
    SIM_SAYING(502, SIM_NONE,           502, "", "", "bad gateway"),
    SIM_SAYING(503, SIM_NONE,           503, "", "", "server busy, please try again.  maximum pending requests exceeded"),
    SIM_SAYING(504, SIM_NONE,           504, "", "", "gateway timeout"),
    SIM_SAYING(529, SIM_NONE,           529, "", "", "overloaded"),
    SIM_SAYING(500, SIM_NONE,           500, "", "", "an error was encountered while running the model: unexpected EOF"),
};
/* clang-format on */

static struct sim_problem fault_problem(enum sim_fault f, unsigned status)
{
    return sim_problem_of(sayings, COUNTOF(sayings), f, status);
}

static void problem(const struct sim_ask *ask, const struct sim_problem *p, struct out *o)
{
    (void)ask;
    OUT_LIT(o, "{\"error\":");
    out_json(o, p->message);
    OUT_LIT(o, "}");
}

/* ---- answering ---- */

static bool begin(struct sim_talk *t, struct arena *a, struct out *o)
{
    char when[32];
    time_t s = (time_t)t->created_s;
    struct tm tm;
    size_t n = strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", gmtime_r(&s, &tm));

    OUT_LIT(o, "{\"model\":");
    out_json(o, t->ask->model);
    OUT_LIT(o, ",\"created_at\":\"");
    out_put(o, str_make(when, n));
    OUT_LIT(o, ".000001Z\"");
    t->prefix = arena_dup(a, out_str(o));
    return t->prefix.ptr != NULL;
}

static void put_number(struct out *o, struct str name, uint64_t n)
{
    OUT_LIT(o, ",\"");
    out_put(o, name);
    OUT_LIT(o, "\":");
    out_u64(o, n);
}

static void put_counts(const struct sim_talk *t, struct out *o)
{
    bool zero = sim_talk_has(t, SIM_USAGE_ZERO), times = !sim_talk_has(t, SIM_USAGE_PLAIN);
    uint64_t prompt = zero ? 0 : t->ask->prompt_tokens, said = zero ? 0 : t->completion_tokens;

    if (sim_talk_has(t, SIM_USAGE_ABSENT))
        return;
    if (times) {
        put_number(o, STR("total_duration"), LOAD_NS + (prompt + said) * NS_PER_TOKEN);
        put_number(o, STR("load_duration"), LOAD_NS);
    }
    put_number(o, STR("prompt_eval_count"), prompt);
    if (times)
        put_number(o, STR("prompt_eval_duration"), prompt * NS_PER_TOKEN);
    put_number(o, STR("eval_count"), said);
    if (times)
        put_number(o, STR("eval_duration"), said * NS_PER_TOKEN);
}

static void message_open(const struct sim_talk *t, struct out *o)
{
    out_put(o, t->prefix);
    OUT_LIT(o, ",\"message\":{\"role\":\"assistant\",\"content\":\"");
}

static void line_close(struct sim_talk *t, struct out *o)
{
    OUT_LIT(o, ",\"done\":false");
    if (sim_talk_has(t, SIM_USAGE_EVERY))
        put_counts(t, o);
    OUT_LIT(o, "}");
    sim_frame_close(&t->frame, o);
}

static void put_call(const struct sim_talk *t, uint64_t call, struct out *o)
{
    OUT_LIT(o, "{\"id\":\"call_");
    out_hex(o, sim_hash(t->id, call));
    OUT_LIT(o, "\",\"function\":{");
    if (!sim_talk_has(t, SIM_TOOLS_NO_INDEX)) {
        OUT_LIT(o, "\"index\":");
        out_u64(o, sim_talk_has(t, SIM_TOOLS_INDEX_0) ? 0 : call);
        OUT_LIT(o, ",");
    }
    OUT_LIT(o, "\"name\":");
    out_json(o, sim_talk_tool_name(t, call));
    OUT_LIT(o, ",\"arguments\":");
    sim_tool_arguments(call, 0, false, o);
    OUT_LIT(o, "}}");
}

static void put_content(struct sim_talk *t, enum sim_event e, struct out *o)
{
    message_open(t, o);
    if (e == SIM_EVENT_TEXT) {
        sim_text_take(&t->text, o);
        OUT_LIT(o, "\"}");
    } else if (e == SIM_EVENT_REASONING) {
        OUT_LIT(o, "\",\"thinking\":\"");
        sim_text_take(&t->reasoning, o);
        OUT_LIT(o, "\"}");
    } else {
        OUT_LIT(o, "\",\"tool_calls\":[");
        put_call(t, sim_talk_tool(t, t->tool_at++).call, o);
        OUT_LIT(o, "]}");
    }
    line_close(t, o);
}

static void put_end(const struct sim_talk *t, struct out *o)
{
    OUT_LIT(o, ",\"done\":true");
    if (!sim_talk_has(t, SIM_NO_FINISH)) {
        OUT_LIT(o, ",\"done_reason\":\"");
        out_put(o, t->by_length && t->tool_events == 0 ? STR("length\"") : STR("stop\""));
    }
    put_counts(t, o);
    OUT_LIT(o, "}");
}

static void put_done(struct sim_talk *t, struct out *o)
{
    if (sim_talk_has(t, SIM_EMPTY_CHOICES)) {
        out_put(o, t->prefix);
    } else {
        message_open(t, o);
        OUT_LIT(o, "\"}");
    }
    put_end(t, o);
    sim_frame_close(&t->frame, o);
}

static void put_line(struct sim_talk *t, struct str line, struct out *o)
{
    out_put(o, line);
    sim_frame_close(&t->frame, o);
}

static void put_error(struct sim_talk *t, struct out *o)
{
    struct sim_problem p = fault_problem(SIM_ERROR_FIRST, 500);

    problem(t->ask, &p, o);
    sim_frame_close(&t->frame, o);
}

static void event(struct sim_talk *t, enum sim_event e, struct out *o)
{
    switch (e) {
    case SIM_EVENT_OPEN: /* nothing comes before the content, but for whom wants it so */
        if (!sim_talk_has(t, SIM_LIFECYCLE_ERROR))
            break;
        message_open(t, o);
        OUT_LIT(o, "\"}");
        line_close(t, o);
        break;
    case SIM_EVENT_REASONING:
    case SIM_EVENT_TEXT:
    case SIM_EVENT_TOOL:
        put_content(t, e, o);
        break;
    case SIM_EVENT_FINISH:
    case SIM_EVENT_USAGE:
        break; /* the last line says them */
    case SIM_EVENT_DONE:
        put_done(t, o);
        break;
    case SIM_EVENT_ERROR:
        put_error(t, o);
        break;
    case SIM_EVENT_NULL:
        put_line(t, STR("null"), o);
        break;
    case SIM_EVENT_EMPTY_CHOICES:
        out_put(o, t->prefix);
        line_close(t, o);
        break;
    case SIM_EVENT_MALFORMED:
        put_line(t, STR("{\"model\":\"sim\",\"message\":{\"role\":\"assis"), o);
        break;
    }
}

static void put_whole_message(const struct sim_talk *t, struct out *o)
{
    struct sim_text text = t->text, thinking = t->reasoning;

    message_open(t, o);
    if (t->tool_events == 0)
        sim_text_take_all(&text, o);
    OUT_LIT(o, "\"");
    if (thinking.count > 0) {
        OUT_LIT(o, ",\"thinking\":\"");
        sim_text_take_all(&thinking, o);
        OUT_LIT(o, "\"");
    }
    for (uint64_t call = 0; call < sim_talk_calls(t); call++) {
        out_put(o, call == 0 ? STR(",\"tool_calls\":[") : STR(","));
        put_call(t, call, o);
    }
    out_put(o, sim_talk_calls(t) > 0 ? STR("]}") : STR("}"));
}

static void whole(struct sim_talk *t, struct out *o)
{
    if (t->ask->surface == OLLAMA_EMBED) {
        sim_embed_ollama(t, o);
        return;
    }
    t->completion_tokens = sim_talk_left(t);
    if (t->ask->choices == 0)
        out_put(o, t->prefix);
    else
        put_whole_message(t, o);
    put_end(t, o);
}

static const enum sim_fault lacks[] = {
    SIM_TOOLS_INTERLEAVED, SIM_CR,  SIM_NO_SPACE, SIM_COMMENTS, SIM_USAGE_LAST_CHOICE,
    SIM_VERSION_CHANGE,    SIM_NONE};

const struct sim_dialect sim_ollama = {
    .name = "ollama",
    .json_type = STR_INIT("application/json; charset=utf-8"),
    .eol = STR_INIT("\n"),
    .lacks = lacks,
    .tools_whole = true,
    .claims = claims,
    .form = form,
    .model = sim_ollama_model,
    .read = sim_ollama_read,
    .framing = framing,
    .fields = fields,
    .problem = problem,
    .fault = fault_problem,
    .begin = begin,
    .event = event,
    .whole = whole,
};
