/*
 * What the path makes of a target that speaks another dialect; what the dialects say to one another
 * is tested in tests/unit/llm/, and by the official SDKs in tests/e2e/dialects.test.mjs.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit/gateway/exchange_fixture.h"

#define MESSAGES "/v1/messages"
#define LINES "content-type: application/x-ndjson\n"
#define HI "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]"
#define CHUNK(delta, finish)                                                                       \
    "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\","      \
    "\"choices\":[{\"index\":0,\"delta\":" delta ",\"finish_reason\":" finish "}]}\n\n"
#define OPENED                                                                                     \
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\","           \
    "\"type\":\"message\",\"role\":\"assistant\",\"model\":\"c\",\"content\":[],"                  \
    "\"usage\":{\"input_tokens\":3,\"output_tokens\":1}}}\n\n"
#define SAID(text)                                                                                 \
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,"             \
    "\"delta\":{\"type\":\"text_delta\",\"text\":\"" text "\"}}\n\n"
#define FINISHED                                                                                   \
    "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":"          \
    "\"end_turn\"},\"usage\":{\"output_tokens\":5}}\n\n"
#define STOPPED "event: message_stop\ndata: {\"type\":\"message_stop\",\"x\": 1}\n\n"
/* Arguments of a call that nobody began: only a watcher minds. */
#define ODD                                                                                        \
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":7,"             \
    "\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\"}}\n\n"
#define WHOLE                                                                                      \
    "{\"id\":\"m\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"c\",\"content\":["      \
    "{\"type\":\"text\",\"text\":\"whole\"}],\"stop_reason\":\"end_turn\",\"usage\":"              \
    "{\"input_tokens\":3,\"output_tokens\":5}}"

static struct fixture f;

static int open_with(const char *more)
{
    char text[1024];

    snprintf(text, sizeof(text),
             "retry: { attempts: 3, initial: 100ms, jitter: 0 }\n"
             "providers:\n"
             "  o: { base_url: \"http://o.test/v1\", keys: [ key-o ] }\n"
             "  a: { dialect: anthropic, base_url: \"http://a.test/v1\", keys: [ key-a ] }\n"
             "  g: { dialect: gemini, base_url: \"http://g.test/v1beta\", keys: [ key-g ] }\n"
             "  l: { dialect: ollama, base_url: \"http://l.test\" }\n"
             "  r: { api: responses, base_url: \"http://r.test/v1\", keys: [ key-r ] }\n"
             "models:\n"
             "  ao: { strategy: ordered, targets: [ a/m, o/m ] }\n"
             "  oa: { strategy: ordered, targets: [ o/m, a/m ] }\n"
             "%s",
             more);
    open_fixture(&f, text);
    return 0;
}

static int setup(void **state)
{
    (void)state;
    return open_with("");
}

static int setup_strict(void **state)
{
    (void)state;
    return open_with("translation: { strict: true }\n");
}

static int setup_lively(void **state)
{
    (void)state;
    return open_with("stream: { keepalive: 1s }\n");
}

static int teardown(void **state)
{
    (void)state;
    close_fixture(&f);
    return 0;
}

#define BODY(model, more) "{\"model\":\"" model "\"," HI more "}"
#define STREAM ",\"stream\":true,\"max_tokens\":9"

static void fall_back(void)
{
    refuses(&f, 500, JSON, "{}");
    pass_ms(&f, waits_ms(&f));
}

static void fail_until_told(void)
{
    while (!f.x->finished) {
        if (f.x->backing_off)
            pass_ms(&f, waits_ms(&f));
        else
            refuses(&f, 500, JSON, "{}");
    }
}

