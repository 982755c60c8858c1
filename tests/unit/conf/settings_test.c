/*
 * Each setting, by its path: a value it takes and how that is dumped, and a value it refuses.
 * A row of the settings table without a row here fails the test.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/log.h"
#include "conf/settings.h"
#include "conf_helper.h"

struct story {
    const char *path;
    const char *good, *dumped;
    const char *bad, *complaint;
    const char *beside; /* what the record needs besides */
};

/* clang-format off */
static const struct story stories[] = {
    /* path                          good                   dumped                  bad             complaint */
    {"listen",                       "0.0.0.0:80",          "0.0.0.0:80",           "localhost",    "`listen`: expected address:port", ""},
    {"threads",                      "3",                   "3",                    "257",          "1 to 256", ""},
    {"tls.cert",                     "/c.pem",              "/c.pem",               "[]",           "expected text, not a list", "key: k"},
    {"tls.key",                      "/k.pem",              "/k.pem",               "{}",           "expected text, not a map", "cert: c"},
    {"cors.origins",                 "[\"*\"]",             "[\"*\"]",              "[a]",          "`a` is no origin", ""},
    {"cors.max_age",                 "90s",                 "90s",                  "25h",          "0 to 1d", ""},
    {"admin.listen",                 "\"[::1]:9\"",         "\"[::1]:9\"",          "9090",         "expected address:port", ""},
    {"admin.token",                  "canary-token-0123456789", "\"cana…6789\"",   "short",        "5 bytes long; 8 to", ""},
    {"limits.connections",           "7",                   "7",                    "0",            "1 to 1000000", ""},
    {"limits.header_bytes",          "2KiB",                "2KiB",                 "1023",         "1KiB to 16MiB", ""},
    {"limits.header_fields",         "9",                   "9",                    "7",            "8 to 4096", ""},
    {"limits.out_buffer",            "5KiB",                "5KiB",                 "1KiB",         "4KiB to 64MiB", ""},
    {"limits.body_bytes",            "4GiB",                "4GiB",                 "5GiB",         "1KiB to 4GiB", ""},
    {"limits.header",                "7s",                  "7s",                   "7",            "`7` has no unit", ""},
    {"limits.body",                  "7s",                  "7s",                   "99ms",         "100ms to 1d", ""},
    {"limits.keepalive",             "7s",                  "7s",                   "25h",          "0 to 1d", ""},
    {"limits.write_stall",           "7s",                  "7s",                   "soon",         "expected a duration", ""},
    {"limits.event_bytes",           "2KiB",                "2KiB",                 "1GiB",         "1KiB to 256MiB", ""},
    {"limits.held_bytes",            "2KiB",                "2KiB",                 "1GiB",         "1KiB to 256MiB", ""},
    {"limits.in_flight_bytes",       "2MiB",                "2MiB",                 "1KiB",         "1MiB to 1024GiB", ""},
    {"limits.reply_bytes",           "2KiB",                "2KiB",                 "-1",           "expected a size", ""},
    {"limits.json_depth",            "5",                   "5",                    "3",            "4 to 1024", ""},
    {"limits.exchange_bytes",        "65KiB",               "65KiB",                "1KiB",         "64KiB to 1GiB", ""},
    {"timeouts.connect",             "7s",                  "7s",                   "7 s",          "expected a duration", ""},
    {"timeouts.headers",             "7s",                  "7s",                   "2d",           "0 to 1d", ""},
    {"timeouts.first_content",       "7s",                  "7s",                   "2d",           "0 to 1d", ""},
    {"timeouts.idle",                "7s",                  "7s",                   "2d",           "0 to 1d", ""},
    {"timeouts.total",               "7s",                  "7s",                   "8d",           "0 to 7d", ""},
    {"retry.attempts",               "1",                   "1",                    "0",            "1 to 100", ""},
    {"retry.initial",                "2s",                  "2s",                   "0",            "1ms to 1h", ""},
    {"retry.max",                    "2m",                  "2m",                   "500ms",        "`initial` is longer than `max`", ""},
    {"retry.jitter",                 "0",                   "0",                    "2h",           "0 to 1h", ""},
    {"retry.gateway_error_factor",   "3",                   "3",                    "0",            "1 to 100", ""},
    {"retry.retry_after_max",        "7s",                  "7s",                   "2d",           "0 to 1d", ""},
    {"retry.key_bench",              "7s",                  "7s",                   "2d",           "0 to 1d", ""},
    {"retry.target_rest",            "7s",                  "7s",                   "2d",           "0 to 1d", ""},
    {"retry.rate_limit_rest_max",    "20s",                 "20s",                  "2d",           "0 to 1d", ""},
    {"stream.keepalive",             "7s",                  "7s",                   "2h",           "0 to 1h", ""},
    {"stream.keepalive_mode",        "chunk",               "chunk",                "chunks",       "did you mean `chunk`?", ""},
    {"stream.malformed",             "fatal",               "fatal",                "drop",         "none of: skip, fatal", ""},
    {"translation.strict",           "true",                "true",                 "yes",          "expected true or false, not `yes`", ""},
    {"upstream.connections",         "7",                   "7",                    "0",            "1 to 100000", ""},
    {"upstream.idle",                "7",                   "7",                    "x",            "expected a whole number", ""},
    {"upstream.idle_time",           "7s",                  "7s",                   "2h",           "0 to 1h", ""},
    {"upstream.dns_ttl",             "7s",                  "7s",                   "2d",           "0 to 1d", ""},
    {"upstream.happy_eyeballs",      "100ms",               "100ms",                "1ms",          "10ms to 10s", ""},
    {"upstream.queue",               "1",                   "1",                    "1.5",          "expected a whole number", ""},
    {"log.level",                    "debug",               "debug",                "INFO",         "did you mean `info`?", ""},
    {"log.access",                   "/var/log/a",          "/var/log/a",           "\"\"",         "`access` is empty", ""},
    {"log.ring",                     "64KiB",               "64KiB",                "1KiB",         "64KiB to 256MiB", ""},
    {"providers",                    "{ q: {} }",           "",                     "{}",           "`providers` is empty", ""},
    {"providers.NAME.dialect",       "ollama",              "ollama",               "gemino",       "did you mean `gemini`?", ""},
    {"providers.NAME.api",           "responses",           "responses",            "respons",      "did you mean `responses`?", ""},
    {"providers.NAME.entra.tenant_id",    "contoso.com",    "contoso.com",          "[a]",          "not a list", "client_id: c, client_secret: canary-0123456789abcdef"},
    {"providers.NAME.entra.client_id",    "c-1",            "c-1",                  "a/b",          "no id of an application", "tenant_id: t, client_secret: canary-0123456789abcdef"},
    {"providers.NAME.entra.client_secret","canary-0123456789abcdef", "\"cana…cdef\"", "canary",       "6 bytes long; 8 to", "tenant_id: t, client_id: c"},
    {"providers.NAME.entra.authority",    "https://login.microsoftonline.us", "https://login.microsoftonline.us", "login", "http", "tenant_id: t, client_id: c, client_secret: canary-0123456789abcdef"},
    {"providers.NAME.entra.managed_identity", "true",       "true",                 "1",            "expected true or false", "client_id: c"},
    {"providers.NAME.region",        "eu-central-1",        "eu-central-1",         "[a]",          "not a list", ""},
    {"providers.NAME.base_url",      "http://h:1/x/",       "http://h:1/x/",        "h:1",          "begins with http:// or https://", ""},
    {"providers.NAME.keys",          "[canary-0123456789abcdef, \"\"]", "[\"cana…cdef\"]", "[a b]",   "no header can carry", ""},
    {"providers.NAME.key",           "canary-0123456789abcdef", "[\"cana…cdef\"]",  "\"a\\nb\"",    "control character", ""},
    {"providers.NAME.version",       "\"2023-05-15\"",      "2023-05-15",           "{}",           "not a map", ""},
    {"providers.NAME.version_header","x-api-version",       "x-api-version",        "x y",          "no name for a header", ""},
    {"providers.NAME.organization",  "org-1",               "org-1",                "[org-1]",      "not a list", ""},
    {"providers.NAME.project",       "p-1",                 "p-1",                  "\"p\\0\"",     "control character", ""},
    {"providers.NAME.headers",       "{ X-Team: canary-0123456789abcdef }", "{ X-Team: \"cana…cdef\" }", "{ Host: a }", "written by the gateway", ""},
    {"providers.NAME.ca_file",       "/ca.pem",             "/ca.pem",              "[]",           "not a list", ""},
    {"providers.NAME.insecure",      "true",                "true",                 "yes",          "expected true or false, not `yes`", ""},
    {"providers.NAME.proxy",         "http://u:pw@h:3128",  "\"http://…@h:3128\"",  "https://h:1",  "a proxy is http://host:port", ""},
    {"providers.NAME.ask_usage",     "false",               "false",                "0",            "expected true or false", ""},
    {"providers.NAME.server",        "vllm",                "vllm",                 "vlm",          "did you mean `vllm`?", ""},
    {"providers.NAME.timeouts",      "{ idle: 7s }",        "",                     "7s",           "expected a map of settings", ""},
    {"providers.NAME.timeouts.connect",       "7s",         "7s",                   "2d",           "0 to 1d", ""},
    {"providers.NAME.timeouts.headers",       "7s",         "7s",                   "2d",           "0 to 1d", ""},
    {"providers.NAME.timeouts.first_content", "7s",         "7s",                   "2d",           "0 to 1d", ""},
    {"providers.NAME.timeouts.idle",          "7s",         "7s",                   "2d",           "0 to 1d", ""},
    {"providers.NAME.timeouts.total",         "7s",         "7s",                   "8d",           "0 to 7d", ""},
    {"providers.NAME.upstream",               "{ idle: 7 }","",                     "[]",           "expected a map of settings", ""},
    {"providers.NAME.upstream.connections",   "7",          "7",                    "0",            "1 to 100000", ""},
    {"providers.NAME.upstream.idle",          "7",          "7",                    "x",            "expected a whole number", ""},
    {"providers.NAME.upstream.idle_time",     "7s",         "7s",                   "2h",           "0 to 1h", ""},
    {"providers.NAME.upstream.dns_ttl",       "7s",         "7s",                   "2d",           "0 to 1d", ""},
    {"providers.NAME.upstream.happy_eyeballs","100ms",      "100ms",                "1ms",          "10ms to 10s", ""},
    {"providers.NAME.upstream.queue",         "7",          "7",                    "1.5",          "expected a whole number", ""},
    {"models",                       "{}",                  "",                     "[]",           "expected a map of names", ""},
    {"models.NAME.strategy",         "ordered",             "ordered",              "cost",         "`cost` is not available in this version", "targets: [p/x]"},
    {"models.NAME.targets",          "[p/x]",               "",                     "[]",           "`targets` is empty", ""},
    {"models.NAME.targets[].provider", "p",                 "p",                    "q",            "no provider is called `q`; known: p", "model: x"},
    {"models.NAME.targets[].model",  "gpt-4o",              "gpt-4o",               "\"\"",         "`model` is empty", "provider: p"},
    {"models.NAME.targets[].api",    "either",              "",                     "both",         "chat, responses, either", "provider: p, model: x"},
    {"models.NAME.targets[].weight", "0",                   "",                     "0.5",          "expected a whole number", "provider: p, model: x }, { provider: p, model: y"},
    {"models.NAME.fallbacks",        "[n]",                 "[n]",                  "[nn]",         "no alias is called `nn`; known: m, n", "targets: [p/x]"},
    {"models.NAME.timeouts",         "{ idle: 7s }",        "",                     "{ idel: 7s }", "unknown key `idel`; did you mean `idle`?", "targets: [p/x]"},
    {"models.NAME.timeouts.connect",       "7s",            "7s",                   "2d",           "0 to 1d", "targets: [p/x]"},
    {"models.NAME.timeouts.headers",       "7s",            "7s",                   "2d",           "0 to 1d", "targets: [p/x]"},
    {"models.NAME.timeouts.first_content", "7s",            "7s",                   "2d",           "0 to 1d", "targets: [p/x]"},
    {"models.NAME.timeouts.idle",          "7s",            "7s",                   "2d",           "0 to 1d", "targets: [p/x]"},
    {"models.NAME.timeouts.total",         "7s",            "7s",                   "8d",           "0 to 7d", "targets: [p/x]"},
    {"keys",                         "[ { name: a, key: canary-key } ]", "",        "[]",           "`keys` is empty", ""},
    {"keys[].name",                  "shop",                "shop",                 "\"\"",         "`name` is empty", "key: canary-key"},
    {"keys[].key",                   "canary-key",          "\"…\"",                "canary",       "6 bytes long; 8 to 512", "name: a"},
    {"keys[].models",                "[ \"p/*\" ]",         "[\"p/*\"]",            "[ m ]",        "`m` is neither an alias nor", "name: a, key: canary-key"},
};

