/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "llm/json.h"

#include "unit/llm/files.h"

#define SUITE "tests/data/jsontestsuite/test_parsing"

static bool accepts(struct str text)
{
    return json_scan(text, JSON_DEPTH_MAX, NULL, NULL, NULL);
}

/* ---- JSONTestSuite ---- */

/* What we do with the texts that a parser may treat as it likes: escapes that name half a pair and
 * numbers of any size are JSON text and go through untouched; what is not UTF-8 is refused. */
static const struct {
    const char *name;
    bool accepted;
} free_texts[] = {
    {"i_number_double_huge_neg_exp.json", true},
    {"i_number_huge_exp.json", true},
    {"i_number_neg_int_huge_exp.json", true},
    {"i_number_pos_double_huge_exp.json", true},
    {"i_number_real_neg_overflow.json", true},
    {"i_number_real_pos_overflow.json", true},
    {"i_number_real_underflow.json", true},
    {"i_number_too_big_neg_int.json", true},
    {"i_number_too_big_pos_int.json", true},
    {"i_number_very_big_negative_int.json", true},
    {"i_object_key_lone_2nd_surrogate.json", true},
    {"i_string_1st_surrogate_but_2nd_missing.json", true},
    {"i_string_1st_valid_surrogate_2nd_invalid.json", true},
    {"i_string_incomplete_surrogate_and_escape_valid.json", true},
    {"i_string_incomplete_surrogate_pair.json", true},
    {"i_string_incomplete_surrogates_escape_valid.json", true},
    {"i_string_invalid_lonely_surrogate.json", true},
    {"i_string_invalid_surrogate.json", true},
    {"i_string_inverted_surrogates_U+1D11E.json", true},
    {"i_string_lone_second_surrogate.json", true},
    {"i_structure_500_nested_arrays.json", true},
    {"i_string_UTF-16LE_with_BOM.json", false},
    {"i_string_UTF-8_invalid_sequence.json", false},
    {"i_string_UTF8_surrogate_U+D800.json", false},
    {"i_string_invalid_utf-8.json", false},
    {"i_string_iso_latin_1.json", false},
    {"i_string_lone_utf8_continuation_byte.json", false},
    {"i_string_not_in_unicode_range.json", false},
    {"i_string_overlong_sequence_2_bytes.json", false},
    {"i_string_overlong_sequence_6_bytes.json", false},
    {"i_string_overlong_sequence_6_bytes_null.json", false},
    {"i_string_truncated-utf-8.json", false},
    {"i_string_utf16BE_no_BOM.json", false},
    {"i_string_utf16LE_no_BOM.json", false},
    {"i_structure_UTF-8_BOM_empty_object.json", false},
};

static unsigned wrong, must, must_not, may;

static bool expected(const char *name)
{
    if (name[0] != 'i') {
        must += name[0] == 'y';
        must_not += name[0] == 'n';
        return name[0] == 'y';
    }
    for (size_t i = 0; i < COUNTOF(free_texts); i++) {
        if (strcmp(free_texts[i].name, name) == 0) {
            may++;
            return free_texts[i].accepted;
        }
    }
    fail_msg("%s is in no table", name);
    return false;
}

static void judge(const char *path, const char *name)
{
    struct str text = file_read(path);

    if (accepts(text) != expected(name)) {
        print_error("%s is %s\n", name, accepts(text) ? "accepted" : "rejected");
        wrong++;
    }
    file_free(text);
}

static void R49_every_text_of_the_suite_is_judged_as_it_should(void **state)
{
    (void)state;
    files_each(SUITE, ".json", judge);
    assert_int_equal(must, 95);
    assert_int_equal(must_not, 188);
    assert_int_equal(may, COUNTOF(free_texts));
    assert_int_equal(wrong, 0);
}

/* ---- strings at every alignment ---- */

/* A string is passed over in blocks: put the odd byte at each place of a block, and cut the text at
 * each place. */
