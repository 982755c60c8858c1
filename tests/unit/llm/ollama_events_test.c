/* What lines of Ollama's mean; the lines are those of its API's description.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "llm/chat_text.h"
#include "llm/dialects.h"

#include "unit/llm/chat_trace.h"

#define LINE(message)                                                                              \
    "{\"model\":\"m\",\"created_at\":\"2023-08-04T08:52:19.385406455-07:00\",\"message\":{"        \
    "\"role\":\"assistant\"," message "},\"done\":false}\n"
#define DONE(members)                                                                              \
    "{\"model\":\"m\",\"created_at\":\"2023-08-04T19:22:45.499127Z\",\"message\":{\"role\":"       \
    "\"assistant\",\"content\":\"\"},\"done\":true" members "}"
#define COUNTS                                                                                     \
    ",\"done_reason\":\"stop\",\"total_duration\":4883583458,\"load_duration\":1334875,"           \
    "\"prompt_eval_count\":26,\"prompt_eval_duration\":342546000,\"eval_count\":282,"              \
    "\"eval_duration\":4535599000"

/* clang-format off */
static const struct row {
    const char *what, *lines, *events;
} rows[] = {
    {"a text in pieces", LINE("\"content\":\"The\",\"images\":null") LINE("\"content\":\" sky\\n\\u00e4\"") DONE(COUNTS),
     "start model=m\ntext text=The\ntext text= sky\\n\\u00e4\nblock\nusage in=26 out=282 read=0 think=0\nstop end\nend\n"},
    {"thoughts first", LINE("\"content\":\"\",\"thinking\":\"a\"") LINE("\"content\":\"\",\"thinking\":\"b\"") LINE("\"content\":\"c\"") DONE(COUNTS),
     "start model=m\nthinking text=a\nthinking text=b\nblock\ntext text=c\nblock\nusage in=26 out=282 read=0 think=0\nstop end\nend\n"},
    {"calls", LINE("\"content\":\"x\",\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":{\"a\":1.0}}},{\"id\":\"i\",\"function\":{\"index\":1,\"name\":\"g\"}}]") DONE(",\"done_reason\":\"stop\""),
     "start model=m\ntext text=x\nblock\ncall 0 id=call_20230804085219385406_0 name=f\nargs 0 text={\\\"a\\\":1.0}\nblock\n"
     "call 1 id=i name=g\nargs 1 text={}\nblock\nstop calls\nend\n"},
    {"a call without a name is none", LINE("\"tool_calls\":[{},{\"function\":{\"name\":\"\"}}]") DONE(",\"done_reason\":\"stop\""), "start model=m\nstop end\nend\n"},
    {"the limit, and calls do not change it", LINE("\"tool_calls\":[{\"id\":\"i\",\"function\":{\"name\":\"f\"}}]") DONE(",\"done_reason\":\"length\""),
     "start model=m\ncall 0 id=i name=f\nargs 0 text={}\nblock\nstop length\nend\n"},
    {"a model that was only loaded", DONE(",\"done_reason\":\"load\""), "start model=m\nstop other text=load\nend\n"},
    {"no reason, as older versions", DONE(""), "start model=m\nstop end\nend\n"},
    {"a prompt from the cache has no count", DONE(",\"done_reason\":\"stop\",\"eval_count\":5"), "start model=m\nusage in=0 out=5 read=0 think=0\nstop end\nend\n"},
    {"an error in place of a line", LINE("\"content\":\"a\"") "{\"error\":\"an error was encountered while running the model\"}\n" LINE("\"content\":\"b\""),
     "start model=m\ntext text=a\nerror upstream_error 0 text=an error was encountered while running the model\n"},
    {"cut", LINE("\"content\":\"a\""), "start model=m\ntext text=a\n"},
    {"nothing comes after the end", DONE("") "\n" LINE("\"content\":\"b\""), "start model=m\nstop end\nend\n"},
    {"empty lines are none", "\n \n" DONE("") "\n\n", "start model=m\nstop end\nend\n"},
    {"what is no line", "{\"message\":\nnull\n[]\n{}\n{\"done\":false}", TRACE_BAD TRACE_BAD TRACE_BAD TRACE_BAD TRACE_BAD},
};
/* clang-format on */

static void R46_lines_are_events(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct arena a = {.max = 0};
        struct buf out = {.max = 0};

        trace_lines(&dialect_ollama, &a, str_from(rows[i].lines), &out);
        if (strcmp(out.ptr, rows[i].events) != 0)
            fail_msg("%s:\n%s", rows[i].what, out.ptr);
        buf_done(&out);
        arena_done(&a);
    }
}

