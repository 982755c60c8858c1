/*
 * chat_write.h - what the files that write a Chat Completions answer share with each other alone.
 *
 * Beside OpenAI's own fields an answer says, in the forms in which chat_read.h reads them back:
 *
 *   reasoning_content: what the model thought; in a stream, pieces of it
 *   thinking_blocks: blocks that a client has to send back as they are, each whole: in a stream,
 *       one delta a block, once its signature has come; append them
 *   extra_content.google.thought_signature of a tool call
 *   native_finish_reason beside finish_reason, where OpenAI's word says less than the model's
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LLM_CHAT_WRITE_H
#define LLM_CHAT_WRITE_H

#include "llm/chat_rope.h"
#include "llm/chat_surface.h"
#include "llm/json_pen.h"

struct chat_written_call {
    struct chat_written_call *next;
    uint32_t number;
    struct json_text id, name, signature;
    struct chat_rope args;
};

struct chat_written { /* a choice */
    struct chat_written *next;
    uint32_t index;
    bool begun;    /* its role has been told */
    bool finished; /* its finish reason has been told */
    bool called;
    struct chat_rope thought; /* of the thinking that goes on, as long as a signature may come */
    bool thought_lost;        /* there was no room for all of it */
    /* Of a whole answer. */
    struct chat_rope content, refusal, reasoning, blocks; /* blocks: JSON with commas */
    struct chat_written_call *calls, *last_call;
    enum chat_stop stop;
    struct json_text native;
};

struct chat_writer {
    struct arena *arena;
    const struct chat_answer_facts *facts;
    struct str head; /* each chunk up to its choices' "[" */
    bool wants_usage, functions;
    struct chat_usage usage;
    size_t thought_bytes; /* of a stream, so far */
    struct chat_written *choices, *last;
};

struct chat_writer *chat_writer_new(struct arena *a, const struct chat_answer_facts *facts);
int chat_writer_put(struct chat_writer *w, const struct chat_event *ev, struct buf *out);
int chat_writer_collect(struct chat_writer *w, const struct chat_event *ev);
int chat_writer_write(struct chat_writer *w, struct buf *out);

int chat_error_body(enum fault f, struct str message, struct str param, struct str request_id,
                    struct buf *out);
int chat_error_event(struct chat_writer *w, enum fault f, struct str message, struct buf *out);

/* The state of a choice; NULL without room. */
struct chat_written *chat_written_get(struct chat_writer *w, uint32_t index);

/* What a choice ended with: "finish_reason":…, and the model's own word where that says more. */
void chat_pen_finish(struct json_pen *p, const struct chat_writer *w, const struct chat_written *c,
                     enum chat_stop stop, struct json_text native);
void chat_pen_usage(struct json_pen *p, const struct chat_usage *u);
/* {"type":"thinking",…} with what was thought, or {"type":"redacted_thinking",…}. */
void chat_pen_thought(struct json_pen *p, const struct chat_rope *thought,
                      struct json_text signature);
void chat_pen_redacted(struct json_pen *p, struct json_text data);
void chat_pen_signature(struct json_pen *p, struct json_text signature);

#endif
