/* SPDX-License-Identifier: Apache-2.0 */
#include "http/server_deadline.h"

static void on_timer(uv_timer_t *t);

static void arm(struct deadlines *s, uint64_t at_ms)
{
    uint64_t now = loop_now_ms(s->loop);

    if (s->armed_ms != 0 && s->armed_ms <= at_ms)
        return;
    s->armed_ms = at_ms;
    uv_timer_start(&s->timer, on_timer, at_ms > now ? at_ms - now : 0, 0);
}

static void fire_due(struct deadlines *s, struct list *kind, uint64_t now)
{
    struct list *link;

    while ((link = list_first(kind)) != NULL) {
        struct deadline *d = list_entry(link, struct deadline, link);

        if (d->at_ms > now)
            return;
        list_unlink(link);
        s->fire(d);
    }
}

static void on_timer(uv_timer_t *t)
{
    struct deadlines *s = CONTAINER_OF(t, struct deadlines, timer);
    uint64_t now = loop_now_ms(s->loop);

    s->armed_ms = 0;
    for (unsigned i = 0; i < DEADLINE_KINDS; i++)
        fire_due(s, &s->kinds[i], now);
    for (unsigned i = 0; i < DEADLINE_KINDS; i++) {
        struct list *link = list_first(&s->kinds[i]);

        if (link != NULL)
            arm(s, list_entry(link, struct deadline, link)->at_ms);
    }
}

int deadlines_open(struct deadlines *s, struct loop *l)
{
    s->loop = l;
    s->armed_ms = 0;
    for (unsigned i = 0; i < DEADLINE_KINDS; i++)
        list_init(&s->kinds[i]);
    return uv_timer_init(&l->uv, &s->timer);
}

void deadlines_close(struct deadlines *s, uv_close_cb closed)
{
    uv_close((uv_handle_t *)&s->timer, closed);
}

void deadline_start(struct deadlines *s, struct deadline *d, enum deadline_kind kind)
{
    list_unlink(&d->link);
    if (s->length_ms[kind] == 0)
        return;
    d->kind = kind;
    d->at_ms = loop_now_ms(s->loop) + s->length_ms[kind];
    list_append(&s->kinds[kind], &d->link);
    arm(s, d->at_ms);
}
