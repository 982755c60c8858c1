/* How a chat is said to Gemini. SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "llm/gemini_part.h"

#include "unit/llm/chat_rows.h"

#define USER_HI "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}]"
#define CONFIG(members) USER_HI ",\"generationConfig\":{" members "}}"

/* clang-format off */
static void R46_messages(void **state)
{
    const struct chat_row rows[] = {
        {"a word", {HI}, .body = USER_HI "}"},
        {"escapes stay as they were", {CHAT(SAYS(USER, TEXT("\\u00e4\\n\\\"\\ud800")))},
         .body = "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"\\u00e4\\n\\\"\\ud800\"}]}]}"},
        {"instructions at the front", {CHAT(SAYS(SYSTEM, TEXT("a"), TEXT("b")), SAYS(DEVELOPER, TEXT("c")), SAYS(USER, TEXT("hi")))},
         .body = "{\"systemInstruction\":{\"parts\":[{\"text\":\"a\"},{\"text\":\"b\"},{\"text\":\"c\"}]},"
                 "\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}]}"},
        {"instructions in the middle stay there", {CHAT(SAYS(USER, TEXT("hi")), SAYS(ASSISTANT, TEXT("ho")), SAYS(SYSTEM, TEXT("s")), SAYS(USER, TEXT("u")))},
         .body = "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]},{\"role\":\"model\",\"parts\":[{\"text\":\"ho\"}]},"
                 "{\"role\":\"user\",\"parts\":[{\"text\":\"s\"},{\"text\":\"u\"}]}]}"},
        {"nothing but instructions", {CHAT(SAYS(SYSTEM, TEXT("hi")))}, .body = USER_HI "}"},
        {"empty messages are none", {CHAT(SAYS(USER, TEXT("")), SAYS(ASSISTANT, TEXT("")), SAYS(USER, TEXT("hi")))}, .body = USER_HI "}"},
        {"but there is one", {CHAT(SAYS(USER, TEXT("")))}, .body = "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"\"}]}]}"},
        {"turns of one side are one", {CHAT(SAYS(USER, TEXT("a")), SAYS(USER, TEXT("b")), SAYS(ASSISTANT, TEXT("c")), SAYS(ASSISTANT, PART(REFUSAL, .text = T("d"))))},
         .body = "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"a\"},{\"text\":\"b\"}]},{\"role\":\"model\",\"parts\":[{\"text\":\"c\"},{\"text\":\"d\"}]}]}"},
        {"a name", {CHAT({.role = CHAT_USER, .name = T("bob"), PARTS_OF(TEXT("hi"))})}, .body = USER_HI "}", .dropped = "messages.name "},
        {"marks of Anthropic's", {CHAT(SAYS(USER, PART(TEXT, .text = T("hi"), .cache_control = STR("{}"), .citations = STR("[]"))))},
         .body = USER_HI "}", .dropped = "cache_control citations "},
        {"media",
         {CHAT(SAYS(USER, PART(IMAGE, .media_type = T("image/png"), .data = T("AAAA"), .detail = STR("\"auto\"")), PART(IMAGE, .text = T("data:image/gif;base64,BBBB")),
                    PART(IMAGE, .text = T("https://x/a.JPG?b=c")), PART(IMAGE, .text = T("https://x/a")),
                    PART(AUDIO, .media_type = T("audio/mp3"), .data = T("CCCC")), PART(FILE, .data = T("DDDD")), PART(FILE, .file_id = T("https://g/files/1"), .media_type = T("text/csv"))))},
         .body = "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"AAAA\"}},"
                 "{\"inlineData\":{\"mimeType\":\"image/gif\",\"data\":\"BBBB\"}},{\"fileData\":{\"mimeType\":\"image/jpeg\",\"fileUri\":\"https://x/a.JPG?b=c\"}},"
                 "{\"fileData\":{\"fileUri\":\"https://x/a\"}},{\"inlineData\":{\"mimeType\":\"audio/mp3\",\"data\":\"CCCC\"}},"
                 "{\"inlineData\":{\"mimeType\":\"application/pdf\",\"data\":\"DDDD\"}},{\"fileData\":{\"mimeType\":\"text/csv\",\"fileUri\":\"https://g/files/1\"}}]}]}"},
        {"what media cannot say", {CHAT(SAYS(USER, TEXT("hi"), PART(IMAGE, .text = T("gs://b/o"), .detail = STR("\"high\"")), PART(FILE, .data = T("A"), .file_name = T("f"))))},
         .body = "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"},{\"fileData\":{\"fileUri\":\"gs://b/o\"}},{\"inlineData\":{\"mimeType\":\"application/pdf\",\"data\":\"A\"}}]}]}",
         .dropped = "detail filename "},
        {"a file of another provider's", {CHAT(SAYS(USER, PART(FILE, .file_id = T("file-1"))))}, .dropped = "file's id of another provider"},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++)
        chat_row_check(&dialect_gemini, &rows[i]);
}

