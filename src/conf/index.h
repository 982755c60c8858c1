/*
 * index.h - find a record by its name, or a client key by its digest, without looking at all.
 *
 * Open addressing over positions in an array that no longer changes; at most half full.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONF_INDEX_H
#define CONF_INDEX_H

#include "conf/conf.h"

/* Room for `n` records.  False without memory. */
MUST_USE bool index_init(struct conf_index *ix, struct arena *a, uint32_t n);
void index_put(struct conf_index *ix, uint64_t hash, uint32_t at);

/* Walk the positions that may match `hash`:
 *     for (uint32_t i = index_first(ix, hash, &slot); i != INDEX_END; i = index_next(ix, &slot)) */
#define INDEX_END UINT32_MAX
uint32_t index_first(const struct conf_index *ix, uint64_t hash, uint32_t *ret_slot);
uint32_t index_next(const struct conf_index *ix, uint32_t *slot);

uint64_t index_hash_name(struct str name);
uint64_t index_hash_digest(const unsigned char digest[32]);

#endif
