/*
 * dialect_fixture.h - a request read and answered in memory, in any dialect of the simulator.
 *
 * For tests; include it after cmocka.h.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNIT_SIM_DIALECT_FIXTURE_H
#define UNIT_SIM_DIALECT_FIXTURE_H

#include <stdio.h>

#include "sim/dialect.h"
#include "sim/json.h"
#include "sim/talk.h"

struct answer {
    const struct sim_dialect *dialect;
    struct arena arena;
    struct sim_script script;
    struct http_fields fields;
    struct sim_ask ask;
    struct sim_problem problem; /* of a request that was refused */
    struct sim_talk talk;
    struct out scratch, text;
    char *pool;
};

static inline yyjson_doc *must_parse(struct str json)
{
    yyjson_doc *doc = yyjson_read(json.ptr, json.len, 0);

    if (doc == NULL)
        fail_msg("not JSON: %.*s", STR_ARG(json));
    return doc;
}

static inline void answer_field(struct answer *a, struct str name, struct str value)
{
    assert_int_equal(http_fields_add(&a->fields, &a->arena, name, value), 0);
}

/* Where it goes and with which credential; any other fields come after. */
static inline void answer_begin(struct answer *a, const char *target)
{
    *a = (struct answer){.pool = test_malloc(SIM_JSON_POOL_BYTES)};
    str_cut(str_from(target), '?', &a->ask.path, &a->ask.query);
    a->dialect = sim_dialect_find(STR("POST"), a->ask.path, &a->ask.surface);
    assert_non_null(a->dialect);
    a->ask.fields = &a->fields;
    a->ask.pool = a->pool;
    a->ask.choices = 1;
}

/* As play.c does it: the model, its script, the rest. */
static inline bool answer_read(struct answer *a, struct str body)
{
    yyjson_doc *doc = must_parse(body);
    yyjson_val *root = yyjson_doc_get_root(doc);
    bool ok;

    a->ask.body = body;
    a->ask.model = arena_dup(&a->arena, a->dialect->model(&a->ask, &a->arena, root));
    if (!sim_script_parse(a->ask.model, &a->script, &a->scratch))
        fail_msg("%.*s", STR_ARG(out_str(&a->scratch)));
    sim_script_settle(&a->script, &(struct sim_draw){.seed = 1});
    ok = a->dialect->read(&a->ask, &a->arena, root, &a->problem);
    yyjson_doc_free(doc);
    return ok;
}

static inline void answer_start(struct answer *a, const char *target, struct str body)
{
    answer_begin(a, target);
    answer_field(a, STR("authorization"), STR("Bearer k"));
    answer_field(a, STR("anthropic-version"), STR("2023-06-01"));
    if (!answer_read(a, body))
        fail_msg("%s: %.*s refused: %.*s", target, STR_ARG(body), STR_ARG(a->problem.message));
    assert_true(
        sim_talk_init(&a->talk, a->dialect, &a->ask, &a->script, 1, 5, &a->arena, &a->scratch));
}

static inline void answer_stream(struct answer *a)
{
    const struct sim_dialect *d = a->dialect;

    d->event(&a->talk, SIM_EVENT_OPEN, &a->text);
    while (sim_talk_left(&a->talk) > 0)
        sim_talk_next(&a->talk, &a->text);
    if (!sim_script_has(&a->script, SIM_NO_FINISH))
        d->event(&a->talk, SIM_EVENT_FINISH, &a->text);
    d->event(&a->talk, SIM_EVENT_USAGE, &a->text);
    if (!sim_script_has(&a->script, SIM_NO_DONE))
        d->event(&a->talk, SIM_EVENT_DONE, &a->text);
    assert_false(a->text.full);
}

static inline void answer_whole(struct answer *a)
{
    a->dialect->whole(&a->talk, &a->text);
    assert_false(a->text.full);
}

static inline void answer_end(struct answer *a)
{
    arena_done(&a->arena);
    buf_done(&a->scratch.buf);
    buf_done(&a->text.buf);
    test_free(a->pool);
}

static inline unsigned count(const struct answer *a, const char *what)
{
    struct str s = out_str(&a->text);
    const char *at;
    unsigned n = 0;

    while ((at = str_find(s, str_from(what))) != NULL) {
        s = str_skip(s, (size_t)(at - s.ptr) + 1);
        n++;
    }
    return n;
}

static inline size_t hex_run(struct str s)
{
    size_t n = 0;

    while (n < s.len &&
           ((s.ptr[n] >= '0' && s.ptr[n] <= '9') || (s.ptr[n] >= 'a' && s.ptr[n] <= 'f')))
        n++;
    return n;
}

/* Ids and signatures (16 digits and more) are # in `want`. */
static inline void says(const struct answer *a, const char *want)
{
    struct str got = out_str(&a->text);
    struct out masked = {.full = false};
    size_t same = 0;

    while (got.len > 0) {
        size_t n = hex_run(got);

        out_put(&masked, n >= 16 ? STR("#") : str_make(got.ptr, n > 0 ? n : 1));
        got = str_skip(got, n > 0 ? n : 1);
    }
    got = out_str(&masked);
    while (same < got.len && want[same] != '\0' && want[same] == got.ptr[same])
        same++;
    if (same < got.len || want[same] != '\0')
        fail_msg("after \"%.*s\"\nwanted: %.200s\ngot: %.*s",
                 STR_ARG(str_make(got.ptr + (same > 60 ? same - 60 : 0), same > 60 ? 60 : same)),
                 want + same, STR_ARG(str_skip(got, same)));
    buf_done(&masked.buf);
}

/* The arguments of calls, put together: each says which call it is of. */
static inline void calls_done(struct out *arguments, unsigned calls)
{
    for (unsigned call = 0; call < calls; call++) {
        yyjson_doc *doc = must_parse(out_str(&arguments[call]));

        assert_int_equal(yyjson_get_uint(yyjson_obj_get(yyjson_doc_get_root(doc), "call")), call);
        yyjson_doc_free(doc);
        buf_done(&arguments[call].buf);
    }
}

/* The data of the next event of a stream whose lines end in LF; .ptr NULL: there is none. */
static inline struct str next_data(struct str *rest)
{
    struct str line;

    while (rest->len > 0) {
        str_cut(*rest, '\n', &line, rest);
        if (line.len > 0 && line.ptr[line.len - 1] == '\r')
            line.len--;
        if (str_starts(line, STR("data: ")))
            return str_skip(line, 6);
    }
    return str_make(NULL, 0);
}

/* A request that has to be refused: with which words. */
struct refusal {
    struct str body;
    const char *message;
};

static inline void refuses(const char *target, const struct refusal *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct answer a;

        answer_begin(&a, target);
        answer_field(&a, STR("authorization"), STR("Bearer k"));
        answer_field(&a, STR("anthropic-version"), STR("2023-06-01"));
        if (answer_read(&a, rows[i].body))
            fail_msg("taken: %.*s", STR_ARG(rows[i].body));
        assert_int_equal(a.problem.status, 400);
        if (str_find(a.problem.message, str_from(rows[i].message)) == NULL)
            fail_msg("%.*s\nwanted: %s\ngot: %.*s", STR_ARG(rows[i].body), rows[i].message,
                     STR_ARG(a.problem.message));
        answer_end(&a);
    }
}

static inline void takes(const char *target, const struct str *bodies, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct answer a;

        answer_start(&a, target, bodies[i]);
        answer_end(&a);
    }
}

#endif
