/*
 * Recorded answers of OpenAI-compatible servers, through our own form and out again: cut at every
 * place they make the same events, and what those say, and what a client of Chat Completions reads
 * of them, is what reading each chunk into a tree gives.
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

#include "unit/llm/chat_events.h"
#include "unit/llm/files.h"

#define RECORDINGS "tests/data/recordings"
#define HEAD_BYTES 8192u /* of a long stream: cut at every place of these */
#define LONG_BYTES 20480u
#define CALLS_MAX 8u
#define KEPT_MAX (64u << 20)

static void put(struct buf *out, struct str s)
{
    assert_int_equal(buf_put(out, s), 0);
}

static bool is_chat(const char *name)
{
    return strstr(name, "completion") == NULL;
}

/* ---- what an answer told ---- */

struct told {
    struct buf text, thinking, refusal;
    struct told_call {
        char id[64], name[64];
        struct buf args;
    } calls[CALLS_MAX];
    unsigned calls_count;
    bool usage;
    uint64_t prompt, completion, cached, reasoning;
    char finish[32];
};

static void told_done(struct told *t)
{
    buf_done(&t->text);
    buf_done(&t->thinking);
    buf_done(&t->refusal);
    for (unsigned i = 0; i < CALLS_MAX; i++)
        buf_done(&t->calls[i].args);
}

static void must_be_equal(const char *name, const char *what, struct str a, struct str b)
{
    if (!str_eq(a, b))
        fail_msg("%s: %s is\n%.*s\nand not\n%.*s", name, what, STR_ARG(a), STR_ARG(b));
}

static void told_equal(const char *name, const struct told *a, const struct told *b)
{
    must_be_equal(name, "text", buf_str(&a->text), buf_str(&b->text));
    must_be_equal(name, "thinking", buf_str(&a->thinking), buf_str(&b->thinking));
    must_be_equal(name, "refusal", buf_str(&a->refusal), buf_str(&b->refusal));
    must_be_equal(name, "finish", str_from(a->finish), str_from(b->finish));
    assert_int_equal(a->calls_count, b->calls_count);
    for (unsigned i = 0; i < a->calls_count; i++) {
        must_be_equal(name, "call", str_from(a->calls[i].name), str_from(b->calls[i].name));
        must_be_equal(name, "id", str_from(a->calls[i].id), str_from(b->calls[i].id));
        must_be_equal(name, "arguments", buf_str(&a->calls[i].args), buf_str(&b->calls[i].args));
    }
    assert_int_equal(a->usage, b->usage);
    assert_int_equal(a->prompt, b->prompt);
    assert_int_equal(a->completion, b->completion);
    assert_int_equal(a->cached, b->cached);
    assert_int_equal(a->reasoning, b->reasoning);
}

/* ---- by trees ---- */

static struct str string_of(yyjson_val *v)
{
    return yyjson_is_str(v) ? str_make(yyjson_get_str(v), yyjson_get_len(v)) : STR("");
}

static void copy_once(char to[64], yyjson_val *v)
{
    if (to[0] == '\0' && yyjson_get_len(v) < 64 && yyjson_is_str(v))
        memcpy(to, yyjson_get_str(v), yyjson_get_len(v) + 1);
}

/* `written`: as a client that believes the index and wants id and name once. */
static void tree_call(struct told *t, yyjson_val *call, size_t position, bool written)
{
    yyjson_val *index = yyjson_obj_get(call, "index"), *function = yyjson_obj_get(call, "function");
    size_t i = yyjson_is_uint(index) ? (size_t)yyjson_get_uint(index) : position;

    assert_in_range(i, 0, CALLS_MAX - 1);
    if (written && index != NULL)
        assert_int_equal(i >= t->calls_count, yyjson_is_str(yyjson_obj_get(call, "id")));
    if (i >= t->calls_count)
        t->calls_count = (unsigned)i + 1;
    copy_once(t->calls[i].id, yyjson_obj_get(call, "id"));
    copy_once(t->calls[i].name, yyjson_obj_get(function, "name"));
    put(&t->calls[i].args, string_of(yyjson_obj_get(function, "arguments")));
}

/* A string, or Mistral's parts. */
static void tree_content(struct told *t, yyjson_val *content)
{
    yyjson_val *part, *piece;
    size_t i, n, j, m;

    put(&t->text, string_of(content));
    yyjson_arr_foreach(content, i, n, part)
    {
        put(&t->text, string_of(yyjson_obj_get(part, "text")));
        yyjson_arr_foreach(yyjson_obj_get(part, "thinking"), j, m, piece)
            put(&t->thinking, string_of(yyjson_obj_get(piece, "text")));
    }
}

