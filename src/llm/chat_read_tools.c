/*
 * Tools in a Chat Completions request: what may be called, and what was.
 *
 * The old functions are tools of which one may be called at a time.  Their calls have no ids, so we
 * make one from the message's place: the same whenever the conversation is read again.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/chat_read.h"
#include "llm/chat_text.h"
#include "llm/json_pick.h"

static const struct json_text nothing = {NULL, 0};

/* ---- what was called ---- */

/* OpenAI's SDK adds the arguments as it has read them. */
enum { CALLED_NAME, CALLED_ARGUMENTS, CALLED_PARSED, CALLED_COUNT };
static const struct str called_names[CALLED_COUNT] = {STR_INIT("name"), STR_INIT("arguments"),
                                                      STR_INIT("parsed_arguments")};

static bool read_called(struct chat_reading *rd, const struct chat_at *at, struct str value,
                        struct chat_part *part)
{
    struct chat_object o = object_of(&rd->fields, at, called_names, CALLED_COUNT);
    struct chat_unknown unknown = {rd, STR("messages[].tool_calls[].function.")};
    struct json_text arguments = JSON_TEXT("");

    part->kind = CHAT_CALL;
    if (!object_pick(&o, value, chat_read_unknown, &unknown) || !object_needs(&o, CALLED_NAME) ||
        !object_text(&o, CALLED_NAME, &part->name) ||
        !object_text(&o, CALLED_ARGUMENTS, &arguments))
        return false;
    part->args = chat_args_of(rd->fields.arena, arguments);
    if (part->args.ptr == NULL)
        part->args_text = arguments;
    return true;
}

bool chat_read_function_call(struct chat_reading *rd, const struct chat_at *at, struct str call,
                             uint32_t number, struct chat_part *part)
{
    struct str id = arena_printf(rd->fields.arena, "call_function_%u", number);

    if (id.ptr == NULL)
        return fields_no_room(&rd->fields);
    part->id = rd->last_function = (struct json_text){id.ptr, id.len};
    return read_called(rd, at, call, part);
}

/* Google's: {"google":{"thought_signature":"…"}}. */
static bool read_signature(struct chat_object *call, unsigned field, struct json_text *ret)
{
    static const struct str google[] = {STR_INIT("google")};
    static const struct str signature[] = {STR_INIT("thought_signature")};
    struct chat_object outer = object_inside(call, field, google, COUNTOF(google));
    struct chat_object inner = object_inside(&outer, 0, signature, COUNTOF(signature));

    if (json_type_of(call->values[field]) != JSON_OBJECT)
        return true;
    if (!object_pick(&outer, call->values[field], NULL, NULL))
        return false;
    if (json_type_of(outer.values[0]) != JSON_OBJECT)
        return true;
    return object_pick(&inner, outer.values[0], NULL, NULL) && object_text(&inner, 0, ret);
}

static struct json_text text_in(struct str object, struct str name)
{
    struct json_text text = json_text_of(json_pick_one(object, name, JSON_STRING));

    return text.ptr != NULL ? text : JSON_TEXT("");
}

/* A custom tool's: its input is no JSON. */
static void read_custom(struct str call, struct chat_part *part)
{
    struct str custom = json_pick_one(call, STR("custom"), JSON_OBJECT);

    part->kind = CHAT_RAW;
    part->vendor = CHAT_OPENAI;
    part->raw = call;
    part->name = text_in(custom, STR("name"));
    part->args_text = text_in(custom, STR("input"));
}

