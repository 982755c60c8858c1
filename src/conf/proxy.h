/*
 * proxy.h - the proxy that the environment names for a provider.
 *
 * HTTPS_PROXY or HTTP_PROXY (then in small letters) by the provider's scheme, unless NO_PROXY
 * matches: a comma-separated list of hosts, domains (".example.com" and "example.com" both match
 * below it), addresses, each perhaps with ":port"; "*" matches all.  This machine itself is never
 * reached by proxy.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONF_PROXY_H
#define CONF_PROXY_H

#include "conf/conf.h"

/* The proxy as a URL (in the arena), or empty for none.  False: the variable *ret_name holds no
 * usable one, as *ret_why says. */
MUST_USE bool proxy_of_env(struct arena *a, const struct conf_provider *p, conf_env_fn *env,
                           struct str *ret_proxy, const char **ret_name, const char **ret_why);

bool proxy_is_exempt(struct str no_proxy, struct str host, uint16_t port);

#endif