static void R10_behind_a_foreign_target_the_clients_own_dialect_is_heard_again(void **state)
{
    (void)state;
    begin(&f, CHAT, BODY("ao", STREAM ",\"seed\":1"));
    assert_has(&f.upstream.head, "POST /v1/messages HTTP/1.1");
    fall_back();
    assert_has(&f.upstream.head, "POST /v1/chat/completions HTTP/1.1");
    replies(&f, 200, EVENTS);
    says(&f, CHUNK("{\"content\":\"own\", \"x\":1.0}", "null"));
    says(&f, CHUNK("{}", "\"stop\"") "data: [DONE]\n\n");
    ends(&f);
    assert_told(&f, 200, CHUNK("{\"content\":\"own\", \"x\":1.0}", "null"));
    assert_has(&f.client.body, "data: [DONE]\n\n");
    assert_has_not(&f.client.head, "dropped-params"); /* it was told all of it */
}

static void a_stream_of_the_own_dialect_is_light_also_behind_a_foreign_target(void **state)
{
    (void)state;
    begin(&f, CHAT, BODY("ao", STREAM));
    fall_back();
    replies(&f, 200, EVENTS);
    says(&f, CHUNK("{\"content\":\"own\"}", "null"));
    assert_true(f.client.dropped);
    assert_null(f.x->translation);
    says(&f, CHUNK("{}", "\"stop\""));
    ends(&f);
    assert_told(&f, 200, "[DONE]");
}

/* What was read and written goes with the first content; the rest is still told as it should be. */
static void a_foreign_stream_lets_go_of_its_question(void **state)
{
    (void)state;
    begin(&f, CHAT, BODY("a/m", STREAM ",\"seed\":1,\"stream_options\":{\"include_usage\":true}"));
    replies(&f, 200, EVENTS "x-of: upstream\n");
    says(&f, OPENED SAID("one"));
    assert_true(f.x->answer.light);
    assert_int_equal(f.x->attempt.fetch.request.body_count, 0);
    assert_has(&f.client.head, "x-dragoman-dropped-params: seed\n");
    assert_has(&f.client.head, "x-of: upstream\n");
    says(&f, SAID("two") FINISHED STOPPED);
    ends(&f);
    assert_told(&f, 200, "\"completion_tokens\":5");
    assert_has(&f.client.body, "two");
    assert_has(&f.client.body, "[DONE]");
}

static void R10_nothing_of_a_failed_target_is_mixed_into_the_next_ones_answer(void **state)
{
    (void)state;
    begin(&f, CHAT, BODY("ao", STREAM));
    replies(&f, 200, EVENTS);
    says(&f, OPENED "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":"
                    "\"overloaded_error\",\"message\":\"busy\"}}\n\n");
    assert_int_equal(f.x->records[0].fault, FAULT_UPSTREAM_BUSY);
    assert_int_equal(f.client.head.len, 0);
    pass_ms(&f, waits_ms(&f));
    replies(&f, 200, EVENTS);
    says(&f, CHUNK("{\"content\":\"own\"}", "\"stop\""));
    ends(&f);
    assert_told(&f, 200, "own");
    assert_int_equal(str_find(buf_str(&f.client.body), STR("data: ")) == f.client.body.ptr, 1);
}

static void R3_a_cut_ends_in_the_clients_own_error(void **state)
{
    (void)state;
    begin(&f, MESSAGES, BODY("o/m", STREAM));
    replies(&f, 200, EVENTS);
    says(&f, CHUNK("{\"content\":\"x\"}", "null"));
    ends(&f);
    assert_told(&f, 200, "event: error\ndata: {\"type\":\"error\"");
    assert_has_not(&f.client.body, "message_stop");
    begin(&f, CHAT, BODY("a/m", STREAM));
    replies(&f, 200, EVENTS);
    says(&f, OPENED SAID("x") STOPPED); /* an end without a reason */
    assert_told(&f, 200, "upstream_stream_truncated");
    assert_has_not(&f.client.body, "[DONE]");
    assert_has_not(&f.client.body, "finish_reason\":\"");
}

#define RESPONSES "/v1/responses"
#define ASKED(model) "{\"model\":\"" model "\",\"input\":\"hi\",\"stream\":true}"
#define NUMBERED(type, number, more)                                                               \
    "event: " type "\ndata: {\"type\":\"" type "\",\"sequence_number\":" number more "}\n\n"

