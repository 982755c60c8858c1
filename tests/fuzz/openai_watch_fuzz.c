/* Any lines as events of one answer, and as bodies: what is rewritten is JSON, texts are bounded,
 * and no event is taken for another because of the ones before it.
 * SPDX-License-Identifier: Apache-2.0 */

#include "fuzz/fuzz.h"
#include "llm/openai.h"

struct side {
    struct arena arena;
    struct openai_watch watch;
    struct buf rewrite;
    bool rewritten;
};

static void side_init(struct side *s, enum openai_surface surface)
{
    *s = (struct side){.arena.max = 1 << 20, .rewrite.max = 1 << 20};
    openai_watch_init(&s->watch, surface, &s->arena);
}

static enum openai_event_kind side_look(struct side *s, struct str name, struct str line)
{
    s->rewrite.len = 0;
    return openai_watch_event(&s->watch, name, line, &s->rewrite, &s->rewritten);
}

static void side_done(struct side *s)
{
    openai_watch_done(&s->watch);
    buf_done(&s->rewrite);
    arena_done(&s->arena);
}

static void agree(const struct side *a, const struct side *b)
{
    const struct openai_watch *v = &a->watch, *w = &b->watch;

    must(a->rewritten == b->rewritten && str_eq(buf_str(&a->rewrite), buf_str(&b->rewrite)));
    must(v->content == w->content && v->finished == w->finished && v->done == w->done);
    must(v->usage.source == w->usage.source && v->usage.prompt == w->usage.prompt &&
         v->usage.completion == w->usage.completion && v->usage.total == w->usage.total);
    must(strcmp(v->finish, w->finish) == 0 && v->choices_seen == w->choices_seen &&
         v->choices_finished == w->choices_finished);
}

static void stream(enum openai_surface surface, struct str lines)
{
    struct side quick, slow;

    side_init(&quick, surface);
    side_init(&slow, surface);
    while (lines.len > 0) {
        struct str name, line = fuzz_event(&lines, &name);
        enum openai_event_kind kind;

        slow.watch.stencil = NULL; /* so that it reads every event */
        kind = side_look(&quick, name, line);
        must(kind == side_look(&slow, name, line));
        agree(&quick, &slow);
        must(!quick.rewritten ||
             json_scan(buf_str(&quick.rewrite), JSON_DEPTH_MAX, NULL, NULL, NULL));
        must(kind != OPENAI_EV_ERROR || quick.watch.fault != FAULT_NONE);
    }
    side_done(&quick);
    side_done(&slow);
}

static void body(enum openai_surface surface, struct str text)
{
    struct side s;

    side_init(&s, surface);
    (void)openai_watch_body(&s.watch, text);
    side_done(&s);
}

/* Whatever is told is lines of events, each of them JSON. */
static void retell(struct str text)
{
    struct buf out = {.max = 1 << 20};
    struct str rest, line;

    if (openai_retell(text, true, &out) == 0) {
        rest = buf_str(&out);
        while (rest.len > 0) {
            str_cut(rest, '\n', &line, &rest);
            must(line.len == 0 || str_starts(line, STR("data: ")));
            line = str_skip(line, 6);
            must(line.len == 0 || str_eq(line, STR("[DONE]")) ||
                 json_scan(line, JSON_DEPTH_MAX, NULL, NULL, NULL));
        }
    }
    buf_done(&out);
}

static void refusal(unsigned status, struct str text)
{
    struct arena a = {.max = 1 << 20};
    struct openai_refusal r = openai_refusal(&a, status, text);

    must(r.fault != FAULT_NONE && r.message.len <= 2048 && r.type.len <= 2048);
    arena_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};

    stream(OPENAI_CHAT, text);
    stream(OPENAI_COMPLETIONS, text);
    body(OPENAI_CHAT, text);
    body(OPENAI_EMBEDDINGS, text);
    retell(text);
    refusal(403, text);
    refusal(429, text);
    refusal(500, text);
    return 0;
}
