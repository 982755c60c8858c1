/*
 * A Responses request, read into our own form.
 *
 * Nothing is kept between requests: what refers to an earlier answer is refused rather than
 * answered without it, and `store` is answered with false.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/responses_read.h"

/* As written; the name goes into headers, messages and the log. */
#define MODEL_BYTES_MAX 1024u
#define NAME_BYTES_MAX 64u

/* clang-format off */
enum field {
    F_MODEL, F_INPUT, F_INSTRUCTIONS, F_TOOLS, F_TOOL_CHOICE, F_PARALLEL, F_MAX_OUTPUT_TOKENS,
    F_MAX_TOOL_CALLS, F_TEMPERATURE, F_TOP_P, F_PRESENCE_PENALTY, F_FREQUENCY_PENALTY,
    F_TOP_LOGPROBS, F_REASONING, F_TEXT, F_METADATA, F_USER, F_SAFETY_IDENTIFIER,
    F_PROMPT_CACHE_KEY, F_PROMPT_CACHE_RETENTION, F_SERVICE_TIER, F_STREAM, F_STREAM_OPTIONS,
    F_INCLUDE, F_STORE, F_TRUNCATION, F_BACKGROUND, F_PREVIOUS_RESPONSE_ID, F_CONVERSATION,
    F_PROMPT, FIELDS
};
_Static_assert(FIELDS <= CHAT_OBJECT_MAX, "an object holds them");

static const struct str field_names[FIELDS] = {
    [F_MODEL] = STR_INIT("model"),
    [F_INPUT] = STR_INIT("input"),
    [F_INSTRUCTIONS] = STR_INIT("instructions"),
    [F_TOOLS] = STR_INIT("tools"),
    [F_TOOL_CHOICE] = STR_INIT("tool_choice"),
    [F_PARALLEL] = STR_INIT("parallel_tool_calls"),
    [F_MAX_OUTPUT_TOKENS] = STR_INIT("max_output_tokens"),
    [F_MAX_TOOL_CALLS] = STR_INIT("max_tool_calls"),
    [F_TEMPERATURE] = STR_INIT("temperature"),
    [F_TOP_P] = STR_INIT("top_p"),
    [F_PRESENCE_PENALTY] = STR_INIT("presence_penalty"),
    [F_FREQUENCY_PENALTY] = STR_INIT("frequency_penalty"),
    [F_TOP_LOGPROBS] = STR_INIT("top_logprobs"),
    [F_REASONING] = STR_INIT("reasoning"),
    [F_TEXT] = STR_INIT("text"),
    [F_METADATA] = STR_INIT("metadata"),
    [F_USER] = STR_INIT("user"),
    [F_SAFETY_IDENTIFIER] = STR_INIT("safety_identifier"),
    [F_PROMPT_CACHE_KEY] = STR_INIT("prompt_cache_key"),
    [F_PROMPT_CACHE_RETENTION] = STR_INIT("prompt_cache_retention"),
    [F_SERVICE_TIER] = STR_INIT("service_tier"),
    [F_STREAM] = STR_INIT("stream"),
    [F_STREAM_OPTIONS] = STR_INIT("stream_options"),
    [F_INCLUDE] = STR_INIT("include"),
    [F_STORE] = STR_INIT("store"),
    [F_TRUNCATION] = STR_INIT("truncation"),
    [F_BACKGROUND] = STR_INIT("background"),
    [F_PREVIOUS_RESPONSE_ID] = STR_INIT("previous_response_id"),
    [F_CONVERSATION] = STR_INIT("conversation"),
    [F_PROMPT] = STR_INIT("prompt"),
};

/* Numbers, where they go and where they are repeated from. */
static const struct {
    enum field field;
    size_t request; /* offsets of a struct str */
    size_t echo;
} numbers[] = {
    {F_MAX_OUTPUT_TOKENS, offsetof(struct chat_request, max_tokens),        offsetof(struct chat_echo, max_output_tokens)},
    {F_TEMPERATURE,       offsetof(struct chat_request, temperature),       offsetof(struct chat_echo, temperature)},
    {F_TOP_P,             offsetof(struct chat_request, top_p),             offsetof(struct chat_echo, top_p)},
    {F_PRESENCE_PENALTY,  offsetof(struct chat_request, presence_penalty),  offsetof(struct chat_echo, presence_penalty)},
    {F_FREQUENCY_PENALTY, offsetof(struct chat_request, frequency_penalty), offsetof(struct chat_echo, frequency_penalty)},
};

