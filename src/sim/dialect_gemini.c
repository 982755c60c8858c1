/*
 * dialect_gemini.c - Gemini's generateContent and streamGenerateContent, its countTokens and its
 * embeddings.
 *
 * Shapes after recorded streams: every event is a whole response of its own, with usage so far;
 * thoughts are parts that say so, their signature comes with the last part or the first call; the
 * last event has the finish reason, and nothing follows it.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sim/dialect_gemini.h"

#include "sim/embed.h"

static bool claims(struct str method, struct str path, unsigned *ret_surface)
{
    static const struct str actions[] = {[GENERATE] = STR_INIT("generateContent"),
                                         [GENERATE_STREAM] = STR_INIT("streamGenerateContent"),
                                         [COUNT] = STR_INIT("countTokens"),
                                         [EMBED] = STR_INIT("embedContent"),
                                         [EMBED_BATCH] = STR_INIT("batchEmbedContents")};
    struct str model, action;

    return str_eq(method, STR("POST")) && sim_gemini_cut(path, &model, &action) &&
           sim_action_find(actions, COUNTOF(actions), action, ret_surface);
}

static enum sim_form form(unsigned surface)
{
    return surface >= COUNT ? SIM_FORM_WHOLE : SIM_FORM_CHAT;
}

static bool fields(const struct sim_head *h, struct http_fields *f, struct arena *a)
{
    struct str took = arena_printf(a, "gfet4t7; dur=%u", (unsigned)(h->id % 1000));

    return took.ptr != NULL && http_fields_add(f, a, STR("server-timing"), took) == 0;
}

/* ---- refusing ---- */

#define INTERNAL                                                                                   \
    "An internal error has occurred. Please retry or report in "                                   \
    "https://developers.generativeai.google/guide/troubleshooting"

/* clang-format off */
static const struct sim_saying sayings[] = {
    SIM_SAYING(400, SIM_CONTEXT_WINDOW, 400, "INVALID_ARGUMENT",    "",                                                     "The input token count (1048577) exceeds the maximum number of tokens allowed (1048576)."),
    SIM_SAYING(401, SIM_INVALID_KEY,    400, "INVALID_ARGUMENT",    "API_KEY_INVALID",                                      "API key not valid. Please pass a valid API key."),
    SIM_SAYING(429, SIM_QUOTA,          429, "RESOURCE_EXHAUSTED",  "GenerateRequestsPerDayPerProjectPerModel-FreeTier",    "You exceeded your current quota, please check your plan and billing details."),
    SIM_SAYING(400, SIM_NONE,           400, "INVALID_ARGUMENT",    "",                                                     "The simulator was told to find this request invalid."),
    SIM_SAYING(401, SIM_NONE,           401, "UNAUTHENTICATED",     "",                                                     "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential."),
    SIM_SAYING(402, SIM_NONE,           402, "FAILED_PRECONDITION", "",                                                     "Billing is not enabled for this project."),
    SIM_SAYING(403, SIM_NONE,           403, "PERMISSION_DENIED",   "",                                                     "The caller does not have permission"),
    SIM_SAYING(404, SIM_NONE,           404, "NOT_FOUND",           "",                                                     "The model is not found for API version v1beta, or is not supported for generateContent. Call ListModels to see the list of available models and their supported methods."),
    SIM_SAYING(408, SIM_NONE,           408, "DEADLINE_EXCEEDED",   "",                                                     "The request took too long to arrive."),
    SIM_SAYING(409, SIM_NONE,           409, "ABORTED",             "",                                                     "The operation was aborted."),
    SIM_SAYING(413, SIM_NONE,           413, "INVALID_ARGUMENT",    "",                                                     "Request payload size exceeds the limit: 20971520 bytes."),
    SIM_SAYING(422, SIM_NONE,           422, "INVALID_ARGUMENT",    "",                                                     "The request was well formed but cannot be followed."),
    SIM_SAYING(429, SIM_NONE,           429, "RESOURCE_EXHAUSTED",  "GenerateRequestsPerMinutePerProjectPerModel-FreeTier", "You exceeded your current quota, please check your plan."),
    SIM_SAYING(502, SIM_NONE,           502, "UNAVAILABLE",         "",                                                     "Bad gateway"),
    SIM_SAYING(503, SIM_NONE,           503, "UNAVAILABLE",         "",                                                     "The model is overloaded. Please try again later."),
    SIM_SAYING(504, SIM_NONE,           504, "DEADLINE_EXCEEDED",   "",                                                     "Deadline expired before operation could complete."),
    SIM_SAYING(529, SIM_NONE,           529, "UNAVAILABLE",         "",                                                     "The service is currently unavailable."),
    SIM_SAYING(500, SIM_NONE,           500, "INTERNAL",            "",                                                     INTERNAL),
};
/* clang-format on */

