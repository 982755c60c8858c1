/*
 * Chat Completions requests: read, written for a target of the dialect, and read again.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "llm/chat_text.h"
#include "llm/dialects.h"
#include "llm/quirks.h"

#define DEPTH 64u
#define MEMBERS(more)                                                                              \
    "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]," more "}"
#define MESSAGES(list) "{\"model\":\"m\",\"messages\":[" list "]}"
#define USER "{\"role\":\"user\",\"content\":\"Hi\"}"
#define TOOLS                                                                                      \
    "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}},{\"type\":\"function\","     \
    "\"function\":{\"name\":\"g\"}}]"

struct asked {
    struct arena arena;
    struct chat_request request;
    struct chat_problem problem;
};

static bool ask(struct asked *k, const char *body)
{
    *k = (struct asked){.arena.max = 1 << 20};
    return surface_chat.read(&k->arena, str_from(body), DEPTH, &k->request, &k->problem);
}

static void must_ask(struct asked *k, const char *body)
{
    if (!ask(k, body))
        fail_msg("%s: %.*s", body, STR_ARG(k->problem.why));
}

static void ask_done(struct asked *k)
{
    arena_done(&k->arena);
}

static bool text_is(struct json_text t, const char *z)
{
    return z == NULL ? t.ptr == NULL : t.ptr != NULL && json_text_is(t, str_from(z));
}

/* ---- the whole of a request as text, to compare two ---- */

static void d_raw(struct buf *out, const char *name, struct str s)
{
    if (s.len > 0)
        assert_int_equal(buf_printf(out, " %s=%.*s", name, STR_ARG(s)), 0);
}

static void d_text(struct buf *out, const char *name, struct json_text t)
{
    if (t.ptr != NULL)
        assert_int_equal(buf_printf(out, " %s=|%.*s|", name, (int)t.len, t.ptr), 0);
}

static void d_number(struct buf *out, const char *name, unsigned n)
{
    if (n != 0)
        assert_int_equal(buf_printf(out, " %s=%u", name, n), 0);
}

static void d_parts(struct buf *out, const struct chat_part *parts, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        const struct chat_part *p = &parts[i];

        assert_int_equal(buf_printf(out, "\n  part %u", p->kind), 0);
        d_text(out, "text", p->text);
        d_text(out, "media_type", p->media_type);
        d_text(out, "data", p->data);
        d_text(out, "file_id", p->file_id);
        d_text(out, "file_name", p->file_name);
        d_raw(out, "detail", p->detail);
        d_text(out, "id", p->id);
        d_text(out, "name", p->name);
        d_raw(out, "args", p->args);
        d_text(out, "args_text", p->args_text);
        d_text(out, "signature", p->signature);
        d_raw(out, "cache_control", p->cache_control);
        d_raw(out, "raw", p->raw);
        d_number(out, "vendor", p->vendor);
        d_number(out, "error", p->is_error);
        d_parts(out, p->parts, p->parts_count);
    }
}

static void d_settings(struct buf *out, const struct chat_request *r)
{
    d_raw(out, "max_tokens", r->max_tokens);
    d_raw(out, "temperature", r->temperature);
    d_raw(out, "top_p", r->top_p);
    d_raw(out, "top_k", r->top_k);
    d_raw(out, "seed", r->seed);
    d_raw(out, "n", r->n);
    d_raw(out, "presence", r->presence_penalty);
    d_raw(out, "frequency", r->frequency_penalty);
    d_raw(out, "logprobs", r->logprobs);
    d_raw(out, "top_logprobs", r->top_logprobs);
    for (uint32_t i = 0; i < r->stop_count; i++)
        d_raw(out, "stop", r->stop[i]);
    d_number(out, "format", r->format);
    d_text(out, "schema_name", r->schema_name);
    d_text(out, "schema_description", r->schema_description);
    d_raw(out, "schema", r->schema);
    d_number(out, "schema_strict", r->schema_strict);
    d_text(out, "effort", r->reasoning.effort);
    d_raw(out, "budget", r->reasoning.budget);
    d_number(out, "on", r->reasoning.on);
    d_number(out, "show", r->reasoning.show);
    d_text(out, "user", r->user);
    d_raw(out, "metadata", r->metadata);
    d_text(out, "service_tier", r->service_tier);
    d_number(out, "stream", r->stream);
    d_number(out, "usage", r->wants_usage);
    for (uint32_t i = 0; i < r->extra_count; i++) {
        d_raw(out, "extra", r->extra[i].name);
        d_raw(out, "is", r->extra[i].value);
    }
}

