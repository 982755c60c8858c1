/*
 * What is left out, and what is said otherwise, for each server of OpenAI's dialect; and that the
 * manual says so, too.  QUIRKS=write writes the manual's table.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "llm/quirks.h"

#include "unit/llm/chat_rows.h"
#include "unit/llm/files.h"

#define PAGE "docs/dialects.md"
#define BEGIN "<!-- quirks -->\n"
#define END "<!-- end -->\n"

/* ---- whose a host is ---- */

static void a_host_is_known_by_its_end(void **state)
{
    static const struct {
        const char *host;
        enum quirks_server server;
    } rows[] = {
        {"api.mistral.ai", SERVER_MISTRAL},
        {"codestral.mistral.ai", SERVER_MISTRAL},
        {"API.Groq.com", SERVER_GROQ},
        {"groq.com", SERVER_GROQ},
        {"api.deepseek.com", SERVER_DEEPSEEK},
        {"api.x.ai", SERVER_XAI},
        {"us-east-1.api.x.ai", SERVER_XAI},
        {"api.moonshot.cn", SERVER_MOONSHOT},
        {"api.moonshot.ai", SERVER_MOONSHOT},
        {"openrouter.ai", SERVER_OPENROUTER},
        {"api.perplexity.ai", SERVER_PERPLEXITY},
        {"api.cerebras.ai", SERVER_CEREBRAS},
        {"api.openai.com", SERVER_PLAIN},
        {"max.ai", SERVER_PLAIN},
        {"notmistral.ai", SERVER_PLAIN},
        {"mistral.ai.example", SERVER_PLAIN},
        {"127.0.0.1", SERVER_PLAIN},
        {"", SERVER_PLAIN},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        if (quirks_server_of(str_from(rows[i].host)) != rows[i].server)
            fail_msg("%s is taken for %s", rows[i].host,
                     quirks_home(quirks_server_of(str_from(rows[i].host)))->name);
    }
}

static void a_row_may_be_for_some_models(void **state)
{
    (void)state;
    assert_null(quirks_find(SERVER_PLAIN, STR("gpt-5")));
    assert_true(quirks_refuse(quirks_find(SERVER_XAI, STR("grok-4.3")), STR("stop")));
    assert_false(quirks_refuse(quirks_find(SERVER_XAI, STR("grok-3")), STR("stop")));
    assert_false(
        quirks_refuse(quirks_find(SERVER_XAI, STR("grok-4.20-0309-non-reasoning")), STR("stop")));
    assert_true(quirks_find(SERVER_MOONSHOT, STR("kimi-k2.6"))->no_forced);
    assert_false(quirks_find(SERVER_MOONSHOT, STR("kimi-k3"))->no_forced);
    assert_false(
        quirks_refuse(quirks_find(SERVER_MOONSHOT, STR("moonshot-v1-8k")), STR("temperature")));
    assert_false(quirks_refuse(NULL, STR("stop")));
}

/* ---- each row is followed ---- */

/* Of the function that asks: it lives as long. */
/* clang-format off */
#define EVERYTHING                                                                                 \
    ((struct chat_request){                                                                        \
        CHAT(SAYS(DEVELOPER, TEXT("Be brief.")),                                                   \
             ((struct chat_message){.role = CHAT_USER, .name = T("ann"),                           \
                                    PARTS_OF(TEXT("As Json, please"))}),                           \
             SAYS(ASSISTANT, PART(THINKING, .text = T("hm")),                                      \
                  PART(CALL, .id = T("call_1234567890"), .name = T("f"), .args = STR("{}"))),      \
             SAYS(USER, PART(RESULT, .id = T("call_1234567890"), PARTS_OF(TEXT("done"))))),        \
        TOOLS(TOOL("f", "{}")),                                                                    \
        .choice = CHAT_CHOICE_NAMED, .choice_name = T("f"), .parallel_calls = CHAT_NO,             \
        .max_tokens = STR("9"), .temperature = STR("1"), .top_p = STR("0.5"), .seed = STR("7"),    \
        .n = STR("1"), .presence_penalty = STR("0.1"), .frequency_penalty = STR("0.2"),            \
        .logprobs = STR("true"), .top_logprobs = STR("2"),                                         \
        .stop = (struct str[]){STR("\"END\"")}, .stop_count = 1,                                   \
        .format = CHAT_FORMAT_SCHEMA, .schema = STR("{\"type\":\"object\"}"),                      \
        .user = T("u1"), .service_tier = T("auto"), .stream = true,                                \
        .extra = {{CHAT_OPENAI, STR("logit_bias"), STR("{}")},                                     \
                  {CHAT_OPENAI, STR("store"), STR("false")}},                                      \
        .extra_count = 2,                                                                          \
    })
