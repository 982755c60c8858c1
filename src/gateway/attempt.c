/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/attempt.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/log.h"
#include "gateway/entra.h"
#include "gateway/retry.h"
#include "gateway/translate.h"
#include "gateway/stages.h"

#define WHY_MAX 512u
/* Credential refusals are not counted against retry.attempts, so this bounds the calls. */
#define RECORDS_MAX 80u
/* How often a request that waits for the first token looks: others of its loop go on meanwhile. */
#define TOKEN_LOOK_MS 10u

struct str attempt_target_name(struct exchange *x)
{
    const struct conf_target *t = x->attempt.candidate->target;

    if (t->model.len == 0)
        return t->provider->name;
    return arena_join(x->mem, (struct str[]){t->provider->name, STR("/"), t->model}, 3);
}

/* ---- which target next ---- */

static enum verdict give_up(struct exchange *x)
{
    enum fault f = x->last_fault;

    if (f == FAULT_UPSTREAM_KEY)
        return exchange_fail(x, FAULT_KEYS_EXHAUSTED, STR(""),
                             "Every credential of every eligible target was refused. Last: %.*s",
                             STR_ARG(x->why));
    if (f == FAULT_NONE)
        return exchange_fail(x, FAULT_KEYS_EXHAUSTED, STR(""),
                             "No target of this model can be asked.");
    x->fault = f; /* x->why was set when it happened */
    return VERDICT_FAIL;
}

/* A wait that cannot end in time is not begun: the client is better off with an answer now. */
static bool is_worth_waiting(struct exchange *x, uint64_t wait_ms)
{
    uint64_t now = exchange_now_ms(x);

    if (wait_ms > x->gl->gw->conf->retry.retry_after_max_ms)
        return false;
    return x->deadline_ms == 0 || now + wait_ms < x->deadline_ms;
}

static void back_off(struct exchange *x, uint64_t wait_ms)
{
    x->backing_off = true;
    x->backoff_until_ms = exchange_now_ms(x) + wait_ms;
    exchange_timer_at(x, x->backoff_until_ms);
}

static bool is_past_deadline(const struct exchange *x)
{
    return x->deadline_ms != 0 && exchange_now_ms(x) >= x->deadline_ms;
}

static enum verdict fail_deadline(struct exchange *x)
{
    struct str last = x->why;

    return exchange_fail(x, FAULT_DEADLINE, STR(""),
                         "No answer within the total limit of %u ms.%s%.*s", x->total_ms,
                         last.len > 0 ? " Last: " : "", STR_ARG(last));
}

static void note_fallback(struct exchange *x, const struct candidate *c)
{
    if (x->fell_back || x->alias == NULL || c->alias == x->alias)
        return;
    x->fell_back = true;
    metric_add(x->gl->shard, x->gl->gw->series.fallbacks[x->alias->index], 1);
}

/* Somebody who would have been asked was not, since the provider had said that it would refuse. */
static void note_passed(struct exchange *x)
{
    const struct candidate *c = x->route.passed;

    if (c == NULL)
        return;
    metric_add(x->gl->shard, x->gl->gw->series.skips[c->provider->conf->index], 1);
    log_debug("%.*s provider %.*s is out of allowance: another target is asked",
              STR_ARG(x->request_id), STR_ARG(c->provider->conf->name));
}

static bool take_key(struct exchange *x, struct candidate *c)
{
    x->attempt.key = provider_key_pick(c->provider, c->allowances, x->route.tokens, c->keys_tried,
                                       exchange_now_ms(x));
    if (x->attempt.key != KEY_NONE || c->provider->conf->keys_count == 0)
        return true;
    c->out = true;
    return false;
}

/* This target cannot be asked this, whatever it is: another may (R48).  The client hears why when
 * nobody could be asked, or what was heard before. */
static enum verdict pass_over(struct exchange *x, struct candidate *c, struct str why,
                              struct str param)
{
    c->out = true;
    if (x->last_fault == FAULT_NONE || fault_info(x->last_fault)->blame == BLAME_CLIENT) {
        x->last_fault = x->fault;
    } else {
        x->why = why;
        x->param = param;
    }
    return VERDICT_NEXT;
}

