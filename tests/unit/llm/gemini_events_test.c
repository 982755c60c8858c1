/* What chunks of Gemini's mean, chunk by chunk. SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "llm/chat_text.h"
#include "llm/dialects.h"

#include "unit/llm/chat_trace.h"

#define PARTS(parts) "{\"candidates\":[{\"content\":{\"parts\":[" parts "]}}]}"
#define FINISH(word) "{\"candidates\":[{\"finishReason\":\"" word "\"}]}"
#define CALL(members) PARTS("{\"functionCall\":{" members "}}")

/* Chunks a line each, and the events; a chunk that is refused leaves "bad" there. */
/* clang-format off */
static const struct row {
    const char *what, *chunks, *events;
} rows[] = {
    {"a text in pieces, escapes as they were",
     "{\"responseId\":\"r\",\"modelVersion\":\"m\",\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\\n\\u00e4\"}]}}]}\n"
     PARTS("{\"text\":\"b\"}") "\n" FINISH("STOP"),
     "start id=r model=m\ntext text=a\\n\\u00e4\ntext text=b\nblock\nstop end\nend\n"},
    {"a finish reason with each chunk ends nothing",
     "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]},\"finishReason\":\"STOP\"}]}\n"
     "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"b\"}]},\"finishReason\":\"MAX_TOKENS\"}]}",
     "start\ntext text=a\ntext text=b\nblock\nstop length\nend\n"},
    {"no finish reason: it was cut", PARTS("{\"text\":\"a\"}"), "start\ntext text=a\n"},
    {"thoughts, their signature, the answer",
     PARTS("{\"text\":\"t\",\"thought\":true,\"thoughtSignature\":\"S1\"},{\"text\":\"u\",\"thought\":true}") "\n"
     PARTS("{\"text\":\"a\"},{\"text\":\"\",\"thoughtSignature\":\"S2\"}") "\n" FINISH("STOP"),
     "start\nthinking text=t\nsignature text=S1\nblock\nthinking text=u\nblock\ntext text=a\nblock\n"
     "signature text=S2\nblock\nstop end\nend\n"},
    {"calls, with an id and without",
     PARTS("{\"functionCall\":{\"id\":\"x\",\"name\":\"f\",\"args\":{\"a\":[1,\"\\\"\"]}},\"thoughtSignature\":\"S\"},"
           "{\"functionCall\":{\"name\":\"g\"}}") "\n" FINISH("STOP"),
     "start\ncall 0 id=x name=f sig=S\nargs 0 text={\\\"a\\\":[1,\\\"\\\\\\\"\\\"]}\nblock\n"
     "call 1 id=call_1 name=g\nargs 1 text={}\nblock\nstop calls\nend\n"},
    {"an id of the response that is no id",
     "{\"responseId\":\"a b\",\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{\"name\":\"g\"}}]}}]}",
     "start id=a b\ncall 0 id=call_0 name=g\nargs 0 text={}\nblock\n"},
    {"pieces of arguments of all kinds",
     CALL("\"name\":\"f\",\"willContinue\":true") "\n"
     CALL("\"partialArgs\":[{\"jsonPath\":\"$.a.n\",\"numberValue\":1.50}],\"willContinue\":true") "\n"
     CALL("\"partialArgs\":[{\"jsonPath\":\"$.a['x.y']\",\"boolValue\":false},{\"jsonPath\":\"$.l[0][0]\",\"nullValue\":\"NULL_VALUE\"}],\"willContinue\":true") "\n"
     CALL("\"partialArgs\":[{\"jsonPath\":\"$.l[1]\",\"stringValue\":\"a\\\"\",\"willContinue\":true},{\"jsonPath\":\"$.l[1]\",\"stringValue\":\"b\"}],\"willContinue\":true") "\n"
     CALL(""),
     "start\ncall 0 id=call_0 name=f\nargs 0 text={\\\"a\\\":{\\\"n\\\":1.50\n"
     "args 0 text=,\\\"x.y\\\":false\nargs 0 text=},\\\"l\\\":[[null\n"
     "args 0 text=],\\\"a\\\\\\\"\nargs 0 text=b\\\"\nargs 0 text=]}\nblock\n"},
    {"a string that is never said to be whole",
     CALL("\"name\":\"f\",\"willContinue\":true,\"partialArgs\":[{\"jsonPath\":\"$.a\",\"stringValue\":\"x\",\"willContinue\":true}]") "\n"
     CALL("\"name\":\"g\"") "\n" FINISH("STOP"),
     "start\ncall 0 id=call_0 name=f\nargs 0 text={\\\"a\\\":\\\"x\nargs 0 text=\\\"}\nblock\n"
     "call 1 id=call_1 name=g\nargs 1 text={}\nblock\nstop calls\nend\n"},
    {"a call cut by the limit is shown cut",
     CALL("\"name\":\"f\",\"willContinue\":true,\"partialArgs\":[{\"jsonPath\":\"$.a\",\"stringValue\":\"x\",\"willContinue\":true}]") "\n"
     FINISH("MAX_TOKENS"),
     "start\ncall 0 id=call_0 name=f\nargs 0 text={\\\"a\\\":\\\"x\nblock\nstop length\nend\n"},
    {"a key that comes twice",
     CALL("\"name\":\"f\",\"willContinue\":true,\"partialArgs\":[{\"jsonPath\":\"$.a\",\"numberValue\":1},{\"jsonPath\":\"$.b\",\"numberValue\":1},{\"jsonPath\":\"$.a\",\"numberValue\":1}]"),
     "start\ncall 0 id=call_0 name=f\nargs 0 text={\\\"a\\\":1\nargs 0 text=,\\\"b\\\":1\n"
     "error upstream_bad_response 0 text=the pieces of a tool call's arguments do not fit together\n"},
    {"an element that skips one",
     CALL("\"name\":\"f\",\"willContinue\":true,\"partialArgs\":[{\"jsonPath\":\"$.a[1]\",\"numberValue\":1}]"),
     "start\ncall 0 id=call_0 name=f\n"
     "error upstream_bad_response 0 text=the pieces of a tool call's arguments do not fit together\n"},
    {"an object that was an array",
     CALL("\"name\":\"f\",\"willContinue\":true,\"partialArgs\":[{\"jsonPath\":\"$.a[0]\",\"numberValue\":1},{\"jsonPath\":\"$.a.b\",\"numberValue\":1}]"),
     "start\ncall 0 id=call_0 name=f\nargs 0 text={\\\"a\\\":[1\n"
     "error upstream_bad_response 0 text=the pieces of a tool call's arguments do not fit together\n"},
    {"keys of all chunks are remembered",
     CALL("\"name\":\"f\",\"willContinue\":true,\"partialArgs\":[{\"jsonPath\":\"$.abc.d\",\"numberValue\":1}]") "\n"
     CALL("\"willContinue\":true,                 \"partialArgs\":[{\"jsonPath\":\"$.abc.e\",\"numberValue\":1}]") "\n"
     CALL("\"willContinue\":true,   \"partialArgs\":[{\"jsonPath\":\"$.x\",\"numberValue\":1},{\"jsonPath\":\"$.abc.f\",\"numberValue\":1}]"),
     "start\ncall 0 id=call_0 name=f\nargs 0 text={\\\"abc\\\":{\\\"d\\\":1\nargs 0 text=,\\\"e\\\":1\nargs 0 text=},\\\"x\\\":1\n"
     "error upstream_bad_response 0 text=the pieces of a tool call's arguments do not fit together\n"},
    {"no path",
     CALL("\"name\":\"f\",\"willContinue\":true,\"partialArgs\":[{\"jsonPath\":\"a\",\"numberValue\":1}]"),
     "start\ncall 0 id=call_0 name=f\n"
     "error upstream_bad_response 0 text=the pieces of a tool call's arguments do not fit together\n"},
    {"what only Gemini knows",
     PARTS("{\"executableCode\":{\"language\":\"PYTHON\",\"code\":\"1\"}},{\"text\":\"a\"}") "\n" FINISH("STOP"),
     "start\nraw raw={\"executableCode\":{\"language\":\"PYTHON\",\"code\":\"1\"}}\nblock\ntext text=a\nblock\nstop end\nend\n"},
    {"two candidates, one after the other",
     "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]},\"finishReason\":\"STOP\"}]}\n"
     "{\"candidates\":[{\"index\":1,\"content\":{\"parts\":[{\"functionCall\":{\"name\":\"f\"}}]},\"finishReason\":\"STOP\"}]}",
     "start\ntext text=a\ncall #1 0 id=call__1_0 name=f\nargs #1 0 text={}\nblock #1\n"
     "block\nstop end\nstop #1 calls\nend\n"},
    {"usage: thoughts are output, the cache is input, repeats are nothing new",
     "{\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":10,\"cachedContentTokenCount\":4,\"candidatesTokenCount\":3,\"thoughtsTokenCount\":5,\"toolUsePromptTokenCount\":2}}\n"
     "{\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":10,\"cachedContentTokenCount\":4,\"candidatesTokenCount\":3,\"thoughtsTokenCount\":5,\"toolUsePromptTokenCount\":2}}\n"
     "{\"usageMetadata\":{\"trafficType\":\"ON_DEMAND\"}}",
     "start\nusage in=12 out=8 read=4 think=5\n"},
    {"a prompt that was blocked is a filtered answer",
     "{\"promptFeedback\":{\"blockReason\":\"PROHIBITED_CONTENT\"},\"usageMetadata\":{\"promptTokenCount\":7}}",
     "start\nusage in=7 out=0 read=0 think=0\nstop filter\nend\n"},
    {"a verdict beside an answer is not one on it",
     "{\"promptFeedback\":{\"blockReason\":\"SAFETY\"},\"candidates\":[{\"finishReason\":\"STOP\"}]}", "start\nstop end\nend\n"},
    {"ratings of a prompt are no verdict",
     "{\"promptFeedback\":{\"safetyRatings\":[]},\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]},\"finishReason\":\"STOP\"}]}",
     "start\ntext text=a\nblock\nstop end\nend\n"},
    {"a call that the model got wrong is a failure",
     PARTS("{\"text\":\"a\"}") "\n"
     "{\"candidates\":[{\"finishReason\":\"MALFORMED_FUNCTION_CALL\",\"finishMessage\":\"print(f())\"}],\"usageMetadata\":{\"promptTokenCount\":7}}\n"
     PARTS("{\"text\":\"b\"}"),
     "start\ntext text=a\nusage in=7 out=0 read=0 think=0\nerror upstream_error 0 name=MALFORMED_FUNCTION_CALL text=print(f())\n"},
    {"an error inside a 200",
     "{\"error\":{\"code\":503,\"message\":\"The model is overloaded.\",\"status\":\"UNAVAILABLE\"}}",
     "error upstream_overloaded 0 name=UNAVAILABLE text=The model is overloaded.\n"},
    {"the same in an array",
     "[{\"error\":{\"code\":429,\"message\":\"slow\",\"status\":\"RESOURCE_EXHAUSTED\",\"details\":[{\"retryDelay\":\"2s\"}]}}]",
     "error upstream_rate_limited 2000 name=RESOURCE_EXHAUSTED text=slow\n"},
    {"what is no chunk", "{\"candidates\":[}\n1\nnull\n{}\n[]", TRACE_BAD TRACE_BAD TRACE_BAD TRACE_BAD TRACE_BAD},
    {"a relay's end", "[DONE]", ""},
};
/* clang-format on */