/* clang-format on */

struct asked {
    struct arena arena;
    struct chat_request request;
    struct buf body, dropped; /* names with a space on both sides */
    struct chat_problem problem;
    bool ok;
};

static void ask(struct asked *k, const struct quirks *q, struct str model)
{
    k->request.arena = &k->arena;
    k->request.quirks = q;
    k->ok = dialect_openai.encode(&k->request, model, &k->body, &k->problem);
    for (uint32_t i = 0; i < k->request.dropped_count; i++)
        assert_int_equal(buf_printf(&k->dropped, " %.*s ", STR_ARG(k->request.dropped[i])), 0);
}

static void done(struct asked *k)
{
    buf_done(&k->body);
    buf_done(&k->dropped);
    arena_done(&k->arena);
}

static bool says(const struct asked *k, const char *piece)
{
    return str_find(buf_str(&k->body), str_from(piece)) != NULL;
}

static bool drops(const struct asked *k, const char *name)
{
    char spaced[64];

    snprintf(spaced, sizeof(spaced), " %s ", name);
    return str_find(buf_str(&k->dropped), str_from(spaced)) != NULL;
}

static void check(const struct asked *k, const struct quirks *q, bool want, bool got,
                  const char *what)
{
    if (want != got)
        fail_msg("%s %.*s: %s: %s\n%.*s\ndropped:%.*s", quirks_home(q->server)->name,
                 STR_ARG(q->models), what, got ? "yes" : "no", STR_ARG(buf_str(&k->body)),
                 STR_ARG(buf_str(&k->dropped)));
}

/* Every member that a row may refuse, as it stands in a body. */
static const char *const members[][2] = {
    {"temperature", "\"temperature\":1"},
    {"top_p", "\"top_p\":0.5"},
    {"presence_penalty", "\"presence_penalty\":0.1"},
    {"frequency_penalty", "\"frequency_penalty\":0.2"},
    {"logprobs", "\"logprobs\":true"},
    {"top_logprobs", "\"top_logprobs\":2"},
    {"stop", "\"stop\":[\"END\"]"},
    {"user", "\"user\":\"u1\""},
    {"service_tier", "\"service_tier\":\"auto\""},
    {"logit_bias", "\"logit_bias\":{}"},
    {"store", "\"store\":false"},
    {"parallel_tool_calls", "\"parallel_tool_calls\":false"},
    {"messages.name", "\"name\":\"ann\""},
    {"stream_options", "\"stream_options\":{\"include_usage\":true}"},
};

static void check_members(const struct asked *k, const struct quirks *q)
{
    for (size_t i = 0; i < COUNTOF(members); i++) {
        bool refused = quirks_refuse(q, str_from(members[i][0]));

        check(k, q, !refused, says(k, members[i][1]), members[i][0]);
        /* Nobody asked for usage but we. */
        if (strcmp(members[i][0], "stream_options") != 0)
            check(k, q, refused, drops(k, members[i][0]), members[i][0]);
    }
    for (size_t r = 0; r < QUIRKS_REFUSED_MAX && q->refused[r].len > 0; r++) {
        size_t i = 0;

        while (i < COUNTOF(members) && !str_eq(q->refused[r], str_from(members[i][0])))
            i++;
        if (i == COUNTOF(members))
            fail_msg("%.*s is refused, and nothing here tells it", STR_ARG(q->refused[r]));
    }
}

