/*
 * Gemini's Schema (a part of OpenAPI 3.0's) as JSON Schema.
 *
 *   type              lower case; with nullable a list of it and "null"
 *   nullable          also among anyOf and enum
 *   minItems …        numbers, which protobuf's JSON may write as strings
 *   format "enum", propertyOrdering, example: nothing that holds for what is valid; left out
 *
 * All else is JSON Schema already and stays as it is written.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/generate_part.h"
#include "llm/json_pick.h"

enum kind { AS_IT_IS, LEFT_OUT, TYPE, FORMAT, ENUM, COUNT, NODE, NODES, NODE_MAP, ANY_OF };

static const struct {
    struct str name;
    enum kind kind;
} words[] = {
    {STR_INIT("type"), TYPE},
    {STR_INIT("nullable"), LEFT_OUT},
    {STR_INIT("propertyOrdering"), LEFT_OUT},
    {STR_INIT("example"), LEFT_OUT},
    {STR_INIT("format"), FORMAT},
    {STR_INIT("enum"), ENUM},
    {STR_INIT("minItems"), COUNT},
    {STR_INIT("maxItems"), COUNT},
    {STR_INIT("minLength"), COUNT},
    {STR_INIT("maxLength"), COUNT},
    {STR_INIT("minProperties"), COUNT},
    {STR_INIT("maxProperties"), COUNT},
    {STR_INIT("items"), NODE},
    {STR_INIT("additionalProperties"), NODE},
    {STR_INIT("prefixItems"), NODES},
    {STR_INIT("anyOf"), ANY_OF},
    {STR_INIT("oneOf"), NODES},
    {STR_INIT("allOf"), NODES},
    {STR_INIT("properties"), NODE_MAP},
    {STR_INIT("defs"), NODE_MAP},
    {STR_INIT("$defs"), NODE_MAP},
};

static const struct str types[] = {
    STR_INIT("string"), STR_INIT("number"), STR_INIT("integer"), STR_INIT("boolean"),
    STR_INIT("array"),  STR_INIT("object"), STR_INIT("null"),
};

struct node {
    struct json_pen *pen;
    bool nullable;
};

static void put_node(struct json_pen *pen, struct str schema);

static void put_type(struct node *n, struct str value)
{
    struct json_text word = json_text_of(value);
    struct str name = str_make(word.ptr, word.len);
    size_t i = word.ptr != NULL ? 0 : COUNTOF(types);

    while (i < COUNTOF(types) && !str_eq_nocase(name, types[i]))
        i++;
    if (word.ptr != NULL && str_eq(name, STR("TYPE_UNSPECIFIED")))
        return;
    pen_key(n->pen, STR("type"));
    if (i == COUNTOF(types)) {
        pen_raw(n->pen, value);
    } else if (n->nullable) {
        pen_open(n->pen, '[');
        pen_plain(n->pen, types[i]);
        pen_plain(n->pen, STR("null"));
        pen_close(n->pen, ']');
    } else {
        pen_plain(n->pen, types[i]);
    }
}

static bool put_element(void *ctx, const struct json_member *m)
{
    struct node *n = ctx;

    pen_raw(n->pen, m->value);
    return true;
}

static void put_enum(struct node *n, struct str value)
{
    pen_key(n->pen, STR("enum"));
    if (!n->nullable || json_type_of(value) != JSON_ARRAY) {
        pen_raw(n->pen, value);
        return;
    }
    pen_open(n->pen, '[');
    json_members(value, put_element, n);
    pen_null(n->pen);
    pen_close(n->pen, ']');
}

static void put_count(struct node *n, struct str name, struct str value)
{
    struct json_text digits = json_text_of(value);

    pen_key(n->pen, name);
    if (digits.len > 0 && json_count(value) > 0)
        pen_u64(n->pen, json_count(value));
    else if (digits.ptr != NULL)
        pen_u64(n->pen, 0);
    else
        pen_raw(n->pen, value);
}

static bool put_sub(void *ctx, const struct json_member *m)
{
    struct node *n = ctx;

    if (m->key.ptr != NULL)
        pen_key(n->pen, m->key);
    put_node(n->pen, m->value);
    return true;
}

/* `null`: one more. */
static void put_nodes(struct node *n, struct str name, struct str value, bool null)
{
    bool array = json_type_of(value) == JSON_ARRAY;

    pen_key(n->pen, name);
    if (!array && json_type_of(value) != JSON_OBJECT) {
        pen_raw(n->pen, value);
        return;
    }
    pen_open(n->pen, array ? '[' : '{');
    json_members(value, put_sub, n);
    if (array && null)
        pen_raw(n->pen, STR("{\"type\":\"null\"}"));
    pen_close(n->pen, array ? ']' : '}');
}

static void put_word(struct node *n, enum kind kind, struct str name, struct str value)
{
    switch (kind) {
    case LEFT_OUT:
        return;
    case TYPE:
        put_type(n, value);
        return;
    case FORMAT:
        if (!str_eq(value, STR("\"enum\"")))
            pen_key_raw_some(n->pen, name, value);
        return;
    case ENUM:
        put_enum(n, value);
        return;
    case COUNT:
        put_count(n, name, value);
        return;
    case NODE:
        pen_key(n->pen, name);
        put_node(n->pen, value);
        return;
    case NODES:
    case NODE_MAP:
    case ANY_OF:
        put_nodes(n, name, value, kind == ANY_OF && n->nullable);
        return;
    case AS_IT_IS:
        pen_key_raw_some(n->pen, name, value);
        return;
    }
}

static bool take_word(void *ctx, const struct json_member *m)
{
    size_t i = 0;

    while (i < COUNTOF(words) && !json_key_is(m, words[i].name) &&
           !fields_snake_is(m->key, words[i].name))
        i++;
    if (i < COUNTOF(words))
        put_word(ctx, words[i].kind, words[i].name, m->value);
    else
        put_word(ctx, AS_IT_IS, m->key, m->value);
    return true;
}

static void put_node(struct json_pen *pen, struct str schema)
{
    struct node n = {.pen = pen};

    if (json_type_of(schema) != JSON_OBJECT) {
        pen_raw(pen, schema);
        return;
    }
    n.nullable = json_pick_one(schema, STR("nullable"), JSON_TRUE).len > 0;
    pen_open(pen, '{');
    json_members(schema, take_word, &n);
    pen_close(pen, '}');
}

struct str generate_schema(struct arena *a, struct str schema)
{
    struct buf out = {.max = 0};
    struct json_pen pen = json_pen(&out);
    struct str copy = {NULL, 0};

    put_node(&pen, schema);
    if (pen.err == 0)
        copy = arena_dup(a, buf_str(&out));
    buf_done(&out);
    return copy;
}
