/* Any bytes as replies, cut up as the first byte says: whole or refused, never a crash, and the
 * head within its maximum.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "fuzz/fuzz.h"
#include "http/response.h"

static uint64_t touched;

static void touch(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        touched += (unsigned char)s.ptr[i];
}

static bool on_head(struct response *r, const struct http_reply_in *head)
{
    size_t bytes = 0;

    (void)r;
    if (head->status < 200 || head->status > 999 || head->fields.count > RESPONSE_FIELDS_MAX)
        abort();
    for (uint32_t i = 0; i < head->fields.count; i++) {
        const struct http_field *f = &head->fields.at[i];

        touch(f->name);
        touch(f->value);
        bytes += f->name.len + f->value.len;
        if (f->name.len == 0 || !http_value_is_safe(f->value))
            abort();
    }
    if (bytes > RESPONSE_HEAD_BYTES_MAX)
        abort();
    return head->status != 299; /* as if cancelled */
}

static bool on_body(struct response *r, struct str bytes)
{
    if (!r->headed || bytes.len == 0)
        abort();
    touch(bytes);
    return true;
}

static const struct response_ops ops = {on_head, on_body};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct response r;
    enum response_verdict verdict = RESPONSE_MORE;
    size_t piece, used = 0;

    if (size < 1)
        return 0;
    piece = (data[0] & 0x7fu) + 1u;
    response_start(&r, &ops, &arena, (data[0] & 0x80u) != 0);
    for (size_t at = 1; at < size && verdict == RESPONSE_MORE; at += piece) {
        size_t n = size - at < piece ? size - at : piece;

        verdict = response_feed(&r, str_make((const char *)data + at, n), &used);
        if (verdict == RESPONSE_DONE && used > n)
            abort();
    }
    if (verdict == RESPONSE_MORE)
        response_end(&r);
    else if (verdict == RESPONSE_BAD && *response_why(&r) == '\0')
        abort();
    if (arena.used > 8 * RESPONSE_HEAD_BYTES_MAX)
        abort();
    arena_done(&arena);
    return 0;
}
