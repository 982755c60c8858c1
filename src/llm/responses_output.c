/*
 * The items of an answer of the Responses API, each from its beginning, its pieces and its end.
 *
 * An item's end brings all of it again, and so does the answer's.  What a piece has told is not
 * told twice; what none has is told then, for servers that leave the pieces out.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/chat_seal.h"
#include "llm/json_pick.h"
#include "llm/responses_decode.h"

#define PARTS_KNOWN 64u /* of an item; further ones share the last bit */

/* ---- telling ---- */

void responses_tell(struct chat_decoder *d, const struct chat_event *ev)
{
    if (!d->enough && !d->bad)
        d->enough = !d->emit(d->ctx, ev);
}

void responses_need_start(struct chat_decoder *d)
{
    if (!d->started)
        responses_tell(d, &(struct chat_event){.kind = CHAT_EV_START});
    d->started = true;
}

static void end_block(struct chat_decoder *d)
{
    if (d->open != NULL)
        responses_tell(d, &(struct chat_event){.kind = CHAT_EV_BLOCK_END});
    d->open = NULL;
}

/* Calls may be told in turns, and end when they say so. */
static void turn_to(struct chat_decoder *d, struct output *o, uint64_t part)
{
    responses_need_start(d);
    if (d->open == o && d->part == part)
        return;
    if (d->open != NULL && d->open->kind != OUTPUT_CALL)
        end_block(d);
    d->open = o;
    d->part = part;
}

/* ---- items ---- */

struct output *output_find(const struct chat_decoder *d, uint64_t index)
{
    struct output *o = d->first;

    if (d->last != NULL && d->last->index == index)
        return d->last;
    while (o != NULL && o->index != index)
        o = o->next;
    return o;
}

struct output *output_get(struct chat_decoder *d, uint64_t index, enum output_kind kind)
{
    struct output *o = output_find(d, index);

    if (o != NULL)
        return o;
    o = ARENA_NEW(d->arena, struct output);
    if (o == NULL) {
        d->bad = true;
        return NULL;
    }
    o->index = index;
    o->kind = kind;
    if (d->last != NULL)
        d->last->next = o;
    else
        d->first = o;
    d->last = o;
    return o;
}

static struct json_text text_of(struct str object, struct str name)
{
    return json_text_of(json_pick_one(object, name, JSON_STRING));
}

enum output_kind output_kind_of(struct str item)
{
    struct json_text type = text_of(item, STR("type"));

    if (json_text_is(type, STR("message")))
        return OUTPUT_MESSAGE;
    if (json_text_is(type, STR("reasoning")))
        return OUTPUT_REASONING;
    return json_text_is(type, STR("function_call")) ? OUTPUT_CALL : OUTPUT_OTHER;
}

/* ---- calls ---- */

static void begin_call(struct chat_decoder *d, struct output *o, struct str item)
{
    struct json_text id = text_of(item, STR("call_id")), name = text_of(item, STR("name"));

    if (id.len == 0)
        id = text_of(item, STR("id"));
    turn_to(d, o, 0);
    o->begun = true;
    o->number = d->calls++;
    responses_tell(d, &(struct chat_event){.kind = CHAT_EV_CALL,
                                           .call = o->number,
                                           .id = id.ptr != NULL ? id : JSON_TEXT(""),
                                           .name = name.ptr != NULL ? name : JSON_TEXT("")});
}

void output_args(struct chat_decoder *d, struct output *o, struct json_text text, bool whole)
{
    if (o->kind != OUTPUT_CALL || !o->begun || o->done) {
        d->bad = !o->done && o->kind == OUTPUT_CALL; /* whose arguments are they? */
        return;
    }
    if (text.len == 0 || (whole && o->told != 0))
        return;
    turn_to(d, o, 0);
    o->told = 1;
    responses_tell(d, &(struct chat_event){.kind = CHAT_EV_ARGS, .call = o->number, .text = text});
}

/* ---- others ---- */

/* Tools that a provider runs, and what became of them.  That one has begun is content: what it
 * does may take long, and a picture is larger than what may be held back. */
static void tell_raw(struct chat_decoder *d, struct str raw)
{
    responses_need_start(d);
    end_block(d);
    responses_tell(d,
                   &(struct chat_event){.kind = CHAT_EV_RAW, .raw = raw, .vendor = CHAT_RESPONSES});
}