/* Where a setting of each table stands: value, then what it needs besides. */
static const struct {
    const char *prefix, *text;
} places[] = {
    {"models.NAME.timeouts.",    "models: { m: { timeouts: { %s: %s }, %s } }\nproviders: { p: {} }\n"},
    {"models.NAME.targets[].",   "models: { m: { targets: [ { %s: %s, %s } ] } }\nproviders: { p: {} }\n"},
    {"models.NAME.",             "models: { m: { %s: %s, %s }, n: { targets: [p/x] } }\nproviders: { p: {} }\n"},
    {"providers.NAME.entra.",    "providers: { p: { dialect: azure, base_url: \"http://h\", entra: { %s: %s, %s } } }\n"},
    {"providers.NAME.timeouts.", "providers: { p: { timeouts: { %s: %s, %s } } }\n"},
    {"providers.NAME.upstream.", "providers: { p: { upstream: { %s: %s, %s } } }\n"},
    {"providers.NAME.",          "providers: { p: { %s: %s, %s } }\n"},
    {"keys[].",                  "keys: [ { %s: %s, %s } ]\nproviders: { p: {} }\n"},
};
/* clang-format on */

static void write_text(const struct story *s, const char *value, char *text, size_t size)
{
    const char *dot = strrchr(s->path, '.');
    const char *name = dot != NULL ? dot + 1 : s->path;

    for (size_t i = 0; i < COUNTOF(places); i++) {
        size_t n = strlen(places[i].prefix);

        if (strncmp(s->path, places[i].prefix, n) == 0 && strchr(s->path + n, '.') == NULL) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
            snprintf(text, size, places[i].text, name, value, s->beside);
#pragma GCC diagnostic pop
            return;
        }
    }
    if (dot != NULL)
        snprintf(text, size, "%.*s: { %s: %s, %s }\nproviders: { p: {} }\n", (int)(dot - s->path),
                 s->path, name, value, s->beside);
    else
        snprintf(text, size, "%s: %s\n%s", name, value,
                 strcmp(name, "providers") != 0 ? "providers: { p: {} }\n" : "");
}

