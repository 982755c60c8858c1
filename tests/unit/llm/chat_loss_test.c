/*
 * Nothing that is asked is left out in silence (R45): of chats made up at random one thing after
 * the other is taken away.  Each time what a target is asked changes, or what is named as left out
 * did say so, or the chat is refused; but for what is listed here, with the reason.
 *
 * SEED=n begins with another chat, COUNT=n makes as many; a failure tells its seed.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "llm/dialects.h"
#include "llm/responses_read.h"
#include "unit/llm/chat_random.h"

#define COUNT 300u

/* ---- what can be taken away ---- */

struct knife {
    unsigned left;   /* things to let be, before */
    const char *key; /* what was taken; NULL: nothing yet */
};

static bool cuts(struct knife *k, const char *key)
{
    if (k->key != NULL || k->left-- > 0)
        return false;
    k->key = key;
    return true;
}

static void cut_str(struct knife *k, const char *key, struct str *v)
{
    if (v->len > 0 && cuts(k, key))
        *v = (struct str){NULL, 0};
}

static void cut_text(struct knife *k, const char *key, struct json_text *v)
{
    if (v->len > 0 && cuts(k, key))
        *v = (struct json_text){NULL, 0};
}

static void cut_bool(struct knife *k, const char *key, bool *v)
{
    if (*v && cuts(k, key))
        *v = false;
}

static void cut_tri(struct knife *k, const char *key, enum chat_tri *v)
{
    if (*v != CHAT_UNSET && cuts(k, key))
        *v = CHAT_UNSET;
}

static void cut_parts(struct knife *k, struct chat_part *parts, uint32_t *n);

static void cut_part(struct knife *k, struct chat_part *p)
{
    bool media = p->kind == CHAT_IMAGE || p->kind == CHAT_AUDIO || p->kind == CHAT_FILE;

    if (media) {
        cut_text(k, "media_type", &p->media_type);
        cut_text(k, "file_name", &p->file_name);
        if (!str_eq(p->detail, STR("\"auto\"")))
            cut_str(k, "detail", &p->detail);
    } else {
        cut_text(k, "text", &p->text);
    }
    if (!str_eq(p->args, STR("{}")))
        cut_str(k, "args", &p->args);
    cut_text(k, "args_text", &p->args_text);
    cut_text(k, "signature", &p->signature);
    cut_bool(k, "is_error", &p->is_error);
    cut_str(k, "cache_control", &p->cache_control);
    cut_str(k, "citations", &p->citations);
    cut_parts(k, p->parts, &p->parts_count);
}

static const char *name_of(const struct chat_part *p)
{
    static const char *const names[] = {"a text",   "an image", "audio",    "a file",    "a call",
                                        "a result", "thinking", "redacted", "a refusal", "raw"};

    return names[p->kind];
}

/* A call and its result hang together, and are not taken away alone. */
static void cut_parts(struct knife *k, struct chat_part *parts, uint32_t *n)
{
    for (uint32_t i = 0; i < *n && k->key == NULL; i++) {
        bool alone = parts[i].kind != CHAT_CALL && parts[i].kind != CHAT_RESULT &&
                     !(parts[i].kind == CHAT_TEXT && parts[i].text.len == 0);

        cut_part(k, &parts[i]);
        if (!alone || !cuts(k, name_of(&parts[i])))
            continue;
        memmove(&parts[i], &parts[i + 1], (*n - i - 1) * sizeof(*parts));
        --*n;
    }
}

static void cut_tools(struct knife *k, struct chat_request *r)
{
    for (uint32_t i = 0; i < r->tools_count && k->key == NULL; i++) {
        struct chat_tool *t = &r->tools[i];

        cut_text(k, "tool description", &t->description);
        cut_str(k, "tool schema", &t->schema);
        cut_bool(k, "tool strict", &t->strict);
        cut_str(k, "tool cache_control", &t->cache_control);
        if (!cuts(k, t->raw.len > 0 ? "raw tool" : "a tool"))
            continue;
        memmove(t, t + 1, (r->tools_count - i - 1) * sizeof(*t));
        r->tools_count--;
    }
}

