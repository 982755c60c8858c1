/*
 * dialect_bedrock.c - Amazon Bedrock's Converse and ConverseStream, and embeddings by InvokeModel.
 *
 * Shapes after recorded answers.  A stream is of binary messages (smithy.io, "Amazon Event Stream
 * Specification"): lengths, their CRC, headers that name the event, JSON, a CRC of all of it.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sim/dialect_bedrock.h"

#include "sim/dialect_anthropic.h"
#include "sim/embed.h"
#include "sim/gzip.h"

static bool claims(struct str method, struct str path, unsigned *ret_surface)
{
    static const struct str actions[] = {[CONVERSE] = STR_INIT("converse"),
                                         [CONVERSE_STREAM] = STR_INIT("converse-stream"),
                                         [INVOKE] = STR_INIT("invoke")};
    struct str model, action;

    return str_eq(method, STR("POST")) && sim_bedrock_cut(path, &model, &action) &&
           sim_action_find(actions, COUNTOF(actions), action, ret_surface);
}

static enum sim_form form(unsigned surface)
{
    return surface == INVOKE ? SIM_FORM_WHOLE : SIM_FORM_CHAT;
}

static enum sim_framing framing(const struct sim_ask *ask)
{
    (void)ask;
    return SIM_FRAMING_AWS;
}

/* ---- refusing ---- */

/* clang-format off */
static const struct sim_saying sayings[] = {
    SIM_SAYING(400, SIM_CONTEXT_WINDOW, 400, "ValidationException",         "", "The model returned the following errors: Input is too long for requested model."),
    SIM_SAYING(429, SIM_QUOTA,          429, "ThrottlingException",         "", "Too many tokens per day, please wait before trying again."),
    SIM_SAYING(400, SIM_NONE,           400, "ValidationException",         "", "The simulator was told to find this request invalid."),
    SIM_SAYING(401, SIM_NONE,           401, "UnrecognizedClientException", "", "The security token included in the request is invalid."),
    SIM_SAYING(403, SIM_NONE,           403, "AccessDeniedException",       "", "You don't have access to the model with the specified model ID."),
    SIM_SAYING(404, SIM_NONE,           404, "ResourceNotFoundException",   "", "Could not resolve the foundation model from the provided model identifier."),
    SIM_SAYING(408, SIM_NONE,           408, "ModelTimeoutException",       "", "The request took too long to process."),
    SIM_SAYING(429, SIM_NONE,           429, "ThrottlingException",         "", "Too many requests, please wait before trying again."),
    SIM_SAYING(503, SIM_NONE,           503, "ServiceUnavailableException", "", "Bedrock is unable to process your request."),
    SIM_SAYING(500, SIM_NONE,           500, "InternalServerException",     "", "The system encountered an unexpected error during processing. Try your request again."),
};
/* clang-format on */

static struct sim_problem fault_problem(enum sim_fault f, unsigned status)
{
    return sim_problem_of(sayings, COUNTOF(sayings), f, status);
}

static void problem(const struct sim_ask *ask, const struct sim_problem *p, struct out *o)
{
    (void)ask;
    OUT_LIT(o, "{\"message\":");
    out_json(o, p->message);
    OUT_LIT(o, "}");
}

static bool counts_in_head(const struct sim_head *h)
{
    return h->ask != NULL && h->ask->surface == INVOKE && h->status == 200 &&
           !sim_script_has(h->script, SIM_USAGE_ABSENT);
}

/* So does what InvokeModel counted, and the kind of an error. */
static bool fields(const struct sim_head *h, struct http_fields *f, struct arena *a)
{
    struct str id =
        arena_printf(a, "00000000-0000-4000-%04llx-%012llx", (unsigned long long)(h->id >> 48),
                     (unsigned long long)(h->id & 0xffffffffffffu));
    struct str type = fault_problem(SIM_NONE, h->status).type;

    if (counts_in_head(h)) {
        struct str n = arena_printf(a, "%llu", (unsigned long long)h->ask->prompt_tokens);

        if (n.ptr == NULL || http_fields_add(f, a, STR("x-amzn-bedrock-input-token-count"), n) < 0)
            return false;
    }
    return id.ptr != NULL && http_fields_add(f, a, STR("x-amzn-requestid"), id) == 0 &&
           (h->status < 400 || http_fields_add(f, a, STR("x-amzn-errortype"), type) == 0);
}

