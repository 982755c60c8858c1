/* SPDX-License-Identifier: Apache-2.0 */
#include "llm/utf8.h"

static inline bool within(unsigned char c, unsigned lowest, unsigned highest)
{
    return c >= lowest && c <= highest;
}

/* Table 3-7 of the Unicode standard: only the second byte's range depends on the first. */
unsigned utf8_len(const char *at, const char *end)
{
    const unsigned char *p = (const unsigned char *)at;
    size_t room = (size_t)(end - at);

    if (p[0] < 0x80)
        return 1;
    if (p[0] < 0xe0)
        return p[0] >= 0xc2 && room >= 2 && within(p[1], 0x80, 0xbf) ? 2 : 0;
    if (p[0] < 0xf0) {
        if (room < 3 || !within(p[1], p[0] == 0xe0 ? 0xa0 : 0x80, p[0] == 0xed ? 0x9f : 0xbf))
            return 0;
        return within(p[2], 0x80, 0xbf) ? 3 : 0;
    }
    if (p[0] > 0xf4 || room < 4 ||
        !within(p[1], p[0] == 0xf0 ? 0x90 : 0x80, p[0] == 0xf4 ? 0x8f : 0xbf))
        return 0;
    return within(p[2], 0x80, 0xbf) && within(p[3], 0x80, 0xbf) ? 4 : 0;
}

unsigned utf8_put(char *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3f));
        out[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3f));
    out[2] = (char)(0x80 | (c >> 6 & 0x3f));
    out[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

int utf8_hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}
