/*
 * The conversation, as Anthropic takes it: what the system says first, then turns of a user and an
 * assistant that alternate.
 *
 * - System and developer messages before the first turn are `system`.  Later ones stay where they
 *   are: as a turn of role "system" for models that take it, where the API's rules allow one
 *   (behind a user's turn, and before an assistant's or at the end); else as text of the user's
 *   turn inside <system>…</system>.  Hoisting them would say them too early.
 * - A conversation with nothing but system messages has its last one as the user's: the API wants
 *   a turn.
 * - Neighbours of one role are one turn.  In a user's turn the results of tools come first: the
 *   API refuses anything before them.
 * - Texts of nothing but spaces, and messages of nothing else, are left out: the API refuses them.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/anthropic_part.h"

#include "llm/chat_args.h"
#include "llm/chat_calls.h"
#include "llm/chat_said.h"
#include "llm/chat_text.h"

enum turn { TURN_NONE, TURN_USER, TURN_ASSISTANT, TURN_SYSTEM };

struct turns {
    struct anthropic_script *script;
    const struct chat_message *messages;
    uint8_t *turn; /* of each message, enum turn */
    uint32_t count, head;
    const struct chat_part *last; /* what an answer would go on from, or NULL */
};

/* ---- what says nothing ---- */

static bool says(const struct chat_part *p)
{
    return chat_says(p, CHAT_ANTHROPIC);
}

static bool says_anything(const struct chat_message *m)
{
    return chat_says_anything(m, CHAT_ANTHROPIC);
}

static bool find_type(void *ctx, const struct json_member *m)
{
    if (json_key_is(m, STR("type")) && m->type == JSON_STRING)
        *(struct str *)ctx = str_make(m->value.ptr + 1, m->value.len - 2);
    return true;
}

static void drop_silent(struct turns *t, const struct chat_part *p)
{
    struct str type = STR("content");

    if (p->kind == CHAT_THINKING || p->kind == CHAT_REDACTED) {
        chat_drop(t->script->request, STR("reasoning_content"));
    } else if (p->kind == CHAT_RAW) {
        if (json_type_of(p->raw) == JSON_OBJECT)
            json_members(p->raw, find_type, &type);
        chat_drop(t->script->request, type);
    }
}

/* ---- whose turn ---- */

static enum turn next_turn(const struct turns *t, uint32_t from)
{
    for (uint32_t i = from; i < t->count; i++) {
        if (!chat_is_instruction(&t->messages[i]) && says_anything(&t->messages[i]))
            return t->messages[i].role == CHAT_ASSISTANT ? TURN_ASSISTANT : TURN_USER;
    }
    return TURN_NONE;
}

static enum turn turn_of(const struct turns *t, uint32_t i, enum turn before)
{
    const struct chat_message *m = &t->messages[i];

    if (!says_anything(m))
        return TURN_NONE;
    if (!chat_is_instruction(m))
        return m->role == CHAT_ASSISTANT ? TURN_ASSISTANT : TURN_USER;
    if (t->script->model->system_turns && (before == TURN_USER || before == TURN_SYSTEM) &&
        next_turn(t, i + 1) != TURN_USER)
        return TURN_SYSTEM;
    return TURN_USER;
}

static uint32_t head_of(const struct turns *t)
{
    uint32_t head = 0, last = 0;

    while (head < t->count && chat_is_instruction(&t->messages[head])) {
        if (says_anything(&t->messages[head]))
            last = head;
        head++;
    }
    return next_turn(t, head) != TURN_NONE ? head : last;
}

static bool assign(struct turns *t)
{
    enum turn before = TURN_NONE, turn;
    uint32_t last = t->count;

    t->turn = arena_array(t->script->request->arena, t->count + 1, 1);
    if (t->turn == NULL)
        return chat_refuse(t->script->problem, t->script->request->arena, "messages", "no memory");
    t->head = head_of(t);
    for (uint32_t i = t->head; i < t->count; i++) {
        turn = turn_of(t, i, before);
        t->turn[i] = (uint8_t)turn;
        if (turn == TURN_NONE)
            continue;
        before = turn;
        last = i;
    }
    if (last == t->count)
        return chat_refuse(t->script->problem, t->script->request->arena, "messages",
                           "there is no message that says anything");
    if (before == TURN_ASSISTANT)
        t->last = &t->messages[last].parts[t->messages[last].parts_count - 1];
    return true;
}

