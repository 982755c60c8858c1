/* Ollama's own dialect in the simulator: what it answers, byte for byte, and what it refuses.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "unit/sim/dialect_fixture.h"

#define CHAT_PATH "/api/chat"
#define ASKS "\"messages\":[{\"role\":\"user\",\"content\":\"Sag höllo\"}]"

static void ask_for(struct answer *a, const char *model, const char *more)
{
    char body[512];

    snprintf(body, sizeof(body), "{\"model\":\"%s\"," ASKS "%s}", model, more);
    answer_start(a, CHAT_PATH, str_from(body));
}

static void stream_of(struct answer *a, const char *model)
{
    ask_for(a, model, "");
    assert_true(a->talk.streams); /* it does unless it is told not to */
    answer_stream(a);
}

#define LINE(model, message, done)                                                                 \
    "{\"model\":\"" model "\",\"created_at\":\"2026-01-01T00:00:05.000001Z\",\"message\":{"        \
    "\"role\":\"assistant\"," message "},\"done\":" done "}"
#define COUNTS                                                                                     \
    "\"total_duration\":24000000,\"load_duration\":20000000,\"prompt_eval_count\":2,"              \
    "\"prompt_eval_duration\":2000000,\"eval_count\":2,\"eval_duration\":2000000"

static void each_line_is_a_value(void **state)
{
    struct answer a;

    (void)state;
    stream_of(&a, "sim");
    says(&a, LINE("sim", "\"content\":\"Sag\"", "false") "\n" LINE(
                 "sim", "\"content\":\" höllo\"",
                 "false") "\n" LINE("sim", "\"content\":\"\"",
                                    "true,\"done_reason\":\"stop\"," COUNTS) "\n");
    answer_end(&a);
}

static void thinking_and_calls_are_members_of_the_message(void **state)
{
    struct answer a;

    (void)state;
    stream_of(&a, "sim?reasoning=1,tools-parallel");
    assert_int_equal(count(&a, "\"content\":\"\",\"thinking\":\"river\"}"), 1);
    assert_int_equal(count(&a, "\"function\":{\"index\":0,\"name\":\"get_weather\",\"arguments\":{"
                               "\"city\":\"Kraków\",\"call\":0}}}]}"),
                     1);
    assert_int_equal(count(&a, "\"function\":{\"index\":1,"), 1);
    assert_int_equal(count(&a, "\"done_reason\":\"stop\""), 1);
    answer_end(&a);
    stream_of(&a, "sim?tools-no-index");
    assert_int_equal(count(&a, "\"index\""), 0);
    answer_end(&a);
    stream_of(&a, "sim?tools-all-index-0");
    assert_int_equal(count(&a, "\"index\":0"), 2);
    answer_end(&a);
}

static void a_whole_answer_is_one_value(void **state)
{
    struct answer a;

    (void)state;
    ask_for(&a, "sim", ",\"stream\":false");
    assert_false(a.talk.streams);
    answer_whole(&a);
    says(&a, LINE("sim", "\"content\":\"Sag höllo\"", "true,\"done_reason\":\"stop\"," COUNTS));
    answer_end(&a);
    ask_for(&a, "sim?reasoning=1,tools-whole,calls=1,usage-absent", ",\"stream\":false");
    answer_whole(&a);
    says(&a, LINE("sim?reasoning=1,tools-whole,calls=1,usage-absent",
                  "\"content\":\"\",\"thinking\":\"river\",\"tool_calls\":[{\"id\":\"call_#\","
                  "\"function\":{\"index\":0,\"name\":\"get_weather\",\"arguments\":{\"city\":"
                  "\"Kraków\",\"call\":0}}}]",
                  "true,\"done_reason\":\"stop\""));
    answer_end(&a);
}

