/*
 * Recorded answers of Anthropic's, framed in every way that is legal, cut at every place: the
 * events must not depend on it, and must add up to what a tree of the recording says.  Each stream
 * is added up to the body that the API would have sent whole; that has to give the same events.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "llm/sse.h"

#include "unit/llm/anthropic_listen.h"
#include "unit/llm/files.h"

#define CHUNKS "tests/data/recordings/anthropic"
#define STREAMS "tests/data/anthropic"
#define HEAD_BYTES 4096u /* of a long stream: cut at every place of these */
#define LONG_BYTES 8192u

static unsigned messages; /* that were checked */

/* ---- framing ---- */

static const struct framing {
    const char *event, *field, *spaces, *eol;
} framings[] = {
    {"event: ", "data: ", "", "\n"},
    {"event: ", "data: ", "          ", "\r\n"},
    {NULL, "data:", "  ", "\r"}, /* without names: the type says it */
};

static struct str string_of(yyjson_val *v)
{
    return (struct str){yyjson_get_str(v), yyjson_get_len(v)};
}

static void frame_event(struct buf *out, const struct framing *f, struct str data)
{
    yyjson_doc *doc = yyjson_read(data.ptr, data.len, 0);

    assert_non_null(doc);
    if (f->event != NULL) {
        listen_put(out, str_from(f->event));
        listen_put(out, string_of(yyjson_obj_get(yyjson_doc_get_root(doc), "type")));
        listen_put(out, str_from(f->eol));
    }
    yyjson_doc_free(doc);
    listen_put(out, str_from(f->field));
    listen_put(out, data);
    listen_put(out, str_from(f->spaces));
    listen_put(out, str_from(f->eol));
    listen_put(out, str_from(f->eol));
}

static void frame(struct buf *out, const struct framing *f, struct str lines, size_t max)
{
    struct str line;

    out->len = 0;
    while (lines.len > 0 && out->len < max) {
        str_cut(lines, '\n', &line, &lines);
        frame_event(out, f, line);
    }
}

/* ---- one run ---- */

static bool forward(void *ctx, const struct sse_event *ev)
{
    listen_data(ctx, ev->name, ev->data);
    return true;
}

/* Fed in pieces of `size`, after a first one of `first`. */
static void run(struct listener *l, bool tree, struct str stream, size_t first, size_t size)
{
    struct sse s = {.part.max = 1 << 20};
    size_t n = first;

    listen_start(l, tree);
    for (size_t at = 0; at < stream.len; n = size) {
        n = n < stream.len - at ? n : stream.len - at;
        assert_int_equal(sse_feed(&s, str_make(stream.ptr + at, n), forward, l), 0);
        at += n;
    }
    assert_int_equal(sse_partial(&s), 0);
    sse_done(&s);
}

/* ---- what a tree says ---- */

struct sum { /* of a stream: the message it would have been, whole */
    yyjson_mut_doc *doc;
    yyjson_mut_val *message, *content, *block;
    struct buf text, thinking, signature, json;
    bool partial; /* arguments that ended in the middle */
};

static void sum_string(struct sum *s, const char *key, struct buf *b)
{
    if (b->len == 0)
        return;
    yyjson_mut_obj_put(s->block, yyjson_mut_str(s->doc, key), listen_string(s->doc, b));
    b->len = 0;
}

static void sum_block_end(struct sum *s)
{
    yyjson_mut_val *input;

    if (s->block == NULL)
        return;
    sum_string(s, "text", &s->text);
    sum_string(s, "thinking", &s->thinking);
    sum_string(s, "signature", &s->signature);
    if (s->json.len > 0) {
        input = listen_json(s->doc, buf_str(&s->json));
        s->partial |= yyjson_mut_is_str(input);
        yyjson_mut_obj_put(s->block, yyjson_mut_str(s->doc, "input"), input);
        s->json.len = 0;
    }
    s->block = NULL;
}

static void sum_piece(struct buf *to, yyjson_val *delta, const char *key)
{
    if (yyjson_is_str(yyjson_obj_get(delta, key)))
        listen_put(to, string_of(yyjson_obj_get(delta, key)));
}

