/*
 * What clients of Gemini's API ask, in our form.  A request that was read is written again by the
 * dialect of Gemini's targets: what is not in our form is missing there, and every byte counts.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "llm/chat_text.h"
#include "llm/dialects.h"
#include "llm/generate.h"

#define DEPTH_MAX 64u
#define HI "\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}]"
#define USER(parts) "{\"role\":\"user\",\"parts\":[" parts "]}"
#define MODEL(parts) "{\"role\":\"model\",\"parts\":[" parts "]}"
#define CONTENTS(c) "{\"contents\":[" c "]}"

struct row {
    const char *what, *in;
    const char *out;     /* NULL: as it came in */
    const char *dropped; /* names with a space behind each */
};

static bool read_body(struct arena *a, const char *body, struct chat_request *r,
                      struct chat_problem *p)
{
    return surface_gemini.read(a, str_from(body), DEPTH_MAX, r, p);
}

static void check_row(const struct row *row, const char *model)
{
    struct arena a = {.max = 0};
    struct buf out = {.max = 0}, dropped = {.max = 0};
    struct chat_request r;
    struct chat_problem p;

    if (!read_body(&a, row->in, &r, &p))
        fail_msg("%s: %.*s", row->what, STR_ARG(p.why));
    for (uint32_t i = 0; i < r.dropped_count; i++)
        assert_int_equal(buf_printf(&dropped, "%.*s ", STR_ARG(r.dropped[i])), 0);
    assert_true(dialect_gemini.encode(&r, str_from(model), &out, &p));
    if (!str_eq(buf_str(&out), str_from(row->out != NULL ? row->out : row->in)))
        fail_msg("%s:\n%.*s", row->what, STR_ARG(buf_str(&out)));
    if (!str_eq(buf_str(&dropped), str_from(row->dropped != NULL ? row->dropped : "")))
        fail_msg("%s: dropped %.*s", row->what, STR_ARG(buf_str(&dropped)));
    buf_done(&out);
    buf_done(&dropped);
    arena_done(&a);
}

static void check_rows(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        check_row(&rows[i], "gemini-2.5-flash");
}

/* clang-format off */
static void messages_are_read(void **state)
{
    static const struct row rows[] = {
        {"a text", "{" HI "}", NULL, NULL},
        {"instructions", "{\"systemInstruction\":{\"parts\":[{\"text\":\"Be brief.\"},{\"text\":\"And kind.\"}]}," HI "}", NULL, NULL},
        {"in snake case, as curl has it, and one for an array", "{\"system_instruction\":{\"parts\":{\"text\":\"a\"}},\"contents\":{\"parts\":{\"text\":\"hi\"}}}",
         "{\"systemInstruction\":{\"parts\":[{\"text\":\"a\"}]}," HI "}", NULL},
        {"turns", CONTENTS(USER("{\"text\":\"a\"}") "," MODEL("{\"text\":\"b\"}") "," USER("{\"text\":\"c\"},{\"text\":\"d\"}")), NULL, NULL},
        {"pictures and sound", CONTENTS(USER("{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"AAAA\"}},{\"inlineData\":{\"mimeType\":\"audio/wav\",\"data\":\"BBBB\"}},{\"fileData\":{\"mimeType\":\"image/jpeg\",\"fileUri\":\"https://a/b\"}},{\"inlineData\":{\"mimeType\":\"application/pdf\",\"data\":\"CCCC\"}}")), NULL, NULL},
        {"in snake case", CONTENTS(USER("{\"inline_data\":{\"mime_type\":\"image/png\",\"data\":\"AAAA\"}}")), CONTENTS(USER("{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"AAAA\"}}")), NULL},
        {"what only Google runs", CONTENTS(USER("{\"text\":\"a\"}") "," MODEL("{\"executableCode\":{\"language\":\"PYTHON\",\"code\":\"1\"}},{\"codeExecutionResult\":{\"outcome\":\"OUTCOME_OK\"}}")), NULL, NULL},
        {"what says nothing", CONTENTS(USER("{\"text\":\"a\"},{},{\"text\":null}") "," MODEL("") "," MODEL("{\"text\":\"\"}") "," USER("{\"text\":\"b\"}")), CONTENTS(USER("{\"text\":\"a\"},{\"text\":\"b\"}")), NULL},
        {"what has no place", "{\"contents\":[{\"role\":\"user\",\"new\":1,\"parts\":[{\"text\":\"hi\",\"videoMetadata\":{\"fps\":1},\"mediaResolution\":null}]}],\"safetySettings\":[{\"category\":\"x\"}],\"labels\":{},\"store\":true}",
         "{" HI "}", "safetySettings store contents.new contents.parts.videoMetadata "},
    };

    (void)state;
    check_rows(rows, COUNTOF(rows));
}

