/*
 * dialect_anthropic_ask.c - reads requests as Anthropic would, and refuses them in its words.
 *
 * Strict, because what the gateway writes for this dialect is judged here: members that the API
 * does not know, turns whose tool results answer nothing, thinking that was not signed.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdarg.h>
#include <stdio.h>

#include "sim/dialect_anthropic.h"
#include "sim/json.h"

#define CALLS_MAX 64u /* of one turn; those beyond are not checked */
#define MESSAGE_MAX 512u
#define BUDGET_MIN 1024

struct reader {
    struct sim_ask *ask;
    struct arena *arena;
    yyjson_val *root;
    struct sim_problem *problem;
    /* The turn of the assistant that waits for its tool results. */
    struct str calls[CALLS_MAX];
    bool answered[CALLS_MAX];
    unsigned call_count;
    size_t turn_at;  /* the message that made the calls */
    bool user_spoke; /* something else than a result has come since */
    bool assistant;  /* who had the last word */
    struct out said; /* by the user, in the last message in which he said anything */
    bool said_before;
};

static bool refuse(struct reader *r, const char *fmt, ...) PRINTF_LIKE(2, 3);

static bool refuse(struct reader *r, const char *fmt, ...)
{
    char text[MESSAGE_MAX];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    *r->problem =
        (struct sim_problem){.status = 400, .message = arena_dup(r->arena, str_from(text))};
    return false;
}

/* ---- Whether its parts are what they should be */

static const char *expected(unsigned types)
{
    if ((types & SHAPE_STRING) != 0 && (types & SHAPE_ARRAY) == 0)
        return "a valid string";
    if ((types & SHAPE_ARRAY) != 0)
        return (types & SHAPE_TEXTS) != 0 ? "a valid string" : "a valid list";
    if ((types & SHAPE_OBJECT) != 0)
        return "a valid dictionary";
    if ((types & SHAPE_BOOL) != 0)
        return "a valid boolean";
    return (types & SHAPE_INT) != 0 ? "a valid integer" : "a valid number";
}

static bool refuse_variant(struct reader *r, const struct shape_flaw *f)
{
    struct str list = shape_list(STR(""), f->shape, r->arena);

    if (f->got == NULL)
        return refuse(r, "%.*s.%.*s: Field required", STR_ARG(f->place), STR_ARG(f->shape->by));
    return refuse(r,
                  "%.*s: Input tag '%s' found using '%.*s' does not match any of the expected "
                  "tags: %.*s",
                  STR_ARG(f->place), yyjson_is_str(f->got) ? yyjson_get_str(f->got) : "?",
                  STR_ARG(f->shape->by), STR_ARG(list));
}

static bool refuse_flaw(struct reader *r, const struct shape_flaw *f)
{
    switch (f->wrong) {
    case SHAPE_FITS:
        break;
    case SHAPE_UNKNOWN:
        return refuse(r, "%.*s%s%.*s: Extra inputs are not permitted", STR_ARG(f->place),
                      f->place.len > 0 ? "." : "", STR_ARG(f->name));
    case SHAPE_MISSING:
        return refuse(r, "%.*s: Field required", STR_ARG(f->place));
    case SHAPE_TYPE:
        return refuse(r, "%.*s: Input should be %s", STR_ARG(f->place), expected(f->member->types));
    case SHAPE_VALUE:
        if (str_eq(f->member->name, STR("role")) && yyjson_equals_str(f->got, "system"))
            return refuse(r, "messages: Unexpected role \"system\". The Messages API accepts a "
                             "top-level `system` parameter, not \"system\" as an input message "
                             "role.");
        return refuse(r, "%.*s: Input should be %.*s", STR_ARG(f->place),
                      STR_ARG(shape_list(f->member->values, NULL, r->arena)));
    case SHAPE_VARIANT:
        return refuse_variant(r, f);
    }
    return true;
}

static bool check_shape(struct reader *r)
{
    const struct shape *s =
        r->ask->surface == COUNT_TOKENS ? &sim_anthropic_count : &sim_anthropic_messages;
    struct shape_flaw flaw = {.wrong = SHAPE_FITS};

    return shape_fits(s, r->root, SHAPE_DOTS, r->arena, &flaw) || refuse_flaw(r, &flaw);
}

/* ---- What stands in the head */

static bool refuse_credential(struct reader *r)
{
    (void)refuse(r, "x-api-key header is required");
    r->problem->status = 401;
    return false;
}

