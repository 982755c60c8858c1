/*
 * Answers as clients of Gemini's API read them: a stream, the same whole, an error; and what stands
 * in the path, the query and the body of a request.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "llm/chat_text.h"
#include "llm/generate.h"

#define SURFACE surface_gemini
#include "unit/llm/chat_tell.h"
#include "unit/llm/str_check.h"

static const struct chat_answer_facts facts = {.id = STR_INIT("1"), .model = STR_INIT("m")};

/* A chunk and a whole answer, but for what stands behind the candidates. */
#define CHUNK(part)                                                                                \
    "data: {\"candidates\":[{\"content\":{\"parts\":[" part                                        \
    "],\"role\":\"model\"},\"index\":0}],\"modelVersion\":\"m\",\"responseId\":\"1\"}\r\n\r\n"
#define LAST(reason)                                                                               \
    "data: "                                                                                       \
    "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"\"}],\"role\":\"model\"},"              \
    "\"finishReason\":" reason                                                                     \
    ",\"index\":0}],\"modelVersion\":\"m\",\"responseId\":\"1\"}\r\n\r\n"
#define WHOLE(parts, reason)                                                                       \
    "{\"candidates\":[{\"content\":{\"parts\":[" parts                                             \
    "],\"role\":\"model\"},\"finishReason\":" reason                                               \
    ",\"index\":0}],\"modelVersion\":\"m\",\"responseId\":\"1\"}"
#define F(id, args) "{\"functionCall\":{\"id\":\"" id "\",\"name\":\"f\",\"args\":" args "}}"