static void ends_and_counts_come_as_ordered(void **state)
{
    static const struct {
        const char *model;
        unsigned done, reasons, evals, zeros, durations;
    } rows[] = {
        {"sim?tokens=4", 1, 1, 1, 0, 1},
        {"sim?tokens=4,no-done", 0, 0, 0, 0, 0},
        {"sim?tokens=4,done-without-finish", 1, 0, 1, 0, 1},
        {"sim?tokens=4,usage-absent", 1, 1, 0, 0, 0},
        {"sim?tokens=4,usage-zero", 1, 1, 1, 1, 1},
        {"sim?tokens=4,usage-every-chunk", 1, 1, 5, 0, 5},
        {"sim?tokens=4,usage-plain", 1, 1, 1, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct answer a;

        stream_of(&a, rows[i].model);
        assert_int_equal(count(&a, "\"done\":true"), rows[i].done);
        assert_int_equal(count(&a, "done_reason"), rows[i].reasons);
        assert_int_equal(count(&a, "\"eval_count\":"), rows[i].evals);
        assert_int_equal(count(&a, "\"eval_count\":0"), rows[i].zeros);
        assert_int_equal(count(&a, "total_duration"), rows[i].durations);
        answer_end(&a);
    }
}

static void num_predict_ends_with_length(void **state)
{
    struct answer a;

    (void)state;
    ask_for(&a, "sim?tokens=50", ",\"options\":{\"num_predict\":7}");
    answer_stream(&a);
    assert_int_equal(a.talk.completion_tokens, 7);
    assert_int_equal(count(&a, "\"done_reason\":\"length\""), 1);
    answer_end(&a);
}

#define BODY(more) STR_INIT("{\"model\":\"sim\"," more "}")
#define TURN(message) BODY("\"messages\":[" message "]")
#define FIELD(place) "Go struct field ChatRequest." place " of type "

static void requests_are_refused_as_Ollama_refuses_them(void **state)
{
    static const struct refusal rows[] = {
        {STR_INIT("{" ASKS "}"), "model is required"},
        {TURN("{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}"),
         "json: cannot unmarshal array into " FIELD("messages.content") "string"},
        {TURN("{\"role\":\"assistant\",\"tool_calls\":[{\"function\":{\"name\":\"f\","
              "\"arguments\":\"{}\"}}]}"),
         FIELD("messages.tool_calls.function.arguments") "map[string]interface {}"},
        {TURN("{\"role\":\"developer\",\"content\":\"a\"}"), "invalid role: \"developer\""},
        {TURN("{\"role\":\"tool\",\"content\":\"a\"}"), "answers no tool call"},
        {TURN("{\"role\":\"user\",\"content\":\"a\",\"images\":[{\"url\":\"u\"}]}"),
         FIELD("messages.images") "api.ImageData"},
        {BODY(ASKS ",\"stream\":\"no\""),
         "json: cannot unmarshal string into " FIELD("stream") "bool"},
        {BODY(ASKS ",\"options\":{\"temperature\":\"hot\"}"),
         "option \"temperature\" must be of type float32"},
        {BODY(ASKS ",\"options\":{\"num_predict\":1.5}"),
         "option \"num_predict\" must be of type integer"},
        {BODY(ASKS ",\"options\":{\"stop\":\"x\"}"), "option \"stop\" must be of type array"},
        {BODY(ASKS ",\"think\":\"hard\""), "invalid think value: \"hard\""},
    };

    (void)state;
    refuses(CHAT_PATH, rows, COUNTOF(rows));
}

static void what_is_right_or_unknown_is_taken(void **state)
{
    static const struct str bodies[] = {
        BODY(ASKS ",\"think\":true,\"keep_alive\":\"5m\",\"format\":{\"type\":\"object\"},"
                  "\"options\":{\"stop\":[\"x\"],\"num_predict\":-1,\"new\":1},\"unknown\":[]"),
        TURN("{\"role\":\"user\",\"content\":\"a\",\"images\":[\"aGk=\"]},{\"role\":\"assistant\","
             "\"content\":\"\",\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":{}}}]},"
             "{\"role\":\"tool\",\"tool_name\":\"f\",\"content\":\"r\"}"),
    };

    (void)state;
    takes(CHAT_PATH, bodies, COUNTOF(bodies));
}

static void an_error_is_one_sentence(void **state)
{
    struct sim_problem p = sim_ollama.fault(SIM_S404, 404);
    struct out body = {.full = false};

    (void)state;
    sim_ollama.problem(NULL, &p, &body);
    assert_int_equal(p.status, 404);
    assert_true(str_eq(out_str(&body), STR("{\"error\":\"model 'sim' not found\"}")));
    buf_done(&body.buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_line_is_a_value),
        cmocka_unit_test(thinking_and_calls_are_members_of_the_message),
        cmocka_unit_test(a_whole_answer_is_one_value),
        cmocka_unit_test(ends_and_counts_come_as_ordered),
        cmocka_unit_test(num_predict_ends_with_length),
        cmocka_unit_test(requests_are_refused_as_Ollama_refuses_them),
        cmocka_unit_test(what_is_right_or_unknown_is_taken),
        cmocka_unit_test(an_error_is_one_sentence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
