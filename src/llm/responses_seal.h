/*
 * responses_seal.h - other makers' thinking in reasoning items.
 *
 * Thinking has to come back to the target that it is of as it was, and a client of this API sends
 * back reasoning items as it got them.  So what a target signed goes into `encrypted_content`, its
 * bytes unchanged, behind a word that says what it is:
 *
 *   dragoman.signature:S  the thinking is the item's summary, S its signature (Anthropic, Google)
 *   dragoman.redacted:S   S is thinking that nobody but the target can read (Anthropic)
 *   dragoman.call:S       S is the signature of the function_call that comes next (Google)
 *
 * Anything else is OpenAI's own, and of no use to other targets.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LLM_RESPONSES_SEAL_H
#define LLM_RESPONSES_SEAL_H

#define RESPONSES_SEAL_SIGNATURE "dragoman.signature:"
#define RESPONSES_SEAL_REDACTED "dragoman.redacted:"
#define RESPONSES_SEAL_CALL "dragoman.call:"

#endif