/* A client that keeps a stream hands it back in pieces. */
static void the_pieces_of_a_turn_are_put_together(void **state)
{
    static const struct row rows[] = {
        {"a text", CONTENTS(USER("{\"text\":\"a\"}") "," MODEL("{\"text\":\"Hel\"}") "," MODEL("{\"text\":\"lo\"},{\"text\":\"!\"}") "," MODEL("{\"text\":\"\"}") "," USER("{\"text\":\"b\"}")),
         CONTENTS(USER("{\"text\":\"a\"}") "," MODEL("{\"text\":\"Hello!\"}") "," USER("{\"text\":\"b\"}")), NULL},
        {"a thought, up to its signature", CONTENTS(USER("{\"text\":\"a\"}") "," MODEL("{\"text\":\"I \",\"thought\":true}") "," MODEL("{\"text\":\"see\",\"thought\":true,\"thoughtSignature\":\"s1\"}") "," MODEL("{\"text\":\"more\",\"thought\":true},{\"thought\":true,\"thoughtSignature\":\"s2\"},{\"text\":\"x\"}")),
         CONTENTS(USER("{\"text\":\"a\"}") "," MODEL("{\"text\":\"I see\",\"thought\":true,\"thoughtSignature\":\"s1\"},{\"text\":\"more\",\"thought\":true,\"thoughtSignature\":\"s2\"},{\"text\":\"x\"}")), NULL},
        {"not across what the user says", CONTENTS(MODEL("{\"text\":\"a\"}") "," USER("") "," MODEL("{\"text\":\"b\"}")), CONTENTS(MODEL("{\"text\":\"a\"},{\"text\":\"b\"}")), NULL},
        {"a user's stay as they are", CONTENTS(USER("{\"text\":\"a\"},{\"text\":\"b\"}")), NULL, NULL},
    };

    (void)state;
    check_rows(rows, COUNTOF(rows));
}

