/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/pipeline.h"

#include "gateway/error.h"
#include "gateway/exchange.h"
#include "gateway/settle.h"
#include "gateway/stages.h"

/* clang-format off */
const struct stage pipeline_llm[] = {
    {"authenticate", authenticate_enter, NULL},
    {"body",         body_enter,         body_cancel},
    {"read",         read_enter,         NULL},
    {"route",        route_enter,        NULL},
    {"attempt",      attempt_enter,      attempt_cancel},
    {0},
};

const struct stage pipeline_models[] = {
    {"authenticate", authenticate_enter, NULL},
    {"models",       models_enter,       NULL},
    {0},
};

const struct stage pipeline_relay[] = {
    {"authenticate", authenticate_enter, NULL},
    {"relay",        relay_enter,        relay_cancel},
    {0},
};

/* What runs once, in order, when a path has ended, however it ended. */
static void (*const finishers[])(struct exchange *x) = {
    settle_metrics,
    settle_log,
};
/* clang-format on */

static void finish(struct exchange *x)
{
    assert(!x->finished);
    x->finished = true;
    if (x->call->full) /* whatever we had to say, this is what the client was told */
        x->fault = FAULT_OVERLOADED;
    exchange_timer_stop(x);
    for (size_t i = 0; i < COUNTOF(finishers); i++)
        finishers[i](x);
}

/* Walk from the current stage until one waits or the path ends.  This is a loop and not recursion,
 * so ten stages cost ten iterations, not ten frames. */
static void walk(struct exchange *x, enum verdict v)
{
    for (;;) {
        switch (v) {
        case VERDICT_WAIT:
            assert(x->path[x->step].cancel != NULL);
            x->waiting = true;
            exchange_wait_begin(x);
            return;
        case VERDICT_NEXT:
            if (x->path[++x->step].name != NULL)
                break;
            finish(x);
            return;
        case VERDICT_FAIL:
            assert(x->fault != FAULT_NONE);
            error_answer(x);
            finish(x);
            return;
        case VERDICT_DONE:
            finish(x);
            return;
        }
        v = x->path[x->step].enter(x);
    }
}

void pipeline_start(struct exchange *x, const struct stage *path)
{
    x->path = path;
    x->step = 0;
    x->waiting = false;
    walk(x, path[0].enter(x));
}

void pipeline_resume(struct exchange *x, enum verdict v)
{
    assert(x->waiting && v != VERDICT_WAIT);
    x->waiting = false;
    walk(x, v);
}

void pipeline_cancel(struct exchange *x, enum fault why)
{
    if (!x->waiting)
        return;
    x->waiting = false;
    exchange_wait_end(x);
    x->fault = why; /* before cancel(), which records it */
    x->path[x->step].cancel(x);
    finish(x);
}
