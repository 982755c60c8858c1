/*
 * What Anthropic's answers look like: the events of a stream, a whole message, an error.
 *
 * Members are those of real answers and of the official SDK's types; what we cannot know is null.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/messages_write.h"

#include <errno.h>

/* ---- pieces of events ---- */

static void begin(struct json_pen *p, struct str type)
{
    pen_bytes(p, STR("event: "));
    pen_bytes(p, type);
    pen_bytes(p, STR("\ndata: "));
    p->comma = false;
    pen_open(p, '{');
    pen_key_plain(p, STR("type"), type);
}

static void end(struct json_pen *p)
{
    pen_close(p, '}');
    pen_bytes(p, STR("\n\n"));
}

static void key_u64(struct json_pen *p, struct str name, uint64_t n)
{
    pen_key(p, name);
    pen_u64(p, n);
}

static void key_null(struct json_pen *p, struct str name)
{
    pen_key(p, name);
    pen_null(p);
}

/* ---- usage ---- */

/* Anthropic's input_tokens are those that no cache had anything to do with. */
static uint64_t uncached(const struct chat_usage *u)
{
    uint64_t left = u->input > u->cache_read ? u->input - u->cache_read : 0;

    return left > u->cache_write ? left - u->cache_write : 0;
}

/* What the events at both ends tell. */
static void usage_members(struct json_pen *p, const struct chat_usage *u)
{
    key_u64(p, STR("input_tokens"), uncached(u));
    key_u64(p, STR("cache_creation_input_tokens"), u->cache_write);
    key_u64(p, STR("cache_read_input_tokens"), u->cache_read);
    key_u64(p, STR("output_tokens"), u->output);
    if (u->reasoning > 0) {
        pen_key(p, STR("output_tokens_details"));
        pen_open(p, '{');
        key_u64(p, STR("thinking_tokens"), u->reasoning);
        pen_close(p, '}');
    } else {
        key_null(p, STR("output_tokens_details"));
    }
    key_null(p, STR("server_tool_use"));
}

static void put_usage(struct json_pen *p, const struct chat_usage *u, bool of_message)
{
    pen_key(p, STR("usage"));
    pen_open(p, '{');
    usage_members(p, u);
    if (of_message) {
        key_null(p, STR("cache_creation"));
        key_null(p, STR("service_tier"));
        key_null(p, STR("inference_geo"));
        key_null(p, STR("speed"));
    }
    pen_close(p, '}');
}

/* ---- the message and how it ended ---- */

static void head_members(struct json_pen *p, const struct chat_answer_facts *facts)
{
    pen_key(p, STR("id"));
    pen_quote(p);
    pen_bytes(p, STR("msg_"));
    pen_inside_json(p, facts->id);
    pen_quote_end(p);
    pen_key_plain(p, STR("type"), STR("message"));
    pen_key_plain(p, STR("role"), STR("assistant"));
    pen_key_plain(p, STR("model"), facts->model);
}

/* `e` NULL: not yet. */
static void ending_members(struct json_pen *p, const struct messages_ending *e)
{
    struct str details = STR("null");

    if (e != NULL && e->details.len > 0)
        details = e->details;
    else if (e != NULL && str_eq(e->reason, STR("refusal")))
        details = STR("{\"type\":\"refusal\",\"category\":null,\"explanation\":null}");
    pen_key(p, STR("stop_reason"));
    if (e != NULL)
        pen_plain(p, e->reason);
    else
        pen_null(p);
    pen_key(p, STR("stop_sequence"));
    if (e != NULL && e->sequence.ptr != NULL)
        pen_text(p, e->sequence);
    else
        pen_null(p);
    pen_key(p, STR("stop_details"));
    pen_line(p, details);
    key_null(p, STR("container"));
    if (e != NULL)
        pen_key_text_some(p, STR("native_stop_reason"), e->unknown);
}

void messages_put_start(struct json_pen *p, const struct chat_answer_facts *facts,
                        const struct chat_usage *usage)
{
    begin(p, STR("message_start"));
    pen_key(p, STR("message"));
    pen_open(p, '{');
    head_members(p, facts);
    pen_key(p, STR("content"));
    pen_raw(p, STR("[]"));
    ending_members(p, NULL);
    key_null(p, STR("diagnostics"));
    put_usage(p, usage, true);
    pen_close(p, '}');
    end(p);
}

