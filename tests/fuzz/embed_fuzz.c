/* A first line as a request for embeddings, what follows as the answer of each dialect: what goes
 * to a provider and to a client is JSON, has as many vectors as there are texts, and in base64 the
 * very numbers that strtof() reads. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>

#include "fuzz/chat_listener.h"
#include "llm/embed.h"
#include "llm/json_pick.h"

#define DEPTH_MAX 64u

static const struct {
    enum chat_dialect dialect;
    const char *model;
} targets[] = {
    {CHAT_GEMINI, "gemini-embedding-001"},
    {CHAT_OLLAMA, "nomic"},
    {CHAT_BEDROCK, "amazon.titan-embed-text-v2:0"},
    {CHAT_BEDROCK, "cohere.embed-english-v3"},
    {CHAT_BEDROCK, "cohere.embed-v4:0"},
    {CHAT_BEDROCK, "other"},
};

/* ---- requests ---- */

static void ask(struct embed_request *r, enum chat_dialect dialect)
{
    const struct embedder *e = embedder_find(dialect);
    struct chat_problem p = {.fault = FAULT_NONE};
    struct buf out = {.max = 1 << 24};

    if (e->encode(r, &out, &p)) {
        must(json_scan(buf_str(&out), JSON_DEPTH_MAX, NULL, NULL, NULL));
        must(e->path(r->arena, r).ptr != NULL);
    } else {
        must(p.fault == FAULT_BAD_REQUEST && p.why.ptr != NULL && p.param.len > 0);
    }
    buf_done(&out);
}

/* ---- answers ---- */

static unsigned digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    return (unsigned)(strchr(digits, c) - digits);
}

struct comparing {
    const char *base64;
    size_t byte; /* the next of what that stands for */
};

static unsigned char next_byte(struct comparing *c)
{
    size_t at = c->byte * 8 / 6, shift = c->byte * 8 % 6;
    unsigned twelve = digit(c->base64[at]) << 6 | digit(c->base64[at + 1]);

    c->byte++;
    return (unsigned char)(twelve >> (4 - shift));
}

static bool compare(void *ctx, const struct json_member *m)
{
    float want = strtof(m->value.ptr, NULL);
    uint32_t bits = 0, wanted;

    for (unsigned i = 0; i < 4; i++)
        bits |= (uint32_t)next_byte(ctx) << 8 * i;
    memcpy(&wanted, &want, sizeof(wanted));
    must(bits == wanted);
    return true;
}

struct telling {
    const struct embed_answer *answer;
    uint32_t at;
    bool base64;
};

static bool check_vector(void *ctx, const struct json_member *m)
{
    struct telling *t = ctx;
    struct str vector = json_pick_one(m->value, STR("embedding"), JSON_NONE);

    must(json_count(json_pick_one(m->value, STR("index"), JSON_NUMBER)) == t->at);
    if (t->base64)
        json_members(t->answer->vectors[t->at], compare,
                     &(struct comparing){.base64 = vector.ptr + 1});
    else
        must(json_type_of(vector) == JSON_ARRAY);
    t->at++;
    return true;
}

static bool is_too_large(void *ctx, const struct json_member *m)
{
    *(bool *)ctx |= !isfinite(strtof(m->value.ptr, NULL));
    return true;
}

static void tell(const struct embed_answer *answer, bool base64)
{
    struct telling t = {.answer = answer, .base64 = base64};
    struct buf out = {.max = 1 << 24};
    bool too_large = false;

    for (uint32_t i = 0; i < answer->count; i++)
        json_members(answer->vectors[i], is_too_large, &too_large);
    if (embed_write(answer, base64, STR("m"), &out) == 0) {
        must(!(base64 && too_large));
        must(json_scan(buf_str(&out), JSON_DEPTH_MAX, NULL, NULL, NULL));
        json_members(json_pick_one(buf_str(&out), STR("data"), JSON_ARRAY), check_vector, &t);
        must(t.at == answer->count);
    } else {
        must(base64 && too_large);
    }
    buf_done(&out);
}

static void hear(const struct embed_request *r, enum chat_dialect dialect, struct str body)
{
    struct arena a = {.max = 1 << 24};
    struct embed_answer answer;

    if (embed_decode(embedder_find(dialect), r, &a, body, &answer)) {
        must(answer.count == r->texts_count && answer.dimensions > 0 && answer.why == NULL);
        tell(&answer, false);
        tell(&answer, true);
    }
    arena_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str line, rest;
    struct chat_problem p;
    struct embed_request r;
    struct arena a = {.max = 1 << 24};

    str_cut((struct str){(const char *)data, size}, '\n', &line, &rest);
    if (!embed_read(&a, line, DEPTH_MAX, &r, &p)) {
        must(p.fault != FAULT_NONE && p.why.ptr != NULL);
        arena_done(&a);
        return 0;
    }
    must(r.texts_count > 0);
    for (size_t i = 0; i < COUNTOF(targets); i++) {
        struct embed_request once = r;

        once.model = str_from(targets[i].model);
        ask(&once, targets[i].dialect);
        hear(&once, targets[i].dialect, rest);
    }
    arena_done(&a);
    return 0;
}
