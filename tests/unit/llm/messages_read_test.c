/*
 * What clients of Anthropic's API ask, in our form.  A request that was read is written again by a
 * plain writer of the test's own: what is not in our form is missing there, and every byte counts.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "llm/dialects.h"
#include "llm/json_pen.h"
#include "llm/messages.h"

#include "unit/llm/str_check.h"

#define DEPTH_MAX 64u

/* ---- our form, as Anthropic's again ---- */

static void write_source(struct json_pen *p, const struct chat_part *part)
{
    pen_key(p, STR("source"));
    pen_open(p, '{');
    if (part->data.ptr != NULL) {
        pen_key_plain(p, STR("type"), STR("base64"));
        pen_key_text(p, STR("media_type"), part->media_type);
        pen_key_text(p, STR("data"), part->data);
    } else if (part->file_id.ptr != NULL) {
        pen_key_plain(p, STR("type"), STR("file"));
        pen_key_text(p, STR("file_id"), part->file_id);
    } else {
        pen_key_plain(p, STR("type"), STR("url"));
        pen_key_text(p, STR("url"), part->text);
    }
    pen_close(p, '}');
}

static void write_parts(struct json_pen *p, const struct chat_part *parts, uint32_t n);

static struct str block_type(enum chat_part_kind kind)
{
    static const struct str types[] = {
        [CHAT_TEXT] = STR_INIT("text"),
        [CHAT_IMAGE] = STR_INIT("image"),
        [CHAT_FILE] = STR_INIT("document"),
        [CHAT_CALL] = STR_INIT("tool_use"),
        [CHAT_RESULT] = STR_INIT("tool_result"),
        [CHAT_THINKING] = STR_INIT("thinking"),
        [CHAT_REDACTED] = STR_INIT("redacted_thinking"),
    };

    return types[kind];
}

static void write_members(struct json_pen *p, const struct chat_part *part)
{
    if (part->kind == CHAT_IMAGE || part->kind == CHAT_FILE)
        write_source(p, part);
    else if (part->kind == CHAT_THINKING)
        pen_key_text(p, STR("thinking"), part->text);
    else if (part->kind == CHAT_REDACTED)
        pen_key_text(p, STR("data"), part->data);
    else
        pen_key_text_some(p, STR("text"), part->text);
    pen_key_text_some(p, STR("title"), part->file_name);
    pen_key_text_some(p, part->kind == CHAT_RESULT ? STR("tool_use_id") : STR("id"), part->id);
    pen_key_text_some(p, STR("name"), part->name);
    pen_key_raw_some(p, STR("input"), part->args);
    pen_key_text_some(p, STR("signature"), part->signature);
    if (part->kind == CHAT_RESULT) {
        pen_key(p, STR("content"));
        write_parts(p, part->parts, part->parts_count);
        pen_key(p, STR("is_error"));
        pen_bool(p, part->is_error);
    }
    pen_key_raw_some(p, STR("cache_control"), part->cache_control);
    pen_key_raw_some(p, STR("citations"), part->citations);
}

static void write_part(struct json_pen *p, const struct chat_part *part)
{
    if (part->kind == CHAT_RAW) {
        assert_int_equal(part->vendor, CHAT_ANTHROPIC);
        pen_raw(p, part->raw);
        return;
    }
    pen_open(p, '{');
    pen_key_plain(p, STR("type"), block_type(part->kind));
    write_members(p, part);
    pen_close(p, '}');
}

static void write_parts(struct json_pen *p, const struct chat_part *parts, uint32_t n)
{
    pen_open(p, '[');
    for (uint32_t i = 0; i < n; i++)
        write_part(p, &parts[i]);
    pen_close(p, ']');
}

static bool is_users(const struct chat_message *m)
{
    return m->role == CHAT_USER || m->role == CHAT_TOOL;
}

static void write_messages(struct json_pen *p, const struct chat_request *r)
{
    static const char *const words[] = {"system", "developer", "user", "assistant", "user"};
    uint32_t i = 0;

    if (r->messages_count > 0 && r->messages[0].role == CHAT_SYSTEM) {
        pen_key(p, STR("system"));
        write_parts(p, r->messages[0].parts, r->messages[0].parts_count);
        i = 1;
    }
    pen_key(p, STR("messages"));
    pen_open(p, '[');
    for (uint32_t from = i; i < r->messages_count; from = i) {
        pen_open(p, '{');
        pen_key_plain(p, STR("role"), str_from(words[r->messages[i].role]));
        pen_key(p, STR("content"));
        pen_open(p, '[');
        do {
            for (uint32_t j = 0; j < r->messages[i].parts_count; j++)
                write_part(p, &r->messages[i].parts[j]);
            i++;
        } while (i < r->messages_count && is_users(&r->messages[i]) &&
                 is_users(&r->messages[from]));
        pen_close(p, ']');
        pen_close(p, '}');
    }
    pen_close(p, ']');
}

