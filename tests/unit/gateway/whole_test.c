/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/gateway/exchange_fixture.h"

#include <zlib.h>

#define CODED JSON "content-encoding: deflate\n"

static struct fixture f;

static int setup(void **state)
{
    (void)state;
    open_fixture(&f, "limits: { reply_bytes: 1KiB }\n"
                     "retry: { attempts: 2, initial: 100ms, jitter: 0 }\n"
                     "providers:\n"
                     "  one: { base_url: \"http://one.test/v1\" }\n"
                     "  two: { base_url: \"http://two.test/v1\" }\n"
                     "models:\n"
                     "  chat: { strategy: ordered, targets: [ one/m, two/m ] }\n");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    close_fixture(&f);
    return 0;
}

/* `n` bytes `c`, coded, in static memory. */
static struct str coded(char c, size_t n)
{
    static char plain[1 << 18], bytes[4096];
    uLongf len = sizeof(bytes);

    assert_true(n <= sizeof(plain));
    memset(plain, c, n);
    assert_int_equal(compress((Bytef *)bytes, &len, (Bytef *)plain, n), Z_OK);
    return str_make(bytes, len);
}

static struct str coded_text(const char *text)
{
    static char bytes[4096];
    uLongf len = sizeof(bytes);

    assert_int_equal(compress((Bytef *)bytes, &len, (const Bytef *)text, strlen(text)), Z_OK);
    return str_make(bytes, len);
}

static void R44_a_body_is_passed_on_as_it_came(void **state)
{
    (void)state;
    ask(&f, "chat");
    replies(&f, 200, JSON "x-other: goes\nset-cookie: a\nconnection: x-mine\nx-mine: stays\n");
    says(&f, "{\"choices\":[{\"index\":0,  \"message\":");
    says(&f, "{}}],\"x\":1.50}\n");
    ends(&f);
    assert_told(&f, 200, "{\"choices\":[{\"index\":0,  \"message\":{}}],\"x\":1.50}\n");
    assert_has(&f.client.head, "x-other: goes\n");
    assert_has(&f.client.head, "x-dragoman-target: one/m\n");
    assert_has_not(&f.client.head, "set-cookie");
    assert_has_not(&f.client.head, "stays");
}

static void a_coded_body_is_passed_on_plain(void **state)
{
    (void)state;
    ask(&f, "chat");
    replies(&f, 200, CODED);
    says_bytes(&f, coded_text(HELLO));
    ends(&f);
    assert_told(&f, 200, HELLO);
    assert_has_not(&f.client.head, "content-encoding");
}

static void a_broken_coding_is_a_failure(void **state)
{
    (void)state;
    ask(&f, "chat");
    replies(&f, 200, CODED);
    says(&f, "this is not zlib");
    assert_int_equal(f.upstream.cancelled, 1);
    assert_int_equal(f.x->records[0].fault, FAULT_UPSTREAM_BAD_REPLY);
    pass_ms(&f, waits_ms(&f));
    answers(&f);
    assert_told(&f, 200, "hello");
}

/* Also when much more of it is still to be inflated. */
static void a_body_larger_than_its_limit_ends_the_try_once(void **state)
{
    static char large[2048];

    (void)state;
    ask(&f, "chat");
    replies(&f, 200, JSON);
    memset(large, 'x', sizeof(large) - 1);
    says(&f, large);
    assert_in(f.x->why, "limits.reply_bytes");
    assert_int_equal(f.upstream.cancelled, 1);
    pass_ms(&f, waits_ms(&f));
    replies(&f, 200, CODED);
    says_bytes(&f, coded(' ', 1 << 18));
    assert_int_equal(f.upstream.cancelled, 2);
    pass_ms(&f, waits_ms(&f));
    assert_told(&f, 502, "limits.reply_bytes");
    assert_int_equal(f.x->records_count, 2);
    assert_int_equal(f.gw.targets[1].failures, 1);
}

static void R13_a_refusal_is_the_providers_own(void **state)
{
    (void)state;
    ask(&f, "chat");
    refuses(&f, 422, "content-type: text/x\nretry-after: 3\n", "as it came");
    assert_told(&f, 422, "as it came");
    assert_has(&f.client.head, "content-type: text/x\n");
    assert_has(&f.client.head, "x-should-retry: false\n");
    ask(&f, "chat");
    replies(&f, 400, ""); /* with nothing to pass on */
    ends(&f);
    assert_told(&f, 400, "upstream_refused");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(R44_a_body_is_passed_on_as_it_came),
        TEST(a_coded_body_is_passed_on_plain),
        TEST(a_broken_coding_is_a_failure),
        TEST(a_body_larger_than_its_limit_ends_the_try_once),
        TEST(R13_a_refusal_is_the_providers_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
