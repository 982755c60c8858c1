/*
 * embed_native.c - embeddings as Gemini, Ollama, and two models of Bedrock's give them; the vectors
 * are OpenAI's (embed.c).
 *
 * Shapes after their API references (llm/gemini_embed.c and its like name them).
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sim/embed.h"
#include "sim/json.h"
#include "sim/shape.h"

/* ---- Gemini */

static yyjson_val *get(yyjson_val *object, struct str name)
{
    return shape_get(object, name, SHAPE_BRACKETS);
}

static struct str text_of(yyjson_val *request, struct out *text)
{
    yyjson_val *part;
    size_t at, max;

    out_reset(text, SIZE_MAX);
    yyjson_arr_foreach(get(get(request, STR("content")), STR("parts")), at, max, part)
    {
        out_put(text, sim_json_text(part, "text"));
    }
    return out_str(text);
}

static void put_values(struct sim_embedder *e, yyjson_val *request, struct out *text)
{
    if (!sim_embedder_next(e, text_of(request, text)))
        return;
    OUT_LIT(e->out, "{\"values\":");
    sim_embedder_put(e);
    OUT_LIT(e->out, "}");
}

static void put_batch(struct sim_embedder *e, const struct sim_talk *t, yyjson_val *requests,
                      struct out *text)
{
    yyjson_val *request, *first = yyjson_arr_get_first(requests);
    size_t at, max;

    sim_embedder_start(e, t, yyjson_arr_size(requests), get(first, STR("outputDimensionality")),
                       e->out);
    OUT_LIT(e->out, "{\"embeddings\":[");
    yyjson_arr_foreach(requests, at, max, request)
    {
        put_values(e, request, text);
    }
    OUT_LIT(e->out, "]");
}

static void put_single(struct sim_embedder *e, const struct sim_talk *t, yyjson_val *root,
                       struct out *text)
{
    sim_embedder_start(e, t, 1, get(root, STR("outputDimensionality")), e->out);
    OUT_LIT(e->out, "{");
    if (e->max > 0)
        OUT_LIT(e->out, "\"embedding\":");
    put_values(e, root, text);
}

void sim_embed_gemini(const struct sim_talk *t, bool batch, struct out *o)
{
    yyjson_doc *doc = sim_json_read(t->ask->body, t->ask->pool);
    yyjson_val *root = yyjson_doc_get_root(doc);
    struct sim_embedder e = {.out = o};
    struct out text = {0};

    if (batch)
        put_batch(&e, t, get(root, STR("requests")), &text);
    else
        put_single(&e, t, root, &text);
    sim_embedder_usage(
        &e, t, e.max > 0 || batch ? STR(",\"usageMetadata\":{") : STR("\"usageMetadata\":{"),
        STR("promptTokenCount"));
    out_put(o, sim_script_has(t->script, SIM_USAGE_ABSENT) ? STR("}") : STR("}}"));
    buf_done(&text.buf);
    yyjson_doc_free(doc);
}

/* ---- lists of texts */

/* The strings of a list, or one alone, as vectors with commas between. */
static void put_vectors(struct sim_embedder *e, const struct sim_talk *t, yyjson_val *texts,
                        yyjson_val *dims)
{
    yyjson_val *text;
    size_t at, max;
    bool list = yyjson_is_arr(texts);

    sim_embedder_start(e, t, list ? yyjson_arr_size(texts) : 1, dims, e->out);
    if (!list) {
        if (sim_embedder_next(e, str_make(yyjson_get_str(texts), yyjson_get_len(texts))))
            sim_embedder_put(e);
        return;
    }
    yyjson_arr_foreach(texts, at, max, text)
    {
        if (sim_embedder_next(e, str_make(yyjson_get_str(text), yyjson_get_len(text))))
            sim_embedder_put(e);
    }
}

void sim_embed_ollama(const struct sim_talk *t, struct out *o)
{
    yyjson_doc *doc = sim_json_read(t->ask->body, t->ask->pool);
    yyjson_val *root = yyjson_doc_get_root(doc);
    struct sim_embedder e = {.out = o};

    OUT_LIT(o, "{\"model\":");
    out_json(o, t->ask->model);
    OUT_LIT(o, ",\"embeddings\":[");
    put_vectors(&e, t, yyjson_obj_get(root, "input"), yyjson_obj_get(root, "dimensions"));
    OUT_LIT(o, "],\"total_duration\":14143917,\"load_duration\":1019500");
    sim_embedder_usage(&e, t, STR(","), STR("prompt_eval_count"));
    OUT_LIT(o, "}");
    yyjson_doc_free(doc);
}

/* ---- Bedrock */

void sim_embed_titan(const struct sim_talk *t, struct out *o)
{
    yyjson_doc *doc = sim_json_read(t->ask->body, t->ask->pool);
    yyjson_val *root = yyjson_doc_get_root(doc);
    struct sim_embedder e = {.out = o};

    OUT_LIT(o, "{\"embedding\":");
    put_vectors(&e, t, yyjson_obj_get(root, "inputText"), yyjson_obj_get(root, "dimensions"));
    out_put(o, e.max == 0 ? STR("null,\"embeddingsByType\":{}") : STR(",\"embeddingsByType\":{"));
    if (e.max > 0) {
        OUT_LIT(o, "\"float\":");
        sim_embedder_put(&e);
        OUT_LIT(o, "}");
    }
    sim_embedder_usage(&e, t, STR(","), STR("inputTextTokenCount"));
    OUT_LIT(o, "}");
    yyjson_doc_free(doc);
}

void sim_embed_cohere(const struct sim_talk *t, struct out *o)
{
    yyjson_doc *doc = sim_json_read(t->ask->body, t->ask->pool);
    yyjson_val *root = yyjson_doc_get_root(doc);
    bool typed = yyjson_obj_get(root, "embedding_types") != NULL;
    struct sim_embedder e = {.out = o};

    OUT_LIT(o, "{\"id\":\"sim");
    out_hex(o, t->id);
    out_put(o, typed ? STR("\",\"embeddings\":{\"float\":[") : STR("\",\"embeddings\":["));
    put_vectors(&e, t, yyjson_obj_get(root, "texts"), yyjson_obj_get(root, "output_dimension"));
    out_put(o, typed ? STR("]},\"response_type\":\"embeddings_by_type\"}")
                     : STR("],\"response_type\":\"embeddings_floats\"}"));
    yyjson_doc_free(doc);
}
