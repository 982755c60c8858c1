/*
 * dialect_responses.c - OpenAI's Responses API.
 *
 * Shapes after OpenAI's API description and recorded streams: every event is numbered; the response
 * is created, then each item of its output is added, grows by deltas and is done, and at the end
 * the whole response comes once more, with the usage.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sim/dialect_responses.h"

#include "sim/dialect_openai.h"
#include "sim/talk.h"

static bool claims(struct str method, struct str path, unsigned *ret_surface)
{
    *ret_surface = 0;
    return str_eq(method, STR("POST")) &&
           (str_eq(path, STR("/v1/responses")) || str_eq(path, STR("/openai/v1/responses")));
}

static enum sim_form form(unsigned surface)
{
    (void)surface;
    return SIM_FORM_CHAT;
}

static enum sim_framing framing(const struct sim_ask *ask)
{
    (void)ask;
    return SIM_FRAMING_SSE;
}

/* ---- the response ---- */

static bool begin(struct sim_talk *t, struct arena *a, struct out *o)
{
    struct str id = arena_printf(a, "rs_%016llx", (unsigned long long)t->id);

    t->all_text = t->text;
    t->all_reasoning = t->reasoning;
    if (str_find(t->ask->body, STR("\"reasoning.encrypted_content\"")) != NULL)
        t->signature = sim_responses_encrypted(id, a);
    OUT_LIT(o, "{\"id\":\"resp_");
    out_hex(o, t->id);
    OUT_LIT(o, "\",\"object\":\"response\",\"created_at\":");
    out_u64(o, t->created_s);
    OUT_LIT(o, ",\"background\":false,\"error\":null,\"instructions\":null,"
               "\"max_output_tokens\":null,\"max_tool_calls\":null,\"metadata\":{},\"model\":");
    out_json(o, t->ask->model);
    OUT_LIT(o, ",\"parallel_tool_calls\":true,\"previous_response_id\":null,"
               "\"prompt_cache_key\":null,\"reasoning\":{\"effort\":null,\"summary\":null},"
               "\"safety_identifier\":null,\"service_tier\":\"default\",\"store\":false,"
               "\"temperature\":1.0,\"text\":{\"format\":{\"type\":\"text\"},"
               "\"verbosity\":\"medium\"},\"tool_choice\":\"auto\",\"tools\":[],"
               "\"top_logprobs\":0,\"top_p\":1.0,\"truncation\":\"disabled\",\"user\":null");
    t->prefix = arena_dup(a, out_str(o));
    return id.ptr != NULL && t->prefix.ptr != NULL;
}

static void put_count(const struct sim_talk *t, struct str name, uint64_t n, struct out *o)
{
    out_put(o, name);
    out_u64(o, sim_talk_has(t, SIM_USAGE_ZERO) ? 0 : n);
}

static void put_usage(const struct sim_talk *t, struct out *o)
{
    uint64_t input = t->ask->prompt_tokens, output = t->completion_tokens;
    bool details = !sim_talk_has(t, SIM_USAGE_PLAIN);

    if (sim_talk_has(t, SIM_USAGE_ABSENT)) {
        OUT_LIT(o, ",\"usage\":null");
        return;
    }
    put_count(t, STR(",\"usage\":{\"input_tokens\":"), input, o);
    if (details)
        OUT_LIT(o, ",\"input_tokens_details\":{\"cached_tokens\":0,\"cache_write_tokens\":0}");
    put_count(t, STR(",\"output_tokens\":"), output, o);
    if (details) {
        put_count(t, STR(",\"output_tokens_details\":{\"reasoning_tokens\":"), t->reasoning.at, o);
        OUT_LIT(o, "}");
    }
    put_count(t, STR(",\"total_tokens\":"), input + output, o);
    OUT_LIT(o, "}");
}

/* ---- items ---- */

/* What was said so far. */
static void put_said(const struct sim_text *all, uint64_t pieces, struct out *o)
{
    struct sim_text text = *all;

    text.count = pieces;
    sim_text_take_all(&text, o);
}

static void put_reasoning_item(const struct sim_talk *t, bool begun, struct out *o)
{
    OUT_LIT(o, "{\"id\":\"rs_");
    out_hex(o, t->id);
    OUT_LIT(o, "\",\"type\":\"reasoning\"");
    if (t->signature.len > 0) {
        OUT_LIT(o, ",\"encrypted_content\":\"");
        out_put(o, begun ? STR("begun") : t->signature); /* what stands at first is worth nothing */
        OUT_LIT(o, "\"");
    }
    OUT_LIT(o, ",\"summary\":[");
    if (!begun) {
        OUT_LIT(o, "{\"type\":\"summary_text\",\"text\":\"");
        put_said(&t->all_reasoning, t->reasoning.at, o);
        OUT_LIT(o, "\"}");
    }
    OUT_LIT(o, "]}");
}

