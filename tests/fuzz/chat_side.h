/*
 * chat_side.h - a decoder and a log of all that it told: what is told is JSON or the inside of a
 * JSON string, in the order that its dialect promises, and the same each time.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_FUZZ_CHAT_SIDE_H
#define TESTS_FUZZ_CHAT_SIDE_H

#include "fuzz/fuzz.h"
#include "llm/dialects.h"

struct side {
    const struct side_kind *kind;
    struct arena arena;
    struct chat_decoder *decoder;
    struct buf log;
    unsigned starts, stops, last; /* last: END or ERROR */
    uint32_t calls;
    bool open; /* a block is */
};

struct side_kind {
    const struct dialect *dialect;
    /* What has to hold of `ev` behind all that `s` has counted. */
    void (*order)(const struct side *s, const struct chat_event *ev);
    bool (*touches_block)(enum chat_event_kind kind); /* begins one, goes on with it or ends it */
    bool (*whole)(const struct side *s);              /* as a whole answer leaves it */
};

static inline void side_init(struct side *s, const struct side_kind *kind)
{
    *s = (struct side){.kind = kind, .arena.max = 1 << 22};
    s->decoder = kind->dialect->decoder_new(&s->arena);
    must(s->decoder != NULL);
}

static inline void side_done(struct side *s)
{
    buf_done(&s->log);
    arena_done(&s->arena);
}

static inline void side_log(struct side *s, struct str bytes)
{
    must(buf_put(&s->log, bytes) == 0);
}

static inline void side_log_text(struct side *s, struct json_text t)
{
    struct buf quoted = {.max = 0};

    must(buf_put(&quoted, STR("\"")) == 0 && buf_put(&quoted, str_make(t.ptr, t.len)) == 0 &&
         buf_put(&quoted, STR("\"")) == 0);
    must(json_scan(buf_str(&quoted), 1, NULL, NULL, NULL));
    side_log(s, buf_str(&quoted));
    buf_done(&quoted);
}

static inline bool side_hear(void *ctx, const struct chat_event *ev)
{
    struct side *s = ctx;
    char kind = (char)('A' + (int)ev->kind);

    s->kind->order(s, ev);
    s->starts += ev->kind == CHAT_EV_START;
    s->stops += ev->kind == CHAT_EV_STOP;
    s->calls += ev->kind == CHAT_EV_CALL;
    s->last += ev->kind == CHAT_EV_END || ev->kind == CHAT_EV_ERROR;
    if (s->kind->touches_block(ev->kind))
        s->open = ev->kind != CHAT_EV_BLOCK_END;
    side_log(s, str_make(&kind, 1));
    side_log_text(s, ev->text);
    side_log_text(s, ev->id);
    side_log_text(s, ev->name);
    side_log_text(s, ev->model);
    must(ev->raw.len == 0 || json_scan(ev->raw, JSON_DEPTH_MAX, NULL, NULL, NULL));
    side_log(s, ev->raw);
    return true;
}

static inline void side_feed(struct side *s, struct str lines)
{
    while (lines.len > 0) {
        struct str name, line = fuzz_event(&lines, &name);

        if (!s->kind->dialect->decode(s->decoder, name, line, side_hear, s))
            side_log(s, STR("!"));
    }
}

/* `lines` as the events of a stream, twice. */
static inline void side_stream(const struct side_kind *kind, struct str lines)
{
    struct side a, b;

    side_init(&a, kind);
    side_init(&b, kind);
    side_feed(&a, lines);
    side_feed(&b, lines);
    must(str_eq(buf_str(&a.log), buf_str(&b.log)));
    side_done(&a);
    side_done(&b);
}

static inline void side_whole(const struct side_kind *kind, struct str body)
{
    struct side s;

    side_init(&s, kind);
    if (kind->dialect->decode_whole(s.decoder, body, side_hear, &s))
        must(kind->whole(&s));
    side_done(&s);
}

static inline void side_refusal(const struct side_kind *kind, unsigned status, struct str body)
{
    struct side s;
    struct chat_event ev;

    side_init(&s, kind);
    kind->dialect->refusal(&s.arena, status, body, &ev);
    must(ev.kind == CHAT_EV_ERROR);
    side_hear(&s, &ev);
    side_done(&s);
}

#endif
