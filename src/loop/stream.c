/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "loop/stream_tls.h"

/* Pieces handed to the kernel at once; more than that take another system call. */
#define PIECES_MAX 32u
/* Up to this many bytes, pieces are copied into one: send() of one piece costs the kernel less than
 * sendmsg() of several, by more than the copy. */
#define GATHER_BYTES (8u * 1024u)
#define SPARES_MAX 256u

/* Bytes on their way out, and libuv's request for them. */
struct stream_send {
    uv_write_t request;
    struct stream *stream;
    char *bytes;
};

static struct stream_send *send_take(struct loop *l)
{
    struct stream_send *w = spares_take(&l->spare_sends);

    return w != NULL ? w : malloc(sizeof(*w));
}

static void send_put(struct loop *l, struct stream_send *w)
{
    free(w->bytes);
    if (!spares_put(&l->spare_sends, w, SPARES_MAX))
        free(w);
}

static void send_fin(struct stream *s)
{
    (void)shutdown(s->fd, SHUT_WR); /* a peer that is gone does not need one */
}

static int send_start(struct stream *s);

static void on_sent(uv_write_t *request, int status)
{
    struct stream_send *w = CONTAINER_OF(request, struct stream_send, request);
    struct stream *s = w->stream;
    int err = status;

    send_put(s->loop, w);
    s->send = NULL;
    if (s->closing)
        return;
    if (err == 0 && s->queue.len > 0)
        err = send_start(s);
    if (err == 0 && s->send != NULL)
        return;
    if (s->finishing)
        stream_close(s, err < 0);
    else if (err < 0)
        stream_end(s, err);
    else if (s->shut)
        send_fin(s);
    else if (!s->ended && s->ops->on_drain != NULL)
        s->ops->on_drain(s);
}

/* The queue's memory goes to libuv whole; what is written meanwhile starts a new one. */
static int send_start(struct stream *s)
{
    struct stream_send *w = send_take(s->loop);
    uv_buf_t b;
    int err;

    if (w == NULL)
        return -ENOMEM;
    *w = (struct stream_send){.stream = s, .bytes = s->queue.ptr};
    b = (uv_buf_t){.base = s->queue.ptr, .len = s->queue.len};
    s->queue = (struct buf){0};
    s->send = w;
    err = uv_write(&w->request, (uv_stream_t *)&s->tcp, &b, 1, on_sent);
    if (err < 0) {
        s->send = NULL;
        send_put(s->loop, w);
    }
    return err;
}

/* Queue what is left of `pieces` after their first `skip` bytes. */
static int queue_rest(struct stream *s, const struct str *pieces, unsigned n, size_t skip)
{
    size_t rest = 0;
    int err;

    for (unsigned i = 0; i < n; i++)
        rest += pieces[i].len;
    if (rest == skip)
        return 0;
    err = buf_reserve(&s->queue, rest - skip); /* one allocation for all of them */
    for (unsigned i = 0; i < n && err == 0; i++) {
        size_t gone = skip < pieces[i].len ? skip : pieces[i].len;

        skip -= gone;
        err = buf_put(&s->queue, str_skip(pieces[i], gone));
    }
    return err;
}

/* Small pieces in one place (the loop's), which is good until the next call; or .ptr NULL: they are
 * too much for it. */
static struct str gather(struct stream *s, const struct str *pieces, unsigned n)
{
    size_t len = 0;

    if (n == 1)
        return pieces[0];
    for (unsigned i = 0; i < n; i++) {
        if (pieces[i].len > GATHER_BYTES - len)
            return (struct str){NULL, 0};
        if (pieces[i].len > 0)
            memcpy(s->loop->gather + len, pieces[i].ptr, pieces[i].len);
        len += pieces[i].len;
    }
    return (struct str){s->loop->gather, len};
}