void output_begin(struct chat_decoder *d, struct output *o, struct str item)
{
    if (o->begun || o->done)
        return;
    if (o->kind == OUTPUT_CALL)
        begin_call(d, o, item);
    if (o->kind == OUTPUT_OTHER)
        tell_raw(d, STR(""));
    o->begun = true;
}

/* ---- texts ---- */

static uint64_t bit_of(uint64_t part)
{
    return 1ull << (part < PARTS_KNOWN ? part : PARTS_KNOWN - 1);
}

static void tell_text(struct chat_decoder *d, enum chat_event_kind kind, struct json_text text)
{
    responses_tell(d, &(struct chat_event){.kind = kind, .text = text});
}

/* Its parts are one thought, with one signature. */
static void think(struct chat_decoder *d, struct output *o, const struct output_piece *piece)
{
    if (o->told != 0 && o->in_full != piece->in_full)
        return; /* a summary of what was told in full, or the other way round */
    turn_to(d, o, 0);
    if (o->told != 0 && (o->told & bit_of(piece->part)) == 0)
        tell_text(d, CHAT_EV_THINKING, JSON_TEXT("\\n\\n"));
    o->in_full = piece->in_full;
    tell_text(d, CHAT_EV_THINKING, piece->text);
}

void output_piece(struct chat_decoder *d, struct output *o, const struct output_piece *piece)
{
    uint64_t bit = bit_of(piece->part);
    enum output_kind kind = piece->kind == CHAT_EV_THINKING ? OUTPUT_REASONING : OUTPUT_MESSAGE;

    if (piece->text.len == 0 || o->done || o->kind != kind)
        return;
    if (piece->whole && (o->told & bit) != 0)
        return;
    if (kind == OUTPUT_REASONING) {
        think(d, o, piece);
    } else {
        turn_to(d, o, piece->part);
        tell_text(d, piece->kind, piece->text);
    }
    o->told |= bit;
}

struct parts {
    struct chat_decoder *decoder;
    struct output *output;
    struct output_piece piece;
};

static bool take_part(void *ctx, const struct json_member *m)
{
    struct parts *p = ctx;
    struct json_text type = text_of(m->value, STR("type"));
    bool refusal = json_text_is(type, STR("refusal"));

    if (m->type == JSON_OBJECT) {
        p->piece.text = text_of(m->value, refusal ? STR("refusal") : STR("text"));
        if (p->output->kind == OUTPUT_MESSAGE)
            p->piece.kind = refusal ? CHAT_EV_REFUSAL : CHAT_EV_TEXT;
        output_piece(p->decoder, p->output, &p->piece);
    }
    p->piece.part++;
    return true;
}

static void tell_parts(struct chat_decoder *d, struct output *o, struct str item, struct str member,
                       bool in_full)
{
    struct parts p = {.decoder = d,
                      .output = o,
                      .piece = {.kind = CHAT_EV_THINKING, .in_full = in_full, .whole = true}};
    struct str parts = json_pick_one(item, member, JSON_ARRAY);

    if (parts.len > 0)
        json_members(parts, take_part, &p);
}

/* ---- ends ---- */

static void tell_seal(struct chat_decoder *d, struct output *o, struct str item)
{
    struct chat_seal seal = {.id = text_of(item, STR("id")),
                             .content = text_of(item, STR("encrypted_content"))};
    struct json_text signature;

    if (seal.content.len == 0)
        return;
    signature = chat_seal(d->arena, &seal);
    d->bad |= signature.ptr == NULL;
    turn_to(d, o, 0);
    tell_text(d, CHAT_EV_SIGNATURE, signature);
}

static void finish(struct chat_decoder *d, struct output *o, struct str item)
{
    switch (o->kind) {
    case OUTPUT_MESSAGE:
        tell_parts(d, o, item, STR("content"), false);
        break;
    case OUTPUT_REASONING:
        tell_parts(d, o, item, STR("content"), true);
        tell_parts(d, o, item, STR("summary"), false);
        tell_seal(d, o, item);
        break;
    case OUTPUT_CALL:
        output_begin(d, o, item);
        output_args(d, o, text_of(item, STR("arguments")), true);
        output_args(d, o, JSON_TEXT("{}"), true); /* nothing is not JSON */
        break;
    case OUTPUT_OTHER:
        tell_raw(d, item);
        break;
    }
}

void output_done(struct chat_decoder *d, struct output *o, struct str item)
{
    if (o->done)
        return;
    finish(d, o, item);
    o->done = true;
    if (d->open == o)
        end_block(d);
}
