/* SPDX-License-Identifier: Apache-2.0 */
#include "base/decimal.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void check(uint64_t n)
{
    char text[DECIMAL_BYTES_MAX], want[DECIMAL_BYTES_MAX + 1];
    struct str got = decimal_write(n, text);

    (void)snprintf(want, sizeof(want), "%" PRIu64, n);
    assert_true(str_eq(got, str_from(want)));
}

static void numbers_are_written_as_printf_would(void **state)
{
    (void)state;
    check(0);
    check(UINT64_MAX);
    for (uint64_t n = 1; n < UINT64_MAX / 10; n *= 10) { /* where the digits become one more */
        check(n - 1);
        check(n);
        check(n * 9 + 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(numbers_are_written_as_printf_would)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
