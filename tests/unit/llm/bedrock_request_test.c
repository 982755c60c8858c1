/* How a chat is said to Bedrock. SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "unit/llm/chat_rows.h"

#define TURN(who, content) "{\"role\":\"" who "\",\"content\":[" content "]}"
#define M(turns) "\"messages\":[" turns "]"
#define USER_HI M(TURN("user", "{\"text\":\"hi\"}"))
#define WITH(members) "{" USER_HI "," members "}"
#define EMPTY "{\"type\":\"object\",\"properties\":{}}"
#define SPEC(name, schema)                                                                         \
    "{\"toolSpec\":{\"name\":\"" name "\",\"inputSchema\":{\"json\":" schema "}}}"
#define OF_TOOLS(tools) "\"toolConfig\":{\"tools\":[" tools "]"
#define CACHE "{\"cachePoint\":{\"type\":\"default\"}}"
#define NOVA "us.amazon.nova-pro-v1:0"
#define SONNET "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"
#define OPUS "us.anthropic.claude-opus-4-7"

/* clang-format off */
static void check(const struct chat_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct chat_row row = rows[i];

        if (row.model == NULL)
            row.model = NOVA;
        chat_row_check(&dialect_bedrock, &row);
    }
}

static void R46_messages(void **state)
{
    const struct chat_part f = PART(CALL, .id = T("1"), .name = T("f"), .args = STR("{\"a\":1.0}"));
    const struct chat_part cached = PART(TEXT, .text = T("c"), .cache_control = STR("{\"type\":\"ephemeral\"}"));
    const struct chat_part cached_long = PART(TEXT, .text = T("c"), .cache_control = STR("{\"type\":\"ephemeral\",\"ttl\":\"1h\"}"));
    const struct chat_row rows[] = {
        {"a word", {HI}, .body = "{" USER_HI "}"},
        {"what the system says first, and later", {CHAT(SAYS(SYSTEM, TEXT("s")), SAYS(DEVELOPER, TEXT("d")), SAYS(USER, TEXT("a"), TEXT("\\u00e4")), SAYS(ASSISTANT, TEXT("b")), SAYS(SYSTEM, TEXT("l")), SAYS(USER, TEXT("c")))},
         .body = "{\"system\":[{\"text\":\"s\"},{\"text\":\"d\"}]," M(TURN("user", "{\"text\":\"a\"},{\"text\":\"\\u00e4\"}") "," TURN("assistant", "{\"text\":\"b\"}") "," TURN("user", "{\"text\":\"<system>l</system>\"},{\"text\":\"c\"}")) "}"},
        {"nothing but a system", {CHAT(SAYS(SYSTEM, TEXT("a")), SAYS(SYSTEM, TEXT("b")))}, .body = "{" M(TURN("user", "{\"text\":\"a\"},{\"text\":\"b\"}")) "}"},
        {"another's block and nothing else, before all that is said", {CHAT(SAYS(USER, PART(RAW, .vendor = CHAT_GEMINI, .raw = STR("{}"))), SAYS(USER, TEXT("hi")))}, .body = "{" USER_HI "}", .dropped = "messages.content "},
        {"nothing at all", {CHAT(SAYS(USER, TEXT(" \\n")))}, .dropped = "no message that says anything"},
        {"neighbours are one turn, blanks are none", {CHAT(SAYS(USER, TEXT("a")), SAYS(ASSISTANT, TEXT(" \\n\\t")), SAYS(USER, TEXT("b"), TEXT("")))},
         .body = "{" M(TURN("user", "{\"text\":\"a\"},{\"text\":\"b\"}")) "}"},
        {"an answer goes on from no space", {CHAT(SAYS(USER, TEXT("a ")), SAYS(ASSISTANT, TEXT("b "), TEXT("c \\n")), SAYS(USER, TEXT(" ")))},
         .body = "{" M(TURN("user", "{\"text\":\"a \"}") "," TURN("assistant", "{\"text\":\"b \"},{\"text\":\"c\"}")) "}"},
        {"calls, their results first in the turn, one that failed",
         {CHAT(SAYS(USER, TEXT("q")), SAYS(ASSISTANT, f, PART(CALL, .id = T("call|2"), .name = T("g"), .args_text = T("{\\\"x"))),
               SAYS(USER, TEXT("so"), PART(RESULT, .id = T("1"), PARTS_OF(TEXT("x"), TEXT("y")))), SAYS(TOOL, PART(RESULT, .id = T("call|2"), .is_error = true))),
          TOOLS(TOOL("f", ""))},
         .body = "{" M(TURN("user", "{\"text\":\"q\"}") "," TURN("assistant", "{\"toolUse\":{\"toolUseId\":\"1\",\"name\":\"f\",\"input\":{\"a\":1.0}}},{\"toolUse\":{\"toolUseId\":\"call_2\",\"name\":\"g\",\"input\":{\"arguments\":\"{\\\"x\"}}}") ","
                 TURN("user", "{\"toolResult\":{\"toolUseId\":\"1\",\"content\":[{\"text\":\"x\"},{\"text\":\"y\"}]}},{\"toolResult\":{\"toolUseId\":\"call_2\",\"content\":[],\"status\":\"error\"}},{\"text\":\"so\"}"))
                 "," OF_TOOLS(SPEC("f", EMPTY)) "}}"},
        {"thoughts: signed, redacted, another maker's",
         {CHAT(SAYS(USER, TEXT("q")), SAYS(ASSISTANT, PART(THINKING, .text = T("t"), .signature = T("S+\\/=")), PART(REDACTED, .data = T("UkVE")), PART(THINKING, .text = T("u")), TEXT("a")))},
         .body = "{" M(TURN("user", "{\"text\":\"q\"}") "," TURN("assistant", "{\"reasoningContent\":{\"reasoningText\":{\"text\":\"t\",\"signature\":\"S+\\/=\"}}},{\"reasoningContent\":{\"redactedContent\":\"UkVE\"}},{\"text\":\"a\"}")) "}",
         .dropped = "reasoning_content "},
        {"where caches end", {CHAT(SAYS(SYSTEM, cached_long), SAYS(USER, cached))},
         .body = "{\"system\":[{\"text\":\"c\"},{\"cachePoint\":{\"type\":\"default\",\"ttl\":\"1h\"}}]," M(TURN("user", "{\"text\":\"c\"}," CACHE)) "}"},
        {"blocks of its own, and of another's", {CHAT(SAYS(USER, PART(RAW, .vendor = CHAT_BEDROCK, .raw = STR("{\"guardContent\":{}}")), PART(RAW, .vendor = CHAT_ANTHROPIC, .raw = STR("{}"))))},
         .body = "{" M(TURN("user", "{\"guardContent\":{}}")) "}", .dropped = "messages.content "},
        {"a custom tool's call", {CHAT(SAYS(USER, TEXT("q")), SAYS(ASSISTANT, PART(RAW, .vendor = CHAT_OPENAI, .id = T("c9"), .name = T("sh"), .args_text = T("ls"), .raw = STR("{}"))), SAYS(TOOL, PART(RESULT, .id = T("c9"), PARTS_OF(TEXT("x")))))},
         .body = "{" M(TURN("user", "{\"text\":\"q\"}") "," TURN("assistant", "{\"toolUse\":{\"toolUseId\":\"c9\",\"name\":\"sh\",\"input\":{\"arguments\":\"ls\"}}}") "," TURN("user", "{\"toolResult\":{\"toolUseId\":\"c9\",\"content\":[{\"text\":\"x\"}]}}")) "," OF_TOOLS(SPEC("sh", EMPTY)) "}}"},
        {"what it cannot say of a call, and another's block in a result",
         {CHAT(SAYS(USER, TEXT("q")), SAYS(ASSISTANT, PART(CALL, .id = T("1"), .name = T("f"), .signature = T("S"))), SAYS(TOOL, PART(RESULT, .id = T("1"), PARTS_OF(TEXT("x"), PART(RAW, .vendor = CHAT_ANTHROPIC, .raw = STR("{}")))))), TOOLS(TOOL("f", ""))},
         .body = "{" M(TURN("user", "{\"text\":\"q\"}") "," TURN("assistant", "{\"toolUse\":{\"toolUseId\":\"1\",\"name\":\"f\",\"input\":{}}}") "," TURN("user", "{\"toolResult\":{\"toolUseId\":\"1\",\"content\":[{\"text\":\"x\"}]}}")) "," OF_TOOLS(SPEC("f", EMPTY)) "}}",
         .dropped = "thought_signature messages.content "},
        {"what it cannot say", {CHAT({.role = CHAT_USER, .name = T("bob"), PARTS_OF(PART(TEXT, .text = T("hi"), .citations = STR("[]")))})}, .body = "{" USER_HI "}", .dropped = "messages.name citations "},
    };

    (void)state;
    check(rows, COUNTOF(rows));
}

