/*
 * Tools, and which of them is to be called.
 *
 * Functions are everybody's.  The other kinds run on OpenAI's own servers, or are calls of a form
 * that only this API has: they are carried as they came, for a target that speaks it.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/json_pick.h"
#include "llm/responses_read.h"

static const struct json_text nothing = {NULL, 0};

/* ---- tools ---- */

struct tool_walk {
    struct responses_reading *reading;
    struct chat_at at;
    uint32_t index;
};

enum { T_TYPE, T_NAME, T_DESCRIPTION, T_PARAMETERS, T_STRICT, T_COUNT };
static const struct str tool_names[T_COUNT] = {STR_INIT("type"), STR_INIT("name"),
                                               STR_INIT("description"), STR_INIT("parameters"),
                                               STR_INIT("strict")};

static bool read_function(struct chat_object *o, struct chat_tool *ret)
{
    enum chat_tri strict = CHAT_UNSET;

    if (!object_needs(o, T_NAME) || !object_text(o, T_NAME, &ret->name) ||
        !object_text(o, T_DESCRIPTION, &ret->description) ||
        !object_type(o, T_PARAMETERS, JSON_OBJECT) || !object_bool(o, T_STRICT, &strict))
        return false;
    ret->schema = o->values[T_PARAMETERS];
    ret->has_strict = strict != CHAT_UNSET;
    ret->strict = strict == CHAT_YES;
    return true;
}

static bool take_tool(void *ctx, const struct json_member *m)
{
    struct tool_walk *w = ctx;
    struct responses_reading *rd = w->reading;
    struct chat_at at = {.up = &w->at, .index = w->index++};
    struct chat_object o = object_of(&rd->fields, &at, tool_names, T_COUNT);
    struct chat_tool *ret = &rd->request->tools[rd->request->tools_count++];
    struct json_text type = nothing;

    if (!object_pick(&o, m->value, NULL, NULL) || !object_needs(&o, T_TYPE) ||
        !object_text(&o, T_TYPE, &type))
        return false;
    if (json_text_is(type, STR("function"))) {
        struct responses_unknown unknown = {rd, STR("tools.")};

        return object_pick(&o, m->value, responses_unknown, &unknown) && read_function(&o, ret);
    }
    ret->vendor = CHAT_RESPONSES;
    ret->raw = m->value;
    return true;
}

static bool read_tools(struct responses_reading *rd, struct str value)
{
    struct tool_walk w = {.reading = rd, .at = {.name = "tools"}};
    struct chat_request *r = rd->request;

    if (value.len == 0 || json_is_empty(value))
        return true;
    r->tools = arena_array(rd->fields.arena, json_items(value), sizeof(*r->tools));
    if (r->tools == NULL)
        return fields_no_room(&rd->fields);
    if (!json_members(value, take_tool, &w))
        return false;
    rd->echo->tools = r->tools;
    rd->echo->tools_count = r->tools_count;
    return true;
}

/* ---- the choice ---- */

static const struct {
    struct str word;
    enum chat_choice choice;
} choices[] = {
    {STR_INIT("auto"), CHAT_CHOICE_AUTO},
    {STR_INIT("none"), CHAT_CHOICE_NONE},
    {STR_INIT("required"), CHAT_CHOICE_ANY},
};

static bool choose_word(struct responses_reading *rd, const struct chat_at *at,
                        struct json_text word)
{
    for (size_t i = 0; i < COUNTOF(choices); i++) {
        if (json_text_is(word, choices[i].word)) {
            rd->request->choice = choices[i].choice;
            return true;
        }
    }
    return fields_refuse(&rd->fields, at, "must be 'auto', 'none' or 'required'");
}

enum { C_TYPE, C_NAME, C_MODE, C_TOOLS, C_COUNT };
static const struct str choice_names[C_COUNT] = {STR_INIT("type"), STR_INIT("name"),
                                                 STR_INIT("mode"), STR_INIT("tools")};

struct allowed {
    struct responses_reading *reading;
    struct chat_at at;
    uint32_t index;
    bool *keep; /* a tool each */
};