#define TURN_OF_CALLS(first, more) "{\"contents\":[{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"id\":\"1\",\"name\":\"f\",\"args\":{\"a\":1.0}}" first "}" more "]}"

static void R46_tool_calls_and_thoughts(void **state)
{
    const struct chat_part f = PART(CALL, .id = T("1"), .name = T("f"), .args = STR("{\"a\":1.0}"));
    const struct chat_part g = PART(CALL, .id = T("2"), .name = T("g"));
    const struct chat_part signed_f = PART(CALL, .id = T("1"), .name = T("f"), .args = STR("{\"a\":1.0}"), .signature = T("S\\/+="));
    const struct chat_row rows[] = {
        {"calls and their results, each by the name of its call",
         {CHAT(SAYS(ASSISTANT, f, g), SAYS(TOOL, PART(RESULT, .id = T("2"), PARTS_OF(TEXT("x"), TEXT("y")))), SAYS(TOOL, PART(RESULT, .id = T("1"), .is_error = true, PARTS_OF(TEXT("no")))))},
         .body = TURN_OF_CALLS("", ",{\"functionCall\":{\"id\":\"2\",\"name\":\"g\",\"args\":{}}}")
                 ",{\"role\":\"user\",\"parts\":[{\"functionResponse\":{\"id\":\"2\",\"name\":\"g\",\"response\":{\"result\":\"x\\ny\"}}},"
                 "{\"functionResponse\":{\"id\":\"1\",\"name\":\"f\",\"response\":{\"error\":\"no\"}}}]}]}"},
        {"an id that comes again is of the nearest call",
         {CHAT(SAYS(ASSISTANT, PART(CALL, .id = T("1"), .name = T("old"))), SAYS(ASSISTANT, PART(CALL, .id = T("1"), .name = T("new"))), SAYS(TOOL, PART(RESULT, .id = T("1"))))},
         .body = "{\"contents\":[{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"id\":\"1\",\"name\":\"old\",\"args\":{}}},{\"functionCall\":{\"id\":\"1\",\"name\":\"new\",\"args\":{}}}]},"
                 "{\"role\":\"user\",\"parts\":[{\"functionResponse\":{\"id\":\"1\",\"name\":\"new\",\"response\":{\"result\":\"\"}}}]}]}"},
        {"a result of nothing", {CHAT(SAYS(USER, TEXT("hi")), SAYS(TOOL, PART(RESULT, .id = T("9"))))}, .dropped = "messages[1] is the result of a tool call that no message"},
        {"a custom tool's call", {CHAT(SAYS(ASSISTANT, PART(RAW, .vendor = CHAT_OPENAI, .id = T("c9"), .name = T("sh"), .args_text = T("ls"), .raw = STR("{}"))), SAYS(TOOL, PART(RESULT, .id = T("c9"), PARTS_OF(TEXT("x")))))},
         .body = "{\"contents\":[{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"id\":\"c9\",\"name\":\"sh\",\"args\":{\"arguments\":\"ls\"}}}]},{\"role\":\"user\",\"parts\":[{\"functionResponse\":{\"id\":\"c9\",\"name\":\"sh\",\"response\":{\"result\":\"x\"}}}]}]}"},
        {"what is marked in a result", {CHAT(SAYS(TOOL, PART(RESULT, .name = T("f"), PARTS_OF(PART(TEXT, .text = T("x"), .cache_control = STR("{}"), .citations = STR("[]"))))))},
         .body = "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"functionResponse\":{\"name\":\"f\",\"response\":{\"result\":\"x\"}}}]}]}", .dropped = "cache_control citations "},
        {"a result with a picture", {CHAT(SAYS(TOOL, PART(RESULT, .name = T("f"), PARTS_OF(TEXT("x"), PART(IMAGE, .media_type = T("image/png"), .data = T("AA"))))))},
         .body = "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"functionResponse\":{\"name\":\"f\",\"response\":{\"result\":\"x\"}}},{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"AA\"}}]}]}"},
        {"arguments that were no JSON", {CHAT(SAYS(ASSISTANT, PART(CALL, .name = T("f"), .args_text = T("{\\\"a\\\":"))))},
         .body = "{\"contents\":[{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"name\":\"f\",\"args\":{\"arguments\":\"{\\\"a\\\":\"}}}]}]}"},
        {"a signature on its part, byte for byte", {CHAT(SAYS(ASSISTANT, signed_f, g))}, "gemini-3-pro-preview",
         .body = TURN_OF_CALLS(",\"thoughtSignature\":\"S\\/+=\"", ",{\"functionCall\":{\"id\":\"2\",\"name\":\"g\",\"args\":{}}}") "]}"},
        {"Gemini 3 wants one on the first call", {CHAT(SAYS(ASSISTANT, f, g), SAYS(TOOL, PART(RESULT, .id = T("1"))), SAYS(ASSISTANT, g))}, "gemini-3.1-flash",
         .body = TURN_OF_CALLS(",\"thoughtSignature\":\"skip_thought_signature_validator\"", ",{\"functionCall\":{\"id\":\"2\",\"name\":\"g\",\"args\":{}}}")
                 ",{\"role\":\"user\",\"parts\":[{\"functionResponse\":{\"id\":\"1\",\"name\":\"f\",\"response\":{\"result\":\"\"}}}]},"
                 "{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"id\":\"2\",\"name\":\"g\",\"args\":{}},\"thoughtSignature\":\"skip_thought_signature_validator\"}]}]}"},
        {"thoughts", {CHAT(SAYS(ASSISTANT, PART(THINKING, .text = T("t"), .signature = T("S")), PART(THINKING, .text = T("u")), PART(THINKING, .text = T("")), PART(REDACTED, .data = T("x")), TEXT("a"), PART(THINKING, .text = T(""), .signature = T("S2"))))},
         .body = "{\"contents\":[{\"role\":\"model\",\"parts\":[{\"text\":\"t\",\"thought\":true,\"thoughtSignature\":\"S\"},{\"text\":\"u\",\"thought\":true},{\"text\":\"a\"},{\"text\":\"\",\"thoughtSignature\":\"S2\"}]}]}",
         .dropped = "redacted_thinking "},
        {"a signed text", {CHAT(SAYS(ASSISTANT, PART(TEXT, .text = T("a"), .signature = T("S"))))},
         .body = "{\"contents\":[{\"role\":\"model\",\"parts\":[{\"text\":\"a\",\"thoughtSignature\":\"S\"}]}]}"},
        {"blocks of its own and of others", {CHAT(SAYS(ASSISTANT, PART(RAW, .vendor = CHAT_GEMINI, .raw = STR("{\"executableCode\":{}}")), PART(RAW, .vendor = CHAT_ANTHROPIC, .raw = STR("{\"type\":\"x\"}"))))},
         .body = "{\"contents\":[{\"role\":\"model\",\"parts\":[{\"executableCode\":{}}]}]}", .dropped = "messages.content "},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++)
        chat_row_check(&dialect_gemini, &rows[i]);
}

