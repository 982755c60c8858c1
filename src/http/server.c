/* SPDX-License-Identifier: Apache-2.0 */
#include "http/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "http/server_conn.h"

#define BACKLOG 4096
#define ACCEPTS_PER_TURN 64u
/* While no connection can be taken: when to look again. */
#define ACCEPT_AGAIN_MS 50u
#define LINGER_MS 2000u
#define WATCH_MS 500u
#define COMPLAIN_MS 1000u

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_storage storage;
};

/* ---- Accepting */

static void accept_start(struct http_server *s);

static void on_accept_again(uv_timer_t *t)
{
    struct http_server *s = t->data;

    s->accept_paused = false;
    accept_start(s);
}

/* The rest waits in the kernel's backlog. */
static void accept_pause(struct http_server *s)
{
    s->accept_paused = true;
    uv_poll_stop(&s->accepting);
    uv_timer_start(&s->accept_again, on_accept_again, ACCEPT_AGAIN_MS, 0);
}

static void complain(struct http_server *s, int err)
{
    uint64_t now = loop_now_ms(s->loop);

    if (s->complained_ms != 0 && now - s->complained_ms < COMPLAIN_MS)
        return;
    s->complained_ms = now;
    log_warn("accepting connections: %s; %u are open in this thread", strerror(-err), s->open);
}

/* Take one of the connections that all threads together may have. */
static bool slot_take(struct http_server *s)
{
    atomic_uint *used = s->settings.connections;

    if (used == NULL)
        return true;
    if (atomic_fetch_add_explicit(used, 1, memory_order_relaxed) < s->settings.limits.connections)
        return true;
    atomic_fetch_sub_explicit(used, 1, memory_order_relaxed);
    return false;
}

static void slot_give(struct http_server *s)
{
    if (s->settings.connections != NULL)
        atomic_fetch_sub_explicit(s->settings.connections, 1, memory_order_relaxed);
}

static void peer_text(const union address *a, char text[48])
{
    const char *ok;

    memset(text, 0, 48);
    if (a->any.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&a->v6.sin6_addr))
        ok = inet_ntop(AF_INET, &a->v6.sin6_addr.s6_addr[12], text, 48);
    else if (a->any.sa_family == AF_INET6)
        ok = inet_ntop(AF_INET6, &a->v6.sin6_addr, text, 48);
    else
        ok = inet_ntop(AF_INET, &a->v4.sin_addr, text, 48);
    if (ok == NULL)
        text[0] = '\0';
}

