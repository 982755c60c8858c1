/* Any bytes as a request of Gemini's API; and as a script of events, of which the stream has to be
 * chunks that a client takes and to add up to the whole answer.
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz/chat_asked.h"
#include "fuzz/chat_script.h"
#include "llm/generate.h"

#include "unit/llm/generate_stream.h"

/* ---- requests ---- */

static void check_part(const struct chat_part *p)
{
    must((p->kind == CHAT_RAW) == (p->raw.len > 0));
    must(p->kind != CHAT_CALL || (json_type_of(p->args) == JSON_OBJECT && p->id.len > 0));
    must(p->kind != CHAT_RESULT || p->id.len > 0);
}

static void check_request(const struct chat_request *r)
{
    asked_messages(r, 3, check_part);
    for (uint32_t i = 0; i < r->messages_count; i++)
        must(r->messages[i].parts_count > 0);
    for (uint32_t i = 0; i < r->tools_count; i++)
        must(r->tools[i].raw.len > 0 || r->tools[i].name.ptr != NULL);
    must(r->schema.len == 0 || json_scan(r->schema, JSON_DEPTH_MAX, NULL, NULL, NULL));
}

/* Whoever is asked is asked in JSON. */
static void write_for(enum chat_dialect id, struct chat_request *r)
{
    struct buf out = {.max = 1 << 24};
    struct chat_problem p = {.fault = FAULT_NONE};

    if (dialect_get(id)->encode(r, STR("gemini-3-pro"), &out, &p))
        must(json_scan(buf_str(&out), JSON_DEPTH_MAX, NULL, NULL, NULL));
    else
        must(p.fault != FAULT_NONE && p.why.ptr != NULL);
    buf_done(&out);
}

static void read_request(struct str body)
{
    static const enum chat_dialect targets[] = {CHAT_OPENAI, CHAT_ANTHROPIC, CHAT_GEMINI,
                                                CHAT_BEDROCK, CHAT_OLLAMA};

    for (size_t i = 0; i < COUNTOF(targets); i++) {
        struct arena a = {.max = 1 << 24};
        struct chat_request *r = asked_read(&surface_gemini, &a, body);

        if (r != NULL) {
            check_request(r);
            r->model = STR("gemini-3-pro");
            write_for(targets[i], r);
        }
        arena_done(&a);
    }
}

/* ---- what stands beside the body ---- */

static void read_target(struct str s)
{
    struct arena a = {.max = 1 << 22};
    struct openai_request req;
    struct str why, param, path, pieces[OPENAI_PIECES_MAX];
    struct str model = generate_model(&a, s);

    (void)generate_parameter(&a, s, STR("key"));
    path = generate_path(&a, STR("m"), STR(":generateContent"), s);
    must(path.ptr == NULL || generate_parameter(&a, path, STR("key")).ptr == NULL);
    if (generate_scan(&a, model.len > 0 ? model : STR("m"), s, ASKED_DEPTH, &req, &why, &param) ==
        FAULT_NONE) {
        unsigned n = generate_splice(&a, &req, STR("other"), pieces);

        must(n > 0 && json_scan(arena_join(&a, pieces, n), ASKED_DEPTH, NULL, NULL, NULL));
    }
    (void)generate_is_count(s);
    arena_done(&a);
}

/* ---- answers ---- */

static const struct script script = {
    .surface = &surface_gemini,
    .words = script_words,
    .words_count = COUNTOF(script_words),
    .signature = WORD("a"),
    .raws = {STR_INIT("{\"executableCode\":\n{\"code\":\"\\n\"}}"), STR_INIT("[\"no object\"]")},
    .vendor = CHAT_GEMINI,
};
static void write_answer(struct str bytes)
{
    struct script_answer a;
    const char *why;

    script_begin(&a, &script, bytes);
    script_end(&a);
    why = gstream_compare(buf_str(&a.streamed), buf_str(&a.body));
    if (why != NULL)
        fprintf(stderr, "%s\n", why);
    must(why == NULL);
    script_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str s = {(const char *)data, size};

    read_request(s);
    read_target(s);
    write_answer(s);
    return 0;
}
