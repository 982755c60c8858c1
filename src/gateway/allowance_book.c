/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/allowance_book.h"

#include <stdlib.h>

#include "conf/index.h"

struct allowance_page {
    struct allowance_page *next; /* of its slot */
    const struct conf_provider *provider;
    struct str model; /* behind the allowances */
    struct allowance of[];
};

static uint32_t allowances_of(const struct conf_provider *p)
{
    return p->keys_count > 0 ? p->keys_count : 1;
}

static struct allowance_page *find(struct allowance_page *page, const struct conf_provider *p,
                                   struct str model)
{
    while (page != NULL && (page->provider != p || !str_eq(page->model, model)))
        page = page->next;
    return page;
}

static struct allowance_page *page_new(const struct conf_provider *p, struct str model)
{
    size_t counts = sizeof(struct allowance_page) + allowances_of(p) * sizeof(struct allowance);
    size_t size = (counts + model.len + 63) / 64 * 64;
    struct allowance_page *page = aligned_alloc(64, size);
    char *name;

    if (page == NULL)
        return NULL;
    name = (char *)page + counts;
    memset(page, 0, counts);
    memcpy(name, model.ptr, model.len);
    page->provider = p;
    page->model = str_make(name, model.len);
    return page;
}

static bool take_one(atomic_uint *left)
{
    unsigned n = atomic_load_explicit(left, memory_order_relaxed);

    while (n > 0) {
        if (atomic_compare_exchange_weak_explicit(left, &n, n - 1, memory_order_relaxed,
                                                  memory_order_relaxed))
            return true;
    }
    return false;
}

/* Another thread may be faster with the same page. */
static struct allowance_page *add(struct allowance_book *b, _Atomic(struct allowance_page *) *slot,
                                  struct allowance_page *page)
{
    struct allowance_page *first = atomic_load_explicit(slot, memory_order_acquire), *found;

    do {
        found = find(first, page->provider, page->model);
        if (found != NULL) {
            free(page);
            atomic_fetch_add_explicit(&b->left, 1, memory_order_relaxed);
            return found;
        }
        page->next = first;
    } while (!atomic_compare_exchange_weak_explicit(slot, &first, page, memory_order_acq_rel,
                                                    memory_order_acquire));
    return page;
}

struct allowance *allowance_book_get(struct allowance_book *b, const struct conf_provider *p,
                                     struct str model)
{
    uint64_t hash = index_hash_name(model) + p->index;
    _Atomic(struct allowance_page *) *slot = &b->slots[hash % ALLOWANCE_BOOK_SLOTS];
    struct allowance_page *page = find(atomic_load_explicit(slot, memory_order_acquire), p, model);

    if (page != NULL)
        return page->of;
    if (!take_one(&b->left))
        return NULL;
    page = page_new(p, model);
    if (page == NULL) {
        atomic_fetch_add_explicit(&b->left, 1, memory_order_relaxed);
        return NULL;
    }
    return add(b, slot, page)->of;
}

void allowance_book_done(struct allowance_book *b)
{
    for (unsigned i = 0; i < ALLOWANCE_BOOK_SLOTS; i++) {
        struct allowance_page *page = atomic_load(&b->slots[i]), *next;

        for (; page != NULL; page = next) {
            next = page->next;
            free(page);
        }
    }
}