static void put_part(const struct sim_talk *t, bool begun, struct out *o)
{
    OUT_LIT(o, "{\"type\":\"output_text\",\"annotations\":[],\"logprobs\":[],\"text\":\"");
    if (!begun)
        put_said(&t->all_text, t->text.at, o);
    OUT_LIT(o, "\"}");
}

static struct str status_word(const struct sim_talk *t, bool begun)
{
    if (begun)
        return STR("in_progress");
    return t->by_length ? STR("incomplete") : STR("completed");
}

static void put_message_item(const struct sim_talk *t, bool begun, struct out *o)
{
    OUT_LIT(o, "{\"id\":\"msg_");
    out_hex(o, t->id);
    OUT_LIT(o, "\",\"type\":\"message\",\"status\":");
    out_json(o, status_word(t, begun));
    OUT_LIT(o, ",\"content\":[");
    if (!begun)
        put_part(t, false, o);
    OUT_LIT(o, "],\"role\":\"assistant\"}");
}

static void put_call_item(const struct sim_talk *t, uint64_t call, bool begun, struct out *o)
{
    OUT_LIT(o, "{\"id\":\"fc_");
    out_hex(o, sim_hash(t->id, call));
    OUT_LIT(o, "\",\"type\":\"function_call\",\"status\":");
    out_json(o, begun ? STR("in_progress") : STR("completed"));
    OUT_LIT(o, ",\"arguments\":\"");
    if (!begun)
        sim_tool_arguments(call, 0, true, o);
    OUT_LIT(o, "\",\"call_id\":\"call_");
    out_hex(o, sim_hash(t->id, call));
    OUT_LIT(o, "\",\"name\":");
    out_json(o, sim_talk_tool_name(t, call));
    OUT_LIT(o, "}");
}

static void put_output(const struct sim_talk *t, struct out *o)
{
    bool any = t->reasoning.at > 0;

    if (any)
        put_reasoning_item(t, false, o);
    for (uint64_t call = 0; t->tool_at > 0 && call < sim_talk_calls(t); call++) {
        out_put(o, any ? STR(",") : STR(""));
        put_call_item(t, call, false, o);
        any = true;
    }
    if (t->tool_events == 0 && (t->text.at > 0 || t->text.count == 0)) {
        out_put(o, any ? STR(",") : STR(""));
        put_message_item(t, false, o);
    }
}

static void put_response(const struct sim_talk *t, struct str status, bool over, struct out *o)
{
    bool incomplete = str_eq(status, STR("incomplete"));

    out_put(o, t->prefix);
    OUT_LIT(o, ",\"status\":");
    out_json(o, status);
    OUT_LIT(o, ",\"incomplete_details\":");
    out_put(o, incomplete ? STR("{\"reason\":\"max_output_tokens\"}") : STR("null"));
    OUT_LIT(o, ",\"output\":[");
    if (over && t->ask->choices > 0)
        put_output(t, o);
    OUT_LIT(o, "]");
    if (over)
        put_usage(t, o);
    else
        OUT_LIT(o, ",\"usage\":null");
    OUT_LIT(o, "}");
}

/* ---- events ---- */

static void event_open(struct sim_talk *t, struct str name, struct out *o)
{
    sim_frame_open(&t->frame, name, o);
    OUT_LIT(o, "{\"type\":\"");
    out_put(o, name);
    OUT_LIT(o, "\",\"sequence_number\":");
    out_u64(o, t->sequence++);
}

static void event_close(struct sim_talk *t, struct out *o)
{
    OUT_LIT(o, "}");
    sim_frame_close(&t->frame, o);
}

static void put_state(struct sim_talk *t, struct str name, struct str status, bool over,
                      struct out *o)
{
    event_open(t, name, o);
    OUT_LIT(o, ",\"response\":");
    put_response(t, status, over, o);
    event_close(t, o);
}

static uint64_t first_call(const struct sim_talk *t)
{
    return t->reasoning.count > 0 ? 1 : 0;
}

static void put_place(uint64_t index, struct out *o)
{
    OUT_LIT(o, ",\"output_index\":");
    out_u64(o, index);
}

