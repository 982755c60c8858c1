/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/journal.h"

#include <stdlib.h>
#include <time.h>
#include <uv.h>

#include "sim/script.h"

#define TEXT_MAX (64u * 1024u)

struct entry {
    uint64_t seq; /* 0: empty */
    uint64_t at_ms, ended_ms, left_ms;
    uint64_t bytes;
    uint32_t model_len;
    unsigned status;
    struct buf text; /* the model's JSON first, then the other fixed members */
};

struct journal {
    uv_mutex_t lock;
    uint64_t seq; /* the last one given */
    struct entry entries[JOURNAL_ENTRIES];
};

static uint64_t clock_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

struct journal *journal_new(void)
{
    struct journal *j = calloc(1, sizeof(*j));

    if (j != NULL && uv_mutex_init(&j->lock) < 0) {
        free(j);
        return NULL;
    }
    return j;
}

void journal_free(struct journal *j)
{
    if (j == NULL)
        return;
    for (size_t i = 0; i < JOURNAL_ENTRIES; i++)
        buf_done(&j->entries[i].text);
    uv_mutex_destroy(&j->lock);
    free(j);
}

static bool is_credential(struct str name)
{
    static const struct str names[] = {
        STR_INIT("authorization"),  STR_INIT("x-api-key"), STR_INIT("api-key"),
        STR_INIT("x-goog-api-key"), STR_INIT("cookie"),    STR_INIT("proxy-authorization"),
    };

    for (size_t i = 0; i < COUNTOF(names); i++) {
        if (str_eq_nocase(names[i], name))
            return true;
    }
    return false;
}

/* "Bearer hash:0123456789abcdef".  The hash is for telling keys apart, not for keeping them from
 * who can guess them: these are the keys of tests. */
static void put_credential(struct out *o, struct str value)
{
    struct str scheme, rest;

    OUT_LIT(o, "\"");
    if (str_cut(value, ' ', &scheme, &rest) && str_eq_nocase(scheme, STR("bearer")))
        OUT_LIT(o, "Bearer ");
    else
        rest = value;
    OUT_LIT(o, "hash:");
    out_hex(o, sim_hash_str(0, rest));
    OUT_LIT(o, "\"");
}

/* In lower case, as every reader of the log would compare it. */
static void put_name(struct out *o, struct str name)
{
    char low[128];

    if (name.len > sizeof(low))
        name.len = sizeof(low);
    for (size_t i = 0; i < name.len; i++)
        low[i] = ascii_lower(name.ptr[i]);
    out_json_bytes(o, str_make(low, name.len));
}

void journal_put_fields(struct out *o, const struct http_fields *fields)
{
    OUT_LIT(o, "{");
    for (uint32_t i = 0; i < fields->count; i++) {
        const struct http_field *f = &fields->at[i];

        if (i > 0)
            OUT_LIT(o, ",");
        put_name(o, f->name);
        OUT_LIT(o, ":");
        if (is_credential(f->name))
            put_credential(o, f->value);
        else
            out_json_bytes(o, f->value);
    }
    OUT_LIT(o, "}");
}

/* Where the value of the parameter `key` stands in a target, or at its end and empty. */
static struct str find_key(struct str target)
{
    struct str path, rest, item, name, value;

    str_cut(target, '?', &path, &rest);
    while (rest.len > 0) {
        str_cut(rest, '&', &item, &rest);
        if (str_cut(item, '=', &name, &value) && str_eq(name, STR("key")))
            return value;
    }
    return str_skip(target, target.len);
}

/* Google's clients may show their key in the URL. */
static void put_target(struct out *o, struct str target)
{
    struct str key = find_key(target);
    struct out hidden = {.full = false};

    if (key.len == 0) {
        out_json_bytes(o, target);
        return;
    }
    out_put(&hidden, str_make(target.ptr, (size_t)(key.ptr - target.ptr)));
    OUT_LIT(&hidden, "hash:");
    out_hex(&hidden, sim_hash_str(0, key));
    out_put(&hidden,
            str_make(key.ptr + key.len, target.len - (size_t)(key.ptr + key.len - target.ptr)));
    out_json_bytes(o, out_str(&hidden));
    buf_done(&hidden.buf);
}

