/* SPDX-License-Identifier: Apache-2.0 */
#include "http/server_conn.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* What a client may pipeline behind a call in progress before we stop reading. */
#define HELD_BYTES_MAX (64u * 1024u)
#define LINGER_BYTES_MAX (1024u * 1024u)
#define SPARE_CONNS_MAX 256u

static struct http_conn *conn_of(struct stream *s)
{
    return CONTAINER_OF(s, struct http_conn, stream);
}

static bool is_over(const struct http_conn *c)
{
    return c->state == CONN_LINGER || c->state == CONN_CLOSING;
}

static void enter(struct http_conn *c, enum conn_state state)
{
    static const enum deadline_kind kinds[] = {
        [CONN_OPENING] = DEADLINE_HEADER, [CONN_IDLE] = DEADLINE_KEEPALIVE,
        [CONN_HEAD] = DEADLINE_HEADER,    [CONN_CALL] = DEADLINE_BODY,
        [CONN_DROP] = DEADLINE_BODY,      [CONN_LINGER] = DEADLINE_LINGER,
    };

    c->state = state;
    if (state == CONN_CLOSING || state == CONN_LINGER) {
        deadline_stop(&c->watch);
        list_unlink(&c->later.link);
    }
    if (state == CONN_CLOSING || (state == CONN_CALL && c->reader.whole))
        deadline_stop(&c->limit);
    else
        deadline_start(&c->server->deadlines, &c->limit, kinds[state]);
}

/* ---- Ends of a call and of a connection */

static void close_now(struct http_conn *c, bool reset)
{
    enter(c, CONN_CLOSING);
    deadline_stop(&c->stall);
    stream_close(&c->stream, reset);
}

/* Nothing more is to be read: close once the reply is out. */
static void close_after_queue(struct http_conn *c)
{
    enter(c, CONN_CLOSING);
    stream_finish(&c->stream);
}

/* The client may still be sending.  Closing at once would answer that with a reset, which makes
 * its kernel throw our reply away before it is read (RFC 9112 section 9.6). */
static void linger(struct http_conn *c)
{
    enter(c, CONN_LINGER);
    stream_shutdown(&c->stream);
    stream_resume(&c->stream);
}

static void call_reset(struct http_conn *c)
{
    struct http_call *call = &c->call;
    char peer[sizeof(call->peer)];

    conn_body_free(c);
    arena_done(&call->arena);
    memcpy(peer, call->peer, sizeof(peer)); /* the connection's; all else is the call's */
    *call = (struct http_call){.loop = call->loop, .conn = c};
    memcpy(call->peer, peer, sizeof(peer));
    c->own = c->stream_body = c->paused = c->holding = c->aborted = false;
    c->chunked = c->sized = c->bodiless = c->expects_100 = c->told_ready = false;
    c->head = (struct str){NULL, 0};
    list_unlink(&c->later.link);
}

static void call_done(struct http_conn *c)
{
    if (!c->own) {
        c->server->busy--;
        c->server->handler->done(&c->call);
    }
    call_reset(c);
}

void conn_call_gone(struct http_conn *c)
{
    c->call.left = true;
    if (!c->own && !c->call.replied)
        c->server->handler->gone(&c->call);
    call_done(c);
}

void conn_cut(struct http_conn *c, bool reset)
{
    if (c->state == CONN_CALL)
        conn_call_gone(c);
    close_now(c, reset);
}

static void next_request(struct http_conn *c)
{
    request_reader_reset(&c->reader);
    if (c->server->draining)
        close_after_queue(c);
    else
        enter(c, CONN_IDLE);
}

/* The reply has ended and was handed to the stream. */
static void finish_call(struct http_conn *c)
{
    bool aborted = c->aborted;
    bool framed = c->chunked || c->sized; /* the client can tell that it was cut */

    call_done(c);
    if (aborted && !framed)
        close_now(c, true);
    else if (aborted)
        close_after_queue(c);
    else if (c->close_after && c->reader.whole)
        close_after_queue(c);
    else if (c->close_after)
        linger(c);
    else if (c->reader.whole)
        next_request(c);
    else
        enter(c, CONN_DROP);
}

void conn_settle(struct http_conn *c)
{
    if (c->state == CONN_CLOSING)
        return;
    if (c->broken)
        conn_cut(c, true);
    else if (c->state == CONN_CALL && c->call.replied)
        finish_call(c);
}

/* ---- Bytes in */

/* What the handler does not want (any more) is dropped here. */
static enum flow on_body(struct request_reader *r, struct str piece)
{
    struct http_conn *c = CONTAINER_OF(r, struct http_conn, reader);

    if (c->state != CONN_CALL || c->own || c->call.replied || c->broken)
        return FLOW_MORE;
    if (c->stream_body)
        c->server->handler->body(&c->call, piece);
    else if (!conn_body_put(c, piece))
        return FLOW_MORE; /* the reader has the refusal */
    return c->paused ? FLOW_HOLD : FLOW_MORE;
}

