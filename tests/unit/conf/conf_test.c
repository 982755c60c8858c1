/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "conf/settings.h"
#include "conf_helper.h"

#define EXAMPLE "deploy/dragoman.example.yaml"

static void the_shipped_example_loads(void **state)
{
    static const char *const vars[] = {"OPENAI_API_KEY", "sk-canary",    "SHOP_KEY", "canary-shop",
                                       "RESEARCH_KEY",   "canary-other", NULL};
    struct conf *c;

    (void)state;
    variables = vars;
    memset(&told, 0, sizeof(told));
    c = conf_load(EXAMPLE, env, keep, &told);
    if (c == NULL)
        fail_msg("%s", told.text);
    assert_str(c->file, EXAMPLE);
    assert_int_equal(c->providers_count, 6);
    assert_int_equal(c->keys_count, 2);
    assert_int_equal(conf_model_find(c, STR("chat"))->targets[0].timeouts.first_content_ms, 90000);
    conf_unref(c);
}

static void find_words(const struct table *t, const char *text)
{
    for (uint32_t i = 0; i < t->count; i++) {
        const struct setting *s = &t->rows[i];
        char word[64];

        snprintf(word, sizeof(word), "%s:", s->name);
        if (s->type != TYPE_LATER && strstr(text, word) == NULL)
            fail_msg("%s is not in the example", s->name);
        if (s->table != NULL)
            find_words(s->table, text);
    }
}

static void the_shipped_example_shows_every_setting(void **state)
{
    static char text[65536];
    FILE *f = fopen(EXAMPLE, "r");

    (void)state;
    assert_non_null(f);
    assert_true(fread(text, 1, sizeof(text) - 1, f) > 0);
    fclose(f);
    find_words(&settings_top, text);
}

static void a_file_that_cannot_be_read_is_told(void **state)
{
    (void)state;
    memset(&told, 0, sizeof(told));
    assert_null(conf_load("/nowhere/at/all.yaml", env, keep, &told));
    assert_string_equal(told.text, "/nowhere/at/all.yaml: cannot be read: No such file or "
                                   "directory\n");
    memset(&told, 0, sizeof(told));
    assert_null(conf_load("/", env, keep, &told));
    assert_string_equal(told.text, "/: cannot be read: Is a directory\n");
    memset(&told, 0, sizeof(told));
    assert_null(conf_load("/dev/zero", env, keep, &told));
    assert_string_equal(told.text, "/dev/zero: larger than 8 MiB\n");
}

static void nobody_needs_to_listen(void **state)
{
    struct conf *c = conf_load_text("f", STR("providers: { p: {} }"), NULL, NULL, NULL);

    (void)state;
    assert_non_null(c);
    conf_unref(c);
    assert_null(conf_load_text("f", STR("nonsense"), NULL, NULL, NULL));
    conf_unref(NULL);
}

static void a_snapshot_lives_as_long_as_somebody_holds_it(void **state)
{
    struct conf *c = load_fine("providers: { p: {} }");

    (void)state;
    assert_ptr_equal(conf_ref(c), c);
    conf_unref(c);
    assert_str(c->providers[0].name, "p"); /* the sanitizer would tell */
    conf_unref(c);
}

static void R56_a_key_that_is_elsewhere_or_misspelt_or_unknown(void **state)
{
    (void)state;
    refused("first_content: 1s\n"
            "providrs: {}\n"
            "providers: { p: { api_key_of_mine: x } }\n"
            "limits: { xyz: 1 }\n"
            "cache: {}\n",
            "f:1:1: unknown key `first_content` here; did you mean `timeouts.first_content`?\n"
            "f:2:1: unknown key `providrs`; did you mean `providers`?\n"
            "f:3:19: unknown key `api_key_of_mine`; known here: dialect, api, base_url, keys, key, "
            "entra, region, version, version_header, organization, project, headers, ca_file, "
            "insecure, "
            "proxy, ask_usage, server, timeouts, upstream\n"
            "f:4:11: unknown key `xyz`; known here: connections, header_bytes, header_fields, "
            "out_buffer, body_bytes, header, body, keepalive, write_stall, event_bytes, "
            "held_bytes, reply_bytes, in_flight_bytes, json_depth, exchange_bytes\n"
            "f:5:1: `cache`: not available in this version; take it out\n");
}

static void sections_of_later_versions_are_refused_by_name(void **state)
{
    static const char *const rows[] = {"cache",   "stores",  "prices",
                                       "privacy", "batches", "telemetry"};
    char text[128], line[128];

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        snprintf(text, sizeof(text), "providers: { p: {} }\n%s:\n", rows[i]);
        snprintf(line, sizeof(line), "f:2:1: `%s`: not available in this version; take it out\n",
                 rows[i]);
        refused(text, line);
    }
}

static void what_is_no_map_at_all_is_told(void **state)
{
    (void)state;
    refused("- a\n", "f:1:1: expected a map of settings, such as `listen: 127.0.0.1:8080`\n");
    refused("nginx", "f:1:1: expected a map of settings, such as `listen: 127.0.0.1:8080`\n");
}

/* A broken value is told once, not again by everything that depends on it. */
static void R56_one_mistake_is_one_line(void **state)
{
    (void)state;
    refused("listen: &a 127.0.0.1:1\nproviders: { p: { base_url: nonsense } }\n"
            "admin: { listen: !x 0.0.0.0:1 }\n"
            "models: { m: { targets: [ { provider: p, model: x, weight: many } ] } }\n",
            "f:1:9: anchors (&name) are not supported; write the value out\n"
            "f:2:29: `base_url`: a URL begins with http:// or https://\n"
            "f:3:18: tags (!name) are not supported; write the value alone\n"
            "f:4:60: `weight`: expected a whole number, not `many`\n");
}

