/* Many fetches against an upstream that does anything, cancelled at any time: each is told its
 * end once or not at all, and nothing is left.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <openssl/ssl.h>

#include "loop/tls.h"
#include "unit/http/upstream.h"
#include "unit/loop/cert.h"

#define FETCHES 3000u
#define AT_ONCE 32u

struct guest { /* a connection of the server */
    struct stream stream;
    struct list link;
};

struct slot {
    struct http_fetch f;
    struct arena arena;
    bool running, held;
    unsigned cancel_in; /* callbacks */
};

static struct world w;
static struct http_origin *origin;
static struct ssl_ctx_st *server_tls, *client_tls; /* or NULL */
static struct list guests;
static uv_tcp_t listener;
static uv_timer_t meddler;
static struct slot slots[AT_ONCE];
static unsigned started, ended, failed, cancelled, failures[HTTP_FAIL_LIMIT + 1];
static uint32_t seed;
static char body[200000];

static uint32_t roll(uint32_t sides)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % sides;
}

/* The upstream. */

static struct guest *guest_of(struct stream *s)
{
    return CONTAINER_OF(s, struct guest, stream);
}

static void say(struct stream *s, const char *text)
{
    struct str bytes = str_from(text);

    (void)!stream_write(s, &bytes, 1);
}

static void guest_data(struct stream *s, struct str bytes)
{
    struct str rest = {body, 30000};

    (void)bytes;
    switch (roll(12)) {
    case 0:
        say(s, "HTTP/1.1 200 OK\r\ncontent-length: 30000\r\n\r\n");
        (void)!stream_write(s, &rest, 1);
        return;
    case 1:
        say(s, "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\ncut");
        stream_close(s, false);
        return;
    case 2:
        stream_close(s, true);
        return;
    case 3:
        stream_close(s, false);
        return;
    case 4: /* silence */
        return;
    case 5:
        say(s, "HTTP/1.1 200 OK\r\n\r\nuntil close");
        stream_close(s, false);
        return;
    case 6:
        say(s, "rubbish\r\n");
        return;
    case 7: /* one reply and a stale connection */
        say(s, OK_HI);
        stream_close(s, true);
        return;
    case 8:
        stream_pause(s);
        return;
    default:
        say(s, OK_HI);
        return;
    }
}

static void guest_end(struct stream *s, int err)
{
    (void)err;
    stream_close(s, false);
}

static void guest_closed(struct stream *s)
{
    list_unlink(&guest_of(s)->link);
    free(guest_of(s));
}

static const struct stream_ops guest_ops = {
    .on_data = guest_data, .on_end = guest_end, .on_closed = guest_closed};

static void accept_guest(uv_stream_t *l, int status)
{
    struct guest *g = calloc(1, sizeof(*g));

    assert_int_equal(status, 0);
    list_append(&guests, &g->link);
    assert_int_equal(uv_tcp_init(&w.loop.uv, &g->stream.tcp), 0);
    assert_int_equal(uv_accept(l, (uv_stream_t *)&g->stream.tcp), 0);
    assert_int_equal(stream_open_server(&g->stream, &w.loop, &guest_ops, server_tls), 0);
}

/* The caller. */

static void next(struct slot *s);

static struct slot *slot_of(struct http_fetch *f)
{
    return CONTAINER_OF(f, struct slot, f);
}

static void over(struct slot *s)
{
    assert_true(s->running);
    s->running = false;
    arena_done(&s->arena);
    next(s);
}

static bool cancel_now(struct slot *s)
{
    assert_true(s->running);
    if (s->cancel_in == 0 || --s->cancel_in > 0)
        return false;
    http_fetch_cancel(&s->f);
    cancelled++;
    over(s);
    return true;
}

static void on_head(struct http_fetch *f, const struct http_reply_in *head)
{
    assert_true(head->status == 200);
    cancel_now(slot_of(f));
}

static enum flow on_body(struct http_fetch *f, struct str bytes)
{
    struct slot *s = slot_of(f);

    assert_true(bytes.len > 0);
    if (cancel_now(s))
        return roll(2) == 0 ? FLOW_HOLD : FLOW_MORE; /* either is said to nobody */
    s->held = s->held || roll(8) == 0;
    return s->held ? FLOW_HOLD : FLOW_MORE;
}

static void on_batch(struct http_fetch *f)
{
    cancel_now(slot_of(f));
}

static void on_end(struct http_fetch *f)
{
    ended++;
    over(slot_of(f));
}

static void on_fail(struct http_fetch *f, enum http_failure failure, const char *why)
{
    assert_true(failure > HTTP_FAIL_NONE && failure <= HTTP_FAIL_LIMIT && *why != '\0');
    failed++;
    failures[failure]++;
    over(slot_of(f));
}

