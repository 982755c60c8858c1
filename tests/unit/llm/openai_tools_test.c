/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <yyjson.h>

#include "llm/openai.h"

#define CALLS(items)                                                                               \
    "{\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[" items "]}}],\"n\":1."   \
    "50}"

#define END(delta)                                                                                 \
    "{\"choices\":[{\"index\":0,\"delta\":" delta ",\"finish_reason\":\"tool_calls\"}]}"

/* ---- a client that trusts what it reads ---- */

/* Puts deltas together by index alone, text behind text, as clients' accumulators do: an id, name
 * or type that comes twice is there twice. */
struct got {
    char id[64], type[64], name[64], arguments[512];
};

struct client {
    struct got calls[8];
    unsigned count;
};

static void append(char *to, size_t max, yyjson_val *v)
{
    size_t n = strlen(to);

    if (!yyjson_is_str(v))
        return;
    assert_in_range(n + yyjson_get_len(v), 0, max - 1);
    memcpy(to + n, yyjson_get_str(v), yyjson_get_len(v) + 1);
}

static void client_take(struct client *c, struct str data)
{
    yyjson_doc *doc = yyjson_read(data.ptr, data.len, YYJSON_READ_ALLOW_INVALID_UNICODE);
    yyjson_val *choices = yyjson_obj_get(yyjson_doc_get_root(doc), "choices");
    yyjson_val *delta = yyjson_obj_get(yyjson_arr_get_first(choices), "delta"), *call;
    size_t i, n;

    if (doc == NULL)
        fail_msg("not JSON: %.*s", STR_ARG(data));
    yyjson_arr_foreach(yyjson_obj_get(delta, "tool_calls"), i, n, call)
    {
        yyjson_val *function = yyjson_obj_get(call, "function");
        size_t index = (size_t)yyjson_get_uint(yyjson_obj_get(call, "index"));
        struct got *g;

        assert_true(yyjson_is_uint(yyjson_obj_get(call, "index")));
        assert_in_range(index, 0, COUNTOF(c->calls) - 1);
        g = &c->calls[index];
        if (index >= c->count)
            c->count = (unsigned)index + 1;
        append(g->id, sizeof(g->id), yyjson_obj_get(call, "id"));
        append(g->type, sizeof(g->type), yyjson_obj_get(call, "type"));
        append(g->name, sizeof(g->name), yyjson_obj_get(function, "name"));
        append(g->arguments, sizeof(g->arguments), yyjson_obj_get(function, "arguments"));
    }
    yyjson_doc_free(doc);
}

/* ---- styles ---- */

