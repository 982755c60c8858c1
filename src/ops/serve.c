/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/serve.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "conf/conf.h"
#include "ops/admin.h"
#include "ops/quickstart.h"
#include "ops/worker.h"

#define DEFAULT_FILE "./dragoman.yaml"
#define DRAIN_MS 30000u
#define DRAIN_POLL_MS 50u
/* Once every answer has been written: for slow clients to take the rest of theirs. */
#define FLUSH_MS 5000u

/* Everything of a running process.  Owned by serve_main(), on the main thread's loop. */
struct serving {
    struct loop loop; /* operations: admin port, signals; no client's request */
    struct conf *conf;
    struct metric_registry *metrics;
    struct gateway *gw;
    struct workers *workers;
    struct admin *admin;
    struct quickstart quick;
    uv_signal_t signals[4];
    uv_timer_t drain;
    uint64_t drain_until_ms, flushed_by_ms;
    bool draining;
};

/* ---- the configuration ---- */

static void report(void *ctx, const char *line)
{
    (void)ctx;
    fprintf(stderr, "%s\n", line);
}

static const char *environment(const char *name)
{
    return getenv(name);
}

static bool is_there(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0;
}

int check_main(const char *path)
{
    const char *file = path != NULL ? path : DEFAULT_FILE;
    struct conf *c = conf_load(file, environment, report, NULL);

    if (c == NULL)
        return 1;
    printf("%s: ok (%u providers, %u models, %u targets, %u client keys)\n", file,
           c->providers_count, c->models_count, c->targets_count, c->keys_count);
    conf_unref(c);
    return 0;
}

static struct conf *find_conf(struct serving *s, const char *path)
{
    if (path != NULL)
        return conf_load(path, environment, report, NULL);
    if (is_there(DEFAULT_FILE))
        return conf_load(DEFAULT_FILE, environment, report, NULL);
    return quickstart_open(&s->quick, &s->loop, environment, report);
}

/* ---- logs ---- */

static int start_log(const struct conf *c)
{
    struct log_settings l = {.level = (enum log_level)c->log.level,
                             .text_fd = STDERR_FILENO,
                             .access_fd = -1,
                             .ring_bytes = c->log.ring_bytes};

    if (str_eq(c->log.access, STR("stdout")))
        l.access_fd = STDOUT_FILENO;
    else if (str_eq(c->log.access, STR("stderr")))
        l.access_fd = STDERR_FILENO;
    else if (!str_eq(c->log.access, STR("off")))
        l.access_path = c->log.access.ptr;
    return log_start(&l);
}

/* Each client may need a descriptor here and one upstream: take what the system allows. */
static void raise_descriptors(const struct conf *c)
{
    struct rlimit r;
    rlim_t want = (rlim_t)c->limits.connections * 2 + 256;

    if (getrlimit(RLIMIT_NOFILE, &r) < 0 || r.rlim_cur >= want)
        return;
    r.rlim_cur = r.rlim_max == RLIM_INFINITY || r.rlim_max > want ? want : r.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < want)
        log_warn("only %llu file descriptors are allowed; limits.connections of %u would need %llu",
                 (unsigned long long)r.rlim_cur, c->limits.connections, (unsigned long long)want);
}

/* ---- signals and the end ---- */

static void close_handles(struct serving *s)
{
    for (size_t i = 0; i < COUNTOF(s->signals); i++)
        uv_close((uv_handle_t *)&s->signals[i], NULL);
    uv_close((uv_handle_t *)&s->drain, NULL);
}

static void stop(struct serving *s)
{
    workers_close(s->workers);
    s->workers = NULL;
    if (s->admin != NULL)
        admin_close(s->admin);
    quickstart_close(&s->quick);
    close_handles(s);
}

static void on_drain(uv_timer_t *t)
{
    struct serving *s = t->data;
    int64_t busy = metric_value(s->metrics, s->gw->series.in_flight);
    uint64_t now = loop_now_ms(&s->loop);

    if (busy > 0)
        s->flushed_by_ms = now + FLUSH_MS;
    if ((busy > 0 && now < s->drain_until_ms) ||
        (busy == 0 && atomic_load(&s->gw->connections) > 0 && now < s->flushed_by_ms))
        return;
    if (busy > 0)
        log_warn("%lld requests are cut: they took longer than the drain of %u s", (long long)busy,
                 DRAIN_MS / 1000);
    uv_timer_stop(t);
    stop(s);
}

/* Readiness goes first, so that a load balancer looks elsewhere before the listener closes. */
static void begin_drain(struct serving *s)
{
    s->draining = true;
    atomic_store(&s->gw->draining, true);
    if (s->admin != NULL)
        admin_set_ready(s->admin, "draining");
    log_info("draining: %lld requests in flight; a second signal ends at once",
             (long long)metric_value(s->metrics, s->gw->series.in_flight));
    s->drain_until_ms = loop_now_ms(&s->loop) + DRAIN_MS;
    s->flushed_by_ms = loop_now_ms(&s->loop) + FLUSH_MS;
    workers_drain(s->workers);
    uv_timer_start(&s->drain, on_drain, DRAIN_POLL_MS, DRAIN_POLL_MS);
}

