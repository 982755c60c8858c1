/* SPDX-License-Identifier: Apache-2.0 */
#include "llm/lines.h"

#include <errno.h>

static int tell(struct str line, size_t max, line_fn *emit, void *ctx)
{
    if (line.len > 0 && line.ptr[line.len - 1] == '\r')
        line.len--;
    if (line.len == 0)
        return 0;
    if (max != 0 && line.len > max)
        return -ENOBUFS;
    return emit(ctx, line) ? 0 : -ECANCELED;
}

/* The line that began in an earlier feed has ended. */
static int tell_part(struct buf *part, struct str rest, line_fn *emit, void *ctx)
{
    int err = buf_put(part, rest);

    if (err == 0)
        err = tell(buf_str(part), part->max, emit, ctx);
    part->len = 0;
    return err;
}

int lines_feed(struct buf *part, struct str bytes, line_fn *emit, void *ctx)
{
    struct str line, rest;
    int err = 0;

    while (err == 0 && bytes.len > 0 && str_cut(bytes, '\n', &line, &rest)) {
        err = part->len > 0 ? tell_part(part, line, emit, ctx) : tell(line, part->max, emit, ctx);
        bytes = rest;
    }
    if (err == 0 && bytes.len > 0)
        err = buf_put(part, bytes);
    return err;
}

int lines_end(struct buf *part, line_fn *emit, void *ctx)
{
    return part->len > 0 ? tell_part(part, STR(""), emit, ctx) : 0;
}