static void calls_and_what_came_of_them(void **state)
{
    static const struct row rows[] = {
        {"by id", CONTENTS(MODEL("{\"functionCall\":{\"id\":\"1\",\"name\":\"f\",\"args\":{\"a\":1.50}}},{\"functionCall\":{\"id\":\"2\",\"name\":\"f\",\"args\":{}}}") "," USER("{\"functionResponse\":{\"id\":\"2\",\"name\":\"f\",\"response\":{\"result\":\"two\"}}},{\"functionResponse\":{\"id\":\"1\",\"name\":\"f\",\"response\":{\"result\":\"one\"}}}")), NULL, NULL},
        {"without, behind pieces of a thought and others' calls", CONTENTS(MODEL("{\"text\":\"a\",\"thought\":true}") "," MODEL("{\"text\":\"b\",\"thought\":true}") "," MODEL("{\"functionCall\":{\"id\":\"c0\",\"name\":\"f\"}},{\"functionCall\":{\"id\":\"c1\",\"name\":\"f\"}},{\"text\":\"\"}") "," USER("{\"functionResponse\":{\"id\":\"c0\",\"name\":\"f\",\"response\":{\"output\":\"x\"}}},{\"functionResponse\":{\"id\":\"c1\",\"name\":\"f\",\"response\":{\"output\":\"x\"}}}") "," MODEL("{\"functionCall\":{\"name\":\"f\"}}") "," USER("{\"functionResponse\":{\"name\":\"f\",\"response\":{\"output\":\"y\"}}}")),
         CONTENTS(MODEL("{\"text\":\"ab\",\"thought\":true},{\"functionCall\":{\"id\":\"c0\",\"name\":\"f\",\"args\":{}}},{\"functionCall\":{\"id\":\"c1\",\"name\":\"f\",\"args\":{}}}") "," USER("{\"functionResponse\":{\"id\":\"c0\",\"name\":\"f\",\"response\":{\"result\":\"x\"}}},{\"functionResponse\":{\"id\":\"c1\",\"name\":\"f\",\"response\":{\"result\":\"x\"}}}") "," MODEL("{\"functionCall\":{\"id\":\"call_0\",\"name\":\"f\",\"args\":{}}}") "," USER("{\"functionResponse\":{\"id\":\"call_0\",\"name\":\"f\",\"response\":{\"result\":\"y\"}}}")), NULL},
        {"a text, up to its signature", CONTENTS(USER("{\"text\":\"a\"}") "," MODEL("{\"text\":\"b\"}") "," MODEL("{\"text\":\"\",\"thoughtSignature\":\"s\"}")),
         CONTENTS(USER("{\"text\":\"a\"}") "," MODEL("{\"text\":\"b\",\"thoughtSignature\":\"s\"}")), NULL},
        {"without: by name, in order", CONTENTS(MODEL("{\"functionCall\":{\"name\":\"f\"}},{\"functionCall\":{\"name\":\"g\"},\"thoughtSignature\":\"s\"},{\"functionCall\":{\"name\":\"f\"}}") "," USER("{\"functionResponse\":{\"name\":\"g\",\"response\":{\"output\":\"g1\"}}},{\"functionResponse\":{\"name\":\"f\",\"response\":{\"output\":\"f1\"}}},{\"functionResponse\":{\"name\":\"f\",\"response\":{\"output\":\"f2\"}}}")),
         CONTENTS(MODEL("{\"functionCall\":{\"id\":\"call_0\",\"name\":\"f\",\"args\":{}}},{\"functionCall\":{\"id\":\"call_1\",\"name\":\"g\",\"args\":{}},\"thoughtSignature\":\"s\"},{\"functionCall\":{\"id\":\"call_2\",\"name\":\"f\",\"args\":{}}}") "," USER("{\"functionResponse\":{\"id\":\"call_1\",\"name\":\"g\",\"response\":{\"result\":\"g1\"}}},{\"functionResponse\":{\"id\":\"call_0\",\"name\":\"f\",\"response\":{\"result\":\"f1\"}}},{\"functionResponse\":{\"id\":\"call_2\",\"name\":\"f\",\"response\":{\"result\":\"f2\"}}}")), NULL},
        {"what came, however it is wrapped", CONTENTS(MODEL("{\"functionCall\":{\"id\":\"1\",\"name\":\"f\",\"args\":{}}}") "," USER("{\"functionResponse\":{\"id\":\"1\",\"name\":\"f\",\"response\":{\"name\":\"f\",\"content\":[1]}}}") "," USER("{\"functionResponse\":{\"id\":\"1\",\"name\":\"f\",\"response\":{\"error\":\"no\"}}}") "," USER("{\"functionResponse\":{\"id\":\"1\",\"name\":\"f\",\"response\":{\"output\":1,\"x\":2}}}") "," USER("{\"functionResponse\":{\"id\":\"1\",\"name\":\"f\",\"response\":{\"output\":1,\"error\":2}}}") "," USER("{\"functionResponse\":{\"id\":\"1\",\"name\":\"f\"}}")),
         CONTENTS(MODEL("{\"functionCall\":{\"id\":\"1\",\"name\":\"f\",\"args\":{}}}") "," USER("{\"functionResponse\":{\"id\":\"1\",\"name\":\"f\",\"response\":{\"result\":\"[1]\"}}},{\"functionResponse\":{\"id\":\"1\",\"name\":\"f\",\"response\":{\"error\":\"no\"}}},{\"functionResponse\":{\"id\":\"1\",\"name\":\"f\",\"response\":{\"result\":\"{\\\"output\\\":1,\\\"x\\\":2}\"}}},{\"functionResponse\":{\"id\":\"1\",\"name\":\"f\",\"response\":{\"result\":\"{\\\"output\\\":1,\\\"error\\\":2}\"}}},{\"functionResponse\":{\"id\":\"1\",\"name\":\"f\",\"response\":{\"result\":\"\"}}}")), NULL},
        {"with a picture", CONTENTS(MODEL("{\"functionCall\":{\"id\":\"1\",\"name\":\"f\",\"args\":{}}}") "," USER("{\"functionResponse\":{\"id\":\"1\",\"name\":\"f\",\"response\":{\"result\":\"r\"},\"parts\":[{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"AA\"}}]}}")),
         CONTENTS(MODEL("{\"functionCall\":{\"id\":\"1\",\"name\":\"f\",\"args\":{}}}") "," USER("{\"functionResponse\":{\"id\":\"1\",\"name\":\"f\",\"response\":{\"result\":\"r\"}}},{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"AA\"}}")), NULL},
        {"of the old role, and with words behind", CONTENTS(MODEL("{\"functionCall\":{\"id\":\"1\",\"name\":\"f\",\"args\":{}}}") ",{\"role\":\"function\",\"parts\":[{\"functionResponse\":{\"name\":\"f\",\"response\":{\"result\":\"r\"}}},{\"text\":\"and?\"}]}"),
         CONTENTS(MODEL("{\"functionCall\":{\"id\":\"1\",\"name\":\"f\",\"args\":{}}}") "," USER("{\"functionResponse\":{\"id\":\"1\",\"name\":\"f\",\"response\":{\"result\":\"r\"}}},{\"text\":\"and?\"}")), NULL},
    };

    (void)state;
    check_rows(rows, COUNTOF(rows));
}

