/* How a chat is said to Ollama. SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "unit/llm/chat_rows.h"

#define M "{\"model\":\"m:7b\",\"messages\":["
#define USER_HI M "{\"role\":\"user\",\"content\":\"hi\"}]"
#define END ",\"stream\":false,\"options\":{}}"
#define OPTIONS(members) USER_HI ",\"stream\":false,\"options\":{" members "}}"
#define THINK(value) USER_HI ",\"stream\":false,\"think\":" value ",\"options\":{}}"
#define FUNCTION                                                                                   \
    "{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{\"type\":\"object\","     \
    "\"properties\":{}}}}"

/* clang-format off */
static void check(const struct chat_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct chat_row row = rows[i];

        row.model = "m:7b";
        chat_row_check(&dialect_ollama, &row);
    }
}

static void R46_messages(void **state)
{
    const struct chat_part f = PART(CALL, .id = T("1"), .name = T("f"), .args = STR("{\"a\":1.0}"));
    const struct chat_row rows[] = {
        {"a word", {HI}, .body = USER_HI END},
        {"in a stream", {HI, .stream = true}, .body = USER_HI ",\"stream\":true,\"options\":{}}"},
        {"roles and texts in parts", {CHAT(SAYS(SYSTEM, TEXT("s")), SAYS(DEVELOPER, TEXT("d")), SAYS(USER, TEXT("a"), TEXT("\\u00e4")), SAYS(ASSISTANT, TEXT("b"), PART(REFUSAL, .text = T("c"))))},
         .body = M "{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"system\",\"content\":\"d\"},{\"role\":\"user\",\"content\":\"a\\n\\u00e4\"},{\"role\":\"assistant\",\"content\":\"b\\nc\"}]" END},
        {"pictures", {CHAT(SAYS(USER, PART(IMAGE, .data = T("AA")), TEXT("hi"), PART(IMAGE, .text = T("data:image/png;base64,BB"), .detail = STR("\"low\""))))},
         .body = M "{\"role\":\"user\",\"content\":\"hi\",\"images\":[\"AA\",\"BB\"]}]" END, .dropped = "detail "},
        {"a picture elsewhere", {CHAT(SAYS(USER, PART(IMAGE, .text = T("https://x"))))}, .dropped = "does not fetch pictures"},
        {"a file", {CHAT(SAYS(USER, PART(FILE, .data = T("A"))))}, .dropped = "no files"},
        {"a sound", {CHAT(SAYS(USER, PART(AUDIO, .data = T("A"))))}, .dropped = "no audio"},
        {"calls, thoughts, results",
         {CHAT(SAYS(ASSISTANT, PART(THINKING, .text = T("t"), .signature = T("S")), f, PART(CALL, .name = T("g"), .args_text = T("{\\\"x"))),
               SAYS(TOOL, PART(RESULT, .id = T("1"), PARTS_OF(TEXT("x"), TEXT("y"), PART(IMAGE, .data = T("AA")))), PART(RESULT, .id = T("9"), .is_error = true)))},
         .body = M "{\"role\":\"assistant\",\"content\":\"\",\"thinking\":\"t\",\"tool_calls\":[{\"id\":\"1\",\"function\":{\"name\":\"f\",\"arguments\":{\"a\":1.0}}},{\"function\":{\"name\":\"g\",\"arguments\":{\"arguments\":\"{\\\"x\"}}}]},"
                 "{\"role\":\"tool\",\"content\":\"x\\ny\",\"tool_name\":\"f\",\"tool_call_id\":\"1\",\"images\":[\"AA\"]},{\"role\":\"tool\",\"content\":\"\",\"tool_call_id\":\"9\"}]" END,
         .dropped = "thought_signature is_error "},
        {"results and what is said with them", {CHAT(SAYS(USER, PART(RESULT, .name = T("f"), PARTS_OF(TEXT("x"))), TEXT("hi")))},
         .body = M "{\"role\":\"tool\",\"content\":\"x\",\"tool_name\":\"f\"},{\"role\":\"user\",\"content\":\"hi\"}]" END},
        {"a custom tool's call", {CHAT(SAYS(ASSISTANT, PART(RAW, .vendor = CHAT_OPENAI, .id = T("c9"), .name = T("sh"), .args_text = T("ls"), .raw = STR("{}"))), SAYS(TOOL, PART(RESULT, .id = T("c9"), PARTS_OF(TEXT("x")))))},
         .body = M "{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"id\":\"c9\",\"function\":{\"name\":\"sh\",\"arguments\":{\"arguments\":\"ls\"}}}]},{\"role\":\"tool\",\"content\":\"x\",\"tool_name\":\"sh\",\"tool_call_id\":\"c9\"}]" END},
        {"what it cannot say of a call and of a result",
         {CHAT(SAYS(ASSISTANT, PART(CALL, .id = T("1"), .name = T("f"), .signature = T("S"))), SAYS(TOOL, PART(RESULT, .id = T("1"), PARTS_OF(PART(TEXT, .text = T("x"), .cache_control = STR("{}")), PART(RAW, .vendor = CHAT_ANTHROPIC, .raw = STR("{}"))))))},
         .body = M "{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"id\":\"1\",\"function\":{\"name\":\"f\",\"arguments\":{}}}]},{\"role\":\"tool\",\"content\":\"x\",\"tool_name\":\"f\",\"tool_call_id\":\"1\"}]" END,
         .dropped = "thought_signature cache_control messages.content "},
        {"an empty message", {CHAT({.role = CHAT_ASSISTANT})}, .body = M "{\"role\":\"assistant\",\"content\":\"\"}]" END},
        {"what it cannot say", {CHAT({.role = CHAT_USER, .name = T("bob"), PARTS_OF(PART(TEXT, .text = T("hi"), .cache_control = STR("{}"), .citations = STR("[]")), PART(REDACTED, .data = T("x")), PART(RAW, .vendor = CHAT_OPENAI, .raw = STR("{}")))})},
         .body = USER_HI END, .dropped = "messages.name cache_control citations redacted_thinking messages.content "},
    };

    (void)state;
    check(rows, COUNTOF(rows));
}

