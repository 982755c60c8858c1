/* Any lines as events of one answer, and as bodies and refusals: what is told is JSON or the inside
 * of a JSON string, in an order that a writer can follow, and the same each time.
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz/chat_side.h"

static void order(const struct side *s, const struct chat_event *ev)
{
    must(s->last == 0 && s->starts + (ev->kind == CHAT_EV_START) <= 1);
    must(s->starts == 1 || ev->kind == CHAT_EV_START || ev->kind == CHAT_EV_ERROR);
    must(ev->kind != CHAT_EV_BLOCK_END || s->open);
    must((ev->kind != CHAT_EV_CALL && ev->kind != CHAT_EV_RAW && ev->kind != CHAT_EV_STOP &&
          ev->kind != CHAT_EV_REDACTED) ||
         !s->open || s->calls > 0);
    must(ev->kind != CHAT_EV_CALL || ev->call == s->calls);
    must(ev->kind != CHAT_EV_ARGS || ev->call < s->calls); /* pieces of calls may alternate */
    must(s->stops == 0 || ev->kind < CHAT_EV_TEXT || ev->kind > CHAT_EV_RAW);
    must(ev->kind != CHAT_EV_ERROR || ev->fault != FAULT_NONE);
    must(ev->kind != CHAT_EV_END || s->stops <= 1); /* no stop reason is made up (R3) */
}

/* Pieces of calls may alternate, so they neither begin nor end what is open. */
static bool touches_block(enum chat_event_kind kind)
{
    return kind >= CHAT_EV_TEXT && kind <= CHAT_EV_CITATION && kind != CHAT_EV_ARGS;
}

static bool whole(const struct side *s)
{
    return s->last == 1;
}

static const struct side_kind target = {&dialect_anthropic, order, touches_block, whole};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = {(const char *)data, size};

    side_stream(&target, input);
    side_whole(&target, input);
    side_refusal(&target, 200, input);
    side_refusal(&target, 429, input);
    return 0;
}
