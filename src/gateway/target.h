/*
 * target.h - what the process learns about targets and keys while it runs.
 *
 * A target that cannot be connected to, that fails three times in a row, or that answers with a
 * Retry-After, rests: others are asked before it, but it is asked when nobody else is left.  A
 * credential that was refused is benched for a while; one that is out of allowance (allowance.h) is
 * asked behind those that are not.  All of it is exact for the process: atomics shared by the
 * threads, one cache line a target.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GATEWAY_TARGET_H
#define GATEWAY_TARGET_H

#include <stdatomic.h>

#include "base/fault.h"
#include "conf/conf.h"
#include "gateway/allowance.h"

struct entra;
struct entra_fetch;
struct http_origin;

struct target_state {
    _Alignas(64) atomic_uint_fast64_t rest_until_ms; /* loop time; 0 when it is well */
    atomic_uint failures;                            /* in a row */
    atomic_uint last_fault;                          /* enum fault, for the admin API */
    struct allowance *allowances; /* of its page (allowance_book.h); NULL: nobody counts */
};

struct provider_state {
    const struct conf_provider *conf;
    struct http_origin *origin;
    struct ssl_ctx_st *tls;
    atomic_uint next_key;            /* rotation */
    atomic_uint_fast64_t *benched;   /* until when, a key; keys_count of them */
    struct entra *entra;             /* Azure's tokens; NULL: it has keys, or none */
    struct entra_fetch *entra_fetch; /* of the first loop's */
    atomic_bool version_warned;
    struct target_state direct; /* for provider/model without an alias */
};

bool target_rests(const struct target_state *t, uint64_t now_ms);
void target_succeeded(struct target_state *t);
/* `retry_after_ms` 0: the reply named none. */
void target_failed(struct target_state *t, enum fault f, uint64_t retry_after_ms,
                   const struct conf_retry *policy, uint64_t now_ms);

#define KEY_NONE UINT32_MAX
/* The next credential in rotation that is not benched, not out of allowance for a request of about
 * so many tokens (`all`: of its model, NULL where nobody counts), and not in `tried` (a bit a key,
 * the first 64 keys).  When there is none, the one whose allowance comes first; when all are
 * benched, the one whose bench ends first, so that an only key is not lost to one refusal.
 * KEY_NONE: all were tried, or the provider has none. */
uint32_t provider_key_pick(struct provider_state *p, const struct allowance *all, uint64_t tokens,
                           uint64_t tried, uint64_t now_ms);
/* When a credential is at hand for such a request: 0 for now (or none is needed), KEY_BENCHED when
 * all are benched; else when the first has allowance. */
#define KEY_BENCHED (1ull << 62)
uint64_t provider_free_at(const struct provider_state *p, const struct allowance *all,
                          uint64_t tokens, uint64_t now_ms);
void provider_key_bench(struct provider_state *p, uint32_t key, uint64_t until_ms);

#endif
