/* Every limit fires in its phase, on time; a cancel at any phase closes at once and leaks nothing.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <openssl/ssl.h>

#include "loop/tls.h"
#include "unit/http/upstream.h"

#define LIMIT_MS 60u
#define SLACK_MS 50u
#define BUSY_MS 100u /* the machine may have other things to do */

struct fixture {
    struct world w;
    struct server s;
    struct black_hole hole;
    struct ssl_ctx_st *tls;
    struct dns_name *asked; /* a lookup nobody answers, until the end */
    struct http_origin *o;
    unsigned descriptors;
};

static int set_up(void **state)
{
    struct fixture *x = calloc(1, sizeof(*x));
    struct tls_client_settings insecure = {.insecure = true};
    struct buf why = {0};

    x->descriptors = count_descriptors();
    world_open(&x->w);
    server_open(&x->s, &x->w);
    black_hole_open(&x->hole, "127.0.0.1", 0);
    assert_int_equal(tls_client_new(&insecure, &why, &x->tls), 0);
    buf_done(&why);
    *state = x;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *x = *state;
    struct dns_addresses none = {0};

    world_is_quiet(&x->w);
    if (x->asked != NULL)
        dns_found(x->asked, 0, &none);
    http_origin_unref(x->o);
    tls_free(x->tls);
    black_hole_close(&x->hole);
    server_close(&x->s);
    world_close(&x->w);
    server_done(&x->s);
    assert_int_equal(count_descriptors(), x->descriptors);
    free(x);
    return 0;
}

static int ask_nobody(void *user, struct loop *l, const char *host, struct dns_name *n)
{
    struct fixture *x = user;

    (void)l;
    (void)host;
    x->asked = n;
    return 0;
}

/* What stands still in each phase. */
static void prepare(struct fixture *x, struct got *g, enum http_phase phase)
{
    struct http_origin_settings set = plain_settings(x->s.port);

    SCRIPT(&x->s, 0, SAY(BLANK, NULL));
    switch (phase) {
    case HTTP_PHASE_QUEUE:
        set.connections_max = 1;
        break;
    case HTTP_PHASE_RESOLVE:
        set.host = STR("silent.test");
        dns_use(x->w.client->dns, (struct dns_resolver){ask_nobody, x, NULL});
        break;
    case HTTP_PHASE_CONNECT:
        set.port = x->hole.port;
        break;
    case HTTP_PHASE_TLS:
        set.tls = x->tls;
        break;
    case HTTP_PHASE_SEND:
        SCRIPT(&x->s, 0, DO(BLANK, NULL, STOP_READING));
        break;
    case HTTP_PHASE_HEADERS:
        SCRIPT(&x->s, 0, SAY(BLANK, "HTTP/1.1 200 OK\r\nA: "));
        break;
    case HTTP_PHASE_BODY:
        SCRIPT(&x->s, 0, SAY(BLANK, "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nsome"));
        break;
    }
    x->o = http_origin_new(&set);
    assert_non_null(x->o);
    got_init(g, &x->w, x->o, GET);
    if (phase == HTTP_PHASE_SEND) {
        static char big[16u << 20];

        g->f.request.head = STR("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 16777216\r\n\r\n");
        g->f.request.body[0] = str_make(big, sizeof(big));
        g->f.request.body_count = 1;
    }
}

static void run_into_limit(struct fixture *x, enum http_phase phase, const char *why)
{
    struct got g;
    uint64_t started;

    prepare(x, &g, phase);
    switch (phase) {
    case HTTP_PHASE_QUEUE:
        break;
    case HTTP_PHASE_RESOLVE:
    case HTTP_PHASE_CONNECT:
    case HTTP_PHASE_TLS:
        g.f.limits.connect_ms = LIMIT_MS;
        break;
    case HTTP_PHASE_HEADERS:
        g.f.limits.headers_ms = LIMIT_MS;
        break;
    case HTTP_PHASE_SEND:
    case HTTP_PHASE_BODY:
        g.f.limits.idle_ms = LIMIT_MS;
        break;
    }
    got_start(&g);
    started = uv_hrtime() / 1000000;
    run_to_end(&g);
    assert_int_equal(g.failure, HTTP_FAIL_TIMEOUT);
    assert_int_equal(g.f.phase, phase);
    assert_false(g.f.deadline_hit);
    assert_string_equal(g.why, why);
    assert_true(g.over_ms - started >= LIMIT_MS - 5);
    assert_true(g.over_ms - started <= LIMIT_MS + SLACK_MS + BUSY_MS);
    got_done(&g);
}

static void R9_the_connect_limit_fires_while_resolving(void **state)
{
    run_into_limit(*state, HTTP_PHASE_RESOLVE, "60 ms passed resolving the name");
}

static void R9_the_connect_limit_fires_while_connecting(void **state)
{
    run_into_limit(*state, HTTP_PHASE_CONNECT, "60 ms passed connecting");
}

static void R9_the_connect_limit_fires_in_the_handshake(void **state)
{
    run_into_limit(*state, HTTP_PHASE_TLS, "60 ms passed in the TLS handshake");
}

