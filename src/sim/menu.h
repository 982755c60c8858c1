/*
 * menu.h - what a model name can order: the faults and the parameters, each in one table.
 *
 * The tables feed the script's parser, `dragoman sim --help`, GET /sim/menu and the manual.  Of a
 * group a script may pick one; picks of different groups go together ("crlf,cut-rst,tools-whole").
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIM_MENU_H
#define SIM_MENU_H

#include "base/str.h"

struct out;

enum sim_kind { SIM_KIND_TIME, SIM_KIND_COUNT, SIM_KIND_SHARE, SIM_KIND_FAULT, SIM_KIND_TEXT };

/* clang-format off */
/*    name       kind    max          what it sets */
#define SIM_PARAMS(X)                                                                                                 \
    X(TTFT,      "ttft",      TIME,   3600000,    "time to the first token (a whole answer: to its head)")            \
    X(GAP,       "gap",       TIME,   3600000,    "time between two tokens; a whole answer waits for all of them")    \
    X(JITTER,    "jitter",    TIME,   3600000,    "up to this much is added to ttft, by the seed")                    \
    X(TOKENS,    "tokens",    COUNT,  10000000,   "words of the answer, out of a fixed vocabulary; without it the last user message is echoed") \
    X(SIZE,      "size",      COUNT,  1073741824, "bytes of each token's text; of the file for /v1/audio/speech; of the event for big-event") \
    X(AFTER,     "after",     COUNT,  10000000,   "tokens that come before the fault does")                           \
    X(CALLS,     "calls",     COUNT,  64,         "tool calls, for the tools-… faults")                               \
    X(REASONING, "reasoning", COUNT,  1000000,    "words of reasoning before the answer")                             \
    X(RA,        "ra",        TIME,   86400000,   "what Retry-After says, for the retry-after-… faults; alone it means retry-after-int") \
    X(FAULT,     "fault",     FAULT,  0,          "a fault by name; fault=NAME and NAME are the same")                \
    X(P,         "p",         SHARE,  1000000,    "the chosen faults apply to this share of the requests (0 to 1)")   \
    X(FAIL,      "fail",      SHARE,  1000000,    "this share of the requests gets one of 500 502 503 504 429 cut-rst refuse") \
    X(FLIP,      "flip",      COUNT,  1000000000, "the chosen fault (503 without one) for the first N requests of this model name, then none") \
    X(EVERY,     "every",     COUNT,  1000000000, "the chosen fault (503 without one) for each Nth request of this model name") \
    X(BUCKET,    "bucket",    COUNT,  1000000000, "so many requests of one model name and credential in each `window`, and every reply's head says what is left; then 429") \
    X(WINDOW,    "window",    TIME,   86400000,   "how long a bucket lasts, from its first request on; 1s without it")  \
    X(TAG,       "tag",       TEXT,   0,          "anything: keeps this model name's counters and log apart from others'")

/*  group: one of each may be picked */
#define SIM_GROUPS(X)                                                                             \
    X(REPLY) X(RETRY) X(TIMING) X(TEXT) X(END) X(TOOLS) X(USAGE) X(MALFORMED) X(LINES) X(SPACE)   \
    X(GLUE) X(COMMENTS) X(SPLIT) X(TYPE) X(BODY) X(KEEP) X(VERSION)

