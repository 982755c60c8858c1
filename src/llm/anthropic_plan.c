/*
 * How much a model may think, said the way that this model wants to hear it.
 *
 * An effort is a word here and a budget there; newer models refuse the budget, older ones the word.
 * What else the API refuses together with thinking (a forced tool, a conversation whose last call
 * came without its thoughts) goes first: it is the answer, thinking only makes it better.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/anthropic_part.h"

#include "llm/chat_text.h"

#define BUDGET_MIN 1024u     /* the API's own */
#define BUDGET_DEFAULT 8192u /* when only `on` was said: as for "medium" */
#define ANSWER_TOKENS 8192u  /* what max_tokens has above a budget that came without one */

static void drop(struct chat_request *r)
{
    chat_drop(r, r->reasoning.effort.ptr != NULL ? STR("reasoning_effort") : STR("thinking"));
}

static bool is_none(struct json_text effort)
{
    return json_text_is(effort, STR("none"));
}

static bool is_zero(struct str number)
{
    uint64_t n;

    return str_to_u64(number, &n) && n == 0;
}

static bool wants_none(const struct chat_reasoning *t)
{
    return t->on == CHAT_NO || is_none(t->effort) || is_zero(t->budget);
}

static bool wants_some(const struct chat_reasoning *t)
{
    return t->on == CHAT_YES || t->adaptive || t->budget.len > 0 ||
           chat_effort_tokens(t->effort) > 0;
}

static bool takes_adaptive(const struct anthropic_model *m, const struct chat_reasoning *t)
{
    if (m->thinking == ANTHROPIC_THINKS_EITHER)
        return t->budget.len == 0;
    return m->thinking == ANTHROPIC_THINKS_ADAPTIVE || m->thinking == ANTHROPIC_THINKS_ALWAYS;
}

/* ---- effort ---- */

static struct json_text lower_to(enum anthropic_effort top, struct json_text word)
{
    if (json_text_is(word, STR("minimal")))
        return JSON_TEXT("low");
    if (json_text_is(word, STR("xhigh")) && top != ANTHROPIC_EFFORT_ALL)
        return JSON_TEXT("high");
    if (json_text_is(word, STR("max")) && top == ANTHROPIC_EFFORT_HIGH)
        return JSON_TEXT("high");
    return word;
}

/* Absent: not to be said. */
static struct json_text effort_for(const struct anthropic_model *m, const struct chat_reasoning *t)
{
    struct json_text word = t->effort;
    uint64_t budget;

    if (word.ptr == NULL && takes_adaptive(m, t) && str_to_u64(t->budget, &budget) && budget > 0)
        word = chat_effort_word(budget);
    if (m->effort == ANTHROPIC_NO_EFFORT || chat_effort_tokens(word) == 0)
        return (struct json_text){NULL, 0};
    return lower_to(m->effort, word);
}

/* ---- what speaks against thinking ---- */

static bool is_forced(const struct chat_request *r)
{
    return r->tools_count > 0 && (r->choice == CHAT_CHOICE_ANY || r->choice == CHAT_CHOICE_NAMED);
}

static bool has_kind(const struct chat_message *m, enum chat_part_kind kind)
{
    for (uint32_t i = 0; i < m->parts_count; i++) {
        if (m->parts[i].kind == kind)
            return true;
    }
    return false;
}

/* Thoughts that go with it: those without a signature are another maker's, and stay behind. */
static bool has_thoughts(const struct chat_message *m)
{
    for (uint32_t i = 0; i < m->parts_count; i++) {
        const struct chat_part *p = &m->parts[i];

        if (p->kind == CHAT_REDACTED || (p->kind == CHAT_THINKING && p->signature.len > 0))
            return true;
    }
    return false;
}

/* With a budget, a turn that called tools has to come back with its thoughts before it may go on;
 * a client of another API never saw them.  It goes on as long as its user says nothing without a
 * result: what he says besides is in one turn with it. */
static bool lacks_thoughts(const struct chat_request *r)
{
    bool results = false;

    for (uint32_t i = r->messages_count; i-- > 0;) {
        const struct chat_message *m = &r->messages[i];

        if (m->role == CHAT_ASSISTANT)
            return results && has_kind(m, CHAT_CALL) && !has_thoughts(m);
        results |= has_kind(m, CHAT_RESULT);
    }
    return false;
}

/* ---- the plan ---- */

/* From an effort: a quarter of max_tokens is left for the answer.  false: too few to think. */
static bool fit_budget(struct anthropic_plan *p, uint64_t wanted, uint64_t max_tokens)
{
    uint64_t most = max_tokens - max_tokens / 4;

    p->budget = wanted < most ? wanted : most;
    return p->budget >= BUDGET_MIN;
}

static bool plan_budget(struct anthropic_plan *p, const struct chat_request *r,
                        const struct anthropic_model *m)
{
    uint64_t wanted = chat_effort_tokens(r->reasoning.effort), max_tokens = m->output_tokens;
    bool explicit = str_to_u64(r->reasoning.budget, &wanted);

    if (r->max_tokens.len > 0 && !str_to_u64(r->max_tokens, &max_tokens))
        return false;
    if (!explicit)
        return fit_budget(p, wanted > 0 ? wanted : BUDGET_DEFAULT, max_tokens);
    p->budget_raw = r->reasoning.budget; /* too much or too little is the API's to say */
    if (r->max_tokens.len == 0 && wanted + ANSWER_TOKENS > max_tokens)
        p->max_tokens = wanted + ANSWER_TOKENS;
    return true;
}

static void plan_thinking(struct anthropic_plan *p, struct chat_request *r,
                          const struct anthropic_model *m)
{
    bool adaptive = takes_adaptive(m, &r->reasoning);

    if (m->thinking == ANTHROPIC_THINKS_NOT || is_forced(r) || (!adaptive && lacks_thoughts(r)))
        drop(r);
    else if (adaptive)
        p->thinking = ANTHROPIC_ADAPTIVE;
    else if (plan_budget(p, r, m))
        p->thinking = ANTHROPIC_BUDGETED;
    else
        drop(r);
}

static void plan_none(struct anthropic_plan *p, struct chat_request *r,
                      const struct anthropic_model *m)
{
    if (m->thinking == ANTHROPIC_THINKS_ALWAYS)
        drop(r);
    else if (m->thinking == ANTHROPIC_THINKS_EITHER || m->thinking == ANTHROPIC_THINKS_ADAPTIVE)
        p->thinking = ANTHROPIC_OFF; /* the others do not think unasked */
}

struct anthropic_plan anthropic_plan(struct chat_request *r, const struct anthropic_model *m)
{
    const struct chat_reasoning *t = &r->reasoning;
    struct anthropic_plan p = {.effort = effort_for(m, t)};

    if (r->max_tokens.len == 0)
        p.max_tokens = m->output_tokens;
    if (wants_none(t))
        plan_none(&p, r, m);
    else if (wants_some(t))
        plan_thinking(&p, r, m);
    else if (t->effort.ptr != NULL)
        drop(r); /* a word nobody knows */
    return p;
}
