/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "llm/openai.h"

#define CHOICE(inner) "{\"choices\":[{\"index\":0," inner "}]}"
#define DELTA(inner) CHOICE("\"delta\":{" inner "},\"finish_reason\":null")

static enum openai_event_kind look(struct openai_watch *w, const char *name, struct str data)
{
    struct buf rewrite = {.max = 1 << 20};
    bool rewritten;
    enum openai_event_kind kind = openai_watch_event(w, str_from(name), data, &rewrite, &rewritten);

    assert_int_equal(rewritten, rewrite.len > 0);
    buf_done(&rewrite);
    return kind;
}

/* ---- one event ---- */

/* clang-format off */
static const struct kind_row {
    struct str data;
    enum openai_event_kind kind;
} kind_rows[] = {
    {STR_INIT(DELTA("\"role\":\"assistant\",\"content\":\"\",\"refusal\":null")), OPENAI_EV_LIFECYCLE},
    {STR_INIT(DELTA("\"role\":\"assistant\"")), OPENAI_EV_LIFECYCLE},
    {STR_INIT(DELTA("")), OPENAI_EV_LIFECYCLE},
    {STR_INIT(DELTA("\"content\":\"\"")), OPENAI_EV_LIFECYCLE},
    {STR_INIT(DELTA("\"tool_calls\":[],\"annotations\":[],\"x\":{},\"n\":1,\"b\":true")), OPENAI_EV_LIFECYCLE},
    {STR_INIT(CHOICE("\"delta\":{},\"finish_reason\":\"\"")), OPENAI_EV_LIFECYCLE},
    {STR_INIT(CHOICE("\"delta\":null,\"logprobs\":{\"content\":[{\"token\":\"x\"}]}")), OPENAI_EV_LIFECYCLE},
    {STR_INIT("{\"choices\":[],\"created\":0,\"id\":\"\",\"model\":\"\",\"object\":\"\",\"prompt_filter_results\":[{\"prompt_index\":0}]}"), OPENAI_EV_LIFECYCLE},
    {STR_INIT("{\"choices\":[],\"usage\":null}"), OPENAI_EV_LIFECYCLE},
    {STR_INIT("{\"choices\":[null]}"), OPENAI_EV_LIFECYCLE},
    {STR_INIT("{}"), OPENAI_EV_LIFECYCLE},
    {STR_INIT("{\"error\":null,\"choices\":[]}"), OPENAI_EV_LIFECYCLE},

    {STR_INIT(DELTA("\"content\":\"x\"")), OPENAI_EV_CONTENT},
    {STR_INIT(DELTA("\"content\":\"\\ud83d\"")), OPENAI_EV_CONTENT},
    {STR_INIT(DELTA("\"content\":[{\"type\":\"text\"}]")), OPENAI_EV_CONTENT},
    {STR_INIT(DELTA("\"content\":null,\"reasoning_content\":\"x\"")), OPENAI_EV_CONTENT},
    {STR_INIT(DELTA("\"reasoning\":\"x\"")), OPENAI_EV_CONTENT},
    {STR_INIT(DELTA("\"refusal\":\"no\"")), OPENAI_EV_CONTENT},
    {STR_INIT(DELTA("\"function_call\":{\"name\":\"f\"}")), OPENAI_EV_CONTENT},
    {STR_INIT(DELTA("\"audio\":{\"id\":\"a\"}")), OPENAI_EV_CONTENT},
    {STR_INIT(DELTA("\"something_new\":\"x\"")), OPENAI_EV_CONTENT},
    {STR_INIT(DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}]")), OPENAI_EV_CONTENT},
    {STR_INIT(CHOICE("\"delta\":{},\"finish_reason\":\"stop\"")), OPENAI_EV_CONTENT},
    {STR_INIT(CHOICE("\"text\":\"x\"")), OPENAI_EV_CONTENT},
    {STR_INIT(DELTA("\"content\":\"x\"") " "), OPENAI_EV_CONTENT},

    {STR_INIT("{\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2,\"total_tokens\":3}}"), OPENAI_EV_USAGE},
    {STR_INIT("{\"usage\":{\"prompt_tokens\":1}}"), OPENAI_EV_USAGE},
    {STR_INIT("[DONE]"), OPENAI_EV_DONE},

    {STR_INIT("{\"error\":{\"message\":\"m\"}}"), OPENAI_EV_ERROR},
    {STR_INIT("{\"error\":\"m\"}"), OPENAI_EV_ERROR},
    {STR_INIT("{\"error\":{}}"), OPENAI_EV_ERROR},
    {STR_INIT("{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"},\"finish_reason\":\"error\"}],\"error\":{\"code\":502,\"message\":\"m\"}}"), OPENAI_EV_ERROR},
    {STR_INIT("{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"}}],\"x_groq\":{\"id\":\"r\",\"error\":\"over capacity\"}}"), OPENAI_EV_ERROR},
    {STR_INIT("{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"}}],\"x_groq\":{\"id\":\"r\",\"error\":null}}"), OPENAI_EV_CONTENT},
    {STR_INIT("{\"object\":\"error\",\"message\":\"m\",\"type\":\"BadRequestError\",\"code\":400}"), OPENAI_EV_ERROR},

    {STR_INIT(""), OPENAI_EV_MALFORMED},
    {STR_INIT("[DONE] "), OPENAI_EV_MALFORMED},
    {STR_INIT("[done]"), OPENAI_EV_MALFORMED},
    {STR_INIT("null"), OPENAI_EV_MALFORMED},
    {STR_INIT("[]"), OPENAI_EV_MALFORMED},
    {STR_INIT("\"x\""), OPENAI_EV_MALFORMED},
    {STR_INIT("<html>"), OPENAI_EV_MALFORMED},
    {STR_INIT("{\"choices\":[{\"delta\":{\"content\":\"x\"}}]"), OPENAI_EV_MALFORMED},
    {STR_INIT("{\"choices\":[{\"delta\":{\"content\":\"x\"}}]}}"), OPENAI_EV_MALFORMED},
    {STR_INIT("{\"choices\":[{\"delta\":{\"content\":\"\xff\"}}]}"), OPENAI_EV_MALFORMED},
};
/* clang-format on */

