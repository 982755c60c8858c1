/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/resolve.h"

#include "conf/fallbacks.h"
#include "conf/index.h"
#include "conf/proxy.h"
#include "conf/values.h"

#define NAME_BYTES_MAX 128u
#define BEDROCK_SECRET_MAX 256u /* what sigv4.c takes; Amazon's have 40 */

static const struct node *child_or(const struct node *map, const char *name)
{
    const struct node *child = node_find(map, str_from(name));

    return child != NULL ? child : map;
}

/* ---- names ---- */

static void check_name(struct load *l, const struct node *map, const char *what,
                       const char *forbidden)
{
    const char *bad = NULL;

    for (size_t i = 0; i < map->key.len && bad == NULL; i++) {
        unsigned char c = (unsigned char)map->key.ptr[i];

        if (c <= ' ' || c == 0x7f || strchr(forbidden, (char)c) != NULL)
            bad = map->key.ptr + i;
    }
    if (map->key.len == 0 || map->key.len > NAME_BYTES_MAX)
        problem_at(&l->problems, map->key_line, map->key_column, "the name of %s has 1 to %u bytes",
                   what, NAME_BYTES_MAX);
    else if (bad != NULL)
        problem_at(&l->problems, map->key_line, map->key_column,
                   "the name of %s holds no spaces and none of %s", what, forbidden);
}

/* ---- sections ---- */

void resolve_tls(struct load *l, const struct node *map, void *record)
{
    bool cert = node_find(map, STR("cert")) != NULL;

    (void)record; /* a half that was refused is not missing */
    if (cert != (node_find(map, STR("key")) != NULL))
        load_problem(l, map, "`tls` has only half of the pair: `%s` is missing",
                     cert ? "key" : "cert");
}

static void check_origin(struct load *l, const struct node *at, struct str origin)
{
    struct value_url url;
    const char *why;

    if (origin.len == 0 || str_eq(origin, STR("*")))
        return;
    if (!value_url(origin, &url, &why) || url.user.len > 0 || url.path.len > 0 ||
        origin.ptr[origin.len - 1] == '/')
        load_problem(l, at, "`origins`: %s is no origin; write * or scheme://host[:port]",
                     problem_quote(at->text).text);
}

void resolve_cors(struct load *l, const struct node *map, void *record)
{
    const struct conf_cors *cors = record;
    const struct node *list = child_or(map, "origins");
    const struct node *at = list->kind == NODE_TEXT ? list : list->first;

    for (uint32_t i = 0; i < cors->origins_count; i++, at = at->next)
        check_origin(l, at, cors->origins[i]);
}

/* A section that says "off": no settings. */
static const struct node *section_off(struct load *l, const struct node *word, const char *name)
{
    struct node *map = ARENA_NEW(&l->scratch, struct node);

    if (!str_eq(word->text, STR("off"))) {
        load_problem(l, word, "`%s`: expected a map of settings, or off", name);
        return NULL;
    }
    if (map == NULL) {
        load_problem(l, word, "`%s`: no memory left", name);
        return NULL;
    }
    *map = (struct node){.kind = NODE_MAP, .line = word->line, .column = word->column};
    return map;
}

const struct node *resolve_admin_word(struct load *l, const struct node *word, void *record)
{
    struct conf_admin *admin = record;

    admin->off = str_eq(word->text, STR("off"));
    return section_off(l, word, "admin");
}

const char *resolve_admin_fold(const void *record)
{
    const struct conf_admin *admin = record;

    return admin->off ? "off" : NULL;
}

/* Who reaches this port sees prompts' metadata and can change the gateway (R50). */
void resolve_admin(struct load *l, const struct node *map, void *record)
{
    const struct conf_admin *admin = record;

    if (admin->off || admin->token.len > 0 || admin->listen.host.len == 0 ||
        value_is_loopback(admin->listen.host))
        return;
    load_problem(l, child_or(map, "listen"),
                 "`admin`: listens beyond this machine without a `token`; set one, or listen on "
                 "127.0.0.1");
}

void resolve_retry(struct load *l, const struct node *map, void *record)
{
    const struct conf_retry *retry = record;

    if (retry->initial_ms > retry->max_ms)
        load_problem(l, child_or(map, "initial"), "`initial` is longer than `max`");
}

/* ---- providers ---- */

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

/* ---- which API ---- */

static void check_api(struct load *l, const struct node *at, const struct conf_provider *p,
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

/* ---- Entra ---- */

static void check_entra(struct load *l, const struct node *map, const struct conf_provider *p)
{
    if (!p->entra.on)
        return;
    if (p->maker != MAKER_AZURE)
        load_problem(l, child_or(map, "entra"), "`entra`: only of the dialect `azure`");
    else if (p->keys_count > 0)
        load_problem(l, child_or(map, "entra"), "`entra` beside `keys`; leave one of them out");
}

const struct node *resolve_entra_word(struct load *l, const struct node *word, void *record)
{
    (void)record;
    return section_off(l, word, "entra");
}

const char *resolve_entra_fold(const void *record)
{
    const struct conf_entra *e = record;

    return e->on ? NULL : "off";
}

/* They become part of a path and of a form. */
static bool is_id(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = ascii_lower(s.ptr[i]);

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.'))
            return false;
    }
    return true;
}

