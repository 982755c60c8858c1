/*
 * Every recorded stream, of whichever provider, written for a client of Gemini's API: each chunk
 * has the form that clients want, the stream says what the whole answer does, and read back by the
 * dialect of Gemini's targets it tells what the provider's own stream told.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "llm/chat_text.h"
#include "llm/dialects.h"

#include "unit/llm/files.h"
#include "unit/llm/generate_stream.h"

#define RECORDINGS "tests/data/recordings"
#define CALLS_MAX 64u

static const struct chat_answer_facts facts = {.id = STR_INIT("01A"), .model = STR_INIT("m")};

/* What an answer said. */
struct told {
    struct buf text, thinking, calls, signatures;
    struct buf args[CALLS_MAX];
    uint32_t calls_count;
    struct chat_usage usage;
    enum chat_stop stop;
    bool failed, ended;
};

static void told_put(struct buf *to, struct json_text t)
{
    assert_int_equal(buf_put(to, str_make(t.ptr, t.len)), 0);
}

static void told_hear(struct told *t, const struct chat_event *ev)
{
    if (ev->kind == CHAT_EV_TEXT || ev->kind == CHAT_EV_REFUSAL)
        told_put(&t->text, ev->text);
    else if (ev->kind == CHAT_EV_THINKING)
        told_put(&t->thinking, ev->text);
    else if (ev->kind == CHAT_EV_SIGNATURE)
        told_put(&t->signatures, ev->text);
    else if (ev->kind == CHAT_EV_CALL) {
        told_put(&t->calls, ev->name);
        told_put(&t->signatures, ev->signature);
        t->calls_count++;
    } else if (ev->kind == CHAT_EV_ARGS && ev->call < CALLS_MAX)
        told_put(&t->args[ev->call], ev->text);
    else if (ev->kind == CHAT_EV_USAGE)
        t->usage = ev->usage;
    else if (ev->kind == CHAT_EV_STOP)
        t->stop = ev->stop;
    t->failed |= ev->kind == CHAT_EV_ERROR;
    t->ended |= ev->kind == CHAT_EV_END;
}

static void told_done(struct told *t)
{
    buf_done(&t->text);
    buf_done(&t->thinking);
    buf_done(&t->calls);
    buf_done(&t->signatures);
    for (unsigned i = 0; i < CALLS_MAX; i++)
        buf_done(&t->args[i]);
}

struct replay {
    struct arena arena;
    struct chat_writer *stream, *whole;
    struct buf out;
    struct told told;
};

static bool hear(void *ctx, const struct chat_event *ev)
{
    struct replay *r = ctx;

    if (ev->choice > 0)
        return true;
    told_hear(&r->told, ev);
    assert_int_equal(surface_gemini.put(r->stream, ev, &r->out), 0);
    assert_int_equal(surface_gemini.collect(r->whole, ev), 0);
    return true;
}

static bool hear_again(void *ctx, const struct chat_event *ev)
{
    told_hear(ctx, ev);
    return true;
}

/* Bedrock's recordings have each message's kind as the key of an object. */
struct unwrapped {
    struct str name, data;
};

static bool take_first(void *ctx, const struct json_member *m)
{
    *(struct unwrapped *)ctx = (struct unwrapped){m->key, m->value};
    return false;
}

static void feed(const struct dialect *d, struct str lines, struct replay *r)
{
    struct chat_decoder *decoder = d->decoder_new(&r->arena);
    struct str line;

    while (lines.len > 0 && !r->told.ended && !r->told.failed) {
        struct unwrapped u = {STR(""), {NULL, 0}};

        str_cut(lines, '\n', &line, &lines);
        line = str_trim(line);
        if (line.len == 0)
            continue;
        u.data = line;
        if (d->id == CHAT_BEDROCK)
            json_members(line, take_first, &u);
        (void)!d->decode(decoder, u.name, u.data, hear, r);
    }
    if (d->id == CHAT_OPENAI && !r->told.ended && !r->told.failed)
        (void)!d->decode(decoder, STR(""), STR("[DONE]"), hear, r); /* it is not in recordings */
    if (d->decode_end != NULL && !r->told.ended)
        d->decode_end(decoder, hear, r);
}

