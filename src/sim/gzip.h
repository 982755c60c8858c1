/*
 * gzip.h - bytes as a gzip file (RFC 1952) of stored blocks (RFC 1951 section 3.2.4).
 *
 * Not to save bytes but to be an upstream that sends Content-Encoding: gzip, without a library.
 * A zeroed struct is ready; each put can be decoded as soon as it has come.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIM_GZIP_H
#define SIM_GZIP_H

#include "sim/out.h"

struct gzip {
    uint32_t crc;
    uint32_t bytes; /* modulo 2^32, as the format has it */
    bool begun;
};

/* CRC-32 of RFC 1952, going on from `crc` (0: at the beginning). */
uint32_t gzip_crc(uint32_t crc, struct str s);
void gzip_put(struct gzip *g, struct str bytes, struct out *o);
void gzip_end(struct gzip *g, struct out *o);
/* The size of the whole file for a body of `n` bytes that is put in one piece. */
uint64_t gzip_size(uint64_t n);

#endif
