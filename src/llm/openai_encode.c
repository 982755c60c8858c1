/*
 * A chat as the body of a Chat Completions request, for a target of that dialect whose client
 * speaks another.  (A client of this one has its body passed as it came: openai_request.c.)
 *
 * Numbers, schemas and texts are copied as they stand.  What only other dialects say is dropped and
 * named: signed thinking, cache marks, tools that other vendors run.  So is what the server that is
 * asked would refuse (quirks.h).
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/openai_encode.h"

#include "llm/chat_text.h"
#include "llm/quirks.h"

/* ---- names of models ---- */

/* OpenAI's reasoning models refuse max_tokens; many other servers know nothing else.  A model's
 * family is all that tells them apart here. */
static bool wants_completion_tokens(struct str model)
{
    static const struct str families[] = {STR_INIT("gpt-"),    STR_INIT("chatgpt-"),
                                          STR_INIT("ft:gpt-"), STR_INIT("o1"),
                                          STR_INIT("o3"),      STR_INIT("o4")};
    struct str head, tail = model;

    while (str_cut(tail, '/', &head, &tail)) /* "openai/gpt-5" */
        model = tail;
    if (str_starts(model, STR("gpt-oss")))
        return false;
    for (size_t i = 0; i < COUNTOF(families); i++) {
        if (str_starts(model, families[i]))
            return true;
    }
    return false;
}

/* ---- settings ---- */

/* Whether this member, which there is, can be told; otherwise it is noted. */
static bool takes(struct chat_request *r, struct str name)
{
    if (LIKELY(!quirks_refuse(r->quirks, name)))
        return true;
    chat_drop(r, name);
    return false;
}

static void pen_number_some(struct json_pen *p, struct chat_request *r, struct str name,
                            struct str number)
{
    if (number.len > 0 && takes(r, name))
        pen_key_raw_some(p, name, number);
}

static struct str max_tokens_name(const struct chat_request *r, struct str model)
{
    if (r->quirks != NULL && r->quirks->max_tokens)
        return STR("max_tokens");
    return wants_completion_tokens(model) ? STR("max_completion_tokens") : STR("max_tokens");
}

static struct str seed_name(const struct chat_request *r)
{
    return r->quirks != NULL && r->quirks->seed.len > 0 ? r->quirks->seed : STR("seed");
}

static void pen_numbers(struct json_pen *p, struct chat_request *r, struct str model)
{
    pen_number_some(p, r, max_tokens_name(r, model), r->max_tokens);
    pen_number_some(p, r, STR("temperature"), r->temperature);
    pen_number_some(p, r, STR("top_p"), r->top_p);
    pen_number_some(p, r, seed_name(r), r->seed);
    pen_number_some(p, r, STR("n"), r->n);
    pen_number_some(p, r, STR("presence_penalty"), r->presence_penalty);
    pen_number_some(p, r, STR("frequency_penalty"), r->frequency_penalty);
    pen_number_some(p, r, STR("logprobs"), r->logprobs);
    pen_number_some(p, r, STR("top_logprobs"), r->top_logprobs);
    if (r->top_k.len > 0) /* OpenAI answers 400 to a member that it does not know */
        chat_drop(r, STR("top_k"));
}

static void pen_stops(struct json_pen *p, struct chat_request *r)
{
    if (r->stop_count == 0 || !takes(r, STR("stop")))
        return;
    pen_key(p, STR("stop"));
    pen_open(p, '[');
    for (uint32_t i = 0; i < r->stop_count; i++)
        pen_raw(p, r->stop[i]);
    pen_close(p, ']');
}

static void pen_schema(struct json_pen *p, const struct chat_request *r)
{
    pen_key(p, STR("json_schema"));
    pen_open(p, '{');
    pen_key_text(p, STR("name"), r->schema_name.ptr != NULL ? r->schema_name : JSON_TEXT("answer"));
    pen_key_text_some(p, STR("description"), r->schema_description);
    pen_key_raw_some(p, STR("schema"), r->schema);
    pen_key_tri_some(p, STR("strict"), r->schema_strict);
    pen_close(p, '}');
}

/* What can be asked for of it.  A server without schemas gives JSON, but refuses to where the
 * prompt does not speak of it. */
static enum chat_format format_for(struct chat_request *r)
{
    const struct quirks *q = r->quirks;