static void tree_message(struct told *t, yyjson_val *message, bool written)
{
    yyjson_val *call, *reasoning = yyjson_obj_get(message, "reasoning_content");
    size_t i, n;

    put(&t->thinking,
        string_of(reasoning != NULL ? reasoning : yyjson_obj_get(message, "reasoning")));
    tree_content(t, yyjson_obj_get(message, "content"));
    put(&t->refusal, string_of(yyjson_obj_get(message, "refusal")));
    yyjson_arr_foreach(yyjson_obj_get(message, "tool_calls"), i, n, call)
        tree_call(t, call, i, written);
}

/* xAI tells the tokens of reasoning beside the completion's; ours are in it, as OpenAI's are. */
static void tree_usage(struct told *t, yyjson_val *usage)
{
    yyjson_val *prompt = yyjson_obj_get(usage, "prompt_tokens_details");
    yyjson_val *completion = yyjson_obj_get(usage, "completion_tokens_details");
    uint64_t total = yyjson_get_uint(yyjson_obj_get(usage, "total_tokens"));

    if (!yyjson_is_obj(usage))
        return;
    t->usage = true;
    t->prompt = yyjson_get_uint(yyjson_obj_get(usage, "prompt_tokens"));
    t->completion = yyjson_get_uint(yyjson_obj_get(usage, "completion_tokens"));
    t->cached = yyjson_get_uint(yyjson_obj_get(prompt, "cached_tokens"));
    if (prompt == NULL)
        t->cached = yyjson_get_uint(yyjson_obj_get(usage, "cached_tokens"));
    t->reasoning = yyjson_get_uint(yyjson_obj_get(completion, "reasoning_tokens"));
    if (t->reasoning > 0 && t->prompt + t->completion + t->reasoning == total)
        t->completion += t->reasoning;
    else
        assert_int_equal(t->prompt + t->completion, total);
}

/* What OpenAI's own description requires of every chunk and body. */
static void has_all_keys(yyjson_val *root, yyjson_val *choice, bool whole)
{
    yyjson_val *message = yyjson_obj_get(choice, "message");

    assert_true(str_starts(string_of(yyjson_obj_get(root, "id")), STR("chatcmpl-")));
    assert_string_equal(yyjson_get_str(yyjson_obj_get(root, "object")),
                        whole ? "chat.completion" : "chat.completion.chunk");
    assert_true(yyjson_is_uint(yyjson_obj_get(root, "created")));
    assert_string_equal(yyjson_get_str(yyjson_obj_get(root, "model")), "alias");
    if (choice == NULL)
        return;
    assert_true(yyjson_is_uint(yyjson_obj_get(choice, "index")));
    assert_true(yyjson_is_null(yyjson_obj_get(choice, "logprobs")));
    assert_non_null(yyjson_obj_get(choice, "finish_reason"));
    assert_true(yyjson_is_obj(whole ? message : yyjson_obj_get(choice, "delta")));
    if (whole) {
        assert_string_equal(yyjson_get_str(yyjson_obj_get(message, "role")), "assistant");
        assert_non_null(yyjson_obj_get(message, "content"));
        assert_non_null(yyjson_obj_get(message, "refusal"));
    }
}

static void tree_answer(struct told *t, struct str json, bool whole, bool written)
{
    yyjson_doc *doc = yyjson_read(json.ptr, json.len, 0);
    yyjson_val *root = yyjson_doc_get_root(doc), *choice;
    size_t i, n;

    assert_non_null(doc);
    if (written)
        has_all_keys(root, NULL, whole);
    yyjson_arr_foreach(yyjson_obj_get(root, "choices"), i, n, choice)
    {
        yyjson_val *finish = yyjson_obj_get(choice, "finish_reason");

        if (written)
            has_all_keys(root, choice, whole);
        tree_message(t, yyjson_obj_get(choice, whole ? "message" : "delta"), written);
        if (yyjson_is_str(finish))
            snprintf(t->finish, sizeof(t->finish), "%s", yyjson_get_str(finish));
        tree_usage(t, yyjson_obj_get(choice, "usage"));
    }
    tree_usage(t, yyjson_obj_get(root, "usage"));
    yyjson_doc_free(doc);
}

/* ---- by events ---- */

struct run {
    struct arena arena;
    struct chat_request request;
    struct chat_answer_facts facts;
    struct chat_decoder *decoder;
    struct chat_writer *streamed, *collected;
    struct told told;
    struct buf lines, stream, body;
    unsigned ends;
};

static const char *finish_of(enum chat_stop stop)
{
    return stop == CHAT_STOP_CALLS ? "tool_calls" : stop == CHAT_STOP_LENGTH ? "length" : "stop";
}

static void tell_text(struct run *r, struct buf *to, struct json_text text)
{
    put(to, json_text_plain(&r->arena, text));
}

