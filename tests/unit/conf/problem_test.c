/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "conf/problem.h"
#include "conf_helper.h"

static void R56_the_line_begins_with_file_line_and_column(void **state)
{
    struct problems p = {.file = "a.yaml", .report = keep, .ctx = &told};

    (void)state;
    memset(&told, 0, sizeof(told));
    problem_at(&p, 3, 7, "wrong: %d", 5);
    problem_at(&p, 0, 0, "all of it");
    problem_flush(&p);
    assert_string_equal(told.text, "a.yaml: all of it\na.yaml:3:7: wrong: 5\n");
    assert_int_equal(p.count, 2);
}

static void problems_are_told_in_the_order_of_the_file(void **state)
{
    struct problems p = {.file = "a", .report = keep, .ctx = &told};

    (void)state;
    memset(&told, 0, sizeof(told));
    problem_at(&p, 3, 2, "third");
    problem_at(&p, 2, 9, "second");
    problem_at(&p, 3, 2, "after third");
    problem_at(&p, 2, 1, "first");
    problem_flush(&p);
    assert_string_equal(told.text,
                        "a:2:1: first\na:2:9: second\na:3:2: third\na:3:2: after third\n");
}

static void a_muted_problem_is_neither_told_nor_counted(void **state)
{
    struct problems p = {.file = "a", .report = keep, .ctx = &told, .muted = true};

    (void)state;
    memset(&told, 0, sizeof(told));
    problem_at(&p, 1, 1, "x");
    problem_flush(&p);
    assert_int_equal(told.count, 0);
    assert_int_equal(p.count, 0);
}

static void a_terminal_gets_no_control_characters(void **state)
{
    struct problems p = {.file = "a", .report = keep, .ctx = &told};

    (void)state;
    memset(&told, 0, sizeof(told));
    problem_at(&p, 1, 1, "%s", problem_quote(STR("a\033[2Jb\nc")).text);
    problem_flush(&p);
    assert_string_equal(told.text, "a:1:1: `a?[2Jb?c`\n");
}

static void a_flood_ends_in_one_last_line(void **state)
{
    struct problems p = {.file = "a", .report = keep, .ctx = &told};

    (void)state;
    memset(&told, 0, sizeof(told));
    for (int i = 0; i < 5000; i++)
        problem_at(&p, 1, 1, "x");
    problem_flush(&p);
    assert_int_equal(told.count, 101);
    assert_non_null(strstr(told.text, "a: and 4900 more; mend these first\n"));
    assert_int_equal(p.count, 5000);
    assert_true(problem_is_deaf(&p));
}

static void a_long_quote_is_cut_between_characters(void **state)
{
    char text[200];
    struct quoted q;

    (void)state;
    memset(text, 'a', sizeof(text));
    memcpy(text + 62, "\xe2\x82\xac", 3); /* a euro sign over the cut */
    q = problem_quote((struct str){text, sizeof(text)});
    assert_int_equal(strlen(q.text), 1 + 62 + 3 + 1);
    assert_string_equal(q.text + 63, "…`");
}

static void a_path_that_is_too_long_does_not_hide_the_message(void **state)
{
    static char path[4000];
    struct problems p = {.file = path, .report = keep, .ctx = &told};

    (void)state;
    memset(&told, 0, sizeof(told));
    memset(path, 'p', sizeof(path) - 1);
    problem_at(&p, 1, 1, "what is wrong");
    problem_flush(&p);
    assert_non_null(strstr(told.text, "p:1:1: what is wrong\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R56_the_line_begins_with_file_line_and_column),
        cmocka_unit_test(problems_are_told_in_the_order_of_the_file),
        cmocka_unit_test(a_muted_problem_is_neither_told_nor_counted),
        cmocka_unit_test(a_terminal_gets_no_control_characters),
        cmocka_unit_test(a_flood_ends_in_one_last_line),
        cmocka_unit_test(a_long_quote_is_cut_between_characters),
        cmocka_unit_test(a_path_that_is_too_long_does_not_hide_the_message),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
