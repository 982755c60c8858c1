/* Bodies in both directions: large, streamed, held back, cut, answered early.
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <openssl/ssl.h>

#include "unit/http/client_fixture.h"

#define BIG (5u * 1024u * 1024u)

static char *big; /* bytes that differ, so that a lost or doubled piece shows */

static int make_big(void **state)
{
    uint32_t r = 1;

    big = malloc(BIG);
    for (size_t i = 0; i < BIG; i++) {
        r = r * 1664525u + 1013904223u;
        big[i] = (char)(r >> 24);
    }
    return warm_up(state);
}

static int free_big(void **state)
{
    (void)state;
    free(big);
    return 0;
}

#define POST_BIG "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5242880\r\n\r\n"

static void R20_five_megabytes_go_up_intact(void **state)
{
    struct fixture *x = *state;
    struct server_conn *c = &x->s.conns[0];
    size_t queued = 0;
    struct got g;

    SCRIPT(&x->s, 0, SAY(BLANK, NULL), TAKE(BIG, OK_HI));
    got_init(&g, &x->w, x->o, POST_BIG);
    g.f.request.body[0] = str_make(big, 3);
    g.f.request.body[1] = str_make(big + 3, BIG - 10);
    g.f.request.body[2] = str_make(big + BIG - 7, 7);
    g.f.request.body_count = 3;
    got_start(&g);
    while (!g.ended && !g.failed) {
        uv_run(&x->w.loop.uv, UV_RUN_ONCE);
        if (g.f.conn != NULL && stream_queued(&g.f.conn->stream) > queued)
            queued = stream_queued(&g.f.conn->stream);
    }
    run_ok(&g, 200, "hi");
    assert_int_equal(c->all.len, strlen(POST_BIG) + BIG);
    assert_memory_equal(c->all.ptr + strlen(POST_BIG), big, BIG);
    assert_int_equal(g.f.bytes_out, c->all.len);
    assert_true(queued <= 256 * 1024);
    assert_int_equal(http_client_counts(x->w.client).idle, 1);
    got_done(&g);
}

static void five_megabytes_come_down_intact(void **state)
{
    struct fixture *x = *state;
    struct got g;

    SCRIPT(&x->s, 0, MANY(BLANK, "HTTP/1.1 200 OK\r\ncontent-length: 5242880\r\n\r\n", BIG));
    got_init(&g, &x->w, x->o, GET);
    got_start(&g);
    run_to_end(&g);
    assert_true(g.ended);
    assert_int_equal(g.body_bytes, BIG);
    assert_true(g.bodies >= BIG / LOOP_SCRATCH_BYTES);
    assert_true(g.batches < g.bodies); /* the last has on_end() */
    got_done(&g);
}

static void R19_a_held_reply_stops_the_upstream(void **state)
{
    struct fixture *x = *state;
    uint64_t held;
    struct got g;

    SCRIPT(&x->s, 0, MANY(BLANK, "HTTP/1.1 200 OK\r\ncontent-length: 33554432\r\n\r\n", 32u << 20));
    got_init(&g, &x->w, x->o, GET);
    g.hold_after = 1;
    g.keep_body_out = true;
    got_start(&g);
    while (g.bodies == 0)
        uv_run(&x->w.loop.uv, UV_RUN_ONCE);
    run_for(&x->w, 50);
    held = g.body_bytes;
    assert_true(held <= LOOP_SCRATCH_BYTES);
    assert_true(stream_queued(&x->s.conns[0].stream) > 0); /* it feels it */
    g.hold_after = 0;
    http_fetch_resume(&g.f);
    run_to_end(&g);
    assert_true(g.ended);
    assert_int_equal(g.body_bytes, 32u << 20);
    got_done(&g);
}

/* A hold on the last piece must not keep the connection from noticing anything when idle. */
static void a_connection_held_at_the_end_reads_on_when_idle(void **state)
{
    struct fixture *x = *state;
    struct got g;

    SCRIPT(&x->s, 0, SAY(BLANK, OK_HI));
    got_init(&g, &x->w, x->o, GET);
    g.hold_after = 1;
    got_start(&g);
    run_ok(&g, 200, "hi");
    assert_int_equal(http_client_counts(x->w.client).idle, 1);
    x->s.conns[0].open = false;
    stream_close(&x->s.conns[0].stream, false);
    run_for(&x->w, 20);
    assert_int_equal(http_client_counts(x->w.client).idle, 0);
    got_done(&g);
}

static void a_reply_may_drip(void **state)
{
    struct fixture *x = *state;
    struct got g;

    SCRIPT(&x->s, 0,
           DRIP(BLANK, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\n"
                       "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"),
           SAY(BLANK, OK_HI));
    got_init(&g, &x->w, x->o, GET);
    got_start(&g);
    run_ok(&g, 200, "abcde");
    assert_int_equal(g.bodies, 5);
    assert_int_equal(g.content_length, -1);
    got_done(&g);
    got_init(&g, &x->w, x->o, GET);
    got_start(&g);
    run_ok(&g, 200, "hi");
    assert_true(g.f.reused);
    got_done(&g);
}

