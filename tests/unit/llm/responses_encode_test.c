/* How a chat is asked through the Responses API, and that what was read in its words is said in
 * them again.  SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "llm/chat_seal.h"

#include "unit/llm/chat_rows.h"
#include "unit/llm/files.h"

#define KEPT ",\"store\":false"
#define SEALED KEPT ",\"include\":[\"reasoning.encrypted_content\"]"
#define ASKS(members, items) "{\"model\":\"gpt-4.1\"" members ",\"input\":[" items "]}"
#define MESSAGE(who, content) "{\"type\":\"message\",\"role\":\"" who "\",\"content\":" content "}"
#define HI_ITEM MESSAGE("user", "\"hi\"")
#define WITH(members) ASKS(KEPT members, HI_ITEM)
#define THINKS(model, members) "{\"model\":\"" model "\"" SEALED members ",\"input\":[" HI_ITEM "]}"
#define CALL_ITEM(id, name, args)                                                                  \
    "{\"type\":\"function_call\",\"call_id\":\"" id "\",\"name\":\"" name                          \
    "\",\"arguments\":\"" args "\"}"
#define OUTPUT_ITEM(id, output)                                                                    \
    "{\"type\":\"function_call_output\",\"call_id\":\"" id "\",\"output\":" output "}"
#define FUNCTION(name, more) "{\"type\":\"function\",\"name\":\"" name "\"" more "}"

static void check(const struct chat_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct chat_row row = rows[i];

        if (row.model == NULL)
            row.model = "gpt-4.1";
        chat_row_check(&dialect_responses, &row);
    }
}

/* clang-format off */
static void R45_messages_are_items_in_their_order(void **state)
{
    const struct chat_part f = PART(CALL, .id = T("c1"), .name = T("f"), .args = STR("{\"a\": 1.0}"));
    const struct chat_part png = PART(IMAGE, .media_type = T("image/png"), .data = T("QUJD"), .detail = STR("\"low\""));
    const struct chat_row rows[] = {
        {"a word", {HI}, .body = WITH("")},
        {"system and developer stay where they are", {CHAT(SAYS(SYSTEM, TEXT("s")), SAYS(USER, TEXT("a"), TEXT("\\u00e4")), SAYS(ASSISTANT, TEXT("b")), SAYS(DEVELOPER, TEXT("d")), SAYS(USER, TEXT("c")))},
         .body = ASKS(KEPT, MESSAGE("system", "\"s\"") "," MESSAGE("user", "[{\"type\":\"input_text\",\"text\":\"a\"},{\"type\":\"input_text\",\"text\":\"\\u00e4\"}]") "," MESSAGE("assistant", "\"b\"") "," MESSAGE("developer", "\"d\"") "," MESSAGE("user", "\"c\""))},
        {"an assistant's words and refusals", {CHAT(SAYS(USER, TEXT("a")), SAYS(ASSISTANT, TEXT("b"), PART(REFUSAL, .text = T("no"))))},
         .body = ASKS(KEPT, MESSAGE("user", "\"a\"") "," MESSAGE("assistant", "[{\"type\":\"output_text\",\"text\":\"b\"},{\"type\":\"refusal\",\"refusal\":\"no\"}]"))},
        {"images: data, a URL, a file", {CHAT(SAYS(USER, TEXT("a"), png, PART(IMAGE, .text = T("https://h/p.png")), PART(IMAGE, .file_id = T("file-1"))))},
         .body = ASKS(KEPT, MESSAGE("user", "[{\"type\":\"input_text\",\"text\":\"a\"},{\"type\":\"input_image\",\"image_url\":\"data:image/png;base64,QUJD\",\"detail\":\"low\"},{\"type\":\"input_image\",\"image_url\":\"https://h/p.png\"},{\"type\":\"input_image\",\"file_id\":\"file-1\"}]"))},
        {"files: named, without a name, by id, by URL", {CHAT(SAYS(USER, PART(FILE, .media_type = T("application/pdf"), .data = T("QUJD"), .file_name = T("n.pdf")), PART(FILE, .media_type = T("application/pdf"), .data = T("QUJD")), PART(FILE, .file_id = T("file-1")), PART(FILE, .text = T("https://h/p.pdf"))))},
         .body = ASKS(KEPT, MESSAGE("user", "[{\"type\":\"input_file\",\"filename\":\"n.pdf\",\"file_data\":\"data:application/pdf;base64,QUJD\"},{\"type\":\"input_file\",\"filename\":\"document.pdf\",\"file_data\":\"data:application/pdf;base64,QUJD\"},{\"type\":\"input_file\",\"file_id\":\"file-1\"},{\"type\":\"input_file\",\"file_url\":\"https://h/p.pdf\"}]"))},
        {"files elsewhere have no name", {CHAT(SAYS(USER, PART(FILE, .file_id = T("file-1"), .file_name = T("n.pdf")), PART(FILE, .text = T("https://h/p.pdf"), .file_name = T("p.pdf"))))},
         .body = ASKS(KEPT, MESSAGE("user", "[{\"type\":\"input_file\",\"file_id\":\"file-1\"},{\"type\":\"input_file\",\"file_url\":\"https://h/p.pdf\"}]")), .dropped = "filename "},
        {"an empty text beside calls is none", {CHAT(SAYS(USER, TEXT("a")), SAYS(ASSISTANT, TEXT(""), f))}, .body = ASKS(KEPT, MESSAGE("user", "\"a\"") "," CALL_ITEM("c1", "f", "{\\\"a\\\": 1.0}"))},
        {"audio", {CHAT(SAYS(USER, PART(AUDIO, .media_type = T("audio/wav"), .data = T("QUJD"))))}, .dropped = "audio cannot be sent"},
        {"a video", {CHAT(SAYS(USER, PART(FILE, .media_type = T("video/mp4"), .data = T("QUJD"))))}, .dropped = "a video cannot be sent"},
        {"calls in parallel, their results, what is said beside them",
         {CHAT(SAYS(ASSISTANT, TEXT("so"), f, PART(CALL, .id = T("c2"), .name = T("g"), .args_text = T("{\\\"x"))), SAYS(TOOL, PART(RESULT, .id = T("c1"), PARTS_OF(TEXT("1")))), SAYS(USER, PART(RESULT, .id = T("c2"), .is_error = true), TEXT("and?")))},
         .body = ASKS(KEPT, MESSAGE("assistant", "\"so\"") "," CALL_ITEM("c1", "f", "{\\\"a\\\": 1.0}") "," CALL_ITEM("c2", "g", "{\\\"x") "," OUTPUT_ITEM("c1", "\"1\"") "," OUTPUT_ITEM("c2", "\"\"") "," MESSAGE("user", "\"and?\"")),
         .dropped = "is_error "},
        {"a result that shows", {CHAT(SAYS(ASSISTANT, f), SAYS(TOOL, PART(RESULT, .id = T("c1"), PARTS_OF(TEXT("1"), png))))},
         .body = ASKS(KEPT, CALL_ITEM("c1", "f", "{\\\"a\\\": 1.0}") "," OUTPUT_ITEM("c1", "[{\"type\":\"input_text\",\"text\":\"1\"},{\"type\":\"input_image\",\"image_url\":\"data:image/png;base64,QUJD\",\"detail\":\"low\"}]"))},
        {"a custom tool's call and what came of it",
         {CHAT(SAYS(ASSISTANT, PART(RAW, .vendor = CHAT_OPENAI, .id = T("c9"), .name = T("sh"), .args_text = T("ls \\\""), .raw = STR("{\"id\":\"c9\",\"type\":\"custom\",\"custom\":{\"name\":\"sh\",\"input\":\"ls \\\"\"}}"))), SAYS(TOOL, PART(RESULT, .id = T("c9"), PARTS_OF(TEXT("x")))))},
         .body = ASKS(KEPT, "{\"type\":\"custom_tool_call\",\"call_id\":\"c9\",\"name\":\"sh\",\"input\":\"ls \\\"\"},{\"type\":\"custom_tool_call_output\",\"call_id\":\"c9\",\"output\":\"x\"}")},
        {"R46: what OpenAI sealed goes back, what others did stays",
         {CHAT(SAYS(ASSISTANT, PART(THINKING, .text = T("t\\n"), .signature = T("openai.reasoning:rs_1:gAAA\\/+=")), PART(THINKING, .text = T(""), .signature = T("openai.reasoning::gB")), PART(THINKING, .text = T("u"), .signature = T("EqQB")), PART(THINKING, .text = T("v")), PART(REDACTED, .data = T("UkVE")), TEXT("a")))},
         .body = ASKS(KEPT, "{\"type\":\"reasoning\",\"id\":\"rs_1\",\"summary\":[{\"type\":\"summary_text\",\"text\":\"t\\n\"}],\"encrypted_content\":\"gAAA\\/+=\"},{\"type\":\"reasoning\",\"summary\":[],\"encrypted_content\":\"gB\"}," MESSAGE("assistant", "\"a\"")),
         .dropped = "thinking redacted_thinking "},
        {"a mark on a call", {CHAT(SAYS(USER, TEXT("a")), SAYS(ASSISTANT, PART(CALL, .id = T("c"), .name = T("f"), .args = STR("{}"), .cache_control = STR("{}"))))},
         .body = ASKS(KEPT, MESSAGE("user", "\"a\"") "," CALL_ITEM("c", "f", "{}")), .dropped = "cache_control "},
        {"others' marks", {CHAT(((struct chat_message){.role = CHAT_USER, .name = T("eve"), PARTS_OF(PART(TEXT, .text = T("a"), .cache_control = STR("{}"), .citations = STR("[]")))}), SAYS(ASSISTANT, PART(CALL, .id = T("c"), .name = T("f"), .args = STR("{}"), .signature = T("S")), PART(RAW, .vendor = CHAT_ANTHROPIC, .raw = STR("{\"type\":\"server_tool_use\"}"))))},
         .body = ASKS(KEPT, MESSAGE("user", "\"a\"") "," CALL_ITEM("c", "f", "{}")), .dropped = "name cache_control citations thought_signature content.server_tool_use "},
        {"a message of nothing", {CHAT(((struct chat_message){.role = CHAT_USER}))}, .body = ASKS(KEPT, MESSAGE("user", "\"\""))},
    };

    (void)state;
    check(rows, COUNTOF(rows));
}

