/*
 * anthropic_answer.h - what is remembered of an answer of Anthropic's while it is read.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LLM_ANTHROPIC_ANSWER_H
#define LLM_ANTHROPIC_ANSWER_H

#include "llm/anthropic_part.h"
#include "llm/chat_text.h"

/* ---- members ---- */

enum field {
    F_TYPE,
    F_INDEX,
    F_DELTA,
    F_CONTENT_BLOCK,
    F_MESSAGE,
    F_USAGE,
    F_ERROR,
    F_ID,
    F_MODEL,
    F_CONTENT,
    F_STOP_REASON,
    F_STOP_SEQUENCE,
    F_STOP_DETAILS,
    F_TEXT,
    F_THINKING,
    F_SIGNATURE,
    F_DATA,
    F_NAME,
    F_INPUT,
    F_CITATIONS,
    F_CITATION,
    F_PARTIAL_JSON,
    FIELDS
};

struct object { /* the members of one, as written; empty when absent */
    struct str value[FIELDS];
};

/* A json_member_fn over a struct object. */
bool anthropic_member(void *ctx, const struct json_member *m);
/* Of checked JSON; nothing of what is no object. */
struct object anthropic_object(struct str checked);

static inline struct json_text anthropic_text(const struct object *o, enum field f)
{
    return json_text_of(o->value[f]);
}

static inline struct str anthropic_word(const struct object *o, enum field f)
{
    struct json_text t = anthropic_text(o, f);

    return str_make(t.ptr, t.len);
}

/* ---- the answer ---- */

struct pile { /* bytes that grow in the arena; used again and again */
    char *ptr;
    size_t len, cap;
};

enum block { BLOCK_NONE, BLOCK_TEXT, BLOCK_THINKING, BLOCK_REDACTED, BLOCK_CALL, BLOCK_RAW };

/* A call whose end had not come when the next block began: its arguments may still come, by index.
 */
struct parked {
    struct parked *next;
    uint64_t index;
    uint32_t call;
    bool args, over;
    struct pile first;
};

enum count { INPUT, CACHE_READ, CACHE_WRITE, OUTPUT, REASONING, COUNTS };

struct chat_decoder {
    struct arena *arena;
    chat_event_fn *emit; /* of this event */
    void *ctx;
    bool enough; /* who listens has heard enough */
    bool bad;    /* this event makes no sense */

    bool started, stopped, ended; /* START, STOP, and the last event at all were told */
    struct pile id;               /* of the message, as written */
    struct pile reason;           /* a stop reason that message_start knew */
    uint64_t count[COUNTS];
    bool counted;

    enum block block; /* the one that goes on */
    uint64_t index;   /* its own */
    bool said;        /* something of it was told */
    uint32_t calls;
    uint32_t call;         /* CALL: its number */
    struct parked *parked; /* calls that others began before the end of */
    bool args;             /* CALL: arguments were told */
    struct pile first;     /* CALL: its input at the start; RAW: the block at its start */
    struct pile more;      /* RAW: what the deltas say */
    struct pile member;    /* RAW: of this member */
    bool more_is_json;     /* … which is JSON inside a string */
    struct pile raw;       /* RAW: all of it */
    bool member_was_seen;  /* … while it is put together */
};

/* Without room the event is bad. */
void anthropic_pile_put(struct chat_decoder *d, struct pile *p, struct str s);
void anthropic_pile_set(struct chat_decoder *d, struct pile *p, struct str s);

static inline struct str anthropic_pile(const struct pile *p)
{
    return str_make(p->ptr, p->len);
}

/* Nothing of an event that makes no sense, nor to who has heard enough. */
void anthropic_tell(struct chat_decoder *d, const struct chat_event *ev);
void anthropic_start_message(struct chat_decoder *d, const struct object *message);
/* One of which nothing is known, if none was started. */
void anthropic_need_message(struct chat_decoder *d);

/* ---- blocks ---- */

/* What goes on has to end before another one begins. */
void anthropic_block_begin(struct chat_decoder *d, struct str block, uint64_t index);
void anthropic_block_delta(struct chat_decoder *d, struct str delta, uint64_t index);
void anthropic_block_end(struct chat_decoder *d); /* if one goes on */
/* A block begins: what goes on ends, unless it is a call that may go on behind it. */
void anthropic_block_yield(struct chat_decoder *d);
void anthropic_block_stop(struct chat_decoder *d, uint64_t index);
void anthropic_blocks_end(struct chat_decoder *d); /* all of them */

#endif
