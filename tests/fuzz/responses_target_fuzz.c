/* Any lines as events of one answer, and as bodies and refusals of a target of the Responses API:
 * what is told is JSON or the inside of a JSON string, in an order that a writer can follow, and
 * the same each time.  Any request that is read is written as one that reads as the same.
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz/chat_side.h"
#include "llm/responses.h"

static void order(const struct side *s, const struct chat_event *ev)
{
    must(s->last == 0 && s->starts + (ev->kind == CHAT_EV_START) <= 1);
    must(s->starts == 1 || ev->kind == CHAT_EV_START || ev->kind == CHAT_EV_ERROR);
    must(ev->kind != CHAT_EV_BLOCK_END || s->open);
    must(ev->kind != CHAT_EV_CALL || ev->call == s->calls);
    must(ev->kind != CHAT_EV_ARGS || (ev->call < s->calls && ev->text.len > 0));
    must(s->stops == 0 || ev->kind == CHAT_EV_END);
    must(ev->kind != CHAT_EV_STOP || (ev->stop != CHAT_STOP_NONE && !s->open));
    must(ev->kind != CHAT_EV_ERROR || ev->fault != FAULT_NONE);
    must(ev->kind != CHAT_EV_END || s->stops == 1); /* none is made up (R3) */
}

static bool touches_block(enum chat_event_kind kind)
{
    return kind >= CHAT_EV_TEXT && kind <= CHAT_EV_BLOCK_END;
}

/* Or still to be made. */
static bool whole(const struct side *s)
{
    return s->last == 1 || (s->starts == 1 && s->calls == 0 && !s->open);
}

static const struct side_kind target = {&dialect_responses, order, touches_block, whole};

/* What cannot be told is left out at most once: what is written then is written again the same. */
static void request(struct str body)
{
    struct arena a = {.max = 1 << 22};
    struct buf first = {.max = 1 << 22}, again = {.max = 1 << 22};
    struct chat_request r;
    struct chat_problem p;

    if (surface_responses.read(&a, body, 64, &r, &p) &&
        dialect_responses.encode(&r, r.model, &first, &p) &&
        surface_responses.read(&a, buf_str(&first), 96, &r, &p)) {
        must(dialect_responses.encode(&r, r.model, &again, &p));
        must(str_eq(buf_str(&first), buf_str(&again)));
    }
    must(first.len == 0 || json_scan(buf_str(&first), JSON_DEPTH_MAX, NULL, NULL, NULL));
    buf_done(&first);
    buf_done(&again);
    arena_done(&a);
}

/* What is cut is cut at once. */
static void cut(struct str body)
{
    struct buf once = {.max = 1 << 22}, twice = {.max = 1 << 22};

    if (json_scan(body, 64, NULL, NULL, NULL) && responses_cut_foreign(body, &once)) {
        must(json_scan(buf_str(&once), 64, NULL, NULL, NULL));
        must(!responses_cut_foreign(buf_str(&once), &twice));
    }
    buf_done(&once);
    buf_done(&twice);
}

/* Any API's request, as one of this. */
static void others(const struct chat_surface *surface, struct str body)
{
    struct arena a = {.max = 1 << 22};
    struct buf out = {.max = 1 << 22};
    struct chat_request r;
    struct chat_problem p;

    if (surface->read(&a, body, 64, &r, &p) && dialect_responses.encode(&r, STR("gpt-5"), &out, &p))
        must(json_scan(buf_str(&out), JSON_DEPTH_MAX, NULL, NULL, NULL));
    buf_done(&out);
    arena_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = {(const char *)data, size};

    side_stream(&target, input);
    side_whole(&target, input);
    side_refusal(&target, 200, input);
    side_refusal(&target, 429, input);
    request(input);
    cut(input);
    others(&surface_chat, input);
    others(&surface_messages, input);
    return 0;
}