static void R10_events_are_told_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNTOF(kind_rows); i++) {
        struct arena a = {.max = 1 << 16};
        struct openai_watch w;

        openai_watch_init(&w, OPENAI_CHAT, &a);
        assert_int_equal(w.usage.source, USAGE_ABSENT);
        if (look(&w, "", kind_rows[i].data) != kind_rows[i].kind)
            fail_msg("%.*s", STR_ARG(kind_rows[i].data));
        assert_int_equal(w.content, kind_rows[i].kind == OPENAI_EV_CONTENT);
        assert_int_equal(w.done, kind_rows[i].kind == OPENAI_EV_DONE);
        openai_watch_done(&w);
        arena_done(&a);
    }
}

/* What was seen before must not change what an event is: shortcuts are taken after content. */
static void R10_events_are_told_apart_after_content_too(void **state)
{
    static const struct str before[] = {
        STR_INIT(DELTA("\"content\":\"x\"")),
        STR_INIT("{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"y\"}}]}"),
        STR_INIT(CHOICE("\"text\":\"z\"")),
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(kind_rows); i++) {
        struct arena a = {.max = 1 << 16};
        struct openai_watch w;

        openai_watch_init(&w, OPENAI_CHAT, &a);
        for (size_t n = 0; n < COUNTOF(before) * 2; n++) {
            assert_int_equal(look(&w, "", before[n / 2]), OPENAI_EV_CONTENT);
            if (look(&w, "", kind_rows[i].data) != kind_rows[i].kind)
                fail_msg("%.*s after %.*s", STR_ARG(kind_rows[i].data), STR_ARG(before[n / 2]));
        }
        openai_watch_done(&w);
        arena_done(&a);
    }
}

