/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "conf/values.h"
#include "conf_helper.h"

static void durations_are_read_and_written(void **state)
{
    static const struct {
        const char *text;
        uint64_t ms;
        const char *back;
    } rows[] = {
        {"0", 0, "0"},         {"250ms", 250, "250ms"},   {"30s", 30000, "30s"},
        {"90s", 90000, "90s"}, {"1m30s", 90000, "90s"},   {"10m", 600000, "10m"},
        {"1h", 3600000, "1h"}, {"2d", 172800000, "2d"},   {"1500ms", 1500, "1500ms"},
        {"60s", 60000, "1m"},  {"1h0m0s", 3600000, "1h"}, {"0s", 0, "0"},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct buf b = {0};
        uint64_t ms = 1;

        assert_true(value_duration(str_from(rows[i].text), &ms));
        assert_int_equal(ms, rows[i].ms);
        assert_int_equal(value_put_duration(&b, ms), 0);
        assert_str(buf_str(&b), rows[i].back);
        buf_done(&b);
    }
}

static void what_is_no_duration_is_refused(void **state)
{
    static const char *const rows[] = {
        "",
        "5",
        "s",
        "5 s",
        "-5s",
        "1.5s",
        "5S",
        "5sec",
        "5s ",
        "1m30",
        "99999999999999999999s",
        "999999999999999999d",
        "18446744073709551615ms",
    };
    uint64_t ms = 77;

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        if (value_duration(str_from(rows[i]), &ms))
            fail_msg("took %s", rows[i]);
    }
    assert_int_equal(ms, 77);
}

static void sizes_are_read_and_written(void **state)
{
    static const struct {
        const char *text;
        uint64_t bytes;
        const char *back;
    } rows[] = {
        {"0", 0, "0B"},
        {"512", 512, "512B"},
        {"512B", 512, "512B"},
        {"64KiB", 65536, "64KiB"},
        {"64MiB", 67108864, "64MiB"},
        {"4GiB", 4294967296, "4GiB"},
        {"64MB", 64000000, "64MB"},
        {"1500B", 1500, "1500B"},
        {"3KB", 3000, "3KB"},
        {"65536", 65536, "64KiB"},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct buf b = {0};
        uint64_t bytes = 1, again = 2;

        assert_true(value_size(str_from(rows[i].text), &bytes));
        assert_int_equal(bytes, rows[i].bytes);
        assert_int_equal(value_put_size(&b, bytes), 0);
        assert_true(value_size(buf_str(&b), &again));
        assert_int_equal(again, bytes);
        assert_str(buf_str(&b), rows[i].back);
        buf_done(&b);
    }
}

static void what_is_no_size_is_refused(void **state)
{
    static const char *const rows[] = {"",     "KiB",   "-1",    "1.5MiB", "1 KiB",
                                       "1kib", "1KiB1", "1KiB ", "0x10",   "999999999999999999GiB"};
    uint64_t n;

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        if (value_size(str_from(rows[i]), &n))
            fail_msg("took %s", rows[i]);
    }
}

static void addresses_are_read_and_written(void **state)
{
    static const struct {
        const char *text, *host;
        uint16_t port;
        const char *back;
    } rows[] = {
        {"127.0.0.1:8080", "127.0.0.1", 8080, "127.0.0.1:8080"},
        {"0.0.0.0:0", "0.0.0.0", 0, "0.0.0.0:0"},
        {"[::1]:65535", "::1", 65535, "[::1]:65535"},
        {"[::]:80", "::", 80, "[::]:80"},
        {"localhost:80", "127.0.0.1", 80, "127.0.0.1:80"},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct conf_listen l;
        struct buf b = {0};
        const char *why;

        assert_true(value_address(str_from(rows[i].text), &l, &why));
        assert_str(l.host, rows[i].host);
        assert_int_equal(l.port, rows[i].port);
        assert_int_equal(value_put_address(&b, &l), 0);
        assert_str(buf_str(&b), rows[i].back);
        buf_done(&b);
    }
}

static void what_is_no_address_is_refused(void **state)
{
    static const char *const rows[] = {
        "",
        ":",
        "8080",
        ":8080",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:65536",
        "127.0.0.1:80a",
        "::1:80",
        "[::1]",
        "[::1]80",
        "[::1",
        "[127.0.0.1]:80",
        "example.com:80",
        "1.2.3:80",
        "127.0.0.1:-1",
        "*:80",
        "http://127.0.0.1:80",
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct conf_listen l;
        const char *why = "";

        if (value_address(str_from(rows[i]), &l, &why))
            fail_msg("took %s", rows[i]);
        assert_true(strlen(why) > 0);
    }
}