static void write_tools(struct json_pen *p, const struct chat_request *r)
{
    if (r->tools_count == 0)
        return;
    pen_key(p, STR("tools"));
    pen_open(p, '[');
    for (uint32_t i = 0; i < r->tools_count; i++) {
        const struct chat_tool *t = &r->tools[i];

        if (t->raw.len > 0) {
            assert_int_equal(t->vendor, CHAT_ANTHROPIC);
            pen_raw(p, t->raw);
            continue;
        }
        pen_open(p, '{');
        pen_key_text(p, STR("name"), t->name);
        pen_key_text_some(p, STR("description"), t->description);
        pen_key_raw_some(p, STR("input_schema"), t->schema);
        if (t->has_strict) {
            pen_key(p, STR("strict"));
            pen_bool(p, t->strict);
        }
        pen_key_raw_some(p, STR("cache_control"), t->cache_control);
        pen_close(p, '}');
    }
    pen_close(p, ']');
}

static void write_choice(struct json_pen *p, const struct chat_request *r)
{
    static const char *const words[] = {"", "auto", "none", "any", "tool"};

    if (r->choice == CHAT_CHOICE_UNSET)
        return;
    pen_key(p, STR("tool_choice"));
    pen_open(p, '{');
    pen_key_plain(p, STR("type"), str_from(words[r->choice]));
    pen_key_text_some(p, STR("name"), r->choice_name);
    if (r->parallel_calls != CHAT_UNSET) {
        pen_key(p, STR("disable_parallel_tool_use"));
        pen_bool(p, r->parallel_calls == CHAT_NO);
    }
    pen_close(p, '}');
}

static void write_thinking(struct json_pen *p, const struct chat_reasoning *g)
{
    if (g->on == CHAT_UNSET)
        return;
    pen_key(p, STR("thinking"));
    pen_open(p, '{');
    pen_key_plain(p, STR("type"),
                  g->on == CHAT_NO ? STR("disabled")
                  : g->adaptive    ? STR("adaptive")
                                   : STR("enabled"));
    pen_key_raw_some(p, STR("budget_tokens"), g->budget);
    if (g->show != CHAT_UNSET)
        pen_key_plain(p, STR("display"), g->show == CHAT_YES ? STR("summarized") : STR("omitted"));
    pen_close(p, '}');
}

static void write_output(struct json_pen *p, const struct chat_request *r)
{
    if (r->reasoning.effort.ptr == NULL && r->format == CHAT_FORMAT_TEXT)
        return;
    pen_key(p, STR("output_config"));
    pen_open(p, '{');
    pen_key_text_some(p, STR("effort"), r->reasoning.effort);
    if (r->format == CHAT_FORMAT_SCHEMA) {
        pen_key(p, STR("format"));
        pen_open(p, '{');
        pen_key_plain(p, STR("type"), STR("json_schema"));
        pen_key_raw_some(p, STR("schema"), r->schema);
        pen_close(p, '}');
    }
    pen_close(p, '}');
}

static void write_stops(struct json_pen *p, const struct chat_request *r)
{
    if (r->stop_count == 0)
        return;
    pen_key(p, STR("stop_sequences"));
    pen_open(p, '[');
    for (uint32_t i = 0; i < r->stop_count; i++)
        pen_raw(p, r->stop[i]);
    pen_close(p, ']');
}

static void write_request(struct json_pen *p, const struct chat_request *r)
{
    pen_open(p, '{');
    pen_key_plain(p, STR("model"), r->model);
    pen_key_raw_some(p, STR("max_tokens"), r->max_tokens);
    write_messages(p, r);
    write_stops(p, r);
    if (r->stream) {
        pen_key(p, STR("stream"));
        pen_bool(p, true);
    }
    pen_key_raw_some(p, STR("temperature"), r->temperature);
    pen_key_raw_some(p, STR("top_p"), r->top_p);
    pen_key_raw_some(p, STR("top_k"), r->top_k);
    write_tools(p, r);
    write_choice(p, r);
    write_thinking(p, &r->reasoning);
    write_output(p, r);
    if (r->user.ptr != NULL) {
        pen_key(p, STR("metadata"));
        pen_open(p, '{');
        pen_key_text(p, STR("user_id"), r->user);
        pen_close(p, '}');
    }
    pen_key_text_some(p, STR("service_tier"), r->service_tier);
    for (uint32_t i = 0; i < r->extra_count; i++) {
        assert_int_equal(r->extra[i].vendor, CHAT_ANTHROPIC);
        pen_key_raw_some(p, r->extra[i].name, r->extra[i].value);
    }
    pen_close(p, '}');
    assert_int_equal(p->err, 0);
}