/* What the client was not told has not taken a number. */
static void R3_an_error_behind_events_that_passed_has_the_number_after_theirs(void **state)
{
    static const char *const errors[] = {
        "", NUMBERED("error", "9", ",\"message\":\"m\""),
        NUMBERED("response.failed", "9", ",\"response\":{\"status\":\"failed\"}"),
        "event: odd\ndata: {\"sequence_number\":9\n\n"};

    (void)state;
    for (size_t i = 0; i < COUNTOF(errors); i++) {
        begin(&f, RESPONSES, ASKED("r/m"));
        replies(&f, 200, EVENTS);
        says(&f, NUMBERED("response.created", "7", ",\"response\":{}")
                     NUMBERED("response.output_text.delta", "8", ",\"delta\":\"said\""));
        says(&f, errors[i]);
        if (!f.x->finished)
            breaks(&f, HTTP_FAIL_RESET, HTTP_PHASE_BODY);
        assert_told(&f, 200, "said");
        assert_has(&f.client.body, "data: {\"type\":\"error\",\"sequence_number\":9,");
    }
}

#define SEALED                                                                                     \
    "data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":"                       \
    "{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}}\n\n"                            \
    "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"signature_delta\"," \
    "\"signature\":\"c2VhbA==\"}}\n\n"

static void R3_what_was_held_back_and_lost_has_taken_no_number(void **state)
{
    (void)state;
    begin(&f, RESPONSES, ASKED("a/m"));
    while (!f.x->finished) {
        if (f.x->backing_off) {
            pass_ms(&f, waits_ms(&f));
            continue;
        }
        replies(&f, 200, EVENTS);
        says(&f, OPENED SEALED);
        pass_ms(&f, 1500);
        ends(&f);
    }
    assert_told(&f, 200, ": keep-alive");
    assert_has(&f.client.body, "{\"type\":\"response.created\",\"sequence_number\":0,");
    assert_has(&f.client.body, "{\"type\":\"error\",\"sequence_number\":2,");
    assert_has(&f.client.body, "\"output\":[]");
    assert_has_not(&f.client.body, "c2VhbA==");
}

#define TOLD(text, finish)                                                                         \
    "data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"" text         \
    "\"}]}" finish ",\"index\":0}]}\r\n\r\n"

/* Gemini's streams have no last event: what came last says whether it was the last. */
static void R3_a_break_behind_the_finish_reason_is_none_in_any_dialect(void **state)
{
    (void)state;
    begin(&f, MESSAGES, BODY("g/m", STREAM));
    assert_has(&f.upstream.head, "POST /v1beta/models/m:streamGenerateContent?alt=sse HTTP/1.1");
    assert_has(&f.upstream.head, "x-goog-api-key: key-g\r\n");
    replies(&f, 200, EVENTS);
    says(&f, TOLD("one", ""));
    says(&f, TOLD("two", ",\"finishReason\":\"STOP\""));
    breaks(&f, HTTP_FAIL_RESET, HTTP_PHASE_BODY);
    assert_told(&f, 200, "\"stop_reason\":\"end_turn\"");
    assert_has(&f.client.body, "event: message_stop\n");
    assert_has_not(&f.client.body, "event: error");
    begin(&f, MESSAGES, BODY("g/m", STREAM));
    replies(&f, 200, EVENTS);
    says(&f, TOLD("one", ""));
    breaks(&f, HTTP_FAIL_RESET, HTTP_PHASE_BODY);
    assert_told(&f, 200, "event: error\n");
    assert_has_not(&f.client.body, "message_stop");
    begin(&f, CHAT, BODY("l/m", STREAM));
    replies(&f, 200, LINES);
    says(&f, "{\"message\":{\"content\":\"one\"},\"done\":false}\n{\"message\":{\"content\":\"tw");
    breaks(&f, HTTP_FAIL_CUT, HTTP_PHASE_BODY);
    assert_told(&f, 200, "upstream_stream_truncated");
    assert_has_not(&f.client.body, "tw");
    begin(&f, CHAT, BODY("a/m", STREAM));
    replies(&f, 200, EVENTS);
    says(&f, OPENED SAID("x") FINISHED);
    breaks(&f, HTTP_FAIL_CUT, HTTP_PHASE_BODY);
    assert_told(&f, 200, "\"finish_reason\":\"stop\"");
    assert_has(&f.client.body, "[DONE]");
}

