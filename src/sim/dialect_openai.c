/*
 * dialect_openai.c - OpenAI's chat completions, completions, embeddings and speech.
 *
 * Shapes after OpenAI's API description and recorded streams: every event has the same id, created
 * and model; the first brings the role, the last choice's event the finish reason and an empty
 * delta, then usage (if asked) with no choices, then [DONE].
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sim/dialect_openai.h"

#include "sim/embed.h"
#include "sim/talk.h"

static bool claims(struct str method, struct str path, unsigned *ret_surface)
{
    static const struct {
        struct str path;
        enum sim_openai surface;
    } paths[] = {
        {STR_INIT("/v1/chat/completions"), CHAT},
        {STR_INIT("/v1/completions"), COMPLETIONS},
        {STR_INIT("/v1/embeddings"), EMBEDDINGS},
        {STR_INIT("/v1/audio/speech"), SPEECH},
    };

    for (size_t i = 0; i < COUNTOF(paths); i++) {
        if (str_eq(paths[i].path, path) && str_eq(method, STR("POST"))) {
            *ret_surface = paths[i].surface;
            return true;
        }
    }
    return false;
}

static enum sim_form form(unsigned surface)
{
    if (surface == SPEECH)
        return SIM_FORM_FILE;
    return surface == EMBEDDINGS ? SIM_FORM_WHOLE : SIM_FORM_CHAT;
}

static enum sim_framing framing(const struct sim_ask *ask)
{
    (void)ask;
    return SIM_FRAMING_SSE;
}

static bool put_some(struct http_fields *f, struct arena *a, struct str name, struct str value)
{
    return value.ptr != NULL && http_fields_add(f, a, name, value) == 0;
}

static bool put_bucket(const struct tally_bucket *b, struct http_fields *f, struct arena *a)
{
    unsigned long long ms = b->reset_ms;
    struct str reset = ms < 1000 ? arena_printf(a, "%llums", ms)
                                 : arena_printf(a, "%llu.%03llus", ms / 1000, ms % 1000);

    return put_some(f, a, STR("x-ratelimit-limit-requests"),
                    arena_printf(a, "%llu", (unsigned long long)b->limit)) &&
           put_some(f, a, STR("x-ratelimit-remaining-requests"),
                    arena_printf(a, "%llu", (unsigned long long)b->left)) &&
           put_some(f, a, STR("x-ratelimit-reset-requests"), reset);
}

bool sim_openai_fields(const struct sim_head *h, struct http_fields *f, struct arena *a)
{
    bool changed = sim_script_has(h->script, SIM_VERSION_CHANGE);
    struct str id = arena_printf(a, "req_%016llx", (unsigned long long)h->id);

    return id.ptr != NULL && http_fields_add(f, a, STR("x-request-id"), id) == 0 &&
           http_fields_add(f, a, STR("openai-version"),
                           changed ? STR("2099-01-01") : STR("2020-10-01")) == 0 &&
           (h->bucket == NULL || put_bucket(h->bucket, f, a));
}

/* ---- refusing ---- */

static void put_or_null(struct out *o, struct str s)
{
    if (s.len > 0)
        out_json(o, s);
    else
        OUT_LIT(o, "null");
}

