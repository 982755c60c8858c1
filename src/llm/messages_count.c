/* SPDX-License-Identifier: Apache-2.0 */
#include "llm/messages.h"

#include "llm/json_pen.h"

#define COUNT_DEPTH_MAX 64u

int messages_count_write(uint64_t tokens, struct buf *out)
{
    struct json_pen p = json_pen(out);

    pen_open(&p, '{');
    pen_key(&p, STR("input_tokens"));
    pen_u64(&p, tokens);
    pen_close(&p, '}');
    return p.err;
}

static bool take_count(void *ctx, const struct json_member *m)
{
    struct str *value = ctx;

    if (json_key_is(m, STR("input_tokens")))
        *value = m->value;
    return true;
}

bool messages_count_read(struct str body, uint64_t *ret_tokens)
{
    struct str value = {NULL, 0};

    return json_scan(body, COUNT_DEPTH_MAX, take_count, &value, NULL) &&
           str_to_u64(value, ret_tokens);
}

void messages_count_only(struct buf *body)
{
    static const struct str member = STR_INIT("\"max_tokens\":");
    const char *found = str_find(buf_str(body), member), *behind;
    size_t at, len;

    if (found == NULL)
        return;
    at = (size_t)(found - body->ptr);
    behind = memchr(found, ',', body->len - at);
    if (behind == NULL)
        return;
    len = (size_t)(behind + 1 - found);
    body->len -= len;
    memmove(body->ptr + at, found + len, body->len - at);
}
