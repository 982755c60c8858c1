/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/gateway/exchange_fixture.h"

#define DATA(json) "data: " json "\n\n"
#define DELTA(more) DATA("{\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{" more "}}]}")
#define ROLE DELTA("\"role\":\"assistant\",\"content\":\"\"")
#define TEXT DELTA("\"content\":\"hel\"")
#define MORE_TEXT DELTA("\"content\":\"lo\"")
#define STOPS(n)                                                                                   \
    DATA("{\"id\":\"c\",\"choices\":[{\"index\":" #n ",\"delta\":{},\"finish_reason\":\"stop\"}]"  \
         "}")
#define USAGE                                                                                      \
    DATA("{\"id\":\"c\",\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2}}")
#define DONE DATA("[DONE]")
#define ERROR_EVENT DATA("{\"error\":{\"message\":\"no more\",\"type\":\"server_error\"}}")

static struct fixture f;

static void open_with(const char *stream, const char *limits)
{
    char text[1024];

    snprintf(text, sizeof(text),
             "retry: { attempts: 3, initial: 100ms, jitter: 0 }\n"
             "timeouts: { first_content: 30s, total: 5m }\n"
             "stream: { %s }\nlimits: { %s }\n"
             "providers:\n"
             "  one: { base_url: \"http://one.test/v1\" }\n"
             "  two: { base_url: \"http://two.test/v1\" }\n"
             "  mute: { base_url: \"http://mute.test/v1\", ask_usage: false }\n"
             "models:\n"
             "  chat: { strategy: ordered, targets: [ one/m, two/m ] }\n",
             stream, limits);
    open_fixture(&f, text);
}

static int setup(void **state)
{
    (void)state;
    open_with("keepalive: 15s", "event_bytes: 4KiB, held_bytes: 4KiB");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    close_fixture(&f);
    return 0;
}

static void stream_begins(const char *more)
{
    char body[256];

    snprintf(body, sizeof(body), ",\"stream\":true%s", more);
    ask_with(&f, "chat", body);
    replies(&f, 200, EVENTS);
}

/* The client has exactly these bytes. */
#define assert_sent(text)                                                                          \
    do {                                                                                           \
        assert_int_equal(f.client.body.len, strlen(text));                                         \
        assert_memory_equal(f.client.body.ptr, text, strlen(text));                                \
    } while (0)

#define assert_well(outcome) assert_int_equal(f.x->fault, outcome)

static unsigned dones(void)
{
    struct str rest = buf_str(&f.client.body);
    const char *at;
    unsigned n = 0;

    for (; (at = str_find(rest, STR("[DONE]"))) != NULL; n++)
        rest = str_skip(rest, (size_t)(at - rest.ptr) + 6);
    return n;
}

/* ---- the commit ---- */

static void R10_nothing_goes_out_before_the_first_content(void **state)
{
    (void)state;
    stream_begins("");
    says(&f, ": a comment\n\n" ROLE);
    assert_int_equal(f.call.status, 0);
    assert_false(f.x->answer.committed || f.client.dropped);
    says(&f, TEXT);
    assert_true(f.x->answer.committed);
    assert_true(f.client.dropped); /* nobody will be asked again: the request's body may go */
    assert_int_equal(f.client.writes, 1);
    assert_has(&f.client.head, "200\n");
    assert_has(&f.client.head, "content-type: text/event-stream\n");
    assert_has(&f.client.head, "x-dragoman-target: one/m\n");
    assert_has(&f.client.body, ROLE TEXT); /* what was held goes first */
    assert_int_equal(f.x->attempt.body.cap, 0);
}

static void R10_a_failure_before_the_commit_goes_to_another_target(void **state)
{
    static const char *const rows[] = {ROLE ERROR_EVENT, ERROR_EVENT, ROLE DONE, DONE,
                                       "event: error\ndata: {\"message\":\"m\"}\n\n"};

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        stream_begins("");
        says(&f, rows[i]);
        assert_int_equal(f.upstream.cancelled, 1);
        pass_ms(&f, waits_ms(&f));
        assert_has(&f.upstream.head, "host: two.test\r\n");
        replies(&f, 200, EVENTS);
        says(&f, TEXT STOPS(0) DONE);
        ends(&f);
        assert_sent(TEXT STOPS(0) DONE); /* and nothing of the first */
        assert_well(FAULT_NONE);
        f.gw.targets[0].failures = 0;
    }
}

