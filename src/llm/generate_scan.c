/*
 * What stands in the path, the query and the body of a request, and the same for a target.
 *
 * Two readers that disagree about which of two models counts are a way round access control: a body
 * that names another than the path is refused, and one that names the same has it changed with the
 * path.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/percent.h"
#include "llm/gemini_part.h"
#include "llm/generate.h"
#include "llm/json_pick.h"

/* As written.  The name goes into headers, messages and the log, a few times each. */
#define MODEL_BYTES_MAX 1024u

static struct str plain_name(struct str model)
{
    const struct str prefix = STR("models/");

    return str_starts(model, prefix) ? str_skip(model, prefix.len) : model;
}

struct str generate_model(struct arena *a, struct str path)
{
    size_t n = path.len;

    while (n > 0 && path.ptr[n - 1] != ':')
        n--;
    return plain_name(percent_decode(a, str_make(path.ptr, n > 0 ? n - 1 : 0), false));
}

/* ---- the query ---- */

struct str generate_parameter(struct arena *a, struct str query, struct str name)
{
    struct str found = {NULL, 0}, one, key, value;

    while (query.len > 0) {
        str_cut(query, '&', &one, &query);
        str_cut(one, '=', &key, &value);
        if (!str_eq(percent_decode(a, key, true), name))
            continue;
        if (found.ptr != NULL)
            return STR("");
        found = percent_decode(a, value, true);
    }
    return found;
}

/* Credentials, and what decides the form of the answer. */
static bool stays_here(struct str name)
{
    static const struct str names[] = {
        STR_INIT("key"),  STR_INIT("access_token"), STR_INIT("oauth_token"), STR_INIT("alt"),
        STR_INIT("$alt"), STR_INIT("callback"),     STR_INIT("$callback"),
    };

    for (size_t i = 0; i < COUNTOF(names); i++) {
        if (str_eq_nocase(name, names[i]))
            return true;
    }
    return name.len == 0;
}

/* `to` has room for all of the query and a byte. */
static struct str kept_query(struct arena *a, struct str query, char *to, char before)
{
    struct str one, key, value;
    size_t n = 0;

    while (query.len > 0) {
        str_cut(query, '&', &one, &query);
        str_cut(one, '=', &key, &value);
        if (stays_here(percent_decode(a, key, true)))
            continue;
        to[n] = n == 0 ? before : '&';
        memcpy(to + n + 1, one.ptr, one.len);
        n += one.len + 1;
    }
    return str_make(to, n);
}

struct str generate_path(struct arena *a, struct str model, struct str action, struct str query)
{
    struct str name = percent_encode(a, model, STR(":@/"));
    bool stream = str_eq(action, STR(":streamGenerateContent"));
    char *kept = arena_bytes(a, query.len + 1);

    if (name.ptr == NULL || kept == NULL)
        return (struct str){NULL, 0};
    return arena_join(a,
                      (struct str[]){gemini_is_resource(name) ? STR("/") : STR("/models/"), name,
                                     action, stream ? STR("?alt=sse") : STR(""),
                                     kept_query(a, query, kept, stream ? '&' : '?')},
                      5);
}

/* ---- the body ---- */

struct scan {
    struct arena *arena;
    struct str model; /* the path's */
    struct openai_request req;
    bool contents, request; /* seen */
    struct str why, param;  /* the first complaint */
};

static COLD void complain(struct scan *sc, struct str param, struct str why)
{
    if (sc->why.ptr != NULL)
        return;
    sc->why = why;
    sc->param = param;
}

static void take_model(struct scan *sc, const struct json_member *m)
{
    struct str name;

    if (sc->req.model_value.len > 0) {
        complain(sc, STR("model"), STR("'model' is given more than once"));
        return;
    }
    sc->req.model_value = m->value;
    name = m->type == JSON_STRING && m->value.len <= MODEL_BYTES_MAX
               ? json_unescape(sc->arena, m->value)
               : (struct str){NULL, 0};
    if (name.ptr == NULL || !str_eq(plain_name(name), sc->model))
        complain(sc, STR("model"), STR("'model' is not the model that the path names"));
}

