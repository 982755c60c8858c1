/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/proxy.h"

#include "conf/values.h"

/* "example.com:443", "[::1]:80", "::1". */
static void cut_port(struct str *entry, struct str *ret_port)
{
    const char *close = entry->len > 0 ? memrchr(entry->ptr, ']', entry->len) : NULL;
    const char *first = entry->len > 0 ? memchr(entry->ptr, ':', entry->len) : NULL;
    const char *last = entry->len > 0 ? memrchr(entry->ptr, ':', entry->len) : NULL;

    *ret_port = (struct str){NULL, 0};
    if (last != NULL && (close != NULL ? last > close : last == first)) {
        size_t n = (size_t)(last - entry->ptr);

        *ret_port = str_skip(*entry, n + 1);
        entry->len = n;
    }
    if (entry->len >= 2 && entry->ptr[0] == '[' && entry->ptr[entry->len - 1] == ']')
        *entry = (struct str){entry->ptr + 1, entry->len - 2};
}

static bool matches(struct str entry, struct str host, uint16_t port)
{
    struct str port_text, tail;
    uint64_t n;

    entry = str_trim(entry);
    if (str_eq(entry, STR("*")))
        return true;
    cut_port(&entry, &port_text);
    if (port_text.len > 0 && (!str_to_u64(port_text, &n) || n != port))
        return false;
    if (entry.len > 0 && entry.ptr[0] == '*')
        entry = str_skip(entry, 1);
    if (entry.len > 0 && entry.ptr[0] == '.')
        entry = str_skip(entry, 1);
    if (entry.len == 0 || entry.len > host.len)
        return false;
    tail = str_skip(host, host.len - entry.len);
    return str_eq_nocase(tail, entry) &&
           (host.len == entry.len || host.ptr[host.len - entry.len - 1] == '.');
}

bool proxy_is_exempt(struct str no_proxy, struct str host, uint16_t port)
{
    struct str entry;
    bool more = no_proxy.len > 0;

    if (value_is_loopback(host) || str_eq_nocase(host, STR("localhost")))
        return true;
    while (more) {
        more = str_cut(no_proxy, ',', &entry, &no_proxy);
        if (matches(entry, host, port))
            return true;
    }
    return false;
}

static struct str look_up(conf_env_fn *env, const char *name, const char *small_name,
                          const char **ret_name)
{
    struct str value = env != NULL ? str_from(env(name)) : (struct str){NULL, 0};

    *ret_name = name;
    if (value.len == 0 && env != NULL) {
        value = str_from(env(small_name));
        *ret_name = small_name;
    }
    return value;
}

bool proxy_of_env(struct arena *a, const struct conf_provider *p, conf_env_fn *env,
                  struct str *ret_proxy, const char **ret_name, const char **ret_why)
{
    const char *unused;
    struct str no_proxy = look_up(env, "NO_PROXY", "no_proxy", &unused);
    struct str proxy = p->tls ? look_up(env, "HTTPS_PROXY", "https_proxy", ret_name)
                              : look_up(env, "HTTP_PROXY", "http_proxy", ret_name);
    struct value_url url;

    *ret_proxy = (struct str){NULL, 0};
    if (proxy.len == 0 || proxy_is_exempt(no_proxy, p->host, p->port))
        return true;
    if (str_find(proxy, STR("://")) == NULL)
        proxy = arena_printf(a, "http://%.*s", STR_ARG(proxy));
    else
        proxy = arena_dup(a, proxy);
    *ret_why = "no memory left";
    if (proxy.ptr == NULL || !value_url(proxy, &url, ret_why))
        return false;
    *ret_why = "only http:// proxies are supported";
    if (url.tls)
        return false;
    *ret_proxy = proxy;
    return true;
}
