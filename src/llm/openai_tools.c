/*
 * Tool calls, as streams of clients expect them, out of what streams of providers hold (R8).
 *
 * In the wild: proper indexes, interleaved; every index 0 and a new id for each call; no index at
 * all; a whole call in one delta; id, type or name again on later deltas, also as ""; no id;
 * arguments as an object or null.  A call is known by its id, else by its index, else it is the
 * one before.  A name opens a new call when the id is new or, where there are no ids, when the name
 * differs or the arguments before it were complete.
 *
 * What is right already goes through as it came, byte for byte.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/openai_part.h"

#define CALLS_MAX 128u /* a choice */
#define NO_INDEX UINT64_MAX

/* Whether what was fed is a whole JSON object or array: what the brackets say is enough to tell a
 * second call from more of the first. */
struct brackets {
    uint32_t depth;
    bool in_string, escaped, whole;
    bool any; /* something was fed */
};

struct call {
    struct call *next;
    uint64_t id, name; /* hashes; 0: none came */
    uint64_t index;    /* the provider's */
    unsigned number;   /* ours */
    struct brackets arguments;
};

struct openai_tools { /* of one choice */
    struct openai_tools *next;
    uint64_t choice;
    struct call *calls, *last;
    unsigned count;
};

/* One element of a tool_calls array; values as written, empty when absent or null. */
struct delta {
    struct str id, type, name, arguments;
    enum json_type arguments_type;
    uint64_t id_hash, name_hash;
    uint64_t number; /* of `index`, or NO_INDEX */
};

/* FNV-1a; never 0. */
static uint64_t hash(uint64_t seed, struct str s)
{
    uint64_t h = seed ^ 0xcbf29ce484222325u;

    for (size_t i = 0; i < s.len; i++)
        h = (h ^ (unsigned char)s.ptr[i]) * 0x100000001b3u;
    return h != 0 ? h : 1;
}

/* ---- reading a delta ---- */

static bool take_function(void *ctx, const struct json_member *m)
{
    struct delta *d = ctx;

    if (json_key_is(m, STR("name")) && m->type == JSON_STRING) {
        d->name = m->value;
        d->name_hash = json_is_empty(m->value) ? 0 : hash(0, m->value);
    } else if (json_key_is(m, STR("arguments"))) {
        d->arguments = m->value;
        d->arguments_type = m->type;
    }
    return true;
}

static bool take_delta(void *ctx, const struct json_member *m)
{
    struct delta *d = ctx;

    if (json_key_is(m, STR("index"))) {
        if (!str_to_u64(m->value, &d->number))
            d->number = NO_INDEX;
    } else if (json_key_is(m, STR("id")) && m->type == JSON_STRING) {
        d->id = m->value;
        d->id_hash = json_is_empty(m->value) ? 0 : hash(0, m->value);
    } else if (json_key_is(m, STR("type")) && m->type == JSON_STRING) {
        d->type = m->value;
    } else if (json_key_is(m, STR("function")) && m->type == JSON_OBJECT) {
        return json_scan(m->value, JSON_DEPTH_MAX, take_function, d, NULL);
    }
    return true;
}

/* ---- whose delta it is ---- */

static struct call *find_by_id(const struct openai_tools *t, const struct delta *d)
{
    for (struct call *c = t->calls; c != NULL; c = c->next)
        if (c->id == d->id_hash &&
            (d->number == NO_INDEX || c->index == NO_INDEX || c->index == d->number))
            return c;
    return NULL;
}

/* The latest: where every index is 0, the one before is gone on from. */
static struct call *find_by_index(const struct openai_tools *t, const struct delta *d)
{
    struct call *found = NULL;

    for (struct call *c = t->calls; c != NULL; c = c->next)
        if (c->index == d->number || (c->index == NO_INDEX && c->number == d->number))
            found = c;
    return found;
}

static bool opens_another(const struct call *c, const struct delta *d)
{
    if (d->id_hash != 0 && (c->id != 0 || c->name != 0))
        return d->name_hash != 0 || d->number == NO_INDEX;
    if (d->name_hash == 0 || c->name == 0)
        return false;
    return d->name_hash != c->name || c->arguments.whole;
}

static struct call *find_call(const struct openai_tools *t, const struct delta *d)
{
    struct call *c = d->id_hash != 0 ? find_by_id(t, d) : NULL;

    if (c != NULL)
        return c;
    c = d->number != NO_INDEX ? find_by_index(t, d) : t->last;
    return c != NULL && !opens_another(c, d) ? c : NULL;
}

static struct call *add_call(struct arena *a, struct openai_tools *t, const struct delta *d)
{
    struct call *c = t->count < CALLS_MAX ? ARENA_NEW(a, struct call) : NULL;

