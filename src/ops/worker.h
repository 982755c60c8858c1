/*
 * worker.h - the threads that serve: one event loop each, with its own listener on the same port.
 *
 * All functions are called from the thread that opened the workers (the operations loop).
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef OPS_WORKER_H
#define OPS_WORKER_H

#include "gateway/gateway.h"

struct workers;

/* Start `count` threads on `g` and wait until all of them listen.  0, or a negative errno with a
 * sentence in `why` and nothing left running. */
MUST_USE int workers_open(struct gateway *g, unsigned count, struct buf *why,
                          struct workers **ret_workers);
uint16_t workers_port(const struct workers *w);
void workers_drain(struct workers *w); /* accept nothing new; returns at once */
/* Cut what is left, stop and join the threads, free. */
void workers_close(struct workers *w);

#endif
