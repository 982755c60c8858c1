/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/upstream_head.h"

#include "base/decimal.h"
#include "gateway/exchange.h"
#include "gateway/forward.h"

#define FIXED_BYTES 512u /* request line, host, framing: without the variable parts */

/* A cursor into memory that was measured before. */
struct pen {
    char *at;
};

static void put(struct pen *p, struct str s)
{
    if (s.len > 0) /* a base URL may have no path, and an empty one no address */
        memcpy(p->at, s.ptr, s.len);
    p->at += s.len;
}

static void put_field(struct pen *p, struct str name, struct str value)
{
    put(p, name);
    put(p, STR(": "));
    put(p, value);
    put(p, STR("\r\n"));
}

static void put_number(struct pen *p, uint64_t n)
{
    char digits[DECIMAL_BYTES_MAX];

    put(p, decimal_write(n, digits));
}

static bool is_configured(const struct conf_provider *c, struct str name)
{
    for (uint32_t i = 0; i < c->headers_count; i++) {
        if (str_eq_nocase(c->headers[i][0], name))
            return true;
    }
    return c->version.len > 0 && str_eq_nocase(c->version_header, name);
}

static size_t measure(const struct exchange *x, const struct upstream_head *u)
{
    const struct conf_provider *c = u->provider;
    size_t n = FIXED_BYTES + u->method.len + c->base_path.len + u->path.len + c->host.len +
               x->request_id.len + c->version_header.len + c->version.len + c->organization.len +
               c->project.len;

    n += u->key != KEY_NONE ? c->keys[u->key].len : 0;
    for (uint32_t i = 0; i < c->headers_count; i++)
        n += c->headers[i][0].len + c->headers[i][1].len + 4;
    for (uint32_t i = 0; i < x->call->fields.count; i++)
        n += x->call->fields.at[i].name.len + x->call->fields.at[i].value.len + 4;
    return n;
}

static void put_host(struct pen *p, const struct conf_provider *c)
{
    bool v6 = memchr(c->host.ptr, ':', c->host.len) != NULL;

    put(p, STR("host: "));
    put(p, v6 ? STR("[") : STR(""));
    put(p, c->host);
    put(p, v6 ? STR("]") : STR(""));
    if (c->port != (c->tls ? 443 : 80)) {
        put(p, STR(":"));
        put_number(p, c->port);
    }
    put(p, STR("\r\n"));
}

/* Up to where the key begins. */
static struct str credential_field(enum chat_dialect d)
{
    switch (d) {
    case CHAT_ANTHROPIC:
        return STR("x-api-key: ");
    case CHAT_GEMINI:
        return STR("x-goog-api-key: ");
    case CHAT_OPENAI:
    case CHAT_RESPONSES:
    case CHAT_BEDROCK:
    case CHAT_OLLAMA:
    case CHAT_DIALECTS:
        break;
    }
    return STR("authorization: Bearer ");
}

/* A field of one maker's API means nothing to another's. */
static bool is_foreign(enum chat_dialect d, struct str name)
{
    const struct str prefix = STR("anthropic-");

    return d != CHAT_ANTHROPIC && name.len > prefix.len &&
           str_eq_nocase(str_make(name.ptr, prefix.len), prefix);
}

static void put_provider(struct pen *p, const struct upstream_head *u)
{
    const struct conf_provider *c = u->provider;

    if (u->key != KEY_NONE) {
        put(p, credential_field(c->dialect));
        put(p, c->keys[u->key]);
        put(p, STR("\r\n"));
    }
    if (c->version.len > 0)
        put_field(p, c->version_header, c->version);
    if (c->organization.len > 0)
        put_field(p, STR("openai-organization"), c->organization);
    if (c->project.len > 0)
        put_field(p, STR("openai-project"), c->project);
    for (uint32_t i = 0; i < c->headers_count; i++)
        put_field(p, c->headers[i][0], c->headers[i][1]);
}

static void put_client(struct pen *p, struct exchange *x, const struct upstream_head *u)
{
    const struct http_fields *f = &x->call->fields;
    struct str connection = http_fields_join(f, x->mem, STR("connection"));

    for (uint32_t i = 0; i < f->count; i++) {
        if (forward_up(f->at[i].name, connection, u->relay) &&
            !is_configured(u->provider, f->at[i].name) &&
            !is_foreign(u->provider->dialect, f->at[i].name))
            put_field(p, f->at[i].name, f->at[i].value);
    }
}

static void put_framing(struct pen *p, const struct upstream_head *u)
{
    if (!u->relay) {
        put(p,
            u->stream ? STR("accept: text/event-stream\r\n") : STR("accept: application/json\r\n"));
        put(p, STR("accept-encoding: identity\r\ncontent-type: application/json\r\n"));
    }
    if (u->length >= 0) {
        put(p, STR("content-length: "));
        put_number(p, (uint64_t)u->length);
        put(p, STR("\r\n"));
    } else if (u->length == -1) {
        put(p, STR("transfer-encoding: chunked\r\n"));
    }
    put(p, STR("\r\n"));
}

struct str upstream_head(struct exchange *x, const struct upstream_head *u)
{
    size_t max = measure(x, u);
    char *start = arena_bytes(x->mem, max);
    struct pen p = {start};

    if (start == NULL)
        return (struct str){NULL, 0};
    put(&p, u->method);
    put(&p, STR(" "));
    put(&p, u->provider->base_path);
    put(&p, u->path);
    put(&p, STR(" HTTP/1.1\r\n"));
    put_host(&p, u->provider);
    put(&p, STR("user-agent: dragoman/" DRAGOMAN_VERSION "\r\n"));
    put_field(&p, STR("x-request-id"), x->request_id);
    put_provider(&p, u);
    put_client(&p, x, u);
    put_framing(&p, u);
    assert((size_t)(p.at - start) <= max);
    arena_trim(x->mem, start, p.at);
    return str_make(start, (size_t)(p.at - start));
}
