/*
 * chat_back.h - requests of dialects that no client of ours speaks, read back as lines
 * (chat_lines.h).
 *
 * Written after the makers' descriptions of their APIs, and knows nothing of our own reading or
 * writing. SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_UNIT_LLM_CHAT_BACK_H
#define TESTS_UNIT_LLM_CHAT_BACK_H

#include "unit/llm/chat_lines.h"

static inline yyjson_val *back_get(yyjson_val *v, const char *key)
{
    return yyjson_obj_get(v, key);
}

static inline struct str back_str(yyjson_val *v)
{
    return yyjson_is_str(v)   ? str_make(yyjson_get_str(v), yyjson_get_len(v))
           : yyjson_is_raw(v) ? str_make(yyjson_get_raw(v), yyjson_get_len(v))
                              : str_make(NULL, 0);
}

/* A string or a number that may be missing. */
static inline void back_put(struct lines *l, const char *key, yyjson_val *v)
{
    if (yyjson_is_bool(v))
        lines_put(l, key, yyjson_get_bool(v) ? STR("true") : STR("false"));
    else if (v != NULL)
        lines_put(l, key, arena_dup(&l->arena, back_str(v)));
}

static inline bool back_is(yyjson_val *v, const char *word)
{
    return str_eq(back_str(v), str_from(word));
}

/* Members by their names there. */
struct back_name {
    const char *there, *key;
};

static inline void back_all(struct lines *l, yyjson_val *object, const struct back_name *names,
                            size_t n)
{
    for (size_t i = 0; i < n; i++)
        back_put(l, names[i].key, back_get(object, names[i].there));
}

static inline void back_stops(struct lines *l, yyjson_val *stops)
{
    yyjson_val *v;
    size_t i, max;

    yyjson_arr_foreach(stops, i, max, v) lines_json(l, "stop", v);
}

static inline void back_schema(struct lines *l, yyjson_val *schema)
{
    if (schema == NULL)
        return;
    lines_put(l, "response_format", STR("schema"));
    lines_json(l, "response_format", schema);
}

static inline void back_media(struct lines *l, yyjson_val *type, yyjson_val *data)
{
    const char *key = str_starts(back_str(type), STR("image/"))   ? "image"
                      : str_starts(back_str(type), STR("audio/")) ? "audio"
                                                                  : "file";

    back_put(l, key, data);
    back_put(l, "media_type", type);
}

/* Types are in capitals there. */
static inline void gemini_schema(struct lines *l, const char *key, yyjson_val *schema)
{
    unsigned before = l->n;
    char *at, *end;

    lines_json(l, key, schema);
    if (l->n == before)
        return;
    at = arena_alloc(&l->arena, l->at[before].value.len + 1);
    if (at == NULL)
        abort();
    memcpy(at, l->at[before].value.ptr, l->at[before].value.len);
    l->at[before].value.ptr = at;
    while ((at = strstr(at, "\"type\":\"")) != NULL) {
        at += sizeof("\"type\":\"") - 1;
        for (end = strchr(at, '"'); at < end; at++)
            *at = ascii_lower(*at);
    }
}

/* ---- Gemini: https://ai.google.dev/api/generate-content ---- */

static inline void gemini_response(struct lines *l, yyjson_val *f)
{
    yyjson_val *response = back_get(f, "response"), *error = back_get(response, "error");

    back_put(l, "result", back_get(f, "id"));
    back_put(l, "result_name", back_get(f, "name"));
    l->inside = true;
    back_put(l, "text", error != NULL ? error : back_get(response, "result"));
    l->inside = false;
    if (error != NULL)
        lines_put(l, "is_error", STR("yes"));
}

static inline void gemini_part(struct lines *l, yyjson_val *part)
{
    yyjson_val *call = back_get(part, "functionCall"),
               *response = back_get(part, "functionResponse"), *data = back_get(part, "inlineData"),
               *uri = back_get(part, "fileData");

    back_put(l, yyjson_get_bool(back_get(part, "thought")) ? "thought" : "text",
             back_get(part, "text"));
    if (call != NULL) {
        back_put(l, "call", back_get(call, "id"));
        back_put(l, "call_name", back_get(call, "name"));
        lines_json(l, "args", back_get(call, "args"));
    }
    if (response != NULL)
        gemini_response(l, response);
    if (data != NULL)
        back_media(l, back_get(data, "mimeType"), back_get(data, "data"));
    if (uri != NULL)
        back_put(l,
                 back_is(back_get(uri, "mimeType"), "application/pdf") ? "file_url" : "image_url",
                 back_get(uri, "fileUri"));
    if (!back_is(back_get(part, "thoughtSignature"), LINES_UNSIGNED))
        back_put(l, call != NULL ? "thought_signature" : "signature",
                 back_get(part, "thoughtSignature"));
}

