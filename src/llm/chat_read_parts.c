/*
 * What a message of a Chat Completions request is made of.
 *
 * A kind of part that we do not know is its vendor's business: it is kept as it is.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/chat_read.h"
#include "llm/chat_text.h"

static const struct json_text nothing = {NULL, 0};

static bool walk(struct chat_reading *rd, const struct chat_at *at, struct str array,
                 json_member_fn *take, struct chat_part *parts, uint32_t *count)
{
    struct chat_walk w = {.reading = rd, .at = at, .parts = parts, .count = count};

    return array.len == 0 || json_members(array, take, &w);
}

/* ---- media ---- */

/* A part's url: what it holds when it is a data URL, else the url. */
static void take_url(struct arena *a, struct json_text url, struct chat_part *part)
{
    if (!chat_data_url(a, url, &part->media_type, &part->data)) {
        part->media_type = part->data = nothing;
        part->text = url;
    }
}

static bool read_image(struct chat_reading *rd, const struct chat_at *at, struct str value,
                       struct chat_part *part)
{
    enum { I_URL, I_DETAIL, I_COUNT };
    static const struct str names[I_COUNT] = {STR_INIT("url"), STR_INIT("detail")};
    struct chat_object o = object_of(&rd->fields, at, names, I_COUNT);
    struct chat_unknown unknown = {rd, STR("messages[].content[].image_url.")};
    struct json_text url = json_text_of(value);

    part->kind = CHAT_IMAGE;
    if (url.ptr == NULL) { /* else Mistral's short form */
        if (!object_pick(&o, value, chat_read_unknown, &unknown) || !object_needs(&o, I_URL) ||
            !object_text(&o, I_URL, &url) || !object_type(&o, I_DETAIL, JSON_STRING))
            return false;
        part->detail = o.values[I_DETAIL];
    }
    take_url(rd->fields.arena, url, part);
    return true;
}

static bool read_audio(struct chat_reading *rd, const struct chat_at *at, struct str value,
                       struct chat_part *part)
{
    enum { A_DATA, A_FORMAT, A_COUNT };
    static const struct str names[A_COUNT] = {STR_INIT("data"), STR_INIT("format")};
    struct chat_object o = object_of(&rd->fields, at, names, A_COUNT);
    struct chat_unknown unknown = {rd, STR("messages[].content[].input_audio.")};
    struct json_text format = nothing;

    part->kind = CHAT_AUDIO;
    if (!object_pick(&o, value, chat_read_unknown, &unknown) || !object_needs(&o, A_DATA) ||
        !object_needs(&o, A_FORMAT) || !object_text(&o, A_DATA, &part->data) ||
        !object_text(&o, A_FORMAT, &format))
        return false;
    part->media_type = json_text_join(
        rd->fields.arena, (struct json_text[]){JSON_TEXT("audio/"), format}, 2, nothing);
    return part->media_type.ptr != NULL || fields_no_room(&rd->fields);
}

static bool has_scheme(struct json_text t)
{
    return str_find(str_make(t.ptr, t.len < 16 ? t.len : 16), STR("://")) != NULL ||
           str_find(str_make(t.ptr, t.len < 16 ? t.len : 16), STR(":\\/\\/")) != NULL;
}

static bool read_file(struct chat_reading *rd, const struct chat_at *at, struct str value,
                      struct chat_part *part)
{
    enum { F_ID, F_DATA, F_NAME, F_COUNT };
    static const struct str names[F_COUNT] = {STR_INIT("file_id"), STR_INIT("file_data"),
                                              STR_INIT("filename")};
    struct chat_object o = object_of(&rd->fields, at, names, F_COUNT);
    struct chat_unknown unknown = {rd, STR("messages[].content[].file.")};
    struct json_text data = nothing;

