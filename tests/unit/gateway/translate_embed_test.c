/*
 * What the path makes of embeddings at targets of other dialects; what those are asked and answer
 * is tested in tests/unit/llm/embed_test.c, and by the official SDKs in
 * tests/e2e/embeddings.test.mjs. SPDX-License-Identifier: Apache-2.0
 */
#include "unit/gateway/exchange_fixture.h"

#include "llm/embed.h"

#define EMBED "/v1/embeddings"
#define COHERE "b/cohere.embed-english-v3"
#define BODY(model, more) "{\"model\":\"" model "\",\"input\":[\"x\",\"y\"]" more "}"
#define VECTORS "{\"embeddings\":[[1,2.50],[3,4]],\"prompt_eval_count\":9}"
#define TOLD(tokens)                                                                               \
    "{\"object\":\"list\",\"data\":[{\"object\":\"embedding\",\"index\":0,\"embedding\":[1,2.50]}" \
    ",{\"object\":\"embedding\",\"index\":1,\"embedding\":[3,4]}],\"model\":\"%s\",\"usage\":"     \
    "{\"prompt_tokens\":" tokens ",\"total_tokens\":" tokens "}}"

static struct fixture f;

static int open_with(const char *more)
{
    char text[1024];

    snprintf(text, sizeof(text),
             "retry: { attempts: 3, initial: 100ms, jitter: 0 }\n"
             "providers:\n"
             "  o: { base_url: \"http://o.test/v1\", keys: [ key-o ] }\n"
             "  a: { dialect: anthropic, base_url: \"http://a.test/v1\", keys: [ key-a ] }\n"
             "  g: { dialect: gemini, base_url: \"http://g.test/v1beta\", keys: [ key-g ] }\n"
             "  l: { dialect: ollama, base_url: \"http://l.test\" }\n"
             "  b: { dialect: bedrock, region: eu-west-1, base_url: \"http://b.test\", key: k }\n"
             "models:\n"
             "  lo: { strategy: ordered, targets: [ l/m, o/m ] }\n"
             "  ol: { strategy: ordered, targets: [ o/m, l/m ] }\n"
             "  lb: { strategy: ordered, targets: [ l/m, b/cohere.embed-english-v3 ] }\n"
             "  agl: { strategy: ordered, targets: [ a/m, g/m, l/m ] }\n"
             "%s",
             more);
    open_fixture(&f, text);
    return 0;
}

static int setup(void **state)
{
    (void)state;
    return open_with("");
}

static int setup_strict(void **state)
{
    (void)state;
    return open_with("translation: { strict: true }\n");
}

static int teardown(void **state)
{
    (void)state;
    close_fixture(&f);
    return 0;
}

static void told_as(const char *model, const char *tokens)
{
    char want[512];

    if (strcmp(tokens, "9") == 0)
        snprintf(want, sizeof(want), TOLD("9"), model);
    else
        snprintf(want, sizeof(want), TOLD("0"), model);
    assert_told(&f, 200, want);
}

static void a_target_of_another_dialect_is_asked_and_told_in_ours(void **state)
{
    (void)state;
    begin(&f, EMBED, BODY("l/m", ",\"user\":\"u\""));
    assert_has(&f.upstream.head, "POST /api/embed HTTP/1.1");
    assert_has(&f.upstream.body, "{\"model\":\"m\",\"input\":[\"x\",\"y\"]}");
    refuses(&f, 200, "content-type: text/x\n", VECTORS);
    told_as("l/m", "9");
    assert_has(&f.client.head, "x-dragoman-dropped-params: user\n");
    assert_has(&f.client.head, "content-type: application/json\n");
    assert_int_equal(f.x->attempt.watch.usage.source, USAGE_REPORTED);
    assert_int_equal(f.x->attempt.watch.usage.prompt, 9);
}

