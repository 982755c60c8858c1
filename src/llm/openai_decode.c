/*
 * Answers of servers that speak Chat Completions, as our own events.
 *
 * What they do to tool calls is mended as for clients of the same dialect (openai_tools.c).  Usage
 * comes in a chunk of its own, in the last choice's, in every chunk, or in x_groq.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/openai_decode.h"

#include "llm/chat_text.h"
#include "llm/dialects.h"
#include "llm/openai_encode.h"

void openai_say(struct chat_decoder *d, const struct chat_event *ev)
{
    if (!d->deaf && !d->emit(d->ctx, ev))
        d->deaf = true;
}

void openai_say_error(struct chat_decoder *d, const struct openai_refusal *r, enum fault fault)
{
    d->ended = true;
    openai_say(d, &(struct chat_event){
                      .kind = CHAT_EV_ERROR,
                      .fault = fault,
                      .text = json_text_make(d->arena, r->message),
                      .name = json_text_make(d->arena, r->code.len > 0 ? r->code : r->type),
                  });
}

/* ---- choices ---- */

static struct openai_choice *get_choice(struct chat_decoder *d, uint64_t index)
{
    struct openai_choice *c = d->choices;

    while (c != NULL && c->index != index)
        c = c->next;
    if (c != NULL || index >= OPENAI_CHOICES_MAX)
        return c;
    c = ARENA_NEW(d->arena, struct openai_choice);
    if (c == NULL)
        return NULL;
    c->index = (uint32_t)index;
    c->next = d->choices;
    d->choices = c;
    return c;
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
    openai_say(d, &ev);
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
    openai_say_error(d, &r, openai_error_fault(r.type, r.code));
}

static bool take_choice(void *ctx, const struct json_member *m)
{
    struct chunk *k = ctx;
    struct chat_decoder *d = k->decoder;
    struct choice_read read = {.index = {NULL, 0}};
    uint64_t index = k->position++;
    struct json_text finish;
    struct openai_choice *c;

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
    openai_decode_delta(d, c, d->whole ? read.message : read.delta, k->id,
                        d->whole || finish.len > 0);
    if (read.error.len > 0 && !c->stopped) {
        c->stopped = true;
        read_choice_error(d, read.error);
    }
    openai_decode_finish(d, c, finish);
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
    openai_say_error(d, &r, openai_error_fault(r.type, r.code));
}

/* Azure's first chunk has neither. */
static void start(struct chat_decoder *d, const struct chunk *k)
{
    struct json_text id = json_text_of(k->id), model = json_text_of(k->model);

    if (d->started || (id.len == 0 && json_is_empty(k->choices)))
        return;
    d->started = true;
    openai_say(d, &(struct chat_event){.kind = CHAT_EV_START, .id = id, .model = model});
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

static bool is_finished(const struct chat_decoder *d)
{
    bool finished = d->choices != NULL;

    for (const struct openai_choice *c = d->choices; c != NULL; c = c->next)
        finished &= c->stopped;
    return finished;
}

/* [DONE] is no proof: an answer that was cut must not look finished. */
static void say_end(struct chat_decoder *d)
{
    static const struct openai_refusal empty = {.message = STR_INIT(
                                                    "the stream ended without any content")},
                                       cut = {.message = STR_INIT(
                                                  "the stream ended without a finish reason")};

    if (d->ended)
        return;
    d->ended = true;
    if (d->whole || is_finished(d))
        openai_say(d, &(struct chat_event){.kind = CHAT_EV_END});
    else
        openai_say_error(d, d->said ? &cut : &empty,
                         d->said ? FAULT_UPSTREAM_TRUNCATED : FAULT_UPSTREAM_EMPTY);
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

void openai_refusal_event(struct arena *a, unsigned status, struct str body, struct chat_event *ret)
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
    .refusal = openai_refusal_event,
};
