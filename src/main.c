/*
 * dragoman - an LLM gateway: one door, speaking the OpenAI dialect, in front of many providers.
 *
 * The map of the tree, in the order of what may use what:
 *
 *     base/     strings, buffers, arenas, faults, metrics, logs
 *     loop/     what libuv lacks: byte streams over TCP or TLS, mailboxes between threads
 *     llm/      what we know of the dialects; no I/O
 *     conf/     every setting as one row; load, check, freeze
 *     http/     HTTP/1.1: server towards clients, pooled client towards upstreams
 *     gateway/  the path of a request; read pipeline.c first
 *     ops/      threads, signals, admin port
 *     sim/      the upstream simulator, `dragoman sim`
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "conf/conf.h"
#include "ops/quickstart.h"
#include "ops/serve.h"
#include "sim/sim.h"

static int usage(FILE *to)
{
    fputs(
        "dragoman " DRAGOMAN_VERSION " - an LLM gateway\n"
        "\n"
        "  dragoman serve [-c FILE]    run; without a file ./dragoman.yaml, else the quick start\n"
        "  dragoman check [-c FILE]    validate a configuration: FILE:LINE:COL: what is wrong\n"
        "  dragoman sim [--help]       run the upstream simulator\n"
        "  dragoman manual configuration    print docs/configuration.md\n"
        "  dragoman version\n"
        "\n"
        "Signals: TERM and INT drain and end (a second one ends at once), HUP reopens the logs.\n"
        "Manual: dragoman(1), docs/configuration.md\n",
        to);
    return to == stdout ? 0 : 2;
}

/* The FILE of "-c FILE"; *ret_ok false for anything else on the line. */
static const char *config_option(int argc, char **argv, bool *ret_ok)
{
    *ret_ok = argc == 0;
    if (argc == 2 && (strcmp(argv[0], "-c") == 0 || strcmp(argv[0], "--config") == 0)) {
        *ret_ok = true;
        return argv[1];
    }
    if (argc > 0)
        fprintf(stderr, "dragoman: expected -c FILE, got \"%s\"\n", argv[0]);
    return NULL;
}

static void *open_sim(struct loop *l, struct buf *why, uint16_t *ret_port)
{
    struct sim_settings s = {.host = STR("127.0.0.1"), .seed = 1};
    struct sim *sim = NULL;

    if (sim_open(l, &s, why, &sim) < 0)
        return NULL;
    *ret_port = sim_port(sim);
    return sim;
}

static void close_sim(void *sim)
{
    sim_close(sim);
}

static int serve(const char *path)
{
    static const struct quickstart_sim sim = {open_sim, close_sim};

    return serve_main(path, &sim);
}

static int with_config(int argc, char **argv, int (*run)(const char *path))
{
    bool ok;
    const char *path = config_option(argc, argv, &ok);

    return ok ? run(path) : usage(stderr);
}

static int manual(int argc, char **argv)
{
    struct buf out = {0};
    int err;

    if (argc != 1 || strcmp(argv[0], "configuration") != 0)
        return usage(stderr);
    err = conf_manual(&out);
    if (err == 0)
        fwrite(out.ptr, 1, out.len, stdout);
    buf_done(&out);
    return err == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : "help";

    if (strcmp(command, "serve") == 0)
        return with_config(argc - 2, argv + 2, serve);
    if (strcmp(command, "check") == 0)
        return with_config(argc - 2, argv + 2, check_main);
    if (strcmp(command, "sim") == 0)
        return sim_main(argc - 1, argv + 1);
    if (strcmp(command, "manual") == 0)
        return manual(argc - 2, argv + 2);
    if (strcmp(command, "version") == 0 || strcmp(command, "--version") == 0)
        return puts("dragoman " DRAGOMAN_VERSION) < 0;
    if (strcmp(command, "help") == 0 || strcmp(command, "--help") == 0 ||
        strcmp(command, "-h") == 0)
        return usage(stdout);
    fprintf(stderr, "dragoman: there is no command \"%s\"\n\n", command);
    return usage(stderr);
}