static void d_request(struct buf *out, const struct chat_request *r)
{
    d_raw(out, "model", r->model);
    d_settings(out, r);
    d_number(out, "choice", r->choice);
    d_text(out, "choice_name", r->choice_name);
    d_number(out, "parallel", r->parallel_calls);
    for (uint32_t i = 0; i < r->tools_count; i++) {
        const struct chat_tool *t = &r->tools[i];

        assert_int_equal(buf_put(out, STR("\n tool")), 0);
        d_text(out, "name", t->name);
        d_text(out, "description", t->description);
        d_raw(out, "schema", t->schema);
        d_number(out, "strict", t->has_strict ? 1u + t->strict : 0);
        d_raw(out, "raw", t->raw);
        d_number(out, "vendor", t->vendor);
    }
    for (uint32_t i = 0; i < r->messages_count; i++) {
        assert_int_equal(buf_printf(out, "\n message %u", r->messages[i].role), 0);
        d_text(out, "name", r->messages[i].name);
        d_parts(out, r->messages[i].parts, r->messages[i].parts_count);
    }
}

/* ---- there and back ---- */

/* clang-format off */
static const char *const round_trips[] = {
    MEMBERS("\"stream\":false"),
    MEMBERS("\"stream\":true,\"stream_options\":{\"include_usage\":true}"),
    /* numbers as they are written */
    MEMBERS("\"max_tokens\":100000000000000000001,\"temperature\":0.70000000000000001,\"top_p\":1e-1,"
            "\"seed\":-9007199254740993,\"n\":2,\"presence_penalty\":-0.0,\"frequency_penalty\":1.50,"
            "\"logprobs\":true,\"top_logprobs\":5"),
    MEMBERS("\"max_completion_tokens\":7"),
    MEMBERS("\"stop\":\"\\n\\nEND\\u00e9\""),
    MEMBERS("\"stop\":[\"a\",\"\\\"b\\\"\"]"),
    /* what only OpenAI knows, and what nobody does */
    MEMBERS("\"logit_bias\":{\"50256\":-100},\"verbosity\":\"low\",\"prediction\":{\"type\":\"content\","
            "\"content\":\"x\"},\"modalities\":[\"text\",\"audio\"],\"audio\":{\"voice\":\"alloy\",\"format\":"
            "\"wav\"},\"web_search_options\":{},\"prompt_cache_key\":\"k\",\"safety_identifier\":\"s\","
            "\"store\":true,\"x_un\\u006bnown\":{\"deep\":[1.0,18446744073709551616]}"),
    MEMBERS("\"user\":\"u\\u0301\",\"metadata\":{\"a\":\"b\"},\"service_tier\":\"flex\""),
    MEMBERS("\"reasoning_effort\":\"xhigh\""),
    MEMBERS("\"reasoning_effort\":\"none\""),
    MEMBERS("\"response_format\":{\"type\":\"text\"}"),
    MEMBERS("\"response_format\":{\"type\":\"json_object\"}"),
    MEMBERS("\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\",\"description\":"
            "\"d\",\"schema\":{\"type\":\"object\",\"maximum\":1e400},\"strict\":true}}"),
    MEMBERS("\"response_format\":{\"type\":\"grammar\",\"value\":\"x\"}"),
    /* tools */
    MEMBERS(TOOLS),
    MEMBERS(TOOLS ",\"tool_choice\":\"none\",\"parallel_tool_calls\":false"),
    MEMBERS(TOOLS ",\"tool_choice\":\"auto\",\"parallel_tool_calls\":true"),
    MEMBERS(TOOLS ",\"tool_choice\":\"required\""),
    MEMBERS(TOOLS ",\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"g\"}}"),
    MEMBERS(TOOLS ",\"tool_choice\":{\"type\":\"allowed_tools\",\"allowed_tools\":{\"mode\":\"required\","
            "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"g\"}}]}}"),
    MEMBERS("\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"description\":\"d\\t\","
            "\"parameters\":{\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"integer\",\"maximum\":"
            "9007199254740993}}},\"strict\":false}},{\"type\":\"custom\",\"custom\":{\"name\":\"c\"}}],"
            "\"tool_choice\":{\"type\":\"custom\",\"custom\":{\"name\":\"c\"}}"),
    MEMBERS("\"functions\":[{\"name\":\"f\",\"parameters\":{}}],\"function_call\":{\"name\":\"f\"}"),
    /* messages */
    MESSAGES("{\"role\":\"system\",\"content\":\"S\"}," USER ",{\"role\":\"developer\",\"content\":[{\"type\":"
             "\"text\",\"text\":\"D1\"},{\"type\":\"text\",\"text\":\"D2\"}],\"name\":\"dev\"}," USER),
    MESSAGES("{\"role\":\"user\",\"content\":\"\"}"),
    MESSAGES("{\"role\":\"user\",\"content\":\"\\ud83d\\ude00 \\ud800 \\u0000 \\/ \xc3\xa9\"}"),
    MESSAGES("{\"role\":\"user\",\"name\":\"bob\",\"content\":[{\"type\":\"text\",\"text\":\"what is \\\"this\\\"\"},"
             "{\"type\":\"image_url\",\"image_url\":{\"url\":\"https:\\/\\/x.test\\/a.png?b=c\",\"detail\":\"low\"}},"
             "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,iVBORw0KGgo=\"}},"
             "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image\\/png;base64,iVBO\\/w0KGgo=\"}},"
             "{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"UklGRg==\",\"format\":\"mp3\"}},"
             "{\"type\":\"file\",\"file\":{\"file_id\":\"file-1\"}},"
             "{\"type\":\"file\",\"file\":{\"file_data\":\"data:application/pdf;base64,JVBERi0=\",\"filename\":\"a.pdf\"}},"
             "{\"type\":\"file\",\"file\":{\"file_data\":\"JVBERi0=\",\"filename\":\"b.pdf\"}},"
             "{\"type\":\"file\",\"file\":{\"file_data\":\"https://x.test/c.pdf\"}},"
             "{\"type\":\"video_url\",\"video_url\":{\"url\":\"https://x.test/v\",\"fps\":1.0}}]}"),
    MESSAGES(USER ",{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"a\",\"type\":\"function\","
             "\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"x\\\":1.50,\\\"s\\\":\\\"q\\\\\\\"\\\\n\\\\ud83d\\\"}\"}},"
             "{\"id\":\"b\",\"type\":\"function\",\"function\":{\"name\":\"g\",\"arguments\":\"\"}},"
             "{\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":\"g\",\"arguments\":\"not JSON \\u00e9\"}},"
             "{\"id\":\"d\",\"type\":\"custom\",\"custom\":{\"name\":\"c\",\"input\":\"free\"}}]},"
             "{\"role\":\"tool\",\"tool_call_id\":\"a\",\"content\":\"42\"},"
             "{\"role\":\"tool\",\"tool_call_id\":\"b\",\"content\":[{\"type\":\"text\",\"text\":\"4\"},{\"type\":\"text\","
             "\"text\":\"2\"}]},{\"role\":\"tool\",\"tool_call_id\":\"c\",\"content\":\"\"}"),
    MESSAGES(USER ",{\"role\":\"assistant\",\"content\":\"T\",\"reasoning_content\":\"Hm \\u2713\",\"tool_calls\":[{\"id\":"
             "\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},"
             "{\"role\":\"tool\",\"tool_call_id\":\"a\",\"content\":\"42\"}"),
    MESSAGES(USER ",{\"role\":\"assistant\",\"content\":null,\"refusal\":\"No.\"}," USER),
    MESSAGES(USER ",{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"refusal\","
             "\"refusal\":\"b\"}]}"),
    MESSAGES(USER ",{\"role\":\"assistant\",\"audio\":{\"id\":\"audio_1\"}}," USER),
    MESSAGES(USER ",{\"role\":\"assistant\",\"content\":null,\"function_call\":{\"name\":\"f\",\"arguments\":"
             "\"{\\\"a\\\":1}\"}},{\"role\":\"function\",\"name\":\"f\",\"content\":\"1\"}"),
};
/* clang-format on */

