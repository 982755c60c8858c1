/*
 * What Anthropic says when it does not answer.
 *
 * The type of the error decides, and only without one that we know the status: the same errors come
 * inside a 200, and from proxies with a status of their own.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/anthropic_part.h"

#include "llm/chat_text.h"
#include "llm/openai_part.h"

/* clang-format off */
static const struct row {
    struct str type;
    enum fault fault;
} rows[] = { /* behind each the status it has by itself */
    {STR_INIT("invalid_request_error"), FAULT_UPSTREAM_REFUSED}, /* 400 */
    {STR_INIT("authentication_error"),  FAULT_UPSTREAM_KEY},     /* 401 */
    {STR_INIT("billing_error"),         FAULT_UPSTREAM_KEY},     /* 402 */
    {STR_INIT("permission_error"),      FAULT_UPSTREAM_KEY},     /* 403 */
    {STR_INIT("not_found_error"),       FAULT_UPSTREAM_REFUSED}, /* 404 */
    {STR_INIT("request_too_large"),     FAULT_UPSTREAM_REFUSED}, /* 413 */
    {STR_INIT("rate_limit_error"),      FAULT_UPSTREAM_RATE},    /* 429 */
    {STR_INIT("api_error"),             FAULT_UPSTREAM_ERROR},   /* 500 */
    {STR_INIT("timeout_error"),         FAULT_UPSTREAM_BUSY},    /* 504 */
    {STR_INIT("overloaded_error"),      FAULT_UPSTREAM_BUSY},    /* 529 */
};
/* clang-format on */

/* An account without money is told so in a 400 that blames the request. */
static bool is_about_money(struct str message)
{
    return str_find(message, STR("credit balance is too low")) != NULL;
}

static enum fault type_fault(const struct openai_refusal *r)
{
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        if (str_eq(r->type, rows[i].type))
            return is_about_money(r->message) ? FAULT_UPSTREAM_KEY : rows[i].fault;
    }
    return FAULT_NONE;
}

void anthropic_refusal(struct arena *a, unsigned status, struct str body, struct chat_event *ret)
{
    struct openai_refusal r = openai_refusal(a, status, body);
    enum fault fault = type_fault(&r);

    if (fault == FAULT_NONE)
        fault = status == 200 ? openai_error_fault(r.type, r.code) : r.fault;
    *ret = (struct chat_event){.kind = CHAT_EV_ERROR,
                               .fault = fault,
                               .text = json_text_make(a, r.message),
                               .name = json_text_make(a, r.type)};
}