struct sim_problem sim_gemini_fault(enum sim_fault f, unsigned status)
{
    if (f == SIM_ERROR_FIRST || f == SIM_ERROR_IN_200)
        status = 503;
    return sim_problem_of(sayings, COUNTOF(sayings), f, status);
}

static unsigned code_of(const struct sim_problem *p, struct str type)
{
    if (p->status != 200)
        return p->status;
    return str_eq(type, STR("UNAVAILABLE")) ? 503 : 500; /* an error in a 200 */
}

#define DETAIL(name) "{\"@type\":\"type.googleapis.com/google.rpc." name "\","

static bool hints(const struct sim_retry *r)
{
    return r->style != SIM_NONE && r->style != SIM_RA_ABSENT;
}

static void put_retry(const struct sim_retry *r, struct out *o)
{
    unsigned long long s = (r->ms + 999) / 1000;

    OUT_LIT(o, DETAIL("RetryInfo") "\"retryDelay\":\"");
    if (r->style == SIM_RA_GARBAGE)
        OUT_LIT(o, "soon");
    else if (r->style == SIM_RA_MS)
        out_fmt(o, "%llu.%03llus", (unsigned long long)r->ms / 1000,
                (unsigned long long)r->ms % 1000);
    else
        out_fmt(o, "%llus", s);
    OUT_LIT(o, "\"}");
}

static void put_quota(const struct sim_problem *p, struct out *o)
{
    OUT_LIT(o, ",\"details\":[" DETAIL("QuotaFailure") "\"violations\":[{\"quotaMetric\":"
                                                       "\"generativelanguage.googleapis.com/"
                                                       "generate_content_free_tier_requests\","
                                                       "\"quotaId\":");
    out_json(o, p->code);
    OUT_LIT(o, "}]}");
    if (hints(&p->retry)) {
        OUT_LIT(o, ",");
        put_retry(&p->retry, o);
    }
    OUT_LIT(o, "]");
}

static void put_bad_request(const struct sim_problem *p, struct out *o)
{
    OUT_LIT(o, ",\"details\":[" DETAIL("BadRequest") "\"fieldViolations\":[{\"field\":");
    out_json(o, p->param);
    OUT_LIT(o, ",\"description\":");
    out_json(o, p->message);
    OUT_LIT(o, "}]}]");
}

static void put_details(const struct sim_problem *p, struct out *o)
{
    if (str_eq(p->type, STR("RESOURCE_EXHAUSTED"))) {
        put_quota(p, o);
    } else if (p->type.len > 0 && p->code.len > 0) {
        OUT_LIT(o, ",\"details\":[" DETAIL("ErrorInfo") "\"reason\":");
        out_json(o, p->code);
        OUT_LIT(o, ",\"domain\":\"googleapis.com\",\"metadata\":{\"service\":"
                   "\"generativelanguage.googleapis.com\"}}]");
    } else if (p->param.len > 0) {
        put_bad_request(p, o);
    } else if (hints(&p->retry)) {
        OUT_LIT(o, ",\"details\":[");
        put_retry(&p->retry, o);
        OUT_LIT(o, "]");
    }
}