/* ---- what is said, and in which shape ---- */

/* "S[t]U[ti]T[r]": whose messages, of which parts. */
static struct str shape_of(struct arena *a, const struct chat_request *r)
{
    struct buf out = {.max = 0};
    struct str ret;

    for (uint32_t i = 0; i < r->messages_count; i++) {
        const struct chat_message *m = &r->messages[i];

        assert_int_equal(buf_printf(&out, "%c[", "SDUAT"[m->role]), 0);
        for (uint32_t j = 0; j < m->parts_count; j++)
            assert_int_equal(buf_printf(&out, "%c", "tiafcrhd?R"[m->parts[j].kind]), 0);
        assert_int_equal(buf_printf(&out, "]"), 0);
    }
    ret = arena_dup(a, buf_str(&out));
    buf_done(&out);
    return ret;
}

static struct str dropped_of(struct arena *a, const struct chat_request *r)
{
    struct str all = STR("");

    for (uint32_t i = 0; i < r->dropped_count; i++)
        all = arena_join(a, (struct str[]){all, str_from(i > 0 ? "," : ""), r->dropped[i]}, 3);
    return all;
}

/* clang-format off */
#define MSG(content)   "\"messages\":[{\"role\":\"user\",\"content\":" content "}]"
#define BOT(content)   "\"messages\":[{\"role\":\"assistant\",\"content\":[" content "]}]"
#define HI             "[{\"type\":\"text\",\"text\":\"hi\"}]"
#define CACHE          "\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":\"1h\"}"

