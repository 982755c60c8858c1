/*
 * The life of one fetch: a connection, the request out, the reply in, and the limits on each.
 *
 * A callback to the caller is always the last thing a function here does, for the caller may
 * cancel, start again or free the fetch in it.  Trouble found while the caller (or a neighbour
 * of the same pool) is on the stack waits in `pending` for the alarm.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http/fetch.h"

#include <stdio.h>

#include "http/dial.h"

/* A streamed body's pieces: one at a time is copied beyond it. */
#define QUEUED_MAX (256u * 1024u)
/* Written to a willing socket before others get their turn. */
#define TURN_MAX (1024u * 1024u)
/* Of a streamed body, before there is a connection. */
#define EARLY_MAX (1024u * 1024u)
/* Head in up to five pieces, and the body's eight. */
#define PIECES_MAX 13u

static uint64_t now_ms(const struct http_fetch *f)
{
    return loop_now_ms(f->client->loop);
}

/* Limits. */

/* Milliseconds from since_ms, or 0. */
static uint32_t limit_ms(const struct http_fetch *f)
{
    switch (f->phase) {
    case HTTP_PHASE_QUEUE:
        return 0;
    case HTTP_PHASE_RESOLVE:
    case HTTP_PHASE_CONNECT:
    case HTTP_PHASE_TLS:
        return f->limits.connect_ms;
    case HTTP_PHASE_SEND: /* waiting for the caller's bytes is not the upstream's fault */
        return stream_queued(&f->conn->stream) > 0 ? f->limits.idle_ms : 0;
    case HTTP_PHASE_HEADERS:
        return f->limits.headers_ms;
    case HTTP_PHASE_BODY:
        return f->held ? 0 : f->limits.idle_ms;
    }
    return 0;
}

static uint64_t limit_due(const struct http_fetch *f)
{
    uint32_t ms = limit_ms(f);
    uint64_t due = ms > 0 ? f->since_ms + ms : 0;
    uint64_t deadline = f->limits.deadline_ms;

    return deadline > 0 && (due == 0 || deadline < due) ? deadline : due;
}

/* An alarm that rings too early is set again then, so most progress costs nothing here. */
static void arm(struct http_fetch *f)
{
    uint64_t due = limit_due(f);

    if (due > 0 && (!alarm_is_set(&f->alarm) || due < f->alarm.due_ms))
        alarm_set(&f->client->alarms, &f->alarm, due);
}

/* Come back to it in the next turn. */
static void poke(struct http_fetch *f)
{
    alarm_set(&f->client->alarms, &f->alarm, now_ms(f));
}

static void fail_later(struct http_fetch *f, enum http_failure failure, int err)
{
    f->pending = (uint8_t)failure;
    f->pending_err = err;
    f->sending = false;
    poke(f);
}

static unsigned *gauge(struct http_fetch *f)
{
    struct http_client_counts *n = &f->client->counts;

    switch (f->phase) {
    case HTTP_PHASE_QUEUE:
        return &n->waiting;
    case HTTP_PHASE_RESOLVE:
    case HTTP_PHASE_CONNECT:
    case HTTP_PHASE_TLS:
        return &n->connecting;
    case HTTP_PHASE_SEND:
    case HTTP_PHASE_HEADERS:
    case HTTP_PHASE_BODY:
        return &n->active;
    }
    return &n->waiting;
}

void fetch_enter(struct http_fetch *f, enum http_phase phase)
{
    --*gauge(f);
    f->phase = phase;
    ++*gauge(f);
}

/* What it holds. */

static void let_go(struct http_fetch *f)
{
    struct pool *p = f->pool;

    f->active = false;
    --*gauge(f);
    alarm_drop(&f->client->alarms, &f->alarm);
    buf_done(&f->early);
    if (list_linked(&f->link)) {
        list_unlink(&f->link);
        p->waiting_count--;
    }
    if (f->dial != NULL) {
        dial_cancel(f->dial);
        p->slots--;
    }
    if (f->conn != NULL)
        upconn_close(f->conn, true);
    f->conn = NULL;
    p->fetches--;
    pool_settle(p);
}

void http_fetch_cancel(struct http_fetch *f)
{
    if (f->active)
        let_go(f);
}

void fetch_end(struct http_fetch *f)
{
    let_go(f);
    f->ops->on_end(f);
}

static const char *awaited(enum http_phase phase)
{
    switch (phase) {
    case HTTP_PHASE_QUEUE:
        return "waiting for a connection";
    case HTTP_PHASE_RESOLVE:
        return "resolving the name";
    case HTTP_PHASE_CONNECT:
        return "connecting";
    case HTTP_PHASE_TLS:
        return "in the TLS handshake";
    case HTTP_PHASE_SEND:
        return "sending the request";
    case HTTP_PHASE_HEADERS:
        return "waiting for the reply's head";
    case HTTP_PHASE_BODY:
        return "waiting for the reply's body";
    }
    return "";
}

