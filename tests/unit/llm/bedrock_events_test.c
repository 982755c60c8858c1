/* What messages of Bedrock's mean; they are those of its API's description.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "llm/chat_text.h"
#include "llm/dialects.h"

#include "unit/llm/chat_trace.h"

#define BAD "bad\n"
#define BEGIN "messageStart {\"role\":\"assistant\",\"p\":\"abc\"}\n"
#define DELTA(i, inner)                                                                            \
    "contentBlockDelta {\"contentBlockIndex\":" #i ",\"delta\":{" inner "},\"p\":\"ab\"}\n"
#define TEXT(i, text) DELTA(i, "\"text\":\"" text "\"")
#define THOUGHT(i, inner) DELTA(i, "\"reasoningContent\":{" inner "}")
#define USE(i, id, name)                                                                           \
    "contentBlockStart {\"contentBlockIndex\":" #i ",\"start\":{\"toolUse\":{\"toolUseId\":\"" id  \
    "\",\"name\":\"" name "\"}}}\n"
#define INPUT(i, json) DELTA(i, "\"toolUse\":{\"input\":\"" json "\"}")
#define END_OF(i) "contentBlockStop {\"contentBlockIndex\":" #i "}\n"
#define STOP(reason) "messageStop {\"stopReason\":\"" reason "\"}\n"
#define METADATA                                                                                   \
    "metadata "                                                                                    \
    "{\"usage\":{\"inputTokens\":7,\"outputTokens\":3,\"totalTokens\":10},\"metrics\":{"           \
    "\"latencyMs\":1}}\n"
#define COUNTS "usage in=7 out=3 read=0 think=0\n"

/* clang-format off */
static const struct row {
    const char *what, *messages, *events;
} rows[] = {
    {"a text in pieces", BEGIN TEXT(0, "a") TEXT(0, "\\u00e4\\n") END_OF(0) STOP("end_turn") METADATA,
     "start\ntext text=a\ntext text=\\u00e4\\n\nblock\n" COUNTS "stop end\nend\n"},
    {"the counts before the reason", TEXT(0, "a") METADATA STOP("end_turn"), "start\ntext text=a\n" COUNTS "block\nstop end\nend\n"},
    {"no counts: the end of the connection is the end", TEXT(0, "a") STOP("max_tokens"), "start\ntext text=a\nblock\nstop length\nend\n"},
    {"cut before a reason", BEGIN TEXT(0, "a") METADATA, "start\ntext text=a\n" COUNTS},
    {"nothing comes behind the end", TEXT(0, "a") STOP("end_turn") METADATA TEXT(0, "b") STOP("tool_use"), "start\ntext text=a\n" COUNTS "block\nstop end\nend\n"},
    {"thoughts, signed; redacted ones", THOUGHT(0, "\"text\":\"t\"") THOUGHT(0, "\"signature\":\"S+/=\"") END_OF(0) THOUGHT(1, "\"redactedContent\":\"UkVE\"") END_OF(1) TEXT(2, "a") STOP("end_turn") METADATA,
     "start\nthinking text=t\nsignature text=S+/=\nblock\nredacted text=UkVE\nblock\ntext text=a\n" COUNTS "block\nstop end\nend\n"},
    {"a block ends where another begins", THOUGHT(0, "\"text\":\"t\"") TEXT(1, "a") TEXT(2, "b") STOP("end_turn") METADATA,
     "start\nthinking text=t\nblock\ntext text=a\nblock\ntext text=b\n" COUNTS "block\nstop end\nend\n"},
    {"empty pieces say nothing", TEXT(0, "") THOUGHT(1, "\"text\":\"\"") DELTA(2, "") STOP("end_turn") METADATA, "start\n" COUNTS "stop end\nend\n"},
    {"calls", USE(0, "i", "f") INPUT(0, "") INPUT(0, "{\\\"a\\\":") INPUT(0, "1.0}") END_OF(0) USE(1, "j", "g") END_OF(1) STOP("tool_use") METADATA,
     "start\ncall 0 id=i name=f\nargs 0 text={\\\"a\\\":\nargs 0 text=1.0}\nblock\ncall 1 id=j name=g\nargs 1 text={}\nblock\n" COUNTS "stop calls\nend\n"},
    {"R8: calls that are interleaved", USE(0, "i", "f") USE(1, "j", "g") INPUT(0, "{\\\"a\\\":") INPUT(1, "{") INPUT(0, "1}") INPUT(1, "}") END_OF(0) END_OF(1) STOP("tool_use") METADATA,
     "start\ncall 0 id=i name=f\ncall 1 id=j name=g\nargs 0 text={\\\"a\\\":\nargs 1 text={\nargs 0 text=1}\nargs 1 text=}\nblock\n" COUNTS "stop calls\nend\n"},
    {"R8: calls that all have the place 0", USE(0, "i", "f") INPUT(0, "{}") END_OF(0) USE(0, "j", "g") INPUT(0, "{\\\"b\\\":2}") END_OF(0) STOP("tool_use") METADATA,
     "start\ncall 0 id=i name=f\nargs 0 text={}\nblock\ncall 1 id=j name=g\nargs 1 text={\\\"b\\\":2}\nblock\n" COUNTS "stop calls\nend\n"},
    {"R8: calls without a place", "contentBlockStart {\"start\":{\"toolUse\":{\"toolUseId\":\"i\",\"name\":\"f\"}}}\ncontentBlockDelta {\"delta\":{\"toolUse\":{\"input\":\"{}\"}}}\ncontentBlockStop {}\n"
         "contentBlockStart {\"start\":{\"toolUse\":{\"toolUseId\":\"j\",\"name\":\"g\"}}}\ncontentBlockDelta {\"delta\":{\"toolUse\":{\"input\":\"{}\"}}}\n" STOP("tool_use") METADATA,
     "start\ncall 0 id=i name=f\nargs 0 text={}\nblock\ncall 1 id=j name=g\nargs 1 text={}\n" COUNTS "block\nstop calls\nend\n"},
    {"a call that was cut is shown so", USE(0, "i", "f") STOP("max_tokens") METADATA, "start\ncall 0 id=i name=f\n" COUNTS "block\nstop length\nend\n"},
    {"a call whose end did not come", USE(0, "i", "f") STOP("tool_use") METADATA, "start\ncall 0 id=i name=f\n" COUNTS "args 0 text={}\nblock\nstop calls\nend\n"},
    {"arguments of no call", INPUT(0, "{}"), "error upstream_bad_response 0 text=arguments of a tool call that did not begin\n"},
    {"a call without a name", "contentBlockStart {\"contentBlockIndex\":0,\"start\":{\"toolUse\":{\"toolUseId\":\"i\"}}}\n", "error upstream_bad_response 0 text=a tool call without a name or an id, or too many of them\n"},
    {"a citation", TEXT(0, "a") DELTA(0, "\"citation\":{\"title\":\"t\"}") STOP("end_turn") METADATA, "start\ntext text=a\ncitation raw={\"title\":\"t\"}\n" COUNTS "block\nstop end\nend\n"},
    {"a block of its own", TEXT(0, "a") DELTA(1, "\"image\":{\"format\":\"png\"}") STOP("end_turn") METADATA, "start\ntext text=a\nblock\nraw raw={\"image\":{\"format\":\"png\"}}\nblock\n" COUNTS "stop end\nend\n"},
    {"what was cached is not in inputTokens", TEXT(0, "a") STOP("end_turn") "metadata {\"usage\":{\"inputTokens\":7,\"outputTokens\":3,\"cacheReadInputTokens\":100,\"cacheWriteInputTokens\":20}}\n",
     "start\ntext text=a\nusage in=127 out=3 read=100 think=0\nblock\nstop end\nend\n"},
    {"which stop sequence it was", TEXT(0, "a") "messageStop {\"stopReason\":\"stop_sequence\",\"additionalModelResponseFields\":{\"delta\":{\"stop_sequence\":\"\\n\\n\"}}}\n" METADATA, "start\ntext text=a\n" COUNTS "block\nstop seq text=\\n\\n\nend\n"},
    {"R47: a guardrail", TEXT(0, "a") STOP("guardrail_intervened") METADATA, "start\ntext text=a\n" COUNTS "block\nstop filter\nend\n"},
    {"R47: a filter", STOP("content_filtered") METADATA, "start\n" COUNTS "stop filter\nend\n"},
    {"R47: the window", TEXT(0, "a") STOP("model_context_window_exceeded") METADATA, "start\ntext text=a\n" COUNTS "block\nstop context\nend\n"},
    {"R47: a word nobody knows", TEXT(0, "a") STOP("tired") METADATA, "start\ntext text=a\n" COUNTS "block\nstop other text=tired\nend\n"},
    {"a call that the model could not write", TEXT(0, "a") STOP("malformed_tool_use") METADATA, "start\ntext text=a\nerror upstream_error 0 name=malformed_tool_use text=malformed_tool_use\n"},
    {"an exception", TEXT(0, "a") "throttlingException {\"message\":\"slow \\\"down\\\"\"}\n" TEXT(0, "b"), "start\ntext text=a\nerror upstream_rate_limited 0 name=throttlingException text=slow \\\"down\\\"\n"},
    {"one before all else", "modelStreamErrorException {\"message\":\"m\",\"originalStatusCode\":500}\n", "error upstream_error 0 name=modelStreamErrorException text=m\n"},
    {"one that is new", "petulanceException {}\n", "error upstream_error 0 name=petulanceException\n"},
    {"an error without JSON", "InternalFailure it broke\n", "error upstream_error 0 name=InternalFailure text=it broke\n"},
    {"messages that are new", BEGIN "weather {\"rain\":true}\n" TEXT(0, "a") STOP("end_turn") METADATA, "start\ntext text=a\n" COUNTS "block\nstop end\nend\n"},
    {"what is no message", "messageStart null\ncontentBlockDelta {\"delta\ncontentBlockDelta {}\nmessageStop {}\nmetadata []\n", BAD BAD BAD BAD BAD},
};
/* clang-format on */

