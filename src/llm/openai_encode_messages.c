/*
 * The messages of a Chat Completions request.
 *
 * One message of ours can be several there: each tool's result is a message of its own, before what
 * the user says beside it.  A tool's message holds text alone, so what a tool showed (images) comes
 * in a message of the user's behind the results.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/chat_text.h"
#include "llm/openai_encode_part.h"
#include "llm/quirks.h"

/* ---- what a server wants of its own (quirks.h) ---- */

#define NINE 9u

static bool is_nine(struct json_text id)
{
    for (size_t i = 0; i < id.len; i++) {
        char c = ascii_lower(id.ptr[i]);

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')))
            return false;
    }
    return id.len == NINE;
}

/* The same id for a call and its result, whoever made it: FNV-1a, in letters and digits. */
static void pen_nine(struct json_pen *p, struct json_text id)
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    uint64_t hash = 0xcbf29ce484222325u;
    char text[NINE];

    for (size_t i = 0; i < id.len; i++)
        hash = (hash ^ (unsigned char)id.ptr[i]) * 0x100000001b3u;
    for (size_t i = 0; i < NINE; i++, hash /= sizeof(digits) - 1)
        text[i] = digits[hash % (sizeof(digits) - 1)];
    pen_text(p, (struct json_text){text, NINE});
}

void openai_pen_id(struct openai_encoding *e, struct str key, struct json_text id)
{
    pen_key(e->pen, key);
    if (e->request->quirks != NULL && e->request->quirks->nine_ids && !is_nine(id))
        pen_nine(e->pen, id);
    else
        pen_text(e->pen, id);
}

static void pen_name(struct openai_encoding *e, const struct chat_message *m)
{
    if (m->name.ptr != NULL && quirks_refuse(e->request->quirks, STR("messages.name")))
        chat_drop(e->request, STR("messages.name"));
    else
        pen_key_text_some(e->pen, STR("name"), m->name);
}

static bool has_json(struct json_text t)
{
    for (size_t i = 0; i + 4 <= t.len; i++) {
        if (str_eq_nocase(str_make(t.ptr + i, 4), STR("json")))
            return true;
    }
    return false;
}

bool openai_encode_speaks_of_json(const struct chat_request *r)
{
    for (uint32_t m = 0; m < r->messages_count; m++) {
        for (uint32_t i = 0; i < r->messages[m].parts_count; i++) {
            const struct chat_part *part = &r->messages[m].parts[i];

            if (part->kind == CHAT_TEXT && has_json(part->text))
                return true;
        }
    }
    return false;
}

/* ---- a tool's ---- */

static bool is_result(const struct chat_part *part)
{
    return part->kind == CHAT_RESULT;
}

static bool is_readable(const struct chat_part *part)
{
    return part->kind == CHAT_TEXT || (part->kind == CHAT_RAW && openai_part_is_content(part));
}

static bool is_shown(const struct chat_part *part)
{
    return openai_part_is_content(part) && !is_readable(part);
}

static bool pen_result(struct openai_encoding *e, const struct chat_part *result)
{
    bool ok;

    openai_note_dropped(e, result);
    if (result->is_error)
        chat_drop(e->request, STR("is_error"));
    for (uint32_t i = 0; i < result->parts_count; i++) {
        if (result->parts[i].kind == CHAT_RAW && result->parts[i].vendor != CHAT_OPENAI)
            openai_drop_raw(e, result->parts[i].raw);
    }
    pen_open(e->pen, '{');
    pen_key_text(e->pen, STR("role"), JSON_TEXT("tool"));
    openai_pen_id(e, STR("tool_call_id"), result->id);
    pen_key(e->pen, STR("content"));
    ok = openai_pen_content(e, result->parts, result->parts_count, is_readable);
    pen_close(e->pen, '}');
    return ok;
}

static uint32_t count_shown(const struct chat_message *m)
{
    uint32_t found = 0;

    for (uint32_t i = 0; i < m->parts_count; i++) {
        if (is_result(&m->parts[i]))
            found += openai_parts_count(m->parts[i].parts, m->parts[i].parts_count, is_shown);
    }
    return found;
}

