/* Making connections: several addresses, proxies, TLS.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/ssl.h>

#include "loop/tls.h"
#include "unit/http/upstream.h"
#include "unit/loop/cert.h"

struct fixture {
    struct world w;
    struct server s, s2;
    struct black_hole hole;
    struct http_origin *o;
    struct ssl_ctx_st *server_tls, *client_tls, *stranger_tls;
    const char *addresses[4]; /* of every name */
    unsigned lookups;
    unsigned descriptors;
};

static struct cert_files good_cert, old_cert;

static void add_address(struct dns_addresses *a, const char *text)
{
    union dns_address *to = &a->at[a->count++];

    *to = (union dns_address){0};
    if (strchr(text, ':') != NULL)
        assert_int_equal(uv_ip6_addr(text, 0, &to->v6), 0);
    else
        assert_int_equal(uv_ip4_addr(text, 0, &to->v4), 0);
}

static int look_up(void *user, struct loop *l, const char *host, struct dns_name *n)
{
    struct fixture *x = user;
    struct dns_addresses a = {0};

    (void)l;
    (void)host;
    x->lookups++;
    for (unsigned i = 0; i < COUNTOF(x->addresses) && x->addresses[i] != NULL; i++)
        add_address(&a, x->addresses[i]);
    dns_found(n, 0, &a);
    return 0;
}

static int set_up(void **state)
{
    struct fixture *x = calloc(1, sizeof(*x));
    struct tls_client_settings trusting = {.ca_file = good_cert.cert};
    struct tls_client_settings system_only = {0};
    struct tls_server_settings serving = {good_cert.cert, good_cert.key};
    struct buf why = {0};

    x->descriptors = count_descriptors();
    world_open(&x->w);
    dns_use(x->w.client->dns, (struct dns_resolver){look_up, x, NULL});
    server_open(&x->s, &x->w);
    assert_int_equal(tls_client_new(&trusting, &why, &x->client_tls), 0);
    assert_int_equal(tls_client_new(&system_only, &why, &x->stranger_tls), 0);
    assert_int_equal(tls_server_new(&serving, &why, &x->server_tls), 0);
    buf_done(&why);
    *state = x;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *x = *state;

    world_is_quiet(&x->w);
    http_origin_unref(x->o);
    tls_free(x->client_tls);
    tls_free(x->stranger_tls);
    tls_free(x->server_tls);
    black_hole_close(&x->hole);
    server_close(&x->s);
    if (x->s2.loop != NULL)
        server_close(&x->s2);
    world_close(&x->w);
    server_done(&x->s);
    server_done(&x->s2);
    assert_int_equal(count_descriptors(), x->descriptors);
    free(x);
    return 0;
}

static int make_certs(void **state)
{
    assert_int_equal(cert_make(&good_cert, "DNS:up.test,IP:127.0.0.1", 3600), 0);
    assert_int_equal(cert_make(&old_cert, "DNS:up.test,IP:127.0.0.1", -60), 0);
    return warm_up(state);
}

static int remove_certs(void **state)
{
    (void)state;
    cert_remove(&good_cert);
    cert_remove(&old_cert);
    return 0;
}

static void use(struct fixture *x, const struct http_origin_settings *set)
{
    http_origin_unref(x->o);
    x->o = http_origin_new(set);
    assert_non_null(x->o);
}

static struct http_origin_settings named(uint16_t port)
{
    struct http_origin_settings set = plain_settings(port);

    set.host = STR("up.test");
    set.happy_eyeballs_ms = 40;
    return set;
}

/* Addresses. */

static void a_silent_first_family_costs_its_head_start(void **state)
{
    struct fixture *x = *state;
    struct http_origin_settings set = named(x->s.port);
    struct got g;
    uint64_t took;

    black_hole_open(&x->hole, "127.0.0.2", x->s.port);
    x->addresses[0] = "127.0.0.2";
    x->addresses[1] = "127.0.0.1";
    use(x, &set);
    SCRIPT(&x->s, 0, SAY(BLANK, OK_HI));
    got_init(&g, &x->w, x->o, GET);
    got_start(&g);
    took = uv_hrtime() / 1000000;
    run_ok(&g, 200, "hi");
    took = g.over_ms - took;
    assert_in_range(took, 35, 40 + 150);
    got_done(&g);
}

