/* SPDX-License-Identifier: Apache-2.0 */
#include "http/send.h"

#include <stdio.h>

/* A streamed body's pieces: one at a time is copied beyond it. */
#define QUEUED_MAX (256u * 1024u)
/* Offered to the kernel at once; what it does not take stays where it is, but for the next … */
#define OFFER_MAX (256u * 1024u)
/* … bytes, which are copied, so that it tells when it takes more.  What TLS seals is a copy in any
 * case, and should fill its records and a write. */
#define COPY_MAX (4u * 1024u)
#define SEAL_MAX (64u * 1024u)
/* Written to a willing socket before others get their turn. */
#define TURN_MAX (1024u * 1024u)
/* Of a streamed body, before there is a connection. */
#define EARLY_MAX (1024u * 1024u)
/* Head in up to five pieces, and the body's eight. */
#define PIECES_MAX 13u

/* The head in pieces; with a plain proxy its target is made absolute (RFC 9112 section 3.2.2). */
static unsigned head_pieces(const struct http_fetch *f, struct str *to)
{
    const struct http_origin *o = f->origin;
    struct str head = f->request.head, method, line;

    if (o->absolute == NULL || !str_cut(head, ' ', &method, &head)) {
        to[0] = f->request.head;
        return 1;
    }
    to[0] = str_make(method.ptr, method.len + 1);
    to[1] = str_from(o->absolute);
    str_cut(head, '\n', &line, &head);
    to[2] = str_make(line.ptr, line.len + 1);
    to[3] = str_from(o->proxy_line);
    to[4] = head;
    return 5;
}

static unsigned all_pieces(const struct http_fetch *f, struct str *to)
{
    unsigned n = head_pieces(f, to);

    for (unsigned i = 0; i < f->request.body_count; i++)
        to[n++] = f->request.body[i];
    return n;
}

static uint64_t count_bytes(const struct str *pieces, unsigned n)
{
    uint64_t bytes = 0;

    for (unsigned i = 0; i < n; i++)
        bytes += pieces[i].len;
    return bytes;
}

/* Keep of `pieces` what lies between `from` and `from + max`; the number left. */
static unsigned clip(struct str *pieces, unsigned n, uint64_t from, uint64_t max)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < n && max > 0; i++) {
        struct str p = pieces[i];
        size_t skip = from < p.len ? (size_t)from : p.len;

        from -= skip;
        p = (struct str){p.ptr + skip, p.len - skip};
        if (p.len > max)
            p.len = (size_t)max;
        max -= p.len;
        if (p.len > 0)
            pieces[kept++] = p;
    }
    return kept;
}

static void request_sent(struct http_fetch *f)
{
    f->sending = false;
    f->sent_ns = loop_turn_ns(f->client->loop);
    if (f->phase != HTTP_PHASE_SEND) /* the reply has begun already */
        return;
    fetch_enter(f, HTTP_PHASE_HEADERS);
    f->since_ms = loop_now_ms(f->client->loop);
}

/* `bytes` were given to the stream, or it broke. */
static bool put_over(struct http_fetch *f, int err, uint64_t bytes)
{
    f->since_ms = loop_now_ms(f->client->loop);
    if (err < 0) {
        fetch_write_failed(f, err);
        return false;
    }
    f->bytes_out += bytes;
    return true;
}

static bool put(struct http_fetch *f, const struct str *pieces, unsigned n)
{
    int err = stream_write(&f->conn->stream, pieces, n);

    return put_over(f, err, count_bytes(pieces, n));
}

/* False when the fetch is over.  A burst of large bodies must not be held twice: the request's own
 * bytes stay until they are sent. */
static bool offer(struct http_fetch *f)
{
    struct str pieces[PIECES_MAX];
    unsigned n = clip(pieces, all_pieces(f, pieces), f->sent, OFFER_MAX);
    size_t taken = 0;
    int err = stream_offer(&f->conn->stream, pieces, n, &taken);

    if (!put_over(f, err, taken))
        return false;
    f->sent += taken;
    return true;
}

