/*
 * What other dialects say, as a Chat Completions request: mapped, or dropped and named, or refused.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "llm/chat_text.h"
#include "llm/dialects.h"

#define TEXT(t)                                                                                    \
    {                                                                                              \
        .kind = CHAT_TEXT, .text = { t, sizeof(t) - 1 }                                            \
    }
#define OF(t)                                                                                      \
    {                                                                                              \
        t, sizeof(t) - 1                                                                           \
    }
#define PARTS(list) .parts = list, .parts_count = COUNTOF(list)

struct asking {
    struct arena arena;
    struct chat_request request;
    struct buf body;
    struct chat_problem problem;
};

static struct chat_part hi[] = {TEXT("Hi")};
static struct chat_message says_hi[] = {{.role = CHAT_USER, PARTS(hi)}};

static bool encode(struct asking *k, const char *model)
{
    bool ok;

    k->arena.max = 1 << 16;
    k->request.arena = &k->arena;
    if (k->request.messages == NULL) {
        k->request.messages = says_hi;
        k->request.messages_count = 1;
    }
    ok = dialect_openai.encode(&k->request, str_from(model), &k->body, &k->problem);
    if (ok)
        assert_true(json_scan(buf_str(&k->body), 64, NULL, NULL, NULL));
    return ok;
}

static void done(struct asking *k)
{
    buf_done(&k->body);
    arena_done(&k->arena);
}

static void has(const struct asking *k, const char *piece)
{
    if (str_find(buf_str(&k->body), str_from(piece)) == NULL)
        fail_msg("%.*s has no %s", STR_ARG(buf_str(&k->body)), piece);
}

static void has_not(const struct asking *k, const char *piece)
{
    if (str_find(buf_str(&k->body), str_from(piece)) != NULL)
        fail_msg("%.*s has %s", STR_ARG(buf_str(&k->body)), piece);
}

/* These and no others, in this order. */
static void dropped(const struct asking *k, const char *names)
{
    struct buf out = {.max = 0};

    for (uint32_t i = 0; i < k->request.dropped_count; i++)
        assert_int_equal(buf_printf(&out, "%.*s ", STR_ARG(k->request.dropped[i])), 0);
    if (!str_eq(buf_str(&out), str_from(names)))
        fail_msg("dropped %.*s and not %s", STR_ARG(buf_str(&out)), names);
    buf_done(&out);
}

static void R7_usage_is_asked_for_in_every_stream(void **state)
{
    struct asking k = {.request.stream = true};

    (void)state;
    assert_true(encode(&k, "m"));
    has(&k, "\"model\":\"m\",\"stream\":true,\"stream_options\":{\"include_usage\":true}");
    done(&k);
    k = (struct asking){.request.stream = false};
    assert_true(encode(&k, "m\"\n"));
    has(&k, "{\"model\":\"m\\\"\\n\",\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}");
    done(&k);
}

static void the_limit_has_the_name_that_the_model_knows(void **state)
{
    static const struct {
        const char *model, *member;
    } rows[] = {
        {"gpt-5", "\"max_completion_tokens\":9"},
        {"o3-mini", "\"max_completion_tokens\":9"},
        {"openai/gpt-4o", "\"max_completion_tokens\":9"},
        {"ft:gpt-4o:x", "\"max_completion_tokens\":9"},
        {"gpt-oss-120b", "\"max_tokens\":9"},
        {"openai/gpt-oss-20b", "\"max_tokens\":9"},
        {"deepseek-chat", "\"max_tokens\":9"},
        {"mistral-large", "\"max_tokens\":9"},
        {"olmo", "\"max_tokens\":9"},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct asking k = {.request.max_tokens = STR("9")};

        assert_true(encode(&k, rows[i].model));
        has(&k, rows[i].member);
        done(&k);
    }
}

