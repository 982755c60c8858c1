/*
 * Recorded answers of Bedrock, framed and cut at every place: the events do not depend on it, and
 * say what a tree of the recording says.  Whole answers say what their own tree does.
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
#include "llm/eventstream.h"

#include "unit/llm/chat_trace.h"
#include "unit/llm/eventstream_frame.h"
#include "unit/llm/files.h"

#define RECORDINGS "tests/data/recordings/amazon-bedrock"

/* What an answer says, a line each: "text …", "call ID NAME ARGS", "usage IN OUT", "stop WORD". */

static struct str string_of(yyjson_val *v)
{
    return str_make(yyjson_get_str(v), yyjson_get_len(v));
}

/* ---- what the tree says ---- */

struct tree {
    struct buf text, calls, args, usage;
    char stop[32];
};

static void tree_call(struct tree *t, yyjson_val *use)
{
    assert_int_equal(buf_printf(&t->calls, "call %s %s\n",
                                yyjson_get_str(yyjson_obj_get(use, "toolUseId")),
                                yyjson_get_str(yyjson_obj_get(use, "name"))),
                     0);
}

static void tree_end(struct tree *t, yyjson_val *stop, yyjson_val *usage)
{
    if (yyjson_is_str(stop))
        snprintf(t->stop, sizeof(t->stop), "%s", yyjson_get_str(stop));
    if (usage != NULL)
        assert_int_equal(buf_printf(&t->usage, "usage %" PRIu64 " %" PRIu64 "\n",
                                    yyjson_get_uint(yyjson_obj_get(usage, "inputTokens")),
                                    yyjson_get_uint(yyjson_obj_get(usage, "outputTokens"))),
                         0);
}

static void tree_payload(struct tree *t, yyjson_val *root)
{
    yyjson_val *delta = yyjson_obj_get(yyjson_obj_get(root, "contentBlockDelta"), "delta");
    yyjson_val *start = yyjson_obj_get(yyjson_obj_get(root, "contentBlockStart"), "start");
    yyjson_val *use = yyjson_obj_get(delta, "toolUse");

    if (yyjson_obj_get(start, "toolUse") != NULL)
        tree_call(t, yyjson_obj_get(start, "toolUse"));
    frame_put(&t->text, string_of(yyjson_obj_get(delta, "text")));
    frame_put(&t->args, string_of(yyjson_obj_get(use, "input")));
    tree_end(t, yyjson_obj_get(yyjson_obj_get(root, "messageStop"), "stopReason"),
             yyjson_obj_get(yyjson_obj_get(root, "metadata"), "usage"));
}

static void tree_whole(struct tree *t, yyjson_val *root)
{
    yyjson_val *message = yyjson_obj_get(yyjson_obj_get(root, "output"), "message"), *block;
    size_t i, max;

    yyjson_arr_foreach(yyjson_obj_get(message, "content"), i, max, block)
    {
        yyjson_val *use = yyjson_obj_get(block, "toolUse");
        char *args;
        size_t len;

        frame_put(&t->text, string_of(yyjson_obj_get(block, "text")));
        if (use == NULL)
            continue;
        tree_call(t, use);
        args = yyjson_val_write(yyjson_obj_get(use, "input"), 0, &len);
        frame_put(&t->args, str_make(args, len));
        free(args);
    }
    tree_end(t, yyjson_obj_get(root, "stopReason"), yyjson_obj_get(root, "usage"));
}

static void tree_done(struct tree *t)
{
    buf_done(&t->text);
    buf_done(&t->calls);
    buf_done(&t->args);
    buf_done(&t->usage);
}

/* ---- what the events say ---- */

struct heard {
    struct arena arena;
    struct tree tree;
    unsigned starts, ends;
    bool normal; /* arguments come whole, and are compared as yyjson writes them */
};

