/* SPDX-License-Identifier: Apache-2.0 */
#include "http/server_request.h"

#define BODY_LIMIT "limits.body_bytes"

/* A table of what a byte of a target may be, so that the common path is one look-up a byte. */
enum target_byte { PLAIN, FORBIDDEN, PERCENT, SLASH, DOT, QUESTION };

static enum target_byte target_byte(unsigned char c)
{
    switch (c) {
    case '%':
        return PERCENT;
    case '/':
        return SLASH;
    case '.':
        return DOT;
    case '?':
        return QUESTION;
    case '\\':
    case '#':
        return FORBIDDEN;
    default:
        return c > 0x20 && c < 0x7f ? PLAIN : FORBIDDEN;
    }
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Is the escape at `s` one that hides nothing?  What decodes to a dot, a slash, a backslash or a
 * control byte reads differently before and after decoding, and somebody behind us may decode. */
static bool escape_is_plain(struct str s, bool in_query)
{
    int high = s.len >= 3 ? hex_digit(s.ptr[1]) : -1;
    int low = high >= 0 ? hex_digit(s.ptr[2]) : -1;
    int c = high * 16 + low;

    if (low < 0)
        return false;
    return in_query || (c != '.' && c != '/' && c != '\\' && c >= 0x20 && c != 0x7f);
}

static bool is_escaped_slash(struct str s)
{
    return s.len >= 3 && s.ptr[1] == '2' && ascii_lower(s.ptr[2]) == 'f' && s.ptr[0] == '%';
}

/* `rest` begins just behind a slash: is the segment "", "." or ".."? */
static bool segment_is_odd(struct str rest)
{
    size_t dots = 0;

    while (dots < rest.len && rest.ptr[dots] == '.')
        dots++;
    if ((rest.len > 0 && rest.ptr[0] == '/') || is_escaped_slash(rest))
        return true;
    return dots > 0 && dots <= 2 &&
           (dots == rest.len || rest.ptr[dots] == '/' || rest.ptr[dots] == '?' ||
            is_escaped_slash(str_skip(rest, dots)));
}

/* Clients write the slashes of a model's id as %2F.  Behind the two segments that decide who serves
 * (/v1/models/) that is harmless, as long as decoding makes no segment that would be refused. */
static bool slash_may_be_escaped(struct str rest, unsigned slashes)
{
    return slashes > 2 && is_escaped_slash(rest) && !segment_is_odd(str_skip(rest, 3));
}

static bool check_target(struct request_reader *r)
{
    struct str t = r->call->target;
    bool in_query = false;
    unsigned slashes = 0;

    if (t.len == 0 || t.ptr[0] != '/')
        return request_refuse(r, 400, "the request target must be a path", NULL);
    for (size_t i = 0; i < t.len; i++) {
        switch (target_byte((unsigned char)t.ptr[i])) {
        case PLAIN:
        case DOT:
            break;
        case FORBIDDEN:
            return request_refuse(r, 400, "the request target has a forbidden character", NULL);
        case PERCENT:
            if (!escape_is_plain(str_skip(t, i), in_query) &&
                !slash_may_be_escaped(str_skip(t, i), slashes))
                return request_refuse(r, 400, "the request target has a forbidden escape", NULL);
            break;
        case SLASH:
            slashes++;
            if (!in_query && segment_is_odd(str_skip(t, i + 1)))
                return request_refuse(r, 400, "the path has an empty or a dot segment", NULL);
            break;
        case QUESTION:
            in_query = true;
            break;
        }
    }
    (void)str_cut(t, '?', &r->call->path, &r->call->query);
    return true;
}

/* "METHOD SP target SP HTTP/1.x CR LF", byte for byte: llhttp also takes HTTP/0.9, RTSP and ICE. */
static bool check_request_line(struct request_reader *r, struct str head)
{
    struct http_call *c = r->call;
    struct str rest;

    (void)str_cut(head, ' ', &c->method, &rest);
    if (str_eq(c->method, STR("CONNECT")))
        return request_refuse(r, 405, "this is not a proxy", NULL);
    rest = str_skip(rest, c->target.len);
    if (str_starts(rest, STR(" HTTP/1.1\n")) || str_starts(rest, STR(" HTTP/1.0\n")))
        return request_refuse(r, 400, "a line ends in CR LF", NULL);
    if (!str_starts(rest, STR(" HTTP/1.1\r\n")) && !str_starts(rest, STR(" HTTP/1.0\r\n")))
        return request_refuse(r, str_starts(rest, STR(" HTTP/")) ? 505 : 400,
                              "only HTTP/1.1 and HTTP/1.0 are spoken here", NULL);
    c->http_1_0 = rest.ptr[8] == '0';
    c->head_only = str_eq(c->method, STR("HEAD"));
    return true;
}

static bool is_name_byte(char c)
{
    return (c >= '0' && c <= '9') || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

/* name[:port] or [address][:port]; the rest of RFC 3986's reg-name is nobody's host. */
static bool host_is_valid(struct str h)
{
    size_t i = 0;

    if (h.len > 0 && h.ptr[0] == '[') {
        for (i = 1; i < h.len && (hex_digit(h.ptr[i]) >= 0 || h.ptr[i] == ':' || h.ptr[i] == '.');)
            i++;
        if (i < 3 || i == h.len || h.ptr[i++] != ']')
            return false;
    } else {
        while (i < h.len && is_name_byte(h.ptr[i]))
            i++;
        if (i == 0)
            return false;
    }
    if (i == h.len)
        return true;
    if (h.ptr[i++] != ':' || h.len - i > 5)
        return false;
    while (i < h.len && h.ptr[i] >= '0' && h.ptr[i] <= '9')
        i++;
    return i == h.len;
}

struct framing {
    unsigned hosts, lengths, encodings;
    struct str encoding, expect;
};

static void note_field(struct request_reader *r, struct framing *f, const struct http_field *field)
{
    switch (field->name.len) { /* nearly every other field is passed over by its length */
    case 4:
        if (str_eq_nocase(field->name, STR("host"))) {
            f->hosts++;
            r->call->host = field->value;
        }
        break;
    case 6:
        if (str_eq_nocase(field->name, STR("expect")))
            f->expect = field->value;
        break;
    case 14:
        if (str_eq_nocase(field->name, STR("content-length")))
            f->lengths++;
        break;
    case 17:
        if (str_eq_nocase(field->name, STR("transfer-encoding"))) {
            f->encodings++;
            f->encoding = field->value;
        }
        break;
    default:
        break;
    }
}

static bool check_framing(struct request_reader *r, const struct framing *f)
{
    struct http_call *c = r->call;

    if (f->lengths + f->encodings > 1)
        return request_refuse(r, 400, "Content-Length and Transfer-Encoding may come once in all",
                              NULL);
    if (f->encodings > 0 && c->http_1_0)
        return request_refuse(r, 400, "HTTP/1.0 has no Transfer-Encoding", NULL);
    if (f->encodings > 0 && !str_eq_nocase(f->encoding, STR("chunked")))
        return request_refuse(r, 501, "the only Transfer-Encoding understood is chunked", NULL);
    if (f->encodings != r->chunked || (f->lengths > 0) != (c->content_length >= 0))
        return request_refuse(r, 400, "malformed body framing", NULL);
    if (c->content_length >= 0 && (uint64_t)c->content_length > r->limits->body_bytes)
        return request_refuse(r, 413, "the request body is larger than " BODY_LIMIT " allows",
                              BODY_LIMIT);
    return true;
}

static bool check_fields(struct request_reader *r)
{
    struct http_call *c = r->call;
    struct framing f = {0};

    for (uint32_t i = 0; i < c->fields.count; i++) {
        if (!http_value_is_safe(c->fields.at[i].value))
            return request_refuse(r, 400, "malformed header field", NULL);
        note_field(r, &f, &c->fields.at[i]);
    }
    if (f.hosts > 1 || (f.hosts == 0 && !c->http_1_0))
        return request_refuse(r, 400, "the Host field must come once", NULL);
    if (f.hosts == 1 && !host_is_valid(c->host))
        return request_refuse(r, 400, "malformed Host field", NULL);
    if (!check_framing(r, &f))
        return false;
    if (f.expect.ptr != NULL && !str_eq_nocase(f.expect, STR("100-continue")))
        return request_refuse(r, 417, "the only expectation understood is 100-continue", NULL);
    r->expects_100 = f.expect.ptr != NULL && !c->http_1_0 && !r->whole;
    return true;
}

bool request_check(struct request_reader *r, struct str head)
{
    unsigned flags = r->parser.flags;

    if (!check_request_line(r, head) || !check_target(r) || !check_fields(r))
        return false;
    r->keep_alive = r->call->http_1_0 ? (flags & F_CONNECTION_KEEP_ALIVE) != 0
                                      : (flags & F_CONNECTION_CLOSE) == 0;
    return true;
}
