/*
 * openai_decode.h - what the files that read an answer of the OpenAI dialect share with each other
 * alone.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LLM_OPENAI_DECODE_H
#define LLM_OPENAI_DECODE_H

#include "llm/chat_event.h"
#include "llm/openai_part.h"

/* What a choice is saying: when it says something else, that was a block. */
enum openai_saying { SAYS_NOTHING, SAYS_TEXT, SAYS_THOUGHT, SAYS_REFUSAL, SAYS_CALLS };

struct openai_call;

struct openai_choice {
    struct openai_choice *next;
    uint32_t index;
    enum openai_saying saying;
    bool told_reasoning; /* as a string: blocks bring only what they add to it */
    bool stopped;
    struct openai_call *calls;
    uint32_t begun; /* calls */
};

struct chat_decoder {
    struct arena *arena;
    struct openai_watch watch; /* the state of openai_tools_mend() */
    bool started;
    bool said;  /* there was something to show */
    bool whole; /* it is reading a body */
    bool deaf;  /* nobody wants more events */
    bool ended; /* or broken: it is not whole any more */
    struct openai_choice *choices;
    chat_event_fn *emit; /* of this call */
    void *ctx;
};

void openai_say(struct chat_decoder *d, const struct chat_event *ev);
void openai_say_error(struct chat_decoder *d, const struct openai_refusal *r, enum fault fault);
/* A delta of the stream, or a message: `value` is checked JSON of any type.  `last`: the choice
 * ends with it. */
void openai_decode_delta(struct chat_decoder *d, struct openai_choice *c, struct str value,
                         struct str chunk_id, bool last);
/* A finish_reason; empty: none yet. */
void openai_decode_finish(struct chat_decoder *d, struct openai_choice *c, struct json_text word);

#endif