/*    ident                  name                     group      status  sets     to       what happens */
#define SIM_FAULTS(X)                                                                                                                   \
    X(NONE,                  "ok",                    REPLY,     0,      TTFT,    0,       "nothing: the plain answer")                 \
    X(SLOW_TTFT,             "slow-ttft",             TIMING,    0,      TTFT,    3000,    "the first token comes late")                \
    X(SLOW_DRIP,             "slow-drip",             TIMING,    0,      GAP,     250,     "one token every `gap`")                     \
    X(SILENT,                "silent",                REPLY,     0,      TTFT,    0,       "reads the request, never sends a byte")     \
    X(TLS_HANG,              "tls-hang",              REPLY,     0,      TTFT,    0,       "like silent; for a handshake that hangs start the simulator with --hang ADDR") \
    X(HEADERS_SILENCE,       "headers-then-silence",  REPLY,     200,    TTFT,    0,       "status line and fields, then nothing for ever") \
    X(REFUSE,                "refuse",                REPLY,     0,      TTFT,    0,       "the connection is reset (RST) before any byte of an answer") \
    X(ACCEPT_CLOSE,          "accept-then-close",     REPLY,     0,      TTFT,    0,       "the connection is closed (FIN) before any byte of an answer") \
    X(ERROR_FIRST,           "error-first",           REPLY,     200,    TTFT,    0,       "status 200, and the stream's first event is an error") \
    X(LIFECYCLE_ERROR,       "lifecycle-then-error",  REPLY,     200,    TTFT,    0,       "status 200, what comes before the content, then an error event") \
    X(ERROR_IN_200,          "error-in-200",          REPLY,     200,    TTFT,    0,       "status 200 with an error object as JSON body") \
    X(NULL_BODY,             "null",                  REPLY,     200,    TTFT,    0,       "the body, or the only event, is null")      \
    X(EMPTY_CHOICES,         "empty-choices",         REPLY,     200,    TTFT,    0,       "an answer without choices, content, candidates or message") \
    X(EMPTY_STREAM,          "empty-stream",          REPLY,     200,    TTFT,    0,       "status 200 and a whole reply of no bytes")  \
    X(HTML,                  "html",                  REPLY,     200,    TTFT,    0,       "status 200 with a login page")              \
    X(S400,                  "400",                   REPLY,     400,    TTFT,    0,       "invalid_request_error")                     \
    X(S401,                  "401",                   REPLY,     401,    TTFT,    0,       "invalid_api_key")                           \
    X(S402,                  "402",                   REPLY,     402,    TTFT,    0,       "billing_hard_limit_reached")                \
    X(S403,                  "403",                   REPLY,     403,    TTFT,    0,       "unsupported_country_region_territory")      \
    X(S404,                  "404",                   REPLY,     404,    TTFT,    0,       "model_not_found")                           \
    X(S408,                  "408",                   REPLY,     408,    TTFT,    0,       "request_timeout")                           \
    X(S409,                  "409",                   REPLY,     409,    TTFT,    0,       "conflict")                                  \
    X(S413,                  "413",                   REPLY,     413,    TTFT,    0,       "request_too_large")                         \
    X(S422,                  "422",                   REPLY,     422,    TTFT,    0,       "unprocessable_entity")                      \
    X(S429,                  "429",                   REPLY,     429,    TTFT,    0,       "rate_limit_exceeded")                       \
    X(S500,                  "500",                   REPLY,     500,    TTFT,    0,       "server_error")                              \
    X(S502,                  "502",                   REPLY,     502,    TTFT,    0,       "bad_gateway")                               \
    X(S503,                  "503",                   REPLY,     503,    TTFT,    0,       "service_unavailable")                       \
    X(S504,                  "504",                   REPLY,     504,    TTFT,    0,       "gateway_timeout")                           \
    X(S529,                  "529",                   REPLY,     529,    TTFT,    0,       "overloaded")                                \
    X(CONTEXT_WINDOW,        "context-window",        REPLY,     400,    TTFT,    0,       "the prompt is too long: OpenAI's 400 with code context_length_exceeded") \
    X(QUOTA,                 "quota",                 REPLY,     429,    TTFT,    0,       "no credit is left: OpenAI's 429 with code insufficient_quota") \
    X(INVALID_KEY,           "invalid-key",           REPLY,     401,    TTFT,    0,       "the key is wrong, said as the provider says it: 401, but Gemini's 400 API_KEY_INVALID") \
    X(BIG_EVENT,             "big-event",             TEXT,      200,    SIZE,    8388608, "one event of `size` bytes, without its end until then") \
    X(RA_INT,                "retry-after-int",       RETRY,     429,    RA,      1000,    "429 with `retry-after` in whole seconds")   \
    X(RA_DATE,               "retry-after-date",      RETRY,     429,    RA,      2000,    "429 with `retry-after` as an HTTP date")    \
    X(RA_MS,                 "retry-after-ms",        RETRY,     429,    RA,      250,     "429 with `retry-after-ms`")                 \
    X(RA_ESCALATING,         "retry-after-escalating", RETRY,    429,    RA,      1000,    "429; the seconds double with each request of this model name") \
    X(RA_GARBAGE,            "retry-after-garbage",   RETRY,     429,    RA,      0,       "429 with `retry-after: soon`")              \
    X(RA_ABSENT,             "retry-after-absent",    RETRY,     429,    RA,      0,       "429 without `retry-after`")                 \
    X(FIREHOSE,              "firehose",              TEXT,      0,      TOKENS,  100000,  "tokens as fast as they are taken")          \
    X(LONG,                  "long",                  TEXT,      0,      TOKENS,  500000,  "half a million tokens")                     \
    X(DONE_INSIDE_TEXT,      "done-inside-text",      TEXT,      0,      AFTER,   3,       "the answer's text says [DONE], alone and as a data line") \
    X(FEWER_VECTORS,         "fewer-vectors",         TEXT,      200,    TTFT,    0,       "embeddings: the last text gets no vector")  \
    X(TOKENS_SILENCE,        "n-tokens-then-silence", END,       200,    AFTER,   3,       "`after` tokens, then nothing for ever")     \
    X(CUT_FIN,               "cut-fin",               END,       200,    AFTER,   3,       "`after` tokens, then FIN; the stream has neither length nor chunks, so only the content tells") \
    X(CUT_RST,               "cut-rst",               END,       200,    AFTER,   3,       "`after` tokens, then RST")                  \
    X(CUT_CHUNK,             "cut-chunk",             END,       200,    AFTER,   3,       "`after` tokens, then FIN without the last chunk") \
    X(NO_DONE,               "no-done",               END,       200,    TTFT,    0,       "a finish reason, but no end: [DONE], message_stop, the line that says done") \
    X(NO_FINISH,             "done-without-finish",   END,       200,    TTFT,    0,       "an end without a finish reason")            \
    X(TOOLS_PARALLEL,        "tools-parallel",        TOOLS,     200,    CALLS,   2,       "`calls` tool calls, one after the other")   \
    X(TOOLS_INTERLEAVED,     "tools-interleaved",     TOOLS,     200,    CALLS,   2,       "the pieces of the calls alternate")         \
    X(TOOLS_INDEX_0,         "tools-all-index-0",     TOOLS,     200,    CALLS,   2,       "every call says index 0; a new id begins a new call") \
    X(TOOLS_NO_INDEX,        "tools-no-index",        TOOLS,     200,    CALLS,   2,       "no call says an index")                     \
    X(TOOLS_WHOLE,           "tools-whole",           TOOLS,     200,    CALLS,   2,       "each call whole in one event")              \
    X(USAGE_PRESENT,         "usage-present",         USAGE,     200,    TTFT,    0,       "a usage event even when nobody asked")      \
    X(USAGE_ABSENT,          "usage-absent",          USAGE,     200,    TTFT,    0,       "no usage even when asked")                  \
    X(USAGE_ZERO,            "usage-zero",            USAGE,     200,    TTFT,    0,       "usage, and every number in it is 0")        \
    X(USAGE_EVERY,           "usage-every-chunk",     USAGE,     200,    TTFT,    0,       "running usage in every event")              \
    X(USAGE_LAST_CHOICE,     "usage-in-last-choice",  USAGE,     200,    TTFT,    0,       "usage beside the finish reason, no event of its own") \
    X(USAGE_PLAIN,           "usage-plain",           USAGE,     200,    TTFT,    0,       "the three totals without their details")    \
    X(USAGE_REASONING,       "usage-reasoning",       USAGE,     200,    REASONING, 8,     "reasoning tokens, in the text and in the details") \
    X(BAD_JSON,              "bad-json-mid-stream",   MALFORMED, 200,    AFTER,   3,       "one event that is not JSON after `after` tokens; then on") \
    X(LF,                    "lf",                    LINES,     200,    TTFT,    0,       "lines end in LF, as they do anyhow but in Gemini's streams") \
    X(CRLF,                  "crlf",                  LINES,     200,    TTFT,    0,       "lines end in CR LF")                        \
    X(CR,                    "cr",                    LINES,     200,    TTFT,    0,       "lines end in CR")                           \
    X(NO_SPACE,              "no-space",              SPACE,     200,    TTFT,    0,       "no space after `data:`")                    \
    X(GLUED,                 "glued",                 GLUE,      200,    TTFT,    0,       "many events in one write; gap does not count") \
    X(COMMENTS,              "comments",              COMMENTS,  200,    TTFT,    0,       "a comment line before every event")         \
    X(SPLIT_BYTE,            "split-every-byte",      SPLIT,     200,    TTFT,    0,       "each byte in a write of its own, head and chunk framing too") \
    X(SPLIT_UTF8,            "split-utf8",            SPLIT,     200,    TTFT,    0,       "writes (and chunks) end inside every character beyond ASCII") \
    X(SSE_FOR_JSON,          "sse-for-json",          TYPE,      200,    TTFT,    0,       "a stream although none was asked for")      \
    X(JSON_FOR_SSE,          "json-for-sse",          TYPE,      200,    TTFT,    0,       "a whole JSON body although a stream was asked for") \
    X(GZIP,                  "gzip",                  BODY,      200,    TTFT,    0,       "content-encoding: gzip, asked for or not")  \
    X(WRONG_LENGTH,          "wrong-length",          BODY,      200,    TTFT,    0,       "a whole answer's content-length is 10 more than what comes before FIN") \
    X(WRONG_LENGTH_SHORT,    "wrong-length-short",    BODY,      200,    TTFT,    0,       "a whole answer's content-length is 5 less than what comes") \
    X(STALE,                 "stale-keepalive",       KEEP,      0,      TTFT,    0,       "answers, promises to keep the connection, closes it at once") \
    X(STALE_FIN,             "stale-keepalive-fin",   KEEP,      0,      TTFT,    0,       "answers; the connection's next request gets FIN and no reply") \
    X(STALE_RST,             "stale-keepalive-rst",   KEEP,      0,      TTFT,    0,       "answers; the connection's next request gets RST and no reply") \
    X(VERSION_CHANGE,        "version-change",        VERSION,   200,    TTFT,    0,       "openai-version: 2099-01-01 instead of 2020-10-01")
