/* The Anthropic dialect of the simulator: what it answers, byte for byte, and what it refuses.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "sim/dialect_anthropic.h"
#include "unit/sim/dialect_fixture.h"

#define MESSAGES_PATH "/v1/messages"
#define HEAD "{\"model\":\"sim\",\"max_tokens\":99,\"messages\":"
#define ASKS "[{\"role\":\"user\",\"content\":\"Sag höllo\"}]"

static void answer_to(struct answer *a, const char *model, const char *more)
{
    char body[1024];

    snprintf(body, sizeof(body), "{\"model\":\"%s\",\"max_tokens\":99,\"messages\":" ASKS "%s}",
             model, more);
    answer_start(a, MESSAGES_PATH, str_from(body));
}

static void stream_of(struct answer *a, const char *model)
{
    answer_to(a, model, ",\"stream\":true");
    answer_stream(a);
}

#define USAGE                                                                                      \
    "\"usage\":{\"input_tokens\":2,\"cache_creation_input_tokens\":0,"                             \
    "\"cache_read_input_tokens\":0,\"cache_creation\":{\"ephemeral_5m_input_tokens\":0,"           \
    "\"ephemeral_1h_input_tokens\":0},\"output_tokens\":"
#define TIER ",\"service_tier\":\"standard\",\"inference_geo\":\"not_available\"}"
#define START(model)                                                                               \
    "event: message_start\n"                                                                       \
    "data: {\"type\":\"message_start\",\"message\":{\"model\":\"" model "\",\"id\":"               \
    "\"msg_#\",\"type\":\"message\",\"role\":\"assistant\",\"content\":[],"                        \
    "\"stop_reason\":null,\"stop_sequence\":null," USAGE "1" TIER "}}\n\n"
#define PING "event: ping\ndata: {\"type\": \"ping\"}\n\n"
#define EVENT(name, more) "event: " name "\ndata: {\"type\":\"" name "\"" more "}\n\n"
#define BLOCK(n, what) EVENT("content_block_start", ",\"index\":" n ",\"content_block\":" what)
#define DELTA(n, what) EVENT("content_block_delta", ",\"index\":" n ",\"delta\":" what)
#define TEXT(n, s) DELTA(n, "{\"type\":\"text_delta\",\"text\":\"" s "\"}")
#define JSON(n, s) DELTA(n, "{\"type\":\"input_json_delta\",\"partial_json\":\"" s "\"}")
#define BLOCK_END(n) EVENT("content_block_stop", ",\"index\":" n)
#define END(reason, tokens, more)                                                                  \
    EVENT("message_delta", ",\"delta\":{\"stop_reason\":\"" reason "\",\"stop_sequence\":null},"   \
                           "\"usage\":{\"input_tokens\":2,\"cache_creation_input_tokens\":0,"      \
                           "\"cache_read_input_tokens\":0,\"output_tokens\":" tokens more "}")     \
    EVENT("message_stop", "")

static void a_text_comes_in_the_order_of_the_recordings(void **state)
{
    struct answer a;

    (void)state;
    stream_of(&a, "sim");
    says(&a, START("sim") BLOCK("0", "{\"type\":\"text\",\"text\":\"\"}") PING TEXT("0", "Sag")
                 TEXT("0", " höllo") BLOCK_END("0") END("end_turn", "2", ""));
    answer_end(&a);
}

static void thinking_comes_first_and_ends_with_its_signature(void **state)
{
    struct answer a;

    (void)state;
    stream_of(&a, "sim?reasoning=1,tokens=1");
    says(&a, START("sim?reasoning=1,tokens=1")
                 BLOCK("0", "{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}")
                     PING DELTA("0", "{\"type\":\"thinking_delta\",\"thinking\":\"river\"}")
                         DELTA("0", "{\"type\":\"signature_delta\",\"signature\":"
                                    "\"sim#\"}") BLOCK_END("0")
                             BLOCK("1", "{\"type\":\"text\",\"text\":\"\"}") TEXT("1", "river")
                                 BLOCK_END("1")
                                     END("end_turn", "2",
                                         ",\"output_tokens_details\":{\"thinking_tokens\":1}"));
    answer_end(&a);
}

static void a_call_comes_in_pieces_of_JSON(void **state)
{
    struct answer a;

    (void)state;
    stream_of(&a, "sim?tools-parallel,calls=1");
    says(&a, START("sim?tools-parallel,calls=1")
                 BLOCK("0", "{\"type\":\"tool_use\",\"id\":\"toolu_#\",\"name\":\"get_weather\","
                            "\"input\":{}}") PING JSON("0", "") JSON("0", "{\\\"city\\\":\\\"")
                     JSON("0", "Kraków\\\",\\\"ca") JSON("0", "ll\\\":0}") BLOCK_END("0")
                         END("tool_use", "4", ""));
    answer_end(&a);
}

/* Collect what a client would: by index, or into the block that began last. */
static void collect(struct answer *a, bool by_index, struct out *inputs, unsigned calls)
{
    struct str rest = out_str(&a->text), data;
    unsigned last = 0, begun = 0;

    while ((data = next_data(&rest)).ptr != NULL) {
        yyjson_doc *doc = must_parse(data);
        yyjson_val *root = yyjson_doc_get_root(doc);

        begun += str_eq(sim_json_text(root, "type"), STR("content_block_start"));
        last = by_index ? (unsigned)yyjson_get_uint(yyjson_obj_get(root, "index")) + 1 : begun;
        if (str_eq(sim_json_text(root, "type"), STR("content_block_delta"))) {
            assert_in_range(last, 1, calls);
            out_put(&inputs[last - 1],
                    sim_json_text(yyjson_obj_get(root, "delta"), "partial_json"));
        }
        yyjson_doc_free(doc);
    }
    assert_int_equal(begun, calls);
}

