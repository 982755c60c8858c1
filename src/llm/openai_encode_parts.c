/*
 * The parts of a Chat Completions message that can stand in its "content".
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/openai_encode_part.h"

#include "llm/chat_text.h"
#include "llm/quirks.h"

/* ---- names of what is dropped ---- */

static bool take_type(void *ctx, const struct json_member *m)
{
    struct str *type = ctx;

    if (m->type == JSON_STRING && json_key_is(m, STR("type"))) {
        *type = str_make(m->value.ptr + 1, m->value.len - 2);
        return false;
    }
    if (type->ptr == NULL) /* Google's are told by the member that they have */
        *type = m->key;
    return true;
}

struct str openai_encode_type_of(struct arena *a, struct str prefix, struct str raw)
{
    struct str type = {NULL, 0}, name;

    if (json_type_of(raw) == JSON_OBJECT)
        json_members(raw, take_type, &type);
    if (type.len == 0)
        type = STR("unknown");
    name = arena_join(a, (struct str[]){prefix, type}, 2);
    return name.ptr != NULL ? name : type;
}

void openai_drop_raw(struct openai_encoding *e, struct str raw)
{
    chat_drop(e->request, openai_encode_type_of(e->request->arena, STR("content."), raw));
}

/* ---- parts ---- */

bool openai_part_is_content(const struct chat_part *part)
{
    switch (part->kind) {
    case CHAT_TEXT:
    case CHAT_IMAGE:
    case CHAT_FILE:
    case CHAT_REFUSAL:
        return true;
    case CHAT_AUDIO:
        return part->data.ptr != NULL; /* else it is a reference to what was said before */
    case CHAT_RAW:
        return part->vendor == CHAT_OPENAI && part->id.ptr == NULL;
    case CHAT_CALL:
    case CHAT_RESULT:
    case CHAT_THINKING:
    case CHAT_REDACTED:
        break;
    }
    return false;
}

uint32_t openai_parts_count(const struct chat_part *parts, uint32_t n, openai_part_fn *is)
{
    uint32_t found = 0;

    for (uint32_t i = 0; i < n; i++)
        found += is(&parts[i]);
    return found;
}

void openai_encode_data_url(struct json_pen *p, const struct chat_part *part)
{
    pen_quote(p);
    pen_bytes(p, STR("data:"));
    pen_inside(p, part->media_type);
    pen_bytes(p, STR(";base64,"));
    pen_inside(p, part->data);
    pen_quote_end(p);
}

static bool pen_image(struct openai_encoding *e, const struct chat_part *part)
{
    struct json_pen *p = e->pen;

    if (part->data.ptr == NULL && part->text.ptr == NULL)
        return chat_refuse(
            e->problem, e->request->arena, "messages",
            "an image by its file id cannot be sent to a target of the openai dialect");
    pen_key(p, STR("image_url"));
    pen_open(p, '{');
    pen_key(p, STR("url"));
    if (part->data.ptr != NULL)
        openai_encode_data_url(p, part);
    else
        pen_text(p, part->text);
    pen_key_raw_some(p, STR("detail"), part->detail);
    pen_close(p, '}');
    return true;
}

/* "audio/wav" is "wav" here. */
static struct json_text audio_format(struct json_text media_type)
{
    static const struct str prefixes[] = {STR_INIT("audio\\/x-"), STR_INIT("audio\\/"),
                                          STR_INIT("audio/x-"), STR_INIT("audio/")};
    struct str type = str_make(media_type.ptr, media_type.len);

    for (size_t i = 0; i < COUNTOF(prefixes); i++) {
        if (!str_starts(type, prefixes[i]))
            continue;
        type = str_make(type.ptr + prefixes[i].len, type.len - prefixes[i].len);
        break;
    }
    if (str_eq(type, STR("mpeg")))
        return JSON_TEXT("mp3");
    return (struct json_text){type.ptr, type.len};
}

static void pen_audio(struct json_pen *p, const struct chat_part *part)
{
    pen_key(p, STR("input_audio"));
    pen_open(p, '{');
    pen_key_text(p, STR("data"), part->data);
    pen_key_text(p, STR("format"), audio_format(part->media_type));
    pen_close(p, '}');
}

