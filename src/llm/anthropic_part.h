/*
 * anthropic_part.h - what the files of the Anthropic dialect (Messages API) share with each other,
 * and, of what a model takes, with the Bedrock dialect, where the same models are.
 *
 * Request: platform.claude.com/docs/en/api/messages.  Stream: .../docs/en/build-with-claude/
 * streaming.  Errors: .../docs/en/api/errors.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LLM_ANTHROPIC_PART_H
#define LLM_ANTHROPIC_PART_H

#include "llm/chat_event.h"
#include "llm/json_pen.h"

/* ---- what a model takes ---- */

enum anthropic_thinking {
    ANTHROPIC_THINKS_NOT,      /* refuses `thinking` */
    ANTHROPIC_THINKS_BUDGET,   /* {"type":"enabled","budget_tokens":n} */
    ANTHROPIC_THINKS_EITHER,   /* that, or as below */
    ANTHROPIC_THINKS_ADAPTIVE, /* {"type":"adaptive"} and output_config.effort; budgets are a 400 */
    ANTHROPIC_THINKS_ALWAYS,   /* the same, and {"type":"disabled"} is a 400 too */
};
enum anthropic_sampling {
    ANTHROPIC_SAMPLES,     /* temperature, top_p and top_k as they come */
    ANTHROPIC_SAMPLES_ONE, /* temperature or top_p: both are a 400 */
    ANTHROPIC_SAMPLES_NOT, /* anything but the default is a 400 */
};
enum anthropic_effort { /* the highest word of output_config.effort */
                        ANTHROPIC_NO_EFFORT,
                        ANTHROPIC_EFFORT_HIGH,
                        ANTHROPIC_EFFORT_MAX, /* but not xhigh, which came later */
                        ANTHROPIC_EFFORT_ALL,
};

struct anthropic_model {
    struct str part; /* of the name, '.' written as '-' */
    enum anthropic_thinking thinking;
    enum anthropic_sampling sampling;
    enum anthropic_effort effort;
    bool schema;            /* output_config.format, and `strict` of a tool */
    bool system_turns;      /* role "system" among the messages */
    uint32_t output_tokens; /* max_tokens of a request that has none: the API wants one */
};

/* Never NULL.  A name nobody here knows is taken for a new Claude when it says "claude", and else
 * for another maker's model behind the same API. */
const struct anthropic_model *anthropic_model_get(struct str name);

/* ---- requests ---- */

struct anthropic_script { /* a request while it is written */
    struct chat_request *request;
    const struct anthropic_model *model;
    struct json_pen *pen;
    struct chat_problem *problem;
};

/* How much a request may think, and what that does to its other fields. */
struct anthropic_plan {
    enum { ANTHROPIC_UNSAID, ANTHROPIC_OFF, ANTHROPIC_BUDGETED, ANTHROPIC_ADAPTIVE } thinking;
    struct str budget_raw;   /* BUDGETED: as the client wrote it; else */
    uint64_t budget;         /* tokens */
    struct json_text effort; /* .ptr NULL: not said */
    uint64_t max_tokens;     /* 0: the request's own */
};

/* Names in the request what the model does not take. */
struct anthropic_plan anthropic_plan(struct chat_request *r, const struct anthropic_model *m);

/* "system" and "messages".  false: *problem says why. */
MUST_USE bool anthropic_turns(struct anthropic_script *s);
/* The block of an IMAGE, FILE or AUDIO. */
MUST_USE bool anthropic_media(struct anthropic_script *s, const struct chat_part *part);

bool anthropic_encode(struct chat_request *r, struct str model, struct buf *out,
                      struct chat_problem *p);

/* ---- answers ---- */

struct chat_decoder *anthropic_decoder_new(struct arena *a);
bool anthropic_decode(struct chat_decoder *d, struct str name, struct str data, chat_event_fn *emit,
                      void *ctx);
bool anthropic_decode_whole(struct chat_decoder *d, struct str body, chat_event_fn *emit,
                            void *ctx);
void anthropic_refusal(struct arena *a, unsigned status, struct str body, struct chat_event *ret);

#endif
