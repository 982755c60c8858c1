/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <yyjson.h>

#include "http/server.h"

/* What every client library reads: one object with message, type, param and code, always valid. */
static void check_body(struct str body, const char *code, const char *param)
{
    yyjson_doc *doc = yyjson_read(body.ptr, body.len, 0);
    yyjson_val *e = yyjson_obj_get(yyjson_doc_get_root(doc), "error");

    assert_non_null(e);
    assert_int_equal(yyjson_obj_size(e), 4);
    assert_true(yyjson_is_str(yyjson_obj_get(e, "message")));
    assert_true(yyjson_get_len(yyjson_obj_get(e, "message")) > 0);
    assert_true(yyjson_is_str(yyjson_obj_get(e, "type")));
    assert_string_equal(yyjson_get_str(yyjson_obj_get(e, "code")), code);
    if (param == NULL)
        assert_true(yyjson_is_null(yyjson_obj_get(e, "param")));
    else
        assert_string_equal(yyjson_get_str(yyjson_obj_get(e, "param")), param);
    yyjson_doc_free(doc);
}

static void every_fault_has_a_body_that_clients_can_read(void **state)
{
    struct arena a = {0};

    (void)state;
    for (unsigned f = 1; f < FAULT_COUNT; f++)
        check_body(error_body(&a, (enum fault)f, STR(""), STR("")), fault_info((enum fault)f)->wire,
                   NULL);
    arena_done(&a);
}

static void what_a_client_sent_is_quoted(void **state)
{
    struct arena a = {0};

    (void)state;
    check_body(error_body(&a, FAULT_NO_SUCH_MODEL, STR("no \"x\"\n\x01 \xff"), STR("mo\"del")),
               "model_not_found", "mo\"del");
    arena_done(&a);
}

static void a_full_arena_still_gives_a_body(void **state)
{
    struct arena a = {.max = 16};

    (void)state;
    check_body(error_body(&a, FAULT_BAD_KEY, STR("some message that is too long"), STR("")),
               "gateway_overloaded", NULL);
    arena_done(&a);
}

static void a_refused_path_of_another_api_has_its_form_also_in_a_full_arena(void **state)
{
    static const struct {
        struct str path, text;
    } rows[] = {
        {STR_INIT("/v1/messages"), STR_INIT("{\"type\":\"error\",\"error\":{\"type\":\"")},
        {STR_INIT("/v1beta/x"), STR_INIT("{\"error\":{\"code\":503,")},
        {STR_INIT("/v1/models/x:generateContent"), STR_INIT("{\"error\":{\"code\":503,")},
        {STR_INIT("/v1/models/x"), STR_INIT("{\"error\":{\"message\":\"")},
        {{NULL, 0}, STR_INIT("{\"error\":{\"message\":\"")},
    };

    (void)state;
    for (size_t i = 0; i < 2 * COUNTOF(rows); i++) {
        struct http_call c = {.path = rows[i / 2].path, .arena = {.max = i % 2 == 0 ? 16 : 4096}};

        assert_true(str_starts(error_server_body(&c, 503, STR("m"), STR("limits.exchange_bytes")),
                               rows[i / 2].text));
        arena_done(&c.arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fault_has_a_body_that_clients_can_read),
        cmocka_unit_test(what_a_client_sent_is_quoted),
        cmocka_unit_test(a_full_arena_still_gives_a_body),
        cmocka_unit_test(a_refused_path_of_another_api_has_its_form_also_in_a_full_arena),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
