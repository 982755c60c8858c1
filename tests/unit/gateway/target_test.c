/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/target.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define KEYS 5u

static const struct conf_retry policy = {.retry_after_max_ms = 60000, .target_rest_ms = 10000};

static void a_target_rests_after_three_failures_in_a_row(void **state)
{
    struct target_state t = {0};

    (void)state;
    for (int i = 0; i < 2; i++)
        target_failed(&t, FAULT_UPSTREAM_ERROR, 0, &policy, 1000);
    assert_false(target_rests(&t, 1000));
    target_failed(&t, FAULT_UPSTREAM_ERROR, 0, &policy, 1000);
    assert_true(target_rests(&t, 10999));
    assert_false(target_rests(&t, 11000));
}

static void a_success_forgets_the_failures_before_it(void **state)
{
    struct target_state t = {0};

    (void)state;
    for (int i = 0; i < 20; i++) {
        target_failed(&t, FAULT_UPSTREAM_ERROR, 0, &policy, 1000);
        target_failed(&t, FAULT_UPSTREAM_ERROR, 0, &policy, 1000);
        target_succeeded(&t);
        assert_false(target_rests(&t, 1000));
    }
}

static void a_target_nobody_can_connect_to_rests_at_once(void **state)
{
    struct target_state t = {0};

    (void)state;
    target_failed(&t, FAULT_UPSTREAM_CONNECT, 0, &policy, 1000);
    assert_true(target_rests(&t, 10999));
}

static void R12_retry_after_is_a_rest_up_to_its_cap(void **state)
{
    struct target_state t = {0};

    (void)state;
    target_failed(&t, FAULT_UPSTREAM_RATE, 2000, &policy, 1000);
    assert_true(target_rests(&t, 2999));
    assert_false(target_rests(&t, 3000));
    target_failed(&t, FAULT_UPSTREAM_RATE, 9999999, &policy, 1000);
    assert_true(target_rests(&t, 60999));
    assert_false(target_rests(&t, 61000));
}

struct pool {
    struct conf_provider conf;
    struct str keys[KEYS];
    atomic_uint_fast64_t benched[KEYS];
    struct provider_state state;
};

static void pool_init(struct pool *p, uint32_t keys)
{
    *p = (struct pool){0};
    p->conf = (struct conf_provider){.keys = p->keys, .keys_count = keys};
    p->state.conf = &p->conf;
    p->state.benched = p->benched;
}

static void keys_rotate(void **state)
{
    unsigned got[KEYS] = {0};
    struct pool p;

    (void)state;
    pool_init(&p, KEYS);
    for (int i = 0; i < 100; i++)
        got[provider_key_pick(&p.state, NULL, 1, 0, 1)]++;
    for (uint32_t i = 0; i < KEYS; i++)
        assert_int_equal(got[i], 20);
}

static void R16_four_dead_keys_of_five_leave_the_fifth(void **state)
{
    struct pool p;

    (void)state;
    pool_init(&p, KEYS);
    for (uint32_t i = 0; i < KEYS; i++) {
        if (i != 3)
            provider_key_bench(&p.state, i, 100);
    }
    for (int i = 0; i < 20; i++)
        assert_int_equal(provider_key_pick(&p.state, NULL, 1, 0, 50), 3);
    assert_int_equal(provider_free_at(&p.state, NULL, 1, 50), 0);
}

static void R16_a_key_is_tried_once_and_then_there_is_none(void **state)
{
    uint64_t tried = 0;
    struct pool p;

    (void)state;
    pool_init(&p, KEYS);
    for (uint32_t i = 0; i < KEYS; i++) {
        uint32_t k = provider_key_pick(&p.state, NULL, 1, tried, 1);

        assert_true(k < KEYS && (tried >> k & 1) == 0);
        tried |= 1ull << k;
        provider_key_bench(&p.state, k, 100);
    }
    assert_int_equal(provider_key_pick(&p.state, NULL, 1, tried, 1), KEY_NONE);
    assert_int_equal(provider_free_at(&p.state, NULL, 1, 1), KEY_BENCHED);
}

