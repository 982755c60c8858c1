/* The Gemini dialect of the simulator: what it answers, byte for byte, and what it refuses.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "sim/dialect_gemini.h"
#include "unit/sim/dialect_fixture.h"

#define MODELS "/v1beta/models/"
#define GENERATE_PATH MODELS "sim:generateContent"
#define ASKS "\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"Sag höllo\"}]}]"
#define HELLO STR_INIT("{" ASKS "}")
static const struct str hello = HELLO;

static void ask_for(struct answer *a, const char *model, const char *action)
{
    char target[256];

    snprintf(target, sizeof(target), MODELS "%s:%s", model, action);
    answer_start(a, target, hello);
}

static void stream_of(struct answer *a, const char *model)
{
    ask_for(a, model, "streamGenerateContent?alt=sse");
    answer_stream(a);
}

#define CHUNK(part, finish, usage, model)                                                          \
    "{\"candidates\":[{\"content\":{\"parts\":[" part "],\"role\":\"model\"}" finish               \
    ",\"index\":0}],\"usageMetadata\":{" usage "},\"modelVersion\":\"" model                       \
    "\",\"responseId\":\"sim#\"}"
#define STOP ",\"finishReason\":\"STOP\""
#define USAGE(said, total)                                                                         \
    "\"promptTokenCount\":2,\"candidatesTokenCount\":" said ",\"totalTokenCount\":" total          \
    ",\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCount\":2}]"
#define SSE(chunk) "data: " chunk "\r\n\r\n"

static void every_event_is_a_response_with_usage_so_far(void **state)
{
    struct answer a;

    (void)state;
    stream_of(&a, "sim");
    says(&a, SSE(CHUNK("{\"text\":\"Sag\"}", "", USAGE("1", "3"), "sim"))
                 SSE(CHUNK("{\"text\":\" höllo\"}", "", USAGE("2", "4"), "sim"))
                     SSE(CHUNK("{\"text\":\"\"}", STOP, USAGE("2", "4"), "sim")));
    answer_end(&a);
}

static void without_alt_sse_the_stream_is_an_array(void **state)
{
    struct answer a;

    (void)state;
    ask_for(&a, "sim", "streamGenerateContent");
    answer_stream(&a);
    says(&a,
         "[" CHUNK("{\"text\":\"Sag\"}", "", USAGE("1", "3"), "sim") "\r\n,\r\n" CHUNK(
             "{\"text\":\" höllo\"}", "", USAGE("2", "4"),
             "sim") "\r\n,\r\n" CHUNK("{\"text\":\"\"}", STOP, USAGE("2", "4"), "sim") "\r\n]\n");
    yyjson_doc_free(must_parse(out_str(&a.text)));
    answer_end(&a);
}

static void thoughts_are_parts_and_their_signature_comes_last(void **state)
{
    struct answer a;

    (void)state;
    stream_of(&a, "sim%3Freasoning=1,tokens=1,lf");
    says(&a,
         "data: " CHUNK(
             "{\"text\":\"river\",\"thought\":true}", "",
             USAGE("0", "3") ",\"thoughtsTokenCount\":1",
             "sim?reasoning=1,tokens=1,lf") "\n\n"
                                            "data: " CHUNK(
                                                "{\"text\":\"river\"}", "",
                                                USAGE("1", "4") ",\"thoughtsTokenCount\":1",
                                                "sim?reasoning=1,tokens=1,lf") "\n\n"
                                                                               "data: " CHUNK(
                                                                                   "{\"text\":"
                                                                                   "\"\","
                                                                                   "\"thoughtSi"
                                                                                   "gnature\":"
                                                                                   "\"sim#\"}",
                                                                                   STOP,
                                                                                   USAGE("1",
                                                                                         "4") ","
                                                                                              "\""
                                                                                              "th"
                                                                                              "ou"
                                                                                              "gh"
                                                                                              "ts"
                                                                                              "To"
                                                                                              "ke"
                                                                                              "nC"
                                                                                              "ou"
                                                                                              "nt"
                                                                                              "\""
                                                                                              ":"
                                                                                              "1",
                                                                                   "sim?"
                                                                                   "reasoning="
                                                                                   "1,tokens=1,"
                                                                                   "lf") "\n"
                                                                                         "\n");
    answer_end(&a);
}

static void a_call_comes_whole_with_an_object(void **state)
{
    struct answer a;

    (void)state;
    stream_of(&a, "sim%3Ftools-parallel,calls=2,usage-absent,reasoning=1");
    assert_int_equal(count(&a, "{\"functionCall\":{\"name\":\"get_weather\",\"args\":{\"city\":"
                               "\"Kraków\",\"call\":0}},\"thoughtSignature\":\""),
                     1);
    assert_int_equal(count(&a, "{\"functionCall\":{\"name\":\"get_weather\",\"args\":{\"city\":"
                               "\"São Paulo\",\"call\":1}}}],\"role\""),
                     1);
    assert_int_equal(count(&a, "usageMetadata"), 0);
    assert_int_equal(count(&a, "\"finishReason\":\"STOP\""), 1);
    answer_end(&a);
}

static void a_whole_answer_has_all_parts(void **state)
{
    struct answer a;

    (void)state;
    ask_for(&a, "sim%3Freasoning=1", "generateContent");
    answer_whole(&a);
    says(&a, CHUNK("{\"text\":\"river\",\"thought\":true},{\"text\":\"Sag höllo\","
                   "\"thoughtSignature\":\"sim#\"}",
                   STOP, USAGE("2", "5") ",\"thoughtsTokenCount\":1", "sim?reasoning=1"));
    answer_end(&a);
}

static void usage_comes_in_the_style_that_was_ordered(void **state)
{
    static const struct {
        const char *model;
        unsigned usages, details, zeros;
    } rows[] = {
        {"sim%3Ftokens=4", 5, 5, 0},
        {"sim%3Ftokens=4,usage-present", 5, 5, 0},
        {"sim%3Ftokens=4,usage-every-chunk", 5, 5, 0},
        {"sim%3Ftokens=4,usage-absent", 0, 0, 0},
        {"sim%3Ftokens=4,usage-zero", 5, 5, 5},
        {"sim%3Ftokens=4,usage-in-last-choice", 1, 1, 0},
        {"sim%3Ftokens=4,usage-plain", 5, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct answer a;

        stream_of(&a, rows[i].model);
        assert_int_equal(count(&a, "usageMetadata"), rows[i].usages);
        assert_int_equal(count(&a, "promptTokensDetails"), rows[i].details);
        assert_int_equal(count(&a, "\"totalTokenCount\":0"), rows[i].zeros);
        answer_end(&a);
    }
}

static void a_stream_can_end_without_a_finish_reason(void **state)
{
    struct answer a;

    (void)state;
    stream_of(&a, "sim%3Fdone-without-finish");
    assert_int_equal(count(&a, "finishReason"), 0);
    assert_int_equal(count(&a, "data: "), 2);
    answer_end(&a);
}

static void limits_and_candidates_are_obeyed(void **state)
{
    struct answer a;

    (void)state;
    answer_start(
        &a, MODELS "sim%3Ftokens=50:generateContent",
        STR("{" ASKS ",\"generationConfig\":{\"maxOutputTokens\":7,\"candidateCount\":3}}"));
    answer_whole(&a);
    assert_int_equal(count(&a, "\"finishReason\":\"MAX_TOKENS\""), 3);
    assert_int_equal(count(&a, "\"candidatesTokenCount\":21,"), 1);
    answer_end(&a);
}

static void tokens_are_counted_without_an_answer(void **state)
{
    static const struct str bodies[] = {
        HELLO,
        STR_INIT("{\"generateContentRequest\":{\"model\":\"models/sim\"," ASKS "}}"),
    };
    struct answer a;

    (void)state;
    for (size_t i = 0; i < COUNTOF(bodies); i++) {
        answer_start(&a, MODELS "sim:countTokens", bodies[i]);
        answer_whole(&a);
        says(&a, "{\"totalTokens\":2,\"promptTokensDetails\":[{\"modality\":\"TEXT\","
                 "\"tokenCount\":2}]}");
        answer_end(&a);
    }
}

/* ---- What it refuses */

