/* Any bytes as a request of Anthropic's API; and as a script of events, of which the stream has to
 * keep Anthropic's grammar and to add up to the whole answer.
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz/chat_asked.h"
#include "fuzz/chat_script.h"
#include "llm/messages.h"

#include "unit/llm/messages_stream.h"

/* ---- requests ---- */

static void check_part(const struct chat_part *p)
{
    must((p->kind == CHAT_RAW) == (p->raw.len > 0));
    must(p->kind != CHAT_CALL || json_type_of(p->args) == JSON_OBJECT);
}

static void read_request(struct str body)
{
    struct arena a = {.max = 1 << 24};
    struct chat_request *r = asked_read(&surface_messages, &a, body);
    struct chat_problem p;

    if (r != NULL) {
        must(r->model.len > 0);
        asked_messages(r, 4, check_part);
        must(messages_read_count(&a, body, ASKED_DEPTH, r, &p));
    }
    arena_done(&a);
}

/* ---- answers ---- */

static const struct script script = {
    .surface = &surface_messages,
    .words = script_words,
    .words_count = COUNTOF(script_words),
    .signature = WORD("a"),
    .raws = {STR_INIT("{\"type\":\"x_location\",\n\"a\":\"\\n\"}"),
             STR_INIT("{\"type\":\"server_tool_use\",\r\n\"id\":\"s\"}")},
    .vendor = CHAT_ANTHROPIC,
};
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

static void write_answer(struct str bytes)
{
    struct script_answer a;

    script_begin(&a, &script, bytes);
    script_end(&a);
    compare(buf_str(&a.streamed), buf_str(&a.body));
    script_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bytes = {(const char *)data, size};
    uint64_t n;

    read_request(bytes);
    write_answer(bytes);
    (void)!messages_count_read(bytes, &n);
    return 0;
}
