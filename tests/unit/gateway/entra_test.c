/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/entra.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define HOUR_MS 3600000u

static const struct conf_entra application = {.on = true,
                                              .tenant_id = STR_INIT("contoso.com"),
                                              .client_id = STR_INIT("c-1"),
                                              .client_secret = STR_INIT("s+cr&t~")};
static const struct conf_entra machine = {.on = true, .managed = true};
static const struct conf_entra half = {.on = true, .client_id = STR_INIT("c-1")};

struct desk {
    struct arena mem;
    struct entra *entra;
    struct str text;
};

static void sit_down(struct desk *d, const struct conf_entra *c)
{
    *d = (struct desk){.entra = entra_new(c)};
    assert_non_null(d->entra);
}

static void get_up(struct desk *d)
{
    entra_free(d->entra);
    arena_done(&d->mem);
}

static void answer(struct desk *d, unsigned status, const char *body, uint64_t now_ms)
{
    entra_answered(d->entra, &d->mem, status, str_from(body), now_ms);
}

static enum entra_answer look(struct desk *d, uint64_t now_ms)
{
    return entra_token(d->entra, &d->mem, now_ms, &d->text);
}

static void is(const struct desk *d, const char *text)
{
    if (!str_eq(d->text, str_from(text)))
        fail_msg("%.*s is not %s", STR_ARG(d->text), text);
}

#define TOKEN(name, life)                                                                          \
    "{\"token_type\":\"Bearer\",\"expires_in\":" life ",\"access_token\":\"" name "\"}"

/* ---- asking ---- */

static void an_application_asks_with_its_secret(void **state)
{
    struct entra_request r;
    struct desk d;

    (void)state;
    sit_down(&d, &application);
    assert_true(entra_request(d.entra, &d.mem, &r));
    assert_true(str_eq(r.method, STR("POST")));
    assert_true(str_eq(r.path, STR("/contoso.com/oauth2/v2.0/token")));
    assert_true(str_eq(r.body, STR("grant_type=client_credentials&client_id=c-1&client_secret="
                                   "s%2Bcr%26t~&scope=https%3A%2F%2Fcognitiveservices.azure.com"
                                   "%2F.default")));
    get_up(&d);
}

static void a_machine_asks_for_itself(void **state)
{
    struct entra_request r;
    struct desk d;

    (void)state;
    sit_down(&d, &machine);
    assert_true(entra_request(d.entra, &d.mem, &r));
    assert_true(str_eq(r.method, STR("GET")));
    assert_true(str_eq(r.path, STR("/metadata/identity/oauth2/token?api-version=2018-02-01"
                                   "&resource=https%3A%2F%2Fcognitiveservices.azure.com")));
    assert_int_equal(r.body.len, 0);
    get_up(&d);
}

static void without_room_nothing_is_asked(void **state)
{
    struct arena full = {.max = 1};
    struct entra_request r;
    struct desk d;

    (void)state;
    sit_down(&d, &application);
    assert_false(entra_request(d.entra, &full, &r));
    arena_done(&full);
    get_up(&d);
}

/* ---- the life of a token ---- */

static void the_first_is_waited_for_and_each_is_renewed_ahead(void **state)
{
    struct desk d;

    (void)state;
    sit_down(&d, &application);
    assert_true(entra_is_due(d.entra, 5));
    assert_int_equal(look(&d, 5), ENTRA_WAIT);
    answer(&d, 200, TOKEN("eyJ.1", "3600"), 1000);
    assert_int_equal(look(&d, 1000), ENTRA_READY);
    is(&d, "eyJ.1");
    assert_false(entra_is_due(d.entra, 1000 + HOUR_MS - 600001));
    assert_true(entra_is_due(d.entra, 1000 + HOUR_MS - 600000));
    answer(&d, 200, TOKEN("eyJ.2", "3600"), HOUR_MS - 100000);
    assert_int_equal(look(&d, HOUR_MS), ENTRA_READY);
    is(&d, "eyJ.2");
    get_up(&d);
}

static void a_token_is_not_used_up_to_its_last_second(void **state)
{
    struct desk d;

    (void)state;
    sit_down(&d, &application);
    answer(&d, 200, TOKEN("eyJ.1", "\"3600\""), 0); /* a string, as machines have it */
    assert_int_equal(look(&d, HOUR_MS - 30001), ENTRA_READY);
    assert_int_equal(look(&d, HOUR_MS - 30000), ENTRA_WAIT);
    answer(&d, 200, TOKEN("eyJ.2", "10"), 0);
    assert_int_equal(look(&d, 8999), ENTRA_READY);
    assert_int_equal(look(&d, 9000), ENTRA_WAIT);
    get_up(&d);
}

static void a_failure_is_told_once_the_token_before_has_ended(void **state)
{
    struct desk d;

    (void)state;
    sit_down(&d, &application);
    answer(&d, 200, TOKEN("eyJ.1", "100"), 0);
    answer(&d, 401, "{\"error\":\"invalid_client\"}", 75000);
    assert_int_equal(look(&d, 76000), ENTRA_READY);
    assert_int_equal(look(&d, 100000), ENTRA_FAILED);
    is(&d, "401 invalid_client");
    answer(&d, 200, TOKEN("eyJ.2", "100"), 101000);
    assert_int_equal(look(&d, 101000), ENTRA_READY);
    get_up(&d);
}

