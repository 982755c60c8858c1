/*
 * chat_random.h - chats made up at random: whatever a client may ask, as far as a dialect has a
 * place for it.
 *
 * The same seed makes the same chat.  All is bounded.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_UNIT_LLM_CHAT_RANDOM_H
#define TESTS_UNIT_LLM_CHAT_RANDOM_H

#include "base/rand.h"
#include "llm/chat_text.h"

/* What a dialect has a place for; settings are made up whether it has or not. */
enum random_has {
    HAS_TEXTS = 1 << 0, /* several in a message, and in a result */
    HAS_RESULT_IMAGES = 1 << 1,
    HAS_ORDER = 1 << 2, /* an assistant's parts stand as they were said */
    HAS_URL = 1 << 3,
    HAS_AUDIO = 1 << 4,
    HAS_FILE = 1 << 5,
    HAS_SIGNED = 1 << 6,
    HAS_UNSIGNED = 1 << 7,
    HAS_REDACTED = 1 << 8,
    HAS_CALL_SIGNED = 1 << 9,
    HAS_REFUSAL = 1 << 10,
    HAS_LATER_SYSTEM = 1 << 11,
    HAS_BUDGET = 1 << 12,   /* thinking by tokens, and not by a word */
    HAS_NO_TOOL = 1 << 13,  /* a choice of none */
    HAS_PARALLEL = 1 << 14, /* said also where they may be */
    HAS_SHOW = 1 << 15,
    NEEDS_TOOLS = 1 << 16, /* where they were called, they have to be named */
    HAS_FILE_URL = 1 << 17,
    HAS_FILE_ID = 1 << 18,
};

struct random_chat {
    struct rand rand;
    struct arena *arena;
    unsigned has;
    enum chat_dialect dialect;
    struct chat_echo *echo;             /* of those who may ask in their own words; NULL: none */
    struct str raw_tool;                /* one that only this dialect knows; empty: none */
    struct str extra_name, extra_value; /* such a member, or one of its kin's */
    enum chat_dialect extra_vendor;
    unsigned calls; /* ids given */
    bool any;       /* whatever there is, of whoever's, be it odd */
};

static inline bool chance(struct random_chat *c, unsigned percent)
{
    return rand_below(&c->rand, 100) < percent;
}

static inline bool may(struct random_chat *c, unsigned what, unsigned percent)
{
    return chance(c, percent) && (c->has & what) != 0;
}

/* The same of what is named, or refused, where there is no place for it: rarely, for all else of
 * its kind is looked at no more. */
static inline bool might(struct random_chat *c, enum random_has what, unsigned percent)
{
    return chance(c, percent) && ((c->has & what) != 0 || chance(c, 3));
}

static inline struct json_text any_text(struct random_chat *c)
{
    static const char *const texts[] = {"a",
                                        "two words",
                                        "q\\\"uote\\\"",
                                        "line\\nbreak",
                                        "\\u00e9t\\u00E9",
                                        "\xc3\xa9t\xc3\xa9",
                                        "\xf0\x9f\x90\xab",
                                        "\\ud83d\\udc2b",
                                        "back\\\\slash",
                                        "a\\/b",
                                        "tab\\tstop",
                                        "{\\\"a\\\":1}",
                                        "</system>",
                                        "data: [DONE]",
                                        "\\u0000nul",
                                        "0",
                                        "null",
                                        "a longer one, of several words; with marks. And again"};

    return (struct json_text){texts[rand_below(&c->rand, COUNTOF(texts))], 0};
}

static inline struct json_text text_at_random(struct random_chat *c)
{
    struct json_text t = any_text(c);

    t.len = strlen(t.ptr);
    return t;
}

static inline struct str one_of(struct random_chat *c, const char *const *from, size_t n)
{
    return str_from(from[rand_below(&c->rand, n)]);
}

#define ONE_OF(c, ...)                                                                             \
    one_of((c), (const char *const[]){__VA_ARGS__}, COUNTOF(((const char *const[]){__VA_ARGS__})))

