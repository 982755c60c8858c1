/*
 * Recorded answers of Gemini, cut at every place: the events do not depend on it, and say what
 * reading each chunk into a tree says.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <yyjson.h>

#include "llm/chat_text.h"
#include "llm/dialects.h"
#include "llm/sse.h"

#include "unit/llm/chat_trace.h"
#include "unit/llm/files.h"

#define RECORDINGS "tests/data/recordings/google"
#define HEAD_BYTES 8192u /* of a long stream: cut at every place of these */
#define LONG_BYTES 12288u
#define CALLS_MAX 8u

static void put(struct buf *out, struct str s)
{
    assert_int_equal(buf_put(out, s), 0);
}

/* ---- the stream ---- */

/* The lines of `chunks` as a stream; of a long one only what fits into `max` bytes. */
static void frame(struct buf *out, struct str chunks, const char *eol, size_t max)
{
    struct str line;

    out->len = 0;
    while (chunks.len > 0 && out->len < max) {
        str_cut(chunks, '\n', &line, &chunks);
        if (line.len == 0)
            continue;
        put(out, STR("data: "));
        put(out, line);
        put(out, str_from(eol));
        put(out, str_from(eol));
    }
}

struct run {
    struct arena arena;
    struct chat_decoder *d;
    struct buf out;
};

static bool feed(void *ctx, const struct sse_event *ev)
{
    struct run *r = ctx;

    assert_true(dialect_gemini.decode(r->d, ev->name, ev->data, trace, &r->out));
    return true;
}

/* Fed in pieces of `size`, after a first one of `first`. */
static void run(struct run *r, struct str stream, size_t first, size_t size)
{
    struct sse s = {.part.max = 1 << 20};
    size_t n = first;

    arena_done(&r->arena);
    r->out.len = 0;
    r->d = dialect_gemini.decoder_new(&r->arena);
    for (size_t at = 0; at < stream.len; n = size) {
        n = n < stream.len - at ? n : stream.len - at;
        assert_int_equal(sse_feed(&s, str_make(stream.ptr + at, n), feed, r), 0);
        at += n;
    }
    dialect_gemini.decode_end(r->d, trace, &r->out);
    sse_done(&s);
}

static void run_done(struct run *r)
{
    arena_done(&r->arena);
    buf_done(&r->out);
}

/* ---- what the events say ---- */

struct told {
    struct arena arena;
    struct buf text, thoughts, signatures;
    struct buf args[CALLS_MAX];
    char name[CALLS_MAX][64], id[CALLS_MAX][64];
    unsigned calls, starts, stops, ends;
    struct chat_usage usage;
    enum chat_stop stop;
    char response[64];
};

static void put_plain(struct told *t, struct buf *out, struct json_text text)
{
    struct str plain = json_text_plain(&t->arena, text);

    assert_non_null(plain.ptr);
    put(out, plain);
}

static void copy(char to[64], struct json_text text)
{
    assert_in_range(text.len, 1, 63);
    memcpy(to, text.ptr, text.len);
    to[text.len] = '\0';
}

static bool listen(void *ctx, const struct chat_event *ev)
{
    struct told *t = ctx;

    assert_int_equal(t->ends, 0);
    assert_true(t->starts == 1 || ev->kind == CHAT_EV_START);
    if (ev->kind == CHAT_EV_START) {
        t->starts++;
        copy(t->response, ev->id);
    } else if (ev->kind == CHAT_EV_TEXT) {
        put_plain(t, &t->text, ev->text);
    } else if (ev->kind == CHAT_EV_THINKING) {
        put_plain(t, &t->thoughts, ev->text);
    } else if (ev->kind == CHAT_EV_SIGNATURE) {
        put_plain(t, &t->signatures, ev->text);
    } else if (ev->kind == CHAT_EV_CALL) {
        assert_int_equal(ev->call, t->calls);
        copy(t->name[t->calls], ev->name);
        copy(t->id[t->calls++], ev->id);
        if (ev->signature.len > 0)
            put_plain(t, &t->signatures, ev->signature);
    } else if (ev->kind == CHAT_EV_ARGS) {
        assert_int_equal(ev->call + 1, t->calls);
        put_plain(t, &t->args[ev->call], ev->text);
    } else if (ev->kind == CHAT_EV_USAGE) {
        t->usage = ev->usage;
    } else if (ev->kind == CHAT_EV_STOP) {
        t->stops++;
        t->stop = ev->stop;
    } else if (ev->kind == CHAT_EV_END) {
        t->ends++;
    } else {
        assert_int_equal(ev->kind, CHAT_EV_BLOCK_END);
    }
    return true;
}

