/*
 * What a client is told is what was answered: answers made up at random, written by each surface
 * and read by the dialect of the same API, streamed in pieces cut anywhere and whole, say the same.
 *
 * SEED=n begins with another answer, COUNT=n makes as many; a failure tells its seed.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base/rand.h"
#include "llm/chat_text.h"
#include "llm/dialects.h"
#include "llm/sse.h"

#define COUNT 4000u
#define CALLS_MOST 4u
#define CHOICES_MOST 3u
#define THOUGHTS_MOST 16u
#define EVENTS_MOST 256u

/* ---- answers at random ---- */

struct speech {
    struct rand rand;
    struct chat_event at[EVENTS_MOST];
    unsigned n;
    unsigned calls[CHOICES_MOST];
    bool anthropic; /* in blocks, of one choice */
};

static bool chance(struct speech *s, unsigned percent)
{
    return rand_below(&s->rand, 100) < percent;
}

static struct chat_event *say(struct speech *s, enum chat_event_kind kind, uint32_t choice)
{
    assert_true(s->n < EVENTS_MOST);
    s->at[s->n] = (struct chat_event){.kind = kind, .choice = choice};
    return &s->at[s->n++];
}

static struct json_text any(struct speech *s)
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
                                        "a word and another one",
                                        "{\\\"a\\\":1}"};
    const char *t = texts[rand_below(&s->rand, COUNTOF(texts))];

    return (struct json_text){t, strlen(t)};
}

static void say_texts(struct speech *s, enum chat_event_kind kind, uint32_t choice)
{
    do
        say(s, kind, choice)->text = any(s);
    while (chance(s, 60));
}

static void end_block(struct speech *s, uint32_t choice)
{
    if (s->anthropic || chance(s, 70))
        say(s, CHAT_EV_BLOCK_END, choice);
}

static void say_thought(struct speech *s, uint32_t choice, bool is_signed)
{
    if (is_signed && chance(s, 20)) {
        say(s, CHAT_EV_REDACTED, choice)->text =
            chance(s, 50) ? JSON_TEXT("Eg+\\/==") : JSON_TEXT("R");
        say(s, CHAT_EV_BLOCK_END, choice);
        return;
    }
    say_texts(s, CHAT_EV_THINKING, choice);
    if (is_signed)
        say(s, CHAT_EV_SIGNATURE, choice)->text =
            chance(s, 50) ? JSON_TEXT("S+\\/=") : JSON_TEXT("T");
    say(s, CHAT_EV_BLOCK_END, choice);
}

/* Arguments in pieces, as they stand inside a string. */
static const char *const args[][4] = {
    {"{}"},
    {"{\\\"a\\\":1.0}"},
    {"{\\\"a", "\\\":[1,2", ",{\\\"c\\\":\\\"x\\\\\\\"y\\\"}]}"},
    {"{\\\"city\\\":\\\"Merv\\\\n\\\"", ",\\\"n\\\":12345678901234567890", "}"},
    {"{", "\\\"\xc3\xa9\\\":null}"},
};

static void say_call_begins(struct speech *s, uint32_t choice)
{
    static const char *const ids[] = {"call_0", "toolu_01A", "call-2", "c_3"};
    uint32_t call = s->calls[choice]++;
    struct chat_event *ev = say(s, CHAT_EV_CALL, choice);

    ev->call = call;
    ev->id = (struct json_text){ids[call], strlen(ids[call])};
    ev->name = chance(s, 50) ? JSON_TEXT("weather") : JSON_TEXT("search");
    if (!s->anthropic && chance(s, 30))
        ev->signature = JSON_TEXT("G+\\/=");
}

static void say_args(struct speech *s, uint32_t choice, uint32_t call, const char *text)
{
    struct chat_event *ev = say(s, CHAT_EV_ARGS, choice);

    ev->call = call;
    ev->text = (struct json_text){text, strlen(text)};
}

