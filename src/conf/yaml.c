/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/yaml.h"

#include <stdlib.h>
#include <yaml.h>

struct reader {
    yaml_parser_t parser;
    struct arena *mem;
    struct problems *problems;
    struct str text;
    unsigned nodes;
};

/* ---- telling ---- */

static uint32_t count_from_1(size_t n)
{
    return n < UINT32_MAX - 1 ? (uint32_t)n + 1 : UINT32_MAX;
}

static bool tab_at(struct str text, yaml_mark_t mark)
{
    struct str line = text, rest = text;

    for (size_t i = 0; i <= mark.line; i++)
        str_cut(rest, '\n', &line, &rest);
    return mark.column < line.len && line.ptr[mark.column] == '\t';
}

/* libyaml reads ahead: of a byte it cannot read it knows the offset alone. */
static yaml_mark_t mark_of(struct str text, size_t offset)
{
    yaml_mark_t at = {0, 0, 0};

    for (size_t i = 0; i < offset && i < text.len; i++) {
        if (text.ptr[i] == '\n') {
            at.line++;
            at.column = 0;
        } else if (((unsigned char)text.ptr[i] & 0xc0) != 0x80) {
            at.column++;
        }
    }
    return at;
}

static void tell_syntax(struct reader *r)
{
    const yaml_parser_t *y = &r->parser;
    yaml_mark_t at =
        y->error == YAML_READER_ERROR ? mark_of(r->text, y->problem_offset) : y->problem_mark;

    if (y->error == YAML_MEMORY_ERROR)
        problem_at(r->problems, 0, 0, "no memory left to read it");
    else if (y->error == YAML_SCANNER_ERROR && tab_at(r->text, at))
        problem_at(r->problems, count_from_1(at.line), count_from_1(at.column),
                   "not YAML: a tab; indent with spaces");
    else if (y->context != NULL && y->context_mark.line != at.line)
        problem_at(r->problems, count_from_1(at.line), count_from_1(at.column),
                   "not YAML: %s (%s that starts at line %u)", y->problem, y->context,
                   count_from_1(y->context_mark.line));
    else
        problem_at(r->problems, count_from_1(at.line), count_from_1(at.column), "not YAML: %s",
                   y->problem != NULL ? y->problem : "unreadable");
}

static void tell_event(struct reader *r, const yaml_event_t *e, const char *what)
{
    problem_at(r->problems, count_from_1(e->start_mark.line), count_from_1(e->start_mark.column),
               "%s", what);
}

/* ---- reading ---- */

static bool next(struct reader *r, yaml_event_t *e)
{
    if (yaml_parser_parse(&r->parser, e))
        return true;
    tell_syntax(r);
    return false;
}

static struct node *node_new(struct reader *r, const yaml_event_t *e)
{
    struct node *n = r->nodes < YAML_NODES_MAX ? ARENA_NEW(r->mem, struct node) : NULL;

    if (n == NULL) {
        tell_event(r, e, "too much: a configuration has at most 500000 values");
        return NULL;
    }
    r->nodes++;
    n->line = count_from_1(e->start_mark.line);
    n->column = count_from_1(e->start_mark.column);
    return n;
}

static void append(struct node *parent, struct node *child)
{
    if (parent->last != NULL)
        parent->last->next = child;
    else
        parent->first = child;
    parent->last = child;
    parent->count++;
}

static bool is_null(const yaml_event_t *e, struct str text)
{
    return e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           (text.len == 0 || str_eq(text, STR("~")) || str_eq(text, STR("null")));
}

/* Anchors and tags; the value itself is then left out of all further checks. */
static bool has_extras(struct reader *r, const yaml_event_t *e, const yaml_char_t *anchor,
                       const yaml_char_t *tag)
{
    if (anchor != NULL)
        tell_event(r, e, "anchors (&name) are not supported; write the value out");
    if (tag != NULL)
        tell_event(r, e, "tags (!name) are not supported; write the value alone");
    return anchor != NULL || tag != NULL;
}

static struct node *read_scalar(struct reader *r, const yaml_event_t *e)
{
    struct str text = {(const char *)e->data.scalar.value, e->data.scalar.length};
    struct node *n = node_new(r, e);

    if (n == NULL || has_extras(r, e, e->data.scalar.anchor, e->data.scalar.tag))
        return n;
    n->kind = is_null(e, text) ? NODE_NULL : NODE_TEXT;
    n->text = arena_dup(r->mem, text);
    if (n->text.ptr != NULL)
        return n;
    tell_event(r, e, "no memory left");
    return NULL;
}

static struct node *read_value(struct reader *r, yaml_event_t *e, unsigned depth);

static bool read_list(struct reader *r, struct node *list, unsigned depth)
{
    yaml_event_t e;

    while (next(r, &e)) {
        struct node *item;

        if (e.type == YAML_SEQUENCE_END_EVENT) {
            yaml_event_delete(&e);
            return true;
        }
        item = read_value(r, &e, depth);
        if (item == NULL)
            return false;
        append(list, item);
    }
    return false;
}

static int by_key(const void *a, const void *b)
{
    const struct node *x = *(const struct node *const *)a, *y = *(const struct node *const *)b;
    size_t n = x->key.len < y->key.len ? x->key.len : y->key.len;
    int order = n > 0 ? memcmp(x->key.ptr, y->key.ptr, n) : 0;

    if (order == 0 && x->key.len != y->key.len)
        order = x->key.len < y->key.len ? -1 : 1;
    if (order == 0 && x->key_line != y->key_line)
        order = x->key_line < y->key_line ? -1 : 1;
    if (order == 0)
        order = x->key_column < y->key_column ? -1 : 1;
    return order;
}