static void R10_a_stream_that_ends_with_nothing_to_show_is_empty(void **state)
{
    (void)state;
    stream_begins("");
    says(&f, ROLE);
    ends(&f);
    assert_true(f.x->backing_off);
    assert_int_equal(f.x->records[0].fault, FAULT_UPSTREAM_EMPTY);
    assert_int_equal(f.call.status, 0);
}

static void R11_an_error_after_the_commit_is_told_in_band(void **state)
{
    (void)state;
    stream_begins("");
    says(&f, TEXT);
    says(&f, MORE_TEXT ERROR_EVENT);
    assert_true(f.x->finished && f.client.ended);
    assert_int_equal(f.upstream.asked, 1);
    assert_has(&f.client.body,
               TEXT MORE_TEXT "data: {\"error\":{\"message\":\"one/m sent an error: no "
                              "more\"");
    assert_has_not(&f.client.body, "[DONE]");
    assert_well(FAULT_UPSTREAM_ERROR);
}

static void more_than_may_be_held_is_a_failure(void **state)
{
    (void)state;
    stream_begins("");
    for (unsigned i = 0; i < 100 && f.upstream.fetch->active; i++)
        says(&f, ROLE);
    assert_true(f.x->backing_off);
    assert_in(f.x->why, "limits.held_bytes");
}

static void an_event_larger_than_its_limit_ends_the_stream(void **state)
{
    static char event[8192];

    (void)state;
    stream_begins("");
    says(&f, TEXT);
    memset(event, 'x', sizeof(event) - 1);
    memcpy(event, "data: ", 6);
    says(&f, event);
    assert_true(f.x->finished);
    assert_has(&f.client.body, "limits.event_bytes");
    assert_well(FAULT_UPSTREAM_BAD_REPLY);
}

/* ---- the end ---- */

static void R3_a_finish_reason_without_done_is_success_and_done_is_added(void **state)
{
    (void)state;
    stream_begins("");
    says(&f, TEXT STOPS(0));
    ends(&f);
    assert_sent(TEXT STOPS(0) DONE);
    assert_true(f.client.ended);
    assert_well(FAULT_NONE);
}

static void R3_done_is_passed_on_once(void **state)
{
    (void)state;
    stream_begins("");
    says(&f, TEXT STOPS(0) DONE);
    says(&f, DONE MORE_TEXT); /* nothing counts behind it */
    ends(&f);
    assert_sent(TEXT STOPS(0) DONE);
    assert_well(FAULT_NONE);
}

static void R3_the_end_without_a_finish_reason_is_a_cut(void **state)
{
    static const char *const rows[] = {"", DONE};

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        stream_begins("");
        says(&f, TEXT);
        if (rows[i][0] != '\0')
            says(&f, rows[i]);
        else
            ends(&f);
        assert_has(&f.client.body, "\"code\":\"upstream_stream_truncated\"");
        assert_int_equal(dones(), 0);
        assert_well(FAULT_UPSTREAM_TRUNCATED);
        assert_int_equal(f.gw.targets[0].failures, i + 1);
    }
}

static void R3_a_reset_after_content_is_a_cut(void **state)
{
    (void)state;
    stream_begins("");
    says(&f, TEXT);
    breaks(&f, HTTP_FAIL_RESET, HTTP_PHASE_BODY);
    assert_has(&f.client.body, "\"code\":\"upstream_stream_truncated\"");
    assert_int_equal(dones(), 0);
}

static void R3_a_broken_end_of_the_connection_after_a_finish_reason_is_success(void **state)
{
    static const enum http_failure rows[] = {HTTP_FAIL_RESET, HTTP_FAIL_CUT, HTTP_FAIL_TIMEOUT,
                                             HTTP_FAIL_PROTOCOL};

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        stream_begins("");
        says(&f, TEXT STOPS(0));
        breaks(&f, rows[i], HTTP_PHASE_BODY);
        assert_sent(TEXT STOPS(0) DONE);
        assert_well(FAULT_NONE);
        assert_int_equal(f.gw.targets[0].failures, 0);
    }
}

static void R15_the_deadline_after_a_finish_reason_is_the_deadline(void **state)
{
    (void)state;
    stream_begins("");
    says(&f, TEXT STOPS(0));
    being_asked(&f)->deadline_hit = true;
    breaks(&f, HTTP_FAIL_TIMEOUT, HTTP_PHASE_BODY);
    assert_well(FAULT_DEADLINE);
    assert_int_equal(dones(), 0);
}

