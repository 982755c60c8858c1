/*
 * dialect_openai.h - between the two halves of the OpenAI dialect: asking and answering.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIM_DIALECT_OPENAI_H
#define SIM_DIALECT_OPENAI_H

#include "sim/dialect.h"

enum sim_openai { CHAT, COMPLETIONS, EMBEDDINGS, SPEECH };

/* struct sim_dialect's `model` and `read`. */
struct str sim_openai_model(const struct sim_ask *ask, struct arena *a, yyjson_val *root);
bool sim_openai_read(struct sim_ask *ask, struct arena *a, yyjson_val *root,
                     struct sim_problem *ret_problem);
/* The rest of it, which the Responses API has as well. */
bool sim_openai_fields(const struct sim_head *h, struct http_fields *f, struct arena *a);
void sim_openai_problem(const struct sim_ask *ask, const struct sim_problem *p, struct out *o);
struct sim_problem sim_openai_fault(enum sim_fault f, unsigned status);
/* Refuse with 400 and this; always false. */
bool sim_openai_refuse(struct sim_problem *p, struct str param, struct str code,
                       struct str message);

#endif
