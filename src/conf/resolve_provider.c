/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/resolve.h"

#include "conf/index.h"
#include "conf/proxy.h"
#include "conf/resolve_part.h"
#include "conf/values.h"

#define BEDROCK_SECRET_MAX 256u /* what sigv4.c takes; Amazon's have 40 */

void resolve_provider_prepare(struct load *l, void *record)
{
    struct conf_provider *p = record;
    struct conf *c = l->conf;

    p->index = (uint32_t)(p - c->providers);
    p->timeouts = c->timeouts;
    p->upstream = c->upstream;
    if (c->provider_index.slots == NULL &&
        !index_init(&c->provider_index, l->mem, c->providers_count)) {
        problem_at(&l->problems, 0, 0, "no memory left");
        return;
    }
    index_put(&c->provider_index, index_hash_name(p->name), p->index);
}

/* ---- whose API ---- */

/* What a maker speaks, and what it uses where the configuration does not say. */
static const struct home {
    enum chat_dialect dialect;
    struct str base_url, version_header, version;
} homes[] = {
    [MAKER_OPENAI] = {CHAT_OPENAI, STR_INIT(""), STR_INIT(""), STR_INIT("")}, /* the presets */
    [MAKER_ANTHROPIC] = {CHAT_ANTHROPIC, STR_INIT("https://api.anthropic.com/v1"),
                         STR_INIT("anthropic-version"), STR_INIT("2023-06-01")},
    [MAKER_GEMINI] = {CHAT_GEMINI, STR_INIT("https://generativelanguage.googleapis.com/v1beta"),
                      STR_INIT(""), STR_INIT("")},
    [MAKER_OLLAMA] = {CHAT_OLLAMA, STR_INIT("http://127.0.0.1:11434"), STR_INIT(""), STR_INIT("")},
    [MAKER_AZURE] = {CHAT_OPENAI, STR_INIT(""), STR_INIT(""), STR_INIT("2024-10-21")},
    [MAKER_BEDROCK] = {CHAT_BEDROCK, STR_INIT(""), STR_INIT(""), STR_INIT("")},
};

static void set_home(const struct node *map, struct conf_provider *p)
{
    const struct home *h = &homes[p->maker];

    p->dialect = h->dialect;
    if (h->base_url.len > 0 && node_find(map, STR("base_url")) == NULL)
        p->base_url = h->base_url;
    if (h->version.len > 0 && node_find(map, STR("version")) == NULL)
        p->version = h->version;
    if (h->version_header.len > 0 && node_find(map, STR("version_header")) == NULL)
        p->version_header = h->version_header;
}

/* ---- Azure ---- */

static bool ends_in(struct str s, struct str end)
{
    return s.len >= end.len && str_eq(str_skip(s, s.len - end.len), end);
}

/* Its newer paths have no version unless one is asked for. */
static void set_azure(struct load *l, const struct node *map, struct conf_provider *p)
{
    if (node_find(map, STR("base_url")) == NULL)
        load_problem(l, map,
                     "`base_url` is missing: `azure` has one for each resource, such as "
                     "https://NAME.openai.azure.com");
    if (node_find(map, STR("version")) == NULL && ends_in(p->base_path, STR("/openai/v1")))
        p->version = STR("");
}

static void check_entra(struct load *l, const struct node *map, const struct conf_provider *p)
{
    if (!p->entra.on)
        return;
    if (p->maker != MAKER_AZURE)
        load_problem(l, resolve_child(map, "entra"), "`entra`: only of the dialect `azure`");
    else if (p->keys_count > 0)
        load_problem(l, resolve_child(map, "entra"),
                     "`entra` beside `keys`; leave one of them out");
}

/* ---- which of its APIs ---- */

void resolve_api(struct load *l, const struct node *at, const struct conf_provider *p,
                 enum conf_api api)
{
    if (api == API_INHERITED || api == API_CHAT)
        return;
    if (p->dialect != CHAT_OPENAI)
        load_problem(l, at, "`api`: only `openai` and `azure` have more than one; leave it out");
    else if (p->maker == MAKER_AZURE && !ends_in(p->base_path, STR("/openai/v1")))
        load_problem(l, at,
                     "`api`: `azure` has the Responses API at "
                     "https://NAME.openai.azure.com/openai/v1; write that as `base_url`");
}

/* ---- Bedrock ---- */

static bool is_region(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
            return false;
    }
    return s.len > 0;
}

/* bedrock-runtime.REGION.amazonaws.com, or bedrock-runtime-fips.…; empty when it is another. */
static struct str region_of_url(struct str base_url)
{
    struct value_url url;
    struct str first, region, rest;
    const char *why;

    if (!value_url(base_url, &url, &why) || !str_starts(url.host, STR("bedrock-runtime")) ||
        !str_cut(url.host, '.', &first, &rest) || !str_cut(rest, '.', &region, &rest) ||
        !str_starts(rest, STR("amazonaws.com")))
        return STR("");
    return region;
}

/* ACCESS:SECRET, ACCESS:SECRET:SESSION, or an API key, which has no colon: a variable that is unset
 * would leave one of its parts empty. */
