/*
 * chat_speech.h - answers made up at random: what any target may tell, in any order that one does.
 *
 * The same seed makes the same answer.  All is bounded.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_UNIT_LLM_CHAT_SPEECH_H
#define TESTS_UNIT_LLM_CHAT_SPEECH_H

#include "base/rand.h"
#include "llm/chat_text.h"

#define CALLS_MOST 4u
#define CHOICES_MOST 3u
#define EVENTS_MOST 256u

/* What not all can be told together. */
enum speech_has {
    SPEAKS_CHOICES = 1 << 0,
    SPEAKS_IN_ORDER = 1 << 1, /* texts, thoughts and calls stand as they were said */
};

struct speech {
    struct rand rand;
    unsigned has;
    struct chat_event at[EVENTS_MOST];
    unsigned n;
    unsigned calls[CHOICES_MOST];
};

static inline bool chance(struct speech *s, unsigned percent)
{
    return rand_below(&s->rand, 100) < percent;
}

static inline struct chat_event *say(struct speech *s, enum chat_event_kind kind, uint32_t choice)
{
    assert_true(s->n < EVENTS_MOST);
    s->at[s->n] = (struct chat_event){.kind = kind, .choice = choice};
    return &s->at[s->n++];
}

static inline struct json_text any(struct speech *s)
{
    static const char *const texts[] = {"a",
                                        " b",
                                        "q\\\"uote",
                                        "\\n\\n",
                                        "\\u00e9",
                                        "\xc3\xa9",
                                        "\xf0\x9f\x90\xab",
                                        "\\ud83d\\udc2b",
                                        "c\\\\",
                                        "a\\/b",
                                        "data: x",
                                        "[DONE]",
                                        "event: message_stop",
                                        "\\u0000",
                                        "  ",
                                        "",
                                        "a word and another one",
                                        "{\\\"a\\\":1}"};
    const char *t = texts[rand_below(&s->rand, COUNTOF(texts))];

    return (struct json_text){t, strlen(t)};
}

static inline void say_texts(struct speech *s, enum chat_event_kind kind, uint32_t choice)
{
    do
        say(s, kind, choice)->text = any(s);
    while (chance(s, 60));
}

static inline void end_block(struct speech *s, uint32_t choice)
{
    if (chance(s, 70))
        say(s, CHAT_EV_BLOCK_END, choice);
}

/* ---- thoughts ---- */

static inline void say_sealed(struct speech *s, uint32_t choice)
{
    say(s, CHAT_EV_REDACTED, choice)->text = chance(s, 50) ? JSON_TEXT("Eg+\\/==") : JSON_TEXT("R");
    say(s, CHAT_EV_BLOCK_END, choice);
}

static inline void say_thought(struct speech *s, uint32_t choice, bool is_signed)
{
    if (chance(s, is_signed ? 95 : 100))
        say_texts(s, CHAT_EV_THINKING, choice);
    if (is_signed)
        say(s, CHAT_EV_SIGNATURE, choice)->text =
            chance(s, 50) ? JSON_TEXT("S+\\/=") : JSON_TEXT("T");
    say(s, CHAT_EV_BLOCK_END, choice);
}

/* Where there are no blocks unsigned ones are one text, and signed ones a list: never both. */
static inline void say_thoughts(struct speech *s, uint32_t choice)
{
    bool in_order = (s->has & SPEAKS_IN_ORDER) != 0, is_signed = chance(s, 60);

    while (chance(s, 45)) {
        if (in_order)
            is_signed = chance(s, 60);
        if (is_signed && chance(s, 20))
            say_sealed(s, choice);
        else
            say_thought(s, choice, is_signed);
        if (!is_signed && !in_order)
            break;
    }
}

/* ---- calls ---- */

/* Arguments in pieces, as they stand inside a string. */
static const char *const args[][4] = {
    {"{}"},
    {"{\\\"a\\\":1.0}"},
    {"{\\\"a", "\\\":[1,2", ",{\\\"c\\\":\\\"x\\\\\\\"y\\\"}]}"},
    {"{\\\"city\\\":\\\"Merv\\\\n\\\"", ",\\\"n\\\":12345678901234567890", "}"},
    {"{", "\\\"\xc3\xa9\\\":null}"},
    {NULL}, /* none: known when the call has ended */
};

static inline void say_call_begins(struct speech *s, uint32_t choice)
{
    static const char *const ids[] = {"call_0", "toolu_01A", "call-2", "c_3"};
    uint32_t call = s->calls[choice]++;
    struct chat_event *ev = say(s, CHAT_EV_CALL, choice);

    ev->call = call;
    ev->id = (struct json_text){ids[call], strlen(ids[call])};
    ev->name = chance(s, 50) ? JSON_TEXT("weather") : JSON_TEXT("search");
    if (chance(s, 30))
        ev->signature = JSON_TEXT("G+\\/=");
}

static inline void say_args(struct speech *s, uint32_t choice, uint32_t call, const char *text)
{
    struct chat_event *ev = say(s, CHAT_EV_ARGS, choice);

    ev->call = call;
    ev->text = (struct json_text){text, strlen(text)};
}

static inline void say_call(struct speech *s, uint32_t choice, uint32_t call)
{
    size_t which = rand_below(&s->rand, COUNTOF(args));

    say_call_begins(s, choice);
    for (unsigned j = 0; j < 4 && args[which][j] != NULL; j++)
        say_args(s, choice, call, args[which][j]);
    if (args[which][0] == NULL)
        say(s, CHAT_EV_BLOCK_END, choice);
    else
        end_block(s, choice);
}

