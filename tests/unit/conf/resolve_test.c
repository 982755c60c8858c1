/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "conf_helper.h"

#define P "providers: { p: {} }\n"

/* ---- makers ---- */

static void each_dialect_has_its_makers_address(void **state)
{
    static const struct {
        const char *provider, *base_url, *version, *region;
        enum chat_dialect dialect;
    } rows[] = {
        {"dialect: openai", "https://api.openai.com/v1", "", "", CHAT_OPENAI},
        {"dialect: anthropic", "https://api.anthropic.com/v1", "2023-06-01", "", CHAT_ANTHROPIC},
        {"dialect: gemini", "https://generativelanguage.googleapis.com/v1beta", "", "",
         CHAT_GEMINI},
        {"dialect: ollama", "http://127.0.0.1:11434", "", "", CHAT_OLLAMA},
        {"dialect: azure, base_url: https://n.openai.azure.com", "https://n.openai.azure.com",
         "2024-10-21", "", CHAT_OPENAI},
        {"dialect: azure, base_url: https://n, version: 2025-01-01-preview", "https://n",
         "2025-01-01-preview", "", CHAT_OPENAI},
        {"dialect: azure, base_url: https://n/openai/v1/", "https://n/openai/v1/", "", "",
         CHAT_OPENAI},
        {"dialect: azure, base_url: https://n/openai/v1, version: preview", "https://n/openai/v1",
         "preview", "", CHAT_OPENAI},
        {"dialect: bedrock, region: eu-central-1",
         "https://bedrock-runtime.eu-central-1.amazonaws.com", "", "eu-central-1", CHAT_BEDROCK},
        {"dialect: bedrock, base_url: https://bedrock-runtime-fips.us-gov-west-1.amazonaws.com",
         "https://bedrock-runtime-fips.us-gov-west-1.amazonaws.com", "", "us-gov-west-1",
         CHAT_BEDROCK},
        {"dialect: bedrock, region: us-east-1, base_url: http://127.0.0.1:9", "http://127.0.0.1:9",
         "", "us-east-1", CHAT_BEDROCK},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        char text[256];
        struct conf *c;

        snprintf(text, sizeof(text), "providers: { p: { %s } }", rows[i].provider);
        c = load_fine(text);
        assert_str(c->providers[0].base_url, rows[i].base_url);
        assert_str(c->providers[0].version, rows[i].version);
        assert_str(c->providers[0].region, rows[i].region);
        assert_int_equal(c->providers[0].dialect, rows[i].dialect);
        conf_unref(c);
    }
}

static void a_server_is_known_by_its_host_or_told(void **state)
{
    static const struct {
        const char *provider;
        enum quirks_server server;
        bool ask_usage;
    } rows[] = {
        {"dialect: openai", SERVER_PLAIN, true},
        {"base_url: https://api.mistral.ai/v1", SERVER_MISTRAL, false},
        {"base_url: https://api.mistral.ai/v1, ask_usage: true", SERVER_MISTRAL, true},
        {"base_url: https://api.mistral.ai/v1, server: plain", SERVER_PLAIN, true},
        {"base_url: https://api.groq.com/openai/v1", SERVER_GROQ, true},
        {"base_url: http://gpu-7:8000/v1, server: vllm", SERVER_VLLM, true},
        {"base_url: http://gpu-7:8000/v1, server: mistral", SERVER_MISTRAL, false},
        {"dialect: anthropic, base_url: https://api.mistral.ai/v1", SERVER_PLAIN, true},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        char text[256];
        struct conf *c;

        snprintf(text, sizeof(text), "providers: { p: { %s } }", rows[i].provider);
        c = load_fine(text);
        assert_int_equal(c->providers[0].server, rows[i].server);
        assert_int_equal(c->providers[0].ask_usage, rows[i].ask_usage);
        conf_unref(c);
    }
    refused("providers: { p: { dialect: anthropic, server: groq } }",
            "f:1:47: `server`: only of the dialect `openai`\n");
}

