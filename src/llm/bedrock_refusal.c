/*
 * What Bedrock says when it does not answer.
 *
 * The kind of the error decides.  It stands in the head (x-amzn-errortype), in the body (__type),
 * or is the name of a message in a stream; proxies leave nothing but the status.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/bedrock_part.h"
#include "llm/chat_text.h"
#include "llm/json_pick.h"
#include "llm/openai.h"

/* clang-format off */
static const struct row {
    struct str kind; /* without "Exception" */
    enum fault fault;
} rows[] = {
    {STR_INIT("Throttling"),                 FAULT_UPSTREAM_RATE},    /* 429 */
    {STR_INIT("TooManyRequests"),            FAULT_UPSTREAM_RATE},
    {STR_INIT("ServiceQuotaExceeded"),       FAULT_UPSTREAM_RATE},    /* 400 */
    {STR_INIT("Validation"),                 FAULT_UPSTREAM_REFUSED}, /* 400 */
    {STR_INIT("Conflict"),                   FAULT_UPSTREAM_REFUSED},
    {STR_INIT("ResourceNotFound"),           FAULT_UPSTREAM_REFUSED}, /* 404 */
    {STR_INIT("Serialization"),              FAULT_UPSTREAM_REFUSED},
    {STR_INIT("UnknownOperation"),           FAULT_UPSTREAM_REFUSED},
    {STR_INIT("ModelTimeout"),               FAULT_UPSTREAM_BUSY},    /* 408 */
    {STR_INIT("ModelNotReady"),              FAULT_UPSTREAM_BUSY},    /* 429 */
    {STR_INIT("ServiceUnavailable"),         FAULT_UPSTREAM_BUSY},    /* 503 */
    {STR_INIT("ModelError"),                 FAULT_UPSTREAM_ERROR},   /* 424 */
    {STR_INIT("ModelStreamError"),           FAULT_UPSTREAM_ERROR},   /* 424 */
    {STR_INIT("InternalServer"),             FAULT_UPSTREAM_ERROR},   /* 500 */
    {STR_INIT("InternalFailure"),            FAULT_UPSTREAM_ERROR},
    {STR_INIT("AccessDenied"),               FAULT_UPSTREAM_KEY},     /* 403 */
    {STR_INIT("ExpiredToken"),               FAULT_UPSTREAM_KEY},     /* 403, and so on: signing */
    {STR_INIT("UnrecognizedClient"),         FAULT_UPSTREAM_KEY},
    {STR_INIT("InvalidClientTokenId"),       FAULT_UPSTREAM_KEY},
    {STR_INIT("InvalidSignature"),           FAULT_UPSTREAM_KEY},
    {STR_INIT("SignatureDoesNotMatch"),      FAULT_UPSTREAM_KEY},
    {STR_INIT("IncompleteSignature"),        FAULT_UPSTREAM_KEY},
    {STR_INIT("MissingAuthenticationToken"), FAULT_UPSTREAM_KEY},
    {STR_INIT("NotAuthorized"),              FAULT_UPSTREAM_KEY},
    {STR_INIT("OptInRequired"),              FAULT_UPSTREAM_KEY},
};
/* clang-format on */

static struct str without(struct str s, struct str end)
{
    if (s.len > end.len && str_eq_nocase(str_skip(s, s.len - end.len), end))
        s.len -= end.len;
    return s;
}

/* "com.amazonaws.bedrock#ThrottlingException:http://…" is ThrottlingException. */
static struct str bare(struct str kind)
{
    struct str head, tail;

    str_cut(kind, ':', &head, &tail);
    return str_cut(head, '#', &kind, &tail) ? tail : head;
}

/* Access to a model is granted one by one; a key that lacks it is good for others. */
static enum fault denied(struct arena *a, struct json_text message)
{
    struct str body = arena_join(
        a, (struct str[]){STR("{\"message\":\""), str_make(message.ptr, message.len), STR("\"}")},
        3);

    return openai_refusal(a, 403, body.ptr != NULL ? body : STR("{}")).fault;
}

static enum fault kind_fault(struct arena *a, struct str kind, struct json_text message)
{
    struct str name = without(bare(kind), STR("Exception"));

    for (size_t i = 0; i < COUNTOF(rows); i++) {
        if (str_eq_nocase(name, rows[i].kind))
            return str_eq(rows[i].kind, STR("AccessDenied")) ? denied(a, message) : rows[i].fault;
    }
    return FAULT_NONE;
}

void bedrock_refusal_kind(struct arena *a, struct str kind, struct chat_event *ret)
{
    enum fault fault = kind_fault(a, kind, ret->text);

    if (fault != FAULT_NONE)
        ret->fault = fault;
    if (kind.len > 0)
        ret->name = json_text_make(a, bare(kind));
}

void bedrock_refusal(struct arena *a, unsigned status, struct str body, struct chat_event *ret)
{
    struct openai_refusal r = openai_refusal(a, status, body);
    struct str kind = {NULL, 0};

    *ret = (struct chat_event){.kind = CHAT_EV_ERROR,
                               .fault = status < 400 ? FAULT_UPSTREAM_ERROR : r.fault};
    if (r.message.len > 0)
        ret->text = json_text_make(a, r.message);
    if (json_scan(body, JSON_DEPTH_MAX, NULL, NULL, NULL))
        kind = json_pick_one(body, STR("__type"), JSON_STRING);
    if (kind.len > 2)
        bedrock_refusal_kind(a, json_text_plain(a, json_text_of(kind)), ret);
}
