/*
 * sim.h - an upstream to test and to measure against: answers by script, fails on demand.
 *
 * What a request's model name orders is in menu.h; docs/simulator.md is the manual.  A struct sim
 * lives on one loop; several on several loops share one port, one log and one seed when each is
 * opened with `with` set to the first.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include "base/buf.h"
#include "loop/loop.h"

struct sim;

struct sim_settings {
    struct str host; /* empty: 127.0.0.1 */
    uint16_t port;   /* 0: the kernel chooses */
    uint64_t seed;
    const char *cert_file, *key_file; /* PEM; NULL: plain HTTP */
    bool no_log;                      /* GET /sim/log stays empty: for benchmarks */
    struct sim *with;                 /* share port, log and counters with this one; or NULL */
};

/* 0 or a negative errno, and then a sentence in `why`. */
MUST_USE int sim_open(struct loop *l, const struct sim_settings *s, struct buf *why,
                      struct sim **ret_sim);
uint16_t sim_port(const struct sim *s);
/* Cut everything.  The loop must run on until its handles are closed (loop_done() does that). */
void sim_close(struct sim *s);

/* `dragoman sim`: argv[0] is the command's name.  The process's exit status. */
int sim_main(int argc, char **argv);

#endif
