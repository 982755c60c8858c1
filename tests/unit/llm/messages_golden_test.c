/*
 * Anthropic's own recorded answers, taken apart into our events and written again: block for block
 * the same, and no event lacks a member that Anthropic's has.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "llm/dialects.h"

#include "unit/llm/files.h"
#include "unit/llm/messages_stream.h"
#include "unit/llm/str_check.h"

static const struct chat_answer_facts facts = {.id = STR_INIT("01A"), .model = STR_INIT("fast")};

/* ---- a recording as our events ---- */

struct replay {
    struct chat_writer *writer;
    struct arena arena;
    struct buf out;
    struct chat_usage usage;
    uint32_t calls;
    bool raw; /* the open block is a vendor's */
};

static void tell(struct replay *r, struct chat_event ev)
{
    assert_int_equal(surface_messages.put(r->writer, &ev, &r->out), 0);
}

static struct json_text text_of(struct str object, const char *name)
{
    return json_text_of(stream_get(object, name));
}

static void take_count(struct str usage, const char *name, uint64_t *ret)
{
    (void)!str_to_u64(stream_get(usage, name), ret);
}

static void tell_usage(struct replay *r, struct str usage)
{
    struct chat_usage *u = &r->usage;
    uint64_t plain = u->input - u->cache_read - u->cache_write;

    take_count(usage, "input_tokens", &plain);
    take_count(usage, "cache_read_input_tokens", &u->cache_read);
    take_count(usage, "cache_creation_input_tokens", &u->cache_write);
    take_count(usage, "output_tokens", &u->output);
    take_count(stream_get(usage, "output_tokens_details"), "thinking_tokens", &u->reasoning);
    u->input = plain + u->cache_read + u->cache_write;
    u->source = CHAT_USAGE_REPORTED;
    tell(r, (struct chat_event){.kind = CHAT_EV_USAGE, .usage = *u});
}

static void tell_call(struct replay *r, struct str block)
{
    struct str input = stream_get(block, "input");
    struct buf inside = {.max = 0};
    struct json_pen p = json_pen(&inside);

    tell(r, (struct chat_event){.kind = CHAT_EV_CALL,
                                .call = r->calls++,
                                .id = text_of(block, "id"),
                                .name = text_of(block, "name")});
    pen_inside_json(&p, input);
    if (!json_is_empty(input))
        tell(r, (struct chat_event){
                    .kind = CHAT_EV_ARGS, .call = r->calls - 1, .text = {inside.ptr, inside.len}});
    buf_done(&inside);
}

static void tell_start(struct replay *r, struct str block)
{
    r->raw = false;
    if (stream_is(block, "type", "tool_use"))
        tell_call(r, block);
    else if (stream_is(block, "type", "text"))
        tell(r, (struct chat_event){.kind = CHAT_EV_TEXT, .text = text_of(block, "text")});
    else if (stream_is(block, "type", "redacted_thinking"))
        tell(r, (struct chat_event){.kind = CHAT_EV_REDACTED, .text = text_of(block, "data")});
    else if (!stream_is(block, "type", "thinking"))
        r->raw = true;
    if (r->raw)
        tell(r, (struct chat_event){.kind = CHAT_EV_RAW, .vendor = CHAT_ANTHROPIC, .raw = block});
}

static void tell_delta(struct replay *r, struct str delta)
{
    struct chat_event ev = {.call = r->calls - 1, .raw = stream_get(delta, "citation")};

    if (r->raw)
        return;
    if (stream_is(delta, "type", "text_delta"))
        ev.kind = CHAT_EV_TEXT, ev.text = text_of(delta, "text");
    else if (stream_is(delta, "type", "thinking_delta"))
        ev.kind = CHAT_EV_THINKING, ev.text = text_of(delta, "thinking");
    else if (stream_is(delta, "type", "signature_delta"))
        ev.kind = CHAT_EV_SIGNATURE, ev.text = text_of(delta, "signature");
    else if (stream_is(delta, "type", "input_json_delta"))
        ev.kind = CHAT_EV_ARGS, ev.text = text_of(delta, "partial_json");
    else
        ev.kind = CHAT_EV_CITATION;
    tell(r, ev);
}

static enum chat_stop stop_of(struct str delta)
{
    static const struct {
        const char *word;
        enum chat_stop stop;
    } words[] = {
        {"end_turn", CHAT_STOP_END},      {"tool_use", CHAT_STOP_CALLS},
        {"max_tokens", CHAT_STOP_LENGTH}, {"stop_sequence", CHAT_STOP_SEQUENCE},
        {"pause_turn", CHAT_STOP_PAUSE},  {"refusal", CHAT_STOP_REFUSAL},
    };
    size_t i = 0;

    while (i < COUNTOF(words) && !stream_is(delta, "stop_reason", words[i].word))
        i++;
    assert_true(i < COUNTOF(words));
    return words[i].stop;
}

