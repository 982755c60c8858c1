/*
 * What an answer becomes for clients of OpenAI's Responses API: a stream that keeps its grammar,
 * and a whole response that says the same. SPDX-License-Identifier: Apache-2.0
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <errno.h>

#define SURFACE surface_responses
#include "unit/llm/chat_tell.h"
#include "unit/llm/responses_stream.h"
#include "unit/llm/str_check.h"

static const struct chat_answer_facts facts = {
    .id = STR_INIT("01A"),
    .model = STR_INIT("fast"),
    .created_s = 1700000000,
};

/* clang-format off */
#define MESSAGE_(n, s, c) "{\"id\":\"msg_01A000" n "\",\"type\":\"message\",\"status\":\"" s "\",\"content\":[" c "],\"role\":\"assistant\"}"
#define MESSAGE(n, c)   MESSAGE_(n, "completed", c)
#define SAID(t)         "{\"type\":\"output_text\",\"annotations\":[],\"logprobs\":[],\"text\":\"" t "\"}"
#define REFUSED(t)      "{\"type\":\"refusal\",\"refusal\":\"" t "\"}"
#define FUNCTION_(n, s, i, f, a) "{\"id\":\"fc_01A000" n "\",\"type\":\"function_call\",\"status\":\"" s "\",\"arguments\":\"" a \
                        "\",\"call_id\":\"" i "\",\"name\":\"" f "\"}"
#define FUNCTION(n, i, f, a) FUNCTION_(n, "completed", i, f, a)
#define THOUGHT(n, t)   "{\"id\":\"rs_01A000" n "\",\"type\":\"reasoning\",\"summary\":[{\"type\":\"summary_text\",\"text\":\"" t "\"}]}"
#define SIGNED(n, t, s) "{\"id\":\"rs_01A000" n "\",\"type\":\"reasoning\",\"encrypted_content\":\"dragoman.signature:" s \
                        "\",\"summary\":[{\"type\":\"summary_text\",\"text\":\"" t "\"}]}"
#define SEALED(n, w, s) "{\"id\":\"rs_01A000" n "\",\"type\":\"reasoning\",\"encrypted_content\":\"dragoman." w ":" s "\",\"summary\":[]}"

