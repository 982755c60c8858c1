/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/proxy_url.h"

#include <errno.h>
#include <stdio.h>

#include <openssl/evp.h>

#define PORT_DEFAULT 3128u
#define CREDENTIALS_MAX 256u

static int authorize(struct proxy_url *p, struct str credentials)
{
    unsigned char base64[4 * ((CREDENTIALS_MAX + 2) / 3) + 1];

    if (credentials.len > CREDENTIALS_MAX)
        return -EINVAL;
    EVP_EncodeBlock(base64, (const unsigned char *)credentials.ptr, (int)credentials.len);
    snprintf(p->authorization, sizeof(p->authorization), "Basic %s", (const char *)base64);
    return 0;
}

/* "host", "host:port" or "[v6]:port". */
static int split_port(struct proxy_url *p, struct str authority)
{
    struct str port = {NULL, 0};
    uint64_t n = PORT_DEFAULT;

    if (authority.len > 0 && authority.ptr[0] == '[') {
        if (!str_cut(str_skip(authority, 1), ']', &p->host, &port))
            return -EINVAL;
        if (port.len > 0 && port.ptr[0] != ':')
            return -EINVAL;
        port = str_skip(port, 1);
    } else {
        str_cut(authority, ':', &p->host, &port);
    }
    if (port.len > 0 && (!str_to_u64(port, &n) || n == 0 || n > UINT16_MAX))
        return -EINVAL;
    p->port = (uint16_t)n;
    return p->host.len > 0 ? 0 : -EINVAL;
}

int proxy_url_parse(struct str text, struct proxy_url *ret_url)
{
    const struct str scheme = STR("http://");
    struct proxy_url p = {0};
    struct str authority, path, credentials, rest;

    if (!str_starts(text, scheme))
        return -EINVAL;
    if (str_cut(str_skip(text, scheme.len), '/', &authority, &path) && path.len > 0)
        return -EINVAL;
    if (str_cut(authority, '@', &credentials, &rest)) {
        if (authorize(&p, credentials) < 0)
            return -EINVAL;
        authority = rest;
    }
    if (split_port(&p, authority) < 0)
        return -EINVAL;
    *ret_url = p;
    return 0;
}
