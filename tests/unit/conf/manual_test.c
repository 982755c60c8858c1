/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "conf/settings.h"
#include "conf_helper.h"

#define PAGE "docs/configuration.md"

static struct buf manual;

/* DRAGOMAN_WRITE_MANUAL=1 writes the page instead. */
static void the_committed_page_is_what_the_table_says(void **state)
{
    static char page[262144];
    bool writing = getenv("DRAGOMAN_WRITE_MANUAL") != NULL;
    FILE *f = fopen(PAGE, writing ? "w" : "r");
    size_t n;

    (void)state;
    assert_non_null(f);
    n = writing ? fwrite(manual.ptr, 1, manual.len, f) : fread(page, 1, sizeof(page), f);
    fclose(f);
    assert_int_equal(n, manual.len);
    if (!writing)
        assert_memory_equal(page, manual.ptr, n);
}

static void find_rows(const struct table *t)
{
    char row[128];

    for (uint32_t i = 0; i < t->count; i++) {
        const struct setting *s = &t->rows[i];

        assert_true(s->type == TYPE_LATER || strlen(s->help) > 10);
        assert_null(strchr(s->help, '|')); /* it would break the table */
        if (s->table != NULL)              /* a chapter of its own */
            snprintf(row, sizeof(row), "%s", s->name);
        else
            snprintf(row, sizeof(row), s->type == TYPE_LATER ? "`%s`" : "| `%s` |", s->name);
        assert_non_null(memmem(manual.ptr, manual.len, row, strlen(row)));
        if (s->table != NULL)
            find_rows(s->table);
    }
}

static void every_setting_is_in_the_manual(void **state)
{
    (void)state;
    find_rows(&settings_top);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_committed_page_is_what_the_table_says),
        cmocka_unit_test(every_setting_is_in_the_manual),
    };
    int failed = conf_manual(&manual);

    if (failed == 0)
        failed = cmocka_run_group_tests(tests, NULL, NULL);
    buf_done(&manual);
    return failed;
}
