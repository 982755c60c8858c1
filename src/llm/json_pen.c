/* SPDX-License-Identifier: Apache-2.0 */
#include "llm/json_pen.h"

#include "base/decimal.h"
#include "llm/utf8.h"

void pen_bytes(struct json_pen *p, struct str bytes)
{
    if (p->err == 0)
        p->err = buf_put(p->out, bytes);
}

static void before(struct json_pen *p)
{
    if (p->comma)
        pen_bytes(p, STR(","));
    p->comma = true;
}

void pen_open(struct json_pen *p, char bracket)
{
    before(p);
    pen_bytes(p, str_make(&bracket, 1));
    p->comma = false;
}

void pen_close(struct json_pen *p, char bracket)
{
    pen_bytes(p, str_make(&bracket, 1));
    p->comma = true;
}

void pen_key(struct json_pen *p, struct str name)
{
    before(p);
    pen_bytes(p, STR("\""));
    pen_bytes(p, name);
    pen_bytes(p, STR("\":"));
    p->comma = false;
}

void pen_raw(struct json_pen *p, struct str json)
{
    before(p);
    pen_bytes(p, json);
}

void pen_line(struct json_pen *p, struct str json)
{
    size_t from = 0;

    before(p);
    for (size_t i = 0; i < json.len; i++) {
        if (LIKELY(json.ptr[i] != '\n' && json.ptr[i] != '\r'))
            continue;
        pen_bytes(p, str_make(json.ptr + from, i - from));
        from = i + 1;
    }
    pen_bytes(p, str_make(json.ptr + from, json.len - from));
}

void pen_quote(struct json_pen *p)
{
    before(p);
    pen_bytes(p, STR("\""));
}

void pen_inside(struct json_pen *p, struct json_text inside)
{
    pen_bytes(p, str_make(inside.ptr, inside.len));
}

void pen_quote_end(struct json_pen *p)
{
    pen_bytes(p, STR("\""));
}

void pen_text(struct json_pen *p, struct json_text inside)
{
    pen_quote(p);
    pen_inside(p, inside);
    pen_quote_end(p);
}

static void put_escaped(struct json_pen *p, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    char text[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};

    if (c == '"' || c == '\\') {
        text[1] = (char)c;
        pen_bytes(p, str_make(text, 2));
    } else if (c == '\n') {
        pen_bytes(p, STR("\\n"));
    } else {
        pen_bytes(p, str_make(text, 6));
    }
}

void pen_inside_json(struct json_pen *p, struct str json)
{
    size_t from = 0;

    for (size_t i = 0; i < json.len; i++) {
        unsigned char c = (unsigned char)json.ptr[i];

        if (LIKELY(c >= 0x20 && c != '"' && c != '\\'))
            continue;
        pen_bytes(p, str_make(json.ptr + from, i - from));
        put_escaped(p, c);
        from = i + 1;
    }
    pen_bytes(p, str_make(json.ptr + from, json.len - from));
}

/* Up to the first byte that begins no UTF-8 sequence. */
static size_t valid_len(struct str s)
{
    size_t i = 0;
    unsigned n;

    while (i < s.len && (n = utf8_len(s.ptr + i, s.ptr + s.len)) > 0)
        i += n;
    return i;
}

void pen_plain(struct json_pen *p, struct str bytes)
{
    pen_quote(p);
    while (bytes.len > 0) {
        size_t n = valid_len(bytes);

        pen_inside_json(p, str_make(bytes.ptr, n));
        if (n < bytes.len) {
            pen_bytes(p, STR("\xef\xbf\xbd"));
            n++;
        }
        bytes = str_skip(bytes, n);
    }
    pen_quote_end(p);
}

void pen_u64(struct json_pen *p, uint64_t n)
{
    char digits[DECIMAL_BYTES_MAX];

    pen_raw(p, decimal_write(n, digits));
}

void pen_bool(struct json_pen *p, bool yes)
{
    pen_raw(p, yes ? STR("true") : STR("false"));
}

void pen_null(struct json_pen *p)
{
    pen_raw(p, STR("null"));
}

void pen_key_raw_some(struct json_pen *p, struct str name, struct str json)
{
    if (json.len == 0)
        return;
    pen_key(p, name);
    pen_raw(p, json);
}

void pen_key_text(struct json_pen *p, struct str name, struct json_text inside)
{
    pen_key(p, name);
    pen_text(p, inside);
}

void pen_key_text_some(struct json_pen *p, struct str name, struct json_text inside)
{
    if (inside.ptr != NULL)
        pen_key_text(p, name, inside);
}

void pen_key_tri_some(struct json_pen *p, struct str name, enum chat_tri t)
{
    if (t == CHAT_UNSET)
        return;
    pen_key(p, name);
    pen_bool(p, t == CHAT_YES);
}

void pen_key_plain(struct json_pen *p, struct str name, struct str bytes)
{
    pen_key(p, name);
    pen_plain(p, bytes);
}
