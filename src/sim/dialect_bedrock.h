/*
 * dialect_bedrock.h - between the two halves of Bedrock's Converse: asking and answering.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIM_DIALECT_BEDROCK_H
#define SIM_DIALECT_BEDROCK_H

#include "sim/dialect.h"

enum sim_bedrock { CONVERSE, CONVERSE_STREAM, INVOKE };

/* struct sim_dialect's `model` and `read`. */
struct str sim_bedrock_model(const struct sim_ask *ask, struct arena *a, yyjson_val *root);
bool sim_bedrock_read(struct sim_ask *ask, struct arena *a, yyjson_val *root,
                      struct sim_problem *ret_problem);

/* What INVOKE asks: Titan, or Cohere. */
bool sim_bedrock_is_titan(const struct sim_ask *ask);

/* "/model/NAME/converse" into its parts; false: it is not of that form. */
bool sim_bedrock_cut(struct str path, struct str *ret_model, struct str *ret_action);

#endif
