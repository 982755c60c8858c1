/*
 * A Chat Completions request, read into our own form.
 *
 * What has no place there goes to `extra` as it was written: a target that speaks this dialect gets
 * it back, any other drops it and says so.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/chat_read.h"

#include "llm/chat_text.h"
#include "llm/chat_write.h"

#define MODEL_BYTES_MAX 1024u /* it goes into headers, messages and the log */

/* clang-format off */
enum field {
    F_MODEL, F_MESSAGES, F_TOOLS, F_FUNCTIONS, F_TOOL_CHOICE, F_FUNCTION_CALL, F_PARALLEL,
    F_MAX_TOKENS, F_MAX_COMPLETION_TOKENS, F_TEMPERATURE, F_TOP_P, F_TOP_K, F_SEED, F_N,
    F_PRESENCE_PENALTY, F_FREQUENCY_PENALTY, F_LOGPROBS, F_TOP_LOGPROBS, F_STOP,
    F_RESPONSE_FORMAT, F_REASONING_EFFORT, F_REASONING, F_THINKING, F_USER, F_METADATA,
    F_SERVICE_TIER, F_STREAM, F_STREAM_OPTIONS, FIELDS
};
_Static_assert(FIELDS <= CHAT_OBJECT_MAX, "an object holds them");

static const struct str field_names[FIELDS] = {
    [F_MODEL] = STR_INIT("model"),
    [F_MESSAGES] = STR_INIT("messages"),
    [F_TOOLS] = STR_INIT("tools"),
    [F_FUNCTIONS] = STR_INIT("functions"),
    [F_TOOL_CHOICE] = STR_INIT("tool_choice"),
    [F_FUNCTION_CALL] = STR_INIT("function_call"),
    [F_PARALLEL] = STR_INIT("parallel_tool_calls"),
    [F_MAX_TOKENS] = STR_INIT("max_tokens"),
    [F_MAX_COMPLETION_TOKENS] = STR_INIT("max_completion_tokens"),
    [F_TEMPERATURE] = STR_INIT("temperature"),
    [F_TOP_P] = STR_INIT("top_p"),
    [F_TOP_K] = STR_INIT("top_k"),
    [F_SEED] = STR_INIT("seed"),
    [F_N] = STR_INIT("n"),
    [F_PRESENCE_PENALTY] = STR_INIT("presence_penalty"),
    [F_FREQUENCY_PENALTY] = STR_INIT("frequency_penalty"),
    [F_LOGPROBS] = STR_INIT("logprobs"),
    [F_TOP_LOGPROBS] = STR_INIT("top_logprobs"),
    [F_STOP] = STR_INIT("stop"),
    [F_RESPONSE_FORMAT] = STR_INIT("response_format"),
    [F_REASONING_EFFORT] = STR_INIT("reasoning_effort"),
    [F_REASONING] = STR_INIT("reasoning"),
    [F_THINKING] = STR_INIT("thinking"),
    [F_USER] = STR_INIT("user"),
    [F_METADATA] = STR_INIT("metadata"),
    [F_SERVICE_TIER] = STR_INIT("service_tier"),
    [F_STREAM] = STR_INIT("stream"),
    [F_STREAM_OPTIONS] = STR_INIT("stream_options"),
};

static const struct number {
    enum field field;
    size_t offset; /* of a struct str in a chat_request */
} numbers[] = {
    {F_MAX_TOKENS,            offsetof(struct chat_request, max_tokens)},
    {F_MAX_COMPLETION_TOKENS, offsetof(struct chat_request, max_tokens)}, /* last: it counts */
    {F_TEMPERATURE,           offsetof(struct chat_request, temperature)},
    {F_TOP_P,                 offsetof(struct chat_request, top_p)},
    {F_TOP_K,                 offsetof(struct chat_request, top_k)},
    {F_SEED,                  offsetof(struct chat_request, seed)},
    {F_N,                     offsetof(struct chat_request, n)},
    {F_PRESENCE_PENALTY,      offsetof(struct chat_request, presence_penalty)},
    {F_FREQUENCY_PENALTY,     offsetof(struct chat_request, frequency_penalty)},
    {F_TOP_LOGPROBS,          offsetof(struct chat_request, top_logprobs)},
};
/* clang-format on */