static bool take_call(void *ctx, const struct json_member *m)
{
    enum { C_ID, C_TYPE, C_FUNCTION, C_EXTRA, C_INDEX, C_COUNT };
    static const struct str names[C_COUNT] = {STR_INIT("id"), STR_INIT("type"),
                                              STR_INIT("function"), STR_INIT("extra_content"),
                                              STR_INIT("index")}; /* of a stream */
    struct chat_walk *w = ctx;
    struct chat_part *part = &w->parts[(*w->count)++];
    struct chat_at at = {.up = w->at, .index = w->index++}, function;
    struct chat_object o = object_of(&w->reading->fields, &at, names, C_COUNT);
    struct chat_unknown unknown = {w->reading, STR("messages[].tool_calls[].")};
    uint32_t known = w->reading->request->dropped_count;
    struct json_text type = JSON_TEXT("function");

    *part = (struct chat_part){.kind = CHAT_CALL};
    if (!object_pick(&o, m->value, chat_read_unknown, &unknown) || !object_needs(&o, C_ID) ||
        !object_text(&o, C_ID, &part->id) || !object_text(&o, C_TYPE, &type))
        return false;
    if (!json_text_is(type, STR("function"))) {
        w->reading->request->dropped_count = known; /* it goes on with all that it has */
        read_custom(m->value, part);
        return true;
    }
    function = object_at(&o, C_FUNCTION);
    return object_needs(&o, C_FUNCTION) &&
           read_called(w->reading, &function, o.values[C_FUNCTION], part) &&
           read_signature(&o, C_EXTRA, &part->signature);
}

bool chat_read_calls(struct chat_reading *rd, const struct chat_at *at, struct str calls,
                     struct chat_part *parts, uint32_t *count)
{
    struct chat_walk w = {.reading = rd, .at = at, .parts = parts, .count = count};

    return calls.len == 0 || json_members(calls, take_call, &w);
}

/* ---- what may be called ---- */

static bool read_function(struct chat_unknown *unknown, const struct chat_at *at, struct str value,
                          struct chat_tool *t)
{
    enum { D_NAME, D_DESCRIPTION, D_PARAMETERS, D_STRICT, D_CACHE, D_COUNT };
    static const struct str names[D_COUNT] = {STR_INIT("name"), STR_INIT("description"),
                                              STR_INIT("parameters"), STR_INIT("strict"),
                                              STR_INIT("cache_control")};
    struct chat_object o = object_of(&unknown->reading->fields, at, names, D_COUNT);
    enum chat_tri strict = CHAT_UNSET;

    if (!object_pick(&o, value, chat_read_unknown, unknown) || !object_needs(&o, D_NAME) ||
        !object_text(&o, D_NAME, &t->name) || !object_text(&o, D_DESCRIPTION, &t->description) ||
        !object_type(&o, D_PARAMETERS, JSON_OBJECT) || !object_bool(&o, D_STRICT, &strict))
        return false;
    t->schema = o.values[D_PARAMETERS];
    t->has_strict = strict != CHAT_UNSET;
    t->strict = strict == CHAT_YES;
    if (o.values[D_CACHE].len > 0)
        t->cache_control = o.values[D_CACHE];
    return true;
}

static bool take_tool(void *ctx, const struct json_member *m)
{
    enum { T_TYPE, T_FUNCTION, T_CACHE, T_COUNT };
    static const struct str names[T_COUNT] = {STR_INIT("type"), STR_INIT("function"),
                                              STR_INIT("cache_control")};
    struct chat_walk *w = ctx;
    struct chat_request *r = w->reading->request;
    struct chat_tool *t = &r->tools[r->tools_count++];
    struct chat_at at = {.up = w->at, .index = w->index++}, function;
    struct chat_object o = object_of(&w->reading->fields, &at, names, T_COUNT);
    struct chat_unknown unknown = {w->reading, STR("tools[].")};
    struct chat_unknown inside = {w->reading, STR("tools[].function.")};
    uint32_t known = r->dropped_count;
    struct json_text type = nothing;

    if (!object_pick(&o, m->value, chat_read_unknown, &unknown) || !object_needs(&o, T_TYPE) ||
        !object_text(&o, T_TYPE, &type))
        return false;
    if (!json_text_is(type, STR("function"))) { /* custom ones, or run by the vendor */
        r->dropped_count = known;               /* it goes on with all that it has */
        t->vendor = CHAT_OPENAI;
        t->raw = m->value;
        return true;
    }
    t->cache_control = o.values[T_CACHE];
    function = object_at(&o, T_FUNCTION);
    return object_needs(&o, T_FUNCTION) &&
           read_function(&inside, &function, o.values[T_FUNCTION], t);
}

