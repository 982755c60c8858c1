/*
 * dialect_anthropic_shape.c - what a request to Anthropic may say.
 *
 * After the official SDK's types, and for the sampling parameters after the API's published
 * description.  A place such as "tools.0.custom.input_schema" names variants as the real service's
 * messages do.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sim/dialect_anthropic.h"

#define OPTIONAL_TEXT (SHAPE_STRING | SHAPE_NULL)
#define CACHE SHAPE_IN("cache_control", SHAPE_OBJECT | SHAPE_NULL, &cache)
#define TYPE SHAPE("type", SHAPE_STRING | SHAPE_MUST)

static const struct shape_member ephemeral_members[] = {TYPE,
                                                        SHAPE_AMONG("ttl", SHAPE_STRING, "5m 1h")};
static const struct shape ephemeral = {SHAPE_OF(ephemeral_members)};
static const struct shape_variant cache_kinds[] = {{STR_INIT("ephemeral"), &ephemeral}};
static const struct shape cache = {SHAPE_ONE_OF("type", cache_kinds), .tagged = true};

static const struct shape anything = {.open = true};

/* ---- Content */

static const struct shape_member text_members[] = {
    TYPE,
    SHAPE("text", SHAPE_STRING | SHAPE_MUST),
    SHAPE("citations", SHAPE_ARRAY | SHAPE_NULL),
    CACHE,
};
static const struct shape text = {SHAPE_OF(text_members)};
static const struct shape_variant only_text[] = {{STR_INIT("text"), &text}};
static const struct shape texts = {SHAPE_ONE_OF("type", only_text)};

static const struct shape_member base64_members[] = {
    TYPE,
    SHAPE("data", SHAPE_STRING | SHAPE_MUST),
    SHAPE_AMONG("media_type", SHAPE_STRING | SHAPE_MUST,
                "image/jpeg image/png image/gif image/webp application/pdf text/plain"),
};
static const struct shape_member url_members[] = {TYPE, SHAPE("url", SHAPE_STRING | SHAPE_MUST)};
static const struct shape_member file_members[] = {TYPE,
                                                   SHAPE("file_id", SHAPE_STRING | SHAPE_MUST)};
static const struct shape base64 = {SHAPE_OF(base64_members)}, url = {SHAPE_OF(url_members)},
                          file = {SHAPE_OF(file_members)};
static const struct shape_variant image_sources[] = {
    {STR_INIT("base64"), &base64}, {STR_INIT("url"), &url}, {STR_INIT("file"), &file}};
static const struct shape_variant document_sources[] = {{STR_INIT("base64"), &base64},
                                                        {STR_INIT("url"), &url},
                                                        {STR_INIT("file"), &file},
                                                        {STR_INIT("text"), &base64},
                                                        {STR_INIT("content"), &anything}};
static const struct shape image_source = {SHAPE_ONE_OF("type", image_sources), .tagged = true};
static const struct shape document_source = {SHAPE_ONE_OF("type", document_sources),
                                             .tagged = true};

static const struct shape_member image_members[] = {
    TYPE,
    SHAPE_IN("source", SHAPE_OBJECT | SHAPE_MUST, &image_source),
    CACHE,
};
static const struct shape_member document_members[] = {
    TYPE,
    SHAPE_IN("source", SHAPE_OBJECT | SHAPE_MUST, &document_source),
    SHAPE("title", OPTIONAL_TEXT),
    SHAPE("context", OPTIONAL_TEXT),
    SHAPE("citations", SHAPE_OBJECT | SHAPE_NULL),
    CACHE,
};
static const struct shape_member thinking_members[] = {
    TYPE,
    SHAPE("thinking", SHAPE_STRING | SHAPE_MUST),
    SHAPE("signature", SHAPE_STRING | SHAPE_MUST),
};
static const struct shape_member redacted_members[] = {TYPE,
                                                       SHAPE("data", SHAPE_STRING | SHAPE_MUST)};
static const struct shape_member tool_use_members[] = {
    TYPE,
    SHAPE("id", SHAPE_STRING | SHAPE_MUST),
    SHAPE("name", SHAPE_STRING | SHAPE_MUST),
    SHAPE("input", SHAPE_OBJECT | SHAPE_MUST),
    SHAPE("caller", SHAPE_OBJECT),
    CACHE,
};

