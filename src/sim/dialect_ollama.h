/*
 * dialect_ollama.h - between the two halves of Ollama's own dialect: asking and answering.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIM_DIALECT_OLLAMA_H
#define SIM_DIALECT_OLLAMA_H

#include "sim/dialect.h"

enum sim_ollama { OLLAMA_CHAT, OLLAMA_EMBED };

/* struct sim_dialect's `model` and `read`. */
struct str sim_ollama_model(const struct sim_ask *ask, struct arena *a, yyjson_val *root);
bool sim_ollama_read(struct sim_ask *ask, struct arena *a, yyjson_val *root,
                     struct sim_problem *ret_problem);

#endif
