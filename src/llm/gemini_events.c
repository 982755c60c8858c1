/*
 * Gemini's answers: chunks of candidates with parts, the same whole or in a stream.
 *
 * A stream has no last event, and a finish reason is not it: some models tell one with each chunk,
 * and of several candidates one may end before another begins.  So finish reasons are kept until
 * the connection ends.  What went wrong with the model itself (MALFORMED_FUNCTION_CALL …) is an
 * ERROR at once: asking again helps, and a client that were told "stop" would wait for the call.
 *
 * A prompt that was blocked is an answer, empty and filtered, and not an ERROR: it is the
 * provider's judgement and not its failure, it costs tokens, and asking elsewhere would go round
 * it.
 *
 * Signatures come on thoughts, on calls and on texts.  One that is not on a thought or a call is a
 * SIGNATURE with no THINKING before it; gemini_contents.c writes such a one as Gemini does in its
 * streams, on a part with an empty text.
 *
 * Calls have no id in most models.  Theirs is "call_<responseId>_<n>": the same whenever the answer
 * is read, and another in each turn of a conversation, for clients and other providers take ids
 * for unique.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/chat_text.h"
#include "llm/dialects.h"
#include "llm/gemini_part.h"
#include "llm/json_pick.h"

#define CHOICES_MAX 8u /* Gemini's limit for candidateCount */
#define ID_MAX 28u     /* of a responseId in ours: OpenAI takes calls' ids of up to 40 bytes */

enum open { OPEN_NONE, OPEN_TEXT, OPEN_THINKING, OPEN_SIGNED, OPEN_CALL, OPEN_RAW };

struct choice {
    bool seen, finished;
    enum open open;
    uint32_t calls; /* that began */
    bool call_goes_on;
    struct gemini_args *args; /* of calls in pieces; NULL until there is one */
    enum chat_stop stop;
    struct json_text word; /* a finish reason that we do not know; in the arena */
};

struct chat_decoder {
    struct arena *arena;
    chat_event_fn *emit; /* of the call that goes on */
    void *ctx;
    bool started;
    bool over; /* nothing more is wanted, or can be told */
    struct str response_id;
    struct chat_usage usage;
    bool failed; /* there is `failure` to tell once the chunk is read */
    struct chat_event failure;
    struct choice choice[CHOICES_MAX];
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
    if (!d->over && !d->emit(d->ctx, ev))
        d->over = true;
}

static uint32_t number_of(const struct chat_decoder *d, const struct choice *c)
{
    return (uint32_t)(c - d->choice);
}

static void tell_text(struct chat_decoder *d, const struct choice *c, enum chat_event_kind kind,
                      struct json_text text)
{
    tell(d, &(struct chat_event){.kind = kind,
                                 .choice = number_of(d, c),
                                 .call = c->calls > 0 ? c->calls - 1 : 0,
                                 .text = text});
}

static void fail(struct chat_decoder *d, enum fault fault, struct json_text message)
{
    d->failed = true;
    d->failure = (struct chat_event){.kind = CHAT_EV_ERROR, .fault = fault, .text = message};
}

static void block_end(struct chat_decoder *d, struct choice *c)
{
    if (c->open != OPEN_NONE)
        tell(d, &(struct chat_event){.kind = CHAT_EV_BLOCK_END, .choice = number_of(d, c)});
    c->open = OPEN_NONE;
}

static void block(struct chat_decoder *d, struct choice *c, enum open kind)
{
    if (c->open != kind)
        block_end(d, c);
    c->open = kind;
}

/* ---- tool calls ---- */

static bool is_id(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '_' || c == '-'))
            return false;
    }
    return s.len > 0 && s.len <= ID_MAX;
}

static struct json_text call_id(struct chat_decoder *d, const struct choice *c)
{
    struct str id;

    if (number_of(d, c) > 0)
        id = arena_printf(d->arena, "call_%.*s_%u_%u", STR_ARG(d->response_id), number_of(d, c),
                          c->calls);
    else if (d->response_id.len > 0)
        id = arena_printf(d->arena, "call_%.*s_%u", STR_ARG(d->response_id), c->calls);
    else
        id = arena_printf(d->arena, "call_%u", c->calls);
    return (struct json_text){id.ptr, id.len};
}

