/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <unistd.h>

#include "loop/mailbox.h"

struct corpse {
    struct loop_dead dead;
    struct loop *loop;
    struct corpse *next; /* buried by this one's release */
    bool *on_stack;
    unsigned *released;
};

static void release(struct loop_dead *d)
{
    struct corpse *c = CONTAINER_OF(d, struct corpse, dead);

    assert_false(*c->on_stack);
    ++*c->released;
    if (c->next != NULL)
        loop_bury(c->loop, &c->next->dead);
    free(c);
}

struct undertaker {
    uv_timer_t timer;
    struct corpse *corpse;
    bool on_stack;
    unsigned released;
};

static void on_timer(uv_timer_t *t)
{
    struct undertaker *u = CONTAINER_OF(t, struct undertaker, timer);

    u->on_stack = true;
    loop_bury(u->corpse->loop, &u->corpse->dead);
    assert_int_equal(u->released, 0);
    u->on_stack = false;
}

static struct corpse *corpse_new(struct loop *l, struct undertaker *u, struct corpse *next)
{
    struct corpse *c = calloc(1, sizeof(*c));

    assert_non_null(c);
    *c = (struct corpse){
        .loop = l, .next = next, .on_stack = &u->on_stack, .released = &u->released};
    c->dead.release = release;
    return c;
}

static void on_later(uv_timer_t *t)
{
    (void)t;
}

/* Buried in a timer's callback: released before the loop waits for the next event. */
static void the_dead_are_released_after_the_callback_and_before_the_wait(void **state)
{
    struct loop l;
    struct undertaker u = {0};
    uv_timer_t later;

    (void)state;
    assert_int_equal(loop_init(&l, 3), 0);
    u.corpse = corpse_new(&l, &u, corpse_new(&l, &u, NULL));
    uv_timer_init(&l.uv, &u.timer);
    uv_timer_start(&u.timer, on_timer, 0, 0);
    uv_timer_init(&l.uv, &later); /* a loop with nothing to wait for has no turn */
    uv_timer_start(&later, on_later, 3600000, 0);
    /* Since libuv 1.45 a turn ends with its timers; the wait is then in the turn after it. */
    uv_run(&l.uv, UV_RUN_NOWAIT);
    if (u.released == 0)
        uv_run(&l.uv, UV_RUN_NOWAIT);
    assert_int_equal(u.released, 2);
    uv_close((uv_handle_t *)&u.timer, NULL);
    uv_close((uv_handle_t *)&later, NULL);
    loop_done(&l);
}

static void loop_done_releases_what_is_left(void **state)
{
    struct loop l;
    struct undertaker u = {0};

    (void)state;
    assert_int_equal(loop_init(&l, 0), 0);
    loop_bury(&l, &corpse_new(&l, &u, NULL)->dead);
    loop_done(&l);
    assert_int_equal(u.released, 1);
}

#define LETTERS 1000

struct letter {
    struct mail mail;
    unsigned number;
    unsigned *expect;
};

struct sender {
    struct mailbox *box;
    unsigned *expect;
};

static void read_letter(struct mail *m, struct loop *l)
{
    struct letter *letter = CONTAINER_OF(m, struct letter, mail);

    assert_int_equal(letter->number, *letter->expect);
    ++*letter->expect;
    if (letter->number == LETTERS - 1)
        uv_stop(&l->uv);
    free(letter);
}

static void send_letters(void *arg)
{
    struct sender *s = arg;

    for (unsigned i = 0; i < LETTERS; i++) {
        struct letter *letter = calloc(1, sizeof(*letter));

        *letter = (struct letter){{.run = read_letter}, i, s->expect};
        mailbox_post(s->box, &letter->mail);
    }
}

static void mail_from_another_thread_is_run_once_and_in_order(void **state)
{
    struct loop l;
    struct mailbox box;
    unsigned expect = 0;
    uv_thread_t thread;

    (void)state;
    assert_int_equal(loop_init(&l, 0), 0);
    assert_int_equal(mailbox_open(&box, &l), 0);
    uv_thread_create(&thread, send_letters, &(struct sender){&box, &expect});
    uv_run(&l.uv, UV_RUN_DEFAULT);
    uv_thread_join(&thread);
    assert_int_equal(expect, LETTERS);
    mailbox_close(&box);
    loop_done(&l);
}

static void closing_a_mailbox_runs_what_is_in_it(void **state)
{
    struct loop l;
    struct mailbox box;
    unsigned expect = 0;

    (void)state;
    assert_int_equal(loop_init(&l, 0), 0);
    assert_int_equal(mailbox_open(&box, &l), 0);
    send_letters(&(struct sender){&box, &expect});
    mailbox_close(&box);
    assert_int_equal(expect, LETTERS);
    loop_done(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_dead_are_released_after_the_callback_and_before_the_wait),
        cmocka_unit_test(loop_done_releases_what_is_left),
        cmocka_unit_test(mail_from_another_thread_is_run_once_and_in_order),
        cmocka_unit_test(closing_a_mailbox_runs_what_is_in_it),
    };

    alarm(30);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