static void describe(const struct http_fetch *f, enum http_failure failure, int err,
                     const char *why, char *to, size_t size)
{
    const struct http_origin *o = f->origin;
    const char *text = why != NULL ? why : err != 0 ? uv_strerror(err) : "closed by the peer";

    switch (failure) {
    case HTTP_FAIL_RESOLVE:
        snprintf(to, size, "resolve %.*s: %s", STR_ARG(o->dial_host), text);
        return;
    case HTTP_FAIL_CONNECT:
        snprintf(to, size, "connect to %.*s:%u: %s", STR_ARG(o->dial_host), o->dial_port, text);
        return;
    case HTTP_FAIL_TLS:
        snprintf(to, size, "TLS with %.*s:%u: %s", STR_ARG(o->set.host), o->set.port, text);
        return;
    case HTTP_FAIL_TIMEOUT:
        if (f->deadline_hit)
            snprintf(to, size, "the deadline passed %s", awaited(f->phase));
        else
            snprintf(to, size, "%u ms passed %s", limit_ms(f), awaited(f->phase));
        return;
    case HTTP_FAIL_RESET:
        snprintf(to, size, "connection lost %s: %s", awaited(f->phase), text);
        return;
    case HTTP_FAIL_CUT:
        snprintf(to, size, "the reply was cut short %s", awaited(f->phase));
        return;
    case HTTP_FAIL_PROTOCOL:
        snprintf(to, size, "the reply is not HTTP/1.1: %s", text);
        return;
    case HTTP_FAIL_LIMIT:
        snprintf(to, size, "%s", why != NULL || err != 0 ? text : "the pool's queue is full");
        return;
    case HTTP_FAIL_NONE:
        break;
    }
    snprintf(to, size, "%s", text);
}

void fetch_fail(struct http_fetch *f, enum http_failure failure, int err, const char *why)
{
    char text[256]; /* `why` may be the connection's */

    describe(f, failure, err, why, text, sizeof(text));
    let_go(f);
    f->ops->on_fail(f, failure, text);
}

/* The request. */

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
    f->sent_ns = loop_clock_ns();
    if (f->phase != HTTP_PHASE_SEND) /* the reply has begun already */
        return;
    fetch_enter(f, HTTP_PHASE_HEADERS);
    f->since_ms = now_ms(f);
}

static void write_failed(struct http_fetch *f, int err);

static bool put(struct http_fetch *f, const struct str *pieces, unsigned n)
{
    int err = stream_write(&f->conn->stream, pieces, n);

    f->since_ms = now_ms(f);
    if (err == 0) {
        f->bytes_out += count_bytes(pieces, n);
        return true;
    }
    write_failed(f, err);
    return false;
}

static bool write_slice(struct http_fetch *f)
{
    struct str pieces[PIECES_MAX];
    unsigned n = clip(pieces, all_pieces(f, pieces), f->sent, QUEUED_MAX);

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

/* As much as the socket takes, in one system call for the usual request. */
static void write_request(struct http_fetch *f)
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
        arm(f);
        return;
    }
    if (f->sent < f->total) {
        f->write_on = true;
        poke(f);
    } else if (!f->request.body_streamed || f->stream_over) {
        request_sent(f);
        arm(f);
    } else if (f->wants_drain) {
        poke(f);
    }
}

/* A pooled connection may have been closed by the peer before our request reached it.  With no
 * byte of a reply the request cannot have been answered, so it goes out again, once (R21). */
static bool may_replay(const struct http_fetch *f)
{
    return f->conn->used && !f->conn->heard && !f->replayed && !f->streamed;
}

static void replay(struct http_fetch *f)
{
    upconn_close(f->conn, false);
    f->conn = NULL;
    f->replayed = true;
    f->reused = false;
    f->sending = true;
    f->write_on = false;
    f->sent = 0;
    fetch_dial(f);
}

static void write_failed(struct http_fetch *f, int err)
{
    if (may_replay(f))
        replay(f);
    else
        fail_later(f, HTTP_FAIL_RESET, err);
}

void fetch_broken(struct http_fetch *f, int err)
{
    const char *why = err == -EPROTO ? stream_why(&f->conn->stream) : NULL;

    if (may_replay(f))
        replay(f);
    else
        fetch_fail(f, f->conn->heard && err == 0 ? HTTP_FAIL_CUT : HTTP_FAIL_RESET, err, why);
}

void fetch_begin(struct http_fetch *f, struct http_upconn *conn)
{
    f->conn = conn;
    f->reused = conn->used;
    upconn_begin(conn, f);
    fetch_enter(f, HTTP_PHASE_SEND);
    write_request(f);
    arm(f);
}