static const struct row {
    const char *what;
    const struct chat_event *events;
    size_t n;
    const char *output;
} rows[] = {
    {"text in pieces", EVENTS(START, SAY(TEXT, "Hel"), SAY(TEXT, "lo\\n"), STOP(END)), "[" MESSAGE("0", SAID("Hello\\n")) "]"},
    {"nothing at all", EVENTS(START, STOP(END)), "[]"},
    {"no start, no stop", EVENTS(SAY(TEXT, "a")), "[" MESSAGE("0", SAID("a")) "]"},
    {"empty pieces make nothing", EVENTS(START, SAY(THINKING, ""), SAY(TEXT, ""), SAY(SIGNATURE, ""), SAY(REFUSAL, ""), STOP(END)), "[]"},
    {"thinking, signed, then text",
     EVENTS(START, SAY(THINKING, "hm"), SAY(THINKING, "m"), SAY(SIGNATURE, "E+\\/=="), BLOCK_END, SAY(TEXT, "a"), STOP(END)),
     "[" SIGNED("0", "hmm", "E+\\/==") "," MESSAGE("1", SAID("a")) "]"},
    {"thinking that nobody signed", EVENTS(SAY(THINKING, "hm"), SAY(TEXT, "a")), "[" THOUGHT("0", "hm") "," MESSAGE("1", SAID("a")) "]"},
    {"two thoughts, parted by a block's end", EVENTS(SAY(THINKING, "a"), BLOCK_END, SAY(THINKING, "b")),
     "[" THOUGHT("0", "a") "," THOUGHT("1", "b") "]"},
    {"signatures alone", EVENTS(SAY(SIGNATURE, "S1"), SAY(SIGNATURE, "S2")), "[" SEALED("0", "signature", "S1") "," SEALED("1", "signature", "S2") "]"},
    {"thinking behind a signature is thought anew", EVENTS(SAY(THINKING, "a"), SAY(SIGNATURE, "S"), SAY(THINKING, "b")),
     "[" SIGNED("0", "a", "S") "," THOUGHT("1", "b") "]"},
    {"redacted", EVENTS(SAY(REDACTED, "Eg=="), SAY(TEXT, "a")), "[" SEALED("0", "redacted", "Eg==") "," MESSAGE("1", SAID("a")) "]"},
    {"the end of a block parts two texts of a message", EVENTS(SAY(TEXT, "a"), BLOCK_END, BLOCK_END, SAY(TEXT, "b")),
     "[" MESSAGE("0", SAID("a") "," SAID("b")) "]"},
    {"half a surrogate pair a piece", EVENTS(SAY(TEXT, "\\ud83d"), SAY(TEXT, "\\ude00")), "[" MESSAGE("0", SAID("\\ud83d\\ude00")) "]"},
    {"a refusal", EVENTS(SAY(REFUSAL, "I can"), SAY(REFUSAL, "not"), STOP(END)), "[" MESSAGE("0", REFUSED("I cannot")) "]"},
    {"text, then a refusal, then text", EVENTS(SAY(TEXT, "a"), SAY(REFUSAL, "b"), SAY(TEXT, "c"), STOP(END)),
     "[" MESSAGE("0", SAID("a") "," REFUSED("b") "," SAID("c")) "]"},
    {"a call", EVENTS(SAY(TEXT, "a"), CALL(0, "call_1", "f"), ARGS(0, ""), ARGS(0, "{\\\"x\\\":"), ARGS(0, "1e400}"), STOP(CALLS)),
     "[" MESSAGE("0", SAID("a")) "," FUNCTION("1", "call_1", "f", "{\\\"x\\\":1e400}") "]"},
    {"no arguments", EVENTS(CALL(0, "c", "f"), CALL(1, "d", "g"), STOP(CALLS)), "[" FUNCTION("0", "c", "f", "{}") "," FUNCTION("1", "d", "g", "{}") "]"},
    {"calls in turns",
     EVENTS(CALL(0, "c", "f"), ARGS(0, "{\\\"a\\\":"), CALL(1, "d", "g"), ARGS(1, "{\\\"b\\\":"), ARGS(0, "1}"), ARGS(1, "2}"), STOP(CALLS)),
     "[" FUNCTION("0", "c", "f", "{\\\"a\\\":1}") "," FUNCTION("1", "d", "g", "{\\\"b\\\":2}") "]"},
    {"calls that are ended one by one", EVENTS(CALL(0, "c", "f"), ARGS(0, "{}"), BLOCK_END, CALL(1, "d", "g"), ARGS(1, "[]"), BLOCK_END, STOP(CALLS)),
     "[" FUNCTION("0", "c", "f", "{}") "," FUNCTION("1", "d", "g", "[]") "]"},
    {"text while a call is told", EVENTS(CALL(0, "c", "f"), ARGS(0, "{"), SAY(TEXT, "a"), ARGS(0, "}"), SAY(TEXT, "b"), STOP(CALLS)),
     "[" FUNCTION("0", "c", "f", "{}") "," MESSAGE("1", SAID("ab")) "]"},
    {"a call without an id, or a name", EVENTS({.kind = CHAT_EV_CALL}, STOP(CALLS)), "[" FUNCTION("0", "call_01A0000", "", "{}") "]"},
    {"arguments of no call", EVENTS(ARGS(7, "{}"), SAY(TEXT, "a")), "[" MESSAGE("0", SAID("a")) "]"},
    {"a call announced twice", EVENTS(CALL(0, "c", "f"), CALL(0, "c", "f"), ARGS(0, "{}"), STOP(CALLS)), "[" FUNCTION("0", "c", "f", "{}") "]"},
    {"arguments that are no JSON go as they are", EVENTS(CALL(0, "c", "f"), ARGS(0, "say \\\"hi"), STOP(CALLS)),
     "[" FUNCTION("0", "c", "f", "say \\\"hi") "]"},
    {"a call with Google's signature: it stands before it",
     EVENTS(SAY(TEXT, "a"), {.kind = CHAT_EV_CALL, .id = TEXT_INIT("c"), .name = TEXT_INIT("f"), .signature = TEXT_INIT("G=")}, STOP(CALLS)),
     "[" MESSAGE("0", SAID("a")) "," SEALED("1", "call", "G=") "," FUNCTION("2", "c", "f", "{}") "]"},
    {"other vendors' blocks and citations have no place",
     EVENTS(SAY(TEXT, "a"), {.kind = CHAT_EV_RAW, .vendor = CHAT_ANTHROPIC, .raw = STR_INIT("{\"type\":\"x\"}")},
            {.kind = CHAT_EV_CITATION, .vendor = CHAT_ANTHROPIC, .raw = STR_INIT("{}")}, SAY(TEXT, "b")),
     "[" MESSAGE("0", SAID("ab")) "]"},
    {"cut short: what was under way is not whole", EVENTS(SAY(THINKING, "a"), SAY(TEXT, "b"), BLOCK_END, STOP(LENGTH)),
     "[" THOUGHT("0", "a") "," MESSAGE_("1", "incomplete", SAID("b")) "]"},
    {"cut short in a call", EVENTS(SAY(TEXT, "b"), CALL(0, "c", "f"), ARGS(0, "{\\\"a"), STOP(LENGTH)),
     "[" MESSAGE("0", SAID("b")) "," FUNCTION_("1", "incomplete", "c", "f", "{\\\"a") "]"},
    {"nothing comes behind the end", EVENTS(SAY(TEXT, "a"), STOP(END), END, SAY(TEXT, "b"), STOP(LENGTH)), "[" MESSAGE("0", SAID("a")) "]"},
    {"one answer, not several", EVENTS(SAY(TEXT, "a"), {.kind = CHAT_EV_TEXT, .choice = 1, .text = TEXT_INIT("b")}, STOP(END)),
     "[" MESSAGE("0", SAID("a")) "]"},
};
/* clang-format on */

