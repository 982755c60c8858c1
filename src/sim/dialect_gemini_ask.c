/*
 * dialect_gemini_ask.c - reads requests as Gemini would, and refuses them in its words.
 *
 * Strict, because what the gateway writes for this dialect is judged here: fields that the service
 * does not know, function responses that do not answer the calls before them.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sim/dialect_gemini.h"

#include "base/percent.h"

#define CALLS_MAX 64u
#define GOT_MAX 200u /* bytes of a value that a sentence quotes */
#define refuse(r, field, ...) refuse_at((r), (field), arena_printf((r)->arena, __VA_ARGS__))
#define REQUEST "* GenerateContentRequest."

struct reader {
    struct sim_ask *ask;
    struct arena *arena;
    yyjson_val *root; /* the GenerateContentRequest */
    struct sim_problem *problem;
    struct str calls[CALLS_MAX]; /* names, of the turn before */
    unsigned call_count;
    bool after_user; /* the turn before was a user's, or a function's */
    struct out said;
};

static bool refuse_at(struct reader *r, struct str field, struct str message)
{
    *r->problem = (struct sim_problem){
        .status = 400, .type = STR("INVALID_ARGUMENT"), .message = message, .param = field};
    return false;
}

static yyjson_val *get(yyjson_val *object, struct str name)
{
    return shape_get(object, name, SHAPE_BRACKETS);
}

static struct str get_text(yyjson_val *object, struct str name)
{
    yyjson_val *v = get(object, name);

    return yyjson_is_str(v) ? str_make(yyjson_get_str(v), yyjson_get_len(v)) : str_make(NULL, 0);
}

/* protobuf's JSON takes a lone element for a list of one. */
static size_t count_of(yyjson_val *list)
{
    return yyjson_is_obj(list) ? 1 : yyjson_arr_size(list);
}

static yyjson_val *nth_of(yyjson_val *list, size_t at)
{
    return yyjson_is_obj(list) ? list : yyjson_arr_get(list, at);
}

/* ---- Whether its parts are what they should be */

static const char *type_name(unsigned types)
{
    if ((types & SHAPE_OBJECT) != 0)
        return "type.googleapis.com/google.protobuf.Struct";
    if ((types & SHAPE_STRING) != 0 && (types & SHAPE_INT) == 0)
        return "TYPE_STRING";
    if ((types & SHAPE_BOOL) != 0)
        return "TYPE_BOOL";
    return (types & SHAPE_INT) != 0 ? "TYPE_INT32" : "TYPE_FLOAT";
}

/* What came, as JSON; a long one is cut between two characters. */
static struct str quote(struct reader *r, yyjson_val *got)
{
    size_t n = 0;
    char *json = yyjson_val_write(got, YYJSON_WRITE_NOFLAG, &n);
    struct str quoted;

    if (n > GOT_MAX) {
        n = GOT_MAX;
        while (n > 0 && ((unsigned char)json[n] & 0xc0) == 0x80)
            n--;
    }
    quoted = arena_dup(r->arena, str_make(json, json != NULL ? n : 0));
    free(json);
    return quoted;
}

static bool refuse_type(struct reader *r, const struct shape_flaw *f)
{
    if (yyjson_is_arr(f->got))
        return refuse(r, f->place,
                      "Invalid JSON payload received. Unknown name \"%.*s\" at '%.*s': Proto field "
                      "is not repeating, cannot start list.",
                      STR_ARG(f->member->name), STR_ARG(f->place));
    return refuse(r, f->place, "Invalid value at '%.*s' (%s), %.*s", STR_ARG(f->place),
                  type_name(f->member->types), STR_ARG(quote(r, f->got)));
}

