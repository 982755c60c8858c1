/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define TARGETS 3u
#define REQUESTS 10000u

/* Three targets at three providers of one key each, as a configuration would freeze them. */
struct world {
    struct conf_provider providers[TARGETS];
    struct conf_target targets[TARGETS];
    struct conf_model alias;
    struct target_state *target_states;
    struct provider_state *provider_states;
    atomic_uint_fast64_t benched[TARGETS];
    struct str keys[TARGETS];
    struct allowance allowances[TARGETS];
    struct candidate at[ROUTE_MAX];
    struct route route;
};

static void world_init(struct world *w, enum conf_strategy strategy, const uint32_t *weights)
{
    *w = (struct world){0};
    w->target_states = aligned_alloc(64, TARGETS * sizeof(*w->target_states));
    w->provider_states = aligned_alloc(64, TARGETS * sizeof(*w->provider_states));
    memset(w->target_states, 0, TARGETS * sizeof(*w->target_states));
    memset(w->provider_states, 0, TARGETS * sizeof(*w->provider_states));
    for (uint32_t i = 0; i < TARGETS; i++) {
        w->keys[i] = STR("key");
        w->providers[i] = (struct conf_provider){.index = i, .keys = &w->keys[i], .keys_count = 1};
        w->targets[i] =
            (struct conf_target){.index = i, .provider = &w->providers[i], .weight = weights[i]};
        w->provider_states[i].conf = &w->providers[i];
        w->provider_states[i].benched = &w->benched[i];
        w->target_states[i].allowances = &w->allowances[i];
    }
    w->alias =
        (struct conf_model){.strategy = strategy, .targets = w->targets, .targets_count = TARGETS};
    w->route.at = w->at;
}

static void world_done(struct world *w)
{
    free(w->target_states);
    free(w->provider_states);
}

static void ask_again(struct world *w, uint32_t ticket, uint64_t now)
{
    struct route_states st = {w->target_states, w->provider_states};

    w->route = (struct route){.at = w->at};
    route_append(&w->route, &w->alias, &st, ticket, now);
}

static uint32_t first(struct world *w, uint32_t ticket, uint64_t now)
{
    uint64_t wait;

    ask_again(w, ticket, now);
    return route_next(&w->route, now, &wait)->target->index;
}

static void R69_weights_are_exact_over_ten_thousand_requests(void **state)
{
    static const uint32_t weights[TARGETS] = {60, 30, 10};
    static const uint32_t starts[] = {0, 1, 12345, UINT32_MAX - 5000};
    struct world w;

    (void)state;
    world_init(&w, STRATEGY_WEIGHTED, weights);
    for (size_t s = 0; s < COUNTOF(starts); s++) {
        uint32_t got[TARGETS] = {0};

        for (uint32_t i = 0; i < REQUESTS; i++)
            got[first(&w, starts[s] + i, 1)]++;
        for (uint32_t i = 0; i < TARGETS; i++) {
            uint32_t want = weights[i] * REQUESTS / 100;

            assert_in_range(got[i], want * 97 / 100, want * 103 / 100);
        }
    }
    world_done(&w);
}

static void R69_the_rest_keep_their_proportions_when_one_rests(void **state)
{
    static const uint32_t weights[TARGETS] = {60, 30, 10};
    uint32_t got[TARGETS] = {0};
    struct world w;

    (void)state;
    world_init(&w, STRATEGY_WEIGHTED, weights);
    w.target_states[0].rest_until_ms = 100;
    for (uint32_t i = 0; i < REQUESTS; i++)
        got[first(&w, i, 50)]++;
    assert_int_equal(got[0], 0);
    assert_in_range(got[1], 7275, 7725);
    assert_in_range(got[2], 2425, 2575);
    world_done(&w);
}

static void R69_weight_zero_is_never_asked(void **state)
{
    static const uint32_t weights[TARGETS] = {1, 0, 1};
    struct world w;

    (void)state;
    world_init(&w, STRATEGY_WEIGHTED, weights);
    for (uint32_t i = 0; i < REQUESTS; i++) {
        ask_again(&w, i, 1);
        for (uint32_t k = 0; k < w.route.count; k++)
            assert_int_not_equal(w.route.at[k].target->index, 1);
    }
    world_done(&w);
    world_init(&w, STRATEGY_ORDERED, weights);
    ask_again(&w, 0, 1);
    assert_int_equal(w.route.count, 2);
    world_done(&w);
}

static void each_target_is_asked_once_before_any_is_asked_again(void **state)
{
    static const uint32_t weights[TARGETS] = {60, 30, 10};
    struct world w;
    uint64_t wait;

    (void)state;
    world_init(&w, STRATEGY_WEIGHTED, weights);
    for (uint32_t ticket = 0; ticket < 1000; ticket++) {
        uint32_t seen = 0;

        ask_again(&w, ticket, 1);
        for (uint32_t i = 0; i < TARGETS; i++) {
            struct candidate *c = route_next(&w.route, 1, &wait);

            assert_int_equal(wait, 0);
            seen |= 1u << c->target->index;
            c->asked++;
            c->not_before_ms = 1000 - 100 * i;
        }
        assert_int_equal(seen, 7);
        assert_int_equal(route_next(&w.route, 1, &wait)->not_before_ms, 800);
        assert_int_equal(wait, 799);
    }
    world_done(&w);
}

static void ordered_keeps_the_order_and_puts_the_resting_last(void **state)
{
    static const uint32_t weights[TARGETS] = {1, 1, 1};
    struct world w;

    (void)state;
    world_init(&w, STRATEGY_ORDERED, weights);
    assert_int_equal(first(&w, 7, 1), 0);
    w.target_states[0].rest_until_ms = 100;
    assert_int_equal(first(&w, 7, 99), 1);
    assert_int_equal(w.route.at[2].target->index, 0);
    assert_int_equal(first(&w, 7, 100), 0);
    world_done(&w);
}

