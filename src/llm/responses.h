/*
 * responses.h - what the gateway does with a Responses request that it passes on as it came.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LLM_RESPONSES_H
#define LLM_RESPONSES_H

#include "base/buf.h"

/* Thinking that other makers sealed (responses_seal.h) is in the client's hands after a fallback,
 * and OpenAI refuses all of a request that shows it.  Append `body`, checked JSON, without those
 * reasoning items; false, and nothing is appended, when it has none or there is no room. */
MUST_USE bool responses_cut_foreign(struct str body, struct buf *out);

#endif
