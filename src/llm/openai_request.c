/*
 * The request: which top-level members matter, and the body with those edited by splicing.
 *
 * Two readers that disagree about which of two "model" members counts are a way round access
 * control, so a second one of a member that we read is refused; others are the provider's business.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/openai.h"

/* As written.  The name goes into headers, messages and the log, a few times each. */
#define MODEL_BYTES_MAX 1024u

struct scan {
    struct arena *arena;
    struct openai_request req;
    unsigned depth_max;
    bool model, stream, options, usage, input; /* seen */
    const char *input_name;                    /* what the surface cannot do without */
    bool input_array;                          /* and it has to be an array with something in it */
    bool counting, uncounted;                  /* how many there are; what is no text, nor tokens */
    enum fault fault;                          /* the first one */
    struct str why, param;
};

/* The first complaint stands; the scan goes on, since text that is not JSON matters more.  A `why`
 * that had no room is one of another kind. */
static COLD void complain(struct scan *sc, const char *param, struct str why)
{
    const bool room = why.ptr != NULL;

    if (sc->fault != FAULT_NONE)
        return;
    sc->fault = room ? FAULT_BAD_REQUEST : FAULT_OVERLOADED;
    sc->why = room ? why : STR("limits.exchange_bytes is reached.");
    sc->param = str_from(room ? param : NULL);
}

/* It could not be unescaped. */
static COLD void complain_of_model(struct scan *sc, const struct json_member *m)
{
    bool room = arena_bytes(sc->arena, m->value.len) != NULL;

    complain(sc, "model",
             room ? STR("'model' holds half a surrogate pair") : (struct str){NULL, 0});
}

static bool take_once(struct scan *sc, bool *seen, const char *name)
{
    if (*seen)
        complain(sc, name, arena_printf(sc->arena, "'%s' is given more than once", name));
    *seen = true;
    return sc->fault == FAULT_NONE;
}

static void take_model(struct scan *sc, const struct json_member *m)
{
    if (!take_once(sc, &sc->model, "model"))
        return;
    if (m->type != JSON_STRING) {
        complain(sc, "model", STR("'model' must be a string"));
        return;
    }
    if (m->value.len > MODEL_BYTES_MAX) {
        complain(sc, "model", STR("'model' is longer than 1024 bytes"));
        return;
    }
    sc->req.model_value = m->value;
    sc->req.model = json_unescape(sc->arena, m->value);
    if (sc->req.model.ptr == NULL)
        complain_of_model(sc, m);
    else if (sc->req.model.len == 0)
        complain(sc, "model", STR("'model' must not be empty"));
}

static void take_stream(struct scan *sc, const struct json_member *m)
{
    if (!take_once(sc, &sc->stream, "stream"))
        return;
    if (m->type != JSON_TRUE && m->type != JSON_FALSE && m->type != JSON_NULL)
        complain(sc, "stream", STR("'stream' must be a boolean"));
    sc->req.stream = m->type == JSON_TRUE;
}

static bool take_option(void *ctx, const struct json_member *m)
{
    struct scan *sc = ctx;

    if (!json_key_is(m, STR("include_usage")) ||
        !take_once(sc, &sc->usage, "stream_options.include_usage"))
        return true;
    if (m->type != JSON_TRUE && m->type != JSON_FALSE && m->type != JSON_NULL)
        complain(sc, "stream_options.include_usage",
                 STR("'stream_options.include_usage' must be a boolean"));
    sc->req.usage_value = m->value;
    sc->req.wants_usage = m->type == JSON_TRUE;
    return true;
}

static void take_options(struct scan *sc, const struct json_member *m)
{
    if (!take_once(sc, &sc->options, "stream_options"))
        return;
    sc->req.options_value = m->value;
    if (m->type == JSON_NULL)
        return;
    sc->req.stream_options = m->value;
    if (m->type != JSON_OBJECT)
        complain(sc, "stream_options", STR("'stream_options' must be an object"));
    else if (!json_scan(m->value, sc->depth_max, take_option, sc, NULL))
        complain(sc, "stream_options", STR("'stream_options' is nested too deeply"));
}

