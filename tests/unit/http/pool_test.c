/* How many connections there are, who waits for one, and when they go.
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <openssl/ssl.h>

#include "unit/http/client_fixture.h"

static struct http_origin *origin_with(struct fixture *x, uint32_t connections, uint32_t queue)
{
    struct http_origin_settings set = plain_settings(x->s.port);

    set.connections_max = connections;
    set.queue_max = queue;
    return http_origin_new(&set);
}

static void limit_to(struct fixture *x, uint32_t connections, uint32_t queue)
{
    http_origin_unref(x->o);
    x->o = origin_with(x, connections, queue);
}

static void counts_are(struct fixture *x, unsigned idle, unsigned active, unsigned connecting,
                       unsigned waiting)
{
    struct http_client_counts n = http_client_counts(x->w.client);

    assert_int_equal(n.idle, idle);
    assert_int_equal(n.active, active);
    assert_int_equal(n.connecting, connecting);
    assert_int_equal(n.waiting, waiting);
}

static void waiters_are_served_in_order(void **state)
{
    struct fixture *x = *state;
    struct got g[4];

    SCRIPT(&x->s, 0, SAY("/0 HTTP/1.1" BLANK, OK_HI), SAY("/1 HTTP/1.1" BLANK, OK_HI),
           SAY("/2 HTTP/1.1" BLANK, OK_HI), SAY("/3 HTTP/1.1" BLANK, OK_HI));
    limit_to(x, 1, 3);
    for (unsigned i = 0; i < 4; i++) {
        static const char *const heads[] = {"GET /0 HTTP/1.1" BLANK, "GET /1 HTTP/1.1" BLANK,
                                            "GET /2 HTTP/1.1" BLANK, "GET /3 HTTP/1.1" BLANK};

        got_init(&g[i], &x->w, x->o, heads[i]);
        got_start(&g[i]);
    }
    counts_are(x, 0, 0, 1, 3);
    for (unsigned i = 0; i < 4; i++) {
        run_ok(&g[i], 200, "hi");
        got_done(&g[i]);
    }
    counts_are(x, 1, 0, 0, 0);
    assert_int_equal(x->s.accepted, 1);
}

static void a_full_queue_refuses(void **state)
{
    struct fixture *x = *state;
    struct got g[3];

    SCRIPT(&x->s, 0, SAY(BLANK, OK_HI), SAY(BLANK, OK_HI));
    limit_to(x, 1, 1);
    for (unsigned i = 0; i < 3; i++) {
        got_init(&g[i], &x->w, x->o, GET);
        got_start(&g[i]);
    }
    run_to_end(&g[2]);
    assert_int_equal(g[2].failure, HTTP_FAIL_LIMIT);
    assert_string_equal(g[2].why, "the pool's queue is full");
    run_ok(&g[0], 200, "hi");
    run_ok(&g[1], 200, "hi");
    for (unsigned i = 0; i < 3; i++)
        got_done(&g[i]);
}

static void R15_a_waiter_waits_no_longer_than_its_deadline(void **state)
{
    struct fixture *x = *state;
    struct got g[2];

    SCRIPT(&x->s, 0, SAY(BLANK, NULL));
    limit_to(x, 1, 3);
    for (unsigned i = 0; i < 2; i++)
        got_init(&g[i], &x->w, x->o, GET);
    got_start(&g[0]);
    g[1].f.limits.deadline_ms = loop_now_ms(&x->w.loop) + 60;
    g[1].f.limits.connect_ms = 10; /* not for the queue */
    got_start(&g[1]);
    run_to_end(&g[1]);
    assert_int_equal(g[1].failure, HTTP_FAIL_TIMEOUT);
    assert_int_equal(g[1].f.phase, HTTP_PHASE_QUEUE);
    assert_true(g[1].f.deadline_hit);
    counts_are(x, 0, 1, 0, 0);
    http_fetch_cancel(&g[0].f);
    counts_are(x, 0, 0, 0, 0);
}