static void R3_choices_that_were_asked_for_and_never_came_are_a_cut(void **state)
{
    (void)state;
    stream_begins(",\"n\":2");
    says(&f, TEXT STOPS(0));
    ends(&f);
    assert_has(&f.client.body, "\"code\":\"upstream_stream_truncated\"");
    assert_int_equal(dones(), 0);

    stream_begins(",\"n\":2");
    says(&f, TEXT STOPS(0));
    breaks(&f, HTTP_FAIL_RESET, HTTP_PHASE_BODY);
    assert_has(&f.client.body, "\"code\":\"upstream_stream_truncated\"");
    assert_int_equal(dones(), 0);

    stream_begins(",\"n\":2");
    says(&f, TEXT STOPS(1) STOPS(0));
    ends(&f);
    assert_sent(TEXT STOPS(1) STOPS(0) DONE);

    stream_begins(",\"n\":2"); /* it says itself that this is all */
    says(&f, TEXT STOPS(0) DONE);
    ends(&f);
    assert_sent(TEXT STOPS(0) DONE);
    assert_well(FAULT_NONE);
}

static void after_done_an_upstream_that_does_not_end_is_left(void **state)
{
    (void)state;
    stream_begins("");
    says(&f, TEXT STOPS(0) DONE);
    assert_false(f.x->finished);
    pass_ms(&f, 250);
    assert_true(f.x->finished);
    assert_int_equal(f.upstream.cancelled, 1);
    assert_sent(TEXT STOPS(0) DONE);
    assert_well(FAULT_NONE);
}

/* ---- what is passed on ---- */

static void R7_the_usage_chunk_goes_to_who_asked_for_it(void **state)
{
    (void)state;
    stream_begins("");
    assert_has(&f.upstream.body, "\"include_usage\":true");
    says(&f, TEXT STOPS(0) USAGE DONE);
    ends(&f);
    assert_sent(TEXT STOPS(0) DONE);
    assert_int_equal(f.x->attempt.watch.usage.prompt, 3);

    stream_begins(",\"stream_options\":{\"include_usage\":true}");
    says(&f, TEXT STOPS(0) USAGE DONE);
    ends(&f);
    assert_sent(TEXT STOPS(0) USAGE DONE);

    ask_stream(&f, "mute/m"); /* we did not ask either: it is the provider's own */
    assert_has_not(&f.upstream.body, "include_usage");
    replies(&f, 200, EVENTS);
    says(&f, TEXT STOPS(0) USAGE DONE);
    ends(&f);
    assert_sent(TEXT STOPS(0) USAGE DONE);
}

static void only_whole_events_are_passed_on(void **state)
{
    (void)state;
    stream_begins("");
    says(&f, TEXT "data: {\"id\":\"c\",\"choi");
    assert_sent(TEXT);
    says(&f, "ces\":[{\"index\":0,\"delta\":{\"content\":\"lo\"}}]}\n\n");
    assert_sent(TEXT MORE_TEXT);
    assert_int_equal(f.client.writes, 2);
}

static void R3b_a_malformed_event_is_skipped_or_fatal(void **state)
{
    const uint32_t one = 0;

    stream_begins("");
    says(&f, TEXT DATA("{not json") STOPS(0));
    ends(&f);
    assert_sent(TEXT STOPS(0) DONE);
    assert_int_equal(metric_value(f.metrics, f.gw.series.malformed[one]), 1);

    teardown(state);
    open_with("malformed: fatal", "");
    stream_begins("");
    says(&f, TEXT DATA("{not json"));
    assert_true(f.x->finished);
    assert_has(&f.client.body, "\"code\":\"upstream_bad_response\"");
    assert_int_equal(dones(), 0);
}

static void R19_a_slow_client_stops_the_reading(void **state)
{
    (void)state;
    stream_begins("");
    f.client.slow = true;
    says(&f, TEXT);
    assert_int_equal(says(&f, MORE_TEXT), FLOW_HOLD);
    attempt_drain(f.x);
    assert_int_equal(f.upstream.resumed, 1);
    assert_int_equal(says(&f, STOPS(0)), FLOW_MORE);
}

static void R1_who_leaves_while_content_goes_out_cancels_the_try(void **state)
{
    (void)state;
    stream_begins("");
    says(&f, TEXT);
    leaves(&f);
    assert_int_equal(f.upstream.cancelled, 1);
    assert_well(FAULT_CLIENT_LEFT);
    assert_sent(TEXT);
}

/* ---- a whole answer although a stream was asked for ---- */

#define WHOLE(message, usage)                                                                      \
    "{\"id\":\"c\",\"object\":\"chat.completion\",\"choices\":[{\"index\":0,\"message\":" message  \
    ",\"finish_reason\":\"stop\"}]" usage "}"
