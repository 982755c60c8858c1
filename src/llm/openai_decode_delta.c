/*
 * What a choice says in a delta or a message, and why it stops.
 *
 * Reasoning comes as reasoning_content, as reasoning, as Mistral's parts of the content, or as
 * blocks from a server like us; calls are mended first, so that each has its number, id and name.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/openai_decode.h"

#include "llm/chat_text.h"

#define MENDED_MAX (16u << 20)

static const struct json_text nothing = {NULL, 0};

struct openai_call {
    struct openai_call *next;
    uint64_t number; /* the mended one */
    struct json_text id;
    bool begun;
    uint32_t ours; /* once begun */
};

static void end_block(struct chat_decoder *d, struct openai_choice *c)
{
    if (c->saying != SAYS_NOTHING)
        openai_say(d, &(struct chat_event){.kind = CHAT_EV_BLOCK_END, .choice = c->index});
    c->saying = SAYS_NOTHING;
}

static void turn_to(struct chat_decoder *d, struct openai_choice *c, enum openai_saying saying)
{
    if (c->saying != saying)
        end_block(d, c);
    c->saying = saying;
    d->said = true;
}

static void say_text(struct chat_decoder *d, struct openai_choice *c, enum chat_event_kind kind,
                     enum openai_saying saying, struct str value)
{
    struct json_text text = json_text_of(value);

    if (text.len == 0)
        return;
    turn_to(d, c, saying);
    openai_say(d, &(struct chat_event){.kind = kind, .choice = c->index, .text = text});
}

/* ---- content ---- */

struct reading {
    struct chat_decoder *decoder;
    struct openai_choice *choice;
};

static void read_content(struct chat_decoder *d, struct openai_choice *c, struct str value,
                         enum chat_event_kind kind, enum openai_saying saying);

/* {"type":"text","text":"…"}, or Mistral's {"type":"thinking","thinking":[parts]}. */
struct content_part {
    struct str text, thinking;
};

static bool take_part_member(void *ctx, const struct json_member *m)
{
    struct content_part *part = ctx;

    if (json_key_is(m, STR("text")))
        part->text = m->value;
    else if (json_key_is(m, STR("thinking")))
        part->thinking = m->value;
    return true;
}

static bool take_text_part(void *ctx, const struct json_member *m)
{
    struct reading *r = ctx;
    struct content_part part = {.text = {NULL, 0}};

    if (m->type == JSON_OBJECT)
        json_members(m->value, take_part_member, &part);
    read_content(r->decoder, r->choice, part.thinking, CHAT_EV_THINKING, SAYS_THOUGHT);
    say_text(r->decoder, r->choice, CHAT_EV_TEXT, SAYS_TEXT, part.text);
    return true;
}

static bool take_thinking_part(void *ctx, const struct json_member *m)
{
    struct reading *r = ctx;
    struct content_part part = {.text = {NULL, 0}};

    if (m->type == JSON_OBJECT)
        json_members(m->value, take_part_member, &part);
    say_text(r->decoder, r->choice, CHAT_EV_THINKING, SAYS_THOUGHT, part.text);
    return true;
}

static void read_content(struct chat_decoder *d, struct openai_choice *c, struct str value,
                         enum chat_event_kind kind, enum openai_saying saying)
{
    struct reading r = {d, c};

    if (json_type_of(value) == JSON_ARRAY)
        json_members(value, kind == CHAT_EV_TEXT ? take_text_part : take_thinking_part, &r);
    else
        say_text(d, c, kind, saying, value);
}

/* ---- thinking that has to come back ---- */

struct block {
    struct str thinking, signature, data;
};

static bool take_block_member(void *ctx, const struct json_member *m)
{
    struct block *b = ctx;

    if (json_key_is(m, STR("thinking")))
        b->thinking = m->value;
    else if (json_key_is(m, STR("signature")))
        b->signature = m->value;
    else if (json_key_is(m, STR("data")))
        b->data = m->value;
    return true;
}

static bool take_block(void *ctx, const struct json_member *m)
{
    struct reading *r = ctx;
    struct chat_decoder *d = r->decoder;
    struct openai_choice *c = r->choice;
    struct block b = {.thinking = {NULL, 0}};

    if (m->type != JSON_OBJECT)
        return true;
    json_members(m->value, take_block_member, &b);
    if (!c->told_reasoning)
        say_text(d, c, CHAT_EV_THINKING, SAYS_THOUGHT, b.thinking);
    say_text(d, c, CHAT_EV_SIGNATURE, SAYS_THOUGHT, b.signature);
    if (json_text_of(b.signature).len > 0)
        end_block(d, c);
    if (json_text_of(b.data).len > 0) {
        end_block(d, c);
        say_text(d, c, CHAT_EV_REDACTED, SAYS_THOUGHT, b.data);
        end_block(d, c);
    }
    return true;
}

