/*
 * Images and documents, as Bedrock takes them: bytes, or a place in S3.
 *
 * Bedrock fetches no URL, and neither do we; sound is not in the form either.  An answer that was
 * given without them would be an answer to something else, so they are refused.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/bedrock_part.h"

#include "llm/chat_text.h"

#define NAME_MAX_BYTES 150u /* of the 200 there are, less our number */

struct media {
    struct str type; /* plain, parameters cut off */
    struct json_text data, uri;
};

/* clang-format off */
static const struct format {
    struct str type, format, end;
    bool image;
} formats[] = {
    {STR_INIT("image/png"),                STR_INIT("png"),  STR_INIT(".png"),  true},
    {STR_INIT("image/jpeg"),               STR_INIT("jpeg"), STR_INIT(".jpg"),  true},
    {STR_INIT("image/jpg"),                STR_INIT("jpeg"), STR_INIT(".jpeg"), true},
    {STR_INIT("image/gif"),                STR_INIT("gif"),  STR_INIT(".gif"),  true},
    {STR_INIT("image/webp"),               STR_INIT("webp"), STR_INIT(".webp"), true},
    {STR_INIT("application/pdf"),          STR_INIT("pdf"),  STR_INIT(".pdf"),  false},
    {STR_INIT("text/csv"),                 STR_INIT("csv"),  STR_INIT(".csv"),  false},
    {STR_INIT("text/html"),                STR_INIT("html"), STR_INIT(".html"), false},
    {STR_INIT("text/markdown"),            STR_INIT("md"),   STR_INIT(".md"),   false},
    {STR_INIT("text/plain"),               STR_INIT("txt"),  STR_INIT(".txt"),  false},
    {STR_INIT("application/json"),         STR_INIT("txt"),  STR_INIT(".json"), false},
    {STR_INIT("application/msword"),       STR_INIT("doc"),  STR_INIT(".doc"),  false},
    {STR_INIT("application/vnd.ms-excel"), STR_INIT("xls"),  STR_INIT(".xls"),  false},
    {STR_INIT("application/vnd.openxmlformats-officedocument.wordprocessingml.document"), STR_INIT("docx"), STR_INIT(".docx"), false},
    {STR_INIT("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),       STR_INIT("xlsx"), STR_INIT(".xlsx"), false},
};
/* clang-format on */

static const struct format *by_type(struct str type)
{
    for (size_t i = 0; i < COUNTOF(formats); i++) {
        if (str_eq_nocase(type, formats[i].type))
            return &formats[i];
    }
    return NULL;
}

static const struct format *by_name(struct str name)
{
    for (size_t i = 0; i < COUNTOF(formats); i++) {
        struct str end = formats[i].end;

        if (name.len > end.len && str_eq_nocase(str_skip(name, name.len - end.len), end))
            return &formats[i];
    }
    return NULL;
}

static struct media media_of(struct arena *a, const struct chat_part *p)
{
    struct json_text type = p->media_type;
    struct media m = {.data = p->data, .uri = p->text.len > 0 ? p->text : p->file_id};
    struct str parameters;

    if (m.data.ptr == NULL && p->text.ptr != NULL)
        chat_data_url(a, p->text, &type, &m.data);
    str_cut(json_text_plain(a, type), ';', &m.type, &parameters);
    return m;
}

static const struct format *format_of(struct arena *a, const struct chat_part *p,
                                      const struct media *m)
{
    const struct format *f = by_type(m->type);

    if (f == NULL && (m->type.len == 0 || str_eq(m->type, STR("application/octet-stream"))))
        f = by_name(json_text_plain(a, p->file_name));
    if (f == NULL && m->data.ptr == NULL)
        f = by_name(json_text_plain(a, m->uri));
    return f;
}

static bool is_in_s3(const struct media *m)
{
    return str_starts(str_make(m->uri.ptr, m->uri.len), STR("s3:"));
}

/* ---- writing ---- */

/* Letters, digits, single spaces, hyphens, brackets; no two of a request alike. */
static void put_name(struct bedrock_script *s, struct str name)
{
    char text[NAME_MAX_BYTES + 32];
    size_t n = 0;

    for (size_t i = 0; i < name.len && n < NAME_MAX_BYTES; i++) {
        char c = name.ptr[i];
        bool kept = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    (c != '\0' && strchr("-()[]", c) != NULL);

        if (c == ' ' && n > 0 && text[n - 1] == ' ')
            continue;
        text[n++] = kept || c == ' ' ? c : '-';
    }
    name = n > 0 ? str_make(text, n) : STR("document");
    if (s->documents++ == 0)
        pen_key_plain(s->pen, STR("name"), name);
    else
        pen_key_plain(s->pen, STR("name"),
                      arena_printf(s->request->arena, "%.*s (%u)", STR_ARG(name), s->documents));
}

static void put_source(struct json_pen *pen, const struct media *m)
{
    pen_key(pen, STR("source"));
    pen_open(pen, '{');
    if (m->data.ptr != NULL) {
        pen_key_text(pen, STR("bytes"), m->data);
    } else {
        pen_key(pen, STR("s3Location"));
        pen_open(pen, '{');
        pen_key_text(pen, STR("uri"), m->uri);
        pen_close(pen, '}');
    }
    pen_close(pen, '}');
}

static bool check(struct bedrock_script *s, const struct chat_part *p, const struct media *m,
                  const struct format *f)
{
    struct arena *a = s->request->arena;

    if (p->kind == CHAT_AUDIO || str_starts(m->type, STR("audio/")))
        return chat_refuse(s->problem, a, "messages", "Bedrock takes no audio");
    if (m->data.ptr == NULL && !is_in_s3(m))
        return chat_refuse(s->problem, a, "messages",
                           "Bedrock does not fetch images and files: send them as base64 data, or "
                           "name a place in S3");
    if (f != NULL)
        return true;
    return chat_refuse(s->problem, a, "messages", "Bedrock takes no %s of the type \"%.*s\"",
                       p->kind == CHAT_IMAGE ? "images" : "files", STR_ARG(m->type));
}

bool bedrock_media(struct bedrock_script *s, const struct chat_part *p)
{
    struct media m = media_of(s->request->arena, p);
    const struct format *f = format_of(s->request->arena, p, &m);

    if (!check(s, p, &m, f))
        return false;
    if (p->detail.len > 0 && !str_eq(p->detail, STR("\"auto\"")))
        chat_drop(s->request, STR("detail"));
    pen_open(s->pen, '{');
    pen_key(s->pen, f->image ? STR("image") : STR("document"));
    pen_open(s->pen, '{');
    pen_key_plain(s->pen, STR("format"), f->format);
    if (!f->image)
        put_name(s, json_text_plain(s->request->arena, p->file_name));
    put_source(s->pen, &m);
    if (!f->image && json_type_of(p->citations) == JSON_OBJECT)
        pen_key_raw_some(s->pen, STR("citations"), p->citations);
    pen_close(s->pen, '}');
    pen_close(s->pen, '}');
    return true;
}