static void R8_calls_can_be_put_together_again_in_every_style(void **state)
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
        struct out inputs[3] = {{.full = false}};
        struct answer a;

        stream_of(&a, rows[i].model);
        collect(&a, rows[i].by_index, inputs, 3);
        calls_done(inputs, 3);
        assert_int_equal(count(&a, "\"type\":\"content_block_stop\""), 3);
        answer_end(&a);
    }
}

static void usage_comes_in_the_style_that_was_ordered(void **state)
{
    static const struct {
        const char *model;
        unsigned usages, inputs, zero_inputs, outputs_4, caches;
    } rows[] = {
        {"sim?tokens=4", 2, 2, 0, 1, 2},
        {"sim?tokens=4,usage-present", 2, 2, 0, 1, 2},
        {"sim?tokens=4,usage-absent", 0, 0, 0, 0, 0},
        {"sim?tokens=4,usage-zero", 2, 2, 2, 0, 2},
        {"sim?tokens=4,usage-every-chunk", 6, 6, 0, 2, 6},
        {"sim?tokens=4,usage-in-last-choice", 2, 2, 1, 1, 2},
        {"sim?tokens=4,usage-plain", 2, 1, 0, 1, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct answer a;

        stream_of(&a, rows[i].model);
        if (count(&a, "\"usage\":{") != rows[i].usages ||
            count(&a, "\"input_tokens\":") != rows[i].inputs ||
            count(&a, "\"input_tokens\":0") != rows[i].zero_inputs ||
            count(&a, "\"output_tokens\":4") != rows[i].outputs_4 ||
            count(&a, "cache_read_input_tokens") != rows[i].caches)
            fail_msg("%s: %.*s", rows[i].model, STR_ARG(out_str(&a.text)));
        answer_end(&a);
    }
}

static void ends_are_left_out_as_ordered(void **state)
{
    struct answer a;

    (void)state;
    stream_of(&a, "sim?no-done");
    assert_int_equal(count(&a, "\"stop_reason\":\"end_turn\""), 1);
    assert_int_equal(count(&a, "message_stop"), 0);
    answer_end(&a);
    stream_of(&a, "sim?done-without-finish");
    assert_int_equal(count(&a, "message_delta"), 0);
    assert_int_equal(count(&a, "event: content_block_stop"), 1);
    assert_int_equal(count(&a, "event: message_stop"), 1);
    answer_end(&a);
}

static void a_limit_on_tokens_ends_with_max_tokens(void **state)
{
    struct answer a;

    (void)state;
    answer_start(&a, MESSAGES_PATH,
                 STR("{\"model\":\"sim?tokens=50\",\"max_tokens\":7,\"messages\":" ASKS "}"));
    answer_whole(&a);
    assert_int_equal(count(&a, "\"stop_reason\":\"max_tokens\""), 1);
    assert_int_equal(count(&a, "\"output_tokens\":7,"), 1);
    answer_end(&a);
}

static void a_whole_answer_has_the_same_content(void **state)
{
    struct answer a;

    (void)state;
    answer_to(&a, "sim?reasoning=1,tools-whole,calls=1", "");
    answer_whole(&a);
    says(&a,
         "{\"model\":\"sim?reasoning=1,tools-whole,calls=1\",\"id\":\"msg_#\","
         "\"type\":\"message\",\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\","
         "\"thinking\":\"river\",\"signature\":\"sim#\"},{\"type\":\"tool_use\","
         "\"id\":\"toolu_#\",\"name\":\"get_weather\",\"input\":{\"city\":\"Kraków\","
         "\"call\":0}}],\"stop_reason\":\"tool_use\",\"stop_sequence\":null," USAGE "2" TIER "}");
    answer_end(&a);
}

static void tokens_are_counted_without_an_answer(void **state)
{
    struct answer a;

    (void)state;
    answer_start(&a, "/v1/messages/count_tokens",
                 STR("{\"model\":\"sim\",\"system\":\"be brief\",\"messages\":" ASKS "}"));
    answer_whole(&a);
    says(&a, "{\"input_tokens\":4}");
    answer_end(&a);
}

/* ---- What it refuses */

#define TOOLS                                                                                      \
    ",\"tools\":[{\"name\":\"f\",\"input_schema\":{\"type\":\"object\",\"properties\":{}}}]"
#define USE(id) "{\"type\":\"tool_use\",\"id\":\"" id "\",\"name\":\"f\",\"input\":{}}"
#define RESULT(id) "{\"type\":\"tool_result\",\"tool_use_id\":\"" id "\",\"content\":\"r\"}"
#define SAYS(s) "{\"type\":\"text\",\"text\":\"" s "\"}"
#define USER(blocks) "{\"role\":\"user\",\"content\":[" blocks "]}"
#define MODEL(blocks) "{\"role\":\"assistant\",\"content\":[" blocks "]}"
#define ASK(more) STR_INIT(HEAD ASKS more "}")
#define TURNS(turns) STR_INIT(HEAD "[" turns "]" TOOLS "}")
#define THINKING(more) ",\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":1024" more "}"
#define SIGNED(s) "{\"type\":\"thinking\",\"thinking\":\"river\",\"signature\":\"" s "\"}"

static void requests_are_refused_as_Anthropic_refuses_them(void **state)
{
    static const struct refusal rows[] = {
        {STR_INIT("{\"model\":\"sim\",\"messages\":" ASKS "}"), "max_tokens: Field required"},
        {STR_INIT("{\"max_tokens\":9,\"messages\":" ASKS "}"), "model: Field required"},
        {STR_INIT("{\"model\":\"sim\",\"max_tokens\":9}"), "messages: Field required"},
        {STR_INIT("{\"model\":\"sim\",\"max_tokens\":0,\"messages\":" ASKS "}"),
         "max_tokens: must be greater than or equal to 1"},
        {STR_INIT("{\"model\":\"sim\",\"max_tokens\":\"9\",\"messages\":" ASKS "}"),
         "max_tokens: Input should be a valid integer"},
        {STR_INIT(HEAD "[]}"), "messages: at least one message is required"},
        {ASK(",\"n\":1"), "n: Extra inputs are not permitted"},
        {ASK(",\"stream_options\":{}"), "stream_options: Extra inputs are not permitted"},
        {ASK(",\"metadata\":{\"a\":1}"), "metadata.a: Extra inputs are not permitted"},
        {ASK(",\"stop_sequences\":\"x\""), "stop_sequences: Input should be a valid string"},
        {ASK(",\"temperature\":1.5"), "temperature: range: 0..1"},
        {ASK(",\"system\":[{\"type\":\"image\"}]"), "system.0: Input tag 'image'"},
        {ASK(",\"tool_choice\":{\"type\":\"auto\"}"), "tool_choice may only be specified"},
        {ASK(",\"tools\":[{\"type\":\"function\"}]"), "tools.0: Input tag 'function'"},
        {ASK(",\"tools\":[{\"name\":\"a\"}]"), "tools.0.custom.input_schema: Field required"},
        {ASK(",\"tools\":[{\"name\":\"a b\",\"input_schema\":{\"type\":\"object\"}}]"),
         "tools.0.custom.name: String should match pattern"},
        {ASK(",\"tools\":[{\"name\":\"a\",\"parameters\":{}}]"),
         "tools.0.custom.parameters: Extra inputs are not permitted"},
        {ASK(TOOLS ",\"tool_choice\":\"auto\""), "tool_choice: Input should be a valid dictionary"},
        {ASK(TOOLS ",\"tool_choice\":{\"type\":\"required\"}"),
         "tool_choice: Input tag 'required'"},
        {ASK(TOOLS ",\"tool_choice\":{\"type\":\"tool\",\"name\":\"g\"}"), "Tool 'g' not found"},
        {STR_INIT(HEAD "[{\"role\":\"system\",\"content\":\"s\"}]}"),
         "messages: Unexpected role \"system\""},
        {STR_INIT(HEAD "[{\"role\":\"tool\",\"content\":\"s\"}]}"),
         "messages.0.role: Input should be 'user', 'assistant' or 'system'"},
        {STR_INIT(HEAD "[{\"role\":\"user\",\"content\":null}]}"),
         "messages.0.content: Input should"},
        {STR_INIT(HEAD "[{\"role\":\"user\",\"content\":\"\"}]}"), "non-empty content"},
        {STR_INIT(HEAD "[" USER(SAYS("")) "]}"), "text content blocks must be non-empty"},
        {STR_INIT(HEAD "[" MODEL(SAYS("a")) "]}"), "first message must use the \"user\" role"},
        {STR_INIT(HEAD "[" USER(SAYS("a")) "," MODEL(SAYS("b ")) "]}"), "trailing whitespace"},
        {STR_INIT(HEAD "[" USER(SAYS("a")) "," MODEL(SAYS("b\\n")) "]}"), "trailing whitespace"},
        {STR_INIT(HEAD "[" USER("{\"type\":\"image_url\"}") "]}"),
         "messages.0.content.0: Input tag 'image_url'"},
        {STR_INIT(HEAD "[" USER("{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"data\":\"\","
                                "\"media_type\":\"image/tiff\"}}") "]}"),
         "messages.0.content.0.image.source.base64.media_type: Input should be 'image/jpeg'"},
        {TURNS(USER(SAYS("a")) "," MODEL(USE("t1")) "," USER(SAYS("b"))),
         "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: "
         "t1"},
        {TURNS(USER(SAYS("a")) "," MODEL(USE("t1") "," USE("t2")) "," USER(RESULT("t2"))),
         "immediately after: t1"},
        {TURNS(USER(SAYS("a")) "," MODEL(USE("t1"))), "immediately after: t1"},
        {TURNS(USER(SAYS("a")) "," MODEL(USE("t1")) "," USER(SAYS("b") "," RESULT("t1"))),
         "immediately after: t1"},
        {TURNS(USER(SAYS("a")) "," MODEL(USE("t1")) "," USER(RESULT("t1") "," RESULT("t1"))),
         "must have a single result"},
        {TURNS(USER(RESULT("t9"))), "messages.0.content.0: unexpected `tool_use_id`"},
        {TURNS(USER(SAYS("a")) "," MODEL(USE("t1")) "," USER(RESULT("t1")) "," MODEL(
             SAYS("b")) "," USER(RESULT("t1"))),
         "messages.4.content.0: unexpected `tool_use_id` found in `tool_result` blocks: t1"},
        {TURNS(USER(USE("t1"))), "`tool_use` blocks can only be in `assistant` messages"},
        {TURNS(USER(SAYS("a")) "," MODEL(RESULT("t1"))), "can only be in `user` messages"},
        {TURNS(USER(SAYS("a")) "," MODEL(USE("t:1")) "," USER(RESULT("t:1"))),
         "messages.1.content.0.tool_use.id: String should match pattern"},
        {TURNS(USER(SAYS("a")) "," MODEL(USE("t1") "," USE("t1")) "," USER(RESULT("t1"))),
         "`tool_use` ids must be unique"},
        {STR_INIT("{\"model\":\"sim\",\"max_tokens\":1024,\"messages\":" ASKS THINKING("") "}"),
         "`max_tokens` must be greater than `thinking.budget_tokens`"},
        {ASK(",\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":512}"),
         "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024"},
        {STR_INIT("{\"model\":\"sim\",\"max_tokens\":2000,\"temperature\":0.5,\"messages\":" ASKS
                      THINKING("") "}"),
         "`temperature` may only be set to 1 when thinking is enabled"},
        {STR_INIT("{\"model\":\"sim\",\"max_tokens\":2000,\"messages\":" ASKS THINKING("") TOOLS
                  ",\"tool_choice\":{\"type\":\"any\"}}"),
         "Thinking may not be enabled when tool_choice forces tool use"},
        {TURNS(USER(SAYS("a")) "," MODEL(SIGNED("sim0128ddfd2c1dbadbf") "," SAYS("b")) "," USER(
             SAYS("c"))),
         "messages.1.content.0: Invalid `signature` in `thinking` block"},
        {STR_INIT("{\"model\":\"sim\",\"max_tokens\":2000,\"messages\":[" USER(SAYS("a")) "," MODEL(
             USE("t1")) "," USER(RESULT("t1")) "]" THINKING("") TOOLS "}"),
         "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found "
         "`tool_use`"},
        /* What is said besides the result does not end the turn. */
        {STR_INIT("{\"model\":\"sim\",\"max_tokens\":2000,\"messages\":[" USER(SAYS("a")) "," MODEL(
             USE("t1")) "," USER(RESULT("t1") "," SAYS("b")) "]" THINKING("") TOOLS "}"),
         "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found "
         "`tool_use`"},
    };

    (void)state;
    refuses(MESSAGES_PATH, rows, COUNTOF(rows));
}

static void newer_models_take_a_system_message_after_a_users(void **state)
{
#define OPUS(turns)                                                                                \
    STR_INIT("{\"model\":\"claude-opus-5\",\"max_tokens\":9,\"messages\":[" turns "]}")
#define SYSTEM "{\"role\":\"system\",\"content\":\"be brief\"}"
    static const struct str bodies[] = {
        OPUS(USER(SAYS("a")) "," SYSTEM),
        OPUS(USER(SAYS("a")) "," SYSTEM "," MODEL(SAYS("b")) "," USER(SAYS("c"))),
    };
    static const struct refusal rows[] = {
        {OPUS(SYSTEM "," USER(SAYS("a"))), "messages.0: a `system` message must follow"},
        {OPUS(USER(SAYS("a")) "," MODEL(SAYS("b")) "," SYSTEM), "messages.2: a `system` message"},
        {TURNS(USER(SAYS("a")) "," SYSTEM), "messages: Unexpected role \"system\""},
    };

    (void)state;
    takes(MESSAGES_PATH, bodies, COUNTOF(bodies));
    refuses(MESSAGES_PATH, rows, COUNTOF(rows));
}

static void counting_takes_no_max_tokens(void **state)
{
    static const struct refusal rows[] = {{ASK(""), "max_tokens: Extra inputs are not permitted"}};

    (void)state;
    refuses("/v1/messages/count_tokens", rows, COUNTOF(rows));
}

static void what_is_right_is_taken(void **state)
{
    static const struct str bodies[] = {
        ASK(",\"temperature\":1,\"top_p\":0.5,\"top_k\":5,\"stop_sequences\":[\"x\"],"
            "\"metadata\":{\"user_id\":\"u\"},\"service_tier\":\"auto\",\"stream\":false,"
            "\"system\":[{\"type\":\"text\",\"text\":\"s\",\"cache_control\":{\"type\":"
            "\"ephemeral\","
            "\"ttl\":\"1h\"}}]"),
        TURNS(USER(SAYS("a")) "," USER(SAYS("b")) "," MODEL(SAYS("c") "," USE("t1") "," USE(
            "t2")) "," USER(RESULT("t2") "," RESULT("t1") "," SAYS("d"))),
        /* Results in messages of their own are one turn. */
        TURNS(USER(SAYS("a")) "," MODEL(USE("t1") "," USE("t2")) "," USER(RESULT("t1")) "," USER(
            RESULT("t2"))),
        STR_INIT("{\"model\":\"sim\",\"max_tokens\":2000,\"messages\":[" USER(SAYS("a")) "," MODEL(
            SIGNED("sim0128ddfd2c1dbadbe") "," USE("t1")) "," USER(RESULT("t1")) "]" THINKING("")
                     TOOLS "}"),
        /* A turn that is over needs no thoughts. */
        STR_INIT("{\"model\":\"sim\",\"max_tokens\":2000,\"messages\":[" USER(SAYS("a")) "," MODEL(
            USE("t1")) "," USER(RESULT("t1")) "," MODEL(SAYS("b")) "," USER(SAYS("c")) "]" THINKING("")
                     TOOLS "}"),
        TURNS(USER(SAYS("a") ",{\"type\":\"image\",\"source\":{\"type\":\"url\",\"url\":\"u\"}"
                             "}") "," MODEL(SAYS("b"))),
        ASK(TOOLS ",\"tool_choice\":{\"type\":\"tool\",\"name\":\"f\","
                  "\"disable_parallel_tool_use\":true}"),
        ASK(",\"tools\":[{\"type\":\"web_search_20250305\",\"name\":\"web_search\",\"max_"
            "uses\":1}]"),
    };

    (void)state;
    takes(MESSAGES_PATH, bodies, COUNTOF(bodies));
}

static void the_echo_is_the_last_text_of_the_user(void **state)
{
    struct answer a;

    (void)state;
    answer_start(&a, MESSAGES_PATH,
                 (struct str)TURNS(USER(SAYS("first")) "," MODEL(SAYS("x")) "," USER(
                     SAYS("what ") "," SAYS("now?")) "," MODEL(USE("t1")) "," USER(RESULT("t1"))));
    assert_true(str_eq(a.ask.text, STR("what now?")));
    assert_int_equal(a.ask.prompt_tokens, 5);
    assert_int_equal(a.ask.tool_count, 1);
    answer_end(&a);
}

static void a_request_needs_a_key_and_a_version(void **state)
{
    static const struct {
        struct str name, value;
        unsigned status;
        const char *message;
    } rows[] = {
        {STR_INIT("anthropic-version"), STR_INIT("2023-06-01"), 401,
         "x-api-key header is required"},
        {STR_INIT("x-api-key"), STR_INIT("k"), 400, "anthropic-version: header is required"},
    };
    struct answer a;

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        answer_begin(&a, MESSAGES_PATH);
        answer_field(&a, rows[i].name, rows[i].value);
        assert_false(answer_read(&a, (struct str)ASK("")));
        assert_int_equal(a.problem.status, rows[i].status);
        assert_true(str_eq(a.problem.message, str_from(rows[i].message)));
        answer_end(&a);
    }
    answer_begin(&a, MESSAGES_PATH);
    answer_field(&a, STR("x-api-key"), STR("k"));
    answer_field(&a, STR("Anthropic-Version"), STR("2023-06-01"));
    assert_true(answer_read(&a, (struct str)ASK("")));
    answer_end(&a);
}

