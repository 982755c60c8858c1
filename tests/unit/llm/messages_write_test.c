/*
 * What an answer becomes for clients of Anthropic's API: a stream that keeps its grammar, and a
 * whole message that says the same.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <errno.h>

#include "llm/messages.h"

#define SURFACE surface_messages
#include "unit/llm/chat_tell.h"
#include "unit/llm/messages_stream.h"
#include "unit/llm/str_check.h"

static const struct chat_answer_facts facts = {
    .id = STR_INIT("01A"),
    .model = STR_INIT("fast"),
};

/* clang-format off */
#define TOOL(id, f, in) "{\"type\":\"tool_use\",\"id\":\"" id "\",\"name\":\"" f "\",\"input\":" in \
                        ",\"caller\":{\"type\":\"direct\"}}"
#define SAID(t)         "{\"type\":\"text\",\"text\":\"" t "\"}"
#define THOUGHT(t, s)   "{\"type\":\"thinking\",\"thinking\":\"" t "\",\"signature\":\"" s "\"}"

static const struct row {
    const char *what;
    const struct chat_event *events;
    size_t n;
    const char *content, *reason;
} rows[] = {
    {"text in pieces", EVENTS(START, SAY(TEXT, "Hel"), SAY(TEXT, "lo\\n"), STOP(END)),
     "[" SAID("Hello\\n") "]", "end_turn"},
    {"nothing at all", EVENTS(START, STOP(END)), "[]", "end_turn"},
    {"no start, no stop", EVENTS(SAY(TEXT, "a")), "[" SAID("a") "]", "end_turn"},
    {"empty pieces make no block", EVENTS(START, SAY(THINKING, ""), SAY(TEXT, ""), SAY(SIGNATURE, ""), STOP(END)),
     "[]", "end_turn"},
    {"thinking, signed, then text",
     EVENTS(START, SAY(THINKING, "hm"), SAY(THINKING, "m"), SAY(SIGNATURE, "E+\\/=="), BLOCK_END, SAY(TEXT, "a"), STOP(END)),
     "[" THOUGHT("hmm", "E+\\/==") "," SAID("a") "]", "end_turn"},
    {"a signature alone, then another: two blocks", EVENTS(SAY(SIGNATURE, "S1"), SAY(SIGNATURE, "S2")),
     "[" THOUGHT("", "S1") "," THOUGHT("", "S2") "]", "end_turn"},
    {"thinking behind a signature is thought anew", EVENTS(SAY(THINKING, "a"), SAY(SIGNATURE, "S"), SAY(THINKING, "b")),
     "[" THOUGHT("a", "S") "," THOUGHT("b", "") "]", "end_turn"},
    {"redacted", EVENTS(SAY(REDACTED, "Eg=="), SAY(TEXT, "a")),
     "[{\"type\":\"redacted_thinking\",\"data\":\"Eg==\"}," SAID("a") "]", "end_turn"},
    {"the end of a block parts two texts", EVENTS(SAY(TEXT, "a"), BLOCK_END, BLOCK_END, SAY(TEXT, "b")),
     "[" SAID("a") "," SAID("b") "]", "end_turn"},
    {"half a surrogate pair a piece", EVENTS(SAY(TEXT, "\\ud83d"), SAY(TEXT, "\\ude00")),
     "[" SAID("\\ud83d\\ude00") "]", "end_turn"},
    {"a call", EVENTS(SAY(TEXT, "a"), CALL(0, "call_1", "f"), ARGS(0, ""), ARGS(0, "{\\\"x\\\":"), ARGS(0, "1e400}"), STOP(CALLS)),
     "[" SAID("a") "," TOOL("call_1", "f", "{\"x\":1e400}") "]", "tool_use"},
    {"a call that ended with \"stop\"", EVENTS(CALL(0, "c", "f"), ARGS(0, "{}"), STOP(END)),
     "[" TOOL("c", "f", "{}") "]", "tool_use"},
    {"calls announced, none made", EVENTS(SAY(TEXT, "a"), STOP(CALLS)), "[" SAID("a") "]", "end_turn"},
    {"no arguments", EVENTS(CALL(0, "c", "f"), CALL(1, "d", "g"), ARGS(1, " \\n"), CALL(2, "e", "h"), ARGS(2, "null"), STOP(CALLS)),
     "[" TOOL("c", "f", "{}") "," TOOL("d", "g", "{}") "," TOOL("e", "h", "{}") "]", "tool_use"},
    {"calls in turns",
     EVENTS(CALL(0, "c", "f"), ARGS(0, "{\\\"a\\\":"), CALL(1, "d", "g"), ARGS(1, "{\\\"b\\\":"), ARGS(0, "[1,"),
            ARGS(1, "2}"), ARGS(0, "{}]}"), STOP(CALLS)),
     "[" TOOL("c", "f", "{\"a\":[1,{}]}") "," TOOL("d", "g", "{\"b\":2}") "]", "tool_use"},
    {"three calls, each begun before the one before it is told",
     EVENTS(CALL(0, "c", "f"), CALL(1, "d", "g"), CALL(2, "e", "h"), ARGS(2, "{\\\"z\\\":3}"), ARGS(0, "{}"), ARGS(1, "{\\\"y\\\":2}"),
            STOP(CALLS)),
     "[" TOOL("c", "f", "{}") "," TOOL("d", "g", "{\"y\":2}") "," TOOL("e", "h", "{\"z\":3}") "]", "tool_use"},
    {"text while a call is told", EVENTS(CALL(0, "c", "f"), ARGS(0, "{"), SAY(TEXT, "a"), ARGS(0, "}"), SAY(TEXT, "b"), STOP(CALLS)),
     "[" TOOL("c", "f", "{}") "," SAID("ab") "]", "tool_use"},
    {"brackets in strings do not count",
     EVENTS(CALL(0, "c", "f"), ARGS(0, "{\\\"a\\\":\\\"}\\\\\\\""), CALL(1, "d", "g"), ARGS(1, "{}"), ARGS(0, "}\\u0022"), ARGS(0, "\\u007d"), STOP(CALLS)),
     "[" TOOL("c", "f", "{\"a\":\"}\\\"}\"}") "," TOOL("d", "g", "{}") "]", "tool_use"},
    {"what comes behind a whole object", EVENTS(CALL(0, "c", "f"), ARGS(0, "{} {\\\"a\\\":1}"), ARGS(0, "{}"), STOP(CALLS)),
     "[" TOOL("c", "f", "{}") "]", "tool_use"},
    {"arguments that are no JSON", EVENTS(CALL(0, "c", "f"), ARGS(0, " "), ARGS(0, "say \\\"h"), ARGS(0, "i\\\"\\n"), STOP(CALLS)),
     "[" TOOL("c", "f", "{\"INVALID_JSON\":\"say \\\"hi\\\"\\n\"}") "]", "tool_use"},
    {"arguments that are cut", EVENTS(CALL(0, "c", "f"), ARGS(0, "{\\\"a\\\":\\\"b"), STOP(LENGTH)),
     "[" TOOL("c", "f", "{\"INVALID_JSON\":\"{\\\"a\\\":\\\"b\"}") "]", "max_tokens"},
    {"arguments of several lines", EVENTS(CALL(0, "c", "f"), ARGS(0, "{\\n \\\"a\\\":1\\n}"), STOP(CALLS)),
     "[" TOOL("c", "f", "{ \"a\":1}") "]", "tool_use"},
    {"a call without an id", EVENTS({.kind = CHAT_EV_CALL, .name = TEXT_INIT("f")}, STOP(CALLS)),
     "[" TOOL("toolu_01A_1", "f", "{}") "]", "tool_use"},
    {"arguments of no call", EVENTS(ARGS(7, "{}"), SAY(TEXT, "a")), "[" SAID("a") "]", "end_turn"},
    {"a call with Google's signature",
     EVENTS({.kind = CHAT_EV_CALL, .id = TEXT_INIT("c"), .name = TEXT_INIT("f"), .signature = TEXT_INIT("G=")}, STOP(CALLS)),
     "[{\"type\":\"tool_use\",\"id\":\"c\",\"name\":\"f\",\"input\":{},\"caller\":{\"type\":\"direct\"},\"signature\":\"G=\"}]", "tool_use"},
    {"own blocks pass, others' do not",
     EVENTS(RAW(RAW, ANTHROPIC, "{\"type\":\"server_tool_use\",\n\"id\":\"s\"}"), RAW(RAW, OPENAI, "{\"type\":\"x\"}"), SAY(TEXT, "a")),
     "[{\"type\":\"server_tool_use\",\"id\":\"s\"}," SAID("a") "]", "end_turn"},
    {"own citations pass, others' do not",
     EVENTS(SAY(TEXT, "a"), RAW(CITATION, ANTHROPIC, "{\"type\":\"char_location\",\r\n\"x\":1}"), RAW(CITATION, OPENAI, "{\"type\":\"url_citation\"}"),
            RAW(CITATION, ANTHROPIC, "{\"type\":\"page_location\"}")),
     "[{\"type\":\"text\",\"text\":\"a\",\"citations\":[{\"type\":\"char_location\",\"x\":1},{\"type\":\"page_location\"}]}]", "end_turn"},
    {"a refusal is text", EVENTS(SAY(REFUSAL, "I can"), SAY(REFUSAL, "not"), STOP(END)), "[" SAID("I cannot") "]", "refusal"},
    {"nothing comes behind the end", EVENTS(SAY(TEXT, "a"), STOP(END), END, SAY(TEXT, "b"), STOP(LENGTH)), "[" SAID("a") "]", "end_turn"},
    {"a call announced twice", EVENTS(CALL(0, "c", "f"), ARGS(0, "{}"), CALL(1, "d", "g"), CALL(0, "c", "f"), STOP(CALLS)),
     "[" TOOL("c", "f", "{}") "," TOOL("d", "g", "{}") "]", "tool_use"},
    {"one answer, not several", EVENTS(SAY(TEXT, "a"), {.kind = CHAT_EV_TEXT, .choice = 1, .text = TEXT_INIT("b")}, STOP(END)),
     "[" SAID("a") "]", "end_turn"},
};
/* clang-format on */