static void R9_the_idle_limit_fires_while_nothing_is_taken(void **state)
{
    run_into_limit(*state, HTTP_PHASE_SEND, "60 ms passed sending the request");
}

static void R9_the_headers_limit_fires_before_a_head(void **state)
{
    run_into_limit(*state, HTTP_PHASE_HEADERS, "60 ms passed waiting for the reply's head");
}

static void R9_the_headers_limit_fires_though_the_head_drips(void **state)
{
    struct fixture *x = *state;
    struct got g;

    prepare(x, &g, HTTP_PHASE_HEADERS);
    g.f.limits.headers_ms = LIMIT_MS;
    got_start(&g);
    for (unsigned i = 0; i < 10 && !g.failed; i++) {
        run_until(&x->w, &g.failed, NULL, 20);
        if (!g.failed)
            server_send(&x->s.conns[0], STR("a"));
    }
    assert_true(g.failed);
    assert_int_equal(g.failure, HTTP_FAIL_TIMEOUT);
    got_done(&g);
}

static void R9_the_idle_limit_fires_in_the_body(void **state)
{
    run_into_limit(*state, HTTP_PHASE_BODY, "60 ms passed waiting for the reply's body");
}

static void R15_the_deadline_fires_in_every_phase(void **state)
{
    struct fixture *x = *state;

    for (int phase = HTTP_PHASE_RESOLVE; phase <= HTTP_PHASE_BODY; phase++) {
        struct got g;
        uint64_t started;

        prepare(x, &g, (enum http_phase)phase);
        x->s.scripts[x->s.accepted] = x->s.scripts[0];
        x->s.script_steps[x->s.accepted] = x->s.script_steps[0];
        uv_update_time(&x->w.loop.uv);
        g.f.limits = (struct http_limits){60000, 60000, 60000, loop_now_ms(&x->w.loop) + LIMIT_MS};
        got_start(&g);
        started = uv_hrtime() / 1000000;
        run_to_end(&g);
        assert_int_equal(g.failure, HTTP_FAIL_TIMEOUT);
        assert_int_equal(g.f.phase, phase);
        assert_true(g.f.deadline_hit);
        assert_true(g.over_ms - started <= LIMIT_MS + SLACK_MS + BUSY_MS);
        got_done(&g);
        http_origin_unref(x->o);
        x->o = NULL;
    }
}

static void R15_a_deadline_that_has_passed_fails_later_but_not_now(void **state)
{
    struct fixture *x = *state;
    struct got g;

    prepare(x, &g, HTTP_PHASE_HEADERS);
    g.f.limits.deadline_ms = 1;
    uv_update_time(&x->w.loop.uv);
    got_start(&g);
    run_to_end(&g);
    assert_true(g.f.deadline_hit);
    assert_int_equal(g.f.phase, HTTP_PHASE_QUEUE);
    assert_int_equal(x->s.accepted, 0);
    got_done(&g);
}

