/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/worker.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "loop/loop.h"
#include "loop/mailbox.h"

struct worker {
    struct workers *all;
    uv_thread_t thread;
    struct loop loop;
    struct mailbox mailbox;
    struct gateway_loop *gl;
    uint16_t port; /* asked for, then got */
    int err;
    bool started;
};

struct workers {
    struct gateway *gw;
    struct buf *why;
    uv_sem_t ready;
    unsigned count;
    struct worker at[];
};

struct order {
    struct mail mail;
    struct worker *worker;
};

static int open_loop(struct worker *w)
{
    int err = loop_init(&w->loop, (unsigned)(w - w->all->at));

    if (err < 0)
        return err;
    err = mailbox_open(&w->mailbox, &w->loop);
    if (err < 0)
        goto out;
    err = gateway_loop_open(w->all->gw, &w->loop, w->port, w->all->why, &w->gl);
    if (err == 0) {
        w->port = gateway_loop_port(w->gl);
        return 0;
    }
    mailbox_close(&w->mailbox);
out:
    loop_done(&w->loop);
    return err;
}

static void run(void *arg)
{
    struct worker *w = arg;

    w->err = open_loop(w);
    uv_sem_post(&w->all->ready);
    if (w->err < 0)
        return;
    uv_run(&w->loop.uv, UV_RUN_DEFAULT);
    gateway_loop_free(w->gl);
    loop_done(&w->loop);
    log_thread_done();
    arena_thread_done();
}

/* One after the other: `why` has one writer, and the first tells the others its port. */
static int start(struct workers *all, unsigned i)
{
    struct worker *w = &all->at[i];

    w->all = all;
    w->port = i > 0 ? all->at[0].port : 0;
    if (uv_thread_create(&w->thread, run, w) != 0)
        return -EAGAIN;
    uv_sem_wait(&all->ready);
    if (w->err < 0)
        uv_thread_join(&w->thread);
    w->started = w->err == 0;
    return w->err;
}

int workers_open(struct gateway *g, unsigned count, struct buf *why, struct workers **ret_workers)
{
    struct workers *all = calloc(1, sizeof(*all) + count * sizeof(struct worker));
    int err = 0;

    if (all == NULL)
        return -ENOMEM;
    all->gw = g;
    all->why = why;
    all->count = count;
    uv_sem_init(&all->ready, 0);
    for (unsigned i = 0; err == 0 && i < count; i++)
        err = start(all, i);
    if (err < 0) {
        workers_close(all);
        return err;
    }
    *ret_workers = all;
    return 0;
}

uint16_t workers_port(const struct workers *w)
{
    return w->at[0].port;
}

static void post(struct worker *w, void (*run_it)(struct mail *m, struct loop *l))
{
    struct order *o = calloc(1, sizeof(*o));

    if (o == NULL) /* out of memory while stopping: nothing better is left */
        abort();
    o->mail.run = run_it;
    o->worker = w;
    mailbox_post(&w->mailbox, &o->mail);
}

static void do_drain(struct mail *m, struct loop *l)
{
    struct order *o = CONTAINER_OF(m, struct order, mail);

    (void)l;
    gateway_loop_drain(o->worker->gl);
    free(o);
}

static void do_close(struct mail *m, struct loop *l)
{
    struct order *o = CONTAINER_OF(m, struct order, mail);

    (void)l;
    gateway_loop_close(o->worker->gl);
    mailbox_close(&o->worker->mailbox);
    free(o);
}

void workers_drain(struct workers *w)
{
    for (unsigned i = 0; i < w->count; i++)
        post(&w->at[i], do_drain);
}

void workers_close(struct workers *w)
{
    for (unsigned i = 0; i < w->count; i++) {
        if (w->at[i].started)
            post(&w->at[i], do_close);
    }
    for (unsigned i = 0; i < w->count; i++) {
        if (w->at[i].started)
            uv_thread_join(&w->at[i].thread);
    }
    uv_sem_destroy(&w->ready);
    free(w);
}
