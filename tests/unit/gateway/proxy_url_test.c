/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/proxy_url.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void the_usual_forms_are_read(void **state)
{
    static const struct {
        const char *text, *host;
        uint16_t port;
        const char *authorization;
    } rows[] = {
        {"http://proxy:8080", "proxy", 8080, ""},
        {"http://proxy:8080/", "proxy", 8080, ""},
        {"http://proxy", "proxy", 3128, ""},
        {"http://[::1]:99", "::1", 99, ""},
        {"http://aladdin:opensesame@p:1", "p", 1, "Basic YWxhZGRpbjpvcGVuc2VzYW1l"},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct proxy_url p;

        assert_int_equal(proxy_url_parse(str_from(rows[i].text), &p), 0);
        assert_true(str_eq(p.host, str_from(rows[i].host)));
        assert_int_equal(p.port, rows[i].port);
        assert_string_equal(p.authorization, rows[i].authorization);
    }
}

static void others_are_refused(void **state)
{
    static const char *const rows[] = {"",           "proxy:80",          "https://p:1",
                                       "http://",    "http://p:0",        "http://p:65536",
                                       "http://p:x", "http://p:1/path",   "http://[::1",
                                       "http://:80", "socks5://localhost"};

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct proxy_url p;

        if (proxy_url_parse(str_from(rows[i]), &p) != -EINVAL)
            fail_msg("%s was taken", rows[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_usual_forms_are_read),
        cmocka_unit_test(others_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
