/*
 * A generateContent request, read into our own form.
 *
 * Only for targets of another dialect: one of Gemini's gets the body as it came.  What points to
 * something that Google keeps is refused rather than answered without it.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/generate_part.h"

/* clang-format off */
enum field {
    F_CONTENTS, F_SYSTEM, F_TOOLS, F_TOOL_CONFIG, F_CONFIG, F_CACHED_CONTENT,
    F_MODEL, /* generate_scan() has looked at it */
    FIELDS
};

static const struct str names[FIELDS] = {
    [F_CONTENTS] = STR_INIT("contents"),
    [F_SYSTEM] = STR_INIT("systemInstruction"),
    [F_TOOLS] = STR_INIT("tools"),
    [F_TOOL_CONFIG] = STR_INIT("toolConfig"),
    [F_CONFIG] = STR_INIT("generationConfig"),
    [F_CACHED_CONTENT] = STR_INIT("cachedContent"),
    [F_MODEL] = STR_INIT("model"),
};
/* clang-format on */

bool generate_unknown(void *ctx, const struct json_member *m)
{
    struct generate_unknown *u = ctx;
    struct str name;

    if (m->type == JSON_NULL || (m->type != JSON_STRING && json_is_empty(m->value)))
        return true;
    name = arena_join(u->reading->fields.arena, (struct str[]){u->prefix, m->key}, 2);
    if (name.ptr == NULL)
        return fields_no_room(&u->reading->fields);
    chat_drop(u->reading->request, name);
    return true;
}

struct elements {
    struct generate_reading *rd;
    struct chat_at at;
    generate_each_fn *each;
    void *ctx;
};

static bool take_element(void *ctx, const struct json_member *m)
{
    struct elements *e = ctx;

    if (!e->each(e->rd, &e->at, m->value, e->ctx))
        return false;
    e->at.index++;
    return true;
}

bool generate_each(struct generate_reading *rd, const struct chat_at *at, struct str value,
                   generate_each_fn *each, void *ctx)
{
    struct elements e = {.rd = rd, .at = {.up = at}, .each = each, .ctx = ctx};

    if (value.len == 0)
        return true;
    if (json_type_of(value) != JSON_ARRAY)
        return each(rd, at, value, ctx);
    return json_members(value, take_element, &e);
}

uint32_t generate_items(struct str value)
{
    if (value.len == 0)
        return 0;
    return json_type_of(value) == JSON_ARRAY ? json_items(value) : 1;
}

static bool read_top(struct generate_reading *rd, struct str body)
{
    struct chat_object top = {.fields = &rd->fields, .names = names, .count = FIELDS};
    struct generate_unknown unknown = {rd, STR("")};
    struct chat_at cached = object_at(&top, F_CACHED_CONTENT);

    if (json_type_of(body) != JSON_OBJECT)
        return chat_refuse(rd->fields.problem, rd->fields.arena, "",
                           "the body must be a JSON object");
    if (!object_pick(&top, body, generate_unknown, &unknown) || !object_needs(&top, F_CONTENTS))
        return false;
    if (top.values[F_CACHED_CONTENT].len > 0)
        return fields_refuse(&rd->fields, &cached,
                             "cannot be used here: Google keeps it, and this model is another's");
    return generate_contents(rd, top.values[F_SYSTEM], top.values[F_CONTENTS]) &&
           object_type(&top, F_TOOL_CONFIG, JSON_OBJECT) &&
           object_type(&top, F_CONFIG, JSON_OBJECT) &&
           generate_tools(rd, top.values[F_TOOLS], top.values[F_TOOL_CONFIG]) &&
           generate_config(rd, top.values[F_CONFIG]);
}

bool generate_read(struct arena *a, struct str body, unsigned depth_max, struct chat_request *ret,
                   struct chat_problem *p)
{
    struct generate_reading rd = {.fields = {.arena = a, .problem = p, .snake = true},
                                  .request = ret};

    *ret = (struct chat_request){.arena = a, .wants_usage = true}; /* every answer has it */
    return chat_scan(a, body, depth_max, p) && read_top(&rd, body);
}