static void R45_settings_are_mapped_or_named(void **state)
{
    struct chat_tool strict = TOOL("s", "{\"type\":\"object\"}");
    const struct chat_tool search = {.vendor = CHAT_ANTHROPIC, .raw = STR("{\"type\":\"web_search_20250305\"}")};
    const struct chat_tool own = {.vendor = CHAT_RESPONSES, .raw = STR("{\"type\":\"web_search\"}")};
    struct str stops[] = {STR_INIT("\"x\"")};

    strict.strict = strict.has_strict = true;
    strict.description = T("d");
    const struct chat_row rows[] = {
        {"streamed", {HI, .stream = true, .wants_usage = true}, .body = "{\"model\":\"gpt-4.1\",\"stream\":true" KEPT ",\"input\":[" HI_ITEM "]}"},
        {"numbers", {HI, .max_tokens = STR("100"), .temperature = STR("0.10"), .top_p = STR("1e-1")}, .body = WITH(",\"max_output_tokens\":100,\"temperature\":0.10,\"top_p\":1e-1")},
        {"numbers that say nothing", {HI, .n = STR("1"), .logprobs = STR("false"), .top_logprobs = STR("0"), .presence_penalty = STR("0"), .frequency_penalty = STR("0.0")}, .body = WITH("")},
        {"numbers that have no place", {HI, .top_k = STR("4"), .seed = STR("1"), .n = STR("1"), .logprobs = STR("true"), .top_logprobs = STR("2"), .presence_penalty = STR("1"), .frequency_penalty = STR("1"), .stop = stops, .stop_count = 1},
         .body = WITH(""), .dropped = "presence_penalty frequency_penalty top_k seed logprobs top_logprobs stop "},
        {"several answers", {HI, .n = STR("2")}, .dropped = "gives one answer, not 2"},
        {"a model that thinks", {HI}, .model = "gpt-5-mini", .body = THINKS("gpt-5-mini", "")},
        {"one behind a maker's name", {HI}, .model = "openai/o3", .body = THINKS("openai/o3", "")},
        {"one of that family that does not", {HI}, .model = "gpt-5-chat-latest", .body = "{\"model\":\"gpt-5-chat-latest\"" KEPT ",\"input\":[" HI_ITEM "]}"},
        {"effort", {HI, .reasoning = {.effort = T("low")}}, .model = "grok-4", .body = THINKS("grok-4", ",\"reasoning\":{\"effort\":\"low\"}")},
        {"a budget, and the thoughts", {HI, .reasoning = {.on = CHAT_YES, .budget = STR("2000")}}, .model = "o3", .body = THINKS("o3", ",\"reasoning\":{\"effort\":\"low\",\"summary\":\"auto\"}")},
        {"a budget without the thoughts", {HI, .reasoning = {.on = CHAT_YES, .budget = STR("2000"), .show = CHAT_NO}}, .model = "o3", .body = THINKS("o3", ",\"reasoning\":{\"effort\":\"low\"}")},
        {"nothing but the thoughts", {HI, .reasoning = {.show = CHAT_YES}}, .model = "o3", .body = THINKS("o3", ",\"reasoning\":{\"summary\":\"auto\"}")},
        {"no thinking", {HI, .reasoning = {.on = CHAT_NO}}, .body = WITH(""), .dropped = "thinking "},
        {"JSON", {HI, .format = CHAT_FORMAT_JSON}, .body = WITH(",\"text\":{\"format\":{\"type\":\"json_object\"}}")},
        {"a schema", {HI, .format = CHAT_FORMAT_SCHEMA, .schema_name = T("n"), .schema_description = T("d"), .schema = STR("{\"type\": \"object\"}"), .schema_strict = CHAT_YES},
         .body = WITH(",\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":\"n\",\"description\":\"d\",\"schema\":{\"type\": \"object\"},\"strict\":true}}")},
        {"a schema without a name", {HI, .format = CHAT_FORMAT_SCHEMA, .schema = STR("{}")}, .body = WITH(",\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":\"answer\",\"schema\":{}}}")},
        {"who asks, and for what", {HI, .user = T("u"), .metadata = STR("{\"k\":\"v\"}"), .service_tier = T("standard_only")}, .body = WITH(",\"service_tier\":\"default\",\"user\":\"u\",\"metadata\":{\"k\":\"v\"}")},
        {"OpenAI's own members", {HI, .extra_count = 7, .extra = {
             {CHAT_OPENAI, STR("verbosity"), STR("\"low\"")}, {CHAT_OPENAI, STR("safety_identifier"), STR("\"s\"")}, {CHAT_OPENAI, STR("prompt_cache_key"), STR("\"k\"")},
             {CHAT_OPENAI, STR("store"), STR("false")}, {CHAT_OPENAI, STR("logit_bias"), STR("{}")}, {CHAT_OPENAI, STR("prediction"), STR("{}")}, {CHAT_ANTHROPIC, STR("container"), STR("\"c\"")}}},
         .body = WITH(",\"text\":{\"verbosity\":\"low\"},\"safety_identifier\":\"s\",\"prompt_cache_key\":\"k\""), .dropped = "logit_bias prediction container "},
        {"store", {HI, .extra_count = 1, .extra = {{CHAT_OPENAI, STR("store"), STR("true")}}}, .body = WITH(""), .dropped = "store "},
        {"tools are not strict unless they say so", {HI, TOOLS(TOOL("f", ""), strict), .choice = CHAT_CHOICE_ANY, .parallel_calls = CHAT_NO},
         .body = WITH(",\"tools\":[" FUNCTION("f", ",\"parameters\":null,\"strict\":false") "," FUNCTION("s", ",\"description\":\"d\",\"parameters\":{\"type\":\"object\"},\"strict\":true") "],\"parallel_tool_calls\":false,\"tool_choice\":\"required\"")},
        {"a tool by name", {HI, TOOLS(TOOL("f", "{}")), .choice = CHAT_CHOICE_NAMED, .choice_name = T("f")}, .body = WITH(",\"tools\":[" FUNCTION("f", ",\"parameters\":{},\"strict\":false") "],\"tool_choice\":{\"type\":\"function\",\"name\":\"f\"}")},
        {"one that is not there", {HI, TOOLS(TOOL("f", "{}")), .choice = CHAT_CHOICE_NAMED, .choice_name = T("g")}, .body = WITH(",\"tools\":[" FUNCTION("f", ",\"parameters\":{},\"strict\":false") "]"), .dropped = "tool_choice "},
        {"other makers' tools, and its own", {HI, TOOLS(search, own), .choice = CHAT_CHOICE_AUTO}, .body = WITH(",\"tools\":[{\"type\":\"web_search\"}],\"tool_choice\":\"auto\""), .dropped = "tools.web_search_20250305 "},
        {"nothing to choose from", {HI, TOOLS(search), .choice = CHAT_CHOICE_ANY, .parallel_calls = CHAT_YES}, .body = WITH(""), .dropped = "tools.web_search_20250305 "},
    };

    (void)state;
    check(rows, COUNTOF(rows));
}
/* clang-format on */

