/*
 * A chat's messages as Converse takes them: what the system says first, then turns of a user and an
 * assistant that alternate.
 *
 * - Neighbours of one role are one turn.  In a user's turn the results of tools come first: models
 *   refuse anything before them.
 * - Later system messages are said by the user where they stand, inside <system>…</system>: pulled
 *   to the front they would hold for what was said before them, and would change the prefix that
 *   caches go by.  A chat of nothing but instructions is said by the user.
 * - A text that an answer is to go on from has no spaces at its end: they are refused.
 * - Texts of nothing but spaces are left out, and so are thoughts without a signature, which are
 *   another maker's: both are refused.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/bedrock_part.h"

#include "llm/chat_args.h"
#include "llm/chat_calls.h"
#include "llm/chat_said.h"
#include "llm/chat_text.h"
#include "llm/json_pick.h"

#define ID_MAX 64u /* of a toolUseId */

enum turn { NOBODY, USER, ASSISTANT };

/* ---- what says nothing ---- */

static bool says(const struct chat_part *p)
{
    return chat_says(p, CHAT_BEDROCK);
}

static bool says_anything(const struct chat_message *m)
{
    return chat_says_anything(m, CHAT_BEDROCK);
}

static void drop_silent(struct bedrock_script *s, const struct chat_part *p)
{
    if (p->kind == CHAT_THINKING || p->kind == CHAT_REDACTED)
        chat_drop(s->request, STR("reasoning_content"));
    else if (p->kind == CHAT_RAW)
        chat_drop(s->request, STR("messages.content"));
}

bool bedrock_has_calls(const struct chat_request *r)
{
    for (uint32_t i = 0; i < r->messages_count; i++) {
        const struct chat_message *m = &r->messages[i];

        for (uint32_t j = 0; j < m->parts_count; j++) {
            if (chat_is_call(&m->parts[j]) || m->parts[j].kind == CHAT_RESULT)
                return true;
        }
    }
    return false;
}

/* ---- blocks ---- */

void bedrock_cache_point(struct json_pen *pen, struct str cache_control)
{
    if (cache_control.len == 0)
        return;
    pen_open(pen, '{');
    pen_key(pen, STR("cachePoint"));
    pen_open(pen, '{');
    pen_key_text(pen, STR("type"), JSON_TEXT("default"));
    pen_key_raw_some(pen, STR("ttl"), json_pick_one(cache_control, STR("ttl"), JSON_STRING));
    pen_close(pen, '}');
    pen_close(pen, '}');
}

static void put_text(struct bedrock_script *s, const struct chat_part *p, bool as_system)
{
    pen_open(s->pen, '{');
    pen_key(s->pen, STR("text"));
    pen_quote(s->pen);
    if (as_system)
        pen_inside(s->pen, JSON_TEXT("<system>"));
    pen_inside(s->pen, p == s->last ? chat_trimmed(p->text) : p->text);
    if (as_system)
        pen_inside(s->pen, JSON_TEXT("</system>"));
    pen_quote_end(s->pen);
    pen_close(s->pen, '}');
    if (p->citations.len > 0)
        chat_drop(s->request, STR("citations"));
}

static void put_thinking(struct bedrock_script *s, const struct chat_part *p)
{
    struct json_pen *pen = s->pen;

    pen_open(pen, '{');
    pen_key(pen, STR("reasoningContent"));
    pen_open(pen, '{');
    if (p->kind == CHAT_REDACTED) {
        pen_key_text(pen, STR("redactedContent"), p->data);
    } else {
        pen_key(pen, STR("reasoningText"));
        pen_open(pen, '{');
        pen_key_text(pen, STR("text"), p->text);
        pen_key_text(pen, STR("signature"), p->signature);
        pen_close(pen, '}');
    }
    pen_close(pen, '}');
    pen_close(pen, '}');
}

static void put_id(struct json_pen *pen, struct json_text id)
{
    chat_pen_id(pen, STR("toolUseId"), id, ID_MAX);
}