static void call_end(struct chat_decoder *d, struct choice *c)
{
    struct json_text rest;

    if (!c->call_goes_on)
        return;
    c->call_goes_on = false;
    rest = c->args != NULL ? gemini_args_end(c->args) : JSON_TEXT("{}");
    if (rest.len > 0)
        tell_text(d, c, CHAT_EV_ARGS, rest);
    block_end(d, c);
}

static void call_begin(struct chat_decoder *d, struct choice *c, struct json_text id,
                       struct json_text name, struct json_text signature)
{
    call_end(d, c);
    block_end(d, c);
    if (id.len == 0 && (id = call_id(d, c)).ptr == NULL) {
        fail(d, FAULT_UPSTREAM_BAD_REPLY, JSON_TEXT("no room for a tool call"));
        return;
    }
    c->open = OPEN_CALL;
    c->call_goes_on = true;
    tell(d, &(struct chat_event){.kind = CHAT_EV_CALL,
                                 .choice = number_of(d, c),
                                 .call = c->calls++,
                                 .id = id,
                                 .name = name,
                                 .signature = signature});
}

static void call_whole_args(struct chat_decoder *d, struct choice *c, struct str args)
{
    struct json_text text = json_text_make(d->arena, args);

    if (text.ptr == NULL)
        fail(d, FAULT_UPSTREAM_BAD_REPLY, JSON_TEXT("no room for the arguments of a tool call"));
    else
        tell_text(d, c, CHAT_EV_ARGS, text);
    c->call_goes_on = false;
    block_end(d, c);
}

struct place {
    struct chat_decoder *d;
    struct choice *c;
};

static bool take_partial(void *ctx, const struct json_member *m)
{
    struct place *at = ctx;
    struct json_text text;

    if (at->c->args == NULL)
        at->c->args = gemini_args_new(at->d->arena);
    text =
        at->c->args != NULL ? gemini_args_put(at->c->args, m->value) : (struct json_text){NULL, 0};
    if (text.ptr == NULL) {
        fail(at->d, FAULT_UPSTREAM_BAD_REPLY,
             JSON_TEXT("the pieces of a tool call's arguments do not fit together"));
        return false;
    }
    if (text.len > 0)
        tell_text(at->d, at->c, CHAT_EV_ARGS, text);
    return true;
}

static void take_call(struct chat_decoder *d, struct choice *c, struct str call,
                      struct json_text signature)
{
    struct str id = {NULL, 0}, name = id, args = id, partial = id, goes_on = id;
    const struct json_pick picks[] = {
        {STR("id"), JSON_STRING, &id},
        {STR("name"), JSON_STRING, &name},
        {STR("args"), JSON_OBJECT, &args},
        {STR("partialArgs"), JSON_ARRAY, &partial},
        {STR("willContinue"), JSON_TRUE, &goes_on},
    };

    json_pick(call, picks, COUNTOF(picks));
    if (name.len > 2)
        call_begin(d, c, json_text_of(id), json_text_of(name), signature);
    if (!c->call_goes_on)
        return;
    if (args.len > 0 && name.len > 2) {
        call_whole_args(d, c, args);
        return;
    }
    if (partial.len > 0)
        json_members(partial, take_partial, &(struct place){d, c});
    if (goes_on.len == 0)
        call_end(d, c);
}

/* ---- parts ---- */

static void take_signature(struct chat_decoder *d, struct choice *c, struct json_text signature)
{
    if (signature.len == 0)
        return;
    if (c->open != OPEN_THINKING)
        block_end(d, c);
    tell_text(d, c, CHAT_EV_SIGNATURE, signature);
    c->open = OPEN_SIGNED; /* a thought that comes now is another one */
}

static void take_shown(struct chat_decoder *d, struct choice *c, struct json_text text,
                       bool thought)
{
    if (text.len == 0)
        return;
    block(d, c, thought ? OPEN_THINKING : OPEN_TEXT);
    tell_text(d, c, thought ? CHAT_EV_THINKING : CHAT_EV_TEXT, text);
}

static void take_raw(struct chat_decoder *d, struct choice *c, struct str part)
{
    block_end(d, c);
    c->open = OPEN_RAW;
    tell(d,
         &(struct chat_event){
             .kind = CHAT_EV_RAW, .choice = number_of(d, c), .raw = part, .vendor = CHAT_GEMINI});
    block_end(d, c);
}