/* An empty place for "what it needs besides" leaves a comma; YAML takes that. */
static unsigned dumped_lines(struct conf *c, const char *name, const char *value)
{
    struct buf out = {0};
    unsigned n = 0;
    char line[256];

    snprintf(line, sizeof(line), "%s: %s\n", name, value);
    assert_int_equal(conf_dump(c, &out), 0);
    for (struct str rest = buf_str(&out), head; rest.len > 0;) {
        const char *at = str_find(rest, str_from(line));

        if (at == NULL)
            break;
        head.len = (size_t)(at - rest.ptr) + strlen(line);
        rest = str_skip(rest, head.len);
        n++;
    }
    buf_done(&out);
    return n;
}

static void R56_each_setting_takes_what_is_right(void **state)
{
    char text[1024];

    (void)state;
    for (size_t i = 0; i < COUNTOF(stories); i++) {
        const struct story *s = &stories[i];
        const char *dot = strrchr(s->path, '.');
        const char *name = dot != NULL ? dot + 1 : s->path;
        struct conf *c;

        write_text(s, s->good, text, sizeof(text));
        c = load(text);
        if (c == NULL || told.count > 0)
            fail_msg("%s: %s%s", s->path, text, told.text);
        if (s->dumped[0] != '\0') {
            struct conf *plain = load_fine("providers: { p: {} }\n");

            if (strcmp(name, "key") == 0 && dot[-1] == 'E')
                name = "keys"; /* another spelling of it */
            if (dumped_lines(c, name, s->dumped) == dumped_lines(plain, name, s->dumped) &&
                strcmp(s->path, "providers.NAME.dialect") != 0)
                fail_msg("%s: not dumped as %s", s->path, s->dumped);
            conf_unref(plain);
        }
        conf_unref(c);
    }
}