/* clang-format off */
static void answers_are_written(void **state)
{
    const struct {
        const char *what;
        const struct chat_event *events;
        size_t n;
        const char *stream, *whole;
    } rows[] = {
        {"a text", EVENTS(START, SAY(TEXT, "Hel"), SAY(TEXT, ""), SAY(TEXT, "l\\n"), STOP(END)),
         CHUNK("{\"text\":\"Hel\"}") CHUNK("{\"text\":\"l\\n\"}") LAST("\"STOP\""), WHOLE("{\"text\":\"Hell\\n\"}", "\"STOP\"")},
        {"thinking, signed", EVENTS(SAY(THINKING, "I "), SAY(THINKING, "see"), SAY(SIGNATURE, "s"), BLOCK_END, SAY(TEXT, "a"), STOP(END)),
         CHUNK("{\"text\":\"I \",\"thought\":true}") CHUNK("{\"text\":\"see\",\"thought\":true,\"thoughtSignature\":\"s\"}") CHUNK("{\"text\":\"a\"}") LAST("\"STOP\""),
         WHOLE("{\"text\":\"I see\",\"thought\":true,\"thoughtSignature\":\"s\"},{\"text\":\"a\"}", "\"STOP\"")},
        {"thinking, unsigned", EVENTS(SAY(THINKING, "a"), SAY(TEXT, "b"), STOP(LENGTH)),
         CHUNK("{\"text\":\"a\",\"thought\":true}") CHUNK("{\"text\":\"b\"}") LAST("\"MAX_TOKENS\""), WHOLE("{\"text\":\"a\",\"thought\":true},{\"text\":\"b\"}", "\"MAX_TOKENS\"")},
        {"nothing but thinking", EVENTS(SAY(THINKING, "a")), CHUNK("{\"text\":\"a\",\"thought\":true}") LAST("\"STOP\""), WHOLE("{\"text\":\"a\",\"thought\":true}", "\"STOP\"")},
        {"thinking that nobody reads", EVENTS(SAY(REDACTED, "AAAA"), SAY(TEXT, "b"), STOP(END)),
         CHUNK("{\"text\":\"\",\"thought\":true,\"thoughtSignature\":\"redactedThinkingAAAA\"}") CHUNK("{\"text\":\"b\"}") LAST("\"STOP\""),
         WHOLE("{\"text\":\"\",\"thought\":true,\"thoughtSignature\":\"redactedThinkingAAAA\"},{\"text\":\"b\"}", "\"STOP\"")},
        {"a signature of a text", EVENTS(SAY(TEXT, "a"), BLOCK_END, SAY(SIGNATURE, "s"), STOP(END)),
         CHUNK("{\"text\":\"a\"}") CHUNK("{\"text\":\"\",\"thoughtSignature\":\"s\"}") LAST("\"STOP\""), WHOLE("{\"text\":\"a\",\"thoughtSignature\":\"s\"}", "\"STOP\"")},
        {"calls, one after the other", EVENTS(CALL(0, "c0", "f"), ARGS(0, "{\\\"a\\\""), ARGS(0, ":1}"), BLOCK_END, CALL(1, "c1", "f"), BLOCK_END, STOP(CALLS)),
         CHUNK(F("c0", "{\"a\":1}")) CHUNK(F("c1", "{}")) LAST("\"STOP\""), WHOLE(F("c0", "{\"a\":1}") "," F("c1", "{}"), "\"STOP\"")},
        {"calls in turns keep their order", EVENTS(CALL(0, "c0", "f"), CALL(1, "c1", "f"), ARGS(1, "{\\\"b\\\":2}"), ARGS(0, "{\\\"a\\\""), SAY(TEXT, "x"), ARGS(0, ":1}"), STOP(CALLS)),
         CHUNK("{\"text\":\"x\"}") CHUNK(F("c0", "{\"a\":1}")) CHUNK(F("c1", "{\"b\":2}")) LAST("\"STOP\""), WHOLE("{\"text\":\"x\"}," F("c0", "{\"a\":1}") "," F("c1", "{\"b\":2}"), "\"STOP\"")},
        {"arguments that are no JSON", EVENTS(CALL(0, "c0", "f"), ARGS(0, "{\\\"a"), STOP(LENGTH)),
         CHUNK(F("c0", "{\"INVALID_JSON\":\"{\\\"a\"}")) LAST("\"MAX_TOKENS\""), WHOLE(F("c0", "{\"INVALID_JSON\":\"{\\\"a\"}"), "\"MAX_TOKENS\"")},
        {"none at all, and what follows an object", EVENTS(CALL(0, "c0", "f"), ARGS(0, "null"), CALL(1, "c1", "f"), ARGS(1, "{}{}"), STOP(CALLS)),
         CHUNK(F("c0", "{}")) CHUNK(F("c1", "{}")) LAST("\"STOP\""), WHOLE(F("c0", "{}") "," F("c1", "{}"), "\"STOP\"")},
        {"Gemini's own part, and others'", EVENTS({.kind = CHAT_EV_RAW, .vendor = CHAT_GEMINI, .raw = STR_INIT("{\"executableCode\":\n{}}")}, {.kind = CHAT_EV_RAW, .vendor = CHAT_ANTHROPIC, .raw = STR_INIT("{}")}, {.kind = CHAT_EV_CITATION, .raw = STR_INIT("{}")}, STOP(END)),
         CHUNK("{\"executableCode\":{}}") LAST("\"STOP\""), WHOLE("{\"executableCode\":{}}", "\"STOP\"")},
        {"an answer of nothing", (const struct chat_event[]){END}, 1, LAST("\"STOP\""), WHOLE("{\"text\":\"\"}", "\"STOP\"")},
        {"a refusal in words", EVENTS(SAY(REFUSAL, "No."), STOP(END)), CHUNK("{\"text\":\"No.\"}") LAST("\"SAFETY\",\"finishMessage\":\"refusal\""), WHOLE("{\"text\":\"No.\"}", "\"SAFETY\",\"finishMessage\":\"refusal\"")},
        {"one where calls were spoken of, and none came", EVENTS(SAY(REFUSAL, "No."), STOP(CALLS)), CHUNK("{\"text\":\"No.\"}") LAST("\"SAFETY\",\"finishMessage\":\"refusal\""), WHOLE("{\"text\":\"No.\"}", "\"SAFETY\",\"finishMessage\":\"refusal\"")},
        {"what comes behind the end", EVENTS(END, SAY(TEXT, "x")), LAST("\"STOP\""), WHOLE("{\"text\":\"\"}", "\"STOP\"")},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct arena a = {.max = 0};
        struct buf out = {.max = 0}, body = {.max = 0};

        put_each(surface_gemini.writer_new(&a, &facts), rows[i].events, rows[i].n, &out);
        check_str(rows[i].what, buf_str(&out), str_from(rows[i].stream));
        write_whole(&a, &facts, rows[i].events, rows[i].n, &body);
        check_str(rows[i].what, buf_str(&body), str_from(rows[i].whole));
        buf_done(&out);
        buf_done(&body);
        arena_done(&a);
    }
}

