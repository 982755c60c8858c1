/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/wheel.h"

static void on_timer(uv_timer_t *t);

static void set_busy(struct wheel *w, uint64_t slot, bool busy)
{
    uint64_t bit = 1ull << (slot % 64);

    if (busy)
        w->busy[slot / 64] |= bit;
    else
        w->busy[slot / 64] &= ~bit;
}

static void wake_at(struct wheel *w, uint64_t at_ms)
{
    uint64_t now = loop_now_ms(w->loop);

    if (at_ms >= w->wake_ms)
        return;
    w->wake_ms = at_ms;
    /* It fails only for a handle that is closing. */
    (void)uv_timer_start(&w->timer, on_timer, at_ms > now ? at_ms - now : 0, 0);
}

/* The next slot with entries; removed ones may have left an empty slot behind, no harm done.  What
 * is still in the slot of `at_ms` is due a whole round later, or later still. */
static void wake_for_next(struct wheel *w)
{
    for (uint64_t i = 1; i <= WHEEL_SLOTS; i++) {
        uint64_t slot = (w->at_ms + i) % WHEEL_SLOTS;

        if (slot % 64 == 0 && w->busy[slot / 64] == 0) {
            i += 63;
            continue;
        }
        if ((w->busy[slot / 64] >> (slot % 64) & 1) != 0) {
            wake_at(w, w->at_ms + i);
            return;
        }
    }
}

static void collect(struct wheel *w, uint64_t slot, uint64_t now, struct list *due)
{
    struct list *head = &w->slots[slot];

    list_each_safe (link, head) {
        if (list_entry(link, struct wheel_entry, link)->due_ms <= now) {
            list_unlink(link);
            list_append(due, link);
        }
    }
    set_busy(w, slot, !list_empty(head));
}

static void fire_all(struct list *due)
{
    struct list *link;

    while ((link = list_first(due)) != NULL) {
        struct wheel_entry *e = list_entry(link, struct wheel_entry, link);

        list_unlink(link);
        e->fire(e);
    }
}

static void on_timer(uv_timer_t *t)
{
    struct wheel *w = CONTAINER_OF(t, struct wheel, timer);
    uint64_t now = loop_now_ms(w->loop);
    struct list due;

    list_init(&due);
    w->wake_ms = UINT64_MAX;
    for (uint64_t i = 0; i < WHEEL_SLOTS && w->at_ms + i <= now; i++)
        collect(w, (w->at_ms + i) % WHEEL_SLOTS, now, &due);
    w->at_ms = now;
    fire_all(&due);
    wake_for_next(w);
}

/* Not a timer of 0 ms: libuv (before 1.45) would run it again and again in the same turn, and no
 * socket would be served. */
static void on_idle(uv_idle_t *h)
{
    struct wheel *w = CONTAINER_OF(h, struct wheel, idle);
    struct list due, *link;

    list_init(&due);
    while ((link = list_first(&w->ready)) != NULL) {
        list_unlink(link);
        list_append(&due, link);
    }
    fire_all(&due);
    if (list_empty(&w->ready))
        uv_idle_stop(&w->idle);
}

void wheel_open(struct wheel *w, struct loop *l)
{
    *w = (struct wheel){.loop = l, .at_ms = loop_now_ms(l), .wake_ms = UINT64_MAX};
    list_init(&w->ready);
    for (size_t i = 0; i < WHEEL_SLOTS; i++)
        list_init(&w->slots[i]);
    uv_idle_init(&l->uv, &w->idle); /* neither can fail */
    uv_timer_init(&l->uv, &w->timer);
    w->handles = 2;
}

static void handle_closed(struct wheel *w)
{
    if (--w->handles == 0)
        w->closed(w);
}

static void timer_closed(uv_handle_t *h)
{
    handle_closed(CONTAINER_OF(h, struct wheel, timer));
}

static void idle_closed(uv_handle_t *h)
{
    handle_closed(CONTAINER_OF(h, struct wheel, idle));
}

void wheel_close(struct wheel *w, void (*closed)(struct wheel *w))
{
    w->closed = closed;
    uv_close((uv_handle_t *)&w->timer, timer_closed);
    uv_close((uv_handle_t *)&w->idle, idle_closed);
}

void wheel_add(struct wheel *w, struct wheel_entry *e, uint64_t due_ms)
{
    uint64_t slot = due_ms % WHEEL_SLOTS;

    list_unlink(&e->link);
    e->due_ms = due_ms;
    if (due_ms <= loop_now_ms(w->loop)) {
        list_append(&w->ready, &e->link);
        uv_idle_start(&w->idle, on_idle);
        return;
    }
    list_append(&w->slots[slot], &e->link);
    set_busy(w, slot, true);
    wake_at(w, due_ms);
}

void wheel_remove(struct wheel_entry *e)
{
    list_unlink(&e->link);
}
