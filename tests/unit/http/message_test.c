/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "http/message.h"

static void fields_keep_order_and_are_found_in_any_case(void **state)
{
    struct arena a = {0};
    struct http_fields f = {0};

    (void)state;
    for (int i = 0; i < 40; i++)
        assert_int_equal(http_fields_add(&f, &a, arena_printf(&a, "X-%d", i), STR("v")), 0);
    assert_int_equal(http_fields_add(&f, &a, STR("Content-Type"), STR("a")), 0);
    assert_int_equal(http_fields_add(&f, &a, STR("content-type"), STR("b")), 0);
    assert_int_equal(f.count, 42);
    assert_true(str_eq(f.at[39].name, STR("X-39")));
    assert_true(str_eq(http_fields_find(&f, STR("CONTENT-TYPE")), STR("a")));
    assert_null(http_fields_find(&f, STR("X-40")).ptr);
    arena_done(&a);
}

static void a_full_arena_is_an_error_not_a_crash(void **state)
{
    struct arena a = {.max = 4096};
    struct http_fields f = {0};
    int err = 0;

    (void)state;
    for (int i = 0; i < 1000 && err == 0; i++)
        err = http_fields_add(&f, &a, STR("a"), STR("b"));
    assert_true(err < 0);
    arena_done(&a);
}

static void tokens_are_found_in_lists(void **state)
{
    static const struct {
        struct str list, token;
        bool found;
    } rows[] = {
        {STR_INIT("close"), STR_INIT("close"), true},
        {STR_INIT("keep-alive, Close"), STR_INIT("close"), true},
        {STR_INIT(" ,,\tclose ,x"), STR_INIT("close"), true},
        {STR_INIT("closed"), STR_INIT("close"), false},
        {STR_INIT("clo se"), STR_INIT("close"), false},
        {STR_INIT(""), STR_INIT("close"), false},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct arena a = {0};
        struct http_fields f = {0};

        assert_int_equal(http_fields_add(&f, &a, STR("Connection"), STR("te")), 0);
        assert_int_equal(http_fields_add(&f, &a, STR("connection"), rows[i].list), 0);
        assert_int_equal(http_fields_has_token(&f, STR("connection"), rows[i].token),
                         rows[i].found);
        arena_done(&a);
    }
}

static void R54_hop_by_hop_fields_are_known(void **state)
{
    static const struct {
        struct str name, connection;
        bool hop;
    } rows[] = {
        {STR_INIT("Connection"), STR_INIT(""), true},
        {STR_INIT("KEEP-ALIVE"), STR_INIT(""), true},
        {STR_INIT("transfer-encoding"), STR_INIT(""), true},
        {STR_INIT("TE"), STR_INIT(""), true},
        {STR_INIT("Trailer"), STR_INIT(""), true},
        {STR_INIT("Upgrade"), STR_INIT(""), true},
        {STR_INIT("Proxy-Authorization"), STR_INIT(""), true},
        {STR_INIT("Proxy-Connection"), STR_INIT(""), true},
        {STR_INIT("X-Secret"), STR_INIT("close, x-secret"), true},
        {STR_INIT("X-Secret"), STR_INIT("close"), false},
        {STR_INIT("Proxy"), STR_INIT(""), false},
        {STR_INIT("Content-Type"), STR_INIT(""), false},
        {STR_INIT("Content-Encoding"), STR_INIT(""), false},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++)
        assert_int_equal(http_is_hop_by_hop(rows[i].name, rows[i].connection), rows[i].hop);
}

static void R54_every_connection_field_names_its_own(void **state)
{
    struct arena a = {0};
    struct http_fields f = {0};
    struct str all;

    (void)state;
    assert_null(http_fields_join(&f, &a, STR("connection")).ptr);
    assert_int_equal(http_fields_add(&f, &a, STR("Connection"), STR("close")), 0);
    assert_int_equal(http_fields_add(&f, &a, STR("X-Secret"), STR("1")), 0);
    assert_int_equal(http_fields_add(&f, &a, STR("connection"), STR("x-secret")), 0);
    all = http_fields_join(&f, &a, STR("connection"));
    assert_true(str_eq(all, STR("close,x-secret")));
    assert_true(http_is_hop_by_hop(STR("X-Secret"), all));
    arena_done(&a);
}