static bool args_same(struct arena *a, const struct buf *x, const struct buf *y)
{
    struct str one = chat_args_of(a, (struct json_text){x->len > 0 ? x->ptr : "", x->len});
    struct str two = chat_args_of(a, (struct json_text){y->len > 0 ? y->ptr : "", y->len});

    return one.ptr == NULL || str_eq(one, two); /* what is no JSON is wrapped */
}

static void compare(const char *path, struct replay *r, const struct told *again)
{
    const struct told *t = &r->told;

    if (!str_eq(buf_str(&t->text), buf_str(&again->text)) ||
        !str_eq(buf_str(&t->thinking), buf_str(&again->thinking)) ||
        !str_eq(buf_str(&t->calls), buf_str(&again->calls)) ||
        !str_eq(buf_str(&t->signatures), buf_str(&again->signatures)))
        fail_msg("%s: read back it says something else", path);
    for (unsigned i = 0; i < t->calls_count && i < CALLS_MAX; i++) {
        if (!args_same(&r->arena, &t->args[i], &again->args[i]))
            fail_msg("%s: read back call %u has other arguments", path, i);
    }
    assert_true(again->ended);
    assert_int_equal(t->usage.input, again->usage.input);
    assert_int_equal(t->usage.output > t->usage.reasoning ? t->usage.output : t->usage.reasoning,
                     again->usage.output);
    assert_int_equal(t->usage.cache_read, again->usage.cache_read);
    if (t->stop == CHAT_STOP_END || t->stop == CHAT_STOP_CALLS || t->stop == CHAT_STOP_LENGTH)
        assert_int_equal(t->calls_count > 0 && t->stop == CHAT_STOP_END ? CHAT_STOP_CALLS : t->stop,
                         again->stop);
}

static void read_back(const char *path, struct replay *r)
{
    struct chat_decoder *d = dialect_gemini.decoder_new(&r->arena);
    struct str bytes = buf_str(&r->out), line;
    struct told *again = calloc(1, sizeof(*again));

    while (bytes.len > 0) {
        str_cut(bytes, '\n', &line, &bytes);
        if (line.len > 2)
            assert_true(
                dialect_gemini.decode(d, STR(""), str_trim(str_skip(line, 6)), hear_again, again));
    }
    dialect_gemini.decode_end(d, hear_again, again);
    compare(path, r, again);
    told_done(again);
    free(again);
}

static void replay(const struct dialect *d, const char *path)
{
    struct str text = file_read(path);
    struct replay *r = calloc(1, sizeof(*r));
    struct buf body = {.max = 0};
    const char *why;

    r->stream = surface_gemini.writer_new(&r->arena, &facts);
    r->whole = surface_gemini.writer_new(&r->arena, &facts);
    feed(d, text, r);
    if (r->told.ended) {
        assert_int_equal(surface_gemini.write(r->whole, &body), 0);
        why = gstream_compare(buf_str(&r->out), buf_str(&body));
        if (why != NULL)
            fail_msg("%s: %s", path, why);
        read_back(path, r);
    } else if (!r->told.failed) {
        fail_msg("%s has neither an end nor an error", path);
    }
    told_done(&r->told);
    buf_done(&r->out);
    buf_done(&body);
    arena_done(&r->arena);
    free(r);
    file_free(text);
}

static const struct dialect *dialect;

static void replay_file(const char *path, const char *name)
{
    if (strstr(name, "completion-text") == NULL) /* of another API */
        replay(dialect, path);
}

static void every_recording_is_written_on_this_surface(void **state)
{
    static const struct {
        const char *folder;
        const struct dialect *dialect;
        unsigned files;
    } rows[] = {
        {RECORDINGS, &dialect_openai, 19},
        {RECORDINGS "/anthropic", &dialect_anthropic, 22},
        {RECORDINGS "/google", &dialect_gemini, 7},
        {RECORDINGS "/amazon-bedrock", &dialect_bedrock, 9},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        dialect = rows[i].dialect;
        assert_int_equal(files_each(rows[i].folder, ".chunks.txt", replay_file), rows[i].files);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_recording_is_written_on_this_surface),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    arena_thread_done();
    return failed;
}
