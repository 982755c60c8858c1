/*
 * chat_read.h - what the files that read a Chat Completions request share with each other alone.
 *
 * Beside OpenAI's own fields it reads what is said over this API where OpenAI has no words:
 *
 *   an assistant's reasoning_content (DeepSeek, Moonshot, vLLM), reasoning (Groq, OpenRouter)
 *   thinking_blocks: [{"type":"thinking","thinking","signature"}, {"type":"redacted_thinking",
 *       "data"}] of an assistant: what has to come back as it was (LiteLLM's form; ours too)
 *   extra_content.google.thought_signature of a tool call (Google's own form)
 *   cache_control of a part or a tool (Anthropic's, as OpenRouter and LiteLLM take it)
 *   thinking: {"type","budget_tokens"} (Anthropic, DeepSeek); reasoning: {"effort","max_tokens",
 *       "enabled","exclude"} (OpenRouter); top_k
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LLM_CHAT_READ_H
#define LLM_CHAT_READ_H

#include "llm/chat_fields.h"

struct chat_reading {
    struct chat_fields fields;
    struct chat_request *request;
    struct json_text last_function; /* the id we gave to the last function_call */
};

/* The elements of an array, each of which makes parts. */
struct chat_walk {
    struct chat_reading *reading;
    const struct chat_at *at; /* of the array */
    uint32_t index;           /* of the next element */
    struct chat_part *parts;
    uint32_t *count;
};

/* Each returns false once the problem has been told.  Values are checked JSON; empty: absent. */
bool chat_read_messages(struct chat_reading *rd, struct str messages);
/* Parts of a "content", string or array, behind the *count that are there. */
bool chat_read_content(struct chat_reading *rd, const struct chat_at *at, struct str content,
                       struct chat_part *parts, uint32_t *count);
/* How many parts that can make at most. */
uint32_t chat_read_content_max(struct str content);
/* thinking_blocks, or reasoning_content, or reasoning. */
bool chat_read_thinking(struct chat_reading *rd, const struct chat_at *at, struct str blocks,
                        struct chat_part *parts, uint32_t *count);
bool chat_read_calls(struct chat_reading *rd, const struct chat_at *at, struct str calls,
                     struct chat_part *parts, uint32_t *count);
/* One that was asked for as a function_call; `number` makes its id. */
bool chat_read_function_call(struct chat_reading *rd, const struct chat_at *at, struct str call,
                             uint32_t number, struct chat_part *part);
bool chat_read_tools(struct chat_reading *rd, struct str tools, struct str functions);
bool chat_read_tool_choice(struct chat_reading *rd, struct str choice, struct str function_call);

/* A json_member_fn for members that we cannot carry: they are named as dropped.  Those that say
 * nothing (null, [], {}) are not. */
struct chat_unknown {
    struct chat_reading *reading;
    struct str prefix; /* "messages[]." */
};
bool chat_read_unknown(void *ctx, const struct json_member *m);

#endif