static void odd_bytes_are_found_at_any_place_of_a_block(void **state)
{
    char text[80];

    (void)state;
    for (size_t len = 1; len < 70; len++) {
        for (size_t at = 0; at < len; at++) {
            memset(text, 'x', sizeof(text));
            text[0] = text[len + 1] = '"';
            assert_true(accepts(str_make(text, len + 2)));
            assert_false(accepts(str_make(text, at + 1)));
            text[1 + at] = '\n';
            assert_false(accepts(str_make(text, len + 2)));
            text[1 + at] = '\0';
            assert_false(accepts(str_make(text, len + 2)));
            text[1 + at] = '\xff';
            assert_false(accepts(str_make(text, len + 2)));
            text[1 + at] = '"';
            assert_false(accepts(str_make(text, len + 2)));
            text[1 + at] = '\x7f';
            assert_true(accepts(str_make(text, len + 2)));
        }
    }
}

static bool utf8_accepted(const char *bytes, size_t len)
{
    char text[16];

    text[0] = '"';
    memcpy(text + 1, bytes, len);
    text[len + 1] = '"';
    return accepts(str_make(text, len + 2));
}

/* RFC 3629 by its definition: decode by the first byte, then ask whether it is the short form. */
static bool utf8_by_definition(const unsigned char *b, size_t len)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint32_t c = b[0] < 0xe0 ? b[0] & 0x1fu : b[0] < 0xf0 ? b[0] & 0xfu : b[0] & 7u;
    size_t want = b[0] < 0xc0 ? 0 : b[0] < 0xe0 ? 2 : b[0] < 0xf0 ? 3 : b[0] < 0xf8 ? 4 : 0;

    if (want != len)
        return false;
    for (size_t i = 1; i < len; i++) {
        if ((b[i] & 0xc0) != 0x80)
            return false;
        c = c << 6 | (b[i] & 0x3fu);
    }
    return c >= least[len] && c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
}

static void R49_utf8_is_judged_as_its_definition_says(void **state)
{
    unsigned char b[4];

    (void)state;
    for (unsigned first = 0x80; first < 0x100; first++) {
        for (unsigned second = 0; second < 0x10000; second += second < 0xff00 ? 0x3f : 1) {
            b[0] = (unsigned char)first;
            b[1] = (unsigned char)(second >> 8);
            b[2] = (unsigned char)second;
            b[3] = 0x80 | (second & 0x3f);
            if (b[1] < 0x80 || b[2] < 0x80) /* quotes and such are another matter */
                continue;
            for (size_t len = 1; len <= 4; len++) {
                bool right = utf8_by_definition(b, len);
                bool two = len == 4 && utf8_by_definition(b, 2) && utf8_by_definition(b + 2, 2);

                assert_int_equal(utf8_accepted((const char *)b, len), right || two);
            }
        }
    }
}

/* ---- members ---- */

struct seen {
    char text[256];
    unsigned stop_at, members;
};

static bool note(void *ctx, const struct json_member *m)
{
    static const char types[] = "-nft0\"[{";
    struct seen *s = ctx;
    size_t n = strlen(s->text);

    snprintf(s->text + n, sizeof(s->text) - n, "%.*s=%c%.*s;", STR_ARG(m->key), types[m->type],
             STR_ARG(m->value));
    return ++s->members != s->stop_at;
}

static void members_come_in_order_as_they_are_written(void **state)
{
    struct seen s = {.text = ""};
    struct json_error e;

    (void)state;
    assert_true(json_scan(STR(" {\"a\" : 1.50 ,\"a\":{\"b\":[1]}, \"\\u0061\":\"x\\\"\","
                              "\"n\":null,\"t\":true,\"f\" :false,\"l\":[ ]}\n"),
                          8, note, &s, &e));
    assert_string_equal(s.text, "a=01.50;a={{\"b\":[1]};\\u0061=\"\"x\\\"\";n=nnull;t=ttrue;"
                                "f=ffalse;l=[[ ];");
}

static void elements_of_an_array_come_without_a_key(void **state)
{
    struct seen s = {.text = ""};

    (void)state;
    assert_true(json_scan(STR("[1, [2], {\"k\":3}]"), 8, note, &s, NULL));
    assert_string_equal(s.text, "=01;=[[2];={{\"k\":3};");
}

