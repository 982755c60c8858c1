/*
 * What a message, or a function's output, is made of.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/responses_read.h"

static const struct json_text nothing = {NULL, 0};

/* clang-format off */
enum {
    P_TYPE, P_TEXT, P_REFUSAL, P_IMAGE_URL, P_DETAIL, P_FILE_ID, P_FILENAME, P_FILE_DATA, P_FILE_URL,
    P_ANNOTATIONS, P_LOGPROBS, P_COUNT
};
static const struct str part_names[P_COUNT] = {
    STR_INIT("type"), STR_INIT("text"), STR_INIT("refusal"), STR_INIT("image_url"), STR_INIT("detail"),
    STR_INIT("file_id"), STR_INIT("filename"), STR_INIT("file_data"), STR_INIT("file_url"),
    STR_INIT("annotations"), STR_INIT("logprobs"),
};
/* clang-format on */

static bool reserve(struct responses_reading *rd, struct responses_parts *to, uint32_t cap)
{
    struct chat_part *at = arena_array(rd->fields.arena, cap, sizeof(*at));

    if (at == NULL)
        return fields_no_room(&rd->fields);
    if (to->n > 0)
        memcpy(at, to->at, to->n * sizeof(*at));
    to->at = at;
    to->cap = cap;
    return true;
}

/* A part is large and most messages have one: no room is taken for a second one before it comes. */
struct chat_part *responses_push(struct responses_reading *rd, struct responses_parts *to,
                                 enum chat_part_kind kind)
{
    struct chat_part *part;

    if (to->n == to->cap && !reserve(rd, to, to->cap < 1 ? 1 : to->cap * 2))
        return NULL;
    part = &to->at[to->n++];
    part->kind = kind;
    return part;
}

static bool read_text(struct responses_reading *rd, struct chat_object *o, struct chat_part *part)
{
    (void)rd;
    return object_needs(o, P_TEXT) && object_text(o, P_TEXT, &part->text);
}

static bool read_refusal(struct responses_reading *rd, struct chat_object *o,
                         struct chat_part *part)
{
    (void)rd;
    return object_needs(o, P_REFUSAL) && object_text(o, P_REFUSAL, &part->text);
}

static bool read_image(struct responses_reading *rd, struct chat_object *o, struct chat_part *part)
{
    struct json_text url = nothing;

    if (!object_text(o, P_IMAGE_URL, &url) || !object_text(o, P_FILE_ID, &part->file_id) ||
        !object_type(o, P_DETAIL, JSON_STRING))
        return false;
    part->detail = o->values[P_DETAIL];
    if (url.ptr == NULL)
        return part->file_id.ptr != NULL ||
               fields_refuse(&rd->fields, &o->at, "needs 'image_url' or 'file_id'");
    if (!chat_data_url(rd->fields.arena, url, &part->media_type, &part->data)) {
        part->media_type = part->data = nothing;
        part->text = url;
    }
    return true;
}

/* file_data is a data URL, or base64 alone. */
static bool read_file(struct responses_reading *rd, struct chat_object *o, struct chat_part *part)
{
    struct json_text data = nothing;

    if (!object_text(o, P_FILE_ID, &part->file_id) ||
        !object_text(o, P_FILENAME, &part->file_name) || !object_text(o, P_FILE_DATA, &data) ||
        !object_text(o, P_FILE_URL, &part->text))
        return false;
    if (data.ptr == NULL)
        return part->file_id.ptr != NULL || part->text.ptr != NULL ||
               fields_refuse(&rd->fields, &o->at, "needs 'file_data', 'file_url' or 'file_id'");
    if (!chat_data_url(rd->fields.arena, data, &part->media_type, &part->data)) {
        part->media_type = nothing;
        part->data = data;
    }
    return true;
}

#define ANYWHERE                                                                                   \
    (RESPONSES_IN_SYSTEM | RESPONSES_IN_USER | RESPONSES_IN_ASSISTANT | RESPONSES_IN_OUTPUT)

static const struct kind {
    struct str type;
    enum chat_part_kind kind;
    unsigned places;
    bool (*read)(struct responses_reading *rd, struct chat_object *o, struct chat_part *part);
} kinds[] = {
    {STR_INIT("input_text"), CHAT_TEXT, ANYWHERE, read_text},
    {STR_INIT("output_text"), CHAT_TEXT, ANYWHERE, read_text},
    {STR_INIT("refusal"), CHAT_REFUSAL, RESPONSES_IN_ASSISTANT, read_refusal},
    {STR_INIT("input_image"), CHAT_IMAGE, RESPONSES_IN_USER | RESPONSES_IN_OUTPUT, read_image},
    {STR_INIT("input_file"), CHAT_FILE, RESPONSES_IN_USER | RESPONSES_IN_OUTPUT, read_file},
};

struct content_walk {
    struct responses_reading *reading;
    const struct chat_at *at;
    enum responses_place place;
    struct responses_parts *to;
    uint32_t index;
};

static bool take_part(void *ctx, const struct json_member *m)
{
    struct content_walk *w = ctx;
    struct responses_reading *rd = w->reading;
    struct chat_at at = {.up = w->at, .index = w->index++}, type_at;
    struct chat_object o = object_of(&rd->fields, &at, part_names, P_COUNT);
    struct responses_unknown unknown = {rd, STR("content.")};
    struct json_text type = nothing;
    struct chat_part *part;
    size_t i = 0;

    if (!object_pick(&o, m->value, responses_unknown, &unknown) || !object_needs(&o, P_TYPE) ||
        !object_text(&o, P_TYPE, &type))
        return false;
    while (i < COUNTOF(kinds) && !json_text_is(type, kinds[i].type))
        i++;
    type_at = object_at(&o, P_TYPE);
    if (i == COUNTOF(kinds) || (kinds[i].places & w->place) == 0)
        return fields_refuse(&rd->fields, &type_at, "is of content that cannot stand here");
    part = responses_push(rd, w->to, kinds[i].kind);
    return part != NULL && kinds[i].read(rd, &o, part);
}

bool responses_content(struct responses_reading *rd, const struct chat_at *at, struct str value,
                       enum responses_place place, struct responses_parts *to)
{
    struct content_walk w = {.reading = rd, .at = at, .place = place, .to = to};
    struct chat_part *part;

    if (json_type_of(value) == JSON_ARRAY) {
        if (to->cap == 0 && !json_is_empty(value) && !reserve(rd, to, json_items(value)))
            return false;
        return json_members(value, take_part, &w);
    }
    if (json_type_of(value) != JSON_STRING)
        return fields_refuse(&rd->fields, at, "must be a string or an array");
    part = responses_push(rd, to, CHAT_TEXT);
    if (part == NULL)
        return false;
    part->text = json_text_of(value);
    return true;
}