/* Sorted, so that a map of 100,000 keys is no quadratic work. */
static bool tell_duplicates(struct reader *r, const struct node *map)
{
    struct node **sorted = arena_array(r->mem, map->count, sizeof(struct node *));
    uint32_t n = 0;

    if (sorted == NULL)
        return false;
    for (struct node *c = map->first; c != NULL; c = c->next)
        sorted[n++] = c;
    qsort(sorted, n, sizeof(struct node *), by_key);
    for (uint32_t i = 1; i < n; i++) {
        if (str_eq(sorted[i]->key, sorted[i - 1]->key))
            problem_at(r->problems, sorted[i]->key_line, sorted[i]->key_column,
                       "%s is given twice; the other is at line %u",
                       problem_quote(sorted[i]->key).text, sorted[i - 1]->key_line);
    }
    return true;
}

static bool read_map(struct reader *r, struct node *map, unsigned depth)
{
    yaml_event_t e;

    while (next(r, &e)) {
        struct node *key, *value;

        if (e.type == YAML_MAPPING_END_EVENT) {
            yaml_event_delete(&e);
            return tell_duplicates(r, map);
        }
        key = read_value(r, &e, depth);
        if (key == NULL || !next(r, &e))
            return false;
        value = read_value(r, &e, depth);
        if (value == NULL)
            return false;
        if (key->kind != NODE_TEXT) {
            if (key->kind != NODE_BROKEN)
                problem_at(r->problems, key->line, key->column, "a key must be a word");
            continue;
        }
        value->key = key->text;
        value->key_line = key->line;
        value->key_column = key->column;
        append(map, value);
    }
    return false;
}

static struct node *read_nested(struct reader *r, const yaml_event_t *e, unsigned depth)
{
    bool is_map = e->type == YAML_MAPPING_START_EVENT;
    struct node *n = node_new(r, e);
    bool broken, ok;

    if (n == NULL)
        return NULL;
    if (depth >= YAML_DEPTH_MAX) {
        tell_event(r, e, "nested too deep; a configuration has at most 16 levels");
        return NULL;
    }
    broken = is_map ? has_extras(r, e, e->data.mapping_start.anchor, e->data.mapping_start.tag)
                    : has_extras(r, e, e->data.sequence_start.anchor, e->data.sequence_start.tag);
    ok = is_map ? read_map(r, n, depth + 1) : read_list(r, n, depth + 1);
    if (!broken)
        n->kind = is_map ? NODE_MAP : NODE_LIST;
    return ok ? n : NULL;
}

/* Takes the event.  NULL ends the reading; it was told why. */
static struct node *read_value(struct reader *r, yaml_event_t *e, unsigned depth)
{
    struct node *n = NULL;

    if (e->type == YAML_SCALAR_EVENT) {
        n = read_scalar(r, e);
    } else if (e->type == YAML_ALIAS_EVENT) {
        tell_event(r, e, "aliases (*name) are not supported; write the value out");
        n = node_new(r, e);
    } else if (e->type == YAML_SEQUENCE_START_EVENT || e->type == YAML_MAPPING_START_EVENT) {
        n = read_nested(r, e, depth);
    } else {
        tell_event(r, e, "not YAML: a value is missing");
    }
    yaml_event_delete(e);
    return n;
}

/* An empty file has no document: that is an empty map. */
static struct node *read_document(struct reader *r)
{
    struct node *root = NULL;
    yaml_event_t e;

    while (next(r, &e)) {
        yaml_event_type_t type = e.type;

        if (type == YAML_DOCUMENT_START_EVENT && root != NULL)
            tell_event(r, &e, "a second document; a configuration is one");
        if (type == YAML_STREAM_END_EVENT && root == NULL) {
            root = node_new(r, &e);
            if (root != NULL)
                root->kind = NODE_NULL;
        }
        if (type == YAML_STREAM_END_EVENT || (type == YAML_DOCUMENT_START_EVENT && root != NULL)) {
            yaml_event_delete(&e);
            return root;
        }
        if (type == YAML_STREAM_START_EVENT || type == YAML_DOCUMENT_START_EVENT ||
            type == YAML_DOCUMENT_END_EVENT) {
            yaml_event_delete(&e);
            continue;
        }
        root = read_value(r, &e, 0);
        if (root == NULL)
            return NULL;
    }
    return NULL;
}

struct node *yaml_read(struct arena *a, struct str text, struct problems *p)
{
    struct reader r = {.mem = a, .problems = p};
    struct node *root;

    if (str_starts(text, STR("\xef\xbb\xbf"))) /* some editors' mark of UTF-8 */
        text = str_skip(text, 3);
    r.text = text;
    if (text.len > YAML_BYTES_MAX) {
        problem_at(p, 0, 0, "larger than 8 MiB");
        return NULL;
    }
    if (!yaml_parser_initialize(&r.parser)) {
        problem_at(p, 0, 0, "no memory left to read it");
        return NULL;
    }
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)(text.len > 0 ? text.ptr : ""),
                                 text.len);
    root = read_document(&r);
    yaml_parser_delete(&r.parser);
    if (root != NULL && root->kind == NODE_NULL)
        root->kind = NODE_MAP;
    return root;
}

const struct node *node_find(const struct node *map, struct str key)
{
    for (const struct node *c = map->first; c != NULL; c = c->next) {
        if (str_eq(c->key, key))
            return c;
    }
    return NULL;
}
