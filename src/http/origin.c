/* SPDX-License-Identifier: Apache-2.0 */
#include "http/origin.h"

#include <openssl/ssl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define CONNECTIONS_MAX 256u
#define QUEUE_MAX 1024u

static bool keep(struct str *s)
{
    char *copy = strndup(s->len > 0 ? s->ptr : "", s->len);

    *s = (struct str){copy, copy != NULL ? s->len : 0};
    return copy != NULL;
}

static bool print(char **ret, const char *fmt, ...) PRINTF_LIKE(2, 3);
static bool print(char **ret, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vasprintf(ret, fmt, ap);
    va_end(ap);
    if (n < 0)
        *ret = NULL;
    return n >= 0;
}

/* An IPv6 address needs brackets in front of a port. */
static bool print_authority(const struct http_origin *o, char **ret)
{
    bool bare6 = o->set.host.len > 0 && memchr(o->set.host.ptr, ':', o->set.host.len) != NULL;

    return print(ret, bare6 ? "[%s]:%u" : "%s:%u", o->set.host.ptr, o->set.port);
}

static bool make_connect_head(struct http_origin *o, const char *authority)
{
    bool named = o->set.proxy_authorization.len > 0;

    return print(&o->connect_head, "CONNECT %s HTTP/1.1\r\nhost: %s\r\n%s%s%s\r\n", authority,
                 authority, named ? "proxy-authorization: " : "",
                 named ? o->set.proxy_authorization.ptr : "", named ? "\r\n" : "");
}

static bool make_absolute(struct http_origin *o, const char *authority)
{
    if (!print(&o->absolute, "http://%s", authority))
        return false;
    return o->set.proxy_authorization.len == 0 ||
           print(&o->proxy_line, "proxy-authorization: %s\r\n", o->set.proxy_authorization.ptr);
}

static bool make_ready(struct http_origin *o)
{
    char *authority;
    bool ok;

    o->dial_host = o->set.proxy_host.len > 0 ? o->set.proxy_host : o->set.host;
    o->dial_port = o->set.proxy_host.len > 0 ? o->set.proxy_port : o->set.port;
    if (o->set.proxy_host.len == 0)
        return true;
    if (!print_authority(o, &authority))
        return false;
    ok = o->set.tls != NULL ? make_connect_head(o, authority) : make_absolute(o, authority);
    free(authority);
    return ok;
}

static void free_secret(char *s)
{
    if (s != NULL)
        OPENSSL_cleanse(s, strlen(s));
    free(s);
}

static void destroy(struct http_origin *o)
{
    SSL_CTX_free(o->set.tls);
    free((void *)(uintptr_t)o->set.host.ptr);
    free((void *)(uintptr_t)o->set.proxy_host.ptr);
    free_secret((char *)(uintptr_t)o->set.proxy_authorization.ptr);
    free_secret(o->connect_head);
    free(o->absolute);
    free_secret(o->proxy_line);
    free(o);
}

struct http_origin *http_origin_new(const struct http_origin_settings *s)
{
    struct http_origin *o;
    bool ok;

    if (!http_value_is_safe(s->host) || !http_value_is_safe(s->proxy_authorization))
        return NULL;
    o = calloc(1, sizeof(*o));
    if (o == NULL)
        return NULL;
    o->self = o;
    o->set = *s;
    o->set.connections_max = s->connections_max > 0 ? s->connections_max : CONNECTIONS_MAX;
    o->set.queue_max = s->queue_max > 0 ? s->queue_max : QUEUE_MAX;
    if (o->set.tls != NULL)
        SSL_CTX_up_ref(o->set.tls);
    atomic_init(&o->holders, 1);
    atomic_init(&o->users, 1);
    /* All three in any case: destroy() must not meet the caller's pointers. */
    ok = keep(&o->set.host);
    ok = keep(&o->set.proxy_host) && ok;
    ok = keep(&o->set.proxy_authorization) && ok;
    if (ok && make_ready(o))
        return o;
    destroy(o);
    return NULL;
}

struct http_origin *origin_hold(const struct http_origin *o)
{
    atomic_fetch_add_explicit(&o->self->holders, 1, memory_order_relaxed);
    return o->self;
}

void origin_release(struct http_origin *o)
{
    if (atomic_fetch_sub_explicit(&o->holders, 1, memory_order_acq_rel) == 1)
        destroy(o);
}

struct http_origin *http_origin_ref(const struct http_origin *o)
{
    atomic_fetch_add_explicit(&o->self->users, 1, memory_order_relaxed);
    return origin_hold(o);
}

void http_origin_unref(struct http_origin *o)
{
    if (o == NULL)
        return;
    atomic_fetch_sub_explicit(&o->users, 1, memory_order_relaxed);
    origin_release(o);
}