static const struct shape image = {SHAPE_OF(image_members)},
                          document = {SHAPE_OF(document_members)},
                          thought = {SHAPE_OF(thinking_members)},
                          redacted = {SHAPE_OF(redacted_members)},
                          tool_use = {SHAPE_OF(tool_use_members)};

static const struct shape_variant result_kinds[] = {{STR_INIT("text"), &text},
                                                    {STR_INIT("image"), &image},
                                                    {STR_INIT("search_result"), &anything},
                                                    {STR_INIT("document"), &document},
                                                    {STR_INIT("tool_reference"), &anything}};
static const struct shape result_block = {SHAPE_ONE_OF("type", result_kinds), .tagged = true};
static const struct shape_member tool_result_members[] = {
    TYPE,
    SHAPE("tool_use_id", SHAPE_STRING | SHAPE_MUST),
    SHAPE_IN("content", SHAPE_STRING | SHAPE_ARRAY, &result_block),
    SHAPE("is_error", SHAPE_BOOL),
    CACHE,
};
static const struct shape tool_result = {SHAPE_OF(tool_result_members)};

static const struct shape_variant block_kinds[] = {
    {STR_INIT("text"), &text},
    {STR_INIT("image"), &image},
    {STR_INIT("document"), &document},
    {STR_INIT("search_result"), &anything},
    {STR_INIT("thinking"), &thought},
    {STR_INIT("redacted_thinking"), &redacted},
    {STR_INIT("tool_use"), &tool_use},
    {STR_INIT("tool_result"), &tool_result},
    {STR_INIT("server_tool_use"), &anything},
    {STR_INIT("web_search_tool_result"), &anything},
};
static const struct shape block = {SHAPE_ONE_OF("type", block_kinds), .tagged = true};

static const struct shape_member message_members[] = {
    SHAPE_AMONG("role", SHAPE_STRING | SHAPE_MUST, "user assistant system"),
    SHAPE_IN("content", SHAPE_STRING | SHAPE_ARRAY | SHAPE_MUST, &block),
};
static const struct shape message = {SHAPE_OF(message_members)};

/* ---- Tools */

static const struct shape_member schema_members[] = {
    SHAPE_AMONG("type", SHAPE_STRING | SHAPE_MUST, "object")};
static const struct shape schema = {SHAPE_OF(schema_members), .open = true};
static const struct shape_member custom_members[] = {
    SHAPE("type", OPTIONAL_TEXT),
    SHAPE("name", SHAPE_STRING | SHAPE_MUST),
    SHAPE("description", SHAPE_STRING),
    SHAPE_IN("input_schema", SHAPE_OBJECT | SHAPE_MUST, &schema),
    SHAPE("strict", SHAPE_BOOL),
    SHAPE("defer_loading", SHAPE_BOOL),
    SHAPE("eager_input_streaming", SHAPE_BOOL | SHAPE_NULL),
    SHAPE("allowed_callers", SHAPE_ARRAY | SHAPE_TEXTS),
    SHAPE("input_examples", SHAPE_ARRAY),
    CACHE,
};
static const struct shape custom = {SHAPE_OF(custom_members)};
static const struct shape_variant tool_kinds[] = {
    {STR_INIT("custom"), &custom},
    {STR_INIT("bash_20250124"), &anything},
    {STR_INIT("text_editor_20250124"), &anything},
    {STR_INIT("text_editor_20250728"), &anything},
    {STR_INIT("web_search_20250305"), &anything},
    {STR_INIT("web_fetch_20250910"), &anything},
    {STR_INIT("code_execution_20250825"), &anything},
    {STR_INIT("memory_20250818"), &anything},
};
static const struct shape tool = {SHAPE_ONE_OF("type", tool_kinds), .tagged = true,
                                  .otherwise = &tool_kinds[0]};

