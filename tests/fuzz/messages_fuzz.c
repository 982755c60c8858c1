/* Any bytes as a request of Anthropic's API; and as a script of events, of which the stream has to
 * keep Anthropic's grammar and to add up to the whole answer.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "llm/dialects.h"
#include "llm/messages.h"

#include "../unit/llm/messages_stream.h"

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
    must(depth < 4);
    for (uint32_t i = 0; i < n; i++) {
        must((parts[i].kind == CHAT_RAW) == (parts[i].raw.len > 0));
        must(parts[i].kind != CHAT_CALL || json_type_of(parts[i].args) == JSON_OBJECT);
        must(parts[i].kind != CHAT_TEXT || parts[i].text.ptr != NULL);
        must(parts[i].kind == CHAT_RESULT || parts[i].parts_count == 0);
        check_parts(parts[i].parts, parts[i].parts_count, depth + 1);
    }
}

static void check_request(const struct chat_request *r)
{
    must(r->model.len > 0 && r->messages_count > 0);
    for (uint32_t i = 0; i < r->messages_count; i++) {
        const struct chat_message *m = &r->messages[i];

        check_parts(m->parts, m->parts_count, 0);
        must(m->role != CHAT_TOOL || (m->parts_count == 1 && m->parts[0].kind == CHAT_RESULT));
    }
}

static void read_request(struct str body)
{
    struct arena a = {.max = 1 << 24};
    struct chat_request *r = ARENA_NEW(&a, struct chat_request);
    struct chat_problem p;
    bool ok = surface_messages.read(&a, body, DEPTH_MAX, r, &p);

    must(ok || (p.fault != FAULT_NONE && p.why.ptr != NULL));
    if (ok) {
        check_request(r);
        must(messages_read_count(&a, body, DEPTH_MAX, r, &p));
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
    WORD(""),        WORD(" "),       WORD("{"),          WORD("}"),       WORD("["),
    WORD("]"),       WORD("\\\""),    WORD("\\\\"),       WORD("a"),       WORD("null"),
    WORD("\\n"),     WORD("{}"),      WORD("\\\"a\\\":"), WORD("1"),       WORD(","),
    WORD("\\u007b"), WORD("\\u007D"), WORD("\\u0022"),    WORD("\\u00e9"), WORD("\\/"),
};
static const struct str raws[] = {
    STR_INIT("{\"type\":\"x_location\",\n\"a\":\"\\n\"}"),
    STR_INIT("{\"type\":\"server_tool_use\",\r\n\"id\":\"s\"}"),
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
        .name = words[8],
        .raw = raws[b[2] & 1],
        .stop = (enum chat_stop)(b[2] % (CHAT_STOP_OTHER + 1)),
        .usage = {CHAT_USAGE_REPORTED, b[1], b[2], b[2] / 2, b[1] / 2, 0},
    };
}

static void tell(struct chat_writer *stream, struct chat_writer *whole, struct buf *out,
                 const struct chat_event *ev)
{
    must(surface_messages.put(stream, ev, out) == 0);
    must(surface_messages.collect(whole, ev) == 0);
}

static void compare(struct str streamed, struct str body)
{
    static struct stream s;
    struct buf content = {.max = 0};

    s = (struct stream){.n = 0};
    stream_feed(&s, streamed);
    must(s.why == NULL && s.stopped);
    stream_content(&s, &content);
    must(json_scan(body, JSON_DEPTH_MAX, NULL, NULL, NULL));
    must(str_eq(buf_str(&content), stream_get(body, "content")));
    must(str_eq(stream_get(s.delta, "stop_reason"), stream_get(body, "stop_reason")));
    buf_done(&content);
    stream_done(&s);
}

static void write_answer(const uint8_t *data, size_t size)
{
    const struct chat_event end = {.kind = CHAT_EV_END};
    struct arena a = {.max = 0};
    struct buf out = {.max = 0}, body = {.max = 0};
    struct chat_writer *stream = surface_messages.writer_new(&a, &facts);
    struct chat_writer *whole = surface_messages.writer_new(&a, &facts);

    for (size_t i = 0; i + 3 <= size && i < 3u * EVENTS_MAX; i += 3) {
        struct chat_event ev = event_of(data + i);

        tell(stream, whole, &out, &ev);
    }
    tell(stream, whole, &out, &end);
    must(surface_messages.write(whole, &body) == 0);
    compare(buf_str(&out), buf_str(&body));
    buf_done(&out);
    buf_done(&body);
    arena_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t n;

    read_request((struct str){(const char *)data, size});
    write_answer(data, size);
    (void)!messages_count_read((struct str){(const char *)data, size}, &n);
    return 0;
}
