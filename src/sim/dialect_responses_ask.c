/*
 * dialect_responses_ask.c - reads requests as OpenAI's Responses API would, and refuses them in its
 * words.
 *
 * Strictly: parameters that are not known are refused, content has the type that belongs to its
 * role, an output answers a call, and encrypted reasoning comes back under the id it was given.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sim/dialect_openai.h"
#include "sim/dialect_responses.h"
#include "sim/json.h"

#define CALLS_MAX 256u

struct reading {
    struct sim_ask *ask;
    struct arena *arena;
    struct sim_problem *problem;
    struct str calls[CALLS_MAX]; /* their ids */
    unsigned call_count;
    struct str at; /* "input[3]" */
};

/* ---- refusing ---- */

static struct str inside(struct reading *r, const char *member)
{
    return arena_printf(r->arena, "%.*s.%s", STR_ARG(r->at), member);
}

static bool refuse_missing(struct reading *r, struct str param)
{
    return sim_openai_refuse(
        r->problem, param, STR("missing_required_parameter"),
        arena_printf(r->arena, "Missing required parameter: '%.*s'.", STR_ARG(param)));
}

static bool refuse_type(struct reading *r, struct str param, const char *expected)
{
    return sim_openai_refuse(
        r->problem, param, STR("invalid_type"),
        arena_printf(r->arena, "Invalid type for '%.*s': expected %s.", STR_ARG(param), expected));
}

static bool refuse_value(struct reading *r, struct str param, struct str value)
{
    return sim_openai_refuse(r->problem, param, STR("invalid_value"),
                             arena_printf(r->arena, "Invalid value: '%.*s'.", STR_ARG(value)));
}

static bool is_among(struct str s, const struct str *words, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (str_eq(words[i], s))
            return true;
    }
    return false;
}

/* A text that has to be there. */
static bool needs_text(struct reading *r, yyjson_val *object, const char *name)
{
    yyjson_val *v = yyjson_obj_get(object, name);

    if (v == NULL)
        return refuse_missing(r, inside(r, name));
    return yyjson_is_str(v) || refuse_type(r, inside(r, name), "a string");
}

static bool knows_all(struct reading *r, yyjson_val *object, const struct str *names, size_t n)
{
    yyjson_obj_iter it;
    yyjson_val *key;

    yyjson_obj_iter_init(object, &it);
    while ((key = yyjson_obj_iter_next(&it)) != NULL) {
        struct str name = str_make(yyjson_get_str(key), yyjson_get_len(key));

        if (is_among(name, names, n))
            continue;
        if (r->at.len > 0)
            name = arena_printf(r->arena, "%.*s.%.*s", STR_ARG(r->at), STR_ARG(name));
        else
            name = arena_dup(r->arena, name);
        return sim_openai_refuse(
            r->problem, name, STR("unknown_parameter"),
            arena_printf(r->arena, "Unknown parameter: '%.*s'.", STR_ARG(name)));
    }
    return true;
}

/* ---- content ---- */

static bool check_part(struct reading *r, yyjson_val *part, bool said)
{
    static const struct str of_user[] = {STR_INIT("input_text"), STR_INIT("input_image"),
                                         STR_INIT("input_file")};
    static const struct str of_assistant[] = {STR_INIT("output_text"), STR_INIT("refusal")};
    struct str type = sim_json_text(part, "type");

    if (type.len == 0)
        return refuse_missing(r, inside(r, "content[].type"));
    if (said ? !is_among(type, of_assistant, COUNTOF(of_assistant))
             : !is_among(type, of_user, COUNTOF(of_user)))
        return refuse_value(r, inside(r, "content[].type"), arena_dup(r->arena, type));
    if (str_eq(type, STR("input_file")) && yyjson_obj_get(part, "file_data") != NULL &&
        yyjson_obj_get(part, "filename") == NULL)
        return refuse_missing(r, inside(r, "content[].filename"));
    if (str_eq(type, STR("input_image")) && yyjson_obj_get(part, "file_id") == NULL &&
        !yyjson_is_str(yyjson_obj_get(part, "image_url")))
        return refuse_type(r, inside(r, "content[].image_url"), "an image URL");
    return true;
}

static uint64_t words_of(yyjson_val *text)
{
    return sim_words(str_make(yyjson_get_str(text), yyjson_get_len(text)));
}

/* A string or an array of parts; *ret_text is its (last) text. */
static bool read_content(struct reading *r, yyjson_val *content, const char *name, bool said,
                         struct str *ret_text)
{
    yyjson_arr_iter it;
    yyjson_val *part, *text = content;

