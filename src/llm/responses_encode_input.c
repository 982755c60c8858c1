/*
 * The messages of a chat as the input of a Responses request.
 *
 * What stands in one message of ours is several items there, in the same order: each stretch of
 * content is a message, each call, each result and each thought an item of its own.  System and
 * developer messages stay where they are.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/chat_args.h"
#include "llm/chat_calls.h"
#include "llm/chat_seal.h"
#include "llm/chat_text.h"
#include "llm/openai_encode.h"
#include "llm/responses_encode.h"

struct encoding {
    struct json_pen *pen;
    struct chat_request *request;
    struct chat_problem *problem;
    enum chat_role role; /* of the message */
};

static void note_dropped(struct encoding *e, const struct chat_part *part)
{
    if (part->cache_control.len > 0)
        chat_drop(e->request, STR("cache_control"));
    if (part->citations.len > 0)
        chat_drop(e->request, STR("citations"));
}

static void drop_raw(struct encoding *e, struct str raw)
{
    chat_drop(e->request, openai_encode_type_of(e->request->arena, STR("content."), raw));
}

/* ---- content ---- */

static void pen_image(struct json_pen *p, const struct chat_part *part)
{
    pen_key_text(p, STR("type"), JSON_TEXT("input_image"));
    pen_key_text_some(p, STR("file_id"), part->file_id);
    if (part->data.ptr != NULL) {
        pen_key(p, STR("image_url"));
        openai_encode_data_url(p, part);
    } else {
        pen_key_text_some(p, STR("image_url"), part->text);
    }
    pen_key_raw_some(p, STR("detail"), part->detail);
}

static bool pen_file(struct encoding *e, const struct chat_part *part)
{
    struct json_pen *p = e->pen;

    if (!openai_encode_takes_file(e->request, part, e->problem))
        return false;
    pen_key_text(p, STR("type"), JSON_TEXT("input_file"));
    pen_key_text_some(p, STR("file_id"), part->file_id);
    pen_key_text_some(p, STR("filename"),
                      responses_is_own(e->request) ? part->file_name
                                                   : openai_encode_file_name(e->request, part));
    if (part->data.ptr != NULL && part->media_type.ptr != NULL) {
        pen_key(p, STR("file_data"));
        openai_encode_data_url(p, part);
    } else {
        pen_key_text_some(p, STR("file_data"), part->data);
    }
    pen_key_text_some(p, STR("file_url"), part->text);
    return true;
}

static bool refuse_audio(struct encoding *e)
{
    return chat_refuse(e->problem, e->request->arena, "messages",
                       "audio cannot be sent to a target of the Responses API");
}

static bool pen_part(struct encoding *e, const struct chat_part *part)
{
    struct json_pen *p = e->pen;
    bool said = e->role == CHAT_ASSISTANT, ok = true;

    note_dropped(e, part);
    if (part->kind == CHAT_AUDIO)
        return refuse_audio(e);
    pen_open(p, '{');
    if (part->kind == CHAT_IMAGE) {
        pen_image(p, part);
    } else if (part->kind == CHAT_FILE) {
        ok = pen_file(e, part);
    } else if (part->kind == CHAT_REFUSAL) {
        pen_key_text(p, STR("type"), JSON_TEXT("refusal"));
        pen_key_text(p, STR("refusal"), part->text);
    } else {
        pen_key_text(p, STR("type"), said ? JSON_TEXT("output_text") : JSON_TEXT("input_text"));
        pen_key_text(p, STR("text"), part->text);
    }
    pen_close(p, '}');
    return ok;
}

/* The value of "content" or "output": a string where one text, or nothing, is all there is. */
static bool pen_content(struct encoding *e, const struct chat_part *parts, uint32_t n)
{
    bool ok = true;

    if (n == 0) {
        pen_text(e->pen, JSON_TEXT(""));
        return true;
    }
    if (n == 1 && parts[0].kind == CHAT_TEXT) {
        note_dropped(e, &parts[0]);
        pen_text(e->pen, parts[0].text);
        return true;
    }
    pen_open(e->pen, '[');
    for (uint32_t i = 0; ok && i < n; i++)
        ok = pen_part(e, &parts[i]);
    pen_close(e->pen, ']');
    return ok;
}

