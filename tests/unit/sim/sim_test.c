/* The simulator on a loopback socket: what arrives, and how the connection ends.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/arena.h"
#include "sim/sim.h"

static struct {
    struct loop loop;
    struct sim *sim;
    uv_async_t stop;
    uv_thread_t thread;
    uint16_t port;
} here;

static void on_stop(uv_async_t *a)
{
    sim_close(here.sim);
    uv_close((uv_handle_t *)a, NULL);
}

static void run(void *arg)
{
    (void)arg;
    uv_run(&here.loop.uv, UV_RUN_DEFAULT);
    loop_done(&here.loop);
    arena_thread_done();
}

static int start(void **state)
{
    struct sim_settings s = {.seed = 1};
    struct buf why = {0};

    (void)state;
    assert_int_equal(loop_init(&here.loop, 0), 0);
    assert_int_equal(uv_async_init(&here.loop.uv, &here.stop, on_stop), 0);
    if (sim_open(&here.loop, &s, &why, &here.sim) < 0)
        fail_msg("%.*s", STR_ARG(buf_str(&why)));
    here.port = sim_port(here.sim);
    return uv_thread_create(&here.thread, run, NULL);
}

static int stop(void **state)
{
    (void)state;
    uv_async_send(&here.stop);
    uv_thread_join(&here.thread);
    return 0;
}

/* ---- A client that reads until something happens */

enum ending { STAYS, FIN, RST };

#define PATIENCE_MS 10000u /* for what must come, on however busy a machine */
#define MOMENT_MS 40u      /* for what must not */

/* No reply says this: for those that end with the connection. */
#define THE_END "\x01"

struct reply {
    struct buf got;
    enum ending ending;
    unsigned reads;
};

static void wait_at_most(int fd, unsigned ms)
{
    struct timeval wait = {.tv_sec = ms / 1000, .tv_usec = (long)(ms % 1000) * 1000};

    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)), 0);
}

static int dial(unsigned wait_ms)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(here.port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(fd >= 0);
    wait_at_most(fd, wait_ms);
    assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
    return fd;
}

/* In one piece: a peer that closes on the head would refuse a body behind it. */
static void say(int fd, const char *line, const char *key, struct str body)
{
    char head[512];
    struct iovec pieces[2] = {{head, 0}, {(char *)(uintptr_t)body.ptr, body.len}};
    struct msghdr m = {.msg_iov = pieces, .msg_iovlen = 2};
    int n = snprintf(head, sizeof(head),
                     "%s HTTP/1.1\r\nhost: sim\r\nauthorization: Bearer %s\r\n"
                     "content-length: %zu\r\n\r\n",
                     line, key, body.len);

    pieces[0].iov_len = (size_t)n;
    assert_int_equal(sendmsg(fd, &m, MSG_NOSIGNAL), (size_t)n + body.len);
}

/* Until the connection ends, nothing comes any more, or `last` has come. */
static struct reply hear(int fd, const char *last)
{
    struct reply r = {.ending = STAYS};
    char bytes[4096];

    for (;;) {
        ssize_t n = recv(fd, bytes, sizeof(bytes), 0);

        if (n > 0)
            assert_int_equal(buf_put(&r.got, str_make(bytes, (size_t)n)), 0);
        if (n == 0)
            r.ending = FIN;
        else if (n < 0 && errno == ECONNRESET)
            r.ending = RST;
        r.reads++;
        if (n <= 0 || (last != NULL && str_find(buf_str(&r.got), str_from(last)) != NULL))
            return r;
    }
}

static void ask(int fd, const char *model, bool stream, const char *key)
{
    char body[512];
    int n = snprintf(body, sizeof(body),
                     "{\"model\":\"%s\",\"stream\":%s,\"messages\":[{\"role\":\"user\","
                     "\"content\":\"one two three four fünf\"}]}",
                     model, stream ? "true" : "false");

    say(fd, "POST /v1/chat/completions", key, str_make(body, (size_t)n));
}

/* Up to `until`, and a moment longer: what must not come would come then. */
static struct reply call(const char *model, bool stream, const char *until)
{
    int fd = dial(until != NULL ? PATIENCE_MS : MOMENT_MS);
    struct reply r, more;

    ask(fd, model, stream, "any");
    r = hear(fd, until);
    if (r.ending == STAYS && until != NULL) {
        wait_at_most(fd, MOMENT_MS);
        more = hear(fd, NULL);
        assert_int_equal(buf_put(&r.got, buf_str(&more.got)), 0);
        r.ending = more.ending;
        buf_done(&more.got);
    }
    close(fd);
    return r;
}

static bool has(const struct reply *r, const char *what)
{
    return str_find(buf_str(&r->got), str_from(what)) != NULL;
}

