/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/gateway/exchange_fixture.h"

/* Two providers, the first with two keys; no jitter, so that waits are exact. */
static const char two[] = "retry: { attempts: 5, initial: 100ms, jitter: 0, max: 10s,\n"
                          "  retry_after_max: 5s, key_bench: 60s, target_rest: 10s }\n"
                          "timeouts: { total: 60s }\n"
                          "providers:\n"
                          "  one: { base_url: \"http://one.test/v1\", keys: [ key-1a, key-1b ] }\n"
                          "  two: { base_url: \"http://two.test/v1\", keys: [ key-2 ] }\n"
                          "models:\n"
                          "  chat: { strategy: ordered, targets: [ one/m, two/m ] }\n"
                          "  only: { targets: [ two/m ], fallbacks: [ spare ] }\n"
                          "  spare: { targets: [ one/m ] }\n";

static struct fixture f;

static int setup(void **state)
{
    (void)state;
    open_fixture(&f, two);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    close_fixture(&f);
    return 0;
}

static const struct target_state *state_of(const char *alias, uint32_t i)
{
    return &f.gw.targets[conf_model_find(f.conf, str_from(alias))->targets[i].index];
}

static bool benched(uint32_t provider, uint32_t key)
{
    return f.gw.providers[provider].benched[key] > loop_now_ms(&f.loop);
}

/* ---- which failure leads to which next step ---- */

enum next { NEXT_TARGET, NEXT_KEY, CLIENT };

