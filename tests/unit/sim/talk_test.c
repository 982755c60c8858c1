/* The answers of the OpenAI dialect: whole and in events, for every script.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "sim/embed.h"

#include "unit/sim/dialect_fixture.h"

/* The JSON of the next event of an LF stream, or .ptr NULL. */
static struct str next_event(struct str *rest)
{
    struct str line, blank;

    if (!str_cut(*rest, '\n', &line, rest))
        return str_make(NULL, 0);
    assert_true(str_starts(line, STR("data: ")));
    assert_true(str_cut(*rest, '\n', &blank, rest));
    assert_int_equal(blank.len, 0);
    return str_skip(line, 6);
}

#define HELLO "\"messages\":[{\"role\":\"user\",\"content\":\"Sag \\\"höllo\\\",  Welt \"}]"
static const char streamed[] = ",\"stream\":true,\"stream_options\":{\"include_usage\":true}";

static void answer_to(struct answer *a, const char *model, const char *more)
{
    char body[512];

    snprintf(body, sizeof(body), "{\"model\":\"%s\"," HELLO "%s}", model, more);
    answer_start(a, "/v1/chat/completions", str_from(body));
}

static void stream_of(struct answer *a, const char *model)
{
    answer_to(a, model, streamed);
    answer_stream(a);
}

static void join_content(struct answer *a, struct out *said)
{
    struct str rest = out_str(&a->text), event;

    while ((event = next_event(&rest)).ptr != NULL && !str_eq(event, STR("[DONE]"))) {
        yyjson_doc *doc = must_parse(event);
        yyjson_val *choices = yyjson_obj_get(yyjson_doc_get_root(doc), "choices");
        yyjson_val *delta = yyjson_obj_get(yyjson_arr_get_first(choices), "delta");

        out_put(said, sim_json_text(delta, "content"));
        yyjson_doc_free(doc);
    }
}

static void an_echo_says_what_was_asked_word_by_word(void **state)
{
    struct answer a;
    struct out said = {0};

    (void)state;
    stream_of(&a, "sim");
    assert_int_equal(a.talk.completion_tokens, 4); /* the space at the end is one, too */
    join_content(&a, &said);
    assert_true(str_eq(out_str(&said), STR("Sag \"höllo\",  Welt ")));
    buf_done(&said.buf);
    answer_end(&a);
}

static void every_event_of_every_script_is_JSON(void **state)
{
    (void)state;
    for (unsigned f = 1; f < SIM_FAULT_COUNT; f++) {
        const struct sim_fault_info *info = sim_fault_info((enum sim_fault)f);
        struct answer a;
        struct str rest, event;
        char model[64];

        if (info->group == SIM_GROUP_LINES || info->group == SIM_GROUP_SPACE ||
            info->group == SIM_GROUP_COMMENTS || info->group == SIM_GROUP_TYPE)
            continue;
        snprintf(model, sizeof(model), "sim?%.*s,tokens=9,size=3", STR_ARG(info->name));
        stream_of(&a, model);
        rest = out_str(&a.text);
        while ((event = next_event(&rest)).ptr != NULL && !str_eq(event, STR("[DONE]")))
            yyjson_doc_free(must_parse(event));
        assert_int_equal(rest.len, 0);
        answer_end(&a);
    }
}

static void every_whole_answer_is_JSON(void **state)
{
    (void)state;
    for (unsigned f = 1; f < SIM_FAULT_COUNT; f++) {
        struct answer a;
        yyjson_doc *doc;
        char model[64];

        snprintf(model, sizeof(model), "sim?%.*s,tokens=9",
                 STR_ARG(sim_fault_info((enum sim_fault)f)->name));
        answer_to(&a, model, "");
        answer_whole(&a);
        doc = must_parse(out_str(&a.text));
        assert_true(str_eq(sim_json_text(yyjson_doc_get_root(doc), "model"), str_from(model)));
        yyjson_doc_free(doc);
        answer_end(&a);
    }
}

