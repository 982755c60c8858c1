/*
 * Bedrock's answers: named messages with JSON in them, or all of it in one object.
 *
 * messageStop says why the model stopped, the metadata behind it (in some recordings before it)
 * what it cost; nothing says that the stream is over.  So the reason is kept until both have come,
 * or the connection has ended.  Texts need no start of their block, calls do; blocks are told apart
 * by contentBlockIndex, and calls may be interleaved.
 *
 * inputTokens has no tokens in it that were read from or written to a cache.
 *
 * What went wrong with the model itself (malformed_tool_use …) is an ERROR: asking again helps, and
 * a client that were told "stop" would wait for the call.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/bedrock_part.h"
#include "llm/chat_text.h"
#include "llm/dialects.h"
#include "llm/json_pick.h"

#define CALLS_MAX 128u /* that may be open at once */

enum open { OPEN_NONE, OPEN_TEXT, OPEN_THINKING, OPEN_REDACTED, OPEN_CALL };

struct call {
    uint64_t block; /* its contentBlockIndex */
    bool begun, has_args;
};

struct chat_decoder {
    struct arena *arena;
    chat_event_fn *emit; /* of the call that goes on */
    void *ctx;
    bool started;
    bool over; /* nothing more is wanted, or can be told */
    enum open open;
    uint64_t block; /* that is open */
    uint32_t calls; /* that began */
    struct call call[CALLS_MAX];
    bool stopped, counted; /* messageStop, metadata */
    enum chat_stop stop;
    struct json_text stop_text; /* in the arena */
};

static struct chat_decoder *decoder_new(struct arena *a)
{
    struct chat_decoder *d = ARENA_NEW(a, struct chat_decoder);

    if (d != NULL)
        d->arena = a;
    return d;
}

static void tell(struct chat_decoder *d, const struct chat_event *ev)
{
    if (!d->started) {
        d->started = true;
        if (ev->kind != CHAT_EV_ERROR &&
            !d->emit(d->ctx, &(struct chat_event){.kind = CHAT_EV_START}))
            d->over = true;
    }
    if (!d->over && !d->emit(d->ctx, ev))
        d->over = true;
}

static void fail(struct chat_decoder *d, const struct chat_event *ev)
{
    tell(d, ev);
    d->over = true;
}

/* ---- blocks ---- */

static void block_end(struct chat_decoder *d)
{
    if (d->open != OPEN_NONE)
        tell(d, &(struct chat_event){.kind = CHAT_EV_BLOCK_END});
    d->open = OPEN_NONE;
}

static void block(struct chat_decoder *d, enum open kind, uint64_t index)
{
    if (d->open != kind || d->block != index)
        block_end(d);
    d->open = kind;
    d->block = index;
}

static void take_text(struct chat_decoder *d, enum open kind, uint64_t index,
                      enum chat_event_kind event, struct str value)
{
    struct json_text text = json_text_of(value);

    if (text.len == 0)
        return;
    block(d, kind, index);
    tell(d, &(struct chat_event){.kind = event, .text = text});
}

static void take_raw(struct chat_decoder *d, struct str value)
{
    block_end(d);
    tell(d, &(struct chat_event){.kind = CHAT_EV_RAW, .raw = value, .vendor = CHAT_BEDROCK});
    tell(d, &(struct chat_event){.kind = CHAT_EV_BLOCK_END});
}

/* ---- calls ---- */

/* The latest one at that place; NULL: none has begun there. */
static struct call *call_at(struct chat_decoder *d, uint64_t index)
{
    for (uint32_t i = d->calls < CALLS_MAX ? d->calls : CALLS_MAX; i-- > 0;) {
        if (d->call[i].begun && d->call[i].block == index)
            return &d->call[i];
    }
    return NULL;
}

static void call_args(struct chat_decoder *d, struct call *c, struct json_text text)
{
    c->has_args = true;
    tell(d,
         &(struct chat_event){.kind = CHAT_EV_ARGS, .call = (uint32_t)(c - d->call), .text = text});
}

