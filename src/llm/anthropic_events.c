/*
 * An answer of the Anthropic Messages API, event by event or whole.
 *
 * Both ways lead through the same blocks: a whole answer is a message that starts with all its
 * content.  What belongs to no other API (server tools and their results, fallbacks, compactions,
 * whatever comes next year) goes as one RAW event a block, put together from its pieces.
 *
 * Out of the ordinary, and seen: pings anywhere; spaces behind the JSON; a block that never stops;
 * arguments in the block's start instead of its deltas, or nowhere; content and a stop reason in
 * message_start; message_start twice (the same again: skipped; another message: two answers were
 * spliced together, of which the first was cut, so the answer fails); counts that only
 * message_delta knows.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/anthropic_part.h"

#include "llm/chat_text.h"

/* ---- members ---- */

enum field {
    F_TYPE,
    F_INDEX,
    F_DELTA,
    F_CONTENT_BLOCK,
    F_MESSAGE,
    F_USAGE,
    F_ERROR,
    F_ID,
    F_MODEL,
    F_CONTENT,
    F_STOP_REASON,
    F_STOP_SEQUENCE,
    F_STOP_DETAILS,
    F_TEXT,
    F_THINKING,
    F_SIGNATURE,
    F_DATA,
    F_NAME,
    F_INPUT,
    F_CITATIONS,
    F_CITATION,
    F_PARTIAL_JSON,
    FIELDS
};

/* clang-format off */
static const struct str fields[FIELDS] = {
    [F_TYPE]          = STR_INIT("type"),
    [F_INDEX]         = STR_INIT("index"),
    [F_DELTA]         = STR_INIT("delta"),
    [F_CONTENT_BLOCK] = STR_INIT("content_block"),
    [F_MESSAGE]       = STR_INIT("message"),
    [F_USAGE]         = STR_INIT("usage"),
    [F_ERROR]         = STR_INIT("error"),
    [F_ID]            = STR_INIT("id"),
    [F_MODEL]         = STR_INIT("model"),
    [F_CONTENT]       = STR_INIT("content"),
    [F_STOP_REASON]   = STR_INIT("stop_reason"),
    [F_STOP_SEQUENCE] = STR_INIT("stop_sequence"),
    [F_STOP_DETAILS]  = STR_INIT("stop_details"),
    [F_TEXT]          = STR_INIT("text"),
    [F_THINKING]      = STR_INIT("thinking"),
    [F_SIGNATURE]     = STR_INIT("signature"),
    [F_DATA]          = STR_INIT("data"),
    [F_NAME]          = STR_INIT("name"),
    [F_INPUT]         = STR_INIT("input"),
    [F_CITATIONS]     = STR_INIT("citations"),
    [F_CITATION]      = STR_INIT("citation"),
    [F_PARTIAL_JSON]  = STR_INIT("partial_json"),
};
/* clang-format on */

struct object { /* the members of one, as written; empty when absent */
    struct str value[FIELDS];
};

static bool take_member(void *ctx, const struct json_member *m)
{
    struct object *o = ctx;

    for (unsigned i = 0; i < FIELDS; i++) {
        if (json_key_is(m, fields[i])) {
            o->value[i] = m->value;
            break;
        }
    }
    return true;
}

static struct object object_of(struct str checked)
{
    struct object o = {.value = {{NULL, 0}}};

    if (json_type_of(checked) == JSON_OBJECT)
        json_members(checked, take_member, &o);
    return o;
}

static struct json_text text_of(const struct object *o, enum field f)
{
    return json_text_of(o->value[f]);
}

static struct str word_of(const struct object *o, enum field f)
{
    struct json_text t = text_of(o, f);

    return str_make(t.ptr, t.len);
}

/* ---- what is remembered ---- */

struct pile { /* bytes that grow in the arena; used again and again */
    char *ptr;
    size_t len, cap;
};

enum block { BLOCK_NONE, BLOCK_TEXT, BLOCK_THINKING, BLOCK_REDACTED, BLOCK_CALL, BLOCK_RAW };
enum count { INPUT, CACHE_READ, CACHE_WRITE, OUTPUT, REASONING, COUNTS };

