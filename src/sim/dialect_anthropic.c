/*
 * dialect_anthropic.c - Anthropic's messages, and its count of their tokens.
 *
 * Shapes after recorded streams: message_start, then blocks (thinking, which ends with its
 * signature; text; tool_use, whose input comes as pieces of JSON), then message_delta with the stop
 * reason and the running usage, then message_stop.  A ping follows the first block's start.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sim/dialect_anthropic.h"

#include "sim/talk.h"

static bool claims(struct str method, struct str path, unsigned *ret_surface)
{
    bool counts = str_eq(path, STR("/v1/messages/count_tokens"));

    *ret_surface = counts ? COUNT_TOKENS : MESSAGES;
    return str_eq(method, STR("POST")) && (counts || str_eq(path, STR("/v1/messages")));
}

static enum sim_form form(unsigned surface)
{
    return surface == COUNT_TOKENS ? SIM_FORM_WHOLE : SIM_FORM_CHAT;
}

static enum sim_framing framing(const struct sim_ask *ask)
{
    (void)ask;
    return SIM_FRAMING_SSE;
}

/* ---- answering ---- */

struct str sim_anthropic_signature(struct str thinking, struct arena *a)
{
    return arena_printf(a, "sim0%016llx", (unsigned long long)sim_hash_str(0, thinking));
}

static bool sign(struct sim_talk *t, struct arena *a, struct out *o)
{
    struct sim_text thinking = t->reasoning;

    sim_text_take_all(&thinking, o); /* its words need no escape */
    t->signature = sim_anthropic_signature(out_str(o), a);
    out_reset(o, SIZE_MAX);
    return t->signature.ptr != NULL;
}

static bool begin(struct sim_talk *t, struct arena *a, struct out *o)
{
    if (t->reasoning.count > 0 && !sign(t, a, o))
        return false;
    OUT_LIT(o, "{\"model\":");
    out_json(o, t->ask->model);
    OUT_LIT(o, ",\"id\":\"msg_01");
    out_hex(o, t->id);
    OUT_LIT(o, "\",\"type\":\"message\",\"role\":\"assistant\",\"content\":[");
    t->prefix = arena_dup(a, out_str(o));
    return t->prefix.ptr != NULL;
}

