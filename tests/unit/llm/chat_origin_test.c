/* Whose thinking it is: marks on an answer's way out, and off on its way back.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "llm/chat_origin.h"
#include "llm/chat_text.h"
#include "unit/llm/chat_events.h"
#include "unit/llm/chat_rows.h"

#define CLAUDE "eu.anthropic.claude-sonnet-4-5"

static struct arena arena;

static int done(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

/* ---- an answer ---- */

#define EVENTS(...)                                                                                \
    (const struct chat_event[])                                                                    \
    {                                                                                              \
        __VA_ARGS__,                                                                               \
        {                                                                                          \
            .kind = CHAT_EV_END                                                                    \
        }                                                                                          \
    }
#define SAY(k, t)                                                                                  \
    {                                                                                              \
        .kind = CHAT_EV_##k, .text = { t, sizeof(t) - 1 }                                          \
    }

static const struct {
    const char *what;
    enum chat_dialect maker, client;
    const struct chat_event *events;
    const char *told;
} answers[] = {
    {"a signature bears its maker's name, byte for byte behind it", CHAT_GEMINI, CHAT_ANTHROPIC,
     EVENTS(SAY(THINKING, "a"), SAY(SIGNATURE, "C\\/+=:"), {.kind = CHAT_EV_BLOCK_END}),
     "thinking 0 |a|\nsignature 0 |dragoman.by.gemini:C\\/+=:|\nblock end 0 |\nend"},
    {"a call that nobody signed bears the name alone, to Google's clients", CHAT_OLLAMA,
     CHAT_GEMINI, EVENTS({.kind = CHAT_EV_CALL, .id = {"i", 1}, .name = {"f", 1}}),
     "call 0.0 |i|f|dragoman.by.ollama:|\nend"},
    {"a thought, too, to Responses clients", CHAT_GEMINI, CHAT_RESPONSES,
     EVENTS(SAY(THINKING, "a"), {.kind = CHAT_EV_BLOCK_END}),
     "thinking 0 |a|\nsignature 0 |dragoman.by.gemini:|\nblock end 0 |\nend"},
    {"what is the client's own dialect's does not", CHAT_ANTHROPIC, CHAT_ANTHROPIC,
     EVENTS(SAY(THINKING, "a"), SAY(SIGNATURE, "C"), SAY(REDACTED, "R")),
     "thinking 0 |a|\nsignature 0 |C|\nredacted 0 |R|\nend"},
    {"redacted thinking, and a call's signature", CHAT_BEDROCK, CHAT_OPENAI,
     EVENTS(SAY(REDACTED, "R"),
            {.kind = CHAT_EV_CALL, .id = {"i", 1}, .name = {"f", 1}, .signature = {"S", 1}}),
     "redacted 0 |dragoman.by.bedrock:R|\ncall 0.0 |i|f|dragoman.by.bedrock:S|\nend"},
    {"a call that is not signed is told as it is", CHAT_GEMINI, CHAT_ANTHROPIC,
     EVENTS({.kind = CHAT_EV_CALL, .id = {"i", 1}, .name = {"f", 1}}), "call 0.0 |i|f|\nend"},
    {"Anthropic's clients have a signature on each thought", CHAT_OLLAMA, CHAT_ANTHROPIC,
     EVENTS(SAY(THINKING, "a"), SAY(THINKING, "b"), {.kind = CHAT_EV_USAGE}, SAY(TEXT, "t"),
            SAY(THINKING, "c"), SAY(SIGNATURE, ""), {.kind = CHAT_EV_STOP}),
     "thinking 0 |a|\nthinking 0 |b|\nusage 0 0 cached 0 written 0 reasoning 0\n"
     "signature 0 |dragoman.by.ollama:|\ntext 0 |t|\nthinking 0 |c|\nsignature 0 ||\n"
     "signature 0 |dragoman.by.ollama:|\nstop 0 none |\nend"},
    {"others have not", CHAT_OLLAMA, CHAT_OPENAI, EVENTS(SAY(THINKING, "a"), SAY(TEXT, "t")),
     "thinking 0 |a|\ntext 0 |t|\nend"},
    {"no thought, no mark", CHAT_OLLAMA, CHAT_ANTHROPIC, EVENTS(SAY(THINKING, ""), SAY(TEXT, "t")),
     "thinking 0 ||\ntext 0 |t|\nend"},
};

static void tell(struct chat_origin_marker *o, const struct chat_event *ev, struct buf *out)
{
    struct chat_event told;

    if (chat_origin_close(o, ev, &told))
        event_put(out, &told);
    assert_true(chat_origin_mark(o, ev, &told));
    event_put(out, &told);
}

static void R46_what_another_dialect_signs_bears_its_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNTOF(answers); i++) {
        struct chat_origin_marker o =
            chat_origin_marker(&arena, answers[i].maker, answers[i].client);
        const struct chat_event *ev = answers[i].events;
        struct buf out = {.max = 0};

        do
            tell(&o, ev, &out);
        while (ev++->kind != CHAT_EV_END);
        if (!str_eq(str_trim(str_make(out.ptr, out.len - 1)), str_from(answers[i].told)))
            fail_msg("%s:\n%.*s", answers[i].what, (int)out.len, out.ptr);
        buf_done(&out);
    }
}

