/*
 * Ollama's answers: a line of JSON for each piece, the last one with "done": true and the counts;
 * whole, the last line alone with all of the message in it.
 *
 * Errors come as {"error":"…"} in place of a line, behind a 200 too.  Calls come whole, and in most
 * versions without an id: theirs is "call_<the digits of created_at of the first line>_<n>", so
 * that it is another in each turn of a conversation.  A count that was served from the cache is
 * left out (prompt_eval_count), and is 0 here.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/chat_text.h"
#include "llm/dialects.h"
#include "llm/json_pick.h"
#include "llm/ollama_part.h"
#include "llm/openai.h"

#define STAMP_MAX 20u /* digits: to the nanosecond of this millennium */

enum open { OPEN_NONE, OPEN_TEXT, OPEN_THINKING, OPEN_CALL };

struct chat_decoder {
    struct arena *arena;
    chat_event_fn *emit; /* of the call that goes on */
    void *ctx;
    bool started;
    bool spoke; /* a line had a message, an empty one or not */
    bool over;  /* nothing more is wanted, or can be told */
    bool failed;
    enum open open;
    uint32_t calls;
    char stamp[STAMP_MAX + 1];
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

static void block(struct chat_decoder *d, enum open kind)
{
    if (d->open != kind && d->open != OPEN_NONE)
        tell(d, &(struct chat_event){.kind = CHAT_EV_BLOCK_END});
    d->open = kind;
}

/* ---- errors ---- */

static void refusal(struct arena *a, unsigned status, struct str body, struct chat_event *ret)
{
    struct openai_refusal r = openai_refusal(a, status, body);

    *ret = (struct chat_event){.kind = CHAT_EV_ERROR, .fault = r.fault};
    if (status < 400 && r.message.len > 0)
        ret->fault = openai_error_fault(r.type, r.code);
    if (r.message.len > 0)
        ret->text = json_text_make(a, r.message);
    if (r.type.len > 0)
        ret->name = json_text_make(a, r.type);
}

static void fail(struct chat_decoder *d, const struct chat_event *ev)
{
    tell(d, ev);
    d->over = d->failed = true;
}

/* ---- the message ---- */

static void take_stamp(struct chat_decoder *d, struct str created)
{
    size_t n = 0;

    for (size_t i = 0; i < created.len && n < STAMP_MAX; i++) {
        if (created.ptr[i] >= '0' && created.ptr[i] <= '9')
            d->stamp[n++] = created.ptr[i];
        else if (created.ptr[i] == '+' || created.ptr[i] == 'Z')
            break;
    }
    d->stamp[n] = '\0';
}

static void start(struct chat_decoder *d, struct str model, struct str created)
{
    if (d->started)
        return;
    d->started = true;
    take_stamp(d, created);
    tell(d, &(struct chat_event){.kind = CHAT_EV_START, .model = json_text_of(model)});
}

static void take_text(struct chat_decoder *d, struct str value, bool thought)
{
    struct json_text text = json_text_of(value);

    if (text.len == 0)
        return;
    block(d, thought ? OPEN_THINKING : OPEN_TEXT);
    tell(d, &(struct chat_event){.kind = thought ? CHAT_EV_THINKING : CHAT_EV_TEXT, .text = text});
}

static struct json_text call_id(struct chat_decoder *d)
{
    struct str id = d->stamp[0] != '\0' ? arena_printf(d->arena, "call_%s_%u", d->stamp, d->calls)
                                        : arena_printf(d->arena, "call_%u", d->calls);