static void an_error_event_gives_its_fault_and_words(void **state)
{
    struct arena a = {.max = 0};
    struct openai_watch w;

    (void)state;
    openai_watch_init(&w, OPENAI_CHAT, &a);
    assert_int_equal(look(&w, "",
                          STR("{\"error\":{\"message\":\"slow \\u0064own\",\"type\":\"x\","
                              "\"code\":\"rate_limit_exceeded\"}}")),
                     OPENAI_EV_ERROR);
    assert_int_equal(w.fault, FAULT_UPSTREAM_RATE);
    assert_true(str_eq(w.error_message, STR("slow down")));
    assert_true(str_eq(w.error_type, STR("x")));
    assert_true(str_eq(w.error_code, STR("rate_limit_exceeded")));
    assert_int_equal(look(&w, "",
                          STR("{\"id\":\"c\",\"choices\":[],\"x_groq\":{\"id\":\"r\",\"error\":"
                              "{\"message\":\"full\",\"code\":\"over_capacity\"}}}")),
                     OPENAI_EV_ERROR);
    assert_int_equal(w.fault, FAULT_UPSTREAM_BUSY);
    assert_true(str_eq(w.error_message, STR("full")));
    assert_int_equal(look(&w, "", STR("{\"x_groq\":{\"error\":\"stopped\"}}")), OPENAI_EV_ERROR);
    assert_int_equal(w.fault, FAULT_UPSTREAM_ERROR);
    assert_true(str_eq(w.error_message, STR("stopped")));
    assert_int_equal(look(&w, "error", STR("it broke")), OPENAI_EV_ERROR);
    assert_int_equal(w.fault, FAULT_UPSTREAM_ERROR);
    assert_true(str_eq(w.error_message, STR("it broke")));
    assert_int_equal(look(&w, "error", STR("{\"type\":\"overloaded_error\",\"message\":\"m\"}")),
                     OPENAI_EV_ERROR);
    assert_int_equal(w.fault, FAULT_UPSTREAM_BUSY);
    assert_int_equal(look(&w, "message", STR(DELTA("\"content\":\"x\""))), OPENAI_EV_CONTENT);
    assert_int_equal(w.events, 6);
    openai_watch_done(&w);
    arena_done(&a);
}

/* ---- finish reasons ---- */

static struct openai_watch watched(struct arena *a, enum openai_surface surface,
                                   const struct str *events, size_t n)
{
    struct openai_watch w;

    openai_watch_init(&w, surface, a);
    for (size_t i = 0; i < n; i++)
        look(&w, "", events[i]);
    openai_watch_done(&w);
    return w;
}

static void R3_an_answer_is_finished_when_each_choice_is(void **state)
{
    static const struct str two[] = {
        STR_INIT("{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}"),
        STR_INIT("{\"choices\":[{\"index\":1,\"delta\":{\"content\":\"b\"}}]}"),
        STR_INIT("{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"length\"}]}"),
        STR_INIT("{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"length\"}]}"),
        STR_INIT("{\"choices\":[{\"index\":1,\"delta\":{},\"finish_reason\":\"stop\"}]}"),
    };
    struct arena a = {.max = 0};
    struct openai_watch w;

    (void)state;
    for (size_t n = 0; n <= COUNTOF(two); n++) {
        w = watched(&a, OPENAI_CHAT, two, n);
        assert_int_equal(w.finished, n == COUNTOF(two));
    }
    assert_string_equal(w.finish, "stop");
    assert_int_equal(w.choices_seen, 2);
    assert_int_equal(w.choices_finished, 2);
    arena_done(&a);
}

static void R3_choices_without_an_index_count_by_their_place(void **state)
{
    static const struct str text[] = {
        STR_INIT("{\"choices\":[{\"text\":\"a\"},{\"text\":\"b\"}]}"),
        STR_INIT("{\"choices\":[{\"text\":\"\",\"finish_reason\":\"stop\"}]}"),
        STR_INIT("{\"choices\":[{\"index\":1,\"text\":\"\",\"finish_reason\":\"stop\"}]}"),
    };
    struct arena a = {.max = 0};

    (void)state;
    assert_false(watched(&a, OPENAI_COMPLETIONS, text, 2).finished);
    assert_true(watched(&a, OPENAI_COMPLETIONS, text, 3).finished);
    arena_done(&a);
}