/* clang-format off */
static const struct step {
    const char *what;
    unsigned status;         /* of the reply; 0: … */
    enum http_failure how;   /* … it fails like this … */
    enum http_phase phase;   /* … here */
    enum next next;
    bool blamed;             /* the target's failures count */
    bool rests;              /* it is asked last from now on */
    enum fault fault;
    const char *fields, *body;
} steps[] = {
    /*                            how it fails                               what follows                  as what */
    {"500",                       500, 0, 0,                                  NEXT_TARGET, true,  false, FAULT_UPSTREAM_ERROR, "", "{}"},
    {"502",                       502, 0, 0,                                  NEXT_TARGET, true,  false, FAULT_UPSTREAM_ERROR, "", ""},
    {"503",                       503, 0, 0,                                  NEXT_TARGET, true,  false, FAULT_UPSTREAM_BUSY, "", ""},
    {"529",                       529, 0, 0,                                  NEXT_TARGET, true,  false, FAULT_UPSTREAM_BUSY, "", ""},
    {"408",                       408, 0, 0,                                  NEXT_TARGET, true,  false, FAULT_UPSTREAM_BUSY, "", ""},
    {"429",                       429, 0, 0,                                  NEXT_TARGET, true,  false, FAULT_UPSTREAM_RATE, "", ""},
    {"429 that says when",        429, 0, 0,                                  NEXT_TARGET, true,  true,  FAULT_UPSTREAM_RATE, "retry-after: 2\n", ""},
    {"429 that means money",      429, 0, 0,                                  NEXT_KEY,    false, false, FAULT_UPSTREAM_KEY, "", "{\"error\":{\"code\":\"insufficient_quota\"}}"},
    {"401",                       401, 0, 0,                                  NEXT_KEY,    false, false, FAULT_UPSTREAM_KEY, "", ""},
    {"402",                       402, 0, 0,                                  NEXT_KEY,    false, false, FAULT_UPSTREAM_KEY, "", ""},
    {"403",                       403, 0, 0,                                  NEXT_KEY,    false, false, FAULT_UPSTREAM_KEY, "", ""},
    {"400",                       400, 0, 0,                                  CLIENT,      false, false, FAULT_UPSTREAM_REFUSED, "", "no"},
    {"404",                       404, 0, 0,                                  CLIENT,      false, false, FAULT_UPSTREAM_REFUSED, "", "no"},
    {"413",                       413, 0, 0,                                  CLIENT,      false, false, FAULT_UPSTREAM_REFUSED, "", "no"},
    {"422",                       422, 0, 0,                                  CLIENT,      false, false, FAULT_UPSTREAM_REFUSED, "", "no"},
    {"a redirect",                307, 0, 0,                                  NEXT_TARGET, true,  false, FAULT_UPSTREAM_BAD_REPLY, "", ""},
    {"an error in a 200",         200, 0, 0,                                  NEXT_TARGET, true,  false, FAULT_UPSTREAM_ERROR, JSON, "{\"error\":{\"message\":\"m\"}}"},
    {"null in a 200",             200, 0, 0,                                  NEXT_TARGET, true,  false, FAULT_UPSTREAM_BAD_REPLY, JSON, "null"},
    {"HTML in a 200",             200, 0, 0,                                  NEXT_TARGET, true,  false, FAULT_UPSTREAM_BAD_REPLY, "", "<html>"},
    {"a stream nobody asked for", 200, 0, 0,                                  NEXT_TARGET, true,  false, FAULT_UPSTREAM_BAD_REPLY, EVENTS, "data: {}\n\n"},
    {"a coding nobody knows",     200, 0, 0,                                  NEXT_TARGET, true,  false, FAULT_UPSTREAM_BAD_REPLY, "content-encoding: br\n", NULL},
    {"no such host",              0, HTTP_FAIL_RESOLVE,  HTTP_PHASE_RESOLVE,  NEXT_TARGET, true,  true,  FAULT_UPSTREAM_CONNECT, "", ""},
    {"refused",                   0, HTTP_FAIL_CONNECT,  HTTP_PHASE_CONNECT,  NEXT_TARGET, true,  true,  FAULT_UPSTREAM_CONNECT, "", ""},
    {"a bad certificate",         0, HTTP_FAIL_TLS,      HTTP_PHASE_TLS,      NEXT_TARGET, true,  true,  FAULT_UPSTREAM_TLS, "", ""},
    {"too slow to connect",       0, HTTP_FAIL_TIMEOUT,  HTTP_PHASE_CONNECT,  NEXT_TARGET, true,  false, FAULT_UPSTREAM_TIMEOUT, "", ""},
    {"too slow to begin",         0, HTTP_FAIL_TIMEOUT,  HTTP_PHASE_HEADERS,  NEXT_TARGET, true,  false, FAULT_UPSTREAM_TIMEOUT, "", ""},
    {"reset",                     0, HTTP_FAIL_RESET,    HTTP_PHASE_HEADERS,  NEXT_TARGET, true,  false, FAULT_UPSTREAM_RESET, "", ""},
    {"cut",                       0, HTTP_FAIL_CUT,      HTTP_PHASE_BODY,     NEXT_TARGET, true,  false, FAULT_UPSTREAM_RESET, "", ""},
    {"not HTTP",                  0, HTTP_FAIL_PROTOCOL, HTTP_PHASE_HEADERS,  NEXT_TARGET, true,  false, FAULT_UPSTREAM_BAD_REPLY, "", ""},
    {"a head without end",        0, HTTP_FAIL_LIMIT,    HTTP_PHASE_HEADERS,  NEXT_TARGET, true,  false, FAULT_UPSTREAM_BAD_REPLY, "", ""},
    /* It is our own queue that is full: nothing is known about the target. */
    {"our queue is full",         0, HTTP_FAIL_LIMIT,    HTTP_PHASE_QUEUE,    NEXT_TARGET, false, false, FAULT_UPSTREAM_QUEUE, "", ""},
};
/* clang-format on */

static void fail_like(const struct step *s)
{
    if (s->status == 0) {
        breaks(&f, s->how, s->phase);
        return;
    }
    replies(&f, s->status, s->fields);
    if (s->body == NULL)
        return;
    if (s->body[0] != '\0')
        says(&f, s->body);
    ends(&f);
}

static void check_step(const struct step *s)
{
    const struct target_state *t = state_of("chat", 0);

    assert_int_equal(f.x->records_count, 1);
    assert_int_equal(f.x->records[0].fault, s->fault);
    assert_int_equal(f.x->records[0].status, s->status);
    assert_int_equal(t->failures, s->blamed ? 1 : 0);
    assert_int_equal(target_rests(t, loop_now_ms(&f.loop)), s->rests);
    assert_int_equal(benched(0, 0) || benched(0, 1), s->next == NEXT_KEY);
    if (s->next == CLIENT) {
        assert_told(&f, s->status, "no");
        assert_int_equal(f.upstream.asked, 1);
        return;
    }
    assert_int_equal(f.upstream.asked, 1); /* not from inside the callback of the try before */
    pass_ms(&f, waits_ms(&f));
    assert_int_equal(f.upstream.asked, 2);
    if (s->next == NEXT_KEY)
        assert_asks(&f, "one.test", "key-1b");
    else
        assert_asks(&f, "two.test", "key-2");
    assert_int_equal(f.x->counted, s->next == NEXT_KEY ? 1 : 2);
    answers(&f);
    assert_told(&f, 200, "hello");
}

