/*
 * embed.h - embeddings that mean something: texts which share words get vectors that are close.
 *
 * Each word has a fixed random direction; a text's vector is their sum, of length 1. Deterministic.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIM_EMBED_H
#define SIM_EMBED_H

#include "sim/dialect.h"

#define SIM_DIMS_MAX 4096u

/* The replies' bodies; each reads ask->body for what is to be embedded, and how. */
void sim_embed(const struct sim_talk *t, struct out *o);
void sim_embed_gemini(const struct sim_talk *t, bool batch, struct out *o);
void sim_embed_ollama(const struct sim_talk *t, struct out *o);
void sim_embed_titan(const struct sim_talk *t, struct out *o);
void sim_embed_cohere(const struct sim_talk *t, struct out *o);

/* For one text; `ret_vector` has `dims` places. */
void sim_embed_text(struct str text, float *ret_vector, unsigned dims);

/* The vectors of one reply while they are written. */
struct sim_embedder {
    struct out *out;
    unsigned dims;
    uint64_t count, max; /* given so far, and at most: a fault gives less than it should */
    uint64_t tokens;
    float vector[SIM_DIMS_MAX]; /* the last one */
};

/* `texts` are to be embedded; `dims` is the number of dimensions if one was asked for. */
void sim_embedder_start(struct sim_embedder *e, const struct sim_talk *t, uint64_t texts,
                        yyjson_val *dims, struct out *o);
/* The vector of the next text, and a comma before its place when it is not the first.  False:
 * there is none. */
bool sim_embedder_next(struct sim_embedder *e, struct str text);
/* That vector as a list of numbers. */
void sim_embedder_put(const struct sim_embedder *e);
/* "name":N unless the script wants no usage; `before` is what separates it. */
void sim_embedder_usage(const struct sim_embedder *e, const struct sim_talk *t, struct str before,
                        struct str name);

#endif
