/*
 * What clients of OpenAI's Responses API ask, in our form, told in lines that leave nothing out.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "llm/dialects.h"

#define DEPTH_MAX 64u

/* ---- our form, told ---- */

static void say(struct buf *out, const char *name, struct json_text t)
{
    if (t.ptr != NULL)
        assert_int_equal(buf_printf(out, " %s=%.*s", name, (int)t.len, t.ptr), 0);
}

static void say_raw(struct buf *out, const char *name, struct str s)
{
    if (s.len > 0)
        assert_int_equal(buf_printf(out, " %s=%.*s", name, STR_ARG(s)), 0);
}

static void say_parts(struct buf *out, const struct chat_part *parts, uint32_t n)
{
    static const char *const kinds[] = {
        [CHAT_TEXT] = "text",         [CHAT_IMAGE] = "image",       [CHAT_AUDIO] = "audio",
        [CHAT_FILE] = "file",         [CHAT_CALL] = "call",         [CHAT_RESULT] = "result",
        [CHAT_THINKING] = "thinking", [CHAT_REDACTED] = "redacted", [CHAT_REFUSAL] = "refusal",
        [CHAT_RAW] = "raw",
    };

    for (uint32_t i = 0; i < n; i++) {
        assert_int_equal(buf_printf(out, " (%s", kinds[parts[i].kind]), 0);
        say(out, "text", parts[i].text);
        say(out, "type", parts[i].media_type);
        say(out, "data", parts[i].data);
        say(out, "file", parts[i].file_id);
        say(out, "filename", parts[i].file_name);
        say_raw(out, "detail", parts[i].detail);
        say(out, "id", parts[i].id);
        say(out, "name", parts[i].name);
        say_raw(out, "args", parts[i].args);
        say(out, "args_text", parts[i].args_text);
        say(out, "sig", parts[i].signature);
        say_parts(out, parts[i].parts, parts[i].parts_count);
        assert_int_equal(buf_put(out, STR(")")), 0);
    }
}

static void say_messages(struct buf *out, const struct chat_request *r)
{
    static const char *const roles[] = {"system", "developer", "user", "assistant", "tool"};

    for (uint32_t i = 0; i < r->messages_count; i++) {
        assert_int_equal(buf_printf(out, "%s%s:", i > 0 ? "\n" : "", roles[r->messages[i].role]),
                         0);
        say_parts(out, r->messages[i].parts, r->messages[i].parts_count);
    }
}

static const char *tri(enum chat_tri t)
{
    return t == CHAT_UNSET ? "" : t == CHAT_YES ? "yes" : "no";
}

static void say_tools(struct buf *out, const struct chat_request *r)
{
    static const char *const choices[] = {"", "auto", "none", "any", "named"};

    for (uint32_t i = 0; i < r->tools_count; i++) {
        const struct chat_tool *t = &r->tools[i];

        assert_int_equal(buf_printf(out, " (tool"), 0);
        assert_true((t->raw.len > 0) == (t->vendor == CHAT_RESPONSES));
        say(out, "name", t->name);
        say(out, "about", t->description);
        say_raw(out, "schema", t->schema);
        say_raw(out, "strict", t->has_strict ? t->strict ? STR("yes") : STR("no") : STR(""));
        say_raw(out, "raw", t->raw);
        assert_int_equal(buf_put(out, STR(")")), 0);
    }
    say_raw(out, "choice", str_from(choices[r->choice]));
    say(out, "chosen", r->choice_name);
    say_raw(out, "parallel", str_from(tri(r->parallel_calls)));
}

static void say_settings(struct buf *out, const struct chat_request *r)
{
    static const char *const formats[] = {"", "json", "schema"};

    say_raw(out, "max", r->max_tokens);
    say_raw(out, "temperature", r->temperature);
    say_raw(out, "top_p", r->top_p);
    say_raw(out, "presence", r->presence_penalty);
    say_raw(out, "frequency", r->frequency_penalty);
    say_raw(out, "logprobs", r->top_logprobs);
    say_raw(out, "format", str_from(formats[r->format]));
    say(out, "schema_name", r->schema_name);
    say(out, "schema_about", r->schema_description);
    say_raw(out, "schema", r->schema);
    say_raw(out, "schema_strict", str_from(tri(r->schema_strict)));
    say(out, "effort", r->reasoning.effort);
    say_raw(out, "show", str_from(tri(r->reasoning.show)));
    say(out, "user", r->user);
    say_raw(out, "metadata", r->metadata);
    say(out, "tier", r->service_tier);
    say_raw(out, "stream", r->stream ? STR("yes") : STR(""));
    for (uint32_t i = 0; i < r->extra_count; i++) {
        assert_int_equal(r->extra[i].vendor, CHAT_OPENAI);
        assert_int_equal(buf_printf(out, " +%.*s", STR_ARG(r->extra[i].name)), 0);
        say_raw(out, "", r->extra[i].value);
    }
}