static void an_only_key_is_asked_again_although_it_was_refused(void **state)
{
    struct pool p;

    (void)state;
    pool_init(&p, 1);
    provider_key_bench(&p.state, 0, 100);
    assert_int_equal(provider_key_pick(&p.state, NULL, 1, 0, 50), 0);
}

/* ---- keys that are out of allowance ---- */

struct counted {
    struct pool pool;
    struct allowance allowances[KEYS];
};

static void counted_init(struct counted *c, uint32_t keys)
{
    *c = (struct counted){0};
    pool_init(&c->pool, keys);
}

/* The key's last answer said that nothing is left until then. */
static void use_up(struct counted *c, uint32_t key, uint64_t until_ms)
{
    struct allowance_mark mark = allowance_send(&c->allowances[key], 1);
    struct allowance_told told = {.of[ALLOWANCE_REQUESTS] = {.known = true, .reset_ms = until_ms}};

    allowance_learn(&c->allowances[key], &mark, &told, 60000, 0);
}

static uint32_t pick_counted(struct counted *c, uint64_t tried, uint64_t now_ms)
{
    return provider_key_pick(&c->pool.state, c->allowances, 1, tried, now_ms);
}

static void a_key_without_allowance_is_asked_behind_the_others(void **state)
{
    struct counted c;

    (void)state;
    counted_init(&c, 3);
    use_up(&c, 0, 100);
    use_up(&c, 2, 200);
    for (int i = 0; i < 10; i++)
        assert_int_equal(pick_counted(&c, 0, 50), 1);
    assert_int_equal(pick_counted(&c, 1u << 1, 50), 0); /* the one that is free first */
    assert_int_equal(provider_free_at(&c.pool.state, c.allowances, 1, 50), 0);
    use_up(&c, 1, 300);
    assert_int_equal(provider_free_at(&c.pool.state, c.allowances, 1, 50), 100);
    assert_int_equal(pick_counted(&c, 0, 50), 0);
    assert_int_equal(provider_free_at(&c.pool.state, c.allowances, 1, 100), 0);
}

static void a_refused_key_is_asked_behind_one_without_allowance(void **state)
{
    struct counted c;

    (void)state;
    counted_init(&c, 2);
    use_up(&c, 0, 1000);
    provider_key_bench(&c.pool.state, 1, 60);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pick_counted(&c, 0, 50), 0);
    assert_int_equal(provider_free_at(&c.pool.state, c.allowances, 1, 50), 1000);
    assert_int_equal(pick_counted(&c, 0, 60), 1);
}

static void a_provider_without_keys_has_one_allowance(void **state)
{
    struct counted c;

    (void)state;
    counted_init(&c, 0);
    use_up(&c, 0, 100);
    assert_int_equal(provider_free_at(&c.pool.state, c.allowances, 1, 50), 100);
}

static void a_provider_without_keys_is_well(void **state)
{
    struct pool p;

    (void)state;
    pool_init(&p, 0);
    assert_int_equal(provider_key_pick(&p.state, NULL, 1, 0, 1), KEY_NONE);
    assert_int_equal(provider_free_at(&p.state, NULL, 1, 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_target_rests_after_three_failures_in_a_row),
        cmocka_unit_test(a_success_forgets_the_failures_before_it),
        cmocka_unit_test(a_target_nobody_can_connect_to_rests_at_once),
        cmocka_unit_test(R12_retry_after_is_a_rest_up_to_its_cap),
        cmocka_unit_test(keys_rotate),
        cmocka_unit_test(R16_four_dead_keys_of_five_leave_the_fifth),
        cmocka_unit_test(R16_a_key_is_tried_once_and_then_there_is_none),
        cmocka_unit_test(an_only_key_is_asked_again_although_it_was_refused),
        cmocka_unit_test(a_key_without_allowance_is_asked_behind_the_others),
        cmocka_unit_test(a_refused_key_is_asked_behind_one_without_allowance),
        cmocka_unit_test(a_provider_without_keys_has_one_allowance),
        cmocka_unit_test(a_provider_without_keys_is_well),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
