/*
 * What servers of the OpenAI dialect send, as events.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "llm/dialects.h"

#include "unit/llm/chat_events.h"

#define DELTA(delta)                                                                               \
    "{\"id\":\"x\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":" delta "}]}\n"
#define LAST(delta, reason)                                                                        \
    "{\"id\":\"x\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":" delta                     \
    ",\"finish_reason\":\"" reason "\"}]}\n"
#define MESSAGE(message, reason)                                                                   \
    "{\"id\":\"x\",\"model\":\"m\",\"choices\":[{\"index\":0,\"message\":" message                 \
    ",\"finish_reason\":\"" reason "\"}]}"
#define START "start |x|m|\n"

struct row {
    const char *when, *data, *events;
};

/* The lines as the data of events; one that begins with '!' is named "error". */
static void decode_lines(struct buf *out, const char *lines)
{
    struct arena a = {.max = 1 << 20};
    struct chat_decoder *d = dialect_openai.decoder_new(&a);
    struct str rest = str_from(lines), line;

    while (rest.len > 0) {
        struct str name = STR("");

        str_cut(rest, '\n', &line, &rest);
        if (line.len > 0 && line.ptr[0] == '!') {
            name = STR("error");
            line = str_skip(line, 1);
        }
        if (!dialect_openai.decode(d, name, line, event_line, out))
            assert_int_equal(buf_put(out, STR("malformed\n")), 0);
    }
    arena_done(&a);
}

static void check(const struct row *row, struct buf *out)
{
    assert_int_equal(buf_put(out, str_make("", 1)), 0);
    if (strcmp(out->ptr, row->events) != 0)
        fail_msg("%s:\n%s\nand not\n%s", row->when, out->ptr, row->events);
    buf_done(out);
}

static void streams(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct buf out = {.max = 0};

        decode_lines(&out, rows[i].data);
        check(&rows[i], &out);
    }
}

static void bodies(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct arena a = {.max = 1 << 20};
        struct chat_decoder *d = dialect_openai.decoder_new(&a);
        struct buf out = {.max = 0};

        if (!dialect_openai.decode_whole(d, str_from(rows[i].data), event_line, &out))
            assert_int_equal(buf_put(&out, STR("no answer\n")), 0);
        check(&rows[i], &out);
        arena_done(&a);
    }
}

static void texts_are_told_with_their_escapes(void **state)
{
    static const struct row rows[] = {
        {"text",
         DELTA("{\"role\":\"assistant\",\"content\":\"\"}") DELTA("{\"content\":\"a\\n\\u00e9\"}")
             LAST("{}", "stop") "[DONE]",
         START "text 0 |a\\n\\u00e9|\nblock end 0 |\nstop 0 end |\nend\n"},
        {"half a surrogate pair is passed on",
         DELTA("{\"content\":\"\\ud83d\"}") DELTA("{\"content\":\"\\ude00\"}"),
         START "text 0 |\\ud83d|\ntext 0 |\\ude00|\n"},
        {"a refusal", DELTA("{\"refusal\":\"No.\"}"), START "refusal 0 |No.|\n"},
        {"reasoning under DeepSeek's name, then text",
         DELTA("{\"reasoning_content\":\"Hm\",\"content\":null}") DELTA("{\"content\":\"A\"}"),
         START "thinking 0 |Hm|\nblock end 0 |\ntext 0 |A|\n"},
        {"both of one delta: the thought is first",
         DELTA("{\"content\":\"A\",\"reasoning_content\":\"Hm\"}"),
         START "thinking 0 |Hm|\nblock end 0 |\ntext 0 |A|\n"},
        {"both names for one text count once",
         DELTA("{\"reasoning\":\"Hm\",\"reasoning_content\":\"Hm\"}"), START "thinking 0 |Hm|\n"},
        {"Mistral's parts",
         DELTA("{\"content\":[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\":"
               "\"Hm\"}]},{\"type\":\"text\",\"text\":\"A\"}]}"),
         START "thinking 0 |Hm|\nblock end 0 |\ntext 0 |A|\n"},
        {"blocks of a server like us: what is new in them",
         DELTA("{\"reasoning_content\":\"Hm\"}")
             DELTA("{\"thinking_blocks\":[{\"type\":\"thinking\",\"thinking\":\"Hm\",\"signature\":"
                   "\"c2ln\"},{\"type\":\"redacted_thinking\",\"data\":\"ZGF0YQ\"}]}"),
         START "thinking 0 |Hm|\nsignature 0 |c2ln|\nblock end 0 |\nredacted 0 |ZGF0YQ|\nblock end "
               "0 |\n"},
        {"two choices",
         "{\"id\":\"x\",\"model\":\"m\",\"choices\":[{\"index\":1,\"delta\":{\"content\":\"b\"}},"
         "{\"index\":0,\"delta\":{\"content\":\"a\"}}]}",
         START "text 1 |b|\ntext 0 |a|\n"},
        {"a choice over the limit is not ours",
         "{\"id\":\"x\",\"model\":\"m\",\"choices\":[{\"index\":128,\"delta\":{\"content\":\"b\"}}]"
         "}",
         START},
        {"Azure's first chunk says nothing yet",
         "{\"choices\":[],\"id\":\"\",\"model\":\"\",\"object\":\"\",\"prompt_filter_results\":[]}"
         "\n" DELTA("{\"content\":\"a\"}"),
         START "text 0 |a|\n"},
        {"no JSON",
         "{\"choices\":[{\"delta\":{\"content\":\"a\"}}]\n"
         "7\n",
         "malformed\nmalformed\n"},
    };

    (void)state;
    streams(rows, COUNTOF(rows));
}

