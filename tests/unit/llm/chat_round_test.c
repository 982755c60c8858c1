/*
 * What a dialect is asked is what was asked: chats made up at random, written by each dialect and
 * read back, are the same but for what is named as left out.
 *
 * Those whose API clients speak, too, are read back by that surface; all but OpenAI's and
 * Anthropic's by readers of the test's own.  SEED=n begins with another chat, COUNT=n makes as
 * many; a failure tells its seed. SPDX-License-Identifier: Apache-2.0
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "llm/dialects.h"
#include "llm/responses_read.h"
#include "unit/llm/chat_back.h"
#include "unit/llm/chat_random.h"

#define COUNT 3000u
#define KEYS_MAX 64u

struct speaker {
    const struct dialect *dialect;
    const char *model;
    unsigned has;
    const struct chat_surface *surface;              /* that reads it back; or NULL */
    void (*back)(struct lines *l, yyjson_val *root); /* who does, too; or NULL */
    const char *raw_tool, *extra_name, *extra_value;
    struct chat_echo *echo; /* of those who ask in words of their own; or NULL */
    /* Keys that the dialect has no need of, and nobody misses. */
    const char *const *unsaid;
    /* Keys of what cannot be left out, nor said: such a chat is refused. */
    const char *const *refused;
    /* Keys that have to have been compared. */
    const char *const *said;
};

/* Names in x-dragoman-dropped-params that are not the key of the line they take away. */
static const struct {
    const char *dropped, *key;
} aliases[] = {
    {"reasoning_effort", "reasoning"},
    {"thinking", "reasoning"},
    {"thinking", "thought"},
    {"thinking", "signature"},
    {"messages.name", "name"},
    {"strict", "tool_strict"},
    {"tools.strict", "tool_strict"},
    {"response_format", "schema_name"},
    {"response_format", "schema_description"},
    {"response_format", "schema_strict"},
    {"response_format.description", "schema_description"},
    {"input.reasoning.encrypted_content", "signature"},
    {"safetySettings", "extra"},
};

static bool takes_away(struct str dropped, const char *key)
{
    for (size_t i = 0; i < COUNTOF(aliases); i++) {
        if (str_eq(dropped, str_from(aliases[i].dropped)) && strcmp(aliases[i].key, key) == 0)
            return true;
    }
    return str_eq(dropped, str_from(key));
}

static bool is_listed(const char *const *list, const char *key)
{
    for (; *list != NULL; list++) {
        if (strcmp(*list, key) == 0)
            return true;
    }
    return false;
}

struct round {
    const struct speaker *who;
    uint64_t seed;
    struct random_chat chat;
    struct arena arena;
    struct chat_request asked, heard;
    struct buf body;
    struct lines said, told;
};

struct tally {
    const char *key[KEYS_MAX];
    unsigned count[KEYS_MAX], n, refused, lines;
};

static bool is_dropped(const struct chat_request *r, const char *key)
{
    for (uint32_t i = 0; i < r->dropped_count; i++) {
        if (takes_away(r->dropped[i], key))
            return true;
    }
    return false;
}

static bool counts(const struct round *r, const char *key)
{
    return !is_dropped(&r->asked, key) && !is_dropped(&r->heard, key) &&
           !is_listed(r->who->unsaid, key);
}

static const struct line *next_line(const struct round *r, const struct lines *l, unsigned *at)
{
    while (*at < l->n && !counts(r, l->at[*at].key))
        ++*at;
    return *at < l->n ? &l->at[(*at)++] : NULL;
}

static bool goes_on(const struct line *last, const struct line *l)
{
    return last != NULL && strcmp(last->key, l->key) == 0 &&
           (strcmp(l->key, "text") == 0 || strcmp(l->key, "thought") == 0);
}

