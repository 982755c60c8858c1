/* When the heap is walked for free pages: soon after many connections went, otherwise seldom.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/heap.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#define START_MS 1000000u

/* A second with each of these numbers of connections, walks that find nothing; how many walks. */
static unsigned walks(struct heap *h, uint64_t *now_ms, unsigned seconds, unsigned connections)
{
    unsigned n = 0;

    for (unsigned i = 0; i < seconds; i++, *now_ms += 1000) {
        if (heap_is_due(h, *now_ms, connections)) {
            heap_walked(h, *now_ms, false);
            n++;
        }
    }
    return n;
}

static void walks_that_find_nothing_become_seldom(void **state)
{
    struct heap h = {0};
    uint64_t now = START_MS;

    (void)state;
    assert_in_range(walks(&h, &now, 60, 100), 3, 4);
    assert_in_range(walks(&h, &now, 400, 100), 9, 11);
    heap_walked(&h, now, true); /* something was found: there may be more */
    assert_int_equal(walks(&h, &now, 6, 100), 1);
}

static void many_connections_gone_are_looked_after_once_that_is_over(void **state)
{
    struct heap h = {0};
    uint64_t now = START_MS;

    (void)state;
    walks(&h, &now, 200, 1000);
    heap_walked(&h, now, false); /* forty seconds until the next by the clock */
    assert_int_equal(walks(&h, &now, 6, 1000), 0);
    assert_int_equal(walks(&h, &now, 1, 700), 0); /* still closing */
    assert_int_equal(walks(&h, &now, 1, 300), 0);
    assert_int_equal(walks(&h, &now, 1, 20), 0);
    assert_int_equal(walks(&h, &now, 2, 20), 1);
    assert_int_equal(walks(&h, &now, 20, 20), 0); /* no more than once for it */
}

/* Clients without keep-alive: each walk may stall the loops, so they must not go on for nothing. */
static void walks_for_connections_that_come_and_go_become_seldom_too(void **state)
{
    struct heap h = {0};
    uint64_t now = START_MS;
    unsigned n = 0;

    (void)state;
    for (unsigned i = 0; i < 50; i++)
        n += walks(&h, &now, 2, 200) + walks(&h, &now, 2, 100);
    assert_in_range(n, 3, 10);
    heap_walked(&h, now, true);
    assert_in_range(walks(&h, &now, 4, 200) + walks(&h, &now, 8, 100), 1, 2);
}

static void a_few_that_come_and_go_are_not_worth_a_walk(void **state)
{
    struct heap h = {0};
    uint64_t now = START_MS;
    unsigned n = 0;

    (void)state;
    walks(&h, &now, 200, 20);
    heap_walked(&h, now, false);
    for (unsigned i = 0; i < 9; i++)
        n += walks(&h, &now, 2, 20) + walks(&h, &now, 2, 8);
    assert_int_equal(n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walks_that_find_nothing_become_seldom),
        cmocka_unit_test(many_connections_gone_are_looked_after_once_that_is_over),
        cmocka_unit_test(walks_for_connections_that_come_and_go_become_seldom_too),
        cmocka_unit_test(a_few_that_come_and_go_are_not_worth_a_walk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
