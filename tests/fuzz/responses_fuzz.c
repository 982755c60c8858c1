/* Any bytes as a request of OpenAI's Responses API; and as a script of events, of which the stream
 * has to keep the API's grammar and to end in the whole answer.
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz/chat_asked.h"
#include "fuzz/chat_script.h"

#include "unit/llm/responses_stream.h"

/* ---- requests ---- */

static void check_part(const struct chat_part *p)
{
    must(p->kind != CHAT_RAW && p->kind != CHAT_AUDIO);
    must(p->kind != CHAT_CALL ||
         (json_type_of(p->args) == JSON_OBJECT) != (p->args_text.ptr != NULL));
}

static void check_request(const struct chat_request *r)
{
    must(r->model.len > 0 && r->echo != NULL);
    asked_messages(r, 3, check_part);
    for (uint32_t i = 1; i < r->messages_count; i++)
        must(r->messages[i].role != CHAT_ASSISTANT || r->messages[i - 1].role != CHAT_ASSISTANT);
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
    struct chat_request *r = asked_read(&surface_responses, &a, body);

    if (r != NULL) {
        check_request(r);
        check_echo(&a, r);
    }
    arena_done(&a);
}

/* ---- answers ---- */

static const struct json_text words[] = {
    WORD(""),    WORD(" "),  WORD("{"),       WORD("}"), WORD("\\\""), WORD("a"),   WORD("null"),
    WORD("\\n"), WORD("{}"), WORD("\\ud83d"), WORD("1"), WORD(","),    WORD("\\/"), WORD("\\u0022"),
};
static const struct script script = {
    .surface = &surface_responses,
    .words = words,
    .words_count = COUNTOF(words),
    .signature = WORD("\\/"),
    .raws = {STR_INIT("{\"type\":\"x\"}"), STR_INIT("{\"type\":\"x\"}")},
    .vendor = CHAT_ANTHROPIC,
};
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
static void write_answer(struct str bytes)
{
    bool ends_well = bytes.len == 0 || (bytes.ptr[0] & 1) == 0;
    struct script_answer a;

    script_begin(&a, &script, str_skip(bytes, 1));
    if (!ends_well)
        must(surface_responses.error_event(a.stream, FAULT_UPSTREAM_ERROR, STR("m"), &a.streamed) ==
             0);
    script_end(&a);
    compare(buf_str(&a.streamed), buf_str(&a.body));
    script_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bytes = {(const char *)data, size};

    read_request(bytes);
    write_answer(bytes);
    return 0;
}
