/* proxy_url.h - an outgoing proxy as it is written: http://[user:password@]host[:port].
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef GATEWAY_PROXY_URL_H
#define GATEWAY_PROXY_URL_H

#include "base/str.h"

#define PROXY_AUTHORIZATION_MAX 512u

struct proxy_url {
    struct str host;                             /* points into the text; no brackets */
    uint16_t port;                               /* 3128 when none is given */
    char authorization[PROXY_AUTHORIZATION_MAX]; /* "Basic …", or "" */
};

/* 0, or -EINVAL. */
MUST_USE int proxy_url_parse(struct str text, struct proxy_url *ret_url);

#endif