static void put_call(struct bedrock_script *s, const struct chat_part *p)
{
    struct json_pen *pen = s->pen;

    if (p->signature.len > 0)
        chat_drop(s->request, STR("thought_signature"));
    pen_open(pen, '{');
    pen_key(pen, STR("toolUse"));
    pen_open(pen, '{');
    put_id(pen, p->id);
    pen_key_text(pen, STR("name"), p->name);
    chat_pen_args(pen, STR("input"), p);
    pen_close(pen, '}');
    pen_close(pen, '}');
}

static bool put_result_part(struct bedrock_script *s, const struct chat_part *p)
{
    if (p->cache_control.len > 0)
        chat_drop(s->request, STR("cache_control"));
    switch (p->kind) {
    case CHAT_TEXT:
    case CHAT_REFUSAL:
        put_text(s, p, false);
        return true;
    case CHAT_IMAGE:
    case CHAT_AUDIO:
    case CHAT_FILE:
        return bedrock_media(s, p);
    case CHAT_CALL:
    case CHAT_RESULT:
    case CHAT_THINKING:
    case CHAT_REDACTED:
    case CHAT_RAW:
        chat_drop(s->request, STR("tool_result.content"));
        break;
    }
    return true;
}

static bool put_result(struct bedrock_script *s, const struct chat_part *result)
{
    struct json_pen *pen = s->pen;

    pen_open(pen, '{');
    pen_key(pen, STR("toolResult"));
    pen_open(pen, '{');
    put_id(pen, result->id);
    pen_key(pen, STR("content"));
    pen_open(pen, '[');
    for (uint32_t i = 0; i < result->parts_count; i++) {
        if (!says(&result->parts[i]))
            drop_silent(s, &result->parts[i]);
        else if (!put_result_part(s, &result->parts[i]))
            return false;
    }
    pen_close(pen, ']');
    if (result->is_error)
        pen_key_text(pen, STR("status"), JSON_TEXT("error"));
    pen_close(pen, '}');
    pen_close(pen, '}');
    return true;
}

static bool put_block(struct bedrock_script *s, const struct chat_part *p, bool as_system)
{
    bool ok = true;

    switch (p->kind) {
    case CHAT_TEXT:
    case CHAT_REFUSAL:
        put_text(s, p, as_system);
        break;
    case CHAT_THINKING:
    case CHAT_REDACTED:
        put_thinking(s, p);
        break;
    case CHAT_CALL:
        put_call(s, p);
        break;
    case CHAT_RESULT:
        ok = put_result(s, p);
        break;
    case CHAT_RAW:
        if (chat_is_call(p))
            put_call(s, p);
        else
            pen_raw(s->pen, p->raw);
        break;
    case CHAT_IMAGE:
    case CHAT_AUDIO:
    case CHAT_FILE:
        ok = bedrock_media(s, p);
        break;
    }
    bedrock_cache_point(s->pen, p->cache_control);
    return ok;
}

/* ---- turns ---- */

static bool put_message(struct bedrock_script *s, const struct chat_message *m, bool results,
                        bool as_system)
{
    if (m->name.len > 0 && m->role != CHAT_TOOL)
        chat_drop(s->request, STR("messages.name"));
    for (uint32_t i = 0; i < m->parts_count; i++) {
        const struct chat_part *p = &m->parts[i];

        if (says(p) && (p->kind == CHAT_RESULT) == results && !put_block(s, p, as_system))
            return false;
    }
    return true;
}

/* Messages that say nothing belong to the turn that goes on. */
static enum turn turn_of(const struct chat_message *m)
{
    if (!says_anything(m))
        return NOBODY;
    return m->role == CHAT_ASSISTANT ? ASSISTANT : USER;
}

static bool put_messages(struct bedrock_script *s, uint32_t from, uint32_t to, bool results)
{
    for (uint32_t i = from; i < to; i++) {
        const struct chat_message *m = &s->request->messages[i];

        if (!put_message(s, m, results, chat_is_instruction(m)))
            return false;
    }
    return true;
}