static void told_done(struct told *t)
{
    buf_done(&t->text);
    buf_done(&t->thoughts);
    buf_done(&t->signatures);
    for (unsigned i = 0; i < CALLS_MAX; i++)
        buf_done(&t->args[i]);
    arena_done(&t->arena);
}

/* ---- what a tree says ---- */

struct tree {
    struct buf text, thoughts, signatures;
    char name[CALLS_MAX][64];
    unsigned calls, leaves;
    yyjson_mut_doc *args[CALLS_MAX]; /* of streamed ones: {"/a/b/0": value} */
    yyjson_doc *last;                /* the chunk with the last usage */
    const char *finish;
};

static struct str string_of(yyjson_val *v)
{
    return (struct str){yyjson_get_str(v), yyjson_get_len(v)};
}

/* "$.a.b[0]" as "/a/b/0". */
static void pointer_of(const char *path, char to[256])
{
    size_t n = 0;

    for (path++; *path != '\0' && n < 255; path++) {
        if (*path == '.' || *path == '[')
            to[n++] = '/';
        else if (*path != ']')
            to[n++] = *path;
    }
    to[n] = '\0';
}

static void tree_partial(struct tree *t, yyjson_val *partial)
{
    yyjson_mut_doc *doc = t->args[t->calls - 1];
    yyjson_mut_val *old;
    const char *more = yyjson_get_str(yyjson_obj_get(partial, "stringValue"));
    const char *said, *path = yyjson_get_str(yyjson_obj_get(partial, "jsonPath"));
    char pointer[256], text[4096];

    assert_non_null(more);
    assert_non_null(path);

    pointer_of(path, pointer);
    old = yyjson_mut_obj_get(yyjson_mut_doc_get_root(doc), pointer);
    said = yyjson_mut_get_str(old);
    snprintf(text, sizeof(text), "%s%s", said != NULL ? said : "", more);
    yyjson_mut_obj_put(yyjson_mut_doc_get_root(doc), yyjson_mut_strcpy(doc, pointer),
                       yyjson_mut_strcpy(doc, text));
}

static void tree_call(struct tree *t, yyjson_val *call)
{
    const char *name = yyjson_get_str(yyjson_obj_get(call, "name"));
    yyjson_val *args = yyjson_obj_get(call, "args"), *partial;
    size_t i, n;

    if (name != NULL) {
        yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);

        snprintf(t->name[t->calls], 64, "%s", name);
        yyjson_mut_doc_set_root(doc, args != NULL ? yyjson_val_mut_copy(doc, args)
                                                  : yyjson_mut_obj(doc));
        t->args[t->calls++] = doc;
    }
    yyjson_arr_foreach(yyjson_obj_get(call, "partialArgs"), i, n, partial)
    {
        tree_partial(t, partial);
    }
}

static void tree_part(struct tree *t, yyjson_val *part)
{
    bool thought = yyjson_get_bool(yyjson_obj_get(part, "thought"));

    put(thought ? &t->thoughts : &t->text, string_of(yyjson_obj_get(part, "text")));
    put(&t->signatures, string_of(yyjson_obj_get(part, "thoughtSignature")));
    if (yyjson_obj_get(part, "functionCall") != NULL)
        tree_call(t, yyjson_obj_get(part, "functionCall"));
}

static void tree_chunk(struct tree *t, struct str chunk)
{
    yyjson_doc *doc = yyjson_read(chunk.ptr, chunk.len, 0);
    yyjson_val *root = yyjson_doc_get_root(doc), *candidate, *part;
    size_t i, n, j, m;

    assert_non_null(doc);
    yyjson_arr_foreach(yyjson_obj_get(root, "candidates"), i, n, candidate)
    {
        yyjson_val *content = yyjson_obj_get(candidate, "content");

        yyjson_arr_foreach(yyjson_obj_get(content, "parts"), j, m, part)
        {
            tree_part(t, part);
        }
    }
    yyjson_doc_free(t->last);
    t->last = doc;
}

static void tree_done(struct tree *t)
{
    buf_done(&t->text);
    buf_done(&t->thoughts);
    buf_done(&t->signatures);
    for (unsigned i = 0; i < t->calls; i++)
        yyjson_mut_doc_free(t->args[i]);
    yyjson_doc_free(t->last);
}

/* ---- both ---- */

/* How many values there are in `v` that hold no others. */
static size_t leaves(yyjson_val *v)
{
    size_t i, n, sum = 0;
    yyjson_val *key, *value;

    if (yyjson_is_obj(v)) {
        yyjson_obj_foreach(v, i, n, key, value) sum += leaves(value);
        return sum;
    }
    yyjson_arr_foreach(v, i, n, value) sum += leaves(value);
    return yyjson_is_arr(v) ? sum : 1;
}

