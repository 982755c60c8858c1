/*
 * json_pen.h - write JSON text into a buffer, with the commas where they belong.
 *
 * The first failure of the buffer sticks: write on, and look at `err` in the end.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LLM_JSON_PEN_H
#define LLM_JSON_PEN_H

#include "base/buf.h"
#include "llm/chat.h"

struct json_pen {
    struct buf *out;
    int err;    /* of the buffer; 0 while all is well */
    bool comma; /* something stands before what comes next */
};

static inline struct json_pen json_pen(struct buf *out)
{
    return (struct json_pen){.out = out};
}

/* Bytes as they are: no comma, no quotes. */
void pen_bytes(struct json_pen *p, struct str bytes);
/* '{' or '[', '}' or ']'. */
void pen_open(struct json_pen *p, char bracket);
void pen_close(struct json_pen *p, char bracket);
/* "name": with the comma before it; what follows is its value.  `name` needs no escape. */
void pen_key(struct json_pen *p, struct str name);

/* Values, as elements of an array or behind pen_key(). */
void pen_raw(struct json_pen *p, struct str json);
/* Checked JSON as one line: a line end in it is but a space, and in an event would end its data. */
void pen_line(struct json_pen *p, struct str json);
void pen_text(struct json_pen *p, struct json_text inside); /* in quotes, as written */
void pen_plain(struct json_pen *p, struct str bytes); /* in quotes, escaped; bad UTF-8 is U+FFFD */
void pen_u64(struct json_pen *p, uint64_t n);
void pen_bool(struct json_pen *p, bool yes);
void pen_null(struct json_pen *p);

/* Key and value at once; the _some ones write nothing when the value is absent. */
void pen_key_raw_some(struct json_pen *p, struct str name, struct str json);
void pen_key_text(struct json_pen *p, struct str name, struct json_text inside);
void pen_key_text_some(struct json_pen *p, struct str name, struct json_text inside);
void pen_key_tri_some(struct json_pen *p, struct str name, enum chat_tri t);
void pen_key_plain(struct json_pen *p, struct str name, struct str bytes);

/* A quoted string in pieces, one text behind the other: pen_quote, pen_inside …, pen_quote_end. */
void pen_quote(struct json_pen *p);
void pen_inside(struct json_pen *p, struct json_text inside);
/* Raw JSON as the inside of a string: each quote, backslash and control byte is escaped. */
void pen_inside_json(struct json_pen *p, struct str json);
void pen_quote_end(struct json_pen *p);

#endif