/* ---- both ways of telling ---- */

static void read_stream(struct stream *s, struct arena *a, const struct chat_event *events,
                        size_t n)
{
    struct buf out = {.max = 1 << 24};

    *s = (struct stream){.arena.max = 0};
    put_each(surface_messages.writer_new(a, &facts), events, n, &out);
    stream_feed(s, buf_str(&out));
    if (s->why != NULL || !s->stopped)
        fail_msg("%s in %.*s", s->why != NULL ? s->why : "no end", STR_ARG(buf_str(&out)));
    buf_done(&out);
}

static void R46_a_stream_and_a_whole_answer_say_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        const struct row *r = &rows[i];
        struct arena a = {.max = 1 << 22};
        struct buf whole = {.max = 0}, content = {.max = 0};
        struct stream s;

        read_stream(&s, &a, r->events, r->n);
        stream_content(&s, &content);
        check_str(r->what, buf_str(&content), str_from(r->content));
        check_str(r->what, stream_inside(stream_get(s.delta, "stop_reason")), str_from(r->reason));
        write_whole(&a, &facts, r->events, r->n, &whole);
        check_str(r->what, stream_get(buf_str(&whole), "content"), str_from(r->content));
        check_str(r->what, stream_get(buf_str(&whole), "stop_reason"),
                  stream_get(s.delta, "stop_reason"));
        assert_true(s.pings == 1);
        stream_done(&s);
        buf_done(&whole);
        buf_done(&content);
        arena_done(&a);
    }
}

