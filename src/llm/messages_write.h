/*
 * messages_write.h - what the files that write an answer of the Messages surface share.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LLM_MESSAGES_WRITE_H
#define LLM_MESSAGES_WRITE_H

#include "llm/chat_args.h"
#include "llm/chat_surface.h"

/* A block of the answer that is being written. */
struct messages_piece { /* one of the three */
    struct messages_piece *next;
    struct json_text text, signature;
    struct str citation; /* raw */
};

struct messages_block {
    struct messages_block *next;
    enum chat_event_kind kind; /* TEXT, THINKING, REDACTED, CALL, RAW */
    uint32_t call;
    struct json_text id, name;
    struct json_text signature; /* CALL: Google's; THINKING: so that no second one comes */
    struct json_text data;      /* REDACTED */
    struct str raw;
    struct chat_args args;
    bool wrapped; /* odd arguments: what stands before them was written */
    struct messages_piece *first, *last;
    bool ended;
};

/* How an answer ended, in Anthropic's words. */
struct messages_ending {
    struct str reason;
    struct json_text sequence; /* the stop sequence; absent: null */
    struct json_text unknown;  /* a reason we do not know, as the target said it */
    struct str details;        /* raw, Anthropic's own; or empty */
};

/* SSE events, whole. */
void messages_put_start(struct json_pen *p, const struct chat_answer_facts *facts,
                        const struct chat_usage *usage);
void messages_put_block_start(struct json_pen *p, uint32_t index, const struct messages_block *b);
void messages_put_piece(struct json_pen *p, uint32_t index, struct messages_block *b,
                        const struct messages_piece *piece);
void messages_put_block_stop(struct json_pen *p, uint32_t index, const struct messages_block *b);
void messages_put_stop(struct json_pen *p, const struct messages_ending *e,
                       const struct chat_usage *usage);
void messages_put_error(struct json_pen *p, enum fault f, struct str message);

/* Bodies. */
void messages_body(struct json_pen *p, struct arena *a, const struct chat_answer_facts *facts,
                   const struct messages_block *first, const struct messages_ending *e,
                   const struct chat_usage *usage);
int messages_error_body(enum fault f, struct str message, struct str param, struct str request_id,
                        struct buf *out);

#endif
