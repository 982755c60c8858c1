/*
 * A tool call's arguments in pieces: {"jsonPath":"$.a.b[0]","stringValue":"x","willContinue":true}.
 *
 * The pieces come in the order of the text they make, so it can be written as they come: what is
 * open and not on the next path is closed, what is on the path and not open is opened.  One that
 * goes back into what was closed cannot be written any more and is refused, for a key that comes
 * twice means something else to each reader.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/chat_text.h"
#include "llm/gemini_part.h"
#include "llm/json_pick.h"

#define DEPTH_MAX 32u

struct step { /* one of a path */
    bool element;
    uint64_t index;
    struct str key; /* plain */
};

struct key {
    struct str name;
    struct key *next;
};

struct level { /* an open object or array */
    bool array;
    struct step last; /* the member that was written last, or is being written */
    struct key *keys; /* all that were */
    uint64_t count;
};

struct gemini_args {
    struct arena *arena;
    bool in_string; /* the value at the end of the path goes on */
    unsigned depth; /* of `level`; 0: nothing is written */
    char *scratch;  /* what the last piece made, until the next one */
    size_t scratch_bytes;
    struct level level[DEPTH_MAX];
};

struct gemini_args *gemini_args_new(struct arena *a)
{
    struct gemini_args *g = ARENA_NEW(a, struct gemini_args);

    if (g != NULL)
        g->arena = a;
    return g;
}

/* ---- paths ---- */

static bool step_name(struct str *s, struct step *ret)
{
    size_t n = 1;

    while (n < s->len && s->ptr[n] != '.' && s->ptr[n] != '[')
        n++;
    *ret = (struct step){.key = str_make(s->ptr + 1, n - 1)};
    *s = str_skip(*s, n);
    return n > 1;
}

/* ['a key'] or ["a key"]; a quote inside is written \' and stays a rarity that is refused. */
static bool step_quoted(struct str *s, struct step *ret)
{
    const char *end = s->len > 2 ? memchr(s->ptr + 2, s->ptr[1], s->len - 2) : NULL;
    size_t n = end != NULL ? (size_t)(end - s->ptr) : 0;

    if (end == NULL || n + 1 >= s->len || s->ptr[n + 1] != ']' || memchr(s->ptr, '\\', n) != NULL)
        return false;
    *ret = (struct step){.key = str_make(s->ptr + 2, n - 2)};
    *s = str_skip(*s, n + 2);
    return true;
}

static bool step_bracket(struct str *s, struct step *ret)
{
    struct str head, tail;

    if (s->len > 1 && (s->ptr[1] == '\'' || s->ptr[1] == '"'))
        return step_quoted(s, ret);
    if (!str_cut(str_skip(*s, 1), ']', &head, &tail))
        return false;
    *ret = (struct step){.element = true};
    *s = tail;
    return str_to_u64(head, &ret->index);
}

/* The steps of "$.a.b[0]"; 0 when it is no path, or too long. */
static unsigned path_read(struct str path, struct step steps[DEPTH_MAX])
{
    unsigned n = 0;

    if (path.len == 0 || path.ptr[0] != '$')
        return 0;
    path = str_skip(path, 1);
    while (path.len > 0) {
        bool ok = n < DEPTH_MAX && (path.ptr[0] == '.'   ? step_name(&path, &steps[n])
                                    : path.ptr[0] == '[' ? step_bracket(&path, &steps[n])
                                                         : false);

        if (!ok)
            return 0;
        n++;
    }
    return n;
}

static bool step_eq(const struct step *a, const struct step *b)
{
    return a->element == b->element && a->index == b->index && str_eq(a->key, b->key);
}

/* ---- the text ---- */

struct text {
    char *start, *at;
};

/* JSON as the inside of a string; room was reckoned before. */
static void put(struct text *t, struct str json)
{
    for (size_t i = 0; i < json.len; i++) {
        if (json.ptr[i] == '"' || json.ptr[i] == '\\')
            *t->at++ = '\\';
        *t->at++ = json.ptr[i];
    }
}

static void close_to(struct gemini_args *g, struct text *t, unsigned depth)
{
    if (g->in_string)
        put(t, STR("\""));
    g->in_string = false;
    for (; g->depth > depth; g->depth--)
        put(t, g->level[g->depth - 1].array ? STR("]") : STR("}"));
}

static void open_level(struct gemini_args *g, struct text *t, bool array)
{
    g->level[g->depth++] = (struct level){.array = array};
    put(t, array ? STR("[") : STR("{"));
}

/* Whether `s` may come next in `l`. */
static bool is_fresh(const struct level *l, const struct step *s)
{
    if (s->element != l->array)
        return false;
    if (s->element)
        return s->index == l->count;
    for (const struct key *k = l->keys; k != NULL; k = k->next) {
        if (str_eq(k->name, s->key))
            return false;
    }
    return true;
}

