/*
 * An answer of the Responses API, event by event or whole.
 *
 * Both ways lead through the same items (responses_output.c): a whole answer is a response that is
 * completed before anything of it was told.
 *
 * Out of the ordinary, and seen: an id for each event of one item (GitHub Copilot); arguments in
 * `.done` alone, or in the item's end; errors flat and nested, with response.failed behind them or
 * not; [DONE] behind the last event; pings.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/responses_decode.h"

#include "llm/dialects.h"
#include "llm/json_pick.h"
#include "llm/openai_part.h"
#include "llm/responses.h"

static const struct json_text nothing = {NULL, 0};

/* ---- members of an event ---- */

enum field {
    F_TYPE,
    F_SEQUENCE_NUMBER,
    F_DELTA,
    F_OUTPUT_INDEX,
    F_CONTENT_INDEX,
    F_SUMMARY_INDEX,
    F_TEXT,
    F_REFUSAL,
    F_ARGUMENTS,
    F_ITEM,
    F_RESPONSE,
    F_ERROR,
    FIELDS
};

static const struct str fields[FIELDS] = {
    [F_TYPE] = STR_INIT("type"),
    [F_SEQUENCE_NUMBER] = STR_INIT("sequence_number"),
    [F_DELTA] = STR_INIT("delta"),
    [F_OUTPUT_INDEX] = STR_INIT("output_index"),
    [F_CONTENT_INDEX] = STR_INIT("content_index"),
    [F_SUMMARY_INDEX] = STR_INIT("summary_index"),
    [F_TEXT] = STR_INIT("text"),
    [F_REFUSAL] = STR_INIT("refusal"),
    [F_ARGUMENTS] = STR_INIT("arguments"),
    [F_ITEM] = STR_INIT("item"),
    [F_RESPONSE] = STR_INIT("response"),
    [F_ERROR] = STR_INIT("error"),
};

struct event {
    struct str type; /* its own, or its name in the stream */
    struct str value[FIELDS];
};

static bool take_member(void *ctx, const struct json_member *m)
{
    struct event *e = ctx;

    for (unsigned i = 0; i < FIELDS; i++) {
        if (json_key_is(m, fields[i])) {
            e->value[i] = m->value;
            break;
        }
    }
    return true;
}

static struct str word_of(struct str value)
{
    struct json_text t = json_text_of(value);

    return str_make(t.ptr, t.len);
}

/* ---- errors ---- */

static void tell_error(struct chat_decoder *d, const struct openai_refusal *r)
{
    responses_tell(d, &(struct chat_event){
                          .kind = CHAT_EV_ERROR,
                          .fault = openai_error_fault(r->type, r->code),
                          .text = json_text_make(d->arena, r->message),
                          .name = json_text_make(d->arena, r->code.len > 0 ? r->code : r->type),
                      });
    d->ended = true;
}

/* Of an event: its members, or those of its `error`. */
static void read_error(struct chat_decoder *d, struct str data)
{
    struct openai_refusal r = {.fault = FAULT_NONE};

    if (!openai_error_read(d->arena, data, &r) && r.message.len == 0)
        r.message = openai_plain_text(d->arena, data);
    tell_error(d, &r);
}

static void tell_failed(struct chat_decoder *d, struct str response, struct json_text status)
{
    struct openai_refusal r = {.fault = FAULT_NONE};
    struct str error = json_pick_one(response, STR("error"), JSON_NONE);

    if (error.len > 0)
        openai_error_value(d->arena, error, &r);
    if (r.message.len == 0)
        r.message = json_text_is(status, STR("cancelled")) ? STR("the response was cancelled")
                                                           : STR("the response failed");
    tell_error(d, &r);
}

/* ---- usage ---- */

static uint64_t count_of(struct str object, struct str name)
{
    return json_count(json_pick_one(object, name, JSON_NUMBER));
}

static void tell_usage(struct chat_decoder *d, struct str usage)
{
    struct str input = json_pick_one(usage, STR("input_tokens_details"), JSON_OBJECT);
    struct str output = json_pick_one(usage, STR("output_tokens_details"), JSON_OBJECT);
    struct chat_event ev = {.kind = CHAT_EV_USAGE};

    if (json_pick_one(usage, STR("input_tokens"), JSON_NUMBER).len == 0 &&
        json_pick_one(usage, STR("output_tokens"), JSON_NUMBER).len == 0)
        return;
    ev.usage = (struct chat_usage){.source = CHAT_USAGE_REPORTED,
                                   .input = count_of(usage, STR("input_tokens")),
                                   .output = count_of(usage, STR("output_tokens")),
                                   .cache_read = count_of(input, STR("cached_tokens")),
                                   .cache_write = count_of(input, STR("cache_write_tokens")),
                                   .reasoning = count_of(output, STR("reasoning_tokens"))};
    responses_tell(d, &ev);
}

