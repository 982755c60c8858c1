/* A JSON number as the nearest float: strtof() is right, and slow. SPDX-License-Identifier:
 * Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/float32.h"
#include "base/rand.h"

static void must_read(const char *text)
{
    float want = strtof(text, NULL), got = float32_read(str_make(text, strcspn(text, ",")));
    uint32_t a, b;

    memcpy(&a, &want, sizeof(a));
    memcpy(&b, &got, sizeof(b));
    if (a != b)
        fail_msg("%s: %.9g, not %.9g", text, (double)got, (double)want);
}

static void numbers_of_all_kinds(void **state)
{
    static const char *const texts[] = {
        "0,",
        "-0,",
        "-0.0,",
        "0e5,",
        "1,",
        "-1,",
        "1.5,",
        "0.1,",
        "1e5,",
        "1E+5,",
        "1e-05,",
        "123456789,",
        "0.033020020,",
        "-0.000377655030,",
        "1e22,",
        "1e23,",
        "1e-22,",
        "1e-23,",
        "1e38,",
        "3.4028235e38,",
        "3.4028236e38,",
        "1e39,",
        "-1e39,",
        "1e-38,",
        "1.17549435e-38,",
        "1e-45,",
        "1e-46,",
        "1e-400,",
        "1e400,",
        "1e99999999999999999999,",
        "0e99999999999999999999,",
        /* half-way between two floats, and a little beside */
        "16777217,",
        "16777217.0000000001,",
        "16777216.999999999,",
        "16777219,",
        "16777217e0,",
        "1.00000005960464477539,",
        "1.000000059604644775390625,",
        "1.0000000596046447753906251,",
        "1.0000000596046447753906249,",
        "0.50000002980232238769531250000000001,",
        /* more digits than a uint64_t has */
        "0.10000000000000000555,",
        "12345678901234567890,",
        "18446744073709551615,",
        "18446744073709551616,",
        "9999999999999999999,",
        "0.00000000000000000000123456789,",
        "100000000000000000000000000000000000000,",
        "0.1234567890123456789,",
        "0.12345678901234567890123456789,",
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(texts); i++)
        must_read(texts[i]);
}

static double any_double(struct rand *r)
{
    double d = (double)rand_u64(r) / 18446744073709551616.0 - 0.5;
    float f = (float)d;

    switch (rand_u64(r) % 4) {
    case 0:
        return d / 10;
    case 1:
        return (double)f;
    case 2: /* half-way to the next one: with its last digits cut, a little beside that */
        return ((double)f + (double)nextafterf(f, 1)) / 2;
    default:
        return d * (rand_u64(r) % 2 != 0 ? 1e10 : 1e-10);
    }
}

static void a_million_numbers_are_as_strtof_has_them(void **state)
{
    struct rand r;
    char text[400];

    (void)state;
    rand_init(&r, 5);
    for (unsigned i = 0; i < 1000000; i++) {
        double d = any_double(&r);

        int digits = (int)(5 + rand_u64(&r) % 18);

        if (i % 2 == 0)
            snprintf(text, sizeof(text), "%.*g,", digits, d);
        else
            snprintf(text, sizeof(text), "%.*f,", digits, d);
        must_read(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_of_all_kinds),
        cmocka_unit_test(a_million_numbers_are_as_strtof_has_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