/* What stands behind {"model":"m","max_tokens":8, and what it is again; NULL: the same. */
static const struct row {
    const char *what, *in, *out, *shape, *dropped;
} rows[] = {
    {"a string", MSG("\"hi\""), MSG(HI), "U[t]", ""},
    {"blocks", MSG(HI), NULL, "U[t]", ""},
    {"an empty string", MSG("\"\""), MSG("[{\"type\":\"text\",\"text\":\"\"}]"), "U[t]", ""},
    {"no blocks", MSG("[]"), NULL, "U[]", ""},
    {"escapes stay as they were written", MSG("[{\"type\":\"text\",\"text\":\"\\u0041\\/\\ud83d\\ude00 \\ud800 \\n\xc3\xa9\"}]"), NULL, "U[t]", ""},
    {"keys with escapes", "\"mess\\u0061ges\":[{\"r\\u006fle\":\"user\",\"content\":\"hi\"}]", MSG(HI), "U[t]", ""},
    {"members in any order", MSG("[{\"text\":\"hi\",\"type\":\"text\"}]"), MSG(HI), "U[t]", ""},
    {"a system prompt", "\"system\":\"be\"," MSG(HI), "\"system\":[{\"type\":\"text\",\"text\":\"be\"}]," MSG(HI), "S[t]U[t]", ""},
    {"a cached system prompt", "\"system\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"text\",\"text\":\"b\"," CACHE "}]," MSG(HI), NULL, "S[tt]U[t]", ""},
    {"no system prompt", "\"system\":[]," MSG(HI), MSG(HI), "U[t]", ""},
    {"system and developer in the middle",
     "\"messages\":[{\"role\":\"user\",\"content\":" HI "},{\"role\":\"system\",\"content\":" HI "},{\"role\":\"assistant\",\"content\":" HI "},{\"role\":\"developer\",\"content\":" HI "}]",
     NULL, "U[t]S[t]A[t]D[t]", ""},
    {"images", MSG("[{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":\"image\\/png\",\"data\":\"iVBO\\/w==\"}," CACHE "},"
                   "{\"type\":\"image\",\"source\":{\"type\":\"url\",\"url\":\"https://x/y.png\"}},"
                   "{\"type\":\"image\",\"source\":{\"type\":\"file\",\"file_id\":\"file_1\"}}]"), NULL, "U[iii]", ""},
    {"documents", MSG("[{\"type\":\"document\",\"source\":{\"type\":\"base64\",\"media_type\":\"application/pdf\",\"data\":\"JVBE\"},\"title\":\"A\"," CACHE ",\"citations\":{\"enabled\":true}},"
                      "{\"type\":\"document\",\"source\":{\"type\":\"url\",\"url\":\"https://x/y.pdf\"}},"
                      "{\"type\":\"document\",\"source\":{\"type\":\"file\",\"file_id\":\"file_1\"}}]"), NULL, "U[fff]", ""},
    {"a document of plain text", MSG("[{\"type\":\"document\",\"source\":{\"type\":\"text\",\"media_type\":\"text/plain\",\"data\":\"hi\"},\"title\":\"A\",\"context\":\"c\",\"citations\":{\"enabled\":true}," CACHE "}]"),
     MSG("[{\"type\":\"text\",\"text\":\"hi\"," CACHE "}]"), "U[t]", "context,citations,title"},
    {"documents of content", MSG("[{\"type\":\"document\",\"source\":{\"type\":\"content\",\"content\":\"hi\"}},{\"type\":\"document\",\"source\":{\"type\":\"content\",\"content\":["
                                 "{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"image\",\"source\":{\"type\":\"url\",\"url\":\"u\"}},{\"type\":\"text\",\"text\":\"b\"}]}},{\"type\":\"text\",\"text\":\"c\"}]"),
     MSG("[{\"type\":\"text\",\"text\":\"hi\"},{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"image\",\"source\":{\"type\":\"url\",\"url\":\"u\"}},{\"type\":\"text\",\"text\":\"b\"},{\"type\":\"text\",\"text\":\"c\"}]"),
     "U[ttitt]", ""},
    {"calls", BOT("{\"type\":\"text\",\"text\":\"a\",\"citations\":[{\"type\":\"char_location\"}]},{\"type\":\"tool_use\",\"id\":\"toolu_1\",\"name\":\"f\",\"input\":{\"n\": 12345678901234567890123}," CACHE "},"
                  "{\"type\":\"tool_use\",\"id\":\"call_2\",\"name\":\"g\",\"input\":{},\"signature\":\"G=\"}"), NULL, "A[tcc]", ""},
    {"who called is no matter", BOT("{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"f\",\"input\":{},\"caller\":{\"type\":\"direct\"}}"),
     BOT("{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"f\",\"input\":{}}"), "A[c]", ""},
    {"results", MSG("[{\"type\":\"tool_result\",\"tool_use_id\":\"a\",\"content\":[{\"type\":\"text\",\"text\":\"1\"},{\"type\":\"image\",\"source\":{\"type\":\"url\",\"url\":\"u\"}},"
                    "{\"type\":\"document\",\"source\":{\"type\":\"url\",\"url\":\"v\"}},{\"type\":\"search_result\",\"source\":\"s\"}],\"is_error\":true," CACHE "},"
                    "{\"type\":\"tool_result\",\"tool_use_id\":\"b\",\"content\":[],\"is_error\":false},{\"type\":\"text\",\"text\":\"go on\"}]"), NULL, "T[r]T[r]U[t]", ""},
    {"results between texts", MSG("[{\"type\":\"text\",\"text\":\"x\"},{\"type\":\"tool_result\",\"tool_use_id\":\"a\",\"content\":\"r\"},{\"type\":\"text\",\"text\":\"y\"},{\"type\":\"tool_result\",\"tool_use_id\":\"b\"}]"),
     MSG("[{\"type\":\"text\",\"text\":\"x\"},{\"type\":\"tool_result\",\"tool_use_id\":\"a\",\"content\":[{\"type\":\"text\",\"text\":\"r\"}],\"is_error\":false},{\"type\":\"text\",\"text\":\"y\"},"
         "{\"type\":\"tool_result\",\"tool_use_id\":\"b\",\"content\":[],\"is_error\":false}]"), "U[t]T[r]U[t]T[r]", ""},
    {"thinking", BOT("{\"type\":\"thinking\",\"thinking\":\"hm\\n\",\"signature\":\"Eo8+\\/w==\"},{\"type\":\"redacted_thinking\",\"data\":\"Em\\/9\"},{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"},{\"type\":\"text\",\"text\":\"a\"}"),
     NULL, "A[hdht]", ""},
    {"blocks of Anthropic's servers", BOT("{\"type\":\"server_tool_use\",\"id\":\"s\",\"name\":\"web_search\",\"input\":{\"q\": 1.0}},{\"type\":\"web_search_tool_result\",\"tool_use_id\":\"s\",\"content\":{\"type\":\"error\"}},"
                                          "{\"type\":\"of_next_year\",\"text\":7}"), NULL, "A[RRR]", ""},
    {"numbers as they were written", MSG(HI) ",\"temperature\":0.70000000000000000001,\"top_p\":1E-1,\"top_k\":40", NULL, "U[t]", ""},
    {"stop sequences", MSG(HI) ",\"stop_sequences\":[\"\\n\\nH:\",\"\"]", NULL, "U[t]", ""},
    {"a stream", MSG(HI) ",\"stream\":true", NULL, "U[t]", ""},
    {"no stream", MSG(HI) ",\"stream\":false", MSG(HI), "U[t]", ""},
    {"nulls", MSG(HI) ",\"stream\":null,\"temperature\":null,\"tools\":null,\"tool_choice\":null,\"system\":null,\"metadata\":{\"user_id\":null},\"container\":null,\"output_config\":{\"format\":null}",
     MSG(HI), "U[t]", ""},
    {"tools", MSG(HI) ",\"tools\":[{\"name\":\"f\",\"description\":\"d\",\"input_schema\":{\"type\":\"object\"},\"strict\":true," CACHE "},{\"type\":\"web_search_20250305\",\"name\":\"web_search\",\"max_uses\":3},"
              "{\"name\":\"g\",\"input_schema\":{}}]", NULL, "U[t]", ""},
    {"a custom tool", MSG(HI) ",\"tools\":[{\"type\":\"custom\",\"name\":\"f\",\"input_schema\":{},\"defer_loading\":true,\"x y\":1}]",
     MSG(HI) ",\"tools\":[{\"name\":\"f\",\"input_schema\":{}}]", "U[t]", "defer_loading,x y"},
    {"no tools", MSG(HI) ",\"tools\":[]", MSG(HI), "U[t]", ""},
    {"choice: auto", MSG(HI) ",\"tool_choice\":{\"type\":\"auto\"}", NULL, "U[t]", ""},
    {"choice: any, one", MSG(HI) ",\"tool_choice\":{\"type\":\"any\",\"disable_parallel_tool_use\":true}", NULL, "U[t]", ""},
    {"choice: none", MSG(HI) ",\"tool_choice\":{\"type\":\"none\"}", NULL, "U[t]", ""},
    {"choice: named, several", MSG(HI) ",\"tool_choice\":{\"type\":\"tool\",\"name\":\"f\",\"disable_parallel_tool_use\":false}", NULL, "U[t]", ""},
    {"thinking in tokens", MSG(HI) ",\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":1024,\"display\":\"omitted\"}", NULL, "U[t]", ""},
    {"no thinking", MSG(HI) ",\"thinking\":{\"type\":\"disabled\"}", NULL, "U[t]", ""},
    {"thinking at will", MSG(HI) ",\"thinking\":{\"type\":\"adaptive\",\"display\":\"summarized\"},\"output_config\":{\"effort\":\"max\"}", NULL, "U[t]", ""},
    {"thinking of a kind to come", MSG(HI) ",\"thinking\":{\"type\":\"between_tools\"}", MSG(HI) ",\"thinking\":{\"type\":\"adaptive\"}", "U[t]", ""},
    {"a schema", MSG(HI) ",\"output_config\":{\"effort\":\"low\",\"format\":{\"type\":\"json_schema\",\"schema\":{\"type\": \"object\"}}}", NULL, "U[t]", ""},
    {"a schema, as it was asked for first", MSG(HI) ",\"output_format\":{\"type\":\"json_schema\",\"schema\":{}}",
     MSG(HI) ",\"output_config\":{\"format\":{\"type\":\"json_schema\",\"schema\":{}}}", "U[t]", ""},
    {"an end user", MSG(HI) ",\"metadata\":{\"user_id\":\"u\\u0031\"},\"service_tier\":\"auto\"", NULL, "U[t]", ""},
    {"the plain tier", MSG(HI) ",\"service_tier\":\"standard_only\"", MSG(HI) ",\"service_tier\":\"default\"", "U[t]", ""},
    {"what only Anthropic knows", MSG(HI) ",\"container\":\"c\",\"context_management\":{\"edits\":[ ]},\"mcp_servers\":[],\"betas\":[\"b\"]", NULL, "U[t]", ""},
    {"what nobody knows", "\"messages\":[{\"role\":\"user\",\"content\":" HI ",\"weight\":1,\"weight\":1}]", MSG(HI), "U[t]", "weight"},
};
/* clang-format on */