/* Put together what a client of Gemini's may have been told in pieces. */
static void join_pieces(struct round *r, struct lines *l)
{
    const struct line *from;
    unsigned at = 0, n = 0;
    bool bot = false;

    while ((from = next_line(r, l, &at)) != NULL) {
        struct line *last = n > 0 ? &l->at[n - 1] : NULL;

        if (strcmp(from->key, "turn") == 0)
            bot = str_eq(from->value, STR("assistant"));
        if (bot && goes_on(last, from))
            last->value = arena_join(&r->arena, (struct str[]){last->value, from->value}, 2);
        else
            l->at[n++] = *from;
    }
    l->n = n;
}

static void tally_key(struct tally *t, const char *key)
{
    unsigned i = 0;

    while (i < t->n && strcmp(t->key[i], key) != 0)
        i++;
    if (i == t->n && t->n < KEYS_MAX)
        t->key[t->n++] = key;
    if (i < KEYS_MAX)
        t->count[i]++;
    t->lines++;
}

static void differ(const struct round *r, const struct line *said, const struct line *told)
{
    for (uint32_t i = 0; i < r->asked.dropped_count; i++)
        print_message("# dropped %.*s\n", STR_ARG(r->asked.dropped[i]));
    fail_msg("%s, SEED=%llu: said %s %.*s, told %s %.*s\n%.*s", r->who->dialect->name,
             (unsigned long long)r->seed, said != NULL ? said->key : "nothing",
             said != NULL ? (int)said->value.len : 0, said != NULL ? said->value.ptr : "",
             told != NULL ? told->key : "nothing", told != NULL ? (int)told->value.len : 0,
             told != NULL ? told->value.ptr : "", (int)r->body.len, r->body.ptr);
}

static void compare(const struct round *r, struct tally *t)
{
    const struct line *said, *told;
    unsigned i = 0, j = 0;

    do {
        said = next_line(r, &r->said, &i);
        told = next_line(r, &r->told, &j);
        if (said != NULL && told != NULL && strcmp(said->key, told->key) == 0 &&
            str_eq(said->value, told->value))
            tally_key(t, said->key);
        else if (said != NULL || told != NULL)
            differ(r, said, told);
    } while (said != NULL);
}

static struct lines lines_like(const struct speaker *who)
{
    return (struct lines){.no_refusals = (who->has & HAS_REFUSAL) == 0,
                          .one_text = who->dialect->id == CHAT_GEMINI};
}

static void say_anew(struct round *r)
{
    arena_done(&r->said.arena);
    r->said = lines_like(r->who);
    lines_of(&r->said, &r->asked);
}

/* Of the functions that Gemini may choose from only those that it may call are offered to others.
 */
static void offer_named(struct round *r)
{
    struct chat_request *asked = &r->asked;
    struct str name = str_make(asked->choice_name.ptr, asked->choice_name.len);
    uint32_t kept = 0;

    if (asked->choice != CHAT_CHOICE_NAMED)
        return;
    for (uint32_t i = 0; i < asked->tools_count; i++) {
        if (asked->tools[i].raw.len > 0 || json_text_is(asked->tools[i].name, name))
            asked->tools[kept++] = asked->tools[i];
    }
    asked->tools_count = kept;
    say_anew(r);
}

static void read_by_test(struct round *r, struct tally *t)
{
    yyjson_doc *doc = lines_read(buf_str(&r->body));

    r->who->back(&r->told, yyjson_doc_get_root(doc));
    yyjson_doc_free(doc);
    compare(r, t);
    arena_done(&r->told.arena);
    r->told = lines_like(r->who);
}

/* Neighbours of the assistant's are one message; the others stay what they were. */
static uint32_t messages_by(const struct chat_request *r, enum chat_role role)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < r->messages_count; i++)
        n += r->messages[i].role == role;
    return n;
}

