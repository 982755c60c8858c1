/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "llm/openai.h"

static void R13_a_status_is_a_fault(void **state)
{
    static const struct {
        unsigned status;
        enum fault fault;
    } rows[] = {
        {400, FAULT_UPSTREAM_REFUSED},   {401, FAULT_UPSTREAM_KEY},
        {402, FAULT_UPSTREAM_KEY},       {403, FAULT_UPSTREAM_KEY},
        {404, FAULT_UPSTREAM_REFUSED},   {405, FAULT_UPSTREAM_REFUSED},
        {408, FAULT_UPSTREAM_BUSY},      {409, FAULT_UPSTREAM_REFUSED},
        {413, FAULT_UPSTREAM_REFUSED},   {422, FAULT_UPSTREAM_REFUSED},
        {429, FAULT_UPSTREAM_RATE},      {500, FAULT_UPSTREAM_ERROR},
        {502, FAULT_UPSTREAM_ERROR},     {503, FAULT_UPSTREAM_BUSY},
        {504, FAULT_UPSTREAM_ERROR},     {529, FAULT_UPSTREAM_BUSY},
        {599, FAULT_UPSTREAM_ERROR},     {301, FAULT_UPSTREAM_BAD_REPLY},
        {307, FAULT_UPSTREAM_BAD_REPLY}, {600, FAULT_UPSTREAM_BAD_REPLY},
        {100, FAULT_UPSTREAM_BAD_REPLY},
    };
    struct arena a = {.max = 0};

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++)
        assert_int_equal(openai_refusal(&a, rows[i].status, STR("")).fault, rows[i].fault);
    arena_done(&a);
}

