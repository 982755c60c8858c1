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
#include "gateway/error.h"
#include "gateway/translate.h"

#define REFUSAL_BYTES_MAX (1024u * 1024u)
#define QUOTED_MAX 300
/* What a large translated answer took does not stay with the thread. */
#define REWRITE_KEPT_BYTES (1024u * 1024u)

static void keep(struct exchange *x, struct str bytes)
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

void whole_flush(struct exchange *x)
{
    struct str bytes = x->attempt.read;

    x->attempt.read = (struct str){NULL, 0};
    if (bytes.len > 0 && x->attempt.running)
        keep(x, bytes);
}

/* Most answers come whole in one read: they are judged and passed on where they lie. */
void whole_feed(struct exchange *x, struct str bytes)
{
    struct attempt *a = &x->attempt;
    bool first = a->body.len == 0 && a->read.len == 0;

    if (!a->running)
        return;
    if (first && a->inflate == NULL && bytes.len <= x->gl->gw->conf->limits.reply_bytes) {
        a->read = bytes;
        return;
    }
    whole_flush(x);
    if (a->running)
        keep(x, bytes);
}

static struct str body_of(const struct attempt *a)
{
    return a->read.len > 0 ? a->read : buf_str(&a->body);
}

static int quoted_len(struct str s)
{
    return s.len < QUOTED_MAX ? (int)s.len : QUOTED_MAX;
}

/* For the error's type in the client's API; the status stays the provider's. */
static enum fault refusal_fault(unsigned status)
{
    switch (status) {
    case 404:
        return FAULT_NO_SUCH_MODEL;
    case 413:
        return FAULT_TOO_LARGE;
    default:
        return FAULT_UPSTREAM_REFUSED;
    }
}

/* As the provider wrote it; to a client of another dialect in that one's words. */
static void keep_refusal(struct exchange *x, const struct openai_refusal *r)
{
    struct attempt *a = &x->attempt;

    if (a->foreign && !translate_passes(x)) {
        x->passed_status = a->status;
        error_put(x, refusal_fault(a->status), r->message, &x->passed);
        return;
    }

    x->passed = a->body;
    a->body = (struct buf){0};
    x->passed_status = a->status;
    x->passed_type = http_fields_find(&a->reply, STR("content-type"));
}

static void refused(struct exchange *x)
{
    struct attempt *a = &x->attempt;
    struct openai_refusal r = a->foreign ? translate_refusal(x, a->status, body_of(a))
                                         : openai_refusal(x->mem, a->status, body_of(a));
    struct str name = attempt_target_name(x);

    whole_flush(x);
    if (!a->running)
        return;
    if (fault_info(r.fault)->remedy == REMEDY_STOP && a->body.len > 0)
        keep_refusal(x, &r);
    attempt_over(x, r.fault, "%.*s answered %u%s%.*s", STR_ARG(name), a->status,
                 r.message.len > 0 ? ": " : "", quoted_len(r.message), r.message.ptr);
}

static void answered(struct exchange *x, struct str body)
{
    struct attempt *a = &x->attempt;
    struct http_fields f = {0};

    x->first_content_ns = loop_turn_ns(x->call->loop);
    if (answer_fields(x, &f) < 0 ||
        answer_upstream_fields(x, &f, &a->reply, a->inflate == NULL) < 0)
        f = (struct http_fields){0};
    answer_whole(x, a->status, &f, body);
    if (!x->finished)
        attempt_done(x);
}

void whole_end(struct exchange *x)
{
    struct attempt *a = &x->attempt;
    struct str name, body = body_of(a);
    enum fault f;

    x->gl->rewrite.len = 0;
    if (a->status >= 300) {
        refused(x);
        return;
    }
    f = a->foreign ? translate_whole(x, body_of(a), &x->gl->rewrite, &body)
                   : openai_watch_body(&a->watch, body);
    if (f == FAULT_NONE && (a->foreign || !x->req.stream)) {
        struct gateway_loop *gl = x->gl;

        if (x->req.stream)
            whole_tell(x, body);
        else
            answered(x, body);
        if (gl->rewrite.cap > REWRITE_KEPT_BYTES)
            buf_done(&gl->rewrite);
        return;
    }
    if (f == FAULT_NONE) {
        whole_flush(x);
        if (!a->running || whole_retell(x))
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
