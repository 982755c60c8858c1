/*
 * Requests to Gemini: models/{model}:generateContent, and :streamGenerateContent for streams
 * (ai.google.dev/api/generate-content).
 *
 * What the client said in words that Gemini has no word for is dropped and named; a tool of another
 * provider's, which only that one can run, is refused: without it the model would do another thing.
 * The names that OpenAI gives to a response's schema, and `strict` on it, say nothing that Gemini
 * does not do anyway.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/chat_text.h"
#include "llm/gemini_part.h"
#include "llm/generate.h"

/* ---- where to ---- */

bool gemini_is_resource(struct str model)
{
    return str_starts(model, STR("models/")) || str_starts(model, STR("tunedModels/"));
}

struct str gemini_path(struct arena *a, const struct chat_request *r)
{
    return generate_path(
        a, r->model, r->stream ? STR(":streamGenerateContent") : STR(":generateContent"), STR(""));
}

/* ---- tools ---- */

static bool put_function(struct json_pen *pen, struct chat_request *r, const struct chat_tool *t,
                         struct chat_problem *p)
{
    if (t->cache_control.len > 0)
        chat_drop(r, STR("cache_control"));
    if (t->has_strict && t->strict)
        chat_drop(r, STR("tools.strict"));
    pen_open(pen, '{');
    pen_key_text(pen, STR("name"), t->name);
    pen_key_text_some(pen, STR("description"), t->description);
    if (!gemini_schema_is_empty(t->schema)) {
        pen_key(pen, STR("parameters"));
        if (!gemini_schema_put(pen, r, t->schema, p))
            return false;
    }
    pen_close(pen, '}');
    return true;
}

static bool put_functions(struct json_pen *pen, struct chat_request *r, struct chat_problem *p)
{
    bool any = false;

    for (uint32_t i = 0; i < r->tools_count; i++) {
        if (r->tools[i].raw.len > 0)
            continue;
        if (!any) {
            pen_open(pen, '{');
            pen_key(pen, STR("functionDeclarations"));
            pen_open(pen, '[');
        }
        any = true;
        if (!put_function(pen, r, &r->tools[i], p))
            return false;
    }
    if (any) {
        pen_close(pen, ']');
        pen_close(pen, '}');
    }
    return true;
}

static bool put_tools(struct json_pen *pen, struct chat_request *r, struct chat_problem *p)
{
    if (r->tools_count == 0)
        return true;
    pen_key(pen, STR("tools"));
    pen_open(pen, '[');
    if (!put_functions(pen, r, p))
        return false;
    for (uint32_t i = 0; i < r->tools_count; i++) {
        const struct chat_tool *t = &r->tools[i];

        if (t->raw.len > 0 && t->vendor != CHAT_GEMINI)
            return chat_refuse(p, r->arena, "tools",
                               "tools[%u] is of a kind that Gemini does not have", i);
        if (t->raw.len > 0)
            pen_raw(pen, t->raw);
    }
    pen_close(pen, ']');
    return true;
}

static void put_choice(struct json_pen *pen, const struct chat_request *r)
{
    static const struct str modes[] = {
        [CHAT_CHOICE_AUTO] = STR_INIT("AUTO"),
        [CHAT_CHOICE_NONE] = STR_INIT("NONE"),
        [CHAT_CHOICE_ANY] = STR_INIT("ANY"),
        [CHAT_CHOICE_NAMED] = STR_INIT("ANY"),
    };

    if (r->choice == CHAT_CHOICE_UNSET || r->tools_count == 0)
        return;
    pen_key(pen, STR("toolConfig"));
    pen_open(pen, '{');
    pen_key(pen, STR("functionCallingConfig"));
    pen_open(pen, '{');
    pen_key_plain(pen, STR("mode"), modes[r->choice]);
    if (r->choice == CHAT_CHOICE_NAMED) {
        pen_key(pen, STR("allowedFunctionNames"));
        pen_open(pen, '[');
        pen_text(pen, r->choice_name);
        pen_close(pen, ']');
    }
    pen_close(pen, '}');
    pen_close(pen, '}');
}

/* ---- members of one dialect ---- */

static bool is_written(struct str name)
{
    static const struct str names[] = {
        STR_INIT("contents"),
        STR_INIT("systemInstruction"),
        STR_INIT("tools"),
        STR_INIT("toolConfig"),
    };

    for (size_t i = 0; i < COUNTOF(names); i++) {
        if (str_eq(name, names[i]))
            return true;
    }
    return false;
}

static void put_extras(struct json_pen *pen, struct chat_request *r)
{
    for (uint32_t i = 0; i < r->extra_count; i++) {
        const struct chat_extra *e = &r->extra[i];

        if (e->vendor != CHAT_GEMINI || is_written(e->name))
            chat_drop(r, e->name);
        else if (!str_eq(e->name, STR("generationConfig")))
            pen_key_raw_some(pen, e->name, e->value);
    }
}

static void drop_unsayable(struct chat_request *r)
{
    if (r->parallel_calls == CHAT_NO && !r->functions) /* functions never are */
        chat_drop(r, STR("parallel_tool_calls"));
    if (r->user.len > 0)
        chat_drop(r, STR("user"));
    if (r->metadata.len > 0 && !json_is_empty(r->metadata))
        chat_drop(r, STR("metadata"));
    if (r->service_tier.len > 0 && !json_text_is(r->service_tier, STR("auto")))
        chat_drop(r, STR("service_tier"));
}

static bool put_body(struct json_pen *pen, struct chat_request *r, struct str model,
                     struct chat_problem *p)
{
    drop_unsayable(r);
    pen_open(pen, '{');
    if (!gemini_contents_put(pen, r, model, p) || !put_tools(pen, r, p))
        return false;
    put_choice(pen, r);
    if (!gemini_config_put(pen, r, model, p))
        return false;
    put_extras(pen, r);
    pen_close(pen, '}');
    return true;
}

bool gemini_encode(struct chat_request *r, struct str model, struct buf *out,
                   struct chat_problem *p)
{
    struct json_pen pen = json_pen(out);
    bool ok = put_body(&pen, r, model, p);

    if (pen.err == 0)
        return ok;
    *p = (struct chat_problem){.fault = FAULT_TOO_LARGE,
                               .why = STR("the request is too large in Gemini's form")};
    return false;
}
