/*
 * suggest.h - "did you mean": the known word nearest to a misspelt one.
 *
 * Distance is Damerau-Levenshtein's (optimal string alignment): insert, drop, change, swap two
 * neighbours.  Words over SUGGEST_BYTES are not compared.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONF_SUGGEST_H
#define CONF_SUGGEST_H

#include "base/str.h"

#define SUGGEST_BYTES 64u

struct suggest {
    struct str wanted;
    struct str best; /* empty: nothing is near */
    unsigned distance;
};

void suggest_start(struct suggest *s, struct str wanted);
void suggest_offer(struct suggest *s, struct str known);
/* Edits from a to b, ignoring ASCII case; SUGGEST_BYTES when one is too long. */
unsigned suggest_distance(struct str a, struct str b);

/* "; did you mean `x`?", or nothing: for the end of a message. */
struct suggestion {
    char text[256];
};
struct suggestion suggest_text(const struct suggest *s);
/* The same for `count` records, `stride` bytes apart, that begin with their name (struct str).
 * When none is near: "; known: a, b, c". */
struct suggestion suggest_among(struct str wanted, const void *records, size_t stride,
                                uint32_t count);

#endif
