/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/values.h"

#include <arpa/inet.h>

#define HOST_BYTES_MAX 253u

struct unit {
    struct str name;
    uint64_t worth;
};

static const struct unit durations[] = {
    {STR_INIT("ms"), 1},          {STR_INIT("s"), 1000},         {STR_INIT("m"), 60 * 1000},
    {STR_INIT("h"), 3600 * 1000}, {STR_INIT("d"), 86400 * 1000},
};

static const struct unit sizes[] = {
    {STR_INIT(""), 1},           {STR_INIT("B"), 1},           {STR_INIT("KiB"), 1u << 10},
    {STR_INIT("MiB"), 1u << 20}, {STR_INIT("GiB"), 1u << 30},  {STR_INIT("KB"), 1000},
    {STR_INIT("MB"), 1000000},   {STR_INIT("GB"), 1000000000},
};

/* ---- numbers with a unit ---- */

static size_t digits(struct str s)
{
    size_t n = 0;

    while (n < s.len && s.ptr[n] >= '0' && s.ptr[n] <= '9')
        n++;
    return n;
}

/* Take "10m" off the front of `*s`. */
static bool take_amount(struct str *s, const struct unit *units, size_t count, uint64_t *ret_n)
{
    struct str number = {s->ptr, digits(*s)}, name;
    size_t end = number.len;
    uint64_t n;

    while (end < s->len && !(s->ptr[end] >= '0' && s->ptr[end] <= '9'))
        end++;
    name = (struct str){s->ptr + number.len, end - number.len};
    if (!str_to_u64(number, &n))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (str_eq(units[i].name, name)) {
            *s = str_skip(*s, end);
            return !__builtin_mul_overflow(n, units[i].worth, ret_n);
        }
    }
    return false;
}

bool value_duration(struct str s, uint64_t *ret_ms)
{
    uint64_t total = 0, n;

    if (str_eq(s, STR("0"))) {
        *ret_ms = 0;
        return true;
    }
    if (s.len == 0)
        return false;
    while (s.len > 0) {
        if (!take_amount(&s, durations, COUNTOF(durations), &n) ||
            __builtin_add_overflow(total, n, &total))
            return false;
    }
    *ret_ms = total;
    return true;
}

bool value_size(struct str s, uint64_t *ret_bytes)
{
    uint64_t n;

    if (s.len == 0 || !take_amount(&s, sizes, COUNTOF(sizes), &n) || s.len > 0)
        return false;
    *ret_bytes = n;
    return true;
}

/* The largest unit that divides it. */
static int put_amount(struct buf *b, uint64_t n, const struct unit *units, size_t count)
{
    const struct unit *best = &units[0];

    for (size_t i = 1; n > 0 && i < count; i++) {
        if (n % units[i].worth == 0 && units[i].worth > best->worth)
            best = &units[i];
    }
    return buf_printf(b, "%llu%.*s", (unsigned long long)(n / best->worth), STR_ARG(best->name));
}

int value_put_duration(struct buf *b, uint64_t ms)
{
    return ms == 0 ? buf_put(b, STR("0")) : put_amount(b, ms, durations, COUNTOF(durations));
}

int value_put_size(struct buf *b, uint64_t bytes)
{
    return put_amount(b, bytes, sizes + 1, COUNTOF(sizes) - 1); /* never without a unit */
}

/* ---- addresses ---- */

static bool is_ip(struct str host, int family)
{
    char text[INET6_ADDRSTRLEN];
    unsigned char raw[16];

    if (host.len == 0 || host.len >= sizeof(text))
        return false;
    memcpy(text, host.ptr, host.len);
    text[host.len] = '\0';
    return inet_pton(family, text, raw) == 1;
}

bool value_is_loopback(struct str host)
{
    return str_eq(host, STR("::1")) || (is_ip(host, AF_INET) && str_starts(host, STR("127."))) ||
           (is_ip(host, AF_INET6) && str_starts(host, STR("::ffff:127.")));
}

/* "host:port", "[host]:port", "host"; *ret_port is empty without one. */
static bool split_port(struct str s, struct str *ret_host, struct str *ret_port,
                       const char **ret_why)
{
    *ret_port = (struct str){NULL, 0};
    if (s.len > 0 && s.ptr[0] == '[') {
        if (!str_cut(str_skip(s, 1), ']', ret_host, &s) || !is_ip(*ret_host, AF_INET6)) {
            *ret_why = "between [ and ] goes an IPv6 address";
            return false;
        }
        if (s.len > 0 && s.ptr[0] != ':') {
            *ret_why = "after ] goes :port";
            return false;
        }
        *ret_port = str_skip(s, 1);
        return true;
    }
    str_cut(s, ':', ret_host, ret_port);
    if (ret_port->len > 0 && memchr(ret_port->ptr, ':', ret_port->len) != NULL) {
        *ret_why = "an IPv6 address goes between [ and ]: [::1]:8080";
        return false;
    }
    return true;
}