/* ---- framing ---- */

static void put_u32(struct out *o, uint32_t n)
{
    char bytes[] = {(char)(n >> 24), (char)(n >> 16), (char)(n >> 8), (char)n};

    out_put(o, str_make(bytes, sizeof(bytes)));
}

static void set_u32(char *to, uint32_t n)
{
    for (unsigned i = 0; i < 4; i++)
        to[i] = (char)(n >> (24 - 8 * i));
}

/* A string header: name and value. */
static void put_header(struct out *o, struct str name, struct str value)
{
    char name_len = (char)name.len;
    char kind_and_len[] = {7, (char)(value.len >> 8), (char)value.len};

    out_put(o, str_make(&name_len, 1));
    out_put(o, name);
    out_put(o, str_make(kind_and_len, sizeof(kind_and_len)));
    out_put(o, value);
}

/* Lengths and CRCs are filled in when the message is closed. */
static void frame_open(struct sim_talk *t, struct str kind, struct str type, struct out *o)
{
    bool event = str_eq(kind, STR("event"));
    size_t from;

    t->framed_at = o->buf.len;
    put_u32(o, 0);
    put_u32(o, 0);
    put_u32(o, 0);
    from = o->buf.len;
    put_header(o, event ? STR(":event-type") : STR(":exception-type"), type);
    put_header(o, STR(":content-type"), STR("application/json"));
    put_header(o, STR(":message-type"), kind);
    if (!o->full)
        set_u32(o->buf.ptr + t->framed_at + 4, (uint32_t)(o->buf.len - from));
}

static void frame_close(struct sim_talk *t, struct out *o)
{
    char *begin;
    size_t n;

    if (o->full)
        return;
    begin = o->buf.ptr + t->framed_at;
    n = o->buf.len - t->framed_at;
    set_u32(begin, (uint32_t)n + 4);
    set_u32(begin + 8, gzip_crc(0, str_make(begin, 8)));
    put_u32(o, gzip_crc(0, str_make(begin, n)));
}

static void event_open(struct sim_talk *t, struct str type, struct out *o)
{
    frame_open(t, STR("event"), type, o);
}

/* ---- answering ---- */

static bool begin(struct sim_talk *t, struct arena *a, struct out *o)
{
    struct sim_text thinking = t->reasoning;

    sim_text_take_all(&thinking, o); /* as Anthropic's, who takes them for its own */
    t->signature = sim_anthropic_signature(out_str(o), a);
    out_reset(o, SIZE_MAX);
    return t->signature.ptr != NULL;
}

static void put_usage(const struct sim_talk *t, uint64_t output, struct out *o)
{
    bool zero = sim_talk_has(t, SIM_USAGE_ZERO);
    uint64_t input = zero ? 0 : t->ask->prompt_tokens;

    output = zero ? 0 : output;
    OUT_LIT(o, "\"usage\":{");
    if (!sim_talk_has(t, SIM_USAGE_PLAIN))
        OUT_LIT(o, "\"cacheReadInputTokens\":0,\"cacheWriteInputTokens\":0,");
    OUT_LIT(o, "\"inputTokens\":");
    out_u64(o, input);
    OUT_LIT(o, ",\"outputTokens\":");
    out_u64(o, output);
    OUT_LIT(o, ",\"totalTokens\":");
    out_u64(o, input + output);
    OUT_LIT(o, "}");
}

static struct str stop_reason(const struct sim_talk *t)
{
    if (t->tool_events > 0)
        return STR("tool_use");
    return t->by_length ? STR("max_tokens") : STR("end_turn");
}

/* ---- its events ---- */

static void put_index(const struct sim_talk *t, uint64_t index, bool more, struct out *o)
{
    OUT_LIT(o, "{");
    if (!sim_talk_has(t, SIM_TOOLS_NO_INDEX) || t->block != SIM_EVENT_TOOL) {
        OUT_LIT(o, "\"contentBlockIndex\":");
        out_u64(o, index);
        if (more)
            OUT_LIT(o, ",");
    }
}

static void delta_open(struct sim_talk *t, uint64_t index, struct str inner, struct out *o)
{
    event_open(t, STR("contentBlockDelta"), o);
    put_index(t, index, true, o);
    OUT_LIT(o, "\"delta\":{");
    out_put(o, inner);
}