static void read_by_surface(struct round *r, struct tally *t)
{
    struct chat_problem p = {.fault = FAULT_NONE};

    if (!r->who->surface->read(&r->arena, buf_str(&r->body), JSON_DEPTH_MAX, &r->heard, &p))
        fail_msg("%s, SEED=%llu: %.*s\n%.*s", r->who->dialect->name, (unsigned long long)r->seed,
                 STR_ARG(p.why), (int)r->body.len, r->body.ptr);
    lines_of(&r->told, &r->heard);
    if (r->who->dialect->id == CHAT_OPENAI || r->who->dialect->id == CHAT_RESPONSES) {
        for (unsigned role = CHAT_SYSTEM; role <= CHAT_TOOL; role++) {
            if (role != CHAT_ASSISTANT)
                assert_int_equal(messages_by(&r->asked, (enum chat_role)role),
                                 messages_by(&r->heard, (enum chat_role)role));
        }
    }
    if (r->who->dialect->id == CHAT_GEMINI) {
        offer_named(r);
        join_pieces(r, &r->said);
        join_pieces(r, &r->told);
    }
    compare(r, t);
}

static bool may_be_refused(const struct round *r)
{
    for (unsigned i = 0; i < r->said.n; i++) {
        if (is_listed(r->who->refused, r->said.at[i].key))
            return true;
    }
    return false;
}

static void go_round(const struct speaker *who, uint64_t seed, struct round *r, struct tally *t)
{
    struct chat_problem p = {.fault = FAULT_NONE};

    *r = (struct round){.who = who, .seed = seed};
    r->chat = (struct random_chat){
        .arena = &r->arena,
        .has = who->has,
        .dialect = who->dialect->id,
        .raw_tool = str_from(who->raw_tool),
        .echo = who->echo,
        .extra_vendor = who->dialect->id == CHAT_RESPONSES ? CHAT_OPENAI : who->dialect->id,
        .extra_name = str_from(who->extra_name),
        .extra_value = str_from(who->extra_value)};
    rand_init(&r->chat.rand, seed);
    chat_at_random(&r->chat, &r->asked);
    r->said = r->told = lines_like(who);
    lines_of(&r->said, &r->asked);
    if (!who->dialect->encode(&r->asked, str_from(who->model), &r->body, &p)) {
        assert_int_equal(p.fault, FAULT_BAD_REQUEST);
        if (!may_be_refused(r))
            fail_msg("%s, SEED=%llu: refused, %.*s", who->dialect->name, (unsigned long long)seed,
                     STR_ARG(p.why));
        t->refused++;
    } else {
        if (who->back != NULL)
            read_by_test(r, t);
        if (who->surface != NULL)
            read_by_surface(r, t);
    }
    arena_done(&r->arena);
    arena_done(&r->said.arena);
    arena_done(&r->told.arena);
    buf_done(&r->body);
}

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
    uint64_t n = otherwise;

    return getenv(name) != NULL && str_to_u64(str_from(getenv(name)), &n) ? n : otherwise;
}

static void all_rounds(const struct speaker *who)
{
    uint64_t seed = from_environment("SEED", 1), count = from_environment("COUNT", COUNT);
    struct round *r = calloc(1, sizeof(*r));
    struct tally t = {.n = 0};

    assert_non_null(r);
    for (uint64_t i = 0; i < count; i++)
        go_round(who, seed + i, r, &t);
    free(r);
    print_message("# %s: %llu chats, %u of them refused, %u lines of %u kinds alike\n",
                  who->dialect->name, (unsigned long long)count, t.refused, t.lines, t.n);
    if (count < COUNT)
        return;
    assert_true(t.refused < count / 10);
    for (const char *const *key = who->said; *key != NULL; key++) {
        unsigned i = 0;

        while (i < t.n && strcmp(t.key[i], *key) != 0)
            i++;
        if (i == t.n || t.count[i] < 20)
            fail_msg("%s: %s was hardly ever compared", who->dialect->name, *key);
    }
}

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})
#define SAID_BY_ALL                                                                                \
    "max_tokens", "temperature", "top_p", "response_format", "reasoning", "tool",                  \
        "tool_description", "tool_schema", "turn", "text", "image", "call", "call_name", "args",   \
        "result", "extra"

