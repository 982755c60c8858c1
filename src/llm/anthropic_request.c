/*
 * A request in the words of the Anthropic Messages API.
 *
 * What it cannot say is named (chat_drop) and left out; what would be answered wrongly without is
 * refused: more than one choice, a schema for a model that keeps to none, sound.  JSON mode without
 * a schema is left out: whoever asks for it has to ask in the prompt too, by OpenAI's rules.  The
 * schema's own name is a label and goes silently.  A temperature above 1 is sent as 1, and named.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/anthropic_part.h"

#include <errno.h>

#include "llm/chat_said.h"
#include "llm/chat_text.h"
#include "llm/json_pick.h"
#include "llm/openai_encode.h"

/* ---- sampling ---- */

static bool thinks(const struct anthropic_plan *plan)
{
    return plan->thinking == ANTHROPIC_BUDGETED || plan->thinking == ANTHROPIC_ADAPTIVE;
}

/* 1 is the default of temperature and of top_p, so it needs no saying. */
static bool is_one(struct str raw)
{
    double d = json_number(raw);

    return d >= 1 && d <= 1;
}

static void put_temperature(struct anthropic_script *s, const struct anthropic_plan *plan)
{
    struct chat_request *r = s->request;

    if (r->temperature.len == 0)
        return;
    if (thinks(plan) || s->model->sampling == ANTHROPIC_SAMPLES_NOT) {
        if (!is_one(r->temperature))
            chat_drop(r, STR("temperature"));
        return;
    }
    if (json_number(r->temperature) > 1) {
        chat_drop(r, STR("temperature"));
        r->temperature = STR("1");
    }
    pen_key_raw_some(s->pen, STR("temperature"), r->temperature);
}

static bool takes_top_p(const struct anthropic_script *s, const struct anthropic_plan *plan)
{
    if (s->model->sampling == ANTHROPIC_SAMPLES_NOT)
        return false;
    if (thinks(plan))
        return json_number(s->request->top_p) >= 0.95;
    return s->model->sampling == ANTHROPIC_SAMPLES || s->request->temperature.len == 0;
}

static void put_top_p(struct anthropic_script *s, const struct anthropic_plan *plan)
{
    if (s->request->top_p.len == 0)
        return;
    if (takes_top_p(s, plan))
        pen_key_raw_some(s->pen, STR("top_p"), s->request->top_p);
    else if (!is_one(s->request->top_p))
        chat_drop(s->request, STR("top_p"));
}

static void put_top_k(struct anthropic_script *s, const struct anthropic_plan *plan)
{
    if (s->request->top_k.len == 0)
        return;
    if (thinks(plan) || s->model->sampling == ANTHROPIC_SAMPLES_NOT)
        chat_drop(s->request, STR("top_k"));
    else
        pen_key_raw_some(s->pen, STR("top_k"), s->request->top_k);
}

/* ---- thinking ---- */

static void put_thinking(struct anthropic_script *s, const struct anthropic_plan *plan)
{
    struct json_pen *pen = s->pen;

    if (plan->thinking == ANTHROPIC_UNSAID)
        return;
    pen_key(pen, STR("thinking"));
    pen_open(pen, '{');
    if (plan->thinking == ANTHROPIC_OFF) {
        pen_key_text(pen, STR("type"), JSON_TEXT("disabled"));
    } else if (plan->thinking == ANTHROPIC_ADAPTIVE) {
        pen_key_text(pen, STR("type"), JSON_TEXT("adaptive"));
        if (s->request->reasoning.show == CHAT_YES)
            pen_key_text(pen, STR("display"), JSON_TEXT("summarized"));
        else if (s->request->reasoning.show == CHAT_NO)
            pen_key_text(pen, STR("display"), JSON_TEXT("omitted"));
    } else {
        pen_key_text(pen, STR("type"), JSON_TEXT("enabled"));
        pen_key(pen, STR("budget_tokens"));
        if (plan->budget_raw.len > 0)
            pen_raw(pen, plan->budget_raw);
        else
            pen_u64(pen, plan->budget);
    }
    pen_close(pen, '}');
}