/* ---- both ways of telling ---- */

static void check_stream(struct rstream *s, struct str bytes)
{
    *s = (struct rstream){.n = 0};
    rstream_feed(s, bytes);
    if (s->why != NULL || !s->over)
        fail_msg("%s in %.*s", s->why != NULL ? s->why : "no end", STR_ARG(bytes));
}

static void read_stream(struct rstream *s, struct arena *a, const struct chat_event *events,
                        size_t n)
{
    struct buf out = {.max = 1 << 24};

    put_each(surface_responses.writer_new(a, &facts), events, n, &out);
    check_stream(s, buf_str(&out));
    buf_done(&out);
}

static void R46_a_stream_and_a_whole_answer_say_the_same(void **state)
{
    static struct rstream s;

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct arena a = {.max = 1 << 22};
        struct buf whole = {.max = 0};

        read_stream(&s, &a, rows[i].events, rows[i].n);
        check_str(rows[i].what, rstream_get(s.response, "output"), str_from(rows[i].output));
        write_whole(&a, &facts, rows[i].events, rows[i].n, &whole);
        check_str(rows[i].what, buf_str(&whole), s.response);
        rstream_done(&s);
        buf_done(&whole);
        arena_done(&a);
    }
}

static void a_short_stream_byte_for_byte(void **state)
{
    static const struct chat_event events[] = {
        START,
        SAY(TEXT, "Hi \\u00e9"),
        {.kind = CHAT_EV_USAGE, .usage = {CHAT_USAGE_REPORTED, 100, 7, 30, 9, 4}},
        STOP(END),
        END,
    };
    /* clang-format off */
#define RESPONSE(status, output, usage) \
    "{\"id\":\"resp_01A\",\"object\":\"response\",\"created_at\":1700000000,\"status\":\"" status "\",\"background\":false," \
    "\"completed_at\":null,\"error\":null,\"incomplete_details\":null,\"model\":\"fast\",\"output\":[" output "]," \
    "\"instructions\":null,\"max_output_tokens\":null,\"max_tool_calls\":null,\"parallel_tool_calls\":true," \
    "\"previous_response_id\":null,\"presence_penalty\":0,\"frequency_penalty\":0,\"prompt_cache_key\":null," \
    "\"prompt_cache_retention\":null,\"safety_identifier\":null,\"service_tier\":\"default\",\"store\":false," \
    "\"temperature\":1,\"text\":{\"format\":{\"type\":\"text\"},\"verbosity\":\"medium\"}," \
    "\"reasoning\":{\"effort\":null,\"summary\":null},\"tool_choice\":\"auto\",\"tools\":[],\"top_logprobs\":0," \
    "\"top_p\":1,\"truncation\":\"disabled\",\"user\":null,\"metadata\":{},\"usage\":" usage "}"
#define EVENT(type, seq, rest) "event: " type "\ndata: {\"type\":\"" type "\",\"sequence_number\":" seq "," rest "}\n\n"
#define INSIDE "\"item_id\":\"msg_01A0000\",\"output_index\":0,\"content_index\":0,"
    static const char want[] =
        EVENT("response.created", "0", "\"response\":" RESPONSE("in_progress", "", "null"))
        EVENT("response.in_progress", "1", "\"response\":" RESPONSE("in_progress", "", "null"))
        EVENT("response.output_item.added", "2", "\"output_index\":0,\"item\":" MESSAGE_("0", "in_progress", ""))
        EVENT("response.content_part.added", "3", INSIDE "\"part\":" SAID(""))
        EVENT("response.output_text.delta", "4", INSIDE "\"delta\":\"Hi \\u00e9\",\"logprobs\":[]")
        EVENT("response.output_text.done", "5", INSIDE "\"text\":\"Hi \\u00e9\",\"logprobs\":[]")
        EVENT("response.content_part.done", "6", INSIDE "\"part\":" SAID("Hi \\u00e9"))
        EVENT("response.output_item.done", "7", "\"output_index\":0,\"item\":" MESSAGE("0", SAID("Hi \\u00e9")))
        EVENT("response.completed", "8", "\"response\":" RESPONSE("completed", MESSAGE("0", SAID("Hi \\u00e9")),
            "{\"input_tokens\":100,\"input_tokens_details\":{\"cached_tokens\":30,\"cache_write_tokens\":9},"
            "\"output_tokens\":7,\"output_tokens_details\":{\"reasoning_tokens\":4},\"total_tokens\":107}"));
    /* clang-format on */
    struct arena a = {.max = 1 << 20};
    struct buf out = {.max = 0};

    (void)state;
    put_each(surface_responses.writer_new(&a, &facts), events, COUNTOF(events), &out);
    check_str("stream", buf_str(&out), str_from(want));
    buf_done(&out);
    arena_done(&a);
}

