/*
 * Recorded answers, framed in every way that is legal, cut at every place: what comes out must not
 * depend on it, and must be what reading each chunk into a tree gives.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <yyjson.h>

#include "llm/openai.h"
#include "llm/sse.h"

#include "unit/llm/files.h"

#define RECORDINGS "tests/data/recordings"
#define HEAD_BYTES 8192u /* of a long stream: cut at every place of these */
#define LONG_BYTES 20480u
#define CALLS_MAX 8u

static enum openai_surface surface_of(const char *name)
{
    return strstr(name, "completion") != NULL ? OPENAI_COMPLETIONS : OPENAI_CHAT;
}

/* ---- framing ---- */

static const struct framing {
    const char *name, *field, *eol;
} framings[] = {
    {"LF", "data: ", "\n"},
    {"CRLF", "data: ", "\r\n"},
    {"CR", "data: ", "\r"},
    {"no space", "data:", "\n"},
};

static void put(struct buf *out, struct str s)
{
    assert_int_equal(buf_put(out, s), 0);
}

static void put_event(struct buf *out, const struct framing *f, struct str data)
{
    put(out, str_from(f->field));
    put(out, data);
    put(out, str_from(f->eol));
    put(out, str_from(f->eol));
}

/* The lines of `chunks` as a stream; of a long one only what fits into `max` bytes. */
static void frame(struct buf *out, const struct framing *f, struct str chunks, size_t max)
{
    struct str line;

    out->len = 0;
    while (chunks.len > 0 && out->len < max) {
        str_cut(chunks, '\n', &line, &chunks);
        if (line.len > 0)
            put_event(out, f, line);
    }
    put_event(out, f, STR("[DONE]"));
}

/* ---- one run ---- */

struct run {
    struct openai_watch watch;
    struct arena arena;
    struct buf out; /* of each event its kind, and what a client is sent */
    struct buf rewrite;
};

static bool forward(void *ctx, const struct sse_event *ev)
{
    struct run *r = ctx;
    bool rewritten;
    char kind;

    r->rewrite.len = 0;
    kind = (char)('0' +
                  (int)openai_watch_event(&r->watch, ev->name, ev->data, &r->rewrite, &rewritten));
    put(&r->out, str_make(&kind, 1));
    put(&r->out, rewritten ? buf_str(&r->rewrite) : ev->data);
    put(&r->out, STR("\n"));
    return true;
}

/* Fed in pieces of `size`, after a first one of `first`. */
static void run(struct run *r, enum openai_surface surface, struct str stream, size_t first,
                size_t size)
{
    struct sse s = {.part.max = 1 << 20};
    size_t n = first;

    arena_done(&r->arena);
    r->out.len = 0;
    openai_watch_init(&r->watch, surface, &r->arena);
    for (size_t at = 0; at < stream.len; n = size) {
        n = n < stream.len - at ? n : stream.len - at;
        assert_int_equal(sse_feed(&s, str_make(stream.ptr + at, n), forward, r), 0);
        at += n;
    }
    assert_int_equal(sse_partial(&s), 0);
    openai_watch_done(&r->watch);
    sse_done(&s);
}

static void run_done(struct run *r)
{
    buf_done(&r->out);
    buf_done(&r->rewrite);
    arena_done(&r->arena);
}

static bool same_state(const struct openai_watch *a, const struct openai_watch *b)
{
    return memcmp(&a->usage, &b->usage, sizeof(a->usage)) == 0 && a->content == b->content &&
           a->finished == b->finished && a->done == b->done && a->events == b->events &&
           strcmp(a->finish, b->finish) == 0;
}

/* ---- what a tree says ---- */

struct told {
    struct buf text;                 /* every string of every delta, in order */
    struct buf arguments[CALLS_MAX]; /* of the calls of choice 0 */
    char name[CALLS_MAX][64], id[CALLS_MAX][64];
    unsigned calls;
    char finish[32];
    yyjson_doc *usage_doc; /* owns usage */
    yyjson_val *usage;
};

static struct str string_of(yyjson_val *v)
{
    return (struct str){yyjson_get_str(v), yyjson_get_len(v)};
}

static void copy_once(char to[64], yyjson_val *v)
{
    if (to[0] == '\0' && yyjson_get_len(v) < 64 && yyjson_is_str(v))
        memcpy(to, yyjson_get_str(v), yyjson_get_len(v) + 1);
}

