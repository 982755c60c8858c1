/*
 * conf_helper.h - load a text against a table of variables and keep what was told.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_CONF_HELPER_H
#define TESTS_CONF_HELPER_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"

struct told {
    char text[65536]; /* one problem a line */
    unsigned count;
};

static struct told told;
/* NAME, value, NAME, value …, NULL */
static const char *const *variables;

__attribute__((unused)) static const char *env(const char *name)
{
    for (unsigned i = 0; variables != NULL && variables[i] != NULL; i += 2) {
        if (strcmp(variables[i], name) == 0)
            return variables[i + 1];
    }
    return NULL;
}

__attribute__((unused)) static void keep(void *ctx, const char *line)
{
    struct told *t = ctx;
    size_t at = strlen(t->text);

    snprintf(t->text + at, sizeof(t->text) - at, "%s\n", line);
    t->count++;
}

__attribute__((unused)) static struct conf *load(const char *text)
{
    memset(&told, 0, sizeof(told));
    return conf_load_text("f", str_from(text), env, keep, &told);
}

/* Load what must be fine. */
__attribute__((unused)) static struct conf *load_fine(const char *text)
{
    struct conf *c = load(text);

    if (c == NULL)
        print_error("%s", told.text);
    assert_non_null(c);
    assert_int_equal(told.count, 0);
    return c;
}

/* Load what must be refused with exactly these lines. */
__attribute__((unused)) static void refused(const char *text, const char *lines)
{
    assert_null(load(text));
    assert_string_equal(told.text, lines);
}

#define assert_str(s, expected)                                                                    \
    do {                                                                                           \
        struct str s_ = (s);                                                                       \
        assert_int_equal(s_.len, strlen(expected));                                                \
        assert_memory_equal(s_.ptr, expected, s_.len);                                             \
    } while (0)

#endif
