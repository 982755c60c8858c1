/*
 * generationConfig: how Gemini is to write, and how long it may think.
 *
 * Gemini 3 thinks by level, 2.5 by a number of tokens, those before do not think.  One that cannot
 * stop thinking is told to think as little as it can.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/chat_text.h"
#include "llm/gemini_part.h"
#include "llm/json_pick.h"

#define STOPS_MAX 5u
#define SEED_MAX 2147483647u

static bool contains(struct str s, struct str word)
{
    return str_find(s, word) != NULL;
}

unsigned gemini_generation(struct str model)
{
    const struct str word = STR("gemini-");
    const char *at = str_find(model, word);
    size_t i = at != NULL ? (size_t)(at - model.ptr) + word.len : model.len;
    unsigned major, minor = 0;

    if (i < model.len && contains(model, STR("-latest")) && model.ptr[i] > '9')
        return 30; /* gemini-flash-latest: whatever is new */
    if (i >= model.len || model.ptr[i] < '0' || model.ptr[i] > '9')
        return 0;
    major = (unsigned)(model.ptr[i] - '0');
    if (i + 2 < model.len && model.ptr[i + 1] == '.' && model.ptr[i + 2] >= '0' &&
        model.ptr[i + 2] <= '9')
        minor = (unsigned)(model.ptr[i + 2] - '0');
    return major * 10 + minor;
}

/* ---- thinking ---- */

static bool is_off(const struct chat_reasoning *r)
{
    return r->on == CHAT_NO || json_text_is(r->effort, STR("none")) ||
           (r->budget.len > 0 && str_eq(r->budget, STR("0")));
}

static struct json_text level_of(const struct chat_reasoning *r, struct str model)
{
    bool pro = contains(model, STR("-pro"));

    if (is_off(r) || json_text_is(r->effort, STR("minimal")))
        return pro ? JSON_TEXT("low") : JSON_TEXT("minimal");
    if (json_text_is(r->effort, STR("medium")) && !contains(model, STR("gemini-3-pro")))
        return JSON_TEXT("medium");
    return json_text_is(r->effort, STR("low")) ? JSON_TEXT("low") : JSON_TEXT("high");
}

/* What models of 2.5 take. */
static uint64_t budget_within(uint64_t tokens, struct str model)
{
    bool pro = contains(model, STR("-pro"));
    uint64_t least = pro ? 128 : 0, most = pro ? 32768 : 24576;

    return tokens < least ? least : tokens > most ? most : tokens;
}

static void put_budget(struct json_pen *pen, const struct chat_reasoning *r, struct str model)
{
    uint64_t tokens = 0;

    if (is_off(r)) {
        pen_key(pen, STR("thinkingBudget"));
        pen_u64(pen, budget_within(0, model));
    } else if (r->budget.len > 0 && !str_to_u64(r->budget, &tokens)) {
        pen_key_raw_some(pen, STR("thinkingBudget"), r->budget);
    } else if (r->budget.len > 0 || chat_effort_tokens(r->effort) > 0) {
        pen_key(pen, STR("thinkingBudget"));
        pen_u64(pen,
                budget_within(r->budget.len > 0 ? tokens : chat_effort_tokens(r->effort), model));
    } else if (r->on == CHAT_YES) {
        pen_key_raw_some(pen, STR("thinkingBudget"), STR("-1")); /* as it sees fit */
    }
}

void gemini_thinking_put(struct json_pen *pen, struct chat_request *request, struct str model)
{
    const struct chat_reasoning *r = &request->reasoning;
    unsigned generation = gemini_generation(model);
    bool asked = r->effort.len > 0 || r->budget.len > 0 || r->on != CHAT_UNSET;

    if (!asked && r->show != CHAT_YES)
        return;
    if (generation > 0 && generation < 25) {
        if (!is_off(r))
            chat_drop(request, r->effort.len > 0 ? STR("reasoning_effort") : STR("thinking"));
        return;
    }
    pen_key(pen, STR("thinkingConfig"));
    pen_open(pen, '{');
    if (generation >= 30 && (r->effort.len > 0 || is_off(r)))
        pen_key_text(pen, STR("thinkingLevel"), level_of(r, model));
    else if (generation < 30 || r->budget.len > 0)
        put_budget(pen, r, model);
    if (r->show == CHAT_YES) {
        pen_key(pen, STR("includeThoughts"));
        pen_bool(pen, true);
    }
    pen_close(pen, '}');
}