static struct str body_of(struct arena *a, const char *members)
{
    return arena_join(
        a, (struct str[]){STR("{\"model\":\"m\",\"max_tokens\":8,"), str_from(members), STR("}")},
        3);
}

static void R46_a_request_read_and_written_is_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        const struct row *row = &rows[i];
        struct arena a = {.max = 1 << 20};
        struct buf out = {.max = 0};
        struct json_pen pen = json_pen(&out);
        struct chat_request *r = ARENA_NEW(&a, struct chat_request);
        struct chat_problem p;

        if (!surface_messages.read(&a, body_of(&a, row->in), DEPTH_MAX, r, &p))
            fail_msg("%s: %.*s", row->what, STR_ARG(p.why));
        assert_true(r->arena == &a && r->wants_usage);
        write_request(&pen, r);
        check_str(row->what, buf_str(&out), body_of(&a, row->out != NULL ? row->out : row->in));
        check_str(row->what, shape_of(&a, r), str_from(row->shape));
        check_str(row->what, dropped_of(&a, r), str_from(row->dropped));
        buf_done(&out);
        arena_done(&a);
    }
}

/* ---- what is refused ---- */

/* clang-format off */
#define BODY(members) "{\"model\":\"m\",\"max_tokens\":8," members "}"
#define ONE(block)    BODY(MSG("[" block "]"))

