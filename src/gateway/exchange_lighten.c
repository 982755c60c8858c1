/*
 * exchange_lighten.c - what an open stream keeps.
 *
 * Until content has gone to the client anything may be needed again: another target may have to be
 * asked, with the client's head and body, along the route.  From then on a stream mostly waits, for
 * a minute and in thousands, and what its end needs is little: the names and the record that the
 * log line tells, the target that the metrics count for, and what the watcher compares events with.
 * That is copied to a small arena of its own, and the arena of the request goes.
 *
 * The rule: behind exchange_lighten() nothing points into the arena that was.  Who adds such a
 * pointer to struct exchange, or to what it embeds, adds it to struct kept here, or to forget().
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/exchange.h"
#include "gateway/translate.h"

struct kept {
    struct arena mem;
    struct str request_id, model;
    struct attempt_record *records;
    struct candidate *candidate;
};

static void *copy(struct arena *a, const void *from, size_t size)
{
    void *to = arena_alloc(a, size);

    if (to != NULL)
        memcpy(to, from, size);
    return to;
}

/* The configuration's targets stay; that of a provider/model is the exchange's own. */
static bool keep_target(const struct exchange *x, struct kept *k)
{
    const struct conf_target *own = x->attempt.candidate->target;
    struct conf_target *t;

    if (x->alias != NULL)
        return true;
    t = copy(&k->mem, own, sizeof(*own));
    if (t == NULL)
        return false;
    t->model = arena_dup(&k->mem, own->model);
    k->candidate->target = t;
    for (uint32_t i = 0; i < x->records_count; i++) {
        if (k->records[i].target == own)
            k->records[i].target = t;
    }
    return t->model.ptr != NULL;
}

/* The small pieces first, so that the watcher's large one fills what is left of their chunk.  The
 * watcher is the only one that changes, and the last one that can fail. */
static bool keep(struct exchange *x, struct kept *k)
{
    *k = (struct kept){.mem = {.max = x->mem->max, .small = true}};
    k->request_id = arena_dup(&k->mem, x->request_id);
    k->model = arena_dup(&k->mem, x->req.model);
    k->records = copy(&k->mem, x->records, x->records_count * sizeof(*x->records));
    k->candidate = copy(&k->mem, x->attempt.candidate, sizeof(*x->attempt.candidate));
    return k->request_id.ptr != NULL && k->model.ptr != NULL && k->records != NULL &&
           k->candidate != NULL && keep_target(x, k) &&
           openai_watch_move(&x->attempt.watch, &k->mem);
}

/* What was for other targets, or for an answer that is not a stream. */
static void forget(struct exchange *x)
{
    const struct str none = {NULL, 0};

    x->req.body = x->req.model_value = x->req.stream_options = none;
    x->req.options_value = x->req.usage_value = x->req.object_open = none;
    x->why = x->param = x->allow = x->passed_type = x->token = none;
    x->route = (struct route){0};
    x->attempt.reply = (struct http_fields){0};
}

void exchange_lighten(struct exchange *x)
{
    struct kept k;

    if (LIKELY(x->answer.light || !x->answer.committed || x->finished || !x->attempt.running))
        return;
    if (!http_fetch_forget(&x->attempt.fetch))
        return; /* an answer before its question is whole: later */
    x->answer.light = true;
    if (!keep(x, &k)) { /* no memory to save memory with */
        arena_done(&k.mem);
        return;
    }
    x->request_id = k.request_id;
    x->req.model = k.model;
    x->records = k.records;
    x->attempt.candidate = k.candidate;
    if (x->attempt.foreign)
        translate_lighten(x);
    else
        translate_done(x); /* of a target that failed before this one */
    forget(x);
    http_call_forget(x->call, &k.mem);
}
