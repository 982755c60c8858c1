/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/upstream_path.h"

#include "base/percent.h"
#include "conf/conf.h"

static bool ends_in(struct str s, struct str end)
{
    return s.len >= end.len && str_eq(str_skip(s, s.len - end.len), end);
}

/* The others (files, batches, models …) are the resource's. */
static bool is_deployments(struct str path)
{
    static const struct str begins[] = {
        STR_INIT("/chat/completions"), STR_INIT("/completions"), STR_INIT("/embeddings"),
        STR_INIT("/audio/"),           STR_INIT("/images/"),
    };

    for (size_t i = 0; i < COUNTOF(begins); i++) {
        if (str_starts(path, begins[i]))
            return true;
    }
    return false;
}

static struct str azure_path(struct arena *a, const struct conf_provider *p, struct str model,
                             struct str path)
{
    bool newer = ends_in(p->base_path, STR("/openai/v1"));
    bool asks = path.len > 0 && memchr(path.ptr, '?', path.len) != NULL;
    struct str pieces[6];
    unsigned n = 0;

    if (!newer && !ends_in(p->base_path, STR("/openai")))
        pieces[n++] = STR("/openai");
    if (!newer && model.len > 0 && is_deployments(path)) {
        pieces[n++] = STR("/deployments/");
        pieces[n] = percent_encode(a, model, STR(""));
        if (pieces[n++].ptr == NULL)
            return (struct str){NULL, 0};
    }
    pieces[n++] = path;
    if (p->version.len > 0) {
        pieces[n++] = asks ? STR("&api-version=") : STR("?api-version=");
        pieces[n++] = p->version;
    }
    return arena_join(a, pieces, n);
}

struct str upstream_path(struct arena *a, const struct conf_provider *p, struct str model,
                         struct str path)
{
    return p->maker == MAKER_AZURE ? azure_path(a, p, model, path) : path;
}