static bool read_port(struct str s, uint16_t *ret_port, const char **ret_why)
{
    uint64_t n;

    if (!str_to_u64(s, &n) || n > UINT16_MAX) {
        *ret_why = "a port is a number up to 65535";
        return false;
    }
    *ret_port = (uint16_t)n;
    return true;
}

bool value_address(struct str s, struct conf_listen *ret_listen, const char **ret_why)
{
    struct str host, port;
    struct conf_listen l;

    if (!split_port(s, &host, &port, ret_why))
        return false;
    if (port.len == 0 || host.len == 0) {
        *ret_why = "expected address:port, such as 127.0.0.1:8080, or 0.0.0.0:8080 for all "
                   "interfaces";
        return false;
    }
    l.host = str_eq(host, STR("localhost")) ? STR("127.0.0.1") : host;
    if (!is_ip(l.host, AF_INET) && !is_ip(l.host, AF_INET6)) {
        *ret_why = "expected an IP address before the port (0.0.0.0 for all interfaces)";
        return false;
    }
    if (!read_port(port, &l.port, ret_why))
        return false;
    *ret_listen = l;
    return true;
}

int value_put_address(struct buf *b, const struct conf_listen *l)
{
    bool v6 = l->host.len > 0 && memchr(l->host.ptr, ':', l->host.len) != NULL;

    return buf_printf(b, "%s%.*s%s:%u", v6 ? "[" : "", STR_ARG(l->host), v6 ? "]" : "", l->port);
}

/* ---- URLs ---- */

static bool all_of(struct str s, const char *extra)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = ascii_lower(s.ptr[i]);

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
              (c != '\0' && strchr(extra, c) != NULL)))
            return false;
    }
    return true;
}

/* A name, or an address: 10.0.0 or 1.2.3.4.5 is neither. */
static bool is_host(struct str host)
{
    struct str last = host;

    if (is_ip(host, AF_INET) || is_ip(host, AF_INET6))
        return true;
    if (host.len == 0 || host.len > HOST_BYTES_MAX || host.ptr[0] == '.' || host.ptr[0] == '-' ||
        !all_of(host, "-._"))
        return false;
    for (size_t i = 0; i < host.len; i++) {
        if (host.ptr[i] == '.')
            last = str_skip(host, i + 1);
    }
    return digits(last) != last.len;
}

static bool read_authority(struct str s, struct value_url *u, const char **ret_why)
{
    struct str port, user, host;

    if (str_cut(s, '@', &user, &host)) {
        u->user = user;
        s = host;
    }
    if (!split_port(s, &u->host, &port, ret_why))
        return false;
    if (!is_host(u->host)) {
        *ret_why = "the host is neither a name nor an IP address";
        return false;
    }
    u->port = u->tls ? 443 : 80;
    return port.len == 0 || read_port(port, &u->port, ret_why);
}

static bool read_path(struct str s, struct value_url *u, const char **ret_why)
{
    if (memchr(s.ptr, '?', s.len) != NULL || memchr(s.ptr, '#', s.len) != NULL) {
        *ret_why = "a base URL has no ?query and no #fragment";
        return false;
    }
    if (!all_of(s, "/-._~!$&'()*+,;=:@%")) {
        *ret_why = "a character that a URL's path cannot hold";
        return false;
    }
    while (s.len > 0 && s.ptr[s.len - 1] == '/')
        s.len--;
    u->path = s;
    return true;
}

bool value_url(struct str s, struct value_url *ret_url, const char **ret_why)
{
    struct value_url u = {.tls = str_starts(s, STR("https://"))};
    struct str rest;
    size_t authority = 0;

    if (!u.tls && !str_starts(s, STR("http://"))) {
        *ret_why = "a URL begins with http:// or https://";
        return false;
    }
    rest = str_skip(s, u.tls ? 8 : 7);
    while (authority < rest.len && strchr("/?#", rest.ptr[authority]) == NULL)
        authority++;
    if (!read_authority((struct str){rest.ptr, authority}, &u, ret_why))
        return false;
    if (authority < rest.len && !read_path(str_skip(rest, authority), &u, ret_why))
        return false;
    *ret_url = u;
    return true;
}

/* ---- credentials and headers ---- */

bool value_is_token(struct str s)
{
    return s.len > 0 && all_of(s, "!#$%&'*+-.^_`|~");
}

bool value_is_visible(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < 0x21 || s.ptr[i] > 0x7e)
            return false;
    }
    return true;
}
