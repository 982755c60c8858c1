/*
 * entra.h - tokens of Entra ID, with which Azure knows us where it gives no keys.
 *
 * A token is had for a client's secret (OAuth 2.0 client credentials, RFC 6749 section 4.4) or from
 * the machine we run on (Azure's instance metadata), lasts an hour or a day, and serves the whole
 * process.  One loop has them (entra_fetch.h), ahead of their end and off the path of requests; a
 * request waits only while the first is on its way.  A failure is told to requests once the token
 * before it has ended, and is tried again after 1 s, 2 s, 4 s … a minute.
 *
 * This file is what is known, shared by the threads under a lock; time is an argument.  Secrets and
 * tokens are in no message and no log.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GATEWAY_ENTRA_H
#define GATEWAY_ENTRA_H

#include <uv.h>

#include "base/arena.h"
#include "base/buf.h"
#include "conf/conf.h"

#define ENTRA_TOKEN_MAX (16u * 1024u)
#define ENTRA_WHY_MAX 256u

enum entra_answer { ENTRA_WAIT, ENTRA_READY, ENTRA_FAILED };

struct entra {
    const struct conf_entra *conf;
    uv_mutex_t lock; /* of all below */
    struct buf token;
    uint64_t got_ms, ends_ms; /* of the token; 0: there is none */
    uint64_t due_ms;          /* when to have the next one */
    unsigned failures;        /* in a row */
    char why[ENTRA_WHY_MAX];  /* the last of them; "" none */
};

/* NULL without memory. */
MUST_USE struct entra *entra_new(const struct conf_entra *c);
void entra_free(struct entra *e);

/* READY: a token, in the arena (.ptr NULL without room).  WAIT: come back soon.  FAILED: *ret_text
 * says why, in the arena. */
enum entra_answer entra_token(struct entra *e, struct arena *a, uint64_t now_ms,
                              struct str *ret_text);
/* The provider did not take it: have another, unless this one is new. */
void entra_refused(struct entra *e, uint64_t now_ms);

/* ---- for who has them ---- */

bool entra_is_due(struct entra *e, uint64_t now_ms);
/* The whole request but for the connection's fields: "POST /… " and the body.  False: no room. */
struct entra_request {
    struct str method, path, body; /* path: behind the authority's */
};
MUST_USE bool entra_request(const struct entra *e, struct arena *a, struct entra_request *ret);
/* What was answered: a token is taken, anything else is a failure. */
void entra_answered(struct entra *e, struct arena *a, unsigned status, struct str body,
                    uint64_t now_ms);
void entra_failed(struct entra *e, uint64_t now_ms, const char *fmt, ...) PRINTF_LIKE(3, 4);

#endif
