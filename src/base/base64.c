/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* `n` bytes, up to three, as four characters. */
static void write_group(const unsigned char *bytes, size_t n, char *to)
{
    uint32_t three = (uint32_t)bytes[0] << 16;

    if (n > 1)
        three |= (uint32_t)bytes[1] << 8;
    if (n > 2)
        three |= bytes[2];
    for (unsigned d = 0; d < 4; d++)
        to[d] = d <= n ? digits[three >> (18 - 6 * d) & 63] : '=';
}

size_t base64_write(const unsigned char *bytes, size_t n, char *to)
{
    for (size_t i = 0; i < n; i += 3)
        write_group(bytes + i, n - i < 3 ? n - i : 3, to + i / 3 * 4);
    return BASE64_LEN(n);
}
