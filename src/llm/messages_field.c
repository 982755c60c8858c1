/*
 * Members of an object by a table, and where in the body something is wrong.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/chat_text.h"
#include "llm/messages_read.h"

#include <stdio.h>

#define PATH_MAX_BYTES 200u
#define DROPPED_NAME_MAX 64u

/* ---- complaints ---- */

static size_t put_path(const struct messages_at *at, char *to, size_t room)
{
    size_t n = at->up != NULL ? put_path(at->up, to, room) : 0;
    const char *dot = n > 0 ? "." : "";
    int more;

    more = at->key.ptr != NULL ? snprintf(to + n, room - n, "%s%.*s", dot, STR_ARG(at->key))
                               : snprintf(to + n, room - n, "%s%u", dot, at->index);
    if (more < 0)
        return n;
    return n + (size_t)more < room ? n + (size_t)more : room - 1;
}

bool messages_refuse(struct messages_reader *rd, const struct messages_at *at, const char *why)
{
    char path[PATH_MAX_BYTES] = "";

    if (at == NULL)
        return chat_refuse(rd->problem, rd->arena, "", "the body %s", why);
    put_path(at, path, sizeof(path));
    return chat_refuse(rd->problem, rd->arena, path, "%s: %s", path, why);
}

bool messages_no_room(struct messages_reader *rd)
{
    *rd->problem = (struct chat_problem){
        .fault = FAULT_TOO_LARGE,
        .why = STR("the request needs more memory than limits.exchange_bytes"),
    };
    return false;
}

/* ---- one member ---- */

static bool is_integer(struct str number)
{
    for (size_t i = 0; i < number.len; i++) {
        if (number.ptr[i] < '0' || number.ptr[i] > '9')
            return false;
    }
    return number.len > 0;
}

/* NULL when `m` is what a field of this kind may be. */
static const char *mismatch(enum messages_kind kind, const struct json_member *m)
{
    switch (kind) {
    case MESSAGES_TEXT:
        return m->type == JSON_STRING ? NULL : "must be a string";
    case MESSAGES_NUMBER:
        return m->type == JSON_NUMBER ? NULL : "must be a number";
    case MESSAGES_INTEGER:
        return m->type == JSON_NUMBER && is_integer(m->value) ? NULL
                                                              : "must be a non-negative integer";
    case MESSAGES_OBJECT:
        return m->type == JSON_OBJECT ? NULL : "must be an object";
    case MESSAGES_ARRAY:
        return m->type == JSON_ARRAY ? NULL : "must be an array";
    case MESSAGES_CONTENT:
        return m->type == JSON_STRING || m->type == JSON_ARRAY ? NULL
                                                               : "must be a string or an array";
    case MESSAGES_BOOL:
        return m->type == JSON_TRUE || m->type == JSON_FALSE ? NULL : "must be a boolean";
    case MESSAGES_ANY:
    case MESSAGES_SKIP:
        return NULL;
    }
    return NULL;
}

static void keep(const struct messages_field *f, const struct json_member *m, void *ret)
{
    char *to = (char *)ret + f->offset;

    if (f->kind == MESSAGES_TEXT) {
        struct json_text text = json_text_of(m->value);

        memcpy(to, &text, sizeof(text));
    } else if (f->kind == MESSAGES_BOOL) {
        enum chat_tri tri = m->type == JSON_TRUE ? CHAT_YES : CHAT_NO;

        memcpy(to, &tri, sizeof(tri));
    } else if (f->kind != MESSAGES_SKIP) {
        memcpy(to, &m->value, sizeof(m->value));
    }
}

/* ---- all of them ---- */

struct walk {
    struct messages_reader *rd;
    const struct messages_at *at;
    const struct messages_field *fields;
    size_t n;
    uint64_t seen, filled; /* a bit a row */
    void *ret;
    messages_other_fn *other;
    bool ok;
};

bool messages_ignore(struct messages_reader *rd, const struct json_member *m)
{
    (void)rd;
    (void)m;
    return true;
}

bool messages_plain_name(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = ascii_lower(s.ptr[i]);

        if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '-')
            return false;
    }
    return s.len > 0 && s.len <= DROPPED_NAME_MAX;
}

static bool note_dropped(struct messages_reader *rd, const struct json_member *m)
{
    if (m->type != JSON_NULL)
        chat_drop(rd->req, m->key);
    return true;
}

static const struct messages_field *find_field(const struct walk *w, const struct json_member *m)
{
    for (size_t i = 0; i < w->n; i++) {
        if (json_key_is(m, w->fields[i].name))
            return &w->fields[i];
    }
    return NULL;
}

static bool take_field(struct walk *w, const struct messages_field *f, const struct json_member *m)
{
    struct messages_at at = {w->at, f->name, 0};
    uint64_t bit = (uint64_t)1 << (f - w->fields);
    const char *why;

    if ((w->seen & bit) != 0)
        return messages_refuse(w->rd, &at, "is given more than once");
    w->seen |= bit;
    if (m->type == JSON_NULL && f->kind != MESSAGES_ANY)
        return true;
    why = mismatch((enum messages_kind)f->kind, m);
    if (why != NULL)
        return messages_refuse(w->rd, &at, why);
    w->filled |= bit;
    keep(f, m, w->ret);
    return true;
}

static bool take_member(void *ctx, const struct json_member *m)
{
    struct walk *w = ctx;
    const struct messages_field *f = find_field(w, m);

    w->ok = f != NULL ? take_field(w, f, m) : w->other(w->rd, m);
    return w->ok;
}

bool messages_fields(struct messages_reader *rd, const struct messages_at *at, struct str value,
                     const struct messages_field *fields, size_t n, void *ret,
                     messages_other_fn *other)
{
    struct walk w = {.rd = rd, .at = at, .fields = fields, .n = n, .ret = ret, .ok = true};

    assert(n <= 64);
    w.other = other != NULL ? other : note_dropped;
    if (json_type_of(value) != JSON_OBJECT)
        return messages_refuse(rd, at, "must be an object");
    if (!json_members(value, take_member, &w))
        return false;
    for (size_t i = 0; i < n; i++) {
        struct messages_at missing = {at, fields[i].name, 0};

        if (fields[i].required && (w.filled >> i & 1) == 0)
            return messages_refuse(rd, &missing, "is required");
    }
    return true;
}

bool messages_type(struct messages_reader *rd, const struct messages_at *at, struct str value,
                   struct json_text *ret)
{
    static const struct messages_field only[] = {{STR_INIT("type"), MESSAGES_TEXT, false, 0}};

    *ret = (struct json_text){NULL, 0};
    return messages_fields(rd, at, value, only, COUNTOF(only), ret, messages_ignore);
}

/* ---- elements ---- */

struct elements {
    struct messages_reader *rd;
    struct messages_at at;
    messages_element_fn *each;
    void *ctx;
};

static bool take_element(void *ctx, const struct json_member *m)
{
    struct elements *e = ctx;

    if (!e->each(e->rd, &e->at, m->value, e->ctx))
        return false;
    e->at.index++;
    return true;
}

bool messages_each(struct messages_reader *rd, const struct messages_at *at, struct str array,
                   messages_element_fn *each, void *ctx)
{
    struct elements e = {rd, {at, {NULL, 0}, 0}, each, ctx};

    return json_members(array, take_element, &e);
}

static bool count_one(void *ctx, const struct json_member *m)
{
    uint32_t *n = ctx;

    (void)m;
    ++*n;
    return true;
}

uint32_t messages_count(struct str array)
{
    uint32_t n = 0;

    json_members(array, count_one, &n);
    return n;
}