static void R56_a_maker_without_an_address_wants_one(void **state)
{
    (void)state;
    refused("providers: { p: { dialect: azure } }",
            "f:1:17: `base_url` is missing: `azure` has one for each resource, such as "
            "https://NAME.openai.azure.com\n");
    refused("providers: { p: { dialect: bedrock } }",
            "f:1:17: `region` is missing: requests to `bedrock` are signed for one, such as "
            "us-east-1\n");
    refused("providers: { p: { dialect: bedrock, base_url: \"https://bedrock.test\" } }",
            "f:1:17: `region` is missing: requests to `bedrock` are signed for one, such as "
            "us-east-1\n");
    refused("providers: { p: { dialect: bedrock, region: eu.west } }",
            "f:1:45: `region`: no name of a region, such as us-east-1\n");
}

static void a_target_is_asked_through_its_own_api_or_its_providers(void **state)
{
    struct conf *c =
        load_fine("providers: { a: {}, b: { api: responses },\n"
                  "  z: { dialect: azure, base_url: https://n/openai/v1, api: either } }\n"
                  "models: { m: { targets: [ a/x, { provider: a, model: x, api: either }, b/x,"
                  " { provider: b, model: x, api: chat }, z/x ] } }");
    static const enum conf_api expected[] = {API_CHAT, API_EITHER, API_RESPONSES, API_CHAT,
                                             API_EITHER};

    (void)state;
    for (size_t i = 0; i < COUNTOF(expected); i++)
        assert_int_equal(c->models[0].targets[i].api, expected[i]);
    conf_unref(c);
}

static void R56_an_api_that_a_provider_has_not_is_refused(void **state)
{
    (void)state;
    refused("providers: { p: { dialect: gemini, api: responses } }",
            "f:1:41: `api`: only `openai` and `azure` have more than one; leave it out\n");
    refused("providers: { p: { dialect: azure, base_url: \"https://n\", api: either } }",
            "f:1:63: `api`: `azure` has the Responses API at "
            "https://NAME.openai.azure.com/openai/v1; write that as `base_url`\n");
    refused("providers: { p: { dialect: ollama } }\n"
            "models: { m: { targets: [ { provider: p, model: x, api: responses } ] } }",
            "f:2:57: `api`: only `openai` and `azure` have more than one; leave it out\n");
}

#define BEDROCK(key) "providers: { p: { dialect: bedrock, region: r, " key " } }"
#define OF_BEDROCK                                                                                 \
    "one of `bedrock` is ACCESS:SECRET, ACCESS:SECRET:SESSION, or an API key without a colon\n"

static void R56_half_an_access_key_is_refused_without_repeating_it(void **state)
{
    (void)state;
    conf_unref(load_fine(BEDROCK("keys: [ \"a:b\", \"a:b:c==\", ABSK= ]")));
    refused(BEDROCK("key: \":canary\""), "f:1:53: `key`: " OF_BEDROCK);
    refused(BEDROCK("key: \"canary:\""), "f:1:53: `key`: " OF_BEDROCK);
    refused(BEDROCK("keys: [ k, \"a:b:c:d\" ]"), "f:1:54: `keys`: " OF_BEDROCK);
}

/* ---- pairs and bounds ---- */

static void R56_half_a_tls_pair_is_refused(void **state)
{
    (void)state;
    refused("tls: { cert: a }\n" P, "f:1:6: `tls` has only half of the pair: `key` is missing\n");
    refused("tls: { key: a }\n" P, "f:1:6: `tls` has only half of the pair: `cert` is missing\n");
}

static void R50_admin_beyond_loopback_needs_a_token(void **state)
{
    static const char *const vars[] = {"T", "", NULL};
    struct conf *c;

    (void)state;
    variables = vars;
    refused("admin: { listen: 0.0.0.0:9090 }\n" P,
            "f:1:18: `admin`: listens beyond this machine without a `token`; set one, or listen on "
            "127.0.0.1\n");
    refused("admin:\n  listen: \"[::]:9090\"\n  token: \"${T}\"\n" P,
            "f:2:11: `admin`: listens beyond this machine without a `token`; set one, or listen on "
            "127.0.0.1\n");
    c = load_fine("admin: { listen: 0.0.0.0:9090, token: 12345678 }\n" P);
    conf_unref(c);
    c = load_fine("admin: { listen: \"[::1]:9090\" }\n" P);
    conf_unref(c);
}

