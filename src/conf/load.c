/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/load.h"

#include <stdarg.h>
#include <stdio.h>

#include "conf/expand.h"
#include "conf/readers.h"

#define MESSAGE_BYTES 1024u

void load_problem(struct load *l, const struct node *at, const char *fmt, ...)
{
    char text[MESSAGE_BYTES];
    va_list ap;

    if (at->kind == NODE_BROKEN)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    problem_at(&l->problems, at->line, at->column, "%s", text);
}

struct suggestion load_among(const struct load *l, struct str wanted, const void *records,
                             size_t stride, uint32_t count)
{
    if (problem_is_deaf(&l->problems))
        return (struct suggestion){""};
    return suggest_among(wanted, records, stride, count);
}

bool load_text(struct load *l, const struct setting *s, const struct node *value,
               struct str *ret_text)
{
    struct str text;
    const char *why = "";

    if (value->kind != NODE_TEXT) {
        reader_tell(l, s, value);
        return false;
    }
    if (!expand_text(l->mem, value->text, l->env, &text, &why)) {
        load_problem(l, value, "`%s`: %s", s->name, why);
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f) {
            load_problem(l, value, "`%s`: has a line break or another control character", s->name);
            return false;
        }
    }
    *ret_text = text;
    return true;
}

/* ---- keys nobody knows ---- */

/* A word that is right elsewhere is more often misplaced than misspelt. */
static const char *section_of(struct str key)
{
    for (uint32_t i = 0; i < settings_top.count; i++) {
        const struct setting *s = &settings_top.rows[i];

        for (uint32_t j = 0; s->type == TYPE_SECTION && j < s->table->count; j++) {
            if (str_eq(str_from(s->table->rows[j].name), key))
                return s->name;
        }
    }
    return NULL;
}

static void list_keys(const struct table *t, struct buf *out)
{
    for (uint32_t i = 0; i < t->count; i++) {
        if (t->rows[i].type != TYPE_LATER &&
            buf_printf(out, "%s%s", i > 0 ? ", " : "", t->rows[i].name) != 0)
            return; /* a shortened list is good enough */
    }
}

static void tell_unknown(struct load *l, const struct table *t, const struct node *child)
{
    const char *section = section_of(child->key);
    struct buf known = {.max = MESSAGE_BYTES / 2};
    struct suggest near;

    suggest_start(&near, child->key);
    for (uint32_t i = 0; i < t->count; i++)
        suggest_offer(&near, str_from(t->rows[i].name));
    list_keys(t, &known);
    if (near.best.len == 0 && section != NULL)
        problem_at(&l->problems, child->key_line, child->key_column,
                   "unknown key %s here; did you mean `%s.%.*s`?", problem_quote(child->key).text,
                   section, STR_ARG(child->key));
    else if (near.best.len == 0)
        problem_at(&l->problems, child->key_line, child->key_column,
                   "unknown key %s; known here: %.*s", problem_quote(child->key).text,
                   STR_ARG(buf_str(&known)));
    else
        problem_at(&l->problems, child->key_line, child->key_column, "unknown key %s%s",
                   problem_quote(child->key).text, suggest_text(&near).text);
    buf_done(&known);
}

static bool is_known(const struct table *t, struct str key)
{
    for (uint32_t i = 0; i < t->count; i++) {
        if (str_eq(str_from(t->rows[i].name), key))
            return true;
    }
    return false;
}

/* ---- tables ---- */

static void read_absent(struct load *l, const struct setting *s, const struct node *map,
                        void *record)
{
    struct node stand_in = {.line = map->line, .column = map->column};

    if (s->flags & SETTING_REQUIRED) {
        bool named = map->key_line != 0;

        problem_at(&l->problems, named ? map->key_line : map->line,
                   named ? map->key_column : map->column, "`%s` is missing: %s", s->name, s->help);
    } else if (s->type == TYPE_SECTION && !(s->flags & SETTING_INHERIT)) {
        stand_in.kind = NODE_MAP;
        load_setting(l, s, &stand_in, record, false);
    } else if (s->preset != NULL && !(s->flags & SETTING_ONE_OF)) {
        stand_in.kind = NODE_TEXT;
        stand_in.text = str_from(s->preset);
        load_setting(l, s, &stand_in, record, false);
    }
}

