/* Any bytes as Amazon's event stream: what is told does not depend on where they were cut, lies
 * within them, and goes through Bedrock's decoder.  Few inputs have CRCs that are right, so the
 * same bytes are framed, too: lines of a name, a space and a payload. SPDX-License-Identifier:
 * Apache-2.0 */
#include <errno.h>

#include "fuzz/chat_listener.h"
#include "llm/eventstream.h"
#include "unit/llm/eventstream_frame.h"

#define MAX 4096u

struct told {
    struct listener l;
    struct arena arena;
    struct chat_decoder *d;
};

/* Pieces of calls may be interleaved here, and be anything. */
static bool hear(void *ctx, const struct chat_event *ev)
{
    struct told *t = ctx;
    struct listener *l = &t->l;

    must(ev->choice == 0);
    listener_order(l, ev);
    if (ev->kind == CHAT_EV_CALL)
        must(ev->call == l->calls[0]++ && ev->id.len > 0 && ev->name.len > 0);
    if (ev->kind == CHAT_EV_ARGS)
        must(ev->call < l->calls[0]);
    if (ev->kind == CHAT_EV_RAW || ev->kind == CHAT_EV_CITATION)
        must(json_scan(ev->raw, JSON_DEPTH_MAX, NULL, NULL, NULL));
    listener_hash(l, (const char *)&ev->kind, sizeof(ev->kind));
    listener_text(l, ev->text);
    listener_text(l, ev->id);
    listener_text(l, ev->name);
    return true;
}

static bool take(void *ctx, const struct eventstream_message *m)
{
    struct told *t = ctx;
    uint64_t before;

    listener_hash(&t->l, m->type.ptr, m->type.len);
    listener_hash(&t->l, m->payload.ptr, m->payload.len);
    before = t->l.hash;
    must(dialect_bedrock.decode(t->d, m->type, m->payload, hear, t) || t->l.hash == before);
    return true;
}

/* A hash of all that was told, and of how it ended. */
static uint64_t run(struct str stream, size_t piece)
{
    static struct told t; /* it is large */
    struct buf part = {.max = MAX};
    int err = 0;

    t = (struct told){.l.hash = 1, .arena.max = 4 << 20};
    t.d = dialect_bedrock.decoder_new(&t.arena);
    must(t.d != NULL);
    while (stream.len > 0 && err == 0) {
        size_t n = piece < stream.len ? piece : stream.len;

        err = eventstream_feed(&part, str_make(stream.ptr, n), take, &t);
        stream = str_skip(stream, n);
    }
    must(err == 0 || err == -EBADMSG || err == -ENOBUFS);
    must(part.len <= MAX);
    dialect_bedrock.decode_end(t.d, hear, &t);
    listener_hash(&t.l, (const char *)&err, sizeof(err));
    buf_done(&part);
    listener_done(&t.l);
    arena_done(&t.arena);
    return t.l.hash;
}

static void run_all(struct str stream)
{
    static const size_t pieces[] = {1, 3, 11, 12, 13, 17};
    uint64_t whole = run(stream, stream.len + 1);

    for (size_t i = 0; i < COUNTOF(pieces); i++)
        must(run(stream, pieces[i]) == whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size}, line, name, payload;
    struct buf framed = {.max = 0};

    run_all(text);
    listener_whole(&dialect_bedrock, text);
    listener_refusal(&dialect_bedrock, 403, text);
    while (text.len > 0) {
        str_cut(text, '\n', &line, &text);
        str_cut(line, ' ', &name, &payload);
        if (name.len < 256)
            frame_named(&framed, name.len % 7 == 6 ? "exception" : "event", name, payload);
    }
    run_all(buf_str(&framed));
    buf_done(&framed);
    return 0;
}