static const struct refusal {
    const char *body, *param, *why;
} refusals[] = {
    {"[]", "", "the body must be an object"},
    {"{\"max_tokens\":8," MSG("\"\"") "}", "model", "is required"},
    {"{\"model\":null,\"max_tokens\":8," MSG("\"\"") "}", "model", "is required"},
    {"{\"model\":\"\",\"max_tokens\":8," MSG("\"\"") "}", "model", "must not be empty"},
    {"{\"model\":\"\\udc00\",\"max_tokens\":8," MSG("\"\"") "}", "model", "holds half a surrogate pair"},
    {"{\"model\":7,\"max_tokens\":8," MSG("\"\"") "}", "model", "must be a string"},
    {"{\"model\":\"m\"," MSG("\"\"") "}", "max_tokens", "is required"},
    {"{\"model\":\"m\",\"max_tokens\":\"8\"," MSG("\"\"") "}", "max_tokens", "must be a non-negative integer"},
    {"{\"model\":\"m\",\"max_tokens\":-1," MSG("\"\"") "}", "max_tokens", "must be a non-negative integer"},
    {"{\"model\":\"m\",\"max_tokens\":1e3," MSG("\"\"") "}", "max_tokens", "must be a non-negative integer"},
    {"{\"model\":\"m\",\"max_tokens\":8}", "messages", "is required"},
    {BODY("\"messages\":[]"), "messages", "must not be empty"},
    {BODY("\"messages\":{}"), "messages", "must be an array"},
    {BODY("\"messages\":[\"hi\"]"), "messages.0", "must be an object"},
    {BODY("\"messages\":[{\"content\":\"a\"}]"), "messages.0.role", "is required"},
    {BODY("\"messages\":[{\"role\":\"tool\",\"content\":\"a\"}]"), "messages.0.role", "must be 'user' or 'assistant'"},
    {BODY("\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"user\"}]"), "messages.1.content", "is required"},
    {BODY(MSG("7")), "messages.0.content", "must be a string or an array"},
    {BODY(MSG("[7]")), "messages.0.content.0", "must be an object"},
    {ONE("{\"text\":\"a\"}"), "messages.0.content.0.type", "is required"},
    {ONE("{\"type\":\"text\"}"), "messages.0.content.0.text", "is required"},
    {ONE("{\"type\":\"text\",\"text\":7}"), "messages.0.content.0.text", "must be a string"},
    {ONE("{\"type\":\"text\",\"text\":\"a\",\"te\\u0078t\":\"b\"}"), "messages.0.content.0.text", "is given more than once"},
    {ONE("{\"type\":\"text\",\"type\":\"image\",\"text\":\"a\"}"), "messages.0.content.0.type", "is given more than once"},
    {ONE("{\"type\":\"new\",\"type\":\"text\"}"), "messages.0.content.0.type", "is given more than once"},
    {ONE("{\"type\":\"text\",\"text\":\"a\",\"cache_control\":true}"), "messages.0.content.0.cache_control", "must be an object"},
    {ONE("{\"type\":\"image\"}"), "messages.0.content.0.source", "is required"},
    {ONE("{\"type\":\"image\",\"source\":{}}"), "messages.0.content.0.source.type", "is required"},
    {ONE("{\"type\":\"image\",\"source\":{\"type\":\"text\",\"data\":\"a\"}}"), "messages.0.content.0.source.type", "is none that we know"},
    {ONE("{\"type\":\"image\",\"source\":{\"type\":\"url\"}}"), "messages.0.content.0.source.url", "is required"},
    {ONE("{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"data\":\"a\"}}"), "messages.0.content.0.source.media_type", "is required"},
    {ONE("{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":\"a\"}}"), "messages.0.content.0.source.data", "is required"},
    {ONE("{\"type\":\"document\",\"source\":{\"type\":\"text\"}}"), "messages.0.content.0.source.data", "is required"},
    {ONE("{\"type\":\"document\",\"source\":{\"type\":\"content\"}}"), "messages.0.content.0.source.content", "is required"},
    {ONE("{\"type\":\"document\",\"source\":{\"type\":\"content\",\"content\":[{\"type\":\"document\"}]}}"), "messages.0.content.0.source.content.0.type", "is of a block that cannot stand here"},
    {ONE("{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"f\",\"input\":{}}"), "messages.0.content.0.type", "is of a block that cannot stand here"},
    {BODY(BOT("{\"type\":\"tool_result\",\"tool_use_id\":\"a\"}")), "messages.0.content.0.type", "is of a block that cannot stand here"},
    {BODY(BOT("{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"f\",\"input\":\"{}\"}")), "messages.0.content.0.input", "must be an object"},
    {BODY(BOT("{\"type\":\"tool_use\",\"id\":\"a\",\"input\":{}}")), "messages.0.content.0.name", "is required"},
    {BODY(BOT("{\"type\":\"thinking\",\"signature\":\"a\"}")), "messages.0.content.0.thinking", "is required"},
    {ONE("{\"type\":\"tool_result\",\"tool_use_id\":\"a\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"tool_result\",\"tool_use_id\":\"b\"}]}"), "messages.0.content.0.content.1.type", "is of a block that cannot stand here"},
    {ONE("{\"type\":\"tool_result\",\"tool_use_id\":\"a\",\"is_error\":1}"), "messages.0.content.0.is_error", "must be a boolean"},
    {BODY("\"system\":[{\"type\":\"image\"}]," MSG("\"\"")), "system.0.type", "is of a block that cannot stand here"},
    {BODY("\"system\":[{\"type\":\"of_next_year\"}]," MSG("\"\"")), "system.0.type", "is of a block that cannot stand here"},
    {BODY("\"system\":7," MSG("\"\"")), "system", "must be a string or an array"},
    {BODY(MSG("\"\"") "," MSG("\"\"")), "messages", "is given more than once"},
    {BODY(MSG("\"\"") ",\"model\":\"n\""), "model", "is given more than once"},
    {BODY(MSG("\"\"") ",\"stream\":1"), "stream", "must be a boolean"},
    {BODY(MSG("\"\"") ",\"temperature\":\"1\""), "temperature", "must be a number"},
    {BODY(MSG("\"\"") ",\"stop_sequences\":[\"a\",1]"), "stop_sequences.1", "must be a string"},
    {BODY(MSG("\"\"") ",\"tools\":[{\"name\":\"f\"}]"), "tools.0.input_schema", "is required"},
    {BODY(MSG("\"\"") ",\"tools\":[null]"), "tools.0", "must be an object"},
    {BODY(MSG("\"\"") ",\"tool_choice\":\"auto\""), "tool_choice", "must be an object"},
    {BODY(MSG("\"\"") ",\"tool_choice\":{\"type\":\"some\"}"), "tool_choice.type", "must be 'auto', 'any', 'tool' or 'none'"},
    {BODY(MSG("\"\"") ",\"tool_choice\":{\"type\":\"tool\"}"), "tool_choice.name", "is required"},
    {BODY(MSG("\"\"") ",\"thinking\":{\"type\":\"enabled\"}"), "thinking.budget_tokens", "is required"},
    {BODY(MSG("\"\"") ",\"thinking\":{}"), "thinking.type", "is required"},
    {BODY(MSG("\"\"") ",\"output_config\":{\"format\":{\"type\":\"json_schema\"}}"), "output_config.format.schema", "is required"},
    {BODY(MSG("\"\"") ",\"output_format\":{\"type\":\"xml\",\"schema\":{}}"), "output_format.type", "must be 'json_schema'"},
    {BODY(MSG("\"\"") ",\"metadata\":{\"user_id\":7}"), "metadata.user_id", "must be a string"},
};
/* clang-format on */

