/* SPDX-License-Identifier: Apache-2.0 */
#include "base/metric.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#define OBSERVED_US 1234u

struct fixture {
    struct metric_registry *r;
    struct metric_shard *s;
    struct buf out;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    if (f == NULL)
        return -1;
    f->r = metric_registry_new();
    f->s = f->r != NULL ? metric_shard_new(f->r) : NULL;
    *state = f;
    return f->s != NULL ? 0 : -1;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    buf_done(&f->out);
    metric_registry_free(f->r);
    free(f);
    return 0;
}

static metric_series series1(struct metric_registry *r, enum metric m, struct str value)
{
    return metric_series_get(r, m, &value, 1);
}

/* The whole rendered text, NUL-terminated. */
static const char *render(struct fixture *f)
{
    buf_done(&f->out);
    assert_int_equal(metric_render(f->r, &f->out), 0);
    assert_int_equal(buf_put(&f->out, str_make("", 1)), 0);
    return f->out.ptr;
}

static void assert_has(const char *text, const char *line)
{
    if (strstr(text, line) == NULL)
        fail_msg("no \"%s\" in:\n%s", line, text);
}

static void the_same_labels_are_the_same_series(void **state)
{
    struct fixture *f = *state;
    metric_series a = series1(f->r, METRIC_RETRIES, STR("upstream_error"));
    metric_series b = series1(f->r, METRIC_RETRIES, STR("upstream_reset"));

    assert_int_not_equal(a, 0);
    assert_int_not_equal(a, b);
    assert_int_equal(series1(f->r, METRIC_RETRIES, STR("upstream_error")), a);
    assert_int_not_equal(series1(f->r, METRIC_FALLBACKS, STR("upstream_error")), a);
}

static void counts_of_all_threads_are_summed(void **state)
{
    struct fixture *f = *state;
    struct metric_shard *other = metric_shard_new(f->r);
    metric_series id = series1(f->r, METRIC_TOKENS, STR("prompt"));

    assert_non_null(other);
    metric_add(f->s, id, 40);
    metric_add(other, id, 2);
    assert_int_equal(metric_value(f->r, id), 42);
}

static void a_gauge_may_rise_on_one_thread_and_fall_on_another(void **state)
{
    struct fixture *f = *state;
    struct metric_shard *other = metric_shard_new(f->r);
    metric_series id = metric_series_get(f->r, METRIC_IN_FLIGHT, NULL, 0);

    assert_non_null(other);
    metric_gauge(f->s, id, 3);
    metric_gauge(other, id, -5);
    assert_int_equal(metric_value(f->r, id), -2);
    assert_has(render(f), "\ndragoman_in_flight -2\n");
    metric_set(other, id, 4);
    assert_int_equal(metric_value(f->r, id), 7);
}

static void a_shard_knows_series_made_after_it(void **state)
{
    struct fixture *f = *state;
    metric_series last = 0, last_seconds = 0;
    char name[16];

    for (unsigned i = 0; i < 1500; i++) { /* more than one chunk of either kind */
        struct str value = str_make(name, (size_t)snprintf(name, sizeof(name), "m%u", i));

        last = series1(f->r, METRIC_FALLBACKS, value);
        last_seconds = series1(f->r, METRIC_TTFT_SECONDS, value);
    }
    metric_add(f->s, last, 7);
    metric_observe(f->s, last_seconds, OBSERVED_US);
    assert_int_equal(metric_value(f->r, last), 7);
    assert_int_equal(metric_value(f->r, last_seconds), 1);
    assert_has(render(f), "\ndragoman_fallbacks_total{model=\"m1499\"} 7\n");
}

static void series_0_is_safe_to_count_on_and_shown_nowhere(void **state)
{
    struct fixture *f = *state;
    const char *text = render(f);
    char *before = strdup(text);

    metric_add(f->s, 0, 123456);
    metric_gauge(f->s, 0, 1);
    metric_set(f->s, 0, 987654);
    metric_observe(f->s, 0, 5);
    assert_string_equal(render(f), before);
    free(before);
}

static void a_series_of_the_wrong_kind_is_not_written_to(void **state)
{
    struct fixture *f = *state;
    metric_series seconds = series1(f->r, METRIC_TTFT_SECONDS, STR("m"));
    metric_series count = series1(f->r, METRIC_TOKENS, STR("prompt"));

    metric_add(f->s, seconds, 5);
    metric_observe(f->s, count, 5);
    assert_int_equal(metric_value(f->r, seconds), 0);
    assert_int_equal(metric_value(f->r, count), 0);
}

static void R59_the_number_of_series_is_bounded(void **state)
{
    struct fixture *f = *state;
    metric_series id = 1;
    char name[16];
    unsigned made = 0;

    while (id != 0 && made < 100000) {
        struct str value = str_make(name, (size_t)snprintf(name, sizeof(name), "%u", made++));

        id = series1(f->r, METRIC_FALLBACKS, value);
    }
    assert_in_range(made, 1000, 99999);
    metric_add(f->s, id, 1); /* still safe */
    assert_int_not_equal(series1(f->r, METRIC_FALLBACKS, STR("0")), 0);
}

static void R59_label_values_cannot_break_out_of_their_quotes(void **state)
{
    struct fixture *f = *state;

    metric_add(f->s, series1(f->r, METRIC_FALLBACKS, STR("a\"} 1\nb\\")), 3);
    assert_has(render(f), "\ndragoman_fallbacks_total{model=\"a\\\"} 1\\nb\\\\\"} 3\n");
}