#define WHOLE                                                                                      \
    "{\"model\":\"m\",\"created_at\":\"2023-12-12T14:13:43.416799Z\",\"message\":{\n\"role\":"     \
    "\"assistant\",\"thinking\":\"t\",\"content\":\"Hello!\"},\"done\":true" COUNTS "}"

static void R7_a_whole_answer_is_its_stream(void **state)
{
    static const struct {
        const char *body, *events;
    } bodies[] = {
        {WHOLE, "start model=m\nthinking text=t\nblock\ntext text=Hello!\nblock\n"
                "usage in=26 out=282 read=0 think=0\nstop end\nend\n"},
        {LINE("\"thinking\":\"t\"") LINE("\"content\":\"Hello!\"") DONE(COUNTS),
         "start model=m\nthinking text=t\nblock\ntext text=Hello!\nblock\n"
         "usage in=26 out=282 read=0 think=0\nstop end\nend\n"},
        {"{\"error\":\"model 'x' not found\"}",
         "error upstream_error 0 text=model 'x' not found\n"},
        {LINE("\"content\":\"a\""), NULL},
        {LINE("\"content\":\"a\"") LINE("\"content\":\"b\""), NULL},
        {"", NULL},
        {"null", NULL},
        {"<html>", NULL},
        {"{}", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(bodies); i++)
        trace_whole(&dialect_ollama, bodies[i].body, bodies[i].events);
}

static void nothing_is_told_to_one_who_has_heard_enough(void **state)
{
    struct arena a = {.max = 0};
    unsigned told = 0;

    (void)state;
    assert_true(dialect_ollama.decode(dialect_ollama.decoder_new(&a), STR(""),
                                      str_trim(STR(LINE("\"content\":\"a\",\"tool_calls\":[{"
                                                        "\"function\":{\"name\":\"f\"}}]"))),
                                      trace_until_text, &told));
    assert_int_equal(told, 2);
    arena_done(&a);
}

static void R13_a_refusal_is_a_fault(void **state)
{
    static const struct {
        unsigned status;
        enum fault fault;
    } refusals[] = {
        {400, FAULT_UPSTREAM_REFUSED}, {401, FAULT_UPSTREAM_KEY},   {404, FAULT_UPSTREAM_REFUSED},
        {429, FAULT_UPSTREAM_RATE},    {500, FAULT_UPSTREAM_ERROR}, {503, FAULT_UPSTREAM_BUSY},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(refusals); i++) {
        struct arena a = {.max = 0};
        struct chat_event ev;

        dialect_ollama.refusal(&a, refusals[i].status,
                               STR("{\"error\":\"model \\\"x\\\" not found\"}"), &ev);
        assert_int_equal(ev.kind, CHAT_EV_ERROR);
        assert_int_equal(ev.fault, refusals[i].fault);
        assert_true(json_text_is(ev.text, STR("model \\\"x\\\" not found")));
        assert_null(ev.name.ptr);
        arena_done(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R46_lines_are_events),
        cmocka_unit_test(R7_a_whole_answer_is_its_stream),
        cmocka_unit_test(nothing_is_told_to_one_who_has_heard_enough),
        cmocka_unit_test(R13_a_refusal_is_a_fault),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    arena_thread_done();
    return failed;
}
