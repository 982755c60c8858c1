/*
 * Objects of the Responses API: the response, its items, what a message is made of.
 *
 * Members are those that OpenAI's schema or Open Responses' requires, and those of real answers;
 * what was not asked for has the API's default, as OpenAI repeats it.  completed_at stays null: no
 * clock is read here.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/responses_read.h"
#include "llm/responses_write.h"

#include <errno.h>

#include "llm/chat_seal.h"

/* ---- texts that grow ---- */

#define CHUNK_BYTES_MIN 240u
#define CHUNK_BYTES_MAX 16384u

struct responses_chunk {
    struct responses_chunk *next;
    size_t len, cap;
    char *bytes;
};

static struct responses_chunk *add_chunk(struct arena *a, struct responses_text *t)
{
    struct responses_chunk *c = ARENA_NEW(a, struct responses_chunk);
    size_t cap = t->len < CHUNK_BYTES_MIN ? CHUNK_BYTES_MIN : t->len;

    if (c == NULL)
        return NULL;
    c->cap = cap < CHUNK_BYTES_MAX ? cap : CHUNK_BYTES_MAX;
    c->bytes = arena_bytes(a, c->cap);
    if (c->bytes == NULL)
        return NULL;
    if (t->last != NULL)
        t->last->next = c;
    else
        t->first = c;
    t->last = c;
    return c;
}

int responses_text_add(struct arena *a, struct responses_text *t, struct json_text more)
{
    while (more.len > 0) {
        struct responses_chunk *c = t->last;
        size_t n;

        if (c == NULL || c->len == c->cap)
            c = add_chunk(a, t);
        if (c == NULL)
            return -ENOMEM;
        n = c->cap - c->len < more.len ? c->cap - c->len : more.len;
        memcpy(c->bytes + c->len, more.ptr, n);
        c->len += n;
        t->len += n;
        more = (struct json_text){more.ptr + n, more.len - n};
    }
    return 0;
}

void responses_text_pen(struct json_pen *p, const struct responses_text *t)
{
    pen_quote(p);
    for (const struct responses_chunk *c = t->first; c != NULL; c = c->next)
        pen_bytes(p, str_make(c->bytes, c->len));
    pen_quote_end(p);
}

/* ---- items ---- */

static const struct responses_text no_text;

static void key_text(struct json_pen *p, struct str name, const struct responses_text *t)
{
    pen_key(p, name);
    responses_text_pen(p, t);
}

void responses_piece_object(struct json_pen *p, const struct responses_piece *piece, bool begun)
{
    const struct responses_text *text = begun ? &no_text : &piece->text;

    pen_open(p, '{');
    if (piece->refusal) {
        pen_key_plain(p, STR("type"), STR("refusal"));
        key_text(p, STR("refusal"), text);
    } else {
        pen_key_plain(p, STR("type"), STR("output_text"));
        pen_key(p, STR("annotations"));
        pen_raw(p, STR("[]"));
        pen_key(p, STR("logprobs"));
        pen_raw(p, STR("[]"));
        key_text(p, STR("text"), text);
    }
    pen_close(p, '}');
}

static void message_members(struct json_pen *p, const struct responses_item *item, bool begun)
{
    pen_key(p, STR("content"));
    pen_open(p, '[');
    for (const struct responses_piece *x = begun ? NULL : item->first; x != NULL; x = x->next)
        responses_piece_object(p, x, false);
    pen_close(p, ']');
    pen_key_plain(p, STR("role"), STR("assistant"));
}

/* OpenAI's own goes back as OpenAI knows it. */
static void sealed_member(struct json_pen *p, const struct responses_item *item)
{
    struct chat_seal own;

    if (chat_unseal(item->sealed, &own)) {
        pen_key_text(p, STR("encrypted_content"), own.content);
        return;
    }
    pen_key(p, STR("encrypted_content"));
    pen_quote(p);
    pen_bytes(p, str_from(item->seal));
    pen_inside(p, item->sealed);
    pen_quote_end(p);
}

static void summary_members(struct json_pen *p, const struct responses_item *item, bool begun)
{
    if (item->seal != NULL && !begun)
        sealed_member(p, item);
    pen_key(p, STR("summary"));
    pen_open(p, '[');
    if (item->text.len > 0 && !begun) {
        pen_open(p, '{');
        pen_key_plain(p, STR("type"), STR("summary_text"));
        key_text(p, STR("text"), &item->text);
        pen_close(p, '}');
    }
    pen_close(p, ']');
}

