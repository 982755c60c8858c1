/*
 * files.h - test data, read whole.  Tests run in the root of the tree.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_UNIT_LLM_FILES_H
#define TESTS_UNIT_LLM_FILES_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"

/* .ptr NULL when it cannot be read; free() it otherwise. */
static inline struct str file_read(const char *path)
{
    FILE *f = fopen(path, "rb");
    char *text = NULL;
    size_t len = 0, cap = 0;

    if (f == NULL)
        return (struct str){NULL, 0};
    do {
        cap = cap * 2 + 4096;
        text = realloc(text, cap);
        assert(text != NULL);
        len += fread(text + len, 1, cap - len, f);
    } while (len == cap);
    fclose(f);
    return (struct str){text, len};
}

static inline void file_free(struct str text)
{
    void *p;

    memcpy(&p, &text.ptr, sizeof(p));
    free(p);
}

/* The entries of `dir` whose names end in `suffix`, in a stable order; their number. */
static inline unsigned files_each(const char *dir, const char *suffix,
                                  void (*fn)(const char *path, const char *name))
{
    struct dirent **names;
    int n = scandir(dir, &names, NULL, alphasort);
    unsigned matched = 0;
    char path[512];

    for (int i = 0; i < n; i++) {
        size_t len = strlen(names[i]->d_name), end = strlen(suffix);

        if (len > end && strcmp(names[i]->d_name + len - end, suffix) == 0) {
            snprintf(path, sizeof(path), "%s/%s", dir, names[i]->d_name);
            fn(path, names[i]->d_name);
            matched++;
        }
        free(names[i]);
    }
    if (n >= 0)
        free(names);
    return matched;
}

#endif
