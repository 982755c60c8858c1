/* The menu in the manual is the menu in the code.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <yyjson.h>

#include "sim/menu.h"
#include "sim/out.h"

#define PAGE "docs/simulator.md"

static void the_manual_ends_with_the_menu(void **state)
{
    static char page[65536];
    struct out menu = {0};
    FILE *f = fopen(PAGE, "r");
    size_t n;

    (void)state;
    assert_non_null(f);
    n = fread(page, 1, sizeof(page), f);
    fclose(f);
    sim_menu_markdown(&menu);
    if (str_find(str_make(page, n), out_str(&menu)) == NULL)
        fail_msg("%s does not end with what `dragoman sim --menu` prints", PAGE);
    buf_done(&menu.buf);
}

static void every_row_is_fit_for_a_table_and_for_JSON(void **state)
{
    struct out json = {0};
    yyjson_doc *doc;

    (void)state;
    for (unsigned f = 0; f < SIM_FAULT_COUNT; f++)
        assert_null(strchr(sim_fault_info((enum sim_fault)f)->doc, '|'));
    for (unsigned p = 0; p < SIM_PARAM_COUNT; p++)
        assert_null(strchr(sim_param_info((enum sim_param)p)->doc, '|'));
    sim_menu_json(&json);
    doc = yyjson_read(json.buf.ptr, json.buf.len, 0);
    assert_non_null(doc);
    assert_int_equal(yyjson_arr_size(yyjson_obj_get(yyjson_doc_get_root(doc), "faults")),
                     SIM_FAULT_COUNT);
    yyjson_doc_free(doc);
    buf_done(&json.buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_manual_ends_with_the_menu),
        cmocka_unit_test(every_row_is_fit_for_a_table_and_for_JSON),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
