/*
 * JSON Schema as Gemini's Schema, which is a part of OpenAPI 3.0's and refuses words it does not
 * know (ai.google.dev/api/caching#Schema).
 *
 * A node is written from several objects at once: the one that stands there, what its $ref names,
 * and its allOf.  Each $ref is written in its place; one that leads into itself ends as an object
 * of which nothing more is said.
 *
 *   type            upper case; a list is an anyOf, "null" in it is nullable; guessed when absent
 *   anyOf, oneOf    anyOf; null among them is nullable, and one that is left is the node itself
 *   const           an enum of one; of a number: minimum and maximum
 *   enum            strings only; null in it is nullable
 *   format          what the type has; others are refused there
 *   items           required there: an object where it is absent; a list is an anyOf
 *   required        without what is not among the properties
 *   additionalProperties   false is what Gemini does anyway, true is what it cannot; a schema is
 *                   dropped and named
 *
 * Notes to people ($schema, examples, readOnly …) are left out without a word.  Everything else is
 * dropped and named, "schema.<keyword>".
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/chat_text.h"
#include "llm/gemini_node.h"
#include "llm/json_pick.h"

static bool put_value(struct schema *s, struct str value);

/* ---- writing ---- */

struct walk {
    struct node *n;
    struct str properties[GEMINI_SOURCES_MAX]; /* what may be required */
    bool any;                                  /* required */
    bool ok;
};

static bool put_branch(void *ctx, const struct json_member *m)
{
    struct walk *w = ctx;

    if (!gemini_node_is_null(m->value))
        w->ok = put_value(w->n->s, m->value);
    return w->ok;
}

static bool put_array(struct node *n, struct str name, struct str array)
{
    struct walk w = {.n = n, .ok = true};

    pen_key(n->s->pen, name);
    pen_open(n->s->pen, '[');
    json_members(array, put_branch, &w);
    pen_close(n->s->pen, ']');
    return w.ok;
}

static bool put_type_branch(void *ctx, const struct json_member *m)
{
    struct node *n = ctx;
    struct str type = gemini_type_name(m->value);

    if (type.len == 0)
        return true;
    pen_open(n->s->pen, '{');
    pen_key_plain(n->s->pen, STR("type"), type);
    if (str_eq(type, STR("ARRAY")))
        pen_key_raw_some(n->s->pen, STR("items"), STR("{\"type\":\"OBJECT\"}"));
    pen_close(n->s->pen, '}');
    return true;
}

static bool put_types(struct node *n)
{
    if (n->type.len > 0)
        pen_key_plain(n->s->pen, STR("type"), n->type);
    if (n->types.len > 0) {
        pen_key(n->s->pen, STR("anyOf"));
        pen_open(n->s->pen, '[');
        json_members(n->types, put_type_branch, n);
        pen_close(n->s->pen, ']');
    } else if (n->choices.len > 0 && !put_array(n, STR("anyOf"), n->choices)) {
        return false;
    }
    if (n->nullable) {
        pen_key(n->s->pen, STR("nullable"));
        pen_bool(n->s->pen, true);
    }
    return true;
}

static bool put_property(void *ctx, const struct json_member *m)
{
    struct walk *w = ctx;

    pen_key(w->n->s->pen, m->key);
    w->ok = put_value(w->n->s, m->value);
    return w->ok;
}

static bool put_properties(struct node *n, struct walk *w)
{
    bool any = false;

    for (unsigned i = 0; i < n->sources && w->ok; i++) {
        struct str found = json_pick_one(n->source[i], STR("properties"), JSON_OBJECT);

        w->properties[i] = found;
        if (found.len == 0 || json_is_empty(found))
            continue;
        if (!any) {
            pen_key(n->s->pen, STR("properties"));
            pen_open(n->s->pen, '{');
        }
        any = true;
        json_members(found, put_property, w);
    }
    if (any)
        pen_close(n->s->pen, '}');
    return w->ok;
}

static bool is_property(const struct walk *w, struct json_text name)
{
    for (unsigned i = 0; i < w->n->sources && name.ptr != NULL; i++) {
        if (json_pick_one(w->properties[i], str_make(name.ptr, name.len), JSON_NONE).len > 0)
            return true;
    }
    return false;
}

