/*
 * Events, as a client of Chat Completions reads them.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <cmocka.h>

#include "llm/chat_text.h"
#include "llm/dialects.h"

#define HEAD                                                                                       \
    "data: {\"id\":\"chatcmpl-7\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,"    \
    "\"model\":\"m\",\"service_tier\":null,\"system_fingerprint\":null,\"choices\":["
#define DELTA_OF(choice, delta)                                                                    \
    HEAD "{\"index\":" choice ",\"delta\":{" delta                                                 \
         "},\"logprobs\":null,\"finish_reason\":null}]}\n\n"
#define DELTA(delta) DELTA_OF("0", delta)
#define FINISH(members) HEAD "{\"index\":0,\"delta\":{},\"logprobs\":null," members "}]}\n\n"
#define ROLE DELTA("\"role\":\"assistant\",\"content\":\"\",\"refusal\":null")
#define ROLE_ONLY DELTA("\"role\":\"assistant\",\"content\":null,\"refusal\":null")
#define DONE "data: [DONE]\n\n"
#define OF(t)                                                                                      \
    {                                                                                              \
        t, sizeof(t) - 1                                                                           \
    }
#define END                                                                                        \
    {                                                                                              \
        .kind = CHAT_EV_END                                                                        \
    }
#define EVENTS_MAX 12u

struct story {
    const char *when;
    struct chat_event events[EVENTS_MAX]; /* up to END */
    const char *stream;
    const char *choices; /* of the whole answer */
    bool functions;
};

#define MESSAGE(content, refusal, more) MESSAGE_OF("0", content, refusal, more)
#define MESSAGE_OF(index, content, refusal, more)                                                  \
    "{\"index\":" index ",\"message\":{\"role\":\"assistant\",\"content\":" content                \
    ",\"refusal\":" refusal more ",\"annotations\":[]},\"logprobs\":null,\"finish_reason\":"