static void tools_are_read(void **state)
{
    static const struct row rows[] = {
        {"functions", "{" HI ",\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\",\"description\":\"d\",\"parameters\":{\"type\":\"OBJECT\",\"properties\":{\"a\":{\"type\":\"STRING\",\"nullable\":true}}}},{\"name\":\"g\"}]}]}", NULL, NULL},
        {"JSON Schema, in lists of their own", "{" HI ",\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\",\"parametersJsonSchema\":{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}}}}]},{\"function_declarations\":{\"name\":\"g\"}}]}",
         "{" HI ",\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\",\"parameters\":{\"type\":\"OBJECT\",\"properties\":{\"a\":{\"type\":\"STRING\"}}}},{\"name\":\"g\"}]}]}", NULL},
        {"Google's own", "{" HI ",\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\"}]},{\"googleSearch\":{}},{\"codeExecution\":{}}]}", NULL, NULL},
        {"what has no place", "{" HI ",\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\",\"behavior\":\"NON_BLOCKING\",\"response\":{\"type\":\"STRING\"}}]}],\"toolConfig\":{\"retrievalConfig\":{\"languageCode\":\"en\"}}}",
         "{" HI ",\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\"}]}]}", "tools.functionDeclarations.response tools.functionDeclarations.behavior toolConfig.retrievalConfig "},
        {"any", "{" HI ",\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\"}]}],\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"ANY\"}}}", NULL, NULL},
        {"none", "{" HI ",\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\"}]}],\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"NONE\"}}}", NULL, NULL},
        {"validated", "{" HI ",\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\"}]}],\"tool_config\":{\"function_calling_config\":{\"mode\":\"VALIDATED\"}}}", "{" HI ",\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\"}]}],\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"AUTO\"}}}", NULL},
        {"one by name", "{" HI ",\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\"},{\"name\":\"g\"}]}],\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"ANY\",\"allowedFunctionNames\":[\"g\"]}}}",
         "{" HI ",\"tools\":[{\"functionDeclarations\":[{\"name\":\"g\"}]}],\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"ANY\",\"allowedFunctionNames\":[\"g\"]}}}", NULL},
        {"some by name", "{" HI ",\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\"},{\"name\":\"g\"},{\"name\":\"h\"}]}],\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"ANY\",\"allowedFunctionNames\":[\"h\",\"f\"]}}}",
         "{" HI ",\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\"},{\"name\":\"h\"}]}],\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"ANY\"}}}", NULL},
        {"one by name, beside Google's own", "{" HI ",\"tools\":[{\"googleSearch\":{}},{\"functionDeclarations\":[{\"name\":\"f\"},{\"name\":\"g\"}]}],\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"ANY\",\"allowedFunctionNames\":[\"g\"]}}}",
         "{" HI ",\"tools\":[{\"functionDeclarations\":[{\"name\":\"g\"}]},{\"googleSearch\":{}}],\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"ANY\",\"allowedFunctionNames\":[\"g\"]}}}", NULL},
    };

    (void)state;
    check_rows(rows, COUNTOF(rows));
}