/* ---- when ---- */

static void R8_calls_told_in_turns_do_not_wait_for_each_other(void **state)
{
    struct arena a = {.max = 1 << 20};
    struct buf out = {.max = 0};
    struct chat_writer *w = surface_responses.writer_new(&a, &facts);

    (void)state;
    assert_false(wrote(w, (struct chat_event)START, &out, "event"));
    assert_true(wrote(w, (struct chat_event)CALL(0, "c", "f"), &out, "\"call_id\":\"c\""));
    assert_true(wrote(w, (struct chat_event)CALL(1, "d", "g"), &out, "\"call_id\":\"d\""));
    assert_true(wrote(w, (struct chat_event)ARGS(0, "{"), &out, "\"output_index\":0"));
    assert_true(wrote(w, (struct chat_event)ARGS(1, "{}"), &out, "\"output_index\":1"));
    assert_false(wrote(w, (struct chat_event)BLOCK_END, &out, "event"));
    assert_true(wrote(w, (struct chat_event)ARGS(0, "}"), &out, "\"arguments\":\"{}\""));
    assert_true(wrote(w, (struct chat_event)STOP(CALLS), &out, "response.output_item.done"));
    assert_false(wrote(w, (struct chat_event)ARGS(0, "late"), &out, "late"));
    assert_true(wrote(w, (struct chat_event)END, &out, "response.completed"));
    buf_done(&out);
    arena_done(&a);
}

