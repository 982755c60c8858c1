/* Bedrock's Converse in the simulator: its messages, decoded with every CRC, and what it refuses.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <zlib.h>

#include "unit/sim/dialect_fixture.h"

#define CONVERSE_PATH "/model/sim/converse"
#define ASKS "\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"Sag höllo\"}]}]"
static const struct str hello = STR_INIT("{" ASKS "}");

static void stream_of(struct answer *a, const char *model)
{
    char target[256];

    snprintf(target, sizeof(target), "/model/%s/converse-stream", model);
    answer_start(a, target, hello);
    answer_stream(a);
}

static uint32_t u32_at(const char *p)
{
    const unsigned char *u = (const unsigned char *)p;

    return (uint32_t)u[0] << 24 | (uint32_t)u[1] << 16 | (uint32_t)u[2] << 8 | u[3];
}

static uint32_t crc_of(const char *p, size_t n)
{
    return (uint32_t)crc32(0, (const unsigned char *)p, (unsigned)n);
}

/* The first header's value, which names the event, and the payload of the message at the front. */
static bool next_message(struct str *rest, struct str *ret_type, struct str *ret_payload)
{
    uint32_t total, headers;
    const char *h;
    size_t name;

    if (rest->len == 0)
        return false;
    assert_true(rest->len >= 16);
    total = u32_at(rest->ptr);
    headers = u32_at(rest->ptr + 4);
    assert_int_equal(u32_at(rest->ptr + 8), crc_of(rest->ptr, 8));
    assert_true(total <= rest->len && headers + 16 <= total);
    assert_int_equal(u32_at(rest->ptr + total - 4), crc_of(rest->ptr, total - 4));
    h = rest->ptr + 12;
    name = (unsigned char)h[0];
    assert_int_equal(h[1 + name], 7);
    *ret_type = str_make(h + 4 + name,
                         (size_t)((unsigned char)h[2 + name] << 8 | (unsigned char)h[3 + name]));
    *ret_payload = str_make(rest->ptr + 12 + headers, total - headers - 16);
    *rest = str_skip(*rest, total);
    return true;
}

/* "type payload" a line. */
static void decode(struct answer *a)
{
    struct str rest = out_str(&a->text), type, payload;
    struct out lines = {.full = false};

    while (next_message(&rest, &type, &payload)) {
        out_put(&lines, type);
        OUT_LIT(&lines, " ");
        out_put(&lines, payload);
        OUT_LIT(&lines, "\n");
    }
    buf_done(&a->text.buf);
    a->text = lines;
}

#define PAD ",\"p\":\"abcdefgh\"}\n"
#define START "messageStart {\"p\":\"abcdefghijk\",\"role\":\"assistant\"}\n"
#define DELTA(n, what) "contentBlockDelta {\"contentBlockIndex\":" n ",\"delta\":{" what "}" PAD
#define STOP(n) "contentBlockStop {\"contentBlockIndex\":" n "}\n"
#define END(reason, output, total)                                                                 \
    "messageStop {\"stopReason\":\"" reason "\"}\n"                                                \
    "metadata {\"metrics\":{\"latencyMs\":1},\"usage\":{\"cacheReadInputTokens\":0,"               \
    "\"cacheWriteInputTokens\":0,\"inputTokens\":2,\"outputTokens\":" output                       \
    ",\"totalTokens\":" total "}}\n"

static void a_text_comes_in_messages_with_right_CRCs(void **state)
{
    struct answer a;

    (void)state;
    stream_of(&a, "sim");
    decode(&a);
    says(&a, START DELTA("0", "\"text\":\"Sag\"") DELTA("0", "\"text\":\" höllo\"") STOP("0")
                 END("end_turn", "2", "4"));
    answer_end(&a);
}

static void reasoning_ends_with_its_signature(void **state)
{
    struct answer a;

    (void)state;
    stream_of(&a, "sim%3Freasoning=1,tokens=1");
    decode(&a);
    says(&a, START DELTA("0", "\"reasoningContent\":{\"text\":\"river\"}")
                 DELTA("0", "\"reasoningContent\":{\"signature\":\"sim#\"}") STOP("0")
                     DELTA("1", "\"text\":\"river\"") STOP("1") END("end_turn", "2", "4"));
    answer_end(&a);
}