/* The old functions become tools, and a function's message has its name from its call. */
static void forget_functions(struct chat_request *r)
{
    for (uint32_t i = 0; i < r->messages_count; i++) {
        struct chat_message *m = &r->messages[i];

        if (m->role == CHAT_TOOL && m->parts_count > 0)
            m->parts[0].name = (struct json_text){NULL, 0};
    }
}

static void R44_a_request_is_the_same_when_it_was_there_and_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNTOF(round_trips); i++) {
        struct buf body = {.max = 0}, first = {.max = 0}, second = {.max = 0};
        struct chat_problem p;
        struct asked a, b;

        must_ask(&a, round_trips[i]);
        a.request.quirks = quirks_find(SERVER_OPENROUTER, STR("m")); /* who takes all of it */
        assert_true(dialect_openai.encode(&a.request, a.request.model, &body, &p));
        assert_int_equal(a.request.dropped_count, 0);
        assert_int_equal(buf_put(&body, str_make("", 1)), 0);
        must_ask(&b, body.ptr);
        forget_functions(&a.request);
        d_request(&first, &a.request);
        d_request(&second, &b.request);
        if (!str_eq(buf_str(&first), buf_str(&second)))
            fail_msg("%s\nbecame\n%s\n%.*s\nand not\n%.*s", round_trips[i], body.ptr,
                     STR_ARG(buf_str(&second)), STR_ARG(buf_str(&first)));
        buf_done(&body);
        buf_done(&first);
        buf_done(&second);
        ask_done(&a);
        ask_done(&b);
    }
}

/* ---- what it says ---- */

