/* list.h - an intrusive doubly linked list; a zeroed link is in no list.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include "base/defs.h"

struct list {
    struct list *next, *prev; /* a head points at itself when empty */
};

#define list_entry(p, type, field) CONTAINER_OF(p, type, field)
/* NOLINTBEGIN(bugprone-macro-parentheses): `p` is a name to declare. */
#define list_each(p, head) for (struct list *p = (head)->next; p != (head); p = p->next)
/* The body may unlink `p`, but nothing else. */
#define list_each_safe(p, head)                                                                    \
    for (struct list *p = (head)->next, *p##_next = p->next; p != (head);                          \
         p = p##_next, p##_next = p->next)
/* NOLINTEND(bugprone-macro-parentheses) */

static inline void list_init(struct list *head)
{
    head->next = head->prev = head;
}

static inline bool list_empty(const struct list *head)
{
    return head->next == head;
}

static inline bool list_linked(const struct list *l)
{
    return l->next != NULL;
}

static inline void list_push(struct list *head, struct list *l) /* at the front */
{
    l->next = head->next;
    l->prev = head;
    head->next->prev = l;
    head->next = l;
}

static inline void list_append(struct list *head, struct list *l) /* at the end */
{
    list_push(head->prev, l);
}

static inline void list_unlink(struct list *l) /* harmless when in no list */
{
    if (l->next == NULL)
        return;
    l->next->prev = l->prev;
    l->prev->next = l->next;
    l->next = l->prev = NULL;
}

static inline struct list *list_first(struct list *head) /* or NULL */
{
    return list_empty(head) ? NULL : head->next;
}

#endif
