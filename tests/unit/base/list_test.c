/* SPDX-License-Identifier: Apache-2.0 */
#include "base/list.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

struct item {
    int value;
    struct list link;
};

/* The values in order, as one number; and the backward links must agree. */
static int reading(struct list *head)
{
    int forward = 0, backward = 0, scale = 1;

    list_each (p, head)
        forward = forward * 10 + list_entry(p, struct item, link)->value;
    for (struct list *p = head->prev; p != head; p = p->prev) {
        backward += scale * list_entry(p, struct item, link)->value;
        scale *= 10;
    }
    assert_int_equal(forward, backward);
    return forward;
}

static void order_is_that_of_pushing_and_appending(void **state)
{
    struct item a = {1, {0}}, b = {2, {0}}, c = {3, {0}};
    struct list head;

    (void)state;
    list_init(&head);
    assert_true(list_empty(&head));
    assert_null(list_first(&head));
    list_append(&head, &b.link);
    list_append(&head, &c.link);
    list_push(&head, &a.link);
    assert_int_equal(reading(&head), 123);
    assert_ptr_equal(list_first(&head), &a.link);
    assert_false(list_empty(&head));
}

static void unlinking_twice_or_never_linked_is_harmless(void **state)
{
    struct item a = {1, {0}}, b = {2, {0}}, loner = {3, {0}};
    struct list head;

    (void)state;
    list_init(&head);
    list_append(&head, &a.link);
    list_append(&head, &b.link);
    assert_true(list_linked(&a.link));
    list_unlink(&a.link);
    list_unlink(&a.link);
    list_unlink(&loner.link);
    assert_false(list_linked(&a.link));
    assert_int_equal(reading(&head), 2);
    list_unlink(&b.link);
    assert_true(list_empty(&head));
}

static void a_walk_survives_unlinking_the_item_it_is_at(void **state)
{
    struct item items[5];
    struct list head;

    (void)state;
    list_init(&head);
    for (int i = 0; i < 5; i++) {
        items[i] = (struct item){i + 1, {0}};
        list_append(&head, &items[i].link);
    }
    list_each_safe (p, &head) {
        if (list_entry(p, struct item, link)->value % 2 == 1)
            list_unlink(p);
    }
    assert_int_equal(reading(&head), 24);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_is_that_of_pushing_and_appending),
        cmocka_unit_test(unlinking_twice_or_never_linked_is_harmless),
        cmocka_unit_test(a_walk_survives_unlinking_the_item_it_is_at),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
