/* SPDX-License-Identifier: Apache-2.0 */
#include "http/server_request.h"

#include <errno.h>

/* Chunk extensions and trailers carry nothing we use; more than this of them is an attack. */
#define EXTRA_BYTES_MAX 16384u

static struct request_reader *reader_of(llhttp_t *p)
{
    return p->data;
}

bool request_refuse(struct request_reader *r, unsigned status, const char *message,
                    const char *limit)
{
    r->refusal = (struct http_refusal){status, message, limit};
    return false;
}

/* ---- llhttp's callbacks: they note what there is; nobody else is called from within them but
 * on_body.  A head is parsed in one piece, so each span comes whole. */

static int extra(struct request_reader *r, size_t n)
{
    r->extra_bytes += (uint32_t)n;
    if (r->extra_bytes <= EXTRA_BYTES_MAX)
        return 0;
    request_refuse(r, 431, "too many bytes in chunk extensions or trailers", NULL);
    return HPE_USER;
}

static int on_extension(llhttp_t *p, const char *at, size_t n)
{
    (void)at;
    return extra(reader_of(p), n + 1);
}

static int on_url(llhttp_t *p, const char *at, size_t n)
{
    reader_of(p)->call->target = (struct str){at, n};
    return 0;
}

static int on_field(llhttp_t *p, const char *at, size_t n)
{
    struct request_reader *r = reader_of(p);

    if (r->head_done)
        return extra(r, n + 4);
    r->field_name = (struct str){at, n};
    r->field_value = (struct str){at + n, 0};
    return 0;
}

static int on_value(llhttp_t *p, const char *at, size_t n)
{
    struct request_reader *r = reader_of(p);

    if (r->head_done)
        return extra(r, n);
    r->field_value = (struct str){at, n};
    return 0;
}

static int on_value_complete(llhttp_t *p)
{
    struct request_reader *r = reader_of(p);
    struct http_call *c = r->call;

    if (r->head_done)
        return 0;
    if (c->fields.count >= r->limits->header_fields) {
        request_refuse(r, 431, "too many header fields", "limits.header_fields");
        return HPE_USER;
    }
    if (http_fields_add(&c->fields, &c->arena, r->field_name, str_trim(r->field_value)) < 0) {
        request_refuse(r, 503, "the request's memory limit is reached", NULL);
        return HPE_USER;
    }
    return 0;
}

static int on_head(llhttp_t *p)
{
    struct request_reader *r = reader_of(p);

    /* An upgrade may be ignored (RFC 9110 section 7.8), and so do we. */
    p->upgrade = 0;
    r->chunked = (p->flags & F_CHUNKED) != 0;
    r->call->content_length = (p->flags & F_CONTENT_LENGTH) != 0 && p->content_length <= INT64_MAX
                                  ? (int64_t)p->content_length
                                  : -1;
    r->head_done = true;
    return 0;
}

static int too_large(struct request_reader *r)
{
    request_refuse(r, 413, "the request body is larger than limits.body_bytes allows",
                   "limits.body_bytes");
    return HPE_USER;
}

static int on_chunk(llhttp_t *p)
{
    struct request_reader *r = reader_of(p);

    return p->content_length > r->limits->body_bytes - r->body_bytes ? too_large(r) : 0;
}

static int on_body(llhttp_t *p, const char *at, size_t n)
{
    struct request_reader *r = reader_of(p);

    if (n == 0)
        return 0;
    r->body_bytes += n;
    if (r->body_bytes > r->limits->body_bytes)
        return too_large(r);
    if (r->on_body(r, (struct str){at, n}) == FLOW_HOLD)
        return HPE_PAUSED;
    return r->refusal.status != 0 ? HPE_USER : 0;
}

static int on_whole(llhttp_t *p)
{
    reader_of(p)->whole = true;
    return HPE_PAUSED; /* what follows is the next request */
}

static const llhttp_settings_t settings = {
    .on_url = on_url,
    .on_header_field = on_field,
    .on_header_value = on_value,
    .on_header_value_complete = on_value_complete,
    .on_headers_complete = on_head,
    .on_chunk_extension_name = on_extension,
    .on_chunk_extension_value = on_extension,
    .on_chunk_header = on_chunk,
    .on_body = on_body,
    .on_message_complete = on_whole,
};

/* For looking at the beginning of a head. */
static const llhttp_settings_t no_settings;

/* ---- Head */

void request_reader_reset(struct request_reader *r)
{
    *r = (struct request_reader){.call = r->call, .limits = r->limits, .on_body = r->on_body};
}

static enum request_step bad(struct request_reader *r)
{
    if (r->refusal.status == 0)
        request_refuse(r, 400, "malformed request", NULL);
    return REQUEST_BAD;
}

/* Where the head ends, or 0: behind the first CR LF CR LF.  From line to line, since memmem() looks
 * at each byte by itself. */
