/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <cmocka.h>

#include "llm/chat_text.h"
#include "llm/json_pen.h"

static void expect(struct buf *out, const char *text)
{
    if (!str_eq(buf_str(out), str_from(text)))
        fail_msg("%.*s and not %s", STR_ARG(buf_str(out)), text);
    buf_done(out);
}

static void commas_stand_where_they_belong(void **state)
{
    struct buf out = {.max = 0};
    struct json_pen p = json_pen(&out);

    (void)state;
    pen_open(&p, '[');
    pen_open(&p, '{');
    pen_close(&p, '}');
    pen_open(&p, '{');
    pen_key(&p, STR("a"));
    pen_open(&p, '[');
    pen_u64(&p, 0);
    pen_u64(&p, UINT64_MAX);
    pen_null(&p);
    pen_close(&p, ']');
    pen_key(&p, STR("b"));
    pen_bool(&p, true);
    pen_key_text(&p, STR("c"), JSON_TEXT("x\\n"));
    pen_key(&p, STR("d"));
    pen_open(&p, '{');
    pen_close(&p, '}');
    pen_close(&p, '}');
    pen_bool(&p, false);
    pen_raw(&p, STR("1.50"));
    pen_close(&p, ']');
    assert_int_equal(p.err, 0);
    expect(
        &out,
        "[{},{\"a\":[0,18446744073709551615,null],\"b\":true,\"c\":\"x\\n\",\"d\":{}},false,1.50]");
}

static void what_is_absent_is_not_written(void **state)
{
    struct buf out = {.max = 0};
    struct json_pen p = json_pen(&out);

    (void)state;
    pen_open(&p, '{');
    pen_key_text_some(&p, STR("absent"), (struct json_text){NULL, 0});
    pen_key_raw_some(&p, STR("absent"), (struct str){NULL, 0});
    pen_key_text_some(&p, STR("empty"), JSON_TEXT(""));
    pen_key_raw_some(&p, STR("raw"), STR("[]"));
    pen_close(&p, '}');
    expect(&out, "{\"empty\":\"\",\"raw\":[]}");
}

static void plain_bytes_are_escaped_and_mended(void **state)
{
    struct buf out = {.max = 0};
    struct json_pen p = json_pen(&out);

    (void)state;
    pen_plain(&p, STR("a\"\\\n\r\x01\x7f/\xc3\xa9"));
    expect(&out, "\"a\\\"\\\\\\n\\u000d\\u0001\x7f/\xc3\xa9\"");
    p = json_pen(&out);
    pen_plain(&p, STR("\xff"
                      "a\xc3"));
    expect(&out, "\"\xef\xbf\xbd"
                 "a\xef\xbf\xbd\"");
    p = json_pen(&out);
    pen_plain(&p, STR("\0"));
    expect(&out, "\"\\u0000\"");
    p = json_pen(&out);
    pen_key_plain(&p, STR("k"), STR(""));
    expect(&out, "\"k\":\"\"");
}

/* {"a":"\"\n"} inside a string is {\"a\":\"\\\"\\n\"}. */
static void json_goes_into_a_string(void **state)
{
    struct buf out = {.max = 0};
    struct json_pen p = json_pen(&out);

    (void)state;
    pen_quote(&p);
    pen_inside(&p, JSON_TEXT("x\\u00e9"));
    pen_inside_json(&p, STR("{\"a\":\"\\\"\\n\",\t\"b\":1.0}\n"));
    pen_quote_end(&p);
    pen_null(&p); /* and the comma is there again */
    expect(&out, "\"x\\u00e9{\\\"a\\\":\\\"\\\\\\\"\\\\n\\\",\\u0009\\\"b\\\":1.0}\\n\",null");
}

static void json_of_several_lines_becomes_one(void **state)
{
    struct buf out = {.max = 0};
    struct json_pen p = json_pen(&out);

    (void)state;
    pen_open(&p, '[');
    pen_line(&p, STR("{\n\"a\\n\": 1,\r\n\"b\":2}\n"));
    pen_line(&p, STR("3"));
    pen_close(&p, ']');
    expect(&out, "[{\"a\\n\": 1,\"b\":2},3]");
}

static void the_first_failure_sticks(void **state)
{
    struct buf out = {.max = 5};
    struct json_pen p = json_pen(&out);

    (void)state;
    pen_raw(&p, STR("123"));
    assert_int_equal(p.err, 0);
    pen_raw(&p, STR("456"));
    assert_int_equal(p.err, -ENOBUFS);
    pen_bytes(&p, STR("7")); /* there would be room */
    assert_int_equal(p.err, -ENOBUFS);
    expect(&out, "123,");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commas_stand_where_they_belong),
        cmocka_unit_test(what_is_absent_is_not_written),
        cmocka_unit_test(plain_bytes_are_escaped_and_mended),
        cmocka_unit_test(json_goes_into_a_string),
        cmocka_unit_test(json_of_several_lines_becomes_one),
        cmocka_unit_test(the_first_failure_sticks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