static void R13_each_failure_has_its_own_next_step(void **state)
{
    for (size_t i = 0; i < COUNTOF(steps); i++) {
        assert_int_equal(teardown(state), 0);
        assert_int_equal(setup(state), 0);
        ask(&f, "chat");
        assert_asks(&f, "one.test", "key-1a");
        fail_like(&steps[i]);
        print_message("# %s\n", steps[i].what);
        check_step(&steps[i]);
    }
}

static void R15_a_full_queue_of_ours_is_told_when_nobody_else_is_left(void **state)
{
    (void)state;
    ask(&f, "two/m");
    for (unsigned i = 0; i < 5; i++) {
        breaks(&f, HTTP_FAIL_LIMIT, HTTP_PHASE_QUEUE);
        while (f.x->backing_off)
            pass_ms(&f, waits_ms(&f));
    }
    assert_told(&f, 503, "upstream_queue_full");
    assert_int_equal(f.gw.providers[1].direct.failures, 0);
}

/* ---- how often, and when ---- */

/* The failure is acted on, and the back-off behind it (0: at once) runs its course. */
static void fail_and_wait(unsigned status, const char *fields, uint64_t wait_ms)
{
    refuses(&f, status, fields, "x");
    pass_ms(&f, waits_ms(&f));
    if (wait_ms == 0)
        return;
    assert_int_equal(waits_ms(&f), wait_ms);
    pass_ms(&f, wait_ms - 1);
    assert_true(f.x->backing_off);
    pass_ms(&f, 1);
}

static void R12_only_a_second_round_waits_and_longer_each_time(void **state)
{
    (void)state;
    ask(&f, "chat");
    fail_and_wait(500, "", 0);
    assert_has(&f.upstream.head, "host: two.test\r\n");
    fail_and_wait(503, "", 100); /* of `one`, which answered first and with no 502 or 503 */
    assert_has(&f.upstream.head, "host: one.test\r\n");
    fail_and_wait(500, "", 100); /* `two` waits twice 100 since its 503; 100 of it have passed */
    assert_has(&f.upstream.head, "host: two.test\r\n");
    fail_and_wait(500, "", 100); /* `one` again: 200 after its second failure */
    assert_has(&f.upstream.head, "host: one.test\r\n");
    answers(&f);
    assert_told(&f, 200, "hello");
}

static void R12_a_retry_after_is_never_undercut(void **state)
{
    (void)state;
    ask(&f, "two/m");
    fail_and_wait(429, "retry-after: 3\n", 3000);
    fail_and_wait(429, "retry-after-ms: 1\n", 200);
    answers(&f);
    assert_told(&f, 200, "hello");
}

static void R12_a_wait_that_is_too_long_is_not_begun(void **state)
{
    (void)state;
    ask(&f, "two/m");
    refuses(&f, 429, "retry-after: 6\n", "x"); /* retry_after_max is 5 s */
    pass_ms(&f, waits_ms(&f));
    assert_told(&f, 429, "upstream_rate_limited");
    assert_has(&f.client.head, "retry-after: 6\n");
    assert_int_equal(f.upstream.asked, 1);
}

static void R15_a_wait_past_the_deadline_is_not_begun(void **state)
{
    (void)state;
    begin_with(&f, CHAT, "x-dragoman-timeout-ms: 2000\n",
               "{\"model\":\"two/m\",\"messages\":[{}]}");
    refuses(&f, 503, "retry-after: 2\n", "x");
    pass_ms(&f, waits_ms(&f));
    assert_told(&f, 503, "upstream_overloaded");
    assert_int_equal(f.upstream.asked, 1);
}