static void R8_calls_are_told_apart_in_every_style(void **state)
{
#define CALL(members) DELTA("{\"tool_calls\":[" members "]}")
#define TWO START "call 0.0 |a|f|\nargs 0.0 |{}|\ncall 0.1 |b|g|\nargs 0.1 |{\\\"x\\\":1}|\n"
    static const struct row rows[] = {
        {"as OpenAI sends them",
         CALL("{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\","
              "\"arguments\":\"\"}}") CALL("{\"index\":0,\"function\":{\"arguments\":\"{}\"}}")
             CALL("{\"index\":1,\"id\":\"b\",\"type\":\"function\",\"function\":{\"name\":\"g\","
                  "\"arguments\":\"{\\\"x\\\":1}\"}}"),
         TWO},
        {"all of index 0",
         CALL("{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}")
             CALL("{\"index\":0,\"id\":\"b\",\"function\":{\"name\":\"g\",\"arguments\":\"{"
                  "\\\"x\\\":1}\"}}"),
         TWO},
        {"no index, both in one delta",
         CALL("{\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}},{\"id\":\"b\","
              "\"function\":{\"name\":\"g\",\"arguments\":\"{\\\"x\\\":1}\"}}"),
         TWO},
        {"arguments as an object",
         CALL("{\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":{}}},{\"id\":\"b\","
              "\"function\":{\"name\":\"g\",\"arguments\":{\"x\":1}}}"),
         TWO},
        {"interleaved",
         CALL("{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\","
              "\"arguments\":\"\"}},{\"index\":1,\"id\":\"b\",\"type\":\"function\",\"function\":{"
              "\"name\":\"g\",\"arguments\":\"{\"}}")
             CALL("{\"index\":0,\"function\":{\"arguments\":\"{}\"}},{\"index\":1,\"function\":{"
                  "\"arguments\":\"}\"}}"),
         START "call 0.0 |a|f|\ncall 0.1 |b|g|\nargs 0.1 |{|\nargs 0.0 |{}|\nargs 0.1 |}|\n"},
        {"the name comes behind the id",
         CALL("{\"index\":0,\"id\":\"a\",\"type\":\"function\"}")
             CALL("{\"index\":0,\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}"),
         START "call 0.0 |a|f|\nargs 0.0 |{}|\n"},
        {"no arguments at all are {}",
         CALL("{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\"}}") LAST("{}", "tool_calls"),
         START "call 0.0 |a|f|\nargs 0.0 |{}|\nblock end 0 |\nstop 0 calls |\n"},
        {"Google's signature",
         CALL("{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"extra_content\":{\"google\":{"
              "\"thought_signature\":\"c2ln\"}},\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}"
              "}"),
         START "call 0.0 |a|f|c2ln|\nargs 0.0 |{}|\n"},
    };

    (void)state;
    streams(rows, COUNTOF(rows));
}

