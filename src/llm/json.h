/*
 * json.h - a strict one-pass reader of JSON text that says where things stand.
 *
 * It checks the whole text against RFC 8259 (UTF-8 included) and reports the byte offsets of the
 * top-level members, so that a body can be edited by splicing and forwarded otherwise untouched:
 * numbers stay text.  Building values is yyjson's business, not this file's.  A reader that wants
 * a member of a member enters its parent (json_visit), or walks the value it was given again
 * (json_members): both cost less than building a tree.
 *
 * A text need not be an object.  A BOM, a NUL, overlong or surrogate UTF-8 and anything behind the
 * value are refused; an escape that names half a surrogate pair (\uD800) is JSON and passes (R49):
 * providers send pairs cut in two.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LLM_JSON_H
#define LLM_JSON_H

#include "base/arena.h"

enum json_type {
    JSON_NONE,
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
};

struct json_error {
    size_t at;        /* byte offset */
    const char *what; /* "unexpected end", "control character in a string", … */
};

/* Deeper than this is refused whatever the caller allows. */
#define JSON_DEPTH_MAX 1024u

struct json_member {
    struct str key;   /* between the quotes, as written (not unescaped); of an array: .ptr NULL */
    struct str value; /* as written, quotes and brackets included */
    enum json_type type;
    bool key_escaped; /* the key has an escape in it */
};

/* Called for each member of the top-level object, or element of the top-level array, in order and
 * once its value has been checked.  false stops the reading, which then fails with `what` =
 * "stopped". */
typedef bool json_member_fn(void *ctx, const struct json_member *m);

/* Check `text`; `on_member` may be NULL.  `depth_max` counts nested arrays and objects. */
MUST_USE bool json_scan(struct str text, unsigned depth_max, json_member_fn *on_member, void *ctx,
                        struct json_error *ret_error);

/* Who hears of the members of an object or array. */
struct json_visitor {
    json_member_fn *on_member; /* NULL: nobody */
    /* Asked when a member that is an object or array begins; its value.len is not known yet.  The
     * answer hears of that one's own members, before on_member() here hears of it as a whole.  May
     * be NULL: none of them is entered. */
    struct json_visitor (*on_enter)(void *ctx, const struct json_member *m);
    void *ctx;
};

/* Levels that can be entered, the outermost included; deeper ones are not asked about. */
#define JSON_VISIT_MAX 6u

/* json_scan() that goes down where it is told to, in the same pass.  What is told of a text that
 * turns out not to be JSON was told too early: the caller forgets it when this says false. */
MUST_USE bool json_visit(struct str text, unsigned depth_max, struct json_visitor top,
                         struct json_error *ret_error);

/* The same calls for an object or array that json_scan() has passed, in a fraction of the time;
 * false when on_member() said so.  Anything unchecked here is a fault of the caller's. */
bool json_members(struct str checked, json_member_fn *on_member, void *ctx);

/* "unexpected '}' at byte 17": the error in words, in the arena. */
struct str json_error_text(struct arena *a, struct str text, const struct json_error *error);
/* Whether the key of `m`, escapes undone, is `name`. */
bool json_key_unescapes_to(const struct json_member *m, struct str name);
static inline bool json_key_is(const struct json_member *m, struct str name)
{
    return LIKELY(!m->key_escaped) ? str_eq(m->key, name) : json_key_unescapes_to(m, name);
}
/* What type a checked text is: by its first byte that is no space. */
enum json_type json_type_of(struct str text);
/* Behind the closing quote of the string that begins at p (< end), checked; NULL: it is no string.
 */
const char *json_string_end(const char *p, const char *end);
/* Whether a checked text is {} or [] or "". */
bool json_is_empty(struct str text);

/* The bytes that the quoted string `value` stands for, from the arena when it has escapes.  .ptr
 * NULL: no room, or a lone surrogate (R49). */
struct str json_unescape(struct arena *a, struct str value);
/* The same for texts that are only shown: a lone surrogate becomes U+FFFD. */
struct str json_unescape_lossy(struct arena *a, struct str value);
/* `s` as a quoted JSON string, in the arena.  Invalid UTF-8 becomes U+FFFD. */
struct str json_quote(struct arena *a, struct str s);

#endif