static void R44_anthropic_on_both_sides_passes_each_byte(void **state)
{
    (void)state;
    begin_with(&f, MESSAGES "?beta=true", "anthropic-beta: b\nanthropic-version: 1\n",
               BODY("a/m", STREAM ",\"new\":1.50"));
    assert_has(&f.upstream.head, "POST /v1/messages?beta=true HTTP/1.1");
    assert_has(&f.upstream.head, "anthropic-beta: b\r\n");
    assert_has(&f.upstream.head, "anthropic-version: 2023-06-01\r\n");
    assert_has(&f.upstream.head, "x-api-key: key-a\r\n");
    assert_true(str_eq(buf_str(&f.upstream.body), STR(BODY("m", STREAM ",\"new\":1.50"))));
    replies(&f, 200, EVENTS);
    says(&f, OPENED SAID("x") ODD FINISHED STOPPED);
    ends(&f);
    assert_true(str_eq(buf_str(&f.client.body), STR(OPENED SAID("x") ODD FINISHED STOPPED)));
    assert_int_equal(f.x->attempt.watch.usage.completion, 5);
    begin(&f, MESSAGES, BODY("a/m", STREAM));
    replies(&f, 200, EVENTS);
    says(&f, OPENED SAID("x") FINISHED); /* its message_stop is missing */
    ends(&f);
    assert_told(&f, 200, "event: message_stop\n");
}

static void a_whole_answer_is_told_as_the_stream_that_was_asked_for(void **state)
{
    (void)state;
    begin(&f, CHAT, BODY("a/m", STREAM ",\"stream_options\":{\"include_usage\":true}"));
    refuses(&f, 200, JSON, WHOLE);
    assert_told(&f, 200, "\"content\":\"whole\"");
    assert_has(&f.client.head, "content-type: text/event-stream\n");
    assert_has(&f.client.body, "\"completion_tokens\":5");
    assert_has(&f.client.body, "data: [DONE]\n\n");
    begin(&f, MESSAGES, BODY("a/m", STREAM)); /* on the same dialect, too */
    refuses(&f, 200, JSON, WHOLE);
    assert_told(&f, 200, "\"text_delta\",\"text\":\"whole\"");
    assert_has(&f.client.body, "event: message_stop\n");
    begin(&f, CHAT, BODY("l/m", STREAM));
    refuses(&f, 200, JSON, "{\"message\":{\"content\":\"one\"},\"done\":true}");
    assert_told(&f, 200, "\"content\":\"one\"");
    begin(&f, CHAT, BODY("ao", STREAM));
    refuses(&f, 200, JSON, "{\"type\":\"message\",\"content\":[],\"stop_reason\":null}");
    assert_int_equal(f.x->records[0].fault, FAULT_UPSTREAM_BAD_REPLY);
    assert_int_equal(f.client.head.len, 0);
}

static void lines_are_heard_to_the_last_one_without_its_end(void **state)
{
    (void)state;
    begin(&f, MESSAGES, BODY("l/m", STREAM));
    assert_has(&f.upstream.head, "POST /api/chat HTTP/1.1");
    replies(&f, 200, LINES);
    says(&f, "{\"message\":{\"content\":\"on");
    says(&f,
         "e\"},\"done\":false}\n{\"message\":{\"content\":\"\"},\"done\":true,\"done_reason\":");
    says(&f, "\"stop\",\"prompt_eval_count\":3,\"eval_count\":1}");
    ends(&f);
    assert_told(&f, 200, "\"text\":\"one\"");
    assert_has(&f.client.body, "event: message_stop\n");
    assert_int_equal(f.x->attempt.watch.usage.prompt, 3);
}