static void R47_every_reason_to_stop(void **state)
{
    static const struct row rows[] = {
        {"stop", LAST("{}", "stop") LAST("{}", "stop"), START "stop 0 end |\n"},
        {"length", LAST("{}", "length"), START "stop 0 length |\n"},
        {"filter", LAST("{}", "content_filter"), START "stop 0 filter |\n"},
        {"function", LAST("{}", "function_call"), START "stop 0 calls |\n"},
        {"Mistral's context", LAST("{}", "model_length"), START "stop 0 context |\n"},
        {"unknown", LAST("{}", "moon_phase"), START "stop 0 other |moon_phase|\n"},
        {"none yet", LAST("{}", ""), START},
        {"stop behind a call",
         LAST("{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":{"
              "\"name\":"
              "\"f\",\"arguments\":\"{}\"}}]}",
              "stop"),
         START "call 0.0 |a|f|\nargs 0.0 |{}|\nblock end 0 |\nstop 0 calls |\n"},
        {"broken off, and not whole any more", LAST("{}", "error") "[DONE]",
         START "error upstream_error |error|the provider broke the answer off|\n"},
        {"DeepSeek had no room", LAST("{}", "insufficient_system_resource"),
         START "error upstream_overloaded |insufficient_system_resource|the provider broke the "
               "answer off|\n"},
    };

    (void)state;
    streams(rows, COUNTOF(rows));
}

static void R7_usage_in_all_its_places(void **state)
{
#define COUNTS "\"prompt_tokens\":10,\"completion_tokens\":3"
    static const struct row rows[] = {
        {"a chunk of its own",
         "{\"id\":\"x\",\"choices\":[],\"usage\":{" COUNTS ",\"total_tokens\":13}}",
         "start |x||\nusage 10 3 cached 0 written 0 reasoning 0\n"},
        {"with details",
         "{\"choices\":[],\"usage\":{" COUNTS ",\"total_tokens\":13,\"prompt_tokens_details\":{"
         "\"cached_tokens\":4,\"cache_write_tokens\":5},\"completion_tokens_details\":{"
         "\"reasoning_tokens\":2}}}",
         "usage 10 3 cached 4 written 5 reasoning 2\n"},
        {"x_groq", "{\"choices\":[],\"x_groq\":{\"usage\":{" COUNTS "}}}",
         "usage 10 3 cached 0 written 0 reasoning 0\n"},
        {"in the choice", "{\"choices\":[{\"index\":0,\"delta\":{},\"usage\":{" COUNTS "}}]}",
         "start |||\nusage 10 3 cached 0 written 0 reasoning 0\n"},
        {"reasoning beside the completion",
         "{\"choices\":[],\"usage\":{" COUNTS ",\"total_tokens\":20,\"completion_tokens_details\":{"
         "\"reasoning_tokens\":7}}}",
         "usage 10 10 cached 0 written 0 reasoning 7\n"},
        {"null", "{\"choices\":[],\"usage\":null}", ""},
    };

    (void)state;
    streams(rows, COUNTOF(rows));
}

static void a_stream_that_was_cut_does_not_look_finished(void **state)
{
    static const struct row rows[] = {
        {"no finish reason", DELTA("{\"content\":\"a\"}") "[DONE]\n[DONE]",
         START "text 0 |a|\nerror upstream_stream_truncated ||the stream ended without a finish "
               "reason|\n"},
        {"of two choices one",
         "{\"id\":\"x\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"},"
         "\"finish_reason\":\"stop\"},{\"index\":1,\"delta\":{\"content\":\"b\"}}]}\n[DONE]",
         START "text 0 |a|\nblock end 0 |\nstop 0 end |\ntext 1 |b|\nerror "
               "upstream_stream_truncated ||the stream ended without a finish reason|\n"},
        {"nothing at all", DELTA("{\"role\":\"assistant\",\"content\":\"\"}") "[DONE]",
         START "error upstream_empty_response ||the stream ended without any content|\n"},
        {"no chunk", "[DONE]",
         "error upstream_empty_response ||the stream ended without any content|\n"},
    };

    (void)state;
    streams(rows, COUNTOF(rows));
}

static void errors_inside_a_200(void **state)
{
    static const struct row rows[] = {
        {"an object",
         "{\"error\":{\"message\":\"Slow \\\"down\\\"\",\"type\":\"rate_limit_error\"}}\n[DONE]",
         "error upstream_rate_limited |rate_limit_error|Slow \\\"down\\\"|\n"},
        {"an event of that name", "!{\"message\":\"Overloaded\",\"type\":\"overloaded_error\"}",
         "error upstream_overloaded |overloaded_error|Overloaded|\n"},
        {"flat", "{\"object\":\"error\",\"message\":\"Bad\",\"code\":400}",
         "error upstream_refused |400|Bad|\n"},
        {"in a choice",
         "{\"id\":\"x\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":"
         "\"error\",\"error\":{\"code\":502,\"message\":\"gone\"}}]}",
         START "error upstream_error |502|gone|\n"},
        {"null is none", "{\"error\":null,\"choices\":[]}", ""},
    };

    (void)state;
    streams(rows, COUNTOF(rows));
}