static void a_cancelled_fetch_leaves_its_slot_to_a_waiter(void **state)
{
    struct fixture *x = *state;
    struct got g[3];

    SCRIPT(&x->s, 0, SAY(BLANK, NULL));
    SCRIPT(&x->s, 1, SAY(BLANK, OK_HI), SAY(BLANK, OK_HI));
    limit_to(x, 1, 3);
    for (unsigned i = 0; i < 3; i++) {
        got_init(&g[i], &x->w, x->o, GET);
        got_start(&g[i]);
    }
    run_for(&x->w, 10);
    counts_are(x, 0, 1, 0, 2);
    http_fetch_cancel(&g[0].f);
    counts_are(x, 0, 0, 1, 1);
    run_ok(&g[1], 200, "hi");
    run_ok(&g[2], 200, "hi");
    for (unsigned i = 0; i < 3; i++)
        got_done(&g[i]);
}

/* The caller of one fetch may cancel another that waits, in any callback. */
static void a_waiter_may_be_cancelled_by_its_neighbour(void **state)
{
    struct fixture *x = *state;
    struct got g[2];

    SCRIPT(&x->s, 0, SAY(BLANK, OK_HI), SAY(BLANK, OK_HI));
    limit_to(x, 1, 3);
    for (unsigned i = 0; i < 2; i++)
        got_init(&g[i], &x->w, x->o, GET);
    g[0].cancels = &g[1];
    got_start(&g[0]);
    got_start(&g[1]);
    run_ok(&g[0], 200, "hi");
    run_for(&x->w, 10);
    assert_false(g[1].ended || g[1].failed);
    counts_are(x, 0, 0, 0, 0); /* it had been given the connection, which went with it */
    got_done(&g[0]);
    got_done(&g[1]);
}

static void the_last_used_is_used_first(void **state)
{
    struct fixture *x = *state;
    struct got g[3];

    for (unsigned i = 0; i < 2; i++)
        SCRIPT(&x->s, i, SAY(BLANK, OK_HI), SAY(BLANK, OK_HI));
    limit_to(x, 2, 1);
    for (unsigned i = 0; i < 2; i++) {
        got_init(&g[i], &x->w, x->o, GET);
        got_start(&g[i]);
    }
    run_ok(&g[0], 200, "hi");
    run_ok(&g[1], 200, "hi");
    counts_are(x, 2, 0, 0, 0);
    got_init(&g[2], &x->w, x->o, GET);
    got_start(&g[2]);
    run_ok(&g[2], 200, "hi");
    assert_int_equal(x->s.conns[1].step, 2);
    assert_int_equal(x->s.conns[0].step, 1);
    for (unsigned i = 0; i < 3; i++)
        got_done(&g[i]);
}

static void idle_connections_grow_old(void **state)
{
    struct fixture *x = *state;
    struct http_origin_settings set = plain_settings(x->s.port);
    struct got g;

    SCRIPT(&x->s, 0, SAY(BLANK, OK_HI));
    set.idle_ms = 50;
    http_origin_unref(x->o);
    x->o = http_origin_new(&set);
    got_init(&g, &x->w, x->o, GET);
    got_start(&g);
    run_ok(&g, 200, "hi");
    run_for(&x->w, 20);
    counts_are(x, 1, 0, 0, 0);
    run_until(&x->w, &x->s.conns[0].ended, NULL, 500);
    assert_true(x->s.conns[0].ended);
    counts_are(x, 0, 0, 0, 0);
    got_done(&g);
}

static void no_more_idle_ones_are_kept_than_allowed(void **state)
{
    struct fixture *x = *state;
    struct http_origin_settings set = plain_settings(x->s.port);
    struct got g[3];

    set.idle_max = 1;
    http_origin_unref(x->o);
    x->o = http_origin_new(&set);
    for (unsigned i = 0; i < 3; i++) {
        SCRIPT(&x->s, i, SAY(BLANK, OK_HI));
        got_init(&g[i], &x->w, x->o, GET);
        got_start(&g[i]);
    }
    for (unsigned i = 0; i < 3; i++) {
        run_ok(&g[i], 200, "hi");
        got_done(&g[i]);
    }
    counts_are(x, 1, 0, 0, 0);
}

