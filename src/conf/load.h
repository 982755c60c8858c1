/*
 * load.h - from a tree of YAML to filled structs, by the settings table.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONF_LOAD_H
#define CONF_LOAD_H

#include "conf/settings.h"
#include "conf/suggest.h"
#include "conf/yaml.h"

struct load {
    struct conf *conf;    /* being filled */
    struct arena *mem;    /* the configuration's own */
    struct arena scratch; /* gone after loading: the tree, what was only looked at */
    conf_env_fn *env;
    struct problems problems;
};

/* A problem at a value; silent when one was told there already. */
void load_problem(struct load *l, const struct node *at, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* suggest_among(), while anybody listens. */
struct suggestion load_among(const struct load *l, struct str wanted, const void *records,
                             size_t stride, uint32_t count);

/* Fill `record` from `map`.  Absent settings get their defaults, unless `inherit`. */
void load_table(struct load *l, const struct table *t, const struct node *map, void *record,
                bool inherit);

/* Read a value, or a default written like one. */
void load_setting(struct load *l, const struct setting *s, const struct node *value, void *record,
                  bool inherit);

/* The text of a scalar with its variables replaced; false when told wrong. */
MUST_USE bool load_text(struct load *l, const struct setting *s, const struct node *value,
                        struct str *ret_text);

#endif
