/*
 * generate_part.h - what the files of Gemini's surface share with each other alone.
 *
 * Thinking of other makers goes to a client as parts with `thought`, and what they signed it with
 * as the thoughtSignature of the last of them; the client sends both back.  Thinking that nobody
 * but its target can read is a thought without text, whose signature begins with a word of our own.
 * It is 16 letters, so that what follows stays valid base64: some SDKs decode it.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LLM_GENERATE_PART_H
#define LLM_GENERATE_PART_H

#include "llm/chat_args.h"
#include "llm/chat_fields.h"
#include "llm/chat_rope.h"
#include "llm/generate.h"

#define GENERATE_REDACTED "redactedThinking"

/* ---- reading ---- */

struct generate_reading {
    struct chat_fields fields;
    struct chat_request *request;
    uint32_t calls; /* without an id of their own, so far */
};

/* A json_member_fn for object_pick(): members that we cannot carry are named as dropped.  Those
 * that say nothing (null, [], {}) are not. */
struct generate_unknown {
    struct generate_reading *reading;
    struct str prefix; /* "generationConfig." */
};
bool generate_unknown(void *ctx, const struct json_member *m);

/* Call `each` for the elements of an array; protobuf's JSON takes one that stands alone for an
 * array of it.  False as soon as one says so. */
typedef bool generate_each_fn(struct generate_reading *rd, const struct chat_at *at,
                              struct str value, void *ctx);
bool generate_each(struct generate_reading *rd, const struct chat_at *at, struct str value,
                   generate_each_fn *each, void *ctx);
uint32_t generate_items(struct str value);

bool generate_contents(struct generate_reading *rd, struct str system, struct str contents);
bool generate_tools(struct generate_reading *rd, struct str tools, struct str config);
bool generate_config(struct generate_reading *rd, struct str config);
/* Gemini's Schema as JSON Schema, which is what others take; .ptr NULL: no room. */
struct str generate_schema(struct arena *a, struct str schema);
bool generate_read(struct arena *a, struct str body, unsigned depth_max, struct chat_request *ret,
                   struct chat_problem *p);

/* One part of a content. */
struct generate_parts { /* room for all that will come */
    struct chat_part *at;
    uint32_t n, cap;
};
/* Where parts stand. */
enum generate_place { GENERATE_IN_USER, GENERATE_IN_MODEL, GENERATE_IN_SYSTEM, GENERATE_IN_RESULT };
/* Append what `value` is; possibly nothing. */
bool generate_part(struct generate_reading *rd, const struct chat_at *at, struct str value,
                   enum generate_place place, struct generate_parts *to);

/* Undo generate_seal().  false: no room. */
MUST_USE bool generate_unseal(struct arena *a, struct json_text *signature);

/* ---- writing ---- */

/* A part of the answer. */
struct generate_said {
    enum chat_event_kind kind; /* TEXT, THINKING, CALL, RAW */
    struct json_text text, signature;
    struct json_text id, name; /* CALL */
    struct str raw;            /* CALL: its arguments, an object; RAW: all of it */
};

/* How a candidate ended, in Gemini's words. */
struct generate_ending {
    struct str reason;
    struct json_text message; /* the target's own word, where that says more; or absent */
};

/* A signature as the client is told it; .ptr NULL of one that is not absent: no room. */
struct json_text generate_seal(struct arena *a, struct json_text signature);
/* Whether it bears a mark of chat_origin.h, and is not sealed. */
bool generate_is_marked(struct json_text signature);

/* A part as an element of `parts`; `text` (may be NULL) instead of said->text. */
void generate_put_part(struct json_pen *p, const struct generate_said *said,
                       const struct chat_rope *text);
void generate_put_ending(struct json_pen *p, const struct generate_ending *e, uint32_t index);
/* Behind the candidates: usage, model and id. */
void generate_put_tail(struct json_pen *p, const struct chat_answer_facts *facts,
                       const struct chat_usage *usage);
/* One event of a stream: `said`, or how it ended. */
void generate_put_chunk(struct json_pen *p, const struct chat_answer_facts *facts,
                        const struct chat_usage *usage, uint32_t index,
                        const struct generate_said *said, const struct generate_ending *e);

#endif
