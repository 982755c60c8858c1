/* SPDX-License-Identifier: Apache-2.0 */
#include "llm/chat_fields.h"

#include <stdio.h>

#include "llm/chat_text.h"

#define PATH_MAX_BYTES 256u

/* ---- complaints ---- */

static void put_path(char path[PATH_MAX_BYTES], const struct chat_at *at)
{
    size_t len;

    if (at == NULL)
        return;
    put_path(path, at->up);
    len = strlen(path);
    if (at->name == NULL)
        snprintf(path + len, PATH_MAX_BYTES - len, "[%u]", at->index);
    else
        snprintf(path + len, PATH_MAX_BYTES - len, "%s%s", len > 0 ? "." : "", at->name);
}

bool fields_refuse(struct chat_fields *f, const struct chat_at *at, const char *what)
{
    char path[PATH_MAX_BYTES] = "";

    put_path(path, at);
    return chat_refuse(f->problem, f->arena, path, "'%s' %s", path, what);
}

bool fields_no_room(struct chat_fields *f)
{
    *f->problem = (struct chat_problem){
        .fault = FAULT_TOO_LARGE,
        .why = STR("the request needs more memory than limits.exchange_bytes"),
    };
    return false;
}

/* ---- objects ---- */

bool fields_snake_is(struct str key, struct str name)
{
    size_t k = 0;

    for (size_t i = 0; i < name.len; i++, k++) {
        char c = ascii_lower(name.ptr[i]);

        if (c != name.ptr[i] && (k >= key.len || key.ptr[k++] != '_'))
            return false;
        if (k >= key.len || key.ptr[k] != c)
            return false;
    }
    return k == key.len;
}

static bool is_named(const struct chat_object *o, const struct json_member *m, unsigned i)
{
    return json_key_is(m, o->names[i]) ||
           (o->fields->snake && fields_snake_is(m->key, o->names[i]));
}

struct picking {
    struct chat_object *object;
    json_member_fn *other;
    void *ctx;
    uint64_t seen; /* a bit a name: null was there too */
};
_Static_assert(CHAT_OBJECT_MAX <= 64, "a bit for each");

static bool take_member(void *ctx, const struct json_member *m)
{
    struct picking *p = ctx;
    struct chat_object *o = p->object;
    unsigned i = 0;

    while (i < o->count && !is_named(o, m, i))
        i++;
    if (i == o->count)
        return p->other == NULL || p->other(p->ctx, m);
    if ((p->seen >> i & 1) != 0) {
        struct chat_at at = object_at(o, i);

        return fields_refuse(o->fields, &at, "is given more than once");
    }
    p->seen |= (uint64_t)1 << i;
    if (m->type != JSON_NULL)
        o->values[i] = m->value;
    return true;
}

bool object_pick(struct chat_object *o, struct str value, json_member_fn *other, void *ctx)
{
    struct picking p = {.object = o, .other = other, .ctx = ctx};

    assert(o->count <= CHAT_OBJECT_MAX);
    memset(o->values, 0, o->count * sizeof(o->values[0]));
    if (json_type_of(value) != JSON_OBJECT)
        return fields_refuse(o->fields, &o->at, "must be an object");
    return json_members(value, take_member, &p);
}

struct chat_at object_at(const struct chat_object *o, unsigned i)
{
    const struct chat_at *up = o->at.up == NULL && o->at.name == NULL ? NULL : &o->at;

    return (struct chat_at){.up = up, .name = o->names[i].ptr};
}

struct chat_object object_inside(struct chat_object *o, unsigned i, const struct str *names,
                                 unsigned count)
{
    struct chat_at at = object_at(o, i);

    return object_of(o->fields, &at, names, count);
}

static const char *type_words(enum json_type type)
{
    switch (type) {
    case JSON_STRING:
        return "must be a string";
    case JSON_NUMBER:
        return "must be a number";
    case JSON_OBJECT:
        return "must be an object";
    case JSON_ARRAY:
        return "must be an array";
    case JSON_TRUE:
    case JSON_FALSE:
        return "must be a boolean";
    case JSON_NULL:
    case JSON_NONE:
        break;
    }
    return "is of the wrong type";
}

bool object_type(struct chat_object *o, unsigned i, enum json_type type)
{
    struct chat_at at;

    if (o->values[i].len == 0 || json_type_of(o->values[i]) == type)
        return true;
    at = object_at(o, i);
    return fields_refuse(o->fields, &at, type_words(type));
}

bool object_needs(struct chat_object *o, unsigned i)
{
    struct chat_at at;

    if (o->values[i].len > 0)
        return true;
    at = object_at(o, i);
    return fields_refuse(o->fields, &at, "is required");
}

bool object_text(struct chat_object *o, unsigned i, struct json_text *ret)
{
    if (!object_type(o, i, JSON_STRING))
        return false;
    if (o->values[i].len > 0)
        *ret = json_text_of(o->values[i]);
    return true;
}

bool object_number(struct chat_object *o, unsigned i, struct str *ret)
{
    if (!object_type(o, i, JSON_NUMBER))
        return false;
    if (o->values[i].len > 0)
        *ret = o->values[i];
    return true;
}

bool object_bool(struct chat_object *o, unsigned i, enum chat_tri *ret)
{
    enum json_type type = json_type_of(o->values[i]);

    if (o->values[i].len == 0)
        return true;
    if (type != JSON_TRUE && type != JSON_FALSE)
        return object_type(o, i, JSON_TRUE);
    *ret = type == JSON_TRUE ? CHAT_YES : CHAT_NO;
    return true;
}

/* ---- counting ---- */

static bool count_one(void *ctx, const struct json_member *m)
{
    uint32_t *n = ctx;

    (void)m;
    ++*n;
    return true;
}

uint32_t json_items(struct str value)
{
    enum json_type type = json_type_of(value);
    uint32_t n = 0;

    if (type == JSON_ARRAY || type == JSON_OBJECT)
        json_members(value, count_one, &n);
    return n;
}
