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

#include "llm/chat_seal.h"
#include "llm/dialects.h"
#include "llm/generate_part.h"
#include "llm/responses_seal.h"
#include "llm/sse.h"
#include "unit/llm/chat_speech.h"

#define COUNT 4000u

/* ---- who is told ---- */

/* What an API has words for; all else is told in others, or not at all. */
struct client {
    const struct chat_surface *surface;
    const struct dialect *dialect;
    unsigned has;           /* enum speech_has */
    bool ends;              /* a block's end tells it from the next of its kind */
    bool refusals;          /* else they are texts */
    bool citations, blocks; /* a maker's own; else nobody hears of them */
    bool signed_calls;
    bool cache_writes, reasoning; /* are counted */
    bool always_counts;           /* has no word for not knowing */
    enum chat_stop stops[CHAT_STOP_OTHER + 1];
    bool declines_wholly;  /* an answer that declines in words is whole … */
    bool declines_by_stop; /* … or ends by that word, whatever it said */
};

/* ---- what was heard ---- */

struct choice {
    struct buf thoughts, text, refusal; /* thoughts: with their signatures */
    struct buf blocks;                  /* where there is an order: all but calls, in it */
    struct buf call[CALLS_MOST + 1];
    struct json_text signature; /* of the call that comes next */
    unsigned calls;
    bool refused, finished;
    enum chat_stop stop;
    struct buf stop_text;
    enum chat_event_kind open; /* what a piece goes on with */
    bool between;              /* a block's end has come */
};