/* A piece every 30 ms for longer than every limit but the deadline. */
static void R9_a_healthy_drip_is_cut_by_none(void **state)
{
    struct fixture *x = *state;
    struct server_conn *c = &x->s.conns[0];
    struct got g;

    SCRIPT(&x->s, 0, SAY(BLANK, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"));
    x->o = origin_at(x->s.port);
    got_init(&g, &x->w, x->o, GET);
    g.f.limits = (struct http_limits){200, 200, 200, 0};
    got_start(&g);
    for (int i = 0; i < 10; i++) {
        run_for(&x->w, 30);
        server_send(c, STR("."));
    }
    run_ok(&g, 200, "..........");
    got_done(&g);
}

/* HOLD is our doing: the upstream is not to blame for the silence. */
static void R9_the_idle_limit_sleeps_while_we_hold(void **state)
{
    struct fixture *x = *state;
    struct got g;

    SCRIPT(&x->s, 0, SAY(BLANK, "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsome"));
    x->o = origin_at(x->s.port);
    got_init(&g, &x->w, x->o, GET);
    g.f.limits.idle_ms = LIMIT_MS;
    g.hold_after = 1;
    got_start(&g);
    run_for(&x->w, 3 * LIMIT_MS);
    assert_false(g.failed);
    server_send(&x->s.conns[0], STR("more"));
    run_for(&x->w, 3 * LIMIT_MS);
    assert_int_equal(g.body_bytes, 4);
    http_fetch_resume(&g.f);
    run_ok(&g, 200, "somemore");
    got_done(&g);
}

static void reach(struct got *g, enum http_phase phase)
{
    uint64_t end = uv_hrtime() + 2000000000u;

    while (g->f.phase != phase && uv_hrtime() < end)
        run_for(g->world, 1);
    run_for(g->world, 10);
    assert_int_equal(g->f.phase, phase);
}

static void cancel_in(struct fixture *x, enum http_phase phase)
{
    struct server_conn *c = &x->s.conns[0];
    struct got g, waiter;
    unsigned before = count_descriptors();

    prepare(x, &g, phase);
    got_start(&g);
    if (phase == HTTP_PHASE_QUEUE) {
        got_init(&waiter, &x->w, x->o, GET);
        got_start(&waiter);
        run_for(&x->w, 20);
        assert_int_equal(http_client_counts(x->w.client).waiting, 1);
        http_fetch_cancel(&waiter.f);
        assert_int_equal(http_client_counts(x->w.client).waiting, 0);
        assert_false(waiter.ended || waiter.failed);
        got_done(&waiter);
    } else {
        reach(&g, phase);
    }
    http_fetch_cancel(&g.f);
    http_fetch_cancel(&g.f); /* harmless */
    if (x->s.accepted > 0) {
        run_until(&x->w, &c->ended, NULL, 1000);
        if (phase != HTTP_PHASE_SEND) /* there, it has stopped reading itself */
            assert_true(c->ended);
        c->open = false;
        stream_close(&c->stream, true);
    }
    run_for(&x->w, 10);
    assert_false(g.ended || g.failed);
    assert_int_equal(count_descriptors(), before);
    got_done(&g);
}

#define CANCEL_IN(name, phase)                                                                     \
    static void R1_a_cancel_closes_##name(void **state)                                            \
    {                                                                                              \
        cancel_in(*state, phase);                                                                  \
    }

CANCEL_IN(in_the_queue, HTTP_PHASE_QUEUE)
CANCEL_IN(while_resolving, HTTP_PHASE_RESOLVE)
CANCEL_IN(while_connecting, HTTP_PHASE_CONNECT)
CANCEL_IN(in_the_handshake, HTTP_PHASE_TLS)
CANCEL_IN(while_sending, HTTP_PHASE_SEND)
CANCEL_IN(before_the_head, HTTP_PHASE_HEADERS)
CANCEL_IN(in_the_body, HTTP_PHASE_BODY)

static void R1_a_cancel_in_a_callback_closes(void **state)
{
    struct fixture *x = *state;

    SCRIPT(&x->s, 0, SAY(BLANK, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nsome"));
    x->o = origin_at(x->s.port);
    for (unsigned at = 1; at <= 3; at++) {
        struct server_conn *c = &x->s.conns[x->s.accepted];
        struct got g;

        x->s.scripts[at] = x->s.scripts[0];
        x->s.script_steps[at] = x->s.script_steps[0];
        got_init(&g, &x->w, x->o, GET);
        g.cancel_at = at;
        got_start(&g);
        run_until(&x->w, &c->ended, NULL, 1000);
        assert_true(c->ended);
        assert_int_equal(g.heads, 1);
        assert_int_equal(g.bodies, at > 1);
        assert_int_equal(g.batches, at > 2);
        assert_false(g.ended || g.failed);
        assert_int_equal(x->s.accepted, at);
        got_done(&g);
    }
}

static void R22_two_thousand_cancels_leave_nothing(void **state)
{
    struct fixture *x = *state;
    unsigned before = count_descriptors();

    x->o = origin_at(x->hole.port);
    for (unsigned i = 0; i < 2000; i++) {
        struct got g[2];

        for (unsigned n = 0; n < 2; n++) {
            got_init(&g[n], &x->w, x->o, GET);
            g[n].f.limits.connect_ms = 1000;
            got_start(&g[n]);
        }
        if (i % 2 == 0)
            uv_run(&x->w.loop.uv, UV_RUN_NOWAIT);
        http_fetch_cancel(&g[0].f);
        http_fetch_cancel(&g[1].f);
        if (i % 3 == 0)
            uv_run(&x->w.loop.uv, UV_RUN_NOWAIT);
    }
    run_for(&x->w, 10);
    assert_int_equal(count_descriptors(), before);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(R9_the_connect_limit_fires_while_resolving),
        TEST(R9_the_connect_limit_fires_while_connecting),
        TEST(R9_the_connect_limit_fires_in_the_handshake),
        TEST(R9_the_idle_limit_fires_while_nothing_is_taken),
        TEST(R9_the_headers_limit_fires_before_a_head),
        TEST(R9_the_headers_limit_fires_though_the_head_drips),
        TEST(R9_the_idle_limit_fires_in_the_body),
        TEST(R15_the_deadline_fires_in_every_phase),
        TEST(R15_a_deadline_that_has_passed_fails_later_but_not_now),
        TEST(R9_a_healthy_drip_is_cut_by_none),
        TEST(R9_the_idle_limit_sleeps_while_we_hold),
        TEST(R1_a_cancel_closes_in_the_queue),
        TEST(R1_a_cancel_closes_while_resolving),
        TEST(R1_a_cancel_closes_while_connecting),
        TEST(R1_a_cancel_closes_in_the_handshake),
        TEST(R1_a_cancel_closes_while_sending),
        TEST(R1_a_cancel_closes_before_the_head),
        TEST(R1_a_cancel_closes_in_the_body),
        TEST(R1_a_cancel_in_a_callback_closes),
        TEST(R22_two_thousand_cancels_leave_nothing),
    };

    return cmocka_run_group_tests(tests, warm_up, NULL);
}
