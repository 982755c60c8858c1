/* What the server refuses, how, and that it closes: R54, R50, R63 and the limits.
 * SPDX-License-Identifier: Apache-2.0 */
#include "unit/http/server_fixture.h"

#define H "Host: a\r\n"

struct row {
    unsigned status; /* 0: it is taken */
    struct str request;
};

/* clang-format off */
static const struct row rows[] = {
    /* framing (RFC 9112 section 6) */
    {400, STR_INIT("POST /echo HTTP/1.1\r\n" H "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")},
    {400, STR_INIT("POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n")},
    {400, STR_INIT("POST /echo HTTP/1.1\r\n" H "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc")},
    {400, STR_INIT("POST /echo HTTP/1.1\r\n" H "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc")},
    {400, STR_INIT("POST /echo HTTP/1.1\r\n" H "Content-Length: 3, 3\r\n\r\nabc")},
    {400, STR_INIT("POST /echo HTTP/1.1\r\n" H "Content-Length: +3\r\n\r\nabc")},
    {400, STR_INIT("POST /echo HTTP/1.1\r\n" H "Content-Length: -3\r\n\r\nabc")},
    {400, STR_INIT("POST /echo HTTP/1.1\r\n" H "Content-Length: 0x3\r\n\r\nabc")},
    {400, STR_INIT("POST /echo HTTP/1.1\r\n" H "Content-Length: 3 3\r\n\r\nabc")},
    {400, STR_INIT("POST /echo HTTP/1.1\r\n" H "Content-Length:\r\n\r\nabc")},
    {400, STR_INIT("POST /echo HTTP/1.1\r\n" H "Content-Length: 18446744073709551616\r\n\r\n")},
    {400, STR_INIT("POST /echo HTTP/1.1\r\n" H "Content-Length: 18446744073709551615\r\n\r\n")},
    {501, STR_INIT("POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n")},
    {400, STR_INIT("POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n")},
    {400, STR_INIT("POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: identity\r\n\r\n")},
    {400, STR_INIT("POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n")},
    {400, STR_INIT("POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")},
    {400, STR_INIT("POST /echo HTTP/1.1\r\n" H "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n")},
    {501, STR_INIT("POST /echo HTTP/1.1\r\n" H "Transfer-Encoding:\r\n\r\n0\r\n\r\n")},
    {400, STR_INIT("POST /echo HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")},
    {400, STR_INIT("POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chun\x01ked\r\n\r\n0\r\n\r\n")},
    {0,   STR_INIT("POST /echo HTTP/1.1\r\n" H "Transfer-Encoding:\tChunked \r\n\r\n1\r\nx\r\n0\r\n\r\n")},
    /* chunks (RFC 9112 section 7.1) */
    {400, STR_INIT("POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\nx")},
    {413, STR_INIT("POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\nx")},
    {400, STR_INIT("POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n-1\r\nx")},
    {400, STR_INIT("POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0x1\r\nx\r\n0\r\n\r\n")},
    {400, STR_INIT("POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n\r\nx\r\n0\r\n\r\n")},
    {400, STR_INIT("POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n1\nx\r\n0\r\n\r\n")},
    {400, STR_INIT("POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n1 \r\nx\r\n0\r\n\r\n")},
    {400, STR_INIT("POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n1\r\nxx\r\n0\r\n\r\n")},
    {400, STR_INIT("POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n1\r\nx\n0\r\n\r\n")},
    {400, STR_INIT("POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n1;a\nb\r\nx\r\n0\r\n\r\n")},
    {400, STR_INIT("POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\nx: y\n\r\n")},
    {0,   STR_INIT("POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n1;a=\"b\"\r\nx\r\n00\r\nx: y\r\n\r\n")},
    {400, STR_INIT("POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nContent-Length: 5\r\n\r\n")},
    /* lines and fields (sections 2.2, 5) */
    {400, STR_INIT("GET / HTTP/1.1\nHost: a\n\n")},
    {400, STR_INIT("GET / HTTP/1.1\r\nHost: a\n\r\n")},
    {400, STR_INIT("GET / HTTP/1.1\nHost: a\r\n\r\n")},
    {400, STR_INIT("GET / HTTP/1.1\r\nHost: a\r\nx: y\n\n")},
    {400, STR_INIT("GET / HTTP/1.1\r\nHost: a\rx: y\r\n\r\n")},
    {400, STR_INIT("GET / HTTP/1.1\r\nHost: a\r\nx: a\rb\r\n\r\n")},
    {400, STR_INIT("GET / HTTP/1.1\r\nHost: a\r\nx: a\0b\r\n\r\n")},
    {400, STR_INIT("GET / HTTP/1.1\r\nHost: a\r\nx: a\x01 b\r\n\r\n")},
    {400, STR_INIT("GET / HTTP/1.1\r\nHost: a\r\nx: a\r\n b\r\n\r\n")},
    {400, STR_INIT("GET / HTTP/1.1\r\nHost: a\r\nx: a\r\n\tb\r\n\r\n")},
    {400, STR_INIT("GET / HTTP/1.1\r\n Host: a\r\n\r\n")},
    {400, STR_INIT("GET / HTTP/1.1\r\nHost : a\r\n\r\n")},
    {400, STR_INIT("GET / HTTP/1.1\r\nHost: a\r\nx y: z\r\n\r\n")},
    {400, STR_INIT("GET / HTTP/1.1\r\nHost: a\r\nx\0y: z\r\n\r\n")},
    {400, STR_INIT("GET / HTTP/1.1\r\nHost: a\r\n: z\r\n\r\n")},
    {400, STR_INIT("GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n")},
    {0,   STR_INIT("GET / HTTP/1.1\r\nHost: a\r\nx:\r\ny: \xc3\xa9\t \r\n\r\n")},
    /* request line (section 3) */
    {400, STR_INIT("GET  / HTTP/1.1\r\n" H "\r\n")},
    {400, STR_INIT("GET /  HTTP/1.1\r\n" H "\r\n")},
    {400, STR_INIT("GET\t/ HTTP/1.1\r\n" H "\r\n")},
    {400, STR_INIT(" GET / HTTP/1.1\r\n" H "\r\n")},
    {400, STR_INIT("get / HTTP/1.1\r\n" H "\r\n")},
    {400, STR_INIT("GE(T / HTTP/1.1\r\n" H "\r\n")},
    {400, STR_INIT("NONSENSE / HTTP/1.1\r\n" H "\r\n")},
    {400, STR_INIT("GET / HTTP/1.1 \r\n" H "\r\n")},
    {400, STR_INIT("GET / http/1.1\r\n" H "\r\n")},
    {400, STR_INIT("GET / HTTP/1.2\r\n" H "\r\n")},
    {505, STR_INIT("GET / HTTP/2.0\r\n" H "\r\n")},
    {505, STR_INIT("GET / HTTP/0.9\r\n" H "\r\n")},
    {400, STR_INIT("GET / HTTP/11\r\n" H "\r\n")},
    {400, STR_INIT("GET /\r\n\r\n")},
    {400, STR_INIT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")},
    {400, STR_INIT("SOURCE / ICE/1.0\r\n" H "\r\n")},
    {400, STR_INIT("DESCRIBE / RTSP/1.0\r\n" H "\r\n")},
    {400, STR_INIT("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n")},
    {400, STR_INIT("\n\nGET / HTTP/1.1\n\n")},
    {405, STR_INIT("CONNECT a:443 HTTP/1.1\r\n" H "\r\n")},
    /* targets (R50) */
    {400, STR_INIT("GET http://a/ HTTP/1.1\r\n" H "\r\n")},
    {400, STR_INIT("GET HTTP://a/ HTTP/1.1\r\n" H "\r\n")},
    {400, STR_INIT("GET a HTTP/1.1\r\n" H "\r\n")},
    {400, STR_INIT("OPTIONS * HTTP/1.1\r\n" H "\r\n")},
    {400, STR_INIT("GET ?x HTTP/1.1\r\n" H "\r\n")},
    {400, STR_INIT("GET // HTTP/1.1\r\n" H "\r\n")},
    {400, STR_INIT("GET //v1/models HTTP/1.1\r\n" H "\r\n")},
    {400, STR_INIT("GET /v1//models HTTP/1.1\r\n" H "\r\n")},
    {400, STR_INIT("GET /v1/%2e%2e/admin HTTP/1.1\r\n" H "\r\n")},
    {400, STR_INIT("GET /v1/%2E/admin HTTP/1.1\r\n" H "\r\n")},
    {400, STR_INIT("GET /v1%2fmodels HTTP/1.1\r\n" H "\r\n")},
    {400, STR_INIT("GET /v1%2Fmodels HTTP/1.1\r\n" H "\r\n")},
    {400, STR_INIT("GET /v1/models%2Fa HTTP/1.1\r\n" H "\r\n")},
    {400, STR_INIT("GET /v1/models/a%2F%2Fb HTTP/1.1\r\n" H "\r\n")},
    {400, STR_INIT("GET /v1/models/%2Fb HTTP/1.1\r\n" H "\r\n")},
    {400, STR_INIT("GET /v1/models/..%2Fb HTTP/1.1\r\n" H "\r\n")},
    {400, STR_INIT("GET /v1/models/a%2f../b HTTP/1.1\r\n" H "\r\n")},
    {400, STR_INIT("GET /v1/models/a%2F. HTTP/1.1\r\n" H "\r\n")},
    {400, STR_INIT("GET /v1%5cmodels HTTP/1.1\r\n" H "\r\n")},
    {400, STR_INIT("GET /v1%00 HTTP/1.1\r\n" H "\r\n")},
    {400, STR_INIT("GET /v1%0d%0a HTTP/1.1\r\n" H "\r\n")},
    {400, STR_INIT("GET /v1%zz HTTP/1.1\r\n" H "\r\n")},
    {400, STR_INIT("GET /v1% HTTP/1.1\r\n" H "\r\n")},
    {400, STR_INIT("GET /v1%4 HTTP/1.1\r\n" H "\r\n")},
    {400, STR_INIT("GET /.. HTTP/1.1\r\n" H "\r\n")},
    {400, STR_INIT("GET /../ HTTP/1.1\r\n" H "\r\n")},
    {400, STR_INIT("GET /v1/../admin HTTP/1.1\r\n" H "\r\n")},
    {400, STR_INIT("GET /v1/. HTTP/1.1\r\n" H "\r\n")},
    {400, STR_INIT("GET /v1/..?x HTTP/1.1\r\n" H "\r\n")},
    {400, STR_INIT("GET /v1\\models HTTP/1.1\r\n" H "\r\n")},
    {400, STR_INIT("GET /v1#x HTTP/1.1\r\n" H "\r\n")},
    {400, STR_INIT("GET /v1\x01 HTTP/1.1\r\n" H "\r\n")},
    {400, STR_INIT("GET /v1\x7f HTTP/1.1\r\n" H "\r\n")},
    {400, STR_INIT("GET /\xc3\xa9 HTTP/1.1\r\n" H "\r\n")},
    {0,   STR_INIT("GET /... HTTP/1.1\r\n" H "\r\n")},
    {0,   STR_INIT("GET /v1/models/team%2Fa%2fb:free HTTP/1.1\r\n" H "\r\n")},
    {0,   STR_INIT("GET /.well-known/a..b/c.?x=//../%2e%2f HTTP/1.1\r\n" H "\r\n")},
    {0,   STR_INIT("GET /a%20b/%C3%A9/ HTTP/1.1\r\n" H "\r\n")},
    /* Host (section 3.2) */
    {400, STR_INIT("GET / HTTP/1.1\r\n\r\n")},
    {400, STR_INIT("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n")},
    {400, STR_INIT("GET / HTTP/1.1\r\nHost:\r\n\r\n")},
    {400, STR_INIT("GET / HTTP/1.1\r\nHost: a b\r\n\r\n")},
    {400, STR_INIT("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n")},
    {400, STR_INIT("GET / HTTP/1.1\r\nHost: a@b\r\n\r\n")},
    {400, STR_INIT("GET / HTTP/1.1\r\nHost: http://a\r\n\r\n")},
    {400, STR_INIT("GET / HTTP/1.1\r\nHost: a:b\r\n\r\n")},
    {400, STR_INIT("GET / HTTP/1.1\r\nHost: a:123456\r\n\r\n")},
    {400, STR_INIT("GET / HTTP/1.1\r\nHost: a,b\r\n\r\n")},
    {400, STR_INIT("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n")},
    {400, STR_INIT("GET / HTTP/1.1\r\nHost: []\r\n\r\n")},
    {400, STR_INIT("GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n")},
    {400, STR_INIT("GET / HTTP/1.1\r\nHost: \xc3\xa9\r\n\r\n")},
    {400, STR_INIT("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n")},
    {0,   STR_INIT("GET / HTTP/1.1\r\nHost: a.b-c_d:8080\r\n\r\n")},
    {0,   STR_INIT("GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n")},
    {0,   STR_INIT("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")},
    /* expectations, upgrades, limits */
    {417, STR_INIT("POST /echo HTTP/1.1\r\n" H "Expect: a-reply\r\nContent-Length: 1\r\n\r\n")},
    {0,   STR_INIT("GET / HTTP/1.1\r\n" H "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAM\r\n\r\n")},
    {0,   STR_INIT("GET / HTTP/1.1\r\n" H "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n")},
    {413, STR_INIT("POST /echo HTTP/1.1\r\n" H "Content-Length: 1048577\r\n\r\n")},
    {413, STR_INIT("POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n100001\r\n")},
};
/* clang-format on */

/* After a refusal nothing that follows may be taken for a request: GET /smuggled never is. */
static void check_row(const struct row *row, bool split)
{
    struct fixture f;
    struct client c;
    struct str smuggled = STR("GET /smuggled HTTP/1.1\r\n" H "\r\n");
    char want[32];

    c = fixture_enter(&f);
    if (split) {
        for (size_t i = 0; i < row->request.len && !c.ended; i++) {
            client_send(&c, (struct str){row->request.ptr + i, 1});
            turn(&f, &c);
        }
    } else {
        struct buf both = {0};

        assert_int_equal(buf_put(&both, row->request), 0);
        if (row->status != 0)
            assert_int_equal(buf_put(&both, smuggled), 0);
        client_send(&c, buf_str(&both));
        buf_done(&both);
    }
    snprintf(want, sizeof(want), "HTTP/1.1 %u ", row->status);
    turn_until(&f, &c, has(&c.got, "HTTP/1.1 "));
    if (row->status == 0) {
        if (!has(&c.got, "HTTP/1.1 200 ") && !has(&c.got, "HTTP/1.1 404 "))
            fail_msg("%.*s\nis fine, got %.*s", STR_ARG(row->request), STR_ARG(buf_str(&c.got)));
        assert_false(c.ended);
    } else {
        if (!has(&c.got, want))
            fail_msg("%.*s\nwants %u, got %.*s", STR_ARG(row->request), row->status,
                     STR_ARG(buf_str(&c.got)));
        assert_true(has(&c.got, "Connection: close\r\n"));
        turn_until(&f, &c, c.ended);
        assert_int_equal(c.err, 0);
        assert_int_equal(count(&c.got, "\r\nDate: "), 1);
    }
    assert_false(has(&c.got, "smuggled"));
    client_close(&c);
    turn_until(&f, &c, atomic_load(&f.connections) == 0);
    assert_int_equal(count(&f.story, "head"), count(&f.story, "done"));
    fixture_end(&f);
}

static void R54_every_doubtful_request_is_refused_and_closed(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++)
        check_row(&rows[i], false);
}