static void tell_call(struct told *t, const struct chat_event *ev)
{
    assert_int_equal(ev->call, t->calls_count);
    assert_in_range(ev->call, 0, CALLS_MAX - 1);
    snprintf(t->calls[ev->call].id, 64, "%.*s", (int)ev->id.len, ev->id.ptr);
    snprintf(t->calls[ev->call].name, 64, "%.*s", (int)ev->name.len, ev->name.ptr);
    t->calls_count++;
}

static void tell(struct run *r, const struct chat_event *ev)
{
    struct told *t = &r->told;

    if (ev->kind == CHAT_EV_TEXT) {
        tell_text(r, &t->text, ev->text);
    } else if (ev->kind == CHAT_EV_THINKING) {
        tell_text(r, &t->thinking, ev->text);
    } else if (ev->kind == CHAT_EV_REFUSAL) {
        tell_text(r, &t->refusal, ev->text);
    } else if (ev->kind == CHAT_EV_CALL) {
        tell_call(t, ev);
    } else if (ev->kind == CHAT_EV_ARGS) {
        assert_in_range(ev->call, 0, t->calls_count - 1);
        tell_text(r, &t->calls[ev->call].args, ev->text);
    } else if (ev->kind == CHAT_EV_STOP) {
        snprintf(t->finish, sizeof(t->finish), "%s", finish_of(ev->stop));
    } else if (ev->kind == CHAT_EV_USAGE) {
        t->usage = ev->usage.source == CHAT_USAGE_REPORTED;
        t->prompt = ev->usage.input;
        t->completion = ev->usage.output;
        t->cached = ev->usage.cache_read;
        t->reasoning = ev->usage.reasoning;
    }
}

static bool hear(void *ctx, const struct chat_event *ev)
{
    struct run *r = ctx;

    assert_int_equal(r->ends, 0); /* nothing behind the end */
    r->ends += ev->kind == CHAT_EV_END;
    event_put(&r->lines, ev);
    tell(r, ev);
    assert_int_equal(surface_chat.put(r->streamed, ev, &r->stream), 0);
    assert_int_equal(surface_chat.collect(r->collected, ev), 0);
    return true;
}

static void run_begin(struct run *r)
{
    *r = (struct run){.arena.max = KEPT_MAX, .request = {.stream = true, .wants_usage = true}};
    r->facts = (struct chat_answer_facts){
        .id = STR("1"), .model = STR("alias"), .created_s = 1, .request = &r->request};
    r->decoder = dialect_openai.decoder_new(&r->arena);
    r->streamed = surface_chat.writer_new(&r->arena, &r->facts);
    r->collected = surface_chat.writer_new(&r->arena, &r->facts);
    assert_non_null(r->decoder);
    assert_true(r->streamed != NULL && r->collected != NULL);
}

static void run_done(struct run *r)
{
    told_done(&r->told);
    buf_done(&r->lines);
    buf_done(&r->stream);
    buf_done(&r->body);
    arena_done(&r->arena);
}

/* ---- cuts ---- */

static bool decode(void *ctx, const struct sse_event *ev)
{
    struct run *r = ctx;

    assert_true(dialect_openai.decode(r->decoder, ev->name, ev->data, hear, r));
    return true;
}

/* Fed in pieces of `size`, after a first one of `first`. */
static void run_stream(struct run *r, struct str stream, size_t first, size_t size)
{
    struct sse s = {.part.max = 1 << 20};
    size_t n = first;

    run_begin(r);
    for (size_t at = 0; at < stream.len; n = size) {
        n = n < stream.len - at ? n : stream.len - at;
        assert_int_equal(sse_feed(&s, str_make(stream.ptr + at, n), decode, r), 0);
        at += n;
    }
    assert_int_equal(sse_partial(&s), 0);
    sse_done(&s);
}

static void frame(struct buf *out, struct str chunks, size_t max)
{
    struct str line;

    out->len = 0;
    while (chunks.len > 0 && out->len < max) {
        str_cut(chunks, '\n', &line, &chunks);
        if (line.len == 0)
            continue;
        put(out, STR("data: "));
        put(out, line);
        put(out, STR("\n\n"));
    }
    put(out, STR("data: [DONE]\n\n"));
}

static void check_cut(const char *name, const struct run *whole, struct str stream, size_t first,
                      size_t size)
{
    struct run r;

    run_stream(&r, stream, first, size);
    if (!str_eq(buf_str(&r.lines), buf_str(&whole->lines)) ||
        !str_eq(buf_str(&r.stream), buf_str(&whole->stream)))
        fail_msg("%s: cut at %zu, then by %zu", name, first, size);
    run_done(&r);
}

