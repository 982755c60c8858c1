/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "llm/lines.h"

struct notes {
    struct buf text; /* each line between brackets */
    int left;        /* lines until no more are wanted; < 0: all are */
};

static bool write_down(void *ctx, struct str line)
{
    struct notes *n = ctx;

    assert_int_equal(buf_printf(&n->text, "[%.*s]", STR_ARG(line)), 0);
    return n->left < 0 || --n->left > 0;
}

#define assert_notes(n, expected)                                                                  \
    do {                                                                                           \
        assert_true(str_eq(buf_str(&(n).text), STR(expected)));                                    \
        (n).text.len = 0;                                                                          \
    } while (0)

/* Wherever the network cut them. */
static void R4_lines_are_the_same_at_every_cut(void **state)
{
    const struct str all = STR("{\"a\":1}\n\r\n\n{\"b\":\"\xf0\x9f\x99\x82\"}\r\n{\"c\"\r:3}");
    struct notes n = {.left = -1};
    struct buf part = {.max = 64};

    (void)state;
    for (size_t i = 0; i <= all.len; i++) {
        assert_int_equal(lines_feed(&part, str_make(all.ptr, i), write_down, &n), 0);
        assert_int_equal(lines_feed(&part, str_skip(all, i), write_down, &n), 0);
        assert_int_equal(lines_end(&part, write_down, &n), 0);
        assert_notes(n, "[{\"a\":1}][{\"b\":\"\xf0\x9f\x99\x82\"}][{\"c\"\r:3}]");
    }
    for (size_t i = 0; i < all.len; i++)
        assert_int_equal(lines_feed(&part, str_make(all.ptr + i, 1), write_down, &n), 0);
    assert_int_equal(lines_end(&part, write_down, &n), 0);
    assert_notes(n, "[{\"a\":1}][{\"b\":\"\xf0\x9f\x99\x82\"}][{\"c\"\r:3}]");
    assert_int_equal(lines_end(&part, write_down, &n), 0);
    assert_notes(n, "");
    buf_done(&part);
    buf_done(&n.text);
}

static void R4_a_line_has_a_maximum_whole_or_in_pieces(void **state)
{
    struct notes n = {.left = -1};
    struct buf part = {.max = 4};

    (void)state;
    assert_int_equal(lines_feed(&part, STR("1234\n"), write_down, &n), 0);
    assert_notes(n, "[1234]");
    assert_int_equal(lines_feed(&part, STR("12345\n"), write_down, &n), -ENOBUFS);
    assert_int_equal(lines_feed(&part, STR("123"), write_down, &n), 0);
    assert_int_equal(lines_feed(&part, STR("45\n"), write_down, &n), -ENOBUFS);
    part.len = 0;
    assert_int_equal(lines_feed(&part, STR("12345"), write_down, &n), -ENOBUFS);
    assert_notes(n, "");
    buf_done(&part);
    buf_done(&n.text);
}

static void who_has_heard_enough_hears_no_more(void **state)
{
    struct notes n = {.left = 2};
    struct buf part = {.max = 64};

    (void)state;
    assert_int_equal(lines_feed(&part, STR("a\nb\nc\nd"), write_down, &n), -ECANCELED);
    assert_notes(n, "[a][b]");
    part.len = 0;
    n.left = 1;
    assert_int_equal(lines_feed(&part, STR("e"), write_down, &n), 0);
    assert_int_equal(lines_end(&part, write_down, &n), -ECANCELED);
    assert_notes(n, "[e]");
    buf_done(&part);
    buf_done(&n.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R4_lines_are_the_same_at_every_cut),
        cmocka_unit_test(R4_a_line_has_a_maximum_whole_or_in_pieces),
        cmocka_unit_test(who_has_heard_enough_hears_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