/* For a token, which is to come as soon as a connection is: another target may be waiting. */
static bool waited_too_long(struct exchange *x, const struct conf_target *t)
{
    uint64_t now_ms = exchange_now_ms(x);

    if (x->token_since_ms == 0)
        x->token_since_ms = now_ms;
    return t->timeouts.connect_ms != 0 && now_ms - x->token_since_ms > t->timeouts.connect_ms;
}

static enum verdict fail_token(struct exchange *x, struct candidate *c, struct str text)
{
    struct str why = x->why, param = x->param;

    x->token_since_ms = 0;
    exchange_fail(x, FAULT_UPSTREAM_KEY, STR(""), "%.*s has no token of Entra ID: %.*s",
                  STR_ARG(c->provider->conf->name), STR_ARG(text));
    return pass_over(x, c, why, param);
}

static enum verdict await_token(struct exchange *x, struct candidate *c)
{
    if (waited_too_long(x, c->target))
        return fail_token(x, c, STR("none came within timeouts.connect"));
    back_off(x, TOKEN_LOOK_MS);
    return VERDICT_WAIT;
}

/* Who wants a token gets it here.  False: not now, and what follows from that. */
static bool take_token(struct exchange *x, struct candidate *c, enum verdict *ret_verdict)
{
    struct str text = {NULL, 0};

    x->token = STR("");
    if (c->provider->entra == NULL)
        return true;
    switch (entra_token(c->provider->entra, x->mem, exchange_now_ms(x), &text)) {
    case ENTRA_READY:
        x->token = text;
        x->token_since_ms = 0;
        if (text.ptr != NULL)
            return true;
        *ret_verdict =
            exchange_fail(x, FAULT_OVERLOADED, STR(""), "limits.exchange_bytes is reached.");
        break;
    case ENTRA_WAIT:
        *ret_verdict = await_token(x, c);
        break;
    case ENTRA_FAILED:
        *ret_verdict = fail_token(x, c, text);
        break;
    }
    return false;
}

static enum verdict start(struct exchange *x, struct candidate *c)
{
    struct str why = x->why, param = x->param;
    enum verdict v;

    if (!translate_can_serve(x, c->target)) {
        translate_cannot_serve(x, c->target);
        return pass_over(x, c, why, param);
    }
    if (!take_key(x, c)) /* it is drawn when it is used */
        return VERDICT_NEXT;
    if (!take_token(x, c, &v))
        return v;
    v = attempt_fetch_start(x, c);
    if (v == VERDICT_FAIL && fault_info(x->fault)->blame == BLAME_CLIENT)
        return pass_over(x, c, why, param);
    if (v == VERDICT_WAIT)
        note_fallback(x, c);
    return v;
}

/* Start the next try, at once or after a wait.  NEXT: not with this one. */
static enum verdict try_one(struct exchange *x)
{
    uint32_t max = x->gl->gw->conf->retry.attempts;
    uint64_t wait_ms = 0;
    struct candidate *c;

    if (is_past_deadline(x))
        return fail_deadline(x);
    if (x->counted >= max || x->records_count >= RECORDS_MAX)
        return give_up(x);
    c = route_next(&x->route, exchange_now_ms(x), &wait_ms);
    if (c == NULL)
        return give_up(x);
    note_passed(x);
    if (wait_ms > 0) {
        if (!is_worth_waiting(x, wait_ms)) {
            x->retry_after_out_ms = wait_ms;
            return give_up(x);
        }
        back_off(x, wait_ms);
        return VERDICT_WAIT;
    }
    return start(x, c);
}

static enum verdict try_next(struct exchange *x)
{
    enum verdict v;

    do {
        v = try_one(x);
    } while (v == VERDICT_NEXT);
    return v;
}

/* ---- how a try went ---- */

