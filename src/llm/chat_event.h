/*
 * chat_event.h - the answer to a chat in our own form: events, of a stream and of a whole one
 * alike. SPDX-License-Identifier: Apache-2.0
 */
#ifndef LLM_CHAT_EVENT_H
#define LLM_CHAT_EVENT_H

#include "llm/chat.h"

enum chat_stop {
    CHAT_STOP_NONE,
    CHAT_STOP_END,      /* said all it had to say */
    CHAT_STOP_SEQUENCE, /* met one of `stop` */
    CHAT_STOP_LENGTH,   /* max_tokens */
    CHAT_STOP_CALLS,    /* waits for tools */
    CHAT_STOP_FILTER,   /* a content filter */
    CHAT_STOP_REFUSAL,  /* the model declined */
    CHAT_STOP_PAUSE,    /* a long turn was paused: send it back to go on */
    CHAT_STOP_CONTEXT,  /* the context window is full */
    CHAT_STOP_OTHER,    /* one we do not know: chat_event.text has its word */
};

enum chat_usage_source { CHAT_USAGE_ABSENT, CHAT_USAGE_REPORTED };

/* Tokens.  `input` counts all of the prompt, what was read from or written to a cache included;
 * `output` counts all that was written, reasoning included. */
struct chat_usage {
    enum chat_usage_source source;
    uint64_t input, output, cache_read, cache_write, reasoning;
};

enum chat_event_kind {
    CHAT_EV_START,     /* id, model: may come empty, and once */
    CHAT_EV_TEXT,      /* text */
    CHAT_EV_THINKING,  /* text */
    CHAT_EV_SIGNATURE, /* of the thinking before: text */
    CHAT_EV_REDACTED,  /* text: the data */
    CHAT_EV_REFUSAL,   /* text */
    CHAT_EV_CALL,      /* a tool call begins: call, id, name */
    CHAT_EV_ARGS,      /* call, text: a piece of its arguments, a JSON text inside a JSON string */
    CHAT_EV_BLOCK_END, /* what went on before is whole */
    CHAT_EV_CITATION,  /* raw */
    CHAT_EV_RAW,       /* raw: a vendor's block, empty while it goes on; only for its own dialect */
    CHAT_EV_USAGE,     /* usage: replaces what was told before */
    CHAT_EV_STOP,      /* stop; text: a stop sequence, or the unknown word; raw: why, by `vendor` */
    CHAT_EV_ERROR,     /* fault, text: message, name: the provider's type or code */
    CHAT_EV_END,       /* the answer is whole */
};

struct chat_event {
    enum chat_event_kind kind;
    uint32_t choice; /* 0 but where a request asked for several */
    uint32_t call;   /* CALL, ARGS: 0, 1, 2 … in the order they began */
    struct json_text text, id, name, model;
    struct json_text signature; /* CALL: Gemini's, or absent */
    struct str raw;
    enum chat_dialect vendor; /* whose `raw` is */
    struct chat_usage usage;
    enum chat_stop stop;
    enum fault fault;
    uint64_t retry_after_ms; /* ERROR; 0: it does not say */
};

/* false: stop, no more events are wanted. */
typedef bool chat_event_fn(void *ctx, const struct chat_event *ev);

#endif