static void R3_an_empty_finish_reason_ends_nothing(void **state)
{
    static const struct str events[] = {
        STR_INIT(CHOICE("\"delta\":{\"content\":\"a\"},\"finish_reason\":\"\"")),
        STR_INIT(CHOICE("\"delta\":{\"content\":\"b\"},\"finish_reason\":\"\"")),
    };
    struct arena a = {.max = 0};

    (void)state;
    assert_false(watched(&a, OPENAI_CHAT, events, COUNTOF(events)).finished);
    arena_done(&a);
}

static void R47_a_finish_reason_nobody_knows_is_kept(void **state)
{
    static const struct str event[] = {
        STR_INIT(CHOICE("\"delta\":{},\"finish_reason\":\"a_reason_longer_than_we_keep\""))};
    struct arena a = {.max = 0};
    struct openai_watch w;

    (void)state;
    w = watched(&a, OPENAI_CHAT, event, 1);
    assert_true(w.finished && w.content);
    assert_string_equal(w.finish, "a_reason_longer_than_we");
    arena_done(&a);
}

static void choices_beyond_the_max_are_seen_but_not_counted(void **state)
{
    static const struct str events[] = {
        STR_INIT("{\"choices\":[{\"index\":127,\"delta\":{\"content\":\"a\"},\"finish_reason\":"
                 "\"stop\"}]}"),
        STR_INIT("{\"choices\":[{\"index\":128,\"delta\":{\"content\":\"a\"}}]}"),
        STR_INIT("{\"choices\":[{\"index\":-1,\"delta\":{\"content\":\"a\"}}]}"),
        STR_INIT("{\"choices\":[{\"index\":99999999999999999999,\"delta\":{\"content\":\"a\"}}]}"),
    };
    struct arena a = {.max = 0};
    struct openai_watch w;

    (void)state;
    w = watched(&a, OPENAI_CHAT, events, COUNTOF(events));
    assert_true(w.finished);
    assert_int_equal(w.choices_seen, 1);
    arena_done(&a);
}

/* ---- usage ---- */

