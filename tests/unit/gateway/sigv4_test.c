/* What Amazon publishes for who signs: requests and their signatures (the test suite of Signature
 * Version 4, docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-test-suite.html).  A path is
 * given there as it was before it was encoded for the wire, which is once less than ours is.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "gateway/sigv4.h"

#define KEY "AKIDEXAMPLE:wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define TIME_S 1440938160 /* 20150830T123600Z */
#define SESSION                                                                                    \
    "AQoDYXdzEPT//////////"                                                                        \
    "wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPf"                     \
    "IeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/"                                                         \
    "kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7W"                                    \
    "Z0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+"          \
    "scqKmlzm8F"                                                                                   \
    "DrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="

static struct str fields_of(struct arena *a, const char *key, const struct sigv4_request *r)
{
    const struct sigv4_scope scope = {STR("us-east-1"), STR("service"), TIME_S};
    struct sigv4_key k;

    assert_true(sigv4_key_read(str_from(key), &k));
    return sigv4_fields(a, &k, &scope, r);
}

static void the_signatures_are_amazons(void **state)
{
    static const struct {
        const char *what, *method, *path, *query, *signature;
    } rows[] = {
        {"get-vanilla", "GET", "/", "",
         "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
        {"post-vanilla", "POST", "/", "",
         "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
        {"get-vanilla-query-order-key-case", "GET", "/", "Param1=value1&Param2=value2",
         "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
        {"get-utf8", "GET", "/\xe1\x88\xb4", "",
         "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
        {"get-space", "GET", "/example space/", "",
         "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"},
        {"get-unreserved", "GET",
         "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", "",
         "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        const struct sigv4_request r = {.method = str_from(rows[i].method),
                                        .host = STR("example.amazonaws.com"),
                                        .path = str_from(rows[i].path),
                                        .query = str_from(rows[i].query)};
        struct arena a = {.max = 0};
        struct str fields = fields_of(&a, KEY, &r);
        struct str wanted =
            arena_printf(&a,
                         "authorization: AWS4-HMAC-SHA256 "
                         "Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
                         "SignedHeaders=host;x-amz-date, Signature=%s\r\n"
                         "x-amz-date: 20150830T123600Z\r\n",
                         rows[i].signature);

        if (!str_eq(fields, wanted))
            fail_msg("%s: %.*s", rows[i].what, STR_ARG(fields));
        arena_done(&a);
    }
}

/* post-sts-header-before */
static void a_session_is_signed_too(void **state)
{
    const struct sigv4_request r = {
        .method = STR("POST"), .host = STR("example.amazonaws.com"), .path = STR("/")};
    struct arena a = {.max = 0};
    struct str fields = fields_of(&a, KEY ":" SESSION, &r);

    (void)state;
    assert_non_null(str_find(
        fields, STR("SignedHeaders=host;x-amz-date;x-amz-security-token, Signature="
                    "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead\r\n")));
    assert_non_null(str_find(fields, STR("\r\nx-amz-security-token: " SESSION "\r\n")));
    arena_done(&a);
}

/* In pieces, as a splice leaves it, or in one: it is the same body, and another is another. */
static void the_body_is_signed(void **state)
{
    const struct str whole = STR("Param1=value1"),
                     pieces[] = {STR("Param1"), STR(""), STR("=value1")},
                     other = STR("Param1=value2");
    struct sigv4_request r = {.method = STR("POST"),
                              .host = STR("example.amazonaws.com"),
                              .path = STR("/"),
                              .body = &whole,
                              .body_count = 1};
    struct arena a = {.max = 0};
    struct str in_one = fields_of(&a, KEY, &r), in_three, of_another;

    (void)state;
    r.body = pieces;
    r.body_count = COUNTOF(pieces);
    in_three = fields_of(&a, KEY, &r);
    r.body = &other;
    r.body_count = 1;
    of_another = fields_of(&a, KEY, &r);
    assert_true(str_eq(in_one, in_three));
    assert_false(str_eq(in_one, of_another));
    arena_done(&a);
}

/* On the wire it is encoded once, for the signature once more. */
static void a_path_is_encoded_twice(void **state)
{
    struct sigv4_request r = {.method = STR("GET"),
                              .host = STR("example.amazonaws.com"),
                              .path = STR("/model/a%3A0/converse")};
    struct arena a = {.max = 0};
    struct str once = fields_of(&a, KEY, &r), twice;

    (void)state;
    r.path = STR("/model/a:0/converse");
    twice = fields_of(&a, KEY, &r);
    assert_false(str_eq(once, twice));
    arena_done(&a);
}

static void a_key_has_two_parts_or_three(void **state)
{
    static const char *const bad[] = {"", ":", "a", "a:", ":b", "a:b:c:d", "ABSKQmVkcm9jaw=="};
    struct sigv4_key k;
    char text[512] = "a:";

    (void)state;
    assert_true(sigv4_key_read(STR("a:b/+="), &k));
    assert_true(str_eq(k.access, STR("a")) && str_eq(k.secret, STR("b/+=")));
    assert_int_equal(k.session.len, 0);
    assert_true(sigv4_key_read(STR("a:b:c=="), &k));
    assert_true(str_eq(k.session, STR("c==")));
    for (size_t i = 0; i < COUNTOF(bad); i++) {
        if (sigv4_key_read(str_from(bad[i]), &k))
            fail_msg("%s", bad[i]);
    }
    memset(text + 2, 's', sizeof(text) - 2);
    assert_true(sigv4_key_read(str_make(text, 2 + 256), &k));
    assert_false(sigv4_key_read(str_make(text, 2 + 257), &k));
}

static void without_room_nothing_is_signed(void **state)
{
    const struct sigv4_request r = {.method = STR("GET"), .host = STR("h"), .path = STR("/")};

    (void)state;
    for (size_t max = 1; max < 256; max++) {
        struct arena a = {.max = max};

        assert_null(fields_of(&a, KEY, &r).ptr);
        arena_done(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_signatures_are_amazons),
        cmocka_unit_test(a_session_is_signed_too),
        cmocka_unit_test(the_body_is_signed),
        cmocka_unit_test(a_path_is_encoded_twice),
        cmocka_unit_test(a_key_has_two_parts_or_three),
        cmocka_unit_test(without_room_nothing_is_signed),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    arena_thread_done();
    return failed;
}
