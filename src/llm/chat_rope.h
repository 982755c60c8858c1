/*
 * chat_rope.h - text that comes in pieces, in an arena: it grows without being copied.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LLM_CHAT_ROPE_H
#define LLM_CHAT_ROPE_H

#include "llm/json_pen.h"

struct chat_rope {
    struct chat_rope_piece *first, *last;
    size_t len;
    bool any; /* something was added, maybe nothing but "" */
};

MUST_USE bool chat_rope_add(struct arena *a, struct chat_rope *r, struct json_text text);
/* Inside a quoted string, or as JSON, whichever it is. */
void chat_pen_rope(struct json_pen *p, const struct chat_rope *r);
/* All of it in one place; .ptr NULL: no room. */
struct json_text chat_rope_text(struct arena *a, const struct chat_rope *r);

#endif