/* ---- why it stopped ---- */

static const struct {
    struct str word; /* of incomplete_details.reason */
    enum chat_stop stop;
} reasons[] = {
    {STR_INIT("max_output_tokens"), CHAT_STOP_LENGTH},
    {STR_INIT("max_tokens"), CHAT_STOP_LENGTH},
    {STR_INIT("content_filter"), CHAT_STOP_FILTER},
};

static void tell_stop(struct chat_decoder *d, enum chat_stop stop, struct json_text word)
{
    struct chat_event ev = {.kind = CHAT_EV_STOP, .stop = stop, .text = nothing};

    if (stop == CHAT_STOP_OTHER)
        ev.text = word;
    d->stopped = true;
    responses_tell(d, &ev);
}

static void tell_incomplete(struct chat_decoder *d, struct str response)
{
    struct str details = json_pick_one(response, STR("incomplete_details"), JSON_OBJECT);
    struct json_text word = json_text_of(json_pick_one(details, STR("reason"), JSON_STRING));

    for (size_t i = 0; i < COUNTOF(reasons); i++) {
        if (json_text_is(word, reasons[i].word)) {
            tell_stop(d, reasons[i].stop, nothing);
            return;
        }
    }
    tell_stop(d, CHAT_STOP_OTHER, word.len > 0 ? word : JSON_TEXT("incomplete"));
}

/* ---- the response ---- */

struct output_walk {
    struct chat_decoder *decoder;
    uint64_t index;
    bool fresh; /* nothing of it was told */
};

/* Some servers' places in a stream are not those in the whole: what was told there is not told
 * again, nor is anything told that was not when other things were. */
static bool take_output(void *ctx, const struct json_member *m)
{
    struct output_walk *w = ctx;
    struct chat_decoder *d = w->decoder;
    uint64_t index = w->index++;
    struct output *o = output_find(d, index);
    enum output_kind kind;

    if (m->type != JSON_OBJECT)
        return true;
    kind = output_kind_of(m->value);
    if (o == NULL && w->fresh)
        o = output_get(d, index, kind);
    if (o != NULL && o->kind == kind)
        output_done(d, o, m->value);
    return !d->bad;
}

static void tell_output(struct chat_decoder *d, struct str response)
{
    struct output_walk w = {.decoder = d, .fresh = d->first == NULL};
    struct str output = json_pick_one(response, STR("output"), JSON_ARRAY);

    if (output.len > 0)
        json_members(output, take_output, &w);
}

static void end_output(struct chat_decoder *d)
{
    if (d->open != NULL)
        responses_tell(d, &(struct chat_event){.kind = CHAT_EV_BLOCK_END});
    d->open = NULL;
}

static void start(struct chat_decoder *d, struct str response)
{
    if (d->started)
        return;
    d->started = true;
    responses_tell(d, &(struct chat_event){
                          .kind = CHAT_EV_START,
                          .id = json_text_of(json_pick_one(response, STR("id"), JSON_STRING)),
                          .model = json_text_of(json_pick_one(response, STR("model"), JSON_STRING)),
                      });
}

static bool is_one_of(struct json_text word, const struct str *words, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (json_text_is(word, words[i]))
            return true;
    }
    return false;
}

/* A call is to be made, though its end did not come: nothing is not JSON. */
static void complete_calls(struct chat_decoder *d)
{
    for (struct output *o = d->first; o != NULL; o = o->next) {
        if (o->kind == OUTPUT_CALL && o->begun && !o->done)
            output_args(d, o, JSON_TEXT("{}"), true);
    }
}

/* A response that is over, however it ended. */
static void finish(struct chat_decoder *d, struct str response, struct json_text status)
{
    static const struct str failed[] = {STR_INIT("failed"), STR_INIT("cancelled")};

    start(d, response);
    if (is_one_of(status, failed, COUNTOF(failed))) {
        tell_failed(d, response, status);
        return;
    }
    tell_output(d, response);
    if (json_text_is(status, STR("completed")))
        complete_calls(d);
    end_output(d);
    tell_usage(d, json_pick_one(response, STR("usage"), JSON_OBJECT));
    if (json_text_is(status, STR("incomplete")))
        tell_incomplete(d, response);
    else if (!json_text_is(status, STR("completed")))
        tell_stop(d, CHAT_STOP_OTHER, status);
    else
        tell_stop(d, d->calls > 0 ? CHAT_STOP_CALLS : CHAT_STOP_END, nothing);
    responses_tell(d, &(struct chat_event){.kind = CHAT_EV_END});
    d->ended = true;
}

