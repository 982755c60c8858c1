/*
 * The answer, from our events into Anthropic's.
 *
 * One block is open at a time and blocks are numbered in the order they began, but targets may tell
 * of several calls in turns.  So blocks stand in a queue: what is for its head is written at once,
 * what is for one behind it is held until those before it have ended.  A text has ended when
 * something else begins, a call when its arguments are a whole object, and either when the target
 * says so.  A whole answer is the same queue, all of it held.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/messages_write.h"
#include "llm/messages_read.h"

#include <errno.h>

#include "llm/dialects.h"

/* Of one answer, while a call before it goes on. */
#define HELD_BYTES_MAX (1u << 20)
#define BLOCKS_MAX 4096u

struct chat_writer {
    struct arena *arena;
    const struct chat_answer_facts *facts;
    struct messages_block *first;       /* ever */
    struct messages_block *head, *tail; /* the queue */
    struct messages_block *touched;     /* what the last event was about */
    uint32_t index;                     /* the head's */
    bool open;                          /* its content_block_start was written */
    bool started;                       /* message_start was */
    bool done;                          /* END came */
    bool whole;                         /* not a stream: all is held */
    uint32_t blocks, calls;             /* begun */
    size_t held;
    struct chat_usage usage;
    enum chat_stop stop;
    struct json_text stop_text;
    struct str stop_details; /* raw */
    bool refused;            /* it said that it declines */
};

static struct chat_writer *writer_new(struct arena *a, const struct chat_answer_facts *facts)
{
    struct chat_writer *w = ARENA_NEW(a, struct chat_writer);

    if (w == NULL)
        return NULL;
    w->arena = a;
    w->facts = facts;
    return w;
}

/* Events' texts are gone with the event; .ptr NULL for an absent one, and without room. */
static struct json_text copy(struct chat_writer *w, struct json_text t)
{
    struct str s = t.ptr != NULL ? arena_dup(w->arena, str_make(t.ptr, t.len)) : STR("");

    return t.ptr != NULL ? (struct json_text){s.ptr, s.len} : t;
}

/* ---- how it ended ---- */

static const struct str reasons[] = {
    [CHAT_STOP_NONE] = STR_INIT("end_turn"),
    [CHAT_STOP_END] = STR_INIT("end_turn"),
    [CHAT_STOP_SEQUENCE] = STR_INIT("stop_sequence"),
    [CHAT_STOP_LENGTH] = STR_INIT("max_tokens"),
    [CHAT_STOP_CALLS] = STR_INIT("tool_use"),
    [CHAT_STOP_FILTER] = STR_INIT("refusal"),
    [CHAT_STOP_REFUSAL] = STR_INIT("refusal"),
    [CHAT_STOP_PAUSE] = STR_INIT("pause_turn"),
    [CHAT_STOP_CONTEXT] = STR_INIT("model_context_window_exceeded"),
    [CHAT_STOP_OTHER] = STR_INIT("end_turn"),
};

/* Agents go by stop_reason alone, and some targets say "stop" beside calls, or "tool_calls" without
 * one. */
static struct str reason_of(const struct chat_writer *w)
{
    bool plain = w->stop == CHAT_STOP_NONE || w->stop == CHAT_STOP_END ||
                 w->stop == CHAT_STOP_OTHER || w->stop == CHAT_STOP_CALLS;

    if (plain && w->calls > 0)
        return reasons[CHAT_STOP_CALLS];
    if (plain && w->refused)
        return reasons[CHAT_STOP_REFUSAL];
    return w->stop == CHAT_STOP_CALLS ? reasons[CHAT_STOP_END] : reasons[w->stop];
}

static struct messages_ending ending(const struct chat_writer *w)
{
    struct messages_ending e = {.reason = reason_of(w), .details = w->stop_details};

    if (w->stop == CHAT_STOP_SEQUENCE)
        e.sequence = w->stop_text;
    else if (w->stop == CHAT_STOP_OTHER)
        e.unknown = w->stop_text;
    return e;
}

