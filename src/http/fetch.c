/*
 * The life of one fetch: a connection, the request out, the reply in, and the limits on each.
 *
 * A callback to the caller is always the last thing a function here does, for the caller may
 * cancel, start again or free the fetch in it.  Trouble found while the caller (or a neighbour
 * of the same pool) is on the stack waits in `pending` for the alarm.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http/fetch.h"

#include "http/dial.h"
#include "http/failure.h"
#include "http/send.h"

static uint64_t now_ms(const struct http_fetch *f)
{
    return loop_now_ms(f->client->loop);
}

/* Limits. */

/* Milliseconds from since_ms, or 0. */
uint32_t fetch_limit_ms(const struct http_fetch *f)
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
    uint32_t ms = fetch_limit_ms(f);
    uint64_t due = ms > 0 ? f->since_ms + ms : 0;
    uint64_t deadline = f->limits.deadline_ms;

    return deadline > 0 && (due == 0 || deadline < due) ? deadline : due;
}

/* An alarm that rings too early is set again then, so most progress costs nothing here. */
void fetch_arm(struct http_fetch *f)
{
    uint64_t due = limit_due(f);

    if (due > 0 && (!alarm_is_set(&f->alarm) || due < f->alarm.due_ms))
        alarm_set(&f->client->alarms, &f->alarm, due);
}

/* Come back to it in the next turn. */
void fetch_poke(struct http_fetch *f)
{
    alarm_set(&f->client->alarms, &f->alarm, now_ms(f));
}

void fetch_fail_later(struct http_fetch *f, enum http_failure failure, int err)
{
    f->pending = (uint8_t)failure;
    f->pending_err = err;
    f->sending = false;
    fetch_poke(f);
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

void fetch_fail(struct http_fetch *f, enum http_failure failure, int err, const char *why)
{
    char text[256]; /* `why` may be the connection's */

    failure_text(f, failure, err, why, text, sizeof(text));
    let_go(f);
    f->ops->on_fail(f, failure, text);
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
    send_again(f);
    fetch_dial(f);
}

void fetch_write_failed(struct http_fetch *f, int err)
{
    if (may_replay(f))
        replay(f);
    else
        fetch_fail_later(f, HTTP_FAIL_RESET, err);
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
    send_request(f);
    fetch_arm(f);
}

void fetch_dial(struct http_fetch *f)
{
    int err;

    f->pool->slots++;
    fetch_enter(f, HTTP_PHASE_RESOLVE);
    f->since_ms = now_ms(f);
    err = dial_start(f);
    if (err == 0) {
        fetch_arm(f);
        return;
    }
    f->pool->slots--;
    fetch_fail_later(f, f->phase == HTTP_PHASE_RESOLVE ? HTTP_FAIL_RESOLVE : HTTP_FAIL_CONNECT,
                     err);
}

/* What comes back. */

void fetch_head(struct http_fetch *f, unsigned status)
{
    f->head_ns = loop_turn_ns(f->client->loop);
    f->since_ms = now_ms(f);
    f->refused = f->sending && status >= 300;
    fetch_enter(f, HTTP_PHASE_BODY);
    fetch_arm(f);
}

void fetch_drained(struct http_fetch *f)
{
    f->since_ms = now_ms(f);
    send_request(f);
    send_tell_drained(f);
}

void http_fetch_resume(struct http_fetch *f)
{
    if (!f->active || !f->held)
        return;
    f->held = false;
    f->since_ms = now_ms(f);
    stream_resume(&f->conn->stream);
    fetch_arm(f);
}

/* Once a byte of the reply has come the request is not sent again. */
bool http_fetch_forget(struct http_fetch *f)
{
    if (!f->active || f->phase != HTTP_PHASE_BODY || f->sending)
        return false;
    f->request.head = (struct str){NULL, 0};
    f->request.body_count = 0;
    memset(f->request.body, 0, sizeof(f->request.body));
    response_forget(&f->conn->response);
    return true;
}

static void time_out(struct http_fetch *f, uint64_t due)
{
    f->deadline_hit = due == f->limits.deadline_ms;
    if (f->phase == HTTP_PHASE_CONNECT)
        dns_forget(f->client->dns, f->origin->dial_host.ptr);
    fetch_fail(f, HTTP_FAIL_TIMEOUT, -ETIMEDOUT, NULL);
}

/* A refusal of a large body comes with a reset as often as not: first look whether it is there. */
static void tell_pending(struct http_fetch *f)
{
    struct http_upconn *c = f->conn;

    if (c != NULL && f->pending == HTTP_FAIL_RESET) {
        upconn_last_words(c);
        if (c->fetch == NULL)
            return; /* it was a whole reply, or the caller had enough */
    }
    fetch_fail(f, (enum http_failure)f->pending, f->pending_err, NULL);
}

static void ring(struct alarm *a)
{
    struct http_fetch *f = CONTAINER_OF(a, struct http_fetch, alarm);
    uint64_t due;

    if (f->pending != HTTP_FAIL_NONE) {
        tell_pending(f);
        return;
    }
    if (f->write_on) {
        f->write_on = false;
        send_request(f);
    }
    due = limit_due(f);
    if (due > 0 && due <= now_ms(f)) {
        time_out(f, due);
        return;
    }
    fetch_arm(f);
    send_tell_drained(f);
}

/* The caller's side. */

static void reset(struct http_fetch *f)
{
    f->phase = HTTP_PHASE_QUEUE;
    f->started_ns = loop_turn_ns(f->client->loop);
    f->sent_ns = f->head_ns = 0;
    f->bytes_out = f->bytes_in = 0;
    f->reused = f->replayed = f->deadline_hit = false;
    f->dial = NULL;
    f->conn = NULL;
    f->alarm.ring = ring;
    f->since_ms = now_ms(f);
    f->pending_err = 0;
    f->pending = HTTP_FAIL_NONE;
    f->active = true;
    f->held = false;
    send_reset(f);
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
        fetch_arm(f);
    } else {
        fetch_fail_later(f, HTTP_FAIL_LIMIT, 0);
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
        fetch_fail_later(f, HTTP_FAIL_TIMEOUT, -ETIMEDOUT);
    else
        get_connection(f, p);
    return 0;
}
