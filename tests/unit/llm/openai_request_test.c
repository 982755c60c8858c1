/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <yyjson.h>

#include "llm/openai.h"

#define DEPTH 64u
#define MESSAGES "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]"

#define WORDS_64 "it was the best of times, it was the worst of times, it was ... "
#define WORDS_256 WORDS_64 WORDS_64 WORDS_64 WORDS_64
#define NOVEL WORDS_256 WORDS_256 WORDS_256 WORDS_256

/* ---- scanning ---- */

static const struct scan_row {
    const char *what;
    enum openai_surface surface;
    struct str body;
    enum fault fault;
    const char *why; /* NULL: not looked at */
    const char *param;
} scan_rows[] = {
    {"a chat", OPENAI_CHAT, STR_INIT("{\"model\":\"m\"," MESSAGES "}"), FAULT_NONE, NULL, NULL},
    {"keys with escapes", OPENAI_CHAT, STR_INIT("{\"mod\\u0065l\":\"m\",\"m\\u0065ssages\":[1]}"),
     FAULT_NONE, NULL, NULL},
    {"a completion", OPENAI_COMPLETIONS, STR_INIT("{\"model\":\"m\",\"prompt\":\"x\"}"), FAULT_NONE,
     NULL, NULL},
    {"embeddings", OPENAI_EMBEDDINGS, STR_INIT("{\"input\":[1,2],\"model\":\"m\"}"), FAULT_NONE,
     NULL, NULL},
    {"a response", OPENAI_RESPONSES, STR_INIT("{\"input\":\"x\",\"model\":\"m\"}"), FAULT_NONE,
     NULL, NULL},
    {"a response of nothing", OPENAI_RESPONSES, STR_INIT("{\"model\":\"m\"}"), FAULT_BAD_REQUEST,
     "missing required parameter: 'input'", "input"},
    {"a second temperature", OPENAI_CHAT,
     STR_INIT("{\"model\":\"m\",\"temperature\":1,\"temperature\":2," MESSAGES "}"), FAULT_NONE,
     NULL, NULL},
    {"stream null", OPENAI_CHAT, STR_INIT("{\"model\":\"m\",\"stream\":null," MESSAGES "}"),
     FAULT_NONE, NULL, NULL},
    {"half a pair in a message", OPENAI_CHAT,
     STR_INIT("{\"model\":\"m\",\"messages\":[\"\\ud83d\"]}"), FAULT_NONE, NULL, NULL},

    {"not JSON", OPENAI_CHAT, STR_INIT("{\"model\":\"m\",  }"), FAULT_BAD_JSON,
     "the body is not valid JSON: unexpected '}' at byte 15", ""},
    {"not JSON, and no string", OPENAI_CHAT, STR_INIT("{\"model\":1,}"), FAULT_BAD_JSON,
     "the body is not valid JSON: unexpected '}' at byte 11", ""},
    {"nothing", OPENAI_CHAT, STR_INIT(""), FAULT_BAD_JSON,
     "the body is not valid JSON: unexpected end at byte 0", ""},
    {"a NUL", OPENAI_CHAT, STR_INIT("{\"model\":\"a\0b\"}"), FAULT_BAD_JSON,
     "the body is not valid JSON: control character in a string at byte 11", ""},
    {"invalid UTF-8", OPENAI_CHAT, STR_INIT("{\"model\":\"\xff\"}"), FAULT_BAD_JSON,
     "the body is not valid JSON: invalid UTF-8 at byte 10", ""},
    {"too deep", OPENAI_CHAT,
     STR_INIT("{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["),
     FAULT_BAD_JSON, "the body is not valid JSON: nested too deeply at byte 68", ""},

    {"an array", OPENAI_CHAT, STR_INIT("[{\"model\":\"m\"}]"), FAULT_BAD_REQUEST,
     "the body must be a JSON object", ""},
    {"a string", OPENAI_CHAT, STR_INIT("\"model\""), FAULT_BAD_REQUEST,
     "the body must be a JSON object", ""},
    {"no model", OPENAI_CHAT, STR_INIT("{" MESSAGES "}"), FAULT_BAD_REQUEST,
     "you must provide a 'model' parameter", "model"},
    {"a number as model", OPENAI_CHAT, STR_INIT("{\"model\":4," MESSAGES "}"), FAULT_BAD_REQUEST,
     "'model' must be a string", "model"},
    {"null as model", OPENAI_CHAT, STR_INIT("{\"model\":null," MESSAGES "}"), FAULT_BAD_REQUEST,
     "'model' must be a string", "model"},
    {"an empty model", OPENAI_CHAT, STR_INIT("{\"model\":\"\"," MESSAGES "}"), FAULT_BAD_REQUEST,
     "'model' must not be empty", "model"},
    {"half a pair in the model", OPENAI_CHAT, STR_INIT("{\"model\":\"\\ud800\"," MESSAGES "}"),
     FAULT_BAD_REQUEST, NULL, "model"},
    {"a novel as model", OPENAI_CHAT, STR_INIT("{\"model\":\"" NOVEL "\"," MESSAGES "}"),
     FAULT_BAD_REQUEST, "'model' is longer than 1024 bytes", "model"},
    {"two models", OPENAI_CHAT, STR_INIT("{\"model\":\"a\",\"mode\\u006c\":\"b\"," MESSAGES "}"),
     FAULT_BAD_REQUEST, "'model' is given more than once", "model"},
    {"two streams", OPENAI_CHAT,
     STR_INIT("{\"model\":\"a\",\"stream\":true,\"stream\":false," MESSAGES "}"), FAULT_BAD_REQUEST,
     "'stream' is given more than once", "stream"},
    {"two stream_options", OPENAI_CHAT,
     STR_INIT("{\"model\":\"a\",\"stream_options\":null,\"stream_options\":{}," MESSAGES "}"),
     FAULT_BAD_REQUEST, "'stream_options' is given more than once", "stream_options"},
    {"two include_usage", OPENAI_CHAT,
     STR_INIT("{\"model\":\"a\",\"stream_options\":{\"include_usage\":true,\"include_usage\":false}"
              "," MESSAGES "}"),
     FAULT_BAD_REQUEST, "'stream_options.include_usage' is given more than once",
     "stream_options.include_usage"},
    {"a string as stream", OPENAI_CHAT,
     STR_INIT("{\"model\":\"a\",\"stream\":\"yes\"," MESSAGES "}"), FAULT_BAD_REQUEST,
     "'stream' must be a boolean", "stream"},
    {"stream_options true", OPENAI_CHAT,
     STR_INIT("{\"model\":\"a\",\"stream_options\":true," MESSAGES "}"), FAULT_BAD_REQUEST,
     "'stream_options' must be an object", "stream_options"},
    {"include_usage 1", OPENAI_CHAT,
     STR_INIT("{\"model\":\"a\",\"stream_options\":{\"include_usage\":1}," MESSAGES "}"),
     FAULT_BAD_REQUEST, "'stream_options.include_usage' must be a boolean",
     "stream_options.include_usage"},
    {"no messages", OPENAI_CHAT, STR_INIT("{\"model\":\"a\"}"), FAULT_BAD_REQUEST,
     "missing required parameter: 'messages'", "messages"},
    {"null messages", OPENAI_CHAT, STR_INIT("{\"model\":\"a\",\"messages\":null}"),
     FAULT_BAD_REQUEST, "missing required parameter: 'messages'", "messages"},
    {"a string as messages", OPENAI_CHAT, STR_INIT("{\"model\":\"a\",\"messages\":\"hi\"}"),
     FAULT_BAD_REQUEST, "'messages' must be an array", "messages"},
    {"empty messages", OPENAI_CHAT, STR_INIT("{\"model\":\"a\",\"messages\":[ ]}"),
     FAULT_BAD_REQUEST, "'messages' must not be empty", "messages"},
    {"no prompt", OPENAI_COMPLETIONS, STR_INIT("{\"model\":\"a\"," MESSAGES "}"), FAULT_BAD_REQUEST,
     "missing required parameter: 'prompt'", "prompt"},
    {"no input", OPENAI_EMBEDDINGS, STR_INIT("{\"model\":\"a\",\"prompt\":1}"), FAULT_BAD_REQUEST,
     "missing required parameter: 'input'", "input"},
};