/* clang-format off */
static const struct usage_row {
    const char *what;
    struct str data;
    struct openai_usage usage;
} usage_rows[] = {
    {"OpenAI", STR_INIT("{\"choices\":[],\"usage\":{\"prompt_tokens\":11,\"completion_tokens\":22,\"total_tokens\":33,"
                        "\"prompt_tokens_details\":{\"cached_tokens\":4,\"audio_tokens\":0},"
                        "\"completion_tokens_details\":{\"reasoning_tokens\":5,\"audio_tokens\":0}}}"),
     {USAGE_REPORTED, 11, 22, 33, 4, 5, 0}},
    {"explicit zeroes", STR_INIT("{\"choices\":[],\"usage\":{\"prompt_tokens\":0,\"completion_tokens\":0,\"total_tokens\":0}}"),
     {USAGE_REPORTED, 0, 0, 0, 0, 0, 0}},
    {"no total", STR_INIT("{\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}}"), {USAGE_REPORTED, 3, 4, 7, 0, 0, 0}},
    {"DeepSeek", STR_INIT("{\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":1,\"total_tokens\":10,\"prompt_cache_hit_tokens\":8,\"prompt_cache_miss_tokens\":1}}"),
     {USAGE_REPORTED, 9, 1, 10, 8, 0, 0}},
    {"Groq", STR_INIT("{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}],\"x_groq\":{\"id\":\"r\",\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2,\"total_tokens\":3}}}"),
     {USAGE_REPORTED, 1, 2, 3, 0, 0, 0}},
    {"Moonshot, in the choice", STR_INIT("{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\",\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2,\"total_tokens\":3,\"cached_tokens\":1}}]}"),
     {USAGE_REPORTED, 1, 2, 3, 1, 0, 0}},
    {"beside the finish", STR_INIT("{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2,\"total_tokens\":3}}"),
     {USAGE_REPORTED, 1, 2, 3, 0, 0, 0}},
    {"floats", STR_INIT("{\"usage\":{\"prompt_tokens\":12.0,\"completion_tokens\":1.2e1,\"total_tokens\":-1}}"), {USAGE_REPORTED, 12, 12, 0, 0, 0, 0}},
    {"huge", STR_INIT("{\"usage\":{\"prompt_tokens\":18446744073709551615,\"completion_tokens\":18446744073709551616,\"total_tokens\":1e400}}"),
     {USAGE_REPORTED, UINT64_MAX, UINT64_MAX, UINT64_MAX, 0, 0, 0}},
    {"a sum too big", STR_INIT("{\"usage\":{\"prompt_tokens\":18446744073709551615,\"completion_tokens\":1}}"),
     {USAGE_REPORTED, UINT64_MAX, 1, UINT64_MAX, 0, 0, 0}},
    {"null counts", STR_INIT("{\"usage\":{\"prompt_tokens\":null,\"total_tokens\":5,\"prompt_tokens_details\":null}}"), {USAGE_REPORTED, 0, 0, 5, 0, 0, 0}},
    {"null", STR_INIT("{\"usage\":null}"), {USAGE_ABSENT, 0, 0, 0, 0, 0, 0}},
    {"empty", STR_INIT("{\"usage\":{}}"), {USAGE_ABSENT, 0, 0, 0, 0, 0, 0}},
    {"strings", STR_INIT("{\"usage\":{\"prompt_tokens\":\"5\"}}"), {USAGE_ABSENT, 0, 0, 0, 0, 0, 0}},
    {"in the text", STR_INIT(DELTA("\"content\":\"{\\\"usage\\\":{\\\"prompt_tokens\\\":5}}\"")), {USAGE_ABSENT, 0, 0, 0, 0, 0, 0}},
    {"somebody else's", STR_INIT(DELTA("\"usage\":{\"prompt_tokens\":5}")), {USAGE_ABSENT, 0, 0, 0, 0, 0, 0}},
};
/* clang-format on */

static void check_usage(const char *what, const struct openai_usage *got,
                        const struct openai_usage *want)
{
    if (got->source != want->source || got->prompt != want->prompt ||
        got->completion != want->completion || got->total != want->total ||
        got->cached != want->cached || got->reasoning != want->reasoning)
        fail_msg("%s: %d %llu + %llu = %llu, cached %llu, reasoning %llu", what, got->source,
                 (unsigned long long)got->prompt, (unsigned long long)got->completion,
                 (unsigned long long)got->total, (unsigned long long)got->cached,
                 (unsigned long long)got->reasoning);
}

static void R7_usage_is_read_wherever_providers_put_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNTOF(usage_rows); i++) {
        struct arena a = {.max = 0};
        struct openai_watch w = watched(&a, OPENAI_CHAT, &usage_rows[i].data, 1);

        check_usage(usage_rows[i].what, &w.usage, &usage_rows[i].usage);
        arena_done(&a);
    }
}

static void R7_of_repeated_usage_the_last_that_says_something_counts(void **state)
{
    static const struct str events[] = {
        STR_INIT("{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}],\"usage\":{\"prompt_"
                 "tokens\":1,\"completion_tokens\":1,\"total_tokens\":2,\"prompt_tokens_details\":{"
                 "\"cached_tokens\":1}}}"),
        STR_INIT("{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}],\"usage\":{\"prompt_"
                 "tokens\":1,\"completion_tokens\":2,\"total_tokens\":3}}"),
        STR_INIT("{\"choices\":[],\"usage\":null}"),
        STR_INIT("{\"choices\":[],\"usage\":{}}"),
    };
    struct arena a = {.max = 0};
    struct openai_watch w;

    (void)state;
    w = watched(&a, OPENAI_CHAT, events, COUNTOF(events));
    check_usage("last", &w.usage, &(struct openai_usage){USAGE_REPORTED, 1, 2, 3, 0, 0, 0});
    arena_done(&a);
}

