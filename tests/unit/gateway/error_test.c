/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <yyjson.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fault_has_a_body_that_clients_can_read),
        cmocka_unit_test(what_a_client_sent_is_quoted),
        cmocka_unit_test(a_full_arena_still_gives_a_body),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