/* clang-format off */
static const struct sim_saying sayings[] = {
    SIM_SAYING(400, SIM_CONTEXT_WINDOW, 400, "invalid_request_error", "context_length_exceeded",              "This model's maximum context length is 128000 tokens. However, your messages resulted in 128001 tokens."),
    SIM_SAYING(429, SIM_QUOTA,          429, "insufficient_quota",    "insufficient_quota",                   "You exceeded your current quota, please check your plan and billing details."),
    SIM_SAYING(400, SIM_NONE,           400, "invalid_request_error", "invalid_value",                        "The simulator was told to find this request invalid."),
    SIM_SAYING(401, SIM_NONE,           401, "invalid_request_error", "invalid_api_key",                      "Incorrect API key provided."),
    SIM_SAYING(402, SIM_NONE,           402, "billing_error",         "billing_hard_limit_reached",           "Your account has no credit left."),
    SIM_SAYING(403, SIM_NONE,           403, "request_forbidden",     "unsupported_country_region_territory", "Country, region, or territory not supported."),
    SIM_SAYING(404, SIM_NONE,           404, "invalid_request_error", "model_not_found",                      "The model does not exist or you do not have access to it."),
    SIM_SAYING(408, SIM_NONE,           408, "timeout_error",         "request_timeout",                      "The request took too long to arrive."),
    SIM_SAYING(409, SIM_NONE,           409, "conflict_error",        "conflict",                             "The request conflicts with another one."),
    SIM_SAYING(413, SIM_NONE,           413, "invalid_request_error", "request_too_large",                    "The request is too large."),
    SIM_SAYING(422, SIM_NONE,           422, "invalid_request_error", "unprocessable_entity",                 "The request was well formed but cannot be followed."),
    SIM_SAYING(429, SIM_NONE,           429, "requests",              "rate_limit_exceeded",                  "Rate limit reached for requests. Please try again later."),
    SIM_SAYING(502, SIM_NONE,           502, "server_error",          "bad_gateway",                          "Bad gateway."),
    SIM_SAYING(503, SIM_NONE,           503, "server_error",          "service_unavailable",                  "The engine is currently overloaded, please try again later."),
    SIM_SAYING(504, SIM_NONE,           504, "server_error",          "gateway_timeout",                      "Gateway timeout."),
    SIM_SAYING(529, SIM_NONE,           529, "overloaded_error",      "overloaded",                           "Overloaded."),
    SIM_SAYING(500, SIM_NONE,           500, "server_error",          "server_error",                         "The server had an error while processing your request."),
};
/* clang-format on */

struct sim_problem sim_openai_fault(enum sim_fault f, unsigned status)
{
    return sim_problem_of(sayings, COUNTOF(sayings), f, status);
}

void sim_openai_problem(const struct sim_ask *ask, const struct sim_problem *p, struct out *o)
{
    struct str type = p->type.len > 0 ? p->type : sim_openai_fault(SIM_NONE, p->status).type;

    (void)ask;
    OUT_LIT(o, "{\"error\":{\"message\":");
    out_json(o, p->message);
    OUT_LIT(o, ",\"type\":");
    out_json(o, type);
    OUT_LIT(o, ",\"param\":");
    put_or_null(o, p->param);
    OUT_LIT(o, ",\"code\":");
    put_or_null(o, p->code);
    OUT_LIT(o, "}}");
}

/* ---- answering ---- */

static bool begin(struct sim_talk *t, struct arena *a, struct out *o)
{
    bool chat = t->ask->surface == CHAT;

    if (t->ask->surface != CHAT)
        t->tool_events = t->reasoning.count = 0;
    out_put(o, chat ? STR("{\"id\":\"chatcmpl-") : STR("{\"id\":\"cmpl-"));
    out_hex(o, t->id);
    OUT_LIT(o, "\",\"object\":\"");
    if (!chat)
        OUT_LIT(o, "text_completion");
    else if (t->streams)
        OUT_LIT(o, "chat.completion.chunk");
    else
        OUT_LIT(o, "chat.completion");
    OUT_LIT(o, "\",\"created\":");
    out_u64(o, t->created_s);
    OUT_LIT(o, ",\"model\":");
    out_json(o, t->ask->model);
    OUT_LIT(o,
            ",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_simulator\",\"choices\":[");
    t->prefix = arena_dup(a, out_str(o));
    return t->prefix.ptr != NULL;
}

static void put_usage_details(const struct sim_talk *t, struct out *o, bool zero)
{
    OUT_LIT(o, ",\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0},"
               "\"completion_tokens_details\":{\"reasoning_tokens\":");
    out_u64(o, zero ? 0 : t->reasoning.at);
    OUT_LIT(o, ",\"audio_tokens\":0,\"accepted_prediction_tokens\":0,"
               "\"rejected_prediction_tokens\":0}");
}

