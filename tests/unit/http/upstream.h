/*
 * upstream.h - scripted servers and recorded fetches on one loop, for the tests of the client.
 *
 * A server has a script for each connection it accepts, in order.  A step waits until a text has
 * come (everything up to its end is consumed), sends raw bytes, and may then close.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TEST_UPSTREAM_H
#define TEST_UPSTREAM_H

#include <dirent.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/client.h"
#include "http/fetch.h"
#include "loop/stream.h"

#define CONNECTIONS_MAX 16u
#define RUN_LIMIT_MS 5000u

enum then { STAY, FIN, RST, STOP_READING, RELAY };

struct step {
    const char *await; /* NULL: go on at once */
    const char *send;  /* NULL: nothing */
    enum then then;
    bool drip;          /* a byte a turn of the loop */
    size_t await_bytes; /* this many instead of a text */
    size_t send_bytes;  /* this many 'x' after `send` */
};

#define SAY(a, s)                                                                                  \
    {                                                                                              \
        .await = (a), .send = (s)                                                                  \
    }
#define DO(a, s, t)                                                                                \
    {                                                                                              \
        .await = (a), .send = (s), .then = (t)                                                     \
    }
#define DRIP(a, s)                                                                                 \
    {                                                                                              \
        .await = (a), .send = (s), .drip = true                                                    \
    }
#define MANY(a, s, n)                                                                              \
    {                                                                                              \
        .await = (a), .send = (s), .send_bytes = (n)                                               \
    }
#define TAKE(n, s)                                                                                 \
    {                                                                                              \
        .await_bytes = (n), .send = (s)                                                            \
    }

struct server;

struct server_conn {
    struct stream stream;
    struct server *server;
    const struct step *steps;
    unsigned step, steps_count;
    struct buf got; /* not awaited yet */
    struct buf all; /* everything that came */
    size_t dripped;
    uv_idle_t idle;
    bool open, ended, closed;
    int err;
    bool resumed; /* TLS session */
    struct stream relay;
    bool relaying;
};

struct server {
    uv_tcp_t listener;
    struct loop *loop;
    struct ssl_ctx_st *tls;
    uint16_t port, relay_port;
    unsigned accepted;
    const struct step *scripts[CONNECTIONS_MAX];
    unsigned script_steps[CONNECTIONS_MAX];
    struct server_conn conns[CONNECTIONS_MAX];
};

struct world {
    struct loop loop;
    struct http_client *client;
};

/* What a fetch was told. */
struct got {
    struct http_fetch f;
    struct arena arena;
    struct world *world;
    char head[512];
    unsigned status, heads, bodies, batches, drains;
    int64_t content_length;
    struct http_fields fields;
    struct buf body;
    uint64_t body_bytes, body_sum;
    bool keep_body_out; /* count only */
    bool ended, failed;
    enum http_failure failure;
    char why[256];
    uint64_t start_ms, over_ms;
    unsigned hold_after; /* pieces; 0: never */
    unsigned cancel_at;  /* 1: on_head, 2: on_body, 3: on_batch */
    struct got *then;    /* started from within on_end and on_fail */
    struct got *cancels; /* cancelled from within on_end and on_fail */
};

/* Pipes do not count: a sanitizer opens two when it looks up its first name. */
static inline unsigned count_descriptors(void)
{
    DIR *d = opendir("/proc/self/fd");
    const struct dirent *e;
    unsigned n = 0;

    while ((e = readdir(d)) != NULL) {
        char to[16];
        ssize_t len = readlinkat(dirfd(d), e->d_name, to, sizeof(to));

        n += len > 5 && memcmp(to, "pipe:", 5) != 0;
    }
    closedir(d);
    return n;
}

/* The server. */

static inline void server_go_on(struct server_conn *c);

static inline bool server_awaits(struct server_conn *c, const struct step *s)
{
    const char *at;
    size_t need = s->await_bytes;

    if (s->await != NULL) {
        at = str_find(buf_str(&c->got), str_from(s->await));
        if (at == NULL)
            return true;
        need = (size_t)(at - c->got.ptr) + strlen(s->await);
    }
    if (c->got.len < need)
        return true;
    buf_drop(&c->got, need);
    return false;
}

static inline void server_send(struct server_conn *c, struct str bytes)
{
    if (bytes.len > 0 && stream_write(&c->stream, &bytes, 1) != 0)
        c->err = -EPIPE;
}

static inline void server_send_many(struct server_conn *c, size_t n)
{
    static char block[65536];

    memset(block, 'x', sizeof(block));
    while (n > 0) {
        size_t take = n < sizeof(block) ? n : sizeof(block);

        server_send(c, str_make(block, take));
        n -= take;
    }
}

/* A proxy's tunnel: from now on bytes go to and from relay_port. */