/* One after the other, or in turns. */
static void say_calls(struct speech *s, uint32_t choice)
{
    unsigned n = 1 + (unsigned)rand_below(&s->rand, CALLS_MOST), which[CALLS_MOST];
    bool turns = chance(s, 30);

    for (unsigned i = 0; i < n; i++) {
        which[i] = (unsigned)rand_below(&s->rand, COUNTOF(args));
        say_call_begins(s, choice);
        for (unsigned j = 0; !turns && j < 4 && args[which[i]][j] != NULL; j++)
            say_args(s, choice, i, args[which[i]][j]);
        if (!turns)
            end_block(s, choice);
    }
    for (unsigned j = 0; turns && j < 4; j++) {
        for (unsigned i = 0; i < n; i++) {
            if (args[which[i]][j] != NULL)
                say_args(s, choice, i, args[which[i]][j]);
        }
    }
    if (turns)
        say(s, CHAT_EV_BLOCK_END, choice);
}

static void say_stop(struct speech *s, uint32_t choice)
{
    static const enum chat_stop chat[] = {CHAT_STOP_END, CHAT_STOP_LENGTH, CHAT_STOP_FILTER};
    static const enum chat_stop messages[] = {CHAT_STOP_END,    CHAT_STOP_SEQUENCE,
                                              CHAT_STOP_LENGTH, CHAT_STOP_REFUSAL,
                                              CHAT_STOP_PAUSE,  CHAT_STOP_CONTEXT};
    struct chat_event *ev = say(s, CHAT_EV_STOP, choice);

    if (s->calls[choice] > 0 && chance(s, 80))
        ev->stop = CHAT_STOP_CALLS;
    else if (s->anthropic)
        ev->stop = messages[rand_below(&s->rand, COUNTOF(messages))];
    else
        ev->stop = chat[rand_below(&s->rand, COUNTOF(chat))];
    if (ev->stop == CHAT_STOP_SEQUENCE)
        ev->text = JSON_TEXT("EN\\\"D");
}

static void say_usage(struct speech *s)
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

static void say_raw(struct speech *s)
{
    struct chat_event *ev = say(s, CHAT_EV_RAW, 0);

    ev->vendor = CHAT_ANTHROPIC;
    ev->raw = STR("{\"type\":\"server_tool_use\",\"id\":\"srvtoolu_1\",\"name\":\"web_search\","
                  "\"input\":{\"q\":1.0}}");
}

static void say_cited(struct speech *s)
{
    struct chat_event *ev;

    say_texts(s, CHAT_EV_TEXT, 0);
    if (!s->anthropic || !chance(s, 20))
        return;
    ev = say(s, CHAT_EV_CITATION, 0);
    ev->vendor = CHAT_ANTHROPIC;
    ev->raw = STR("{\"type\":\"char_location\",\"cited_text\":\"a\",\"start_char_index\":0}");
}

/* As those who think, speak and call do; Anthropic's in any order. */
static void say_choice(struct speech *s, uint32_t choice)
{
    bool is_signed = chance(s, 60);

    while (chance(s, 45)) {
        say_thought(s, choice, is_signed);
        if (!is_signed && !s->anthropic)
            break; /* one text, where there are no blocks */
    }
    if (chance(s, 75)) {
        say_cited(s);
        s->at[s->n - 1].choice = choice;
        for (unsigned i = s->n; i-- > 0 && s->at[i].kind == CHAT_EV_TEXT;)
            s->at[i].choice = choice;
        end_block(s, choice);
    }
    if (!s->anthropic && chance(s, 10))
        say_texts(s, CHAT_EV_REFUSAL, choice);
    if (s->anthropic && chance(s, 15))
        say_raw(s);
    if (chance(s, 50))
        say_calls(s, choice);
    if (s->anthropic && chance(s, 20)) {
        say_cited(s);
        end_block(s, choice);
    }
    say_stop(s, choice);
}