/* What both ways forget alike, there and back would not show. */
static void every_field_has_its_place(void **state)
{
    static const char *const body = MEMBERS(
        "\"stop\":\"x\",\"max_tokens\":1,\"temperature\":2.0,\"top_p\":3,\"seed\":4,\"n\":5,"
        "\"presence_penalty\":6,\"frequency_penalty\":7,\"logprobs\":true,\"top_logprobs\":8,"
        "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\","
        "\"description\":\"d\",\"schema\":{},\"strict\":true}},\"reasoning_effort\":\"low\","
        "\"user\":\"u\",\"metadata\":{\"a\":\"b\"},\"service_tier\":\"flex\",\"stream\":true,"
        "\"verbosity\":\"low\",\"parallel_tool_calls\":false,\"tools\":[{\"type\":\"function\","
        "\"function\":{\"name\":\"f\",\"description\":\"d\",\"parameters\":{\"a\":1},"
        "\"strict\":true}}],\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"f\"}}");
    struct buf out = {.max = 0};
    struct asked k;

    (void)state;
    must_ask(&k, body);
    d_request(&out, &k.request);
    assert_int_equal(buf_put(&out, str_make("", 1)), 0);
    assert_string_equal(
        out.ptr,
        " model=m max_tokens=1 temperature=2.0 top_p=3 seed=4 n=5 presence=6 frequency=7 "
        "logprobs=true top_logprobs=8 stop=\"x\" format=2 schema_name=|n| schema_description=|d| "
        "schema={} schema_strict=2 effort=|low| user=|u| metadata={\"a\":\"b\"} "
        "service_tier=|flex| stream=1 extra=verbosity is=\"low\" choice=4 choice_name=|f| "
        "parallel=1\n"
        " tool name=|f| description=|d| schema={\"a\":1} strict=2\n message 2\n  part 0 text=|Hi|");
    buf_done(&out);
    ask_done(&k);
}

static void media_are_told_apart(void **state)
{
    struct buf out = {.max = 0};
    struct asked k;

    (void)state;
    must_ask(
        &k,
        MESSAGES(
            "{\"role\":\"user\",\"name\":\"bob\",\"content\":["
            "{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://x/a\",\"detail\":\"low\"}},"
            "{\"type\":\"image_url\",\"image_url\":\"https://x/b\"},"
            "{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"AA\",\"format\":\"wav\"}},"
            "{\"type\":\"file\",\"file\":{\"file_id\":\"file-1\"}},"
            "{\"type\":\"file\",\"file\":{\"file_data\":\"data:application/pdf;base64,BB\","
            "\"filename\":\"b.pdf\"}},"
            "{\"type\":\"file\",\"file\":{\"file_data\":\"CC\"}},"
            "{\"type\":\"file\",\"file\":{\"file_data\":\"https:\\/\\/x/d\"}},"
            "{\"type\":\"video_url\",\"video_url\":{}}]}"));
    d_request(&out, &k.request);
    assert_int_equal(buf_put(&out, str_make("", 1)), 0);
    assert_string_equal(out.ptr,
                        " model=m\n message 2 name=|bob|"
                        "\n  part 1 text=|https://x/a| detail=\"low\""
                        "\n  part 1 text=|https://x/b|"
                        "\n  part 2 media_type=|audio/wav| data=|AA|"
                        "\n  part 3 file_id=|file-1|"
                        "\n  part 3 media_type=|application/pdf| data=|BB| file_name=|b.pdf|"
                        "\n  part 3 data=|CC|"
                        "\n  part 3 text=|https:\\/\\/x/d|"
                        "\n  part 9 raw={\"type\":\"video_url\",\"video_url\":{}}");
    buf_done(&out);
    ask_done(&k);
}

static void a_request_is_read_into_its_parts(void **state)
{
    struct asked k;
    const struct chat_part *p;

    (void)state;
    must_ask(&k,
             MESSAGES("{\"role\":\"system\",\"content\":\"S\"},{\"role\":\"user\",\"content\":[{"
                      "\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/"
                      "png;base64,AAAA\",\"detail\":\"low\"},\"cache_control\":{\"type\":"
                      "\"ephemeral\"}}]}"));
    assert_int_equal(k.request.messages_count, 2);
    assert_int_equal(k.request.messages[0].role, CHAT_SYSTEM);
    p = k.request.messages[1].parts;
    assert_int_equal(p->kind, CHAT_IMAGE);
    assert_true(text_is(p->media_type, "image/png") && text_is(p->data, "AAAA"));
    assert_true(text_is(p->text, NULL));
    assert_true(str_eq(p->detail, STR("\"low\"")));
    assert_true(str_eq(p->cache_control, STR("{\"type\":\"ephemeral\"}")));
    ask_done(&k);
}

