/* Any lines as events of one answer, and as bodies and refusals of a target of the Responses API:
 * what is told is JSON or the inside of a JSON string, in an order that a writer can follow, and
 * the same each time.  Any request that is read is written as one that reads as the same.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "llm/chat_text.h"
#include "llm/dialects.h"
#include "llm/responses.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

struct side {
    struct arena arena;
    struct chat_decoder *decoder;
    struct buf log;
    unsigned starts, stops, last; /* last: END or ERROR */
    uint32_t calls;
    bool open;
};

static void put(struct side *s, struct str bytes)
{
    must(buf_put(&s->log, bytes) == 0);
}

static void text(struct side *s, struct json_text t)
{
    struct buf quoted = {.max = 0};

    must(buf_put(&quoted, STR("\"")) == 0 && buf_put(&quoted, str_make(t.ptr, t.len)) == 0 &&
         buf_put(&quoted, STR("\"")) == 0);
    must(json_scan(buf_str(&quoted), 1, NULL, NULL, NULL));
    put(s, buf_str(&quoted));
    buf_done(&quoted);
}

static void order(const struct side *s, const struct chat_event *ev)
{
    must(s->last == 0 && s->starts + (ev->kind == CHAT_EV_START) <= 1);
    must(s->starts == 1 || ev->kind == CHAT_EV_START || ev->kind == CHAT_EV_ERROR);
    must(ev->kind != CHAT_EV_BLOCK_END || s->open);
    must(ev->kind != CHAT_EV_CALL || ev->call == s->calls);
    must(ev->kind != CHAT_EV_ARGS || (ev->call < s->calls && ev->text.len > 0));
    must(s->stops == 0 || ev->kind == CHAT_EV_END);
    must(ev->kind != CHAT_EV_STOP || (ev->stop != CHAT_STOP_NONE && !s->open));
    must(ev->kind != CHAT_EV_ERROR || ev->fault != FAULT_NONE);
    must(ev->kind != CHAT_EV_END || s->stops == 1); /* none is made up (R3) */
}

static bool hear(void *ctx, const struct chat_event *ev)
{
    struct side *s = ctx;
    char kind = (char)('A' + (int)ev->kind);

    order(s, ev);
    s->starts += ev->kind == CHAT_EV_START;
    s->stops += ev->kind == CHAT_EV_STOP;
    s->calls += ev->kind == CHAT_EV_CALL;
    s->last += ev->kind == CHAT_EV_END || ev->kind == CHAT_EV_ERROR;
    if (ev->kind >= CHAT_EV_TEXT && ev->kind <= CHAT_EV_BLOCK_END)
        s->open = ev->kind != CHAT_EV_BLOCK_END;
    put(s, str_make(&kind, 1));
    text(s, ev->text);
    text(s, ev->id);
    text(s, ev->name);
    text(s, ev->model);
    must(ev->raw.len == 0 || json_scan(ev->raw, JSON_DEPTH_MAX, NULL, NULL, NULL));
    put(s, ev->raw);
    return true;
}

static void side_init(struct side *s)
{
    *s = (struct side){.arena.max = 1 << 22};
    s->decoder = dialect_responses.decoder_new(&s->arena);
    must(s->decoder != NULL);
}

static void side_done(struct side *s)
{
    buf_done(&s->log);
    arena_done(&s->arena);
}

static void feed(struct side *s, struct str lines)
{
    while (lines.len > 0) {
        struct str line, name = STR("");

        str_cut(lines, '\n', &line, &lines);
        if (line.len > 0 && line.ptr[0] == '!') {
            name = STR("error");
            line = str_skip(line, 1);
        }
        if (!dialect_responses.decode(s->decoder, name, line, hear, s))
            put(s, STR("!"));
    }
}

static void stream(struct str lines)
{
    struct side a, b;

    side_init(&a);
    side_init(&b);
    feed(&a, lines);
    feed(&b, lines);
    must(str_eq(buf_str(&a.log), buf_str(&b.log)));
    side_done(&a);
    side_done(&b);
}

static void whole(struct str body)
{
    struct side s;

    side_init(&s);
    if (dialect_responses.decode_whole(s.decoder, body, hear, &s))
        must(s.last == 1 || (s.starts == 1 && s.calls == 0 && !s.open)); /* or still to be made */
    side_done(&s);
}

static void refusal(unsigned status, struct str body)
{
    struct side s;
    struct chat_event ev;

    side_init(&s);
    dialect_responses.refusal(&s.arena, status, body, &ev);
    must(ev.kind == CHAT_EV_ERROR);
    hear(&s, &ev);
    side_done(&s);
}

/* What cannot be told is left out at most once: what is written then is written again the same. */
static void request(struct str body)
{
    struct arena a = {.max = 1 << 22};
    struct buf first = {.max = 1 << 22}, again = {.max = 1 << 22};
    struct chat_request r;
    struct chat_problem p;

    if (surface_responses.read(&a, body, 64, &r, &p) &&
        dialect_responses.encode(&r, r.model, &first, &p) &&
        surface_responses.read(&a, buf_str(&first), 96, &r, &p)) {
        must(dialect_responses.encode(&r, r.model, &again, &p));
        must(str_eq(buf_str(&first), buf_str(&again)));
    }
    must(first.len == 0 || json_scan(buf_str(&first), JSON_DEPTH_MAX, NULL, NULL, NULL));
    buf_done(&first);
    buf_done(&again);
    arena_done(&a);
}

/* What is cut is cut at once. */
static void cut(struct str body)
{
    struct buf once = {.max = 1 << 22}, twice = {.max = 1 << 22};

    if (json_scan(body, 64, NULL, NULL, NULL) && responses_cut_foreign(body, &once)) {
        must(json_scan(buf_str(&once), 64, NULL, NULL, NULL));
        must(!responses_cut_foreign(buf_str(&once), &twice));
    }
    buf_done(&once);
    buf_done(&twice);
}

/* Any API's request, as one of this. */
static void others(const struct chat_surface *surface, struct str body)
{
    struct arena a = {.max = 1 << 22};
    struct buf out = {.max = 1 << 22};
    struct chat_request r;
    struct chat_problem p;

    if (surface->read(&a, body, 64, &r, &p) && dialect_responses.encode(&r, STR("gpt-5"), &out, &p))
        must(json_scan(buf_str(&out), JSON_DEPTH_MAX, NULL, NULL, NULL));
    buf_done(&out);
    arena_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = {(const char *)data, size};

    stream(input);
    whole(input);
    refusal(200, input);
    refusal(429, input);
    request(input);
    cut(input);
    others(&surface_chat, input);
    others(&surface_messages, input);
    return 0;
}
