/* SPDX-License-Identifier: Apache-2.0 */
#include "llm/chat_rope.h"

#define PIECE_BYTES 512u

struct chat_rope_piece {
    struct chat_rope_piece *next;
    size_t len, cap;
    char bytes[];
};

bool chat_rope_add(struct arena *a, struct chat_rope *r, struct json_text text)
{
    struct chat_rope_piece *piece = r->last;
    size_t cap = text.len > PIECE_BYTES ? text.len : PIECE_BYTES;

    r->any = true;
    if (text.len == 0)
        return true;
    if (piece == NULL || piece->cap - piece->len < text.len) {
        piece = arena_alloc(a, sizeof(*piece) + cap);
        if (piece == NULL)
            return false;
        piece->cap = cap;
        if (r->last != NULL)
            r->last->next = piece;
        else
            r->first = piece;
        r->last = piece;
    }
    memcpy(piece->bytes + piece->len, text.ptr, text.len);
    piece->len += text.len;
    r->len += text.len;
    return true;
}

void chat_pen_rope(struct json_pen *p, const struct chat_rope *r)
{
    for (const struct chat_rope_piece *piece = r->first; piece != NULL; piece = piece->next)
        pen_bytes(p, str_make(piece->bytes, piece->len));
}

struct json_text chat_rope_text(struct arena *a, const struct chat_rope *r)
{
    char *to;
    size_t at = 0;

    if (r->first == r->last) /* one piece, or none */
        return (struct json_text){r->first != NULL ? r->first->bytes : "",
                                  r->first != NULL ? r->first->len : 0};
    to = arena_bytes(a, r->len);
    for (const struct chat_rope_piece *piece = r->first; to != NULL && piece != NULL;
         piece = piece->next) {
        memcpy(to + at, piece->bytes, piece->len);
        at += piece->len;
    }
    return (struct json_text){to, at};
}