static void openai_is_asked_what_was_asked(void **state)
{
    (void)state;
    all_rounds(&(struct speaker){
        .dialect = &dialect_openai,
        .model = "m",
        .surface = &surface_chat,
        .has = HAS_TEXTS | HAS_URL | HAS_AUDIO | HAS_FILE | HAS_FILE_ID | HAS_SIGNED |
               HAS_UNSIGNED | HAS_REDACTED | HAS_CALL_SIGNED | HAS_REFUSAL | HAS_LATER_SYSTEM |
               HAS_NO_TOOL | HAS_PARALLEL,
        .raw_tool = "{\"type\":\"custom\",\"custom\":{\"name\":\"x\"}}",
        .extra_name = "logit_bias",
        .extra_value = "{\"5\":1.0}",
        .unsaid = LIST("show"),
        .refused = LIST("file_url"),
        .said =
            LIST(SAID_BY_ALL, "stop", "tool_choice", "seed", "n", "presence_penalty",
                 "frequency_penalty", "logprobs", "top_logprobs", "schema_name", "schema_strict",
                 "user", "metadata", "service_tier", "stream", "raw_tool", "parallel_tool_calls",
                 "name", "detail", "audio", "file", "file_id", "image_url", "media_type", "thought",
                 "signature", "thought_signature", "redacted_thinking", "refusal", "tool_strict"),
    });
}

static void responses_is_asked_what_was_asked(void **state)
{
    struct chat_echo own = {.serial = false};

    (void)state;
    all_rounds(&(struct speaker){
        .dialect = &dialect_responses,
        .model = "gpt-5",
        .surface = &surface_responses,
        .back = responses_back,
        .echo = &own,
        .has = HAS_TEXTS | HAS_RESULT_IMAGES | HAS_ORDER | HAS_URL | HAS_FILE | HAS_FILE_URL |
               HAS_FILE_ID | HAS_SIGNED | HAS_REFUSAL | HAS_LATER_SYSTEM | HAS_NO_TOOL |
               HAS_PARALLEL | HAS_SHOW,
        .raw_tool = "{\"type\":\"web_search\"}",
        .extra_name = "prompt_cache_key",
        .extra_value = "\"k\"",
        .unsaid = LIST("result_name"),
        .refused = LIST("n", "audio"),
        .said = LIST(SAID_BY_ALL, "tool_choice", "user", "metadata", "service_tier", "stream",
                     "raw_tool", "parallel_tool_calls", "schema_name", "schema_description",
                     "schema_strict", "detail", "file", "media_type", "filename", "file_id",
                     "file_url", "image_url", "thought", "signature", "refusal", "tool_strict",
                     "presence_penalty", "frequency_penalty", "show"),
    });
}

static void anthropic_is_asked_what_was_asked(void **state)
{
    (void)state;
    all_rounds(&(struct speaker){
        .dialect = &dialect_anthropic,
        .model = "claude-sonnet-4-5",
        .surface = &surface_messages,
        .has = HAS_TEXTS | HAS_RESULT_IMAGES | HAS_ORDER | HAS_URL | HAS_FILE | HAS_FILE_URL |
               HAS_FILE_ID | HAS_SIGNED | HAS_REDACTED | HAS_BUDGET | HAS_NO_TOOL,
        .raw_tool = "{\"type\":\"web_search_20250305\",\"name\":\"web_search\"}",
        .extra_name = "container",
        .extra_value = "\"c_1\"",
        .unsaid = LIST("show", "schema_name", "schema_strict"),
        .refused = LIST("n", "audio"),
        .said = LIST(SAID_BY_ALL, "stop", "tool_choice", "top_k", "user", "stream", "raw_tool",
                     "parallel_tool_calls", "file", "file_id", "file_url", "image_url",
                     "media_type", "thought", "signature", "redacted_thinking", "is_error",
                     "cache_control", "tool_strict"),
    });
}

