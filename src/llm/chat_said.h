/*
 * chat_said.h - whether a part says anything, for the dialects that refuse what does not
 * (Anthropic's and Bedrock's), and how they write a call.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LLM_CHAT_SAID_H
#define LLM_CHAT_SAID_H

#include "llm/json_pen.h"

/* System and developer messages. */
bool chat_is_instruction(const struct chat_message *m);

/* Nothing but spaces, which these APIs refuse for a text and for a stop sequence. */
bool chat_is_blank(struct json_text t);
/* Without spaces at the end: an answer may not go on from them. */
struct json_text chat_trimmed(struct json_text t);

/* To a model behind the API of `vendor`.  Neither blank texts do, nor thoughts without a signature
 * (another maker's, and refused), nor blocks of another API. */
bool chat_says(const struct chat_part *p, enum chat_dialect vendor);
bool chat_says_anything(const struct chat_message *m, enum chat_dialect vendor);

/* The id of a call or of its result as ^[a-zA-Z0-9_-]+$, the last `max` bytes of it: some makers'
 * have dots and colons.  The same for both, so that they still find each other. */
void chat_pen_id(struct json_pen *p, struct str key, struct json_text id, size_t max);
/* The request's stop sequences but blank ones.  false: there is none, and nothing was written. */
bool chat_pen_stops(struct json_pen *p, struct str key, struct chat_request *r);

#endif