static void R45_generation_config(void **state)
{
    struct str stops[6] = {STR("\"a\\n\""), STR("\"b\""), STR("\"c\""), STR("\"d\""), STR("\"e\""), STR("\"f\"")};
    const struct chat_row rows[] = {
        {"numbers as they were written", {HI, .max_tokens = STR("10"), .temperature = STR("0.10"), .top_p = STR("1e0"), .top_k = STR("4"), .n = STR("2"),
             .presence_penalty = STR("-0.5"), .frequency_penalty = STR("0.5"), .seed = STR("-7")},
         .body = CONFIG("\"maxOutputTokens\":10,\"temperature\":0.10,\"topP\":1e0,\"topK\":4,\"candidateCount\":2,\"presencePenalty\":-0.5,\"frequencyPenalty\":0.5,\"seed\":-7")},
        {"a seed of 31 bits", {HI, .seed = STR("2147483647")}, .body = CONFIG("\"seed\":2147483647")},
        {"a longer one", {HI, .seed = STR("2147483648")}, .body = USER_HI "}", .dropped = "seed "},
        {"five stops", {HI, .stop = stops, .stop_count = 5}, .body = CONFIG("\"stopSequences\":[\"a\\n\",\"b\",\"c\",\"d\",\"e\"]")},
        {"six stops", {HI, .stop = stops, .stop_count = 6}, .dropped = "at most 5 stop sequences, there are 6"},
        {"JSON", {HI, .format = CHAT_FORMAT_JSON}, .body = CONFIG("\"responseMimeType\":\"application/json\"")},
        {"a schema", {HI, .format = CHAT_FORMAT_SCHEMA, .schema_name = T("n"), .schema_description = T("d"), .schema_strict = CHAT_YES,
             .schema = STR("{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}},\"required\":[\"a\"],\"additionalProperties\":false}")},
         .body = CONFIG("\"responseMimeType\":\"application/json\",\"responseSchema\":{\"type\":\"OBJECT\",\"properties\":{\"a\":{\"type\":\"STRING\"}},\"required\":[\"a\"]}"), .dropped = "response_format.description "},
        {"what has no word there", {HI, .logprobs = STR("true"), .top_logprobs = STR("3"), .parallel_calls = CHAT_NO, .user = T("u"), .metadata = STR("{\"a\":\"b\"}"), .service_tier = T("flex")},
         .body = USER_HI "}", .dropped = "parallel_tool_calls user metadata service_tier logprobs top_logprobs "},
        {"what says nothing", {HI, .logprobs = STR("false"), .parallel_calls = CHAT_YES, .metadata = STR("{}"), .service_tier = T("auto")}, .body = USER_HI "}"},
        {"members of its own alone", {HI, .extra_count = 1, .extra = {{CHAT_GEMINI, STR("cachedContent"), STR("\"c\"")}}}, .body = USER_HI ",\"cachedContent\":\"c\"}"},
        {"members of its own, and of another", {HI, .temperature = STR("1"), .extra_count = 5, .extra = {
             {CHAT_GEMINI, STR("safetySettings"), STR("[]")}, {CHAT_GEMINI, STR("cachedContent"), STR("\"c\"")},
             {CHAT_GEMINI, STR("generationConfig"), STR("{\"mediaResolution\":\"M\"}")}, {CHAT_GEMINI, STR("contents"), STR("[]")}, {CHAT_OPENAI, STR("store"), STR("true")}}},
         .body = USER_HI ",\"generationConfig\":{\"temperature\":1,\"mediaResolution\":\"M\"},\"safetySettings\":[],\"cachedContent\":\"c\"}", .dropped = "contents store "},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++)
        chat_row_check(&dialect_gemini, &rows[i]);
}