static void take_choices(struct scan *sc, struct str config)
{
    uint64_t n = 0;
    struct str count = json_pick_one(config, STR("candidateCount"), JSON_NUMBER);

    if (count.len == 0)
        count = json_pick_one(config, STR("candidate_count"), JSON_NUMBER);
    if (count.len > 0 && str_to_u64(count, &n) && n <= OPENAI_CHOICES_MAX)
        sc->req.choices = (uint32_t)n;
}

static bool take_inner(void *ctx, const struct json_member *m)
{
    struct scan *sc = ctx;

    if (json_key_is(m, STR("model")))
        take_model(sc, m);
    return true;
}

/* Of the top and, in a count of tokens, of the request that is counted. */
static bool take_member(void *ctx, const struct json_member *m)
{
    struct scan *sc = ctx;

    if (json_key_is(m, STR("model"))) {
        take_model(sc, m);
    } else if (json_key_is(m, STR("generateContentRequest")) ||
               json_key_is(m, STR("generate_content_request"))) {
        sc->request = true;
        if (m->type == JSON_OBJECT)
            json_members(m->value, take_inner, sc);
    } else if (json_key_is(m, STR("contents"))) {
        sc->contents = m->type != JSON_NULL;
    } else if (json_key_is(m, STR("generationConfig")) ||
               json_key_is(m, STR("generation_config"))) {
        take_choices(sc, m->value);
    }
    return true;
}

static void find_wrong(struct scan *sc, struct str body)
{
    if (json_type_of(body) != JSON_OBJECT)
        complain(sc, STR(""), STR("the body must be a JSON object"));
    else if (sc->model.len == 0)
        complain(sc, STR("model"), STR("the path names no model"));
    else if (sc->model.len > MODEL_BYTES_MAX)
        complain(sc, STR("model"), STR("the model's name is longer than 1024 bytes"));
    else if (!sc->contents && !sc->request)
        complain(sc, STR("contents"), STR("'contents' is required"));
}

enum fault generate_scan(struct arena *a, struct str model, struct str body, unsigned depth_max,
                         struct openai_request *ret_req, struct str *ret_why, struct str *ret_param)
{
    struct scan sc = {.arena = a, .model = model};
    struct json_error error;

    if (!json_scan(body, depth_max, take_member, &sc, &error)) {
        *ret_why = arena_printf(a, "the body is not valid JSON: %.*s",
                                STR_ARG(json_error_text(a, body, &error)));
        *ret_param = (struct str){NULL, 0};
        return FAULT_BAD_JSON;
    }
    find_wrong(&sc, body);
    if (sc.why.ptr != NULL) {
        *ret_why = sc.why;
        *ret_param = sc.param;
        return FAULT_BAD_REQUEST;
    }
    sc.req.body = body;
    sc.req.model = model;
    *ret_req = sc.req;
    return FAULT_NONE;
}

unsigned generate_splice(struct arena *a, const struct openai_request *req, struct str model,
                         struct str ret_pieces[OPENAI_PIECES_MAX])
{
    const char *end = req->body.ptr + req->body.len, *rest;
    bool named = str_starts(model, STR("models/")) || str_starts(model, STR("tunedModels/"));
    struct str name;

    if (req->model_value.len == 0) {
        ret_pieces[0] = req->body;
        return 1;
    }
    name = arena_join(a, (struct str[]){named ? STR("") : STR("models/"), model}, 2);
    name = name.ptr != NULL ? json_quote(a, name) : name;
    if (name.ptr == NULL)
        return 0;
    rest = req->model_value.ptr + req->model_value.len;
    ret_pieces[0] = str_make(req->body.ptr, (size_t)(req->model_value.ptr - req->body.ptr));
    ret_pieces[1] = name;
    ret_pieces[2] = str_make(rest, (size_t)(end - rest));
    return 3;
}

bool generate_is_count(struct str body)
{
    return json_scan(body, JSON_DEPTH_MAX, NULL, NULL, NULL) &&
           json_pick_one(body, STR("totalTokens"), JSON_NUMBER).len > 0;
}
