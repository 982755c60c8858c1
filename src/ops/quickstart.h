/*
 * quickstart.h - a start without a file: look for keys and local servers, else bring the simulator.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef OPS_QUICKSTART_H
#define OPS_QUICKSTART_H

#include "conf/conf.h"
#include "loop/loop.h"

/* The simulator, as main.c lends it: ops/ does not know sim/. */
struct quickstart_sim {
    /* Serve on any port of 127.0.0.1, on this loop; NULL with a sentence in `why`. */
    void *(*open)(struct loop *l, struct buf *why, uint16_t *ret_port);
    void (*close)(void *sim);
};

struct quickstart {
    bool on;
    const struct quickstart_sim *lent;
    void *sim;        /* NULL when something real was found */
    struct str model; /* one to try; points into the configuration */
};

/* `q->lent` is set.  NULL when there is no usable configuration; the problems have been reported.
 */
struct conf *quickstart_open(struct quickstart *q, struct loop *l, conf_env_fn *env,
                             conf_problem_fn *report);
/* Print a curl line to try. */
void quickstart_announce(const struct quickstart *q, uint16_t port);
void quickstart_close(struct quickstart *q);

#endif
