/*
 * chat_args.h - a tool call's arguments while they go by in pieces: whether they are an object, and
 * whole; and what a client gets that wants an object where there is none.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LLM_CHAT_ARGS_H
#define LLM_CHAT_ARGS_H

#include "llm/chat_text.h"

struct chat_args {
    uint32_t depth;
    bool begun, odd; /* odd: it is no object */
    bool in_string, escaped;
    bool whole;
};

/* Look at the next piece.  The part of it that counts: nothing that follows a whole object does,
 * nor does a null for arguments that there are none of. */
struct json_text chat_args_feed(struct chat_args *s, struct json_text piece);

/* What a client may make of arguments that are no JSON: an object with the text in it under the key
 * that Anthropic's manual on streamed tool input has for this. */
#define CHAT_ARGS_ODD_KEY "INVALID_JSON"

/* All of a call's arguments as an object, raw: themselves, or that one.  .ptr NULL: no room. */
struct str chat_args_object(struct arena *a, struct json_text text);

#endif