/* ---- calls ---- */

struct delta_call {
    struct str index, id, name, arguments, signature;
};

static bool take_google(void *ctx, const struct json_member *m)
{
    struct delta_call *c = ctx;

    if (json_key_is(m, STR("thought_signature")))
        c->signature = m->value;
    return true;
}

static bool take_extra_content(void *ctx, const struct json_member *m)
{
    if (m->type == JSON_OBJECT && json_key_is(m, STR("google")))
        json_members(m->value, take_google, ctx);
    return true;
}

static bool take_function(void *ctx, const struct json_member *m)
{
    struct delta_call *c = ctx;

    if (json_key_is(m, STR("name")))
        c->name = m->value;
    else if (json_key_is(m, STR("arguments")))
        c->arguments = m->value;
    return true;
}

static bool take_call_member(void *ctx, const struct json_member *m)
{
    struct delta_call *c = ctx;

    if (json_key_is(m, STR("index")))
        c->index = m->value;
    else if (json_key_is(m, STR("id")))
        c->id = m->value;
    else if (m->type == JSON_OBJECT && json_key_is(m, STR("function")))
        json_members(m->value, take_function, c);
    else if (m->type == JSON_OBJECT && json_key_is(m, STR("extra_content")))
        json_members(m->value, take_extra_content, c);
    return true;
}

static struct openai_call *get_call(struct chat_decoder *d, struct openai_choice *c,
                                    uint64_t number)
{
    struct openai_call *call = c->calls;

    while (call != NULL && call->number != number)
        call = call->next;
    if (call != NULL)
        return call;
    call = ARENA_NEW(d->arena, struct openai_call);
    if (call == NULL)
        return NULL;
    call->number = number;
    call->next = c->calls;
    c->calls = call;
    return call;
}

/* Its id may be told before its name. */
static void keep_id(struct chat_decoder *d, struct openai_call *call, struct json_text id)
{
    struct str copy;

    if (call->begun || id.len == 0)
        return;
    copy = arena_dup(d->arena, str_make(id.ptr, id.len));
    if (copy.ptr != NULL)
        call->id = (struct json_text){copy.ptr, copy.len};
}

static void begin_call(struct chat_decoder *d, struct openai_choice *c, struct openai_call *call,
                       const struct delta_call *delta)
{
    call->begun = true;
    call->ours = c->begun++;
    openai_say(d, &(struct chat_event){
                      .kind = CHAT_EV_CALL,
                      .choice = c->index,
                      .call = call->ours,
                      .id = call->id.ptr != NULL ? call->id : JSON_TEXT(""),
                      .name = delta->name.len > 0 ? json_text_of(delta->name) : JSON_TEXT(""),
                      .signature = json_text_of(delta->signature),
                  });
}

static bool take_call(void *ctx, const struct json_member *m)
{
    struct reading *r = ctx;
    struct chat_decoder *d = r->decoder;
    struct openai_choice *c = r->choice;
    struct delta_call delta = {.index = {NULL, 0}};
    struct json_text arguments;
    struct openai_call *call = NULL;
    uint64_t number;

    if (m->type == JSON_OBJECT)
        json_members(m->value, take_call_member, &delta);
    if (str_to_u64(delta.index, &number))
        call = get_call(d, c, number);
    if (call == NULL)
        return true;
    keep_id(d, call, json_text_of(delta.id));
    arguments = json_text_of(delta.arguments);
    turn_to(d, c, SAYS_CALLS);
    if (!call->begun && (json_text_of(delta.name).len > 0 || arguments.len > 0))
        begin_call(d, c, call, &delta);
    if (arguments.len > 0)
        openai_say(d, &(struct chat_event){.kind = CHAT_EV_ARGS,
                                           .choice = c->index,
                                           .call = call->ours,
                                           .text = arguments});
    return true;
}

static void read_calls(struct chat_decoder *d, struct openai_choice *c, struct str calls,
                       struct str chunk_id, bool last)
{
    struct buf mended = {.max = MENDED_MAX};
    struct reading r = {d, c};

    if (json_type_of(calls) != JSON_ARRAY)
        calls = STR("");
    if (calls.len == 0 && (!last || d->watch.tools == NULL))
        return;
    if (openai_tools_mend(&d->watch, c->index, chunk_id, calls, last, &mended))
        calls = buf_str(&mended);
    if (calls.len > 0)
        json_members(calls, take_call, &r);
    buf_done(&mended);
}

/* ---- a delta, or a message ---- */

struct delta {
    struct str content, reasoning_content, reasoning, blocks, refusal, calls;
};