/* The same event again still speaks after another: no shortcut may swallow what it says. */
static void R7_an_event_that_comes_again_still_counts(void **state)
{
    static const struct str events[] = {
        STR_INIT("{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"},\"finish_reason\":"
                 "\"stop\"}]}"),
        STR_INIT("{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"length\"}]}"),
        STR_INIT("{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"b\"},\"finish_reason\":"
                 "\"stop\"}]}"),
        STR_INIT("{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}],\"usage\":{\"total_"
                 "tokens\":3}}"),
        STR_INIT("{\"choices\":[],\"usage\":{\"total_tokens\":9}}"),
        STR_INIT("{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"b\"}}],\"usage\":{\"total_"
                 "tokens\":3}}"),
    };
    struct arena a = {.max = 0};
    struct openai_watch w;

    (void)state;
    w = watched(&a, OPENAI_CHAT, events, COUNTOF(events));
    assert_string_equal(w.finish, "stop");
    check_usage("again", &w.usage, &(struct openai_usage){USAGE_REPORTED, 0, 0, 3, 0, 0, 0});
    arena_done(&a);
}

/* ---- bodies ---- */

static void R10_a_body_is_an_answer_or_a_fault(void **state)
{
    static const struct {
        enum openai_surface surface;
        struct str body;
        enum fault fault;
    } rows[] = {
        {OPENAI_CHAT,
         STR_INIT("{\"choices\":[{\"index\":0,\"message\":{\"content\":\"x\"},\"finish_reason\":"
                  "\"stop\"}]}"),
         FAULT_NONE},
        {OPENAI_COMPLETIONS, STR_INIT("\n{\"choices\" : [ {\"text\":\"\"} ] } \n"), FAULT_NONE},
        {OPENAI_EMBEDDINGS, STR_INIT("{\"object\":\"list\",\"data\":[{\"embedding\":[0.1]}]}"),
         FAULT_NONE},
        {OPENAI_CHAT, STR_INIT("{\"error\":null,\"choices\":[{}]}"), FAULT_NONE},
        {OPENAI_CHAT, STR_INIT("null"), FAULT_UPSTREAM_BAD_REPLY},
        {OPENAI_CHAT, STR_INIT(""), FAULT_UPSTREAM_BAD_REPLY},
        {OPENAI_CHAT, STR_INIT("{}"), FAULT_UPSTREAM_BAD_REPLY},
        {OPENAI_CHAT, STR_INIT("[]"), FAULT_UPSTREAM_BAD_REPLY},
        {OPENAI_CHAT, STR_INIT("{\"choices\":[]}"), FAULT_UPSTREAM_BAD_REPLY},
        {OPENAI_CHAT, STR_INIT("{\"choices\":null}"), FAULT_UPSTREAM_BAD_REPLY},
        {OPENAI_CHAT, STR_INIT("{\"choices\":[null]}"), FAULT_UPSTREAM_BAD_REPLY},
        {OPENAI_CHAT, STR_INIT("{\"choices\":{\"0\":1}}"), FAULT_UPSTREAM_BAD_REPLY},
        {OPENAI_CHAT, STR_INIT("{\"data\":[{}]}"), FAULT_UPSTREAM_BAD_REPLY},
        {OPENAI_EMBEDDINGS, STR_INIT("{\"choices\":[{}]}"), FAULT_UPSTREAM_BAD_REPLY},
        {OPENAI_EMBEDDINGS, STR_INIT("{\"data\":[]}"), FAULT_UPSTREAM_BAD_REPLY},
        {OPENAI_CHAT, STR_INIT("<!doctype html><title>200</title>"), FAULT_UPSTREAM_BAD_REPLY},
        {OPENAI_CHAT, STR_INIT("{\"choices\":[{\"message\":{\"content\":\"x"),
         FAULT_UPSTREAM_BAD_REPLY},
        {OPENAI_CHAT, STR_INIT("data: {\"choices\":[{}]}\n\n"), FAULT_UPSTREAM_BAD_REPLY},
        {OPENAI_CHAT, STR_INIT("{\"error\":{\"type\":\"server_error\",\"message\":\"m\"}}"),
         FAULT_UPSTREAM_ERROR},
        {OPENAI_CHAT, STR_INIT("{\"error\":{\"type\":\"overloaded_error\",\"message\":\"m\"}}"),
         FAULT_UPSTREAM_BUSY},
        {OPENAI_CHAT, STR_INIT("{\"object\":\"error\",\"message\":\"m\",\"code\":429}"),
         FAULT_UPSTREAM_RATE},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct arena a = {.max = 1 << 16};
        struct openai_watch w;

        openai_watch_init(&w, rows[i].surface, &a);
        if (openai_watch_body(&w, rows[i].body) != rows[i].fault)
            fail_msg("%.*s", STR_ARG(rows[i].body));
        openai_watch_done(&w);
        arena_done(&a);
    }
}

