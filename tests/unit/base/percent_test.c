/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/percent.h"

static void what_a_url_cannot_carry_is_encoded(void **state)
{
    static const struct {
        struct str text, kept, encoded;
    } rows[] = {
        {STR_INIT(""), STR_INIT(""), STR_INIT("")},
        {STR_INIT("azAZ09-._~"), STR_INIT(""), STR_INIT("azAZ09-._~")},
        {STR_INIT("a:0/b c"), STR_INIT(""), STR_INIT("a%3A0%2Fb%20c")},
        {STR_INIT("a:0/b c"), STR_INIT(":/"), STR_INIT("a:0/b%20c")},
        {STR_INIT("%2F\xc3\xa9\0\x7f"), STR_INIT("/"), STR_INIT("%252F%C3%A9%00%7F")},
    };
    struct arena a = {.max = 0};

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++)
        assert_true(str_eq(percent_encode(&a, rows[i].text, rows[i].kept), rows[i].encoded));
    arena_done(&a);
}

static void what_a_url_carries_is_decoded(void **state)
{
    static const struct {
        struct str text;
        bool plus;
        struct str decoded;
    } rows[] = {
        {STR_INIT(""), false, STR_INIT("")},
        {STR_INIT("a%2Fb%3a%c3%A9"), false, STR_INIT("a/b:\xc3\xa9")},
        {STR_INIT("%, %4, %4g, %%41"), false, STR_INIT("%, %4, %4g, %A")},
        {STR_INIT("a+b%2Bc"), false, STR_INIT("a+b+c")},
        {STR_INIT("a+b%2Bc"), true, STR_INIT("a b+c")},
    };
    struct arena a = {.max = 0}, small = {.max = 8};

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++)
        assert_true(str_eq(percent_decode(&a, rows[i].text, rows[i].plus), rows[i].decoded));
    assert_null(percent_decode(&small, STR("0123456789"), false).ptr);
    arena_done(&a);
    arena_done(&small);
}

static void without_room_there_is_no_text(void **state)
{
    struct arena a = {.max = 8};

    (void)state;
    assert_null(percent_encode(&a, STR("0123456789"), STR("")).ptr);
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_url_cannot_carry_is_encoded),
        cmocka_unit_test(what_a_url_carries_is_decoded),
        cmocka_unit_test(without_room_there_is_no_text),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    arena_thread_done();
    return failed;
}