static void R46_chunks_are_events(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct arena a = {.max = 0};
        struct buf out = {.max = 0};

        trace_lines(&dialect_gemini, &a, str_from(rows[i].chunks), &out);
        if (strcmp(out.ptr, rows[i].events) != 0)
            fail_msg("%s:\n%s", rows[i].what, out.ptr);
        buf_done(&out);
        arena_done(&a);
    }
}

static void R47_every_finish_reason(void **state)
{
    /* clang-format off */
    static const struct {
        const char *word, *end;
    } reasons[] = {
        {"STOP", "stop end\nend\n"},
        {"MAX_TOKENS", "stop length\nend\n"},
        {"SAFETY", "stop filter\nend\n"},
        {"RECITATION", "stop filter\nend\n"},
        {"LANGUAGE", "stop filter\nend\n"},
        {"BLOCKLIST", "stop filter\nend\n"},
        {"PROHIBITED_CONTENT", "stop filter\nend\n"},
        {"SPII", "stop filter\nend\n"},
        {"MODEL_ARMOR", "stop filter\nend\n"},
        {"IMAGE_SAFETY", "stop filter\nend\n"},
        {"IMAGE_PROHIBITED_CONTENT", "stop filter\nend\n"},
        {"IMAGE_RECITATION", "stop filter\nend\n"},
        {"MALFORMED_FUNCTION_CALL", "error upstream_error 0 name=MALFORMED_FUNCTION_CALL text=MALFORMED_FUNCTION_CALL\n"},
        {"MALFORMED_RESPONSE", "error upstream_error 0 name=MALFORMED_RESPONSE text=MALFORMED_RESPONSE\n"},
        {"UNEXPECTED_TOOL_CALL", "error upstream_error 0 name=UNEXPECTED_TOOL_CALL text=UNEXPECTED_TOOL_CALL\n"},
        {"TOO_MANY_TOOL_CALLS", "error upstream_error 0 name=TOO_MANY_TOOL_CALLS text=TOO_MANY_TOOL_CALLS\n"},
        {"MISSING_THOUGHT_SIGNATURE", "error upstream_refused 0 name=MISSING_THOUGHT_SIGNATURE text=MISSING_THOUGHT_SIGNATURE\n"},
        {"OTHER", "stop other text=OTHER\nend\n"},
        {"NO_IMAGE", "stop other text=NO_IMAGE\nend\n"},
        {"FINISH_REASON_UNSPECIFIED", "stop other text=FINISH_REASON_UNSPECIFIED\nend\n"},
        {"NEXT_YEARS", "stop other text=NEXT_YEARS\nend\n"},
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < COUNTOF(reasons); i++) {
        struct arena a = {.max = 0};
        struct buf out = {.max = 0}, chunk = {.max = 0};

        assert_int_equal(buf_printf(&chunk, FINISH("%s"), reasons[i].word), 0);
        trace_lines(&dialect_gemini, &a, buf_str(&chunk), &out);
        assert_memory_equal(out.ptr, "start\n", 6);
        assert_string_equal(out.ptr + 6, reasons[i].end);
        buf_done(&out);
        buf_done(&chunk);
        arena_done(&a);
    }
}