static void R49_bodies_are_taken_or_refused_with_the_field_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNTOF(scan_rows); i++) {
        const struct scan_row *row = &scan_rows[i];
        struct arena a = {.max = 1 << 16};
        struct openai_request req;
        struct str why = STR(""), param = STR("");
        enum fault f = openai_request_scan(&a, row->surface, row->body, DEPTH, &req, &why, &param);

        if (f != row->fault)
            fail_msg("%s: %d, not %d: %.*s", row->what, f, row->fault, STR_ARG(why));
        if (row->why != NULL && !str_eq(why, str_from(row->why)))
            fail_msg("%s: \"%.*s\"", row->what, STR_ARG(why));
        if (row->param != NULL && !str_eq(param, str_from(row->param)))
            fail_msg("%s: param \"%.*s\"", row->what, STR_ARG(param));
        arena_done(&a);
    }
}

static void the_fields_that_matter_are_found(void **state)
{
    struct arena a = {.max = 0};
    struct openai_request req;
    struct str why, param;
    struct str body = STR(" {\"stream\":true,\"model\":\"gpt\\u002d4\",\"stream_options\":"
                          "{\"x\":{\"include_usage\":false},\"include_usage\":true},"
                          "\"tools\":[{\"model\":1,\"stream\":2}]," MESSAGES "}");

    (void)state;
    assert_int_equal(openai_request_scan(&a, OPENAI_CHAT, body, DEPTH, &req, &why, &param),
                     FAULT_NONE);
    assert_true(str_eq(req.model, STR("gpt-4")));
    assert_true(str_eq(req.model_value, STR("\"gpt\\u002d4\"")));
    assert_true(req.stream && req.wants_usage);
    assert_ptr_equal(req.object_open.ptr, body.ptr + 1);
    arena_done(&a);
}

