/*
 * message.h - HTTP fields and the small facts about them.
 *
 * Fields keep the order and spelling they came with.  All memory is the arena's.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_MESSAGE_H
#define HTTP_MESSAGE_H

#include "base/arena.h"
#include "base/buf.h"

struct http_field {
    struct str name, value;
};

struct http_fields {
    struct http_field *at;
    uint32_t count, cap;
};

/* Room for `more` fields at once, so that adding them moves nothing.  -ENOMEM as below. */
MUST_USE int http_fields_reserve(struct http_fields *f, struct arena *a, uint32_t more);
/* Append; the bytes are not copied.  -ENOMEM when the arena is full. */
MUST_USE int http_fields_add(struct http_fields *f, struct arena *a, struct str name,
                             struct str value);
/* The first with this name (any case), or .ptr NULL. */
struct str http_fields_find(const struct http_fields *f, struct str name);
/* Is `token` in one of the comma-separated values of `name`? */
bool http_fields_has_token(const struct http_fields *f, struct str name, struct str token);

/* The values of all fields with this name, joined by commas; .ptr NULL when there is none or the
 * arena is full. */
struct str http_fields_join(const struct http_fields *f, struct arena *a, struct str name);
/* "Not Found" for 404; "Status" for one we do not know.  RFC 9110 section 15. */
struct str http_reason(unsigned status);
/* Connection, Keep-Alive, Transfer-Encoding, TE, Trailer, Upgrade, Proxy-*: never forwarded
 * (RFC 9110 section 7.6.1).  Names listed in `connection`'s value count too; it may be empty. */
bool http_is_hop_by_hop(struct str name, struct str connection);
/* No control byte but the tab: fit to be written into a head. */
bool http_value_is_safe(struct str value);
/* "Sun, 06 Nov 1994 08:49:37 GMT" (all three forms of RFC 9110 section 5.6.7) to seconds since
 * 1970; false for anything else. */
MUST_USE bool http_date_parse(struct str s, int64_t *ret_s);
/* The first of the three forms, always HTTP_DATE_BYTES long and without a NUL. */
#define HTTP_DATE_BYTES 29u
void http_date_write(int64_t seconds, char ret_text[HTTP_DATE_BYTES]);

#endif
