/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/embed.h"

#include <math.h>

#include "base/base64.h"
#include "sim/json.h"
#include "sim/script.h"

#define DIMS 64u
#define DIMS_MAX 4096u

struct embedder {
    struct out *out;
    unsigned dims;
    bool base64;
    uint64_t index, tokens;
    float vector[DIMS_MAX];
};

static bool is_word(char c)
{
    return (c >= '0' && c <= '9') || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') ||
           (unsigned char)c >= 0x80;
}

static void add_direction(float *v, unsigned dims, uint64_t word)
{
    for (unsigned i = 0; i < dims; i++)
        v[i] += (sim_hash(word, i / 64) >> (i % 64) & 1) != 0 ? 1.0f : -1.0f;
}

static void normalise(float *v, unsigned dims)
{
    float sum = 0;

    for (unsigned i = 0; i < dims; i++)
        sum += v[i] * v[i];
    if (sum <= 0) {
        v[0] = sum = 1;
    }
    for (unsigned i = 0; i < dims; i++)
        v[i] /= sqrtf(sum);
}

static uint64_t word_hash(struct str word)
{
    uint64_t h = 0;

    for (size_t i = 0; i < word.len; i++)
        h = sim_hash(h, (unsigned char)ascii_lower(word.ptr[i]));
    return h;
}

void sim_embed_text(struct str text, float *ret_vector, unsigned dims)
{
    size_t i = 0;

    memset(ret_vector, 0, dims * sizeof(*ret_vector));
    while (i < text.len) {
        size_t from = i;

        while (i < text.len && is_word(text.ptr[i]))
            i++;
        if (i > from)
            add_direction(ret_vector, dims, word_hash(str_make(text.ptr + from, i - from)));
        else
            i++;
    }
    normalise(ret_vector, dims);
}

static void put_base64(struct out *o, const unsigned char *bytes, size_t n)
{
    char text[BASE64_LEN(DIMS_MAX * sizeof(float))];

    out_put(o, str_make(text, base64_write(bytes, n, text)));
}

static void put_vector(struct embedder *e)
{
    struct out *o = e->out;

    if (e->base64) {
        OUT_LIT(o, "\"");
        put_base64(o, (const unsigned char *)e->vector, e->dims * sizeof(float));
        OUT_LIT(o, "\"");
        return;
    }
    for (unsigned i = 0; i < e->dims; i++)
        out_fmt(o, "%c%.9g", i == 0 ? '[' : ',', (double)e->vector[i]);
    OUT_LIT(o, "]");
}

static void embed_one(struct embedder *e, struct str text, uint64_t tokens)
{
    sim_embed_text(text, e->vector, e->dims);
    out_put(e->out, e->index == 0 ? STR("{") : STR(",{"));
    OUT_LIT(e->out, "\"object\":\"embedding\",\"index\":");
    out_u64(e->out, e->index++);
    OUT_LIT(e->out, ",\"embedding\":");
    put_vector(e);
    OUT_LIT(e->out, "}");
    e->tokens += tokens;
}

/* Token numbers: the text is their digits, which is as good a text as any. */
static void embed_tokens(struct embedder *e, yyjson_val *tokens)
{
    struct out text = {0};
    yyjson_arr_iter it;
    yyjson_val *v;

    yyjson_arr_iter_init(tokens, &it);
    while ((v = yyjson_arr_iter_next(&it)) != NULL) {
        out_u64(&text, yyjson_get_uint(v));
        OUT_LIT(&text, " ");
    }
    embed_one(e, out_str(&text), yyjson_arr_size(tokens));
    buf_done(&text.buf);
}

static void embed_value(struct embedder *e, yyjson_val *v)
{
    struct str text = str_make(yyjson_get_str(v), yyjson_get_len(v));

    if (yyjson_is_arr(v))
        embed_tokens(e, v);
    else
        embed_one(e, yyjson_is_str(v) ? text : STR(""), sim_words(text));
}

static void embed_input(struct embedder *e, yyjson_val *input)
{
    yyjson_arr_iter it;
    yyjson_val *v;

    if (!yyjson_is_arr(input) || yyjson_is_num(yyjson_arr_get_first(input))) {
        embed_value(e, input);
        return;
    }
    yyjson_arr_iter_init(input, &it);
    while ((v = yyjson_arr_iter_next(&it)) != NULL && !e->out->full)
        embed_value(e, v);
}

void sim_embed(const struct sim_ask *ask, struct out *o)
{
    yyjson_doc *doc = sim_json_read(ask->body, ask->pool);
    yyjson_val *root = yyjson_doc_get_root(doc), *dims = yyjson_obj_get(root, "dimensions");
    struct embedder e = {.out = o, .dims = DIMS};

    if (yyjson_is_uint(dims) && yyjson_get_uint(dims) > 0)
        e.dims = yyjson_get_uint(dims) < DIMS_MAX ? (unsigned)yyjson_get_uint(dims) : DIMS_MAX;
    e.base64 = str_eq(sim_json_text(root, "encoding_format"), STR("base64"));
    OUT_LIT(o, "{\"object\":\"list\",\"data\":[");
    embed_input(&e, yyjson_obj_get(root, "input"));
    OUT_LIT(o, "],\"model\":");
    out_json(o, ask->model);
    OUT_LIT(o, ",\"usage\":{\"prompt_tokens\":");
    out_u64(o, e.tokens);
    OUT_LIT(o, ",\"total_tokens\":");
    out_u64(o, e.tokens);
    OUT_LIT(o, "}}");
    yyjson_doc_free(doc);
}