    if (content == NULL)
        return refuse_missing(r, inside(r, name));
    if (!yyjson_is_str(content) && !yyjson_is_arr(content))
        return refuse_type(r, inside(r, name), "a string or an array of objects");
    if (yyjson_is_arr(content) && yyjson_arr_size(content) == 0)
        return refuse_value(r, inside(r, name), STR("[]"));
    yyjson_arr_iter_init(content, &it);
    while (yyjson_is_arr(content) && (part = yyjson_arr_iter_next(&it)) != NULL) {
        if (!check_part(r, part, said))
            return false;
        if (yyjson_obj_get(part, "text") != NULL)
            text = yyjson_obj_get(part, "text");
    }
    if (yyjson_is_str(text)) {
        r->ask->prompt_tokens += words_of(text);
        *ret_text = arena_dup(r->arena, str_make(yyjson_get_str(text), yyjson_get_len(text)));
    }
    return true;
}

/* ---- items ---- */

static bool read_message(struct reading *r, yyjson_val *item)
{
    static const struct str roles[] = {STR_INIT("user"), STR_INIT("assistant"), STR_INIT("system"),
                                       STR_INIT("developer")};
    static const struct str names[] = {STR_INIT("type"), STR_INIT("role"),   STR_INIT("content"),
                                       STR_INIT("id"),   STR_INIT("status"), STR_INIT("phase")};
    struct str role = sim_json_text(item, "role"), text = {NULL, 0};

    if (!is_among(role, roles, COUNTOF(roles)))
        return refuse_value(r, inside(r, "role"), arena_dup(r->arena, role));
    if (!knows_all(r, item, names, COUNTOF(names)) ||
        !read_content(r, yyjson_obj_get(item, "content"), "content", str_eq(role, STR("assistant")),
                      &text))
        return false;
    if (str_eq(role, STR("user")) || r->ask->text.ptr == NULL)
        r->ask->text = text;
    return true;
}

static bool read_call(struct reading *r, yyjson_val *item)
{
    if (!needs_text(r, item, "call_id") || !needs_text(r, item, "name") ||
        !needs_text(r, item, "arguments"))
        return false;
    if (r->call_count < CALLS_MAX)
        r->calls[r->call_count++] = arena_dup(r->arena, sim_json_text(item, "call_id"));
    return true;
}

static bool read_output(struct reading *r, yyjson_val *item)
{
    struct str id = sim_json_text(item, "call_id"), text = {NULL, 0};

    if (!needs_text(r, item, "call_id") ||
        !read_content(r, yyjson_obj_get(item, "output"), "output", false, &text))
        return false;
    if (is_among(id, r->calls, r->call_count))
        return true;
    return sim_openai_refuse(
        r->problem, STR("input"), STR(""),
        arena_printf(r->arena, "No tool call found for function call output with call_id %.*s.",
                     STR_ARG(id)));
}

struct str sim_responses_encrypted(struct str id, struct arena *a)
{
    return arena_printf(a, "gAAAAsim%016llx", (unsigned long long)sim_hash_str(0, id));
}

static bool read_reasoning(struct reading *r, yyjson_val *item)
{
    struct str id = sim_json_text(item, "id");
    struct str encrypted = sim_json_text(item, "encrypted_content");

    if (!yyjson_is_arr(yyjson_obj_get(item, "summary")))
        return refuse_missing(r, inside(r, "summary"));
    if (encrypted.len == 0 || str_eq(sim_responses_encrypted(id, r->arena), encrypted))
        return true;
    return sim_openai_refuse(
        r->problem, STR(""), STR("invalid_encrypted_content"),
        arena_printf(r->arena, "The encrypted content for item %.*s could not be verified.",
                     STR_ARG(id)));
}

static bool read_item(struct reading *r, yyjson_val *item)
{
    static const struct {
        struct str type;
        bool (*read)(struct reading *r, yyjson_val *item);
    } kinds[] = {
        {STR_INIT("message"), read_message},
        {STR_INIT("function_call"), read_call},
        {STR_INIT("function_call_output"), read_output},
        {STR_INIT("custom_tool_call"), NULL},
        {STR_INIT("custom_tool_call_output"), NULL},
        {STR_INIT("reasoning"), read_reasoning},
    };
    struct str type = sim_json_text(item, "type");

    if (type.len == 0)
        type = STR("message");
    for (size_t i = 0; i < COUNTOF(kinds); i++) {
        if (str_eq(type, kinds[i].type))
            return kinds[i].read == NULL || kinds[i].read(r, item);
    }
    return refuse_value(r, inside(r, "type"), arena_dup(r->arena, type));
}

static bool read_input(struct reading *r, yyjson_val *root)
{
    yyjson_val *input = yyjson_obj_get(root, "input"), *item;
    yyjson_arr_iter it;

    if (input == NULL)
        return refuse_missing(r, STR("input"));
    if (yyjson_is_str(input)) {
        r->ask->prompt_tokens += words_of(input);
        r->ask->text = arena_dup(r->arena, str_make(yyjson_get_str(input), yyjson_get_len(input)));
        return true;
    }
    if (!yyjson_is_arr(input) || yyjson_arr_size(input) == 0)
        return refuse_type(r, STR("input"), "a string or an array with at least one item");
    yyjson_arr_iter_init(input, &it);
    while ((item = yyjson_arr_iter_next(&it)) != NULL) {
        r->at = arena_printf(r->arena, "input[%u]", (unsigned)(it.idx - 1));
        if (!read_item(r, item))
            return false;
    }
    r->at = STR("");
    return true;
}