/* clang-format off */
static const struct style {
    const char *what;
    const char *events[8];
    unsigned calls;
    struct got got[3]; /* an empty id: some id, made here */
    bool untouched;
} styles[] = {
    {"OpenAI, interleaved",
     {CALLS("{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}"),
      CALLS("{\"index\":1,\"id\":\"b\",\"type\":\"function\",\"function\":{\"name\":\"g\",\"arguments\":\"\"}}"),
      CALLS("{\"index\":0,\"function\":{\"arguments\":\"{\\\"x\\\"\"}}"),
      CALLS("{\"index\":1,\"function\":{\"arguments\":\"{\"}},{\"index\":0,\"function\":{\"arguments\":\":1}\"}}"),
      CALLS("{\"index\":1,\"function\":{\"arguments\":\"}\"}}")},
     2, {{"a", "function", "f", "{\"x\":1}"}, {"b", "function", "g", "{}"}}, true},
    {"every index 0, a new id for each call",
     {CALLS("{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}"),
      CALLS("{\"index\":0,\"function\":{\"arguments\":\"{}\"}}"),
      CALLS("{\"index\":0,\"id\":\"b\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}"),
      CALLS("{\"index\":0,\"function\":{\"arguments\":\"[\"}}"),
      CALLS("{\"index\":0,\"function\":{\"arguments\":\"]\"}}"),
      CALLS("{\"index\":0,\"id\":\"a\",\"function\":{\"arguments\":\" \"}}")},
     2, {{"a", "function", "f", "{} "}, {"b", "function", "f", "[]"}}, false},
    {"no index",
     {CALLS("{\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{\"}}"),
      CALLS("{\"function\":{\"arguments\":\"}\"}}"),
      CALLS("{\"id\":\"b\",\"function\":{\"name\":\"g\",\"arguments\":\"{}\"}},{\"id\":\"c\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}"),
      CALLS("{\"function\":{\"arguments\":\"[]\"}}")},
     3, {{"a", "function", "f", "{}"}, {"b", "function", "g", "{}"}, {"c", "function", "f", "[]"}}, false},
    {"whole, in one delta, proper",
     {CALLS("{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}},"
            "{\"index\":1,\"id\":\"b\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}")},
     2, {{"a", "function", "f", "{}"}, {"b", "function", "f", "{}"}}, true},
    {"whole, every index 0, no ids",
     {CALLS("{\"index\":0,\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":\\\"}\\\"}\"}}"),
      CALLS("{\"index\":0,\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}"),
      CALLS("{\"index\":0,\"type\":\"function\",\"function\":{\"name\":\"g\",\"arguments\":\"{}\"}}")},
     3, {{"", "function", "f", "{\"a\":\"}\"}"}, {"", "function", "f", "{}"}, {"", "function", "g", "{}"}}, false},
    {"the name again, empty or not, without ids",
     {CALLS("{\"index\":0,\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}"),
      CALLS("{\"index\":0,\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"a\"}}"),
      CALLS("{\"index\":0,\"type\":\"function\",\"function\":{\"name\":\"\",\"arguments\":\"\\\":\"}}"),
      CALLS("{\"index\":0,\"type\":\"function\",\"function\":{\"name\":null,\"arguments\":\"1}\"}}")},
     1, {{"", "function", "f", "{\"a\":1}"}}, false},
    {"id, type and name again (Alibaba, Mistral)",
     {CALLS("{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}"),
      CALLS("{\"index\":0,\"id\":\"\",\"type\":\"function\",\"function\":{\"name\":\"\",\"arguments\":\"{\"}}"),
      CALLS("{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"}\"}}")},
     1, {{"a", "function", "f", "{}"}}, false},
    {"another id at each delta, and no name (vLLM)",
     {CALLS("{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}"),
      CALLS("{\"index\":0,\"id\":\"b\",\"function\":{\"arguments\":\"{\"}}"),
      CALLS("{\"index\":0,\"id\":\"c\",\"function\":{\"arguments\":\"}\"}}")},
     1, {{"a", "function", "f", "{}"}}, false},
    {"arguments as an object, and null",
     {CALLS("{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":{\"a\" : \"\\u00e9\\\"\",\"n\":1.0}}}"),
      CALLS("{\"index\":1,\"id\":\"b\",\"type\":\"function\",\"function\":{\"name\":\"g\",\"arguments\":null}}"),
      CALLS("{\"index\":1,\"function\":{\"arguments\":\"{}\"}}")},
     2, {{"a", "function", "f", "{\"a\" : \"\\u00e9\\\"\",\"n\":1.0}"}, {"b", "function", "g", "{}"}}, false},
    {"indexes that begin at 1",
     {CALLS("{\"index\":1,\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}"),
      CALLS("{\"index\":2,\"id\":\"b\",\"type\":\"function\",\"function\":{\"name\":\"g\",\"arguments\":\"\"}}"),
      CALLS("{\"index\":1,\"function\":{\"arguments\":\"{}\"}}"),
      CALLS("{\"index\":2,\"function\":{\"arguments\":\"[]\"}}")},
     2, {{"a", "function", "f", "{}"}, {"b", "function", "g", "[]"}}, false},
    {"the id and name come later",
     {CALLS("{\"index\":0,\"type\":\"function\"}"),
      CALLS("{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\"}}"),
      CALLS("{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}")},
     1, {{"", "function", "f", "{}"}}, false},
    {"an index only later",
     {CALLS("{\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}"),
      CALLS("{\"index\":0,\"function\":{\"arguments\":\"{}\"}}")},
     1, {{"a", "function", "f", "{}"}}, false},
    {"nulls on later deltas are harmless",
     {CALLS("{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}"),
      CALLS("{\"index\":0,\"id\":null,\"type\":null,\"function\":{\"name\":null,\"arguments\":\"{}\"}}")},
     1, {{"a", "function", "f", "{}"}}, true},
    {"no arguments at all, and the end in another event",
     {CALLS("{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}"),
      CALLS("{\"index\":1,\"id\":\"b\",\"type\":\"function\",\"function\":{\"name\":\"g\",\"arguments\":\"[]\"}}"),
      CALLS("{\"index\":2,\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":\"h\"}}"),
      END("{}")},
     3, {{"a", "function", "f", "{}"}, {"b", "function", "g", "[]"}, {"c", "function", "h", "{}"}}, false},
    {"no arguments, and the end says something too",
     {CALLS("{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":null}}"),
      END("{\"role\":null,\"tool_calls\":null}"), END("{\"content\":\"\"}")},
     1, {{"a", "function", "f", "{}"}}, false},
    {"no arguments, and the end in the same event",
     {END("{\"tool_calls\":[{\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":null}}]}")},
     1, {{"a", "function", "f", "{}"}}, false},
    {"no arguments, right else, and the end in the same event",
     {END("{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}} ]}")},
     1, {{"a", "function", "f", "{}"}}, false},
    {"one id for two calls at two indexes",
     {CALLS("{\"index\":0,\"id\":\"f\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}"),
      CALLS("{\"index\":1,\"id\":\"f\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"[]\"}}")},
     2, {{"f", "function", "f", "{}"}, {"f", "function", "f", "[]"}}, true},
};
/* clang-format on */