static void R15_when_the_deadline_has_passed_nobody_is_asked(void **state)
{
    (void)state;
    begin_with(&f, CHAT, "x-dragoman-timeout-ms: 2000\n", "{\"model\":\"chat\",\"messages\":[{}]}");
    refuses(&f, 500, "", "x");
    pass_ms(&f, 2000);
    assert_told(&f, 504, "deadline_exceeded");
    assert_has(&f.client.body, "one/m answered 500");
    assert_int_equal(f.upstream.asked, 1);
}

static void R15_a_try_that_meets_the_deadline_ends_it(void **state)
{
    (void)state;
    ask(&f, "chat");
    being_asked(&f)->deadline_hit = true;
    breaks(&f, HTTP_FAIL_TIMEOUT, HTTP_PHASE_HEADERS);
    assert_told(&f, 504, "deadline_exceeded");
    assert_int_equal(state_of("chat", 0)->failures, 0);
    assert_int_equal(f.upstream.asked, 1);
}

/* What ends it all is what the client hears of, not what another target said before. */
static void R13_the_last_word_is_that_of_the_failure_that_ends_it(void **state)
{
    (void)state;
    ask(&f, "chat");
    refuses(&f, 503, "", "x");
    pass_ms(&f, 0);
    being_asked(&f)->deadline_hit = true;
    breaks(&f, HTTP_FAIL_TIMEOUT, HTTP_PHASE_HEADERS);
    assert_told(&f, 504, "No answer within the total limit");
    assert_has_not(&f.client.body, "answered 503");
}

static void R13_a_refusal_behind_a_failure_is_told_as_it_is(void **state)
{
    (void)state;
    ask(&f, "chat");
    refuses(&f, 503, "", "x");
    pass_ms(&f, 0);
    refuses(&f, 422, "", "");
    assert_told(&f, 400, "two/m answered 422");
}

static void R14_upstreams_together_are_asked_at_most_the_configured_times(void **state)
{
    (void)state;
    ask(&f, "chat");
    for (unsigned i = 0; i < 4; i++) {
        refuses(&f, 500, "", "x");
        while (f.x->backing_off)
            pass_ms(&f, waits_ms(&f));
    }
    refuses(&f, 500, "", "x");
    pass_ms(&f, waits_ms(&f));
    assert_told(&f, 502, "upstream_error");
    assert_has(&f.client.head, "x-should-retry: false\n");
    assert_has(&f.client.head, "x-dragoman-attempts: 5\n");
    assert_int_equal(f.upstream.asked, 5);
    assert_int_equal(metric_value(f.metrics, f.gw.series.retries[FAULT_UPSTREAM_ERROR]), 4);
}

static void three_failures_in_a_row_send_a_target_to_rest(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        assert_false(target_rests(state_of("chat", 0), loop_now_ms(&f.loop)));
        ask(&f, "chat");
        assert_has(&f.upstream.head, "host: one.test\r\n");
        refuses(&f, 500, "", "x");
    }
    ask(&f, "chat");
    assert_has(&f.upstream.head, "host: two.test\r\n");
    pass_ms(&f, 10000);
    ask(&f, "chat");
    assert_has(&f.upstream.head, "host: one.test\r\n");
    answers(&f);
    assert_int_equal(state_of("chat", 0)->failures, 0);
}

static void a_fallback_is_counted_once(void **state)
{
    const struct conf_model *m = conf_model_find(f.conf, STR("only"));

    (void)state;
    ask(&f, "only");
    fail_and_wait(500, "", 0);
    assert_has(&f.upstream.head, "host: one.test\r\n");
    fail_and_wait(500, "", 100);
    fail_and_wait(500, "", 0);
    assert_has(&f.upstream.head, "host: one.test\r\n");
    answers(&f);
    assert_int_equal(metric_value(f.metrics, f.gw.series.fallbacks[m->index]), 1);
}

static void no_memory_for_a_try_is_told(void **state)
{
    (void)state;
    f.upstream.full = true;
    arrive(&f, "POST", CHAT, "");
    f.upstream.full = true;
    f.call.body = STR("{\"model\":\"chat\",\"messages\":[{}]}");
    f.x->body_ready = true;
    pipeline_start(f.x, f.x->surface->stages);
    assert_told(&f, 503, "limits.exchange_bytes");
}

