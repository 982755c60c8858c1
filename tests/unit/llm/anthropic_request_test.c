/* Requests in our own form, what Anthropic is sent for them, and what is named as left out.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "llm/chat_text.h"
#include "llm/dialects.h"

/* clang-format off */
#define T(lit) {"" lit, sizeof(lit) - 1}
#define R(lit) {"" lit, sizeof(lit) - 1} /* raw */

#define PARTS(...) \
    .parts = (struct chat_part[]){__VA_ARGS__}, \
    .parts_count = sizeof((struct chat_part[]){__VA_ARGS__}) / sizeof(struct chat_part)
#define SAY(lit) {.kind = CHAT_TEXT, .text = T(lit)}
#define FROM(r, ...) {.role = CHAT_##r, PARTS(__VA_ARGS__)}
#define MESSAGES(...) \
    .messages = (struct chat_message[]){__VA_ARGS__}, \
    .messages_count = sizeof((struct chat_message[]){__VA_ARGS__}) / sizeof(struct chat_message)
#define TOOLS(...) \
    .tools = (struct chat_tool[]){__VA_ARGS__}, \
    .tools_count = sizeof((struct chat_tool[]){__VA_ARGS__}) / sizeof(struct chat_tool)
#define HI MESSAGES(FROM(USER, SAY("hi")))
#define CALL(i, n, a) {.kind = CHAT_CALL, .id = T(i), .name = T(n), .args = R(a)}
#define RESULT(i, ...) {.kind = CHAT_RESULT, .id = T(i), PARTS(__VA_ARGS__)}
#define F {.name = T("f")}

/* What HI, and the tool F, are on the wire. */
#define HI_ "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"hi\"}]}]"
#define F_ "\"tools\":[{\"name\":\"f\",\"input_schema\":{\"type\":\"object\",\"properties\":{}}}]"
#define HEAD(model, max) "{\"model\":\"" model "\",\"max_tokens\":" max ","
#define OLD "claude-opus-4-20250514"
#define OLD_ HEAD(OLD, "32000")
#define MID "claude-sonnet-4-6"
#define MID_ HEAD(MID, "32000")
#define NEW "claude-opus-4-8"
#define NEW_ HEAD(NEW, "32000")
#define TEXT_(t) "{\"type\":\"text\",\"text\":\"" t "\"}"

