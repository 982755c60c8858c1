/*
 * admin_page.h - what the admin port answers to a request, without the port.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef OPS_ADMIN_PAGE_H
#define OPS_ADMIN_PAGE_H

#include <stdatomic.h>

#include "base/fault.h"
#include "http/message.h"
#include "ops/admin.h"

struct admin_state {
    struct conf *conf;
    struct metric_registry *metrics;
    struct metric_shard *shard; /* this thread's */
    metric_series log_dropped;
    uint64_t log_dropped_seen; /* counted so far */
    struct admin_hooks hooks;
    _Atomic(const char *) not_ready; /* NULL: ready */
};

struct admin_request {
    struct str method, path;
    const struct http_fields *fields;
};

struct admin_answer {
    unsigned status;
    struct str type;    /* Content-Type */
    struct str allow;   /* Allow; may be empty */
    bool ask_for_token; /* WWW-Authenticate */
    struct buf body;    /* the caller frees it */
};

/* `ret_answer` is zeroed but for body.max.  `a` is for what is short-lived. */
void admin_page_get(struct admin_state *s, struct arena *a, const struct admin_request *q,
                    struct admin_answer *ret_answer);

/* {"error":{...}} in the arena; .ptr NULL without memory. */
struct str admin_page_error(struct arena *a, enum fault f, struct str message);

#endif
