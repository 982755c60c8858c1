/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/readers.h"

#include <sched.h>

#include "conf/dump.h"
#include "conf/suggest.h"
#include "conf/values.h"

#define SECRET_BYTES_MAX 4096u

/* ---- telling ---- */

/* A value that may be a secret is not repeated, whatever is wrong with it; a bare word where a
 * record should be often is one ("keys: [sk-…]"). */
static bool may_quote(enum setting_type type)
{
    static const bool open[TYPE_COUNT] = {
        [TYPE_BOOL] = true,    [TYPE_NUMBER] = true, [TYPE_DURATION] = true, [TYPE_SECONDS] = true,
        [TYPE_SIZE] = true,    [TYPE_CHOICE] = true, [TYPE_THREADS] = true,  [TYPE_TEXT] = true,
        [TYPE_ADDRESS] = true, [TYPE_TEXTS] = true,  [TYPE_PROVIDER] = true, [TYPE_MODELS] = true,
    };

    return open[type];
}

static struct quoted describe(const struct setting *s, const struct node *n)
{
    static const char kinds[][16] = {
        [NODE_BROKEN] = "",     [NODE_NULL] = "nothing", [NODE_TEXT] = "this text",
        [NODE_LIST] = "a list", [NODE_MAP] = "a map",
    };
    struct quoted q = {""};

    if (n->kind == NODE_TEXT && may_quote(s->type))
        return problem_quote(n->text);
    memcpy(q.text, kinds[n->kind], strlen(kinds[n->kind]) + 1);
    return q;
}

void reader_tell(struct load *l, const struct setting *s, const struct node *n)
{
    load_problem(l, n, "`%s`: expected %s, not %s", s->name, setting_expects[s->type],
                 describe(s, n).text);
}

/* ---- storing ---- */

static void store(const struct setting *s, void *record, const void *value)
{
    memcpy((char *)record + s->offset, value, s->width);
}

static void store_number(const struct setting *s, void *record, uint64_t n)
{
    uint32_t narrow = (uint32_t)n;

    if (s->width == sizeof(n))
        store(s, record, &n);
    else
        store(s, record, &narrow);
}

static void store_list(const struct setting *s, void *record, const void *items, uint32_t count)
{
    memcpy((char *)record + s->offset, &items, sizeof(items));
    memcpy((char *)record + s->count_offset, &count, sizeof(count));
}

/* ---- numbers ---- */

static void tell_bounds(struct load *l, const struct setting *s, const struct node *n)
{
    struct buf b = {.max = 128};

    if (dump_number(s, s->min, &b) == 0 && buf_put(&b, STR(" to ")) == 0 &&
        dump_number(s, s->max, &b) == 0)
        load_problem(l, n, "`%s`: %s is out of bounds; %.*s", s->name, describe(s, n).text,
                     STR_ARG(buf_str(&b)));
    else
        load_problem(l, n, "`%s`: out of bounds", s->name);
    buf_done(&b);
}

static void put_bounded(struct load *l, const struct setting *s, const struct node *n, void *record,
                        uint64_t number)
{
    if (number < s->min || number > s->max)
        tell_bounds(l, s, n);
    else
        store_number(s, record, number);
}

static void read_number(struct load *l, const struct setting *s, const struct node *n, void *record)
{
    struct str text;
    uint64_t number;

    if (!load_text(l, s, n, &text))
        return;
    if (str_to_u64(text, &number))
        put_bounded(l, s, n, record, number);
    else
        reader_tell(l, s, n);
}

static void read_duration(struct load *l, const struct setting *s, const struct node *n,
                          void *record)
{
    struct str text;
    uint64_t ms;

    if (!load_text(l, s, n, &text))
        return;
    if (value_duration(text, &ms))
        put_bounded(l, s, n, record, ms);
    else if (str_to_u64(text, &ms))
        load_problem(l, n, "`%s`: %s has no unit; write %s", s->name, describe(s, n).text,
                     setting_expects[s->type]);
    else
        reader_tell(l, s, n);
}

static void read_seconds(struct load *l, const struct setting *s, const struct node *n,
                         void *record)
{
    struct str text;
    uint64_t ms;

    if (!load_text(l, s, n, &text))
        return;
    if (!value_duration(text, &ms))
        reader_tell(l, s, n);
    else if (ms % 1000 != 0)
        load_problem(l, n, "`%s`: %s is not whole seconds", s->name, describe(s, n).text);
    else if (ms / 1000 > s->max)
        tell_bounds(l, s, n);
    else
        store_number(s, record, ms / 1000);
}

