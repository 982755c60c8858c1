/*
 * allowance_read.c - the rate-limit fields of an answer.
 *
 * Their names are made of words: whose they are (x-ratelimit, anthropic-ratelimit, x-tokenlimit),
 * which number (limit, remaining, reset), of what (requests, tokens, input tokens, output tokens)
 * and over which time (minute, hour, day, month).  Any order and any part of it has been seen:
 *
 *     OpenAI, Groq  x-ratelimit-remaining-requests: 59    x-ratelimit-reset-requests: 6m0s, 12ms
 *     Azure         the same without some of them         bare seconds
 *     Cerebras      x-ratelimit-remaining-tokens-minute   33011.38: seconds
 *     Mistral       x-ratelimit-remaining-req-minute      no reset
 *     Together      x-ratelimit-remaining, x-tokenlimit-remaining; x-ratelimit-reset: seconds
 *     OpenRouter    X-RateLimit-Remaining                 milliseconds since 1970
 *     Anthropic     anthropic-ratelimit-input-tokens-remaining; RFC 3339 dates
 *
 * A word that is not known makes the field somebody else's: it is not read.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/allowance.h"

#include <time.h>

#define LIMITS_MAX 12u                /* told by one answer; more are not looked at */
#define RESET_UNTOLD_MS 10000u        /* the shortest of Azure's windows; its answer tells anew */
#define EPOCH_S_LEAST 1000000000u     /* a bare number from here on is a date, in seconds … */
#define EPOCH_MS_LEAST 1000000000000u /* … or milliseconds */

enum part { PART_NONE, PART_LIMIT, PART_LEFT, PART_RESET };
enum what { WHAT_NONE, WHAT_REQUESTS, WHAT_TOKENS, WHAT_INPUT, WHAT_OUTPUT };
enum span { SPAN_NONE, SPAN_MINUTE, SPAN_HOUR, SPAN_DAY, SPAN_MONTH };

struct name { /* a field's, read */
    enum part part;
    enum what what;
    enum span span;
};

struct limit {
    enum what what;
    enum span span;
    bool known; /* its `left` is */
    uint64_t left, limit;
    struct str reset; /* as written; most are never looked at */
};

struct limits {
    struct limit at[LIMITS_MAX];
    unsigned count;
};

/* ---- names ---- */

/* Each field of each answer is asked this. */
static inline bool may_be_one(struct str n)
{
    if (n.len < sizeof("x-ratelimit-limit") - 1)
        return false;
    if ((n.ptr[0] | 0x20) == 'x')
        return n.ptr[11] == '-' || n.ptr[12] == '-';
    return (n.ptr[0] | 0x20) == 'a' && n.len > 20 && n.ptr[19] == '-';
}

static bool eat_prefix(struct str *n, struct name *ret)
{
    static const struct {
        struct str text;
        enum what what; /* when no word says it */
    } prefixes[] = {{STR_INIT("x-ratelimit-"), WHAT_REQUESTS},
                    {STR_INIT("anthropic-ratelimit-"), WHAT_REQUESTS},
                    {STR_INIT("x-tokenlimit-"), WHAT_TOKENS}};

    for (size_t i = 0; i < COUNTOF(prefixes); i++) {
        size_t len = prefixes[i].text.len;

        if (n->len <= len || !str_eq_nocase(str_make(n->ptr, len), prefixes[i].text))
            continue;
        *n = str_skip(*n, len);
        *ret = (struct name){.what = prefixes[i].what};
        return true;
    }
    return false;
}

static bool take_word(struct str word, struct name *n)
{
    static const struct {
        struct str word;
        struct name is;
    } words[] = {
        {STR_INIT("remaining"), {.part = PART_LEFT}},
        {STR_INIT("limit"), {.part = PART_LIMIT}},
        {STR_INIT("reset"), {.part = PART_RESET}},
        {STR_INIT("requests"), {.what = WHAT_REQUESTS}},
        {STR_INIT("req"), {.what = WHAT_REQUESTS}},
        {STR_INIT("tokens"), {.what = WHAT_TOKENS}},
        {STR_INIT("input"), {.what = WHAT_INPUT}},
        {STR_INIT("output"), {.what = WHAT_OUTPUT}},
        {STR_INIT("minute"), {.span = SPAN_MINUTE}},
        {STR_INIT("hour"), {.span = SPAN_HOUR}},
        {STR_INIT("day"), {.span = SPAN_DAY}},
        {STR_INIT("month"), {.span = SPAN_MONTH}},
    };
    size_t i = 0;

    while (i < COUNTOF(words) && !str_eq_nocase(words[i].word, word))
        i++;
    if (i == COUNTOF(words))
        return false;
    if (words[i].is.part != PART_NONE)
        n->part = words[i].is.part;
    if (words[i].is.span != SPAN_NONE)
        n->span = words[i].is.span;
    /* "input-tokens" */
    if (words[i].is.what != WHAT_NONE &&
        !(words[i].is.what == WHAT_TOKENS && (n->what == WHAT_INPUT || n->what == WHAT_OUTPUT)))
        n->what = words[i].is.what;
    return true;
}

