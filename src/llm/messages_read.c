/*
 * The request, from Anthropic's form into ours.
 *
 * A result of a tool is a message of its own here (CHAT_TOOL), though Anthropic has it in a user's:
 * so it is in most dialects, and those that want it otherwise join neighbours anyway.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/messages_read.h"

#include "llm/chat_text.h"
#include "llm/messages.h"

/* As written; the name goes into headers, messages and the log. */
#define MODEL_BYTES_MAX 1024u

struct body {
    struct json_text model, service_tier;
    struct str system, messages, max_tokens, stop_sequences, temperature, top_p, top_k;
    struct str tools, tool_choice, thinking, output_config, output_format, metadata;
    enum chat_tri stream;
};

#define BODY(name, kind, required, field) MESSAGES_FIELD(name, kind, required, struct body, field)

/* max_tokens is the first one, which a count of tokens leaves out. */
static const struct messages_field body_fields[] = {
    BODY("max_tokens", INTEGER, true, max_tokens),
    BODY("model", TEXT, true, model),
    BODY("messages", ARRAY, true, messages),
    BODY("system", CONTENT, false, system),
    BODY("stop_sequences", ARRAY, false, stop_sequences),
    BODY("stream", BOOL, false, stream),
    BODY("temperature", NUMBER, false, temperature),
    BODY("top_p", NUMBER, false, top_p),
    BODY("top_k", INTEGER, false, top_k),
    BODY("tools", ARRAY, false, tools),
    BODY("tool_choice", OBJECT, false, tool_choice),
    BODY("thinking", OBJECT, false, thinking),
    BODY("output_config", OBJECT, false, output_config),
    BODY("output_format", OBJECT, false, output_format),
    BODY("metadata", OBJECT, false, metadata),
    BODY("service_tier", TEXT, false, service_tier),
};

static struct messages_at top(const char *name)
{
    return (struct messages_at){NULL, str_from(name), 0};
}

/* ---- messages ---- */

struct roles {
    struct chat_message *at;
    uint32_t n, cap;
};

static struct chat_message *push_message(struct messages_reader *rd, struct roles *to,
                                         enum chat_role role)
{
    if (to->n == to->cap) {
        uint32_t cap = to->cap < 8 ? 8 : to->cap * 2;
        struct chat_message *at = arena_array(rd->arena, cap, sizeof(*at));

        if (at == NULL) {
            messages_no_room(rd);
            return NULL;
        }
        if (to->n > 0)
            memcpy(at, to->at, to->n * sizeof(*at));
        to->at = at;
        to->cap = cap;
    }
    to->at[to->n].role = role;
    return &to->at[to->n++];
}

static bool push_parts(struct messages_reader *rd, struct roles *to, enum chat_role role,
                       struct chat_part *parts, uint32_t n)
{
    struct chat_message *m = push_message(rd, to, role);

    if (m == NULL)
        return false;
    m->parts = parts;
    m->parts_count = n;
    return true;
}

/* Each result by itself, the rest in as few messages as the order allows. */
static bool push_split(struct messages_reader *rd, struct roles *to, struct messages_parts parts)
{
    uint32_t from = 0, n;

    if (parts.n == 0)
        return push_parts(rd, to, CHAT_USER, NULL, 0);
    do {
        for (n = 0; from + n < parts.n && parts.at[from + n].kind != CHAT_RESULT; n++)
            ;
        if (n > 0 && !push_parts(rd, to, CHAT_USER, parts.at + from, n))
            return false;
        from += n;
        if (from < parts.n && !push_parts(rd, to, CHAT_TOOL, parts.at + from++, 1))
            return false;
    } while (from < parts.n);
    return true;
}

static const struct {
    struct str word;
    enum chat_role role;
    enum messages_place place;
} roles[] = {
    {STR_INIT("user"), CHAT_USER, MESSAGES_IN_USER},
    {STR_INIT("assistant"), CHAT_ASSISTANT, MESSAGES_IN_ASSISTANT},
    {STR_INIT("system"), CHAT_SYSTEM, MESSAGES_IN_SYSTEM},
    {STR_INIT("developer"), CHAT_DEVELOPER, MESSAGES_IN_SYSTEM},
};

struct message {
    struct json_text role;
    struct str content;
};

static const struct messages_field message_fields[] = {
    MESSAGES_FIELD("role", TEXT, true, struct message, role),
    MESSAGES_FIELD("content", CONTENT, true, struct message, content),
};