struct json_text openai_encode_file_name(struct chat_request *r, const struct chat_part *part)
{
    if (part->data.ptr == NULL) {
        if (part->file_name.len > 0)
            chat_drop(r, STR("filename"));
        return (struct json_text){NULL, 0};
    }
    if (part->file_name.len > 0)
        return part->file_name;
    return part->media_type.ptr == NULL || json_text_is(part->media_type, STR("application/pdf"))
               ? JSON_TEXT("document.pdf")
               : JSON_TEXT("document");
}

bool openai_encode_takes_file(struct chat_request *r, const struct chat_part *part,
                              struct chat_problem *problem)
{
    return !str_starts(str_make(part->media_type.ptr, part->media_type.len), STR("video")) ||
           chat_refuse(problem, r->arena, "messages",
                       "a video cannot be sent to a target of the openai dialect");
}

/* "Chat Completions does not support file URLs" (OpenAI's guide to file inputs). */
static bool pen_file(struct openai_encoding *e, const struct chat_part *part)
{
    const struct quirks *q = e->request->quirks;
    struct json_pen *p = e->pen;

    if (part->data.ptr == NULL && part->text.ptr != NULL && (q == NULL || !q->file_urls))
        return chat_refuse(e->problem, e->request->arena, "messages",
                           "a file by its URL cannot be sent as a chat completion; OpenAI's "
                           "Responses API takes one (api: responses)");
    if (!openai_encode_takes_file(e->request, part, e->problem))
        return false;
    pen_key(p, STR("file"));
    pen_open(p, '{');
    pen_key_text_some(p, STR("file_id"), part->file_id);
    if (part->data.ptr != NULL && part->media_type.ptr != NULL) {
        pen_key(p, STR("file_data"));
        openai_encode_data_url(p, part);
    } else {
        pen_key_text_some(p, STR("file_data"), part->data.ptr != NULL ? part->data : part->text);
    }
    pen_key_text_some(p, STR("filename"), openai_encode_file_name(e->request, part));
    pen_close(p, '}');
    return true;
}

static bool pen_typed(struct openai_encoding *e, const struct chat_part *part)
{
    struct json_pen *p = e->pen;

    if (part->kind == CHAT_IMAGE) {
        pen_key_text(p, STR("type"), JSON_TEXT("image_url"));
        return pen_image(e, part);
    }
    if (part->kind == CHAT_AUDIO) {
        pen_key_text(p, STR("type"), JSON_TEXT("input_audio"));
        pen_audio(p, part);
    } else if (part->kind == CHAT_FILE) {
        pen_key_text(p, STR("type"), JSON_TEXT("file"));
        return pen_file(e, part);
    } else if (part->kind == CHAT_REFUSAL) {
        pen_key_text(p, STR("type"), JSON_TEXT("refusal"));
        pen_key_text(p, STR("refusal"), part->text);
    } else {
        pen_key_text(p, STR("type"), JSON_TEXT("text"));
        pen_key_text(p, STR("text"), part->text);
    }
    return true;
}

void openai_note_dropped(struct openai_encoding *e, const struct chat_part *part)
{
    if (part->cache_control.len > 0)
        chat_drop(e->request, STR("cache_control"));
    if (part->citations.len > 0)
        chat_drop(e->request, STR("citations"));
}

bool openai_pen_part(struct openai_encoding *e, const struct chat_part *part)
{
    bool ok;

    openai_note_dropped(e, part);
    if (part->kind == CHAT_RAW) {
        pen_raw(e->pen, part->raw);
        return true;
    }
    pen_open(e->pen, '{');
    ok = pen_typed(e, part);
    pen_close(e->pen, '}');
    return ok;
}

bool openai_pen_content(struct openai_encoding *e, const struct chat_part *parts, uint32_t n,
                        openai_part_fn *is)
{
    uint32_t found = openai_parts_count(parts, n, is), i = 0;
    bool ok = true;

    while (found == 1 && !is(&parts[i]))
        i++;
    if (found == 0) {
        pen_text(e->pen, JSON_TEXT(""));
        return true;
    }
    if (found == 1 && parts[i].kind == CHAT_TEXT) {
        openai_note_dropped(e, &parts[i]);
        pen_text(e->pen, parts[i].text);
        return true;
    }
    pen_open(e->pen, '[');
    for (i = 0; ok && i < n; i++) {
        if (is(&parts[i]))
            ok = openai_pen_part(e, &parts[i]);
    }
    pen_close(e->pen, ']');
    return ok;
}
