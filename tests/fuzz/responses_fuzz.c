/* Any bytes as a request of OpenAI's Responses API; and as a script of events, of which the stream
 * has to keep the API's grammar and to end in the whole answer.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "llm/dialects.h"

#include "../unit/llm/responses_stream.h"

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
        must(parts[i].kind != CHAT_RAW && parts[i].kind != CHAT_AUDIO);
        must(parts[i].kind != CHAT_CALL ||
             (json_type_of(parts[i].args) == JSON_OBJECT) != (parts[i].args_text.ptr != NULL));
        must(parts[i].kind != CHAT_TEXT || parts[i].text.ptr != NULL);
        must(parts[i].kind == CHAT_RESULT || parts[i].parts_count == 0);
        check_parts(parts[i].parts, parts[i].parts_count, depth + 1);
    }
}

static void check_request(const struct chat_request *r)
{
    must(r->model.len > 0 && r->messages_count > 0 && r->echo != NULL);
    for (uint32_t i = 0; i < r->messages_count; i++) {
        const struct chat_message *m = &r->messages[i];

        check_parts(m->parts, m->parts_count, 0);
        must(m->role != CHAT_TOOL || (m->parts_count == 1 && m->parts[0].kind == CHAT_RESULT));
        must(i == 0 || m->role != CHAT_ASSISTANT || m[-1].role != CHAT_ASSISTANT);
    }
    for (uint32_t i = 0; i < r->dropped_count; i++) /* they go into a header */
        must(memchr(r->dropped[i].ptr, '\\', r->dropped[i].len) == NULL);
}

/* The answer repeats what was asked, and is one line of JSON whatever that was. */
static void check_echo(struct arena *a, const struct chat_request *r)
{
    const struct chat_answer_facts facts = {
        .id = STR("1"), .model = STR("m"), .created_s = 1, .request = r};
    const struct chat_event end = {.kind = CHAT_EV_END};
    struct chat_writer *w = surface_responses.writer_new(a, &facts);
    static struct rstream s;
    struct buf out = {.max = 0};

    must(w != NULL && surface_responses.put(w, &end, &out) == 0);
    s = (struct rstream){.n = 0};
    rstream_feed(&s, buf_str(&out));
    must(s.why == NULL && s.over);
    rstream_done(&s);
    buf_done(&out);
}

static void read_request(struct str body)
{
    struct arena a = {.max = 1 << 24};
    struct chat_request *r = ARENA_NEW(&a, struct chat_request);
    struct chat_problem p;
    bool ok = surface_responses.read(&a, body, DEPTH_MAX, r, &p);

    must(ok || (p.fault != FAULT_NONE && p.why.ptr != NULL));
    if (ok) {
        check_request(r);
        check_echo(&a, r);
    }
    arena_done(&a);
}

/* ---- answers ---- */

static const struct chat_answer_facts facts = {.id = STR_INIT("1"), .model = STR_INIT("m")};

#define WORD(lit)                                                                                  \
    {                                                                                              \
        "" lit, sizeof(lit) - 1                                                                    \
    }
static const struct json_text words[] = {
    WORD(""),    WORD(" "),  WORD("{"),       WORD("}"), WORD("\\\""), WORD("a"),   WORD("null"),
    WORD("\\n"), WORD("{}"), WORD("\\ud83d"), WORD("1"), WORD(","),    WORD("\\/"), WORD("\\u0022"),
};

/* Three bytes an event. */
static struct chat_event event_of(const uint8_t *b)
{
    return (struct chat_event){
        .kind = (enum chat_event_kind)(b[0] % CHAT_EV_END),
        .call = b[1] & 3,
        .choice = b[1] >> 7,
        .vendor = (b[1] & 64) != 0 ? CHAT_OPENAI : CHAT_ANTHROPIC,
        .text = words[b[2] % COUNTOF(words)],
        .id = words[b[2] % COUNTOF(words)],
        .name = words[5],
        .signature = (b[1] & 32) != 0 ? words[12] : words[0],
        .raw = STR("{\"type\":\"x\"}"),
        .stop = (enum chat_stop)(b[2] % (CHAT_STOP_OTHER + 1)),
        .usage = {CHAT_USAGE_REPORTED, b[1], b[2], b[2] / 2, b[1] / 2, 0},
    };
}

static void tell(struct chat_writer *stream, struct chat_writer *whole, struct buf *out,
                 const struct chat_event *ev)
{
    must(surface_responses.put(stream, ev, out) == 0);
    must(surface_responses.collect(whole, ev) == 0);
}

static void compare(struct str streamed, struct str body)
{
    static struct rstream s;

    s = (struct rstream){.n = 0};
    rstream_feed(&s, streamed);
    must(s.why == NULL && s.over);
    must(str_eq(s.response, body) || s.error);
    rstream_done(&s);
}

/* The first byte says whether it ends well. */
static void write_answer(const uint8_t *data, size_t size)
{
    const struct chat_event end = {.kind = CHAT_EV_END};
    struct arena a = {.max = 0};
    struct buf out = {.max = 0}, body = {.max = 0};
    struct chat_writer *stream = surface_responses.writer_new(&a, &facts);
    struct chat_writer *whole = surface_responses.writer_new(&a, &facts);

    for (size_t i = 1; i + 3 <= size && i < 3u * EVENTS_MAX; i += 3) {
        struct chat_event ev = event_of(data + i);

        tell(stream, whole, &out, &ev);
    }
    if (size > 0 && (data[0] & 1) != 0)
        must(surface_responses.error_event(stream, FAULT_UPSTREAM_ERROR, STR("m"), &out) == 0);
    tell(stream, whole, &out, &end);
    must(surface_responses.write(whole, &body) == 0);
    compare(buf_str(&out), buf_str(&body));
    buf_done(&out);
    buf_done(&body);
    arena_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_request((struct str){(const char *)data, size});
    write_answer(data, size);
    return 0;
}
