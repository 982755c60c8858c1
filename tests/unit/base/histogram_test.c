/* SPDX-License-Identifier: Apache-2.0 */
#include "base/histogram.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static void buckets_follow_each_other_without_a_gap(void **state)
{
    (void)state;
    assert_int_equal(histogram_bucket(0), 0);
    for (unsigned b = 0; b + 1 < HISTOGRAM_BUCKETS; b++) {
        assert_int_equal(histogram_bucket(histogram_bucket_end(b)), b);
        assert_int_equal(histogram_bucket(histogram_bucket_end(b) + 1), b + 1);
    }
}

static void a_bucket_is_under_7_percent_wide(void **state)
{
    (void)state;
    for (unsigned b = 1; b < HISTOGRAM_BUCKETS; b++) {
        uint64_t first = histogram_bucket_end(b - 1) + 1, last = histogram_bucket_end(b);

        assert_true((last - first) * 100 <= first * 7);
    }
}

static void what_is_off_the_scale_falls_into_the_last_bucket(void **state)
{
    (void)state;
    assert_int_equal(histogram_bucket_end(HISTOGRAM_BUCKETS - 1), (1ull << 36) - 1);
    assert_int_equal(histogram_bucket(1ull << 36), HISTOGRAM_BUCKETS - 1);
    assert_int_equal(histogram_bucket(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
}

static void bounds_rise_and_say_what_they_are(void **state)
{
    (void)state;
    for (unsigned i = 0; i < HISTOGRAM_BOUNDS; i++) {
        double seconds = strtod(histogram_bounds[i].seconds, NULL);

        assert_int_equal((uint64_t)(seconds * 1e6 + 0.5), histogram_bounds[i].us);
        assert_true(i == 0 || histogram_bounds[i].us > histogram_bounds[i - 1].us);
    }
}

static void no_value_is_reported_faster_than_it_was(void **state)
{
    (void)state;
    for (unsigned i = 0; i < HISTOGRAM_BOUNDS; i++) {
        uint64_t counts[HISTOGRAM_BUCKETS] = {0}, under[HISTOGRAM_BOUNDS];

        counts[histogram_bucket(histogram_bounds[i].us + 1)] = 1;
        histogram_fold(counts, under);
        assert_int_equal(under[i], 0);
        memset(counts, 0, sizeof(counts));
        counts[histogram_bucket(histogram_bounds[i].us * 93 / 100)] = 1;
        histogram_fold(counts, under);
        assert_int_equal(under[i], 1);
    }
}

static void a_quantile_names_a_value_that_was_there(void **state)
{
    static const struct {
        double q;
        uint64_t want_us;
        const char *why;
    } rows[] = {
        {-1, 3, "below 0 is the least"}, {0, 3, "the least"},
        {0.5, 3, "half are 3"},          {0.51, 9, "the next is 9"},
        {0.9, 9, "nine of ten"},         {0.91, 15, "the tenth is 15"},
        {1, 15, "the greatest"},         {2, 15, "above 1 is the greatest"},
    };
    uint64_t counts[HISTOGRAM_BUCKETS] = {0};

    (void)state;
    assert_int_equal(histogram_quantile(counts, 0.5), 0);
    counts[3] = 50;
    counts[9] = 40;
    counts[15] = 10;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        if (histogram_quantile(counts, rows[i].q) != rows[i].want_us)
            fail_msg("row %zu: %s", i, rows[i].why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buckets_follow_each_other_without_a_gap),
        cmocka_unit_test(a_bucket_is_under_7_percent_wide),
        cmocka_unit_test(what_is_off_the_scale_falls_into_the_last_bucket),
        cmocka_unit_test(bounds_rise_and_say_what_they_are),
        cmocka_unit_test(no_value_is_reported_faster_than_it_was),
        cmocka_unit_test(a_quantile_names_a_value_that_was_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