static void put_problem(const struct sim_problem *p, struct out *o)
{
    struct str type = p->type.len > 0 ? p->type : sim_gemini_fault(SIM_NONE, p->status).type;

    OUT_LIT(o, "{\"error\":{\"code\":");
    out_u64(o, code_of(p, type));
    OUT_LIT(o, ",\"message\":");
    out_json(o, p->message);
    OUT_LIT(o, ",\"status\":");
    out_json(o, type);
    put_details(p, o);
    OUT_LIT(o, "}}");
}

void sim_gemini_problem(const struct sim_ask *ask, const struct sim_problem *p, struct out *o)
{
    bool array = ask != NULL && sim_gemini_framing(ask) == SIM_FRAMING_ARRAY;

    if (array)
        OUT_LIT(o, "[");
    put_problem(p, o);
    if (array)
        OUT_LIT(o, "\n]\n");
}

/* ---- answering ---- */

static bool begin(struct sim_talk *t, struct arena *a, struct out *o)
{
    OUT_LIT(o, "\"modelVersion\":");
    out_json(o, t->ask->model);
    OUT_LIT(o, ",\"responseId\":\"sim");
    out_hex(o, t->id);
    OUT_LIT(o, "\"}");
    t->prefix = arena_dup(a, out_str(o)); /* it stands at the end here */
    t->signature = arena_printf(a, SIM_GEMINI_SIGNATURE "%016llx",
                                (unsigned long long)sim_hash(t->id, t->reasoning.count));
    return t->prefix.ptr != NULL && t->signature.ptr != NULL;
}

static void put_usage(const struct sim_talk *t, struct out *o)
{
    bool zero = sim_talk_has(t, SIM_USAGE_ZERO);
    uint64_t prompt = zero ? 0 : t->ask->prompt_tokens, thoughts = zero ? 0 : t->reasoning.at;
    uint64_t said = zero ? 0 : t->completion_tokens - t->reasoning.at;

    said *= t->ask->choices > 0 ? t->ask->choices : 1;
    OUT_LIT(o, "\"usageMetadata\":{\"promptTokenCount\":");
    out_u64(o, prompt);
    OUT_LIT(o, ",\"candidatesTokenCount\":");
    out_u64(o, said);
    OUT_LIT(o, ",\"totalTokenCount\":");
    out_u64(o, prompt + said + thoughts);
    if (!sim_talk_has(t, SIM_USAGE_PLAIN)) {
        OUT_LIT(o, ",\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCount\":");
        out_u64(o, prompt);
        OUT_LIT(o, "}]");
        if (thoughts > 0) {
            OUT_LIT(o, ",\"thoughtsTokenCount\":");
            out_u64(o, thoughts);
        }
    }
    OUT_LIT(o, "},");
}

static void put_tail(const struct sim_talk *t, struct out *o, bool last)
{
    if (!sim_talk_has(t, SIM_USAGE_ABSENT) && (last || !sim_talk_has(t, SIM_USAGE_LAST_CHOICE)))
        put_usage(t, o);
    out_put(o, t->prefix);
}

static struct str finish_reason(const struct sim_talk *t)
{
    return t->by_length && t->tool_events == 0 ? STR("MAX_TOKENS") : STR("STOP");
}

static void put_signature(const struct sim_talk *t, struct out *o)
{
    OUT_LIT(o, ",\"thoughtSignature\":");
    out_json(o, t->signature);
}

static void put_call(const struct sim_talk *t, uint64_t call, struct out *o)
{
    OUT_LIT(o, "{\"functionCall\":{\"name\":");
    out_json(o, sim_talk_tool_name(t, call));
    OUT_LIT(o, ",\"args\":");
    sim_tool_arguments(call, 0, false, o);
    OUT_LIT(o, "}");
    if (call == 0 && t->reasoning.count > 0)
        put_signature(t, o);
    OUT_LIT(o, "}");
}