static void read_size(struct load *l, const struct setting *s, const struct node *n, void *record)
{
    struct str text;
    uint64_t bytes;

    if (!load_text(l, s, n, &text))
        return;
    if (value_size(text, &bytes))
        put_bounded(l, s, n, record, bytes);
    else
        reader_tell(l, s, n);
}

static void read_bool(struct load *l, const struct setting *s, const struct node *n, void *record)
{
    struct str text;
    bool yes;

    if (!load_text(l, s, n, &text))
        return;
    yes = str_eq(text, STR("true"));
    if (yes || str_eq(text, STR("false")))
        store(s, record, &yes);
    else
        reader_tell(l, s, n);
}

static uint64_t cores(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;

    return n > 0 ? (uint64_t)n : 1;
}

static void read_threads(struct load *l, const struct setting *s, const struct node *n,
                         void *record)
{
    struct str text;
    uint64_t number = 0;

    if (!load_text(l, s, n, &text))
        return;
    if (str_eq(text, STR("auto")))
        store_number(s, record, cores() < s->max ? cores() : s->max);
    else if (str_to_u64(text, &number))
        put_bounded(l, s, n, record, number);
    else
        reader_tell(l, s, n);
}

/* ---- words ---- */

static void tell_choice(struct load *l, const struct setting *s, const struct node *n,
                        struct str word)
{
    struct buf words = {.max = 256};
    struct suggest near;

    suggest_start(&near, word);
    for (const struct choice *c = s->choices; c->word != NULL; c++) {
        if (c->later)
            continue;
        suggest_offer(&near, str_from(c->word));
        if (buf_printf(&words, "%s%s", words.len > 0 ? ", " : "", c->word) != 0)
            break;
    }
    load_problem(l, n, "`%s`: %s is none of: %.*s%s", s->name, describe(s, n).text,
                 STR_ARG(buf_str(&words)), suggest_text(&near).text);
    buf_done(&words);
}

static void read_choice(struct load *l, const struct setting *s, const struct node *n, void *record)
{
    struct str word;

    if (!load_text(l, s, n, &word))
        return;
    for (const struct choice *c = s->choices; c->word != NULL; c++) {
        if (!str_eq(str_from(c->word), word))
            continue;
        if (c->later)
            load_problem(l, n, "`%s`: `%s` is not available in this version", s->name, c->word);
        else
            store(s, record, &c->value);
        return;
    }
    tell_choice(l, s, n, word);
}

/* ---- texts ---- */

static bool fits(struct load *l, const struct setting *s, const struct node *n, struct str text)
{
    if (text.len == 0 && (s->flags & SETTING_EMPTY))
        return true;
    if (text.len == 0)
        load_problem(l, n, "`%s` is empty", s->name);
    else if (text.len < s->min || text.len > s->max)
        load_problem(l, n, "`%s`: %zu bytes long; %llu to %llu", s->name, text.len,
                     (unsigned long long)s->min, (unsigned long long)s->max);
    else
        return true;
    return false;
}

static void read_text(struct load *l, const struct setting *s, const struct node *n, void *record)
{
    struct str text;

    if (load_text(l, s, n, &text) && fits(l, s, n, text))
        store(s, record, &text);
}

static bool is_credential(struct load *l, const struct setting *s, const struct node *n,
                          struct str text)
{
    if (value_is_visible(text))
        return true;
    load_problem(l, n, "`%s`: has a space or a character that no header can carry", s->name);
    return false;
}

static void read_secret(struct load *l, const struct setting *s, const struct node *n, void *record)
{
    struct str text;

    if (load_text(l, s, n, &text) && is_credential(l, s, n, text) && fits(l, s, n, text))
        store(s, record, &text);
}

static void read_digest(struct load *l, const struct setting *s, const struct node *n, void *record)
{
    unsigned char digest[32];
    struct str text;

    if (!load_text(l, s, n, &text) || !is_credential(l, s, n, text) || !fits(l, s, n, text))
        return;
    if (conf_digest(text, digest))
        store(s, record, digest);
    else
        load_problem(l, n, "`%s`: SHA-256 is not to be had from OpenSSL", s->name);
}