static void R54_values_with_line_ends_are_unsafe(void **state)
{
    (void)state;
    assert_true(http_value_is_safe(STR("a\tb \x80")));
    assert_true(http_value_is_safe(STR("")));
    assert_false(http_value_is_safe(STR("a\rb")));
    assert_false(http_value_is_safe(STR("a\nb")));
    assert_false(http_value_is_safe(STR("a\0b")));
    assert_false(http_value_is_safe(STR("a\x01")));
    assert_false(http_value_is_safe(STR("\x7f")));
}

static void dates_of_all_three_forms_are_read(void **state)
{
    static const struct {
        struct str text;
        bool good;
        int64_t seconds;
    } rows[] = {
        /* RFC 9110 section 5.6.7 */
        {STR_INIT("Sun, 06 Nov 1994 08:49:37 GMT"), true, 784111777},
        {STR_INIT("Sunday, 06-Nov-94 08:49:37 GMT"), true, 784111777},
        {STR_INIT("Sun Nov  6 08:49:37 1994"), true, 784111777},
        {STR_INIT("Wed, 16 Nov 2033 08:49:37 GMT"), true, 2015743777},
        {STR_INIT("Wed Nov 16 08:49:37 2033"), true, 2015743777},
        {STR_INIT("Wednesday, 16-Nov-33 08:49:37 GMT"), true, 2015743777},
        {STR_INIT("Sun, 06 Nov 1994 08:49:37 EST"), false, 0},
        {STR_INIT("Sun, 06 Nov 1994 08:49:37 GMT "), false, 0},
        {STR_INIT("Sun, 6 Nov 1994 08:49:37 GMT"), false, 0},
        {STR_INIT("Sun, 00 Nov 1994 08:49:37 GMT"), false, 0},
        {STR_INIT("Sun, 06 Nov 1994 24:49:37 GMT"), false, 0},
        {STR_INIT("Nonday, 06 Nov 1994 08:49:37 GMT"), false, 0},
        {STR_INIT("120"), false, 0},
        {STR_INIT(""), false, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        int64_t s = 0;

        assert_int_equal(http_date_parse(rows[i].text, &s), rows[i].good);
        assert_int_equal(s, rows[i].seconds);
    }
}

static void dates_are_written_as_they_are_read(void **state)
{
    static const int64_t rows[] = {0, 784111777, 951782400, 1709164800, 4102444799};

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        char text[HTTP_DATE_BYTES];
        int64_t back = -1;

        http_date_write(rows[i], text);
        assert_true(http_date_parse((struct str){text, sizeof(text)}, &back));
        assert_int_equal(back, rows[i]);
    }
}

static void reasons_are_known_or_neutral(void **state)
{
    (void)state;
    assert_true(str_eq(http_reason(404), STR("Not Found")));
    assert_true(str_eq(http_reason(200), STR("OK")));
    assert_true(str_eq(http_reason(299), STR("Status")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_keep_order_and_are_found_in_any_case),
        cmocka_unit_test(a_full_arena_is_an_error_not_a_crash),
        cmocka_unit_test(tokens_are_found_in_lists),
        cmocka_unit_test(R54_hop_by_hop_fields_are_known),
        cmocka_unit_test(R54_every_connection_field_names_its_own),
        cmocka_unit_test(R54_values_with_line_ends_are_unsafe),
        cmocka_unit_test(dates_of_all_three_forms_are_read),
        cmocka_unit_test(dates_are_written_as_they_are_read),
        cmocka_unit_test(reasons_are_known_or_neutral),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
