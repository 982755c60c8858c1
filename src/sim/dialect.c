/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/dialect.h"

static const struct sim_dialect *const dialects[] = {
    &sim_openai,
    &sim_anthropic,
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