static bool put_turn(struct bedrock_script *s, uint32_t from, uint32_t to, enum turn turn)
{
    struct json_pen *pen = s->pen;

    pen_open(pen, '{');
    pen_key_text(pen, STR("role"), turn == USER ? JSON_TEXT("user") : JSON_TEXT("assistant"));
    pen_key(pen, STR("content"));
    pen_open(pen, '[');
    if (!put_messages(s, from, to, true) || !put_messages(s, from, to, false))
        return false;
    pen_close(pen, ']');
    pen_close(pen, '}');
    return true;
}

static bool put_turns(struct bedrock_script *s, uint32_t at)
{
    const struct chat_message *m = s->request->messages;
    uint32_t count = s->request->messages_count, to;

    pen_key(s->pen, STR("messages"));
    pen_open(s->pen, '[');
    while (at < count && turn_of(&m[at]) == NOBODY)
        at++;
    for (; at < count; at = to) {
        enum turn turn = turn_of(&m[at]);

        to = at + 1;
        while (to < count && (turn_of(&m[to]) == turn || turn_of(&m[to]) == NOBODY))
            to++;
        if (!put_turn(s, at, to, turn))
            return false;
    }
    pen_close(s->pen, ']');
    return true;
}

/* How many messages at the front are instructions. */
static uint32_t opening(const struct chat_request *r)
{
    uint32_t n = 0;

    while (n < r->messages_count && chat_is_instruction(&r->messages[n]))
        n++;
    return n;
}

static bool put_system(struct bedrock_script *s, uint32_t count)
{
    bool any = false;

    for (uint32_t i = 0; i < count; i++)
        any |= says_anything(&s->request->messages[i]);
    if (!any)
        return true;
    pen_key(s->pen, STR("system"));
    pen_open(s->pen, '[');
    for (uint32_t i = 0; i < count; i++) {
        if (!put_message(s, &s->request->messages[i], false, false))
            return false;
    }
    pen_close(s->pen, ']');
    return true;
}

/* With nobody else, instructions are the user's words, and no more than that. */
static bool put_alone(struct bedrock_script *s)
{
    const struct chat_request *r = s->request;
    bool any = false;

    for (uint32_t i = 0; i < r->messages_count; i++)
        any |= says_anything(&r->messages[i]);
    if (!any)
        return chat_refuse(s->problem, r->arena, "messages",
                           "there is no message that says anything");
    pen_key(s->pen, STR("messages"));
    pen_open(s->pen, '[');
    pen_open(s->pen, '{');
    pen_key_text(s->pen, STR("role"), JSON_TEXT("user"));
    pen_key(s->pen, STR("content"));
    pen_open(s->pen, '[');
    for (uint32_t i = 0; i < r->messages_count; i++) {
        if (!put_message(s, &r->messages[i], false, false))
            return false;
    }
    pen_close(s->pen, ']');
    pen_close(s->pen, '}');
    pen_close(s->pen, ']');
    return true;
}

static bool is_alone(const struct chat_request *r)
{
    for (uint32_t i = 0; i < r->messages_count; i++) {
        if (!chat_is_instruction(&r->messages[i]) && says_anything(&r->messages[i]))
            return false;
    }
    return true;
}

/* What an answer would go on from; NULL: it begins anew. */
static const struct chat_part *last_part(const struct chat_request *r)
{
    for (uint32_t i = r->messages_count; i-- > 0;) {
        const struct chat_message *m = &r->messages[i];

        if (says_anything(m))
            return m->role == CHAT_ASSISTANT ? &m->parts[m->parts_count - 1] : NULL;
    }
    return NULL;
}

/* Also of messages that belong to no turn. */
static void drop_unsaid(struct bedrock_script *s)
{
    for (uint32_t i = 0; i < s->request->messages_count; i++) {
        const struct chat_message *m = &s->request->messages[i];

        for (uint32_t j = 0; j < m->parts_count; j++) {
            if (!says(&m->parts[j]))
                drop_silent(s, &m->parts[j]);
        }
    }
}

bool bedrock_messages(struct bedrock_script *s)
{
    uint32_t first = opening(s->request);

    drop_unsaid(s);
    if (is_alone(s->request))
        return put_alone(s);
    s->last = last_part(s->request);
    return put_system(s, first) && put_turns(s, first);
}
