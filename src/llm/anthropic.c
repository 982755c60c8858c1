/*
 * The Anthropic Messages API as a target: its row.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/anthropic_part.h"
#include "llm/dialects.h"

static struct str path(struct arena *a, const struct chat_request *r)
{
    (void)a;
    (void)r;
    return STR("/messages");
}

const struct dialect dialect_anthropic = {
    .name = "anthropic",
    .id = CHAT_ANTHROPIC,
    .framing = CHAT_SSE,
    .path = path,
    .encode = anthropic_encode,
    .decoder_new = anthropic_decoder_new,
    .decode = anthropic_decode,
    .decode_whole = anthropic_decode_whole,
    .refusal = anthropic_refusal,
};