static void call_members(struct json_pen *p, const struct responses_item *item, bool begun)
{
    key_text(p, STR("arguments"), begun ? &no_text : &item->text);
    pen_key_text(p, STR("call_id"), item->call_id);
    pen_key_text(p, STR("name"), item->name);
}

static struct str status_of(const struct responses_item *item, bool begun)
{
    if (begun || !item->done)
        return STR("in_progress");
    return item->incomplete ? STR("incomplete") : STR("completed");
}

void responses_item_object(struct json_pen *p, const struct responses_item *item, bool begun)
{
    static const struct str types[] = {STR_INIT("message"), STR_INIT("reasoning"),
                                       STR_INIT("function_call")};

    pen_open(p, '{');
    pen_key_plain(p, STR("id"), item->id);
    pen_key_plain(p, STR("type"), types[item->kind]);
    if (item->kind != RESPONSES_REASONING)
        pen_key_plain(p, STR("status"), status_of(item, begun));
    if (item->kind == RESPONSES_MESSAGE)
        message_members(p, item, begun);
    else if (item->kind == RESPONSES_REASONING)
        summary_members(p, item, begun);
    else
        call_members(p, item, begun);
    pen_close(p, '}');
}

/* ---- the response ---- */

static void key_line(struct json_pen *p, struct str name, struct str raw, struct str absent)
{
    pen_key(p, name);
    pen_line(p, raw.len > 0 ? raw : absent);
}

static void key_u64(struct json_pen *p, struct str name, uint64_t n)
{
    pen_key(p, name);
    pen_u64(p, n);
}

static void tool_object(struct json_pen *p, const struct chat_tool *t)
{
    if (t->raw.len > 0) {
        pen_line(p, t->raw);
        return;
    }
    pen_open(p, '{');
    pen_key_plain(p, STR("type"), STR("function"));
    pen_key(p, STR("description"));
    if (t->description.ptr != NULL)
        pen_text(p, t->description);
    else
        pen_null(p);
    pen_key_text(p, STR("name"), t->name);
    key_line(p, STR("parameters"), t->schema, STR("null"));
    pen_key(p, STR("strict"));
    pen_raw(p, !t->has_strict ? STR("null") : t->strict ? STR("true") : STR("false"));
    pen_close(p, '}');
}

static void tool_members(struct json_pen *p, const struct chat_echo *e)
{
    key_line(p, STR("tool_choice"), e->tool_choice, STR("\"auto\""));
    pen_key(p, STR("tools"));
    pen_open(p, '[');
    for (uint32_t i = 0; i < e->tools_count; i++)
        tool_object(p, &e->tools[i]);
    pen_close(p, ']');
}

static void usage_member(struct json_pen *p, const struct chat_usage *u)
{
    pen_key(p, STR("usage"));
    if (u == NULL || u->source == CHAT_USAGE_ABSENT) {
        pen_null(p);
        return;
    }
    pen_open(p, '{');
    key_u64(p, STR("input_tokens"), u->input);
    pen_key(p, STR("input_tokens_details"));
    pen_open(p, '{');
    key_u64(p, STR("cached_tokens"), u->cache_read);
    key_u64(p, STR("cache_write_tokens"), u->cache_write);
    pen_close(p, '}');
    key_u64(p, STR("output_tokens"), u->output);
    pen_key(p, STR("output_tokens_details"));
    pen_open(p, '{');
    key_u64(p, STR("reasoning_tokens"), u->reasoning);
    pen_close(p, '}');
    key_u64(p, STR("total_tokens"), u->input + u->output);
    pen_close(p, '}');
}

/* Of the codes that OpenAI's schema allows here. */
static struct str error_code(enum fault f)
{
    unsigned http = fault_info(f)->http;

    if (http == 429)
        return STR("rate_limit_exceeded");
    return http >= 400 && http < 500 ? STR("invalid_prompt") : STR("server_error");
}

