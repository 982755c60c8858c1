/*
 * eventstream.h - cut a byte stream into messages of application/vnd.amazon.eventstream, wherever
 * the network cut it.
 *
 * A message (smithy.io, "Amazon Event Stream Specification"): its length and that of its headers,
 * the CRC of these two, headers (name, type, value), a payload, the CRC of all of it; numbers are
 * big-endian.  Both CRCs are checked before anything is believed.
 *
 * A message that lies whole within what was fed is a view of it; only a partial one is kept, in
 * `part`, whose max is the limit of any message.  A framing that is broken cannot be read on.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LLM_EVENTSTREAM_H
#define LLM_EVENTSTREAM_H

#include "base/buf.h"

struct eventstream_message {
    struct str type;    /* of the event or exception; of an error its code; may be empty */
    struct str payload; /* of an error its message, which is no JSON */
    bool failure;       /* an exception or an error */
};

/* false stops; eventstream_feed() then returns -ECANCELED. */
typedef bool eventstream_fn(void *ctx, const struct eventstream_message *m);

/* 0, -ENOBUFS when a message is over the max, -EBADMSG when it is none, -ENOMEM, -ECANCELED. */
MUST_USE int eventstream_feed(struct buf *part, struct str bytes, eventstream_fn *emit, void *ctx);

#endif
