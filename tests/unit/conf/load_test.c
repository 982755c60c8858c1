/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/log.h"
#include "conf_helper.h"

/* The page that users copy from; `big` is made up there. */
static const char example[] =
    "listen: 127.0.0.1:8080\n"
    "threads: auto                            # event loops; one a core\n"
    "admin: { listen: 127.0.0.1:9090, token: \"${DRAGOMAN_ADMIN_TOKEN:-}\" }\n"
    "timeouts: { connect: 5s, headers: 60s, first_content: 120s, idle: 60s, total: 10m }\n"
    "retry: { attempts: 5, initial: 1s, max: 60s }\n"
    "log: { level: info, access: stdout }\n"
    "keys:\n"
    "  - { name: shop, key: \"${SHOP_KEY}\", models: [ chat ] }\n"
    "providers:\n"
    "  openai:    { dialect: openai, base_url: https://api.openai.com/v1, keys: "
    "[\"${OPENAI_API_KEY}\"], version: \"2023-05-15\" }\n"
    "  claude:    { dialect: %s, keys: [\"${ANTHROPIC_API_KEY}\"] }\n"
    "  local:     { dialect: openai, base_url: http://127.0.0.1:11434/v1 }\n"
    "models:\n"
    "  chat:\n"
    "    strategy: weighted\n"
    "    targets:\n"
    "      - { provider: openai, model: gpt-4o-mini, weight: 60 }\n"
    "      - { provider: claude, model: claude-haiku-4-5, weight: 30 }\n"
    "      - { provider: local,  model: qwen3, weight: 10 }\n"
    "    fallbacks: [ big ]\n"
    "%s";

static const char *const secrets[] = {
    "SHOP_KEY",
    "shop-key-canary",
    "OPENAI_API_KEY",
    "sk-openai-canary-0123456789",
    "ANTHROPIC_API_KEY",
    "sk-ant-canary",
    NULL,
};

static void the_example_of_the_manual_loads(void **state)
{
    char text[4096];
    struct conf *c;
    const struct conf_model *chat;

    (void)state;
    variables = secrets;
    snprintf(text, sizeof(text), example, "openai", "  big: { targets: [ openai/gpt-4o ] }\n");
    c = load_fine(text);
    assert_str(c->listen.host, "127.0.0.1");
    assert_int_equal(c->listen.port, 8080);
    assert_true(c->threads >= 1);
    assert_int_equal(c->admin.listen.port, 9090);
    assert_int_equal(c->admin.token.len, 0);
    assert_int_equal(c->timeouts.first_content_ms, 120000);
    assert_int_equal(c->retry.attempts, 5);
    assert_int_equal(c->log.level, LOG_INFO);
    assert_int_equal(c->providers_count, 3);
    assert_str(c->providers[0].host, "api.openai.com");
    assert_str(c->providers[0].base_path, "/v1");
    assert_true(c->providers[0].tls);
    assert_int_equal(c->providers[0].port, 443);
    assert_str(c->providers[0].keys[0], "sk-openai-canary-0123456789");
    assert_str(c->providers[0].version, "2023-05-15");
    assert_str(c->providers[0].version_header, "openai-version");
    assert_true(c->providers[0].ask_usage);
    assert_int_equal(c->providers[2].keys_count, 0);
    assert_int_equal(c->providers[2].port, 11434);
    assert_false(c->providers[2].tls);
    assert_int_equal(c->targets_count, 4);
    chat = conf_model_find(c, STR("chat"));
    assert_non_null(chat);
    assert_int_equal(chat->targets_count, 3);
    assert_ptr_equal(chat->targets[1].provider, conf_provider_find(c, STR("claude")));
    assert_int_equal(chat->targets[2].weight, 10);
    assert_int_equal(chat->fallbacks_count, 1);
    assert_ptr_equal(chat->fallbacks[0], conf_model_find(c, STR("big")));
    assert_str(chat->fallbacks[0]->targets[0].model, "gpt-4o");
    assert_true(conf_key_allows(&c->keys[0], STR("chat")));
    assert_false(conf_key_allows(&c->keys[0], STR("big")));
    conf_unref(c);
}

static void R56_every_problem_is_told_with_line_and_column(void **state)
{
    char text[4096];

    (void)state;
    variables = secrets;
    snprintf(text, sizeof(text), example, "antropic", "");
    refused(text, "f:11:25: `dialect`: `antropic` is none of: openai, anthropic, gemini, ollama, "
                  "azure, bedrock; did you mean `anthropic`?\n"
                  "f:20:18: `fallbacks`: no alias is called `big`; known: chat\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_of_the_manual_loads),
        cmocka_unit_test(R56_every_problem_is_told_with_line_and_column),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