static const struct row {
    const char *what, *model;
    struct chat_request request;
    const char *body;    /* NULL: refused, … */
    const char *dropped; /* … for this field; else what is left out, ' ' behind each */
} rows[] = {
    /* ---- the conversation ---- */
    {"R46 system and developer first, in order", OLD,
     {MESSAGES(FROM(SYSTEM, SAY("a")), FROM(DEVELOPER, SAY("b"), SAY("c")), FROM(USER, SAY("hi")))},
     OLD_ "\"system\":[" TEXT_("a") "," TEXT_("b") "," TEXT_("c") "]," HI_ "}", ""},
    {"R46 system in the middle, an older model: where it stood, as the user's", OLD,
     {MESSAGES(FROM(USER, SAY("a")), FROM(ASSISTANT, SAY("b")), FROM(USER, SAY("c")), FROM(DEVELOPER, SAY("d")), FROM(ASSISTANT, SAY("e")))},
     OLD_ "\"messages\":[{\"role\":\"user\",\"content\":[" TEXT_("a") "]},{\"role\":\"assistant\",\"content\":[" TEXT_("b") "]},{\"role\":\"user\",\"content\":[" TEXT_("c") "," TEXT_("<system>d</system>") "]},{\"role\":\"assistant\",\"content\":[" TEXT_("e") "]}]}", ""},
    {"R46 system in the middle, a newer model", NEW,
     {MESSAGES(FROM(USER, SAY("a")), FROM(SYSTEM, SAY("b")), FROM(SYSTEM, SAY("c")), FROM(ASSISTANT, SAY("d")), FROM(SYSTEM, SAY("e")), FROM(USER, SAY("f")), FROM(SYSTEM, SAY("g")), FROM(USER, SAY("h")), FROM(SYSTEM, SAY("i")))},
     NEW_ "\"messages\":[{\"role\":\"user\",\"content\":[" TEXT_("a") "]},{\"role\":\"system\",\"content\":[" TEXT_("b") "," TEXT_("c") "]},{\"role\":\"assistant\",\"content\":[" TEXT_("d") "]},"
     "{\"role\":\"user\",\"content\":[" TEXT_("<system>e</system>") "," TEXT_("f") "," TEXT_("<system>g</system>") "," TEXT_("h") "]},{\"role\":\"system\",\"content\":[" TEXT_("i") "]}]}", ""},
    {"a newer model takes no system turn behind an assistant's", NEW,
     {MESSAGES(FROM(USER, SAY("a")), FROM(ASSISTANT, SAY("b")), FROM(SYSTEM, SAY("c")))},
     NEW_ "\"messages\":[{\"role\":\"user\",\"content\":[" TEXT_("a") "]},{\"role\":\"assistant\",\"content\":[" TEXT_("b") "]},{\"role\":\"user\",\"content\":[" TEXT_("<system>c</system>") "]}]}", ""},
    {"nothing but system", OLD, {MESSAGES(FROM(SYSTEM, SAY("a")), FROM(SYSTEM, SAY("b")))},
     OLD_ "\"system\":[" TEXT_("a") "],\"messages\":[{\"role\":\"user\",\"content\":[" TEXT_("<system>b</system>") "]}]}", ""},
    {"neighbours are one turn", OLD,
     {MESSAGES(FROM(USER, SAY("a")), FROM(USER, SAY("b")), FROM(ASSISTANT, SAY("c")), FROM(ASSISTANT, CALL("t", "f", "{}")), FROM(TOOL, RESULT("t", SAY("d"))))},
     OLD_ "\"messages\":[{\"role\":\"user\",\"content\":[" TEXT_("a") "," TEXT_("b") "]},{\"role\":\"assistant\",\"content\":[" TEXT_("c") ",{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\",\"input\":{}}]},{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"t\",\"content\":[" TEXT_("d") "]}]}]}", ""},
    {"R46 parallel tools: results come first in their turn", OLD,
     {MESSAGES(FROM(USER, SAY("a")), FROM(ASSISTANT, CALL("t", "f", "{\"n\":9007199254740993}"), CALL("u", "g", "")), FROM(USER, SAY("b")), FROM(TOOL, RESULT("u", SAY("c"))), FROM(TOOL, RESULT("t", SAY("d"))))},
     OLD_ "\"messages\":[{\"role\":\"user\",\"content\":[" TEXT_("a") "]},{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\",\"input\":{\"n\":9007199254740993}},{\"type\":\"tool_use\",\"id\":\"u\",\"name\":\"g\",\"input\":{}}]},"
     "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"u\",\"content\":[" TEXT_("c") "]},{\"type\":\"tool_result\",\"tool_use_id\":\"t\",\"content\":[" TEXT_("d") "]}," TEXT_("b") "]}]}", ""},
    {"R46 a result with an image, one that failed, and one of nothing", OLD,
     {MESSAGES(FROM(TOOL, RESULT("t", SAY("x"), {.kind = CHAT_IMAGE, .media_type = T("image/png"), .data = T("AAAA")})), FROM(TOOL, {.kind = CHAT_RESULT, .id = T("u"), .is_error = true, PARTS(SAY("no"))}), FROM(TOOL, {.kind = CHAT_RESULT, .id = T("v"), PARTS(SAY(""))}))},
     OLD_ "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"t\",\"content\":[" TEXT_("x") ",{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":\"image/png\",\"data\":\"AAAA\"}}]},"
     "{\"type\":\"tool_result\",\"tool_use_id\":\"u\",\"content\":[" TEXT_("no") "],\"is_error\":true},{\"type\":\"tool_result\",\"tool_use_id\":\"v\"}]}]}", ""},
    {"a custom tool's call", OLD, {MESSAGES(FROM(USER, SAY("a")), FROM(ASSISTANT, {.kind = CHAT_RAW, .vendor = CHAT_OPENAI, .id = T("t"), .name = T("sh"), .args_text = T("ls"), .raw = R("{}")}), FROM(TOOL, RESULT("t", SAY("b"))))},
     OLD_ "\"messages\":[{\"role\":\"user\",\"content\":[" TEXT_("a") "]},{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"sh\",\"input\":{\"arguments\":\"ls\"}}]},{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"t\",\"content\":[" TEXT_("b") "]}]}]}", ""},
    {"a signature on a call", OLD, {MESSAGES(FROM(USER, SAY("a")), FROM(ASSISTANT, {.kind = CHAT_CALL, .id = T("t"), .name = T("f"), .signature = T("S")}))},
     OLD_ "\"messages\":[{\"role\":\"user\",\"content\":[" TEXT_("a") "]},{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\",\"input\":{}}]}]}", "thought_signature "},
    {"arguments that are no object are shown; ids take the API's letters", OLD,
     {MESSAGES(FROM(USER, SAY("a")), FROM(ASSISTANT, {.kind = CHAT_CALL, .id = T("functions.f:0"), .name = T("f"), .args_text = T("{\\\"a")}), FROM(TOOL, RESULT("functions.f:0", SAY("b"))))},
     OLD_ "\"messages\":[{\"role\":\"user\",\"content\":[" TEXT_("a") "]},{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"functions_f_0\",\"name\":\"f\",\"input\":{\"arguments\":\"{\\\"a\"}}]},{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"functions_f_0\",\"content\":[" TEXT_("b") "]}]}]}", ""},
    {"R46 empty contents", OLD,
     {MESSAGES(FROM(SYSTEM, SAY("")), FROM(USER, SAY("a")), FROM(ASSISTANT, SAY(" \\n\\t")), FROM(USER, SAY(""), SAY("b\\\\n")))},
     OLD_ "\"messages\":[{\"role\":\"user\",\"content\":[" TEXT_("a") "," TEXT_("b\\\\n") "]}]}", ""},
    {"another's block and nothing else, before all that is said", OLD, {MESSAGES(FROM(SYSTEM, {.kind = CHAT_RAW, .vendor = CHAT_GEMINI, .raw = R("{\"type\":\"x\"}")}), FROM(USER, {.kind = CHAT_RAW, .vendor = CHAT_GEMINI, .raw = R("{\"type\":\"y\"}")}), FROM(USER, SAY("a")))},
     OLD_ "\"messages\":[{\"role\":\"user\",\"content\":[" TEXT_("a") "]}]}", "x y "},
    {"nothing at all", OLD, {MESSAGES(FROM(USER, SAY(" ")))}, NULL, "messages"},
    {"no messages", OLD, {.messages_count = 0}, NULL, "messages"},
    {"an answer to go on from ends without spaces", OLD,
     {MESSAGES(FROM(USER, SAY("a ")), FROM(ASSISTANT, SAY("b \\n"), SAY("{\\\\n \\n\\t ")))},
     OLD_ "\"messages\":[{\"role\":\"user\",\"content\":[" TEXT_("a ") "]},{\"role\":\"assistant\",\"content\":[" TEXT_("b \\n") "," TEXT_("{\\\\n") "]}]}", ""},
    {"R46 thoughts, signed and redacted, byte for byte and in order; others' are left out", OLD,
     {MESSAGES(FROM(USER, SAY("a")), FROM(ASSISTANT, {.kind = CHAT_THINKING, .text = T("h\\u006d"), .signature = T("a\\/+=")}, {.kind = CHAT_REDACTED, .data = T("Em\\/=")}, {.kind = CHAT_THINKING, .text = T("x")}, {.kind = CHAT_THINKING, .text = T(""), .signature = T("s")}, SAY("b")), FROM(USER, SAY("c")))},
     OLD_ "\"messages\":[{\"role\":\"user\",\"content\":[" TEXT_("a") "]},{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"h\\u006d\",\"signature\":\"a\\/+=\"},{\"type\":\"redacted_thinking\",\"data\":\"Em\\/=\"},{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"s\"}," TEXT_("b") "]},{\"role\":\"user\",\"content\":[" TEXT_("c") "]}]}", "reasoning_content "},
    {"R49 half a surrogate pair, and escapes, as they came", OLD, {MESSAGES(FROM(USER, SAY("\\ud83d \\u0000\\/")))},
     OLD_ "\"messages\":[{\"role\":\"user\",\"content\":[" TEXT_("\\ud83d \\u0000\\/") "]}]}", ""},
    {"our vendor's blocks, and another's; a refusal is what was said; caches and citations stay", OLD,
     {MESSAGES(FROM(USER, {.kind = CHAT_TEXT, .text = T("a"), .cache_control = R("{\"type\":\"ephemeral\"}"), .citations = R("[1]")}), FROM(ASSISTANT, {.kind = CHAT_RAW, .vendor = CHAT_ANTHROPIC, .raw = R("{\"type\":\"server_tool_use\"}")}, {.kind = CHAT_RAW, .vendor = CHAT_RESPONSES, .raw = R("{\"type\":\"web_search_call\"}")}, {.kind = CHAT_REFUSAL, .text = T("no")}))},
     OLD_ "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\",\"citations\":[1],\"cache_control\":{\"type\":\"ephemeral\"}}]},{\"role\":\"assistant\",\"content\":[{\"type\":\"server_tool_use\"}," TEXT_("no") "]}]}", "web_search_call "},
    {"a participant's name", OLD, {MESSAGES({.role = CHAT_USER, .name = T("Ann"), PARTS(SAY("hi"))})}, OLD_ HI_ "}", "name "},

    /* ---- media ---- */
    {"R46 images: data, URL, a URL of data, a file", OLD,
     {MESSAGES(FROM(USER, {.kind = CHAT_IMAGE, .media_type = T("image/jpeg"), .data = T("\\/9j\\/")}, {.kind = CHAT_IMAGE, .text = T("https:\\/\\/x\\/y.png"), .detail = R("\"auto\"")}, {.kind = CHAT_IMAGE, .text = T("data:image/png;base64,AAAA"), .detail = R("\"low\"")}, {.kind = CHAT_IMAGE, .file_id = T("file_1")}))},
     OLD_ "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":\"image/jpeg\",\"data\":\"\\/9j\\/\"}},{\"type\":\"image\",\"source\":{\"type\":\"url\",\"url\":\"https:\\/\\/x\\/y.png\"}},"
     "{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":\"image/png\",\"data\":\"AAAA\"}},{\"type\":\"image\",\"source\":{\"type\":\"file\",\"file_id\":\"file_1\"}}]}]}", "detail "},
    {"documents: PDF as data, as a URL of data, by its name, as a URL; text; an image that is a file", OLD,
     {MESSAGES(FROM(USER, {.kind = CHAT_FILE, .media_type = T("application/pdf"), .data = T("JVBE"), .file_name = T("a.pdf")}, {.kind = CHAT_FILE, .text = T("data:application/pdf;base64,JVBE")}, {.kind = CHAT_FILE, .data = T("JVBE"), .file_name = T("b.PDF")}, {.kind = CHAT_FILE, .text = T("https://x/a.pdf")}, {.kind = CHAT_FILE, .media_type = T("text/plain; charset=utf-8"), .data = T("YSJiCg==")}, {.kind = CHAT_FILE, .media_type = T("image/png"), .data = T("AAAA")}))},
     OLD_ "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"document\",\"source\":{\"type\":\"base64\",\"media_type\":\"application/pdf\",\"data\":\"JVBE\"},\"title\":\"a.pdf\"},{\"type\":\"document\",\"source\":{\"type\":\"base64\",\"media_type\":\"application/pdf\",\"data\":\"JVBE\"}},"
     "{\"type\":\"document\",\"source\":{\"type\":\"base64\",\"media_type\":\"application/pdf\",\"data\":\"JVBE\"},\"title\":\"b.PDF\"},{\"type\":\"document\",\"source\":{\"type\":\"url\",\"url\":\"https://x/a.pdf\"}},"
     "{\"type\":\"document\",\"source\":{\"type\":\"text\",\"media_type\":\"text/plain\",\"data\":\"a\\\"b\\n\"}},{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":\"image/png\",\"data\":\"AAAA\"}}]}]}", ""},
    {"sound", OLD, {MESSAGES(FROM(USER, SAY("a"), {.kind = CHAT_AUDIO, .media_type = T("audio/wav"), .data = T("AAAA")}))}, NULL, "messages"},
    {"a file of another kind", OLD, {MESSAGES(FROM(USER, {.kind = CHAT_FILE, .media_type = T("application/zip"), .data = T("AAAA")}))}, NULL, "messages"},
    {"a text that is no base64", OLD, {MESSAGES(FROM(USER, {.kind = CHAT_FILE, .media_type = T("text/csv"), .data = T("!")}))}, NULL, "messages"},
    {"an image of nothing", OLD, {MESSAGES(FROM(USER, {.kind = CHAT_IMAGE}))}, NULL, "messages"},

    /* ---- parameters ---- */
    {"max_tokens as the client wrote it", OLD, {HI, .max_tokens = R("1e3"), .stream = true, .wants_usage = true}, HEAD(OLD, "1e3") HI_ ",\"stream\":true}", ""},
    {"max_tokens of models that take less", "claude-3-haiku-20240307", {HI}, HEAD("claude-3-haiku-20240307", "4096") HI_ "}", ""},
    {"max_tokens of another maker's", "kimi-k2", {HI}, HEAD("kimi-k2", "8192") HI_ "}", ""},
    {"the model's name is escaped", "a\"b", {HI}, "{\"model\":\"a\\\"b\",\"max_tokens\":8192," HI_ "}", ""},
    {"sampling", OLD, {HI, .temperature = R("0.70"), .top_p = R("0.9"), .top_k = R("5")}, OLD_ HI_ ",\"temperature\":0.70,\"top_p\":0.9,\"top_k\":5}", ""},
    {"a temperature above 1 is 1, and named", OLD, {HI, .temperature = R("1.5")}, OLD_ HI_ ",\"temperature\":1}", "temperature "},
    {"temperature or top_p", MID, {HI, .temperature = R("0"), .top_p = R("0.9")}, MID_ HI_ ",\"temperature\":0}", "top_p "},
    {"top_p alone, and one that says nothing", MID, {HI, .top_p = R("0.9")}, MID_ HI_ ",\"top_p\":0.9}", ""},
    {"no sampling: defaults are not named", NEW, {HI, .temperature = R("1.0"), .top_p = R("1")}, NEW_ HI_ "}", ""},
    {"no sampling", "anthropic/claude-opus-4.7", {HI, .temperature = R("0"), .top_p = R("0.5"), .top_k = R("4")}, HEAD("anthropic/claude-opus-4.7", "32000") HI_ "}", "temperature top_p top_k "},
    {"stop", OLD, {HI, .stop = (struct str[]){R("\"a\""), R("\"\\n\\n\""), R("\"\\n#\"")}, .stop_count = 3}, OLD_ HI_ ",\"stop_sequences\":[\"a\",\"\\n#\"]}", "stop "},
    {"one choice", OLD, {HI, .n = R("1")}, OLD_ HI_ "}", ""},
    {"R45 two choices", OLD, {HI, .n = R("2")}, NULL, "n"},
    {"R45 what there is no word for", OLD,
     {HI, .seed = R("0"), .presence_penalty = R("0.5"), .frequency_penalty = R("-1"), .logprobs = R("true"), .top_logprobs = R("3"), .extra = {{CHAT_OPENAI, R("logit_bias"), R("{}")}}, .extra_count = 1},
     OLD_ HI_ "}", "seed presence_penalty frequency_penalty logprobs top_logprobs logit_bias "},
    {"what says nothing is not named", OLD, {HI, .presence_penalty = R("0"), .frequency_penalty = R("0.0"), .logprobs = R("false")}, OLD_ HI_ "}", ""},
    {"a user", OLD, {HI, .user = T("u\\u0031"), .metadata = R("{}")}, OLD_ HI_ ",\"metadata\":{\"user_id\":\"u\\u0031\"}}", ""},
    {"a user in metadata; OpenAI's metadata", OLD, {HI, .metadata = R("{\"user_id\":\"u\"}")}, OLD_ HI_ ",\"metadata\":{\"user_id\":\"u\"}}", ""},
    {"OpenAI's metadata", OLD, {HI, .metadata = R("{\"a\":\"u\"}")}, OLD_ HI_ "}", "metadata "},
    {"tiers", OLD, {HI, .service_tier = T("auto")}, OLD_ HI_ ",\"service_tier\":\"auto\"}", ""},
    {"OpenAI's default tier", OLD, {HI, .service_tier = T("default")}, OLD_ HI_ ",\"service_tier\":\"standard_only\"}", ""},
    {"a tier there is not", OLD, {HI, .service_tier = T("flex")}, OLD_ HI_ "}", "service_tier "},
    {"our vendor's members, but none twice", OLD,
     {HI, .extra = {{CHAT_ANTHROPIC, R("context_management"), R("{\"edits\":[]}")}, {CHAT_ANTHROPIC, R("thinking"), R("{}")}, {CHAT_ANTHROPIC, R("output_config"), R("{\"effort\":\"low\",\"task_budget\":{\"total\":1}}")}}, .extra_count = 3},
     OLD_ HI_ ",\"output_config\":{\"task_budget\":{\"total\":1}},\"context_management\":{\"edits\":[]}}", ""},

    /* ---- answers in a format ---- */
    {"R46 a JSON schema", MID, {HI, .format = CHAT_FORMAT_SCHEMA, .schema_name = T("s"), .schema = R("{\"type\":\"object\"}"), .schema_strict = CHAT_YES}, MID_ HI_ ",\"output_config\":{\"format\":{\"type\":\"json_schema\",\"schema\":{\"type\":\"object\"}}}}", ""},
    {"R45 a JSON schema for a model that keeps to none", OLD, {HI, .format = CHAT_FORMAT_SCHEMA, .schema = R("{}")}, NULL, "response_format"},
    {"JSON without a schema", MID, {HI, .format = CHAT_FORMAT_JSON}, MID_ HI_ "}", "response_format "},

    /* ---- tools ---- */
    {"tools: schemas without a type, with one, of nothing; strict; caches", MID,
     {HI, TOOLS({.name = T("f"), .description = T("d\\n"), .schema = R("{\"type\":\"object\",\"properties\":{\"a\":{}}}"), .strict = true, .has_strict = true, .cache_control = R("{\"type\":\"ephemeral\"}")}, {.name = T("g"), .schema = R("{ \"properties\":{}}")}, {.name = T("h"), .schema = R("{}")}, {.name = T("i")})},
     MID_ HI_ ",\"tools\":[{\"name\":\"f\",\"description\":\"d\\n\",\"input_schema\":{\"type\":\"object\",\"properties\":{\"a\":{}}},\"strict\":true,\"cache_control\":{\"type\":\"ephemeral\"}},{\"name\":\"g\",\"input_schema\":{\"type\":\"object\", \"properties\":{}}},"
     "{\"name\":\"h\",\"input_schema\":{\"type\":\"object\",\"properties\":{}}},{\"name\":\"i\",\"input_schema\":{\"type\":\"object\",\"properties\":{}}}]}", ""},
    {"strict for a model that is not", OLD, {HI, TOOLS({.name = T("f"), .strict = true})}, OLD_ HI_ "," F_ "}", "strict "},
    {"server tools: ours as they are, others' left out", OLD,
     {HI, TOOLS({.vendor = CHAT_ANTHROPIC, .raw = R("{\"type\":\"web_search_20250305\",\"name\":\"web_search\"}")}, {.vendor = CHAT_RESPONSES, .raw = R("{\"type\":\"file_search\"}")})},
     OLD_ HI_ ",\"tools\":[{\"type\":\"web_search_20250305\",\"name\":\"web_search\"}]}", "tools.file_search "},
    {"no tool is left: nothing to choose", OLD, {HI, .choice = CHAT_CHOICE_AUTO, TOOLS({.vendor = CHAT_RESPONSES, .raw = R("{\"type\":\"file_search\"}")})}, OLD_ HI_ "}", "tools.file_search "},
    {"choice: auto", OLD, {HI, TOOLS(F), .choice = CHAT_CHOICE_AUTO, .parallel_calls = CHAT_YES}, OLD_ HI_ "," F_ ",\"tool_choice\":{\"type\":\"auto\"}}", ""},
    {"choice: none", OLD, {HI, TOOLS(F), .choice = CHAT_CHOICE_NONE, .parallel_calls = CHAT_NO}, OLD_ HI_ "," F_ ",\"tool_choice\":{\"type\":\"none\"}}", ""},
    {"choice: any, one at a time", OLD, {HI, TOOLS(F), .choice = CHAT_CHOICE_ANY, .parallel_calls = CHAT_NO}, OLD_ HI_ "," F_ ",\"tool_choice\":{\"type\":\"any\",\"disable_parallel_tool_use\":true}}", ""},
    {"choice: this one", OLD, {HI, TOOLS(F), .choice = CHAT_CHOICE_NAMED, .choice_name = T("f")}, OLD_ HI_ "," F_ ",\"tool_choice\":{\"type\":\"tool\",\"name\":\"f\"}}", ""},
    {"choice: one of ours", OLD, {HI, TOOLS(F, {.vendor = CHAT_ANTHROPIC, .raw = R("{\"type\":\"bash_1\",\"name\":\"b\"}")}), .choice = CHAT_CHOICE_NAMED, .choice_name = T("b")},
     OLD_ HI_ ",\"tools\":[{\"name\":\"f\",\"input_schema\":{\"type\":\"object\",\"properties\":{}}},{\"type\":\"bash_1\",\"name\":\"b\"}],\"tool_choice\":{\"type\":\"tool\",\"name\":\"b\"}}", ""},
    {"R45 choice: one that is left out", OLD, {HI, TOOLS({.vendor = CHAT_OPENAI, .raw = R("{\"type\":\"custom\",\"custom\":{\"name\":\"c\"}}")}, F), .choice = CHAT_CHOICE_NAMED, .choice_name = T("c")}, OLD_ HI_ "," F_ "}", "tools.custom tool_choice "},
    {"choice: one that is not there, which the API says better", OLD, {HI, TOOLS(F), .choice = CHAT_CHOICE_NAMED, .choice_name = T("g")}, OLD_ HI_ "," F_ ",\"tool_choice\":{\"type\":\"tool\",\"name\":\"g\"}}", ""},
    {"no choice, one at a time", OLD, {HI, TOOLS(F), .parallel_calls = CHAT_NO}, OLD_ HI_ "," F_ ",\"tool_choice\":{\"type\":\"auto\",\"disable_parallel_tool_use\":true}}", ""},

    /* ---- thinking ---- */
    {"an effort is a budget for an older model", OLD, {HI, .reasoning = {.effort = T("medium")}}, OLD_ HI_ ",\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":8192}}", ""},
    {"a budget leaves a quarter for the answer", OLD, {HI, .max_tokens = R("10000"), .reasoning = {.effort = T("high")}}, HEAD(OLD, "10000") HI_ ",\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":7500}}", ""},
    {"too few tokens to think", OLD, {HI, .max_tokens = R("1000"), .reasoning = {.effort = T("high")}}, HEAD(OLD, "1000") HI_ "}", "reasoning_effort "},
    {"a budget as the client wrote it, and room above it", OLD, {HI, .reasoning = {.budget = R("40000"), .on = CHAT_YES}}, HEAD(OLD, "48192") HI_ ",\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":40000}}", ""},
    {"thinking and nothing else said", OLD, {HI, .reasoning = {.on = CHAT_YES}}, OLD_ HI_ ",\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":8192}}", ""},
    {"an older model does not think unasked", OLD, {HI, .reasoning = {.effort = T("none")}}, OLD_ HI_ "}", ""},
    {"thinking takes a temperature of 1, no top_k, and a top_p near 1", OLD, {HI, .temperature = R("0.5"), .top_p = R("0.5"), .top_k = R("4"), .reasoning = {.effort = T("low")}}, OLD_ HI_ ",\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":2048}}", "temperature top_p top_k "},
    {"a top_p near 1", OLD, {HI, .top_p = R("0.96"), .reasoning = {.effort = T("low")}}, OLD_ HI_ ",\"top_p\":0.96,\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":2048}}", ""},
    {"a forced tool goes first", OLD, {HI, TOOLS(F), .choice = CHAT_CHOICE_ANY, .reasoning = {.effort = T("low")}}, OLD_ HI_ "," F_ ",\"tool_choice\":{\"type\":\"any\"}}", "reasoning_effort "},
    {"no budget for a loop whose thoughts are gone", OLD,
     {MESSAGES(FROM(ASSISTANT, CALL("t", "f", "{}")), FROM(TOOL, RESULT("t", SAY("a")))), .reasoning = {.on = CHAT_YES}},
     OLD_ "\"messages\":[{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\",\"input\":{}}]},{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"t\",\"content\":[" TEXT_("a") "]}]}]}", "thinking "},
    {"nor where its user says more than the results", OLD,
     {MESSAGES(FROM(ASSISTANT, CALL("t", "f", "{}")), FROM(TOOL, RESULT("t", SAY("a"))), FROM(USER, SAY("b"))), .reasoning = {.on = CHAT_YES}},
     OLD_ "\"messages\":[{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\",\"input\":{}}]},{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"t\",\"content\":[" TEXT_("a") "]}," TEXT_("b") "]}]}", "thinking "},
    {"a budget again once that loop is over", OLD,
     {MESSAGES(FROM(ASSISTANT, CALL("t", "f", "{}")), FROM(TOOL, RESULT("t", SAY("a"))), FROM(ASSISTANT, SAY("b")), FROM(USER, SAY("c"))), .reasoning = {.budget = R("2000")}},
     OLD_ "\"messages\":[{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\",\"input\":{}}]},{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"t\",\"content\":[" TEXT_("a") "]}]},{\"role\":\"assistant\",\"content\":[" TEXT_("b") "]},{\"role\":\"user\",\"content\":[" TEXT_("c") "]}],\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":2000}}", ""},
    {"a model that does not think", "claude-3-5-haiku-latest", {HI, .reasoning = {.effort = T("low")}}, HEAD("claude-3-5-haiku-latest", "8192") HI_ "}", "reasoning_effort "},
    {"an effort nobody knows", OLD, {HI, .reasoning = {.effort = T("immense")}}, OLD_ HI_ "}", "reasoning_effort "},
    {"an effort for a model that takes either", MID, {HI, .reasoning = {.effort = T("xhigh")}}, MID_ HI_ ",\"output_config\":{\"effort\":\"high\"},\"thinking\":{\"type\":\"adaptive\"}}", ""},
    {"a budget for a model that takes either", MID, {HI, .reasoning = {.budget = R("2000")}}, MID_ HI_ ",\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":2000}}", ""},
    {"an effort for a newer model, thoughts shown", NEW, {HI, .reasoning = {.effort = T("minimal"), .show = CHAT_YES}}, NEW_ HI_ ",\"output_config\":{\"effort\":\"low\"},\"thinking\":{\"type\":\"adaptive\",\"display\":\"summarized\"}}", ""},
    {"a budget is an effort for a newer model", NEW, {HI, .reasoning = {.budget = R("8192"), .on = CHAT_YES, .show = CHAT_NO}}, NEW_ HI_ ",\"output_config\":{\"effort\":\"medium\"},\"thinking\":{\"type\":\"adaptive\",\"display\":\"omitted\"}}", ""},
    {"no thinking for a newer model", NEW, {HI, .reasoning = {.effort = T("none")}}, NEW_ HI_ ",\"thinking\":{\"type\":\"disabled\"}}", ""},
    {"a budget of nothing", NEW, {HI, .reasoning = {.budget = R("0")}}, NEW_ HI_ ",\"thinking\":{\"type\":\"disabled\"}}", ""},
    {"no thinking for a model that always does", "claude-fable-5", {HI, .reasoning = {.effort = T("none")}}, HEAD("claude-fable-5", "32000") HI_ "}", "reasoning_effort "},
    {"an effort without thinking, and a schema", NEW, {HI, .format = CHAT_FORMAT_SCHEMA, .schema = R("{}"), .reasoning = {.effort = T("max"), .on = CHAT_NO}}, NEW_ HI_ ",\"output_config\":{\"effort\":\"max\",\"format\":{\"type\":\"json_schema\",\"schema\":{}}},\"thinking\":{\"type\":\"disabled\"}}", ""},
    {"a Claude nobody knows is new", "claude-sonnet-9", {HI, .reasoning = {.effort = T("xhigh")}}, HEAD("claude-sonnet-9", "32000") HI_ ",\"output_config\":{\"effort\":\"xhigh\"},\"thinking\":{\"type\":\"adaptive\"}}", ""},
};
/* clang-format on */