/* ---- blocks ---- */

static void open_block(struct json_pen *pen, struct json_text type)
{
    pen_open(pen, '{');
    pen_key_text(pen, STR("type"), type);
}

static void close_block(struct json_pen *pen, const struct chat_part *p)
{
    pen_key_raw_some(pen, STR("cache_control"), p->cache_control);
    pen_close(pen, '}');
}

static void put_text(struct turns *t, const struct chat_part *p, bool as_system)
{
    struct json_pen *pen = t->script->pen;

    open_block(pen, JSON_TEXT("text"));
    pen_key(pen, STR("text"));
    pen_quote(pen);
    if (as_system)
        pen_inside(pen, JSON_TEXT("<system>"));
    pen_inside(pen, p == t->last ? chat_trimmed(p->text) : p->text);
    if (as_system)
        pen_inside(pen, JSON_TEXT("</system>"));
    pen_quote_end(pen);
    pen_key_raw_some(pen, STR("citations"), p->citations);
    close_block(pen, p);
}

static void put_thinking(struct turns *t, const struct chat_part *p)
{
    struct json_pen *pen = t->script->pen;

    open_block(pen, JSON_TEXT("thinking"));
    pen_key_text(pen, STR("thinking"), p->text);
    pen_key_text(pen, STR("signature"), p->signature);
    pen_close(pen, '}');
}

static void put_redacted(struct turns *t, const struct chat_part *p)
{
    struct json_pen *pen = t->script->pen;

    open_block(pen, JSON_TEXT("redacted_thinking"));
    pen_key_text(pen, STR("data"), p->data);
    pen_close(pen, '}');
}

static void put_call(struct turns *t, const struct chat_part *p)
{
    struct json_pen *pen = t->script->pen;

    if (p->signature.len > 0)
        chat_drop(t->script->request, STR("thought_signature"));
    open_block(pen, JSON_TEXT("tool_use"));
    chat_pen_id(pen, STR("id"), p->id, SIZE_MAX);
    pen_key_text(pen, STR("name"), p->name);
    chat_pen_args(pen, STR("input"), p);
    close_block(pen, p);
}

static bool put_block(struct turns *t, const struct chat_part *p, bool as_system);

/* A tool's parts; nothing at all is fine. */
static bool put_result_parts(struct turns *t, const struct chat_part *result)
{
    struct json_pen *pen = t->script->pen;
    bool any = false;

    for (uint32_t i = 0; i < result->parts_count; i++) {
        const struct chat_part *p = &result->parts[i];

        if (!says(p)) {
            drop_silent(t, p);
            continue;
        }
        if (!any) {
            pen_key(pen, STR("content"));
            pen_open(pen, '[');
        }
        any = true;
        if (p->kind != CHAT_RESULT && !put_block(t, p, false))
            return false;
    }
    if (any)
        pen_close(pen, ']');
    return true;
}

static bool put_result(struct turns *t, const struct chat_part *p)
{
    struct json_pen *pen = t->script->pen;

    open_block(pen, JSON_TEXT("tool_result"));
    chat_pen_id(pen, STR("tool_use_id"), p->id, SIZE_MAX);
    if (!put_result_parts(t, p))
        return false;
    if (p->is_error) {
        pen_key(pen, STR("is_error"));
        pen_bool(pen, true);
    }
    close_block(pen, p);
    return true;
}

