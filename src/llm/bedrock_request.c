/*
 * Requests to Bedrock: /model/{id}/converse, and /converse-stream for streams.
 *
 * What Converse has no word for is dropped and named; more than one choice, and a tool that another
 * provider runs, are refused: without it the model would do another thing.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/percent.h"
#include "llm/bedrock_part.h"
#include "llm/chat_calls.h"
#include "llm/chat_text.h"
#include "llm/json_pick.h"

#define CALLED_MAX 128u /* Bedrock's limit for tools is lower */
#define ANY_OBJECT STR("{\"type\":\"object\",\"properties\":{}}")

struct str bedrock_path(struct arena *a, const struct chat_request *r)
{
    struct str model = percent_encode(a, r->model, STR(""));

    if (model.ptr == NULL)
        return model;
    return arena_join(a,
                      (struct str[]){STR("/model/"), model,
                                     r->stream ? STR("/converse-stream") : STR("/converse")},
                      3);
}

/* ---- tools ---- */

/* It has to be an object with its type named; OpenAI takes {} and nothing. */
static void put_schema(struct json_pen *pen, struct str schema)
{
    const char *inside;

    pen_key(pen, STR("inputSchema"));
    pen_open(pen, '{');
    pen_key(pen, STR("json"));
    if (json_type_of(schema) != JSON_OBJECT || json_is_empty(schema)) {
        pen_raw(pen, ANY_OBJECT);
    } else if (json_pick_one(schema, STR("type"), JSON_NONE).len > 0) {
        pen_raw(pen, schema);
    } else {
        inside = (const char *)memchr(schema.ptr, '{', schema.len) + 1;
        pen_raw(pen, STR("{\"type\":\"object\","));
        pen_bytes(pen, str_make(inside, schema.len - (size_t)(inside - schema.ptr)));
    }
    pen_close(pen, '}');
}

static void put_tool(struct json_pen *pen, const struct chat_tool *t)
{
    pen_open(pen, '{');
    pen_key(pen, STR("toolSpec"));
    pen_open(pen, '{');
    pen_key_text(pen, STR("name"), t->name);
    if (t->description.len > 0) /* an empty one is refused */
        pen_key_text(pen, STR("description"), t->description);
    put_schema(pen, t->schema);
    if (t->has_strict && t->strict) {
        pen_key(pen, STR("strict"));
        pen_bool(pen, true);
    }
    pen_close(pen, '}');
    pen_close(pen, '}');
    bedrock_cache_point(pen, t->cache_control);
}

struct called { /* names of tools, each once */
    struct json_text name[CALLED_MAX];
    unsigned count;
};

static void note_called(struct called *c, struct json_text name)
{
    for (unsigned i = 0; i < c->count; i++) {
        if (json_text_is(c->name[i], str_make(name.ptr, name.len)))
            return;
    }
    if (c->count < CALLED_MAX)
        c->name[c->count++] = name;
}

/* A chat in which tools were called is refused when it names none: those that were. */
static void put_called(struct json_pen *pen, const struct chat_request *r)
{
    struct called c = {.count = 0};

    for (uint32_t i = 0; i < r->messages_count; i++) {
        const struct chat_message *m = &r->messages[i];

        for (uint32_t j = 0; j < m->parts_count; j++) {
            if (chat_is_call(&m->parts[j]))
                note_called(&c, m->parts[j].name);
        }
    }
    if (c.count == 0) /* results of nothing: the API says so better */
        note_called(&c, JSON_TEXT("none"));
    for (unsigned i = 0; i < c.count; i++)
        put_tool(pen, &(struct chat_tool){.name = c.name[i]});
}

static bool put_offered(struct bedrock_script *s)
{
    const struct chat_request *r = s->request;

    for (uint32_t i = 0; i < r->tools_count; i++) {
        const struct chat_tool *t = &r->tools[i];

        if (t->raw.len > 0 && t->vendor != CHAT_BEDROCK)
            return chat_refuse(s->problem, r->arena, "tools",
                               "tools[%u] is of a kind that Bedrock does not have", i);
        if (t->raw.len > 0)
            pen_raw(s->pen, t->raw);
        else
            put_tool(s->pen, t);
    }
    return true;
}

static void put_choice(struct bedrock_script *s)
{
    const struct chat_request *r = s->request;
    struct json_pen *pen = s->pen;

    if (r->choice == CHAT_CHOICE_UNSET || r->choice == CHAT_CHOICE_NONE)
        return;
    pen_key(pen, STR("toolChoice"));
    pen_open(pen, '{');
    pen_key(pen, r->choice == CHAT_CHOICE_AUTO  ? STR("auto")
                 : r->choice == CHAT_CHOICE_ANY ? STR("any")
                                                : STR("tool"));
    pen_open(pen, '{');
    if (r->choice == CHAT_CHOICE_NAMED)
        pen_key_text(pen, STR("name"), r->choice_name);
    pen_close(pen, '}');
    pen_close(pen, '}');
}