static void R45_what_only_others_say_is_dropped_and_named(void **state)
{
    static struct chat_part said[] = {
        {.kind = CHAT_THINKING, .text = OF("Hm"), .signature = OF("c2ln")},
        {.kind = CHAT_REDACTED, .data = OF("ZGF0YQ")},
        {.kind = CHAT_TEXT,
         .text = OF("A"),
         .cache_control = STR_INIT("{}"),
         .citations = STR_INIT("[]")},
        {.kind = CHAT_RAW,
         .vendor = CHAT_ANTHROPIC,
         .raw = STR_INIT("{\"type\":\"server_tool_use\",\"id\":\"x\"}")},
    };
    static struct chat_message messages[] = {{.role = CHAT_ASSISTANT, PARTS(said)}};
    static struct chat_tool tools[] = {
        {.vendor = CHAT_ANTHROPIC,
         .raw = STR_INIT("{\"type\":\"web_search_20250305\",\"name\":\"web_search\"}")},
    };
    struct asking k = {.request = {
                           .top_k = STR("40"),
                           .messages = messages,
                           .messages_count = 1,
                           .tools = tools,
                           .tools_count = 1,
                           .choice = CHAT_CHOICE_AUTO,
                           .parallel_calls = CHAT_NO,
                           .reasoning.on = CHAT_NO,
                           .extra = {{CHAT_ANTHROPIC, STR("container"), STR("{}")}},
                           .extra_count = 1,
                       }};

    (void)state;
    assert_true(encode(&k, "m"));
    has(&k, "\"messages\":[{\"role\":\"assistant\",\"content\":\"A\"}]");
    has_not(&k, "tool"); /* there are none to choose from */
    has_not(&k, "reasoning");
    dropped(&k, "top_k thinking container tools.web_search_20250305 redacted_thinking "
                "content.server_tool_use cache_control citations ");
    done(&k);
}

static void unsigned_thinking_goes_back_with_the_calls_that_came_of_it(void **state)
{
    static struct chat_part called[] = {
        {.kind = CHAT_THINKING, .text = OF("H\\u006d")},
        {.kind = CHAT_CALL, .id = OF("a"), .name = OF("f"), .args = STR_INIT("{\"x\":\"\\n\"}")},
    };
    static struct chat_part spoke[] = {{.kind = CHAT_THINKING, .text = OF("Hm")}, TEXT("A")};
    static struct chat_message messages[] = {{.role = CHAT_ASSISTANT, PARTS(called)},
                                             {.role = CHAT_ASSISTANT, PARTS(spoke)}};
    struct asking k = {.request = {.messages = messages, .messages_count = 1}};

    (void)state;
    assert_true(encode(&k, "m"));
    has(&k, "{\"role\":\"assistant\",\"content\":null,\"reasoning_content\":\"H\\u006d\",\"tool_"
            "calls\":"
            "[{\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":"
            "\"{\\\"x\\\":\\\"\\\\n\\\"}\"}}]}");
    dropped(&k, "");
    done(&k);
    k = (struct asking){.request = {.messages = messages + 1, .messages_count = 1}};
    assert_true(encode(&k, "m"));
    has_not(&k, "reasoning_content");
    dropped(&k, "thinking ");
    done(&k);
    k = (struct asking){.request = {.messages = messages, .messages_count = 1}};
    called[0].text.len = 0; /* a thought of nothing */
    assert_true(encode(&k, "m"));
    has_not(&k, "reasoning_content");
    done(&k);
}

static void signed_thinking_never_goes_back_here(void **state)
{
    static struct chat_part called[] = {
        {.kind = CHAT_THINKING, .text = OF("Hm"), .signature = OF("c2ln")},
        {.kind = CHAT_CALL, .id = OF("a"), .name = OF("f"), .args = STR_INIT("{}")},
    };
    static struct chat_message messages[] = {{.role = CHAT_ASSISTANT, PARTS(called)}};
    struct asking k = {.request = {.messages = messages, .messages_count = 1}};

    (void)state;
    assert_true(encode(&k, "m"));
    has_not(&k, "Hm");
    has_not(&k, "c2ln");
    dropped(&k, "thinking ");
    done(&k);
}