static void the_newest_version_takes_less(void **state)
{
    static const struct refusal rows[] = {
        {ASK(",\"temperature\":1.0"), "temperature: Extra inputs are not permitted"},
        {ASK(",\"top_k\":5"), "top_k: Extra inputs are not permitted"},
        {STR_INIT(HEAD "[" USER(SAYS("a")) "," MODEL("{\"type\":\"document\",\"source\":{\"type\":"
                                                     "\"url\",\"url\":\"u\"}}") "]}"),
         "messages.1.content.0: `document` blocks can only be in `user` messages"},
        {STR_INIT(HEAD "[" USER("{\"type\":\"text\",\"text\":\"a\",\"citations\":[{}]}") "]}"),
         "messages.0.content.0.text.citations"},
    };
    static const struct str versions[] = {STR_INIT("2023-06-01"), STR_INIT("2026-10-21")};

    (void)state;
    for (size_t i = 0; i < 2 * COUNTOF(rows); i++) {
        struct answer a;

        answer_begin(&a, MESSAGES_PATH);
        answer_field(&a, STR("authorization"), STR("Bearer k"));
        answer_field(&a, STR("anthropic-version"), versions[i % 2]);
        assert_int_equal(answer_read(&a, rows[i / 2].body), i % 2 == 0);
        if (i % 2 == 1 && str_find(a.problem.message, str_from(rows[i / 2].message)) == NULL)
            fail_msg("%.*s", STR_ARG(a.problem.message));
        answer_end(&a);
    }
}