static void admin_can_be_off(void **state)
{
    struct conf *c = load_fine("admin: off\n" P);

    (void)state;
    assert_true(c->admin.off);
    conf_unref(c);
    refused("admin: none\n" P, "f:1:8: `admin`: expected a map of settings, or off\n");
}

/* ---- providers ---- */

static void key_and_keys_are_the_same_list(void **state)
{
    struct conf *c = load_fine("providers: { a: { key: k-1 }, b: { keys: k-2 }, c: { keys: [] } }");

    (void)state;
    assert_int_equal(c->providers[0].keys_count, 1);
    assert_str(c->providers[0].keys[0], "k-1");
    assert_str(c->providers[1].keys[0], "k-2");
    assert_int_equal(c->providers[2].keys_count, 0);
    conf_unref(c);
    refused("providers: { a: { keys: [x], key: y } }",
            "f:1:35: `key` beside `keys`; put all of them into `keys`\n");
}

static void an_empty_key_is_left_out(void **state)
{
    static const char *const vars[] = {"A", "", "B", "second", NULL};
    struct conf *c;

    (void)state;
    variables = vars;
    c = load_fine("providers: { p: { keys: [ \"${A}\", \"${B}\", \"${C:-}\", \"\" ] } }");
    assert_int_equal(c->providers[0].keys_count, 1);
    assert_str(c->providers[0].keys[0], "second");
    conf_unref(c);
}

static void providers_inherit_the_global_timeouts_and_pools(void **state)
{
    struct conf *c = load_fine("timeouts: { connect: 1s, idle: 2s, total: 1m }\n"
                               "upstream: { idle: 3 }\n"
                               "providers: { a: { timeouts: { idle: 5s }, upstream: { queue: 9 } },"
                               " b: {} }\n"
                               "models:\n"
                               "  m: { targets: [ a/x, b/y ], timeouts: { total: 2m } }\n");
    const struct conf_target *t = c->models[0].targets;

    (void)state;
    assert_int_equal(c->providers[0].timeouts.connect_ms, 1000);
    assert_int_equal(c->providers[0].timeouts.idle_ms, 5000);
    assert_int_equal(c->providers[0].timeouts.headers_ms, 60000);
    assert_int_equal(c->providers[1].timeouts.idle_ms, 2000);
    assert_int_equal(c->providers[0].upstream.queue_max, 9);
    assert_int_equal(c->providers[0].upstream.idle_max, 3);
    assert_int_equal(c->models[0].timeouts.total_ms, 120000);
    assert_int_equal(c->models[0].timeouts.idle_ms, 2000);
    assert_int_equal(t[0].timeouts.connect_ms, 1000); /* global */
    assert_int_equal(t[0].timeouts.idle_ms, 5000);    /* its provider's */
    assert_int_equal(t[0].timeouts.total_ms, 120000); /* its model's */
    assert_int_equal(t[1].timeouts.idle_ms, 2000);
    conf_unref(c);
}

static void a_base_url_with_a_password_is_refused_without_repeating_it(void **state)
{
    (void)state;
    refused("providers: { p: { base_url: \"https://u:canary@h/v1\" } }",
            "f:1:29: `base_url`: no user or password in it; credentials go into `keys`\n");
}

static void names_of_providers_hold_no_slash_and_no_quote(void **state)
{
    (void)state;
    refused("providers: { a/b: {} }",
            "f:1:14: the name of a provider holds no spaces and none of /*\"\\\n");
    refused("providers: { a\"b: {} }",
            "f:1:14: the name of a provider holds no spaces and none of /*\"\\\n");
    refused("providers: { \"\": {} }", "f:1:14: the name of a provider has 1 to 128 bytes\n");
}

static void headers_are_checked(void **state)
{
    (void)state;
    refused("providers: { p: { key: k, headers: { Authorization: x, a b: c, X-A: \"1\", x-a: 2,\n"
            "  Content-Length: 3, X-B: \"a\\r\\nb\" } } }",
            "f:1:38: `headers`: Authorization is set from `keys`; leave one of them out\n"
            "f:1:56: `headers`: `a b` is no name for a header\n"
            "f:1:74: `headers`: `x-a` is given twice\n"
            "f:2:3: `headers`: `Content-Length` is written by the gateway; take it out\n"
            "f:2:27: `headers`: has a line break or another control character\n");
}