static void on_signal(uv_signal_t *h, int number)
{
    struct serving *s = h->data;

    if (number == SIGHUP || number == SIGUSR1) {
        log_reopen();
    } else if (!s->draining) {
        begin_drain(s);
    } else if (s->workers != NULL) {
        uv_timer_stop(&s->drain);
        stop(s);
    }
}

static void start_handles(struct serving *s)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};

    for (size_t i = 0; i < COUNTOF(s->signals); i++) {
        uv_signal_init(&s->loop.uv, &s->signals[i]);
        s->signals[i].data = s;
        uv_signal_start(&s->signals[i], on_signal, numbers[i]);
    }
    uv_timer_init(&s->loop.uv, &s->drain);
    s->drain.data = s;
}

/* ---- start ---- */

static int targets_json(void *ctx, struct buf *out)
{
    return gateway_targets_json(ctx, out);
}

static int open_admin(struct serving *s, struct buf *why)
{
    struct admin_hooks hooks = {.targets = targets_json, .ctx = s->gw};

    if (s->conf->admin.off)
        return 0;
    return admin_open(&s->loop, s->conf, s->metrics, &hooks, why, &s->admin);
}

static int open_parts(struct serving *s, struct buf *why)
{
    int err;

    s->metrics = metric_registry_new();
    if (s->metrics == NULL)
        return -ENOMEM;
    s->gw = gateway_new(s->conf, s->metrics, why);
    if (s->gw == NULL)
        return -EINVAL;
    err = open_admin(s, why);
    if (err < 0)
        return err;
    err = workers_open(s->gw, s->conf->threads, why, &s->workers);
    if (err < 0 && s->admin != NULL)
        admin_close(s->admin);
    return err;
}

static bool is_loopback(struct str host)
{
    return str_starts(host, STR("127.")) || str_eq(host, STR("::1")) ||
           str_eq(host, STR("localhost"));
}

static void announce(const struct serving *s)
{
    const struct conf *c = s->conf;
    bool v6 = memchr(c->listen.host.ptr, ':', c->listen.host.len) != NULL;

    log_info("dragoman " DRAGOMAN_VERSION " listens on %s://%s%.*s%s:%u with %u threads (%.*s)",
             c->tls.cert_file.len > 0 ? "https" : "http", v6 ? "[" : "", STR_ARG(c->listen.host),
             v6 ? "]" : "", workers_port(s->workers), c->threads, STR_ARG(c->file));
    if (s->admin != NULL)
        log_info("admin port on http://%.*s:%u (/livez /readyz /metrics)",
                 STR_ARG(c->admin.listen.host), admin_port(s->admin));
    if (c->keys_count == 0 && !is_loopback(c->listen.host))
        log_warn(
            "no client keys are configured: whoever reaches %.*s:%u can use the providers' keys",
            STR_ARG(c->listen.host), workers_port(s->workers));
}

static void close_parts(struct serving *s)
{
    if (s->gw != NULL)
        gateway_free(s->gw);
    if (s->metrics != NULL)
        metric_registry_free(s->metrics);
    if (s->conf != NULL)
        conf_unref(s->conf);
    arena_thread_done();
}

static int serve(struct serving *s)
{
    struct buf why = {.max = 4096};
    int err;

    raise_descriptors(s->conf);
    err = open_parts(s, &why);
    if (err < 0) {
        log_error("cannot start: %.*s%s", STR_ARG(buf_str(&why)),
                  why.len == 0 ? strerror(-err) : "");
        quickstart_close(&s->quick);
        uv_run(&s->loop.uv, UV_RUN_DEFAULT);
        buf_done(&why);
        return 1;
    }
    buf_done(&why);
    start_handles(s);
    announce(s);
    quickstart_announce(&s->quick, workers_port(s->workers));
    if (s->admin != NULL)
        admin_set_ready(s->admin, NULL);
    uv_run(&s->loop.uv, UV_RUN_DEFAULT);
    log_info("ended");
    return 0;
}

int serve_main(const char *path, const struct quickstart_sim *sim)
{
    static struct serving s;
    int status = 1;

    if (loop_init(&s.loop, 0) < 0) {
        fprintf(stderr, "dragoman: no memory for the event loop\n");
        return 1;
    }
    s.quick.lent = sim;
    s.conf = find_conf(&s, path);
    if (s.conf != NULL && start_log(s.conf) < 0)
        fprintf(stderr, "dragoman: cannot open the access log %.*s\n", STR_ARG(s.conf->log.access));
    else if (s.conf != NULL)
        status = serve(&s);
    log_stop();
    close_parts(&s);
    loop_done(&s.loop);
    return status;
}