/* Nothing is not JSON. */
static void call_end(struct chat_decoder *d, struct call *c)
{
    if (!c->has_args)
        call_args(d, c, JSON_TEXT("{}"));
    c->begun = false;
}

static void call_begin(struct chat_decoder *d, uint64_t index, struct str use)
{
    struct str id = {NULL, 0}, name = id;
    const struct json_pick picks[] = {
        {STR("toolUseId"), JSON_STRING, &id},
        {STR("name"), JSON_STRING, &name},
    };
    struct call *before = call_at(d, index);

    json_pick(use, picks, COUNTOF(picks));
    if (d->calls == CALLS_MAX || id.len <= 2 || name.len <= 2) {
        fail(d, &(struct chat_event){.kind = CHAT_EV_ERROR,
                                     .fault = FAULT_UPSTREAM_BAD_REPLY,
                                     .text = JSON_TEXT("a tool call without a name or an id, or "
                                                       "too many of them")});
        return;
    }
    if (before != NULL)
        call_end(d, before);
    if (d->open != OPEN_CALL || call_at(d, d->block) == NULL)
        block_end(d); /* else there is more of that call to come */
    d->open = OPEN_CALL;
    d->block = index;
    d->call[d->calls] = (struct call){.block = index, .begun = true};
    tell(d, &(struct chat_event){.kind = CHAT_EV_CALL,
                                 .call = d->calls++,
                                 .id = json_text_of(id),
                                 .name = json_text_of(name)});
}

static void take_input(struct chat_decoder *d, uint64_t index, struct str use)
{
    struct json_text text = json_text_of(json_pick_one(use, STR("input"), JSON_STRING));
    struct call *c = call_at(d, index);

    if (c == NULL)
        fail(d, &(struct chat_event){.kind = CHAT_EV_ERROR,
                                     .fault = FAULT_UPSTREAM_BAD_REPLY,
                                     .text = JSON_TEXT("arguments of a tool call that did not "
                                                       "begin")});
    else if (text.len > 0)
        call_args(d, c, text);
}

/* ---- the parts of a block ---- */

/* In a stream its members stand alone, in a whole answer text and signature are reasoningText. */
static void take_reasoning(struct chat_decoder *d, uint64_t index, struct str reasoning)
{
    struct str text = {NULL, 0}, signature = text, redacted = text, inner = text;
    const struct json_pick picks[] = {
        {STR("text"), JSON_STRING, &text},
        {STR("signature"), JSON_STRING, &signature},
        {STR("redactedContent"), JSON_STRING, &redacted},
        {STR("reasoningText"), JSON_OBJECT, &inner},
    };

    json_pick(reasoning, picks, COUNTOF(picks));
    json_pick(inner, picks, 2);
    take_text(d, OPEN_THINKING, index, CHAT_EV_THINKING, text);
    take_text(d, OPEN_THINKING, index, CHAT_EV_SIGNATURE, signature);
    take_text(d, OPEN_REDACTED, index, CHAT_EV_REDACTED, redacted);
}

struct part { /* of a delta or of a whole block */
    struct str text, reasoning, use, citation;
};

static struct part part_of(struct str value)
{
    struct part p = {.text = {NULL, 0}};
    const struct json_pick picks[] = {
        {STR("text"), JSON_STRING, &p.text},
        {STR("reasoningContent"), JSON_OBJECT, &p.reasoning},
        {STR("toolUse"), JSON_OBJECT, &p.use},
        {STR("citation"), JSON_OBJECT, &p.citation},
    };

    json_pick(value, picks, COUNTOF(picks));
    return p;
}

static void take_citation(struct chat_decoder *d, uint64_t index, struct str citation)
{
    block(d, OPEN_TEXT, index);
    tell(d,
         &(struct chat_event){.kind = CHAT_EV_CITATION, .raw = citation, .vendor = CHAT_BEDROCK});
}

