/* TLS and CORS: what a browser on another site, or a client over TLS, meets.
 * SPDX-License-Identifier: Apache-2.0 */
#include "unit/http/server_fixture.h"

#include "loop/stream.h"
#include "loop/tls.h"
#include "unit/loop/cert.h"

/* ---- CORS */

struct cors_row {
    const char *origin, *allowed; /* allowed: the value echoed, or NULL */
    bool vary;
};

static void check_cors(const struct http_cors *cors, const struct cors_row *row, bool preflight)
{
    struct fixture f;
    struct client c;
    struct buf request = {0};
    char want[128];

    fixture_init(&f);
    f.settings.cors = cors;
    fixture_open(&f);
    c = client_open(&f);
    assert_int_equal(buf_printf(&request, "%s /sized HTTP/1.1\r\nHost: a\r\nOrigin: %s\r\n%s\r\n",
                                preflight ? "OPTIONS" : "GET", row->origin,
                                preflight ? "Access-Control-Request-Method: POST\r\n"
                                            "Access-Control-Request-Headers: authorization, x-a\r\n"
                                          : ""),
                     0);
    client_send(&c, buf_str(&request));
    turn_until(&f, &c, has(&c.got, preflight ? "\r\n\r\n" : "!!!"));
    assert_true(has(&c.got, preflight ? "HTTP/1.1 204 " : "HTTP/1.1 200 "));
    assert_int_equal(f.calls, !preflight);
    snprintf(want, sizeof(want), "\r\nAccess-Control-Allow-Origin: %s\r\n",
             row->allowed != NULL ? row->allowed : "");
    assert_int_equal(has(&c.got, want), row->allowed != NULL);
    assert_int_equal(has(&c.got, "Access-Control-Allow-Origin"), row->allowed != NULL);
    assert_int_equal(has(&c.got, "\r\nVary: Origin\r\n"), row->vary);
    assert_int_equal(has(&c.got, "x-dragoman-cost-usd"), row->allowed != NULL);
    assert_false(has(&c.got, "Allow-Credentials"));
    if (preflight && row->allowed != NULL) {
        assert_true(has(&c.got, "Access-Control-Allow-Headers: authorization, x-a\r\n"));
        assert_true(has(&c.got, "POST"));
        assert_true(has(&c.got, "Access-Control-Max-Age: 600\r\n"));
    }
    client_send(&c, STR("GET /next HTTP/1.1\r\nHost: a\r\n\r\n")); /* and it stays open */
    turn_until(&f, &c, has(&c.got, "/next"));
    buf_done(&request);
    fixture_leave(&f, &c);
}

static void listed_origins_are_echoed_and_others_are_not(void **state)
{
    static const struct str origins[] = {STR_INIT("https://one.test"),
                                         STR_INIT("https://two.test")};
    static const struct http_cors cors = {origins, 2, 600};
    static const struct cors_row rows[] = {
        {"https://two.test", "https://two.test", true},
        {"https://three.test", NULL, true},
        {"null", NULL, true},
        {"https://two.test.evil.test", NULL, true},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        check_cors(&cors, &rows[i], false);
        check_cors(&cors, &rows[i], true);
    }
}

static void a_star_allows_every_origin_without_credentials(void **state)
{
    static const struct str star[] = {STR_INIT("*")};
    static const struct http_cors cors = {star, 1, 600};

    (void)state;
    check_cors(&cors, &(struct cors_row){"https://any.test", "*", false}, false);
    check_cors(&cors, &(struct cors_row){"https://any.test", "*", false}, true);
}

static const struct {
    const char *path, *rest;
} refused[] = {
    {"/up", "Content-Length: 2000\r\n\r\n"},
    {"/x", "Transfer-Encoding: chunked\r\n\r\n7d0\r\n"},
    {"/x", "Transfer-Encoding: chunked\r\n\r\nx\r\n"},
    {"/x", "Content-Length: 5\r\n\r\n{"}, /* and no more */
    {"/hold", "\r\n"},                    /* its arena gets full */
};