static void a_short_stream_byte_for_byte(void **state)
{
    static const struct chat_event events[] = {
        START,
        {.kind = CHAT_EV_USAGE,
         .usage =
             {.source = CHAT_USAGE_REPORTED, .input = 100, .cache_read = 30, .cache_write = 9}},
        SAY(TEXT, "Hi \\u00e9"),
        {.kind = CHAT_EV_USAGE, .usage = {CHAT_USAGE_REPORTED, 100, 7, 30, 9, 4}},
        {.kind = CHAT_EV_STOP, .stop = CHAT_STOP_SEQUENCE, .text = TEXT_INIT("\\n\\nH:")},
        END,
    };
    /* clang-format off */
    static const char want[] =
        "event: message_start\n"
        "data: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_01A\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"fast\","
            "\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"stop_details\":null,\"container\":null,\"diagnostics\":null,"
            "\"usage\":{\"input_tokens\":61,\"cache_creation_input_tokens\":9,\"cache_read_input_tokens\":30,\"output_tokens\":0,"
            "\"output_tokens_details\":null,\"server_tool_use\":null,\"cache_creation\":null,\"service_tier\":null,"
            "\"inference_geo\":null,\"speed\":null}}}\n\n"
        "event: ping\ndata: {\"type\": \"ping\"}\n\n"
        "event: content_block_start\n"
        "data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n"
        "event: content_block_delta\n"
        "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Hi \\u00e9\"}}\n\n"
        "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n"
        "event: message_delta\n"
        "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"stop_sequence\",\"stop_sequence\":\"\\n\\nH:\","
            "\"stop_details\":null,\"container\":null},"
            "\"usage\":{\"input_tokens\":61,\"cache_creation_input_tokens\":9,\"cache_read_input_tokens\":30,\"output_tokens\":7,"
            "\"output_tokens_details\":{\"thinking_tokens\":4},\"server_tool_use\":null}}\n\n"
        "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
    /* clang-format on */
    struct arena a = {.max = 1 << 20};
    struct buf out = {.max = 0};

    (void)state;
    put_each(surface_messages.writer_new(&a, &facts), events, COUNTOF(events), &out);
    check_str("stream", buf_str(&out), str_from(want));
    buf_done(&out);
    arena_done(&a);
}