#define BUDGET(n) CONFIG("\"thinkingConfig\":{\"thinkingBudget\":" n "}")
#define LEVEL(l) CONFIG("\"thinkingConfig\":{\"thinkingLevel\":\"" l "\"}")

static void R45_thinking(void **state)
{
    const struct chat_row rows[] = {
        {"2.5, a word", {HI, .reasoning.effort = T("low")}, .body = BUDGET("2048")},
        {"2.5, the most", {HI, .reasoning.effort = T("max")}, .body = BUDGET("24576")},
        {"2.5 pro, the most", {HI, .reasoning.effort = T("max")}, "gemini-2.5-pro", .body = BUDGET("32768")},
        {"2.5, none", {HI, .reasoning.effort = T("none")}, .body = BUDGET("0")},
        {"2.5 pro cannot stop", {HI, .reasoning.on = CHAT_NO}, "models/gemini-2.5-pro", .body = BUDGET("128")},
        {"2.5, tokens", {HI, .reasoning = {.budget = STR("5000"), .on = CHAT_YES, .show = CHAT_YES}}, .body = CONFIG("\"thinkingConfig\":{\"thinkingBudget\":5000,\"includeThoughts\":true}")},
        {"2.5, more tokens than it takes", {HI, .reasoning.budget = STR("100000")}, .body = BUDGET("24576")},
        {"2.5, as it sees fit", {HI, .reasoning = {.on = CHAT_YES, .adaptive = true}}, .body = BUDGET("-1")},
        {"3, a word", {HI, .reasoning.effort = T("medium")}, "gemini-3-flash-preview", .body = LEVEL("medium")},
        {"3 pro has no medium", {HI, .reasoning.effort = T("medium")}, "gemini-3-pro-preview", .body = LEVEL("high")},
        {"3.1 pro has", {HI, .reasoning.effort = T("medium")}, "gemini-3.1-pro-preview", .body = LEVEL("medium")},
        {"3, the most", {HI, .reasoning.effort = T("xhigh")}, "gemini-3-flash", .body = LEVEL("high")},
        {"3, as little as it can", {HI, .reasoning.effort = T("none")}, "gemini-3-flash", .body = LEVEL("minimal")},
        {"3 pro, as little as it can", {HI, .reasoning.on = CHAT_NO}, "gemini-3-pro", .body = LEVEL("low")},
        {"3, tokens", {HI, .reasoning.budget = STR("5000")}, "gemini-3-flash", .body = BUDGET("5000")},
        {"only to be shown", {HI, .reasoning.show = CHAT_YES}, "gemini-3-flash", .body = CONFIG("\"thinkingConfig\":{\"includeThoughts\":true}")},
        {"2.0 does not think", {HI, .reasoning.effort = T("low")}, "gemini-2.0-flash", .body = USER_HI "}", .dropped = "reasoning_effort "},
        {"2.0, thinking", {HI, .reasoning.on = CHAT_YES}, "gemini-2.0-flash", .body = USER_HI "}", .dropped = "thinking "},
        {"2.0, none is what it does", {HI, .reasoning.effort = T("none")}, "gemini-2.0-flash", .body = USER_HI "}"},
        {"the latest", {HI, .reasoning.effort = T("high")}, "gemini-flash-latest", .body = LEVEL("high")},
        {"the latest of another name", {HI, .reasoning.effort = T("high")}, "gemma-latest", .body = BUDGET("24576")},
        {"a model with another name", {HI, .reasoning.effort = T("high")}, "learnlm", .body = BUDGET("24576")},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++)
        chat_row_check(&dialect_gemini, &rows[i]);
}