static void R54_also_when_it_comes_a_byte_at_a_time(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++)
        check_row(&rows[i], true);
}

/* The head is refused before it is whole, so a flood of it is not waited for. */
static void R54_large_heads_are_refused_with_431(void **state)
{
    (void)state;
    for (int many = 0; many < 3; many++) {
        struct fixture f;
        struct client c;
        struct buf request = {0};

        c = fixture_enter(&f);
        assert_int_equal(buf_put(&request, STR("GET / HTTP/1.1\r\n" H)), 0);
        if (many == 0) { /* fields without end */
            for (int i = 0; i < 9000; i++)
                assert_int_equal(buf_put(&request, STR("x")), 0);
        } else if (many == 1) { /* whole, and too large */
            for (int i = 0; i < 500; i++)
                assert_int_equal(buf_put(&request, STR("xxxxxxxx: yyyyyyyy\r\n")), 0);
            assert_int_equal(buf_put(&request, STR("\r\n")), 0);
        } else { /* too many fields */
            for (int i = 0; i < 60; i++)
                assert_int_equal(buf_put(&request, STR("x: y\r\n")), 0);
            assert_int_equal(buf_put(&request, STR("\r\n")), 0);
        }
        client_send(&c, buf_str(&request));
        turn_until(&f, &c, c.ended);
        assert_true(has(&c.got, "HTTP/1.1 431 "));
        assert_true(has(&c.got, many == 2 ? "limits.header_fields" : "limits.header_bytes"));
        assert_int_equal(f.calls, 0);
        buf_done(&request);
        fixture_leave(&f, &c);
    }
}