static void speak(struct speech *s, uint64_t seed, bool anthropic)
{
    unsigned choices;

    *s = (struct speech){.anthropic = anthropic};
    rand_init(&s->rand, seed);
    choices = anthropic || chance(s, 80) ? 1 : 2 + (unsigned)rand_below(&s->rand, CHOICES_MOST - 1);
    *say(s, CHAT_EV_START, 0) =
        (struct chat_event){.kind = CHAT_EV_START, .id = JSON_TEXT("x"), .model = JSON_TEXT("y")};
    for (uint32_t i = 0; i < choices; i++)
        say_choice(s, i);
    if (anthropic || chance(s, 90)) /* Anthropic's have no word for not knowing */
        say_usage(s);
    say(s, CHAT_EV_END, 0);
}

/* ---- what was heard ---- */

struct choice {
    struct buf thoughts, text, refusal; /* thoughts: with their signatures */
    struct buf blocks;                  /* Anthropic's: all but calls, in order */
    struct buf call[CALLS_MOST + 1];
    unsigned calls;
    enum chat_stop stop;
    struct buf stop_text;
    enum chat_event_kind open; /* what a piece goes on with */
    bool between;              /* a block's end has come */
};

struct heard {
    struct choice choice[CHOICES_MOST];
    struct chat_usage usage;
    unsigned ends;
    bool anthropic;
    const struct dialect *dialect;
    struct chat_decoder *decoder;
};

static void put(struct buf *to, struct json_text t)
{
    assert_int_equal(buf_put(to, str_make(t.ptr != NULL ? t.ptr : "", t.len)), 0);
}

static void put_name(struct buf *to, const char *name)
{
    assert_int_equal(buf_put(to, str_from(name)), 0);
}

/* Pieces of one kind are one text; where blocks have ends, until such an end. */
static void put_piece(struct heard *h, struct choice *c, struct buf *to,
                      const struct chat_event *ev, const char *name)
{
    if (ev->text.len == 0)
        return;
    if (h->anthropic)
        to = &c->blocks;
    if (c->open != ev->kind || (c->between && h->anthropic))
        put_name(to, name);
    put(to, ev->text);
    c->open = ev->kind;
    c->between = false;
}

static void put_whole(struct heard *h, struct choice *c, struct buf *to, struct json_text t,
                      const char *name)
{
    to = h->anthropic ? &c->blocks : to;
    put_name(to, name);
    put(to, t);
    c->open = CHAT_EV_END;
}

static bool hear(void *ctx, const struct chat_event *ev)
{
    struct heard *h = ctx;
    struct choice *c = &h->choice[ev->choice];

    assert_true(ev->choice < CHOICES_MOST && ev->call < CALLS_MOST);
    switch (ev->kind) {
    case CHAT_EV_START:
        break;
    case CHAT_EV_TEXT:
        put_piece(h, c, &c->text, ev, "\ntext ");
        break;
    case CHAT_EV_THINKING:
        put_piece(h, c, &c->thoughts, ev, "\nthought ");
        break;
    case CHAT_EV_REFUSAL:
        put_piece(h, c, &c->refusal, ev, "\nrefusal ");
        break;
    case CHAT_EV_SIGNATURE:
        put_whole(h, c, &c->thoughts, ev->text, "\nsignature ");
        break;
    case CHAT_EV_REDACTED:
        put_whole(h, c, &c->thoughts, ev->text, "\nredacted ");
        break;
    case CHAT_EV_CITATION:
        put_whole(h, c, &c->text, (struct json_text){ev->raw.ptr, ev->raw.len}, "\ncitation ");
        break;
    case CHAT_EV_RAW:
        put_whole(h, c, &c->text, (struct json_text){ev->raw.ptr, ev->raw.len}, "\nraw ");
        break;
    case CHAT_EV_CALL:
        assert_int_equal(ev->call, c->calls++);
        put(&c->call[ev->call], ev->id);
        put_name(&c->call[ev->call], " ");
        put(&c->call[ev->call], ev->name);
        put_name(&c->call[ev->call], " ");
        put(&c->call[ev->call], ev->signature);
        put_name(&c->call[ev->call], " ");
        if (h->anthropic)
            put_name(&c->blocks, "\ncall");
        c->open = CHAT_EV_END;
        break;
    case CHAT_EV_ARGS:
        put(&c->call[ev->call], ev->text);
        break;
    case CHAT_EV_BLOCK_END:
        c->between = true;
        break;
    case CHAT_EV_USAGE:
        h->usage = ev->usage;
        break;
    case CHAT_EV_STOP:
        c->stop = ev->stop;
        put(&c->stop_text, ev->text);
        break;
    case CHAT_EV_ERROR:
        fail_msg("an error: %.*s", (int)ev->text.len, ev->text.ptr);
        break;
    case CHAT_EV_END:
        h->ends++;
        break;
    }
    return true;
}