static bool put_block(struct turns *t, const struct chat_part *p, bool as_system)
{
    switch (p->kind) {
    case CHAT_TEXT:
    case CHAT_REFUSAL:
        put_text(t, p, as_system);
        return true;
    case CHAT_THINKING:
        put_thinking(t, p);
        return true;
    case CHAT_REDACTED:
        put_redacted(t, p);
        return true;
    case CHAT_CALL:
        put_call(t, p);
        return true;
    case CHAT_RESULT:
        return put_result(t, p);
    case CHAT_RAW:
        if (chat_is_call(p))
            put_call(t, p);
        else
            pen_raw(t->script->pen, p->raw);
        return true;
    case CHAT_IMAGE:
    case CHAT_AUDIO:
    case CHAT_FILE:
        return anthropic_media(t->script, p);
    }
    return true;
}

/* ---- turns ---- */

static bool put_message(struct turns *t, const struct chat_message *m, bool results, bool as_system)
{
    if (m->name.len > 0 && m->role != CHAT_TOOL)
        chat_drop(t->script->request, STR("name"));
    for (uint32_t i = 0; i < m->parts_count; i++) {
        const struct chat_part *p = &m->parts[i];

        if (says(p) && (p->kind == CHAT_RESULT) == results && !put_block(t, p, as_system))
            return false;
    }
    return true;
}

static bool put_messages(struct turns *t, uint32_t from, uint32_t to, bool results)
{
    for (uint32_t i = from; i < to; i++) {
        bool as_system = chat_is_instruction(&t->messages[i]) && t->turn[i] == TURN_USER;

        if (!put_message(t, &t->messages[i], results, as_system))
            return false;
    }
    return true;
}

static bool put_turn(struct turns *t, uint32_t from, uint32_t to, enum turn turn)
{
    static const struct json_text roles[] = {[TURN_USER] = {"user", 4},
                                             [TURN_ASSISTANT] = {"assistant", 9},
                                             [TURN_SYSTEM] = {"system", 6}};
    struct json_pen *pen = t->script->pen;

    pen_open(pen, '{');
    pen_key_text(pen, STR("role"), roles[turn]);
    pen_key(pen, STR("content"));
    pen_open(pen, '[');
    if (!put_messages(t, from, to, true) || !put_messages(t, from, to, false))
        return false;
    pen_close(pen, ']');
    pen_close(pen, '}');
    return true;
}

/* Messages that say nothing belong to the turn that goes on. */
static uint32_t turn_end(const struct turns *t, uint32_t from)
{
    uint32_t to = from;

    while (to < t->count && (t->turn[to] == t->turn[from] || t->turn[to] == TURN_NONE))
        to++;
    return to;
}

static bool put_turns(struct turns *t)
{
    uint32_t at = t->head, to;

    while (t->turn[at] == TURN_NONE)
        at++;
    pen_key(t->script->pen, STR("messages"));
    pen_open(t->script->pen, '[');
    for (; at < t->count; at = to) {
        to = turn_end(t, at);
        if (!put_turn(t, at, to, (enum turn)t->turn[at]))
            return false;
    }
    pen_close(t->script->pen, ']');
    return true;
}

static bool put_system(struct turns *t)
{
    bool any = false;

    for (uint32_t i = 0; i < t->head; i++)
        any |= says_anything(&t->messages[i]);
    if (!any)
        return true;
    pen_key(t->script->pen, STR("system"));
    pen_open(t->script->pen, '[');
    if (!put_messages(t, 0, t->head, false))
        return false;
    pen_close(t->script->pen, ']');
    return true;
}

/* Also of messages that belong to no turn. */
static void drop_unsaid(struct turns *t)
{
    for (uint32_t i = 0; i < t->count; i++) {
        for (uint32_t k = 0; k < t->messages[i].parts_count; k++) {
            if (!says(&t->messages[i].parts[k]))
                drop_silent(t, &t->messages[i].parts[k]);
        }
    }
}

bool anthropic_turns(struct anthropic_script *s)
{
    struct turns t = {
        .script = s, .messages = s->request->messages, .count = s->request->messages_count};

    drop_unsaid(&t);
    return assign(&t) && put_system(&t) && put_turns(&t);
}