static void expect(const struct reply *r, const char *model, enum ending ending, const char *has_it,
                   const char *has_not)
{
    if (r->ending != ending)
        fail_msg("%s ended with %d", model, (int)r->ending);
    if (has_it != NULL && !has(r, has_it))
        fail_msg("%s lacks %s in: %.*s", model, has_it, STR_ARG(buf_str(&r->got)));
    if (has_not != NULL && has(r, has_not))
        fail_msg("%s has %s", model, has_not);
}

/* ---- */

static void faults_look_on_the_wire_as_the_menu_says(void **state)
{
    static const struct {
        const char *model;
        bool stream;
        enum ending ending;
        const char *has, *has_not;
    } rows[] = {
        {"sim", true, STAYS, "data: [DONE]\n\n\r\n0\r\n\r\n", NULL},
        {"sim", false, STAYS, "one two three four fünf\"", "data:"},
        {"sim?silent", true, STAYS, NULL, "HTTP"},
        {"sim?headers-then-silence", true, STAYS, "event-stream", "data:"},
        {"sim?n-tokens-then-silence,after=2", true, STAYS, "\" two\"", "\" three\""},
        {"sim?refuse", true, RST, NULL, "HTTP"},
        {"sim?accept-then-close", true, FIN, NULL, "HTTP"},
        {"sim?cut-fin,after=2", true, FIN, "\" two\"", "\" three\""},
        {"sim?cut-fin", true, FIN, "connection: close", "chunked"},
        {"sim?cut-rst,after=2", true, RST, "\" two\"", "\" three\""},
        {"sim?cut-chunk,after=2", true, FIN, "chunked", "\" three\""},
        {"sim?cut-chunk", true, FIN, "\" three\"", "\r\n0\r\n"},
        {"sim?cut-fin", false, FIN, "content-length: ", "finish_reason"},
        {"sim?cut-rst", false, RST, "chat.completion", "finish_reason"},
        {"sim?no-done", true, STAYS, "\"finish_reason\":\"stop\"", "[DONE]"},
        {"sim?done-without-finish", true, STAYS, "data: [DONE]", "\"stop\""},
        {"sim?error-first", true, STAYS, "\r\ndata: {\"error\":{", "\"role\""},
        {"sim?lifecycle-then-error", true, STAYS, "\n\ndata: {\"error\":{", "\"one\""},
        {"sim?error-in-200", true, STAYS, "\r\n\r\n{\"error\":{", "data:"},
        {"sim?null", false, STAYS, "\r\n\r\nnull", NULL},
        {"sim?empty-stream", true, STAYS, "\r\n\r\n0\r\n\r\n", "data:"},
        {"sim?html", true, STAYS, "text/html", "data:"},
        {"sim?529", true, STAYS, "HTTP/1.1 529 ", "data:"},
        {"sim?retry-after-int,ra=7s", false, STAYS, "retry-after: 7\r\n", NULL},
        {"sim?retry-after-ms", false, STAYS, "retry-after-ms: 250\r\n", NULL},
        {"sim?retry-after-absent", false, STAYS, "HTTP/1.1 429 ", "retry-after: "},
        {"sim?wrong-length", false, FIN, "\"total_tokens\"", NULL},
        {"sim?sse-for-json", false, STAYS, "data: [DONE]", "chat.completion\""},
        {"sim?json-for-sse", true, STAYS, "application/json", "data:"},
        {"sim?gzip", false, STAYS, "content-encoding: gzip", NULL},
        {"sim?version-change", false, STAYS, "openai-version: 2099-01-01", NULL},
        {"sim?stale-keepalive", false, FIN, "\"total_tokens\"", "onnection: close"},
        {"sim?what", false, STAYS, "HTTP/1.1 400 ", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        const char *until = rows[i].ending != STAYS ? THE_END : rows[i].has;
        struct reply r = call(rows[i].model, rows[i].stream, until);

        expect(&r, rows[i].model, rows[i].ending, rows[i].has, rows[i].has_not);
        buf_done(&r.got);
    }
}

/* The kernel joins what waits for a busy reader, so one undisturbed try of many has to do. */
static void R4_bytes_come_one_at_a_time(void **state)
{
    unsigned most = 0;

    (void)state;
    for (unsigned i = 0; i < 30 && most < 50; i++) {
        int fd = dial(PATIENCE_MS);
        struct reply r;

        ask(fd, "sim?split-every-byte", true, "any");
        r = hear(fd, THE_END);
        expect(&r, "split-every-byte", FIN, "data: [DONE]\n\n\r\n0\r\n\r\n", NULL);
        most = r.reads > most ? r.reads : most;
        close(fd);
        buf_done(&r.got);
    }
    assert_true(most >= 50);
}

static void R21_a_kept_connection_goes_stale(void **state)
{
    static const struct {
        const char *model;
        enum ending ending;
    } rows[] = {{"sim?stale-keepalive-fin", FIN}, {"sim?stale-keepalive-rst", RST}};

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        int fd = dial(PATIENCE_MS);
        struct reply first, second;

        ask(fd, rows[i].model, false, "any");
        first = hear(fd, "}}}");
        expect(&first, rows[i].model, STAYS, "HTTP/1.1 200", NULL);
        ask(fd, "sim", false, "any");
        second = hear(fd, NULL);
        expect(&second, rows[i].model, rows[i].ending, NULL, "HTTP");
        close(fd);
        buf_done(&first.got);
        buf_done(&second.got);
    }
}