static void the_same_seed_gives_the_same_bytes(void **state)
{
    struct answer a, b;

    (void)state;
    stream_of(&a, "sim?tokens=200,reasoning=5");
    stream_of(&b, "sim?tokens=200,reasoning=5");
    assert_true(str_eq(out_str(&a.text), out_str(&b.text)));
    answer_end(&a);
    answer_end(&b);
}

static void R4_line_styles_change_the_frame_and_not_the_content(void **state)
{
    struct answer plain, odd;
    size_t from = 0;

    (void)state;
    stream_of(&plain, "sim?tokens=9");
    stream_of(&odd, "sim?tokens=9,crlf,no-space,comments");
    assert_null(str_find(out_str(&odd.text), STR("\ndata: ")));
    for (size_t i = 0; i < odd.text.buf.len; i++)
        assert_true(odd.text.buf.ptr[i] != '\n' || (i > 0 && odd.text.buf.ptr[i - 1] == '\r'));
    /* Events are found at the same places, whatever stands between them. */
    for (const char *at;
         (at = str_find(str_skip(out_str(&plain.text), from), STR("\"content\":\" "))) != NULL;) {
        struct str rest = str_make(at, plain.text.buf.len - (size_t)(at - plain.text.buf.ptr));
        struct str content, tail;

        str_cut(rest, '}', &content, &tail);
        assert_non_null(str_find(out_str(&odd.text), content));
        from = (size_t)(at - plain.text.buf.ptr) + 1;
    }
    assert_true(from > 0);
    answer_end(&plain);
    answer_end(&odd);
}

/* Collect what a client would: arguments by index, or by the last id seen. */
static void collect_tools(struct answer *a, bool by_index, struct out *arguments, unsigned calls)
{
    struct str rest = out_str(&a->text), event;
    unsigned last = 0;

    while ((event = next_event(&rest)).ptr != NULL && !str_eq(event, STR("[DONE]"))) {
        yyjson_doc *doc = must_parse(event);
        yyjson_val *choices = yyjson_obj_get(yyjson_doc_get_root(doc), "choices");
        yyjson_val *delta = yyjson_obj_get(yyjson_arr_get_first(choices), "delta");
        yyjson_val *call = yyjson_arr_get_first(yyjson_obj_get(delta, "tool_calls"));

        if (call != NULL) {
            if (by_index)
                last = (unsigned)yyjson_get_uint(yyjson_obj_get(call, "index")) + 1;
            else if (sim_json_text(call, "id").len > 0)
                last++;
            assert_in_range(last, 1, calls);
            out_put(&arguments[last - 1],
                    sim_json_text(yyjson_obj_get(call, "function"), "arguments"));
        }
        yyjson_doc_free(doc);
    }
}

static void R8_tool_calls_can_be_put_together_again_in_every_style(void **state)
{
    static const struct {
        const char *model;
        bool by_index;
    } rows[] = {
        {"sim?tools-parallel,calls=3", true},     {"sim?tools-interleaved,calls=3", true},
        {"sim?tools-all-index-0,calls=3", false}, {"sim?tools-no-index,calls=3", false},
        {"sim?tools-whole,calls=3", true},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct out arguments[3] = {{.full = false}};
        struct answer a;

        stream_of(&a, rows[i].model);
        assert_non_null(str_find(out_str(&a.text), STR("\"finish_reason\":\"tool_calls\"")));
        collect_tools(&a, rows[i].by_index, arguments, 3);
        calls_done(arguments, 3);
        answer_end(&a);
    }
}

