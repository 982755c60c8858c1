/* SPDX-License-Identifier: Apache-2.0 */
#include "base/metric.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/metric_shard.h"

#define LABEL_BYTES_MAX ((size_t)8 << 20) /* all label texts together */

const struct metric_info metric_infos[METRIC_COUNT] = {
#define X(name, kind, exported, labels, help)                                                      \
    [METRIC_##name] = {exported, labels, help, METRIC_##kind},
    METRIC_MAP(X)
#undef X
};

struct metric_registry *metric_registry_new(void)
{
    struct metric_registry *r = calloc(1, sizeof(*r));

    if (r == NULL)
        return NULL;
    pthread_mutex_init(&r->lock, NULL);
    r->mem.max = LABEL_BYTES_MAX;
    r->scalars = 1; /* 0 is the series nobody exports */
    /* A metric without labels is there from the start: absent and zero are not the same alert. */
    for (unsigned m = 0; m < METRIC_COUNT; m++) {
        if (metric_infos[m].labels[0] == '\0')
            (void)metric_series_get(r, (enum metric)m, NULL, 0);
    }
    return r;
}

void metric_registry_free(struct metric_registry *r)
{
    if (r == NULL)
        return;
    metric_shards_free(r->shards);
    for (unsigned m = 0; m < METRIC_COUNT; m++)
        free(r->families[m].at);
    arena_done(&r->mem);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

static int put_escaped(struct buf *out, struct str value)
{
    int err = 0;

    for (size_t i = 0; err == 0 && i < value.len; i++) {
        char c = value.ptr[i];

        if (c == '\n')
            err = buf_put(out, STR("\\n"));
        else if (c == '"' || c == '\\')
            err = buf_put(out, (struct str){(char[]){'\\', c}, 2});
        else
            err = buf_put(out, str_make(&c, 1));
    }
    return err;
}

/* `provider="openai",model="gpt-4o"` */
static int put_labels(struct buf *out, const char *names, const struct str *values, unsigned n)
{
    struct str name, rest = str_from(names);
    int err = 0;

    for (unsigned i = 0; err == 0 && i < n; i++) {
        assert(rest.len > 0); /* more values than the table has labels */
        (void)str_cut(rest, ',', &name, &rest);
        err = buf_printf(out, "%s%.*s=\"", i > 0 ? "," : "", STR_ARG(name));
        if (err == 0)
            err = put_escaped(out, values[i]);
        if (err == 0)
            err = buf_put(out, STR("\""));
    }
    assert(err != 0 || rest.len == 0); /* fewer */
    return err;
}

static int compare(struct str a, struct str b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int order = n > 0 ? memcmp(a.ptr, b.ptr, n) : 0;

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* Where `labels` is or would be; *ret_found tells which. */
static uint32_t place_of(const struct family *f, struct str labels, bool *ret_found)
{
    uint32_t low = 0, high = f->count;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        int order = compare(f->at[mid].labels, labels);

        if (order == 0) {
            *ret_found = true;
            return mid;
        }
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    *ret_found = false;
    return low;
}

static bool family_grow(struct family *f)
{
    uint32_t cap = f->cap == 0 ? 8 : f->cap * 2;
    struct series *at;

    if (f->count < f->cap)
        return true;
    at = realloc(f->at, cap * sizeof(*at));
    if (at == NULL)
        return false;
    f->at = at;
    f->cap = cap;
    return true;
}

/* 0 when every id of the kind is given out. */
static metric_series id_take(struct metric_registry *r, enum metric_kind kind)
{
    if (kind == METRIC_HISTOGRAM)
        return r->histograms < HISTOGRAMS_MAX ? r->histograms++ | METRIC_IS_HISTOGRAM : 0;
    return r->scalars < SCALARS_MAX ? r->scalars++ : 0;
}

static metric_series series_make(struct metric_registry *r, enum metric m, uint32_t place,
                                 struct str labels)
{
    struct family *f = &r->families[m];
    struct str copy = arena_dup(&r->mem, labels);
    metric_series id = copy.ptr != NULL && family_grow(f) ? id_take(r, metric_infos[m].kind) : 0;

    if (id == 0)
        return 0;
    memmove(f->at + place + 1, f->at + place, (f->count - place) * sizeof(*f->at));
    f->at[place] = (struct series){copy, id};
    f->count++;
    return id;
}

metric_series metric_series_get(struct metric_registry *r, enum metric m, const struct str *values,
                                unsigned n)
{
    struct buf labels = {.max = 64 * 1024};
    metric_series id = 0;

    if (put_labels(&labels, metric_infos[m].labels, values, n) < 0)
        goto out;
    pthread_mutex_lock(&r->lock);
    {
        bool found;
        uint32_t place = place_of(&r->families[m], buf_str(&labels), &found);

        id = found ? r->families[m].at[place].id : series_make(r, m, place, buf_str(&labels));
    }
    if (id == 0 && !r->full) {
        r->full = true;
        log_warn("metrics: no room for more series; %s is the first that is not counted",
                 metric_infos[m].name);
    }
    pthread_mutex_unlock(&r->lock);
out:
    buf_done(&labels);
    return id;
}

int64_t metric_value(struct metric_registry *r, metric_series id)
{
    uint64_t counts[HISTOGRAM_BUCKETS], sum_us, sum = 0;

    pthread_mutex_lock(&r->lock);
    if ((id & METRIC_IS_HISTOGRAM) == 0) {
        sum = id < SCALARS_MAX ? metric_sum_scalar(r, id) : 0;
    } else if (metric_sum_histogram(r, id, counts, &sum_us)) {
        for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
            sum += counts[i];
    }
    pthread_mutex_unlock(&r->lock);
    return (int64_t)sum;
}

uint64_t metric_quantile(struct metric_registry *r, metric_series id, double q)
{
    uint64_t counts[HISTOGRAM_BUCKETS], sum_us;
    bool touched;

    if ((id & METRIC_IS_HISTOGRAM) == 0)
        return 0;
    pthread_mutex_lock(&r->lock);
    touched = metric_sum_histogram(r, id, counts, &sum_us);
    pthread_mutex_unlock(&r->lock);
    return touched ? histogram_quantile(counts, q) : 0;
}