static void check_got(const char *what, const struct got *got, const struct got *want)
{
    bool id = want->id[0] != '\0' ? strcmp(got->id, want->id) == 0
                                  : strncmp(got->id, "call_", 5) == 0 && strlen(got->id) == 21;
    yyjson_doc *doc;

    if (!id || strcmp(got->type, want->type) != 0 || strcmp(got->name, want->name) != 0 ||
        strcmp(got->arguments, want->arguments) != 0)
        fail_msg("%s: %s, %s, %s, %s", what, got->id, got->type, got->name, got->arguments);
    doc = yyjson_read(got->arguments, strlen(got->arguments), 0);
    assert_non_null(doc);
    yyjson_doc_free(doc);
}

/* Whoever still looks where an arena was finds this there. */
static void scribble(bool small)
{
    struct arena junk = {.small = small};

    for (unsigned i = 0; i < (small ? 2 : 6); i++)
        memset(arena_bytes(&junk, 300), 0xee, 300);
    arena_done(&junk);
}

/* As a stream does that has begun. */
static void move(struct openai_watch *w, struct arena *a)
{
    struct arena to = {.max = a->max, .small = true};

    assert_true(openai_watch_move(w, &to));
    arena_done(a);
    scribble(false);
    scribble(true);
    *a = to;
}

static void come_out_right(bool moving)
{
    for (size_t i = 0; i < COUNTOF(styles); i++) {
        const struct style *s = &styles[i];
        struct client c = {.count = 0};
        struct arena a = {.max = 1 << 16};
        struct buf rewrite = {.max = 1 << 16};
        struct openai_watch w;

        openai_watch_init(&w, OPENAI_CHAT, &a);
        for (size_t n = 0; n < COUNTOF(s->events) && s->events[n] != NULL; n++) {
            bool rewritten;

            rewrite.len = 0;
            assert_int_equal(
                openai_watch_event(&w, STR(""), str_from(s->events[n]), &rewrite, &rewritten),
                OPENAI_EV_CONTENT);
            if (rewritten && s->untouched)
                fail_msg("%s: %.*s", s->what, STR_ARG(buf_str(&rewrite)));
            client_take(&c, rewritten ? buf_str(&rewrite) : str_from(s->events[n]));
            if (moving)
                move(&w, &a);
        }
        if (c.count != s->calls)
            fail_msg("%s: %u calls", s->what, c.count);
        for (unsigned n = 0; n < s->calls; n++)
            check_got(s->what, &c.calls[n], &s->got[n]);
        openai_watch_done(&w);
        buf_done(&rewrite);
        arena_done(&a);
    }
}

static void R8_tool_calls_of_every_style_come_out_right(void **state)
{
    (void)state;
    come_out_right(false);
}

static void R8_they_do_when_the_memory_moves_behind_each_event(void **state)
{
    (void)state;
    come_out_right(true);
}

static void mend(struct openai_watch *w, struct str event, const char *want)
{
    struct buf rewrite = {.max = 1 << 16};
    bool rewritten;

    assert_int_equal(buf_put(&rewrite, STR("before:")), 0);
    openai_watch_event(w, STR(""), event, &rewrite, &rewritten);
    if (rewritten != (want != NULL))
        fail_msg("%.*s", STR_ARG(event));
    if (want == NULL)
        assert_int_equal(rewrite.len, 7);
    else if (!str_eq(str_skip(buf_str(&rewrite), 7), str_from(want)))
        fail_msg("%.*s", STR_ARG(buf_str(&rewrite)));
    buf_done(&rewrite);
}

