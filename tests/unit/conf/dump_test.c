/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "conf_helper.h"

static struct buf dumped;

static const char *dump(struct conf *c)
{
    buf_done(&dumped);
    assert_int_equal(conf_dump(c, &dumped), 0);
    assert_int_equal(buf_put(&dumped, (struct str){"", 1}), 0);
    dumped.len--;
    conf_unref(c);
    return dumped.ptr;
}

static void the_effective_configuration_shows_defaults_and_inheritance(void **state)
{
    static const char expected_end[] = "log:\n"
                                       "  level: info\n"
                                       "  access: stdout\n"
                                       "  ring: 1MiB\n"
                                       "providers:\n"
                                       "  p:\n"
                                       "    dialect: openai\n"
                                       "    api: chat\n"
                                       "    base_url: http://h:8000/v1\n"
                                       "    keys: [\"…\"]\n"
                                       "    entra: off\n"
                                       "    region: \"\"\n"
                                       "    version: \"\"\n"
                                       "    version_header: openai-version\n"
                                       "    organization: \"\"\n"
                                       "    project: \"\"\n"
                                       "    headers: { x-a: \"…\" }\n"
                                       "    ca_file: \"\"\n"
                                       "    insecure: false\n"
                                       "    proxy: off\n"
                                       "    ask_usage: true\n"
                                       "    server: plain\n"
                                       "    timeouts:\n"
                                       "      connect: 5s\n"
                                       "      headers: 1m\n"
                                       "      first_content: 2m\n"
                                       "      idle: 9s\n"
                                       "      total: 10m\n"
                                       "    upstream:\n"
                                       "      connections: 1024\n"
                                       "      idle: 256\n"
                                       "      idle_time: 55s\n"
                                       "      dns_ttl: 30s\n"
                                       "      happy_eyeballs: 250ms\n"
                                       "      queue: 4096\n"
                                       "models:\n"
                                       "  chat:\n"
                                       "    strategy: weighted\n"
                                       "    targets:\n"
                                       "      - provider: p\n"
                                       "        model: x\n"
                                       "        api: chat\n"
                                       "        weight: 3\n"
                                       "      - provider: p\n"
                                       "        model: \"a: b\"\n"
                                       "        api: chat\n"
                                       "        weight: 1\n"
                                       "    fallbacks: [big]\n"
                                       "    timeouts:\n"
                                       "      connect: 5s\n"
                                       "      headers: 1m\n"
                                       "      first_content: 2m\n"
                                       "      idle: 1m\n"
                                       "      total: 10m\n";
    const char *text = dump(load_fine(
        "providers: { p: { base_url: http://h:8000/v1, key: short, headers: { x-a: b }, timeouts: "
        "{ idle: 9s } } }\n"
        "models: { chat: { targets: [ { provider: p, model: x, weight: 3 }, { provider: p, model: "
        "\"a: b\" } ], fallbacks: [ big ] }, big: { targets: [ p/x ] } }"));
    const char *log = strstr(text, "log:\n");

    (void)state;
    assert_true(strncmp(text, "listen: 127.0.0.1:8080\nthreads: ", 32) == 0);
    assert_non_null(log);
    assert_true(strncmp(log, expected_end, strlen(expected_end)) == 0);
}

static void R52_no_secret_is_in_it(void **state)
{
    const char *text = dump(load_fine(
        "admin: { token: canary-admin-token-0123456789 }\n"
        "providers:\n"
        "  p: { keys: [ canary-provider-key-0123456789, canary ], proxy: \"http://u:canary@h:1\",\n"
        "       headers: { x-secret: \"canary secret with spaces in it, long\" } }\n"
        "keys: [ { name: a, key: canary-client-key } ]\n"));

    (void)state;
    assert_null(strstr(text, "canary"));
    assert_non_null(strstr(text, "token: \"cana…6789\""));
    assert_non_null(strstr(text, "proxy: \"http://…@h:1\""));
    assert_non_null(strstr(text, "key: \"…\""));
}

/* Without secrets, what is dumped is a configuration: the same one. */
static void a_dump_reads_back_as_the_same(void **state)
{
    char first[65536];
    struct conf *c = load_fine(
        "listen: \"[::1]:1\"\ntls: { cert: /a b, key: \"#\" }\ncors: { origins: [ \"*\" ] }\n"
        "providers: { p: { base_url: \"http://[::1]:2/x\", version: \"null\", organization: "
        "'a\"b\\c' }"
        " }\n"
        "models: { \"a#b\": { targets: [ { provider: p, model: \"- x\" } ] }, \"1.5\": { targets: "
        "[p/y], fallbacks: [ \"a#b\" ] } }\n");

    (void)state;
    snprintf(first, sizeof(first), "%s", dump(c));
    c = load_fine(first);
    assert_str(c->providers[0].organization, "a\"b\\c");
    assert_str(c->tls.key_file, "#");
    assert_string_equal(dump(c), first);
    assert_non_null(strstr(dump(load_fine("admin: off\nproviders: { p: {} }")), "admin: off\n"));
}

static void a_full_buffer_is_an_error(void **state)
{
    struct conf *c = load_fine("providers: { p: {} }");

    (void)state;
    for (size_t max = 1; max < 3000; max += 7) {
        struct buf small = {.max = max};

        if (conf_dump(c, &small) == 0)
            assert_true(small.len <= max);
        else
            assert_true(max < 1800);
        buf_done(&small);
    }
    conf_unref(c);
}

/* ---- what a reload cannot apply ---- */

static void R57_settings_that_need_a_restart_are_named(void **state)
{
    struct conf *a = load_fine("threads: 2\nproviders: { p: {} }");
    struct conf *b = load_fine("threads: 3\nlisten: 127.0.0.1:1\nadmin: { listen: 127.0.0.1:2 }\n"
                               "log: { level: debug, ring: 64KiB }\nproviders: { q: {} }\n"
                               "limits: { connections: 7 }\n");
    struct conf *off = load_fine("threads: 2\nadmin: off\nproviders: { p: {} }");

    (void)state;
    memset(&told, 0, sizeof(told));
    conf_restart_needed(a, b, keep, &told);
    assert_string_equal(told.text, "listen\nthreads\nadmin.listen\nlog.ring\n");
    memset(&told, 0, sizeof(told));
    conf_restart_needed(a, off, keep, &told);
    assert_string_equal(told.text, "admin\n");
    memset(&told, 0, sizeof(told));
    conf_restart_needed(a, a, keep, &told);
    conf_restart_needed(off, off, keep, &told);
    assert_int_equal(told.count, 0);
    conf_unref(a);
    conf_unref(b);
    conf_unref(off);
}

static int forget(void **state)
{
    (void)state;
    buf_done(&dumped);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_effective_configuration_shows_defaults_and_inheritance),
        cmocka_unit_test(R52_no_secret_is_in_it),
        cmocka_unit_test(a_dump_reads_back_as_the_same),
        cmocka_unit_test(a_full_buffer_is_an_error),
        cmocka_unit_test(R57_settings_that_need_a_restart_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, forget);
}
