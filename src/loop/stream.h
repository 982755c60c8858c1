/*
 * stream.h - a connected TCP socket, or TLS on one, as bytes in and bytes out.
 *
 * Embed a struct stream and give it ops.  Reading goes into the loop's scratch buffer, so an idle
 * stream owns none.  Writing tries the socket at once and keeps a copy of what did not fit;
 * whoever writes looks at stream_queued() and stops at its own limit until on_drain().
 *
 * After on_end() no further callback comes but on_closed().  stream_close() may be called at any
 * time, in any callback, and more than once; on_closed() comes in a later turn and is the first
 * moment the memory may go.  One thread: the loop's.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LOOP_STREAM_H
#define LOOP_STREAM_H

#include "base/buf.h"
#include "loop/loop.h"

struct ssl_ctx_st;
struct ssl_st;
struct ssl_session_st;
struct stream;

struct stream_ops {
    /* The stream can be used: for TCP from within stream_open_*(), for TLS after the handshake.
     * May be NULL. */
    void (*on_ready)(struct stream *s);
    /* Bytes came.  They are gone when this returns. */
    void (*on_data)(struct stream *s, struct str bytes);
    /* The peer closed (err 0) or the stream broke (negative errno; -EPROTO for TLS, with
     * stream_why()).  A TLS stream cut without close_notify is 0 with s->truncated set. */
    void (*on_end)(struct stream *s, int err);
    /* All that was queued has been written.  May be NULL. */
    void (*on_drain)(struct stream *s);
    void (*on_closed)(struct stream *s);
};

struct stream {
    uv_tcp_t tcp;
    const struct stream_ops *ops;
    struct loop *loop;
    struct ssl_st *ssl;           /* NULL for plain TCP */
    struct str sealed_in;         /* bytes of the current read that TLS has not taken yet */
    const char *why;              /* static text */
    struct buf queue;             /* written by the owner, waiting for `send` to end */
    struct stream_send *send;     /* bytes libuv is writing; NULL otherwise */
    uint64_t bytes_in, bytes_out; /* the owner's bytes, not TLS's */
    uint64_t raw_out;             /* bytes given to the socket or queued for it, TLS's included */
    bool reading, ready, ended, closing, shut, finishing, truncated;
    bool notified; /* the peer's close_notify came */
    uv_os_fd_t fd; /* tcp's */
};

/* `s->tcp` must be connected (or just accepted) and initialised on `l`; the other fields need not
 * be set.  Reading starts at once; stream_pause() may follow.  After a failure `s->tcp` is still
 * open and stream_close() is the way to close it. */
MUST_USE int stream_open_server(struct stream *s, struct loop *l, const struct stream_ops *ops,
                                struct ssl_ctx_st *tls);
/* `host` is for SNI and verification (a name or an address, no brackets).  `session` may be NULL:
 * an earlier one to resume. */
MUST_USE int stream_open_client(struct stream *s, struct loop *l, const struct stream_ops *ops,
                                struct ssl_ctx_st *tls, const char *host,
                                struct ssl_session_st *session);
/* Start TLS on an open plain stream (after CONNECT). */
MUST_USE int stream_start_tls(struct stream *s, struct ssl_ctx_st *tls, const char *host,
                              struct ssl_session_st *session);

/* Write `n` pieces in one system call if the kernel takes them; the rest is copied and follows.
 * 0, or a negative errno after which on_end() will not come for it: close the stream. */
MUST_USE int stream_write(struct stream *s, const struct str *pieces, unsigned n);
/* Hand `pieces` to the kernel as far as it takes them at once, and queue nothing: *ret_taken bytes
 * of them are gone.  None are when something is queued already, or with TLS.  Errors as above. */
MUST_USE int stream_offer(struct stream *s, const struct str *pieces, unsigned n,
                          size_t *ret_taken);
static inline size_t stream_queued(const struct stream *s)
{
    return s->queue.len + uv_stream_get_write_queue_size((const uv_stream_t *)&s->tcp);
}
/* Bytes the kernel has taken: while it stands still, the peer does not read. */
static inline uint64_t stream_accepted(const struct stream *s)
{
    return s->raw_out - stream_queued(s);
}
/* Stop and go on reading.  While paused, a peer that leaves is not noticed. */
void stream_pause(struct stream *s);
void stream_resume(struct stream *s);
/* Write what is queued, then close_notify (TLS) and FIN; on_drain() does not come.  Reading goes
 * on. */
void stream_shutdown(struct stream *s);
/* Stop reading, write what is queued, then close; also after on_end(0), of a peer that only
 * half-closed.  No callback but on_closed() follows.  A peer that does not read keeps it open:
 * the owner limits the time with stream_close(). */
void stream_finish(struct stream *s);
/* Close now and drop what is queued (on_drain() and stream_shutdown() are the ways to let it out
 * first).  `reset` sends RST instead of FIN; a TLS stream says close_notify unless `reset`. */
void stream_close(struct stream *s, bool reset);
/* A short text for the last TLS failure ("certificate has expired"), or "". */
const char *stream_why(const struct stream *s);
/* The TLS session to resume later, with a reference for the caller; NULL if there is none. */
struct ssl_session_st *stream_session(struct stream *s);

#endif
