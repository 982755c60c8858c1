/*
 * responses.h - what the gateway does with Responses requests and streams that pass as they came.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LLM_RESPONSES_H
#define LLM_RESPONSES_H

#include "base/buf.h"
#include "base/fault.h"

struct chat_decoder;

/* Thinking that other makers sealed (responses_seal.h) is in the client's hands after a fallback,
 * and OpenAI refuses all of a request that shows it.  Append `body`, checked JSON, without those
 * reasoning items; false, and nothing is appended, when it has none or there is no room. */
MUST_USE bool responses_cut_foreign(struct str body, struct buf *out);

/* Behind the events that dialect_responses has decoded, errors not counted: the next one's
 * `sequence_number`; 0 when they have none. */
uint64_t responses_next_number(const struct chat_decoder *d);
/* Append the error event of that number. */
MUST_USE int responses_put_failure(uint64_t number, enum fault f, struct str message,
                                   struct buf *out);

#endif