static void R54_a_megabyte_of_head_is_answered_not_reset(void **state)
{
    struct fixture f;
    struct client c;
    static char block[4096];

    (void)state;
    c = fixture_enter(&f);
    memset(block, 'x', sizeof(block));
    client_send(&c, STR("GET / HTTP/1.1\r\nx: "));
    for (int i = 0; i < 250 && !c.ended; i++) {
        client_send(&c, (struct str){block, sizeof(block)});
        turn(&f, &c);
    }
    turn_until(&f, &c, c.ended);
    assert_true(has(&c.got, "HTTP/1.1 431 "));
    assert_int_equal(c.err, 0);
    fixture_leave(&f, &c);
}

static void R54_slow_heads_and_bodies_are_refused_with_408(void **state)
{
    static const struct {
        struct str request;
        const char *limit, *story;
    } slow[] = {
        {STR_INIT("GET / HTTP/1.1\r\nHos"), "limits.header", ""},
        {STR_INIT("\r"), "limits.header", ""},
        {STR_INIT("POST /echo HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nab"), "limits.body",
         "head gone done "},
        {STR_INIT("POST /up HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n"), "limits.body",
         "head gone done "},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(slow); i++) {
        struct fixture f;
        struct client c;

        fixture_init(&f);
        f.settings.limits.header_ms = f.settings.limits.body_ms = 60;
        fixture_open(&f);
        c = client_open(&f);
        client_send(&c, slow[i].request);
        turn_until(&f, &c, c.ended);
        assert_true(has(&c.got, "HTTP/1.1 408 "));
        assert_true(has(&c.got, "Connection: close\r\n"));
        assert_true(has(&c.got, slow[i].limit));
        assert_true(story_is(&f, slow[i].story));
        fixture_leave(&f, &c);
    }
}

