/*
 * conf_fuzz.c - any text is a configuration or is refused with a reason;
 * what loads can be dumped, and each name and digest in it is found.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "conf/conf.h"

#define CANARY "canary-0123456789-secret"

static const char *env(const char *name)
{
    return strcmp(name, "KEY") == 0 ? CANARY : strcmp(name, "EMPTY") == 0 ? "" : NULL;
}

static unsigned told;

static void report(void *ctx, const char *line)
{
    (void)ctx;
    told++;
    if (strlen(line) == 0)
        abort();
}

static void must_dump(const struct conf *c)
{
    struct buf out = {0};

    if (conf_dump(c, &out) != 0)
        abort();
    for (uint32_t i = 0; i < c->providers_count; i++) {
        const struct conf_provider *p = &c->providers[i];

        for (uint32_t j = 0; j < p->keys_count; j++) {
            if (p->keys[j].len == 0)
                abort();
        }
        if (p->host.len == 0 || conf_provider_find(c, p->name) == NULL)
            abort();
    }
    for (uint32_t i = 0; i < c->models_count; i++) {
        const struct conf_model *m = conf_model_find(c, c->models[i].name);

        if (m != &c->models[i] || m->targets_count == 0 || m->targets[0].provider == NULL)
            abort();
    }
    for (uint32_t i = 0; i < c->keys_count; i++) {
        if (conf_key_find(c, c->keys[i].digest) != &c->keys[i])
            abort();
    }
    buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct conf *c;

    told = 0;
    c = conf_load_text("fuzz", (struct str){(const char *)data, size}, env, report, NULL);
    if ((c == NULL) != (told > 0))
        abort();
    if (c != NULL)
        must_dump(c);
    conf_unref(c);
    return 0;
}