static void every_end_has_a_reason(void **state)
{
    static const struct {
        enum chat_stop stop;
        const char *word, *plain, *calls; /* without calls, and with */
    } rows[] = {
        {CHAT_STOP_NONE, "", "\"STOP\"", "\"STOP\""},
        {CHAT_STOP_END, "", "\"STOP\"", "\"STOP\""},
        {CHAT_STOP_SEQUENCE, "###", "\"STOP\"", "\"STOP\""},
        {CHAT_STOP_LENGTH, "", "\"MAX_TOKENS\"", "\"MAX_TOKENS\""},
        {CHAT_STOP_CALLS, "", "\"STOP\"", "\"STOP\""},
        {CHAT_STOP_FILTER, "", "\"SAFETY\"", "\"SAFETY\""},
        {CHAT_STOP_REFUSAL, "", "\"SAFETY\",\"finishMessage\":\"refusal\"", "\"SAFETY\",\"finishMessage\":\"refusal\""},
        {CHAT_STOP_PAUSE, "", "\"OTHER\",\"finishMessage\":\"pause_turn\"", "\"OTHER\",\"finishMessage\":\"pause_turn\""},
        {CHAT_STOP_CONTEXT, "", "\"MAX_TOKENS\",\"finishMessage\":\"model_context_window_exceeded\"", "\"MAX_TOKENS\",\"finishMessage\":\"model_context_window_exceeded\""},
        {CHAT_STOP_OTHER, "bored", "\"OTHER\",\"finishMessage\":\"bored\"", "\"STOP\",\"finishMessage\":\"bored\""},
    };

    (void)state;
    assert_int_equal(COUNTOF(rows), CHAT_STOP_OTHER + 1);
    for (size_t i = 0; i < 2 * COUNTOF(rows); i++) {
        const struct chat_event events[] = {
            CALL(0, "c0", "f"), BLOCK_END,
            {.kind = CHAT_EV_STOP, .stop = rows[i / 2].stop, .text = {rows[i / 2].word, strlen(rows[i / 2].word)}}, END};
        struct arena a = {.max = 0};
        struct buf body = {.max = 0}, want = {.max = 0};
        bool calls = i % 2 == 1;

        write_whole(&a, &facts, events + (calls ? 0 : 2), calls ? 4 : 2, &body);
        assert_int_equal(buf_printf(&want, "\"finishReason\":%s,\"index\":0}", calls ? rows[i / 2].calls : rows[i / 2].plain), 0);
        if (str_find(buf_str(&body), buf_str(&want)) == NULL)
            fail_msg("%u: %.*s", rows[i / 2].stop, STR_ARG(buf_str(&body)));
        buf_done(&want);
        buf_done(&body);
        arena_done(&a);
    }
}

static void usage_is_told_in_geminis_terms(void **state)
{
    static const struct chat_event events[] = {
        {.kind = CHAT_EV_USAGE, .usage = {CHAT_USAGE_REPORTED, 9, 1, 4, 0, 0}}, SAY(TEXT, "a"), STOP(END),
        {.kind = CHAT_EV_USAGE, .usage = {CHAT_USAGE_REPORTED, 9, 7, 4, 2, 3}}, END};
    struct arena a = {.max = 0};
    struct buf out = {.max = 0}, body = {.max = 0};

    (void)state;
    put_each(surface_gemini.writer_new(&a, &facts), events, COUNTOF(events), &out);
    check_str("a stream", buf_str(&out),
          STR("data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}],\"role\":\"model\"},\"index\":0}],\"usageMetadata\":{\"promptTokenCount\":9,\"cachedContentTokenCount\":4,\"candidatesTokenCount\":1,\"totalTokenCount\":10},\"modelVersion\":\"m\",\"responseId\":\"1\"}\r\n\r\n"
          "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"\"}],\"role\":\"model\"},\"finishReason\":\"STOP\",\"index\":0}],\"usageMetadata\":{\"promptTokenCount\":9,\"cachedContentTokenCount\":4,\"candidatesTokenCount\":4,\"thoughtsTokenCount\":3,\"totalTokenCount\":16},\"modelVersion\":\"m\",\"responseId\":\"1\"}\r\n\r\n"));
    write_whole(&a, &facts, events, COUNTOF(events), &body);
    assert_non_null(str_find(buf_str(&body), STR("\"usageMetadata\":{\"promptTokenCount\":9,\"cachedContentTokenCount\":4,\"candidatesTokenCount\":4,\"thoughtsTokenCount\":3,\"totalTokenCount\":16}")));
    buf_done(&out);
    buf_done(&body);
    arena_done(&a);
}