/* `strict`: as a client that believes the index and wants names once. */
static void tell_call(struct told *t, yyjson_val *call, size_t position, bool strict)
{
    yyjson_val *index = yyjson_obj_get(call, "index"), *function = yyjson_obj_get(call, "function");
    size_t i = yyjson_is_uint(index) ? (size_t)yyjson_get_uint(index) : position;

    assert_in_range(i, 0, CALLS_MAX - 1);
    if (strict) {
        assert_true(yyjson_is_uint(index));
        assert_true(i < t->calls || yyjson_get_len(yyjson_obj_get(call, "id")) > 0);
        assert_true(i >= t->calls || !yyjson_is_str(yyjson_obj_get(call, "id")));
        assert_true(i >= t->calls || !yyjson_is_str(yyjson_obj_get(function, "name")));
    }
    if (i >= t->calls)
        t->calls = (unsigned)i + 1;
    copy_once(t->id[i], yyjson_obj_get(call, "id"));
    copy_once(t->name[i], yyjson_obj_get(function, "name"));
    put(&t->arguments[i], string_of(yyjson_obj_get(function, "arguments")));
}

static void tell_delta(struct told *t, yyjson_val *delta, bool strict)
{
    yyjson_val *key, *value, *call;
    size_t i, n, j, m;

    if (delta == NULL)
        return;
    yyjson_obj_foreach(delta, i, n, key, value)
    {
        if (yyjson_is_str(value)) {
            put(&t->text, string_of(key));
            put(&t->text, string_of(value));
        } else if (yyjson_equals_str(key, "tool_calls")) {
            yyjson_arr_foreach(value, j, m, call) tell_call(t, call, j, strict);
        }
    }
}

static void tell_usage(struct told *t, yyjson_doc **doc, yyjson_val *usage)
{
    if (!yyjson_is_obj(usage) || t->usage_doc == *doc)
        return;
    yyjson_doc_free(t->usage_doc);
    t->usage_doc = *doc;
    t->usage = usage;
}

static void tell_chunk(struct told *t, struct str data, bool strict)
{
    yyjson_doc *doc = yyjson_read(data.ptr, data.len, 0);
    yyjson_val *root = yyjson_doc_get_root(doc), *choice;
    size_t i, n;

    assert_non_null(doc);
    yyjson_arr_foreach(yyjson_obj_get(root, "choices"), i, n, choice)
    {
        yyjson_val *finish = yyjson_obj_get(choice, "finish_reason");

        tell_delta(t, yyjson_obj_get(choice, "delta"), strict);
        put(&t->text, string_of(yyjson_obj_get(choice, "text")));
        if (yyjson_is_str(finish))
            snprintf(t->finish, sizeof(t->finish), "%s", yyjson_get_str(finish));
    }
    tell_usage(t, &doc, yyjson_obj_get(root, "usage"));
    if (t->usage_doc != doc)
        yyjson_doc_free(doc);
}

static void told_done(struct told *t)
{
    buf_done(&t->text);
    for (unsigned i = 0; i < CALLS_MAX; i++)
        buf_done(&t->arguments[i]);
    yyjson_doc_free(t->usage_doc);
}

static void check_usage(const struct openai_usage *u, yyjson_val *usage)
{
    yyjson_val *prompt = yyjson_obj_get(usage, "prompt_tokens_details");
    yyjson_val *completion = yyjson_obj_get(usage, "completion_tokens_details");

    assert_int_equal(u->source, usage != NULL ? USAGE_REPORTED : USAGE_ABSENT);
    assert_int_equal(u->prompt, yyjson_get_uint(yyjson_obj_get(usage, "prompt_tokens")));
    assert_int_equal(u->completion, yyjson_get_uint(yyjson_obj_get(usage, "completion_tokens")));
    assert_int_equal(u->total, yyjson_get_uint(yyjson_obj_get(usage, "total_tokens")));
    if (prompt != NULL)
        assert_int_equal(u->cached, yyjson_get_uint(yyjson_obj_get(prompt, "cached_tokens")));
    if (completion != NULL)
        assert_int_equal(u->reasoning,
                         yyjson_get_uint(yyjson_obj_get(completion, "reasoning_tokens")));
}

static void check_calls(const struct told *raw, const struct told *sent)
{
    assert_int_equal(sent->calls, raw->calls);
    for (unsigned i = 0; i < sent->calls; i++) {
        yyjson_doc *arguments = yyjson_read(sent->arguments[i].ptr, sent->arguments[i].len, 0);

        assert_non_null(arguments);
        yyjson_doc_free(arguments);
        assert_true(str_eq(buf_str(&sent->arguments[i]), buf_str(&raw->arguments[i])));
        assert_string_equal(sent->name[i], raw->name[i]);
        assert_string_equal(sent->id[i], raw->id[i]);
    }
}

