/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "conf/proxy.h"
#include "conf_helper.h"

static void no_proxy_names_hosts_domains_and_ports(void **state)
{
    static const struct {
        const char *no_proxy, *host;
        uint16_t port;
        bool exempt;
    } rows[] = {
        {"", "api.openai.com", 443, false},
        {"*", "api.openai.com", 443, true},
        {"api.openai.com", "api.openai.com", 443, true},
        {"openai.com", "api.openai.com", 443, true},
        {".openai.com", "api.openai.com", 443, true},
        {"*.openai.com", "api.openai.com", 443, true},
        {"penai.com", "api.openai.com", 443, false},
        {"API.OpenAI.com", "api.openai.com", 443, true},
        {"openai.com:443", "api.openai.com", 443, true},
        {"openai.com:80", "api.openai.com", 443, false},
        {"openai.com:x", "api.openai.com", 443, false},
        {" a , openai.com ,b", "openai.com", 443, true},
        {",,", "openai.com", 443, false},
        {".", "openai.com", 443, false},
        {"10.0.0.1", "10.0.0.1", 80, true},
        {"[2001:db8::1]:80", "2001:db8::1", 80, true},
        {"2001:db8::1", "2001:db8::1", 80, true},
        {"[2001:db8::1]:81", "2001:db8::1", 80, false},
        {"", "127.0.0.1", 80, true}, /* this machine, always */
        {"", "::1", 80, true},
        {"", "localhost", 80, true},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        if (proxy_is_exempt(str_from(rows[i].no_proxy), str_from(rows[i].host), rows[i].port) !=
            rows[i].exempt)
            fail_msg("row %zu: %s %s", i, rows[i].no_proxy, rows[i].host);
    }
}

static void the_scheme_chooses_the_variable(void **state)
{
    static const char *const vars[] = {"HTTP_PROXY",  "http://a:1", "https_proxy", "b:2",
                                       "HTTPS_PROXY", "",           NULL};
    struct conf_provider plain = {.host = STR("h"), .port = 80};
    struct conf_provider tls = {.host = STR("h"), .port = 443, .tls = true};
    struct arena a = {0};
    const char *name, *why;
    struct str proxy;

    (void)state;
    variables = vars;
    assert_true(proxy_of_env(&a, &plain, env, &proxy, &name, &why));
    assert_str(proxy, "http://a:1");
    assert_true(proxy_of_env(&a, &tls, env, &proxy, &name, &why));
    assert_str(proxy, "http://b:2");
    variables = NULL;
    assert_true(proxy_of_env(&a, &tls, env, &proxy, &name, &why));
    assert_int_equal(proxy.len, 0);
    assert_true(proxy_of_env(&a, &tls, NULL, &proxy, &name, &why));
    arena_done(&a);
}

static void what_is_no_http_proxy_is_told(void **state)
{
    static const char *const rows[] = {"socks5://h:1", "https://h:1", "http://", "h:port"};
    struct conf_provider tls = {.host = STR("h"), .port = 443, .tls = true};
    struct arena a = {0};

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        const char *vars[] = {"HTTPS_PROXY", rows[i], NULL};
        const char *name = "", *why = "";
        struct str proxy;

        variables = vars;
        if (proxy_of_env(&a, &tls, env, &proxy, &name, &why))
            fail_msg("took %s", rows[i]);
        assert_string_equal(name, "HTTPS_PROXY");
        assert_true(strlen(why) > 0);
    }
    variables = NULL;
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_proxy_names_hosts_domains_and_ports),
        cmocka_unit_test(the_scheme_chooses_the_variable),
        cmocka_unit_test(what_is_no_http_proxy_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