static inline struct json_text word_of(struct str s)
{
    return (struct json_text){s.ptr, s.len};
}

/* ---- what only some have, and what nobody should send ---- */

static inline enum chat_dialect any_maker(struct random_chat *c)
{
    return (enum chat_dialect)rand_below(&c->rand, CHAT_DIALECTS);
}

static inline struct chat_part raw_part(struct random_chat *c)
{
    struct chat_part p = {.kind = CHAT_RAW};

    p.vendor = any_maker(c);
    p.raw = ONE_OF(c, "{\"type\":\"server_tool_use\",\"id\":\"s_1\"}",
                   "{\"executableCode\":{\"code\":\"1\"}}", "{\"type\":\"web_search_call\"}");
    return p;
}

static inline void make_odd(struct random_chat *c, struct chat_part *p)
{
    if (p->kind == CHAT_TEXT && chance(c, 5))
        *p = (struct chat_part){.kind = CHAT_TEXT, .text = JSON_TEXT("")};
    else if (p->kind == CHAT_TEXT && chance(c, 5))
        p->citations = STR("[{\"type\":\"char_location\"}]");
    if (p->kind == CHAT_CALL && chance(c, 10)) {
        p->args = (struct str){NULL, 0};
        p->args_text = JSON_TEXT("{\\\"no JSON");
    }
    if (p->kind == CHAT_CALL && chance(c, 10))
        p->has_maker = false;
    if (p->kind == CHAT_IMAGE && chance(c, 5))
        *p = (struct chat_part){.kind = CHAT_IMAGE, .file_id = JSON_TEXT("file-img")};
}

static inline struct str args_at_random(struct random_chat *c)
{
    return ONE_OF(c, "{}", "{\"a\":1.0}",
                  "{\"b\":[1,2,{\"c\":\"x\\\"y\"}],\"n\":12345678901234567890}",
                  "{ \"city\" : \"Merv\\n\" , \"e\":-1E+2}", "{\"\\u00e9\":null,\"t\":true}");
}

static inline struct str schema_at_random(struct random_chat *c)
{
    return ONE_OF(c,
                  "{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"}},"
                  "\"required\":[\"city\"]}",
                  "{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\","
                  "\"description\":\"how many\"},"
                  "\"l\":{\"type\":\"array\",\"items\":{\"type\":\"number\"}}}}",
                  "{\"type\":\"object\",\"properties\":{\"k\":{\"type\":\"string\",\"enum\":[\"x\","
                  "\"y\"]}}}");
}

/* ---- parts ---- */

static inline void mark_cached(struct random_chat *c, struct chat_part *p)
{
    if (chance(c, 8))
        p->cache_control = STR("{\"type\":\"ephemeral\"}");
}

static inline struct chat_part text_part(struct random_chat *c)
{
    struct chat_part p = {.kind = CHAT_TEXT, .text = text_at_random(c)};

    mark_cached(c, &p);
    return p;
}

static inline struct chat_part image_part(struct random_chat *c)
{
    struct chat_part p = {.kind = CHAT_IMAGE};

    if (might(c, HAS_URL, 40)) {
        p.text = word_of(ONE_OF(c, "https://images.example/a.png", "https://images.example/b.jpg"));
    } else {
        p.media_type = word_of(ONE_OF(c, "image/png", "image/jpeg", "image/webp"));
        p.data = word_of(ONE_OF(c, "iVBORw0KGgo=", "AAAA", "/9j/4AAQ+w=="));
    }
    if (chance(c, 15))
        p.detail = ONE_OF(c, "\"low\"", "\"high\"", "\"auto\"");
    mark_cached(c, &p);
    return p;
}

