/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/allowance.h"

/* A guess at a request's tokens that is more than this part of a window's says more about the guess
 * (pictures are in the body, too) than about the request. */
#define GUESS_PART 4u
#define TOKENS_MOST                                                                                \
    (1ull << 32) /* of one request; whatever a body says, sums stay far from 2^64                  \
                  */

#define LEFT_MOST (1ull << 62) /* "no limit" is told as 2^64-1, too */

static uint64_t load(const atomic_uint_fast64_t *n)
{
    return atomic_load_explicit(n, memory_order_relaxed);
}

static void store(atomic_uint_fast64_t *n, uint64_t value)
{
    atomic_store_explicit(n, value, memory_order_relaxed);
}

static uint64_t weigh(const struct allowance *a, uint64_t tokens)
{
    uint64_t limit = load(&a->tokens_limit), most = limit / GUESS_PART;

    if (tokens > TOKENS_MOST)
        tokens = TOKENS_MOST;
    if (limit != 0 && tokens > most)
        tokens = most;
    return tokens > 0 ? tokens : 1;
}

struct allowance_mark allowance_send(struct allowance *a, uint64_t tokens)
{
    struct allowance_mark m = {.weight = {1, weigh(a, tokens)}};

    for (unsigned u = 0; u < ALLOWANCE_UNITS; u++)
        m.sent[u] = m.weight[u] +
                    atomic_fetch_add_explicit(&a->of[u].sent, m.weight[u], memory_order_relaxed);
    return m;
}

/* Of two threads that want the last one, the one whose count is the last one has it. */
bool allowance_take(struct allowance *a, uint64_t tokens, uint64_t now_ms,
                    struct allowance_mark *ret_mark)
{
    struct allowance_mark mark = allowance_send(a, tokens);

    for (unsigned u = 0; u < ALLOWANCE_UNITS; u++) {
        if (load(&a->of[u].until_ms) > now_ms && mark.sent[u] > load(&a->of[u].sent_max)) {
            allowance_return(a, &mark);
            return false;
        }
    }
    *ret_mark = mark;
    return true;
}

void allowance_return(struct allowance *a, const struct allowance_mark *mark)
{
    for (unsigned u = 0; u < ALLOWANCE_UNITS; u++)
        atomic_fetch_sub_explicit(&a->of[u].sent, mark->weight[u], memory_order_relaxed);
}

/* The end of what is told by an answer. */
static void learn_max(struct allowance *a, unsigned u, uint64_t mark, uint64_t sent_max,
                      uint64_t now_ms)
{
    bool together = load(&a->of[u].until_ms) > now_ms && mark <= load(&a->of[u].told_at);

    if (!together)
        store(&a->of[u].told_at, load(&a->of[u].sent));
    else if (sent_max > load(&a->of[u].sent_max))
        return;
    store(&a->of[u].sent_max, sent_max);
}

void allowance_learn(struct allowance *a, const struct allowance_mark *mark,
                     const struct allowance_told *told, uint32_t trust_ms, uint64_t now_ms)
{
    if (trust_ms == 0)
        return;
    for (unsigned u = 0; u < ALLOWANCE_UNITS; u++) {
        uint64_t reset_ms = told->of[u].reset_ms, left = told->of[u].left;

        if (!told->of[u].known)
            continue;
        if (left > LEFT_MOST)
            left = LEFT_MOST;
        learn_max(a, u, mark->sent[u], mark->sent[u] + left, now_ms);
        store(&a->of[u].until_ms, now_ms + (reset_ms < trust_ms ? reset_ms : trust_ms));
    }
    if (told->of[ALLOWANCE_TOKENS].known)
        store(&a->tokens_limit, told->of[ALLOWANCE_TOKENS].limit);
}

uint64_t allowance_free_at(const struct allowance *a, uint64_t tokens, uint64_t now_ms)
{
    uint64_t free_at = 0;

    for (unsigned u = 0; u < ALLOWANCE_UNITS; u++) {
        uint64_t until = load(&a->of[u].until_ms), weight;

        if (until <= now_ms || until <= free_at)
            continue;
        weight = u == ALLOWANCE_TOKENS ? weigh(a, tokens) : 1;
        if (load(&a->of[u].sent) + weight > load(&a->of[u].sent_max))
            free_at = until;
    }
    return free_at;
}
