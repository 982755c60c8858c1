/*
 * Recorded answers of the Responses API, framed and cut at every place: the events do not depend on
 * it, and say what a tree of the recording's last event says.  Whole answers say what their own
 * tree does, and what their stream did.
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

#define RECORDINGS "tests/data/recordings/responses"
#define CUTS 64u /* places of a long stream that it is cut at */
#define SHORT_BYTES 20000u

static void put(struct buf *to, struct str s)
{
    if (s.len > 0)
        assert_int_equal(buf_put(to, s), 0);
}

static struct str string_of(yyjson_val *object, const char *key)
{
    yyjson_val *v = yyjson_obj_get(object, key);

    return str_make(yyjson_get_str(v), yyjson_get_len(v));
}

/* ---- what an answer says: all texts of a kind, calls, what it took, why it stopped ---- */

struct sum {
    struct buf text, thought, calls, args, end;
    unsigned seals, others; /* others: xAI's end in another order than they began in */
};

static void sum_done(struct sum *s)
{
    struct buf *all[] = {&s->text, &s->thought, &s->calls, &s->args, &s->end};

    for (size_t i = 0; i < COUNTOF(all); i++)
        buf_done(all[i]);
}

static void same(const char *name, const struct buf *a, const struct buf *b)
{
    if (!str_eq(buf_str(a), buf_str(b)))
        fail_msg("%s: expected %.*s, heard %.*s", name, STR_ARG(buf_str(a)), STR_ARG(buf_str(b)));
}

static void compare(const char *name, const struct sum *a, const struct sum *b)
{
    same(name, &a->text, &b->text);
    same(name, &a->thought, &b->thought);
    same(name, &a->calls, &b->calls);
    same(name, &a->args, &b->args);
    same(name, &a->end, &b->end);
    assert_int_equal(a->seals, b->seals);
    assert_int_equal(a->others, b->others);
}

/* ---- what the tree says ---- */

static void tree_texts(struct buf *to, yyjson_val *parts, const char *key, const char *between)
{
    yyjson_val *part;
    size_t i, n;

    yyjson_arr_foreach(parts, i, n, part)
    {
        if (i > 0)
            put(to, str_from(between));
        put(to, string_of(part, key));
    }
}

static void tree_item(struct sum *s, yyjson_val *item)
{
    struct str type = string_of(item, "type");

    if (str_eq(type, STR("message"))) {
        tree_texts(&s->text, yyjson_obj_get(item, "content"), "text", "");
    } else if (str_eq(type, STR("reasoning"))) {
        tree_texts(&s->thought, yyjson_obj_get(item, "summary"), "text", "\n\n");
        s->seals += string_of(item, "encrypted_content").len > 0;
    } else if (str_eq(type, STR("function_call"))) {
        put(&s->calls, string_of(item, "call_id"));
        put(&s->calls, string_of(item, "name"));
        put(&s->args, string_of(item, "arguments"));
    } else {
        s->others++;
    }
}

static const char *tree_stop(yyjson_val *response, const struct sum *s)
{
    if (str_eq(string_of(response, "status"), STR("completed")))
        return s->calls.len > 0 ? "calls" : "end";
    return "other";
}

static void tree(struct sum *s, yyjson_val *response)
{
    yyjson_val *usage = yyjson_obj_get(response, "usage"), *item;
    yyjson_val *input = yyjson_obj_get(usage, "input_tokens_details");
    yyjson_val *output = yyjson_obj_get(usage, "output_tokens_details");
    size_t i, n;

    yyjson_arr_foreach(yyjson_obj_get(response, "output"), i, n, item)
    {
        tree_item(s, item);
    }
    assert_int_equal(buf_printf(&s->end, "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %s",
                                yyjson_get_uint(yyjson_obj_get(usage, "input_tokens")),
                                yyjson_get_uint(yyjson_obj_get(usage, "output_tokens")),
                                yyjson_get_uint(yyjson_obj_get(input, "cached_tokens")),
                                yyjson_get_uint(yyjson_obj_get(output, "reasoning_tokens")),
                                tree_stop(response, s)),
                     0);
}

/* ---- what the events say ---- */

struct heard {
    struct arena arena;
    struct sum sum;
    struct buf trace;
    unsigned starts, errors, ends;
};

static void hear_other(struct heard *h, const struct chat_event *ev)
{
    assert_int_equal(ev->vendor, CHAT_RESPONSES);
    assert_true(ev->raw.len == 0 || json_type_of(ev->raw) == JSON_OBJECT);
    h->sum.others += ev->raw.len > 0;
}