static bool refuse_flaw(struct reader *r, const struct shape_flaw *f)
{
    if (f->wrong == SHAPE_UNKNOWN && f->place.len == 0)
        return refuse(r, f->place,
                      "Invalid JSON payload received. Unknown name \"%.*s\": Cannot find field.",
                      STR_ARG(f->name));
    if (f->wrong == SHAPE_UNKNOWN)
        return refuse(r, f->place,
                      "Invalid JSON payload received. Unknown name \"%.*s\" at '%.*s': Cannot find "
                      "field.",
                      STR_ARG(f->name), STR_ARG(f->place));
    return refuse_type(r, f);
}

static bool check_shape(struct reader *r, yyjson_val *root)
{
    static const struct shape *const shapes[] = {
        [GENERATE] = &sim_gemini_generate,
        [GENERATE_STREAM] = &sim_gemini_generate,
        [COUNT] = &sim_gemini_count,
        [EMBED] = &sim_gemini_embed,
        [EMBED_BATCH] = &sim_gemini_embed_batch,
    };
    const struct shape *s = shapes[r->ask->surface];
    struct shape_flaw flaw = {.wrong = SHAPE_FITS};

    return shape_fits(s, root, SHAPE_BRACKETS, r->arena, &flaw) || refuse_flaw(r, &flaw);
}

static bool check_credential(struct reader *r)
{
    if (sim_ask_credential(r->ask).len > 0)
        return true;
    *r->problem = (struct sim_problem){
        .status = 403,
        .type = STR("PERMISSION_DENIED"),
        .message = STR("Method doesn't allow unregistered callers (callers without established "
                       "identity). Please use API Key or other form of API consumer identity to "
                       "call this API.")};
    return false;
}

/* ---- Its settings */

static bool check_range(struct reader *r, yyjson_val *config, struct str name, const char *snake,
                        double min, double max)
{
    yyjson_val *v = get(config, name);

    if (!yyjson_is_num(v) || (yyjson_get_num(v) >= min && yyjson_get_num(v) <= max))
        return true;
    return refuse(r, STR(""), REQUEST "generation_config.%s: %s must be in the range [%g, %g].\n",
                  snake, snake, min, max);
}

static bool read_config(struct reader *r)
{
    yyjson_val *config = get(r->root, STR("generationConfig"));
    yyjson_val *thinking = get(config, STR("thinkingConfig"));
    yyjson_val *n = get(config, STR("candidateCount"));

    if (!check_range(r, config, STR("temperature"), "temperature", 0, 2) ||
        !check_range(r, config, STR("topP"), "top_p", 0, 1) ||
        !check_range(r, config, STR("maxOutputTokens"), "max_output_tokens", 1, 1e9) ||
        !check_range(r, config, STR("candidateCount"), "candidate_count", 1, SIM_CHOICES_MAX))
        return false;
    if (yyjson_is_num(get(thinking, STR("thinkingBudget"))) &&
        get_text(thinking, STR("thinkingLevel")).len > 0)
        return refuse(r, STR(""),
                      "You can only set only one of thinking budget and thinking level.");
    r->ask->tokens_max = yyjson_get_uint(get(config, STR("maxOutputTokens")));
    r->ask->choices = n != NULL ? (unsigned)yyjson_get_uint(n) : 1;
    r->ask->stream = r->ask->surface == GENERATE_STREAM;
    return true;
}

/* A letter or _, then up to 63 of these and 0-9 . : - . */
static bool is_function_name(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = ascii_lower(s.ptr[i]);
        bool begins = (c >= 'a' && c <= 'z') || c == '_';

        if (!begins && (i == 0 || (!(c >= '0' && c <= '9') && c != '.' && c != ':' && c != '-')))
            return false;
    }
    return s.len > 0 && s.len <= 64;
}

static bool read_functions(struct reader *r, yyjson_val *list, size_t tool)
{
    size_t at, max;
    yyjson_val *f;

    yyjson_arr_foreach(list, at, max, f)
    {
        struct str name = get_text(f, STR("name"));

        if (!is_function_name(name))
            return refuse(r, STR(""),
                          REQUEST "tools[%zu].function_declarations[%zu].name: Invalid function "
                                  "name. Must start with a letter or an underscore. Must be "
                                  "alphameric (a-z, A-Z, 0-9), underscores (_), dots (.), colons "
                                  "(:) or dashes (-), with a maximum length of 64.\n",
                          tool, at);
        if (r->ask->tool_count < SIM_TOOLS_MAX)
            r->ask->tools[r->ask->tool_count++] = arena_dup(r->arena, name);
    }
    return true;
}