static void R45_what_is_refused_is_named_by_its_path(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNTOF(refusals); i++) {
        const struct refusal *row = &refusals[i];
        struct arena a = {.max = 1 << 20};
        struct chat_request *r = ARENA_NEW(&a, struct chat_request);
        struct chat_problem p;

        if (surface_messages.read(&a, str_from(row->body), DEPTH_MAX, r, &p))
            fail_msg("%s: was read", row->body);
        assert_int_equal(p.fault, FAULT_BAD_REQUEST);
        check_str(row->body, p.param, str_from(row->param));
        check_str(
            row->body, p.why,
            arena_printf(&a, "%s%s%s", row->param, row->param[0] != '\0' ? ": " : "", row->why));
        arena_done(&a);
    }
}

static void check_bad_json(struct arena *a, struct str body)
{
    struct chat_request *r = ARENA_NEW(a, struct chat_request);
    struct chat_problem p;

    assert_false(surface_messages.read(a, body, DEPTH_MAX, r, &p));
    assert_int_equal(p.fault, FAULT_BAD_JSON);
    assert_true(str_starts(p.why, STR("the body is not valid JSON: ")));
    assert_int_equal(p.param.len, 0);
}

static void R49_what_is_no_json_is_refused(void **state)
{
    static const char *const bodies[] = {
        "",
        "{",
        BODY(MSG("\"a\"")) "x",
        BODY(MSG("\"\x01\"")),
        BODY(MSG("\"\xff\"")),
        BODY(MSG("\"\xed\xa0\x80\"")),
        BODY(MSG("\"a\"") ",\"top_k\":01"),
        BODY(MSG("\"a\"") ",\"x\":NaN"),
    };
    struct arena a = {.max = 1 << 20};
    char deep[512] = BODY("\"messages\":0,\"x\":");
    size_t at = strlen(deep) - 1;

    (void)state;
    for (size_t i = 0; i < COUNTOF(bodies); i++)
        check_bad_json(&a, str_from(bodies[i]));
    check_bad_json(&a, str_make(BODY(MSG("\"a\"")) "\0", sizeof(BODY(MSG("\"a\"")))));
    memset(deep + at, '[', DEPTH_MAX);
    memset(deep + at + DEPTH_MAX, ']', DEPTH_MAX);
    deep[at + 2 * DEPTH_MAX] = '}';
    check_bad_json(&a, str_make(deep, at + 2 * DEPTH_MAX + 1));
    arena_done(&a);
}