static bool take_part(void *ctx, const struct json_member *m)
{
    struct place *at = ctx;
    struct str text = {NULL, 0}, thought = text, signature = text, call = text;
    const struct json_pick picks[] = {
        {STR("text"), JSON_STRING, &text},
        {STR("thought"), JSON_TRUE, &thought},
        {STR("thoughtSignature"), JSON_STRING, &signature},
        {STR("functionCall"), JSON_OBJECT, &call},
    };

    if (m->type != JSON_OBJECT)
        return true;
    json_pick(m->value, picks, COUNTOF(picks));
    if (call.len > 0) {
        take_call(at->d, at->c, call, json_text_of(signature));
    } else if (text.len > 0 || signature.len > 0 || json_is_empty(m->value)) {
        take_shown(at->d, at->c, json_text_of(text), thought.len > 0);
        take_signature(at->d, at->c, json_text_of(signature));
    } else {
        take_raw(at->d, at->c, m->value);
    }
    return !at->d->failed && !at->d->over;
}

/* ---- candidates ---- */

/* clang-format off */
static const struct reason {
    struct str word;
    enum chat_stop stop;
    enum fault fault; /* it is none of ours: the answer failed */
} reasons[] = {
    {STR_INIT("STOP"),                      CHAT_STOP_END,    FAULT_NONE}, /* with calls: CALLS */
    {STR_INIT("MAX_TOKENS"),                CHAT_STOP_LENGTH, FAULT_NONE},
    {STR_INIT("SAFETY"),                    CHAT_STOP_FILTER, FAULT_NONE},
    {STR_INIT("RECITATION"),                CHAT_STOP_FILTER, FAULT_NONE},
    {STR_INIT("LANGUAGE"),                  CHAT_STOP_FILTER, FAULT_NONE},
    {STR_INIT("BLOCKLIST"),                 CHAT_STOP_FILTER, FAULT_NONE},
    {STR_INIT("PROHIBITED_CONTENT"),        CHAT_STOP_FILTER, FAULT_NONE},
    {STR_INIT("SPII"),                      CHAT_STOP_FILTER, FAULT_NONE},
    {STR_INIT("MODEL_ARMOR"),               CHAT_STOP_FILTER, FAULT_NONE},
    {STR_INIT("IMAGE_SAFETY"),              CHAT_STOP_FILTER, FAULT_NONE},
    {STR_INIT("IMAGE_PROHIBITED_CONTENT"),  CHAT_STOP_FILTER, FAULT_NONE},
    {STR_INIT("IMAGE_RECITATION"),          CHAT_STOP_FILTER, FAULT_NONE},
    {STR_INIT("MALFORMED_FUNCTION_CALL"),   CHAT_STOP_NONE,   FAULT_UPSTREAM_ERROR},
    {STR_INIT("MALFORMED_RESPONSE"),        CHAT_STOP_NONE,   FAULT_UPSTREAM_ERROR},
    {STR_INIT("UNEXPECTED_TOOL_CALL"),      CHAT_STOP_NONE,   FAULT_UPSTREAM_ERROR},
    {STR_INIT("TOO_MANY_TOOL_CALLS"),       CHAT_STOP_NONE,   FAULT_UPSTREAM_ERROR},
    {STR_INIT("MISSING_THOUGHT_SIGNATURE"), CHAT_STOP_NONE,   FAULT_UPSTREAM_REFUSED},
    /* OTHER, NO_IMAGE, IMAGE_OTHER, FINISH_REASON_UNSPECIFIED and new ones: CHAT_STOP_OTHER */
};
/* clang-format on */

static const struct reason *reason_find(struct json_text word)
{
    for (size_t i = 0; i < COUNTOF(reasons); i++) {
        if (json_text_is(word, reasons[i].word))
            return &reasons[i];
    }
    return NULL;
}

static struct json_text keep(struct chat_decoder *d, struct json_text text)
{
    struct str copy = arena_dup(d->arena, str_make(text.ptr, text.len));

    return (struct json_text){copy.ptr, copy.len};
}