static void a_body_of_a_path_that_is_only_relayed_needs_no_more_than_a_model(void **state)
{
    struct arena a = {.max = 0};
    struct openai_request req;
    struct str why, param;

    (void)state;
    assert_int_equal(openai_model_scan(&a, STR("{\"query\":\"q\",\"model\":\"m\",\"messages\":1}"),
                                       DEPTH, &req, &why, &param),
                     FAULT_NONE);
    assert_true(str_eq(req.model, STR("m")));
    assert_int_equal(openai_model_scan(&a, STR("{\"query\":\"q\"}"), DEPTH, &req, &why, &param),
                     FAULT_BAD_REQUEST);
    assert_true(str_eq(param, STR("model")));
    arena_done(&a);
}

static void inputs_to_embed_are_counted(void **state)
{
    static const struct {
        struct str input;
        uint32_t inputs;
    } rows[] = {
        {STR_INIT("\"a\""), 1},
        {STR_INIT("[\"a\"]"), 1},
        {STR_INIT("[\"a\",\"b\",\"\"]"), 3},
        {STR_INIT("[1,2,3]"), 1},
        {STR_INIT("[[1,2],[3],[4]]"), 3},
        {STR_INIT("[]"), 0},
        {STR_INIT("{\"text\":\"a\"}"), 0},
        {STR_INIT("[\"a\",{\"image\":\"b\"}]"), 0},
        {STR_INIT("[\"a\"],\"input\":[\"b\",\"c\"]"), 2},
        {STR_INIT("[\"a\",\"b\"],\"input\":\"c\""), 1},
    };

    (void)state;
    for (size_t i = 0; i < 2 * COUNTOF(rows); i++) {
        struct arena a = {.max = 1 << 16};
        enum openai_surface surface = i % 2 == 0 ? OPENAI_EMBEDDINGS : OPENAI_RESPONSES;
        struct openai_request req;
        struct str why, param;
        struct str body =
            arena_printf(&a, "{\"model\":\"m\",\"input\":%.*s}", STR_ARG(rows[i / 2].input));

        assert_int_equal(openai_request_scan(&a, surface, body, DEPTH, &req, &why, &param),
                         FAULT_NONE);
        if (req.inputs != (surface == OPENAI_EMBEDDINGS ? rows[i / 2].inputs : 0))
            fail_msg("%.*s: %u", STR_ARG(body), req.inputs);
        arena_done(&a);
    }
}

static void without_memory_the_limit_is_to_blame(void **state)
{
    static const struct str bodies[] = {
        STR_INIT("{\"model\":\"a\\n\"," MESSAGES "}"),
        STR_INIT("{\"model\":\"a\",\"model\":\"a\"," MESSAGES "}"),
        STR_INIT("{\"model\":\"a\",\"messages\":1}"),
        STR_INIT("{\"model\":\"a\"}"),
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(bodies); i++) {
        struct arena a = {.max = 1};
        struct openai_request req;
        struct str why, param;

        assert_int_equal(openai_request_scan(&a, OPENAI_CHAT, bodies[i], DEPTH, &req, &why, &param),
                         FAULT_OVERLOADED);
        assert_true(str_eq(why, STR("limits.exchange_bytes is reached.")));
        assert_int_equal(param.len, 0);
        arena_done(&a);
    }
}

/* ---- splicing ---- */

static struct str join(const struct str *pieces, unsigned n, char *out)
{
    size_t len = 0;

    for (unsigned i = 0; i < n; i++) {
        if (pieces[i].len > 0)
            memcpy(out + len, pieces[i].ptr, pieces[i].len);
        len += pieces[i].len;
    }
    return (struct str){out, len};
}