    part->kind = CHAT_FILE;
    if (!object_pick(&o, value, chat_read_unknown, &unknown) ||
        !object_text(&o, F_ID, &part->file_id) || !object_text(&o, F_DATA, &data) ||
        !object_text(&o, F_NAME, &part->file_name))
        return false;
    if (data.ptr == NULL)
        return part->file_id.ptr != NULL ||
               fields_refuse(&rd->fields, at, "needs 'file_id' or 'file_data'");
    take_url(rd->fields.arena, data, part);
    if (part->text.ptr != NULL && !has_scheme(part->text)) { /* base64 alone */
        part->data = part->text;
        part->text = nothing;
    }
    return true;
}

/* ---- thinking ---- */

static bool take_piece(void *ctx, const struct json_member *m)
{
    struct chat_walk *w = ctx;
    static const struct str names[] = {STR_INIT("text")};
    struct chat_at at = {.up = w->at, .index = w->index++};
    struct chat_object o = object_of(&w->reading->fields, &at, names, COUNTOF(names));
    struct chat_part part = {.kind = CHAT_THINKING};

    if (!object_pick(&o, m->value, NULL, NULL) || !object_text(&o, 0, &part.text))
        return false;
    if (part.text.ptr != NULL)
        w->parts[(*w->count)++] = part;
    return true;
}

/* A string, or Mistral's array of text parts. */
static bool read_thought(struct chat_reading *rd, const struct chat_at *at, struct str value,
                         struct chat_part *parts, uint32_t *count, struct json_text signature)
{
    enum json_type type = json_type_of(value);

    if (type == JSON_ARRAY)
        return walk(rd, at, value, take_piece, parts, count);
    if (value.len > 0 && type != JSON_STRING)
        return fields_refuse(&rd->fields, at, "must be a string");
    parts[(*count)++] = (struct chat_part){
        .kind = CHAT_THINKING,
        .text = value.len > 0 ? json_text_of(value) : JSON_TEXT(""),
        .signature = signature,
    };
    return true;
}

static bool take_block(void *ctx, const struct json_member *m)
{
    enum { B_TYPE, B_THINKING, B_SIGNATURE, B_DATA, B_COUNT };
    static const struct str names[B_COUNT] = {STR_INIT("type"), STR_INIT("thinking"),
                                              STR_INIT("signature"), STR_INIT("data")};
    struct chat_walk *w = ctx;
    struct chat_at at = {.up = w->at, .index = w->index++}, thinking;
    struct chat_object o = object_of(&w->reading->fields, &at, names, B_COUNT);
    struct chat_part redacted = {.kind = CHAT_REDACTED};
    struct json_text type = nothing, signature = nothing;

    if (!object_pick(&o, m->value, NULL, NULL) || !object_needs(&o, B_TYPE) ||
        !object_text(&o, B_TYPE, &type) || !object_text(&o, B_SIGNATURE, &signature) ||
        !object_text(&o, B_DATA, &redacted.data))
        return false;
    thinking = object_at(&o, B_THINKING);
    if (json_text_is(type, STR("thinking")))
        return object_type(&o, B_THINKING, JSON_STRING) &&
               read_thought(w->reading, &thinking, o.values[B_THINKING], w->parts, w->count,
                            signature);
    if (!json_text_is(type, STR("redacted_thinking")))
        return fields_refuse(&w->reading->fields, &at, "is no thinking block");
    w->parts[(*w->count)++] = redacted;
    return object_needs(&o, B_DATA);
}

bool chat_read_thinking(struct chat_reading *rd, const struct chat_at *at, struct str blocks,
                        struct chat_part *parts, uint32_t *count)
{
    return walk(rd, at, blocks, take_block, parts, count);
}

/* ---- content ---- */

/* clang-format off */
enum {
    P_TYPE, P_TEXT, P_IMAGE_URL, P_INPUT_AUDIO, P_FILE, P_REFUSAL, P_THINKING, P_SIGNATURE,
    P_CACHE_CONTROL, P_COUNT
};
static const struct str part_names[P_COUNT] = {
    STR_INIT("type"), STR_INIT("text"), STR_INIT("image_url"), STR_INIT("input_audio"),
    STR_INIT("file"), STR_INIT("refusal"), STR_INIT("thinking"), STR_INIT("signature"),
    STR_INIT("cache_control"),
};
/* clang-format on */