static void a_server_may_want_an_authorization_of_its_own(void **state)
{
    struct conf *c = load_fine("providers: { p: { headers: { Authorization: Basic eDp5 } } }");

    (void)state;
    assert_str(c->providers[0].headers[0][0], "Authorization");
    assert_str(c->providers[0].headers[0][1], "Basic eDp5");
    conf_unref(c);
}

static void a_proxy_comes_from_the_environment_unless_it_is_set(void **state)
{
    static const char *const vars[] = {
        "HTTPS_PROXY", "http://u:p@proxy:3128", "http_proxy", "plain:8",
        "NO_PROXY",    "x, .inside.example",    NULL,
    };
    struct conf *c;

    (void)state;
    variables = vars;
    c = load_fine("providers:\n"
                  "  a: {}\n"
                  "  b: { proxy: off }\n"
                  "  c: { base_url: https://m.inside.example }\n"
                  "  d: { base_url: http://outside.example }\n"
                  "  e: { base_url: http://127.0.0.1:1 }\n"
                  "  f: { proxy: \"http://mine:1\" }\n");
    assert_str(c->providers[0].proxy, "http://u:p@proxy:3128");
    assert_int_equal(c->providers[1].proxy.len, 0);
    assert_int_equal(c->providers[2].proxy.len, 0);
    assert_str(c->providers[3].proxy, "http://plain:8");
    assert_int_equal(c->providers[4].proxy.len, 0);
    assert_str(c->providers[5].proxy, "http://mine:1");
    conf_unref(c);
}

static void a_useless_proxy_of_the_environment_is_told_without_its_password(void **state)
{
    static const char *const vars[] = {"https_proxy", "socks5://u:canary@proxy", NULL};

    (void)state;
    variables = vars;
    refused("providers: { p: {} }",
            "f:1:17: the environment's https_proxy is of no use: a URL begins with http:// or "
            "https://; mend it, or set `proxy`\n");
}

/* ---- models ---- */

static void a_target_may_be_one_word(void **state)
{
    static const char *const vars[] = {"WHO", "p", NULL};
    struct conf *c;

    (void)state;
    variables = vars;
    c = load_fine("models: { m: { targets: [ p/a/b:1, \"${WHO}/${WHAT:-x/y}\" ] } }\n" P);
    assert_str(c->models[0].targets[0].model, "a/b:1");
    assert_int_equal(c->models[0].targets[0].weight, 1);
    assert_str(c->models[0].targets[1].model, "x/y");
    assert_int_equal(c->models[0].targets[1].index, 1);
    conf_unref(c);
    refused("models: { m: { targets: [ p, p/, /x, q/x, [p] ] } }\n" P,
            "f:1:27: `targets`: expected provider/model or a map, not `p`\n"
            "f:1:30: `targets`: expected provider/model or a map, not `p/`\n"
            "f:1:34: `targets`: expected provider/model or a map, not `/x`\n"
            "f:1:38: `provider`: no provider is called `q`; known: p\n"
            "f:1:43: `targets`: expected a list of maps, not a list\n");
}

static void R56_missing_settings_are_named(void **state)
{
    (void)state;
    refused("listen: 127.0.0.1:1\n", "f:1:1: `providers` is missing: Whom we can call, by name.\n");
    refused(
        "models:\n  m: { strategy: ordered }\n" P,
        "f:2:3: `targets` is missing: What can answer; each a map, or just `provider/model`.\n");
    refused("keys: [ { name: x } ]\n" P,
            "f:1:9: `key` is missing: What the client sends as its bearer token, at least 8 "
            "characters; only its SHA-256 is kept.\n");
}

static void weights_that_are_all_0_are_refused(void **state)
{
    (void)state;
    refused("models: { m: { targets: [ { provider: p, model: x, weight: 0 } ] } }\n" P,
            "f:1:25: `targets`: all weights are 0, so none would ever be chosen\n");
    refused("models: { m: { strategy: ordered, targets: [ { provider: p, model: x, "
            "weight: 0 } ] } }\n" P,
            "f:1:44: `targets`: all weights are 0, so none would ever be chosen\n");
}

