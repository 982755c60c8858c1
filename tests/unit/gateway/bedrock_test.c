/* Bedrock as a target: who we say we are, its framing, its exceptions.
 * SPDX-License-Identifier: Apache-2.0 */
#include "unit/gateway/exchange_fixture.h"
#include "unit/llm/eventstream_frame.h"

#include <time.h>

#include "gateway/sigv4.h"
#include "gateway/upstream_head.h"

#define STREAM "content-type: application/vnd.amazon.eventstream\n"
#define MESSAGES "[{\"role\":\"user\",\"content\":\"hi\"}]"
#define ANSWER                                                                                     \
    "{\"output\":{\"message\":{\"role\":\"assistant\",\"content\":[{\"text\":\"hello\"}]}},"       \
    "\"stopReason\":\"end_turn\",\"usage\":{\"inputTokens\":3,\"outputTokens\":1}}"

static struct fixture f;
static struct buf stream;

static int setup(void **state)
{
    (void)state;
    open_fixture(&f, "retry: { attempts: 2, initial: 100ms, jitter: 0 }\n"
                     "limits: { event_bytes: 4KiB, held_bytes: 4KiB }\n"
                     "providers:\n"
                     "  aws: { dialect: bedrock, region: eu-central-1, key: \"AKID:se/cret:to==\", "
                     "base_url: \"http://aws.test:81/x\" }\n"
                     "  api: { dialect: bedrock, region: us-east-1, key: ABSKQmVk }\n"
                     "  plain: { base_url: \"http://plain.test/v1\" }\n"
                     "models:\n"
                     "  chat: { strategy: ordered, targets: [ \"aws/a.b-v1:0\", plain/m ] }\n");
    stream = (struct buf){.max = 0};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    buf_done(&stream);
    close_fixture(&f);
    return 0;
}

static void ask_bedrock(const char *model, const char *fields, const char *more)
{
    char body[512];

    snprintf(body, sizeof(body), "{\"model\":\"%s\",\"messages\":" MESSAGES "%s}", model, more);
    arrive(&f, "POST", CHAT, fields);
    f.call.body = arena_dup(&f.call.arena, str_from(body));
    f.x->body_ready = true;
    pipeline_start(f.x, f.x->surface->stages);
}

static void event(const char *type, const char *payload)
{
    frame_named(&stream, "event", str_from(type), str_from(payload));
}

static void says_stream(void)
{
    says_bytes(&f, buf_str(&stream));
    stream.len = 0;
}

static void begin_stream(void)
{
    ask_bedrock("chat", "", ",\"stream\":true,\"stream_options\":{\"include_usage\":true}");
    replies(&f, 200, STREAM);
    event("messageStart", "{\"role\":\"assistant\"}");
    event("contentBlockDelta", "{\"contentBlockIndex\":0,\"delta\":{\"text\":\"hel\"}}");
}

static void end_stream(void)
{
    event("contentBlockDelta", "{\"contentBlockIndex\":0,\"delta\":{\"text\":\"lo\"}}");
    event("contentBlockStop", "{\"contentBlockIndex\":0}");
    event("messageStop", "{\"stopReason\":\"end_turn\"}");
    event("metadata", "{\"usage\":{\"inputTokens\":3,\"outputTokens\":2}}");
}

/* ---- who we are ---- */

/* The time is taken from the head; all else is reckoned again. */
static struct str signed_anew(struct arena *a)
{
    struct str head = buf_str(&f.upstream.head), body = buf_str(&f.upstream.body);
    const char *at = str_find(head, STR("\r\nx-amz-date: "));
    struct sigv4_request r = {.method = STR("POST"),
                              .host = STR("aws.test:81"),
                              .path = STR("/x/model/a.b-v1%3A0/converse"),
                              .body = &body,
                              .body_count = 1};
    struct sigv4_scope scope = {STR("eu-central-1"), STR("bedrock"), 0};
    struct sigv4_key k;
    struct tm tm = {0};
    char text[17] = "";

