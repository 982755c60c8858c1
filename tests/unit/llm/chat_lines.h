/*
 * chat_lines.h - a chat as lines, "key value", one for each thing that was asked: what two of them
 * have to agree on, however each came to be.
 *
 * Texts are unescaped, raw JSON is written anew by another library, neighbours of one side are one
 * turn: what may differ on the way does not, and all else does.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_UNIT_LLM_CHAT_LINES_H
#define TESTS_UNIT_LLM_CHAT_LINES_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <yyjson.h>

#include "llm/chat_calls.h"
#include "llm/chat_text.h"

#define LINES_MAX 512u
/* What a file is called where it has to have a name. */
#define LINES_UNNAMED "document.pdf"
/* What Gemini is told of a call that nobody signed. */
#define LINES_UNSIGNED "skip_thought_signature_validator"

struct line {
    const char *key;
    struct str value;
};

struct lines {
    struct arena arena;
    struct line at[LINES_MAX];
    unsigned n;
    const char *side; /* whose turn is open */
    bool inside;      /* a tool's result */
    bool no_refusals; /* they are texts */
    bool one_text;    /* all texts of a result are one, a line each */
};

static inline void lines_put(struct lines *l, const char *key, struct str value)
{
    if (l->n == LINES_MAX)
        abort();
    l->at[l->n++] =
        (struct line){key, l->inside ? arena_printf(&l->arena, "> %.*s", STR_ARG(value)) : value};
}

static inline void lines_text(struct lines *l, const char *key, struct json_text t)
{
    if (t.ptr != NULL)
        lines_put(l, key, arena_dup(&l->arena, json_text_plain(&l->arena, t)));
}

static inline void lines_some(struct lines *l, const char *key, struct str value)
{
    if (value.len > 0)
        lines_put(l, key, arena_dup(&l->arena, value));
}

/* A value as another library writes it; numbers stay as they are. */
static inline void lines_json(struct lines *l, const char *key, yyjson_val *v)
{
    size_t len = 0;
    char *text = v != NULL ? yyjson_val_write(v, YYJSON_WRITE_NOFLAG, &len) : NULL;

    if (text != NULL)
        lines_put(l, key, arena_dup(&l->arena, str_make(text, len)));
    free(text);
}

static inline yyjson_doc *lines_read(struct str json)
{
    char *copy = malloc(json.len + 1);
    yyjson_doc *doc;

    if (copy == NULL)
        abort();
    memcpy(copy, json.ptr, json.len);
    doc = yyjson_read_opts(copy, json.len, YYJSON_READ_NUMBER_AS_RAW, NULL, NULL);
    free(copy);
    if (doc == NULL)
        fail_msg("no JSON: %.*s", STR_ARG(json));
    return doc;
}

static inline void lines_raw(struct lines *l, const char *key, struct str raw)
{
    yyjson_doc *doc;

    if (raw.len == 0)
        return;
    doc = lines_read(raw);
    lines_json(l, key, yyjson_doc_get_root(doc));
    yyjson_doc_free(doc);
}

static inline void lines_turn(struct lines *l, const char *side)
{
    if (l->side == NULL || strcmp(l->side, side) != 0)
        lines_put(l, "turn", str_from(side));
    l->side = side;
}

/* ---- parts ---- */

static inline void lines_media(struct lines *l, const char *key, struct json_text type,
                               struct json_text data, struct json_text url)
{
    if (data.ptr == NULL && url.ptr != NULL)
        (void)chat_data_url(&l->arena, url, &type, &data);
    if (data.ptr != NULL) {
        lines_text(l, key, data);
        lines_text(l, "media_type", type);
    } else {
        lines_text(l, strcmp(key, "image") == 0 ? "image_url" : "file_url", url);
    }
}

static inline void lines_part(struct lines *l, const struct chat_request *r, uint32_t at,
                              const struct chat_part *p);

static inline void lines_one_text(struct lines *l, const struct chat_part *p)
{
    struct json_text *texts = arena_array(&l->arena, p->parts_count + 1, sizeof(*texts));
    uint32_t n = 0;

    if (texts == NULL)
        abort();
    for (uint32_t i = 0; i < p->parts_count; i++) {
        if (p->parts[i].kind == CHAT_TEXT)
            texts[n++] = p->parts[i].text;
    }
    if (n > 0)
        lines_text(l, "text", json_text_join(&l->arena, texts, n, JSON_TEXT("\\n")));
}

static inline void lines_result(struct lines *l, const struct chat_request *r, uint32_t at,
                                const struct chat_part *p)
{
    lines_text(l, "result", p->id);
    lines_text(l, "result_name", chat_called_name(r, at, p));
    l->inside = true;
    if (l->one_text)
        lines_one_text(l, p);
    for (uint32_t i = 0; i < p->parts_count; i++) {
        if (!l->one_text || p->parts[i].kind != CHAT_TEXT)
            lines_part(l, r, at, &p->parts[i]);
    }
    l->inside = false;
    if (p->is_error)
        lines_put(l, "is_error", STR("yes"));
}

static inline void lines_call(struct lines *l, const struct chat_part *p)
{
    lines_text(l, "call", p->id);
    lines_text(l, "call_name", p->name);
    lines_raw(l, "args", p->args);
}