/* ---- settings ---- */

static bool read_tools(struct reading *r, yyjson_val *root)
{
    static const struct str names[] = {STR_INIT("type"), STR_INIT("name"), STR_INIT("description"),
                                       STR_INIT("parameters"), STR_INIT("strict")};
    yyjson_val *tools = yyjson_obj_get(root, "tools"), *tool;
    yyjson_arr_iter it;

    if (!yyjson_arr_iter_init(tools, &it))
        return tools == NULL || yyjson_is_arr(tools) ||
               refuse_type(r, STR("tools"), "an array of objects");
    while ((tool = yyjson_arr_iter_next(&it)) != NULL) {
        r->at = arena_printf(r->arena, "tools[%u]", (unsigned)(it.idx - 1));
        if (!needs_text(r, tool, "type"))
            return false;
        if (!str_eq(sim_json_text(tool, "type"), STR("function")))
            continue;
        if (!needs_text(r, tool, "name") || !knows_all(r, tool, names, COUNTOF(names)))
            return false;
        if (r->ask->tool_count < SIM_TOOLS_MAX)
            r->ask->tools[r->ask->tool_count++] = arena_dup(r->arena, sim_json_text(tool, "name"));
    }
    r->at = STR("");
    return true;
}

static bool read_format(struct reading *r, yyjson_val *root)
{
    yyjson_val *format = yyjson_obj_get(yyjson_obj_get(root, "text"), "format");

    if (!str_eq(sim_json_text(format, "type"), STR("json_schema")))
        return true;
    r->at = STR("text.format");
    if (!needs_text(r, format, "name"))
        return false;
    if (!yyjson_is_obj(yyjson_obj_get(format, "schema")))
        return refuse_missing(r, inside(r, "schema"));
    r->at = STR("");
    return true;
}

static bool read_limits(struct reading *r, yyjson_val *root)
{
    yyjson_val *max = yyjson_obj_get(root, "max_output_tokens");
    yyjson_val *heat = yyjson_obj_get(root, "temperature");
    yyjson_val *stream = yyjson_obj_get(root, "stream");

    if (max != NULL && !yyjson_is_null(max) && (!yyjson_is_uint(max) || yyjson_get_uint(max) == 0))
        return refuse_type(r, STR("max_output_tokens"), "an integer");
    if (heat != NULL && !yyjson_is_null(heat) &&
        (!yyjson_is_num(heat) || yyjson_get_num(heat) < 0 || yyjson_get_num(heat) > 2))
        return refuse_type(r, STR("temperature"), "a decimal from 0 to 2");
    if (stream != NULL && !yyjson_is_bool(stream) && !yyjson_is_null(stream))
        return refuse_type(r, STR("stream"), "a boolean");
    r->ask->tokens_max = yyjson_get_uint(max);
    r->ask->stream = yyjson_get_bool(stream);
    return true;
}

bool sim_responses_read(struct sim_ask *ask, struct arena *a, yyjson_val *root,
                        struct sim_problem *p)
{
    static const struct str names[] = {
        STR_INIT("background"),
        STR_INIT("conversation"),
        STR_INIT("include"),
        STR_INIT("input"),
        STR_INIT("instructions"),
        STR_INIT("max_output_tokens"),
        STR_INIT("max_tool_calls"),
        STR_INIT("metadata"),
        STR_INIT("model"),
        STR_INIT("parallel_tool_calls"),
        STR_INIT("previous_response_id"),
        STR_INIT("prompt"),
        STR_INIT("prompt_cache_key"),
        STR_INIT("prompt_cache_retention"),
        STR_INIT("reasoning"),
        STR_INIT("safety_identifier"),
        STR_INIT("service_tier"),
        STR_INIT("store"),
        STR_INIT("stream"),
        STR_INIT("stream_options"),
        STR_INIT("temperature"),
        STR_INIT("text"),
        STR_INIT("tool_choice"),
        STR_INIT("tools"),
        STR_INIT("top_logprobs"),
        STR_INIT("top_p"),
        STR_INIT("truncation"),
        STR_INIT("user"),
    };
    struct reading r = {.ask = ask, .arena = a, .problem = p};

    if (ask->model.len == 0)
        return refuse_missing(&r, STR("model"));
    return knows_all(&r, root, names, COUNTOF(names)) && read_limits(&r, root) &&
           read_input(&r, root) && read_tools(&r, root) && read_format(&r, root);
}