static struct str splice(struct arena *a, struct str body, const char *model, bool ask, char *out)
{
    struct str pieces[OPENAI_PIECES_MAX], why, param;
    struct openai_request req;
    unsigned n;

    assert_int_equal(openai_request_scan(a, OPENAI_CHAT, body, DEPTH, &req, &why, &param),
                     FAULT_NONE);
    n = openai_request_splice(a, &req, str_from(model), ask, pieces);
    assert_in_range(n, 1, OPENAI_PIECES_MAX);
    return join(pieces, n, out);
}

static void R44_only_the_spliced_bytes_differ(void **state)
{
    static const struct {
        const char *model;
        struct str before, after;
    } rows[] = {
        {"m", STR_INIT("{\"model\":\"m\"," MESSAGES "}"),
         STR_INIT("{\"model\":\"m\"," MESSAGES "}")},
        {"n\"x", STR_INIT("{ \"model\" : \"m\" , " MESSAGES " }"),
         STR_INIT("{ \"model\" : \"n\\\"x\" , " MESSAGES " }")},
        {"m", STR_INIT("\n{\"stream\":true,\"model\":\"m\"," MESSAGES "}"),
         STR_INIT("\n{\"stream_options\":{\"include_usage\":true},\"stream\":true,\"model\":"
                  "\"m\"," MESSAGES "}")},
        {"n", STR_INIT("{\"model\":\"m\",\"stream\":true,\"stream_options\" : null ," MESSAGES "}"),
         STR_INIT("{\"model\":\"n\",\"stream\":true,\"stream_options\" : {\"include_usage\":true} "
                  "," MESSAGES "}")},
        {"n", STR_INIT("{\"stream_options\":{ },\"model\":\"m\",\"stream\":true," MESSAGES "}"),
         STR_INIT("{\"stream_options\":{\"include_usage\":true "
                  "},\"model\":\"n\",\"stream\":true," MESSAGES "}")},
        {"m",
         STR_INIT("{\"stream_options\":{\"a\":1.0},\"model\":\"m\",\"stream\":true," MESSAGES "}"),
         STR_INIT("{\"stream_options\":{\"include_usage\":true,\"a\":1.0},\"model\":\"m\","
                  "\"stream\":true," MESSAGES "}")},
        {"m",
         STR_INIT("{\"stream_options\":{\"a\":1,\"include_usage\": false},\"model\":\"m\","
                  "\"stream\":true," MESSAGES "}"),
         STR_INIT("{\"stream_options\":{\"a\":1,\"include_usage\": true},\"model\":\"m\","
                  "\"stream\":true," MESSAGES "}")},
        {"m",
         STR_INIT("{\"stream_options\":{\"include_usage\":null},\"model\":\"m\",\"stream\":"
                  "true," MESSAGES "}"),
         STR_INIT("{\"stream_options\":{\"include_usage\":true},\"model\":\"m\",\"stream\":"
                  "true," MESSAGES "}")},
        {"m",
         STR_INIT("{\"stream_options\":{\"include_usage\":true},\"model\":\"m\",\"stream\":"
                  "true," MESSAGES "}"),
         STR_INIT("{\"stream_options\":{\"include_usage\":true},\"model\":\"m\",\"stream\":"
                  "true," MESSAGES "}")},
        /* not a stream: nothing to ask for */
        {"m", STR_INIT("{\"model\":\"m\",\"stream\":false," MESSAGES "}"),
         STR_INIT("{\"model\":\"m\",\"stream\":false," MESSAGES "}")},
        {"m", STR_INIT("{\"model\":\"m\",\"stream_options\":null," MESSAGES "}"),
         STR_INIT("{\"model\":\"m\",\"stream_options\":null," MESSAGES "}")},
        /* numbers and escapes stay text */
        {"n",
         STR_INIT("{\"seed\":12345678901234567890,\"model\":\"m\",\"t\":1.10e+05,"
                  "\"messages\":[\"\\u00e9\\ud83d\"]}"),
         STR_INIT("{\"seed\":12345678901234567890,\"model\":\"n\",\"t\":1.10e+05,"
                  "\"messages\":[\"\\u00e9\\ud83d\"]}")},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct arena a = {.max = 0};
        char out[1024];
        struct str got = splice(&a, rows[i].before, rows[i].model, true, out);

        if (!str_eq(got, rows[i].after))
            fail_msg("%zu: %.*s", i, STR_ARG(got));
        arena_done(&a);
    }
}

