/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rand.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <pthread.h>
#include <string.h>

/* The first results from the state {1, 2, 3, 4}, as the authors' reference code gives them
 * (https://prng.di.unimi.it/xoshiro256starstar.c, public domain). */
static void it_is_xoshiro256_starstar(void **state)
{
    static const uint64_t want[] = {
        11520, 0, 1509978240, 1215971899390074240, 1216172134540287360, 607988272756665600};
    struct rand r = {{1, 2, 3, 4}};

    (void)state;
    for (size_t i = 0; i < COUNTOF(want); i++)
        assert_int_equal(rand_u64(&r), want[i]);
}

/* SplitMix64 from 1234567 (https://prng.di.unimi.it/splitmix64.c, public domain). */
static void a_seed_is_spread_by_splitmix64(void **state)
{
    struct rand r;

    (void)state;
    rand_init(&r, 1234567);
    assert_int_equal(r.state[0], 6457827717110365317u);
    assert_int_equal(r.state[1], 3203168211198807973u);
    assert_int_equal(r.state[2], 9817491932198370423u);
    assert_int_equal(r.state[3], 4593380528125082431u);
}

static void numbers_stay_below_their_bound(void **state)
{
    static const uint64_t bounds[] = {1, 2, 3, 10, 1000003, UINT64_MAX / 2 + 2, UINT64_MAX};
    struct rand r;

    (void)state;
    rand_init(&r, 7);
    for (size_t b = 0; b < COUNTOF(bounds); b++) {
        for (unsigned i = 0; i < 1000; i++)
            assert_true(rand_below(&r, bounds[b]) < bounds[b]);
    }
    assert_int_equal(rand_below(&r, 0), 0);
}

/* Of four draws mapped to three results, without rejection every third would get two. */
static void a_bound_that_does_not_divide_2_to_64_is_not_biased(void **state)
{
    const uint64_t bound = (uint64_t)3 << 62;
    unsigned thirds = 0;
    struct rand r;

    (void)state;
    rand_init(&r, 1);
    for (unsigned i = 0; i < 10000; i++)
        thirds += rand_below(&r, bound) % 3 == 0;
    assert_in_range(thirds, 3333 - 200, 3333 + 200);
}

static void every_result_comes_up(void **state)
{
    unsigned seen[6] = {0};
    struct rand r;

    (void)state;
    rand_init(&r, 99);
    for (unsigned i = 0; i < 6000; i++)
        seen[rand_below(&r, 6)]++;
    for (size_t i = 0; i < COUNTOF(seen); i++)
        assert_in_range(seen[i], 850, 1150);
}

static void *numbers_of_a_thread(void *arg)
{
    memcpy(arg, rand_thread(), sizeof(struct rand));
    return NULL;
}

static void two_threads_do_not_back_off_in_step(void **state)
{
    struct rand other;
    pthread_t t;

    (void)state;
    assert_int_equal(pthread_create(&t, NULL, numbers_of_a_thread, &other), 0);
    pthread_join(t, NULL);
    assert_memory_not_equal(&other, rand_thread(), sizeof(other));
    assert_ptr_equal(rand_thread(), rand_thread());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_xoshiro256_starstar),
        cmocka_unit_test(a_seed_is_spread_by_splitmix64),
        cmocka_unit_test(numbers_stay_below_their_bound),
        cmocka_unit_test(a_bound_that_does_not_divide_2_to_64_is_not_biased),
        cmocka_unit_test(every_result_comes_up),
        cmocka_unit_test(two_threads_do_not_back_off_in_step),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