static void tell_end(struct replay *r, struct str data)
{
    struct str delta = stream_get(data, "delta"), details = stream_get(delta, "stop_details");

    tell_usage(r, stream_get(data, "usage"));
    tell(r, (struct chat_event){.kind = CHAT_EV_STOP,
                                .stop = stop_of(delta),
                                .text = text_of(delta, "stop_sequence"),
                                .vendor = CHAT_ANTHROPIC,
                                .raw = json_type_of(details) == JSON_OBJECT ? details : STR("")});
}

static void replay_event(struct replay *r, struct str data)
{
    if (stream_is(data, "type", "message_start")) {
        tell(r, (struct chat_event){.kind = CHAT_EV_START});
        tell_usage(r, stream_get(stream_get(data, "message"), "usage"));
    } else if (stream_is(data, "type", "content_block_start")) {
        tell_start(r, stream_get(data, "content_block"));
    } else if (stream_is(data, "type", "content_block_delta")) {
        tell_delta(r, stream_get(data, "delta"));
    } else if (stream_is(data, "type", "content_block_stop")) {
        tell(r, (struct chat_event){.kind = CHAT_EV_BLOCK_END});
    } else if (stream_is(data, "type", "message_delta")) {
        tell_end(r, data);
    } else if (stream_is(data, "type", "message_stop")) {
        tell(r, (struct chat_event){.kind = CHAT_EV_END});
    }
}

/* ---- the two compared ---- */

struct keys {
    const char *where;
    struct str other;
};

/* What an answer through us has no way to know. */
static bool is_excused(struct str key)
{
    static const char *const excused[] = {"iterations", "context_management"};

    for (size_t i = 0; i < COUNTOF(excused); i++) {
        if (str_eq(key, str_from(excused[i])))
            return true;
    }
    return false;
}

static bool check_key(void *ctx, const struct json_member *m)
{
    struct keys *k = ctx;
    struct stream_member f = {.name = m->key};

    json_members(k->other, stream_take_member, &f);
    if (f.value.len == 0 && !is_excused(m->key))
        fail_msg("%s: no %.*s in %.*s", k->where, STR_ARG(m->key), STR_ARG(k->other));
    return true;
}

/* Each member of Anthropic's is in ours. */
static void check_keys(const char *where, struct str theirs, struct str ours)
{
    struct keys k = {where, ours};

    assert_int_equal(json_type_of(ours), JSON_OBJECT);
    json_members(theirs, check_key, &k);
}

static bool is_own_kind(const struct stream_block *b)
{
    return str_eq(b->type, STR("text")) || str_eq(b->type, STR("thinking")) ||
           str_eq(b->type, STR("tool_use"));
}

static void check_block(const char *name, const struct stream_block *ours,
                        const struct stream_block *theirs)
{
    struct str input = stream_get(theirs->start, "input");

    check_str(name, ours->type, theirs->type);
    if (!is_own_kind(theirs)) {
        check_str(name, ours->start, theirs->start);
        return;
    }
    check_str(name, buf_str(&ours->text), buf_str(&theirs->text));
    check_str(name, buf_str(&ours->signature), buf_str(&theirs->signature));
    check_str(name, buf_str(&ours->citations), buf_str(&theirs->citations));
    check_str(name, stream_get(ours->start, "id"), stream_get(theirs->start, "id"));
    check_str(name, stream_get(ours->start, "name"), stream_get(theirs->start, "name"));
    if (theirs->args.len > 0)
        check_str(name, buf_str(&ours->args), buf_str(&theirs->args));
    else if (input.len > 0)
        assert_true(ours->args.len >= input.len);
    if (str_find(theirs->start, STR("\"citations\":[]")) == NULL) /* there it tells of its wish */
        check_keys(name, theirs->start, ours->start);
}

static void check_usage(const char *name, const struct stream *ours, const struct stream *theirs)
{
    static const char *const counts[] = {"input_tokens", "cache_creation_input_tokens",
                                         "cache_read_input_tokens", "output_tokens"};

    for (size_t i = 0; i < COUNTOF(counts); i++) {
        struct str want = stream_get(theirs->usage, counts[i]);

        if (want.len > 0)
            check_str(name, stream_get(ours->usage, counts[i]), want);
    }
    check_str(name, stream_get(stream_get(ours->message, "usage"), "input_tokens"),
              stream_get(stream_get(theirs->message, "usage"), "input_tokens"));
}