/* ---- messages ---- */

static bool is_content(const struct chat_part *part)
{
    return part->kind == CHAT_TEXT || part->kind == CHAT_IMAGE || part->kind == CHAT_AUDIO ||
           part->kind == CHAT_FILE || part->kind == CHAT_REFUSAL;
}

static bool pen_message(struct encoding *e, const struct chat_part *parts, uint32_t n)
{
    bool ok;

    pen_open(e->pen, '{');
    pen_key_text(e->pen, STR("type"), JSON_TEXT("message"));
    pen_key_text(e->pen, STR("role"), openai_encode_role(NULL, e->role));
    pen_key(e->pen, STR("content"));
    ok = pen_content(e, parts, n);
    pen_close(e->pen, '}');
    return ok;
}

/* ---- calls ---- */

static void pen_call(struct encoding *e, const struct chat_part *part)
{
    struct json_pen *p = e->pen;

    note_dropped(e, part);
    if (part->signature.len > 0)
        chat_drop(e->request, STR("thought_signature"));
    pen_open(p, '{');
    pen_key_text(p, STR("type"), JSON_TEXT("function_call"));
    pen_key_text(p, STR("call_id"), part->id);
    pen_key_text(p, STR("name"), part->name);
    chat_pen_args_text(p, part);
    pen_close(p, '}');
}

static bool is_custom_call(const struct chat_part *part)
{
    return part->kind == CHAT_RAW && chat_is_call(part);
}

/* A custom tool's call.  It cannot be left out: what came of it is a result, which has to have a
 * call. */
static void pen_custom_call(struct json_pen *p, const struct chat_part *part)
{
    pen_open(p, '{');
    pen_key_text(p, STR("type"), JSON_TEXT("custom_tool_call"));
    pen_key_text(p, STR("call_id"), part->id);
    pen_key_text(p, STR("name"), part->name);
    pen_key_text(p, STR("input"), part->args_text);
    pen_close(p, '}');
}

static bool is_of_custom(const struct chat_request *r, struct json_text id)
{
    for (uint32_t i = 0; id.ptr != NULL && i < r->messages_count; i++) {
        for (uint32_t k = 0; k < r->messages[i].parts_count; k++) {
            const struct chat_part *part = &r->messages[i].parts[k];

            if (is_custom_call(part) && json_text_is(id, str_make(part->id.ptr, part->id.len)))
                return true;
        }
    }
    return false;
}

/* ---- results ---- */

/* What can be shown, in their order; what cannot is named. */
static bool keep_shown(struct encoding *e, const struct chat_part *result,
                       struct chat_part **ret_parts, uint32_t *ret_n)
{
    struct chat_part *kept = arena_array(e->request->arena, result->parts_count + 1, sizeof(*kept));
    uint32_t n = 0;

    if (kept == NULL)
        return chat_refuse(e->problem, e->request->arena, "messages", "no memory");
    for (uint32_t i = 0; i < result->parts_count; i++) {
        if (is_content(&result->parts[i]))
            kept[n++] = result->parts[i];
        else if (result->parts[i].kind == CHAT_RAW)
            drop_raw(e, result->parts[i].raw);
    }
    *ret_parts = kept;
    *ret_n = n;
    return true;
}

static bool pen_result(struct encoding *e, const struct chat_part *result)
{
    bool custom = is_of_custom(e->request, result->id);
    struct chat_part *parts = NULL;
    uint32_t n = 0;
    bool ok;

    note_dropped(e, result);
    if (result->is_error)
        chat_drop(e->request, STR("is_error"));
    if (!keep_shown(e, result, &parts, &n))
        return false;
    pen_open(e->pen, '{');
    pen_key_text(e->pen, STR("type"),
                 custom ? JSON_TEXT("custom_tool_call_output") : JSON_TEXT("function_call_output"));
    pen_key_text(e->pen, STR("call_id"), result->id);
    pen_key(e->pen, STR("output"));
    ok = pen_content(e, parts, n);
    pen_close(e->pen, '}');
    return ok;
}

