/* The server's life with well-behaved clients.
 * SPDX-License-Identifier: Apache-2.0 */
#include "unit/http/server_fixture.h"

#include <sys/resource.h>

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
#define POST(path, length, body)                                                                   \
    "POST " path " HTTP/1.1\r\nHost: a\r\nContent-Length: " length "\r\n\r\n" body

static void a_request_is_answered_and_the_connection_stays(void **state)
{
    struct fixture f;
    struct client c;

    (void)state;
    c = fixture_enter(&f);
    for (unsigned i = 1; i <= 3; i++) {
        client_send(&c, STR(POST("/echo", "5", "hello")));
        turn_until(&f, &c, count(&c.got, "hello") == i);
    }
    assert_int_equal(count(&c.got, "HTTP/1.1 200 OK\r\n"), 3);
    assert_int_equal(count(&c.got, "\r\nContent-Length: 5\r\n"), 3);
    assert_int_equal(count(&c.got, "\r\nDate: "), 3);
    assert_int_equal(count(&c.got, "x-method: POST\r\n"), 3);
    assert_false(has(&c.got, "x-bad"));
    assert_false(has(&c.got, "Connection:"));
    turn_until(&f, &c, count(&f.story, "done") == 3);
    assert_true(story_is(&f, "head ready done head ready done head ready done "));
    assert_int_equal(http_server_busy(f.server), 0);
    fixture_leave(&f, &c);
}

static void requests_may_come_a_byte_at_a_time(void **state)
{
    static const struct {
        struct str request;
        const char *answer;
    } rows[] = {
        {STR_INIT("\r\n\r\n" POST("/echo", "5", "hello")), "\r\n\r\nhello"},
        {STR_INIT(GET("/nowhere?x=1")), "\r\n\r\n/nowhere?x=1"},
        {STR_INIT("POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
                  "4;a=b\r\nwiki\r\n5\r\npedia\r\n0\r\nx: y\r\n\r\n"),
         "\r\n\r\nwikipedia"},
        {STR_INIT("POST /up HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
                  "4\r\nwiki\r\n5\r\npedia\r\n0\r\n\r\n"),
         "\r\n\r\n9"},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct fixture f;
        struct client c;

        c = fixture_enter(&f);
        for (size_t at = 0; at < rows[i].request.len; at++) {
            client_send(&c, (struct str){rows[i].request.ptr + at, 1});
            turn(&f, &c);
        }
        turn_until(&f, &c, has(&c.got, rows[i].answer));
        /* Nothing was left over: the next one is read as well. */
        client_send(&c, STR(GET("/next")));
        turn_until(&f, &c, has(&c.got, "\r\n\r\n/next"));
        fixture_leave(&f, &c);
    }
}

static void a_hundred_pipelined_requests_are_answered_in_order(void **state)
{
    struct fixture f;
    struct client c;
    struct buf all = {0}, want = {0};

    (void)state;
    c = fixture_enter(&f);
    for (int i = 0; i < 100; i++)
        assert_int_equal(buf_printf(&all, "GET /n%03d HTTP/1.1\r\nHost: a\r\n\r\n", i), 0);
    client_send(&c, buf_str(&all));
    turn_until(&f, &c, has(&c.got, "\r\n\r\n/n099"));
    assert_int_equal(count(&c.got, "HTTP/1.1 404 Not Found\r\n"), 100);
    for (int i = 0; i < 99; i++) {
        want.len = 0;
        assert_int_equal(buf_printf(&want, "\r\n\r\n/n%03dHTTP/1.1 404", i), 0);
        want.ptr[want.len] = '\0';
        assert_true(has(&c.got, want.ptr));
    }
    buf_done(&all);
    buf_done(&want);
    fixture_leave(&f, &c);
}

static void what_is_pipelined_behind_a_slow_call_waits_for_it(void **state)
{
    struct fixture f;
    struct client c;

    (void)state;
    c = fixture_hold(&f, STR(GET("/hold") GET("/two") GET("/three")));
    turns(&f, &c, 3);
    assert_int_equal(c.got.len, 0);
    http_reply(f.held, 200, NULL, STR("one"));
    turn_until(&f, &c, has(&c.got, "\r\n\r\n/three"));
    assert_true(has(&c.got, "\r\n\r\noneHTTP/1.1 404"));
    assert_true(has(&c.got, "\r\n\r\n/twoHTTP/1.1 404"));
    fixture_leave(&f, &c);
}

static void a_pipelining_client_is_not_read_without_end(void **state)
{
    struct fixture f;
    struct client c;
    char junk[4096];
    size_t sent = 0;
    ssize_t n;

    (void)state;
    c = fixture_hold(&f, STR(GET("/hold")));
    memset(junk, 'x', sizeof(junk));
    for (int quiet = 0; quiet < 20;) {
        n = send(c.fd, junk, sizeof(junk), MSG_DONTWAIT | MSG_NOSIGNAL);
        sent += n > 0 ? (size_t)n : 0;
        quiet = n > 0 ? 0 : quiet + 1;
        turn(&f, &c);
        assert_true(sent < (64u << 20)); /* the kernel's buffers are full long before */
    }
    assert_non_null(f.held);
    client_reset(&c);
    turn_until(&f, &c, f.held == NULL);
    assert_true(story_is(&f, "head ready gone done "));
    fixture_end(&f);
}

