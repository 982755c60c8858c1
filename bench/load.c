/*
 * load.c - a load generator for one core: HTTP/1.1 keep-alive, exact percentiles, counted events.
 *
 *     load [options] HOST:PORT        prints one JSON object when the run is over
 *
 * Closed loop: each connection sends its next request when the reply before is whole.  With --rate
 * the loop is open: request k is due at start + k / rate whether or not there is a connection free,
 * and its latency counts from then, so that a server that stalls cannot hide what it held up.
 * With --hold the connections open streams and keep them; see hold_step().
 *
 * wrk counts neither events nor the time to the first of them, and its latencies are not exact.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "reply.h"
#include "samples.h"

#define SECOND_NS 1000000000ull
#define OPENING_MAX 128 /* streams of a --hold that wait for their first event at one time */

struct conn {
    int fd;
    bool busy;     /* a reply is awaited */
    bool blocked;  /* the kernel would not take the whole request */
    bool answered; /* this reply's first content was seen */
    size_t sent;
    uint64_t due_ns; /* when the request was sent, or should have been */
    struct conn *next_idle;
    struct reply reply;
};

static struct {
    /* As asked. */
    struct sockaddr_in to;
    const char *path, *fields, *body_file;
    unsigned connections;
    uint64_t requests, seconds, rate, timeout_s;
    const char *hold;
    /* Made of it. */
    char *request;
    size_t request_bytes;
    /* As it goes. */
    int epoll;
    struct conn *conns, *idle;
    uint64_t start_ns, end_ns; /* of sending */
    uint64_t begun, completed, failed, events, bytes, dones;
    unsigned busy, opening, held;
    char first_failure[160];
    struct samples latency, first;
} run = {.path = "/v1/chat/completions", .fields = "", .connections = 1, .timeout_s = 120};

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * SECOND_NS + (uint64_t)t.tv_nsec;
}

__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    fputs("load: ", stderr);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    exit(2);
}

/* ---- connections ---- */

static void watch(struct conn *c, int how, uint32_t events)
{
    struct epoll_event e = {.events = events, .data.ptr = c};

    if (epoll_ctl(run.epoll, how, c->fd, &e) < 0)
        die("epoll: %s", strerror(errno));
}

/* Loopback connects at once or not at all, so a blocking connect is no delay. */
static void conn_open(struct conn *c)
{
    int on = 1;

    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        die("socket: %s", strerror(errno));
    if (connect(c->fd, (const struct sockaddr *)&run.to, sizeof(run.to)) < 0)
        die("connect: %s", strerror(errno));
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    watch(c, EPOLL_CTL_ADD, EPOLLIN);
}

static void conn_renew(struct conn *c)
{
    close(c->fd);
    conn_open(c);
}

static void conn_send(struct conn *c)
{
    ssize_t n = send(c->fd, run.request + c->sent, run.request_bytes - c->sent, MSG_NOSIGNAL);
    bool blocked;

    /* A failed write is told by the read that follows. */
    c->sent += n > 0 ? (size_t)n : 0;
    blocked = c->sent < run.request_bytes && (n >= 0 || errno == EAGAIN);
    if (blocked != c->blocked)
        watch(c, EPOLL_CTL_MOD, blocked ? EPOLLIN | EPOLLOUT : EPOLLIN);
    c->blocked = blocked;
}

static void conn_begin(struct conn *c, uint64_t due_ns)
{
    reply_reset(&c->reply);
    c->busy = true;
    c->answered = false;
    c->sent = 0;
    c->due_ns = due_ns;
    run.begun++;
    run.busy++;
    conn_send(c);
}

static uint64_t due_of(uint64_t k)
{
    return run.start_ns + k * SECOND_NS / run.rate;
}

/* This connection is free: give it what is due, or let it wait. */
static void conn_next(struct conn *c)
{
    uint64_t now = now_ns();
    uint64_t due = run.rate > 0 ? due_of(run.begun) : now;
    bool over =
        (run.requests > 0 && run.begun >= run.requests) || (run.seconds > 0 && now >= run.end_ns);

    if (!over && due <= now) {
        conn_begin(c, due);
        return;
    }
    c->next_idle = run.idle;
    run.idle = c;
}

static void fail(struct conn *c, const char *why)
{
    if (run.failed++ == 0)
        snprintf(run.first_failure, sizeof(run.first_failure), "%s (status %u, state %d)", why,
                 c->reply.status, (int)c->reply.state);
}

static void conn_finish(struct conn *c, const char *failure)
{
    c->busy = false;
    run.busy--;
    run.events += c->reply.events;
    run.bytes += c->reply.bytes;
    run.dones += c->reply.done;
    if (failure == NULL && c->reply.status != 200)
        failure = "refused";
    if (failure != NULL) {
        fail(c, failure);
    } else {
        run.completed++;
        samples_add(&run.latency, now_ns() - c->due_ns);
    }
    if (failure != NULL || c->reply.close)
        conn_renew(c);
    /* A failure voids the run: no use in going on, and no storm. */
    if (run.hold == NULL && run.failed < 100)
        conn_next(c);
}

