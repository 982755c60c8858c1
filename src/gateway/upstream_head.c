/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/upstream_head.h"

#include "base/decimal.h"
#include "gateway/exchange.h"
#include "gateway/forward.h"
#include "gateway/sigv4.h"

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
    return conf_version_is_field(c) && str_eq_nocase(c->version_header, name);
}

static size_t measure(const struct exchange *x, const struct upstream_head *u, struct str signature)
{
    const struct conf_provider *c = u->provider;
    size_t n = FIXED_BYTES + signature.len + u->method.len + c->base_path.len + u->path.len +
               c->host.len + x->request_id.len + c->version_header.len + c->version.len +
               c->organization.len + c->project.len;

    n += u->token.len + (u->key != KEY_NONE ? c->keys[u->key].len : 0);
    for (uint32_t i = 0; i < c->headers_count; i++)
        n += c->headers[i][0].len + c->headers[i][1].len + 4;
    for (uint32_t i = 0; i < x->call->fields.count; i++)
        n += x->call->fields.at[i].name.len + x->call->fields.at[i].value.len + 4;
    return n;
}

static void put_host(struct pen *p, const struct conf_provider *c)
{
    bool v6 = memchr(c->host.ptr, ':', c->host.len) != NULL;

    put(p, v6 ? STR("[") : STR(""));
    put(p, c->host);
    put(p, v6 ? STR("]") : STR(""));
    if (c->port != (c->tls ? 443 : 80)) {
        put(p, STR(":"));
        put_number(p, c->port);
    }
}

/* ---- who we are ---- */

/* Azure takes a key of its own, or a token of Entra ID: a JWT. */
static bool is_token(struct str key)
{
    return str_starts(key, STR("eyJ")) && memchr(key.ptr, '.', key.len) != NULL;
}

/* Up to where the key begins. */
static struct str credential_field(const struct conf_provider *c, struct str key)
{
    switch (c->maker) {
    case MAKER_ANTHROPIC:
        return STR("x-api-key: ");
    case MAKER_GEMINI:
        return STR("x-goog-api-key: ");
    case MAKER_AZURE:
        if (!is_token(key))
            return STR("api-key: ");
        break;
    case MAKER_OPENAI:
    case MAKER_OLLAMA:
    case MAKER_BEDROCK:
        break;
    }
    return STR("authorization: Bearer ");
}

/* Amazon's access keys sign; its API keys are shown like everybody's. */
static bool signs(const struct upstream_head *u, struct sigv4_key *ret_key)
{
    return u->key != KEY_NONE && u->provider->maker == MAKER_BEDROCK &&
           sigv4_key_read(u->provider->keys[u->key], ret_key);
}

/* Empty: nothing is signed.  .ptr NULL: no room. */
static struct str sign(struct arena *a, const struct upstream_head *u)
{
    const struct conf_provider *c = u->provider;
    struct sigv4_request r = {.method = u->method, .body = u->body, .body_count = u->body_count};
    struct sigv4_key key;
    struct pen p;

    if (!signs(u, &key) || u->relay) /* a relayed body is not here yet */
        return STR("");
    p.at = arena_bytes(a, c->host.len + DECIMAL_BYTES_MAX + 3);
    if (p.at == NULL)
        return (struct str){NULL, 0};
    r.host.ptr = p.at;
    put_host(&p, c);
    r.host.len = (size_t)(p.at - r.host.ptr);
    str_cut(arena_join(a, (struct str[]){c->base_path, u->path}, 2), '?', &r.path, &r.query);
    if (r.path.ptr == NULL)
        return r.path;
    return sigv4_fields(a, &key, &(struct sigv4_scope){c->region, STR("bedrock"), u->now_s}, &r);
}

static void put_credential(struct pen *p, const struct upstream_head *u, struct str signature)
{
    struct sigv4_key unused;
    struct str key;

    put(p, signature);
    if (u->token.len > 0) {
        put(p, STR("authorization: Bearer "));
        put(p, u->token);
        put(p, STR("\r\n"));
    }
    if (u->key == KEY_NONE || signs(u, &unused))
        return;
    key = u->provider->keys[u->key];
    put(p, credential_field(u->provider, key));
    put(p, key);
    put(p, STR("\r\n"));
}

/* ---- the fields ---- */

static bool begins(struct str name, struct str prefix)
{
    return name.len > prefix.len && str_eq_nocase(str_make(name.ptr, prefix.len), prefix);
}

/* A field of one maker's API means nothing to another's; Amazon's have to be signed. */
static bool is_foreign(const struct exchange *x, enum chat_dialect d, struct str name)
{
    bool googles = x->surface != NULL && x->surface->dialect == CHAT_GEMINI;

    return (googles && d != CHAT_GEMINI && begins(name, STR("x-goog-"))) ||
           (d != CHAT_ANTHROPIC && begins(name, STR("anthropic-"))) ||
           (d == CHAT_BEDROCK && begins(name, STR("x-amz-")));
}

static void put_provider(struct pen *p, const struct upstream_head *u, struct str signature)
{
    const struct conf_provider *c = u->provider;

    put_credential(p, u, signature);
    if (conf_version_is_field(c))
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
            !is_foreign(x, u->provider->dialect, f->at[i].name))
            put_field(p, f->at[i].name, f->at[i].value);
    }
}

static struct str accepted(const struct upstream_head *u)
{
    if (!u->stream)
        return STR("application/json");
    return u->provider->dialect == CHAT_BEDROCK ? STR("application/vnd.amazon.eventstream")
                                                : STR("text/event-stream");
}

static void put_framing(struct pen *p, const struct upstream_head *u)
{
    if (!u->relay) {
        put_field(p, STR("accept"), accepted(u));
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
    struct str signature = sign(x->mem, u);
    size_t max = measure(x, u, signature);
    char *start = arena_bytes(x->mem, max);
    struct pen p = {start};

    if (start == NULL || signature.ptr == NULL)
        return (struct str){NULL, 0};
    put(&p, u->method);
    put(&p, STR(" "));
    put(&p, u->provider->base_path);
    put(&p, u->path);
    put(&p, STR(" HTTP/1.1\r\n"));
    put(&p, STR("host: "));
    put_host(&p, u->provider);
    put(&p, STR("\r\n"));
    put(&p, STR("user-agent: dragoman/" DRAGOMAN_VERSION "\r\n"));
    put_field(&p, STR("x-request-id"), x->request_id);
    put_provider(&p, u, signature);
    put_client(&p, x, u);
    put_framing(&p, u);
    assert((size_t)(p.at - start) <= max);
    arena_trim(x->mem, start, p.at);
    return str_make(start, (size_t)(p.at - start));
}