static inline void say_calls_in_turns(struct speech *s, uint32_t choice, unsigned n)
{
    size_t which[CALLS_MOST];

    for (unsigned i = 0; i < n; i++) {
        which[i] = rand_below(&s->rand, COUNTOF(args) - 1);
        say_call_begins(s, choice);
    }
    for (unsigned j = 0; j < 4; j++) {
        for (unsigned i = 0; i < n; i++) {
            if (args[which[i]][j] != NULL)
                say_args(s, choice, i, args[which[i]][j]);
        }
    }
}

/* Side by side, and nothing more is heard of them. */
static inline void say_open_calls(struct speech *s, uint32_t choice)
{
    while (s->calls[choice] < CALLS_MOST && chance(s, 70))
        say_call_begins(s, choice);
}

static inline void say_calls(struct speech *s, uint32_t choice)
{
    unsigned n = 1 + (unsigned)rand_below(&s->rand, CALLS_MOST);

    if (chance(s, 30)) {
        say_calls_in_turns(s, choice, n);
        return;
    }
    for (unsigned i = 0; i < n; i++)
        say_call(s, choice, i);
}

/* ---- what only some makers have ---- */

static inline void say_raw(struct speech *s, uint32_t choice)
{
    static const struct {
        enum chat_dialect vendor;
        struct str raw;
    } raws[] = {
        {CHAT_ANTHROPIC, STR_INIT("{\"type\":\"server_tool_use\",\"id\":\"srvtoolu_1\","
                                  "\"name\":\"web_search\",\"input\":{\"q\":1.0}}")},
        {CHAT_GEMINI, STR_INIT("{\"executableCode\":{\"language\":\"PYTHON\",\"code\":\"1\"}}")},
        {CHAT_RESPONSES, STR_INIT("{\"type\":\"web_search_call\",\"id\":\"ws_1\"}")},
    };
    size_t i = rand_below(&s->rand, COUNTOF(raws));
    struct chat_event *ev = say(s, CHAT_EV_RAW, choice);

    ev->vendor = raws[i].vendor;
    ev->raw = raws[i].raw;
    say(s, CHAT_EV_BLOCK_END, choice);
}

static inline void say_cited(struct speech *s, uint32_t choice)
{
    struct chat_event *ev;

    say_texts(s, CHAT_EV_TEXT, choice);
    if (chance(s, 90)) {
        end_block(s, choice);
        return;
    }
    ev = say(s, CHAT_EV_CITATION, choice);
    ev->vendor = CHAT_ANTHROPIC;
    ev->raw = STR("{\"type\":\"char_location\",\"cited_text\":\"a\",\"start_char_index\":0}");
    say(s, CHAT_EV_BLOCK_END, choice);
}

/* ---- ends ---- */

static inline void say_stop(struct speech *s, uint32_t choice)
{
    struct chat_event *ev = say(s, CHAT_EV_STOP, choice);

    ev->stop = CHAT_STOP_END + (enum chat_stop)rand_below(&s->rand, CHAT_STOP_OTHER);
    if (s->calls[choice] > 0 && chance(s, 70))
        ev->stop = CHAT_STOP_CALLS;
    if (ev->stop == CHAT_STOP_SEQUENCE)
        ev->text = JSON_TEXT("EN\\\"D");
    if (ev->stop == CHAT_STOP_OTHER)
        ev->text = JSON_TEXT("tired");
}

static inline void say_usage(struct speech *s)
{
    struct chat_usage *u = &say(s, CHAT_EV_USAGE, 0)->usage;

    u->source = CHAT_USAGE_REPORTED;
    u->input = 10 + rand_below(&s->rand, 100000);
    u->output = 10 + rand_below(&s->rand, 100000);
    if (chance(s, 50))
        u->cache_read = rand_below(&s->rand, u->input / 2);
    if (chance(s, 50))
        u->cache_write = rand_below(&s->rand, u->input / 2);
    if (chance(s, 50))
        u->reasoning = rand_below(&s->rand, u->output);
}

/* As those who think, speak and call do; in any order, where it is kept. */
static inline void say_choice(struct speech *s, uint32_t choice)
{
    bool in_order = (s->has & SPEAKS_IN_ORDER) != 0;

    say_thoughts(s, choice);
    if (chance(s, 75))
        say_cited(s, choice);
    if (chance(s, 10)) {
        say(s, CHAT_EV_REFUSAL, choice)->text = JSON_TEXT("I won't");
        say_texts(s, CHAT_EV_REFUSAL, choice);
        end_block(s, choice);
    }
    if (chance(s, 15))
        say_raw(s, choice);
    if (chance(s, 50))
        say_calls(s, choice);
    if (in_order && chance(s, 20))
        say_thoughts(s, choice);
    if (in_order && chance(s, 20))
        say_cited(s, choice);
    if (chance(s, 10))
        say_open_calls(s, choice);
    say_stop(s, choice);
}

static inline void speak(struct speech *s, uint64_t seed, unsigned has)
{
    unsigned choices = 1;

    *s = (struct speech){.has = has};
    rand_init(&s->rand, seed);
    if ((has & SPEAKS_CHOICES) != 0 && chance(s, 20))
        choices = 2 + (unsigned)rand_below(&s->rand, CHOICES_MOST - 1);
    *say(s, CHAT_EV_START, 0) =
        (struct chat_event){.kind = CHAT_EV_START, .id = JSON_TEXT("x"), .model = JSON_TEXT("y")};
    if (chance(s, 10)) /* as far as it is known */
        say(s, CHAT_EV_USAGE, 0)->usage =
            (struct chat_usage){.source = CHAT_USAGE_REPORTED, .input = 1, .output = 1};
    for (uint32_t i = 0; i < choices; i++)
        say_choice(s, i);
    if (chance(s, 90))
        say_usage(s);
    say(s, CHAT_EV_END, 0);
}

#endif
