/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fault.h"

#include <ctype.h>
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#define each_fault(f) for (enum fault f = FAULT_NONE + 1; f < FAULT_COUNT; f++)

static void every_fault_has_a_wire_code_of_its_own(void **state)
{
    (void)state;
    each_fault(a)
    {
        const char *wire = fault_info(a)->wire;

        assert_true(strlen(wire) > 0);
        for (const char *p = wire; *p != '\0'; p++) /* a metric label and a log word as well */
            assert_true(islower((unsigned char)*p) || *p == '_');
        each_fault(b) assert_true(a == b || strcmp(wire, fault_info(b)->wire) != 0);
    }
}

static void every_fault_is_an_error_in_http_and_in_the_manual(void **state)
{
    (void)state;
    each_fault(f)
    {
        const struct fault_info *info = fault_info(f);

        assert_in_range(info->http, 400, 599);
        assert_true(strlen(info->type) > 0);
        assert_int_equal(info->manual[strlen(info->manual) - 1] == '.' ||
                             info->manual[strlen(info->manual) - 1] == ')',
                         1);
    }
}

/* The client's own mistake would be made again at any target, and costs money there. */
static void R13_what_the_client_did_is_not_tried_again(void **state)
{
    (void)state;
    each_fault(f)
    {
        const struct fault_info *info = fault_info(f);

        if (info->remedy != REMEDY_STOP)
            assert_int_not_equal(info->blame, BLAME_CLIENT);
        if (info->blame == BLAME_CLIENT)
            assert_true(info->http < 500);
    }
    assert_int_equal(fault_info(FAULT_UPSTREAM_REFUSED)->remedy, REMEDY_STOP);
    assert_int_equal(fault_info(FAULT_UPSTREAM_KEY)->remedy, REMEDY_NEXT_KEY);
    assert_int_equal(fault_info(FAULT_UPSTREAM_MODEL)->remedy, REMEDY_NEXT_TARGET);
    assert_int_equal(fault_info(FAULT_UPSTREAM_RATE)->remedy, REMEDY_RETRY);
}

static void no_fault_is_ok(void **state)
{
    (void)state;
    assert_string_equal(fault_info(FAULT_NONE)->wire, "ok");
    assert_int_equal(fault_info(FAULT_NONE)->http, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fault_has_a_wire_code_of_its_own),
        cmocka_unit_test(every_fault_is_an_error_in_http_and_in_the_manual),
        cmocka_unit_test(R13_what_the_client_did_is_not_tried_again),
        cmocka_unit_test(no_fault_is_ok),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