static void candidates_keep_apart(void **state)
{
    static const struct chat_event events[] = {
        {.kind = CHAT_EV_TEXT, .choice = 1, .text = {"b", 1}}, SAY(TEXT, "a"),
        {.kind = CHAT_EV_STOP, .choice = 1, .stop = CHAT_STOP_LENGTH}, STOP(END), END};
    struct arena a = {.max = 0};
    struct buf body = {.max = 0};

    (void)state;
    write_whole(&a, &facts, events, COUNTOF(events), &body);
    check_str("both", buf_str(&body),
          STR("{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}],\"role\":\"model\"},\"finishReason\":\"STOP\",\"index\":0},"
          "{\"content\":{\"parts\":[{\"text\":\"b\"}],\"role\":\"model\"},\"finishReason\":\"MAX_TOKENS\",\"index\":1}],\"modelVersion\":\"m\",\"responseId\":\"1\"}"));
    buf_done(&body);
    arena_done(&a);
}

static void errors_are_googles(void **state)
{
    struct buf out = {.max = 0};

    (void)state;
    assert_int_equal(generate_error(FAULT_UPSTREAM_RATE, 429, STR("slow \"down\""), STR("contents"), STR("req_1"), 34400, &out), 0);
    check_str("all of it", buf_str(&out),
          STR("{\"error\":{\"code\":429,\"message\":\"slow \\\"down\\\"\",\"status\":\"RESOURCE_EXHAUSTED\",\"details\":["
          "{\"@type\":\"type.googleapis.com/google.rpc.ErrorInfo\",\"reason\":\"UPSTREAM_RATE_LIMITED\",\"domain\":\"dragoman\"},"
          "{\"@type\":\"type.googleapis.com/google.rpc.BadRequest\",\"fieldViolations\":[{\"field\":\"contents\",\"description\":\"slow \\\"down\\\"\"}]},"
          "{\"@type\":\"type.googleapis.com/google.rpc.RetryInfo\",\"retryDelay\":\"34.400s\"},"
          "{\"@type\":\"type.googleapis.com/google.rpc.RequestInfo\",\"requestId\":\"req_1\"}]}}"));
    out.len = 0;
    assert_int_equal(surface_gemini.error_event(NULL, FAULT_UPSTREAM_RESET, STR("cut"), &out), 0);
    check_str("in a stream", buf_str(&out),
          STR("data: {\"error\":{\"code\":502,\"message\":\"cut\",\"status\":\"UNAVAILABLE\",\"details\":[{\"@type\":\"type.googleapis.com/google.rpc.ErrorInfo\",\"reason\":\"UPSTREAM_RESET\",\"domain\":\"dragoman\"}]}}\r\n\r\n"));
    buf_done(&out);
}

/* What Google's words mean is read again by the dialect of its targets. */
static void every_fault_has_a_status_of_its_kind(void **state)
{
    (void)state;
    for (unsigned f = FAULT_NONE + 1; f < FAULT_COUNT; f++) {
        unsigned http = fault_info((enum fault)f)->http;
        struct arena a = {.max = 0};
        struct buf out = {.max = 0};
        struct chat_event ev;

        assert_int_equal(surface_gemini.error_body((enum fault)f, STR("x"), STR(""), STR(""), &out), 0);
        dialect_gemini.refusal(&a, http, buf_str(&out), &ev);
        if (http == 429)
            assert_int_equal(ev.fault, FAULT_UPSTREAM_RATE);
        else if (http == 401 || http == 403)
            assert_int_equal(ev.fault, FAULT_UPSTREAM_KEY);
        else if (http >= 500 && http != 501)
            assert_int_equal(fault_info(ev.fault)->remedy, REMEDY_RETRY);
        else if (http < 500 && http != 408 && http != 499)
            assert_int_equal(ev.fault, FAULT_UPSTREAM_REFUSED);
        buf_done(&out);
        arena_done(&a);
    }
}

