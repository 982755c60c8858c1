/*
 * chat_trace.h - the events of an answer as text, a line each, to be compared.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_UNIT_LLM_CHAT_TRACE_H
#define TESTS_UNIT_LLM_CHAT_TRACE_H

#include <inttypes.h>

#include "llm/dialect.h"

static inline void trace_field(struct buf *out, const char *name, const char *ptr, size_t len)
{
    if (ptr != NULL)
        assert_int_equal(buf_printf(out, " %s=%.*s", name, (int)len, ptr), 0);
}

static inline const char *trace_name(enum chat_event_kind kind)
{
    static const char *const names[] = {
        [CHAT_EV_START] = "start",       [CHAT_EV_TEXT] = "text",
        [CHAT_EV_THINKING] = "thinking", [CHAT_EV_SIGNATURE] = "signature",
        [CHAT_EV_REDACTED] = "redacted", [CHAT_EV_REFUSAL] = "refusal",
        [CHAT_EV_CALL] = "call",         [CHAT_EV_ARGS] = "args",
        [CHAT_EV_BLOCK_END] = "block",   [CHAT_EV_CITATION] = "citation",
        [CHAT_EV_RAW] = "raw",           [CHAT_EV_USAGE] = "usage",
        [CHAT_EV_STOP] = "stop",         [CHAT_EV_ERROR] = "error",
        [CHAT_EV_END] = "end",
    };

    return names[kind];
}

static inline void trace_details(struct buf *out, const struct chat_event *ev)
{
    static const char *const stops[] = {
        [CHAT_STOP_NONE] = "none",       [CHAT_STOP_END] = "end",
        [CHAT_STOP_SEQUENCE] = "seq",    [CHAT_STOP_LENGTH] = "length",
        [CHAT_STOP_CALLS] = "calls",     [CHAT_STOP_FILTER] = "filter",
        [CHAT_STOP_REFUSAL] = "refusal", [CHAT_STOP_PAUSE] = "pause",
        [CHAT_STOP_CONTEXT] = "context", [CHAT_STOP_OTHER] = "other",
    };
    const struct chat_usage *u = &ev->usage;

    if (ev->kind == CHAT_EV_CALL || ev->kind == CHAT_EV_ARGS)
        assert_int_equal(buf_printf(out, " %u", ev->call), 0);
    if (ev->kind == CHAT_EV_STOP)
        assert_int_equal(buf_printf(out, " %s", stops[ev->stop]), 0);
    if (ev->kind == CHAT_EV_USAGE)
        assert_int_equal(
            buf_printf(out, " in=%" PRIu64 " out=%" PRIu64 " read=%" PRIu64 " think=%" PRIu64,
                       u->input, u->output, u->cache_read, u->reasoning),
            0);
    if (ev->kind == CHAT_EV_ERROR)
        assert_int_equal(
            buf_printf(out, " %s %" PRIu64, fault_info(ev->fault)->wire, ev->retry_after_ms), 0);
}

/* A chat_event_fn; `ctx` is a struct buf.  "text 1 text=Hi" is of choice 1; choice 0 is not said.
 */
static inline bool trace(void *ctx, const struct chat_event *ev)
{
    struct buf *out = ctx;

    assert_int_equal(buf_printf(out, "%s", trace_name(ev->kind)), 0);
    if (ev->choice > 0)
        assert_int_equal(buf_printf(out, " #%u", ev->choice), 0);
    trace_details(out, ev);
    trace_field(out, "id", ev->id.ptr, ev->id.len);
    trace_field(out, "name", ev->name.ptr, ev->name.len);
    trace_field(out, "model", ev->model.ptr, ev->model.len);
    trace_field(out, "sig", ev->signature.ptr, ev->signature.len);
    trace_field(out, "text", ev->text.ptr, ev->text.len);
    trace_field(out, "raw", ev->raw.ptr, ev->raw.len);
    assert_int_equal(buf_put(out, STR("\n")), 0);
    return true;
}

#define TRACE_BAD "bad" /* of a line that the decoder takes for no event */

/* The events of `lines`.  Each line lies where the one before lay: what the decoder keeps it has to
 * copy. */
static inline void trace_lines(const struct dialect *dialect, struct arena *a, struct str lines,
                               struct buf *out)
{
    struct chat_decoder *d = dialect->decoder_new(a);
    char text[2048];
    struct str line;

    while (lines.len > 0) {
        str_cut(lines, '\n', &line, &lines);
        memset(text, '#', sizeof(text));
        assert_in_range(line.len, 0, sizeof(text));
        if (line.len > 0)
            memcpy(text, line.ptr, line.len);
        if (!dialect->decode(d, STR(""), str_make(text, line.len), trace, out))
            assert_int_equal(buf_put(out, STR(TRACE_BAD)), 0);
    }
    memset(text, '#', sizeof(text));
    if (dialect->decode_end != NULL)
        dialect->decode_end(d, trace, out);
    assert_int_equal(buf_put(out, str_make("", 1)), 0);
}

/* The events of a whole answer; NULL: it is none, whatever was told. */
static inline void trace_whole(const struct dialect *dialect, const char *body, const char *events)
{
    struct arena a = {.max = 0};
    struct buf out = {.max = 0};
    bool ok = dialect->decode_whole(dialect->decoder_new(&a), str_from(body), trace, &out);

    if (ok != (events != NULL) || (ok && !str_eq(buf_str(&out), str_from(events))))
        fail_msg("%s:\n%.*s", body, STR_ARG(buf_str(&out)));
    buf_done(&out);
    arena_done(&a);
}

/* A chat_event_fn that wants no more than one text; `ctx` counts, an unsigned. */
static inline bool trace_until_text(void *ctx, const struct chat_event *ev)
{
    ++*(unsigned *)ctx;
    return ev->kind != CHAT_EV_TEXT;
}

#endif
