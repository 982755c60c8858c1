/* SPDX-License-Identifier: Apache-2.0 */
#include "http/failure.h"

#include <stdio.h>

#include "http/origin.h"

static const char *awaited(enum http_phase phase)
{
    switch (phase) {
    case HTTP_PHASE_QUEUE:
        return "waiting for a connection";
    case HTTP_PHASE_RESOLVE:
        return "resolving the name";
    case HTTP_PHASE_CONNECT:
        return "connecting";
    case HTTP_PHASE_TLS:
        return "in the TLS handshake";
    case HTTP_PHASE_SEND:
        return "sending the request";
    case HTTP_PHASE_HEADERS:
        return "waiting for the reply's head";
    case HTTP_PHASE_BODY:
        return "waiting for the reply's body";
    }
    return "";
}

void failure_text(const struct http_fetch *f, enum http_failure failure, int err, const char *why,
                  char *to, size_t size)
{
    const struct http_origin *o = f->origin;
    const char *text = why != NULL ? why : err != 0 ? uv_strerror(err) : "closed by the peer";

    switch (failure) {
    case HTTP_FAIL_RESOLVE:
        snprintf(to, size, "resolve %.*s: %s", STR_ARG(o->dial_host), text);
        return;
    case HTTP_FAIL_CONNECT:
        snprintf(to, size, "connect to %.*s:%u: %s", STR_ARG(o->dial_host), o->dial_port, text);
        return;
    case HTTP_FAIL_TLS:
        snprintf(to, size, "TLS with %.*s:%u: %s", STR_ARG(o->set.host), o->set.port, text);
        return;
    case HTTP_FAIL_TIMEOUT:
        if (f->deadline_hit)
            snprintf(to, size, "the deadline passed %s", awaited(f->phase));
        else
            snprintf(to, size, "%u ms passed %s", fetch_limit_ms(f), awaited(f->phase));
        return;
    case HTTP_FAIL_RESET:
        snprintf(to, size, "connection lost %s: %s", awaited(f->phase), text);
        return;
    case HTTP_FAIL_CUT:
        snprintf(to, size, "the reply was cut short %s", awaited(f->phase));
        return;
    case HTTP_FAIL_PROTOCOL:
        snprintf(to, size, "the reply is not HTTP/1.1: %s", text);
        return;
    case HTTP_FAIL_LIMIT:
        snprintf(to, size, "%s", why != NULL || err != 0 ? text : "the pool's queue is full");
        return;
    case HTTP_FAIL_NONE:
        break;
    }
    snprintf(to, size, "%s", text);
}
