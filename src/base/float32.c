/* SPDX-License-Identifier: Apache-2.0 */
#include "base/float32.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#define DIGITS_MAX 19u /* of a uint64_t, whatever they are */
#define EXPONENT_MAX 22
#define EXPONENT_READ_MAX 64u /* it may stand behind many digits */

struct reading {
    const char *at, *end;
    uint64_t digits;
    unsigned digits_count; /* leading zeros are none */
    int exponent;
};

static void read_digits(struct reading *r, bool fraction)
{
    for (; r->at < r->end && *r->at >= '0' && *r->at <= '9'; r->at++) {
        r->digits = r->digits * 10 + (uint64_t)(*r->at - '0');
        r->digits_count += r->digits_count > 0 || *r->at != '0';
        r->exponent -= fraction;
    }
}

/* "e-05", or nothing.  False: too large to be ours. */
static bool read_exponent(struct reading *r)
{
    const char *at = r->at;
    bool negative;
    uint64_t n;

    if (at == r->end)
        return true;
    at++;
    negative = *at == '-';
    at += negative || *at == '+';
    if (!str_to_u64(str_make(at, (size_t)(r->end - at)), &n) || n > EXPONENT_READ_MAX)
        return false;
    r->exponent += negative ? -(int)n : (int)n;
    return true;
}

/* Powers of ten up to 10^22 are exact in a double, so the digits and one operation are rounded
 * once each: what comes out is less than three units of a double's last place from the number. */
static double nearly(const struct reading *r)
{
    static const double powers[EXPONENT_MAX + 1] = {
        1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
        1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
    };

    return r->exponent < 0 ? (double)r->digits / powers[-r->exponent]
                           : (double)r->digits * powers[r->exponent];
}

/* Whether nothing within that distance rounds to another float: the bits that a float32 has not say
 * how far it is half-way to the next one. */
static bool is_sure(double d)
{
    const uint64_t half = 1u << 28, near = 3;
    uint64_t bits, rest;

    if (d == 0)
        return true;
    if (d < (double)FLT_MIN * 2 || d > (double)FLT_MAX / 2)
        return false;
    memcpy(&bits, &d, sizeof(bits));
    rest = bits & (2 * half - 1);
    return rest < half - near || rest > half + near;
}

float float32_read(struct str number)
{
    bool negative = number.ptr[0] == '-';
    struct reading r = {.at = number.ptr + negative, .end = number.ptr + number.len};
    double d;

    read_digits(&r, false);
    if (r.at < r.end && *r.at == '.') {
        r.at++;
        read_digits(&r, true);
    }
    if (r.digits_count > DIGITS_MAX || !read_exponent(&r) || abs(r.exponent) > EXPONENT_MAX)
        return strtof(number.ptr, NULL);
    d = nearly(&r);
    if (!is_sure(d))
        return strtof(number.ptr, NULL);
    return (float)(negative ? -d : d);
}