/* A text, or an array of numbers, is one input; texts and such arrays are as many.  What else
 * somebody may embed (pictures) is not ours to count. */
static bool count_input(void *ctx, const struct json_member *m)
{
    struct scan *sc = ctx;

    if (m->type == JSON_STRING || m->type == JSON_ARRAY)
        sc->req.inputs++;
    else if (m->type == JSON_NUMBER)
        sc->req.inputs = 1;
    else
        sc->uncounted = true;
    return true;
}

static struct json_visitor enter_input(void *ctx, const struct json_member *m)
{
    struct scan *sc = ctx;

    if (m->type != JSON_ARRAY || !json_key_is(m, STR("input")))
        return (struct json_visitor){NULL, NULL, NULL};
    sc->req.inputs = 0;
    return (struct json_visitor){count_input, NULL, sc};
}

static void take_input(struct scan *sc, const struct json_member *m)
{
    sc->input = m->type != JSON_NULL;
    if (sc->counting && m->type != JSON_ARRAY)
        sc->req.inputs = m->type == JSON_STRING;
    if (!sc->input || !sc->input_array)
        return;
    if (m->type != JSON_ARRAY)
        complain(sc, sc->input_name,
                 arena_printf(sc->arena, "'%s' must be an array", sc->input_name));
    else if (json_is_empty(m->value))
        complain(sc, sc->input_name,
                 arena_printf(sc->arena, "'%s' must not be empty", sc->input_name));
}

static void take_choices(struct scan *sc, const struct json_member *m)
{
    uint64_t n;

    if (m->type == JSON_NUMBER && str_to_u64(m->value, &n) && n <= OPENAI_CHOICES_MAX)
        sc->req.choices = (uint32_t)n;
}

static bool is_max_tokens(const struct json_member *m)
{
    return json_key_is(m, STR("max_tokens")) || json_key_is(m, STR("max_completion_tokens")) ||
           json_key_is(m, STR("max_output_tokens"));
}

static void take_max_tokens(struct scan *sc, const struct json_member *m)
{
    if (m->type != JSON_NUMBER || !str_to_u64(m->value, &sc->req.max_tokens))
        sc->req.max_tokens = 0;
}

static bool take_member(void *ctx, const struct json_member *m)
{
    struct scan *sc = ctx;

    if (json_key_is(m, STR("model")))
        take_model(sc, m);
    else if (json_key_is(m, STR("stream")))
        take_stream(sc, m);
    else if (json_key_is(m, STR("stream_options")))
        take_options(sc, m);
    else if (json_key_is(m, STR("n")))
        take_choices(sc, m);
    else if (is_max_tokens(m))
        take_max_tokens(sc, m);
    else if (sc->input_name != NULL && json_key_is(m, str_from(sc->input_name)))
        take_input(sc, m);
    return true;
}

static void find_missing(struct scan *sc)
{
    if (json_type_of(sc->req.body) != JSON_OBJECT) {
        complain(sc, NULL, STR("the body must be a JSON object"));
        return;
    }
    if (!sc->model)
        complain(sc, "model", STR("you must provide a 'model' parameter"));
    if (sc->input_name != NULL && !sc->input)
        complain(sc, sc->input_name,
                 arena_printf(sc->arena, "missing required parameter: '%s'", sc->input_name));
}

static const char *input_name(enum openai_surface surface)
{
    switch (surface) {
    case OPENAI_CHAT:
        return "messages";
    case OPENAI_COMPLETIONS:
        return "prompt";
    case OPENAI_EMBEDDINGS:
    case OPENAI_RESPONSES:
        return "input";
    }
    return "messages";
}

