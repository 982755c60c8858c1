/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/readers.h"

#include <sched.h>

#include "conf/dump.h"
#include "conf/lists.h"
#include "conf/suggest.h"
#include "conf/values.h"

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

struct quoted reader_quote(const struct setting *s, const struct node *n)
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
                 reader_quote(s, n).text);
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

/* ---- numbers ---- */

static void tell_bounds(struct load *l, const struct setting *s, const struct node *n)
{
    struct buf b = {.max = 128};

    if (dump_number(s, s->min, &b) == 0 && buf_put(&b, STR(" to ")) == 0 &&
        dump_number(s, s->max, &b) == 0)
        load_problem(l, n, "`%s`: %s is out of bounds; %.*s", s->name, reader_quote(s, n).text,
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
        load_problem(l, n, "`%s`: %s has no unit; write %s", s->name, reader_quote(s, n).text,
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
        load_problem(l, n, "`%s`: %s is not whole seconds", s->name, reader_quote(s, n).text);
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
    load_problem(l, n, "`%s`: %s is none of: %.*s%s", s->name, reader_quote(s, n).text,
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

bool reader_is_credential(struct load *l, const struct setting *s, const struct node *n,
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

    if (load_text(l, s, n, &text) && reader_is_credential(l, s, n, text) && fits(l, s, n, text))
        store(s, record, &text);
}

static void read_digest(struct load *l, const struct setting *s, const struct node *n, void *record)
{
    unsigned char digest[32];
    struct str text;

    if (!load_text(l, s, n, &text) || !reader_is_credential(l, s, n, text) || !fits(l, s, n, text))
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
        load_problem(l, n, "`%s`: %s; not %s", s->name, why, reader_quote(s, n).text);
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
    load_problem(l, n, "`%s`: no provider is called %s%s", s->name, reader_quote(s, n).text,
                 load_among(l, name, l->conf->providers, sizeof(struct conf_provider),
                            l->conf->providers_count)
                     .text);
}

reader_fn *reader_of(enum setting_type type)
{
    static reader_fn *const readers[TYPE_COUNT] = {
        [TYPE_BOOL] = read_bool,
        [TYPE_NUMBER] = read_number,
        [TYPE_DURATION] = read_duration,
        [TYPE_SECONDS] = read_seconds,
        [TYPE_SIZE] = read_size,
        [TYPE_CHOICE] = read_choice,
        [TYPE_THREADS] = read_threads,
        [TYPE_TEXT] = read_text,
        [TYPE_SECRET] = read_secret,
        [TYPE_ADDRESS] = read_address,
        [TYPE_URL] = read_url,
        [TYPE_PROXY] = read_proxy,
        [TYPE_DIGEST] = read_digest,
        [TYPE_TEXTS] = list_read_texts,
        [TYPE_SECRETS] = list_read_secrets,
        [TYPE_HEADERS] = list_read_headers,
        [TYPE_PROVIDER] = read_provider,
        [TYPE_MODELS] = list_read_models,
    };

    return readers[type];
}
