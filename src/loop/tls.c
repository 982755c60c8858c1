/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

static const unsigned char alpn[] = "\x08http/1.1";
#define ALPN_BYTES ((unsigned)sizeof(alpn) - 1)

/* Append "FILE: why" with OpenSSL's reason, or the system's where it was the file. */
static int refuse(struct buf *why, const char *what, const char *file)
{
    unsigned long e = ERR_peek_error();
    const char *reason = NULL;

    if (e != 0 && ERR_SYSTEM_ERROR(e))
        reason = strerror(ERR_GET_REASON(e));
    else if (e != 0)
        reason = ERR_reason_error_string(e);
    ERR_clear_error();
    if (reason == NULL)
        reason = "not usable";
    return buf_printf(why, "%s%s%s: %s", what, file != NULL ? " " : "", file != NULL ? file : "",
                      reason) < 0
               ? -ENOMEM
               : -EINVAL;
}

static SSL_CTX *context_new(const SSL_METHOD *method)
{
    SSL_CTX *ctx = SSL_CTX_new(method);

    if (ctx == NULL || SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1) {
        SSL_CTX_free(ctx);
        return NULL;
    }
    /* An idle connection keeps no 34 KB of record buffers. */
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    return ctx;
}

static int pick_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                     const unsigned char *in, unsigned in_len, void *arg)
{
    unsigned char *picked = NULL;

    (void)ssl;
    (void)arg;
    if (SSL_select_next_proto(&picked, out_len, alpn, ALPN_BYTES, in, in_len) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = picked;
    return SSL_TLSEXT_ERR_OK;
}

static int load_pair(SSL_CTX *ctx, const struct tls_server_settings *s, struct buf *why)
{
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(ctx, s->cert_file) != 1)
        return refuse(why, "certificate", s->cert_file);
    if (SSL_CTX_use_PrivateKey_file(ctx, s->key_file, SSL_FILETYPE_PEM) != 1)
        return refuse(why, "private key", s->key_file);
    if (SSL_CTX_check_private_key(ctx) != 1)
        return refuse(why, "the private key does not belong to the certificate:", s->key_file);
    return 0;
}

int tls_server_new(const struct tls_server_settings *s, struct buf *why,
                   struct ssl_ctx_st **ret_ctx)
{
    static const unsigned char context_id[] = "dragoman";
    SSL_CTX *ctx = context_new(TLS_server_method());
    int err;

    if (ctx == NULL)
        return refuse(why, "TLS", NULL);
    err = load_pair(ctx, s, why);
    if (err < 0) {
        SSL_CTX_free(ctx);
        return err;
    }
    SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_alpn_select_cb(ctx, pick_alpn, NULL);
    /* Resumption is by ticket alone: nothing is kept here per session. */
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_session_id_context(ctx, context_id, (unsigned)sizeof(context_id) - 1);
    SSL_CTX_set_num_tickets(ctx, 1);
    *ret_ctx = ctx;
    return 0;
}

static int load_trust(SSL_CTX *ctx, const struct tls_client_settings *s, struct buf *why)
{
    ERR_clear_error();
    if (s->insecure) {
        SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
        return 0;
    }
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    if (s->ca_file != NULL && SSL_CTX_load_verify_file(ctx, s->ca_file) != 1)
        return refuse(why, "CA certificates", s->ca_file);
    if (s->ca_file == NULL && SSL_CTX_set_default_verify_paths(ctx) != 1)
        return refuse(why, "the system's CA certificates", NULL);
    return 0;
}

int tls_client_new(const struct tls_client_settings *s, struct buf *why,
                   struct ssl_ctx_st **ret_ctx)
{
    SSL_CTX *ctx = context_new(TLS_client_method());
    int err;

    if (ctx == NULL)
        return refuse(why, "TLS", NULL);
    err = load_trust(ctx, s, why);
    if (err == 0 && SSL_CTX_set_alpn_protos(ctx, alpn, ALPN_BYTES) != 0)
        err = refuse(why, "ALPN", NULL);
    if (err < 0) {
        SSL_CTX_free(ctx);
        return err;
    }
    /* Sessions are the pools' to keep (stream_session()). */
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    *ret_ctx = ctx;
    return 0;
}

void tls_free(struct ssl_ctx_st *ctx)
{
    SSL_CTX_free(ctx);
}
