/*
 * An answer of the Anthropic Messages API, event by event or whole.
 *
 * Both ways lead through the same blocks (anthropic_blocks.c): a whole answer is a message that
 * starts with all its content.
 *
 * Out of the ordinary, and seen: pings anywhere; spaces behind the JSON; a block that never stops;
 * arguments in the block's start instead of its deltas, or nowhere; content and a stop reason in
 * message_start; message_start twice (the same again: skipped; another message: two answers were
 * spliced together, of which the first was cut, so the answer fails); counts that only
 * message_delta knows.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/anthropic_answer.h"

/* ---- telling ---- */

static void tell_error(struct chat_decoder *d, const struct chat_event *ev)
{
    anthropic_tell(d, ev);
    d->ended = true;
}

/* ---- usage ---- */

static void take_count(struct chat_decoder *d, enum count c, const struct json_member *m)
{
    uint64_t n;

    if (m->type != JSON_NUMBER || !str_to_u64(m->value, &n))
        return;
    d->counted = true;
    if (n > 0) /* a zero is what some send who do not know yet, or no more */
        d->count[c] = n;
}

static bool take_detail(void *ctx, const struct json_member *m)
{
    if (json_key_is(m, STR("thinking_tokens")))
        take_count(ctx, REASONING, m);
    return true;
}

static bool take_usage(void *ctx, const struct json_member *m)
{
    if (json_key_is(m, STR("input_tokens")))
        take_count(ctx, INPUT, m);
    else if (json_key_is(m, STR("cache_read_input_tokens")))
        take_count(ctx, CACHE_READ, m);
    else if (json_key_is(m, STR("cache_creation_input_tokens")))
        take_count(ctx, CACHE_WRITE, m);
    else if (json_key_is(m, STR("output_tokens")))
        take_count(ctx, OUTPUT, m);
    else if (json_key_is(m, STR("output_tokens_details")) && m->type == JSON_OBJECT)
        json_members(m->value, take_detail, ctx);
    return true;
}

/* Counts have at most 18 digits, so three of them add up. */
static void tell_usage(struct chat_decoder *d, struct str usage)
{
    struct chat_event ev = {.kind = CHAT_EV_USAGE};

    if (json_type_of(usage) == JSON_OBJECT)
        json_members(usage, take_usage, d);
    if (!d->counted)
        return;
    ev.usage =
        (struct chat_usage){.source = CHAT_USAGE_REPORTED,
                            .input = d->count[INPUT] + d->count[CACHE_READ] + d->count[CACHE_WRITE],
                            .output = d->count[OUTPUT],
                            .cache_read = d->count[CACHE_READ],
                            .cache_write = d->count[CACHE_WRITE],
                            .reasoning = d->count[REASONING]};
    anthropic_tell(d, &ev);
}

/* ---- stop reasons ---- */

static const struct {
    struct str word;
    enum chat_stop stop;
} stops[] = {
    {STR_INIT("end_turn"), CHAT_STOP_END},
    {STR_INIT("stop_sequence"), CHAT_STOP_SEQUENCE},
    {STR_INIT("max_tokens"), CHAT_STOP_LENGTH},
    {STR_INIT("tool_use"), CHAT_STOP_CALLS},
    {STR_INIT("pause_turn"), CHAT_STOP_PAUSE},
    {STR_INIT("refusal"), CHAT_STOP_REFUSAL},
    {STR_INIT("model_context_window_exceeded"), CHAT_STOP_CONTEXT},
};

static enum chat_stop stop_of(struct str word)
{
    for (size_t i = 0; i < COUNTOF(stops); i++) {
        if (str_eq(word, stops[i].word))
            return stops[i].stop;
    }
    return CHAT_STOP_OTHER;
}

static void tell_stop(struct chat_decoder *d, struct str reason, const struct object *o)
{
    struct chat_event ev = {.kind = CHAT_EV_STOP, .stop = stop_of(reason)};

    if (d->stopped)
        return;
    d->stopped = true;
    if (ev.stop == CHAT_STOP_OTHER)
        ev.text = (struct json_text){reason.ptr, reason.len};
    if (o != NULL && ev.stop == CHAT_STOP_SEQUENCE)
        ev.text = anthropic_text(o, F_STOP_SEQUENCE);
    if (o != NULL && json_type_of(o->value[F_STOP_DETAILS]) == JSON_OBJECT) {
        ev.raw = o->value[F_STOP_DETAILS];
        ev.vendor = CHAT_ANTHROPIC;
    }
    anthropic_tell(d, &ev);
}

/* ---- messages ---- */

static bool take_block(void *ctx, const struct json_member *m)
{
    struct chat_decoder *d = ctx;

    if (m->type == JSON_OBJECT) {
        anthropic_block_begin(d, m->value, UINT64_MAX);
        anthropic_block_end(d);
    }
    return !d->bad;
}

/* Of a message that starts, and of a whole one. */
static void open_message(struct chat_decoder *d, const struct object *message)
{
    anthropic_pile_set(d, &d->id, anthropic_word(message, F_ID));
    anthropic_start_message(d, message);
    tell_usage(d, message->value[F_USAGE]);
    if (json_type_of(message->value[F_CONTENT]) == JSON_ARRAY)
        json_members(message->value[F_CONTENT], take_block, d);
}