/* Words that Chat Completions has under the same name, and no other dialect has at all. */
static const struct {
    enum field field;
    size_t echo;
} words[] = {
    {F_SAFETY_IDENTIFIER,      offsetof(struct chat_echo, safety_identifier)},
    {F_PROMPT_CACHE_KEY,       offsetof(struct chat_echo, prompt_cache_key)},
    {F_PROMPT_CACHE_RETENTION, offsetof(struct chat_echo, prompt_cache_retention)},
};

/* What would need an earlier answer, or something else that is kept elsewhere. */
static const struct {
    enum field field;
    const char *why;
} refused[] = {
    {F_PREVIOUS_RESPONSE_ID, "cannot be used here: responses are not stored; send the earlier items in 'input'"},
    {F_CONVERSATION,         "cannot be used here: conversations are not stored; send the earlier items in 'input'"},
    {F_PROMPT,               "cannot be used here: prompt templates are kept by OpenAI; send 'instructions' and 'input'"},
};
/* clang-format on */

/* ---- what is not read ---- */

static bool is_name(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = ascii_lower(s.ptr[i]);

        if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '-' && c != '.')
            return false;
    }
    return s.len > 0 && s.len <= NAME_BYTES_MAX;
}

bool responses_drop(struct responses_reading *rd, struct str prefix, struct str name)
{
    struct str whole;

    if (!is_name(name))
        return true;
    whole = arena_join(rd->fields.arena, (struct str[]){prefix, name}, 2);
    if (whole.ptr == NULL)
        return fields_no_room(&rd->fields);
    chat_drop(rd->request, whole);
    return true;
}

bool responses_unknown(void *ctx, const struct json_member *m)
{
    struct responses_unknown *u = ctx;

    if (m->type == JSON_NULL || (m->type == JSON_ARRAY && json_is_empty(m->value)))
        return true;
    return responses_drop(u->reading, u->prefix, m->key);
}

static bool add_extra(struct responses_reading *rd, struct str name, struct str value)
{
    struct chat_request *r = rd->request;

    assert(r->extra_count < CHAT_EXTRA_MAX); /* the names are constants, and few */
    r->extra[r->extra_count++] =
        (struct chat_extra){.vendor = CHAT_OPENAI, .name = name, .value = value};
    return true;
}

/* ---- single fields ---- */

static bool read_model(struct chat_object *top, struct chat_request *r)
{
    struct chat_at at = object_at(top, F_MODEL);
    struct str value = top->values[F_MODEL];

    if (!object_needs(top, F_MODEL) || !object_type(top, F_MODEL, JSON_STRING))
        return false;
    if (value.len > MODEL_BYTES_MAX)
        return fields_refuse(top->fields, &at, "is longer than 1024 bytes");
    r->model = json_unescape(r->arena, value);
    if (r->model.ptr == NULL)
        return fields_refuse(top->fields, &at, "holds half a surrogate pair, or is too long");
    return r->model.len > 0 || fields_refuse(top->fields, &at, "must not be empty");
}

static struct str *at_offset(void *base, size_t offset)
{
    return (struct str *)(void *)((char *)base + offset);
}

/* Of log probabilities nothing is passed on: not all targets tell them, and none in this form. */
static bool read_numbers(struct responses_reading *rd, struct chat_object *top)
{
    struct str top_logprobs = {NULL, 0};

    for (size_t i = 0; i < COUNTOF(numbers); i++) {
        struct str *to = at_offset(rd->request, numbers[i].request);

        if (!object_number(top, numbers[i].field, to))
            return false;
        *at_offset(rd->echo, numbers[i].echo) = *to;
    }
    if (!object_number(top, F_MAX_TOOL_CALLS, &rd->echo->max_tool_calls) ||
        !object_number(top, F_TOP_LOGPROBS, &top_logprobs))
        return false;
    if (rd->echo->max_tool_calls.len > 0)
        chat_drop(rd->request, field_names[F_MAX_TOOL_CALLS]);
    if (top_logprobs.len > 0 && !str_eq(top_logprobs, STR("0")))
        chat_drop(rd->request, field_names[F_TOP_LOGPROBS]);
    return true;
}