static void R45_options(void **state)
{
    struct str stops[2] = {STR("\"a\\n\""), STR("\"b\"")};
    const struct chat_row rows[] = {
        {"numbers as they were written", {HI, .max_tokens = STR("10"), .temperature = STR("0.10"), .top_p = STR("1e0"), .top_k = STR("4"), .seed = STR("99999999999"),
             .presence_penalty = STR("-0.5"), .frequency_penalty = STR("0.5"), .n = STR("1"), .stop = stops, .stop_count = 2},
         .body = OPTIONS("\"num_predict\":10,\"temperature\":0.10,\"top_p\":1e0,\"top_k\":4,\"seed\":99999999999,\"presence_penalty\":-0.5,\"frequency_penalty\":0.5,\"stop\":[\"a\\n\",\"b\"]")},
        {"several answers", {HI, .n = STR("2")}, .dropped = "one answer"},
        {"JSON", {HI, .format = CHAT_FORMAT_JSON}, .body = USER_HI ",\"stream\":false,\"format\":\"json\",\"options\":{}}"},
        {"a schema", {HI, .format = CHAT_FORMAT_SCHEMA, .schema_description = T("d"), .schema = STR("{ \"type\":\"object\" }")}, .body = USER_HI ",\"stream\":false,\"format\":{ \"type\":\"object\" },\"options\":{}}", .dropped = "response_format.description "},
        {"what has no word there", {HI, .logprobs = STR("true"), .top_logprobs = STR("3"), .parallel_calls = CHAT_NO, .user = T("u"), .metadata = STR("{\"a\":\"b\"}"), .service_tier = T("flex")},
         .body = USER_HI END, .dropped = "parallel_tool_calls user metadata service_tier logprobs top_logprobs "},
        {"members of its own, and of another", {HI, .top_k = STR("1"), .extra_count = 4, .extra = {
             {CHAT_OLLAMA, STR("keep_alive"), STR("\"5m\"")}, {CHAT_OLLAMA, STR("options"), STR("{\"num_ctx\":4096}")},
             {CHAT_OLLAMA, STR("stream"), STR("true")}, {CHAT_OPENAI, STR("store"), STR("true")}}},
         .body = USER_HI ",\"stream\":false,\"options\":{\"top_k\":1,\"num_ctx\":4096},\"keep_alive\":\"5m\"}", .dropped = "stream store "},
    };

    (void)state;
    check(rows, COUNTOF(rows));
}

