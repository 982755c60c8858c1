/*
 * server_head.c - the head of a reply, as bytes.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <time.h>

#include "base/decimal.h"
#include "http/server_conn.h"

/* An unread request body up to this is read and dropped for the sake of the connection. */
#define DROP_BYTES_MAX (64u * 1024u)
/* Everything but the caller's fields and those of CORS. */
#define FIXED_BYTES_MAX 512u

static const struct str cors_exposed =
    STR_INIT("Access-Control-Expose-Headers: x-request-id, request-id, x-dragoman-target, "
             "x-dragoman-attempts, x-dragoman-cache, x-dragoman-cost-usd, "
             "x-dragoman-overhead-us, x-dragoman-dropped-params, x-ratelimit-limit-requests, "
             "x-ratelimit-limit-tokens, x-ratelimit-remaining-requests, "
             "x-ratelimit-remaining-tokens, x-ratelimit-reset-requests, "
             "x-ratelimit-reset-tokens, retry-after, retry-after-ms, x-should-retry\r\n");

static char *put(char *to, struct str s)
{
    if (s.len > 0)
        memcpy(to, s.ptr, s.len);
    return to + s.len;
}

static char *put_number(char *to, uint64_t n)
{
    char digits[DECIMAL_BYTES_MAX];

    return put(to, decimal_write(n, digits));
}

static char *put_date(char *to)
{
    static _Thread_local struct {
        time_t second;
        char text[HTTP_DATE_BYTES];
    } last;
    struct timespec now;

    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (now.tv_sec != last.second) {
        last.second = now.tv_sec;
        http_date_write(now.tv_sec, last.text);
    }
    to = put(to, STR("Date: "));
    to = put(to, (struct str){last.text, sizeof(last.text)});
    return put(to, STR("\r\n"));
}

/* Framing is the server's alone: a second opinion in the same head would be a smuggler's gift. */
static bool may_pass(const struct http_field *f)
{
    static const struct str framing[] = {STR_INIT("connection"), STR_INIT("content-length"),
                                         STR_INIT("transfer-encoding"), STR_INIT("keep-alive")};

    for (size_t i = 0; i < COUNTOF(framing); i++) {
        if (str_eq_nocase(f->name, framing[i]))
            return false;
    }
    return f->name.len > 0 && http_value_is_safe(f->name) && http_value_is_safe(f->value);
}

static char *put_fields(char *to, const struct http_fields *fields)
{
    for (uint32_t i = 0; fields != NULL && i < fields->count; i++) {
        const struct http_field *f = &fields->at[i];

        if (!may_pass(f))
            continue;
        to = put(to, f->name);
        to = put(to, STR(": "));
        to = put(to, f->value);
        to = put(to, STR("\r\n"));
    }
    return to;
}

unsigned conn_cors_pieces(const struct http_conn *c, struct str ret_pieces[CONN_CORS_PIECES])
{
    struct str origin;
    unsigned n = 0;

    if (c->server->settings.cors == NULL)
        return 0;
    origin = conn_cors_origin(c);
    if (origin.ptr != NULL) {
        ret_pieces[n++] = STR("Access-Control-Allow-Origin: ");
        ret_pieces[n++] = origin;
        ret_pieces[n++] = STR("\r\n");
        ret_pieces[n++] = cors_exposed;
    }
    if (origin.ptr == NULL || !str_eq(origin, STR("*")))
        ret_pieces[n++] = STR("Vary: Origin\r\n");
    return n;
}

static char *put_framing(char *to, const struct http_conn *c, int64_t length)
{
    const struct http_call *call = &c->call;

    if (c->chunked)
        to = put(to, STR("Transfer-Encoding: chunked\r\n"));
    else if (length >= 0 && call->status != 204 && call->status != 304 && call->status >= 200) {
        to = put(to, STR("Content-Length: "));
        to = put_number(to, (uint64_t)length);
        to = put(to, STR("\r\n"));
    }
    if (c->close_after)
        to = put(to, STR("Connection: close\r\n"));
    else if (call->http_1_0)
        to = put(to, STR("Connection: keep-alive\r\n"));
    return to;
}

/* Can the connection be used again although the request has not been read to its end? */
static bool rest_is_small(const struct http_conn *c)
{
    uint64_t length = (uint64_t)c->call.content_length;

    return !c->reader.chunked && !c->expects_100 && c->call.content_length >= 0 &&
           length - c->reader.body_bytes <= DROP_BYTES_MAX;
}

static void decide_framing(struct http_conn *c, int64_t length)
{
    const struct http_call *call = &c->call;

    c->bodiless = call->head_only || call->status == 204 || call->status == 304;
    c->chunked = length < 0 && !call->http_1_0 && call->status != 204 && call->status != 304;
    c->sized = length >= 0 && !c->bodiless;
    c->length_left = c->sized ? (uint64_t)length : 0;
    if ((length < 0 && !c->chunked && !c->bodiless) || c->server->draining ||
        (!c->reader.whole && !rest_is_small(c)))
        c->close_after = true;
}

static size_t space_for(const struct http_fields *fields, const struct str *cors, unsigned n_cors)
{
    size_t n = FIXED_BYTES_MAX;

    for (unsigned i = 0; i < n_cors; i++)
        n += cors[i].len;
    for (uint32_t i = 0; fields != NULL && i < fields->count; i++)
        n += fields->at[i].name.len + fields->at[i].value.len + 4;
    return n;
}

int conn_head_write(struct http_conn *c, const struct http_fields *fields, int64_t length)
{
    struct str cors[CONN_CORS_PIECES];
    unsigned n_cors = conn_cors_pieces(c, cors);
    char *start, *to;

    decide_framing(c, length);
    start = to = arena_bytes(&c->call.arena, space_for(fields, cors, n_cors));
    if (start == NULL)
        return -ENOMEM;
    to = put(to, STR("HTTP/1.1 "));
    to = put_number(to, c->call.status);
    to = put(to, STR(" "));
    to = put(to, http_reason(c->call.status));
    to = put(to, STR("\r\n"));
    to = put_date(to);
    to = put_fields(to, fields);
    for (unsigned i = 0; i < n_cors; i++)
        to = put(to, cors[i]);
    to = put_framing(to, c, length);
    to = put(to, STR("\r\n"));
    arena_trim(&c->call.arena, start, to);
    c->head = (struct str){start, (size_t)(to - start)};
    return 0;
}