static void check_dropped(const struct row *row, const struct chat_request *r)
{
    struct str rest = str_from(row->dropped), word;
    uint32_t i = 0;

    while (rest.len > 0) {
        str_cut(rest, ' ', &word, &rest);
        if (i >= r->dropped_count || !str_eq(r->dropped[i], word))
            fail_msg("%s: does not name %.*s", row->what, STR_ARG(word));
        i++;
    }
    if (i != r->dropped_count)
        fail_msg("%s: names %.*s", row->what, STR_ARG(r->dropped[i]));
}

static void R45_R46_a_request_is_written_or_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        const struct row *row = &rows[i];
        struct arena a = {.max = 1 << 20};
        struct buf out = {.max = 1 << 20};
        struct chat_request r = row->request;
        struct chat_problem p = {.fault = FAULT_NONE};
        bool ok;

        r.arena = &a;
        r.model = STR("alias");
        ok = dialect_anthropic.encode(&r, str_from(row->model), &out, &p);
        if (ok != (row->body != NULL))
            fail_msg("%s: %.*s", row->what, STR_ARG(ok ? buf_str(&out) : p.why));
        if (ok) {
            if (!str_eq(buf_str(&out), str_from(row->body)))
                fail_msg("%s:\n%.*s\n%s", row->what, STR_ARG(buf_str(&out)), row->body);
            assert_true(json_scan(buf_str(&out), 64, NULL, NULL, NULL));
            check_dropped(row, &r);
        } else if (p.fault != FAULT_BAD_REQUEST || !str_eq(p.param, str_from(row->dropped))) {
            fail_msg("%s: refused for %.*s", row->what, STR_ARG(p.param));
        }
        buf_done(&out);
        arena_done(&a);
    }
}