/* ---- events ---- */

static uint64_t index_of(const struct event *e, enum field f)
{
    uint64_t index = 0;

    return str_to_u64(e->value[f], &index) ? index : 0;
}

static void on_start(struct chat_decoder *d, const struct event *e)
{
    start(d, e->value[F_RESPONSE]);
}

/* The event's own word counts where the response has none. */
static void on_end(struct chat_decoder *d, const struct event *e)
{
    struct str response = e->value[F_RESPONSE], type;
    struct json_text status;

    if (json_type_of(response) != JSON_OBJECT) {
        d->bad = true;
        return;
    }
    status = json_text_of(json_pick_one(response, STR("status"), JSON_STRING));
    if (status.len == 0) {
        type = str_skip(e->type, sizeof("response.") - 1);
        status = (struct json_text){type.ptr, type.len};
    }
    finish(d, response, status);
}

/* What the event's item belongs to; NULL: it cannot be told. */
static struct output *output_of(struct chat_decoder *d, const struct event *e)
{
    struct str item = e->value[F_ITEM];

    if (json_type_of(item) == JSON_OBJECT)
        return output_get(d, index_of(e, F_OUTPUT_INDEX), output_kind_of(item));
    d->bad = true;
    return NULL;
}

static void on_item_added(struct chat_decoder *d, const struct event *e)
{
    struct output *o = output_of(d, e);

    if (o != NULL)
        output_begin(d, o, e->value[F_ITEM]);
}

static void on_item_done(struct chat_decoder *d, const struct event *e)
{
    struct output *o = output_of(d, e);

    if (o != NULL)
        output_done(d, o, e->value[F_ITEM]);
}

/* clang-format off */
/* Texts, and pieces of them. */
static const struct piece_row {
    struct str type;
    enum chat_event_kind kind;
    bool in_full, whole;
    enum field part, text;
} pieces[] = {
    {STR_INIT("response.output_text.delta"),            CHAT_EV_TEXT,     false, false, F_CONTENT_INDEX, F_DELTA},
    {STR_INIT("response.reasoning_summary_text.delta"), CHAT_EV_THINKING, false, false, F_SUMMARY_INDEX, F_DELTA},
    {STR_INIT("response.reasoning_text.delta"),         CHAT_EV_THINKING, true,  false, F_CONTENT_INDEX, F_DELTA},
    {STR_INIT("response.refusal.delta"),                CHAT_EV_REFUSAL,  false, false, F_CONTENT_INDEX, F_DELTA},
    {STR_INIT("response.output_text.done"),             CHAT_EV_TEXT,     false, true,  F_CONTENT_INDEX, F_TEXT},
    {STR_INIT("response.reasoning_summary_text.done"),  CHAT_EV_THINKING, false, true,  F_SUMMARY_INDEX, F_TEXT},
    {STR_INIT("response.reasoning_text.done"),          CHAT_EV_THINKING, true,  true,  F_CONTENT_INDEX, F_TEXT},
    {STR_INIT("response.refusal.done"),                 CHAT_EV_REFUSAL,  false, true,  F_CONTENT_INDEX, F_REFUSAL},
};
/* clang-format on */

static void on_piece(struct chat_decoder *d, const struct event *e, const struct piece_row *row)
{
    const struct output_piece piece = {.kind = row->kind,
                                       .part = index_of(e, row->part),
                                       .in_full = row->in_full,
                                       .whole = row->whole,
                                       .text = json_text_of(e->value[row->text])};
    struct output *o =
        output_get(d, index_of(e, F_OUTPUT_INDEX),
                   row->kind == CHAT_EV_THINKING ? OUTPUT_REASONING : OUTPUT_MESSAGE);

    if (o != NULL)
        output_piece(d, o, &piece);
}

static void on_args(struct chat_decoder *d, const struct event *e)
{
    struct output *o = output_find(d, index_of(e, F_OUTPUT_INDEX));

    if (o != NULL)
        output_args(d, o, json_text_of(e->value[F_DELTA]), false);
    else
        d->bad = true;
}

