/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "llm/openai.h"

#define CHUNK "data: {\"object\":\"chat.completion.chunk\""

static struct buf out;

static int teardown(void **state)
{
    (void)state;
    buf_done(&out);
    out.max = 0;
    return 0;
}

static void check(const char *body, bool usage, const char *events)
{
    out.len = 0;
    assert_int_equal(openai_retell(str_from(body), usage, &out), 0);
    if (!str_eq(buf_str(&out), str_from(events)))
        fail_msg("got:\n%.*s", STR_ARG(buf_str(&out)));
}

static void a_message_is_a_delta_and_then_a_finish_reason(void **state)
{
    (void)state;
    check("{\"id\":\"c\",\"object\":\"chat.completion\",\"created\":1.0,\"model\":\"m\","
          "\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"a\\nb\"},"
          "\"logprobs\":null,\"finish_reason\":\"stop\"}],"
          "\"usage\":{\"prompt_tokens\":1},\"x\":[1e2]}",
          true,
          CHUNK
          ",\"id\":\"c\",\"created\":1.0,\"model\":\"m\",\"x\":[1e2],\"choices\":[{\"index\":0"
          ",\"logprobs\":null,\"delta\":{\"role\":\"assistant\",\"content\":\"a\\nb\"},"
          "\"finish_reason\":null}]}\n\n" CHUNK
          ",\"id\":\"c\",\"created\":1.0,\"model\":\"m\",\"choices\":[{\"index\":0"
          ",\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n" CHUNK
          ",\"id\":\"c\",\"created\":1.0,\"model\":\"m\",\"choices\":[],"
          "\"usage\":{\"prompt_tokens\":1}}\n\n"
          "data: [DONE]\n\n");
}

static void R7_usage_is_told_when_it_was_asked_for_and_is_there(void **state)
{
    static const char told[] = CHUNK
        ",\"choices\":[{\"index\":3,\"delta\":{\"content\":\"a\"},\"finish_reason\":null}]}"
        "\n\n" CHUNK ",\"choices\":[{\"index\":3,\"delta\":{},\"finish_reason\":\"length\"}]}\n\n"
        "data: [DONE]\n\n";

    (void)state;
    check(
        "{\"choices\":[{\"index\":3,\"message\":{\"content\":\"a\"},\"finish_reason\":\"length\"}],"
        "\"usage\":{\"prompt_tokens\":1}}",
        false, told);
    check(
        "{\"choices\":[{\"index\":3,\"message\":{\"content\":\"a\"},\"finish_reason\":\"length\"}],"
        "\"usage\":null}",
        true, told);
}

static void each_choice_has_events_of_its_own(void **state)
{
    (void)state;
    check("{\"choices\":[{\"message\":{\"content\":\"a\"},\"finish_reason\":\"stop\"},"
          "{\"message\":{\"content\":\"b\"},\"finish_reason\":\"tool_calls\"}]}",
          false,
          CHUNK ",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"},\"finish_reason\":null}]}"
                "\n\n" CHUNK
                ",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n" CHUNK
                ",\"choices\":[{\"index\":1,\"delta\":{\"content\":\"b\"},\"finish_reason\":null}]}"
                "\n\n" CHUNK
                ",\"choices\":[{\"index\":1,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n"
                "data: [DONE]\n\n");
}

static void a_body_over_many_lines_is_events_of_one_line(void **state)
{
    (void)state;
    check(
        "{\r\n  \"model\": \"m\",\n  \"choices\": [\n    {\n      \"message\": {\n"
        "        \"content\": \"a\"\n      },\n      \"finish_reason\": \"stop\"\n    }\n  ]\n}\n",
        false,
        CHUNK
        ",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{        \"content\": \"a\""
        "      },\"finish_reason\":null}]}\n\n" CHUNK
        ",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
        "data: [DONE]\n\n");
}

static void what_is_no_whole_answer_is_not_told(void **state)
{
    static const char *const rows[] = {
        "",
        "null",
        "[]",
        "{",
        "<html>",
        "{}",
        "{\"choices\":[]}",
        "{\"choices\":null}",
        "{\"choices\":[null]}",
        "{\"choices\":[{\"index\":0,\"finish_reason\":\"stop\"}]}",
        "{\"choices\":[{\"text\":\"a\",\"finish_reason\":\"stop\"}]}",
        "{\"choices\":[{\"message\":\"a\",\"finish_reason\":\"stop\"}]}",
        "{\"choices\":[{\"message\":{\"content\":\"a\"}}]}",
        "{\"choices\":[{\"message\":{\"content\":\"a\"},\"finish_reason\":null}]}",
        "{\"choices\":[{\"message\":{\"content\":\"a\"},\"finish_reason\":\"stop\"},{}]}",
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++)
        if (openai_retell(str_from(rows[i]), true, &out) != -EINVAL)
            fail_msg("%s", rows[i]);
}

static void what_is_told_has_a_maximum(void **state)
{
    (void)state;
    out.max = 100;
    assert_int_equal(openai_retell(STR("{\"choices\":[{\"message\":{\"content\":\"a\"},"
                                       "\"finish_reason\":\"stop\"}]}"),
                                   false, &out),
                     -ENOBUFS);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_message_is_a_delta_and_then_a_finish_reason),
        TEST(R7_usage_is_told_when_it_was_asked_for_and_is_there),
        TEST(each_choice_has_events_of_its_own),
        TEST(a_body_over_many_lines_is_events_of_one_line),
        TEST(what_is_no_whole_answer_is_not_told),
        TEST(what_is_told_has_a_maximum),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