bool chat_read_unknown(void *ctx, const struct json_member *m)
{
    struct chat_unknown *u = ctx;
    struct arena *a = u->reading->fields.arena;
    struct str name;

    if (m->type == JSON_NULL || (m->type != JSON_STRING && json_is_empty(m->value)))
        return true;
    name = arena_join(a, (struct str[]){u->prefix, m->key}, 2);
    if (name.ptr == NULL)
        return fields_no_room(&u->reading->fields);
    chat_drop(u->reading->request, name);
    return true;
}

/* ---- what has no place ---- */

static bool add_extra(struct chat_reading *rd, struct str name, struct str value)
{
    struct chat_request *r = rd->request;

    if (r->extra_count == CHAT_EXTRA_MAX)
        return chat_refuse(rd->fields.problem, rd->fields.arena, "",
                           "the body has more than %u members that are not OpenAI's",
                           CHAT_EXTRA_MAX);
    r->extra[r->extra_count++] =
        (struct chat_extra){.vendor = CHAT_OPENAI, .name = name, .value = value};
    return true;
}

static bool take_extra(void *ctx, const struct json_member *m)
{
    return m->type == JSON_NULL || add_extra(ctx, m->key, m->value);
}

/* ---- single fields ---- */

static bool read_model(struct chat_object *top, struct chat_request *r)
{
    struct chat_at at = object_at(top, F_MODEL);
    struct str value = top->values[F_MODEL];

    if (value.len == 0)
        return fields_refuse(top->fields, &at, "is required");
    if (!object_type(top, F_MODEL, JSON_STRING))
        return false;
    if (value.len > MODEL_BYTES_MAX)
        return fields_refuse(top->fields, &at, "is longer than 1024 bytes");
    r->model = json_unescape(r->arena, value);
    if (r->model.ptr == NULL)
        return fields_refuse(top->fields, &at, "holds half a surrogate pair, or is too long");
    return r->model.len > 0 || fields_refuse(top->fields, &at, "must not be empty");
}

static bool read_numbers(struct chat_object *top, struct chat_request *r)
{
    enum chat_tri logprobs = CHAT_UNSET;

    for (size_t i = 0; i < COUNTOF(numbers); i++) {
        struct str *to = (struct str *)(void *)((char *)r + numbers[i].offset);

        if (!object_number(top, numbers[i].field, to))
            return false;
    }
    if (!object_bool(top, F_LOGPROBS, &logprobs))
        return false;
    r->logprobs = top->values[F_LOGPROBS];
    return true;
}

struct stops {
    struct chat_fields *fields;
    struct chat_request *request;
    struct chat_at at;
};

static bool take_stop(void *ctx, const struct json_member *m)
{
    struct stops *s = ctx;
    struct chat_at at = {.up = &s->at, .index = s->request->stop_count};

    if (m->type != JSON_STRING)
        return fields_refuse(s->fields, &at, "must be a string");
    s->request->stop[s->request->stop_count++] = m->value;
    return true;
}

static bool read_stop(struct chat_object *top, struct chat_request *r)
{
    struct stops s = {.fields = top->fields, .request = r, .at = object_at(top, F_STOP)};
    struct str value = top->values[F_STOP];
    enum json_type type = json_type_of(value);

    if (value.len == 0)
        return true;
    if (type != JSON_STRING && type != JSON_ARRAY)
        return fields_refuse(top->fields, &s.at, "must be a string or an array of strings");
    r->stop =
        arena_array(r->arena, type == JSON_STRING ? 1 : json_items(value) + 1, sizeof(*r->stop));
    if (r->stop == NULL)
        return fields_no_room(top->fields);
    if (type == JSON_ARRAY)
        return json_members(value, take_stop, &s);
    r->stop[r->stop_count++] = value;
    return true;
}

/* ---- response_format ---- */

