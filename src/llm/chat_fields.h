/*
 * chat_fields.h - the members of a request's objects, picked by name, with complaints that say
 * where: "'messages[2].content' must be a string".
 *
 * Of checked JSON (json_scan) only.  null is as good as absent.  A second member of a name that is
 * picked is refused: two readers that disagree about which counts are a way round access control.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LLM_CHAT_FIELDS_H
#define LLM_CHAT_FIELDS_H

#include "llm/chat.h"

/* Where a value stands; a path is written only when something is wrong. */
struct chat_at {
    const struct chat_at *up; /* NULL: the body */
    const char *name;         /* NULL: an element of an array */
    uint32_t index;
};

struct chat_fields {
    struct arena *arena;
    struct chat_problem *problem;
    bool snake; /* as protobuf's JSON: "maxItems" may be written "max_items" */
};

#define CHAT_OBJECT_MAX 40u

struct chat_object {
    struct chat_fields *fields;
    struct chat_at at;
    const struct str *names; /* literals */
    unsigned count;
    struct str values[CHAT_OBJECT_MAX]; /* as written; empty: absent or null */
};

static inline struct chat_object object_of(struct chat_fields *f, const struct chat_at *at,
                                           const struct str *names, unsigned count)
{
    return (struct chat_object){.fields = f, .at = *at, .names = names, .count = count};
}
/* What is to be picked out of the member `i` of `o`. */
struct chat_object object_inside(struct chat_object *o, unsigned i, const struct str *names,
                                 unsigned count);

/* All of these return false once the problem has been told. */

/* `other` hears of members that `names` does not have; may be NULL. */
bool object_pick(struct chat_object *o, struct str value, json_member_fn *other, void *ctx);
/* Where member `i` stands. */
struct chat_at object_at(const struct chat_object *o, unsigned i);
/* The value of `i`; left alone when it is absent. */
bool object_text(struct chat_object *o, unsigned i, struct json_text *ret);
bool object_number(struct chat_object *o, unsigned i, struct str *ret);
bool object_bool(struct chat_object *o, unsigned i, enum chat_tri *ret);
/* It has to be there / to be of that type when it is there ("an object"). */
bool object_needs(struct chat_object *o, unsigned i);
bool object_type(struct chat_object *o, unsigned i, enum json_type type);

/* Whether `key` is `name`, written in snake case. */
bool fields_snake_is(struct str key, struct str name);
/* "'path' what". */
COLD bool fields_refuse(struct chat_fields *f, const struct chat_at *at, const char *what);
COLD bool fields_no_room(struct chat_fields *f);
/* Elements of a checked array, or members of an object. */
uint32_t json_items(struct str value);

#endif
