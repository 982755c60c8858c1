/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/gateway/exchange_fixture.h"

#define TO_ONE "x-dragoman-provider: one\n"

static struct fixture f;

static void open_keyed(const char *keys)
{
    char text[1024];

    snprintf(text, sizeof(text),
             "%s"
             "providers:\n"
             "  one: { base_url: \"http://one.test/v1\", keys: [ key-1 ] }\n"
             "  two: { base_url: \"http://two.test/v1\", keys: [ key-2 ] }\n"
             "models:\n"
             "  chat: { strategy: ordered, targets: [ { provider: one, model: m, weight: 0 },\n"
             "          two/real ] }\n",
             keys);
    open_fixture(&f, text);
}

static int setup(void **state)
{
    (void)state;
    open_keyed("");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    close_fixture(&f);
    return 0;
}

/* `length` of the body as the client announced it; -1: none, or chunked. */
static void relays(const char *method, const char *target, const char *fields, int64_t length)
{
    arrive(&f, method, target, fields);
    f.call.content_length = length;
    pipeline_start(f.x, f.x->surface->stages);
}

static void uploads(const char *piece)
{
    relay_body(f.x, str_from(piece));
}

#define assert_sent(b, text) assert_true(str_eq(buf_str(b), str_from(text)))

static void R44_bytes_go_both_ways_as_they_came(void **state)
{
    (void)state;
    relays("POST", "/v1/audio/speech?a=%20b", TO_ONE "content-type: text/x\n", 6);
    assert_has(&f.upstream.head, "POST /v1/audio/speech?a=%20b HTTP/1.1\r\nhost: one.test\r\n");
    assert_has(&f.upstream.head, "content-length: 6\r\n\r\n");
    assert_has_not(&f.upstream.head, "x-dragoman-provider");
    uploads("ab");
    uploads("\x01\x02\xff\x80");
    relay_ready(f.x);
    assert_true(f.upstream.ended);
    assert_sent(&f.upstream.body, "ab\x01\x02\xff\x80");
    replies(&f, 201, "content-type: audio/x\nset-cookie: a\ncontent-encoding: br\n");
    says(&f, "\x80\xff");
    says(&f, "\x01");
    ends(&f);
    assert_true(f.x->finished && f.client.ended);
    assert_has(&f.client.head, "201\n");
    assert_has(&f.client.head, "content-encoding: br\n");
    assert_has(&f.client.head, "x-dragoman-target: one\n");
    assert_has_not(&f.client.head, "set-cookie");
    assert_sent(&f.client.body, "\x80\xff\x01");
    assert_int_equal(f.x->records[0].fault, FAULT_NONE);
}

static void a_body_of_unknown_length_is_chunked_on(void **state)
{
    (void)state;
    relays("POST", "/v1/files", TO_ONE "transfer-encoding: chunked\n", -1);
    assert_has(&f.upstream.head, "transfer-encoding: chunked\r\n\r\n");
    assert_true(f.upstream.fetch->request.chunked);
    relays("GET", "/v1/files", TO_ONE, -1);
    assert_has_not(&f.upstream.head, "transfer-encoding");
    assert_has_not(&f.upstream.head, "content-length");
}

static void a_model_in_a_json_body_names_the_provider(void **state)
{
    (void)state;
    relays("POST", "/v1/moderations", JSON, 20);
    assert_int_equal(f.upstream.asked, 0);
    uploads("{\"x\":1.50,\"mod");
    uploads("el\":\"chat\",\"y\":[]}");
    assert_int_equal(f.upstream.asked, 0); /* not before it is whole */
    relay_ready(f.x);
    assert_asks(&f, "two.test", "key-2"); /* the first is never asked: its weight is 0 */
    assert_sent(&f.upstream.body, "{\"x\":1.50,\"model\":\"real\",\"y\":[]}");
    assert_has(&f.upstream.head, "content-length: 32\r\n");

    relays("POST", "/v1/moderations", JSON, 20);
    uploads("{\"model\":\"one/other\"}");
    relay_ready(f.x);
    assert_asks(&f, "one.test", "key-1");
    assert_sent(&f.upstream.body, "{\"model\":\"other\"}");
}

static void who_is_meant_has_to_be_said(void **state)
{
    (void)state;
    relays("POST", "/v1/files", "content-type: text/plain\n", 3);
    assert_told(&f, 400, "x-dragoman-provider");
    relays("POST", "/v1/files", "x-dragoman-provider: three\n", 3);
    assert_told(&f, 400, "x-dragoman-provider");
    relays("POST", "/v1/moderations", JSON, 20);
    uploads("{\"model\":\"nobody\"}");
    relay_ready(f.x);
    assert_told(&f, 404, "model_not_found");
    relays("POST", "/v1/moderations", JSON, 20);
    uploads("{\"model\":");
    relay_ready(f.x);
    assert_told(&f, 400, "invalid_json");
    assert_int_equal(f.upstream.asked, 0);
}