static void say_dropped(struct buf *out, const struct chat_request *r)
{
    for (uint32_t i = 0; i < r->dropped_count; i++)
        assert_int_equal(buf_printf(out, " -%.*s", STR_ARG(r->dropped[i])), 0);
}

/* ---- what is read ---- */

/* clang-format off */
#define M "\"model\":\"m\","
static const struct {
    const char *what, *body, *want;
} messages[] = {
    {"a string", "{" M "\"input\":\"hi \\u00e9\"}", "user: (text text=hi \\u00e9)"},
    {"an empty string", "{" M "\"input\":\"\"}", "user: (text text=)"},
    {"instructions come first", "{" M "\"input\":\"hi\",\"instructions\":\"Be brief\"}", "system: (text text=Be brief)\nuser: (text text=hi)"},
    {"messages, with a type or without",
     "{" M "\"input\":[{\"role\":\"developer\",\"content\":\"d\"},{\"type\":\"message\",\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"a\"},"
     "{\"type\":\"input_text\",\"text\":\"b\"}]},{\"role\":\"system\",\"content\":\"s\"}]}",
     "developer: (text text=d)\nuser: (text text=a) (text text=b)\nsystem: (text text=s)"},
    {"images",
     "{" M "\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_image\",\"image_url\":\"data:image\\/png;base64,AA+\\/\",\"detail\":\"low\"},"
     "{\"type\":\"input_image\",\"image_url\":\"https://x/y.png\",\"file_id\":null},{\"type\":\"input_image\",\"file_id\":\"file-1\",\"detail\":null}]}]}",
     "user: (image type=image/png data=AA+/ detail=\"low\") (image text=https://x/y.png) (image file=file-1)"},
    {"files",
     "{" M "\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_file\",\"filename\":\"a.pdf\",\"file_data\":\"data:application/pdf;base64,AA==\"},"
     "{\"type\":\"input_file\",\"file_data\":\"QUE=\"},{\"type\":\"input_file\",\"file_url\":\"https://x/a.pdf\"},{\"type\":\"input_file\",\"file_id\":\"f\"}]}]}",
     "user: (file type=application/pdf data=AA== filename=a.pdf) (file data=QUE=) (file text=https://x/a.pdf) (file file=f)"},
    {"a turn of the model's: one message",
     "{" M "\"input\":[{\"role\":\"user\",\"content\":\"q\"},"
     "{\"type\":\"reasoning\",\"id\":\"rs_1\",\"encrypted_content\":\"dragoman.signature:E\\/+==\",\"summary\":[{\"type\":\"summary_text\",\"text\":\"h\\\"m\"}]},"
     "{\"type\":\"reasoning\",\"id\":\"rs_2\",\"encrypted_content\":\"dragoman.redacted:R==\",\"summary\":[]},"
     "{\"type\":\"message\",\"id\":\"msg_1\",\"status\":\"completed\",\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":\"a\",\"annotations\":[],\"logprobs\":[]}]},"
     "{\"type\":\"reasoning\",\"id\":\"rs_3\",\"encrypted_content\":\"dragoman.call:G=\",\"summary\":[]},"
     "{\"type\":\"function_call\",\"id\":\"fc_1\",\"call_id\":\"c\",\"name\":\"f\",\"arguments\":\"{\\\"x\\\":12345678901234567890}\",\"status\":\"completed\"},"
     "{\"type\":\"function_call\",\"call_id\":\"d\",\"name\":\"g\",\"arguments\":\"\"},"
     "{\"type\":\"function_call_output\",\"call_id\":\"c\",\"output\":\"r\"},"
     "{\"type\":\"function_call_output\",\"call_id\":\"d\",\"output\":[{\"type\":\"input_text\",\"text\":\"s\"},{\"type\":\"input_image\",\"image_url\":\"https://i\"}]},"
     "{\"role\":\"assistant\",\"content\":[{\"type\":\"refusal\",\"refusal\":\"no\"}]}]}",
     "user: (text text=q)\n"
     "assistant: (thinking text=h\\\"m sig=E\\/+==) (redacted data=R==) (text text=a) (call id=c name=f args={\"x\":12345678901234567890} sig=G=) (call id=d name=g args={})\n"
     "tool: (result id=c (text text=r))\n"
     "tool: (result id=d (text text=s) (image text=https://i))\n"
     "assistant: (refusal text=no)"},
    {"arguments that are no JSON", "{" M "\"input\":[{\"type\":\"function_call\",\"call_id\":\"c\",\"name\":\"f\",\"arguments\":\"say hi\"}]}",
     "assistant: (call id=c name=f args_text=say hi)"},
    {"thoughts that nobody signed, in pieces",
     "{" M "\"input\":[{\"type\":\"reasoning\",\"summary\":[{\"type\":\"summary_text\",\"text\":\"a\"},{\"type\":\"summary_text\",\"text\":\"b\"}]},"
     "{\"type\":\"reasoning\",\"summary\":[],\"content\":[{\"type\":\"reasoning_text\",\"text\":\"c\"}],\"encrypted_content\":null},"
     "{\"type\":\"reasoning\",\"summary\":[]},{\"role\":\"user\",\"content\":\"q\"}]}",
     "assistant: (thinking text=a\\n\\nb) (thinking text=c)\nuser: (text text=q)"},
    {"a signature alone", "{" M "\"input\":[{\"type\":\"reasoning\",\"summary\":[],\"encrypted_content\":\"dragoman.signature:S\"}]}",
     "assistant: (thinking text= sig=S)"},
    {"what OpenAI sealed is of no use elsewhere, and named",
     "{" M "\"input\":[{\"type\":\"reasoning\",\"summary\":[],\"encrypted_content\":\"gAAAA=\"},{\"role\":\"user\",\"content\":\"q\"}]}",
     "user: (text text=q) -input.reasoning.encrypted_content"},
    {"calls of OpenAI's own tools are dropped and named",
     "{" M "\"input\":[{\"type\":\"web_search_call\",\"id\":\"ws\",\"status\":\"completed\"},{\"role\":\"user\",\"content\":\"q\",\"phase\":\"x\"},{\"type\":\"a b\"}]}",
     "user: (text text=q) -input.web_search_call -input.phase"},
};

