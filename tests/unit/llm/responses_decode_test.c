/* What events of the Responses API mean; they are those of its description and of recordings.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "llm/chat_text.h"
#include "llm/dialects.h"

#include "unit/llm/chat_trace.h"

/* clang-format off */
#define BAD "bad\n"
#define EV(type, more) "{\"type\":\"" type "\",\"sequence_number\":1" more "}\n"
#define CREATED EV("response.created", ",\"response\":{\"id\":\"resp_1\",\"model\":\"m\",\"status\":\"in_progress\",\"output\":[]}")
#define AT(i) ",\"output_index\":" #i
#define PART_AT(i) ",\"content_index\":" #i
#define ADDED(i, item) EV("response.output_item.added", AT(i) ",\"item\":" item)
#define DONE(i, item) EV("response.output_item.done", AT(i) ",\"item\":" item)
#define MESSAGE(content) "{\"type\":\"message\",\"id\":\"msg_1\",\"role\":\"assistant\",\"content\":[" content "]}"
#define SAID(text) "{\"type\":\"output_text\",\"text\":\"" text "\",\"annotations\":[]}"
#define REFUSED(text) "{\"type\":\"refusal\",\"refusal\":\"" text "\"}"
#define TEXT(i, part, text) EV("response.output_text.delta", AT(i) PART_AT(part) ",\"delta\":\"" text "\"")
#define TEXT_DONE(i, part, text) EV("response.output_text.done", AT(i) PART_AT(part) ",\"text\":\"" text "\"")
#define CALL(id, name, args) "{\"type\":\"function_call\",\"id\":\"fc_" id "\",\"call_id\":\"" id "\",\"name\":\"" name "\",\"arguments\":\"" args "\"}"
#define ARGS(i, text) EV("response.function_call_arguments.delta", AT(i) ",\"delta\":\"" text "\"")
#define ARGS_DONE(i, text) EV("response.function_call_arguments.done", AT(i) ",\"arguments\":\"" text "\"")
#define THOUGHT(more) "{\"type\":\"reasoning\",\"id\":\"rs_1\"" more "}"
#define SUMMARY(texts) ",\"summary\":[" texts "]"
#define SUM(text) "{\"type\":\"summary_text\",\"text\":\"" text "\"}"
#define SUM_DELTA(i, part, text) EV("response.reasoning_summary_text.delta", AT(i) ",\"summary_index\":" #part ",\"delta\":\"" text "\"")
#define USAGE ",\"usage\":{\"input_tokens\":7,\"input_tokens_details\":{\"cached_tokens\":2,\"cache_write_tokens\":1},\"output_tokens\":3,\"output_tokens_details\":{\"reasoning_tokens\":1},\"total_tokens\":10}"
#define RESPONSE(status, output) "{\"id\":\"resp_1\",\"object\":\"response\",\"model\":\"m\",\"status\":\"" status "\",\"output\":[" output "]" USAGE "}"
#define OVER(output) EV("response.completed", ",\"response\":" RESPONSE("completed", output))
#define FAILED(error) EV("response.failed", ",\"response\":{\"id\":\"resp_1\",\"status\":\"failed\",\"error\":" error ",\"output\":[]}")
#define INCOMPLETE(details) EV("response.incomplete", ",\"response\":{\"id\":\"resp_1\",\"status\":\"incomplete\",\"incomplete_details\":" details ",\"output\":[]}")
#define START "start id=resp_1 model=m\n"
#define COUNTS "usage in=7 out=3 read=2 think=1\n"
#define ENDS COUNTS "stop end\nend\n"
#define CALLS COUNTS "stop calls\nend\n"