    assert_non_null(at);
    memcpy(text, at + 14, 16);
    assert_non_null(strptime(text, "%Y%m%dT%H%M%SZ", &tm));
    scope.time_s = timegm(&tm);
    assert_true(sigv4_key_read(STR("AKID:se/cret:to=="), &k));
    return sigv4_fields(a, &k, &scope, &r);
}

static void an_access_key_signs_what_is_sent(void **state)
{
    struct arena a = {.max = 0};
    struct str fields;

    (void)state;
    ask_bedrock("chat", "x-amz-security-token: theirs\nx-amz-target: theirs\nx-other: goes\n", "");
    assert_has(&f.upstream.head, "POST /x/model/a.b-v1%3A0/converse HTTP/1.1\r\n");
    assert_has(&f.upstream.head, "\r\naccept: application/json\r\n");
    assert_has(&f.upstream.head, "\r\nx-amz-security-token: to==\r\n");
    assert_has(&f.upstream.head, "\r\nx-other: goes\r\n");
    assert_has_not(&f.upstream.head, "theirs");
    assert_has_not(&f.upstream.head, "se/cret");
    fields = signed_anew(&a);
    assert_in(buf_str(&f.upstream.head), arena_dup(&a, fields).ptr);
    replies(&f, 200, JSON);
    says(&f, ANSWER);
    ends(&f);
    assert_told(&f, 200, "\"content\":\"hello\"");
    arena_done(&a);
}

static void an_api_key_is_a_bearer(void **state)
{
    (void)state;
    ask_bedrock("api/m", "", "");
    assert_has(&f.upstream.head, "host: bedrock-runtime.us-east-1.amazonaws.com\r\n");
    assert_has(&f.upstream.head, "\r\nauthorization: Bearer ABSKQmVk\r\n");
    assert_has_not(&f.upstream.head, "x-amz-");
}

/* Its body is not here yet, and an access key's secret is not for showing. */
static void a_relayed_request_is_not_signed(void **state)
{
    struct upstream_head u = {.provider = conf_provider_find(f.conf, STR("aws")),
                              .method = STR("POST"),
                              .path = STR("/x"),
                              .length = -2,
                              .relay = true};
    struct str head;

    (void)state;
    arrive(&f, "POST", CHAT, "");
    head = upstream_head(f.x, &u);
    assert_non_null(head.ptr);
    assert_null(str_find(head, STR("authorization")));
    assert_null(str_find(head, STR("se/cret")));
}

/* ---- streams ---- */

static void R46_a_stream_is_told_in_the_clients_words(void **state)
{
    (void)state;
    begin_stream();
    assert_has(&f.upstream.head, "/converse-stream HTTP/1.1\r\n");
    assert_has(&f.upstream.head, "\r\naccept: application/vnd.amazon.eventstream\r\n");
    says_stream();
    assert_has(&f.client.head, "200\n");
    assert_has(&f.client.head, "content-type: text/event-stream");
    assert_has(&f.client.body, "\"content\":\"hel\"");
    end_stream();
    says_stream();
    ends(&f);
    assert_told(&f, 200, "\"content\":\"lo\"");
    assert_has(&f.client.body, "\"finish_reason\":\"stop\"");
    assert_has(&f.client.body, "\"prompt_tokens\":3,\"completion_tokens\":2");
    assert_has(&f.client.body, "data: [DONE]\n\n");
    assert_int_equal(f.upstream.asked, 1);
}

static void R3_it_may_come_in_pieces_of_any_size(void **state)
{
    (void)state;
    begin_stream();
    end_stream();
    for (size_t i = 0; i < stream.len; i++)
        says_bytes(&f, str_make(stream.ptr + i, 1));
    ends(&f);
    assert_told(&f, 200, "data: [DONE]\n\n");
}