/* ---- credentials ---- */

static void R16_each_key_is_asked_once_and_does_not_count(void **state)
{
    (void)state;
    ask(&f, "one/m");
    refuses(&f, 401, "", "x");
    pass_ms(&f, waits_ms(&f));
    assert_asks(&f, "one.test", "key-1b");
    refuses(&f, 403, "", "x");
    pass_ms(&f, waits_ms(&f));
    assert_told(&f, 502, "upstream_credentials_exhausted");
    assert_int_equal(f.upstream.asked, 2);
    assert_int_equal(f.x->counted, 0);
    assert_true(benched(0, 0) && benched(0, 1));
    assert_int_equal(f.gw.providers[0].direct.failures, 0);
}

static void R16_a_benched_key_is_asked_last_and_again_after_its_time(void **state)
{
    (void)state;
    provider_key_bench(&f.gw.providers[0], 0, loop_now_ms(&f.loop) + 60000);
    for (unsigned i = 0; i < 3; i++) {
        ask(&f, "one/m");
        assert_asks(&f, "one.test", "key-1b");
        answers(&f);
    }
    f.loop.uv.time += 60000;
    f.gw.providers[0].next_key = 0;
    ask(&f, "one/m");
    assert_asks(&f, "one.test", "key-1a");
}

static void R16_without_a_second_key_the_target_is_out(void **state)
{
    (void)state;
    ask(&f, "only");
    assert_asks(&f, "two.test", "key-2");
    refuses(&f, 401, "", "x");
    pass_ms(&f, waits_ms(&f));
    assert_has(&f.upstream.head, "host: one.test\r\n");
    fail_and_wait(500, "", 100); /* `two` is not asked again */
    assert_has(&f.upstream.head, "host: one.test\r\n");
}

static void a_refused_credential_says_less_than_a_failure_before_it(void **state)
{
    (void)state;
    ask(&f, "chat");
    refuses(&f, 503, "", "full house");
    pass_ms(&f, waits_ms(&f));
    refuses(&f, 401, "", "who are you");
    pass_ms(&f, waits_ms(&f));
    while (f.x->backing_off) /* a second round at `one` */
        pass_ms(&f, waits_ms(&f));
    refuses(&f, 401, "", "who are you");
    pass_ms(&f, waits_ms(&f));
    refuses(&f, 401, "", "who are you");
    pass_ms(&f, waits_ms(&f));
    assert_told(&f, 503, "upstream_overloaded");
    assert_has(&f.client.body, "full house");
}

static void a_failure_says_more_than_a_refused_credential_before_it(void **state)
{
    (void)state;
    ask(&f, "two/m");
    refuses(&f, 401, "", "x");
    pass_ms(&f, waits_ms(&f));
    assert_told(&f, 502, "upstream_credentials_exhausted");
    ask(&f, "only");
    refuses(&f, 401, "", "x");
    pass_ms(&f, waits_ms(&f));
    for (unsigned i = 0; i < 5; i++) {
        refuses(&f, 500, "", "the other failed");
        while (f.x->backing_off)
            pass_ms(&f, waits_ms(&f));
    }
    assert_told(&f, 502, "upstream_error");
    assert_has(&f.client.body, "the other failed");
}

/* ---- a 403 that is not about the key ---- */

#define NO_SUCH_MODEL "{\"error\":{\"message\":\"no access\",\"code\":\"model_not_found\"}}"

static void R13_a_refused_model_takes_the_target_off_the_route_and_benches_no_key(void **state)
{
    (void)state;
    ask(&f, "chat");
    refuses(&f, 403, JSON, NO_SUCH_MODEL);
    assert_false(benched(0, 0));
    assert_int_equal(state_of("chat", 0)->failures, 0);
    pass_ms(&f, waits_ms(&f));
    assert_asks(&f, "two.test", "key-2");
    assert_int_equal(f.x->counted, 2);
    fail_and_wait(500, "", 100); /* only `two` is left, although `one` has another key */
    assert_asks(&f, "two.test", "key-2");
    answers(&f);
    assert_told(&f, 200, "hello");
}