/* ---- there and back ---- */

struct side {
    struct arena arena;
    struct chat_request request;
    struct buf body, dump;
};

static void put_text(struct buf *out, const char *name, struct json_text t)
{
    if (t.ptr != NULL)
        assert_int_equal(buf_printf(out, " %s=%.*s", name, (int)t.len, t.ptr), 0);
}

static void put_raw(struct buf *out, const char *name, struct str s)
{
    if (s.len > 0)
        assert_int_equal(buf_printf(out, " %s=%.*s", name, STR_ARG(s)), 0);
}

static void put_parts(struct buf *out, const struct chat_part *parts, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        const struct chat_part *p = &parts[i];

        if (chat_is_signed(p) && p->kind == CHAT_THINKING)
            continue; /* another maker's, and not said */
        assert_int_equal(buf_printf(out, " (%d %d", p->kind, p->is_error), 0);
        put_text(out, "text", p->text);
        put_text(out, "type", p->media_type);
        put_text(out, "data", p->data);
        put_text(out, "file", p->file_id);
        put_text(out, "filename", p->file_name);
        put_raw(out, "detail", p->detail);
        put_text(out, "id", p->id);
        put_text(out, "name", p->name);
        put_raw(out, "args", p->args);
        put_text(out, "argstext", p->args_text);
        put_raw(out, "raw", p->raw);
        put_parts(out, p->parts, p->parts_count);
        assert_int_equal(buf_put(out, STR(")")), 0);
    }
}

