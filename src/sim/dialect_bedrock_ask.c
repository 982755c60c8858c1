/*
 * dialect_bedrock_ask.c - reads requests as Bedrock's Converse would, and refuses them in its
 * words.
 *
 * Turns have to alternate here, where Anthropic's own API merges them.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sim/dialect_bedrock.h"

#include "base/percent.h"
#include "sim/json.h"
#include "sim/shape.h"

#define CALLS_MAX 64u
#define refuse(r, ...) sim_refuse((r)->problem, arena_printf((r)->arena, __VA_ARGS__))

/* ---- What it may say, after the published API reference */

static const struct shape_member image_members[] = {
    SHAPE_AMONG("format", SHAPE_STRING | SHAPE_MUST, "png jpeg gif webp"),
    SHAPE("source", SHAPE_OBJECT | SHAPE_MUST),
};
static const struct shape_member use_members[] = {
    SHAPE("toolUseId", SHAPE_STRING | SHAPE_MUST),
    SHAPE("name", SHAPE_STRING | SHAPE_MUST),
    SHAPE("input", SHAPE_OBJECT | SHAPE_MUST),
};
static const struct shape image = {SHAPE_OF(image_members)}, use = {SHAPE_OF(use_members)};
static const struct shape_member part_members[] = {
    SHAPE("text", SHAPE_STRING),
    SHAPE("json", SHAPE_ANY),
    SHAPE_IN("image", SHAPE_OBJECT, &image),
    SHAPE("document", SHAPE_OBJECT),
};
static const struct shape part = {SHAPE_OF(part_members)};
static const struct shape_member result_members[] = {
    SHAPE("toolUseId", SHAPE_STRING | SHAPE_MUST),
    SHAPE_IN("content", SHAPE_ARRAY | SHAPE_MUST, &part),
    SHAPE_AMONG("status", SHAPE_STRING, "success error"),
};
static const struct shape result = {SHAPE_OF(result_members)};
static const struct shape_member block_members[] = {
    SHAPE("text", SHAPE_STRING),
    SHAPE_IN("image", SHAPE_OBJECT, &image),
    SHAPE("document", SHAPE_OBJECT),
    SHAPE_IN("toolUse", SHAPE_OBJECT, &use),
    SHAPE_IN("toolResult", SHAPE_OBJECT, &result),
    SHAPE("reasoningContent", SHAPE_OBJECT),
    SHAPE("cachePoint", SHAPE_OBJECT),
    SHAPE("guardContent", SHAPE_OBJECT),
};
static const struct shape block = {SHAPE_OF(block_members)};
static const struct shape_member message_members[] = {
    SHAPE_AMONG("role", SHAPE_STRING | SHAPE_MUST, "user assistant"),
    SHAPE_IN("content", SHAPE_ARRAY | SHAPE_MUST, &block),
};
static const struct shape message = {SHAPE_OF(message_members)};

static const struct shape_member spec_members[] = {
    SHAPE("name", SHAPE_STRING | SHAPE_MUST),
    SHAPE("description", SHAPE_STRING),
    SHAPE("inputSchema", SHAPE_OBJECT | SHAPE_MUST),
    SHAPE("strict", SHAPE_BOOL),
};
static const struct shape spec = {SHAPE_OF(spec_members)};
static const struct shape_member tool_members[] = {SHAPE_IN("toolSpec", SHAPE_OBJECT, &spec),
                                                   SHAPE("cachePoint", SHAPE_OBJECT)};
static const struct shape tool = {SHAPE_OF(tool_members)};
static const struct shape_member choice_members[] = {
    SHAPE("auto", SHAPE_OBJECT), SHAPE("any", SHAPE_OBJECT), SHAPE("tool", SHAPE_OBJECT)};
static const struct shape choice = {SHAPE_OF(choice_members)};
static const struct shape_member tools_members[] = {
    SHAPE_IN("tools", SHAPE_ARRAY | SHAPE_MUST, &tool),
    SHAPE_IN("toolChoice", SHAPE_OBJECT, &choice)};
static const struct shape tools = {SHAPE_OF(tools_members)};

static const struct shape_member inference_members[] = {
    SHAPE("maxTokens", SHAPE_INT),
    SHAPE("temperature", SHAPE_NUMBER),
    SHAPE("topP", SHAPE_NUMBER),
    SHAPE("stopSequences", SHAPE_ARRAY | SHAPE_TEXTS),
};
static const struct shape inference = {SHAPE_OF(inference_members)};
static const struct shape_member system_members[] = {SHAPE("text", SHAPE_STRING),
                                                     SHAPE("cachePoint", SHAPE_OBJECT),
                                                     SHAPE("guardContent", SHAPE_OBJECT)};