static void series_come_sorted_whatever_the_order_they_were_made_in(void **state)
{
    struct fixture *f = *state;
    const char *text, *a, *b, *c;

    (void)series1(f->r, METRIC_FALLBACKS, STR("b"));
    (void)series1(f->r, METRIC_FALLBACKS, STR("a"));
    (void)series1(f->r, METRIC_FALLBACKS, STR("ab"));
    text = render(f);
    a = strstr(text, "{model=\"a\"}");
    b = strstr(text, "{model=\"ab\"}");
    c = strstr(text, "{model=\"b\"}");
    assert_true(a != NULL && a < b && b < c);
}

static void a_metric_without_labels_is_there_from_the_start(void **state)
{
    const char *text = render(*state);

    assert_has(text, "# HELP dragoman_in_flight Requests being worked on.\n"
                     "# TYPE dragoman_in_flight gauge\n"
                     "dragoman_in_flight 0\n");
    assert_has(text, "\ndragoman_overhead_seconds_count 0\n");
}

static void a_histogram_is_exported_cumulative_in_seconds(void **state)
{
    struct fixture *f = *state;
    struct str labels[] = {STR("openai"), STR("gpt"), STR("ok")};
    metric_series id = metric_series_get(f->r, METRIC_API_CALL_SECONDS, labels, 3);
    const char *text;

    assert_null(strstr(render(f), "api_call_duration_seconds_count"));
    metric_observe(f->s, id, 10);
    metric_observe(f->s, id, 11);
    metric_observe(f->s, id, 2000000);
    metric_observe(f->s, id, 700000000);
    text = render(f);
#define SERIES(suffix, le)                                                                         \
    "api_call_duration_seconds" suffix "{provider=\"openai\",model=\"gpt\",outcome=\"ok\"" le "} "
    assert_has(text, "# TYPE api_call_duration_seconds histogram\n");
    assert_has(text, SERIES("_bucket", ",le=\"0.00001\"") "1\n");
    assert_has(text, SERIES("_bucket", ",le=\"0.000025\"") "2\n");
    assert_has(text, SERIES("_bucket", ",le=\"1\"") "2\n");
    assert_has(text, SERIES("_bucket", ",le=\"2.5\"") "3\n");
    assert_has(text, SERIES("_bucket", ",le=\"600\"") "3\n");
    assert_has(text, SERIES("_bucket", ",le=\"+Inf\"") "4\n");
    assert_has(text, SERIES("_sum", "") "702.000021\n");
    assert_has(text, SERIES("_count", "") "4\n");
#undef SERIES
}

static void quantiles_are_those_of_all_threads(void **state)
{
    struct fixture *f = *state;
    struct metric_shard *other = metric_shard_new(f->r);
    metric_series id = metric_series_get(f->r, METRIC_OVERHEAD_SECONDS, NULL, 0);

    assert_int_equal(metric_quantile(f->r, id, 0.5), 0);
    for (unsigned i = 1; i <= 1000; i++)
        metric_observe(i % 2 ? f->s : other, id, i);
    assert_in_range(metric_quantile(f->r, id, 0.5), 500, 535);
    assert_in_range(metric_quantile(f->r, id, 0.99), 990, 1059);
    assert_int_equal(metric_quantile(f->r, id, 0), 1);
    assert_int_equal(metric_value(f->r, id), 1000);
}

struct counting {
    struct metric_registry *r;
    metric_series count, seconds;
};

#define ROUNDS 20000u

static void *count_in_a_thread(void *arg)
{
    struct counting *c = arg;
    struct metric_shard *s = metric_shard_new(c->r);

    for (unsigned i = 0; s != NULL && i < ROUNDS; i++) {
        metric_add(s, c->count, 1);
        metric_observe(s, c->seconds, i);
    }
    return NULL;
}

static void counters_never_go_back_also_when_threads_end(void **state)
{
    struct fixture *f = *state;
    struct counting c = {f->r, series1(f->r, METRIC_TOKENS, STR("prompt")),
                         metric_series_get(f->r, METRIC_OVERHEAD_SECONDS, NULL, 0)};
    pthread_t threads[3];
    int64_t before = 0;

    for (size_t i = 0; i < COUNTOF(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_in_a_thread, &c), 0);
    for (unsigned i = 0; i < 200; i++) {
        int64_t now = metric_value(f->r, c.count);

        assert_true(now >= before);
        before = now;
    }
    for (size_t i = 0; i < COUNTOF(threads); i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(metric_value(f->r, c.count), 3 * ROUNDS);
    assert_int_equal(metric_value(f->r, c.seconds), 3 * ROUNDS);
}

static void a_full_buffer_is_an_error_and_not_a_short_page(void **state)
{
    struct fixture *f = *state;
    struct buf small = {.max = 100};

    assert_int_equal(metric_render(f->r, &small), -ENOBUFS);
    buf_done(&small);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(the_same_labels_are_the_same_series),
        T(counts_of_all_threads_are_summed),
        T(a_gauge_may_rise_on_one_thread_and_fall_on_another),
        T(a_shard_knows_series_made_after_it),
        T(series_0_is_safe_to_count_on_and_shown_nowhere),
        T(a_series_of_the_wrong_kind_is_not_written_to),
        T(R59_the_number_of_series_is_bounded),
        T(R59_label_values_cannot_break_out_of_their_quotes),
        T(series_come_sorted_whatever_the_order_they_were_made_in),
        T(a_metric_without_labels_is_there_from_the_start),
        T(a_histogram_is_exported_cumulative_in_seconds),
        T(quantiles_are_those_of_all_threads),
        T(counters_never_go_back_also_when_threads_end),
        T(a_full_buffer_is_an_error_and_not_a_short_page),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