static void check_ways(const struct asked *k, const struct quirks *q)
{
    const bool none = str_eq(q->thoughts, STR("-"));
    const bool reasoning = str_eq(q->thoughts, STR("reasoning"));

    check(k, q, q->system_only, !says(k, "\"role\":\"developer\""), "no developer");
    check(k, q, q->system_only, says(k, "\"role\":\"system\""), "system");
    check(k, q, q->seed.len > 0, says(k, "\"random_seed\":7"), "random_seed");
    check(k, q, q->seed.len == 0, says(k, "\"seed\":7"), "seed");
    check(k, q, none, drops(k, "thinking"), "thinking");
    check(k, q, reasoning, says(k, "\"reasoning\":\"hm\""), "reasoning");
    check(k, q, !none && !reasoning, says(k, "\"reasoning_content\":\"hm\""), "reasoning_content");
    check(k, q, q->nine_ids, !says(k, "call_1234567890"), "nine");
    check(k, q, q->no_named || q->no_forced, drops(k, "tool_choice"), "tool_choice");
    check(k, q, q->no_forced, says(k, "\"tool_choice\":\"auto\""), "auto");
    check(k, q, q->no_named, says(k, "\"tool_choice\":\"required\""), "required");
    check(k, q, q->no_schema, drops(k, "response_format.json_schema"), "schema");
    check(k, q, q->no_schema, says(k, "{\"type\":\"json_object\"}"), "json_object");
}

static void each_row_is_followed(void **state)
{
    const struct quirks *q;

    (void)state;
    for (size_t i = 0; (q = quirks_at(i)) != NULL; i++) {
        struct asked k = {.request = EVERYTHING};

        if (q->no_tools) {
            ask(&k, q, q->models);
            assert_false(k.ok);
            assert_true(str_eq(k.problem.param, STR("tools")));
            k.request.tools_count = 0;
            k.request.choice = CHAT_CHOICE_UNSET;
            buf_done(&k.dropped);
            k.request.dropped_count = 0;
        }
        ask(&k, q, q->models);
        assert_true(k.ok);
        assert_true(json_scan(buf_str(&k.body), JSON_DEPTH_MAX, NULL, NULL, NULL));
        if (!q->no_tools)
            check_members(&k, q);
        check_ways(&k, q);
        done(&k);
    }
}

static void check_file_url(const struct quirks *q)
{
    struct asked k = {
        .request = {CHAT(SAYS(USER, PART(FILE, .text = T("https://x.test/a.pdf"))))},
    };
    const bool taken = q != NULL && q->file_urls;

    ask(&k, q, STR("m"));
    assert_int_equal(k.ok, taken);
    if (taken)
        assert_true(says(&k, "\"file_data\":\"https://x.test/a.pdf\""));
    else
        assert_true(str_find(k.problem.why, STR("by its URL")) != NULL);
    done(&k);
}

static void R48_a_files_url_goes_to_who_fetches_it(void **state)
{
    const struct quirks *q;

    (void)state;
    check_file_url(NULL);
    for (size_t i = 0; (q = quirks_at(i)) != NULL; i++)
        check_file_url(q);
}

static void a_server_we_know_nothing_of_is_told_all(void **state)
{
    struct asked k = {.request = EVERYTHING};

    (void)state;
    ask(&k, NULL, STR("m"));
    assert_true(k.ok);
    assert_int_equal(k.request.dropped_count, 0);
    for (size_t i = 0; i < COUNTOF(members); i++)
        assert_true(says(&k, members[i][1]));
    assert_true(says(&k, "\"tool_choice\":{\"type\":\"function\""));
    done(&k);
}

/* ---- what one server wants, word for word ---- */

#define FOR(s, m) .quirks = quirks_find(SERVER_##s, STR(m))