static void ask_gemini(const char *model, unsigned has)
{
    all_rounds(&(struct speaker){
        .dialect = &dialect_gemini,
        .model = model,
        .surface = &surface_gemini,
        .back = gemini_back,
        .has = has | HAS_TEXTS | HAS_ORDER | HAS_URL | HAS_AUDIO | HAS_FILE | HAS_FILE_URL |
               HAS_SIGNED | HAS_UNSIGNED | HAS_CALL_SIGNED | HAS_NO_TOOL | HAS_SHOW,
        .raw_tool = "{\"googleSearch\":{}}",
        .extra_name = "safetySettings",
        .extra_value = "[{\"category\":\"X\",\"threshold\":\"Y\"}]",
        .unsaid = LIST("stream", "schema_name", "schema_description", "schema_strict"),
        .refused = LIST("file_id"),
        .said = LIST(SAID_BY_ALL, "stop", "tool_choice", "top_k", "seed", "n", "presence_penalty",
                     "frequency_penalty", "raw_tool", "audio", "file", "file_url", "image_url",
                     "media_type", "thought", "signature", "thought_signature", "is_error",
                     "result_name", "show"),
    });
}

/* Those that think by tokens, and those that think by a word. */
static void gemini_is_asked_what_was_asked(void **state)
{
    (void)state;
    ask_gemini("gemini-2.5-flash", HAS_BUDGET);
    ask_gemini("gemini-3-flash", 0);
}

static void bedrock_is_asked_what_was_asked(void **state)
{
    (void)state;
    all_rounds(&(struct speaker){
        .dialect = &dialect_bedrock,
        .model = "anthropic.claude-sonnet-4-5",
        .back = bedrock_back,
        .has = HAS_TEXTS | HAS_RESULT_IMAGES | HAS_ORDER | HAS_FILE | HAS_SIGNED | HAS_REDACTED |
               HAS_BUDGET | NEEDS_TOOLS,
        .raw_tool = "{\"systemTool\":{\"name\":\"nova_grounding\"}}",
        .extra_name = "requestMetadata",
        .extra_value = "{\"a\":\"b\"}",
        .unsaid = LIST("stream", "filename", "schema_strict", "result_name", "show"),
        .refused = LIST("n", "audio", "image_url", "file_url", "file_id"),
        .said =
            LIST(SAID_BY_ALL, "stop", "tool_choice", "top_k", "schema_name", "schema_description",
                 "service_tier", "raw_tool", "file", "media_type", "thought", "signature",
                 "redacted_thinking", "is_error", "cache_control", "tool_strict"),
    });
}

static void ollama_is_asked_what_was_asked(void **state)
{
    (void)state;
    all_rounds(&(struct speaker){
        .dialect = &dialect_ollama,
        .model = "m",
        .back = ollama_back,
        .has = HAS_RESULT_IMAGES | HAS_UNSIGNED,
        .extra_name = "keep_alive",
        .extra_value = "\"5m\"",
        .unsaid = LIST("schema_name", "schema_description", "schema_strict", "media_type",
                       "tool_choice", "show"),
        .refused = LIST("n", "audio", "image_url", "file", "file_url", "file_id"),
        .said = LIST(SAID_BY_ALL, "stop", "top_k", "seed", "presence_penalty", "frequency_penalty",
                     "stream", "thought", "result_name"),
    });
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(openai_is_asked_what_was_asked),
        cmocka_unit_test(responses_is_asked_what_was_asked),
        cmocka_unit_test(anthropic_is_asked_what_was_asked),
        cmocka_unit_test(gemini_is_asked_what_was_asked),
        cmocka_unit_test(bedrock_is_asked_what_was_asked),
        cmocka_unit_test(ollama_is_asked_what_was_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
