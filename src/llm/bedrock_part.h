/*
 * bedrock_part.h - what the files of the Bedrock dialect share with each other alone.
 *
 * Converse and ConverseStream: docs.aws.amazon.com/bedrock/latest/APIReference/
 * API_runtime_Converse.html, and the types it links to.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LLM_BEDROCK_PART_H
#define LLM_BEDROCK_PART_H

#include "llm/chat_event.h"
#include "llm/json_pen.h"

/* ---- requests ---- */

struct bedrock_script { /* a request while it is written */
    struct chat_request *request;
    struct json_pen *pen;
    struct chat_problem *problem;
    struct str model;
    unsigned documents;           /* so far: their names have to differ */
    const struct chat_part *last; /* what an answer would go on from, or NULL */
};

/* Whose model it is, by its id ("eu.anthropic.claude-…", an ARN with that in it). */
bool bedrock_is_claude(struct str model);

/* "system" and "messages".  false: *problem says why. */
MUST_USE bool bedrock_messages(struct bedrock_script *s);
/* Whether calls or results of tools are among them: Bedrock then wants tools. */
bool bedrock_has_calls(const struct chat_request *r);
/* The block of an IMAGE, FILE or AUDIO. */
MUST_USE bool bedrock_media(struct bedrock_script *s, const struct chat_part *part);
/* {"cachePoint":…} behind what has this cache_control; nothing when it has none. */
void bedrock_cache_point(struct json_pen *pen, struct str cache_control);

/* "inferenceConfig", "additionalModelRequestFields" and what goes with them. */
MUST_USE bool bedrock_config(struct bedrock_script *s);

bool bedrock_encode(struct chat_request *r, struct str model, struct buf *out,
                    struct chat_problem *p);
struct str bedrock_path(struct arena *a, const struct chat_request *r);

/* ---- answers ---- */

void bedrock_refusal(struct arena *a, unsigned status, struct str body, struct chat_event *ret);
void bedrock_refusal_kind(struct arena *a, struct str kind, struct chat_event *ret);

#endif