static void read_address(struct load *l, const struct setting *s, const struct node *n,
                         void *record)
{
    struct conf_listen listen = {0};
    struct str text;
    const char *why = "";

    if (!load_text(l, s, n, &text))
        return;
    if (value_address(text, &listen, &why))
        store(s, record, &listen);
    else
        load_problem(l, n, "`%s`: %s; not %s", s->name, why, describe(s, n).text);
}

static void read_url(struct load *l, const struct setting *s, const struct node *n, void *record)
{
    struct value_url url;
    struct str text;
    const char *why = "";

    if (!load_text(l, s, n, &text) || !fits(l, s, n, text))
        return;
    if (!value_url(text, &url, &why))
        load_problem(l, n, "`%s`: %s", s->name, why);
    else if (url.user.len > 0)
        load_problem(l, n, "`%s`: no user or password in it; credentials go into `keys`", s->name);
    else
        store(s, record, &text);
}

static void read_proxy(struct load *l, const struct setting *s, const struct node *n, void *record)
{
    struct value_url url;
    struct str text;
    const char *why = "";

    if (!load_text(l, s, n, &text) || str_eq(text, STR("off")) || !fits(l, s, n, text))
        return;
    if (!value_url(text, &url, &why))
        load_problem(l, n, "`%s`: %s", s->name, why);
    else if (url.tls || url.path.len > 0)
        load_problem(l, n, "`%s`: a proxy is http://host:port (http only, no path), or off",
                     s->name);
    else
        store(s, record, &text);
}

/* ---- lists ---- */

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

static void read_texts(struct load *l, const struct setting *s, const struct node *n, void *record)
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
static void read_secrets(struct load *l, const struct setting *s, const struct node *n,
                         void *record)
{
    const struct node *at = NULL;
    void *items = NULL;
    uint32_t count = begin_list(l, s, n, &at, &items), kept = 0;
    struct str *keys = items;

    for (uint32_t i = 0; i < count; i++, at = at->next) {
        struct str text = {NULL, 0};

        if (!load_text(l, s, at, &text) || !is_credential(l, s, at, text) || text.len == 0)
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

static void read_headers(struct load *l, const struct setting *s, const struct node *n,
                         void *record)
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

/* ---- references ---- */

static void read_provider(struct load *l, const struct setting *s, const struct node *n,
                          void *record)
{
    const struct conf_provider *p;
    struct str name;

    if (!load_text(l, s, n, &name) || !fits(l, s, n, name))
        return;
    p = conf_provider_find(l->conf, name);
    if (p != NULL) {
        store(s, record, &p);
        return;
    }
    load_problem(l, n, "`%s`: no provider is called %s%s", s->name, describe(s, n).text,
                 load_among(l, name, l->conf->providers, sizeof(struct conf_provider),
                            l->conf->providers_count)
                     .text);
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
        l, n, "`%s`: no alias is called %s%s", s->name, describe(s, n).text,
        load_among(l, name, l->conf->models, sizeof(struct conf_model), l->conf->models_count)
            .text);
    return NULL;
}

static void read_models(struct load *l, const struct setting *s, const struct node *n, void *record)
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
            load_problem(l, at, "`%s`: %s is listed twice", s->name, describe(s, at).text);
        else if (m != NULL)
            models[kept++] = m;
    }
    if (count > 0)
        store_list(s, record, models, kept);
}

reader_fn *reader_of(enum setting_type type)
{
    static reader_fn *const readers[TYPE_COUNT] = {
        [TYPE_BOOL] = read_bool,         [TYPE_NUMBER] = read_number,
        [TYPE_DURATION] = read_duration, [TYPE_SECONDS] = read_seconds,
        [TYPE_SIZE] = read_size,         [TYPE_CHOICE] = read_choice,
        [TYPE_THREADS] = read_threads,   [TYPE_TEXT] = read_text,
        [TYPE_SECRET] = read_secret,     [TYPE_ADDRESS] = read_address,
        [TYPE_URL] = read_url,           [TYPE_PROXY] = read_proxy,
        [TYPE_DIGEST] = read_digest,     [TYPE_TEXTS] = read_texts,
        [TYPE_SECRETS] = read_secrets,   [TYPE_HEADERS] = read_headers,
        [TYPE_PROVIDER] = read_provider, [TYPE_MODELS] = read_models,
    };

    return readers[type];
}