static void a_full_buffer_gets_no_half_event(void **state)
{
    struct chat_event ev = SAY(TEXT, "0123456789");

    (void)state;
    assert_in_range(put_in_little_room(&facts, &ev, 7), 100, 1000);
}

static void an_arena_that_is_full_is_told(void **state)
{
    size_t failed = 0;

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        for (size_t max = 512; max < 1 << 14; max += 512) {
            struct arena a = {.max = max};
            struct buf out = {.max = 0};
            struct chat_writer *w = surface_responses.writer_new(&a, &facts);
            int err = w == NULL ? -ENOMEM : 0;

            for (size_t j = 0; err == 0 && j < rows[i].n; j++)
                err = surface_responses.put(w, &rows[i].events[j], &out);
            assert_true(err == 0 || err == -ENOMEM);
            failed += err < 0;
            buf_done(&out);
            arena_done(&a);
        }
    }
    assert_true(failed > 0);
}

/* ---- endings ---- */

static void R47_every_stop_has_a_status(void **state)
{
    static const struct {
        enum chat_stop stop;
        const char *status, *reason, *native;
    } stops[] = {
        {CHAT_STOP_NONE, "completed", "", ""},
        {CHAT_STOP_END, "completed", "", ""},
        {CHAT_STOP_SEQUENCE, "completed", "", ""},
        {CHAT_STOP_LENGTH, "incomplete", "max_output_tokens", ""},
        {CHAT_STOP_CALLS, "completed", "", ""},
        {CHAT_STOP_FILTER, "incomplete", "content_filter", ""},
        {CHAT_STOP_REFUSAL, "incomplete", "content_filter", "refusal"},
        {CHAT_STOP_PAUSE, "completed", "", "pause_turn"},
        {CHAT_STOP_CONTEXT, "incomplete", "max_output_tokens", "model_context_window_exceeded"},
        {CHAT_STOP_OTHER, "completed", "", "w\\u0041"},
    };
    static struct rstream s;

    (void)state;
    assert_int_equal(COUNTOF(stops), CHAT_STOP_OTHER + 1);
    for (size_t i = 0; i < COUNTOF(stops); i++) {
        struct chat_event events[] = {
            SAY(TEXT, "a"),
            {.kind = CHAT_EV_STOP, .stop = stops[i].stop, .text = TEXT_INIT("w\\u0041")},
            END,
        };
        struct arena a = {.max = 1 << 20};

        read_stream(&s, &a, events, COUNTOF(events));
        check_str("status", rstream_inside(s.response, "status"), str_from(stops[i].status));
        check_str("reason", rstream_inside(rstream_get(s.response, "incomplete_details"), "reason"),
                  str_from(stops[i].reason));
        check_str("native", rstream_inside(s.response, "native_finish_reason"),
                  str_from(stops[i].native));
        rstream_done(&s);
        arena_done(&a);
    }
}

static void a_model_that_declined_in_words_is_done(void **state)
{
    static const struct chat_event events[] = {SAY(REFUSAL, "No."), STOP(REFUSAL), END};
    static struct rstream s;
    struct arena a = {.max = 1 << 20};

    (void)state;
    read_stream(&s, &a, events, COUNTOF(events));
    check_str("status", rstream_inside(s.response, "status"), STR("completed"));
    rstream_done(&s);
    arena_done(&a);
}

