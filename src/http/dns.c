/* SPDX-License-Identifier: Apache-2.0 */
#include "http/dns.h"

#include <stdlib.h>

struct dns_name {
    struct list link;    /* dns->names, the most recently asked first */
    struct list waiting; /* of dns_query.link */
    struct dns *dns;     /* NULL: it was freed, this lookup goes on alone */
    uint64_t until_ms;
    uint32_t ttl_ms;
    bool looking, forgotten;
    int err;
    struct dns_addresses addresses;
    char host[];
};

struct dns {
    struct loop *loop;
    struct dns_resolver resolver;
    struct list names;
    unsigned count;
};

struct system_lookup {
    uv_getaddrinfo_t req;
    struct dns_name *name;
};

static unsigned count_family(const struct dns_addresses *a, int family)
{
    unsigned n = 0;

    for (unsigned i = 0; i < a->count; i++)
        n += a->at[i].any.sa_family == family;
    return n;
}

static void take_address(struct dns_addresses *a, const struct addrinfo *i)
{
    union dns_address *to = &a->at[a->count];

    if (a->count == DNS_ADDRESSES_MAX || count_family(a, i->ai_family) == DNS_FAMILY_MAX)
        return;
    if (i->ai_family == AF_INET && i->ai_addrlen == sizeof(to->v4))
        memcpy(&to->v4, i->ai_addr, sizeof(to->v4));
    else if (i->ai_family == AF_INET6 && i->ai_addrlen == sizeof(to->v6))
        memcpy(&to->v6, i->ai_addr, sizeof(to->v6));
    else
        return;
    a->count++;
}

static void system_answer(uv_getaddrinfo_t *req, int err, struct addrinfo *res)
{
    struct system_lookup *l = CONTAINER_OF(req, struct system_lookup, req);
    struct dns_name *n = l->name;
    struct dns_addresses a = {0};

    for (struct addrinfo *i = res; err == 0 && i != NULL; i = i->ai_next)
        take_address(&a, i);
    uv_freeaddrinfo(res);
    free(l);
    dns_found(n, err, &a);
}

static int system_look_up(void *user, struct loop *l, const char *host, struct dns_name *n)
{
    static const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct system_lookup *s = malloc(sizeof(*s));
    int err;

    (void)user;
    if (s == NULL)
        return -ENOMEM;
    s->name = n;
    err = uv_getaddrinfo(&l->uv, &s->req, system_answer, host, NULL, &hints);
    if (err != 0)
        free(s);
    return err;
}

static uint64_t now_ms(const struct dns *d)
{
    return d->resolver.now_ms != NULL ? d->resolver.now_ms(d->resolver.user) : loop_now_ms(d->loop);
}

struct dns *dns_new(struct loop *l)
{
    struct dns *d = calloc(1, sizeof(*d));

    if (d == NULL)
        return NULL;
    d->loop = l;
    d->resolver.look_up = system_look_up;
    list_init(&d->names);
    return d;
}

void dns_use(struct dns *d, struct dns_resolver r)
{
    d->resolver = r;
}

/* Off the list; a lookup under way keeps the memory until dns_found(). */
static void drop(struct dns *d, struct dns_name *n)
{
    d->count--;
    list_unlink(&n->link);
    n->dns = NULL;
    if (!n->looking)
        free(n);
}

void dns_free(struct dns *d)
{
    if (d == NULL)
        return;
    while (!list_empty(&d->names))
        drop(d, list_entry(list_first(&d->names), struct dns_name, link));
    free(d);
}

static struct dns_name *find(struct dns *d, const char *host)
{
    list_each (p, &d->names) {
        struct dns_name *n = list_entry(p, struct dns_name, link);

        if (strcmp(n->host, host) == 0)
            return n;
    }
    return NULL;
}

static void drop_oldest(struct dns *d)
{
    for (struct list *p = d->names.prev; p != &d->names; p = p->prev) {
        struct dns_name *n = list_entry(p, struct dns_name, link);

        if (!n->looking) {
            drop(d, n);
            return;
        }
    }
}

static struct dns_name *add(struct dns *d, const char *host)
{
    size_t size = strlen(host) + 1;
    struct dns_name *n;

