/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/stream_tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

/* Sealed records are given to the kernel at the latest when this much has gathered. */
#define SEALED_FLUSH_BYTES (64u * 1024u)

static int bio_write(BIO *bio, const char *bytes, size_t n, size_t *ret_written)
{
    struct stream *s = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    if (buf_put(&s->loop->sealed, (struct str){bytes, n}) < 0)
        return 0;
    *ret_written = n;
    return 1;
}

static int bio_read(BIO *bio, char *to, size_t max, size_t *ret_read)
{
    struct stream *s = BIO_get_data(bio);
    size_t n = s->sealed_in.len < max ? s->sealed_in.len : max;

    BIO_clear_retry_flags(bio);
    if (n == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    memcpy(to, s->sealed_in.ptr, n);
    s->sealed_in = str_skip(s->sealed_in, n);
    *ret_read = n;
    return 1;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH || command == BIO_CTRL_DUP;
}

static BIO_METHOD *bio_method;
static uv_once_t bio_once = UV_ONCE_INIT;

static void make_bio_method(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stream");

    if (m == NULL)
        return;
    BIO_meth_set_write_ex(m, bio_write);
    BIO_meth_set_read_ex(m, bio_read);
    BIO_meth_set_ctrl(m, bio_ctrl);
    bio_method = m;
}

static int attach_bio(struct stream *s)
{
    BIO *bio;

    uv_once(&bio_once, make_bio_method);
    bio = bio_method != NULL ? BIO_new(bio_method) : NULL;
    if (bio == NULL)
        return -ENOMEM;
    BIO_set_data(bio, s);
    BIO_set_init(bio, 1);
    SSL_set_bio(s->ssl, bio, bio);
    return 0;
}

/* Hand what OpenSSL wrote to the socket.  Before any callback, for the buffer is the thread's. */
static int flush(struct stream *s)
{
    struct str bytes = buf_str(&s->loop->sealed);
    int err = bytes.len > 0 ? stream_raw_write(s, &bytes, 1) : 0;

    s->loop->sealed.len = 0;
    return err;
}

static void note_why(struct stream *s)
{
    long verdict = SSL_get_verify_result(s->ssl);
    unsigned long e = ERR_peek_error();

    if (verdict != X509_V_OK && SSL_get_verify_mode(s->ssl) != SSL_VERIFY_NONE)
        s->why = X509_verify_cert_error_string(verdict);
    else
        s->why = e != 0 ? ERR_reason_error_string(e) : NULL;
    if (s->why == NULL)
        s->why = "TLS protocol error";
    ERR_clear_error();
}

static bool is_address(const char *host)
{
    unsigned char bytes[16];

    return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

/* Who we want to talk to: checked against the certificate, and said in clear where SNI may. */
static int expect_host(SSL *ssl, const char *host)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);

    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (is_address(host))
        return X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1 ? 0 : -EINVAL;
    if (X509_VERIFY_PARAM_set1_host(param, host, 0) != 1 ||
        /* SSL_set_tlsext_host_name(), whose macro casts the const away */
        SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                 (void *)(uintptr_t)host) != 1)
        return -EINVAL;
    return 0;
}

static int begin_client(SSL *ssl, const char *host, SSL_SESSION *session)
{
    int err = host != NULL ? expect_host(ssl, host) : 0;

    if (err < 0)
        return err;
    if (session != NULL)
        SSL_set_session(ssl, session); /* one that does not fit means a full handshake */
    SSL_set_connect_state(ssl);
    return 0;
}

/* 1: done, 0: wants more bytes, or negative. */
static int handshake(struct stream *s)
{
    int rc, err;

    ERR_clear_error();
    rc = SSL_do_handshake(s->ssl);
    if (rc != 1 && SSL_get_error(s->ssl, rc) != SSL_ERROR_WANT_READ) {
        note_why(s);
        (void)flush(s); /* the alert that says why */
        return -EPROTO;
    }
    err = flush(s);
    return err < 0 ? err : rc == 1;
}

int stream_tls_begin(struct stream *s, struct ssl_ctx_st *tls, bool server, const char *host,
                     struct ssl_session_st *session)
{
    int err;

    s->ssl = SSL_new(tls);
    err = s->ssl != NULL ? attach_bio(s) : -ENOMEM;
    if (err < 0)
        return err;
    if (server) {
        SSL_set_accept_state(s->ssl);
        return 0;
    }
    err = begin_client(s->ssl, host, session);
    if (err == 0)
        err = handshake(s); /* says hello */
    return err < 0 ? err : 0;
}