static void a_call_comes_in_pieces_of_JSON(void **state)
{
    struct answer a;

    (void)state;
    stream_of(&a, "sim%3Ftools-parallel,calls=1");
    decode(&a);
    says(&a, START "contentBlockStart {\"contentBlockIndex\":0,\"start\":{\"toolUse\":{\"name\":"
                   "\"get_weather\",\"toolUseId\":\"tooluse_#\"}}}\n" DELTA(
                       "0", "\"toolUse\":{\"input\":\"{\\\"city\\\":\\\"\"}")
                       DELTA("0", "\"toolUse\":{\"input\":\"Kraków\\\",\\\"ca\"}")
                           DELTA("0", "\"toolUse\":{\"input\":\"ll\\\":0}\"}") STOP("0")
                               END("tool_use", "4", "6"));
    answer_end(&a);
}

static void faults_look_as_the_menu_says(void **state)
{
    static const struct {
        const char *model, *what;
        unsigned times;
    } rows[] = {
        {"sim%3Fdone-without-finish", "messageStop", 0},
        {"sim%3Fdone-without-finish", "metadata", 1},
        {"sim%3Fusage-absent", "metadata", 0},
        {"sim%3Fusage-zero", "\"totalTokens\":0", 1},
        {"sim%3Fusage-plain", "cacheReadInputTokens", 0},
        {"sim%3Ftools-interleaved", "contentBlockStart", 2},
        {"sim%3Ftools-all-index-0", "\"contentBlockIndex\":1", 0},
        {"sim%3Ftools-no-index", "contentBlockIndex", 0},
        {"sim%3Ftools-whole", "\"input\":\"{\\\"city\\\":\\\"Kraków\\\",\\\"call\\\":0}\"", 1},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct answer a;

        stream_of(&a, rows[i].model);
        decode(&a);
        if (count(&a, rows[i].what) != rows[i].times)
            fail_msg("%s: %.*s", rows[i].model, STR_ARG(out_str(&a.text)));
        answer_end(&a);
    }
}

static void an_error_in_a_stream_is_an_exception(void **state)
{
    struct answer a;

    (void)state;
    answer_start(&a, "/model/sim/converse-stream", hello);
    sim_bedrock.event(&a.talk, SIM_EVENT_OPEN, &a.text);
    sim_bedrock.event(&a.talk, SIM_EVENT_ERROR, &a.text);
    assert_int_equal(count(&a, ":exception-type"), 1);
    assert_int_equal(count(&a, "exception"), 2); /* the name of its header, and :message-type */
    decode(&a);
    says(&a, START "serviceUnavailableException {\"message\":\"Bedrock is unable to process your "
                   "request.\"}\n");
    answer_end(&a);
}

static void a_whole_answer_has_the_same_content(void **state)
{
    struct answer a;

    (void)state;
    answer_start(&a, "/model/sim%3Freasoning=1/converse", hello);
    answer_whole(&a);
    says(&a,
         "{\"metrics\":{\"latencyMs\":1},\"output\":{\"message\":{\"content\":[{"
         "\"reasoningContent\":{\"reasoningText\":{\"text\":\"river\",\"signature\":\"sim#\"}}},"
         "{\"text\":\"Sag höllo\"}],\"role\":\"assistant\"}},\"stopReason\":\"end_turn\","
         "\"usage\":{\"cacheReadInputTokens\":0,\"cacheWriteInputTokens\":0,\"inputTokens\":2,"
         "\"outputTokens\":3,\"totalTokens\":5}}");
    answer_end(&a);
}

#define USER(blocks) "{\"role\":\"user\",\"content\":[" blocks "]}"
#define MODEL(blocks) "{\"role\":\"assistant\",\"content\":[" blocks "]}"
#define SAYS(s) "{\"text\":\"" s "\"}"
#define USE(id) "{\"toolUse\":{\"toolUseId\":\"" id "\",\"name\":\"f\",\"input\":{}}}"
#define RESULT(id) "{\"toolResult\":{\"toolUseId\":\"" id "\",\"content\":[{\"text\":\"r\"}]}}"
#define TOOLS                                                                                      \
    ",\"toolConfig\":{\"tools\":[{\"toolSpec\":{\"name\":\"f\",\"inputSchema\":{\"json\":{}}}}]}"
