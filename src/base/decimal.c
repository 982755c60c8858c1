/* SPDX-License-Identifier: Apache-2.0 */
#include "base/decimal.h"

struct str decimal_write(uint64_t n, char text[DECIMAL_BYTES_MAX])
{
    size_t at = DECIMAL_BYTES_MAX;

    do {
        text[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n != 0);
    return str_make(text + at, DECIMAL_BYTES_MAX - at);
}