static bool read_message(struct messages_reader *rd, const struct messages_at *at, struct str value,
                         void *ctx)
{
    struct messages_at at_role = {at, STR("role"), 0}, at_content = {at, STR("content"), 0};
    struct message m = {.content = {NULL, 0}};
    struct messages_parts parts = {.n = 0};
    size_t i = 0;

    if (!messages_fields(rd, at, value, message_fields, COUNTOF(message_fields), &m, NULL))
        return false;
    while (i < COUNTOF(roles) && !json_text_is(m.role, roles[i].word))
        i++;
    if (i == COUNTOF(roles))
        return messages_refuse(rd, &at_role, "must be 'user' or 'assistant'");
    if (!messages_content(rd, &at_content, m.content, roles[i].place, &parts))
        return false;
    return roles[i].role == CHAT_USER ? push_split(rd, ctx, parts)
                                      : push_parts(rd, ctx, roles[i].role, parts.at, parts.n);
}

static bool read_system(struct messages_reader *rd, struct str value, struct roles *to)
{
    struct messages_at at = top("system");
    struct messages_parts parts = {.n = 0};

    if (value.len == 0)
        return true;
    return messages_content(rd, &at, value, MESSAGES_IN_SYSTEM, &parts) &&
           (parts.n == 0 || push_parts(rd, to, CHAT_SYSTEM, parts.at, parts.n));
}

static bool read_messages(struct messages_reader *rd, const struct body *b)
{
    struct messages_at at = top("messages");
    uint32_t n = messages_count(b->messages) + 1;
    struct roles to = {arena_array(rd->arena, n, sizeof(*to.at)), 0, n};

    if (to.at == NULL)
        return messages_no_room(rd);
    if (n == 1)
        return messages_refuse(rd, &at, "must not be empty");
    if (!read_system(rd, b->system, &to) || !messages_each(rd, &at, b->messages, read_message, &to))
        return false;
    rd->req->messages = to.at;
    rd->req->messages_count = to.n;
    return true;
}

/* ---- tools ---- */

struct tool {
    struct json_text name, description;
    struct str input_schema, cache_control;
    enum chat_tri strict;
};

static const struct messages_field tool_fields[] = {
    {STR_INIT("type"), MESSAGES_SKIP, false, 0},
    MESSAGES_FIELD("name", TEXT, true, struct tool, name),
    MESSAGES_FIELD("description", TEXT, false, struct tool, description),
    MESSAGES_FIELD("input_schema", OBJECT, true, struct tool, input_schema),
    MESSAGES_FIELD("cache_control", OBJECT, false, struct tool, cache_control),
    MESSAGES_FIELD("strict", BOOL, false, struct tool, strict),
};

static bool read_tool(struct messages_reader *rd, const struct messages_at *at, struct str value,
                      void *ctx)
{
    struct chat_tool *ret = &rd->req->tools[rd->req->tools_count++];
    struct tool t = {.strict = CHAT_UNSET};
    struct json_text type;

    (void)ctx;
    if (!messages_type(rd, at, value, &type))
        return false;
    if (type.ptr != NULL && !json_text_is(type, STR("custom"))) {
        ret->vendor = CHAT_ANTHROPIC;
        ret->raw = value;
        return true;
    }
    if (!messages_fields(rd, at, value, tool_fields, COUNTOF(tool_fields), &t, NULL))
        return false;
    ret->name = t.name;
    ret->description = t.description;
    ret->schema = t.input_schema;
    ret->cache_control = t.cache_control;
    ret->has_strict = t.strict != CHAT_UNSET;
    ret->strict = t.strict == CHAT_YES;
    return true;
}

static bool read_tools(struct messages_reader *rd, struct str value)
{
    struct messages_at at = top("tools");

    if (value.len == 0 || json_is_empty(value))
        return true;
    rd->req->tools = arena_array(rd->arena, messages_count(value), sizeof(*rd->req->tools));
    return rd->req->tools != NULL ? messages_each(rd, &at, value, read_tool, NULL)
                                  : messages_no_room(rd);
}

struct choice {
    struct json_text type, name;
    enum chat_tri serial;
};

static const struct messages_field choice_fields[] = {
    MESSAGES_FIELD("type", TEXT, true, struct choice, type),
    MESSAGES_FIELD("name", TEXT, false, struct choice, name),
    MESSAGES_FIELD("disable_parallel_tool_use", BOOL, false, struct choice, serial),
};