#define PARALLEL SHAPE("disable_parallel_tool_use", SHAPE_BOOL)
static const struct shape_member freely_members[] = {TYPE, PARALLEL};
static const struct shape_member named_members[] = {TYPE, SHAPE("name", SHAPE_STRING | SHAPE_MUST),
                                                    PARALLEL};
static const struct shape_member type_only[] = {TYPE};
static const struct shape freely = {SHAPE_OF(freely_members)}, named = {SHAPE_OF(named_members)},
                          bare = {SHAPE_OF(type_only)};
static const struct shape_variant choice_kinds[] = {{STR_INIT("auto"), &freely},
                                                    {STR_INIT("any"), &freely},
                                                    {STR_INIT("tool"), &named},
                                                    {STR_INIT("none"), &bare}};
static const struct shape choice = {SHAPE_ONE_OF("type", choice_kinds), .tagged = true};

/* ---- The whole */

#define DISPLAY SHAPE_AMONG("display", OPTIONAL_TEXT, "summarized omitted")
static const struct shape_member enabled_members[] = {
    TYPE, SHAPE("budget_tokens", SHAPE_INT | SHAPE_MUST), DISPLAY};
static const struct shape_member adaptive_members[] = {TYPE, DISPLAY};
static const struct shape enabled = {SHAPE_OF(enabled_members)},
                          adaptive = {SHAPE_OF(adaptive_members)};
static const struct shape_variant thinking_kinds[] = {{STR_INIT("enabled"), &enabled},
                                                      {STR_INIT("adaptive"), &adaptive},
                                                      {STR_INIT("disabled"), &bare}};
static const struct shape thinking = {SHAPE_ONE_OF("type", thinking_kinds), .tagged = true};

static const struct shape_member format_members[] = {
    SHAPE_AMONG("type", SHAPE_STRING | SHAPE_MUST, "json_schema"),
    SHAPE("schema", SHAPE_OBJECT | SHAPE_MUST),
};
static const struct shape format = {SHAPE_OF(format_members)};
static const struct shape_member output_members[] = {
    SHAPE_AMONG("effort", OPTIONAL_TEXT, "low medium high xhigh max"),
    SHAPE_IN("format", SHAPE_OBJECT | SHAPE_NULL, &format),
};
static const struct shape output = {SHAPE_OF(output_members)};
static const struct shape_member metadata_members[] = {SHAPE("user_id", OPTIONAL_TEXT)};
static const struct shape metadata = {SHAPE_OF(metadata_members)};

/* What both paths take. */
#define COMMON                                                                                     \
    SHAPE("model", SHAPE_STRING | SHAPE_MUST),                                                     \
        SHAPE_IN("messages", SHAPE_ARRAY | SHAPE_MUST, &message),                                  \
        SHAPE_IN("system", SHAPE_STRING | SHAPE_ARRAY, &texts),                                    \
        SHAPE_IN("tools", SHAPE_ARRAY, &tool), SHAPE_IN("tool_choice", SHAPE_OBJECT, &choice),     \
        SHAPE_IN("thinking", SHAPE_OBJECT, &thinking),                                             \
        SHAPE_IN("output_config", SHAPE_OBJECT, &output), CACHE

static const struct shape_member messages_members[] = {
    COMMON,
    SHAPE("max_tokens", SHAPE_INT | SHAPE_MUST),
    SHAPE("stream", SHAPE_BOOL),
    SHAPE("stop_sequences", SHAPE_ARRAY | SHAPE_TEXTS),
    SHAPE("temperature", SHAPE_NUMBER),
    SHAPE("top_p", SHAPE_NUMBER),
    SHAPE("top_k", SHAPE_INT),
    SHAPE_IN("metadata", SHAPE_OBJECT, &metadata),
    SHAPE_AMONG("service_tier", SHAPE_STRING, "auto standard_only"),
    SHAPE("container", SHAPE_STRING | SHAPE_OBJECT | SHAPE_NULL),
    SHAPE("inference_geo", OPTIONAL_TEXT),
    SHAPE("speed", OPTIONAL_TEXT),
};
static const struct shape_member count_members[] = {COMMON};

const struct shape sim_anthropic_messages = {SHAPE_OF(messages_members)};
const struct shape sim_anthropic_count = {SHAPE_OF(count_members)};
