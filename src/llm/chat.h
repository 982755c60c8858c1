/*
 * chat.h - a chat in our own form: what every dialect is read into and written from; its answer is
 * in chat_event.h.
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
     * a call of a kind of its own (OpenAI's custom tools): elsewhere that of a function, of this
     * name and with args_text. */
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
/* Whether the tool that has to be called is one of another maker's, which a target of this vendor
 * is not told of: naming it there would be refused. */
bool chat_choice_is_lost(const struct chat_request *r, enum chat_dialect vendor);
/* Always false, for the caller to return. */
COLD bool chat_refuse(struct chat_problem *p, struct arena *a, const char *param, const char *fmt,
                      ...) PRINTF_LIKE(4, 5);
/* Whether the body is JSON, `depth_max` levels deep at most.  Clears the problem, or tells that. */
bool chat_scan(struct arena *a, struct str body, unsigned depth_max, struct chat_problem *p);

#endif
