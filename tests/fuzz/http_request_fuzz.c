/*
 * http_request_fuzz.c - bytes of strangers against the request reader.
 *
 * The first byte says how the rest is cut into reads.  However it is cut, the same requests must
 * come out, and what comes out must keep the promises of server_request.h.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "fuzz/fuzz.h"
#include "http/server_request.h"

static const struct http_server_limits limits = {
    .header_bytes = 2048, .header_fields = 20, .body_bytes = 4096, .arena_bytes = 1 << 20};

struct run {
    struct request_reader reader;
    struct http_call call;
    struct buf body;    /* of the request being read */
    struct buf summary; /* of all requests */
    unsigned pieces;    /* after every third piece the reader is held up */
    bool hold;
};

static enum flow on_body(struct request_reader *r, struct str piece)
{
    struct run *run = CONTAINER_OF(r, struct run, reader);

    must(buf_put(&run->body, piece) == 0);
    return run->hold && ++run->pieces % 3 == 0 ? FLOW_HOLD : FLOW_MORE;
}

static void check_head(const struct http_call *c)
{
    must(c->target.len > 0 && c->target.ptr[0] == '/');
    must(str_find(c->path, STR("//")) == NULL && str_find(c->path, STR("/../")) == NULL);
    must(c->fields.count <= limits.header_fields);
    for (uint32_t i = 0; i < c->fields.count; i++)
        must(c->fields.at[i].name.len > 0 && http_value_is_safe(c->fields.at[i].value));
    must(http_fields_find(&c->fields, STR("content-length")).ptr == NULL ||
         http_fields_find(&c->fields, STR("transfer-encoding")).ptr == NULL);
    must(c->content_length <= (int64_t)limits.body_bytes);
}

static void check_end(const struct run *run)
{
    must(run->body.len <= limits.body_bytes);
    must(run->call.content_length < 0 || (uint64_t)run->call.content_length == run->body.len);
}

static void note(struct run *run, char what, struct str s)
{
    must(buf_printf(&run->summary, "%c%zu:", what, s.len) == 0);
    must(buf_put(&run->summary, s) == 0);
}

static void begin(struct run *run)
{
    arena_done(&run->call.arena);
    run->call = (struct http_call){.arena.max = limits.arena_bytes};
    run->body.len = 0;
    request_reader_reset(&run->reader);
}

static void note_head(struct run *run)
{
    check_head(&run->call);
    note(run, 'H', run->call.method);
    note(run, 'T', run->call.target);
    for (uint32_t i = 0; i < run->call.fields.count; i++) {
        note(run, 'N', run->call.fields.at[i].name);
        note(run, 'V', run->call.fields.at[i].value);
    }
}

/* Give the reader what there is; false once it has refused. */
static bool feed(struct run *run, struct str bytes, size_t *ret_used)
{
    size_t at = 0, used;

    for (;;) {
        enum request_step step = request_read(&run->reader, str_skip(bytes, at), &used);

        must(used <= bytes.len - at);
        at += used;
        *ret_used = at;
        switch (step) {
        case REQUEST_MORE:
            return true;
        case REQUEST_HEAD:
            note_head(run);
            break;
        case REQUEST_HELD:
            break;
        case REQUEST_END:
            check_end(run);
            note(run, 'B', buf_str(&run->body));
            begin(run);
            if (at == bytes.len)
                return true;
            break;
        case REQUEST_BAD:
            must(run->reader.refusal.status >= 400);
            note(run, 'X', (struct str){NULL, 0});
            return false;
        }
    }
}

static void run_all(struct run *run, struct str input, size_t cut)
{
    struct buf held = {0};
    bool good = true;

    run->reader.call = &run->call;
    run->reader.limits = &limits;
    run->reader.on_body = on_body;
    begin(run);
    while (good && input.len > 0) {
        size_t n = cut < input.len ? cut : input.len, used = 0;

        must(buf_put(&held, (struct str){input.ptr, n}) == 0);
        input = str_skip(input, n);
        good = feed(run, buf_str(&held), &used);
        buf_drop(&held, used);
        must(!good || held.len <= limits.header_bytes);
    }
    arena_done(&run->call.arena);
    buf_done(&run->body);
    buf_done(&held);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct run whole = {0}, split = {.hold = true};
    struct str input;

    if (size < 1 || size > 16384)
        return 0;
    input = (struct str){(const char *)data + 1, size - 1};
    run_all(&whole, input, input.len);
    run_all(&split, input, 1 + data[0] % 64u);
    /* A refusal may come earlier when the end is not there yet, but never another request. */
    must(str_eq(buf_str(&whole.summary), buf_str(&split.summary)));
    buf_done(&whole.summary);
    buf_done(&split.summary);
    arena_thread_done();
    return 0;
}
