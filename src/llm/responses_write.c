/*
 * The answer, from our events into those of the Responses API.
 *
 * Each event of the API names the item that it is about, so calls that a target tells in turns need
 * not wait for each other: they are open side by side, until the target says that they are whole or
 * stops.  A message or a reasoning item is over when another item begins.  All that was said is
 * kept: the API wants it again, piece by piece and then as a whole, when it is done.
 *
 * A whole answer is what its stream would have said last.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/responses_write.h"
#include "llm/responses_read.h"
#include "llm/responses_seal.h"

#include <errno.h>

#include "llm/dialects.h"
#include "llm/responses.h"

#define ITEMS_MAX 4096u

struct chat_writer {
    struct arena *arena;
    struct responses_frame frame;
    struct responses_item *first, *last;
    struct responses_item *touched; /* what the last event was about */
    uint32_t items;
    uint64_t seq;
    bool started; /* response.created was written */
    bool done;    /* END came, or an error was told */
    bool ending;  /* some item has ended and is not done */
    bool refused; /* it said that it declines */
    struct chat_usage usage;
    enum chat_stop stop;
    struct json_text stop_text;
};

static struct chat_writer *writer_new(struct arena *a, const struct chat_answer_facts *facts)
{
    struct chat_writer *w = ARENA_NEW(a, struct chat_writer);

    if (w == NULL)
        return NULL;
    w->arena = a;
    w->frame = (struct responses_frame){facts, responses_echo(a, facts->request)};
    return w->frame.echo.ptr != NULL ? w : NULL;
}

static struct responses_pen pen_of(struct chat_writer *w, struct json_pen *p)
{
    return (struct responses_pen){p, &w->seq};
}

/* Events' texts are gone with the event; .ptr NULL for an absent one, and without room. */
static struct json_text copy(struct chat_writer *w, struct json_text t)
{
    struct str s = t.ptr != NULL ? arena_dup(w->arena, str_make(t.ptr, t.len)) : STR("");

    return t.ptr != NULL ? (struct json_text){s.ptr, s.len} : t;
}

/* ---- how it ended ---- */

/* Why an answer is not complete, and what its target called that where our word says less. */
static const struct {
    struct str incomplete;
    struct json_text native;
} endings[] = {
    [CHAT_STOP_NONE] = {{"", 0}, {NULL, 0}},
    [CHAT_STOP_END] = {{"", 0}, {NULL, 0}},
    [CHAT_STOP_SEQUENCE] = {{"", 0}, {NULL, 0}},
    [CHAT_STOP_LENGTH] = {STR_INIT("max_output_tokens"), {NULL, 0}},
    [CHAT_STOP_CALLS] = {{"", 0}, {NULL, 0}},
    [CHAT_STOP_FILTER] = {STR_INIT("content_filter"), {NULL, 0}},
    [CHAT_STOP_REFUSAL] = {STR_INIT("content_filter"), {"refusal", 7}},
    [CHAT_STOP_PAUSE] = {{"", 0}, {"pause_turn", 10}},
    [CHAT_STOP_CONTEXT] = {STR_INIT("max_output_tokens"), {"model_context_window_exceeded", 29}},
    [CHAT_STOP_OTHER] = {{"", 0}, {NULL, 0}},
};

/* A model that declined in words has said all it had to. */
static struct str incomplete_of(const struct chat_writer *w)
{
    return w->stop == CHAT_STOP_REFUSAL && w->refused ? STR("") : endings[w->stop].incomplete;
}

static struct responses_outcome outcome(const struct chat_writer *w)
{
    struct responses_outcome o = {.incomplete = incomplete_of(w), .usage = &w->usage};

    o.status = o.incomplete.len > 0 ? STR("incomplete") : STR("completed");
    o.native = w->stop == CHAT_STOP_OTHER ? w->stop_text : endings[w->stop].native;
    return o;
}

/* ---- items ---- */

static struct str item_id(struct chat_writer *w, enum responses_kind kind)
{
    static const char *const prefixes[] = {"msg", "rs", "fc"};

    return arena_printf(w->arena, "%s_%.*s%04x", prefixes[kind], STR_ARG(w->frame.facts->id),
                        w->items);
}

static struct responses_item *find_call(const struct chat_writer *w, uint32_t call)
{
    struct responses_item *item = w->touched;

    if (item != NULL && item->kind == RESPONSES_CALL && item->call == call)
        return item;
    item = w->first;
    while (item != NULL && (item->kind != RESPONSES_CALL || item->call != call))
        item = item->next;
    return item;
}

