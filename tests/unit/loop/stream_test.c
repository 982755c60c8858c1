/* Two ends of a socket pair on one loop, plain and with TLS.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop/stream.h"
#include "loop/tls.h"
#include "unit/loop/cert.h"

struct end {
    struct stream stream;
    struct buf got;
    int err;
    unsigned reads, drains;
    bool ready, ended, closed, echo;
};

struct pair {
    struct loop loop;
    struct end client, server;
    struct ssl_ctx_st *client_tls, *server_tls;
    struct cert_files cert;
};

static struct end *end_of(struct stream *s)
{
    return CONTAINER_OF(s, struct end, stream);
}

static void on_ready(struct stream *s)
{
    end_of(s)->ready = true;
}

static void on_data(struct stream *s, struct str bytes)
{
    struct end *e = end_of(s);

    e->reads++;
    assert_int_equal(buf_put(&e->got, bytes), 0);
    if (e->echo)
        assert_int_equal(stream_write(s, &bytes, 1), 0);
}

static void on_end(struct stream *s, int err)
{
    struct end *e = end_of(s);

    assert_false(e->ended);
    e->ended = true;
    e->err = err;
}

static void on_drain(struct stream *s)
{
    end_of(s)->drains++;
}

static void on_closed(struct stream *s)
{
    end_of(s)->closed = true;
}

static const struct stream_ops ops = {on_ready, on_data, on_end, on_drain, on_closed};

/* A connected pair over loopback TCP; `client_fd` may keep the raw end instead of a stream. */
static void connect_pair(int fds[2])
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(listener, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &len), 0);
    fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fds[0], (struct sockaddr *)&a, sizeof(a)), 0);
    fds[1] = accept(listener, NULL, NULL);
    assert_true(fds[1] >= 0);
    close(listener);
}

static void adopt(struct pair *p, struct end *e, int fd)
{
    assert_int_equal(uv_tcp_init(&p->loop.uv, &e->stream.tcp), 0);
    assert_int_equal(uv_tcp_open(&e->stream.tcp, fd), 0);
}

static void pair_start(struct pair *p)
{
    *p = (struct pair){0};
    assert_int_equal(loop_init(&p->loop, 0), 0);
}

static void open_both(struct pair *p, const char *host, SSL_SESSION *session)
{
    int fds[2];

    connect_pair(fds);
    adopt(p, &p->client, fds[0]);
    adopt(p, &p->server, fds[1]);
    assert_int_equal(stream_open_server(&p->server.stream, &p->loop, &ops, p->server_tls), 0);
    assert_int_equal(
        stream_open_client(&p->client.stream, &p->loop, &ops, p->client_tls, host, session), 0);
}

static void with_tls(struct pair *p, const char *names, long expires_s)
{
    struct buf why = {0};

    assert_int_equal(cert_make(&p->cert, names, expires_s), 0);
    assert_int_equal(tls_server_new(&(struct tls_server_settings){p->cert.cert, p->cert.key}, &why,
                                    &p->server_tls),
                     0);
    assert_int_equal(tls_client_new(&(struct tls_client_settings){.ca_file = p->cert.cert}, &why,
                                    &p->client_tls),
                     0);
}

static void close_both(struct pair *p)
{
    stream_close(&p->client.stream, false);
    stream_close(&p->server.stream, false);
    while (!p->client.closed || !p->server.closed)
        uv_run(&p->loop.uv, UV_RUN_ONCE);
    buf_done(&p->client.got);
    buf_done(&p->server.got);
    p->client = p->server = (struct end){0};
}

static void pair_end(struct pair *p)
{
    if (p->server_tls != NULL)
        cert_remove(&p->cert);
    tls_free(p->server_tls);
    tls_free(p->client_tls);
    loop_done(&p->loop);
}

/* Run until the condition holds; the test's alarm() catches the case that it never does. */
#define run_until(p, condition)                                                                    \
    while (!(condition))                                                                           \
    uv_run(&(p)->loop.uv, UV_RUN_ONCE)