static void a_reader_that_has_enough_stops_the_scan(void **state)
{
    struct seen s = {.text = "", .stop_at = 1};
    struct json_error e;

    (void)state;
    assert_false(json_scan(STR("{\"a\":1,\"b\":2}"), 8, note, &s, &e));
    assert_string_equal(e.what, "stopped");
    assert_int_equal(s.members, 1);
}

static void errors_name_the_byte(void **state)
{
    static const struct {
        struct str text;
        const char *words;
    } rows[] = {
        {STR_INIT(""), "unexpected end at byte 0"},
        {STR_INIT("{\"model\":\"x\",  }"), "unexpected '}' at byte 15"},
        {STR_INIT("{\"a\":1"), "unexpected end at byte 6"},
        {STR_INIT("[1]x"), "more behind the end at byte 3"},
        {STR_INIT("[\"a\tb\"]"), "control character in a string at byte 3"},
        {STR_INIT("[\"\\x\"]"), "unknown escape at byte 3"},
        {STR_INIT("[\"\\u12g4\"]"), "\\u without four hexadecimal digits at byte 6"},
        {STR_INIT("[\"\xc0\xaf\"]"), "invalid UTF-8 at byte 2"},
        {STR_INIT("\xef\xbb\xbf{}"), "byte order mark at byte 0"},
        {STR_INIT("[[[[1]]]]"), "nested too deeply at byte 3"},
        {STR_INIT("[01]"), "unexpected '1' at byte 2"},
        {STR_INIT("[\0]"), "unexpected character at byte 1"},
        {STR_INIT("\"abc"), "unexpected end in a string at byte 4"},
    };
    struct arena a = {.max = 0};

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct json_error e;
        struct str words;

        assert_false(json_scan(rows[i].text, 3, NULL, NULL, &e));
        words = json_error_text(&a, rows[i].text, &e);
        assert_string_equal(words.ptr, rows[i].words);
    }
    arena_done(&a);
}

static void R49_depth_is_counted_and_bounded(void **state)
{
    char text[4200];

    (void)state;
    memset(text, '[', 2100);
    memset(text + 2100, ']', 2100);
    for (unsigned depth = 1; depth <= JSON_DEPTH_MAX; depth += 31) {
        struct str nested = {text + 2100 - depth, (size_t)2 * depth};

        assert_true(json_scan(nested, depth, NULL, NULL, NULL));
        assert_false(json_scan(nested, depth - 1, NULL, NULL, NULL));
    }
    /* whatever the caller allows */
    assert_false(json_scan(str_make(text + 1000, 2200), 100000, NULL, NULL, NULL));
}

static void levels_remember_whether_they_are_objects(void **state)
{
    (void)state;
    assert_true(accepts(STR("[{\"a\":[{\"b\":[]},{}]},[]]")));
    assert_false(accepts(STR("[{\"a\":[}]]")));
    assert_false(accepts(STR("{\"a\":[1},2]")));
    assert_false(accepts(STR("[\"a\":1]")));
    assert_false(accepts(STR("{\"a\",1}")));
}

/* ---- strings and bytes ---- */

static void unescaping_undoes_every_escape(void **state)
{
    static const struct {
        struct str quoted, bytes;
    } rows[] = {
        {STR_INIT("\"\""), STR_INIT("")},
        {STR_INIT("\"plain\""), STR_INIT("plain")},
        {STR_INIT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), STR_INIT("\"\\/\b\f\n\r\t")},
        {STR_INIT("\"\\u0041\\u00e9\\u20AC\\ud83d\\ude42\""),
         STR_INIT("A\xc3\xa9\xe2\x82\xac\xf0\x9f\x99\x82")},
        {STR_INIT("\"a\\u0000b\""), STR_INIT("a\0b")},
        {STR_INIT("\"\xc3\xa9\\n\""), STR_INIT("\xc3\xa9\n")},
    };
    struct arena a = {.max = 0};

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct str got = json_unescape(&a, rows[i].quoted);

        assert_non_null(got.ptr);
        assert_int_equal(got.len, rows[i].bytes.len);
        assert_memory_equal(got.ptr, rows[i].bytes.ptr, got.len);
    }
    arena_done(&a);
}