static void R46_images_and_documents(void **state)
{
    const struct chat_row rows[] = {
        {"images", {CHAT(SAYS(USER, PART(IMAGE, .media_type = T("image/jpeg"), .data = T("AA==")), PART(IMAGE, .text = T("data:image\\/png;base64,BB"), .detail = STR("\"low\""))))},
         .body = "{" M(TURN("user", "{\"image\":{\"format\":\"jpeg\",\"source\":{\"bytes\":\"AA==\"}}},{\"image\":{\"format\":\"png\",\"source\":{\"bytes\":\"BB\"}}}")) "}", .dropped = "detail "},
        {"documents, by type and by name; their names differ",
         {CHAT(SAYS(USER, PART(FILE, .media_type = T("application/pdf"), .data = T("AA"), .file_name = T("a  b_c.pdf"), .citations = STR("{\"enabled\":true}")), PART(FILE, .data = T("BB"), .file_name = T("x.csv")), PART(FILE, .media_type = T("text/plain; charset=utf-8"), .data = T("CC"))))},
         .body = "{" M(TURN("user", "{\"document\":{\"format\":\"pdf\",\"name\":\"a b-c-pdf\",\"source\":{\"bytes\":\"AA\"},\"citations\":{\"enabled\":true}}},{\"document\":{\"format\":\"csv\",\"name\":\"x-csv (2)\",\"source\":{\"bytes\":\"BB\"}}},{\"document\":{\"format\":\"txt\",\"name\":\"document (3)\",\"source\":{\"bytes\":\"CC\"}}}")) "}"},
        {"in S3", {CHAT(SAYS(USER, PART(IMAGE, .text = T("s3://b/k.webp"))))}, .body = "{" M(TURN("user", "{\"image\":{\"format\":\"webp\",\"source\":{\"s3Location\":{\"uri\":\"s3://b/k.webp\"}}}}")) "}"},
        {"of a tool", {CHAT(SAYS(USER, PART(RESULT, .id = T("1"), PARTS_OF(PART(IMAGE, .media_type = T("image/gif"), .data = T("A")))))), TOOLS(TOOL("f", ""))},
         .body = "{" M(TURN("user", "{\"toolResult\":{\"toolUseId\":\"1\",\"content\":[{\"image\":{\"format\":\"gif\",\"source\":{\"bytes\":\"A\"}}}]}}")) "," OF_TOOLS(SPEC("f", EMPTY)) "}}"},
        {"elsewhere", {CHAT(SAYS(USER, PART(IMAGE, .text = T("https://x/y.png"))))}, .dropped = "does not fetch"},
        {"another maker's file", {CHAT(SAYS(USER, PART(FILE, .file_id = T("file-1"))))}, .dropped = "does not fetch"},
        {"a type it does not read", {CHAT(SAYS(USER, PART(FILE, .media_type = T("application/zip"), .data = T("A"))))}, .dropped = "no files of the type \"application/zip\""},
        {"a sound", {CHAT(SAYS(USER, PART(AUDIO, .media_type = T("audio/wav"), .data = T("A"))))}, .dropped = "no audio"},
    };

    (void)state;
    check(rows, COUNTOF(rows));
}