static void cut_choice(struct knife *k, struct chat_request *r)
{
    if (r->choice != CHAT_CHOICE_UNSET && r->choice != CHAT_CHOICE_AUTO && cuts(k, "tool_choice"))
        r->choice = CHAT_CHOICE_UNSET;
    if (r->parallel_calls == CHAT_NO)
        cut_tri(k, "parallel_tool_calls", &r->parallel_calls);
}

static void cut_numbers(struct knife *k, struct chat_request *r)
{
    const struct {
        const char *key;
        struct str *v;
    } numbers[] = {
        {"max_tokens", &r->max_tokens},
        {"temperature", &r->temperature},
        {"top_p", &r->top_p},
        {"top_k", &r->top_k},
        {"seed", &r->seed},
        {"n", &r->n},
        {"presence_penalty", &r->presence_penalty},
        {"frequency_penalty", &r->frequency_penalty},
        {"logprobs", &r->logprobs},
        {"top_logprobs", &r->top_logprobs},
        {"metadata", &r->metadata},
    };

    for (size_t i = 0; i < COUNTOF(numbers); i++)
        cut_str(k, numbers[i].key, numbers[i].v);
}

static void cut_format(struct knife *k, struct chat_request *r)
{
    cut_text(k, "schema_name", &r->schema_name);
    cut_text(k, "schema_description", &r->schema_description);
    cut_tri(k, "schema_strict", &r->schema_strict);
    if (r->format == CHAT_FORMAT_SCHEMA)
        cut_str(k, "schema", &r->schema);
    if (r->format != CHAT_FORMAT_TEXT && cuts(k, "response_format"))
        r->format = CHAT_FORMAT_TEXT;
}

/* Several words for how much is to be thought: none of them counts alone. */
static void cut_reasoning(struct knife *k, struct chat_request *r)
{
    struct chat_reasoning *t = &r->reasoning;
    enum chat_tri show = t->show;

    if ((t->effort.len > 0 || t->budget.len > 0 || t->on != CHAT_UNSET || t->adaptive) &&
        cuts(k, "reasoning"))
        *t = (struct chat_reasoning){.show = show};
    cut_tri(k, "show", &t->show);
}

static void cut_words(struct knife *k, struct chat_request *r)
{
    cut_text(k, "user", &r->user);
    cut_text(k, "service_tier", &r->service_tier);
    cut_bool(k, "stream", &r->stream);
    if (r->stop_count > 0 && cuts(k, "stop"))
        r->stop_count--;
    if (r->extra_count > 0 && cuts(k, "extra"))
        r->extra_count--;
}

static void cut(struct knife *k, struct chat_request *r)
{
    cut_numbers(k, r);
    cut_format(k, r);
    cut_reasoning(k, r);
    cut_words(k, r);
    cut_tools(k, r);
    cut_choice(k, r);
    for (uint32_t i = 0; i < r->messages_count; i++) {
        cut_text(k, "name", &r->messages[i].name);
        cut_parts(k, r->messages[i].parts, &r->messages[i].parts_count);
    }
}

/* ---- what is named ---- */

/* The names that say of a thing that it is left out, where they are not its own. */
static const struct {
    const char *key, *name;
} names[] = {
    {"reasoning", "reasoning_effort"},
    {"reasoning", "thinking"},
    {"schema", "response_format"},
    {"schema_name", "response_format"},
    {"schema_description", "response_format"},
    {"schema_description", "response_format.description"},
    {"schema_strict", "response_format"},
    {"tool cache_control", "cache_control"},
    {"tool strict", "strict"},
    {"tool strict", "tools.strict"},
    {"file_name", "filename"},
    {"name", "messages.name"},
    {"signature", "thinking"},
    {"signature", "reasoning_content"},
    {"signature", "thought_signature"},
    {"thinking", "reasoning_content"},
    {"text", "thinking"},
    {"text", "reasoning_content"},
    {"redacted", "reasoning_content"},
    {"redacted", "redacted_thinking"},
    {"raw", "messages.content"},
    {"raw", "tool_result.content"},
    {"raw", "content.server_tool_use"},
    {"raw", "content.executableCode"},
    {"raw", "content.web_search_call"},
    {"raw", "server_tool_use"},
    {"raw", "content"},
    {"raw", "web_search_call"},
    {"raw tool", "tools.computer_20250124"},
    {"raw tool", "computer_20250124"},
    {"extra", "unheard_of"},
    {"extra", "own"},
};

