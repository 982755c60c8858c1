/*
 * caller.h - a simulator on a thread of its own, and a client that reads until something happens.
 *
 * For tests; include it after cmocka.h.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNIT_SIM_CALLER_H
#define UNIT_SIM_CALLER_H

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

static inline void on_stop(uv_async_t *a)
{
    sim_close(here.sim);
    uv_close((uv_handle_t *)a, NULL);
}

static inline void run(void *arg)
{
    (void)arg;
    uv_run(&here.loop.uv, UV_RUN_DEFAULT);
    loop_done(&here.loop);
    arena_thread_done();
}

static inline int start(void **state)
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

static inline int stop(void **state)
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

static inline void wait_at_most(int fd, unsigned ms)
{
    struct timeval wait = {.tv_sec = ms / 1000, .tv_usec = (long)(ms % 1000) * 1000};

    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)), 0);
}

static inline int dial(unsigned wait_ms)
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
static inline void say(int fd, const char *line, const char *key, struct str body)
{
    char head[512];
    struct iovec pieces[2] = {{head, 0}, {(char *)(uintptr_t)body.ptr, body.len}};
    struct msghdr m = {.msg_iov = pieces, .msg_iovlen = 2};
    int n = snprintf(head, sizeof(head),
                     "%s HTTP/1.1\r\nhost: sim\r\nauthorization: Bearer %s\r\n"
                     "anthropic-version: 2023-06-01\r\n"
                     "content-length: %zu\r\n\r\n",
                     line, key, body.len);

    pieces[0].iov_len = (size_t)n;
    assert_int_equal(sendmsg(fd, &m, MSG_NOSIGNAL), (size_t)n + body.len);
}

/* Until the connection ends, nothing comes any more, or `last` has come. */
static inline struct reply hear(int fd, const char *last)
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

static inline bool has(const struct reply *r, const char *what)
{
    return str_find(buf_str(&r->got), str_from(what)) != NULL;
}

static inline void expect(const struct reply *r, const char *model, enum ending ending,
                          const char *has_it, const char *has_not)
{
    if (r->ending != ending)
        fail_msg("%s ended with %d", model, (int)r->ending);
    if (has_it != NULL && !has(r, has_it))
        fail_msg("%s lacks %s in: %.*s", model, has_it, STR_ARG(buf_str(&r->got)));
    if (has_not != NULL && has(r, has_not))
        fail_msg("%s has %s", model, has_not);
}

#endif