static void usage_comes_in_the_style_that_was_ordered(void **state)
{
    static const struct {
        const char *model;
        bool asked;
        unsigned objects, nulls, zeros;
    } rows[] = {
        {"sim?tokens=4", true, 1, 6, 0},
        {"sim?tokens=4", false, 0, 0, 0},
        {"sim?tokens=4,usage-present", false, 1, 0, 0},
        {"sim?tokens=4,usage-absent", true, 0, 0, 0},
        {"sim?tokens=4,usage-zero", true, 1, 6, 1},
        {"sim?tokens=4,usage-every-chunk", true, 7, 0, 0},
        {"sim?tokens=4,usage-in-last-choice", true, 1, 5, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct answer a;

        answer_to(&a, rows[i].model, rows[i].asked ? streamed : ",\"stream\":true");
        answer_stream(&a);
        if (count(&a, "\"usage\":{") != rows[i].objects ||
            count(&a, "\"usage\":null") != rows[i].nulls ||
            count(&a, "\"total_tokens\":0") != rows[i].zeros)
            fail_msg("%s: %u objects, %u nulls", rows[i].model, count(&a, "\"usage\":{"),
                     count(&a, "\"usage\":null"));
        answer_end(&a);
    }
}

static void a_limit_on_tokens_ends_with_length(void **state)
{
    struct answer a;

    (void)state;
    answer_to(&a, "sim?tokens=50", ",\"stream\":true,\"max_tokens\":7");
    answer_stream(&a);
    assert_int_equal(a.talk.completion_tokens, 7);
    assert_int_equal(count(&a, "\"finish_reason\":\"length\""), 1);
    answer_end(&a);
}

static void requests_are_refused_as_OpenAI_refuses_them(void **state)
{
    static const struct {
        struct str body;
        const char *param, *code;
    } rows[] = {
        {STR_INIT("{}"), "messages", "missing_required_parameter"},
        {STR_INIT("{\"messages\":\"hi\"}"), "messages", "invalid_type"},
        {STR_INIT("{\"messages\":[]}"), "messages", "invalid_value"},
        {STR_INIT("{\"messages\":[{}]}"), "messages[].role", "missing_required_parameter"},
        {STR_INIT("{" HELLO ",\"stream\":\"yes\"}"), "stream", "invalid_type"},
        {STR_INIT("{" HELLO ",\"temperature\":3}"), "temperature", "invalid_value"},
        {STR_INIT("{" HELLO ",\"max_tokens\":0}"), "max_tokens", "invalid_value"},
        {STR_INIT("{" HELLO ",\"n\":\"2\"}"), "n", "invalid_type"},
        {STR_INIT("{" HELLO ",\"tools\":{}}"), "tools", "invalid_type"},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct arena arena = {0};
        struct sim_ask ask = {.body = rows[i].body, .model = STR("sim")};
        struct sim_problem p = {0};
        yyjson_doc *doc = must_parse(rows[i].body);

        assert_false(sim_openai.read(&ask, &arena, yyjson_doc_get_root(doc), &p));
        assert_int_equal(p.status, 400);
        assert_true(str_eq(p.param, str_from(rows[i].param)));
        assert_true(str_eq(p.code, str_from(rows[i].code)));
        yyjson_doc_free(doc);
        arena_done(&arena);
    }
}

static float dot(const float *a, const float *b, unsigned n)
{
    float sum = 0;

    for (unsigned i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

static void embeddings_of_like_texts_are_close(void **state)
{
    float a[256], b[256], c[256];

    (void)state;
    sim_embed_text(STR("how do I reset my password"), a, 256);
    sim_embed_text(STR("How do I reset a password?"), b, 256);
    sim_embed_text(STR("Übersetzen bitte, schnell"), c, 256);
    assert_true(dot(a, a, 256) > 0.999f && dot(a, a, 256) < 1.001f);
    assert_true(dot(a, b, 256) > 0.7f);
    assert_true(dot(a, c, 256) < 0.3f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_echo_says_what_was_asked_word_by_word),
        cmocka_unit_test(every_event_of_every_script_is_JSON),
        cmocka_unit_test(every_whole_answer_is_JSON),
        cmocka_unit_test(the_same_seed_gives_the_same_bytes),
        cmocka_unit_test(R4_line_styles_change_the_frame_and_not_the_content),
        cmocka_unit_test(R8_tool_calls_can_be_put_together_again_in_every_style),
        cmocka_unit_test(usage_comes_in_the_style_that_was_ordered),
        cmocka_unit_test(a_limit_on_tokens_ends_with_length),
        cmocka_unit_test(requests_are_refused_as_OpenAI_refuses_them),
        cmocka_unit_test(embeddings_of_like_texts_are_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