    if (q == NULL || r->format == CHAT_FORMAT_TEXT)
        return r->format;
    if (r->format == CHAT_FORMAT_SCHEMA && q->no_schema) {
        bool speaks = openai_encode_speaks_of_json(r);

        chat_drop(r, speaks ? STR("response_format.json_schema") : STR("response_format"));
        return speaks ? CHAT_FORMAT_JSON : CHAT_FORMAT_TEXT;
    }
    if (r->format == CHAT_FORMAT_JSON && q->no_json) {
        chat_drop(r, STR("response_format"));
        return CHAT_FORMAT_TEXT;
    }
    return r->format;
}

static void pen_format(struct json_pen *p, struct chat_request *r)
{
    enum chat_format format = format_for(r);

    if (format == CHAT_FORMAT_TEXT)
        return;
    pen_key(p, STR("response_format"));
    pen_open(p, '{');
    pen_key_text(p, STR("type"),
                 format == CHAT_FORMAT_JSON ? JSON_TEXT("json_object") : JSON_TEXT("json_schema"));
    if (format == CHAT_FORMAT_SCHEMA)
        pen_schema(p, r);
    pen_close(p, '}');
}

/* That there is to be no thinking cannot be said: models that do not think, or have to, refuse even
 * "none". */
struct json_text openai_encode_effort(struct chat_request *r)
{
    const struct chat_reasoning *t = &r->reasoning;
    uint64_t tokens;

    if (t->effort.ptr != NULL)
        return t->effort;
    if (t->on == CHAT_NO)
        chat_drop(r, STR("thinking"));
    else if (str_to_u64(t->budget, &tokens) && tokens > 0)
        return chat_effort_word(tokens);
    else if (t->budget.len > 0)
        chat_drop(r, STR("thinking"));
    return (struct json_text){NULL, 0};
}

static void pen_word_some(struct json_pen *p, struct chat_request *r, struct str name,
                          struct json_text word)
{
    if (word.ptr != NULL && takes(r, name))
        pen_key_text(p, name, word);
}

void openai_encode_words(struct json_pen *p, struct chat_request *r)
{
    struct json_text tier = r->service_tier;

    if (tier.ptr != NULL && json_text_is(tier, STR("standard_only"))) /* Anthropic's */
        tier = JSON_TEXT("default");
    pen_word_some(p, r, STR("service_tier"), tier);
    pen_word_some(p, r, STR("user"), r->user);
    pen_key_raw_some(p, STR("metadata"), r->metadata);
}

static void pen_extras(struct json_pen *p, struct chat_request *r)
{
    for (uint32_t i = 0; i < r->extra_count; i++) {
        const struct chat_extra *e = &r->extra[i];

        if (e->vendor != CHAT_OPENAI) {
            chat_drop(r, e->name);
            continue;
        }
        if (!takes(r, e->name))
            continue;
        pen_key(p, e->name);
        pen_raw(p, e->value);
    }
}

/* Usage is always asked for (R7), but where it comes anyhow and asking is an error. */
static void pen_stream(struct json_pen *p, const struct chat_request *r)
{
    if (!r->stream)
        return;
    pen_key(p, STR("stream"));
    pen_bool(p, true);
    if (quirks_refuse(r->quirks, STR("stream_options")))
        return;
    pen_key(p, STR("stream_options"));
    pen_raw(p, STR("{\"include_usage\":true}"));
}

/* ---- tools ---- */

static void pen_tool(struct json_pen *p, struct chat_request *r, const struct chat_tool *t)
{
    pen_open(p, '{');
    pen_key_text(p, STR("type"), JSON_TEXT("function"));
    pen_key(p, STR("function"));
    pen_open(p, '{');
    pen_key_text(p, STR("name"), t->name);
    pen_key_text_some(p, STR("description"), t->description);
    pen_key_raw_some(p, STR("parameters"), t->schema);
    if (t->has_strict) {
        pen_key(p, STR("strict"));
        pen_bool(p, t->strict);
    }
    pen_close(p, '}');
    pen_close(p, '}');
    if (t->cache_control.len > 0)
        chat_drop(r, STR("cache_control"));
}

uint32_t openai_encode_tools(struct json_pen *p, struct chat_request *r, enum chat_dialect vendor,
                             openai_tool_fn *pen)
{
    uint32_t said = 0;

    for (uint32_t i = 0; i < r->tools_count; i++) {
        const struct chat_tool *t = &r->tools[i];

        if (t->raw.len > 0 && t->vendor != vendor) {
            chat_drop(r, openai_encode_type_of(r->arena, STR("tools."), t->raw));
            continue;
        }
        if (said++ == 0) {
            pen_key(p, STR("tools"));
            pen_open(p, '[');
        }
        if (t->raw.len > 0)
            pen_raw(p, t->raw);
        else
            pen(p, r, t);
    }
    if (said > 0)
        pen_close(p, ']');
    return said;
}

