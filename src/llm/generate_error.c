/*
 * Errors in Google's shape: https://google.aip.dev/193, with the details of google.rpc.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/generate_part.h"

#include <stdio.h>

#define REASON_BYTES_MAX 64u
#define DELAY_BYTES_MAX 40u

static const struct {
    unsigned http;
    struct str status;
} statuses[] = {
    {400, STR_INIT("INVALID_ARGUMENT")},
    {401, STR_INIT("UNAUTHENTICATED")},
    {402, STR_INIT("FAILED_PRECONDITION")},
    {403, STR_INIT("PERMISSION_DENIED")},
    {404, STR_INIT("NOT_FOUND")},
    {405, STR_INIT("UNIMPLEMENTED")},
    {408, STR_INIT("DEADLINE_EXCEEDED")},
    {409, STR_INIT("ABORTED")},
    {429, STR_INIT("RESOURCE_EXHAUSTED")},
    {499, STR_INIT("CANCELLED")},
    {500, STR_INIT("INTERNAL")},
    {501, STR_INIT("UNIMPLEMENTED")},
    {502, STR_INIT("UNAVAILABLE")},
    {503, STR_INIT("UNAVAILABLE")},
    {504, STR_INIT("DEADLINE_EXCEEDED")},
    {529, STR_INIT("UNAVAILABLE")},
};

static struct str status_of(unsigned http)
{
    for (size_t i = 0; i < COUNTOF(statuses); i++) {
        if (statuses[i].http == http)
            return statuses[i].status;
    }
    return http >= 400 && http < 500 ? STR("INVALID_ARGUMENT") : STR("INTERNAL");
}

static void begin_detail(struct json_pen *p, struct str type)
{
    pen_open(p, '{');
    pen_key(p, STR("@type"));
    pen_quote(p);
    pen_bytes(p, STR("type.googleapis.com/google.rpc."));
    pen_bytes(p, type);
    pen_quote_end(p);
}

/* What it is here, as Google writes reasons: UPSTREAM_RATE_LIMITED. */
static void put_reason(struct json_pen *p, enum fault f)
{
    struct str wire = str_from(fault_info(f)->wire);
    char reason[REASON_BYTES_MAX];
    size_t n = wire.len < REASON_BYTES_MAX ? wire.len : REASON_BYTES_MAX;

    for (size_t i = 0; i < n; i++)
        reason[i] = wire.ptr[i] >= 'a' && wire.ptr[i] <= 'z' ? (char)(wire.ptr[i] - 'a' + 'A')
                                                             : wire.ptr[i];
    begin_detail(p, STR("ErrorInfo"));
    pen_key_plain(p, STR("reason"), str_make(reason, n));
    pen_key_plain(p, STR("domain"), STR("dragoman"));
    pen_close(p, '}');
}

static void put_field(struct json_pen *p, struct str param, struct str message)
{
    if (param.len == 0)
        return;
    begin_detail(p, STR("BadRequest"));
    pen_key(p, STR("fieldViolations"));
    pen_open(p, '[');
    pen_open(p, '{');
    pen_key_plain(p, STR("field"), param);
    pen_key_plain(p, STR("description"), message);
    pen_close(p, '}');
    pen_close(p, ']');
    pen_close(p, '}');
}

static void put_retry(struct json_pen *p, uint64_t ms)
{
    char delay[DELAY_BYTES_MAX];
    int n;

    if (ms == 0)
        return;
    n = snprintf(delay, sizeof(delay), "%llu.%03us", (unsigned long long)(ms / 1000),
                 (unsigned)(ms % 1000));
    begin_detail(p, STR("RetryInfo"));
    pen_key_plain(p, STR("retryDelay"), str_make(delay, (size_t)n));
    pen_close(p, '}');
}

static void put_request(struct json_pen *p, struct str request_id)
{
    if (request_id.len == 0)
        return;
    begin_detail(p, STR("RequestInfo"));
    pen_key_plain(p, STR("requestId"), request_id);
    pen_close(p, '}');
}

int generate_error(enum fault f, unsigned http, struct str message, struct str param,
                   struct str request_id, uint64_t retry_ms, struct buf *out)
{
    struct json_pen p = json_pen(out);

    pen_open(&p, '{');
    pen_key(&p, STR("error"));
    pen_open(&p, '{');
    pen_key(&p, STR("code"));
    pen_u64(&p, http);
    pen_key_plain(&p, STR("message"), message);
    pen_key_plain(&p, STR("status"), status_of(http));
    pen_key(&p, STR("details"));
    pen_open(&p, '[');
    put_reason(&p, f);
    put_field(&p, param, message);
    put_retry(&p, retry_ms);
    put_request(&p, request_id);
    pen_close(&p, ']');
    pen_close(&p, '}');
    pen_close(&p, '}');
    return p.err;
}