void load_table(struct load *l, const struct table *t, const struct node *map, void *record,
                bool inherit)
{
    for (const struct node *c = map->first; c != NULL; c = c->next) {
        if (is_known(t, c->key))
            continue;
        if (problem_is_deaf(&l->problems))
            problem_at(&l->problems, c->key_line, c->key_column, "unknown key");
        else
            tell_unknown(l, t, c);
    }
    for (uint32_t i = 0; i < t->count; i++) {
        const struct setting *s = &t->rows[i];
        const struct node *value = node_find(map, str_from(s->name));

        if (value != NULL)
            load_setting(l, s, value, record, inherit);
        else if (!inherit)
            read_absent(l, s, map, record);
    }
    if (t->check != NULL)
        t->check(l, map, record);
}

/* One record; a single word may stand for it. */
static void read_record(struct load *l, const struct setting *s, const struct node *n, void *record,
                        bool inherit)
{
    struct node empty = *n;

    if (n->kind == NODE_TEXT && s->table->unfold != NULL) {
        n = s->table->unfold(l, n, record);
        if (n == NULL)
            return;
    }
    if (n->kind == NODE_NULL) { /* "limits:" with all its lines commented out */
        empty.kind = NODE_MAP;
        n = &empty;
    }
    if (n->kind == NODE_MAP)
        load_table(l, s->table, n, record, inherit);
    else
        reader_tell(l, s, n);
}

/* Allocate the records of a list or map; NULL when there is nothing to read. */
static char *make_records(struct load *l, const struct setting *s, const struct node *n,
                          void *record)
{
    enum node_kind wanted = s->type == TYPE_NAMED ? NODE_MAP : NODE_LIST;
    char *items = NULL;

    if (n->kind == NODE_NULL && (s->flags & SETTING_EMPTY))
        return NULL;
    if (n->kind != wanted) {
        reader_tell(l, s, n);
    } else if (n->count < s->min) {
        load_problem(l, n, "`%s` is empty: name one at least, or leave it out", s->name);
    } else if (n->count > s->max) {
        load_problem(l, n, "`%s`: %u of them; at most %llu", s->name, n->count,
                     (unsigned long long)s->max);
    } else if (n->count > 0) {
        items = arena_array(l->mem, n->count, s->table->record_bytes);
        if (items == NULL) {
            load_problem(l, n, "`%s`: no memory left", s->name);
            return NULL;
        }
        memcpy((char *)record + s->offset, &items, sizeof(items));
        memcpy((char *)record + s->count_offset, &n->count, sizeof(n->count));
    }
    return items;
}

static void prepare(struct load *l, const struct setting *s, const struct node *n, void *record)
{
    struct str *name = record; /* a named record begins with its name */

    if (s->type == TYPE_NAMED) {
        *name = arena_dup(l->mem, n->key);
        if (name->ptr == NULL)
            load_problem(l, n, "`%s`: no memory left", s->name);
    }
    if (s->table->prepare != NULL)
        s->table->prepare(l, record);
}

/* All are named and prepared before any is read, so that they can refer to each other. */
static void read_records(struct load *l, const struct setting *s, const struct node *n,
                         void *record)
{
    char *items = make_records(l, s, n, record), *item = items;

    if (items == NULL)
        return;
    for (const struct node *c = n->first; c != NULL; c = c->next, item += s->table->record_bytes)
        prepare(l, s, c, item);
    item = items;
    for (const struct node *c = n->first; c != NULL; c = c->next, item += s->table->record_bytes)
        read_record(l, s, c, item, false);
}

void load_setting(struct load *l, const struct setting *s, const struct node *value, void *record,
                  bool inherit)
{
    reader_fn *reader = reader_of(s->type);

    if (reader != NULL)
        reader(l, s, value, record);
    else if (s->type == TYPE_SECTION)
        read_record(l, s, value, (char *)record + s->offset,
                    inherit || (s->flags & SETTING_INHERIT));
    else if (s->type == TYPE_LATER)
        problem_at(&l->problems, value->key_line, value->key_column,
                   "`%s`: not available in this version; take it out", s->name);
    else
        read_records(l, s, value, record);
}
