/*
 * Embeddings by Amazon Bedrock's InvokeModel, whose bodies are each model's own.  Which one it is
 * stands in its id ("us.cohere.embed-v4:0", an ARN with that in it).
 *
 * Titan (docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html) takes
 * one text a call:
 *   {"inputText":"…","dimensions":256}
 *   {"embedding":[0.1, …],"inputTextTokenCount":3}
 * Cohere (…/model-parameters-embed-v3.html, …-v4.html) takes up to 96, wants to know what for, and
 * leaves the count to a field of the head:
 *   {"texts":["…"],"input_type":"search_document","embedding_types":["float"],
 *    "output_dimension":256}
 *   {"embeddings":{"float":[[0.1, …]]}, …}      without embedding_types: {"embeddings":[[0.1, …]]}
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/percent.h"
#include "llm/chat_text.h"
#include "llm/embed_part.h"
#include "llm/json_pick.h"

#define COHERE_TEXTS_MAX 96u

/* clang-format off */
static const struct model {
    struct str sign; /* what its id has in it */
    bool titan;
    bool sizes; /* its vectors come in several lengths */
} models[] = {
    {STR_INIT("titan-embed-text-v2"), true,  true},
    {STR_INIT("titan-embed-text-v1"), true,  false},
    {STR_INIT("titan-embed-g1-text"), true,  false},
    {STR_INIT("cohere.embed-v4"),     false, true},
    {STR_INIT("cohere.embed-"),       false, false}, /* v3: english, multilingual */
};
/* clang-format on */

static const struct model *model_find(struct str id)
{
    for (size_t i = 0; i < COUNTOF(models); i++) {
        if (str_find(id, models[i].sign) != NULL)
            return &models[i];
    }
    return NULL;
}

static struct str path(struct arena *a, const struct embed_request *r)
{
    struct str model = percent_encode(a, r->model, STR(""));

    if (model.ptr == NULL)
        return model;
    return arena_join(a, (struct str[]){STR("/model/"), model, STR("/invoke")}, 3);
}

static bool refuse(struct embed_request *r, struct chat_problem *p, const struct model *m)
{
    if (m == NULL)
        return chat_refuse(p, r->arena, "model",
                           "Of Bedrock's models, Titan (amazon.titan-embed-text-...) and Cohere "
                           "(cohere.embed-...) can be asked for embeddings; '%.*s' is neither",
                           STR_ARG(r->model));
    if (m->titan && r->texts_count > 1)
        return chat_refuse(p, r->arena, "input",
                           "'input' has %u texts, and Amazon's Titan embeds one a request",
                           r->texts_count);
    if (!m->titan && r->texts_count > COHERE_TEXTS_MAX)
        return chat_refuse(p, r->arena, "input",
                           "'input' has %u texts, and Cohere on Bedrock embeds up to %u a request",
                           r->texts_count, COHERE_TEXTS_MAX);
    return chat_refuse(p, r->arena, "dimensions",
                       "'dimensions' cannot be asked of '%.*s': its vectors have one length",
                       STR_ARG(r->model));
}

static bool is_sayable(const struct embed_request *r, const struct model *m)
{
    return m != NULL && r->texts_count <= (m->titan ? 1 : COHERE_TEXTS_MAX) &&
           (m->sizes || r->dimensions.len == 0);
}

static void put_titan(struct json_pen *pen, struct embed_request *r)
{
    if (r->input_type.len > 0)
        embed_drop(r, STR("input_type"));
    pen_key_text(pen, STR("inputText"), r->texts[0]);
    pen_key_raw_some(pen, STR("dimensions"), r->dimensions);
}

/* It has to be told what the vectors are for; OpenAI's form has no word for that, and what a client
 * embeds by the hundred are the documents. */
static void put_cohere(struct json_pen *pen, const struct embed_request *r)
{
    embed_put_texts(pen, r, STR("texts"));
    pen_key_text(pen, STR("input_type"),
                 r->input_type.len > 0 ? r->input_type : JSON_TEXT("search_document"));
    pen_key(pen, STR("embedding_types"));
    pen_raw(pen, STR("[\"float\"]"));
    pen_key_raw_some(pen, STR("output_dimension"), r->dimensions);
}

static bool encode(struct embed_request *r, struct buf *out, struct chat_problem *p)
{
    const struct model *m = model_find(r->model);
    struct json_pen pen = json_pen(out);

    if (!is_sayable(r, m))
        return refuse(r, p, m);
    pen_open(&pen, '{');
    if (m->titan)
        put_titan(&pen, r);
    else
        put_cohere(&pen, r);
    pen_close(&pen, '}');
    return embed_put_end(&pen, p);
}

static bool decode_titan(struct str body, struct embed_answer *ret)
{
    struct str embedding = {NULL, 0}, tokens = embedding;
    const struct json_pick picks[] = {
        {STR("embedding"), JSON_ARRAY, &embedding},
        {STR("inputTextTokenCount"), JSON_NUMBER, &tokens},
    };

    json_pick(body, picks, COUNTOF(picks));
    embed_take_count(ret, tokens);
    return embedding.len > 0 && embed_take(ret, embedding);
}

static bool decode_cohere(struct str body, struct embed_answer *ret)
{
    struct str embeddings = {NULL, 0}, meta = embeddings, units;
    const struct json_pick picks[] = {
        {STR("embeddings"), JSON_NONE, &embeddings},
        {STR("meta"), JSON_OBJECT, &meta},
    };

    json_pick(body, picks, COUNTOF(picks));
    units = json_pick_one(meta, STR("billed_units"), JSON_OBJECT);
    embed_take_count(ret, json_pick_one(units, STR("input_tokens"), JSON_NUMBER));
    if (embeddings.len > 0 && json_type_of(embeddings) == JSON_OBJECT)
        embeddings = json_pick_one(embeddings, STR("float"), JSON_ARRAY);
    return embed_take_all(ret, embeddings);
}

static bool decode(const struct embed_request *r, struct str body, struct embed_answer *ret)
{
    const struct model *m = model_find(r->model);

    return m != NULL && (m->titan ? decode_titan(body, ret) : decode_cohere(body, ret));
}

const struct embedder embedder_bedrock = {
    .id = CHAT_BEDROCK,
    .usage_field = "x-amzn-bedrock-input-token-count",
    .path = path,
    .encode = encode,
    .decode = decode,
};
