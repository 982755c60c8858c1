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

#endif