static void put_usage(const struct sim_talk *t, struct out *o)
{
    bool zero = sim_talk_has(t, SIM_USAGE_ZERO);
    uint64_t prompt = zero ? 0 : t->ask->prompt_tokens;
    uint64_t completion = zero ? 0 : t->completion_tokens * t->ask->choices;

    OUT_LIT(o, "{\"prompt_tokens\":");
    out_u64(o, prompt);
    OUT_LIT(o, ",\"completion_tokens\":");
    out_u64(o, completion);
    OUT_LIT(o, ",\"total_tokens\":");
    out_u64(o, prompt + completion);
    if (!sim_talk_has(t, SIM_USAGE_PLAIN))
        put_usage_details(t, o, zero);
    OUT_LIT(o, "}");
}

static bool has_usage(const struct sim_talk *t)
{
    if (sim_talk_has(t, SIM_USAGE_ABSENT))
        return false;
    return t->ask->wants_usage || t->script->pick[SIM_GROUP_USAGE] != SIM_NONE;
}

static void chunk_open(const struct sim_talk *t, struct out *o)
{
    sim_frame_open(&t->frame, STR(""), o);
    out_put(o, t->prefix);
}

static void chunk_close(const struct sim_talk *t, struct out *o, bool with_usage)
{
    OUT_LIT(o, "]");
    if (with_usage) {
        OUT_LIT(o, ",\"usage\":");
        put_usage(t, o);
    } else if (t->ask->wants_usage && has_usage(t)) {
        OUT_LIT(o, ",\"usage\":null");
    }
    OUT_LIT(o, "}");
    sim_frame_close(&t->frame, o);
}

static void choice_open(const struct sim_talk *t, struct out *o, unsigned choice)
{
    if (t->ask->surface == CHAT) {
        OUT_LIT(o, "{\"index\":");
        out_u64(o, choice);
        OUT_LIT(o, ",\"delta\":{");
    } else {
        OUT_LIT(o, "{\"text\":\"");
    }
}

static void choice_close(const struct sim_talk *t, struct out *o, unsigned choice,
                         struct str finish)
{
    if (t->ask->surface == CHAT) {
        OUT_LIT(o, "},\"logprobs\":null,\"finish_reason\":");
    } else {
        OUT_LIT(o, "\",\"index\":");
        out_u64(o, choice);
        OUT_LIT(o, ",\"logprobs\":null,\"finish_reason\":");
    }
    put_or_null(o, finish);
    OUT_LIT(o, "}");
}

static struct str finish_reason(const struct sim_talk *t)
{
    if (t->tool_events > 0)
        return STR("tool_calls");
    return t->by_length ? STR("length") : STR("stop");
}

static void put_tool_head(const struct sim_talk *t, struct out *o, uint64_t call)
{
    OUT_LIT(o, "\"id\":\"call_");
    out_hex(o, sim_hash(t->id, call));
    OUT_LIT(o, "\",\"type\":\"function\",\"function\":{\"name\":");
    out_json(o, sim_talk_tool_name(t, call));
    OUT_LIT(o, ",\"arguments\":\"");
}

static void put_tool_whole(const struct sim_talk *t, struct out *o, uint64_t call)
{
    put_tool_head(t, o, call);
    sim_tool_arguments(call, 0, true, o);
    OUT_LIT(o, "\"}");
}

