/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "llm/chat_text.h"

#define OF(t)                                                                                      \
    {                                                                                              \
        t, sizeof(t) - 1                                                                           \
    }

static struct arena arena;

static int done(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static void text_is(struct json_text t, const char *z)
{
    if (t.ptr == NULL || !json_text_is(t, str_from(z)))
        fail_msg("%.*s and not %s", (int)t.len, t.ptr, z);
}

static void plain_is(struct str s, const char *z)
{
    if (s.ptr == NULL || !str_eq(s, str_from(z)))
        fail_msg("%.*s and not %s", STR_ARG(s), z);
}

static void a_text_is_the_inside_of_a_string(void **state)
{
    (void)state;
    text_is(json_text_of(STR("\"a\\n\"")), "a\\n");
    text_is(json_text_of(STR("\"\"")), "");
    assert_null(json_text_of(STR("null")).ptr);
    assert_null(json_text_of(STR("7")).ptr);
    assert_null(json_text_of(STR("{}")).ptr);
    assert_null(json_text_of(STR("")).ptr);
}

static void a_text_stands_for_bytes(void **state)
{
    struct json_text plain = JSON_TEXT("as it is");

    (void)state;
    assert_ptr_equal(json_text_plain(&arena, plain).ptr, plain.ptr); /* no copy */
    plain_is(json_text_plain(&arena, JSON_TEXT("a\\n\\u00e9\\ud83d\\ude00\\/")),
             "a\n\xc3\xa9\xf0\x9f\x98\x80/");
    plain_is(json_text_plain(&arena, (struct json_text){NULL, 0}), "");
    assert_null(json_text_plain(&arena, JSON_TEXT("\\ud83d")).ptr);
}

static void bytes_are_made_a_text(void **state)
{
    struct str plain = STR("as it is \xc3\xa9");

    (void)state;
    assert_ptr_equal(json_text_make(&arena, plain).ptr, plain.ptr); /* no copy */
    text_is(json_text_make(&arena, STR("a\"\\\n")), "a\\\"\\\\\\n");
    text_is(json_text_make(&arena, STR("\xff")), "\xef\xbf\xbd");
    text_is(json_text_make(&arena, (struct str){NULL, 0}), "");
}

static void texts_are_joined(void **state)
{
    const struct json_text texts[] = {JSON_TEXT("a"), JSON_TEXT(""), JSON_TEXT("b\\n")};

    (void)state;
    text_is(json_text_join(&arena, texts, 3, JSON_TEXT("\\n\\n")), "a\\n\\n\\n\\nb\\n");
    text_is(json_text_join(&arena, texts, 1, JSON_TEXT("\\n")), "a");
    text_is(json_text_join(&arena, texts, 3, (struct json_text){NULL, 0}), "ab\\n");
    text_is(json_text_join(&arena, NULL, 0, JSON_TEXT("-")), "");
}

static void arguments_are_an_object_or_nothing(void **state)
{
    static const struct {
        struct json_text text;
        const char *args; /* NULL: none */
    } rows[] = {
        {OF("{\\\"a\\\":1.50}"), "{\"a\":1.50}"},
        {OF("{\\\"a\\\":\\\"\\\\n\\\"}"), "{\"a\":\"\\n\"}"},
        {OF(""), "{}"},
        {{NULL, 0}, "{}"},
        {OF(" "), "{}"},
        {OF("[]"), NULL},
        {OF("7"), NULL},
        {OF("{\\\"a\\\":"), NULL},
        {OF("{\\\"a\\\":\\\"\\ud83d\\\"}"), NULL}, /* half a pair cannot be plain */
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct str args = chat_args_of(&arena, rows[i].text);

        if (rows[i].args == NULL)
            assert_null(args.ptr);
        else
            plain_is(args, rows[i].args);
    }
}

static void data_urls_are_taken_apart(void **state)
{
    static const struct {
        const char *url, *type, *data; /* type NULL: it is none */
    } rows[] = {
        {"data:image/png;base64,AAAA", "image/png", "AAAA"},
        {"DATA:image/png;BASE64,AAAA", "image/png", "AAAA"},
        {"data:image\\/png;base64,AA\\/A", "image/png", "AA/A"},
        {"data:audio/wav;codecs=1;base64,", "audio/wav;codecs=1", ""},
        {"data:;base64,AAAA", "", "AAAA"},
        {"data:text/plain,hello", NULL, NULL},
        {"data:image/png;base64", NULL, NULL},
        {"https://x.test/a,b", NULL, NULL},
        {"", NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct json_text url = {rows[i].url, strlen(rows[i].url)}, type, data;
        bool is = chat_data_url(&arena, url, &type, &data);

        assert_int_equal(is, rows[i].type != NULL);
        if (!is)
            continue;
        text_is(type, rows[i].type);
        text_is(data, rows[i].data);
    }
}

/* An image of megabytes must not be copied into memory that is bounded. */
static void what_a_data_url_holds_is_not_copied(void **state)
{
    static const struct json_text url = {"data:image/png;base64,AAAA", 26};
    struct json_text type, data;

    (void)state;
    assert_true(chat_data_url(&arena, url, &type, &data));
    assert_ptr_equal(data.ptr, url.ptr + 22);
}

static void effort_and_tokens_are_words_for_each_other(void **state)
{
    static const char *const words[] = {"minimal", "low", "medium", "high"};

    (void)state;
    for (size_t i = 0; i < COUNTOF(words); i++) {
        uint64_t tokens = chat_effort_tokens((struct json_text){words[i], strlen(words[i])});

        assert_true(tokens > 0);
        text_is(chat_effort_word(tokens), words[i]);
    }
    assert_int_equal(chat_effort_tokens(JSON_TEXT("none")), 0);
    assert_int_equal(chat_effort_tokens(JSON_TEXT("hardly")), 0);
    assert_true(chat_effort_tokens(JSON_TEXT("max")) >= chat_effort_tokens(JSON_TEXT("xhigh")));
    text_is(chat_effort_word(0), "none");
    text_is(chat_effort_word(1), "minimal");
    text_is(chat_effort_word(3000), "medium");
    text_is(chat_effort_word(UINT64_MAX), "high");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_the_inside_of_a_string),
        cmocka_unit_test(a_text_stands_for_bytes),
        cmocka_unit_test(bytes_are_made_a_text),
        cmocka_unit_test(texts_are_joined),
        cmocka_unit_test(arguments_are_an_object_or_nothing),
        cmocka_unit_test(data_urls_are_taken_apart),
        cmocka_unit_test(what_a_data_url_holds_is_not_copied),
        cmocka_unit_test(effort_and_tokens_are_words_for_each_other),
    };
    int failed = cmocka_run_group_tests(tests, NULL, done);

    arena_thread_done();
    return failed;
}
