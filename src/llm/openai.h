/*
 * openai.h - what the gateway must know of the OpenAI dialect to pass it through untouched.
 *
 * Request: which top-level fields matter, and the body as pieces with those edited (splice).
 * Answer: a watcher that sees usage, finish reasons, first content and errors go by, and mends
 * tool-call deltas that providers number badly (R8); everything else leaves as it came (R44).
 * No I/O, no clock, memory from the arena or from the watcher's own bounded state.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LLM_OPENAI_H
#define LLM_OPENAI_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/fault.h"
#include "llm/json.h"

enum openai_surface { OPENAI_CHAT, OPENAI_COMPLETIONS, OPENAI_EMBEDDINGS, OPENAI_RESPONSES };

/* ---- the request ---- */

struct openai_request {
    struct str body;
    struct str model;          /* unescaped */
    struct str model_value;    /* as written in body, quotes included */
    struct str stream_options; /* as written; empty when absent or null */
    uint32_t choices;          /* `n`; 0 when absent */
    uint32_t inputs;           /* of embeddings: a vector each; 0 where that is not to be told */
    uint64_t max_tokens;       /* under any of its names; 0 when absent, or no number */
    bool stream;
    bool wants_usage;         /* stream_options.include_usage is true */
    struct str options_value; /* stream_options as written, null included; empty when absent */
    struct str usage_value;   /* of include_usage as written; empty when absent */
    struct str object_open;   /* the body's "{" : where a new member can go */
};

/* Scan a body (R49: strict JSON, one "model", depth; all faults named).  FAULT_NONE, or BAD_JSON /
 * BAD_REQUEST with a sentence in *ret_why (arena) and the field in *ret_param (may be empty). */
MUST_USE enum fault openai_request_scan(struct arena *a, enum openai_surface surface,
                                        struct str body, unsigned depth_max,
                                        struct openai_request *ret_req, struct str *ret_why,
                                        struct str *ret_param);

/* The same for a path whose other members are not ours to know: only `model` has to be there. */
MUST_USE enum fault openai_model_scan(struct arena *a, struct str body, unsigned depth_max,
                                      struct openai_request *ret_req, struct str *ret_why,
                                      struct str *ret_param);

#define OPENAI_PIECES_MAX 8u
/* The body for an upstream: `model` replaced (when it differs), include_usage added (when
 * `ask_usage` and streaming and the client did not ask), every other byte the client's.  Pieces
 * point into the body and the arena.  Returns their number; 0 without memory. */
MUST_USE unsigned openai_request_splice(struct arena *a, const struct openai_request *req,
                                        struct str model, bool ask_usage,
                                        struct str ret_pieces[OPENAI_PIECES_MAX]);

/* ---- usage ---- */

enum usage_source { USAGE_ABSENT, USAGE_REPORTED, USAGE_ESTIMATED };

struct openai_usage {
    enum usage_source source;
    uint64_t prompt, completion, total, cached, reasoning, cache_write;
};

/* ---- an answer, streamed ---- */

enum openai_event_kind {
    OPENAI_EV_LIFECYCLE, /* role only, empty delta, Azure's filter results: nothing to show yet */
    OPENAI_EV_CONTENT,   /* text, reasoning, tool call, refusal, audio … or a finish reason */
    OPENAI_EV_USAGE,     /* the usage chunk: no choices */
    OPENAI_EV_DONE,      /* data is exactly [DONE] */
    OPENAI_EV_ERROR,     /* an error object, or `event: error` */
    OPENAI_EV_MALFORMED, /* not JSON, or not an object */
};

#define OPENAI_CHOICES_MAX 128u /* of one answer; OpenAI's own limit for "n" */

struct openai_watch {
    enum openai_surface surface;
    struct openai_usage usage;
    bool content;        /* a content-bearing event was seen */
    bool finished;       /* every choice that was seen has its finish reason; `n` choices */
    bool done;           /* [DONE] */
    uint64_t events;     /* data events seen */
    char finish[24];     /* the last finish reason */
    struct arena *arena; /* for rewritten events' state and error texts */
    enum fault fault;    /* of the error event */
    struct str error_message, error_type, error_code; /* in the arena */
    struct openai_tools *tools;     /* per-choice tool-call state; NULL until one was seen */
    struct openai_stencil *stencil; /* the shape of the event before; NULL until there is one */
    uint32_t inputs; /* so many vectors are asked for, at least; set behind openai_watch_init() */
    uint32_t choices_seen, choices_finished;
    uint64_t seen[2], ended[2]; /* a bit a choice index below OPENAI_CHOICES_MAX */
};

void openai_watch_init(struct openai_watch *w, enum openai_surface surface, struct arena *a);
void openai_watch_done(struct openai_watch *w);
/* Copy what it has in its arena to `to`, which takes that arena's place.  False, and nothing has
 * changed, without memory. */
MUST_USE bool openai_watch_move(struct openai_watch *w, struct arena *to);

/* Look at one event's data.  Each is checked and read, but for those that are the one before with
 * another text.  When the event has to change (tool-call deltas), the new JSON is appended to
 * `rewrite` (NULL: never change any) and *ret_rewritten set; otherwise forward what came. */
enum openai_event_kind openai_watch_event(struct openai_watch *w, struct str name, struct str data,
                                          struct buf *rewrite, bool *ret_rewritten);

/* ---- an answer, whole ---- */

/* Judge the body of a 2xx: FAULT_NONE for an answer, else UPSTREAM_BAD_REPLY (null, no choices, too
 * few vectors, HTML, not JSON), or the fault of the error object inside it, with texts in *w. */
MUST_USE enum fault openai_watch_body(struct openai_watch *w, struct str body);

/* Tell the body of a chat completion as the events of a stream, [DONE] included, with the usage if
 * `usage`; tool calls have no index yet, which openai_watch_event() gives them.  -EINVAL: it has
 * nothing to tell, or a choice without a message or a finish reason; else as buf_put(). */
MUST_USE int openai_retell(struct str body, bool usage, struct buf *out);

/* ---- refusals ---- */

struct openai_refusal {
    enum fault fault;
    struct str message, type, code, param; /* of the provider's error object; may be empty */
};

/* What a non-2xx status with this body means to us (R13): all error shapes in the wild (nested,
 * flat, integer codes, string error, HTML, empty).  insufficient_quota in a 429 is NEXT_KEY; a 403
 * that is about the model is NEXT_TARGET, one about what was asked is STOP. */
struct openai_refusal openai_refusal(struct arena *a, unsigned status, struct str body);

/* The fault for an error object that came inside a 200, from its type and code. */
enum fault openai_error_fault(struct str type, struct str code);

#endif
