/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/shape.h"

#define DEPTH_MAX 64u /* deeper, everything fits: schemas nest as their writers like */

/* A step from the root to where we are; the steps above it are further up the stack. */
struct step {
    const struct step *above;
    struct str name; /* .ptr NULL: an element */
    size_t index;
};

struct walk {
    enum shape_style style;
    struct arena *arena;
    struct shape_flaw *flaw;
    unsigned depth;
};

static char snake_of(char c, char *ret_low)
{
    bool upper = c >= 'A' && c <= 'Z';

    *ret_low = ascii_lower(c);
    return upper ? '_' : '\0';
}

/* Is `came` the name, which is in camel case, or the same in snake case? */
static bool is_either_case(struct str name, struct str came)
{
    size_t at = 0;
    char low;

    if (str_eq(name, came))
        return true;
    for (size_t i = 0; i < name.len; i++) {
        if (snake_of(name.ptr[i], &low) != '\0' && (at >= came.len || came.ptr[at++] != '_'))
            return false;
        if (at >= came.len || came.ptr[at++] != low)
            return false;
    }
    return at == came.len;
}

static bool is_same(struct str name, struct str came, enum shape_style style)
{
    return style == SHAPE_BRACKETS ? is_either_case(name, came) : str_eq(name, came);
}

static struct str text_of(yyjson_val *v)
{
    return yyjson_is_str(v) ? str_make(yyjson_get_str(v), yyjson_get_len(v)) : str_make(NULL, 0);
}

yyjson_val *shape_get(yyjson_val *object, struct str name, enum shape_style style)
{
    yyjson_obj_iter it;
    yyjson_val *key;

    if (!yyjson_obj_iter_init(object, &it))
        return NULL;
    while ((key = yyjson_obj_iter_next(&it)) != NULL) {
        if (is_same(name, text_of(key), style))
            return yyjson_obj_iter_get_val(key);
    }
    return NULL;
}

/* ---- Saying where */

static void put_snake(struct out *o, struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char low;

        if (snake_of(name.ptr[i], &low) != '\0')
            OUT_LIT(o, "_");
        out_put(o, str_make(&low, 1));
    }
}

static void put_place(struct out *o, const struct step *s, enum shape_style style)
{
    if (s == NULL)
        return;
    put_place(o, s->above, style);
    if (s->name.ptr == NULL && style == SHAPE_FIELDS)
        return;
    if (s->name.ptr == NULL && style == SHAPE_BRACKETS) {
        out_fmt(o, "[%zu]", s->index);
        return;
    }
    if (o->buf.len > 0)
        OUT_LIT(o, ".");
    if (s->name.ptr == NULL)
        out_u64(o, s->index);
    else if (style == SHAPE_BRACKETS)
        put_snake(o, s->name);
    else
        out_put(o, s->name);
}

static struct str place_of(const struct walk *w, const struct step *s)
{
    struct out o = {.full = false};
    struct str place;

    put_place(&o, s, w->style);
    place = arena_dup(w->arena, out_str(&o));
    buf_done(&o.buf);
    return place;
}

static bool refuse(const struct walk *w, const struct step *at, struct shape_flaw flaw)
{
    flaw.place = place_of(w, at);
    *w->flaw = flaw;
    return false;
}

static void put_listed(struct out *o, struct str value, bool last)
{
    if (o->buf.len > 0)
        out_put(o, last ? STR(" or ") : STR(", "));
    OUT_LIT(o, "'");
    out_put(o, value);
    OUT_LIT(o, "'");
}

struct str shape_list(struct str values, const struct shape *variants, struct arena *a)
{
    struct out o = {.full = false};
    struct str value, list;

    while (values.len > 0) {
        str_cut(values, ' ', &value, &values);
        put_listed(&o, value, values.len == 0);
    }
    for (size_t i = 0; variants != NULL && i < variants->variant_count; i++)
        put_listed(&o, variants->variants[i].value, false);
    list = arena_dup(a, out_str(&o));
    buf_done(&o.buf);
    return list;
}

/* ---- Walking */

static unsigned type_of(yyjson_val *v)
{
    switch (yyjson_get_type(v)) {
    case YYJSON_TYPE_STR:
        return SHAPE_STRING;
    case YYJSON_TYPE_BOOL:
        return SHAPE_BOOL;
    case YYJSON_TYPE_NUM:
        return yyjson_is_int(v) ? SHAPE_INT | SHAPE_NUMBER : SHAPE_NUMBER;
    case YYJSON_TYPE_OBJ:
        return SHAPE_OBJECT;
    case YYJSON_TYPE_ARR:
        return SHAPE_ARRAY;
    default:
        return SHAPE_NULL;
    }
}

static bool is_listed(struct str values, struct str wanted)
{
    struct str value;

    while (values.len > 0) {
        str_cut(values, ' ', &value, &values);
        if (str_eq(value, wanted))
            return true;
    }
    return false;
}

static bool fits(struct walk *w, const struct shape *s, yyjson_val *v, const struct step *at);

