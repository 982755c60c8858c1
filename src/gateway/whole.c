/*
 * whole.c - an answer that comes as one body: kept until it can be judged, then passed on
 * untouched, or as the stream that was asked for (retell.c).
 *
 * A 200 that holds an error, null, no choices or HTML is a failure like any other (R10).  A
 * provider's refusal of the request itself goes to the client as the provider wrote it (R13).
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/answer.h"
#include "gateway/attempt.h"

#define REFUSAL_BYTES_MAX (1024u * 1024u)
#define QUOTED_MAX 300

void whole_feed(struct exchange *x, struct str bytes)
{
    struct attempt *a = &x->attempt;
    bool refusal = a->status >= 300;

    a->body.max = refusal ? REFUSAL_BYTES_MAX : x->gl->gw->conf->limits.reply_bytes;
    if (buf_put(&a->body, bytes) == 0)
        return;
    http_fetch_cancel(&a->fetch);
    attempt_over(x, FAULT_UPSTREAM_BAD_REPLY, "%.*s: the reply is larger than limits.reply_bytes.",
                 STR_ARG(attempt_target_name(x)));
}

static int quoted_len(struct str s)
{
    return s.len < QUOTED_MAX ? (int)s.len : QUOTED_MAX;
}

static void keep_refusal(struct exchange *x)
{
    struct attempt *a = &x->attempt;

    x->passed = a->body;
    a->body = (struct buf){0};
    x->passed_status = a->status;
    x->passed_type = http_fields_find(&a->reply, STR("content-type"));
}

static void refused(struct exchange *x)
{
    struct attempt *a = &x->attempt;
    struct openai_refusal r = openai_refusal(x->mem, a->status, buf_str(&a->body));
    struct str name = attempt_target_name(x);

    if (fault_info(r.fault)->remedy == REMEDY_STOP && a->body.len > 0)
        keep_refusal(x);
    attempt_over(x, r.fault, "%.*s answered %u%s%.*s", STR_ARG(name), a->status,
                 r.message.len > 0 ? ": " : "", quoted_len(r.message), r.message.ptr);
}

static void answered(struct exchange *x)
{
    struct attempt *a = &x->attempt;
    struct http_fields f = {0};
    struct str body = buf_str(&a->body);

    x->first_content_ns = loop_clock_ns();
    if (answer_fields(x, &f) < 0 ||
        answer_upstream_fields(x, &f, &a->reply, a->inflate == NULL) < 0)
        f = (struct http_fields){0};
    answer_whole(x, a->status, &f, body);
    if (!x->finished)
        attempt_over(x, FAULT_NONE, "%s", "");
}

void whole_end(struct exchange *x)
{
    struct attempt *a = &x->attempt;
    struct str name;
    enum fault f;

    if (a->status >= 300) {
        refused(x);
        return;
    }
    f = openai_watch_body(&a->watch, buf_str(&a->body));
    if (f == FAULT_NONE && !x->req.stream) {
        answered(x);
        return;
    }
    if (f == FAULT_NONE) {
        if (whole_retell(x))
            return;
        f = FAULT_UPSTREAM_BAD_REPLY;
    }
    name = attempt_target_name(x);
    if (a->watch.error_message.len > 0)
        attempt_over(x, f, "%.*s sent an error in a %u: %.*s", STR_ARG(name), a->status,
                     quoted_len(a->watch.error_message), a->watch.error_message.ptr);
    else
        attempt_over(x, f, "%.*s: a %u whose body is no answer.", STR_ARG(name), a->status);
}
