/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/admin_page.h"

#include <errno.h>
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "unit/conf/conf_helper.h"

#define CONFIG                                                                                     \
    "admin: { listen: 127.0.0.1:9090, token: \"a-token-only-operators-know\" }\n"                  \
    "providers:\n"                                                                                 \
    "  p:\n"                                                                                       \
    "    dialect: openai\n"                                                                        \
    "    base_url: http://127.0.0.1:1/v1\n"                                                        \
    "    keys: [\"sk-canary-0123456789abcdef\"]\n"                                                 \
    "models:\n"                                                                                    \
    "  m: { targets: [ { provider: p, model: x } ] }\n"
#define TOKEN "a-token-only-operators-know"

struct fixture {
    struct admin_state s;
    struct arena a;
    struct http_fields fields;
    struct admin_answer r;
};

static int targets(void *ctx, struct buf *out)
{
    int err = buf_put(out, STR("[{\"provider\":\"p\"}]\n"));

    return *(int *)ctx < 0 ? *(int *)ctx : err;
}

static int targets_result;

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    if (f == NULL)
        return -1;
    targets_result = 0;
    f->s.conf = load_fine(CONFIG);
    f->s.metrics = metric_registry_new();
    f->s.shard = f->s.metrics != NULL ? metric_shard_new(f->s.metrics) : NULL;
    f->s.hooks = (struct admin_hooks){targets, &targets_result};
    *state = f;
    return f->s.conf != NULL && f->s.shard != NULL ? 0 : -1;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    buf_done(&f->r.body);
    arena_done(&f->a);
    arena_thread_done();
    metric_registry_free(f->s.metrics);
    conf_unref(f->s.conf);
    free(f);
    return 0;
}

static void with_authorization(struct fixture *f, const char *value)
{
    assert_int_equal(http_fields_add(&f->fields, &f->a, STR("Authorization"), str_from(value)), 0);
}

/* The answer's status; its body, NUL-terminated, is f->r.body. */
static unsigned ask(struct fixture *f, const char *method, const char *path)
{
    struct admin_request q = {str_from(method), str_from(path), &f->fields};

    buf_done(&f->r.body);
    f->r = (struct admin_answer){.body.max = 1 << 20};
    admin_page_get(&f->s, &f->a, &q, &f->r);
    assert_int_equal(buf_put(&f->r.body, str_make("", 1)), 0);
    return f->r.status;
}

static bool has(const struct fixture *f, const char *text)
{
    return strstr(f->r.body.ptr, text) != NULL;
}

static void livez_answers_anyone_always(void **state)
{
    struct fixture *f = *state;

    atomic_store(&f->s.not_ready, "starting");
    assert_int_equal(ask(f, "GET", "/livez"), 200);
    assert_string_equal(f->r.body.ptr, "ok\n");
    assert_int_equal(ask(f, "HEAD", "/livez"), 200);
}

static void readyz_says_why_not(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(ask(f, "GET", "/readyz"), 200);
    assert_string_equal(f->r.body.ptr, "{\"ready\":true}\n");
    atomic_store(&f->s.not_ready, "draining");
    assert_int_equal(ask(f, "GET", "/readyz"), 503);
    assert_string_equal(f->r.body.ptr, "{\"ready\":false,\"reasons\":[\"draining\"]}\n");
    assert_true(str_eq(f->r.type, STR("application/json")));
}

static void metrics_are_prometheus_text(void **state)
{
    struct fixture *f = *state;

    with_authorization(f, "Bearer " TOKEN);
    assert_int_equal(ask(f, "GET", "/metrics"), 200);
    assert_true(str_eq(f->r.type, STR("text/plain; version=0.0.4; charset=utf-8")));
    assert_true(has(f, "\ndragoman_in_flight 0\n"));
}

static void R52_the_configuration_shows_no_secret(void **state)
{
    struct fixture *f = *state;

    with_authorization(f, "bearer  " TOKEN);
    assert_int_equal(ask(f, "GET", "/admin/config"), 200);
    assert_true(has(f, "127.0.0.1:9090"));
    assert_false(has(f, "canary"));
    assert_false(has(f, TOKEN));
}