static void what_the_server_says_by_itself_can_be_read_as_well(void **state)
{
    static const struct str origins[] = {STR_INIT("https://one.test")};
    static const struct http_cors cors = {origins, 1, 600};

    (void)state;
    for (size_t i = 0; i < 2 * COUNTOF(refused); i++) {
        const char *origin = i % 2 == 0 ? "https://one.test" : "https://two.test";
        struct fixture f;
        struct client c;
        char request[256];

        fixture_init(&f);
        f.settings.cors = &cors;
        f.settings.limits.body_bytes = 1000;
        f.settings.limits.body_ms = 100;
        f.settings.limits.arena_bytes = 1 << 16;
        fixture_open(&f);
        c = client_open(&f);
        snprintf(request, sizeof(request), "POST %s HTTP/1.1\r\nHost: a\r\nOrigin: %s\r\n%s",
                 refused[i / 2].path, origin, refused[i / 2].rest);
        client_send(&c, str_from(request));
        turn_until(&f, &c, f.held != NULL || has(&c.got, "\r\n\r\n"));
        while (f.held != NULL && arena_bytes(&f.held->arena, 1) != NULL) {
        }
        if (f.held != NULL)
            http_reply(f.held, 200, NULL, STR("an answer"));
        turn_until(&f, &c, has(&c.got, "\r\n\r\n"));
        assert_false(has(&c.got, "HTTP/1.1 200 "));
        assert_true(has(&c.got, "\r\nVary: Origin\r\n"));
        assert_int_equal(has(&c.got, "\r\nAccess-Control-Allow-Origin: https://one.test\r\n"),
                         i % 2 == 0);
        assert_int_equal(has(&c.got, "\r\nAccess-Control-Expose-Headers: "), i % 2 == 0);
        fixture_leave(&f, &c);
    }
}

static void without_cors_a_preflight_is_an_ordinary_request(void **state)
{
    struct fixture f;
    struct client c;

    (void)state;
    c = fixture_enter(&f);
    client_send(&c, STR("OPTIONS /x HTTP/1.1\r\nHost: a\r\nOrigin: https://a.test\r\n"
                        "Access-Control-Request-Method: POST\r\n\r\n"));
    turn_until(&f, &c, has(&c.got, "\r\n\r\n"));
    assert_int_equal(f.calls, 1);
    assert_false(has(&c.got, "Access-Control"));
    assert_false(has(&c.got, "Vary"));
    fixture_leave(&f, &c);
}

/* ---- TLS */

struct tls_client {
    struct stream stream;
    struct buf got;
    bool ready, ended, closed;
};

static struct tls_client *client_of(struct stream *s)
{
    return CONTAINER_OF(s, struct tls_client, stream);
}

static void on_ready(struct stream *s)
{
    client_of(s)->ready = true;
}

static void on_data(struct stream *s, struct str bytes)
{
    assert_int_equal(buf_put(&client_of(s)->got, bytes), 0);
}

static void on_end(struct stream *s, int err)
{
    (void)err;
    client_of(s)->ended = true;
}

static void on_closed(struct stream *s)
{
    client_of(s)->closed = true;
}

static const struct stream_ops ops = {on_ready, on_data, on_end, NULL, on_closed};

static void connect_tls(struct fixture *f, struct tls_client *t, struct ssl_ctx_st *tls)
{
    struct client raw = client_open(f);

    *t = (struct tls_client){0};
    assert_int_equal(uv_tcp_init(&f->loop.uv, &t->stream.tcp), 0);
    assert_int_equal(uv_tcp_open(&t->stream.tcp, raw.fd), 0);
    assert_int_equal(stream_open_client(&t->stream, &f->loop, &ops, tls, "localhost", NULL), 0);
}

static void say(struct tls_client *t, struct str s)
{
    assert_int_equal(stream_write(&t->stream, &s, 1), 0);
}

#define run_until(f, condition)                                                                    \
    while (!(condition))                                                                           \
    uv_run(&(f)->loop.uv, UV_RUN_ONCE)

static void close_tls(struct fixture *f, struct tls_client *t)
{
    stream_close(&t->stream, false);
    run_until(f, t->closed);
    buf_done(&t->got);
}

struct tls_pair {
    struct cert_files cert;
    struct ssl_ctx_st *server, *client;
};

