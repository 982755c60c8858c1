/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"

#include <string.h>

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

static int digit_value(char c)
{
    const char *at;

    if (c == '-')
        return 62;
    if (c == '_')
        return 63;
    at = c != '\0' ? strchr(digits, c) : NULL;
    return at != NULL ? (int)(at - digits) : -1;
}

ptrdiff_t base64_read(const char *text, size_t n, unsigned char *to)
{
    uint32_t bits = 0;
    size_t len = 0;

    if (n > 0 && n % 4 == 0 && text[n - 1] == '=')
        n -= text[n - 2] == '=' ? 2 : 1;
    if (n % 4 == 1)
        return -1;
    for (size_t i = 0; i < n; i++) {
        int value = digit_value(text[i]);

        if (value < 0)
            return -1;
        bits = bits << 6 | (uint32_t)value;
        if (i % 4 != 0)
            to[len++] = (unsigned char)(bits >> (6 - 2 * (i % 4)));
    }
    return (ptrdiff_t)len;
}
