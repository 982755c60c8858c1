/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/target.h"

/* Two failures are noise; an error rate of 8 % makes three in a row once in 2,000 requests. */
#define FAILURES_BEFORE_REST 3u
#define KEYS_TRACKED 64u

bool target_rests(const struct target_state *t, uint64_t now_ms)
{
    return now_ms < atomic_load_explicit(&t->rest_until_ms, memory_order_relaxed);
}

void target_succeeded(struct target_state *t)
{
    /* Read first: in the steady state nothing is written, so the line stays shared. */
    if (atomic_load_explicit(&t->failures, memory_order_relaxed) != 0)
        atomic_store_explicit(&t->failures, 0, memory_order_relaxed);
    if (atomic_load_explicit(&t->rest_until_ms, memory_order_relaxed) != 0)
        atomic_store_explicit(&t->rest_until_ms, 0, memory_order_relaxed);
}

static bool rests_at_once(enum fault f)
{
    return f == FAULT_UPSTREAM_CONNECT || f == FAULT_UPSTREAM_TLS;
}

void target_failed(struct target_state *t, enum fault f, uint64_t retry_after_ms,
                   const struct conf_retry *policy, uint64_t now_ms)
{
    unsigned n = atomic_fetch_add_explicit(&t->failures, 1, memory_order_relaxed) + 1;
    uint64_t rest = retry_after_ms;

    atomic_store_explicit(&t->last_fault, (unsigned)f, memory_order_relaxed);
    if (rest > policy->retry_after_max_ms)
        rest = policy->retry_after_max_ms;
    if ((rests_at_once(f) || n >= FAILURES_BEFORE_REST) && rest < policy->target_rest_ms)
        rest = policy->target_rest_ms;
    if (rest != 0)
        atomic_store_explicit(&t->rest_until_ms, now_ms + rest, memory_order_relaxed);
}

static bool was_tried(uint64_t tried, uint32_t key)
{
    return key < KEYS_TRACKED && (tried >> key & 1) != 0;
}

/* When this key may be asked.  What it was refused for counts more than what it has used up. */
static uint64_t key_free_at(const struct provider_state *p, const struct allowance *all,
                            uint32_t key, uint64_t tokens, uint64_t now_ms)
{
    uint64_t benched = atomic_load_explicit(&p->benched[key], memory_order_relaxed);

    if (benched > now_ms)
        return KEY_BENCHED + benched;
    return all != NULL ? allowance_free_at(&all[key], tokens, now_ms) : 0;
}

uint32_t provider_key_pick(struct provider_state *p, const struct allowance *all, uint64_t tokens,
                           uint64_t tried, uint64_t now_ms)
{
    uint32_t n = p->conf->keys_count, best = KEY_NONE, start;
    uint64_t best_at = UINT64_MAX;

    if (n == 0)
        return KEY_NONE;
    start = atomic_fetch_add_explicit(&p->next_key, 1, memory_order_relaxed) % n;
    for (uint32_t i = 0; i < n && best_at > 0; i++) {
        uint32_t k = (start + i) % n;
        uint64_t free_at;

        if (was_tried(tried, k))
            continue;
        free_at = key_free_at(p, all, k, tokens, now_ms);
        if (free_at < best_at) {
            best = k;
            best_at = free_at;
        }
    }
    return best;
}

uint64_t provider_free_at(const struct provider_state *p, const struct allowance *all,
                          uint64_t tokens, uint64_t now_ms)
{
    uint64_t best_at = KEY_BENCHED;

    if (p->conf->keys_count == 0)
        return all != NULL ? allowance_free_at(all, tokens, now_ms) : 0;
    for (uint32_t k = 0; k < p->conf->keys_count && best_at > 0; k++) {
        uint64_t free_at = key_free_at(p, all, k, tokens, now_ms);

        if (free_at < best_at)
            best_at = free_at;
    }
    return best_at;
}

void provider_key_bench(struct provider_state *p, uint32_t key, uint64_t until_ms)
{
    assert(key < p->conf->keys_count);
    atomic_store_explicit(&p->benched[key], until_ms, memory_order_relaxed);
}
