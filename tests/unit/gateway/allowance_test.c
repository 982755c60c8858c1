/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/allowance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define FIELDS_MAX 16u
#define NONE UINT64_MAX
/* 2026-01-31T12:00:00Z */
#define WALL_MS 1769860800000

/* ---- what an answer says ---- */

struct row {
    const char *who;
    const char *fields[FIELDS_MAX][2];
    uint64_t requests, requests_reset_ms; /* NONE: not told */
    uint64_t tokens, tokens_reset_ms;
};

/* clang-format off */
static const struct row rows[] = {
    {"OpenAI",
     {{"x-ratelimit-limit-requests", "60"}, {"x-ratelimit-limit-tokens", "150000"},
      {"x-ratelimit-remaining-requests", "59"}, {"x-ratelimit-remaining-tokens", "149984"},
      {"x-ratelimit-reset-requests", "1s"}, {"x-ratelimit-reset-tokens", "6m0s"},
      {"x-ratelimit-remaining-tokens_usage_based", "3"}},
     59, 1001, 149984, 360001},
    {"OpenAI, milliseconds", {{"X-RateLimit-Remaining-Requests", "0"}, {"X-RateLimit-Reset-Requests", "12ms"}}, 0, 13, NONE, 0},
    {"Groq: a day's requests, a minute's tokens",
     {{"x-ratelimit-remaining-requests", "14370"}, {"x-ratelimit-remaining-tokens", "17997"},
      {"x-ratelimit-reset-requests", "2m59.56s"}, {"x-ratelimit-reset-tokens", "7.66s"}},
     14370, 179561, 17997, 7661},
    {"hours", {{"x-ratelimit-remaining-requests", "1"}, {"x-ratelimit-reset-requests", "1h2m3s"}}, 1, 3723001, NONE, 0},
    {"Azure: no reset", {{"x-ratelimit-remaining-requests", "19"}, {"x-ratelimit-remaining-tokens", "19913"}}, 19, 10000, 19913, 10000},
    {"Azure: bare seconds", {{"x-ratelimit-remaining-tokens", "0"}, {"x-ratelimit-reset-tokens", "46"}}, NONE, 0, 0, 46001},
    {"Azure has sent -1", {{"x-ratelimit-remaining-requests", "-1"}, {"x-ratelimit-remaining-tokens", "12"}}, NONE, 0, 12, 10000},
    {"Cerebras: the tightest of a day and a minute",
     {{"x-ratelimit-limit-requests-day", "14400"}, {"x-ratelimit-remaining-requests-day", "14378"},
      {"x-ratelimit-reset-requests-day", "33011.382867"}, {"x-ratelimit-remaining-requests-minute", "5"},
      {"x-ratelimit-reset-requests-minute", "45.5"}, {"x-ratelimit-remaining-tokens-minute", "58000"},
      {"x-ratelimit-reset-tokens-minute", "11.382867"}},
     5, 45501, 58000, 11383},
    {"Mistral: no reset, but the window has a name",
     {{"x-ratelimit-limit-tokens-minute", "5000000"}, {"x-ratelimit-remaining-tokens-minute", "4999911"},
      {"x-ratelimit-tokens-query-cost", "52"}, {"x-ratelimit-limit-req-minute", "720"},
      {"x-ratelimit-remaining-req-minute", "717"}},
     717, 60000, 4999911, 60000},
    {"Together", {{"x-ratelimit-limit", "10"}, {"x-ratelimit-remaining", "9"}, {"x-ratelimit-reset", "1"}, {"x-tokenlimit-limit", "3000"}, {"x-tokenlimit-remaining", "2900"}},
     9, 1001, 2900, 10000},
    {"OpenRouter: a date in milliseconds", {{"X-RateLimit-Limit", "50"}, {"X-RateLimit-Remaining", "0"}, {"X-RateLimit-Reset", "1769860830000"}}, 0, 30000, NONE, 0},
    {"a date in seconds", {{"x-ratelimit-remaining", "0"}, {"x-ratelimit-reset", "1769860807"}}, 0, 7000, NONE, 0},
    {"Anthropic: the tightest of tokens, input and output",
     {{"anthropic-ratelimit-requests-limit", "4000"}, {"anthropic-ratelimit-requests-remaining", "3999"},
      {"anthropic-ratelimit-requests-reset", "2026-01-31T12:00:01Z"}, {"anthropic-ratelimit-tokens-limit", "480000"},
      {"anthropic-ratelimit-tokens-remaining", "479000"}, {"anthropic-ratelimit-tokens-reset", "2026-01-31T12:00:02Z"},
      {"anthropic-ratelimit-input-tokens-remaining", "399000"}, {"anthropic-ratelimit-input-tokens-reset", "2026-01-31T12:00:03Z"},
      {"anthropic-ratelimit-output-tokens-remaining", "70"}, {"anthropic-ratelimit-output-tokens-reset", "2026-01-31T12:00:44Z"}},
     3999, 1000, 70, 44000},
    {"a date with a fraction is rounded up", {{"anthropic-ratelimit-requests-remaining", "0"}, {"anthropic-ratelimit-requests-reset", "2026-01-31T12:00:01.25Z"}}, 0, 2000, NONE, 0},
    {"a date elsewhere on earth", {{"anthropic-ratelimit-requests-remaining", "0"}, {"anthropic-ratelimit-requests-reset", "2026-01-31T14:00:05+02:00"}}, 0, 5000, NONE, 0},
    {"a date in the past", {{"anthropic-ratelimit-requests-remaining", "0"}, {"anthropic-ratelimit-requests-reset", "2026-01-31T11:59:59Z"}}, 0, 0, NONE, 0},
    {"a reset that is none", {{"x-ratelimit-remaining-requests", "0"}, {"x-ratelimit-reset-requests", "soon"}}, 0, 10000, NONE, 0},
    {"half a duration", {{"x-ratelimit-remaining-requests", "0"}, {"x-ratelimit-reset-requests", "6m0"}}, 0, 10000, NONE, 0},
    {"half a date", {{"x-ratelimit-remaining-requests", "0"}, {"x-ratelimit-reset-requests", "2026-01-31T12:00"}}, 0, 10000, NONE, 0},
    {"a number that is none", {{"x-ratelimit-remaining-requests", "many"}}, NONE, 0, NONE, 0},
    {"limits alone say nothing", {{"x-ratelimit-limit-requests", "10"}, {"x-ratelimit-reset-requests", "1s"}}, NONE, 0, NONE, 0},
    {"words nobody knows", {{"x-ratelimit-remaining-images", "0"}, {"anthropic-ratelimit-unified-5h-remaining", "0"}, {"x-ratelimit-remaining-", "0"}}, NONE, 0, NONE, 0},
    {"none of them", {{"x-request-id", "req_1"}, {"content-type", "application/json"}, {"x", "0"}, {"access-control-allow-origin", "*"}}, NONE, 0, NONE, 0},
};
/* clang-format on */