#define WITH(more) STR_INIT("{" ASKS "," more "}")
#define CONFIG(more) WITH("\"generationConfig\":{" more "}")
#define FUNCTIONS(f) "\"tools\":[{\"functionDeclarations\":[" f "]}]"
#define USER(parts) "{\"role\":\"user\",\"parts\":[" parts "]}"
#define MODEL(parts) "{\"role\":\"model\",\"parts\":[" parts "]}"
#define SAYS(s) "{\"text\":\"" s "\"}"
#define CALL(f) "{\"functionCall\":{\"name\":\"" f "\",\"args\":{}}}"
#define SIGNED(f, s)                                                                               \
    "{\"functionCall\":{\"name\":\"" f "\",\"args\":{}},\"thoughtSignature\":\"" s "\"}"
#define RESULT(f) "{\"functionResponse\":{\"name\":\"" f "\",\"response\":{\"r\":1}}}"
#define TURNS(turns) STR_INIT("{\"contents\":[" turns "]}")
#define PAIRING                                                                                    \
    "Please ensure that the number of function response parts is equal to the number of function " \
    "call parts of the function call turn."

static void requests_are_refused_as_Gemini_refuses_them(void **state)
{
    static const struct refusal rows[] = {
        {STR_INIT("{}"), "contents is not specified"},
        {WITH("\"messages\":[]"), "Unknown name \"messages\": Cannot find field."},
        {WITH("\"stream\":true"), "Unknown name \"stream\": Cannot find field."},
        {CONFIG("\"max_tokens\":5"),
         "Unknown name \"max_tokens\" at 'generation_config': Cannot find field."},
        {CONFIG("\"temperature\":3"), "temperature must be in the range [0, 2]"},
        {CONFIG("\"topP\":2"), "top_p must be in the range [0, 1]"},
        {CONFIG("\"maxOutputTokens\":\"many\""),
         "Invalid value at 'generation_config.max_output_tokens' (TYPE_INT32), \"many\""},
        {CONFIG("\"stopSequences\":\"x\""), "Invalid value at 'generation_config.stop_sequences'"},
        {CONFIG("\"thinkingConfig\":{\"thinkingBudget\":5,\"thinkingLevel\":\"LOW\"}"),
         "only one of thinking budget and thinking level"},
        {CONFIG("\"responseSchema\":{\"type\":[\"string\",\"null\"]}"),
         "Unknown name \"type\" at 'generation_config.response_schema.type': Proto field is not "
         "repeating, cannot start list."},
        {WITH(FUNCTIONS("{\"name\":\"f\",\"parameters\":{\"type\":\"OBJECT\",\"properties\":{"
                        "\"a\":{\"type\":\"STRING\"},\"b\":{\"type\":\"OBJECT\","
                        "\"additionalProperties\":false}}}}")),
         "Unknown name \"additionalProperties\" at 'tools[0].function_declarations[0].parameters."
         "properties[1].value': Cannot find field."},
        {WITH(FUNCTIONS("{\"name\":\"a b\"}")),
         "tools[0].function_declarations[0].name: Invalid function name."},
        {WITH("\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"AUTO\"}}"),
         "Function calling config is set without function_declarations"},
        {WITH(FUNCTIONS("{\"name\":\"f\"}") ",\"toolConfig\":{\"functionCallingConfig\":{\"mode\":"
                                            "\"required\"}}"),
         "Invalid value at 'tool_config.function_calling_config.mode'"},
        {TURNS("{\"role\":\"assistant\",\"parts\":[" SAYS("a") "]}"),
         "Please use a valid role: user, model."},
        {TURNS("{\"role\":\"user\",\"content\":\"a\"}"),
         "Unknown name \"content\" at 'contents[0]': Cannot find field."},
        {TURNS("{\"role\":\"user\",\"parts\":[]}"),
         "contents[0].parts: contents.parts must not be empty."},
        {TURNS(USER("{\"thought\":true}")), "contents[0].parts[0].data: required oneof field"},
        {TURNS(USER("{\"text\":\"a\",\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"\"}}")),
         "oneof field 'data' is already set"},
        {TURNS(USER("{\"type\":\"text\",\"text\":\"a\"}")),
         "Unknown name \"type\" at 'contents[0].parts[0]'"},
        {TURNS(USER(SAYS("a")) "," MODEL("{\"functionCall\":{\"name\":\"f\",\"args\":\"{}\"}}")),
         "Invalid value at 'contents[1].parts[0].function_call.args' "
         "(type.googleapis.com/google.protobuf.Struct), \"{}\""},
        {TURNS(USER(SAYS("a")) "," MODEL(CALL("f")) "," USER(SAYS("b"))), PAIRING},
        {TURNS(USER(SAYS("a")) "," MODEL(CALL("f") "," CALL("g")) "," USER(RESULT("f"))), PAIRING},
        /* Each response in a content of its own is what does not work there. */
        {TURNS(USER(SAYS("a")) "," MODEL(CALL("f") "," CALL("g")) "," USER(RESULT("f")) "," USER(
             RESULT("g"))),
         PAIRING},
        {TURNS(USER(SAYS("a")) "," MODEL(CALL("f"))), PAIRING},
        {TURNS(USER(RESULT("f"))),
         "Please ensure that function response turn comes immediately after a function call turn."},
        {TURNS(MODEL(CALL("f")) "," USER(RESULT("f"))),
         "Please ensure that function call turn comes immediately after a user turn"},
        {TURNS(USER(SAYS("a")) "," MODEL(CALL("f")) "," USER(RESULT("g"))),
         "answers no function call of the turn before"},
        {TURNS(USER(SAYS("a")) "," MODEL(CALL(
             "f")) ",{\"role\":\"user\",\"parts\":[{\"functionResponse\":{\"response\":{}}}]}"),
         "contents[2].parts[0].function_response.name: Name cannot be empty."},
        {TURNS(USER(SAYS("a")) "," MODEL(
             CALL("f")) ",{\"role\":\"user\",\"parts\":[{\"functionResponse\":{\"name\":\"f\","
                        "\"response\":\"r\"}}]}"),
         "Invalid value at 'contents[2].parts[0].function_response.response'"},
    };

    (void)state;
    refuses(GENERATE_PATH, rows, COUNTOF(rows));
}

