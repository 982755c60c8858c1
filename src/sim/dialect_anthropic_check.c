/*
 * dialect_anthropic_check.c - what Anthropic refuses of a request without looking at its turns.
 *
 * API version 2026-10-21 takes less than 2023-06-01: no sampling parameters, no documents from the
 * assistant, no citations from the user.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sim/dialect_anthropic.h"
#include "sim/json.h"

#define BUDGET_MIN 1024
#define refuse(r, ...) sim_refuse((r)->problem, arena_printf((r)->arena, __VA_ARGS__))

struct request {
    const struct sim_ask *ask;
    struct arena *arena;
    yyjson_val *root;
    struct sim_problem *problem;
    bool newest; /* version 2026-10-21 */
};

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

static bool refuse_variant(struct request *r, const struct shape_flaw *f)
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

static bool refuse_flaw(struct request *r, const struct shape_flaw *f)
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
        return refuse(r, "%.*s: Input should be %.*s", STR_ARG(f->place),
                      STR_ARG(shape_list(f->member->values, NULL, r->arena)));
    case SHAPE_VARIANT:
        return refuse_variant(r, f);
    }
    return true;
}

static bool check_shape(struct request *r)
{
    const struct shape *s =
        r->ask->surface == COUNT_TOKENS ? &sim_anthropic_count : &sim_anthropic_messages;
    struct shape_flaw flaw = {.wrong = SHAPE_FITS};

    return shape_fits(s, r->root, SHAPE_DOTS, r->arena, &flaw) || refuse_flaw(r, &flaw);
}

/* ---- What stands in the head */

static bool refuse_credential(struct request *r)
{
    (void)refuse(r, "x-api-key header is required");
    r->problem->status = 401;
    return false;
}

static bool check_head(struct request *r)
{
    const struct http_fields *f = r->ask->fields;
    struct str version = http_fields_find(f, STR("anthropic-version"));

    if (http_fields_find(f, STR("x-api-key")).len == 0 &&
        !str_starts(http_fields_find(f, STR("authorization")), STR("Bearer ")))
        return refuse_credential(r);
    if (version.len == 0)
        return refuse(r, "anthropic-version: header is required");
    r->newest = str_eq(version, STR("2026-10-21"));
    if (!r->newest && !str_eq(version, STR("2023-06-01")) && !str_eq(version, STR("2023-01-01")))
        return refuse(r, "anthropic-version: \"%.*s\" is not a valid version", STR_ARG(version));
    return true;
}

/* ---- Numbers */

static bool is_outside(yyjson_val *v, double min, double max)
{
    return yyjson_is_num(v) && (yyjson_get_num(v) < min || yyjson_get_num(v) > max);
}

static bool check_numbers(struct request *r)
{
    yyjson_val *max = yyjson_obj_get(r->root, "max_tokens");

    if (max != NULL && is_outside(max, 1, 1e18))
        return refuse(r, "max_tokens: must be greater than or equal to 1");
    if (is_outside(yyjson_obj_get(r->root, "temperature"), 0, 1))
        return refuse(r, "temperature: range: 0..1");
    if (is_outside(yyjson_obj_get(r->root, "top_p"), 0, 1))
        return refuse(r, "top_p: range: 0..1");
    return true;
}

bool sim_anthropic_thinks(yyjson_val *root)
{
    return str_eq(sim_json_text(yyjson_obj_get(root, "thinking"), "type"), STR("enabled"));
}

static bool check_thinking(struct request *r)
{
    yyjson_val *heat = yyjson_obj_get(r->root, "temperature");
    yyjson_val *max = yyjson_obj_get(r->root, "max_tokens");
    struct str choice = sim_json_text(yyjson_obj_get(r->root, "tool_choice"), "type");
    int64_t budget;

    if (!sim_anthropic_thinks(r->root))
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

/* ---- What the newest version does not take any more */

static bool check_block(struct request *r, yyjson_val *block, bool assistant, size_t at, size_t nth)
{
    struct str type = sim_json_text(block, "type");

    if (assistant && str_eq(type, STR("document")))
        return refuse(r,
                      "messages.%zu.content.%zu: `document` blocks can only be in `user` messages",
                      at, nth);
    if (!assistant && yyjson_arr_size(yyjson_obj_get(block, "citations")) > 0)
        return refuse(r,
                      "messages.%zu.content.%zu.text.citations: not permitted in `user` messages",
                      at, nth);
    return true;
}

static bool check_newest(struct request *r)
{
    static const char *const gone[] = {"temperature", "top_p", "top_k"};
    yyjson_val *messages = yyjson_obj_get(r->root, "messages"), *m, *block;
    size_t at, max, nth, blocks;

    if (!r->newest)
        return true;
    for (size_t i = 0; i < COUNTOF(gone); i++) {
        if (yyjson_obj_get(r->root, gone[i]) != NULL)
            return refuse(r, "%s: Extra inputs are not permitted", gone[i]);
    }
    yyjson_arr_foreach(messages, at, max, m)
    {
        bool assistant = str_eq(sim_json_text(m, "role"), STR("assistant"));

        yyjson_arr_foreach(yyjson_obj_get(m, "content"), nth, blocks, block)
        {
            if (!check_block(r, block, assistant, at, nth))
                return false;
        }
    }
    return true;
}

bool sim_anthropic_check(const struct sim_ask *ask, struct arena *a, yyjson_val *root,
                         struct sim_problem *p)
{
    struct request r = {.ask = ask, .arena = a, .root = root, .problem = p};

    return check_head(&r) && check_shape(&r) && check_newest(&r) && check_numbers(&r) &&
           check_thinking(&r);
}
