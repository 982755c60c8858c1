/*
 * dialect_anthropic_head.c - what stands in the head of Anthropic's replies, and what its errors
 * say.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sim/dialect_anthropic.h"

#include <time.h>

static struct str rfc3339(struct arena *a, int64_t s)
{
    char text[32];
    time_t t = (time_t)s;
    struct tm tm;
    size_t n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &tm));

    return arena_dup(a, str_make(text, n));
}

struct limit {
    struct str what;
    uint64_t limit, left;
    int64_t reset_s; /* wall clock */
};

static bool put_limit(const struct limit *l, struct http_fields *f, struct arena *a)
{
    const struct str pieces[] = {STR("anthropic-ratelimit-"), l->what, STR("-")};
    struct str stem = arena_join(a, pieces, COUNTOF(pieces));
    struct str limit = arena_printf(a, "%llu", (unsigned long long)l->limit);
    struct str left = arena_printf(a, "%llu", (unsigned long long)l->left);
    struct str reset = rfc3339(a, l->reset_s);
    struct str names[] = {arena_printf(a, "%.*slimit", STR_ARG(stem)),
                          arena_printf(a, "%.*sremaining", STR_ARG(stem)),
                          arena_printf(a, "%.*sreset", STR_ARG(stem))};

    return stem.ptr != NULL && limit.ptr != NULL && left.ptr != NULL && reset.ptr != NULL &&
           names[0].ptr != NULL && names[1].ptr != NULL && names[2].ptr != NULL &&
           http_fields_add(f, a, names[0], limit) == 0 &&
           http_fields_add(f, a, names[1], left) == 0 &&
           http_fields_add(f, a, names[2], reset) == 0;
}

static bool put_limits(const struct sim_head *h, struct http_fields *f, struct arena *a)
{
    uint64_t wait_ms = h->script->value[SIM_PARAM_RA];
    int64_t reset_s = h->now_s + (int64_t)(wait_ms > 0 ? (wait_ms + 999) / 1000 : 60);
    struct limit limits[] = {
        {STR("requests"), 4000, 3999, reset_s},
        {STR("tokens"), 480000, 479000, reset_s},
        {STR("input-tokens"), 400000, 399000, reset_s},
        {STR("output-tokens"), 80000, 80000, reset_s},
    };
    bool ok = true;

    if (h->bucket != NULL) { /* rounded up, and the second that has begun is not over */
        limits[0].limit = h->bucket->limit;
        limits[0].left = h->bucket->left;
        limits[0].reset_s = h->now_s + 1 + (int64_t)((h->bucket->reset_ms + 999) / 1000);
    }
    for (size_t i = 0; i < COUNTOF(limits) && ok; i++) {
        if (h->status == 429 && h->bucket == NULL)
            limits[i].left = 0;
        ok = put_limit(&limits[i], f, a);
    }
    return ok;
}

static bool is_worth_a_retry(unsigned status)
{
    return status == 408 || status == 409 || status == 429 || status >= 500;
}

bool sim_anthropic_fields(const struct sim_head *h, struct http_fields *f, struct arena *a)
{
    struct str id = arena_printf(a, "req_%016llx", (unsigned long long)h->id);
    struct str again = is_worth_a_retry(h->status) ? STR("true") : STR("false");

    return id.ptr != NULL && http_fields_add(f, a, STR("request-id"), id) == 0 &&
           put_limits(h, f, a) &&
           (h->status < 400 || http_fields_add(f, a, STR("x-should-retry"), again) == 0);
}

/* ---- refusing ---- */

/* clang-format off */
static const struct sim_saying sayings[] = {
    SIM_SAYING(400, SIM_CONTEXT_WINDOW, 400, "invalid_request_error", "", "prompt is too long: 200001 tokens > 200000 maximum"),
    SIM_SAYING(429, SIM_QUOTA,          400, "invalid_request_error", "", "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits."),
    SIM_SAYING(400, SIM_NONE,           400, "invalid_request_error", "", "The simulator was told to find this request invalid."),
    SIM_SAYING(401, SIM_NONE,           401, "authentication_error",  "", "invalid x-api-key"),
    SIM_SAYING(402, SIM_NONE,           402, "billing_error",         "", "Your account has no credit left."),
    SIM_SAYING(403, SIM_NONE,           403, "permission_error",      "", "Your API key does not have permission to use the specified resource."),
    SIM_SAYING(404, SIM_NONE,           404, "not_found_error",       "", "model: there is none of this name"),
    SIM_SAYING(408, SIM_NONE,           408, "timeout_error",         "", "Request timed out"),
    SIM_SAYING(409, SIM_NONE,           409, "invalid_request_error", "", "The request conflicts with another one."),
    SIM_SAYING(413, SIM_NONE,           413, "request_too_large",     "", "Request exceeds the maximum size"),
    SIM_SAYING(422, SIM_NONE,           422, "invalid_request_error", "", "The request was well formed but cannot be followed."),
    SIM_SAYING(429, SIM_NONE,           429, "rate_limit_error",      "", "This request would exceed your organization's rate limit of 400,000 input tokens per minute."),
    SIM_SAYING(502, SIM_NONE,           502, "api_error",             "", "Bad gateway"),
    SIM_SAYING(503, SIM_NONE,           503, "api_error",             "", "Service unavailable"),
    SIM_SAYING(504, SIM_NONE,           504, "timeout_error",         "", "Gateway timeout"),
    SIM_SAYING(529, SIM_NONE,           529, "overloaded_error",      "", "Overloaded"),
    SIM_SAYING(500, SIM_NONE,           500, "api_error",             "", "Internal server error"),
};
/* clang-format on */

struct sim_problem sim_anthropic_fault(enum sim_fault f, unsigned status)
{
    if (f == SIM_ERROR_FIRST || f == SIM_ERROR_IN_200)
        status = 529; /* what streams have been seen to say */
    return sim_problem_of(sayings, COUNTOF(sayings), f, status);
}

void sim_anthropic_problem(const struct sim_ask *ask, const struct sim_problem *p, struct out *o)
{
    struct str type = p->type.len > 0 ? p->type : sim_anthropic_fault(SIM_NONE, p->status).type;

    (void)ask;
    OUT_LIT(o, "{\"type\":\"error\",\"error\":{\"type\":");
    out_json(o, type);
    OUT_LIT(o, ",\"message\":");
    out_json(o, p->message);
    OUT_LIT(o, "},\"request_id\":\"req_");
    out_hex(o, p->id);
    OUT_LIT(o, "\"}");
}
