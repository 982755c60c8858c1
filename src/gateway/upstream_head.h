/*
 * upstream_head.h - the request line and fields that an upstream gets to see.
 *
 * Forwarded is what the client sent, less what must not travel (R54): hop-by-hop fields, cookies,
 * the client's credentials, X-Forwarded-* and other traces of where it sits, and what is ours.
 * Added are the provider's credential (for Amazon a signature: sigv4.h), its pinned version and its
 * configured fields.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GATEWAY_UPSTREAM_HEAD_H
#define GATEWAY_UPSTREAM_HEAD_H

#include "base/str.h"

struct exchange;
struct conf_provider;

struct upstream_head {
    const struct conf_provider *provider;
    uint32_t key;     /* of its pool, or KEY_NONE */
    struct str token; /* instead, for who wants one; else empty */
    struct str method;
    struct str path; /* behind the provider's base path: "/chat/completions?x" */
    int64_t length;  /* of the body; -1 chunked; -2 no body */
    bool relay;      /* the body is not ours to read: accept-encoding passes too */
    bool stream;     /* what to accept */
    /* What a signature is over, for providers that want one. */
    const struct str *body;
    unsigned body_count;
    int64_t now_s; /* the wall clock */
};

/* In the exchange's arena; .ptr NULL when that is full. */
struct str upstream_head(struct exchange *x, const struct upstream_head *u);

#endif
