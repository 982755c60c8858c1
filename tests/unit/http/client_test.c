/* One fetch after another over loopback: pools, reuse, replay, framing, bodies.
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <openssl/ssl.h>

#include "unit/http/client_fixture.h"

static void a_reply_comes_whole(void **state)
{
    struct fixture *x = *state;
    struct got g;

    SCRIPT(&x->s, 0,
           SAY(BLANK, "HTTP/1.1 201 Created\r\nX-One: a\r\nx-two:  b \r\nx-three:\r\n"
                      "content-length: 5\r\n\r\nhello"));
    got_init(&g, &x->w, x->o, GET);
    got_start(&g);
    run_ok(&g, 201, "hello");
    assert_int_equal(g.content_length, 5);
    assert_int_equal(g.fields.count, 4);
    assert_true(str_eq(http_fields_find(&g.fields, STR("x-one")), STR("a")));
    assert_true(str_eq(http_fields_find(&g.fields, STR("X-Two")), STR("b")));
    assert_true(str_eq(g.fields.at[2].name, STR("x-three")));
    assert_int_equal(g.fields.at[2].value.len, 0);
    assert_int_equal(g.f.bytes_out, strlen(GET));
    assert_true(g.f.sent_ns >= g.f.started_ns && g.f.head_ns >= g.f.sent_ns);
    got_done(&g);
}

static bool forgot;

static void forget(struct http_fetch *f)
{
    got_of(f)->batches++;
    forgot = http_fetch_forget(f);
    if (forgot) {
        arena_done(f->arena);
        memset(got_of(f)->head, 'x', sizeof(got_of(f)->head));
    }
}

/* The request, the reply's fields and the arena may go with the first bytes of the reply. */
static void a_fetch_goes_on_when_its_head_is_forgotten(void **state)
{
    struct http_fetch_ops ops = got_ops;
    struct fixture *x = *state;
    struct got g;

    SCRIPT(
        &x->s, 0,
        SAY(BLANK, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nx-one: a\r\n\r\n2\r\nhi\r\n"),
        DRIP(NULL, "3\r\n ho\r\n0\r\nt: u\r\n\r\n"), SAY(BLANK, OK_HI));
    ops.on_batch = forget;
    got_init(&g, &x->w, x->o, GET);
    snprintf(g.head, sizeof(g.head), "%s", GET);
    g.f.request.head = str_from(g.head);
    g.f.ops = &ops;
    forgot = false;
    got_start(&g);
    run_ok(&g, 200, "hi ho");
    assert_true(forgot && g.batches > 0);
    assert_int_equal(g.arena.used, 0);
    got_done(&g);
    got_init(&g, &x->w, x->o, GET);
    got_start(&g);
    run_ok(&g, 200, "hi");
    assert_true(g.f.reused);
    got_done(&g);
}

static void a_request_that_is_still_sent_is_not_forgotten(void **state)
{
    struct http_fetch_ops ops = got_ops;
    struct fixture *x = *state;
    struct got g;

    SCRIPT(&x->s, 0, SAY(BLANK, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n"),
           SAY("body!", "0\r\n\r\n"));
    ops.on_batch = forget;
    got_init(&g, &x->w, x->o, "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n");
    g.f.ops = &ops;
    g.f.request.body_streamed = true;
    forgot = true;
    got_start(&g);
    run_until(&x->w, &g.failed, NULL, 50);
    assert_int_equal(g.batches, 1);
    assert_false(forgot);
    http_fetch_send(&g.f, STR("body!"));
    http_fetch_send_end(&g.f);
    run_ok(&g, 200, "hi");
    got_done(&g);
}

static void one_connection_serves_many(void **state)
{
    struct fixture *x = *state;
    struct got g[3];

    SCRIPT(&x->s, 0, SAY(BLANK, OK_HI), SAY(BLANK, OK_HI), SAY(BLANK, OK_HI));
    for (unsigned i = 0; i < 3; i++) {
        got_init(&g[i], &x->w, x->o, GET);
        got_start(&g[i]);
        run_ok(&g[i], 200, "hi");
        assert_int_equal(g[i].f.reused, i > 0);
        assert_int_equal(http_client_counts(x->w.client).idle, 1);
        got_done(&g[i]);
    }
    assert_int_equal(x->s.accepted, 1);
}

static void the_next_fetch_may_start_in_on_end(void **state)
{
    struct fixture *x = *state;
    struct got a, b;

    SCRIPT(&x->s, 0, SAY(BLANK, OK_HI), SAY(BLANK, OK_HI));
    got_init(&b, &x->w, x->o, GET);
    got_init(&a, &x->w, x->o, GET);
    a.then = &b;
    got_start(&a);
    run_ok(&b, 200, "hi");
    assert_true(b.f.reused);
    got_done(&a);
    got_done(&b);
}

static void R21_a_stale_connection_is_replaced_silently(void **state)
{
    struct fixture *x = *state;
    struct got a, b;

    /* It reads the second request and then resets, as a restarted server's kernel does. */
    SCRIPT(&x->s, 0, SAY(BLANK, OK_HI), DO(BLANK, NULL, RST));
    SCRIPT(&x->s, 1, SAY(BLANK "body!", OK_HI));
    got_init(&a, &x->w, x->o, GET);
    got_start(&a);
    run_ok(&a, 200, "hi");
    got_init(&b, &x->w, x->o, "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n");
    b.f.request.body[0] = STR("bo");
    b.f.request.body[1] = STR("dy!");
    b.f.request.body_count = 2;
    got_start(&b);
    run_ok(&b, 200, "hi");
    assert_true(b.f.replayed);
    assert_false(b.f.reused);
    assert_int_equal(b.heads, 1);
    assert_int_equal(x->s.accepted, 2);
    got_done(&a);
    got_done(&b);
}

static void R21_a_closed_idle_connection_leaves_the_pool(void **state)
{
    struct fixture *x = *state;
    struct got a, b;

    SCRIPT(&x->s, 0, DO(BLANK, OK_HI, FIN));
    SCRIPT(&x->s, 1, SAY(BLANK, OK_HI));
    got_init(&a, &x->w, x->o, GET);
    got_start(&a);
    run_ok(&a, 200, "hi");
    run_until(&x->w, &x->s.conns[0].closed, NULL, 1000);
    run_for(&x->w, 20);
    assert_int_equal(http_client_counts(x->w.client).idle, 0);
    got_init(&b, &x->w, x->o, GET);
    got_start(&b);
    run_ok(&b, 200, "hi");
    assert_false(b.f.reused || b.f.replayed);
    got_done(&a);
    got_done(&b);
}

static void R21_a_reply_that_had_begun_is_not_replayed(void **state)
{
    struct fixture *x = *state;
    struct got a, b;

    SCRIPT(&x->s, 0, SAY(BLANK, OK_HI), DO(BLANK, "H", FIN));
    got_init(&a, &x->w, x->o, GET);
    got_start(&a);
    run_ok(&a, 200, "hi");
    got_init(&b, &x->w, x->o, GET);
    got_start(&b);
    run_to_end(&b);
    assert_true(b.failed);
    assert_int_equal(b.failure, HTTP_FAIL_CUT);
    assert_false(b.f.replayed);
    assert_int_equal(x->s.accepted, 1);
    got_done(&a);
    got_done(&b);
}

static void R21_a_fresh_connection_that_breaks_is_a_failure(void **state)
{
    struct fixture *x = *state;
    struct got a;

    SCRIPT(&x->s, 0, DO(BLANK, NULL, FIN));
    got_init(&a, &x->w, x->o, GET);
    got_start(&a);
    run_to_end(&a);
    assert_int_equal(a.failure, HTTP_FAIL_RESET);
    assert_int_equal(x->s.accepted, 1);
    got_done(&a);
}

static void R21_only_one_replay(void **state)
{
    struct fixture *x = *state;
    struct got a, b;

    SCRIPT(&x->s, 0, SAY(BLANK, OK_HI), DO(BLANK, NULL, RST));
    SCRIPT(&x->s, 1, DO(BLANK, NULL, RST));
    got_init(&a, &x->w, x->o, GET);
    got_start(&a);
    run_ok(&a, 200, "hi");
    got_init(&b, &x->w, x->o, GET);
    got_start(&b);
    run_to_end(&b);
    assert_int_equal(b.failure, HTTP_FAIL_RESET);
    assert_true(b.f.replayed);
    assert_int_equal(x->s.accepted, 2);
    got_done(&a);
    got_done(&b);
}

/* The reset is there when the second request is written: it is the write that fails. */
static void R21_a_write_that_fails_is_replayed(void **state)
{
    struct fixture *x = *state;
    uint16_t port;
    int listener = raw_listen(&port), fd;
    struct http_origin *o = origin_at(port);
    struct got a, b;

    got_init(&a, &x->w, o, GET);
    got_start(&a);
    fd = accept(listener, NULL, NULL);
    run_for(&x->w, 5);
    raw_reply(fd, OK_HI);
    run_ok(&a, 200, "hi");
    raw_reset(fd);
    got_init(&b, &x->w, o, GET);
    got_start(&b);
    assert_true(b.f.replayed);
    fd = accept(listener, NULL, NULL);
    run_for(&x->w, 5);
    raw_reply(fd, OK_HI);
    run_ok(&b, 200, "hi");
    close(fd);
    close(listener);
    http_origin_unref(o);
    got_done(&a);
    got_done(&b);
}

static void a_refusal_is_read_though_writing_failed(void **state)
{
    struct fixture *x = *state;
    uint16_t port;
    int listener = raw_listen(&port), fd;
    struct http_origin *o = origin_at(port);
    struct got g;

    got_init(&g, &x->w, o, "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n");
    g.f.request.body_streamed = true;
    got_start(&g);
    fd = accept(listener, NULL, NULL);
    run_for(&x->w, 5);
    raw_reply(fd, "HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nbig");
    raw_reset(fd);
    assert_int_equal(http_fetch_send(&g.f, STR("123456789")), FLOW_HOLD);
    run_ok(&g, 413, "big");
    assert_int_equal(http_client_counts(x->w.client).idle, 0);
    close(listener);
    http_origin_unref(o);
    got_done(&g);
}

static void a_refused_connection_says_so(void **state)
{
    struct fixture *x = *state;
    struct http_origin *o = origin_at(9);
    struct got a;

    got_init(&a, &x->w, o, GET);
    got_start(&a);
    run_to_end(&a);
    assert_int_equal(a.failure, HTTP_FAIL_CONNECT);
    assert_string_equal(a.why, "connect to 127.0.0.1:9: connection refused");
    http_origin_unref(o);
    got_done(&a);
}

/* One of several threads that share an origin; no assertions here, they belong to the main one. */
struct user_thread {
    uv_thread_t thread;
    struct http_origin *o;
    unsigned good;
};

static void use_origin(void *arg)
{
    struct user_thread *t = arg;
    struct world w;

    world_open(&w);
    for (unsigned i = 0; i < 5; i++) {
        struct got g;

        got_init(&g, &w, t->o, GET);
        if (http_fetch_start(&g.f) == 0)
            run_until(&w, &g.ended, &g.failed, RUN_LIMIT_MS);
        t->good += g.ended && g.f.reused == (i > 0);
        got_done(&g);
    }
    http_origin_unref(t->o);
    world_close(&w);
}

static void an_origin_is_shared_by_threads(void **state)
{
    struct fixture *x = *state;
    struct user_thread t[3] = {0};

    for (unsigned i = 0; i < COUNTOF(t); i++) {
        SCRIPT(&x->s, i, SAY(BLANK, OK_HI), SAY(BLANK, OK_HI), SAY(BLANK, OK_HI), SAY(BLANK, OK_HI),
               SAY(BLANK, OK_HI));
        t[i].o = http_origin_ref(x->o);
        assert_int_equal(uv_thread_create(&t[i].thread, use_origin, &t[i]), 0);
    }
    http_origin_unref(x->o);
    x->o = NULL;
    for (unsigned i = 0; i < COUNTOF(t); i++)
        run_until(&x->w, &x->s.conns[i].ended, NULL, RUN_LIMIT_MS);
    for (unsigned i = 0; i < COUNTOF(t); i++) {
        uv_thread_join(&t[i].thread);
        assert_int_equal(t[i].good, 5);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_reply_comes_whole),
        TEST(a_fetch_goes_on_when_its_head_is_forgotten),
        TEST(a_request_that_is_still_sent_is_not_forgotten),
        TEST(one_connection_serves_many),
        TEST(the_next_fetch_may_start_in_on_end),
        TEST(R21_a_stale_connection_is_replaced_silently),
        TEST(R21_a_closed_idle_connection_leaves_the_pool),
        TEST(R21_a_reply_that_had_begun_is_not_replayed),
        TEST(R21_a_fresh_connection_that_breaks_is_a_failure),
        TEST(R21_only_one_replay),
        TEST(R21_a_write_that_fails_is_replayed),
        TEST(a_refusal_is_read_though_writing_failed),
        TEST(a_refused_connection_says_so),
        TEST(an_origin_is_shared_by_threads),
    };

    return cmocka_run_group_tests(tests, warm_up, NULL);
}
