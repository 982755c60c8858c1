/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "conf/yaml.h"
#include "conf_helper.h"

static struct arena memory;

static struct node *read_text(struct str text)
{
    struct problems p = {.file = "f", .report = keep, .ctx = &told};
    struct node *root;

    memset(&told, 0, sizeof(told));
    arena_done(&memory);
    root = yaml_read(&memory, text, &p);
    problem_flush(&p);
    return root;
}

static void the_tree_remembers_where_everything_stood(void **state)
{
    struct node *root =
        read_text(STR("a: 1\nlist:\n  - x\n  - { b: \"two words\" }\nnone:\nü: é\n"));
    const struct node *list, *map;

    (void)state;
    assert_non_null(root);
    assert_int_equal(root->kind, NODE_MAP);
    assert_int_equal(root->count, 4);
    assert_str(node_find(root, STR("a"))->text, "1");
    list = node_find(root, STR("list"));
    assert_int_equal(list->kind, NODE_LIST);
    assert_int_equal(list->key_line, 2);
    assert_int_equal(list->key_column, 1);
    assert_int_equal(list->line, 3);
    assert_int_equal(list->column, 3);
    assert_int_equal(list->count, 2);
    map = list->last;
    assert_int_equal(map->line, 4);
    assert_int_equal(map->column, 5);
    assert_str(map->first->key, "b");
    assert_str(map->first->text, "two words");
    assert_int_equal(map->first->key_column, 7);
    assert_int_equal(map->first->column, 10);
    assert_int_equal(node_find(root, STR("none"))->kind, NODE_NULL);
    assert_int_equal(node_find(root, STR("ü"))->column, 4); /* characters, not bytes */
    assert_null(node_find(root, STR("b")));
    assert_int_equal(told.count, 0);
}

static void an_empty_file_is_an_empty_map(void **state)
{
    static const char *const rows[] = {"", "\n", "# only a comment\n", "---\n", "~", "null\n...\n"};

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct node *root = read_text(str_from(rows[i]));

        assert_non_null(root);
        assert_int_equal(root->kind, NODE_MAP);
        assert_int_equal(root->count, 0);
        assert_int_equal(told.count, 0);
    }
}

static void what_other_systems_write_is_read(void **state)
{
    struct node *root = read_text(STR("\xef\xbb\xbf"
                                      "a: 1\r\nb:\r\n  - x\r\n"));

    (void)state;
    assert_non_null(root);
    assert_int_equal(told.count, 0);
    assert_str(node_find(root, STR("a"))->text, "1");
    assert_str(node_find(root, STR("b"))->first->text, "x");
    assert_int_equal(node_find(root, STR("b"))->first->line, 3);
}

static void R56_what_is_not_our_yaml_is_told_with_its_place(void **state)
{
    static const struct {
        const char *text, *line;
    } rows[] = {
        {"a: 1\nb: 2\na: 3\n", "f:3:1: `a` is given twice; the other is at line 1\n"},
        {"x: { k: 1, j: 2, k: 3 }\n", "f:1:18: `k` is given twice; the other is at line 1\n"},
        {"a: &x 1\n", "f:1:4: anchors (&name) are not supported; write the value out\n"},
        {"a: &x [1]\n", "f:1:4: anchors (&name) are not supported; write the value out\n"},
        {"a: *x\n", "f:1:4: aliases (*name) are not supported; write the value out\n"},
        {"a: !!str 1\n", "f:1:4: tags (!name) are not supported; write the value alone\n"},
        {"a: !x {}\n", "f:1:4: tags (!name) are not supported; write the value alone\n"},
        {"? [a]\n: 1\n", "f:1:3: a key must be a word\n"},
        {"~: 1\n", "f:1:1: a key must be a word\n"},
        {"a: 1\n---\nb: 2\n", "f:2:1: a second document; a configuration is one\n"},
        {"a:\n\tb: 1\n", "f:2:1: not YAML: a tab; indent with spaces\n"},
        {"a: [1,\nb: 2\n",
         "f:3:1: not YAML: did not find expected ',' or ']' (while parsing a flow "
         "sequence that starts at line 1)\n"},
        {"a: \"x\n", "f:2:1: not YAML: found unexpected end of stream (while scanning a quoted "
                     "scalar that starts at line 1)\n"},
        {"a: b: c\n", "f:1:5: not YAML: mapping values are not allowed in this context\n"},
        {"a: 1\né: \xff\n", "f:2:4: not YAML: invalid leading UTF-8 octet\n"},
        {"a: \x01\n", "f:1:4: not YAML: control characters are not allowed\n"},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        (void)read_text(str_from(rows[i].text));
        if (strcmp(told.text, rows[i].line) != 0)
            fail_msg("%s: %s", rows[i].text, told.text);
    }
}