static void check_cuts(const char *name, struct str chunks)
{
    struct buf stream = {.max = 0};
    struct run whole;

    frame(&stream, chunks, SIZE_MAX);
    run_stream(&whole, buf_str(&stream), stream.len, 1);
    check_cut(name, &whole, buf_str(&stream), 1, 1);
    for (size_t at = 0; stream.len > LONG_BYTES && at <= stream.len; at += stream.len / 29)
        check_cut(name, &whole, buf_str(&stream), at, stream.len);
    run_done(&whole);
    frame(&stream, chunks, stream.len > LONG_BYTES ? HEAD_BYTES : SIZE_MAX);
    run_stream(&whole, buf_str(&stream), stream.len, 1);
    for (size_t at = 0; at <= stream.len; at++)
        check_cut(name, &whole, buf_str(&stream), at, stream.len);
    run_done(&whole);
    buf_done(&stream);
}

/* ---- what is told ---- */

static bool read_written(void *ctx, const struct sse_event *ev)
{
    struct told *t = ctx;

    if (!str_eq(ev->data, STR("[DONE]")))
        tree_answer(t, ev->data, false, true);
    return true;
}

/* What a client reads, of the stream and of the whole answer. */
static void check_written(const char *name, struct run *r)
{
    struct told streamed = {.usage = false}, whole = {.usage = false};
    struct sse s = {.part.max = 1 << 20};

    assert_int_equal(sse_feed(&s, buf_str(&r->stream), read_written, &streamed), 0);
    assert_int_equal(sse_partial(&s), 0);
    sse_done(&s);
    told_equal(name, &streamed, &r->told);
    assert_int_equal(surface_chat.write(r->collected, &r->body), 0);
    tree_answer(&whole, buf_str(&r->body), true, true);
    told_equal(name, &whole, &r->told);
    told_done(&streamed);
    told_done(&whole);
}

static void check_args(const struct told *t)
{
    for (unsigned i = 0; i < t->calls_count; i++) {
        yyjson_doc *args = yyjson_read(t->calls[i].args.ptr, t->calls[i].args.len, 0);

        assert_true(yyjson_is_obj(yyjson_doc_get_root(args)));
        yyjson_doc_free(args);
    }
}

static void check_told(const char *name, struct str chunks)
{
    struct told raw = {.usage = false};
    struct buf stream = {.max = 0};
    struct str line, rest = chunks;
    struct run r;

    while (rest.len > 0) {
        str_cut(rest, '\n', &line, &rest);
        if (line.len > 0)
            tree_answer(&raw, line, false, false);
    }
    frame(&stream, chunks, SIZE_MAX);
    run_stream(&r, buf_str(&stream), stream.len, 1);
    assert_int_equal(r.ends, 1);
    assert_true(raw.text.len > 0 || raw.thinking.len > 0 || raw.calls_count > 0);
    told_equal(name, &r.told, &raw);
    check_args(&r.told);
    check_written(name, &r);
    run_done(&r);
    told_done(&raw);
    buf_done(&stream);
}

static void replay(const char *path, const char *name)
{
    struct str chunks = file_read(path);

    if (is_chat(name)) {
        check_told(name, chunks);
        check_cuts(name, chunks);
    }
    file_free(chunks);
}

static void recorded_streams_say_the_same_through_our_own_form(void **state)
{
    (void)state;
    assert_in_range(files_each(RECORDINGS, ".chunks.txt", replay), 19, 100);
}

/* ---- bodies ---- */

static void judge(const char *path, const char *name)
{
    struct str body = file_read(path);
    struct told raw = {.usage = false};
    struct run r;

    if (!is_chat(name)) {
        file_free(body);
        return;
    }
    run_begin(&r);
    assert_true(dialect_openai.decode_whole(r.decoder, body, hear, &r));
    if (strstr(name, "error") != NULL) {
        assert_int_equal(r.ends, 0);
        assert_true(str_starts(buf_str(&r.lines), STR("error upstream_refused ")));
    } else {
        tree_answer(&raw, body, true, false);
        assert_int_equal(r.ends, 1);
        assert_true(raw.text.len > 0 || raw.thinking.len > 0 || raw.calls_count > 0);
        told_equal(name, &r.told, &raw);
        check_args(&r.told);
        check_written(name, &r);
    }
    told_done(&raw);
    run_done(&r);
    file_free(body);
}

static void recorded_bodies_say_the_same_through_our_own_form(void **state)
{
    (void)state;
    assert_in_range(files_each(RECORDINGS, ".json", judge), 18, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_streams_say_the_same_through_our_own_form),
        cmocka_unit_test(recorded_bodies_say_the_same_through_our_own_form),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    arena_thread_done();
    return failed;
}
