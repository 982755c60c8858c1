/* server_fixture.h - a server with a small handler and raw clients, on one loop.
 *
 * The handler does what the path says and writes what it was told into `story`.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_SERVER_FIXTURE_H
#define TEST_SERVER_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/server.h"

struct fixture {
    struct loop loop;
    struct http_server *server;
    struct http_server_settings settings;
    atomic_uint connections;
    struct buf story;       /* "head body ready done " */
    struct http_call *held; /* the call of /hold */
    unsigned calls, drains;
    uint64_t up_bytes; /* through body() */
    bool closed;
};

struct client {
    int fd;
    struct buf got;
    bool ended; /* FIN or RST seen */
    int err;
};

static inline void tell(struct http_call *c, const char *word)
{
    struct fixture *f = http_server_user(c);

    assert_int_equal(buf_printf(&f->story, "%s ", word), 0);
}

static inline bool path_is(const struct http_call *c, const char *path)
{
    return str_eq(c->path, str_from(path));
}

static inline enum http_body_mode test_head(struct http_call *c)
{
    struct fixture *f = http_server_user(c);

    tell(c, "head");
    f->calls++;
    if (path_is(c, "/early"))
        http_reply(c, 401, NULL, STR("who are you?"));
    if (path_is(c, "/early-chunked")) {
        http_reply_head(c, 200, NULL, -1);
        http_reply_flush(c);
    }
    if (path_is(c, "/paused")) {
        http_call_pause(c);
        f->held = c;
    }
    return path_is(c, "/up") || path_is(c, "/paused") ? HTTP_BODY_STREAM : HTTP_BODY_WHOLE;
}

static inline void test_body(struct http_call *c, struct str piece)
{
    struct fixture *f = http_server_user(c);

    f->up_bytes += piece.len;
    if (path_is(c, "/paused")) {
        tell(c, "body");
        http_call_pause(c); /* one piece at a time */
    }
}

static inline void reply_pieces(struct http_call *c)
{
    struct str two[2] = {STR("hello "), STR("world")};

    http_reply_head(c, 200, NULL, path_is(c, "/sized") ? 14 : -1);
    http_reply_body(c, two, 2);
    http_reply_body(c, (struct str[]){STR("!!!")}, 1);
    if (path_is(c, "/abort"))
        http_reply_abort(c);
    else
        http_reply_end(c);
}

static inline void test_ready(struct http_call *c)
{
    struct fixture *f = http_server_user(c);
    struct http_fields fields = {0};

    tell(c, "ready");
    if (path_is(c, "/echo")) {
        assert_int_equal(http_fields_add(&fields, &c->arena, STR("x-method"), c->method), 0);
        assert_int_equal(http_fields_add(&fields, &c->arena, STR("x-bad"), STR("a\r\nb: c")), 0);
        assert_int_equal(http_fields_add(&fields, &c->arena, STR("Content-Length"), STR("9")), 0);
        http_reply(c, 200, &fields, c->body);
    } else if (path_is(c, "/up") || path_is(c, "/paused")) {
        http_reply(c, 200, NULL, arena_printf(&c->arena, "%llu", (unsigned long long)f->up_bytes));
    } else if (path_is(c, "/chunks") || path_is(c, "/sized") || path_is(c, "/abort")) {
        reply_pieces(c);
    } else if (path_is(c, "/short")) {
        http_reply_head(c, 200, NULL, 100);
        http_reply_body(c, (struct str[]){STR("too little")}, 1);
        http_reply_end(c);
    } else if (path_is(c, "/204")) {
        http_reply(c, 204, NULL, STR(""));
    } else if (path_is(c, "/304")) {
        http_reply(c, 304, NULL, STR(""));
    } else if (path_is(c, "/hold")) {
        f->held = c;
    } else if (c->status == 0) {
        http_reply(c, 404, NULL, c->target);
    }
}

static inline void test_drain(struct http_call *c)
{
    struct fixture *f = http_server_user(c);

    f->drains++;
}

static inline void test_gone(struct http_call *c)
{
    tell(c, "gone");
    http_reply(c, 200, NULL, STR("nobody reads this")); /* must be harmless */
}

static inline void test_done(struct http_call *c)
{
    struct fixture *f = http_server_user(c);

    tell(c, "done");
    if (f->held == c)
        f->held = NULL;
}

static inline struct str test_error(struct http_call *c, unsigned status, struct str message,
                                    struct str limit)
{
    return arena_printf(&c->arena, "%u|%.*s|%.*s", status, STR_ARG(message), STR_ARG(limit));
}