/* ---- thoughts ---- */

static void pen_summary(struct json_pen *p, struct json_text text)
{
    pen_key(p, STR("summary"));
    pen_open(p, '[');
    if (text.len > 0) {
        pen_open(p, '{');
        pen_key_text(p, STR("type"), JSON_TEXT("summary_text"));
        pen_key_text(p, STR("text"), text);
        pen_close(p, '}');
    }
    pen_close(p, ']');
}

/* Only what this API signed goes back: another's signature is refused. */
static void pen_thought(struct encoding *e, const struct chat_part *part)
{
    struct chat_seal seal;
    bool sealed = chat_unseal(part->signature, &seal);

    if (!sealed && (part->signature.len > 0 || !responses_is_own(e->request))) {
        chat_drop(e->request, STR("thinking"));
        return;
    }
    pen_open(e->pen, '{');
    pen_key_text(e->pen, STR("type"), JSON_TEXT("reasoning"));
    if (sealed && seal.id.len > 0)
        pen_key_text(e->pen, STR("id"), seal.id);
    pen_summary(e->pen, part->text);
    if (sealed)
        pen_key_text(e->pen, STR("encrypted_content"), seal.content);
    pen_close(e->pen, '}');
}

/* ---- items ---- */

static void pen_vendors(struct encoding *e, const struct chat_part *part)
{
    if (is_custom_call(part))
        pen_custom_call(e->pen, part);
    else if (part->vendor == CHAT_RESPONSES)
        pen_raw(e->pen, part->raw);
    else
        drop_raw(e, part->raw);
}

/* One that is no content. */
static bool pen_item(struct encoding *e, const struct chat_part *part)
{
    switch (part->kind) {
    case CHAT_CALL:
        pen_call(e, part);
        break;
    case CHAT_RESULT:
        return pen_result(e, part);
    case CHAT_THINKING:
        pen_thought(e, part);
        break;
    case CHAT_REDACTED:
        chat_drop(e->request, STR("redacted_thinking"));
        break;
    case CHAT_RAW:
        pen_vendors(e, part);
        break;
    case CHAT_TEXT:
    case CHAT_IMAGE:
    case CHAT_AUDIO:
    case CHAT_FILE:
    case CHAT_REFUSAL:
        break;
    }
    return true;
}

/* Clients of Chat Completions have an empty text where there are but calls. */
static bool says_nothing(const struct chat_message *m, const struct chat_part *parts, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (parts[i].kind != CHAT_TEXT || parts[i].text.len > 0)
            return false;
    }
    return n < m->parts_count;
}

static bool pen_stretch(struct encoding *e, const struct chat_message *m,
                        const struct chat_part *parts, uint32_t n)
{
    return says_nothing(m, parts, n) || pen_message(e, parts, n);
}

static bool pen_turn(struct encoding *e, const struct chat_message *m)
{
    uint32_t n;

    e->role = m->role;
    if (m->name.ptr != NULL)
        chat_drop(e->request, STR("name"));
    if (m->parts_count == 0)
        return pen_message(e, NULL, 0);
    for (uint32_t i = 0; i<m->parts_count; i += n> 0 ? n : 1) {
        n = 0;
        while (i + n < m->parts_count && is_content(&m->parts[i + n]))
            n++;
        if (n > 0 ? !pen_stretch(e, m, &m->parts[i], n) : !pen_item(e, &m->parts[i]))
            return false;
    }
    return true;
}

bool responses_encode_input(struct json_pen *p, struct chat_request *r,
                            struct chat_problem *problem)
{
    struct encoding e = {.pen = p, .request = r, .problem = problem};

    pen_key(p, STR("input"));
    pen_open(p, '[');
    for (uint32_t i = 0; i < r->messages_count; i++) {
        if (!pen_turn(&e, &r->messages[i]))
            return false;
    }
    pen_close(p, ']');
    return true;
}