static void put_settings(struct buf *out, const struct chat_request *r)
{
    const struct str numbers[] = {
        r->max_tokens,        r->temperature, r->top_p, r->presence_penalty,
        r->frequency_penalty, r->metadata,    r->schema};

    for (size_t i = 0; i < COUNTOF(numbers); i++)
        put_raw(out, "n", numbers[i]);
    assert_int_equal(buf_printf(out, " choice %d parallel %d format %d strict %d show %d stream %d",
                                r->choice, r->parallel_calls, r->format, r->schema_strict,
                                r->reasoning.show, r->stream),
                     0);
    put_text(out, "choice", r->choice_name);
    put_text(out, "effort", r->reasoning.effort);
    put_text(out, "user", r->user);
    put_text(out, "tier", r->service_tier);
    put_text(out, "schema", r->schema_name);
    put_text(out, "schema", r->schema_description);
    for (uint32_t i = 0; i < r->extra_count; i++)
        put_raw(out, "extra", r->extra[i].value);
}

/* All of a request that is read of this API. */
static void dump(struct side *s)
{
    const struct chat_request *r = &s->request;

    put_settings(&s->dump, r);
    for (uint32_t i = 0; i < r->tools_count; i++) {
        const struct chat_tool *t = &r->tools[i];

        put_text(&s->dump, "\ntool", t->name);
        put_text(&s->dump, "says", t->description);
        put_raw(&s->dump, "schema", t->schema);
        put_raw(&s->dump, "raw", t->raw);
        assert_int_equal(buf_printf(&s->dump, " %d %d", t->strict, t->has_strict), 0);
    }
    for (uint32_t i = 0; i < r->messages_count; i++) {
        assert_int_equal(buf_printf(&s->dump, "\n%d:", r->messages[i].role), 0);
        put_parts(&s->dump, r->messages[i].parts, r->messages[i].parts_count);
    }
}