typedef bool read_fn(struct chat_reading *rd, const struct chat_at *at, struct str value,
                     struct chat_part *part);

static bool read_text(struct chat_reading *rd, const struct chat_at *at, struct str value,
                      struct chat_part *part)
{
    part->text = json_text_of(value);
    return part->text.ptr != NULL || fields_refuse(&rd->fields, at, "must be a string");
}

static bool read_refusal(struct chat_reading *rd, const struct chat_at *at, struct str value,
                         struct chat_part *part)
{
    part->kind = CHAT_REFUSAL;
    return read_text(rd, at, value, part);
}

/* The type is the name of the member that holds the rest. */
static read_fn *const readers[P_COUNT] = {
    [P_TEXT] = read_text, [P_IMAGE_URL] = read_image, [P_INPUT_AUDIO] = read_audio,
    [P_FILE] = read_file, [P_REFUSAL] = read_refusal,
};

/* `known`: how many names were dropped before it. */
static bool read_part(struct chat_walk *w, struct chat_object *o, struct str raw, uint32_t known)
{
    struct chat_part *part = &w->parts[*w->count];
    struct json_text type = nothing, signature = nothing;
    struct chat_at at;

    if (!object_needs(o, P_TYPE) || !object_text(o, P_TYPE, &type))
        return false;
    if (json_text_is(type, part_names[P_THINKING])) {
        at = object_at(o, P_THINKING);
        return object_text(o, P_SIGNATURE, &signature) &&
               read_thought(w->reading, &at, o->values[P_THINKING], w->parts, w->count, signature);
    }
    ++*w->count;
    part->cache_control = o->values[P_CACHE_CONTROL];
    for (unsigned i = 0; i < P_COUNT; i++) {
        if (readers[i] == NULL || !json_text_is(type, part_names[i]))
            continue;
        at = object_at(o, i);
        return object_needs(o, i) && readers[i](w->reading, &at, o->values[i], part);
    }
    *part = (struct chat_part){.kind = CHAT_RAW, .vendor = CHAT_OPENAI, .raw = raw};
    w->reading->request->dropped_count = known; /* it goes on with all that it has */
    return true;
}

static bool take_part(void *ctx, const struct json_member *m)
{
    struct chat_walk *w = ctx;
    struct chat_at at = {.up = w->at, .index = w->index++};
    struct chat_object o = object_of(&w->reading->fields, &at, part_names, P_COUNT);
    struct chat_unknown unknown = {w->reading, STR("messages[].content[].")};
    uint32_t known = w->reading->request->dropped_count;

    return object_pick(&o, m->value, chat_read_unknown, &unknown) &&
           read_part(w, &o, m->value, known);
}

bool chat_read_content(struct chat_reading *rd, const struct chat_at *at, struct str content,
                       struct chat_part *parts, uint32_t *count)
{
    enum json_type type = json_type_of(content);

    if (type == JSON_ARRAY)
        return walk(rd, at, content, take_part, parts, count);
    if (type != JSON_STRING)
        return fields_refuse(&rd->fields, at, "must be a string or an array of parts");
    parts[(*count)++] = (struct chat_part){.kind = CHAT_TEXT, .text = json_text_of(content)};
    return true;
}

/* A part is one, but Mistral's thinking, which is an array again. */
static bool add_most(void *ctx, const struct json_member *m)
{
    uint32_t *most = ctx;

    ++*most;
    if (m->type == JSON_OBJECT)
        json_members(m->value, add_most, most);
    else if (m->type == JSON_ARRAY && json_key_is(m, part_names[P_THINKING]))
        *most += json_items(m->value);
    return true;
}

uint32_t chat_read_content_max(struct str content)
{
    uint32_t most = 1;

    if (json_type_of(content) != JSON_ARRAY)
        return most;
    if (str_find(content, STR("\"thinking\"")) == NULL)
        return json_items(content);
    json_members(content, add_most, &most);
    return most;
}
