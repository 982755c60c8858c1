/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/forward.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct row {
    struct str name;
    bool up, up_relayed, down, down_encoded;
};

/* clang-format off */
static const struct row rows[] = {
    {STR_INIT("authorization"),             false, false, true,  true},
    {STR_INIT("X-Api-Key"),                 false, false, true,  true},
    {STR_INIT("api-key"),                   false, false, true,  true},
    {STR_INIT("Cookie"),                    false, false, true,  true},
    {STR_INIT("Set-Cookie"),                true,  true,  false, false},
    {STR_INIT("host"),                      false, false, true,  true},
    {STR_INIT("via"),                       false, false, false, false},
    {STR_INIT("nel"),                       true,  true,  false, false},
    {STR_INIT("x-forwarded-for"),           false, false, true,  true},
    {STR_INIT("X-Forwarded-Anything"),      false, false, true,  true},
    {STR_INIT("sec-fetch-mode"),            false, false, true,  true},
    {STR_INIT("x-dragoman-session"),        false, false, false, false},
    {STR_INIT("accept"),                    false, true,  true,  true},
    {STR_INIT("Accept-Encoding"),           false, true,  true,  true},
    {STR_INIT("Content-Type"),              false, true,  true,  true},
    {STR_INIT("content-encoding"),          true,  true,  false, true},
    {STR_INIT("content-length"),            false, false, false, false},
    {STR_INIT("openai-organization"),       false, false, false, false},
    {STR_INIT("openai-version"),            true,  true,  true,  true},
    {STR_INIT("strict-transport-security"), true,  true,  false, false},
    {STR_INIT("access-control-allow-origin"), true, true, false, false},
    {STR_INIT("x-ratelimit-remaining-tokens"), true, true, true, true},
    {STR_INIT("x-stainless-lang"),          true,  true,  true,  true},
    {STR_INIT("connection"),                false, false, false, false},
    {STR_INIT("transfer-encoding"),         false, false, false, false},
    {STR_INIT("proxy-authorization"),       false, false, false, false},
    {STR_INIT("x-listed"),                  false, false, false, false}, /* in Connection */
    {STR_INIT("x-listed-not"),              true,  true,  true,  true},
    {STR_INIT("a-name-that-is-longer-than-any-we-know-of"), true, true, true, true},
};
/* clang-format on */

/* R54: hop-by-hop fields, cookies, credentials and X-Forwarded-* are not forwarded. */
static void each_field_passes_only_where_it_may(void **state)
{
    const struct str connection = STR("close, X-Listed");

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        const struct row *r = &rows[i];

        if (forward_up(r->name, connection, false) != r->up ||
            forward_up(r->name, connection, true) != r->up_relayed ||
            forward_down(r->name, connection, false) != r->down ||
            forward_down(r->name, connection, true) != r->down_encoded)
            fail_msg("%.*s", STR_ARG(r->name));
    }
}

/* One row in the wrong place of a table that is sorted by length would not be found. */
static void every_row_of_the_table_is_found(void **state)
{
    static const char *const up[] = {"via",
                                     "host",
                                     "cookie",
                                     "expect",
                                     "origin",
                                     "api-key",
                                     "referer",
                                     "x-api-key",
                                     "forwarded",
                                     "x-real-ip",
                                     "user-agent",
                                     "x-client-ip",
                                     "x-request-id",
                                     "authorization",
                                     "content-length",
                                     "openai-project",
                                     "x-goog-api-key",
                                     "true-client-ip",
                                     "x-amzn-trace-id",
                                     "cf-connecting-ip",
                                     "openai-organization"};
    static const char *const down[] = {"via",
                                       "nel",
                                       "date",
                                       "vary",
                                       "server",
                                       "cf-ray",
                                       "alt-svc",
                                       "report-to",
                                       "set-cookie",
                                       "x-request-id",
                                       "content-length",
                                       "openai-project",
                                       "x-should-retry",
                                       "cf-cache-status",
                                       "x-accel-buffering",
                                       "openai-organization",
                                       "strict-transport-security"};

    (void)state;
    for (size_t i = 0; i < COUNTOF(up); i++)
        assert_false(forward_up(str_from(up[i]), STR(""), true));
    for (size_t i = 0; i < COUNTOF(down); i++)
        assert_false(forward_down(str_from(down[i]), STR(""), true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_field_passes_only_where_it_may),
        cmocka_unit_test(every_row_of_the_table_is_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
