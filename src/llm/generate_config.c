/*
 * generationConfig: how an answer is to be written.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/generate_part.h"

/* clang-format off */
enum field {
    F_MAX_OUTPUT_TOKENS, F_TEMPERATURE, F_TOP_P, F_TOP_K, F_SEED, F_CANDIDATE_COUNT,
    F_PRESENCE_PENALTY, F_FREQUENCY_PENALTY, F_STOP_SEQUENCES, F_MIME_TYPE, F_SCHEMA,
    F_JSON_SCHEMA, F_OLD_JSON_SCHEMA, F_THINKING, F_RESPONSE_LOGPROBS, F_LOGPROBS, FIELDS
};
_Static_assert(FIELDS <= CHAT_OBJECT_MAX, "an object holds them");

static const struct str names[FIELDS] = {
    [F_MAX_OUTPUT_TOKENS] = STR_INIT("maxOutputTokens"),
    [F_TEMPERATURE] = STR_INIT("temperature"),
    [F_TOP_P] = STR_INIT("topP"),
    [F_TOP_K] = STR_INIT("topK"),
    [F_SEED] = STR_INIT("seed"),
    [F_CANDIDATE_COUNT] = STR_INIT("candidateCount"),
    [F_PRESENCE_PENALTY] = STR_INIT("presencePenalty"),
    [F_FREQUENCY_PENALTY] = STR_INIT("frequencyPenalty"),
    [F_STOP_SEQUENCES] = STR_INIT("stopSequences"),
    [F_MIME_TYPE] = STR_INIT("responseMimeType"),
    [F_SCHEMA] = STR_INIT("responseSchema"),
    [F_JSON_SCHEMA] = STR_INIT("responseJsonSchema"),
    [F_OLD_JSON_SCHEMA] = STR_INIT("_responseJsonSchema"), /* its name before it had one */
    [F_THINKING] = STR_INIT("thinkingConfig"),
    [F_RESPONSE_LOGPROBS] = STR_INIT("responseLogprobs"),
    [F_LOGPROBS] = STR_INIT("logprobs"),
};

static const struct {
    enum field field;
    size_t offset; /* of a struct str in a chat_request */
} numbers[] = {
    {F_MAX_OUTPUT_TOKENS, offsetof(struct chat_request, max_tokens)},
    {F_TEMPERATURE,       offsetof(struct chat_request, temperature)},
    {F_TOP_P,             offsetof(struct chat_request, top_p)},
    {F_TOP_K,             offsetof(struct chat_request, top_k)},
    {F_SEED,              offsetof(struct chat_request, seed)},
    {F_CANDIDATE_COUNT,   offsetof(struct chat_request, n)},
    {F_PRESENCE_PENALTY,  offsetof(struct chat_request, presence_penalty)},
    {F_FREQUENCY_PENALTY, offsetof(struct chat_request, frequency_penalty)},
};
/* clang-format on */

/* Of log probabilities nothing is passed on: not all targets tell them, and none in this form. */
static bool read_numbers(struct generate_reading *rd, struct chat_object *o)
{
    enum chat_tri logprobs = CHAT_UNSET;
    struct str count = {NULL, 0};

    for (size_t i = 0; i < COUNTOF(numbers); i++) {
        if (!object_number(o, numbers[i].field,
                           (struct str *)(void *)((char *)rd->request + numbers[i].offset)))
            return false;
    }
    if (!object_bool(o, F_RESPONSE_LOGPROBS, &logprobs) || !object_number(o, F_LOGPROBS, &count))
        return false;
    if (logprobs == CHAT_YES)
        chat_drop(rd->request, STR("generationConfig.responseLogprobs"));
    if (count.len > 0)
        chat_drop(rd->request, STR("generationConfig.logprobs"));
    return true;
}

static bool take_stop(struct generate_reading *rd, const struct chat_at *at, struct str value,
                      void *ctx)
{
    (void)ctx;
    if (json_type_of(value) != JSON_STRING)
        return fields_refuse(&rd->fields, at, "must be a string");
    rd->request->stop[rd->request->stop_count++] = value;
    return true;
}

static bool read_stops(struct generate_reading *rd, struct chat_object *o)
{
    struct chat_at at = object_at(o, F_STOP_SEQUENCES);
    struct str value = o->values[F_STOP_SEQUENCES];

    if (generate_items(value) == 0)
        return true;
    rd->request->stop =
        arena_array(rd->fields.arena, generate_items(value), sizeof(*rd->request->stop));
    return rd->request->stop != NULL ? generate_each(rd, &at, value, take_stop, NULL)
                                     : fields_no_room(&rd->fields);
}

/* ---- the form of the text ---- */