static bool read_name(struct str field, struct name *ret)
{
    struct str word;
    bool more;

    if (!eat_prefix(&field, ret))
        return false;
    do {
        more = str_cut(field, '-', &word, &field);
        if (!take_word(word, ret))
            return false;
    } while (more);
    return ret->part != PART_NONE;
}

/* ---- resets ---- */

/* "8.64" in thousandths.  False when there is no digit, or too many. */
static bool eat_thousandths(struct str *s, uint64_t *ret_n)
{
    uint64_t n = 0, digit = 1000;
    size_t i = 0;

    for (; i < s->len && s->ptr[i] >= '0' && s->ptr[i] <= '9'; i++) {
        if (i == 15)
            return false;
        n = n * 10 + (uint64_t)(s->ptr[i] - '0');
    }
    if (i == 0)
        return false;
    n *= 1000;
    if (i < s->len && s->ptr[i] == '.') {
        for (i++; i < s->len && s->ptr[i] >= '0' && s->ptr[i] <= '9'; i++) {
            digit /= 10;
            n += digit * (uint64_t)(s->ptr[i] - '0');
        }
    }
    *s = str_skip(*s, i);
    *ret_n = n;
    return true;
}

static bool eat_unit(struct str *s, uint64_t *ret_ms)
{
    static const struct {
        struct str unit;
        uint64_t ms;
    } units[] = {{STR_INIT("ms"), 1},      {STR_INIT("us"), 0},      {STR_INIT("\xc2\xb5s"), 0},
                 {STR_INIT("ns"), 0},      {STR_INIT("s"), 1000},    {STR_INIT("m"), 60000},
                 {STR_INIT("h"), 3600000}, {STR_INIT("d"), 86400000}};

    for (size_t i = 0; i < COUNTOF(units); i++) {
        if (!str_starts(*s, units[i].unit))
            continue;
        *s = str_skip(*s, units[i].unit.len);
        *ret_ms = units[i].ms;
        return true;
    }
    return false;
}

static uint64_t until(uint64_t date_ms, int64_t wall_ms)
{
    return date_ms > (uint64_t)wall_ms ? date_ms - (uint64_t)wall_ms : 0;
}

/* "6m0s", "12ms", "33011.38", 1767225600, 1767225600000 */
static bool read_duration(struct str s, int64_t wall_ms, uint64_t *ret_ms)
{
    uint64_t sum = 1, n, unit; /* rounded up: a little late is nothing, a little early a 429 */

    if (!eat_thousandths(&s, &n))
        return false;
    if (s.len == 0) {
        if (n / 1000 >= EPOCH_MS_LEAST)
            *ret_ms = until(n / 1000, wall_ms);
        else
            *ret_ms = n / 1000 >= EPOCH_S_LEAST ? until(n, wall_ms) : sum + n;
        return true;
    }
    for (;;) {
        if (!eat_unit(&s, &unit) || n > UINT64_MAX / 86400000u)
            return false;
        sum += n * unit / 1000;
        if (s.len == 0)
            break;
        if (!eat_thousandths(&s, &n))
            return false;
    }
    *ret_ms = sum;
    return true;
}

static bool eat_number(struct str *s, unsigned digits, char end, int *ret_n)
{
    int n = 0;

    if (s->len < digits + (end != '\0'))
        return false;
    for (unsigned i = 0; i < digits; i++) {
        if (s->ptr[i] < '0' || s->ptr[i] > '9')
            return false;
        n = n * 10 + (s->ptr[i] - '0');
    }
    if (end != '\0' && (s->ptr[digits] | 0x20) != (end | 0x20))
        return false;
    *s = str_skip(*s, digits + (end != '\0'));
    *ret_n = n;
    return true;
}

