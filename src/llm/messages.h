/*
 * messages.h - Anthropic's Messages API as clients speak it, but for the surface itself
 * (dialects.h).
 *
 * POST /v1/messages/count_tokens asks how long a prompt is.  Only the target knows its tokenizer,
 * so nothing is estimated here: where the target speaks Anthropic the question is relayed,
 * elsewhere the gateway has to say that it cannot be answered (a 501, not_implemented).
 *
 * After the API reference, https://docs.anthropic.com/en/api/messages, and recorded answers.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LLM_MESSAGES_H
#define LLM_MESSAGES_H

#include "llm/chat_surface.h"

/* Read the body of a count; as surface_messages.read, but max_tokens may be missing. */
bool messages_read_count(struct arena *a, struct str body, unsigned depth_max,
                         struct chat_request *ret, struct chat_problem *p);
/* {"input_tokens":n}, written and read.  Reading takes any text; false: it is no count. */
int messages_count_write(uint64_t tokens, struct buf *out);
MUST_USE bool messages_count_read(struct str body, uint64_t *ret_tokens);
/* A message that dialect_anthropic wrote, as a count: max_tokens, which that has not, is cut out.
 */
void messages_count_only(struct buf *body);

#endif