    return (struct json_text){id.ptr, id.len};
}

static void tell_call(struct chat_decoder *d, struct json_text id, struct json_text name,
                      struct json_text args)
{
    block(d, OPEN_NONE);
    tell(d, &(struct chat_event){.kind = CHAT_EV_CALL, .call = d->calls, .id = id, .name = name});
    tell(d, &(struct chat_event){.kind = CHAT_EV_ARGS, .call = d->calls, .text = args});
    d->calls++;
    d->open = OPEN_CALL;
    block(d, OPEN_NONE);
}

static bool take_call(void *ctx, const struct json_member *m)
{
    struct chat_decoder *d = ctx;
    struct str function = json_pick_one(m->value, STR("function"), JSON_OBJECT);
    struct json_text id = json_text_of(json_pick_one(m->value, STR("id"), JSON_STRING));
    struct str name = {NULL, 0}, args = name;
    const struct json_pick picks[] = {
        {STR("name"), JSON_STRING, &name},
        {STR("arguments"), JSON_OBJECT, &args},
    };
    struct json_text text;

    json_pick(function, picks, COUNTOF(picks));
    if (name.len <= 2)
        return true;
    text = json_text_make(d->arena, args.len > 0 ? args : STR("{}"));
    if (id.len == 0)
        id = call_id(d);
    if (text.ptr != NULL && id.ptr != NULL) {
        tell_call(d, id, json_text_of(name), text);
        return !d->over;
    }
    fail(d, &(struct chat_event){.kind = CHAT_EV_ERROR,
                                 .fault = FAULT_UPSTREAM_BAD_REPLY,
                                 .text = JSON_TEXT("no room for a tool call")});
    return false;
}

static void take_message(struct chat_decoder *d, struct str message)
{
    struct str content = {NULL, 0}, thinking = content, calls = content;
    const struct json_pick picks[] = {
        {STR("thinking"), JSON_STRING, &thinking},
        {STR("content"), JSON_STRING, &content},
        {STR("tool_calls"), JSON_ARRAY, &calls},
    };

    json_pick(message, picks, COUNTOF(picks));
    take_text(d, thinking, true);
    take_text(d, content, false);
    if (calls.len > 0)
        json_members(calls, take_call, d);
}

/* ---- the last line ---- */

/* Versions before 0.1.36 give no reason. */
static enum chat_stop stop_of(const struct chat_decoder *d, struct json_text reason)
{
    if (reason.len == 0 || json_text_is(reason, STR("stop")))
        return d->calls > 0 ? CHAT_STOP_CALLS : CHAT_STOP_END;
    return json_text_is(reason, STR("length")) ? CHAT_STOP_LENGTH : CHAT_STOP_OTHER;
}

static void take_done(struct chat_decoder *d, struct str line)
{
    struct str reason = {NULL, 0}, prompt = reason, output = reason;
    const struct json_pick picks[] = {
        {STR("done_reason"), JSON_STRING, &reason},
        {STR("prompt_eval_count"), JSON_NUMBER, &prompt},
        {STR("eval_count"), JSON_NUMBER, &output},
    };
    struct chat_event stop = {.kind = CHAT_EV_STOP};

    json_pick(line, picks, COUNTOF(picks));
    block(d, OPEN_NONE);
    if (prompt.len > 0 || output.len > 0)
        tell(d, &(struct chat_event){.kind = CHAT_EV_USAGE,
                                     .usage = {.source = CHAT_USAGE_REPORTED,
                                               .input = json_count(prompt),
                                               .output = json_count(output)}});
    stop.stop = stop_of(d, json_text_of(reason));
    if (stop.stop == CHAT_STOP_OTHER) /* "load", "unload": it was given nothing to say */
        stop.text = json_text_of(reason);
    tell(d, &stop);
    tell(d, &(struct chat_event){.kind = CHAT_EV_END});
    d->over = true;
}

/* ---- lines ---- */

static bool take_line(struct chat_decoder *d, struct str line)
{
    struct str model = {NULL, 0}, created = model, message = model, done = model, error = model;
    const struct json_pick picks[] = {
        {STR("model"), JSON_STRING, &model},     {STR("created_at"), JSON_STRING, &created},
        {STR("message"), JSON_OBJECT, &message}, {STR("done"), JSON_TRUE, &done},
        {STR("error"), JSON_NONE, &error},
    };
    struct chat_event failure;

    if (!json_scan(line, JSON_DEPTH_MAX, NULL, NULL, NULL) || json_type_of(line) != JSON_OBJECT)
        return false;
    json_pick(line, picks, COUNTOF(picks));
    if (error.len > 0) {
        refusal(d->arena, 200, line, &failure);
        fail(d, &failure);
        return true;
    }
    d->spoke |= message.len > 0;
    if (message.len == 0 && (done.len == 0 || !d->spoke))
        return false; /* an end to nothing is no answer */
    start(d, model, created);
    take_message(d, message);
    if (done.len > 0 && !d->failed)
        take_done(d, line);
    return true;
}

static bool decode(struct chat_decoder *d, struct str name, struct str data, chat_event_fn *emit,
                   void *ctx)
{
    (void)name;
    d->emit = emit;
    d->ctx = ctx;
    return str_trim(data).len == 0 || take_line(d, data);
}

/* One that streams though it was asked not to is read all the same; one that ends before its last
 * line is no answer. */
static bool decode_whole(struct chat_decoder *d, struct str body, chat_event_fn *emit, void *ctx)
{
    struct str line, rest = body;

    if (json_scan(body, JSON_DEPTH_MAX, NULL, NULL, NULL))
        return decode(d, STR(""), body, emit, ctx) && d->over;
    while (rest.len > 0) {
        str_cut(rest, '\n', &line, &rest);
        if (!decode(d, STR(""), line, emit, ctx))
            return false;
    }
    return d->over;
}

const struct dialect dialect_ollama = {
    .name = "ollama",
    .id = CHAT_OLLAMA,
    .framing = CHAT_LINES,
    .path = ollama_path,
    .encode = ollama_encode,
    .decoder_new = decoder_new,
    .decode = decode,
    .decode_whole = decode_whole,
    .refusal = refusal,
};