static void without_room_it_fails(void **state)
{
    struct arena none = {.max = 1};
    struct chat_origin_marker o = chat_origin_marker(&none, CHAT_GEMINI, CHAT_OPENAI);
    const struct chat_event ev = SAY(SIGNATURE, "S");
    struct chat_event told;

    (void)state;
    assert_false(chat_origin_mark(&o, &ev, &told));
    arena_done(&none);
}

static void claude_is_anthropics_at_amazons_too(void **state)
{
    (void)state;
    assert_int_equal(chat_origin_of(CHAT_BEDROCK, STR(CLAUDE)), CHAT_ANTHROPIC);
    assert_int_equal(chat_origin_of(CHAT_BEDROCK, STR("amazon.nova-lite")), CHAT_BEDROCK);
    assert_int_equal(chat_origin_of(CHAT_OPENAI, STR(CLAUDE)), CHAT_OPENAI);
}

/* ---- a request ---- */

#define THOUGHT(t, s) PART(THINKING, .text = T(t), .signature = T(s))
#define CALL(s) PART(CALL, .id = T("i"), .name = T("f"), .signature = T(s))
#define HIDDEN(d) PART(REDACTED, .data = T(d))

/* What is left, one letter a part and what seals it: "t a:S u | …". */
static void show(struct buf *out, const struct chat_request *r)
{
    static const char letters[] = {
        [CHAT_TEXT] = 't', [CHAT_CALL] = 'c', [CHAT_THINKING] = 'h', [CHAT_REDACTED] = 'r'};

    for (uint32_t i = 0; i < r->messages_count; i++) {
        for (uint32_t j = 0; j < r->messages[i].parts_count; j++) {
            const struct chat_part *p = &r->messages[i].parts[j];
            struct json_text seal = p->kind == CHAT_REDACTED ? p->data : p->signature;

            assert_int_equal(buf_printf(out, "%c%.*s ", letters[p->kind], (int)seal.len,
                                        seal.len ? seal.ptr : ""),
                             0);
        }
        assert_int_equal(buf_put(out, STR("/")), 0);
    }
    for (uint32_t i = 0; i < r->dropped_count; i++)
        assert_int_equal(buf_printf(out, " %.*s", STR_ARG(r->dropped[i])), 0);
}

#define SAID_MAX 2

struct row {
    const char *what;
    struct chat_message said[SAID_MAX];
    enum chat_dialect client, maker;
    const char *left;
};

static void copy(struct chat_request *r, const struct row *row)
{
    r->messages = arena_array(&arena, SAID_MAX, sizeof(*r->messages));
    assert_non_null(r->messages);
    for (size_t i = 0; i < SAID_MAX; i++) {
        const struct chat_message *m = &row->said[i];
        struct chat_part *parts = arena_array(&arena, m->parts_count + 1, sizeof(*parts));

        assert_non_null(parts);
        if (m->parts_count > 0)
            memcpy(parts, m->parts, m->parts_count * sizeof(*parts));
        if (m->parts_count == 0 && m->role != CHAT_ASSISTANT)
            continue;
        r->messages[r->messages_count] = *m;
        r->messages[r->messages_count++].parts = parts;
    }
}

static void check(const struct row *row)
{
    struct chat_request r = {.arena = &arena};
    struct chat_origin_sieve s = {.all = NULL};
    struct buf out = {.max = 0};

    copy(&r, row);
    (void)chat_origin_read(&r);
    s.all = r.messages;
    s.all_count = r.messages_count;
    /* Another target first: what it was not told is told the next. */
    assert_true(chat_origin_sift(&s, &r, row->client, CHAT_DIALECTS));
    r.dropped_count = 0;
    assert_true(chat_origin_sift(&s, &r, row->client, row->maker));
    show(&out, &r);
    if (!str_eq(buf_str(&out), str_from(row->left)))
        fail_msg("%s: %.*s", row->what, (int)out.len, out.ptr);
    buf_done(&out);
}

