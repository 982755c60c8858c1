/*
 * chat.h - a chat in our own form: what every dialect is read into and written from.
 *
 * Only a change of dialect comes through here; on the same dialect the bytes pass as they came.
 *
 * Texts are views of JSON, not decoded: `struct json_text` is what stands between the quotes of a
 * JSON string, escapes as they were written.  All dialects are JSON, so a text goes from one to the
 * other without being unescaped and escaped again, and arrives byte for byte (signatures, R46).
 * Raw values (a schema, a tool's arguments, a number) are views of JSON too: numbers stay text
 * (R49).  Everything points into the body that was read or into the arena; nothing is owned.
 *
 * A field that a dialect cannot say is dropped and named (chat_drop), mapped, or refused: R45.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LLM_CHAT_H
#define LLM_CHAT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/fault.h"
#include "llm/json.h"

/* The inside of a JSON string.  .ptr NULL: absent; .len 0: empty. */
struct json_text {
    const char *ptr;
    size_t len;
};

/* ---- the request ---- */

enum chat_role { CHAT_SYSTEM, CHAT_DEVELOPER, CHAT_USER, CHAT_ASSISTANT, CHAT_TOOL };

enum chat_part_kind {
    CHAT_TEXT,
    CHAT_IMAGE,    /* url, or media type and base64 */
    CHAT_AUDIO,    /* media type and base64 */
    CHAT_FILE,     /* the same, or a provider's file id */
    CHAT_CALL,     /* an assistant's tool call: id, name, args */
    CHAT_RESULT,   /* of a tool: id, and parts */
    CHAT_THINKING, /* text, and a signature that has to come back as it was */
    CHAT_REDACTED, /* thinking we may carry but not read: data */
    CHAT_REFUSAL,  /* an assistant's: text */
    /* A vendor's own block, of dialect `vendor`: passed there, dropped elsewhere.  With an id it is
     * a call of a kind of its own (OpenAI's custom tools). */
    CHAT_RAW,
};

enum chat_dialect {
    CHAT_OPENAI, /* Chat Completions */
    CHAT_RESPONSES,
    CHAT_ANTHROPIC,
    CHAT_GEMINI,
    CHAT_BEDROCK,
    CHAT_OLLAMA,
    CHAT_DIALECTS
};

struct chat_part {
    enum chat_part_kind kind;
    struct json_text text; /* TEXT, THINKING, REFUSAL; of an IMAGE or FILE: its url */
    struct json_text media_type, data, file_id, file_name; /* IMAGE, AUDIO, FILE; REDACTED: data */
    struct str detail;                                     /* IMAGE: raw, "low" …; empty: none */
    struct json_text id, name;                             /* CALL, RESULT */
    struct str args;                                       /* CALL: a raw JSON object */
    struct json_text args_text; /* instead, when it was no JSON: the text that came */
    struct json_text signature; /* THINKING, and whatever Gemini signs */
    bool has_maker; /* THINKING, REDACTED, CALL: whose it is, is known (chat_origin.h) */
    enum chat_dialect maker;
    bool is_error;           /* RESULT */
    struct chat_part *parts; /* RESULT */
    uint32_t parts_count;
    struct str cache_control; /* raw, Anthropic's */
    struct str citations;     /* raw, Anthropic's */
    enum chat_dialect vendor; /* RAW */
    struct str raw;           /* RAW */
};

struct chat_message {
    enum chat_role role;
    struct json_text name; /* of the participant */
    struct chat_part *parts;
    uint32_t parts_count;
};

struct chat_tool {
    struct json_text name, description;
    struct str schema; /* raw; empty: none */
    bool strict, has_strict;
    struct str cache_control;
    /* A server-side tool of one vendor's: `raw` is all of it, and the rest is empty. */
    enum chat_dialect vendor;
    struct str raw;
};

enum chat_choice {
    CHAT_CHOICE_UNSET,
    CHAT_CHOICE_AUTO,
    CHAT_CHOICE_NONE,
    CHAT_CHOICE_ANY,
    CHAT_CHOICE_NAMED
};
enum chat_format { CHAT_FORMAT_TEXT, CHAT_FORMAT_JSON, CHAT_FORMAT_SCHEMA };
enum chat_tri { CHAT_UNSET, CHAT_NO, CHAT_YES };

/* How much a model may think. */
struct chat_reasoning {
    struct json_text effort; /* none minimal low medium high xhigh max; absent: not said */
    struct str budget;       /* tokens, raw; empty: not said */
    enum chat_tri on;        /* said in so many words */
    bool adaptive;           /* Anthropic's: as the model sees fit */
    enum chat_tri show;      /* the thoughts, or a summary of them, are wanted back */
};

#define CHAT_EXTRA_MAX 32u
#define CHAT_DROPPED_MAX 32u

struct chat_extra { /* a member that only its own dialect knows */
    enum chat_dialect vendor;
    struct str name, value; /* key without quotes; raw */
};

struct chat_echo; /* responses_read.h */
struct quirks;    /* quirks.h */

struct chat_request {
    struct arena *arena;
    struct str model; /* plain, not JSON */
    struct chat_message *messages;
    uint32_t messages_count;
    struct chat_tool *tools;
    uint32_t tools_count;
    enum chat_choice choice;
    struct json_text choice_name;
    enum chat_tri parallel_calls;
    /* Raw numbers; empty when absent. */
    struct str max_tokens, temperature, top_p, top_k, seed, n;
    struct str presence_penalty, frequency_penalty, logprobs, top_logprobs;
    struct str *stop; /* raw strings */
    uint32_t stop_count;
    enum chat_format format;
    struct json_text schema_name, schema_description;
    struct str schema; /* raw */
    enum chat_tri schema_strict;
    struct chat_reasoning reasoning;
    struct json_text user; /* an end user's id */
    struct str metadata;   /* raw object */
    struct json_text service_tier;
    bool stream, wants_usage;
    const struct quirks *quirks;  /* of the server that is asked, of OpenAI's dialect; or NULL */
    bool functions;               /* asked with OpenAI's old functions, and so is the answer */
    const struct chat_echo *echo; /* what an answer of OpenAI's Responses repeats; else NULL */
    struct chat_extra extra[CHAT_EXTRA_MAX];
    uint32_t extra_count;
    /* What the target's dialect could not say: field names, in the client's words. */
    struct str dropped[CHAT_DROPPED_MAX];
    uint32_t dropped_count;
};

/* Why a request cannot be read or written. */
struct chat_problem {
    enum fault fault; /* BAD_REQUEST mostly */
    struct str why, param;
};

/* Note that `field` (a constant, or in the arena) is not passed on; once each. */
void chat_drop(struct chat_request *r, struct str field);
/* The same in any list of CHAT_DROPPED_MAX names. */
void chat_drop_from(struct str *names, uint32_t *count, struct str field);
/* Always false, for the caller to return. */
COLD bool chat_refuse(struct chat_problem *p, struct arena *a, const char *param, const char *fmt,
                      ...) PRINTF_LIKE(4, 5);
/* Whether the body is JSON, `depth_max` levels deep at most.  Clears the problem, or tells that. */
bool chat_scan(struct arena *a, struct str body, unsigned depth_max, struct chat_problem *p);

/* ---- the answer ---- */

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

/* ---- dialects as targets ---- */

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
