/*
 * dialect_openai_ask.c - reads requests as OpenAI would, and refuses them in its words.
 *
 * What clients most often get wrong is checked; the rest is taken as it comes.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sim/dialect_openai.h"
#include "sim/json.h"

bool sim_openai_refuse(struct sim_problem *p, struct str param, struct str code, struct str message)
{
    *p = (struct sim_problem){.status = 400,
                              .message = message,
                              .type = STR("invalid_request_error"),
                              .code = code,
                              .param = param};
    return false;
}

static bool refuse(struct sim_problem *p, const char *param, struct str code, struct str message)
{
    return sim_openai_refuse(p, str_from(param), code, message);
}

static bool refuse_missing(struct sim_problem *p, struct arena *a, const char *param)
{
    return refuse(p, param, STR("missing_required_parameter"),
                  arena_printf(a, "Missing required parameter: '%s'.", param));
}

static bool refuse_type(struct sim_problem *p, struct arena *a, const char *param,
                        const char *expected, yyjson_val *got)
{
    return refuse(p, param, STR("invalid_type"),
                  arena_printf(a, "Invalid type for '%s': expected %s, but got a value of type %s.",
                               param, expected, yyjson_get_type_desc(got)));
}

static bool refuse_value(struct sim_problem *p, struct arena *a, const char *param,
                         const char *expected)
{
    return refuse(p, param, STR("invalid_value"),
                  arena_printf(a, "Invalid value for '%s': expected %s.", param, expected));
}

/* A whole number of at least 1, or absent (0), or null. */
static bool read_count(yyjson_val *root, const char *key, uint64_t max, struct arena *a,
                       uint64_t *ret_n, struct sim_problem *p)
{
    yyjson_val *v = yyjson_obj_get(root, key);

    if (v == NULL || yyjson_is_null(v))
        return true;
    if (!yyjson_is_int(v))
        return refuse_type(p, a, key, "an integer", v);
    if (yyjson_is_sint(v) || yyjson_get_uint(v) == 0 || yyjson_get_uint(v) > max)
        return refuse_value(p, a, key, "an integer within the documented range");
    *ret_n = yyjson_get_uint(v);
    return true;
}

static bool read_common(struct sim_ask *ask, struct arena *a, yyjson_val *root,
                        struct sim_problem *p)
{
    yyjson_val *stream = yyjson_obj_get(root, "stream");
    yyjson_val *heat = yyjson_obj_get(root, "temperature");
    uint64_t n = 1;

    if (stream != NULL && !yyjson_is_bool(stream) && !yyjson_is_null(stream))
        return refuse_type(p, a, "stream", "a boolean", stream);
    if (heat != NULL && !yyjson_is_num(heat) && !yyjson_is_null(heat))
        return refuse_type(p, a, "temperature", "a decimal", heat);
    if (yyjson_is_num(heat) && (yyjson_get_num(heat) < 0 || yyjson_get_num(heat) > 2))
        return refuse_value(p, a, "temperature", "a decimal from 0 to 2");
    if (!read_count(root, "n", SIM_CHOICES_MAX, a, &n, p) ||
        !read_count(root, "max_tokens", UINT32_MAX, a, &ask->tokens_max, p) ||
        !read_count(root, "max_completion_tokens", UINT32_MAX, a, &ask->tokens_max, p))
        return false;
    ask->choices = (unsigned)n;
    ask->stream = yyjson_get_bool(stream);
    ask->wants_usage =
        yyjson_get_bool(yyjson_obj_get(yyjson_obj_get(root, "stream_options"), "include_usage"));
    return true;
}

static struct str part_text(yyjson_val *part)
{
    if (yyjson_is_str(part))
        return str_make(yyjson_get_str(part), yyjson_get_len(part));
    return sim_json_text(part, "text");
}

static struct str join_parts(yyjson_val *content, struct arena *a)
{
    yyjson_arr_iter parts;
    yyjson_val *part;
    size_t len = 0, at = 0;
    char *joined;

    yyjson_arr_iter_init(content, &parts);
    while ((part = yyjson_arr_iter_next(&parts)) != NULL)
        len += part_text(part).len;
    joined = arena_bytes(a, len + 1);
    if (joined == NULL)
        return str_make(NULL, 0);
    yyjson_arr_iter_init(content, &parts);
    while ((part = yyjson_arr_iter_next(&parts)) != NULL) {
        struct str text = part_text(part);

        if (text.len > 0)
            memcpy(joined + at, text.ptr, text.len);
        at += text.len;
    }
    return str_make(joined, len);
}