static const struct {
    const char *what, *body, *want;
} settings[] = {
    {"nothing", "", ""},
    {"numbers stay text", "\"max_output_tokens\":12345678901234567890,\"temperature\":0.10,\"top_p\":1e-1,\"presence_penalty\":-0,\"frequency_penalty\":2.5",
     " max=12345678901234567890 temperature=0.10 top_p=1e-1 presence=-0 frequency=2.5"},
    {"null is absent", "\"max_output_tokens\":null,\"temperature\":null,\"tools\":null,\"tool_choice\":null,\"text\":null,\"reasoning\":null,\"metadata\":null,"
     "\"previous_response_id\":null,\"conversation\":null,\"include\":null,\"store\":null,\"background\":null,\"stream\":null,\"instructions\":null,\"prompt\":null", ""},
    {"streams", "\"stream\":true,\"stream_options\":{\"include_obfuscation\":false}", " stream=yes"},
    {"tools",
     "\"tools\":[{\"type\":\"function\",\"name\":\"f\",\"description\":\"d\",\"parameters\":{\"a\":1.0},\"strict\":true},{\"type\":\"web_search\",\"x\":1},"
     "{\"type\":\"function\",\"name\":\"g\",\"strict\":null,\"defer_loading\":true}],\"parallel_tool_calls\":false",
     " (tool name=f about=d schema={\"a\":1.0} strict=yes) (tool raw={\"type\":\"web_search\",\"x\":1}) (tool name=g) parallel=no -tools.defer_loading"},
    {"no tools", "\"tools\":[],\"tool_choice\":\"auto\"", " choice=auto"},
    {"none", "\"tool_choice\":\"none\"", " choice=none"},
    {"required", "\"tool_choice\":\"required\"", " choice=any"},
    {"one", "\"tool_choice\":{\"type\":\"function\",\"name\":\"f\"}", " choice=named chosen=f"},
    {"some",
     "\"tools\":[{\"type\":\"function\",\"name\":\"f\"},{\"type\":\"function\",\"name\":\"g\"}],"
     "\"tool_choice\":{\"type\":\"allowed_tools\",\"mode\":\"required\",\"tools\":[{\"type\":\"function\",\"name\":\"g\"}]}",
     " (tool name=g) choice=any"},
    {"some, of other kinds, too",
     "\"tools\":[{\"type\":\"function\",\"name\":\"f\"},{\"type\":\"web_search\"},{\"type\":\"custom\",\"name\":\"f\"},{\"type\":\"custom\",\"name\":\"c\"},{\"type\":\"image_generation\"}],"
     "\"tool_choice\":{\"type\":\"allowed_tools\",\"mode\":\"auto\",\"tools\":[{\"type\":\"web_search\"},{\"type\":\"custom\",\"name\":\"c\"}]}",
     " (tool raw={\"type\":\"web_search\"}) (tool raw={\"type\":\"custom\",\"name\":\"c\"}) choice=auto"},
    {"reasoning", "\"reasoning\":{\"effort\":\"high\",\"summary\":\"auto\",\"x\":1}", " effort=high show=yes -reasoning.x"},
    {"reasoning, as it was called", "\"reasoning\":{\"generate_summary\":\"concise\",\"effort\":null}", " show=yes"},
    {"plain text", "\"text\":{\"format\":{\"type\":\"text\"}}", ""},
    {"JSON", "\"text\":{\"format\":{\"type\":\"json_object\"},\"verbosity\":\"low\"}", " format=json +verbosity =\"low\""},
    {"a schema",
     "\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":\"n\",\"description\":\"d\",\"schema\":{\"type\":\"object\"},\"strict\":false}}",
     " format=schema schema_name=n schema_about=d schema={\"type\":\"object\"} schema_strict=no"},
    {"words",
     "\"user\":\"u\",\"metadata\":{\"a\":\"b\"},\"service_tier\":\"flex\",\"safety_identifier\":\"s\",\"prompt_cache_key\":\"k\",\"prompt_cache_retention\":\"24h\"",
     " user=u metadata={\"a\":\"b\"} tier=flex +safety_identifier =\"s\" +prompt_cache_key =\"k\" +prompt_cache_retention =\"24h\""},
    {"what is as it always is", "\"store\":false,\"background\":false,\"truncation\":\"disabled\",\"include\":[\"reasoning.encrypted_content\"],\"top_logprobs\":0", ""},
    {"what is dropped, and named",
     "\"store\":true,\"truncation\":\"auto\",\"include\":[\"message.output_text.logprobs\"],\"top_logprobs\":3,\"max_tool_calls\":2,"
     "\"context_management\":[{}],\"\\u0001x\":1,\"empty\":[]",
     " -context_management -store -max_tool_calls -top_logprobs -truncation -include"},
};
/* clang-format on */