static void tls_start(struct fixture *f, struct tls_pair *p)
{
    struct buf why = {0};

    assert_int_equal(cert_make(&p->cert, "DNS:localhost", 3600), 0);
    assert_int_equal(
        tls_server_new(&(struct tls_server_settings){p->cert.cert, p->cert.key}, &why, &p->server),
        0);
    assert_int_equal(
        tls_client_new(&(struct tls_client_settings){.ca_file = p->cert.cert}, &why, &p->client),
        0);
    fixture_init(f);
    f->settings.tls = p->server;
    f->settings.limits.header_ms = 200;
    fixture_open(f);
}

static void tls_end(struct fixture *f, struct tls_pair *p)
{
    fixture_end(f);
    tls_free(p->server);
    tls_free(p->client);
    cert_remove(&p->cert);
}

static void the_same_is_served_over_tls(void **state)
{
    struct fixture f;
    struct tls_pair p;
    struct tls_client t;
    static char block[200000];
    struct buf request = {0};

    (void)state;
    tls_start(&f, &p);
    connect_tls(&f, &t, p.client);
    run_until(&f, t.ready);
    for (unsigned i = 1; i <= 3; i++) {
        say(&t, STR("GET /chunks HTTP/1.1\r\nHost: a\r\n\r\n"));
        run_until(&f, count(&t.got, "0\r\n\r\n") == i);
    }
    memset(block, 'y', sizeof(block));
    assert_int_equal(buf_put(&request, STR("POST /echo HTTP/1.1\r\nHost: a\r\n"
                                           "Content-Length: 200000\r\n\r\n")),
                     0);
    assert_int_equal(buf_put(&request, (struct str){block, sizeof(block)}), 0);
    t.got.len = 0;
    say(&t, buf_str(&request));
    run_until(&f, t.got.len > sizeof(block));
    assert_memory_equal(t.got.ptr + t.got.len - sizeof(block), block, sizeof(block));
    buf_done(&request);
    close_tls(&f, &t);
    tls_end(&f, &p);
}

static void R1_a_tls_client_that_leaves_is_noticed(void **state)
{
    (void)state;
    for (int reset = 0; reset < 2; reset++) {
        struct fixture f;
        struct tls_pair p;
        struct tls_client t;

        tls_start(&f, &p);
        connect_tls(&f, &t, p.client);
        run_until(&f, t.ready);
        say(&t, STR("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n"));
        run_until(&f, f.held != NULL);
        stream_close(&t.stream, reset);
        run_until(&f, f.held == NULL && t.closed);
        assert_true(story_is(&f, "head ready gone done "));
        buf_done(&t.got);
        tls_end(&f, &p);
    }
}

static void a_handshake_that_hangs_is_cut(void **state)
{
    struct fixture f;
    struct tls_pair p;
    struct client c;

    (void)state;
    tls_start(&f, &p);
    c = client_open(&f);
    client_send(&c, STR("\x16\x03\x01"));
    turn_until(&f, &c, c.ended);
    client_close(&c);
    tls_end(&f, &p);
}

static void a_closed_tls_reply_ends_with_close_notify(void **state)
{
    struct fixture f;
    struct tls_pair p;
    struct tls_client t;

    (void)state;
    tls_start(&f, &p);
    connect_tls(&f, &t, p.client);
    run_until(&f, t.ready);
    say(&t, STR("GET /chunks HTTP/1.0\r\n\r\n"));
    run_until(&f, t.ended);
    assert_true(has(&t.got, "hello world!!!"));
    assert_false(t.stream.truncated);
    close_tls(&f, &t);
    tls_end(&f, &p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(listed_origins_are_echoed_and_others_are_not),
        cmocka_unit_test(a_star_allows_every_origin_without_credentials),
        cmocka_unit_test(what_the_server_says_by_itself_can_be_read_as_well),
        cmocka_unit_test(without_cors_a_preflight_is_an_ordinary_request),
        cmocka_unit_test(the_same_is_served_over_tls),
        cmocka_unit_test(R1_a_tls_client_that_leaves_is_noticed),
        cmocka_unit_test(a_handshake_that_hangs_is_cut),
        cmocka_unit_test(a_closed_tls_reply_ends_with_close_notify),
    };

    alarm(60);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
