/*
 * chat_calls.h - which tool a result is of.
 *
 * OpenAI and Anthropic answer a call by its id, Gemini and Ollama by its name.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LLM_CHAT_CALLS_H
#define LLM_CHAT_CALLS_H

#include "llm/chat.h"

/* A call, of a function or of a custom tool. */
static inline bool chat_is_call(const struct chat_part *p)
{
    return p->kind == CHAT_CALL || (p->kind == CHAT_RAW && p->id.ptr != NULL);
}

/* The name that `result`, in message `at`, goes by: its own, or that of the nearest call before it
 * with its id (ids may come again in a long chat).  .ptr NULL: no message makes that call. */
struct json_text chat_called_name(const struct chat_request *r, uint32_t at,
                                  const struct chat_part *result);

#endif