/* ---- output_config ---- */

static const struct chat_extra *find_extra(const struct chat_request *r, struct str name)
{
    for (uint32_t i = 0; i < r->extra_count; i++) {
        if (r->extra[i].vendor == CHAT_ANTHROPIC && str_eq(r->extra[i].name, name))
            return &r->extra[i];
    }
    return NULL;
}

static bool put_other_config(void *ctx, const struct json_member *m)
{
    struct json_pen *pen = ctx;

    if (json_key_is(m, STR("effort")) || json_key_is(m, STR("format")))
        return true; /* read into the request */
    pen_key(pen, m->key);
    pen_raw(pen, m->value);
    return true;
}

static void put_format(struct anthropic_script *s)
{
    pen_key(s->pen, STR("format"));
    pen_open(s->pen, '{');
    pen_key_text(s->pen, STR("type"), JSON_TEXT("json_schema"));
    pen_key(s->pen, STR("schema"));
    pen_raw(s->pen, s->request->schema);
    pen_close(s->pen, '}');
}

static bool put_output_config(struct anthropic_script *s, const struct anthropic_plan *plan)
{
    struct chat_request *r = s->request;
    const struct chat_extra *extra = find_extra(r, STR("output_config"));
    bool format = r->format == CHAT_FORMAT_SCHEMA && r->schema.len > 0;

    if (format && !s->model->schema)
        return chat_refuse(s->problem, r->arena, "response_format", "%.*s keeps to no JSON schema",
                           STR_ARG(r->model));
    if (r->format != CHAT_FORMAT_TEXT && !format)
        chat_drop(r, STR("response_format"));
    if (format && r->schema_description.len > 0)
        chat_drop(r, STR("response_format.description"));
    if (!format && plan->effort.ptr == NULL && extra == NULL)
        return true;
    pen_key(s->pen, STR("output_config"));
    pen_open(s->pen, '{');
    pen_key_text_some(s->pen, STR("effort"), plan->effort);
    if (format)
        put_format(s);
    if (extra != NULL && json_type_of(extra->value) == JSON_OBJECT)
        json_members(extra->value, put_other_config, s->pen);
    pen_close(s->pen, '}');
    return true;
}

/* ---- tools ---- */

static bool find_member_type(void *ctx, const struct json_member *m)
{
    struct str *type = ctx;

    if (json_key_is(m, STR("type")))
        *type = m->value;
    return true;
}

/* The API wants an object with its type named; OpenAI takes {} and nothing. */
static void put_schema(struct json_pen *pen, struct str schema)
{
    struct str type = {NULL, 0};

    pen_key(pen, STR("input_schema"));
    if (json_type_of(schema) == JSON_OBJECT)
        json_members(schema, find_member_type, &type);
    if (type.len > 0) {
        pen_raw(pen, schema);
    } else if (json_type_of(schema) != JSON_OBJECT || json_is_empty(schema)) {
        pen_raw(pen, STR("{\"type\":\"object\",\"properties\":{}}"));
    } else {
        const char *inside = (const char *)memchr(schema.ptr, '{', schema.len) + 1;

        pen_raw(pen, STR("{\"type\":\"object\","));
        pen_bytes(pen, str_make(inside, schema.len - (size_t)(inside - schema.ptr)));
    }
}

static void put_tool(struct anthropic_script *s, const struct chat_tool *t)
{
    struct json_pen *pen = s->pen;

    pen_open(pen, '{');
    pen_key_text(pen, STR("name"), t->name);
    if (t->description.len > 0)
        pen_key_text(pen, STR("description"), t->description);
    put_schema(pen, t->schema);
    if (t->strict && s->model->schema) {
        pen_key(pen, STR("strict"));
        pen_bool(pen, true);
    } else if (t->strict) {
        chat_drop(s->request, STR("strict"));
    }
    pen_key_raw_some(pen, STR("cache_control"), t->cache_control);
    pen_close(pen, '}');
}