static bool side_read(struct side *s, struct str body)
{
    struct chat_problem p;

    *s = (struct side){.arena.max = 1 << 20};
    if (!surface_responses.read(&s->arena, body, 64, &s->request, &p))
        return false;
    dump(s);
    return true;
}

static void side_done(struct side *s)
{
    buf_done(&s->body);
    buf_done(&s->dump);
    arena_done(&s->arena);
}

static void there_and_back(const char *name, struct str body)
{
    struct chat_problem p;
    struct side a, b;

    if (!side_read(&a, body))
        fail_msg("%s is not read", name);
    assert_true(dialect_responses.encode(&a.request, a.request.model, &a.body, &p));
    if (!side_read(&b, buf_str(&a.body)))
        fail_msg("%s: %.*s", name, STR_ARG(buf_str(&a.body)));
    if (!str_eq(buf_str(&a.dump), buf_str(&b.dump)))
        fail_msg("%s:\n%.*s\n%.*s", name, STR_ARG(buf_str(&a.dump)), STR_ARG(buf_str(&b.dump)));
    side_done(&a);
    side_done(&b);
}

static void file_there_and_back(const char *path, const char *name)
{
    struct str body = file_read(path);

    assert_non_null(body.ptr);
    there_and_back(name, body);
    file_free(body);
}