/* clang-format off */
static const struct shape {
    const char *what;
    unsigned status;
    struct str body;
    enum fault fault;
    const char *message, *type, *code, *param;
} shapes[] = {
    {"OpenAI", 400,
     STR_INIT("{\"error\":{\"message\":\"no \\\"x\\\"\",\"type\":\"invalid_request_error\",\"param\":\"max_tokens\",\"code\":\"unsupported_parameter\"}}"),
     FAULT_UPSTREAM_REFUSED, "no \"x\"", "invalid_request_error", "unsupported_parameter", "max_tokens"},
    {"OpenAI, nulls", 404, STR_INIT("{ \"error\" : {\"message\":\"m\",\"type\":\"t\",\"param\":null,\"code\":null} }"),
     FAULT_UPSTREAM_REFUSED, "m", "t", "", ""},
    {"OpenAI, out of money", 429,
     STR_INIT("{\"error\":{\"message\":\"You exceeded your current quota\",\"type\":\"insufficient_quota\",\"param\":null,\"code\":\"insufficient_quota\"}}"),
     FAULT_UPSTREAM_KEY, "You exceeded your current quota", "insufficient_quota", "insufficient_quota", ""},
    {"OpenAI, too fast", 429,
     STR_INIT("{\"error\":{\"message\":\"slow\",\"type\":\"tokens\",\"param\":null,\"code\":\"rate_limit_exceeded\"}}"),
     FAULT_UPSTREAM_RATE, "slow", "tokens", "rate_limit_exceeded", ""},
    {"vLLM, flat, integer code", 400,
     STR_INIT("{\"object\":\"error\",\"message\":\"m\",\"type\":\"BadRequestError\",\"param\":null,\"code\":400}"),
     FAULT_UPSTREAM_REFUSED, "m", "BadRequestError", "400", ""},
    {"vLLM, nested", 400, STR_INIT("{\"error\":{\"message\":\"m\",\"type\":\"BadRequestError\",\"param\":null,\"code\":400}}"),
     FAULT_UPSTREAM_REFUSED, "m", "BadRequestError", "400", ""},
    {"llama.cpp, loading", 503, STR_INIT("{\"error\":{\"code\":503,\"message\":\"Loading model\",\"type\":\"unavailable_error\"}}"),
     FAULT_UPSTREAM_BUSY, "Loading model", "unavailable_error", "503", ""},
    {"Ollama, xAI: a string", 404, STR_INIT("{\"error\":\"model 'x' not found\",\"code\":\"nope\"}"),
     FAULT_UPSTREAM_REFUSED, "model 'x' not found", "", "nope", ""},
    {"Gemini, in an array", 429,
     STR_INIT("[{\"error\":{\"code\":429,\"message\":\"m\",\"status\":\"RESOURCE_EXHAUSTED\",\"details\":[]}}]"),
     FAULT_UPSTREAM_RATE, "m", "RESOURCE_EXHAUSTED", "429", ""},
    {"Azure, a filter", 400,
     STR_INIT("{\"error\":{\"message\":\"m\",\"type\":null,\"param\":\"prompt\",\"code\":\"content_filter\",\"status\":400,\"innererror\":{\"code\":\"x\",\"message\":\"y\"}}}"),
     FAULT_UPSTREAM_REFUSED, "m", "", "content_filter", "prompt"},
    {"FastAPI, Mistral", 422, STR_INIT("{\"detail\":[{\"loc\":[\"body\"],\"msg\":\"m\"}]}"),
     FAULT_UPSTREAM_REFUSED, "[{\"loc\":[\"body\"],\"msg\":\"m\"}]", "", "", ""},
    {"a gateway of AWS", 403, STR_INIT("{\"message\":\"Forbidden\"}"), FAULT_UPSTREAM_KEY, "Forbidden", "", "", ""},
    {"Anthropic", 529, STR_INIT("{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}"),
     FAULT_UPSTREAM_BUSY, "Overloaded", "overloaded_error", "", ""},
    {"plain text", 502, STR_INIT("  upstream connect error\n"), FAULT_UPSTREAM_ERROR, "upstream connect error", "", "", ""},
    {"a JSON string", 500, STR_INIT("\"boom\""), FAULT_UPSTREAM_ERROR, "boom", "", "", ""},
    {"HTML", 502, STR_INIT("<html><body>Bad Gateway</body></html>"), FAULT_UPSTREAM_ERROR, "", "", "", ""},
    {"cut JSON", 500, STR_INIT("{\"error\":{\"message\":\"m"), FAULT_UPSTREAM_ERROR, "", "", "", ""},
    {"bytes", 500, STR_INIT("\x1f\x8b\x08\xff"), FAULT_UPSTREAM_ERROR, "", "", "", ""},
    {"nothing", 500, STR_INIT(""), FAULT_UPSTREAM_ERROR, "", "", "", ""},
    {"another object", 500, STR_INIT("{\"a\":1}"), FAULT_UPSTREAM_ERROR, "", "", "", ""},
    {"half a pair", 400, STR_INIT("{\"error\":{\"message\":\"a\\ud83db\"}}"),
     FAULT_UPSTREAM_REFUSED, "a\xef\xbf\xbd" "b", "", "", ""},
};
/* clang-format on */

static void check_text(const struct shape *s, const char *which, struct str got, const char *want)
{
    if (!str_eq(got, str_from(want)))
        fail_msg("%s: %s is \"%.*s\"", s->what, which, STR_ARG(got));
}

static void R13_every_shape_of_error_is_understood(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNTOF(shapes); i++) {
        const struct shape *s = &shapes[i];
        struct arena a = {.max = 1 << 16};
        struct openai_refusal r = openai_refusal(&a, s->status, s->body);

        if (r.fault != s->fault)
            fail_msg("%s: fault %d, not %d", s->what, r.fault, s->fault);
        check_text(s, "message", r.message, s->message);
        check_text(s, "type", r.type, s->type);
        check_text(s, "code", r.code, s->code);
        check_text(s, "param", r.param, s->param);
        arena_done(&a);
    }
}