static void delta_close(struct sim_talk *t, struct str inner, struct out *o)
{
    out_put(o, inner);
    OUT_LIT(o, "},\"p\":\"abcdefgh\"}");
    frame_close(t, o);
}

static void put_block_stop(struct sim_talk *t, uint64_t index, struct out *o)
{
    event_open(t, STR("contentBlockStop"), o);
    put_index(t, index, false, o);
    OUT_LIT(o, "}");
    frame_close(t, o);
}

/* Of reasoning or text: they have no start, and tool calls end their own. */
static void end_block(struct sim_talk *t, struct out *o)
{
    enum sim_event ended = t->block;

    t->block = SIM_EVENT_OPEN;
    if (ended != SIM_EVENT_REASONING && ended != SIM_EVENT_TEXT)
        return;
    if (ended == SIM_EVENT_REASONING) {
        delta_open(t, t->blocks - 1, STR("\"reasoningContent\":{\"signature\":\""), o);
        out_put(o, t->signature);
        delta_close(t, STR("\"}"), o);
    }
    put_block_stop(t, t->blocks - 1, o);
}

static void put_text(struct sim_talk *t, enum sim_event kind, struct out *o)
{
    if (t->block != kind) {
        end_block(t, o);
        t->block = kind;
        t->blocks++;
    }
    if (kind == SIM_EVENT_TEXT) {
        delta_open(t, t->blocks - 1, STR("\"text\":\""), o);
        sim_text_take(&t->text, o);
        delta_close(t, STR("\""), o);
    } else {
        delta_open(t, t->blocks - 1, STR("\"reasoningContent\":{\"text\":\""), o);
        sim_text_take(&t->reasoning, o);
        delta_close(t, STR("\"}"), o);
    }
}

static void put_tool_head(const struct sim_talk *t, uint64_t call, struct out *o)
{
    OUT_LIT(o, "\"name\":");
    out_json(o, sim_talk_tool_name(t, call));
    OUT_LIT(o, ",\"toolUseId\":\"tooluse_");
    out_hex(o, sim_hash(t->id, call));
    OUT_LIT(o, "\"");
}

static void put_tool(struct sim_talk *t, struct out *o)
{
    struct sim_tool_part at = sim_talk_tool(t, t->tool_at++);
    uint64_t first = t->reasoning.count > 0 ? 1 : 0;
    uint64_t index = first + (sim_talk_has(t, SIM_TOOLS_INDEX_0) ? 0 : at.call);

    if (t->block != SIM_EVENT_TOOL)
        end_block(t, o);
    t->block = SIM_EVENT_TOOL;
    if (at.part == 0) {
        event_open(t, STR("contentBlockStart"), o);
        put_index(t, index, true, o);
        OUT_LIT(o, "\"start\":{\"toolUse\":{");
        put_tool_head(t, at.call, o);
        OUT_LIT(o, "}}}");
        frame_close(t, o);
    }
    if (at.part > 0 || t->tool_parts == 1) {
        delta_open(t, index, STR("\"toolUse\":{\"input\":\""), o);
        sim_tool_arguments(at.call, at.part, true, o);
        delta_close(t, STR("\"}"), o);
    }
    if (at.part + 1 == t->tool_parts)
        put_block_stop(t, index, o);
}

static void put_event(struct sim_talk *t, struct str type, struct str data, struct out *o)
{
    event_open(t, type, o);
    out_put(o, data);
    frame_close(t, o);
}

static void put_stop(struct sim_talk *t, struct out *o)
{
    end_block(t, o);
    event_open(t, STR("messageStop"), o);
    OUT_LIT(o, "{\"stopReason\":");
    out_json(o, stop_reason(t));
    OUT_LIT(o, "}");
    frame_close(t, o);
}

static void put_metadata(struct sim_talk *t, struct out *o)
{
    if (sim_talk_has(t, SIM_USAGE_ABSENT))
        return;
    event_open(t, STR("metadata"), o);
    OUT_LIT(o, "{\"metrics\":{\"latencyMs\":1},");
    put_usage(t, t->completion_tokens, o);
    OUT_LIT(o, "}");
    frame_close(t, o);
}