static void take_delta(struct chat_decoder *d, uint64_t index, struct str delta)
{
    struct part p = part_of(delta);

    if (p.use.len > 0)
        take_input(d, index, p.use);
    else if (p.reasoning.len > 0)
        take_reasoning(d, index, p.reasoning);
    else if (p.citation.len > 0)
        take_citation(d, index, p.citation);
    else if (p.text.len > 0)
        take_text(d, OPEN_TEXT, index, CHAT_EV_TEXT, p.text);
    else if (delta.len > 0 && !json_is_empty(delta))
        take_raw(d, delta);
}

/* ---- the end ---- */

/* clang-format off */
static const struct reason {
    struct str word;
    enum chat_stop stop;
    enum fault fault; /* it is none of ours: the answer failed */
} reasons[] = {
    {STR_INIT("end_turn"),                      CHAT_STOP_END,      FAULT_NONE},
    {STR_INIT("tool_use"),                      CHAT_STOP_CALLS,    FAULT_NONE},
    {STR_INIT("max_tokens"),                    CHAT_STOP_LENGTH,   FAULT_NONE},
    {STR_INIT("stop_sequence"),                 CHAT_STOP_SEQUENCE, FAULT_NONE},
    {STR_INIT("guardrail_intervened"),          CHAT_STOP_FILTER,   FAULT_NONE},
    {STR_INIT("content_filtered"),              CHAT_STOP_FILTER,   FAULT_NONE},
    {STR_INIT("refusal"),                       CHAT_STOP_REFUSAL,  FAULT_NONE},
    {STR_INIT("pause_turn"),                    CHAT_STOP_PAUSE,    FAULT_NONE},
    {STR_INIT("model_context_window_exceeded"), CHAT_STOP_CONTEXT,  FAULT_NONE},
    {STR_INIT("malformed_model_output"),        CHAT_STOP_NONE,     FAULT_UPSTREAM_ERROR},
    {STR_INIT("malformed_tool_use"),            CHAT_STOP_NONE,     FAULT_UPSTREAM_ERROR},
};
/* clang-format on */

static struct json_text keep(struct chat_decoder *d, struct json_text text)
{
    struct str copy = arena_dup(d->arena, str_make(text.ptr, text.len));

    return (struct json_text){copy.ptr, copy.len};
}

static void take_reason(struct chat_decoder *d, struct json_text word)
{
    size_t i = 0;

    while (i < COUNTOF(reasons) && !json_text_is(word, reasons[i].word))
        i++;
    d->stopped = true;
    d->stop = i < COUNTOF(reasons) ? reasons[i].stop : CHAT_STOP_OTHER;
    if (d->stop == CHAT_STOP_OTHER)
        d->stop_text = keep(d, word);
    if (d->stop == CHAT_STOP_NONE)
        fail(d, &(struct chat_event){
                    .kind = CHAT_EV_ERROR, .fault = reasons[i].fault, .text = word, .name = word});
}

/* Only Claude tells it, and only when asked: {"delta":{"stop_sequence":"…"}}. */
static void take_sequence(struct chat_decoder *d, struct str fields)
{
    struct str delta = json_pick_one(fields, STR("delta"), JSON_OBJECT);
    struct str sequence = json_pick_one(delta, STR("stop_sequence"), JSON_STRING);

    if (sequence.len > 2 && d->stop == CHAT_STOP_SEQUENCE)
        d->stop_text = keep(d, json_text_of(sequence));
}

static bool take_stop(struct chat_decoder *d, struct str value)
{
    struct str reason = {NULL, 0}, fields = reason;
    const struct json_pick picks[] = {
        {STR("stopReason"), JSON_STRING, &reason},
        {STR("additionalModelResponseFields"), JSON_OBJECT, &fields},
    };

    json_pick(value, picks, COUNTOF(picks));
    if (reason.len <= 2)
        return false;
    take_reason(d, json_text_of(reason));
    take_sequence(d, fields);
    return true;
}

