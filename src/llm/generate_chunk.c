/*
 * What Gemini's answers look like: parts, a candidate's end, usage, a chunk of a stream, an error.
 *
 * Members are those of real answers; a chunk always has a candidate with a part, though it be an
 * empty text: the official SDK takes a turn for void in which one has not.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/generate_part.h"

#define LINE_END "\r\n\r\n"

/* ---- parts ---- */

static void call_members(struct json_pen *p, const struct generate_said *said)
{
    pen_key(p, STR("functionCall"));
    pen_open(p, '{');
    if (said->id.len > 0)
        pen_key_text(p, STR("id"), said->id);
    pen_key_text(p, STR("name"), said->name);
    pen_key(p, STR("args"));
    pen_line(p, said->raw);
    pen_close(p, '}');
}

static void text_members(struct json_pen *p, const struct generate_said *said,
                         const struct chat_rope *text)
{
    pen_key(p, STR("text"));
    pen_quote(p);
    if (text != NULL)
        chat_pen_rope(p, text);
    else
        pen_inside(p, said->text);
    pen_quote_end(p);
    if (said->kind == CHAT_EV_THINKING) {
        pen_key(p, STR("thought"));
        pen_bool(p, true);
    }
}

void generate_put_part(struct json_pen *p, const struct generate_said *said,
                       const struct chat_rope *text)
{
    if (said->kind == CHAT_EV_RAW) {
        pen_line(p, said->raw);
        return;
    }
    pen_open(p, '{');
    if (said->kind == CHAT_EV_CALL)
        call_members(p, said);
    else
        text_members(p, said, text);
    if (said->signature.len > 0)
        pen_key_text(p, STR("thoughtSignature"), said->signature);
    pen_close(p, '}');
}

/* ---- the rest of a candidate, and what stands behind them ---- */

void generate_put_ending(struct json_pen *p, const struct generate_ending *e, uint32_t index)
{
    if (e != NULL) {
        pen_key_plain(p, STR("finishReason"), e->reason);
        pen_key_text_some(p, STR("finishMessage"), e->message);
    }
    pen_key(p, STR("index"));
    pen_u64(p, index);
}

static void count(struct json_pen *p, struct str key, uint64_t n, bool always)
{
    if (n == 0 && !always)
        return;
    pen_key(p, key);
    pen_u64(p, n);
}

/* Gemini's candidates have no thoughts in them. */
static void put_usage(struct json_pen *p, const struct chat_usage *u)
{
    uint64_t total, shown = u->output > u->reasoning ? u->output - u->reasoning : 0;

    if (__builtin_add_overflow(u->input, u->output, &total))
        total = UINT64_MAX;
    pen_key(p, STR("usageMetadata"));
    pen_open(p, '{');
    count(p, STR("promptTokenCount"), u->input, true);
    count(p, STR("cachedContentTokenCount"), u->cache_read, false);
    count(p, STR("candidatesTokenCount"), shown, true);
    count(p, STR("thoughtsTokenCount"), u->reasoning, false);
    count(p, STR("totalTokenCount"), total, true);
    pen_close(p, '}');
}

void generate_put_tail(struct json_pen *p, const struct chat_answer_facts *facts,
                       const struct chat_usage *usage)
{
    if (usage->source == CHAT_USAGE_REPORTED)
        put_usage(p, usage);
    pen_key_plain(p, STR("modelVersion"), facts->model);
    pen_key_plain(p, STR("responseId"), facts->id);
}

void generate_put_chunk(struct json_pen *p, const struct chat_answer_facts *facts,
                        const struct chat_usage *usage, uint32_t index,
                        const struct generate_said *said, const struct generate_ending *e)
{
    static const struct generate_said nothing = {.kind = CHAT_EV_TEXT};

    pen_bytes(p, STR("data: "));
    p->comma = false;
    pen_open(p, '{');
    pen_key(p, STR("candidates"));
    pen_open(p, '[');
    pen_open(p, '{');
    pen_key(p, STR("content"));
    pen_open(p, '{');
    pen_key(p, STR("parts"));
    pen_open(p, '[');
    generate_put_part(p, said != NULL ? said : &nothing, NULL);
    pen_close(p, ']');
    pen_key_plain(p, STR("role"), STR("model"));
    pen_close(p, '}');
    generate_put_ending(p, e, index);
    pen_close(p, '}');
    pen_close(p, ']');
    generate_put_tail(p, facts, usage);
    pen_close(p, '}');
    pen_bytes(p, STR(LINE_END));
}

int generate_element(struct str json, bool *any, struct buf *out)
{
    int err = buf_put(out, *any ? STR("\n,\r\n") : STR("["));

    *any = true;
    return err < 0 ? err : buf_put(out, json);
}

int generate_array(struct str sse, bool *any, struct buf *out)
{
    const struct str prefix = STR("data: ");
    struct str line, rest;
    int err = 0;

    while (err == 0 && sse.len > 0) {
        str_cut(sse, '\n', &line, &sse);
        str_cut(line, '\r', &line, &rest);
        if (str_starts(line, prefix))
            err = generate_element(str_skip(line, prefix.len), any, out);
    }
    return err;
}
