/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "loop/stream_tls.h"

/* Releasing one may bury another; nothing of either is on the stack here, so go on until none is
 * left. */
static void reap(struct loop *l)
{
    struct list *link;

    while ((link = list_first(&l->dead)) != NULL) {
        struct loop_dead *d = list_entry(link, struct loop_dead, link);

        list_unlink(link);
        d->release(d);
    }
}

/* Around each wait: what is dead goes, and the turn's clock with it. */
static void turn(struct loop *l)
{
    reap(l);
    l->turn_ns = 0;
}

static void on_prepare(uv_prepare_t *h)
{
    turn(loop_of((uv_handle_t *)h));
}

static void on_check(uv_check_t *h)
{
    turn(loop_of((uv_handle_t *)h));
}

static void free_buffers(struct loop *l)
{
    free(l->scratch);
    free(l->scratch2);
    free(l->gather);
    buf_done(&l->sealed);
    spares_done(&l->spare_sends, free);
}

int loop_init(struct loop *l, unsigned index)
{
    int err;

    /* A peer that left is an errno of the write, not the end of the process. */
    signal(SIGPIPE, SIG_IGN);
    *l = (struct loop){.index = index};
    list_init(&l->dead);
    l->scratch = malloc(LOOP_SCRATCH_BYTES);
    l->scratch2 = malloc(LOOP_SCRATCH_BYTES);
    l->gather = malloc(STREAM_TLS_RECORD_BYTES);
    err = l->scratch != NULL && l->scratch2 != NULL && l->gather != NULL ? uv_loop_init(&l->uv)
                                                                         : -ENOMEM;
    if (err < 0) {
        free_buffers(l);
        return err;
    }
    l->uv.data = l;
    /* These cannot fail.  They do not keep the loop alive by themselves. */
    uv_prepare_init(&l->uv, &l->before_poll);
    uv_prepare_start(&l->before_poll, on_prepare);
    uv_unref((uv_handle_t *)&l->before_poll);
    uv_check_init(&l->uv, &l->after_poll);
    uv_check_start(&l->after_poll, on_check);
    uv_unref((uv_handle_t *)&l->after_poll);
    return 0;
}

void loop_trim(struct loop *l)
{
    spares_trim(&l->spare_sends, free);
}

void loop_done(struct loop *l)
{
    int err;

    /* What owners have closed may bury more when its on_closed() comes. */
    uv_run(&l->uv, UV_RUN_DEFAULT);
    uv_close((uv_handle_t *)&l->before_poll, NULL);
    uv_close((uv_handle_t *)&l->after_poll, NULL);
    do {
        reap(l);
        uv_run(&l->uv, UV_RUN_DEFAULT);
    } while (!list_empty(&l->dead));
    err = uv_loop_close(&l->uv);
    assert(err == 0); /* somebody did not close a handle */
    (void)err;
    free_buffers(l);
}

void loop_bury(struct loop *l, struct loop_dead *d)
{
    assert(!list_linked(&d->link));
    list_append(&l->dead, &d->link);
}
