/*
 * gemini_node.h - one node of a JSON Schema: all that is said of it, wherever that stands.
 *
 * Shared by gemini_node.c, which finds it out, and gemini_schema.c, which writes it.  Checked JSON
 * only.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LLM_GEMINI_NODE_H
#define LLM_GEMINI_NODE_H

#include "llm/gemini_part.h"

#define GEMINI_SOURCES_MAX 16u /* of one node */
#define GEMINI_DEPTH_MAX 48u
#define GEMINI_NODES_MAX 4096u     /* of one schema: $refs in $refs grow without end otherwise */
#define GEMINI_WORK_MAX (4u << 20) /* bytes of its objects, each as often as it is written */
/* Bytes that are gone through for a $ref or a required name: many of them in a large schema are the
 * square of its size. */
#define GEMINI_SEARCH_MAX (64u << 20)

struct schema { /* that is being written */
    struct json_pen *pen;
    struct chat_request *request;
    struct chat_problem *problem;
    struct str root;
    struct str refs[GEMINI_DEPTH_MAX]; /* those we are in */
    unsigned refs_count, depth, nodes;
    size_t work, searched;
};

struct node {
    struct schema *s;
    struct str source[GEMINI_SOURCES_MAX];
    unsigned sources;
    struct str type;    /* upper case; empty: none */
    struct str types;   /* a list of several */
    struct str choices; /* anyOf, oneOf, or a list of items: raw array */
    bool nullable;
};

struct tally { /* of an array that says what may be */
    unsigned nulls, others, untyped;
    struct str last; /* that is not null */
};

/* The object, what its $ref names, and its allOf, as sources of the node.  false:
 * *s->problem says why. */
bool gemini_node_gather(struct node *n, struct str object);
/* Then: its type, its choices, and whether it may be null.  false as above. */
bool gemini_node_settle(struct node *n);
/* Of the first source that has it; empty when none has. */
struct str gemini_node_find(const struct node *n, struct str name, enum json_type type);

void gemini_node_drop(struct schema *s, struct str keyword);
bool gemini_node_refuse(struct schema *s); /* always false */
/* Before looking for something in `bytes` bytes; false: it was too much. */
bool gemini_node_search(struct schema *s, size_t bytes);

struct tally gemini_tally(struct str array);
/* Whether a schema, a value or a type is null and nothing else. */
bool gemini_node_is_null(struct str value);
/* Of a raw "string": STRING; empty when there is none. */
struct str gemini_type_name(struct str value);
/* Whether the last that is not null is a string. */
bool gemini_strings_only(struct str array);

#endif
