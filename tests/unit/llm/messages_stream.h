/*
 * messages_stream.h - Anthropic's stream as its clients read it: a grammar that is kept or not, and
 * the message that the events add up to.  Texts stay as they stand in the JSON, so that what is
 * compared is bytes.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_UNIT_LLM_MESSAGES_STREAM_H
#define TESTS_UNIT_LLM_MESSAGES_STREAM_H

#include "llm/chat_text.h"
#include "llm/json_pen.h"

#define STREAM_BLOCKS_MAX 256u

struct stream_block {
    struct str type, start; /* start: content_block as it came */
    struct buf text, args, signature, citations;
};

struct stream {
    struct arena arena; /* the events' bytes */
    bool started, ended, stopped, open;
    unsigned n; /* blocks */
    struct stream_block blocks[STREAM_BLOCKS_MAX];
    struct str message, delta, usage; /* of message_start and message_delta */
    unsigned pings;
    const char *why; /* the grammar was broken */
};

struct stream_member {
    struct str name, value;
};

static inline bool stream_take_member(void *ctx, const struct json_member *m)
{
    struct stream_member *f = ctx;

    if (json_key_is(m, f->name))
        f->value = m->value;
    return true;
}

/* The value of a member; empty when there is none. */
static inline struct str stream_get(struct str object, const char *name)
{
    struct stream_member f = {.name = str_from(name)};

    if (json_type_of(object) == JSON_OBJECT)
        json_members(object, stream_take_member, &f);
    return f.value;
}

static inline struct str stream_inside(struct str value)
{
    struct json_text t = json_text_of(value);

    return str_make(t.ptr != NULL ? t.ptr : "", t.len);
}

static inline bool stream_is(struct str object, const char *name, const char *word)
{
    return str_eq(stream_inside(stream_get(object, name)), str_from(word));
}

static inline bool stream_index_is(struct str data, unsigned want)
{
    uint64_t index;

    return str_to_u64(stream_get(data, "index"), &index) && index == want;
}

static inline void stream_put(struct buf *to, struct str s)
{
    if (buf_put(to, s) < 0)
        abort();
}

static inline const char *stream_block_start(struct stream *s, struct str data)
{
    struct stream_block *b = &s->blocks[s->n];

    if (s->open)
        return "a block begins in another";
    if (s->n == STREAM_BLOCKS_MAX)
        return "too many blocks";
    if (!stream_index_is(data, s->n))
        return "an index that is not the next one";
    b->start = stream_get(data, "content_block");
    b->type = stream_inside(stream_get(b->start, "type"));
    s->open = true;
    return b->type.len > 0 ? NULL : "a block without a type";
}

static inline const char *stream_delta(struct stream *s, struct str data)
{
    static const struct {
        const char *delta, *block, *member;
    } rows[] = {
        {"text_delta", "text", "text"},
        {"thinking_delta", "thinking", "thinking"},
        {"input_json_delta", "tool_use", "partial_json"},
        {"signature_delta", "thinking", "signature"},
        {"citations_delta", "text", "citation"},
    };
    struct stream_block *b = &s->blocks[s->n];
    struct buf *to[] = {&b->text, &b->text, &b->args, &b->signature, &b->citations};
    struct str delta = stream_get(data, "delta"), value;
    size_t i = 0;

    if (!s->open || !stream_index_is(data, s->n))
        return "a delta outside of its block";
    while (i < COUNTOF(rows) && !stream_is(delta, "type", rows[i].delta))
        i++;
    if (i == COUNTOF(rows))
        return "a delta that nobody knows";
    if (!str_eq(b->type, str_from(rows[i].block)))
        return str_eq(b->type, STR("server_tool_use")) ? NULL : "a delta of another kind of block";
    value = stream_get(delta, rows[i].member);
    if (value.len == 0)
        return "a delta without its member";
    if (i == 3 && b->signature.len > 0)
        return "a second signature"; /* the SDK would keep only that */
    if (i == 4 && b->citations.len > 0)
        stream_put(&b->citations, STR(","));
    stream_put(to[i], i == 4 ? value : stream_inside(value));
    return NULL;
}

static inline const char *stream_block_stop(struct stream *s, struct str data)
{
    if (!s->open || !stream_index_is(data, s->n))
        return "the end of a block that is not open";
    s->open = false;
    s->n++;
    return NULL;
}

static inline const char *stream_message_delta(struct stream *s, struct str data)
{
    if (s->open)
        return "the message ends in a block";
    if (s->ended)
        return "the message ends twice";
    s->ended = true;
    s->delta = stream_get(data, "delta");
    s->usage = stream_get(data, "usage");
    if (!stream_is(s->delta, "stop_reason", "") && s->usage.len > 0)
        return NULL;
    return "an end without a reason or usage";
}

