/* SPDX-License-Identifier: Apache-2.0 */
#include "http/upconn.h"

#include <openssl/ssl.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "http/fetch.h"

static struct http_upconn *conn_of(struct stream *s)
{
    return CONTAINER_OF(s, struct http_upconn, stream);
}

/* TLS 1.3 tickets come behind the handshake, so the first reply's end is the time to look. */
static void keep_session(struct http_upconn *c)
{
    struct ssl_session_st *session;

    if (c->stream.ssl == NULL || c->resumable)
        return;
    c->resumable = true;
    session = stream_session(&c->stream);
    if (session == NULL)
        return;
    SSL_SESSION_free(c->pool->session);
    c->pool->session = session;
}

/* Fit for another request, unless the peer sent more than its reply or does not have all of the
 * request. */
static void let_go(struct http_upconn *c, struct http_fetch *f, bool clean)
{
    bool reuse = clean && c->response.reusable && !f->sending && !c->stream.ended &&
                 stream_queued(&c->stream) == 0;

    keep_session(c);
    c->fetch = NULL;
    f->conn = NULL;
    c->used = true;
    if (!reuse) {
        upconn_close(c, f->sending);
        return;
    }
    if (f->held)
        stream_resume(&c->stream);
    pool_put(c->pool, c);
}

static void reply_over(struct http_upconn *c, bool clean)
{
    struct http_fetch *f = c->fetch;

    let_go(c, f, clean);
    fetch_end(f);
}

static bool reply_head(struct response *r, const struct http_reply_in *head)
{
    struct http_upconn *c = CONTAINER_OF(r, struct http_upconn, response);

    c->batch = true;
    fetch_head(c->fetch, head->status);
    c->fetch->ops->on_head(c->fetch, head);
    return c->fetch != NULL;
}

static bool reply_body(struct response *r, struct str bytes)
{
    struct http_upconn *c = CONTAINER_OF(r, struct http_upconn, response);
    struct http_fetch *f = c->fetch;

    c->batch = true;
    if (f->ops->on_body(f, bytes) == FLOW_HOLD && c->fetch == f && !f->held) {
        f->held = true;
        stream_pause(&c->stream);
    }
    return c->fetch != NULL;
}

static const struct response_ops reply_ops = {reply_head, reply_body};

static void batch_over(struct http_upconn *c)
{
    struct http_fetch *f = c->fetch;

    if (!c->batch)
        return;
    c->batch = false;
    if (f->ops->on_batch != NULL)
        f->ops->on_batch(f);
}

static void on_data(struct stream *s, struct str bytes)
{
    struct http_upconn *c = conn_of(s);
    struct http_fetch *f = c->fetch;
    size_t used = 0;

    if (f == NULL) { /* unasked for: whatever it is, the next reply must not begin with it */
        upconn_close(c, true);
        return;
    }
    c->heard = true;
    f->bytes_in += bytes.len;
    if (f->phase == HTTP_PHASE_BODY) /* a head may not drip */
        f->since_ms = loop_now_ms(s->loop);
    switch (response_feed(&c->response, bytes, &used)) {
    case RESPONSE_MORE:
        batch_over(c);
        return;
    case RESPONSE_DONE:
        reply_over(c, used == bytes.len);
        return;
    case RESPONSE_STOPPED:
        return;
    case RESPONSE_BAD:
        fetch_fail(f, HTTP_FAIL_PROTOCOL, 0, response_why(&c->response));
        return;
    case RESPONSE_LIMIT:
        fetch_fail(f, HTTP_FAIL_LIMIT, 0, "reply head too large");
        return;
    }
}

/* Behind a FIN, recv() says 0 for ever, also when an RST has come since and its error is pending. A
 * reply that ends by closing would pass for whole. */
static int hidden_error(const struct stream *s)
{
    int err = 0;
    socklen_t len = sizeof(err);
    uv_os_fd_t fd;

    if (uv_fileno((const uv_handle_t *)&s->tcp, &fd) != 0 ||
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) != 0)
        return 0;
    return -err;
}

static void on_end(struct stream *s, int err)
{
    struct http_upconn *c = conn_of(s);

    if (err == 0 && c->fetch != NULL)
        err = hidden_error(s);
    if (c->fetch == NULL)
        upconn_close(c, false);
    else if (err == 0 && !s->truncated && response_end(&c->response))
        reply_over(c, false);
    else
        fetch_broken(c->fetch, err);
}

void upconn_last_words(struct http_upconn *c)
{
    char *scratch = c->client->loop->scratch;
    uv_os_fd_t fd;
    ssize_t n;

    if (c->stream.ssl != NULL || uv_fileno((const uv_handle_t *)&c->stream.tcp, &fd) != 0)
        return;
    n = recv(fd, scratch, LOOP_SCRATCH_BYTES, MSG_DONTWAIT);
    if (n > 0)
        on_data(&c->stream, str_make(scratch, (size_t)n));
}

static void on_drain(struct stream *s)
{
    struct http_upconn *c = conn_of(s);

    if (c->fetch != NULL)
        fetch_drained(c->fetch);
}

static void on_ready(struct stream *s)
{
    (void)s; /* dial.c's business, and over */
}

void upconn_closed(struct stream *s)
{
    struct http_upconn *c = conn_of(s);
    struct http_client *client = c->client;

    free(c);
    client_handle_closed(client);
}

static const struct stream_ops ops = {
    .on_ready = on_ready,
    .on_data = on_data,
    .on_end = on_end,
    .on_drain = on_drain,
    .on_closed = upconn_closed,
};

struct http_upconn *upconn_new(struct http_client *client)
{
    struct http_upconn *c = calloc(1, sizeof(*c));

    if (c == NULL)
        return NULL;
    if (uv_tcp_init(&client->loop->uv, &c->stream.tcp) != 0) {
        free(c);
        return NULL;
    }
    c->client = client;
    client->handles++;
    return c;
}

void upconn_ready(struct http_upconn *c)
{
    c->stream.ops = &ops;
}

void upconn_begin(struct http_upconn *c, struct http_fetch *f)
{
    c->fetch = f;
    c->heard = c->batch = false;
    response_start(&c->response, &reply_ops, f->arena, f->request.head_method);
}

static void socket_closed(uv_handle_t *h)
{
    upconn_closed(CONTAINER_OF(h, struct stream, tcp));
}

void upconn_close(struct http_upconn *c, bool reset)
{
    if (c->dying)
        return;
    c->dying = true;
    c->fetch = NULL;
    if (list_linked(&c->link))
        pool_remove(c->pool, c);
    if (c->pool != NULL)
        c->pool->slots--;
    c->pool = NULL;
    if (c->opened)
        stream_close(&c->stream, reset);
    else
        uv_close((uv_handle_t *)&c->stream.tcp, socket_closed);
}