static inline void gemini_content(struct lines *l, const char *side, yyjson_val *content)
{
    yyjson_val *v;
    size_t i, max;

    lines_turn(l, side);
    yyjson_arr_foreach(back_get(content, "parts"), i, max, v) gemini_part(l, v);
}

static inline void gemini_tool(struct lines *l, yyjson_val *tool)
{
    yyjson_val *functions = back_get(tool, "functionDeclarations"), *v;
    size_t i, max;

    if (functions == NULL)
        lines_json(l, "raw_tool", tool);
    yyjson_arr_foreach(functions, i, max, v)
    {
        back_put(l, "tool", back_get(v, "name"));
        back_put(l, "tool_description", back_get(v, "description"));
        gemini_schema(l, "tool_schema", back_get(v, "parameters"));
    }
}

static inline void gemini_choice(struct lines *l, yyjson_val *config)
{
    yyjson_val *mode = back_get(config, "mode"), *names = back_get(config, "allowedFunctionNames");

    if (mode == NULL)
        return;
    lines_put(l, "tool_choice",
              names != NULL           ? STR("named")
              : back_is(mode, "ANY")  ? STR("any")
              : back_is(mode, "NONE") ? STR("none")
                                      : STR("auto"));
    back_put(l, "tool_choice", yyjson_arr_get_first(names));
}

static inline void gemini_back(struct lines *l, yyjson_val *root)
{
    static const struct back_name names[] = {{"maxOutputTokens", "max_tokens"},
                                             {"temperature", "temperature"},
                                             {"topP", "top_p"},
                                             {"topK", "top_k"},
                                             {"seed", "seed"},
                                             {"candidateCount", "n"},
                                             {"presencePenalty", "presence_penalty"},
                                             {"frequencyPenalty", "frequency_penalty"}};
    yyjson_val *config = back_get(root, "generationConfig"),
               *thinking = back_get(config, "thinkingConfig"), *v;
    size_t i, max;

    back_all(l, config, names, COUNTOF(names));
    back_stops(l, back_get(config, "stopSequences"));
    if (back_get(config, "responseMimeType") != NULL && back_get(config, "responseSchema") == NULL)
        lines_put(l, "response_format", STR("json"));
    if (back_get(config, "responseSchema") != NULL) {
        lines_put(l, "response_format", STR("schema"));
        gemini_schema(l, "response_format", back_get(config, "responseSchema"));
    }
    back_put(l, "reasoning", back_get(thinking, "thinkingBudget"));
    back_put(l, "reasoning", back_get(thinking, "thinkingLevel"));
    if (back_get(thinking, "includeThoughts") != NULL)
        lines_put(l, "show", STR("yes"));
    lines_json(l, "extra", back_get(root, "safetySettings"));
    yyjson_arr_foreach(back_get(root, "tools"), i, max, v) gemini_tool(l, v);
    gemini_choice(l, back_get(back_get(root, "toolConfig"), "functionCallingConfig"));
    if (back_get(root, "systemInstruction") != NULL)
        gemini_content(l, "system", back_get(root, "systemInstruction"));
    yyjson_arr_foreach(back_get(root, "contents"), i, max, v)
        gemini_content(l, back_is(back_get(v, "role"), "model") ? "assistant" : "user", v);
}

/* ---- Responses: https://platform.openai.com/docs/api-reference/responses ---- */

/* "data:TYPE;base64,DATA" as both, and anything else as what it is. */
static inline void responses_media(struct lines *l, const char *key, const char *url_key,
                                   yyjson_val *v)
{
    struct str url = back_str(v), head, data;

    if (v == NULL)
        return;
    if (!str_starts(url, STR("data:")) || !str_cut(url, ',', &head, &data)) {
        back_put(l, url_key, v);
        return;
    }
    lines_put(l, key, arena_dup(&l->arena, data));
    head = str_make(head.ptr + 5, head.len - 5 - sizeof(";base64") + 1);
    lines_put(l, "media_type", arena_dup(&l->arena, head));
}