static void R45_inference(void **state)
{
    struct str stops[3] = {STR("\"a\\n\""), STR("\"b\""), STR("\" \\n\"")};
    const struct chat_row rows[] = {
        {"numbers as they were written", {HI, .max_tokens = STR("10"), .temperature = STR("0.10"), .top_p = STR("1e0"), .stop = stops, .stop_count = 2, .n = STR("1")},
         .body = WITH("\"inferenceConfig\":{\"maxTokens\":10,\"temperature\":0.10,\"topP\":1e0,\"stopSequences\":[\"a\\n\",\"b\"]}")},
        {"stops of nothing but spaces", {HI, .stop = stops + 2, .stop_count = 1}, .model = SONNET, .body = "{" USER_HI "}", .dropped = "stop "},
        {"which of Claude's stops it was is asked for", {HI, .stop = stops, .stop_count = 1}, .model = SONNET,
         .body = WITH("\"inferenceConfig\":{\"stopSequences\":[\"a\\n\"]},\"additionalModelResponseFieldPaths\":[\"/delta/stop_sequence\"]")},
        {"warmer than it goes", {HI, .temperature = STR("1.7")}, .body = WITH("\"inferenceConfig\":{\"temperature\":1}"), .dropped = "temperature "},
        {"a Claude that samples by one of two", {HI, .temperature = STR("0.5"), .top_p = STR("0.9")}, .model = SONNET, .body = WITH("\"inferenceConfig\":{\"temperature\":0.5}"), .dropped = "top_p "},
        {"a Claude that does not sample", {HI, .temperature = STR("0.5"), .top_p = STR("1"), .top_k = STR("4")}, .model = OPUS, .body = "{" USER_HI "}", .dropped = "temperature top_k "},
        {"top_k, in each maker's words", {HI, .top_k = STR("4")}, .model = SONNET, .body = WITH("\"additionalModelRequestFields\":{\"top_k\":4}")},
        {"Nova's", {HI, .top_k = STR("4")}, .body = WITH("\"additionalModelRequestFields\":{\"inferenceConfig\":{\"topK\":4}}")},
        {"nobody's", {HI, .top_k = STR("4")}, .model = "meta.llama3", .body = "{" USER_HI "}", .dropped = "top_k "},
        {"several answers", {HI, .n = STR("2")}, .dropped = "one answer"},
        {"JSON", {HI, .format = CHAT_FORMAT_JSON}, .body = "{" USER_HI "}", .dropped = "response_format "},
        {"a schema", {HI, .format = CHAT_FORMAT_SCHEMA, .schema = STR("{\n\"a\":\"\\n\"}"), .schema_name = T("s"), .schema_description = T("d")}, .model = SONNET,
         .body = WITH("\"outputConfig\":{\"textFormat\":{\"type\":\"json_schema\",\"structure\":{\"jsonSchema\":{\"schema\":\"{\\n\\\"a\\\":\\\"\\\\n\\\"}\",\"name\":\"s\",\"description\":\"d\"}}}}")},
        {"a schema for one that keeps to none", {HI, .format = CHAT_FORMAT_SCHEMA, .schema = STR("{}")}, .model = "anthropic.claude-3-haiku-20240307-v1:0", .dropped = "keeps to no JSON schema"},
        {"tiers", {HI, .service_tier = T("flex")}, .body = WITH("\"serviceTier\":{\"type\":\"flex\"}")},
        {"Anthropic's", {HI, .service_tier = T("standard_only")}, .body = WITH("\"serviceTier\":{\"type\":\"default\"}")},
        {"as it sees fit", {HI, .service_tier = T("auto")}, .body = "{" USER_HI "}"},
        {"what has no word there", {HI, .seed = STR("1"), .presence_penalty = STR("0"), .frequency_penalty = STR("0.5"), .logprobs = STR("true"), .top_logprobs = STR("3"), .user = T("u"), .metadata = STR("{\"a\":\"b\"}"), .service_tier = T("scale")},
         .body = "{" USER_HI "}", .dropped = "seed frequency_penalty logprobs top_logprobs user metadata service_tier "},
        {"members of its own, and of another", {HI, .top_k = STR("1"), .extra_count = 4, .extra = {
             {CHAT_BEDROCK, STR("guardrailConfig"), STR("{\"x\":1}")}, {CHAT_BEDROCK, STR("additionalModelRequestFields"), STR("{\"y\":2}")},
             {CHAT_BEDROCK, STR("system"), STR("[]")}, {CHAT_OPENAI, STR("store"), STR("true")}}}, .model = SONNET,
         .body = WITH("\"additionalModelRequestFields\":{\"top_k\":1,\"y\":2},\"guardrailConfig\":{\"x\":1}"), .dropped = "system store "},
    };

    (void)state;
    check(rows, COUNTOF(rows));
}

