/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "sim/hang.h"
#include "sim/menu.h"
#include "sim/out.h"
#include "sim/sim.h"

#define THREADS_MAX 64u

struct options {
    struct sim_settings sim;
    struct str hang; /* address of the listener that never answers; empty: none */
    uint64_t threads;
    bool help, menu_markdown;
};

/* One loop on a thread of its own. */
struct runner {
    struct loop loop;
    uv_async_t stop;
    uv_thread_t thread;
    struct sim *sim;
};

static const char usage[] =
    "Usage: dragoman sim [OPTION]...\n"
    "An upstream to test and to measure against; the model's name scripts it.\n\n"
    "  --listen ADDR    host:port (default 127.0.0.1:9999; port 0: any)\n"
    "  --threads N      event loops (default 1)\n"
    "  --seed N         what chance is made of (default 1)\n"
    "  --tls-cert FILE  serve HTTPS with this certificate (PEM)\n"
    "  --tls-key FILE   and its key\n"
    "  --hang ADDR      also accept connections here and never say a word: not even TLS's\n"
    "  --no-log         keep no request log\n"
    "  --menu           print the menu as Markdown\n"
    "  --help           print this\n\n";

/* ---- The command line */

static bool split_address(struct str s, struct str *ret_host, uint16_t *ret_port)
{
    size_t colon = s.len;
    uint64_t port;

    while (colon > 0 && s.ptr[colon - 1] != ':')
        colon--;
    if (!str_to_u64(str_skip(s, colon), &port) || port > UINT16_MAX)
        return false;
    *ret_host = str_make(s.ptr, colon > 0 ? colon - 1 : 0);
    if (ret_host->len >= 2 && ret_host->ptr[0] == '[' && ret_host->ptr[ret_host->len - 1] == ']')
        *ret_host = str_make(ret_host->ptr + 1, ret_host->len - 2);
    *ret_port = (uint16_t)port;
    return true;
}

static bool set_option(struct options *o, struct str name, const char *value)
{
    struct str v = str_from(value);

    if (str_eq(name, STR("--listen")))
        return split_address(v, &o->sim.host, &o->sim.port);
    if (str_eq(name, STR("--threads")))
        return str_to_u64(v, &o->threads) && o->threads >= 1 && o->threads <= THREADS_MAX;
    if (str_eq(name, STR("--seed")))
        return str_to_u64(v, &o->sim.seed);
    if (str_eq(name, STR("--hang"))) {
        o->hang = v;
        return true;
    }
    if (str_eq(name, STR("--tls-cert")))
        o->sim.cert_file = value;
    else if (str_eq(name, STR("--tls-key")))
        o->sim.key_file = value;
    else
        return false;
    return true;
}

static bool set_flag(struct options *o, struct str name)
{
    if (str_eq(name, STR("--no-log")))
        o->sim.no_log = true;
    else if (str_eq(name, STR("--help")) || str_eq(name, STR("-h")))
        o->help = true;
    else if (str_eq(name, STR("--menu")))
        o->menu_markdown = true;
    else
        return false;
    return true;
}

static bool read_options(struct options *o, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        struct str name = str_from(argv[i]);

        if (set_flag(o, name))
            continue;
        if (i + 1 == argc || !set_option(o, name, argv[i + 1])) {
            fprintf(stderr, "dragoman sim: %s%s%s is not an option; see --help\n", argv[i],
                    i + 1 < argc ? " " : "", i + 1 < argc ? argv[i + 1] : "");
            return false;
        }
        i++;
    }
    if ((o->sim.cert_file == NULL) != (o->sim.key_file == NULL)) {
        fprintf(stderr, "dragoman sim: --tls-cert and --tls-key go together\n");
        return false;
    }
    return true;
}

static int print_menu(const struct options *o)
{
    struct out text = {0};

    if (o->menu_markdown) {
        sim_menu_markdown(&text);
    } else {
        out_put(&text, str_from(usage));
        sim_menu_text(&text);
    }
    fwrite(text.buf.ptr, 1, text.buf.len, stdout);
    buf_done(&text.buf);
    return EXIT_SUCCESS;
}