/* ---- what is repeated ---- */

static void an_answer_repeats_its_request(void **state)
{
    /* clang-format off */
    static const char body[] =
        "{\"model\":\"m\",\"input\":\"x\",\"instructions\":\"Be\\u0020brief\",\"temperature\":0.70,\"top_p\":1e0,"
        "\"max_output_tokens\":9,\"metadata\":{\n\"a\":\"b\"\r\n},\"user\":\"u\",\"parallel_tool_calls\":false,"
        "\"reasoning\":{\"effort\":\"low\",\"summary\":\"auto\"},\"text\":{\"format\":{\"type\":\"json_object\"},\"verbosity\":\"low\"},"
        "\"tools\":[{\"type\":\"function\",\"name\":\"f\",\"parameters\":{\n}},{\"type\":\"web_search\"},"
        "{\"type\":\"function\",\"name\":\"g\",\"description\":\"d\",\"strict\":false}],"
        "\"tool_choice\":{\"type\":\"allowed_tools\",\"mode\":\"auto\",\"tools\":[{\"type\":\"function\",\"name\":\"g\"}]},"
        "\"service_tier\":\"flex\",\"store\":true,\"prompt_cache_key\":\"k\",\"safety_identifier\":\"s\"}";
    static const struct {
        const char *name, *value;
    } wants[] = {
        {"instructions", "\"Be\\u0020brief\""}, {"temperature", "0.70"}, {"top_p", "1e0"}, {"max_output_tokens", "9"},
        {"metadata", "{\"a\":\"b\"}"}, {"user", "\"u\""}, {"parallel_tool_calls", "false"}, {"store", "false"},
        {"reasoning", "{\"effort\":\"low\",\"summary\":\"auto\"}"}, {"service_tier", "\"flex\""},
        {"text", "{\"format\":{\"type\":\"json_object\"},\"verbosity\":\"low\"}"}, {"prompt_cache_key", "\"k\""}, {"safety_identifier", "\"s\""},
        {"tools", "[{\"type\":\"function\",\"description\":null,\"name\":\"f\",\"parameters\":{},\"strict\":null},{\"type\":\"web_search\"},"
                  "{\"type\":\"function\",\"description\":\"d\",\"name\":\"g\",\"parameters\":null,\"strict\":false}]"},
        {"tool_choice", "{\"type\":\"allowed_tools\",\"mode\":\"auto\",\"tools\":[{\"type\":\"function\",\"name\":\"g\"}]}"},
    };
    /* clang-format on */
    static const struct chat_event events[] = {SAY(TEXT, "a"), STOP(END), END};
    static struct rstream s;
    struct arena a = {.max = 1 << 20};
    struct chat_request request;
    struct chat_problem p;
    struct chat_answer_facts asked = facts;
    struct buf out = {.max = 0};

    (void)state;
    assert_true(surface_responses.read(&a, str_from(body), 64, &request, &p));
    asked.request = &request;
    put_each(surface_responses.writer_new(&a, &asked), events, COUNTOF(events), &out);
    check_stream(&s, buf_str(&out));
    for (size_t i = 0; i < COUNTOF(wants); i++)
        check_str(wants[i].name, rstream_get(s.response, wants[i].name), str_from(wants[i].value));
    rstream_done(&s);
    buf_done(&out);
    arena_done(&a);
}

/* ---- errors ---- */

