/*
 * values.h - durations, sizes, addresses and URLs: from text and back.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONF_VALUES_H
#define CONF_VALUES_H

#include "conf/conf.h"

/* "250ms", "30s", "1m30s", "10m", "1h", "2d"; "0". */
MUST_USE bool value_duration(struct str s, uint64_t *ret_ms);
/* "64KiB" (1024), "64KB" (1000), "512B" or a bare number of bytes. */
MUST_USE bool value_size(struct str s, uint64_t *ret_bytes);
/* "127.0.0.1:8080", "[::1]:8080", "localhost:8080" (127.0.0.1).  The host points into `s` or is
 * constant.  *ret_why is a sentence when false. */
MUST_USE bool value_address(struct str s, struct conf_listen *ret_listen, const char **ret_why);
/* Only this machine can connect to it. */
bool value_is_loopback(struct str host);

struct value_url {
    bool tls;
    struct str user; /* "user:password", empty without */
    struct str host; /* no brackets */
    uint16_t port;
    struct str path; /* "" or "/v1": no slash at the end */
};

/* http and https; no query, no fragment.  Points into `s`. */
MUST_USE bool value_url(struct str s, struct value_url *ret_url, const char **ret_why);

/* The shortest text that reads back as the same value. */
MUST_USE int value_put_duration(struct buf *b, uint64_t ms);
MUST_USE int value_put_size(struct buf *b, uint64_t bytes);
MUST_USE int value_put_address(struct buf *b, const struct conf_listen *l);

/* A token of RFC 9110 (5.6.2): what a header may be called. */
bool value_is_token(struct str s);
/* 0x21 to 0x7e only: what a credential in a header can be. */
bool value_is_visible(struct str s);

#endif
