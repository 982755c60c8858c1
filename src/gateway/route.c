/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/route.h"

/* 2^32 divided by the golden ratio: multiples of it, modulo 2^32, fall evenly (Weyl's sequence), so
 * shares are exact to a few requests in any run, where independent random picks would stray by
 * their square root.  One atomic add shares the sequence between threads. */
#define GOLDEN 2654435769u

static struct candidate *add(struct route *r, const struct conf_model *alias,
                             const struct conf_target *t, const struct route_states *st)
{
    struct candidate *c;

    if (r->count == ROUTE_MAX)
        return NULL;
    c = &r->at[r->count++];
    *c = (struct candidate){
        .target = t,
        .provider = &st->providers[t->provider->index],
        .state = &st->targets[t->index],
        .allowances = st->targets[t->index].allowances,
        .alias = alias,
    };
    return c;
}

static uint64_t weight_left(const struct conf_model *alias, uint64_t used)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < alias->targets_count; i++)
        sum += (used >> i & 1) != 0 ? 0 : alias->targets[i].weight;
    return sum;
}

/* The target in whose share of the weights left `at` (0 .. 2^32-1) falls. */
static uint32_t pick(const struct conf_model *alias, uint64_t used, uint64_t sum, uint32_t at)
{
    uint64_t want = (uint64_t)at * sum >> 32;
    uint32_t i = 0;

    for (;; i++) {
        uint64_t w = (used >> i & 1) != 0 ? 0 : alias->targets[i].weight;

        if (want < w)
            return i;
        want -= w;
    }
}

/* The targets that may be asked at all, a bit each, and those of them that rest. */
static uint64_t look_at(const struct conf_model *alias, const struct route_states *st,
                        uint64_t now_ms, uint64_t *ret_resting)
{
    uint64_t all = 0, resting = 0;

    for (uint32_t i = 0; i < alias->targets_count; i++) {
        const struct conf_target *t = &alias->targets[i];

        if (t->weight == 0)
            continue;
        all |= 1ull << i;
        if (target_rests(&st->targets[t->index], now_ms))
            resting |= 1ull << i;
    }
    *ret_resting = resting;
    return all;
}

static void append_weighted(struct route *r, const struct conf_model *alias,
                            const struct route_states *st, uint64_t used, uint32_t ticket)
{
    uint32_t at = ticket * GOLDEN;
    uint64_t sum;

    while ((sum = weight_left(alias, used)) != 0) {
        uint32_t i = pick(alias, used, sum, at);

        if (add(r, alias, &alias->targets[i], st) == NULL)
            return;
        used |= 1ull << i;
        at = at * GOLDEN + 1; /* the order behind the first must not follow from it */
    }
}

static void append_ordered(struct route *r, const struct conf_model *alias,
                           const struct route_states *st, uint64_t used)
{
    for (uint32_t i = 0; i < alias->targets_count; i++) {
        if ((used >> i & 1) == 0 && add(r, alias, &alias->targets[i], st) == NULL)
            return;
    }
}

static void append(struct route *r, const struct conf_model *alias, const struct route_states *st,
                   uint64_t used, uint32_t ticket)
{
    switch (alias->strategy) {
    case STRATEGY_WEIGHTED:
        append_weighted(r, alias, st, used, ticket);
        break;
    case STRATEGY_ORDERED:
        append_ordered(r, alias, st, used);
        break;
    }
}

/* Other threads send targets to rest meanwhile, so each is looked at once: one that was well for
 * the first pass and rests for the second would be in the route twice, or not at all. */
void route_append(struct route *r, const struct conf_model *alias, const struct route_states *st,
                  uint32_t ticket, uint64_t now_ms)
{
    uint64_t resting, all = look_at(alias, st, now_ms, &resting);

    append(r, alias, st, ~(all & ~resting), ticket);
    append(r, alias, st, ~resting, ticket);
}

/* 0: it is well; KEY_BENCHED: it rests, or all of its keys do; else when it has allowance. */
static uint64_t free_at(const struct route *r, const struct candidate *c, uint64_t now_ms)
{
    if (target_rests(c->state, now_ms))
        return KEY_BENCHED;
    return provider_free_at(c->provider, c->allowances, r->tokens, now_ms);
}

/* In this round: the first that is well, or else the one that has allowance first, or else the
 * first that rests. */
static struct candidate *next_in_round(struct route *r, uint64_t now_ms)
{
    struct candidate *best = NULL;
    uint64_t best_at = UINT64_MAX;

    for (uint32_t i = 0; i < r->count && best_at > 0; i++) {
        struct candidate *c = &r->at[i];
        uint64_t at;

        if (c->out || c->asked > r->round)
            continue;
        at = free_at(r, c, now_ms);
        if (at > 0 && at < KEY_BENCHED)
            r->passed = c;
        if (at < best_at) {
            best = c;
            best_at = at;
        }
    }
    r->scarce = best_at > 0;
    if (r->scarce)
        r->passed = NULL;
    return best;
}

/* All were asked: the one that may be asked again first. */
static struct candidate *next_to_be_free(struct route *r)
{
    struct candidate *best = NULL;

    for (uint32_t i = 0; i < r->count; i++) {
        struct candidate *c = &r->at[i];

        if (!c->out && (best == NULL || c->not_before_ms < best->not_before_ms))
            best = c;
    }
    return best;
}

struct candidate *route_next(struct route *r, uint64_t now_ms, uint64_t *ret_wait_ms)
{
    struct candidate *c;

    r->passed = NULL;
    r->scarce = true; /* in the second round whoever is there is asked */
    c = r->round == 0 ? next_in_round(r, now_ms) : NULL;
    if (c == NULL) {
        r->round = 1;
        c = next_to_be_free(r);
    }
    if (c == NULL)
        return NULL;
    *ret_wait_ms = c->not_before_ms > now_ms ? c->not_before_ms - now_ms : 0;
    return c;
}