static void what_has_to_be_called_is_named_by_its_kind(void **state)
{
    static struct chat_tool tools[] = {
        {.name = OF("f")},
        {.raw = STR_INIT("{\"type\":\"custom\",\"custom\":{\"name\":\"c\"}}")},
    };
    struct asking k = {.request = {.tools = tools, .tools_count = 2, .choice = CHAT_CHOICE_NAMED}};

    (void)state;
    k.request.choice_name = JSON_TEXT("f");
    assert_true(encode(&k, "m"));
    has(&k, "\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"f\"}}");
    k.request.choice_name = JSON_TEXT("c");
    k.body.len = 0;
    assert_true(encode(&k, "m"));
    has(&k, "\"tool_choice\":{\"type\":\"custom\",\"custom\":{\"name\":\"c\"}}");
    done(&k);
}

static void R45_a_choice_of_a_tool_that_is_left_out_is_left_out_too(void **state)
{
    static struct chat_tool tools[] = {
        {.name = OF("f")},
        {.vendor = CHAT_ANTHROPIC, .raw = STR_INIT("{\"type\":\"bash_1\",\"name\":\"b\"}")},
    };
    struct asking k = {
        .request = {
            .tools = tools, .tools_count = 2, .choice = CHAT_CHOICE_NAMED, .choice_name = OF("b")}};

    (void)state;
    assert_true(encode(&k, "m"));
    has_not(&k, "tool_choice");
    dropped(&k, "tools.bash_1 tool_choice ");
    done(&k);
}

static void R46_what_a_tool_shows_comes_behind_the_results(void **state)
{
    static struct chat_part one[] = {
        TEXT("look"),
        {.kind = CHAT_IMAGE, .media_type = OF("image/png"), .data = OF("AAAA")},
    };
    static struct chat_part two[] = {TEXT("2"), TEXT("3")};
    static struct chat_part first[] = {{.kind = CHAT_RESULT, .id = OF("a"), PARTS(one)}};
    static struct chat_part second[] = {
        {.kind = CHAT_RESULT, .id = OF("b"), .is_error = true, PARTS(two)},
        {.kind = CHAT_RESULT, .id = OF("c")},
        TEXT("and now?"),
    };
    static struct chat_message messages[] = {{.role = CHAT_TOOL, PARTS(first)},
                                             {.role = CHAT_USER, PARTS(second)}};
    struct asking k = {.request = {.messages = messages, .messages_count = 2}};

    (void)state;
    assert_true(encode(&k, "m"));
    has(&k,
        "\"messages\":["
        "{\"role\":\"tool\",\"tool_call_id\":\"a\",\"content\":\"look\"},"
        "{\"role\":\"tool\",\"tool_call_id\":\"b\",\"content\":[{\"type\":\"text\",\"text\":\"2\"},"
        "{\"type\":\"text\",\"text\":\"3\"}]},"
        "{\"role\":\"tool\",\"tool_call_id\":\"c\",\"content\":\"\"},"
        "{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:"
        "image/"
        "png;base64,AAAA\"}}]},"
        "{\"role\":\"user\",\"content\":\"and now?\"}]}");
    dropped(&k, "is_error ");
    done(&k);
}

static void another_makers_block_beside_results_is_named(void **state)
{
    static struct chat_part parts[] = {
        {.kind = CHAT_RESULT, .id = OF("a"), PARTS(hi)},
        {.kind = CHAT_RAW, .vendor = CHAT_ANTHROPIC, .raw = OF("{\"type\":\"search_result\"}")},
    };
    static struct chat_message messages[] = {{.role = CHAT_USER, PARTS(parts)}};
    struct asking k = {.request = {.messages = messages, .messages_count = 1}};

    (void)state;
    assert_true(encode(&k, "m"));
    has(&k, "\"messages\":[{\"role\":\"tool\",\"tool_call_id\":\"a\",\"content\":\"Hi\"}]}");
    dropped(&k, "content.search_result ");
    done(&k);
}