/* "Z", "+02:00": minutes east. */
static bool read_offset(struct str s, int *ret_min)
{
    bool west = s.len > 0 && s.ptr[0] == '-';
    int h, m;

    *ret_min = 0;
    if (s.len == 1 && (s.ptr[0] | 0x20) == 'z')
        return true;
    if (s.len != 6 || (s.ptr[0] != '+' && !west))
        return false;
    s = str_skip(s, 1);
    if (!eat_number(&s, 2, ':', &h) || !eat_number(&s, 2, '\0', &m))
        return false;
    *ret_min = west ? -(h * 60 + m) : h * 60 + m;
    return true;
}

/* "2026-01-31T12:00:00Z" (RFC 3339) */
static bool read_date(struct str s, int64_t wall_ms, uint64_t *ret_ms)
{
    struct tm t = {0};
    int east_min;
    int64_t at_s;

    if (!eat_number(&s, 4, '-', &t.tm_year) || !eat_number(&s, 2, '-', &t.tm_mon) ||
        !eat_number(&s, 2, 'T', &t.tm_mday) || !eat_number(&s, 2, ':', &t.tm_hour) ||
        !eat_number(&s, 2, ':', &t.tm_min) || !eat_number(&s, 2, '\0', &t.tm_sec) ||
        t.tm_year < 1970)
        return false;
    if (s.len > 0 && s.ptr[0] == '.') { /* what is behind the seconds is rounded up */
        t.tm_sec++;
        do {
            s = str_skip(s, 1);
        } while (s.len > 0 && s.ptr[0] >= '0' && s.ptr[0] <= '9');
    }
    if (!read_offset(s, &east_min))
        return false;
    t.tm_year -= 1900;
    t.tm_mon--;
    at_s = timegm(&t) - east_min * 60;
    *ret_ms = at_s > 0 ? until((uint64_t)at_s * 1000, wall_ms) : 0;
    return true;
}

static uint64_t reset_of(const struct limit *l, int64_t wall_ms)
{
    struct str s = str_trim(l->reset);
    uint64_t ms;

    if (read_duration(s, wall_ms, &ms) || read_date(s, wall_ms, &ms))
        return ms;
    return l->span == SPAN_NONE ? RESET_UNTOLD_MS : 60000; /* or longer, which is not believed */
}

/* ---- the fields ---- */

static struct limit *limit_get(struct limits *all, const struct name *n)
{
    struct limit *l = all->at;

    for (; l < all->at + all->count; l++) {
        if (l->what == n->what && l->span == n->span)
            return l;
    }
    if (all->count == LIMITS_MAX)
        return NULL;
    all->count++;
    *l = (struct limit){.what = n->what, .span = n->span};
    return l;
}

static void take_field(struct limits *all, const struct http_field *f)
{
    struct name n;
    struct limit *l;

    if (!read_name(f->name, &n) || (l = limit_get(all, &n)) == NULL)
        return;
    if (n.part == PART_RESET)
        l->reset = f->value;
    else if (n.part == PART_LIMIT)
        (void)!str_to_u64(str_trim(f->value), &l->limit);
    else
        l->known = str_to_u64(str_trim(f->value), &l->left);
}

static const struct limit *tightest(const struct limits *all, bool requests)
{
    const struct limit *best = NULL;

    for (const struct limit *l = all->at; l < all->at + all->count; l++) {
        if (l->known && (l->what == WHAT_REQUESTS) == requests &&
            (best == NULL || l->left < best->left))
            best = l;
    }
    return best;
}

static bool tell(const struct limits *all, int64_t wall_ms, struct allowance_told *ret)
{
    *ret = (struct allowance_told){0};
    for (unsigned u = 0; u < ALLOWANCE_UNITS; u++) {
        const struct limit *l = tightest(all, u == ALLOWANCE_REQUESTS);

        if (l == NULL)
            continue;
        ret->of[u].known = true;
        ret->of[u].left = l->left;
        ret->of[u].limit = l->limit;
        ret->of[u].reset_ms = reset_of(l, wall_ms);
    }
    return ret->of[ALLOWANCE_REQUESTS].known || ret->of[ALLOWANCE_TOKENS].known;
}

bool allowance_is_told(const struct http_fields *f)
{
    for (uint32_t i = 0; i < f->count; i++) {
        if (may_be_one(f->at[i].name))
            return true;
    }
    return false;
}

bool allowance_read(const struct http_fields *f, int64_t wall_ms, struct allowance_told *ret_told)
{
    struct limits all = {.count = 0};

    for (uint32_t i = 0; i < f->count; i++) {
        if (may_be_one(f->at[i].name))
            take_field(&all, &f->at[i]);
    }
    return tell(&all, wall_ms, ret_told);
}
