/*
 * The blocks of an answer, each from its start, its deltas and its end.
 *
 * What belongs to no other API (server tools and their results, fallbacks, compactions, whatever
 * comes next year) goes as one RAW event a block, put together from its pieces.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/anthropic_answer.h"

/* ---- kinds ---- */

static const struct {
    struct str type;
    enum block block;
} blocks[] = {
    {STR_INIT("text"), BLOCK_TEXT},
    {STR_INIT("thinking"), BLOCK_THINKING},
    {STR_INIT("redacted_thinking"), BLOCK_REDACTED},
    {STR_INIT("tool_use"), BLOCK_CALL},
};

static enum block block_of(struct str type)
{
    for (size_t i = 0; i < COUNTOF(blocks); i++) {
        if (str_eq(type, blocks[i].type))
            return blocks[i].block;
    }
    return BLOCK_RAW;
}

/* ---- begins ---- */

static void tell_text(struct chat_decoder *d, enum chat_event_kind kind, struct json_text text)
{
    if (text.len == 0)
        return;
    d->said = true;
    anthropic_tell(d, &(struct chat_event){.kind = kind, .text = text});
}

static bool tell_citation(void *ctx, const struct json_member *m)
{
    struct chat_decoder *d = ctx;

    d->said = true;
    anthropic_tell(d, &(struct chat_event){
                          .kind = CHAT_EV_CITATION, .raw = m->value, .vendor = CHAT_ANTHROPIC});
    return true;
}

static void begin_call(struct chat_decoder *d, const struct object *o)
{
    struct str input = o->value[F_INPUT];

    d->said = true;
    d->args = false;
    anthropic_pile_set(d, &d->first, json_type_of(input) == JSON_OBJECT ? input : STR("{}"));
    anthropic_tell(d, &(struct chat_event){.kind = CHAT_EV_CALL,
                                           .call = d->call = d->calls++,
                                           .id = anthropic_text(o, F_ID),
                                           .name = anthropic_text(o, F_NAME)});
}

static void begin_raw(struct chat_decoder *d, struct str block)
{
    anthropic_pile_set(d, &d->first, block);
    d->more.len = 0;
    d->member.len = 0;
}

/* false: there was a stop reason, which is the last word. */
static bool begin(struct chat_decoder *d, enum block block, uint64_t index)
{
    anthropic_need_message(d);
    if (d->stopped) {
        d->bad = true;
        return false;
    }
    d->block = block;
    d->index = index;
    d->said = false;
    return true;
}

void anthropic_block_begin(struct chat_decoder *d, struct str block, uint64_t index)
{
    struct object o = anthropic_object(block);

    if (!begin(d, block_of(anthropic_word(&o, F_TYPE)), index))
        return;
    if (d->block == BLOCK_TEXT) {
        tell_text(d, CHAT_EV_TEXT, anthropic_text(&o, F_TEXT));
        if (json_type_of(o.value[F_CITATIONS]) == JSON_ARRAY)
            json_members(o.value[F_CITATIONS], tell_citation, d);
    } else if (d->block == BLOCK_THINKING) {
        tell_text(d, CHAT_EV_THINKING, anthropic_text(&o, F_THINKING));
        tell_text(d, CHAT_EV_SIGNATURE, anthropic_text(&o, F_SIGNATURE));
    } else if (d->block == BLOCK_REDACTED) {
        tell_text(d, CHAT_EV_REDACTED, anthropic_text(&o, F_DATA));
    } else if (d->block == BLOCK_CALL) {
        begin_call(d, &o);
    } else {
        begin_raw(d, block);
    }
}

/* ---- blocks of a vendor's ---- */

/* What the deltas came to: JSON, or a string. */
static void put_more(struct chat_decoder *d)
{
    struct json_text text = {d->more.ptr, d->more.len};
    struct str json;

    if (d->more_is_json) {
        json = chat_args_of(d->arena, text);
        anthropic_pile_put(d, &d->raw, json.ptr != NULL ? json : STR("{}"));
        return;
    }
    anthropic_pile_put(d, &d->raw, STR("\""));
    anthropic_pile_put(d, &d->raw, anthropic_pile(&d->more));
    anthropic_pile_put(d, &d->raw, STR("\""));
}

static void put_key(struct chat_decoder *d, struct str key)
{
    anthropic_pile_put(d, &d->raw, d->raw.len > 1 ? STR(",\"") : STR("\""));
    anthropic_pile_put(d, &d->raw, key);
    anthropic_pile_put(d, &d->raw, STR("\":"));
}

static bool put_raw_member(void *ctx, const struct json_member *m)
{
    struct chat_decoder *d = ctx;

    put_key(d, m->key);
    if (str_eq(m->key, anthropic_pile(&d->member))) {
        d->member_was_seen = true;
        put_more(d);
    } else {
        anthropic_pile_put(d, &d->raw, m->value);
    }
    return true;
}

static void put_together(struct chat_decoder *d)
{
    d->member_was_seen = false;
    anthropic_pile_set(d, &d->raw, STR("{"));
    json_members(anthropic_pile(&d->first), put_raw_member, d);
    if (!d->member_was_seen) {
        put_key(d, anthropic_pile(&d->member));
        put_more(d);
    }
    anthropic_pile_put(d, &d->raw, STR("}"));
}

