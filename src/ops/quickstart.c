/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/quickstart.h"

#include <stdio.h>
#include <unistd.h>

#include "conf/quickstart.h"
#include "ops/local_model.h"

/* On loopback a connection is accepted or refused at once: no need for an event loop yet. */
static bool is_listening(void *ctx, uint16_t port)
{
    int fd = local_connect(port);

    (void)ctx;
    if (fd < 0)
        return false;
    close(fd);
    return true;
}

static bool tell_model(void *ctx, uint16_t port, char *name, size_t size)
{
    (void)ctx;
    return local_model_find(port, name, size);
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
    struct quickstart_probe probe = {.listening = is_listening, .model = tell_model};
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