static const struct shape system_block = {SHAPE_OF(system_members)};
static const struct shape_member root_members[] = {
    SHAPE_IN("messages", SHAPE_ARRAY | SHAPE_MUST, &message),
    SHAPE_IN("system", SHAPE_ARRAY, &system_block),
    SHAPE_IN("inferenceConfig", SHAPE_OBJECT, &inference),
    SHAPE_IN("toolConfig", SHAPE_OBJECT, &tools),
    SHAPE("additionalModelRequestFields", SHAPE_ANY),
    SHAPE("additionalModelResponseFieldPaths", SHAPE_ARRAY | SHAPE_TEXTS),
    SHAPE("guardrailConfig", SHAPE_OBJECT),
    SHAPE("performanceConfig", SHAPE_OBJECT),
    SHAPE("promptVariables", SHAPE_OBJECT),
    SHAPE("requestMetadata", SHAPE_OBJECT),
    SHAPE("serviceTier", SHAPE_OBJECT),
    SHAPE("outputConfig", SHAPE_OBJECT),
};
static const struct shape converse = {SHAPE_OF(root_members)};

/* InvokeModel's body is the model's own. */
static const struct shape_member titan_members[] = {
    SHAPE("inputText", SHAPE_STRING | SHAPE_MUST),
    SHAPE("dimensions", SHAPE_INT),
    SHAPE("normalize", SHAPE_BOOL),
    SHAPE("embeddingTypes", SHAPE_ARRAY | SHAPE_TEXTS),
};
static const struct shape titan = {SHAPE_OF(titan_members)};
static const struct shape_member cohere_members[] = {
    SHAPE("texts", SHAPE_ARRAY | SHAPE_TEXTS | SHAPE_MUST),
    SHAPE_AMONG("input_type", SHAPE_STRING | SHAPE_MUST,
                "search_document search_query classification clustering"),
    SHAPE("embedding_types", SHAPE_ARRAY | SHAPE_TEXTS),
    SHAPE("truncate", SHAPE_STRING),
    SHAPE("output_dimension", SHAPE_INT), /* the last: v3 does not know it */
};
static const struct shape cohere_v3 = {.members = cohere_members,
                                       .count = COUNTOF(cohere_members) - 1},
                          cohere_v4 = {SHAPE_OF(cohere_members)};

/* ---- Refusing */

struct reader {
    struct sim_ask *ask;
    struct arena *arena;
    yyjson_val *root;
    struct sim_problem *problem;
    struct str calls[CALLS_MAX]; /* ids, of the turn before */
    unsigned call_count;
    struct out said;
};

static const struct shape *shape_of(const struct sim_ask *ask)
{
    if (ask->surface != INVOKE)
        return &converse;
    if (sim_bedrock_is_titan(ask))
        return &titan;
    return str_find(ask->model, STR("cohere.embed-v4")) != NULL ? &cohere_v4 : &cohere_v3;
}

static bool check_shape(struct reader *r)
{
    struct shape_flaw f = {.wrong = SHAPE_FITS};

    if (shape_fits(shape_of(r->ask), r->root, SHAPE_DOTS, r->arena, &f))
        return true;
    if (f.wrong == SHAPE_UNKNOWN)
        return refuse(r, "Malformed input request: #%s%.*s: extraneous key [%.*s] is not permitted",
                      f.place.len > 0 ? "/" : "", STR_ARG(f.place), STR_ARG(f.name));
    if (f.wrong == SHAPE_MISSING)
        return refuse(r,
                      "1 validation error detected: Value null at '%.*s' failed to satisfy "
                      "constraint: Member must not be null",
                      STR_ARG(f.place));
    return refuse(r, "1 validation error detected: Value at '%.*s' failed to satisfy constraint",
                  STR_ARG(f.place));
}

static bool check_credential(struct reader *r)
{
    if (sim_ask_credential(r->ask).len > 0)
        return true;
    (void)refuse(r, "Missing Authentication Token");
    r->problem->status = 403;
    return false;
}

/* ---- Settings and tools */

static bool check_range(struct reader *r, yyjson_val *config, const char *name, double min,
                        double max)
{
    yyjson_val *v = yyjson_obj_get(config, name);

    if (v == NULL || (yyjson_get_num(v) >= min && yyjson_get_num(v) <= max))
        return true;
    return refuse(r, "The value at inferenceConfig.%s must be from %g to %g.", name, min, max);
}