static void a_custom_tools_call_can_be_told_as_a_functions(void **state)
{
    const struct chat_part *part;
    struct asked k;

    (void)state;
    must_ask(&k, MESSAGES("{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"d\","
                          "\"type\":\"custom\",\"custom\":{\"name\":\"c\",\"input\":\"a\\nb\"}},"
                          "{\"id\":\"e\",\"type\":\"custom\"}]}"));
    part = k.request.messages[0].parts;
    assert_int_equal(k.request.messages[0].parts_count, 2);
    for (unsigned i = 0; i < 2; i++)
        assert_true(part[i].kind == CHAT_RAW && part[i].vendor == CHAT_OPENAI);
    assert_true(text_is(part[0].id, "d") && text_is(part[0].name, "c"));
    assert_true(text_is(part[0].args_text, "a\\nb"));
    assert_true(text_is(part[1].name, "") && text_is(part[1].args_text, ""));
    ask_done(&k);
}

static void signed_thinking_comes_back_as_it_was(void **state)
{
    struct asked k;
    const struct chat_part *p;

    (void)state;
    must_ask(
        &k,
        MESSAGES(USER
                 ",{\"role\":\"assistant\",\"content\":\"A\",\"reasoning_content\":"
                 "\"xy\",\"thinking_blocks\":[{\"type\":\"thinking\",\"thinking\":\"x\\/\","
                 "\"signature\":\"c2ln\\/+=\"},{\"type\":\"redacted_thinking\",\"data\":"
                 "\"ZGF0YQ\"},{\"type\":\"thinking\",\"thinking\":\"y\",\"signature\":\"2\"}]}"));
    p = k.request.messages[1].parts;
    assert_int_equal(k.request.messages[1].parts_count, 4);
    assert_int_equal(p[0].kind, CHAT_THINKING);
    assert_true(text_is(p[0].text, "x\\/") && text_is(p[0].signature, "c2ln\\/+="));
    assert_int_equal(p[1].kind, CHAT_REDACTED);
    assert_true(text_is(p[1].data, "ZGF0YQ"));
    assert_true(text_is(p[2].text, "y") && text_is(p[2].signature, "2"));
    assert_int_equal(p[3].kind, CHAT_TEXT);
    ask_done(&k);

    /* gathered by a client that knows one block's text only as reasoning_content */
    must_ask(&k,
             MESSAGES(USER
                      ",{\"role\":\"assistant\",\"content\":\"A\",\"reasoning_content\":"
                      "\"xy\",\"thinking_blocks\":[{\"type\":\"thinking\",\"signature\":\"2\"}]}"));
    assert_true(text_is(k.request.messages[1].parts[0].text, "xy"));
    ask_done(&k);

    /* Mistral's, and Google's */
    must_ask(&k,
             MESSAGES(USER ",{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\","
                           "\"thinking\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"text\","
                           "\"text\":\"b\"}]}],\"tool_calls\":[{\"id\":\"i\",\"type\":\"function\","
                           "\"function\":{\"name\":\"f\",\"arguments\":\"{}\"},\"extra_content\":{"
                           "\"google\":{\"thought_signature\":\"g\"}}}]}"));
    p = k.request.messages[1].parts;
    assert_int_equal(k.request.messages[1].parts_count, 3);
    assert_true(text_is(p[0].text, "a") && text_is(p[1].text, "b") && p[1].kind == CHAT_THINKING);
    assert_true(text_is(p[2].signature, "g"));
    ask_done(&k);
}