static void the_way_to_write_is_read(void **state)
{
    static const struct row rows[] = {
        {"numbers stay text", "{" HI ",\"generationConfig\":{\"maxOutputTokens\":9,\"temperature\":0.10,\"topP\":1e-1,\"topK\":40.0,\"candidateCount\":2,\"presencePenalty\":-1,\"frequencyPenalty\":1.0,\"seed\":-7,\"stopSequences\":[\"\\u0041\",\"b\"]}}", NULL, NULL},
        {"in snake case, one stop", "{" HI ",\"generation_config\":{\"max_output_tokens\":9,\"top_p\":0.5,\"stop_sequences\":\"a\"}}", "{" HI ",\"generationConfig\":{\"maxOutputTokens\":9,\"topP\":0.5,\"stopSequences\":[\"a\"]}}", NULL},
        {"JSON", "{" HI ",\"generationConfig\":{\"responseMimeType\":\"application/json\"}}", NULL, NULL},
        {"text", "{" HI ",\"generationConfig\":{\"responseMimeType\":\"text/plain\"}}", "{" HI "}", NULL},
        {"a schema of Gemini's", "{" HI ",\"generationConfig\":{\"responseMimeType\":\"application/json\",\"responseSchema\":{\"type\":\"ARRAY\",\"items\":{\"type\":\"INTEGER\"}}}}", NULL, NULL},
        {"a JSON Schema", "{" HI ",\"generationConfig\":{\"responseMimeType\":\"application/json\",\"responseJsonSchema\":{\"type\":\"array\",\"items\":{\"type\":\"integer\"}}}}",
         "{" HI ",\"generationConfig\":{\"responseMimeType\":\"application/json\",\"responseSchema\":{\"type\":\"ARRAY\",\"items\":{\"type\":\"INTEGER\"}}}}", NULL},
        {"thinking by tokens", "{" HI ",\"generationConfig\":{\"thinkingConfig\":{\"thinkingBudget\":1024,\"includeThoughts\":true}}}", NULL, NULL},
        {"not at all", "{" HI ",\"generationConfig\":{\"thinkingConfig\":{\"thinkingBudget\":0}}}", NULL, NULL},
        {"as it sees fit", "{" HI ",\"generationConfig\":{\"thinkingConfig\":{\"thinkingBudget\":-1}}}", NULL, NULL},
        {"to be seen", "{" HI ",\"generationConfig\":{\"thinkingConfig\":{\"includeThoughts\":true}}}", "{" HI ",\"generationConfig\":{\"thinkingConfig\":{\"thinkingBudget\":-1,\"includeThoughts\":true}}}", NULL},
        {"what has no place", "{" HI ",\"generationConfig\":{\"responseLogprobs\":true,\"logprobs\":3,\"speechConfig\":{\"a\":1},\"responseModalities\":[\"TEXT\"],\"thinkingConfig\":{\"x\":1}}}", "{" HI "}",
         "generationConfig.speechConfig generationConfig.responseModalities generationConfig.responseLogprobs generationConfig.logprobs generationConfig.thinkingConfig.x "},
    };
    static const struct row level = {"by level", "{" HI ",\"generationConfig\":{\"thinkingConfig\":{\"thinkingLevel\":\"LOW\"}}}", "{" HI ",\"generationConfig\":{\"thinkingConfig\":{\"thinkingLevel\":\"low\"}}}", NULL};

    (void)state;
    check_rows(rows, COUNTOF(rows));
    check_row(&level, "gemini-3-flash");
}