static void R10_fewer_vectors_than_inputs_are_no_answer(void **state)
{
    static const struct {
        struct str data;
        uint32_t vectors;
    } rows[] = {
        {STR_INIT("[]"), 0},
        {STR_INIT("[{\"embedding\":[0.1,2]}]"), 1},
        {STR_INIT("[{\"embedding\":\"AAAA\"},{\"embedding\":[]},{}]"), 3},
        {STR_INIT("[null,[1],\"AAAA\",{}]"), 1},
        {STR_INIT("[{},{},{}],\"data\":[{}]"), 1},
        {STR_INIT("[{}],\"usage\":{\"data\":[1,2,3]}"), 1},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        for (uint32_t inputs = 0; inputs <= 4; inputs++) {
            struct arena a = {.max = 1 << 16};
            struct str body = arena_printf(&a, "{\"data\":%.*s}", STR_ARG(rows[i].data));
            struct openai_watch w;
            enum fault f;

            openai_watch_init(&w, OPENAI_EMBEDDINGS, &a);
            w.inputs = inputs;
            f = openai_watch_body(&w, body);
            if ((f == FAULT_NONE) != (rows[i].vectors > 0 && rows[i].vectors >= inputs))
                fail_msg("%.*s for %u: fault %u", STR_ARG(body), inputs, (unsigned)f);
            openai_watch_done(&w);
            arena_done(&a);
        }
    }
}

static void R7_the_usage_of_a_body_is_read(void **state)
{
    struct arena a = {.max = 0};
    struct openai_watch w;

    (void)state;
    openai_watch_init(&w, OPENAI_EMBEDDINGS, &a);
    assert_int_equal(openai_watch_body(&w, STR("{\"data\":[{\"embedding\":[1]}],\"usage\":{"
                                               "\"prompt_tokens\":8,\"total_tokens\":8}}")),
                     FAULT_NONE);
    check_usage("embeddings", &w.usage, &(struct openai_usage){USAGE_REPORTED, 8, 0, 8, 0, 0, 0});
    openai_watch_done(&w);
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R10_events_are_told_apart),
        cmocka_unit_test(R10_events_are_told_apart_after_content_too),
        cmocka_unit_test(an_error_event_gives_its_fault_and_words),
        cmocka_unit_test(R3_an_answer_is_finished_when_each_choice_is),
        cmocka_unit_test(R3_choices_without_an_index_count_by_their_place),
        cmocka_unit_test(R3_an_empty_finish_reason_ends_nothing),
        cmocka_unit_test(R47_a_finish_reason_nobody_knows_is_kept),
        cmocka_unit_test(choices_beyond_the_max_are_seen_but_not_counted),
        cmocka_unit_test(R7_usage_is_read_wherever_providers_put_it),
        cmocka_unit_test(R7_of_repeated_usage_the_last_that_says_something_counts),
        cmocka_unit_test(R7_an_event_that_comes_again_still_counts),
        cmocka_unit_test(R10_a_body_is_an_answer_or_a_fault),
        cmocka_unit_test(R10_fewer_vectors_than_inputs_are_no_answer),
        cmocka_unit_test(R7_the_usage_of_a_body_is_read),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    arena_thread_done();
    return failed;
}
