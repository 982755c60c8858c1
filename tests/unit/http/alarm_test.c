/* Alarms in any order, dropped and set anew, behind one timer.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "http/alarm.h"

#define MANY 500u

struct bell {
    struct alarm alarm;
    uint64_t wanted_ms; /* 0: must not ring */
    bool rang;
};

static struct loop loop;
static struct alarms alarms;
static struct bell bells[MANY];
static unsigned rings;
static uint64_t last_ms;

static struct bell *bell_of(struct alarm *a)
{
    return CONTAINER_OF(a, struct bell, alarm);
}

static void rang(struct alarm *a)
{
    struct bell *b = bell_of(a);

    assert_false(b->rang);
    assert_true(b->wanted_ms != 0 && loop_now_ms(&loop) >= b->wanted_ms);
    assert_true(b->wanted_ms >= last_ms); /* in order */
    assert_true(loop_now_ms(&loop) - b->wanted_ms < 50);
    last_ms = b->wanted_ms;
    b->rang = true;
    rings++;
}

static void set(struct bell *b, uint64_t due_ms)
{
    b->alarm.ring = rang;
    b->wanted_ms = due_ms;
    alarm_set(&alarms, &b->alarm, due_ms);
}

static void drop(struct bell *b)
{
    alarm_drop(&alarms, &b->alarm);
    b->wanted_ms = 0;
}

static int set_up(void **state)
{
    (void)state;
    memset(bells, 0, sizeof(bells));
    rings = 0;
    last_ms = 0;
    assert_int_equal(loop_init(&loop, 0), 0);
    assert_int_equal(alarms_open(&alarms, &loop), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    alarms_close(&alarms, NULL);
    loop_done(&loop);
    return 0;
}

static void they_ring_in_order_once(void **state)
{
    uint64_t now = loop_now_ms(&loop);
    uint32_t r = 12345;
    unsigned wanted = 0;

    (void)state;
    for (unsigned i = 0; i < MANY; i++) {
        r = r * 1664525u + 1013904223u;
        set(&bells[i], now + 1 + (r >> 16) % 60);
    }
    for (unsigned i = 0; i < MANY; i += 3)
        drop(&bells[i]);
    for (unsigned i = 1; i < MANY; i += 3) { /* earlier for some, later for others */
        r = r * 1664525u + 1013904223u;
        set(&bells[i], now + 1 + (r >> 16) % 60);
    }
    for (unsigned i = 0; i < MANY; i++)
        wanted += bells[i].wanted_ms != 0;
    uv_run(&loop.uv, UV_RUN_DEFAULT);
    assert_int_equal(rings, wanted);
    assert_null(alarms.first);
}

static unsigned again;

static void set_again(struct alarm *a)
{
    if (++again < 5)
        alarm_set(&alarms, a, 0); /* long past: in the next turn, not in this one */
}

static void one_that_sets_itself_lets_others_live(void **state)
{
    struct alarm a = {.ring = set_again};
    unsigned turns = 0;

    (void)state;
    again = 0;
    alarm_set(&alarms, &a, loop_now_ms(&loop));
    while (uv_run(&loop.uv, UV_RUN_ONCE) != 0)
        turns++;
    assert_int_equal(again, 5);
    assert_true(turns >= 3); /* each ring but the first has waited for sockets */
}

/* A retry that need not wait does not: a pause of a timer's resolution would be in each of them. */
static void one_that_is_due_rings_before_the_clock_moves_on(void **state)
{
    uint64_t now = loop_now_ms(&loop);

    (void)state;
    set(&bells[0], now);
    assert_int_equal(uv_backend_timeout(&loop.uv), 0);
    uv_run(&loop.uv, UV_RUN_DEFAULT);
    assert_true(bells[0].rang);
}

static void drop_neighbour(struct alarm *a)
{
    rings++;
    drop(&bells[1]);
    (void)a;
}

static void one_that_rings_may_drop_another(void **state)
{
    uint64_t now = loop_now_ms(&loop);

    (void)state;
    set(&bells[0], now + 2);
    set(&bells[1], now + 2);
    bells[0].alarm.ring = drop_neighbour;
    bells[1].wanted_ms = 0;
    uv_run(&loop.uv, UV_RUN_DEFAULT);
    assert_false(bells[1].rang);
    assert_int_equal(rings, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(they_ring_in_order_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_that_sets_itself_lets_others_live, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_that_is_due_rings_before_the_clock_moves_on, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(one_that_rings_may_drop_another, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