/* One status for three things: the key, the model, what was asked. */
static void R13_a_403_is_about_the_key_only_when_nothing_else_is_said(void **state)
{
    /* clang-format off */
    static const struct {
        const char *what;
        struct str body;
        enum fault fault;
    } rows[] = {
        {"OpenAI, a project's models", STR_INIT("{\"error\":{\"message\":\"Project `proj_x` does not have access to model `gpt-4o-mini`\",\"type\":\"invalid_request_error\",\"param\":null,\"code\":\"model_not_found\"}}"), FAULT_UPSTREAM_MODEL},
        {"the same without its code", STR_INIT("{\"error\":{\"message\":\"Project `proj_x` does not have access to model `gpt-4o-mini`\"}}"), FAULT_UPSTREAM_MODEL},
        {"OpenAI, not verified", STR_INIT("{\"error\":{\"message\":\"Your organization must be verified to use the model `o3`.\",\"type\":\"invalid_request_error\",\"code\":null}}"), FAULT_UPSTREAM_MODEL},
        {"Groq", STR_INIT("{\"error\":{\"message\":\"The model `m` is blocked at the project level.\",\"type\":\"permissions_error\",\"code\":\"model_permission_blocked_project\"}}"), FAULT_UPSTREAM_MODEL},
        {"Anthropic", STR_INIT("{\"type\":\"error\",\"error\":{\"type\":\"permission_error\",\"message\":\"You do not have permission to use this model.\"}}"), FAULT_UPSTREAM_MODEL},
        {"Bedrock", STR_INIT("{\"message\":\"You don't have access to the model with the specified model ID.\"}"), FAULT_UPSTREAM_MODEL},
        {"Bedrock, by role", STR_INIT("{\"Message\":\"User: arn:aws:iam::1:user/u is not authorized to perform: bedrock:InvokeModel on resource: arn:aws:bedrock:r::foundation-model/m\"}"), FAULT_UPSTREAM_MODEL},
        {"another gateway", STR_INIT("{\"status\":\"failure\",\"message\":\"User u is not authorized to access model m or model does not exist\",\"error\":{\"message\":\"User u is not authorized to access model m or model does not exist\",\"type\":\"AuthorizationError\"}}"), FAULT_UPSTREAM_MODEL},
        {"xAI, what was asked", STR_INIT("{\"code\":\"The caller does not have permission to execute the specified operation\",\"error\":\"Content violates usage guidelines. Team: t, API key ID: k, Model: grok-4-0709, Failed check: SAFETY_CHECK_TYPE_BIO\"}"), FAULT_UPSTREAM_REFUSED},
        {"Azure", STR_INIT("{\"error\":{\"message\":\"m\",\"code\":\"content_filter\",\"innererror\":{\"code\":\"ResponsibleAIPolicyViolation\"}}}"), FAULT_UPSTREAM_REFUSED},
        {"OpenRouter", STR_INIT("{\"error\":{\"code\":403,\"message\":\"openai/m requires moderation on OpenAI. Your input was flagged for \\\"violence\\\".\"}}"), FAULT_UPSTREAM_REFUSED},
        {"xAI, the key", STR_INIT("{\"code\":\"permission-denied\",\"error\":\"Access to the chat endpoint is denied.\"}"), FAULT_UPSTREAM_KEY},
        {"Anthropic, the key", STR_INIT("{\"type\":\"error\",\"error\":{\"type\":\"permission_error\",\"message\":\"Your API key does not have permission to use the specified resource.\"}}"), FAULT_UPSTREAM_KEY},
        {"OpenAI, the country", STR_INIT("{\"error\":{\"code\":\"unsupported_country_region_territory\",\"message\":\"Country, region, or territory not supported\",\"param\":null,\"type\":\"request_forbidden\"}}"), FAULT_UPSTREAM_KEY},
        {"a page", STR_INIT("<html>403 Forbidden</html>"), FAULT_UPSTREAM_KEY},
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct arena a = {.max = 1 << 16};

        if (openai_refusal(&a, 403, rows[i].body).fault != rows[i].fault)
            fail_msg("%s", rows[i].what);
        if (openai_refusal(&a, 401, rows[i].body).fault != FAULT_UPSTREAM_KEY)
            fail_msg("%s in a 401", rows[i].what);
        arena_done(&a);
    }
}