static void check_same(const char *name, const struct stream *ours, const struct stream *theirs)
{
    unsigned n = 0;

    if (ours->why != NULL || theirs->why != NULL)
        fail_msg("%s: %s, %s", name, ours->why, theirs->why);
    assert_true(ours->stopped && theirs->stopped);
    for (unsigned i = 0; i < theirs->n; i++) {
        const struct stream_block *b = &theirs->blocks[i];

        if (str_eq(b->type, STR("text")) && b->text.len == 0 && b->citations.len == 0)
            continue; /* it would be refused when it comes back */
        check_block(name, &ours->blocks[n++], b);
    }
    assert_int_equal(ours->n, n);
    check_keys(name, theirs->message, ours->message);
    check_keys(name, stream_get(theirs->message, "usage"), stream_get(ours->message, "usage"));
    check_keys(name, theirs->delta, ours->delta);
    check_keys(name, theirs->usage, ours->usage);
    check_str(name, stream_get(ours->delta, "stop_reason"),
              stream_get(theirs->delta, "stop_reason"));
    check_str(name, stream_get(ours->delta, "stop_sequence"),
              stream_get(theirs->delta, "stop_sequence"));
    if (json_type_of(stream_get(theirs->delta, "stop_details")) == JSON_OBJECT)
        check_str(name, stream_get(ours->delta, "stop_details"),
                  stream_get(theirs->delta, "stop_details"));
    check_usage(name, ours, theirs);
}

/* One answer: a file has several, some of them told in another way. */
static void replay_lines(const char *name, struct str lines)
{
    static struct stream theirs, ours;
    struct replay r = {.arena.max = 1 << 22, .out.max = 1 << 22};
    struct str line;

    theirs = ours = (struct stream){.n = 0};
    r.writer = surface_messages.writer_new(&r.arena, &facts);
    while (lines.len > 0 && !theirs.stopped) {
        str_cut(lines, '\n', &line, &lines);
        if (str_starts(line, STR("data: ")))
            line = str_skip(line, 6);
        if (line.len == 0 || line.ptr[0] != '{')
            continue;
        stream_event(&theirs, stream_inside(stream_get(line, "type")), line);
        replay_event(&r, line);
    }
    stream_feed(&ours, buf_str(&r.out));
    check_same(name, &ours, &theirs);
    stream_done(&theirs);
    stream_done(&ours);
    buf_done(&r.out);
    arena_done(&r.arena);
}

static void replay(const char *path, const char *name)
{
    struct str lines = file_read(path);
    /* Broken on purpose: begun twice, spliced of two, and a block that does not end. */
    bool broken = strstr(name, "message-start") != NULL || strstr(name, "incomplete") != NULL;

    if (!broken)
        replay_lines(name, lines);
    file_free(lines);
}

static void R46_recorded_streams_come_out_block_for_block(void **state)
{
    (void)state;
    assert_in_range(files_each("tests/data/recordings/anthropic", ".chunks.txt", replay), 20, 100);
    assert_in_range(files_each("tests/data/anthropic", ".sse", replay), 6, 100);
}

/* ---- whole answers ---- */

static bool collect_block(void *ctx, const struct json_member *m)
{
    struct replay *r = ctx;
    struct chat_event ev = {.kind = CHAT_EV_RAW, .vendor = CHAT_ANTHROPIC, .raw = m->value};

    if (stream_is(m->value, "type", "text"))
        ev.kind = CHAT_EV_TEXT, ev.text = text_of(m->value, "text");
    assert_int_equal(surface_messages.collect(r->writer, &ev), 0);
    ev = (struct chat_event){.kind = CHAT_EV_BLOCK_END};
    assert_int_equal(surface_messages.collect(r->writer, &ev), 0);
    return true;
}

static bool count_one(void *ctx, const struct json_member *m)
{
    (void)m;
    ++*(unsigned *)ctx;
    return true;
}

static void write_whole(const char *path, const char *name)
{
    struct str body = file_read(path), content = stream_get(body, "content");
    struct chat_event end = {.kind = CHAT_EV_END};
    struct replay r = {.arena.max = 1 << 22, .out.max = 1 << 22};
    unsigned theirs = 0, ours = 0;

    r.writer = surface_messages.writer_new(&r.arena, &facts);
    json_members(content, collect_block, &r);
    assert_int_equal(surface_messages.collect(r.writer, &end), 0);
    assert_int_equal(surface_messages.write(r.writer, &r.out), 0);
    assert_true(json_scan(buf_str(&r.out), 64, NULL, NULL, NULL));
    check_keys(name, body, buf_str(&r.out));
    check_keys(name, stream_get(body, "usage"), stream_get(buf_str(&r.out), "usage"));
    json_members(content, count_one, &theirs);
    json_members(stream_get(buf_str(&r.out), "content"), count_one, &ours);
    assert_int_equal(ours, theirs);
    buf_done(&r.out);
    arena_done(&r.arena);
    file_free(body);
}

static void recorded_answers_lack_nothing_in_ours(void **state)
{
    (void)state;
    assert_in_range(files_each("tests/data/recordings/anthropic", ".json", write_whole), 15, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R46_recorded_streams_come_out_block_for_block),
        cmocka_unit_test(recorded_answers_lack_nothing_in_ours),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    arena_thread_done();
    return failed;
}