#define F "\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\"}]}]"
#define MODE(m) ",\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"" m "\"}}}"

static void R45_tools(void **state)
{
    const struct chat_row rows[] = {
        {"functions", {HI, TOOLS({.name = T("f"), .description = T("d\\n"), .schema = STR("{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"}}}")}, TOOL("g", "{\"type\":\"object\",\"properties\":{}}"))},
         .body = USER_HI ",\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\",\"description\":\"d\\n\",\"parameters\":{\"type\":\"OBJECT\",\"properties\":{\"a\":{\"type\":\"INTEGER\"}}}},{\"name\":\"g\"}]}]}"},
        {"auto", {HI, TOOLS(TOOL("f", "")), .choice = CHAT_CHOICE_AUTO}, .body = USER_HI "," F MODE("AUTO")},
        {"any", {HI, TOOLS(TOOL("f", "")), .choice = CHAT_CHOICE_ANY}, .body = USER_HI "," F MODE("ANY")},
        {"none", {HI, TOOLS(TOOL("f", "")), .choice = CHAT_CHOICE_NONE}, .body = USER_HI "," F MODE("NONE")},
        {"named", {HI, TOOLS(TOOL("f", "")), .choice = CHAT_CHOICE_NAMED, .choice_name = T("f")},
         .body = USER_HI "," F ",\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"ANY\",\"allowedFunctionNames\":[\"f\"]}}}"},
        {"none of none", {HI, .choice = CHAT_CHOICE_NONE}, .body = USER_HI "}"},
        {"what functions cannot say", {HI, TOOLS({.name = T("f"), .strict = true, .has_strict = true, .cache_control = STR("{}")})}, .body = USER_HI "," F "}", .dropped = "cache_control tools.strict "},
        {"a tool of its own", {HI, TOOLS({.vendor = CHAT_GEMINI, .raw = STR("{\"googleSearch\":{}}")}, TOOL("f", ""))},
         .body = USER_HI ",\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\"}]},{\"googleSearch\":{}}]}"},
        {"a tool of another's", {HI, TOOLS({.vendor = CHAT_OPENAI, .raw = STR("{\"type\":\"web_search\"}")})}, .dropped = "tools[0] is of a kind that"},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++)
        chat_row_check(&dialect_gemini, &rows[i]);
}

/* ---- schemas ---- */

#define N50(x) x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x