static const struct row {
    const char *what, *events, *heard;
} rows[] = {
    {"a text in pieces", CREATED ADDED(0, MESSAGE("")) TEXT(0, 0, "a") TEXT(0, 0, "\\u00e4\\n") TEXT_DONE(0, 0, "a\\u00e4\\n") DONE(0, MESSAGE(SAID("a\\u00e4\\n"))) OVER(MESSAGE(SAID("a\\u00e4\\n"))),
     START "text text=a\ntext text=\\u00e4\\n\nblock\n" ENDS},
    {"the whole in .done only", CREATED ADDED(0, MESSAGE("")) TEXT_DONE(0, 0, "a") DONE(0, MESSAGE(SAID("a"))) OVER(MESSAGE(SAID("a"))), START "text text=a\nblock\n" ENDS},
    {"the whole in the item's end only", CREATED DONE(0, MESSAGE(SAID("a") "," REFUSED("no"))) OVER(""), START "text text=a\nblock\nrefusal text=no\nblock\n" ENDS},
    {"the whole at the end only", CREATED OVER(MESSAGE(SAID("a")) "," CALL("c", "f", "{}")), START "text text=a\nblock\ncall 0 id=c name=f\nargs 0 text={}\nblock\n" CALLS},
    {"places in the stream that are others than in the whole", CREATED DONE(2, MESSAGE(SAID("a"))) OVER(MESSAGE(SAID("z")) "," MESSAGE(SAID("a"))), START "text text=a\nblock\n" ENDS},
    {"pieces without what comes around them", TEXT(0, 0, "a") OVER(""), "start\ntext text=a\nblock\n" ENDS},
    {"parts are blocks", CREATED TEXT(0, 0, "a") TEXT(0, 1, "b") DONE(0, MESSAGE(SAID("a") "," SAID("b"))) OVER(""), START "text text=a\nblock\ntext text=b\nblock\n" ENDS},
    {"a refusal", CREATED ADDED(0, MESSAGE("")) EV("response.refusal.delta", AT(0) PART_AT(0) ",\"delta\":\"no\"") EV("response.refusal.done", AT(0) PART_AT(0) ",\"refusal\":\"no\"") DONE(0, MESSAGE(REFUSED("no"))) OVER(""), START "refusal text=no\nblock\n" ENDS},
    {"a refusal in .done only", CREATED EV("response.refusal.done", AT(0) PART_AT(0) ",\"refusal\":\"no\"") OVER(""), START "refusal text=no\nblock\n" ENDS},
    {"R8: calls one after the other", CREATED ADDED(0, CALL("c", "f", "")) ARGS(0, "{\\\"a\\\":") ARGS(0, "1.0}") ARGS_DONE(0, "{\\\"a\\\":1.0}") DONE(0, CALL("c", "f", "{\\\"a\\\":1.0}")) ADDED(1, CALL("d", "g", "")) ARGS_DONE(1, "{}") DONE(1, CALL("d", "g", "{}")) OVER(CALL("c", "f", "{}") "," CALL("d", "g", "{}")),
     START "call 0 id=c name=f\nargs 0 text={\\\"a\\\":\nargs 0 text=1.0}\nblock\ncall 1 id=d name=g\nargs 1 text={}\nblock\n" CALLS},
    {"R8: calls in turns", CREATED ADDED(0, CALL("c", "f", "")) ADDED(1, CALL("d", "g", "")) ARGS(0, "{") ARGS(1, "{") ARGS(0, "}") DONE(0, CALL("c", "f", "{}")) ARGS(1, "}") DONE(1, CALL("d", "g", "{}")) OVER(""),
     START "call 0 id=c name=f\ncall 1 id=d name=g\nargs 0 text={\nargs 1 text={\nargs 0 text=}\nblock\nargs 1 text=}\nblock\n" CALLS},
    {"a call without arguments", CREATED ADDED(0, CALL("c", "f", "")) DONE(0, CALL("c", "f", "")) OVER(""), START "call 0 id=c name=f\nargs 0 text={}\nblock\n" CALLS},
    {"a call whose end did not come", CREATED ADDED(0, CALL("c", "f", "")) OVER(""), START "call 0 id=c name=f\nargs 0 text={}\nblock\n" CALLS},
    {"a call that was cut is shown so", CREATED ADDED(0, CALL("c", "f", "")) ARGS(0, "{\\\"a") INCOMPLETE("{\"reason\":\"max_output_tokens\"}"), START "call 0 id=c name=f\nargs 0 text={\\\"a\nblock\nstop length\nend\n"},
    {"a call without an id of its own", CREATED DONE(0, "{\"type\":\"function_call\",\"id\":\"fc_1\",\"name\":\"f\",\"arguments\":\"{}\"}") OVER(""), START "call 0 id=fc_1 name=f\nargs 0 text={}\nblock\n" CALLS},
    {"arguments of no call", CREATED ARGS(0, "{}") OVER(""), START BAD ENDS},
    {"an id for each event", CREATED ADDED(0, "{\"type\":\"message\",\"id\":\"x1\"}") "{\"type\":\"response.output_text.delta\",\"item_id\":\"x2\",\"output_index\":0,\"content_index\":0,\"delta\":\"a\"}\n" DONE(0, "{\"type\":\"message\",\"id\":\"x3\",\"content\":[" SAID("a") "]}") OVER("{\"type\":\"message\",\"id\":\"x4\",\"content\":[" SAID("a") "]}"), START "text text=a\nblock\n" ENDS},
    {"thoughts and their seal", CREATED ADDED(0, THOUGHT(SUMMARY("") ",\"encrypted_content\":\"early\"")) EV("response.reasoning_summary_part.added", AT(0) ",\"summary_index\":0") SUM_DELTA(0, 0, "a") SUM_DELTA(0, 0, "b") SUM_DELTA(0, 1, "c") DONE(0, THOUGHT(SUMMARY(SUM("ab") "," SUM("c")) ",\"encrypted_content\":\"gA\\/=\"")) TEXT(1, 0, "x") OVER(""),
     START "thinking text=a\nthinking text=b\nthinking text=\\n\\n\nthinking text=c\nsignature text=openai.reasoning:rs_1:gA\\/=\nblock\ntext text=x\nblock\n" ENDS},
    {"a seal without thoughts", CREATED DONE(0, THOUGHT(SUMMARY("") ",\"encrypted_content\":\"gA\"")) OVER(""), START "signature text=openai.reasoning:rs_1:gA\nblock\n" ENDS},
    {"nothing of thoughts", CREATED ADDED(0, THOUGHT(SUMMARY(""))) DONE(0, THOUGHT(SUMMARY(""))) TEXT(1, 0, "x") OVER(""), START "text text=x\nblock\n" ENDS},
    {"thoughts in full go before their summary", CREATED EV("response.reasoning_text.delta", AT(0) PART_AT(0) ",\"delta\":\"t\"") SUM_DELTA(0, 0, "s") EV("response.reasoning_text.done", AT(0) PART_AT(0) ",\"text\":\"t\"") DONE(0, THOUGHT(SUMMARY(SUM("s")) ",\"content\":[{\"type\":\"reasoning_text\",\"text\":\"t\"}]")) OVER(""), START "thinking text=t\nblock\n" ENDS},
    {"tools that run there begin, and are told whole", CREATED ADDED(0, "{\"type\":\"web_search_call\",\"id\":\"ws\"}") EV("response.web_search_call.searching", AT(0)) DONE(0, "{\"type\":\"web_search_call\",\"id\":\"ws\",\"status\":\"completed\"}") TEXT(1, 0, "a") OVER(""), START "raw raw=\nraw raw={\"type\":\"web_search_call\",\"id\":\"ws\",\"status\":\"completed\"}\ntext text=a\nblock\n" ENDS},
    {"R47: cut short", CREATED TEXT(0, 0, "a") INCOMPLETE("{\"reason\":\"max_output_tokens\"}"), START "text text=a\nblock\nstop length\nend\n"},
    {"R47: filtered", CREATED TEXT(0, 0, "a") INCOMPLETE("{\"reason\":\"content_filter\"}"), START "text text=a\nblock\nstop filter\nend\n"},
    {"R47: a word nobody knows", CREATED TEXT(0, 0, "a") INCOMPLETE("{\"reason\":\"tired\"}"), START "text text=a\nblock\nstop other text=tired\nend\n"},
    {"R47: incomplete without a word", CREATED TEXT(0, 0, "a") INCOMPLETE("null"), START "text text=a\nblock\nstop other text=incomplete\nend\n"},
    {"R47: a status nobody knows", CREATED TEXT(0, 0, "a") EV("response.completed", ",\"response\":{\"status\":\"sealed\",\"output\":[]}"), START "text text=a\nblock\nstop other text=sealed\nend\n"},
    {"no status", CREATED TEXT(0, 0, "a") EV("response.completed", ",\"response\":{\"output\":[]}"), START "text text=a\nblock\nstop end\nend\n"},
    {"no words are an answer", CREATED OVER(""), START ENDS},
    {"R3: no last event, no end", CREATED TEXT(0, 0, "a") TEXT_DONE(0, 0, "a") DONE(0, MESSAGE(SAID("a"))), START "text text=a\nblock\n"},
    {"an error, nested, as it is", CREATED "{\"type\":\"error\",\"sequence_number\":2,\"error\":{\"type\":\"insufficient_quota\",\"code\":\"insufficient_quota\",\"message\":\"no \\\"money\\\"\",\"param\":null}}\n" FAILED("{\"code\":\"insufficient_quota\",\"message\":\"no\"}"), START "error upstream_key_refused 0 name=insufficient_quota text=no \\\"money\\\"\n"},
    {"an error, flat, as it is described", CREATED "{\"type\":\"error\",\"sequence_number\":2,\"code\":\"rate_limit_exceeded\",\"message\":\"slow\",\"param\":null}\n", START "error upstream_rate_limited 0 name=rate_limit_exceeded text=slow\n"},
    {"a failed response alone", CREATED TEXT(0, 0, "a") FAILED("{\"code\":\"server_error\",\"message\":\"m\"}") TEXT(0, 0, "b"), START "text text=a\nerror upstream_error 0 name=server_error text=m\n"},
    {"a prompt that is refused", CREATED FAILED("{\"code\":\"invalid_prompt\",\"message\":\"m\"}"), START "error upstream_refused 0 name=invalid_prompt text=m\n"},
    {"a failed response that says nothing", CREATED FAILED("null"), START "error upstream_error 0 name= text=the response failed\n"},
    {"one that was cancelled", CREATED EV("response.cancelled", ",\"response\":{\"status\":\"cancelled\"}"), START "error upstream_error 0 name= text=the response was cancelled\n"},
    {"an error of a proxy's", "{\"error\":{\"message\":\"m\",\"type\":\"server_error\"}}\n", "error upstream_error 0 name=server_error text=m\n"},
    {"nothing comes behind the end", CREATED OVER("") TEXT(0, 0, "b") "[DONE]\n", START ENDS},
    {"events that are new", CREATED EV("response.weather", ",\"rain\":true") EV("keepalive", "") TEXT(0, 0, "a") OVER(""), START "text text=a\nblock\n" ENDS},
    {"what is no event", "null\n{\"type\":\"response.output_te\n" EV("response.output_item.added", "") EV("response.output_item.done", ",\"item\":1") EV("response.completed", ""), BAD BAD BAD BAD BAD},
};
/* clang-format on */