static void check(const char *what, const struct buf *got, const char *want)
{
    if (!str_eq(buf_str(got), str_from(want)))
        fail_msg("%s:\n%.*s\ninstead of\n%s", what, STR_ARG(buf_str(got)), want);
}

static void must_read(const char *what, struct arena *a, const char *body, struct chat_request *r)
{
    struct chat_problem p;

    if (!surface_responses.read(a, str_from(body), DEPTH_MAX, r, &p))
        fail_msg("%s: %.*s", what, STR_ARG(p.why));
    assert_true(str_eq(r->model, STR("m")));
    assert_true(r->wants_usage);
    assert_non_null(r->echo);
}

static void R46_input_becomes_messages(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNTOF(messages); i++) {
        struct arena a = {.max = 1 << 20};
        struct buf out = {.max = 0};
        struct chat_request r;

        must_read(messages[i].what, &a, messages[i].body, &r);
        say_messages(&out, &r);
        say_settings(&out, &r);
        say_dropped(&out, &r);
        check(messages[i].what, &out, messages[i].want);
        buf_done(&out);
        arena_done(&a);
    }
}

static void R45_each_setting_is_kept_or_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNTOF(settings); i++) {
        struct arena a = {.max = 1 << 20};
        struct buf out = {.max = 0}, body = {.max = 0};
        struct chat_request r;

        assert_int_equal(buf_printf(&body, "{%s%s" M "\"input\":\"x\"}", settings[i].body,
                                    settings[i].body[0] != '\0' ? "," : ""),
                         0);
        assert_int_equal(buf_put(&body, str_make("", 1)), 0);
        must_read(settings[i].what, &a, body.ptr, &r);
        say_tools(&out, &r);
        say_settings(&out, &r);
        say_dropped(&out, &r);
        check(settings[i].what, &out, settings[i].want);
        buf_done(&out);
        buf_done(&body);
        arena_done(&a);
    }
}