static inline struct chat_part file_part(struct random_chat *c)
{
    struct chat_part p = {.kind = CHAT_FILE};

    if (might(c, HAS_FILE_URL, 25)) {
        p.text = JSON_TEXT("https://files.example/a.pdf");
    } else if (might(c, HAS_FILE_ID, 25)) {
        p.file_id = JSON_TEXT("file-123");
    } else {
        p.media_type = JSON_TEXT("application/pdf");
        p.data = JSON_TEXT("JVBERi0=");
    }
    if (chance(c, p.data.ptr != NULL ? 70 : 5))
        p.file_name = JSON_TEXT("a.pdf");
    mark_cached(c, &p);
    return p;
}

static inline struct chat_part media_part(struct random_chat *c)
{
    if (might(c, HAS_AUDIO, 20))
        return (struct chat_part){.kind = CHAT_AUDIO,
                                  .media_type = word_of(ONE_OF(c, "audio/wav", "audio/mp3")),
                                  .data = JSON_TEXT("UklGRg==")};
    return might(c, HAS_FILE, 30) ? file_part(c) : image_part(c);
}

static inline struct json_text call_id(struct random_chat *c, unsigned n)
{
    struct str id = arena_printf(c->arena, "call_%u", n);

    return (struct json_text){id.ptr, id.len};
}

static inline struct chat_part call_part(struct random_chat *c)
{
    struct chat_part p = {.kind = CHAT_CALL, .id = call_id(c, c->calls++)};

    /* Not in the initialiser: compilers differ in what they draw first. */
    p.name = word_of(ONE_OF(c, "weather", "search"));
    p.args = args_at_random(c);
    if (might(c, HAS_CALL_SIGNED, 40)) {
        p.signature = word_of(ONE_OF(c, "CkQB+/9z", "S=", "a:b"));
        p.has_maker = true;
        p.maker = c->dialect;
    }
    mark_cached(c, &p);
    return p;
}

static inline struct chat_part result_part(struct random_chat *c, unsigned call)
{
    struct chat_part *parts = arena_array(c->arena, 4, sizeof(*parts));
    struct chat_part p = {.kind = CHAT_RESULT, .id = call_id(c, call), .parts = parts};

    if (parts == NULL)
        abort();
    parts[p.parts_count++] = (struct chat_part){.kind = CHAT_TEXT, .text = text_at_random(c)};
    if (may(c, HAS_TEXTS, 20))
        parts[p.parts_count++] = (struct chat_part){.kind = CHAT_TEXT, .text = text_at_random(c)};
    if (may(c, HAS_RESULT_IMAGES, 30))
        parts[p.parts_count++] = (struct chat_part){
            .kind = CHAT_IMAGE, .media_type = JSON_TEXT("image/png"), .data = JSON_TEXT("AAAA")};
    for (uint32_t i = 0; c->any && i < p.parts_count; i++) {
        mark_cached(c, &parts[i]);
        make_odd(c, &parts[i]);
    }
    if (c->any && chance(c, 20))
        parts[p.parts_count++] = raw_part(c);
    p.is_error = chance(c, 15);
    mark_cached(c, &p);
    return p;
}

static inline struct chat_part thought_part(struct random_chat *c)
{
    struct chat_part p = {.kind = CHAT_THINKING, .text = text_at_random(c)};

    if (might(c, HAS_REDACTED, 25))
        p = (struct chat_part){.kind = CHAT_REDACTED, .data = word_of(ONE_OF(c, "Eg+/==", "R"))};
    else if ((c->has & HAS_SIGNED) != 0 && ((c->has & HAS_UNSIGNED) == 0 || chance(c, 60)))
        p.signature =
            c->dialect == CHAT_RESPONSES
                ? word_of(ONE_OF(c, "openai.reasoning:rs_1:gAAA+/9z==", "openai.reasoning::S",
                                 "openai.reasoning:rs_2:a:b"))
                : word_of(ONE_OF(c, "EqQB+/9z==", "S", "a:b"));
    p.has_maker = p.signature.len > 0 || p.kind == CHAT_REDACTED;
    p.maker = c->dialect;
    return p;
}

/* ---- messages ---- */

