/*
 * What Gemini says when it does not answer: google.rpc.Status, whose word says more than HTTP's
 * status does, and whose details say when to come back (the headers do not).
 *
 * {"error":{"code":429,"message":"…","status":"RESOURCE_EXHAUSTED","details":[
 *   {"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaId":"…"}]},
 *   {"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34.4s"}]}}
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/chat_text.h"
#include "llm/gemini_part.h"
#include "llm/json_pick.h"
#include "llm/openai.h"

#define RETRY_S_MAX 1000000u

/* clang-format off */
static const struct row {
    struct str word;
    enum fault fault;
} statuses[] = {
    {STR_INIT("UNAUTHENTICATED"),     FAULT_UPSTREAM_KEY},
    {STR_INIT("PERMISSION_DENIED"),   FAULT_UPSTREAM_KEY},
    {STR_INIT("FAILED_PRECONDITION"), FAULT_UPSTREAM_KEY}, /* no billing, not in this country */
    {STR_INIT("RESOURCE_EXHAUSTED"),  FAULT_UPSTREAM_RATE},
    {STR_INIT("UNAVAILABLE"),         FAULT_UPSTREAM_BUSY},
    {STR_INIT("DEADLINE_EXCEEDED"),   FAULT_UPSTREAM_BUSY},
    {STR_INIT("ABORTED"),             FAULT_UPSTREAM_BUSY},
    {STR_INIT("INTERNAL"),            FAULT_UPSTREAM_ERROR},
    {STR_INIT("UNKNOWN"),             FAULT_UPSTREAM_ERROR},
    {STR_INIT("DATA_LOSS"),           FAULT_UPSTREAM_ERROR},
    {STR_INIT("CANCELLED"),           FAULT_UPSTREAM_ERROR},
    {STR_INIT("INVALID_ARGUMENT"),    FAULT_UPSTREAM_REFUSED},
    {STR_INIT("NOT_FOUND"),           FAULT_UPSTREAM_REFUSED},
    {STR_INIT("OUT_OF_RANGE"),        FAULT_UPSTREAM_REFUSED},
    {STR_INIT("ALREADY_EXISTS"),      FAULT_UPSTREAM_REFUSED},
    {STR_INIT("UNIMPLEMENTED"),       FAULT_UPSTREAM_REFUSED},
}, reasons[] = { /* of an ErrorInfo: a key that is no good is an INVALID_ARGUMENT like others */
    {STR_INIT("API_KEY_INVALID"),     FAULT_UPSTREAM_KEY},
    {STR_INIT("API_KEY_EXPIRED"),     FAULT_UPSTREAM_KEY},
    {STR_INIT("SERVICE_DISABLED"),    FAULT_UPSTREAM_KEY},
    {STR_INIT("BILLING_DISABLED"),    FAULT_UPSTREAM_KEY},
};
/* clang-format on */

static void look_up(const struct row *rows, size_t n, struct json_text word, enum fault *fault)
{
    for (size_t i = 0; i < n; i++) {
        if (json_text_is(word, rows[i].word))
            *fault = rows[i].fault;
    }
}

struct reading {
    struct chat_event *ev;
    bool gone; /* a quota that does not come back within the minute */
};

static bool take_violation(void *ctx, const struct json_member *m)
{
    struct reading *r = ctx;
    struct str id = json_pick_one(m->value, STR("quotaId"), JSON_STRING);
    struct str limit = json_pick_one(m->value, STR("quotaValue"), JSON_STRING);

    r->gone |= str_find(id, STR("PerDay")) != NULL || str_eq(limit, STR("\"0\""));
    return true;
}

/* "34.4s", "0.250s", "7s" in milliseconds, rounded up; 0 for anything else. */
static uint64_t delay_ms(struct json_text text)
{
    struct str whole, part;
    uint64_t s = 0, scale = 100, ms = 0;

    if (text.len < 2 || text.ptr[text.len - 1] != 's')
        return 0;
    str_cut(str_make(text.ptr, text.len - 1), '.', &whole, &part);
    if (!str_to_u64(whole, &s) || s > RETRY_S_MAX)
        return 0;
    for (size_t i = 0; i < part.len; i++) {
        if (part.ptr[i] < '0' || part.ptr[i] > '9')
            return 0;
        ms += (uint64_t)(part.ptr[i] - '0') * scale;
        if (scale == 0 && part.ptr[i] != '0')
            return s * 1000 + ms + 1;
        scale /= 10;
    }
    return s * 1000 + ms;
}

static bool take_detail(void *ctx, const struct json_member *m)
{
    struct reading *r = ctx;
    struct str reason = {NULL, 0}, delay = reason, violations = reason;
    const struct json_pick picks[] = {
        {STR("reason"), JSON_STRING, &reason},
        {STR("retryDelay"), JSON_STRING, &delay},
        {STR("violations"), JSON_ARRAY, &violations},
    };

    json_pick(m->value, picks, COUNTOF(picks));
    look_up(reasons, COUNTOF(reasons), json_text_of(reason), &r->ev->fault);
    if (delay.len > 0)
        r->ev->retry_after_ms = delay_ms(json_text_of(delay));
    if (violations.len > 0)
        json_members(violations, take_violation, r);
    return true;
}

static bool take_first(void *ctx, const struct json_member *m)
{
    *(struct str *)ctx = m->value;
    return false;
}

/* Streams without alt=sse put it into an array. */
static struct str error_of(struct str body)
{
    struct str first = {NULL, 0};

    if (!json_scan(body, JSON_DEPTH_MAX, NULL, NULL, NULL))
        return first;
    if (json_type_of(body) == JSON_ARRAY) {
        json_members(body, take_first, &first);
        body = first;
    }
    return json_pick_one(body, STR("error"), JSON_OBJECT);
}

static void read_error(struct str error, struct chat_event *ev)
{
    struct str status = {NULL, 0}, details = status;
    const struct json_pick picks[] = {
        {STR("status"), JSON_STRING, &status},
        {STR("details"), JSON_ARRAY, &details},
    };
    struct reading r = {.ev = ev};

    json_pick(error, picks, COUNTOF(picks));
    look_up(statuses, COUNTOF(statuses), json_text_of(status), &ev->fault);
    if (details.len > 0)
        json_members(details, take_detail, &r);
    if (r.gone && ev->fault == FAULT_UPSTREAM_RATE)
        ev->fault = FAULT_UPSTREAM_KEY;
}

void gemini_refusal(struct arena *a, unsigned status, struct str body, struct chat_event *ret)
{
    struct str error = error_of(body), code = json_pick_one(error, STR("code"), JSON_NUMBER);
    uint64_t n = json_count(code);
    struct openai_refusal r;

    if (status < 400 && n >= 400 && n < 600)
        status = (unsigned)n;
    r = openai_refusal(a, status, body);
    *ret = (struct chat_event){.kind = CHAT_EV_ERROR, .fault = r.fault};
    if (status < 400 && error.len > 0)
        ret->fault = FAULT_UPSTREAM_ERROR;
    read_error(error, ret);
    if (r.message.len > 0)
        ret->text = json_text_make(a, r.message);
    if (r.type.len > 0)
        ret->name = json_text_make(a, r.type);
}
