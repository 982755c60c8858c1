/*
 * allowance_book.h - who has which allowance: a page for each model of a provider.
 *
 * A provider counts by key and model, whatever aliases the model has here, and whether it has any:
 * whoever asks for provider/model draws from the same.  Pages are made when they are first looked
 * for and stay as long as the book; a name that a client makes up takes one, so they are limited.
 * Shared by the threads without a lock: pages are only ever added.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GATEWAY_ALLOWANCE_BOOK_H
#define GATEWAY_ALLOWANCE_BOOK_H

#include "conf/conf.h"
#include "gateway/allowance.h"

#define ALLOWANCE_BOOK_SLOTS 256u

struct allowance_page;

struct allowance_book { /* zeroed it is ready, and has no pages left */
    _Atomic(struct allowance_page *) slots[ALLOWANCE_BOOK_SLOTS];
    atomic_uint left; /* pages that may still be made */
};

/* The allowances of the provider's keys for this model, one a key, or one when it has none.  NULL:
 * nobody counts, since there is no page left, or no memory. */
struct allowance *allowance_book_get(struct allowance_book *b, const struct conf_provider *p,
                                     struct str model);
void allowance_book_done(struct allowance_book *b);

#endif