static void R10_a_body_without_an_answer_is_none(void **state)
{
    static const char *const bodies[] = {
        "",
        "null",
        "<html>",
        "{}",
        "{\"candidates\":[]}",
        "{\"usageMetadata\":{\"promptTokenCount\":1}}",
        "[]",
        "{\"promptFeedback\":{}}",
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(bodies); i++) {
        struct arena a = {.max = 0};
        struct buf out = {.max = 0};
        struct chat_decoder *d = dialect_gemini.decoder_new(&a);

        assert_false(dialect_gemini.decode_whole(d, str_from(bodies[i]), trace, &out));
        assert_int_equal(out.len, 0);
        buf_done(&out);
        arena_done(&a);
    }
}

static void R47_a_whole_answer_without_a_reason_has_an_unknown_one(void **state)
{
    (void)state;
    trace_whole(&dialect_gemini, PARTS("{\"text\":\"a\"}"),
                "start\ntext text=a\nblock\nstop other text=FINISH_REASON_UNSPECIFIED\nend\n");
}

static void nothing_is_told_to_one_who_has_heard_enough(void **state)
{
    struct arena a = {.max = 0};
    struct chat_decoder *d = dialect_gemini.decoder_new(&a);
    unsigned told = 0;

    (void)state;
    assert_true(dialect_gemini.decode(d, STR(""), STR(PARTS("{\"text\":\"a\"},{\"text\":\"b\"}")),
                                      trace_until_text, &told));
    dialect_gemini.decode_end(d, trace_until_text, &told);
    assert_int_equal(told, 2);
    arena_done(&a);
}