static const char *const stop_words[] = {
    [CHAT_STOP_END] = "end_turn",
    [CHAT_STOP_CALLS] = "tool_use",
    [CHAT_STOP_LENGTH] = "max_tokens",
};

static bool listen(void *ctx, const struct chat_event *ev)
{
    struct heard *h = ctx;
    struct tree *t = &h->tree;
    struct str plain = json_text_plain(&h->arena, ev->text);

    assert_int_equal(h->ends, 0);
    assert_true(h->starts == 1 || ev->kind == CHAT_EV_START);
    if (ev->kind == CHAT_EV_TEXT) {
        frame_put(&t->text, plain);
    } else if (ev->kind == CHAT_EV_ARGS) {
        yyjson_doc *doc = h->normal ? yyjson_read(plain.ptr, plain.len, 0) : NULL;
        char *args = doc != NULL ? yyjson_write(doc, 0, NULL) : NULL;

        frame_put(&t->args, args != NULL ? str_from(args) : plain);
        free(args);
        yyjson_doc_free(doc);
    } else if (ev->kind == CHAT_EV_CALL) {
        assert_int_equal(buf_printf(&t->calls, "call %.*s %.*s\n", (int)ev->id.len, ev->id.ptr,
                                    (int)ev->name.len, ev->name.ptr),
                         0);
    } else if (ev->kind == CHAT_EV_USAGE) {
        assert_int_equal(buf_printf(&t->usage, "usage %" PRIu64 " %" PRIu64 "\n", ev->usage.input,
                                    ev->usage.output),
                         0);
    } else if (ev->kind == CHAT_EV_STOP) {
        assert_true(ev->stop < COUNTOF(stop_words) && stop_words[ev->stop] != NULL);
        snprintf(t->stop, sizeof(t->stop), "%s", stop_words[ev->stop]);
    } else {
        assert_true(ev->kind == CHAT_EV_START || ev->kind == CHAT_EV_BLOCK_END ||
                    ev->kind == CHAT_EV_END);
    }
    h->starts += ev->kind == CHAT_EV_START;
    h->ends += ev->kind == CHAT_EV_END;
    return true;
}

static void compare(const char *name, const struct tree *got, const struct tree *wanted)
{
    struct str args = buf_str(&wanted->args);

    if (args.len == 0 && wanted->calls.len > 0)
        args = STR("{}"); /* nothing is not JSON */
    if (!str_eq(buf_str(&got->text), buf_str(&wanted->text)))
        fail_msg("%s: text %.*s", name, STR_ARG(buf_str(&got->text)));
    if (!str_eq(buf_str(&got->calls), buf_str(&wanted->calls)))
        fail_msg("%s: %.*s", name, STR_ARG(buf_str(&got->calls)));
    if (!str_eq(buf_str(&got->args), args))
        fail_msg("%s: arguments %.*s", name, STR_ARG(buf_str(&got->args)));
    if (!str_eq(buf_str(&got->usage), buf_str(&wanted->usage)))
        fail_msg("%s: %.*s", name, STR_ARG(buf_str(&got->usage)));
    assert_string_equal(got->stop, wanted->stop);
}

/* ---- the stream ---- */

/* The payloads of `lines` as a stream, and what their trees say. */
static void frame(struct buf *out, struct str lines, struct tree *tree)
{
    struct str line;

    while (lines.len > 0) {
        yyjson_doc *doc;
        yyjson_val *key, *value;
        yyjson_obj_iter it;
        char *payload;
        size_t len;

        str_cut(lines, '\n', &line, &lines);
        if (line.len == 0)
            continue;
        doc = yyjson_read(line.ptr, line.len, 0);
        assert_non_null(doc);
        it = yyjson_obj_iter_with(yyjson_doc_get_root(doc));
        key = yyjson_obj_iter_next(&it);
        value = yyjson_obj_iter_get_val(key);
        payload = yyjson_val_write(value, 0, &len);
        frame_named(out, "event", string_of(key), str_make(payload, len));
        tree_payload(tree, yyjson_doc_get_root(doc));
        free(payload);
        yyjson_doc_free(doc);
    }
}