static void observe(struct exchange *x, enum fault f, uint64_t ns)
{
    struct gateway *g = x->gl->gw;
    const struct conf_target *t = x->attempt.candidate->target;
    const struct series *s = &g->series;

    metric_observe(x->gl->shard, s->calls[series_slot(g->conf, t)][f], ns / 1000);
    if (f != FAULT_NONE && f != FAULT_CLIENT_LEFT && f != FAULT_DRAINING)
        metric_add(x->gl->shard, series_error(&g->series, t->provider, x->attempt.status, f), 1);
    if (x->attempt.fetch.replayed)
        metric_add(x->gl->shard, s->replays[t->provider->index], 1);
}

/* What no byte of went out nobody has counted. */
static void return_unsent(struct attempt *a)
{
    if (a->allowance != NULL && a->fetch.bytes_out == 0)
        allowance_return(a->allowance, &a->mark);
}

void attempt_record(struct exchange *x, enum fault f)
{
    struct attempt *a = &x->attempt;
    uint64_t now = loop_turn_ns(x->call->loop); /* when its end came in */
    uint64_t ns = now > a->started_ns ? now - a->started_ns : 0;

    return_unsent(a);
    observe(x, f, ns);
    x->records[x->records_count - 1] = (struct attempt_record){
        .target = a->candidate->target,
        .fault = f,
        .status = a->status,
        .ms = (uint32_t)(ns / 1000000u),
    };
}

/* Does this failure tell anything about the target, rather than about the request or the key? */
static bool blames_target(enum fault f)
{
    const struct fault_info *info = fault_info(f);

    return info->blame == BLAME_UPSTREAM && info->remedy == REMEDY_RETRY;
}

static void learn(struct exchange *x, enum fault f)
{
    struct candidate *c = x->attempt.candidate;
    const struct conf_retry *policy = &x->gl->gw->conf->retry;

    if (f == FAULT_NONE)
        target_succeeded(c->state);
    else if (blames_target(f))
        target_failed(c->state, f, x->attempt.retry_after_ms, policy, exchange_now_ms(x));
}

static void bench_key(struct exchange *x)
{
    struct attempt *a = &x->attempt;
    struct provider_state *p = a->candidate->provider;

    if (a->key == KEY_NONE)
        return;
    log_warn("provider %.*s refused key %s (%u): it rests for %u ms", STR_ARG(p->conf->name),
             log_mask(p->conf->keys[a->key]).text, a->status, x->gl->gw->conf->retry.key_bench_ms);
    provider_key_bench(p, a->key, exchange_now_ms(x) + x->gl->gw->conf->retry.key_bench_ms);
}

void attempt_credential_refused(struct exchange *x)
{
    struct entra *entra = x->attempt.candidate->provider->entra;

    bench_key(x);
    if (entra != NULL)
        entra_refused(entra, exchange_now_ms(x));
}

/* The credential was refused: the same target with the next one, if there is one. */
static void next_key(struct exchange *x)
{
    struct candidate *c = x->attempt.candidate;

    attempt_credential_refused(x);
    x->counted--;
    if (x->attempt.key == KEY_NONE || c->provider->conf->keys_count == 1) {
        c->out = true;
        return;
    }
    if (x->attempt.key < 64)
        c->keys_tried |= 1ull << x->attempt.key;
    else
        c->out = true;
    c->asked--; /* it was the key, not the target */
}

static void later(struct exchange *x)
{
    struct candidate *c = x->attempt.candidate;
    uint64_t chance = rand_u64(&x->gl->rand);

    c->failures++;
    c->not_before_ms =
        exchange_now_ms(x) + retry_delay_ms(&x->gl->gw->conf->retry, c->failures, x->attempt.status,
                                            x->attempt.retry_after_ms, chance);
}

/* A refused credential or model says less to the client than another target's failure before it. */
static bool is_lesser(const struct exchange *x, enum fault f)
{
    enum remedy remedy = (enum remedy)fault_info(f)->remedy;

    return (remedy == REMEDY_NEXT_KEY || remedy == REMEDY_NEXT_TARGET) &&
           x->last_fault != FAULT_NONE && fault_info(x->last_fault)->remedy == REMEDY_RETRY;
}

