/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/error.h"

#include <errno.h>

#include "base/decimal.h"
#include "gateway/answer.h"
#include "gateway/exchange.h"
#include "gateway/translate.h"
#include "llm/chat_surface.h"
#include "llm/generate.h"

/* When it was us and not an upstream, another instance or a moment later may do. */
#define OURS_RETRY_MS 1000u
#define BODY_BYTES_MAX 65536u

struct str error_body(struct arena *a, enum fault f, struct str message, struct str param)
{
    const struct fault_info *info = fault_info(f);
    struct str text = json_quote(a, message.len > 0 ? message : str_from(info->manual));
    struct str field = param.len > 0 ? json_quote(a, param) : STR("null");
    struct str body = {NULL, 0};

    if (text.ptr != NULL && field.ptr != NULL)
        body = arena_printf(a,
                            "{\"error\":{\"message\":%.*s,\"type\":\"%s\",\"param\":%.*s,"
                            "\"code\":\"%s\"}}",
                            STR_ARG(text), info->type, STR_ARG(field), info->wire);
    if (body.ptr == NULL)
        return STR(
            "{\"error\":{\"message\":\"limits.exchange_bytes is reached.\",\"type\":\"api_error\","
            "\"param\":null,\"code\":\"gateway_overloaded\"}}");
    return body;
}

/* What a client is told, however its API writes that. */
struct told {
    enum chat_dialect dialect;
    enum fault fault;
    unsigned status;
    struct str message, param, request_id;
    uint64_t retry_ms; /* when a wait is known to help; 0: it is not */
};

static uint64_t retry_hint_ms(enum fault f, uint64_t known_ms)
{
    bool ours = f == FAULT_DRAINING || f == FAULT_OVERLOADED;

    return known_ms == 0 && ours ? OURS_RETRY_MS : known_ms;
}

/* Also where nothing is served, or relayed, below Anthropic's path or Google's. */
static enum chat_dialect dialect_of_path(struct str path)
{
    struct str allow;
    const struct surface *s = surface_find(STR("POST"), path, &allow);

    if (s->id != SURFACE_OTHER && s->id != SURFACE_RELAY)
        return s->dialect;
    if (str_starts(path, STR("/v1/messages")))
        return CHAT_ANTHROPIC;
    return str_starts(path, STR("/v1beta/")) ? CHAT_GEMINI : CHAT_OPENAI;
}

static struct told told_of(const struct exchange *x, enum fault f, struct str message)
{
    bool served = x->surface->id != SURFACE_OTHER && x->surface->id != SURFACE_RELAY;

    return (struct told){
        .dialect = served ? x->surface->dialect : dialect_of_path(x->call->path),
        .fault = f,
        .status = x->passed_status != 0 ? x->passed_status : fault_info(f)->http,
        .message = message,
        .request_id = x->request_id,
        .retry_ms = retry_hint_ms(f, x->retry_after_out_ms),
    };
}

static const struct str no_room[] = {
    [CHAT_ANTHROPIC] = STR_INIT("{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\","
                                "\"message\":\"limits.exchange_bytes is reached.\"}}"),
    [CHAT_GEMINI] = STR_INIT("{\"error\":{\"code\":503,\"status\":\"UNAVAILABLE\","
                             "\"message\":\"limits.exchange_bytes is reached.\"}}"),
};

static struct str body_of(struct arena *a, const struct told *t)
{
    struct str message = t->message.len > 0 ? t->message : str_from(fault_info(t->fault)->manual);
    struct buf out = {.max = BODY_BYTES_MAX};
    struct str body = {NULL, 0};
    int err;

    if (t->dialect != CHAT_ANTHROPIC && t->dialect != CHAT_GEMINI)
        return error_body(a, t->fault, t->message, t->param);
    err = t->dialect == CHAT_GEMINI
              ? generate_error(t->fault, t->status, message, t->param, t->request_id, t->retry_ms,
                               &out)
              : chat_surface_get(t->dialect)
                    ->error_body(t->fault, message, t->param, t->request_id, &out);
    if (err == 0)
        body = arena_dup(a, buf_str(&out));
    buf_done(&out);
    return body.ptr != NULL ? body : no_room[t->dialect];
}

void error_put(struct exchange *x, enum fault f, struct str message, struct buf *out)
{
    struct told t = told_of(x, f, message);

    if (buf_put(out, body_of(x->mem, &t)) < 0)
        out->len = 0;
}