static bool is_streamed(yyjson_mut_val *args)
{
    yyjson_mut_obj_iter iter = yyjson_mut_obj_iter_with(args);
    yyjson_mut_val *key = yyjson_mut_obj_iter_next(&iter);

    const char *name = yyjson_mut_get_str(key);

    return name != NULL && name[0] == '/';
}

static void check_args(struct str told, yyjson_mut_doc *tree)
{
    yyjson_doc *doc = yyjson_read(told.ptr, told.len, 0);
    yyjson_mut_val *want = yyjson_mut_doc_get_root(tree), *key;
    yyjson_mut_obj_iter iter = yyjson_mut_obj_iter_with(want);

    assert_non_null(doc);
    if (!is_streamed(want)) {
        yyjson_mut_doc *got = yyjson_doc_mut_copy(doc, NULL);

        assert_true(yyjson_mut_equals(yyjson_mut_doc_get_root(got), want));
        yyjson_mut_doc_free(got);
    } else {
        assert_int_equal(leaves(yyjson_doc_get_root(doc)), yyjson_mut_obj_size(want));
        while ((key = yyjson_mut_obj_iter_next(&iter)) != NULL)
            assert_string_equal(
                yyjson_get_str(yyjson_ptr_get(yyjson_doc_get_root(doc), yyjson_mut_get_str(key))),
                yyjson_mut_get_str(yyjson_mut_obj_iter_get_val(key)));
    }
    yyjson_doc_free(doc);
}

static uint64_t count_of(yyjson_val *usage, const char *name)
{
    return yyjson_get_uint(yyjson_obj_get(usage, name));
}

static void check_usage(const struct chat_usage *u, yyjson_val *usage)
{
    uint64_t thoughts = count_of(usage, "thoughtsTokenCount");

    assert_int_equal(u->source, CHAT_USAGE_REPORTED);
    assert_int_equal(u->input, count_of(usage, "promptTokenCount"));
    assert_int_equal(u->output, count_of(usage, "candidatesTokenCount") + thoughts);
    assert_int_equal(u->reasoning, thoughts);
    assert_int_equal(u->input + u->output, count_of(usage, "totalTokenCount"));
}

static void check(const struct told *told, const struct tree *tree)
{
    yyjson_val *last = yyjson_doc_get_root(tree->last);
    char id[96];

    assert_true(told->starts == 1 && told->stops == 1 && told->ends == 1);
    assert_true(str_eq(buf_str(&told->text), buf_str(&tree->text)));
    assert_true(str_eq(buf_str(&told->thoughts), buf_str(&tree->thoughts)));
    assert_true(str_eq(buf_str(&told->signatures), buf_str(&tree->signatures)));
    assert_true(tree->text.len > 0 || tree->calls > 0);
    assert_int_equal(told->calls, tree->calls);
    for (unsigned i = 0; i < told->calls; i++) {
        snprintf(id, sizeof(id), "call_%s_%u", told->response, i);
        assert_string_equal(told->id[i], id);
        assert_string_equal(told->name[i], tree->name[i]);
        check_args(buf_str(&told->args[i]), tree->args[i]);
    }
    assert_int_equal(told->stop, tree->calls > 0 ? CHAT_STOP_CALLS : CHAT_STOP_END);
    assert_string_equal(told->response, yyjson_get_str(yyjson_obj_get(last, "responseId")));
    check_usage(&told->usage, yyjson_obj_get(last, "usageMetadata"));
}

/* ---- streams ---- */

static void check_against_tree(struct str chunks)
{
    struct told told = {.calls = 0};
    struct tree tree = {.calls = 0};
    struct chat_decoder *d = dialect_gemini.decoder_new(&told.arena);
    struct str line;

    while (chunks.len > 0) {
        str_cut(chunks, '\n', &line, &chunks);
        if (line.len == 0)
            continue;
        assert_true(dialect_gemini.decode(d, STR(""), line, listen, &told));
        tree_chunk(&tree, line);
    }
    dialect_gemini.decode_end(d, listen, &told);
    check(&told, &tree);
    told_done(&told);
    tree_done(&tree);
}

static void check_cut(const struct run *whole, struct run *r, struct str stream, size_t first,
                      size_t size)
{
    run(r, stream, first, size);
    if (!str_eq(buf_str(&r->out), buf_str(&whole->out)))
        fail_msg("cut at %zu, then by %zu", first, size);
}