static void conn_content(struct conn *c)
{
    c->answered = true;
    samples_add(&run.first, now_ns() - c->due_ns);
    if (run.hold != NULL) {
        run.opening--;
        run.held++;
    }
}

static void conn_read(struct conn *c)
{
    static char scratch[256 * 1024];
    ssize_t n = read(c->fd, scratch, sizeof(scratch));

    if (n < 0 && errno == EAGAIN)
        return;
    if (!c->busy) {
        conn_renew(c); /* an idle connection that was closed is no failure */
        return;
    }
    if (n <= 0) {
        conn_finish(c, n == 0 ? "cut" : strerror(errno));
        return;
    }
    reply_feed(&c->reply, scratch, (size_t)n);
    if (c->reply.content && !c->answered)
        conn_content(c);
    if (c->reply.state == REPLY_WHOLE)
        conn_finish(c, NULL);
    else if (c->reply.state == REPLY_BROKEN)
        conn_finish(c, "not HTTP as we know it");
}

/* ---- the run ---- */

static void start_due(void)
{
    while (run.rate > 0 && run.idle != NULL && due_of(run.begun) <= now_ns()) {
        struct conn *c = run.idle;
        struct conn *before = run.idle = c->next_idle;

        conn_next(c);
        if (run.idle != before)
            return; /* it is idle again: nothing more to send */
    }
}

static struct timespec until_due(void)
{
    uint64_t now = now_ns();
    uint64_t due = run.rate > 0 && run.idle != NULL ? due_of(run.begun) : now + SECOND_NS / 10;
    uint64_t ns = due > now ? due - now : 0;

    if (ns > SECOND_NS / 10)
        ns = SECOND_NS / 10;
    return (struct timespec){.tv_nsec = (long)ns};
}

/* false: someone speaks on standard input. */
static bool turn(void)
{
    struct epoll_event events[256];
    struct timespec wait = until_due();
    bool quiet = true;
    int n = epoll_pwait2(run.epoll, events, 256, &wait, NULL);

    for (int i = 0; i < n; i++) {
        struct conn *c = events[i].data.ptr;

        if (c == NULL) {
            quiet = false;
            continue;
        }
        if (events[i].events & EPOLLOUT)
            conn_send(c);
        if (events[i].events & ~(uint32_t)EPOLLOUT)
            conn_read(c);
    }
    start_due();
    return quiet;
}

static bool sending(uint64_t now)
{
    if (run.failed >= 100)
        return false;
    if (run.requests > 0)
        return run.begun < run.requests;
    return now < run.end_ns;
}

static void drive(void)
{
    uint64_t give_up = run.start_ns + run.timeout_s * SECOND_NS;
    uint64_t now = run.start_ns;

    for (unsigned i = 0; i < run.connections; i++)
        conn_next(&run.conns[i]);
    while ((run.busy > 0 || sending(now)) && now < give_up) {
        turn();
        now = now_ns();
    }
    run.end_ns = now;
    run.failed += run.busy; /* what never came */
    if (run.busy > 0 && run.first_failure[0] == '\0')
        snprintf(run.first_failure, sizeof(run.first_failure), "no end within the time limit");
}

/* Open streams until `target` of them are held, say so, and go on reading until we are told to go
 * on by a line (or the end) on standard input. */
static void hold_step(unsigned target)
{
    char line[64];
    uint64_t give_up = now_ns() + run.timeout_s * SECOND_NS;
    struct epoll_event e = {.events = EPOLLIN};

    while (run.held < target && run.failed == 0 && now_ns() < give_up) {
        while (run.opening < OPENING_MAX && run.held + run.opening < target) {
            struct conn *c = &run.conns[run.begun];

            conn_open(c);
            run.opening++;
            conn_begin(c, now_ns());
        }
        turn();
    }
    printf("{\"held\": %u, \"failed\": %llu, \"why\": \"%s\"}\n", run.held,
           (unsigned long long)run.failed, run.first_failure);
    fflush(stdout);
    if (epoll_ctl(run.epoll, EPOLL_CTL_ADD, STDIN_FILENO, &e) < 0)
        die("standard input: %s", strerror(errno));
    while (turn())
        ;
    epoll_ctl(run.epoll, EPOLL_CTL_DEL, STDIN_FILENO, NULL);
    if (read(STDIN_FILENO, line, sizeof(line)) < 0)
        die("standard input: %s", strerror(errno));
}

static void hold(void)
{
    for (const char *p = run.hold; *p != '\0';) {
        char *end;

        hold_step((unsigned)strtoul(p, &end, 10));
        p = *end == ',' ? end + 1 : end;
    }
    run.end_ns = now_ns();
}