static void each_status_has_its_type(void **state)
{
    static const struct {
        enum sim_fault fault;
        unsigned sent;
        const char *type;
    } rows[] = {
        {SIM_S400, 400, "invalid_request_error"},
        {SIM_S401, 401, "authentication_error"},
        {SIM_S402, 402, "billing_error"},
        {SIM_S403, 403, "permission_error"},
        {SIM_S404, 404, "not_found_error"},
        {SIM_S413, 413, "request_too_large"},
        {SIM_S429, 429, "rate_limit_error"},
        {SIM_S500, 500, "api_error"},
        {SIM_S504, 504, "timeout_error"},
        {SIM_S529, 529, "overloaded_error"},
        {SIM_QUOTA, 400, "invalid_request_error"},
        {SIM_INVALID_KEY, 401, "authentication_error"},
        {SIM_CONTEXT_WINDOW, 400, "invalid_request_error"},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct sim_problem p =
            sim_anthropic.fault(rows[i].fault, sim_fault_info(rows[i].fault)->status);
        struct out body = {.full = false};
        yyjson_doc *doc;
        yyjson_val *root;

        assert_int_equal(p.status, rows[i].sent);
        sim_anthropic.problem(NULL, &p, &body);
        doc = must_parse(out_str(&body));
        root = yyjson_doc_get_root(doc);
        assert_true(str_eq(sim_json_text(root, "type"), STR("error")));
        assert_true(
            str_eq(sim_json_text(yyjson_obj_get(root, "error"), "type"), str_from(rows[i].type)));
        yyjson_doc_free(doc);
        buf_done(&body.buf);
    }
}