bool openai_encode_offers(const struct chat_request *r, struct json_text name)
{
    for (uint32_t i = 0; i < r->tools_count; i++) {
        struct json_text tool = r->tools[i].name;

        if (tool.ptr != NULL && json_text_is(name, str_make(tool.ptr, tool.len)))
            return true;
    }
    return false;
}

/* A name that is no function's is a custom tool's. */
static void pen_named(struct json_pen *p, const struct chat_request *r)
{
    bool function = openai_encode_offers(r, r->choice_name);

    pen_open(p, '{');
    pen_key_text(p, STR("type"), function ? JSON_TEXT("function") : JSON_TEXT("custom"));
    pen_key(p, function ? STR("function") : STR("custom"));
    pen_open(p, '{');
    pen_key_text(p, STR("name"), r->choice_name);
    pen_close(p, '}');
    pen_close(p, '}');
}

struct json_text openai_encode_choice(enum chat_choice choice)
{
    static const struct json_text words[] = {
        [CHAT_CHOICE_UNSET] = {NULL, 0},  [CHAT_CHOICE_AUTO] = {"auto", 4},
        [CHAT_CHOICE_NONE] = {"none", 4}, [CHAT_CHOICE_ANY] = {"required", 8},
        [CHAT_CHOICE_NAMED] = {NULL, 0},
    };

    return words[choice];
}

/* What of it this server can do: a call of any tool instead of a certain one, or none for sure. */
static enum chat_choice choice_for(struct chat_request *r)
{
    const struct quirks *q = r->quirks;
    bool lost = chat_choice_is_lost(r, CHAT_OPENAI);
    bool named = r->choice == CHAT_CHOICE_NAMED, forced = named || r->choice == CHAT_CHOICE_ANY;

    if (!lost && (q == NULL || !((q->no_forced && forced) || (q->no_named && named))))
        return r->choice;
    chat_drop(r, STR("tool_choice"));
    if (lost)
        return CHAT_CHOICE_UNSET;
    return q->no_forced ? CHAT_CHOICE_AUTO : CHAT_CHOICE_ANY;
}

/* Without tools there is nothing to choose from, and saying so is an error. */
static void pen_tools(struct json_pen *p, struct chat_request *r)
{
    enum chat_choice choice;

    if (openai_encode_tools(p, r, CHAT_OPENAI, pen_tool) == 0)
        return;
    if (r->parallel_calls != CHAT_UNSET && takes(r, STR("parallel_tool_calls")))
        pen_key_tri_some(p, STR("parallel_tool_calls"), r->parallel_calls);
    choice = choice_for(r);
    if (choice == CHAT_CHOICE_UNSET)
        return;
    pen_key(p, STR("tool_choice"));
    if (choice == CHAT_CHOICE_NAMED)
        pen_named(p, r);
    else
        pen_text(p, openai_encode_choice(choice));
}

/* What the server would not do, and leaving it out would be another question. */
static bool can_ask(const struct chat_request *r, struct chat_problem *p)
{
    const struct quirks *q = r->quirks;

    if (q != NULL && q->no_tools && r->tools_count > 0)
        return chat_refuse(p, r->arena, "tools", "%s takes no tools", quirks_home(q->server)->name);
    if (q != NULL && q->one_choice && r->n.len > 0 && !str_eq(r->n, STR("1")))
        return chat_refuse(p, r->arena, "n", "%s gives one answer at a time",
                           quirks_home(q->server)->name);
    return true;
}

/* ---- the body ---- */

bool openai_encode(struct chat_request *r, struct str model, struct buf *out,
                   struct chat_problem *p)
{
    struct json_pen pen = json_pen(out);
    size_t before = out->len;

    if (!can_ask(r, p))
        return false;
    pen_open(&pen, '{');
    pen_key_plain(&pen, STR("model"), model);
    pen_stream(&pen, r);
    pen_numbers(&pen, r, model);
    pen_stops(&pen, r);
    pen_format(&pen, r);
    pen_key_text_some(&pen, STR("reasoning_effort"), openai_encode_effort(r));
    openai_encode_words(&pen, r);
    pen_extras(&pen, r);
    pen_tools(&pen, r);
    if (!openai_encode_messages(&pen, r, p)) {
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

struct str openai_path(struct arena *a, const struct chat_request *r)
{
    (void)a;
    (void)r;
    return STR("/chat/completions");
}
