/*
 * Token counts, under the names that providers give them.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/openai_part.h"

#include <stdlib.h>

enum count {
    COUNT_PROMPT,
    COUNT_COMPLETION,
    COUNT_TOTAL,
    COUNT_CACHED,
    COUNT_REASONING,
    COUNT_CACHE_WRITE
};
_Static_assert(COUNT_CACHE_WRITE < OPENAI_USAGE_COUNTS, "a reading has room for each");

struct row {
    struct str name;
    enum count count;
};

/* clang-format off */
static const struct row own[] = { /* of usage itself */
    {STR_INIT("prompt_tokens"),           COUNT_PROMPT},
    {STR_INIT("completion_tokens"),       COUNT_COMPLETION},
    {STR_INIT("total_tokens"),            COUNT_TOTAL},
    {STR_INIT("prompt_cache_hit_tokens"), COUNT_CACHED},    /* DeepSeek */
    {STR_INIT("cached_tokens"),           COUNT_CACHED},    /* Moonshot */
    {STR_INIT("reasoning_tokens"),        COUNT_REASONING}, /* Perplexity */
    {STR_INIT("input_tokens"),            COUNT_PROMPT},
    {STR_INIT("output_tokens"),           COUNT_COMPLETION},
};

static const struct details {
    struct str name; /* the member of usage */
    struct row row;
} details[] = {
    {STR_INIT("prompt_tokens_details"),     {STR_INIT("cached_tokens"),      COUNT_CACHED}},
    {STR_INIT("prompt_tokens_details"),     {STR_INIT("cache_write_tokens"), COUNT_CACHE_WRITE}},
    {STR_INIT("completion_tokens_details"), {STR_INIT("reasoning_tokens"),   COUNT_REASONING}},
};
/* clang-format on */

/* Some write 12.0 or 1.2e1; strtod() wants a NUL. */
static uint64_t float_to_u64(struct str number)
{
    char text[64];
    double v;

    if (number.len >= sizeof(text))
        return number.ptr[0] == '-' ? 0 : UINT64_MAX;
    memcpy(text, number.ptr, number.len);
    text[number.len] = '\0';
    v = strtod(text, NULL);
    if (!(v > 0))
        return 0;
    return v < 18446744073709549568.0 ? (uint64_t)v : UINT64_MAX;
}

static uint64_t number_to_u64(struct str number)
{
    uint64_t n = 0;

    for (size_t i = 0; i < number.len; i++) {
        if (number.ptr[i] < '0' || number.ptr[i] > '9')
            return float_to_u64(number);
        if (__builtin_mul_overflow(n, 10u, &n) ||
            __builtin_add_overflow(n, (uint64_t)(number.ptr[i] - '0'), &n))
            return UINT64_MAX;
    }
    return n;
}

static void take_number(struct openai_usage_reading *r, const struct json_member *m,
                        const struct row *row)
{
    r->value[row->count] = number_to_u64(m->value);
    r->seen |= 1u << row->count;
}

static bool take_member(void *ctx, const struct json_member *m)
{
    for (size_t i = 0; m->type == JSON_NUMBER && i < COUNTOF(own); i++) {
        if (json_key_is(m, own[i].name)) {
            take_number(ctx, m, &own[i]);
            break;
        }
    }
    return true;
}

static bool take_detail(void *ctx, const struct json_member *m)
{
    struct openai_usage_reading *r = ctx;

    for (unsigned i = r->entered; m->type == JSON_NUMBER && i < COUNTOF(details); i++) {
        if (str_eq(details[i].name, details[r->entered].name) &&
            json_key_is(m, details[i].row.name))
            take_number(r, m, &details[i].row);
    }
    return true;
}

static struct json_visitor enter_details(void *ctx, const struct json_member *m)
{
    struct openai_usage_reading *r = ctx;

    for (unsigned i = 0; m->type == JSON_OBJECT && i < COUNTOF(details); i++) {
        if (json_key_is(m, details[i].name)) {
            r->entered = i;
            return (struct json_visitor){.on_member = take_detail, .ctx = r};
        }
    }
    return (struct json_visitor){NULL, NULL, NULL};
}

struct json_visitor openai_usage_visitor(struct openai_usage_reading *r)
{
    *r = (struct openai_usage_reading){.seen = 0};
    return (struct json_visitor){take_member, enter_details, r};
}

static bool was_seen(const struct openai_usage_reading *r, enum count count)
{
    return (r->seen >> count & 1) != 0;
}

bool openai_usage_take(struct openai_usage *usage, const struct openai_usage_reading *r)
{
    uint64_t total = r->value[COUNT_TOTAL];

    if (!was_seen(r, COUNT_PROMPT) && !was_seen(r, COUNT_COMPLETION) && !was_seen(r, COUNT_TOTAL))
        return false;
    if (!was_seen(r, COUNT_TOTAL) &&
        __builtin_add_overflow(r->value[COUNT_PROMPT], r->value[COUNT_COMPLETION], &total))
        total = UINT64_MAX;
    *usage = (struct openai_usage){.source = USAGE_REPORTED,
                                   .prompt = r->value[COUNT_PROMPT],
                                   .completion = r->value[COUNT_COMPLETION],
                                   .total = total,
                                   .cached = r->value[COUNT_CACHED],
                                   .reasoning = r->value[COUNT_REASONING],
                                   .cache_write = r->value[COUNT_CACHE_WRITE]};
    return true;
}

bool openai_usage_read(struct openai_usage *usage, struct str object)
{
    struct openai_usage_reading r;

    return json_type_of(object) == JSON_OBJECT &&
           json_visit(object, JSON_DEPTH_MAX, openai_usage_visitor(&r), NULL) &&
           openai_usage_take(usage, &r);
}