static struct http_fields fields_of(const struct row *r, struct http_field at[FIELDS_MAX])
{
    struct http_fields f = {.at = at, .cap = FIELDS_MAX};

    while (f.count < FIELDS_MAX && r->fields[f.count][0] != NULL) {
        at[f.count] =
            (struct http_field){str_from(r->fields[f.count][0]), str_from(r->fields[f.count][1])};
        f.count++;
    }
    return f;
}

static void check_unit(const struct row *r, const struct allowance_told *told, unsigned unit,
                       uint64_t left, uint64_t reset_ms)
{
    if (told->of[unit].known != (left != NONE) ||
        (left != NONE && (told->of[unit].left != left || told->of[unit].reset_ms != reset_ms)))
        fail_msg("%s: unit %u: known %d, %llu left, reset in %llu ms", r->who, unit,
                 told->of[unit].known, (unsigned long long)told->of[unit].left,
                 (unsigned long long)told->of[unit].reset_ms);
}

static void the_fields_of_all_providers_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        const struct row *r = &rows[i];
        struct http_field at[FIELDS_MAX];
        struct http_fields f = fields_of(r, at);
        struct allowance_told told = {0};
        bool any = allowance_is_told(&f) && allowance_read(&f, WALL_MS, &told);

        if (any != (r->requests != NONE || r->tokens != NONE))
            fail_msg("%s: %s", r->who, any ? "read" : "not read");
        check_unit(r, &told, ALLOWANCE_REQUESTS, r->requests, r->requests_reset_ms);
        check_unit(r, &told, ALLOWANCE_TOKENS, r->tokens, r->tokens_reset_ms);
    }
}