/* Each event lies where the one before lay: what the decoder keeps it has to copy. */
static void decode(struct arena *a, struct str events, struct buf *out)
{
    struct chat_decoder *d = dialect_responses.decoder_new(a);
    struct str line;
    char text[2048];

    while (events.len > 0) {
        str_cut(events, '\n', &line, &events);
        memset(text, '#', sizeof(text));
        assert_in_range(line.len, 1, sizeof(text));
        memcpy(text, line.ptr, line.len);
        if (!dialect_responses.decode(d, STR(""), str_make(text, line.len), trace, out))
            assert_int_equal(buf_put(out, STR(BAD)), 0);
    }
    assert_int_equal(buf_put(out, str_make("", 1)), 0);
}

static void R46_R47_events_mean_what_they_say(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct arena a = {.max = 0};
        struct buf out = {.max = 0};

        decode(&a, str_from(rows[i].events), &out);
        if (strcmp(out.ptr, rows[i].heard) != 0)
            fail_msg("%s:\n%s", rows[i].what, out.ptr);
        buf_done(&out);
        arena_done(&a);
    }
}

/* The type of some servers' events is nowhere but in their names. */
static void names_of_events_count_where_types_are_missing(void **state)
{
    static const struct {
        const char *name, *data;
    } events[] = {
        {"response.output_text.delta", "{\"output_index\":0,\"delta\":\"a\"}"},
        {"ping", "{}"},
        {"response.incomplete",
         "{\"response\":{\"incomplete_details\":{\"reason\":\"content_filter\"}}}"},
    };
    struct arena a = {.max = 0};
    struct buf out = {.max = 0};
    struct chat_decoder *d = dialect_responses.decoder_new(&a);

    (void)state;
    for (size_t i = 0; i < COUNTOF(events); i++)
        assert_true(dialect_responses.decode(d, str_from(events[i].name), str_from(events[i].data),
                                             trace, &out));
    assert_int_equal(buf_put(&out, str_make("", 1)), 0);
    assert_string_equal(out.ptr, "start\ntext text=a\nblock\nstop filter\nend\n");
    buf_done(&out);
    arena_done(&a);
}

