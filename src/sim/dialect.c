/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/dialect.h"

static const struct sim_dialect *const dialects[] = {
    &sim_openai, &sim_responses, &sim_anthropic, &sim_gemini, &sim_ollama, &sim_bedrock,
};

const struct sim_dialect *sim_dialect_find(struct str method, struct str path,
                                           unsigned *ret_surface)
{
    for (size_t i = 0; i < COUNTOF(dialects); i++) {
        if (dialects[i]->claims(method, path, ret_surface))
            return dialects[i];
    }
    return NULL;
}

const struct sim_dialect *sim_dialect_default(void)
{
    return dialects[0];
}

enum sim_fault sim_dialect_lacks(const struct sim_dialect *d, const struct sim_script *s)
{
    const enum sim_fault *f = d->lacks;

    while (f != NULL && *f != SIM_NONE && !sim_script_has(s, *f))
        f++;
    return f != NULL ? *f : SIM_NONE;
}

bool sim_action_find(const struct str *actions, unsigned count, struct str action,
                     unsigned *ret_surface)
{
    for (unsigned i = 0; i < count; i++) {
        if (str_eq(actions[i], action)) {
            *ret_surface = i;
            return true;
        }
    }
    return false;
}
