/*
 * Content: what stands in a message, a tool's result or the system prompt, as parts.
 *
 * A block whose type we do not know, or that only Anthropic's own servers can make sense of, is
 * carried as it came (CHAT_RAW).  A document that is text, or that holds blocks of its own, becomes
 * those: every model can read them, and a file of plain text only some.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/chat_text.h"
#include "llm/messages_read.h"

struct block {
    struct json_text text, id, name, thinking, signature, data, title;
    struct str content, input, source, cache_control, citations;
    enum chat_tri is_error;
};

struct source {
    struct json_text media_type, data, url, file_id;
    struct str content;
};

#define BLOCK(name, kind, required, field) MESSAGES_FIELD(name, kind, required, struct block, field)
#define TYPE                                                                                       \
    {                                                                                              \
        STR_INIT("type"), MESSAGES_SKIP, false, 0                                                  \
    }
#define CACHE BLOCK("cache_control", OBJECT, false, cache_control)

static const struct messages_field text_fields[] = {
    TYPE,
    BLOCK("text", TEXT, true, text),
    CACHE,
    BLOCK("citations", ARRAY, false, citations),
};
static const struct messages_field image_fields[] = {
    TYPE,
    BLOCK("source", OBJECT, true, source),
    CACHE,
};
static const struct messages_field document_fields[] = {
    TYPE,  BLOCK("source", OBJECT, true, source),        BLOCK("title", TEXT, false, title),
    CACHE, BLOCK("citations", OBJECT, false, citations),
};
/* `caller` says who may answer a call: nobody but the client can, here.  `signature` is ours: the
 * writer puts Google's there, and Google wants it back. */
static const struct messages_field call_fields[] = {
    TYPE,
    BLOCK("id", TEXT, true, id),
    BLOCK("name", TEXT, true, name),
    BLOCK("input", OBJECT, true, input),
    CACHE,
    {STR_INIT("caller"), MESSAGES_SKIP, false, 0},
    BLOCK("signature", TEXT, false, signature),
};
static const struct messages_field result_fields[] = {
    TYPE,
    BLOCK("tool_use_id", TEXT, true, id),
    BLOCK("content", CONTENT, false, content),
    BLOCK("is_error", BOOL, false, is_error),
    CACHE,
};
static const struct messages_field thinking_fields[] = {
    TYPE,
    BLOCK("thinking", TEXT, true, thinking),
    BLOCK("signature", TEXT, false, signature),
};
static const struct messages_field redacted_fields[] = {
    TYPE,
    BLOCK("data", TEXT, true, data),
};
static const struct messages_field source_fields[] = {
    TYPE,
    MESSAGES_FIELD("media_type", TEXT, false, struct source, media_type),
    MESSAGES_FIELD("data", TEXT, false, struct source, data),
    MESSAGES_FIELD("url", TEXT, false, struct source, url),
    MESSAGES_FIELD("file_id", TEXT, false, struct source, file_id),
    MESSAGES_FIELD("content", CONTENT, false, struct source, content),
};

static struct chat_part *push(struct messages_reader *rd, struct messages_parts *parts,
                              enum chat_part_kind kind)
{
    struct chat_part *part;

    if (parts->n == parts->cap) {
        uint32_t cap = parts->cap < 4 ? 4 : parts->cap * 2;
        struct chat_part *at = arena_array(rd->arena, cap, sizeof(*at));

        if (at == NULL) {
            messages_no_room(rd);
            return NULL;
        }
        if (parts->n > 0)
            memcpy(at, parts->at, parts->n * sizeof(*at));
        parts->at = at;
        parts->cap = cap;
    }
    part = &parts->at[parts->n++];
    part->kind = kind;
    return part;
}

/* ---- sources of images and documents ---- */

static bool need(struct messages_reader *rd, const struct messages_at *at, const char *field,
                 struct json_text value)
{
    struct messages_at missing = {at, str_from(field), 0};

    return value.ptr != NULL || messages_refuse(rd, &missing, "is required");
}

static bool take_source(struct messages_reader *rd, const struct messages_at *at,
                        struct json_text type, const struct source *s, struct chat_part *ret)
{
    struct messages_at at_type = {at, STR("type"), 0};

    if (json_text_is(type, STR("base64"))) {
        ret->media_type = s->media_type;
        ret->data = s->data;
        return need(rd, at, "media_type", s->media_type) && need(rd, at, "data", s->data);
    }
    if (json_text_is(type, STR("url"))) {
        ret->text = s->url;
        return need(rd, at, "url", s->url);
    }
    if (json_text_is(type, STR("file"))) {
        ret->file_id = s->file_id;
        return need(rd, at, "file_id", s->file_id);
    }
    return messages_refuse(rd, &at_type, type.ptr != NULL ? "is none that we know" : "is required");
}