static bool check_head(struct reader *r)
{
    const struct http_fields *f = r->ask->fields;
    struct str version = http_fields_find(f, STR("anthropic-version"));

    if (http_fields_find(f, STR("x-api-key")).len == 0 &&
        !str_starts(http_fields_find(f, STR("authorization")), STR("Bearer ")))
        return refuse_credential(r);
    if (version.len == 0)
        return refuse(r, "anthropic-version: header is required");
    if (!str_eq(version, STR("2023-06-01")) && !str_eq(version, STR("2023-01-01")))
        return refuse(r, "anthropic-version: \"%.*s\" is not a valid version", STR_ARG(version));
    return true;
}

/* ---- Numbers */

static bool is_outside(yyjson_val *v, double min, double max)
{
    return yyjson_is_num(v) && (yyjson_get_num(v) < min || yyjson_get_num(v) > max);
}

static bool check_numbers(struct reader *r)
{
    yyjson_val *max = yyjson_obj_get(r->root, "max_tokens");

    if (max != NULL && is_outside(max, 1, 1e18))
        return refuse(r, "max_tokens: must be greater than or equal to 1");
    if (is_outside(yyjson_obj_get(r->root, "temperature"), 0, 1))
        return refuse(r, "temperature: range: 0..1");
    if (is_outside(yyjson_obj_get(r->root, "top_p"), 0, 1))
        return refuse(r, "top_p: range: 0..1");
    r->ask->tokens_max = yyjson_get_uint(max);
    r->ask->stream = yyjson_get_bool(yyjson_obj_get(r->root, "stream"));
    return true;
}

static bool thinks(const struct reader *r)
{
    return str_eq(sim_json_text(yyjson_obj_get(r->root, "thinking"), "type"), STR("enabled"));
}

static bool check_thinking(struct reader *r)
{
    yyjson_val *heat = yyjson_obj_get(r->root, "temperature");
    yyjson_val *max = yyjson_obj_get(r->root, "max_tokens");
    struct str choice = sim_json_text(yyjson_obj_get(r->root, "tool_choice"), "type");
    int64_t budget;

    if (!thinks(r))
        return true;
    budget = yyjson_get_sint(yyjson_obj_get(yyjson_obj_get(r->root, "thinking"), "budget_tokens"));
    if (budget < BUDGET_MIN)
        return refuse(r, "thinking.enabled.budget_tokens: Input should be greater than or equal "
                         "to 1024");
    if (max != NULL && yyjson_get_sint(max) <= budget)
        return refuse(r, "`max_tokens` must be greater than `thinking.budget_tokens`.");
    if (heat != NULL && (is_outside(heat, 1, 1)))
        return refuse(r, "`temperature` may only be set to 1 when thinking is enabled.");
    if (str_eq(choice, STR("any")) || str_eq(choice, STR("tool")))
        return refuse(r, "Thinking may not be enabled when tool_choice forces tool use.");
    return true;
}

/* ---- Tools */

/* 1 to `max` of a-z A-Z 0-9 _ - . */
static bool is_name(struct str s, size_t max)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = ascii_lower(s.ptr[i]);

        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_' && c != '-')
            return false;
    }
    return s.len > 0 && s.len <= max;
}

static bool take_tool(struct reader *r, struct str name, size_t at)
{
    if (!is_name(name, 128))
        return refuse(r,
                      "tools.%zu.custom.name: String should match pattern "
                      "'^[a-zA-Z0-9_-]{1,128}$'",
                      at);
    for (unsigned i = 0; i < r->ask->tool_count; i++) {
        if (str_eq(r->ask->tools[i], name))
            return refuse(r, "tools: Tool names must be unique.");
    }
    if (r->ask->tool_count < SIM_TOOLS_MAX)
        r->ask->tools[r->ask->tool_count++] = arena_dup(r->arena, name);
    return true;
}

static bool read_tools(struct reader *r)
{
    yyjson_val *tools = yyjson_obj_get(r->root, "tools"), *tool;
    yyjson_val *choice = yyjson_obj_get(r->root, "tool_choice");
    struct str wanted = sim_json_text(choice, "name");
    bool found = wanted.ptr == NULL;
    size_t at = 0, max;

    yyjson_arr_foreach(tools, at, max, tool)
    {
        if (!take_tool(r, sim_json_text(tool, "name"), at))
            return false;
        found |= str_eq(sim_json_text(tool, "name"), wanted);
    }
    if (choice != NULL && yyjson_arr_size(tools) == 0)
        return refuse(r, "tool_choice may only be specified while providing tools.");
    if (!found)
        return refuse(r, "Tool '%.*s' not found in provided tools", STR_ARG(wanted));
    return true;
}

