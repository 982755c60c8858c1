/*
 * dialect_gemini.h - between the parts of the Gemini dialect: what a request may say, reading it,
 * answering.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIM_DIALECT_GEMINI_H
#define SIM_DIALECT_GEMINI_H

#include "sim/dialect.h"
#include "sim/shape.h"

enum sim_gemini { GENERATE, GENERATE_STREAM, COUNT, EMBED, EMBED_BATCH };

extern const struct shape sim_gemini_generate, sim_gemini_count;
extern const struct shape sim_gemini_embed, sim_gemini_embed_batch;

/* struct sim_dialect's `model`, `read`, `fault` and `problem`. */
struct str sim_gemini_model(const struct sim_ask *ask, struct arena *a, yyjson_val *root);
bool sim_gemini_read(struct sim_ask *ask, struct arena *a, yyjson_val *root,
                     struct sim_problem *ret_problem);
struct sim_problem sim_gemini_fault(enum sim_fault f, unsigned status);
void sim_gemini_problem(const struct sim_ask *ask, const struct sim_problem *p, struct out *o);

/* "models/NAME:action" into its two parts; false: it is not of that form. */
bool sim_gemini_cut(struct str path, struct str *ret_model, struct str *ret_action);
/* Is the stream of server-sent events, or one array of JSON? */
enum sim_framing sim_gemini_framing(const struct sim_ask *ask);

/* What all signatures of thoughts begin with here. */
#define SIM_GEMINI_SIGNATURE "sim0"

#endif
