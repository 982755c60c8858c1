/*
 * sigv4.h - sign a request to Amazon (Signature Version 4).
 *
 * docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html: a hash of the
 * request, signed with a key that is good for one day, region and service.  Signed are the host,
 * the time, the session token and the body; fields that begin with x-amz- may not travel unsigned,
 * so nobody else may write one.  Time is an argument.  Secrets stay in the caller's memory.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GATEWAY_SIGV4_H
#define GATEWAY_SIGV4_H

#include "base/arena.h"

struct sigv4_key {
    struct str access, secret;
    struct str session; /* of temporary credentials; else empty */
};

struct sigv4_scope {
    struct str region, service;
    int64_t time_s; /* the wall clock */
};

struct sigv4_request {
    struct str method;
    struct str host;  /* as the Host field has it */
    struct str path;  /* as the request line has it, less the query; never empty */
    struct str query; /* sorted by name, and encoded */
    const struct str *body;
    unsigned body_count;
};

/* "ACCESS:SECRET" or "ACCESS:SECRET:SESSION"; false for anything else. */
MUST_USE bool sigv4_key_read(struct str text, struct sigv4_key *ret_key);

/* The fields that make the request a signed one, a line each; .ptr NULL: no room. */
struct str sigv4_fields(struct arena *a, const struct sigv4_key *k, const struct sigv4_scope *s,
                        const struct sigv4_request *r);

#endif