static void more_limits_than_anybody_tells_are_left_alone(void **state)
{
    static const char *const spans[] = {"", "-minute", "-hour", "-day", "-month"};
    static const char *const whats[] = {"requests", "tokens", "input-tokens", "output-tokens"};
    char names[20][48];
    struct http_field at[20];
    struct http_fields f = {.at = at, .cap = 20};
    struct allowance_told told;

    (void)state;
    for (unsigned i = 0; i < 20; i++) {
        snprintf(names[i], sizeof(names[i]), "x-ratelimit-remaining-%s%s", whats[i / 5],
                 spans[i % 5]);
        at[f.count++] = (struct http_field){str_from(names[i]), STR("7")};
    }
    assert_true(allowance_read(&f, WALL_MS, &told));
    assert_int_equal(told.of[ALLOWANCE_REQUESTS].left, 7);
}

/* ---- what is made of it ---- */

static struct allowance_told requests_left(uint64_t left, uint64_t reset_ms)
{
    return (struct allowance_told){.of[ALLOWANCE_REQUESTS] = {true, left, 0, reset_ms}};
}

static struct allowance_told tokens_left(uint64_t left, uint64_t limit)
{
    return (struct allowance_told){.of[ALLOWANCE_TOKENS] = {true, left, limit, 1000}};
}

static void nobody_has_said_anything_yet(void **state)
{
    struct allowance a = {0};

    (void)state;
    for (int i = 0; i < 1000; i++)
        allowance_send(&a, 1000);
    assert_int_equal(allowance_free_at(&a, 1000, 0), 0);
}

static void what_was_sent_since_the_answer_counts(void **state)
{
    struct allowance a = {0};
    struct allowance_mark mark = allowance_send(&a, 1);
    struct allowance_told told = requests_left(3, 1000);

    (void)state;
    allowance_send(&a, 1); /* before the answer came */
    allowance_learn(&a, &mark, &told, 60000, 5000);
    assert_int_equal(allowance_free_at(&a, 1, 5000), 0);
    allowance_send(&a, 1);
    assert_int_equal(allowance_free_at(&a, 1, 5000), 0);
    allowance_send(&a, 1);
    assert_int_equal(allowance_free_at(&a, 1, 5000), 6000);
    assert_int_equal(allowance_free_at(&a, 1, 5999), 6000);
    assert_int_equal(allowance_free_at(&a, 1, 6000), 0);
}

/* A window of ten: the n-th answer says 10 - n, in whatever order they arrive. */
static void answers_may_overtake_each_other(void **state)
{
    static const unsigned order[10] = {7, 0, 9, 3, 1, 8, 2, 6, 4, 5};
    struct allowance a = {0};
    struct allowance_mark marks[10];

    (void)state;
    for (unsigned i = 0; i < 10; i++)
        marks[i] = allowance_send(&a, 1);
    for (unsigned i = 0; i < 10; i++) {
        struct allowance_told told = requests_left(9 - order[i], 1000);

        allowance_learn(&a, &marks[order[i]], &told, 60000, 0);
        assert_int_equal(allowance_free_at(&a, 1, 0), 1000);
    }
}

/* Two that were out together and arrived the other way round: 3 left, and then 2. */
static void requests_may_overtake_each_other(void **state)
{
    struct allowance a = {0};
    struct allowance_mark first = allowance_send(&a, 1), second = allowance_send(&a, 1), later;
    struct allowance_told three = requests_left(3, 1000), two = requests_left(2, 1000);

    (void)state;
    allowance_learn(&a, &second, &three, 60000, 0); /* 5 in all, but for the first */
    allowance_learn(&a, &first, &two, 60000, 0);    /* 3 in all, but for the second */
    allowance_learn(&a, &second, &three, 60000, 0);
    assert_true(allowance_take(&a, 1, 0, &later));
    assert_int_equal(allowance_free_at(&a, 1, 0), 1000);
    allowance_learn(&a, &later, &two, 60000, 0); /* of now */
    assert_int_equal(allowance_free_at(&a, 1, 0), 0);
}

static void a_later_answer_gives_more(void **state)
{
    struct allowance a = {0};
    struct allowance_mark mark = allowance_send(&a, 1);
    struct allowance_told none = requests_left(0, 1000), more = requests_left(1, 1000);

    (void)state;
    allowance_learn(&a, &mark, &none, 60000, 0);
    assert_int_equal(allowance_free_at(&a, 1, 10), 1000);
    mark = allowance_send(&a, 1);
    allowance_learn(&a, &mark, &more, 60000, 10);
    assert_int_equal(allowance_free_at(&a, 1, 10), 0);
}

