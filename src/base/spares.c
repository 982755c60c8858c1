/* SPDX-License-Identifier: Apache-2.0 */
#include "base/spares.h"

static void free_some(struct spares *s, unsigned n, spare_free_fn *free_one)
{
    while (n-- > 0)
        free_one(spares_take(s));
}

void spares_trim(struct spares *s, spare_free_fn *free_one)
{
    free_some(s, s->idle - s->idle / 2, free_one);
    s->idle = s->count;
}

void spares_done(struct spares *s, spare_free_fn *free_one)
{
    free_some(s, s->count, free_one);
    *s = (struct spares){0};
}