static void thinking_that_nobody_can_read_comes_back(void **state)
{
    static const char body[] = CONTENTS(MODEL("{\"thought\":true,\"text\":\"\",\"thoughtSignature\":\"redactedThinkingAAAA\"},{\"text\":\"a\"}"));
    struct arena a = {.max = 0};
    struct chat_request r;
    struct chat_problem p;

    (void)state;
    assert_true(read_body(&a, body, &r, &p));
    assert_int_equal(r.messages[0].parts_count, 2);
    assert_int_equal(r.messages[0].parts[0].kind, CHAT_REDACTED);
    assert_true(json_text_is(r.messages[0].parts[0].data, STR("AAAA")));
    arena_done(&a);
}

static void a_schema_of_geminis_becomes_json_schema(void **state)
{
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"{\"type\":\"OBJECT\",\"propertyOrdering\":[\"a\"],\"properties\":{\"a\":{\"type\":\"STRING\",\"format\":\"enum\",\"enum\":[\"x\"],\"nullable\":true}},\"required\":[\"a\"]}",
         "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":[\"string\",\"null\"],\"enum\":[\"x\",null]}},\"required\":[\"a\"]}"},
        {"{\"type\":\"ARRAY\",\"minItems\":\"1\",\"maxItems\":3,\"max_length\":\"0\",\"items\":{\"anyOf\":[{\"type\":\"NUMBER\"},{\"type\":\"BOOLEAN\"}],\"nullable\":true}}",
         "{\"type\":\"array\",\"minItems\":1,\"maxItems\":3,\"maxLength\":0,\"items\":{\"anyOf\":[{\"type\":\"number\"},{\"type\":\"boolean\"},{\"type\":\"null\"}]}}"},
        {"{\"type\":\"TYPE_UNSPECIFIED\",\"format\":\"date-time\",\"example\":1,\"description\":\"d\",\"x\":[{}]}", "{\"format\":\"date-time\",\"description\":\"d\",\"x\":[{}]}"},
        {"{\"type\":[\"string\"],\"additionalProperties\":false,\"$defs\":{\"a\":{\"type\":\"INTEGER\"}}}", "{\"type\":[\"string\"],\"additionalProperties\":false,\"$defs\":{\"a\":{\"type\":\"integer\"}}}"},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct arena a = {.max = 0};
        struct buf body = {.max = 0};
        struct chat_request r;
        struct chat_problem p;

        assert_int_equal(buf_printf(&body, "{" HI ",\"generationConfig\":{\"responseSchema\":%s}}", rows[i].in), 0);
        assert_true(surface_gemini.read(&a, buf_str(&body), DEPTH_MAX, &r, &p));
        if (!str_eq(r.schema, str_from(rows[i].out)))
            fail_msg("%.*s", STR_ARG(r.schema));
        buf_done(&body);
        arena_done(&a);
    }
}