static void a_reset_far_away_is_not_believed(void **state)
{
    struct allowance a = {0};
    struct allowance_mark mark = allowance_send(&a, 1);
    struct allowance_told told = requests_left(0, 3ull * 3600 * 1000);

    (void)state;
    allowance_learn(&a, &mark, &told, 60000, 0);
    assert_int_equal(allowance_free_at(&a, 1, 0), 60000);
    assert_int_equal(allowance_free_at(&a, 1, 60000), 0);
}

static void without_trust_nothing_is_learnt(void **state)
{
    struct allowance a = {0};
    struct allowance_mark mark = allowance_send(&a, 1);
    struct allowance_told told = requests_left(0, 1000);

    (void)state;
    allowance_learn(&a, &mark, &told, 0, 0);
    assert_int_equal(allowance_free_at(&a, 1, 0), 0);
}

static void the_last_one_is_taken_once(void **state)
{
    struct allowance a = {0};
    struct allowance_mark mark = allowance_send(&a, 1), one, other;
    struct allowance_told told = requests_left(1, 1000);

    (void)state;
    assert_true(allowance_take(&a, 1, 0, &one)); /* nobody has said anything yet */
    allowance_return(&a, &one);
    allowance_learn(&a, &mark, &told, 60000, 0);
    assert_true(allowance_take(&a, 1, 0, &one));
    assert_false(allowance_take(&a, 1, 0, &other));
    assert_false(allowance_take(&a, 1, 999, &other));
    assert_true(allowance_take(&a, 1, 1000, &other));
    allowance_return(&a, &other);
    allowance_return(&a, &one);
    assert_int_equal(allowance_free_at(&a, 1, 0), 0);
    assert_true(allowance_take(&a, 1, 0, &other));
}

static void tokens_have_to_suffice_for_the_request(void **state)
{
    struct allowance a = {0};
    struct allowance_mark mark = allowance_send(&a, 1);
    struct allowance_told told = tokens_left(300, 0);

    (void)state;
    allowance_learn(&a, &mark, &told, 60000, 0);
    assert_int_equal(allowance_free_at(&a, 300, 0), 0);
    assert_int_equal(allowance_free_at(&a, 301, 0), 1000);
    allowance_send(&a, 200);
    assert_int_equal(allowance_free_at(&a, 100, 0), 0);
    assert_int_equal(allowance_free_at(&a, 101, 0), 1000);
}

/* Pictures make a body of megabytes: a guess of more than a quarter of the window is that much. */
static void a_guess_is_bounded_by_the_limit(void **state)
{
    struct allowance a = {0};
    struct allowance_mark mark = allowance_send(&a, 1);
    struct allowance_told told = tokens_left(1000, 4000);

    (void)state;
    allowance_learn(&a, &mark, &told, 60000, 0);
    assert_int_equal(allowance_free_at(&a, 1000000, 0), 0);
    allowance_send(&a, UINT64_MAX);
    assert_int_equal(allowance_free_at(&a, 1, 0), 1000);
}

static void no_limit_is_no_small_one(void **state)
{
    struct allowance a = {0};
    struct allowance_mark mark = allowance_send(&a, 1);
    struct allowance_told told = {
        {{true, UINT64_MAX, UINT64_MAX, 1000}, {true, UINT64_MAX, UINT64_MAX, 1000}}};

    (void)state;
    allowance_learn(&a, &mark, &told, 60000, 0);
    assert_int_equal(allowance_free_at(&a, 1000, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_fields_of_all_providers_are_read),
        cmocka_unit_test(more_limits_than_anybody_tells_are_left_alone),
        cmocka_unit_test(nobody_has_said_anything_yet),
        cmocka_unit_test(what_was_sent_since_the_answer_counts),
        cmocka_unit_test(answers_may_overtake_each_other),
        cmocka_unit_test(requests_may_overtake_each_other),
        cmocka_unit_test(a_later_answer_gives_more),
        cmocka_unit_test(a_reset_far_away_is_not_believed),
        cmocka_unit_test(without_trust_nothing_is_learnt),
        cmocka_unit_test(the_last_one_is_taken_once),
        cmocka_unit_test(tokens_have_to_suffice_for_the_request),
        cmocka_unit_test(a_guess_is_bounded_by_the_limit),
        cmocka_unit_test(no_limit_is_no_small_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
