/* Spares go round, and what nobody needed lately is freed.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/spares.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <cmocka.h>

#define MANY 64u

struct thing {
    uint64_t first, second;
};

static unsigned freed;

static void count_and_free(void *object)
{
    freed++;
    free(object);
}

static void put_new(struct spares *s, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        struct thing *t = calloc(1, sizeof(*t));

        assert_non_null(t);
        assert_true(spares_put(s, t, MANY));
    }
}

static void use_at_once(struct spares *s, unsigned n)
{
    void *taken[MANY];

    for (unsigned i = 0; i < n; i++) {
        taken[i] = spares_take(s);
        assert_non_null(taken[i]);
    }
    for (unsigned i = 0; i < n; i++)
        assert_true(spares_put(s, taken[i], MANY));
}

static void the_last_put_is_the_first_taken_and_keeps_its_rest(void **state)
{
    struct spares s = {0};
    struct thing a = {1, 11}, b = {2, 22};

    (void)state;
    assert_null(spares_take(&s));
    assert_true(spares_put(&s, &a, 2));
    assert_true(spares_put(&s, &b, 2));
    assert_false(spares_put(&s, &a, 2)); /* that would be a third */
    assert_ptr_equal(spares_take(&s), &b);
    assert_ptr_equal(spares_take(&s), &a);
    assert_null(spares_take(&s));
    assert_int_equal(a.second, 11);
    assert_int_equal(b.second, 22);
}

static void what_a_burst_left_is_gone_after_a_dozen_trims(void **state)
{
    struct spares s = {0};

    (void)state;
    freed = 0;
    put_new(&s, MANY);
    spares_trim(&s, count_and_free);
    assert_int_equal(freed, 0); /* they were in use since the last one */
    for (unsigned i = 0; i < 12; i++)
        spares_trim(&s, count_and_free);
    assert_int_equal(freed, MANY);
    assert_int_equal(s.count, 0);
}

static void a_steady_load_keeps_what_it_needs(void **state)
{
    struct spares s = {0};

    (void)state;
    freed = 0;
    put_new(&s, MANY);
    for (unsigned i = 0; i < 30; i++) {
        use_at_once(&s, 20);
        spares_trim(&s, count_and_free);
    }
    assert_int_equal(s.count, 20);
    assert_int_equal(freed, MANY - 20);
    spares_done(&s, count_and_free);
    assert_int_equal(freed, MANY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_put_is_the_first_taken_and_keeps_its_rest),
        cmocka_unit_test(what_a_burst_left_is_gone_after_a_dozen_trims),
        cmocka_unit_test(a_steady_load_keeps_what_it_needs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
