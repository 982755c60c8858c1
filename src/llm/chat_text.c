/* SPDX-License-Identifier: Apache-2.0 */
#include "llm/chat_text.h"

#include "llm/utf8.h"

#define ARGS_DEPTH_MAX 256u

static const struct json_text no_text = {NULL, 0};

struct json_text json_text_of(struct str value)
{
    if (value.len < 2 || value.ptr[0] != '"')
        return no_text;
    return (struct json_text){value.ptr + 1, value.len - 2};
}

/* With quotes again, in the arena: what the reader of strings wants. */
static struct str quoted(struct arena *a, struct json_text t)
{
    return arena_join(a, (struct str[]){STR("\""), str_make(t.ptr, t.len), STR("\"")}, 3);
}

struct str json_text_plain(struct arena *a, struct json_text t)
{
    struct str value;

    if (t.len == 0 || memchr(t.ptr, '\\', t.len) == NULL)
        return str_make(t.ptr != NULL ? t.ptr : "", t.len);
    value = quoted(a, t);
    return value.ptr != NULL ? json_unescape(a, value) : (struct str){NULL, 0};
}

static bool needs_escape(struct str s)
{
    unsigned n;

    for (size_t i = 0; i < s.len; i += n) {
        char c = s.ptr[i];

        n = utf8_len(s.ptr + i, s.ptr + s.len);
        if (n == 0 || (unsigned char)c < 0x20 || c == '"' || c == '\\')
            return true;
    }
    return false;
}

struct json_text json_text_make(struct arena *a, struct str plain)
{
    struct str value;

    if (!needs_escape(plain)) /* an image has megabytes that need none */
        return (struct json_text){plain.ptr != NULL ? plain.ptr : "", plain.len};
    value = json_quote(a, plain);
    return value.ptr != NULL ? json_text_of(value) : no_text;
}

struct json_text json_text_join(struct arena *a, const struct json_text *texts, unsigned n,
                                struct json_text between)
{
    size_t len = 0, at = 0;
    char *to;

    for (unsigned i = 0; i < n; i++)
        len += texts[i].len + (i > 0 ? between.len : 0);
    to = arena_bytes(a, len + 1);
    if (to == NULL)
        return no_text;
    for (unsigned i = 0; i < n; i++) {
        if (i > 0 && between.len > 0) {
            memcpy(to + at, between.ptr, between.len);
            at += between.len;
        }
        if (texts[i].len > 0)
            memcpy(to + at, texts[i].ptr, texts[i].len);
        at += texts[i].len;
    }
    return (struct json_text){to, len};
}

struct str chat_args_of(struct arena *a, struct json_text text)
{
    struct str plain = json_text_plain(a, text);

    if (plain.ptr != NULL && str_trim(plain).len == 0)
        return STR("{}");
    if (plain.ptr == NULL || json_type_of(plain) != JSON_OBJECT ||
        !json_scan(plain, ARGS_DEPTH_MAX, NULL, NULL, NULL))
        return (struct str){NULL, 0};
    return plain;
}

bool chat_data_url(struct arena *a, struct json_text url, struct json_text *ret_media_type,
                   struct json_text *ret_data)
{
    const struct str scheme = STR("data:"), coding = STR(";base64");
    struct str plain, head, data;

    if (url.len < scheme.len || !str_eq_nocase(str_make(url.ptr, scheme.len), scheme))
        return false;
    plain = json_text_plain(a, url); /* some write \/ for each slash */
    if (plain.ptr == NULL || !str_cut(str_skip(plain, scheme.len), ',', &head, &data))
        return false;
    if (head.len < coding.len || !str_eq_nocase(str_skip(head, head.len - coding.len), coding))
        return false;
    *ret_media_type = json_text_make(a, str_make(head.ptr, head.len - coding.len));
    *ret_data = json_text_make(a, data);
    return ret_media_type->ptr != NULL && ret_data->ptr != NULL;
}

/* ---- how much to think ---- */

/* Budgets that Anthropic's and Google's own compatibility layers use for OpenAI's words. */
static const struct {
    struct json_text word;
    uint64_t tokens;
} efforts[] = {
    {{"minimal", 7}, 1024}, {{"low", 3}, 2048},    {{"medium", 6}, 8192},
    {{"high", 4}, 24576},   {{"xhigh", 5}, 32768}, {{"max", 3}, 32768},
};

uint64_t chat_effort_tokens(struct json_text effort)
{
    for (size_t i = 0; i < COUNTOF(efforts); i++) {
        if (json_text_is(effort, str_make(efforts[i].word.ptr, efforts[i].word.len)))
            return efforts[i].tokens;
    }
    return 0;
}

struct json_text chat_effort_word(uint64_t tokens)
{
    size_t i = 0;

    while (i + 1 < COUNTOF(efforts) - 2 && efforts[i].tokens < tokens)
        i++;
    return tokens == 0 ? JSON_TEXT("none") : efforts[i].word;
}