static void a_stream_may_be_an_array(void **state)
{
    struct buf out = {.max = 0};
    bool any = false;

    (void)state;
    assert_int_equal(generate_array(STR(""), &any, &out), 0);
    assert_false(any);
    assert_int_equal(generate_array(STR("data: {\"a\":1}\r\n\r\ndata: {\"b\":2}\r\n\r\n"), &any, &out), 0);
    assert_int_equal(generate_element(STR("{}"), &any, &out), 0);
    assert_int_equal(buf_put(&out, STR("]")), 0);
    check_str("array", buf_str(&out), STR("[{\"a\":1}\n,\r\n{\"b\":2}\n,\r\n{}]"));
    buf_done(&out);
}

/* ---- the path, the query, the body ---- */

static void a_path_names_the_model(void **state)
{
    static const struct {
        const char *path, *model;
    } rows[] = {
        {"models/chat:generateContent", "chat"},
        {"models/sim%2Fa%3Fb=1:countTokens", "sim/a?b=1"},
        {"models/sim/a:b:streamGenerateContent", "sim/a:b"},
        {"models/models%2Fx:generateContent", "models/x"},
        {"sim/x:generateContent", "sim/x"},
        {"models/:generateContent", ""},
        {"chat", ""},
    };
    struct arena a = {.max = 0};

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++)
        check_str(rows[i].path, generate_model(&a, str_from(rows[i].path)), str_from(rows[i].model));
    arena_done(&a);
}

static void a_credential_in_the_query_stays_here(void **state)
{
    static const struct {
        const char *query, *key; /* NULL: none */
        const char *path;
    } rows[] = {
        {"", NULL, "/models/m%3F:streamGenerateContent?alt=sse"},
        {"alt=sse&key=a%2Bb", "a+b", "/models/m%3F:streamGenerateContent?alt=sse"},
        {"k%65y=s&prettyPrint=false&fields=a%2Cb", "s", "/models/m%3F:streamGenerateContent?alt=sse&prettyPrint=false&fields=a%2Cb"},
        {"key=a&key=b", "", "/models/m%3F:streamGenerateContent?alt=sse"},
        {"KEY=a&access_token=b&$alt=json&callback=f&&=x&Access%5FToken=c", NULL, "/models/m%3F:streamGenerateContent?alt=sse"},
    };
    struct arena a = {.max = 0};

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct str query = str_from(rows[i].query), key = generate_parameter(&a, query, STR("key"));

        assert_int_equal(key.ptr == NULL, rows[i].key == NULL);
        if (rows[i].key != NULL)
            check_str(rows[i].query, key, str_from(rows[i].key));
        check_str(rows[i].query, generate_path(&a, STR("m?"), STR(":streamGenerateContent"), query), str_from(rows[i].path));
    }
    check_str("a count", generate_path(&a, STR("models/m"), STR(":countTokens"), STR("a=b&key=c&d")), STR("/models/m:countTokens?a=b&d"));
    arena_done(&a);
}