static void outcome_members(struct json_pen *p, const struct responses_outcome *o)
{
    pen_key(p, STR("error"));
    if (o->fault != FAULT_NONE) {
        pen_open(p, '{');
        pen_key_plain(p, STR("code"), error_code(o->fault));
        pen_key_plain(p, STR("message"), o->message);
        pen_close(p, '}');
    } else {
        pen_null(p);
    }
    pen_key(p, STR("incomplete_details"));
    if (o->incomplete.len > 0) {
        pen_open(p, '{');
        pen_key_plain(p, STR("reason"), o->incomplete);
        pen_close(p, '}');
    } else {
        pen_null(p);
    }
    pen_key_text_some(p, STR("native_finish_reason"), o->native);
}

static void text_member(struct json_pen *p, const struct chat_echo *e)
{
    pen_key(p, STR("text"));
    pen_open(p, '{');
    key_line(p, STR("format"), e->format, STR("{\"type\":\"text\"}"));
    key_line(p, STR("verbosity"), e->verbosity, STR("\"medium\""));
    pen_close(p, '}');
    pen_key(p, STR("reasoning"));
    pen_open(p, '{');
    key_line(p, STR("effort"), e->effort, STR("null"));
    key_line(p, STR("summary"), e->summary, STR("null"));
    pen_close(p, '}');
}

static void echo_members(struct json_pen *p, const struct chat_echo *e)
{
    const struct str null = STR("null");

    key_line(p, STR("instructions"), e->instructions, null);
    key_line(p, STR("max_output_tokens"), e->max_output_tokens, null);
    key_line(p, STR("max_tool_calls"), e->max_tool_calls, null);
    pen_key(p, STR("parallel_tool_calls"));
    pen_bool(p, !e->serial);
    key_line(p, STR("previous_response_id"), null, null);
    key_line(p, STR("presence_penalty"), e->presence_penalty, STR("0"));
    key_line(p, STR("frequency_penalty"), e->frequency_penalty, STR("0"));
    key_line(p, STR("prompt_cache_key"), e->prompt_cache_key, null);
    key_line(p, STR("prompt_cache_retention"), e->prompt_cache_retention, null);
    key_line(p, STR("safety_identifier"), e->safety_identifier, null);
    key_line(p, STR("service_tier"), e->service_tier, STR("\"default\""));
    key_line(p, STR("store"), STR("false"), null);
    key_line(p, STR("temperature"), e->temperature, STR("1"));
    text_member(p, e);
    tool_members(p, e);
    key_u64(p, STR("top_logprobs"), 0);
    key_line(p, STR("top_p"), e->top_p, STR("1"));
    key_line(p, STR("truncation"), STR("\"disabled\""), null);
    key_line(p, STR("user"), e->user, null);
    key_line(p, STR("metadata"), e->metadata, STR("{}"));
}

static void output_member(struct json_pen *p, const struct responses_item *first)
{
    pen_key(p, STR("output"));
    pen_open(p, '[');
    for (const struct responses_item *item = first; item != NULL; item = item->next)
        responses_item_object(p, item, false);
    pen_close(p, ']');
}

struct str responses_echo(struct arena *a, const struct chat_request *r)
{
    static const struct chat_echo nothing;
    struct buf out = {0};
    struct json_pen p = json_pen(&out);
    struct str echo = {NULL, 0};

    p.comma = true;
    echo_members(&p, r != NULL && r->echo != NULL ? r->echo : &nothing);
    if (p.err == 0)
        echo = arena_dup(a, buf_str(&out));
    buf_done(&out);
    return echo;
}

void responses_object(struct json_pen *p, const struct responses_frame *frame,
                      const struct responses_item *first, const struct responses_outcome *o)
{
    const struct chat_answer_facts *facts = frame->facts;

    pen_open(p, '{');
    pen_key(p, STR("id"));
    pen_quote(p);
    pen_bytes(p, STR("resp_"));
    pen_inside_json(p, facts->id);
    pen_quote_end(p);
    pen_key_plain(p, STR("object"), STR("response"));
    key_u64(p, STR("created_at"), facts->created_s);
    pen_key_plain(p, STR("status"), o->status);
    pen_key(p, STR("background"));
    pen_bool(p, false);
    pen_key(p, STR("completed_at"));
    pen_null(p);
    outcome_members(p, o);
    pen_key_plain(p, STR("model"), facts->model);
    output_member(p, first);
    pen_bytes(p, frame->echo);
    usage_member(p, o->usage);
    pen_close(p, '}');
}