#define THINKS(budget) "\"additionalModelRequestFields\":{\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":" budget "}}"

static void R45_thinking(void **state)
{
    const struct chat_row rows[] = {
        {"a word, as tokens", {HI, .max_tokens = STR("20000"), .reasoning.effort = T("low")}, .model = SONNET, .body = WITH("\"inferenceConfig\":{\"maxTokens\":20000}," THINKS("2048"))},
        {"tokens", {HI, .max_tokens = STR("9000"), .temperature = STR("0.5"), .reasoning = {.on = CHAT_YES, .budget = STR("8000")}}, .model = SONNET,
         .body = WITH("\"inferenceConfig\":{\"maxTokens\":9000}," THINKS("8000")), .dropped = "temperature "},
        {"a budget needs a limit above it", {HI, .reasoning.effort = T("low")}, .model = SONNET, .body = WITH("\"inferenceConfig\":{\"maxTokens\":32000}," THINKS("2048"))},
        {"a Claude of now", {HI, .reasoning.effort = T("medium")}, .model = OPUS, .body = WITH("\"additionalModelRequestFields\":{\"thinking\":{\"type\":\"adaptive\"},\"output_config\":{\"effort\":\"medium\"}}")},
        {"not at all", {HI, .reasoning.effort = T("none")}, .model = SONNET, .body = "{" USER_HI "}"},
        {"gpt-oss", {HI, .reasoning.effort = T("minimal")}, .model = "openai.gpt-oss-120b-1:0", .body = WITH("\"additionalModelRequestFields\":{\"reasoning_effort\":\"low\"}")},
        {"Nova 2", {HI, .reasoning.effort = T("xhigh")}, .model = "amazon.nova-2-lite-v1:0", .body = WITH("\"additionalModelRequestFields\":{\"reasoningConfig\":{\"type\":\"enabled\",\"maxReasoningEffort\":\"high\"}}")},
        {"one that cannot be told", {HI, .reasoning.effort = T("high")}, .body = "{" USER_HI "}", .dropped = "reasoning_effort "},
        {"one that cannot be told in tokens", {HI, .reasoning = {.on = CHAT_YES, .budget = STR("5000")}}, .model = "deepseek.r1-v1:0", .body = "{" USER_HI "}", .dropped = "thinking "},
    };

    (void)state;
    check(rows, COUNTOF(rows));
}

