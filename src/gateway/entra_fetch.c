/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/entra_fetch.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "conf/values.h"
#include "http/client.h"
#include "loop/loop.h"
#include "loop/tls.h"

#define PATIENCE_MS 15000u
#define ARENA_BYTES (256u * 1024u)
#define REPLY_BYTES (64u * 1024u)

struct entra_fetch {
    struct entra *entra;
    const struct conf_provider *conf;
    struct value_url authority;
    struct ssl_ctx_st *tls;
    struct http_origin *origin;
    struct http_fetch fetch;
    struct arena mem; /* of one fetch */
    struct buf reply;
    unsigned status;
    bool had_one; /* a token */
};

/* ---- set-up ---- */

static int open_origin(struct entra_fetch *f, const struct http_origin_settings *like,
                       struct buf *why)
{
    const struct conf_provider *c = f->conf;
    struct tls_client_settings t = {.ca_file = c->ca_file.len > 0 ? c->ca_file.ptr : NULL,
                                    .insecure = c->insecure};
    struct http_origin_settings s = *like;

    if (f->authority.tls && tls_client_new(&t, why, &f->tls) < 0)
        return -EINVAL;
    s.host = f->authority.host;
    s.port = f->authority.port;
    s.tls = f->tls;
    if (c->entra.managed) /* the machine itself */
        s.proxy_host = s.proxy_authorization = STR("");
    f->origin = http_origin_new(&s);
    return f->origin != NULL ? 0 : -ENOMEM;
}

int entra_fetch_new(struct entra *e, const struct conf_provider *c,
                    const struct http_origin_settings *like, struct buf *why,
                    struct entra_fetch **ret_fetch)
{
    struct entra_fetch *f = calloc(1, sizeof(*f));
    const char *wrong = "";
    int err = -ENOMEM;

    if (f == NULL)
        return -ENOMEM;
    f->entra = e;
    f->conf = c;
    f->mem.max = ARENA_BYTES;
    f->reply.max = REPLY_BYTES;
    if (!value_url(c->entra.authority, &f->authority, &wrong))
        err = buf_printf(why, "provider %.*s: entra.authority: %s", STR_ARG(c->name), wrong) < 0
                  ? -ENOMEM
                  : -EINVAL;
    else
        err = open_origin(f, like, why);
    if (err < 0)
        entra_fetch_free(f);
    else
        *ret_fetch = f;
    return err;
}

void entra_fetch_free(struct entra_fetch *f)
{
    if (f == NULL)
        return;
    if (f->origin != NULL)
        http_origin_unref(f->origin);
    tls_free(f->tls);
    buf_done(&f->reply);
    arena_done(&f->mem);
    free(f);
}

/* ---- the answer ---- */

/* What became of it, in the log: secrets and tokens are in none of it. */
static void tell(struct entra_fetch *f, uint64_t now_ms)
{
    struct str text = {NULL, 0};

    switch (entra_token(f->entra, &f->mem, now_ms, &text)) {
    case ENTRA_READY:
        if (!f->had_one)
            log_info("provider %.*s has a token of Entra ID", STR_ARG(f->conf->name));
        f->had_one = true;
        break;
    case ENTRA_FAILED:
        log_warn("provider %.*s has no token of Entra ID: %.*s", STR_ARG(f->conf->name),
                 STR_ARG(text));
        break;
    case ENTRA_WAIT:
        break;
    }
}

static uint64_t now_of(const struct entra_fetch *f)
{
    (void)f;
    return loop_clock_ns() / 1000000u;
}

static void on_head(struct http_fetch *h, const struct http_reply_in *head)
{
    struct entra_fetch *f = h->user;

    f->status = head->status;
}

static enum flow on_body(struct http_fetch *h, struct str bytes)
{
    struct entra_fetch *f = h->user;

    if (buf_put(&f->reply, bytes) == 0)
        return FLOW_MORE;
    http_fetch_cancel(h);
    entra_failed(f->entra, now_of(f), "%u, and more than %u bytes", f->status, REPLY_BYTES);
    tell(f, now_of(f));
    return FLOW_MORE;
}

static void on_end(struct http_fetch *h)
{
    struct entra_fetch *f = h->user;

    entra_answered(f->entra, &f->mem, f->status, buf_str(&f->reply), now_of(f));
    tell(f, now_of(f));
}

static void on_fail(struct http_fetch *h, enum http_failure failure, const char *why)
{
    struct entra_fetch *f = h->user;

    (void)failure;
    entra_failed(f->entra, now_of(f), "%.*s: %s", STR_ARG(f->authority.host), why);
    tell(f, now_of(f));
}

/* ---- the question ---- */

static struct str host_field(struct entra_fetch *f)
{
    const struct value_url *u = &f->authority;
    bool v6 = memchr(u->host.ptr, ':', u->host.len) != NULL;

    return arena_printf(&f->mem, "%s%.*s%s:%u", v6 ? "[" : "", STR_ARG(u->host), v6 ? "]" : "",
                        u->port);
}

static bool write_request(struct entra_fetch *f)
{
    struct entra_request r;
    struct str host = host_field(f), fields;

    if (host.ptr == NULL || !entra_request(f->entra, &f->mem, &r))
        return false;
    fields = f->conf->entra.managed
                 ? STR("metadata: true\r\n")
                 : arena_printf(&f->mem,
                                "content-type: application/x-www-form-urlencoded\r\n"
                                "content-length: %zu\r\n",
                                r.body.len);
    if (fields.ptr == NULL)
        return false;
    f->fetch.request.head = arena_printf(
        &f->mem,
        "%.*s %.*s%.*s HTTP/1.1\r\nhost: %.*s\r\nuser-agent: dragoman/" DRAGOMAN_VERSION "\r\n"
        "accept: application/json\r\n%.*s\r\n",
        STR_ARG(r.method), STR_ARG(f->authority.path), STR_ARG(r.path), STR_ARG(host),
        STR_ARG(fields));
    f->fetch.request.body[0] = r.body;
    f->fetch.request.body_count = r.body.len > 0;
    return f->fetch.request.head.ptr != NULL;
}

void entra_fetch_tick(struct entra_fetch *f, struct http_client *client, uint64_t now_ms)
{
    static const struct http_fetch_ops ops = {
        .on_head = on_head, .on_body = on_body, .on_end = on_end, .on_fail = on_fail};

    if (f->fetch.active || !entra_is_due(f->entra, now_ms))
        return;
    arena_done(&f->mem);
    f->mem.max = ARENA_BYTES;
    f->reply.len = 0;
    f->status = 0;
    f->fetch = (struct http_fetch){.ops = &ops,
                                   .client = client,
                                   .origin = f->origin,
                                   .arena = &f->mem,
                                   .user = f,
                                   .limits = {.connect_ms = f->conf->timeouts.connect_ms,
                                              .headers_ms = PATIENCE_MS,
                                              .idle_ms = PATIENCE_MS,
                                              .deadline_ms = now_ms + 2 * PATIENCE_MS}};
    if (!write_request(f) || http_fetch_start(&f->fetch) < 0)
        entra_failed(f->entra, now_ms, "no memory to ask for it");
}

void entra_fetch_stop(struct entra_fetch *f)
{
    if (f->fetch.active)
        http_fetch_cancel(&f->fetch);
}