/* Both ends, and their handshake done. */
static void pair_open(struct pair *p, bool tls)
{
    pair_start(p);
    if (tls)
        with_tls(p, "DNS:localhost", 3600);
    open_both(p, "localhost", NULL);
    run_until(p, p->client.ready && p->server.ready);
}

static void pair_close(struct pair *p)
{
    close_both(p);
    pair_end(p);
}

static void say(struct end *e, const char *text)
{
    struct str s = str_from(text);

    assert_int_equal(stream_write(&e->stream, &s, 1), 0);
}

static void exchange_words(struct pair *p)
{
    run_until(p, p->client.ready && p->server.ready);
    p->server.echo = true;
    say(&p->client, "hello");
    run_until(p, p->client.got.len == 5);
    assert_memory_equal(p->client.got.ptr, "hello", 5);
}

static void plain_bytes_go_both_ways(void **state)
{
    struct pair p;

    (void)state;
    pair_start(&p);
    open_both(&p, NULL, NULL);
    exchange_words(&p);
    stream_close(&p.client.stream, false);
    run_until(&p, p.server.ended);
    assert_int_equal(p.server.err, 0);
    pair_close(&p);
}

static void R1_a_reset_is_an_error_and_a_fin_is_not(void **state)
{
    struct pair p;

    (void)state;
    pair_start(&p);
    open_both(&p, NULL, NULL);
    exchange_words(&p);
    stream_close(&p.client.stream, true);
    run_until(&p, p.server.ended);
    assert_int_equal(p.server.err, -ECONNRESET);
    pair_close(&p);
}

static void tls_names_and_addresses_are_verified(void **state)
{
    static const struct {
        const char *names, *host;
        long expires_s;
        bool good;
        const char *why;
    } rows[] = {
        {"DNS:localhost", "localhost", 3600, true, ""},
        {"DNS:*.example.test", "a.example.test", 3600, true, ""},
        {"IP:127.0.0.1", "127.0.0.1", 3600, true, ""},
        {"DNS:localhost", "elsewhere.test", 3600, false, "hostname mismatch"},
        {"IP:127.0.0.1", "127.0.0.2", 3600, false, "IP address mismatch"},
        {"DNS:localhost", "localhost", -3600, false, "certificate has expired"},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct pair p;

        pair_start(&p);
        with_tls(&p, rows[i].names, rows[i].expires_s);
        open_both(&p, rows[i].host, NULL);
        if (rows[i].good) {
            exchange_words(&p);
        } else {
            run_until(&p, p.client.ended && p.server.ended);
            assert_int_equal(p.client.err, -EPROTO);
            assert_string_equal(stream_why(&p.client.stream), rows[i].why);
            assert_false(p.client.ready);
        }
        pair_close(&p);
    }
}

static void tls_sessions_resume(void **state)
{
    struct pair p;
    SSL_SESSION *session;

    (void)state;
    pair_start(&p);
    with_tls(&p, "DNS:localhost", 3600);
    open_both(&p, "localhost", NULL);
    exchange_words(&p);
    session = stream_session(&p.client.stream);
    assert_non_null(session);
    close_both(&p);
    open_both(&p, "localhost", session);
    exchange_words(&p);
    assert_true(SSL_session_reused(p.client.stream.ssl));
    SSL_SESSION_free(session);
    pair_close(&p);
}

static void tls_close_notify_is_a_clean_end_and_its_lack_is_a_cut(void **state)
{
    (void)state;
    for (int cut = 0; cut < 2; cut++) {
        struct pair p;

        pair_start(&p);
        with_tls(&p, "DNS:localhost", 3600);
        open_both(&p, "localhost", NULL);
        exchange_words(&p);
        if (cut) {
            uv_os_fd_t fd;

            uv_fileno((uv_handle_t *)&p.client.stream.tcp, &fd);
            shutdown(fd, SHUT_WR);
        } else {
            stream_shutdown(&p.client.stream);
        }
        run_until(&p, p.server.ended);
        assert_int_equal(p.server.err, 0);
        assert_int_equal(p.server.stream.truncated, cut);
        pair_close(&p);
    }
}