static void R45_tools(void **state)
{
    const struct chat_part f = PART(CALL, .id = T("1"), .name = T("f"));
    const struct chat_row rows[] = {
        {"schemas in every way of writing them", {HI, TOOLS({.name = T("f"), .description = T("d"), .schema = STR("{\"type\":\"object\",\"$x\":1}"), .strict = true, .has_strict = true}, TOOL("g", "{\"properties\":{}}"), TOOL("h", "{}"), TOOL("i", ""))},
         .body = WITH(OF_TOOLS("{\"toolSpec\":{\"name\":\"f\",\"description\":\"d\",\"inputSchema\":{\"json\":{\"type\":\"object\",\"$x\":1}},\"strict\":true}}," SPEC("g", "{\"type\":\"object\",\"properties\":{}}") "," SPEC("h", EMPTY) "," SPEC("i", EMPTY)) "}")},
        {"a cache behind them", {HI, TOOLS({.name = T("f"), .cache_control = STR("{}")})}, .body = WITH(OF_TOOLS(SPEC("f", EMPTY) "," CACHE) "}")},
        {"auto", {HI, TOOLS(TOOL("f", "")), .choice = CHAT_CHOICE_AUTO}, .body = WITH(OF_TOOLS(SPEC("f", EMPTY)) ",\"toolChoice\":{\"auto\":{}}}")},
        {"any", {HI, TOOLS(TOOL("f", "")), .choice = CHAT_CHOICE_ANY}, .body = WITH(OF_TOOLS(SPEC("f", EMPTY)) ",\"toolChoice\":{\"any\":{}}}")},
        {"named", {HI, TOOLS(TOOL("f", "")), .choice = CHAT_CHOICE_NAMED, .choice_name = T("f")}, .body = WITH(OF_TOOLS(SPEC("f", EMPTY)) ",\"toolChoice\":{\"tool\":{\"name\":\"f\"}}}")},
        {"none: none is offered", {HI, TOOLS(TOOL("f", "")), .choice = CHAT_CHOICE_NONE}, .body = "{" USER_HI "}"},
        {"one at a time", {HI, TOOLS(TOOL("f", "")), .parallel_calls = CHAT_NO}, .body = WITH(OF_TOOLS(SPEC("f", EMPTY)) "}"), .dropped = "parallel_tool_calls "},
        {"none, but some were called", {CHAT(SAYS(USER, TEXT("q")), SAYS(ASSISTANT, f)), TOOLS(TOOL("f", "")), .choice = CHAT_CHOICE_NONE},
         .body = "{" M(TURN("user", "{\"text\":\"q\"}") "," TURN("assistant", "{\"toolUse\":{\"toolUseId\":\"1\",\"name\":\"f\",\"input\":{}}}")) "," OF_TOOLS(SPEC("f", EMPTY)) "}}", .dropped = "tool_choice "},
        {"called, and offered no more", {CHAT(SAYS(ASSISTANT, f, f))},
         .body = "{" M(TURN("assistant", "{\"toolUse\":{\"toolUseId\":\"1\",\"name\":\"f\",\"input\":{}}},{\"toolUse\":{\"toolUseId\":\"1\",\"name\":\"f\",\"input\":{}}}")) "," OF_TOOLS(SPEC("f", EMPTY)) "}}"},
        {"a tool of another's", {HI, TOOLS({.vendor = CHAT_OPENAI, .raw = STR("{\"type\":\"web_search\"}")})}, .dropped = "tools[0] is of a kind that"},
    };

    (void)state;
    check(rows, COUNTOF(rows));
}
/* clang-format on */

static void the_path_has_the_model_in_it(void **state)
{
    struct arena a = {.max = 0};

    (void)state;
    assert_true(str_eq(
        dialect_bedrock.path(&a, &(struct chat_request){.model = STR("a.b-v1:0"), .stream = true}),
        STR("/model/a.b-v1%3A0/converse-stream")));
    assert_true(
        str_eq(dialect_bedrock.path(&a, &(struct chat_request){.model = STR("arn:aws:b:r:1:p/x")}),
               STR("/model/arn%3Aaws%3Ab%3Ar%3A1%3Ap%2Fx/converse")));
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R46_messages),  cmocka_unit_test(R46_images_and_documents),
        cmocka_unit_test(R45_inference), cmocka_unit_test(R45_thinking),
        cmocka_unit_test(R45_tools),     cmocka_unit_test(the_path_has_the_model_in_it),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    arena_thread_done();
    return failed;
}
