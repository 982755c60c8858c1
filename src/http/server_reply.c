/* SPDX-License-Identifier: Apache-2.0 */
#include "http/server_conn.h"

/* Pieces of one write beside the head and the chunk's frame. */
#define PIECES_MAX 28u

void conn_send(struct http_conn *c, const struct str *pieces, unsigned n)
{
    if (c->broken)
        return;
    for (unsigned i = 0; i < n; i++)
        c->call.bytes_out += pieces[i].len;
    if (stream_write(&c->stream, pieces, n) < 0) {
        c->broken = true;
        conn_later(c); /* the handler hears gone() when it has returned */
        return;
    }
    if (stream_queued(&c->stream) > 0 && !deadline_running(&c->stall)) {
        c->accepted_bytes = stream_accepted(&c->stream);
        c->stalled_once = false;
        deadline_start(&c->server->deadlines, &c->stall, DEADLINE_STALL);
    }
}

/* "1a2b" CR LF */
static struct str chunk_size(char text[20], uint64_t n)
{
    size_t at = 18;

    text[18] = '\r';
    text[19] = '\n';
    do {
        text[--at] = "0123456789abcdef"[n % 16];
        n /= 16;
    } while (n > 0);
    return (struct str){text + at, 20 - at};
}

static bool replying(const struct http_call *c)
{
    return c->status != 0 && !c->replied && !c->left;
}

/* The head if it has not left yet, `pieces` in a frame of their own if chunked, `tail`. */
static void send_framed(struct http_conn *c, const struct str *pieces, unsigned n, uint64_t total,
                        struct str tail)
{
    struct str out[PIECES_MAX + 4];
    char size[20];
    unsigned used = 0;

    if (c->head.len > 0)
        out[used++] = c->head;
    if (c->chunked && total > 0)
        out[used++] = chunk_size(size, total);
    for (unsigned i = 0; i < n; i++)
        out[used++] = pieces[i];
    if (c->chunked && total > 0)
        out[used++] = STR("\r\n");
    if (tail.len > 0)
        out[used++] = tail;
    c->head = (struct str){NULL, 0};
    if (used > 0)
        conn_send(c, out, used);
}

static uint64_t total_of(const struct str *pieces, unsigned n)
{
    uint64_t total = 0;

    for (unsigned i = 0; i < n; i++)
        total += pieces[i].len;
    return total;
}

void http_reply_head(struct http_call *call, unsigned status, const struct http_fields *fields,
                     int64_t length)
{
    struct http_conn *c = call->conn;

    if (call->status != 0 || call->replied || call->left)
        return;
    call->status = status;
    if (conn_head_write(c, fields, length) < 0)
        conn_answer_full(c);
}

/* True if `total` more bytes fit the length that the head announced. */
static bool fits(struct http_conn *c, uint64_t total)
{
    if (!c->sized)
        return true;
    if (total > c->length_left)
        return false;
    c->length_left -= total;
    return true;
}

/* All pieces, in as many writes as they need; `tail` with the last of them. */
static bool send_pieces(struct http_conn *c, const struct str *pieces, unsigned n, struct str tail)
{
    do {
        unsigned batch = n < PIECES_MAX ? n : PIECES_MAX;
        uint64_t total = total_of(pieces, batch);

        n -= batch;
        if (!fits(c, total))
            return false;
        if (total > 0 || (n == 0 && tail.len > 0))
            send_framed(c, pieces, batch, total, n == 0 ? tail : (struct str){NULL, 0});
        pieces += batch;
    } while (n > 0);
    return true;
}

enum flow http_reply_body(struct http_call *call, const struct str *pieces, unsigned n)
{
    struct http_conn *c = call->conn;

    if (!replying(call) || c->bodiless)
        return FLOW_MORE;
    if (!send_pieces(c, pieces, n, (struct str){NULL, 0})) {
        http_reply_abort(call);
        return FLOW_MORE;
    }
    c->holding = stream_queued(&c->stream) > c->server->settings.limits.out_buffer_bytes;
    return c->holding ? FLOW_HOLD : FLOW_MORE;
}

void http_reply_flush(struct http_call *call)
{
    if (replying(call))
        send_framed(call->conn, NULL, 0, 0, (struct str){NULL, 0});
}

static void end_with(struct http_call *call, struct str bytes)
{
    struct http_conn *c = call->conn;
    struct str tail = c->chunked && !c->bodiless ? STR("0\r\n\r\n") : (struct str){NULL, 0};

    if (!replying(call))
        return;
    conn_body_uncount(c);
    if (!send_pieces(c, &bytes, c->bodiless ? 0 : 1, tail) || (c->sized && c->length_left > 0)) {
        http_reply_abort(call);
        return;
    }
    http_reply_flush(call); /* the head, if that was all */
    call->replied = true;
    conn_later(c);
}

void http_reply_last(struct http_call *call, struct str bytes)
{
    end_with(call, bytes);
}

void http_reply_end(struct http_call *call)
{
    end_with(call, (struct str){NULL, 0});
}

void http_reply_abort(struct http_call *call)
{
    if (call->replied || call->left)
        return;
    call->replied = true;
    call->conn->aborted = true;
    conn_later(call->conn);
}

void http_reply(struct http_call *call, unsigned status, const struct http_fields *fields,
                struct str body)
{
    struct http_conn *c = call->conn;

    http_reply_head(call, status, fields, (int64_t)body.len);
    if (!replying(call))
        return;
    c->length_left = 0;
    conn_body_uncount(c);
    send_framed(c, &body, c->bodiless ? 0 : 1, 0, (struct str){NULL, 0});
    call->replied = true;
    conn_later(c);
}
