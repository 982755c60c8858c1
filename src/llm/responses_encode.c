/*
 * A chat as the body of a Responses request, for a target of that dialect whose client speaks
 * another.  (A client of this one has its body passed as it came: openai_request.c.)
 *
 * Nothing is kept at the target: each request brings its whole conversation, reasoning that only
 * the target can read among it, so `store` is false and that reasoning is asked for.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/responses_encode.h"

#include "llm/chat_text.h"
#include "llm/openai_encode.h"

/* ---- what the model is ---- */

static bool begins_with_one(struct str s, const struct str *words, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (str_starts(s, words[i]))
            return true;
    }
    return false;
}

/* Models that do not think answer 400 when they are asked for their reasoning. */
static bool thinks(struct str model)
{
    static const struct str families[] = {STR_INIT("gpt-5"), STR_INIT("o1"), STR_INIT("o3"),
                                          STR_INIT("o4"), STR_INIT("codex")};
    struct str head, tail = model;

    while (str_cut(tail, '/', &head, &tail)) /* "openai/gpt-5" */
        model = tail;
    if (str_starts(model, STR("ft:")))
        model = str_skip(model, 3);
    return begins_with_one(model, families, COUNTOF(families)) &&
           str_find(model, STR("-chat")) == NULL;
}

static bool asks_for_thought(const struct chat_reasoning *t)
{
    return (t->effort.ptr != NULL && !json_text_is(t->effort, STR("none"))) || t->on == CHAT_YES ||
           t->show == CHAT_YES;
}

static void pen_kept(struct json_pen *p, const struct chat_request *r, struct str model)
{
    pen_key(p, STR("store"));
    pen_bool(p, false);
    if (!thinks(model) && !asks_for_thought(&r->reasoning))
        return;
    pen_key(p, STR("include"));
    pen_raw(p, STR("[\"reasoning.encrypted_content\"]"));
}

/* ---- settings ---- */

/* The defaults, which clients say who say everything. */
static bool is_nothing(struct str value)
{
    return value.len == 0 || str_eq(value, STR("0")) || str_eq(value, STR("0.0")) ||
           str_eq(value, STR("false"));
}

static void drop_some(struct chat_request *r, struct str value, struct str name)
{
    if (value.len > 0)
        chat_drop(r, name);
}

static void drop_unless_nothing(struct chat_request *r, struct str value, struct str name)
{
    if (!is_nothing(value))
        chat_drop(r, name);
}

static bool is_one(struct str n)
{
    return n.len == 0 || str_eq(n, STR("1"));
}

/* OpenAI's servers do not know the penalties here; those of Open Responses do, and whoever asks in
 * the words of this API knows whom. */
static void pen_penalties(struct json_pen *p, struct chat_request *r)
{
    if (responses_is_own(r)) {
        pen_key_raw_some(p, STR("presence_penalty"), r->presence_penalty);
        pen_key_raw_some(p, STR("frequency_penalty"), r->frequency_penalty);
        return;
    }
    drop_unless_nothing(r, r->presence_penalty, STR("presence_penalty"));
    drop_unless_nothing(r, r->frequency_penalty, STR("frequency_penalty"));
}

static void pen_numbers(struct json_pen *p, struct chat_request *r)
{
    pen_key_raw_some(p, STR("max_output_tokens"), r->max_tokens);
    pen_key_raw_some(p, STR("temperature"), r->temperature);
    pen_key_raw_some(p, STR("top_p"), r->top_p);
    pen_penalties(p, r);
    drop_some(r, r->top_k, STR("top_k"));
    drop_some(r, r->seed, STR("seed"));
    drop_unless_nothing(r, r->logprobs, STR("logprobs"));
    drop_unless_nothing(r, r->top_logprobs, STR("top_logprobs"));
    if (r->stop_count > 0)
        chat_drop(r, STR("stop"));
}

/* Who wants the thoughts is given what there is: a summary of them. */
static bool wants_summary(const struct chat_reasoning *t)
{
    return t->show == CHAT_YES || (t->show == CHAT_UNSET && t->on == CHAT_YES);
}

static void pen_reasoning(struct json_pen *p, struct chat_request *r)
{
    struct json_text effort = openai_encode_effort(r);
    bool summary = wants_summary(&r->reasoning);

    if (effort.ptr == NULL && !summary)
        return;
    pen_key(p, STR("reasoning"));
    pen_open(p, '{');
    pen_key_text_some(p, STR("effort"), effort);
    if (summary)
        pen_key_text(p, STR("summary"), JSON_TEXT("auto"));
    pen_close(p, '}');
}

/* ---- the form of the text ---- */

static void pen_format(struct json_pen *p, const struct chat_request *r)
{
    if (r->format == CHAT_FORMAT_TEXT)
        return;
    pen_key(p, STR("format"));
    pen_open(p, '{');
    if (r->format == CHAT_FORMAT_JSON) {
        pen_key_text(p, STR("type"), JSON_TEXT("json_object"));
    } else {
        pen_key_text(p, STR("type"), JSON_TEXT("json_schema"));
        pen_key_text(p, STR("name"),
                     r->schema_name.ptr != NULL ? r->schema_name : JSON_TEXT("answer"));
        pen_key_text_some(p, STR("description"), r->schema_description);
        pen_key(p, STR("schema"));
        pen_raw(p, r->schema.len > 0 ? r->schema : STR("{}"));
        pen_key_tri_some(p, STR("strict"), r->schema_strict);
    }
    pen_close(p, '}');
}

