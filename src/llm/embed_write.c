/*
 * Vectors in OpenAI's form.
 *
 * The official SDKs ask for base64 when their user asks for nothing: the float32s of a vector, the
 * low byte first, which is a third of their text.  Providers of other dialects send text only.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <math.h>

#include "base/base64.h"
#include "base/float32.h"
#include "llm/embed_part.h"

/* Three float32s are twelve bytes, and those are sixteen characters without padding. */
#define FLOATS_AT_ONCE 192u

struct packing {
    struct json_pen *pen;
    size_t len;
    unsigned char bytes[FLOATS_AT_ONCE * 4];
};

static void flush(struct packing *p)
{
    char text[BASE64_LEN(sizeof(p->bytes))];

    pen_bytes(p->pen, str_make(text, base64_write(p->bytes, p->len, text)));
    p->len = 0;
}

static bool pack_number(void *ctx, const struct json_member *m)
{
    struct packing *p = ctx;
    float number = float32_read(m->value);
    uint32_t bits;

    if (!isfinite(number)) {
        p->pen->err = -ERANGE;
        return false;
    }
    memcpy(&bits, &number, sizeof(bits));
    for (unsigned i = 0; i < 4; i++)
        p->bytes[p->len++] = (unsigned char)(bits >> 8 * i);
    if (p->len == sizeof(p->bytes))
        flush(p);
    return true;
}

static void put_packed(struct json_pen *pen, struct str vector)
{
    struct packing p = {.pen = pen};

    pen_quote(pen);
    if (json_members(vector, pack_number, &p))
        flush(&p);
    pen_quote_end(pen);
}

static bool put_number(void *ctx, const struct json_member *m)
{
    pen_raw(ctx, m->value);
    return true;
}

/* One by one: some providers write each on a line of its own. */
static void put_numbers(struct json_pen *pen, struct str vector)
{
    pen_open(pen, '[');
    json_members(vector, put_number, pen);
    pen_close(pen, ']');
}

static void put_vector(struct json_pen *pen, const struct embed_answer *answer, uint32_t at,
                       bool base64)
{
    pen_open(pen, '{');
    pen_key_plain(pen, STR("object"), STR("embedding"));
    pen_key(pen, STR("index"));
    pen_u64(pen, at);
    pen_key(pen, STR("embedding"));
    if (base64)
        put_packed(pen, answer->vectors[at]);
    else
        put_numbers(pen, answer->vectors[at]);
    pen_close(pen, '}');
}

static void put_usage(struct json_pen *pen, uint64_t tokens)
{
    pen_key(pen, STR("usage"));
    pen_open(pen, '{');
    pen_key(pen, STR("prompt_tokens"));
    pen_u64(pen, tokens);
    pen_key(pen, STR("total_tokens"));
    pen_u64(pen, tokens);
    pen_close(pen, '}');
}

int embed_write(const struct embed_answer *answer, bool base64, struct str model, struct buf *out)
{
    struct json_pen pen = json_pen(out);

    pen_open(&pen, '{');
    pen_key_plain(&pen, STR("object"), STR("list"));
    pen_key(&pen, STR("data"));
    pen_open(&pen, '[');
    for (uint32_t i = 0; i < answer->count && pen.err == 0; i++)
        put_vector(&pen, answer, i, base64);
    pen_close(&pen, ']');
    pen_key_plain(&pen, STR("model"), model);
    put_usage(&pen, answer->prompt_tokens);
    pen_close(&pen, '}');
    return pen.err;
}