static bool read_schema(struct chat_reading *rd, struct chat_object *format, unsigned field)
{
    enum { S_NAME, S_DESCRIPTION, S_SCHEMA, S_STRICT, S_COUNT };
    static const struct str names[S_COUNT] = {STR_INIT("name"), STR_INIT("description"),
                                              STR_INIT("schema"), STR_INIT("strict")};
    struct chat_object o = object_inside(format, field, names, S_COUNT);
    struct chat_unknown unknown = {rd, STR("response_format.json_schema.")};
    struct chat_request *r = rd->request;

    r->format = CHAT_FORMAT_SCHEMA;
    if (!object_needs(format, field) ||
        !object_pick(&o, format->values[field], chat_read_unknown, &unknown) ||
        !object_text(&o, S_NAME, &r->schema_name) ||
        !object_text(&o, S_DESCRIPTION, &r->schema_description) ||
        !object_type(&o, S_SCHEMA, JSON_OBJECT) || !object_bool(&o, S_STRICT, &r->schema_strict))
        return false;
    r->schema = o.values[S_SCHEMA];
    return true;
}

static bool read_format(struct chat_reading *rd, struct chat_object *top)
{
    enum { R_TYPE, R_SCHEMA, R_COUNT };
    static const struct str names[R_COUNT] = {STR_INIT("type"), STR_INIT("json_schema")};
    struct chat_object o = object_inside(top, F_RESPONSE_FORMAT, names, R_COUNT);
    struct str value = top->values[F_RESPONSE_FORMAT];
    struct chat_unknown unknown = {rd, STR("response_format.")};
    uint32_t known = rd->request->dropped_count;
    struct json_text type = {NULL, 0};

    if (value.len == 0)
        return true;
    if (!object_pick(&o, value, chat_read_unknown, &unknown) || !object_needs(&o, R_TYPE) ||
        !object_text(&o, R_TYPE, &type))
        return false;
    if (json_text_is(type, STR("text")))
        return true;
    if (json_text_is(type, STR("json_schema")))
        return read_schema(rd, &o, R_SCHEMA);
    if (!json_text_is(type, STR("json_object"))) { /* a grammar, a regex: all of it */
        rd->request->dropped_count = known;
        return add_extra(rd, field_names[F_RESPONSE_FORMAT], value);
    }
    rd->request->format = CHAT_FORMAT_JSON;
    return true;
}

/* ---- reasoning ---- */

static enum chat_tri opposite(enum chat_tri t)
{
    return t == CHAT_UNSET ? CHAT_UNSET : t == CHAT_YES ? CHAT_NO : CHAT_YES;
}

static bool read_openrouter(struct chat_reading *rd, struct chat_object *top)
{
    enum { O_EFFORT, O_MAX, O_ENABLED, O_EXCLUDE, O_COUNT };
    static const struct str names[O_COUNT] = {STR_INIT("effort"), STR_INIT("max_tokens"),
                                              STR_INIT("enabled"), STR_INIT("exclude")};
    struct chat_object o = object_inside(top, F_REASONING, names, O_COUNT);
    struct chat_unknown unknown = {rd, STR("reasoning.")};
    struct chat_reasoning *r = &rd->request->reasoning;
    enum chat_tri exclude = CHAT_UNSET;

    if (top->values[F_REASONING].len == 0)
        return true;
    if (!object_pick(&o, top->values[F_REASONING], chat_read_unknown, &unknown) ||
        !object_text(&o, O_EFFORT, &r->effort) || !object_number(&o, O_MAX, &r->budget) ||
        !object_bool(&o, O_ENABLED, &r->on) || !object_bool(&o, O_EXCLUDE, &exclude))
        return false;
    r->show = opposite(exclude);
    return true;
}