static inline void responses_part(struct lines *l, yyjson_val *part)
{
    if (!back_is(back_get(part, "type"), "refusal"))
        back_put(l, "text", back_get(part, "text"));
    back_put(l, "refusal", back_get(part, "refusal"));
    responses_media(l, "image", "image_url", back_get(part, "image_url"));
    responses_media(l, "file", "file", back_get(part, "file_data"));
    back_put(l, "file_url", back_get(part, "file_url"));
    back_put(l, "file_id", back_get(part, "file_id"));
    if (!back_is(back_get(part, "filename"), LINES_UNNAMED))
        back_put(l, "filename", back_get(part, "filename"));
    if (back_get(part, "detail") != NULL && !back_is(back_get(part, "detail"), "auto"))
        lines_json(l, "detail", back_get(part, "detail"));
}

static inline void responses_content_back(struct lines *l, yyjson_val *content)
{
    yyjson_val *v;
    size_t i, max;

    if (yyjson_is_str(content))
        back_put(l, "text", content);
    yyjson_arr_foreach(content, i, max, v) responses_part(l, v);
}

static inline void responses_thought(struct lines *l, yyjson_val *item)
{
    yyjson_val *sealed = back_get(item, "encrypted_content"), *v;
    size_t i, max;

    yyjson_arr_foreach(back_get(item, "summary"), i, max, v)
        back_put(l, "thought", back_get(v, "text"));
    if (sealed != NULL)
        lines_put(l, "signature",
                  arena_printf(&l->arena, "openai.reasoning:%.*s:%.*s",
                               STR_ARG(back_str(back_get(item, "id"))), STR_ARG(back_str(sealed))));
}

static inline void responses_item(struct lines *l, yyjson_val *item)
{
    yyjson_val *type = back_get(item, "type"), *role = back_get(item, "role");

    if (back_is(type, "message")) {
        lines_turn(l, back_is(role, "assistant") ? "assistant"
                      : back_is(role, "user")    ? "user"
                                                 : "system");
        responses_content_back(l, back_get(item, "content"));
    } else if (back_is(type, "function_call_output")) {
        lines_turn(l, "user");
        back_put(l, "result", back_get(item, "call_id"));
        l->inside = true;
        responses_content_back(l, back_get(item, "output"));
        l->inside = false;
    } else {
        lines_turn(l, "assistant");
        back_put(l, "call", back_get(item, "call_id"));
        back_put(l, "call_name", back_get(item, "name"));
        if (back_is(type, "function_call"))
            lines_raw(l, "args", back_str(back_get(item, "arguments")));
        else
            responses_thought(l, item);
    }
}

static inline void responses_tool(struct lines *l, yyjson_val *tool)
{
    if (!back_is(back_get(tool, "type"), "function")) {
        lines_json(l, "raw_tool", tool);
        return;
    }
    back_put(l, "tool", back_get(tool, "name"));
    back_put(l, "tool_description", back_get(tool, "description"));
    lines_json(l, "tool_schema", back_get(tool, "parameters"));
    if (yyjson_get_bool(back_get(tool, "strict")))
        lines_put(l, "tool_strict", STR("yes"));
}

static inline void responses_choice(struct lines *l, yyjson_val *choice)
{
    if (yyjson_is_str(choice))
        lines_put(l, "tool_choice",
                  back_is(choice, "required") ? STR("any")
                                              : arena_dup(&l->arena, back_str(choice)));
    if (!yyjson_is_obj(choice))
        return;
    lines_put(l, "tool_choice", STR("named"));
    back_put(l, "tool_choice", back_get(choice, "name"));
}

static inline void responses_format(struct lines *l, yyjson_val *format)
{
    if (back_is(back_get(format, "type"), "json_object"))
        lines_put(l, "response_format", STR("json"));
    back_schema(l, back_get(format, "schema"));
    back_put(l, "schema_name", back_get(format, "name"));
    back_put(l, "schema_description", back_get(format, "description"));
    if (yyjson_get_bool(back_get(format, "strict")))
        lines_put(l, "schema_strict", STR("yes"));
}

