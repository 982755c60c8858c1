/* SPDX-License-Identifier: Apache-2.0 */
#include "base/histogram.h"

/* Steps of 1, 2.5 and 5, closer together where the gateway's own time and answers of models are. */
const struct histogram_bound histogram_bounds[HISTOGRAM_BOUNDS] = {
    {10, "0.00001"},    {25, "0.000025"},   {35, "0.000035"},   {50, "0.00005"},  {75, "0.000075"},
    {100, "0.0001"},    {150, "0.00015"},   {250, "0.00025"},   {500, "0.0005"},  {1000, "0.001"},
    {2500, "0.0025"},   {5000, "0.005"},    {10000, "0.01"},    {25000, "0.025"}, {50000, "0.05"},
    {100000, "0.1"},    {250000, "0.25"},   {500000, "0.5"},    {1000000, "1"},   {2500000, "2.5"},
    {5000000, "5"},     {10000000, "10"},   {15000000, "15"},   {30000000, "30"}, {60000000, "60"},
    {120000000, "120"}, {300000000, "300"}, {600000000, "600"},
};

uint64_t histogram_bucket_end(unsigned bucket)
{
    unsigned octave = bucket >> HISTOGRAM_SUB_BITS;
    unsigned shift = octave > 0 ? octave - 1 : 0;

    assert(bucket < HISTOGRAM_BUCKETS);
    return (((uint64_t)bucket - ((uint64_t)shift << HISTOGRAM_SUB_BITS) + 1) << shift) - 1;
}

void histogram_fold(const uint64_t counts[HISTOGRAM_BUCKETS], uint64_t ret_under[HISTOGRAM_BOUNDS])
{
    uint64_t sum = 0;
    unsigned bucket = 0;

    for (unsigned i = 0; i < HISTOGRAM_BOUNDS; i++) {
        while (bucket < HISTOGRAM_BUCKETS && histogram_bucket_end(bucket) <= histogram_bounds[i].us)
            sum += counts[bucket++];
        ret_under[i] = sum;
    }
}

uint64_t histogram_quantile(const uint64_t counts[HISTOGRAM_BUCKETS], double q)
{
    uint64_t total = 0, seen = 0, rank;

    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        total += counts[i];
    if (total == 0)
        return 0;
    q = q < 0 ? 0 : q > 1 ? 1 : q;
    rank = (uint64_t)(q * (double)total + 0.5);
    rank = rank < 1 ? 1 : rank > total ? total : rank;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += counts[i];
        if (seen >= rank)
            return histogram_bucket_end(i);
    }
    return histogram_bucket_end(HISTOGRAM_BUCKETS - 1);
}
