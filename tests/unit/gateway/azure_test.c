/* OpenAI's dialect at Azure: other paths, another credential, the same bytes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "unit/gateway/exchange_fixture.h"

#include "gateway/entra.h"
#include "gateway/upstream_path.h"

#define DATA(json) "data: " json "\n\n"
#define FILTER_RESULTS                                                                             \
    DATA("{\"choices\":[],\"created\":0,\"id\":\"\",\"model\":\"\",\"object\":\"\","               \
         "\"prompt_filter_results\":[{\"prompt_index\":0,\"content_filter_results\":{}}]}")
#define TEXT DATA("{\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hel\"}}]}")
#define STOPS                                                                                      \
    DATA("{\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}")
#define BLOCKED                                                                                    \
    "{\"error\":{\"message\":\"The response was filtered\",\"type\":null,\"param\":\"prompt\","    \
    "\"code\":\"content_filter\",\"status\":400,\"innererror\":{\"code\":"                         \
    "\"ResponsibleAIPolicyViolation\"}}}"

static struct fixture f;

static int setup(void **state)
{
    (void)state;
    open_fixture(
        &f,
        "retry: { attempts: 2, initial: 100ms, jitter: 0 }\n"
        "providers:\n"
        "  one:    { dialect: azure, base_url: \"http://one.test\", key: abc123 }\n"
        "  token:  { dialect: azure, base_url: \"http://token.test/openai/\", key: eyJ0.eyJh.c }\n"
        "  pinned: { dialect: azure, base_url: \"http://pinned.test/x\", version: "
        "2025-04-01-preview }\n"
        "  new:    { dialect: azure, base_url: \"http://new.test/openai/v1\", key: abc123 }\n"
        "  newer:  { dialect: azure, base_url: \"http://new.test/openai/v1\", version: preview }\n"
        "  entra:  { dialect: azure, base_url: \"http://entra.test\", entra: { tenant_id: t,\n"
        "            client_id: c, client_secret: secret-of-c } }\n"
        "  plain:  { base_url: \"http://plain.test/v1\" }\n"
        "models:\n"
        "  chat:  { targets: [ one/my gpt ] }\n"
        "  later: { strategy: ordered, targets: [ one/m, plain/m ] }\n");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    close_fixture(&f);
    return 0;
}

static void a_path_is_where_azure_has_it(void **state)
{
    static const struct {
        const char *provider, *model, *path, *there;
    } rows[] = {
        {"plain", "m", "/chat/completions", "/chat/completions"},
        {"one", "m", "/chat/completions",
         "/openai/deployments/m/chat/completions?api-version=2024-10-21"},
        {"one", "a/b c", "/embeddings",
         "/openai/deployments/a%2Fb%20c/embeddings?api-version=2024-10-21"},
        {"one", "m", "/completions", "/openai/deployments/m/completions?api-version=2024-10-21"},
        {"one", "m", "/images/generations",
         "/openai/deployments/m/images/generations?api-version=2024-10-21"},
        {"one", "m", "/responses", "/openai/responses?api-version=2024-10-21"},
        {"one", "", "/files?limit=2", "/openai/files?limit=2&api-version=2024-10-21"},
        {"token", "m", "/chat/completions",
         "/deployments/m/chat/completions?api-version=2024-10-21"},
        {"pinned", "m", "/chat/completions",
         "/openai/deployments/m/chat/completions?api-version=2025-04-01-preview"},
        {"new", "m", "/chat/completions", "/chat/completions"},
        {"new", "m", "/files?limit=2", "/files?limit=2"},
        {"newer", "m", "/chat/completions", "/chat/completions?api-version=preview"},
    };
    struct arena a = {.max = 0}, full = {.max = 8};

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct str path = upstream_path(&a, conf_provider_find(f.conf, str_from(rows[i].provider)),
                                        str_from(rows[i].model), str_from(rows[i].path));

        if (!str_eq(path, str_from(rows[i].there)))
            fail_msg("%s: %.*s", rows[i].provider, STR_ARG(path));
    }
    assert_null(
        upstream_path(&full, conf_provider_find(f.conf, STR("one")), STR("m"), STR("/x")).ptr);
    arena_done(&a);
}

/* The fast path: the body is the client's but for the model's name. */
static void R44_the_body_is_the_clients(void **state)
{
    (void)state;
    ask_with(&f, "chat", ",\"n\" : 1e0");
    assert_has(&f.upstream.head,
               "POST /openai/deployments/my%20gpt/chat/completions?api-version=2024-10-21 HTTP/1.1"
               "\r\nhost: one.test\r\n");
    assert_has(&f.upstream.head, "\r\napi-key: abc123\r\n");
    assert_has_not(&f.upstream.head, "authorization");
    assert_has_not(&f.upstream.head, "openai-version");
    assert_has(&f.upstream.body, "{\"model\":\"my gpt\",\"messages\":[{}],\"n\" : 1e0}");
    assert_null(f.x->translation);
    answers(&f);
    assert_told(&f, 200, HELLO);
}