static void settings_have_many_names(void **state)
{
    struct asked k;

    (void)state;
    must_ask(&k, MEMBERS("\"max_tokens\":1,\"max_completion_tokens\":2,\"top_k\":3"));
    assert_true(str_eq(k.request.max_tokens, STR("2")) && str_eq(k.request.top_k, STR("3")));
    ask_done(&k);
    must_ask(&k, MEMBERS("\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":2048}"));
    assert_int_equal(k.request.reasoning.on, CHAT_YES);
    assert_true(str_eq(k.request.reasoning.budget, STR("2048")));
    ask_done(&k);
    must_ask(&k, MEMBERS("\"thinking\":{\"type\":\"disabled\"}"));
    assert_int_equal(k.request.reasoning.on, CHAT_NO);
    ask_done(&k);
    must_ask(&k, MEMBERS("\"reasoning\":{\"effort\":\"low\",\"exclude\":true,\"enabled\":true}"));
    assert_true(text_is(k.request.reasoning.effort, "low"));
    assert_int_equal(k.request.reasoning.show, CHAT_NO);
    assert_int_equal(k.request.reasoning.on, CHAT_YES);
    ask_done(&k);
    must_ask(&k, MEMBERS("\"functions\":[{\"name\":\"f\"}],\"function_call\":\"auto\""));
    assert_true(k.request.functions && k.request.parallel_calls == CHAT_NO);
    assert_int_equal(k.request.choice, CHAT_CHOICE_AUTO);
    ask_done(&k);
    must_ask(
        &k,
        MEMBERS("\"user\":null,\"stop\":null,\"tools\":null,\"stream\":null,\"logit_bias\":null"));
    assert_int_equal(k.request.extra_count, 0);
    ask_done(&k);
    must_ask(&k, MEMBERS("\"stream\":true,\"stream_options\":{\"include_usage\":true,"
                         "\"include_obfuscation\":false}"));
    assert_true(k.request.stream && k.request.wants_usage);
    ask_done(&k);
}

static void what_is_allowed_is_what_is_offered(void **state)
{
    struct asked k;

    (void)state;
    must_ask(&k,
             MEMBERS(TOOLS ",\"tool_choice\":{\"type\":\"allowed_tools\",\"allowed_tools\":{"
                           "\"mode\":\"required\",\"tools\":[{\"type\":\"function\",\"function\":{"
                           "\"name\":\"g\"}}]}}"));
    assert_int_equal(k.request.tools_count, 1);
    assert_true(text_is(k.request.tools[0].name, "g"));
    assert_int_equal(k.request.choice, CHAT_CHOICE_ANY);
    ask_done(&k);
    must_ask(&k,
             MEMBERS("\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}},{\"type\":"
                     "\"custom\",\"custom\":{\"name\":\"c\"}}],\"tool_choice\":{\"type\":"
                     "\"allowed_tools\",\"allowed_tools\":{\"mode\":\"auto\",\"tools\":[{\"type\":"
                     "\"custom\",\"custom\":{\"name\":\"c\"}}]}}"));
    assert_int_equal(k.request.tools_count, 1);
    assert_true(k.request.tools[0].raw.len > 0);
    ask_done(&k);
}

/* As OpenRouter and LiteLLM take Anthropic's marks: on a part, or on all of a message. */
static void cache_marks_are_kept(void **state)
{
    struct asked k;

    (void)state;
    must_ask(
        &k,
        MESSAGES("{\"role\":\"user\",\"content\":\"x\",\"cache_control\":{\"a\":1}},{\"role\":"
                 "\"tool\",\"tool_call_id\":\"i\",\"content\":\"y\",\"cache_control\":{\"a\":2}}"));
    assert_true(str_eq(k.request.messages[0].parts[0].cache_control, STR("{\"a\":1}")));
    assert_true(str_eq(k.request.messages[1].parts[0].cache_control, STR("{\"a\":2}")));
    ask_done(&k);
    must_ask(&k,
             MEMBERS("\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"},"
                     "\"cache_control\":{}},{\"type\":\"function\",\"function\":{\"name\":\"g\","
                     "\"cache_control\":{}}}]"));
    assert_true(str_eq(k.request.tools[0].cache_control, STR("{}")));
    assert_true(str_eq(k.request.tools[1].cache_control, STR("{}")));
    ask_done(&k);
}

static void R45_members_of_messages_that_nobody_knows_are_named(void **state)
{
    struct asked k;

    (void)state;
    must_ask(&k,
             MESSAGES(USER ",{\"role\":\"assistant\",\"content\":\"A\",\"prefix\":true,"
                           "\"annotations\":[],\"audio\":null,\"weight\":null},{\"role\":\"user\","
                           "\"content\":\"x\",\"prefix\":true}"));
    assert_int_equal(k.request.dropped_count, 1);
    assert_true(str_eq(k.request.dropped[0], STR("messages[].prefix")));
    ask_done(&k);
}

static void R45_members_inside_are_named_but_for_those_of_what_goes_on_whole(void **state)
{
    static const char *const body = MEMBERS(
        "\"response_format\":{\"type\":\"json_object\",\"schema\":{\"a\":1}},\"tools\":[{\"type\":"
        "\"function\",\"x\":1,\"function\":{\"name\":\"f\",\"y\":1}},{\"type\":\"custom\",\"z\":1}"
        "]");
    static const char *const said = MESSAGES(
        "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\",\"t\":1},{\"type\":"
        "\"image_url\",\"image_url\":{\"url\":\"https://x\",\"i\":1}},{\"type\":\"file\",\"file\":{"
        "\"file_id\":\"f\",\"f\":1}},{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"A\","
        "\"format\":\"wav\",\"a\":1}},{\"type\":\"video_url\",\"v\":1}]},{\"role\":\"assistant\","
        "\"tool_calls\":[{\"id\":\"c\",\"index\":0,\"type\":\"function\",\"c\":1,\"function\":{"
        "\"name\":"
        "\"f\",\"arguments\":\"{}\",\"parsed_arguments\":{\"a\":1},\"n\":1}},{\"id\":\"d\","
        "\"type\":"
        "\"custom\",\"custom\":{},\"u\":1}]}");
    static const char *const names[] = {"response_format.schema",
                                        "tools[].x",
                                        "tools[].function.y",
                                        "messages[].content[].t",
                                        "messages[].content[].image_url.i",
                                        "messages[].content[].file.f",
                                        "messages[].content[].input_audio.a",
                                        "messages[].tool_calls[].c",
                                        "messages[].tool_calls[].function.n"};
    struct asked k, l;

    (void)state;
    must_ask(&k, body);
    must_ask(&l, said);
    assert_int_equal(k.request.dropped_count, 3);
    assert_int_equal(l.request.dropped_count, 6);
    for (unsigned i = 0; i < COUNTOF(names); i++)
        assert_true(
            str_eq(i < 3 ? k.request.dropped[i] : l.request.dropped[i - 3], str_from(names[i])));
    ask_done(&k);
    ask_done(&l);
}

