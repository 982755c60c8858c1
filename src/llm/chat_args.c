/*
 * Where a tool call's arguments end, told while they come.
 *
 * Calls of an OpenAI-like target may come interleaved, and nothing says that one is whole before
 * the next begins.  But an object that has closed cannot go on: then the next call's block can be
 * opened at once.  Counting brackets is enough; whether it is JSON in between is the client's to
 * find.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/chat_args.h"

static unsigned hex(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    return (unsigned)(ascii_lower(c) - 'a') + 10;
}

/* The character of the arguments that stands at `p` as a JSON string has it; those that have no
 * meaning in JSON's grammar are all 'x', spaces all ' '. */
static char char_at(const char *p, const char *end, size_t *ret_len)
{
    unsigned code;

    *ret_len = 1;
    if (*p != '\\' || end - p < 2)
        return *p;
    *ret_len = 2;
    if (p[1] == '"' || p[1] == '\\')
        return p[1];
    if (p[1] != 'u')
        return p[1] == '/' ? 'x' : ' ';
    if (end - p < 6)
        return 'x';
    *ret_len = 6;
    code = hex(p[2]) << 12 | hex(p[3]) << 8 | hex(p[4]) << 4 | hex(p[5]);
    return code < 0x80 ? (char)(code < ' ' ? ' ' : code) : 'x';
}

static void in_string(struct chat_args *s, char c)
{
    if (s->escaped)
        s->escaped = false;
    else if (c == '\\')
        s->escaped = true;
    else if (c == '"')
        s->in_string = false;
}

static void step(struct chat_args *s, char c)
{
    if (s->in_string) {
        in_string(s, c);
    } else if (!s->begun) {
        if (c == ' ')
            return;
        s->begun = true;
        s->odd = c != '{';
        s->depth = 1;
    } else if (c == '"') {
        s->in_string = true;
    } else if (c == '{' || c == '[') {
        s->depth++;
    } else if (c == '}' || c == ']') {
        s->whole = --s->depth == 0;
    }
}

struct json_text chat_args_feed(struct chat_args *s, struct json_text piece)
{
    size_t from = 0, i = 0, n;

    if (!s->begun && json_text_is(piece, STR("null")))
        return (struct json_text){piece.ptr, 0};
    while (i < piece.len && !s->whole && !s->odd) {
        step(s, char_at(piece.ptr + i, piece.ptr + piece.len, &n));
        i += n;
        if (!s->begun)
            from = i;
    }
    return (struct json_text){piece.ptr + from, (s->odd ? piece.len : i) - from};
}

struct str chat_args_object(struct arena *a, struct json_text text)
{
    struct str object = chat_args_of(a, text);

    if (object.ptr != NULL)
        return object;
    return arena_join(a,
                      (struct str[]){STR("{\"" CHAT_ARGS_ODD_KEY "\":\""),
                                     str_make(text.ptr, text.len), STR("\"}")},
                      3);
}

void chat_pen_args(struct json_pen *p, struct str key, const struct chat_part *call)
{
    pen_key(p, key);
    if (call->args.len > 0 || call->args_text.len == 0) {
        pen_raw(p, call->args.len > 0 ? call->args : STR("{}"));
        return;
    }
    pen_open(p, '{');
    pen_key_text(p, STR("arguments"), call->args_text);
    pen_close(p, '}');
}

void chat_pen_args_text(struct json_pen *p, const struct chat_part *call)
{
    pen_key(p, STR("arguments"));
    pen_quote(p);
    if (call->args.len > 0)
        pen_inside_json(p, call->args);
    else
        pen_inside(p, call->args_text);
    pen_quote_end(p);
}