/* ---- when ---- */

static void R8_a_call_is_passed_on_as_soon_as_its_turn_has_come(void **state)
{
    struct arena a = {.max = 1 << 20};
    struct buf out = {.max = 0};
    struct chat_writer *w = surface_messages.writer_new(&a, &facts);

    (void)state;
    assert_true(wrote(w, (struct chat_event)CALL(0, "c", "f"), &out, "\"c\""));
    assert_true(wrote(w, (struct chat_event)ARGS(0, "{\\\"a"), &out, "{\\\"a"));
    assert_false(wrote(w, (struct chat_event)CALL(1, "d", "g"), &out, "e"));
    assert_false(wrote(w, (struct chat_event)ARGS(1, "{\\\"held"), &out, "e"));
    /* The first object has closed. */
    assert_true(wrote(w, (struct chat_event)ARGS(0, "\\u0022:1\\u007d"), &out, "{\\\"held"));
    assert_true(wrote(w, (struct chat_event)ARGS(1, "\\\":1}"), &out, "content_block_stop"));
    assert_false(wrote(w, (struct chat_event)ARGS(0, "late"), &out, "late"));
    /* The second one too: the third is told at once. */
    assert_true(wrote(w, (struct chat_event)CALL(2, "e", "h"), &out, "\"index\":2"));
    assert_false(wrote(w, (struct chat_event)CALL(3, "i", "j"), &out, "index"));
    assert_true(wrote(w, (struct chat_event)END, &out, "\"index\":3"));
    assert_non_null(str_find(buf_str(&out), STR("\"partial_json\":\"{}\"")));
    buf_done(&out);
    arena_done(&a);
}

static void what_is_held_back_has_a_maximum(void **state)
{
    struct arena a = {.max = 1 << 24};
    struct buf out = {.max = 0};
    struct chat_writer *w = surface_messages.writer_new(&a, &facts);
    struct chat_event calls[] = {CALL(0, "c", "f"), CALL(1, "d", "g")}, args = ARGS(1, "{");
    char *big = calloc(1, 1 << 19);
    int err = 0;

    (void)state;
    put_each(w, calls, 2, &out);
    put_each(w, &args, 1, &out);
    memset(big, ' ', 1 << 19);
    args.text = (struct json_text){big, 1 << 19};
    put_each(w, &args, 1, &out);
    out.len = 0;
    err = surface_messages.put(w, &args, &out);
    assert_int_equal(err, -ENOBUFS);
    assert_int_equal(out.len, 0);
    free(big);
    buf_done(&out);
    arena_done(&a);
}

static void a_full_buffer_gets_no_half_event(void **state)
{
    struct chat_event ev = SAY(TEXT, "0123456789");

    (void)state;
    assert_in_range(put_in_little_room(&facts, &ev, 1), 300, 2000);
}

/* ---- endings ---- */