static void failures_are_tried_again_later_and_later(void **state)
{
    static const uint64_t waits[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
    uint64_t now = 0;
    struct desk d;

    (void)state;
    sit_down(&d, &application);
    for (size_t i = 0; i < COUNTOF(waits); i++) {
        entra_failed(d.entra, now, "login.example: %s", "connection refused");
        assert_false(entra_is_due(d.entra, now + waits[i] - 1));
        now += waits[i];
        assert_true(entra_is_due(d.entra, now));
    }
    assert_int_equal(look(&d, now), ENTRA_FAILED);
    is(&d, "login.example: connection refused");
    answer(&d, 200, TOKEN("eyJ.1", "100"), now);
    entra_failed(d.entra, now, "again");
    assert_true(entra_is_due(d.entra, now + 1000)); /* from the beginning */
    get_up(&d);
}

static void a_token_that_was_refused_is_replaced_unless_it_is_new(void **state)
{
    struct desk d;

    (void)state;
    sit_down(&d, &application);
    answer(&d, 200, TOKEN("eyJ.1", "3600"), 0);
    entra_refused(d.entra, 9999);
    assert_false(entra_is_due(d.entra, 9999));
    entra_refused(d.entra, 10000);
    assert_true(entra_is_due(d.entra, 10000));
    assert_int_equal(look(&d, 10000), ENTRA_READY); /* until there is another */
    get_up(&d);
}

static void what_is_not_configured_is_not_asked_for(void **state)
{
    struct desk d;

    (void)state;
    sit_down(&d, &half);
    assert_false(entra_is_due(d.entra, 1000000));
    assert_int_equal(look(&d, 0), ENTRA_FAILED);
    is(&d, "tenant_id, client_id or client_secret is empty");
    get_up(&d);
}

/* ---- answers ---- */

static void what_is_no_token_is_a_failure(void **state)
{
    static const struct {
        unsigned status;
        const char *body, *why;
    } rows[] = {
        {401,
         "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS7000215: Invalid client "
         "secret provided.\\r\\nTrace ID: 1\",\"error_codes\":[7000215]}",
         "401 AADSTS7000215: Invalid client secret provided."},
        {400, "{\"error\":\"unauthorized_client\"}", "400 unauthorized_client"},
        {502, "<html>", "502, and no token in it"},
        {200, "", "200, and no token in it"},
        {200, "[]", "200, and no token in it"},
        {200, "null", "200, and no token in it"},
        {200, TOKEN("", "3600"), "200, and no token in it"},
        {200, TOKEN("a b", "3600"), "200, and no token in it"},
        {200, TOKEN("a\\r\\nx: y", "3600"), "200, and no token in it"},
        {200, TOKEN("eyJ", "0"), "200, and no token in it"},
        {200, TOKEN("eyJ", "-1"), "200, and no token in it"},
        {200, TOKEN("eyJ", "\"\""), "200, and no token in it"},
        {200, TOKEN("eyJ", "null"), "200, and no token in it"},
        {200, "{\"access_token\":7,\"expires_in\":9}", "200, and no token in it"},
        {201, TOKEN("eyJ", "3600"), "201, and no token in it"},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct desk d;

        sit_down(&d, &application);
        answer(&d, rows[i].status, rows[i].body, 0);
        assert_int_equal(look(&d, 0), ENTRA_FAILED);
        is(&d, rows[i].why);
        get_up(&d);
    }
}

static void a_token_has_a_maximum(void **state)
{
    static char body[ENTRA_TOKEN_MAX + 100], name[ENTRA_TOKEN_MAX + 1];
    struct desk d;

    (void)state;
    memset(name, 'a', sizeof(name) - 1);
    snprintf(body, sizeof(body), "{\"expires_in\":9,\"access_token\":\"%s\"}", name);
    sit_down(&d, &application);
    answer(&d, 200, body, 0);
    assert_int_equal(look(&d, 0), ENTRA_FAILED);
    name[ENTRA_TOKEN_MAX - 1] = '\0';
    snprintf(body, sizeof(body), "{\"expires_in\":9,\"access_token\":\"%s\"}", name);
    answer(&d, 200, body, 0);
    assert_int_equal(look(&d, 0), ENTRA_READY);
    assert_int_equal(d.text.len, ENTRA_TOKEN_MAX - 1);
    get_up(&d);
}

static void a_life_of_years_is_a_week(void **state)
{
    struct desk d;

    (void)state;
    sit_down(&d, &application);
    answer(&d, 200, TOKEN("eyJ", "999999999999999999"), 0);
    assert_int_equal(look(&d, 604800000u - 30001), ENTRA_READY);
    assert_int_equal(look(&d, 604800000u), ENTRA_WAIT);
    get_up(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_application_asks_with_its_secret),
        cmocka_unit_test(a_machine_asks_for_itself),
        cmocka_unit_test(without_room_nothing_is_asked),
        cmocka_unit_test(the_first_is_waited_for_and_each_is_renewed_ahead),
        cmocka_unit_test(a_token_is_not_used_up_to_its_last_second),
        cmocka_unit_test(a_failure_is_told_once_the_token_before_has_ended),
        cmocka_unit_test(failures_are_tried_again_later_and_later),
        cmocka_unit_test(a_token_that_was_refused_is_replaced_unless_it_is_new),
        cmocka_unit_test(what_is_not_configured_is_not_asked_for),
        cmocka_unit_test(what_is_no_token_is_a_failure),
        cmocka_unit_test(a_token_has_a_maximum),
        cmocka_unit_test(a_life_of_years_is_a_week),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