static void end_raw(struct chat_decoder *d)
{
    bool changed = d->more.len > 0;

    if (d->first.len == 0) { /* there was no room for it */
        d->bad = true;
        return;
    }
    if (changed)
        put_together(d);
    anthropic_tell(d, &(struct chat_event){.kind = CHAT_EV_RAW,
                                           .raw = anthropic_pile(changed ? &d->raw : &d->first),
                                           .vendor = CHAT_ANTHROPIC});
}

static bool take_raw_delta(void *ctx, const struct json_member *m)
{
    struct chat_decoder *d = ctx;

    if (m->type != JSON_STRING || json_key_is(m, STR("type")))
        return true;
    d->more_is_json = json_key_is(m, STR("partial_json"));
    anthropic_pile_set(d, &d->member, d->more_is_json ? STR("input") : m->key);
    anthropic_pile_put(d, &d->more, str_make(m->value.ptr + 1, m->value.len - 2));
    return true;
}

/* ---- ends and pieces ---- */

static void tell_args(struct chat_decoder *d, uint32_t call, struct json_text text)
{
    anthropic_tell(d, &(struct chat_event){.kind = CHAT_EV_ARGS, .call = call, .text = text});
}

/* What stood in its start, when no deltas came. */
static void tell_first(struct chat_decoder *d, uint32_t call, const struct pile *first)
{
    struct json_text text = json_text_of(json_quote(d->arena, anthropic_pile(first)));

    d->bad |= text.len == 0; /* no room */
    tell_args(d, call, text);
}

static void end_call(struct chat_decoder *d)
{
    if (!d->args)
        tell_first(d, d->call, &d->first);
    d->args = true;
}

static struct parked *find_parked(const struct chat_decoder *d, uint64_t index)
{
    struct parked *p = d->parked;

    while (p != NULL && (p->over || p->index != index))
        p = p->next;
    return p;
}

static void end_parked(struct chat_decoder *d, struct parked *p)
{
    if (!p->args && !p->over)
        tell_first(d, p->call, &p->first);
    p->over = true;
}

void anthropic_block_yield(struct chat_decoder *d)
{
    struct parked *p = d->block == BLOCK_CALL ? ARENA_NEW(d->arena, struct parked) : NULL;

    if (p == NULL) {
        anthropic_block_end(d);
        return;
    }
    *p = (struct parked){d->parked, d->index, d->call, d->args, false, d->first};
    d->parked = p;
    d->first = (struct pile){NULL, 0, 0};
    d->block = BLOCK_NONE;
}

void anthropic_block_stop(struct chat_decoder *d, uint64_t index)
{
    struct parked *p = find_parked(d, index);

    if (d->block != BLOCK_NONE && d->index == index)
        anthropic_block_end(d);
    else if (p != NULL)
        end_parked(d, p);
}

void anthropic_blocks_end(struct chat_decoder *d)
{
    anthropic_block_end(d);
    for (struct parked *p = d->parked; p != NULL; p = p->next)
        end_parked(d, p);
}

void anthropic_block_end(struct chat_decoder *d)
{
    if (d->block == BLOCK_CALL)
        end_call(d);
    if (d->block == BLOCK_RAW)
        end_raw(d);
    else if (d->block != BLOCK_NONE && d->said)
        anthropic_tell(d, &(struct chat_event){.kind = CHAT_EV_BLOCK_END});
    d->block = BLOCK_NONE;
}

/* A text needs no block that was begun; anything else of an unknown block makes no sense. */
static void enter_block(struct chat_decoder *d, enum block wanted, uint64_t index)
{
    if (d->block == wanted && d->index == index)
        return;
    d->bad |= wanted != BLOCK_TEXT && wanted != BLOCK_THINKING;
    if (d->bad)
        return;
    anthropic_block_end(d);
    (void)begin(d, wanted, index);
}

static void take_args(struct chat_decoder *d, struct json_text text, uint64_t index)
{
    struct parked *p = d->block != BLOCK_CALL || d->index != index ? find_parked(d, index) : NULL;

    if (p == NULL)
        enter_block(d, BLOCK_CALL, index);
    if (d->bad || text.len == 0) /* the first is always empty */
        return;
    *(p != NULL ? &p->args : &d->args) = true;
    tell_args(d, p != NULL ? p->call : d->call, text);
}

void anthropic_block_delta(struct chat_decoder *d, struct str delta, uint64_t index)
{
    struct object o = anthropic_object(delta);
    struct str type = anthropic_word(&o, F_TYPE);

    if (d->block == BLOCK_RAW && d->index == index) {
        json_members(delta, take_raw_delta, d);
    } else if (str_eq(type, STR("text_delta"))) {
        enter_block(d, BLOCK_TEXT, index);
        tell_text(d, CHAT_EV_TEXT, anthropic_text(&o, F_TEXT));
    } else if (str_eq(type, STR("thinking_delta"))) {
        enter_block(d, BLOCK_THINKING, index);
        tell_text(d, CHAT_EV_THINKING, anthropic_text(&o, F_THINKING));
    } else if (str_eq(type, STR("signature_delta"))) {
        enter_block(d, BLOCK_THINKING, index);
        tell_text(d, CHAT_EV_SIGNATURE, anthropic_text(&o, F_SIGNATURE));
    } else if (str_eq(type, STR("citations_delta"))) {
        enter_block(d, BLOCK_TEXT, index);
        if (o.value[F_CITATION].len > 0)
            tell_citation(d, &(struct json_member){.value = o.value[F_CITATION]});
    } else if (str_eq(type, STR("input_json_delta"))) {
        take_args(d, anthropic_text(&o, F_PARTIAL_JSON), index);
    }
}