static bool read_config(struct reader *r)
{
    yyjson_val *config = yyjson_obj_get(r->root, "inferenceConfig");

    r->ask->tokens_max = yyjson_get_uint(yyjson_obj_get(config, "maxTokens"));
    r->ask->stream = r->ask->surface == CONVERSE_STREAM;
    return check_range(r, config, "maxTokens", 1, 1e9) &&
           check_range(r, config, "temperature", 0, 1) && check_range(r, config, "topP", 0, 1);
}

static bool read_tools(struct reader *r)
{
    yyjson_val *config = yyjson_obj_get(r->root, "toolConfig"), *t;
    size_t at, max;

    if (config != NULL && yyjson_arr_size(yyjson_obj_get(config, "tools")) == 0)
        return refuse(r, "The value at toolConfig.tools is empty.");
    yyjson_arr_foreach(yyjson_obj_get(config, "tools"), at, max, t)
    {
        struct str name = sim_json_text(yyjson_obj_get(t, "toolSpec"), "name");

        if (name.len > 0 && r->ask->tool_count < SIM_TOOLS_MAX)
            r->ask->tools[r->ask->tool_count++] = arena_dup(r->arena, name);
    }
    return true;
}

/* ---- Turns */

static bool check_result(struct reader *r, yyjson_val *result_block, size_t at, bool *answered)
{
    struct str id = sim_json_text(result_block, "toolUseId");

    for (unsigned i = 0; i < r->call_count; i++) {
        if (!str_eq(r->calls[i], id) || answered[i])
            continue;
        answered[i] = true;
        return true;
    }
    return refuse(r,
                  "The number of toolResult blocks at messages.%zu.content exceeds the number of "
                  "toolUse blocks of previous turn.",
                  at);
}

static bool check_all_answered(struct reader *r, size_t at, const bool *answered)
{
    for (unsigned i = 0; i < r->call_count; i++) {
        if (!answered[i])
            return refuse(r,
                          "Expected toolResult blocks at messages.%zu.content for the following "
                          "Ids: %.*s",
                          at, STR_ARG(r->calls[i]));
    }
    return true;
}

static bool read_user(struct reader *r, yyjson_val *content, size_t at)
{
    bool answered[CALLS_MAX] = {false}, fresh = true;
    size_t nth, max;
    yyjson_val *b;

    yyjson_arr_foreach(content, nth, max, b)
    {
        yyjson_val *answer = yyjson_obj_get(b, "toolResult");
        struct str text = sim_json_text(b, "text");

        if (answer != NULL && !check_result(r, answer, at, answered))
            return false;
        if (yyjson_obj_get(b, "toolUse") != NULL)
            return refuse(r, "User messages cannot contain toolUse blocks.");
        if (text.len > 0 && fresh)
            out_reset(&r->said, SIZE_MAX);
        fresh &= text.len == 0;
        out_put(&r->said, text);
    }
    if (!check_all_answered(r, at, answered))
        return false;
    r->call_count = 0;
    return true;
}

static bool read_assistant(struct reader *r, yyjson_val *content)
{
    size_t nth, max;
    yyjson_val *b;

    r->call_count = 0;
    yyjson_arr_foreach(content, nth, max, b)
    {
        yyjson_val *call = yyjson_obj_get(b, "toolUse");

        if (yyjson_obj_get(b, "toolResult") != NULL)
            return refuse(r, "Assistant messages cannot contain toolResult blocks.");
        if (call != NULL && r->ask->tool_count == 0)
            return refuse(r, "The toolConfig field must be defined when using toolUse and "
                             "toolResult content blocks.");
        if (call != NULL && r->call_count < CALLS_MAX)
            r->calls[r->call_count++] = sim_json_text(call, "toolUseId");
    }
    return true;
}

static bool check_blocks(struct reader *r, yyjson_val *content, size_t at)
{
    size_t nth, max;
    yyjson_val *b;

    if (yyjson_arr_size(content) == 0)
        return refuse(r,
                      "The content field in the Message object at messages.%zu is empty. Add a "
                      "ContentBlock object to the content field and try again.",
                      at);
    yyjson_arr_foreach(content, nth, max, b)
    {
        struct str text = sim_json_text(b, "text");

        if (text.ptr != NULL && sim_words(text) == 0)
            return refuse(r,
                          "The text field in the ContentBlock object at messages.%zu.content."
                          "%zu is blank. Add text to the text field, and try again.",
                          at, nth);
        if (yyjson_obj_size(b) != 1)
            return refuse(r,
                          "ContentBlock object at messages.%zu.content.%zu must set one of the "
                          "following keys: text, image, toolUse, toolResult, document.",
                          at, nth);
        r->ask->prompt_tokens += sim_words(text);
    }
    return true;
}

