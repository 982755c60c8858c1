/* Any bytes as a Chat Completions request, as a stream and as a body of one.
 *
 * What is read can be written, what is written can be read, and the second time nothing changes any
 * more.  Whatever a server sends, a client reads whole events of JSON.
 * SPDX-License-Identifier: Apache-2.0 */

#include "fuzz/fuzz.h"
#include "llm/dialects.h"

#define DEPTH 64u
#define KEPT (8u << 20)

/* ---- requests ---- */

struct copy {
    struct arena arena;
    struct chat_request request;
    struct chat_problem problem;
    struct buf body;
};

static bool read_and_write(struct copy *c, struct str body)
{
    *c = (struct copy){.arena.max = KEPT, .body.max = KEPT};
    if (!surface_chat.read(&c->arena, body, DEPTH, &c->request, &c->problem)) {
        must(c->problem.fault != FAULT_NONE && c->problem.why.len > 0);
        return false;
    }
    return dialect_openai.encode(&c->request, c->request.model, &c->body, &c->problem);
}

static void copy_done(struct copy *c)
{
    arena_done(&c->arena);
    buf_done(&c->body);
}

static void request(struct str text)
{
    struct copy first, second;

    if (read_and_write(&first, text)) {
        must(json_scan(buf_str(&first.body), JSON_DEPTH_MAX, NULL, NULL, NULL));
        must(read_and_write(&second, buf_str(&first.body)));
        must(str_eq(buf_str(&first.body), buf_str(&second.body)));
        copy_done(&second);
    }
    copy_done(&first);
}

/* ---- answers ---- */

struct side {
    struct arena arena;
    struct chat_request request;
    struct chat_answer_facts facts;
    struct chat_decoder *decoder;
    struct chat_writer *streamed, *collected;
    struct buf stream, body;
};

static bool hear(void *ctx, const struct chat_event *ev)
{
    struct side *s = ctx;

    must(ev->kind != CHAT_EV_ERROR || ev->fault != FAULT_NONE);
    (void)!surface_chat.put(s->streamed, ev, &s->stream);
    (void)!surface_chat.collect(s->collected, ev);
    return true;
}

static void side_init(struct side *s, bool functions)
{
    *s = (struct side){.arena.max = KEPT,
                       .stream.max = KEPT,
                       .body.max = KEPT,
                       .request = {.wants_usage = true, .functions = functions}};
    s->facts =
        (struct chat_answer_facts){.id = STR("1"), .model = STR("m"), .request = &s->request};
    s->decoder = dialect_openai.decoder_new(&s->arena);
    s->streamed = surface_chat.writer_new(&s->arena, &s->facts);
    s->collected = surface_chat.writer_new(&s->arena, &s->facts);
    must(s->decoder != NULL && s->streamed != NULL && s->collected != NULL);
}

static void side_done(struct side *s)
{
    struct str rest = buf_str(&s->stream), line;

    while (rest.len > 0) {
        str_cut(rest, '\n', &line, &rest);
        if (line.len == 0 || str_eq(line, STR("data: [DONE]")))
            continue;
        must(str_starts(line, STR("data: ")));
        must(json_scan(str_skip(line, 6), JSON_DEPTH_MAX, NULL, NULL, NULL));
    }
    if (surface_chat.write(s->collected, &s->body) == 0)
        must(json_scan(buf_str(&s->body), JSON_DEPTH_MAX, NULL, NULL, NULL));
    arena_done(&s->arena);
    buf_done(&s->stream);
    buf_done(&s->body);
}

static void stream(struct str lines, bool functions)
{
    struct side s;

    side_init(&s, functions);
    while (lines.len > 0) {
        struct str name, line = fuzz_event(&lines, &name);

        (void)!dialect_openai.decode(s.decoder, name, line, hear, &s);
    }
    side_done(&s);
}

static void body(struct str text)
{
    struct side s;

    side_init(&s, false);
    (void)!dialect_openai.decode_whole(s.decoder, text, hear, &s);
    side_done(&s);
}

static void refusal(struct str text)
{
    struct arena a = {.max = KEPT};
    struct chat_event ev;

    dialect_openai.refusal(&a, 400, text, &ev);
    must(ev.kind == CHAT_EV_ERROR && ev.fault != FAULT_NONE);
    arena_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};

    request(text);
    stream(text, false);
    stream(text, true);
    body(text);
    refusal(text);
    return 0;
}