static void R45_thinking(void **state)
{
    const struct chat_row rows[] = {
        {"on", {HI, .reasoning.on = CHAT_YES}, .body = THINK("true")},
        {"as it sees fit", {HI, .reasoning.adaptive = true}, .body = THINK("true")},
        {"off", {HI, .reasoning.on = CHAT_NO}, .body = THINK("false")},
        {"none", {HI, .reasoning.effort = T("none")}, .body = THINK("false")},
        {"minimal", {HI, .reasoning.effort = T("minimal")}, .body = THINK("\"low\"")},
        {"medium", {HI, .reasoning.effort = T("medium")}, .body = THINK("\"medium\"")},
        {"max", {HI, .reasoning.effort = T("max")}, .body = THINK("\"high\"")},
        {"tokens", {HI, .reasoning = {.on = CHAT_YES, .budget = STR("8000")}}, .body = THINK("\"medium\"")},
    };

    (void)state;
    check(rows, COUNTOF(rows));
}

static void R45_tools(void **state)
{
    const struct chat_row rows[] = {
        {"functions", {HI, TOOLS({.name = T("f"), .description = T("d"), .schema = STR("{\"$ref\":1}")}, TOOL("f", ""))},
         .body = USER_HI ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"description\":\"d\",\"parameters\":{\"$ref\":1}}}," FUNCTION "]" END},
        {"auto is what it does", {HI, TOOLS(TOOL("f", "")), .choice = CHAT_CHOICE_AUTO}, .body = USER_HI ",\"tools\":[" FUNCTION "]" END},
        {"none", {HI, TOOLS(TOOL("f", "")), .choice = CHAT_CHOICE_NONE}, .body = USER_HI END},
        {"any", {HI, TOOLS(TOOL("f", "")), .choice = CHAT_CHOICE_ANY}, .body = USER_HI ",\"tools\":[" FUNCTION "]" END, .dropped = "tool_choice "},
        {"named", {HI, TOOLS(TOOL("f", "")), .choice = CHAT_CHOICE_NAMED, .choice_name = T("f")}, .body = USER_HI ",\"tools\":[" FUNCTION "]" END, .dropped = "tool_choice "},
        {"what functions cannot say", {HI, TOOLS({.name = T("f"), .strict = true, .has_strict = true, .cache_control = STR("{}")})},
         .body = USER_HI ",\"tools\":[" FUNCTION "]" END, .dropped = "cache_control tools.strict "},
        {"a tool of another's", {HI, TOOLS({.vendor = CHAT_OPENAI, .raw = STR("{\"type\":\"web_search\"}")})}, .dropped = "tools[0] is of a kind that"},
    };

    (void)state;
    check(rows, COUNTOF(rows));
}
/* clang-format on */

static void the_path_is_always_the_same(void **state)
{
    struct arena a = {.max = 0};

    (void)state;
    assert_true(
        str_eq(dialect_ollama.path(&a, &(struct chat_request){.stream = true}), STR("/api/chat")));
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R46_messages),
        cmocka_unit_test(R45_options),
        cmocka_unit_test(R45_thinking),
        cmocka_unit_test(R45_tools),
        cmocka_unit_test(the_path_is_always_the_same),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    arena_thread_done();
    return failed;
}