static void check_ids(struct load *l, const struct node *map, const struct conf_entra *e)
{
    if (!is_id(e->tenant_id))
        load_problem(l, child_or(map, "tenant_id"), "`tenant_id`: no id of a directory");
    if (!is_id(e->client_id))
        load_problem(l, child_or(map, "client_id"), "`client_id`: no id of an application");
}

/* Also where that was said and refused. */
static bool says_managed(const struct node *map)
{
    const struct node *at = node_find(map, STR("managed_identity"));

    return at != NULL && !str_eq(at->text, STR("false"));
}

static void check_parts(struct load *l, const struct node *map)
{
    static const char *const parts[] = {"tenant_id", "client_secret", "client_id"};
    bool managed = says_managed(map);

    for (size_t i = 0; i < COUNTOF(parts); i++) {
        const struct node *at = node_find(map, str_from(parts[i]));

        if (!managed && at == NULL)
            load_problem(l, map,
                         "`%s` is missing: `entra` wants tenant_id, client_id and client_secret, "
                         "or managed_identity: true",
                         parts[i]);
        else if (managed && at != NULL && i < 2)
            load_problem(l, at, "`%s` beside `managed_identity`; leave it out", parts[i]);
    }
}

void resolve_entra(struct load *l, const struct node *map, void *record)
{
    struct conf_entra *e = record;

    e->on = map->first != NULL;
    if (!e->on)
        return;
    check_ids(l, map, e);
    check_parts(l, map);
    if (e->managed && node_find(map, STR("authority")) == NULL)
        e->authority = STR("http://169.254.169.254"); /* of every machine there */
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
            load_problem(l, child_or(map, one ? "key" : "keys"),
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
        load_problem(l, child_or(map, "region"),
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
        load_problem(l, child_or(map, "server"), "`server`: only of the dialect `openai`");
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
    const struct node *at = child_or(map, "headers")->first;

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

void resolve_provider(struct load *l, const struct node *map, void *record)
{
    const struct node *key = node_find(map, STR("key"));
    struct conf_provider *p = record;

    check_name(l, map, "a provider", "/*\"\\");
    if (key != NULL && node_find(map, STR("keys")) != NULL)
        load_problem(l, key, "`key` beside `keys`; put all of them into `keys`");
    if (p->version_header.len > 0 && !value_is_token(p->version_header))
        load_problem(l, child_or(map, "version_header"), "`version_header`: no name for a header");
    set_home(map, p);
    if (p->maker == MAKER_BEDROCK)
        set_bedrock(l, map, p);
    set_address(p);
    if (p->maker == MAKER_AZURE)
        set_azure(l, map, p);
    check_api(l, child_or(map, "api"), p, p->api);
    check_entra(l, map, p);
    set_server(l, map, p);
    set_proxy(l, map, p);
    check_headers(l, map, p);
}

/* ---- models ---- */

void resolve_model_prepare(struct load *l, void *record)
{
    struct conf_model *m = record;
    struct conf *c = l->conf;

    m->index = (uint32_t)(m - c->models);
    m->timeouts = c->timeouts;
    if (c->model_index.slots == NULL && !index_init(&c->model_index, l->mem, c->models_count)) {
        problem_at(&l->problems, 0, 0, "no memory left");
        return;
    }
    index_put(&c->model_index, index_hash_name(m->name), m->index);
}

/* The slash between provider and model; one within ${…} is not it. */
static size_t find_slash(struct str text)
{
    bool inside = false;

    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '{' && i > 0 && text.ptr[i - 1] == '$')
            inside = true;
        else if (text.ptr[i] == '}')
            inside = false;
        else if (text.ptr[i] == '/' && !inside)
            return i;
    }
    return 0;
}

static struct node *make_text(struct load *l, const struct node *like, struct str key,
                              struct str text)
{
    struct node *n = ARENA_NEW(&l->scratch, struct node);

    if (n != NULL) {
        *n = *like;
        n->key = key;
        n->text = text;
        n->next = NULL;
    }
    return n;
}

const struct node *resolve_target_word(struct load *l, const struct node *word, void *record)
{
    struct node *map = ARENA_NEW(&l->scratch, struct node), *provider, *model;
    size_t slash = find_slash(word->text);

    (void)record;
    if (slash == 0 || slash + 1 == word->text.len) {
        load_problem(l, word, "`targets`: expected provider/model or a map, not %s",
                     problem_quote(word->text).text);
        return NULL;
    }
    provider = make_text(l, word, STR("provider"), (struct str){word->text.ptr, slash});
    model = make_text(l, word, STR("model"), str_skip(word->text, slash + 1));
    if (map == NULL || provider == NULL || model == NULL) {
        load_problem(l, word, "`targets`: no memory left");
        return NULL;
    }
    provider->next = model;
    *map = (struct node){.kind = NODE_MAP,
                         .line = word->line,
                         .column = word->column,
                         .count = 2,
                         .first = provider,
                         .last = model};
    return map;
}

static const struct table *find_section(struct str name)
{
    for (uint32_t i = 0; i < settings_top.count; i++) {
        if (str_eq(str_from(settings_top.rows[i].name), name))
            return settings_top.rows[i].table;
    }
    return NULL;
}

/* Global, then the provider's, then the model's: the model's lines are read again onto a copy of
 * the provider's values.  What is wrong with them was told the first time. */
static void set_timeouts(struct load *l, const struct node *map, struct conf_target *t)
{
    const struct node *own = node_find(map, STR("timeouts"));

    t->timeouts = t->provider->timeouts;
    if (own == NULL || own->kind != NODE_MAP)
        return;
    l->problems.muted = true;
    load_table(l, find_section(own->key), own, &t->timeouts, true);
    l->problems.muted = false;
}

/* A weight that cannot be read is told once, not again as "all weights are 0". */
void resolve_target_prepare(struct load *l, void *record)
{
    struct conf_target *t = record;

    (void)l;
    t->weight = 1;
}

void resolve_target(struct load *l, const struct node *map, void *record)
{
    struct conf_target *t = record;

    if (t->provider == NULL)
        return; /* it was told */
    check_api(l, child_or(map, "api"), t->provider, t->api);
    if (t->api == API_INHERITED)
        t->api = t->provider->api;
}

void resolve_model(struct load *l, const struct node *map, void *record)
{
    struct conf_model *m = record;
    uint64_t weights = 0;

    check_name(l, map, "an alias", "*");
    for (uint32_t i = 0; i < m->targets_count; i++) {
        struct conf_target *t = &m->targets[i];

        t->index = l->conf->targets_count++;
        weights += t->weight;
        if (t->provider != NULL)
            set_timeouts(l, map, t);
    }
    if (m->targets_count > CONF_TARGETS_MAX)
        load_problem(l, child_or(map, "targets"), "`targets`: %u are too many, %u are allowed",
                     m->targets_count, CONF_TARGETS_MAX);
    if (m->targets_count > 0 && weights == 0)
        load_problem(l, child_or(map, "targets"),
                     "`targets`: all weights are 0, so none would ever be chosen");
}

/* ---- client keys ---- */

/* One entry of a key's `models`: does it mean anything? */
static void check_permission(struct load *l, const struct node *at, struct str name)
{
    const char *star = name.len > 0 ? memchr(name.ptr, '*', name.len) : NULL;
    struct str provider, model;

    if (name.len == 0 || conf_model_find(l->conf, name) != NULL)
        return;
    if (star != NULL) {
        if (star != name.ptr + name.len - 1)
            load_problem(l, at, "`models`: a * stands only at the end");
        return;
    }
    if (str_cut(name, '/', &provider, &model) && conf_provider_find(l->conf, provider) != NULL)
        return;
    load_problem(
        l, at, "`models`: %s is neither an alias nor provider/model%s",
        problem_quote(at->text).text,
        load_among(l, name, l->conf->models, sizeof(struct conf_model), l->conf->models_count)
            .text);
}

void resolve_key(struct load *l, const struct node *map, void *record)
{
    const struct conf_key *k = record;
    const struct node *list = child_or(map, "models");
    const struct node *at = list->kind == NODE_TEXT ? list : list->first;

    for (uint32_t i = 0; i < k->models_count; i++, at = at->next)
        check_permission(l, at, k->models[i]);
}

static bool same_name(struct load *l, struct conf_index *names, const struct conf_key *k)
{
    uint64_t hash = index_hash_name(k->name);
    uint32_t slot;

    for (uint32_t i = index_first(names, hash, &slot); i != INDEX_END;
         i = index_next(names, &slot)) {
        if (str_eq(l->conf->keys[i].name, k->name))
            return true;
    }
    index_put(names, hash, (uint32_t)(k - l->conf->keys));
    return false;
}

static void check_keys(struct load *l, const struct node *keys)
{
    static const unsigned char unread[32];
    const struct node *at = keys->first;
    struct conf *c = l->conf;
    struct conf_index names = {0};

    if (!index_init(&names, &l->scratch, c->keys_count) ||
        !index_init(&c->key_index, l->mem, c->keys_count)) {
        problem_at(&l->problems, 0, 0, "no memory left");
        return;
    }
    for (uint32_t i = 0; i < c->keys_count; i++, at = at->next) {
        struct conf_key *k = &c->keys[i];

        if (k->name.len > 0 && same_name(l, &names, k))
            load_problem(l, at, "`keys`: two are called %s", problem_quote(k->name).text);
        if (memcmp(k->digest, unread, sizeof(unread)) == 0)
            continue;
        if (conf_key_find(c, k->digest) != NULL)
            load_problem(l, at, "`keys`: the key of %s is another's, too",
                         problem_quote(k->name).text);
        index_put(&c->key_index, index_hash_digest(k->digest), i);
    }
}

void resolve_top(struct load *l, const struct node *map, void *record)
{
    struct conf *c = record;

    if (c->models_count > 0)
        fallbacks_check(l, node_find(map, STR("models")));
    if (c->keys_count > 0)
        check_keys(l, node_find(map, STR("keys")));
}