static void R8_a_move_without_room_changes_nothing(void **state)
{
    struct arena a = {.max = 0}, to = {.max = 8};
    struct openai_watch w;
    struct openai_tools *tools;

    (void)state;
    openai_watch_init(&w, OPENAI_CHAT, &a);
    mend(&w, str_from(CALLS("{\"id\":\"a\"}")),
         CALLS("{\"index\":0,\"id\":\"a\",\"type\":\"function\"}"));
    tools = w.tools;
    assert_non_null(tools);
    assert_false(openai_watch_move(&w, &to));
    assert_ptr_equal(w.tools, tools);
    openai_watch_done(&w);
    arena_done(&a);
    arena_done(&to);
}

/* ---- what else is in the event ---- */

static void R44_everything_but_the_calls_stays_as_it_came(void **state)
{
    struct arena a = {.max = 0};
    struct openai_watch w;

    (void)state;
    openai_watch_init(&w, OPENAI_CHAT, &a);
    mend(
        &w,
        STR("{ \"z\":1.50e3, \"choices\" : [ {\"delta\":{\"content\":\"\\u00e9\",\"tool_calls\" : "
            "[ {\"function\":{\"name\":\"f\", \"x\":\"\\ud83d\",\"arguments\":\"{}\"}, "
            "\"extra_content\":{\"google\":{\"thought_signature\":\"s\"}},\"id\":\"a\"} ],\"q\":2},"
            " \"index\":0} ],\n\"big\":12345678901234567890}"),
        "{ \"z\":1.50e3, \"choices\" : [ {\"delta\":{\"content\":\"\\u00e9\",\"tool_calls\" : "
        "[{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"x\":"
        "\"\\ud83d\",\"arguments\":\"{}\"},\"extra_content\":{\"google\":{\"thought_signature\":"
        "\"s\"}}}],\"q\":2}, \"index\":0} ],\n\"big\":12345678901234567890}");
    openai_watch_done(&w);
    arena_done(&a);
}

static void R8_choices_count_their_calls_apart(void **state)
{
    struct arena a = {.max = 0};
    struct openai_watch w;

    (void)state;
    openai_watch_init(&w, OPENAI_CHAT, &a);
    mend(&w,
         STR("{\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"id\":\"a\",\"type\":"
             "\"function\"}]}},"
             "{\"index\":3,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"b\",\"type\":"
             "\"function\"}]}},"
             "{\"index\":2,\"delta\":{\"tool_calls\":[{\"id\":\"c\",\"type\":\"function\"},"
             "{\"id\":\"d\",\"type\":\"custom\"}]}}]}"),
         "{\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"type\":"
         "\"function\"}]}},"
         "{\"index\":3,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"b\",\"type\":\"function\"}]"
         "}},"
         "{\"index\":2,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"c\",\"type\":\"function\"},"
         "{\"index\":1,\"id\":\"d\",\"type\":\"custom\"}]}}]}");
    openai_watch_done(&w);
    arena_done(&a);
}

static void R8_made_ids_differ_by_answer_and_call_and_are_the_same_again(void **state)
{
    static const char *const events[] = {
        "{\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0},{\"index\":1}]}}],"
        "\"id\":\"x\"}",
        "{\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0},{\"index\":1}]}}],"
        "\"id\":\"y\"}",
        "{\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0},{\"index\":1}]}}],"
        "\"id\":\"x\"}",
    };
    struct client c[3] = {{.count = 0}, {.count = 0}, {.count = 0}};

    (void)state;
    for (size_t i = 0; i < COUNTOF(events); i++) {
        struct arena a = {.max = 0};
        struct buf rewrite = {.max = 0};
        struct openai_watch w;
        bool rewritten;

        openai_watch_init(&w, OPENAI_CHAT, &a);
        openai_watch_event(&w, STR(""), str_from(events[i]), &rewrite, &rewritten);
        assert_true(rewritten);
        client_take(&c[i], buf_str(&rewrite));
        buf_done(&rewrite);
        arena_done(&a);
    }
    assert_string_not_equal(c[0].calls[0].id, c[0].calls[1].id);
    assert_string_not_equal(c[0].calls[0].id, c[1].calls[0].id);
    assert_string_equal(c[0].calls[0].id, c[2].calls[0].id);
    assert_string_equal(c[0].calls[1].id, c[2].calls[1].id);
}

