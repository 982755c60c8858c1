/*
 * pipeline.h - the path every request takes, and the engine that walks it.
 *
 * A stage looks at the exchange and gives a verdict.  A stage that has to wait (for the body, for
 * an upstream, for a back-off to pass) starts its work, returns WAIT, and later calls
 * pipeline_resume() with the verdict.  If the client leaves first, the waiting stage's cancel() is
 * called, once, and must drop every callback.  No stage knows which stage is next.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GATEWAY_PIPELINE_H
#define GATEWAY_PIPELINE_H

#include "base/fault.h"

struct exchange;

enum verdict {
    VERDICT_NEXT, /* go on to the next stage */
    VERDICT_WAIT, /* pipeline_resume() will follow */
    VERDICT_DONE, /* the response is complete; skip the rest */
    VERDICT_FAIL, /* exchange.fault says why; the client has been told nothing yet */
};

struct stage {
    const char *name;
    enum verdict (*enter)(struct exchange *x);
    void (*cancel)(struct exchange *x); /* NULL when enter() never waits */
};

/* The paths, one per kind of surface, each ending with a NULL name: pipeline.c. */
extern const struct stage pipeline_llm[];
extern const struct stage pipeline_models[];
extern const struct stage pipeline_relay[];

void pipeline_start(struct exchange *x, const struct stage *path);
/* Only for a verdict that arrives later: a stage that already knows returns it. */
void pipeline_resume(struct exchange *x, enum verdict v);
/* The call is over before the path is: the client left (FAULT_CLIENT_LEFT), or there was no memory
 * to answer it with.  Safe at any time; does nothing once the path has ended. */
void pipeline_cancel(struct exchange *x, enum fault why);

#endif