static void R46_it_goes_home_and_nowhere_else(void **state)
{
    /* clang-format off */
    const struct row rows[] = {
        {"home again, byte for byte", {SAYS(ASSISTANT, THOUGHT("a", "dragoman.by.gemini:C\\/+=:"), CALL("dragoman.by.gemini:S"), HIDDEN("dragoman.by.gemini:R"))},
         CHAT_ANTHROPIC, CHAT_GEMINI, "hC\\/+=: cS rR /"},
        {"elsewhere it stays behind, but the call goes along", {SAYS(ASSISTANT, THOUGHT("a", "dragoman.by.gemini:C"), CALL("dragoman.by.gemini:S"), HIDDEN("dragoman.by.gemini:R"))},
         CHAT_ANTHROPIC, CHAT_ANTHROPIC, "c / thinking signature redacted_thinking"},
        {"what a thought without a signature is, too", {SAYS(ASSISTANT, THOUGHT("a", "dragoman.by.ollama:"), TEXT("t"))}, CHAT_ANTHROPIC, CHAT_GEMINI, "t / thinking"},
        {"and at home is told", {SAYS(ASSISTANT, THOUGHT("a", "dragoman.by.ollama:"), TEXT("t"))}, CHAT_ANTHROPIC, CHAT_OLLAMA, "h t /"},
        {"a message of nothing else is not said", {SAYS(ASSISTANT, THOUGHT("a", "dragoman.by.openai:")), SAYS(USER, TEXT("t"))}, CHAT_ANTHROPIC, CHAT_ANTHROPIC, "t / thinking"},
        {"a name that nobody has", {SAYS(ASSISTANT, THOUGHT("a", "dragoman.by.nobody:C"), TEXT("t"))}, CHAT_ANTHROPIC, CHAT_ANTHROPIC, "t / thinking"},
        {"a mark that is cut", {SAYS(ASSISTANT, THOUGHT("a", "dragoman.by.gemini"), TEXT("t"))}, CHAT_ANTHROPIC, CHAT_GEMINI, "t / thinking"},
        {"without a mark: the client's own", {SAYS(ASSISTANT, THOUGHT("a", "C"), CALL("S"), HIDDEN("R"))}, CHAT_OPENAI, CHAT_OPENAI, "hC cS rR /"},
        {"without a mark, of Anthropic's client", {SAYS(ASSISTANT, THOUGHT("a", "C"), HIDDEN("R"))}, CHAT_ANTHROPIC, CHAT_GEMINI, " thinking redacted_thinking"},
        {"and nobody else's", {SAYS(ASSISTANT, THOUGHT("a", "C"), CALL("S"), HIDDEN("R"))}, CHAT_OPENAI, CHAT_ANTHROPIC, "c / thinking thought_signature redacted_thinking"},
        {"but on a call Gemini's", {SAYS(ASSISTANT, THOUGHT("a", "C"), CALL("S"))}, CHAT_OPENAI, CHAT_GEMINI, "cS / thinking"},
        {"a thought that nobody signed goes to whoever takes it", {SAYS(ASSISTANT, PART(THINKING, .text = T("a")), TEXT("t"))}, CHAT_OPENAI, CHAT_GEMINI, "h t /"},
        {"in the words of Google's clients", {SAYS(ASSISTANT, THOUGHT("a", "dragoman.by.openai:C"), CALL("dragoman.by.openai:C"))}, CHAT_GEMINI, CHAT_GEMINI, "c / contents.parts.thought contents.parts.thoughtSignature"},
        {"a call that nobody signed loses nothing", {SAYS(ASSISTANT, CALL("dragoman.by.ollama:"))}, CHAT_GEMINI, CHAT_GEMINI, "c /"},
        {"a text is said without its signature", {SAYS(ASSISTANT, PART(TEXT, .text = T("a"), .signature = T("S")))}, CHAT_GEMINI, CHAT_OPENAI, "t / contents.parts.thoughtSignature"},
        {"in the words of Responses", {SAYS(ASSISTANT, THOUGHT("a", "dragoman.by.gemini:C"), CALL("dragoman.by.gemini:C"))}, CHAT_RESPONSES, CHAT_ANTHROPIC, "c / input.reasoning.encrypted_content"},
        {"an empty message is not ours to leave out", {{.role = CHAT_ASSISTANT}, SAYS(ASSISTANT, THOUGHT("a", "dragoman.by.gemini:C"), TEXT("t"))}, CHAT_ANTHROPIC, CHAT_OPENAI, "/t / thinking"},
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++)
        check(&rows[i]);
}

static void a_look_at_the_body_finds_marks(void **state)
{
    (void)state;
    assert_true(chat_origin_suspect(STR("{\"signature\":\"dragoman.by.gemini:C\"}")));
    assert_true(chat_origin_suspect(
        STR("{\"encrypted_content\":\"dragoman.signature:dragoman.by.gemini:C\"}")));
    assert_false(chat_origin_suspect(STR("{\"signature\":\"CkQB\",\"text\":\"dragoman\"}")));
    assert_false(chat_origin_suspect(STR("")));
}

static void what_was_written_with_marks_is_seen_to_have_them(void **state)
{
    struct chat_part marked = THOUGHT("a", "dragoman.by.gemini:C"), plain = THOUGHT("a", "C");
    struct chat_message m = {.role = CHAT_ASSISTANT, .parts = &marked, .parts_count = 1};
    struct chat_request r = {.arena = &arena, .messages = &m, .messages_count = 1};

    (void)state;
    assert_true(chat_origin_read(&r));
    assert_false(chat_origin_read(&r)); /* it is off */
    m.parts = &plain;
    assert_false(chat_origin_read(&r));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(R46_what_another_dialect_signs_bears_its_name, done),
        cmocka_unit_test(without_room_it_fails),
        cmocka_unit_test(claude_is_anthropics_at_amazons_too),
        cmocka_unit_test_teardown(R46_it_goes_home_and_nowhere_else, done),
        cmocka_unit_test(a_look_at_the_body_finds_marks),
        cmocka_unit_test_teardown(what_was_written_with_marks_is_seen_to_have_them, done),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
