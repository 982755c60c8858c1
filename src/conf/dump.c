/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/dump.h"

#include "base/log.h"
#include "conf/values.h"

static const void *field(const struct setting *s, const void *record)
{
    return (const char *)record + s->offset;
}

static uint64_t get_number(const struct setting *s, const void *record)
{
    uint64_t wide;
    uint32_t narrow;

    if (s->width == sizeof(wide)) {
        memcpy(&wide, field(s, record), sizeof(wide));
        return wide;
    }
    memcpy(&narrow, field(s, record), sizeof(narrow));
    return narrow;
}

static struct str get_text(const struct setting *s, const void *record)
{
    struct str text;

    memcpy(&text, field(s, record), sizeof(text));
    return text;
}

static uint32_t get_count(const struct setting *s, const void *record)
{
    uint32_t n;

    memcpy(&n, (const char *)record + s->count_offset, sizeof(n));
    return n;
}

static const void *get_items(const struct setting *s, const void *record)
{
    const void *items;

    memcpy(&items, field(s, record), sizeof(items));
    return items;
}

/* ---- texts ---- */

/* Reads back as the same text without quotes, in a block and in a list. */
static bool is_plain(struct str s)
{
    if (s.len == 0 || str_eq(s, STR("null")))
        return false;
    for (size_t i = 0; i < s.len; i++) {
        char c = ascii_lower(s.ptr[i]);
        bool word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '/' || c == '.';

        if (!word && (i == 0 || i + 1 == s.len || (c != '-' && c != '_' && c != ':')))
            return false;
    }
    return true;
}

static int put_text(struct str s, struct buf *out)
{
    int err;

    if (is_plain(s))
        return buf_put(out, s);
    err = buf_put(out, STR("\""));
    for (size_t i = 0; err == 0 && i < s.len; i++) {
        if (s.ptr[i] == '"' || s.ptr[i] == '\\')
            err = buf_put(out, STR("\\"));
        if (err == 0)
            err = buf_put(out, (struct str){s.ptr + i, 1});
    }
    return err != 0 ? err : buf_put(out, STR("\""));
}

static int put_masked(struct str secret, struct buf *out)
{
    return put_text(str_from(secret.len > 0 ? log_mask(secret).text : ""), out);
}

/* The host and port of a proxy are worth knowing, its password is not. */
static int put_proxy(struct str proxy, struct buf *out)
{
    struct value_url url;
    const char *why;
    int err;

    if (proxy.len == 0)
        return buf_put(out, STR("off"));
    if (!value_url(proxy, &url, &why))
        return buf_put(out, STR("\"…\""));
    if (url.user.len == 0)
        return put_text(proxy, out);
    err = buf_put(out, STR("\"http://…@"));
    if (err == 0)
        err = value_put_address(out, &(struct conf_listen){url.host, url.port});
    return err != 0 ? err : buf_put(out, STR("\""));
}

static struct str item_text(const struct setting *s, const void *items, uint32_t i)
{
    const struct conf_model *const *models = items;
    const struct str *texts = items;

    return s->type == TYPE_MODELS ? models[i]->name : texts[i];
}

static int put_list(const struct setting *s, const void *record, struct buf *out)
{
    const void *items = get_items(s, record);
    uint32_t n = get_count(s, record);
    int err = buf_put(out, STR("["));

    for (uint32_t i = 0; err == 0 && i < n; i++) {
        if (i > 0)
            err = buf_put(out, STR(", "));
        if (err == 0)
            err = s->type == TYPE_SECRETS ? put_masked(item_text(s, items, i), out)
                                          : put_text(item_text(s, items, i), out);
    }
    return err != 0 ? err : buf_put(out, STR("]"));
}

static int put_headers(const struct setting *s, const void *record, struct buf *out)
{
    const struct str *pairs = get_items(s, record); /* name, value, name, value … */
    uint32_t n = get_count(s, record);
    int err = buf_put(out, STR("{"));

    for (uint32_t i = 0; err == 0 && i < n; i++) {
        err = buf_put(out, i > 0 ? STR(", ") : STR(" "));
        if (err == 0)
            err = put_text(pairs[2 * i], out);
        if (err == 0)
            err = buf_put(out, STR(": "));
        if (err == 0)
            err = put_masked(pairs[2 * i + 1], out);
    }
    return err != 0 ? err : buf_put(out, n > 0 ? STR(" }") : STR("}"));
}

/* ---- single values ---- */

int dump_number(const struct setting *s, uint64_t n, struct buf *out)
{
    if (s->type == TYPE_DURATION)
        return value_put_duration(out, n);
    if (s->type == TYPE_SECONDS)
        return value_put_duration(out, n * 1000);
    if (s->type == TYPE_SIZE)
        return value_put_size(out, n);
    return buf_printf(out, "%llu", (unsigned long long)n);
}

static int put_choice(const struct setting *s, const void *record, struct buf *out)
{
    int value;

    memcpy(&value, field(s, record), sizeof(value));
    for (const struct choice *c = s->choices; c->word != NULL; c++) {
        if (c->value == value && !c->later)
            return buf_put(out, str_from(c->word));
    }
    return buf_put(out, STR("?"));
}