static void R56_a_variable_that_is_not_set_is_told_with_its_place(void **state)
{
    (void)state;
    variables = NULL;
    refused("providers:\n  p: { key: \"${NOPE}\" }\n",
            "f:2:13: `key`: the variable NOPE is not set; set it, or give a default: "
            "${NOPE:-default}\n");
}

/* Secrets in all the wrong shapes and places. */
static void R52_no_message_repeats_a_secret(void **state)
{
    static const char *const vars[] = {
        "S", "canary\nsecond line", "T", "canary canary", "U", "canary", NULL};
    static const char *const rows[] = {
        "keys: [ canary-key ]",
        "keys: canary-key",
        "keys: { name: a, key: canary-key }",
        "keys: [ { name: a, key: [ canary-key ] } ]",
        "keys: [ { name: a, key: can } ]",
        "keys: [ { name: a, key: \"${S}\" } ]",
        "keys: [ { name: a, key: \"${T}\" } ]",
        "keys: [ { name: a, key: !x canary-key } ]",
        "keys: [ { name: a, key: &canary canary-key } ]",
        "providers: { q: canary-key }",
        "providers: canary-key",
        "providers: { q: { keys: { a: canary-key } } }",
        "providers: { q: { keys: [ [ canary-key ] ] } }",
        "providers: { q: { keys: \"canary key\" } }",
        "providers: { q: { key: \"${S}\" } }",
        "providers: { q: { headers: canary } }",
        "providers: { q: { headers: { x-a: [ canary ] } } }",
        "providers: { q: { headers: { x-a: \"${S}\" } } }",
        "providers: { q: { base_url: \"https://u:canary@h\" } }",
        "providers: { q: { base_url: \"canary\" } }",
        "providers: { q: { proxy: \"socks5://u:canary@h\" } }",
        "providers: { q: { proxy: \"http://u:canary@h/path\" } }",
        "admin: canary",
        "admin: { token: [ canary ] }",
        "admin: { token: \"${S}\" }",
        "threads: \"${U}\"",
        "timeouts: { idle: \"${U}\" }",
        "log: { level: \"${U}\" }",
        "listen: \"${U}\"",
    };

    (void)state;
    variables = vars;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct conf *c = load(rows[i]);

        if (c != NULL || told.count == 0)
            fail_msg("took %s", rows[i]);
        if (strstr(told.text, "canary") != NULL)
            fail_msg("%s: %s", rows[i], told.text);
    }
}

static void lookups_find_each_of_many(void **state)
{
    size_t size = 1u << 20, n = 0;
    char *text = malloc(size), name[32];
    struct conf *c;

    (void)state;
    assert_non_null(text);
    n += (size_t)snprintf(text, size, "providers:\n");
    for (int i = 0; i < 1000; i++)
        n += (size_t)snprintf(text + n, size - n, "  p%d: {}\n", i);
    n += (size_t)snprintf(text + n, size - n, "models:\n");
    for (int i = 0; i < 1000; i++)
        n += (size_t)snprintf(text + n, size - n, "  m%d: { targets: [p%d/x] }\n", i, 999 - i);
    n += (size_t)snprintf(text + n, size - n, "keys:\n");
    for (int i = 0; i < 1000; i++)
        n += (size_t)snprintf(text + n, size - n, "  - { name: k%d, key: canary-%d }\n", i, i);
    c = load_fine(text);
    for (uint32_t i = 0; i < 1000; i++) {
        unsigned char digest[32];

        snprintf(name, sizeof(name), "p%u", i);
        assert_ptr_equal(conf_provider_find(c, str_from(name)), &c->providers[i]);
        snprintf(name, sizeof(name), "m%u", i);
        assert_ptr_equal(conf_model_find(c, str_from(name)), &c->models[i]);
        assert_int_equal(c->models[i].targets[0].provider->index, 999 - i);
        assert_int_equal(c->models[i].targets[0].index, i);
        snprintf(name, sizeof(name), "canary-%u", i);
        assert_true(conf_digest(str_from(name), digest));
        assert_ptr_equal(conf_key_find(c, digest), &c->keys[i]);
        snprintf(name, sizeof(name), "x%u", i);
        assert_null(conf_model_find(c, str_from(name)));
        assert_null(conf_provider_find(c, str_from(name)));
    }
    assert_null(conf_model_find(c, STR("")));
    conf_unref(c);
    free(text);
}

static void lookups_in_nothing_find_nothing(void **state)
{
    static const unsigned char digest[32];
    struct conf *c = load_fine("providers: { p: {} }");

    (void)state;
    assert_null(conf_model_find(c, STR("p")));
    assert_null(conf_key_find(c, digest));
    conf_unref(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_shipped_example_loads),
        cmocka_unit_test(the_shipped_example_shows_every_setting),
        cmocka_unit_test(a_file_that_cannot_be_read_is_told),
        cmocka_unit_test(nobody_needs_to_listen),
        cmocka_unit_test(a_snapshot_lives_as_long_as_somebody_holds_it),
        cmocka_unit_test(R56_a_key_that_is_elsewhere_or_misspelt_or_unknown),
        cmocka_unit_test(sections_of_later_versions_are_refused_by_name),
        cmocka_unit_test(what_is_no_map_at_all_is_told),
        cmocka_unit_test(R56_one_mistake_is_one_line),
        cmocka_unit_test(R56_a_variable_that_is_not_set_is_told_with_its_place),
        cmocka_unit_test(R52_no_message_repeats_a_secret),
        cmocka_unit_test(lookups_find_each_of_many),
        cmocka_unit_test(lookups_in_nothing_find_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
