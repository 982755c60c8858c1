/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/admin.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit/conf/conf_helper.h"

#define CONFIG                                                                                     \
    "admin: { listen: \"127.0.0.1:9090\" }\n"                                                      \
    "providers: { p: { dialect: openai, base_url: \"http://127.0.0.1:1/v1\" } }\n"                 \
    "models: { m: { targets: [ { provider: p, model: x } ] } }\n"

struct fixture {
    struct loop loop;
    struct conf *conf;
    struct metric_registry *metrics;
    struct admin *admin;
    uv_async_t quit;
    struct buf reply;
};

static void on_quit(uv_async_t *h)
{
    struct fixture *f = CONTAINER_OF(h, struct fixture, quit);

    uv_close((uv_handle_t *)h, NULL);
    uv_stop(&f->loop.uv);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct buf why = {0};
    int err;

    if (f == NULL)
        return -1;
    *state = f;
    f->conf = load_fine(CONFIG);
    f->metrics = metric_registry_new();
    if (f->conf == NULL || f->metrics == NULL || loop_init(&f->loop, 0) < 0)
        return -1;
    uv_async_init(&f->loop.uv, &f->quit, on_quit);
    f->conf->admin.listen.port = 0;
    err = admin_open(&f->loop, f->conf, f->metrics, &(struct admin_hooks){0}, &why, &f->admin);
    if (err < 0)
        print_error("%.*s\n", STR_ARG(buf_str(&why)));
    buf_done(&why);
    return err;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    admin_close(f->admin);
    loop_done(&f->loop);
    buf_done(&f->reply);
    metric_registry_free(f->metrics);
    conf_unref(f->conf);
    arena_thread_done();
    free(f);
    return 0;
}

/* The client, on a thread of its own: send all, read to the end, stop the loop. */
struct client {
    struct fixture *f;
    const char *bytes;
};

static void *ask_on_thread(void *arg)
{
    struct client *c = arg;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(admin_port(c->f->admin))};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char piece[4096];
    ssize_t n;

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0 &&
        write(fd, c->bytes, strlen(c->bytes)) > 0) {
        while ((n = read(fd, piece, sizeof(piece))) > 0)
            (void)!buf_put(&c->f->reply, str_make(piece, (size_t)n));
    }
    close(fd);
    uv_async_send(&c->f->quit);
    return NULL;
}

/* The reply, head and body, NUL-terminated. */
static const char *ask(struct fixture *f, const char *bytes)
{
    struct client c = {f, bytes};
    pthread_t t;

    assert_int_equal(pthread_create(&t, NULL, ask_on_thread, &c), 0);
    uv_run(&f->loop.uv, UV_RUN_DEFAULT);
    pthread_join(t, NULL);
    assert_int_equal(buf_put(&f->reply, str_make("", 1)), 0);
    return f->reply.ptr;
}

static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("no \"%s\" in:\n%s", part, text);
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

static void metrics_can_be_scraped(void **state)
{
    const char *reply = ask(*state, GET("/metrics"));

    assert_has(reply, "HTTP/1.1 200 OK\r\n");
    assert_has(reply, "\r\ncontent-type: text/plain; version=0.0.4; charset=utf-8\r\n");
    assert_has(reply, "\ndragoman_in_flight 0\n");
    assert_has(reply, "# TYPE dragoman_log_dropped_total counter\n");
}

static void head_has_no_body(void **state)
{
    const char *reply = ask(*state, "HEAD /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");

    assert_has(reply, "HTTP/1.1 200 OK\r\n");
    assert_string_equal(reply + strlen(reply) - 4, "\r\n\r\n");
}

static void it_is_not_ready_before_it_is_told(void **state)
{
    const char *reply = ask(*state, GET("/readyz"));

    assert_has(reply, "HTTP/1.1 503 ");
    assert_has(reply, "{\"ready\":false,\"reasons\":[\"starting\"]}\n");
}

static void it_is_ready_when_it_is_told(void **state)
{
    struct fixture *f = *state;

    admin_set_ready(f->admin, NULL);
    assert_has(ask(f, GET("/readyz")), "HTTP/1.1 200 OK\r\n");
}

static void a_wrong_method_is_told_the_right_ones(void **state)
{
    const char *reply = ask(*state, "POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n"
                                    "Connection: close\r\n\r\n{}");

    assert_has(reply, "HTTP/1.1 405 ");
    assert_has(reply, "\r\nallow: GET, HEAD\r\n");
    assert_has(reply, "\"code\":\"method_not_allowed\"");
}

static void after_a_reload_the_new_token_is_wanted(void **state)
{
    struct fixture *f = *state;
    struct conf *c = load_fine(CONFIG);
    const char *reply;

    assert_non_null(c);
    c->admin.token = STR("a-new-token-for-operators");
    admin_set_conf(f->admin, c);
    conf_unref(c);
    reply = ask(f, GET("/metrics"));
    assert_has(reply, "HTTP/1.1 401 ");
    assert_has(reply, "\r\nwww-authenticate: Bearer realm=\"admin\"\r\n");
}

static void what_is_not_http_gets_an_error_of_the_same_shape(void **state)
{
    const char *reply = ask(*state, "GARBAGE\r\n\r\n");

    assert_has(reply, "HTTP/1.1 400 ");
    assert_has(reply, "{\"error\":{\"message\":\"");
}

static void a_taken_address_is_said(void **state)
{
    struct fixture *f = *state;
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct buf why = {0};
    struct admin *second = NULL;

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    f->conf->admin.listen.port = ntohs(at.sin_port);
    assert_true(admin_open(&f->loop, f->conf, f->metrics, &(struct admin_hooks){0}, &why, &second) <
                0);
    assert_null(second);
    assert_true(why.len > 0);
    buf_done(&why);
    close(fd);
    uv_async_send(&f->quit);
    uv_run(&f->loop.uv, UV_RUN_DEFAULT);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(metrics_can_be_scraped),
        T(head_has_no_body),
        T(it_is_not_ready_before_it_is_told),
        T(it_is_ready_when_it_is_told),
        T(a_wrong_method_is_told_the_right_ones),
        T(after_a_reload_the_new_token_is_wanted),
        T(what_is_not_http_gets_an_error_of_the_same_shape),
        T(a_taken_address_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
