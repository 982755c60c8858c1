/*
 * Tools: what may be called, and what has to be.
 *
 * Each Tool of Gemini's is a list of functions, or names one that Google runs (googleSearch,
 * codeExecution …); the latter are carried as they came, one by one.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/generate_part.h"

#define ALLOWED_MAX 512u

/* ---- functions ---- */

enum { D_NAME, D_DESCRIPTION, D_PARAMETERS, D_JSON_SCHEMA, D_BEHAVIOR, D_COUNT };

static bool read_schema(struct generate_reading *rd, struct chat_object *o, struct chat_tool *t)
{
    if (!object_type(o, D_PARAMETERS, JSON_OBJECT) || !object_type(o, D_JSON_SCHEMA, JSON_OBJECT))
        return false;
    t->schema = o->values[D_JSON_SCHEMA];
    if (t->schema.len > 0 || o->values[D_PARAMETERS].len == 0)
        return true;
    t->schema = generate_schema(rd->fields.arena, o->values[D_PARAMETERS]);
    return t->schema.ptr != NULL || fields_no_room(&rd->fields);
}

static bool read_function(struct generate_reading *rd, const struct chat_at *at, struct str value,
                          void *ctx)
{
    static const struct str names[D_COUNT] = {
        STR_INIT("name"), STR_INIT("description"), STR_INIT("parameters"),
        STR_INIT("parametersJsonSchema"), STR_INIT("behavior")};
    struct chat_object o = object_of(&rd->fields, at, names, D_COUNT);
    struct generate_unknown unknown = {rd, STR("tools.functionDeclarations.")};
    struct chat_tool *t = &rd->request->tools[rd->request->tools_count++];
    struct json_text behavior = {NULL, 0};

    (void)ctx;
    if (!object_pick(&o, value, generate_unknown, &unknown) || !object_needs(&o, D_NAME) ||
        !object_text(&o, D_NAME, &t->name) || !object_text(&o, D_DESCRIPTION, &t->description) ||
        !object_text(&o, D_BEHAVIOR, &behavior))
        return false;
    if (behavior.len > 0 && !json_text_is(behavior, STR("BLOCKING")) &&
        !json_text_is(behavior, STR("UNSPECIFIED")))
        chat_drop(rd->request, STR("tools.functionDeclarations.behavior"));
    return read_schema(rd, &o, t);
}

/* ---- the list ---- */

static bool is_functions(const struct json_member *m)
{
    return json_key_is(m, STR("functionDeclarations")) ||
           json_key_is(m, STR("function_declarations"));
}

struct tool {
    struct generate_reading *rd;
    const struct chat_at *at;
};

static bool count_member(void *ctx, const struct json_member *m)
{
    uint32_t *n = ctx;

    *n += is_functions(m) ? generate_items(m->value) : 1;
    return true;
}

static bool count_tool(struct generate_reading *rd, const struct chat_at *at, struct str value,
                       void *ctx)
{
    if (json_type_of(value) != JSON_OBJECT)
        return fields_refuse(&rd->fields, at, "must be an object");
    return json_members(value, count_member, ctx);
}

static bool take_member(void *ctx, const struct json_member *m)
{
    struct tool *t = ctx;
    struct chat_at at = {.up = t->at, .name = "functionDeclarations"};
    struct chat_request *r = t->rd->request;
    struct str quoted;

    if (m->type == JSON_NULL)
        return true;
    if (is_functions(m))
        return generate_each(t->rd, &at, m->value, read_function, NULL);
    quoted =
        arena_join(r->arena, (struct str[]){STR("{\""), m->key, STR("\":"), m->value, STR("}")}, 5);
    if (quoted.ptr == NULL)
        return fields_no_room(&t->rd->fields);
    r->tools[r->tools_count++] = (struct chat_tool){.vendor = CHAT_GEMINI, .raw = quoted};
    return true;
}

static bool read_tool(struct generate_reading *rd, const struct chat_at *at, struct str value,
                      void *ctx)
{
    struct tool t = {rd, at};

    (void)ctx;
    return json_members(value, take_member, &t);
}

/* ---- what has to be called ---- */

enum { C_MODE, C_ALLOWED, C_COUNT };

struct allowed {
    struct json_text name;
    bool found;
};

static bool match_name(void *ctx, const struct json_member *m)
{
    struct allowed *a = ctx;
    struct json_text one = json_text_of(m->value);

    a->found =
        one.ptr != NULL && str_eq(str_make(one.ptr, one.len), str_make(a->name.ptr, a->name.len));
    return !a->found;
}

static bool is_allowed(struct str names, struct json_text name)
{
    struct allowed a = {.name = name};

    json_members(names, match_name, &a);
    return a.found;
}

