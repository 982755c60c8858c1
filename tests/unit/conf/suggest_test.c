/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "conf/suggest.h"
#include "conf_helper.h"

static void the_distance_counts_single_edits(void **state)
{
    static const struct {
        const char *a, *b;
        unsigned edits;
    } rows[] = {
        {"", "", 0},
        {"", "abc", 3},
        {"total", "total", 0},
        {"Total", "total", 0},  /* a capital is no mistake worth counting */
        {"toal", "total", 1},   /* one left out */
        {"totaal", "total", 1}, /* one too many */
        {"totel", "total", 1},  /* one wrong */
        {"ttoal", "total", 1},  /* two swapped */
        {"connetcions", "connections", 1},
        {"kitten", "sitting", 3},
        {"ca", "abc", 3}, /* no edits within a swap: optimal string alignment */
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        assert_int_equal(suggest_distance(str_from(rows[i].a), str_from(rows[i].b)), rows[i].edits);
        assert_int_equal(suggest_distance(str_from(rows[i].b), str_from(rows[i].a)), rows[i].edits);
    }
}

static const char *suggestion(const char *wanted)
{
    static const struct str known[] = {STR_INIT("connect"), STR_INIT("headers"), STR_INIT("idle"),
                                       STR_INIT("total")};
    static struct suggestion t;

    t = suggest_among(str_from(wanted), known, sizeof(known[0]), COUNTOF(known));
    return t.text;
}

static void R56_the_nearest_word_is_named(void **state)
{
    (void)state;
    assert_string_equal(suggestion("idel"), "; did you mean `idle`?");
    assert_string_equal(suggestion("header"), "; did you mean `headers`?");
    assert_string_equal(suggestion("CONNECT"), "; did you mean `connect`?");
}

static void a_word_far_from_all_gets_the_list(void **state)
{
    (void)state;
    assert_string_equal(suggestion("keepalive"), "; known: connect, headers, idle, total");
    assert_string_equal(suggestion(""), "; known: connect, headers, idle, total");
}

static void a_long_list_ends_at_a_whole_name(void **state)
{
    static char names[100][24];
    struct str known[100];
    struct suggestion t;

    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        snprintf(names[i], sizeof(names[i]), "provider-number-%03u", i);
        known[i] = str_from(names[i]);
    }
    t = suggest_among(STR("x"), known, sizeof(known[0]), COUNTOF(known));
    assert_true(strlen(t.text) < sizeof(t.text));
    assert_true(strlen(t.text) > sizeof(t.text) - 24);
    assert_int_equal(t.text[strlen(t.text) - 4], '-');
}

static void words_of_any_length_are_safe(void **state)
{
    static char longer[1000];

    (void)state;
    memset(longer, 'x', sizeof(longer) - 1);
    assert_int_equal(suggest_distance(str_from(longer), STR("x")), SUGGEST_BYTES);
    assert_non_null(suggestion(longer));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_distance_counts_single_edits),
        cmocka_unit_test(R56_the_nearest_word_is_named),
        cmocka_unit_test(a_word_far_from_all_gets_the_list),
        cmocka_unit_test(a_long_list_ends_at_a_whole_name),
        cmocka_unit_test(words_of_any_length_are_safe),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