/* The whole run `r` against trees of what was recorded. */
static void check_told(const struct run *r, struct str chunks)
{
    struct told raw = {.calls = 0}, sent = {.calls = 0};
    struct str line, out = buf_str(&r->out);

    while (chunks.len > 0) {
        str_cut(chunks, '\n', &line, &chunks);
        if (line.len > 0)
            tell_chunk(&raw, line, false);
    }
    while (out.len > 0) {
        str_cut(out, '\n', &line, &out);
        if (line.ptr[0] != '0' + OPENAI_EV_DONE)
            tell_chunk(&sent, str_skip(line, 1), true);
    }
    assert_true(raw.text.len > 0 || raw.calls > 0);
    assert_true(str_eq(buf_str(&sent.text), buf_str(&raw.text)));
    check_calls(&raw, &sent);
    assert_string_equal(r->watch.finish, raw.finish);
    assert_true(r->watch.finished && r->watch.content && r->watch.done);
    check_usage(&r->watch.usage, raw.usage);
    told_done(&raw);
    told_done(&sent);
}

/* ---- every cut ---- */

static void check_cut(const struct run *whole, struct run *r, enum openai_surface surface,
                      struct str stream, size_t first, size_t size)
{
    run(r, surface, stream, first, size);
    if (!str_eq(buf_str(&r->out), buf_str(&whole->out)) || !same_state(&r->watch, &whole->watch))
        fail_msg("cut at %zu, then by %zu", first, size);
}

static void check_cuts(const char *name, const struct framing *f, struct str chunks)
{
    /* Where line ends have one byte, cuts beside them are what counts; the rest is sampled. */
    size_t step = strlen(f->eol) == 2 || f == framings ? 1 : 7;
    struct run whole = {.out.max = 0}, r = {.out.max = 0};
    struct buf stream = {.max = 0};
    enum openai_surface surface = surface_of(name);

    frame(&stream, f, chunks, SIZE_MAX);
    run(&whole, surface, buf_str(&stream), stream.len, 1);
    check_told(&whole, chunks);
    check_cut(&whole, &r, surface, buf_str(&stream), 1, 1);
    if (stream.len > LONG_BYTES)
        for (size_t at = 0; at <= stream.len; at += 97 * step)
            check_cut(&whole, &r, surface, buf_str(&stream), at, stream.len);
    frame(&stream, f, chunks, stream.len > LONG_BYTES ? HEAD_BYTES : SIZE_MAX);
    run(&whole, surface, buf_str(&stream), stream.len, 1);
    for (size_t at = 0; at <= stream.len; at += step)
        check_cut(&whole, &r, surface, buf_str(&stream), at, stream.len);
    buf_done(&stream);
    run_done(&whole);
    run_done(&r);
}

static void replay(const char *path, const char *name)
{
    struct str chunks = file_read(path);

    for (size_t i = 0; i < COUNTOF(framings); i++)
        check_cuts(name, &framings[i], chunks);
    file_free(chunks);
}

static void R4_recorded_streams_say_the_same_however_they_are_cut(void **state)
{
    (void)state;
    assert_in_range(files_each(RECORDINGS, ".chunks.txt", replay), 19, 100);
}

/* ---- bodies ---- */

static void judge(const char *path, const char *name)
{
    struct str body = file_read(path);
    yyjson_doc *doc = yyjson_read(body.ptr, body.len, 0);
    yyjson_val *root = yyjson_doc_get_root(doc);
    struct arena a = {.max = 1 << 16};
    struct openai_watch w;
    enum fault f;

    assert_non_null(doc);
    openai_watch_init(&w, surface_of(name), &a);
    f = openai_watch_body(&w, body);
    if (f != (yyjson_obj_get(root, "error") != NULL ? FAULT_UPSTREAM_REFUSED : FAULT_NONE))
        fail_msg("%s: %d", name, f);
    if (f == FAULT_NONE) {
        check_usage(&w.usage, yyjson_obj_get(root, "usage"));
        assert_true(w.finished && w.content);
    } else {
        assert_true(str_eq(w.error_message,
                           string_of(yyjson_obj_get(yyjson_obj_get(root, "error"), "message"))));
    }
    openai_watch_done(&w);
    arena_done(&a);
    yyjson_doc_free(doc);
    file_free(body);
}

static void R7_recorded_bodies_are_answers_with_their_usage(void **state)
{
    (void)state;
    assert_in_range(files_each(RECORDINGS, ".json", judge), 18, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R4_recorded_streams_say_the_same_however_they_are_cut),
        cmocka_unit_test(R7_recorded_bodies_are_answers_with_their_usage),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    arena_thread_done();
    return failed;
}