static void put_input(const struct sim_talk *t, struct out *o, bool zero)
{
    OUT_LIT(o, "\"input_tokens\":");
    out_u64(o, zero ? 0 : t->ask->prompt_tokens);
    if (!sim_talk_has(t, SIM_USAGE_PLAIN))
        OUT_LIT(o, ",\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":0");
}

static void put_output(const struct sim_talk *t, struct out *o, uint64_t tokens)
{
    OUT_LIT(o, "\"output_tokens\":");
    out_u64(o, sim_talk_has(t, SIM_USAGE_ZERO) ? 0 : tokens);
}

/* ,"usage":{…} of the message: at the start of a stream, or whole. */
static void put_message_usage(const struct sim_talk *t, struct out *o, uint64_t output, bool zero)
{
    if (sim_talk_has(t, SIM_USAGE_ABSENT))
        return;
    OUT_LIT(o, ",\"usage\":{");
    put_input(t, o, zero || sim_talk_has(t, SIM_USAGE_ZERO));
    if (!sim_talk_has(t, SIM_USAGE_PLAIN))
        OUT_LIT(o, ",\"cache_creation\":{\"ephemeral_5m_input_tokens\":0,"
                   "\"ephemeral_1h_input_tokens\":0}");
    OUT_LIT(o, ",");
    put_output(t, o, zero ? 0 : output);
    if (!sim_talk_has(t, SIM_USAGE_PLAIN))
        OUT_LIT(o, ",\"service_tier\":\"standard\",\"inference_geo\":\"not_available\"");
    OUT_LIT(o, "}");
}

/* ,"usage":{…} so far, at the end of a stream. */
static void put_running_usage(const struct sim_talk *t, struct out *o)
{
    if (sim_talk_has(t, SIM_USAGE_ABSENT))
        return;
    OUT_LIT(o, ",\"usage\":{");
    if (!sim_talk_has(t, SIM_USAGE_PLAIN)) {
        put_input(t, o, sim_talk_has(t, SIM_USAGE_ZERO));
        OUT_LIT(o, ",");
    }
    put_output(t, o, t->completion_tokens);
    if (t->reasoning.count > 0 && !sim_talk_has(t, SIM_USAGE_PLAIN)) {
        OUT_LIT(o, ",\"output_tokens_details\":{\"thinking_tokens\":");
        out_u64(o, sim_talk_has(t, SIM_USAGE_ZERO) ? 0 : t->reasoning.at);
        OUT_LIT(o, "}");
    }
    OUT_LIT(o, "}");
}

static struct str stop_reason(const struct sim_talk *t)
{
    if (t->tool_events > 0)
        return STR("\"tool_use\"");
    return t->by_length ? STR("\"max_tokens\"") : STR("\"end_turn\"");
}

/* ---- its events ---- */

/* `event: NAME` and `data: {"type":"NAME"`. */
static void event_open(struct sim_talk *t, struct str name, struct out *o)
{
    sim_frame_open(&t->frame, name, o);
    OUT_LIT(o, "{\"type\":\"");
    out_put(o, name);
    OUT_LIT(o, "\"");
}

static void event_close(struct sim_talk *t, struct out *o)
{
    OUT_LIT(o, "}");
    sim_frame_close(&t->frame, o);
}

static void put_start(struct sim_talk *t, struct out *o)
{
    event_open(t, STR("message_start"), o);
    OUT_LIT(o, ",\"message\":");
    out_put(o, t->prefix);
    OUT_LIT(o, "],\"stop_reason\":null,\"stop_sequence\":null");
    put_message_usage(t, o, 1, sim_talk_has(t, SIM_USAGE_LAST_CHOICE));
    OUT_LIT(o, "}");
    event_close(t, o);
}

static void put_message_delta(struct sim_talk *t, struct str reason, struct out *o)
{
    event_open(t, STR("message_delta"), o);
    OUT_LIT(o, ",\"delta\":{\"stop_reason\":");
    out_put(o, reason);
    OUT_LIT(o, ",\"stop_sequence\":null}");
    put_running_usage(t, o);
    event_close(t, o);
}

static void put_index(const struct sim_talk *t, uint64_t index, struct out *o)
{
    if (sim_talk_has(t, SIM_TOOLS_NO_INDEX) && t->block == SIM_EVENT_TOOL)
        return;
    OUT_LIT(o, ",\"index\":");
    out_u64(o, index);
}

static void put_block_start(struct sim_talk *t, uint64_t index, struct out *o)
{
    event_open(t, STR("content_block_start"), o);
    put_index(t, index, o);
    OUT_LIT(o, ",\"content_block\":{\"type\":");
}

static void put_delta_open(struct sim_talk *t, uint64_t index, struct str type, struct out *o)
{
    event_open(t, STR("content_block_delta"), o);
    put_index(t, index, o);
    OUT_LIT(o, ",\"delta\":{\"type\":\"");
    out_put(o, type);
}

static void put_delta_close(struct sim_talk *t, struct out *o)
{
    OUT_LIT(o, "\"}");
    event_close(t, o);
}

static void put_block_stop(struct sim_talk *t, uint64_t index, struct out *o)
{
    event_open(t, STR("content_block_stop"), o);
    put_index(t, index, o);
    event_close(t, o);
}

static void put_ping(struct sim_talk *t, struct out *o)
{
    sim_frame_open(&t->frame, STR("ping"), o);
    OUT_LIT(o, "{\"type\": \"ping\"}");
    sim_frame_close(&t->frame, o);
}

/* Of thinking or text: tool calls end their own. */
static void end_block(struct sim_talk *t, struct out *o)
{
    enum sim_event ended = t->block;

    t->block = SIM_EVENT_OPEN;
    if (ended != SIM_EVENT_REASONING && ended != SIM_EVENT_TEXT)
        return;
    if (ended == SIM_EVENT_REASONING) {
        put_delta_open(t, t->blocks - 1, STR("signature_delta\",\"signature\":\""), o);
        out_put(o, t->signature);
        put_delta_close(t, o);
    }
    put_block_stop(t, t->blocks - 1, o);
}

static void begin_block(struct sim_talk *t, enum sim_event kind, struct out *o)
{
    if (t->block == kind)
        return;
    end_block(t, o);
    t->block = kind;
    put_block_start(t, t->blocks, o);
    out_put(o, kind == SIM_EVENT_TEXT ? STR("\"text\",\"text\":\"\"}")
                                      : STR("\"thinking\",\"thinking\":\"\",\"signature\":\"\"}"));
    event_close(t, o);
    if (t->blocks++ == 0)
        put_ping(t, o);
}

static void put_text(struct sim_talk *t, enum sim_event kind, struct out *o)
{
    begin_block(t, kind, o);
    if (kind == SIM_EVENT_TEXT) {
        put_delta_open(t, t->blocks - 1, STR("text_delta\",\"text\":\""), o);
        sim_text_take(&t->text, o);
    } else {
        put_delta_open(t, t->blocks - 1, STR("thinking_delta\",\"thinking\":\""), o);
        sim_text_take(&t->reasoning, o);
    }
    put_delta_close(t, o);
}

static void put_tool_head(const struct sim_talk *t, uint64_t call, struct out *o)
{
    OUT_LIT(o, "\"tool_use\",\"id\":\"toolu_01");
    out_hex(o, sim_hash(t->id, call));
    OUT_LIT(o, "\",\"name\":");
    out_json(o, sim_talk_tool_name(t, call));
    OUT_LIT(o, ",\"input\":");
}

static void begin_call(struct sim_talk *t, uint64_t call, uint64_t index, struct out *o)
{
    put_block_start(t, index, o);
    put_tool_head(t, call, o);
    OUT_LIT(o, "{}}");
    event_close(t, o);
    if (t->blocks++ == 0)
        put_ping(t, o);
    put_delta_open(t, index, STR("input_json_delta\",\"partial_json\":\""), o);
    put_delta_close(t, o);
}

static void put_tool(struct sim_talk *t, struct out *o)
{
    struct sim_tool_part at = sim_talk_tool(t, t->tool_at++);
    uint64_t first = t->reasoning.count > 0 ? 1 : 0;
    uint64_t index = first + (sim_talk_has(t, SIM_TOOLS_INDEX_0) ? 0 : at.call);

    if (t->block != SIM_EVENT_TOOL)
        end_block(t, o);
    t->block = SIM_EVENT_TOOL;
    if (at.part == 0)
        begin_call(t, at.call, index, o);
    if (at.part > 0 || t->tool_parts == 1) {
        put_delta_open(t, index, STR("input_json_delta\",\"partial_json\":\""), o);
        sim_tool_arguments(at.call, at.part, true, o);
        put_delta_close(t, o);
    }
    if (at.part + 1 == t->tool_parts)
        put_block_stop(t, index, o);
}

static void put_content(struct sim_talk *t, enum sim_event e, struct out *o)
{
    if (e == SIM_EVENT_TOOL)
        put_tool(t, o);
    else
        put_text(t, e, o);
    if (sim_talk_has(t, SIM_USAGE_EVERY))
        put_message_delta(t, STR("null"), o);
}

static void put_named(struct sim_talk *t, struct str name, struct str data, struct out *o)
{
    sim_frame_open(&t->frame, name, o);
    out_put(o, data);
    sim_frame_close(&t->frame, o);
}

static void put_error(struct sim_talk *t, struct out *o)
{
    struct sim_problem p = sim_anthropic_fault(SIM_ERROR_FIRST, 500);

    p.id = t->id;
    sim_frame_open(&t->frame, STR("error"), o);
    sim_anthropic_problem(t->ask, &p, o);
    sim_frame_close(&t->frame, o);
}

static void event(struct sim_talk *t, enum sim_event e, struct out *o)
{
    switch (e) {
    case SIM_EVENT_OPEN:
        put_start(t, o);
        break;
    case SIM_EVENT_REASONING:
    case SIM_EVENT_TEXT:
    case SIM_EVENT_TOOL:
        put_content(t, e, o);
        break;
    case SIM_EVENT_FINISH:
        end_block(t, o);
        put_message_delta(t, stop_reason(t), o);
        break;
    case SIM_EVENT_USAGE:
        break; /* message_delta said it */
    case SIM_EVENT_DONE:
        end_block(t, o);
        put_named(t, STR("message_stop"), STR("{\"type\":\"message_stop\"}"), o);
        break;
    case SIM_EVENT_ERROR:
        put_error(t, o);
        break;
    case SIM_EVENT_NULL:
        put_named(t, STR("message_start"), STR("null"), o);
        break;
    case SIM_EVENT_EMPTY_CHOICES:
        put_start(t, o);
        put_message_delta(t, stop_reason(t), o);
        break;
    case SIM_EVENT_MALFORMED:
        put_named(
            t, STR("content_block_delta"),
            STR("{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_de"), o);
        break;
    }
}

/* ---- whole ---- */

static void put_whole_tools(const struct sim_talk *t, struct out *o)
{
    for (uint64_t call = 0; call < sim_talk_calls(t); call++) {
        out_put(o, call == 0 ? STR("{\"type\":") : STR(",{\"type\":"));
        put_tool_head(t, call, o);
        sim_tool_arguments(call, 0, false, o);
        OUT_LIT(o, "}");
    }
}

static void put_whole_content(const struct sim_talk *t, struct out *o)
{
    struct sim_text text = t->text, thinking = t->reasoning;

    if (thinking.count > 0) {
        OUT_LIT(o, "{\"type\":\"thinking\",\"thinking\":\"");
        sim_text_take_all(&thinking, o);
        OUT_LIT(o, "\",\"signature\":\"");
        out_put(o, t->signature);
        OUT_LIT(o, "\"},");
    }
    if (t->tool_events > 0) {
        put_whole_tools(t, o);
        return;
    }
    OUT_LIT(o, "{\"type\":\"text\",\"text\":\"");
    sim_text_take_all(&text, o);
    OUT_LIT(o, "\"}");
}

static void put_count(const struct sim_talk *t, struct out *o)
{
    OUT_LIT(o, "{\"input_tokens\":");
    out_u64(o, t->ask->prompt_tokens);
    OUT_LIT(o, "}");
}

static void whole(struct sim_talk *t, struct out *o)
{
    if (t->ask->surface == COUNT_TOKENS) {
        put_count(t, o);
        return;
    }
    out_put(o, t->prefix);
    if (t->ask->choices > 0)
        put_whole_content(t, o);
    OUT_LIT(o, "],\"stop_reason\":");
    out_put(o, stop_reason(t));
    OUT_LIT(o, ",\"stop_sequence\":null");
    put_message_usage(t, o, sim_talk_left(t), false);
    OUT_LIT(o, "}");
}

static const enum sim_fault lacks[] = {SIM_VERSION_CHANGE, SIM_NONE};

const struct sim_dialect sim_anthropic = {
    .name = "anthropic",
    .json_type = STR_INIT("application/json"),
    .eol = STR_INIT("\n"),
    .lacks = lacks,
    .claims = claims,
    .form = form,
    .model = sim_anthropic_model,
    .read = sim_anthropic_read,
    .framing = framing,
    .fields = sim_anthropic_fields,
    .problem = sim_anthropic_problem,
    .fault = sim_anthropic_fault,
    .begin = begin,
    .event = event,
    .whole = whole,
};
