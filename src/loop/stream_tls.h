/*
 * stream_tls.h - what stream.c and stream_tls.c share.  Nobody else includes it, but for loop.c,
 * which makes the buffers they have per thread.
 *
 * OpenSSL sees the socket through a BIO of our own: it reads the bytes of the current read where
 * they lie, and what it writes gathers in loop->sealed until stream_tls.c hands it to
 * stream_raw_write(), so that one stream_write() is one system call.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LOOP_STREAM_TLS_H
#define LOOP_STREAM_TLS_H

#include "loop/stream.h"

/* RFC 8446 section 5.1: the most plain text in one record. */
#define STREAM_TLS_RECORD_BYTES 16384u
/* A read this much smaller than the scratch: with the part of a record that OpenSSL still holds
 * it cannot decrypt to more than scratch2 takes. */
#define STREAM_TLS_READ_BYTES (LOOP_SCRATCH_BYTES - STREAM_TLS_RECORD_BYTES - 1024u)

/* stream_tls.c */
MUST_USE int stream_tls_begin(struct stream *s, struct ssl_ctx_st *tls, bool server,
                              const char *host, struct ssl_session_st *session);
void stream_tls_read(struct stream *s, struct str bytes);
MUST_USE int stream_tls_write(struct stream *s, const struct str *pieces, unsigned n);
void stream_tls_notify(struct stream *s); /* close_notify, as well as that goes */
void stream_tls_free(struct stream *s);

/* stream.c */
MUST_USE int stream_raw_write(struct stream *s, const struct str *pieces, unsigned n);
/* Report the end once; no callback but on_closed() follows. */
void stream_end(struct stream *s, int err);

#endif
