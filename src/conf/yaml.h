/*
 * yaml.h - YAML text as a tree that remembers where everything stood.
 *
 * A deliberate subset of YAML 1.1: one document; maps with text keys, lists, scalars as text (types
 * are the settings table's business, so `off` stays a word).  Anchors, aliases and tags are refused
 * by name: without aliases no text can grow when read ("billion laughs").  Depth, nodes and bytes
 * are bounded.  The tree lives in the arena and may point into nothing else.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONF_YAML_H
#define CONF_YAML_H

#include "conf/problem.h"

#define YAML_BYTES_MAX (8u << 20)
#define YAML_NODES_MAX 500000u
#define YAML_DEPTH_MAX 16u

enum node_kind {
    NODE_BROKEN, /* a problem was told already: say nothing more about it */
    NODE_NULL,   /* nothing, ~ or null */
    NODE_TEXT,
    NODE_LIST,
    NODE_MAP,
};

struct node {
    enum node_kind kind;
    uint32_t line, column;         /* from 1 */
    uint32_t key_line, key_column; /* in a map */
    struct str key;                /* in a map */
    struct str text;               /* as written, ${VAR} not replaced */
    uint32_t count;                /* of children */
    struct node *first, *last, *next;
};

/* The document, an empty map for an empty one; NULL when it cannot be read as YAML (told). */
MUST_USE struct node *yaml_read(struct arena *a, struct str text, struct problems *p);

/* The child of a map, or NULL. */
const struct node *node_find(const struct node *map, struct str key);

#endif
