/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/fallbacks.h"

/* A request may walk the whole chain, so it has an end that people can oversee. */
#define CHAIN_MAX 32u

struct walk {
    struct load *l;
    const struct node **nodes; /* of each model */
    unsigned char *done;       /* for each model: its chains are fine, or were told */
    const struct conf_model *path[CHAIN_MAX];
    unsigned depth;
};

static void tell_loop(struct walk *w, unsigned from, const struct conf_model *again)
{
    const struct node *at = node_find(w->nodes[again->index], STR("fallbacks"));
    struct buf chain = {.max = 512};

    assert(at != NULL); /* it has a fallback: it is in a circle */
    for (unsigned i = from; i < w->depth; i++) {
        if (buf_printf(&chain, "%.*s -> ", STR_ARG(w->path[i]->name)) != 0)
            break; /* a long chain loses its end */
    }
    load_problem(w->l, at, "`fallbacks` run in a circle: %.*s%.*s", STR_ARG(buf_str(&chain)),
                 STR_ARG(again->name));
    buf_done(&chain);
}

static bool on_path(struct walk *w, const struct conf_model *m)
{
    for (unsigned i = 0; i < w->depth; i++) {
        if (w->path[i] == m) {
            tell_loop(w, i, m);
            return true;
        }
    }
    return false;
}

/* Depth first.  The recursion is no deeper than CHAIN_MAX. */
static void follow(struct walk *w, const struct conf_model *m)
{
    if (on_path(w, m) || w->done[m->index])
        return;
    if (w->depth == CHAIN_MAX) {
        load_problem(w->l, w->nodes[m->index], "`fallbacks`: a chain of more than %u aliases",
                     CHAIN_MAX);
        w->done[m->index] = 1;
        return;
    }
    w->path[w->depth++] = m;
    for (uint32_t i = 0; i < m->fallbacks_count; i++)
        follow(w, m->fallbacks[i]);
    w->depth--;
    w->done[m->index] = 1;
}

void fallbacks_check(struct load *l, const struct node *models)
{
    struct conf *c = l->conf;
    struct walk w = {.l = l};
    uint32_t n = 0;

    w.nodes = arena_array(&l->scratch, c->models_count, sizeof(*w.nodes));
    w.done = arena_array(&l->scratch, c->models_count, 1);
    if (w.nodes == NULL || w.done == NULL) {
        problem_at(&l->problems, 0, 0, "no memory left");
        return;
    }
    for (const struct node *at = models->first; at != NULL; at = at->next)
        w.nodes[n++] = at;
    for (uint32_t i = 0; i < c->models_count; i++)
        follow(&w, &c->models[i]);
}