#define PARTS_MOST 12u

struct random_message {
    struct chat_part parts[PARTS_MOST];
    uint32_t n;
};

static inline void add_part(struct random_chat *c, struct random_message *m, struct chat_part p)
{
    if (c->any)
        make_odd(c, &p);
    if (m->n < PARTS_MOST)
        m->parts[m->n++] = p;
    if (c->any && m->n < PARTS_MOST && chance(c, 5))
        m->parts[m->n++] = raw_part(c);
}

static inline void add_message(struct random_chat *c, struct chat_request *r, enum chat_role role,
                               const struct random_message *m)
{
    struct chat_part *parts = arena_array(c->arena, m->n + 1, sizeof(*parts));
    struct chat_message *to = &r->messages[r->messages_count++];

    if (parts == NULL)
        abort();
    memcpy(parts, m->parts, m->n * sizeof(*parts));
    *to = (struct chat_message){.role = role, .parts = parts, .parts_count = m->n};
    if ((role == CHAT_USER || role == CHAT_ASSISTANT) && chance(c, 5))
        to->name = JSON_TEXT("ann");
}

static inline void add_texts(struct random_chat *c, struct random_message *m)
{
    add_part(c, m, text_part(c));
    while (may(c, HAS_TEXTS, 25))
        add_part(c, m, text_part(c));
}

static inline void say_system(struct random_chat *c, struct chat_request *r)
{
    struct random_message m = {.n = 0};

    add_texts(c, &m);
    add_message(c, r, chance(c, 70) ? CHAT_SYSTEM : CHAT_DEVELOPER, &m);
}

static inline void say_user(struct random_chat *c, struct chat_request *r)
{
    struct random_message m = {.n = 0};

    add_texts(c, &m);
    while (chance(c, 25))
        add_part(c, &m, media_part(c));
    if (may(c, HAS_ORDER, 30))
        add_texts(c, &m);
    add_message(c, r, CHAT_USER, &m);
}

static inline void add_thoughts(struct random_chat *c, struct random_message *m, bool calls)
{
    const unsigned has = c->has;

    if ((has & (HAS_SIGNED | HAS_UNSIGNED)) == 0 || chance(c, 50))
        return;
    if (c->dialect == CHAT_OPENAI) { /* one text beside calls, or signed ones: never both */
        if (!calls && chance(c, 50))
            return;
        c->has &= calls && chance(c, 50) ? ~(unsigned)(HAS_SIGNED | HAS_REDACTED)
                                         : ~(unsigned)HAS_UNSIGNED;
    }
    if ((c->has & (HAS_SIGNED | HAS_UNSIGNED)) != 0)
        add_part(c, m, thought_part(c));
    while (c->dialect != CHAT_OLLAMA && may(c, HAS_SIGNED, 25))
        add_part(c, m, thought_part(c));
    c->has = has;
}

static inline void say_assistant(struct random_chat *c, struct chat_request *r)
{
    struct random_message m = {.n = 0};
    unsigned first = c->calls, calls = chance(c, 50) ? 1 + (unsigned)rand_below(&c->rand, 3) : 0;

    add_thoughts(c, &m, calls > 0);
    if (calls == 0 || chance(c, 50))
        add_texts(c, &m);
    if (may(c, HAS_REFUSAL | HAS_TEXTS | HAS_ORDER, 10))
        add_part(c, &m, (struct chat_part){.kind = CHAT_REFUSAL, .text = text_at_random(c)});
    for (unsigned i = 0; i < calls; i++) {
        add_part(c, &m, call_part(c));
        if (may(c, HAS_ORDER, 10))
            add_part(c, &m, thought_part(c));
    }
    add_message(c, r, CHAT_ASSISTANT, &m);
    for (unsigned i = first; i < c->calls; i++) {
        m = (struct random_message){.n = 0};
        add_part(c, &m, result_part(c, i));
        add_message(c, r, CHAT_TOOL, &m);
    }
}

