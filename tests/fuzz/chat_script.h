/*
 * chat_script.h - any bytes as the events of an answer, told to a surface's writers as a stream and
 * as a whole; what came of both is for the fuzzer to compare.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_FUZZ_CHAT_SCRIPT_H
#define TESTS_FUZZ_CHAT_SCRIPT_H

#include "fuzz/fuzz.h"
#include "llm/chat_surface.h"
#include "llm/chat_text.h"

#define SCRIPT_EVENTS_MAX 200u

#define WORD(lit)                                                                                  \
    {                                                                                              \
        "" lit, sizeof(lit) - 1                                                                    \
    }

/* JSON's marks and escapes, some of them cut. */
static const struct json_text script_words[] = {
    WORD(""),        WORD(" "),       WORD("{"),          WORD("}"),       WORD("["),
    WORD("]"),       WORD("\\\""),    WORD("\\\\"),       WORD("a"),       WORD("null"),
    WORD("\\n"),     WORD("{}"),      WORD("\\\"a\\\":"), WORD("1"),       WORD(","),
    WORD("\\u007b"), WORD("\\u007D"), WORD("\\u0022"),    WORD("\\u00e9"), WORD("\\/"),
};

struct script {
    const struct chat_surface *surface;
    const struct json_text *words;
    size_t words_count;
    struct json_text signature; /* of calls, where the event's bit says so */
    struct str raws[2];
    enum chat_dialect vendor; /* whose `raws` are, where they are not OpenAI's */
};

struct script_answer {
    const struct script *script;
    struct arena arena;
    struct chat_writer *stream, *whole;
    struct buf streamed, body;
};

/* Three bytes an event. */
static inline struct chat_event script_event(const struct script *s, const uint8_t *b)
{
    struct json_text word = s->words[b[2] % s->words_count];

    return (struct chat_event){
        .kind = (enum chat_event_kind)(b[0] % CHAT_EV_END),
        .call = b[1] & 3,
        .choice = b[1] >> 7,
        .vendor = (b[1] & 64) != 0 ? CHAT_OPENAI : s->vendor,
        .text = word,
        .id = word,
        .name = JSON_TEXT("a"),
        .signature = (b[1] & 32) != 0 ? s->signature : JSON_TEXT(""),
        .raw = s->raws[b[2] & 1],
        .stop = (enum chat_stop)(b[2] % (CHAT_STOP_OTHER + 1)),
        .usage = {CHAT_USAGE_REPORTED, b[1], b[2], b[2] / 2, b[1] / 2, b[2] / 3},
    };
}

static inline void script_tell(struct script_answer *a, const struct chat_event *ev)
{
    must(a->script->surface->put(a->stream, ev, &a->streamed) == 0);
    must(a->script->surface->collect(a->whole, ev) == 0);
}

/* All but the end. */
static inline void script_begin(struct script_answer *a, const struct script *s, struct str bytes)
{
    static const struct chat_answer_facts facts = {.id = STR_INIT("1"), .model = STR_INIT("m")};
    const uint8_t *at = (const uint8_t *)bytes.ptr;

    *a = (struct script_answer){.script = s};
    a->stream = s->surface->writer_new(&a->arena, &facts);
    a->whole = s->surface->writer_new(&a->arena, &facts);
    must(a->stream != NULL && a->whole != NULL);
    for (size_t i = 0; i + 3 <= bytes.len && i < 3 * SCRIPT_EVENTS_MAX; i += 3) {
        struct chat_event ev = script_event(s, at + i);

        script_tell(a, &ev);
    }
}

static inline void script_end(struct script_answer *a)
{
    script_tell(a, &(struct chat_event){.kind = CHAT_EV_END});
    must(a->script->surface->write(a->whole, &a->body) == 0);
}

static inline void script_done(struct script_answer *a)
{
    buf_done(&a->streamed);
    buf_done(&a->body);
    arena_done(&a->arena);
}

#endif