static void piece_done(struct responses_item *item, struct responses_pen p)
{
    if (item->last == NULL || item->last->done)
        return;
    item->last->done = true;
    responses_put_piece_done(p, item);
}

/* `arguments` of a call without any have to be JSON all the same. */
static int args_done(struct chat_writer *w, struct responses_item *item, struct responses_pen p)
{
    int err = 0;

    if (item->text.len == 0) {
        err = responses_text_add(w->arena, &item->text, JSON_TEXT("{}"));
        responses_put_delta(p, item, JSON_TEXT("{}"));
    }
    responses_put_args_done(p, item);
    return err;
}

static int item_done(struct chat_writer *w, struct responses_item *item, struct responses_pen p)
{
    int err = 0;

    if (item->done)
        return 0;
    if (item->kind == RESPONSES_MESSAGE)
        piece_done(item, p);
    else if (item->kind == RESPONSES_CALL)
        err = args_done(w, item, p);
    else if (item->text.len > 0)
        responses_put_summary_done(p, item);
    item->done = true;
    responses_put_item_done(p, item);
    return err;
}

/* Those that the target has ended, or all of them. */
static int items_done(struct chat_writer *w, struct responses_pen p, bool all)
{
    int err = 0;

    if (!all && !w->ending)
        return 0;
    for (struct responses_item *item = w->first; err == 0 && item != NULL; item = item->next) {
        if (all || item->ended)
            err = item_done(w, item, p);
    }
    w->ending = false;
    return err;
}

static int push_item(struct chat_writer *w, enum responses_kind kind, struct responses_pen p)
{
    struct responses_item *item;
    int err = 0;

    if (w->items == ITEMS_MAX)
        return -ENOBUFS;
    if (w->last != NULL && w->last->kind != RESPONSES_CALL)
        err = item_done(w, w->last, p);
    item = ARENA_NEW(w->arena, struct responses_item);
    if (err < 0 || item == NULL)
        return err < 0 ? err : -ENOMEM;
    item->kind = kind;
    item->index = w->items;
    item->id = item_id(w, kind);
    w->items++;
    if (w->last != NULL)
        w->last->next = item;
    else
        w->first = item;
    w->last = w->touched = item;
    return item->id.ptr != NULL ? 0 : -ENOMEM;
}

/* ---- messages ---- */

static bool goes_on(const struct chat_writer *w, enum responses_kind kind)
{
    return w->last != NULL && w->last->kind == kind && !w->last->done && !w->last->ended;
}

static int touch_message(struct chat_writer *w, struct responses_pen p)
{
    int err;

    w->touched = w->last;
    if (goes_on(w, RESPONSES_MESSAGE))
        return 0;
    err = push_item(w, RESPONSES_MESSAGE, p);
    if (err == 0)
        responses_put_item_added(p, w->last);
    return err;
}

static int touch_piece(struct chat_writer *w, bool refusal, struct responses_pen p)
{
    struct responses_item *item = w->last;
    struct responses_piece *piece = item->last;

    if (piece != NULL && piece->refusal == refusal && !piece->ended)
        return 0;
    piece_done(item, p);
    piece = ARENA_NEW(w->arena, struct responses_piece);
    if (piece == NULL)
        return -ENOMEM;
    piece->refusal = refusal;
    if (item->last != NULL)
        item->last->next = piece;
    else
        item->first = piece;
    item->last = piece;
    item->pieces++;
    responses_put_piece_added(p, item);
    return 0;
}

static int add_text(struct chat_writer *w, const struct chat_event *ev, struct responses_pen p)
{
    int err = touch_message(w, p);

    if (err == 0)
        err = touch_piece(w, ev->kind == CHAT_EV_REFUSAL, p);
    if (err < 0)
        return err;
    responses_put_delta(p, w->last, ev->text);
    return responses_text_add(w->arena, &w->last->last->text, ev->text);
}

/* ---- reasoning ---- */

static int push_reasoning(struct chat_writer *w, struct responses_pen p)
{
    int err = push_item(w, RESPONSES_REASONING, p);

    if (err == 0)
        responses_put_item_added(p, w->last);
    return err;
}

static int add_thinking(struct chat_writer *w, struct json_text text, struct responses_pen p)
{
    int err = 0;

    w->touched = w->last;
    if (!goes_on(w, RESPONSES_REASONING))
        err = push_reasoning(w, p);
    if (err < 0)
        return err;
    if (w->last->text.len == 0)
        responses_put_summary_added(p, w->last);
    responses_put_delta(p, w->last, text);
    return responses_text_add(w->arena, &w->last->text, text);
}