static void hear_end(struct heard *h, const struct chat_event *ev)
{
    static const char *const stops[] = {
        [CHAT_STOP_END] = "end", [CHAT_STOP_CALLS] = "calls", [CHAT_STOP_OTHER] = "other"};
    const struct chat_usage *u = &ev->usage;
    int err;

    if (ev->kind == CHAT_EV_USAGE)
        err = buf_printf(&h->sum.end, "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " ", u->input,
                         u->output, u->cache_read, u->reasoning);
    else
        err = buf_printf(&h->sum.end, "%s", stops[ev->stop]);
    assert_int_equal(err, 0);
}

static bool listen(void *ctx, const struct chat_event *ev)
{
    struct heard *h = ctx;
    struct str plain = json_text_plain(&h->arena, ev->text);

    assert_int_equal(h->ends + h->errors, 0);
    assert_true(h->starts == 1 || ev->kind == CHAT_EV_START);
    if (ev->kind == CHAT_EV_TEXT)
        put(&h->sum.text, plain);
    else if (ev->kind == CHAT_EV_THINKING)
        put(&h->sum.thought, plain);
    else if (ev->kind == CHAT_EV_SIGNATURE)
        h->sum.seals++;
    else if (ev->kind == CHAT_EV_ARGS)
        put(&h->sum.args, plain);
    else if (ev->kind == CHAT_EV_RAW)
        hear_other(h, ev);
    else if (ev->kind == CHAT_EV_USAGE || ev->kind == CHAT_EV_STOP)
        hear_end(h, ev);
    if (ev->kind == CHAT_EV_CALL) {
        put(&h->sum.calls, str_make(ev->id.ptr, ev->id.len));
        put(&h->sum.calls, str_make(ev->name.ptr, ev->name.len));
    }
    h->starts += ev->kind == CHAT_EV_START;
    h->errors += ev->kind == CHAT_EV_ERROR;
    h->ends += ev->kind == CHAT_EV_END;
    return trace(&h->trace, ev);
}

static void heard_done(struct heard *h)
{
    sum_done(&h->sum);
    buf_done(&h->trace);
    arena_done(&h->arena);
}

/* ---- streams ---- */

struct replay {
    struct arena arena;
    struct chat_decoder *decoder;
    struct heard heard;
};

static bool forward(void *ctx, const struct sse_event *ev)
{
    struct replay *r = ctx;

    assert_true(dialect_responses.decode(r->decoder, ev->name, ev->data, listen, &r->heard));
    return true;
}

static void replay_start(struct replay *r)
{
    *r = (struct replay){.decoder = NULL};
    r->decoder = dialect_responses.decoder_new(&r->arena);
}

static void replay_done(struct replay *r)
{
    heard_done(&r->heard);
    arena_done(&r->arena);
}

/* In two pieces, or all bytes one by one. */
static void replay_cut(struct replay *r, struct str stream, size_t cut, bool bytes)
{
    struct sse s = {.part.max = 4 << 20};

    replay_start(r);
    for (size_t at = 0, n; at < stream.len; at += n) {
        n = bytes ? 1 : at < cut ? cut - at : stream.len - at;
        assert_int_equal(sse_feed(&s, str_make(stream.ptr + at, n), forward, r), 0);
    }
    assert_int_equal(sse_partial(&s), 0);
    sse_done(&s);
}

/* `event:` and `data:` around each line. */
static void frame(struct buf *out, struct str line)
{
    yyjson_doc *doc = yyjson_read(line.ptr, line.len, 0);

    assert_non_null(doc);
    assert_int_equal(buf_printf(out, "event: %.*s\ndata: %.*s\n\n",
                                STR_ARG(string_of(yyjson_doc_get_root(doc), "type")),
                                STR_ARG(line)),
                     0);
    yyjson_doc_free(doc);
}

/* What was cut never ends, and says no more than the whole. */
static void a_part_is_no_answer(struct str stream, size_t len, struct str all)
{
    struct sse s = {.part.max = 4 << 20};
    struct replay r;

    replay_start(&r);
    assert_int_equal(sse_feed(&s, str_make(stream.ptr, len), forward, &r), 0);
    assert_int_equal(r.heard.ends, 0);
    assert_true(str_starts(all, buf_str(&r.heard.trace)));
    sse_done(&s);
    replay_done(&r);
}

