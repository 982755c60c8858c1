/*
 * The answer, from our events into Gemini's.
 *
 * A call goes out whole, as all of them do there, once its arguments are an object that has closed,
 * or the target says that it has ended; calls that a target tells in turns keep their order.  A
 * piece of thinking is held until the next event, for the signature belongs on the last one. Finish
 * reasons come last: usage may follow them, and clients of this API want both at once.
 *
 * A whole answer is what its stream would have said, with the pieces of a text put together.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/generate_part.h"

#include <errno.h>

#include "llm/dialects.h"

#define CALLS_MAX 4096u
#define CANDIDATES_MAX 128u

struct part { /* of a whole answer */
    struct part *next;
    struct generate_said said;
    struct chat_rope text;
};

struct call { /* one that is not told yet */
    struct call *next;
    uint32_t number;
    bool ended;
    struct generate_said said;
    struct chat_args args;
    struct chat_rope text;
};

struct candidate {
    struct candidate *next;
    uint32_t index;
    struct part *first, *last;
    struct call *open, *newest; /* in the order they began */
    struct call *touched;       /* what the last event was about; NULL: no open call */
    uint32_t calls;             /* that began */
    bool holds;                 /* a piece of thinking, in `held` */
    struct json_text held;
    char *room;
    size_t room_bytes;
    bool thinking; /* what was said last */
    bool refused;  /* it said that it declines */
    enum chat_stop stop;
    struct json_text word;
};

struct chat_writer {
    struct arena *arena;
    const struct chat_answer_facts *facts;
    struct candidate *first;
    uint32_t candidates;
    struct json_pen *pen; /* of the event that is being written; NULL: all is kept */
    bool done;            /* END came */
    struct chat_usage usage;
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

/* Events' texts are gone with the event.  False: no room. */
static bool copy(struct chat_writer *w, struct json_text t, struct json_text *ret)
{
    struct str s;

    if (t.ptr == NULL)
        return true;
    s = arena_dup(w->arena, str_make(t.ptr, t.len));
    *ret = (struct json_text){s.ptr, s.len};
    return s.ptr != NULL;
}

/* They stand in the order of their numbers. */
static int candidate_get(struct chat_writer *w, uint32_t index, struct candidate **ret)
{
    struct candidate **at = &w->first, *c;

    while (*at != NULL && (*at)->index < index)
        at = &(*at)->next;
    if (*at == NULL || (*at)->index != index) {
        if (w->candidates == CANDIDATES_MAX)
            return -ENOBUFS;
        c = ARENA_NEW(w->arena, struct candidate);
        if (c == NULL)
            return -ENOMEM;
        w->candidates++;
        c->index = index;
        c->next = *at;
        *at = c;
    }
    *ret = *at;
    return 0;
}

/* ---- how it ended ---- */

/* clang-format off */
static const struct {
    struct str reason;
    struct json_text message; /* what the reason does not say */
} endings[] = {
    [CHAT_STOP_NONE]     = {STR_INIT("STOP"),       {NULL, 0}},
    [CHAT_STOP_END]      = {STR_INIT("STOP"),       {NULL, 0}},
    [CHAT_STOP_SEQUENCE] = {STR_INIT("STOP"),       {NULL, 0}},
    [CHAT_STOP_LENGTH]   = {STR_INIT("MAX_TOKENS"), {NULL, 0}},
    [CHAT_STOP_CALLS]    = {STR_INIT("STOP"),       {NULL, 0}},
    [CHAT_STOP_FILTER]   = {STR_INIT("SAFETY"),     {NULL, 0}},
    [CHAT_STOP_REFUSAL]  = {STR_INIT("SAFETY"),     {"refusal", 7}},
    [CHAT_STOP_PAUSE]    = {STR_INIT("OTHER"),      {"pause_turn", 10}},
    [CHAT_STOP_CONTEXT]  = {STR_INIT("MAX_TOKENS"), {"model_context_window_exceeded", 29}},
    [CHAT_STOP_OTHER]    = {STR_INIT("OTHER"),      {NULL, 0}},
};
/* clang-format on */

/* Clients run tools when there are calls, and SDKs want STOP beside them: a word that nobody knows
 * must not keep them from it (R47). */
static struct generate_ending ending_of(const struct candidate *c)
{
    enum chat_stop stop = c->stop;

