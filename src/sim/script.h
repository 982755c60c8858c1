/*
 * script.h - a model name, read as an order: "sim?ttft=200ms,tokens=50,cut-rst".
 *
 * What stands before the '?' is the model's name and may be anything; behind it come parameters
 * and fault names (menu.h), separated by commas.  A script is plain data: no memory to give back,
 * but `model` and `tag` point into the text it was read from.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIM_SCRIPT_H
#define SIM_SCRIPT_H

#include "sim/menu.h"
#include "sim/out.h"

struct sim_script {
    struct str model; /* before the '?' */
    struct str tag;
    uint32_t given;                  /* bit of each parameter that has a value */
    uint64_t value[SIM_PARAM_COUNT]; /* ms, numbers, millionths */
    uint8_t pick[SIM_GROUP_COUNT];   /* enum sim_fault; SIM_NONE: none of this group */
};

/* What decides whether the faults of a script apply to this request. */
struct sim_draw {
    uint64_t seed;
    uint64_t counter; /* requests of the whole simulator before this one */
    uint64_t nth;     /* requests of this model name, this one included: 1, 2, … */
};

/* false: `why` got a sentence that names what is wrong and lists what there is. */
MUST_USE bool sim_script_parse(struct str text, struct sim_script *ret_script, struct out *why);

/* Does it need sim_draw's `nth`?  (Counting by model name takes a lock.) */
bool sim_script_counts(const struct sim_script *s);

/* Decide p, fail, flip and every; drop the faults if they do not apply this time, and fill in the
 * parameters that the remaining ones preset.  The same draw always gives the same result. */
void sim_script_settle(struct sim_script *s, const struct sim_draw *d);

static inline bool sim_script_has(const struct sim_script *s, enum sim_fault f)
{
    return s->pick[sim_fault_info(f)->group] == (uint8_t)f;
}

static inline bool sim_script_gives(const struct sim_script *s, enum sim_param p)
{
    return (s->given >> p & 1) != 0;
}

/* A number that looks random and is a function of its arguments. */
uint64_t sim_hash(uint64_t seed, uint64_t n);
uint64_t sim_hash_str(uint64_t seed, struct str s);

#endif