static void every_cut(struct str stream, struct str all)
{
    size_t step = stream.len < SHORT_BYTES ? 7 : stream.len / CUTS;
    struct replay r;

    replay_cut(&r, stream, 0, true);
    assert_true(str_eq(buf_str(&r.heard.trace), all));
    replay_done(&r);
    for (size_t cut = 1; cut < stream.len; cut += step) {
        replay_cut(&r, stream, cut, false);
        assert_true(str_eq(buf_str(&r.heard.trace), all));
        replay_done(&r);
        a_part_is_no_answer(stream, cut, all);
    }
}

/* Whoever recorded it has shortened its deltas, and left an item out. */
static bool is_abridged(const char *name)
{
    return strcmp(name, "openai-phase.1.chunks.txt") == 0;
}

/* The last event's response, whole. */
static void as_a_whole(const char *name, struct str line, const struct sum *streamed)
{
    yyjson_doc *doc = yyjson_read(line.ptr, line.len, 0);
    yyjson_val *response = yyjson_obj_get(yyjson_doc_get_root(doc), "response");
    struct arena a = {.max = 0};
    struct heard h = {.starts = 0};
    struct sum expected = {.seals = 0};
    size_t len;
    char *body = yyjson_val_write(response, 0, &len);

    assert_non_null(body);
    tree(&expected, response);
    if (!is_abridged(name))
        compare(name, &expected, streamed);
    assert_true(dialect_responses.decode_whole(dialect_responses.decoder_new(&a),
                                               str_make(body, len), listen, &h));
    assert_int_equal(h.ends, 1);
    compare(name, &expected, &h.sum);
    free(body);
    heard_done(&h);
    sum_done(&expected);
    arena_done(&a);
    yyjson_doc_free(doc);
}

static unsigned answers, failures;

static void replay_one(const char *name, struct str stream, struct str last)
{
    struct replay r;

    replay_cut(&r, stream, 0, false);
    assert_int_equal(r.heard.ends + r.heard.errors, 1);
    answers += r.heard.ends;
    failures += r.heard.errors;
    if (r.heard.ends == 1)
        as_a_whole(name, last, &r.heard.sum);
    if (r.heard.ends == 1)
        every_cut(stream, buf_str(&r.heard.trace));
    replay_done(&r);
}

/* A recording may hold several responses, one behind the other. */
static void replay_file(const char *path, const char *name)
{
    struct str text = file_read(path), rest = text, line, last = {NULL, 0};
    struct buf stream = {.max = 0};

    assert_non_null(text.ptr);
    while (rest.len > 0) {
        str_cut(rest, '\n', &line, &rest);
        line = str_trim(line);
        if (line.len == 0)
            continue;
        if (str_find(line, STR("\"type\":\"response.created\"")) != NULL && stream.len > 0) {
            replay_one(name, buf_str(&stream), last);
            stream.len = 0;
        }
        frame(&stream, line);
        last = line;
    }
    replay_one(name, buf_str(&stream), last);
    buf_done(&stream);
    file_free(text);
}

static void R6_R46_recorded_streams_say_the_same_however_they_are_cut(void **state)
{
    (void)state;
    answers = failures = 0;
    assert_in_range(files_each(RECORDINGS, ".chunks.txt", replay_file), 30, 100);
    assert_in_range(answers, 32, 100);
    assert_int_equal(failures, 1);
}

/* ---- whole answers ---- */

static void whole_file(const char *path, const char *name)
{
    struct str body = file_read(path);
    yyjson_doc *doc = yyjson_read(body.ptr, body.len, 0);
    yyjson_val *root = yyjson_doc_get_root(doc);
    struct heard h = {.starts = 0};
    struct sum expected = {.seals = 0};
    struct arena a = {.max = 0};

    assert_non_null(doc);
    if (yyjson_obj_get(root, "output") == NULL) { /* a refusal */
        struct chat_event ev;

        dialect_responses.refusal(&a, 400, body, &ev);
        assert_in_range(ev.text.len, 1, 1000);
        failures++;
    } else {
        tree(&expected, root);
        assert_true(
            dialect_responses.decode_whole(dialect_responses.decoder_new(&a), body, listen, &h));
        assert_int_equal(h.ends, 1);
        compare(name, &expected, &h.sum);
        answers++;
    }
    heard_done(&h);
    sum_done(&expected);
    arena_done(&a);
    yyjson_doc_free(doc);
    file_free(body);
}

static void R46_recorded_answers_say_what_their_tree_says(void **state)
{
    (void)state;
    answers = failures = 0;
    files_each(RECORDINGS, ".json", whole_file);
    assert_in_range(answers, 30, 100);
    assert_int_equal(failures, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R6_R46_recorded_streams_say_the_same_however_they_are_cut),
        cmocka_unit_test(R46_recorded_answers_say_what_their_tree_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
