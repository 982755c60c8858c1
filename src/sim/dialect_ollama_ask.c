/*
 * dialect_ollama_ask.c - reads requests as Ollama would, and refuses them in its words.
 *
 * It is a Go program that reads into structs: what it does not know it ignores, a value of another
 * type it refuses.  A content is a string there, never a list of parts, and a call's arguments are
 * an object, never a string.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sim/dialect_ollama.h"
#include "sim/json.h"
#include "sim/shape.h"

#define OR_NULL SHAPE_NULL

static const struct shape_member called_members[] = {
    SHAPE("index", SHAPE_INT),
    SHAPE("name", SHAPE_STRING),
    SHAPE("arguments", SHAPE_OBJECT | OR_NULL),
};
static const struct shape called = {SHAPE_OF(called_members), .open = true};
static const struct shape_member call_members[] = {SHAPE("id", SHAPE_STRING),
                                                   SHAPE_IN("function", SHAPE_OBJECT, &called)};
static const struct shape call = {SHAPE_OF(call_members), .open = true};
static const struct shape_member message_members[] = {
    SHAPE("role", SHAPE_STRING),
    SHAPE("content", SHAPE_STRING | OR_NULL),
    SHAPE("thinking", SHAPE_STRING | OR_NULL),
    SHAPE("images", SHAPE_ARRAY | SHAPE_TEXTS | OR_NULL),
    SHAPE_IN("tool_calls", SHAPE_ARRAY | OR_NULL, &call),
    SHAPE("tool_name", SHAPE_STRING),
    SHAPE("tool_call_id", SHAPE_STRING),
};
static const struct shape message = {SHAPE_OF(message_members), .open = true};

static const struct shape_member function_members[] = {
    SHAPE("name", SHAPE_STRING),
    SHAPE("description", SHAPE_STRING | OR_NULL),
    SHAPE("parameters", SHAPE_OBJECT | OR_NULL),
};
static const struct shape function = {SHAPE_OF(function_members), .open = true};
static const struct shape_member tool_members[] = {SHAPE("type", SHAPE_STRING),
                                                   SHAPE_IN("function", SHAPE_OBJECT, &function)};
static const struct shape tool = {SHAPE_OF(tool_members), .open = true};

static const struct shape_member root_members[] = {
    SHAPE("model", SHAPE_STRING),
    SHAPE_IN("messages", SHAPE_ARRAY | OR_NULL, &message),
    SHAPE("stream", SHAPE_BOOL | OR_NULL),
    SHAPE("format", SHAPE_STRING | SHAPE_OBJECT | OR_NULL),
    SHAPE("keep_alive", SHAPE_STRING | SHAPE_NUMBER | OR_NULL),
    SHAPE_IN("tools", SHAPE_ARRAY | OR_NULL, &tool),
    SHAPE("options", SHAPE_OBJECT | OR_NULL),
    SHAPE("think", SHAPE_BOOL | SHAPE_STRING | OR_NULL),
};
static const struct shape chat = {SHAPE_OF(root_members), .open = true};

/* ---- Types */

static const char *kind_of(yyjson_val *v)
{
    if (yyjson_is_arr(v))
        return "array";
    if (yyjson_is_obj(v))
        return "object";
    if (yyjson_is_str(v))
        return "string";
    return yyjson_is_bool(v) ? "bool" : "number";
}

static const char *go_type(const struct shape_member *m)
{
    if ((m->types & SHAPE_ARRAY) != 0)
        return (m->types & SHAPE_TEXTS) != 0 ? "api.ImageData" : "[]api.Message";
    if ((m->types & SHAPE_OBJECT) != 0)
        return "map[string]interface {}";
    if ((m->types & SHAPE_STRING) != 0)
        return "string";
    return (m->types & SHAPE_BOOL) != 0 ? "bool" : "int";
}

static bool check_types(struct arena *a, yyjson_val *root, struct sim_problem *p)
{
    struct shape_flaw f = {.wrong = SHAPE_FITS};

    if (shape_fits(&chat, root, SHAPE_FIELDS, a, &f))
        return true;
    return sim_refuse(
        p, arena_printf(a,
                        "json: cannot unmarshal %s into Go struct field ChatRequest.%.*s "
                        "of type %s",
                        kind_of(f.got), STR_ARG(f.place), go_type(f.member)));
}

static bool check_option(struct arena *a, yyjson_val *v, const char *name, bool whole,
                         struct sim_problem *p)
{
    if (v == NULL || (whole ? yyjson_is_int(v) : yyjson_is_num(v)))
        return true;
    return sim_refuse(p, arena_printf(a, "option \"%s\" must be of type %s", name,
                                      whole ? "integer" : "float32"));
}

static bool read_options(struct sim_ask *ask, struct arena *a, yyjson_val *root,
                         struct sim_problem *p)
{
    static const struct {
        const char *name;
        bool whole;
    } known[] = {{"temperature", false},
                 {"top_p", false},
                 {"repeat_penalty", false},
                 {"top_k", true},
                 {"num_ctx", true},
                 {"num_predict", true},
                 {"seed", true},
                 {"presence_penalty", false},
                 {"frequency_penalty", false}};
    yyjson_val *options = yyjson_obj_get(root, "options");
    yyjson_val *max = yyjson_obj_get(options, "num_predict"), *stop;

