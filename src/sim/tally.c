/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/tally.h"

#include "sim/script.h"

int tally_init(struct tally *t)
{
    memset(t->slots, 0, sizeof(t->slots));
    return uv_mutex_init(&t->lock);
}

void tally_done(struct tally *t)
{
    uv_mutex_destroy(&t->lock);
}

uint64_t tally_next(struct tally *t, struct str name)
{
    uint64_t hash = sim_hash_str(0, name) | 1, n = UINT64_MAX;

    uv_mutex_lock(&t->lock);
    for (uint64_t i = 0; i < TALLY_NAMES; i++) {
        uint64_t at = (hash + i) % TALLY_NAMES;

        if (t->slots[at].name != 0 && t->slots[at].name != hash)
            continue;
        t->slots[at].name = hash;
        n = ++t->slots[at].count;
        break;
    }
    uv_mutex_unlock(&t->lock);
    return n;
}

void tally_clear(struct tally *t)
{
    uv_mutex_lock(&t->lock);
    memset(t->slots, 0, sizeof(t->slots));
    uv_mutex_unlock(&t->lock);
}
