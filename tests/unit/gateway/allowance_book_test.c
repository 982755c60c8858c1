/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/allowance_book.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <uv.h>

#define THREADS 4u
#define MODELS 600u /* more than there are slots */

static const struct conf_provider one = {.index = 0, .keys_count = 3}, two = {.index = 1};
static struct allowance_book book;

static int setup(void **state)
{
    (void)state;
    book = (struct allowance_book){.left = MODELS};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    allowance_book_done(&book);
    return 0;
}

static void a_model_of_a_provider_has_one_page(void **state)
{
    struct allowance *m = allowance_book_get(&book, &one, STR("m"));

    (void)state;
    assert_non_null(m);
    assert_int_equal((uintptr_t)m % 64, 0);
    allowance_send(&m[2], 5);
    assert_ptr_equal(allowance_book_get(&book, &one, STR("m")), m);
    assert_ptr_not_equal(allowance_book_get(&book, &two, STR("m")), m);
    assert_int_equal(allowance_book_get(&book, &one, STR("mm"))[2].of[0].sent, 0);
    assert_int_equal(book.left, MODELS - 3);
}

static void names_that_clients_make_up_take_a_limited_room(void **state)
{
    (void)state;
    book.left = 1;
    assert_non_null(allowance_book_get(&book, &one, STR("a")));
    assert_null(allowance_book_get(&book, &one, STR("b")));
    assert_non_null(allowance_book_get(&book, &one, STR("a")));
}

static void count_all(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < MODELS; i++) {
        char name[16];
        int n = snprintf(name, sizeof(name), "m%u", i);
        struct allowance *a = allowance_book_get(&book, &one, str_make(name, (size_t)n));

        assert(a != NULL);
        allowance_send(a, 1);
    }
}

static void threads_that_meet_at_a_model_share_its_page(void **state)
{
    uv_thread_t threads[THREADS];

    (void)state;
    book.left = MODELS + THREADS; /* each may hold one for a moment */
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(uv_thread_create(&threads[i], count_all, NULL), 0);
    for (unsigned i = 0; i < THREADS; i++)
        uv_thread_join(&threads[i]);
    count_all(NULL);
    assert_int_equal(book.left, THREADS);
    for (unsigned i = 0; i < MODELS; i++) {
        char name[16];
        int n = snprintf(name, sizeof(name), "m%u", i);
        const struct allowance *a = allowance_book_get(&book, &one, str_make(name, (size_t)n));

        assert_int_equal(a->of[ALLOWANCE_REQUESTS].sent, THREADS + 1);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_model_of_a_provider_has_one_page),
        TEST(names_that_clients_make_up_take_a_limited_room),
        TEST(threads_that_meet_at_a_model_share_its_page),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