/* Whatever it is before there is content, the next target is asked. */
static void R10_a_failure_before_content_goes_elsewhere(void **state)
{
    for (unsigned i = 0; i < 4; i++) {
        teardown(state); /* or it would rest after three of them */
        setup(state);
        ask_bedrock("chat", "", ",\"stream\":true");
        replies(&f, 200, STREAM);
        event("messageStart", "{\"role\":\"assistant\"}");
        if (i == 0)
            frame_named(&stream, "exception", STR("throttlingException"),
                        STR("{\"message\":\"slow down\"}"));
        if (i == 1)
            frame_named(&stream, "exception", STR("petulance"), STR("{}"));
        if (i == 2)
            frame_put(&stream, STR("<html>not a message</html>"));
        says_stream();
        if (i == 3)
            ends(&f);
        assert_int_equal(f.call.status, 0);
        pass_ms(&f, 1);
        if (str_find(buf_str(&f.upstream.head), STR("host: plain.test\r\n")) == NULL)
            fail_msg("%u", i);
    }
}

static void R11_a_failure_behind_content_is_told(void **state)
{
    (void)state;
    begin_stream();
    says_stream();
    frame_named(&stream, "exception", STR("modelStreamErrorException"),
                STR("{\"message\":\"it \\\"broke\\\"\"}"));
    says_stream();
    assert_true(f.x->finished);
    assert_has(&f.client.body, "it \\\"broke\\\"");
    assert_has_not(&f.client.body, "[DONE]");
}

static void R11_a_broken_frame_behind_content_is_told(void **state)
{
    (void)state;
    begin_stream();
    says_stream();
    end_stream();
    stream.ptr[20] ^= 1;
    says_stream();
    assert_true(f.x->finished);
    assert_has(&f.client.body, "the framing of the stream is broken");
    assert_has_not(&f.client.body, "[DONE]");
}

static void R19_a_message_has_a_maximum(void **state)
{
    char text[5000];

    (void)state;
    begin_stream();
    says_stream();
    memset(text, 'x', sizeof(text));
    frame_message(&stream, STR(""), str_make(text, sizeof(text)));
    says_stream();
    assert_has(&f.client.body, "limits.event_bytes");
}

/* ---- refusals ---- */

static void R16_the_kind_of_a_refusal_stands_in_its_head(void **state)
{
    (void)state;
    ask_bedrock("chat", "", "");
    refuses(&f, 400, JSON "x-amzn-errortype: ThrottlingException:http://x\n",
            "{\"message\":\"slow down\"}");
    pass_ms(&f, 1);
    assert_has(&f.upstream.head, "host: plain.test\r\n"); /* a 400 by itself is passed on */
}

static void R13_what_is_wrong_with_a_request_is_the_clients_to_know(void **state)
{
    (void)state;
    ask_bedrock("chat", "", "");
    refuses(&f, 400, JSON "x-amzn-errortype: ValidationException\n",
            "{\"message\":\"The model has no ears\"}");
    assert_told(&f, 400, "The model has no ears");
    assert_int_equal(f.upstream.asked, 1);
}

static void R45_what_cannot_be_said_is_named(void **state)
{
    (void)state;
    ask_bedrock("chat", "", ",\"seed\":1,\"logprobs\":true");
    assert_has_not(&f.upstream.body, "seed");
    replies(&f, 200, JSON);
    says(&f, ANSWER);
    ends(&f);
    assert_has(&f.client.head, "x-dragoman-dropped-params: seed, logprobs\n");
}

int main(void)
{
#define TEST_OF(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST_OF(an_access_key_signs_what_is_sent),
        TEST_OF(an_api_key_is_a_bearer),
        TEST_OF(a_relayed_request_is_not_signed),
        TEST_OF(R46_a_stream_is_told_in_the_clients_words),
        TEST_OF(R3_it_may_come_in_pieces_of_any_size),
        TEST_OF(R10_a_failure_before_content_goes_elsewhere),
        TEST_OF(R11_a_failure_behind_content_is_told),
        TEST_OF(R11_a_broken_frame_behind_content_is_told),
        TEST_OF(R19_a_message_has_a_maximum),
        TEST_OF(R16_the_kind_of_a_refusal_stands_in_its_head),
        TEST_OF(R13_what_is_wrong_with_a_request_is_the_clients_to_know),
        TEST_OF(R45_what_cannot_be_said_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