/* "Go on", to a client that waits for it and whose body is wanted. */
static void say_continue(struct http_conn *c)
{
    struct str line = STR("HTTP/1.1 100 Continue\r\n\r\n");

    if (!c->expects_100 || c->paused || c->call.status != 0 || c->call.replied)
        return;
    c->expects_100 = false;
    conn_send(c, &line, 1);
}

static void on_head(struct http_conn *c, bool body_came)
{
    c->close_after = !c->reader.keep_alive;
    c->expects_100 = c->reader.expects_100 && !body_came;
    c->call.arena.max = c->server->settings.limits.arena_bytes;
    enter(c, CONN_CALL);
    if (conn_preflight(c))
        return;
    c->server->busy++;
    c->stream_body = c->server->handler->head(&c->call) == HTTP_BODY_STREAM;
    say_continue(c);
}

static void on_whole(struct http_conn *c)
{
    if (c->state == CONN_DROP) {
        next_request(c);
        return;
    }
    deadline_stop(&c->limit);
    c->told_ready = true;
    if (!c->stream_body)
        c->call.body = buf_str(&c->body);
    c->server->handler->ready(&c->call);
}

static bool wants_bytes(const struct http_conn *c)
{
    switch (c->state) {
    case CONN_IDLE:
    case CONN_HEAD:
    case CONN_DROP:
        return true;
    case CONN_CALL:
        return !c->call.replied && !c->paused && !c->told_ready;
    case CONN_OPENING:
    case CONN_LINGER:
    case CONN_CLOSING:
        break;
    }
    return false;
}

static void begin_head(struct http_conn *c)
{
    c->call.started_ns = loop_turn_ns(c->call.loop);
    c->call.bytes_in = c->call.bytes_out = 0;
    request_reader_reset(&c->reader);
    c->state = CONN_HEAD; /* its time limit starts only if it does not come whole */
}

/* All bytes were looked at and `left` of them, part of a head, are to be kept. */
static void need_more(struct http_conn *c, size_t left)
{
    if (c->state != CONN_HEAD)
        return;
    if (left == 0)
        c->state = CONN_IDLE; /* only empty lines: nothing has begun */
    else if (c->limit.kind != DEADLINE_HEADER)
        enter(c, CONN_HEAD);
}

/* Use as much of `bytes` as the state of things allows; the number of bytes used. */
static size_t consume(struct http_conn *c, struct str bytes)
{
    enum request_step step = REQUEST_HEAD;
    size_t at = 0, used;

    c->consuming = true;
    while (step != REQUEST_MORE && wants_bytes(c) &&
           (at < bytes.len || request_pending(&c->reader))) {
        if (c->state == CONN_IDLE)
            begin_head(c);
        step = request_read(&c->reader, str_skip(bytes, at), &used);
        at += used;
        switch (step) {
        case REQUEST_MORE:
            need_more(c, bytes.len - at);
            break;
        case REQUEST_HEAD:
            on_head(c, at < bytes.len);
            break;
        case REQUEST_HELD:
            break;
        case REQUEST_END:
            on_whole(c);
            break;
        case REQUEST_BAD:
            conn_refuse(c, &c->reader.refusal);
            break;
        }
        conn_settle(c);
    }
    c->consuming = false;
    return at;
}

/* Keep what was not used for later; it may lie in `held` already. */
static void keep(struct http_conn *c, struct str rest)
{
    if (is_over(c) || rest.len == 0) {
        buf_done(&c->held);
        return;
    }
    if (c->held.len > 0 && rest.ptr == c->held.ptr + c->held.len - rest.len)
        buf_drop(&c->held, c->held.len - rest.len);
    else if (buf_put(&c->held, rest) < 0)
        conn_cut(c, true); /* no memory */
}

/* Read on, or stop while there is nowhere to put what comes.  Part of a head is bounded by
 * limits.header_bytes, which may be more than what is held behind a call: to stop there would leave
 * a large head neither whole nor refused. */
static void read_or_not(struct http_conn *c)
{
    if (is_over(c))
        return;
    if (!c->paused && (c->held.len < HELD_BYTES_MAX || c->state == CONN_HEAD)) {
        deadline_stop(&c->watch);
        stream_resume(&c->stream);
    } else if (c->stream.reading) {
        stream_pause(&c->stream);
        deadline_start(&c->server->deadlines, &c->watch, DEADLINE_WATCH);
    }
}

static void go_on(struct http_conn *c)
{
    struct str bytes = buf_str(&c->held);

    if (is_over(c))
        return;
    say_continue(c);
    keep(c, str_skip(bytes, consume(c, bytes)));
    read_or_not(c);
}