static void a_dead_first_family_costs_nothing(void **state)
{
    struct fixture *x = *state;
    struct http_origin_settings set = named(x->s.port);
    struct got g;

    set.happy_eyeballs_ms = 3000;
    x->addresses[0] = "::1"; /* nobody listens there */
    x->addresses[1] = "127.0.0.3";
    x->addresses[2] = "127.0.0.1";
    use(x, &set);
    SCRIPT(&x->s, 0, SAY(BLANK, OK_HI));
    got_init(&g, &x->w, x->o, GET);
    got_start(&g);
    run_until(&x->w, &g.ended, &g.failed, 1000);
    run_ok(&g, 200, "hi");
    got_done(&g);
}

/* Both answer in the end: one connection remains. */
static void the_loser_is_closed(void **state)
{
    struct fixture *x = *state;
    struct http_origin_settings set = named(x->s.port);
    struct got g;

    server_open_at(&x->s2, &x->w, "127.0.0.2", x->s.port);
    set.happy_eyeballs_ms = 0;
    x->addresses[0] = "127.0.0.1";
    x->addresses[1] = "127.0.0.2";
    use(x, &set);
    SCRIPT(&x->s, 0, SAY(BLANK, OK_HI));
    SCRIPT(&x->s2, 0, SAY(BLANK, OK_HI));
    got_init(&g, &x->w, x->o, GET);
    got_start(&g);
    run_ok(&g, 200, "hi");
    run_for(&x->w, 20);
    assert_int_equal(http_client_counts(x->w.client).idle, 1);
    for (unsigned i = 0; i < 2; i++) {
        struct server *s = i == 0 ? &x->s : &x->s2;

        if (s->accepted > 0 && s->conns[0].all.len == 0)
            assert_true(s->conns[0].ended);
    }
    got_done(&g);
}

static void the_families_take_turns(void **state)
{
    struct fixture *x = *state;
    struct http_origin_settings set = named(x->s.port);
    struct got g;

    /* Only the second family answers; with two silent ones of the first before it, it would be
     * two head starts away. */
    set.happy_eyeballs_ms = 100;
    server_open_at(&x->s2, &x->w, "::1", 0);
    set.port = x->s2.port;
    black_hole_open(&x->hole, "127.0.0.2", set.port);
    x->addresses[0] = "127.0.0.2";
    x->addresses[1] = "127.0.0.2";
    x->addresses[2] = "127.0.0.2";
    x->addresses[3] = "::1";
    use(x, &set);
    SCRIPT(&x->s2, 0, SAY(BLANK, OK_HI));
    got_init(&g, &x->w, x->o, GET);
    got_start(&g);
    run_until(&x->w, &g.ended, &g.failed, 280);
    assert_true(g.ended);
    got_done(&g);
}

static void R25_a_connect_error_forgets_the_address(void **state)
{
    struct fixture *x = *state;
    struct http_origin_settings set = named(x->s.port);
    struct got g;

    set.dns_ttl_ms = 3600000;
    x->addresses[0] = "127.0.0.3"; /* nobody listens there */
    use(x, &set);
    got_init(&g, &x->w, x->o, GET);
    got_start(&g);
    run_to_end(&g);
    assert_int_equal(g.failure, HTTP_FAIL_CONNECT);
    assert_non_null(strstr(g.why, "connection refused"));
    x->addresses[0] = "127.0.0.1"; /* it has moved */
    SCRIPT(&x->s, 0, SAY(BLANK, OK_HI));
    got_init(&g, &x->w, x->o, GET);
    got_start(&g);
    run_ok(&g, 200, "hi");
    assert_int_equal(x->lookups, 2);
    got_done(&g);
}

static void R25_pooled_connections_follow_the_name(void **state)
{
    struct fixture *x = *state;
    struct http_origin_settings set = named(x->s.port);
    struct got g;

    set.dns_ttl_ms = 40;
    x->addresses[0] = "127.0.0.1";
    use(x, &set);
    server_open_at(&x->s2, &x->w, "127.0.0.2", x->s.port);
    SCRIPT(&x->s, 0, SAY(BLANK, OK_HI), SAY(BLANK, OK_HI), SAY(BLANK, OK_HI));
    SCRIPT(&x->s2, 0, SAY(BLANK, OK_HI), SAY(BLANK, OK_HI));
    for (unsigned i = 0; i < 5; i++) {
        got_init(&g, &x->w, x->o, GET);
        got_start(&g);
        run_ok(&g, 200, "hi");
        assert_int_equal(g.f.reused, i != 0 && i != 3);
        assert_int_equal(x->s2.accepted, i >= 3);
        got_done(&g);
        if (i == 2)
            x->addresses[0] = "127.0.0.2";
        if (i > 0)
            run_for(&x->w, 50);
    }
    assert_int_equal(x->s.accepted, 1);
}