struct heard {
    struct choice choice[CHOICES_MOST];
    struct chat_usage usage;
    unsigned ends, errors;
    const struct client *client;
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

static bool in_order(const struct heard *h)
{
    return (h->client->has & SPEAKS_IN_ORDER) != 0;
}

/* Pieces of one kind are one text; where blocks have ends, until such an end. */
static void put_piece(struct heard *h, struct choice *c, struct buf *to,
                      const struct chat_event *ev, const char *name)
{
    if (ev->text.len == 0)
        return;
    if (in_order(h))
        to = &c->blocks;
    if (c->open != ev->kind || (c->between && h->client->ends))
        put_name(to, name);
    put(to, ev->text);
    c->open = ev->kind;
    c->between = false;
}

static void put_whole(struct heard *h, struct choice *c, struct buf *to, struct json_text t,
                      const char *name)
{
    if (t.len == 0)
        return;
    to = in_order(h) ? &c->blocks : to;
    put_name(to, name);
    put(to, t);
    c->open = CHAT_EV_END;
}

static bool strip(struct json_text *t, struct str word)
{
    if (!str_starts(str_make(t->ptr, t->len), word))
        return false;
    *t = (struct json_text){t->ptr + word.len, t->len - word.len};
    return true;
}

/* What a signature says that it is, in the words of the surface that wrote it. */
static void hear_signature(struct heard *h, struct choice *c, struct json_text text)
{
    struct chat_seal seal = {.content = text};

    if (h->client->dialect == &dialect_responses && chat_unseal(text, &seal))
        text = seal.content;
    if (strip(&text, STR(RESPONSES_SEAL_CALL)))
        c->signature = text; /* static memory: what was said */
    else if (strip(&text, STR(RESPONSES_SEAL_REDACTED)) || strip(&text, STR(GENERATE_REDACTED)))
        put_whole(h, c, &c->thoughts, text, "\nredacted ");
    else {
        (void)strip(&text, STR(RESPONSES_SEAL_SIGNATURE));
        put_whole(h, c, &c->thoughts, text, "\nsignature ");
    }
}

static void hear_call(struct heard *h, struct choice *c, const struct chat_event *ev)
{
    struct buf *to = &c->call[ev->call];

    assert_int_equal(ev->call, c->calls++);
    put(to, ev->id);
    put_name(to, " ");
    put(to, ev->name);
    put_name(to, " ");
    if (h->client->signed_calls)
        put(to, ev->signature.len > 0 ? ev->signature : c->signature);
    c->signature = (struct json_text){NULL, 0};
    put_name(to, " ");
    if (in_order(h))
        put_name(&c->blocks, "\ncall");
    c->open = CHAT_EV_END;
}

/* Arguments that never came are none. */
static void hear_stop(struct choice *c, const struct chat_event *ev)
{
    assert_false(c->finished);
    c->finished = true;
    c->stop = ev->stop;
    put(&c->stop_text, ev->text);
    for (unsigned i = 0; i < c->calls; i++) {
        if (c->call[i].ptr[c->call[i].len - 1] == ' ')
            put_name(&c->call[i], "{}");
    }
}

static bool hear(void *ctx, const struct chat_event *ev)
{
    struct heard *h = ctx;
    struct choice *c = &h->choice[ev->choice];
    struct chat_event text = *ev;

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
        c->refused = true;
        text.kind = CHAT_EV_TEXT;
        if (h->client->refusals)
            put_piece(h, c, &c->refusal, ev, "\nrefusal ");
        else
            put_piece(h, c, &c->text, &text, "\ntext ");
        break;
    case CHAT_EV_SIGNATURE:
        hear_signature(h, c, ev->text);
        break;
    case CHAT_EV_REDACTED:
        put_whole(h, c, &c->thoughts, ev->text, "\nredacted ");
        break;
    case CHAT_EV_CITATION:
        if (h->client->citations)
            put_whole(h, c, &c->text, (struct json_text){ev->raw.ptr, ev->raw.len}, "\ncitation ");
        break;
    case CHAT_EV_RAW:
        if (h->client->blocks && ev->vendor == h->client->surface->id)
            put_whole(h, c, &c->text, (struct json_text){ev->raw.ptr, ev->raw.len}, "\nraw ");
        break;
    case CHAT_EV_CALL:
        hear_call(h, c, ev);
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
        hear_stop(c, ev);
        break;
    case CHAT_EV_ERROR:
        h->errors++;
        assert_true(json_text_is(ev->text, STR("went \\\"wrong\\\"")));
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
    const struct client *client;
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

/* How it is told that such an answer ended.  Who ends with calls waits for tools, whatever the word
 * was (R47). */
static enum chat_stop stop_of(const struct client *client, const struct choice *c)
{
    enum chat_stop stop = c->stop;
    bool calls = c->calls > 0;

    if (stop == CHAT_STOP_CALLS || (stop == CHAT_STOP_OTHER && calls))
        stop = CHAT_STOP_END;
    if (c->refused && stop == CHAT_STOP_REFUSAL && client->declines_wholly)
        stop = CHAT_STOP_END;
    else if (c->refused && !calls && client->declines_by_stop &&
             (stop == CHAT_STOP_END || client->stops[CHAT_STOP_OTHER] == CHAT_STOP_END) &&
             (stop == CHAT_STOP_END || stop == CHAT_STOP_OTHER))
        stop = CHAT_STOP_REFUSAL;
    stop = client->stops[stop];
    return stop == CHAT_STOP_END && calls ? CHAT_STOP_CALLS : stop;
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
    same_number(k, "stop", stop_of(k->client, a), b->stop);
    if (k->client->stops[CHAT_STOP_SEQUENCE] == CHAT_STOP_SEQUENCE && b->stop == CHAT_STOP_SEQUENCE)
        same(k, "stop sequence", &a->stop_text, &b->stop_text);
}

static void same_usage(const struct case_of *k, const struct chat_usage *a,
                       const struct chat_usage *b)
{
    if (a->source == CHAT_USAGE_ABSENT && k->client->always_counts)
        return;
    same_number(k, "usage told", a->source, b->source);
    same_number(k, "input", a->input, b->input);
    same_number(k, "output", a->output, b->output);
    same_number(k, "read from a cache", a->cache_read, b->cache_read);
    same_number(k, "written to a cache", k->client->cache_writes ? a->cache_write : 0,
                b->cache_write);
    same_number(k, "reasoning", k->client->reasoning ? a->reasoning : 0, b->reasoning);
}

static void same_answer(const struct case_of *k, const struct heard *a, const struct heard *b)
{
    for (unsigned i = 0; i < CHOICES_MOST; i++)
        same_choice(k, &a->choice[i], &b->choice[i]);
    same_number(k, "ends", 1, b->ends);
    same_number(k, "errors", 0, b->errors);
    same_usage(k, &a->usage, &b->usage);
}

/* ---- there and back ---- */

static bool on_event(void *ctx, const struct sse_event *ev)
{
    struct heard *h = ctx;

    assert_true(h->client->dialect->decode(h->decoder, ev->name, ev->data, hear, h));
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
    if (h->client->dialect->decode_end != NULL)
        h->client->dialect->decode_end(h->decoder, hear, h);
}

/* An answer on its way. */
struct telling {
    struct speech speech;
    struct arena arena;
    struct chat_request asked;
    struct chat_answer_facts facts;
    struct chat_writer *writer;
    struct buf out;
    struct heard said, told;
};

static void begin(struct telling *t, const struct client *client, uint64_t seed, bool stream)
{
    *t = (struct telling){.asked = {.wants_usage = true, .stream = stream, .n = STR("3")}};
    t->asked.arena = &t->arena;
    t->facts = (struct chat_answer_facts){.id = STR("1"), .model = STR("m"), .request = &t->asked};
    t->writer = client->surface->writer_new(&t->arena, &t->facts);
    t->said.client = t->told.client = client;
    t->told.decoder = client->dialect->decoder_new(&t->arena);
    speak(&t->speech, seed, client->has);
}

static void end(struct telling *t)
{
    buf_done(&t->out);
    heard_done(&t->said);
    heard_done(&t->told);
    arena_done(&t->arena);
}

static void write_some(struct telling *t, unsigned n)
{
    const struct chat_surface *surface = t->said.client->surface;

    for (unsigned i = 0; i < n; i++) {
        const struct chat_event *ev = &t->speech.at[i];

        hear(&t->said, ev);
        assert_int_equal(t->asked.stream ? surface->put(t->writer, ev, &t->out)
                                         : surface->collect(t->writer, ev),
                         0);
    }
}

static void tell(const struct client *client, uint64_t seed, bool stream)
{
    struct telling t;

    begin(&t, client, seed, stream);
    write_some(&t, t.speech.n);
    if (stream) {
        feed_cut(&t.speech, &t.told, buf_str(&t.out));
    } else {
        assert_int_equal(client->surface->write(t.writer, &t.out), 0);
        assert_true(client->dialect->decode_whole(t.told.decoder, buf_str(&t.out), hear, &t.told));
    }
    same_answer(&(struct case_of){client, stream ? "streamed" : "whole", seed, &t.out}, &t.said,
                &t.told);
    end(&t);
}

/* An answer that goes no further is none, be it that an error is told or not. */
static void tell_no_more(const struct client *client, uint64_t seed, bool error)
{
    struct telling t;
    unsigned stop = 0;

    begin(&t, client, seed, true);
    while (t.speech.at[stop].kind != CHAT_EV_STOP)
        stop++;
    write_some(&t, 1 + (unsigned)rand_below(&t.speech.rand, stop));
    if (error)
        assert_int_equal(client->surface->error_event(t.writer, FAULT_UPSTREAM_ERROR,
                                                      STR("went \"wrong\""), &t.out),
                         0);
    feed_cut(&t.speech, &t.told, buf_str(&t.out));
    if (t.told.ends != 0 || t.told.errors != error)
        fail_msg("%s, SEED=%llu: %u ends and %u errors were told\n%.*s", client->surface->name,
                 (unsigned long long)seed, t.told.ends, t.told.errors, (int)t.out.len, t.out.ptr);
    end(&t);
}

static void all(const struct client *client)
{
    uint64_t seed = 1, count = COUNT;

    if (getenv("SEED") != NULL)
        assert_true(str_to_u64(str_from(getenv("SEED")), &seed));
    if (getenv("COUNT") != NULL)
        assert_true(str_to_u64(str_from(getenv("COUNT")), &count));
    for (uint64_t i = 0; i < count; i++) {
        tell(client, seed + i, true);
        tell(client, seed + i, false);
        tell_no_more(client, seed + i, i % 2 == 0);
    }
    print_message("# %s: %llu answers, streamed, whole, and cut short\n", client->surface->name,
                  (unsigned long long)count);
}

static void a_client_of_chat_is_told_what_was_answered(void **state)
{
    (void)state;
    all(&(struct client){
        .surface = &surface_chat,
        .dialect = &dialect_openai,
        .has = SPEAKS_CHOICES,
        .refusals = true,
        .signed_calls = true,
        .cache_writes = true,
        .reasoning = true,
        .stops = {[CHAT_STOP_END] = CHAT_STOP_END,
                  [CHAT_STOP_SEQUENCE] = CHAT_STOP_END,
                  [CHAT_STOP_LENGTH] = CHAT_STOP_LENGTH,
                  [CHAT_STOP_CALLS] = CHAT_STOP_CALLS,
                  [CHAT_STOP_FILTER] = CHAT_STOP_FILTER,
                  [CHAT_STOP_REFUSAL] = CHAT_STOP_FILTER,
                  [CHAT_STOP_PAUSE] = CHAT_STOP_LENGTH,
                  [CHAT_STOP_CONTEXT] = CHAT_STOP_LENGTH,
                  [CHAT_STOP_OTHER] = CHAT_STOP_END},
    });
}

static void a_client_of_messages_is_told_what_was_answered(void **state)
{
    (void)state;
    all(&(struct client){
        .surface = &surface_messages,
        .dialect = &dialect_anthropic,
        .has = SPEAKS_IN_ORDER,
        .ends = true,
        .citations = true,
        .blocks = true,
        .cache_writes = true,
        .reasoning = true,
        .always_counts = true,
        .declines_by_stop = true,
        .stops = {[CHAT_STOP_END] = CHAT_STOP_END,
                  [CHAT_STOP_SEQUENCE] = CHAT_STOP_SEQUENCE,
                  [CHAT_STOP_LENGTH] = CHAT_STOP_LENGTH,
                  [CHAT_STOP_CALLS] = CHAT_STOP_CALLS,
                  [CHAT_STOP_FILTER] = CHAT_STOP_REFUSAL,
                  [CHAT_STOP_REFUSAL] = CHAT_STOP_REFUSAL,
                  [CHAT_STOP_PAUSE] = CHAT_STOP_PAUSE,
                  [CHAT_STOP_CONTEXT] = CHAT_STOP_CONTEXT,
                  [CHAT_STOP_OTHER] = CHAT_STOP_END},
    });
}

static void a_client_of_responses_is_told_what_was_answered(void **state)
{
    (void)state;
    all(&(struct client){
        .surface = &surface_responses,
        .dialect = &dialect_responses,
        .has = SPEAKS_IN_ORDER,
        .ends = true,
        .refusals = true,
        .signed_calls = true,
        .cache_writes = true,
        .reasoning = true,
        .declines_wholly = true,
        .stops = {[CHAT_STOP_END] = CHAT_STOP_END,
                  [CHAT_STOP_SEQUENCE] = CHAT_STOP_END,
                  [CHAT_STOP_LENGTH] = CHAT_STOP_LENGTH,
                  [CHAT_STOP_CALLS] = CHAT_STOP_CALLS,
                  [CHAT_STOP_FILTER] = CHAT_STOP_FILTER,
                  [CHAT_STOP_REFUSAL] = CHAT_STOP_FILTER,
                  [CHAT_STOP_PAUSE] = CHAT_STOP_END,
                  [CHAT_STOP_CONTEXT] = CHAT_STOP_LENGTH,
                  [CHAT_STOP_OTHER] = CHAT_STOP_END},
    });
}

static void a_client_of_gemini_is_told_what_was_answered(void **state)
{
    (void)state;
    all(&(struct client){
        .surface = &surface_gemini,
        .dialect = &dialect_gemini,
        .has = SPEAKS_IN_ORDER | SPEAKS_CHOICES,
        .blocks = true,
        .signed_calls = true,
        .reasoning = true,
        .declines_by_stop = true,
        .stops = {[CHAT_STOP_END] = CHAT_STOP_END,
                  [CHAT_STOP_SEQUENCE] = CHAT_STOP_END,
                  [CHAT_STOP_LENGTH] = CHAT_STOP_LENGTH,
                  [CHAT_STOP_CALLS] = CHAT_STOP_CALLS,
                  [CHAT_STOP_FILTER] = CHAT_STOP_FILTER,
                  [CHAT_STOP_REFUSAL] = CHAT_STOP_FILTER,
                  [CHAT_STOP_PAUSE] = CHAT_STOP_OTHER,
                  [CHAT_STOP_CONTEXT] = CHAT_STOP_LENGTH,
                  [CHAT_STOP_OTHER] = CHAT_STOP_OTHER},
    });
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_of_chat_is_told_what_was_answered),
        cmocka_unit_test(a_client_of_messages_is_told_what_was_answered),
        cmocka_unit_test(a_client_of_responses_is_told_what_was_answered),
        cmocka_unit_test(a_client_of_gemini_is_told_what_was_answered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