static bool read_words(struct responses_reading *rd, struct chat_object *top)
{
    struct chat_request *r = rd->request;

    for (size_t i = 0; i < COUNTOF(words); i++) {
        struct str value = top->values[words[i].field];

        if (!object_type(top, words[i].field, JSON_STRING))
            return false;
        *at_offset(rd->echo, words[i].echo) = value;
        if (value.len > 0)
            add_extra(rd, field_names[words[i].field], value);
    }
    if (!object_text(top, F_USER, &r->user) || !object_type(top, F_METADATA, JSON_OBJECT) ||
        !object_text(top, F_SERVICE_TIER, &r->service_tier) ||
        !object_bool(top, F_PARALLEL, &r->parallel_calls))
        return false;
    r->metadata = top->values[F_METADATA];
    rd->echo->metadata = r->metadata;
    rd->echo->user = top->values[F_USER];
    rd->echo->service_tier = top->values[F_SERVICE_TIER];
    rd->echo->serial = r->parallel_calls == CHAT_NO;
    return true;
}

static bool read_stream(struct chat_object *top, struct chat_request *r)
{
    enum chat_tri stream = CHAT_UNSET;

    if (!object_bool(top, F_STREAM, &stream) ||
        !object_type(top, F_STREAM_OPTIONS, JSON_OBJECT)) /* padding, which we never add */
        return false;
    r->stream = stream == CHAT_YES;
    r->wants_usage = true; /* every answer of this API has it */
    return true;
}

/* ---- what is kept elsewhere ---- */

static bool read_kept(struct responses_reading *rd, struct chat_object *top)
{
    enum chat_tri store = CHAT_UNSET, background = CHAT_UNSET;
    struct chat_at at = object_at(top, F_BACKGROUND);

    for (size_t i = 0; i < COUNTOF(refused); i++) {
        struct chat_at field = object_at(top, refused[i].field);

        if (top->values[refused[i].field].len > 0)
            return fields_refuse(&rd->fields, &field, refused[i].why);
    }
    if (!object_bool(top, F_STORE, &store) || !object_bool(top, F_BACKGROUND, &background))
        return false;
    if (background == CHAT_YES)
        return fields_refuse(&rd->fields, &at, "cannot be true here: responses are not stored");
    if (store == CHAT_YES)
        chat_drop(rd->request, field_names[F_STORE]);
    return true;
}

static bool take_include(void *ctx, const struct json_member *m)
{
    struct responses_reading *rd = ctx;
    static const struct chat_at at = {.name = "include"};

    if (m->type != JSON_STRING)
        return fields_refuse(&rd->fields, &at, "must be an array of strings");
    if (!str_eq(m->value, STR("\"reasoning.encrypted_content\""))) /* it is always there */
        chat_drop(rd->request, field_names[F_INCLUDE]);
    return true;
}

static bool read_asides(struct responses_reading *rd, struct chat_object *top)
{
    struct json_text truncation = {NULL, 0};
    struct str include = top->values[F_INCLUDE];

    if (!object_text(top, F_TRUNCATION, &truncation) || !object_type(top, F_INCLUDE, JSON_ARRAY))
        return false;
    if (truncation.ptr != NULL && !json_text_is(truncation, STR("disabled")))
        chat_drop(rd->request, field_names[F_TRUNCATION]);
    return include.len == 0 || json_members(include, take_include, rd);
}

/* ---- reasoning and the form of the text ---- */

static bool read_reasoning(struct responses_reading *rd, struct chat_object *top)
{
    enum { R_EFFORT, R_SUMMARY, R_OLD_SUMMARY, R_COUNT };
    static const struct str names[R_COUNT] = {STR_INIT("effort"), STR_INIT("summary"),
                                              STR_INIT("generate_summary")};
    struct chat_object o = object_inside(top, F_REASONING, names, R_COUNT);
    struct responses_unknown unknown = {rd, STR("reasoning.")};
    struct str value = top->values[F_REASONING];

    if (value.len == 0)
        return true;
    if (!object_pick(&o, value, responses_unknown, &unknown) ||
        !object_text(&o, R_EFFORT, &rd->request->reasoning.effort) ||
        !object_type(&o, R_SUMMARY, JSON_STRING) || !object_type(&o, R_OLD_SUMMARY, JSON_STRING))
        return false;
    rd->echo->effort = o.values[R_EFFORT];
    rd->echo->summary = o.values[o.values[R_SUMMARY].len > 0 ? R_SUMMARY : R_OLD_SUMMARY];
    if (rd->echo->summary.len > 0)
        rd->request->reasoning.show = CHAT_YES;
    return true;
}

enum { T_FORMAT, T_VERBOSITY, T_COUNT };