static void an_error_without_JSON_is_one(void **state)
{
    struct arena a = {.max = 0};
    struct buf out = {.max = 0};
    struct chat_decoder *d = dialect_responses.decoder_new(&a);

    (void)state;
    assert_true(dialect_responses.decode(d, STR("error"), STR("it broke"), trace, &out));
    assert_int_equal(buf_put(&out, str_make("", 1)), 0);
    assert_string_equal(out.ptr, "error upstream_error 0 name= text=it broke\n");
    buf_done(&out);
    arena_done(&a);
}

/* clang-format off */
static void R7_a_whole_answer_is_its_stream(void **state)
{
    static const struct {
        const char *body, *heard; /* NULL: it is no answer */
    } bodies[] = {
        {RESPONSE("completed", THOUGHT(SUMMARY(SUM("a") "," SUM("b")) ",\"encrypted_content\":\"gA\"") "," MESSAGE(SAID("x") "," REFUSED("no")) "," CALL("c", "f", "{\\\"a\\\":1}") "," CALL("d", "g", "")),
         START "thinking text=a\nthinking text=\\n\\n\nthinking text=b\nsignature text=openai.reasoning:rs_1:gA\nblock\ntext text=x\nblock\nrefusal text=no\nblock\ncall 0 id=c name=f\nargs 0 text={\\\"a\\\":1}\nblock\ncall 1 id=d name=g\nargs 1 text={}\nblock\n" CALLS},
        {RESPONSE("completed", "{\"type\":\"mcp_call\"}," MESSAGE(SAID("x"))), START "raw raw={\"type\":\"mcp_call\"}\ntext text=x\nblock\n" ENDS},
        {"{\"id\":\"r\",\"output\":[" MESSAGE(SAID("x")) "],\"error\":null}", "start id=r\ntext text=x\nblock\nstop end\nend\n"},
        {"{\"status\":\"incomplete\",\"incomplete_details\":{\"reason\":\"max_output_tokens\"},\"output\":[" MESSAGE(SAID("x")) "]}", "start\ntext text=x\nblock\nstop length\nend\n"},
        {"{\"status\":\"failed\",\"error\":{\"code\":\"server_error\",\"message\":\"m\"},\"output\":[]}", "start\nerror upstream_error 0 name=server_error text=m\n"},
        {"{\"error\":{\"message\":\"m\",\"code\":\"insufficient_quota\"}}", "error upstream_key_refused 0 name=insufficient_quota text=m\n"},
        {"{\"id\":\"r\",\"status\":\"queued\",\"output\":[]}", "start id=r\n"},
        {"{\"id\":\"r\",\"status\":\"in_progress\",\"output\":[]}", "start id=r\n"},
        {"{\"choices\":[]}", NULL},
        {"null", NULL},
        {"[]", NULL},
        {"<html>", NULL},
        {"{\"output\":[]", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(bodies); i++) {
        struct arena a = {.max = 0};
        struct buf out = {.max = 0};
        bool ok = dialect_responses.decode_whole(dialect_responses.decoder_new(&a), str_from(bodies[i].body), trace, &out);

        assert_int_equal(buf_put(&out, str_make("", 1)), 0);
        if (ok != (bodies[i].heard != NULL) || (ok && strcmp(out.ptr, bodies[i].heard) != 0))
            fail_msg("%s:\n%s", bodies[i].body, out.ptr);
        buf_done(&out);
        arena_done(&a);
    }
}
/* clang-format on */

static bool hear_one(void *ctx, const struct chat_event *ev)
{
    unsigned *heard = ctx;

    (void)ev;
    ++*heard;
    return false;
}

static void who_has_heard_enough_hears_no_more(void **state)
{
    static const char body[] = RESPONSE("completed", MESSAGE(SAID("x")) "," CALL("c", "f", "{}"));
    struct arena a = {.max = 0};
    unsigned heard = 0;

    (void)state;
    assert_true(dialect_responses.decode_whole(dialect_responses.decoder_new(&a), str_from(body),
                                               hear_one, &heard));
    assert_int_equal(heard, 1);
    arena_done(&a);
}

static void R13_refusals_are_judged_as_openais(void **state)
{
    /* clang-format off */
    static const struct {
        unsigned status;
        const char *body, *wire;
    } refusals[] = {
        {400, "{\"error\":{\"message\":\"m\",\"code\":\"unknown_parameter\"}}", "upstream_refused"},
        {401, "{\"error\":{\"message\":\"m\",\"code\":\"invalid_api_key\"}}", "upstream_key_refused"},
        {429, "{\"error\":{\"message\":\"m\",\"code\":\"insufficient_quota\"}}", "upstream_key_refused"},
        {429, "{\"error\":{\"message\":\"m\",\"code\":\"rate_limit_exceeded\"}}", "upstream_rate_limited"},
        {500, "", "upstream_error"},
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < COUNTOF(refusals); i++) {
        struct arena a = {.max = 0};
        struct chat_event ev;

        dialect_responses.refusal(&a, refusals[i].status, str_from(refusals[i].body), &ev);
        assert_int_equal(ev.kind, CHAT_EV_ERROR);
        assert_string_equal(fault_info(ev.fault)->wire, refusals[i].wire);
        arena_done(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R46_R47_events_mean_what_they_say),
        cmocka_unit_test(names_of_events_count_where_types_are_missing),
        cmocka_unit_test(an_error_without_JSON_is_one),
        cmocka_unit_test(R7_a_whole_answer_is_its_stream),
        cmocka_unit_test(who_has_heard_enough_hears_no_more),
        cmocka_unit_test(R13_refusals_are_judged_as_openais),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