static void take_usage(struct chat_decoder *d, struct str usage)
{
    struct str in = {NULL, 0}, out = in, read = in, write = in;
    const struct json_pick picks[] = {
        {STR("inputTokens"), JSON_NUMBER, &in},
        {STR("outputTokens"), JSON_NUMBER, &out},
        {STR("cacheReadInputTokens"), JSON_NUMBER, &read},
        {STR("cacheWriteInputTokens"), JSON_NUMBER, &write},
    };
    struct chat_usage u = {.source = CHAT_USAGE_REPORTED};

    json_pick(usage, picks, COUNTOF(picks));
    if (in.len == 0 && out.len == 0)
        return;
    u.cache_read = json_count(read);
    u.cache_write = json_count(write);
    u.input = json_count(in) + u.cache_read + u.cache_write;
    u.output = json_count(out);
    tell(d, &(struct chat_event){.kind = CHAT_EV_USAGE, .usage = u});
}

/* Calls that were cut are shown so. */
static void finish(struct chat_decoder *d)
{
    for (uint32_t i = 0; i < d->calls && d->stop != CHAT_STOP_LENGTH; i++) {
        if (d->call[i].begun)
            call_end(d, &d->call[i]);
    }
    block_end(d);
    tell(d, &(struct chat_event){.kind = CHAT_EV_STOP, .stop = d->stop, .text = d->stop_text});
    tell(d, &(struct chat_event){.kind = CHAT_EV_END});
    d->over = true;
}

static void finish_if_whole(struct chat_decoder *d)
{
    if (d->stopped && d->counted && !d->over)
        finish(d);
}

/* ---- messages of a stream ---- */

struct message {
    uint64_t index;
    struct str start, delta, usage;
};

static struct message message_of(const struct chat_decoder *d, struct str data)
{
    struct message m = {.index = d->block};
    struct str index = {NULL, 0};
    const struct json_pick picks[] = {
        {STR("contentBlockIndex"), JSON_NUMBER, &index},
        {STR("start"), JSON_OBJECT, &m.start},
        {STR("delta"), JSON_OBJECT, &m.delta},
        {STR("usage"), JSON_OBJECT, &m.usage},
    };

    json_pick(data, picks, COUNTOF(picks));
    if (index.len > 0)
        m.index = json_count(index);
    return m;
}

static bool on_start(struct chat_decoder *d, struct str data)
{
    struct message m = message_of(d, data);
    struct str use = json_pick_one(m.start, STR("toolUse"), JSON_OBJECT);

    if (use.len > 0)
        call_begin(d, m.index, use);
    else if (m.start.len > 0 && !json_is_empty(m.start))
        take_raw(d, m.start);
    return true;
}

static bool on_delta(struct chat_decoder *d, struct str data)
{
    struct message m = message_of(d, data);

    take_delta(d, m.index, m.delta);
    return m.delta.len > 0;
}

static bool on_block_stop(struct chat_decoder *d, struct str data)
{
    struct message m = message_of(d, data);
    struct call *c = call_at(d, m.index);

    if (c != NULL)
        call_end(d, c);
    if (d->block == m.index)
        block_end(d);
    return true;
}

static bool on_message_start(struct chat_decoder *d, struct str data)
{
    (void)data;
    if (!d->started) {
        d->started = true;
        tell(d, &(struct chat_event){.kind = CHAT_EV_START});
    }
    return true;
}

static bool on_message_stop(struct chat_decoder *d, struct str data)
{
    if (!take_stop(d, data))
        return false;
    finish_if_whole(d);
    return true;
}

static bool on_metadata(struct chat_decoder *d, struct str data)
{
    take_usage(d, message_of(d, data).usage);
    d->counted = true;
    finish_if_whole(d);
    return true;
}

static const struct row {
    struct str name;
    bool (*take)(struct chat_decoder *d, struct str data);
} rows[] = {
    {STR_INIT("contentBlockDelta"), on_delta},     {STR_INIT("contentBlockStart"), on_start},
    {STR_INIT("contentBlockStop"), on_block_stop}, {STR_INIT("messageStart"), on_message_start},
    {STR_INIT("messageStop"), on_message_stop},    {STR_INIT("metadata"), on_metadata},
};

