/* Any bytes as a request of Gemini's API; and as a script of events, of which the stream has to be
 * chunks that a client takes and to add up to the whole answer.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "llm/chat_text.h"
#include "llm/dialects.h"
#include "llm/generate.h"

#include "../unit/llm/generate_stream.h"

#define EVENTS_MAX 200u
#define DEPTH_MAX 64u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

/* ---- requests ---- */

static void check_parts(const struct chat_part *parts, uint32_t n, unsigned depth)
{
    must(depth < 3);
    for (uint32_t i = 0; i < n; i++) {
        must((parts[i].kind == CHAT_RAW) == (parts[i].raw.len > 0));
        must(parts[i].kind != CHAT_CALL ||
             (json_type_of(parts[i].args) == JSON_OBJECT && parts[i].id.len > 0));
        must(parts[i].kind != CHAT_TEXT || parts[i].text.ptr != NULL);
        must(parts[i].kind == CHAT_RESULT || parts[i].parts_count == 0);
        must(parts[i].kind != CHAT_RESULT || parts[i].id.len > 0);
        check_parts(parts[i].parts, parts[i].parts_count, depth + 1);
    }
}

static void check_request(const struct chat_request *r)
{
    must(r->messages_count > 0);
    for (uint32_t i = 0; i < r->messages_count; i++) {
        const struct chat_message *m = &r->messages[i];

        must(m->parts_count > 0);
        check_parts(m->parts, m->parts_count, 0);
        must(m->role != CHAT_TOOL || (m->parts_count == 1 && m->parts[0].kind == CHAT_RESULT));
    }
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
        struct chat_request *r = ARENA_NEW(&a, struct chat_request);
        struct chat_problem p;
        bool ok = surface_gemini.read(&a, body, DEPTH_MAX, r, &p);

        must(ok || (p.fault != FAULT_NONE && p.why.ptr != NULL));
        if (ok) {
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
    if (generate_scan(&a, model.len > 0 ? model : STR("m"), s, DEPTH_MAX, &req, &why, &param) ==
        FAULT_NONE) {
        unsigned n = generate_splice(&a, &req, STR("other"), pieces);

        must(n > 0 && json_scan(arena_join(&a, pieces, n), DEPTH_MAX, NULL, NULL, NULL));
    }
    (void)generate_is_count(s);
    arena_done(&a);
}

/* ---- answers ---- */

static const struct chat_answer_facts facts = {.id = STR_INIT("1"), .model = STR_INIT("m")};

#define WORD(lit)                                                                                  \
    {                                                                                              \
        "" lit, sizeof(lit) - 1                                                                    \
    }
static const struct json_text words[] = {
    WORD(""),        WORD(" "),       WORD("{"),          WORD("}"),       WORD("["),
    WORD("]"),       WORD("\\\""),    WORD("\\\\"),       WORD("a"),       WORD("null"),
    WORD("\\n"),     WORD("{}"),      WORD("\\\"a\\\":"), WORD("1"),       WORD(","),
    WORD("\\u007b"), WORD("\\u007D"), WORD("\\u0022"),    WORD("\\u00e9"), WORD("\\/"),
};
static const struct str raws[] = {
    STR_INIT("{\"executableCode\":\n{\"code\":\"\\n\"}}"),
    STR_INIT("[\"no object\"]"),
};

/* Three bytes an event. */
static struct chat_event event_of(const uint8_t *b)
{
    return (struct chat_event){
        .kind = (enum chat_event_kind)(b[0] % CHAT_EV_END),
        .call = b[1] & 3,
        .choice = b[1] >> 7,
        .vendor = (b[1] & 64) != 0 ? CHAT_OPENAI : CHAT_GEMINI,
        .text = words[b[2] % COUNTOF(words)],
        .id = words[b[2] % COUNTOF(words)],
        .name = words[8],
        .signature = (b[1] & 32) != 0 ? words[8] : words[0],
        .raw = raws[b[2] & 1],
        .stop = (enum chat_stop)(b[2] % (CHAT_STOP_OTHER + 1)),
        .usage = {CHAT_USAGE_REPORTED, b[1], b[2], b[2] / 2, b[1] / 2, b[2] / 3},
    };
}

static void tell(struct chat_writer *stream, struct chat_writer *whole, struct buf *out,
                 const struct chat_event *ev)
{
    must(surface_gemini.put(stream, ev, out) == 0);
    must(surface_gemini.collect(whole, ev) == 0);
}

static void write_answer(const uint8_t *data, size_t size)
{
    const struct chat_event end = {.kind = CHAT_EV_END};
    struct arena a = {.max = 0};
    struct buf out = {.max = 0}, body = {.max = 0};
    struct chat_writer *stream = surface_gemini.writer_new(&a, &facts);
    struct chat_writer *whole = surface_gemini.writer_new(&a, &facts);
    const char *why;

    for (size_t i = 0; i + 3 <= size && i < 3u * EVENTS_MAX; i += 3) {
        struct chat_event ev = event_of(data + i);

        tell(stream, whole, &out, &ev);
    }
    tell(stream, whole, &out, &end);
    must(surface_gemini.write(whole, &body) == 0);
    why = gstream_compare(buf_str(&out), buf_str(&body));
    if (why != NULL)
        fprintf(stderr, "%s\n", why);
    must(why == NULL);
    buf_done(&out);
    buf_done(&body);
    arena_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str s = {(const char *)data, size};

    read_request(s);
    read_target(s);
    write_answer(data, size);
    return 0;
}
