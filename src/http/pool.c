/* SPDX-License-Identifier: Apache-2.0 */
#include "http/pool.h"

#include <openssl/ssl.h>
#include <stdlib.h>

#include "http/fetch.h"

static struct pool **bucket(struct http_client *c, const struct http_origin *o)
{
    uintptr_t n = (uintptr_t)o;

    return &c->pools[(n >> 5 ^ n >> 13) % CLIENT_BUCKETS];
}

static struct http_upconn *oldest(struct pool *p)
{
    return list_entry(p->idle.prev, struct http_upconn, link);
}

/* One alarm a pool, for the connection that was idle longest; setting it anew whenever that one
 * is used would cost each request a change of the heap, so it may ring for nothing. */
static void expire(struct alarm *a)
{
    struct pool *p = CONTAINER_OF(a, struct pool, expiry);
    uint64_t now = loop_now_ms(p->client->loop);

    while (!list_empty(&p->idle) && oldest(p)->idle_since_ms + p->origin->set.idle_ms <= now)
        upconn_close(oldest(p), false);
    if (!list_empty(&p->idle))
        alarm_set(&p->client->alarms, a, oldest(p)->idle_since_ms + p->origin->set.idle_ms);
    else
        pool_settle(p);
}

/* Does it lead where the name points?  One that was made since the last answer does. */
static bool leads_there(const struct pool *p, struct http_upconn *conn)
{
    if (conn->generation != p->generation && dns_has(&p->addresses, &conn->peer))
        conn->generation = p->generation;
    return conn->generation == p->generation;
}

static void follow(struct pool *p, const struct dns_addresses *a)
{
    p->addresses = *a;
    p->generation++;
    list_each_safe (link, &p->idle) {
        struct http_upconn *conn = list_entry(link, struct http_upconn, link);

        if (!leads_there(p, conn))
            upconn_close(conn, false);
    }
}

/* A name that cannot be looked up just now has not moved. */
static void on_answer(struct dns_query *q, int err, const struct dns_addresses *a)
{
    if (err == 0)
        follow(CONTAINER_OF(q, struct pool, check), a);
}

static void check_name(struct pool *p, uint64_t now)
{
    const struct http_origin *o = p->origin;
    struct dns_addresses a;

    p->check_ms = now + o->set.dns_ttl_ms;
    if (list_linked(&p->check.link))
        return;
    if (dns_ask(p->client->dns, o->dial_host.ptr, o->set.dns_ttl_ms, &p->check, &a) == 1)
        follow(p, &a);
}

static void pool_free(struct pool *p)
{
    struct pool **at = bucket(p->client, p->origin);

    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    alarm_drop(&p->client->alarms, &p->expiry);
    dns_cancel(&p->check);
    SSL_SESSION_free(p->session);
    origin_release(p->origin);
    free(p);
}

static bool is_unused(const struct pool *p)
{
    return p->fetches == 0 && p->slots == 0;
}

/* Origins retire when configuration changes, and the next thing then is a pool for a new one. */
static void sweep(struct http_client *c)
{
    for (unsigned i = 0; i < CLIENT_BUCKETS; i++) {
        struct pool *next;

        for (struct pool *p = c->pools[i]; p != NULL; p = next) {
            next = p->next;
            if (is_unused(p) && origin_retired(p->origin))
                pool_free(p);
        }
    }
}

static struct pool *pool_new(struct http_client *c, const struct http_origin *o)
{
    struct pool *p = calloc(1, sizeof(*p));

    if (p == NULL)
        return NULL;
    sweep(c);
    p->client = c;
    p->origin = origin_hold(o);
    p->expiry.ring = expire;
    p->check.answer = on_answer;
    p->check_ms = loop_now_ms(c->loop) + o->set.dns_ttl_ms;
    list_init(&p->idle);
    list_init(&p->waiting);
    p->next = *bucket(c, o);
    *bucket(c, o) = p;
    return p;
}

struct pool *pool_get(struct http_client *c, const struct http_origin *o)
{
    struct pool *p = *bucket(c, o);

    while (p != NULL && p->origin != o)
        p = p->next;
    return LIKELY(p != NULL) ? p : pool_new(c, o);
}

void pool_free_all(struct http_client *c)
{
    for (unsigned i = 0; i < CLIENT_BUCKETS; i++) {
        while (c->pools[i] != NULL) {
            struct pool *p = c->pools[i];

            assert(p->fetches == 0);
            while (!list_empty(&p->idle))
                upconn_close(oldest(p), false);
            pool_free(p);
        }
    }
}

struct http_upconn *pool_take(struct pool *p)
{
    uint64_t now = loop_now_ms(p->client->loop);
    struct http_upconn *conn;
    struct list *first;

    if (UNLIKELY(now >= p->check_ms) && !list_empty(&p->idle))
        check_name(p, now);
    first = list_first(&p->idle);
    if (first == NULL)
        return NULL;
    conn = list_entry(first, struct http_upconn, link);
    pool_remove(p, conn);
    return conn;
}

static struct http_fetch *take_waiter(struct pool *p)
{
    struct list *first = list_first(&p->waiting);

    if (first == NULL)
        return NULL;
    list_unlink(first);
    p->waiting_count--;
    return list_entry(first, struct http_fetch, link);
}

static void keep_idle(struct pool *p, struct http_upconn *conn)
{
    const struct http_origin_settings *set = &p->origin->set;

    if (p->idle_count >= set->idle_max || set->idle_ms == 0 || origin_retired(p->origin)) {
        upconn_close(conn, false);
        return;
    }
    conn->idle_since_ms = loop_now_ms(p->client->loop);
    list_push(&p->idle, &conn->link);
    p->idle_count++;
    p->client->counts.idle++;
    if (!alarm_is_set(&p->expiry))
        alarm_set(&p->client->alarms, &p->expiry, conn->idle_since_ms + set->idle_ms);
}

void pool_put(struct pool *p, struct http_upconn *conn)
{
    struct http_fetch *waiter;

    if (!leads_there(p, conn))
        upconn_close(conn, false); /* pool_settle() gives the slot away */
    else if ((waiter = take_waiter(p)) != NULL)
        fetch_begin(waiter, conn);
    else
        keep_idle(p, conn);
}

void pool_remove(struct pool *p, struct http_upconn *conn)
{
    list_unlink(&conn->link);
    p->idle_count--;
    p->client->counts.idle--;
}

void pool_settle(struct pool *p)
{
    struct http_fetch *waiter;

    while (p->slots < p->origin->set.connections_max && (waiter = take_waiter(p)) != NULL)
        fetch_dial(waiter);
    if (is_unused(p) && origin_retired(p->origin))
        pool_free(p);
}
