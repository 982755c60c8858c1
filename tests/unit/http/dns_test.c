/* What is remembered of names, with a resolver and a clock of our own.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "http/dns.h"

struct fixture {
    struct loop loop;
    struct dns *dns;
    uint64_t now_ms;
    unsigned lookups;
    struct dns_name *name; /* being looked up */
    bool at_once;          /* answer from within */
    int err;
    uint8_t last_byte; /* of the answer 192.0.2.x */
};

struct query {
    struct dns_query q;
    unsigned answers;
    int err;
    struct dns_addresses a;
    struct query *cancels;
};

static void answer(struct dns_query *q, int err, const struct dns_addresses *a)
{
    struct query *x = CONTAINER_OF(q, struct query, q);

    x->answers++;
    x->err = err;
    x->a = *a;
    if (x->cancels != NULL)
        dns_cancel(&x->cancels->q);
}

static void reply(struct fixture *x)
{
    struct dns_addresses a = {.count = x->err == 0};
    struct dns_name *n = x->name;

    a.at[0].v4.sin_family = AF_INET;
    a.at[0].v4.sin_addr.s_addr = htonl(0xc0000200u + x->last_byte);
    x->name = NULL;
    dns_found(n, x->err, &a);
}

static int look_up(void *user, struct loop *l, const char *host, struct dns_name *n)
{
    struct fixture *x = user;

    (void)l;
    (void)host;
    x->lookups++;
    x->name = n;
    if (x->at_once)
        reply(x);
    return 0;
}

static uint64_t now(void *user)
{
    return ((struct fixture *)user)->now_ms;
}

static int set_up(void **state)
{
    struct fixture *x = calloc(1, sizeof(*x));

    assert_int_equal(loop_init(&x->loop, 0), 0);
    x->dns = dns_new(&x->loop);
    assert_non_null(x->dns);
    dns_use(x->dns, (struct dns_resolver){look_up, x, now});
    x->now_ms = 1000000;
    x->last_byte = 1;
    *state = x;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *x = *state;

    dns_free(x->dns);
    if (x->name != NULL)
        reply(x); /* to nobody */
    loop_done(&x->loop);
    free(x);
    return 0;
}

static int ask(struct fixture *x, struct query *q, const char *host, uint32_t ttl_ms)
{
    int rc;

    *q = (struct query){.q.answer = answer};
    rc = dns_ask(x->dns, host, ttl_ms, &q->q, &q->a);
    assert_int_equal(q->answers, 0);
    return rc;
}

static uint8_t last_byte(const struct query *q)
{
    return (uint8_t)(ntohl(q->a.at[0].v4.sin_addr.s_addr) & 0xff);
}

/* clang-format off */
static const struct {
    uint64_t after_ms; /* since the step before */
    uint8_t truth;     /* what the resolver says now */
    bool forget;       /* a connect error first */
    uint8_t heard;     /* what the caller gets */
    unsigned lookups;  /* so far */
} ttl_story[] = {
    {    0, 1, false, 1, 1},
    {  999, 2, false, 1, 1}, /* within the TTL */
    {    1, 2, false, 2, 2}, /* over it */
    {  500, 3, true,  3, 3}, /* forgotten: asked at once */
    {  999, 4, false, 3, 3},
};
/* clang-format on */

static void R25_changes_are_followed_within_the_ttl(void **state)
{
    struct fixture *x = *state;
    struct query q;

    x->at_once = true;
    for (size_t i = 0; i < COUNTOF(ttl_story); i++) {
        x->now_ms += ttl_story[i].after_ms;
        x->last_byte = ttl_story[i].truth;
        if (ttl_story[i].forget)
            dns_forget(x->dns, "a.test");
        assert_int_equal(ask(x, &q, "a.test", 1000), 1);
        assert_int_equal(last_byte(&q), ttl_story[i].heard);
        assert_int_equal(x->lookups, ttl_story[i].lookups);
    }
}