    if (c == NULL)
        return NULL;
    *c = (struct call){.id = d->id_hash, .index = d->number, .number = t->count++};
    if (t->last != NULL)
        t->last->next = c;
    else
        t->calls = c;
    t->last = c;
    return c;
}

static bool copy_calls(const struct openai_tools *from, struct arena *a, struct openai_tools *to)
{
    struct call **at = &to->calls;

    to->last = NULL;
    for (const struct call *c = from->calls; c != NULL; c = c->next) {
        struct call *copy = ARENA_NEW(a, struct call);

        if (copy == NULL)
            return false;
        *copy = *c;
        copy->next = NULL;
        *at = to->last = copy;
        at = &copy->next;
    }
    return true;
}

bool openai_tools_copy(const struct openai_tools *tools, struct arena *to,
                       struct openai_tools **ret_copy)
{
    struct openai_tools *first = NULL, **at = &first;

    for (; tools != NULL; tools = tools->next) {
        struct openai_tools *copy = ARENA_NEW(to, struct openai_tools);

        if (copy == NULL)
            return false;
        *copy = *tools;
        copy->next = NULL;
        if (!copy_calls(tools, to, copy))
            return false;
        *at = copy;
        at = &copy->next;
    }
    *ret_copy = first;
    return true;
}

static struct openai_tools *get_tools(struct openai_watch *w, uint64_t choice)
{
    struct openai_tools *t = w->tools;

    while (t != NULL && t->choice != choice)
        t = t->next;
    if (t != NULL || choice >= OPENAI_CHOICES_MAX)
        return t;
    t = ARENA_NEW(w->arena, struct openai_tools);
    if (t == NULL)
        return NULL;
    t->choice = choice;
    t->next = w->tools;
    w->tools = t;
    return t;
}

/* ---- arguments ---- */

static void feed_char(struct brackets *b, char c)
{
    if (b->escaped) {
        b->escaped = false;
    } else if (b->in_string) {
        b->escaped = c == '\\';
        b->in_string = c != '"';
    } else if (c == '"') {
        b->in_string = true;
    } else if (c == '{' || c == '[') {
        b->depth++;
    } else if ((c == '}' || c == ']') && b->depth > 0) {
        b->whole = --b->depth == 0;
    }
}

/* The text inside a quoted string.  Of its escapes only \" and \\ matter to the brackets; the
 * others pass as their letters. */
static void feed_quoted(struct brackets *b, struct str value)
{
    for (size_t i = 1; i + 1 < value.len; i++) {
        char c = value.ptr[i];

        if (c == '\\') {
            c = value.ptr[++i];
            if (c == 'u')
                i += 4;
        }
        feed_char(b, c);
    }
}

static void feed_arguments(struct brackets *b, const struct delta *d)
{
    b->any |= d->arguments_type != JSON_NONE && d->arguments_type != JSON_NULL &&
              !(d->arguments_type == JSON_STRING && json_is_empty(d->arguments));
    if (d->arguments_type == JSON_STRING)
        feed_quoted(b, d->arguments);
    else if (d->arguments_type == JSON_OBJECT || d->arguments_type == JSON_ARRAY)
        b->whole = true;
}

/* ---- writing a delta ---- */

struct writer {
    struct openai_watch *watch;
    struct buf *out;
    const struct delta *delta;
    bool first, name; /* the call's first delta; its name belongs here */
    bool comma;       /* something stands before, in this object */
    bool failed;
};

static void put(struct writer *w, struct str s)
{
    if (!w->failed && buf_put(w->out, s) < 0)
        w->failed = true;
}

static void put_member(struct writer *w, struct str key, struct str value)
{
    put(w, w->comma ? STR(",\"") : STR("\""));
    put(w, key);
    put(w, STR("\":"));
    put(w, value);
    w->comma = true;
}

static struct str arguments_text(struct writer *w, const struct json_member *m)
{
    struct str text;

    if (m->type == JSON_STRING)
        return m->value;
    if (m->type == JSON_NULL)
        return STR("\"\"");
    text = json_quote(w->watch->arena, m->value);
    w->failed |= text.ptr == NULL;
    return text;
}

static bool put_function_member(void *ctx, const struct json_member *m)
{
    struct writer *w = ctx;

    if (json_key_is(m, STR("arguments")))
        put_member(w, m->key, arguments_text(w, m));
    else if (w->name || m->type != JSON_STRING || !json_key_is(m, STR("name")))
        put_member(w, m->key, m->value);
    return true;
}

