/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "conf/quickstart.h"
#include "conf_helper.h"

static uint16_t open_port; /* where the machine of the test has a server; 0: nowhere */
static const char *its_model;
static char sentences[8192];

static bool listening(void *ctx, uint16_t port)
{
    (void)ctx;
    return port == open_port && port != 0;
}

static bool tell_model(void *ctx, uint16_t port, char *name, size_t size)
{
    (void)ctx;
    assert_int_equal(port, open_port);
    if (its_model == NULL)
        return false;
    snprintf(name, size, "%s", its_model);
    return true;
}

static const struct quickstart_probe probe = {listening, tell_model, NULL, 21300};

static void hear(void *ctx, const char *line)
{
    size_t at = strlen(sentences);

    (void)ctx;
    snprintf(sentences + at, sizeof(sentences) - at, "%s\n", line);
}

static struct conf *start(const char *const *vars, uint16_t port, const char *model)
{
    variables = vars;
    open_port = port;
    its_model = model;
    sentences[0] = '\0';
    memset(&told, 0, sizeof(told));
    return conf_quickstart(env, &probe, hear, keep, &told);
}

static void without_anything_the_simulator_answers(void **state)
{
    struct conf *c = start(NULL, 0, NULL);

    (void)state;
    assert_non_null(c);
    assert_true(c->use_sim);
    assert_str(c->file, "(quick start)");
    assert_str(c->try_model, "chat");
    assert_int_equal(c->listen.port, 8080);
    assert_int_equal(c->admin.listen.port, 9090);
    assert_int_equal(c->providers_count, 1);
    assert_str(c->providers[0].name, "sim");
    assert_int_equal(c->providers[0].port, 21300);
    assert_str(conf_model_find(c, STR("chat"))->targets[0].model, "sim");
    assert_non_null(strstr(sentences, "simulator"));
    conf_unref(c);
}

static void keys_in_the_environment_become_providers_in_order(void **state)
{
    static const char *const vars[] = {
        "GEMINI_API_KEY", "gm-canary",       "OPENAI_API_KEY", "oa-canary", "ANTHROPIC_API_KEY",
        "an-canary",      "DRAGOMAN_LISTEN", "0.0.0.0:21301",  NULL,
    };
    struct conf *c = start(vars, 11434, "qwen3:8b");
    const struct conf_model *chat;

    (void)state;
    assert_non_null(c);
    assert_false(c->use_sim);
    assert_int_equal(c->providers_count, 4);
    assert_str(c->providers[0].name, "openai");
    assert_str(c->providers[0].keys[0], "oa-canary");
    assert_str(c->providers[1].base_path, "/v1");
    assert_int_equal(c->providers[1].dialect, CHAT_ANTHROPIC);
    assert_str(c->providers[2].base_path, "/v1beta");
    assert_int_equal(c->providers[2].dialect, CHAT_GEMINI);
    assert_int_equal(c->providers[3].dialect, CHAT_OPENAI);
    assert_str(c->providers[3].host, "127.0.0.1");
    assert_int_equal(c->providers[3].keys_count, 0);
    assert_int_equal(c->listen.port, 21301);
    chat = conf_model_find(c, STR("chat"));
    assert_ptr_equal(chat->targets[0].provider, &c->providers[0]);
    assert_int_equal(chat->fallbacks_count, 3);
    assert_str(chat->fallbacks[0]->name, "chat-anthropic");
    assert_str(chat->fallbacks[2]->targets[0].model, "qwen3:8b");
    assert_null(strstr(sentences, "canary"));
    conf_unref(c);
}

static void an_empty_key_is_no_key(void **state)
{
    static const char *const vars[] = {"OPENAI_API_KEY", "", NULL};
    struct conf *c = start(vars, 0, NULL);

    (void)state;
    assert_true(c->use_sim);
    conf_unref(c);
}

static void a_local_server_that_names_no_model_is_reached_by_its_own_name(void **state)
{
    struct conf *c = start(NULL, 8000, NULL);

    (void)state;
    assert_non_null(c);
    assert_str(c->providers[0].name, "vllm");
    assert_non_null(strstr(sentences, "vllm/"));
    /* Any program may listen there: what a newcomer is told to try works all the same. */
    assert_true(c->use_sim);
    assert_str(c->try_model, "chat");
    assert_str(conf_model_find(c, STR("chat"))->targets[0].provider->name, "sim");
    conf_unref(c);
}

static void a_model_name_that_would_break_the_text_is_not_taken(void **state)
{
    struct conf *c = start(NULL, 11434, "x\", evil: \"${HOME}");

    (void)state;
    assert_non_null(c);
    assert_int_equal(c->models_count, 1);
    assert_str(c->models[0].targets[0].model, "sim");
    conf_unref(c);
}

static void our_own_port_is_not_taken_for_a_server(void **state)
{
    static const char *const moved[] = {"DRAGOMAN_LISTEN", "127.0.0.1:21302", NULL};
    struct conf *c = start(NULL, 8080, NULL);

    (void)state;
    assert_true(c->use_sim);
    conf_unref(c);
    c = start(moved, 8080, NULL);
    assert_str(c->providers[0].name, "llamacpp");
    conf_unref(c);
}

static void R50_an_admin_listener_for_all_needs_a_token_here_too(void **state)
{
    static const char *const vars[] = {"DRAGOMAN_ADMIN_LISTEN", "0.0.0.0:21303", NULL};
    static const char *const safe[] = {"DRAGOMAN_ADMIN_LISTEN", "0.0.0.0:21303",
                                       "DRAGOMAN_ADMIN_TOKEN", "canary-token", NULL};
    struct conf *c;

    (void)state;
    assert_null(start(vars, 0, NULL));
    assert_int_equal(told.count, 1);
    c = start(safe, 0, NULL);
    assert_non_null(c);
    conf_unref(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_anything_the_simulator_answers),
        cmocka_unit_test(keys_in_the_environment_become_providers_in_order),
        cmocka_unit_test(an_empty_key_is_no_key),
        cmocka_unit_test(a_local_server_that_names_no_model_is_reached_by_its_own_name),
        cmocka_unit_test(a_model_name_that_would_break_the_text_is_not_taken),
        cmocka_unit_test(our_own_port_is_not_taken_for_a_server),
        cmocka_unit_test(R50_an_admin_listener_for_all_needs_a_token_here_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