static void on_data(struct stream *s, struct str bytes)
{
    struct http_conn *c = conn_of(s);

    if (c->state == CONN_LINGER) {
        c->lingered_bytes += (uint32_t)bytes.len;
        if (c->lingered_bytes > LINGER_BYTES_MAX)
            close_now(c, false);
    } else if (c->held.len > 0) {
        keep(c, bytes);
        go_on(c);
    } else {
        keep(c, str_skip(bytes, consume(c, bytes)));
        read_or_not(c);
    }
}

static void on_later(struct loop_dead *d)
{
    struct http_conn *c = CONTAINER_OF(d, struct http_conn, later);

    conn_settle(c);
    go_on(c);
}

void conn_later(struct http_conn *c)
{
    if (!c->consuming && !list_linked(&c->later.link) && c->state != CONN_CLOSING)
        loop_bury(c->server->loop, &c->later);
}

void http_call_pause(struct http_call *call)
{
    call->conn->paused = true;
    deadline_stop(&call->conn->limit);
    read_or_not(call->conn);
}

void http_call_resume(struct http_call *call)
{
    struct http_conn *c = call->conn;

    if (!c->paused)
        return;
    c->paused = false;
    if (c->state == CONN_CALL)
        enter(c, CONN_CALL); /* its time goes on */
    conn_later(c);
}

void http_call_forget(struct http_call *call, struct arena *kept)
{
    struct http_conn *c = call->conn;

    assert(c->told_ready);
    http_reply_flush(call);
    conn_body_free(c);
    call->method = call->target = call->path = call->query = call->host = (struct str){NULL, 0};
    call->fields = (struct http_fields){0};
    c->reader.field_name = c->reader.field_value = (struct str){NULL, 0};
    c->head = (struct str){NULL, 0}; /* unsent only where the reply has ended */
    arena_done(&call->arena);
    call->arena = *kept;
    *kept = (struct arena){0};
}

/* ---- The stream's other news */

static void on_ready(struct stream *s)
{
    enter(conn_of(s), CONN_IDLE);
}

/* FIN or an error.  A reply that has ended may still be on its way to a client that only said
 * that it will send no more. */
static void on_end(struct stream *s, int err)
{
    struct http_conn *c = conn_of(s);

    if (c->state == CONN_CALL && (!c->call.replied || c->aborted || err < 0)) {
        conn_cut(c, true);
        return;
    }
    if (c->state == CONN_CALL)
        call_done(c);
    if (err < 0 || c->state == CONN_LINGER)
        close_now(c, err < 0);
    else
        close_after_queue(c);
}

static void on_drain(struct stream *s)
{
    struct http_conn *c = conn_of(s);

    deadline_stop(&c->stall);
    if (c->state != CONN_CALL || !c->holding || c->call.replied)
        return;
    c->holding = false;
    if (!c->own)
        c->server->handler->drain(&c->call);
}

void conn_drain(struct http_conn *c)
{
    if (c->state == CONN_OPENING || c->state == CONN_IDLE)
        close_after_queue(c);
}

/* ---- Opening and the memory */

static void on_closed(struct stream *s)
{
    struct http_conn *c = conn_of(s);
    struct http_server *server = c->server;

    deadline_stop(&c->stall); /* it watched over what stream_finish() had to write */
    assert(!deadline_running(&c->limit) && !deadline_running(&c->watch));
    assert(!list_linked(&c->later.link));
    list_unlink(&c->link);
    buf_done(&c->held);
    if (!spares_put(&server->spare_conns, c, SPARE_CONNS_MAX))
        free(c);
    server_conn_closed(server);
}

static const struct stream_ops stream_ops = {on_ready, on_data, on_end, on_drain, on_closed};

static struct http_conn *conn_take(struct http_server *s)
{
    struct http_conn *c = spares_take(&s->spare_conns);

    return c != NULL ? c : malloc(sizeof(*c));
}

int conn_open(struct http_server *s, int fd, const char *peer)
{
    struct http_conn *c = conn_take(s);
    int err;

    if (c == NULL)
        return -ENOMEM;
    memset(c, 0, sizeof(*c));
    c->server = s;
    c->later.release = on_later;
    c->call.loop = s->loop;
    c->call.conn = c;
    memcpy(c->call.peer, peer, sizeof(c->call.peer));
    c->reader.call = &c->call;
    c->reader.limits = &s->settings.limits;
    c->reader.on_body = on_body;
    list_append(&s->conns, &c->link);
    s->open++;
    uv_tcp_init(&s->loop->uv, &c->stream.tcp); /* does not fail without an address family */
    c->stream.tcp.data = &c->stream;
    enter(c, CONN_OPENING);
    err = uv_tcp_open(&c->stream.tcp, fd);
    if (err < 0)
        close(fd);
    else
        err = stream_open_server(&c->stream, s->loop, &stream_ops, s->settings.tls);
    if (err < 0) {
        c->stream.ops = &stream_ops; /* on_closed() frees it */
        close_now(c, true);
    }
    return 0;
}
