/*
 * lines.h - cut a byte stream into lines, wherever the network cut it (NDJSON).
 *
 * LF ends a line, a CR before it is dropped, empty lines are skipped.  A line that lies whole
 * within what was fed is a view of it; only a partial one is kept, in `part`, whose max is the
 * limit. SPDX-License-Identifier: Apache-2.0
 */
#ifndef LLM_LINES_H
#define LLM_LINES_H

#include "base/buf.h"

/* false stops; lines_feed() then returns -ECANCELED. */
typedef bool line_fn(void *ctx, struct str line);

/* 0, -ENOBUFS when a line is over the max, -ENOMEM, -ECANCELED. */
MUST_USE int lines_feed(struct buf *part, struct str bytes, line_fn *emit, void *ctx);
/* What stands behind the last LF is a line too. */
MUST_USE int lines_end(struct buf *part, line_fn *emit, void *ctx);

#endif
