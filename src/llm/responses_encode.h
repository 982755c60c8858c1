/*
 * responses_encode.h - what the files of the Responses dialect, towards targets, share with each
 * other alone.
 *
 * After the API reference, https://platform.openai.com/docs/api-reference/responses, OpenAI's own
 * description of it, and recorded answers.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LLM_RESPONSES_ENCODE_H
#define LLM_RESPONSES_ENCODE_H

#include "llm/chat_event.h"
#include "llm/json_pen.h"

bool responses_encode(struct chat_request *r, struct str model, struct buf *out,
                      struct chat_problem *p);
/* "input":[…].  false: something that must not be left out cannot be said. */
bool responses_encode_input(struct json_pen *p, struct chat_request *r,
                            struct chat_problem *problem);

/* Said in the words of this API: what it has defaults for stays unsaid. */
static inline bool responses_is_own(const struct chat_request *r)
{
    return r->echo != NULL;
}

struct chat_decoder *responses_decoder_new(struct arena *a);
bool responses_decode(struct chat_decoder *d, struct str name, struct str data, chat_event_fn *emit,
                      void *ctx);
bool responses_decode_whole(struct chat_decoder *d, struct str body, chat_event_fn *emit,
                            void *ctx);

#endif
