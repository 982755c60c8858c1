/*
 * The messages of a Chat Completions request, role by role.
 *
 * An assistant's parts stand in the order in which they were made: thinking, text, calls; over this
 * API the message does not tell it otherwise.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/chat_read.h"
#include "llm/chat_text.h"

/* clang-format off */
enum {
    M_ROLE, M_CONTENT, M_NAME, M_REFUSAL, M_AUDIO, M_TOOL_CALLS, M_FUNCTION_CALL, M_TOOL_CALL_ID,
    M_REASONING_CONTENT, M_REASONING, M_THINKING_BLOCKS, M_CACHE_CONTROL,
    M_ANNOTATIONS, M_PARSED, /* SDKs send these back; they say nothing to a model */
    M_COUNT
};

static const struct str names[M_COUNT] = {
    [M_ROLE] = STR_INIT("role"),
    [M_CONTENT] = STR_INIT("content"),
    [M_NAME] = STR_INIT("name"),
    [M_REFUSAL] = STR_INIT("refusal"),
    [M_AUDIO] = STR_INIT("audio"),
    [M_TOOL_CALLS] = STR_INIT("tool_calls"),
    [M_FUNCTION_CALL] = STR_INIT("function_call"),
    [M_TOOL_CALL_ID] = STR_INIT("tool_call_id"),
    [M_REASONING_CONTENT] = STR_INIT("reasoning_content"),
    [M_REASONING] = STR_INIT("reasoning"),
    [M_THINKING_BLOCKS] = STR_INIT("thinking_blocks"),
    [M_CACHE_CONTROL] = STR_INIT("cache_control"),
    [M_ANNOTATIONS] = STR_INIT("annotations"),
    [M_PARSED] = STR_INIT("parsed"),
};

enum role { ROLE_SYSTEM, ROLE_DEVELOPER, ROLE_USER, ROLE_ASSISTANT, ROLE_TOOL, ROLE_FUNCTION };

static const struct {
    struct str word;
    enum chat_role role;
} roles[] = {
    [ROLE_SYSTEM] = {STR_INIT("system"), CHAT_SYSTEM},
    [ROLE_DEVELOPER] = {STR_INIT("developer"), CHAT_DEVELOPER},
    [ROLE_USER] = {STR_INIT("user"), CHAT_USER},
    [ROLE_ASSISTANT] = {STR_INIT("assistant"), CHAT_ASSISTANT},
    [ROLE_TOOL] = {STR_INIT("tool"), CHAT_TOOL},
    [ROLE_FUNCTION] = {STR_INIT("function"), CHAT_TOOL},
};
/* clang-format on */

static bool room_for(struct chat_reading *rd, uint32_t n, struct chat_part **ret)
{
    *ret = arena_array(rd->fields.arena, n + 1, sizeof(**ret));
    return *ret != NULL || fields_no_room(&rd->fields);
}

/* ---- an assistant's ---- */

/* One string that vendors have several names for: the first that says something counts. */
static bool read_reasoning_text(struct chat_object *o, struct chat_part *parts, uint32_t *count)
{
    struct json_text content = {NULL, 0}, reasoning = {NULL, 0};

    if (!object_text(o, M_REASONING_CONTENT, &content) || !object_text(o, M_REASONING, &reasoning))
        return false;
    if (content.len == 0)
        content = reasoning;
    if (content.len > 0)
        parts[(*count)++] = (struct chat_part){.kind = CHAT_THINKING, .text = content};
    return true;
}

/* A block with a signature and no text is that of the only text there is: clients that gathered a
 * stream by themselves send that. */
static bool read_thinking(struct chat_reading *rd, struct chat_object *o, struct chat_part *parts,
                          uint32_t *count)
{
    struct chat_at at = object_at(o, M_THINKING_BLOCKS);
    struct json_text text = {NULL, 0};

    if (!object_type(o, M_THINKING_BLOCKS, JSON_ARRAY))
        return false;
    if (json_items(o->values[M_THINKING_BLOCKS]) == 0)
        return read_reasoning_text(o, parts, count);
    if (!object_text(o, M_REASONING_CONTENT, &text) ||
        !chat_read_thinking(rd, &at, o->values[M_THINKING_BLOCKS], parts, count))
        return false;
    if (*count == 1 && parts[0].kind == CHAT_THINKING && parts[0].text.len == 0 && text.len > 0)
        parts[0].text = text;
    return true;
}

/* What the model said aloud before, by its id. */
static bool read_audio(struct chat_object *o, struct chat_part *parts, uint32_t *count)
{
    static const struct str id[] = {STR_INIT("id")};
    struct chat_object audio = {
        .fields = o->fields, .at = object_at(o, M_AUDIO), .names = id, .count = COUNTOF(id)};
    struct chat_part part = {.kind = CHAT_AUDIO};

    if (o->values[M_AUDIO].len == 0)
        return true;
    if (!object_pick(&audio, o->values[M_AUDIO], NULL, NULL) || !object_needs(&audio, 0) ||
        !object_text(&audio, 0, &part.file_id))
        return false;
    parts[(*count)++] = part;
    return true;
}

static bool read_refusal(struct chat_object *o, struct chat_part *parts, uint32_t *count)
{
    struct chat_part part = {.kind = CHAT_REFUSAL};

    if (!object_text(o, M_REFUSAL, &part.text))
        return false;
    if (part.text.ptr != NULL)
        parts[(*count)++] = part;
    return true;
}

