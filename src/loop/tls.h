/*
 * tls.h - OpenSSL contexts for both sides of the gateway: SSL_CTX and nothing per connection.
 *
 * A context is made once, from configuration, and shared by all threads (OpenSSL counts its
 * references).  TLS 1.2 and newer; ALPN offers http/1.1.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LOOP_TLS_H
#define LOOP_TLS_H

#include "base/buf.h"

struct ssl_ctx_st; /* OpenSSL's SSL_CTX */

struct tls_server_settings {
    const char *cert_file; /* PEM, leaf first, then the chain */
    const char *key_file;  /* PEM */
};

struct tls_client_settings {
    const char *ca_file; /* PEM; NULL is the system's store */
    bool insecure;       /* do not verify: for tests, and warned about */
};

/* 0, or -EINVAL with the reason (file named, no secrets) appended to `why`. */
MUST_USE int tls_server_new(const struct tls_server_settings *s, struct buf *why,
                            struct ssl_ctx_st **ret_ctx);
MUST_USE int tls_client_new(const struct tls_client_settings *s, struct buf *why,
                            struct ssl_ctx_st **ret_ctx);
void tls_free(struct ssl_ctx_st *ctx);

#endif