/* Nothing may be added to what is sealed. */
static int seal(struct chat_writer *w, const char *seal, struct json_text sealed)
{
    w->last->seal = seal;
    w->last->sealed = copy(w, sealed);
    w->last->ended = w->ending = true;
    return w->last->sealed.ptr != NULL ? 0 : -ENOMEM;
}

static int add_signature(struct chat_writer *w, struct json_text text, struct responses_pen p)
{
    int err = goes_on(w, RESPONSES_REASONING) ? 0 : push_reasoning(w, p);

    w->touched = w->last;
    return err == 0 ? seal(w, RESPONSES_SEAL_SIGNATURE, text) : err;
}

static int add_sealed(struct chat_writer *w, const char *word, struct json_text text,
                      struct responses_pen p)
{
    int err = push_reasoning(w, p);

    return err == 0 ? seal(w, word, text) : err;
}

/* ---- calls ---- */

static struct json_text call_id(struct chat_writer *w, const struct chat_event *ev)
{
    struct str id;

    if (ev->id.len > 0)
        return copy(w, ev->id);
    id = arena_printf(w->arena, "call_%.*s%04x", STR_ARG(w->frame.facts->id), w->last->index);
    return id.ptr != NULL ? json_text_make(w->arena, id) : (struct json_text){NULL, 0};
}

static int add_call(struct chat_writer *w, const struct chat_event *ev, struct responses_pen p)
{
    int err = 0;

    if (find_call(w, ev->call) != NULL)
        return 0;
    if (ev->signature.len > 0)
        err = add_sealed(w, RESPONSES_SEAL_CALL, ev->signature, p);
    if (err == 0)
        err = push_item(w, RESPONSES_CALL, p);
    if (err < 0)
        return err;
    w->last->call = ev->call;
    w->last->call_id = call_id(w, ev);
    w->last->name = ev->name.ptr != NULL ? copy(w, ev->name) : JSON_TEXT("");
    if (w->last->call_id.ptr == NULL || w->last->name.ptr == NULL)
        return -ENOMEM;
    responses_put_item_added(p, w->last);
    return 0;
}

static int add_args(struct chat_writer *w, const struct chat_event *ev, struct responses_pen p)
{
    struct responses_item *item = find_call(w, ev->call);

    if (item == NULL || item->done)
        return 0;
    w->touched = item;
    responses_put_delta(p, item, ev->text);
    return responses_text_add(w->arena, &item->text, ev->text);
}

/* ---- events ---- */

static void block_ended(struct chat_writer *w)
{
    struct responses_item *item = w->touched;

    if (item == NULL)
        return;
    if (item->kind == RESPONSES_MESSAGE && item->last != NULL)
        item->last->ended = true;
    else
        item->ended = w->ending = true;
}

static int add(struct chat_writer *w, const struct chat_event *ev, struct responses_pen p)
{
    int err = items_done(w, p, false);

    if (err < 0)
        return err;
    if (ev->kind == CHAT_EV_CALL)
        return add_call(w, ev, p);
    if (ev->kind == CHAT_EV_ARGS)
        return add_args(w, ev, p);
    if (ev->kind == CHAT_EV_THINKING)
        return add_thinking(w, ev->text, p);
    if (ev->kind == CHAT_EV_SIGNATURE)
        return add_signature(w, ev->text, p);
    if (ev->kind == CHAT_EV_REDACTED)
        return add_sealed(w, RESPONSES_SEAL_REDACTED, ev->text, p);
    return add_text(w, ev, p);
}

/* Only what was under way when the answer was cut short is not whole. */
static int stop(struct chat_writer *w, const struct chat_event *ev, struct responses_pen p)
{
    w->stop = ev->stop;
    w->stop_text = copy(w, ev->text);
    if (w->last != NULL && !w->last->done)
        w->last->incomplete = incomplete_of(w).len > 0;
    return items_done(w, p, true);
}

/* Whether `ev` is for an item; what is not is remembered, or passed over: citations and blocks of
 * other vendors' have no place here. */
static bool is_content(struct chat_writer *w, const struct chat_event *ev)
{
    switch (ev->kind) {
    case CHAT_EV_REFUSAL:
        w->refused = true;
        return ev->text.len > 0;
    case CHAT_EV_TEXT:
    case CHAT_EV_THINKING:
    case CHAT_EV_SIGNATURE:
    case CHAT_EV_REDACTED:
    case CHAT_EV_ARGS:
        return ev->text.len > 0;
    case CHAT_EV_CALL:
        return true;
    case CHAT_EV_BLOCK_END:
        block_ended(w);
        return false;
    case CHAT_EV_USAGE:
        w->usage = ev->usage;
        return false;
    case CHAT_EV_START:
    case CHAT_EV_CITATION:
    case CHAT_EV_RAW:
    case CHAT_EV_STOP:
    case CHAT_EV_END:
    case CHAT_EV_ERROR: /* the gateway's: error_event() */
        return false;
    }
    return false;
}