static void a_token_of_entra_is_a_bearer(void **state)
{
    (void)state;
    ask(&f, "token/m");
    assert_has(&f.upstream.head, "\r\nauthorization: Bearer eyJ0.eyJh.c\r\n");
    assert_has_not(&f.upstream.head, "api-key");
    answers(&f);
}

static struct entra *give_token(const char *provider)
{
    const struct conf_provider *p = conf_provider_find(f.conf, str_from(provider));
    struct entra *e = entra_new(&p->entra);
    struct arena a = {.max = 1 << 16};

    assert_non_null(e);
    entra_answered(e, &a, 200, STR("{\"access_token\":\"eyJ.1\",\"expires_in\":3600}"),
                   loop_now_ms(&f.loop));
    arena_done(&a);
    f.gw.providers[p->index].entra = e;
    f.loop.uv.time += 60000;
    return e;
}

static void a_token_of_entra_that_is_refused_is_replaced_whoever_asked(void **state)
{
    (void)state;
    for (int relayed = 0; relayed <= 1; relayed++) {
        struct entra *e = give_token("entra");

        if (relayed) {
            arrive(&f, "GET", "/v1/files", "x-dragoman-provider: entra\n");
            pipeline_start(f.x, f.x->surface->stages);
        } else {
            ask(&f, "entra/m");
        }
        assert_has(&f.upstream.head, "\r\nauthorization: Bearer eyJ.1\r\n");
        assert_false(entra_is_due(e, loop_now_ms(&f.loop)));
        refuses(&f, 401, JSON, "{}");
        assert_true(entra_is_due(e, loop_now_ms(&f.loop)));
        leaves(&f);
        entra_free(e);
    }
}

/* They are no content: what fails behind them is still asked elsewhere. */
static void R10_filter_results_commit_nothing(void **state)
{
    (void)state;
    ask_stream(&f, "later");
    assert_has(&f.upstream.body, "\"include_usage\":true");
    replies(&f, 200, EVENTS);
    says(&f, FILTER_RESULTS);
    assert_int_equal(f.call.status, 0);
    breaks(&f, HTTP_FAIL_RESET, HTTP_PHASE_BODY);
    pass_ms(&f, 1);
    assert_has(&f.upstream.head, "host: plain.test\r\n");
    replies(&f, 200, EVENTS);
    says(&f, TEXT STOPS);
    ends(&f);
    assert_told(&f, 200, "hel");
    assert_has_not(&f.client.body, "prompt_filter_results");
}

static void R44_filter_results_are_passed_on(void **state)
{
    (void)state;
    ask_stream(&f, "chat");
    replies(&f, 200, EVENTS);
    says(&f, FILTER_RESULTS TEXT STOPS);
    ends(&f);
    assert_told(&f, 200, FILTER_RESULTS TEXT STOPS);
}

static void R13_what_was_filtered_is_the_clients_to_know(void **state)
{
    (void)state;
    ask(&f, "later");
    refuses(&f, 400, JSON, BLOCKED);
    assert_told(&f, 400, BLOCKED);
    assert_int_equal(f.upstream.asked, 1);
}

static void R12_azure_says_in_milliseconds_when_to_come_back(void **state)
{
    (void)state;
    ask(&f, "chat");
    refuses(&f, 429, JSON "retry-after: 7\nretry-after-ms: 2345\n",
            "{\"error\":{\"code\":\"429\",\"message\":\"m\"}}");
    pass_ms(&f, waits_ms(&f)); /* on to the others, and there are none */
    assert_int_equal(waits_ms(&f), 2345);
}

int main(void)
{
#define TEST_OF(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST_OF(a_path_is_where_azure_has_it),
        TEST_OF(R44_the_body_is_the_clients),
        TEST_OF(a_token_of_entra_is_a_bearer),
        TEST_OF(a_token_of_entra_that_is_refused_is_replaced_whoever_asked),
        TEST_OF(R10_filter_results_commit_nothing),
        TEST_OF(R44_filter_results_are_passed_on),
        TEST_OF(R13_what_was_filtered_is_the_clients_to_know),
        TEST_OF(R12_azure_says_in_milliseconds_when_to_come_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
