/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/retry.h"

/* 2^20 times any initial delay is past every sane cap, and far from overflow. */
#define DOUBLINGS_MAX 20u
#define MS_DIGITS_MAX 12u

/* "250" or "250.5": the fraction is dropped. */
static uint64_t decimal_ms(struct str s, uint64_t unit)
{
    struct str whole, fraction;
    uint64_t n;

    str_cut(str_trim(s), '.', &whole, &fraction);
    if (whole.len > MS_DIGITS_MAX || !str_to_u64(whole, &n))
        return 0;
    for (size_t i = 0; i < fraction.len; i++) {
        if (fraction.ptr[i] < '0' || fraction.ptr[i] > '9')
            return 0;
    }
    n *= unit;
    if (unit > 1 && fraction.len > 0)
        n += (uint64_t)(fraction.ptr[0] - '0') * unit / 10;
    return n;
}

uint64_t retry_after_ms(const struct http_fields *f, int64_t now_s)
{
    struct str ms = http_fields_find(f, STR("retry-after-ms"));
    struct str after = http_fields_find(f, STR("retry-after"));
    int64_t date_s;
    uint64_t n;

    if (ms.ptr != NULL && (n = decimal_ms(ms, 1)) != 0)
        return n;
    if (after.ptr == NULL)
        return 0;
    if ((n = decimal_ms(after, 1000)) != 0)
        return n;
    if (http_date_parse(str_trim(after), &date_s) && date_s > now_s)
        return (uint64_t)(date_s - now_s) * 1000;
    return 0;
}

uint64_t retry_delay_ms(const struct conf_retry *p, unsigned failures, unsigned status,
                        uint64_t retry_after, uint64_t chance)
{
    unsigned n = failures > 0 ? failures - 1 : 0;
    uint64_t ms = (uint64_t)p->initial_ms << (n < DOUBLINGS_MAX ? n : DOUBLINGS_MAX);

    if (status == 502 || status == 503)
        ms *= p->gateway_error_factor;
    ms += p->jitter_ms != 0 ? chance % ((uint64_t)p->jitter_ms + 1) : 0;
    if (ms > p->max_ms)
        ms = p->max_ms;
    return ms > retry_after ? ms : retry_after;
}