struct chat_decoder {
    struct arena *arena;
    chat_event_fn *emit; /* of this event */
    void *ctx;
    bool enough; /* who listens has heard enough */
    bool bad;    /* this event makes no sense */

    bool started, stopped, ended; /* START, STOP, and the last event at all were told */
    struct pile id;               /* of the message, as written */
    struct pile reason;           /* a stop reason that message_start knew */
    uint64_t count[COUNTS];
    bool counted;

    enum block block; /* the one that goes on */
    uint64_t index;   /* its own */
    bool said;        /* something of it was told */
    uint32_t calls;
    bool args;            /* CALL: arguments were told */
    struct pile first;    /* CALL: its input at the start; RAW: the block at its start */
    struct pile more;     /* RAW: what the deltas say */
    struct pile member;   /* RAW: of this member */
    bool more_is_json;    /* … which is JSON inside a string */
    struct pile raw;      /* RAW: all of it */
    bool member_was_seen; /* … while it is put together */
};

static bool grow(struct chat_decoder *d, struct pile *p, size_t n)
{
    size_t cap = p->cap;
    char *to;

    if (p->cap - p->len >= n)
        return true;
    while (cap - p->len < n)
        cap = cap * 2 + 64;
    to = arena_bytes(d->arena, cap);
    if (to == NULL)
        return false;
    if (p->len > 0)
        memcpy(to, p->ptr, p->len);
    p->ptr = to;
    p->cap = cap;
    return true;
}

static void pile_put(struct chat_decoder *d, struct pile *p, struct str s)
{
    if (!grow(d, p, s.len)) {
        d->bad = true;
        return;
    }
    if (s.len > 0)
        memcpy(p->ptr + p->len, s.ptr, s.len);
    p->len += s.len;
}

static void pile_set(struct chat_decoder *d, struct pile *p, struct str s)
{
    p->len = 0;
    pile_put(d, p, s);
}

static struct str pile_str(const struct pile *p)
{
    return str_make(p->ptr, p->len);
}

/* ---- telling ---- */

static void tell(struct chat_decoder *d, const struct chat_event *ev)
{
    if (!d->enough && !d->bad)
        d->enough = !d->emit(d->ctx, ev);
}

static void tell_text(struct chat_decoder *d, enum chat_event_kind kind, struct json_text text)
{
    if (text.len == 0)
        return;
    d->said = true;
    tell(d, &(struct chat_event){.kind = kind, .text = text});
}

static void tell_error(struct chat_decoder *d, const struct chat_event *ev)
{
    tell(d, ev);
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
    tell(d, &ev);
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
        ev.text = text_of(o, F_STOP_SEQUENCE);
    if (o != NULL && json_type_of(o->value[F_STOP_DETAILS]) == JSON_OBJECT) {
        ev.raw = o->value[F_STOP_DETAILS];
        ev.vendor = CHAT_ANTHROPIC;
    }
    tell(d, &ev);
}

/* ---- blocks ---- */

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

static void start_message(struct chat_decoder *d, const struct object *message)
{
    d->started = true;
    tell(d, &(struct chat_event){.kind = CHAT_EV_START,
                                 .id = text_of(message, F_ID),
                                 .model = text_of(message, F_MODEL)});
}

static void need_message(struct chat_decoder *d)
{
    if (!d->started)
        start_message(d, &(struct object){.value = {{NULL, 0}}});
}

static bool tell_citation(void *ctx, const struct json_member *m)
{
    struct chat_decoder *d = ctx;

    d->said = true;
    tell(d,
         &(struct chat_event){.kind = CHAT_EV_CITATION, .raw = m->value, .vendor = CHAT_ANTHROPIC});
    return true;
}

static void begin_call(struct chat_decoder *d, const struct object *o)
{
    struct str input = o->value[F_INPUT];

    d->said = true;
    d->args = false;
    pile_set(d, &d->first, json_type_of(input) == JSON_OBJECT ? input : STR("{}"));
    tell(d, &(struct chat_event){.kind = CHAT_EV_CALL,
                                 .call = d->calls++,
                                 .id = text_of(o, F_ID),
                                 .name = text_of(o, F_NAME)});
}

