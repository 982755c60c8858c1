/*
 * out.h - text being written: a buf that remembers whether everything fitted.
 *
 * Generators put dozens of small pieces and look once, at the end, at `full`.  After a piece that
 * did not fit nothing more is written, so what is there is a clean prefix.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIM_OUT_H
#define SIM_OUT_H

#include "base/buf.h"

struct out {
    struct buf buf;
    bool full;
};

void out_put(struct out *o, struct str s);
void out_fmt(struct out *o, const char *fmt, ...) PRINTF_LIKE(2, 3);
void out_u64(struct out *o, uint64_t n);
void out_hex(struct out *o, uint64_t n); /* 16 digits */
/* The inside of a JSON string.  `s` is valid UTF-8. */
void out_escape(struct out *o, struct str s);
/* The same, quoted. */
void out_json(struct out *o, struct str s);
/* Quoted; bytes past ASCII are taken for Latin-1, so that any bytes give valid JSON. */
void out_json_bytes(struct out *o, struct str s);
/* Empty, ready to be filled again; memory beyond `keep` bytes is given back. */
void out_reset(struct out *o, size_t keep);

#define OUT_LIT(o, lit) out_put((o), STR(lit))

static inline struct str out_str(const struct out *o)
{
    return buf_str(&o->buf);
}

#endif