static void a_request_over_the_limit_is_refused(void **state)
{
    struct arena a = {.max = 1 << 20};
    struct buf out = {.max = 64};
    struct chat_request r = rows[0].request;
    struct chat_problem p = {.fault = FAULT_NONE};

    (void)state;
    r.arena = &a;
    assert_false(dialect_anthropic.encode(&r, STR(OLD), &out, &p));
    assert_int_equal(p.fault, FAULT_TOO_LARGE);
    buf_done(&out);
    arena_done(&a);
}

static void a_request_without_memory_is_an_overload(void **state)
{
    struct arena a = {.max = 1 << 20};
    struct buf out = {.len = SIZE_MAX / 4, .cap = SIZE_MAX / 4}; /* twice of that nobody has */
    struct chat_request r = rows[0].request;
    struct chat_problem p = {.fault = FAULT_NONE};

    (void)state;
    r.arena = &a;
    assert_false(dialect_anthropic.encode(&r, STR(OLD), &out, &p));
    assert_int_equal(p.fault, FAULT_OVERLOADED);
    assert_true(p.why.len > 0);
    arena_done(&a);
}

static void it_is_found_by_its_name(void **state)
{
    struct arena a = {.max = 1 << 20};
    struct chat_request r = {.arena = &a};

    (void)state;
    assert_ptr_equal(dialect_find(STR("anthropic")), &dialect_anthropic);
    assert_ptr_equal(dialect_get(CHAT_ANTHROPIC), &dialect_anthropic);
    assert_true(str_eq(dialect_anthropic.path(&a, &r), STR("/messages")));
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R45_R46_a_request_is_written_or_refused),
        cmocka_unit_test(a_request_over_the_limit_is_refused),
        cmocka_unit_test(a_request_without_memory_is_an_overload),
        cmocka_unit_test(it_is_found_by_its_name),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    arena_thread_done();
    return failed;
}