/* ---- Turns */

static bool refuse_unanswered(struct reader *r, unsigned call)
{
    return refuse(
        r,
        "messages.%zu: `tool_use` ids were found without `tool_result` blocks immediately "
        "after: %.*s. Each `tool_use` block must have a corresponding `tool_result` block "
        "in the next message.",
        r->turn_at, STR_ARG(r->calls[call]));
}

static bool check_answered(struct reader *r)
{
    for (unsigned i = 0; i < r->call_count; i++) {
        if (!r->answered[i])
            return refuse_unanswered(r, i);
    }
    return true;
}

static bool take_call(struct reader *r, yyjson_val *block, size_t at, size_t nth)
{
    struct str id = sim_json_text(block, "id");

    if (!r->assistant)
        return refuse(r, "messages.%zu: `tool_use` blocks can only be in `assistant` messages", at);
    if (!is_name(id, SIZE_MAX))
        return refuse(r,
                      "messages.%zu.content.%zu.tool_use.id: String should match pattern "
                      "'^[a-zA-Z0-9_-]+$'",
                      at, nth);
    for (unsigned i = 0; i < r->call_count; i++) {
        if (str_eq(r->calls[i], id))
            return refuse(r, "messages.%zu.content.%zu: `tool_use` ids must be unique", at, nth);
    }
    if (r->call_count < CALLS_MAX) {
        r->answered[r->call_count] = false;
        r->calls[r->call_count++] = id;
    }
    r->turn_at = at;
    return true;
}

static void count_words(struct reader *r, yyjson_val *content)
{
    size_t at, max;
    yyjson_val *part;

    if (yyjson_is_str(content))
        r->ask->prompt_tokens +=
            sim_words(str_make(yyjson_get_str(content), yyjson_get_len(content)));
    yyjson_arr_foreach(content, at, max, part)
    {
        r->ask->prompt_tokens += sim_words(sim_json_text(part, "text"));
    }
}

static bool take_result(struct reader *r, yyjson_val *block, size_t at, size_t nth)
{
    struct str id = sim_json_text(block, "tool_use_id");

    if (r->assistant)
        return refuse(r, "messages.%zu: `tool_result` blocks can only be in `user` messages", at);
    for (unsigned i = 0; i < r->call_count; i++) {
        if (!str_eq(r->calls[i], id))
            continue;
        if (r->user_spoke)
            return refuse_unanswered(r, i);
        if (r->answered[i])
            return refuse(r,
                          "messages.%zu.content.%zu: each tool_use must have a single result. "
                          "Found multiple `tool_result` blocks with id: %.*s",
                          at, nth, STR_ARG(id));
        r->answered[i] = true;
        count_words(r, yyjson_obj_get(block, "content"));
        return true;
    }
    return refuse(r,
                  "messages.%zu.content.%zu: unexpected `tool_use_id` found in `tool_result` "
                  "blocks: %.*s. Each `tool_result` block must have a corresponding `tool_use` "
                  "block in the previous message.",
                  at, nth, STR_ARG(id));
}

static bool check_thought(struct reader *r, yyjson_val *block, size_t at, size_t nth)
{
    struct str want = sim_anthropic_signature(sim_json_text(block, "thinking"), r->arena);

    if (!r->assistant)
        return refuse(r, "messages.%zu: `thinking` blocks can only be in `assistant` messages", at);
    if (!str_eq(want, sim_json_text(block, "signature")))
        return refuse(r, "messages.%zu.content.%zu: Invalid `signature` in `thinking` block", at,
                      nth);
    return true;
}

static void hear(struct reader *r, struct str text)
{
    r->ask->prompt_tokens += sim_words(text);
    if (r->assistant)
        return;
    if (r->said_before)
        out_reset(&r->said, SIZE_MAX);
    r->said_before = false;
    out_put(&r->said, text);
}

static bool take_block(struct reader *r, yyjson_val *block, size_t at, size_t nth)
{
    struct str type = sim_json_text(block, "type"), text = sim_json_text(block, "text");

    if (str_eq(type, STR("tool_result")))
        return take_result(r, block, at, nth);
    if (str_eq(type, STR("tool_use")))
        return take_call(r, block, at, nth);
    if (str_eq(type, STR("thinking")))
        return check_thought(r, block, at, nth);
    r->user_spoke |= !r->assistant;
    if (!str_eq(type, STR("text")))
        return true;
    if (text.len == 0)
        return refuse(r, "messages: text content blocks must be non-empty");
    hear(r, text);
    return true;
}

