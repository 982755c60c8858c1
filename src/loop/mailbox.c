/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/mailbox.h"

static void run_all(struct mailbox *b)
{
    struct mail *m, *next;

    uv_mutex_lock(&b->lock);
    m = b->first;
    b->first = NULL;
    b->last = &b->first;
    uv_mutex_unlock(&b->lock);
    for (; m != NULL; m = next) {
        next = m->next; /* run() frees `m` */
        m->run(m, b->loop);
    }
}

static void on_async(uv_async_t *h)
{
    run_all(CONTAINER_OF(h, struct mailbox, async));
}

int mailbox_open(struct mailbox *b, struct loop *l)
{
    int err;

    *b = (struct mailbox){.loop = l};
    b->last = &b->first;
    err = uv_mutex_init(&b->lock);
    if (err < 0)
        return err;
    err = uv_async_init(&l->uv, &b->async, on_async);
    if (err < 0)
        uv_mutex_destroy(&b->lock);
    return err;
}

void mailbox_post(struct mailbox *b, struct mail *m)
{
    m->next = NULL;
    uv_mutex_lock(&b->lock);
    *b->last = m;
    b->last = &m->next;
    uv_mutex_unlock(&b->lock);
    uv_async_send(&b->async);
}

static void on_closed(uv_handle_t *h)
{
    struct mailbox *b = CONTAINER_OF(h, struct mailbox, async);

    /* Posted between the last run and now: the promise is that every task runs once. */
    run_all(b);
    uv_mutex_destroy(&b->lock);
}

void mailbox_close(struct mailbox *b)
{
    run_all(b);
    uv_close((uv_handle_t *)&b->async, on_closed);
}