static void answer_in_band(struct exchange *x, struct str body)
{
    bool named = x->surface->dialect == CHAT_ANTHROPIC || x->surface->dialect == CHAT_RESPONSES;
    struct str pieces[3] = {named ? STR("event: error\ndata: ") : STR("data: "), body, STR("\n\n")};
    struct str message = x->why.len > 0 ? x->why : str_from(fault_info(x->fault)->manual);
    struct buf own = {.max = x->gl->gw->conf->limits.reply_bytes};

    if (translate_error(x, x->fault, message, &own)) {
        struct str events = buf_str(&own);

        answer_bytes(x, &events, 1);
    } else {
        answer_bytes(x, pieces, COUNTOF(pieces));
    }
    buf_done(&own);
    answer_end(x);
}

static int add_number(struct exchange *x, struct http_fields *f, struct str name, uint64_t n)
{
    char digits[DECIMAL_BYTES_MAX];
    struct str value = arena_dup(x->mem, decimal_write(n, digits));

    return value.ptr != NULL ? http_fields_add(f, x->mem, name, value) : -ENOMEM;
}

/* Retry-After when a wait is known to help, otherwise "do not try again": our own retries are
 * spent, and a client's would multiply them (R14). */
static int add_retry_fields(struct exchange *x, struct http_fields *f, enum fault fault)
{
    const struct fault_info *info = fault_info(fault);
    uint64_t ms = retry_hint_ms(fault, x->retry_after_out_ms);
    int err;

    if (info->http != 429 && info->http < 500 && info->http != 408)
        return 0;
    if (ms == 0)
        return http_fields_add(f, x->mem, STR("x-should-retry"), STR("false"));
    err = add_number(x, f, STR("retry-after"), (ms + 999) / 1000);
    return err < 0 ? err : add_number(x, f, STR("retry-after-ms"), ms);
}

static void answer_passed(struct exchange *x)
{
    struct http_fields f = {0};
    struct str type = x->passed_type.len > 0 ? x->passed_type : STR("application/json");

    if (answer_fields(x, &f) < 0 || http_fields_add(&f, x->mem, STR("content-type"), type) < 0 ||
        http_fields_add(&f, x->mem, STR("x-should-retry"), STR("false")) < 0)
        f = (struct http_fields){0};
    answer_whole(x, x->passed_status, &f, buf_str(&x->passed));
}

void error_answer(struct exchange *x)
{
    struct http_fields f = {0};
    struct told t = told_of(x, x->fault, x->why);
    struct str body;

    if (x->call->left || x->answer.ended)
        return;
    if (!x->answer.head_sent && x->passed_status != 0) {
        answer_passed(x);
        return;
    }
    if (x->answer.head_sent && x->surface->id == SURFACE_RELAY) {
        x->answer.ended = true;
        http_reply_abort(x->call); /* bytes are not ours to add to: the cut must be seen */
        return;
    }
    t.param = x->param;
    body = body_of(x->mem, &t);
    if (x->answer.head_sent) {
        answer_in_band(x, body);
        return;
    }
    if (answer_fields(x, &f) < 0 || add_retry_fields(x, &f, x->fault) < 0 ||
        (x->allow.len > 0 && http_fields_add(&f, x->mem, STR("allow"), x->allow) < 0) ||
        http_fields_add(&f, x->mem, STR("content-type"), STR("application/json")) < 0)
        f = (struct http_fields){0};
    answer_whole(x, fault_info(x->fault)->http, &f, body);
}

enum fault error_server_fault(unsigned status)
{
    switch (status) {
    case 408:
        return FAULT_CLIENT_TIMEOUT;
    case 413:
    case 431:
        return FAULT_TOO_LARGE;
    case 503:
        return FAULT_OVERLOADED;
    case 501: /* a Transfer-Encoding, or a version of HTTP, that nobody here speaks */
    case 505:
        return FAULT_BAD_REQUEST;
    default:
        return status >= 500 ? FAULT_INTERNAL : FAULT_BAD_REQUEST;
    }
}

struct str error_server_body(struct http_call *c, unsigned status, struct str message,
                             struct str limit)
{
    enum fault f = error_server_fault(status);
    struct told t = {.dialect = dialect_of_path(c->path),
                     .fault = f,
                     .status = status,
                     .message = message,
                     .param = limit,
                     .retry_ms = retry_hint_ms(f, 0)};

    return body_of(&c->arena, &t);
}