static bool take_delta_member(void *ctx, const struct json_member *m)
{
    struct delta *d = ctx;

    if (json_key_is(m, STR("content")))
        d->content = m->value;
    else if (json_key_is(m, STR("reasoning_content")))
        d->reasoning_content = m->value;
    else if (json_key_is(m, STR("reasoning")))
        d->reasoning = m->value;
    else if (json_key_is(m, STR("thinking_blocks")) && m->type == JSON_ARRAY)
        d->blocks = m->value;
    else if (json_key_is(m, STR("refusal")))
        d->refusal = m->value;
    else if (json_key_is(m, STR("tool_calls")))
        d->calls = m->value;
    return true;
}

/* Some send both names for one text.  A whole message has its thoughts in the blocks again. */
static void read_reasoning(struct chat_decoder *d, struct openai_choice *c,
                           const struct delta *delta)
{
    struct reading r = {d, c};
    struct str text = json_text_of(delta->reasoning_content).len > 0 ? delta->reasoning_content
                                                                     : delta->reasoning;

    if (json_text_of(text).len > 0 && (!d->whole || json_is_empty(delta->blocks))) {
        c->told_reasoning = true;
        say_text(d, c, CHAT_EV_THINKING, SAYS_THOUGHT, text);
    }
    if (delta->blocks.len > 0)
        json_members(delta->blocks, take_block, &r);
}

void openai_decode_delta(struct chat_decoder *d, struct openai_choice *c, struct str value,
                         struct str chunk_id, bool last)
{
    struct delta delta = {.content = {NULL, 0}, .blocks = STR("[]")};

    if (json_type_of(value) == JSON_OBJECT)
        json_members(value, take_delta_member, &delta);
    read_reasoning(d, c, &delta);
    read_content(d, c, delta.content, CHAT_EV_TEXT, SAYS_TEXT);
    say_text(d, c, CHAT_EV_REFUSAL, SAYS_REFUSAL, delta.refusal);
    read_calls(d, c, delta.calls, chunk_id, last);
}

/* ---- why it stopped ---- */

/* clang-format off */
static const struct finish {
    struct str word;
    enum chat_stop stop;
    enum fault fault; /* it did not stop, it broke */
} finishes[] = {
    {STR_INIT("stop"),           CHAT_STOP_END,     FAULT_NONE},
    {STR_INIT("length"),         CHAT_STOP_LENGTH,  FAULT_NONE},
    {STR_INIT("tool_calls"),     CHAT_STOP_CALLS,   FAULT_NONE},
    {STR_INIT("function_call"),  CHAT_STOP_CALLS,   FAULT_NONE},
    {STR_INIT("content_filter"), CHAT_STOP_FILTER,  FAULT_NONE},
    {STR_INIT("eos"),            CHAT_STOP_END,     FAULT_NONE},         /* Together */
    {STR_INIT("end_turn"),       CHAT_STOP_END,     FAULT_NONE},
    {STR_INIT("max_tokens"),     CHAT_STOP_LENGTH,  FAULT_NONE},
    {STR_INIT("tool_use"),       CHAT_STOP_CALLS,   FAULT_NONE},
    {STR_INIT("model_length"),   CHAT_STOP_CONTEXT, FAULT_NONE},         /* Mistral */
    {STR_INIT("sensitive"),      CHAT_STOP_FILTER,  FAULT_NONE},         /* Zhipu */
    {STR_INIT("error"),          CHAT_STOP_NONE,    FAULT_UPSTREAM_ERROR},
    {STR_INIT("network_error"),  CHAT_STOP_NONE,    FAULT_UPSTREAM_ERROR}, /* Zhipu */
    {STR_INIT("abort"),          CHAT_STOP_NONE,    FAULT_UPSTREAM_ERROR}, /* vLLM, SGLang */
    {STR_INIT("insufficient_system_resource"),                             /* DeepSeek */
                                 CHAT_STOP_NONE,    FAULT_UPSTREAM_BUSY},
};
/* clang-format on */

static struct finish find_finish(struct json_text word)
{
    for (size_t i = 0; i < COUNTOF(finishes); i++) {
        if (json_text_is(word, finishes[i].word))
            return finishes[i];
    }
    return (struct finish){.stop = CHAT_STOP_OTHER};
}

/* Some say "stop" behind calls. */
void openai_decode_finish(struct chat_decoder *d, struct openai_choice *c, struct json_text word)
{
    struct finish f = find_finish(word);
    struct openai_refusal broken = {.message = STR("the provider broke the answer off"),
                                    .type = str_make(word.ptr, word.len)};

    if (word.len == 0 || c->stopped)
        return;
    c->stopped = true;
    end_block(d, c);
    if (f.fault != FAULT_NONE) {
        openai_say_error(d, &broken, f.fault);
        return;
    }
    if (f.stop == CHAT_STOP_END && c->begun > 0)
        f.stop = CHAT_STOP_CALLS;
    openai_say(d, &(struct chat_event){.kind = CHAT_EV_STOP,
                                       .choice = c->index,
                                       .stop = f.stop,
                                       .text = f.stop == CHAT_STOP_OTHER ? word : nothing});
}
