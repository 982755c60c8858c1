/* Marked signatures as Google's clients see them. SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "llm/generate_part.h"

static struct json_text text_of(const char *s)
{
    return (struct json_text){s, strlen(s)};
}

static void assert_text(const char *what, struct json_text is, const char *wanted)
{
    if (!str_eq(str_make(is.ptr, is.len), str_from(wanted)))
        fail_msg("%s: %.*s", what, (int)is.len, is.ptr);
}

static const struct {
    const char *what, *plain, *sealed;
} sealed[] = {
    {"not padded", "dragoman.by.ollama:ab", "ZHJhZ29tYW4uYnkub2xsYW1hOmFi"},
    {"padded by one", "dragoman.by.ollama:a", "ZHJhZ29tYW4uYnkub2xsYW1hOmE="},
    {"padded by two", "dragoman.by.ollama:", "ZHJhZ29tYW4uYnkub2xsYW1hOg=="},
    {"in letters of both alphabets", "dragoman.by.ollama:~~~???",
     "ZHJhZ29tYW4uYnkub2xsYW1hOn5+fj8/Pw=="},
    {"with escapes of JSON's", "dragoman.by.ollama:\\/\\u0041",
     "ZHJhZ29tYW4uYnkub2xsYW1hOlwvXHUwMDQx"},
    {"that nobody reads", "redactedThinkingdragoman.by.ollama:a",
     "redactedThinkingZHJhZ29tYW4uYnkub2xsYW1hOmE="},
};

static void a_marked_signature_is_base64_as_a_whole_and_comes_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNTOF(sealed); i++) {
        struct arena a = {.max = 0};
        struct json_text it = generate_seal(&a, text_of(sealed[i].plain));

        assert_true(generate_is_marked(text_of(sealed[i].plain)));
        assert_false(generate_is_marked(it));
        assert_text(sealed[i].what, it, sealed[i].sealed);
        assert_true(generate_unseal(&a, &it));
        assert_text(sealed[i].what, it, sealed[i].plain);
        arena_done(&a);
    }
}

static void it_comes_back_as_an_sdk_writes_it(void **state)
{
    static const struct {
        const char *what, *sealed, *plain;
    } rows[] = {
        {"in the other alphabet",
         "ZHJhZ29tYW4uYnkub2xsYW1hOn5-fj8_Pw==", "dragoman.by.ollama:~~~???"},
        {"in the other, unpadded", "ZHJhZ29tYW4uYnkub2xsYW1hOn5-fj8_Pw",
         "dragoman.by.ollama:~~~???"},
        {"unpadded", "ZHJhZ29tYW4uYnkub2xsYW1hOmE", "dragoman.by.ollama:a"},
        {"with escapes", "ZHJhZ29tYW4uYnkub2xsYW1hOn5+fj8\\/Pw\\u003d\\u003d",
         "dragoman.by.ollama:~~~???"},
        {"that nobody reads", "redactedThinkingZHJhZ29tYW4uYnkub2xsYW1hOn5-fj8_Pw",
         "redactedThinkingdragoman.by.ollama:~~~???"},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct arena a = {.max = 0};
        struct json_text it = text_of(rows[i].sealed);

        assert_true(generate_unseal(&a, &it));
        assert_text(rows[i].what, it, rows[i].plain);
        arena_done(&a);
    }
}

static void all_others_are_left_as_they_came(void **state)
{
    static const char *const rows[] = {
        "",
        "EqQB+/9zk==",
        "CkQ_-A",
        "redactedThinkingAAAA",
        "redactedThinking",
        "skip_thought_signature_validator",
        "ZHJhZ29tYW4",      /* not all of the word */
        "ZHJhZ29tYW4u!",    /* no base64 */
        "ZHJhZ29tYW4uA",    /* no bytes in the last letter */
        "ZHJhZ29tYW4uIg==", /* a quote: the end of a text in JSON */
        "ZHJhZ29tYW4uXA==", /* a backslash alone */
        "ZHJhZ29tYW4uCg==", /* a line end */
        "ZHJhZ29tYW4u_w==", /* no UTF-8 */
        "redactedThinkingZHJhZ29tYW4uIg==",
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct arena a = {.max = 0};
        struct json_text it = text_of(rows[i]);

        assert_text(rows[i], generate_seal(&a, it), rows[i]);
        assert_true(generate_unseal(&a, &it));
        assert_text(rows[i], it, rows[i]);
        arena_done(&a);
    }
}

static void where_there_is_no_room_it_says_so(void **state)
{
    struct arena a = {.max = 1};
    struct json_text it = text_of(sealed[3].sealed);

    (void)state;
    assert_null(generate_seal(&a, text_of(sealed[3].plain)).ptr);
    assert_false(generate_unseal(&a, &it));
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_marked_signature_is_base64_as_a_whole_and_comes_back),
        cmocka_unit_test(it_comes_back_as_an_sdk_writes_it),
        cmocka_unit_test(all_others_are_left_as_they_came),
        cmocka_unit_test(where_there_is_no_room_it_says_so),
    };

    return cmocka_run_group_tests_name("generate seal", tests, NULL, NULL);
}