static void R50_only_this_machine_is_loopback(void **state)
{
    static const char *const yes[] = {"127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"};
    static const char *const no[] = {
        "0.0.0.0",         "::",         "10.0.0.1", "1270.0.0.1", "127.0.0.1.evil.com", "",
        "::ffff:10.0.0.1", "169.254.1.1"};

    (void)state;
    for (size_t i = 0; i < COUNTOF(yes); i++)
        assert_true(value_is_loopback(str_from(yes[i])));
    for (size_t i = 0; i < COUNTOF(no); i++)
        assert_false(value_is_loopback(str_from(no[i])));
}

static void urls_are_taken_apart(void **state)
{
    static const struct {
        const char *text;
        bool tls;
        const char *user, *host;
        uint16_t port;
        const char *path;
    } rows[] = {
        {"https://api.openai.com/v1", true, "", "api.openai.com", 443, "/v1"},
        {"http://127.0.0.1:11434/v1/", false, "", "127.0.0.1", 11434, "/v1"},
        {"http://[2001:db8::1]:81", false, "", "2001:db8::1", 81, ""},
        {"https://[::1]/", true, "", "::1", 443, ""},
        {"http://u:p@proxy:3128", false, "u:p", "proxy", 3128, ""},
        {"https://h/v1beta/openai//", true, "", "h", 443, "/v1beta/openai"},
        {"https://a-b.c_d.example:8443/x/%20y", true, "", "a-b.c_d.example", 8443, "/x/%20y"},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct value_url u;
        const char *why = "";

        if (!value_url(str_from(rows[i].text), &u, &why))
            fail_msg("%s: %s", rows[i].text, why);
        assert_int_equal(u.tls, rows[i].tls);
        assert_str(u.user, rows[i].user);
        assert_str(u.host, rows[i].host);
        assert_int_equal(u.port, rows[i].port);
        assert_str(u.path, rows[i].path);
    }
}

static void what_is_no_base_url_is_refused(void **state)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"", "begins with http"},
        {"api.openai.com/v1", "begins with http"},
        {"ftp://h/", "begins with http"},
        {"HTTPS://h/", "begins with http"},
        {"https://", "neither a name nor"},
        {"https:///v1", "neither a name nor"},
        {"https://h:0x/v1", "a port is a number"},
        {"https://h:65536", "a port is a number"},
        {"https://h/v1?api-version=1", "no ?query"},
        {"https://h?x", "no ?query"},
        {"https://h/v1#x", "no #fragment"},
        {"https://h/a b", "cannot hold"},
        {"https://h/\r\nx", "cannot hold"},
        {"https://h\\x/", "neither a name nor"},
        {"https://1.2.3/", "neither a name nor"},
        {"https://1.2.3.4.5/", "neither a name nor"},
        {"https://2130706433/", "neither a name nor"},
        {"https://-h/", "neither a name nor"},
        {"https://[::1/", "between [ and ]"},
        {"https://[::1]x/", "after ] goes"},
        {"https://::1/", "between [ and ]"},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct value_url u;
        const char *why = "";

        if (value_url(str_from(rows[i].text), &u, &why))
            fail_msg("took %s", rows[i].text);
        if (strstr(why, rows[i].why) == NULL)
            fail_msg("%s: %s", rows[i].text, why);
    }
}

static void header_names_and_credentials_are_told_apart_from_rubbish(void **state)
{
    (void)state;
    assert_true(value_is_token(STR("X-Team_1")));
    assert_false(value_is_token(STR("")));
    assert_false(value_is_token(STR("a b")));
    assert_false(value_is_token(STR("a:b")));
    assert_true(value_is_visible(STR("sk-~!")));
    assert_false(value_is_visible(STR("a b")));
    assert_false(value_is_visible(STR("a\r\n")));
    assert_false(value_is_visible(STR("é")));
    assert_false(value_is_visible(STR("a\x7f")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_are_read_and_written),
        cmocka_unit_test(what_is_no_duration_is_refused),
        cmocka_unit_test(sizes_are_read_and_written),
        cmocka_unit_test(what_is_no_size_is_refused),
        cmocka_unit_test(addresses_are_read_and_written),
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(R50_only_this_machine_is_loopback),
        cmocka_unit_test(urls_are_taken_apart),
        cmocka_unit_test(what_is_no_base_url_is_refused),
        cmocka_unit_test(header_names_and_credentials_are_told_apart_from_rubbish),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