static void begin_raw(struct chat_decoder *d, struct str block)
{
    pile_set(d, &d->first, block);
    d->more.len = 0;
    d->member.len = 0;
}

/* false: there was a stop reason, which is the last word. */
static bool begin(struct chat_decoder *d, enum block block, uint64_t index)
{
    need_message(d);
    if (d->stopped) {
        d->bad = true;
        return false;
    }
    d->block = block;
    d->index = index;
    d->said = false;
    return true;
}

static void begin_block(struct chat_decoder *d, struct str block, uint64_t index)
{
    struct object o = object_of(block);

    if (!begin(d, block_of(word_of(&o, F_TYPE)), index))
        return;
    if (d->block == BLOCK_TEXT) {
        tell_text(d, CHAT_EV_TEXT, text_of(&o, F_TEXT));
        if (json_type_of(o.value[F_CITATIONS]) == JSON_ARRAY)
            json_members(o.value[F_CITATIONS], tell_citation, d);
    } else if (d->block == BLOCK_THINKING) {
        tell_text(d, CHAT_EV_THINKING, text_of(&o, F_THINKING));
        tell_text(d, CHAT_EV_SIGNATURE, text_of(&o, F_SIGNATURE));
    } else if (d->block == BLOCK_REDACTED) {
        tell_text(d, CHAT_EV_REDACTED, text_of(&o, F_DATA));
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
        pile_put(d, &d->raw, json.ptr != NULL ? json : STR("{}"));
        return;
    }
    pile_put(d, &d->raw, STR("\""));
    pile_put(d, &d->raw, pile_str(&d->more));
    pile_put(d, &d->raw, STR("\""));
}

static void put_key(struct chat_decoder *d, struct str key)
{
    pile_put(d, &d->raw, d->raw.len > 1 ? STR(",\"") : STR("\""));
    pile_put(d, &d->raw, key);
    pile_put(d, &d->raw, STR("\":"));
}

static bool put_raw_member(void *ctx, const struct json_member *m)
{
    struct chat_decoder *d = ctx;

    put_key(d, m->key);
    if (str_eq(m->key, pile_str(&d->member))) {
        d->member_was_seen = true;
        put_more(d);
    } else {
        pile_put(d, &d->raw, m->value);
    }
    return true;
}

static void put_together(struct chat_decoder *d)
{
    d->member_was_seen = false;
    pile_set(d, &d->raw, STR("{"));
    json_members(pile_str(&d->first), put_raw_member, d);
    if (!d->member_was_seen) {
        put_key(d, pile_str(&d->member));
        put_more(d);
    }
    pile_put(d, &d->raw, STR("}"));
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
    tell(d, &(struct chat_event){.kind = CHAT_EV_RAW,
                                 .raw = pile_str(changed ? &d->raw : &d->first),
                                 .vendor = CHAT_ANTHROPIC});
}

static bool take_raw_delta(void *ctx, const struct json_member *m)
{
    struct chat_decoder *d = ctx;

    if (m->type != JSON_STRING || json_key_is(m, STR("type")))
        return true;
    d->more_is_json = json_key_is(m, STR("partial_json"));
    pile_set(d, &d->member, d->more_is_json ? STR("input") : m->key);
    pile_put(d, &d->more, str_make(m->value.ptr + 1, m->value.len - 2));
    return true;
}

/* ---- ends and pieces ---- */

static void tell_args(struct chat_decoder *d, struct json_text text)
{
    d->args = true;
    tell(d, &(struct chat_event){.kind = CHAT_EV_ARGS, .call = d->calls - 1, .text = text});
}

static void end_call(struct chat_decoder *d)
{
    struct json_text text;

    if (d->args)
        return;
    text = json_text_of(json_quote(d->arena, pile_str(&d->first)));
    d->bad |= text.len == 0; /* no room */
    tell_args(d, text);
}

static void end_block(struct chat_decoder *d)
{
    if (d->block == BLOCK_CALL)
        end_call(d);
    if (d->block == BLOCK_RAW)
        end_raw(d);
    else if (d->block != BLOCK_NONE && d->said)
        tell(d, &(struct chat_event){.kind = CHAT_EV_BLOCK_END});
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
    end_block(d);
    (void)begin(d, wanted, index);
}

