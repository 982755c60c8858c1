/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rand.h"

#include <sys/random.h>
#include <time.h>

__extension__ typedef unsigned __int128 u128;

static _Thread_local struct rand own;
static _Thread_local bool own_ready;

static uint64_t rotate_left(uint64_t x, unsigned by)
{
    return (x << by) | (x >> (64 - by));
}

static uint64_t splitmix(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void rand_init(struct rand *r, uint64_t seed)
{
    for (size_t i = 0; i < COUNTOF(r->state); i++)
        r->state[i] = splitmix(&seed);
}

void rand_init_any(struct rand *r)
{
    uint64_t seed = 0;

    /* Without the kernel's help two threads must still differ: their clocks and stacks do. */
    if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != (ssize_t)sizeof(seed)) {
        struct timespec now = {0};

        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        seed = (uint64_t)now.tv_nsec ^ ((uint64_t)now.tv_sec << 32) ^ (uint64_t)(uintptr_t)r;
    }
    rand_init(r, seed);
}

struct rand *rand_thread(void)
{
    if (UNLIKELY(!own_ready)) {
        rand_init_any(&own);
        own_ready = true;
    }
    return &own;
}

uint64_t rand_u64(struct rand *r)
{
    uint64_t *s = r->state;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

uint64_t rand_below(struct rand *r, uint64_t n)
{
    u128 product = (u128)rand_u64(r) * n;

    /* The low half tells whether this draw falls into the few that some results have in excess. */
    if ((uint64_t)product < n) {
        uint64_t excess = -n % n;

        while ((uint64_t)product < excess)
            product = (u128)rand_u64(r) * n;
    }
    return (uint64_t)(product >> 64);
}