static bool put_required(void *ctx, const struct json_member *m)
{
    struct walk *w = ctx;
    size_t bytes = 0;

    for (unsigned i = 0; i < w->n->sources; i++)
        bytes += w->properties[i].len;
    w->ok = gemini_node_search(w->n->s, bytes);
    if (!w->ok || !is_property(w, json_text_of(m->value)))
        return w->ok;
    if (!w->any) {
        pen_key(w->n->s->pen, STR("required"));
        pen_open(w->n->s->pen, '[');
    }
    w->any = true;
    pen_raw(w->n->s->pen, m->value);
    return true;
}

static bool put_object(struct node *n)
{
    struct walk w = {.n = n, .ok = true};

    if (!put_properties(n, &w))
        return false;
    for (unsigned i = 0; i < n->sources && w.ok; i++) {
        struct str required = json_pick_one(n->source[i], STR("required"), JSON_ARRAY);

        if (required.len > 0)
            json_members(required, put_required, &w);
    }
    if (w.any)
        pen_close(n->s->pen, ']');
    return w.ok;
}

static bool put_items(struct node *n)
{
    struct str items = gemini_node_find(n, STR("items"), JSON_NONE);
    struct str list = json_type_of(items) == JSON_ARRAY
                          ? items
                          : gemini_node_find(n, STR("prefixItems"), JSON_ARRAY);
    bool ok = true;

    if (!str_eq(n->type, STR("ARRAY")))
        return true;
    if (list.len > 0 && json_type_of(items) != JSON_OBJECT) {
        gemini_node_drop(n->s, STR("prefixItems"));
        pen_key(n->s->pen, STR("items"));
        pen_open(n->s->pen, '{');
        ok = put_array(n, STR("anyOf"), list);
        pen_close(n->s->pen, '}');
        return ok;
    }
    pen_key(n->s->pen, STR("items"));
    return put_value(n->s, items.len > 0 ? items : STR("{}"));
}

static bool put_enum_string(void *ctx, const struct json_member *m)
{
    if (m->type == JSON_STRING)
        pen_raw(((struct node *)ctx)->s->pen, m->value);
    return true;
}

static void put_constant(struct node *n, struct str value)
{
    struct json_pen *pen = n->s->pen;

    if (json_type_of(value) == JSON_STRING) {
        pen_key(pen, STR("enum"));
        pen_open(pen, '[');
        pen_raw(pen, value);
        pen_close(pen, ']');
    } else if (json_type_of(value) == JSON_NUMBER) {
        pen_key_raw_some(pen, STR("minimum"), value);
        pen_key_raw_some(pen, STR("maximum"), value);
    } else {
        gemini_node_drop(n->s, STR("const"));
    }
}

static void put_enum(struct node *n)
{
    struct str list = gemini_node_find(n, STR("enum"), JSON_ARRAY),
               one = gemini_node_find(n, STR("const"), JSON_NONE);

    if (one.len > 0) {
        put_constant(n, one);
    } else if (list.len > 0 && str_eq(n->type, STR("STRING")) && gemini_strings_only(list)) {
        pen_key(n->s->pen, STR("enum"));
        pen_open(n->s->pen, '[');
        json_members(list, put_enum_string, n);
        pen_close(n->s->pen, ']');
    } else if (list.len > 0 && gemini_tally(list).others > 0) {
        gemini_node_drop(n->s, STR("enum"));
    }
}

static void put_format(struct node *n)
{
    static const struct str known[][2] = {
        {STR_INIT("\"date-time\""), STR_INIT("STRING")},
        {STR_INIT("\"enum\""), STR_INIT("STRING")},
        {STR_INIT("\"float\""), STR_INIT("NUMBER")},
        {STR_INIT("\"double\""), STR_INIT("NUMBER")},
        {STR_INIT("\"int32\""), STR_INIT("INTEGER")},
        {STR_INIT("\"int64\""), STR_INIT("INTEGER")},
    };
    struct str format = gemini_node_find(n, STR("format"), JSON_STRING);

    for (size_t i = 0; i < COUNTOF(known); i++) {
        if (str_eq(format, known[i][0]) && str_eq(n->type, known[i][1])) {
            pen_key_raw_some(n->s->pen, STR("format"), format);
            return;
        }
    }
    if (format.len > 0)
        gemini_node_drop(n->s, STR("format"));
}

enum manner {
    AS_IS,   /* the first that says it */
    HANDLED, /* above */
    NOTE,    /* to people */
};