static void R47_every_stop_has_a_reason(void **state)
{
    static const struct {
        enum chat_stop stop;
        const char *alone, *with_call;
    } stops[] = {
        {CHAT_STOP_NONE, "end_turn", "tool_use"},
        {CHAT_STOP_END, "end_turn", "tool_use"},
        {CHAT_STOP_SEQUENCE, "stop_sequence", "stop_sequence"},
        {CHAT_STOP_LENGTH, "max_tokens", "max_tokens"},
        {CHAT_STOP_CALLS, "end_turn", "tool_use"},
        {CHAT_STOP_FILTER, "refusal", "refusal"},
        {CHAT_STOP_REFUSAL, "refusal", "refusal"},
        {CHAT_STOP_PAUSE, "pause_turn", "pause_turn"},
        {CHAT_STOP_CONTEXT, "model_context_window_exceeded", "model_context_window_exceeded"},
        {CHAT_STOP_OTHER, "end_turn", "tool_use"},
    };

    (void)state;
    assert_int_equal(COUNTOF(stops), CHAT_STOP_OTHER + 1);
    for (size_t i = 0; i < 2 * COUNTOF(stops); i++) {
        bool call = i % 2 == 1;
        struct chat_event events[] = {
            CALL(0, "c", "f"),
            {.kind = CHAT_EV_STOP, .stop = stops[i / 2].stop, .text = TEXT_INIT("w\\u0041")},
            END,
        };
        const struct chat_event *from = call ? events : events + 1;
        struct arena a = {.max = 1 << 20};
        struct buf whole = {.max = 0};
        struct stream s;
        struct str kept;

        read_stream(&s, &a, from, call ? 3 : 2);
        check_str("reason", stream_inside(stream_get(s.delta, "stop_reason")),
                  str_from(call ? stops[i / 2].with_call : stops[i / 2].alone));
        check_str("sequence", stream_get(s.delta, "stop_sequence"),
                  stops[i / 2].stop == CHAT_STOP_SEQUENCE ? STR("\"w\\u0041\"") : STR("null"));
        kept = stream_get(s.delta, "native_stop_reason");
        check_str("kept", kept,
                  stops[i / 2].stop == CHAT_STOP_OTHER ? STR("\"w\\u0041\"") : STR(""));
        write_whole(&a, &facts, from, call ? 3 : 2, &whole);
        check_str("whole", stream_get(buf_str(&whole), "stop_reason"),
                  stream_get(s.delta, "stop_reason"));
        check_str("whole", stream_get(buf_str(&whole), "native_stop_reason"), kept);
        stream_done(&s);
        buf_done(&whole);
        arena_done(&a);
    }
}

static void R7_cached_tokens_are_not_counted_twice(void **state)
{
    static const struct {
        struct chat_usage usage;
        const char *input;
    } usages[] = {
        {{CHAT_USAGE_REPORTED, 100, 5, 0, 0, 0}, "100"},
        {{CHAT_USAGE_REPORTED, 100, 5, 60, 0, 0}, "40"},
        {{CHAT_USAGE_REPORTED, 100, 5, 60, 40, 0}, "0"},
        {{CHAT_USAGE_REPORTED, 100, 5, 60, 50, 0}, "0"},
        {{CHAT_USAGE_REPORTED, 100, 5, 101, 0, 0}, "0"},
        {{CHAT_USAGE_ABSENT, 0, 0, 0, 0, 0}, "0"},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(usages); i++) {
        struct chat_event events[] = {
            SAY(TEXT, "a"), {.kind = CHAT_EV_USAGE, .usage = usages[i].usage}, END};
        struct arena a = {.max = 1 << 20};
        struct buf whole = {.max = 0};
        struct stream s;

        read_stream(&s, &a, events, COUNTOF(events));
        write_whole(&a, &facts, events, COUNTOF(events), &whole);
        check_str("input", stream_get(s.usage, "input_tokens"), str_from(usages[i].input));
        check_str("input", stream_get(stream_get(buf_str(&whole), "usage"), "input_tokens"),
                  str_from(usages[i].input));
        stream_done(&s);
        buf_done(&whole);
        arena_done(&a);
    }
}

/* ---- errors ---- */