/* ---- refusals ---- */

#define ERROR(status, details)                                                                     \
    "{\"error\":{\"message\":\"m\",\"status\":\"" status "\",\"details\":[" details "]}}"
#define QUOTA(id) "{\"violations\":[{\"quotaId\":\"" id "\"}]}"

static void R13_a_refusal_is_a_fault(void **state)
{
    /* clang-format off */
    static const struct {
        unsigned status;
        const char *body;
        enum fault fault;
        uint64_t retry_after_ms;
    } refusals[] = {
        {400, ERROR("INVALID_ARGUMENT", ""), FAULT_UPSTREAM_REFUSED, 0},
        {400, ERROR("INVALID_ARGUMENT", "{\"reason\":\"API_KEY_INVALID\"}"), FAULT_UPSTREAM_KEY, 0},
        {400, ERROR("FAILED_PRECONDITION", ""), FAULT_UPSTREAM_KEY, 0},
        {401, ERROR("UNAUTHENTICATED", ""), FAULT_UPSTREAM_KEY, 0},
        {403, ERROR("PERMISSION_DENIED", ""), FAULT_UPSTREAM_KEY, 0},
        {404, ERROR("NOT_FOUND", ""), FAULT_UPSTREAM_REFUSED, 0},
        {429, ERROR("RESOURCE_EXHAUSTED", "{\"retryDelay\":\"0.25s\"}"), FAULT_UPSTREAM_RATE, 250},
        {429, ERROR("RESOURCE_EXHAUSTED", "{\"retryDelay\":\"7s\"}"), FAULT_UPSTREAM_RATE, 7000},
        {429, ERROR("RESOURCE_EXHAUSTED", "{\"retryDelay\":\"1.000000001s\"}"), FAULT_UPSTREAM_RATE, 1001},
        {429, ERROR("RESOURCE_EXHAUSTED", "{\"retryDelay\":\"soon\"}"), FAULT_UPSTREAM_RATE, 0},
        {429, ERROR("RESOURCE_EXHAUSTED", "{\"retryDelay\":\"99999999999s\"}"), FAULT_UPSTREAM_RATE, 0},
        {429, ERROR("RESOURCE_EXHAUSTED", QUOTA("GenerateRequestsPerMinute")), FAULT_UPSTREAM_RATE, 0},
        {429, ERROR("RESOURCE_EXHAUSTED", QUOTA("GenerateRequestsPerDayPerProject")), FAULT_UPSTREAM_KEY, 0},
        {429, ERROR("RESOURCE_EXHAUSTED", "{\"violations\":[{\"quotaValue\":\"0\"}]}"), FAULT_UPSTREAM_KEY, 0},
        {499, ERROR("CANCELLED", ""), FAULT_UPSTREAM_ERROR, 0},
        {500, ERROR("INTERNAL", ""), FAULT_UPSTREAM_ERROR, 0},
        {503, ERROR("UNAVAILABLE", ""), FAULT_UPSTREAM_BUSY, 0},
        {504, ERROR("DEADLINE_EXCEEDED", ""), FAULT_UPSTREAM_BUSY, 0},
        {429, "[" ERROR("RESOURCE_EXHAUSTED", "{\"retryDelay\":\"2s\"}") "]", FAULT_UPSTREAM_RATE, 2000},
        {200, "{\"error\":{\"code\":429,\"message\":\"m\"}}", FAULT_UPSTREAM_RATE, 0},
        {200, "{\"error\":{\"message\":\"m\"}}", FAULT_UPSTREAM_ERROR, 0},
        {502, "<html>", FAULT_UPSTREAM_ERROR, 0},
        {503, "", FAULT_UPSTREAM_BUSY, 0},
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < COUNTOF(refusals); i++) {
        struct arena a = {.max = 0};
        struct chat_event ev;

        dialect_gemini.refusal(&a, refusals[i].status, str_from(refusals[i].body), &ev);
        if (ev.fault != refusals[i].fault || ev.retry_after_ms != refusals[i].retry_after_ms)
            fail_msg("row %zu: %d, %d ms", i, ev.fault, (int)ev.retry_after_ms);
        assert_true(refusals[i].body[0] == '<' || refusals[i].body[0] == '\0'
                        ? ev.text.ptr == NULL
                        : json_text_is(ev.text, STR("m")));
        arena_done(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R46_chunks_are_events),
        cmocka_unit_test(R47_every_finish_reason),
        cmocka_unit_test(R10_a_body_without_an_answer_is_none),
        cmocka_unit_test(R47_a_whole_answer_without_a_reason_has_an_unknown_one),
        cmocka_unit_test(nothing_is_told_to_one_who_has_heard_enough),
        cmocka_unit_test(R13_a_refusal_is_a_fault),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    arena_thread_done();
    return failed;
}
