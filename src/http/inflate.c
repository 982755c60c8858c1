/* SPDX-License-Identifier: Apache-2.0 */
#include "http/inflate.h"

#include <errno.h>
#include <stdlib.h>

#include <zlib.h>

#define OUT_BYTES 16384u
#define WINDOW_BITS 15
#define DETECT_GZIP_OR_ZLIB 32 /* added to the window bits: zlib looks at the header */

struct http_inflate {
    z_stream z;
    bool ended;
};

int http_inflate_new(struct str encoding, struct http_inflate **ret_z)
{
    struct http_inflate *z;

    *ret_z = NULL;
    encoding = str_trim(encoding);
    if (encoding.len == 0 || str_eq_nocase(encoding, STR("identity")))
        return 0;
    if (!str_eq_nocase(encoding, STR("gzip")) && !str_eq_nocase(encoding, STR("x-gzip")) &&
        !str_eq_nocase(encoding, STR("deflate")))
        return -EINVAL;
    z = calloc(1, sizeof(*z));
    if (z == NULL)
        return -ENOMEM;
    if (inflateInit2(&z->z, WINDOW_BITS + DETECT_GZIP_OR_ZLIB) != Z_OK) {
        free(z);
        return -ENOMEM;
    }
    *ret_z = z;
    return 0;
}

void http_inflate_free(struct http_inflate *z)
{
    if (z == NULL)
        return;
    inflateEnd(&z->z);
    free(z);
}

int http_inflate_feed(struct http_inflate *z, struct str bytes, http_inflate_fn *put, void *ctx)
{
    char out[OUT_BYTES];
    int err;

    z->z.next_in = (z_const Bytef *)(uintptr_t)bytes.ptr;
    z->z.avail_in = (uInt)bytes.len;
    do {
        size_t n;

        if (z->ended) /* what follows the coded stream belongs to nothing */
            return z->z.avail_in > 0 ? -EPROTO : 0;
        z->z.next_out = (Bytef *)out;
        z->z.avail_out = OUT_BYTES;
        err = inflate(&z->z, Z_NO_FLUSH);
        if (err != Z_OK && err != Z_STREAM_END && err != Z_BUF_ERROR)
            return -EPROTO;
        z->ended = err == Z_STREAM_END;
        n = OUT_BYTES - z->z.avail_out;
        if (n > 0 && !put(ctx, str_make(out, n)))
            return -ECANCELED;
    } while (z->z.avail_in > 0 || z->z.avail_out == 0);
    return 0;
}

bool http_inflate_ended(const struct http_inflate *z)
{
    return z->ended;
}