    if (d->count >= DNS_NAMES_MAX)
        drop_oldest(d);
    if (d->count >= DNS_NAMES_MAX)
        return NULL;
    n = calloc(1, sizeof(*n) + size);
    if (n == NULL)
        return NULL;
    memcpy(n->host, host, size);
    list_init(&n->waiting);
    list_push(&d->names, &n->link);
    n->dns = d;
    d->count++;
    return n;
}

/* "127.0.0.1", "::1": nothing to look up. */
static bool is_address(const char *host, struct dns_addresses *ret)
{
    struct dns_addresses a = {.count = 1};

    if (uv_inet_pton(AF_INET, host, &a.at[0].v4.sin_addr) == 0)
        a.at[0].any.sa_family = AF_INET;
    else if (uv_inet_pton(AF_INET6, host, &a.at[0].v6.sin6_addr) == 0)
        a.at[0].any.sa_family = AF_INET6;
    else
        return false;
    *ret = a;
    return true;
}

static void remember(struct dns_name *n, int err, const struct dns_addresses *a)
{
    uint32_t ttl = n->ttl_ms;

    n->err = err != 0 ? err : a->count == 0 ? UV_EAI_NONAME : 0;
    if (n->err == 0)
        n->addresses = *a;
    else if (ttl > DNS_FAILURE_MS_MAX)
        ttl = DNS_FAILURE_MS_MAX;
    n->until_ms = n->forgotten ? 0 : now_ms(n->dns) + ttl;
}

/* A callback may ask, forget or cancel, and so free the name: work on copies. */
static void tell(struct dns_name *n)
{
    struct dns_addresses found = n->addresses;
    int err = n->err;
    struct list waiting, *p;

    list_init(&waiting);
    while ((p = list_first(&n->waiting)) != NULL) {
        list_unlink(p);
        list_append(&waiting, p);
    }
    while ((p = list_first(&waiting)) != NULL) {
        struct dns_query *q = list_entry(p, struct dns_query, link);

        list_unlink(p);
        q->answer(q, err, &found);
    }
}

void dns_found(struct dns_name *n, int err, const struct dns_addresses *a)
{
    n->looking = false;
    if (n->dns == NULL) {
        assert(list_empty(&n->waiting));
        free(n);
        return;
    }
    remember(n, err, a);
    tell(n);
}

static int look_up(struct dns *d, struct dns_name *n)
{
    int err;

    n->looking = true;
    n->forgotten = false;
    err = d->resolver.look_up(d->resolver.user, d->loop, n->host, n);
    if (err != 0) {
        n->looking = false;
        drop(d, n);
    }
    return err;
}

int dns_ask(struct dns *d, const char *host, uint32_t ttl_ms, struct dns_query *q,
            struct dns_addresses *ret)
{
    struct dns_name *n;
    int err;

    if (is_address(host, ret))
        return 1;
    n = find(d, host);
    if (n == NULL && (n = add(d, host)) == NULL)
        return -ENOMEM;
    n->ttl_ms = ttl_ms;
    if (!n->looking && now_ms(d) >= n->until_ms) {
        err = look_up(d, n);
        if (err != 0)
            return err;
    }
    if (n->looking) {
        list_append(&n->waiting, &q->link);
        return 0;
    }
    *ret = n->addresses;
    return n->err != 0 ? n->err : 1;
}

void dns_cancel(struct dns_query *q)
{
    list_unlink(&q->link);
}

void dns_forget(struct dns *d, const char *host)
{
    struct dns_name *n = find(d, host);

    if (n == NULL)
        return;
    n->until_ms = 0;
    n->forgotten = n->looking; /* asked before the trouble: no news */
}

static bool same(const union dns_address *a, const union dns_address *b)
{
    if (a->any.sa_family != b->any.sa_family)
        return false;
    if (a->any.sa_family == AF_INET)
        return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
    return memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof(a->v6.sin6_addr)) == 0;
}

bool dns_has(const struct dns_addresses *a, const union dns_address *one)
{
    for (unsigned i = 0; i < a->count; i++) {
        if (same(&a->at[i], one))
            return true;
    }
    return false;
}
