/*
 * Images and documents, as Anthropic takes them.
 *
 * What is data goes as base64, what is a URL as a URL: the provider fetches it, we never do.  Plain
 * text has to be sent as such, so its base64 is undone here.  Other files, and sound, are refused:
 * an answer that was given without them would be an answer to something else.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/anthropic_part.h"

#include "llm/chat_text.h"

struct media {
    struct str type; /* plain, parameters cut off */
    struct json_text type_text, data, url, file_id;
};

/* ---- base64 ---- */

static int digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

/* .ptr NULL: no base64, or no room. */
static struct str unbase64(struct arena *a, struct str in)
{
    char *out = arena_bytes(a, in.len / 4 * 3 + 4);
    uint32_t bits = 0;
    unsigned have = 0;
    size_t n = 0;

    while (in.len > 0 && in.ptr[in.len - 1] == '=')
        in.len--;
    for (size_t i = 0; out != NULL && i < in.len; i++) {
        int d = digit(in.ptr[i]);

        if (d < 0)
            return (struct str){NULL, 0};
        bits = bits << 6 | (uint32_t)d;
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[n++] = (char)(bits >> have & 0xff);
        }
    }
    return (struct str){out, n};
}

/* ---- what it is ---- */

static struct str type_by_name(struct str name)
{
    static const struct {
        struct str end, type;
    } rows[] = {
        {STR_INIT(".pdf"), STR_INIT("application/pdf")}, {STR_INIT(".txt"), STR_INIT("text/plain")},
        {STR_INIT(".md"), STR_INIT("text/markdown")},    {STR_INIT(".csv"), STR_INIT("text/csv")},
        {STR_INIT(".png"), STR_INIT("image/png")},       {STR_INIT(".jpg"), STR_INIT("image/jpeg")},
    };

    for (size_t i = 0; i < COUNTOF(rows); i++) {
        if (name.len > rows[i].end.len &&
            str_eq_nocase(str_skip(name, name.len - rows[i].end.len), rows[i].end))
            return rows[i].type;
    }
    return STR("");
}

static struct media media_of(struct arena *a, const struct chat_part *p)
{
    struct media m = {
        .type_text = p->media_type, .data = p->data, .url = p->text, .file_id = p->file_id};

    if (m.data.ptr == NULL && m.url.ptr != NULL && chat_data_url(a, m.url, &m.type_text, &m.data))
        m.url = (struct json_text){NULL, 0};
    str_cut(json_text_plain(a, m.type_text), ';', &m.type, &(struct str){NULL, 0});
    if (m.type.len == 0)
        m.type = type_by_name(json_text_plain(a, p->file_name));
    return m;
}

static bool is_image(const struct chat_part *p, const struct media *m)
{
    return p->kind == CHAT_IMAGE || str_starts(m->type, STR("image/"));
}

static bool is_text(const struct media *m)
{
    return str_starts(m->type, STR("text/")) || str_eq(m->type, STR("application/json"));
}

/* ---- its source ---- */

static void open_source(struct json_pen *pen, struct json_text type)
{
    pen_key(pen, STR("source"));
    pen_open(pen, '{');
    pen_key_text(pen, STR("type"), type);
}

static bool put_plain_text(struct anthropic_script *s, const struct media *m)
{
    struct arena *a = s->request->arena;
    struct str text = unbase64(a, json_text_plain(a, m->data));

    if (text.ptr == NULL)
        return chat_refuse(s->problem, a, "messages", "a file's data is not base64");
    open_source(s->pen, JSON_TEXT("text"));
    pen_key_text(s->pen, STR("media_type"), JSON_TEXT("text/plain"));
    pen_key_plain(s->pen, STR("data"), text);
    pen_close(s->pen, '}');
    return true;
}

static void put_base64(struct json_pen *pen, struct str type, struct json_text data)
{
    open_source(pen, JSON_TEXT("base64"));
    pen_key_plain(pen, STR("media_type"), type);
    pen_key_text(pen, STR("data"), data);
    pen_close(pen, '}');
}

static void put_pointer(struct json_pen *pen, const struct media *m)
{
    bool url = m->url.ptr != NULL;

    open_source(pen, url ? JSON_TEXT("url") : JSON_TEXT("file"));
    pen_key_text(pen, url ? STR("url") : STR("file_id"), url ? m->url : m->file_id);
    pen_close(pen, '}');
}

static bool put_source(struct anthropic_script *s, const struct media *m, bool image)
{
    if (m->data.ptr == NULL)
        put_pointer(s->pen, m);
    else if (!image && is_text(m))
        return put_plain_text(s, m);
    else
        put_base64(s->pen, m->type, m->data);
    return true;
}

static bool check(struct anthropic_script *s, const struct chat_part *p, const struct media *m)
{
    struct arena *a = s->request->arena;

    if (p->kind == CHAT_AUDIO || str_starts(m->type, STR("audio/")))
        return chat_refuse(s->problem, a, "messages", "%.*s takes no audio",
                           STR_ARG(s->request->model));
    if (m->data.ptr == NULL && m->url.ptr == NULL && m->file_id.ptr == NULL)
        return chat_refuse(s->problem, a, "messages",
                           "an image or a file has neither data nor URL");
    if (m->data.ptr == NULL || is_image(p, m) || is_text(m) ||
        str_eq(m->type, STR("application/pdf")))
        return true;
    return chat_refuse(s->problem, a, "messages", "%.*s takes no files of the type \"%.*s\"",
                       STR_ARG(s->request->model), STR_ARG(m->type));
}

bool anthropic_media(struct anthropic_script *s, const struct chat_part *p)
{
    struct media m = media_of(s->request->arena, p);
    bool image = is_image(p, &m);

    if (!check(s, p, &m))
        return false;
    if (p->detail.len > 0 && !str_eq(p->detail, STR("\"auto\"")))
        chat_drop(s->request, STR("detail"));
    pen_open(s->pen, '{');
    pen_key_text(s->pen, STR("type"), image ? JSON_TEXT("image") : JSON_TEXT("document"));
    if (!put_source(s, &m, image))
        return false;
    if (!image)
        pen_key_text_some(s->pen, STR("title"), p->file_name);
    pen_key_raw_some(s->pen, STR("citations"), p->citations);
    pen_key_raw_some(s->pen, STR("cache_control"), p->cache_control);
    pen_close(s->pen, '}');
    return true;
}