static bool take_old_function(void *ctx, const struct json_member *m)
{
    struct chat_walk *w = ctx;
    struct chat_request *r = w->reading->request;
    struct chat_at at = {.up = w->at, .index = w->index++};
    struct chat_unknown unknown = {w->reading, STR("functions[].")};

    return read_function(&unknown, &at, m->value, &r->tools[r->tools_count++]);
}

bool chat_read_tools(struct chat_reading *rd, struct str tools, struct str functions)
{
    static const struct chat_at tools_at = {.name = "tools"}, functions_at = {.name = "functions"};
    struct chat_walk new = {.reading = rd, .at = &tools_at},
                     old = {.reading = rd, .at = &functions_at};
    struct chat_request *r = rd->request;
    uint32_t n = json_items(tools) + json_items(functions);

    if (n == 0)
        return true;
    r->tools = arena_array(rd->fields.arena, n, sizeof(*r->tools));
    if (r->tools == NULL)
        return fields_no_room(&rd->fields);
    if (json_items(functions) > 0) {
        r->functions = true;
        r->parallel_calls = CHAT_NO;
    }
    return (tools.len == 0 || json_members(tools, take_tool, &new)) &&
           (functions.len == 0 || json_members(functions, take_old_function, &old));
}

/* ---- what has to be called ---- */

static bool choose_word(struct chat_reading *rd, const struct chat_at *at, struct json_text word)
{
    static const struct {
        struct str word;
        enum chat_choice choice;
    } words[] = {
        {STR_INIT("auto"), CHAT_CHOICE_AUTO},
        {STR_INIT("none"), CHAT_CHOICE_NONE},
        {STR_INIT("required"), CHAT_CHOICE_ANY},
        {STR_INIT("any"), CHAT_CHOICE_ANY}, /* Mistral's */
    };

    for (size_t i = 0; i < COUNTOF(words); i++) {
        if (json_text_is(word, words[i].word)) {
            rd->request->choice = words[i].choice;
            return true;
        }
    }
    return fields_refuse(&rd->fields, at, "must be none, auto or required");
}

static bool read_name(struct chat_reading *rd, const struct chat_at *at, struct str value,
                      struct json_text *ret)
{
    static const struct str names[] = {STR_INIT("name")};
    struct chat_object o = object_of(&rd->fields, at, names, COUNTOF(names));

    return object_pick(&o, value, NULL, NULL) && object_needs(&o, 0) && object_text(&o, 0, ret);
}

enum { CH_TYPE, CH_FUNCTION, CH_CUSTOM, CH_ALLOWED, CH_COUNT };
static const struct str choice_names[CH_COUNT] = {STR_INIT("type"), STR_INIT("function"),
                                                  STR_INIT("custom"), STR_INIT("allowed_tools")};

/* {"type":"function","function":{"name":…}}, or the same with "custom". */
static bool read_named(struct chat_reading *rd, struct chat_object *o, struct json_text *ret)
{
    unsigned field = o->values[CH_FUNCTION].len > 0 ? CH_FUNCTION : CH_CUSTOM;
    struct chat_at at = object_at(o, field);

    if (o->values[field].len == 0)
        return object_needs(o, CH_FUNCTION);
    return read_name(rd, &at, o->values[field], ret);
}

struct allowed {
    struct chat_walk walk;
    bool *keep; /* a tool each */
};