static void R13_a_model_that_nobody_may_use_has_a_code_of_its_own(void **state)
{
    (void)state;
    ask(&f, "chat");
    refuses(&f, 403, JSON, NO_SUCH_MODEL);
    pass_ms(&f, waits_ms(&f));
    refuses(&f, 403, JSON, NO_SUCH_MODEL);
    pass_ms(&f, waits_ms(&f));
    assert_told(&f, 502, "upstream_model_refused");
    assert_has(&f.client.body, "two/m answered 403: no access");
    assert_has(&f.client.head, "x-should-retry: false\n");
    assert_int_equal(f.upstream.asked, 2);
}

static void R13_a_refused_model_says_less_than_a_failure_before_it(void **state)
{
    (void)state;
    ask(&f, "chat");
    refuses(&f, 503, "retry-after: 6\n", "full house");
    pass_ms(&f, waits_ms(&f));
    refuses(&f, 403, JSON, NO_SUCH_MODEL);
    pass_ms(&f, waits_ms(&f));
    assert_told(&f, 503, "upstream_overloaded");
    assert_has(&f.client.body, "full house");
}

static void R13_a_403_about_what_was_asked_is_passed_on(void **state)
{
    static const char body[] = "{\"error\":{\"code\":\"content_policy_violation\"}}";

    (void)state;
    ask(&f, "chat");
    refuses(&f, 403, JSON, body);
    assert_told(&f, 403, body);
    assert_false(benched(0, 0));
    assert_int_equal(f.upstream.asked, 1);
}

/* ---- the client leaves ---- */

static void R1_who_leaves_during_a_try_cancels_it_once(void **state)
{
    (void)state;
    ask(&f, "chat");
    leaves(&f);
    assert_true(f.x->finished);
    assert_int_equal(f.upstream.cancelled, 1);
    assert_int_equal(f.x->records[0].fault, FAULT_CLIENT_LEFT);
    assert_int_equal(state_of("chat", 0)->failures, 0);
}

/* A key that is drawn for a wait, and another for the call behind it, would be the first one again
 * wherever there are two. */
static void R16_behind_a_back_off_the_next_key_is_used(void **state)
{
    (void)state;
    ask(&f, "spare");
    assert_asks(&f, "one.test", "key-1a");
    refuses(&f, 429, "", "{}");
    pass_ms(&f, 0);
    pass_ms(&f, waits_ms(&f));
    assert_asks(&f, "one.test", "key-1b");
}

static void R1_who_leaves_during_a_back_off_is_not_asked_for_again(void **state)
{
    (void)state;
    ask(&f, "chat");
    refuses(&f, 500, "", "x");
    assert_true(f.x->backing_off);
    leaves(&f);
    assert_true(f.x->finished && !f.x->backing_off);
    assert_false(alarm_is_set(&f.x->timer));
    pass_ms(&f, 60000);
    assert_int_equal(f.upstream.asked, 1);
    assert_int_equal(f.upstream.cancelled, 0);
}

/* ---- what it draws of an allowance ---- */

static void what_never_went_out_is_given_back_to_the_allowance(void **state)
{
    static const struct {
        const char *what;
        enum http_failure how;
        enum http_phase phase;
        unsigned drawn;
    } rows[] = {
        {"no such host", HTTP_FAIL_RESOLVE, HTTP_PHASE_RESOLVE, 0},
        {"refused", HTTP_FAIL_CONNECT, HTTP_PHASE_CONNECT, 0},
        {"no handshake", HTTP_FAIL_TLS, HTTP_PHASE_TLS, 0},
        {"a full queue", HTTP_FAIL_LIMIT, HTTP_PHASE_QUEUE, 0},
        {"a hanging connection", HTTP_FAIL_TIMEOUT, HTTP_PHASE_CONNECT, 0},
        {"cut while it goes out", HTTP_FAIL_RESET, HTTP_PHASE_SEND, 1},
        {"no answer", HTTP_FAIL_TIMEOUT, HTTP_PHASE_HEADERS, 1},
        {"the client leaves early", HTTP_FAIL_NONE, HTTP_PHASE_CONNECT, 0},
        {"the client leaves late", HTTP_FAIL_NONE, HTTP_PHASE_HEADERS, 1},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct allowance counts[2] = {0};
        uint64_t drawn;

        f.gw.targets[state_of("chat", 0) - f.gw.targets].allowances = counts;
        ask(&f, "chat");
        assert_int_equal(counts[0].of[ALLOWANCE_REQUESTS].sent + counts[1].of[0].sent, 1);
        if (rows[i].how != HTTP_FAIL_NONE) {
            breaks(&f, rows[i].how, rows[i].phase);
        } else {
            if (rows[i].phase < HTTP_PHASE_SEND)
                is_connecting(&f);
            leaves(&f);
        }
        for (unsigned u = 0; u < ALLOWANCE_UNITS; u++) {
            drawn = counts[0].of[u].sent + counts[1].of[u].sent;
            if ((drawn > 0) != rows[i].drawn || (u == ALLOWANCE_REQUESTS && drawn > 1))
                fail_msg("%s: %llu of unit %u", rows[i].what, (unsigned long long)drawn, u);
        }
        close_fixture(&f);
        open_fixture(&f, two);
    }
}