/* ---- what is refused ---- */

/* clang-format off */
#define X "\"input\":\"x\""
static const struct {
    const char *body, *param, *why;
} refused[] = {
    {"[]", "", "must be a JSON object"},
    {"{\"input\":\"x\"}", "model", "is required"},
    {"{\"model\":\"\"," X "}", "model", "must not be empty"},
    {"{\"model\":7," X "}", "model", "must be a string"},
    {"{\"model\":\"\\ud800\"," X "}", "model", "surrogate"},
    {"{\"model\":\"m\",\"model\":\"n\"," X "}", "model", "more than once"},
    {"{\"model\":\"m\",\"m\\u006fdel\":\"n\"," X "}", "model", "more than once"},
    {"{\"model\":\"m\"}", "input", "is required"},
    {"{" M "\"input\":null}", "input", "is required"},
    {"{" M "\"input\":7}", "input", "must be a string or an array"},
    {"{" M "\"input\":[]}", "input", "must not be empty"},
    {"{" M "\"input\":[7]}", "input[0]", "must be an object"},
    {"{" M "\"input\":\"a\",\"input\":\"b\"}", "input", "more than once"},
    {"{" M "\"input\":[{\"type\":\"web_search_call\"}]}", "input", "nothing"},
    {"{" M "\"input\":[{}]}", "input[0].role", "is required"},
    {"{" M "\"input\":[{\"role\":\"x\",\"content\":\"y\"}]}", "input[0].role", "must be"},
    {"{" M "\"input\":[{\"role\":\"user\"}]}", "input[0].content", "is required"},
    {"{" M "\"input\":[{\"role\":\"user\",\"content\":7}]}", "input[0].content", "must be a string or an array"},
    {"{" M "\"input\":[{\"role\":\"user\",\"role\":\"system\",\"content\":\"x\"}]}", "input[0].role", "more than once"},
    {"{" M "\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}]}", "input[0].content[0].type", "cannot stand here"},
    {"{" M "\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"refusal\",\"refusal\":\"x\"}]}]}", "input[0].content[0].type", "cannot stand here"},
    {"{" M "\"input\":[{\"role\":\"system\",\"content\":[{\"type\":\"input_image\",\"file_id\":\"x\"}]}]}", "input[0].content[0].type", "cannot stand here"},
    {"{" M "\"input\":[{\"role\":\"user\",\"content\":[{\"text\":\"x\"}]}]}", "input[0].content[0].type", "is required"},
    {"{" M "\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_text\"}]}]}", "input[0].content[0].text", "is required"},
    {"{" M "\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_image\"}]}]}", "input[0].content[0]", "needs 'image_url' or 'file_id'"},
    {"{" M "\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_file\"}]}]}", "input[0].content[0]", "needs"},
    {"{" M "\"input\":[{\"type\":\"item_reference\",\"id\":\"x\"}]}", "input[0]", "not stored"},
    {"{" M "\"input\":[{\"id\":\"x\"}]}", "input[0]", "not stored"},
    {"{" M "\"input\":[{\"type\":\"function_call\",\"name\":\"f\",\"arguments\":\"\"}]}", "input[0].call_id", "is required"},
    {"{" M "\"input\":[{\"type\":\"function_call\",\"call_id\":\"c\",\"name\":\"f\",\"arguments\":{}}]}", "input[0].arguments", "must be a string"},
    {"{" M "\"input\":[{\"type\":\"function_call_output\",\"call_id\":\"c\"}]}", "input[0].output", "is required"},
    {"{" M "\"input\":[{\"type\":\"reasoning\",\"summary\":[{}]}]}", "input[0].summary[0].text", "is required"},
    {"{" M X ",\"previous_response_id\":\"resp_1\"}", "previous_response_id", "not stored"},
    {"{" M X ",\"conversation\":{\"id\":\"c\"}}", "conversation", "not stored"},
    {"{" M X ",\"prompt\":{\"id\":\"p\"}}", "prompt", "templates"},
    {"{" M X ",\"background\":true}", "background", "cannot be true"},
    {"{" M X ",\"store\":1}", "store", "must be a boolean"},
    {"{" M X ",\"instructions\":[]}", "instructions", "must be a string"},
    {"{" M X ",\"temperature\":\"1\"}", "temperature", "must be a number"},
    {"{" M X ",\"max_output_tokens\":1,\"max_output_tokens\":2}", "max_output_tokens", "more than once"},
    {"{" M X ",\"stream\":\"yes\"}", "stream", "must be a boolean"},
    {"{" M X ",\"include\":[7]}", "include", "strings"},
    {"{" M X ",\"text\":{\"format\":{\"type\":\"grammar\"}}}", "text.format.type", "must be"},
    {"{" M X ",\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":\"n\"}}}", "text.format.schema", "is required"},
    {"{" M X ",\"tools\":{}}", "tools", "must be an array"},
    {"{" M X ",\"tools\":[{\"name\":\"f\"}]}", "tools[0].type", "is required"},
    {"{" M X ",\"tools\":[{\"type\":\"function\"}]}", "tools[0].name", "is required"},
    {"{" M X ",\"tool_choice\":\"any\"}", "tool_choice", "must be"},
    {"{" M X ",\"tool_choice\":7}", "tool_choice", "must be a string or an object"},
    {"{" M X ",\"tool_choice\":{\"type\":\"web_search\"}}", "tool_choice", "own servers"},
    {"{" M X ",\"tool_choice\":{\"type\":\"function\"}}", "tool_choice.name", "is required"},
    {"{" M X ",\"tool_choice\":{\"type\":\"allowed_tools\",\"mode\":\"auto\",\"tools\":[{\"type\":\"function\",\"name\":\"f\"}]}}", "tool_choice.tools[0]", "is not in 'tools'"},
};
/* clang-format on */

