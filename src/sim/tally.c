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

/* The slot of this name, a new one if need be; TALLY_NAMES without room. */
static uint64_t slot_get(struct tally *t, uint64_t hash)
{
    for (uint64_t i = 0; i < TALLY_NAMES; i++) {
        uint64_t at = (hash + i) % TALLY_NAMES;

        if (t->slots[at].name != 0 && t->slots[at].name != hash)
            continue;
        t->slots[at].name = hash;
        return at;
    }
    return TALLY_NAMES;
}

uint64_t tally_next(struct tally *t, struct str name)
{
    uint64_t n = UINT64_MAX, at;

    uv_mutex_lock(&t->lock);
    at = slot_get(t, sim_hash_str(0, name) | 1);
    if (at < TALLY_NAMES)
        n = ++t->slots[at].count;
    uv_mutex_unlock(&t->lock);
    return n;
}

struct tally_bucket tally_take(struct tally *t, uint64_t name, uint64_t limit, uint64_t window_ms,
                               uint64_t now_ms)
{
    struct tally_bucket b = {.limit = limit, .left = limit, .reset_ms = window_ms};
    uint64_t at;

    uv_mutex_lock(&t->lock);
    at = slot_get(t, name | 1);
    if (at < TALLY_NAMES) {
        if (t->slots[at].count == 0 || now_ms >= t->slots[at].since_ms + window_ms) {
            t->slots[at].since_ms = now_ms;
            t->slots[at].count = 0;
        }
        b.over = t->slots[at].count >= limit;
        t->slots[at].count += !b.over;
        b.left = limit - t->slots[at].count;
        b.reset_ms = t->slots[at].since_ms + window_ms - now_ms;
    }
    uv_mutex_unlock(&t->lock);
    return b;
}

void tally_clear(struct tally *t)
{
    uv_mutex_lock(&t->lock);
    memset(t->slots, 0, sizeof(t->slots));
    uv_mutex_unlock(&t->lock);
}