static void closing_may_be_the_end(void **state)
{
    struct fixture *x = *state;
    struct got g;

    SCRIPT(&x->s, 0, DO(BLANK, "HTTP/1.1 200 OK\r\n\r\nall of it", FIN));
    got_init(&g, &x->w, x->o, GET);
    got_start(&g);
    run_ok(&g, 200, "all of it");
    assert_int_equal(http_client_counts(x->w.client).idle, 0);
    got_done(&g);
}

static void a_reply_to_HEAD_has_no_body(void **state)
{
    struct fixture *x = *state;
    struct got g;

    SCRIPT(&x->s, 0, SAY(BLANK, "HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n"));
    got_init(&g, &x->w, x->o, "HEAD / HTTP/1.1\r\nhost: x\r\n\r\n");
    g.f.request.head_method = true;
    got_start(&g);
    run_ok(&g, 200, "");
    assert_int_equal(g.content_length, 99);
    assert_int_equal(http_client_counts(x->w.client).idle, 1);
    got_done(&g);
}

static void cut(struct fixture *x, const char *reply, enum then then, enum http_failure failure)
{
    unsigned i = x->s.accepted;
    struct step step = {.await = BLANK, .send = reply, .then = then};
    struct got g;

    x->s.scripts[i] = &step;
    x->s.script_steps[i] = 1;
    got_init(&g, &x->w, x->o, GET);
    got_start(&g);
    run_to_end(&g);
    assert_true(g.failed);
    assert_int_equal(g.failure, failure);
    assert_int_equal(x->s.accepted, i + 1); /* no replay */
    got_done(&g);
}