static void what_is_wrong_is_named(void **state)
{
    static const struct {
        const char *body, *param, *why;
    } rows[] = {
        {"[]", "", "object"},
        {"{}", "contents", "required"},
        {"{\"contents\":[]}", "contents", "empty"},
        {"{\"contents\":[{\"parts\":[]}]}", "contents", "empty"},
        {"{\"contents\":[{\"role\":\"user\",\"parts\":[{}]}]}", "contents", "empty"},
        {"{\"contents\":\"hi\"}", "contents", "object"},
        {"{\"contents\":[{\"role\":\"system\",\"parts\":[{\"text\":\"a\"}]}]}", "contents[0].role", "'user' or 'model'"},
        {"{\"contents\":[{\"parts\":[{\"text\":1}]}]}", "contents[0].parts[0].text", "string"},
        {"{\"contents\":[{\"parts\":[{\"text\":\"a\",\"inlineData\":{}}]}]}", "contents[0].parts[0].inlineData", "another"},
        {"{\"contents\":[{\"parts\":[{\"inlineData\":{\"data\":\"A\"}}]}]}", "contents[0].parts[0].inlineData.mimeType", "required"},
        {"{\"contents\":[{\"parts\":[{\"fileData\":{\"fileUri\":\"https://generativelanguage.googleapis.com/v1beta/files/x\"}}]}]}", "contents[0].parts[0].fileData.fileUri", "Google keeps"},
        {"{\"contents\":[{\"parts\":[{\"fileData\":{\"fileUri\":\"gs://a/b\"}}]}]}", "contents[0].parts[0].fileData.fileUri", "Google keeps"},
        {"{\"contents\":[{\"parts\":[{\"functionCall\":{\"name\":\"f\"}}]}]}", "contents[0].parts[0].functionCall", "stand"},
        {"{\"contents\":[{\"role\":\"model\",\"parts\":[{\"functionCall\":{}}]}]}", "contents[0].parts[0].functionCall.name", "required"},
        {"{\"contents\":[{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"name\":\"f\",\"args\":[]}}]}]}", "contents[0].parts[0].functionCall.args", "object"},
        {"{\"contents\":[{\"parts\":[{\"functionResponse\":{\"name\":\"f\",\"response\":{}}}]}]}", "contents[0].parts[0]", "no functionCall"},
        {"{\"contents\":[{\"parts\":[{\"functionResponse\":{\"name\":\"f\",\"response\":\"x\"}}]}]}", "contents[0].parts[0].functionResponse.response", "object"},
        {"{" HI "," HI "}", "contents", "more than once"},
        {"{" HI ",\"systemInstruction\":\"x\"}", "systemInstruction", "object"},
        {"{" HI ",\"systemInstruction\":{\"parts\":[{\"inlineData\":{}}]}}", "systemInstruction.parts[0].inlineData", "stand"},
        {"{" HI ",\"systemInstruction\":null,\"system_instruction\":{}}", "systemInstruction", "more than once"},
        {"{" HI ",\"cachedContent\":\"cachedContents/x\"}", "cachedContent", "Google keeps it"},
        {"{" HI ",\"tools\":[1]}", "tools[0]", "object"},
        {"{" HI ",\"tools\":[{\"functionDeclarations\":[{}]}]}", "tools[0].functionDeclarations[0].name", "required"},
        {"{" HI ",\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\",\"parameters\":1}]}]}", "tools[0].functionDeclarations[0].parameters", "object"},
        {"{" HI ",\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"SOME\"}}}", "toolConfig.functionCallingConfig.mode", "AUTO"},
        {"{" HI ",\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"ANY\",\"allowedFunctionNames\":[\"f\"]}}}", "toolConfig.functionCallingConfig.allowedFunctionNames", "declared"},
        {"{" HI ",\"generationConfig\":[]}", "generationConfig", "object"},
        {"{" HI ",\"generationConfig\":{\"temperature\":\"hot\"}}", "generationConfig.temperature", "number"},
        {"{" HI ",\"generationConfig\":{\"stopSequences\":[1]}}", "generationConfig.stopSequences[0]", "string"},
        {"{" HI ",\"generationConfig\":{\"responseMimeType\":\"text/x.enum\"}}", "generationConfig.responseMimeType", "Gemini"},
        {"{" HI ",\"generationConfig\":{\"responseMimeType\":\"image/png\"}}", "generationConfig.responseMimeType", "application/json"},
        {"{" HI ",\"generationConfig\":{\"responseSchema\":[]}}", "generationConfig.responseSchema", "object"},
        {"{" HI ",\"generationConfig\":{\"thinkingConfig\":{\"thinkingLevel\":\"A LOT\"}}}", "generationConfig.thinkingConfig.thinkingLevel", "HIGH"},
        {"{" HI ",\"generationConfig\":{\"thinkingConfig\":{\"thinkingBudget\":\"1\"}}}", "generationConfig.thinkingConfig.thinkingBudget", "number"},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct arena a = {.max = 0};
        struct chat_request r;
        struct chat_problem p;

        if (read_body(&a, rows[i].body, &r, &p))
            fail_msg("%s was taken", rows[i].body);
        assert_int_equal(p.fault, FAULT_BAD_REQUEST);
        if (!str_eq(p.param, str_from(rows[i].param)) || str_find(p.why, str_from(rows[i].why)) == NULL)
            fail_msg("%s: %.*s: %.*s", rows[i].body, STR_ARG(p.param), STR_ARG(p.why));
        arena_done(&a);
    }
}
/* clang-format on */

