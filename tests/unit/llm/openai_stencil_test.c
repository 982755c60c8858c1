/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "llm/openai_part.h"

/* The quoted string that follows `key` in `event`. */
static struct str value_of(struct str event, const char *key)
{
    const char *at = str_find(event, str_from(key)), *end = event.ptr + event.len;

    assert_non_null(at);
    at += strlen(key);
    return (struct str){at, (size_t)(json_string_end(at, end) - at)};
}

/* clang-format off */
static const struct row {
    const char *event, *next;
    bool fits;
} rows[] = {
    {"{\"c\":\"x\",\"n\":1}", "{\"c\":\"x\",\"n\":1}", true},
    {"{\"c\":\"x\",\"n\":1}", "{\"c\":\"longer \\\" \\u00e9\xc3\xa9\",\"n\":1}", true},
    {"{\"c\":\"x\",\"n\":1}", "{\"c\":\"\",\"n\":1}", false},
    {"{\"c\":\"x\",\"n\":1}", "{\"c\":\"y\",\"n\":2}", false},
    {"{\"c\":\"x\",\"n\":1}", "{\"c\":\"y\",\"n\":1}}", false},
    {"{\"c\":\"x\",\"n\":1}", "{\"c\":\"y\",\"n\":1", false},
    {"{\"c\":\"x\",\"n\":1}", "{\"c\":\"y\",\"c\":\"\",\"n\":1}", false},
    {"{\"c\":\"x\",\"n\":1}", "{\"c\":\"y\n\",\"n\":1}", false},
    {"{\"c\":\"x\",\"n\":1}", "{\"c\":\"y\xff\",\"n\":1}", false},
    {"{\"c\":\"x\",\"n\":1}", "{\"c\":\"y\\\",\"n\":1}", false},
    {"{\"c\":\"x\",\"n\":1}", "{\"c\":null,\"n\":1}", false},
    {"{\"c\":\"x\",\"n\":1}", "{\"d\":\"x\",\"n\":1}", false},
    {"{\"c\":\"x\",\"n\":1}", "{\"c\":", false},
    {"{\"c\":\"x\",\"n\":1}", "{", false},
    {"{\"c\":\"x\",\"n\":1}", "", false},
    {"{\"c\":\"x\",\"p\":\"ab\"}", "{\"c\":\"yy\",\"p\":\"abcdef\"}", true},
    {"{\"p\":\"ab\",\"c\":\"x\"}", "{\"p\":\"abcdef\",\"c\":\"yy\"}", true},
    {"{\"p\":\"ab\",\"c\":\"x\"}", "{\"p\":\"abcdef\",\"c\":\"\"}", false},
    {"{\"p\":\"ab\",\"c\":\"x\"}", "{\"p\":\"abcdef\",\"c\":\"x\",\"c\":\"x\"}", false},
};
/* clang-format on */

static void an_event_fits_when_only_its_strings_differ(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct str event = str_from(rows[i].event);
        bool padded = strstr(rows[i].event, "\"p\":") != NULL;
        struct arena a = {.max = 0};
        struct openai_watch w;

        openai_watch_init(&w, OPENAI_CHAT, &a);
        assert_false(openai_stencil_fits(&w, event));
        openai_stencil_cut(&w, event, value_of(event, "\"c\":"),
                           padded ? value_of(event, "\"p\":") : STR(""));
        if (openai_stencil_fits(&w, str_from(rows[i].next)) != rows[i].fits)
            fail_msg("%s after %s", rows[i].next, rows[i].event);
        arena_done(&a);
    }
}

static void a_long_event_leaves_the_stencil_as_it_was(void **state)
{
    char text[600];
    struct str small = STR("{\"c\":\"x\"}"), large = {text, sizeof(text)};
    struct arena a = {.max = 0};
    struct openai_watch w;

    (void)state;
    memset(text, ' ', sizeof(text));
    memcpy(text, small.ptr, small.len);
    openai_watch_init(&w, OPENAI_CHAT, &a);
    openai_stencil_cut(&w, large, value_of(large, "\"c\":"), STR(""));
    assert_false(openai_stencil_fits(&w, large));
    openai_stencil_cut(&w, small, value_of(small, "\"c\":"), STR(""));
    openai_stencil_cut(&w, large, value_of(large, "\"c\":"), STR(""));
    assert_true(openai_stencil_fits(&w, small));
    assert_false(openai_stencil_fits(&w, large));
    arena_done(&a);
}

static void a_stencil_that_moved_fits_as_before_and_can_be_cut_anew(void **state)
{
    struct str event = STR("{\"c\":\"x\",\"n\":1}"), next = STR("{\"c\":\"yy\",\"n\":1}"),
               longer = STR("{\"c\":\"x\",\"another_member_of_the_event\":123456}");
    struct arena a = {.max = 0}, to = {.small = true}, junk = {.max = 0};
    struct openai_watch w;

    (void)state;
    openai_watch_init(&w, OPENAI_CHAT, &a);
    openai_stencil_cut(&w, event, value_of(event, "\"c\":"), STR(""));
    assert_true(openai_watch_move(&w, &to));
    arena_done(&a);
    memset(arena_bytes(&junk, 1000), 0xee, 1000);
    assert_true(to.used < 1024);
    w.arena = &to;
    assert_true(openai_stencil_fits(&w, next));
    openai_stencil_cut(&w, longer, value_of(longer, "\"c\":"), STR(""));
    assert_true(openai_stencil_fits(&w, longer));
    assert_false(openai_stencil_fits(&w, next));
    openai_stencil_cut(&w, event, value_of(event, "\"c\":"), STR(""));
    assert_true(openai_stencil_fits(&w, next));
    arena_done(&junk);
    arena_done(&to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_fits_when_only_its_strings_differ),
        cmocka_unit_test(a_stencil_that_moved_fits_as_before_and_can_be_cut_anew),
        cmocka_unit_test(a_long_event_leaves_the_stencil_as_it_was),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    arena_thread_done();
    return failed;
}