static const struct schema_row {
    const char *from, *to, *dropped; /* `to` NULL: refused */
} schemas[] = {
    {"{\"type\":\"string\",\"title\":\"t\",\"description\":\"\\u00e4\",\"default\":\"d\",\"minLength\":1,\"maxLength\":2,\"pattern\":\"^a\"}",
     "{\"type\":\"STRING\",\"title\":\"t\",\"description\":\"\\u00e4\",\"default\":\"d\",\"minLength\":1,\"maxLength\":2,\"pattern\":\"^a\"}", ""},
    {"{\"type\":\"number\",\"minimum\":0.10,\"maximum\":1e3,\"format\":\"double\"}", "{\"type\":\"NUMBER\",\"format\":\"double\",\"minimum\":0.10,\"maximum\":1e3}", ""},
    {"{\"type\":\"string\",\"format\":\"date-time\"}", "{\"type\":\"STRING\",\"format\":\"date-time\"}", ""},
    {"{\"type\":\"string\",\"format\":\"uuid\"}", "{\"type\":\"STRING\"}", "schema.format "},
    {"{\"type\":\"integer\",\"format\":\"double\"}", "{\"type\":\"INTEGER\"}", "schema.format "},
    {"{\"properties\":{" N50("\"a\":{},") "\"b\":{}}}", "{\"type\":\"OBJECT\",\"properties\":{" N50("\"a\":{\"type\":\"OBJECT\"},") "\"b\":{\"type\":\"OBJECT\"}}}", ""},
    {"{\"type\":[\"string\",\"null\"]}", "{\"type\":\"STRING\",\"nullable\":true}", ""},
    {"{\"type\":[\"string\",\"integer\",\"array\",\"null\"]}", "{\"anyOf\":[{\"type\":\"STRING\"},{\"type\":\"INTEGER\"},{\"type\":\"ARRAY\",\"items\":{\"type\":\"OBJECT\"}}],\"nullable\":true}", ""},
    {"{\"type\":\"string\",\"nullable\":true}", "{\"type\":\"STRING\",\"nullable\":true}", ""},
    {"{\"enum\":[\"a\",\"b\",null]}", "{\"type\":\"STRING\",\"nullable\":true,\"enum\":[\"a\",\"b\"]}", ""},
    {"{\"type\":\"integer\",\"enum\":[1,2]}", "{\"type\":\"INTEGER\"}", "schema.enum "},
    {"{\"const\":\"a\"}", "{\"type\":\"STRING\",\"enum\":[\"a\"]}", ""},
    {"{\"const\":2.0}", "{\"type\":\"NUMBER\",\"minimum\":2.0,\"maximum\":2.0}", ""},
    {"{\"const\":true}", "{\"type\":\"BOOLEAN\"}", "schema.const "},
    {"{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}],\"description\":\"d\"}", "{\"type\":\"STRING\",\"nullable\":true,\"description\":\"d\"}", ""},
    {"{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"number\"},{\"type\":\"null\"}]}", "{\"anyOf\":[{\"type\":\"STRING\"},{\"type\":\"NUMBER\"}],\"nullable\":true}", ""},
    {"{\"oneOf\":[{\"const\":\"a\"},{\"type\":\"object\",\"properties\":{\"b\":{\"type\":\"boolean\"}}}]}",
     "{\"anyOf\":[{\"type\":\"STRING\",\"enum\":[\"a\"]},{\"type\":\"OBJECT\",\"properties\":{\"b\":{\"type\":\"BOOLEAN\"}}}]}", ""},
    {"{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}},\"anyOf\":[{\"required\":[\"a\"]},{\"required\":[\"b\"]}]}",
     "{\"type\":\"OBJECT\",\"properties\":{\"a\":{\"type\":\"STRING\"}}}", "schema.anyOf "},
    {"{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"minItems\":1,\"maxItems\":2,\"uniqueItems\":true}",
     "{\"type\":\"ARRAY\",\"items\":{\"type\":\"STRING\"},\"minItems\":1,\"maxItems\":2}", "schema.uniqueItems "},
    {"{\"type\":\"array\"}", "{\"type\":\"ARRAY\",\"items\":{\"type\":\"OBJECT\"}}", ""},
    {"{\"type\":\"array\",\"items\":[{\"type\":\"string\"},{\"type\":\"number\"}]}", "{\"type\":\"ARRAY\",\"items\":{\"anyOf\":[{\"type\":\"STRING\"},{\"type\":\"NUMBER\"}]}}", "schema.prefixItems "},
    {"{\"properties\":{\"a\":true,\"b\":{}},\"required\":[\"a\",\"c\",\"b\"]}", "{\"type\":\"OBJECT\",\"properties\":{\"a\":{\"type\":\"OBJECT\"},\"b\":{\"type\":\"OBJECT\"}},\"required\":[\"a\",\"b\"]}", ""},
    {"{\"type\":\"object\",\"properties\":{\"type\":{\"type\":\"string\"},\"$ref\":{\"type\":\"string\"}}}", "{\"type\":\"OBJECT\",\"properties\":{\"type\":{\"type\":\"STRING\"},\"$ref\":{\"type\":\"STRING\"}}}", ""},
    {"{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"},\"patternProperties\":{}}", "{\"type\":\"OBJECT\"}", "schema.additionalProperties schema.patternProperties "},
    {"{\"type\":\"object\",\"additionalProperties\":true,\"$schema\":\"s\",\"$id\":\"i\",\"$comment\":\"c\",\"examples\":[1],\"readOnly\":true}", "{\"type\":\"OBJECT\"}", ""},
    {"{\"type\":\"integer\",\"exclusiveMinimum\":0,\"multipleOf\":2,\"not\":{}}", "{\"type\":\"INTEGER\"}", "schema.exclusiveMinimum schema.multipleOf schema.not "},
    {"{\"$ref\":\"#/$defs/a%20b~1c\",\"$defs\":{\"a b/c\":{\"type\":\"string\",\"description\":\"there\"}},\"description\":\"here\"}", "{\"type\":\"STRING\",\"description\":\"here\"}", ""},
    {"{\"properties\":{\"a\":{\"$ref\":\"#/definitions/x\"},\"b\":{\"$ref\":\"#/definitions/x\"}},\"definitions\":{\"x\":{\"$ref\":\"#/definitions/y\"},\"y\":{\"type\":\"number\"}}}",
     "{\"type\":\"OBJECT\",\"properties\":{\"a\":{\"type\":\"NUMBER\"},\"b\":{\"type\":\"NUMBER\"}}}", ""},
    {"{\"type\":\"object\",\"properties\":{\"next\":{\"$ref\":\"#\"},\"v\":{\"type\":\"string\"}}}",
     "{\"type\":\"OBJECT\",\"properties\":{\"next\":{\"type\":\"OBJECT\",\"properties\":{\"next\":{\"type\":\"OBJECT\"},\"v\":{\"type\":\"STRING\"}}},\"v\":{\"type\":\"STRING\"}}}", "schema.$ref "},
    {"{\"$ref\":\"http://x/y\"}", "{\"type\":\"OBJECT\"}", "schema.$ref "},
    {"{\"$ref\":\"#/$defs/none\"}", "{\"type\":\"OBJECT\"}", "schema.$ref "},
    {"{\"allOf\":[{\"$ref\":\"#/$defs/x\"},{\"properties\":{\"b\":{\"type\":\"string\"}},\"required\":[\"b\"]}],\"$defs\":{\"x\":{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}},\"required\":[\"a\"]}}}",
     "{\"type\":\"OBJECT\",\"properties\":{\"a\":{\"type\":\"STRING\"},\"b\":{\"type\":\"STRING\"}},\"required\":[\"a\",\"b\"]}", ""},
    {"{\"properties\":{\"o\":{\"anyOf\":[{\"$ref\":\"#/$defs/x\"},{\"type\":\"null\"}]}},\"$defs\":{\"x\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}}}}",
     "{\"type\":\"OBJECT\",\"properties\":{\"o\":{\"type\":\"ARRAY\",\"nullable\":true,\"items\":{\"type\":\"STRING\"}}}}", ""},
    {N50("{\"type\":\"array\",\"items\":") "{}" N50("}"), NULL, "nested deeper than 48 levels"},
    {"{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"properties\":{" /* eight times eight times … */
#define EIGHT(x) "\"1\":" x ",\"2\":" x ",\"3\":" x ",\"4\":" x ",\"5\":" x ",\"6\":" x ",\"7\":" x ",\"8\":" x
     EIGHT("{\"$ref\":\"#/$defs/b\"}") "}},\"b\":{\"properties\":{" EIGHT("{\"$ref\":\"#/$defs/c\"}") "}},\"c\":{\"properties\":{" EIGHT("{\"$ref\":\"#/$defs/d\"}")
     "}},\"d\":{\"properties\":{" EIGHT("{\"$ref\":\"#/$defs/e\"}") "}},\"e\":{\"type\":\"string\"}}}", NULL, "4096 nodes"},
};
/* clang-format on */