static const struct story stories[] = {
    {.when = "text",
     .events = {{.kind = CHAT_EV_START, .id = OF("theirs"), .model = OF("theirs")},
                {.kind = CHAT_EV_TEXT, .text = OF("a\\n")},
                {.kind = CHAT_EV_TEXT, .text = OF("")},
                {.kind = CHAT_EV_TEXT, .text = OF("\\u00e9")},
                {.kind = CHAT_EV_BLOCK_END},
                {.kind = CHAT_EV_STOP, .stop = CHAT_STOP_END},
                END},
     .stream = ROLE DELTA("\"content\":\"a\\n\"") DELTA("\"content\":\"\\u00e9\"")
         FINISH("\"finish_reason\":\"stop\"") DONE,
     .choices = MESSAGE("\"a\\n\\u00e9\"", "null", "") "\"stop\"}"},
    {.when = "calls",
     .events =
         {{.kind = CHAT_EV_CALL, .id = OF("c1"), .name = OF("f")},
          {.kind = CHAT_EV_CALL, .call = 1, .id = OF("c2"), .name = OF("g"), .signature = OF("s")},
          {.kind = CHAT_EV_ARGS, .call = 1, .text = OF("{\\\"x\\\":")},
          {.kind = CHAT_EV_ARGS, .text = OF("{}")},
          {.kind = CHAT_EV_ARGS, .call = 1, .text = OF("1}")},
          {.kind = CHAT_EV_STOP, .stop = CHAT_STOP_CALLS},
          END},
     .stream = ROLE_ONLY DELTA(
         "\"tool_calls\":[{\"index\":0,\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":"
         "\"f\",\"arguments\":\"\"}}]")
         DELTA(
             "\"tool_calls\":[{\"index\":1,\"id\":\"c2\",\"type\":\"function\",\"extra_content\":{"
             "\"google\":{\"thought_signature\":\"s\"}},\"function\":{\"name\":\"g\",\"arguments\":"
             "\"\"}}]")
             DELTA("\"tool_calls\":[{\"index\":1,\"function\":{\"arguments\":\"{\\\"x\\\":\"}}]")
                 DELTA("\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{}\"}}]")
                     DELTA("\"tool_calls\":[{\"index\":1,\"function\":{\"arguments\":\"1}\"}}]")
                         FINISH("\"finish_reason\":\"tool_calls\"") DONE,
     .choices =
         MESSAGE("null", "null",
                 ",\"tool_calls\":[{\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":"
                 "\"f\",\"arguments\":\"{}\"}},{\"id\":\"c2\",\"type\":\"function\","
                 "\"extra_content\":{\"google\":{\"thought_signature\":\"s\"}},\"function\":{"
                 "\"name\":\"g\",\"arguments\":\"{\\\"x\\\":1}\"}}]") "\"tool_calls\"}"},
    {.when = "functions",
     .functions = true,
     .events = {{.kind = CHAT_EV_CALL, .id = OF("c1"), .name = OF("f")},
                {.kind = CHAT_EV_ARGS, .text = OF("{}")},
                {.kind = CHAT_EV_CALL, .call = 1, .id = OF("c2"), .name = OF("g")},
                {.kind = CHAT_EV_STOP, .stop = CHAT_STOP_CALLS},
                END},
     .stream = ROLE_ONLY DELTA("\"function_call\":{\"name\":\"f\",\"arguments\":\"\"}")
         DELTA("\"function_call\":{\"arguments\":\"{}\"}")
             DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"c2\",\"type\":\"function\",\"function\":{"
                   "\"name\":\"g\",\"arguments\":\"\"}}]")
                 FINISH("\"finish_reason\":\"function_call\"") DONE,
     .choices = MESSAGE("null", "null",
                        ",\"function_call\":{\"name\":\"f\",\"arguments\":\"{}\"},\"tool_calls\":[{"
                        "\"id\":\"c2\",\"type\":\"function\",\"function\":{\"name\":\"g\","
                        "\"arguments\":\"\"}}]") "\"function_call\"}"},
    {.when = "R46 signed and redacted thinking, in order",
     .events = {{.kind = CHAT_EV_THINKING, .text = OF("x")},
                {.kind = CHAT_EV_THINKING, .text = OF("\\/")},
                {.kind = CHAT_EV_SIGNATURE, .text = OF("c2ln\\/=")},
                {.kind = CHAT_EV_BLOCK_END},
                {.kind = CHAT_EV_REDACTED, .text = OF("ZGF0YQ")},
                {.kind = CHAT_EV_THINKING, .text = OF("y")},
                {.kind = CHAT_EV_SIGNATURE, .text = OF("2")},
                {.kind = CHAT_EV_TEXT, .text = OF("A")},
                {.kind = CHAT_EV_STOP, .stop = CHAT_STOP_END},
                END},
     .stream = ROLE_ONLY DELTA("\"reasoning_content\":\"x\"") DELTA("\"reasoning_content\":\"\\/\"")
         DELTA("\"thinking_blocks\":[{\"type\":\"thinking\",\"thinking\":\"x\\/\",\"signature\":"
               "\"c2ln\\/=\"}]")
             DELTA("\"thinking_blocks\":[{\"type\":\"redacted_thinking\",\"data\":\"ZGF0YQ\"}]")
                 DELTA("\"reasoning_content\":\"y\"")
                     DELTA("\"thinking_blocks\":[{\"type\":\"thinking\",\"thinking\":\"y\","
                           "\"signature\":\"2\"}]") DELTA("\"content\":\"A\"")
                         FINISH("\"finish_reason\":\"stop\"") DONE,
     .choices =
         MESSAGE("\"A\"", "null",
                 ",\"reasoning_content\":\"x\\/y\",\"thinking_blocks\":[{\"type\":\"thinking\","
                 "\"thinking\":\"x\\/\",\"signature\":\"c2ln\\/=\"},{\"type\":"
                 "\"redacted_thinking\",\"data\":\"ZGF0YQ\"},{\"type\":\"thinking\","
                 "\"thinking\":\"y\",\"signature\":\"2\"}]") "\"stop\"}"},
    {.when = "a block holds what was thought since the one before",
     .events = {{.kind = CHAT_EV_THINKING, .text = OF("x")},
                {.kind = CHAT_EV_TEXT, .text = OF("A")},
                {.kind = CHAT_EV_THINKING, .text = OF("y")},
                {.kind = CHAT_EV_SIGNATURE, .text = OF("2")},
                {.kind = CHAT_EV_STOP, .stop = CHAT_STOP_END},
                END},
     .stream = ROLE_ONLY DELTA("\"reasoning_content\":\"x\"") DELTA("\"content\":\"A\"")
         DELTA("\"reasoning_content\":\"y\"")
             DELTA("\"thinking_blocks\":[{\"type\":\"thinking\",\"thinking\":\"y\",\"signature\":"
                   "\"2\"}]") FINISH("\"finish_reason\":\"stop\"") DONE,
     .choices = MESSAGE("\"A\"", "null",
                        ",\"reasoning_content\":\"xy\",\"thinking_blocks\":[{\"type\":\"thinking\","
                        "\"thinking\":\"y\",\"signature\":\"2\"}]") "\"stop\"}"},
    {.when = "a refusal",
     .events = {{.kind = CHAT_EV_REFUSAL, .text = OF("No.")},
                {.kind = CHAT_EV_STOP, .stop = CHAT_STOP_END},
                END},
     .stream = ROLE_ONLY DELTA("\"refusal\":\"No.\"") FINISH("\"finish_reason\":\"stop\"") DONE,
     .choices = MESSAGE("null", "\"No.\"", "") "\"stop\"}"},
    {.when = "two choices, the second first",
     .events = {{.kind = CHAT_EV_TEXT, .choice = 1, .text = OF("b")},
                {.kind = CHAT_EV_STOP, .choice = 1, .stop = CHAT_STOP_LENGTH},
                {.kind = CHAT_EV_TEXT, .text = OF("a")},
                {.kind = CHAT_EV_STOP, .stop = CHAT_STOP_END},
                END},
     .stream = DELTA_OF("1", "\"role\":\"assistant\",\"content\":\"\",\"refusal\":null")
         DELTA_OF("1", "\"content\":\"b\"") HEAD
     "{\"index\":1,\"delta\":{},\"logprobs\":null,\"finish_reason\":"
     "\"length\"}]}\n\n" ROLE DELTA("\"content\":\"a\"") FINISH("\"finish_reason\":\"stop\"") DONE,
     .choices = MESSAGE("\"a\"", "null", "") "\"stop\"}," MESSAGE_OF("1", "\"b\"", "null",
                                                                     "") "\"length\"}"},
    {.when = "nothing at all",
     .events = {END},
     .stream = ROLE FINISH("\"finish_reason\":\"stop\"") DONE,
     .choices = ""},
};