/* ---- its events ---- */

static void chunk_open(struct sim_talk *t, struct out *o)
{
    sim_frame_open(&t->frame, STR(""), o);
    if (t->frame.framing == SIM_FRAMING_ARRAY)
        out_put(o, t->blocks == 0 ? STR("[") : STR(",\r\n"));
    t->blocks++;
}

static void chunk_close(struct sim_talk *t, struct out *o, bool last)
{
    put_tail(t, o, last);
    sim_frame_close(&t->frame, o);
}

static void candidate_open(struct out *o)
{
    OUT_LIT(o, "{\"content\":{\"parts\":[");
}

static void candidate_close(struct out *o, struct str finish, unsigned nth)
{
    OUT_LIT(o, "],\"role\":\"model\"}");
    if (finish.len > 0) {
        OUT_LIT(o, ",\"finishReason\":");
        out_json(o, finish);
    }
    OUT_LIT(o, ",\"index\":");
    out_u64(o, nth);
    OUT_LIT(o, "}");
}

static void put_part(struct sim_talk *t, enum sim_event e, struct out *o)
{
    if (e == SIM_EVENT_TOOL) {
        put_call(t, sim_talk_tool(t, t->tool_at).call, o);
        return;
    }
    OUT_LIT(o, "{\"text\":\"");
    sim_text_take(e == SIM_EVENT_TEXT ? &t->text : &t->reasoning, o);
    out_put(o, e == SIM_EVENT_TEXT ? STR("\"}") : STR("\",\"thought\":true}"));
}

/* Each candidate says the same, so each starts from the same place in the text. */
static void put_content(struct sim_talk *t, enum sim_event e, struct out *o)
{
    struct sim_text text = t->text, reasoning = t->reasoning;

    chunk_open(t, o);
    OUT_LIT(o, "{\"candidates\":[");
    for (unsigned i = 0; i < t->ask->choices; i++) {
        t->text = text;
        t->reasoning = reasoning;
        if (i > 0)
            OUT_LIT(o, ",");
        candidate_open(o);
        put_part(t, e, o);
        candidate_close(o, STR(""), i);
    }
    OUT_LIT(o, "],");
    t->tool_at += e == SIM_EVENT_TOOL;
    chunk_close(t, o, false);
}

static void put_finish(struct sim_talk *t, struct out *o)
{
    chunk_open(t, o);
    OUT_LIT(o, "{\"candidates\":[");
    for (unsigned i = 0; i < t->ask->choices; i++) {
        if (i > 0)
            OUT_LIT(o, ",");
        candidate_open(o);
        OUT_LIT(o, "{\"text\":\"\"");
        if (t->reasoning.count > 0 && t->tool_events == 0)
            put_signature(t, o);
        OUT_LIT(o, "}");
        candidate_close(o, finish_reason(t), i);
    }
    OUT_LIT(o, "],");
    chunk_close(t, o, true);
}

static void put_no_candidates(struct sim_talk *t, struct out *o)
{
    chunk_open(t, o);
    OUT_LIT(o, "{");
    chunk_close(t, o, true);
}

static void put_data(struct sim_talk *t, struct str data, struct out *o)
{
    chunk_open(t, o);
    out_put(o, data);
    sim_frame_close(&t->frame, o);
}

static void put_done(struct sim_talk *t, struct out *o)
{
    if (t->frame.framing == SIM_FRAMING_ARRAY)
        out_put(o, t->blocks == 0 ? STR("[]\n") : STR("]\n"));
}

static void put_error(struct sim_talk *t, struct out *o)
{
    struct sim_problem p = sim_gemini_fault(SIM_ERROR_FIRST, 500);

    chunk_open(t, o);
    put_problem(&p, o);
    sim_frame_close(&t->frame, o);
    put_done(t, o);
}