/* clang-format off */
static const struct keyword {
    struct str word;
    enum manner manner;
} keywords[] = {
    {STR_INIT("title"), AS_IS},         {STR_INIT("description"), AS_IS},
    {STR_INIT("default"), AS_IS},       {STR_INIT("example"), AS_IS},
    {STR_INIT("minimum"), AS_IS},       {STR_INIT("maximum"), AS_IS},
    {STR_INIT("minLength"), AS_IS},     {STR_INIT("maxLength"), AS_IS},
    {STR_INIT("pattern"), AS_IS},       {STR_INIT("propertyOrdering"), AS_IS},
    {STR_INIT("minItems"), AS_IS},      {STR_INIT("maxItems"), AS_IS},
    {STR_INIT("minProperties"), AS_IS}, {STR_INIT("maxProperties"), AS_IS},
    {STR_INIT("type"), HANDLED},        {STR_INIT("nullable"), HANDLED},
    {STR_INIT("anyOf"), HANDLED},       {STR_INIT("oneOf"), HANDLED},
    {STR_INIT("allOf"), HANDLED},       {STR_INIT("$ref"), HANDLED},
    {STR_INIT("$defs"), HANDLED},       {STR_INIT("definitions"), HANDLED},
    {STR_INIT("const"), HANDLED},       {STR_INIT("enum"), HANDLED},
    {STR_INIT("format"), HANDLED},      {STR_INIT("items"), HANDLED},
    {STR_INIT("prefixItems"), HANDLED}, {STR_INIT("properties"), HANDLED},
    {STR_INIT("required"), HANDLED},
    {STR_INIT("$schema"), NOTE},        {STR_INIT("$id"), NOTE},
    {STR_INIT("$anchor"), NOTE},        {STR_INIT("$comment"), NOTE},
    {STR_INIT("examples"), NOTE},       {STR_INIT("deprecated"), NOTE},
    {STR_INIT("readOnly"), NOTE},       {STR_INIT("writeOnly"), NOTE},
};
/* clang-format on */

static bool drop_unknown(void *ctx, const struct json_member *m)
{
    for (size_t i = 0; i < COUNTOF(keywords); i++) {
        if (json_key_is(m, keywords[i].word))
            return true;
    }
    if (!json_key_is(m, STR("additionalProperties")) ||
        (m->type == JSON_OBJECT && !json_is_empty(m->value)))
        gemini_node_drop(ctx, m->key);
    return true;
}

static void put_simple(struct node *n)
{
    for (size_t i = 0; i < COUNTOF(keywords); i++) {
        if (keywords[i].manner == AS_IS)
            pen_key_raw_some(n->s->pen, keywords[i].word,
                             gemini_node_find(n, keywords[i].word, JSON_NONE));
    }
    for (unsigned i = 0; i < n->sources; i++)
        json_members(n->source[i], drop_unknown, n->s);
}

static bool put_node(struct node *n)
{
    bool ok;

    pen_open(n->s->pen, '{');
    ok = put_types(n) && put_object(n) && put_items(n);
    put_enum(n);
    put_format(n);
    put_simple(n);
    pen_close(n->s->pen, '}');
    return ok;
}

static bool put_value(struct schema *s, struct str value)
{
    struct node n = {.s = s};
    unsigned refs = s->refs_count;
    bool ok;

    if (++s->nodes > GEMINI_NODES_MAX || s->depth == GEMINI_DEPTH_MAX)
        return gemini_node_refuse(s);
    s->depth++;
    ok = gemini_node_gather(&n, value) && gemini_node_settle(&n) && put_node(&n);
    s->depth--;
    s->refs_count = refs;
    return ok && s->pen->err == 0;
}

bool gemini_schema_put(struct json_pen *pen, struct chat_request *r, struct str schema,
                       struct chat_problem *p)
{
    struct schema s = {.pen = pen, .request = r, .problem = p, .root = schema};

    return put_value(&s, schema);
}

bool gemini_schema_is_empty(struct str schema)
{
    struct str properties = json_pick_one(schema, STR("properties"), JSON_OBJECT);
    bool joined = json_pick_one(schema, STR("$ref"), JSON_NONE).len > 0 ||
                  json_pick_one(schema, STR("allOf"), JSON_NONE).len > 0 ||
                  json_pick_one(schema, STR("anyOf"), JSON_NONE).len > 0 ||
                  json_pick_one(schema, STR("oneOf"), JSON_NONE).len > 0;

    return schema.len == 0 || json_type_of(schema) != JSON_OBJECT ||
           (!joined && (properties.len == 0 || json_is_empty(properties)));
}