/* ---- The threads */

static void on_stop(uv_async_t *a)
{
    struct runner *r = CONTAINER_OF(a, struct runner, stop);

    if (uv_is_closing((uv_handle_t *)a))
        return;
    sim_close(r->sim);
    uv_close((uv_handle_t *)a, NULL);
}

static void run(void *arg)
{
    struct runner *r = arg;

    uv_run(&r->loop.uv, UV_RUN_DEFAULT);
    loop_done(&r->loop);
    arena_thread_done();
}

static int runner_open(struct runner *r, unsigned index, const struct sim_settings *s)
{
    struct buf why = {0};
    int err = loop_init(&r->loop, index);

    if (err == 0)
        err = uv_async_init(&r->loop.uv, &r->stop, on_stop);
    if (err < 0) {
        fprintf(stderr, "dragoman sim: %s\n", uv_strerror(err));
        return err;
    }
    err = sim_open(&r->loop, s, &why, &r->sim);
    if (err < 0) {
        fprintf(stderr, "dragoman sim: %.*s\n", STR_ARG(buf_str(&why)));
        uv_close((uv_handle_t *)&r->stop, NULL);
        loop_done(&r->loop);
    }
    buf_done(&why);
    return err;
}

static void runners_stop(struct runner *runners, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        uv_async_send(&runners[i].stop);
    for (uint64_t i = 0; i < n; i++)
        uv_thread_join(&runners[i].thread);
}

/* The signals are this thread's: it does nothing else. */
static void wait_for_signal(const sigset_t *set)
{
    int signal_number;

    while (sigwait(set, &signal_number) != 0)
        ;
}

/* How many have started: all, or those before the one that failed. */
static uint64_t runners_start(struct runner *runners, struct options *o)
{
    for (uint64_t i = 0; i < o->threads; i++) {
        o->sim.with = i > 0 ? runners[0].sim : NULL;
        if (runner_open(&runners[i], (unsigned)i, &o->sim) < 0)
            return i;
        if (uv_thread_create(&runners[i].thread, run, &runners[i]) < 0) {
            sim_close(runners[i].sim);
            uv_close((uv_handle_t *)&runners[i].stop, NULL);
            loop_done(&runners[i].loop);
            return i;
        }
    }
    return o->threads;
}

static void print_address(const struct options *o, const struct sim *sim)
{
    bool v6 = o->sim.host.len > 0 && memchr(o->sim.host.ptr, ':', o->sim.host.len) != NULL;

    printf("simulator on %s://%s%.*s%s:%u\n", o->sim.cert_file != NULL ? "https" : "http",
           v6 ? "[" : "", STR_ARG(o->sim.host), v6 ? "]" : "", (unsigned)sim_port(sim));
    fflush(stdout);
}

static int serve(struct options *o, struct runner *runners)
{
    struct hang *hang = NULL;
    sigset_t set;
    uint64_t started;
    int status = EXIT_FAILURE;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set, NULL); /* before the threads, which inherit it */
    if (o->hang.len > 0 && hang_open(o->hang, &hang) < 0)
        return status;
    started = runners_start(runners, o);
    if (started == o->threads) {
        print_address(o, runners[0].sim);
        wait_for_signal(&set);
        status = EXIT_SUCCESS;
    }
    runners_stop(runners, started);
    hang_close(hang);
    return status;
}

int sim_main(int argc, char **argv)
{
    struct options o = {.sim = {.host = STR("127.0.0.1"), .port = 9999, .seed = 1}, .threads = 1};
    struct runner *runners;
    int status = EXIT_FAILURE;

    if (!read_options(&o, argc, argv))
        return status;
    if (o.help || o.menu_markdown)
        return print_menu(&o);
    runners = calloc(o.threads, sizeof(*runners));
    if (runners != NULL)
        status = serve(&o, runners);
    free(runners);
    return status;
}