#define CHUNK(rest)                                                                                \
    DATA("{\"object\":\"chat.completion.chunk\",\"id\":\"c\",\"choices\":[" rest "}")

static void whole_comes(const char *more, const char *body)
{
    char members[256];

    snprintf(members, sizeof(members), ",\"stream\":true%s", more);
    ask_with(&f, "chat", members);
    replies(&f, 200, "content-type: application/json\nx-other: goes\n");
    says(&f, body);
    ends(&f);
}

static void R10_a_whole_answer_is_told_as_the_stream_that_was_asked_for(void **state)
{
    static const char two_events[] =
        CHUNK("{\"index\":0,\"delta\":{\"content\":\"hello\"},\"finish_reason\":null}]")
            CHUNK("{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]");

    (void)state;
    whole_comes("", WHOLE("{\"content\":\"hello\"}", ",\"usage\":{\"prompt_tokens\":3}"));
    assert_true(f.x->finished && f.client.ended);
    assert_well(FAULT_NONE);
    assert_has(&f.client.head, "200\n");
    assert_has(&f.client.head, "content-type: text/event-stream\n");
    assert_has(&f.client.head, "x-other: goes\n");
    assert_has_not(&f.client.head, "application/json");
    assert_has(&f.client.body, two_events);
    assert_has(&f.client.body, DONE);
    assert_int_equal(dones(), 1);
    assert_has_not(&f.client.body, "usage"); /* known, and nobody asked */
    assert_int_equal(f.x->attempt.watch.usage.prompt, 3);
    assert_int_equal(f.upstream.asked, 1);

    whole_comes(",\"stream_options\":{\"include_usage\":true}",
                WHOLE("{\"content\":\"hello\"}", ",\"usage\":{\"prompt_tokens\":3}"));
    assert_has(&f.client.body, CHUNK("],\"usage\":{\"prompt_tokens\":3}") DONE);

    ask_stream(&f, "mute/m");
    answers(&f);
    assert_has_not(&f.client.body, "usage");
    assert_int_equal(f.x->attempt.watch.usage.prompt, 3);
}

static void R8_tool_calls_of_a_whole_answer_are_numbered(void **state)
{
    (void)state;
    whole_comes("", WHOLE("{\"tool_calls\":["
                          "{\"id\":\"1\",\"type\":\"function\",\"function\":{\"name\":\"a\","
                          "\"arguments\":\"{}\"}},"
                          "{\"id\":\"2\",\"type\":\"function\",\"function\":{\"name\":\"a\","
                          "\"arguments\":\"{}\"}}]}",
                          ""));
    assert_well(FAULT_NONE);
    assert_has(&f.client.body, "{\"index\":0,\"id\":\"1\"");
    assert_has(&f.client.body, "{\"index\":1,\"id\":\"2\"");
}

static void R5_a_whole_answer_behind_a_keep_alive_is_told_too(void **state)
{
    (void)state;
    ask_stream(&f, "chat");
    pass_ms(&f, 15000);
    answers(&f);
    assert_well(FAULT_NONE);
    assert_has(&f.client.body, ": keep-alive\n\ndata: {");
    assert_has(&f.client.body, "\"content\":\"hello\"");
    assert_int_equal(dones(), 1);
}

static void R10_what_is_no_whole_answer_is_tried_elsewhere(void **state)
{
    static const char *const rows[] = {
        "{\"choices\":[{\"index\":0,\"message\":{\"content\":\"a\"},\"finish_reason\":\"\"}]}",
        "null",
        "<html>",
        "{\"choices\":[]}",
        "{\"error\":{\"message\":\"m\"}}",
        "{\"choices\":[{\"index\":0,\"message\":{\"content\":\"a\"},\"finish_reason\":null}]}",
        "{\"choices\":[{\"index\":0,\"text\":\"a\",\"finish_reason\":\"stop\"}]}",
        ("{\"choices\":[{\"message\":{\"content\":\"a\"},\"finish_reason\":\"stop\"},{\"message\":{"
         "}"
         "}]}")};

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        whole_comes("", rows[i]);
        assert_int_equal(f.call.status, 0);
        pass_ms(&f, waits_ms(&f));
        assert_has(&f.upstream.head, "host: two.test\r\n");
        f.gw.targets[0].failures = 0;
    }
}