static bool has_name(const struct chat_request *r, const char *name)
{
    for (uint32_t i = 0; i < r->dropped_count; i++) {
        if (str_eq(r->dropped[i], str_from(name)))
            return true;
    }
    return false;
}

static bool is_named(const struct chat_request *r, const char *key)
{
    for (size_t i = 0; i < COUNTOF(names); i++) {
        if (strcmp(names[i].key, key) == 0 && has_name(r, names[i].name))
            return true;
    }
    return has_name(r, key);
}

/* ---- chats ---- */

struct target {
    const struct dialect *dialect;
    const char *model;
    bool thinks_when_asked;
    const char *const *silent; /* keys of what may go without a word */
};

struct asking {
    struct random_chat chat;
    struct arena arena;
    struct chat_request request;
    struct chat_problem problem;
    struct buf body;
    bool ok;
};

static void ask(const struct target *t, uint64_t seed, struct knife *k, struct asking *a)
{
    *a = (struct asking){.chat = {.has = ~(unsigned)NEEDS_TOOLS,
                                  .any = true,
                                  .dialect = t->dialect->id,
                                  .raw_tool = STR("{\"type\":\"x\"}"),
                                  .extra_vendor = t->dialect->id,
                                  .extra_name = STR("own"),
                                  .extra_value = STR("1")}};
    a->chat.arena = &a->arena;
    rand_init(&a->chat.rand, seed);
    chat_at_random(&a->chat, &a->request);
    if (k != NULL)
        cut(k, &a->request);
    a->ok = t->dialect->encode(&a->request, str_from(t->model), &a->body, &a->problem);
}

static void asked(struct asking *a)
{
    buf_done(&a->body);
    arena_done(&a->arena);
}

static bool is_listed(const char *const *list, const char *key)
{
    for (; *list != NULL; list++) {
        if (strcmp(*list, key) == 0)
            return true;
    }
    return false;
}

static bool is_off(const struct chat_reasoning *r)
{
    return r->on == CHAT_NO || json_text_is(r->effort, STR("none"));
}

/* As the model sees fit. */
static bool is_open(const struct chat_reasoning *r)
{
    return r->adaptive && r->effort.len == 0;
}

/* Where no tool may be called none need be offered; some think only when they are asked to, others
 * as they see fit. */
static bool is_needless(const struct target *t, const struct chat_request *r, const char *key)
{
    if (strcmp(key, "reasoning") == 0)
        return is_open(&r->reasoning) || (t->thinks_when_asked && is_off(&r->reasoning));
    return r->choice == CHAT_CHOICE_NONE && strstr(key, "tool") != NULL;
}

static void compare(const struct target *t, uint64_t seed, const struct asking *all,
                    const struct asking *less, const char *key)
{
    if (!less->ok || !str_eq(buf_str(&all->body), buf_str(&less->body)) ||
        is_named(&all->request, key) || is_listed(t->silent, key) ||
        is_needless(t, &all->request, key))
        return;
    for (uint32_t i = 0; i < all->request.dropped_count; i++)
        print_message("# dropped %.*s\n", STR_ARG(all->request.dropped[i]));
    fail_msg("%s, %s, SEED=%llu: %s is not said, and not named\n%.*s", t->dialect->name, t->model,
             (unsigned long long)seed, key, (int)all->body.len, all->body.ptr);
}

