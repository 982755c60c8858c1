/*
 * dialect.h - a provider's way of being asked and of answering, between its bytes and our own form
 * (chat.h, chat_event.h).
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LLM_DIALECT_H
#define LLM_DIALECT_H

#include "llm/chat_event.h"

enum chat_framing {
    CHAT_SSE,         /* llm/sse.h cuts it */
    CHAT_LINES,       /* NDJSON: a JSON text a line */
    CHAT_EVENTSTREAM, /* Amazon's application/vnd.amazon.eventstream */
};

struct chat_decoder; /* what a dialect remembers of an answer, in the arena */

/* One row a dialect (dialect.c).  Nothing here does I/O, reads a clock, or allocates but from the
 * arena and the buffer it is given. */
struct dialect {
    const char *name; /* as written in the configuration */
    enum chat_dialect id;
    enum chat_framing framing;

    /* The path behind the base URL for `r` ("/messages"), in the arena; .ptr NULL without room. */
    struct str (*path)(struct arena *a, const struct chat_request *r);
    /* Write the body that asks `model` what `r` asks; what cannot be said is dropped (and named) or
     * refused.  false: *p says why. */
    bool (*encode)(struct chat_request *r, struct str model, struct buf *out,
                   struct chat_problem *p);

    /* NULL without room.  For a stream and for a whole answer alike. */
    struct chat_decoder *(*decoder_new)(struct arena *a);
    /* One event of the stream: an SSE event's name and data, or a line, or a frame's type and
     * payload.  Checks that it is JSON.  Says what it means through `emit`; false: `data` is
     * malformed, and counted nowhere. */
    bool (*decode)(struct chat_decoder *d, struct str name, struct str data, chat_event_fn *emit,
                   void *ctx);
    /* The connection has ended, well or not: what that says of the answer, for dialects whose
     * streams have no last event of their own (Gemini: STOP and END when every choice that began
     * has told its finish reason, else nothing).  NULL: END came as an event or not at all. */
    void (*decode_end)(struct chat_decoder *d, chat_event_fn *emit, void *ctx);
    /* A whole answer with a 2xx: the same events as its stream would have had, END last.  false:
     * it is no answer. */
    bool (*decode_whole)(struct chat_decoder *d, struct str body, chat_event_fn *emit, void *ctx);

    /* What a refusal means: fault, message, type, retry hint, as an ERROR event; `status` is 4xx,
     * 5xx, or 200 for an error inside one. */
    void (*refusal)(struct arena *a, unsigned status, struct str body, struct chat_event *ret);
    /* The field of the reply's head that names the kind of a refusal, and what to make of it: what
     * refusal() said is corrected.  NULL: the body tells it. */
    const char *kind_field;
    void (*refusal_kind)(struct arena *a, struct str kind, struct chat_event *ret);
};

/* NULL when nobody has that name. */
const struct dialect *dialect_find(struct str name);
const struct dialect *dialect_get(enum chat_dialect id);

#endif
