/* What another maker sealed is cut out of a request that is passed on, and nothing else.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "llm/json.h"
#include "llm/responses.h"

#define SEALED(what)                                                                               \
    "{\"type\":\"reasoning\",\"id\":\"r\",\"summary\":[],\"encrypted_content\":\"" what "\"}"
#define ASKS(items) "{ \"model\":\"m\",\n\"input\" : [" items "] ,\"temperature\": 0.10}"

/* clang-format off */
static const struct {
    const char *body, *left; /* NULL: it stays as it is */
} rows[] = {
    {ASKS("{\"role\":\"user\",\"content\":\"a\"}, " SEALED("dragoman.signature:S") " , " SEALED("dragoman.redacted:R") "," SEALED("dragoman.call:C") ", {\"type\":\"function_call\"}"),
     ASKS("{\"role\":\"user\",\"content\":\"a\"},{\"type\":\"function_call\"}")},
    {ASKS(SEALED("dragoman.signature:S")), ASKS("")},
    {ASKS(SEALED("gAAA") "," SEALED("dragoman.signature:S")), ASKS(SEALED("gAAA"))},
    {ASKS(SEALED("gAAA")), NULL},
    {ASKS(SEALED("dragoman.tea:S")), NULL},
    {ASKS("{\"role\":\"user\",\"content\":\"dragoman.signature:S\"}"), NULL},
    {ASKS("{\"type\":\"message\",\"encrypted_content\":\"dragoman.signature:S\"}"), NULL},
    {ASKS("\"dragoman.signature:S\", 1, null"), NULL},
    {"{\"model\":\"m\",\"input\":\"dragoman.signature:S\"}", NULL},
    {"{\"model\":\"dragoman.signature:S\"}", NULL},
    {"\"dragoman.signature:\"", NULL},
};
/* clang-format on */

static void R48_only_what_another_maker_sealed_is_cut_out(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct buf out = {.max = 0};
        bool cut = responses_cut_foreign(str_from(rows[i].body), &out);

        assert_int_equal(cut, rows[i].left != NULL);
        assert_int_equal(buf_put(&out, str_make("", 1)), 0);
        assert_string_equal(out.ptr, cut ? rows[i].left : "");
        buf_done(&out);
    }
}

static void without_room_nothing_is_cut(void **state)
{
    struct buf out = {.max = 8};

    (void)state;
    assert_false(responses_cut_foreign(str_from(rows[0].body), &out));
    assert_int_equal(out.len, 0);
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R48_only_what_another_maker_sealed_is_cut_out),
        cmocka_unit_test(without_room_nothing_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