static void an_error_in_a_stream_is_told_with_what_had_been_said(void **state)
{
    static const struct {
        enum fault fault;
        const char *code;
    } codes[] = {{FAULT_UPSTREAM_TRUNCATED, "server_error"},
                 {FAULT_UPSTREAM_RATE, "rate_limit_exceeded"}};
    static struct rstream s;

    (void)state;
    for (size_t i = 0; i < 2 * COUNTOF(codes); i++) {
        struct arena a = {.max = 1 << 20};
        struct buf out = {.max = 0};
        struct chat_writer *w = surface_responses.writer_new(&a, &facts);
        struct chat_event text = SAY(TEXT, "so far"), end = END;
        struct str error;

        if (i % 2 == 0)
            put_each(w, &text, 1, &out);
        assert_int_equal(
            surface_responses.error_event(w, codes[i / 2].fault, STR("it \"broke\""), &out), 0);
        put_each(w, &text, 1, &out);
        put_each(w, &end, 1, &out);
        check_stream(&s, buf_str(&out));
        assert_true(s.error);
        check_str("status", rstream_inside(s.response, "status"), STR("failed"));
        error = rstream_get(s.response, "error");
        check_str("code", rstream_inside(error, "code"), str_from(codes[i / 2].code));
        check_str("message", rstream_inside(error, "message"), STR("it \\\"broke\\\""));
        assert_int_equal(str_find(rstream_get(s.response, "output"), STR("so far")) != NULL,
                         i % 2 == 0);
        rstream_done(&s);
        buf_done(&out);
        arena_done(&a);
    }
}

static void what_had_no_room_has_taken_no_number(void **state)
{
    const struct chat_event text = SAY(TEXT, "so far");
    const struct str errors[] = {STR("\"type\":\"error\",\"sequence_number\":2,"),
                                 STR("\"type\":\"error\",\"sequence_number\":5,")};

    (void)state;
    for (size_t said = 0; said < COUNTOF(errors); said++) {
        struct arena a = {.max = 1 << 20};
        struct buf out = {.max = 0}, small = {.max = 8};
        struct chat_writer *w = surface_responses.writer_new(&a, &facts);

        put_each(w, &text, said, &out);
        assert_int_equal(surface_responses.put(w, &text, &small), -ENOBUFS);
        assert_int_equal(surface_responses.error_event(w, FAULT_OVERLOADED, STR("m"), &out), 0);
        assert_true(str_starts(buf_str(&out), STR("event: response.created\n")));
        assert_non_null(str_find(buf_str(&out), errors[said]));
        buf_done(&small);
        buf_done(&out);
        arena_done(&a);
    }
}

static void an_error_before_there_was_an_answer_is_one_event(void **state)
{
    struct buf out = {.max = 0};

    (void)state;
    assert_int_equal(surface_responses.error_event(NULL, FAULT_OVERLOADED, STR("m"), &out), 0);
    assert_true(str_starts(buf_str(&out), STR("event: error\ndata: {\"type\":\"error\","
                                              "\"sequence_number\":0,\"code\":\"")));
    assert_null(str_find(buf_str(&out), STR("response.")));
    buf_done(&out);
}

static void a_refused_request_gets_OpenAIs_envelope(void **state)
{
    struct buf out = {.max = 0};

    (void)state;
    assert_int_equal(surface_responses.error_body(FAULT_BAD_REQUEST, STR("no"), STR("input"),
                                                  STR("req_1"), &out),
                     0);
    check_str("param", rstream_inside(rstream_get(buf_str(&out), "error"), "param"), STR("input"));
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R46_a_stream_and_a_whole_answer_say_the_same),
        cmocka_unit_test(a_short_stream_byte_for_byte),
        cmocka_unit_test(R8_calls_told_in_turns_do_not_wait_for_each_other),
        cmocka_unit_test(a_full_buffer_gets_no_half_event),
        cmocka_unit_test(an_arena_that_is_full_is_told),
        cmocka_unit_test(R47_every_stop_has_a_status),
        cmocka_unit_test(a_model_that_declined_in_words_is_done),
        cmocka_unit_test(an_answer_repeats_its_request),
        cmocka_unit_test(an_error_in_a_stream_is_told_with_what_had_been_said),
        cmocka_unit_test(what_had_no_room_has_taken_no_number),
        cmocka_unit_test(an_error_before_there_was_an_answer_is_one_event),
        cmocka_unit_test(a_refused_request_gets_OpenAIs_envelope),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
