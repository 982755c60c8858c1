/*
 * What a node of a JSON Schema says, gathered from where it says it: itself, its $ref, its allOf,
 * and the one branch of an anyOf that is left beside null.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/gemini_node.h"

#include "llm/chat_text.h"
#include "llm/json_pick.h"

#define KEY_MAX 256u /* of one step of a $ref */

void gemini_node_drop(struct schema *s, struct str keyword)
{
    struct str name = arena_join(s->request->arena, (struct str[]){STR("schema."), keyword}, 2);

    chat_drop(s->request, name.ptr != NULL ? name : STR("schema"));
}

bool gemini_node_refuse(struct schema *s)
{
    return chat_refuse(s->problem, s->request->arena, "schema",
                       "with its $refs in their places, the schema is nested deeper than %u "
                       "levels or larger than %u nodes or %u bytes",
                       GEMINI_DEPTH_MAX, GEMINI_NODES_MAX, GEMINI_WORK_MAX);
}

bool gemini_node_search(struct schema *s, size_t bytes)
{
    s->searched += bytes;
    return s->searched <= GEMINI_SEARCH_MAX || gemini_node_refuse(s);
}

/* ---- $ref ---- */

/* A step of a JSON pointer in a URL: ~1 is /, ~0 is ~, %41 is A. */
static struct str step_plain(struct str step, char to[KEY_MAX])
{
    static const char hex[] = "0123456789abcdef";
    size_t n = 0;

    for (size_t i = 0; i < step.len && n < KEY_MAX; i++) {
        char c = step.ptr[i];

        if (c == '~' && i + 1 < step.len && (step.ptr[i + 1] == '0' || step.ptr[i + 1] == '1')) {
            c = step.ptr[++i] == '1' ? '/' : '~';
        } else if (c == '%' && i + 2 < step.len) {
            const char *hi = memchr(hex, ascii_lower(step.ptr[i + 1]), 16);
            const char *lo = memchr(hex, ascii_lower(step.ptr[i + 2]), 16);

            if (hi != NULL && lo != NULL) {
                c = (char)((hi - hex) * 16 + (lo - hex));
                i += 2;
            }
        }
        to[n++] = c;
    }
    return str_make(to, n);
}

/* What "#/$defs/x" names in the root; empty when there is nothing. */
static struct str ref_find(struct schema *s, struct str ref)
{
    struct str at = s->root, step, rest;
    char key[KEY_MAX];

    if (ref.len == 0 || ref.ptr[0] != '#' || (ref.len > 1 && ref.ptr[1] != '/'))
        return (struct str){NULL, 0};
    for (rest = str_skip(ref, 2); rest.len > 0 && at.len > 0;) {
        str_cut(rest, '/', &step, &rest);
        at = json_pick_one(at, step_plain(step, key), JSON_NONE);
    }
    return at;
}

static bool is_within(const struct schema *s, struct str ref)
{
    for (unsigned i = 0; i < s->refs_count; i++) {
        if (str_eq(s->refs[i], ref))
            return true;
    }
    return false;
}

/* ---- the objects that make up a node ---- */

static bool take_all_of(void *ctx, const struct json_member *m)
{
    return gemini_node_gather(ctx, m->value);
}

static bool gather_ref(struct node *n, struct str value)
{
    struct schema *s = n->s;
    struct str ref = json_text_plain(s->request->arena, json_text_of(value));
    struct str target;

    if (!gemini_node_search(s, s->root.len))
        return false;
    target = ref_find(s, ref);
    if (target.len == 0 || is_within(s, ref)) {
        gemini_node_drop(s, STR("$ref"));
        if (target.len > 0)
            n->type = STR("OBJECT");
        return true;
    }
    if (s->refs_count == GEMINI_DEPTH_MAX)
        return gemini_node_refuse(s);
    s->refs[s->refs_count++] = ref;
    return gemini_node_gather(n, target);
}

/* false: *s->problem says why. */
bool gemini_node_gather(struct node *n, struct str object)
{
    struct str ref = {NULL, 0}, all = ref;
    const struct json_pick picks[] = {
        {STR("$ref"), JSON_STRING, &ref},
        {STR("allOf"), JSON_ARRAY, &all},
    };

    if (json_type_of(object) != JSON_OBJECT)
        return true;
    n->s->work += object.len;
    if (n->sources == GEMINI_SOURCES_MAX || n->s->work > GEMINI_WORK_MAX)
        return gemini_node_refuse(n->s);
    n->source[n->sources++] = object;
    json_pick(object, picks, COUNTOF(picks));
    if (ref.len > 0 && !gather_ref(n, ref))
        return false;
    return all.len == 0 || json_members(all, take_all_of, n);
}

/* Of the first source that has it. */
struct str gemini_node_find(const struct node *n, struct str name, enum json_type type)
{
    struct str value = {NULL, 0};

    for (unsigned i = 0; i < n->sources && value.len == 0; i++)
        value = json_pick_one(n->source[i], name, type);
    return value;
}

/* ---- what type it is ---- */

