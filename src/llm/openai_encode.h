/*
 * openai_encode.h - what the files that write a Chat Completions request share with each other
 * alone.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LLM_OPENAI_ENCODE_H
#define LLM_OPENAI_ENCODE_H

#include "llm/chat.h"
#include "llm/json_pen.h"

bool openai_encode(struct chat_request *r, struct str model, struct buf *out,
                   struct chat_problem *p);
struct str openai_path(struct arena *a, const struct chat_request *r);

/* "messages":[…].  false: something that must not be left out cannot be said. */
bool openai_encode_messages(struct json_pen *p, struct chat_request *r,
                            struct chat_problem *problem);
/* Whether one of the texts has "json" in it, in whatever letters. */
bool openai_encode_speaks_of_json(const struct chat_request *r);
/* What to call a vendor's own block when it is dropped: `prefix` and its "type". */
struct str openai_encode_type_of(struct arena *a, struct str prefix, struct str raw);

#endif