static inline void responses_back(struct lines *l, yyjson_val *root)
{
    static const struct back_name numbers[] = {{"max_output_tokens", "max_tokens"},
                                               {"temperature", "temperature"},
                                               {"top_p", "top_p"},
                                               {"presence_penalty", "presence_penalty"},
                                               {"frequency_penalty", "frequency_penalty"}};
    yyjson_val *reasoning = back_get(root, "reasoning"),
               *parallel = back_get(root, "parallel_tool_calls"), *v;
    size_t i, max;

    back_all(l, root, numbers, COUNTOF(numbers));
    responses_format(l, back_get(back_get(root, "text"), "format"));
    back_put(l, "reasoning", back_get(reasoning, "effort"));
    if (back_get(reasoning, "summary") != NULL)
        lines_put(l, "show", STR("yes"));
    back_put(l, "user", back_get(root, "user"));
    lines_json(l, "metadata", back_get(root, "metadata"));
    back_put(l, "service_tier", back_get(root, "service_tier"));
    if (yyjson_get_bool(back_get(root, "stream")))
        lines_put(l, "stream", STR("yes"));
    lines_json(l, "extra", back_get(root, "prompt_cache_key"));
    yyjson_arr_foreach(back_get(root, "tools"), i, max, v) responses_tool(l, v);
    responses_choice(l, back_get(root, "tool_choice"));
    if (parallel != NULL)
        lines_put(l, "parallel_tool_calls", yyjson_get_bool(parallel) ? STR("yes") : STR("no"));
    yyjson_arr_foreach(back_get(root, "input"), i, max, v) responses_item(l, v);
}

/* ---- Ollama: https://docs.ollama.com/api ---- */

static inline void ollama_call(struct lines *l, yyjson_val *call)
{
    yyjson_val *f = back_get(call, "function");

    back_put(l, "call", back_get(call, "id"));
    back_put(l, "call_name", back_get(f, "name"));
    lines_json(l, "args", back_get(f, "arguments"));
}

static inline void ollama_message(struct lines *l, yyjson_val *m)
{
    bool tool = back_is(back_get(m, "role"), "tool"),
         bot = back_is(back_get(m, "role"), "assistant");
    yyjson_val *v;
    size_t i, max;

    lines_turn(l, bot ? "assistant" : back_is(back_get(m, "role"), "system") ? "system" : "user");
    back_put(l, "thought", back_get(m, "thinking"));
    back_put(l, "result", back_get(m, "tool_call_id"));
    back_put(l, "result_name", back_get(m, "tool_name"));
    l->inside = tool;
    if (back_str(back_get(m, "content")).len > 0)
        back_put(l, "text", back_get(m, "content"));
    yyjson_arr_foreach(back_get(m, "images"), i, max, v) back_put(l, "image", v);
    l->inside = false;
    yyjson_arr_foreach(back_get(m, "tool_calls"), i, max, v) ollama_call(l, v);
}

static inline void ollama_back(struct lines *l, yyjson_val *root)
{
    static const struct back_name names[] = {{"num_predict", "max_tokens"},
                                             {"temperature", "temperature"},
                                             {"top_p", "top_p"},
                                             {"top_k", "top_k"},
                                             {"seed", "seed"},
                                             {"presence_penalty", "presence_penalty"},
                                             {"frequency_penalty", "frequency_penalty"}};
    yyjson_val *options = back_get(root, "options"), *format = back_get(root, "format"), *v, *f;
    size_t i, max;

    back_all(l, options, names, COUNTOF(names));
    back_stops(l, back_get(options, "stop"));
    if (yyjson_is_str(format))
        lines_put(l, "response_format", STR("json"));
    else
        back_schema(l, format);
    back_put(l, "reasoning", back_get(root, "think"));
    if (yyjson_get_bool(back_get(root, "stream")))
        lines_put(l, "stream", STR("yes"));
    lines_json(l, "extra", back_get(root, "keep_alive"));
    yyjson_arr_foreach(back_get(root, "tools"), i, max, v)
    {
        f = back_get(v, "function");
        back_put(l, "tool", back_get(f, "name"));
        back_put(l, "tool_description", back_get(f, "description"));
        lines_json(l, "tool_schema", back_get(f, "parameters"));
    }
    yyjson_arr_foreach(back_get(root, "messages"), i, max, v) ollama_message(l, v);
}

/* ---- Bedrock: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
 * ---- */

static inline void bedrock_block(struct lines *l, yyjson_val *block);

static inline void bedrock_result(struct lines *l, yyjson_val *result)
{
    yyjson_val *v;
    size_t i, max;

    back_put(l, "result", back_get(result, "toolUseId"));
    l->inside = true;
    yyjson_arr_foreach(back_get(result, "content"), i, max, v) bedrock_block(l, v);
    l->inside = false;
    if (back_is(back_get(result, "status"), "error"))
        lines_put(l, "is_error", STR("yes"));
}

static inline void bedrock_media_block(struct lines *l, const char *key, yyjson_val *media)
{
    if (media == NULL)
        return;
    back_put(l, key, back_get(back_get(media, "source"), "bytes"));
    lines_put(l, "media_type",
              arena_printf(&l->arena, "%s/%.*s",
                           strcmp(key, "image") == 0 ? "image" : "application",
                           STR_ARG(back_str(back_get(media, "format")))));
}