/* Each payload lies where the one before lay: what the decoder keeps it has to copy. */
static void decode(struct arena *a, struct str messages, struct buf *out)
{
    struct chat_decoder *d = dialect_bedrock.decoder_new(a);
    struct str line, name, data;
    char text[1024];

    while (messages.len > 0) {
        str_cut(messages, '\n', &line, &messages);
        memset(text, '#', sizeof(text));
        assert_in_range(line.len, 1, sizeof(text));
        memcpy(text, line.ptr, line.len);
        str_cut(str_make(text, line.len), ' ', &name, &data);
        if (!dialect_bedrock.decode(d, name, data, trace, out))
            assert_int_equal(buf_put(out, STR(BAD)), 0);
    }
    memset(text, '#', sizeof(text));
    dialect_bedrock.decode_end(d, trace, out);
    assert_int_equal(buf_put(out, str_make("", 1)), 0);
}

static void R46_messages_are_events(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct arena a = {.max = 0};
        struct buf out = {.max = 0};
        const char *wanted = rows[i].events;

        decode(&a, str_from(rows[i].messages), &out);
        if (strcmp(out.ptr, wanted) != 0)
            fail_msg("%s:\n%s", rows[i].what, out.ptr);
        buf_done(&out);
        arena_done(&a);
    }
}