static void R49_what_cannot_be_read_is_refused_by_its_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNTOF(refused); i++) {
        struct arena a = {.max = 1 << 20};
        struct chat_request r;
        struct chat_problem p;

        if (surface_responses.read(&a, str_from(refused[i].body), DEPTH_MAX, &r, &p))
            fail_msg("read: %s", refused[i].body);
        assert_int_equal(p.fault, FAULT_BAD_REQUEST);
        if (!str_eq(p.param, str_from(refused[i].param)) ||
            str_find(p.why, str_from(refused[i].why)) == NULL)
            fail_msg("%s: %.*s: %.*s", refused[i].body, STR_ARG(p.param), STR_ARG(p.why));
        arena_done(&a);
    }
}

static void R49_what_is_no_JSON_is_refused_as_such(void **state)
{
    static const char *const bodies[] = {
        "",
        "{",
        "{" M X "} x",
        "{" M "\"input\":\"\x01\"}",
        "{" M "\"input\":\"\xff\"}",
        "{" M "\"input\":[[[[[[[[[[[]]]]]]]]]]]}",
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(bodies); i++) {
        struct arena a = {.max = 1 << 20};
        struct chat_request r;
        struct chat_problem p;

        assert_false(surface_responses.read(&a, str_from(bodies[i]), 8, &r, &p));
        assert_int_equal(p.fault, FAULT_BAD_JSON);
        arena_done(&a);
    }
}

static void an_arena_that_is_full_is_told(void **state)
{
    size_t failed = 0;

    (void)state;
    for (size_t i = 0; i < COUNTOF(messages); i++) {
        for (size_t max = 256; max < 1 << 14; max += 256) {
            struct arena a = {.max = max};
            struct chat_request r;
            struct chat_problem p;

            failed += !surface_responses.read(&a, str_from(messages[i].body), DEPTH_MAX, &r, &p);
            arena_done(&a);
        }
    }
    assert_true(failed > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R46_input_becomes_messages),
        cmocka_unit_test(R45_each_setting_is_kept_or_named),
        cmocka_unit_test(R49_what_cannot_be_read_is_refused_by_its_name),
        cmocka_unit_test(R49_what_is_no_JSON_is_refused_as_such),
        cmocka_unit_test(an_arena_that_is_full_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
