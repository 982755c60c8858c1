/* SPDX-License-Identifier: Apache-2.0 */
#include "http/tunnel.h"

#include <stdio.h>

static struct http_upconn *conn_of(struct stream *s)
{
    return CONTAINER_OF(s, struct http_upconn, stream);
}

static void ready(struct http_upconn *c)
{
    upconn_ready(c);
    fetch_begin(c->fetch, c);
}

static void tls_failed(struct http_upconn *c, int err)
{
    const char *why = stream_why(&c->stream);

    fetch_fail(c->fetch, HTTP_FAIL_TLS, err, *why != '\0' ? why : NULL);
}

/* While TLS shakes hands. */

static void shake_ready(struct stream *s)
{
    ready(conn_of(s));
}

static void shake_end(struct stream *s, int err)
{
    tls_failed(conn_of(s), err != 0 ? err : -ECONNRESET);
}

static void no_data(struct stream *s, struct str bytes)
{
    (void)s;
    (void)bytes;
}

static const struct stream_ops shake_ops = {
    .on_ready = shake_ready,
    .on_data = no_data,
    .on_end = shake_end,
    .on_closed = upconn_closed,
};

/* While the proxy is asked for a tunnel. */

static bool proxy_head(struct response *r, const struct http_reply_in *head)
{
    struct http_upconn *c = CONTAINER_OF(r, struct http_upconn, response);
    struct http_fetch *f = c->fetch;
    char why[160];

    if (head->status / 100 == 2)
        return true;
    snprintf(why, sizeof(why), "proxy %.*s answered %u", STR_ARG(f->origin->dial_host),
             head->status);
    fetch_fail(f, HTTP_FAIL_CONNECT, 0, why);
    return false;
}

static bool proxy_body(struct response *r, struct str bytes)
{
    (void)r;
    (void)bytes;
    return true;
}

static const struct response_ops proxy_reply_ops = {proxy_head, proxy_body};

static void proxy_ready(struct stream *s)
{
    struct http_upconn *c = conn_of(s);
    struct http_fetch *f = c->fetch;
    struct str head = str_from(f->origin->connect_head);
    int err;

    response_start(&c->response, &proxy_reply_ops, f->arena, true);
    err = stream_write(s, &head, 1);
    if (err != 0)
        fetch_fail(f, HTTP_FAIL_CONNECT, err, NULL);
}

static void start_tls(struct http_upconn *c)
{
    const struct http_origin_settings *set = &c->fetch->origin->set;
    int err;

    fetch_enter(c->fetch, HTTP_PHASE_TLS);
    c->stream.ops = &shake_ops;
    err = stream_start_tls(&c->stream, set->tls, set->host.ptr, c->pool->session);
    if (err != 0)
        tls_failed(c, err);
}

static void proxy_data(struct stream *s, struct str bytes)
{
    struct http_upconn *c = conn_of(s);
    size_t used = 0;

    switch (response_feed(&c->response, bytes, &used)) {
    case RESPONSE_MORE:
    case RESPONSE_STOPPED:
        return;
    case RESPONSE_DONE:
        if (used == bytes.len) { /* in TLS it is us who speak first */
            start_tls(c);
            return;
        }
        break;
    case RESPONSE_BAD:
    case RESPONSE_LIMIT:
        break;
    }
    fetch_fail(c->fetch, HTTP_FAIL_CONNECT, 0, "the proxy's answer is not HTTP");
}

static void proxy_end(struct stream *s, int err)
{
    fetch_fail(conn_of(s)->fetch, HTTP_FAIL_CONNECT, err, "the proxy closed the connection");
}

static const struct stream_ops proxy_ops = {
    .on_ready = proxy_ready,
    .on_data = proxy_data,
    .on_end = proxy_end,
    .on_closed = upconn_closed,
};

/* A plain connection is ready from within stream_open_client(); after a failure of that, or of
 * what it led to, `c` belongs to nobody. */
void tunnel_start(struct http_upconn *c)
{
    struct http_fetch *f = c->fetch;
    const struct http_origin *o = f->origin;
    bool tls = o->set.tls != NULL && o->connect_head == NULL;
    int err;

    c->opened = true;
    if (tls)
        fetch_enter(f, HTTP_PHASE_TLS);
    err = stream_open_client(&c->stream, f->client->loop,
                             o->connect_head != NULL ? &proxy_ops : &shake_ops,
                             tls ? o->set.tls : NULL, o->set.host.ptr, c->pool->session);
    if (err != 0 && tls)
        tls_failed(c, err);
    else if (err != 0)
        fetch_fail(f, HTTP_FAIL_CONNECT, err, NULL);
}
