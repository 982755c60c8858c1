/* SPDX-License-Identifier: Apache-2.0 */
#include "samples.h"

#include <stdlib.h>

void samples_add(struct samples *s, uint64_t ns)
{
    if (s->count == s->room) {
        s->room = s->room == 0 ? 65536 : s->room * 2;
        s->ns = realloc(s->ns, s->room * sizeof(*s->ns));
        if (s->ns == NULL)
            abort();
    }
    s->ns[s->count++] = ns;
}

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

/* Nearest rank: the smallest sample that `share` of all are not above. */
static double percentile_us(const struct samples *s, double share)
{
    size_t rank = (size_t)(share * (double)s->count + 0.999999);

    if (s->count == 0)
        return 0;
    rank = rank == 0 ? 1 : rank;
    return (double)s->ns[rank > s->count ? s->count - 1 : rank - 1] / 1e3;
}

void samples_print(struct samples *s, const char *name, FILE *to)
{
    double sum = 0;

    if (s->count > 0)
        qsort(s->ns, s->count, sizeof(*s->ns), ascending);
    for (size_t i = 0; i < s->count; i++)
        sum += (double)s->ns[i];
    fprintf(to,
            "\"%s\": {\"count\": %zu, \"mean\": %.2f, \"p50\": %.2f, \"p90\": %.2f, "
            "\"p99\": %.2f, \"p999\": %.2f, \"max\": %.2f}",
            name, s->count, s->count > 0 ? sum / (double)s->count / 1e3 : 0.0,
            percentile_us(s, 0.50), percentile_us(s, 0.90), percentile_us(s, 0.99),
            percentile_us(s, 0.999), percentile_us(s, 1.0));
}

void samples_done(struct samples *s)
{
    free(s->ns);
    *s = (struct samples){0};
}