static void sum_merge(struct sum *s, yyjson_mut_val *to, yyjson_val *from)
{
    yyjson_val *key, *value;
    size_t i, n;

    yyjson_obj_foreach(from, i, n, key, value)
    {
        yyjson_mut_obj_put(to, yyjson_val_mut_copy(s->doc, key),
                           yyjson_val_mut_copy(s->doc, value));
    }
}

static void sum_start(struct sum *s, yyjson_val *event)
{
    if (s->message != NULL)
        return;
    s->message = yyjson_val_mut_copy(s->doc, yyjson_obj_get(event, "message"));
    s->content = yyjson_mut_obj_get(s->message, "content");
}

static void sum_event(struct sum *s, yyjson_val *event)
{
    yyjson_val *type = yyjson_obj_get(event, "type"), *delta = yyjson_obj_get(event, "delta");

    if (yyjson_equals_str(type, "message_start")) {
        sum_start(s, event);
    } else if (yyjson_equals_str(type, "content_block_start")) {
        sum_block_end(s);
        s->block = yyjson_val_mut_copy(s->doc, yyjson_obj_get(event, "content_block"));
        yyjson_mut_arr_append(s->content, s->block);
    } else if (yyjson_equals_str(type, "content_block_delta")) {
        sum_piece(&s->text, delta, "text");
        sum_piece(&s->thinking, delta, "thinking");
        sum_piece(&s->signature, delta, "signature");
        sum_piece(&s->json, delta, "partial_json");
    } else if (yyjson_equals_str(type, "message_delta")) {
        sum_block_end(s);
        sum_merge(s, s->message, delta);
        sum_merge(s, yyjson_mut_obj_get(s->message, "usage"), yyjson_obj_get(event, "usage"));
    }
}

static void sum_lines(struct sum *s, struct str lines)
{
    struct str line;

    *s = (struct sum){.doc = yyjson_mut_doc_new(NULL)};
    while (lines.len > 0) {
        yyjson_doc *doc;

        str_cut(lines, '\n', &line, &lines);
        doc = yyjson_read(line.ptr, line.len, 0);
        assert_non_null(doc);
        sum_event(s, yyjson_doc_get_root(doc));
        yyjson_doc_free(doc);
    }
    sum_block_end(s);
    assert_non_null(s->message);
    yyjson_mut_doc_set_root(s->doc, s->message);
}

static void sum_done(struct sum *s)
{
    buf_done(&s->text);
    buf_done(&s->thinking);
    buf_done(&s->signature);
    buf_done(&s->json);
    yyjson_mut_doc_free(s->doc);
}

/* ---- comparing ---- */

static bool has(yyjson_mut_val *block, const char *key)
{
    return yyjson_mut_get_len(yyjson_mut_obj_get(block, key)) > 0;
}

static void keep(yyjson_mut_doc *doc, yyjson_mut_val *to, yyjson_mut_val *from, const char *key)
{
    yyjson_mut_val *v = yyjson_mut_obj_get(from, key);

    yyjson_mut_obj_add_val(doc, to, key,
                           v != NULL ? yyjson_mut_val_mut_copy(doc, v) : yyjson_mut_str(doc, ""));
}

/* A block with the members that all dialects can say; NULL when it says nothing. */
static yyjson_mut_val *reduced(yyjson_mut_doc *doc, yyjson_mut_val *block)
{
    static const char *const texts[] = {"type", "text"}, *const thoughts[] = {"type", "thinking",
                                                                              "signature"};
    static const char *const calls[] = {"type", "id", "name", "input"};
    yyjson_mut_val *type = yyjson_mut_obj_get(block, "type"), *to = yyjson_mut_obj(doc);
    const char *const *keys = NULL;
    size_t n = 0;

    if (yyjson_mut_equals_str(type, "text"))
        keys = texts, n = COUNTOF(texts);
    else if (yyjson_mut_equals_str(type, "thinking"))
        keys = thoughts, n = COUNTOF(thoughts);
    else if (yyjson_mut_equals_str(type, "tool_use"))
        keys = calls, n = COUNTOF(calls);
    else
        return yyjson_mut_val_mut_copy(doc, block);
    if (n < COUNTOF(calls) && !has(block, keys[1]) && !has(block, keys[n - 1]))
        return NULL;
    for (size_t i = 0; i < n; i++)
        keep(doc, to, block, keys[i]);
    if (has(block, "citations"))
        keep(doc, to, block, "citations");
    return to;
}

