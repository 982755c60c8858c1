/*
 * openai_encode_part.h - what the files that write the messages of a Chat Completions request share
 * with each other alone.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LLM_OPENAI_ENCODE_PART_H
#define LLM_OPENAI_ENCODE_PART_H

#include "llm/openai_encode.h"

struct openai_encoding { /* a request while its messages are written */
    struct json_pen *pen;
    struct chat_request *request;
    struct chat_problem *problem;
};

/* Which of the parts of a message are meant. */
typedef bool openai_part_fn(const struct chat_part *part);
uint32_t openai_parts_count(const struct chat_part *parts, uint32_t n, openai_part_fn *is);
/* What can stand in a "content". */
bool openai_part_is_content(const struct chat_part *part);

/* The id of a call or of its result, as the server wants them (quirks.h). */
void openai_pen_id(struct openai_encoding *e, struct str key, struct json_text id);
/* An element of a content. */
bool openai_pen_part(struct openai_encoding *e, const struct chat_part *part);
/* The value of "content": a string where one text is all there is. */
bool openai_pen_content(struct openai_encoding *e, const struct chat_part *parts, uint32_t n,
                        openai_part_fn *is);
/* All members of an assistant's message but its role and name. */
bool openai_pen_assistant(struct openai_encoding *e, const struct chat_message *m);

/* Name what of a part is not passed on; a vendor's own block, whole. */
void openai_note_dropped(struct openai_encoding *e, const struct chat_part *part);
void openai_drop_raw(struct openai_encoding *e, struct str raw);

#endif
