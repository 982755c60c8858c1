/*
 * admin.h - the operators' port: probes, metrics and a look inside.
 *
 *     GET /livez           200 "ok" while the loop turns; looks at nothing else
 *     GET /readyz          200, or 503 with the reason: {"ready":false,"reasons":["draining"]}
 *     GET /metrics         Prometheus text format 0.0.4
 *     GET /admin/config    the configuration in force as YAML, secrets masked
 *     GET /admin/targets   what the hook writes, JSON
 *
 * With admin.token set, everything but the two probes wants "Authorization: Bearer TOKEN".
 * Errors have OpenAI's shape.  The port goes on answering while the gateway drains.  All of it is
 * on one loop's thread, except admin_set_ready().
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef OPS_ADMIN_H
#define OPS_ADMIN_H

#include "base/buf.h"
#include "base/metric.h"
#include "conf/conf.h"
#include "loop/loop.h"

struct admin;

struct admin_hooks {
    /* Append the state of all targets as one JSON value; negative errno when that fails.  Called
     * on the admin's loop: it reads what other threads publish.  NULL: there is no such page. */
    int (*targets)(void *ctx, struct buf *out);
    void *ctx;
};

/* Listen on conf->admin.listen.  0, or a negative errno and a sentence in `why`.  Not ready
 * ("starting") until admin_set_ready() says so.  The registry outlives the admin. */
MUST_USE int admin_open(struct loop *l, struct conf *c, struct metric_registry *metrics,
                        const struct admin_hooks *hooks, struct buf *why, struct admin **ret_admin);
uint16_t admin_port(const struct admin *a);
/* After a reload: show this one, want its token.  The address stays. */
void admin_set_conf(struct admin *a, struct conf *c);
/* NULL: ready.  Otherwise why not, as one lower-case word; a static text.  From any thread. */
void admin_set_ready(struct admin *a, const char *reason);
void admin_close(struct admin *a);

#endif
