/*
 * How a model is to write, and how long it may think.
 *
 * inferenceConfig has what all models take.  What one maker's models take beside that goes into
 * additionalModelRequestFields, in that maker's own words: Claude's thinking is planned as for
 * Anthropic's own API (anthropic_plan.c), gpt-oss takes an effort, Nova a word of its own.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/bedrock_part.h"

#include "llm/anthropic_part.h"
#include "llm/chat_said.h"
#include "llm/chat_text.h"
#include "llm/json_pick.h"

struct config {
    struct bedrock_script *s;
    const struct anthropic_model *claude; /* NULL: another maker's */
    struct anthropic_plan plan;
    bool thinks, stops;
};

static bool names(struct str model, struct str word)
{
    return str_find(model, word) != NULL;
}

bool bedrock_is_claude(struct str model)
{
    return names(model, STR("anthropic")) || names(model, STR("claude"));
}

/* 1 is the default of temperature and of top_p, so it needs no saying. */
static void drop_sampling(struct chat_request *r, struct str field, struct str value)
{
    double d = json_number(value);

    if (d < 1 || d > 1)
        chat_drop(r, field);
}

/* ---- inferenceConfig ---- */

static bool samples(const struct config *c)
{
    return !c->thinks && (c->claude == NULL || c->claude->sampling != ANTHROPIC_SAMPLES_NOT);
}

static void put_temperature(struct config *c)
{
    struct chat_request *r = c->s->request;

    if (r->temperature.len == 0)
        return;
    if (!samples(c)) {
        drop_sampling(r, STR("temperature"), r->temperature);
    } else if (json_number(r->temperature) > 1) { /* the API's limit for all models */
        chat_drop(r, STR("temperature"));
        pen_key_raw_some(c->s->pen, STR("temperature"), STR("1"));
    } else {
        pen_key_raw_some(c->s->pen, STR("temperature"), r->temperature);
    }
}

static bool takes_top_p(const struct config *c)
{
    const struct chat_request *r = c->s->request;

    if (c->claude == NULL)
        return true;
    if (c->claude->sampling == ANTHROPIC_SAMPLES_NOT)
        return false;
    if (c->thinks)
        return json_number(r->top_p) >= 0.95;
    return c->claude->sampling == ANTHROPIC_SAMPLES || r->temperature.len == 0;
}

static void put_top_p(struct config *c)
{
    struct chat_request *r = c->s->request;

    if (r->top_p.len == 0)
        return;
    if (takes_top_p(c))
        pen_key_raw_some(c->s->pen, STR("topP"), r->top_p);
    else
        drop_sampling(r, STR("top_p"), r->top_p);
}

/* A budget of thoughts has to fit below it; else the model's own limit does. */
static void put_max_tokens(struct config *c)
{
    const struct chat_request *r = c->s->request;

    if (r->max_tokens.len > 0) {
        pen_key_raw_some(c->s->pen, STR("maxTokens"), r->max_tokens);
    } else if (c->plan.thinking == ANTHROPIC_BUDGETED) {
        pen_key(c->s->pen, STR("maxTokens"));
        pen_u64(c->s->pen, c->plan.max_tokens);
    }
}

/* Where something begins that may stay empty, and then is not written at all. */
struct mark {
    size_t len;
    bool comma;
};

static struct mark section_open(struct json_pen *pen, struct str name)
{
    struct mark m = {pen->out->len, pen->comma};

    pen_key(pen, name);
    pen_open(pen, '{');
    return m;
}

static void section_close(struct json_pen *pen, struct mark m)
{
    if (pen->comma) {
        pen_close(pen, '}');
        return;
    }
    pen->out->len = m.len;
    pen->comma = m.comma;
}

static void put_inference(struct config *c)
{
    struct mark m = section_open(c->s->pen, STR("inferenceConfig"));

    put_max_tokens(c);
    put_temperature(c);
    put_top_p(c);
    c->stops = chat_pen_stops(c->s->pen, STR("stopSequences"), c->s->request);
    section_close(c->s->pen, m);
}

/* ---- additionalModelRequestFields ---- */

static void put_claude_thinking(struct config *c)
{
    struct json_pen *pen = c->s->pen;

    if (c->plan.thinking == ANTHROPIC_UNSAID)
        return;
    pen_key(pen, STR("thinking"));
    pen_open(pen, '{');
    if (c->plan.thinking == ANTHROPIC_OFF) {
        pen_key_text(pen, STR("type"), JSON_TEXT("disabled"));
    } else if (c->plan.thinking == ANTHROPIC_ADAPTIVE) {
        pen_key_text(pen, STR("type"), JSON_TEXT("adaptive"));
    } else {
        pen_key_text(pen, STR("type"), JSON_TEXT("enabled"));
        pen_key(pen, STR("budget_tokens"));
        if (c->plan.budget_raw.len > 0)
            pen_raw(pen, c->plan.budget_raw);
        else
            pen_u64(pen, c->plan.budget);
    }
    pen_close(pen, '}');
}

static void put_claude(struct config *c)
{
    struct json_pen *pen = c->s->pen;
    struct chat_request *r = c->s->request;

    put_claude_thinking(c);
    if (c->plan.effort.len > 0) {
        pen_key(pen, STR("output_config"));
        pen_open(pen, '{');
        pen_key_text(pen, STR("effort"), c->plan.effort);
        pen_close(pen, '}');
    }
    if (r->top_k.len > 0 && samples(c))
        pen_key_raw_some(pen, STR("top_k"), r->top_k);
    else if (r->top_k.len > 0)
        chat_drop(r, STR("top_k"));
}

