/*
 * dialect_responses.h - between the two halves of OpenAI's Responses API: asking and answering.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIM_DIALECT_RESPONSES_H
#define SIM_DIALECT_RESPONSES_H

#include "sim/dialect.h"

/* struct sim_dialect's `read`. */
bool sim_responses_read(struct sim_ask *ask, struct arena *a, yyjson_val *root,
                        struct sim_problem *ret_problem);
/* What is encrypted in the reasoning item of this id: who sends it back has to bring both. */
struct str sim_responses_encrypted(struct str id, struct arena *a);

#endif