static void several_duplicates_are_all_told(void **state)
{
    (void)state;
    assert_non_null(read_text(STR("a: 1\na: 2\na: 3\nb: 1\nb: 2\n")));
    assert_string_equal(told.text, "f:2:1: `a` is given twice; the other is at line 1\n"
                                   "f:3:1: `a` is given twice; the other is at line 2\n"
                                   "f:5:1: `b` is given twice; the other is at line 4\n");
}

/* "Billion laughs": each line ten times the one before.  Refused at the first anchor's use. */
static void aliases_cannot_make_a_text_grow(void **state)
{
    char text[1024] = "a: &a [x,x,x,x,x,x,x,x,x,x]\n";

    (void)state;
    for (char c = 'b'; c < 'k'; c++) {
        size_t n = strlen(text);

        snprintf(text + n, sizeof(text) - n, "%c: &%c [*%c,*%c,*%c,*%c]\n", c, c, c - 1, c - 1,
                 c - 1, c - 1);
    }
    assert_non_null(read_text(str_from(text)));
    assert_true(told.count >= 10);
    assert_true(memory.used < 65536);
}

static void depth_is_bounded(void **state)
{
    char text[100000];

    (void)state;
    snprintf(text, sizeof(text), "[[[[[[[[[[[[[[[[x]]]]]]]]]]]]]]]]");
    assert_non_null(read_text(str_from(text)));
    assert_null(read_text(STR("[[[[[[[[[[[[[[[[[x]]]]]]]]]]]]]]]]]")));
    assert_string_equal(told.text,
                        "f:1:17: nested too deep; a configuration has at most 16 levels\n");
    memset(text, '[', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_null(read_text(str_from(text)));
}

static void size_and_number_of_values_are_bounded(void **state)
{
    size_t size = YAML_BYTES_MAX + 1;
    char *text = malloc(size);

    (void)state;
    assert_non_null(text);
    memset(text, ' ', size);
    assert_null(read_text((struct str){text, size}));
    assert_string_equal(told.text, "f: larger than 8 MiB\n");
    for (size_t i = 0; i < size; i += 2)
        memcpy(text + i, "- ", i + 2 <= size ? 2 : 1);
    for (size_t i = 0; i + 4 <= size; i += 4)
        memcpy(text + i, "- x\n", 4);
    assert_null(read_text((struct str){text, size - 1}));
    assert_non_null(strstr(told.text, "too much: a configuration has at most 500000 values"));
    free(text);
}

static int forget(void **state)
{
    (void)state;
    arena_done(&memory);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tree_remembers_where_everything_stood),
        cmocka_unit_test(an_empty_file_is_an_empty_map),
        cmocka_unit_test(what_other_systems_write_is_read),
        cmocka_unit_test(R56_what_is_not_our_yaml_is_told_with_its_place),
        cmocka_unit_test(several_duplicates_are_all_told),
        cmocka_unit_test(aliases_cannot_make_a_text_grow),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(size_and_number_of_values_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, forget);
}