static const struct http_fetch_ops ops = {on_head, on_body, on_batch, on_end, on_fail, NULL};

static void next(struct slot *s)
{
    if (started >= FETCHES)
        return;
    started++;
    *s = (struct slot){.running = true};
    s->cancel_in = roll(3) == 0 ? 1 + roll(4) : 0;
    s->f.ops = &ops;
    s->f.client = w.client;
    s->f.origin = origin;
    s->f.arena = &s->arena;
    s->f.request.head = STR("POST / HTTP/1.1\r\nhost: x\r\n\r\n");
    if (roll(4) == 0) {
        s->f.request.body[0] = str_make(body, sizeof(body));
        s->f.request.body_count = 1;
    }
    s->f.limits = (struct http_limits){client_tls != NULL ? 300 : 20 + roll(20), 10 + roll(20),
                                       10 + roll(20), roll(2) * (loop_now_ms(&w.loop) + roll(60))};
    assert_int_equal(http_fetch_start(&s->f), 0);
    assert_true(s->running);
}

/* From outside any fetch's callback. */
static void meddle(uv_timer_t *t)
{
    struct slot *s = &slots[roll(AT_ONCE)];

    (void)t;
    if (!s->running)
        return;
    if (s->held) {
        s->held = false;
        http_fetch_resume(&s->f);
    } else if (roll(8) == 0) {
        http_fetch_cancel(&s->f);
        cancelled++;
        over(s);
    }
}

static bool running(void)
{
    for (unsigned i = 0; i < AT_ONCE; i++) {
        if (slots[i].running)
            return true;
    }
    return false;
}

static void open_all(void)
{
    struct http_origin_settings set = plain_settings(0);
    struct sockaddr_in a;
    int len = sizeof(a);

    world_open(&w);
    list_init(&guests);
    uv_ip4_addr("127.0.0.1", 0, &a);
    uv_tcp_init(&w.loop.uv, &listener);
    uv_tcp_bind(&listener, (struct sockaddr *)&a, 0);
    uv_listen((uv_stream_t *)&listener, 128, accept_guest);
    uv_tcp_getsockname(&listener, (struct sockaddr *)&a, &len);
    set.port = ntohs(a.sin_port);
    set.connections_max = 20;
    set.queue_max = 11; /* one short */
    set.tls = client_tls;
    origin = http_origin_new(&set);
    assert_non_null(origin);
}

static void close_all(void)
{
    http_origin_unref(origin);
    uv_close((uv_handle_t *)&listener, NULL);
    list_each (p, &guests)
        stream_close(&list_entry(p, struct guest, link)->stream, true);
    world_close(&w);
}

static void run_chaos(void)
{
    unsigned before = count_descriptors();
    uint64_t stop = uv_hrtime() + 20000000000u;

    seed = 7;
    started = ended = failed = cancelled = 0;
    memset(failures, 0, sizeof(failures));
    open_all();
    for (unsigned i = 0; i < AT_ONCE; i++)
        next(&slots[i]);
    uv_timer_init(&w.loop.uv, &meddler);
    uv_timer_start(&meddler, meddle, 1, 1);
    while (running() && uv_hrtime() < stop)
        uv_run(&w.loop.uv, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&meddler, NULL);
    assert_false(running());
    world_is_quiet(&w);
    assert_int_equal(ended + failed + cancelled, FETCHES);
    /* How often each end happens hangs on the machine: handshakes may outlast every limit here. */
    if (client_tls == NULL)
        assert_true(ended > 0 && cancelled > 0 && failed > 0);
    close_all();
    assert_int_equal(count_descriptors(), before);
}

static void R22_chaos_leaves_nothing(void **state)
{
    (void)state;
    run_chaos();
}

static void R22_chaos_over_TLS_leaves_nothing(void **state)
{
    struct tls_client_settings insecure = {.insecure = true};
    struct tls_server_settings serving;
    struct cert_files cert;
    struct buf why = {0};

    (void)state;
    assert_int_equal(cert_make(&cert, "DNS:x", 3600), 0);
    serving = (struct tls_server_settings){cert.cert, cert.key};
    assert_int_equal(tls_client_new(&insecure, &why, &client_tls), 0);
    assert_int_equal(tls_server_new(&serving, &why, &server_tls), 0);
    run_chaos();
    tls_free(client_tls);
    tls_free(server_tls);
    client_tls = server_tls = NULL;
    buf_done(&why);
    cert_remove(&cert);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(R22_chaos_leaves_nothing),
                                       cmocka_unit_test(R22_chaos_over_TLS_leaves_nothing)};

    return cmocka_run_group_tests(tests, warm_up, NULL);
}