static void R49_half_a_surrogate_pair_is_no_text(void **state)
{
    static const struct str rows[] = {
        STR_INIT("\"\\ud83d\""),    STR_INIT("\"\\ude42\""),        STR_INIT("\"\\ud83dx\""),
        STR_INIT("\"\\ud83d\\n\""), STR_INIT("\"\\ud83d\\ud83d\""), STR_INIT("\"\\ude42\\ud83d\""),
    };
    struct arena a = {.max = 0};

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        assert_true(accepts(rows[i]));
        assert_null(json_unescape(&a, rows[i]).ptr);
        assert_memory_equal(json_unescape_lossy(&a, rows[i]).ptr, "\xef\xbf\xbd", 3);
    }
    assert_true(str_eq(json_unescape_lossy(&a, STR("\"\\ud83d\\ud83d\\ude42\"")),
                       STR("\xef\xbf\xbd\xf0\x9f\x99\x82")));
    arena_done(&a);
}

static void quoting_is_undone_by_unescaping(void **state)
{
    struct arena a = {.max = 0};
    char all[0x80];

    (void)state;
    for (size_t i = 0; i < sizeof(all); i++)
        all[i] = (char)i;
    for (size_t i = 0; i < sizeof(all); i++) {
        struct str s = {all + i, sizeof(all) - i}, quoted = json_quote(&a, s);

        assert_true(accepts(quoted));
        assert_true(str_eq(json_unescape(&a, quoted), s));
    }
    assert_true(str_eq(json_quote(&a, STR("caf\xc3\xa9\n")), STR("\"caf\xc3\xa9\\n\"")));
    assert_true(str_eq(json_quote(&a, STR("a\xff"
                                          "b")),
                       STR("\"a\xef\xbf\xbd"
                           "b\"")));
    assert_true(str_eq(json_quote(&a, STR("")), STR("\"\"")));
    arena_done(&a);
}

static void keys_are_compared_as_what_they_stand_for(void **state)
{
    struct json_member m = {.key = STR_INIT("mod\\u0065l"), .key_escaped = true};

    (void)state;
    assert_true(json_key_is(&m, STR("model")));
    assert_false(json_key_is(&m, STR("models")));
    assert_false(json_key_is(&m, STR("mode")));
    m = (struct json_member){.key = STR("model")};
    assert_true(json_key_is(&m, STR("model")));
    assert_false(json_key_is(&m, STR("mode1")));
    m.key_escaped = true;
    m.key = STR("mode\\n");
    assert_false(json_key_is(&m, STR("model")));
}

static void emptiness_sees_through_spaces_but_not_into_strings(void **state)
{
    (void)state;
    assert_true(json_is_empty(STR("{ \n}")));
    assert_true(json_is_empty(STR("[]")));
    assert_true(json_is_empty(STR("\"\"")));
    assert_false(json_is_empty(STR("\" \"")));
    assert_false(json_is_empty(STR("\"]\"")));
    assert_false(json_is_empty(STR("[0]")));
    assert_false(json_is_empty(STR("0")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R49_every_text_of_the_suite_is_judged_as_it_should),
        cmocka_unit_test(odd_bytes_are_found_at_any_place_of_a_block),
        cmocka_unit_test(R49_utf8_is_judged_as_its_definition_says),
        cmocka_unit_test(members_come_in_order_as_they_are_written),
        cmocka_unit_test(elements_of_an_array_come_without_a_key),
        cmocka_unit_test(a_reader_that_has_enough_stops_the_scan),
        cmocka_unit_test(errors_name_the_byte),
        cmocka_unit_test(R49_depth_is_counted_and_bounded),
        cmocka_unit_test(levels_remember_whether_they_are_objects),
        cmocka_unit_test(unescaping_undoes_every_escape),
        cmocka_unit_test(R49_half_a_surrogate_pair_is_no_text),
        cmocka_unit_test(quoting_is_undone_by_unescaping),
        cmocka_unit_test(keys_are_compared_as_what_they_stand_for),
        cmocka_unit_test(emptiness_sees_through_spaces_but_not_into_strings),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    arena_thread_done();
    return failed;
}