static void whole_answers_say_what_their_stream_would(void **state)
{
    static const struct row rows[] = {
        {"text and a call",
         MESSAGE(
             "{\"role\":\"assistant\",\"content\":\"Hi\",\"reasoning_content\":\"Hm\","
             "\"tool_calls\":[{\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\","
             "\"arguments\":\"{\\\"x\\\":1}\"}},{\"id\":\"b\",\"type\":\"function\",\"function\":{"
             "\"name\":\"g\",\"arguments\":\"\"}}]}",
             "tool_calls"),
         START
         "thinking 0 |Hm|\nblock end 0 |\ntext 0 |Hi|\nblock end 0 |\ncall 0.0 |a|f|\nargs 0.0 "
         "|{\\\"x\\\":1}|\ncall 0.1 |b|g|\nargs 0.1 |{}|\nblock end 0 |\nstop 0 calls |\nend\n"},
        {"the thoughts are in the blocks again",
         MESSAGE(
             "{\"content\":\"Hi\",\"reasoning_content\":\"Hm so\",\"thinking_blocks\":[{\"type\":"
             "\"thinking\",\"thinking\":\"Hm\",\"signature\":\"c2ln\"},{\"type\":\"thinking\","
             "\"thinking\":\" so\",\"signature\":\"bW9yZQ\"}]}",
             "stop"),
         START "thinking 0 |Hm|\nsignature 0 |c2ln|\nblock end 0 |\nthinking 0 | so|\nsignature 0 "
               "|bW9yZQ|\nblock end 0 |\ntext 0 |Hi|\nblock end 0 |\nstop 0 end |\nend\n"},
        {"an error", "{\"error\":{\"message\":\"No\",\"type\":\"invalid_request_error\"}}",
         "error upstream_refused |invalid_request_error|No|\n"},
        {"no choices", "{\"id\":\"x\",\"choices\":[]}", "start |x||\nno answer\n"},
        {"null", "null", "no answer\n"},
        {"HTML", "<html>", "no answer\n"},
    };

    (void)state;
    bodies(rows, COUNTOF(rows));
}

static void a_refusal_is_an_error_event(void **state)
{
    struct arena a = {.max = 1 << 16};
    struct chat_event ev;

    (void)state;
    dialect_openai.refusal(
        &a, 429, STR("{\"error\":{\"message\":\"Say \\\"when\\\"\",\"code\":\"slow\"}}"), &ev);
    assert_int_equal(ev.kind, CHAT_EV_ERROR);
    assert_int_equal(ev.fault, FAULT_UPSTREAM_RATE);
    assert_true(str_eq(str_make(ev.text.ptr, ev.text.len), STR("Say \\\"when\\\"")));
    assert_true(str_eq(str_make(ev.name.ptr, ev.name.len), STR("slow")));
    dialect_openai.refusal(&a, 200, STR("{\"error\":{\"type\":\"overloaded_error\"}}"), &ev);
    assert_int_equal(ev.fault, FAULT_UPSTREAM_BUSY);
    arena_done(&a);
}

static bool once(void *ctx, const struct chat_event *ev)
{
    unsigned *n = ctx;

    (void)ev;
    ++*n;
    return false;
}

static void whoever_says_stop_hears_no_more(void **state)
{
    struct arena a = {.max = 1 << 16};
    struct chat_decoder *d = dialect_openai.decoder_new(&a);
    unsigned n = 0;

    (void)state;
    assert_true(dialect_openai.decode(d, STR(""), STR(DELTA("{\"content\":\"a\"}")), once, &n));
    assert_int_equal(n, 1);
    arena_done(&a);
}

static void the_tables_know_it(void **state)
{
    (void)state;
    assert_ptr_equal(dialect_find(STR("openai")), &dialect_openai);
    assert_ptr_equal(dialect_get(CHAT_OPENAI), &dialect_openai);
    assert_ptr_equal(chat_surface_get(CHAT_OPENAI), &surface_chat);
    assert_null(dialect_find(STR("klingon")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_told_with_their_escapes),
        cmocka_unit_test(R8_calls_are_told_apart_in_every_style),
        cmocka_unit_test(R47_every_reason_to_stop),
        cmocka_unit_test(R7_usage_in_all_its_places),
        cmocka_unit_test(a_stream_that_was_cut_does_not_look_finished),
        cmocka_unit_test(errors_inside_a_200),
        cmocka_unit_test(whole_answers_say_what_their_stream_would),
        cmocka_unit_test(a_refusal_is_an_error_event),
        cmocka_unit_test(whoever_says_stop_hears_no_more),
        cmocka_unit_test(the_tables_know_it),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    arena_thread_done();
    return failed;
}
