/*
 * gemini_part.h - what the files of the Gemini dialect share with each other alone.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LLM_GEMINI_PART_H
#define LLM_GEMINI_PART_H

#include "llm/chat_event.h"
#include "llm/json_pen.h"

/* ---- requests ---- */

/* Write the JSON Schema `schema` (checked) as Gemini's own, which is a part of OpenAPI's: $refs in
 * their place, what it cannot say dropped and named "schema.<keyword>".  false: *p says why, or
 * the pen has an error. */
bool gemini_schema_put(struct json_pen *pen, struct chat_request *r, struct str schema,
                       struct chat_problem *p);
/* Whether it asks for nothing: no parameters, in any way of writing that. */
bool gemini_schema_is_empty(struct str schema);

/* The contents, and the systemInstruction when there is one. */
bool gemini_contents_put(struct json_pen *pen, struct chat_request *r, struct str model,
                         struct chat_problem *p);
/* generationConfig, when there is something to say. */
bool gemini_config_put(struct json_pen *pen, struct chat_request *r, struct str model,
                       struct chat_problem *p);
/* thinkingConfig, when there is something to say. */
void gemini_thinking_put(struct json_pen *pen, struct chat_request *r, struct str model);

/* The generation of a model times ten: 25 for gemini-2.5-pro, 30 for gemini-3-flash; 0: it does
 * not say. */
unsigned gemini_generation(struct str model);
bool gemini_encode(struct chat_request *r, struct str model, struct buf *out,
                   struct chat_problem *p);
struct str gemini_path(struct arena *a, const struct chat_request *r);
/* "models/m" and the like: the name is whole. */
bool gemini_is_resource(struct str model);

/* ---- answers ---- */

/* Arguments that come in pieces, each with the path of a value: the text of a JSON object that
 * grows from piece to piece. */
struct gemini_args;
/* NULL without room. */
struct gemini_args *gemini_args_new(struct arena *a);
/* The next piece of the text for an element of partialArgs, escaped for the inside of a JSON
 * string; may be empty; good until the next call.  .ptr NULL: it does not go on where the text
 * stands, or there is no room. */
struct json_text gemini_args_put(struct gemini_args *g, struct str partial);
/* The rest of the text; then `g` is as new. */
struct json_text gemini_args_end(struct gemini_args *g);

/* From usageMetadata: candidatesTokenCount has no thoughts in it, promptTokenCount has what came
 * from the cache.  false, and *ret as it was, when it tells no tokens. */
bool gemini_usage_read(struct str value, struct chat_usage *ret);

void gemini_refusal(struct arena *a, unsigned status, struct str body, struct chat_event *ret);

#endif
