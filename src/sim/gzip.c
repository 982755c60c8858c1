/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/gzip.h"

#define BLOCK_MAX 65535u
#define HEADER_BYTES 10u
#define BLOCK_BYTES 5u
#define TRAILER_BYTES 8u

/* Four bits at a time: the table fits on a line or two. */
uint32_t gzip_crc(uint32_t crc, struct str s)
{
    static const uint32_t table[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
                                       0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
                                       0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
                                       0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};

    crc = ~crc;
    for (size_t i = 0; i < s.len; i++) {
        crc ^= (unsigned char)s.ptr[i];
        crc = (crc >> 4) ^ table[crc & 15];
        crc = (crc >> 4) ^ table[crc & 15];
    }
    return ~crc;
}

static void put_le(struct out *o, uint32_t n, unsigned bytes)
{
    char le[4];

    for (unsigned i = 0; i < bytes; i++)
        le[i] = (char)(n >> (8 * i) & 0xff);
    out_put(o, str_make(le, bytes));
}

static void put_block(struct out *o, struct str s, bool last)
{
    put_le(o, last ? 1 : 0, 1);
    put_le(o, (uint32_t)s.len, 2);
    put_le(o, ~(uint32_t)s.len & 0xffff, 2);
    out_put(o, s);
}

static void begin(struct gzip *g, struct out *o)
{
    if (!g->begun)
        out_put(o, str_make("\x1f\x8b\x08\0\0\0\0\0\0\xff", HEADER_BYTES));
    g->begun = true;
}

void gzip_put(struct gzip *g, struct str bytes, struct out *o)
{
    begin(g, o);
    g->crc = gzip_crc(g->crc, bytes);
    g->bytes += (uint32_t)bytes.len;
    while (bytes.len > 0) {
        size_t n = bytes.len < BLOCK_MAX ? bytes.len : BLOCK_MAX;

        put_block(o, str_make(bytes.ptr, n), false);
        bytes = str_skip(bytes, n);
    }
}

void gzip_end(struct gzip *g, struct out *o)
{
    begin(g, o);
    put_block(o, STR(""), true);
    put_le(o, g->crc, 4);
    put_le(o, g->bytes, 4);
}

uint64_t gzip_size(uint64_t n)
{
    uint64_t blocks = (n + BLOCK_MAX - 1) / BLOCK_MAX + 1;

    return HEADER_BYTES + n + blocks * BLOCK_BYTES + TRAILER_BYTES;
}