static void R3_a_cut_reply_is_a_failure(void **state)
{
    struct fixture *x = *state;

    cut(x, "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhi", FIN, HTTP_FAIL_CUT);
    cut(x, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n", FIN, HTTP_FAIL_CUT);
    cut(x, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n", FIN,
        HTTP_FAIL_CUT);
    cut(x, "HTTP/1.1 200 OK\r\ncontent-len", FIN, HTTP_FAIL_CUT);
    cut(x, "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhi", RST, HTTP_FAIL_RESET);
    cut(x, "HTTP/1.1 200 OK\r\n\r\nuntil close", RST, HTTP_FAIL_RESET);
    cut(x, NULL, FIN, HTTP_FAIL_RESET);
    cut(x, NULL, RST, HTTP_FAIL_RESET);
    cut(x, "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n", STAY,
        HTTP_FAIL_PROTOCOL);
    cut(x, "220 smtp.example.com ESMTP\r\n", STAY, HTTP_FAIL_PROTOCOL);
}

/* The upstream has seen enough: the client hears it while most of the body is still here. */
static void an_early_refusal_is_heard(void **state)
{
    struct fixture *x = *state;
    struct got g;

    SCRIPT(&x->s, 0,
           DO(BLANK, "HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nbig", STOP_READING));
    got_init(&g, &x->w, x->o, POST_BIG);
    for (unsigned i = 0; i < 8; i++)
        g.f.request.body[i] = str_make(big, BIG);
    g.f.request.body_count = 8;
    got_start(&g);
    run_ok(&g, 413, "big");
    assert_true(g.f.bytes_out < 8 * (uint64_t)BIG);
    assert_int_equal(http_client_counts(x->w.client).idle, 0);
    got_done(&g);
}

static void an_early_refusal_is_heard_though_the_peer_closes(void **state)
{
    struct fixture *x = *state;
    struct got g;

    SCRIPT(&x->s, 0, DO(BLANK, "HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nbig", FIN));
    got_init(&g, &x->w, x->o, POST_BIG);
    for (unsigned i = 0; i < 8; i++)
        g.f.request.body[i] = str_make(big, BIG);
    g.f.request.body_count = 8;
    got_start(&g);
    run_ok(&g, 413, "big");
    got_done(&g);
}

static void a_streamed_body_is_framed_in_chunks(void **state)
{
    struct fixture *x = *state;
    struct got g;

    SCRIPT(&x->s, 0, SAY("\r\n0\r\n\r\n", OK_HI), SAY("\r\n0\r\n\r\n", OK_HI));
    for (unsigned i = 0; i < 2; i++) { /* before the connection, and on one that is there */
        static const char head[] =
            "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
        static const char whole[] =
            "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
            "5\r\nfirst\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n";
        struct server_conn *c = &x->s.conns[0];

        c->all.len = 0;
        got_init(&g, &x->w, x->o, head);
        g.f.request.body_streamed = g.f.request.chunked = true;
        got_start(&g);
        assert_int_equal(http_fetch_send(&g.f, STR("first")), i == 0 ? FLOW_HOLD : FLOW_MORE);
        run_for(&x->w, 20);
        assert_int_equal(g.drains, i == 0);
        assert_int_equal(g.f.phase, HTTP_PHASE_SEND);
        assert_int_equal(http_fetch_send(&g.f, STR("")), FLOW_MORE);
        assert_int_equal(http_fetch_send(&g.f, STR("0123456789abcdef")), FLOW_MORE);
        http_fetch_send_end(&g.f);
        run_ok(&g, 200, "hi");
        assert_int_equal(c->all.len, strlen(whole));
        assert_memory_equal(c->all.ptr, whole, strlen(whole));
        assert_int_equal(g.f.reused, i > 0);
        got_done(&g);
    }
}

static void a_streamed_body_may_be_over_before_the_connection(void **state)
{
    struct fixture *x = *state;
    struct got g;

    SCRIPT(&x->s, 0, SAY("abcdef", OK_HI));
    got_init(&g, &x->w, x->o, "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 6\r\n\r\n");
    g.f.request.body_streamed = true;
    got_start(&g);
    (void)http_fetch_send(&g.f, STR("abc"));
    (void)http_fetch_send(&g.f, STR("def"));
    http_fetch_send_end(&g.f);
    run_ok(&g, 200, "hi");
    assert_int_equal(g.drains, 0);
    assert_int_equal(http_client_counts(x->w.client).idle, 1);
    got_done(&g);
}

static void R19_a_streamed_body_is_held_while_the_upstream_reads_nothing(void **state)
{
    struct fixture *x = *state;
    size_t sent = 0;
    struct got g;

    SCRIPT(&x->s, 0, DO(BLANK, NULL, STOP_READING), TAKE(BIG, OK_HI));
    got_init(&g, &x->w, x->o, POST_BIG);
    g.f.request.body_streamed = true;
    got_start(&g);
    run_for(&x->w, 20);
    x->s.conns[0].step = 1;
    while (sent < BIG) {
        enum flow flow = http_fetch_send(&g.f, str_make(big + sent, 65536));

        sent += 65536;
        assert_true(stream_queued(&g.f.conn->stream) <= 256 * 1024 + 65536);
        if (flow == FLOW_MORE)
            continue;
        run_for(&x->w, 5);
        g.drains = 0;
        stream_resume(&x->s.conns[0].stream);
        while (g.drains == 0)
            uv_run(&x->w.loop.uv, UV_RUN_ONCE);
        stream_pause(&x->s.conns[0].stream);
    }
    stream_resume(&x->s.conns[0].stream);
    http_fetch_send_end(&g.f);
    run_ok(&g, 200, "hi");
    assert_memory_equal(x->s.conns[0].all.ptr + strlen(POST_BIG), big, BIG);
    got_done(&g);
}

static void R21_a_streamed_body_is_not_replayed_once_it_left(void **state)
{
    struct fixture *x = *state;
    struct got g;

    SCRIPT(&x->s, 0, SAY(BLANK, OK_HI), DO(BLANK "abc", NULL, RST));
    SCRIPT(&x->s, 1, SAY(BLANK "abc", OK_HI));
    got_init(&g, &x->w, x->o, GET);
    got_start(&g);
    run_ok(&g, 200, "hi");
    got_done(&g);
    got_init(&g, &x->w, x->o, "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 6\r\n\r\n");
    g.f.request.body_streamed = true;
    got_start(&g);
    (void)http_fetch_send(&g.f, STR("abc"));
    run_to_end(&g);
    assert_int_equal(g.failure, HTTP_FAIL_RESET);
    assert_false(g.f.replayed);
    assert_int_equal(http_fetch_send(&g.f, STR("def")), FLOW_MORE); /* dropped */
    http_fetch_send_end(&g.f);
    got_done(&g);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(R20_five_megabytes_go_up_intact),
        TEST(five_megabytes_come_down_intact),
        TEST(R19_a_held_reply_stops_the_upstream),
        TEST(a_connection_held_at_the_end_reads_on_when_idle),
        TEST(a_reply_may_drip),
        TEST(closing_may_be_the_end),
        TEST(a_reply_to_HEAD_has_no_body),
        TEST(R3_a_cut_reply_is_a_failure),
        TEST(an_early_refusal_is_heard),
        TEST(an_early_refusal_is_heard_though_the_peer_closes),
        TEST(a_streamed_body_is_framed_in_chunks),
        TEST(a_streamed_body_may_be_over_before_the_connection),
        TEST(R19_a_streamed_body_is_held_while_the_upstream_reads_nothing),
        TEST(R21_a_streamed_body_is_not_replayed_once_it_left),
    };

    return cmocka_run_group_tests(tests, make_big, free_big);
}