static ssize_t send_pieces(struct stream *s, const struct str *pieces, unsigned n)
{
    struct iovec bufs[PIECES_MAX];
    struct msghdr m = {.msg_iov = bufs, .msg_iovlen = n};

    for (unsigned i = 0; i < n; i++)
        bufs[i] = (struct iovec){(char *)(uintptr_t)pieces[i].ptr, pieces[i].len};
    return sendmsg(s->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Try the socket; the number of bytes it took. */
static int try_pieces(struct stream *s, const struct str *pieces, unsigned n, size_t *ret_taken)
{
    struct str one = gather(s, pieces, n);
    ssize_t rc = 0;

    if (one.ptr != NULL && one.len == 0)
        return 0;
    do {
        rc = one.ptr != NULL ? send(s->fd, one.ptr, one.len, MSG_DONTWAIT | MSG_NOSIGNAL)
                             : send_pieces(s, pieces, n);
    } while (rc < 0 && errno == EINTR);
    if (rc < 0 && errno != EAGAIN && errno != ENOBUFS)
        return -errno;
    *ret_taken = rc > 0 ? (size_t)rc : 0;
    return 0;
}

int stream_raw_write(struct stream *s, const struct str *pieces, unsigned n)
{
    int err = 0;

    for (unsigned i = 0; i < n; i++)
        s->raw_out += pieces[i].len;
    while (n > 0 && err == 0) {
        unsigned batch = n < PIECES_MAX ? n : PIECES_MAX;
        size_t taken = 0;

        if (s->send == NULL && s->queue.len == 0)
            err = try_pieces(s, pieces, batch, &taken);
        if (err == 0)
            err = queue_rest(s, pieces, batch, taken);
        pieces += batch;
        n -= batch;
    }
    if (err == 0 && s->send == NULL && s->queue.len > 0)
        err = send_start(s);
    return err;
}

static int writable(const struct stream *s)
{
    if (s->closing || s->shut || s->finishing)
        return -EPIPE;
    return s->ready ? 0 : -ENOTCONN;
}

static int written(struct stream *s, int err)
{
    if (err < 0) {
        s->ended = true; /* the caller knows now; on_end() would be news twice */
        stream_pause(s);
    }
    return err;
}

int stream_write(struct stream *s, const struct str *pieces, unsigned n)
{
    int err = writable(s);

    if (err < 0)
        return err;
    for (unsigned i = 0; i < n; i++)
        s->bytes_out += pieces[i].len;
    return written(s, s->ssl != NULL ? stream_tls_write(s, pieces, n)
                                     : stream_raw_write(s, pieces, n));
}

int stream_offer(struct stream *s, const struct str *pieces, unsigned n, size_t *ret_taken)
{
    int err = writable(s);
    size_t taken = 0;

    if (err < 0)
        return err;
    if (s->ssl == NULL && s->send == NULL && s->queue.len == 0)
        err = try_pieces(s, pieces, n < PIECES_MAX ? n : PIECES_MAX, &taken);
    if (err == 0)
        *ret_taken = taken;
    s->bytes_out += taken;
    s->raw_out += taken;
    return written(s, err);
}

void stream_end(struct stream *s, int err)
{
    if (s->ended || s->closing)
        return;
    s->ended = true;
    stream_pause(s);
    s->ops->on_end(s, err);
}

static void end_of_bytes(struct stream *s, int err)
{
    if (err != UV_EOF) {
        stream_end(s, err);
        return;
    }
    if (s->ssl != NULL && !s->ready) {
        s->why = "closed during the handshake";
        stream_end(s, -EPROTO);
        return;
    }
    s->truncated = s->ssl != NULL && !s->notified;
    stream_end(s, 0);
}

/* One read a turn: the loop comes back while there is more, and others have their turn between. */
static void read_socket(struct stream *s)
{
    size_t room = s->ssl != NULL ? STREAM_TLS_READ_BYTES : LOOP_SCRATCH_BYTES;
    char *to = s->loop->scratch;
    ssize_t n;

    do {
        n = recv(s->fd, to, room, MSG_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN)
        return;
    s->loop->turn_ns = loop_clock_ns();
    if (n <= 0) {
        end_of_bytes(s, n < 0 ? -errno : UV_EOF);
    } else if (s->ssl != NULL) {
        stream_tls_read(s, (struct str){to, (size_t)n});
    } else {
        s->bytes_in += (size_t)n;
        s->ops->on_data(s, (struct str){to, (size_t)n});
    }
}

/* libuv is given no buffer, says so (UV_ENOBUFS), and leaves the reading to us: recv() is cheaper
 * than its read(). */
static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *b)
{
    (void)h;
    (void)suggested;
    *b = (uv_buf_t){.base = NULL, .len = 0};
}

static void on_readable(uv_stream_t *tcp, ssize_t n, const uv_buf_t *b)
{
    struct stream *s = tcp->data;

    (void)b;
    if (n == UV_ENOBUFS)
        read_socket(s);
    else if (n < 0)
        end_of_bytes(s, (int)n);
}

void stream_pause(struct stream *s)
{
    if (!s->reading)
        return;
    s->reading = false;
    uv_read_stop((uv_stream_t *)&s->tcp);
}

void stream_resume(struct stream *s)
{
    if (s->reading || s->ended || s->closing || s->finishing)
        return;
    s->reading = uv_read_start((uv_stream_t *)&s->tcp, on_alloc, on_readable) == 0;
}

static int open_common(struct stream *s, struct loop *l, const struct stream_ops *ops)
{
    int err;

    /* Everything but the handle, which is live already. */
    memset((char *)s + offsetof(struct stream, ops), 0, sizeof(*s) - offsetof(struct stream, ops));
    s->ops = ops;
    s->loop = l;
    s->tcp.data = s;
    err = uv_fileno((uv_handle_t *)&s->tcp, &s->fd);
    if (err < 0)
        return err;
    uv_tcp_nodelay(&s->tcp, 1); /* no Nagle: an event must not wait for an ACK (R6) */
    stream_resume(s);
    return s->reading ? 0 : -ENOTCONN;
}

static int begin(struct stream *s, struct ssl_ctx_st *tls, bool server, const char *host,
                 struct ssl_session_st *session)
{
    if (tls != NULL)
        return stream_tls_begin(s, tls, server, host, session);
    s->ready = true;
    if (s->ops->on_ready != NULL)
        s->ops->on_ready(s);
    return 0;
}

int stream_open_server(struct stream *s, struct loop *l, const struct stream_ops *ops,
                       struct ssl_ctx_st *tls)
{
    int err = open_common(s, l, ops);

    return err < 0 ? err : begin(s, tls, true, NULL, NULL);
}

int stream_open_client(struct stream *s, struct loop *l, const struct stream_ops *ops,
                       struct ssl_ctx_st *tls, const char *host, struct ssl_session_st *session)
{
    int err = open_common(s, l, ops);

    return err < 0 ? err : begin(s, tls, false, host, session);
}

int stream_start_tls(struct stream *s, struct ssl_ctx_st *tls, const char *host,
                     struct ssl_session_st *session)
{
    s->ready = false;
    return stream_tls_begin(s, tls, false, host, session);
}

void stream_shutdown(struct stream *s)
{
    if (s->shut || s->closing)
        return;
    if (s->ssl != NULL)
        stream_tls_notify(s);
    s->shut = true;
    if (s->send == NULL)
        send_fin(s);
}

void stream_finish(struct stream *s)
{
    stream_pause(s);
    s->finishing = true;
    if (s->send == NULL)
        stream_close(s, false);
}

static void on_tcp_closed(uv_handle_t *h)
{
    struct stream *s = h->data;

    buf_done(&s->queue);
    stream_tls_free(s);
    if (s->ops != NULL)
        s->ops->on_closed(s);
}

void stream_close(struct stream *s, bool reset)
{
    if (s->closing)
        return;
    if (s->ssl != NULL && !reset && !s->shut)
        stream_tls_notify(s);
    s->closing = true;
    s->reading = false;
    if (!reset || uv_tcp_close_reset(&s->tcp, on_tcp_closed) < 0)
        uv_close((uv_handle_t *)&s->tcp, on_tcp_closed);
}

const char *stream_why(const struct stream *s)
{
    return s->why != NULL ? s->why : "";
}