/* ---- the queue ---- */

static int push_block(struct chat_writer *w, enum chat_event_kind kind)
{
    struct messages_block *b;

    if (w->blocks == BLOCKS_MAX)
        return -ENOBUFS;
    b = ARENA_NEW(w->arena, struct messages_block);
    if (b == NULL)
        return -ENOMEM;
    b->kind = kind;
    if (w->tail != NULL)
        w->tail->next = b;
    else
        w->first = b;
    if (w->head == NULL)
        w->head = b;
    w->tail = b;
    w->touched = b;
    w->blocks++;
    return 0;
}

/* The last block goes on with this, or another begins.  `fresh`: another in any case. */
static int touch(struct chat_writer *w, enum chat_event_kind kind, bool fresh)
{
    if (w->tail == NULL || w->tail->ended || w->tail->kind != kind || fresh)
        return push_block(w, kind);
    w->touched = w->tail;
    return 0;
}

static bool is_signed(const struct chat_writer *w)
{
    return w->tail != NULL && w->tail->signature.ptr != NULL;
}

static struct messages_block *find_call(const struct chat_writer *w, uint32_t call)
{
    struct messages_block *b = w->first;

    while (b != NULL && (b->kind != CHAT_EV_CALL || b->call != call))
        b = b->next;
    return b;
}

static int begin_call(struct chat_writer *w, const struct chat_event *ev)
{
    struct messages_block *b;
    int err;

    if (find_call(w, ev->call) != NULL)
        return 0;
    err = push_block(w, CHAT_EV_CALL);
    if (err < 0)
        return err;
    b = w->tail;
    b->call = ev->call;
    b->id = copy(w, ev->id);
    b->name = copy(w, ev->name);
    b->signature = copy(w, ev->signature);
    w->calls++;
    if (ev->id.len == 0) {
        struct str id = arena_printf(w->arena, "toolu_%.*s_%u", STR_ARG(w->facts->id), w->calls);

        b->id = json_text_make(w->arena, id);
    }
    return b->id.ptr != NULL && (ev->name.ptr == NULL || b->name.ptr != NULL) ? 0 : -ENOMEM;
}

static int push_raw(struct chat_writer *w, const struct chat_event *ev)
{
    int err = push_block(w, ev->kind);

    if (err < 0)
        return err;
    w->tail->ended = true;
    w->tail->data = copy(w, ev->text);
    w->tail->raw = arena_dup(w->arena, ev->raw);
    return ev->kind == CHAT_EV_RAW ? (w->tail->raw.ptr != NULL ? 0 : -ENOMEM)
                                   : (w->tail->data.ptr != NULL ? 0 : -ENOMEM);
}

/* Find or begin the block that `ev` is of; w->touched is it, or NULL where there is none. */
static int place(struct chat_writer *w, const struct chat_event *ev)
{
    w->touched = NULL;
    if (ev->kind == CHAT_EV_TEXT || ev->kind == CHAT_EV_REFUSAL || ev->kind == CHAT_EV_CITATION)
        return touch(w, CHAT_EV_TEXT, false);
    if (ev->kind == CHAT_EV_THINKING || ev->kind == CHAT_EV_SIGNATURE)
        return touch(w, CHAT_EV_THINKING, is_signed(w));
    if (ev->kind == CHAT_EV_CALL)
        return begin_call(w, ev);
    if (ev->kind == CHAT_EV_ARGS)
        w->touched = find_call(w, ev->call);
    else if (ev->kind == CHAT_EV_REDACTED || ev->kind == CHAT_EV_RAW)
        return push_raw(w, ev);
    return 0;
}

