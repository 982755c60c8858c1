/*
 * inflate.h - undo a content coding that we asked not to get: gzip or deflate, piece by piece.
 *
 * Some upstreams compress although the request says identity.  What has to be read on its way
 * through is inflated first; the pieces are bounded, so a bomb meets the same limits as any other
 * long answer.  RFC 9110 section 8.4.1; zlib.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_INFLATE_H
#define HTTP_INFLATE_H

#include "base/str.h"

struct http_inflate;

/* 0 with *ret_z NULL for no coding or identity; -EINVAL for one we do not know; -ENOMEM. */
MUST_USE int http_inflate_new(struct str encoding, struct http_inflate **ret_z);
void http_inflate_free(struct http_inflate *z); /* NULL is fine */

/* false stops: http_inflate_feed() then returns -ECANCELED. */
typedef bool http_inflate_fn(void *ctx, struct str bytes);
/* 0, -EPROTO for bytes that are not of the coding, -ECANCELED. */
MUST_USE int http_inflate_feed(struct http_inflate *z, struct str bytes, http_inflate_fn *put,
                               void *ctx);
/* Did the coded stream come to its end? */
bool http_inflate_ended(const struct http_inflate *z);

#endif