#define TURNS_MOST 5u

static inline void say_all(struct random_chat *c, struct chat_request *r)
{
    unsigned turns = (unsigned)rand_below(&c->rand, TURNS_MOST);

    r->messages = arena_array(c->arena, TURNS_MOST * 16, sizeof(*r->messages));
    if (r->messages == NULL)
        abort();
    if (chance(c, 60))
        say_system(c, r);
    say_user(c, r);
    for (unsigned i = 0; i < turns; i++) {
        unsigned calls = c->calls;

        say_assistant(c, r);
        if (may(c, HAS_LATER_SYSTEM, 15))
            say_system(c, r);
        if (calls == c->calls || chance(c, 20))
            say_user(c, r);
    }
}

/* ---- settings ---- */

static inline void choose_tool(struct random_chat *c, struct chat_request *r)
{
    enum chat_choice from = (c->has & HAS_NO_TOOL) != 0 ? CHAT_CHOICE_AUTO : CHAT_CHOICE_NONE;

    if (chance(c, 60))
        r->choice = (enum chat_choice)(from + rand_below(&c->rand, 1 + CHAT_CHOICE_NAMED - from));
    if (from == CHAT_CHOICE_NONE && r->choice == CHAT_CHOICE_NONE)
        r->choice = CHAT_CHOICE_AUTO;
    if (r->choice == CHAT_CHOICE_NAMED)
        r->choice_name = r->tools[0].name;
    if (r->choice != CHAT_CHOICE_UNSET && r->choice != CHAT_CHOICE_NONE && chance(c, 30))
        r->parallel_calls = may(c, HAS_PARALLEL, 50) ? CHAT_YES : CHAT_NO;
}

static inline void offer_tools(struct random_chat *c, struct chat_request *r)
{
    static const struct json_text names[] = {{"weather", 7}, {"search", 6}};

    if (chance(c, 40) && (c->calls == 0 || (c->has & NEEDS_TOOLS) == 0))
        return;
    r->tools = arena_array(c->arena, 4, sizeof(*r->tools));
    if (r->tools == NULL)
        abort();
    for (unsigned i = 0, n = 1 + (unsigned)rand_below(&c->rand, 2); i < n; i++) {
        struct chat_tool *t = &r->tools[r->tools_count++];

        *t = (struct chat_tool){.name = names[i], .schema = schema_at_random(c)};
        if (chance(c, 70))
            t->description = text_at_random(c);
        t->has_strict = t->strict = chance(c, 25);
        if (chance(c, 10))
            t->cache_control = STR("{\"type\":\"ephemeral\"}");
    }
    if (c->any && chance(c, 10))
        r->tools[r->tools_count++] = (struct chat_tool){
            .vendor = any_maker(c), .raw = STR("{\"type\":\"computer_20250124\"}")};
    if (c->raw_tool.len > 0 && chance(c, 20))
        r->tools[r->tools_count++] = (struct chat_tool){.vendor = c->dialect, .raw = c->raw_tool};
    choose_tool(c, r);
}

static inline void format_at_random(struct random_chat *c, struct chat_request *r)
{
    if (chance(c, 70))
        return;
    r->format = chance(c, 30) ? CHAT_FORMAT_JSON : CHAT_FORMAT_SCHEMA;
    if (r->format == CHAT_FORMAT_JSON)
        return;
    r->schema = schema_at_random(c);
    r->schema_name = JSON_TEXT("trip");
    if (chance(c, 30))
        r->schema_description = text_at_random(c);
    r->schema_strict = chance(c, 50) ? CHAT_YES : CHAT_UNSET;
    if (c->any && chance(c, 30))
        r->schema_strict = CHAT_NO;
}

static inline void number_at_random(struct random_chat *c, struct str *to, struct str value)
{
    if (chance(c, 25))
        *to = value;
}

