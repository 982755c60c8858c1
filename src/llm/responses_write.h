/*
 * responses_write.h - what the files that write an answer of the Responses surface share.
 *
 * After the API reference, https://platform.openai.com/docs/api-reference/responses, the schemas of
 * OpenAI and of Open Responses (openresponses.org), and recorded answers.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LLM_RESPONSES_WRITE_H
#define LLM_RESPONSES_WRITE_H

#include "llm/chat_surface.h"
#include "llm/json_pen.h"

/* A text that grows in the arena, in chunks. */
struct responses_chunk;
struct responses_text {
    struct responses_chunk *first, *last;
    size_t len;
};
MUST_USE int responses_text_add(struct arena *a, struct responses_text *t, struct json_text more);
/* All of it, in quotes. */
void responses_text_pen(struct json_pen *p, const struct responses_text *t);

/* Of a message: its text, or the model's refusal. */
struct responses_piece {
    struct responses_piece *next;
    struct responses_text text;
    bool refusal;
    bool ended; /* the target said so */
    bool done;  /* and the client was told */
};

enum responses_kind { RESPONSES_MESSAGE, RESPONSES_REASONING, RESPONSES_CALL };

struct responses_item {
    struct responses_item *next;
    enum responses_kind kind;
    uint32_t index;
    struct str id;                        /* plain */
    struct responses_piece *first, *last; /* MESSAGE */
    uint32_t pieces;
    struct responses_text text;     /* REASONING: the summary; CALL: its arguments */
    const char *seal;               /* REASONING: of what is sealed in it; NULL: of nothing */
    struct json_text sealed;        /* what is */
    uint32_t call;                  /* CALL: the target's number of it */
    struct json_text call_id, name; /* CALL */
    bool ended, done;               /* as a piece's */
    bool incomplete;
};

/* How the answer stands. */
struct responses_outcome {
    struct str status;              /* in_progress, completed, incomplete, failed */
    struct str incomplete;          /* why; or empty */
    struct json_text native;        /* the target's word for why it stopped, when ours says less */
    enum fault fault;               /* failed */
    struct str message;             /* failed: plain */
    const struct chat_usage *usage; /* NULL: not known (yet) */
};

/* What is the same in each object that tells of one response. */
struct responses_frame {
    const struct chat_answer_facts *facts; /* its request is not looked at */
    struct str echo; /* the members that repeat what was asked, with a comma before the first */
};

/* The echo of `r`, in the arena; nothing of `r` is needed any more.  .ptr NULL: no room. */
struct str responses_echo(struct arena *a, const struct chat_request *r);

/* The whole response, an object. */
void responses_object(struct json_pen *p, const struct responses_frame *frame,
                      const struct responses_item *first, const struct responses_outcome *o);
/* An item as it is now, or, `begun`, as it was when it had no content yet. */
void responses_item_object(struct json_pen *p, const struct responses_item *item, bool begun);
void responses_piece_object(struct json_pen *p, const struct responses_piece *piece, bool begun);

/* SSE events, whole.  Each counts `*seq` up. */
struct responses_pen {
    struct json_pen *pen; /* NULL: nothing is written */
    uint64_t *seq;
};
void responses_put_state(struct responses_pen p, struct str type,
                         const struct responses_frame *frame, const struct responses_item *first,
                         const struct responses_outcome *o);
void responses_put_item_added(struct responses_pen p, const struct responses_item *item);
void responses_put_item_done(struct responses_pen p, const struct responses_item *item);
/* The last piece of a message. */
void responses_put_piece_added(struct responses_pen p, const struct responses_item *item);
void responses_put_piece_done(struct responses_pen p, const struct responses_item *item);
void responses_put_summary_added(struct responses_pen p, const struct responses_item *item);
void responses_put_summary_done(struct responses_pen p, const struct responses_item *item);
void responses_put_args_done(struct responses_pen p, const struct responses_item *item);
/* A piece of what the item is growing by. */
void responses_put_delta(struct responses_pen p, const struct responses_item *item,
                         struct json_text delta);
void responses_put_error(struct responses_pen p, enum fault f, struct str message);

#endif