static void check_content(const char *name, const struct listener *l, yyjson_mut_val *content)
{
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *expected = yyjson_mut_arr(doc), *block, *r;
    size_t i, n;

    yyjson_mut_arr_foreach(content, i, n, block)
    {
        r = reduced(doc, block);
        if (r != NULL)
            yyjson_mut_arr_append(expected, r);
    }
    if (!yyjson_mut_equals(expected, l->content))
        fail_msg("%s: expected %s, got %s", name, yyjson_mut_val_write(expected, 0, NULL),
                 yyjson_mut_val_write(l->content, 0, NULL));
    yyjson_mut_doc_free(doc);
}

static uint64_t number(yyjson_mut_val *usage, const char *key)
{
    return yyjson_mut_get_uint(yyjson_mut_obj_get(usage, key));
}

static void check_usage(const struct listener *l, yyjson_mut_val *usage)
{
    uint64_t read = number(usage, "cache_read_input_tokens");
    uint64_t written = number(usage, "cache_creation_input_tokens");

    assert_int_equal(l->usage.source, CHAT_USAGE_REPORTED);
    assert_int_equal(l->usage.cache_read, read);
    assert_int_equal(l->usage.cache_write, written);
    assert_int_equal(l->usage.input, number(usage, "input_tokens") + read + written);
    assert_int_equal(l->usage.output, number(usage, "output_tokens"));
    assert_int_equal(l->usage.reasoning,
                     number(yyjson_mut_obj_get(usage, "output_tokens_details"), "thinking_tokens"));
}

static void check_stop(const struct listener *l, const char *word)
{
    static const char *const words[] = {[CHAT_STOP_END] = "end_turn",
                                        [CHAT_STOP_LENGTH] = "max_tokens",
                                        [CHAT_STOP_CALLS] = "tool_use",
                                        [CHAT_STOP_REFUSAL] = "refusal"};

    assert_in_range(l->stop, 1, COUNTOF(words) - 1);
    assert_string_equal(words[l->stop], word);
}

static void check_message(const char *name, const struct listener *l, yyjson_mut_val *message)
{
    if (l->malformed || l->errors > 0 || l->ends != 1)
        fail_msg("%s: malformed %d, errors %u, ends %u", name, l->malformed, l->errors, l->ends);
    assert_string_equal(l->id, yyjson_mut_get_str(yyjson_mut_obj_get(message, "id")));
    assert_string_equal(l->model, yyjson_mut_get_str(yyjson_mut_obj_get(message, "model")));
    check_content(name, l, yyjson_mut_obj_get(message, "content"));
    check_usage(l, yyjson_mut_obj_get(message, "usage"));
    check_stop(l, yyjson_mut_get_str(yyjson_mut_obj_get(message, "stop_reason")));
}

static void check_sum(const char *name, const struct listener *stream, struct str lines)
{
    struct listener whole = {.malformed = false};
    struct sum s;
    size_t len;
    char *body;

    sum_lines(&s, lines);
    check_message(name, stream, s.message);
    body = yyjson_mut_write(s.doc, YYJSON_WRITE_PRETTY, &len);
    assert_non_null(body);
    if (!s.partial) { /* what is no object cannot be whole */
        listen_whole(&whole, str_make(body, len));
        check_message(name, &whole, s.message);
        if (!str_eq(buf_str(&stream->shape), buf_str(&whole.shape)))
            fail_msg("%s: %.*s streamed, %.*s whole", name, STR_ARG(buf_str(&stream->shape)),
                     STR_ARG(buf_str(&whole.shape)));
        listen_done(&whole);
    }
    free(body);
    sum_done(&s);
}

/* ---- every cut ---- */

static void check_cut(const char *name, const struct listener *whole, struct str stream,
                      size_t first, size_t size)
{
    struct listener l = {.malformed = false};

    run(&l, false, stream, first, size);
    if (!str_eq(buf_str(&l.log), buf_str(&whole->log)) || l.malformed != whole->malformed)
        fail_msg("%s: cut at %zu, then by %zu", name, first, size);
    listen_done(&l);
}

static void check_cuts(const char *name, struct str stream, size_t step)
{
    struct listener whole = {.malformed = false};

    run(&whole, false, stream, stream.len, 1);
    assert_true(whole.log.len > 0);
    check_cut(name, &whole, stream, 1, 1);
    for (size_t at = 0; at <= stream.len; at += step)
        check_cut(name, &whole, stream, at, stream.len);
    listen_done(&whole);
}

