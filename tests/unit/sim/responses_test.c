/* OpenAI's Responses API in the simulator: what its events add up to, and what it refuses.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "unit/sim/dialect_fixture.h"

#define PATH "/v1/responses"
#define ASKS(more) "{\"model\":\"sim\"," more "}"
#define TURN "{\"role\":\"user\",\"content\":\"hi\"}"

/* The data of each event in turn. */
static bool next_event(struct str *rest, struct str *ret_data)
{
    struct str line;

    while (rest->len > 0) {
        str_cut(*rest, '\n', &line, rest);
        if (!str_starts(line, STR("data: ")))
            continue;
        *ret_data = str_skip(line, 6);
        return true;
    }
    return false;
}

/* Numbered from 0, and the response at the end has the items that were done. */
static void check_stream(const char *model)
{
    struct answer a;
    struct str rest, data;
    unsigned seq = 0, done = 0, output = 0;
    char body[256];

    snprintf(body, sizeof(body), "{\"model\":\"%s\",\"stream\":true,\"input\":\"a b c\"}", model);
    answer_start(&a, PATH, str_from(body));
    answer_stream(&a);
    rest = out_str(&a.text);
    while (next_event(&rest, &data)) {
        yyjson_doc *doc = must_parse(data);
        yyjson_val *root = yyjson_doc_get_root(doc);

        assert_int_equal(yyjson_get_uint(yyjson_obj_get(root, "sequence_number")), seq++);
        done += str_eq(sim_json_text(root, "type"), STR("response.output_item.done"));
        output =
            (unsigned)yyjson_arr_size(yyjson_obj_get(yyjson_obj_get(root, "response"), "output"));
        yyjson_doc_free(doc);
    }
    assert_in_range(done, 1, 4);
    assert_int_equal(done, output);
    answer_end(&a);
}

static void streams_add_up(void **state)
{
    (void)state;
    check_stream("sim");
    check_stream("sim?reasoning=2");
    check_stream("sim?tools-parallel");
    check_stream("sim?tools-interleaved,calls=3,reasoning=2");
    check_stream("sim?tools-whole");
}

static bool has(const struct answer *a, const char *what)
{
    return str_find(out_str(&a->text), str_from(what)) != NULL;
}

static void reasoning_is_encrypted_for_who_asks(void **state)
{
    struct answer a;

    (void)state;
    answer_start(&a, PATH,
                 STR("{\"model\":\"sim?reasoning=2\",\"input\":\"a\",\"include\":["
                     "\"reasoning.encrypted_content\"]}"));
    answer_whole(&a);
    assert_true(has(&a, "\"encrypted_content\":\"gAAAAsim"));
    answer_end(&a);
    answer_start(&a, PATH, STR("{\"model\":\"sim?reasoning=2\",\"input\":\"a\"}"));
    answer_whole(&a);
    assert_false(has(&a, "encrypted_content"));
    answer_end(&a);
}

static void a_limit_makes_it_incomplete(void **state)
{
    struct answer a;

    (void)state;
    answer_start(&a, PATH, STR(ASKS("\"input\":\"a b c d\",\"max_output_tokens\":2")));
    answer_whole(&a);
    assert_true(has(&a, "\"status\":\"incomplete\",\"incomplete_details\":{\"reason\":"
                        "\"max_output_tokens\"}"));
    assert_true(has(&a, "\"text\":\"a b\""));
    answer_end(&a);
}

/* clang-format off */
static const struct {
    const char *body, *why; /* NULL: it is taken */
} rows[] = {
    {ASKS("\"input\":\"hi\""), NULL},
    {ASKS("\"input\":[" TURN "]"), NULL},
    {ASKS("\"input\":[" TURN ",{\"type\":\"function_call\",\"call_id\":\"c\",\"name\":\"f\",\"arguments\":\"{}\"},{\"type\":\"function_call_output\",\"call_id\":\"c\",\"output\":\"r\"}]"), NULL},
    {"{\"input\":\"hi\"}", "Missing required parameter: 'model'."},
    {ASKS("\"messages\":[]"), "Unknown parameter: 'messages'."},
    {ASKS("\"input\":\"hi\",\"seed\":1"), "Unknown parameter: 'seed'."},
    {ASKS("\"stream\":true"), "Missing required parameter: 'input'."},
    {ASKS("\"input\":[]"), "Invalid type for 'input'"},
    {ASKS("\"input\":[{\"role\":\"tool\",\"content\":\"x\"}]"), "Invalid value: 'tool'."},
    {ASKS("\"input\":[{\"role\":\"user\",\"content\":[]}]"), "Invalid value: '[]'."},
    {ASKS("\"input\":[{\"role\":\"user\",\"content\":\"x\",\"name\":\"n\"}]"), "Unknown parameter: 'input[0].name'."},
    {ASKS("\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}]"), "Invalid value: 'text'."},
    {ASKS("\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"output_text\",\"text\":\"x\"}]}]"), "Invalid value: 'output_text'."},
    {ASKS("\"input\":[{\"role\":\"assistant\",\"content\":[{\"type\":\"input_text\",\"text\":\"x\"}]}]"), "Invalid value: 'input_text'."},
    {ASKS("\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_file\",\"file_data\":\"data:\"}]}]"), "Missing required parameter: 'input[0].content[].filename'."},
    {ASKS("\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_image\",\"image_url\":{\"url\":\"x\"}}]}]"), "expected an image URL"},
    {ASKS("\"input\":[{\"type\":\"function_call\",\"call_id\":\"c\",\"name\":\"f\"}]"), "Missing required parameter: 'input[0].arguments'."},
    {ASKS("\"input\":[{\"type\":\"function_call_output\",\"call_id\":\"c\",\"output\":\"r\"}]"), "No tool call found for function call output with call_id c."},
    {ASKS("\"input\":[{\"type\":\"reasoning\",\"id\":\"rs_1\",\"summary\":[],\"encrypted_content\":\"EqQB\"}]"), "could not be verified"},
    {ASKS("\"input\":[{\"type\":\"reasoning\",\"id\":\"rs_1\"}]"), "Missing required parameter: 'input[0].summary'."},
    {ASKS("\"input\":\"x\",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}]"), "Missing required parameter: 'tools[0].name'."},
    {ASKS("\"input\":\"x\",\"tools\":[{\"type\":\"function\",\"name\":\"f\",\"function\":{}}]"), "Unknown parameter: 'tools[0].function'."},
    {ASKS("\"input\":\"x\",\"text\":{\"format\":{\"type\":\"json_schema\",\"schema\":{}}}"), "Missing required parameter: 'text.format.name'."},
    {ASKS("\"input\":\"x\",\"max_output_tokens\":0"), "Invalid type for 'max_output_tokens'"},
    {ASKS("\"input\":\"x\",\"temperature\":3"), "Invalid type for 'temperature'"},
    {ASKS("\"input\":\"x\",\"stream\":1"), "Invalid type for 'stream'"},
};
/* clang-format on */

static void what_openai_would_refuse_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct answer a;
        bool ok;

        answer_begin(&a, PATH);
        ok = answer_read(&a, str_from(rows[i].body));
        if (ok != (rows[i].why == NULL) ||
            (!ok && str_find(a.problem.message, str_from(rows[i].why)) == NULL))
            fail_msg("%s: %.*s", rows[i].body, STR_ARG(a.problem.message));
        assert_true(ok || a.problem.status == 400);
        answer_end(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_add_up),
        cmocka_unit_test(reasoning_is_encrypted_for_who_asks),
        cmocka_unit_test(a_limit_makes_it_incomplete),
        cmocka_unit_test(what_openai_would_refuse_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
