/*
 * shape.h - what a request's JSON has to look like, as tables; and the first place where it does
 * not.
 *
 * For the dialects whose servers refuse what they do not know.  The tables say what a server takes;
 * what it answers otherwise is the dialect's to word.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIM_SHAPE_H
#define SIM_SHAPE_H

#include <yyjson.h>

#include "base/arena.h"
#include "sim/out.h"

enum shape_type {
    SHAPE_STRING = 1,
    SHAPE_BOOL = 2,
    SHAPE_INT = 4,
    SHAPE_NUMBER = 8,
    SHAPE_OBJECT = 16,
    SHAPE_ARRAY = 32,
    SHAPE_NULL = 64,
    SHAPE_ANY = 127,
    /* Beside the types: */
    SHAPE_MUST = 128,  /* the member has to be there */
    SHAPE_TEXTS = 256, /* the elements of the array are strings */
};

struct shape_member {
    struct str name;
    unsigned types;         /* enum shape_type, or'ed */
    const struct shape *of; /* of the object, or of each element; NULL: anything */
    struct str values;      /* "auto any none": what a string may be; empty: anything */
};

struct shape_variant {
    struct str value;
    const struct shape *shape;
};

struct shape {
    const struct shape_member *members;
    size_t count;
    bool open;                /* members beside these are taken, too */
    const struct shape *each; /* or: any members, each an object of this shape */
    /* Or it is one of several shapes: */
    struct str by; /* the member that says which; empty: it is not */
    const struct shape_variant *variants;
    size_t variant_count;
    bool tagged; /* a place below it names the variant: "content.0.text.foo" */
    const struct shape_variant *otherwise; /* without that member; NULL: it must be there */
};

#define SHAPE(key, kind)                                                                           \
    {                                                                                              \
        .name = STR_INIT(key), .types = (kind)                                                     \
    }
#define SHAPE_IN(key, kind, shape)                                                                 \
    {                                                                                              \
        .name = STR_INIT(key), .types = (kind), .of = (shape)                                      \
    }
#define SHAPE_AMONG(key, kind, list)                                                               \
    {                                                                                              \
        .name = STR_INIT(key), .types = (kind), .values = STR_INIT(list)                           \
    }

#define SHAPE_OF(rows) .members = (rows), .count = COUNTOF(rows)
#define SHAPE_ONE_OF(key, rows)                                                                    \
    .by = STR_INIT(key), .variants = (rows), .variant_count = COUNTOF(rows)

enum shape_style {
    SHAPE_DOTS,     /* messages.0.content */
    SHAPE_FIELDS,   /* messages.content */
    SHAPE_BRACKETS, /* generation_config.stop_sequences[0]; names in either case are the same */
};

enum shape_wrong {
    SHAPE_FITS,
    SHAPE_UNKNOWN,
    SHAPE_MISSING,
    SHAPE_TYPE,
    SHAPE_VALUE,
    SHAPE_VARIANT
};

struct shape_flaw {
    enum shape_wrong wrong;
    struct str place;                  /* of the value; of the container when it is UNKNOWN */
    struct str name;                   /* of the member, as it came */
    const struct shape_member *member; /* TYPE, VALUE, MISSING */
    const struct shape *shape;         /* VARIANT */
    yyjson_val *got;                   /* NULL when it is MISSING */
};

/* True: `v` fits.  Texts of the flaw are the arena's or of `v`. */
MUST_USE bool shape_fits(const struct shape *s, yyjson_val *v, enum shape_style style,
                         struct arena *a, struct shape_flaw *ret_flaw);
/* "auto any none" as "'auto', 'any' or 'none'"; the variants of a shape likewise. */
struct str shape_list(struct str values, const struct shape *variants, struct arena *a);

/* The member by its name; with BRACKETS in either case ("topP", "top_p"). */
yyjson_val *shape_get(yyjson_val *object, struct str name, enum shape_style style);

#endif