static bool read_tools(struct reader *r)
{
    yyjson_val *tools = get(r->root, STR("tools"));
    yyjson_val *calling = get(get(r->root, STR("toolConfig")), STR("functionCallingConfig"));

    for (size_t i = 0; i < count_of(tools); i++) {
        if (!read_functions(r, get(nth_of(tools, i), STR("functionDeclarations")), i))
            return false;
    }
    if (calling != NULL && r->ask->tool_count == 0)
        return refuse(r, STR(""), "Function calling config is set without function_declarations.");
    return true;
}

/* ---- Turns */

static bool refuse_pairing(struct reader *r)
{
    return refuse(r, STR(""),
                  "Please ensure that the number of function response parts is equal "
                  "to the number of function call parts of the function call turn.");
}

static bool was_called(const struct reader *r, struct str name)
{
    for (unsigned i = 0; i < r->call_count && i < CALLS_MAX; i++) {
        if (str_eq(r->calls[i], name))
            return true;
    }
    return false;
}

static bool check_response(struct reader *r, yyjson_val *response, size_t at, size_t nth)
{
    struct str name = get_text(response, STR("name"));

    if (name.len == 0)
        return refuse(r, STR(""),
                      REQUEST "contents[%zu].parts[%zu].function_response.name: Name cannot be "
                              "empty.\n",
                      at, nth);
    if (r->call_count > 0 && !was_called(r, name))
        return refuse(r, STR(""),
                      "The function response \"%.*s\" answers no function call of the turn before.",
                      STR_ARG(name));
    return true;
}

/* A part holds one thing. */
static bool check_oneof(struct reader *r, yyjson_val *part, size_t at, size_t nth)
{
    static const struct str things[] = {STR_INIT("text"),
                                        STR_INIT("inlineData"),
                                        STR_INIT("fileData"),
                                        STR_INIT("functionCall"),
                                        STR_INIT("functionResponse"),
                                        STR_INIT("executableCode"),
                                        STR_INIT("codeExecutionResult")};
    unsigned n = 0;

    for (size_t i = 0; i < COUNTOF(things); i++)
        n += get(part, things[i]) != NULL;
    if (n == 1)
        return true;
    if (n == 0)
        return refuse(r, STR(""),
                      REQUEST "contents[%zu].parts[%zu].data: required oneof field 'data' must "
                              "have one initialized field\n",
                      at, nth);
    return refuse(r, STR(""),
                  "Invalid value at 'contents[%zu].parts[%zu]' (oneof), oneof field "
                  "'data' is already set.",
                  at, nth);
}

/* What one content has said. */
struct turn {
    unsigned calls, responses;
    bool model;
    struct str names[CALLS_MAX];
};

static void hear(struct reader *r, const struct turn *t, struct str text, bool *fresh)
{
    r->ask->prompt_tokens += sim_words(text);
    if (t->model || text.len == 0)
        return;
    if (*fresh)
        out_reset(&r->said, SIZE_MAX);
    *fresh = false;
    out_put(&r->said, text);
}

static bool read_parts(struct reader *r, yyjson_val *parts, size_t at, struct turn *t)
{
    bool fresh = true;

    for (size_t nth = 0; nth < count_of(parts); nth++) {
        yyjson_val *part = nth_of(parts, nth), *call = get(part, STR("functionCall"));
        yyjson_val *response = get(part, STR("functionResponse"));

        if (!check_oneof(r, part, at, nth) ||
            (response != NULL && !check_response(r, response, at, nth)))
            return false;
        if (call != NULL && t->calls < CALLS_MAX)
            t->names[t->calls] = get_text(call, STR("name"));
        t->calls += call != NULL;
        t->responses += response != NULL;
        hear(r, t, get_text(part, STR("text")), &fresh);
    }
    return true;
}

