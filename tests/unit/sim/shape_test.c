/* Where a request's JSON is not what its table says.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "sim/shape.h"

static const struct shape_member leaf_members[] = {
    SHAPE("kind", SHAPE_STRING),
    SHAPE("topP", SHAPE_NUMBER | SHAPE_MUST),
    SHAPE_AMONG("mode", SHAPE_STRING, "on off"),
};
static const struct shape leaf = {SHAPE_OF(leaf_members)};
static const struct shape_variant kinds[] = {{STR_INIT("leaf"), &leaf}};
static const struct shape one_of = {SHAPE_ONE_OF("kind", kinds), .tagged = true};
static const struct shape map = {.each = &leaf};
static const struct shape_member root_members[] = {
    SHAPE_IN("leafList", SHAPE_ARRAY, &leaf),
    SHAPE_IN("either", SHAPE_ARRAY, &one_of),
    SHAPE_IN("named", SHAPE_OBJECT, &map),
    SHAPE("texts", SHAPE_ARRAY | SHAPE_TEXTS),
    SHAPE("whole", SHAPE_INT),
};
static const struct shape root = {SHAPE_OF(root_members)};

static void the_first_flaw_is_found_with_its_place(void **state)
{
    static const struct {
        const char *json;
        enum shape_style style;
        enum shape_wrong wrong;
        const char *place;
    } rows[] = {
        {"{\"leafList\":[{\"topP\":1},{\"topP\":0.5,\"mode\":\"on\"}],\"texts\":[\"a\"],\"whole\":"
         "1}",
         SHAPE_DOTS, SHAPE_FITS, ""},
        {"{\"other\":1}", SHAPE_DOTS, SHAPE_UNKNOWN, ""},
        {"{\"leafList\":[{\"topP\":1,\"x\":1}]}", SHAPE_DOTS, SHAPE_UNKNOWN, "leafList.0"},
        {"{\"leafList\":[{}]}", SHAPE_DOTS, SHAPE_MISSING, "leafList.0.topP"},
        {"{\"leafList\":[{\"topP\":\"1\"}]}", SHAPE_DOTS, SHAPE_TYPE, "leafList.0.topP"},
        {"{\"leafList\":[{\"topP\":\"1\"}]}", SHAPE_FIELDS, SHAPE_TYPE, "leafList.topP"},
        {"{\"leafList\":[1]}", SHAPE_DOTS, SHAPE_TYPE, "leafList.0"},
        {"{\"leafList\":[{\"topP\":1,\"mode\":\"o\"}]}", SHAPE_DOTS, SHAPE_VALUE,
         "leafList.0.mode"},
        {"{\"texts\":[\"a\",1]}", SHAPE_DOTS, SHAPE_TYPE, "texts.1"},
        {"{\"whole\":1.5}", SHAPE_DOTS, SHAPE_TYPE, "whole"},
        {"{\"whole\":null}", SHAPE_DOTS, SHAPE_TYPE, "whole"},
        {"{\"whole\":null}", SHAPE_BRACKETS, SHAPE_FITS, ""},
        {"{\"either\":[{\"kind\":\"leaf\",\"topP\":1}]}", SHAPE_DOTS, SHAPE_FITS, ""},
        {"{\"either\":[{\"kind\":\"leaf\",\"x\":1}]}", SHAPE_DOTS, SHAPE_UNKNOWN, "either.0.leaf"},
        {"{\"either\":[{\"kind\":\"root\"}]}", SHAPE_DOTS, SHAPE_VARIANT, "either.0"},
        {"{\"either\":[{}]}", SHAPE_DOTS, SHAPE_VARIANT, "either.0"},
        {"{\"leaf_list\":[{\"top_p\":1}]}", SHAPE_DOTS, SHAPE_UNKNOWN, ""},
        {"{\"leaf_list\":[{\"top_p\":1}]}", SHAPE_BRACKETS, SHAPE_FITS, ""},
        {"{\"leaf_list\":[{\"topp\":1}]}", SHAPE_BRACKETS, SHAPE_UNKNOWN, "leaf_list[0]"},
        {"{\"leafList\":[{\"topP\":\"1\"}]}", SHAPE_BRACKETS, SHAPE_TYPE, "leaf_list[0].top_p"},
        {"{\"named\":{\"a\":{\"topP\":1},\"b\":{\"topP\":1,\"x\":1}}}", SHAPE_BRACKETS,
         SHAPE_UNKNOWN, "named[1].value"},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct str json = str_from(rows[i].json);
        yyjson_doc *doc = yyjson_read(json.ptr, json.len, 0);
        struct shape_flaw f = {.wrong = SHAPE_FITS};
        struct arena arena = {0};
        bool ok = shape_fits(&root, yyjson_doc_get_root(doc), rows[i].style, &arena, &f);

        if (ok != (rows[i].wrong == SHAPE_FITS) || f.wrong != rows[i].wrong ||
            !str_eq(f.place, str_from(rows[i].place)))
            fail_msg("%s: %d at %.*s", rows[i].json, (int)f.wrong, STR_ARG(f.place));
        arena_done(&arena);
        yyjson_doc_free(doc);
    }
}

static void nesting_without_end_is_not_followed(void **state)
{
    static struct shape_member inner[] = {SHAPE("inner", SHAPE_OBJECT)};
    static const struct shape nest = {SHAPE_OF(inner)};
    struct out json = {.full = false};
    struct shape_flaw f = {.wrong = SHAPE_FITS};
    struct arena arena = {0};
    yyjson_doc *doc;

    (void)state;
    inner[0].of = &nest;
    for (unsigned i = 0; i < 100000; i++)
        OUT_LIT(&json, "{\"inner\":");
    OUT_LIT(&json, "{\"flaw\":1");
    for (unsigned i = 0; i < 100001; i++)
        OUT_LIT(&json, "}");
    doc = yyjson_read(json.buf.ptr, json.buf.len, 0);
    assert_non_null(doc);
    assert_true(shape_fits(&nest, yyjson_doc_get_root(doc), SHAPE_DOTS, &arena, &f));
    yyjson_doc_free(doc);
    arena_done(&arena);
    buf_done(&json.buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_flaw_is_found_with_its_place),
        cmocka_unit_test(nesting_without_end_is_not_followed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
