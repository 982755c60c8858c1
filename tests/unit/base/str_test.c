/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

static const struct str nothing = {NULL, 0};

static void equality_is_of_bytes_and_lengths(void **state)
{
    (void)state;
    assert_true(str_eq(STR("a\0b"), STR("a\0b")));
    assert_false(str_eq(STR("a\0b"), STR("a\0c")));
    assert_false(str_eq(STR("ab"), STR("a")));
    assert_true(str_eq(nothing, STR("")));
    assert_true(str_eq(str_from(NULL), nothing));
    assert_true(str_eq(str_from("abc"), STR("abc")));
}

static void case_is_ignored_for_ascii_alone(void **state)
{
    (void)state;
    assert_true(str_eq_nocase(STR("Content-Type"), STR("content-TYPE")));
    assert_false(str_eq_nocase(STR("content-type"), STR("content-typ")));
    assert_false(str_eq_nocase(STR("\xc3\x84"), STR("\xc3\xa4"))); /* A and a with dots */
    assert_false(str_eq_nocase(STR("["), STR("{")));               /* 0x20 apart, no letters */
    assert_false(str_eq_nocase(STR("@"), STR("`")));
    assert_true(str_eq_nocase(nothing, nothing));
}

static void a_prefix_is_no_longer_than_the_whole(void **state)
{
    (void)state;
    assert_true(str_starts(STR("/v1/models"), STR("/v1/")));
    assert_true(str_starts(STR("/v1/"), STR("/v1/")));
    assert_true(str_starts(STR("x"), nothing));
    assert_false(str_starts(STR("/v1"), STR("/v1/")));
    assert_false(str_starts(nothing, STR("/")));
}

static void skipping_past_the_end_leaves_nothing(void **state)
{
    (void)state;
    assert_true(str_eq(str_skip(STR("abc"), 1), STR("bc")));
    assert_int_equal(str_skip(STR("abc"), 3).len, 0);
    assert_int_equal(str_skip(STR("abc"), 4).len, 0);
    assert_int_equal(str_skip(nothing, 1).len, 0);
}

static void a_cut_is_at_the_first_separator(void **state)
{
    struct str head, tail;

    (void)state;
    assert_true(str_cut(STR("a/b/c"), '/', &head, &tail));
    assert_true(str_eq(head, STR("a")) && str_eq(tail, STR("b/c")));
    assert_true(str_cut(STR("a/"), '/', &head, &tail));
    assert_true(str_eq(head, STR("a")) && tail.len == 0);
    assert_false(str_cut(STR("abc"), '/', &head, &tail));
    assert_true(str_eq(head, STR("abc")) && tail.len == 0);
    assert_false(str_cut(nothing, '/', &head, &tail));
    assert_int_equal(head.len, 0);
}

static void trim_takes_blanks_off_both_ends_only(void **state)
{
    (void)state;
    assert_true(str_eq(str_trim(STR(" \ta b\t ")), STR("a b")));
    assert_true(str_eq(str_trim(STR("\r\n")), STR("\r\n")));
    assert_int_equal(str_trim(STR(" \t ")).len, 0);
    assert_int_equal(str_trim(nothing).len, 0);
}

static void only_whole_decimal_numbers_are_numbers(void **state)
{
    static const struct str bad[] = {
        STR_INIT(""),   STR_INIT("-1"),       STR_INIT("+1"),   STR_INIT(" 1"),
        STR_INIT("1 "), STR_INIT("1a"),       STR_INIT("0x10"), STR_INIT("1234567890123456789"),
        STR_INIT("1."), STR_INIT("\xd9\xa1"),
    };
    uint64_t n = 77;

    (void)state;
    for (size_t i = 0; i < COUNTOF(bad); i++)
        assert_false(str_to_u64(bad[i], &n));
    assert_int_equal(n, 77);
    assert_true(str_to_u64(STR("0"), &n));
    assert_int_equal(n, 0);
    assert_true(str_to_u64(STR("999999999999999999"), &n));
    assert_int_equal(n, 999999999999999999);
    assert_true(str_to_u64(STR("007"), &n));
    assert_int_equal(n, 7);
}

static void a_needle_is_found_where_it_starts(void **state)
{
    struct str s = STR("one \"usage\": null");

    (void)state;
    assert_ptr_equal(str_find(s, STR("\"usage\"")), s.ptr + 4);
    assert_ptr_equal(str_find(s, STR("one")), s.ptr);
    assert_ptr_equal(str_find(s, nothing), s.ptr);
    assert_null(str_find(s, STR("nulls")));
    assert_null(str_find(nothing, STR("x")));
}

static void a_needle_is_found_wherever_memmem_finds_it(void **state)
{
    char text[200];
    uint32_t seed = 1;

    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        struct str s = {text, round % sizeof(text)}, needle;

        for (size_t i = 0; i < s.len; i++) {
            seed = seed * 1664525u + 1013904223u;
            text[i] = "ab"[seed >> 16 & 1];
        }
        seed = seed * 1664525u + 1013904223u;
        needle = STR("abbabaabbabab");
        needle.len = 1 + (seed >> 16) % needle.len;
        if (s.len > 20 && round % 3 == 0)
            memcpy(text + s.len - needle.len, needle.ptr, needle.len);
        assert_ptr_equal(str_find(s, needle), memmem(s.ptr, s.len, needle.ptr, needle.len));
    }
}

static void secrets_are_equal_only_when_every_byte_is(void **state)
{
    (void)state;
    assert_true(str_eq_secret(STR("sk-123"), STR("sk-123")));
    assert_true(str_eq_secret(nothing, STR("")));
    assert_false(str_eq_secret(STR("sk-123"), STR("tk-123")));
    assert_false(str_eq_secret(STR("sk-123"), STR("sk-124")));
    assert_false(str_eq_secret(STR("sk-123"), STR("sk-12")));
    assert_false(str_eq_secret(STR("sk-123"), nothing));
    assert_false(str_eq_secret(STR("\x01"), STR("\x81")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equality_is_of_bytes_and_lengths),
        cmocka_unit_test(case_is_ignored_for_ascii_alone),
        cmocka_unit_test(a_prefix_is_no_longer_than_the_whole),
        cmocka_unit_test(skipping_past_the_end_leaves_nothing),
        cmocka_unit_test(a_cut_is_at_the_first_separator),
        cmocka_unit_test(trim_takes_blanks_off_both_ends_only),
        cmocka_unit_test(only_whole_decimal_numbers_are_numbers),
        cmocka_unit_test(a_needle_is_found_where_it_starts),
        cmocka_unit_test(a_needle_is_found_wherever_memmem_finds_it),
        cmocka_unit_test(secrets_are_equal_only_when_every_byte_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