static void R25_a_busy_connection_follows_when_it_is_done(void **state)
{
    struct fixture *x = *state;
    struct http_origin_settings set = named(x->s.port);
    struct got busy, g;

    set.dns_ttl_ms = 40;
    x->addresses[0] = "127.0.0.1";
    use(x, &set);
    SCRIPT(&x->s, 0, SAY(BLANK, NULL));
    SCRIPT(&x->s, 1, SAY(BLANK, OK_HI));
    got_init(&busy, &x->w, x->o, GET);
    got_start(&busy);
    run_for(&x->w, 5);
    got_init(&g, &x->w, x->o, GET);
    got_start(&g);
    run_ok(&g, 200, "hi");
    got_done(&g);
    x->addresses[0] = "127.0.0.2";
    server_open_at(&x->s2, &x->w, "127.0.0.2", x->s.port);
    SCRIPT(&x->s2, 0, SAY(BLANK, OK_HI));
    run_for(&x->w, 50);
    got_init(&g, &x->w, x->o, GET); /* notices */
    got_start(&g);
    run_ok(&g, 200, "hi");
    got_done(&g);
    assert_int_equal(x->s2.accepted, 1);
    server_send(&x->s.conns[0], STR(OK_HI));
    run_ok(&busy, 200, "hi");
    got_done(&busy);
    assert_int_equal(http_client_counts(x->w.client).idle, 1);
    run_until(&x->w, &x->s.conns[0].ended, NULL, 500);
    assert_true(x->s.conns[0].ended);
}

static void an_unknown_name_says_so(void **state)
{
    struct fixture *x = *state;
    struct http_origin_settings set = named(x->s.port);
    struct got g;

    use(x, &set);
    got_init(&g, &x->w, x->o, GET);
    got_start(&g);
    run_to_end(&g);
    assert_int_equal(g.failure, HTTP_FAIL_RESOLVE);
    assert_string_equal(g.why, "resolve up.test: unknown node or service");
    got_done(&g);
}

/* Proxies. */

static struct http_origin_settings proxied(struct fixture *x, bool tls)
{
    struct http_origin_settings set = named(443);

    set.proxy_host = STR("127.0.0.1");
    set.proxy_port = x->s.port;
    set.proxy_authorization = STR("Basic Zm9vOmJhcg==");
    set.tls = tls ? x->client_tls : NULL;
    return set;
}

static void a_plain_origin_is_asked_of_its_proxy_in_absolute_form(void **state)
{
    static const char want[] = "POST http://up.test:443/v1/x?y=1 HTTP/1.1\r\n"
                               "proxy-authorization: Basic Zm9vOmJhcg==\r\n"
                               "host: up.test\r\ncontent-length: 2\r\n\r\nab";
    struct fixture *x = *state;
    struct http_origin_settings set = proxied(x, false);
    struct got g;

    use(x, &set);
    SCRIPT(&x->s, 0, SAY(BLANK "ab", OK_HI));
    got_init(&g, &x->w, x->o,
             "POST /v1/x?y=1 HTTP/1.1\r\nhost: up.test\r\ncontent-length: 2\r\n\r\n");
    g.f.request.body[0] = STR("ab");
    g.f.request.body_count = 1;
    got_start(&g);
    run_ok(&g, 200, "hi");
    assert_int_equal(x->s.conns[0].all.len, strlen(want));
    assert_memory_equal(x->s.conns[0].all.ptr, want, strlen(want));
    assert_int_equal(x->lookups, 0);
    got_done(&g);
}