static const struct {
    struct str word;
    enum chat_choice choice;
} choices[] = {
    {STR_INIT("auto"), CHAT_CHOICE_AUTO},
    {STR_INIT("any"), CHAT_CHOICE_ANY},
    {STR_INIT("none"), CHAT_CHOICE_NONE},
    {STR_INIT("tool"), CHAT_CHOICE_NAMED},
};

static bool read_choice(struct messages_reader *rd, struct str value)
{
    struct messages_at at = top("tool_choice"), at_type = {&at, STR("type"), 0};
    struct messages_at at_name = {&at, STR("name"), 0};
    struct choice c = {.serial = CHAT_UNSET};
    size_t i = 0;

    if (value.len == 0)
        return true;
    if (!messages_fields(rd, &at, value, choice_fields, COUNTOF(choice_fields), &c, NULL))
        return false;
    while (i < COUNTOF(choices) && !json_text_is(c.type, choices[i].word))
        i++;
    if (i == COUNTOF(choices))
        return messages_refuse(rd, &at_type, "must be 'auto', 'any', 'tool' or 'none'");
    if (choices[i].choice == CHAT_CHOICE_NAMED && c.name.ptr == NULL)
        return messages_refuse(rd, &at_name, "is required");
    rd->req->choice = choices[i].choice;
    if (choices[i].choice == CHAT_CHOICE_NAMED)
        rd->req->choice_name = c.name;
    if (c.serial != CHAT_UNSET)
        rd->req->parallel_calls = c.serial == CHAT_YES ? CHAT_NO : CHAT_YES;
    return true;
}

/* ---- thinking and the form of the answer ---- */

struct thinking {
    struct json_text type, display;
    struct str budget;
};

static const struct messages_field thinking_fields[] = {
    MESSAGES_FIELD("type", TEXT, true, struct thinking, type),
    MESSAGES_FIELD("budget_tokens", INTEGER, false, struct thinking, budget),
    MESSAGES_FIELD("display", TEXT, false, struct thinking, display),
};

static bool read_thinking(struct messages_reader *rd, struct str value)
{
    struct messages_at at = top("thinking"), at_budget = {&at, STR("budget_tokens"), 0};
    struct chat_reasoning *ret = &rd->req->reasoning;
    struct thinking t = {.budget = {NULL, 0}};

    if (value.len == 0)
        return true;
    if (!messages_fields(rd, &at, value, thinking_fields, COUNTOF(thinking_fields), &t, NULL))
        return false;
    if (json_text_is(t.type, STR("disabled"))) {
        ret->on = CHAT_NO;
        return true;
    }
    /* A kind we do not know yet is left to the model, as the adaptive one is. */
    ret->on = CHAT_YES;
    ret->adaptive = !json_text_is(t.type, STR("enabled"));
    ret->budget = t.budget;
    if (t.display.ptr != NULL)
        ret->show = json_text_is(t.display, STR("omitted")) ? CHAT_NO : CHAT_YES;
    return ret->adaptive || t.budget.len > 0 || messages_refuse(rd, &at_budget, "is required");
}

struct format {
    struct json_text type;
    struct str schema;
};

static const struct messages_field format_fields[] = {
    MESSAGES_FIELD("type", TEXT, true, struct format, type),
    MESSAGES_FIELD("schema", OBJECT, true, struct format, schema),
    {STR_INIT("name"), MESSAGES_SKIP, false, 0},
};

static bool read_format(struct messages_reader *rd, const struct messages_at *at, struct str value)
{
    struct messages_at at_type = {at, STR("type"), 0};
    struct format f = {.schema = {NULL, 0}};

    if (value.len == 0)
        return true;
    if (!messages_fields(rd, at, value, format_fields, COUNTOF(format_fields), &f, NULL))
        return false;
    if (!json_text_is(f.type, STR("json_schema")))
        return messages_refuse(rd, &at_type, "must be 'json_schema'");
    rd->req->format = CHAT_FORMAT_SCHEMA;
    rd->req->schema = f.schema;
    return true;
}

struct output {
    struct json_text effort;
    struct str format;
};

static const struct messages_field output_fields[] = {
    MESSAGES_FIELD("effort", TEXT, false, struct output, effort),
    MESSAGES_FIELD("format", OBJECT, false, struct output, format),
};

static bool read_output(struct messages_reader *rd, struct str value)
{
    struct messages_at at = top("output_config"), at_format = {&at, STR("format"), 0};
    struct output o = {.format = {NULL, 0}};

    if (value.len == 0)
        return true;
    if (!messages_fields(rd, &at, value, output_fields, COUNTOF(output_fields), &o, NULL))
        return false;
    rd->req->reasoning.effort = o.effort;
    return read_format(rd, &at_format, o.format);
}