static bool put_step(struct gemini_args *g, struct text *t, const struct step *s)
{
    struct level *l = &g->level[g->depth - 1];
    struct key *k = s->element ? NULL : ARENA_NEW(g->arena, struct key);
    struct str quoted = s->element ? STR("") : json_quote(g->arena, s->key);

    if (!is_fresh(l, s) || quoted.ptr == NULL || (!s->element && k == NULL))
        return false;
    if (l->count++ > 0)
        put(t, STR(","));
    if (k != NULL) {
        *k = (struct key){s->key, l->keys};
        l->keys = k;
        put(t, quoted);
        put(t, STR(":"));
    }
    l->last = *s;
    return true;
}

/* How many of the open levels lie on the path, the outermost included. */
static unsigned shared(const struct gemini_args *g, const struct step *steps, unsigned n)
{
    unsigned i = 0;

    while (i + 1 < g->depth && i + 1 < n && step_eq(&g->level[i].last, &steps[i]))
        i++;
    return i + 1;
}

static bool is_here(const struct gemini_args *g, const struct step *steps, unsigned n)
{
    return g->in_string && g->depth == n && shared(g, steps, n) == n &&
           step_eq(&g->level[n - 1].last, &steps[n - 1]);
}

static bool go_to(struct gemini_args *g, struct text *t, const struct step *steps, unsigned n)
{
    if (g->depth == 0)
        open_level(g, t, false);
    close_to(g, t, shared(g, steps, n));
    for (unsigned i = g->depth - 1; i < n; i++) {
        if (!put_step(g, t, &steps[i]))
            return false;
        if (i + 1 < n)
            open_level(g, t, steps[i + 1].element);
    }
    return true;
}

static size_t room_for(const struct step *steps, unsigned n, size_t value)
{
    size_t room = 64 + 2 * value + 4 * DEPTH_MAX;

    for (unsigned i = 0; i < n; i++)
        room += 16 + 7 * steps[i].key.len;
    return room;
}

static bool start_text(struct gemini_args *g, struct text *t, size_t room)
{
    if (room > g->scratch_bytes) {
        char *scratch = arena_bytes(g->arena, 2 * room);

        if (scratch == NULL)
            return false;
        g->scratch = scratch;
        g->scratch_bytes = 2 * room;
    }
    t->start = t->at = g->scratch;
    return true;
}

static struct json_text text_of(const struct text *t)
{
    return (struct json_text){t->start, (size_t)(t->at - t->start)};
}

struct partial {
    struct str path, string, number, boolean, goes_on;
};

static struct partial partial_read(struct str value)
{
    struct partial p = {.path = {NULL, 0}};
    const struct json_pick picks[] = {
        {STR("jsonPath"), JSON_STRING, &p.path},      {STR("stringValue"), JSON_STRING, &p.string},
        {STR("numberValue"), JSON_NONE, &p.number},   {STR("boolValue"), JSON_NONE, &p.boolean},
        {STR("willContinue"), JSON_TRUE, &p.goes_on},
    };

    json_pick(value, picks, COUNTOF(picks));
    return p;
}

static void put_value(struct gemini_args *g, struct text *t, const struct partial *p, bool more)
{
    if (p->string.len > 0) {
        if (!more)
            put(t, STR("\""));
        put(t, str_make(p->string.ptr + 1, p->string.len - 2));
        g->in_string = p->goes_on.len > 0;
        if (!g->in_string)
            put(t, STR("\""));
    } else if (p->number.len > 0) {
        put(t, p->number);
    } else {
        put(t, p->boolean.len > 0 ? p->boolean : STR("null"));
    }
}

struct json_text gemini_args_put(struct gemini_args *g, struct str partial)
{
    const struct json_text none = {NULL, 0};
    struct partial p = partial_read(partial);
    struct step steps[DEPTH_MAX];
    struct str path = json_text_plain(g->arena, json_text_of(p.path));
    unsigned n = path_read(path, steps);
    struct text t;

    if (n == 0 || !start_text(g, &t, room_for(steps, n, partial.len)))
        return none;
    if (p.string.len > 0 && is_here(g, steps, n)) {
        put_value(g, &t, &p, true);
        return text_of(&t);
    }
    path = arena_dup(g->arena, path); /* for the keys have to outlive what was fed */
    if (path.ptr == NULL || path_read(path, steps) != n || !go_to(g, &t, steps, n))
        return none;
    put_value(g, &t, &p, false);
    return text_of(&t);
}

struct json_text gemini_args_end(struct gemini_args *g)
{
    struct text t;

    if (!start_text(g, &t, 4 * DEPTH_MAX))
        return (struct json_text){NULL, 0};
    if (g->depth == 0)
        open_level(g, &t, false);
    close_to(g, &t, 0);
    return text_of(&t);
}
