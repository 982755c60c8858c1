/* Any bytes as JSON: the verdict is yyjson's but for depth and half surrogate pairs, members lie
 * within the text, strings survive, and a request that was spliced is JSON with what was asked.
 * SPDX-License-Identifier: Apache-2.0 */
#include <yyjson.h>

#include "fuzz/fuzz.h"
#include "llm/openai.h"

#define DEPTH 200u

struct seen {
    struct str text;
    struct arena arena;
    unsigned members;
};

static bool look(void *ctx, const struct json_member *m)
{
    struct seen *s = ctx;
    const char *end = s->text.ptr + s->text.len;

    must(m->value.len > 0 && m->value.ptr >= s->text.ptr && m->value.ptr + m->value.len <= end);
    must(json_type_of(m->value) == m->type);
    must(json_scan(m->value, DEPTH, NULL, NULL, NULL));
    if (m->key.ptr != NULL)
        must(m->key.ptr[-1] == '"' && m->key.ptr[m->key.len] == '"' &&
             m->key_escaped == (memchr(m->key.ptr, '\\', m->key.len) != NULL));
    if (m->type == JSON_STRING) {
        struct str bytes = json_unescape_lossy(&s->arena, m->value), exact, again;

        exact = json_unescape(&s->arena, m->value);
        must(bytes.ptr != NULL && (exact.ptr == NULL || str_eq(exact, bytes)));
        again = json_quote(&s->arena, bytes);
        must(json_string_end(again.ptr, again.ptr + again.len) == again.ptr + again.len);
        must(str_eq(json_unescape(&s->arena, again), bytes));
    }
    s->members++;
    return true;
}

/* Everything a member says, in one number. */
static bool sum_up(void *ctx, const struct json_member *m)
{
    const uint64_t facts[] = {(uint64_t)(uintptr_t)m->key.ptr,
                              m->key.len,
                              (uint64_t)(uintptr_t)m->value.ptr,
                              m->value.len,
                              (uint64_t)m->type,
                              m->key_escaped};
    uint64_t *sum = ctx;

    for (size_t i = 0; i < COUNTOF(facts); i++)
        *sum = (*sum ^ facts[i]) * 0x100000001b3u;
    return true;
}

static void compare_members(struct str text)
{
    uint64_t checked = 1, again = 1;

    must(json_scan(text, DEPTH, sum_up, &checked, NULL));
    must(json_members(text, sum_up, &again));
    must(checked == again);
}

static bool half_pair(struct str text)
{
    for (size_t i = 0; i + 4 < text.len; i++)
        if (text.ptr[i] == '\\' && text.ptr[i + 1] == 'u' && (text.ptr[i + 2] | 0x20) == 'd' &&
            text.ptr[i + 3] >= '8')
            return true;
    return false;
}

static void compare(struct str text)
{
    struct seen s = {.text = text};
    struct json_error error = {0, NULL};
    bool ok = json_scan(text, DEPTH, look, &s, &error);
    yyjson_read_err err;
    yyjson_doc *doc = text.len > 0 ? yyjson_read_opts((char *)(uintptr_t)text.ptr, text.len,
                                                      YYJSON_READ_NUMBER_AS_RAW, NULL, &err)
                                   : NULL;

    if (ok && (json_type_of(text) == JSON_OBJECT || json_type_of(text) == JSON_ARRAY))
        compare_members(text);
    if (ok && doc == NULL)
        must(half_pair(text));
    if (!ok) {
        must(error.what != NULL && error.at <= text.len);
        must(doc == NULL || strcmp(error.what, "nested too deeply") == 0);
        must(json_error_text(&s.arena, text, &error).len > 0);
    }
    if (ok && doc != NULL && yyjson_is_ctn(yyjson_doc_get_root(doc)))
        must(s.members == yyjson_get_len(yyjson_doc_get_root(doc)));
    yyjson_doc_free(doc);
    arena_done(&s.arena);
}

static void splice(enum openai_surface surface, struct str body)
{
    struct str pieces[OPENAI_PIECES_MAX], why, param;
    struct openai_request req, again;
    struct arena a = {.max = 0};
    struct buf joined = {.max = 0};
    unsigned n;

    if (openai_request_scan(&a, surface, body, DEPTH, &req, &why, &param) == FAULT_NONE) {
        n = openai_request_splice(&a, &req, STR("a/\"b\""), true, pieces);
        must(n > 0 && n <= OPENAI_PIECES_MAX);
        for (unsigned i = 0; i < n; i++)
            must(buf_put(&joined, pieces[i]) == 0);
        must(openai_request_scan(&a, surface, buf_str(&joined), DEPTH, &again, &why, &param) ==
             FAULT_NONE);
        must(str_eq(again.model, STR("a/\"b\"")) && again.stream == req.stream);
        must(!again.stream || again.wants_usage);
    }
    buf_done(&joined);
    arena_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};

    compare(text);
    splice(OPENAI_CHAT, text);
    splice(OPENAI_COMPLETIONS, text);
    splice(OPENAI_EMBEDDINGS, text);
    return 0;
}