static void R56_fallbacks_in_a_circle_are_refused_by_name(void **state)
{
    (void)state;
    refused("models:\n"
            "  a: { targets: [p/x], fallbacks: [b] }\n"
            "  b: { targets: [p/x], fallbacks: [d, c] }\n"
            "  c: { targets: [p/x], fallbacks: [a] }\n"
            "  d: { targets: [p/x] }\n"
            "  e: { targets: [p/x], fallbacks: [e] }\n"
            "  f: { targets: [p/x], fallbacks: [d, d] }\n" P,
            "f:2:35: `fallbacks` run in a circle: a -> b -> c -> a\n"
            "f:6:35: `fallbacks` run in a circle: e -> e\n"
            "f:7:39: `fallbacks`: `d` is listed twice\n");
}

static void a_diamond_of_fallbacks_is_no_circle(void **state)
{
    struct conf *c = load_fine("models:\n"
                               "  a: { targets: [p/x], fallbacks: [b, c] }\n"
                               "  b: { targets: [p/x], fallbacks: [d] }\n"
                               "  c: { targets: [p/x], fallbacks: [d] }\n"
                               "  d: { targets: [p/x] }\n" P);

    (void)state;
    assert_int_equal(c->models[0].fallbacks_count, 2);
    conf_unref(c);
}

static void a_chain_of_fallbacks_has_a_maximum(void **state)
{
    char text[8192] = "models:\n";

    (void)state;
    for (int i = 0; i < 40; i++) {
        size_t n = strlen(text);

        snprintf(text + n, sizeof(text) - n, "  m%d: { targets: [p/x], fallbacks: [m%d] }\n", i,
                 i + 1);
    }
    snprintf(text + strlen(text), sizeof(text) - strlen(text), "  m40: { targets: [p/x] }\n" P);
    refused(text, "f:34:8: `fallbacks`: a chain of more than 32 aliases\n");
}

static void names_of_aliases_hold_no_star(void **state)
{
    struct conf *c;

    (void)state;
    refused("models: { \"g*\": { targets: [p/x] } }\n" P,
            "f:1:11: the name of an alias holds no spaces and none of *\n");
    c = load_fine(
        "models: { p/x: { targets: [p/x] } }\n" P); /* an alias may stand before a model */
    conf_unref(c);
}

/* ---- client keys ---- */

static void R50_client_keys_are_kept_as_digests_only(void **state)
{
    /* printf %s canary-key-1 | sha256sum */
    static const unsigned char digest[32] = {0xf9, 0xb3, 0x87, 0x36, 0x01, 0x71, 0x25, 0x2f,
                                             0x7b, 0x1b, 0xae, 0xb7, 0xa5, 0x11, 0x8c, 0xf5,
                                             0xeb, 0x64, 0xcd, 0xa7, 0xd0, 0xfd, 0x6d, 0xe4,
                                             0xd3, 0x30, 0x0f, 0x4d, 0xbd, 0x04, 0xe7, 0x4d};
    unsigned char made[32];
    struct conf *c = load_fine("keys: [ { name: a, key: canary-key-1 }, { name: b, key: other-key "
                               "} ]\n" P);

    (void)state;
    assert_true(conf_digest(STR("canary-key-1"), made));
    assert_memory_equal(made, digest, 32);
    assert_memory_equal(c->keys[0].digest, digest, 32);
    assert_ptr_equal(conf_key_find(c, made), &c->keys[0]);
    made[31] ^= 1;
    assert_null(conf_key_find(c, made));
    conf_unref(c);
}

static void R56_client_keys_are_unique(void **state)
{
    (void)state;
    refused("keys:\n"
            "  - { name: a, key: canary-key-1 }\n"
            "  - { name: b, key: canary-key-1 }\n"
            "  - { name: a, key: canary-key-2 }\n" P,
            "f:3:5: `keys`: the key of `b` is another's, too\n"
            "f:4:5: `keys`: two are called `a`\n");
}

