/*
 * chat_args.h - a tool call's arguments while they go by in pieces: whether they are an object, and
 * whole; what a client gets that wants an object where there is none; and how they are written.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LLM_CHAT_ARGS_H
#define LLM_CHAT_ARGS_H

#include "llm/chat_text.h"
#include "llm/json_pen.h"

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

/* As the object that a provider wants.  Arguments that were no JSON object are shown as they were:
 * the model wrote them, and has to see what its tool complained of. */
void chat_pen_args(struct json_pen *p, struct str key, const struct chat_part *call);
/* As OpenAI has them: JSON, or what was none, inside a string. */
void chat_pen_args_text(struct json_pen *p, const struct chat_part *call);

#endif