static inline void lines_part(struct lines *l, const struct chat_request *r, uint32_t at,
                              const struct chat_part *p)
{
    switch (p->kind) {
    case CHAT_TEXT:
        lines_text(l, "text", p->text);
        break;
    case CHAT_IMAGE:
        lines_media(l, "image", p->media_type, p->data, p->text);
        lines_text(l, "file_id", p->file_id);
        if (!str_eq(p->detail, STR("\"auto\"")))
            lines_some(l, "detail", p->detail);
        break;
    case CHAT_AUDIO:
        lines_media(l, "audio", p->media_type, p->data, p->text);
        break;
    case CHAT_FILE:
        lines_media(l, "file", p->media_type, p->data, p->text);
        lines_text(l, "file_id", p->file_id);
        if (!json_text_is(p->file_name, STR(LINES_UNNAMED)))
            lines_text(l, "filename", p->file_name);
        break;
    case CHAT_CALL:
        lines_call(l, p);
        break;
    case CHAT_RESULT:
        lines_result(l, r, at, p);
        break;
    case CHAT_THINKING:
        lines_text(l, "thought", p->text);
        break;
    case CHAT_REDACTED:
        lines_text(l, "redacted_thinking", p->data);
        break;
    case CHAT_REFUSAL:
        lines_text(l, l->no_refusals ? "text" : "refusal", p->text);
        break;
    case CHAT_RAW:
        lines_raw(l, "raw_part", p->raw);
        break;
    }
    if (p->signature.len > 0 && !json_text_is(p->signature, STR(LINES_UNSIGNED)))
        lines_text(l, p->kind == CHAT_CALL ? "thought_signature" : "signature", p->signature);
    if (p->cache_control.len > 0)
        lines_put(l, "cache_control", STR("yes"));
}

static inline void lines_message(struct lines *l, const struct chat_request *r, uint32_t at)
{
    static const char *const sides[] = {[CHAT_SYSTEM] = "system",
                                        [CHAT_DEVELOPER] = "system",
                                        [CHAT_USER] = "user",
                                        [CHAT_ASSISTANT] = "assistant",
                                        [CHAT_TOOL] = "user"};
    const struct chat_message *m = &r->messages[at];

    lines_turn(l, sides[m->role]);
    lines_text(l, "name", m->name);
    for (uint32_t i = 0; i < m->parts_count; i++)
        lines_part(l, r, at, &m->parts[i]);
}

/* ---- all of it ---- */

static inline void lines_tool(struct lines *l, const struct chat_tool *t)
{
    if (t->raw.len > 0) {
        lines_raw(l, "raw_tool", t->raw);
        return;
    }
    lines_text(l, "tool", t->name);
    lines_text(l, "tool_description", t->description);
    lines_raw(l, "tool_schema", t->schema);
    if (t->strict)
        lines_put(l, "tool_strict", STR("yes"));
    if (t->cache_control.len > 0)
        lines_put(l, "cache_control", STR("yes"));
}

static inline void lines_choice(struct lines *l, const struct chat_request *r)
{
    static const char *const words[] = {[CHAT_CHOICE_AUTO] = "auto",
                                        [CHAT_CHOICE_NONE] = "none",
                                        [CHAT_CHOICE_ANY] = "any",
                                        [CHAT_CHOICE_NAMED] = "named"};

    if (r->choice != CHAT_CHOICE_UNSET)
        lines_put(l, "tool_choice", str_from(words[r->choice]));
    if (r->choice == CHAT_CHOICE_NAMED)
        lines_text(l, "tool_choice", r->choice_name);
    if (r->parallel_calls != CHAT_UNSET)
        lines_put(l, "parallel_tool_calls", r->parallel_calls == CHAT_YES ? STR("yes") : STR("no"));
}

static inline void lines_format(struct lines *l, const struct chat_request *r)
{
    if (r->format == CHAT_FORMAT_TEXT)
        return;
    lines_put(l, "response_format", r->format == CHAT_FORMAT_JSON ? STR("json") : STR("schema"));
    lines_raw(l, "response_format", r->schema);
    lines_text(l, "schema_name", r->schema_name);
    lines_text(l, "schema_description", r->schema_description);
    if (r->schema_strict == CHAT_YES)
        lines_put(l, "schema_strict", STR("yes"));
}

static inline void lines_reasoning(struct lines *l, const struct chat_reasoning *r)
{
    if (r->budget.len > 0)
        lines_some(l, "reasoning", r->budget);
    else
        lines_text(l, "reasoning", r->effort);
    if (r->show != CHAT_UNSET)
        lines_put(l, "show", r->show == CHAT_YES ? STR("yes") : STR("no"));
}

static inline void lines_settings(struct lines *l, const struct chat_request *r)
{
    lines_some(l, "max_tokens", r->max_tokens);
    lines_some(l, "temperature", r->temperature);
    lines_some(l, "top_p", r->top_p);
    lines_some(l, "top_k", r->top_k);
    lines_some(l, "seed", r->seed);
    lines_some(l, "n", r->n);
    lines_some(l, "presence_penalty", r->presence_penalty);
    lines_some(l, "frequency_penalty", r->frequency_penalty);
    lines_some(l, "logprobs", r->logprobs);
    lines_some(l, "top_logprobs", r->top_logprobs);
    for (uint32_t i = 0; i < r->stop_count; i++)
        lines_raw(l, "stop", r->stop[i]);
    lines_format(l, r);
    lines_reasoning(l, &r->reasoning);
    lines_text(l, "user", r->user);
    lines_raw(l, "metadata", r->metadata);
    lines_text(l, "service_tier", r->service_tier);
    if (r->stream)
        lines_put(l, "stream", STR("yes"));
    for (uint32_t i = 0; i < r->extra_count; i++)
        lines_raw(l, "extra", r->extra[i].value);
}

static inline void lines_of(struct lines *l, const struct chat_request *r)
{
    lines_settings(l, r);
    for (uint32_t i = 0; i < r->tools_count; i++)
        lines_tool(l, &r->tools[i]);
    lines_choice(l, r);
    for (uint32_t i = 0; i < r->messages_count; i++)
        lines_message(l, r, i);
}

#endif
