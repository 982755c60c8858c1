/*
 * Requests to Ollama's own /api/chat (docs.ollama.com/api/chat).
 *
 * A message is one text there, with pictures beside it; each result of a tool is a message of its
 * own, before what else came with it.  Pictures come with the request or not at all: Ollama
 * fetches none, and other media it cannot read.  No tool is offered where none may be called;
 * that one has to be is not to be said.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/chat_args.h"
#include "llm/chat_calls.h"
#include "llm/chat_text.h"
#include "llm/ollama_part.h"

#define BREAK JSON_TEXT("\\n")

struct writing {
    struct json_pen *pen;
    struct chat_request *r;
    struct chat_problem *problem;
};

struct str ollama_path(struct arena *a, const struct chat_request *r)
{
    (void)a;
    (void)r;
    return STR("/api/chat");
}

/* ---- messages ---- */

static bool is_text(const struct chat_part *p)
{
    return p->kind == CHAT_TEXT || p->kind == CHAT_REFUSAL;
}

static bool is_thinking(const struct chat_part *p)
{
    return p->kind == CHAT_THINKING && p->text.len > 0;
}

/* The texts of the parts that are wanted in one string, a line each. */
static void put_joined(struct writing *w, const struct chat_part *parts, uint32_t n,
                       bool wanted(const struct chat_part *))
{
    bool any = false;

    pen_quote(w->pen);
    for (uint32_t i = 0; i < n; i++) {
        if (!wanted(&parts[i]))
            continue;
        if (any)
            pen_inside(w->pen, BREAK);
        pen_inside(w->pen, parts[i].text);
        any = true;
    }
    pen_quote_end(w->pen);
}

static bool put_image(struct writing *w, const struct chat_part *p, bool first)
{
    struct json_text type, data = p->data;

    if (p->detail.len > 0 && !str_eq(p->detail, STR("\"auto\"")) && !str_eq(p->detail, STR("auto")))
        chat_drop(w->r, STR("detail"));
    if (data.ptr == NULL && p->text.len > 0)
        chat_data_url(w->r->arena, p->text, &type, &data);
    if (data.ptr == NULL)
        return chat_refuse(w->problem, w->r->arena, "messages",
                           "Ollama does not fetch pictures: send the image as base64 data");
    if (first) {
        pen_key(w->pen, STR("images"));
        pen_open(w->pen, '[');
    }
    pen_text(w->pen, data);
    return true;
}

static bool put_images(struct writing *w, const struct chat_part *parts, uint32_t n)
{
    bool any = false;

    for (uint32_t i = 0; i < n; i++) {
        if (parts[i].kind == CHAT_AUDIO || parts[i].kind == CHAT_FILE)
            return chat_refuse(w->problem, w->r->arena, "messages",
                               "Ollama reads texts and images, no %s",
                               parts[i].kind == CHAT_AUDIO ? "audio" : "files");
        if (parts[i].kind != CHAT_IMAGE)
            continue;
        if (!put_image(w, &parts[i], !any))
            return false;
        any = true;
    }
    if (any)
        pen_close(w->pen, ']');
    return true;
}

static void put_call(struct writing *w, const struct chat_part *p)
{
    pen_open(w->pen, '{');
    if (p->id.len > 0)
        pen_key_text(w->pen, STR("id"), p->id);
    pen_key(w->pen, STR("function"));
    pen_open(w->pen, '{');
    pen_key_text(w->pen, STR("name"), p->name);
    chat_pen_args(w->pen, STR("arguments"), p);
    pen_close(w->pen, '}');
    pen_close(w->pen, '}');
}

static uint32_t count(const struct chat_message *m, bool wanted(const struct chat_part *))
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < m->parts_count; i++)
        n += wanted(&m->parts[i]);
    return n;
}

static bool is_not_result(const struct chat_part *p)
{
    return p->kind != CHAT_RESULT;
}

static void put_calls(struct writing *w, const struct chat_message *m)
{
    if (count(m, chat_is_call) == 0)
        return;
    pen_key(w->pen, STR("tool_calls"));
    pen_open(w->pen, '[');
    for (uint32_t i = 0; i < m->parts_count; i++) {
        if (chat_is_call(&m->parts[i]))
            put_call(w, &m->parts[i]);
    }
    pen_close(w->pen, ']');
}

static void drop_of_part(struct chat_request *r, const struct chat_part *p)
{
    if (p->cache_control.len > 0)
        chat_drop(r, STR("cache_control"));
    if (p->citations.len > 0)
        chat_drop(r, STR("citations"));
    if (p->signature.len > 0)
        chat_drop(r, STR("thought_signature"));
    if (p->kind == CHAT_REDACTED)
        chat_drop(r, STR("redacted_thinking"));
    if (p->kind == CHAT_RAW && !chat_is_call(p))
        chat_drop(r, STR("messages.content"));
}

