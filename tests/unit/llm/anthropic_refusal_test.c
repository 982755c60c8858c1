/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "llm/chat_text.h"
#include "llm/dialects.h"

/* clang-format off */
static const struct row {
    unsigned status;
    const char *type;
    enum fault fault;
} rows[] = {
    {400, "invalid_request_error", FAULT_UPSTREAM_REFUSED},
    {401, "authentication_error",  FAULT_UPSTREAM_KEY},
    {402, "billing_error",         FAULT_UPSTREAM_KEY},
    {403, "permission_error",      FAULT_UPSTREAM_KEY},
    {404, "not_found_error",       FAULT_UPSTREAM_REFUSED},
    {413, "request_too_large",     FAULT_UPSTREAM_REFUSED},
    {429, "rate_limit_error",      FAULT_UPSTREAM_RATE},
    {500, "api_error",             FAULT_UPSTREAM_ERROR},
    {504, "timeout_error",         FAULT_UPSTREAM_BUSY},
    {529, "overloaded_error",      FAULT_UPSTREAM_BUSY},
};

static const struct odd {
    const char *what;
    unsigned status;
    struct str body;
    enum fault fault;
    const char *type, *message;
} odds[] = {
    {"no money, which blames the request", 400,
     STR_INIT("{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"Your credit balance is too low to access the Anthropic API.\"}}"),
     FAULT_UPSTREAM_KEY, "invalid_request_error", "Your credit balance is too low to access the Anthropic API."},
    {"a type nobody knows: the status", 429, STR_INIT("{\"type\":\"error\",\"error\":{\"type\":\"moon\",\"message\":\"m\"}}"), FAULT_UPSTREAM_RATE, "moon", "m"},
    {"the same inside a 200", 200, STR_INIT("{\"type\":\"error\",\"error\":{\"type\":\"moon\",\"message\":\"m\"}}"), FAULT_UPSTREAM_ERROR, "moon", "m"},
    {"a proxy's HTML", 502, STR_INIT("<html>502</html>"), FAULT_UPSTREAM_ERROR, "", ""},
    {"nothing", 503, STR_INIT(""), FAULT_UPSTREAM_BUSY, "", ""},
    {"a few words", 529, STR_INIT("say \"later\"\n"), FAULT_UPSTREAM_BUSY, "", "say \\\"later\\\""},
    {"another API's", 401, STR_INIT("{\"error\":{\"message\":\"m\",\"type\":\"x\",\"code\":\"invalid_api_key\"}}"), FAULT_UPSTREAM_KEY, "x", "m"},
};
/* clang-format on */

static void check(const char *what, unsigned status, struct str body, enum fault fault,
                  const char *type, const char *message)
{
    struct arena a = {.max = 0};
    struct chat_event ev;

    dialect_anthropic.refusal(&a, status, body, &ev);
    if (ev.kind != CHAT_EV_ERROR || ev.fault != fault || !json_text_is(ev.name, str_from(type)) ||
        !json_text_is(ev.text, str_from(message)))
        fail_msg("%s: %u gives %d, \"%.*s\", \"%.*s\"", what, status, ev.fault,
                 STR_ARG(str_make(ev.name.ptr, ev.name.len)),
                 STR_ARG(str_make(ev.text.ptr, ev.text.len)));
    arena_done(&a);
}

/* With its own status, with another's, and inside a 200. */
static void R13_the_type_decides_whatever_the_status(void **state)
{
    static const unsigned statuses[] = {0, 200, 400, 429, 500};
    char body[256];

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        snprintf(body, sizeof(body),
                 "{\"type\":\"error\",\"error\":{\"type\":\"%s\",\"message\":\"m\"},"
                 "\"request_id\":\"r\"}",
                 rows[i].type);
        for (size_t j = 0; j < COUNTOF(statuses); j++)
            check(rows[i].type, statuses[j] != 0 ? statuses[j] : rows[i].status, str_from(body),
                  rows[i].fault, rows[i].type, "m");
    }
}

static void R13_other_bodies_have_their_status(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNTOF(odds); i++)
        check(odds[i].what, odds[i].status, odds[i].body, odds[i].fault, odds[i].type,
              odds[i].message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R13_the_type_decides_whatever_the_status),
        cmocka_unit_test(R13_other_bodies_have_their_status),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    arena_thread_done();
    return failed;
}
