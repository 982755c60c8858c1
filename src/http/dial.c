/* SPDX-License-Identifier: Apache-2.0 */
#include "http/dial.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "http/tunnel.h"

/* An answer may take minutes of silence, which address translators on the way take for the end. */
#define KEEPALIVE_S 45u

struct http_dial {
    struct http_fetch *fetch;
    struct dns_query query;
    struct dns_addresses to;
    unsigned next;     /* the address to try */
    struct list tries; /* under way */
    struct alarm head_start;
    int err; /* of the last try that failed */
};

struct dial_try { /* freed by its callback, which comes in any case */
    uv_connect_t request;
    struct list link;
    struct http_dial *dial; /* NULL: given up */
    struct http_upconn *conn;
};

static void give_up_tries(struct http_dial *d)
{
    struct list *link;

    while ((link = list_first(&d->tries)) != NULL) {
        struct dial_try *t = list_entry(link, struct dial_try, link);

        list_unlink(link);
        t->dial = NULL;
        upconn_close(t->conn, false);
    }
}

void dial_cancel(struct http_dial *d)
{
    dns_cancel(&d->query);
    alarm_drop(&d->fetch->client->alarms, &d->head_start);
    give_up_tries(d);
    d->fetch->dial = NULL;
    free(d);
}

/* No address answered: it may have moved (R25). */
static void fail(struct http_dial *d)
{
    struct http_fetch *f = d->fetch;

    dns_forget(f->client->dns, f->origin->dial_host.ptr);
    fetch_fail(f, HTTP_FAIL_CONNECT, d->err, NULL);
}

static void win(struct http_dial *d, struct http_upconn *conn)
{
    struct http_fetch *f = d->fetch;

    dial_cancel(d);
    conn->pool = f->pool;
    conn->generation = f->pool->generation;
    conn->fetch = f;
    f->conn = conn;
    uv_tcp_keepalive(&conn->stream.tcp, 1, KEEPALIVE_S);
    tunnel_start(conn);
}

static void try_next_or_fail(struct http_dial *d);

static void on_connect(uv_connect_t *request, int status)
{
    struct dial_try *t = CONTAINER_OF(request, struct dial_try, request);
    struct http_dial *d = t->dial;
    struct http_upconn *conn = t->conn;

    list_unlink(&t->link);
    free(t);
    if (d == NULL)
        return;
    if (status == 0) {
        win(d, conn);
        return;
    }
    upconn_close(conn, false);
    d->err = status;
    try_next_or_fail(d);
}

static int start_try(struct http_dial *d, union dns_address address)
{
    struct dial_try *t = calloc(1, sizeof(*t));
    int err;

    if (t == NULL)
        return -ENOMEM;
    t->conn = upconn_new(d->fetch->client);
    if (t->conn == NULL) {
        free(t);
        return -ENOMEM;
    }
    t->conn->peer = address;
    if (address.any.sa_family == AF_INET)
        address.v4.sin_port = htons(d->fetch->origin->dial_port);
    else
        address.v6.sin6_port = htons(d->fetch->origin->dial_port);
    t->dial = d;
    err = uv_tcp_connect(&t->request, &t->conn->stream.tcp, &address.any, on_connect);
    if (err != 0) {
        upconn_close(t->conn, false);
        free(t);
        return err;
    }
    list_append(&d->tries, &t->link);
    return 0;
}

/* 0 when at least one try is under way. */
static int try_next(struct http_dial *d)
{
    struct http_client *c = d->fetch->client;

    alarm_drop(&c->alarms, &d->head_start);
    while (d->next < d->to.count) {
        int err = start_try(d, d->to.at[d->next++]);

        if (err == 0) {
            if (d->next < d->to.count)
                alarm_set(&c->alarms, &d->head_start,
                          loop_now_ms(c->loop) + d->fetch->origin->set.happy_eyeballs_ms);
            return 0;
        }
        d->err = err;
    }
    return list_empty(&d->tries) ? d->err : 0;
}

static void try_next_or_fail(struct http_dial *d)
{
    if (try_next(d) != 0)
        fail(d);
}

static void head_start_over(struct alarm *a)
{
    try_next_or_fail(CONTAINER_OF(a, struct http_dial, head_start));
}

/* The families take turns, beginning with the resolver's favourite (RFC 8305 section 4). */
static void interleave(struct dns_addresses *a)
{
    struct dns_addresses from = *a;
    int family = from.count > 0 ? from.at[0].any.sa_family : AF_UNSPEC;
    unsigned at[2] = {0, 0}; /* the favourite, the others */
    unsigned turn = 0;

    a->count = 0;
    while (a->count < from.count) {
        unsigned *i = &at[turn];

        while (*i < from.count && (from.at[*i].any.sa_family == family) == (turn == 1))
            (*i)++;
        if (*i < from.count)
            a->at[a->count++] = from.at[(*i)++];
        turn = 1 - turn;
    }
}

static int race(struct http_dial *d)
{
    interleave(&d->to);
    fetch_enter(d->fetch, HTTP_PHASE_CONNECT);
    d->err = UV_EAI_NODATA;
    return try_next(d);
}

static void on_answer(struct dns_query *q, int err, const struct dns_addresses *a)
{
    struct http_dial *d = CONTAINER_OF(q, struct http_dial, query);

    if (err != 0) {
        fetch_fail(d->fetch, HTTP_FAIL_RESOLVE, err, NULL);
        return;
    }
    d->to = *a;
    if (race(d) != 0)
        fail(d);
}

/* A try that fails at once is rare (no route, no descriptors) and told like any other. */
int dial_start(struct http_fetch *f)
{
    struct http_dial *d = calloc(1, sizeof(*d));
    int rc;

    if (d == NULL)
        return -ENOMEM;
    *d = (struct http_dial){
        .fetch = f, .query.answer = on_answer, .head_start.ring = head_start_over};
    list_init(&d->tries);
    f->dial = d;
    rc = dns_ask(f->client->dns, f->origin->dial_host.ptr, f->origin->set.dns_ttl_ms, &d->query,
                 &d->to);
    if (rc == 1 && (rc = race(d)) != 0)
        dns_forget(f->client->dns, f->origin->dial_host.ptr);
    if (rc != 0)
        dial_cancel(d);
    return rc;
}
