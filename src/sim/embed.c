/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/embed.h"

#include <math.h>

#include "base/base64.h"
#include "sim/json.h"
#include "sim/script.h"

#define DIMS 64u

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

/* ---- the vectors of a reply */

void sim_embedder_start(struct sim_embedder *e, const struct sim_talk *t, uint64_t texts,
                        yyjson_val *dims, struct out *o)
{
    e->out = o;
    e->count = e->tokens = 0;
    e->max = t->ask->choices == 0 ? 0 : texts;
    if (e->max > 0 && sim_script_has(t->script, SIM_FEWER_VECTORS))
        e->max--;
    e->dims = DIMS;
    if (yyjson_is_uint(dims) && yyjson_get_uint(dims) > 0)
        e->dims =
            yyjson_get_uint(dims) < SIM_DIMS_MAX ? (unsigned)yyjson_get_uint(dims) : SIM_DIMS_MAX;
}

bool sim_embedder_next(struct sim_embedder *e, struct str text)
{
    e->tokens += sim_words(text);
    if (e->count == e->max || e->out->full)
        return false;
    if (e->count++ > 0)
        OUT_LIT(e->out, ",");
    sim_embed_text(text, e->vector, e->dims);
    return true;
}

void sim_embedder_put(const struct sim_embedder *e)
{
    for (unsigned i = 0; i < e->dims; i++)
        out_fmt(e->out, "%c%.9g", i == 0 ? '[' : ',', (double)e->vector[i]);
    OUT_LIT(e->out, "]");
}

void sim_embedder_usage(const struct sim_embedder *e, const struct sim_talk *t, struct str before,
                        struct str name)
{
    if (sim_script_has(t->script, SIM_USAGE_ABSENT))
        return;
    out_put(e->out, before);
    OUT_LIT(e->out, "\"");
    out_put(e->out, name);
    OUT_LIT(e->out, "\":");
    out_u64(e->out, sim_script_has(t->script, SIM_USAGE_ZERO) ? 0 : e->tokens);
}

/* ---- OpenAI's */

static void put_base64(const struct sim_embedder *e)
{
    char text[BASE64_LEN(SIM_DIMS_MAX * sizeof(float))];
    size_t n = base64_write((const unsigned char *)e->vector, e->dims * sizeof(float), text);

    OUT_LIT(e->out, "\"");
    out_put(e->out, str_make(text, n));
    OUT_LIT(e->out, "\"");
}

static void embed_one(struct sim_embedder *e, struct str text, bool base64)
{
    if (!sim_embedder_next(e, text))
        return;
    OUT_LIT(e->out, "{\"object\":\"embedding\",\"index\":");
    out_u64(e->out, e->count - 1);
    OUT_LIT(e->out, ",\"embedding\":");
    if (base64)
        put_base64(e);
    else
        sim_embedder_put(e);
    OUT_LIT(e->out, "}");
}

/* Token numbers: the text is their digits, which is as good a text as any. */
static void embed_tokens(struct sim_embedder *e, yyjson_val *tokens, bool base64)
{
    struct out text = {0};
    yyjson_arr_iter it;
    yyjson_val *v;

    yyjson_arr_iter_init(tokens, &it);
    while ((v = yyjson_arr_iter_next(&it)) != NULL) {
        out_u64(&text, yyjson_get_uint(v));
        OUT_LIT(&text, " ");
    }
    embed_one(e, out_str(&text), base64);
    buf_done(&text.buf);
}

static void embed_value(struct sim_embedder *e, yyjson_val *v, bool base64)
{
    struct str text = str_make(yyjson_get_str(v), yyjson_get_len(v));

    if (yyjson_is_arr(v))
        embed_tokens(e, v, base64);
    else
        embed_one(e, yyjson_is_str(v) ? text : STR(""), base64);
}

static bool is_list(yyjson_val *input)
{
    return yyjson_is_arr(input) && !yyjson_is_num(yyjson_arr_get_first(input));
}

static void embed_input(struct sim_embedder *e, yyjson_val *input, bool base64)
{
    yyjson_arr_iter it;
    yyjson_val *v;

    if (!is_list(input)) {
        embed_value(e, input, base64);
        return;
    }
    yyjson_arr_iter_init(input, &it);
    while ((v = yyjson_arr_iter_next(&it)) != NULL && !e->out->full)
        embed_value(e, v, base64);
}

void sim_embed(const struct sim_talk *t, struct out *o)
{
    yyjson_doc *doc = sim_json_read(t->ask->body, t->ask->pool);
    yyjson_val *root = yyjson_doc_get_root(doc), *input = yyjson_obj_get(root, "input");
    struct sim_embedder e;

    sim_embedder_start(&e, t, is_list(input) ? yyjson_arr_size(input) : 1,
                       yyjson_obj_get(root, "dimensions"), o);
    OUT_LIT(o, "{\"object\":\"list\",\"data\":[");
    embed_input(&e, input, str_eq(sim_json_text(root, "encoding_format"), STR("base64")));
    OUT_LIT(o, "],\"model\":");
    out_json(o, t->ask->model);
    sim_embedder_usage(&e, t, STR(",\"usage\":{"), STR("prompt_tokens"));
    sim_embedder_usage(&e, t, STR(","), STR("total_tokens"));
    out_put(o, sim_script_has(t->script, SIM_USAGE_ABSENT) ? STR("}") : STR("}}"));
    yyjson_doc_free(doc);
}