/* ---- refusals ---- */

static void bad_requests_are_refused_by_name(void **state)
{
    static const struct {
        const char *body, *param, *why;
    } rows[] = {
        {"[]", "", "object"},
        {"{\"messages\":[]}", "model", "required"},
        {"{\"model\":7,\"messages\":[]}", "model", "string"},
        {"{\"model\":\"\",\"messages\":[]}", "model", "empty"},
        {"{\"model\":\"\\ud800\",\"messages\":[]}", "model", "surrogate"},
        {"{\"model\":\"m\"}", "messages", "required"},
        {"{\"model\":\"m\",\"messages\":{}}", "messages", "array"},
        {"{\"model\":\"m\",\"messages\":[]}", "messages", "empty"},
        {"{\"model\":\"m\",\"model\":\"n\",\"messages\":[" USER "]}", "model", "more than once"},
        {"{\"model\":\"m\",\"mod\\u0065l\":\"n\",\"messages\":[" USER "]}", "model",
         "more than once"},
        {MESSAGES("7"), "messages[0]", "object"},
        {MESSAGES("{\"content\":\"x\"}"), "messages[0].role", "required"},
        {MESSAGES("{\"role\":\"wizard\",\"content\":\"x\"}"), "messages[0].role", "one of"},
        {MESSAGES("{\"role\":7,\"content\":\"x\"}"), "messages[0].role", "string"},
        {MESSAGES(USER ",{\"role\":\"user\"}"), "messages[1].content", "required"},
        {MESSAGES(USER "," USER ",{\"role\":\"user\",\"content\":7}"), "messages[2].content",
         "string or an array"},
        {MESSAGES("{\"role\":\"user\",\"role\":\"system\",\"content\":\"x\"}"), "messages[0].role",
         "more than once"},
        {MESSAGES("{\"role\":\"user\",\"content\":[\"x\"]}"), "messages[0].content[0]", "object"},
        {MESSAGES("{\"role\":\"user\",\"content\":[{\"text\":\"x\"}]}"),
         "messages[0].content[0].type", "required"},
        {MESSAGES("{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"},{\"type\":"
                  "\"text\","
                  "\"text\":7}]}"),
         "messages[0].content[1].text", "string"},
        {MESSAGES("{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{}}]}"),
         "messages[0].content[0].image_url.url", "required"},
        {MESSAGES(
             "{\"role\":\"user\",\"content\":[{\"type\":\"input_audio\",\"input_audio\":{\"data\":"
             "\"x\"}}]}"),
         "messages[0].content[0].input_audio.format", "required"},
        {MESSAGES("{\"role\":\"user\",\"content\":[{\"type\":\"file\",\"file\":{}}]}"),
         "messages[0].content[0].file", "file_id"},
        {MESSAGES("{\"role\":\"tool\",\"content\":\"x\"}"), "messages[0].tool_call_id", "required"},
        {MESSAGES("{\"role\":\"function\",\"content\":\"x\"}"), "messages[0].name", "required"},
        {MESSAGES("{\"role\":\"assistant\",\"tool_calls\":[{\"type\":\"function\"}]}"),
         "messages[0].tool_calls[0].id", "required"},
        {MESSAGES(
             "{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"a\",\"function\":{\"name\":\"f\","
             "\"arguments\":{}}}]}"),
         "messages[0].tool_calls[0].function.arguments", "string"},
        {MESSAGES("{\"role\":\"assistant\",\"thinking_blocks\":[{\"type\":\"x\"}]}"),
         "messages[0].thinking_blocks[0]", "thinking block"},
        {MESSAGES("{\"role\":\"assistant\",\"thinking_blocks\":\"x\"}"),
         "messages[0].thinking_blocks", "array"},
        {MEMBERS("\"temperature\":\"hot\""), "temperature", "number"},
        {MEMBERS("\"max_tokens\":\"1\""), "max_tokens", "number"},
        {MEMBERS("\"stream\":1"), "stream", "boolean"},
        {MEMBERS("\"stream_options\":true"), "stream_options", "object"},
        {MEMBERS("\"stream_options\":{\"include_usage\":1}"), "stream_options.include_usage",
         "boolean"},
        {MEMBERS("\"stop\":7"), "stop", "array of strings"},
        {MEMBERS("\"stop\":[\"a\",7]"), "stop[1]", "string"},
        {MEMBERS("\"tools\":{}"), "tools", "array"},
        {MEMBERS("\"tools\":[{\"function\":{\"name\":\"f\"}}]"), "tools[0].type", "required"},
        {MEMBERS("\"tools\":[{\"type\":\"function\",\"function\":{}}]"), "tools[0].function.name",
         "required"},
        {MEMBERS(
             "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":[]}}]"),
         "tools[0].function.parameters", "object"},
        {MEMBERS("\"functions\":[{}]"), "functions[0].name", "required"},
        {MEMBERS("\"tool_choice\":\"maybe\""), "tool_choice", "none, auto or required"},
        {MEMBERS("\"tool_choice\":{\"type\":\"function\"}"), "tool_choice.function", "required"},
        {MEMBERS(TOOLS
                 ",\"tool_choice\":{\"type\":\"allowed_tools\",\"allowed_tools\":{\"mode\":"
                 "\"auto\",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"h\"}}]}}"),
         "tool_choice.allowed_tools.tools[0]", "not in 'tools'"},
        {MEMBERS("\"response_format\":{}"), "response_format.type", "required"},
        {MEMBERS("\"response_format\":{\"type\":\"json_schema\"}"), "response_format.json_schema",
         "required"},
        {MEMBERS("\"reasoning_effort\":3"), "reasoning_effort", "string"},
        {MEMBERS("\"thinking\":{}"), "thinking.type", "required"},
        {MEMBERS("\"metadata\":[]"), "metadata", "object"},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct asked k;

        if (ask(&k, rows[i].body))
            fail_msg("%s was read", rows[i].body);
        assert_int_equal(k.problem.fault, FAULT_BAD_REQUEST);
        if (!str_eq(k.problem.param, str_from(rows[i].param)) ||
            str_find(k.problem.why, str_from(rows[i].why)) == NULL)
            fail_msg("%s: '%.*s', %.*s", rows[i].body, STR_ARG(k.problem.param),
                     STR_ARG(k.problem.why));
        ask_done(&k);
    }
}