/* No other dialect can name several: only those are offered.  The list is of functions, so what
 * Google runs stays.  *ret_kept: how many functions are left. */
static bool restrict_to(struct generate_reading *rd, const struct chat_at *at, struct str names,
                        uint32_t *ret_kept)
{
    struct chat_request *r = rd->request;
    uint32_t kept = 0, functions = 0;

    for (uint32_t i = 0; i < r->tools_count; i++) {
        bool function = r->tools[i].raw.len == 0;

        if (function && !is_allowed(names, r->tools[i].name))
            continue;
        functions += function;
        r->tools[kept++] = r->tools[i];
    }
    r->tools_count = kept;
    *ret_kept = functions;
    return functions > 0 || fields_refuse(&rd->fields, at, "names no function that is declared");
}

static struct json_text only_function(const struct chat_request *r)
{
    uint32_t i = 0;

    while (r->tools[i].raw.len > 0)
        i++;
    return r->tools[i].name;
}

static const struct {
    struct str word;
    enum chat_choice choice;
} modes[] = {
    {STR_INIT("AUTO"), CHAT_CHOICE_AUTO},
    {STR_INIT("NONE"), CHAT_CHOICE_NONE},
    {STR_INIT("ANY"), CHAT_CHOICE_ANY},
    {STR_INIT("VALIDATED"), CHAT_CHOICE_AUTO}, /* the schema is kept to, which others do anyway */
    {STR_INIT("MODE_UNSPECIFIED"), CHAT_CHOICE_UNSET},
};

static bool read_mode(struct generate_reading *rd, struct chat_object *o)
{
    struct chat_at at = object_at(o, C_MODE);
    struct json_text mode = {NULL, 0};

    if (!object_text(o, C_MODE, &mode))
        return false;
    if (mode.len == 0)
        return true;
    for (size_t i = 0; i < COUNTOF(modes); i++) {
        if (str_eq_nocase(str_make(mode.ptr, mode.len), modes[i].word)) {
            rd->request->choice = modes[i].choice;
            return true;
        }
    }
    return fields_refuse(&rd->fields, &at, "must be 'AUTO', 'ANY', 'VALIDATED' or 'NONE'");
}

static bool read_allowed(struct generate_reading *rd, struct chat_object *o)
{
    struct chat_at at = object_at(o, C_ALLOWED);
    struct chat_request *r = rd->request;
    struct str names = o->values[C_ALLOWED];
    uint32_t kept = 0;

    if (!object_type(o, C_ALLOWED, JSON_ARRAY))
        return false;
    if (json_items(names) == 0 || r->choice == CHAT_CHOICE_NONE)
        return true;
    if (json_items(names) > ALLOWED_MAX)
        return fields_refuse(&rd->fields, &at, "has more than 512 names");
    if (!restrict_to(rd, &at, names, &kept))
        return false;
    if (r->choice == CHAT_CHOICE_ANY && kept == 1) {
        r->choice = CHAT_CHOICE_NAMED;
        r->choice_name = only_function(r);
    }
    return true;
}

static bool read_config(struct generate_reading *rd, struct str config)
{
    static const struct str outer_names[] = {STR_INIT("functionCallingConfig")};
    static const struct str names[C_COUNT] = {STR_INIT("mode"), STR_INIT("allowedFunctionNames")};
    static const struct chat_at at = {.name = "toolConfig"};
    struct chat_object outer = object_of(&rd->fields, &at, outer_names, COUNTOF(outer_names));
    struct chat_object o = object_inside(&outer, 0, names, C_COUNT);
    struct generate_unknown unknown = {rd, STR("toolConfig.")};
    struct generate_unknown inner = {rd, STR("toolConfig.functionCallingConfig.")};

    if (config.len == 0)
        return true;
    if (!object_pick(&outer, config, generate_unknown, &unknown))
        return false;
    return outer.values[0].len == 0 ||
           (object_pick(&o, outer.values[0], generate_unknown, &inner) && read_mode(rd, &o) &&
            read_allowed(rd, &o));
}

bool generate_tools(struct generate_reading *rd, struct str tools, struct str config)
{
    static const struct chat_at at = {.name = "tools"};
    uint32_t n = 0;

    if (!generate_each(rd, &at, tools, count_tool, &n))
        return false;
    if (n > 0) {
        rd->request->tools = arena_array(rd->fields.arena, n, sizeof(*rd->request->tools));
        if (rd->request->tools == NULL)
            return fields_no_room(&rd->fields);
        if (!generate_each(rd, &at, tools, read_tool, NULL))
            return false;
    }
    return read_config(rd, config);
}