/* clang-format off */
static void R45_what_was_read_is_said_again(void **state)
{
    static const char *const bodies[] = {
        "{\"model\":\"m\",\"input\":\"hi\",\"instructions\":\"be kind\",\"stream\":true}",
        "{\"model\":\"m\",\"input\":[{\"role\":\"developer\",\"content\":[{\"type\":\"input_text\",\"text\":\"d\"}]},{\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"a\"},{\"type\":\"input_image\",\"image_url\":\"data:image/png;base64,QUJD\",\"detail\":\"high\"},{\"type\":\"input_image\",\"file_id\":\"f\"},{\"type\":\"input_file\",\"file_data\":\"data:application/pdf;base64,QUJD\",\"filename\":\"x.pdf\"},{\"type\":\"input_file\",\"file_url\":\"https://h/x\"},{\"type\":\"input_file\",\"file_data\":\"QUJD\"}]}]}",
        "{\"model\":\"m\",\"input\":[{\"role\":\"user\",\"content\":\"q\"},{\"type\":\"reasoning\",\"id\":\"rs\",\"summary\":[{\"type\":\"summary_text\",\"text\":\"t\"}]},{\"type\":\"message\",\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":\"so\"},{\"type\":\"refusal\",\"refusal\":\"no\"}]},{\"type\":\"function_call\",\"call_id\":\"c\",\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1.0}\"},{\"type\":\"function_call\",\"call_id\":\"d\",\"name\":\"f\",\"arguments\":\"{\\\"a\"},{\"type\":\"function_call_output\",\"call_id\":\"c\",\"output\":\"r\"},{\"type\":\"function_call_output\",\"call_id\":\"d\",\"output\":[{\"type\":\"input_text\",\"text\":\"r\"},{\"type\":\"input_image\",\"image_url\":\"https://h/p\"}]},{\"role\":\"system\",\"content\":\"late\"}]}",
        "{\"model\":\"m\",\"input\":\"x\",\"tools\":[{\"type\":\"function\",\"name\":\"f\",\"description\":\"d\",\"parameters\":{\"type\":\"object\"},\"strict\":true},{\"type\":\"function\",\"name\":\"g\",\"parameters\":null},{\"type\":\"function\",\"name\":\"h\",\"parameters\":{},\"strict\":false},{\"type\":\"web_search\"}],\"tool_choice\":{\"type\":\"function\",\"name\":\"g\"},\"parallel_tool_calls\":false}",
        "{\"model\":\"m\",\"input\":\"x\",\"tools\":[{\"type\":\"function\",\"name\":\"f\",\"parameters\":{}}],\"tool_choice\":\"required\",\"max_output_tokens\":20,\"temperature\":0.10,\"top_p\":1,\"presence_penalty\":0.5,\"frequency_penalty\":0.25,\"reasoning\":{\"effort\":\"high\",\"summary\":\"auto\"},\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":\"n\",\"description\":\"d\",\"schema\":{\"type\":\"object\"},\"strict\":true},\"verbosity\":\"low\"},\"metadata\":{\"a\":\"b\"},\"user\":\"u\",\"safety_identifier\":\"s\",\"prompt_cache_key\":\"k\",\"prompt_cache_retention\":\"24h\",\"service_tier\":\"flex\"}",
        "{\"model\":\"m\",\"input\":\"x\",\"text\":{\"format\":{\"type\":\"json_object\"}}}",
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(bodies); i++)
        there_and_back(bodies[i], str_from(bodies[i]));
    assert_in_range(files_each("tests/fuzz/corpus/responses", ".json", file_there_and_back), 3, 100);
}
/* clang-format on */