static void R16_a_key_can_be_the_script(void **state)
{
    static const char *const keys[][2] = {{"dead-401", "HTTP/1.1 401 "},
                                          {"dead-402", "HTTP/1.1 402 "},
                                          {"dead-403", "HTTP/1.1 403 "},
                                          {"quota", "insufficient_quota"},
                                          {"alive", "HTTP/1.1 200 "}};

    (void)state;
    for (size_t i = 0; i < COUNTOF(keys); i++) {
        int fd = dial(PATIENCE_MS);
        struct reply r;

        ask(fd, "sim", false, keys[i][0]);
        r = hear(fd, "}}");
        expect(&r, keys[i][0], STAYS, keys[i][1], NULL);
        close(fd);
        buf_done(&r.got);
    }
}

static void flip_fails_first_and_then_never(void **state)
{
    static const char *const want[] = {"HTTP/1.1 500 ", "HTTP/1.1 500 ", "HTTP/1.1 200 ",
                                       "HTTP/1.1 200 "};

    (void)state;
    for (size_t i = 0; i < COUNTOF(want); i++) {
        struct reply r = call("sim?500,flip=2,tag=flip_test", false, want[i]);

        expect(&r, "flip", STAYS, want[i], NULL);
        buf_done(&r.got);
    }
}

static struct reply get(const char *line)
{
    int fd = dial(PATIENCE_MS);
    struct reply r;

    say(fd, line, "any", STR(""));
    r = hear(fd, "]\n");
    close(fd);
    return r;
}

static void R1_the_log_says_that_the_peer_left(void **state)
{
    int fd = dial(MOMENT_MS);
    struct reply r;

    (void)state;
    ask(fd, "sim?silent,tag=leaver", true, "sk-very-secret");
    r = hear(fd, NULL);
    expect(&r, "silent", STAYS, NULL, NULL);
    close(fd);
    for (unsigned i = 0; i < 1000; i++) { /* it has to hear of it first */
        r = get("GET /sim/log?model=sim%3Fsilent,tag%3Dleaver");
        if (has(&r, "\"peer_left\":true"))
            break;
        buf_done(&r.got);
    }
    expect(&r, "log", STAYS, "\"peer_left\":true", "very-secret");
    expect(&r, "log", STAYS, "\"status\":0", NULL);
    expect(&r, "log", STAYS, "\"path\":\"/v1/chat/completions\"", NULL);
    buf_done(&r.got);
}

static void relayed_bytes_come_back_as_they_went(void **state)
{
    static char bytes[300000];
    struct reply r;
    int fd = dial(PATIENCE_MS);

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(i * 31 % 251);
    say(fd, "POST /v1/echo-body", "any", str_make(bytes, sizeof(bytes)));
    shutdown(fd, SHUT_WR);
    r = hear(fd, NULL);
    assert_true(r.got.len > sizeof(bytes));
    assert_memory_equal(r.got.ptr + r.got.len - sizeof(bytes), bytes, sizeof(bytes));
    buf_done(&r.got);
    close(fd);
    r = get("PUT /v1/files/f?x=1");
    expect(&r, "echo", STAYS, "\"method\":\"PUT\",\"path\":\"/v1/files/f?x=1\"", NULL);
    buf_done(&r.got);
}

static void R6_paced_events_come_at_their_time(void **state)
{
    uint64_t before = uv_hrtime(), took_ms;
    struct reply r = call("sim?ttft=60ms,gap=20ms,tokens=5", true, "0\r\n\r\n");

    (void)state;
    took_ms = (uv_hrtime() - before) / 1000000;
    expect(&r, "paced", STAYS, "[DONE]", NULL);
    assert_true(took_ms >= 135);
    buf_done(&r.got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_look_on_the_wire_as_the_menu_says),
        cmocka_unit_test(R4_bytes_come_one_at_a_time),
        cmocka_unit_test(R21_a_kept_connection_goes_stale),
        cmocka_unit_test(R16_a_key_can_be_the_script),
        cmocka_unit_test(flip_fails_first_and_then_never),
        cmocka_unit_test(R1_the_log_says_that_the_peer_left),
        cmocka_unit_test(relayed_bytes_come_back_as_they_went),
        cmocka_unit_test(R6_paced_events_come_at_their_time),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
