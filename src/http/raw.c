/* SPDX-License-Identifier: Apache-2.0 */
#include "http/raw.h"

#include "http/server_conn.h"

enum flow http_call_raw(struct http_call *call, struct str bytes)
{
    struct http_conn *c = call->conn;

    if (call->replied || call->left || bytes.len == 0)
        return FLOW_MORE;
    conn_send(c, &bytes, 1);
    c->holding = stream_queued(&c->stream) > c->server->settings.limits.out_buffer_bytes;
    return c->holding ? FLOW_HOLD : FLOW_MORE;
}

void http_call_close(struct http_call *call, bool reset)
{
    struct http_conn *c = call->conn;

    if (call->left)
        return;
    call->replied = true;
    if (reset) {
        c->aborted = true;
        c->chunked = c->sized = false; /* what is cut within a frame would end with FIN */
    } else {
        c->close_after = true;
    }
    conn_later(c);
}

uint64_t http_call_connection(struct http_call *call)
{
    static atomic_ullong last;

    if (call->conn->serial == 0)
        call->conn->serial = atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
    return call->conn->serial;
}

unsigned *http_call_mark(struct http_call *call)
{
    return &call->conn->mark;
}