static void R25_a_failure_is_remembered_for_a_second_at_most(void **state)
{
    struct fixture *x = *state;
    struct query q;

    x->at_once = true;
    x->err = UV_EAI_AGAIN;
    assert_int_equal(ask(x, &q, "a.test", 60000), UV_EAI_AGAIN);
    x->now_ms += 999;
    x->err = 0;
    assert_int_equal(ask(x, &q, "a.test", 60000), UV_EAI_AGAIN);
    assert_int_equal(x->lookups, 1);
    x->now_ms += 1;
    assert_int_equal(ask(x, &q, "a.test", 60000), 1);
    assert_int_equal(x->lookups, 2);
}

static void R25_lookups_of_one_name_are_one(void **state)
{
    struct fixture *x = *state;
    struct query q[4];

    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(ask(x, &q[i], "a.test", 1000), 0);
    assert_int_equal(x->lookups, 1);
    dns_cancel(&q[1].q);
    q[0].cancels = &q[2]; /* in its answer */
    reply(x);
    assert_int_equal(q[0].answers, 1);
    assert_int_equal(q[1].answers, 0);
    assert_int_equal(q[2].answers, 0);
    assert_int_equal(q[3].answers, 1);
    assert_int_equal(last_byte(&q[3]), 1);
}

/* The answer on its way may be the one that did not work. */
static void R25_what_was_asked_before_the_trouble_is_not_kept(void **state)
{
    struct fixture *x = *state;
    struct query q;

    assert_int_equal(ask(x, &q, "a.test", 60000), 0);
    dns_forget(x->dns, "a.test");
    reply(x);
    assert_int_equal(q.answers, 1);
    assert_int_equal(ask(x, &q, "a.test", 60000), 0);
    assert_int_equal(x->lookups, 2);
    reply(x);
}

static void no_addresses_is_a_failure(void **state)
{
    struct fixture *x = *state;
    struct dns_addresses none = {0};
    struct query q;

    assert_int_equal(ask(x, &q, "a.test", 1000), 0);
    dns_found(x->name, 0, &none);
    x->name = NULL;
    assert_int_equal(q.answers, 1);
    assert_int_equal(q.err, UV_EAI_NONAME);
}

static void addresses_are_not_looked_up(void **state)
{
    struct fixture *x = *state;
    struct query q;

    assert_int_equal(ask(x, &q, "192.0.2.7", 1000), 1);
    assert_int_equal(q.a.at[0].any.sa_family, AF_INET);
    assert_int_equal(last_byte(&q), 7);
    assert_int_equal(ask(x, &q, "2001:db8::1", 1000), 1);
    assert_int_equal(q.a.at[0].any.sa_family, AF_INET6);
    assert_int_equal(x->lookups, 0);
}

static void names_have_a_maximum(void **state)
{
    struct fixture *x = *state;
    struct query q;

    x->at_once = true;
    for (unsigned i = 0; i < DNS_NAMES_MAX + 10; i++) {
        char host[32];

        snprintf(host, sizeof(host), "n%u.test", i);
        assert_int_equal(ask(x, &q, host, 1000), 1);
    }
    assert_int_equal(x->lookups, DNS_NAMES_MAX + 10);
    assert_int_equal(ask(x, &q, "n20.test", 1000), 1); /* still known */
    assert_int_equal(x->lookups, DNS_NAMES_MAX + 10);
    assert_int_equal(ask(x, &q, "n0.test", 1000), 1); /* had to go */
    assert_int_equal(x->lookups, DNS_NAMES_MAX + 11);
}

static void a_lookup_may_outlive_the_cache(void **state)
{
    struct fixture *x = *state;
    struct query q;

    assert_int_equal(ask(x, &q, "a.test", 1000), 0);
    dns_cancel(&q.q); /* tear_down() answers after dns_free() */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(R25_changes_are_followed_within_the_ttl),
        TEST(R25_a_failure_is_remembered_for_a_second_at_most),
        TEST(R25_lookups_of_one_name_are_one),
        TEST(R25_what_was_asked_before_the_trouble_is_not_kept),
        TEST(no_addresses_is_a_failure),
        TEST(addresses_are_not_looked_up),
        TEST(names_have_a_maximum),
        TEST(a_lookup_may_outlive_the_cache),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