/* The event of a part of what is open. */
static void open_part_event(struct sim_talk *t, struct str name, struct out *o)
{
    bool thinks = t->block == SIM_EVENT_REASONING;

    event_open(t, name, o);
    out_put(o, thinks ? STR(",\"item_id\":\"rs_") : STR(",\"item_id\":\"msg_"));
    out_hex(o, t->id);
    OUT_LIT(o, "\"");
    put_place(thinks ? 0 : first_call(t), o);
    out_put(o, thinks ? STR(",\"summary_index\":0") : STR(",\"content_index\":0"));
}

static void put_part_event(struct sim_talk *t, struct str name, bool begun, struct out *o)
{
    open_part_event(t, name, o);
    OUT_LIT(o, ",\"part\":");
    if (t->block == SIM_EVENT_TEXT) {
        put_part(t, begun, o);
    } else {
        OUT_LIT(o, "{\"type\":\"summary_text\",\"text\":\"");
        if (!begun)
            put_said(&t->all_reasoning, t->reasoning.at, o);
        OUT_LIT(o, "\"}");
    }
    event_close(t, o);
}

static void put_item_event(struct sim_talk *t, bool begun, struct out *o)
{
    bool thinks = t->block == SIM_EVENT_REASONING;

    event_open(t, begun ? STR("response.output_item.added") : STR("response.output_item.done"), o);
    put_place(thinks ? 0 : first_call(t), o);
    OUT_LIT(o, ",\"item\":");
    if (thinks)
        put_reasoning_item(t, begun, o);
    else
        put_message_item(t, begun, o);
    event_close(t, o);
}

static void put_text_done(struct sim_talk *t, struct out *o)
{
    bool thinks = t->block == SIM_EVENT_REASONING;

    open_part_event(
        t, thinks ? STR("response.reasoning_summary_text.done") : STR("response.output_text.done"),
        o);
    OUT_LIT(o, ",\"text\":\"");
    put_said(thinks ? &t->all_reasoning : &t->all_text, thinks ? t->reasoning.at : t->text.at, o);
    out_put(o, thinks ? STR("\"") : STR("\",\"logprobs\":[]"));
    event_close(t, o);
}

static void end_item(struct sim_talk *t, struct out *o)
{
    bool thinks = t->block == SIM_EVENT_REASONING;

    if (thinks || t->block == SIM_EVENT_TEXT) {
        put_text_done(t, o);
        put_part_event(t,
                       thinks ? STR("response.reasoning_summary_part.done")
                              : STR("response.content_part.done"),
                       false, o);
        put_item_event(t, false, o);
    }
    t->block = SIM_EVENT_OPEN;
}

static void begin_item(struct sim_talk *t, enum sim_event kind, struct out *o)
{
    if (t->block == kind)
        return;
    end_item(t, o);
    t->block = kind;
    put_item_event(t, true, o);
    put_part_event(t,
                   kind == SIM_EVENT_REASONING ? STR("response.reasoning_summary_part.added")
                                               : STR("response.content_part.added"),
                   true, o);
}

static void put_text(struct sim_talk *t, enum sim_event kind, struct out *o)
{
    bool thinks = kind == SIM_EVENT_REASONING;

    begin_item(t, kind, o);
    open_part_event(t,
                    thinks ? STR("response.reasoning_summary_text.delta")
                           : STR("response.output_text.delta"),
                    o);
    OUT_LIT(o, ",\"delta\":\"");
    sim_text_take(thinks ? &t->reasoning : &t->text, o);
    OUT_LIT(o, "\"");
    if (!thinks)
        OUT_LIT(o, ",\"logprobs\":[]");
    event_close(t, o);
}

/* ---- calls ---- */

static void put_call_event(struct sim_talk *t, uint64_t call, bool begun, struct out *o)
{
    event_open(t, begun ? STR("response.output_item.added") : STR("response.output_item.done"), o);
    put_place(first_call(t) + call, o);
    OUT_LIT(o, ",\"item\":");
    put_call_item(t, call, begun, o);
    event_close(t, o);
}

/* Of the arguments: a part from 1, or with 0 all of them, which are then done. */
static void put_args_event(struct sim_talk *t, struct sim_tool_part at, struct out *o)
{
    event_open(t,
               at.part == 0 ? STR("response.function_call_arguments.done")
                            : STR("response.function_call_arguments.delta"),
               o);
    OUT_LIT(o, ",\"item_id\":\"fc_");
    out_hex(o, sim_hash(t->id, at.call));
    OUT_LIT(o, "\"");
    put_place(first_call(t) + at.call, o);
    out_put(o, at.part == 0 ? STR(",\"arguments\":\"") : STR(",\"delta\":\""));
    sim_tool_arguments(at.call, at.part, true, o);
    OUT_LIT(o, "\"");
    if (at.part == 0) {
        OUT_LIT(o, ",\"name\":");
        out_json(o, sim_talk_tool_name(t, at.call));
    }
    event_close(t, o);
}

