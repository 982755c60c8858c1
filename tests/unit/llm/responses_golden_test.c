/*
 * Recorded answers of OpenAI, Azure and xAI, taken apart into our events and written again: the
 * same events in the same order, the same texts, and no event lacks a member that theirs has.
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
#include "unit/llm/responses_stream.h"

#define FOLDER "tests/data/recordings/responses/"
#define EVENTS_MAX 4096u

static const struct chat_answer_facts facts = {.id = STR_INIT("01A"), .model = STR_INIT("fast")};

/* ---- a recording as our events ---- */

struct replay {
    struct arena arena;
    struct chat_writer *writer;
    struct buf out;
    const struct str *lines; /* of one response */
    unsigned n;
};

static void tell(struct replay *r, struct chat_event ev)
{
    assert_int_equal(surface_responses.put(r->writer, &ev, &r->out), 0);
}

static void tell_text(struct replay *r, enum chat_event_kind kind, struct json_text text,
                      uint32_t call)
{
    tell(r, (struct chat_event){.kind = kind, .text = text, .call = call});
}

static uint32_t index_of(struct str line)
{
    uint64_t n = 0;

    (void)!str_to_u64(rstream_get(line, "output_index"), &n);
    return (uint32_t)n;
}

static struct json_text text_of(struct str object, const char *name)
{
    return json_text_of(rstream_get(object, name));
}

/* What a target of another dialect says at a block's end. */
static void tell_done(struct replay *r, struct str item)
{
    struct json_text sealed = text_of(item, "encrypted_content");

    if (rstream_is(item, "type", "reasoning") && sealed.ptr != NULL)
        tell_text(r, CHAT_EV_SIGNATURE, sealed, 0);
    tell(r, (struct chat_event){.kind = CHAT_EV_BLOCK_END});
}

static void tell_end(struct replay *r, struct str response)
{
    struct str usage = rstream_get(response, "usage");
    struct chat_usage u = {.source = CHAT_USAGE_REPORTED};

    (void)!str_to_u64(rstream_get(usage, "input_tokens"), &u.input);
    (void)!str_to_u64(rstream_get(usage, "output_tokens"), &u.output);
    tell(r, (struct chat_event){.kind = CHAT_EV_USAGE, .usage = u});
    tell(r, (struct chat_event){.kind = CHAT_EV_STOP, .stop = CHAT_STOP_END});
    tell(r, (struct chat_event){.kind = CHAT_EV_END});
}

static void tell_line(struct replay *r, struct str line)
{
    struct str item = rstream_get(line, "item");

    if (rstream_is(line, "type", "response.output_text.delta"))
        tell_text(r, CHAT_EV_TEXT, text_of(line, "delta"), 0);
    else if (rstream_is(line, "type", "response.reasoning_summary_text.delta"))
        tell_text(r, CHAT_EV_THINKING, text_of(line, "delta"), 0);
    else if (rstream_is(line, "type", "response.function_call_arguments.delta"))
        tell_text(r, CHAT_EV_ARGS, text_of(line, "delta"), index_of(line));
    else if (rstream_is(line, "type", "response.output_item.added") &&
             rstream_is(item, "type", "function_call"))
        tell(r, (struct chat_event){.kind = CHAT_EV_CALL,
                                    .call = index_of(line),
                                    .id = text_of(item, "call_id"),
                                    .name = text_of(item, "name")});
    else if (rstream_is(line, "type", "response.output_item.done"))
        tell_done(r, item);
    else if (rstream_is(line, "type", "response.completed"))
        tell_end(r, rstream_get(line, "response"));
    else if (rstream_is(line, "type", "error"))
        assert_int_equal(
            surface_responses.error_event(r->writer, FAULT_UPSTREAM_RATE, STR("quota"), &r->out),
            0);
}

/* ---- the form ---- */

/* Members that only some have: padding, Azure's filters, xAI's counts of its own tools. */
static const char *const not_ours[] = {"obfuscation", "content_filters", "num_sources_used",
                                       "num_server_side_tools_used"};

struct keys {
    struct str ours;
    const char *where;
};

struct lookup {
    struct str key;
    bool found;
};

static bool take_key(void *ctx, const struct json_member *m)
{
    struct lookup *l = ctx;

    l->found |= str_eq(m->key, l->key);
    return true;
}

/* null or not. */
static bool is_there(struct str object, struct str key)
{
    struct lookup l = {.key = key};

    json_members(object, take_key, &l);
    return l.found;
}