static bool check_order(struct reader *r, const struct turn *t)
{
    if (t->responses > 0 && r->call_count == 0)
        return refuse(r, STR(""),
                      "Please ensure that function response turn comes immediately "
                      "after a function call turn.");
    if (t->responses != r->call_count)
        return refuse_pairing(r);
    if (t->calls > 0 && !r->after_user)
        return refuse(r, STR(""),
                      "Please ensure that function call turn comes immediately after a "
                      "user turn or after a function response turn.");
    return true;
}

static bool read_content(struct reader *r, yyjson_val *content, size_t at)
{
    struct str role = get_text(content, STR("role"));
    yyjson_val *parts = get(content, STR("parts"));
    struct turn t = {.model = str_eq(role, STR("model"))};

    if (role.len > 0 && !t.model && !str_eq(role, STR("user")) && !str_eq(role, STR("function")))
        return refuse(r, STR(""), "Please use a valid role: user, model.");
    if (count_of(parts) == 0)
        return refuse(r, STR(""),
                      REQUEST "contents[%zu].parts: contents.parts must not be empty.\n", at);
    if (!read_parts(r, parts, at, &t) || !check_order(r, &t))
        return false;
    if (t.model && t.responses > 0)
        return refuse(r, STR(""), "Function response parts are not allowed in a model turn.");
    if (!t.model && t.calls > 0)
        return refuse(r, STR(""), "Function call parts are only allowed in a model turn.");
    memcpy(r->calls, t.names, sizeof(r->calls));
    r->call_count = t.calls;
    r->after_user = !t.model;
    return true;
}

/* ---- Signatures: Gemini 3 wants them back with the calls of the turn that is going on */

static bool is_signed(struct str signature)
{
    return str_starts(signature, STR(SIM_GEMINI_SIGNATURE)) ||
           str_eq(signature, STR("skip_thought_signature_validator")) ||
           str_eq(signature, STR("context_engineering_is_the_way_to_go"));
}

static bool says_text(yyjson_val *content)
{
    yyjson_val *parts = get(content, STR("parts"));

    for (size_t i = 0; i < count_of(parts); i++) {
        if (get(nth_of(parts, i), STR("text")) != NULL)
            return true;
    }
    return false;
}

static bool check_first_call(struct reader *r, yyjson_val *parts, size_t at)
{
    for (size_t i = 0; i < count_of(parts); i++) {
        yyjson_val *part = nth_of(parts, i), *call = get(part, STR("functionCall"));
        struct str signature = get_text(part, STR("thoughtSignature")), name;

        if (call == NULL)
            continue;
        name = get_text(call, STR("name"));
        if (signature.len > 0)
            return is_signed(signature) || refuse(r, STR(""), "Corrupted thought signature.");
        return refuse(r, STR(""),
                      "Function call is missing a thought_signature in functionCall parts. This is "
                      "required for tools to work correctly, and missing thought_signature may "
                      "lead to degraded model performance. Additional data, function call "
                      "`default_api:%.*s` , position %zu.",
                      STR_ARG(name), at + 1);
    }
    return true;
}

static bool check_signatures(struct reader *r, yyjson_val *contents)
{
    size_t n = count_of(contents), from = n;

    if (!str_starts(r->ask->model, STR("gemini-3")))
        return true;
    while (from > 0 && !(str_eq(get_text(nth_of(contents, from - 1), STR("role")), STR("user")) &&
                         says_text(nth_of(contents, from - 1))))
        from--;
    for (size_t i = from; i < n; i++) {
        if (!check_first_call(r, get(nth_of(contents, i), STR("parts")), i))
            return false;
    }
    return true;
}