struct run {
    struct arena arena;
    struct chat_decoder *d;
    chat_event_fn *emit;
    void *ctx;
};

static bool decode(void *ctx, const struct eventstream_message *m)
{
    struct run *r = ctx;

    assert_false(m->failure);
    assert_true(dialect_bedrock.decode(r->d, m->type, m->payload, r->emit, r->ctx));
    return true;
}

/* Fed in pieces of `size`, after a first one of `first`. */
static void run(struct str stream, size_t first, size_t size, chat_event_fn *emit, void *ctx)
{
    struct run r = {.arena = {.max = 0}, .emit = emit, .ctx = ctx};
    struct buf part = {.max = 1 << 20};
    size_t n = first;

    r.d = dialect_bedrock.decoder_new(&r.arena);
    for (size_t at = 0; at < stream.len; n = size) {
        n = n < stream.len - at ? n : stream.len - at;
        assert_int_equal(eventstream_feed(&part, str_make(stream.ptr + at, n), decode, &r), 0);
        at += n;
    }
    dialect_bedrock.decode_end(r.d, emit, ctx);
    buf_done(&part);
    arena_done(&r.arena);
}

static void replay(const char *path, const char *name)
{
    struct str file = file_read(path);
    struct buf stream = {.max = 0}, whole = {.max = 0}, cut = {.max = 0};
    struct tree wanted = {.stop = ""};
    struct heard h = {.starts = 0};

    assert_non_null(file.ptr);
    frame(&stream, file, &wanted);
    run(buf_str(&stream), stream.len, 1, listen, &h);
    assert_int_equal(h.ends, 1);
    compare(name, &h.tree, &wanted);
    run(buf_str(&stream), stream.len, 1, trace, &whole);
    run(buf_str(&stream), 1, 1, trace, &cut);
    assert_true(str_eq(buf_str(&whole), buf_str(&cut)));
    for (size_t first = 1; first < stream.len; first++) {
        cut.len = 0;
        run(buf_str(&stream), first, stream.len, trace, &cut);
        if (!str_eq(buf_str(&whole), buf_str(&cut)))
            fail_msg("%s: cut at %zu", name, first);
    }
    tree_done(&wanted);
    tree_done(&h.tree);
    arena_done(&h.arena);
    buf_done(&stream);
    buf_done(&whole);
    buf_done(&cut);
    file_free(file);
}

static void R3_recorded_streams_say_the_same_wherever_they_are_cut(void **state)
{
    (void)state;
    assert_int_equal(files_each(RECORDINGS, ".chunks.txt", replay), 9);
}

/* ---- whole answers ---- */

static void read_whole(const char *path, const char *name)
{
    struct str file = file_read(path);
    yyjson_doc *doc = yyjson_read(file.ptr, file.len, 0);
    struct tree wanted = {.stop = ""};
    struct heard h = {.normal = true};
    struct arena a = {.max = 0};

    assert_non_null(doc);
    tree_whole(&wanted, yyjson_doc_get_root(doc));
    assert_true(dialect_bedrock.decode_whole(dialect_bedrock.decoder_new(&a), file, listen, &h));
    assert_int_equal(h.ends, 1);
    compare(name, &h.tree, &wanted);
    tree_done(&wanted);
    tree_done(&h.tree);
    arena_done(&h.arena);
    arena_done(&a);
    yyjson_doc_free(doc);
    file_free(file);
}

static void R7_recorded_answers_say_what_is_in_them(void **state)
{
    (void)state;
    assert_int_equal(files_each(RECORDINGS, ".json", read_whole), 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R3_recorded_streams_say_the_same_wherever_they_are_cut),
        cmocka_unit_test(R7_recorded_answers_say_what_is_in_them),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    arena_thread_done();
    return failed;
}