void fetch_dial(struct http_fetch *f)
{
    int err;

    f->pool->slots++;
    fetch_enter(f, HTTP_PHASE_RESOLVE);
    f->since_ms = now_ms(f);
    err = dial_start(f);
    if (err == 0) {
        arm(f);
        return;
    }
    f->pool->slots--;
    fail_later(f, f->phase == HTTP_PHASE_RESOLVE ? HTTP_FAIL_RESOLVE : HTTP_FAIL_CONNECT, err);
}

/* What comes back. */

void fetch_head(struct http_fetch *f, unsigned status)
{
    f->head_ns = loop_clock_ns();
    f->since_ms = now_ms(f);
    f->refused = f->sending && status >= 300;
    fetch_enter(f, HTTP_PHASE_BODY);
    arm(f);
}

static void tell_drained(struct http_fetch *f)
{
    if (!f->wants_drain || f->conn == NULL || f->sent < f->total || f->early.len > 0 ||
        stream_queued(&f->conn->stream) > 0)
        return;
    f->wants_drain = false;
    if (f->ops->on_drain != NULL)
        f->ops->on_drain(f);
}

void fetch_drained(struct http_fetch *f)
{
    f->since_ms = now_ms(f);
    write_request(f);
    tell_drained(f);
}

void http_fetch_resume(struct http_fetch *f)
{
    if (!f->active || !f->held)
        return;
    f->held = false;
    f->since_ms = now_ms(f);
    stream_resume(&f->conn->stream);
    arm(f);
}

static void time_out(struct http_fetch *f, uint64_t due)
{
    f->deadline_hit = due == f->limits.deadline_ms;
    if (f->phase == HTTP_PHASE_CONNECT)
        dns_forget(f->client->dns, f->origin->dial_host.ptr);
    fetch_fail(f, HTTP_FAIL_TIMEOUT, -ETIMEDOUT, NULL);
}

static void ring(struct alarm *a)
{
    struct http_fetch *f = CONTAINER_OF(a, struct http_fetch, alarm);
    uint64_t due;

    if (f->pending != HTTP_FAIL_NONE) {
        fetch_fail(f, (enum http_failure)f->pending, f->pending_err, NULL);
        return;
    }
    if (f->write_on) {
        f->write_on = false;
        write_request(f);
    }
    due = limit_due(f);
    if (due > 0 && due <= now_ms(f)) {
        time_out(f, due);
        return;
    }
    arm(f);
    tell_drained(f);
}

/* The caller's side. */

static void reset(struct http_fetch *f)
{
    struct str pieces[PIECES_MAX];

    f->phase = HTTP_PHASE_QUEUE;
    f->started_ns = loop_clock_ns();
    f->sent_ns = f->head_ns = 0;
    f->bytes_out = f->bytes_in = 0;
    f->reused = f->replayed = f->deadline_hit = false;
    f->dial = NULL;
    f->conn = NULL;
    f->alarm.ring = ring;
    f->early = (struct buf){.max = EARLY_MAX};
    f->total = count_bytes(pieces, all_pieces(f, pieces));
    f->sent = 0;
    f->since_ms = now_ms(f);
    f->pending_err = 0;
    f->pending = HTTP_FAIL_NONE;
    f->active = f->sending = true;
    f->refused = f->write_on = f->streamed = f->stream_over = false;
    f->wants_drain = f->held = false;
}

static void get_connection(struct http_fetch *f, struct pool *p)
{
    struct http_upconn *conn = pool_take(p);

    if (LIKELY(conn != NULL)) {
        fetch_begin(f, conn);
    } else if (p->slots < p->origin->set.connections_max) {
        fetch_dial(f);
    } else if (p->waiting_count < p->origin->set.queue_max) {
        list_append(&p->waiting, &f->link);
        p->waiting_count++;
        arm(f);
    } else {
        fail_later(f, HTTP_FAIL_LIMIT, 0);
    }
}

int http_fetch_start(struct http_fetch *f)
{
    struct pool *p = pool_get(f->client, f->origin);

    assert(!f->active && f->request.body_count <= COUNTOF(f->request.body));
    if (p == NULL)
        return -ENOMEM;
    reset(f);
    f->pool = p;
    p->fetches++;
    ++*gauge(f);
    f->deadline_hit = f->limits.deadline_ms > 0 && f->limits.deadline_ms <= now_ms(f);
    if (UNLIKELY(f->deadline_hit))
        fail_later(f, HTTP_FAIL_TIMEOUT, -ETIMEDOUT);
    else
        get_connection(f, p);
    return 0;
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
        fail_later(f, HTTP_FAIL_LIMIT, err);
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
    arm(f);
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
        write_request(f);
}
