/* SPDX-License-Identifier: Apache-2.0 */
#define OPENSSL_SUPPRESS_DEPRECATED /* see conf_digest() */
#include "conf/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <unistd.h>

#include "conf/index.h"
#include "conf/load.h"

#define READ_BYTES 65536u

/* ---- life ---- */

static struct conf *conf_new(const char *name)
{
    struct conf *c = calloc(1, sizeof(*c));

    if (c == NULL)
        return NULL;
    atomic_init(&c->refs, 1);
    c->file = arena_dup(&c->mem, str_from(name));
    if (c->file.ptr != NULL)
        return c;
    free(c);
    return NULL;
}

struct conf *conf_ref(struct conf *c)
{
    atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
    return c;
}

void conf_unref(struct conf *c)
{
    if (c == NULL || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
        return;
    arena_done(&c->mem);
    free(c);
}

/* ---- loading ---- */

struct conf *conf_load_text(const char *name, struct str text, conf_env_fn *env,
                            conf_problem_fn *report, void *ctx)
{
    struct load l = {.env = env, .problems = {.file = name, .report = report, .ctx = ctx}};
    struct node *root;

    l.conf = conf_new(name);
    if (l.conf == NULL) {
        problem_at(&l.problems, 0, 0, "no memory left");
        problem_flush(&l.problems);
        return NULL;
    }
    l.mem = &l.conf->mem;
    root = yaml_read(&l.scratch, text, &l.problems);
    if (root != NULL && root->kind == NODE_MAP)
        load_table(&l, &settings_top, root, l.conf, false);
    else if (root != NULL)
        load_problem(&l, root, "expected a map of settings, such as `listen: 127.0.0.1:8080`");
    arena_done(&l.scratch);
    problem_flush(&l.problems);
    if (root != NULL && l.problems.count == 0)
        return l.conf;
    conf_unref(l.conf);
    return NULL;
}

/* 0 or a negative errno; one byte over the limit is enough to be told "too large". */
static int slurp(const char *path, struct buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int err = 0;

    if (fd < 0)
        return -errno;
    for (;;) {
        ssize_t n;

        err = buf_reserve(out, READ_BYTES);
        if (err != 0 || out->len > YAML_BYTES_MAX)
            break;
        n = read(fd, out->ptr + out->len, READ_BYTES);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            err = n < 0 ? -errno : 0;
            break;
        }
        out->len += (size_t)n;
    }
    close(fd);
    return err;
}

struct conf *conf_load(const char *path, conf_env_fn *env, conf_problem_fn *report, void *ctx)
{
    struct problems problems = {.file = path, .report = report, .ctx = ctx};
    struct buf text = {.max = YAML_BYTES_MAX + 2 * READ_BYTES};
    struct conf *c = NULL;
    int err = slurp(path, &text);

    if (err == 0)
        c = conf_load_text(path, buf_str(&text), env, report, ctx);
    else
        problem_at(&problems, 0, 0, "cannot be read: %s", strerror(-err));
    problem_flush(&problems);
    buf_done(&text);
    return c;
}

/* ---- finding ---- */

const struct conf_model *conf_model_find(const struct conf *c, struct str name)
{
    uint32_t slot;

    for (uint32_t i = index_first(&c->model_index, index_hash_name(name), &slot); i != INDEX_END;
         i = index_next(&c->model_index, &slot)) {
        if (str_eq(c->models[i].name, name))
            return &c->models[i];
    }
    return NULL;
}

const struct conf_provider *conf_provider_find(const struct conf *c, struct str name)
{
    uint32_t slot;

    for (uint32_t i = index_first(&c->provider_index, index_hash_name(name), &slot); i != INDEX_END;
         i = index_next(&c->provider_index, &slot)) {
        if (str_eq(c->providers[i].name, name))
            return &c->providers[i];
    }
    return NULL;
}

/* Asked once a request.  EVP_Digest() looks the algorithm up under a lock and allocates three
 * times, and even a kept EVP context allocates at each start; the functions below do neither, which
 * is worth the word "deprecated" on them. */
bool conf_digest(struct str key, unsigned char ret_digest[32])
{
    SHA256_CTX ctx;

    return SHA256_Init(&ctx) == 1 &&
           SHA256_Update(&ctx, key.len > 0 ? key.ptr : "", key.len) == 1 &&
           SHA256_Final(ret_digest, &ctx) == 1;
}

/* Which slots are looked at depends on the digest of what the client sent, and a client cannot
 * choose a digest: how long this takes tells nothing about the keys.  The comparison itself is
 * constant in time nevertheless. */
const struct conf_key *conf_key_find(const struct conf *c, const unsigned char digest[32])
{
    uint32_t slot;

    for (uint32_t i = index_first(&c->key_index, index_hash_digest(digest), &slot); i != INDEX_END;
         i = index_next(&c->key_index, &slot)) {
        if (CRYPTO_memcmp(c->keys[i].digest, digest, sizeof(c->keys[i].digest)) == 0)
            return &c->keys[i];
    }
    return NULL;
}

static bool permits(struct str pattern, struct str model)
{
    if (pattern.len > 0 && pattern.ptr[pattern.len - 1] == '*')
        return str_starts(model, (struct str){pattern.ptr, pattern.len - 1});
    return str_eq(pattern, model);
}

bool conf_key_allows(const struct conf_key *k, struct str model)
{
    if (k == NULL || k->models_count == 0)
        return true;
    for (uint32_t i = 0; i < k->models_count; i++) {
        if (permits(k->models[i], model))
            return true;
    }
    return false;
}