/* No tool is offered where none may be called, unless the chat before needs them. */
static bool put_tools(struct bedrock_script *s)
{
    struct chat_request *r = s->request;
    bool called = bedrock_has_calls(r), offered = r->tools_count > 0;

    if (r->parallel_calls == CHAT_NO && offered)
        chat_drop(r, STR("parallel_tool_calls"));
    if (!called && (!offered || r->choice == CHAT_CHOICE_NONE))
        return true;
    if (r->choice == CHAT_CHOICE_NONE)
        chat_drop(r, STR("tool_choice"));
    pen_key(s->pen, STR("toolConfig"));
    pen_open(s->pen, '{');
    pen_key(s->pen, STR("tools"));
    pen_open(s->pen, '[');
    if (!offered)
        put_called(s->pen, r);
    else if (!put_offered(s))
        return false;
    pen_close(s->pen, ']');
    if (offered)
        put_choice(s);
    pen_close(s->pen, '}');
    return true;
}

/* ---- the rest ---- */

static void put_tier(struct bedrock_script *s)
{
    struct json_text tier = s->request->service_tier;

    if (tier.len == 0 || json_text_is(tier, STR("auto")))
        return;
    if (json_text_is(tier, STR("standard_only")))
        tier = JSON_TEXT("default");
    if (!json_text_is(tier, STR("default")) && !json_text_is(tier, STR("flex")) &&
        !json_text_is(tier, STR("priority"))) {
        chat_drop(s->request, STR("service_tier"));
        return;
    }
    pen_key(s->pen, STR("serviceTier"));
    pen_open(s->pen, '{');
    pen_key_text(s->pen, STR("type"), tier);
    pen_close(s->pen, '}');
}

static void drop_unsayable(struct chat_request *r)
{
    if (r->seed.len > 0)
        chat_drop(r, STR("seed"));
    if (r->presence_penalty.len > 0 && !str_eq(r->presence_penalty, STR("0")))
        chat_drop(r, STR("presence_penalty"));
    if (r->frequency_penalty.len > 0 && !str_eq(r->frequency_penalty, STR("0")))
        chat_drop(r, STR("frequency_penalty"));
    if (r->logprobs.len > 0 && !str_eq(r->logprobs, STR("false")))
        chat_drop(r, STR("logprobs"));
    if (r->top_logprobs.len > 0)
        chat_drop(r, STR("top_logprobs"));
    if (r->user.len > 0)
        chat_drop(r, STR("user"));
    if (r->metadata.len > 0 && !json_is_empty(r->metadata))
        chat_drop(r, STR("metadata"));
}

static bool is_written(struct str name)
{
    static const struct str names[] = {
        STR_INIT("messages"),
        STR_INIT("system"),
        STR_INIT("toolConfig"),
        STR_INIT("inferenceConfig"),
        STR_INIT("additionalModelResponseFieldPaths"),
        STR_INIT("outputConfig"),
        STR_INIT("serviceTier"),
    };

    for (size_t i = 0; i < COUNTOF(names); i++) {
        if (str_eq(name, names[i]))
            return true;
    }
    return false;
}

/* guardrailConfig, requestMetadata, performanceConfig … */
static void put_extras(struct bedrock_script *s)
{
    struct chat_request *r = s->request;

    for (uint32_t i = 0; i < r->extra_count; i++) {
        const struct chat_extra *e = &r->extra[i];

        if (e->vendor != CHAT_BEDROCK || is_written(e->name))
            chat_drop(r, e->name);
        else if (!str_eq(e->name, STR("additionalModelRequestFields")))
            pen_key_raw_some(s->pen, e->name, e->value);
    }
}

static bool put_body(struct bedrock_script *s)
{
    struct chat_request *r = s->request;

    if (r->n.len > 0 && !str_eq(r->n, STR("1")))
        return chat_refuse(s->problem, r->arena, "n", "Bedrock gives one answer to a request");
    drop_unsayable(r);
    pen_open(s->pen, '{');
    if (!bedrock_messages(s) || !bedrock_config(s) || !put_tools(s))
        return false;
    put_tier(s);
    put_extras(s);
    pen_close(s->pen, '}');
    return true;
}

bool bedrock_encode(struct chat_request *r, struct str model, struct buf *out,
                    struct chat_problem *p)
{
    struct json_pen pen = json_pen(out);
    struct bedrock_script s = {.request = r, .pen = &pen, .problem = p, .model = model};
    bool ok = put_body(&s);

    if (pen.err == 0)
        return ok;
    *p = (struct chat_problem){.fault = FAULT_TOO_LARGE,
                               .why = STR("the request is too large in Bedrock's form")};
    return false;
}