static const char *error_type(unsigned http)
{
    switch (http) {
    case 401:
        return "authentication_error";
    case 403:
        return "permission_error";
    case 404:
        return "not_found_error";
    case 413:
        return "request_too_large";
    case 429:
        return "rate_limit_error";
    case 503:
    case 529:
        return "overloaded_error";
    case 504:
        return "timeout_error";
    default:
        return http < 500 ? "invalid_request_error" : "api_error";
    }
}

static void every_fault_has_a_type(void **state)
{
    struct buf out = {.max = 0};

    (void)state;
    for (unsigned f = FAULT_NONE + 1; f < FAULT_COUNT; f++) {
        out.len = 0;
        assert_int_equal(surface_messages.error_body((enum fault)f, STR("no \"x\""), STR(""),
                                                     STR("req_1"), &out),
                         0);
        check_str("type", stream_inside(stream_get(stream_get(buf_str(&out), "error"), "type")),
                  str_from(error_type(fault_info((enum fault)f)->http)));
    }
    buf_done(&out);
}

static void check_error(enum fault f, struct str message, struct str param, struct str id,
                        struct str want)
{
    struct buf out = {.max = 0};

    assert_int_equal(surface_messages.error_body(f, message, param, id, &out), 0);
    check_str("error", buf_str(&out), want);
    buf_done(&out);
}

static void errors_are_anthropics(void **state)
{
    struct buf out = {.max = 0};

    (void)state;
    check_error(FAULT_BAD_REQUEST, STR("no \"x\"\n"), STR(""), STR("req_1"),
                STR("{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":"
                    "\"no \\\"x\\\"\\n\"},\"request_id\":\"req_1\"}"));
    check_error(FAULT_UPSTREAM_BUSY, STR("busy"), STR("tools.0"), STR(""),
                STR("{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":"
                    "\"tools.0: busy\"},\"request_id\":null}"));
    check_error(FAULT_BAD_REQUEST, STR("tools.0: bad"), STR("tools.0"), STR(""),
                STR("{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":"
                    "\"tools.0: bad\"},\"request_id\":null}"));
    assert_int_equal(surface_messages.error_event(NULL, FAULT_UPSTREAM_RESET, STR("cut"), &out), 0);
    check_str("event", buf_str(&out),
              STR("event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\","
                  "\"message\":\"cut\"},\"request_id\":null}\n\n"));
    check_str("ping", surface_messages.keepalive,
              STR("event: ping\ndata: {\"type\": \"ping\"}\n\n"));
    buf_done(&out);
}

static void a_count_is_written_and_read(void **state)
{
    struct buf out = {.max = 0};
    uint64_t n = 0;

    (void)state;
    assert_int_equal(messages_count_write(2095, &out), 0);
    check_str("count", buf_str(&out), STR("{\"input_tokens\":2095}"));
    assert_true(messages_count_read(buf_str(&out), &n));
    assert_int_equal(n, 2095);
    assert_true(messages_count_read(STR("{\"context_management\":{\"original_input_tokens\":9},"
                                        "\"input_tokens\": 7}\n"),
                                    &n));
    assert_int_equal(n, 7);
    assert_false(messages_count_read(STR("{\"input_tokens\":\"7\"}"), &n));
    assert_false(messages_count_read(STR("{\"input_tokens\":7"), &n));
    assert_false(messages_count_read(STR("[7]"), &n));
    buf_done(&out);
}

static void it_is_a_surface(void **state)
{
    (void)state;
    assert_ptr_equal(chat_surface_get(CHAT_ANTHROPIC), &surface_messages);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R46_a_stream_and_a_whole_answer_say_the_same),
        cmocka_unit_test(a_short_stream_byte_for_byte),
        cmocka_unit_test(R8_a_call_is_passed_on_as_soon_as_its_turn_has_come),
        cmocka_unit_test(what_is_held_back_has_a_maximum),
        cmocka_unit_test(a_full_buffer_gets_no_half_event),
        cmocka_unit_test(R47_every_stop_has_a_reason),
        cmocka_unit_test(R7_cached_tokens_are_not_counted_twice),
        cmocka_unit_test(every_fault_has_a_type),
        cmocka_unit_test(errors_are_anthropics),
        cmocka_unit_test(a_count_is_written_and_read),
        cmocka_unit_test(it_is_a_surface),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    arena_thread_done();
    return failed;
}