/* What `ev` adds to the block; false: nothing. */
static bool piece_of(struct messages_block *b, const struct chat_event *ev,
                     struct messages_piece *ret)
{
    *ret = (struct messages_piece){.next = NULL};
    if (b->ended)
        return false;
    if (ev->kind == CHAT_EV_CITATION) {
        ret->citation = ev->raw;
        return true;
    }
    if (ev->kind == CHAT_EV_SIGNATURE) {
        ret->signature = ev->text;
        return true;
    }
    ret->text = ev->kind == CHAT_EV_ARGS ? chat_args_feed(&b->args, ev->text) : ev->text;
    return ev->kind != CHAT_EV_CALL && ret->text.len > 0;
}

static int hold(struct chat_writer *w, struct messages_block *b, const struct messages_piece *piece)
{
    struct messages_piece *p = ARENA_NEW(w->arena, struct messages_piece);
    size_t len = piece->text.len + piece->signature.len + piece->citation.len;

    if (p == NULL)
        return -ENOMEM;
    w->held += len;
    if (!w->whole && w->held > HELD_BYTES_MAX)
        return -ENOBUFS;
    p->text = copy(w, piece->text);
    p->signature = copy(w, piece->signature);
    p->citation = piece->citation.len > 0 ? arena_dup(w->arena, piece->citation) : STR("");
    if (p->text.ptr == NULL && p->signature.ptr == NULL && p->citation.len == 0)
        return -ENOMEM;
    if (b->first == NULL)
        b->first = p;
    else
        b->last->next = p;
    b->last = p;
    return 0;
}

/* ---- the stream ---- */

static bool is_over(const struct messages_block *b)
{
    return b->ended || (b->kind == CHAT_EV_CALL ? b->args.whole : b->next != NULL);
}

static void open_head(struct chat_writer *w, struct json_pen *p)
{
    messages_put_block_start(p, w->index, w->head);
    for (const struct messages_piece *piece = w->head->first; piece != NULL; piece = piece->next)
        messages_put_piece(p, w->index, w->head, piece);
    w->open = true;
}

/* Write what nothing stands in the way of any more. */
static void advance(struct chat_writer *w, struct json_pen *p)
{
    while (w->head != NULL) {
        if (!w->open)
            open_head(w, p);
        if (!is_over(w->head))
            return;
        messages_put_block_stop(p, w->index, w->head);
        w->index++;
        w->open = false;
        w->head->ended = true;
        w->head = w->head->next;
    }
}

static int add(struct chat_writer *w, const struct chat_event *ev, struct json_pen *p)
{
    struct messages_piece piece;
    int err = place(w, ev);
    struct messages_block *b = w->touched;

    if (err < 0 || b == NULL)
        return err;
    if (!w->whole)
        advance(w, p);
    if (piece_of(b, ev, &piece)) {
        if (!w->whole && b == w->head)
            messages_put_piece(p, w->index, b, &piece);
        else
            err = hold(w, b, &piece);
    }
    if (err == 0 && ev->kind == CHAT_EV_SIGNATURE) {
        b->signature = copy(w, ev->text);
        err = b->signature.ptr != NULL ? 0 : -ENOMEM;
    }
    if (!w->whole)
        advance(w, p);
    return err;
}

static void end_all(struct chat_writer *w)
{
    for (struct messages_block *b = w->first; b != NULL; b = b->next)
        b->ended = true;
}

static void take_stop(struct chat_writer *w, const struct chat_event *ev)
{
    w->stop = ev->stop;
    w->stop_text = copy(w, ev->text);
    if (ev->vendor == CHAT_ANTHROPIC && ev->raw.len > 0)
        w->stop_details = arena_dup(w->arena, ev->raw);
}

/* Another API's citations mean nothing to a client of this one, whose are all some "…_location". */
static bool take_type(void *ctx, const struct json_member *m)
{
    const struct str suffix = STR("_location\"");
    bool *ours = ctx;

    if (json_key_is(m, STR("type")))
        *ours = m->value.len > suffix.len &&
                str_eq(str_skip(m->value, m->value.len - suffix.len), suffix);
    return true;
}

