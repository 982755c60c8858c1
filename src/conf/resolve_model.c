/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/resolve.h"

#include "conf/index.h"
#include "conf/resolve_part.h"

/* ---- targets ---- */

/* The slash between provider and model; one within ${…} is not it. */
static size_t find_slash(struct str text)
{
    bool inside = false;

    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '{' && i > 0 && text.ptr[i - 1] == '$')
            inside = true;
        else if (text.ptr[i] == '}')
            inside = false;
        else if (text.ptr[i] == '/' && !inside)
            return i;
    }
    return 0;
}

static struct node *make_text(struct load *l, const struct node *like, struct str key,
                              struct str text)
{
    struct node *n = ARENA_NEW(&l->scratch, struct node);

    if (n != NULL) {
        *n = *like;
        n->key = key;
        n->text = text;
        n->next = NULL;
    }
    return n;
}

const struct node *resolve_target_word(struct load *l, const struct node *word, void *record)
{
    struct node *map = ARENA_NEW(&l->scratch, struct node), *provider, *model;
    size_t slash = find_slash(word->text);

    (void)record;
    if (slash == 0 || slash + 1 == word->text.len) {
        load_problem(l, word, "`targets`: expected provider/model or a map, not %s",
                     problem_quote(word->text).text);
        return NULL;
    }
    provider = make_text(l, word, STR("provider"), (struct str){word->text.ptr, slash});
    model = make_text(l, word, STR("model"), str_skip(word->text, slash + 1));
    if (map == NULL || provider == NULL || model == NULL) {
        load_problem(l, word, "`targets`: no memory left");
        return NULL;
    }
    provider->next = model;
    *map = (struct node){.kind = NODE_MAP,
                         .line = word->line,
                         .column = word->column,
                         .count = 2,
                         .first = provider,
                         .last = model};
    return map;
}

/* A weight that cannot be read is told once, not again as "all weights are 0". */
void resolve_target_prepare(struct load *l, void *record)
{
    struct conf_target *t = record;

    (void)l;
    t->weight = 1;
}

void resolve_target(struct load *l, const struct node *map, void *record)
{
    struct conf_target *t = record;

    if (t->provider == NULL)
        return; /* it was told */
    resolve_api(l, resolve_child(map, "api"), t->provider, t->api);
    if (t->api == API_INHERITED)
        t->api = t->provider->api;
}

/* ---- aliases ---- */

void resolve_model_prepare(struct load *l, void *record)
{
    struct conf_model *m = record;
    struct conf *c = l->conf;

    m->index = (uint32_t)(m - c->models);
    m->timeouts = c->timeouts;
    if (c->model_index.slots == NULL && !index_init(&c->model_index, l->mem, c->models_count)) {
        problem_at(&l->problems, 0, 0, "no memory left");
        return;
    }
    index_put(&c->model_index, index_hash_name(m->name), m->index);
}

static const struct table *find_section(struct str name)
{
    for (uint32_t i = 0; i < settings_top.count; i++) {
        if (str_eq(str_from(settings_top.rows[i].name), name))
            return settings_top.rows[i].table;
    }
    return NULL;
}

/* Global, then the provider's, then the model's: the model's lines are read again onto a copy of
 * the provider's values.  What is wrong with them was told the first time. */
static void set_timeouts(struct load *l, const struct node *map, struct conf_target *t)
{
    const struct node *own = node_find(map, STR("timeouts"));

    t->timeouts = t->provider->timeouts;
    if (own == NULL || own->kind != NODE_MAP)
        return;
    l->problems.muted = true;
    load_table(l, find_section(own->key), own, &t->timeouts, true);
    l->problems.muted = false;
}

void resolve_model(struct load *l, const struct node *map, void *record)
{
    struct conf_model *m = record;
    uint64_t weights = 0;

    resolve_name(l, map, "an alias", "*");
    for (uint32_t i = 0; i < m->targets_count; i++) {
        struct conf_target *t = &m->targets[i];

        t->index = l->conf->targets_count++;
        weights += t->weight;
        if (t->provider != NULL)
            set_timeouts(l, map, t);
    }
    if (m->targets_count > CONF_TARGETS_MAX)
        load_problem(l, resolve_child(map, "targets"), "`targets`: %u are too many, %u are allowed",
                     m->targets_count, CONF_TARGETS_MAX);
    if (m->targets_count > 0 && weights == 0)
        load_problem(l, resolve_child(map, "targets"),
                     "`targets`: all weights are 0, so none would ever be chosen");
}