#define WHOLE(content, reason)                                                                     \
    "{\"metrics\":{},\"output\":{\"message\":{\"content\":[" content                               \
    "],\"role\":\"assistant\"}},\"stopReason\":\"" reason                                          \
    "\",\"usage\":{\"inputTokens\":7,\"outputTokens\":3}}"

static void R7_a_whole_answer_is_its_stream(void **state)
{
    static const struct {
        const char *body, *events;
    } bodies[] = {
        {WHOLE("{\"reasoningContent\":{\"reasoningText\":{\"text\":\"t\",\"signature\":\"S\"}}},"
               "{\"reasoningContent\":{\"redactedContent\":\"UkVE\"}},{\"text\":\"a\"},"
               "{\"text\":\"b\"},{\"toolUse\":{\"toolUseId\":\"i\",\"name\":\"f\",\"input\":"
               "{\"a\":1.0}}},{\"toolUse\":{\"toolUseId\":\"j\",\"name\":\"g\"}}",
               "tool_use"),
         "start\nthinking text=t\nsignature text=S\nblock\nredacted text=UkVE\nblock\n"
         "text text=a\nblock\ntext text=b\nblock\ncall 0 id=i name=f\nargs 0 "
         "text={\\\"a\\\":1.0}\nblock\ncall 1 id=j name=g\nargs 1 text={}\nblock\n" COUNTS
         "stop calls\nend\n"},
        {WHOLE("", "guardrail_intervened"), "start\n" COUNTS "stop filter\nend\n"},
        {WHOLE("{\"text\":\"a\"}", "malformed_model_output"),
         "start\ntext text=a\nblock\nerror upstream_error 0 name=malformed_model_output "
         "text=malformed_model_output\n"},
        {"{\"output\":{\"message\":{\"content\":[{\"text\":\"a\"}]}}}", NULL},
        {"{\"stopReason\":\"end_turn\"}", NULL},
        {"", NULL},
        {"null", NULL},
        {"<html>", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(bodies); i++)
        trace_whole(&dialect_bedrock, bodies[i].body, bodies[i].events);
}

static void nothing_is_told_to_one_who_has_heard_enough(void **state)
{
    struct arena a = {.max = 0};
    unsigned told = 0;

    (void)state;
    assert_true(dialect_bedrock.decode_whole(
        dialect_bedrock.decoder_new(&a),
        STR(WHOLE("{\"text\":\"a\"},{\"text\":\"b\"}", "end_turn")), trace_until_text, &told));
    assert_int_equal(told, 2);
    arena_done(&a);
}

/* ---- refusals ---- */

/* clang-format off */
static const struct refusal {
    unsigned status;
    const char *kind; /* in the head; NULL: not there */
    const char *body;
    enum fault fault;
} refusals[] = {
    {429, "ThrottlingException", "{\"message\":\"Too many requests\"}", FAULT_UPSTREAM_RATE},
    {400, "ThrottlingException:http://internal.amazon.com/coral/", "{\"message\":\"m\"}", FAULT_UPSTREAM_RATE},
    {400, "com.amazonaws.bedrock#ServiceQuotaExceededException", "{\"message\":\"m\"}", FAULT_UPSTREAM_RATE},
    {400, "ValidationException", "{\"message\":\"m\"}", FAULT_UPSTREAM_REFUSED},
    {404, "ResourceNotFoundException", "{\"message\":\"m\"}", FAULT_UPSTREAM_REFUSED},
    {408, "ModelTimeoutException", "{\"message\":\"m\"}", FAULT_UPSTREAM_BUSY},
    {429, "ModelNotReadyException", "{\"message\":\"m\"}", FAULT_UPSTREAM_BUSY},
    {503, "ServiceUnavailableException", "{\"message\":\"m\"}", FAULT_UPSTREAM_BUSY},
    {424, "ModelErrorException", "{\"message\":\"m\"}", FAULT_UPSTREAM_ERROR},
    {500, "InternalServerException", "{\"message\":\"m\"}", FAULT_UPSTREAM_ERROR},
    {403, "AccessDeniedException", "{\"message\":\"m\"}", FAULT_UPSTREAM_KEY},
    {403, "AccessDeniedException", "{\"message\":\"You don't have access to the model with the specified model ID.\"}", FAULT_UPSTREAM_MODEL},
    {403, "ExpiredTokenException", "{\"message\":\"The security token included in the request is expired\"}", FAULT_UPSTREAM_KEY},
    {400, "ExpiredTokenException", "{\"message\":\"m\"}", FAULT_UPSTREAM_KEY},
    {403, "UnrecognizedClientException", "{\"message\":\"m\"}", FAULT_UPSTREAM_KEY},
    {403, "InvalidSignatureException", "{\"message\":\"m\"}", FAULT_UPSTREAM_KEY},
    {400, "IncompleteSignature", "{\"message\":\"m\"}", FAULT_UPSTREAM_KEY},
    {400, NULL, "{\"__type\":\"ThrottlingException\",\"message\":\"m\"}", FAULT_UPSTREAM_RATE},
    {400, NULL, "{\"__type\":\"com.amazon.coral.service#ExpiredTokenException\",\"Message\":\"m\"}", FAULT_UPSTREAM_KEY},
    {429, NULL, "{\"message\":\"m\"}", FAULT_UPSTREAM_RATE},
    {503, "NobodyKnowsException", "<html>", FAULT_UPSTREAM_BUSY},
    {502, NULL, "", FAULT_UPSTREAM_ERROR},
};
/* clang-format on */

static void R13_a_refusal_is_a_fault(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNTOF(refusals); i++) {
        const struct refusal *r = &refusals[i];
        struct arena a = {.max = 0};
        struct chat_event ev;

        dialect_bedrock.refusal(&a, r->status, str_from(r->body), &ev);
        if (r->kind != NULL)
            dialect_bedrock.refusal_kind(&a, str_from(r->kind), &ev);
        assert_int_equal(ev.kind, CHAT_EV_ERROR);
        if (ev.fault != r->fault)
            fail_msg("%u %s %s: %s", r->status, r->kind, r->body, fault_info(ev.fault)->wire);
        if (strstr(r->body, "\"m\"") != NULL)
            assert_true(json_text_is(ev.text, STR("m")));
        arena_done(&a);
    }
    assert_string_equal(dialect_bedrock.kind_field, "x-amzn-errortype");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R46_messages_are_events),
        cmocka_unit_test(R7_a_whole_answer_is_its_stream),
        cmocka_unit_test(nothing_is_told_to_one_who_has_heard_enough),
        cmocka_unit_test(R13_a_refusal_is_a_fault),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    arena_thread_done();
    return failed;
}