static inline struct server_conn *relay_of(struct stream *s)
{
    return CONTAINER_OF(s, struct server_conn, relay);
}

static inline void relay_on_data(struct stream *s, struct str bytes)
{
    server_send(relay_of(s), bytes);
}

static inline void relay_on_end(struct stream *s, int err)
{
    (void)err;
    stream_close(s, false);
}

static inline void relay_on_closed(struct stream *s)
{
    relay_of(s)->relaying = false;
}

static const struct stream_ops relay_ops = {
    .on_data = relay_on_data, .on_end = relay_on_end, .on_closed = relay_on_closed};

static inline void server_relay(struct server_conn *c)
{
    struct sockaddr_in a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(uv_ip4_addr("127.0.0.1", c->server->relay_port, &a), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(uv_tcp_init(&c->server->loop->uv, &c->relay.tcp), 0);
    assert_int_equal(uv_tcp_open(&c->relay.tcp, fd), 0);
    assert_int_equal(stream_open_client(&c->relay, c->server->loop, &relay_ops, NULL, NULL, NULL),
                     0);
    c->relaying = true;
}

static inline void server_then(struct server_conn *c, enum then then)
{
    switch (then) {
    case STAY:
        return;
    case FIN:
    case RST:
        c->open = false;
        stream_close(&c->stream, then == RST);
        return;
    case STOP_READING:
        stream_pause(&c->stream);
        return;
    case RELAY:
        server_relay(c);
        return;
    }
}

static inline void server_drip(uv_idle_t *h)
{
    struct server_conn *c = CONTAINER_OF(h, struct server_conn, idle);
    const struct step *s = &c->steps[c->step];

    if (c->open && c->dripped < strlen(s->send)) {
        server_send(c, str_make(s->send + c->dripped++, 1));
        return;
    }
    uv_idle_stop(h);
    c->dripped = 0;
    c->step++;
    if (c->open)
        server_then(c, s->then);
    server_go_on(c);
}

static inline void server_go_on(struct server_conn *c)
{
    while (c->open && c->step < c->steps_count && !uv_is_active((uv_handle_t *)&c->idle)) {
        const struct step *s = &c->steps[c->step];

        if (server_awaits(c, s))
            return;
        if (s->drip) {
            uv_idle_start(&c->idle, server_drip);
            return;
        }
        c->step++;
        server_send(c, str_from(s->send));
        server_send_many(c, s->send_bytes);
        server_then(c, s->then);
    }
}

static inline struct server_conn *server_conn_of(struct stream *s)
{
    return CONTAINER_OF(s, struct server_conn, stream);
}

static inline void server_on_ready(struct stream *s)
{
    struct server_conn *c = server_conn_of(s);

    c->resumed = s->ssl != NULL && SSL_session_reused(s->ssl);
    server_go_on(c);
}

static inline void server_on_data(struct stream *s, struct str bytes)
{
    struct server_conn *c = server_conn_of(s);

    assert_int_equal(buf_put(&c->got, bytes), 0);
    assert_int_equal(buf_put(&c->all, bytes), 0);
    if (c->relaying)
        assert_int_equal(stream_write(&c->relay, &bytes, 1), 0);
    server_go_on(c);
}

static inline void server_on_end(struct stream *s, int err)
{
    struct server_conn *c = server_conn_of(s);

    c->ended = true;
    c->open = false;
    c->err = err;
    stream_close(s, false);
}

static inline void server_on_drain(struct stream *s)
{
    (void)s;
}

static inline void server_on_closed(struct stream *s)
{
    server_conn_of(s)->closed = true;
    uv_close((uv_handle_t *)&server_conn_of(s)->idle, NULL);
}

static const struct stream_ops server_ops = {server_on_ready, server_on_data, server_on_end,
                                             server_on_drain, server_on_closed};

static inline void server_accept(uv_stream_t *listener, int status)
{
    struct server *s = CONTAINER_OF(listener, struct server, listener);
    struct server_conn *c = &s->conns[s->accepted];

    assert_int_equal(status, 0);
    assert_true(s->accepted < CONNECTIONS_MAX);
    c->server = s;
    c->steps = s->scripts[s->accepted];
    c->steps_count = s->script_steps[s->accepted];
    s->accepted++;
    c->open = true;
    uv_idle_init(&s->loop->uv, &c->idle);
    assert_int_equal(uv_tcp_init(&s->loop->uv, &c->stream.tcp), 0);
    assert_int_equal(uv_accept(listener, (uv_stream_t *)&c->stream.tcp), 0);
    assert_int_equal(stream_open_server(&c->stream, s->loop, &server_ops, s->tls), 0);
}

static inline void server_open_at(struct server *s, struct world *w, const char *host,
                                  uint16_t port)
{
    struct sockaddr_storage a;
    int len = sizeof(a);

    *s = (struct server){.loop = &w->loop};
    if (strchr(host, ':') != NULL)
        assert_int_equal(uv_ip6_addr(host, port, (struct sockaddr_in6 *)&a), 0);
    else
        assert_int_equal(uv_ip4_addr(host, port, (struct sockaddr_in *)&a), 0);
    assert_int_equal(uv_tcp_init(&w->loop.uv, &s->listener), 0);
    assert_int_equal(uv_tcp_bind(&s->listener, (struct sockaddr *)&a, 0), 0);
    assert_int_equal(uv_listen((uv_stream_t *)&s->listener, 64, server_accept), 0);
    assert_int_equal(uv_tcp_getsockname(&s->listener, (struct sockaddr *)&a, &len), 0);
    s->port = ntohs(((struct sockaddr_in *)&a)->sin_port);
}

static inline void server_open(struct server *s, struct world *w)
{
    server_open_at(s, w, "127.0.0.1", 0);
}

/* What the next connection without a script does. */
#define SCRIPT(s, n, ...)                                                                          \
    do {                                                                                           \
        static const struct step script_steps_[] = {__VA_ARGS__};                                  \
        (s)->scripts[n] = script_steps_;                                                           \
        (s)->script_steps[n] = COUNTOF(script_steps_);                                             \
    } while (0)

static inline void server_close(struct server *s)
{
    uv_close((uv_handle_t *)&s->listener, NULL);
    for (unsigned i = 0; i < s->accepted; i++) {
        s->conns[i].open = false;
        if (!s->conns[i].closed)
            stream_close(&s->conns[i].stream, true);
        if (s->conns[i].relaying)
            stream_close(&s->conns[i].relay, true);
    }
}

/* After the loop is done. */
static inline void server_done(struct server *s)
{
    for (unsigned i = 0; i < s->accepted; i++) {
        buf_done(&s->conns[i].got);
        buf_done(&s->conns[i].all);
    }
}

/* A port that takes no connection: its backlog is full, so that SYNs are dropped. */
struct black_hole {
    int fds[16];
    unsigned count;
    uint16_t port;
};

static inline void black_hole_open(struct black_hole *b, const char *host, uint16_t port)
{
    struct sockaddr_in a;
    socklen_t len = sizeof(a);
    int on = 1;

    *b = (struct black_hole){0};
    assert_int_equal(uv_ip4_addr(host, port, &a), 0);
    b->fds[b->count++] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(b->fds[0], SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    assert_int_equal(bind(b->fds[0], (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(listen(b->fds[0], 0), 0);
    assert_int_equal(getsockname(b->fds[0], (struct sockaddr *)&a, &len), 0);
    b->port = ntohs(a.sin_port);
    while (b->count < 4) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        (void)!connect(fd, (struct sockaddr *)&a, sizeof(a));
        b->fds[b->count++] = fd;
    }
}

static inline void black_hole_close(struct black_hole *b)
{
    while (b->count > 0)
        close(b->fds[--b->count]);
}

/* A server of plain system calls, to do things behind the loop's back. */

static inline int raw_listen(uint16_t *ret_port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    *ret_port = ntohs(a.sin_port);
    return fd;
}

/* Take in some request and answer it. */
static inline void raw_reply(int fd, const char *reply)
{
    char bytes[4096];

    assert_true(recv(fd, bytes, sizeof(bytes), 0) > 0);
    assert_int_equal(send(fd, reply, strlen(reply), 0), strlen(reply));
}

static inline void raw_reset(int fd)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close(fd);
}

/* The client. */

static inline void world_open(struct world *w)
{
    *w = (struct world){0};
    assert_int_equal(loop_init(&w->loop, 0), 0);
    assert_int_equal(http_client_new(&w->loop, &w->client), 0);
}

static inline void world_close(struct world *w)
{
    http_client_free(w->client);
    loop_done(&w->loop);
    arena_thread_done();
}

/* Nothing is under way; idle connections may be. */
static inline void world_is_quiet(const struct world *w)
{
    struct http_client_counts n = http_client_counts(w->client);

    assert_int_equal(n.active + n.connecting + n.waiting, 0);
}

/* libuv opens a pipe for the whole process with the first loop: before descriptors are counted. */
static inline int warm_up(void **state)
{
    struct world w;

    (void)state;
    world_open(&w);
    world_close(&w);
    return 0;
}

static inline struct http_origin_settings plain_settings(uint16_t port)
{
    return (struct http_origin_settings){
        .host = STR("127.0.0.1"),
        .port = port,
        .connections_max = 8,
        .idle_max = 8,
        .idle_ms = 10000,
        .dns_ttl_ms = 1000,
        .happy_eyeballs_ms = 50,
    };
}

static inline struct http_origin *origin_at(uint16_t port)
{
    struct http_origin_settings s = plain_settings(port);
    struct http_origin *o = http_origin_new(&s);

    assert_non_null(o);
    return o;
}

static inline struct got *got_of(struct http_fetch *f)
{
    return CONTAINER_OF(f, struct got, f);
}

static inline void got_start(struct got *g)
{
    uv_update_time(&g->world->loop.uv);
    g->start_ms = loop_now_ms(&g->world->loop);
    assert_int_equal(http_fetch_start(&g->f), 0);
    assert_false(g->ended || g->failed || g->heads > 0);
}

static inline void got_on_head(struct http_fetch *f, const struct http_reply_in *head)
{
    struct got *g = got_of(f);

    g->heads++;
    g->status = head->status;
    g->fields = head->fields;
    g->content_length = head->content_length;
    if (g->cancel_at == 1)
        http_fetch_cancel(f);
}

static inline enum flow got_on_body(struct http_fetch *f, struct str bytes)
{
    struct got *g = got_of(f);

    assert_int_equal(g->heads, 1);
    g->bodies++;
    g->body_bytes += bytes.len;
    for (size_t i = 0; i < bytes.len; i++)
        g->body_sum = g->body_sum * 31 + (unsigned char)bytes.ptr[i];
    if (!g->keep_body_out)
        assert_int_equal(buf_put(&g->body, bytes), 0);
    if (g->cancel_at == 2)
        http_fetch_cancel(f);
    return g->hold_after > 0 && g->bodies >= g->hold_after ? FLOW_HOLD : FLOW_MORE;
}

static inline void got_on_batch(struct http_fetch *f)
{
    got_of(f)->batches++;
    if (got_of(f)->cancel_at == 3)
        http_fetch_cancel(f);
}

static inline void got_over(struct got *g)
{
    assert_false(g->ended || g->failed);
    g->over_ms = uv_hrtime() / 1000000;
    if (g->cancels != NULL)
        http_fetch_cancel(&g->cancels->f);
    if (g->then != NULL)
        got_start(g->then);
}

static inline void got_on_end(struct http_fetch *f)
{
    struct got *g = got_of(f);

    got_over(g);
    g->ended = true;
}

static inline void got_on_fail(struct http_fetch *f, enum http_failure failure, const char *why)
{
    struct got *g = got_of(f);

    got_over(g);
    g->failed = true;
    g->failure = failure;
    snprintf(g->why, sizeof(g->why), "%s", why);
}

static inline void got_on_drain(struct http_fetch *f)
{
    got_of(f)->drains++;
}

static const struct http_fetch_ops got_ops = {got_on_head, got_on_body, got_on_batch,
                                              got_on_end,  got_on_fail, got_on_drain};

/* A GET; the caller may change g->f before it is started. */
static inline void got_init(struct got *g, struct world *w, const struct http_origin *o,
                            const char *head)
{
    *g = (struct got){.world = w};
    g->f.ops = &got_ops;
    g->f.client = w->client;
    g->f.origin = o;
    g->f.arena = &g->arena;
    g->f.request.head = str_from(head);
}

static inline void got_done(struct got *g)
{
    buf_done(&g->body);
    arena_done(&g->arena);
}

static inline void wake(uv_timer_t *t)
{
    (void)t;
}

/* Turn the loop until `*flag` (or `*other`) is set, or for `ms`. */
static inline void run_until(struct world *w, const bool *flag, const bool *other, uint64_t ms)
{
    uint64_t end = uv_hrtime() / 1000000 + ms;
    uv_timer_t t;

    uv_timer_init(&w->loop.uv, &t);
    uv_timer_start(&t, wake, 5, 5);
    while (!(flag != NULL && *flag) && !(other != NULL && *other) && uv_hrtime() / 1000000 < end)
        uv_run(&w->loop.uv, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&t, NULL);
    uv_run(&w->loop.uv, UV_RUN_NOWAIT);
}

static inline void run_to_end(struct got *g)
{
    run_until(g->world, &g->ended, &g->failed, RUN_LIMIT_MS);
    assert_true(g->ended || g->failed);
}

static inline void run_for(struct world *w, uint64_t ms)
{
    run_until(w, NULL, NULL, ms);
}

static inline void run_ok(struct got *g, unsigned status, const char *body)
{
    run_to_end(g);
    if (g->failed)
        fail_msg("failed: %s", g->why);
    assert_int_equal(g->status, status);
    assert_int_equal(g->body.len, strlen(body));
    if (*body != '\0')
        assert_memory_equal(g->body.ptr, body, g->body.len);
}

#define GET "GET / HTTP/1.1\r\nhost: x\r\n\r\n"
#define BLANK "\r\n\r\n"
#define OK_HI "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"

#endif
