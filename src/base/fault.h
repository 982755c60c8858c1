/*
 * fault.h - every way a request can fail, in one table.
 *
 * A line here decides what the client reads, which metric counts it, what the log says and what
 * the retry loop does.  Nothing else compares status codes.  (What goes wrong with a socket or a
 * file is a negative errno; it becomes a fault at the first function that knows which request it
 * hurt.)
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#include "base/defs.h"

enum blame { BLAME_CLIENT, BLAME_GATEWAY, BLAME_UPSTREAM };

/* What the retry loop does about it. */
enum remedy {
    REMEDY_STOP,        /* nobody would answer otherwise: give it to the client */
    REMEDY_NEXT_KEY,    /* this credential is no good: bench it, try another */
    REMEDY_NEXT_TARGET, /* this target will not answer this request: another may */
    REMEDY_RETRY,       /* another target, or this one later */
};

/* clang-format off */
/*      name               http  blame     remedy    type (OpenAI)              wire code                    manual */
#define FAULT_MAP(X)                                                                                                                                 \
    X(BAD_REQUEST,         400,  CLIENT,   STOP,     "invalid_request_error",   "invalid_request",           "The request is malformed; the message names the field.") \
    X(BAD_JSON,            400,  CLIENT,   STOP,     "invalid_request_error",   "invalid_json",              "The body is not JSON; the message names the byte.") \
    X(BAD_KEY,             401,  CLIENT,   STOP,     "authentication_error",    "invalid_api_key",           "The client key is missing or unknown.") \
    X(MODEL_DENIED,        403,  CLIENT,   STOP,     "permission_error",        "model_not_allowed",         "The client key may not use this model.") \
    X(NO_SUCH_MODEL,       404,  CLIENT,   STOP,     "invalid_request_error",   "model_not_found",           "No alias or provider/model has this name.") \
    X(NO_SUCH_PATH,        404,  CLIENT,   STOP,     "invalid_request_error",   "unknown_url",               "Nothing is served at this path.") \
    X(BAD_METHOD,          405,  CLIENT,   STOP,     "invalid_request_error",   "method_not_allowed",        "The path exists, the method does not.") \
    X(CLIENT_TIMEOUT,      408,  CLIENT,   STOP,     "invalid_request_error",   "request_timeout",           "The request did not arrive in time.") \
    X(TOO_LARGE,           413,  CLIENT,   STOP,     "invalid_request_error",   "request_too_large",         "A limit on the request's size; the message names it.") \
    X(CLIENT_LEFT,         499,  CLIENT,   STOP,     "invalid_request_error",   "client_closed_request",     "The client closed before the answer was whole (log only).") \
    X(INTERNAL,            500,  GATEWAY,  STOP,     "api_error",               "gateway_error",             "A fault in the gateway itself.") \
    X(OVERLOADED,          503,  GATEWAY,  STOP,     "api_error",               "gateway_overloaded",        "A limit of the gateway is reached; the message names it.") \
    X(DRAINING,            503,  GATEWAY,  STOP,     "api_error",               "gateway_draining",          "The gateway is shutting down.") \
    X(NOT_SUPPORTED,       501,  GATEWAY,  STOP,     "invalid_request_error",   "not_supported",             "No target of this model can answer at this path (POST /v1/messages/count_tokens, :countTokens).") \
    X(DEADLINE,            504,  GATEWAY,  STOP,     "timeout_error",           "deadline_exceeded",         "The request's deadline passed with nothing to show.") \
    X(KEYS_EXHAUSTED,      502,  GATEWAY,  STOP,     "api_error",               "upstream_credentials_exhausted", "Every key of every eligible target was refused.") \
    X(UPSTREAM_QUEUE,      503,  GATEWAY,  RETRY,    "api_error",               "upstream_queue_full",       "Too many requests wait for a connection to the provider (upstream.queue).") \
    X(UPSTREAM_REFUSED,    400,  UPSTREAM, STOP,     "invalid_request_error",   "upstream_refused",          "The provider refused the request (400, 404, 413, 422 …); its own answer is passed through.") \
    X(UPSTREAM_KEY,        502,  UPSTREAM, NEXT_KEY, "api_error",               "upstream_key_refused",      "The provider refused our credential (401, 402, 403).") \
    X(UPSTREAM_MODEL,      502,  UPSTREAM, NEXT_TARGET, "api_error",            "upstream_model_refused",    "The provider does not let our credential use this model (a 403 that says so).") \
    X(UPSTREAM_RATE,       429,  UPSTREAM, RETRY,    "rate_limit_error",        "upstream_rate_limited",     "The provider answered 429.") \
    X(UPSTREAM_BUSY,       503,  UPSTREAM, RETRY,    "api_error",               "upstream_overloaded",       "The provider answered 408, 503 or 529.") \
    X(UPSTREAM_ERROR,      502,  UPSTREAM, RETRY,    "api_error",               "upstream_error",            "The provider answered another 5xx, or an error inside a 200.") \
    X(UPSTREAM_BAD_REPLY,  502,  UPSTREAM, RETRY,    "api_error",               "upstream_bad_response",     "What the provider sent is not an answer (HTML, null, no choices, not HTTP).") \
    X(UPSTREAM_EMPTY,      502,  UPSTREAM, RETRY,    "api_error",               "upstream_empty_response",   "The provider's stream ended without any content.") \
    X(UPSTREAM_CONNECT,    502,  UPSTREAM, RETRY,    "api_error",               "upstream_connect_failed",   "No connection to the provider (DNS, TCP, proxy).") \
    X(UPSTREAM_TLS,        502,  UPSTREAM, RETRY,    "api_error",               "upstream_tls_failed",       "The TLS handshake or the certificate failed.") \
    X(UPSTREAM_RESET,      502,  UPSTREAM, RETRY,    "api_error",               "upstream_reset",            "The connection broke before the answer.") \
    X(UPSTREAM_TIMEOUT,    504,  UPSTREAM, RETRY,    "timeout_error",           "upstream_timeout",          "One of the limits connect, headers, first_content or idle fired; the message says which.") \
    X(UPSTREAM_TRUNCATED,  502,  UPSTREAM, RETRY,    "api_error",               "upstream_stream_truncated", "The stream ended without a finish reason.")
/* clang-format on */

enum fault {
    FAULT_NONE,
#define X(name, http, blame, remedy, type, wire, manual) FAULT_##name,
    FAULT_MAP(X)
#undef X
        FAULT_COUNT
};

struct fault_info {
    const char *wire;   /* error.code; also the metric label and the log word */
    const char *type;   /* error.type */
    const char *manual; /* one sentence for the manual */
    uint16_t http;
    uint8_t blame;  /* enum blame */
    uint8_t remedy; /* enum remedy */
};

const struct fault_info *fault_info(enum fault f);

#endif