static void what_is_right_is_taken(void **state)
{
    static const struct str bodies[] = {
        HELLO,
        /* In either case; a lone element for a list; null for what is not set. */
        STR_INIT("{\"contents\":{\"parts\":{\"text\":\"a\"}},\"generation_config\":{"
                 "\"max_output_tokens\":5,\"topP\":null}}"),
        TURNS(USER(SAYS("a")) "," MODEL(SAYS("b") "," CALL("f") "," CALL("g")) "," USER(
            RESULT("f") "," RESULT("g")) "," MODEL(SAYS("c")) "," USER(SAYS("d"))),
        TURNS(USER(SAYS("a")) "," MODEL(CALL("f")) ",{\"role\":\"function\",\"parts\":[" RESULT(
            "f") "]}"),
        CONFIG("\"stopSequences\":[\"x\"],\"thinkingConfig\":{\"includeThoughts\":true,"
               "\"thinkingBudget\":-1},\"responseMimeType\":\"application/json\","
               "\"responseSchema\":{\"type\":\"OBJECT\",\"properties\":{\"a\":{\"type\":\"ARRAY\","
               "\"items\":{\"type\":\"STRING\"},\"minItems\":\"1\"}},\"required\":[\"a\"],"
               "\"propertyOrdering\":[\"a\"]}"),
        WITH(FUNCTIONS("{\"name\":\"f\",\"parametersJsonSchema\":{\"additionalProperties\":"
                       "false}}") ",\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"ANY\","
                                  "\"allowedFunctionNames\":[\"f\"]}},\"systemInstruction\":{"
                                  "\"parts\":[{\"text\":\"s\"}]},"
                                  "\"safetySettings\":[{\"category\":\"c\",\"threshold\":"
                                  "\"OFF\"}]"),
    };

    (void)state;
    takes(GENERATE_PATH, bodies, COUNTOF(bodies));
}