static void R56_each_setting_refuses_what_is_wrong(void **state)
{
    char text[1024];

    (void)state;
    for (size_t i = 0; i < COUNTOF(stories); i++) {
        const struct story *s = &stories[i];

        write_text(s, s->bad, text, sizeof(text));
        if (load(text) != NULL)
            fail_msg("%s: took %s", s->path, text);
        if (told.count != 1 || strstr(told.text, s->complaint) == NULL)
            fail_msg("%s: %s%s", s->path, text, told.text);
        assert_null(strstr(told.text, "canary"));
    }
}

static const struct story *find_story(const char *path)
{
    for (size_t i = 0; i < COUNTOF(stories); i++) {
        if (strcmp(stories[i].path, path) == 0)
            return &stories[i];
    }
    return NULL;
}

static void cover(const struct table *t, const char *prefix)
{
    for (uint32_t i = 0; i < t->count; i++) {
        const struct setting *s = &t->rows[i];
        char path[256], inner[264];

        snprintf(path, sizeof(path), "%s%s", prefix, s->name);
        if (s->type == TYPE_LATER)
            continue;
        if (s->table != NULL) {
            snprintf(inner, sizeof(inner), "%s%s.", path,
                     s->type == TYPE_NAMED     ? ".NAME"
                     : s->type == TYPE_RECORDS ? "[]"
                                               : "");
            cover(s->table, inner);
        } else if (find_story(path) == NULL) {
            fail_msg("no story of %s", path);
        }
    }
}