/* low, medium or high; absent: nothing of the kind was said. */
static struct json_text effort_of(const struct chat_reasoning *t)
{
    struct json_text word = t->effort;
    uint64_t tokens;

    if (word.len == 0 && str_to_u64(t->budget, &tokens) && tokens > 0)
        word = chat_effort_word(tokens);
    if (word.len == 0 || json_text_is(word, STR("none")))
        return (struct json_text){NULL, 0};
    if (json_text_is(word, STR("minimal")) || json_text_is(word, STR("low")))
        return JSON_TEXT("low");
    return json_text_is(word, STR("medium")) ? word : JSON_TEXT("high");
}

static void put_nova(struct config *c, struct json_text effort)
{
    struct json_pen *pen = c->s->pen;
    struct str top_k = c->s->request->top_k;

    if (effort.len > 0) {
        pen_key(pen, STR("reasoningConfig"));
        pen_open(pen, '{');
        pen_key_text(pen, STR("type"), JSON_TEXT("enabled"));
        pen_key_text(pen, STR("maxReasoningEffort"), effort);
        pen_close(pen, '}');
    }
    if (top_k.len == 0)
        return;
    pen_key(pen, STR("inferenceConfig"));
    pen_open(pen, '{');
    pen_key_raw_some(pen, STR("topK"), top_k);
    pen_close(pen, '}');
}

static void put_other(struct config *c)
{
    struct chat_request *r = c->s->request;
    struct json_text effort = effort_of(&r->reasoning);
    bool nova = names(c->s->model, STR("nova")), nova_2 = names(c->s->model, STR("nova-2"));
    bool wanted = effort.len > 0 || r->reasoning.on == CHAT_YES || r->reasoning.adaptive;

    if (nova)
        put_nova(c, nova_2 ? effort : (struct json_text){NULL, 0});
    else if (r->top_k.len > 0)
        chat_drop(r, STR("top_k"));
    if (names(c->s->model, STR("openai.")) && effort.len > 0)
        pen_key_text(c->s->pen, STR("reasoning_effort"), effort);
    else if (wanted && !(nova_2 && effort.len > 0))
        chat_drop(r, r->reasoning.effort.len > 0 ? STR("reasoning_effort") : STR("thinking"));
}

static bool copy_member(void *ctx, const struct json_member *m)
{
    pen_key(ctx, m->key);
    pen_raw(ctx, m->value);
    return true;
}

static void put_additional(struct config *c)
{
    const struct chat_request *r = c->s->request;
    struct mark m = section_open(c->s->pen, STR("additionalModelRequestFields"));

    if (c->claude != NULL)
        put_claude(c);
    else
        put_other(c);
    for (uint32_t i = 0; i < r->extra_count; i++) {
        const struct chat_extra *e = &r->extra[i];

        if (e->vendor == CHAT_BEDROCK && str_eq(e->name, STR("additionalModelRequestFields")) &&
            json_type_of(e->value) == JSON_OBJECT)
            json_members(e->value, copy_member, c->s->pen);
    }
    section_close(c->s->pen, m);
    if (c->claude != NULL && c->stops) /* which of them it was */
        pen_key_raw_some(c->s->pen, STR("additionalModelResponseFieldPaths"),
                         STR("[\"/delta/stop_sequence\"]"));
}

/* ---- outputConfig ---- */

static void put_schema(struct json_pen *pen, const struct chat_request *r)
{
    pen_key(pen, STR("outputConfig"));
    pen_open(pen, '{');
    pen_key(pen, STR("textFormat"));
    pen_open(pen, '{');
    pen_key_text(pen, STR("type"), JSON_TEXT("json_schema"));
    pen_key(pen, STR("structure"));
    pen_open(pen, '{');
    pen_key(pen, STR("jsonSchema"));
    pen_open(pen, '{');
    pen_key(pen, STR("schema")); /* a text with JSON in it */
    pen_quote(pen);
    pen_inside_json(pen, r->schema);
    pen_quote_end(pen);
    pen_key_text_some(pen, STR("name"), r->schema_name);
    pen_key_text_some(pen, STR("description"), r->schema_description);
    for (unsigned i = 0; i < 4; i++)
        pen_close(pen, '}');
}

static bool put_format(struct config *c)
{
    struct chat_request *r = c->s->request;
    bool schema = r->format == CHAT_FORMAT_SCHEMA && r->schema.len > 0;

    if (schema && c->claude != NULL && !c->claude->schema)
        return chat_refuse(c->s->problem, r->arena, "response_format",
                           "%.*s keeps to no JSON schema", STR_ARG(c->s->model));
    if (schema)
        put_schema(c->s->pen, r);
    else if (r->format != CHAT_FORMAT_TEXT)
        chat_drop(r, STR("response_format"));
    return true;
}

bool bedrock_config(struct bedrock_script *s)
{
    struct config c = {.s = s};

    if (bedrock_is_claude(s->model)) {
        c.claude = anthropic_model_get(s->model);
        c.plan = anthropic_plan(s->request, c.claude);
        c.thinks = c.plan.thinking == ANTHROPIC_BUDGETED || c.plan.thinking == ANTHROPIC_ADAPTIVE;
    }
    put_inference(&c);
    put_additional(&c);
    return put_format(&c);
}