static void R44_a_last_event_is_left_alone_when_the_calls_are_whole(void **state)
{
    struct arena a = {.max = 0};
    struct openai_watch w;

    (void)state;
    openai_watch_init(&w, OPENAI_CHAT, &a);
    mend(&w, STR(END("{}")), NULL);
    mend(&w,
         STR(CALLS("{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":"
                   "\"f\",\"arguments\":\"{}\"}},{\"index\":1,\"id\":\"b\",\"type\":\"custom\","
                   "\"custom\":{\"name\":\"c\"}}")),
         NULL);
    mend(&w, STR(END("{}")), NULL);
    mend(&w,
         STR(CALLS(
             "{\"index\":2,\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":\"f\"}}")),
         NULL);
    mend(&w, STR(END("{ \"content\" : null }")),
         END("{\"tool_calls\":[{\"index\":2,\"function\":{\"arguments\":\"{}\"}}], \"content\" : "
             "null }"));
    openai_watch_done(&w);
    arena_done(&a);
}

/* ---- limits ---- */

static void calls_beyond_the_max_are_left_as_they_came(void **state)
{
    struct arena a = {.max = 1 << 20};
    struct buf event = {.max = 1 << 20}, rewrite = {.max = 1 << 20};
    struct openai_watch w;
    bool rewritten;

    (void)state;
    openai_watch_init(&w, OPENAI_CHAT, &a);
    for (unsigned i = 0; i < 300; i++) {
        event.len = rewrite.len = 0;
        assert_int_equal(
            buf_printf(&event, CALLS("{\"id\":\"%u\",\"function\":{\"name\":\"f\"}}"), i), 0);
        openai_watch_event(&w, STR(""), buf_str(&event), &rewrite, &rewritten);
        assert_int_equal(rewritten, i < 128);
    }
    mend(&w, STR("{\"choices\":[{\"index\":128,\"delta\":{\"tool_calls\":[{\"id\":\"a\"}]}}]}"),
         NULL);
    buf_done(&event);
    buf_done(&rewrite);
    arena_done(&a);
}

static void without_room_the_event_is_left_as_it_came(void **state)
{
    struct str event = STR(CALLS("{\"id\":\"a\",\"function\":{\"name\":\"f\"}}"));

    (void)state;
    for (size_t room = 1; room < 140; room += 3) {
        struct arena a = {.max = 0};
        struct buf rewrite = {.max = room};
        struct openai_watch w;
        bool rewritten;

        openai_watch_init(&w, OPENAI_CHAT, &a);
        openai_watch_event(&w, STR(""), event, &rewrite, &rewritten);
        if (!rewritten)
            assert_int_equal(rewrite.len, 0);
        else
            assert_in_range(room, event.len + 20, 140);
        buf_done(&rewrite);
        arena_done(&a);
    }
}

static void odd_calls_do_no_harm(void **state)
{
    static const char *const events[] = {
        CALLS("null"),
        CALLS("1,[],\"x\""),
        CALLS("{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":null}"),
        "{\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":null}}]}",
        "{\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":{}}}]}",
        "{\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":\"x\"}}]}",
    };
    struct arena a = {.max = 0};
    struct openai_watch w;

    (void)state;
    openai_watch_init(&w, OPENAI_CHAT, &a);
    for (size_t i = 0; i < COUNTOF(events); i++)
        mend(&w, str_from(events[i]), NULL);
    openai_watch_done(&w);
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R8_tool_calls_of_every_style_come_out_right),
        cmocka_unit_test(R8_they_do_when_the_memory_moves_behind_each_event),
        cmocka_unit_test(R8_a_move_without_room_changes_nothing),
        cmocka_unit_test(R44_everything_but_the_calls_stays_as_it_came),
        cmocka_unit_test(R44_a_last_event_is_left_alone_when_the_calls_are_whole),
        cmocka_unit_test(R8_choices_count_their_calls_apart),
        cmocka_unit_test(R8_made_ids_differ_by_answer_and_call_and_are_the_same_again),
        cmocka_unit_test(calls_beyond_the_max_are_left_as_they_came),
        cmocka_unit_test(without_room_the_event_is_left_as_it_came),
        cmocka_unit_test(odd_calls_do_no_harm),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    arena_thread_done();
    return failed;
}
