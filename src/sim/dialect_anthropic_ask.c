/*
 * dialect_anthropic_ask.c - reads requests as Anthropic would, and refuses them in its words.
 *
 * Strict, because what the gateway writes for this dialect is judged here: turns whose tool results
 * answer nothing, thinking that was not signed.  What can be judged without the turns is judged by
 * dialect_anthropic_check.c.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sim/dialect_anthropic.h"
#include "sim/json.h"

#define CALLS_MAX 64u /* of one turn; those beyond are not checked */
#define refuse(r, ...) sim_refuse((r)->problem, arena_printf((r)->arena, __VA_ARGS__))

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
    bool resulted;   /* and a result */
    /* Of the turn that goes on: what it began with instead of its thinking; empty: all is well. */
    struct str thoughtless;
    size_t thoughtless_at;
    bool assistant;  /* who had the last word */
    struct out said; /* by the user, in the last message in which he said anything */
    bool said_before;
};

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
        r->answered[i] = r->resulted = true;
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
static void note_thinking(struct reader *r, yyjson_val *content, size_t at)
{
    struct str first = sim_json_text(yyjson_arr_get_first(content), "type");

    if (!sim_anthropic_thinks(r->root) || r->call_count == 0 || r->turn_at != at ||
        str_eq(first, STR("thinking")) || str_eq(first, STR("redacted_thinking")) ||
        r->thoughtless.len > 0)
        return;
    r->thoughtless = first;
    r->thoughtless_at = at;
}

/* Once its user has gone on to something else, nobody asks for it any more. */
static void forgive_thinking(struct reader *r)
{
    if (!r->resulted)
        r->thoughtless = (struct str){NULL, 0};
}

static bool check_thinking_kept(struct reader *r)
{
    if (!r->assistant)
        forgive_thinking(r);
    return r->thoughtless.len == 0 ||
           refuse(r,
                  "messages.%zu.content.0.type: Expected `thinking` or `redacted_thinking`, but "
                  "found `%.*s`. When `thinking` is enabled, a final `assistant` message must "
                  "start with a thinking block (preceeding the lastmost set of `tool_use` and "
                  "`tool_result` blocks).",
                  r->thoughtless_at, STR_ARG(r->thoughtless));
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
        forgive_thinking(r);
    } else {
        r->resulted = false;
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
    if (r->assistant)
        note_thinking(r, content, at);
    return true;
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

/* Newer models take a system message in the middle, where a user's has gone before. */
static bool takes_system(struct str model)
{
    static const struct str families[] = {STR_INIT("claude-opus-4-8"), STR_INIT("claude-opus-5"),
                                          STR_INIT("claude-sonnet-5"), STR_INIT("claude-haiku-5"),
                                          STR_INIT("claude-fable-5"),  STR_INIT("claude-mythos-5")};

    for (size_t i = 0; i < COUNTOF(families); i++) {
        if (str_starts(model, families[i]))
            return true;
    }
    return false;
}

static bool take_system(struct reader *r, yyjson_val *m, size_t at)
{
    if (!takes_system(r->ask->model))
        return refuse(r,
                      "messages: Unexpected role \"system\". The Messages API accepts a top-level "
                      "`system` parameter, not \"system\" as an input message role.");
    if (at == 0 || r->assistant)
        return refuse(r, "messages.%zu: a `system` message must follow a `user` message", at);
    count_words(r, yyjson_obj_get(m, "content"));
    return true;
}

static bool take_message(struct reader *r, yyjson_val *m, size_t at, size_t count)
{
    struct str role = sim_json_text(m, "role");

    if (str_eq(role, STR("system")))
        return take_system(r, m, at);
    return begin_turn(r, str_eq(role, STR("assistant")), at) &&
           take_content(r, yyjson_obj_get(m, "content"), at) && check_last(r, m, at, count);
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
        if (!take_message(r, m, at, max))
            return false;
    }
    return check_answered(r) && check_thinking_kept(r);
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

    if (!sim_anthropic_check(ask, a, root, p))
        return false;
    ask->tokens_max = yyjson_get_uint(yyjson_obj_get(root, "max_tokens"));
    ask->stream = yyjson_get_bool(yyjson_obj_get(root, "stream"));
    return read_tools(&r) && read_messages(&r);
}