static void limits_stand_in_the_head(void **state)
{
    struct sim_script script = {.value = {[SIM_PARAM_RA] = 1500}};
    struct sim_head head = {.script = &script, .id = 7, .now_s = 1767225600, .status = 429};
    struct http_fields f = {0};
    struct arena arena = {0};

    (void)state;
    assert_true(sim_anthropic.fields(&head, &f, &arena));
    assert_true(str_eq(http_fields_find(&f, STR("request-id")), STR("req_0000000000000007")));
    assert_true(
        str_eq(http_fields_find(&f, STR("anthropic-ratelimit-input-tokens-remaining")), STR("0")));
    assert_true(str_eq(http_fields_find(&f, STR("anthropic-ratelimit-requests-reset")),
                       STR("2026-01-01T00:00:02Z")));
    assert_true(str_eq(http_fields_find(&f, STR("x-should-retry")), STR("true")));
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_comes_in_the_order_of_the_recordings),
        cmocka_unit_test(thinking_comes_first_and_ends_with_its_signature),
        cmocka_unit_test(a_call_comes_in_pieces_of_JSON),
        cmocka_unit_test(R8_calls_can_be_put_together_again_in_every_style),
        cmocka_unit_test(usage_comes_in_the_style_that_was_ordered),
        cmocka_unit_test(ends_are_left_out_as_ordered),
        cmocka_unit_test(a_limit_on_tokens_ends_with_max_tokens),
        cmocka_unit_test(a_whole_answer_has_the_same_content),
        cmocka_unit_test(tokens_are_counted_without_an_answer),
        cmocka_unit_test(requests_are_refused_as_Anthropic_refuses_them),
        cmocka_unit_test(newer_models_take_a_system_message_after_a_users),
        cmocka_unit_test(counting_takes_no_max_tokens),
        cmocka_unit_test(what_is_right_is_taken),
        cmocka_unit_test(the_echo_is_the_last_text_of_the_user),
        cmocka_unit_test(a_request_needs_a_key_and_a_version),
        cmocka_unit_test(the_newest_version_takes_less),
        cmocka_unit_test(each_status_has_its_type),
        cmocka_unit_test(limits_stand_in_the_head),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
