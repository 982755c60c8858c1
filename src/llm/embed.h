/*
 * embed.h - embeddings in our own form: texts that go in, vectors that come out.
 *
 * What chat.h is for chats: OpenAI's request is read into a struct embed_request, a row of the
 * table below writes it for its dialect and reads what that answers, and embed_write() tells the
 * answer in OpenAI's form.  Texts are views of JSON as they were written, and so are the numbers
 * of a vector: as floats they pass digit by digit (R49), and only base64, which is float32 by its
 * definition, rounds them.
 *
 * No I/O, no clock; memory from the arena and the buffer that are given.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LLM_EMBED_H
#define LLM_EMBED_H

#include "llm/chat.h"

struct embed_request {
    struct arena *arena;
    struct str model;        /* plain: of the target that is asked */
    struct json_text *texts; /* at least one */
    uint32_t texts_count;
    bool base64;                 /* how the vectors are wanted */
    struct str dimensions;       /* a positive integer, raw; empty: as many as the model gives */
    struct json_text input_type; /* what the vectors are for, in Cohere's words */
    /* As in a chat_request. */
    struct str dropped[CHAT_DROPPED_MAX];
    uint32_t dropped_count;
};

struct embed_answer {
    struct str *vectors; /* raw arrays of numbers, one for each text and in their order */
    uint32_t count, max;
    uint32_t dimensions; /* numbers in each of them */
    bool counted;        /* the provider said how many tokens: */
    uint64_t prompt_tokens;
    const char *why; /* it is no answer; NULL: for no reason worth telling */
};

/* Strict JSON, `depth_max` levels.  false: *p says why; tokens in the place of texts are refused,
 * since no dialect but OpenAI's takes them. */
bool embed_read(struct arena *a, struct str body, unsigned depth_max, struct embed_request *ret,
                struct chat_problem *p);

/* ---- dialects as targets ---- */

struct embedder {
    enum chat_dialect id;
    const char *usage_field; /* of the reply's head, for bodies that do not count; or NULL */
    /* Behind the base URL, in the arena; .ptr NULL without room. */
    struct str (*path)(struct arena *a, const struct embed_request *r);
    /* What cannot be said is dropped (and named) or refused.  false: *p says why. */
    bool (*encode)(struct embed_request *r, struct buf *out, struct chat_problem *p);
    /* Of a checked object; embed_take() has judged each vector that it was given. */
    bool (*decode)(const struct embed_request *r, struct str body, struct embed_answer *ret);
};

/* NULL: that dialect has no embeddings, or they are OpenAI's own form. */
const struct embedder *embedder_find(enum chat_dialect id);

/* Read the body of a 2xx.  false: it is no answer to `r`, and ret->why may say more; a provider
 * that embedded fewer texts than it was given has not answered. */
bool embed_decode(const struct embedder *e, const struct embed_request *r, struct arena *a,
                  struct str body, struct embed_answer *ret);

/* The body in OpenAI's form; `model` is what the client asked for.  A provider that did not count
 * leaves 0 in the usage, where numbers have to stand.  -ERANGE: a number that no float32 holds;
 * else as buf_put(). */
MUST_USE int embed_write(const struct embed_answer *answer, bool base64, struct str model,
                         struct buf *out);

#endif