static void R45_schemas(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNTOF(schemas); i++) {
        const struct schema_row *row = &schemas[i];
        struct arena a = {.max = 0};
        struct chat_request r = {.arena = &a};
        struct chat_problem p = {.fault = FAULT_NONE};
        struct buf out = {.max = 0}, dropped = {.max = 0};
        struct json_pen pen = json_pen(&out);
        bool ok = gemini_schema_put(&pen, &r, str_from(row->from), &p);

        assert_true(json_scan(str_from(row->from), JSON_DEPTH_MAX, NULL, NULL, NULL));
        for (uint32_t j = 0; j < r.dropped_count; j++)
            assert_int_equal(buf_printf(&dropped, "%.*s ", STR_ARG(r.dropped[j])), 0);
        if (ok != (row->to != NULL) || (ok && !str_eq(buf_str(&out), str_from(row->to))))
            fail_msg("%s\n%.*s", row->from, (int)out.len, out.ptr);
        if (ok ? !str_eq(buf_str(&dropped), str_from(row->dropped))
               : str_find(p.why, str_from(row->dropped)) == NULL)
            fail_msg("%s: dropped %.*s%.*s", row->from, (int)dropped.len, dropped.ptr,
                     STR_ARG(p.why));
        buf_done(&out);
        buf_done(&dropped);
        arena_done(&a);
    }
}