static bool is_ours(const struct chat_event *ev)
{
    bool ours = false;

    if (ev->kind == CHAT_EV_RAW)
        return ev->vendor == CHAT_ANTHROPIC && ev->raw.len > 0;
    if (ev->kind == CHAT_EV_CITATION && json_type_of(ev->raw) == JSON_OBJECT)
        json_members(ev->raw, take_type, &ours);
    return ours;
}

/* Whether `ev` is for a block; what is not is remembered, or passed over. */
static bool is_content(struct chat_writer *w, const struct chat_event *ev)
{
    switch (ev->kind) {
    case CHAT_EV_TEXT:
    case CHAT_EV_THINKING:
        return ev->text.len > 0; /* an empty block would be refused when it comes back */
    case CHAT_EV_REFUSAL:
        w->refused = true;
        return ev->text.len > 0;
    case CHAT_EV_SIGNATURE:
    case CHAT_EV_REDACTED:
        return ev->text.len > 0;
    case CHAT_EV_CALL:
    case CHAT_EV_ARGS:
        return true;
    case CHAT_EV_CITATION:
    case CHAT_EV_RAW:
        return is_ours(ev);
    case CHAT_EV_BLOCK_END:
        if (w->touched != NULL)
            w->touched->ended = true;
        return false;
    case CHAT_EV_USAGE:
        w->usage = ev->usage;
        return false;
    case CHAT_EV_STOP:
        take_stop(w, ev);
        return false;
    case CHAT_EV_END:
        end_all(w);
        return false;
    case CHAT_EV_START:
    case CHAT_EV_ERROR: /* the gateway's: error_event() */
        return false;
    }
    return false;
}

static void start(struct chat_writer *w, struct json_pen *p)
{
    messages_put_start(p, w->facts, &w->usage);
    pen_bytes(p, surface_messages.keepalive);
    w->started = true;
}

static int put(struct chat_writer *w, const struct chat_event *ev, struct buf *out)
{
    struct json_pen p = json_pen(out);
    size_t before = out->len;
    bool content;
    int err = 0;

    if (ev->choice != 0 || w->done) /* an answer has one, and ends once */
        return 0;
    content = is_content(w, ev);
    /* Not before there is more to say: the first usage belongs into message_start. */
    if (!w->started && (content || ev->kind == CHAT_EV_STOP || ev->kind == CHAT_EV_END))
        start(w, &p);
    if (content)
        err = add(w, ev, &p);
    else
        advance(w, &p);
    if (ev->kind == CHAT_EV_END) {
        struct messages_ending e = ending(w);

        messages_put_stop(&p, &e, &w->usage);
        w->done = true;
    }
    err = err != 0 ? err : p.err;
    if (err < 0)
        out->len = before;
    return err;
}

/* ---- a whole answer ---- */

static int collect(struct chat_writer *w, const struct chat_event *ev)
{
    if (ev->choice != 0 || w->done)
        return 0;
    w->whole = true;
    w->done = ev->kind == CHAT_EV_END;
    return is_content(w, ev) ? add(w, ev, NULL) : 0;
}

static int write(struct chat_writer *w, struct buf *out)
{
    struct json_pen p = json_pen(out);
    struct messages_ending e = ending(w);
    size_t before = out->len;

    messages_body(&p, w->arena, w->facts, w->first, &e, &w->usage);
    if (p.err < 0)
        out->len = before;
    return p.err;
}

/* ---- errors ---- */

static int error_event(struct chat_writer *w, enum fault f, struct str message, struct buf *out)
{
    struct json_pen p = json_pen(out);

    (void)w;
    messages_put_error(&p, f, message);
    return p.err;
}

const struct chat_surface surface_messages = {
    .name = "messages",
    .id = CHAT_ANTHROPIC,
    .read = messages_read,
    .writer_new = writer_new,
    .put = put,
    .collect = collect,
    .write = write,
    .error_body = messages_error_body,
    .error_event = error_event,
    .keepalive = STR_INIT("event: ping\ndata: {\"type\": \"ping\"}\n\n"),
};
