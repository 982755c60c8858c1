/* SPDX-License-Identifier: Apache-2.0 */
#include "http/client.h"

#include <stdlib.h>

#include "http/fetch.h"

int http_client_new(struct loop *l, struct http_client **ret_client)
{
    struct http_client *c = calloc(1, sizeof(*c));
    int err;

    if (c == NULL)
        return -ENOMEM;
    c->loop = l;
    c->dns = dns_new(l);
    err = c->dns != NULL ? alarms_open(&c->alarms, l) : -ENOMEM;
    if (err != 0) {
        dns_free(c->dns);
        free(c);
        return err;
    }
    c->handles = 1;
    *ret_client = c;
    return 0;
}

static void timer_closed(uv_handle_t *h)
{
    client_handle_closed(CONTAINER_OF(h, struct http_client, alarms.timer));
}

void client_handle_closed(struct http_client *c)
{
    if (--c->handles == 0)
        free(c);
}

void http_client_free(struct http_client *c)
{
    if (c == NULL)
        return;
    pool_free_all(c);
    dns_free(c->dns);
    c->dns = NULL;
    alarms_close(&c->alarms, timer_closed);
}

struct http_client_counts http_client_counts(const struct http_client *c)
{
    return c->counts;
}