static bool is_failure(struct str name)
{
    const struct str ends[] = {STR("Exception"), STR("Error"), STR("Failure"), STR("Fault")};

    for (size_t i = 0; i < COUNTOF(ends); i++) {
        if (name.len >= ends[i].len &&
            str_eq_nocase(str_skip(name, name.len - ends[i].len), ends[i]))
            return true;
    }
    return false;
}

static bool on_failure(struct chat_decoder *d, struct str name, struct str data)
{
    struct chat_event ev;

    bedrock_refusal(d->arena, 200, data, &ev);
    bedrock_refusal_kind(d->arena, name, &ev);
    fail(d, &ev);
    return true;
}

/* Kinds of messages that we do not know are none of ours. */
static bool decode(struct chat_decoder *d, struct str name, struct str data, chat_event_fn *emit,
                   void *ctx)
{
    d->emit = emit;
    d->ctx = ctx;
    if (d->over)
        return true;
    if (is_failure(name))
        return on_failure(d, name, data);
    if (!json_scan(data, JSON_DEPTH_MAX, NULL, NULL, NULL) || json_type_of(data) != JSON_OBJECT)
        return false;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        if (str_eq(name, rows[i].name))
            return rows[i].take(d, data);
    }
    return true;
}

static void decode_end(struct chat_decoder *d, chat_event_fn *emit, void *ctx)
{
    d->emit = emit;
    d->ctx = ctx;
    if (d->stopped && !d->over)
        finish(d);
}

/* ---- a whole answer ---- */

static void take_whole_call(struct chat_decoder *d, uint64_t index, struct str use)
{
    struct str input = json_pick_one(use, STR("input"), JSON_OBJECT);
    struct json_text text = json_text_make(d->arena, input.len > 0 ? input : STR("{}"));

    call_begin(d, index, use);
    if (d->over)
        return;
    if (text.ptr == NULL) {
        fail(d, &(struct chat_event){.kind = CHAT_EV_ERROR,
                                     .fault = FAULT_UPSTREAM_BAD_REPLY,
                                     .text = JSON_TEXT("no room for a tool call")});
        return;
    }
    call_args(d, &d->call[d->calls - 1], text);
    call_end(d, &d->call[d->calls - 1]);
}

static bool take_block(void *ctx, const struct json_member *m)
{
    struct chat_decoder *d = ctx;
    struct part p = part_of(m->value);
    uint64_t index = d->block + 1;

    if (m->type != JSON_OBJECT)
        return true;
    if (p.use.len > 0)
        take_whole_call(d, index, p.use);
    else
        take_delta(d, index, m->value);
    block_end(d);
    d->block = index;
    return !d->over;
}

static bool decode_whole(struct chat_decoder *d, struct str body, chat_event_fn *emit, void *ctx)
{
    struct str output = {NULL, 0}, usage = output, reason = output;
    const struct json_pick picks[] = {
        {STR("output"), JSON_OBJECT, &output},
        {STR("usage"), JSON_OBJECT, &usage},
        {STR("stopReason"), JSON_STRING, &reason},
    };
    struct str content;

    d->emit = emit;
    d->ctx = ctx;
    if (!json_scan(body, JSON_DEPTH_MAX, NULL, NULL, NULL))
        return false;
    json_pick(body, picks, COUNTOF(picks));
    content = json_pick_one(json_pick_one(output, STR("message"), JSON_OBJECT), STR("content"),
                            JSON_ARRAY);
    if (content.len == 0 || reason.len <= 2)
        return false;
    on_message_start(d, body);
    json_members(content, take_block, d);
    if (d->over || !take_stop(d, body))
        return true;
    take_usage(d, usage);
    decode_end(d, emit, ctx);
    return true;
}

const struct dialect dialect_bedrock = {
    .name = "bedrock",
    .id = CHAT_BEDROCK,
    .framing = CHAT_EVENTSTREAM,
    .path = bedrock_path,
    .encode = bedrock_encode,
    .decoder_new = decoder_new,
    .decode = decode,
    .decode_end = decode_end,
    .decode_whole = decode_whole,
    .refusal = bedrock_refusal,
    .kind_field = "x-amzn-errortype",
    .refusal_kind = bedrock_refusal_kind,
};