static void what_is_not_json_is_refused_first(void **state)
{
    struct asked k;

    (void)state;
    assert_false(ask(&k, "{\"model\":7,\"messages\":["));
    assert_int_equal(k.problem.fault, FAULT_BAD_JSON);
    ask_done(&k);
    k = (struct asked){.arena.max = 1 << 16};
    assert_false(surface_chat.read(&k.arena, STR("{\"a\":[[[1]]]}"), 3, &k.request, &k.problem));
    assert_int_equal(k.problem.fault, FAULT_BAD_JSON);
    ask_done(&k);
}

static void everything_has_a_maximum(void **state)
{
    struct buf body = {.max = 0};
    struct asked k;

    (void)state;
    assert_int_equal(buf_put(&body, STR("{\"model\":\"m\",\"messages\":[" USER "]")), 0);
    for (unsigned i = 0; i <= CHAT_EXTRA_MAX; i++)
        assert_int_equal(buf_printf(&body, ",\"x%u\":1", i), 0);
    assert_int_equal(buf_put(&body, str_make("}", 2)), 0);
    assert_false(ask(&k, body.ptr));
    ask_done(&k);

    body.len = 0;
    assert_int_equal(buf_put(&body, STR("{\"model\":\"m\",\"messages\":[" USER)), 0);
    for (unsigned i = 0; i <= 10000; i++)
        assert_int_equal(buf_put(&body, STR("," USER)), 0);
    assert_int_equal(buf_put(&body, str_make("]}", 3)), 0);
    assert_false(ask(&k, body.ptr));
    assert_int_equal(k.problem.fault, FAULT_TOO_LARGE);
    ask_done(&k);
    buf_done(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R44_a_request_is_the_same_when_it_was_there_and_back),
        cmocka_unit_test(every_field_has_its_place),
        cmocka_unit_test(media_are_told_apart),
        cmocka_unit_test(a_request_is_read_into_its_parts),
        cmocka_unit_test(a_custom_tools_call_can_be_told_as_a_functions),
        cmocka_unit_test(signed_thinking_comes_back_as_it_was),
        cmocka_unit_test(settings_have_many_names),
        cmocka_unit_test(cache_marks_are_kept),
        cmocka_unit_test(what_is_allowed_is_what_is_offered),
        cmocka_unit_test(R45_members_of_messages_that_nobody_knows_are_named),
        cmocka_unit_test(R45_members_inside_are_named_but_for_those_of_what_goes_on_whole),
        cmocka_unit_test(bad_requests_are_refused_by_name),
        cmocka_unit_test(what_is_not_json_is_refused_first),
        cmocka_unit_test(everything_has_a_maximum),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    arena_thread_done();
    return failed;
}