static bool take_contents(struct reader *r)
{
    yyjson_val *contents = get(r->root, STR("contents"));
    yyjson_val *system = get(get(r->root, STR("systemInstruction")), STR("parts"));
    size_t n = count_of(contents);

    if (n == 0)
        return refuse(r, STR(""), REQUEST "contents: contents is not specified\n");
    r->after_user = false;
    for (size_t i = 0; i < n; i++) {
        if (!read_content(r, nth_of(contents, i), i))
            return false;
    }
    for (size_t i = 0; i < count_of(system); i++)
        r->ask->prompt_tokens += sim_words(get_text(nth_of(system, i), STR("text")));
    return (r->call_count == 0 || refuse_pairing(r)) && check_signatures(r, contents);
}

static bool read_contents(struct reader *r)
{
    bool ok = take_contents(r);

    r->ask->text = arena_dup(r->arena, out_str(&r->said));
    buf_done(&r->said.buf);
    return ok;
}

/* ---- Embeddings */

static bool read_embedding(struct reader *r, yyjson_val *request, bool batch)
{
    struct str model = get_text(request, STR("model"));
    struct str named = str_starts(model, STR("models/")) ? str_skip(model, 7) : model;

    if (batch && !str_eq(named, r->ask->model))
        return refuse(
            r, STR(""),
            "* BatchEmbedContentsRequest.requests: model in request must match the one in "
            "the path (%.*s)\n",
            STR_ARG(r->ask->model));
    if (count_of(get(get(request, STR("content")), STR("parts"))) == 0)
        return refuse(r, STR(""),
                      "* EmbedContentRequest.content: contents is not specified or has no parts\n");
    return true;
}

static bool read_embeddings(struct reader *r)
{
    yyjson_val *requests = get(r->root, STR("requests"));

    if (r->ask->surface == EMBED)
        return read_embedding(r, r->root, false);
    if (count_of(requests) == 0)
        return refuse(r, STR(""), "* BatchEmbedContentsRequest.requests: requests is empty\n");
    for (size_t i = 0; i < count_of(requests); i++) {
        if (!read_embedding(r, nth_of(requests, i), true))
            return false;
    }
    return true;
}

/* ---- */

bool sim_gemini_cut(struct str path, struct str *ret_model, struct str *ret_action)
{
    static const struct str stems[] = {STR_INIT("/v1beta/models/"), STR_INIT("/v1/models/"),
                                       STR_INIT("/v1alpha/models/")};
    size_t colon = path.len;

    while (colon > 0 && path.ptr[colon - 1] != ':')
        colon--;
    for (size_t i = 0; i < COUNTOF(stems); i++) {
        if (!str_starts(path, stems[i]) || colon <= stems[i].len)
            continue;
        *ret_model = str_make(path.ptr + stems[i].len, colon - 1 - stems[i].len);
        *ret_action = str_skip(path, colon);
        return true;
    }
    return false;
}

enum sim_framing sim_gemini_framing(const struct sim_ask *ask)
{
    bool array =
        ask->surface == GENERATE_STREAM && !str_eq(sim_ask_query(ask, STR("alt")), STR("sse"));

    return array ? SIM_FRAMING_ARRAY : SIM_FRAMING_SSE;
}

struct str sim_gemini_model(const struct sim_ask *ask, struct arena *a, yyjson_val *root)
{
    struct str model = {NULL, 0}, action;

    (void)root;
    return sim_gemini_cut(ask->path, &model, &action) ? percent_decode(a, model, false) : model;
}

bool sim_gemini_read(struct sim_ask *ask, struct arena *a, yyjson_val *root, struct sim_problem *p)
{
    struct reader r = {.ask = ask, .arena = a, .root = root, .problem = p};
    yyjson_val *inner = get(root, STR("generateContentRequest"));

    if (ask->model.len == 0) {
        *p = sim_gemini_fault(SIM_S404, 404);
        return false;
    }
    if (!check_credential(&r) || !check_shape(&r, root))
        return false;
    if (ask->surface >= EMBED)
        return read_embeddings(&r);
    if (inner != NULL)
        r.root = inner;
    return read_config(&r) && read_tools(&r) && read_contents(&r);
}
