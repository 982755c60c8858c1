/*
 * route.h - the ordered targets of one exchange, and which of them is asked next.
 *
 * The alias's targets come first, in the order its strategy gives (weighted: by weight, exact over
 * many requests and threads; ordered: as written), then those of its fallbacks.  A target that is
 * out of allowance is asked after all that are not, one that rests after all that are well.  A
 * target of weight 0 is never asked.  Each is asked once before any is asked again; only then
 * back-off waits.
 *
 * Pure but for the target states it reads: time and chance are arguments.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GATEWAY_ROUTE_H
#define GATEWAY_ROUTE_H

#include "gateway/target.h"

#define ROUTE_MAX 64u

struct candidate {
    const struct conf_target *target;
    struct provider_state *provider;
    struct target_state *state;
    struct allowance *allowances;   /* one a key, or one; NULL: nobody counts */
    const struct conf_model *alias; /* it stands in; NULL for provider/model */
    uint64_t keys_tried;            /* a bit a key: refused in this exchange */
    uint64_t not_before_ms;         /* may be asked again from then on */
    uint32_t failures;              /* in this exchange */
    uint32_t asked;                 /* rounds in which it was asked */
    bool out;                       /* cannot serve this exchange any more */
};

struct route {
    struct candidate *at;
    uint32_t count;
    uint32_t round;  /* candidates with asked <= round may be asked */
    uint64_t tokens; /* about so many are asked for */
    /* What the last pick went past, for it was out of allowance; NULL: nothing. */
    const struct candidate *passed;
    bool scarce;    /* it picked one that is not well: nobody is better off */
    uint32_t raced; /* picks that others were faster with */
};

/* Order one alias's targets behind what is in the route.  `ticket` is the alias's running number,
 * which spreads weighted picks evenly. */
struct route_states {
    struct target_state *targets; /* by conf_target.index */
    struct provider_state *providers;
};
void route_append(struct route *r, const struct conf_model *alias, const struct route_states *st,
                  uint32_t ticket, uint64_t now_ms);

/* The next candidate and when: *ret_wait_ms 0 for at once.  NULL: nobody is left. */
struct candidate *route_next(struct route *r, uint64_t now_ms, uint64_t *ret_wait_ms);

#endif
