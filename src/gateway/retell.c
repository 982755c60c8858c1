/*
 * retell.c - a whole answer to a client that asked for a stream.
 *
 * Some upstreams answer `"stream": true` with one body.  It is an answer all the same: it is told
 * as the events that were asked for, on the path of every other stream.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/attempt.h"

/* The reply's fields go to the client; what they describe has become an event stream. */
static void retitle(struct http_fields *reply)
{
    for (uint32_t i = 0; i < reply->count; i++) {
        if (str_eq_nocase(reply->at[i].name, STR("content-type")))
            reply->at[i].value = STR("text/event-stream");
    }
}

static void tell(struct exchange *x, struct str events)
{
    struct attempt *a = &x->attempt;
    struct openai_usage usage = a->watch.usage; /* known, also when it is not told */

    openai_watch_done(&a->watch);
    openai_watch_init(&a->watch, x->surface->openai, x->mem);
    a->watch.usage = usage;
    a->body.len = 0; /* what is held before the content goes there */
    retitle(&a->reply);
    events_begin(x);
    events_feed(x, events);
    if (a->running)
        events_end(x);
}

void whole_tell(struct exchange *x, struct str events)
{
    struct attempt *a = &x->attempt;

    a->read = (struct str){NULL, 0};
    a->body.len = 0; /* what is held before the content goes there */
    retitle(&a->reply);
    events_begin(x);
    events_told(x, events);
}

bool whole_retell(struct exchange *x)
{
    struct attempt *a = &x->attempt;
    struct buf events = {.max = x->gl->gw->conf->limits.reply_bytes};
    bool told;

    told = x->surface->openai == OPENAI_CHAT && a->watch.finished &&
           openai_retell(buf_str(&a->body), x->req.wants_usage, &events) == 0;
    if (told)
        tell(x, buf_str(&events));
    buf_done(&events);
    return told;
}