/* Whether it was not refused. */
static bool take_all_away(const struct target *t, uint64_t seed)
{
    struct asking all, less;
    struct knife k;
    bool ok;

    ask(t, seed, NULL, &all);
    ok = all.ok;
    assert_true(ok || (all.problem.fault == FAULT_BAD_REQUEST && all.problem.why.len > 0));
    for (unsigned i = 0; ok; i++) {
        k = (struct knife){.left = i};
        ask(t, seed, &k, &less);
        if (k.key != NULL)
            compare(t, seed, &all, &less, k.key);
        asked(&less);
        if (k.key == NULL)
            break;
    }
    asked(&all);
    return ok;
}

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
    uint64_t n = otherwise;

    return getenv(name) != NULL && str_to_u64(str_from(getenv(name)), &n) ? n : otherwise;
}

static void ask_all(const struct target *t)
{
    uint64_t seed = from_environment("SEED", 1), count = from_environment("COUNT", COUNT);
    unsigned taken = 0;

    for (uint64_t i = 0; i < count; i++)
        taken += take_all_away(t, seed + i);
    print_message("# %s, %s: %u of %llu chats were not refused\n", t->dialect->name, t->model,
                  taken, (unsigned long long)count);
    assert_true(count < COUNT || taken > count / 8);
}

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

static void openai_is_asked_all_that_is_not_named(void **state)
{
    (void)state;
    ask_all(&(struct target){&dialect_openai, "m", false, LIST("show")}); /* it has no word */
}

static void responses_is_asked_all_that_is_not_named(void **state)
{
    const char *const *silent = LIST("show"); /* that they are not wanted: it is the default */

    (void)state;
    ask_all(&(struct target){&dialect_responses, "gpt-5", false, silent});
    ask_all(&(struct target){&dialect_responses, "gpt-4.1", true, silent});
}

/* Thoughts are always shown by those who have a budget, a schema needs no name and is kept to, and
 * the type of a picture elsewhere is found there. */
static void anthropic_is_asked_all_that_is_not_named(void **state)
{
    const char *const *silent = LIST("show", "schema_name", "schema_strict", "media_type");

    (void)state;
    ask_all(&(struct target){&dialect_anthropic, "claude-sonnet-4-5", true, silent});
    ask_all(&(struct target){&dialect_anthropic, "claude-opus-4-7", true, silent});
    ask_all(&(struct target){&dialect_anthropic, "claude-3-5-haiku", true, silent});
}

/* Whether it is a stream is said by the path; of media_type there is a usual one. */
static void gemini_is_asked_all_that_is_not_named(void **state)
{
    const char *const *silent =
        LIST("stream", "show", "schema_name", "schema_strict", "media_type");

    (void)state;
    ask_all(&(struct target){&dialect_gemini, "gemini-2.5-flash", false, silent});
    ask_all(&(struct target){&dialect_gemini, "gemini-3-pro", false, silent});
    ask_all(&(struct target){&dialect_gemini, "gemini-2.0-flash", true, silent});
}

static void bedrock_is_asked_all_that_is_not_named(void **state)
{
    const char *const *silent = LIST("stream", "show", "schema_strict", "media_type");

    (void)state;
    ask_all(&(struct target){&dialect_bedrock, "anthropic.claude-sonnet-4-5", true, silent});
    ask_all(&(struct target){&dialect_bedrock, "amazon.nova-pro-v1:0", true, silent});
}

/* Pictures are looked into there. */
static void ollama_is_asked_all_that_is_not_named(void **state)
{
    (void)state;
    ask_all(&(struct target){&dialect_ollama, "m", false,
                             LIST("show", "schema_name", "schema_strict", "media_type")});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(openai_is_asked_all_that_is_not_named),
        cmocka_unit_test(responses_is_asked_all_that_is_not_named),
        cmocka_unit_test(anthropic_is_asked_all_that_is_not_named),
        cmocka_unit_test(gemini_is_asked_all_that_is_not_named),
        cmocka_unit_test(bedrock_is_asked_all_that_is_not_named),
        cmocka_unit_test(ollama_is_asked_all_that_is_not_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
