/*
 * embed.h - embeddings that mean something: texts which share words get vectors that are close.
 *
 * Each word has a fixed random direction; a text's vector is their sum, of length 1. Deterministic.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIM_EMBED_H
#define SIM_EMBED_H

#include "sim/dialect.h"

/* Read ask->body (input, dimensions, encoding_format) and write the reply's body. */
void sim_embed(const struct sim_ask *ask, struct out *o);

/* For one text; `ret_vector` has `dims` places. */
void sim_embed_text(struct str text, float *ret_vector, unsigned dims);

#endif