static size_t head_end(struct str bytes, size_t from)
{
    const char *end = bytes.ptr + bytes.len, *p = bytes.ptr + (from > 3 ? from - 3 : 0), *lf;

    while ((lf = memchr(p, '\n', (size_t)(end - p))) != NULL) {
        p = lf + 1;
        if (end - p >= 2 && p[0] == '\r' && p[1] == '\n' && lf > bytes.ptr && lf[-1] == '\r')
            return (size_t)(p - bytes.ptr) + 2;
    }
    return 0;
}

/* No end yet: is what came at least the beginning of a request?  Otherwise garbage, or bare
 * line feeds, would get their answer only when the time is up. */
static enum request_step probe(struct request_reader *r, struct str bytes)
{
    struct str fresh = str_skip(bytes, r->probed);

    if (r->probed == 0)
        llhttp_init(&r->parser, HTTP_REQUEST, &no_settings);
    if (llhttp_execute(&r->parser, fresh.ptr, fresh.len) != HPE_OK)
        return bad(r);
    if (bytes.len > r->limits->header_bytes) {
        request_refuse(r, 431, "the request's header fields are too large", "limits.header_bytes");
        return REQUEST_BAD;
    }
    r->probed = bytes.len;
    return REQUEST_MORE;
}

/* The head moves into the arena once, and is parsed there: its fields are views. */
static enum request_step read_head(struct request_reader *r, struct str head)
{
    struct http_call *c = r->call;
    llhttp_errno_t err;

    if (head.len > r->limits->header_bytes) {
        request_refuse(r, 431, "the request's header fields are too large", "limits.header_bytes");
        return REQUEST_BAD;
    }
    head = arena_dup(&c->arena, head);
    if (head.ptr == NULL) {
        request_refuse(r, 503, "the request's memory limit is reached", NULL);
        return REQUEST_BAD;
    }
    llhttp_init(&r->parser, HTTP_REQUEST, &settings);
    r->parser.data = r;
    err = llhttp_execute(&r->parser, head.ptr, head.len);
    if (err == HPE_PAUSED && llhttp_get_error_pos(&r->parser) == head.ptr + head.len)
        llhttp_resume(&r->parser);
    else if (err != HPE_OK || !r->head_done)
        return bad(r);
    if (!request_check(r, head))
        return REQUEST_BAD;
    c->bytes_in += head.len;
    return REQUEST_HEAD;
}

/* Empty lines before a request are to be ignored (RFC 9112 section 2.2). */
static size_t empty_lines(struct str bytes)
{
    size_t n = 0;

    while (bytes.len - n >= 2 && bytes.ptr[n] == '\r' && bytes.ptr[n + 1] == '\n')
        n += 2;
    return n;
}

static enum request_step find_head(struct request_reader *r, struct str bytes, size_t *ret_used)
{
    size_t skip = r->probed < 2 ? empty_lines(bytes) : 0;
    enum request_step step;
    size_t end;

    if (skip > 0) {
        r->probed = 0;
        bytes = str_skip(bytes, skip);
        *ret_used = skip;
    }
    /* A lone CR may be half an empty line. */
    if (bytes.len == 0 || (bytes.len == 1 && bytes.ptr[0] == '\r'))
        return REQUEST_MORE;
    end = head_end(bytes, r->probed);
    if (end == 0)
        return probe(r, bytes);
    step = read_head(r, (struct str){bytes.ptr, end});
    *ret_used = skip + end;
    return step;
}

/* ---- Body */

static enum request_step read_body(struct request_reader *r, struct str bytes, size_t *ret_used)
{
    llhttp_errno_t err;

    if (bytes.len == 0 && !r->held)
        return REQUEST_MORE;
    if (bytes.len == 0)
        bytes = STR(""); /* llhttp takes a span that begins at NULL for none */
    r->held = false;
    err = llhttp_execute(&r->parser, bytes.ptr, bytes.len);
    if (err != HPE_OK && err != HPE_PAUSED)
        return bad(r);
    *ret_used = err == HPE_OK ? bytes.len : (size_t)(llhttp_get_error_pos(&r->parser) - bytes.ptr);
    r->call->bytes_in += *ret_used;
    if (err == HPE_OK)
        return REQUEST_MORE;
    llhttp_resume(&r->parser);
    r->held = !r->whole;
    return r->whole ? REQUEST_END : REQUEST_HELD;
}

void request_peek(struct request_reader *r, struct str bytes)
{
    struct str method, target, line;

    (void)str_cut(str_skip(bytes, empty_lines(bytes)), '\r', &line, &bytes);
    if (!str_cut(line, ' ', &method, &target))
        return;
    (void)str_cut(target, ' ', &target, &line);
    (void)str_cut(target, '?', &r->call->path, &line);
}

enum request_step request_read(struct request_reader *r, struct str bytes, size_t *ret_used)
{
    enum request_step step;

    *ret_used = 0;
    if (!r->head_done) {
        step = find_head(r, bytes, ret_used);
        if (step == REQUEST_BAD && r->call->path.len == 0)
            request_peek(r, bytes);
        return step;
    }
    return r->whole ? REQUEST_END : read_body(r, bytes, ret_used);
}
