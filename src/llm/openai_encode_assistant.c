/*
 * An assistant's message of a Chat Completions request: what it said, thought, and called.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/openai_encode_part.h"

#include "llm/chat_args.h"
#include "llm/chat_text.h"
#include "llm/chat_write.h"
#include "llm/quirks.h"

/* ---- calls ---- */

static bool is_call(const struct chat_part *part)
{
    return part->kind == CHAT_CALL ||
           (part->kind == CHAT_RAW && part->vendor == CHAT_OPENAI && part->id.ptr != NULL);
}

/* A server of this dialect gave it, in the members that Google's and LiteLLM have for it. */
static bool is_own(const struct chat_part *part)
{
    return part->has_maker && part->maker == CHAT_OPENAI;
}

static void pen_call(struct openai_encoding *e, const struct chat_part *part)
{
    struct json_pen *p = e->pen;

    if (part->kind == CHAT_RAW) {
        pen_raw(p, part->raw);
        return;
    }
    openai_note_dropped(e, part);
    if (part->signature.len > 0 && !is_own(part))
        chat_drop(e->request, STR("thought_signature"));
    pen_open(p, '{');
    openai_pen_id(e, STR("id"), part->id);
    pen_key_text(p, STR("type"), JSON_TEXT("function"));
    if (is_own(part))
        chat_pen_signature(p, part->signature);
    pen_key(p, STR("function"));
    pen_open(p, '{');
    pen_key_text(p, STR("name"), part->name);
    chat_pen_args_text(p, part);
    pen_close(p, '}');
    pen_close(p, '}');
}

static void pen_calls(struct openai_encoding *e, const struct chat_message *m)
{
    if (openai_parts_count(m->parts, m->parts_count, is_call) == 0)
        return;
    pen_key(e->pen, STR("tool_calls"));
    pen_open(e->pen, '[');
    for (uint32_t i = 0; i < m->parts_count; i++) {
        if (is_call(&m->parts[i]))
            pen_call(e, &m->parts[i]);
    }
    pen_close(e->pen, ']');
}

/* ---- thoughts ---- */

/* What earlier thoughts are sent back as; empty: not at all. */
static struct str thoughts_name(const struct openai_encoding *e)
{
    const struct quirks *q = e->request->quirks;

    if (q == NULL || q->thoughts.len == 0)
        return STR("reasoning_content");
    return str_eq(q->thoughts, STR("-")) ? STR("") : q->thoughts;
}

/* Thinking without a signature came from a server of this dialect.  DeepSeek and Moonshot refuse a
 * message with calls that lacks it; without calls it is of no use, and some refuse it then. */
static bool goes_back(const struct chat_part *part)
{
    return part->kind == CHAT_THINKING && part->signature.len == 0 && part->text.len > 0;
}

static bool is_signed(const struct chat_part *part)
{
    return is_own(part) && (part->kind == CHAT_REDACTED ||
                            (part->kind == CHAT_THINKING && part->signature.len > 0));
}

static void pen_signed(struct openai_encoding *e, const struct chat_message *m)
{
    if (openai_parts_count(m->parts, m->parts_count, is_signed) == 0)
        return;
    pen_key(e->pen, STR("thinking_blocks"));
    pen_open(e->pen, '[');
    for (uint32_t i = 0; i < m->parts_count; i++) {
        const struct chat_part *part = &m->parts[i];

        if (!is_signed(part))
            continue;
        if (part->kind == CHAT_REDACTED) {
            chat_pen_redacted(e->pen, part->data);
            continue;
        }
        pen_open(e->pen, '{');
        pen_key_text(e->pen, STR("type"), JSON_TEXT("thinking"));
        pen_key_text(e->pen, STR("thinking"), part->text);
        pen_key_text(e->pen, STR("signature"), part->signature);
        pen_close(e->pen, '}');
    }
    pen_close(e->pen, ']');
}

static void pen_thoughts(struct openai_encoding *e, const struct chat_message *m)
{
    struct str name = thoughts_name(e);

    pen_signed(e, m);
    if (name.len == 0 || openai_parts_count(m->parts, m->parts_count, is_call) == 0 ||
        openai_parts_count(m->parts, m->parts_count, goes_back) == 0)
        return;
    pen_key(e->pen, name);
    pen_quote(e->pen);
    for (uint32_t i = 0; i < m->parts_count; i++) {
        if (goes_back(&m->parts[i]))
            pen_inside(e->pen, m->parts[i].text);
    }
    pen_quote_end(e->pen);
}

static void note_lost_thoughts(struct openai_encoding *e, const struct chat_message *m)
{
    bool told =
        openai_parts_count(m->parts, m->parts_count, is_call) > 0 && thoughts_name(e).len > 0;

    for (uint32_t i = 0; i < m->parts_count; i++) {
        const struct chat_part *part = &m->parts[i];

        if (is_signed(part))
            continue;
        if (part->kind == CHAT_REDACTED)
            chat_drop(e->request, STR("redacted_thinking"));
        else if (part->kind == CHAT_THINKING && (!told || !goes_back(part)))
            chat_drop(e->request, STR("thinking"));
        else if (part->kind == CHAT_RAW && part->vendor != CHAT_OPENAI)
            openai_drop_raw(e, part->raw);
    }
}

/* ---- all of it ---- */

static const struct chat_part *find_audio_reference(const struct chat_message *m)
{
    for (uint32_t i = 0; i < m->parts_count; i++) {
        if (m->parts[i].kind == CHAT_AUDIO && m->parts[i].data.ptr == NULL)
            return &m->parts[i];
    }
    return NULL;
}

static void pen_audio_reference(struct openai_encoding *e, const struct chat_message *m)
{
    const struct chat_part *audio = find_audio_reference(m);

    if (audio == NULL)
        return;
    pen_key(e->pen, STR("audio"));
    pen_open(e->pen, '{');
    pen_key_text(e->pen, STR("id"), audio->file_id);
    pen_close(e->pen, '}');
}

static bool is_refusal(const struct chat_part *part)
{
    return part->kind == CHAT_REFUSAL;
}

/* A single refusal is a member of the message. */
static bool is_plain_content(const struct chat_part *part)
{
    return openai_part_is_content(part) && !is_refusal(part);
}

bool openai_pen_assistant(struct openai_encoding *e, const struct chat_message *m)
{
    bool single = openai_parts_count(m->parts, m->parts_count, is_refusal) == 1;
    openai_part_fn *is = single ? is_plain_content : openai_part_is_content;
    bool calls = openai_parts_count(m->parts, m->parts_count, is_call) > 0, ok = true;

    note_lost_thoughts(e, m);
    pen_key(e->pen, STR("content"));
    if (openai_parts_count(m->parts, m->parts_count, is) > 0 ||
        (!single && !calls && find_audio_reference(m) == NULL))
        ok = openai_pen_content(e, m->parts, m->parts_count, is);
    else
        pen_null(e->pen);
    for (uint32_t i = 0; single && i < m->parts_count; i++) {
        if (is_refusal(&m->parts[i]))
            pen_key_text(e->pen, STR("refusal"), m->parts[i].text);
    }
    pen_thoughts(e, m);
    pen_audio_reference(e, m);
    pen_calls(e, m);
    return ok;
}