/* One connection: 0, -EAGAIN when there is none, or another negative errno. */
static int accept_one(struct http_server *s)
{
    union address from;
    socklen_t len = sizeof(from);
    char peer[48];
    int fd = accept4(s->fd, &from.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    int err;

    if (fd < 0)
        return -errno;
    peer_text(&from, peer);
    err = conn_open(s, fd, peer);
    if (err < 0)
        close(fd);
    return err;
}

static void accept_some(struct http_server *s)
{
    for (unsigned i = 0; i < ACCEPTS_PER_TURN && s->fd >= 0; i++) {
        int err;

        if (!slot_take(s)) {
            accept_pause(s);
            return;
        }
        err = accept_one(s);
        if (err == 0)
            continue;
        slot_give(s);
        if (err == -EAGAIN)
            return;
        if (err == -ECONNABORTED || err == -EINTR) /* that one was gone again */
            continue;
        /* No descriptors or no memory: the listener stays readable, so to try again at once
         * would be to spin. */
        complain(s, err);
        accept_pause(s);
        return;
    }
}

static void on_acceptable(uv_poll_t *p, int status, int events)
{
    struct http_server *s = p->data;

    (void)events;
    if (status == 0)
        accept_some(s);
}

static void accept_start(struct http_server *s)
{
    if (s->fd >= 0 && !s->accept_paused)
        uv_poll_start(&s->accepting, UV_READABLE, on_acceptable);
}

/* ---- Closing */

static void free_when_empty(struct http_server *s)
{
    if (!s->closing || s->handles > 0 || s->open > 0)
        return;
    spares_done(&s->spare_conns, free);
    spares_done(&s->spare_bodies, free);
    free(s);
}

void http_server_trim(struct http_server *s)
{
    spares_trim(&s->spare_conns, free);
    spares_trim(&s->spare_bodies, free);
}

void server_conn_closed(struct http_server *s)
{
    s->open--;
    slot_give(s);
    if (s->accept_paused && s->fd >= 0) {
        s->accept_paused = false;
        accept_start(s);
    }
    free_when_empty(s);
}

static void on_timer_closed(uv_handle_t *h)
{
    struct http_server *s = h->data;

    s->handles--;
    free_when_empty(s);
}

static void stop_listening(struct http_server *s)
{
    if (s->fd < 0)
        return;
    uv_poll_stop(&s->accepting);
    uv_timer_stop(&s->accept_again);
    close(s->fd);
    s->fd = -1;
}

void http_server_drain(struct http_server *s)
{
    s->draining = true;
    stop_listening(s);
    list_each_safe (link, &s->conns)
        conn_drain(list_entry(link, struct http_conn, link));
}

/* Bytes that only we still have are lost: a FIN would make the cut look like an end.  What the
 * kernel has is delivered behind a FIN, but thrown away by a reset. */
static bool is_cut(const struct http_conn *c)
{
    return (c->state == CONN_CALL && (!c->call.replied || c->aborted)) ||
           stream_queued(&c->stream) > 0;
}

void http_server_close(struct http_server *s)
{
    if (s->closing)
        return;
    s->closing = s->draining = true;
    stop_listening(s);
    list_each_safe (link, &s->conns) {
        struct http_conn *c = list_entry(link, struct http_conn, link);

        conn_cut(c, is_cut(c));
    }
    uv_close((uv_handle_t *)&s->accepting, on_timer_closed);
    uv_close((uv_handle_t *)&s->accept_again, on_timer_closed);
    deadlines_close(&s->deadlines, on_timer_closed);
}

/* ---- Opening */

static int resolve(const struct http_server_settings *s, union address *ret_address,
                   socklen_t *ret_len, const char **ret_why)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    char host[256], port[8];
    int rc;

    if (s->host.len >= sizeof(host)) {
        *ret_why = "name too long";
        return -EINVAL;
    }
    snprintf(host, sizeof(host), "%.*s", STR_ARG(s->host));
    snprintf(port, sizeof(port), "%u", s->port);
    rc = getaddrinfo(host, port, &hints, &found);
    if (rc != 0) {
        *ret_why = gai_strerror(rc);
        return -EADDRNOTAVAIL;
    }
    memcpy(ret_address, found->ai_addr, found->ai_addrlen);
    *ret_len = found->ai_addrlen;
    freeaddrinfo(found);
    return 0;
}

