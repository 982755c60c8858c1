/*
 * Embeddings by Gemini's batchEmbedContents (ai.google.dev/api/embeddings), which takes one text
 * as well as many; embedContent takes one only.
 *
 * {"requests":[{"model":"models/m","content":{"parts":[{"text":"…"}]},"outputDimensionality":8}]}
 * {"embeddings":[{"values":[0.1, …]}],"usageMetadata":{"promptTokenCount":3}}
 *
 * Vectors are in the order of the requests.  The count came to the API late, and is left out here
 * and there.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/embed_part.h"
#include "llm/gemini_part.h"
#include "llm/generate.h"
#include "llm/json_pick.h"

static struct str path(struct arena *a, const struct embed_request *r)
{
    return generate_path(a, r->model, STR(":batchEmbedContents"), STR(""));
}

static void put_request(struct json_pen *pen, struct json_text text, struct str model,
                        struct str dimensions)
{
    pen_open(pen, '{');
    pen_key_plain(pen, STR("model"), model);
    pen_key(pen, STR("content"));
    pen_open(pen, '{');
    pen_key(pen, STR("parts"));
    pen_open(pen, '[');
    pen_open(pen, '{');
    pen_key_text(pen, STR("text"), text);
    pen_close(pen, '}');
    pen_close(pen, ']');
    pen_close(pen, '}');
    pen_key_raw_some(pen, STR("outputDimensionality"), dimensions);
    pen_close(pen, '}');
}

/* Each of the requests names the model, and it has to be that of the path. */
static bool encode(struct embed_request *r, struct buf *out, struct chat_problem *p)
{
    struct json_pen pen = json_pen(out);
    struct str model = r->model;

    if (!gemini_is_resource(model))
        model = arena_join(r->arena, (struct str[]){STR("models/"), model}, 2);
    if (model.ptr == NULL)
        return false;
    if (r->input_type.len > 0)
        embed_drop(r, STR("input_type"));
    pen_open(&pen, '{');
    pen_key(&pen, STR("requests"));
    pen_open(&pen, '[');
    for (uint32_t i = 0; i < r->texts_count; i++)
        put_request(&pen, r->texts[i], model, r->dimensions);
    pen_close(&pen, ']');
    pen_close(&pen, '}');
    return embed_put_end(&pen, p);
}

static bool take_embedding(void *ctx, const struct json_member *m)
{
    return embed_take(ctx, json_pick_one(m->value, STR("values"), JSON_ARRAY));
}

static bool decode(const struct embed_request *r, struct str body, struct embed_answer *ret)
{
    struct str embeddings = {NULL, 0}, usage = embeddings;
    const struct json_pick picks[] = {
        {STR("embeddings"), JSON_ARRAY, &embeddings},
        {STR("usageMetadata"), JSON_OBJECT, &usage},
    };

    (void)r;
    json_pick(body, picks, COUNTOF(picks));
    embed_take_count(ret, json_pick_one(usage, STR("promptTokenCount"), JSON_NONE));
    return embeddings.len > 0 && json_members(embeddings, take_embedding, ret);
}

const struct embedder embedder_gemini = {
    .id = CHAT_GEMINI,
    .path = path,
    .encode = encode,
    .decode = decode,
};