static void schema_is_refused(struct buf *schema)
{
    struct arena a = {.max = 0};
    struct chat_request r = {.arena = &a};
    struct chat_problem p = {.fault = FAULT_NONE};
    struct buf out = {.max = 0};
    struct json_pen pen = json_pen(&out);

    assert_true(json_scan(buf_str(schema), JSON_DEPTH_MAX, NULL, NULL, NULL));
    assert_false(gemini_schema_put(&pen, &r, buf_str(schema), &p));
    assert_int_equal(p.fault, FAULT_BAD_REQUEST);
    buf_done(schema);
    buf_done(&out);
    arena_done(&a);
}

/* Sixty $refs, no more than ten of them in one node. */
static void R45_a_chain_of_refs_has_an_end(void **state)
{
    struct buf schema = {.max = 0};

    (void)state;
    assert_int_equal(buf_printf(&schema, "{\"$ref\":\"#/$defs/0\",\"$defs\":{"), 0);
    for (int i = 0; i < 60; i++)
        assert_int_equal(buf_printf(&schema, "\"%d\":{%s\"$ref\":\"#/$defs/%d\"%s},", i,
                                    i % 10 == 9 ? "\"properties\":{\"p\":{" : "", i + 1,
                                    i % 10 == 9 ? "}}" : ""),
                         0);
    assert_int_equal(buf_printf(&schema, "\"60\":{}}}"), 0);
    schema_is_refused(&schema);
}

/* Sixty thousand names, each looked for among three thousand. */
static void R45_what_is_required_is_not_looked_for_without_end(void **state)
{
    struct buf schema = {.max = 0};

    (void)state;
    assert_int_equal(buf_printf(&schema, "{\"properties\":{\"x\":{}"), 0);
    for (int i = 0; i < 3000; i++)
        assert_int_equal(buf_printf(&schema, ",\"p%d\":{}", i), 0);
    assert_int_equal(buf_printf(&schema, "},\"required\":[\"x\""), 0);
    for (int i = 0; i < 60000; i++)
        assert_int_equal(buf_put(&schema, STR(",\"none\"")), 0);
    assert_int_equal(buf_printf(&schema, "]}"), 0);
    schema_is_refused(&schema);
}

static void paths(void **state)
{
    static const struct {
        struct chat_request r;
        const char *path;
    } rows[] = {
        {{.model = STR_INIT("gemini-2.5-pro")}, "/models/gemini-2.5-pro:generateContent"},
        {{.model = STR_INIT("models/x"), .stream = true},
         "/models/x:streamGenerateContent?alt=sse"},
        {{.model = STR_INIT("tunedModels/x")}, "/tunedModels/x:generateContent"},
        {{.model = STR_INIT("a?b#c d")}, "/models/a%3Fb%23c%20d:generateContent"},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct arena a = {.max = 0};

        assert_true(str_eq(dialect_gemini.path(&a, &rows[i].r), str_from(rows[i].path)));
        arena_done(&a);
    }
}

static void a_request_that_has_no_room_is_too_large(void **state)
{
    struct arena a = {.max = 0};
    struct chat_request r = {.arena = &a, HI};
    struct chat_problem p = {.fault = FAULT_NONE};
    struct buf out = {.max = 20};

    (void)state;
    assert_false(dialect_gemini.encode(&r, STR("m"), &out, &p));
    assert_int_equal(p.fault, FAULT_TOO_LARGE);
    buf_done(&out);
    arena_done(&a);
}

static void each_has_its_row(void **state)
{
    (void)state;
    assert_ptr_equal(dialect_find(STR("gemini")), &dialect_gemini);
    assert_ptr_equal(dialect_get(CHAT_GEMINI), &dialect_gemini);
    assert_ptr_equal(dialect_find(STR("ollama")), &dialect_ollama);
    assert_ptr_equal(dialect_get(CHAT_OLLAMA), &dialect_ollama);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R46_messages),
        cmocka_unit_test(R46_tool_calls_and_thoughts),
        cmocka_unit_test(R45_generation_config),
        cmocka_unit_test(R45_thinking),
        cmocka_unit_test(R45_tools),
        cmocka_unit_test(R45_schemas),
        cmocka_unit_test(R45_a_chain_of_refs_has_an_end),
        cmocka_unit_test(R45_what_is_required_is_not_looked_for_without_end),
        cmocka_unit_test(paths),
        cmocka_unit_test(a_request_that_has_no_room_is_too_large),
        cmocka_unit_test(each_has_its_row),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    arena_thread_done();
    return failed;
}