static bool put_result(struct writing *w, uint32_t at, const struct chat_part *p)
{
    struct json_text name = chat_called_name(w->r, at, p);

    if (p->is_error)
        chat_drop(w->r, STR("is_error"));
    for (uint32_t i = 0; i < p->parts_count; i++)
        drop_of_part(w->r, &p->parts[i]);
    pen_open(w->pen, '{');
    pen_key_plain(w->pen, STR("role"), STR("tool"));
    pen_key(w->pen, STR("content"));
    put_joined(w, p->parts, p->parts_count, is_text);
    if (name.len > 0)
        pen_key_text(w->pen, STR("tool_name"), name);
    if (p->id.len > 0)
        pen_key_text(w->pen, STR("tool_call_id"), p->id);
    if (!put_images(w, p->parts, p->parts_count))
        return false;
    pen_close(w->pen, '}');
    return true;
}

static bool put_said(struct writing *w, const struct chat_message *m)
{
    static const struct str roles[] = {
        [CHAT_SYSTEM] = STR_INIT("system"),       [CHAT_DEVELOPER] = STR_INIT("system"),
        [CHAT_USER] = STR_INIT("user"),           [CHAT_TOOL] = STR_INIT("user"),
        [CHAT_ASSISTANT] = STR_INIT("assistant"),
    };

    pen_open(w->pen, '{');
    pen_key_plain(w->pen, STR("role"), roles[m->role]);
    pen_key(w->pen, STR("content"));
    put_joined(w, m->parts, m->parts_count, is_text);
    if (count(m, is_thinking) > 0) {
        pen_key(w->pen, STR("thinking"));
        put_joined(w, m->parts, m->parts_count, is_thinking);
    }
    if (!put_images(w, m->parts, m->parts_count))
        return false;
    put_calls(w, m);
    pen_close(w->pen, '}');
    return true;
}

static bool put_message(struct writing *w, uint32_t at)
{
    const struct chat_message *m = &w->r->messages[at];
    uint32_t said = count(m, is_not_result);

    if (m->name.len > 0)
        chat_drop(w->r, STR("messages.name"));
    for (uint32_t i = 0; i < m->parts_count; i++) {
        drop_of_part(w->r, &m->parts[i]);
        if (!is_not_result(&m->parts[i]) && !put_result(w, at, &m->parts[i]))
            return false;
    }
    return (said == 0 && m->parts_count > 0) || put_said(w, m);
}

static bool put_messages(struct writing *w)
{
    pen_key(w->pen, STR("messages"));
    pen_open(w->pen, '[');
    for (uint32_t i = 0; i < w->r->messages_count; i++) {
        if (!put_message(w, i))
            return false;
    }
    pen_close(w->pen, ']');
    return true;
}

/* ---- tools ---- */

static void put_tool(struct writing *w, const struct chat_tool *t)
{
    if (t->cache_control.len > 0)
        chat_drop(w->r, STR("cache_control"));
    if (t->has_strict && t->strict)
        chat_drop(w->r, STR("tools.strict"));
    pen_open(w->pen, '{');
    pen_key_plain(w->pen, STR("type"), STR("function"));
    pen_key(w->pen, STR("function"));
    pen_open(w->pen, '{');
    pen_key_text(w->pen, STR("name"), t->name);
    pen_key_text_some(w->pen, STR("description"), t->description);
    pen_key_raw_some(w->pen, STR("parameters"),
                     t->schema.len > 0 ? t->schema
                                       : STR("{\"type\":\"object\",\"properties\":{}}"));
    pen_close(w->pen, '}');
    pen_close(w->pen, '}');
}

static bool put_tools(struct writing *w)
{
    struct chat_request *r = w->r;

    if (r->choice == CHAT_CHOICE_ANY || r->choice == CHAT_CHOICE_NAMED)
        chat_drop(r, STR("tool_choice"));
    if (r->tools_count == 0 || r->choice == CHAT_CHOICE_NONE)
        return true;
    pen_key(w->pen, STR("tools"));
    pen_open(w->pen, '[');
    for (uint32_t i = 0; i < r->tools_count; i++) {
        if (r->tools[i].raw.len > 0 && r->tools[i].vendor != CHAT_OLLAMA)
            return chat_refuse(w->problem, r->arena, "tools",
                               "tools[%u] is of a kind that Ollama does not have", i);
        if (r->tools[i].raw.len > 0)
            pen_raw(w->pen, r->tools[i].raw);
        else
            put_tool(w, &r->tools[i]);
    }
    pen_close(w->pen, ']');
    return true;
}

/* ---- options ---- */

static bool copy_member(void *ctx, const struct json_member *m)
{
    pen_key(ctx, m->key);
    pen_raw(ctx, m->value);
    return true;
}

static void put_stops(struct writing *w)
{
    if (w->r->stop_count == 0)
        return;
    pen_key(w->pen, STR("stop"));
    pen_open(w->pen, '[');
    for (uint32_t i = 0; i < w->r->stop_count; i++)
        pen_raw(w->pen, w->r->stop[i]);
    pen_close(w->pen, ']');
}