static bool read_source(struct messages_reader *rd, const struct messages_at *at, struct str value,
                        struct json_text *ret_type, struct source *ret)
{
    return messages_type(rd, at, value, ret_type) &&
           messages_fields(rd, at, value, source_fields, COUNTOF(source_fields), ret, NULL);
}

static bool read_image(struct messages_reader *rd, const struct messages_at *at,
                       const struct block *b, struct messages_parts *ret)
{
    struct messages_at at_source = {at, STR("source"), 0};
    struct chat_part *part = push(rd, ret, CHAT_IMAGE);
    struct source source = {.content = {NULL, 0}};
    struct json_text type;

    if (part == NULL)
        return false;
    part->cache_control = b->cache_control;
    return read_source(rd, &at_source, b->source, &type, &source) &&
           take_source(rd, &at_source, type, &source, part);
}

static bool push_text(struct messages_reader *rd, struct json_text text, struct messages_parts *ret)
{
    struct chat_part *part = push(rd, ret, CHAT_TEXT);

    if (part == NULL)
        return false;
    part->text = text;
    return true;
}

/* The words of a document, its title lost with what only names it. */
static bool read_words(struct messages_reader *rd, const struct messages_at *at,
                       struct json_text type, const struct source *s, const struct block *b,
                       struct messages_parts *ret)
{
    struct messages_at at_content = {at, STR("content"), 0};
    uint32_t before = ret->n;

    if (b->title.ptr != NULL)
        chat_drop(rd->req, STR("title"));
    if (json_text_is(type, STR("text"))) {
        if (!need(rd, at, "data", s->data) || !push_text(rd, s->data, ret))
            return false;
    } else if (s->content.len == 0) {
        return messages_refuse(rd, &at_content, "is required");
    } else if (!messages_content(rd, &at_content, s->content, MESSAGES_IN_DOCUMENT, ret)) {
        return false;
    }
    if (ret->n > before && b->cache_control.len > 0)
        ret->at[ret->n - 1].cache_control = b->cache_control;
    return true;
}

static bool read_document(struct messages_reader *rd, const struct messages_at *at,
                          const struct block *b, struct messages_parts *ret)
{
    struct messages_at at_source = {at, STR("source"), 0};
    struct source source = {.content = {NULL, 0}};
    struct chat_part *part;
    struct json_text type;

    if (!read_source(rd, &at_source, b->source, &type, &source))
        return false;
    if (json_text_is(type, STR("text")) || json_text_is(type, STR("content"))) {
        if (b->citations.len > 0)
            chat_drop(rd->req, STR("citations"));
        return read_words(rd, &at_source, type, &source, b, ret);
    }
    part = push(rd, ret, CHAT_FILE);
    if (part == NULL)
        return false;
    part->file_name = b->title;
    part->cache_control = b->cache_control;
    part->citations = b->citations;
    return take_source(rd, &at_source, type, &source, part);
}

/* ---- the other blocks ---- */

static bool read_text(struct messages_reader *rd, const struct messages_at *at,
                      const struct block *b, struct messages_parts *ret)
{
    struct chat_part *part = push(rd, ret, CHAT_TEXT);

    (void)at;
    if (part == NULL)
        return false;
    part->text = b->text;
    part->cache_control = b->cache_control;
    part->citations = b->citations;
    return true;
}

static bool read_call(struct messages_reader *rd, const struct messages_at *at,
                      const struct block *b, struct messages_parts *ret)
{
    struct chat_part *part = push(rd, ret, CHAT_CALL);

    (void)at;
    if (part == NULL)
        return false;
    part->id = b->id;
    part->name = b->name;
    part->args = b->input;
    part->signature = b->signature;
    part->cache_control = b->cache_control;
    return true;
}

static bool read_result(struct messages_reader *rd, const struct messages_at *at,
                        const struct block *b, struct messages_parts *ret)
{
    struct messages_at at_content = {at, STR("content"), 0};
    struct chat_part *part = push(rd, ret, CHAT_RESULT);
    struct messages_parts inner = {.n = 0};

    if (part == NULL)
        return false;
    part->id = b->id;
    part->is_error = b->is_error == CHAT_YES;
    part->cache_control = b->cache_control;
    if (b->content.len > 0 &&
        !messages_content(rd, &at_content, b->content, MESSAGES_IN_RESULT, &inner))
        return false;
    part->parts = inner.at;
    part->parts_count = inner.n;
    return true;
}