static void targets_come_from_the_hook(void **state)
{
    struct fixture *f = *state;

    with_authorization(f, "Bearer " TOKEN);
    assert_int_equal(ask(f, "GET", "/admin/targets"), 200);
    assert_string_equal(f->r.body.ptr, "[{\"provider\":\"p\"}]\n");
    targets_result = -ENOMEM;
    assert_int_equal(ask(f, "GET", "/admin/targets"), 500);
    assert_true(has(f, "\"code\":\"gateway_error\""));
    assert_false(has(f, "provider"));
    f->s.hooks.targets = NULL;
    assert_int_equal(ask(f, "GET", "/admin/targets"), 404);
}

static void R50_whoever_lacks_the_token_sees_nothing(void **state)
{
    static const char *const wrong[] = {
        "",
        "Bearer",
        "Bearer ",
        "Bearer " TOKEN "x",
        "Bearer a-token-only-operators-knoW",
        "Bearer a-token",
        "Basic " TOKEN,
        TOKEN,
        "Bearer " TOKEN ", Bearer " TOKEN,
        "Bearer ' OR 1=1 --",
        "Bearer \xc3\xa9",
    };
    static const char *const paths[] = {"/metrics", "/admin/config", "/admin/targets", "/nothing"};
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNTOF(wrong); i++) {
        f->fields.count = 0;
        with_authorization(f, wrong[i]);
        for (size_t k = 0; k < COUNTOF(paths); k++) {
            if (ask(f, "GET", paths[k]) != 401)
                fail_msg("%s with %s: %u", paths[k], wrong[i], f->r.status);
            assert_true(f->r.ask_for_token);
            assert_true(has(f, "\"code\":\"invalid_api_key\""));
            assert_false(has(f, TOKEN));
        }
    }
}

static void R50_two_tokens_are_none(void **state)
{
    struct fixture *f = *state;

    with_authorization(f, "Bearer " TOKEN);
    with_authorization(f, "Bearer " TOKEN);
    assert_int_equal(ask(f, "GET", "/metrics"), 401);
}

static void without_a_token_in_the_configuration_none_is_wanted(void **state)
{
    struct fixture *f = *state;

    f->s.conf->admin.token = STR("");
    assert_int_equal(ask(f, "GET", "/metrics"), 200);
    assert_int_equal(ask(f, "GET", "/admin/config"), 200);
}

static void unknown_paths_are_named_but_not_echoed_without_end(void **state)
{
    struct fixture *f = *state;
    char path[3000];

    with_authorization(f, "Bearer " TOKEN);
    assert_int_equal(ask(f, "GET", "/metrics/"), 404);
    assert_string_equal(f->r.body.ptr,
                        "{\"error\":{\"message\":\"Nothing is served at /metrics/ on the admin "
                        "port.\",\"type\":\"invalid_request_error\",\"code\":\"unknown_url\","
                        "\"param\":null}}\n");
    assert_int_equal(ask(f, "GET", "/a\"\x01\\<"), 404);
    assert_true(has(f, "/a\\\"\\u0001\\\\<"));
    memset(path, 'x', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    assert_int_equal(ask(f, "GET", path), 404);
    assert_true(f->r.body.len < 500);
}

static void other_methods_are_told_which_ones_there_are(void **state)
{
    static const char *const methods[] = {"POST", "PUT", "DELETE", "OPTIONS", "PATCH", "get"};
    struct fixture *f = *state;

    with_authorization(f, "Bearer " TOKEN);
    for (size_t i = 0; i < COUNTOF(methods); i++) {
        assert_int_equal(ask(f, methods[i], "/livez"), 405);
        assert_true(str_eq(f->r.allow, STR("GET, HEAD")));
        assert_true(has(f, "\"code\":\"method_not_allowed\""));
        assert_int_equal(ask(f, methods[i], "/nothing"), 404);
    }
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(livez_answers_anyone_always),
        T(readyz_says_why_not),
        T(metrics_are_prometheus_text),
        T(R52_the_configuration_shows_no_secret),
        T(targets_come_from_the_hook),
        T(R50_whoever_lacks_the_token_sees_nothing),
        T(R50_two_tokens_are_none),
        T(without_a_token_in_the_configuration_none_is_wanted),
        T(unknown_paths_are_named_but_not_echoed_without_end),
        T(other_methods_are_told_which_ones_there_are),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