static void on_args_done(struct chat_decoder *d, const struct event *e)
{
    struct output *o = output_find(d, index_of(e, F_OUTPUT_INDEX));

    if (o != NULL)
        output_args(d, o, json_text_of(e->value[F_ARGUMENTS]), true);
}

static const struct {
    struct str type;
    void (*fn)(struct chat_decoder *d, const struct event *e);
} handlers[] = {
    {STR_INIT("response.function_call_arguments.delta"), on_args},
    {STR_INIT("response.function_call_arguments.done"), on_args_done},
    {STR_INIT("response.output_item.added"), on_item_added},
    {STR_INIT("response.output_item.done"), on_item_done},
    {STR_INIT("response.created"), on_start},
    {STR_INIT("response.in_progress"), on_start},
    {STR_INIT("response.completed"), on_end},
    {STR_INIT("response.incomplete"), on_end},
    {STR_INIT("response.failed"), on_end},
    {STR_INIT("response.cancelled"), on_end},
};

static void on_event(struct chat_decoder *d, const struct event *e)
{
    for (size_t i = 0; i < COUNTOF(pieces); i++) {
        if (str_eq(e->type, pieces[i].type)) {
            on_piece(d, e, &pieces[i]);
            return;
        }
    }
    for (size_t i = 0; i < COUNTOF(handlers); i++) {
        if (str_eq(e->type, handlers[i].type)) {
            handlers[i].fn(d, e);
            return;
        }
    }
}

/* ---- the dialect ---- */

struct chat_decoder *responses_decoder_new(struct arena *a)
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

static bool scan(struct str json, struct event *e)
{
    *e = (struct event){.value = {{NULL, 0}}};
    return json_type_of(json) == JSON_OBJECT &&
           json_scan(json, JSON_DEPTH_MAX, take_member, e, NULL);
}

/* Some proxies put an error where an event belongs, without its type. */
static bool is_error(const struct event *e)
{
    return str_eq(e->type, STR("error")) ||
           (e->type.len == 0 && json_type_of(e->value[F_ERROR]) == JSON_OBJECT);
}

/* An error's is not counted: where events pass, it does not. */
static void note_number(struct chat_decoder *d, const struct event *e)
{
    uint64_t number;

    if (!d->ended && str_to_u64(e->value[F_SEQUENCE_NUMBER], &number) && number < UINT64_MAX)
        d->next_number = number + 1;
}

uint64_t responses_next_number(const struct chat_decoder *d)
{
    return d->next_number;
}

bool responses_decode(struct chat_decoder *d, struct str name, struct str data, chat_event_fn *emit,
                      void *ctx)
{
    struct event e;
    bool json;

    if (d->ended || str_eq(data, STR("[DONE]")))
        return true;
    hear(d, emit, ctx);
    json = scan(data, &e);
    if (!json && !str_eq(name, STR("error")))
        return false;
    e.type = json && word_of(e.value[F_TYPE]).len > 0 ? word_of(e.value[F_TYPE]) : name;
    if (is_error(&e)) {
        read_error(d, data);
        return true;
    }
    on_event(d, &e);
    note_number(d, &e);
    return !d->bad;
}

/* One that is still to be made (`background`) starts, and that is all there is to tell. */
bool responses_decode_whole(struct chat_decoder *d, struct str body, chat_event_fn *emit, void *ctx)
{
    static const struct str to_come[] = {STR_INIT("queued"), STR_INIT("in_progress")};
    struct json_text status;
    struct event e;

    hear(d, emit, ctx);
    if (!scan(body, &e))
        return false;
    status = json_text_of(json_pick_one(body, STR("status"), JSON_STRING));
    if (json_pick_one(body, STR("output"), JSON_ARRAY).len == 0 && status.len == 0) {
        if (json_pick_one(body, STR("error"), JSON_NONE).len == 0)
            return false;
        read_error(d, body);
        return true;
    }
    if (is_one_of(status, to_come, COUNTOF(to_come)))
        start(d, body);
    else
        finish(d, body, status.len > 0 ? status : JSON_TEXT("completed"));
    return !d->bad;
}

static struct str path(struct arena *a, const struct chat_request *r)
{
    (void)a;
    (void)r;
    return STR("/responses");
}

const struct dialect dialect_responses = {
    .name = "responses",
    .id = CHAT_RESPONSES,
    .framing = CHAT_SSE,
    .path = path,
    .encode = responses_encode,
    .decoder_new = responses_decoder_new,
    .decode = responses_decode,
    .decode_whole = responses_decode_whole,
    .refusal = openai_refusal_event,
};
