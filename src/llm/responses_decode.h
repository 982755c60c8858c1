/*
 * responses_decode.h - what is remembered of an answer of the Responses API while it is read.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LLM_RESPONSES_DECODE_H
#define LLM_RESPONSES_DECODE_H

#include "llm/chat_text.h"
#include "llm/responses_encode.h"

enum output_kind { OUTPUT_MESSAGE, OUTPUT_REASONING, OUTPUT_CALL, OUTPUT_OTHER };

/* An item of the output.  Ids may change from event to event; its place does not. */
struct output {
    struct output *next;
    uint64_t index;
    enum output_kind kind;
    uint64_t told;   /* a bit a part of which something was told */
    bool in_full;    /* REASONING: as its own text, not as a summary */
    bool begun;      /* CALL, OTHER: and told so */
    bool done;       /* all of it was told */
    uint32_t number; /* CALL */
};

struct chat_decoder {
    struct arena *arena;
    chat_event_fn *emit; /* of this event */
    void *ctx;
    bool enough; /* who listens has heard enough */
    bool bad;    /* this event makes no sense */

    bool started, stopped, ended; /* START, STOP, and the last event at all were told */
    struct output *first, *last;
    struct output *open; /* what the last event was about; NULL: a block ended */
    uint64_t part;       /* … and which part of it */
    uint32_t calls;
    uint64_t next_number; /* of events; 0 while none has one */
};

/* A part of an item: its text, or a piece of it. */
struct output_piece {
    enum chat_event_kind kind; /* TEXT, REFUSAL, THINKING */
    uint64_t part;
    bool in_full; /* THINKING: of its text */
    bool whole;   /* all of it: what was told already is not told again */
    struct json_text text;
};

void responses_tell(struct chat_decoder *d, const struct chat_event *ev);
/* One of which nothing is known, if none was started. */
void responses_need_start(struct chat_decoder *d);

/* The item at this place, made if there is none; NULL, and the event bad, without room. */
struct output *output_get(struct chat_decoder *d, uint64_t index, enum output_kind kind);
struct output *output_find(const struct chat_decoder *d, uint64_t index);
enum output_kind output_kind_of(struct str item);
void output_begin(struct chat_decoder *d, struct output *o, struct str item);
void output_piece(struct chat_decoder *d, struct output *o, const struct output_piece *piece);
/* `whole`: all of the arguments. */
void output_args(struct chat_decoder *d, struct output *o, struct json_text text, bool whole);
/* What of it has not been told yet, and its end. */
void output_done(struct chat_decoder *d, struct output *o, struct str item);

#endif
