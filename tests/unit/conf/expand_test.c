/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "conf/expand.h"
#include "conf_helper.h"

static const char *const vars[] = {"A", "one", "EMPTY", "", "NESTED", "${A}", "_x9", "u", NULL};

static void variables_are_replaced(void **state)
{
    static const struct {
        const char *text, *becomes;
    } rows[] = {
        {"", ""},
        {"plain $A {A} $", "plain $A {A} $"},
        {"${A}", "one"},
        {"x${A}y${_x9}z", "xoneyuz"},
        {"${A:-two}", "one"},
        {"${NONE:-two}", "two"},
        {"${NONE:-}", ""},
        {"${EMPTY}", ""},
        {"${EMPTY:-two}", "two"},
        {"${NONE:-a:-b}", "a:-b"},
        {"${NONE:-http://h:1/p}", "http://h:1/p"},
        {"${NESTED}", "${A}"}, /* what a variable holds is not looked at again */
        {"$${A}", "${A}"},
        {"$$", "$$"},
        {"a$${b}${A}", "a${b}one"},
    };
    struct arena a = {0};

    (void)state;
    variables = vars;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct str out;
        const char *why = NULL;

        if (!expand_text(&a, str_from(rows[i].text), env, &out, &why))
            fail_msg("%s: %s", rows[i].text, why);
        assert_str(out, rows[i].becomes);
    }
    arena_done(&a);
}

static void R56_what_cannot_be_replaced_is_refused(void **state)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"${NONE}", "the variable NONE is not set; set it, or give a default: ${NONE:-default}"},
        {"a${A}${NONE}", "the variable NONE is not set"},
        {"${A", "${ without its }"},
        {"${}", "not a variable"},
        {"${1A}", "not a variable"},
        {"${A B}", "not a variable"},
        {"${A-b}", "not a variable"},
        {"${:-b}", "not a variable"},
        {"${A:b}", "not a variable"},
    };
    struct arena a = {0};

    (void)state;
    variables = vars;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct str out;
        const char *why = "";

        assert_false(expand_text(&a, str_from(rows[i].text), env, &out, &why));
        if (strstr(why, rows[i].why) == NULL)
            fail_msg("%s: %s", rows[i].text, why);
    }
    arena_done(&a);
}

static void a_value_has_a_maximum(void **state)
{
    static char huge[EXPAND_BYTES_MAX + 2];
    static const char *const much[] = {"HUGE", huge, NULL};
    struct arena a = {0};
    struct str out;
    const char *why = "";

    (void)state;
    memset(huge, 'x', EXPAND_BYTES_MAX);
    variables = much;
    assert_true(expand_text(&a, STR("${HUGE}"), env, &out, &why));
    assert_false(expand_text(&a, STR("${HUGE}y"), env, &out, &why));
    assert_string_equal(why, "the value is longer than 64 KiB");
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(variables_are_replaced),
        cmocka_unit_test(R56_what_cannot_be_replaced_is_refused),
        cmocka_unit_test(a_value_has_a_maximum),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