/* The text of a message: a string, or the text parts of an array, joined. */
static struct str content_text(yyjson_val *content, struct arena *a)
{
    if (yyjson_is_arr(content))
        return join_parts(content, a);
    return arena_dup(a, part_text(content));
}

static uint64_t content_words(yyjson_val *content)
{
    yyjson_arr_iter parts;
    yyjson_val *part;
    uint64_t n = 0;

    if (yyjson_is_str(content))
        return sim_words(str_make(yyjson_get_str(content), yyjson_get_len(content)));
    if (!yyjson_arr_iter_init(content, &parts))
        return 0;
    while ((part = yyjson_arr_iter_next(&parts)) != NULL)
        n += sim_words(part_text(part));
    return n;
}

static bool read_messages(struct sim_ask *ask, struct arena *a, yyjson_val *root,
                          struct sim_problem *p)
{
    yyjson_val *messages = yyjson_obj_get(root, "messages"), *m, *last = NULL;
    bool from_user = false;
    yyjson_arr_iter it;

    if (messages == NULL)
        return refuse_missing(p, a, "messages");
    if (!yyjson_is_arr(messages))
        return refuse_type(p, a, "messages", "an array of objects", messages);
    if (yyjson_arr_size(messages) == 0)
        return refuse_value(p, a, "messages", "an array with at least one message");
    yyjson_arr_iter_init(messages, &it);
    while ((m = yyjson_arr_iter_next(&it)) != NULL) {
        bool user = str_eq(sim_json_text(m, "role"), STR("user"));

        if (sim_json_text(m, "role").ptr == NULL)
            return refuse_missing(p, a, "messages[].role");
        ask->prompt_tokens += content_words(yyjson_obj_get(m, "content"));
        if (user || !from_user)
            last = m;
        from_user |= user;
    }
    ask->text = content_text(yyjson_obj_get(last, "content"), a);
    return true;
}

static bool read_tools(struct sim_ask *ask, struct arena *a, yyjson_val *root,
                       struct sim_problem *p)
{
    yyjson_val *tools = yyjson_obj_get(root, "tools"), *tool;
    yyjson_arr_iter it;

    if (tools != NULL && !yyjson_is_arr(tools) && !yyjson_is_null(tools))
        return refuse_type(p, a, "tools", "an array of objects", tools);
    if (!yyjson_arr_iter_init(tools, &it))
        return true;
    while ((tool = yyjson_arr_iter_next(&it)) != NULL && ask->tool_count < SIM_TOOLS_MAX) {
        struct str name = sim_json_text(yyjson_obj_get(tool, "function"), "name");

        if (name.len > 0)
            ask->tools[ask->tool_count++] = arena_dup(a, name);
    }
    return true;
}

static bool read_prompt(struct sim_ask *ask, struct arena *a, yyjson_val *root,
                        struct sim_problem *p)
{
    yyjson_val *prompt = yyjson_obj_get(root, "prompt");

    if (prompt == NULL)
        return refuse_missing(p, a, "prompt");
    if (yyjson_is_arr(prompt))
        prompt = yyjson_arr_get_last(prompt);
    ask->text = content_text(prompt, a);
    ask->prompt_tokens = content_words(prompt);
    return true;
}

struct str sim_openai_model(const struct sim_ask *ask, struct arena *a, yyjson_val *root)
{
    (void)ask;
    (void)a;
    return sim_json_text(root, "model");
}

bool sim_openai_read(struct sim_ask *ask, struct arena *a, yyjson_val *root, struct sim_problem *p)
{
    if (ask->model.len == 0)
        return refuse(p, "model", STR("missing_required_parameter"),
                      STR("you must provide a model parameter"));
    switch ((enum sim_openai)ask->surface) {
    case CHAT:
        return read_common(ask, a, root, p) && read_messages(ask, a, root, p) &&
               read_tools(ask, a, root, p);
    case COMPLETIONS:
        return read_common(ask, a, root, p) && read_prompt(ask, a, root, p);
    case EMBEDDINGS:
        return yyjson_obj_get(root, "input") != NULL || refuse_missing(p, a, "input");
    case SPEECH:
        break;
    }
    return true;
}