static inline void bedrock_block(struct lines *l, yyjson_val *block)
{
    yyjson_val *use = back_get(block, "toolUse"), *result = back_get(block, "toolResult"),
               *reasoning = back_get(block, "reasoningContent"),
               *text = back_get(reasoning, "reasoningText");

    back_put(l, "text", back_get(block, "text"));
    bedrock_media_block(l, "image", back_get(block, "image"));
    bedrock_media_block(l, "file", back_get(block, "document"));
    if (use != NULL) {
        back_put(l, "call", back_get(use, "toolUseId"));
        back_put(l, "call_name", back_get(use, "name"));
        lines_json(l, "args", back_get(use, "input"));
    }
    if (result != NULL)
        bedrock_result(l, result);
    back_put(l, "thought", back_get(text, "text"));
    back_put(l, "signature", back_get(text, "signature"));
    back_put(l, "redacted_thinking", back_get(reasoning, "redactedContent"));
    if (back_get(block, "cachePoint") != NULL)
        lines_put(l, "cache_control", STR("yes"));
}

static inline void bedrock_tool(struct lines *l, yyjson_val *tool)
{
    yyjson_val *spec = back_get(tool, "toolSpec");

    if (spec == NULL && back_get(tool, "cachePoint") == NULL)
        lines_json(l, "raw_tool", tool);
    back_put(l, "tool", back_get(spec, "name"));
    back_put(l, "tool_description", back_get(spec, "description"));
    lines_json(l, "tool_schema", back_get(back_get(spec, "inputSchema"), "json"));
    if (yyjson_get_bool(back_get(spec, "strict")))
        lines_put(l, "tool_strict", STR("yes"));
    if (back_get(tool, "cachePoint") != NULL)
        lines_put(l, "cache_control", STR("yes"));
}

static inline void bedrock_choice(struct lines *l, yyjson_val *choice)
{
    if (choice == NULL)
        return;
    lines_put(l, "tool_choice",
              back_get(choice, "auto") != NULL  ? STR("auto")
              : back_get(choice, "any") != NULL ? STR("any")
                                                : STR("named"));
    back_put(l, "tool_choice", back_get(back_get(choice, "tool"), "name"));
}

static inline void bedrock_format(struct lines *l, yyjson_val *format)
{
    yyjson_val *schema = back_get(back_get(format, "structure"), "jsonSchema");

    if (schema == NULL)
        return;
    lines_put(l, "response_format", STR("schema"));
    lines_raw(l, "response_format", back_str(back_get(schema, "schema")));
    back_put(l, "schema_name", back_get(schema, "name"));
    back_put(l, "schema_description", back_get(schema, "description"));
}

static inline void bedrock_back(struct lines *l, yyjson_val *root)
{
    static const struct back_name names[] = {
        {"maxTokens", "max_tokens"}, {"temperature", "temperature"}, {"topP", "top_p"}};
    yyjson_val *config = back_get(root, "inferenceConfig"),
               *more = back_get(root, "additionalModelRequestFields"), *v, *b;
    size_t i, j, max, most;

    back_all(l, config, names, COUNTOF(names));
    back_put(l, "top_k", back_get(more, "top_k"));
    back_stops(l, back_get(config, "stopSequences"));
    bedrock_format(l, back_get(back_get(root, "outputConfig"), "textFormat"));
    back_put(l, "reasoning", back_get(back_get(more, "thinking"), "budget_tokens"));
    back_put(l, "service_tier", back_get(back_get(root, "serviceTier"), "type"));
    lines_json(l, "extra", back_get(root, "requestMetadata"));
    yyjson_arr_foreach(back_get(back_get(root, "toolConfig"), "tools"), i, max, v)
        bedrock_tool(l, v);
    bedrock_choice(l, back_get(back_get(root, "toolConfig"), "toolChoice"));
    if (back_get(root, "system") != NULL)
        lines_turn(l, "system");
    yyjson_arr_foreach(back_get(root, "system"), i, max, v) bedrock_block(l, v);
    yyjson_arr_foreach(back_get(root, "messages"), i, max, v)
    {
        lines_turn(l, back_is(back_get(v, "role"), "assistant") ? "assistant" : "user");
        yyjson_arr_foreach(back_get(v, "content"), j, most, b) bedrock_block(l, b);
    }
}

#endif