static void a_long_message_is_clipped_between_characters(void **state)
{
    static char body[9000] = "{\"error\":{\"message\":\"x";
    struct arena a = {.max = 0};
    struct openai_refusal r;
    size_t n = strlen(body);

    (void)state;
    while (n < 8000) {
        memcpy(body + n, "\xe2\x82\xac", 3);
        n += 3;
    }
    memcpy(body + n, "\"}}", 3);
    r = openai_refusal(&a, 400, str_make(body, n + 3));
    assert_in_range(r.message.len, 2000, 2048);
    assert_int_equal((r.message.len - 1) % 3, 0);
    arena_done(&a);
}

static void R10_an_error_inside_a_200_is_known_by_its_words(void **state)
{
    static const struct {
        struct str type, code;
        enum fault fault;
    } rows[] = {
        {STR_INIT("server_error"), STR_INIT(""), FAULT_UPSTREAM_ERROR},
        {STR_INIT("api_error"), STR_INIT(""), FAULT_UPSTREAM_ERROR},
        {STR_INIT(""), STR_INIT(""), FAULT_UPSTREAM_ERROR},
        {STR_INIT("weird"), STR_INIT("weirder"), FAULT_UPSTREAM_ERROR},
        {STR_INIT("rate_limit_error"), STR_INIT(""), FAULT_UPSTREAM_RATE},
        {STR_INIT("tokens"), STR_INIT("rate_limit_exceeded"), FAULT_UPSTREAM_RATE},
        {STR_INIT("RESOURCE_EXHAUSTED"), STR_INIT("429"), FAULT_UPSTREAM_RATE},
        {STR_INIT("overloaded_error"), STR_INIT(""), FAULT_UPSTREAM_BUSY},
        {STR_INIT("server_error"), STR_INIT("503"), FAULT_UPSTREAM_BUSY},
        {STR_INIT("unavailable_error"), STR_INIT(""), FAULT_UPSTREAM_BUSY},
        {STR_INIT("insufficient_quota"), STR_INIT("insufficient_quota"), FAULT_UPSTREAM_KEY},
        {STR_INIT("invalid_request_error"), STR_INIT("invalid_api_key"), FAULT_UPSTREAM_KEY},
        {STR_INIT("authentication_error"), STR_INIT(""), FAULT_UPSTREAM_KEY},
        {STR_INIT("permission_error"), STR_INIT(""), FAULT_UPSTREAM_KEY},
        {STR_INIT(""), STR_INIT("401"), FAULT_UPSTREAM_KEY},
        {STR_INIT("invalid_request_error"), STR_INIT(""), FAULT_UPSTREAM_REFUSED},
        {STR_INIT("invalid_request_error"), STR_INIT("context_length_exceeded"),
         FAULT_UPSTREAM_REFUSED},
        {STR_INIT("BadRequestError"), STR_INIT("400"), FAULT_UPSTREAM_REFUSED},
        {STR_INIT("not_found_error"), STR_INIT(""), FAULT_UPSTREAM_REFUSED},
        {STR_INIT("InternalServerError"), STR_INIT("500"), FAULT_UPSTREAM_ERROR},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++)
        if (openai_error_fault(rows[i].type, rows[i].code) != rows[i].fault)
            fail_msg("%.*s, %.*s", STR_ARG(rows[i].type), STR_ARG(rows[i].code));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R13_a_status_is_a_fault),
        cmocka_unit_test(R13_every_shape_of_error_is_understood),
        cmocka_unit_test(R13_a_403_is_about_the_key_only_when_nothing_else_is_said),
        cmocka_unit_test(a_long_message_is_clipped_between_characters),
        cmocka_unit_test(R10_an_error_inside_a_200_is_known_by_its_words),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    arena_thread_done();
    return failed;
}