static void check_spliced(const struct listener *l)
{
    assert_int_equal(l->errors, 1);
    assert_int_equal(l->fault, FAULT_UPSTREAM_TRUNCATED);
    assert_int_equal(l->ends, 0);
    assert_string_equal(l->id, "msg_first");
}

static void check_lines(const char *name, const struct framing *f, struct str lines)
{
    struct listener l = {.malformed = false};
    struct buf stream = {.max = 0};
    size_t step = f == framings ? 1 : 7;

    frame(&stream, f, lines, SIZE_MAX);
    run(&l, true, buf_str(&stream), stream.len, 1);
    if (strstr(name, "spliced") != NULL)
        check_spliced(&l);
    else
        check_sum(name, &l, lines);
    if (stream.len > LONG_BYTES) {
        check_cuts(name, buf_str(&stream), 997 * step);
        frame(&stream, f, lines, HEAD_BYTES);
    }
    check_cuts(name, buf_str(&stream), step);
    listen_done(&l);
    buf_done(&stream);
    messages++;
}

/* ---- recordings ---- */

/* The lines up to and with the next message_stop: some recordings have several steps of a loop. */
static struct str next_message(struct str lines)
{
    const char *stop = str_find(lines, STR("\"type\":\"message_stop\""));
    const char *end =
        stop == NULL ? NULL : memchr(stop, '\n', lines.len - (size_t)(stop - lines.ptr));

    return end == NULL ? lines : str_make(lines.ptr, (size_t)(end - lines.ptr) + 1);
}

static void replay(const char *path, const char *name)
{
    struct str file = file_read(path), rest = file;

    while (rest.len > 0) {
        struct str lines = next_message(rest);

        for (size_t i = 0; i < COUNTOF(framings); i++)
            check_lines(name, &framings[i], lines);
        rest = str_skip(rest, lines.len);
    }
    file_free(file);
}

static void recorded_streams_say_the_same_however_they_are_cut(void **state)
{
    (void)state;
    assert_int_equal(files_each(CHUNKS, ".chunks.txt", replay), 22);
    assert_int_equal(messages, 3 * 42);
}

/* The `data:` lines. */
static void payloads(struct buf *out, struct str sse)
{
    struct str line;

    out->len = 0;
    while (sse.len > 0) {
        str_cut(sse, '\n', &line, &sse);
        if (str_starts(line, STR("data: "))) {
            listen_put(out, str_skip(line, 6));
            listen_put(out, STR("\n"));
        }
    }
}

static void replay_sse(const char *path, const char *name)
{
    struct listener l = {.malformed = false};
    struct str file = file_read(path);
    struct buf lines = {.max = 0};

    payloads(&lines, file);
    run(&l, true, file, file.len, 1);
    check_sum(name, &l, buf_str(&lines));
    check_cuts(name, file, 1);
    for (size_t i = 0; i < COUNTOF(framings); i++)
        check_lines(name, &framings[i], buf_str(&lines));
    listen_done(&l);
    buf_done(&lines);
    file_free(file);
}

static void recorded_bytes_say_the_same_however_they_are_cut(void **state)
{
    (void)state;
    assert_int_equal(files_each(STREAMS, ".sse", replay_sse), 6);
}

static void judge(const char *path, const char *name)
{
    struct str body = file_read(path);
    yyjson_doc *doc = yyjson_read(body.ptr, body.len, 0);
    yyjson_mut_doc *copy = yyjson_doc_mut_copy(doc, NULL);
    struct listener l = {.malformed = false};

    listen_whole(&l, body);
    check_message(name, &l, yyjson_mut_doc_get_root(copy));
    listen_done(&l);
    yyjson_mut_doc_free(copy);
    yyjson_doc_free(doc);
    file_free(body);
}

static void recorded_bodies_say_what_their_trees_say(void **state)
{
    (void)state;
    assert_int_equal(files_each(CHUNKS, ".json", judge), 24);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_streams_say_the_same_however_they_are_cut),
        cmocka_unit_test(recorded_bytes_say_the_same_however_they_are_cut),
        cmocka_unit_test(recorded_bodies_say_what_their_trees_say),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    arena_thread_done();
    return failed;
}