static bool set(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

/* A bound socket or a negative errno.  Without `shared`, only if nobody listens there. */
static int bind_at(const union address *a, socklen_t len, bool shared)
{
    int fd = socket(a->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int err;

    if (fd < 0)
        return -errno;
    if (set(fd, SOL_SOCKET, SO_REUSEADDR, 1) && (!shared || set(fd, SOL_SOCKET, SO_REUSEPORT, 1)) &&
        bind(fd, &a->any, len) == 0)
        return fd;
    err = -errno;
    close(fd);
    return err;
}

/* What accepted sockets inherit costs no system call a connection.  Keep-alive is for clients
 * that vanish without a FIN while their answer is being waited for. */
static void set_inherited(int fd)
{
    (void)set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    (void)set(fd, IPPROTO_TCP, TCP_KEEPIDLE, 60);
    (void)set(fd, IPPROTO_TCP, TCP_KEEPINTVL, 15);
    (void)set(fd, IPPROTO_TCP, TCP_KEEPCNT, 4);
}

/* Each thread has a listener of its own on the same address. */
static int listen_at(const union address *a, socklen_t len, bool exclusive)
{
    int fd = exclusive ? bind_at(a, len, false) : -1;
    int err;

    if (exclusive && fd < 0)
        return fd;
    if (exclusive)
        close(fd); /* it was only to ask */
    fd = bind_at(a, len, true);
    if (fd < 0)
        return fd;
    set_inherited(fd);
    if (listen(fd, BACKLOG) == 0)
        return fd;
    err = -errno;
    close(fd);
    return err;
}

static int open_listener(struct http_server *s, struct buf *why)
{
    const struct http_server_settings *want = &s->settings;
    bool v6 = memchr(want->host.ptr, ':', want->host.len) != NULL;
    union address a = {0};
    socklen_t len = 0;
    const char *reason = NULL;
    int err = resolve(want, &a, &len, &reason);

    if (err == 0) {
        err = s->fd = listen_at(&a, len, want->exclusive);
        reason = err < 0 ? strerror(-err) : NULL;
    }
    if (err < 0 && buf_printf(why, "%s%.*s%s:%u: %s", v6 ? "[" : "", STR_ARG(want->host),
                              v6 ? "]" : "", want->port, reason) < 0)
        return -ENOMEM;
    return err < 0 ? err : 0;
}

static struct http_server *server_new(struct loop *l, const struct http_server_settings *set,
                                      const struct http_handler *h, void *user)
{
    struct http_server *s = calloc(1, sizeof(*s));
    uint32_t *length = s != NULL ? s->deadlines.length_ms : NULL;

    if (s == NULL)
        return NULL;
    s->loop = l;
    s->settings = *set;
    s->handler = h;
    s->user = user;
    list_init(&s->conns);
    s->deadlines.fire = conn_deadline;
    length[DEADLINE_HEADER] = set->limits.header_ms;
    length[DEADLINE_BODY] = set->limits.body_ms;
    length[DEADLINE_KEEPALIVE] = set->limits.keepalive_ms;
    length[DEADLINE_LINGER] = LINGER_MS;
    length[DEADLINE_STALL] = (set->limits.write_stall_ms + 1) / 2;
    length[DEADLINE_WATCH] = WATCH_MS;
    return s;
}

static int open_handles(struct http_server *s)
{
    int err = uv_poll_init(&s->loop->uv, &s->accepting, s->fd);

    if (err < 0)
        return err;
    s->accepting.data = s;
    uv_timer_init(&s->loop->uv, &s->accept_again); /* timers do not fail */
    s->accept_again.data = s;
    err = deadlines_open(&s->deadlines, s->loop);
    s->deadlines.timer.data = s;
    s->handles = 3;
    return err;
}

int http_server_open(struct loop *l, const struct http_server_settings *set,
                     const struct http_handler *h, void *user, struct buf *why,
                     struct http_server **ret_server)
{
    struct http_server *s = server_new(l, set, h, user);
    int err;

    if (s == NULL)
        return -ENOMEM;
    err = open_listener(s, why);
    if (err == 0) {
        err = open_handles(s);
        if (err < 0)
            close(s->fd);
    }
    if (err < 0) {
        free(s);
        return err;
    }
    s->settings.port = http_server_port(s); /* still known when listening has stopped */
    accept_start(s);
    *ret_server = s;
    return 0;
}

uint16_t http_server_port(const struct http_server *s)
{
    union address a = {0};
    socklen_t len = sizeof(a);

    if (s->fd < 0 || getsockname(s->fd, &a.any, &len) < 0)
        return s->settings.port;
    return ntohs(a.any.sa_family == AF_INET6 ? a.v6.sin6_port : a.v4.sin_port);
}

void *http_server_user(const struct http_call *c)
{
    return c->conn->server->user;
}

unsigned http_server_busy(const struct http_server *s)
{
    return s->busy;
}