static void take_finish(struct chat_decoder *d, struct choice *c, struct json_text word,
                        struct json_text message)
{
    const struct reason *row = reason_find(word);

    c->finished = true;
    if (row == NULL) {
        c->stop = CHAT_STOP_OTHER;
        c->word = keep(d, word);
    } else if (row->fault != FAULT_NONE) {
        fail(d, row->fault, message.len > 0 ? message : word);
        d->failure.name = word;
    } else {
        c->stop = row->stop;
    }
}

struct candidates {
    struct chat_decoder *d;
    size_t position;
};

static bool take_candidate(void *ctx, const struct json_member *m)
{
    struct candidates *all = ctx;
    struct chat_decoder *d = all->d;
    struct str index = {NULL, 0}, content = index, finish = index, message = index;
    const struct json_pick picks[] = {
        {STR("index"), JSON_NUMBER, &index},
        {STR("content"), JSON_OBJECT, &content},
        {STR("finishReason"), JSON_STRING, &finish},
        {STR("finishMessage"), JSON_STRING, &message},
    };
    struct choice *c;
    uint64_t i = all->position++; /* an index of 0 is left out */

    json_pick(m->value, picks, COUNTOF(picks));
    if (m->type != JSON_OBJECT || (index.len > 0 && !str_to_u64(index, &i)) || i >= CHOICES_MAX)
        return true;
    c = &d->choice[i];
    c->seen = true;
    content = json_pick_one(content, STR("parts"), JSON_ARRAY);
    if (content.len > 0)
        json_members(content, take_part, &(struct place){d, c});
    if (finish.len > 2 && !d->failed)
        take_finish(d, c, json_text_of(finish), json_text_of(message));
    return !d->failed && !d->over;
}

/* ---- chunks ---- */

static bool usage_same(const struct chat_usage *a, const struct chat_usage *b)
{
    return a->source == b->source && a->input == b->input && a->output == b->output &&
           a->cache_read == b->cache_read && a->reasoning == b->reasoning;
}

static void take_usage(struct chat_decoder *d, struct str value)
{
    struct chat_usage u;

    if (!gemini_usage_read(value, &u) || usage_same(&u, &d->usage))
        return;
    d->usage = u;
    tell(d, &(struct chat_event){.kind = CHAT_EV_USAGE, .usage = u});
}

static void start(struct chat_decoder *d, struct str id, struct str model)
{
    struct json_text text = json_text_of(id);
    struct str plain = str_make(text.ptr, text.len);

    if (d->started)
        return;
    d->started = true;
    if (is_id(plain))
        d->response_id = arena_dup(d->arena, plain);
    tell(d, &(struct chat_event){.kind = CHAT_EV_START, .id = text, .model = json_text_of(model)});
}

static void take_feedback(struct chat_decoder *d, struct str feedback)
{
    struct choice *c = &d->choice[0];

    if (json_pick_one(feedback, STR("blockReason"), JSON_STRING).len == 0 || c->seen)
        return;
    c->seen = c->finished = true;
    c->stop = CHAT_STOP_FILTER;
}

static void tell_failure(struct chat_decoder *d)
{
    if (d->failed)
        tell(d, &d->failure);
    d->over |= d->failed;
}

/* One object that json_scan() has passed; false when there is no answer in it. */
static bool take_chunk(struct chat_decoder *d, struct str chunk)
{
    struct str candidates = {NULL, 0}, usage = candidates, feedback = candidates,
               error = candidates, model = candidates, id = candidates;
    const struct json_pick picks[] = {
        {STR("candidates"), JSON_ARRAY, &candidates},
        {STR("usageMetadata"), JSON_OBJECT, &usage},
        {STR("promptFeedback"), JSON_OBJECT, &feedback},
        {STR("error"), JSON_NONE, &error},
        {STR("modelVersion"), JSON_STRING, &model},
        {STR("responseId"), JSON_STRING, &id},
    };

    json_pick(chunk, picks, COUNTOF(picks));
    if (error.len > 0) {
        d->failed = true;
        gemini_refusal(d->arena, 200, chunk, &d->failure);
        tell_failure(d);
        return true;
    }
    if (candidates.len == 0 && feedback.len == 0 && usage.len == 0)
        return false;
    start(d, id, model);
    if (candidates.len > 0)
        json_members(candidates, take_candidate, &(struct candidates){d, 0});
    take_usage(d, usage);
    take_feedback(d, feedback);
    tell_failure(d);
    return true;
}