    if (c->refused && c->calls == 0 &&
        (stop == CHAT_STOP_END || stop == CHAT_STOP_NONE || stop == CHAT_STOP_CALLS))
        stop = CHAT_STOP_REFUSAL;
    if (stop == CHAT_STOP_OTHER)
        return (struct generate_ending){c->calls > 0 ? STR("STOP") : STR("OTHER"), c->word};
    return (struct generate_ending){endings[stop].reason, endings[stop].message};
}

/* ---- what is told ---- */

static bool joins(const struct candidate *c, const struct generate_said *said)
{
    const struct part *last = c->last;

    return last != NULL && last->said.kind == said->kind && last->said.signature.ptr == NULL &&
           (said->kind == CHAT_EV_TEXT || said->kind == CHAT_EV_THINKING);
}

static int keep(struct chat_writer *w, struct candidate *c, const struct generate_said *said)
{
    struct part *part = c->last;
    bool fresh = !joins(c, said);

    if (fresh) {
        part = ARENA_NEW(w->arena, struct part);
        if (part == NULL)
            return -ENOMEM;
        part->said.kind = said->kind;
        part->said.id = said->id; /* a call's is in the arena, as all it has */
        part->said.name = said->name;
        if (c->last != NULL)
            c->last->next = part;
        else
            c->first = part;
        c->last = part;
    }
    if (said->raw.len > 0)
        part->said.raw = arena_dup(w->arena, said->raw);
    return chat_rope_add(w->arena, &part->text, said->text) &&
                   copy(w, said->signature, &part->said.signature) &&
                   (said->raw.len == 0 || part->said.raw.ptr != NULL)
               ? 0
               : -ENOMEM;
}

static int tell(struct chat_writer *w, struct candidate *c, const struct generate_said *said)
{
    struct generate_said sealed = *said;

    sealed.signature = generate_seal(w->arena, said->signature);
    if (sealed.signature.len < said->signature.len)
        return -ENOMEM;
    if (w->pen == NULL)
        return keep(w, c, &sealed);
    generate_put_chunk(w->pen, w->facts, &w->usage, c->index, &sealed, NULL);
    return w->pen->err;
}

/* ---- thinking ---- */

static int release(struct chat_writer *w, struct candidate *c, struct json_text signature)
{
    struct generate_said said = {.kind = CHAT_EV_THINKING, .text = c->held, .signature = signature};

    if (!c->holds)
        return 0;
    c->holds = false;
    return tell(w, c, &said);
}

static int think(struct chat_writer *w, struct candidate *c, struct json_text text)
{
    int err = release(w, c, (struct json_text){NULL, 0});

    if (err < 0)
        return err;
    if (text.len > c->room_bytes) {
        c->room = arena_bytes(w->arena, 2 * text.len);
        c->room_bytes = c->room != NULL ? 2 * text.len : 0;
        if (c->room == NULL)
            return -ENOMEM;
    }
    memcpy(c->room, text.ptr, text.len);
    c->held = (struct json_text){c->room, text.len};
    c->holds = c->thinking = true;
    return 0;
}

/* On the piece that is held; without one, where Gemini puts it: on a part with an empty text.  What
 * others signed was a thought, be it one that they do not show. */
static int sign(struct chat_writer *w, struct candidate *c, struct json_text signature)
{
    bool thought = c->thinking || generate_is_marked(signature);
    struct generate_said said = {
        .kind = thought ? CHAT_EV_THINKING : CHAT_EV_TEXT, .text = {"", 0}, .signature = signature};

    return c->holds ? release(w, c, signature) : tell(w, c, &said);
}

static int seal(struct chat_writer *w, struct candidate *c, struct json_text data)
{
    struct json_text pieces[] = {JSON_TEXT(GENERATE_REDACTED), data};
    struct generate_said said = {.kind = CHAT_EV_THINKING, .text = {"", 0}};
    int err = release(w, c, (struct json_text){NULL, 0});

    if (err < 0)
        return err;
    said.signature = json_text_join(w->arena, pieces, 2, (struct json_text){NULL, 0});
    return said.signature.ptr != NULL ? tell(w, c, &said) : -ENOMEM;
}

/* ---- calls ---- */

static struct call *find_call(const struct candidate *c, uint32_t number)
{
    struct call *call = c->open;

