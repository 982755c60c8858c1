/*
 * openai_encode.h - what the files that write a Chat Completions request share with each other,
 * and with those of a Responses request.
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

/* ---- what both of OpenAI's dialects say alike ---- */

/* The effort, or the word for the budget; absent: not said, and what cannot be is dropped. */
struct json_text openai_encode_effort(struct chat_request *r);
/* "service_tier", "user", "metadata". */
void openai_encode_words(struct json_pen *p, struct chat_request *r);
/* "tools":[…], a function by `pen`, one of the vendor's own as it came; nothing when there is none,
 * or none that can be said.  How many were. */
typedef void openai_tool_fn(struct json_pen *p, struct chat_request *r, const struct chat_tool *t);
uint32_t openai_encode_tools(struct json_pen *p, struct chat_request *r, enum chat_dialect vendor,
                             openai_tool_fn *pen);
/* Whether a function of this name is among the tools. */
bool openai_encode_offers(const struct chat_request *r, struct json_text name);
/* "auto", "none", "required"; absent: not said in one word. */
struct json_text openai_encode_choice(enum chat_choice choice);
/* `q` may be NULL. */
struct json_text openai_encode_role(const struct quirks *q, enum chat_role role);
/* A string: "data:image/png;base64,…". */
void openai_encode_data_url(struct json_pen *p, const struct chat_part *part);
/* What a file is called: its data is refused without a name, and an id or a URL with one.  Absent:
 * it is not to be said. */
struct json_text openai_encode_file_name(struct chat_request *r, const struct chat_part *part);
/* False, with the problem set: neither of OpenAI's APIs takes videos. */
bool openai_encode_takes_file(struct chat_request *r, const struct chat_part *part,
                              struct chat_problem *problem);
/* What to call a vendor's own block when it is dropped: `prefix` and its "type". */
struct str openai_encode_type_of(struct arena *a, struct str prefix, struct str raw);

#endif
