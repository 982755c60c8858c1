/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/index.h"

bool index_init(struct conf_index *ix, struct arena *a, uint32_t n)
{
    uint32_t slots = 2;

    while (slots < UINT32_MAX / 4 && slots < n * 2u)
        slots *= 2;
    ix->slots = arena_array(a, slots, sizeof(uint32_t));
    ix->mask = slots - 1;
    return ix->slots != NULL;
}

void index_put(struct conf_index *ix, uint64_t hash, uint32_t at)
{
    uint32_t slot = (uint32_t)hash & ix->mask;

    while (ix->slots[slot] != 0)
        slot = (slot + 1) & ix->mask;
    ix->slots[slot] = at + 1; /* 0 is an empty slot */
}

static uint32_t at(const struct conf_index *ix, uint32_t slot)
{
    return ix->slots[slot] != 0 ? ix->slots[slot] - 1 : INDEX_END;
}

uint32_t index_first(const struct conf_index *ix, uint64_t hash, uint32_t *ret_slot)
{
    if (ix->slots == NULL)
        return INDEX_END;
    *ret_slot = (uint32_t)hash & ix->mask;
    return at(ix, *ret_slot);
}

uint32_t index_next(const struct conf_index *ix, uint32_t *slot)
{
    *slot = (*slot + 1) & ix->mask;
    return at(ix, *slot);
}

/* FNV-1a (Fowler, Noll, Vo).  Names come from the operator's file, so nobody can choose them to
 * collide; a client can only ask for names that are not there. */
uint64_t index_hash_name(struct str name)
{
    uint64_t h = 14695981039346656037u;

    for (size_t i = 0; i < name.len; i++)
        h = (h ^ (unsigned char)name.ptr[i]) * 1099511628211u;
    return h ^ (h >> 32);
}

/* A digest is as good as random already. */
uint64_t index_hash_digest(const unsigned char digest[32])
{
    uint64_t h;

    memcpy(&h, digest, sizeof(h));
    return h;
}