static int put_bool(const struct setting *s, const void *record, struct buf *out)
{
    const bool *yes = field(s, record);

    return buf_put(out, *yes ? STR("true") : STR("false"));
}

static int put_provider(const struct setting *s, const void *record, struct buf *out)
{
    const struct conf_provider *p;

    memcpy(&p, field(s, record), sizeof(p));
    return put_text(p->name, out);
}

/* Brackets would be a list. */
static int put_address(const struct setting *s, const void *record, struct buf *out)
{
    struct buf text = {.max = 64};
    int err = value_put_address(&text, field(s, record));

    if (err == 0)
        err = put_text(buf_str(&text), out);
    buf_done(&text);
    return err;
}

int dump_value(const struct setting *s, const void *record, struct buf *out)
{
    switch (s->type) {
    case TYPE_BOOL:
        return put_bool(s, record, out);
    case TYPE_NUMBER:
    case TYPE_DURATION:
    case TYPE_SECONDS:
    case TYPE_SIZE:
    case TYPE_THREADS:
        return dump_number(s, get_number(s, record), out);
    case TYPE_CHOICE:
        return put_choice(s, record, out);
    case TYPE_TEXT:
    case TYPE_URL:
        return put_text(get_text(s, record), out);
    case TYPE_SECRET:
        return put_masked(get_text(s, record), out);
    case TYPE_ADDRESS:
        return put_address(s, record, out);
    case TYPE_PROXY:
        return put_proxy(get_text(s, record), out);
    case TYPE_DIGEST: /* a weak key could be guessed from its digest */
        return buf_put(out, STR("\"…\""));
    case TYPE_TEXTS:
    case TYPE_SECRETS:
    case TYPE_MODELS:
        return put_list(s, record, out);
    case TYPE_HEADERS:
        return put_headers(s, record, out);
    case TYPE_PROVIDER:
        return put_provider(s, record, out);
    case TYPE_SECTION:
    case TYPE_RECORDS:
    case TYPE_NAMED:
    case TYPE_LATER:
    case TYPE_COUNT:
        break;
    }
    return 0;
}

/* ---- the whole ---- */

/* What cannot be written as nothing is left out where there is nothing. */
static bool is_absent(const struct setting *s, const void *record)
{
    if (s->type == TYPE_LATER || (s->flags & SETTING_ONE_OF))
        return true;
    if (s->type == TYPE_TEXT)
        return get_text(s, record).len < s->min;
    if (s->type == TYPE_TEXTS || s->type == TYPE_RECORDS || s->type == TYPE_NAMED)
        return get_count(s, record) < s->min;
    return false;
}

static int dump_table(const struct table *t, const void *record, unsigned depth, bool dash,
                      struct buf *out);

static int dump_section(const struct setting *s, const void *record, unsigned depth,
                        struct buf *out)
{
    const char *word = s->table->fold != NULL ? s->table->fold(field(s, record)) : NULL;
    int err;

    if (word != NULL)
        return buf_printf(out, " %s\n", word);
    err = buf_put(out, STR("\n"));
    return err != 0 ? err : dump_table(s->table, field(s, record), depth + 1, false, out);
}

static int dump_records(const struct setting *s, const void *record, unsigned depth,
                        struct buf *out)
{
    const char *item = get_items(s, record);
    uint32_t n = get_count(s, record);
    bool named = s->type == TYPE_NAMED;
    int err = n > 0 ? buf_put(out, STR("\n")) : buf_put(out, named ? STR(" {}\n") : STR(" []\n"));

    for (uint32_t i = 0; err == 0 && i < n; i++, item += s->table->record_bytes) {
        struct str name;

        if (named) {
            memcpy(&name, item, sizeof(name));
            err = buf_printf(out, "%*s", (int)(depth + 1) * 2, "");
            if (err == 0)
                err = put_text(name, out);
            if (err == 0)
                err = buf_put(out, STR(":\n"));
        }
        if (err == 0)
            err = dump_table(s->table, item, depth + 2, !named, out);
    }
    return err;
}

static int dump_setting(const struct setting *s, const void *record, unsigned depth,
                        struct buf *out)
{
    int err;

    if (s->type == TYPE_SECTION)
        return dump_section(s, record, depth, out);
    if (s->type == TYPE_RECORDS || s->type == TYPE_NAMED)
        return dump_records(s, record, depth, out);
    err = buf_put(out, STR(" "));
    if (err == 0)
        err = dump_value(s, record, out);
    return err != 0 ? err : buf_put(out, STR("\n"));
}

/* `dash`: the record is an item of a list, so its first line begins with "- ". */
static int dump_table(const struct table *t, const void *record, unsigned depth, bool dash,
                      struct buf *out)
{
    for (uint32_t i = 0; i < t->count; i++) {
        const struct setting *s = &t->rows[i];
        int err;

        if (is_absent(s, record))
            continue;
        err = buf_printf(out, "%*s%s:", (int)depth * 2, dash ? "- " : "", s->name);
        if (err == 0)
            err = dump_setting(s, record, depth, out);
        if (err != 0)
            return err;
        dash = false;
    }
    return 0;
}

int conf_dump(const struct conf *c, struct buf *out)
{
    return dump_table(&settings_top, c, 0, false, out);
}
