/*
 * chat_seal.h - OpenAI's reasoning as a signature.
 *
 * A reasoning item of the Responses API has an id and `encrypted_content`, and both have to come
 * back to OpenAI.  Our own form has one text for that, the signature of a thought, and clients of
 * the other APIs send it back as it was: so both go into it, behind a word that tells it from the
 * signatures of other makers, who would refuse it:
 *
 *   openai.reasoning:ID:CONTENT     (ID may be empty)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LLM_CHAT_SEAL_H
#define LLM_CHAT_SEAL_H

#include "llm/chat.h"

struct chat_seal {
    struct json_text id, content;
};

/* The signature, in the arena; .ptr NULL: no room. */
struct json_text chat_seal(struct arena *a, const struct chat_seal *seal);
/* false: it is another maker's, or absent. */
bool chat_unseal(struct json_text signature, struct chat_seal *ret);
/* Signed, and not by OpenAI. */
bool chat_is_signed(const struct chat_part *thought);

#endif