static void print_result(void)
{
    struct rusage use;
    double seconds = (double)(run.end_ns - run.start_ns) / 1e9;

    getrusage(RUSAGE_SELF, &use);
    printf("{\"completed\": %llu, \"failed\": %llu, \"first_failure\": \"%s\", "
           "\"seconds\": %.6f, \"per_second\": %.1f, \"events\": %llu, \"dones\": %llu, "
           "\"bytes\": %llu, \"cpu_seconds\": %.6f, ",
           (unsigned long long)run.completed, (unsigned long long)run.failed, run.first_failure,
           seconds, (double)run.completed / seconds, (unsigned long long)run.events,
           (unsigned long long)run.dones, (unsigned long long)run.bytes,
           (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
               (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6);
    samples_print(&run.latency, "latency_us", stdout);
    fputs(", ", stdout);
    samples_print(&run.first, "first_content_us", stdout);
    puts("}");
}

/* ---- the command line ---- */

static char *read_file(const char *name, size_t *ret_bytes)
{
    FILE *f = fopen(name, "rb");
    size_t room = 16 << 20;
    char *bytes = malloc(room);

    if (f == NULL || bytes == NULL)
        die("%s: %s", name, strerror(errno));
    *ret_bytes = fread(bytes, 1, room, f);
    fclose(f);
    return bytes;
}

static void make_request(void)
{
    size_t body_bytes = 0, room;
    char *body = run.body_file != NULL ? read_file(run.body_file, &body_bytes) : NULL;
    int head;

    room = body_bytes + strlen(run.path) + strlen(run.fields) + 512;
    run.request = malloc(room);
    if (run.request == NULL)
        die("no memory");
    head = snprintf(run.request, room,
                    "%s %s HTTP/1.1\r\nhost: %s:%u\r\nuser-agent: dragoman-bench\r\n"
                    "accept: */*\r\ncontent-type: application/json\r\n"
                    "content-length: %zu\r\n%s\r\n",
                    body != NULL ? "POST" : "GET", run.path, inet_ntoa(run.to.sin_addr),
                    ntohs(run.to.sin_port), body_bytes, run.fields);
    if (body != NULL)
        memcpy(run.request + head, body, body_bytes);
    run.request_bytes = (size_t)head + body_bytes;
    free(body);
}

static void read_target(const char *text)
{
    char host[64];
    const char *colon = strrchr(text, ':');

    if (colon == NULL || (size_t)(colon - text) >= sizeof(host))
        die("expected ADDRESS:PORT, got \"%s\"", text);
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = '\0';
    run.to.sin_family = AF_INET;
    run.to.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
    if (inet_pton(AF_INET, host, &run.to.sin_addr) != 1)
        die("\"%s\" is no IPv4 address", host);
}

static const char *joined_fields(const char *before, const char *field)
{
    char *text;

    if (asprintf(&text, "%s%s\r\n", before, field) < 0)
        die("no memory");
    return text;
}

static const struct option options[] = {
    {"connections", required_argument, NULL, 'c'}, {"requests", required_argument, NULL, 'n'},
    {"seconds", required_argument, NULL, 's'},     {"rate", required_argument, NULL, 'r'},
    {"timeout", required_argument, NULL, 't'},     {"path", required_argument, NULL, 'p'},
    {"body", required_argument, NULL, 'b'},        {"header", required_argument, NULL, 'H'},
    {"hold", required_argument, NULL, 'o'},        {0},
};

static void take_option(int name, const char *value)
{
    uint64_t number = strtoull(value != NULL ? value : "", NULL, 10);

    switch (name) {
    case 'c':
        run.connections = (unsigned)number;
        break;
    case 'n':
        run.requests = number;
        break;
    case 's':
        run.seconds = number;
        break;
    case 'r':
        run.rate = number;
        break;
    case 't':
        run.timeout_s = number;
        break;
    case 'p':
        run.path = value;
        break;
    case 'b':
        run.body_file = value;
        break;
    case 'H':
        run.fields = joined_fields(run.fields, value);
        break;
    case 'o':
        run.hold = value;
        break;
    default:
        die("see the head of bench/load.c for the options");
    }
}

static void make_room_for_connections(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    run.conns = calloc(run.connections, sizeof(*run.conns));
    if (run.conns == NULL)
        die("no memory");
}

int main(int argc, char **argv)
{
    int name;

    while ((name = getopt_long(argc, argv, "", options, NULL)) != -1)
        take_option(name, optarg);
    if (optind != argc - 1)
        die("load [options] ADDRESS:PORT");
    read_target(argv[optind]);
    make_request();
    make_room_for_connections();
    run.epoll = epoll_create1(EPOLL_CLOEXEC);
    for (unsigned i = 0; run.hold == NULL && i < run.connections; i++)
        conn_open(&run.conns[i]);
    run.start_ns = now_ns();
    run.end_ns = run.start_ns + run.seconds * SECOND_NS;
    if (run.hold != NULL)
        hold();
    else
        drive();
    print_result();
    return 0;
}