struct writing {
    struct arena arena;
    struct chat_request request;
    struct chat_answer_facts facts;
    struct chat_writer *writer;
    struct buf out;
};

static void begin(struct writing *w)
{
    w->arena.max = 1 << 20;
    w->facts = (struct chat_answer_facts){
        .id = STR("7"), .model = STR("m"), .created_s = 1700000000, .request = &w->request};
    w->writer = surface_chat.writer_new(&w->arena, &w->facts);
    assert_non_null(w->writer);
}

static void done(struct writing *w)
{
    buf_done(&w->out);
    arena_done(&w->arena);
}

static void expect(struct writing *w, const char *when, const char *text)
{
    if (!str_eq(buf_str(&w->out), str_from(text)))
        fail_msg("%s:\n%.*s\nand not\n%s", when, STR_ARG(buf_str(&w->out)), text);
}

static void streams_are_as_openai_sends_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNTOF(stories); i++) {
        struct writing w = {.request.functions = stories[i].functions};
        const struct chat_event *ev = stories[i].events;

        begin(&w);
        do {
            assert_int_equal(surface_chat.put(w.writer, ev, &w.out), 0);
        } while (ev++->kind != CHAT_EV_END);
        expect(&w, stories[i].when, stories[i].stream);
        done(&w);
    }
}

static void whole_answers_are_the_same_at_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNTOF(stories); i++) {
        struct writing w = {.request.functions = stories[i].functions};
        const struct chat_event *ev = stories[i].events;
        struct buf text = {.max = 0};

        if (stories[i].choices[0] == '\0')
            continue;
        begin(&w);
        do {
            assert_int_equal(surface_chat.collect(w.writer, ev), 0);
        } while (ev++->kind != CHAT_EV_END);
        assert_int_equal(surface_chat.write(w.writer, &w.out), 0);
        assert_int_equal(
            buf_printf(
                &text,
                "{\"id\":\"chatcmpl-7\",\"object\":\"chat.completion\",\"created\":1700000000,"
                "\"model\":\"m\",\"choices\":[%s],\"service_tier\":null,"
                "\"system_fingerprint\":null}%c",
                stories[i].choices, 0),
            0);
        expect(&w, stories[i].when, text.ptr);
        buf_done(&text);
        done(&w);
    }
}

