/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/wire.h"

#define QUEUE_MAX (256u * 1024u * 1024u)
#define LENGTH_MORE 10
#define LENGTH_LESS 5

void sim_wire_init(struct sim_wire *w, struct http_call *c, const struct sim_script *s,
                   bool streams)
{
    bool split_byte = sim_script_has(s, SIM_SPLIT_BYTE);
    bool cut = sim_script_has(s, SIM_CUT_FIN) || sim_script_has(s, SIM_CUT_CHUNK);
    bool miscounted =
        sim_script_has(s, SIM_WRONG_LENGTH) || sim_script_has(s, SIM_WRONG_LENGTH_SHORT);

    *w = (struct sim_wire){.call = c, .script = s};
    w->queue.buf.max = QUEUE_MAX;
    w->split = split_byte || sim_script_has(s, SIM_SPLIT_UTF8);
    w->raw = split_byte || cut || (miscounted && !streams);
    w->chunked = sim_script_has(s, SIM_CUT_CHUNK) || (streams && !sim_script_has(s, SIM_CUT_FIN));
}

void sim_wire_done(struct sim_wire *w)
{
    buf_done(&w->queue.buf);
}

static int64_t announced(const struct sim_wire *w, int64_t length)
{
    if (sim_script_has(w->script, SIM_GZIP))
        length = (int64_t)gzip_size((uint64_t)length);
    if (sim_script_has(w->script, SIM_WRONG_LENGTH))
        length += LENGTH_MORE;
    if (sim_script_has(w->script, SIM_WRONG_LENGTH_SHORT))
        length = length > LENGTH_LESS ? length - LENGTH_LESS : 0;
    return length;
}

static void put_raw_head(struct sim_wire *w, unsigned status, const struct http_fields *fields,
                         int64_t length)
{
    struct out *o = &w->queue;

    OUT_LIT(o, "HTTP/1.1 ");
    out_u64(o, status);
    OUT_LIT(o, " ");
    out_put(o, http_reason(status));
    OUT_LIT(o, "\r\n");
    for (uint32_t i = 0; i < fields->count; i++) {
        out_put(o, fields->at[i].name);
        OUT_LIT(o, ": ");
        out_put(o, fields->at[i].value);
        OUT_LIT(o, "\r\n");
    }
    if (sim_script_has(w->script, SIM_SPLIT_BYTE) || (!w->chunked && length < 0))
        OUT_LIT(o, "connection: close\r\n");
    if (w->chunked)
        OUT_LIT(o, "transfer-encoding: chunked\r\n\r\n");
    else if (length >= 0)
        out_fmt(o, "content-length: %lld\r\n\r\n", (long long)announced(w, length));
    else
        OUT_LIT(o, "\r\n");
}

void sim_wire_head(struct sim_wire *w, unsigned status, const struct http_fields *fields,
                   int64_t length)
{
    if (w->raw) {
        w->call->status = status;
        put_raw_head(w, status, fields, length);
    } else {
        http_reply_head(w->call, status, fields, length >= 0 ? announced(w, length) : -1);
    }
}

static void put_raw_body(struct sim_wire *w, struct str bytes)
{
    if (bytes.len == 0)
        return;
    if (w->chunked)
        out_fmt(&w->queue, "%zx\r\n", bytes.len);
    out_put(&w->queue, bytes);
    if (w->chunked)
        OUT_LIT(&w->queue, "\r\n");
}

static enum flow put_body(struct sim_wire *w, struct str bytes)
{
    if (!w->raw && !w->split)
        return http_reply_body(w->call, &bytes, 1);
    if (w->raw)
        put_raw_body(w, bytes);
    else
        out_put(&w->queue, bytes);
    return w->split ? FLOW_MORE : sim_wire_push(w);
}

enum flow sim_wire_body(struct sim_wire *w, struct str bytes, struct out *scratch)
{
    if (!sim_script_has(w->script, SIM_GZIP))
        return put_body(w, bytes);
    out_reset(scratch, SIZE_MAX);
    gzip_put(&w->gzip, bytes, scratch);
    return put_body(w, out_str(scratch));
}

static void end_whole(struct sim_wire *w)
{
    if (!w->raw)
        http_reply_end(w->call);
    if (w->raw || sim_script_has(w->script, SIM_STALE))
        http_call_close(w->call, false);
}

static void finish(struct sim_wire *w)
{
    enum sim_ending ending = w->ending;

    w->ending = SIM_ENDING_NONE;
    switch (ending) {
    case SIM_ENDING_NONE:
        break;
    case SIM_ENDING_WHOLE:
        end_whole(w);
        break;
    case SIM_ENDING_FIN:
        http_call_close(w->call, false);
        break;
    case SIM_ENDING_RST:
        http_call_close(w->call, true);
        break;
    }
}

static void end_gzip(struct sim_wire *w)
{
    char tail[64];
    struct out o = {.buf = {.ptr = tail, .cap = sizeof(tail), .max = sizeof(tail)}};

    gzip_end(&w->gzip, &o);
    put_body(w, out_str(&o));
}

void sim_wire_end(struct sim_wire *w, enum sim_ending ending)
{
    if (ending == SIM_ENDING_WHOLE && sim_script_has(w->script, SIM_GZIP))
        end_gzip(w);
    if (ending == SIM_ENDING_WHOLE && w->raw && w->chunked)
        OUT_LIT(&w->queue, "0\r\n\r\n");
    w->ending = ending;
    if (!sim_wire_waits(w))
        finish(w);
    else if (!w->split)
        (void)sim_wire_push(w);
}

bool sim_wire_waits(const struct sim_wire *w)
{
    return w->sent < w->queue.buf.len;
}

/* How much may leave in one write: up to and with the first byte of a longer character. */
static size_t next_len(const struct sim_wire *w, struct str s)
{
    size_t n = 0;

    if (!w->split)
        return s.len;
    if (sim_script_has(w->script, SIM_SPLIT_BYTE))
        return 1;
    while (n < s.len && (unsigned char)s.ptr[n++] < 0xc0)
        ;
    return n;
}

enum flow sim_wire_push(struct sim_wire *w)
{
    struct str s = str_skip(out_str(&w->queue), w->sent);
    enum flow flow;

    s.len = next_len(w, s);
    flow = w->raw ? http_call_raw(w->call, s) : http_reply_body(w->call, &s, 1);
    w->sent += s.len;
    if (!sim_wire_waits(w)) {
        out_reset(&w->queue, 64u * 1024u);
        w->sent = 0;
        finish(w);
    }
    return flow;
}