static bool read_thinking(struct messages_reader *rd, const struct messages_at *at,
                          const struct block *b, struct messages_parts *ret)
{
    struct chat_part *part = push(rd, ret, CHAT_THINKING);

    (void)at;
    if (part == NULL)
        return false;
    part->text = b->thinking;
    part->signature = b->signature;
    return true;
}

static bool read_redacted(struct messages_reader *rd, const struct messages_at *at,
                          const struct block *b, struct messages_parts *ret)
{
    struct chat_part *part = push(rd, ret, CHAT_REDACTED);

    (void)at;
    if (part == NULL)
        return false;
    part->data = b->data;
    return true;
}

#define ANYWHERE                                                                                   \
    (MESSAGES_IN_SYSTEM | MESSAGES_IN_USER | MESSAGES_IN_ASSISTANT | MESSAGES_IN_RESULT |          \
     MESSAGES_IN_DOCUMENT)

static const struct kind {
    struct str type;
    unsigned places;
    const struct messages_field *fields;
    size_t n;
    bool (*read)(struct messages_reader *rd, const struct messages_at *at, const struct block *b,
                 struct messages_parts *ret);
} kinds[] = {
    {STR_INIT("text"), ANYWHERE, text_fields, COUNTOF(text_fields), read_text},
    {STR_INIT("tool_use"), MESSAGES_IN_ASSISTANT, call_fields, COUNTOF(call_fields), read_call},
    {STR_INIT("tool_result"), MESSAGES_IN_USER, result_fields, COUNTOF(result_fields), read_result},
    {STR_INIT("image"), ANYWHERE & ~(unsigned)MESSAGES_IN_SYSTEM, image_fields,
     COUNTOF(image_fields), read_image},
    {STR_INIT("document"), MESSAGES_IN_USER | MESSAGES_IN_RESULT, document_fields,
     COUNTOF(document_fields), read_document},
    {STR_INIT("thinking"), MESSAGES_IN_ASSISTANT, thinking_fields, COUNTOF(thinking_fields),
     read_thinking},
    {STR_INIT("redacted_thinking"), MESSAGES_IN_ASSISTANT, redacted_fields,
     COUNTOF(redacted_fields), read_redacted},
};

static bool read_raw(struct messages_reader *rd, struct str value, struct messages_parts *ret)
{
    struct chat_part *part = push(rd, ret, CHAT_RAW);

    if (part == NULL)
        return false;
    part->vendor = CHAT_ANTHROPIC;
    part->raw = value;
    return true;
}

static const struct kind *find_kind(struct json_text type)
{
    for (size_t i = 0; i < COUNTOF(kinds); i++) {
        if (json_text_is(type, kinds[i].type))
            return &kinds[i];
    }
    return NULL;
}

struct target {
    struct messages_parts *parts;
    enum messages_place place;
};

static bool read_block(struct messages_reader *rd, const struct messages_at *at, struct str value,
                       void *ctx)
{
    struct target *to = ctx;
    struct messages_at at_type = {at, STR("type"), 0};
    struct block b = {.is_error = CHAT_UNSET};
    const struct kind *kind;
    struct json_text type;

    if (!messages_type(rd, at, value, &type))
        return false;
    if (type.ptr == NULL)
        return messages_refuse(rd, &at_type, "is required");
    kind = find_kind(type);
    if (kind == NULL && (to->place & (MESSAGES_IN_SYSTEM | MESSAGES_IN_DOCUMENT)) == 0)
        return read_raw(rd, value, to->parts);
    if (kind == NULL || (kind->places & to->place) == 0)
        return messages_refuse(rd, &at_type, "is of a block that cannot stand here");
    return messages_fields(rd, at, value, kind->fields, kind->n, &b, NULL) &&
           kind->read(rd, at, &b, to->parts);
}

bool messages_content(struct messages_reader *rd, const struct messages_at *at, struct str value,
                      enum messages_place place, struct messages_parts *ret)
{
    struct target to = {ret, place};

    if (json_type_of(value) == JSON_STRING)
        return push_text(rd, json_text_of(value), ret);
    if (ret->n == 0) { /* what a block of its own each needs, and no more */
        ret->cap = messages_count(value);
        ret->at = ret->cap > 0 ? arena_array(rd->arena, ret->cap, sizeof(*ret->at)) : NULL;
        if (ret->cap > 0 && ret->at == NULL)
            return messages_no_room(rd);
    }
    return messages_each(rd, at, value, read_block, &to);
}