static void an_empty_list_of_keys_does_not_open_the_port(void **state)
{
    (void)state;
    refused("keys: []\n" P, "f:1:7: `keys` is empty: name one at least, or leave it out\n");
    refused("keys:\n" P, "f:1:6: `keys`: expected a list of maps, not nothing\n");
}

static void a_key_may_use_what_its_list_says(void **state)
{
    struct conf *c = load_fine("keys:\n"
                               "  - { name: a, key: canary-1, models: [ m, p/x, \"p/gpt-*\" ] }\n"
                               "  - { name: b, key: canary-2 }\n"
                               "  - { name: c, key: canary-3, models: \"*\" }\n"
                               "models: { m: { targets: [p/x] } }\n" P);

    (void)state;
    assert_true(conf_key_allows(&c->keys[0], STR("m")));
    assert_true(conf_key_allows(&c->keys[0], STR("p/x")));
    assert_true(conf_key_allows(&c->keys[0], STR("p/gpt-4")));
    assert_false(conf_key_allows(&c->keys[0], STR("p/xy")));
    assert_false(conf_key_allows(&c->keys[0], STR("mm")));
    assert_false(conf_key_allows(&c->keys[0], STR("p/gpt")));
    assert_false(conf_key_allows(&c->keys[0], STR("")));
    assert_true(conf_key_allows(&c->keys[1], STR("anything")));
    assert_true(conf_key_allows(&c->keys[2], STR("anything")));
    assert_true(conf_key_allows(NULL, STR("anything")));
    conf_unref(c);
    refused(
        "keys: [ { name: a, key: canary-1, models: [ \"a*b\", chta, q/x ] } ]\n"
        "models: { chat: { targets: [p/x] } }\n" P,
        "f:1:45: `models`: a * stands only at the end\n"
        "f:1:52: `models`: `chta` is neither an alias nor provider/model; did you mean `chat`?\n"
        "f:1:58: `models`: `q/x` is neither an alias nor provider/model; known: chat\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_dialect_has_its_makers_address),
        cmocka_unit_test(a_server_is_known_by_its_host_or_told),
        cmocka_unit_test(R56_a_maker_without_an_address_wants_one),
        cmocka_unit_test(a_target_is_asked_through_its_own_api_or_its_providers),
        cmocka_unit_test(R56_an_api_that_a_provider_has_not_is_refused),
        cmocka_unit_test(R56_half_an_access_key_is_refused_without_repeating_it),
        cmocka_unit_test(R56_half_a_tls_pair_is_refused),
        cmocka_unit_test(R50_admin_beyond_loopback_needs_a_token),
        cmocka_unit_test(admin_can_be_off),
        cmocka_unit_test(key_and_keys_are_the_same_list),
        cmocka_unit_test(an_empty_key_is_left_out),
        cmocka_unit_test(providers_inherit_the_global_timeouts_and_pools),
        cmocka_unit_test(a_base_url_with_a_password_is_refused_without_repeating_it),
        cmocka_unit_test(names_of_providers_hold_no_slash_and_no_quote),
        cmocka_unit_test(headers_are_checked),
        cmocka_unit_test(a_server_may_want_an_authorization_of_its_own),
        cmocka_unit_test(a_proxy_comes_from_the_environment_unless_it_is_set),
        cmocka_unit_test(a_useless_proxy_of_the_environment_is_told_without_its_password),
        cmocka_unit_test(a_target_may_be_one_word),
        cmocka_unit_test(R56_missing_settings_are_named),
        cmocka_unit_test(weights_that_are_all_0_are_refused),
        cmocka_unit_test(R56_fallbacks_in_a_circle_are_refused_by_name),
        cmocka_unit_test(a_diamond_of_fallbacks_is_no_circle),
        cmocka_unit_test(a_chain_of_fallbacks_has_a_maximum),
        cmocka_unit_test(names_of_aliases_hold_no_star),
        cmocka_unit_test(R50_client_keys_are_kept_as_digests_only),
        cmocka_unit_test(R56_client_keys_are_unique),
        cmocka_unit_test(an_empty_list_of_keys_does_not_open_the_port),
        cmocka_unit_test(a_key_may_use_what_its_list_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