static bool is_ours(const struct chat_tool *t)
{
    return t->raw.len == 0 || t->vendor == CHAT_ANTHROPIC;
}

/* Their number. */
static uint32_t put_tools(struct anthropic_script *s)
{
    struct chat_request *r = s->request;
    uint32_t put = 0;

    for (uint32_t i = 0; i < r->tools_count; i++) {
        const struct chat_tool *t = &r->tools[i];

        if (!is_ours(t)) {
            chat_drop(r, openai_encode_type_of(r->arena, STR("tools."), t->raw));
            continue;
        }
        if (put++ == 0) {
            pen_key(s->pen, STR("tools"));
            pen_open(s->pen, '[');
        }
        if (t->raw.len > 0)
            pen_raw(s->pen, t->raw);
        else
            put_tool(s, t);
    }
    if (put > 0)
        pen_close(s->pen, ']');
    return put;
}

static void put_choice(struct anthropic_script *s)
{
    static const struct json_text words[] = {[CHAT_CHOICE_UNSET] = {"auto", 4},
                                             [CHAT_CHOICE_AUTO] = {"auto", 4},
                                             [CHAT_CHOICE_NONE] = {"none", 4},
                                             [CHAT_CHOICE_ANY] = {"any", 3},
                                             [CHAT_CHOICE_NAMED] = {"tool", 4}};
    struct chat_request *r = s->request;
    enum chat_choice choice = r->choice;

    if (chat_choice_is_lost(r, CHAT_ANTHROPIC)) {
        chat_drop(r, STR("tool_choice"));
        choice = CHAT_CHOICE_UNSET;
    }
    if (choice == CHAT_CHOICE_UNSET && r->parallel_calls != CHAT_NO)
        return;
    pen_key(s->pen, STR("tool_choice"));
    pen_open(s->pen, '{');
    pen_key_text(s->pen, STR("type"), words[choice]);
    if (choice == CHAT_CHOICE_NAMED)
        pen_key_text(s->pen, STR("name"), r->choice_name);
    if (r->parallel_calls == CHAT_NO && choice != CHAT_CHOICE_NONE) {
        pen_key(s->pen, STR("disable_parallel_tool_use"));
        pen_bool(s->pen, true);
    }
    pen_close(s->pen, '}');
}

/* ---- the rest ---- */

static bool find_user_id(void *ctx, const struct json_member *m)
{
    struct json_text *user = ctx;

    if (json_key_is(m, STR("user_id")) && m->type == JSON_STRING)
        *user = json_text_of(m->value);
    return true;
}

/* The API's metadata knows a user and nothing else. */
static void put_metadata(struct anthropic_script *s)
{
    struct chat_request *r = s->request;
    struct json_text user = {NULL, 0};

    if (json_type_of(r->metadata) == JSON_OBJECT)
        json_members(r->metadata, find_user_id, &user);
    if (user.ptr == NULL && r->metadata.len > 0 && !json_is_empty(r->metadata))
        chat_drop(r, STR("metadata"));
    if (r->user.ptr != NULL)
        user = r->user;
    if (user.ptr == NULL)
        return;
    pen_key(s->pen, STR("metadata"));
    pen_open(s->pen, '{');
    pen_key_text(s->pen, STR("user_id"), user);
    pen_close(s->pen, '}');
}

/* OpenAI's "default" is the tier without priority, which here is another word. */
static void put_tier(struct anthropic_script *s)
{
    struct json_text tier = s->request->service_tier;

    if (json_text_is(tier, STR("auto")) || json_text_is(tier, STR("standard_only")))
        pen_key_text(s->pen, STR("service_tier"), tier);
    else if (json_text_is(tier, STR("default")))
        pen_key_text(s->pen, STR("service_tier"), JSON_TEXT("standard_only"));
    else if (tier.len > 0)
        chat_drop(s->request, STR("service_tier"));
}