static struct str extra_of(const struct chat_request *r, struct str name)
{
    for (uint32_t i = 0; i < r->extra_count; i++) {
        if (r->extra[i].vendor == CHAT_OPENAI && str_eq(r->extra[i].name, name))
            return r->extra[i].value;
    }
    return STR("");
}

static void pen_form(struct json_pen *p, const struct chat_request *r)
{
    struct str verbosity = extra_of(r, STR("verbosity"));

    if (r->format == CHAT_FORMAT_TEXT && verbosity.len == 0)
        return;
    pen_key(p, STR("text"));
    pen_open(p, '{');
    pen_format(p, r);
    pen_key_raw_some(p, STR("verbosity"), verbosity);
    pen_close(p, '}');
}

/* What Chat Completions has under the same name; "verbosity" has its place in `text`. */
static void pen_extras(struct json_pen *p, struct chat_request *r)
{
    static const struct str shared[] = {STR_INIT("safety_identifier"), STR_INIT("prompt_cache_key"),
                                        STR_INIT("prompt_cache_retention")};

    for (uint32_t i = 0; i < r->extra_count; i++) {
        const struct chat_extra *e = &r->extra[i];
        bool known = e->vendor == CHAT_OPENAI &&
                     (str_eq(e->name, STR("verbosity")) ||
                      (str_eq(e->name, STR("store")) && str_eq(e->value, STR("false"))));
        size_t k = 0;

        while (k < COUNTOF(shared) && !str_eq(e->name, shared[k]))
            k++;
        if (e->vendor == CHAT_OPENAI && k < COUNTOF(shared))
            pen_key_raw_some(p, e->name, e->value);
        else if (!known)
            chat_drop(r, e->name);
    }
}

/* ---- tools ---- */

/* A function is strict here unless it says that it is not; in all other APIs it is the other way
 * round. */
static void pen_strict(struct json_pen *p, const struct chat_request *r, const struct chat_tool *t)
{
    if (!t->has_strict && responses_is_own(r))
        return;
    pen_key(p, STR("strict"));
    pen_bool(p, t->has_strict && t->strict);
}

static void pen_function(struct json_pen *p, struct chat_request *r, const struct chat_tool *t)
{
    pen_open(p, '{');
    pen_key_text(p, STR("type"), JSON_TEXT("function"));
    pen_key_text(p, STR("name"), t->name);
    pen_key_text_some(p, STR("description"), t->description);
    pen_key(p, STR("parameters"));
    pen_raw(p, t->schema.len > 0 ? t->schema : STR("null"));
    pen_strict(p, r, t);
    pen_close(p, '}');
    if (t->cache_control.len > 0)
        chat_drop(r, STR("cache_control"));
}

/* One that is no function was left out above. */
static void pen_named(struct json_pen *p, struct chat_request *r)
{
    if (!openai_encode_offers(r, r->choice_name)) {
        chat_drop(r, STR("tool_choice"));
        return;
    }
    pen_key(p, STR("tool_choice"));
    pen_open(p, '{');
    pen_key_text(p, STR("type"), JSON_TEXT("function"));
    pen_key_text(p, STR("name"), r->choice_name);
    pen_close(p, '}');
}

/* Without tools there is nothing to choose from, and saying so is an error. */
static void pen_tools(struct json_pen *p, struct chat_request *r)
{
    if (openai_encode_tools(p, r, CHAT_RESPONSES, pen_function) == 0)
        return;
    pen_key_tri_some(p, STR("parallel_tool_calls"), r->parallel_calls);
    if (r->choice == CHAT_CHOICE_NAMED)
        pen_named(p, r);
    else
        pen_key_text_some(p, STR("tool_choice"), openai_encode_choice(r->choice));
}

/* ---- the body ---- */

static void pen_settings(struct json_pen *p, struct chat_request *r, struct str model)
{
    pen_key_plain(p, STR("model"), model);
    if (r->stream) {
        pen_key(p, STR("stream"));
        pen_bool(p, true);
    }
    pen_kept(p, r, model);
    pen_numbers(p, r);
    pen_reasoning(p, r);
    pen_form(p, r);
    openai_encode_words(p, r);
    pen_extras(p, r);
    pen_tools(p, r);
}

bool responses_encode(struct chat_request *r, struct str model, struct buf *out,
                      struct chat_problem *p)
{
    struct json_pen pen = json_pen(out);
    size_t before = out->len;

    if (!is_one(r->n))
        return chat_refuse(p, r->arena, "n", "the Responses API gives one answer, not %.*s",
                           STR_ARG(r->n));
    pen_open(&pen, '{');
    pen_settings(&pen, r, model);
    if (!responses_encode_input(&pen, r, p)) {
        out->len = before;
        return false;
    }
    pen_close(&pen, '}');
    if (pen.err == 0)
        return true;
    out->len = before;
    *p = (struct chat_problem){.fault = FAULT_TOO_LARGE,
                               .why = STR("the request is too large to be written anew")};
    return false;
}