static void single_requests_are_as_their_server_wants_them(void **state)
{
    const struct chat_row rows[] = {
        {"Mistral: an id of nine stays, any other becomes one, the same for call and result",
         {CHAT(SAYS(ASSISTANT, PART(CALL, .id = T("aB3xK9mP2"), .name = T("f"), .args = STR("{}")),
                    PART(CALL, .id = T("toolu_01"), .name = T("f"), .args = STR("{}"))),
               SAYS(USER, PART(RESULT, .id = T("aB3xK9mP2"), PARTS_OF(TEXT("a"))),
                    PART(RESULT, .id = T("toolu_01"), PARTS_OF(TEXT("b"))))),
          FOR(MISTRAL, "m")},
         "m",
         "{\"model\":\"m\",\"messages\":[{\"role\":\"assistant\",\"content\":null,\"tool_calls\":["
         "{\"id\":\"aB3xK9mP2\",\"type\":\"function\",\"function\":{\"name\":\"f\","
         "\"arguments\":\"{}\"}},{\"id\":\"esnIagsEA\",\"type\":\"function\",\"function\":{"
         "\"name\":\"f\",\"arguments\":\"{}\"}}]},{\"role\":\"tool\",\"tool_call_id\":"
         "\"aB3xK9mP2\",\"content\":\"a\"},{\"role\":\"tool\",\"tool_call_id\":\"esnIagsEA\","
         "\"content\":\"b\"}]}",
         NULL},
        {"Mistral: max_tokens, whatever the model's name",
         {HI, .max_tokens = STR("5"), FOR(MISTRAL, "ft:gpt-x")},
         "ft:gpt-x",
         "{\"model\":\"ft:gpt-x\",\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":"
         "\"hi\"}]}",
         NULL},
        {"Mistral: a stream without stream_options",
         {HI, .stream = true, FOR(MISTRAL, "m")},
         "m",
         "{\"model\":\"m\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}",
         NULL},
        {"DeepSeek: a schema where nobody speaks of JSON",
         {HI, .format = CHAT_FORMAT_SCHEMA, .schema = STR("{}"), FOR(DEEPSEEK, "m")},
         "m",
         "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}",
         "response_format "},
        {"DeepSeek: json_object is known",
         {HI, .format = CHAT_FORMAT_JSON, FOR(DEEPSEEK, "m")},
         "m",
         "{\"model\":\"m\",\"response_format\":{\"type\":\"json_object\"},\"messages\":[{\"role\":"
         "\"user\",\"content\":\"hi\"}]}",
         NULL},
        {"Groq: one answer", {HI, .n = STR("2"), FOR(GROQ, "m")}, "m", NULL, "groq gives one"},
        {"Perplexity: json_object is not known",
         {HI, .format = CHAT_FORMAT_JSON, FOR(PERPLEXITY, "m")},
         "m",
         "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}",
         "response_format "},
        {"Moonshot: a call that is wanted is offered",
         {HI, TOOLS(TOOL("f", "{}")), .choice = CHAT_CHOICE_ANY, FOR(MOONSHOT, "kimi-k2.6")},
         "kimi-k2.6",
         "{\"model\":\"kimi-k2.6\",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\","
         "\"parameters\":{}}}],\"tool_choice\":\"auto\",\"messages\":[{\"role\":\"user\","
         "\"content\":\"hi\"}]}",
         "tool_choice "},
        {"llama.cpp: a call of any tool is known",
         {HI, TOOLS(TOOL("f", "{}")), .choice = CHAT_CHOICE_ANY, FOR(LLAMA_CPP, "m")},
         "m",
         "{\"model\":\"m\",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\","
         "\"parameters\":{}}}],\"tool_choice\":\"required\",\"messages\":[{\"role\":\"user\","
         "\"content\":\"hi\"}]}",
         NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++)
        chat_row_check(&dialect_openai, &rows[i]);
}

/* ---- the manual ---- */

static void put(struct buf *out, const char *text)
{
    assert_int_equal(buf_put(out, str_from(text)), 0);
}

static void put_names(struct buf *out, const struct str *names, size_t n)
{
    for (size_t i = 0; i < n && names[i].len > 0; i++)
        assert_int_equal(buf_printf(out, "%s`%.*s`", i > 0 ? ", " : "", STR_ARG(names[i])), 0);
}

static void put_ways(struct buf *out, const struct quirks *q)
{
    const bool none = str_eq(q->thoughts, STR("-"));
    const struct {
        bool so;
        const char *what;
    } ways[] = {
        {q->system_only, "`developer` is said as `system`"},
        {q->max_tokens, "`max_tokens` whatever the model"},
        {q->seed.len > 0, "`seed` is `random_seed`"},
        {q->one_choice, "`n` above 1 is refused"},
        {none, "earlier thoughts are dropped"},
        {!none && q->thoughts.len > 0, "earlier thoughts go back as `reasoning`"},
        {q->nine_ids, "ids of tool calls become nine letters and digits"},
        {q->no_tools, "tools are refused"},
        {q->no_named, "`tool_choice` by name becomes `required`"},
        {q->no_forced, "a forced `tool_choice` becomes `auto`"},
        {q->file_urls, "takes a file's URL"},
        {q->no_json, "json_object is dropped"},
        {q->no_schema, "json_schema becomes json_object where the prompt has the word JSON, else "
                       "it is dropped"},
    };
    const char *between = "";

    for (size_t i = 0; i < COUNTOF(ways); i++) {
        if (!ways[i].so)
            continue;
        put(out, between);
        put(out, ways[i].what);
        between = "; ";
    }
}

static void put_sources(struct buf *out, const struct quirks_home *h)
{
    for (size_t i = 0; i < QUIRKS_SOURCES_MAX && h->sources[i] != NULL; i++)
        assert_int_equal(buf_printf(out, "%s[%zu](%s)", i > 0 ? " " : "", i + 1, h->sources[i]), 0);
}

static void put_row(struct buf *out, const struct quirks *q, bool first)
{
    const struct quirks_home *h = quirks_home(q->server);

    assert_int_equal(buf_printf(out, "| `%s`", h->name), 0);
    if (q->models.len > 0)
        assert_int_equal(buf_printf(out, ", models with `%.*s`", STR_ARG(q->models)), 0);
    put(out, " | ");
    if (first)
        put_names(out, h->hosts, COUNTOF(h->hosts));
    put(out, " | ");
    put_names(out, q->refused, QUIRKS_REFUSED_MAX);
    put(out, " | ");
    put_ways(out, q);
    put(out, " | ");
    if (first)
        put_sources(out, h);
    put(out, " |\n");
}

static void put_table(struct buf *out)
{
    const struct quirks *q;

    put(out, BEGIN "| `server` | hosts | drops | otherwise | seen in |\n"
                   "| --- | --- | --- | --- | --- |\n");
    for (size_t i = 0; (q = quirks_at(i)) != NULL; i++)
        put_row(out, q, i == 0 || quirks_at(i - 1)->server != q->server);
    put(out, END);
}

static void rewrite(struct str page, struct str table)
{
    const char *from = str_find(page, STR(BEGIN));
    struct str tail = str_make(from, (size_t)(page.ptr + page.len - from));
    const char *to = str_find(tail, STR(END));
    FILE *f = fopen(PAGE, "wb");

    assert_non_null(to);
    assert_non_null(f);
    to += strlen(END);
    fwrite(page.ptr, 1, (size_t)(from - page.ptr), f);
    fwrite(table.ptr, 1, table.len, f);
    fwrite(to, 1, (size_t)(page.ptr + page.len - to), f);
    fclose(f);
}

static void the_manual_has_the_table(void **state)
{
    struct str page = file_read(PAGE);
    const char *env = getenv("QUIRKS");
    struct buf table = {0};

    (void)state;
    assert_non_null(page.ptr);
    put_table(&table);
    if (env != NULL && strcmp(env, "write") == 0)
        rewrite(page, buf_str(&table));
    else if (str_find(page, buf_str(&table)) == NULL)
        fail_msg("%s is behind: run this with QUIRKS=write", PAGE);
    buf_done(&table);
    file_free(page);
}

static void every_row_says_where_it_was_seen(void **state)
{
    const struct quirks *q;

    (void)state;
    for (size_t i = 0; (q = quirks_at(i)) != NULL; i++) {
        assert_non_null(quirks_home(q->server)->sources[0]);
        /* The first that fits counts: one for all models is a server's last. */
        if (q->models.len == 0 && quirks_at(i + 1) != NULL)
            assert_int_not_equal(quirks_at(i + 1)->server, q->server);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_is_known_by_its_end),
        cmocka_unit_test(a_row_may_be_for_some_models),
        cmocka_unit_test(each_row_is_followed),
        cmocka_unit_test(R48_a_files_url_goes_to_who_fetches_it),
        cmocka_unit_test(a_server_we_know_nothing_of_is_told_all),
        cmocka_unit_test(single_requests_are_as_their_server_wants_them),
        cmocka_unit_test(the_manual_has_the_table),
        cmocka_unit_test(every_row_says_where_it_was_seen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