/* ---- seals ---- */

static void R46_a_seal_is_told_from_other_makers_signatures(void **state)
{
    struct arena a = {.max = 0};
    struct chat_seal seal = {.id = JSON_TEXT("rs_1"), .content = JSON_TEXT("a:b\\n")}, got;
    struct json_text signature = chat_seal(&a, &seal);
    const struct chat_part ours = {.signature = signature}, none = {.id = signature};
    const struct chat_part theirs = {.signature = JSON_TEXT("EqQBCg")};

    (void)state;
    assert_true(json_text_is(signature, STR("openai.reasoning:rs_1:a:b\\n")));
    assert_true(chat_unseal(signature, &got));
    assert_true(json_text_is(got.id, STR("rs_1")) && json_text_is(got.content, STR("a:b\\n")));
    seal.id = JSON_TEXT("r:s");
    assert_true(json_text_is(chat_seal(&a, &seal), STR("openai.reasoning::a:b\\n")));
    assert_false(chat_unseal(JSON_TEXT("openai.reasoning:"), &got));
    assert_false(chat_unseal(JSON_TEXT("EqQBCg"), &got));
    assert_false(chat_unseal((struct json_text){NULL, 0}, &got));
    assert_true(chat_is_signed(&theirs));
    assert_false(chat_is_signed(&ours) || chat_is_signed(&none));
    arena_done(&a);
}

/* They would refuse it. */
static void R46_a_seal_goes_to_nobody_but_openai(void **state)
{
    static const struct {
        const struct dialect *dialect;
        const char *model;
    } others[] = {{&dialect_anthropic, "claude-opus-4-5"},
                  {&dialect_bedrock, "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"},
                  {&dialect_gemini, "gemini-3-pro"},
                  {&dialect_openai, "gpt-5"},
                  {&dialect_ollama, "qwen3"}};
    const struct chat_request request = {
        CHAT(SAYS(USER, TEXT("q")),
             SAYS(ASSISTANT,
                  PART(THINKING, .text = T("t"), .signature = T("openai.reasoning:rs_1:gAAA")),
                  TEXT("a")),
             SAYS(USER, TEXT("and?"))),
        .max_tokens = STR("100"),
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(others); i++) {
        struct arena a = {.max = 0};
        struct buf out = {.max = 0};
        struct chat_request r = request;
        struct chat_problem p;

        r.arena = &a;
        assert_true(others[i].dialect->encode(&r, str_from(others[i].model), &out, &p));
        assert_null(str_find(buf_str(&out), STR("gAAA")));
        buf_done(&out);
        arena_done(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R45_messages_are_items_in_their_order),
        cmocka_unit_test(R45_settings_are_mapped_or_named),
        cmocka_unit_test(R45_what_was_read_is_said_again),
        cmocka_unit_test(R46_a_seal_is_told_from_other_makers_signatures),
        cmocka_unit_test(R46_a_seal_goes_to_nobody_but_openai),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
