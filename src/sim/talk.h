/*
 * talk.h - the content of one answer, event by event.
 *
 * First the reasoning, then the text or the tool calls.  Which words those are depends on the
 * request, the script's parameters and the seed alone.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIM_TALK_H
#define SIM_TALK_H

#include "sim/dialect.h"

/* false: the arena has no room.  `scratch` is overwritten. */
MUST_USE bool sim_talk_init(struct sim_talk *t, const struct sim_dialect *d,
                            const struct sim_ask *ask, const struct sim_script *script,
                            uint64_t seed, uint64_t id, struct arena *a, struct out *scratch);
/* Content events still to come. */
uint64_t sim_talk_left(const struct sim_talk *t);
/* Append the next one.  Only when there is one. */
void sim_talk_next(struct sim_talk *t, struct out *o);
/* For a dialect: where the tool event `at` belongs. */
struct sim_tool_part sim_talk_tool(const struct sim_talk *t, uint64_t at);
uint64_t sim_talk_calls(const struct sim_talk *t); /* 0: an answer in text */
/* Whether the script picks this. */
bool sim_talk_has(const struct sim_talk *t, enum sim_fault f);
struct str sim_talk_tool_name(const struct sim_talk *t, uint64_t call);
/* A call's arguments: their part 1 to SIM_TOOL_PARTS, or 0 for all of them, which are a JSON
 * object. `quoted`: as the inside of a JSON string. */
void sim_tool_arguments(uint64_t call, unsigned part, bool quoted, struct out *o);

#endif
