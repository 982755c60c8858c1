/*
 * generate.h - Gemini's generateContent as clients speak it, but for the surface itself
 * (dialects.h).
 *
 * The path names the model and the action: /v1beta/models/{model}:generateContent,
 * :streamGenerateContent, :countTokens.  A body may name the model, too; then it has to be the
 * same.
 *
 * After the API reference, https://ai.google.dev/api/generate-content, the official SDKs, and
 * recorded answers.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LLM_GENERATE_H
#define LLM_GENERATE_H

#include "llm/chat_surface.h"
#include "llm/openai.h"

/* The model that a path names, percent-escapes undone, without the "models/" that ids have there;
 * `path` begins behind the version's slash.  Empty: none.  .ptr NULL: no room. */
struct str generate_model(struct arena *a, struct str path);
/* The parameter `name` of a query, escapes undone; empty when it comes twice.  .ptr NULL: it is not
 * there, or there is no room. */
struct str generate_parameter(struct arena *a, struct str query, struct str name);

/* What a body says that the path does not, as openai_request_scan(): strict JSON, and one model. */
MUST_USE enum fault generate_scan(struct arena *a, struct str model, struct str body,
                                  unsigned depth_max, struct openai_request *ret_req,
                                  struct str *ret_why, struct str *ret_param);
/* The body for a target of the same dialect: all bytes the client's, but for a model that it names.
 * The number of pieces; 0 without room. */
MUST_USE unsigned generate_splice(struct arena *a, const struct openai_request *req,
                                  struct str model, struct str ret_pieces[OPENAI_PIECES_MAX]);
/* Where a target is asked for `action` (":generateContent"), behind its base URL.  What the
 * client's query says goes along, but for its credential and for the form of the answer, which is
 * ours to choose.  .ptr NULL: no room. */
struct str generate_path(struct arena *a, struct str model, struct str action, struct str query);

/* What base64 of a word of ours begins with: only a body that has it somewhere can bear a mark of
 * chat_origin.h. */
#define GENERATE_SEALED "ZHJhZ29tYW4u"

/* Whether the body answers :countTokens. */
bool generate_is_count(struct str body);

/* The body of an error, with a RetryInfo when it is known when to try again; `http` is the status
 * that goes with it. */
int generate_error(enum fault f, unsigned http, struct str message, struct str param,
                   struct str request_id, uint64_t retry_ms, struct buf *out);

/* A stream as one array, which is what Google answers without alt=sse: the next element of it, or
 * the data of all events of `sse` (the surface's own) as elements.  *any: some have gone before. */
int generate_element(struct str json, bool *any, struct buf *out);
int generate_array(struct str sse, bool *any, struct buf *out);

#endif