static bool is_bedrock_key(struct str key)
{
    struct str access, secret, session, none;

    if (!str_cut(key, ':', &access, &secret))
        return true;
    str_cut(secret, ':', &secret, &session);
    return access.len > 0 && secret.len > 0 && secret.len <= BEDROCK_SECRET_MAX &&
           !str_cut(session, ':', &none, &none);
}

static void check_bedrock_keys(struct load *l, const struct node *map,
                               const struct conf_provider *p)
{
    bool one = node_find(map, STR("key")) != NULL;

    for (uint32_t i = 0; i < p->keys_count; i++) {
        if (!is_bedrock_key(p->keys[i]))
            load_problem(l, resolve_child(map, one ? "key" : "keys"),
                         "`%s`: one of `bedrock` is ACCESS:SECRET, ACCESS:SECRET:SESSION, or an "
                         "API key without a colon",
                         one ? "key" : "keys");
    }
}

/* Before the address is read. */
static void set_bedrock(struct load *l, const struct node *map, struct conf_provider *p)
{
    bool placed = node_find(map, STR("base_url")) != NULL;

    check_bedrock_keys(l, map, p);
    if (p->region.len == 0 && placed)
        p->region = region_of_url(p->base_url);
    if (!is_region(p->region)) {
        load_problem(l, resolve_child(map, "region"),
                     p->region.len > 0 ? "`region`: no name of a region, such as us-east-1"
                                       : "`region` is missing: requests to `bedrock` are signed "
                                         "for one, such as us-east-1");
        return;
    }
    if (!placed)
        p->base_url = arena_join(
            l->mem,
            (struct str[]){STR("https://bedrock-runtime."), p->region, STR(".amazonaws.com")}, 3);
}

/* ---- the server ---- */

static void set_address(struct conf_provider *p)
{
    struct value_url url;
    const char *why;

    if (!value_url(p->base_url, &url, &why))
        return; /* it was told */
    p->tls = url.tls;
    p->host = url.host;
    p->port = url.port;
    p->base_path = url.path;
}

/* Whose server it is, and that one which refuses to be asked for usage is not asked. */
static void set_server(struct load *l, const struct node *map, struct conf_provider *p)
{
    if (p->server > SERVER_PLAIN && p->maker != MAKER_OPENAI)
        load_problem(l, resolve_child(map, "server"), "`server`: only of the dialect `openai`");
    if (p->server == SERVER_AUTO)
        p->server = p->maker == MAKER_OPENAI ? quirks_server_of(p->host) : SERVER_PLAIN;
    if (node_find(map, STR("ask_usage")) == NULL &&
        quirks_refuse(quirks_find(p->server, STR("")), STR("stream_options")))
        p->ask_usage = false;
}

static void set_proxy(struct load *l, const struct node *map, struct conf_provider *p)
{
    const char *name = "", *why = "";

    if (node_find(map, STR("proxy")) != NULL || p->host.len == 0)
        return;
    if (!proxy_of_env(l->mem, p, l->env, &p->proxy, &name, &why))
        load_problem(l, map, "the environment's %s is of no use: %s; mend it, or set `proxy`", name,
                     why);
}

static void check_headers(struct load *l, const struct node *map, const struct conf_provider *p)
{
    const struct node *at = resolve_child(map, "headers")->first;

    for (uint32_t i = 0; i < p->headers_count; i++, at = at->next) {
        if ((p->keys_count > 0 || p->entra.on) &&
            str_eq_nocase(p->headers[i][0], STR("authorization")))
            problem_at(&l->problems, at->key_line, at->key_column,
                       "`headers`: Authorization is set from `%s`; leave one of them out",
                       p->entra.on ? "entra" : "keys");
        for (uint32_t j = 0; j < i; j++) {
            if (str_eq_nocase(p->headers[i][0], p->headers[j][0]) &&
                !str_eq(p->headers[i][0], p->headers[j][0]))
                problem_at(&l->problems, at->key_line, at->key_column,
                           "`headers`: %s is given twice", problem_quote(at->key).text);
        }
    }
}

/* ---- all of it ---- */

void resolve_provider(struct load *l, const struct node *map, void *record)
{
    const struct node *key = node_find(map, STR("key"));
    struct conf_provider *p = record;

    resolve_name(l, map, "a provider", "/*\"\\");
    if (key != NULL && node_find(map, STR("keys")) != NULL)
        load_problem(l, key, "`key` beside `keys`; put all of them into `keys`");
    if (p->version_header.len > 0 && !value_is_token(p->version_header))
        load_problem(l, resolve_child(map, "version_header"),
                     "`version_header`: no name for a header");
    set_home(map, p);
    if (p->maker == MAKER_BEDROCK)
        set_bedrock(l, map, p);
    set_address(p);
    if (p->maker == MAKER_AZURE)
        set_azure(l, map, p);
    resolve_api(l, resolve_child(map, "api"), p, p->api);
    check_entra(l, map, p);
    set_server(l, map, p);
    set_proxy(l, map, p);
    check_headers(l, map, p);
}