/* ---- the rest ---- */

static bool put_stops(struct json_pen *pen, struct chat_request *r, struct chat_problem *p)
{
    if (r->stop_count == 0)
        return true;
    if (r->stop_count > STOPS_MAX)
        return chat_refuse(p, r->arena, "stop",
                           "Gemini takes at most %u stop sequences, there are %u", STOPS_MAX,
                           r->stop_count);
    pen_key(pen, STR("stopSequences"));
    pen_open(pen, '[');
    for (uint32_t i = 0; i < r->stop_count; i++)
        pen_raw(pen, r->stop[i]);
    pen_close(pen, ']');
    return true;
}

static bool put_format(struct json_pen *pen, struct chat_request *r, struct chat_problem *p)
{
    if (r->format == CHAT_FORMAT_TEXT)
        return true;
    if (r->schema_description.len > 0)
        chat_drop(r, STR("response_format.description"));
    pen_key_plain(pen, STR("responseMimeType"), STR("application/json"));
    if (r->format != CHAT_FORMAT_SCHEMA || r->schema.len == 0)
        return true;
    pen_key(pen, STR("responseSchema"));
    return gemini_schema_put(pen, r, r->schema, p);
}

/* It is a 32-bit number there. */
static void put_seed(struct json_pen *pen, struct chat_request *r)
{
    uint64_t seed = 0;
    bool minus = r->seed.len > 0 && r->seed.ptr[0] == '-';

    if (r->seed.len == 0)
        return;
    if (str_to_u64(minus ? str_skip(r->seed, 1) : r->seed, &seed) && seed <= SEED_MAX)
        pen_key_raw_some(pen, STR("seed"), r->seed);
    else
        chat_drop(r, STR("seed"));
}

/* The answer form has no place for them, so asking would be for nothing. */
static void drop_logprobs(struct chat_request *r)
{
    if (r->logprobs.len > 0 && !str_eq(r->logprobs, STR("false")))
        chat_drop(r, STR("logprobs"));
    if (r->top_logprobs.len > 0)
        chat_drop(r, STR("top_logprobs"));
}

static bool copy_member(void *ctx, const struct json_member *m)
{
    pen_key(ctx, m->key);
    pen_raw(ctx, m->value);
    return true;
}

/* What only Gemini knows: speechConfig, responseModalities, mediaResolution … */
static void put_extra(struct json_pen *pen, const struct chat_request *r)
{
    for (uint32_t i = 0; i < r->extra_count; i++) {
        const struct chat_extra *e = &r->extra[i];

        if (e->vendor == CHAT_GEMINI && str_eq(e->name, STR("generationConfig")) &&
            json_type_of(e->value) == JSON_OBJECT)
            json_members(e->value, copy_member, pen);
    }
}

bool gemini_config_put(struct json_pen *pen, struct chat_request *r, struct str model,
                       struct chat_problem *p)
{
    size_t empty = pen->out->len;
    bool comma = pen->comma;

    drop_logprobs(r);
    pen_key(pen, STR("generationConfig"));
    pen_open(pen, '{');
    pen_key_raw_some(pen, STR("maxOutputTokens"), r->max_tokens);
    pen_key_raw_some(pen, STR("temperature"), r->temperature);
    pen_key_raw_some(pen, STR("topP"), r->top_p);
    pen_key_raw_some(pen, STR("topK"), r->top_k);
    pen_key_raw_some(pen, STR("candidateCount"), r->n);
    pen_key_raw_some(pen, STR("presencePenalty"), r->presence_penalty);
    pen_key_raw_some(pen, STR("frequencyPenalty"), r->frequency_penalty);
    put_seed(pen, r);
    if (!put_stops(pen, r, p) || !put_format(pen, r, p))
        return false;
    gemini_thinking_put(pen, r, model);
    put_extra(pen, r);
    if (!pen->comma) { /* nothing was said */
        pen->out->len = empty;
        pen->comma = comma;
        return true;
    }
    pen_close(pen, '}');
    return true;
}