/* ---- limits ---- */

static bool read_extras(struct arena *a, unsigned n, struct chat_problem *p)
{
    struct chat_request *r = ARENA_NEW(a, struct chat_request);
    struct buf out = {.max = 0};
    bool ok;

    assert_int_equal(buf_printf(&out, "{\"model\":\"m\",\"max_tokens\":8," MSG("\"a\"")), 0);
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(buf_printf(&out, ",\"x%u\":1", i), 0);
    assert_int_equal(buf_put(&out, STR("}")), 0);
    ok = surface_messages.read(a, arena_dup(a, buf_str(&out)), DEPTH_MAX, r, p);
    assert_true(!ok || r->extra_count == n);
    buf_done(&out);
    return ok;
}

static void members_that_we_do_not_know_have_a_maximum(void **state)
{
    struct arena a = {.max = 1 << 20};
    struct chat_problem p;

    (void)state;
    assert_true(read_extras(&a, CHAT_EXTRA_MAX, &p));
    assert_false(read_extras(&a, CHAT_EXTRA_MAX + 1, &p));
    check_str("param", p.param, STR("x32"));
    arena_done(&a);
}

static void without_room_it_is_too_large(void **state)
{
    struct arena a = {.max = 1 << 16}, small = {.max = 1};
    struct chat_request *r = ARENA_NEW(&a, struct chat_request);
    struct chat_problem p;

    (void)state;
    assert_false(surface_messages.read(&small, body_of(&a, MSG(HI)), DEPTH_MAX, r, &p));
    assert_int_equal(p.fault, FAULT_TOO_LARGE);
    arena_done(&a);
    arena_done(&small);
}

static void a_count_needs_no_max_tokens(void **state)
{
    const struct str body = STR("{\"model\":\"m\"," MSG("\"a\"") "}");
    struct arena a = {.max = 1 << 20};
    struct chat_request *r = ARENA_NEW(&a, struct chat_request);
    struct chat_problem p;

    (void)state;
    assert_false(surface_messages.read(&a, body, DEPTH_MAX, r, &p));
    assert_true(messages_read_count(&a, body, DEPTH_MAX, r, &p));
    check_str("model", r->model, STR("m"));
    assert_int_equal(r->messages_count, 1);
    assert_false(messages_read_count(&a, STR("{\"model\":\"m\"}"), DEPTH_MAX, r, &p));
    check_str("param", p.param, STR("messages"));
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R46_a_request_read_and_written_is_the_same),
        cmocka_unit_test(R45_what_is_refused_is_named_by_its_path),
        cmocka_unit_test(R49_what_is_no_json_is_refused),
        cmocka_unit_test(members_that_we_do_not_know_have_a_maximum),
        cmocka_unit_test(without_room_it_is_too_large),
        cmocka_unit_test(a_count_needs_no_max_tokens),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    arena_thread_done();
    return failed;
}
