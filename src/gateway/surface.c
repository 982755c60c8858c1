/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/surface.h"

/* clang-format off */
/* By the model in the path, and what is asked of it. */
#define GEMINI(id, name, prefix, action, translated)                                                                                                              \
    {SURFACE_##id,        name,          STR_INIT(prefix),                 true,  STR_INIT(action), STR_INIT("POST"), HTTP_BODY_WHOLE,  pipeline_llm,    OPENAI_CHAT,        CHAT_GEMINI,    translated}

static const struct surface rows[] = {
    {SURFACE_CHAT,        "chat",        STR_INIT("/v1/chat/completions"), false, {"", 0},    STR_INIT("POST"), HTTP_BODY_WHOLE,  pipeline_llm,    OPENAI_CHAT,        CHAT_OPENAI,    true},
    {SURFACE_MESSAGES,    "messages",    STR_INIT("/v1/messages"),         false, {"", 0},    STR_INIT("POST"), HTTP_BODY_WHOLE,  pipeline_llm,    OPENAI_CHAT,        CHAT_ANTHROPIC, true},
    {SURFACE_RESPONSES,   "responses",   STR_INIT("/v1/responses"),        false, {"", 0},    STR_INIT("POST"), HTTP_BODY_WHOLE,  pipeline_llm,    OPENAI_RESPONSES,   CHAT_RESPONSES, true},
    {SURFACE_COUNT_TOKENS,"count_tokens",STR_INIT("/v1/messages/count_tokens"), false, {"", 0},    STR_INIT("POST"), HTTP_BODY_WHOLE, pipeline_llm, OPENAI_CHAT,     CHAT_ANTHROPIC, false},
    {SURFACE_COMPLETIONS, "completions", STR_INIT("/v1/completions"),      false, {"", 0},    STR_INIT("POST"), HTTP_BODY_WHOLE,  pipeline_llm,    OPENAI_COMPLETIONS, CHAT_OPENAI,    false},
    {SURFACE_EMBEDDINGS,  "embeddings",  STR_INIT("/v1/embeddings"),       false, {"", 0},    STR_INIT("POST"), HTTP_BODY_WHOLE,  pipeline_llm,    OPENAI_EMBEDDINGS,  CHAT_OPENAI,    true},
    GEMINI(GEMINI,       "gemini",       "/v1beta/",   ":generateContent",       true),
    GEMINI(GEMINI,       "gemini",       "/v1beta/",   ":streamGenerateContent", true),
    GEMINI(COUNT_TOKENS, "count_tokens", "/v1beta/",   ":countTokens",           false),
    GEMINI(GEMINI,       "gemini",       "/v1/models/", ":generateContent",       true),
    GEMINI(GEMINI,       "gemini",       "/v1/models/", ":streamGenerateContent", true),
    GEMINI(COUNT_TOKENS, "count_tokens", "/v1/models/", ":countTokens",           false),
    {SURFACE_MODELS,      "models",      STR_INIT("/v1/models"),           false, {"", 0},    STR_INIT("GET"),  HTTP_BODY_STREAM, pipeline_models, OPENAI_CHAT,        CHAT_OPENAI,    false},
    {SURFACE_MODELS,      "models",      STR_INIT("/v1/models/"),          true,  {"", 0},    STR_INIT("GET"),  HTTP_BODY_STREAM, pipeline_models, OPENAI_CHAT,        CHAT_OPENAI,    false},
    {SURFACE_MODELS,      "models",      STR_INIT("/v1/models"),           false, {"", 0},    STR_INIT("GET"),  HTTP_BODY_STREAM, pipeline_models, OPENAI_CHAT,        CHAT_ANTHROPIC, false},
    {SURFACE_MODELS,      "models",      STR_INIT("/v1/models/"),          true,  {"", 0},    STR_INIT("GET"),  HTTP_BODY_STREAM, pipeline_models, OPENAI_CHAT,        CHAT_ANTHROPIC, false},
    {SURFACE_MODELS,      "models",      STR_INIT("/v1beta/models"),       false, {"", 0},    STR_INIT("GET"),  HTTP_BODY_STREAM, pipeline_models, OPENAI_CHAT,        CHAT_GEMINI,    false},
    {SURFACE_MODELS,      "models",      STR_INIT("/v1beta/models/"),      true,  {"", 0},    STR_INIT("GET"),  HTTP_BODY_STREAM, pipeline_models, OPENAI_CHAT,        CHAT_GEMINI,    false},
    {SURFACE_RELAY,       "relay",       STR_INIT("/v1/"),                 true,  {"", 0},    STR_INIT(""),     HTTP_BODY_STREAM, pipeline_relay,  OPENAI_CHAT,        CHAT_OPENAI,    false},
    {SURFACE_OTHER,       "other",       STR_INIT(""),                     true,  {"", 0},    STR_INIT(""),     HTTP_BODY_STREAM, NULL,            OPENAI_CHAT,        CHAT_OPENAI,    false},
};
/* clang-format on */

static bool serves_path(const struct surface *s, struct str path)
{
    if (s->action.len > 0 &&
        (path.len < s->action.len || !str_eq(str_skip(path, path.len - s->action.len), s->action)))
        return false;
    return s->below ? str_starts(path, s->path) : str_eq(path, s->path);
}

static bool serves_method(const struct surface *s, struct str method)
{
    if (s->method.len == 0 || str_eq(s->method, method))
        return true;
    return str_eq(s->method, STR("GET")) && str_eq(method, STR("HEAD"));
}

const struct surface *surface_find(struct str method, struct str path, struct str *ret_allow)
{
    const struct surface *other = &rows[COUNTOF(rows) - 1];

    *ret_allow = (struct str){"", 0};
    for (const struct surface *s = rows; s < other; s++) {
        if (!serves_path(s, path))
            continue;
        if (serves_method(s, method))
            return s;
        /* DELETE /v1/models/{id} and the like are relayed, a GET of a POST path is a mistake. */
        if (!s->below || s->action.len > 0) {
            *ret_allow = s->method;
            return other;
        }
    }
    return other;
}

const struct surface *surface_in(const struct surface *s, enum chat_dialect d)
{
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        if (rows[i].id == s->id && rows[i].dialect == d && str_eq(rows[i].path, s->path))
            return &rows[i];
    }
    return s;
}

const struct surface *surface_get(enum surface_id id)
{
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        if (rows[i].id == id)
            return &rows[i];
    }
    return &rows[COUNTOF(rows) - 1];
}