static void R47_every_stop_has_its_word(void **state)
{
    static const struct {
        enum chat_stop stop;
        bool called, functions;
        const char *members;
    } rows[] = {
        {CHAT_STOP_NONE, false, false, "\"finish_reason\":\"stop\""},
        {CHAT_STOP_END, false, false, "\"finish_reason\":\"stop\""},
        {CHAT_STOP_SEQUENCE, false, false, "\"finish_reason\":\"stop\""},
        {CHAT_STOP_LENGTH, false, false, "\"finish_reason\":\"length\""},
        {CHAT_STOP_CALLS, false, false, "\"finish_reason\":\"stop\""},
        {CHAT_STOP_CALLS, true, false, "\"finish_reason\":\"tool_calls\""},
        {CHAT_STOP_FILTER, false, false, "\"finish_reason\":\"content_filter\""},
        {CHAT_STOP_REFUSAL, false, false,
         "\"finish_reason\":\"content_filter\",\"native_finish_reason\":\"refusal\""},
        {CHAT_STOP_PAUSE, false, false,
         "\"finish_reason\":\"length\",\"native_finish_reason\":\"pause_turn\""},
        {CHAT_STOP_CONTEXT, false, false,
         "\"finish_reason\":\"length\",\"native_finish_reason\":\"model_context_window_exceeded\""},
        {CHAT_STOP_OTHER, false, false,
         "\"finish_reason\":\"stop\",\"native_finish_reason\":\"moon_phase\""},
        {CHAT_STOP_OTHER, true, false,
         "\"finish_reason\":\"tool_calls\",\"native_finish_reason\":\"moon_phase\""},
        {CHAT_STOP_END, true, false, "\"finish_reason\":\"tool_calls\""},
        {CHAT_STOP_LENGTH, true, false, "\"finish_reason\":\"length\""},
        {CHAT_STOP_CALLS, true, true, "\"finish_reason\":\"function_call\""},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct chat_event call = {
            .kind = CHAT_EV_CALL, .id = JSON_TEXT("a"), .name = JSON_TEXT("f")};
        struct chat_event stop = {
            .kind = CHAT_EV_STOP, .stop = rows[i].stop, .text = JSON_TEXT("moon_phase")};
        struct writing w = {.request.functions = rows[i].functions};
        struct buf text = {.max = 0};

        begin(&w);
        if (rows[i].called)
            assert_int_equal(surface_chat.put(w.writer, &call, &w.out), 0);
        assert_int_equal(surface_chat.put(w.writer, &stop, &w.out), 0);
        assert_int_equal(
            buf_printf(&text, "\"delta\":{},\"logprobs\":null,%s}]}\n\n%c", rows[i].members, 0), 0);
        if (str_find(buf_str(&w.out), str_from(text.ptr)) == NULL)
            fail_msg("%.*s has no %s", STR_ARG(buf_str(&w.out)), text.ptr);
        buf_done(&text);
        done(&w);
    }
}

static void R7_usage_is_told_to_those_who_asked(void **state)
{
    static const struct chat_event usage = {.kind = CHAT_EV_USAGE,
                                            .usage = {CHAT_USAGE_REPORTED, 10, 5, 4, 3, 2}},
                                   end = END;
#define USAGE                                                                                      \
    "{\"prompt_tokens\":10,\"completion_tokens\":5,\"total_tokens\":15,\"prompt_tokens_details\":" \
    "{"                                                                                            \
    "\"cached_tokens\":4,\"cache_write_tokens\":3,\"audio_tokens\":0},\"completion_tokens_"        \
    "details\":{"                                                                                  \
    "\"reasoning_tokens\":2,\"audio_tokens\":0,\"accepted_prediction_tokens\":0,"                  \
    "\"rejected_prediction_tokens\":0}}"

    (void)state;
    for (int wanted = 0; wanted < 2; wanted++) {
        struct writing w = {.request.wants_usage = wanted};

        begin(&w);
        assert_int_equal(surface_chat.put(w.writer, &usage, &w.out), 0);
        assert_int_equal(surface_chat.put(w.writer, &end, &w.out), 0);
        assert_int_equal(
            str_find(buf_str(&w.out), STR(HEAD "],\"usage\":" USAGE "}\n\n" DONE)) != NULL, wanted);
        assert_int_equal(str_find(buf_str(&w.out), STR("}],\"usage\":null}\n\n")) != NULL, wanted);
        done(&w);
    }
    {
        struct writing w = {.request.wants_usage = false}; /* whole answers always have it */

        begin(&w);
        assert_int_equal(surface_chat.collect(w.writer, &usage), 0);
        assert_int_equal(surface_chat.collect(w.writer, &end), 0);
        assert_int_equal(surface_chat.write(w.writer, &w.out), 0);
        assert_non_null(str_find(buf_str(&w.out), STR("],\"usage\":" USAGE ",")));
        done(&w);
    }
}