/* The stream without alt=sse, and errors in it, are arrays of chunks. */
static bool take_element(void *ctx, const struct json_member *m)
{
    struct chat_decoder *d = ctx;

    if (m->type == JSON_OBJECT)
        take_chunk(d, m->value);
    return !d->over;
}

static bool take_text(struct chat_decoder *d, struct str text)
{
    enum json_type type = json_type_of(text);

    if (!json_scan(text, JSON_DEPTH_MAX, NULL, NULL, NULL))
        return false;
    if (type == JSON_ARRAY) {
        json_members(text, take_element, d);
        return d->started || d->failed;
    }
    return type == JSON_OBJECT && take_chunk(d, text);
}

/* ---- the end ---- */

static void tell_stop(struct chat_decoder *d, struct choice *c)
{
    bool calls = c->stop == CHAT_STOP_END && c->calls > 0;

    if (c->stop == CHAT_STOP_END) /* otherwise it was cut, and is shown so */
        call_end(d, c);
    block_end(d, c);
    tell(d, &(struct chat_event){.kind = CHAT_EV_STOP,
                                 .choice = number_of(d, c),
                                 .stop = calls ? CHAT_STOP_CALLS : c->stop,
                                 .text = c->word});
}

static bool is_whole(const struct chat_decoder *d)
{
    bool any = false;

    for (unsigned i = 0; i < CHOICES_MAX; i++) {
        any |= d->choice[i].seen;
        if (d->choice[i].seen && !d->choice[i].finished)
            return false;
    }
    return any;
}

static void decode_end(struct chat_decoder *d, chat_event_fn *emit, void *ctx)
{
    d->emit = emit;
    d->ctx = ctx;
    if (d->over || !is_whole(d))
        return;
    for (unsigned i = 0; i < CHOICES_MAX; i++) {
        if (d->choice[i].seen)
            tell_stop(d, &d->choice[i]);
    }
    tell(d, &(struct chat_event){.kind = CHAT_EV_END});
    d->over = true;
}

static bool decode(struct chat_decoder *d, struct str name, struct str data, chat_event_fn *emit,
                   void *ctx)
{
    (void)name;
    d->emit = emit;
    d->ctx = ctx;
    if (str_eq(data, STR("[DONE]"))) /* some relays add it */
        return true;
    return take_text(d, data);
}

/* protobuf leaves out what is 0, which here is FINISH_REASON_UNSPECIFIED. */
static void finish_all(struct chat_decoder *d)
{
    for (unsigned i = 0; i < CHOICES_MAX; i++) {
        struct choice *c = &d->choice[i];

        if (c->seen && !c->finished)
            take_finish(d, c, JSON_TEXT("FINISH_REASON_UNSPECIFIED"), c->word);
    }
}

/* A candidate, a verdict on the prompt, or an error. */
static bool is_answer(void *ctx, const struct json_member *m)
{
    bool yes = json_key_is(m, STR("candidates")) ? !json_is_empty(m->value)
               : json_key_is(m, STR("error"))    ? m->type != JSON_NULL
               : json_key_is(m, STR("promptFeedback"))
                   ? json_pick_one(m->value, STR("blockReason"), JSON_STRING).len > 0
                   : m->key.ptr == NULL;

    (void)ctx;
    return !yes;
}

static bool decode_whole(struct chat_decoder *d, struct str body, chat_event_fn *emit, void *ctx)
{
    d->emit = emit;
    d->ctx = ctx;
    if (json_scan(body, JSON_DEPTH_MAX, is_answer, NULL, NULL) || !take_text(d, body))
        return false;
    finish_all(d);
    if (!d->over && !is_whole(d))
        return false;
    decode_end(d, emit, ctx);
    return true;
}

const struct dialect dialect_gemini = {
    .name = "gemini",
    .id = CHAT_GEMINI,
    .framing = CHAT_SSE,
    .path = gemini_path,
    .encode = gemini_encode,
    .decoder_new = decoder_new,
    .decode = decode,
    .decode_end = decode_end,
    .decode_whole = decode_whole,
    .refusal = gemini_refusal,
};