static void media_of_other_dialects(void **state)
{
    static struct chat_part shown[] = {
        {.kind = CHAT_AUDIO, .media_type = OF("audio/mpeg"), .data = OF("AA")},
        {.kind = CHAT_AUDIO, .media_type = OF("audio/x-wav"), .data = OF("BB")},
        {.kind = CHAT_FILE,
         .media_type = OF("application/pdf"),
         .data = OF("CC"),
         .file_name = OF("c.pdf")},
        {.kind = CHAT_FILE, .media_type = OF("text/csv"), .data = OF("DD")},
        {.kind = CHAT_FILE, .file_id = OF("file-1"), .file_name = OF("e.pdf")},
    };
    static struct chat_message messages[] = {{.role = CHAT_USER, PARTS(shown)}};
    struct asking k = {.request = {.messages = messages, .messages_count = 1}};

    (void)state;
    assert_true(encode(&k, "m"));
    has(&k, "{\"data\":\"AA\",\"format\":\"mp3\"}");
    has(&k, "{\"data\":\"BB\",\"format\":\"wav\"}");
    has(&k, "{\"file_data\":\"data:application/pdf;base64,CC\",\"filename\":\"c.pdf\"}");
    has(&k, "{\"file_data\":\"data:text/csv;base64,DD\",\"filename\":\"document\"}");
    has(&k, "{\"file_id\":\"file-1\"}");
    dropped(&k, "filename ");
    done(&k);
}

static void media_that_cannot_be_sent_are_refused(void **state)
{
    static struct chat_part refused[] = {
        {.kind = CHAT_IMAGE, .file_id = OF("file_1")},
        {.kind = CHAT_FILE, .media_type = OF("video\\/mp4"), .data = OF("AA")},
        {.kind = CHAT_FILE, .text = OF("https://x.test/d.pdf")},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(refused); i++) {
        struct chat_message m = {.role = CHAT_USER, .parts = &refused[i], .parts_count = 1};
        struct asking k = {.request = {.messages = &m, .messages_count = 1}};

        assert_false(encode(&k, "m"));
        assert_int_equal(k.problem.fault, FAULT_BAD_REQUEST);
        assert_int_equal(k.body.len, 0);
        done(&k);
    }
}

static void settings_of_other_dialects(void **state)
{
    struct asking k = {.request = {.reasoning = {.on = CHAT_YES, .budget = STR("8192")},
                                   .service_tier = JSON_TEXT("standard_only"),
                                   .format = CHAT_FORMAT_SCHEMA,
                                   .schema = STR("{\"type\":\"object\"}")}};

    (void)state;
    assert_true(encode(&k, "m"));
    has(&k, "\"reasoning_effort\":\"medium\"");
    has(&k, "\"service_tier\":\"default\"");
    has(&k, "\"json_schema\":{\"name\":\"answer\",\"schema\":{\"type\":\"object\"}}");
    dropped(&k, "");
    done(&k);
}

static void a_body_over_the_limit_is_no_body(void **state)
{
    struct asking k = {.body.max = 20};

    (void)state;
    assert_false(encode(&k, "m"));
    assert_int_equal(k.problem.fault, FAULT_TOO_LARGE);
    assert_int_equal(k.body.len, 0);
    done(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R7_usage_is_asked_for_in_every_stream),
        cmocka_unit_test(the_limit_has_the_name_that_the_model_knows),
        cmocka_unit_test(R45_what_only_others_say_is_dropped_and_named),
        cmocka_unit_test(unsigned_thinking_goes_back_with_the_calls_that_came_of_it),
        cmocka_unit_test(signed_thinking_never_goes_back_here),
        cmocka_unit_test(what_has_to_be_called_is_named_by_its_kind),
        cmocka_unit_test(R45_a_choice_of_a_tool_that_is_left_out_is_left_out_too),
        cmocka_unit_test(R46_what_a_tool_shows_comes_behind_the_results),
        cmocka_unit_test(another_makers_block_beside_results_is_named),
        cmocka_unit_test(media_of_other_dialects),
        cmocka_unit_test(media_that_cannot_be_sent_are_refused),
        cmocka_unit_test(settings_of_other_dialects),
        cmocka_unit_test(a_body_over_the_limit_is_no_body),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    arena_thread_done();
    return failed;
}
