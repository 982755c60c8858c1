/*
 * settings.h - every setting is one row of a table.
 *
 * Loading, defaults, bounds, the effective dump, the manual and the test that each key is enforced
 * all run off these rows; adding a setting is adding a row (and using it).
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONF_SETTINGS_H
#define CONF_SETTINGS_H

#include "conf/conf.h"

struct load;
struct node;

/* clang-format off */
/*      type       in the manual          in messages: "expected …" */
#define SETTING_TYPES(X) \
    X(BOOL,       "true or false",       "true or false") \
    X(NUMBER,     "number",              "a whole number") \
    X(DURATION,   "duration",            "a duration such as 250ms, 30s or 1h") \
    X(SECONDS,    "duration",            "a duration such as 30s or 1h") \
    X(SIZE,       "size",                "a size such as 64KiB or 4MiB") \
    X(CHOICE,     "word",                "one word") \
    X(THREADS,    "number, or `auto`",   "auto, or a whole number") \
    X(TEXT,       "text",                "text") \
    X(SECRET,     "secret",              "a secret") \
    X(ADDRESS,    "address",             "address:port") \
    X(URL,        "URL",                 "a URL") \
    X(PROXY,      "URL, or `off`",       "a proxy's URL, or off") \
    X(DIGEST,     "secret",              "a secret") \
    X(TEXTS,      "list of texts",       "a list of texts") \
    X(SECRETS,    "list of secrets",     "a list of secrets") \
    X(HEADERS,    "map of texts",        "a map of header names to values") \
    X(PROVIDER,   "provider's name",     "the name of a provider") \
    X(MODELS,     "list of aliases",     "a list of aliases") \
    X(SECTION,    "section",             "a map of settings") \
    X(RECORDS,    "list of maps",        "a list of maps") \
    X(NAMED,      "map of maps",         "a map of names to maps of settings") \
    X(LATER,      "nothing yet",         "nothing yet")
/* clang-format on */

enum setting_type {
#define X(name, kind, expects) TYPE_##name,
    SETTING_TYPES(X)
#undef X
        TYPE_COUNT
};

enum setting_flag {
    SETTING_RELOAD = 1, /* a changed value is in force after a reload, without a restart */
    SETTING_REQUIRED = 2,
    SETTING_INHERIT = 4, /* a section whose defaults the record was given before */
    SETTING_ONE_OF = 8,  /* another spelling of the row before: neither dumped nor defaulted */
    SETTING_EMPTY = 16,  /* may be an empty text, or an empty list */
};

struct choice {
    const char *word; /* NULL ends the list */
    int value;
    bool later; /* known, not in this version */
};

/* A list is a pointer to its items and, `count_offset`, their number. */
struct setting {
    const char *name;
    enum setting_type type;
    uint16_t offset, width, count_offset; /* in the record */
    uint8_t flags;
    const char *preset; /* the default, as one would write it; NULL: none */
    uint64_t min, max;  /* of the number; of the text's bytes; of the list's items */
    const struct choice *choices;
    const struct table *table; /* of a section or of each record */
    const char *help;
};

struct table {
    const char *name;
    const struct setting *rows;
    uint32_t count;
    uint32_t record_bytes;
    /* A record written as one word: the map it stands for, or NULL when that was told wrong. */
    const struct node *(*unfold)(struct load *l, const struct node *word, void *record);
    /* The other way: the word that says all about this record, or NULL. */
    const char *(*fold)(const void *record);
    /* Give a new record (zeroed, named, numbered) what it inherits. */
    void (*prepare)(struct load *l, void *record);
    /* After the rows were read: what one row alone cannot know. */
    void (*check)(struct load *l, const struct node *map, void *record);
};

extern const struct table settings_top;
extern const char *const setting_kinds[TYPE_COUNT];
extern const char *const setting_expects[TYPE_COUNT];

#endif