static void R51_a_limited_key_cannot_go_around_its_models(void **state)
{
    const char *mine = "authorization: Bearer sk-shop-12345678\n" JSON;

    teardown(state);
    open_keyed("keys: [ { name: shop, key: sk-shop-12345678, models: [ chat ] } ]\n");
    relays("POST", "/v1/files", "authorization: Bearer sk-shop-12345678\n" TO_ONE, 3);
    assert_told(&f, 403, "model_not_allowed");
    relays("POST", "/v1/moderations", mine, 20);
    uploads("{\"model\":\"one/other\"}");
    relay_ready(f.x);
    assert_told(&f, 403, "model_not_allowed");
    assert_int_equal(f.upstream.asked, 0);
    relays("POST", "/v1/moderations", mine, 20);
    uploads("{\"model\":\"chat\"}");
    relay_ready(f.x);
    assert_int_equal(f.upstream.asked, 1);
}

/* ---- failures: one try, and its answer is the client's ---- */

static void a_status_is_passed_on_and_counted_as_what_it_is(void **state)
{
    static const struct {
        unsigned status;
        enum fault fault;
        bool benched; /* a 403 may be about what was asked for */
    } rows[] = {
        {200, FAULT_NONE, false},
        {302, FAULT_NONE, false},
        {404, FAULT_UPSTREAM_REFUSED, false},
        {401, FAULT_UPSTREAM_REFUSED, true},
        {402, FAULT_UPSTREAM_REFUSED, true},
        {403, FAULT_UPSTREAM_REFUSED, false},
        {429, FAULT_UPSTREAM_RATE, false},
        {500, FAULT_UPSTREAM_ERROR, false},
        {503, FAULT_UPSTREAM_ERROR, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        f.gw.providers[0].benched[0] = 0;
        relays("GET", "/v1/files", TO_ONE, -1);
        refuses(&f, rows[i].status, "", "as it came");
        assert_told(&f, rows[i].status, "as it came");
        assert_int_equal(f.x->fault, rows[i].fault);
        assert_int_equal(f.x->records[0].fault, rows[i].fault);
        assert_int_equal(f.upstream.asked, 1);
        assert_int_equal(f.gw.providers[0].benched[0] != 0, rows[i].benched);
    }
}

static void a_failure_before_the_head_has_a_status(void **state)
{
    (void)state;
    relays("GET", "/v1/files", TO_ONE, -1);
    breaks(&f, HTTP_FAIL_CONNECT, HTTP_PHASE_CONNECT);
    assert_told(&f, 502, "upstream_connect_failed");
    assert_int_equal(f.upstream.asked, 1);
    relays("GET", "/v1/files", TO_ONE, -1);
    breaks(&f, HTTP_FAIL_LIMIT, HTTP_PHASE_QUEUE);
    assert_told(&f, 503, "upstream_queue_full");
}

static void R3_a_failure_behind_the_head_is_seen_as_a_cut(void **state)
{
    (void)state;
    relays("GET", "/v1/files", TO_ONE, -1);
    replies(&f, 200, "");
    says(&f, "half");
    breaks(&f, HTTP_FAIL_CUT, HTTP_PHASE_BODY);
    assert_true(f.x->finished && f.client.aborted && !f.client.ended);
    assert_sent(&f.client.body, "half"); /* nothing of ours among the bytes */
}

/* ---- pace ---- */

static void R19_either_side_can_be_slow(void **state)
{
    (void)state;
    relays("POST", "/v1/files", TO_ONE, 8);
    f.upstream.slow = true;
    uploads("1234");
    assert_true(f.client.paused);
    f.upstream.fetch->ops->on_drain(f.upstream.fetch);
    assert_false(f.client.paused);
    replies(&f, 200, "");
    f.client.slow = true;
    assert_int_equal(says(&f, "down"), FLOW_HOLD);
    attempt_drain(f.x);
    assert_int_equal(f.upstream.resumed, 1);
}

static void R1_who_leaves_cancels_the_upstream(void **state)
{
    (void)state;
    relays("POST", "/v1/files", TO_ONE, 8);
    leaves(&f);
    assert_int_equal(f.upstream.cancelled, 1);
    assert_int_equal(f.x->records[0].fault, FAULT_CLIENT_LEFT);
    uploads("a piece that was under way"); /* must be harmless */
    relay_ready(f.x);
    relays("POST", "/v1/moderations", JSON, 20);
    uploads("{\"model\":\"chat\"}");
    leaves(&f);
    relay_ready(f.x);
    assert_int_equal(f.upstream.asked, 0);
}

static void no_memory_for_a_relay_is_told(void **state)
{
    (void)state;
    arrive(&f, "GET", "/v1/files", TO_ONE);
    f.upstream.full = true;
    pipeline_start(f.x, f.x->surface->stages);
    assert_told(&f, 503, "limits.exchange_bytes");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(R44_bytes_go_both_ways_as_they_came),
        TEST(a_body_of_unknown_length_is_chunked_on),
        TEST(a_model_in_a_json_body_names_the_provider),
        TEST(who_is_meant_has_to_be_said),
        TEST(R51_a_limited_key_cannot_go_around_its_models),
        TEST(a_status_is_passed_on_and_counted_as_what_it_is),
        TEST(a_failure_before_the_head_has_a_status),
        TEST(R3_a_failure_behind_the_head_is_seen_as_a_cut),
        TEST(R19_either_side_can_be_slow),
        TEST(R1_who_leaves_cancels_the_upstream),
        TEST(no_memory_for_a_relay_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