static void R56_no_setting_is_without_its_story(void **state)
{
    (void)state;
    cover(&settings_top, "");
}

/* Two rows on one field would overwrite each other, and a dump would not show it. */
static void no_overlap(const struct table *t)
{
    for (uint32_t i = 0; i < t->count; i++) {
        const struct setting *a = &t->rows[i];

        if (a->table != NULL)
            no_overlap(a->table);
        for (uint32_t j = 0; j < i; j++) {
            const struct setting *b = &t->rows[j];

            if ((a->flags & SETTING_ONE_OF) || a->type == TYPE_LATER || b->type == TYPE_LATER)
                continue;
            if (a->offset == b->offset)
                fail_msg("%s and %s share a field", a->name, b->name);
        }
    }
}

static void each_setting_has_a_field_of_its_own(void **state)
{
    (void)state;
    no_overlap(&settings_top);
}

/* The tests above go by the table alone, which could name the wrong field. */
static void the_fields_are_the_ones_that_are_named(void **state)
{
    struct conf *c = load_fine(
        "limits: { connections: 11, header_bytes: 12KiB, header_fields: 13, out_buffer: 14KiB,\n"
        "  body_bytes: 15KiB, header: 16s, body: 17s, keepalive: 18s, write_stall: 19s,\n"
        "  event_bytes: 20KiB, held_bytes: 21KiB, reply_bytes: 22KiB, in_flight_bytes: 22MiB, "
        "json_depth: 23,\n"
        "  exchange_bytes: 240KiB }\n"
        "timeouts: { connect: 31ms, headers: 32ms, first_content: 33ms, idle: 34ms, total: 35ms }\n"
        "retry: { attempts: 41, initial: 42ms, max: 43ms, jitter: 44ms, gateway_error_factor: 45,\n"
        "  retry_after_max: 46ms, key_bench: 47ms, target_rest: 48ms,\n"
        "  rate_limit_rest_max: 49ms }\n"
        "upstream: { connections: 51, idle: 52, idle_time: 53ms, dns_ttl: 54ms,\n"
        "  happy_eyeballs: 55ms, queue: 56 }\n"
        "cors: { max_age: 61s }\nstream: { keepalive: 62s }\nproviders: { p: {} }\n");
    static const struct conf_limits limits = {11,    12288, 13,        14336, 15360,
                                              16000, 17000, 18000,     19000, 20480,
                                              21504, 22528, 22u << 20, 23,    245760};
    const struct conf_timeouts timeouts = {31, 32, 33, 34, 35};
    const struct conf_retry retry = {41, 42, 43, 44, 45, 46, 47, 48, 49};
    const struct conf_upstream upstream = {51, 52, 53, 54, 55, 56};

    (void)state;
    assert_memory_equal(&c->limits, &limits, offsetof(struct conf_limits, exchange_bytes) + 4);
    assert_memory_equal(&c->timeouts, &timeouts, sizeof(timeouts));
    assert_memory_equal(&c->retry, &retry, sizeof(retry));
    assert_memory_equal(&c->upstream, &upstream, sizeof(upstream));
    assert_int_equal(c->cors.max_age_s, 61);
    assert_int_equal(c->stream.keepalive_ms, 62000);
    conf_unref(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R56_each_setting_takes_what_is_right),
        cmocka_unit_test(R56_each_setting_refuses_what_is_wrong),
        cmocka_unit_test(R56_no_setting_is_without_its_story),
        cmocka_unit_test(each_setting_has_a_field_of_its_own),
        cmocka_unit_test(the_fields_are_the_ones_that_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