static int hear(struct chat_writer *w, const struct chat_event *ev, struct responses_pen p)
{
    if (ev->kind == CHAT_EV_STOP)
        return stop(w, ev, p);
    if (ev->kind == CHAT_EV_END)
        return items_done(w, p, true);
    return add(w, ev, p);
}

/* ---- the stream ---- */

static void start(struct chat_writer *w, struct responses_pen p)
{
    const struct responses_outcome o = {.status = STR("in_progress")};

    if (w->started)
        return;
    w->started = true;
    responses_put_state(p, STR("response.created"), &w->frame, NULL, &o);
    responses_put_state(p, STR("response.in_progress"), &w->frame, NULL, &o);
}

static void finish(struct chat_writer *w, struct responses_pen p)
{
    struct responses_outcome o = outcome(w);

    responses_put_state(
        p, o.incomplete.len > 0 ? STR("response.incomplete") : STR("response.completed"), &w->frame,
        w->first, &o);
    w->done = true;
}

static int put(struct chat_writer *w, const struct chat_event *ev, struct buf *out)
{
    struct json_pen pen = json_pen(out);
    struct responses_pen p = pen_of(w, &pen);
    size_t before = out->len;
    uint64_t seq = w->seq;
    bool started = w->started;
    int err;

    if (ev->choice != 0 || w->done) /* an answer has one, and ends once */
        return 0;
    if (!is_content(w, ev) && ev->kind != CHAT_EV_STOP && ev->kind != CHAT_EV_END)
        return 0;
    start(w, p);
    err = hear(w, ev, p);
    if (err == 0 && ev->kind == CHAT_EV_END)
        finish(w, p);
    err = err != 0 ? err : pen.err;
    if (err < 0) { /* nothing of it goes to the client */
        out->len = before;
        w->seq = seq;
        w->started = started;
    }
    return err;
}

/* ---- a whole answer ---- */

static int collect(struct chat_writer *w, const struct chat_event *ev)
{
    if (ev->choice != 0 || w->done)
        return 0;
    w->done = ev->kind == CHAT_EV_END;
    if (!is_content(w, ev) && ev->kind != CHAT_EV_STOP && ev->kind != CHAT_EV_END)
        return 0;
    return hear(w, ev, pen_of(w, NULL));
}

static int write(struct chat_writer *w, struct buf *out)
{
    struct json_pen p = json_pen(out);
    struct responses_outcome o = outcome(w);
    size_t before = out->len;

    responses_object(&p, &w->frame, w->first, &o);
    if (p.err < 0)
        out->len = before;
    return p.err;
}

/* ---- errors ---- */

static int error_body(enum fault f, struct str message, struct str param, struct str request_id,
                      struct buf *out)
{
    return surface_chat.error_body(f, message, param, request_id, out); /* OpenAI has but one */
}

int responses_put_failure(uint64_t number, enum fault f, struct str message, struct buf *out)
{
    struct json_pen pen = json_pen(out);
    size_t before = out->len;

    responses_put_error((struct responses_pen){&pen, &number}, f, message);
    if (pen.err < 0)
        out->len = before;
    return pen.err;
}

/* What had been said until then is in the response that failed, as far as it came.  Without a
 * writer nothing had been. */
static int error_event(struct chat_writer *w, enum fault f, struct str message, struct buf *out)
{
    struct json_pen pen = json_pen(out);
    struct responses_outcome o = {.status = STR("failed"), .fault = f, .message = message};
    size_t before = out->len;

    if (w == NULL)
        return responses_put_failure(0, f, message, out);
    o.usage = &w->usage;
    start(w, pen_of(w, &pen));
    responses_put_error(pen_of(w, &pen), f, message);
    responses_put_state(pen_of(w, &pen), STR("response.failed"), &w->frame, w->first, &o);
    w->done = true;
    if (pen.err < 0)
        out->len = before;
    return pen.err;
}

const struct chat_surface surface_responses = {
    .name = "responses",
    .id = CHAT_RESPONSES,
    .read = responses_read,
    .writer_new = writer_new,
    .put = put,
    .collect = collect,
    .write = write,
    .error_body = error_body,
    .error_event = error_event,
    .keepalive = STR_INIT(": keep-alive\n\n"),
};