static const struct http_handler test_handler = {
    test_head, test_body, test_ready, test_drain, test_gone, test_done, NULL, test_error,
};

static inline void fixture_init(struct fixture *f)
{
    *f = (struct fixture){0};
    f->settings = (struct http_server_settings){
        .host = STR("127.0.0.1"),
        .limits = {.connections = 100,
                   .header_bytes = 8192,
                   .header_fields = 40,
                   .body_bytes = 1 << 20,
                   .header_ms = 10000,
                   .body_ms = 10000,
                   .keepalive_ms = 10000,
                   .write_stall_ms = 10000,
                   .out_buffer_bytes = 65536},
        .connections = &f->connections,
    };
    assert_int_equal(loop_init(&f->loop, 0), 0);
}

static inline void fixture_open(struct fixture *f)
{
    struct buf why = {0};
    int err = http_server_open(&f->loop, &f->settings, &test_handler, f, &why, &f->server);

    if (err < 0)
        print_message("%.*s\n", STR_ARG(buf_str(&why)));
    assert_int_equal(err, 0);
    buf_done(&why);
}

static inline void fixture_start(struct fixture *f)
{
    fixture_init(f);
    fixture_open(f);
}

static inline void fixture_end(struct fixture *f)
{
    http_server_close(f->server);
    loop_done(&f->loop);
    assert_int_equal(atomic_load(&f->connections), 0);
    buf_done(&f->story);
    arena_thread_done();
}

static inline struct client client_open(struct fixture *f)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                            .sin_port = htons(http_server_port(f->server))};
    struct client c = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    int on = 1;

    assert_int_equal(connect(c.fd, (struct sockaddr *)&a, sizeof(a)), 0);
    setsockopt(c.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return c;
}

/* A server as it is, and a client of it; and the end of both. */
static inline struct client fixture_enter(struct fixture *f)
{
    fixture_start(f);
    return client_open(f);
}

/* One look at everything: the loop, then the client's socket. */
static inline void turn(struct fixture *f, struct client *c)
{
    struct pollfd p[2] = {{.fd = uv_backend_fd(&f->loop.uv), .events = POLLIN},
                          {.fd = c->ended ? -1 : c->fd, .events = POLLIN}};
    ssize_t n = -1;

    uv_run(&f->loop.uv, UV_RUN_NOWAIT);
    poll(p, 2, 1);
    if (c->ended || p[1].revents == 0)
        return;
    assert_int_equal(buf_reserve(&c->got, 65536), 0);
    n = recv(c->fd, c->got.ptr + c->got.len, 65536, MSG_DONTWAIT);
    if (n > 0) {
        c->got.len += (size_t)n;
    } else if (n == 0 || errno != EAGAIN) {
        c->ended = true;
        c->err = n == 0 ? 0 : errno;
    }
}

#define turn_until(f, c, condition)                                                                \
    while (!(condition))                                                                           \
    turn(f, c)

static inline void turns(struct fixture *f, struct client *c, unsigned n)
{
    while (n-- > 0)
        turn(f, c);
}

static inline void client_send(struct client *c, struct str s)
{
    assert_int_equal(send(c->fd, s.ptr, s.len, MSG_NOSIGNAL), s.len);
}

/* A server as it is, and a client whose call the handler holds. */
static inline struct client fixture_hold(struct fixture *f, struct str request)
{
    struct client c = fixture_enter(f);

    client_send(&c, request);
    turn_until(f, &c, f->held != NULL);
    return c;
}

static inline bool has(const struct buf *b, const char *text)
{
    return b->len > 0 && str_find(buf_str(b), str_from(text)) != NULL;
}

static inline unsigned count(const struct buf *b, const char *text)
{
    struct str rest = buf_str(b), want = str_from(text);
    unsigned n = 0;

    while (rest.len > 0) {
        const char *at = str_find(rest, want);

        if (at == NULL)
            break;
        n++;
        rest = str_skip(rest, (size_t)(at - rest.ptr) + want.len);
    }
    return n;
}

static inline void client_close(struct client *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    c->ended = true;
    buf_done(&c->got);
}

static inline void client_reset(struct client *c)
{
    struct linger l = {1, 0};

    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
    client_close(c);
}

static inline void fixture_leave(struct fixture *f, struct client *c)
{
    client_close(c);
    fixture_end(f);
}

static inline bool story_is(const struct fixture *f, const char *want)
{
    return str_eq(buf_str(&f->story), str_from(want));
}

#endif