static void a_count_in_the_head_is_found_and_none_is_0(void **state)
{
    (void)state;
    begin(&f, EMBED, BODY(COHERE, ""));
    assert_has(&f.upstream.head, "POST /model/cohere.embed-english-v3/invoke HTTP/1.1");
    refuses(&f, 200, JSON "X-Amzn-Bedrock-Input-Token-Count: 9\n",
            "{\"embeddings\":{\"float\":[[1,2.50],[3,4]]}}");
    told_as(COHERE, "9");
    begin(&f, EMBED, BODY(COHERE, ""));
    refuses(&f, 200, JSON, "{\"embeddings\":{\"float\":[[1,2.50],[3,4]]}}");
    told_as(COHERE, "0");
    assert_int_equal(f.x->attempt.watch.usage.source, USAGE_ABSENT);
}

static void R10_who_gives_too_few_has_failed_and_the_next_is_asked(void **state)
{
    (void)state;
    begin(&f, EMBED, BODY("lo", ",\"user\":\"u\""));
    refuses(&f, 200, JSON, "{\"embeddings\":[[1]]}");
    assert_int_equal(f.x->records[0].fault, FAULT_UPSTREAM_BAD_REPLY);
    pass_ms(&f, waits_ms(&f));
    assert_has(&f.upstream.head, "POST /v1/embeddings HTTP/1.1");
    assert_has(&f.upstream.body, BODY("m", ",\"user\":\"u\""));
    refuses(&f, 200, JSON, "{\"object\":\"list\",\"data\":[{\"embedding\":[1.0]},{}], \"x\": 1}");
    assert_told(&f, 200, "\"data\":[{\"embedding\":[1.0]},{}], \"x\": 1}"); /* as it came */
    assert_has_not(&f.client.head, "dropped-params");                       /* it was told all */
}

static void R10_behind_OpenAIs_own_another_dialect_is_asked(void **state)
{
    (void)state;
    begin(&f, EMBED, BODY("ol", ",\"encoding_format\":\"base64\""));
    refuses(&f, 500, JSON, "{}");
    pass_ms(&f, waits_ms(&f));
    assert_has(&f.upstream.head, "POST /api/embed HTTP/1.1");
    refuses(&f, 200, JSON, "{\"embeddings\":[[1],[-2]]}");
    assert_told(&f, 200, "\"embedding\":\"AACAPw==\"}");
    assert_has(&f.client.body, "\"embedding\":\"AAAAwA==\"}");
}

static void R10_what_one_was_not_told_is_not_said_of_the_next(void **state)
{
    (void)state;
    begin(&f, EMBED, BODY("lb", ",\"input_type\":\"t\",\"user\":\"u\""));
    refuses(&f, 500, JSON, "{}");
    pass_ms(&f, waits_ms(&f));
    assert_has(&f.upstream.body, "\"input_type\":\"t\"");
    refuses(&f, 200, JSON, VECTORS);
    told_as("lb", "0");
    assert_has(&f.client.head, "x-dragoman-dropped-params: user\n");
}

static void R10_an_error_in_a_200_is_what_the_dialect_says_it_is(void **state)
{
    (void)state;
    begin(&f, EMBED, BODY("agl", ",\"dimensions\":2"));
    assert_has(&f.upstream.head, "POST /v1beta/models/m:batchEmbedContents HTTP/1.1");
    refuses(&f, 200, JSON,
            "{\"error\":{\"code\":503,\"message\":\"too much\",\"status\":\"UNAVAILABLE\"}}");
    assert_int_equal(f.x->records[0].fault, FAULT_UPSTREAM_BUSY);
    pass_ms(&f, waits_ms(&f));
    refuses(&f, 200, JSON, VECTORS);
    told_as("agl", "9");
    assert_has_not(&f.client.head, "dropped-params");
}