static void bytes_nobody_asked_for_end_an_idle_connection(void **state)
{
    struct fixture *x = *state;
    struct got g;

    SCRIPT(&x->s, 0, SAY(BLANK, OK_HI));
    limit_to(x, 1, 1);
    got_init(&g, &x->w, x->o, GET);
    got_start(&g);
    run_ok(&g, 200, "hi");
    server_send(&x->s.conns[0], STR("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
    run_until(&x->w, &x->s.conns[0].ended, NULL, 500);
    counts_are(x, 0, 0, 0, 0);
    got_done(&g);
}

/* Leftovers behind a reply would be read as the next one's beginning. */
static void R54_a_reply_with_a_tail_does_not_go_back(void **state)
{
    struct fixture *x = *state;
    struct got g;

    SCRIPT(&x->s, 0, SAY(BLANK, OK_HI "HTTP/1.1 200 OK\r\n"));
    limit_to(x, 1, 1);
    got_init(&g, &x->w, x->o, GET);
    got_start(&g);
    run_ok(&g, 200, "hi");
    counts_are(x, 0, 0, 0, 0);
    got_done(&g);
}

static void R57_a_retired_origin_keeps_nothing(void **state)
{
    struct fixture *x = *state;
    struct http_origin *o;
    struct got g;
    unsigned pools = 0;

    SCRIPT(&x->s, 0, SAY(BLANK, OK_HI));
    SCRIPT(&x->s, 1, SAY(BLANK, OK_HI));
    o = origin_with(x, 1, 1);
    got_init(&g, &x->w, o, GET);
    got_start(&g);
    http_origin_unref(o); /* the fetch goes on */
    run_ok(&g, 200, "hi");
    counts_are(x, 0, 0, 0, 0);
    for (unsigned i = 0; i < CLIENT_BUCKETS; i++)
        assert_null(x->w.client->pools[i]);
    got_done(&g);

    /* One that was idle when it retired goes when a pool for another is made. */
    o = origin_with(x, 1, 1);
    got_init(&g, &x->w, o, GET);
    got_start(&g);
    run_ok(&g, 200, "hi");
    counts_are(x, 1, 0, 0, 0);
    server_send(&x->s.conns[1], STR("x")); /* its connection ends, its pool stays */
    run_until(&x->w, &x->s.conns[1].ended, NULL, 500);
    http_origin_unref(o);
    got_done(&g);
    SCRIPT(&x->s, 2, SAY(BLANK, OK_HI));
    limit_to(x, 1, 1);
    got_init(&g, &x->w, x->o, GET);
    got_start(&g);
    run_ok(&g, 200, "hi");
    got_done(&g);
    for (unsigned i = 0; i < CLIENT_BUCKETS; i++) {
        for (struct pool *p = x->w.client->pools[i]; p != NULL; p = p->next)
            pools++;
    }
    assert_int_equal(pools, 1);
}

static void a_connection_is_small(void **state)
{
    (void)state;
    assert_true(sizeof(struct http_upconn) <= 700);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(waiters_are_served_in_order),
        TEST(a_full_queue_refuses),
        TEST(R15_a_waiter_waits_no_longer_than_its_deadline),
        TEST(a_cancelled_fetch_leaves_its_slot_to_a_waiter),
        TEST(a_waiter_may_be_cancelled_by_its_neighbour),
        TEST(the_last_used_is_used_first),
        TEST(idle_connections_grow_old),
        TEST(no_more_idle_ones_are_kept_than_allowed),
        TEST(bytes_nobody_asked_for_end_an_idle_connection),
        TEST(R54_a_reply_with_a_tail_does_not_go_back),
        TEST(R57_a_retired_origin_keeps_nothing),
        TEST(a_connection_is_small),
    };

    return cmocka_run_group_tests(tests, warm_up, NULL);
}