static bool read_format(struct responses_reading *rd, struct chat_object *text)
{
    enum { M_TYPE, M_NAME, M_DESCRIPTION, M_SCHEMA, M_STRICT, M_COUNT };
    static const struct str names[M_COUNT] = {STR_INIT("type"), STR_INIT("name"),
                                              STR_INIT("description"), STR_INIT("schema"),
                                              STR_INIT("strict")};
    struct chat_object o = object_inside(text, T_FORMAT, names, M_COUNT);
    struct responses_unknown unknown = {rd, STR("text.format.")};
    struct chat_request *r = rd->request;
    struct json_text type = {NULL, 0};
    struct chat_at at;

    if (!object_pick(&o, text->values[T_FORMAT], responses_unknown, &unknown) ||
        !object_needs(&o, M_TYPE) || !object_text(&o, M_TYPE, &type))
        return false;
    if (json_text_is(type, STR("text")))
        return true;
    if (json_text_is(type, STR("json_object"))) {
        r->format = CHAT_FORMAT_JSON;
        return true;
    }
    at = object_at(&o, M_TYPE);
    if (!json_text_is(type, STR("json_schema")))
        return fields_refuse(&rd->fields, &at, "must be 'text', 'json_object' or 'json_schema'");
    if (!object_needs(&o, M_NAME) || !object_text(&o, M_NAME, &r->schema_name) ||
        !object_text(&o, M_DESCRIPTION, &r->schema_description) || !object_needs(&o, M_SCHEMA) ||
        !object_type(&o, M_SCHEMA, JSON_OBJECT) || !object_bool(&o, M_STRICT, &r->schema_strict))
        return false;
    r->format = CHAT_FORMAT_SCHEMA;
    r->schema = o.values[M_SCHEMA];
    return true;
}

static bool read_text(struct responses_reading *rd, struct chat_object *top)
{
    static const struct str names[T_COUNT] = {STR_INIT("format"), STR_INIT("verbosity")};
    struct chat_object o = object_inside(top, F_TEXT, names, T_COUNT);
    struct responses_unknown unknown = {rd, STR("text.")};

    if (top->values[F_TEXT].len == 0)
        return true;
    if (!object_pick(&o, top->values[F_TEXT], responses_unknown, &unknown) ||
        !object_type(&o, T_VERBOSITY, JSON_STRING))
        return false;
    rd->echo->format = o.values[T_FORMAT];
    rd->echo->verbosity = o.values[T_VERBOSITY];
    if (rd->echo->verbosity.len > 0)
        add_extra(rd, STR("verbosity"), rd->echo->verbosity);
    return rd->echo->format.len == 0 || read_format(rd, &o);
}

/* ---- the body ---- */

static bool read_top(struct responses_reading *rd, struct str body)
{
    struct chat_object top = {.fields = &rd->fields, .names = field_names, .count = FIELDS};
    struct responses_unknown unknown = {rd, STR("")};
    struct chat_request *r = rd->request;

    if (json_type_of(body) != JSON_OBJECT)
        return chat_refuse(rd->fields.problem, r->arena, "", "the body must be a JSON object");
    if (!object_pick(&top, body, responses_unknown, &unknown) || !read_model(&top, r) ||
        !object_needs(&top, F_INPUT) || !object_type(&top, F_INSTRUCTIONS, JSON_STRING))
        return false;
    rd->echo->instructions = top.values[F_INSTRUCTIONS];
    return read_kept(rd, &top) && read_stream(&top, r) && read_numbers(rd, &top) &&
           read_words(rd, &top) && read_asides(rd, &top) && read_reasoning(rd, &top) &&
           read_text(rd, &top) && object_type(&top, F_TOOLS, JSON_ARRAY) &&
           responses_tools(rd, top.values[F_TOOLS], top.values[F_TOOL_CHOICE]) &&
           responses_input(rd, top.values[F_INSTRUCTIONS], top.values[F_INPUT]);
}

bool responses_read(struct arena *a, struct str body, unsigned depth_max, struct chat_request *ret,
                    struct chat_problem *p)
{
    struct responses_reading rd = {.fields = {.arena = a, .problem = p}, .request = ret};

    *ret = (struct chat_request){.arena = a};
    if (!chat_scan(a, body, depth_max, p))
        return false;
    rd.echo = ARENA_NEW(a, struct chat_echo);
    if (rd.echo == NULL)
        return fields_no_room(&rd.fields);
    ret->echo = rd.echo;
    return read_top(&rd, body);
}