static bool take_schema(struct generate_reading *rd, struct chat_object *o)
{
    struct chat_request *r = rd->request;
    struct str json = o->values[F_JSON_SCHEMA];

    if (json.len == 0)
        json = o->values[F_OLD_JSON_SCHEMA];
    if (json.len == 0 && o->values[F_SCHEMA].len == 0)
        return true;
    r->schema = json.len > 0 ? json : generate_schema(rd->fields.arena, o->values[F_SCHEMA]);
    if (r->schema.ptr == NULL)
        return fields_no_room(&rd->fields);
    r->format = CHAT_FORMAT_SCHEMA;
    return true;
}

/* An enum is a text here, and JSON elsewhere: said in words it would not be kept to. */
static bool read_format(struct generate_reading *rd, struct chat_object *o)
{
    struct chat_at at = object_at(o, F_MIME_TYPE);
    struct json_text type = {NULL, 0};

    if (!object_text(o, F_MIME_TYPE, &type) || !object_type(o, F_SCHEMA, JSON_OBJECT) ||
        !object_type(o, F_JSON_SCHEMA, JSON_OBJECT) ||
        !object_type(o, F_OLD_JSON_SCHEMA, JSON_OBJECT))
        return false;
    if (json_text_is(type, STR("text/x.enum")))
        return fields_refuse(&rd->fields, &at,
                             "cannot be 'text/x.enum' here: only Gemini answers in that form");
    if (json_text_is(type, STR("application/json")))
        rd->request->format = CHAT_FORMAT_JSON;
    else if (type.len > 0 && !json_text_is(type, STR("text/plain")))
        return fields_refuse(&rd->fields, &at, "must be 'text/plain' or 'application/json'");
    return take_schema(rd, o);
}

/* ---- thinking ---- */

enum { T_BUDGET, T_LEVEL, T_SHOW, T_COUNT };

/* 0 is not at all, -1 as the model sees fit. */
static void take_budget(struct chat_reasoning *r, struct str budget)
{
    if (budget.len == 0)
        return;
    r->on = str_eq(budget, STR("0")) ? CHAT_NO : CHAT_YES;
    r->adaptive = budget.ptr[0] == '-';
    if (r->on == CHAT_YES && !r->adaptive)
        r->budget = budget;
}

static bool take_level(struct generate_reading *rd, struct chat_object *o)
{
    static const struct json_text levels[] = {
        {"minimal", 7}, {"low", 3}, {"medium", 6}, {"high", 4}};
    struct chat_at at = object_at(o, T_LEVEL);
    struct json_text word = {NULL, 0};

    if (!object_text(o, T_LEVEL, &word))
        return false;
    if (word.len == 0 || json_text_is(word, STR("THINKING_LEVEL_UNSPECIFIED")))
        return true;
    for (size_t i = 0; i < COUNTOF(levels); i++) {
        if (str_eq_nocase(str_make(word.ptr, word.len), str_make(levels[i].ptr, levels[i].len))) {
            rd->request->reasoning.effort = levels[i];
            return true;
        }
    }
    return fields_refuse(&rd->fields, &at, "must be 'MINIMAL', 'LOW', 'MEDIUM' or 'HIGH'");
}

static bool read_thinking(struct generate_reading *rd, struct chat_object *outer)
{
    static const struct str thinking[T_COUNT] = {
        STR_INIT("thinkingBudget"), STR_INIT("thinkingLevel"), STR_INIT("includeThoughts")};
    struct chat_object o = object_inside(outer, F_THINKING, thinking, T_COUNT);
    struct generate_unknown unknown = {rd, STR("generationConfig.thinkingConfig.")};
    struct chat_reasoning *r = &rd->request->reasoning;
    struct str budget = {NULL, 0};

    if (outer->values[F_THINKING].len == 0)
        return true;
    if (!object_pick(&o, outer->values[F_THINKING], generate_unknown, &unknown) ||
        !object_number(&o, T_BUDGET, &budget) || !take_level(rd, &o) ||
        !object_bool(&o, T_SHOW, &r->show))
        return false;
    take_budget(r, budget);
    /* Gemini thinks unless it is told not to: who wants to see the thoughts wants them made. */
    if (r->show == CHAT_YES && r->on == CHAT_UNSET && r->effort.len == 0) {
        r->on = CHAT_YES;
        r->adaptive = true;
    }
    return true;
}

bool generate_config(struct generate_reading *rd, struct str config)
{
    static const struct chat_at at = {.name = "generationConfig"};
    struct chat_object o = object_of(&rd->fields, &at, names, FIELDS);
    struct generate_unknown unknown = {rd, STR("generationConfig.")};

    if (config.len == 0)
        return true;
    return object_pick(&o, config, generate_unknown, &unknown) && read_numbers(rd, &o) &&
           read_stops(rd, &o) && read_format(rd, &o) && read_thinking(rd, &o);
}