static inline void numbers_at_random(struct random_chat *c, struct chat_request *r)
{
    r->max_tokens = ONE_OF(c, "4096", "9000", "31999");
    number_at_random(c, &r->temperature, ONE_OF(c, "0.25", "0.50", "5e-1", "0"));
    number_at_random(c, &r->top_p, ONE_OF(c, "0.9", "0.50", "0.97"));
    number_at_random(c, &r->top_k, ONE_OF(c, "7", "40"));
    number_at_random(c, &r->seed, ONE_OF(c, "7", "9007199254740993", "2147483647"));
    number_at_random(c, &r->presence_penalty, ONE_OF(c, "0.5", "-1.50"));
    number_at_random(c, &r->frequency_penalty, ONE_OF(c, "0.5", "-1.50"));
    if (chance(c, 15)) {
        r->logprobs = STR("true");
        number_at_random(c, &r->top_logprobs, STR("2"));
    }
    if (chance(c, 5))
        r->n = ONE_OF(c, "2", "3");
}

/* As any surface may read it. */
static inline void think_oddly(struct random_chat *c, struct chat_reasoning *r)
{
    unsigned how = (unsigned)rand_below(&c->rand, 5);

    *r = (struct chat_reasoning){.show = (enum chat_tri)rand_below(&c->rand, 3)};
    if (how == 0)
        r->effort = word_of(ONE_OF(c, "none", "minimal", "low", "medium", "high", "xhigh", "max"));
    else
        r->on = how == 1 ? CHAT_NO : CHAT_YES;
    if (how == 2)
        r->budget = ONE_OF(c, "1024", "3000", "20000");
    r->adaptive = how >= 3;
    if (how == 4 && chance(c, 50))
        r->effort = word_of(ONE_OF(c, "low", "medium", "high", "max"));
}

static inline void think_at_random(struct random_chat *c, struct chat_request *r)
{
    if (chance(c, 60))
        return;
    if ((c->has & HAS_BUDGET) != 0) {
        r->reasoning.budget = ONE_OF(c, "1024", "2048", "3000");
        r->reasoning.on = CHAT_YES;
    } else {
        r->reasoning.effort = word_of(ONE_OF(c, "low", "medium", "high"));
    }
    if (may(c, HAS_SHOW, 50))
        r->reasoning.show = CHAT_YES;
    if (c->any)
        think_oddly(c, &r->reasoning);
}

static inline void words_at_random(struct random_chat *c, struct chat_request *r)
{
    r->stop = arena_array(c->arena, 4, sizeof(*r->stop));
    if (r->stop == NULL)
        abort();
    while (r->stop_count < 4 && chance(c, 20))
        r->stop[r->stop_count++] = ONE_OF(c, "\"END\"", "\"\\u00e9\"", "\"a\\nb\"");
    if (chance(c, 20))
        r->user = text_at_random(c);
    if (chance(c, 15))
        r->metadata = STR("{\"team\":\"a \\\"b\\\"\"}");
    if (chance(c, 20))
        r->service_tier = word_of(ONE_OF(c, "flex", "priority"));
    r->stream = chance(c, 50);
}

static inline void extras_at_random(struct random_chat *c, struct chat_request *r)
{
    if (chance(c, 15))
        r->extra[r->extra_count++] =
            (struct chat_extra){c->extra_vendor, c->extra_name, c->extra_value};
    if (c->any && chance(c, 30)) {
        r->extra[r->extra_count].name = STR("unheard_of");
        r->extra[r->extra_count].value = STR("{\"a\":1}");
        r->extra[r->extra_count++].vendor = any_maker(c);
    }
    if (c->echo != NULL && chance(c, 30))
        r->echo = c->echo;
}

static inline void chat_at_random(struct random_chat *c, struct chat_request *r)
{
    *r = (struct chat_request){.arena = c->arena, .model = STR("m")};
    say_all(c, r);
    offer_tools(c, r);
    format_at_random(c, r);
    numbers_at_random(c, r);
    think_at_random(c, r);
    words_at_random(c, r);
    extras_at_random(c, r);
}

#endif