/* One that is carried as it came is known by its type, and by its name if it has one. */
static bool is_meant(const struct chat_tool *t, struct json_text type, struct json_text name)
{
    struct json_text own = t->name, kind = JSON_TEXT("function");

    if (t->raw.len > 0) {
        own = json_text_of(json_pick_one(t->raw, STR("name"), JSON_STRING));
        kind = json_text_of(json_pick_one(t->raw, STR("type"), JSON_STRING));
    }
    return kind.ptr != NULL && json_text_is(type, str_make(kind.ptr, kind.len)) &&
           (own.ptr == NULL || json_text_is(name, str_make(own.ptr, own.len)));
}

static bool take_allowed(void *ctx, const struct json_member *m)
{
    struct allowed *l = ctx;
    struct chat_request *r = l->reading->request;
    struct chat_at at = {.up = &l->at, .index = l->index++};
    struct chat_object o = object_of(&l->reading->fields, &at, choice_names, C_COUNT);
    struct json_text type = JSON_TEXT("function"), name = nothing;
    bool found = false;

    if (!object_pick(&o, m->value, NULL, NULL) || !object_text(&o, C_TYPE, &type) ||
        !object_text(&o, C_NAME, &name))
        return false;
    for (uint32_t i = 0; i < r->tools_count; i++) {
        if (is_meant(&r->tools[i], type, name))
            found = l->keep[i] = true;
    }
    return found || fields_refuse(&l->reading->fields, &at, "is not in 'tools'");
}

/* Tools that are not allowed are not offered: that is what the list is for, and other dialects have
 * none.  The answer repeats them all, so they are copied. */
static bool read_allowed(struct responses_reading *rd, struct chat_object *o)
{
    struct chat_request *r = rd->request;
    struct allowed l = {.reading = rd, .at = object_at(o, C_TOOLS)};
    struct chat_at mode_at = object_at(o, C_MODE);
    struct json_text mode = JSON_TEXT("auto");
    struct chat_tool *kept = arena_array(rd->fields.arena, r->tools_count + 1, sizeof(*kept));
    uint32_t n = 0;

    l.keep = arena_array(rd->fields.arena, r->tools_count + 1, sizeof(*l.keep));
    if (l.keep == NULL || kept == NULL)
        return fields_no_room(&rd->fields);
    if (!object_text(o, C_MODE, &mode) || !choose_word(rd, &mode_at, mode) ||
        !object_needs(o, C_TOOLS) || !object_type(o, C_TOOLS, JSON_ARRAY) ||
        !json_members(o->values[C_TOOLS], take_allowed, &l))
        return false;
    for (uint32_t i = 0; i < r->tools_count; i++) {
        if (l.keep[i])
            kept[n++] = r->tools[i];
    }
    r->tools = kept;
    r->tools_count = n;
    return true;
}

static bool read_choice(struct responses_reading *rd, struct str value)
{
    static const struct chat_at at = {.name = "tool_choice"};
    struct chat_object o = object_of(&rd->fields, &at, choice_names, C_COUNT);
    struct json_text type = nothing;

    if (json_type_of(value) == JSON_STRING)
        return choose_word(rd, &at, json_text_of(value));
    if (json_type_of(value) != JSON_OBJECT)
        return fields_refuse(&rd->fields, &at, "must be a string or an object");
    if (!object_pick(&o, value, NULL, NULL) || !object_needs(&o, C_TYPE) ||
        !object_text(&o, C_TYPE, &type))
        return false;
    if (json_text_is(type, STR("allowed_tools")))
        return read_allowed(rd, &o);
    if (!json_text_is(type, STR("function")))
        return fields_refuse(&rd->fields, &at, "names a tool that only OpenAI's own servers run");
    rd->request->choice = CHAT_CHOICE_NAMED;
    return object_needs(&o, C_NAME) && object_text(&o, C_NAME, &rd->request->choice_name);
}

bool responses_tools(struct responses_reading *rd, struct str tools, struct str choice)
{
    rd->echo->tool_choice = choice;
    return read_tools(rd, tools) && (choice.len == 0 || read_choice(rd, choice));
}
