/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/admin.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "http/server.h"
#include "ops/admin_page.h"

#define BODY_BYTES_MAX ((size_t)64 << 20) /* of one answer */

struct admin {
    struct admin_state state;
    struct http_server *server;
};

static atomic_uint connections; /* not of the admin: the last of them close after admin_close() */

static const struct http_server_limits limits = {
    .connections = 64,
    .header_bytes = 16 * 1024,
    .header_fields = 64,
    .body_bytes = 64 * 1024,
    .header_ms = 10000,
    .body_ms = 10000,
    .keepalive_ms = 120000, /* longer than anyone scrapes apart */
    .write_stall_ms = 10000,
    .out_buffer_bytes = 1024 * 1024,
    .arena_bytes = 64 * 1024,
};

static enum http_body_mode on_head(struct http_call *c)
{
    (void)c;
    return HTTP_BODY_WHOLE;
}

static int put_fields(const struct admin_answer *r, struct arena *a, struct http_fields *f)
{
    int err = http_fields_add(f, a, STR("content-type"), r->type);

    if (err == 0)
        err = http_fields_add(f, a, STR("cache-control"), STR("no-store"));
    if (err == 0 && r->allow.len > 0)
        err = http_fields_add(f, a, STR("allow"), r->allow);
    if (err == 0 && r->ask_for_token)
        err = http_fields_add(f, a, STR("www-authenticate"), STR("Bearer realm=\"admin\""));
    return err;
}

static void on_ready(struct http_call *c)
{
    struct admin *admin = http_server_user(c);
    struct admin_request q = {c->method, c->path, &c->fields};
    struct admin_answer r = {.body.max = BODY_BYTES_MAX};
    struct http_fields fields = {0};

    admin_page_get(&admin->state, &c->arena, &q, &r);
    if (put_fields(&r, &c->arena, &fields) == 0)
        http_reply(c, r.status, &fields, buf_str(&r.body));
    else
        http_reply_abort(c);
    buf_done(&r.body);
}

static void on_nothing(struct http_call *c)
{
    (void)c;
}

/* For what the server refuses before a page is asked. */
static struct str error_body(struct http_call *c, unsigned status, struct str message,
                             struct str limit)
{
    enum fault f = status == 408   ? FAULT_CLIENT_TIMEOUT
                   : status == 413 ? FAULT_TOO_LARGE
                   : status < 500  ? FAULT_BAD_REQUEST
                                   : FAULT_OVERLOADED;

    (void)limit; /* these limits are not settings */
    return admin_page_error(&c->arena, f, message);
}

static const struct http_handler handler = {
    .head = on_head,
    .ready = on_ready,
    .gone = on_nothing,
    .done = on_nothing,
    .error_body = error_body,
};

static int open_server(struct admin *a, struct loop *l, struct buf *why)
{
    struct http_server_settings s = {
        .host = a->state.conf->admin.listen.host,
        .port = a->state.conf->admin.listen.port,
        .limits = limits,
        .exclusive = true,
        .connections = &connections,
    };

    return http_server_open(l, &s, &handler, a, why, &a->server);
}

int admin_open(struct loop *l, struct conf *c, struct metric_registry *metrics,
               const struct admin_hooks *hooks, struct buf *why, struct admin **ret_admin)
{
    struct admin *a = calloc(1, sizeof(*a));
    struct metric_shard *shard = metric_shard_new(metrics);
    int err = -ENOMEM;

    if (a == NULL || shard == NULL) /* the registry frees its shards */
        goto fail;
    a->state.conf = conf_ref(c);
    a->state.metrics = metrics;
    a->state.shard = shard;
    a->state.log_dropped = metric_series_get(metrics, METRIC_LOG_DROPPED, NULL, 0);
    a->state.hooks = *hooks;
    atomic_init(&a->state.not_ready, "starting");
    err = open_server(a, l, why);
    if (err < 0)
        goto fail;
    *ret_admin = a;
    return 0;
fail:
    if (a != NULL)
        conf_unref(a->state.conf);
    free(a);
    return err;
}

uint16_t admin_port(const struct admin *a)
{
    return http_server_port(a->server);
}

void admin_set_conf(struct admin *a, struct conf *c)
{
    struct conf *old = a->state.conf;

    a->state.conf = conf_ref(c);
    conf_unref(old);
}

void admin_set_ready(struct admin *a, const char *reason)
{
    atomic_store(&a->state.not_ready, reason);
}

void admin_close(struct admin *a)
{
    http_server_close(a->server);
    conf_unref(a->state.conf);
    free(a);
}