/* It failed before anything of it reached the client. */
static void follow(struct exchange *x, enum fault f)
{
    if (!is_lesser(x, f))
        x->last_fault = f;
    switch ((enum remedy)fault_info(f)->remedy) {
    case REMEDY_STOP:
        x->fault = f;
        pipeline_resume(x, VERDICT_FAIL);
        return;
    case REMEDY_NEXT_KEY:
        next_key(x);
        break;
    case REMEDY_NEXT_TARGET:
        x->attempt.candidate->out = true;
        break;
    case REMEDY_RETRY:
        later(x);
        break;
    }
    x->retry_after_out_ms = x->attempt.retry_after_ms;
    back_off(x, 0);
}

static void end(struct exchange *x, enum fault f)
{
    assert(x->attempt.running);
    x->attempt.running = false;
    attempt_record(x, f);
    learn(x, f);
}

void attempt_done(struct exchange *x)
{
    end(x, FAULT_NONE);
    x->fault = FAULT_NONE;
    pipeline_resume(x, VERDICT_DONE);
}

void attempt_over(struct exchange *x, enum fault f, const char *fmt, ...)
{
    char text[WHY_MAX];
    va_list ap;

    assert(f != FAULT_NONE);
    end(x, f);
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (x->answer.committed || !is_lesser(x, f))
        x->why = arena_dup(x->mem, str_from(text));
    x->param = (struct str){NULL, 0}; /* of a target that could not be asked */
    log_debug("%.*s attempt %u at %.*s: %s: %s", STR_ARG(x->request_id), x->records_count,
              STR_ARG(attempt_target_name(x)), fault_info(f)->wire, text);
    if (x->answer.committed) {
        x->fault = f;
        pipeline_resume(x, VERDICT_FAIL);
        return;
    }
    follow(x, f);
}

/* ---- the stage ---- */

enum verdict attempt_enter(struct exchange *x)
{
    return try_next(x);
}

void attempt_cancel(struct exchange *x)
{
    x->backing_off = false;
    if (!x->attempt.running)
        return;
    x->attempt.running = false;
    http_fetch_cancel(&x->attempt.fetch);
    attempt_record(x, x->fault);
}

void attempt_drain(struct exchange *x)
{
    if (!x->answer.held)
        return;
    x->answer.held = false;
    if (x->attempt.running)
        http_fetch_resume(&x->attempt.fetch);
}

static void go_on(struct exchange *x)
{
    enum verdict v;

    x->backing_off = false;
    v = try_next(x);
    if (v != VERDICT_WAIT)
        pipeline_resume(x, v);
}

static void first_content_late(struct exchange *x)
{
    http_fetch_cancel(&x->attempt.fetch);
    attempt_over(x, FAULT_UPSTREAM_TIMEOUT, "%.*s: the limit timeouts.first_content passed.",
                 STR_ARG(attempt_target_name(x)));
}

static bool is_due(uint64_t due_ms, uint64_t now_ms)
{
    return due_ms != 0 && now_ms >= due_ms;
}

static void keep_alive(struct exchange *x, uint64_t now)
{
    const struct conf_stream *s = &x->gl->gw->conf->stream;

    if (!x->req.stream || s->keepalive == KEEPALIVE_OFF || s->keepalive_ms == 0)
        return;
    if (now >= x->answer.last_ms + s->keepalive_ms)
        events_keepalive(x);
    exchange_timer_at(x, x->answer.last_ms + s->keepalive_ms);
}

void attempt_tick(struct exchange *x)
{
    struct attempt *a = &x->attempt;
    uint64_t now = exchange_now_ms(x);

    if (x->backing_off && now >= x->backoff_until_ms) {
        go_on(x);
        return;
    }
    if (a->running && is_due(a->first_content_due_ms, now)) {
        first_content_late(x);
        return;
    }
    if (a->running && is_due(x->answer.linger_until_ms, now)) {
        http_fetch_cancel(&a->fetch);
        events_end(x);
        return;
    }
    keep_alive(x, now);
    if (x->backing_off)
        exchange_timer_at(x, x->backoff_until_ms);
    if (a->running && a->first_content_due_ms != 0)
        exchange_timer_at(x, a->first_content_due_ms);
    if (a->running && x->answer.linger_until_ms != 0)
        exchange_timer_at(x, x->answer.linger_until_ms);
}