static void check_cuts(struct str chunks, const char *eol)
{
    struct run whole = {.out.max = 0}, r = {.out.max = 0};
    struct buf stream = {.max = 0};

    frame(&stream, chunks, eol, SIZE_MAX);
    run(&whole, buf_str(&stream), stream.len, 1);
    check_cut(&whole, &r, buf_str(&stream), 1, 1);
    if (stream.len > LONG_BYTES)
        for (size_t at = 0; at <= stream.len; at += 97)
            check_cut(&whole, &r, buf_str(&stream), at, stream.len);
    frame(&stream, chunks, eol, stream.len > LONG_BYTES ? HEAD_BYTES : SIZE_MAX);
    run(&whole, buf_str(&stream), stream.len, 1);
    for (size_t at = 0; at <= stream.len; at++)
        check_cut(&whole, &r, buf_str(&stream), at, stream.len);
    buf_done(&stream);
    run_done(&whole);
    run_done(&r);
}

/* The form without alt=sse: the chunks as one array. */
static void check_array(struct str chunks)
{
    struct run streamed = {.out.max = 0}, whole = {.out.max = 0};
    struct buf stream = {.max = 0}, array = {.max = 0};
    struct str line, rest = chunks;

    frame(&stream, chunks, "\n", SIZE_MAX);
    run(&streamed, buf_str(&stream), stream.len, 1);
    while (rest.len > 0) {
        str_cut(rest, '\n', &line, &rest);
        if (line.len > 0)
            put(&array, array.len == 0 ? STR("[") : STR(",\r\n"));
        put(&array, line);
    }
    put(&array, STR("\n]"));
    whole.d = dialect_gemini.decoder_new(&whole.arena);
    assert_true(dialect_gemini.decode_whole(whole.d, buf_str(&array), trace, &whole.out));
    assert_true(str_eq(buf_str(&whole.out), buf_str(&streamed.out)));
    run_done(&streamed);
    run_done(&whole);
    buf_done(&stream);
    buf_done(&array);
}

static void replay(const char *path, const char *name)
{
    struct str chunks = file_read(path);

    (void)name;
    check_against_tree(chunks);
    check_cuts(chunks, "\n");
    check_cuts(chunks, "\r\n");
    check_array(chunks);
    file_free(chunks);
}

static void R46_recorded_streams_say_the_same_however_they_are_cut(void **state)
{
    (void)state;
    assert_int_equal(files_each(RECORDINGS, ".chunks.txt", replay), 7);
}

/* ---- bodies ---- */

static void judge(const char *path, const char *name)
{
    struct str body = file_read(path);
    struct told told = {.calls = 0};
    struct tree tree = {.calls = 0};
    struct run whole = {.out.max = 0}, streamed = {.out.max = 0};

    if (strstr(name, "429") == NULL) {
        assert_true(dialect_gemini.decode_whole(dialect_gemini.decoder_new(&told.arena), body,
                                                listen, &told));
        tree_chunk(&tree, body);
        check(&told, &tree);
        /* The same as the only chunk of a stream. */
        whole.d = dialect_gemini.decoder_new(&whole.arena);
        streamed.d = dialect_gemini.decoder_new(&streamed.arena);
        assert_true(dialect_gemini.decode_whole(whole.d, body, trace, &whole.out));
        assert_true(dialect_gemini.decode(streamed.d, STR(""), body, trace, &streamed.out));
        dialect_gemini.decode_end(streamed.d, trace, &streamed.out);
        assert_true(str_eq(buf_str(&whole.out), buf_str(&streamed.out)));
    }
    told_done(&told);
    tree_done(&tree);
    run_done(&whole);
    run_done(&streamed);
    file_free(body);
}

static void R7_recorded_bodies_are_answers_with_their_usage(void **state)
{
    (void)state;
    assert_int_equal(files_each(RECORDINGS, ".json", judge), 5);
}

static void R20_a_recorded_429_says_when_to_come_back(void **state)
{
    struct str body = file_read(RECORDINGS "/google-429-retry-info.json");
    struct arena a = {.max = 0};
    struct chat_event ev;

    (void)state;
    dialect_gemini.refusal(&a, 429, body, &ev);
    assert_int_equal(ev.kind, CHAT_EV_ERROR);
    assert_int_equal(ev.fault, FAULT_UPSTREAM_RATE);
    assert_int_equal(ev.retry_after_ms, 34400);
    assert_true(json_text_is(ev.name, STR("RESOURCE_EXHAUSTED")));
    assert_true(
        json_text_is(ev.text, STR("You exceeded your current quota, please check your plan.")));
    arena_done(&a);
    file_free(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R46_recorded_streams_say_the_same_however_they_are_cut),
        cmocka_unit_test(R7_recorded_bodies_are_answers_with_their_usage),
        cmocka_unit_test(R20_a_recorded_429_says_when_to_come_back),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    arena_thread_done();
    return failed;
}