static bool elements_fit(struct walk *w, const struct shape_member *m, yyjson_val *v,
                         const struct step *at)
{
    struct step step = {.above = at};
    yyjson_arr_iter it;
    yyjson_val *e;

    yyjson_arr_iter_init(v, &it);
    for (; (e = yyjson_arr_iter_next(&it)) != NULL; step.index++) {
        if ((m->types & SHAPE_TEXTS) != 0 ? !yyjson_is_str(e) : !yyjson_is_obj(e))
            return refuse(w, &step,
                          (struct shape_flaw){.wrong = SHAPE_TYPE, .member = m, .got = e});
        if (m->of != NULL && !fits(w, m->of, e, &step))
            return false;
    }
    return true;
}

static bool value_fits(struct walk *w, const struct shape_member *m, yyjson_val *v,
                       const struct step *at)
{
    /* protobuf's JSON takes null for any member, and it is as if the member were not there. */
    unsigned types = m->types | (w->style == SHAPE_BRACKETS ? SHAPE_NULL : 0u);

    if ((types & type_of(v)) == 0)
        return refuse(w, at, (struct shape_flaw){.wrong = SHAPE_TYPE, .member = m, .got = v});
    if (m->values.len > 0 && yyjson_is_str(v) && !is_listed(m->values, text_of(v)))
        return refuse(w, at, (struct shape_flaw){.wrong = SHAPE_VALUE, .member = m, .got = v});
    if (m->of == NULL && (m->types & SHAPE_TEXTS) == 0)
        return true;
    if (yyjson_is_arr(v))
        return elements_fit(w, m, v, at);
    return !yyjson_is_obj(v) || fits(w, m->of, v, at);
}

static const struct shape_member *member_find(const struct walk *w, const struct shape *s,
                                              struct str name)
{
    for (size_t i = 0; i < s->count; i++) {
        if (is_same(s->members[i].name, name, w->style))
            return &s->members[i];
    }
    return NULL;
}

static bool has_all(struct walk *w, const struct shape *s, yyjson_val *v, const struct step *at)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct shape_member *m = &s->members[i];
        struct step step = {.above = at, .name = m->name};

        if ((m->types & SHAPE_MUST) != 0 && shape_get(v, m->name, w->style) == NULL)
            return refuse(w, &step, (struct shape_flaw){.wrong = SHAPE_MISSING, .member = m});
    }
    return true;
}

static bool members_fit(struct walk *w, const struct shape *s, yyjson_val *v, const struct step *at)
{
    yyjson_obj_iter it;
    yyjson_val *key;

    yyjson_obj_iter_init(v, &it);
    while ((key = yyjson_obj_iter_next(&it)) != NULL) {
        struct str name = text_of(key);
        const struct shape_member *m = member_find(w, s, name);
        struct step step = {.above = at, .name = m != NULL ? m->name : name};

        if (m == NULL && !s->open)
            return refuse(w, at,
                          (struct shape_flaw){.wrong = SHAPE_UNKNOWN,
                                              .name = name,
                                              .got = yyjson_obj_iter_get_val(key)});
        if (m != NULL && !value_fits(w, m, yyjson_obj_iter_get_val(key), &step))
            return false;
    }
    return has_all(w, s, v, at);
}

static const struct shape_variant *variant_find(const struct shape *s, yyjson_val *by)
{
    if (by == NULL || yyjson_is_null(by))
        return s->otherwise;
    for (size_t i = 0; i < s->variant_count; i++) {
        if (str_eq(s->variants[i].value, text_of(by)))
            return &s->variants[i];
    }
    return NULL;
}

static bool variant_fits(struct walk *w, const struct shape *s, yyjson_val *v,
                         const struct step *at)
{
    yyjson_val *by = yyjson_obj_getn(v, s->by.ptr, s->by.len);
    const struct shape_variant *variant = variant_find(s, by);
    struct step tag = {.above = at};

    if (variant == NULL)
        return refuse(w, at, (struct shape_flaw){.wrong = SHAPE_VARIANT, .shape = s, .got = by});
    tag.name = variant->value;
    return fits(w, variant->shape, v, s->tagged ? &tag : at);
}

/* protobuf has maps as lists of pairs: properties[2].value. */
static bool pairs_fit(struct walk *w, const struct shape *s, yyjson_val *v, const struct step *at)
{
    struct step nth = {.above = at}, value = {.above = &nth, .name = STR("value")};
    yyjson_obj_iter it;
    yyjson_val *key;

    yyjson_obj_iter_init(v, &it);
    for (; (key = yyjson_obj_iter_next(&it)) != NULL; nth.index++) {
        yyjson_val *pair = yyjson_obj_iter_get_val(key);

        if (yyjson_is_obj(pair) && !fits(w, s->each, pair, &value))
            return false;
    }
    return true;
}

static bool fits(struct walk *w, const struct shape *s, yyjson_val *v, const struct step *at)
{
    bool ok;

    if (w->depth >= DEPTH_MAX)
        return true;
    w->depth++;
    if (s->each != NULL)
        ok = pairs_fit(w, s, v, at);
    else
        ok = s->by.len > 0 ? variant_fits(w, s, v, at) : members_fit(w, s, v, at);
    w->depth--;
    return ok;
}

bool shape_fits(const struct shape *s, yyjson_val *v, enum shape_style style, struct arena *a,
                struct shape_flaw *ret_flaw)
{
    struct walk w = {.style = style, .arena = a, .flaw = ret_flaw};

    return fits(&w, s, v, NULL);
}