static enum fault scan(struct scan *sc, struct str body, struct openai_request *ret_req,
                       struct str *ret_why, struct str *ret_param)
{
    struct json_visitor top = {take_member, sc->counting ? enter_input : NULL, sc};
    struct json_error error;

    sc->req.body = body;
    if (!json_visit(body, sc->depth_max, top, &error)) {
        *ret_why = arena_printf(sc->arena, "the body is not valid JSON: %.*s",
                                STR_ARG(json_error_text(sc->arena, body, &error)));
        *ret_param = (struct str){NULL, 0};
        return FAULT_BAD_JSON;
    }
    find_missing(sc);
    if (sc->fault != FAULT_NONE) {
        *ret_why = sc->why;
        *ret_param = sc->param;
        return sc->fault;
    }
    if (sc->uncounted)
        sc->req.inputs = 0;
    sc->req.object_open = (struct str){memchr(body.ptr, '{', body.len), 1};
    *ret_req = sc->req;
    return FAULT_NONE;
}

enum fault openai_request_scan(struct arena *a, enum openai_surface surface, struct str body,
                               unsigned depth_max, struct openai_request *ret_req,
                               struct str *ret_why, struct str *ret_param)
{
    struct scan sc = {.arena = a,
                      .depth_max = depth_max,
                      .input_name = input_name(surface),
                      .input_array = surface == OPENAI_CHAT,
                      .counting = surface == OPENAI_EMBEDDINGS};

    return scan(&sc, body, ret_req, ret_why, ret_param);
}

enum fault openai_model_scan(struct arena *a, struct str body, unsigned depth_max,
                             struct openai_request *ret_req, struct str *ret_why,
                             struct str *ret_param)
{
    struct scan sc = {.arena = a, .depth_max = depth_max};

    return scan(&sc, body, ret_req, ret_why, ret_param);
}

/* ---- splicing ---- */

struct edit {
    struct str old; /* in the body; may be empty */
    struct str new;
};

static struct edit insert_behind(struct str brace, struct str new)
{
    return (struct edit){{brace.ptr + 1, 0}, new};
}

static struct edit ask_for_usage(const struct openai_request *req)
{
    if (req->options_value.len == 0) /* there is a model member, so the comma is right */
        return insert_behind(req->object_open, STR("\"stream_options\":{\"include_usage\":true},"));
    if (req->stream_options.len == 0)
        return (struct edit){req->options_value, STR("{\"include_usage\":true}")};
    if (req->usage_value.len > 0)
        return (struct edit){req->usage_value, STR("true")};
    return insert_behind(req->stream_options, json_is_empty(req->stream_options)
                                                  ? STR("\"include_usage\":true")
                                                  : STR("\"include_usage\":true,"));
}

unsigned openai_request_splice(struct arena *a, const struct openai_request *req, struct str model,
                               bool ask_usage, struct str ret_pieces[OPENAI_PIECES_MAX])
{
    struct edit edits[2];
    const char *at = req->body.ptr, *end = at + req->body.len;
    unsigned n = 0, pieces = 0;

    if (!str_eq(model, req->model)) {
        edits[n] = (struct edit){req->model_value, json_quote(a, model)};
        if (edits[n++].new.ptr == NULL)
            return 0;
    }
    if (ask_usage && req->stream && !req->wants_usage) {
        edits[n++] = ask_for_usage(req);
        if (n == 2 && edits[1].old.ptr < edits[0].old.ptr) {
            struct edit first = edits[1];

            edits[1] = edits[0];
            edits[0] = first;
        }
    }
    for (unsigned i = 0; i < n; i++) {
        ret_pieces[pieces++] = (struct str){at, (size_t)(edits[i].old.ptr - at)};
        ret_pieces[pieces++] = edits[i].new;
        at = edits[i].old.ptr + edits[i].old.len;
    }
    ret_pieces[pieces++] = (struct str){at, (size_t)(end - at)};
    return pieces;
}