static bool take_allowed(void *ctx, const struct json_member *m)
{
    struct allowed *l = ctx;
    struct chat_reading *rd = l->walk.reading;
    struct chat_request *r = rd->request;
    struct chat_at at = {.up = l->walk.at, .index = l->walk.index++};
    struct chat_object o = object_of(&rd->fields, &at, choice_names, CH_COUNT);
    struct json_text name = nothing;
    bool found = false;

    if (!object_pick(&o, m->value, NULL, NULL) || !read_named(rd, &o, &name))
        return false;
    for (uint32_t i = 0; i < r->tools_count; i++) {
        struct json_text tool = r->tools[i].name;

        if (tool.ptr != NULL && json_text_is(name, str_make(tool.ptr, tool.len)))
            found = l->keep[i] = true;
        else if (o.values[CH_CUSTOM].len > 0 && r->tools[i].raw.len > 0) /* its name is inside */
            found = l->keep[i] = true;
    }
    return found || fields_refuse(&rd->fields, &at, "is not in 'tools'");
}

/* Tools that are not allowed are not offered: that is what the list is for, and no other dialect
 * has one. */
static bool read_allowed(struct chat_reading *rd, const struct chat_at *at, struct str value)
{
    enum { L_MODE, L_TOOLS, L_COUNT };
    static const struct str names[L_COUNT] = {STR_INIT("mode"), STR_INIT("tools")};
    struct chat_object o = object_of(&rd->fields, at, names, L_COUNT);
    struct chat_request *r = rd->request;
    struct allowed l = {.walk.reading = rd};
    struct json_text mode = nothing;
    struct chat_at mode_at, tools_at;
    uint32_t n = 0;

    if (!object_pick(&o, value, NULL, NULL) || !object_needs(&o, L_MODE) ||
        !object_text(&o, L_MODE, &mode) || !object_needs(&o, L_TOOLS) ||
        !object_type(&o, L_TOOLS, JSON_ARRAY))
        return false;
    mode_at = object_at(&o, L_MODE);
    tools_at = object_at(&o, L_TOOLS);
    l.walk.at = &tools_at;
    l.keep = arena_array(rd->fields.arena, r->tools_count + 1, sizeof(*l.keep));
    if (l.keep == NULL)
        return fields_no_room(&rd->fields);
    if (!choose_word(rd, &mode_at, mode) || !json_members(o.values[L_TOOLS], take_allowed, &l))
        return false;
    for (uint32_t i = 0; i < r->tools_count; i++) {
        if (l.keep[i])
            r->tools[n++] = r->tools[i];
    }
    r->tools_count = n;
    return true;
}

static bool read_choice(struct chat_reading *rd, const struct chat_at *at, struct str value)
{
    struct chat_object o = object_of(&rd->fields, at, choice_names, CH_COUNT);
    struct json_text type = JSON_TEXT("function");
    struct chat_at allowed;

    if (json_type_of(value) == JSON_STRING)
        return choose_word(rd, at, json_text_of(value));
    if (!object_pick(&o, value, NULL, NULL) || !object_text(&o, CH_TYPE, &type))
        return false;
    allowed = object_at(&o, CH_ALLOWED);
    if (json_text_is(type, STR("allowed_tools")))
        return object_needs(&o, CH_ALLOWED) && read_allowed(rd, &allowed, o.values[CH_ALLOWED]);
    rd->request->choice = CHAT_CHOICE_NAMED;
    return read_named(rd, &o, &rd->request->choice_name);
}

bool chat_read_tool_choice(struct chat_reading *rd, struct str choice, struct str function_call)
{
    static const struct chat_at choice_at = {.name = "tool_choice"},
                                call_at = {.name = "function_call"};

    if (choice.len > 0)
        return read_choice(rd, &choice_at, choice);
    if (function_call.len == 0)
        return true;
    if (json_type_of(function_call) == JSON_STRING)
        return choose_word(rd, &call_at, json_text_of(function_call));
    rd->request->choice = CHAT_CHOICE_NAMED;
    return read_name(rd, &call_at, function_call, &rd->request->choice_name);
}