static bool read_calls(struct chat_reading *rd, struct chat_object *o, struct chat_message *m)
{
    struct chat_at calls = object_at(o, M_TOOL_CALLS), call = object_at(o, M_FUNCTION_CALL);

    if (!object_type(o, M_TOOL_CALLS, JSON_ARRAY) ||
        !chat_read_calls(rd, &calls, o->values[M_TOOL_CALLS], m->parts, &m->parts_count))
        return false;
    return o->values[M_FUNCTION_CALL].len == 0 ||
           chat_read_function_call(rd, &call, o->values[M_FUNCTION_CALL], o->at.index,
                                   &m->parts[m->parts_count++]);
}

static bool read_assistant(struct chat_reading *rd, struct chat_object *o, struct chat_message *m)
{
    struct chat_at content = object_at(o, M_CONTENT);
    uint32_t most = chat_read_content_max(o->values[M_CONTENT]) +
                    json_items(o->values[M_THINKING_BLOCKS]) + json_items(o->values[M_TOOL_CALLS]) +
                    4; /* and one of each of the others */

    return room_for(rd, most, &m->parts) && read_thinking(rd, o, m->parts, &m->parts_count) &&
           read_audio(o, m->parts, &m->parts_count) &&
           (o->values[M_CONTENT].len == 0 ||
            chat_read_content(rd, &content, o->values[M_CONTENT], m->parts, &m->parts_count)) &&
           read_refusal(o, m->parts, &m->parts_count) && read_calls(rd, o, m);
}

/* ---- the others' ---- */

static bool read_said(struct chat_reading *rd, struct chat_object *o, struct chat_part **parts,
                      uint32_t *count)
{
    struct chat_at at = object_at(o, M_CONTENT);
    struct str content = o->values[M_CONTENT];

    return object_needs(o, M_CONTENT) && room_for(rd, chat_read_content_max(content), parts) &&
           chat_read_content(rd, &at, content, *parts, count);
}

static bool read_result(struct chat_reading *rd, struct chat_object *o, struct chat_message *m,
                        enum role role)
{
    struct chat_part *result;

    if (!room_for(rd, 1, &m->parts))
        return false;
    result = m->parts;
    m->parts_count = 1;
    result->kind = CHAT_RESULT;
    result->cache_control = o->values[M_CACHE_CONTROL];
    if (!read_said(rd, o, &result->parts, &result->parts_count))
        return false;
    if (role == ROLE_TOOL)
        return object_needs(o, M_TOOL_CALL_ID) && object_text(o, M_TOOL_CALL_ID, &result->id);
    result->id = rd->last_function.ptr != NULL ? rd->last_function : JSON_TEXT("call_function");
    return object_needs(o, M_NAME) && object_text(o, M_NAME, &result->name);
}

/* ---- a message ---- */

static bool read_role(struct chat_object *o, enum role *ret)
{
    struct chat_at at = object_at(o, M_ROLE);
    struct json_text word = {NULL, 0};

    if (!object_needs(o, M_ROLE) || !object_text(o, M_ROLE, &word))
        return false;
    for (unsigned i = 0; i < COUNTOF(roles); i++) {
        if (json_text_is(word, roles[i].word)) {
            *ret = (enum role)i;
            return true;
        }
    }
    return fields_refuse(o->fields, &at,
                         "must be one of system, developer, user, assistant, tool, function");
}

static bool read_by_role(struct chat_reading *rd, struct chat_object *o, struct chat_message *m,
                         enum role role)
{
    m->role = roles[role].role;
    if (role == ROLE_TOOL || role == ROLE_FUNCTION)
        return read_result(rd, o, m, role);
    if (!object_text(o, M_NAME, &m->name))
        return false;
    return role == ROLE_ASSISTANT ? read_assistant(rd, o, m)
                                  : read_said(rd, o, &m->parts, &m->parts_count);
}

/* Of a whole message: it marks the last thing said. */
static void mark_cached(struct chat_message *m, struct str cache_control)
{
    if (cache_control.len > 0 && m->parts_count > 0)
        m->parts[m->parts_count - 1].cache_control = cache_control;
}

struct walk {
    struct chat_reading *reading;
    struct chat_at at;
};

static bool take_message(void *ctx, const struct json_member *element)
{
    struct walk *w = ctx;
    struct chat_reading *rd = w->reading;
    struct chat_request *r = rd->request;
    struct chat_message *m = &r->messages[r->messages_count];
    struct chat_unknown unknown = {rd, STR("messages[].")};
    struct chat_object o = {.fields = &rd->fields,
                            .at = {.up = &w->at, .index = r->messages_count},
                            .names = names,
                            .count = M_COUNT};
    enum role role = ROLE_SYSTEM;

    if (!object_pick(&o, element->value, chat_read_unknown, &unknown) || !read_role(&o, &role) ||
        !read_by_role(rd, &o, m, role))
        return false;
    mark_cached(m, o.values[M_CACHE_CONTROL]);
    r->messages_count++;
    return true;
}

bool chat_read_messages(struct chat_reading *rd, struct str messages)
{
    struct walk w = {.reading = rd, .at = {.name = "messages"}};
    uint32_t n = json_items(messages);

    if (n == 0)
        return fields_refuse(&rd->fields, &w.at, "must not be empty");
    rd->request->messages = arena_array(rd->fields.arena, n, sizeof(*rd->request->messages));
    if (rd->request->messages == NULL)
        return fields_no_room(&rd->fields);
    return json_members(messages, take_message, &w);
}