static void heard_done(struct heard *h)
{
    for (unsigned i = 0; i < CHOICES_MOST; i++) {
        struct choice *c = &h->choice[i];

        buf_done(&c->thoughts);
        buf_done(&c->text);
        buf_done(&c->refusal);
        buf_done(&c->blocks);
        buf_done(&c->stop_text);
        for (unsigned j = 0; j <= CALLS_MOST; j++)
            buf_done(&c->call[j]);
    }
}

/* ---- the same ---- */

struct case_of {
    const char *what;
    uint64_t seed;
    const struct buf *told;
};

static void same(const struct case_of *k, const char *part, const struct buf *a,
                 const struct buf *b)
{
    if (!str_eq(buf_str(a), buf_str(b)))
        fail_msg("%s, SEED=%llu: %s said %.*s and told %.*s\n%.*s", k->what,
                 (unsigned long long)k->seed, part, (int)a->len, a->ptr, (int)b->len, b->ptr,
                 (int)k->told->len, k->told->ptr);
}

static void same_number(const struct case_of *k, const char *part, uint64_t a, uint64_t b)
{
    if (a != b)
        fail_msg("%s, SEED=%llu: %s said %llu and told %llu\n%.*s", k->what,
                 (unsigned long long)k->seed, part, (unsigned long long)a, (unsigned long long)b,
                 (int)k->told->len, k->told->ptr);
}

static void same_choice(const struct case_of *k, const struct choice *a, const struct choice *b)
{
    same(k, "thoughts", &a->thoughts, &b->thoughts);
    same(k, "text", &a->text, &b->text);
    same(k, "refusal", &a->refusal, &b->refusal);
    same(k, "blocks", &a->blocks, &b->blocks);
    same_number(k, "calls", a->calls, b->calls);
    for (unsigned i = 0; i < CALLS_MOST; i++)
        same(k, "call", &a->call[i], &b->call[i]);
    /* Who ends with calls waits for tools, whatever the word was (R47). */
    same_number(k, "stop", a->stop == CHAT_STOP_END && a->calls > 0 ? CHAT_STOP_CALLS : a->stop,
                b->stop);
    same(k, "stop's text", &a->stop_text, &b->stop_text);
}

static void same_answer(const struct case_of *k, const struct heard *a, const struct heard *b)
{
    for (unsigned i = 0; i < CHOICES_MOST; i++)
        same_choice(k, &a->choice[i], &b->choice[i]);
    same_number(k, "ends", 1, b->ends);
    same_number(k, "usage told", a->usage.source, b->usage.source);
    same_number(k, "input", a->usage.input, b->usage.input);
    same_number(k, "output", a->usage.output, b->usage.output);
    same_number(k, "read from a cache", a->usage.cache_read, b->usage.cache_read);
    same_number(k, "written to a cache", a->usage.cache_write, b->usage.cache_write);
    same_number(k, "reasoning", a->usage.reasoning, b->usage.reasoning);
}