static void who_names_a_provider_draws_from_the_same_allowance(void **state)
{
    const struct conf_provider *two_ = conf_provider_find(f.conf, STR("two"));
    struct allowance *a;

    (void)state;
    atomic_store(&f.gw.allowances.left, 2);
    ask(&f, "two/m");
    a = f.x->attempt.allowance;
    assert_ptr_equal(a, allowance_book_get(&f.gw.allowances, two_, STR("m")));
    assert_int_equal(a->of[ALLOWANCE_REQUESTS].sent, 1);
    refuses(&f, 200, JSON "x-ratelimit-remaining-requests: 0\nx-ratelimit-reset-requests: 5s\n",
            HELLO);
    assert_int_equal(allowance_free_at(a, 1, loop_now_ms(&f.loop)), loop_now_ms(&f.loop) + 5001);
    ask(&f, "one/m");
    assert_ptr_not_equal(f.x->attempt.allowance, a);
    ask(&f, "one/another"); /* there is no page left */
    assert_null(f.x->attempt.allowance);
    allowance_book_done(&f.gw.allowances);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(R13_each_failure_has_its_own_next_step),
        TEST(R15_a_full_queue_of_ours_is_told_when_nobody_else_is_left),
        TEST(R12_only_a_second_round_waits_and_longer_each_time),
        TEST(R12_a_retry_after_is_never_undercut),
        TEST(R12_a_wait_that_is_too_long_is_not_begun),
        TEST(R15_a_wait_past_the_deadline_is_not_begun),
        TEST(R15_when_the_deadline_has_passed_nobody_is_asked),
        TEST(R15_a_try_that_meets_the_deadline_ends_it),
        TEST(R14_upstreams_together_are_asked_at_most_the_configured_times),
        TEST(three_failures_in_a_row_send_a_target_to_rest),
        TEST(a_fallback_is_counted_once),
        TEST(no_memory_for_a_try_is_told),
        TEST(R16_each_key_is_asked_once_and_does_not_count),
        TEST(R16_a_benched_key_is_asked_last_and_again_after_its_time),
        TEST(R16_without_a_second_key_the_target_is_out),
        TEST(a_refused_credential_says_less_than_a_failure_before_it),
        TEST(a_failure_says_more_than_a_refused_credential_before_it),
        TEST(R13_a_refused_model_takes_the_target_off_the_route_and_benches_no_key),
        TEST(R13_a_model_that_nobody_may_use_has_a_code_of_its_own),
        TEST(R13_a_refused_model_says_less_than_a_failure_before_it),
        TEST(R13_a_403_about_what_was_asked_is_passed_on),
        TEST(R13_the_last_word_is_that_of_the_failure_that_ends_it),
        TEST(R13_a_refusal_behind_a_failure_is_told_as_it_is),
        TEST(R1_who_leaves_during_a_try_cancels_it_once),
        TEST(R16_behind_a_back_off_the_next_key_is_used),
        TEST(R1_who_leaves_during_a_back_off_is_not_asked_for_again),
        TEST(what_never_went_out_is_given_back_to_the_allowance),
        TEST(who_names_a_provider_draws_from_the_same_allowance),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