static void take_args(struct chat_decoder *d, struct json_text text, uint64_t index)
{
    enter_block(d, BLOCK_CALL, index);
    if (!d->bad && text.len > 0) /* the first is always empty */
        tell_args(d, text);
}

static void take_delta(struct chat_decoder *d, struct str delta, uint64_t index)
{
    struct object o = object_of(delta);
    struct str type = word_of(&o, F_TYPE);

    if (d->block == BLOCK_RAW && d->index == index) {
        json_members(delta, take_raw_delta, d);
    } else if (str_eq(type, STR("text_delta"))) {
        enter_block(d, BLOCK_TEXT, index);
        tell_text(d, CHAT_EV_TEXT, text_of(&o, F_TEXT));
    } else if (str_eq(type, STR("thinking_delta"))) {
        enter_block(d, BLOCK_THINKING, index);
        tell_text(d, CHAT_EV_THINKING, text_of(&o, F_THINKING));
    } else if (str_eq(type, STR("signature_delta"))) {
        enter_block(d, BLOCK_THINKING, index);
        tell_text(d, CHAT_EV_SIGNATURE, text_of(&o, F_SIGNATURE));
    } else if (str_eq(type, STR("citations_delta"))) {
        enter_block(d, BLOCK_TEXT, index);
        if (o.value[F_CITATION].len > 0)
            tell_citation(d, &(struct json_member){.value = o.value[F_CITATION]});
    } else if (str_eq(type, STR("input_json_delta"))) {
        take_args(d, text_of(&o, F_PARTIAL_JSON), index);
    }
}

/* ---- messages ---- */

static bool take_block(void *ctx, const struct json_member *m)
{
    struct chat_decoder *d = ctx;

    if (m->type == JSON_OBJECT) {
        begin_block(d, m->value, UINT64_MAX);
        end_block(d);
    }
    return !d->bad;
}

/* Of a message that starts, and of a whole one. */
static void open_message(struct chat_decoder *d, const struct object *message)
{
    pile_set(d, &d->id, word_of(message, F_ID));
    start_message(d, message);
    tell_usage(d, message->value[F_USAGE]);
    if (json_type_of(message->value[F_CONTENT]) == JSON_ARRAY)
        json_members(message->value[F_CONTENT], take_block, d);
}

/* The stop reason in `o`, and what it all took. */
static void finish(struct chat_decoder *d, const struct object *o, struct str usage)
{
    struct str reason = word_of(o, F_STOP_REASON);

    need_message(d);
    if (reason.len > 0)
        end_block(d);
    if (usage.len > 0)
        tell_usage(d, usage);
    if (reason.len > 0)
        tell_stop(d, reason, o);
}

static void end_message(struct chat_decoder *d)
{
    struct str inferred = d->calls > 0 ? STR("tool_use") : STR("end_turn");

    end_block(d);
    if (!d->stopped) {
        tell_usage(d, STR(""));
        tell_stop(d, d->reason.len > 0 ? pile_str(&d->reason) : inferred, NULL);
    }
    tell(d, &(struct chat_event){.kind = CHAT_EV_END});
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
    struct object message = object_of(o->value[F_MESSAGE]);

    if (!d->started) {
        open_message(d, &message);
        pile_set(d, &d->reason, word_of(&message, F_STOP_REASON));
    } else if (!str_eq(word_of(&message, F_ID), pile_str(&d->id))) {
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
    end_block(d);
    begin_block(d, o->value[F_CONTENT_BLOCK], index_of(o));
}

static void on_block_delta(struct chat_decoder *d, const struct object *o)
{
    if (json_type_of(o->value[F_DELTA]) == JSON_OBJECT)
        take_delta(d, o->value[F_DELTA], index_of(o));
    else
        d->bad = true;
}

static void on_block_stop(struct chat_decoder *d, const struct object *o)
{
    if (d->index == index_of(o))
        end_block(d);
}

static void on_message_delta(struct chat_decoder *d, const struct object *o)
{
    struct object delta = object_of(o->value[F_DELTA]);

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
           json_scan(json, JSON_DEPTH_MAX, take_member, o, NULL);
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
    type = o.value[F_TYPE].len > 0 ? word_of(&o, F_TYPE) : name;
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
