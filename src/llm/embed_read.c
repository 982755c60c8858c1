/*
 * OpenAI's request for embeddings, read into our own form.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/chat_fields.h"
#include "llm/chat_text.h"
#include "llm/embed_part.h"

/* clang-format off */
enum field { F_MODEL, F_INPUT, F_DIMENSIONS, F_FORMAT, F_INPUT_TYPE, F_STREAM, FIELDS };

static const struct str field_names[FIELDS] = {
    [F_MODEL] = STR_INIT("model"),
    [F_INPUT] = STR_INIT("input"),
    [F_DIMENSIONS] = STR_INIT("dimensions"),
    [F_FORMAT] = STR_INIT("encoding_format"),
    [F_INPUT_TYPE] = STR_INIT("input_type"),
    [F_STREAM] = STR_INIT("stream"),
};
/* clang-format on */

struct reading {
    struct chat_fields fields;
    struct embed_request *request;
};

static bool refuse(struct chat_object *o, enum field field, const char *what)
{
    struct chat_at at = object_at(o, field);

    return fields_refuse(o->fields, &at, what);
}

/* `user` among them: who asks is OpenAI's to know. */
static bool take_other(void *ctx, const struct json_member *m)
{
    struct reading *rd = ctx;

    if (m->type != JSON_NULL && (m->type == JSON_STRING || !json_is_empty(m->value)))
        embed_drop(rd->request, m->key);
    return true;
}

/* ---- the texts ---- */

struct texts {
    struct reading *reading;
    struct chat_at at; /* of the input */
};

static bool take_text(void *ctx, const struct json_member *m)
{
    struct texts *t = ctx;
    struct embed_request *r = t->reading->request;
    struct chat_at at = {.up = &t->at, .index = r->texts_count};

    if (m->type == JSON_NUMBER || m->type == JSON_ARRAY)
        return fields_refuse(&t->reading->fields, &t->at,
                             "has tokens, which only a provider of OpenAI's dialect can embed: "
                             "send texts");
    if (m->type != JSON_STRING)
        return fields_refuse(&t->reading->fields, &at, "must be a string");
    r->texts[r->texts_count++] = json_text_of(m->value);
    return true;
}

static bool read_texts(struct reading *rd, struct chat_object *top)
{
    struct embed_request *r = rd->request;
    struct str input = top->values[F_INPUT];
    bool list = json_type_of(input) == JSON_ARRAY;
    struct texts t = {.reading = rd, .at = object_at(top, F_INPUT)};
    uint32_t n = list ? json_items(input) : 1;

    if (!list && json_type_of(input) != JSON_STRING)
        return refuse(top, F_INPUT, "must be a string or an array of strings");
    if (n == 0)
        return refuse(top, F_INPUT, "must not be empty");
    r->texts = arena_array(r->arena, n, sizeof(*r->texts));
    if (r->texts == NULL)
        return fields_no_room(&rd->fields);
    if (list)
        return json_members(input, take_text, &t);
    r->texts[r->texts_count++] = json_text_of(input);
    return true;
}

/* ---- the rest ---- */

static bool read_format(struct chat_object *top, struct embed_request *r)
{
    struct json_text format = JSON_TEXT("float");

    if (!object_text(top, F_FORMAT, &format))
        return false;
    r->base64 = json_text_is(format, STR("base64"));
    return r->base64 || json_text_is(format, STR("float")) ||
           refuse(top, F_FORMAT, "must be \"float\" or \"base64\"");
}

static bool read_dimensions(struct chat_object *top, struct embed_request *r)
{
    uint64_t n;

    if (!object_number(top, F_DIMENSIONS, &r->dimensions))
        return false;
    return r->dimensions.len == 0 || (str_to_u64(r->dimensions, &n) && n > 0) ||
           refuse(top, F_DIMENSIONS, "must be a positive integer");
}

static bool read_stream(struct chat_object *top)
{
    enum chat_tri stream = CHAT_UNSET;

    return object_bool(top, F_STREAM, &stream) &&
           (stream != CHAT_YES || refuse(top, F_STREAM, "must be false: vectors come whole"));
}

static bool read_top(struct reading *rd, struct str body)
{
    struct chat_object top = {.fields = &rd->fields, .names = field_names, .count = FIELDS};
    struct embed_request *r = rd->request;

    if (json_type_of(body) != JSON_OBJECT)
        return chat_refuse(rd->fields.problem, r->arena, "", "the body must be a JSON object");
    return object_pick(&top, body, take_other, rd) && object_needs(&top, F_INPUT) &&
           read_texts(rd, &top) && read_format(&top, r) && read_dimensions(&top, r) &&
           object_text(&top, F_INPUT_TYPE, &r->input_type) && read_stream(&top);
}

bool embed_read(struct arena *a, struct str body, unsigned depth_max, struct embed_request *ret,
                struct chat_problem *p)
{
    struct reading rd = {.fields = {.arena = a, .problem = p}, .request = ret};

    *ret = (struct embed_request){.arena = a};
    return chat_scan(a, body, depth_max, p) && read_top(&rd, body);
}