static void put_tool(struct sim_talk *t, struct out *o)
{
    struct sim_tool_part at = sim_talk_tool(t, t->tool_at++);

    if (t->block != SIM_EVENT_TOOL)
        end_item(t, o);
    t->block = SIM_EVENT_TOOL;
    if (at.part == 0)
        put_call_event(t, at.call, true, o);
    else
        put_args_event(t, at, o);
    if (at.part + 1 == t->tool_parts) {
        put_args_event(t, (struct sim_tool_part){.call = at.call}, o);
        put_call_event(t, at.call, false, o);
    }
}

/* ---- ends ---- */

static void put_end(struct sim_talk *t, struct out *o)
{
    bool cut = t->by_length && t->tool_events == 0;

    if (t->block == SIM_EVENT_OPEN && t->tool_events == 0 && t->text.count == 0)
        begin_item(t, SIM_EVENT_TEXT, o);
    end_item(t, o);
    put_state(t, cut ? STR("response.incomplete") : STR("response.completed"),
              cut ? STR("incomplete") : STR("completed"), true, o);
}

/* Nested, as OpenAI's servers write it, where its description has it flat. */
static void put_error(struct sim_talk *t, struct out *o)
{
    struct sim_problem p = sim_openai_fault(SIM_ERROR_FIRST, 500);

    event_open(t, STR("error"), o);
    OUT_LIT(o, ",\"error\":{\"type\":");
    out_json(o, p.type);
    OUT_LIT(o, ",\"code\":");
    out_json(o, p.code);
    OUT_LIT(o, ",\"message\":");
    out_json(o, p.message);
    OUT_LIT(o, ",\"param\":null}");
    event_close(t, o);
    put_state(t, STR("response.failed"), STR("failed"), false, o);
}

static void put_raw(struct sim_talk *t, struct str name, struct str data, struct out *o)
{
    sim_frame_open(&t->frame, name, o);
    out_put(o, data);
    sim_frame_close(&t->frame, o);
}

static void event(struct sim_talk *t, enum sim_event e, struct out *o)
{
    switch (e) {
    case SIM_EVENT_OPEN:
        put_state(t, STR("response.created"), STR("in_progress"), false, o);
        put_state(t, STR("response.in_progress"), STR("in_progress"), false, o);
        break;
    case SIM_EVENT_REASONING:
    case SIM_EVENT_TEXT:
        put_text(t, e, o);
        break;
    case SIM_EVENT_TOOL:
        put_tool(t, o);
        break;
    case SIM_EVENT_FINISH:
        put_end(t, o);
        break;
    case SIM_EVENT_USAGE:
    case SIM_EVENT_DONE:
        break; /* the response said it */
    case SIM_EVENT_ERROR:
        put_error(t, o);
        break;
    case SIM_EVENT_NULL:
        put_raw(t, STR("response.created"), STR("null"), o);
        break;
    case SIM_EVENT_EMPTY_CHOICES:
        put_state(t, STR("response.completed"), STR("completed"), false, o);
        break;
    case SIM_EVENT_MALFORMED:
        put_raw(t, STR("response.output_text.delta"),
                STR("{\"type\":\"response.output_text.delta\",\"output_index\":0,\"del"), o);
        break;
    }
}

static void whole(struct sim_talk *t, struct out *o)
{
    bool cut = t->by_length && t->tool_events == 0;

    t->completion_tokens = sim_talk_left(t);
    t->reasoning.at = t->reasoning.count;
    t->text.at = t->text.count;
    t->tool_at = t->tool_events;
    put_response(t, cut ? STR("incomplete") : STR("completed"), true, o);
}

static const enum sim_fault lacks[] = {SIM_NO_DONE,     SIM_TOOLS_INDEX_0,     SIM_TOOLS_NO_INDEX,
                                       SIM_USAGE_EVERY, SIM_USAGE_LAST_CHOICE, SIM_NONE};

const struct sim_dialect sim_responses = {
    .name = "responses",
    .json_type = STR_INIT("application/json"),
    .eol = STR_INIT("\n"),
    .lacks = lacks,
    .claims = claims,
    .form = form,
    .model = sim_openai_model,
    .read = sim_responses_read,
    .framing = framing,
    .fields = sim_openai_fields,
    .problem = sim_openai_problem,
    .fault = sim_openai_fault,
    .begin = begin,
    .event = event,
    .whole = whole,
};