/* R48 */
static void R48_who_cannot_be_told_is_passed_over(void **state)
{
    (void)state;
    begin(&f, CHAT, BODY("ao", ",\"n\":2"));
    assert_asks(&f, "o.test", "key-o");
    assert_int_equal(f.upstream.asked, 1);
    begin(&f, CHAT, BODY("a/m", ",\"n\":2"));
    assert_told(&f, 400, "\"param\":\"n\"");
    begin(&f, CHAT, BODY("oa", ",\"n\":2")); /* what was heard says more than what could not be */
    fail_until_told();
    assert_told(&f, 502, "\"param\":null,\"code\":\"upstream_error\"");
    assert_has(&f.client.body, "o/m answered 500");
    begin(&f, CHAT, BODY("ao", ",\"n\":2")); /* whichever came first */
    fail_until_told();
    assert_told(&f, 502, "\"param\":null,\"code\":\"upstream_error\"");
    begin(&f, "/v1/embeddings", "{\"model\":\"a/m\",\"input\":\"x\"}");
    assert_told(&f, 400, "a speaks the dialect of anthropic: /v1/embeddings");
    begin(&f, "/v1/embeddings", "{\"model\":\"ao\",\"input\":\"x\"}");
    assert_asks(&f, "o.test", "key-o");
}

static void R48_what_was_heard_says_more_than_who_was_passed_over(void **state)
{
    (void)state;
    begin(&f, CHAT, BODY("oa", ",\"n\":2"));
    refuses(&f, 401, JSON, "{}"); /* its only key: nobody is left but who cannot be told */
    fail_until_told();
    assert_told(&f, 502, "Last: o/m answered 401");
}

static void R45_what_is_left_out_is_named(void **state)
{
    (void)state;
    begin(&f, CHAT, BODY("a/m", ",\"seed\":1,\"a,\\n\xc3\xa9 b\":1"));
    refuses(&f, 200, JSON, WHOLE);
    assert_told(&f, 200, "whole");
    assert_has(&f.client.head, "x-dragoman-dropped-params: seed, a?\\n???b\n");
    begin(&f, MESSAGES, BODY("o/m", ",\"max_tokens\":9,\"top_k\":3,\"odd name\":1"));
    answers(&f);
    assert_told(&f, 200, "hello");
    assert_has(&f.client.head, "x-dragoman-dropped-params: odd?name, top_k\n");
}

static void R45_strict_refuses_what_would_be_left_out(void **state)
{
    (void)state;
    begin(&f, CHAT, BODY("a/m", ",\"seed\":1"));
    assert_told(&f, 400, "\"param\":\"seed\"");
    begin(&f, CHAT, BODY("a/m", ",\"seed\":1,\"logit_bias\":{\"5\":1}"));
    assert_told(&f, 400, "seed");
    assert_has(&f.client.body, "logit_bias");
    begin(&f, CHAT, BODY("ao", ",\"seed\":1"));
    assert_asks(&f, "o.test", "key-o");
    begin(&f, CHAT, BODY("a/m", ""));
    being_asked(&f);
}

static void R13_a_refusal_is_told_in_the_clients_form_with_the_providers_status(void **state)
{
    static const char said[] = "{\"type\":\"error\",\"error\":{\"type\":\"not_found_error\","
                               "\"message\":\"model: m\"}, \"x\":1}";

    (void)state;
    begin(&f, CHAT, BODY("ao", ""));
    refuses(&f, 404, JSON, said);
    assert_told(&f, 404, "{\"error\":{\"message\":\"model: m\"");
    assert_has_not(&f.client.body, "\"x\":1");
    begin(&f, MESSAGES, BODY("a/m", ",\"max_tokens\":9"));
    refuses(&f, 404, JSON, said);
    assert_true(f.client.ended && str_eq(buf_str(&f.client.body), str_from(said)));
    begin(&f, MESSAGES, BODY("o/m", ",\"max_tokens\":9"));
    refuses(&f, 404, JSON, "{\"error\":{\"message\":\"no m\",\"type\":\"t\"}}");
    assert_told(&f, 404, "\"type\":\"not_found_error\",\"message\":\"no m\"");
    assert_has(&f.client.head, "request-id: req_1\n");
}