/* ---- there and back ---- */

static bool on_event(void *ctx, const struct sse_event *ev)
{
    struct heard *h = ctx;

    assert_true(h->dialect->decode(h->decoder, ev->name, ev->data, hear, h));
    return true;
}

/* In pieces of 1 to 40 bytes, or in two. */
static void feed_cut(struct speech *s, struct heard *h, struct str stream)
{
    struct sse sse = {.part.max = 1 << 20};
    bool two = chance(s, 30);

    while (stream.len > 0) {
        size_t n = 1 + rand_below(&s->rand, two ? stream.len : 40);

        n = n < stream.len ? n : stream.len;
        assert_int_equal(sse_feed(&sse, str_make(stream.ptr, n), on_event, h), 0);
        stream = str_make(stream.ptr + n, stream.len - n);
    }
    assert_int_equal(sse_partial(&sse), 0);
    sse_done(&sse);
    if (h->dialect->decode_end != NULL)
        h->dialect->decode_end(h->decoder, hear, h);
}

static void write_answer(const struct chat_surface *surface, struct chat_writer *w,
                         const struct speech *s, bool stream, struct buf *out)
{
    for (unsigned i = 0; i < s->n; i++)
        assert_int_equal(stream ? surface->put(w, &s->at[i], out) : surface->collect(w, &s->at[i]),
                         0);
    if (!stream)
        assert_int_equal(surface->write(w, out), 0);
}

static void tell(const struct chat_surface *surface, const struct dialect *dialect, uint64_t seed,
                 bool stream)
{
    struct speech s;
    struct arena arena = {.max = 0};
    struct chat_request asked = {
        .arena = &arena, .wants_usage = true, .stream = stream, .n = STR("3")};
    struct chat_answer_facts facts = {.id = STR("1"), .model = STR("m"), .request = &asked};
    struct heard said = {.anthropic = dialect == &dialect_anthropic},
                 told = {.anthropic = said.anthropic,
                         .dialect = dialect,
                         .decoder = dialect->decoder_new(&arena)};
    struct buf out = {.max = 0};

    speak(&s, seed, said.anthropic);
    for (unsigned i = 0; i < s.n; i++)
        hear(&said, &s.at[i]);
    write_answer(surface, surface->writer_new(&arena, &facts), &s, stream, &out);
    if (stream)
        feed_cut(&s, &told, buf_str(&out));
    else
        assert_true(dialect->decode_whole(told.decoder, buf_str(&out), hear, &told));
    same_answer(&(struct case_of){stream ? "streamed" : "whole", seed, &out}, &said, &told);
    buf_done(&out);
    heard_done(&said);
    heard_done(&told);
    arena_done(&arena);
}

static void all(const struct chat_surface *surface, const struct dialect *dialect)
{
    uint64_t seed = 1, count = COUNT;

    if (getenv("SEED") != NULL)
        assert_true(str_to_u64(str_from(getenv("SEED")), &seed));
    if (getenv("COUNT") != NULL)
        assert_true(str_to_u64(str_from(getenv("COUNT")), &count));
    for (uint64_t i = 0; i < count; i++) {
        tell(surface, dialect, seed + i, true);
        tell(surface, dialect, seed + i, false);
    }
    print_message("# %s: %llu answers, streamed and whole\n", surface->name,
                  (unsigned long long)count);
}

static void a_client_of_chat_is_told_what_was_answered(void **state)
{
    (void)state;
    all(&surface_chat, &dialect_openai);
}

static void a_client_of_messages_is_told_what_was_answered(void **state)
{
    (void)state;
    all(&surface_messages, &dialect_anthropic);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_of_chat_is_told_what_was_answered),
        cmocka_unit_test(a_client_of_messages_is_told_what_was_answered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