static void a_body_may_name_the_same_model(void **state)
{
    static const struct {
        const char *body, *spliced; /* NULL: it is refused */
        const char *why;
        uint32_t choices;
    } rows[] = {
        {"{\"contents\":[]}", "{\"contents\":[]}", "", 0},
        {" {\"contents\" : 1,\"model\" : \"models\\/c\" } ", " {\"contents\" : 1,\"model\" : \"models/real\" } ", "", 0},
        {"{\"model\":\"c\",\"contents\":[]}", "{\"model\":\"models/real\",\"contents\":[]}", "", 0},
        {"{\"generateContentRequest\":{\"model\":\"models/c\",\"contents\":[]}}", "{\"generateContentRequest\":{\"model\":\"models/real\",\"contents\":[]}}", "", 0},
        {"{\"contents\":[],\"generationConfig\":{\"candidateCount\":3}}", "{\"contents\":[],\"generationConfig\":{\"candidateCount\":3}}", "", 3},
        {"{\"contents\":[],\"generation_config\":{\"candidate_count\":2}}", "{\"contents\":[],\"generation_config\":{\"candidate_count\":2}}", "", 2},
        {"{\"contents\":[],\"model\":\"models/other\"}", NULL, "not the model", 0},
        {"{\"contents\":[],\"model\":1}", NULL, "not the model", 0},
        {"{\"contents\":[],\"model\":\"c\",\"model\":\"c\"}", NULL, "more than once", 0},
        {"{\"contents\":[],\"model\":\"c\",\"generateContentRequest\":{\"model\":\"c\"}}", NULL, "more than once", 0},
        {"{\"contents\":null}", NULL, "required", 0},
        {"[]", NULL, "object", 0},
        {"{\"contents\":[]", NULL, "not valid JSON", 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct arena a = {.max = 0};
        struct openai_request req;
        struct str why = {"", 0}, param = why, pieces[OPENAI_PIECES_MAX];
        enum fault f = generate_scan(&a, STR("c"), str_from(rows[i].body), 64, &req, &why, &param);

        assert_int_equal(f == FAULT_NONE, rows[i].spliced != NULL);
        if (f != FAULT_NONE) {
            assert_non_null(str_find(why, str_from(rows[i].why)));
        } else {
            unsigned n = generate_splice(&a, &req, STR("real"), pieces);

            assert_true(n > 0);
            check_str(rows[i].body, arena_join(&a, pieces, n), str_from(rows[i].spliced));
            assert_int_equal(req.choices, rows[i].choices);
        }
        arena_done(&a);
    }
}
/* clang-format on */

static void without_a_model_there_is_no_request(void **state)
{
    struct arena a = {.max = 0};
    struct openai_request req;
    struct str why = {"", 0}, param = why;

    (void)state;
    assert_int_equal(generate_scan(&a, STR(""), STR("{\"contents\":[]}"), 64, &req, &why, &param),
                     FAULT_BAD_REQUEST);
    assert_true(str_eq(param, STR("model")));
    assert_true(generate_is_count(STR("{\"totalTokens\":0}")));
    assert_false(generate_is_count(STR("{\"totalTokens\":\"x\"}")));
    assert_false(generate_is_count(STR("<html>")));
    arena_done(&a);
}

/* Whatever fails leaves the buffer as it was. */
static void without_room_nothing_is_half_written(void **state)
{
    static const struct chat_event events[] = {SAY(THINKING, "a"), SAY(TEXT, "b"),
                                               CALL(0, "c", "f"), ARGS(0, "{}"), END};
    bool failed = false;

    (void)state;
    for (size_t max = 1; max < 700; max += 7) {
        struct arena a = {.max = 0};
        struct buf out = {.max = max};
        struct chat_writer *w = surface_gemini.writer_new(&a, &facts);
        int err = 0;

        for (size_t i = 0; err == 0 && i < COUNTOF(events); i++)
            err = surface_gemini.put(w, &events[i], &out);
        failed |= err < 0;
        assert_true(out.len == 0 || str_eq(str_make(out.ptr + out.len - 4, 4), STR("\r\n\r\n")));
        buf_done(&out);
        arena_done(&a);
    }
    assert_true(failed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_written),
        cmocka_unit_test(every_end_has_a_reason),
        cmocka_unit_test(usage_is_told_in_geminis_terms),
        cmocka_unit_test(candidates_keep_apart),
        cmocka_unit_test(errors_are_googles),
        cmocka_unit_test(every_fault_has_a_status_of_its_kind),
        cmocka_unit_test(a_stream_may_be_an_array),
        cmocka_unit_test(a_path_names_the_model),
        cmocka_unit_test(a_credential_in_the_query_stays_here),
        cmocka_unit_test(a_body_may_name_the_same_model),
        cmocka_unit_test(without_a_model_there_is_no_request),
        cmocka_unit_test(without_room_nothing_is_half_written),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    arena_thread_done();
    return failed;
}