struct str gemini_type_name(struct str value)
{
    static const struct str names[][2] = {
        {STR_INIT("\"string\""), STR_INIT("STRING")},
        {STR_INIT("\"number\""), STR_INIT("NUMBER")},
        {STR_INIT("\"integer\""), STR_INIT("INTEGER")},
        {STR_INIT("\"object\""), STR_INIT("OBJECT")},
        {STR_INIT("\"boolean\""), STR_INIT("BOOLEAN")},
        {STR_INIT("\"array\""), STR_INIT("ARRAY")},
    };

    for (size_t i = 0; i < COUNTOF(names); i++) {
        if (str_eq_nocase(value, names[i][0]))
            return names[i][1];
    }
    return (struct str){NULL, 0};
}

bool gemini_node_is_null(struct str value)
{
    struct str type = json_pick_one(value, STR("type"), JSON_STRING);

    return str_eq_nocase(value, STR("\"null\"")) || str_eq_nocase(type, STR("\"null\"")) ||
           str_eq(value, STR("null"));
}

/* A branch such as {"required":["a"]} only narrows the node it stands in. */
static bool only_narrows(struct str branch)
{
    static const struct str words[] = {
        STR_INIT("type"),  STR_INIT("$ref"),       STR_INIT("enum"),
        STR_INIT("const"), STR_INIT("anyOf"),      STR_INIT("oneOf"),
        STR_INIT("allOf"), STR_INIT("properties"), STR_INIT("items"),
    };

    for (size_t i = 0; i < COUNTOF(words); i++) {
        if (json_pick_one(branch, words[i], JSON_NONE).len > 0)
            return false;
    }
    return json_type_of(branch) == JSON_OBJECT;
}

static bool count(void *ctx, const struct json_member *m)
{
    struct tally *t = ctx;

    if (gemini_node_is_null(m->value)) {
        t->nulls++;
        return true;
    }
    t->others++;
    t->untyped += only_narrows(m->value);
    t->last = m->value;
    return true;
}

struct tally gemini_tally(struct str array)
{
    struct tally t = {.nulls = 0};

    if (array.len > 0)
        json_members(array, count, &t);
    return t;
}

static void settle_type(struct node *n)
{
    struct str list = gemini_node_find(n, STR("type"), JSON_ARRAY),
               one = gemini_node_find(n, STR("type"), JSON_STRING);
    struct tally t = gemini_tally(list);

    n->nullable |= t.nulls > 0 || gemini_node_is_null(one);
    if (t.others > 1)
        n->types = list;
    else if (t.others == 1)
        n->type = gemini_type_name(t.last);
    else if (n->type.len == 0)
        n->type = gemini_type_name(one);
}

/* anyOf or oneOf; one branch that is left beside null joins the node. */
static bool settle_choices(struct node *n, struct str keyword)
{
    struct str array = gemini_node_find(n, keyword, JSON_ARRAY);
    struct tally t = gemini_tally(array);

    if (array.len == 0)
        return true;
    n->nullable |= t.nulls > 0;
    if (t.untyped > 0)
        gemini_node_drop(n->s, keyword);
    else if (t.others == 1)
        return gemini_node_gather(n, t.last);
    else if (t.others > 1)
        n->choices = array;
    return true;
}

bool gemini_strings_only(struct str array)
{
    struct tally t = gemini_tally(array);

    return t.others > 0 && json_type_of(t.last) == JSON_STRING;
}

static struct str guess(const struct node *n)
{
    struct str constant = gemini_node_find(n, STR("const"), JSON_NONE);
    enum json_type type = constant.len > 0 ? json_type_of(constant) : JSON_NONE;

    if (gemini_node_find(n, STR("properties"), JSON_OBJECT).len > 0)
        return STR("OBJECT");
    if (gemini_node_find(n, STR("items"), JSON_NONE).len > 0 ||
        gemini_node_find(n, STR("prefixItems"), JSON_ARRAY).len > 0)
        return STR("ARRAY");
    if (type == JSON_STRING || gemini_strings_only(gemini_node_find(n, STR("enum"), JSON_ARRAY)))
        return STR("STRING");
    if (type == JSON_NUMBER || gemini_node_find(n, STR("enum"), JSON_ARRAY).len > 0)
        return STR("NUMBER");
    return type == JSON_TRUE || type == JSON_FALSE ? STR("BOOLEAN") : STR("OBJECT");
}

bool gemini_node_settle(struct node *n)
{
    settle_type(n);
    if (!settle_choices(n, STR("anyOf")) || !settle_choices(n, STR("oneOf")))
        return false;
    if (n->type.len == 0 && n->types.len == 0) {
        settle_type(n); /* of the branch that joined */
        if (n->type.len == 0 && n->types.len == 0 && n->choices.len == 0)
            n->type = guess(n);
    }
    n->nullable |= gemini_tally(gemini_node_find(n, STR("enum"), JSON_ARRAY)).nulls > 0 ||
                   gemini_node_find(n, STR("nullable"), JSON_TRUE).len > 0;
    return true;
}