static void Gemini_3_wants_its_signatures_back(void **state)
{
    static const struct refusal rows[] = {
        {TURNS(USER(SAYS("a")) "," MODEL(CALL("f")) "," USER(RESULT("f"))),
         "Function call is missing a thought_signature in functionCall parts."},
        {TURNS(USER(SAYS("a")) "," MODEL(SIGNED("f", "abc")) "," USER(RESULT("f"))),
         "Corrupted thought signature."},
    };
    static const struct str bodies[] = {
        TURNS(USER(SAYS("a")) "," MODEL(SIGNED("f", "sim0123") "," CALL("g")) "," USER(
            RESULT("f") "," RESULT("g"))),
        /* Of turns that are over it wants none. */
        TURNS(USER(SAYS("a")) "," MODEL(CALL("f")) "," USER(RESULT("f")) "," MODEL(
            SAYS("b")) "," USER(SAYS("c"))),
    };

    (void)state;
    refuses(MODELS "gemini-3-pro:generateContent", rows, COUNTOF(rows));
    takes(MODELS "gemini-3-pro:generateContent", bodies, COUNTOF(bodies));
}

static void the_echo_is_the_last_text_of_the_user(void **state)
{
    struct answer a;

    (void)state;
    answer_start(&a, GENERATE_PATH,
                 (struct str)TURNS(USER(SAYS("first")) "," MODEL(SAYS("x")) "," USER(
                     SAYS("what ") "," SAYS("now?")) "," MODEL(CALL("f")) "," USER(RESULT("f"))));
    assert_true(str_eq(a.ask.text, STR("what now?")));
    assert_int_equal(a.ask.prompt_tokens, 4);
    answer_end(&a);
}