static void put_tool_delta(const struct sim_talk *t, struct out *o)
{
    struct sim_tool_part at = sim_talk_tool(t, t->tool_at);

    OUT_LIT(o, "\"tool_calls\":[{");
    if (!sim_talk_has(t, SIM_TOOLS_NO_INDEX)) {
        OUT_LIT(o, "\"index\":");
        out_u64(o, sim_talk_has(t, SIM_TOOLS_INDEX_0) ? 0 : at.call);
        OUT_LIT(o, ",");
    }
    if (sim_talk_has(t, SIM_TOOLS_WHOLE)) {
        put_tool_whole(t, o, at.call);
    } else if (at.part == 0) {
        put_tool_head(t, o, at.call);
        OUT_LIT(o, "\"}");
    } else {
        OUT_LIT(o, "\"function\":{\"arguments\":\"");
        sim_tool_arguments(at.call, at.part, true, o);
        OUT_LIT(o, "\"}");
    }
    OUT_LIT(o, "}]");
}

static void put_text_delta(const struct sim_talk *t, struct sim_text *text, struct str member,
                           struct out *o)
{
    if (t->ask->surface == CHAT)
        out_put(o, member);
    sim_text_take(text, o);
    if (t->ask->surface == CHAT)
        OUT_LIT(o, "\"");
}

/* Each choice says the same, so each starts from the same place in the text. */
static void put_deltas(struct sim_talk *t, enum sim_event e, struct out *o)
{
    struct sim_text text = t->text, reasoning = t->reasoning;

    for (unsigned i = 0; i < t->ask->choices; i++) {
        struct sim_text said = t->text, thought = t->reasoning;

        chunk_open(t, o);
        choice_open(t, o, i);
        if (e == SIM_EVENT_TEXT)
            put_text_delta(t, &said, STR("\"content\":\""), o);
        else if (e == SIM_EVENT_REASONING)
            put_text_delta(t, &thought, STR("\"reasoning_content\":\""), o);
        else
            put_tool_delta(t, o);
        choice_close(t, o, i, STR(""));
        chunk_close(t, o, sim_talk_has(t, SIM_USAGE_EVERY));
        text = said;
        reasoning = thought;
    }
    t->text = text;
    t->reasoning = reasoning;
    t->tool_at += e == SIM_EVENT_TOOL;
}

static void put_role(struct sim_talk *t, struct out *o)
{
    if (t->ask->surface != CHAT)
        return;
    for (unsigned i = 0; i < t->ask->choices; i++) {
        chunk_open(t, o);
        choice_open(t, o, i);
        OUT_LIT(o, "\"role\":\"assistant\",\"content\":");
        out_put(o, t->tool_events > 0 ? STR("null") : STR("\"\""));
        OUT_LIT(o, ",\"refusal\":null");
        choice_close(t, o, i, STR(""));
        chunk_close(t, o, sim_talk_has(t, SIM_USAGE_EVERY));
    }
}

static void put_finish(struct sim_talk *t, struct out *o)
{
    for (unsigned i = 0; i < t->ask->choices; i++) {
        bool last = i + 1 == t->ask->choices;

        chunk_open(t, o);
        choice_open(t, o, i);
        choice_close(t, o, i, finish_reason(t));
        chunk_close(t, o,
                    sim_talk_has(t, SIM_USAGE_EVERY) ||
                        (last && sim_talk_has(t, SIM_USAGE_LAST_CHOICE)));
    }
}

static void put_line(const struct sim_talk *t, struct str data, struct out *o)
{
    sim_frame_open(&t->frame, STR(""), o);
    out_put(o, data);
    sim_frame_close(&t->frame, o);
}

static void put_usage_event(struct sim_talk *t, struct out *o)
{
    if (!has_usage(t) || sim_talk_has(t, SIM_USAGE_LAST_CHOICE))
        return;
    chunk_open(t, o);
    chunk_close(t, o, true);
}

static void put_error_event(struct sim_talk *t, struct out *o)
{
    struct sim_problem p = sim_openai_fault(SIM_ERROR_FIRST, 500);

    sim_frame_open(&t->frame, STR(""), o);
    sim_openai_problem(t->ask, &p, o);
    sim_frame_close(&t->frame, o);
}