/* ---- the rest ---- */

static bool take_stop(struct messages_reader *rd, const struct messages_at *at, struct str value,
                      void *ctx)
{
    (void)ctx;
    if (json_type_of(value) != JSON_STRING)
        return messages_refuse(rd, at, "must be a string");
    rd->req->stop[rd->req->stop_count++] = value;
    return true;
}

static bool read_stops(struct messages_reader *rd, struct str value)
{
    struct messages_at at = top("stop_sequences");

    if (value.len == 0 || json_is_empty(value))
        return true;
    rd->req->stop = arena_array(rd->arena, messages_count(value), sizeof(*rd->req->stop));
    return rd->req->stop != NULL ? messages_each(rd, &at, value, take_stop, NULL)
                                 : messages_no_room(rd);
}

static bool read_metadata(struct messages_reader *rd, struct str value)
{
    static const struct messages_field fields[] = {
        MESSAGES_FIELD("user_id", TEXT, false, struct chat_request, user)};
    struct messages_at at = top("metadata");

    return value.len == 0 || messages_fields(rd, &at, value, fields, 1, rd->req, NULL);
}

static bool read_model(struct messages_reader *rd, struct json_text text)
{
    struct messages_at at = top("model");

    if (text.len == 0)
        return messages_refuse(rd, &at, "must not be empty");
    if (text.len > MODEL_BYTES_MAX)
        return messages_refuse(rd, &at, "is longer than 1024 bytes");
    rd->req->model = json_text_plain(rd->arena, text);
    return rd->req->model.ptr != NULL || messages_refuse(rd, &at, "holds half a surrogate pair");
}

static void take_scalars(struct chat_request *r, const struct body *b)
{
    r->max_tokens = b->max_tokens;
    r->temperature = b->temperature;
    r->top_p = b->top_p;
    r->top_k = b->top_k;
    r->stream = b->stream == CHAT_YES;
    r->wants_usage = true; /* every answer of this API has it */
    /* What all other dialects call the tier that is neither cheaper nor quicker. */
    r->service_tier = json_text_is(b->service_tier, STR("standard_only")) ? JSON_TEXT("default")
                                                                          : b->service_tier;
}

/* A member of the body that only Anthropic knows: container, mcp_servers, context_management … */
static bool take_extra(struct messages_reader *rd, const struct json_member *m)
{
    struct chat_request *r = rd->req;
    struct messages_at at = {NULL, m->key, 0};

    if (m->type == JSON_NULL)
        return true;
    if (!messages_plain_name(m->key)) {
        chat_drop(r, m->key);
        return true;
    }
    if (r->extra_count == CHAT_EXTRA_MAX)
        return messages_refuse(rd, &at, "is the 33rd member that we do not know; 32 may be sent");
    r->extra[r->extra_count++] = (struct chat_extra){CHAT_ANTHROPIC, m->key, m->value};
    return true;
}

static bool read_body(struct messages_reader *rd, struct str body, bool count)
{
    const struct messages_field *fields = body_fields + (count ? 1 : 0);
    size_t n = COUNTOF(body_fields) - (count ? 1 : 0);
    struct messages_at at_format = top("output_format");
    struct body b = {.stream = CHAT_UNSET};

    if (!messages_fields(rd, NULL, body, fields, n, &b, take_extra))
        return false;
    take_scalars(rd->req, &b);
    return read_model(rd, b.model) && read_messages(rd, &b) && read_tools(rd, b.tools) &&
           read_choice(rd, b.tool_choice) && read_thinking(rd, b.thinking) &&
           read_format(rd, &at_format, b.output_format) && read_output(rd, b.output_config) &&
           read_stops(rd, b.stop_sequences) && read_metadata(rd, b.metadata);
}

static bool read_any(struct arena *a, struct str body, unsigned depth_max, bool count,
                     struct chat_request *ret, struct chat_problem *p)
{
    struct messages_reader rd = {a, ret, p};

    *ret = (struct chat_request){.arena = a};
    return chat_scan(a, body, depth_max, p) && read_body(&rd, body, count);
}

bool messages_read(struct arena *a, struct str body, unsigned depth_max, struct chat_request *ret,
                   struct chat_problem *p)
{
    return read_any(a, body, depth_max, false, ret, p);
}

bool messages_read_count(struct arena *a, struct str body, unsigned depth_max,
                         struct chat_request *ret, struct chat_problem *p)
{
    return read_any(a, body, depth_max, true, ret, p);
}
