/*
 * The text exposition format, version 0.0.4:
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 *
 * Built by appending, not by printf: a large configuration has 100,000 lines, and the loop that
 * is asked for them has streams to serve.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/metric_shard.h"

#define DIGITS 20u /* of UINT64_MAX */

struct out {
    struct buf *buf;
    int err; /* the first; nothing is appended after it */
};

static void put(struct out *o, struct str s)
{
    if (o->err == 0)
        o->err = buf_put(o->buf, s);
}

static void put_z(struct out *o, const char *z)
{
    put(o, str_from(z));
}

/* At least `width` digits, zeros in front. */
static void put_u64(struct out *o, uint64_t n, unsigned width)
{
    char digits[DIGITS], *p = digits + DIGITS;

    do {
        *--p = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0 || digits + DIGITS - p < width);
    put(o, str_make(p, (size_t)(digits + DIGITS - p)));
}

static void put_i64(struct out *o, int64_t n)
{
    if (n < 0)
        put_z(o, "-");
    put_u64(o, n < 0 ? 0 - (uint64_t)n : (uint64_t)n, 1);
}

static const char *kind_name(enum metric_kind k)
{
    switch (k) {
    case METRIC_COUNTER:
        return "counter";
    case METRIC_GAUGE:
        return "gauge";
    case METRIC_HISTOGRAM:
        return "histogram";
    }
    return "untyped";
}

static void put_head(struct out *o, const struct metric_info *info)
{
    put_z(o, "# HELP ");
    put_z(o, info->name);
    put_z(o, " ");
    put_z(o, info->help);
    put_z(o, "\n# TYPE ");
    put_z(o, info->name);
    put_z(o, " ");
    put_z(o, kind_name(info->kind));
    put_z(o, "\n");
}

/* `name_suffix{labels,le="…"} `; `le` may be NULL. */
static void put_series(struct out *o, const char *name, const char *suffix, struct str labels,
                       const char *le)
{
    put_z(o, name);
    put_z(o, suffix);
    if (labels.len > 0 || le != NULL) {
        put_z(o, "{");
        put(o, labels);
        if (le != NULL) {
            put_z(o, labels.len > 0 ? ",le=\"" : "le=\"");
            put_z(o, le);
            put_z(o, "\"");
        }
        put_z(o, "}");
    }
    put_z(o, " ");
}

static void put_bucket(struct out *o, const char *name, struct str labels, const char *le,
                       uint64_t count)
{
    put_series(o, name, "_bucket", labels, le);
    put_u64(o, count, 1);
    put_z(o, "\n");
}

static void put_histogram(struct out *o, const struct metric_registry *r, const char *name,
                          const struct series *s)
{
    uint64_t counts[HISTOGRAM_BUCKETS], under[HISTOGRAM_BOUNDS], sum_us, total = 0;

    /* Outcomes nobody has met yet would be most of the text: a histogram with labels appears with
     * its first observation. */
    if (!metric_sum_histogram(r, s->id, counts, &sum_us) && s->labels.len > 0)
        return;
    histogram_fold(counts, under);
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        total += counts[i];
    for (unsigned i = 0; i < HISTOGRAM_BOUNDS; i++)
        put_bucket(o, name, s->labels, histogram_bounds[i].seconds, under[i]);
    put_bucket(o, name, s->labels, "+Inf", total);
    put_series(o, name, "_sum", s->labels, NULL);
    put_u64(o, sum_us / 1000000, 1);
    put_z(o, ".");
    put_u64(o, sum_us % 1000000, 6);
    put_z(o, "\n");
    put_series(o, name, "_count", s->labels, NULL);
    put_u64(o, total, 1); /* not a cell of its own: it must equal the +Inf bucket */
    put_z(o, "\n");
}

static void put_scalar(struct out *o, const struct metric_registry *r,
                       const struct metric_info *info, const struct series *s)
{
    put_series(o, info->name, "", s->labels, NULL);
    put_i64(o, (int64_t)metric_sum_scalar(r, s->id));
    put_z(o, "\n");
}

int metric_render(struct metric_registry *r, struct buf *out)
{
    struct out o = {.buf = out};

    pthread_mutex_lock(&r->lock);
    for (unsigned m = 0; m < METRIC_COUNT && o.err == 0; m++) {
        const struct family *f = &r->families[m];

        put_head(&o, &metric_infos[m]);
        for (uint32_t i = 0; i < f->count && o.err == 0; i++) {
            if (metric_infos[m].kind == METRIC_HISTOGRAM)
                put_histogram(&o, r, metric_infos[m].name, &f->at[i]);
            else
                put_scalar(&o, r, &metric_infos[m], &f->at[i]);
        }
    }
    pthread_mutex_unlock(&r->lock);
    return o.err;
}