/* With thinking on, a turn that calls tools has to hand its thinking back with the results. */
static bool check_thinking_kept(struct reader *r, yyjson_val *content, size_t at)
{
    struct str first = sim_json_text(yyjson_arr_get_first(content), "type");

    if (!thinks(r) || r->call_count == 0 || r->turn_at != at || str_eq(first, STR("thinking")) ||
        str_eq(first, STR("redacted_thinking")))
        return true;
    return refuse(r,
                  "messages.%zu.content.0.type: Expected `thinking` or `redacted_thinking`, but "
                  "found `%.*s`. When `thinking` is enabled, a final `assistant` message must "
                  "start with a thinking block (preceeding the lastmost set of `tool_use` and "
                  "`tool_result` blocks).",
                  at, STR_ARG(first));
}

static bool begin_turn(struct reader *r, bool assistant, size_t at)
{
    if (at == 0 && assistant)
        return refuse(r, "messages: first message must use the \"user\" role");
    if (at > 0 && assistant == r->assistant)
        return true; /* the API takes them for one turn */
    if (assistant) {
        if (!check_answered(r))
            return false;
        r->call_count = 0;
    }
    r->user_spoke = false;
    r->assistant = assistant;
    return true;
}

static bool refuse_empty(struct reader *r, size_t at)
{
    return refuse(r,
                  "messages.%zu: all messages must have non-empty content except for the optional "
                  "final assistant message",
                  at);
}

static bool take_text(struct reader *r, yyjson_val *content, size_t at)
{
    struct str text = str_make(yyjson_get_str(content), yyjson_get_len(content));

    r->user_spoke |= !r->assistant;
    if (text.len == 0 && !r->assistant)
        return refuse_empty(r, at);
    hear(r, text);
    return true;
}

static bool take_content(struct reader *r, yyjson_val *content, size_t at)
{
    size_t nth, max;
    yyjson_val *block;

    if (yyjson_is_str(content))
        return take_text(r, content, at);
    if (yyjson_arr_size(content) == 0 && !r->assistant)
        return refuse_empty(r, at);
    yyjson_arr_foreach(content, nth, max, block)
    {
        if (!take_block(r, block, at, nth))
            return false;
    }
    return !r->assistant || check_thinking_kept(r, content, at);
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* A prefilled answer is continued where it ends, and that must not be white space. */
static bool check_last(struct reader *r, yyjson_val *m, size_t at, size_t count)
{
    yyjson_val *content = yyjson_obj_get(m, "content");
    struct str text = yyjson_is_str(content)
                          ? str_make(yyjson_get_str(content), yyjson_get_len(content))
                          : sim_json_text(yyjson_arr_get_last(content), "text");

    if (!r->assistant)
        return true;
    if (at + 1 < count)
        return yyjson_get_len(content) > 0 || refuse_empty(r, at);
    return text.len == 0 || !is_space(text.ptr[text.len - 1]) ||
           refuse(r, "messages: final assistant content cannot end with trailing whitespace");
}

static bool take_messages(struct reader *r)
{
    yyjson_val *messages = yyjson_obj_get(r->root, "messages"), *m;
    size_t at, max;

    if (yyjson_arr_size(messages) == 0)
        return refuse(r, "messages: at least one message is required");
    yyjson_arr_foreach(messages, at, max, m)
    {
        r->said_before = true;
        if (!begin_turn(r, str_eq(sim_json_text(m, "role"), STR("assistant")), at) ||
            !take_content(r, yyjson_obj_get(m, "content"), at) || !check_last(r, m, at, max))
            return false;
    }
    return check_answered(r);
}

static bool read_messages(struct reader *r)
{
    bool ok = take_messages(r);

    count_words(r, yyjson_obj_get(r->root, "system"));
    r->ask->text = arena_dup(r->arena, out_str(&r->said));
    buf_done(&r->said.buf);
    return ok;
}

struct str sim_anthropic_model(const struct sim_ask *ask, struct arena *a, yyjson_val *root)
{
    (void)ask;
    (void)a;
    return sim_json_text(root, "model");
}

bool sim_anthropic_read(struct sim_ask *ask, struct arena *a, yyjson_val *root,
                        struct sim_problem *p)
{
    struct reader r = {.ask = ask, .arena = a, .root = root, .problem = p};

    return check_head(&r) && check_shape(&r) && check_numbers(&r) && check_thinking(&r) &&
           read_tools(&r) && read_messages(&r);
}
