/*
 * embed_part.h - what the files of embeddings share with each other alone.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LLM_EMBED_PART_H
#define LLM_EMBED_PART_H

#include "llm/embed.h"
#include "llm/json_pen.h"

extern const struct embedder embedder_gemini, embedder_ollama, embedder_bedrock;

/* ---- requests ---- */

void embed_drop(struct embed_request *r, struct str field);
/* "name":["…","…"] */
void embed_put_texts(struct json_pen *pen, const struct embed_request *r, struct str name);
/* Whether all of it was written; *p says so when the buffer was too small. */
bool embed_put_end(const struct json_pen *pen, struct chat_problem *p);

/* ---- answers ---- */

/* The vector of the next text.  false: it is none, or one too many. */
bool embed_take(struct embed_answer *answer, struct str vector);
/* An array of them. */
bool embed_take_all(struct embed_answer *answer, struct str vectors);
/* A count as the provider wrote it; an empty one is none. */
void embed_take_count(struct embed_answer *answer, struct str tokens);

#endif
