/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/resolve.h"

#include "conf/fallbacks.h"
#include "conf/index.h"
#include "conf/resolve_part.h"
#include "conf/values.h"

#define NAME_BYTES_MAX 128u

const struct node *resolve_child(const struct node *map, const char *name)
{
    const struct node *child = node_find(map, str_from(name));

    return child != NULL ? child : map;
}

/* ---- names ---- */

void resolve_name(struct load *l, const struct node *map, const char *what, const char *forbidden)
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
    const struct node *list = resolve_child(map, "origins");
    const struct node *at = list->kind == NODE_TEXT ? list : list->first;

    for (uint32_t i = 0; i < cors->origins_count; i++, at = at->next)
        check_origin(l, at, cors->origins[i]);
}

const struct node *resolve_off(struct load *l, const struct node *word, const char *name)
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
    return resolve_off(l, word, "admin");
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
    load_problem(l, resolve_child(map, "listen"),
                 "`admin`: listens beyond this machine without a `token`; set one, or listen on "
                 "127.0.0.1");
}

void resolve_retry(struct load *l, const struct node *map, void *record)
{
    const struct conf_retry *retry = record;

    if (retry->initial_ms > retry->max_ms)
        load_problem(l, resolve_child(map, "initial"), "`initial` is longer than `max`");
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
    const struct node *list = resolve_child(map, "models");
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