/* Decrypt into scratch2 until the bytes of this read are used up.  0, 1 after close_notify, or
 * negative. */
static int unseal(struct stream *s, size_t *ret_len)
{
    size_t len = 0, n;

    ERR_clear_error();
    while (len < LOOP_SCRATCH_BYTES &&
           SSL_read_ex(s->ssl, s->loop->scratch2 + len, LOOP_SCRATCH_BYTES - len, &n) == 1)
        len += n;
    *ret_len = len;
    switch (SSL_get_error(s->ssl, 0)) {
    case SSL_ERROR_WANT_READ:
        return 0;
    case SSL_ERROR_ZERO_RETURN:
        return 1;
    default:
        note_why(s);
        return -EPROTO;
    }
}

static bool over(const struct stream *s)
{
    return s->closing || s->ended;
}

/* Bytes of a ready stream.  Output (tickets, key updates, an alert) leaves before the owner is
 * called, since it may write too. */
static void read_ready(struct stream *s)
{
    size_t len = 0;
    int rc = unseal(s, &len);
    int err = flush(s);

    s->sealed_in = (struct str){NULL, 0};
    s->bytes_in += len;
    s->notified = rc == 1;
    if (len > 0)
        s->ops->on_data(s, (struct str){s->loop->scratch2, len});
    if (over(s))
        return;
    if (rc != 0 || err < 0)
        stream_end(s, rc == 1 ? 0 : rc < 0 ? rc : err);
}

void stream_tls_read(struct stream *s, struct str bytes)
{
    int rc;

    s->sealed_in = bytes;
    if (!s->ready) {
        rc = handshake(s);
        if (rc < 0) {
            stream_end(s, rc);
            return;
        }
        if (rc == 0)
            return;
        s->ready = true;
        if (s->ops->on_ready != NULL)
            s->ops->on_ready(s);
        if (over(s))
            return;
    }
    if (s->sealed_in.len > 0)
        read_ready(s);
}

static int seal(struct stream *s, const char *bytes, size_t n)
{
    size_t written;

    if (SSL_write_ex(s->ssl, bytes, n, &written) != 1) {
        note_why(s);
        return -EPROTO;
    }
    return s->loop->sealed.len >= SEALED_FLUSH_BYTES ? flush(s) : 0;
}

int stream_tls_write(struct stream *s, const struct str *pieces, unsigned n)
{
    char *gather = s->loop->gather;
    size_t have = 0;
    int err = 0, flushed;

    ERR_clear_error();
    for (unsigned i = 0; i < n; i++) {
        struct str p = pieces[i];

        while (p.len > 0 && err == 0) {
            size_t room = STREAM_TLS_RECORD_BYTES - have;
            size_t take = p.len < room ? p.len : room;

            if (take == STREAM_TLS_RECORD_BYTES) { /* a record of its own: no copy */
                err = seal(s, p.ptr, take);
            } else {
                memcpy(gather + have, p.ptr, take);
                have += take;
            }
            p = str_skip(p, take);
            if (have == STREAM_TLS_RECORD_BYTES && err == 0) {
                err = seal(s, gather, have);
                have = 0;
            }
        }
    }
    if (have > 0 && err == 0)
        err = seal(s, gather, have);
    flushed = flush(s);
    return err < 0 ? err : flushed;
}

void stream_tls_notify(struct stream *s)
{
    if (!s->ready || (s->ended && !s->notified))
        return;
    ERR_clear_error();
    (void)SSL_shutdown(s->ssl);
    ERR_clear_error();
    (void)flush(s);
}

void stream_tls_free(struct stream *s)
{
    if (s->ssl == NULL)
        return;
    /* Otherwise OpenSSL takes the session for a broken one and forbids its reuse. */
    SSL_set_shutdown(s->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(s->ssl);
    s->ssl = NULL;
}

struct ssl_session_st *stream_session(struct stream *s)
{
    SSL_SESSION *session = s->ssl != NULL && s->ready ? SSL_get1_session(s->ssl) : NULL;

    if (session != NULL && !SSL_SESSION_is_resumable(session)) {
        SSL_SESSION_free(session);
        return NULL;
    }
    return session;
}