static void put_options(struct writing *w)
{
    const struct chat_request *r = w->r;

    pen_key(w->pen, STR("options"));
    pen_open(w->pen, '{');
    pen_key_raw_some(w->pen, STR("num_predict"), r->max_tokens);
    pen_key_raw_some(w->pen, STR("temperature"), r->temperature);
    pen_key_raw_some(w->pen, STR("top_p"), r->top_p);
    pen_key_raw_some(w->pen, STR("top_k"), r->top_k);
    pen_key_raw_some(w->pen, STR("seed"), r->seed);
    pen_key_raw_some(w->pen, STR("presence_penalty"), r->presence_penalty);
    pen_key_raw_some(w->pen, STR("frequency_penalty"), r->frequency_penalty);
    put_stops(w);
    for (uint32_t i = 0; i < r->extra_count; i++) {
        if (r->extra[i].vendor == CHAT_OLLAMA && str_eq(r->extra[i].name, STR("options")) &&
            json_type_of(r->extra[i].value) == JSON_OBJECT)
            json_members(r->extra[i].value, copy_member, w->pen);
    }
    pen_close(w->pen, '}');
}

/* ---- thinking ---- */

/* true, false, or how much in a word. */
static void put_think(struct writing *w)
{
    const struct chat_reasoning *r = &w->r->reasoning;
    struct json_text word = r->effort;
    uint64_t tokens;

    if (word.len == 0 && r->budget.len > 0 && str_to_u64(r->budget, &tokens))
        word = chat_effort_word(tokens);
    if (r->on == CHAT_NO || json_text_is(word, STR("none"))) {
        pen_key(w->pen, STR("think"));
        pen_bool(w->pen, false);
    } else if (word.len > 0) {
        bool little = json_text_is(word, STR("minimal")) || json_text_is(word, STR("low"));

        pen_key_text(w->pen, STR("think"),
                     little                              ? JSON_TEXT("low")
                     : json_text_is(word, STR("medium")) ? word
                                                         : JSON_TEXT("high"));
    } else if (r->on == CHAT_YES || r->adaptive) {
        pen_key(w->pen, STR("think"));
        pen_bool(w->pen, true);
    }
}

/* ---- all of it ---- */

static void put_format(struct writing *w)
{
    if (w->r->schema_description.len > 0)
        chat_drop(w->r, STR("response_format.description"));
    if (w->r->format == CHAT_FORMAT_SCHEMA && w->r->schema.len > 0)
        pen_key_raw_some(w->pen, STR("format"), w->r->schema);
    else if (w->r->format != CHAT_FORMAT_TEXT)
        pen_key_plain(w->pen, STR("format"), STR("json"));
}

static void drop_unsayable(struct chat_request *r)
{
    if (r->parallel_calls == CHAT_NO && !r->functions) /* functions never are */
        chat_drop(r, STR("parallel_tool_calls"));
    if (r->user.len > 0)
        chat_drop(r, STR("user"));
    if (r->metadata.len > 0 && !json_is_empty(r->metadata))
        chat_drop(r, STR("metadata"));
    if (r->service_tier.len > 0 && !json_text_is(r->service_tier, STR("auto")))
        chat_drop(r, STR("service_tier"));
    if (r->logprobs.len > 0 && !str_eq(r->logprobs, STR("false")))
        chat_drop(r, STR("logprobs"));
    if (r->top_logprobs.len > 0)
        chat_drop(r, STR("top_logprobs"));
}

static bool is_written(struct str name)
{
    static const struct str names[] = {
        STR_INIT("model"), STR_INIT("messages"), STR_INIT("stream"),
        STR_INIT("tools"), STR_INIT("format"),   STR_INIT("think"),
    };

    for (size_t i = 0; i < COUNTOF(names); i++) {
        if (str_eq(name, names[i]))
            return true;
    }
    return false;
}

static void put_extras(struct writing *w)
{
    for (uint32_t i = 0; i < w->r->extra_count; i++) {
        const struct chat_extra *e = &w->r->extra[i];

        if (e->vendor != CHAT_OLLAMA || is_written(e->name))
            chat_drop(w->r, e->name);
        else if (!str_eq(e->name, STR("options")))
            pen_key_raw_some(w->pen, e->name, e->value);
    }
}

static bool put_body(struct writing *w, struct str model)
{
    struct chat_request *r = w->r;

    if (r->n.len > 0 && !str_eq(r->n, STR("1")))
        return chat_refuse(w->problem, r->arena, "n", "Ollama gives one answer to a request");
    drop_unsayable(r);
    pen_open(w->pen, '{');
    pen_key_plain(w->pen, STR("model"), model);
    if (!put_messages(w) || !put_tools(w))
        return false;
    pen_key(w->pen, STR("stream")); /* there it is on when it is not said */
    pen_bool(w->pen, r->stream);
    put_format(w);
    put_think(w);
    put_options(w);
    put_extras(w);
    pen_close(w->pen, '}');
    return true;
}

bool ollama_encode(struct chat_request *r, struct str model, struct buf *out,
                   struct chat_problem *p)
{
    struct json_pen pen = json_pen(out);
    struct writing w = {.pen = &pen, .r = r, .problem = p};
    bool ok = put_body(&w, model);

    if (pen.err == 0)
        return ok;
    *p = (struct chat_problem){.fault = FAULT_TOO_LARGE,
                               .why = STR("the request is too large in Ollama's form")};
    return false;
}
