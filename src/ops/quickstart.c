/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/quickstart.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

/* On loopback a connection is accepted or refused at once: no need for an event loop yet. */
static bool is_listening(void *ctx, uint16_t port)
{
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool yes;

    (void)ctx;
    if (fd < 0)
        return false;
    yes = connect(fd, (const struct sockaddr *)(const void *)&a, sizeof(a)) == 0;
    close(fd);
    return yes;
}

static void say(void *ctx, const char *line)
{
    (void)ctx;
    fprintf(stderr, "quick start: %s\n", line);
}

static void *open_sim(const struct quickstart *q, struct loop *l, uint16_t *ret_port)
{
    struct buf why = {.max = 1024};
    void *sim = q->lent->open(l, &why, ret_port);

    if (sim == NULL)
        fprintf(stderr, "quick start: no simulator: %.*s\n", STR_ARG(buf_str(&why)));
    buf_done(&why);
    return sim;
}

/* The simulator is opened first, since the configuration has to name its port. */
struct conf *quickstart_open(struct quickstart *q, struct loop *l, conf_env_fn *env,
                             conf_problem_fn *report)
{
    struct quickstart_probe probe = {.listening = is_listening};
    struct conf *c;

    q->on = true;
    q->sim = open_sim(q, l, &probe.sim_port);
    c = conf_quickstart(env, &probe, say, report, NULL);
    if (c == NULL || !c->use_sim)
        quickstart_close(q);
    if (c != NULL)
        q->model = c->try_model;
    return c;
}

void quickstart_announce(const struct quickstart *q, uint16_t port)
{
    if (!q->on || q->model.len == 0)
        return;
    fprintf(
        stderr,
        "\nTry it:\n\n"
        "  curl -N http://127.0.0.1:%u/v1/chat/completions -H 'content-type: application/json' \\\n"
        "    -d '{\"model\":\"%.*s\",\"stream\":true,\"messages\":[{\"role\":\"user\","
        "\"content\":\"Hello, dragoman!\"}]}'\n\n",
        port, STR_ARG(q->model));
}

void quickstart_close(struct quickstart *q)
{
    if (q->sim != NULL)
        q->lent->close(q->sim);
    q->sim = NULL;
}