static void R1_a_pipelining_client_that_leaves_is_noticed_while_nothing_is_read(void **state)
{
    struct fixture f;
    struct client c;
    char junk[4096];

    (void)state;
    c = fixture_hold(&f, STR(GET("/hold")));
    memset(junk, 'x', sizeof(junk));
    for (int i = 0; i < 35; i++) { /* more than is held, less than the kernel takes */
        client_send(&c, (struct str){junk, sizeof(junk)});
        turn(&f, &c);
    }
    client_close(&c);
    turn_until(&f, &c, f.held == NULL);
    assert_true(story_is(&f, "head ready gone done "));
    fixture_end(&f);
}

static void replies_are_framed_for_the_version_and_method(void **state)
{
    static const struct {
        struct str request;
        const char *head, *body; /* must be there; body is all behind the head */
        bool close;
    } rows[] = {
        {STR_INIT(GET("/chunks")), "Transfer-Encoding: chunked\r\n",
         "b\r\nhello world\r\n3\r\n!!!\r\n0\r\n\r\n", false},
        {STR_INIT(GET("/sized")), "Content-Length: 14\r\n", "hello world!!!", false},
        {STR_INIT("HEAD /sized HTTP/1.1\r\nHost: a\r\n\r\n"), "Content-Length: 14\r\n", "", false},
        {STR_INIT("HEAD /chunks HTTP/1.1\r\nHost: a\r\n\r\n"), "Transfer-Encoding: chunked\r\n", "",
         false},
        {STR_INIT(GET("/204")), "HTTP/1.1 204 No Content\r\n", "", false},
        {STR_INIT(GET("/304")), "HTTP/1.1 304 Not Modified\r\n", "", false},
        {STR_INIT("GET /chunks HTTP/1.0\r\n\r\n"), "Connection: close\r\n", "hello world!!!", true},
        {STR_INIT("GET /sized HTTP/1.0\r\n\r\n"), "Connection: close\r\n", "hello world!!!", true},
        {STR_INIT("GET /sized HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
         "Connection: keep-alive\r\n", "hello world!!!", false},
        {STR_INIT("GET /sized HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n"),
         "Connection: close\r\n", "hello world!!!", true},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct fixture f;
        struct client c;
        struct str body;

        c = fixture_enter(&f);
        client_send(&c, rows[i].request);
        turn_until(&f, &c, has(&f.story, "done") && (c.ended || !rows[i].close));
        turns(&f, &c, 2);
        assert_int_equal(c.ended, rows[i].close);
        assert_int_equal(c.err, 0);
        assert_true(has(&c.got, rows[i].head));
        body.ptr = str_find(buf_str(&c.got), STR("\r\n\r\n")) + 4;
        body.len = (size_t)(c.got.ptr + c.got.len - body.ptr);
        assert_true(str_eq(body, str_from(rows[i].body)));
        assert_int_equal(count(&c.got, "Content-Length") + count(&c.got, "Transfer-Encoding") <= 1,
                         1);
        fixture_leave(&f, &c);
    }
}

static void a_cut_reply_never_looks_finished(void **state)
{
    static const struct {
        struct str request;
        const char *never;
        int err;
    } rows[] = {
        {STR_INIT(GET("/abort")), "0\r\n\r\n", 0},
        {STR_INIT(GET("/short")), "\r\n0\r\n", 0},
        {STR_INIT("GET /abort HTTP/1.0\r\n\r\n"), "\r\n0\r\n", ECONNRESET},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct fixture f;
        struct client c;

        c = fixture_enter(&f);
        client_send(&c, rows[i].request);
        turn_until(&f, &c, c.ended);
        assert_int_equal(c.err, rows[i].err);
        assert_false(has(&c.got, rows[i].never));
        assert_true(story_is(&f, "head ready done "));
        fixture_leave(&f, &c);
    }
}

static void R1_a_client_that_leaves_is_noticed_and_the_call_ends_once(void **state)
{
    (void)state;
    for (int reset = 0; reset < 2; reset++) {
        for (int streaming = 0; streaming < 2; streaming++) {
            struct fixture f;
            struct client c;

            c = fixture_hold(&f, STR(GET("/hold")));
            if (streaming) {
                http_reply_head(f.held, 200, NULL, -1);
                http_reply_body(f.held, (struct str[]){STR("first")}, 1);
            }
            assert_int_equal(http_server_busy(f.server), 1);
            if (reset)
                client_reset(&c);
            else
                client_close(&c);
            turn_until(&f, &c, f.held == NULL);
            assert_true(story_is(&f, "head ready gone done "));
            assert_int_equal(http_server_busy(f.server), 0);
            fixture_end(&f);
        }
    }
}

static void R1_a_client_that_leaves_before_its_body_is_whole(void **state)
{
    struct fixture f;
    struct client c;

    (void)state;
    c = fixture_enter(&f);
    client_send(&c, STR(POST("/echo", "500", "part")));
    turn_until(&f, &c, has(&f.story, "head"));
    client_close(&c);
    turn_until(&f, &c, has(&f.story, "done"));
    assert_true(story_is(&f, "head gone done "));
    fixture_end(&f);
}

static void a_half_closed_client_still_gets_a_finished_reply(void **state)
{
    struct fixture f;
    struct client c;

    (void)state;
    c = fixture_enter(&f);
    client_send(&c, STR(GET("/sized")));
    shutdown(c.fd, SHUT_WR);
    turn_until(&f, &c, c.ended);
    assert_int_equal(c.err, 0);
    assert_true(has(&c.got, "hello world!!!"));
    fixture_leave(&f, &c);
}

static void R6_the_head_leaves_with_the_first_body_bytes(void **state)
{
    struct fixture f;
    struct client c;

    (void)state;
    c = fixture_hold(&f, STR(GET("/hold")));
    http_reply_head(f.held, 200, NULL, -1);
    turns(&f, &c, 3);
    assert_int_equal(c.got.len, 0);
    http_reply_body(f.held, (struct str[]){STR("data: 1\n\n")}, 1);
    turn_until(&f, &c, c.got.len > 0); /* no further turn of ours: one write, no Nagle */
    assert_true(has(&c.got, "HTTP/1.1 200 OK\r\n"));
    assert_true(has(&c.got, "9\r\ndata: 1\n\n\r\n"));
    http_reply_end(f.held);
    turn_until(&f, &c, has(&c.got, "0\r\n\r\n"));
    fixture_leave(&f, &c);
}

static void R19_a_slow_reader_holds_then_drains(void **state)
{
    struct fixture f;
    struct client c;
    static char block[32768];
    struct str piece = {block, sizeof(block)};
    size_t sent = 0;
    enum flow flow = FLOW_MORE;

    (void)state;
    c = fixture_hold(&f, STR(GET("/hold")));
    http_reply_head(f.held, 200, NULL, -1);
    while (flow == FLOW_MORE) {
        flow = http_reply_body(f.held, &piece, 1);
        sent += piece.len;
        assert_true(sent < (64u << 20));
    }
    assert_int_equal(f.drains, 0);
    turn_until(&f, &c, f.drains == 1);
    assert_true(http_reply_body(f.held, &piece, 1) == FLOW_MORE);
    http_reply_end(f.held);
    turn_until(&f, &c, has(&f.story, "done"));
    turn_until(&f, &c, c.got.len > sent && memcmp(c.got.ptr + c.got.len - 5, "0\r\n\r\n", 5) == 0);
    assert_int_equal(f.drains, 1);
    fixture_leave(&f, &c);
}

static void R19_a_client_that_never_reads_is_cut(void **state)
{
    struct fixture f;
    struct client c;
    static char block[1 << 20];
    struct str piece = {block, sizeof(block)};

    (void)state;
    fixture_init(&f);
    f.settings.limits.write_stall_ms = 100;
    fixture_open(&f);
    c = client_open(&f);
    client_send(&c, STR(GET("/hold")));
    turn_until(&f, &c, f.held != NULL);
    http_reply_head(f.held, 200, NULL, -1);
    while (http_reply_body(f.held, &piece, 1) == FLOW_MORE)
        ;
    c.ended = true; /* turn() reads nothing */
    turn_until(&f, &c, f.held == NULL);
    assert_true(story_is(&f, "head ready gone done "));
    c.ended = false;
    turn_until(&f, &c, c.ended);
    assert_int_equal(c.err, ECONNRESET);
    fixture_leave(&f, &c);
}

static void a_finished_reply_to_a_client_that_never_reads_is_cut_too(void **state)
{
    struct fixture f;
    struct client c;
    static char block[16 << 20];

    (void)state;
    fixture_init(&f);
    f.settings.limits.write_stall_ms = 100;
    fixture_open(&f);
    c = client_open(&f);
    client_send(&c, STR("GET /hold HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    turn_until(&f, &c, f.held != NULL);
    http_reply(f.held, 200, NULL, (struct str){block, sizeof(block)});
    c.ended = true;
    turn_until(&f, &c, f.held == NULL);
    assert_true(story_is(&f, "head ready done "));
    turn_until(&f, &c, atomic_load(&f.connections) == 0);
    fixture_leave(&f, &c);
}

static void a_reply_before_the_body_keeps_the_connection_when_little_is_left(void **state)
{
    struct fixture f;
    struct client c;

    (void)state;
    c = fixture_enter(&f);
    client_send(&c, STR("POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345"));
    turn_until(&f, &c, has(&c.got, "who are you?"));
    assert_false(has(&c.got, "Connection: close"));
    assert_true(story_is(&f, "head done "));
    client_send(&c, STR("67890" GET("/next")));
    turn_until(&f, &c, has(&c.got, "\r\n\r\n/next"));
    fixture_leave(&f, &c);
}

static void a_reply_before_a_big_body_is_readable_and_closes(void **state)
{
    struct fixture f;
    struct client c;
    static char block[400000];

    (void)state;
    c = fixture_enter(&f);
    client_send(&c, STR("POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n"));
    turn_until(&f, &c, has(&c.got, "who are you?"));
    assert_true(has(&c.got, "Connection: close\r\n"));
    for (size_t at = 0; at < sizeof(block); at += 4000) { /* it goes on: must not be reset */
        client_send(&c, (struct str){block + at, 4000});
        turn(&f, &c);
    }
    turn_until(&f, &c, c.ended);
    assert_int_equal(c.err, 0);
    fixture_leave(&f, &c);
}

static void continue_is_said_once_the_body_is_wanted(void **state)
{
    static const char expect[] =
        "POST %s HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 3\r\n\r\n";
    static const struct {
        const char *path;
        bool said;
    } rows[] = {{"/echo", true}, {"/early", false}};

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct fixture f;
        struct client c;
        struct buf request = {0};

        c = fixture_enter(&f);
        assert_int_equal(buf_printf(&request, expect, rows[i].path), 0);
        client_send(&c, buf_str(&request));
        turn_until(&f, &c, c.got.len > 0);
        assert_int_equal(has(&c.got, "HTTP/1.1 100 Continue\r\n\r\n"), rows[i].said);
        if (rows[i].said) {
            client_send(&c, STR("abc"));
            turn_until(&f, &c, has(&c.got, "\r\n\r\nabc"));
        } else {
            turn_until(&f, &c, c.ended);
            assert_true(has(&c.got, "HTTP/1.1 401"));
        }
        buf_done(&request);
        fixture_leave(&f, &c);
    }
}

static void a_streamed_body_can_be_paused_within_one_read(void **state)
{
    struct fixture f;
    struct client c;

    (void)state;
    c = fixture_enter(&f);
    client_send(&c, STR("POST /paused HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                        "3\r\nabc\r\n2\r\nde\r\n1\r\nf\r\n0\r\n\r\n" GET("/next")));
    turn_until(&f, &c, f.held != NULL);
    turns(&f, &c, 3);
    assert_true(story_is(&f, "head "));
    http_call_resume(f.held);
    turns(&f, &c, 3);
    assert_true(story_is(&f, "head body "));
    assert_int_equal(f.up_bytes, 3);
    http_call_resume(f.held);
    turns(&f, &c, 3);
    assert_int_equal(f.up_bytes, 5);
    http_call_resume(f.held);
    turns(&f, &c, 3);
    assert_int_equal(f.up_bytes, 6);
    assert_non_null(f.held);
    http_call_resume(f.held);
    turn_until(&f, &c, has(&c.got, "\r\n\r\n/next"));
    assert_true(has(&c.got, "\r\n\r\n6HTTP/1.1 404"));
    fixture_leave(&f, &c);
}

/* The pause comes with the very last byte: the end needs no further one. */
static void a_sized_upload_paused_at_its_end_is_whole_when_it_goes_on(void **state)
{
    struct fixture f;
    struct client c;

    (void)state;
    c = fixture_hold(&f, STR(POST("/paused", "5", "ab")));
    http_call_resume(f.held);
    turn_until(&f, &c, f.up_bytes == 2);
    http_call_resume(f.held); /* before there is more */
    turns(&f, &c, 3);
    client_send(&c, STR("cde"));
    turn_until(&f, &c, f.up_bytes == 5);
    assert_true(story_is(&f, "head body body "));
    http_call_resume(f.held);
    turn_until(&f, &c, has(&c.got, "\r\n\r\n5"));
    fixture_leave(&f, &c);
}

static void R20_a_large_body_arrives_whole(void **state)
{
    struct fixture f;
    struct client c;
    struct buf big = {0};
    size_t at = 0, size = 3000000;

    (void)state;
    fixture_init(&f);
    f.settings.limits.body_bytes = 4 << 20;
    fixture_open(&f);
    c = client_open(&f);
    assert_int_equal(
        buf_printf(&big, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n", size), 0);
    assert_int_equal(buf_reserve(&big, size), 0);
    for (size_t i = 0; i < size; i++)
        big.ptr[big.len + i] = (char)('a' + i % 23);
    big.len += size;
    while (c.got.len < size) {
        ssize_t n = at < big.len ? send(c.fd, big.ptr + at, big.len - at, MSG_DONTWAIT) : 0;

        at += n > 0 ? (size_t)n : 0;
        turn(&f, &c);
    }
    turn_until(&f, &c,
               c.got.len > size &&
                   memcmp(c.got.ptr + c.got.len - size, big.ptr + big.len - size, size) == 0);
    buf_done(&big);
    fixture_leave(&f, &c);
}

static char block[100000];

/* A call is held whose body is `block`; there is room for half of that beside it. */
static struct client fixture_hold_large(struct fixture *f, atomic_ullong *in_flight)
{
    struct client c;

    fixture_init(f);
    f->settings.in_flight = in_flight;
    f->settings.limits.in_flight_bytes = sizeof(block) + sizeof(block) / 2;
    fixture_open(f);
    c = client_open(f);
    client_send(&c, STR(POST("/hold", "100000", "")));
    client_send(&c, (struct str){block, sizeof(block)});
    turn_until(f, &c, f->held != NULL);
    assert_int_equal(atomic_load(in_flight), sizeof(block));
    return c;
}

static void R20_bodies_in_flight_have_a_budget_for_the_process(void **state)
{
    struct fixture f;
    struct client big, more;
    struct arena kept = {.max = 0};
    atomic_ullong in_flight = 0;

    (void)state;
    big = fixture_hold_large(&f, &in_flight);
    more = client_open(&f);
    client_send(&more, STR(POST("/echo", "100000", "")));
    client_send(&more, (struct str){block, sizeof(block)});
    turn_until(&f, &more, more.ended);
    assert_true(has(&more.got, "HTTP/1.1 503 "));
    assert_true(has(&more.got, "limits.in_flight_bytes"));
    assert_true(has(&more.got, "Retry-After: 1\r\n"));
    client_close(&more);
    more = client_open(&f);
    client_send(&more, STR(POST("/echo", "5", "small"))); /* costs nothing */
    turn_until(&f, &more, has(&more.got, "\r\n\r\nsmall"));
    http_call_forget(f.held, &kept);
    assert_int_equal(atomic_load(&in_flight), 0);
    client_close(&more);
    client_close(&big);
    fixture_end(&f);
    assert_int_equal(atomic_load(&in_flight), 0);
}

static void R20_a_length_that_is_only_announced_is_not_counted(void **state)
{
    struct fixture f;
    struct client small, large;
    atomic_ullong in_flight = 0;

    (void)state;
    fixture_init(&f);
    f.settings.in_flight = &in_flight;
    f.settings.limits.in_flight_bytes = 1 << 20;
    f.settings.limits.body_bytes = 4 << 20;
    fixture_open(&f);
    small = client_open(&f);
    client_send(&small, STR(POST("/echo", "200000", "x")));
    turn_until(&f, &small, count(&f.story, "head") == 1);
    assert_int_equal(atomic_load(&in_flight), 0); /* a byte is not worth the counting */
    client_send(&small, (struct str){block, 5000});
    turn_until(&f, &small, atomic_load(&in_flight) > 0);
    assert_int_equal(atomic_load(&in_flight), 8192);
    client_send(&small, (struct str){block, 70000});
    turn_until(&f, &small, atomic_load(&in_flight) > 65536);
    assert_int_equal(atomic_load(&in_flight), 131072);
    large = client_open(&f);
    client_send(&large, STR(POST("/echo", "4000000", "x")));
    turn_until(&f, &large, count(&f.story, "head") == 2);
    assert_int_equal(atomic_load(&in_flight), 131072);
    client_close(&large);
    fixture_leave(&f, &small);
    assert_int_equal(atomic_load(&in_flight), 0);
}

/* Whoever has the whole answer and asks again finds the room: it is free before the last write. */
static void R20_what_a_request_holds_is_counted_and_given_back_with_the_answer(void **state)
{
    struct fixture f;
    struct client c;
    atomic_ullong in_flight = 0;

    (void)state;
    c = fixture_hold_large(&f, &in_flight);
    assert_true(http_call_hold(f.held, 50000));
    assert_int_equal(atomic_load(&in_flight), 150000);
    assert_false(http_call_hold(f.held, 50001));
    http_call_let_go(f.held);
    assert_int_equal(atomic_load(&in_flight), 100000);
    assert_true(http_call_hold(f.held, 20000));
    http_reply(f.held, 200, NULL, STR("done"));
    assert_int_equal(atomic_load(&in_flight), 0);
    turn_until(&f, &c, has(&c.got, "\r\n\r\ndone"));
    fixture_leave(&f, &c);
    assert_int_equal(atomic_load(&in_flight), 0);
}

/* What is kept takes the arena's place; the head that waited for its first bytes has left, and the
 * next request is read as ever. */
static void a_call_goes_on_when_its_request_is_forgotten(void **state)
{
    struct fixture f;
    struct client c;

    (void)state;
    fixture_start(&f);
    c = client_open(&f);
    for (unsigned i = 0; i < 2; i++) {
        struct arena kept = {.small = true};
        struct str name = arena_dup(&kept, STR("kept"));
        struct http_fields fields = {0};

        c.got.len = 0;
        client_send(&c, STR(POST("/hold", "5", "12345")));
        turn_until(&f, &c, f.held != NULL);
        assert_int_equal(http_fields_add(&fields, &f.held->arena, STR("x-two"),
                                         arena_dup(&f.held->arena, STR("2"))),
                         0);
        http_reply_head(f.held, 200, &fields, -1);
        http_call_forget(f.held, &kept);
        turn_until(&f, &c, has(&c.got, "x-two: 2\r\n"));
        assert_int_equal(f.held->path.len + f.held->body.len + f.held->fields.count, 0);
        assert_true(f.held->arena.small && f.held->arena.used < 1024);
        http_reply_body(f.held, &name, 1);
        http_reply_end(f.held);
        turn_until(&f, &c, has(&c.got, "4\r\nkept\r\n0\r\n\r\n"));
        assert_null(f.held);
    }
    client_close(&c);
    fixture_end(&f);
}

/* The fuzzer found that such a connection was freed with its watch still running. */
static void a_call_answered_while_paused_leaves_nothing_behind(void **state)
{
    struct fixture f;
    struct client c;

    (void)state;
    fixture_start(&f);
    for (int i = 0; i < 3; i++) {
        c = client_open(&f);
        client_send(&c, STR("GET /paused HTTP/1.0\r\n\r\n"));
        turn_until(&f, &c, f.held != NULL);
        http_reply(f.held, 200, NULL, STR("enough"));
        turn_until(&f, &c, c.ended);
        assert_true(has(&c.got, "enough"));
        client_close(&c);
    }
    fixture_end(&f);
}

static void R22_many_clients_come_and_go_and_nothing_stays(void **state)
{
    struct fixture f;

    (void)state;
    fixture_start(&f);
    for (int i = 0; i < 300; i++) {
        struct client c = client_open(&f);

        client_send(&c, STR(GET("/hold")));
        turn_until(&f, &c, f.held != NULL);
        if (i % 2)
            client_reset(&c);
        else
            client_close(&c);
        turn_until(&f, &c, f.held == NULL);
    }
    assert_int_equal(count(&f.story, "gone done"), 300);
    assert_int_equal(http_server_busy(f.server), 0);
    fixture_end(&f);
}

static void over_the_connection_limit_clients_wait_their_turn(void **state)
{
    struct fixture f;
    struct client first, second;

    (void)state;
    fixture_init(&f);
    f.settings.limits.connections = 1;
    fixture_open(&f);
    first = client_open(&f);
    client_send(&first, STR(GET("/one")));
    turn_until(&f, &first, has(&first.got, "/one"));
    second = client_open(&f);
    client_send(&second, STR(GET("/two")));
    turns(&f, &second, 10);
    assert_int_equal(second.got.len, 0);
    client_close(&first);
    turn_until(&f, &second, has(&second.got, "/two"));
    client_close(&second);
    fixture_end(&f);
}

static void drain_closes_the_idle_and_lets_the_busy_finish(void **state)
{
    struct fixture f;
    struct client idle, busy;
    uint16_t port;

    (void)state;
    fixture_start(&f);
    idle = client_open(&f);
    client_send(&idle, STR(GET("/one")));
    turn_until(&f, &idle, has(&idle.got, "/one"));
    busy = client_open(&f);
    client_send(&busy, STR(GET("/hold")));
    turn_until(&f, &busy, f.held != NULL);
    port = http_server_port(f.server);
    http_server_drain(f.server);
    assert_int_equal(http_server_port(f.server), port);
    turn_until(&f, &idle, idle.ended);
    assert_int_equal(http_server_busy(f.server), 1);
    http_reply(f.held, 200, NULL, STR("at last"));
    turn_until(&f, &busy, busy.ended);
    assert_int_equal(busy.err, 0);
    assert_true(has(&busy.got, "Connection: close\r\n"));
    assert_true(has(&busy.got, "at last"));
    client_close(&idle);
    client_close(&busy);
    fixture_end(&f);
}

static void close_cuts_calls_in_progress(void **state)
{
    struct fixture f;
    struct client c;

    (void)state;
    c = fixture_hold(&f, STR(GET("/hold")));
    http_server_close(f.server);
    assert_true(story_is(&f, "head ready gone done "));
    turn_until(&f, &c, c.ended);
    client_close(&c);
    loop_done(&f.loop);
    buf_done(&f.story);
    arena_thread_done();
}

static void an_address_in_use_is_named(void **state)
{
    struct fixture f;
    struct http_server *second = NULL;
    struct http_server_settings settings;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    struct buf why = {0};
    int other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)state;
    fixture_start(&f);
    assert_int_equal(bind(other, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(listen(other, 1), 0);
    assert_int_equal(getsockname(other, (struct sockaddr *)&a, &len), 0);
    settings = f.settings;
    settings.port = ntohs(a.sin_port);
    assert_int_equal(http_server_open(&f.loop, &settings, &test_handler, &f, &why, &second),
                     -EADDRINUSE);
    assert_true(has(&why, "127.0.0.1:"));
    assert_true(has(&why, ": Address already in use"));
    settings.host = STR("no.such.host.invalid");
    why.len = 0;
    assert_true(http_server_open(&f.loop, &settings, &test_handler, &f, &why, &second) < 0);
    assert_true(has(&why, "no.such.host.invalid:"));
    close(other);
    buf_done(&why);
    fixture_end(&f);
}

static void two_gateways_do_not_share_an_address_by_accident(void **state)
{
    struct fixture f;
    struct http_server *second = NULL;
    struct http_server_settings settings;
    struct buf why = {0};

    (void)state;
    fixture_init(&f);
    f.settings.exclusive = true;
    fixture_open(&f);
    settings = f.settings;
    settings.port = http_server_port(f.server);
    assert_int_equal(http_server_open(&f.loop, &settings, &test_handler, &f, &why, &second),
                     -EADDRINUSE);
    settings.exclusive = false; /* as the other threads do */
    assert_int_equal(http_server_open(&f.loop, &settings, &test_handler, &f, &why, &second), 0);
    assert_int_equal(http_server_port(second), settings.port);
    http_server_close(second);
    buf_done(&why);
    fixture_end(&f);
}

static unsigned long cpu_ms(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (unsigned long)((u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000 +
                           (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1000);
}

static void stop(uv_timer_t *t)
{
    uv_stop(t->loop);
}

static void without_descriptors_clients_wait_and_the_loop_does_not_spin(void **state)
{
    struct fixture f;
    struct client c;
    struct rlimit old, none;
    uv_timer_t timer;
    unsigned long before;
    int next;

    (void)state;
    c = fixture_enter(&f);
    client_send(&c, STR(GET("/late")));
    getrlimit(RLIMIT_NOFILE, &old);
    next = dup(c.fd);
    close(next);
    none = (struct rlimit){(rlim_t)next, old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    uv_timer_init(&f.loop.uv, &timer);
    uv_timer_start(&timer, stop, 300, 0);
    before = cpu_ms();
    uv_run(&f.loop.uv, UV_RUN_DEFAULT);
    assert_true(cpu_ms() - before < 100);
    assert_int_equal(f.calls, 0);
    setrlimit(RLIMIT_NOFILE, &old);
    turn_until(&f, &c, has(&c.got, "\r\n\r\n/late"));
    uv_close((uv_handle_t *)&timer, NULL);
    fixture_leave(&f, &c);
}

static void the_last_bytes_and_the_end_leave_together(void **state)
{
    struct fixture f;
    struct client c;

    (void)state;
    c = fixture_hold(&f, STR(GET("/hold")));
    http_reply_head(f.held, 200, NULL, -1);
    http_reply_last(f.held, STR("data: [DONE]\n\n"));
    turn_until(&f, &c, c.got.len > 0);
    assert_true(has(&c.got, "\r\n\r\ne\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"));
    client_send(&c, STR("HEAD /hold HTTP/1.1\r\nHost: a\r\n\r\n"));
    turn_until(&f, &c, f.held != NULL);
    http_reply_head(f.held, 200, NULL, 4);
    c.got.len = 0;
    http_reply_last(f.held, STR("abab"));
    turn_until(&f, &c, f.held == NULL && c.got.len > 0);
    assert_false(has(&c.got, "abab"));
    fixture_leave(&f, &c);
}

static void a_paused_upload_is_not_too_slow(void **state)
{
    struct fixture f;
    struct client c;

    (void)state;
    fixture_init(&f);
    f.settings.limits.body_ms = 50;
    fixture_open(&f);
    c = client_open(&f);
    client_send(&c, STR(POST("/paused", "5", "ab")));
    turn_until(&f, &c, f.held != NULL);
    for (uint64_t until = loop_now_ms(&f.loop) + 150; loop_now_ms(&f.loop) < until;)
        turn(&f, &c);
    assert_int_equal(c.got.len, 0);
    http_call_resume(f.held);
    turn_until(&f, &c, f.up_bytes == 2);
    http_call_resume(f.held);
    turn_until(&f, &c, has(&c.got, "HTTP/1.1 408 ")); /* now it is */
    fixture_leave(&f, &c);
}

/* ---- A full arena */

/* A call whose arena is used up to the last byte, waiting for its reply. */
static struct client full_call(struct fixture *f, const char *method)
{
    struct client c;
    char head[64];

    fixture_init(f);
    f->settings.limits.arena_bytes = 1 << 16;
    fixture_open(f);
    c = client_open(f);
    (void)snprintf(head, sizeof(head), "%s /hold HTTP/1.1\r\nHost: a\r\n\r\n", method);
    client_send(&c, str_from(head));
    turn_until(f, &c, f->held != NULL);
    while (arena_bytes(&f->held->arena, 1) != NULL) {
    }
    return c;
}

static void check_full(struct fixture *f, struct client *c, const char *body)
{
    assert_int_equal(f->held->status, 503);
    assert_true(f->held->full);
    turn_until(f, c, c->ended);
    assert_int_equal(c->err, 0); /* a proper end, not a reset */
    assert_true(has(&c->got, "HTTP/1.1 503 Service Unavailable\r\n"));
    assert_true(has(&c->got, "Content-Type: application/json\r\n"));
    assert_memory_equal(c->got.ptr + c->got.len - strlen(body), body, strlen(body));
    assert_true(story_is(f, "head ready done "));
    client_close(c);
    fixture_end(f);
}

#define FULL_BODY                                                                                  \
    "Content-Length: 57\r\n\r\n{\"error\":{\"message\":\"limits.exchange_bytes is reached.\"}}"

static void R63_a_reply_that_has_no_room_is_a_503_that_needs_none(void **state)
{
    struct fixture f;
    struct client c = full_call(&f, "POST");

    (void)state;
    http_reply(f.held, 200, &(struct http_fields){0}, STR("an answer"));
    check_full(&f, &c, FULL_BODY);
}

static void R63_a_stream_that_has_no_room_is_a_503_and_nothing_behind_it(void **state)
{
    struct fixture f;
    struct client c = full_call(&f, "POST");

    (void)state;
    http_reply_head(f.held, 200, &(struct http_fields){0}, -1);
    http_reply_body(f.held, (struct str[]){STR("bytes")}, 1);
    http_reply_last(f.held, STR("more"));
    http_reply_abort(f.held);
    check_full(&f, &c, FULL_BODY);
}

static void R63_a_reply_to_head_that_has_no_room_has_no_body(void **state)
{
    struct fixture f;
    struct client c = full_call(&f, "HEAD");

    (void)state;
    http_reply(f.held, 200, &(struct http_fields){0}, STR("an answer"));
    check_full(&f, &c, "Content-Length: 57\r\n\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_answered_and_the_connection_stays),
        cmocka_unit_test(requests_may_come_a_byte_at_a_time),
        cmocka_unit_test(a_hundred_pipelined_requests_are_answered_in_order),
        cmocka_unit_test(what_is_pipelined_behind_a_slow_call_waits_for_it),
        cmocka_unit_test(a_pipelining_client_is_not_read_without_end),
        cmocka_unit_test(R1_a_pipelining_client_that_leaves_is_noticed_while_nothing_is_read),
        cmocka_unit_test(replies_are_framed_for_the_version_and_method),
        cmocka_unit_test(a_cut_reply_never_looks_finished),
        cmocka_unit_test(R1_a_client_that_leaves_is_noticed_and_the_call_ends_once),
        cmocka_unit_test(R1_a_client_that_leaves_before_its_body_is_whole),
        cmocka_unit_test(a_half_closed_client_still_gets_a_finished_reply),
        cmocka_unit_test(R6_the_head_leaves_with_the_first_body_bytes),
        cmocka_unit_test(R19_a_slow_reader_holds_then_drains),
        cmocka_unit_test(R19_a_client_that_never_reads_is_cut),
        cmocka_unit_test(a_finished_reply_to_a_client_that_never_reads_is_cut_too),
        cmocka_unit_test(a_reply_before_the_body_keeps_the_connection_when_little_is_left),
        cmocka_unit_test(a_reply_before_a_big_body_is_readable_and_closes),
        cmocka_unit_test(continue_is_said_once_the_body_is_wanted),
        cmocka_unit_test(a_streamed_body_can_be_paused_within_one_read),
        cmocka_unit_test(a_sized_upload_paused_at_its_end_is_whole_when_it_goes_on),
        cmocka_unit_test(R20_a_large_body_arrives_whole),
        cmocka_unit_test(R20_bodies_in_flight_have_a_budget_for_the_process),
        cmocka_unit_test(R20_a_length_that_is_only_announced_is_not_counted),
        cmocka_unit_test(R20_what_a_request_holds_is_counted_and_given_back_with_the_answer),
        cmocka_unit_test(a_call_goes_on_when_its_request_is_forgotten),
        cmocka_unit_test(a_call_answered_while_paused_leaves_nothing_behind),
        cmocka_unit_test(R22_many_clients_come_and_go_and_nothing_stays),
        cmocka_unit_test(over_the_connection_limit_clients_wait_their_turn),
        cmocka_unit_test(drain_closes_the_idle_and_lets_the_busy_finish),
        cmocka_unit_test(close_cuts_calls_in_progress),
        cmocka_unit_test(an_address_in_use_is_named),
        cmocka_unit_test(two_gateways_do_not_share_an_address_by_accident),
        cmocka_unit_test(without_descriptors_clients_wait_and_the_loop_does_not_spin),
        cmocka_unit_test(the_last_bytes_and_the_end_leave_together),
        cmocka_unit_test(a_paused_upload_is_not_too_slow),
        cmocka_unit_test(R63_a_reply_that_has_no_room_is_a_503_that_needs_none),
        cmocka_unit_test(R63_a_stream_that_has_no_room_is_a_503_and_nothing_behind_it),
        cmocka_unit_test(R63_a_reply_to_head_that_has_no_room_has_no_body),
    };

    alarm(60);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