/* The elements of a content, of which the results' come first. */
static bool pen_shown(struct openai_encoding *e, const struct chat_message *m)
{
    bool ok = true;

    for (uint32_t i = 0; i < m->parts_count; i++) {
        const struct chat_part *result = &m->parts[i];

        for (uint32_t j = 0; ok && is_result(result) && j < result->parts_count; j++) {
            if (is_shown(&result->parts[j]))
                ok = openai_pen_part(e, &result->parts[j]);
        }
    }
    return ok;
}

/* ---- messages ---- */

struct json_text openai_encode_role(const struct quirks *q, enum chat_role role)
{
    switch (role) {
    case CHAT_SYSTEM:
        return JSON_TEXT("system");
    case CHAT_DEVELOPER:
        return q != NULL && q->system_only ? JSON_TEXT("system") : JSON_TEXT("developer");
    case CHAT_ASSISTANT:
        return JSON_TEXT("assistant");
    case CHAT_USER:
    case CHAT_TOOL: /* what is shown beside the results */
        break;
    }
    return JSON_TEXT("user");
}

static bool pen_others(struct openai_encoding *e, const struct chat_message *m)
{
    bool ok = true;

    pen_key(e->pen, STR("content"));
    if (count_shown(m) == 0)
        return openai_pen_content(e, m->parts, m->parts_count, openai_part_is_content);
    pen_open(e->pen, '[');
    ok = pen_shown(e, m);
    for (uint32_t i = 0; ok && i < m->parts_count; i++) {
        if (openai_part_is_content(&m->parts[i]))
            ok = openai_pen_part(e, &m->parts[i]);
    }
    pen_close(e->pen, ']');
    return ok;
}

static bool has_results(const struct chat_message *m)
{
    return openai_parts_count(m->parts, m->parts_count, is_result) > 0;
}

static bool pen_results(struct openai_encoding *e, const struct chat_message *m)
{
    for (uint32_t i = 0; i < m->parts_count; i++) {
        if (is_result(&m->parts[i]) && !pen_result(e, &m->parts[i]))
            return false;
    }
    return true;
}

static void note_lost_blocks(struct openai_encoding *e, const struct chat_message *m)
{
    for (uint32_t i = 0; i < m->parts_count; i++) {
        if (m->parts[i].kind == CHAT_RAW && m->parts[i].vendor != CHAT_OPENAI)
            openai_drop_raw(e, m->parts[i].raw);
    }
}

/* All of a message but its results. */
static bool pen_rest(struct openai_encoding *e, const struct chat_message *m)
{
    bool ok;

    if (m->role != CHAT_ASSISTANT)
        note_lost_blocks(e, m);
    if (has_results(m) && count_shown(m) == 0 &&
        openai_parts_count(m->parts, m->parts_count, openai_part_is_content) == 0)
        return true;
    pen_open(e->pen, '{');
    pen_key_text(e->pen, STR("role"), openai_encode_role(e->request->quirks, m->role));
    pen_name(e, m);
    ok = m->role == CHAT_ASSISTANT ? openai_pen_assistant(e, m) : pen_others(e, m);
    pen_close(e->pen, '}');
    return ok;
}

/* Results that follow each other stay together: nothing may stand between a call and the results
 * of those made with it. */
static bool pen_run(struct openai_encoding *e, const struct chat_message *m, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (!pen_results(e, &m[i]))
            return false;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (!pen_rest(e, &m[i]))
            return false;
    }
    return true;
}

bool openai_encode_messages(struct json_pen *p, struct chat_request *r,
                            struct chat_problem *problem)
{
    struct openai_encoding e = {.pen = p, .request = r, .problem = problem};
    uint32_t n;

    pen_key(p, STR("messages"));
    pen_open(p, '[');
    for (uint32_t i = 0; i < r->messages_count; i += n) {
        n = 1;
        while (has_results(&r->messages[i]) && i + n < r->messages_count &&
               has_results(&r->messages[i + n]))
            n++;
        if (!pen_run(&e, &r->messages[i], n))
            return false;
    }
    pen_close(p, ']');
    return true;
}