static void a_proxy_makes_a_tunnel_for_TLS(void **state)
{
    static const char want[] = "CONNECT up.test:443 HTTP/1.1\r\nhost: up.test:443\r\n"
                               "proxy-authorization: Basic Zm9vOmJhcg==\r\n\r\n";
    struct fixture *x = *state;
    struct http_origin_settings set = proxied(x, true);
    struct got g;

    use(x, &set);
    SCRIPT(&x->s, 0, DO(BLANK, "HTTP/1.1 200 Connection established\r\n\r\n", RELAY));
    server_open(&x->s2, &x->w);
    SCRIPT(&x->s2, 0, SAY(BLANK, OK_HI), SAY(BLANK, OK_HI));
    x->s2.tls = x->server_tls;
    x->s.relay_port = x->s2.port;
    for (unsigned i = 0; i < 2; i++) {
        got_init(&g, &x->w, x->o, GET);
        got_start(&g);
        run_ok(&g, 200, "hi");
        assert_int_equal(g.f.reused, i);
        got_done(&g);
    }
    assert_memory_equal(x->s.conns[0].all.ptr, want, strlen(want));
    assert_int_equal(x->s2.conns[0].all.len, 2 * strlen(GET)); /* in origin form */
}

static void refuse(struct fixture *x, const char *answer, enum then then, const char *why)
{
    struct http_origin_settings set = proxied(x, true);
    struct step step = {.await = BLANK, .send = answer, .then = then};
    unsigned i = x->s.accepted;
    struct got g;

    use(x, &set);
    x->s.scripts[i] = &step;
    x->s.script_steps[i] = 1;
    got_init(&g, &x->w, x->o, GET);
    got_start(&g);
    run_to_end(&g);
    assert_int_equal(g.failure, HTTP_FAIL_CONNECT);
    assert_int_equal(g.f.phase, HTTP_PHASE_CONNECT);
    assert_non_null(strstr(g.why, why));
    assert_null(strstr(g.why, "Zm9v"));
    assert_int_equal(g.heads, 0); /* the proxy's answer is not the origin's */
    got_done(&g);
}

static void a_proxy_that_refuses_says_so(void **state)
{
    refuse(*state, "HTTP/1.1 407 No\r\ncontent-length: 3\r\n\r\nbad", STAY,
           "proxy 127.0.0.1 answered 407");
    refuse(*state, "HTTP/1.1 200 OK\r\n\r\nextra", STAY, "not HTTP");
    refuse(*state, "what?\r\n\r\n", STAY, "not HTTP");
    refuse(*state, NULL, FIN, "closed the connection");
}

/* TLS. */

static struct http_origin_settings secure(struct fixture *x)
{
    struct http_origin_settings set = named(x->s.port);

    x->addresses[0] = "127.0.0.1";
    x->s.tls = x->server_tls;
    set.tls = x->client_tls;
    return set;
}

static void a_session_is_resumed_on_the_second_connection(void **state)
{
    struct fixture *x = *state;
    struct http_origin_settings set = secure(x);
    struct got g;

    use(x, &set);
    for (unsigned i = 0; i < 3; i++) {
        SCRIPT(&x->s, i,
               SAY(BLANK, "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nhi"));
        got_init(&g, &x->w, x->o, GET);
        got_start(&g);
        run_ok(&g, 200, "hi");
        assert_int_equal(x->s.accepted, i + 1);
        assert_int_equal(x->s.conns[i].resumed, i > 0);
        got_done(&g);
    }
}

static void a_TLS_connection_is_reused(void **state)
{
    struct fixture *x = *state;
    struct http_origin_settings set = secure(x);
    struct got g;

    use(x, &set);
    SCRIPT(&x->s, 0, SAY(BLANK, OK_HI), SAY(BLANK, OK_HI));
    for (unsigned i = 0; i < 2; i++) {
        got_init(&g, &x->w, x->o, GET);
        got_start(&g);
        run_ok(&g, 200, "hi");
        assert_int_equal(g.f.reused, i);
        got_done(&g);
    }
    assert_int_equal(x->s.accepted, 1);
}

static void fails_TLS(struct fixture *x, const struct http_origin_settings *set, const char *why)
{
    struct got g;

    use(x, set);
    got_init(&g, &x->w, x->o, GET);
    got_start(&g);
    run_to_end(&g);
    assert_int_equal(g.failure, HTTP_FAIL_TLS);
    assert_int_equal(g.f.phase, HTTP_PHASE_TLS);
    if (strstr(g.why, why) == NULL)
        fail_msg("%s", g.why);
    assert_int_equal(g.f.bytes_out, 0); /* no request, no credential */
    got_done(&g);
}