static bool read_thinking(struct chat_reading *rd, struct chat_object *top)
{
    enum { T_TYPE, T_BUDGET, T_COUNT };
    static const struct str names[T_COUNT] = {STR_INIT("type"), STR_INIT("budget_tokens")};
    struct chat_object o = object_inside(top, F_THINKING, names, T_COUNT);
    struct chat_unknown unknown = {rd, STR("thinking.")};
    struct chat_reasoning *r = &rd->request->reasoning;
    struct json_text type = {NULL, 0};

    if (top->values[F_THINKING].len == 0)
        return true;
    if (!object_pick(&o, top->values[F_THINKING], chat_read_unknown, &unknown) ||
        !object_needs(&o, T_TYPE) || !object_text(&o, T_TYPE, &type) ||
        !object_number(&o, T_BUDGET, &r->budget))
        return false;
    r->on = json_text_is(type, STR("disabled")) ? CHAT_NO : CHAT_YES;
    r->adaptive = json_text_is(type, STR("adaptive")) || json_text_is(type, STR("auto"));
    return true;
}

static bool read_reasoning(struct chat_reading *rd, struct chat_object *top)
{
    return read_openrouter(rd, top) && read_thinking(rd, top) &&
           object_text(top, F_REASONING_EFFORT, &rd->request->reasoning.effort);
}

/* ---- the rest ---- */

static bool read_stream(struct chat_object *top, struct chat_request *r)
{
    static const struct str names[] = {STR_INIT("include_usage")};
    struct chat_object o = object_inside(top, F_STREAM_OPTIONS, names, COUNTOF(names));
    enum chat_tri stream = CHAT_UNSET, usage = CHAT_UNSET;

    if (!object_bool(top, F_STREAM, &stream))
        return false;
    r->stream = stream == CHAT_YES;
    if (top->values[F_STREAM_OPTIONS].len == 0)
        return true;
    if (!object_pick(&o, top->values[F_STREAM_OPTIONS], NULL, NULL) || !object_bool(&o, 0, &usage))
        return false;
    r->wants_usage = usage == CHAT_YES;
    return true;
}

static bool read_words(struct chat_object *top, struct chat_request *r)
{
    if (!object_text(top, F_USER, &r->user) || !object_type(top, F_METADATA, JSON_OBJECT) ||
        !object_text(top, F_SERVICE_TIER, &r->service_tier) ||
        !object_bool(top, F_PARALLEL, &r->parallel_calls))
        return false;
    r->metadata = top->values[F_METADATA];
    return true;
}

static bool read_top(struct chat_reading *rd, struct str body)
{
    struct chat_object top = {.fields = &rd->fields, .names = field_names, .count = FIELDS};
    struct chat_request *r = rd->request;

    if (json_type_of(body) != JSON_OBJECT)
        return chat_refuse(rd->fields.problem, r->arena, "", "the body must be a JSON object");
    return object_pick(&top, body, take_extra, rd) && read_model(&top, r) &&
           object_needs(&top, F_MESSAGES) && read_stream(&top, r) && read_numbers(&top, r) &&
           read_words(&top, r) && read_stop(&top, r) && read_format(rd, &top) &&
           read_reasoning(rd, &top) && object_type(&top, F_TOOLS, JSON_ARRAY) &&
           object_type(&top, F_FUNCTIONS, JSON_ARRAY) &&
           chat_read_tools(rd, top.values[F_TOOLS], top.values[F_FUNCTIONS]) &&
           chat_read_tool_choice(rd, top.values[F_TOOL_CHOICE], top.values[F_FUNCTION_CALL]) &&
           object_type(&top, F_MESSAGES, JSON_ARRAY) &&
           chat_read_messages(rd, top.values[F_MESSAGES]);
}

static bool read_chat(struct arena *a, struct str body, unsigned depth_max,
                      struct chat_request *ret, struct chat_problem *p)
{
    struct chat_reading rd = {.fields = {.arena = a, .problem = p}, .request = ret};

    *ret = (struct chat_request){.arena = a};
    return chat_scan(a, body, depth_max, p) && read_top(&rd, body);
}

const struct chat_surface surface_chat = {
    .name = "chat",
    .id = CHAT_OPENAI,
    .read = read_chat,
    .writer_new = chat_writer_new,
    .put = chat_writer_put,
    .collect = chat_writer_collect,
    .write = chat_writer_write,
    .error_body = chat_error_body,
    .error_event = chat_error_event,
    .keepalive = STR_INIT(": keep-alive\n\n"),
};