/* clang-format on */

enum sim_param {
#define X(id, name, kind, max, doc) SIM_PARAM_##id,
    SIM_PARAMS(X)
#undef X
        SIM_PARAM_COUNT
};

enum sim_group {
#define X(id) SIM_GROUP_##id,
    SIM_GROUPS(X)
#undef X
        SIM_GROUP_COUNT
};

enum sim_fault {
#define X(id, name, group, status, sets, to, doc) SIM_##id,
    SIM_FAULTS(X)
#undef X
        SIM_FAULT_COUNT
};

struct sim_param_info {
    struct str name;
    enum sim_kind kind;
    uint64_t max; /* milliseconds, a number, or millionths */
    const char *doc;
};

struct sim_fault_info {
    struct str name;
    enum sim_group group;
    unsigned status;     /* of the reply; 0 when it is the usual one, or none */
    enum sim_param sets; /* a parameter's default, if the script does not give it; */
    uint64_t to;         /* 0: none */
    const char *doc;
};

const struct sim_param_info *sim_param_info(enum sim_param p);
const struct sim_fault_info *sim_fault_info(enum sim_fault f);
/* SIM_PARAM_COUNT, SIM_FAULT_COUNT when there is none of this name. */
enum sim_param sim_param_find(struct str name);
enum sim_fault sim_fault_find(struct str name);

/* For people; for programs; for docs/simulator.md. */
void sim_menu_text(struct out *o);
void sim_menu_json(struct out *o);
void sim_menu_markdown(struct out *o);

#endif
