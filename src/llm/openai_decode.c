/*
 * Answers of servers that speak Chat Completions, as our own events.
 *
 * What they do to tool calls is mended as for clients of the same dialect (openai_tools.c), so a
 * call here has its number, id and name; reasoning comes under four names; usage in a chunk of its
 * own, in the last choice's, in every chunk, or in x_groq.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/chat_text.h"
#include "llm/dialects.h"
#include "llm/openai_encode.h"
#include "llm/openai_part.h"

#define MENDED_MAX (16u << 20)

static const struct json_text nothing = {NULL, 0};

/* What a choice is saying: when it says something else, that was a block. */
enum saying { SAYS_NOTHING, SAYS_TEXT, SAYS_THOUGHT, SAYS_REFUSAL, SAYS_CALLS };

struct call {
    struct call *next;
    uint64_t number; /* the mended one */
    struct json_text id;
    bool begun;
    uint32_t ours; /* once begun */
};

struct choice {
    struct choice *next;
    uint32_t index;
    enum saying saying;
    bool told_reasoning; /* as a string: blocks bring only what they add to it */
    bool stopped;
    struct call *calls;
    uint32_t begun; /* calls */
};

struct chat_decoder {
    struct arena *arena;
    struct openai_watch watch; /* the state of openai_tools_mend() */
    bool started;
    bool whole; /* it is reading a body */
    bool deaf;  /* nobody wants more events */
    bool ended; /* or broken: it is not whole any more */
    struct choice *choices;
    chat_event_fn *emit; /* of this call */
    void *ctx;
};

static void say(struct chat_decoder *d, const struct chat_event *ev)
{
    if (!d->deaf && !d->emit(d->ctx, ev))
        d->deaf = true;
}

/* ---- choices ---- */

static struct choice *get_choice(struct chat_decoder *d, uint64_t index)
{
    struct choice *c = d->choices;

    while (c != NULL && c->index != index)
        c = c->next;
    if (c != NULL || index >= OPENAI_CHOICES_MAX)
        return c;
    c = ARENA_NEW(d->arena, struct choice);
    if (c == NULL)
        return NULL;
    c->index = (uint32_t)index;
    c->next = d->choices;
    d->choices = c;
    return c;
}

static void end_block(struct chat_decoder *d, struct choice *c)
{
    if (c->saying != SAYS_NOTHING)
        say(d, &(struct chat_event){.kind = CHAT_EV_BLOCK_END, .choice = c->index});
    c->saying = SAYS_NOTHING;
}

static void turn_to(struct chat_decoder *d, struct choice *c, enum saying saying)
{
    if (c->saying != saying)
        end_block(d, c);
    c->saying = saying;
}

static void say_text(struct chat_decoder *d, struct choice *c, enum chat_event_kind kind,
                     enum saying saying, struct str value)
{
    struct json_text text = json_text_of(value);

    if (text.len == 0)
        return;
    turn_to(d, c, saying);
    say(d, &(struct chat_event){.kind = kind, .choice = c->index, .text = text});
}

/* ---- content ---- */

struct reading {
    struct chat_decoder *decoder;
    struct choice *choice;
};

static void read_content(struct chat_decoder *d, struct choice *c, struct str value,
                         enum chat_event_kind kind, enum saying saying);

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

static void read_content(struct chat_decoder *d, struct choice *c, struct str value,
                         enum chat_event_kind kind, enum saying saying)
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
    struct choice *c = r->choice;
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

static struct call *get_call(struct chat_decoder *d, struct choice *c, uint64_t number)
{
    struct call *call = c->calls;

    while (call != NULL && call->number != number)
        call = call->next;
    if (call != NULL)
        return call;
    call = ARENA_NEW(d->arena, struct call);
    if (call == NULL)
        return NULL;
    call->number = number;
    call->next = c->calls;
    c->calls = call;
    return call;
}

/* Its id may be told before its name. */
static void keep_id(struct chat_decoder *d, struct call *call, struct json_text id)
{
    struct str copy;

    if (call->begun || id.len == 0)
        return;
    copy = arena_dup(d->arena, str_make(id.ptr, id.len));
    if (copy.ptr != NULL)
        call->id = (struct json_text){copy.ptr, copy.len};
}

