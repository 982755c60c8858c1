/*
 * sse.h - cut a byte stream into server-sent events, wherever the network cut it.
 *
 * Follows the WHATWG rules (html.spec.whatwg.org, "Interpreting an event stream"): LF, CR and CRLF
 * end lines, one space after the colon is dropped, `data` lines are joined by LF, comments are
 * skipped, a BOM at the start is dropped, an event without data is not dispatched.
 *
 * Each event comes with its raw bytes, blank line included, so that it can be forwarded as it
 * came.  Raw bytes and data of an event that lies whole within one feed() point into what was fed;
 * only a partial event is kept.  No event may be longer than part.max, whole or not (one within two
 * bytes of it may be refused: the verdict must not depend on where a line end was cut).  Comments
 * and other lines that belong to no event are consumed and not forwarded; inside an event they are
 * part of its raw bytes.  Where a CRLF is cut behind its CR, the LF is left out of the raw bytes.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LLM_SSE_H
#define LLM_SSE_H

#include "base/buf.h"

struct sse_event {
    struct str raw;  /* from the event's first line to its blank line; valid SSE by itself */
    struct str data; /* joined; may point into raw */
    struct str name; /* `event:`; empty when there is none */
    struct str id;   /* `id:` of this event; empty when there is none */
};

struct sse {
    struct buf part; /* the partial event; its max is the limit */
    struct buf data; /* joined data lines, when there are several */
    bool started;    /* past the BOM */
    bool pending_cr; /* the last byte fed was a CR: an LF that comes now belongs to it */
    uint64_t events, comments;

    /* What the lines of the event so far said; places are offsets from its first byte. */
    size_t line; /* of the line not yet ended */
    unsigned data_lines;
    struct sse_span {
        size_t at, len;
    } data_at, name_at, id_at; /* data_at: the first data line */
};

/* false stops; sse_feed() then returns -ECANCELED. */
typedef bool sse_event_fn(void *ctx, const struct sse_event *ev);

/* Errors leave the stream where it cannot be read on: only sse_done() then.
 * 0, -ENOBUFS when an event is over the max, -ENOMEM, -ECANCELED. */
MUST_USE int sse_feed(struct sse *s, struct str bytes, sse_event_fn *emit, void *ctx);
/* Bytes of an event that never ended; 0 when the stream stopped at a boundary. */
size_t sse_partial(const struct sse *s);
void sse_done(struct sse *s);

#endif
