/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log_ring.h"

#include <pthread.h>
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>

#define RING_BYTES 4096u

static bool put(struct log_ring *r, const char *line)
{
    bool half;

    return log_ring_put(r, LOG_STREAM_TEXT, str_from(line), &half);
}

static void assert_next(struct log_ring *r, enum log_stream want_to, struct str want)
{
    char line[RING_BYTES];
    enum log_stream to;
    size_t len;

    assert_true(log_ring_peek(r, &to, &len));
    assert_int_equal(to, want_to);
    assert_int_equal(len, want.len);
    log_ring_take(r, len, line);
    assert_true(str_eq(str_make(line, len), want));
}

static void lines_come_out_as_they_went_in_at_every_position(void **state)
{
    struct log_ring *r = log_ring_new(0);
    char line[301];

    (void)state;
    assert_non_null(r);
    memset(line, 'x', sizeof(line));
    for (size_t len = 0; len < sizeof(line); len++) { /* wraps about ten times */
        bool half;
        enum log_stream to = len % 2 == 0 ? LOG_STREAM_TEXT : LOG_STREAM_ACCESS;

        line[len / 2] = 'y';
        assert_true(log_ring_put(r, to, str_make(line, len), &half));
        assert_next(r, to, str_make(line, len));
        line[len / 2] = 'x';
    }
    log_ring_free(r);
}

static void what_does_not_fit_leaves_the_ring_as_it_was(void **state)
{
    struct log_ring *r = log_ring_new(0);
    static const char line[1000];
    unsigned kept = 0;
    enum log_stream to;
    size_t len;
    bool half;

    (void)state;
    assert_non_null(r);
    while (log_ring_put(r, LOG_STREAM_ACCESS, str_make(line, sizeof(line)), &half))
        kept++;
    assert_int_equal(kept, RING_BYTES / (sizeof(line) + 4));
    assert_true(put(r, "short"));
    for (unsigned i = 0; i < kept; i++)
        assert_next(r, LOG_STREAM_ACCESS, str_make(line, sizeof(line)));
    assert_next(r, LOG_STREAM_TEXT, STR("short"));
    assert_false(log_ring_peek(r, &to, &len));
    log_ring_free(r);
}

static void it_can_be_filled_to_the_last_byte(void **state)
{
    static const char line[RING_BYTES];
    struct log_ring *r = log_ring_new(0);
    bool half;

    (void)state;
    assert_non_null(r);
    assert_false(log_ring_put(r, LOG_STREAM_TEXT, str_make(line, RING_BYTES - 3), &half));
    assert_true(log_ring_put(r, LOG_STREAM_TEXT, str_make(line, RING_BYTES - 4), &half));
    assert_false(put(r, ""));
    assert_next(r, LOG_STREAM_TEXT, str_make(line, RING_BYTES - 4));
    assert_true(put(r, ""));
    log_ring_free(r);
}

/* A wake is a system call: only the line that crosses the middle may ask for it. */
static void half_full_is_said_once(void **state)
{
    static const char line[96];
    struct log_ring *r = log_ring_new(0);
    unsigned said = 0;
    bool half;

    (void)state;
    assert_non_null(r);
    for (unsigned i = 0; i < RING_BYTES / 100; i++) {
        assert_true(log_ring_put(r, LOG_STREAM_TEXT, str_make(line, sizeof(line)), &half));
        assert_true(!half || i == RING_BYTES / 100 / 2);
        said += half;
    }
    assert_int_equal(said, 1);
    log_ring_free(r);
}

#define LINES 50000u

static void *produce(void *arg)
{
    char line[32];

    for (unsigned i = 0; i < LINES;) {
        int n = snprintf(line, sizeof(line), "line %u", i);
        bool half;

        i += log_ring_put(arg, LOG_STREAM_TEXT, str_make(line, (size_t)n), &half);
    }
    return NULL;
}

static void two_threads_lose_and_mix_nothing(void **state)
{
    struct log_ring *r = log_ring_new(0);
    char want[32];
    pthread_t t;

    (void)state;
    assert_non_null(r);
    assert_int_equal(pthread_create(&t, NULL, produce, r), 0);
    for (unsigned i = 0; i < LINES;) {
        enum log_stream to;
        size_t len;
        int n = snprintf(want, sizeof(want), "line %u", i);

        if (!log_ring_peek(r, &to, &len))
            continue;
        assert_next(r, LOG_STREAM_TEXT, str_make(want, (size_t)n));
        i++;
    }
    pthread_join(t, NULL);
    log_ring_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_come_out_as_they_went_in_at_every_position),
        cmocka_unit_test(what_does_not_fit_leaves_the_ring_as_it_was),
        cmocka_unit_test(it_can_be_filled_to_the_last_byte),
        cmocka_unit_test(half_full_is_said_once),
        cmocka_unit_test(two_threads_lose_and_mix_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