static void begin_call(struct chat_decoder *d, struct choice *c, struct call *call,
                       const struct delta_call *delta)
{
    call->begun = true;
    call->ours = c->begun++;
    say(d, &(struct chat_event){
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
    struct choice *c = r->choice;
    struct delta_call delta = {.index = {NULL, 0}};
    struct json_text arguments;
    struct call *call = NULL;
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
        say(d,
            &(struct chat_event){
                .kind = CHAT_EV_ARGS, .choice = c->index, .call = call->ours, .text = arguments});
    return true;
}

static void read_calls(struct chat_decoder *d, struct choice *c, struct str calls,
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

static void say_error(struct chat_decoder *d, const struct openai_refusal *r, enum fault fault)
{
    d->ended = true;
    say(d, &(struct chat_event){
               .kind = CHAT_EV_ERROR,
               .fault = fault,
               .text = json_text_make(d->arena, r->message),
               .name = json_text_make(d->arena, r->code.len > 0 ? r->code : r->type),
           });
}

/* Some say "stop" behind calls. */
static void read_finish(struct chat_decoder *d, struct choice *c, struct json_text word)
{
    struct finish f = find_finish(word);
    struct openai_refusal broken = {.message = STR("the provider broke the answer off"),
                                    .type = str_make(word.ptr, word.len)};

    if (word.len == 0 || c->stopped)
        return;
    c->stopped = true;
    end_block(d, c);
    if (f.fault != FAULT_NONE) {
        say_error(d, &broken, f.fault);
        return;
    }
    if (f.stop == CHAT_STOP_END && c->begun > 0)
        f.stop = CHAT_STOP_CALLS;
    say(d, &(struct chat_event){.kind = CHAT_EV_STOP,
                                .choice = c->index,
                                .stop = f.stop,
                                .text = f.stop == CHAT_STOP_OTHER ? word : nothing});
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
static void read_reasoning(struct chat_decoder *d, struct choice *c, const struct delta *delta)
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

static void read_delta(struct chat_decoder *d, struct choice *c, struct str value,
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

/* ---- usage ---- */

/* Of xAI's tokens those of reasoning are beside the completion's, as their sum shows. */
static void say_usage(struct chat_decoder *d, struct str object)
{
    struct openai_usage u = {.source = USAGE_ABSENT};
    struct chat_event ev = {.kind = CHAT_EV_USAGE};

    if (!openai_usage_read(&u, object))
        return;
    ev.usage = (struct chat_usage){.source = CHAT_USAGE_REPORTED,
                                   .input = u.prompt,
                                   .output = u.completion,
                                   .cache_read = u.cached,
                                   .cache_write = u.cache_write,
                                   .reasoning = u.reasoning};
    if (u.reasoning > 0 && u.total > u.prompt && u.total - u.prompt > u.completion &&
        u.total - u.prompt - u.completion == u.reasoning)
        ev.usage.output = u.total - u.prompt;
    say(d, &ev);
}

/* ---- a chunk, or a body ---- */

struct chunk {
    struct chat_decoder *decoder;
    struct str error, choices, usage, groq_usage, id, model;
    bool flat_error;
    uint32_t position, answers;
};

struct choice_read {
    struct str index, delta, message, finish, usage, error;
};

static bool take_choice_member(void *ctx, const struct json_member *m)
{
    struct choice_read *c = ctx;

    if (json_key_is(m, STR("index")))
        c->index = m->value;
    else if (json_key_is(m, STR("delta")))
        c->delta = m->value;
    else if (json_key_is(m, STR("message")))
        c->message = m->value;
    else if (json_key_is(m, STR("finish_reason")))
        c->finish = m->value;
    else if (json_key_is(m, STR("usage")))
        c->usage = m->value;
    else if (json_key_is(m, STR("error")) && m->type == JSON_OBJECT)
        c->error = m->value;
    return true;
}

static void read_choice_error(struct chat_decoder *d, struct str value)
{
    struct openai_refusal r = {.fault = FAULT_NONE};

    openai_error_value(d->arena, value, &r);
    say_error(d, &r, openai_error_fault(r.type, r.code));
}

static bool take_choice(void *ctx, const struct json_member *m)
{
    struct chunk *k = ctx;
    struct chat_decoder *d = k->decoder;
    struct choice_read read = {.index = {NULL, 0}};
    uint64_t index = k->position++;
    struct json_text finish;
    struct choice *c;

    if (m->type != JSON_OBJECT)
        return true;
    json_members(m->value, take_choice_member, &read);
    if (read.index.len > 0 && !str_to_u64(read.index, &index))
        index = OPENAI_CHOICES_MAX;
    c = get_choice(d, index);
    if (c == NULL)
        return true;
    k->answers += json_type_of(read.message) == JSON_OBJECT;
    finish = json_text_of(read.finish);
    read_delta(d, c, d->whole ? read.message : read.delta, k->id, d->whole || finish.len > 0);
    if (read.error.len > 0 && !c->stopped) {
        c->stopped = true;
        read_choice_error(d, read.error);
    }
    read_finish(d, c, finish);
    if (json_type_of(read.usage) == JSON_OBJECT)
        say_usage(d, read.usage);
    return true;
}

static bool take_groq(void *ctx, const struct json_member *m)
{
    struct chunk *k = ctx;

    if (m->type == JSON_OBJECT && json_key_is(m, STR("usage")))
        k->groq_usage = m->value;
    return true;
}

static bool take_chunk_member(void *ctx, const struct json_member *m)
{
    struct chunk *k = ctx;

    if (json_key_is(m, STR("choices")) && m->type == JSON_ARRAY)
        k->choices = m->value;
    else if (json_key_is(m, STR("usage")) && m->type == JSON_OBJECT)
        k->usage = m->value;
    else if (json_key_is(m, STR("x_groq")) && m->type == JSON_OBJECT)
        json_members(m->value, take_groq, k);
    else if (json_key_is(m, STR("error")))
        k->error = m->type != JSON_NULL ? m->value : k->error;
    else if (json_key_is(m, STR("id")))
        k->id = m->value;
    else if (json_key_is(m, STR("model")))
        k->model = m->value;
    else if (json_key_is(m, STR("object")))
        k->flat_error = str_eq(m->value, STR("\"error\""));
    return true;
}

static bool is_error(const struct chunk *k)
{
    return k->flat_error ||
           (k->error.len > 0 && !str_eq(k->error, STR("false")) && !str_eq(k->error, STR("\"\"")));
}

static void read_error(struct chat_decoder *d, struct str data)
{
    struct openai_refusal r = {.fault = FAULT_NONE};

    if (!openai_error_read(d->arena, data, &r) && r.message.len == 0)
        r.message = openai_plain_text(d->arena, data);
    say_error(d, &r, openai_error_fault(r.type, r.code));
}

/* Azure's first chunk has neither. */
static void start(struct chat_decoder *d, const struct chunk *k)
{
    struct json_text id = json_text_of(k->id), model = json_text_of(k->model);

    if (d->started || (id.len == 0 && json_is_empty(k->choices)))
        return;
    d->started = true;
    say(d, &(struct chat_event){.kind = CHAT_EV_START, .id = id, .model = model});
}

/* false: it is no object. */
static bool read_chunk(struct chat_decoder *d, struct str data, uint32_t *ret_answers)
{
    struct chunk k = {.decoder = d, .choices = STR("[]")};

    if (json_type_of(data) != JSON_OBJECT || !json_scan(data, JSON_DEPTH_MAX, NULL, NULL, NULL))
        return false;
    json_members(data, take_chunk_member, &k);
    if (is_error(&k)) {
        read_error(d, data);
        *ret_answers = 1;
        return true;
    }
    start(d, &k);
    json_members(k.choices, take_choice, &k);
    if (k.usage.len > 0 || k.groq_usage.len > 0)
        say_usage(d, k.usage.len > 0 ? k.usage : k.groq_usage);
    *ret_answers = k.answers;
    return true;
}

/* ---- the dialect ---- */

static struct chat_decoder *decoder_new(struct arena *a)
{
    struct chat_decoder *d = ARENA_NEW(a, struct chat_decoder);

    if (d != NULL) {
        d->arena = a;
        openai_watch_init(&d->watch, OPENAI_CHAT, a);
    }
    return d;
}

static void say_end(struct chat_decoder *d)
{
    if (!d->ended)
        say(d, &(struct chat_event){.kind = CHAT_EV_END});
    d->ended = true;
}

static bool decode(struct chat_decoder *d, struct str name, struct str data, chat_event_fn *emit,
                   void *ctx)
{
    uint32_t answers;

    d->emit = emit;
    d->ctx = ctx;
    if (str_eq(name, STR("error"))) {
        read_error(d, data);
        return true;
    }
    if (str_eq(data, STR("[DONE]"))) {
        say_end(d);
        return true;
    }
    return read_chunk(d, data, &answers);
}

/* An error in place of an answer is told as one, and nothing is whole then. */
static bool decode_whole(struct chat_decoder *d, struct str body, chat_event_fn *emit, void *ctx)
{
    uint32_t answers = 0;

    d->emit = emit;
    d->ctx = ctx;
    d->whole = true;
    if (!read_chunk(d, body, &answers) || answers == 0)
        return false;
    say_end(d);
    return true;
}

static void refusal(struct arena *a, unsigned status, struct str body, struct chat_event *ret)
{
    struct openai_refusal r = openai_refusal(a, status, body);

    if (status == 200)
        r.fault = openai_error_fault(r.type, r.code);
    *ret = (struct chat_event){
        .kind = CHAT_EV_ERROR,
        .fault = r.fault,
        .text = json_text_make(a, r.message),
        .name = json_text_make(a, r.code.len > 0 ? r.code : r.type),
    };
}

const struct dialect dialect_openai = {
    .name = "openai",
    .id = CHAT_OPENAI,
    .framing = CHAT_SSE,
    .path = openai_path,
    .encode = openai_encode,
    .decoder_new = decoder_new,
    .decode = decode,
    .decode_whole = decode_whole,
    .refusal = refusal,
};
