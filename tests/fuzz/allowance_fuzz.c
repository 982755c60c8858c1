/* Any fields as those of an answer, and any text as an authority's: what is learnt stays within its
 * bounds, and a key comes free again.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "fuzz/fuzz.h"
#include "gateway/allowance.h"
#include "gateway/entra.h"

#define TRUST_MS 60000u
#define NOW_MS 1000000u
#define WALL_MS 1769860800000

/* Lines "name: value", as they would have come through the parser of heads. */
static void read_fields(struct str text, struct arena *a, struct http_fields *f)
{
    struct str line, name, value;

    while (text.len > 0 && f->count < 128) {
        str_cut(text, '\n', &line, &text);
        str_cut(line, ':', &name, &value);
        must(http_fields_add(f, a, name, str_trim(value)) == 0);
    }
}

static void try_fields(struct str text)
{
    struct allowance a = {.tokens_limit = 0};
    struct allowance_mark mark = allowance_send(&a, text.len);
    struct allowance_told told;
    struct http_fields f = {0};
    struct arena mem = {.max = 0};
    uint64_t free_at;

    read_fields(text, &mem, &f);
    if (allowance_read(&f, WALL_MS, &told)) {
        must(told.of[ALLOWANCE_REQUESTS].known || told.of[ALLOWANCE_TOKENS].known);
        allowance_learn(&a, &mark, &told, TRUST_MS, NOW_MS);
        free_at = allowance_free_at(&a, text.len, NOW_MS);
        must(free_at == 0 || (free_at > NOW_MS && free_at <= NOW_MS + TRUST_MS));
        must(allowance_free_at(&a, UINT64_MAX, NOW_MS + TRUST_MS) == 0);
        /* Whoever has something left may send a small request. */
        if (told.of[ALLOWANCE_REQUESTS].left > 0 && told.of[ALLOWANCE_TOKENS].left > 0)
            must(allowance_free_at(&a, 1, NOW_MS) == 0);
    }
    arena_done(&mem);
}

static void try_token(struct str text)
{
    static const struct conf_entra conf = {.on = true, .managed = true};
    struct entra *e = entra_new(&conf);
    struct arena mem = {.max = 0};
    struct str told = {NULL, 0};

    must(e != NULL);
    entra_answered(e, &mem, 200, text, NOW_MS);
    switch (entra_token(e, &mem, NOW_MS, &told)) {
    case ENTRA_READY:
        for (size_t i = 0; i < told.len; i++)
            must(told.ptr[i] > ' ' && told.ptr[i] <= '~');
        must(told.len > 0 && told.len < ENTRA_TOKEN_MAX);
        break;
    case ENTRA_FAILED:
        must(told.len > 0 && told.len < ENTRA_WHY_MAX);
        break;
    case ENTRA_WAIT: /* an answer says one or the other */
        abort();
    }
    arena_done(&mem);
    entra_free(e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_make((const char *)data, size);

    if (size > 0 && data[0] == '{')
        try_token(text);
    else
        try_fields(text);
    return 0;
}