/* The stop reason in `o`, and what it all took. */
static void finish(struct chat_decoder *d, const struct object *o, struct str usage)
{
    struct str reason = anthropic_word(o, F_STOP_REASON);

    anthropic_need_message(d);
    if (reason.len > 0)
        anthropic_blocks_end(d);
    if (usage.len > 0)
        tell_usage(d, usage);
    if (reason.len > 0)
        tell_stop(d, reason, o);
}

static void end_message(struct chat_decoder *d)
{
    anthropic_blocks_end(d);
    if (!d->stopped) {
        tell_usage(d, STR(""));
        if (d->reason.len > 0) /* none is made up: without one it is a cut (R3) */
            tell_stop(d, anthropic_pile(&d->reason), NULL);
    }
    anthropic_tell(d, &(struct chat_event){.kind = CHAT_EV_END});
    d->ended = true;
}

/* ---- events ---- */

static uint64_t index_of(const struct object *o)
{
    uint64_t index = 0;

    return str_to_u64(o->value[F_INDEX], &index) ? index : 0;
}

static void on_message_start(struct chat_decoder *d, const struct object *o)
{
    struct object message = anthropic_object(o->value[F_MESSAGE]);

    if (!d->started) {
        open_message(d, &message);
        anthropic_pile_set(d, &d->reason, anthropic_word(&message, F_STOP_REASON));
    } else if (!str_eq(anthropic_word(&message, F_ID), anthropic_pile(&d->id))) {
        tell_error(d, &(struct chat_event){
                          .kind = CHAT_EV_ERROR,
                          .fault = FAULT_UPSTREAM_TRUNCATED,
                          .text = JSON_TEXT("another message started before this one had ended")});
    }
}

static void on_block_start(struct chat_decoder *d, const struct object *o)
{
    if (json_type_of(o->value[F_CONTENT_BLOCK]) != JSON_OBJECT) {
        d->bad = true;
        return;
    }
    anthropic_block_yield(d);
    anthropic_block_begin(d, o->value[F_CONTENT_BLOCK], index_of(o));
}

static void on_block_delta(struct chat_decoder *d, const struct object *o)
{
    if (json_type_of(o->value[F_DELTA]) == JSON_OBJECT)
        anthropic_block_delta(d, o->value[F_DELTA], index_of(o));
    else
        d->bad = true;
}

static void on_block_stop(struct chat_decoder *d, const struct object *o)
{
    anthropic_block_stop(d, index_of(o));
}

static void on_message_delta(struct chat_decoder *d, const struct object *o)
{
    struct object delta = anthropic_object(o->value[F_DELTA]);

    finish(d, &delta, o->value[F_USAGE]);
}

static void on_message_stop(struct chat_decoder *d, const struct object *o)
{
    (void)o;
    if (d->started)
        end_message(d);
    else
        d->bad = true;
}

static const struct {
    struct str type;
    void (*fn)(struct chat_decoder *d, const struct object *o);
} handlers[] = {
    {STR_INIT("content_block_delta"), on_block_delta},
    {STR_INIT("content_block_start"), on_block_start},
    {STR_INIT("content_block_stop"), on_block_stop},
    {STR_INIT("message_start"), on_message_start},
    {STR_INIT("message_delta"), on_message_delta},
    {STR_INIT("message_stop"), on_message_stop},
};

/* ---- what the gateway calls ---- */

struct chat_decoder *anthropic_decoder_new(struct arena *a)
{
    struct chat_decoder *d = ARENA_NEW(a, struct chat_decoder);

    if (d != NULL)
        d->arena = a;
    return d;
}

static void hear(struct chat_decoder *d, chat_event_fn *emit, void *ctx)
{
    d->emit = emit;
    d->ctx = ctx;
    d->enough = d->bad = false;
}

static void take_error(struct chat_decoder *d, struct str json)
{
    struct chat_event ev;

    anthropic_refusal(d->arena, 200, json, &ev);
    tell_error(d, &ev);
}

static bool scan(struct str json, struct object *o)
{
    *o = (struct object){.value = {{NULL, 0}}};
    return json_type_of(json) == JSON_OBJECT &&
           json_scan(json, JSON_DEPTH_MAX, anthropic_member, o, NULL);
}

bool anthropic_decode(struct chat_decoder *d, struct str name, struct str data, chat_event_fn *emit,
                      void *ctx)
{
    struct object o;
    struct str type;

    if (d->ended || str_eq(data, STR("[DONE]"))) /* what some proxies write behind all streams */
        return true;
    hear(d, emit, ctx);
    if (!scan(data, &o) && !str_eq(name, STR("error")))
        return false;
    type = o.value[F_TYPE].len > 0 ? anthropic_word(&o, F_TYPE) : name;
    if (str_eq(name, STR("error")) || str_eq(type, STR("error"))) {
        take_error(d, data);
        return true;
    }
    for (size_t i = 0; i < COUNTOF(handlers); i++) {
        if (str_eq(type, handlers[i].type)) {
            handlers[i].fn(d, &o);
            break;
        }
    }
    return !d->bad;
}

bool anthropic_decode_whole(struct chat_decoder *d, struct str body, chat_event_fn *emit, void *ctx)
{
    struct object o;

    hear(d, emit, ctx);
    if (!scan(body, &o))
        return false;
    if (json_type_of(o.value[F_CONTENT]) != JSON_ARRAY) {
        if (json_type_of(o.value[F_ERROR]) != JSON_OBJECT)
            return false;
        take_error(d, body);
        return true;
    }
    open_message(d, &o);
    finish(d, &o, o.value[F_USAGE]);
    end_message(d);
    return !d->bad;
}
