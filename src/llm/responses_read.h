/*
 * responses_read.h - what the files that read a request of the Responses surface share.
 *
 * After the API reference, https://platform.openai.com/docs/api-reference/responses, the schemas of
 * OpenAI and of Open Responses (openresponses.org), and recorded answers.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LLM_RESPONSES_READ_H
#define LLM_RESPONSES_READ_H

#include "llm/chat_fields.h"
#include "llm/chat_text.h"

/* What an answer repeats of its request: raw values, empty when absent. */
struct chat_echo {
    struct str instructions, tool_choice, format, verbosity, effort, summary;
    struct str temperature, top_p, presence_penalty, frequency_penalty;
    struct str max_output_tokens, max_tool_calls;
    struct str metadata, user, safety_identifier, service_tier;
    struct str prompt_cache_key, prompt_cache_retention;
    const struct chat_tool *tools; /* all of them, whichever are allowed */
    uint32_t tools_count;
    bool serial; /* no parallel tool calls */
};

struct responses_reading {
    struct chat_fields fields;
    struct chat_request *request;
    struct chat_echo *echo;
};

/* A json_member_fn for object_pick(): members that are not read are dropped and named. */
struct responses_unknown {
    struct responses_reading *reading;
    struct str prefix; /* "input." */
};
bool responses_unknown(void *ctx, const struct json_member *m);
/* Note `prefix` `name` as dropped.  It is for a header: what does not look like a name is not said.
 */
bool responses_drop(struct responses_reading *rd, struct str prefix, struct str name);

/* Parts, growing in the arena. */
struct responses_parts {
    struct chat_part *at;
    uint32_t n, cap;
};
/* Zeroed but for its kind; NULL, and told, without room. */
struct chat_part *responses_push(struct responses_reading *rd, struct responses_parts *to,
                                 enum chat_part_kind kind);

/* Where content stands; a kind of it has places where it may. */
enum responses_place {
    RESPONSES_IN_SYSTEM = 1,
    RESPONSES_IN_USER = 2,
    RESPONSES_IN_ASSISTANT = 4,
    RESPONSES_IN_OUTPUT = 8
};

/* Content, a string or an array, as parts. */
bool responses_content(struct responses_reading *rd, const struct chat_at *at, struct str value,
                       enum responses_place place, struct responses_parts *to);
/* `instructions` (may be empty) and `input`, as messages. */
bool responses_input(struct responses_reading *rd, struct str instructions, struct str input);
bool responses_tools(struct responses_reading *rd, struct str tools, struct str choice);
bool responses_read(struct arena *a, struct str body, unsigned depth_max, struct chat_request *ret,
                    struct chat_problem *p);

#endif
