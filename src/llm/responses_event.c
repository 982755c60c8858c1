/*
 * What the events of a Responses stream look like.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/responses_write.h"

/* ---- pieces of events ---- */

static void key_u64(struct json_pen *p, struct str name, uint64_t n)
{
    pen_key(p, name);
    pen_u64(p, n);
}

/* False: nobody wants events. */
static bool begin(struct responses_pen e, struct str type)
{
    struct json_pen *p = e.pen;

    if (p == NULL)
        return false;
    pen_bytes(p, STR("event: "));
    pen_bytes(p, type);
    pen_bytes(p, STR("\ndata: "));
    p->comma = false;
    pen_open(p, '{');
    pen_key_plain(p, STR("type"), type);
    key_u64(p, STR("sequence_number"), (*e.seq)++);
    return true;
}

static void end(struct responses_pen e)
{
    pen_close(e.pen, '}');
    pen_bytes(e.pen, STR("\n\n"));
}

/* Which item it is about, and which part of it; an empty `part` name: all of it. */
static bool begin_inside(struct responses_pen e, struct str type, const struct responses_item *item,
                         struct str part)
{
    if (!begin(e, type))
        return false;
    pen_key_plain(e.pen, STR("item_id"), item->id);
    key_u64(e.pen, STR("output_index"), item->index);
    if (part.len > 0)
        key_u64(e.pen, part, item->kind == RESPONSES_MESSAGE ? item->pieces - 1 : 0);
    return true;
}

static void key_text(struct responses_pen e, struct str name, const struct responses_text *t)
{
    pen_key(e.pen, name);
    responses_text_pen(e.pen, t);
}

/* ---- the response, its items ---- */

void responses_put_state(struct responses_pen e, struct str type,
                         const struct responses_frame *frame, const struct responses_item *first,
                         const struct responses_outcome *o)
{
    if (!begin(e, type))
        return;
    pen_key(e.pen, STR("response"));
    responses_object(e.pen, frame, first, o);
    end(e);
}

static void put_item(struct responses_pen e, struct str type, const struct responses_item *item,
                     bool begun)
{
    if (!begin(e, type))
        return;
    key_u64(e.pen, STR("output_index"), item->index);
    pen_key(e.pen, STR("item"));
    responses_item_object(e.pen, item, begun);
    end(e);
}

void responses_put_item_added(struct responses_pen e, const struct responses_item *item)
{
    put_item(e, STR("response.output_item.added"), item, true);
}

void responses_put_item_done(struct responses_pen e, const struct responses_item *item)
{
    put_item(e, STR("response.output_item.done"), item, false);
}

/* ---- a message ---- */

static void put_piece(struct responses_pen e, struct str type, const struct responses_item *item,
                      bool begun)
{
    if (!begin_inside(e, type, item, STR("content_index")))
        return;
    pen_key(e.pen, STR("part"));
    responses_piece_object(e.pen, item->last, begun);
    end(e);
}

void responses_put_piece_added(struct responses_pen e, const struct responses_item *item)
{
    put_piece(e, STR("response.content_part.added"), item, true);
}

static void no_logprobs(struct responses_pen e)
{
    pen_key(e.pen, STR("logprobs"));
    pen_raw(e.pen, STR("[]"));
}

void responses_put_piece_done(struct responses_pen e, const struct responses_item *item)
{
    bool refusal = item->last->refusal;

    if (!begin_inside(e, refusal ? STR("response.refusal.done") : STR("response.output_text.done"),
                      item, STR("content_index")))
        return;
    key_text(e, refusal ? STR("refusal") : STR("text"), &item->last->text);
    if (!refusal)
        no_logprobs(e);
    end(e);
    put_piece(e, STR("response.content_part.done"), item, false);
}

/* ---- reasoning ---- */

static void put_summary_part(struct responses_pen e, struct str type,
                             const struct responses_item *item, bool begun)
{
    static const struct responses_text none;

    if (!begin_inside(e, type, item, STR("summary_index")))
        return;
    pen_key(e.pen, STR("part"));
    pen_open(e.pen, '{');
    pen_key_plain(e.pen, STR("type"), STR("summary_text"));
    key_text(e, STR("text"), begun ? &none : &item->text);
    pen_close(e.pen, '}');
    end(e);
}

void responses_put_summary_added(struct responses_pen e, const struct responses_item *item)
{
    put_summary_part(e, STR("response.reasoning_summary_part.added"), item, true);
}

void responses_put_summary_done(struct responses_pen e, const struct responses_item *item)
{
    if (!begin_inside(e, STR("response.reasoning_summary_text.done"), item, STR("summary_index")))
        return;
    key_text(e, STR("text"), &item->text);
    end(e);
    put_summary_part(e, STR("response.reasoning_summary_part.done"), item, false);
}

/* ---- calls ---- */

void responses_put_args_done(struct responses_pen e, const struct responses_item *item)
{
    if (!begin_inside(e, STR("response.function_call_arguments.done"), item, STR("")))
        return;
    pen_key_text(e.pen, STR("name"), item->name);
    key_text(e, STR("arguments"), &item->text);
    end(e);
}

/* ---- what they grow by ---- */

void responses_put_delta(struct responses_pen e, const struct responses_item *item,
                         struct json_text delta)
{
    bool text = item->kind == RESPONSES_MESSAGE && !item->last->refusal;
    struct str type = STR("response.output_text.delta"), part = STR("content_index");

    if (item->kind == RESPONSES_REASONING) {
        type = STR("response.reasoning_summary_text.delta");
        part = STR("summary_index");
    } else if (item->kind == RESPONSES_CALL) {
        type = STR("response.function_call_arguments.delta");
        part = STR("");
    } else if (item->last->refusal) {
        type = STR("response.refusal.delta");
    }
    if (!begin_inside(e, type, item, part))
        return;
    pen_key_text(e.pen, STR("delta"), delta);
    if (text)
        no_logprobs(e);
    end(e);
}

/* ---- errors ---- */

/* OpenAI's schema has the members flat, its servers and Open Responses have them in `error`: here
 * they are in both places. */
void responses_put_error(struct responses_pen e, enum fault f, struct str message)
{
    const struct fault_info *info = fault_info(f);

    if (!begin(e, STR("error")))
        return;
    pen_key_plain(e.pen, STR("code"), str_from(info->wire));
    pen_key_plain(e.pen, STR("message"), message);
    pen_key(e.pen, STR("param"));
    pen_null(e.pen);
    pen_key(e.pen, STR("error"));
    pen_open(e.pen, '{');
    pen_key_plain(e.pen, STR("type"), str_from(info->type));
    pen_key_plain(e.pen, STR("code"), str_from(info->wire));
    pen_key_plain(e.pen, STR("message"), message);
    pen_key(e.pen, STR("param"));
    pen_null(e.pen);
    pen_close(e.pen, '}');
    end(e);
}
