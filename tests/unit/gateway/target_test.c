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
        got[provider_key_pick(&p.state, 0, 1)]++;
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
        assert_int_equal(provider_key_pick(&p.state, 0, 50), 3);
    assert_true(provider_is_well(&p.state, 50));
}

static void R16_a_key_is_tried_once_and_then_there_is_none(void **state)
{
    uint64_t tried = 0;
    struct pool p;

    (void)state;
    pool_init(&p, KEYS);
    for (uint32_t i = 0; i < KEYS; i++) {
        uint32_t k = provider_key_pick(&p.state, tried, 1);

        assert_true(k < KEYS && (tried >> k & 1) == 0);
        tried |= 1ull << k;
        provider_key_bench(&p.state, k, 100);
    }
    assert_int_equal(provider_key_pick(&p.state, tried, 1), KEY_NONE);
    assert_false(provider_is_well(&p.state, 1));
}

static void an_only_key_is_asked_again_although_it_was_refused(void **state)
{
    struct pool p;

    (void)state;
    pool_init(&p, 1);
    provider_key_bench(&p.state, 0, 100);
    assert_int_equal(provider_key_pick(&p.state, 0, 50), 0);
}

static void a_provider_without_keys_is_well(void **state)
{
    struct pool p;

    (void)state;
    pool_init(&p, 0);
    assert_int_equal(provider_key_pick(&p.state, 0, 1), KEY_NONE);
    assert_true(provider_is_well(&p.state, 1));
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
        cmocka_unit_test(a_provider_without_keys_is_well),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