static void fill(struct buf *b, size_t n)
{
    assert_int_equal(buf_reserve(b, n), 0);
    for (size_t i = 0; i < n; i++)
        b->ptr[i] = (char)(i * 31 % 251);
    b->len = n;
}

/* More than any socket buffer: part is queued, drains once, and arrives unchanged. */
static void big_writes_are_queued_and_drain(void **state)
{
    const size_t size = 24u << 20;

    (void)state;
    for (int tls = 0; tls < 2; tls++) {
        struct pair p;
        struct buf big = {0};
        struct str halves[2];

        pair_open(&p, tls);
        fill(&big, size);
        halves[0] = (struct str){big.ptr, 1000001};
        halves[1] = (struct str){big.ptr + 1000001, size - 1000001};
        assert_int_equal(stream_write(&p.client.stream, halves, 2), 0);
        assert_true(stream_queued(&p.client.stream) > 0);
        run_until(&p, p.server.got.len == size);
        run_until(&p, p.client.drains > 0);
        assert_int_equal(p.client.drains, 1);
        assert_int_equal(stream_queued(&p.client.stream), 0);
        assert_memory_equal(p.server.got.ptr, big.ptr, size);
        buf_done(&big);
        pair_close(&p);
    }
}

static void a_shutdown_lets_the_queue_out_first(void **state)
{
    const size_t size = 8u << 20;

    (void)state;
    for (int tls = 0; tls < 2; tls++) {
        struct pair p;
        struct buf big = {0};
        struct str s;

        pair_open(&p, tls);
        fill(&big, size);
        s = buf_str(&big);
        assert_int_equal(stream_write(&p.client.stream, &s, 1), 0);
        stream_shutdown(&p.client.stream);
        assert_int_equal(stream_write(&p.client.stream, &s, 1), -EPIPE);
        run_until(&p, p.server.ended);
        assert_int_equal(p.server.got.len, size);
        assert_false(p.server.stream.truncated);
        buf_done(&big);
        pair_close(&p);
    }
}

/* The peer has half-closed; what is queued for it still arrives, then the stream closes itself. */
static void a_finished_stream_writes_its_queue_and_closes(void **state)
{
    const size_t size = 8u << 20;

    (void)state;
    for (int tls = 0; tls < 2; tls++) {
        struct pair p;
        struct buf big = {0};
        struct str s;

        pair_open(&p, tls);
        fill(&big, size);
        s = buf_str(&big);
        assert_int_equal(stream_write(&p.server.stream, &s, 1), 0);
        assert_true(stream_queued(&p.server.stream) > 0);
        assert_true(stream_accepted(&p.server.stream) > 0);
        stream_shutdown(&p.client.stream);
        run_until(&p, p.server.ended);
        stream_finish(&p.server.stream);
        assert_int_equal(stream_write(&p.server.stream, &s, 1), -EPIPE);
        run_until(&p, p.client.ended && p.server.closed);
        assert_int_equal(p.client.err, 0);
        assert_int_equal(p.client.got.len, size);
        assert_false(p.client.stream.truncated);
        assert_int_equal(p.server.drains, 0);
        buf_done(&big);
        pair_close(&p);
    }
}

static void a_paused_stream_reads_nothing_until_resumed(void **state)
{
    struct pair p;

    (void)state;
    pair_start(&p);
    open_both(&p, NULL, NULL);
    stream_pause(&p.server.stream);
    say(&p.client, "wait");
    for (int i = 0; i < 5; i++)
        uv_run(&p.loop.uv, UV_RUN_NOWAIT);
    assert_int_equal(p.server.got.len, 0);
    stream_resume(&p.server.stream);
    run_until(&p, p.server.got.len == 4);
    pair_close(&p);
}