static void event(struct sim_talk *t, enum sim_event e, struct out *o)
{
    switch (e) {
    case SIM_EVENT_OPEN:
        put_role(t, o);
        break;
    case SIM_EVENT_REASONING:
    case SIM_EVENT_TEXT:
    case SIM_EVENT_TOOL:
        put_deltas(t, e, o);
        break;
    case SIM_EVENT_FINISH:
        put_finish(t, o);
        break;
    case SIM_EVENT_USAGE:
        put_usage_event(t, o);
        break;
    case SIM_EVENT_DONE:
        put_line(t, STR("[DONE]"), o);
        break;
    case SIM_EVENT_ERROR:
        put_error_event(t, o);
        break;
    case SIM_EVENT_NULL:
        put_line(t, STR("null"), o);
        break;
    case SIM_EVENT_EMPTY_CHOICES:
        chunk_open(t, o);
        chunk_close(t, o, false);
        break;
    case SIM_EVENT_MALFORMED:
        put_line(t, STR("{\"id\":\"chatcmpl-broken\",\"choices\":[{\"index\":0,\"delta\":{\"con"),
                 o);
        break;
    }
}

static void put_message_tools(const struct sim_talk *t, struct out *o)
{
    OUT_LIT(o, "\"content\":null,\"refusal\":null,\"annotations\":[],\"tool_calls\":[");
    for (uint64_t call = 0; call < sim_talk_calls(t); call++) {
        out_put(o, call == 0 ? STR("{") : STR(",{"));
        put_tool_whole(t, o, call);
        OUT_LIT(o, "}");
    }
    OUT_LIT(o, "]");
}

static void put_message(const struct sim_talk *t, struct out *o)
{
    struct sim_text text = t->text, reasoning = t->reasoning;

    OUT_LIT(o, ",\"message\":{\"role\":\"assistant\",");
    if (reasoning.count > 0) {
        OUT_LIT(o, "\"reasoning_content\":\"");
        sim_text_take_all(&reasoning, o);
        OUT_LIT(o, "\",");
    }
    if (t->tool_events > 0) {
        put_message_tools(t, o);
    } else {
        OUT_LIT(o, "\"content\":\"");
        sim_text_take_all(&text, o);
        OUT_LIT(o, "\",\"refusal\":null,\"annotations\":[]");
    }
    OUT_LIT(o, "},\"logprobs\":null,\"finish_reason\":");
}

static void put_choice(const struct sim_talk *t, struct out *o, unsigned choice)
{
    OUT_LIT(o, "{\"index\":");
    out_u64(o, choice);
    if (t->ask->surface == CHAT) {
        put_message(t, o);
    } else {
        struct sim_text text = t->text;

        OUT_LIT(o, ",\"text\":\"");
        sim_text_take_all(&text, o);
        OUT_LIT(o, "\",\"logprobs\":null,\"finish_reason\":");
    }
    out_json(o, finish_reason(t));
    OUT_LIT(o, "}");
}

static void whole(struct sim_talk *t, struct out *o)
{
    if (t->ask->surface == EMBEDDINGS) {
        sim_embed(t, o);
        return;
    }
    out_put(o, t->prefix);
    for (unsigned i = 0; i < t->ask->choices; i++) {
        if (i > 0)
            OUT_LIT(o, ",");
        put_choice(t, o, i);
    }
    OUT_LIT(o, "]");
    t->completion_tokens = sim_talk_left(t);
    t->reasoning.at = t->reasoning.count;
    if (!sim_talk_has(t, SIM_USAGE_ABSENT)) {
        OUT_LIT(o, ",\"usage\":");
        put_usage(t, o);
    }
    OUT_LIT(o, "}");
}

const struct sim_dialect sim_openai = {
    .name = "openai",
    .json_type = STR_INIT("application/json"),
    .eol = STR_INIT("\n"),
    .claims = claims,
    .form = form,
    .model = sim_openai_model,
    .read = sim_openai_read,
    .framing = framing,
    .fields = sim_openai_fields,
    .problem = sim_openai_problem,
    .fault = sim_openai_fault,
    .begin = begin,
    .event = event,
    .whole = whole,
};