static void a_group_whose_targets_all_rest_is_still_asked(void **state)
{
    static const uint32_t weights[TARGETS] = {1, 1, 1};
    struct world w;
    uint64_t wait;

    (void)state;
    world_init(&w, STRATEGY_ORDERED, weights);
    for (uint32_t i = 0; i < TARGETS; i++)
        w.target_states[i].rest_until_ms = 100;
    ask_again(&w, 0, 1);
    assert_non_null(route_next(&w.route, 1, &wait));
    assert_int_equal(wait, 0);
    world_done(&w);
}

static void R13_a_target_whose_only_key_is_benched_comes_after_the_others(void **state)
{
    static const uint32_t weights[TARGETS] = {1, 1, 1};
    struct world w;

    (void)state;
    world_init(&w, STRATEGY_ORDERED, weights);
    provider_key_bench(&w.provider_states[0], 0, 100);
    assert_int_equal(first(&w, 0, 50), 1);
    assert_int_equal(first(&w, 0, 101), 0);
    world_done(&w);
}

/* Its last answer, at 0, said how much is left until then. */
static void leave(struct world *w, uint32_t target, uint64_t requests, uint64_t tokens,
                  uint64_t until_ms)
{
    struct allowance *a = &w->allowances[target];
    struct allowance_mark mark = allowance_send(a, 1);
    struct allowance_told told = {{{true, requests, 0, until_ms}, {true, tokens, 0, until_ms}}};

    allowance_learn(a, &mark, &told, 60000, 0);
}

static void ordered_asks_who_has_nothing_left_behind_the_others(void **state)
{
    static const uint32_t weights[TARGETS] = {1, 1, 1};
    struct world w;

    (void)state;
    world_init(&w, STRATEGY_ORDERED, weights);
    leave(&w, 0, 0, 1000, 100);
    assert_int_equal(first(&w, 0, 50), 1);
    assert_ptr_equal(w.route.passed, &w.route.at[0]);
    leave(&w, 1, 1000, 0, 100);
    assert_int_equal(first(&w, 0, 50), 2);
    assert_int_equal(first(&w, 0, 100), 0);
    assert_null(w.route.passed);
    world_done(&w);
}

static void who_has_nothing_left_is_asked_before_who_rests(void **state)
{
    static const uint32_t weights[TARGETS] = {1, 1, 1};
    struct world w;

    (void)state;
    world_init(&w, STRATEGY_ORDERED, weights);
    w.target_states[0].rest_until_ms = 60;
    leave(&w, 1, 0, 1000, 900);
    leave(&w, 2, 0, 1000, 800);
    assert_int_equal(first(&w, 0, 50), 2); /* the one that is free first */
    assert_null(w.route.passed);
    assert_int_equal(first(&w, 0, 60), 0);
    world_done(&w);
}

static void who_has_too_few_tokens_for_this_request_is_asked_behind_the_others(void **state)
{
    static const uint32_t weights[TARGETS] = {1, 1, 1};
    struct world w;
    uint64_t wait;

    (void)state;
    world_init(&w, STRATEGY_ORDERED, weights);
    leave(&w, 0, 1000, 500, 100);
    ask_again(&w, 0, 50);
    w.route.tokens = 500;
    assert_int_equal(route_next(&w.route, 50, &wait)->target->index, 0);
    w.route.tokens = 501;
    assert_int_equal(route_next(&w.route, 50, &wait)->target->index, 1);
    world_done(&w);
}

static void R69_the_rest_keep_their_proportions_when_one_has_nothing_left(void **state)
{
    static const uint32_t weights[TARGETS] = {60, 30, 10};
    uint32_t got[TARGETS] = {0};
    struct world w;

    (void)state;
    world_init(&w, STRATEGY_WEIGHTED, weights);
    leave(&w, 0, 0, 1000, 100);
    for (uint32_t i = 0; i < REQUESTS; i++)
        got[first(&w, i, 50)]++;
    assert_int_equal(got[0], 0);
    assert_in_range(got[1], 7275, 7725);
    assert_in_range(got[2], 2275, 2725);
    world_done(&w);
}

static void candidates_that_are_out_are_not_asked(void **state)
{
    static const uint32_t weights[TARGETS] = {1, 1, 1};
    struct world w;
    uint64_t wait;

    (void)state;
    world_init(&w, STRATEGY_ORDERED, weights);
    ask_again(&w, 0, 1);
    for (uint32_t i = 0; i < TARGETS; i++)
        w.route.at[i].out = true;
    assert_null(route_next(&w.route, 1, &wait));
    world_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R69_weights_are_exact_over_ten_thousand_requests),
        cmocka_unit_test(R69_the_rest_keep_their_proportions_when_one_rests),
        cmocka_unit_test(R69_weight_zero_is_never_asked),
        cmocka_unit_test(each_target_is_asked_once_before_any_is_asked_again),
        cmocka_unit_test(ordered_keeps_the_order_and_puts_the_resting_last),
        cmocka_unit_test(a_group_whose_targets_all_rest_is_still_asked),
        cmocka_unit_test(R13_a_target_whose_only_key_is_benched_comes_after_the_others),
        cmocka_unit_test(ordered_asks_who_has_nothing_left_behind_the_others),
        cmocka_unit_test(who_has_nothing_left_is_asked_before_who_rests),
        cmocka_unit_test(who_has_too_few_tokens_for_this_request_is_asked_behind_the_others),
        cmocka_unit_test(R69_the_rest_keep_their_proportions_when_one_has_nothing_left),
        cmocka_unit_test(candidates_that_are_out_are_not_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