    for (size_t i = 0; i < COUNTOF(known); i++) {
        if (!check_option(a, yyjson_obj_get(options, known[i].name), known[i].name, known[i].whole,
                          p))
            return false;
    }
    stop = yyjson_obj_get(options, "stop");
    if (stop != NULL && !yyjson_is_arr(stop))
        return sim_refuse(p, STR("option \"stop\" must be of type array"));
    ask->tokens_max = yyjson_is_uint(max) ? yyjson_get_uint(max) : 0; /* -1: as many as it likes */
    return true;
}

static bool read_think(struct arena *a, yyjson_val *root, struct sim_problem *p)
{
    struct str think = sim_json_text(root, "think");

    if (think.ptr == NULL || str_eq(think, STR("high")) || str_eq(think, STR("medium")) ||
        str_eq(think, STR("low")))
        return true;
    return sim_refuse(p,
                      arena_printf(a,
                                   "invalid think value: \"%.*s\" (must be \"high\", \"medium\", "
                                   "\"low\", true, or false)",
                                   STR_ARG(think)));
}

/* ---- Messages */

static bool is_role(struct str role)
{
    static const struct str roles[] = {STR_INIT("system"), STR_INIT("user"), STR_INIT("assistant"),
                                       STR_INIT("tool")};

    for (size_t i = 0; i < COUNTOF(roles); i++) {
        if (str_eq_nocase(roles[i], role))
            return true;
    }
    return false;
}

/* A result needs a call before it that was not answered yet. */
static bool count_calls(yyjson_val *m, struct str role, uint64_t *open, struct sim_problem *p)
{
    if (str_eq(role, STR("tool"))) {
        if (*open == 0)
            return sim_refuse(p, STR("a tool message answers no tool call"));
        *open -= 1;
    } else {
        *open = yyjson_arr_size(yyjson_obj_get(m, "tool_calls"));
    }
    return true;
}

static bool read_messages(struct sim_ask *ask, struct arena *a, yyjson_val *root,
                          struct sim_problem *p)
{
    yyjson_val *messages = yyjson_obj_get(root, "messages"), *m;
    uint64_t open = 0;
    size_t at, max;

    yyjson_arr_foreach(messages, at, max, m)
    {
        struct str role = sim_json_text(m, "role"), said = sim_json_text(m, "content");

        if (!is_role(role))
            return sim_refuse(p, arena_printf(a, "invalid role: \"%.*s\"", STR_ARG(role)));
        if (!count_calls(m, role, &open, p))
            return false;
        ask->prompt_tokens += sim_words(said);
        if (str_eq_nocase(role, STR("user")) && said.len > 0)
            ask->text = said;
    }
    ask->text = arena_dup(a, ask->text);
    return true;
}

static void read_tools(struct sim_ask *ask, struct arena *a, yyjson_val *root)
{
    yyjson_val *tools = yyjson_obj_get(root, "tools"), *t;
    size_t at, max;

    yyjson_arr_foreach(tools, at, max, t)
    {
        struct str name = sim_json_text(yyjson_obj_get(t, "function"), "name");

        if (name.len > 0 && ask->tool_count < SIM_TOOLS_MAX)
            ask->tools[ask->tool_count++] = arena_dup(a, name);
    }
}

/* ---- Embeddings */

static bool read_embed(struct arena *a, yyjson_val *root, struct sim_problem *p)
{
    yyjson_val *input = yyjson_obj_get(root, "input"), *dims = yyjson_obj_get(root, "dimensions");
    yyjson_val *text;
    size_t at, max;

    if (!yyjson_is_arr(input) && !yyjson_is_str(input))
        return sim_refuse(p, STR("invalid input type"));
    yyjson_arr_foreach(input, at, max, text)
    {
        if (!yyjson_is_str(text))
            return sim_refuse(p, STR("invalid input type"));
    }
    if (dims != NULL && !yyjson_is_int(dims))
        return sim_refuse(p, arena_printf(a,
                                          "json: cannot unmarshal %s into Go struct field "
                                          "EmbedRequest.dimensions of type int",
                                          kind_of(dims)));
    return true;
}

struct str sim_ollama_model(const struct sim_ask *ask, struct arena *a, yyjson_val *root)
{
    (void)ask;
    (void)a;
    return sim_json_text(root, "model");
}

bool sim_ollama_read(struct sim_ask *ask, struct arena *a, yyjson_val *root, struct sim_problem *p)
{
    yyjson_val *stream = yyjson_obj_get(root, "stream");

    if (ask->surface == OLLAMA_CHAT && !check_types(a, root, p))
        return false;
    if (ask->model.len == 0)
        return sim_refuse(p, STR("model is required"));
    if (ask->surface == OLLAMA_EMBED)
        return read_embed(a, root, p);
    ask->stream = stream == NULL || yyjson_is_null(stream) || yyjson_get_bool(stream);
    read_tools(ask, a, root);
    return read_options(ask, a, root, p) && read_think(a, root, p) &&
           read_messages(ask, a, root, p);
}
