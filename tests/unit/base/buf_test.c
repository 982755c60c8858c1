/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

static void it_grows_and_keeps_what_is_in_it(void **state)
{
    struct buf b = {0};

    (void)state;
    for (unsigned i = 0; i < 10000; i++)
        assert_int_equal(buf_printf(&b, "%05u", i), 0);
    assert_int_equal(b.len, 50000);
    for (unsigned i = 0; i < 10000; i++)
        assert_true(
            str_eq(str_make(b.ptr + (size_t)i * 5 + 4, 1), str_make(&"0123456789"[i % 10], 1)));
    buf_done(&b);
}

static void it_fills_up_to_its_max_and_not_a_byte_more(void **state)
{
    struct buf b = {.max = 10};

    (void)state;
    assert_int_equal(buf_put(&b, STR("12345678")), 0);
    assert_int_equal(buf_put(&b, STR("abc")), -ENOBUFS);
    assert_true(str_eq(buf_str(&b), STR("12345678")));
    assert_int_equal(buf_put(&b, STR("ab")), 0);
    assert_int_equal(b.len, 10);
    assert_true(b.cap <= b.max);
    buf_done(&b);
    assert_int_equal(b.max, 10);
    assert_null(b.ptr);
}

static void a_length_that_overflows_is_refused(void **state)
{
    struct buf b = {0};

    (void)state;
    assert_int_equal(buf_put(&b, STR("x")), 0);
    assert_int_equal(buf_reserve(&b, SIZE_MAX), -ENOBUFS);
    assert_int_equal(buf_reserve(&b, SIZE_MAX - 1), -ENOBUFS);
    assert_int_equal(b.len, 1);
    buf_done(&b);
}

static void printf_over_the_max_leaves_it_as_it_was(void **state)
{
    struct buf b = {.max = 8};

    (void)state;
    assert_int_equal(buf_printf(&b, "%s", "1234567"), 0);
    assert_int_equal(buf_printf(&b, "%s", "8"), -ENOBUFS);
    assert_true(str_eq(buf_str(&b), STR("1234567")));
    buf_done(&b);
}

static void dropping_moves_the_rest_to_the_front(void **state)
{
    struct buf b = {0};

    (void)state;
    buf_drop(&b, 0);
    assert_int_equal(buf_put(&b, STR("headbody")), 0);
    buf_drop(&b, 4);
    assert_true(str_eq(buf_str(&b), STR("body")));
    buf_drop(&b, 4);
    assert_int_equal(b.len, 0);
    buf_done(&b);
}

static void nothing_may_be_put_anywhere(void **state)
{
    struct buf b = {0};

    (void)state;
    assert_int_equal(buf_put(&b, (struct str){NULL, 0}), 0);
    assert_int_equal(b.len, 0);
    buf_done(&b);
    buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_grows_and_keeps_what_is_in_it),
        cmocka_unit_test(it_fills_up_to_its_max_and_not_a_byte_more),
        cmocka_unit_test(a_length_that_overflows_is_refused),
        cmocka_unit_test(printf_over_the_max_leaves_it_as_it_was),
        cmocka_unit_test(dropping_moves_the_rest_to_the_front),
        cmocka_unit_test(nothing_may_be_put_anywhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