static void a_whole_answer_that_no_event_could_hold_is_tried_elsewhere(void **state)
{
    static char body[8192];
    size_t n =
        (size_t)snprintf(body, sizeof(body), "%s", "{\"choices\":[{\"message\":{\"content\":\"");

    (void)state;
    memset(body + n, 'x', 5000);
    snprintf(body + n + 5000, 64, "\"},\"finish_reason\":\"stop\"}]}");
    whole_comes("", body);
    assert_int_equal(f.call.status, 0);
    assert_in(f.x->why, "limits.event_bytes");
    pass_ms(&f, waits_ms(&f));
    assert_has(&f.upstream.head, "host: two.test\r\n");
}

/* ---- silence ---- */

static void R5_a_keep_alive_commits_the_status_but_not_the_content(void **state)
{
    (void)state;
    stream_begins("");
    says(&f, ROLE);
    pass_ms(&f, 14999);
    assert_int_equal(f.call.status, 0);
    pass_ms(&f, 1);
    assert_int_equal(f.call.status, 200);
    assert_sent(": keep-alive\n\n");
    assert_false(f.x->answer.committed);
    breaks(&f, HTTP_FAIL_RESET, HTTP_PHASE_BODY);
    pass_ms(&f, waits_ms(&f));
    assert_has(&f.upstream.head, "host: two.test\r\n");
    replies(&f, 200, EVENTS);
    says(&f, TEXT STOPS(0));
    ends(&f);
    assert_sent(": keep-alive\n\n" TEXT STOPS(0) DONE);
}

static void R5_when_all_fail_behind_a_keep_alive_it_is_told_in_band(void **state)
{
    (void)state;
    stream_begins("");
    pass_ms(&f, 15000);
    for (unsigned i = 0; i < 3; i++) {
        breaks(&f, HTTP_FAIL_RESET, HTTP_PHASE_HEADERS);
        while (f.x->backing_off)
            pass_ms(&f, waits_ms(&f));
    }
    assert_true(f.x->finished && f.client.ended);
    assert_has(&f.client.body, "data: {\"error\":");
    assert_int_equal(dones(), 0);
}

static void R9_the_first_content_has_a_limit_of_its_own(void **state)
{
    (void)state;
    stream_begins("");
    for (unsigned i = 0; i < 3; i++) {
        pass_ms(&f, 10000);
        if (f.upstream.fetch->active)
            says(&f, ROLE);
    }
    assert_int_equal(f.upstream.cancelled, 1);
    assert_int_equal(f.x->records[0].fault, FAULT_UPSTREAM_TIMEOUT);
    stream_begins("");
    says(&f, TEXT);
    for (unsigned i = 0; i < 6; i++)
        pass_ms(&f, 10000);
    assert_int_equal(f.upstream.cancelled, 0); /* once it is there, the limit is over */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(R10_nothing_goes_out_before_the_first_content),
        TEST(R10_a_failure_before_the_commit_goes_to_another_target),
        TEST(R10_a_stream_that_ends_with_nothing_to_show_is_empty),
        TEST(R11_an_error_after_the_commit_is_told_in_band),
        TEST(more_than_may_be_held_is_a_failure),
        TEST(an_event_larger_than_its_limit_ends_the_stream),
        TEST(R3_a_finish_reason_without_done_is_success_and_done_is_added),
        TEST(R3_done_is_passed_on_once),
        TEST(R3_the_end_without_a_finish_reason_is_a_cut),
        TEST(R3_a_reset_after_content_is_a_cut),
        TEST(R3_a_broken_end_of_the_connection_after_a_finish_reason_is_success),
        TEST(R15_the_deadline_after_a_finish_reason_is_the_deadline),
        TEST(R3_choices_that_were_asked_for_and_never_came_are_a_cut),
        TEST(after_done_an_upstream_that_does_not_end_is_left),
        TEST(R7_the_usage_chunk_goes_to_who_asked_for_it),
        TEST(only_whole_events_are_passed_on),
        TEST(R3b_a_malformed_event_is_skipped_or_fatal),
        TEST(R19_a_slow_client_stops_the_reading),
        TEST(R1_who_leaves_while_content_goes_out_cancels_the_try),
        TEST(R10_a_whole_answer_is_told_as_the_stream_that_was_asked_for),
        TEST(R8_tool_calls_of_a_whole_answer_are_numbered),
        TEST(R5_a_whole_answer_behind_a_keep_alive_is_told_too),
        TEST(R10_what_is_no_whole_answer_is_tried_elsewhere),
        TEST(a_whole_answer_that_no_event_could_hold_is_tried_elsewhere),
        TEST(R5_a_keep_alive_commits_the_status_but_not_the_content),
        TEST(R5_when_all_fail_behind_a_keep_alive_it_is_told_in_band),
        TEST(R9_the_first_content_has_a_limit_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
