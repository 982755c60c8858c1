/*
 * Embeddings by Ollama's own /api/embed (docs.ollama.com/api/embed).
 *
 * {"model":"m","input":["…"],"dimensions":8}
 * {"model":"m","embeddings":[[0.1, …]],"prompt_eval_count":3, …}
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/embed_part.h"
#include "llm/json_pick.h"

static struct str path(struct arena *a, const struct embed_request *r)
{
    (void)a;
    (void)r;
    return STR("/api/embed");
}

static bool encode(struct embed_request *r, struct buf *out, struct chat_problem *p)
{
    struct json_pen pen = json_pen(out);

    if (r->input_type.len > 0)
        embed_drop(r, STR("input_type"));
    pen_open(&pen, '{');
    pen_key_plain(&pen, STR("model"), r->model);
    embed_put_texts(&pen, r, STR("input"));
    pen_key_raw_some(&pen, STR("dimensions"), r->dimensions);
    pen_close(&pen, '}');
    return embed_put_end(&pen, p);
}

static bool decode(const struct embed_request *r, struct str body, struct embed_answer *ret)
{
    struct str embeddings = {NULL, 0}, tokens = embeddings;
    const struct json_pick picks[] = {
        {STR("embeddings"), JSON_ARRAY, &embeddings},
        {STR("prompt_eval_count"), JSON_NUMBER, &tokens},
    };

    (void)r;
    json_pick(body, picks, COUNTOF(picks));
    embed_take_count(ret, tokens);
    return embed_take_all(ret, embeddings);
}

const struct embedder embedder_ollama = {
    .id = CHAT_OLLAMA,
    .path = path,
    .encode = encode,
    .decode = decode,
};