static void R7_a_client_that_wants_no_usage_is_left_alone_when_we_do_not(void **state)
{
    struct arena a = {.max = 0};
    struct str body = STR("{\"model\":\"m\",\"stream\":true," MESSAGES "}");
    char out[256];

    (void)state;
    assert_true(str_eq(splice(&a, body, "m", false, out), body));
    arena_done(&a);
}

/* ---- every order and shape, against a tree ---- */

static const char *const options[] = {
    NULL,
    "null",
    "{}",
    "{\"include_usage\":false}",
    "{\"include_usage\":true}",
    "{\"include_obfuscation\":false}",
    "{\"include_obfuscation\":false,\"include_usage\":null}",
};

/* The members in the order `order` says, spaced by `space`. */
static struct str make_body(unsigned order, const char *option, const char *space, char *out,
                            size_t max)
{
    const char *members[4] = {"\"model\":\"m\"", "\"stream\":true", MESSAGES, option};
    bool used[4] = {false, false, false, option == NULL};
    unsigned left = option == NULL ? 3 : 4;
    int n = snprintf(out, max, "%s{%s", space, space);

    for (bool first = true; left > 0; left--, first = false) {
        unsigned skip = order % left, i = 0;

        order /= left;
        while (used[i] || skip-- > 0)
            i++;
        used[i] = true;
        n += snprintf(out + n, max - (size_t)n, "%s%s%s%s", first ? "" : ",", space,
                      i == 3 ? "\"stream_options\":" : "", members[i]);
    }
    n += snprintf(out + n, max - (size_t)n, "%s}%s", space, space);
    return (struct str){out, (size_t)n};
}

/* What the splice should have done, on a tree. */
static yyjson_mut_doc *edit_tree(struct str body)
{
    yyjson_doc *doc = yyjson_read(body.ptr, body.len, 0);
    yyjson_mut_doc *mut = yyjson_doc_mut_copy(doc, NULL);
    yyjson_mut_val *root = yyjson_mut_doc_get_root(mut), *o;

    yyjson_doc_free(doc);
    yyjson_mut_obj_replace(root, yyjson_mut_str(mut, "model"), yyjson_mut_str(mut, "other/n"));
    o = yyjson_mut_obj_get(root, "stream_options");
    if (!yyjson_mut_is_obj(o)) {
        yyjson_mut_obj_remove_key(root, "stream_options");
        o = yyjson_mut_obj_add_obj(mut, root, "stream_options");
    }
    yyjson_mut_obj_remove_key(o, "include_usage");
    yyjson_mut_obj_add_bool(mut, o, "include_usage", true);
    return mut;
}

static void check_against_tree(struct str body)
{
    struct arena a = {.max = 0};
    char out[1024];
    struct str got = splice(&a, body, "other/n", true, out);
    yyjson_doc *doc = yyjson_read(got.ptr, got.len, 0);
    yyjson_mut_doc *want = edit_tree(body), *have;

    if (doc == NULL)
        fail_msg("not JSON: %.*s", STR_ARG(got));
    have = yyjson_doc_mut_copy(doc, NULL);
    if (!yyjson_mut_equals(yyjson_mut_doc_get_root(have), yyjson_mut_doc_get_root(want)))
        fail_msg("not what was asked: %.*s", STR_ARG(got));
    yyjson_mut_doc_free(have);
    yyjson_mut_doc_free(want);
    yyjson_doc_free(doc);
    arena_done(&a);
}

static void R7_usage_is_asked_for_in_every_order_and_shape(void **state)
{
    static const char *const spaces[] = {"", " ", "\r\n\t "};
    char body[1024];

    (void)state;
    for (unsigned order = 0; order < 24; order++)
        for (size_t o = 0; o < COUNTOF(options); o++)
            for (size_t s = 0; s < COUNTOF(spaces); s++)
                check_against_tree(make_body(order, options[o], spaces[s], body, sizeof(body)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R49_bodies_are_taken_or_refused_with_the_field_named),
        cmocka_unit_test(the_fields_that_matter_are_found),
        cmocka_unit_test(a_body_of_a_path_that_is_only_relayed_needs_no_more_than_a_model),
        cmocka_unit_test(inputs_to_embed_are_counted),
        cmocka_unit_test(without_memory_the_limit_is_to_blame),
        cmocka_unit_test(R44_only_the_spliced_bytes_differ),
        cmocka_unit_test(R7_a_client_that_wants_no_usage_is_left_alone_when_we_do_not),
        cmocka_unit_test(R7_usage_is_asked_for_in_every_order_and_shape),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    arena_thread_done();
    return failed;
}
