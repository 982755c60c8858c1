/* SPDX-License-Identifier: Apache-2.0 */
#include "http/alarm.h"

/* Both are roots, neither has siblings. */
static struct alarm *meld(struct alarm *a, struct alarm *b)
{
    if (a == NULL)
        return b;
    if (b == NULL)
        return a;
    if (b->due_ms < a->due_ms) {
        struct alarm *t = a;

        a = b;
        b = t;
    }
    b->next = a->child;
    if (b->next != NULL)
        b->next->prev = b;
    b->prev = a;
    a->child = b;
    return a;
}

static struct alarm *cut_first(struct alarm **siblings)
{
    struct alarm *a = *siblings;

    if (a != NULL) {
        *siblings = a->next;
        a->next = a->prev = NULL;
    }
    return a;
}

/* Meld siblings in pairs, then the pairs from the last to the first; `next` strings the pairs. */
static struct alarm *meld_siblings(struct alarm *siblings)
{
    struct alarm *pairs = NULL, *root = NULL;

    while (siblings != NULL) {
        struct alarm *a = cut_first(&siblings);
        struct alarm *pair = meld(a, cut_first(&siblings));

        pair->next = pairs;
        pairs = pair;
    }
    while (pairs != NULL)
        root = meld(root, cut_first(&pairs));
    return root;
}

static void take_out(struct alarms *s, struct alarm *a)
{
    struct alarm *children = meld_siblings(a->child);

    if (a == s->first) {
        s->first = children;
    } else {
        if (a->prev->child == a)
            a->prev->child = a->next;
        else
            a->prev->next = a->next;
        if (a->next != NULL)
            a->next->prev = a->prev;
        s->first = meld(s->first, children);
    }
    a->child = a->next = a->prev = NULL;
    a->due_ms = 0;
}

static void ring_due(uv_timer_t *t);

/* What is due now waits for libuv's next look at its timers, which it runs until none is due: that
 * an alarm which sets itself again does not keep the loop from its sockets is alarm_set()'s doing.
 */
static void move_timer(struct alarms *s)
{
    uint64_t now = loop_now_ms(s->loop);

    if (s->first == NULL || s->ringing)
        return;
    if (s->timer_ms != 0 && s->timer_ms <= s->first->due_ms)
        return;
    s->timer_ms = s->first->due_ms > now ? s->first->due_ms : now;
    uv_timer_start(&s->timer, ring_due, s->timer_ms - now, 0);
}

static void ring_due(uv_timer_t *t)
{
    struct alarms *s = CONTAINER_OF(t, struct alarms, timer);
    uint64_t now = loop_now_ms(s->loop);

    s->timer_ms = 0;
    s->ringing = true;
    while (s->first != NULL && s->first->due_ms <= now) {
        struct alarm *a = s->first;

        take_out(s, a);
        a->ring(a);
    }
    s->ringing = false;
    move_timer(s);
}

int alarms_open(struct alarms *s, struct loop *l)
{
    *s = (struct alarms){.loop = l};
    return uv_timer_init(&l->uv, &s->timer);
}

void alarms_close(struct alarms *s, uv_close_cb closed)
{
    assert(s->first == NULL);
    uv_close((uv_handle_t *)&s->timer, closed);
}

void alarm_set(struct alarms *s, struct alarm *a, uint64_t due_ms)
{
    uint64_t now = loop_now_ms(s->loop);

    if (alarm_is_set(a))
        take_out(s, a);
    /* While alarms ring, one that is set for now must wait for the next turn too. */
    a->due_ms = due_ms > now ? due_ms : now + (s->ringing ? 1 : 0);
    if (a->due_ms == 0)
        a->due_ms = 1;
    s->first = meld(s->first, a);
    move_timer(s);
}

void alarm_drop(struct alarms *s, struct alarm *a)
{
    if (alarm_is_set(a))
        take_out(s, a);
}
