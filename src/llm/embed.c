/* SPDX-License-Identifier: Apache-2.0 */
#include "llm/embed.h"

#include "llm/embed_part.h"
#include "llm/json_pick.h"

static const struct embedder *const embedders[] = {
    &embedder_gemini,
    &embedder_ollama,
    &embedder_bedrock,
};

const struct embedder *embedder_find(enum chat_dialect id)
{
    for (size_t i = 0; i < COUNTOF(embedders); i++) {
        if (embedders[i]->id == id)
            return embedders[i];
    }
    return NULL;
}

/* ---- requests ---- */

void embed_drop(struct embed_request *r, struct str field)
{
    chat_drop_from(r->dropped, &r->dropped_count, field);
}

void embed_put_texts(struct json_pen *pen, const struct embed_request *r, struct str name)
{
    pen_key(pen, name);
    pen_open(pen, '[');
    for (uint32_t i = 0; i < r->texts_count; i++)
        pen_text(pen, r->texts[i]);
    pen_close(pen, ']');
}

bool embed_put_end(const struct json_pen *pen, struct chat_problem *p)
{
    if (pen->err == 0)
        return true;
    *p = (struct chat_problem){.fault = FAULT_TOO_LARGE,
                               .why = STR("the request is too large in the provider's form")};
    return false;
}

/* ---- answers ---- */

static bool complain(struct embed_answer *answer, const char *why)
{
    answer->why = why;
    return false;
}

static bool count_number(void *ctx, const struct json_member *m)
{
    uint32_t *n = ctx;

    ++*n;
    return m->type == JSON_NUMBER;
}

bool embed_take(struct embed_answer *answer, struct str vector)
{
    uint32_t n = 0;

    if (vector.len == 0 || json_type_of(vector) != JSON_ARRAY ||
        !json_members(vector, count_number, &n) || n == 0)
        return complain(answer, "a vector that is no list of numbers");
    if (answer->count == answer->max)
        return complain(answer, "more vectors than texts");
    if (answer->count > 0 && n != answer->dimensions)
        return complain(answer, "vectors of different lengths");
    answer->dimensions = n;
    answer->vectors[answer->count++] = vector;
    return true;
}

static bool take_element(void *ctx, const struct json_member *m)
{
    return embed_take(ctx, m->value);
}

bool embed_take_all(struct embed_answer *answer, struct str vectors)
{
    return vectors.len > 0 && json_type_of(vectors) == JSON_ARRAY &&
           json_members(vectors, take_element, answer);
}

void embed_take_count(struct embed_answer *answer, struct str tokens)
{
    if (tokens.len == 0)
        return;
    answer->counted = true;
    answer->prompt_tokens = json_count(tokens);
}

bool embed_decode(const struct embedder *e, const struct embed_request *r, struct arena *a,
                  struct str body, struct embed_answer *ret)
{
    *ret = (struct embed_answer){.max = r->texts_count};
    if (!json_scan(body, JSON_DEPTH_MAX, NULL, NULL, NULL) || json_type_of(body) != JSON_OBJECT)
        return false;
    ret->vectors = arena_array(a, r->texts_count, sizeof(*ret->vectors));
    if (ret->vectors == NULL)
        return complain(ret, "more vectors than limits.exchange_bytes holds");
    if (!e->decode(r, body, ret))
        return false;
    return ret->count == r->texts_count || complain(ret, "fewer vectors than texts");
}