static void a_stranger_is_not_trusted(void **state)
{
    struct fixture *x = *state;
    struct http_origin_settings set = secure(x);

    set.tls = x->stranger_tls;
    fails_TLS(x, &set, "self-signed certificate");
}

static void a_certificate_for_another_name_is_not_trusted(void **state)
{
    struct fixture *x = *state;
    struct http_origin_settings set = secure(x);

    set.host = STR("down.test");
    fails_TLS(x, &set, "hostname mismatch");
}

static void an_expired_certificate_is_not_trusted(void **state)
{
    struct fixture *x = *state;
    struct http_origin_settings set = secure(x);
    struct tls_server_settings serving = {old_cert.cert, old_cert.key};
    struct tls_client_settings trusting = {.ca_file = old_cert.cert};
    struct buf why = {0};

    tls_free(x->server_tls);
    tls_free(x->client_tls);
    assert_int_equal(tls_server_new(&serving, &why, &x->server_tls), 0);
    assert_int_equal(tls_client_new(&trusting, &why, &x->client_tls), 0);
    buf_done(&why);
    x->s.tls = x->server_tls;
    set.tls = x->client_tls;
    fails_TLS(x, &set, "certificate has expired");
}

static void plain_text_where_TLS_was_meant_fails(void **state)
{
    struct fixture *x = *state;
    struct http_origin_settings set = secure(x);

    x->s.tls = NULL;
    SCRIPT(&x->s, 0, {.await_bytes = 10, .send = "HTTP/1.1 400 Bad Request\r\n\r\n"});
    fails_TLS(x, &set, "wrong version number");
}

static void a_peer_that_leaves_the_handshake_fails(void **state)
{
    struct fixture *x = *state;
    struct http_origin_settings set = secure(x);

    x->s.tls = NULL;
    SCRIPT(&x->s, 0, {.await_bytes = 10, .then = FIN});
    fails_TLS(x, &set, "closed during the handshake");
}

/* Without close_notify anybody on the way could have cut it. */
static void R3_a_TLS_reply_until_close_needs_close_notify(void **state)
{
    struct fixture *x = *state;
    struct http_origin_settings set = secure(x);

    use(x, &set);
    for (unsigned i = 0; i < 2; i++) {
        struct got g;

        SCRIPT(&x->s, i, SAY(BLANK, "HTTP/1.1 200 OK\r\n\r\nhi"));
        got_init(&g, &x->w, x->o, GET);
        got_start(&g);
        while (g.bodies == 0)
            uv_run(&x->w.loop.uv, UV_RUN_ONCE);
        if (i == 0) {
            stream_shutdown(&x->s.conns[i].stream);
        } else {
            uv_os_fd_t fd;

            assert_int_equal(uv_fileno((uv_handle_t *)&x->s.conns[i].stream.tcp, &fd), 0);
            shutdown(fd, SHUT_WR);
        }
        run_to_end(&g);
        assert_int_equal(g.ended, i == 0);
        assert_int_equal(g.failure, i == 0 ? HTTP_FAIL_NONE : HTTP_FAIL_CUT);
        got_done(&g);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_silent_first_family_costs_its_head_start),
        TEST(a_dead_first_family_costs_nothing),
        TEST(the_loser_is_closed),
        TEST(the_families_take_turns),
        TEST(R25_a_connect_error_forgets_the_address),
        TEST(R25_pooled_connections_follow_the_name),
        TEST(R25_a_busy_connection_follows_when_it_is_done),
        TEST(an_unknown_name_says_so),
        TEST(a_plain_origin_is_asked_of_its_proxy_in_absolute_form),
        TEST(a_proxy_makes_a_tunnel_for_TLS),
        TEST(a_proxy_that_refuses_says_so),
        TEST(a_session_is_resumed_on_the_second_connection),
        TEST(a_TLS_connection_is_reused),
        TEST(a_stranger_is_not_trusted),
        TEST(a_certificate_for_another_name_is_not_trusted),
        TEST(an_expired_certificate_is_not_trusted),
        TEST(plain_text_where_TLS_was_meant_fails),
        TEST(a_peer_that_leaves_the_handshake_fails),
        TEST(R3_a_TLS_reply_until_close_needs_close_notify),
    };

    return cmocka_run_group_tests(tests, make_certs, remove_certs);
}