#define TURNS(turns) STR_INIT("{\"messages\":[" turns "]" TOOLS "}")

static void requests_are_refused_as_Bedrock_refuses_them(void **state)
{
    static const struct refusal rows[] = {
        {STR_INIT("{}"), "Value null at 'messages' failed to satisfy constraint"},
        {STR_INIT("{" ASKS ",\"max_tokens\":5}"), "extraneous key [max_tokens] is not permitted"},
        {STR_INIT("{" ASKS ",\"inferenceConfig\":{\"temperature\":1.5}}"),
         "inferenceConfig.temperature must be from 0 to 1"},
        {STR_INIT("{" ASKS ",\"toolConfig\":{\"tools\":[]}}"), "toolConfig.tools is empty"},
        {STR_INIT("{\"messages\":[]}"), "The value at messages is empty"},
        {STR_INIT("{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}"),
         "Value at 'messages.0.content'"},
        {TURNS(USER(SAYS(" "))), "messages.0.content.0 is blank"},
        {TURNS(USER("")), "messages.0 is empty"},
        {TURNS(MODEL(SAYS("a"))), "must start with a user message"},
        {TURNS(USER(SAYS("a")) "," USER(SAYS("b"))), "must alternate between user and assistant"},
        {TURNS(USER(SAYS("a")) "," MODEL(USE("t1")) "," USER(SAYS("b"))),
         "Expected toolResult blocks at messages.2.content for the following Ids: t1"},
        {TURNS(USER(SAYS("a")) "," MODEL(USE("t1"))), "for the following Ids: t1"},
        {TURNS(USER(RESULT("t1"))), "exceeds the number of toolUse blocks of previous turn"},
        {STR_INIT(
             "{\"messages\":[" USER(SAYS("a")) "," MODEL(USE("t1")) "," USER(RESULT("t1")) "]}"),
         "The toolConfig field must be defined"},
        {TURNS(USER("{\"text\":\"a\",\"image\":{\"format\":\"png\",\"source\":{}}}")),
         "must set one of the following keys"},
    };
    static const struct str bodies[] = {
        TURNS(USER(SAYS("a")) "," MODEL(SAYS("b") "," USE("t1") "," USE("t2")) "," USER(
            RESULT("t2") "," RESULT("t1"))),
        STR_INIT("{" ASKS ",\"system\":[{\"text\":\"s\"}],\"inferenceConfig\":{\"maxTokens\":5,"
                 "\"temperature\":0.5,\"topP\":1,\"stopSequences\":[\"x\"]}}"),
    };

    (void)state;
    refuses(CONVERSE_PATH, rows, COUNTOF(rows));
    takes(CONVERSE_PATH, bodies, COUNTOF(bodies));
}

static void the_kind_of_an_error_stands_in_the_head(void **state)
{
    struct sim_script script = {0};
    struct sim_head head = {.script = &script, .id = 7, .status = 429};
    struct http_fields f = {0};
    struct arena arena = {0};

    (void)state;
    assert_true(sim_bedrock.fields(&head, &f, &arena));
    assert_true(str_eq(http_fields_find(&f, STR("x-amzn-errortype")), STR("ThrottlingException")));
    assert_true(str_eq(http_fields_find(&f, STR("x-amzn-requestid")),
                       STR("00000000-0000-4000-0000-000000000007")));
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_comes_in_messages_with_right_CRCs),
        cmocka_unit_test(reasoning_ends_with_its_signature),
        cmocka_unit_test(a_call_comes_in_pieces_of_JSON),
        cmocka_unit_test(faults_look_as_the_menu_says),
        cmocka_unit_test(an_error_in_a_stream_is_an_exception),
        cmocka_unit_test(a_whole_answer_has_the_same_content),
        cmocka_unit_test(requests_are_refused_as_Bedrock_refuses_them),
        cmocka_unit_test(the_kind_of_an_error_stands_in_the_head),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