static void what_is_no_json_or_too_deep_is_refused(void **state)
{
    struct arena a = {.max = 0};
    struct chat_request r;
    struct chat_problem p;

    (void)state;
    assert_false(read_body(&a, "{\"contents\":", &r, &p));
    assert_int_equal(p.fault, FAULT_BAD_JSON);
    assert_false(surface_gemini.read(&a, STR("{" HI "}"), 3, &r, &p));
    assert_int_equal(p.fault, FAULT_BAD_JSON);
    arena_done(&a);
}

/* Each allocation in turn fails: a refusal that says so, and nothing else. */
static void without_room_it_says_so(void **state)
{
    static const char body[] =
        "{\"systemInstruction\":{\"parts\":[{\"text\":\"s\"}]},\"contents\":[" USER(
            "{\"text\":\"a\"}") "," MODEL("{\"text\":\"a\"},{\"text\":\"b\"},{\"functionCall\":{"
                                          "\"name\":\"f\"}}") ",{\"parts\":[{\"functionResponse\":{"
                                                              "\"name\":\"f\",\"response\":{\"a\":"
                                                              "1}}}]}],\"tools\":[{"
                                                              "\"functionDeclarations\":[{\"name\":"
                                                              "\"f\",\"parameters\":{\"type\":"
                                                              "\"OBJECT\"}}]},{\"googleSearch\":{}}"
                                                              "],\"x\":1,\"generationConfig\":{"
                                                              "\"stopSequences\":[\"a\"]}}";
    bool ok = false;

    (void)state;
    for (size_t max = 1; !ok && max < 1 << 20; max += 64) {
        struct arena a = {.max = max};
        struct chat_request r;
        struct chat_problem p;

        ok = read_body(&a, body, &r, &p);
        assert_true(ok || p.fault == FAULT_TOO_LARGE);
        arena_done(&a);
    }
    assert_true(ok);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_are_read),
        cmocka_unit_test(the_pieces_of_a_turn_are_put_together),
        cmocka_unit_test(calls_and_what_came_of_them),
        cmocka_unit_test(tools_are_read),
        cmocka_unit_test(the_way_to_write_is_read),
        cmocka_unit_test(thinking_that_nobody_can_read_comes_back),
        cmocka_unit_test(a_schema_of_geminis_becomes_json_schema),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(what_is_no_json_or_too_deep_is_refused),
        cmocka_unit_test(without_room_it_says_so),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    arena_thread_done();
    return failed;
}