    while (call != NULL && call->number != number)
        call = call->next;
    return call;
}

static int begin_call(struct chat_writer *w, struct candidate *c, const struct chat_event *ev)
{
    struct call *call;

    c->touched = find_call(c, ev->call);
    if (c->touched != NULL)
        return 0;
    if (c->calls == CALLS_MAX)
        return -ENOBUFS;
    call = ARENA_NEW(w->arena, struct call);
    if (call == NULL || !copy(w, ev->id, &call->said.id) || !copy(w, ev->name, &call->said.name) ||
        !copy(w, ev->signature, &call->said.signature))
        return -ENOMEM;
    call->number = ev->call;
    call->said.kind = CHAT_EV_CALL;
    if (c->open != NULL)
        c->newest->next = call;
    else
        c->open = call;
    c->newest = c->touched = call;
    c->calls++;
    return 0;
}

static int add_args(struct chat_writer *w, struct candidate *c, const struct chat_event *ev)
{
    struct call *call = find_call(c, ev->call);

    c->touched = call;
    if (call == NULL || call->ended ||
        chat_rope_add(w->arena, &call->text, chat_args_feed(&call->args, ev->text)))
        return 0;
    return -ENOMEM;
}

static int tell_call(struct chat_writer *w, struct candidate *c, struct call *call)
{
    struct json_text text = chat_rope_text(w->arena, &call->text);

    call->said.raw = text.ptr != NULL ? chat_args_object(w->arena, text) : (struct str){NULL, 0};
    return call->said.raw.ptr != NULL ? tell(w, c, &call->said) : -ENOMEM;
}

/* Tell of the calls that nothing stands in the way of any more. */
static int advance(struct chat_writer *w, struct candidate *c)
{
    int err = 0;

    while (err == 0 && c->open != NULL && (c->open->ended || c->open->args.whole)) {
        err = tell_call(w, c, c->open);
        if (c->touched == c->open)
            c->touched = NULL;
        c->open = c->open->next;
    }
    return err;
}

static int end_calls(struct chat_writer *w, struct candidate *c)
{
    for (struct call *call = c->open; call != NULL; call = call->next)
        call->ended = true;
    return advance(w, c);
}

/* ---- events ---- */

static int say(struct chat_writer *w, struct candidate *c, const struct chat_event *ev)
{
    struct generate_said said = {.kind = ev->kind == CHAT_EV_RAW ? CHAT_EV_RAW : CHAT_EV_TEXT};
    int err = release(w, c, (struct json_text){NULL, 0});

    if (err < 0)
        return err;
    c->thinking = false;
    if (ev->kind == CHAT_EV_RAW)
        said.raw = ev->raw;
    else
        said.text = ev->text;
    return tell(w, c, &said);
}

static int stop(struct chat_writer *w, struct candidate *c, const struct chat_event *ev)
{
    c->stop = ev->stop;
    return copy(w, ev->text, &c->word) ? end_calls(w, c) : -ENOMEM;
}

static int end_block(struct chat_writer *w, struct candidate *c)
{
    if (c->touched != NULL)
        c->touched->ended = true;
    c->thinking = false;
    return advance(w, c);
}

static int about_call(struct chat_writer *w, struct candidate *c, const struct chat_event *ev)
{
    int err = ev->kind == CHAT_EV_CALL ? begin_call(w, c, ev) : add_args(w, c, ev);

    c->thinking = false;
    return err < 0 ? err : advance(w, c);
}

/* Whether there is something in it for a client of this API: another vendor's blocks and citations
 * mean nothing here. */
static bool is_told(const struct chat_event *ev)
{
    switch (ev->kind) {
    case CHAT_EV_TEXT:
    case CHAT_EV_THINKING:
    case CHAT_EV_SIGNATURE:
    case CHAT_EV_REDACTED:
    case CHAT_EV_REFUSAL:
        return ev->text.len > 0;
    case CHAT_EV_RAW:
        return ev->vendor == CHAT_GEMINI && json_type_of(ev->raw) == JSON_OBJECT;
    case CHAT_EV_CALL:
    case CHAT_EV_ARGS:
    case CHAT_EV_BLOCK_END:
    case CHAT_EV_STOP:
        return true;
    case CHAT_EV_START:
    case CHAT_EV_CITATION:
    case CHAT_EV_USAGE:
    case CHAT_EV_ERROR: /* the gateway's: error_event() */
    case CHAT_EV_END:
        break;
    }
    return false;
}

static int about(struct chat_writer *w, struct candidate *c, const struct chat_event *ev)
{
    int err = 0;

    if (ev->kind == CHAT_EV_THINKING)
        return think(w, c, ev->text);
    if (ev->kind == CHAT_EV_SIGNATURE)
        return sign(w, c, ev->text);
    if (ev->kind == CHAT_EV_REDACTED)
        return seal(w, c, ev->text);
    if (ev->kind == CHAT_EV_REFUSAL)
        c->refused = true;
    if (ev->kind == CHAT_EV_TEXT || ev->kind == CHAT_EV_REFUSAL || ev->kind == CHAT_EV_RAW)
        return say(w, c, ev);
    err = release(w, c, (struct json_text){NULL, 0});
    if (err < 0)
        return err;
    if (ev->kind == CHAT_EV_BLOCK_END)
        return end_block(w, c);
    return ev->kind == CHAT_EV_STOP ? stop(w, c, ev) : about_call(w, c, ev);
}

/* Whatever is still held; and a candidate, if nothing has been told at all. */
static int finish(struct chat_writer *w)
{
    struct candidate *c;
    int err = w->first == NULL ? candidate_get(w, 0, &c) : 0;

    for (c = w->first; err == 0 && c != NULL; c = c->next) {
        err = release(w, c, (struct json_text){NULL, 0});
        if (err == 0)
            err = end_calls(w, c);
    }
    w->done = true;
    return err;
}

static int take(struct chat_writer *w, const struct chat_event *ev)
{
    struct candidate *c;
    int err;

    if (ev->kind == CHAT_EV_USAGE)
        w->usage = ev->usage;
    if (ev->kind == CHAT_EV_END)
        return finish(w);
    if (!is_told(ev))
        return 0;
    err = candidate_get(w, ev->choice, &c);
    return err < 0 ? err : about(w, c, ev);
}

/* ---- a stream ---- */

static void put_endings(struct chat_writer *w, struct json_pen *p)
{
    for (const struct candidate *c = w->first; c != NULL; c = c->next) {
        struct generate_ending e = ending_of(c);

        generate_put_chunk(p, w->facts, &w->usage, c->index, NULL, &e);
    }
}

static int put(struct chat_writer *w, const struct chat_event *ev, struct buf *out)
{
    struct json_pen p = json_pen(out);
    size_t before = out->len;
    int err;

    if (w->done) /* an answer ends once */
        return 0;
    w->pen = &p;
    err = take(w, ev);
    w->pen = NULL;
    if (err == 0 && w->done)
        put_endings(w, &p);
    err = err != 0 ? err : p.err;
    if (err < 0)
        out->len = before;
    return err;
}

/* ---- a whole answer ---- */

static int collect(struct chat_writer *w, const struct chat_event *ev)
{
    return w->done ? 0 : take(w, ev);
}

static void put_candidate(struct json_pen *p, const struct candidate *c)
{
    struct generate_ending e = ending_of(c);
    static const struct generate_said nothing = {.kind = CHAT_EV_TEXT};

    pen_open(p, '{');
    pen_key(p, STR("content"));
    pen_open(p, '{');
    pen_key(p, STR("parts"));
    pen_open(p, '[');
    for (const struct part *part = c->first; part != NULL; part = part->next)
        generate_put_part(p, &part->said, &part->text);
    if (c->first == NULL)
        generate_put_part(p, &nothing, NULL);
    pen_close(p, ']');
    pen_key_plain(p, STR("role"), STR("model"));
    pen_close(p, '}');
    generate_put_ending(p, &e, c->index);
    pen_close(p, '}');
}

static int write(struct chat_writer *w, struct buf *out)
{
    struct json_pen p = json_pen(out);
    size_t before = out->len;

    pen_open(&p, '{');
    pen_key(&p, STR("candidates"));
    pen_open(&p, '[');
    for (const struct candidate *c = w->first; c != NULL; c = c->next)
        put_candidate(&p, c);
    pen_close(&p, ']');
    generate_put_tail(&p, w->facts, &w->usage);
    pen_close(&p, '}');
    if (p.err < 0)
        out->len = before;
    return p.err;
}

/* ---- errors ---- */

static int error_body(enum fault f, struct str message, struct str param, struct str request_id,
                      struct buf *out)
{
    return generate_error(f, fault_info(f)->http, message, param, request_id, 0, out);
}

static int error_event(struct chat_writer *w, enum fault f, struct str message, struct buf *out)
{
    size_t before = out->len;
    int err = buf_put(out, STR("data: "));

    (void)w;
    if (err == 0)
        err = error_body(f, message, STR(""), STR(""), out);
    if (err == 0)
        err = buf_put(out, STR("\r\n\r\n"));
    if (err < 0)
        out->len = before;
    return err;
}

const struct chat_surface surface_gemini = {
    .name = "gemini",
    .id = CHAT_GEMINI,
    .read = generate_read,
    .writer_new = writer_new,
    .put = put,
    .collect = collect,
    .write = write,
    .error_body = error_body,
    .error_event = error_event,
    .keepalive = STR_INIT("data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"\"}],"
                          "\"role\":\"model\"},\"index\":0}]}\r\n\r\n"),
};
