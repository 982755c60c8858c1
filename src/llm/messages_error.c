/* SPDX-License-Identifier: Apache-2.0 */
#include "llm/messages_write.h"

static const struct {
    unsigned http;
    struct str type;
} types[] = {
    {400, STR_INIT("invalid_request_error")}, {401, STR_INIT("authentication_error")},
    {402, STR_INIT("billing_error")},         {403, STR_INIT("permission_error")},
    {404, STR_INIT("not_found_error")},       {413, STR_INIT("request_too_large")},
    {429, STR_INIT("rate_limit_error")},      {503, STR_INIT("overloaded_error")},
    {504, STR_INIT("timeout_error")},         {529, STR_INIT("overloaded_error")},
};

static struct str type_of(enum fault f)
{
    unsigned http = fault_info(f)->http;

    for (size_t i = 0; i < COUNTOF(types); i++) {
        if (types[i].http == http)
            return types[i].type;
    }
    return http >= 400 && http < 500 ? STR("invalid_request_error") : STR("api_error");
}

/* `param` goes before a message that does not name it yet: the API has no member for it. */
static void error_object(struct json_pen *p, enum fault f, struct str message, struct arena *a,
                         struct str param)
{
    struct str pieces[] = {param, STR(": "), message};
    bool named = param.len == 0 || str_find(message, param) != NULL;

    pen_open(p, '{');
    pen_key_plain(p, STR("type"), STR("error"));
    pen_key(p, STR("error"));
    pen_open(p, '{');
    pen_key_plain(p, STR("type"), type_of(f));
    pen_key_plain(p, STR("message"), named ? message : arena_join(a, pieces, 3));
    pen_close(p, '}');
}

int messages_error_body(enum fault f, struct str message, struct str param, struct str request_id,
                        struct buf *out)
{
    struct json_pen p = json_pen(out);
    struct arena a = {.max = 0};

    error_object(&p, f, message, &a, param);
    pen_key(&p, STR("request_id"));
    if (request_id.len > 0)
        pen_plain(&p, request_id);
    else
        pen_null(&p);
    pen_close(&p, '}');
    arena_done(&a);
    return p.err;
}

void messages_put_error(struct json_pen *p, enum fault f, struct str message)
{
    pen_bytes(p, STR("event: error\ndata: "));
    p->comma = false;
    error_object(p, f, message, NULL, STR(""));
    pen_key(p, STR("request_id"));
    pen_null(p);
    pen_close(p, '}');
    pen_bytes(p, STR("\n\n"));
}