/* Bytes that trickle in do not move the limit. */
static void R54_a_trickle_does_not_prolong_the_head(void **state)
{
    struct fixture f;
    struct client c;

    (void)state;
    fixture_init(&f);
    f.settings.limits.header_ms = 60;
    fixture_open(&f);
    c = client_open(&f);
    client_send(&c, STR("GET / HTTP/1.1\r\nx: "));
    while (c.got.len == 0) {
        (void)!send(c.fd, "x", 1, MSG_NOSIGNAL);
        turn(&f, &c);
        assert_int_equal(f.calls, 0);
    }
    assert_true(has(&c.got, "HTTP/1.1 408 "));
    fixture_leave(&f, &c);
}

static void idle_connections_are_closed_without_a_word(void **state)
{
    struct fixture f;
    struct client c;

    (void)state;
    fixture_init(&f);
    f.settings.limits.keepalive_ms = 50;
    fixture_open(&f);
    c = client_open(&f);
    turn_until(&f, &c, c.ended);
    assert_int_equal(c.got.len, 0);
    assert_int_equal(c.err, 0);
    fixture_leave(&f, &c);
}

static void R63_a_body_over_the_limit_gets_413_that_names_it(void **state)
{
    static const struct {
        const char *request;
        bool announced;
    } over[] = {
        {"POST /echo HTTP/1.1\r\n" H "Content-Length: 2000000\r\n\r\n", true},
        {"POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(over); i++) {
        struct fixture f;
        struct client c;
        static char block[10000];

        c = fixture_enter(&f);
        client_send(&c, str_from(over[i].request));
        for (int sent = 0; sent < 180 && !c.ended; sent++) { /* it goes on all the same */
            if (!over[i].announced)
                client_send(&c, STR("2710\r\n"));
            client_send(&c, (struct str){block, sizeof(block)});
            if (!over[i].announced)
                client_send(&c, STR("\r\n"));
            turn(&f, &c);
        }
        turn_until(&f, &c, c.ended);
        assert_true(has(&c.got, "HTTP/1.1 413 "));
        assert_true(has(&c.got, "limits.body_bytes"));
        assert_true(has(&c.got, "Connection: close\r\n"));
        assert_true(story_is(&f, over[i].announced ? "" : "head gone done "));
        fixture_leave(&f, &c);
    }
}

static void a_refusal_after_the_reply_began_cuts_it(void **state)
{
    struct fixture f;
    struct client c;

    (void)state;
    c = fixture_enter(&f);
    client_send(&c, STR("POST /early-chunked HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n"
                        "oops\r\n"));
    turn_until(&f, &c, c.ended);
    if (!story_is(&f, "head gone done "))
        fail_msg("%.*s", STR_ARG(buf_str(&f.story)));
    assert_false(has(&c.got, "HTTP/1.1 400"));
    assert_false(has(&c.got, "0\r\n\r\n"));
    fixture_leave(&f, &c);
}

static void chunk_extensions_and_trailers_are_bounded(void **state)
{
    static const char *const starts[] = {"1;x=", "0\r\nx: "};

    (void)state;
    for (size_t i = 0; i < COUNTOF(starts); i++) {
        struct fixture f;
        struct client c;
        static char block[1000];

        c = fixture_enter(&f);
        memset(block, 'x', sizeof(block));
        client_send(&c, STR("POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n"));
        client_send(&c, str_from(starts[i]));
        for (int sent = 0; sent < 100; sent++) {
            client_send(&c, (struct str){block, sizeof(block)});
            turn(&f, &c);
        }
        turn_until(&f, &c, c.ended);
        assert_true(has(&c.got, "HTTP/1.1 431 "));
        fixture_leave(&f, &c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R54_every_doubtful_request_is_refused_and_closed),
        cmocka_unit_test(R54_also_when_it_comes_a_byte_at_a_time),
        cmocka_unit_test(R54_large_heads_are_refused_with_431),
        cmocka_unit_test(R54_a_megabyte_of_head_is_answered_not_reset),
        cmocka_unit_test(R54_slow_heads_and_bodies_are_refused_with_408),
        cmocka_unit_test(R54_a_trickle_does_not_prolong_the_head),
        cmocka_unit_test(idle_connections_are_closed_without_a_word),
        cmocka_unit_test(R63_a_body_over_the_limit_gets_413_that_names_it),
        cmocka_unit_test(a_refusal_after_the_reply_began_cuts_it),
        cmocka_unit_test(chunk_extensions_and_trailers_are_bounded),
    };

    alarm(60);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
