/* SPDX-License-Identifier: Apache-2.0 */
#include "http/response.h"

#define FIELD_BLOCK_BYTES 512u
#define FIELD_COST 4u /* ": " and the line's end */
#define STATUS_LINE_COST 16u

static struct response *response_of(llhttp_t *p)
{
    return CONTAINER_OF(p, struct response, parser);
}

static COLD int stop(struct response *r, enum response_verdict why)
{
    r->verdict = (uint8_t)why;
    return HPE_USER;
}

static int spend(struct response *r, size_t bytes)
{
    if (bytes > r->budget)
        return stop(r, RESPONSE_LIMIT);
    r->budget -= (uint32_t)bytes;
    return HPE_OK;
}

/* Only the field being read moves, and its block doubles, so a value that comes byte by byte
 * costs its length a few times and not its square. */
static bool make_room(struct response *r, size_t bytes)
{
    size_t have = r->name_len + r->value_len;
    size_t want = 2 * (have + bytes);
    char *block;

    if (bytes <= r->room)
        return true;
    want = want > FIELD_BLOCK_BYTES ? want : FIELD_BLOCK_BYTES;
    block = arena_bytes(r->arena, want);
    if (block == NULL)
        return false;
    if (have > 0)
        memcpy(block, r->at, have);
    r->at = block;
    r->room = (uint32_t)(want - have);
    return true;
}

/* Trailers are counted and dropped. */
static int keep(struct response *r, const char *at, size_t len, uint32_t *ret_len)
{
    int err = spend(r, len);

    if (err != HPE_OK || r->headed)
        return err;
    if (!make_room(r, len))
        return stop(r, RESPONSE_LIMIT);
    memcpy(r->at + r->name_len + r->value_len, at, len);
    r->room -= (uint32_t)len;
    *ret_len += (uint32_t)len;
    return HPE_OK;
}

static int on_name(llhttp_t *p, const char *at, size_t len)
{
    struct response *r = response_of(p);

    return keep(r, at, len, &r->name_len);
}

static int on_value(llhttp_t *p, const char *at, size_t len)
{
    struct response *r = response_of(p);

    return keep(r, at, len, &r->value_len);
}

static int on_field(llhttp_t *p)
{
    struct response *r = response_of(p);
    struct str name, value;

    if (spend(r, FIELD_COST) != HPE_OK)
        return HPE_USER;
    if (r->headed)
        return HPE_OK;
    name = (struct str){r->at, r->name_len};
    value = (struct str){r->at + r->name_len, r->value_len};
    if (r->fields.count >= RESPONSE_FIELDS_MAX ||
        http_fields_add(&r->fields, r->arena, name, str_trim(value)) != 0)
        return stop(r, RESPONSE_LIMIT);
    r->at += r->name_len + r->value_len;
    r->name_len = r->value_len = 0;
    return HPE_OK;
}

static int on_version(llhttp_t *p)
{
    struct response *r = response_of(p);

    if (p->http_major == 1)
        return spend(r, STATUS_LINE_COST);
    r->why = "another version";
    return stop(r, RESPONSE_BAD);
}

static int on_status_text(llhttp_t *p, const char *at, size_t len)
{
    (void)at;
    return spend(response_of(p), len);
}

static bool is_interim(const struct response *r)
{
    return r->parser.status_code < 200;
}

/* 1 tells llhttp that no body follows, whatever the fields say (RFC 9112 section 6.3). */
static int on_fields_end(llhttp_t *p)
{
    struct response *r = response_of(p);
    unsigned status = p->status_code;
    bool sized = (p->flags & F_CONTENT_LENGTH) != 0 && p->content_length <= INT64_MAX;
    struct http_reply_in head = {status, r->fields, sized ? (int64_t)p->content_length : -1};

    if (status < 100 || status == 101) {
        r->why = status == 101 ? "an unasked protocol switch" : "no such status";
        return stop(r, RESPONSE_BAD);
    }
    if (is_interim(r))
        return 1;
    r->headed = true;
    if (!r->ops->on_head(r, &head))
        return stop(r, RESPONSE_STOPPED);
    return r->no_body || status == 204 || status == 304 ? 1 : 0;
}

static int on_body(llhttp_t *p, const char *at, size_t len)
{
    struct response *r = response_of(p);

    return r->ops->on_body(r, (struct str){at, len}) ? HPE_OK : stop(r, RESPONSE_STOPPED);
}

static int on_complete(llhttp_t *p)
{
    struct response *r = response_of(p);

    if (is_interim(r)) {
        r->fields.count = 0;
        return HPE_OK;
    }
    r->complete = true;
    r->reusable = llhttp_should_keep_alive(p) != 0;
    return HPE_PAUSED; /* what follows is not this reply's */
}

static const llhttp_settings_t settings = {
    .on_version_complete = on_version,
    .on_status = on_status_text,
    .on_header_field = on_name,
    .on_header_value = on_value,
    .on_header_value_complete = on_field,
    .on_headers_complete = on_fields_end,
    .on_body = on_body,
    .on_message_complete = on_complete,
};

void response_start(struct response *r, const struct response_ops *ops, struct arena *arena,
                    bool no_body)
{
    llhttp_init(&r->parser, HTTP_RESPONSE, &settings);
    r->ops = ops;
    r->arena = arena;
    r->fields = (struct http_fields){0};
    r->at = NULL;
    r->why = NULL;
    r->room = r->name_len = r->value_len = 0;
    r->budget = RESPONSE_HEAD_BYTES_MAX;
    r->verdict = RESPONSE_MORE;
    r->no_body = no_body;
    r->headed = r->complete = r->reusable = false;
}

enum response_verdict response_feed(struct response *r, struct str bytes, size_t *ret_used)
{
    llhttp_errno_t err = llhttp_execute(&r->parser, bytes.ptr, bytes.len);

    if (err == HPE_OK)
        return RESPONSE_MORE;
    if (err == HPE_PAUSED && r->complete) {
        *ret_used = (size_t)(llhttp_get_error_pos(&r->parser) - bytes.ptr);
        return RESPONSE_DONE;
    }
    /* Some callbacks' failures get a code of their own, so the code tells nothing. */
    return r->verdict != RESPONSE_MORE ? (enum response_verdict)r->verdict : RESPONSE_BAD;
}

void response_forget(struct response *r)
{
    assert(r->headed);
    r->fields = (struct http_fields){0};
    r->at = NULL;
    r->room = 0;
}

bool response_end(struct response *r)
{
    if (!r->complete && r->headed)
        llhttp_finish(&r->parser); /* calls on_complete() where closing is the reply's end */
    return r->complete;
}

const char *response_why(const struct response *r)
{
    const char *why = r->why != NULL ? r->why : llhttp_get_error_reason(&r->parser);

    return why != NULL && *why != '\0' ? why : "malformed";
}