static inline const char *stream_step(struct stream *s, struct str name, struct str data)
{
    if (!json_scan(data, JSON_DEPTH_MAX, NULL, NULL, NULL) || json_type_of(data) != JSON_OBJECT)
        return "an event that is no JSON object";
    if (!str_eq(stream_inside(stream_get(data, "type")), name))
        return "an event of another name than its type";
    if (s->stopped)
        return "an event behind message_stop";
    if (str_eq(name, STR("ping"))) {
        s->pings++;
        return NULL;
    }
    if (str_eq(name, STR("message_start"))) {
        if (s->started)
            return "message_start twice";
        s->started = true;
        s->message = stream_get(data, "message");
        return NULL;
    }
    if (!s->started)
        return "an event before message_start";
    if (str_eq(name, STR("content_block_start")))
        return s->ended ? "a block behind message_delta" : stream_block_start(s, data);
    if (str_eq(name, STR("content_block_delta")))
        return stream_delta(s, data);
    if (str_eq(name, STR("content_block_stop")))
        return stream_block_stop(s, data);
    if (str_eq(name, STR("message_delta")))
        return stream_message_delta(s, data);
    if (!str_eq(name, STR("message_stop")))
        return "an event that nobody knows";
    s->stopped = true;
    return s->ended ? NULL : "message_stop before message_delta";
}

static inline void stream_event(struct stream *s, struct str name, struct str data)
{
    if (s->why == NULL)
        s->why = stream_step(s, arena_dup(&s->arena, name), arena_dup(&s->arena, data));
}

/* Written bytes, framed to the letter: two lines and an empty one an event. */
static inline void stream_feed(struct stream *s, struct str bytes)
{
    struct str line, data, empty;

    while (bytes.len > 0 && s->why == NULL) {
        str_cut(bytes, '\n', &line, &bytes);
        str_cut(bytes, '\n', &data, &bytes);
        if (!str_starts(line, STR("event: ")) || !str_starts(data, STR("data: ")) ||
            !str_cut(bytes, '\n', &empty, &bytes) || empty.len > 0) {
            s->why = "an event that is framed otherwise";
            return;
        }
        stream_event(s, str_skip(line, 7), str_skip(data, 6));
    }
}

static inline void stream_done(struct stream *s)
{
    for (unsigned i = 0; i < STREAM_BLOCKS_MAX; i++) {
        buf_done(&s->blocks[i].text);
        buf_done(&s->blocks[i].args);
        buf_done(&s->blocks[i].signature);
        buf_done(&s->blocks[i].citations);
    }
    arena_done(&s->arena);
}

/* ---- the message, as an SDK adds it up ---- */

static inline struct json_text stream_text(const struct buf *b)
{
    return (struct json_text){b->len > 0 ? b->ptr : "", b->len};
}

/* The input of a call: the arguments, or in an object when they are no JSON. */
static inline void stream_put_input(struct json_pen *p, struct arena *a,
                                    const struct stream_block *b)
{
    struct str args = chat_args_of(a, stream_text(&b->args));

    if (args.ptr == NULL) {
        pen_bytes(p, STR("{\"INVALID_JSON\":\""));
        pen_bytes(p, buf_str(&b->args));
        pen_bytes(p, STR("\"}"));
        return;
    }
    for (size_t i = 0; i < args.len; i++) {
        if (args.ptr[i] != '\n' && args.ptr[i] != '\r')
            pen_bytes(p, str_make(args.ptr + i, 1));
    }
}

struct stream_call {
    struct json_pen *p;
    struct arena *a;
    const struct stream_block *b;
};

static inline bool stream_take_call(void *ctx, const struct json_member *m)
{
    struct stream_call *c = ctx;

    pen_key(c->p, m->key);
    if (!str_eq(m->key, STR("input"))) {
        pen_raw(c->p, m->value);
        return true;
    }
    pen_raw(c->p, STR(""));
    stream_put_input(c->p, c->a, c->b);
    return true;
}

static inline void stream_put_call(struct json_pen *p, struct arena *a,
                                   const struct stream_block *b)
{
    struct stream_call c = {p, a, b};

    pen_open(p, '{');
    json_members(b->start, stream_take_call, &c);
    pen_close(p, '}');
}

static inline void stream_put_block(struct json_pen *p, struct arena *a,
                                    const struct stream_block *b)
{
    bool text = str_eq(b->type, STR("text")), thinking = str_eq(b->type, STR("thinking"));

    if (str_eq(b->type, STR("tool_use"))) {
        stream_put_call(p, a, b);
        return;
    }
    if (!text && !thinking) {
        pen_raw(p, b->start);
        return;
    }
    pen_open(p, '{');
    pen_key_plain(p, STR("type"), b->type);
    pen_key_text(p, b->type, stream_text(&b->text));
    if (thinking)
        pen_key_text(p, STR("signature"), stream_text(&b->signature));
    if (b->citations.len > 0) {
        pen_key(p, STR("citations"));
        pen_raw(p, STR("["));
        pen_bytes(p, buf_str(&b->citations));
        pen_bytes(p, STR("]"));
    } else if (!thinking) {
        pen_key_raw_some(p, STR("citations"), stream_get(b->start, "citations"));
    }
    pen_close(p, '}');
}

/* The content of a whole answer that says the same. */
static inline void stream_content(const struct stream *s, struct buf *out)
{
    struct arena a = {.max = 0};
    struct json_pen p = json_pen(out);

    pen_open(&p, '[');
    for (unsigned i = 0; i < s->n; i++)
        stream_put_block(&p, &a, &s->blocks[i]);
    pen_close(&p, ']');
    arena_done(&a);
}

#endif