void messages_put_stop(struct json_pen *p, const struct messages_ending *e,
                       const struct chat_usage *usage)
{
    begin(p, STR("message_delta"));
    pen_key(p, STR("delta"));
    pen_open(p, '{');
    ending_members(p, e);
    pen_close(p, '}');
    put_usage(p, usage, false);
    end(p);
    begin(p, STR("message_stop"));
    end(p);
}

/* ---- blocks ---- */

static void call_members(struct json_pen *p, const struct messages_block *b, struct str input)
{
    pen_key_plain(p, STR("type"), STR("tool_use"));
    pen_key_text(p, STR("id"), b->id);
    pen_key_text(p, STR("name"), b->name);
    pen_key(p, STR("input"));
    pen_line(p, input);
    pen_key(p, STR("caller"));
    pen_raw(p, STR("{\"type\":\"direct\"}"));
    /* Not in Anthropic's: it is Google's, who refuses a call that comes back without. */
    pen_key_text_some(p, STR("signature"), b->signature);
}

static void redacted_members(struct json_pen *p, const struct messages_block *b)
{
    pen_key_plain(p, STR("type"), STR("redacted_thinking"));
    pen_key_text(p, STR("data"), b->data);
}

/* The block as it begins, before any delta. */
static void empty_block(struct json_pen *p, const struct messages_block *b)
{
    if (b->kind == CHAT_EV_RAW) {
        pen_line(p, b->raw);
        return;
    }
    pen_open(p, '{');
    if (b->kind == CHAT_EV_CALL) {
        call_members(p, b, STR("{}"));
    } else if (b->kind == CHAT_EV_REDACTED) {
        redacted_members(p, b);
    } else if (b->kind == CHAT_EV_THINKING) {
        pen_key_plain(p, STR("type"), STR("thinking"));
        pen_key_plain(p, STR("thinking"), STR(""));
        pen_key_plain(p, STR("signature"), STR(""));
    } else {
        pen_key_plain(p, STR("type"), STR("text"));
        pen_key_plain(p, STR("text"), STR(""));
    }
    pen_close(p, '}');
}

void messages_put_block_start(struct json_pen *p, uint32_t index, const struct messages_block *b)
{
    begin(p, STR("content_block_start"));
    key_u64(p, STR("index"), index);
    pen_key(p, STR("content_block"));
    empty_block(p, b);
    end(p);
}

static void begin_delta(struct json_pen *p, uint32_t index, struct str type, struct str member)
{
    begin(p, STR("content_block_delta"));
    key_u64(p, STR("index"), index);
    pen_key(p, STR("delta"));
    pen_open(p, '{');
    pen_key_plain(p, STR("type"), type);
    pen_key(p, member);
}

static void end_delta(struct json_pen *p)
{
    pen_close(p, '}');
    end(p);
}

static void text_delta(struct json_pen *p, uint32_t index, struct str type, struct str member,
                       struct json_text text)
{
    begin_delta(p, index, type, member);
    pen_text(p, text);
    end_delta(p);
}

static void input_delta(struct json_pen *p, uint32_t index, struct json_text text)
{
    text_delta(p, index, STR("input_json_delta"), STR("partial_json"), text);
}

/* Arguments that are no JSON, as a string in an object: a level of escapes more than they have. */
static void odd_delta(struct json_pen *p, uint32_t index, struct messages_block *b,
                      struct json_text text)
{
    if (!b->wrapped)
        input_delta(p, index, JSON_TEXT("{\\\"" CHAT_ARGS_ODD_KEY "\\\":\\\""));
    b->wrapped = true;
    begin_delta(p, index, STR("input_json_delta"), STR("partial_json"));
    pen_quote(p);
    pen_inside_json(p, str_make(text.ptr, text.len));
    pen_quote_end(p);
    end_delta(p);
}

void messages_put_piece(struct json_pen *p, uint32_t index, struct messages_block *b,
                        const struct messages_piece *piece)
{
    if (piece->citation.len > 0) {
        begin_delta(p, index, STR("citations_delta"), STR("citation"));
        pen_line(p, piece->citation);
        end_delta(p);
    } else if (piece->signature.ptr != NULL) {
        text_delta(p, index, STR("signature_delta"), STR("signature"), piece->signature);
    } else if (b->kind == CHAT_EV_THINKING) {
        text_delta(p, index, STR("thinking_delta"), STR("thinking"), piece->text);
    } else if (b->kind == CHAT_EV_TEXT) {
        text_delta(p, index, STR("text_delta"), STR("text"), piece->text);
    } else if (b->args.odd) {
        odd_delta(p, index, b, piece->text);
    } else {
        input_delta(p, index, piece->text);
    }
}