static bool take_messages(struct reader *r)
{
    yyjson_val *messages = yyjson_obj_get(r->root, "messages"), *m;
    bool user = false;
    size_t at, max;

    if (yyjson_arr_size(messages) == 0)
        return refuse(r, "The value at messages is empty.");
    yyjson_arr_foreach(messages, at, max, m)
    {
        yyjson_val *content = yyjson_obj_get(m, "content");
        bool was_user = user;

        user = str_eq(sim_json_text(m, "role"), STR("user"));
        if (at == 0 && !user)
            return refuse(r, "A conversation must start with a user message. Try again with a "
                             "conversation that starts with a user message.");
        if (at > 0 && user == was_user)
            return refuse(r, "A conversation must alternate between user and assistant roles. Make "
                             "sure the conversation alternates between user and assistant roles "
                             "and try again.");
        if (!check_blocks(r, content, at) ||
            !(user ? read_user(r, content, at) : read_assistant(r, content)))
            return false;
    }
    return r->call_count == 0 || check_all_answered(r, max, (const bool[CALLS_MAX]){false});
}

static bool read_messages(struct reader *r)
{
    yyjson_val *b;
    size_t at, max;
    bool ok = take_messages(r);

    yyjson_arr_foreach(yyjson_obj_get(r->root, "system"), at, max, b)
    {
        r->ask->prompt_tokens += sim_words(sim_json_text(b, "text"));
    }
    r->ask->text = arena_dup(r->arena, out_str(&r->said));
    buf_done(&r->said.buf);
    return ok;
}

/* ---- Embeddings */

bool sim_bedrock_is_titan(const struct sim_ask *ask)
{
    return str_find(ask->model, STR("titan-embed-text")) != NULL;
}

static bool is_among(yyjson_val *number, const uint64_t *sizes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (yyjson_get_uint(number) == sizes[i])
            return true;
    }
    return number == NULL;
}

static bool read_texts(struct reader *r)
{
    static const uint64_t sizes[] = {1536, 1024, 512, 256}; /* the first is Cohere's alone */
    yyjson_val *texts = yyjson_obj_get(r->root, "texts"), *text;
    size_t at, max;

    if (!is_among(yyjson_obj_get(r->root, "dimensions"), sizes + 1, COUNTOF(sizes) - 1) ||
        !is_among(yyjson_obj_get(r->root, "output_dimension"), sizes, COUNTOF(sizes)))
        return refuse(r, "Malformed input request: that is not a valid enum value");
    if (yyjson_arr_size(texts) > 96)
        return refuse(r,
                      "Malformed input request: #/texts: expected maximum item count: 96, "
                      "found: %zu",
                      yyjson_arr_size(texts));
    r->ask->prompt_tokens = sim_words(sim_json_text(r->root, "inputText"));
    yyjson_arr_foreach(texts, at, max, text)
    {
        r->ask->prompt_tokens += sim_words(str_make(yyjson_get_str(text), yyjson_get_len(text)));
    }
    return true;
}

static bool read_invoke(struct reader *r)
{
    if (!sim_bedrock_is_titan(r->ask) && str_find(r->ask->model, STR("cohere.embed-")) == NULL)
        return refuse(r, "The provided model identifier is invalid.");
    return check_shape(r) && read_texts(r);
}

/* ---- */

bool sim_bedrock_cut(struct str path, struct str *ret_model, struct str *ret_action)
{
    static const struct str stem = STR_INIT("/model/");
    size_t slash = path.len;

    if (!str_starts(path, stem))
        return false;
    while (path.ptr[slash - 1] != '/')
        slash--;
    if (slash <= stem.len)
        return false;
    *ret_model = str_make(path.ptr + stem.len, slash - 1 - stem.len);
    *ret_action = str_skip(path, slash);
    return true;
}

struct str sim_bedrock_model(const struct sim_ask *ask, struct arena *a, yyjson_val *root)
{
    struct str model = {NULL, 0}, action;

    (void)root;
    return sim_bedrock_cut(ask->path, &model, &action) ? percent_decode(a, model, false) : model;
}

bool sim_bedrock_read(struct sim_ask *ask, struct arena *a, yyjson_val *root, struct sim_problem *p)
{
    struct reader r = {.ask = ask, .arena = a, .root = root, .problem = p};

    if (ask->surface == INVOKE)
        return check_credential(&r) && read_invoke(&r);
    return check_credential(&r) && check_shape(&r) && read_config(&r) && read_tools(&r) &&
           read_messages(&r);
}