static bool put_delta_member(void *ctx, const struct json_member *m)
{
    struct writer *w = ctx;

    if (json_key_is(m, STR("index")) || json_key_is(m, STR("id")) || json_key_is(m, STR("type")))
        return true; /* these were written first */
    if (m->type != JSON_OBJECT || !json_key_is(m, STR("function"))) {
        put_member(w, m->key, m->value);
        return true;
    }
    put_member(w, m->key, STR("{"));
    w->comma = false;
    (void)!json_scan(m->value, JSON_DEPTH_MAX, put_function_member, w, NULL);
    put(w, STR("}"));
    w->comma = true;
    return true;
}

/* Different for each answer, choice and call, and the same whenever the answer is read again. */
static struct str make_id(struct writer *w, struct str chunk_id, uint64_t choice, unsigned number)
{
    uint64_t h = hash(choice * CALLS_MAX + number, chunk_id);
    struct str id = arena_printf(w->watch->arena, "\"call_%016llx\"", (unsigned long long)h);

    w->failed |= id.ptr == NULL;
    return id;
}

static void put_delta(struct writer *w, struct str item, const struct call *c, uint64_t choice,
                      struct str chunk_id)
{
    const struct delta *d = w->delta;

    w->failed |= buf_printf(w->out, "{\"index\":%u", c->number) < 0;
    w->comma = true;
    if (w->first) {
        put_member(w, STR("id"), d->id_hash != 0 ? d->id : make_id(w, chunk_id, choice, c->number));
        put_member(w, STR("type"), d->type.len > 2 ? d->type : STR("\"function\""));
    }
    (void)!json_scan(item, JSON_DEPTH_MAX, put_delta_member, w, NULL);
    put(w, STR("}"));
}

/* ---- one array ---- */

struct mending {
    struct writer writer;
    struct openai_tools *tools;
    struct str chunk_id;
    unsigned items;
    bool mended;
};

static bool is_right(const struct delta *d, const struct call *c, bool first, bool named)
{
    bool arguments = d->arguments.len == 0 || d->arguments_type == JSON_STRING;

    if (d->number != c->number || !arguments || (d->name.len > 0 && named))
        return false;
    return first ? d->id_hash != 0 && d->type.len > 2 : d->id.len == 0 && d->type.len == 0;
}

static bool mend_delta(void *ctx, const struct json_member *m)
{
    struct mending *t = ctx;
    struct delta d = {.number = NO_INDEX};
    struct call *c = NULL;
    bool first, named;

    put(&t->writer, t->items++ > 0 ? STR(",") : STR("["));
    if (m->type == JSON_OBJECT && json_scan(m->value, JSON_DEPTH_MAX, take_delta, &d, NULL))
        c = find_call(t->tools, &d);
    first = c == NULL;
    if (first && m->type == JSON_OBJECT)
        c = add_call(t->writer.watch->arena, t->tools, &d);
    if (c == NULL) {
        put(&t->writer, m->value);
        return true;
    }
    named = c->name != 0;
    if (!named)
        c->name = d.name_hash;
    if (c->id == 0)
        c->id = d.id_hash;
    feed_arguments(&c->arguments, &d);
    if (is_right(&d, c, first, named)) {
        put(&t->writer, m->value);
        return true;
    }
    t->mended = true;
    t->writer.delta = &d;
    t->writer.first = first;
    t->writer.name = !named;
    put_delta(&t->writer, m->value, c, t->tools->choice, t->chunk_id);
    return true;
}

/* Calls of functions that have had no arguments when the choice ends. */
static void put_empty_arguments(struct mending *t)
{
    for (struct call *c = t->tools->calls; c != NULL; c = c->next) {
        if (c->name == 0 || c->arguments.any)
            continue;
        c->arguments.any = true;
        t->mended = true;
        t->writer.failed |=
            buf_printf(t->writer.out, "%c{\"index\":%u,\"function\":{\"arguments\":\"{}\"}}",
                       t->items++ > 0 ? ',' : '[', c->number) < 0;
    }
}

bool openai_tools_mend(struct openai_watch *w, uint64_t choice, struct str chunk_id,
                       struct str array, bool last, struct buf *out)
{
    struct mending t = {
        .writer = {.watch = w, .out = out}, .tools = get_tools(w, choice), .chunk_id = chunk_id};
    size_t before = out->len;

    if (t.tools == NULL)
        return false;
    if (array.len > 0)
        (void)!json_scan(array, JSON_DEPTH_MAX, mend_delta, &t, NULL);
    if (last)
        put_empty_arguments(&t);
    put(&t.writer, STR("]"));
    if (t.mended && !t.writer.failed)
        return true;
    out->len = before;
    return false;
}
