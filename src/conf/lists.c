/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/lists.h"

#include "conf/values.h"

#define SECRET_BYTES_MAX 4096u

static void store_list(const struct setting *s, void *record, const void *items, uint32_t count)
{
    memcpy((char *)record + s->offset, &items, sizeof(items));
    memcpy((char *)record + s->count_offset, &count, sizeof(count));
}

/* A single value may stand for a list of one.  Returns how many, and allocates `width` for each;
 * 0 also when there is nothing to read. */
static uint32_t begin_list(struct load *l, const struct setting *s, const struct node *n,
                           const struct node **ret_first, void **ret_items)
{
    uint32_t count = n->kind == NODE_TEXT ? 1 : n->count;
    enum node_kind wanted = s->type == TYPE_HEADERS ? NODE_MAP : NODE_LIST;

    if (n->kind != wanted && (n->kind != NODE_TEXT || wanted == NODE_MAP)) {
        reader_tell(l, s, n);
        return 0;
    }
    if (count < s->min || count > s->max) {
        load_problem(l, n, "`%s`: %u of them; %llu to %llu", s->name, count,
                     (unsigned long long)s->min, (unsigned long long)s->max);
        return 0;
    }
    *ret_first = n->kind == NODE_TEXT ? n : n->first;
    *ret_items = arena_array(l->mem, count, s->width);
    if (*ret_items == NULL)
        load_problem(l, n, "`%s`: no memory left", s->name);
    return *ret_items != NULL ? count : 0;
}

void list_read_texts(struct load *l, const struct setting *s, const struct node *n, void *record)
{
    const struct node *at = NULL;
    void *items = NULL;
    uint32_t count = begin_list(l, s, n, &at, &items);
    struct str *texts = items;

    for (uint32_t i = 0; i < count; i++, at = at->next) {
        if (load_text(l, s, at, &texts[i]) && texts[i].len == 0)
            load_problem(l, at, "`%s`: an empty text", s->name);
    }
    if (count > 0)
        store_list(s, record, texts, count);
}

/* "${OPENAI_API_KEY:-}" that came out empty is no key. */
void list_read_secrets(struct load *l, const struct setting *s, const struct node *n, void *record)
{
    const struct node *at = NULL;
    void *items = NULL;
    uint32_t count = begin_list(l, s, n, &at, &items), kept = 0;
    struct str *keys = items;

    for (uint32_t i = 0; i < count; i++, at = at->next) {
        struct str text = {NULL, 0};

        if (!load_text(l, s, at, &text) || !reader_is_credential(l, s, at, text) || text.len == 0)
            continue;
        if (text.len > SECRET_BYTES_MAX)
            load_problem(l, at, "`%s`: longer than 4096 bytes", s->name);
        else
            keys[kept++] = text;
    }
    if (count > 0)
        store_list(s, record, keys, kept);
}

/* Headers that belong to the connection or are ours to write: set twice, they let a request be
 * read in two ways. */
static bool is_ours(struct str name)
{
    static const struct str ours[] = {
        STR_INIT("host"),         STR_INIT("connection"),        STR_INIT("content-length"),
        STR_INIT("content-type"), STR_INIT("transfer-encoding"), STR_INIT("te"),
        STR_INIT("trailer"),      STR_INIT("upgrade"),           STR_INIT("expect"),
        STR_INIT("keep-alive"),   STR_INIT("proxy-connection"),  STR_INIT("proxy-authorization"),
    };

    for (size_t i = 0; i < COUNTOF(ours); i++) {
        if (str_eq_nocase(ours[i], name))
            return true;
    }
    return false;
}

static void check_header(struct load *l, const struct setting *s, const struct node *n)
{
    if (!value_is_token(n->key))
        problem_at(&l->problems, n->key_line, n->key_column, "`%s`: %s is no name for a header",
                   s->name, problem_quote(n->key).text);
    else if (is_ours(n->key))
        problem_at(&l->problems, n->key_line, n->key_column,
                   "`%s`: %s is written by the gateway; take it out", s->name,
                   problem_quote(n->key).text);
}

void list_read_headers(struct load *l, const struct setting *s, const struct node *n, void *record)
{
    const struct node *at = NULL;
    void *items = NULL;
    uint32_t count = begin_list(l, s, n, &at, &items);
    struct str(*headers)[2] = items;

    for (uint32_t i = 0; i < count; i++, at = at->next) {
        check_header(l, s, at);
        headers[i][0] = arena_dup(l->mem, at->key);
        if (headers[i][0].ptr == NULL)
            load_problem(l, at, "`%s`: no memory left", s->name);
        else if (load_text(l, s, at, &headers[i][1]))
            headers[i][1] = str_trim(headers[i][1]);
    }
    if (count > 0)
        store_list(s, record, headers, count);
}

static const struct conf_model *find_model(struct load *l, const struct setting *s,
                                           const struct node *n)
{
    const struct conf_model *m;
    struct str name;

    if (!load_text(l, s, n, &name))
        return NULL;
    m = conf_model_find(l->conf, name);
    if (m != NULL)
        return m;
    load_problem(
        l, n, "`%s`: no alias is called %s%s", s->name, reader_quote(s, n).text,
        load_among(l, name, l->conf->models, sizeof(struct conf_model), l->conf->models_count)
            .text);
    return NULL;
}

void list_read_models(struct load *l, const struct setting *s, const struct node *n, void *record)
{
    const struct node *at = NULL;
    void *items = NULL;
    uint32_t count = begin_list(l, s, n, &at, &items), kept = 0;
    const struct conf_model **models = items;

    for (uint32_t i = 0; i < count; i++, at = at->next) {
        const struct conf_model *m = find_model(l, s, at);
        bool twice = false;

        for (uint32_t j = 0; j < kept; j++)
            twice = twice || models[j] == m;
        if (m != NULL && twice)
            load_problem(l, at, "`%s`: %s is listed twice", s->name, reader_quote(s, at).text);
        else if (m != NULL)
            models[kept++] = m;
    }
    if (count > 0)
        store_list(s, record, models, kept);
}