/* What is written from the request itself, and may not be there twice. */
static bool is_written(struct str name)
{
    static const struct str own[] = {
        STR_INIT("model"),    STR_INIT("max_tokens"),    STR_INIT("system"),
        STR_INIT("messages"), STR_INIT("tools"),         STR_INIT("tool_choice"),
        STR_INIT("thinking"), STR_INIT("output_config"), STR_INIT("temperature"),
        STR_INIT("top_p"),    STR_INIT("top_k"),         STR_INIT("stop_sequences"),
        STR_INIT("metadata"), STR_INIT("service_tier"),  STR_INIT("stream"),
    };

    for (size_t i = 0; i < COUNTOF(own); i++) {
        if (str_eq(name, own[i]))
            return true;
    }
    return false;
}

static void put_extras(struct anthropic_script *s)
{
    struct chat_request *r = s->request;

    for (uint32_t i = 0; i < r->extra_count; i++) {
        if (r->extra[i].vendor != CHAT_ANTHROPIC)
            chat_drop(r, r->extra[i].name);
        else if (!is_written(r->extra[i].name))
            pen_key_raw_some(s->pen, r->extra[i].name, r->extra[i].value);
    }
}

/* ---- what there is no word for ---- */

static void drop_number(struct chat_request *r, struct str field, struct str value)
{
    if (value.len > 0 && (value.ptr[0] == 't' || json_number(value) < 0 || json_number(value) > 0))
        chat_drop(r, field);
}

static void drop_unsayable(struct chat_request *r)
{
    if (r->seed.len > 0)
        chat_drop(r, STR("seed"));
    drop_number(r, STR("presence_penalty"), r->presence_penalty);
    drop_number(r, STR("frequency_penalty"), r->frequency_penalty);
    drop_number(r, STR("logprobs"), r->logprobs);
    drop_number(r, STR("top_logprobs"), r->top_logprobs);
}

static bool refuse_choices(struct anthropic_script *s)
{
    return s->request->n.len == 0 || is_one(s->request->n) ||
           chat_refuse(s->problem, s->request->arena, "n", "%.*s gives one choice, not %.*s",
                       STR_ARG(s->request->model), STR_ARG(s->request->n));
}

static bool refuse_size(struct anthropic_script *s)
{
    if (s->pen->err == -ENOBUFS)
        *s->problem = (struct chat_problem){
            .fault = FAULT_TOO_LARGE, .why = STR("the request is too large in Anthropic's form")};
    else
        *s->problem = (struct chat_problem){.fault = FAULT_OVERLOADED,
                                            .why = STR("No memory for the request's body.")};
    return false;
}

/* ---- all of it ---- */

static void put_head(struct anthropic_script *s, struct str model,
                     const struct anthropic_plan *plan)
{
    pen_key_plain(s->pen, STR("model"), model);
    pen_key(s->pen, STR("max_tokens"));
    if (s->request->max_tokens.len > 0)
        pen_raw(s->pen, s->request->max_tokens);
    else
        pen_u64(s->pen, plan->max_tokens);
}

static void put_parameters(struct anthropic_script *s, const struct anthropic_plan *plan)
{
    put_temperature(s, plan);
    put_top_p(s, plan);
    put_top_k(s, plan);
    chat_pen_stops(s->pen, STR("stop_sequences"), s->request);
    put_thinking(s, plan);
    put_metadata(s);
    put_tier(s);
    put_extras(s);
    if (s->request->stream) {
        pen_key(s->pen, STR("stream"));
        pen_bool(s->pen, true);
    }
}

bool anthropic_encode(struct chat_request *r, struct str model, struct buf *out,
                      struct chat_problem *p)
{
    struct json_pen pen = json_pen(out);
    struct anthropic_script s = {r, anthropic_model_get(model), &pen, p};
    struct anthropic_plan plan = anthropic_plan(r, s.model);

    if (!refuse_choices(&s))
        return false;
    drop_unsayable(r);
    pen_open(&pen, '{');
    put_head(&s, model, &plan);
    if (!anthropic_turns(&s) || !put_output_config(&s, &plan))
        return false;
    if (put_tools(&s) > 0)
        put_choice(&s);
    put_parameters(&s, &plan);
    pen_close(&pen, '}');
    return pen.err == 0 || refuse_size(&s);
}