static void put_error(struct sim_talk *t, struct out *o)
{
    struct sim_problem p = fault_problem(SIM_ERROR_FIRST, 503);

    frame_open(t, STR("exception"), STR("serviceUnavailableException"), o);
    problem(t->ask, &p, o);
    frame_close(t, o);
}

static void event(struct sim_talk *t, enum sim_event e, struct out *o)
{
    switch (e) {
    case SIM_EVENT_OPEN:
        put_event(t, STR("messageStart"), STR("{\"p\":\"abcdefghijk\",\"role\":\"assistant\"}"), o);
        break;
    case SIM_EVENT_REASONING:
    case SIM_EVENT_TEXT:
        put_text(t, e, o);
        break;
    case SIM_EVENT_TOOL:
        put_tool(t, o);
        break;
    case SIM_EVENT_FINISH:
        put_stop(t, o);
        break;
    case SIM_EVENT_USAGE:
        put_metadata(t, o);
        break;
    case SIM_EVENT_DONE:
        break; /* the metadata is the last there is */
    case SIM_EVENT_ERROR:
        put_error(t, o);
        break;
    case SIM_EVENT_NULL:
        put_event(t, STR("messageStart"), STR("null"), o);
        break;
    case SIM_EVENT_EMPTY_CHOICES:
        put_event(t, STR("messageStart"), STR("{\"role\":\"assistant\"}"), o);
        put_stop(t, o);
        put_metadata(t, o);
        break;
    case SIM_EVENT_MALFORMED:
        put_event(t, STR("contentBlockDelta"), STR("{\"contentBlockIndex\":0,\"delta\":{\"te"), o);
        break;
    }
}

/* ---- whole ---- */

static void put_content(const struct sim_talk *t, struct out *o)
{
    struct sim_text text = t->text, reasoning = t->reasoning;

    if (reasoning.count > 0) {
        OUT_LIT(o, "{\"reasoningContent\":{\"reasoningText\":{\"text\":\"");
        sim_text_take_all(&reasoning, o);
        OUT_LIT(o, "\",\"signature\":\"");
        out_put(o, t->signature);
        OUT_LIT(o, "\"}}},");
    }
    for (uint64_t call = 0; call < sim_talk_calls(t); call++) {
        out_put(o, call == 0 ? STR("{\"toolUse\":{\"input\":") : STR(",{\"toolUse\":{\"input\":"));
        sim_tool_arguments(call, 0, false, o);
        OUT_LIT(o, ",");
        put_tool_head(t, call, o);
        OUT_LIT(o, "}}");
    }
    if (t->tool_events > 0)
        return;
    OUT_LIT(o, "{\"text\":\"");
    sim_text_take_all(&text, o);
    OUT_LIT(o, "\"}");
}

static void whole(struct sim_talk *t, struct out *o)
{
    if (t->ask->surface == INVOKE) {
        if (sim_bedrock_is_titan(t->ask))
            sim_embed_titan(t, o);
        else
            sim_embed_cohere(t, o);
        return;
    }
    OUT_LIT(o, "{\"metrics\":{\"latencyMs\":1},\"output\":{\"message\":{\"content\":[");
    if (t->ask->choices > 0)
        put_content(t, o);
    OUT_LIT(o, "],\"role\":\"assistant\"}},\"stopReason\":");
    out_json(o, stop_reason(t));
    if (!sim_talk_has(t, SIM_USAGE_ABSENT)) {
        OUT_LIT(o, ",");
        put_usage(t, sim_talk_left(t), o);
    }
    OUT_LIT(o, "}");
}

static const enum sim_fault lacks[] = {
    SIM_NO_DONE,        SIM_LF,       SIM_CRLF,        SIM_CR,
    SIM_NO_SPACE,       SIM_COMMENTS, SIM_USAGE_EVERY, SIM_USAGE_LAST_CHOICE,
    SIM_VERSION_CHANGE, SIM_NONE};

const struct sim_dialect sim_bedrock = {
    .name = "bedrock",
    .json_type = STR_INIT("application/json"),
    .eol = STR_INIT(""),
    .lacks = lacks,
    .claims = claims,
    .form = form,
    .model = sim_bedrock_model,
    .read = sim_bedrock_read,
    .framing = framing,
    .fields = fields,
    .problem = problem,
    .fault = fault_problem,
    .begin = begin,
    .event = event,
    .whole = whole,
};