static bool has_key(void *ctx, const struct json_member *m)
{
    struct keys *k = ctx;

    for (size_t i = 0; i < COUNTOF(not_ours); i++) {
        if (str_eq(m->key, str_from(not_ours[i])))
            return true;
    }
    if (str_eq(m->key, STR("status")) && rstream_is(k->ours, "type", "reasoning"))
        return true; /* xAI's */
    if (str_eq(m->key, STR("encrypted_content")) && strcmp(k->where, "begun") == 0)
        return true; /* it is not known yet */
    if (str_eq(m->key, STR("type")) && strcmp(k->where, "an error") != 0)
        assert_true(str_eq(m->value, rstream_get(k->ours, "type")));
    if (is_there(k->ours, m->key))
        return true;
    fail_msg("'%.*s' of %s is missing in %.*s", STR_ARG(m->key), k->where, STR_ARG(k->ours));
    return false;
}

static void compare_object(const char *where, struct str theirs, struct str ours)
{
    struct keys k = {.ours = ours, .where = where};

    if (json_type_of(theirs) != JSON_OBJECT)
        return;
    assert_int_equal(json_type_of(ours), JSON_OBJECT);
    json_members(theirs, has_key, &k);
}

static void compare_event(struct str theirs, struct str ours)
{
    bool begun = rstream_is(theirs, "type", "response.output_item.added");
    struct str their_response = rstream_get(theirs, "response");
    struct str our_response = rstream_get(ours, "response");

    if (!str_eq(rstream_inside(theirs, "type"), rstream_inside(ours, "type")))
        fail_msg("%.*s instead of %.*s", STR_ARG(ours), STR_ARG(theirs));
    assert_true(
        str_eq(rstream_get(theirs, "sequence_number"), rstream_get(ours, "sequence_number")));
    compare_object("an event", theirs, ours);
    compare_object(begun ? "begun" : "an item", rstream_get(theirs, "item"),
                   rstream_get(ours, "item"));
    compare_object("a part", rstream_get(theirs, "part"), rstream_get(ours, "part"));
    compare_object("an error", rstream_get(theirs, "error"), rstream_get(ours, "error"));
    compare_object("a response", their_response, our_response);
    compare_object("usage", rstream_get(their_response, "usage"),
                   rstream_get(our_response, "usage"));
    assert_true(str_eq(rstream_get(theirs, "delta"), rstream_get(ours, "delta")));
    assert_true(str_eq(rstream_get(theirs, "text"), rstream_get(ours, "text")));
    assert_true(str_eq(rstream_get(theirs, "arguments"), rstream_get(ours, "arguments")));
}

static void compare_all(struct replay *r)
{
    struct str bytes = buf_str(&r->out), line, data, empty;
    unsigned i = 0;

    while (bytes.len > 0) {
        str_cut(bytes, '\n', &line, &bytes);
        str_cut(bytes, '\n', &data, &bytes);
        str_cut(bytes, '\n', &empty, &bytes);
        assert_true(i < r->n);
        compare_event(r->lines[i++], str_skip(data, 6));
    }
    assert_int_equal(i, r->n);
}

/* ---- recordings ---- */

static void replay_one(const struct str *lines, unsigned n)
{
    static struct rstream s;
    struct replay r = {.lines = lines, .n = n};

    r.writer = surface_responses.writer_new(&r.arena, &facts);
    for (unsigned i = 0; i < n; i++)
        tell_line(&r, lines[i]);
    s = (struct rstream){.n = 0};
    rstream_feed(&s, buf_str(&r.out));
    if (s.why != NULL || !s.over)
        fail_msg("%s", s.why != NULL ? s.why : "no end");
    compare_all(&r);
    rstream_done(&s);
    buf_done(&r.out);
    arena_done(&r.arena);
}

/* A recording may hold several responses, one behind the other; their number. */
static unsigned replay_file(const char *path)
{
    static struct str lines[EVENTS_MAX];
    struct str text = file_read(path), rest = text, line;
    unsigned n = 0, responses = 0;

    assert_non_null(text.ptr);
    while (rest.len > 0) {
        str_cut(rest, '\n', &line, &rest);
        line = str_trim(line);
        if (line.len == 0)
            continue;
        assert_true(json_scan(line, JSON_DEPTH_MAX, NULL, NULL, NULL));
        if (n > 0 && rstream_is(line, "type", "response.created")) {
            replay_one(lines, n);
            responses++;
            n = 0;
        }
        assert_true(n < EVENTS_MAX);
        lines[n++] = line;
    }
    replay_one(lines, n);
    file_free(text);
    return responses + 1;
}

static void recorded_answers_are_written_in_the_same_form(void **state)
{
    static const struct {
        const char *file;
        unsigned responses;
    } rows[] = {
        {FOLDER "azure-text.1.chunks.txt", 1},
        {FOLDER "azure-tool-call.1.chunks.txt", 1},
        {FOLDER "azure-reasoning-encrypted-content.1.chunks.txt", 4},
        {FOLDER "xai-text-with-reasoning-streaming.1.chunks.txt", 1},
        {FOLDER "openai-error.1.chunks.txt", 1},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++)
        assert_int_equal(replay_file(rows[i].file), rows[i].responses);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_answers_are_written_in_the_same_form),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
