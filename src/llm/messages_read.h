/*
 * messages_read.h - what the files that read a request of the Messages surface share.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LLM_MESSAGES_READ_H
#define LLM_MESSAGES_READ_H

#include "llm/chat.h"

struct messages_reader {
    struct arena *arena;
    struct chat_request *req;
    struct chat_problem *problem;
};

/* Where a value stands in the body: "messages", then 1, then "content".  On the stack, each level
 * below the one it is in; NULL is the body itself. */
struct messages_at {
    const struct messages_at *up;
    struct str key; /* .ptr NULL: it is an element, `index` */
    uint32_t index;
};

/* Always false, for the caller to return.  The message begins with the path. */
COLD bool messages_refuse(struct messages_reader *rd, const struct messages_at *at,
                          const char *why);
COLD bool messages_no_room(struct messages_reader *rd);

/* What a member may be and how it is kept.  null is as good as absent but for ANY. */
enum messages_kind {
    MESSAGES_TEXT,    /* a string: struct json_text */
    MESSAGES_NUMBER,  /* struct str, as the rest of these */
    MESSAGES_INTEGER, /* a number without sign, fraction and exponent */
    MESSAGES_OBJECT,
    MESSAGES_ARRAY,
    MESSAGES_CONTENT, /* a string or an array */
    MESSAGES_ANY,
    MESSAGES_BOOL, /* enum chat_tri */
    MESSAGES_SKIP, /* known, and not kept */
};

struct messages_field {
    struct str name;
    uint8_t kind; /* enum messages_kind */
    bool required;
    uint16_t offset; /* in what is read into */
};

/* A row of a table: member `name` into `field` of `type`. */
#define MESSAGES_FIELD(name, kind, required, type, field)                                          \
    {                                                                                              \
        STR_INIT(name), MESSAGES_##kind, required, (uint16_t)offsetof(type, field)                 \
    }

/* What becomes of members that no row names; NULL: they are noted as dropped. */
typedef bool messages_other_fn(struct messages_reader *rd, const struct json_member *m);
bool messages_ignore(struct messages_reader *rd, const struct json_member *m);

/* Letters, digits, _ and -, not too many: what is dropped is named in a header that clients read,
 * so what does not look like a name is passed over. */
bool messages_plain_name(struct str s);

/* Read the object `value` (checked JSON) into *ret, zeroed by the caller.  A second one of a member
 * that is read, one of the wrong type and a required one that is missing are refused. */
bool messages_fields(struct messages_reader *rd, const struct messages_at *at, struct str value,
                     const struct messages_field *fields, size_t n, void *ret,
                     messages_other_fn *other);

/* Call `each` for the elements of an array; false as soon as one says so. */
typedef bool messages_element_fn(struct messages_reader *rd, const struct messages_at *at,
                                 struct str value, void *ctx);
bool messages_each(struct messages_reader *rd, const struct messages_at *at, struct str array,
                   messages_element_fn *each, void *ctx);
uint32_t messages_count(struct str array);
/* The `type` of an object that other readers go on with.  `ret` may come back absent. */
bool messages_type(struct messages_reader *rd, const struct messages_at *at, struct str value,
                   struct json_text *ret);

/* Parts, growing in the arena. */
struct messages_parts {
    struct chat_part *at;
    uint32_t n, cap;
};

/* Where blocks stand; a block has places where it may. */
enum messages_place {
    MESSAGES_IN_SYSTEM = 1,
    MESSAGES_IN_USER = 2,
    MESSAGES_IN_ASSISTANT = 4,
    MESSAGES_IN_RESULT = 8,
    MESSAGES_IN_DOCUMENT = 16
};

/* Content, a string or an array of blocks, as parts. */
bool messages_content(struct messages_reader *rd, const struct messages_at *at, struct str value,
                      enum messages_place place, struct messages_parts *ret);

bool messages_read(struct arena *a, struct str body, unsigned depth_max, struct chat_request *ret,
                   struct chat_problem *p);

#endif