static void tokens_are_counted_by_who_can(void **state)
{
    (void)state;
    begin(&f, MESSAGES "/count_tokens", BODY("oa", ""));
    assert_has(&f.upstream.head, "POST /v1/messages/count_tokens HTTP/1.1");
    assert_has(&f.upstream.head, "host: a.test\r\n");
    refuses(&f, 200, JSON, "{ \"input_tokens\" : 7 }");
    assert_told(&f, 200, "{ \"input_tokens\" : 7 }");
    begin(&f, MESSAGES "/count_tokens", BODY("o/m", ""));
    assert_told(&f, 501, "{\"type\":\"error\"");
    begin(&f, MESSAGES "/count_tokens", BODY("a/m", ""));
    refuses(&f, 200, JSON, "{}");
    assert_int_equal(f.x->records[0].fault, FAULT_UPSTREAM_BAD_REPLY);
}

static void a_long_talk_and_a_long_answer_have_room(void **state)
{
    enum { TURNS = 4001, WORDS = 300000 };
    struct buf body = {0}, answer = {0};

    (void)state;
    append(&body, STR("{\"model\":\"a/m\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}"));
    for (int i = 1; i < TURNS; i++)
        append(&body, i % 2 ? STR(",{\"role\":\"assistant\",\"content\":\"y\"}")
                            : STR(",{\"role\":\"user\",\"content\":\"x\"}"));
    append(&body, STR("]}"));
    append(&body, STR("")); /* and a NUL */
    assert_int_equal(buf_printf(&body, "%c", 0), 0);
    begin(&f, CHAT, body.ptr);
    append(&answer, STR("{\"type\":\"message\",\"content\":[{\"type\":\"text\",\"text\":\""));
    for (int i = 0; i < WORDS; i++)
        append(&answer, STR("word "));
    append(&answer, STR("\"}],\"stop_reason\":\"end_turn\"}"));
    replies(&f, 200, JSON);
    says_bytes(&f, buf_str(&answer));
    ends(&f);
    assert_told(&f, 200, "word word");
    assert_true(f.client.body.len > WORDS * 5);
    buf_done(&body);
    buf_done(&answer);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(R10_behind_a_foreign_target_the_clients_own_dialect_is_heard_again),
        TEST(a_stream_of_the_own_dialect_is_light_also_behind_a_foreign_target),
        TEST(a_foreign_stream_lets_go_of_its_question),
        TEST(R10_nothing_of_a_failed_target_is_mixed_into_the_next_ones_answer),
        TEST(R3_a_cut_ends_in_the_clients_own_error),
        TEST(R3_an_error_behind_events_that_passed_has_the_number_after_theirs),
        cmocka_unit_test_setup_teardown(R3_what_was_held_back_and_lost_has_taken_no_number,
                                        setup_lively, teardown),
        TEST(R3_a_break_behind_the_finish_reason_is_none_in_any_dialect),
        TEST(R44_anthropic_on_both_sides_passes_each_byte),
        TEST(a_whole_answer_is_told_as_the_stream_that_was_asked_for),
        TEST(lines_are_heard_to_the_last_one_without_its_end),
        TEST(R48_who_cannot_be_told_is_passed_over),
        TEST(R48_what_was_heard_says_more_than_who_was_passed_over),
        TEST(R45_what_is_left_out_is_named),
        cmocka_unit_test_setup_teardown(R45_strict_refuses_what_would_be_left_out, setup_strict,
                                        teardown),
        TEST(R13_a_refusal_is_told_in_the_clients_form_with_the_providers_status),
        TEST(tokens_are_counted_by_who_can),
        TEST(a_long_talk_and_a_long_answer_have_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