static void R13_a_refusal_is_told_in_OpenAIs_form(void **state)
{
    (void)state;
    begin(&f, EMBED, BODY("lo", ""));
    refuses(&f, 404, JSON, "{\"error\":\"model \\\"m\\\" not found\"}");
    assert_told(&f, 404, "{\"error\":{\"message\":\"model \\\"m\\\" not found\"");
    begin(&f, EMBED, BODY("g/m", ""));
    refuses(&f, 429, JSON,
            "{\"error\":{\"code\":429,\"message\":\"slow\",\"status\":\"RESOURCE_EXHAUSTED\","
            "\"details\":[{\"retryDelay\":\"34.4s\"}]}}");
    assert_int_equal(f.x->attempt.retry_after_ms, 34400);
}

static void R48_a_dialect_without_embeddings_is_passed_over(void **state)
{
    (void)state;
    begin(&f, EMBED, BODY("agl", ""));
    assert_int_equal(f.upstream.asked, 1);
    assert_has(&f.upstream.head, "host: g.test\r\n");
    begin(&f, EMBED, BODY("a/m", ""));
    assert_told(&f, 400, "a speaks the dialect of anthropic: /v1/embeddings");
    assert_has(&f.client.body, "since it has no embeddings.");
    begin(&f, EMBED, "{\"model\":\"lo\",\"input\":[1,2]}");
    assert_asks(&f, "o.test", "key-o");
    begin(&f, EMBED, "{\"model\":\"l/m\",\"input\":[1,2]}");
    assert_told(&f, 400, "\"param\":\"input\"");
    begin(&f, EMBED, BODY("b/m", ""));
    assert_told(&f, 400, "\"param\":\"model\"");
}

static void R45_strict_refuses_what_would_be_left_out(void **state)
{
    (void)state;
    begin(&f, EMBED, BODY("l/m", ",\"user\":\"u\""));
    assert_told(&f, 400, "\"param\":\"user\"");
    begin(&f, EMBED, BODY("l/m", ",\"user\":\"u\",\"input_type\":\"t\""));
    assert_told(&f, 400, "user, input_type");
    begin(&f, EMBED, BODY("lo", ",\"user\":\"u\""));
    assert_asks(&f, "o.test", "key-o");
    begin(&f, EMBED, BODY("l/m", ",\"dimensions\":3"));
    refuses(&f, 200, JSON, VECTORS);
    assert_int_equal(f.x->records[0].fault, FAULT_UPSTREAM_BAD_REPLY);
}

/* Wherever the memory ends: the client is told, and nothing breaks. */
static void R9_without_memory_it_is_told_so(void **state)
{
    static const char *const bodies[][2] = {
        {EMBED, BODY("l/m", ",\"user\":\"u\"")},
        {EMBED, BODY(COHERE, "")},
        {CHAT, "{\"model\":\"a/m\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"n\":1}"},
    };
    unsigned refused = 0, asked = 0;

    (void)state;
    for (size_t i = 0; i < COUNTOF(bodies); i++) {
        for (size_t max = 64; max < 24000; max += 64) {
            arrive(&f, "POST", bodies[i][0], "");
            f.call.arena.max = max;
            f.call.body = str_from(bodies[i][1]);
            f.x->body_ready = true;
            pipeline_start(f.x, f.x->surface->stages);
            asked += f.upstream.asked;
            if (f.upstream.asked == 0) {
                assert_told(&f, 503, "limits.exchange_bytes");
                refused++;
            }
        }
    }
    assert_true(refused > 0 && asked > 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_target_of_another_dialect_is_asked_and_told_in_ours),
        TEST(a_count_in_the_head_is_found_and_none_is_0),
        TEST(R10_who_gives_too_few_has_failed_and_the_next_is_asked),
        TEST(R10_behind_OpenAIs_own_another_dialect_is_asked),
        TEST(R10_what_one_was_not_told_is_not_said_of_the_next),
        TEST(R10_an_error_in_a_200_is_what_the_dialect_says_it_is),
        TEST(R13_a_refusal_is_told_in_OpenAIs_form),
        TEST(R48_a_dialect_without_embeddings_is_passed_over),
        cmocka_unit_test_setup_teardown(R45_strict_refuses_what_would_be_left_out, setup_strict,
                                        teardown),
        TEST(R9_without_memory_it_is_told_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
