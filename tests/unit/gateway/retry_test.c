/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/retry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define NOW_S 784111776 /* one second before 1994-11-06 08:49:37 */

static uint64_t after(const char *name, const char *value)
{
    struct http_field at[1] = {{str_from(name), str_from(value)}};
    struct http_fields f = {at, 1, 1};

    return retry_after_ms(&f, NOW_S);
}

static void R12_retry_after_is_read_in_every_form(void **state)
{
    static const struct {
        const char *name, *value;
        uint64_t want;
        const char *because;
    } rows[] = {
        {"retry-after", "2", 2000, "seconds"},
        {"Retry-After", "120", 120000, "any case of the name"},
        {"retry-after", "1.5", 1500, "a fraction of a second"},
        {"retry-after", "Sun, 06 Nov 1994 08:49:37 GMT", 1000, "a date"},
        {"retry-after", "Sun, 06 Nov 1994 08:49:00 GMT", 0, "a date that has passed"},
        {"retry-after", "0", 0, "nothing to wait for"},
        {"retry-after", "-5", 0, "negative"},
        {"retry-after", "soon", 0, "garbage"},
        {"retry-after", "", 0, "empty"},
        {"retry-after", "99999999999999999999", 0, "past what anybody would wait"},
        {"retry-after-ms", "250", 250, "milliseconds"},
        {"retry-after-ms", "250.7", 250, "with a fraction"},
        {"retry-after-ms", "x", 0, "garbage"},
        {"x-other", "5", 0, "another field"},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        if (after(rows[i].name, rows[i].value) != rows[i].want)
            fail_msg("%s: %s: %s", rows[i].name, rows[i].value, rows[i].because);
    }
}

static void R12_milliseconds_win_over_seconds(void **state)
{
    struct http_field at[2] = {{STR("retry-after"), STR("9")}, {STR("retry-after-ms"), STR("40")}};
    struct http_fields f = {at, 2, 2};

    (void)state;
    assert_int_equal(retry_after_ms(&f, NOW_S), 40);
    at[1].value = STR("garbage");
    assert_int_equal(retry_after_ms(&f, NOW_S), 9000);
}

static const struct conf_retry policy = {
    .initial_ms = 1000, .max_ms = 60000, .jitter_ms = 1000, .gateway_error_factor = 2};

static void R12_backoff_doubles_up_to_its_cap(void **state)
{
    static const struct {
        unsigned failures, status;
        uint64_t retry_after, chance, want;
    } rows[] = {
        {1, 500, 0, 0, 1000},      {2, 500, 0, 0, 2000},      {3, 429, 0, 0, 4000},
        {7, 500, 0, 0, 60000},     {4000, 500, 0, 0, 60000},  {1, 502, 0, 0, 2000},
        {1, 503, 0, 0, 2000},      {2, 503, 0, 0, 4000},      {1, 500, 0, 1000, 2000},
        {1, 500, 0, 1001, 1000},   {1, 429, 30000, 0, 30000}, {1, 429, 500, 0, 1000},
        {9, 429, 90000, 0, 90000}, {1, 0, 0, 500, 1500},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        uint64_t got = retry_delay_ms(&policy, rows[i].failures, rows[i].status,
                                      rows[i].retry_after, rows[i].chance);

        if (got != rows[i].want)
            fail_msg("row %zu: %ju ms", i, (uintmax_t)got);
    }
}

static void without_jitter_chance_is_not_asked(void **state)
{
    struct conf_retry p = policy;

    (void)state;
    p.jitter_ms = 0;
    assert_int_equal(retry_delay_ms(&p, 1, 500, 0, UINT64_MAX), 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R12_retry_after_is_read_in_every_form),
        cmocka_unit_test(R12_milliseconds_win_over_seconds),
        cmocka_unit_test(R12_backoff_doubles_up_to_its_cap),
        cmocka_unit_test(without_jitter_chance_is_not_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