static void errors_are_openais(void **state)
{
    static const struct chat_event error = {
        .kind = CHAT_EV_ERROR, .fault = FAULT_UPSTREAM_BUSY, .text = OF("Say \\\"when\\\"")};
    struct writing w = {.request.stream = true};

    (void)state;
    begin(&w);
    assert_int_equal(surface_chat.error_body(FAULT_BAD_REQUEST, STR("'n' \"is\" bad"), STR("n"),
                                             STR("req"), &w.out),
                     0);
    expect(&w, "body",
           "{\"error\":{\"message\":\"'n' \\\"is\\\" bad\",\"type\":\"invalid_request_error\","
           "\"param\":\"n\",\"code\":\"invalid_request\"}}");
    w.out.len = 0;
    assert_int_equal(surface_chat.put(w.writer, &error, &w.out), 0);
    expect(&w, "event",
           "data: {\"error\":{\"message\":\"Say \\\"when\\\"\",\"type\":\"api_error\",\"param\":"
           "null,\"code\":\"upstream_overloaded\"}}\n\n");
    done(&w);
}

static void half_a_chunk_is_never_left(void **state)
{
    static const struct chat_event text = {.kind = CHAT_EV_TEXT, .text = OF("hello")};
    struct writing w = {.request.stream = true};
    struct buf before = {.max = 0};

    (void)state;
    begin(&w);
    assert_int_equal(surface_chat.put(w.writer, &text, &w.out), 0);
    assert_int_equal(buf_put(&before, buf_str(&w.out)), 0);
    w.out.max = w.out.len + sizeof(HEAD) + 20; /* begun and not ended */
    assert_int_equal(surface_chat.put(w.writer, &text, &w.out), -ENOBUFS);
    assert_true(str_eq(buf_str(&w.out), buf_str(&before)));
    buf_done(&before);
    done(&w);
}

/* More than is kept of it: the block goes out all the same, for the reader to put its text in. */
static void thoughts_are_kept_up_to_a_limit(void **state)
{
    static char much[128 << 10];
    struct chat_event thought = {.kind = CHAT_EV_THINKING, .text = {much, sizeof(much)}};
    struct chat_event signature = {.kind = CHAT_EV_SIGNATURE, .text = JSON_TEXT("s")};
    struct writing w = {.request.stream = true};

    (void)state;
    memset(much, 'x', sizeof(much));
    begin(&w);
    for (int i = 0; i < 40; i++) {
        w.out.len = 0;
        assert_int_equal(surface_chat.put(w.writer, &thought, &w.out), 0);
    }
    w.out.len = 0;
    assert_int_equal(surface_chat.put(w.writer, &signature, &w.out), 0);
    assert_non_null(str_find(buf_str(&w.out), STR("\"thinking\":\"\",\"signature\":\"s\"")));
    assert_in_range(w.arena.used, 1, 512 << 10);
    done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_are_as_openai_sends_them),
        cmocka_unit_test(whole_answers_are_the_same_at_once),
        cmocka_unit_test(R47_every_stop_has_its_word),
        cmocka_unit_test(R7_usage_is_told_to_those_who_asked),
        cmocka_unit_test(errors_are_openais),
        cmocka_unit_test(half_a_chunk_is_never_left),
        cmocka_unit_test(thoughts_are_kept_up_to_a_limit),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    arena_thread_done();
    return failed;
}