static bool write_slice(struct http_fetch *f)
{
    struct str pieces[PIECES_MAX];
    uint64_t before = f->sent;
    unsigned n;

    if (!offer(f))
        return false;
    if (f->sent == f->total || f->sent - before == OFFER_MAX)
        return true;
    n = clip(pieces, all_pieces(f, pieces), f->sent,
             f->conn->stream.ssl != NULL ? SEAL_MAX : COPY_MAX);
    if (!put(f, pieces, n))
        return false;
    f->sent += count_bytes(pieces, n);
    return true;
}

static bool write_early(struct http_fetch *f)
{
    struct str bytes = buf_str(&f->early);
    bool ok;

    if (bytes.len == 0)
        return true;
    f->streamed = true;
    ok = put(f, &bytes, 1);
    buf_done(&f->early);
    return ok;
}

void send_reset(struct http_fetch *f)
{
    struct str pieces[PIECES_MAX];
    unsigned n;

    n = all_pieces(f, pieces);
    f->total = count_bytes(pieces, n);
    f->early = (struct buf){.max = EARLY_MAX};
    f->refused = f->streamed = f->stream_over = f->wants_drain = false;
    send_again(f);
}

void send_again(struct http_fetch *f)
{
    f->sending = true;
    f->write_on = false;
    f->sent = 0;
}

/* As much as the socket takes, in one system call for the usual request. */
void send_request(struct http_fetch *f)
{
    const struct stream *s = &f->conn->stream;
    uint64_t stop = f->sent + TURN_MAX;

    if (!f->sending || f->refused)
        return;
    while (f->sent < f->total && stream_queued(s) == 0 && f->sent < stop) {
        if (!write_slice(f))
            return;
    }
    if (f->sent == f->total && !write_early(f))
        return;
    if (stream_queued(s) > 0) {
        fetch_arm(f);
        return;
    }
    if (f->sent < f->total) {
        f->write_on = true;
        fetch_poke(f);
    } else if (!f->request.body_streamed || f->stream_over) {
        request_sent(f);
        fetch_arm(f);
    } else if (f->wants_drain) {
        fetch_poke(f);
    }
}

void send_tell_drained(struct http_fetch *f)
{
    if (!f->wants_drain || f->conn == NULL || f->sent < f->total || f->early.len > 0 ||
        stream_queued(&f->conn->stream) > 0)
        return;
    f->wants_drain = false;
    if (f->ops->on_drain != NULL)
        f->ops->on_drain(f);
}

/* Can pieces of a streamed body go straight to the socket? */
static bool can_stream(const struct http_fetch *f)
{
    return f->conn != NULL && f->phase >= HTTP_PHASE_SEND && f->sent == f->total &&
           f->early.len == 0;
}

static void stream_early(struct http_fetch *f, const struct str *pieces, unsigned n)
{
    int err = 0;

    for (unsigned i = 0; i < n && err == 0; i++)
        err = buf_put(&f->early, pieces[i]);
    if (err != 0)
        fetch_fail_later(f, HTTP_FAIL_LIMIT, err);
}

static enum flow stream_out(struct http_fetch *f, const struct str *pieces, unsigned n)
{
    if (!f->active || !f->sending || f->refused)
        return FLOW_MORE;
    if (!can_stream(f)) {
        stream_early(f, pieces, n);
        return FLOW_HOLD;
    }
    f->streamed = true;
    if (!put(f, pieces, n))
        return FLOW_HOLD;
    fetch_arm(f);
    return stream_queued(&f->conn->stream) > QUEUED_MAX ? FLOW_HOLD : FLOW_MORE;
}

enum flow http_fetch_send(struct http_fetch *f, struct str piece)
{
    char size[24];
    int n = snprintf(size, sizeof(size), "%zx\r\n", piece.len);
    struct str framed[3] = {{size, (size_t)n}, piece, STR("\r\n")};
    enum flow flow;

    if (piece.len == 0) /* as a chunk it would be the end */
        return FLOW_MORE;
    flow = f->request.chunked ? stream_out(f, framed, 3) : stream_out(f, &piece, 1);
    f->wants_drain = flow == FLOW_HOLD;
    return flow;
}

void http_fetch_send_end(struct http_fetch *f)
{
    struct str last = STR("0\r\n\r\n");

    if (f->request.chunked)
        (void)stream_out(f, &last, 1);
    f->stream_over = true;
    f->wants_drain = false;
    if (f->active && can_stream(f))
        send_request(f);
}