static void put_request(struct out *o, const struct journal_request *r)
{
    OUT_LIT(o, ",\"method\":");
    out_json_bytes(o, r->method);
    OUT_LIT(o, ",\"path\":");
    put_target(o, r->target);
    OUT_LIT(o, ",\"connection\":");
    out_u64(o, r->connection);
    OUT_LIT(o, ",\"headers\":");
    journal_put_fields(o, r->fields);
    OUT_LIT(o, ",\"body_bytes\":");
    out_u64(o, r->body_bytes);
    OUT_LIT(o, ",\"body_sha256\":");
    if (r->body_sha256.len > 0)
        out_json(o, r->body_sha256);
    else
        OUT_LIT(o, "null");
}

static struct entry *entry_at(struct journal *j, uint64_t seq)
{
    return &j->entries[seq % JOURNAL_ENTRIES];
}

uint64_t journal_begin(struct journal *j, const struct journal_request *r, struct out *scratch)
{
    struct entry *e;
    uint64_t seq = 0;
    uint32_t model_len;

    out_reset(scratch, SIZE_MAX);
    if (r->model.ptr != NULL)
        out_json_bytes(scratch, r->model);
    else
        OUT_LIT(scratch, "null");
    model_len = (uint32_t)scratch->buf.len;
    put_request(scratch, r);
    if (scratch->full || scratch->buf.len > TEXT_MAX)
        return 0;
    uv_mutex_lock(&j->lock);
    e = entry_at(j, j->seq + 1);
    e->text.len = 0;
    if (buf_put(&e->text, out_str(scratch)) == 0) {
        e->seq = seq = ++j->seq;
        e->at_ms = clock_ms();
        e->model_len = model_len;
        e->ended_ms = e->left_ms = e->bytes = 0;
        e->status = 0;
    }
    uv_mutex_unlock(&j->lock);
    return seq;
}

void journal_end(struct journal *j, uint64_t seq, const struct journal_end *end)
{
    uint64_t now = clock_ms();
    struct entry *e;

    uv_mutex_lock(&j->lock);
    e = entry_at(j, seq);
    if (seq != 0 && e->seq == seq) {
        e->status = end->status;
        e->bytes = end->bytes;
        e->ended_ms = now;
        if (end->left)
            e->left_ms = now;
    }
    uv_mutex_unlock(&j->lock);
}

static void put_time_or_null(struct out *o, uint64_t ms)
{
    if (ms != 0)
        out_u64(o, ms);
    else
        OUT_LIT(o, "null");
}

static void put_entry(struct out *o, const struct entry *e)
{
    OUT_LIT(o, "{\"seq\":");
    out_u64(o, e->seq);
    OUT_LIT(o, ",\"time_ms\":");
    out_u64(o, e->at_ms);
    OUT_LIT(o, ",\"status\":");
    out_u64(o, e->status);
    OUT_LIT(o, ",\"bytes_out\":");
    out_u64(o, e->bytes);
    OUT_LIT(o, ",\"ended_ms\":");
    put_time_or_null(o, e->ended_ms);
    out_fmt(o, ",\"peer_left\":%s,\"peer_left_ms\":", e->left_ms != 0 ? "true" : "false");
    put_time_or_null(o, e->left_ms);
    OUT_LIT(o, ",\"model\":");
    out_put(o, buf_str(&e->text));
    OUT_LIT(o, "}");
}

void journal_write(struct journal *j, const struct journal_filter *f, struct out *o)
{
    struct out model = {0};
    bool first = true;

    if (f->model.ptr != NULL)
        out_json_bytes(&model, f->model);
    OUT_LIT(o, "[");
    uv_mutex_lock(&j->lock);
    for (uint64_t i = 1; i <= JOURNAL_ENTRIES; i++) {
        const struct entry *e = entry_at(j, j->seq + i);

        if (e->seq == 0 || e->seq <= f->since ||
            (f->model.ptr != NULL && !str_eq(out_str(&model), str_make(e->text.ptr, e->model_len))))
            continue;
        out_put(o, first ? STR("\n") : STR(",\n"));
        first = false;
        put_entry(o, e);
    }
    uv_mutex_unlock(&j->lock);
    OUT_LIT(o, "]\n");
    buf_done(&model.buf);
}

void journal_clear(struct journal *j)
{
    uv_mutex_lock(&j->lock);
    for (size_t i = 0; i < JOURNAL_ENTRIES; i++)
        j->entries[i].seq = 0;
    uv_mutex_unlock(&j->lock);
}
