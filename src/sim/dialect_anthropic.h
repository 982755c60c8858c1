/*
 * dialect_anthropic.h - between the parts of the Anthropic dialect: what a request may say, reading
 * it, answering.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIM_DIALECT_ANTHROPIC_H
#define SIM_DIALECT_ANTHROPIC_H

#include "sim/dialect.h"
#include "sim/shape.h"

enum sim_anthropic { MESSAGES, COUNT_TOKENS };

extern const struct shape sim_anthropic_messages, sim_anthropic_count;

/* struct sim_dialect's `model` and `read`. */
struct str sim_anthropic_model(const struct sim_ask *ask, struct arena *a, yyjson_val *root);
bool sim_anthropic_read(struct sim_ask *ask, struct arena *a, yyjson_val *root,
                        struct sim_problem *ret_problem);

/* The part of `read` that does not look at the turns. */
bool sim_anthropic_check(const struct sim_ask *ask, struct arena *a, yyjson_val *root,
                         struct sim_problem *ret_problem);
bool sim_anthropic_thinks(yyjson_val *root); /* is it asked to? */
/* Its `fields`, `fault` and `problem`. */
bool sim_anthropic_fields(const struct sim_head *h, struct http_fields *f, struct arena *a);
struct sim_problem sim_anthropic_fault(enum sim_fault f, unsigned status);
void sim_anthropic_problem(const struct sim_ask *ask, const struct sim_problem *p, struct out *o);

/* What a thinking block is signed with: a function of its text, so that a request that hands one
 * back can be judged. */
struct str sim_anthropic_signature(struct str thinking, struct arena *a);

#endif