static void a_key_may_stand_in_a_field_or_the_URL(void **state)
{
    struct answer a;

    (void)state;
    answer_begin(&a, GENERATE_PATH);
    assert_false(answer_read(&a, hello));
    assert_int_equal(a.problem.status, 403);
    assert_true(str_eq(a.problem.type, STR("PERMISSION_DENIED")));
    answer_end(&a);
    answer_begin(&a, GENERATE_PATH "?key=k");
    assert_true(answer_read(&a, hello));
    answer_end(&a);
    answer_begin(&a, GENERATE_PATH);
    answer_field(&a, STR("x-goog-api-key"), STR("k"));
    assert_true(answer_read(&a, hello));
    answer_end(&a);
}

/* ---- Errors */

static void each_status_has_its_name(void **state)
{
    static const struct {
        enum sim_fault fault;
        struct sim_retry retry;
        unsigned sent;
        const char *status, *detail;
    } rows[] = {
        {SIM_S400, {0}, 400, "INVALID_ARGUMENT", NULL},
        {SIM_S401, {0}, 401, "UNAUTHENTICATED", NULL},
        {SIM_INVALID_KEY, {0}, 400, "INVALID_ARGUMENT", "\"reason\":\"API_KEY_INVALID\""},
        {SIM_S403, {0}, 403, "PERMISSION_DENIED", NULL},
        {SIM_S404, {0}, 404, "NOT_FOUND", NULL},
        {SIM_S429, {0}, 429, "RESOURCE_EXHAUSTED", "PerMinute"},
        {SIM_QUOTA, {0}, 429, "RESOURCE_EXHAUSTED", "PerDay"},
        {SIM_S500, {0}, 500, "INTERNAL", NULL},
        {SIM_S503, {0}, 503, "UNAVAILABLE", NULL},
        {SIM_S504, {0}, 504, "DEADLINE_EXCEEDED", NULL},
        {SIM_S429, {SIM_RA_INT, 34000}, 429, "RESOURCE_EXHAUSTED", "\"retryDelay\":\"34s\""},
        {SIM_S429, {SIM_RA_MS, 34400}, 429, "RESOURCE_EXHAUSTED", "\"retryDelay\":\"34.400s\""},
        {SIM_S429, {SIM_RA_GARBAGE, 0}, 429, "RESOURCE_EXHAUSTED", "\"retryDelay\":\"soon\""},
        {SIM_S503, {SIM_RA_INT, 2000}, 503, "UNAVAILABLE", "\"retryDelay\":\"2s\""},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct sim_problem p =
            sim_gemini.fault(rows[i].fault, sim_fault_info(rows[i].fault)->status);
        struct out body = {.full = false};
        yyjson_doc *doc;
        yyjson_val *error;

        p.retry = rows[i].retry;
        sim_gemini.problem(NULL, &p, &body);
        doc = must_parse(out_str(&body));
        error = yyjson_obj_get(yyjson_doc_get_root(doc), "error");
        assert_int_equal(p.status, rows[i].sent);
        assert_int_equal(yyjson_get_uint(yyjson_obj_get(error, "code")), rows[i].sent);
        assert_true(str_eq(sim_json_text(error, "status"), str_from(rows[i].status)));
        if (rows[i].detail != NULL && str_find(out_str(&body), str_from(rows[i].detail)) == NULL)
            fail_msg("no %s in %.*s", rows[i].detail, STR_ARG(out_str(&body)));
        if (rows[i].detail == NULL)
            assert_null(str_find(out_str(&body), STR("details")));
        yyjson_doc_free(doc);
        buf_done(&body.buf);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_event_is_a_response_with_usage_so_far),
        cmocka_unit_test(without_alt_sse_the_stream_is_an_array),
        cmocka_unit_test(thoughts_are_parts_and_their_signature_comes_last),
        cmocka_unit_test(a_call_comes_whole_with_an_object),
        cmocka_unit_test(a_whole_answer_has_all_parts),
        cmocka_unit_test(usage_comes_in_the_style_that_was_ordered),
        cmocka_unit_test(a_stream_can_end_without_a_finish_reason),
        cmocka_unit_test(limits_and_candidates_are_obeyed),
        cmocka_unit_test(tokens_are_counted_without_an_answer),
        cmocka_unit_test(requests_are_refused_as_Gemini_refuses_them),
        cmocka_unit_test(what_is_right_is_taken),
        cmocka_unit_test(Gemini_3_wants_its_signatures_back),
        cmocka_unit_test(the_echo_is_the_last_text_of_the_user),
        cmocka_unit_test(a_key_may_stand_in_a_field_or_the_URL),
        cmocka_unit_test(each_status_has_its_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
