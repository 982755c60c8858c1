/*
 * chat_text.h - what all dialects do with texts and values on their way from one to the other.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LLM_CHAT_TEXT_H
#define LLM_CHAT_TEXT_H

#include "llm/chat.h"

/* Constants; the literal must need no escape. */
#define JSON_TEXT(lit) ((struct json_text){"" lit, sizeof(lit) - 1})

/* The inside of a quoted value as a reader gives it; .ptr NULL when it is no string. */
struct json_text json_text_of(struct str value);
static inline bool json_text_is(struct json_text t, struct str word)
{
    return t.ptr != NULL && str_eq(str_make(t.ptr, t.len), word);
}
/* The bytes that `t` stands for; in the arena when it has escapes.  .ptr NULL: no room, or half a
 * surrogate pair. */
struct str json_text_plain(struct arena *a, struct json_text t);
/* `plain` as a text: itself when it needs no escape, else in the arena.  .ptr NULL: no room. */
struct json_text json_text_make(struct arena *a, struct str plain);
/* Texts one behind the other with `between` (escaped already) between them. */
struct json_text json_text_join(struct arena *a, const struct json_text *texts, unsigned n,
                                struct json_text between);

/* A tool call's arguments as OpenAI writes them, JSON inside a string: the raw object, or .ptr NULL
 * when that is no JSON object.  Empty arguments are {}. */
struct str chat_args_of(struct arena *a, struct json_text quoted);

/* "data:image/png;base64,AAAA" in its parts; false when `url` is another kind of URL. */
bool chat_data_url(struct arena *a, struct json_text url, struct json_text *ret_media_type,
                   struct json_text *ret_data);

/* A model's thinking is asked for in words here and in tokens there.  0: no thinking, or a word
 * nobody knows. */
uint64_t chat_effort_tokens(struct json_text effort);
/* The word for that many. */
struct json_text chat_effort_word(uint64_t tokens);

#endif