static void event(struct sim_talk *t, enum sim_event e, struct out *o)
{
    switch (e) {
    case SIM_EVENT_OPEN: /* nothing comes before the content, but for whom wants it so */
        if (sim_talk_has(t, SIM_LIFECYCLE_ERROR))
            put_no_candidates(t, o);
        break;
    case SIM_EVENT_REASONING:
    case SIM_EVENT_TEXT:
    case SIM_EVENT_TOOL:
        put_content(t, e, o);
        break;
    case SIM_EVENT_FINISH:
        put_finish(t, o);
        break;
    case SIM_EVENT_USAGE:
        break; /* every event says it */
    case SIM_EVENT_DONE:
        put_done(t, o);
        break;
    case SIM_EVENT_ERROR:
        put_error(t, o);
        break;
    case SIM_EVENT_NULL:
        put_data(t, STR("null"), o);
        break;
    case SIM_EVENT_EMPTY_CHOICES:
        put_no_candidates(t, o);
        break;
    case SIM_EVENT_MALFORMED:
        put_data(t, STR("{\"candidates\":[{\"content\":{\"parts\":[{\"te"), o);
        break;
    }
}

/* ---- whole ---- */

static void put_whole_parts(const struct sim_talk *t, struct out *o)
{
    struct sim_text text = t->text, thoughts = t->reasoning;

    if (thoughts.count > 0) {
        OUT_LIT(o, "{\"text\":\"");
        sim_text_take_all(&thoughts, o);
        OUT_LIT(o, "\",\"thought\":true},");
    }
    for (uint64_t call = 0; call < sim_talk_calls(t); call++) {
        if (call > 0)
            OUT_LIT(o, ",");
        put_call(t, call, o);
    }
    if (t->tool_events > 0)
        return;
    OUT_LIT(o, "{\"text\":\"");
    sim_text_take_all(&text, o);
    OUT_LIT(o, "\"");
    if (t->reasoning.count > 0)
        put_signature(t, o);
    OUT_LIT(o, "}");
}

static void put_count(const struct sim_talk *t, struct out *o)
{
    OUT_LIT(o, "{\"totalTokens\":");
    out_u64(o, t->ask->prompt_tokens);
    OUT_LIT(o, ",\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCount\":");
    out_u64(o, t->ask->prompt_tokens);
    OUT_LIT(o, "}]}");
}

static void whole(struct sim_talk *t, struct out *o)
{
    if (t->ask->surface == COUNT) {
        put_count(t, o);
        return;
    }
    if (t->ask->surface >= EMBED) {
        sim_embed_gemini(t, t->ask->surface == EMBED_BATCH, o);
        return;
    }
    OUT_LIT(o, "{");
    for (unsigned i = 0; i < t->ask->choices; i++) {
        out_put(o, i == 0 ? STR("\"candidates\":[") : STR(","));
        candidate_open(o);
        put_whole_parts(t, o);
        candidate_close(o, finish_reason(t), i);
    }
    if (t->ask->choices > 0)
        OUT_LIT(o, "],");
    t->completion_tokens = sim_talk_left(t);
    t->reasoning.at = t->reasoning.count;
    put_tail(t, o, true);
}

static const enum sim_fault lacks[] = {SIM_NO_DONE,        SIM_TOOLS_INTERLEAVED, SIM_TOOLS_INDEX_0,
                                       SIM_TOOLS_NO_INDEX, SIM_VERSION_CHANGE,    SIM_NONE};

const struct sim_dialect sim_gemini = {
    .name = "gemini",
    .json_type = STR_INIT("application/json; charset=UTF-8"),
    .eol = STR_INIT("\r\n"),
    .lacks = lacks,
    .tools_whole = true,
    .retry_in_body = true,
    .claims = claims,
    .form = form,
    .model = sim_gemini_model,
    .read = sim_gemini_read,
    .framing = sim_gemini_framing,
    .fields = fields,
    .problem = sim_gemini_problem,
    .fault = sim_gemini_fault,
    .begin = begin,
    .event = event,
    .whole = whole,
};
