/*
 * chat_events.h - events as lines, so that a test can say what it expects and compare all of it.
 *
 *   text 0 |Hello|     call 0.1 |call_1|get|     args 0.1 |{\"a\":1}|     stop 0 end
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_UNIT_LLM_CHAT_EVENTS_H
#define TESTS_UNIT_LLM_CHAT_EVENTS_H

#include "base/buf.h"
#include "llm/chat_event.h"

static const char *const event_words[] = {
    [CHAT_EV_START] = "start",
    [CHAT_EV_TEXT] = "text",
    [CHAT_EV_THINKING] = "thinking",
    [CHAT_EV_SIGNATURE] = "signature",
    [CHAT_EV_REDACTED] = "redacted",
    [CHAT_EV_REFUSAL] = "refusal",
    [CHAT_EV_CALL] = "call",
    [CHAT_EV_ARGS] = "args",
    [CHAT_EV_BLOCK_END] = "block end",
    [CHAT_EV_CITATION] = "citation",
    [CHAT_EV_RAW] = "raw",
    [CHAT_EV_USAGE] = "usage",
    [CHAT_EV_STOP] = "stop",
    [CHAT_EV_ERROR] = "error",
    [CHAT_EV_END] = "end",
};

static const char *const stop_words[] = {
    [CHAT_STOP_NONE] = "none",       [CHAT_STOP_END] = "end",     [CHAT_STOP_SEQUENCE] = "sequence",
    [CHAT_STOP_LENGTH] = "length",   [CHAT_STOP_CALLS] = "calls", [CHAT_STOP_FILTER] = "filter",
    [CHAT_STOP_REFUSAL] = "refusal", [CHAT_STOP_PAUSE] = "pause", [CHAT_STOP_CONTEXT] = "context",
    [CHAT_STOP_OTHER] = "other",
};

static inline void event_field(struct buf *out, struct json_text t)
{
    assert_int_equal(buf_printf(out, "%.*s|", (int)t.len, t.ptr != NULL ? t.ptr : ""), 0);
}

static inline void event_put(struct buf *out, const struct chat_event *ev)
{
    int err = buf_printf(out, "%s", event_words[ev->kind]);

    if (ev->kind == CHAT_EV_USAGE)
        err = buf_printf(out, " %llu %llu cached %llu written %llu reasoning %llu",
                         (unsigned long long)ev->usage.input, (unsigned long long)ev->usage.output,
                         (unsigned long long)ev->usage.cache_read,
                         (unsigned long long)ev->usage.cache_write,
                         (unsigned long long)ev->usage.reasoning);
    else if (ev->kind == CHAT_EV_CALL || ev->kind == CHAT_EV_ARGS)
        err = buf_printf(out, " %u.%u |", ev->choice, ev->call);
    else if (ev->kind == CHAT_EV_STOP)
        err = buf_printf(out, " %u %s |", ev->choice, stop_words[ev->stop]);
    else if (ev->kind == CHAT_EV_ERROR)
        err = buf_printf(out, " %s |", fault_info(ev->fault)->wire);
    else if (ev->kind != CHAT_EV_END && ev->kind != CHAT_EV_START)
        err = buf_printf(out, " %u |", ev->choice);
    else if (ev->kind == CHAT_EV_START)
        err = buf_printf(out, " |");
    assert_int_equal(err, 0);
    if (ev->kind == CHAT_EV_START || ev->kind == CHAT_EV_CALL)
        event_field(out, ev->id);
    if (ev->kind == CHAT_EV_START)
        event_field(out, ev->model);
    if (ev->kind == CHAT_EV_CALL || ev->kind == CHAT_EV_ERROR)
        event_field(out, ev->name);
    if (ev->kind == CHAT_EV_CALL && ev->signature.ptr != NULL)
        event_field(out, ev->signature);
    if (ev->text.ptr != NULL)
        event_field(out, ev->text);
    assert_int_equal(buf_put(out, STR("\n")), 0);
}

/* A chat_event_fn; ctx is the buf. */
static inline bool event_line(void *ctx, const struct chat_event *ev)
{
    event_put(ctx, ev);
    return true;
}

#endif
