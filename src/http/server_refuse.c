/*
 * server_refuse.c - what the server answers by itself: refusals and CORS preflights.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/decimal.h"
#include "http/server_conn.h"

static struct str default_body(struct http_call *c, unsigned status, struct str message,
                               struct str limit)
{
    (void)status;
    (void)limit;
    return arena_printf(&c->arena, "{\"error\":{\"message\":\"%.*s\"}}", STR_ARG(message));
}

static void answer(struct http_conn *c, const struct http_refusal *r)
{
    const struct http_handler *h = c->server->handler;
    struct http_call *call = &c->call;
    struct http_fields fields = {0};
    struct str body = (h->error_body != NULL ? h->error_body : default_body)(
        call, r->status, str_from(r->message), str_from(r->limit));

    if (http_fields_add(&fields, &call->arena, STR("Content-Type"), STR("application/json")) < 0)
        fields.count = 0;
    if (r->status == 503 &&
        http_fields_add(&fields, &call->arena, STR("Retry-After"), STR("1")) < 0)
        fields.count = 0;
    http_reply(call, r->status, &fields, body);
}

/* Everything in it stands here, on the stack, or in what error_body() keeps for a full arena. */
void conn_answer_full(struct http_conn *c)
{
    const struct http_handler *h = c->server->handler;
    const char *limit = "limits.exchange_bytes";
    struct str pieces[CONN_CORS_PIECES + 5], body = {NULL, 0};
    char digits[DECIMAL_BYTES_MAX];
    unsigned n = 0;

    if (h->error_body != NULL)
        body =
            h->error_body(&c->call, 503, STR("limits.exchange_bytes is reached."), str_from(limit));
    if (body.ptr == NULL)
        body = STR("{\"error\":{\"message\":\"limits.exchange_bytes is reached.\"}}");
    c->call.status = 503;
    c->call.full = c->call.replied = true;
    c->chunked = c->sized = false;
    c->bodiless = c->call.head_only; /* it may have been decided for a 204 */
    c->close_after = true;
    conn_body_uncount(c);
    pieces[n++] = STR("HTTP/1.1 503 Service Unavailable\r\n"
                      "Content-Type: application/json\r\n"
                      "Retry-After: 1\r\n"
                      "Connection: close\r\n");
    n += conn_cors_pieces(c, pieces + n);
    pieces[n++] = STR("Content-Length: ");
    pieces[n++] = decimal_write(body.len, digits);
    pieces[n++] = STR("\r\n\r\n");
    if (!c->bodiless)
        pieces[n++] = body;
    conn_send(c, pieces, n);
    conn_later(c);
}

static struct str origin_of(const struct http_conn *c)
{
    return http_fields_find(&c->call.fields, STR("origin"));
}

/* What of the head the refusal depends on outlives it. */
void conn_refuse(struct http_conn *c, const struct http_refusal *r)
{
    struct arena kept = {0};
    struct str path = arena_dup(&kept, c->call.path), origin = arena_dup(&kept, origin_of(c));
    bool in_call = c->state == CONN_CALL;
    bool too_late = c->state == CONN_DROP || (in_call && c->call.status != 0);
    bool head_only = c->call.head_only;

    if (in_call)
        conn_call_gone(c);
    else /* of the head that did not make it */
        arena_done(&c->call.arena);
    if (too_late) { /* another reply is out already */
        arena_done(&kept);
        c->state = CONN_DROP;
        c->broken = true;
        return;
    }
    c->call.arena = kept;
    c->call.path = path;
    c->call.fields = (struct http_fields){0};
    if (origin.len > 0 &&
        http_fields_add(&c->call.fields, &c->call.arena, STR("origin"), origin) < 0)
        c->call.fields.count = 0;
    c->call.head_only = head_only;
    c->state = CONN_CALL;
    c->own = true;
    c->close_after = true;
    c->reader.whole = false; /* who knows what still comes */
    if (!in_call && c->server->handler->refused != NULL)
        c->server->handler->refused(&c->call, r->status);
    answer(c, r);
}

struct str conn_cors_origin(const struct http_conn *c)
{
    const struct http_cors *cors = c->server->settings.cors;
    struct str origin = origin_of(c);

    for (unsigned i = 0; origin.ptr != NULL && i < cors->count; i++) {
        if (str_eq(cors->origins[i], STR("*")))
            return cors->origins[i];
        if (str_eq(cors->origins[i], origin))
            return origin;
    }
    return (struct str){NULL, 0};
}

bool conn_preflight(struct http_conn *c)
{
    struct http_call *call = &c->call;
    const struct http_cors *cors = c->server->settings.cors;
    struct http_fields fields = {0};
    struct str wanted;
    bool ok;

    if (cors == NULL || !str_eq(call->method, STR("OPTIONS")) ||
        http_fields_find(&call->fields, STR("access-control-request-method")).ptr == NULL)
        return false;
    c->own = true;
    ok = true;
    if (conn_cors_origin(c).ptr != NULL) {
        wanted = http_fields_find(&call->fields, STR("access-control-request-headers"));
        ok = http_fields_add(&fields, &call->arena, STR("Access-Control-Allow-Methods"),
                             STR("GET, HEAD, POST, PUT, PATCH, DELETE")) == 0 &&
             (wanted.len == 0 ||
              http_fields_add(&fields, &call->arena, STR("Access-Control-Allow-Headers"), wanted) ==
                  0) &&
             http_fields_add(&fields, &call->arena, STR("Access-Control-Max-Age"),
                             arena_printf(&call->arena, "%u", cors->max_age_s)) == 0;
    }
    http_reply(call, ok ? 204 : 503, &fields, (struct str){NULL, 0});
    return true;
}