void messages_put_block_stop(struct json_pen *p, uint32_t index, const struct messages_block *b)
{
    if (b->kind == CHAT_EV_CALL && b->wrapped)
        input_delta(p, index, JSON_TEXT("\\\"}"));
    else if (b->kind == CHAT_EV_CALL && !b->args.begun)
        input_delta(p, index, JSON_TEXT("{}"));
    begin(p, STR("content_block_stop"));
    key_u64(p, STR("index"), index);
    end(p);
}

/* ---- a whole message ---- */

/* All texts of a block as one string. */
static void joined(struct json_pen *p, const struct messages_block *b)
{
    pen_quote(p);
    for (const struct messages_piece *piece = b->first; piece != NULL; piece = piece->next)
        pen_inside(p, piece->text);
    pen_quote_end(p);
}

static bool has_citations(const struct messages_block *b)
{
    const struct messages_piece *piece = b->first;

    while (piece != NULL && piece->citation.len == 0)
        piece = piece->next;
    return piece != NULL;
}

static void text_members(struct json_pen *p, const struct messages_block *b)
{
    pen_key_plain(p, STR("type"), STR("text"));
    pen_key(p, STR("text"));
    joined(p, b);
    if (!has_citations(b)) /* Anthropic leaves it out, though its SDK's types want a null */
        return;
    pen_key(p, STR("citations"));
    pen_open(p, '[');
    for (const struct messages_piece *piece = b->first; piece != NULL; piece = piece->next) {
        if (piece->citation.len > 0)
            pen_line(p, piece->citation);
    }
    pen_close(p, ']');
}

static void thinking_members(struct json_pen *p, const struct messages_block *b)
{
    pen_key_plain(p, STR("type"), STR("thinking"));
    pen_key(p, STR("thinking"));
    joined(p, b);
    pen_key_text(p, STR("signature"), b->signature);
}

/* .ptr NULL: no room. */
static struct json_text all_args(struct arena *a, const struct messages_block *b)
{
    struct json_text all = {"", 0};

    for (const struct messages_piece *piece = b->first; piece != NULL; piece = piece->next)
        all.len += piece->text.len;
    if (all.len > 0) {
        char *to = arena_bytes(a, all.len);

        all.ptr = to;
        for (const struct messages_piece *piece = b->first; to != NULL && piece != NULL;
             piece = piece->next) {
            memcpy(to, piece->text.ptr, piece->text.len);
            to += piece->text.len;
        }
    }
    return all;
}

static struct str input_of(struct arena *a, const struct messages_block *b)
{
    struct json_text text = all_args(a, b);

    return text.ptr != NULL ? chat_args_object(a, text) : (struct str){NULL, 0};
}

static void whole_block(struct json_pen *p, struct arena *a, const struct messages_block *b)
{
    struct str input;

    if (b->kind == CHAT_EV_RAW) {
        pen_line(p, b->raw);
        return;
    }
    pen_open(p, '{');
    if (b->kind == CHAT_EV_CALL) {
        input = input_of(a, b);
        if (input.ptr == NULL)
            p->err = p->err != 0 ? p->err : -ENOMEM;
        call_members(p, b, input.ptr != NULL ? input : STR("{}"));
    } else if (b->kind == CHAT_EV_REDACTED) {
        redacted_members(p, b);
    } else if (b->kind == CHAT_EV_THINKING) {
        thinking_members(p, b);
    } else {
        text_members(p, b);
    }
    pen_close(p, '}');
}

void messages_body(struct json_pen *p, struct arena *a, const struct chat_answer_facts *facts,
                   const struct messages_block *first, const struct messages_ending *e,
                   const struct chat_usage *usage)
{
    pen_open(p, '{');
    head_members(p, facts);
    pen_key(p, STR("content"));
    pen_open(p, '[');
    for (const struct messages_block *b = first; b != NULL; b = b->next)
        whole_block(p, a, b);
    pen_close(p, ']');
    ending_members(p, e);
    key_null(p, STR("diagnostics"));
    put_usage(p, usage, true);
    pen_close(p, '}');
}
