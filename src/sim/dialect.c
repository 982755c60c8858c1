/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/dialect.h"

static const struct sim_dialect *const dialects[] = {
    &sim_openai,
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