/* A relay that lets one byte at a time through to a TLS server: every record arrives in pieces. */
static void tls_survives_a_byte_at_a_time(void **state)
{
    struct pair p;
    int front[2], back[2];
    char byte, bulk[65536];

    (void)state;
    pair_start(&p);
    with_tls(&p, "DNS:localhost", 3600);
    connect_pair(front);
    connect_pair(back);
    adopt(&p, &p.client, front[0]);
    adopt(&p, &p.server, back[1]);
    assert_int_equal(stream_open_server(&p.server.stream, &p.loop, &ops, p.server_tls), 0);
    assert_int_equal(
        stream_open_client(&p.client.stream, &p.loop, &ops, p.client_tls, "localhost", NULL), 0);
    p.server.echo = true;
    for (int said = 0; p.client.got.len < 10;) {
        ssize_t n = recv(front[1], &byte, 1, MSG_DONTWAIT);

        if (n == 1)
            assert_int_equal(send(back[0], &byte, 1, 0), 1);
        n = recv(back[0], bulk, sizeof(bulk), MSG_DONTWAIT);
        if (n > 0)
            assert_int_equal(send(front[1], bulk, (size_t)n, 0), n);
        uv_run(&p.loop.uv, UV_RUN_NOWAIT);
        if (p.client.ready && !said++)
            say(&p.client, "bit by bit");
    }
    assert_memory_equal(p.client.got.ptr, "bit by bit", 10);
    close(front[1]);
    close(back[0]);
    pair_close(&p);
}

static void many_pieces_are_one_tls_record(void **state)
{
    struct pair p;
    struct str pieces[40];

    (void)state;
    pair_open(&p, true);
    for (size_t i = 0; i < COUNTOF(pieces); i++)
        pieces[i] = STR("ab");
    assert_int_equal(stream_write(&p.client.stream, pieces, COUNTOF(pieces)), 0);
    run_until(&p, p.server.got.len == 80);
    assert_int_equal(p.server.reads, 1);
    pair_close(&p);
}

static void garbage_instead_of_tls_ends_with_a_reason(void **state)
{
    struct pair p;
    int fds[2];

    (void)state;
    pair_start(&p);
    with_tls(&p, "DNS:localhost", 3600);
    connect_pair(fds);
    adopt(&p, &p.server, fds[1]);
    assert_int_equal(stream_open_server(&p.server.stream, &p.loop, &ops, p.server_tls), 0);
    assert_int_equal(send(fds[0], "GET / HTTP/1.1\r\n\r\n", 18, 0), 18);
    run_until(&p, p.server.ended);
    assert_int_equal(p.server.err, -EPROTO);
    assert_string_equal(stream_why(&p.server.stream), "http request");
    close(fds[0]);
    stream_close(&p.server.stream, false);
    run_until(&p, p.server.closed);
    pair_end(&p);
}

static void missing_files_are_named(void **state)
{
    struct buf why = {0};
    struct ssl_ctx_st *ctx = NULL;

    (void)state;
    assert_int_equal(
        tls_server_new(&(struct tls_server_settings){"/nowhere/c.pem", "/nowhere/k.pem"}, &why,
                       &ctx),
        -EINVAL);
    assert_non_null(str_find(buf_str(&why), STR("/nowhere/c.pem: No such file or directory")));
    why.len = 0;
    assert_int_equal(
        tls_client_new(&(struct tls_client_settings){.ca_file = "/nowhere/ca.pem"}, &why, &ctx),
        -EINVAL);
    assert_non_null(str_find(buf_str(&why), STR("/nowhere/ca.pem")));
    assert_null(ctx);
    buf_done(&why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_bytes_go_both_ways),
        cmocka_unit_test(R1_a_reset_is_an_error_and_a_fin_is_not),
        cmocka_unit_test(tls_names_and_addresses_are_verified),
        cmocka_unit_test(tls_sessions_resume),
        cmocka_unit_test(tls_close_notify_is_a_clean_end_and_its_lack_is_a_cut),
        cmocka_unit_test(big_writes_are_queued_and_drain),
        cmocka_unit_test(a_shutdown_lets_the_queue_out_first),
        cmocka_unit_test(a_finished_stream_writes_its_queue_and_closes),
        cmocka_unit_test(a_paused_stream_reads_nothing_until_resumed),
        cmocka_unit_test(tls_survives_a_byte_at_a_time),
        cmocka_unit_test(many_pieces_are_one_tls_record),
        cmocka_unit_test(garbage_instead_of_tls_ends_with_a_reason),
        cmocka_unit_test(missing_files_are_named),
    };

    alarm(60);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
