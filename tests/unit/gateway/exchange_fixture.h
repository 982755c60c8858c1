/*
 * exchange_fixture.h - one exchange between a client and upstreams that are both played here.
 *
 * Everything of src/gateway/ is the real thing, on a real loop that is never run; the two sides of
 * src/http/ that it calls are stood in for by this file, so there are no sockets.  The loop's time
 * stands still until pass_ms().
 *
 *     begin(&f, "/v1/chat/completions", body)  a client asks
 *     replies(&f, 200, "content-type: …\n")    the upstream that is being asked sends a head,
 *     says(&f, "data: …\n\n")                  one read's worth of its body,
 *     ends(&f), or breaks(&f, HTTP_FAIL_RESET, HTTP_PHASE_BODY)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_EXCHANGE_FIXTURE_H
#define TESTS_EXCHANGE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "gateway/attempt.h"
#include "gateway/relay.h"
#include "unit/conf/conf_helper.h"

struct client_side { /* what the client got */
    struct buf head; /* "200\nname: value\n…" */
    struct buf body;
    unsigned writes; /* of the body */
    bool ended, aborted, dropped;
    bool slow; /* the next bytes are answered with FLOW_HOLD */
    bool paused;
    size_t held; /* for its call, beside the body */
};

struct upstream_side { /* what upstreams got */
    struct http_fetch *fetch;
    unsigned asked, cancelled, resumed;
    struct buf head, body; /* of the last one */
    bool ended;            /* a streamed body did */
    bool full;             /* the next start fails for want of memory */
    bool slow;             /* the next piece of a body is answered with FLOW_HOLD */
};

struct fixture {
    struct loop loop;
    struct conf *conf;
    struct metric_registry *metrics;
    struct gateway gw;
    struct gateway_loop gl;
    struct http_call call;
    struct exchange *x;
    struct client_side client;
    struct upstream_side upstream;
};

#define UNUSED __attribute__((unused))

/* ---- the server's side, stood in for ---- */

static struct fixture *fixture_of(struct http_call *c)
{
    return CONTAINER_OF(c, struct fixture, call);
}

static void append(struct buf *b, struct str s)
{
    assert_int_equal(buf_put(b, s), 0);
}

void http_reply_head(struct http_call *c, unsigned status, const struct http_fields *fields,
                     int64_t length)
{
    struct client_side *to = &fixture_of(c)->client;

    (void)length;
    assert_int_equal(c->status, 0);
    c->status = status;
    assert_int_equal(buf_printf(&to->head, "%u\n", status), 0);
    for (uint32_t i = 0; i < fields->count; i++)
        assert_int_equal(buf_printf(&to->head, "%.*s: %.*s\n", STR_ARG(fields->at[i].name),
                                    STR_ARG(fields->at[i].value)),
                         0);
}

enum flow http_reply_body(struct http_call *c, const struct str *pieces, unsigned n)
{
    struct client_side *to = &fixture_of(c)->client;
    enum flow flow = to->slow ? FLOW_HOLD : FLOW_MORE;

    assert_int_not_equal(c->status, 0);
    assert_false(c->replied);
    to->writes++;
    to->slow = false;
    for (unsigned i = 0; i < n; i++)
        append(&to->body, pieces[i]);
    return flow;
}

void http_reply_end(struct http_call *c)
{
    assert_false(c->replied);
    c->replied = fixture_of(c)->client.ended = true;
}

void http_reply_last(struct http_call *c, struct str bytes)
{
    http_reply_body(c, &bytes, 1);
    http_reply_end(c);
}

void http_reply_abort(struct http_call *c)
{
    assert_false(c->replied);
    c->replied = fixture_of(c)->client.aborted = true;
}

void http_reply(struct http_call *c, unsigned status, const struct http_fields *fields,
                struct str body)
{
    http_reply_head(c, status, fields, (int64_t)body.len);
    http_reply_last(c, body);
}

void http_call_pause(struct http_call *c)
{
    fixture_of(c)->client.paused = true;
}

void http_call_resume(struct http_call *c)
{
    fixture_of(c)->client.paused = false;
}

bool http_call_hold(struct http_call *c, size_t bytes)
{
    fixture_of(c)->client.held = bytes;
    return true;
}

void http_call_let_go(struct http_call *c)
{
    fixture_of(c)->client.held = 0;
}

void http_call_forget(struct http_call *c, struct arena *kept)
{
    fixture_of(c)->client.dropped = true;
    c->fields = (struct http_fields){0};
    arena_done(&c->arena);
    c->arena = *kept;
    *kept = (struct arena){0};
}

/* ---- the upstream client's side, stood in for ---- */

static struct fixture *fixture_by(const struct http_fetch *f)
{
    return fixture_of(((struct exchange *)f->user)->call);
}

int http_fetch_start(struct http_fetch *f)
{
    struct upstream_side *u = &fixture_by(f)->upstream;

    if (u->full)
        return -ENOMEM;
    u->fetch = f;
    u->asked++;
    u->head.len = u->body.len = 0;
    append(&u->head, f->request.head);
    for (unsigned i = 0; i < f->request.body_count; i++)
        append(&u->body, f->request.body[i]);
    f->bytes_out = u->head.len + u->body.len;
    f->active = true;
    f->sent_ns = loop_clock_ns();
    return 0;
}

void http_fetch_cancel(struct http_fetch *f)
{
    struct upstream_side *u = &fixture_by(f)->upstream;

    if (f->active) /* the reply may have ended already */
        u->cancelled++;
    f->active = false;
}

void http_fetch_resume(struct http_fetch *f)
{
    fixture_by(f)->upstream.resumed++;
}

bool http_fetch_forget(struct http_fetch *f)
{
    f->request = (struct http_request_out){0};
    return f->active && f->sent_ns != 0;
}

enum flow http_fetch_send(struct http_fetch *f, struct str piece)
{
    struct upstream_side *u = &fixture_by(f)->upstream;
    enum flow flow = u->slow ? FLOW_HOLD : FLOW_MORE;

    u->slow = false;
    append(&u->body, piece);
    return flow;
}

void http_fetch_send_end(struct http_fetch *f)
{
    fixture_by(f)->upstream.ended = true;
}

/* ---- the gateway, without its listener ---- */

static void open_gateway(struct fixture *f)
{
    const struct conf *c = f->conf;
    struct gateway *g = &f->gw;

    g->conf = f->conf;
    g->metrics = f->metrics;
    g->targets = aligned_alloc(64, (c->targets_count + 1u) * sizeof(*g->targets));
    g->providers = aligned_alloc(64, (c->providers_count + 1u) * sizeof(*g->providers));
    g->tickets = calloc(c->models_count + 1u, sizeof(*g->tickets));
    assert_true(g->targets != NULL && g->providers != NULL && g->tickets != NULL);
    memset(g->targets, 0, (c->targets_count + 1u) * sizeof(*g->targets));
    memset(g->providers, 0, (c->providers_count + 1u) * sizeof(*g->providers));
    for (uint32_t i = 0; i < c->providers_count; i++) {
        g->providers[i].conf = &c->providers[i];
        g->providers[i].benched =
            calloc(c->providers[i].keys_count + 1u, sizeof(*g->providers[i].benched));
        assert_non_null(g->providers[i].benched);
    }
    assert_int_equal(series_init(&g->series, f->metrics, c), 0);
    f->gl.gw = g;
    f->gl.loop = &f->loop;
    f->gl.shard = metric_shard_new(f->metrics);
    assert_int_equal(alarms_open(&f->gl.alarms, &f->loop), 0);
    assert_non_null(f->gl.shard);
    list_init(&f->gl.exchanges);
    rand_init(&f->gl.rand, 1);
}

/* `text` is a configuration. */
UNUSED static void open_fixture(struct fixture *f, const char *text)
{
    *f = (struct fixture){.conf = load_fine(text)};
    log_set_level(LOG_ERROR);
    assert_int_equal(loop_init(&f->loop, 0), 0);
    f->metrics = metric_registry_new();
    assert_non_null(f->metrics);
    open_gateway(f);
}

static void forget(struct fixture *f)
{
    struct client_side *c = &f->client;
    struct upstream_side *u = &f->upstream;

    if (f->x != NULL) {
        pipeline_cancel(f->x, FAULT_CLIENT_LEFT);
        f->x->finished = true; /* also one that only arrived */
        relay_done(f->x);
        exchange_free(f->x);
        f->x = NULL;
        assert_int_equal(c->held, 0);
    }
    arena_done(&f->call.arena);
    buf_done(&c->head);
    buf_done(&c->body);
    buf_done(&u->head);
    buf_done(&u->body);
    *c = (struct client_side){0};
    *u = (struct upstream_side){0};
}

UNUSED static void close_fixture(struct fixture *f)
{
    forget(f);
    buf_done(&f->gl.out);
    buf_done(&f->gl.rewrite);
    exchange_pool_done(&f->gl);
    alarms_close(&f->gl.alarms, NULL);
    loop_done(&f->loop);
    for (uint32_t i = 0; i < f->conf->providers_count; i++)
        free(f->gw.providers[i].benched);
    free(f->gw.targets);
    free(f->gw.providers);
    free(f->gw.tickets);
    series_done(&f->gw.series);
    metric_registry_free(f->metrics);
    conf_unref(f->conf);
    arena_thread_done();
}

/* ---- the client ---- */

/* A request whose head has come; no stage has seen it yet.  `fields` are lines. */
static void arrive(struct fixture *f, const char *method, const char *target, const char *fields)
{
    struct str rest = str_from(fields), line, name, value, allow;

    forget(f);
    f->call = (struct http_call){.loop = &f->loop,
                                 .method = str_from(method),
                                 .target = str_from(target),
                                 .content_length = -1,
                                 .started_ns = loop_now_ms(&f->loop) * 1000000u,
                                 .peer = "192.0.2.7"};
    str_cut(f->call.target, '?', &f->call.path, &f->call.query);
    while (str_cut(rest, '\n', &line, &rest)) {
        assert_true(str_cut(line, ':', &name, &value));
        assert_int_equal(http_fields_add(&f->call.fields, &f->call.arena, name, str_trim(value)),
                         0);
    }
    f->x = exchange_new(&f->gl, &f->call, surface_find(f->call.method, f->call.path, &allow));
    assert_non_null(f->x);
    f->x->request_id = STR("req_1");
}

/* A POST whose body is there. */
UNUSED static void begin_with(struct fixture *f, const char *path, const char *fields,
                              const char *body)
{
    arrive(f, "POST", path, fields);
    f->call.body = str_from(body);
    f->x->body_ready = true;
    pipeline_start(f->x, f->x->surface->stages);
}

UNUSED static void begin(struct fixture *f, const char *path, const char *body)
{
    begin_with(f, path, "", body);
}

#define CHAT "/v1/chat/completions"

/* `more` is further members of the body, each with a comma before it. */
UNUSED static void ask_with(struct fixture *f, const char *model, const char *more)
{
    char body[512];

    snprintf(body, sizeof(body), "{\"model\":\"%s\",\"messages\":[{}]%s}", model, more);
    arrive(f, "POST", CHAT, "");
    f->call.body = arena_dup(&f->call.arena, str_from(body));
    f->x->body_ready = true;
    pipeline_start(f->x, f->x->surface->stages);
}

UNUSED static void ask(struct fixture *f, const char *model)
{
    ask_with(f, model, "");
}

UNUSED static void ask_stream(struct fixture *f, const char *model)
{
    ask_with(f, model, ",\"stream\":true");
}

UNUSED static void leaves(struct fixture *f)
{
    f->call.left = true;
    pipeline_cancel(f->x, FAULT_CLIENT_LEFT);
}

/* ---- the upstream ---- */

UNUSED static struct http_fetch *being_asked(struct fixture *f)
{
    if (f->upstream.fetch == NULL || !f->upstream.fetch->active)
        fail_msg("nobody is being asked; the client was told %u %.*s", f->call.status,
                 STR_ARG(buf_str(&f->client.body)));
    return f->upstream.fetch;
}

UNUSED static void replies(struct fixture *f, unsigned status, const char *fields)
{
    struct http_fetch *u = being_asked(f);
    struct http_reply_in head = {.status = status, .content_length = -1};
    struct str rest = str_from(fields), line, name, value;

    while (str_cut(rest, '\n', &line, &rest)) {
        assert_true(str_cut(line, ':', &name, &value));
        assert_int_equal(http_fields_add(&head.fields, u->arena, name, str_trim(value)), 0);
    }
    u->phase = HTTP_PHASE_BODY;
    u->ops->on_head(u, &head);
}

UNUSED static enum flow says_bytes(struct fixture *f, struct str bytes)
{
    struct http_fetch *u = being_asked(f);
    enum flow flow = u->ops->on_body(u, bytes);

    if (u->active && u->ops->on_batch != NULL)
        u->ops->on_batch(u);
    return flow;
}

UNUSED static enum flow says(struct fixture *f, const char *bytes)
{
    return says_bytes(f, str_from(bytes));
}

UNUSED static void ends(struct fixture *f)
{
    struct http_fetch *u = being_asked(f);

    u->active = false;
    u->ops->on_end(u);
}

/* No connection has been made yet. */
UNUSED static void is_connecting(struct fixture *f)
{
    being_asked(f)->bytes_out = 0;
}

UNUSED static void breaks(struct fixture *f, enum http_failure how, enum http_phase phase)
{
    struct http_fetch *u = being_asked(f);

    if (phase < HTTP_PHASE_SEND)
        is_connecting(f);
    u->active = false;
    u->phase = phase;
    u->ops->on_fail(u, how, "it broke");
}

UNUSED static void refuses(struct fixture *f, unsigned status, const char *fields, const char *body)
{
    replies(f, status, fields);
    says(f, body);
    ends(f);
}

#define EVENTS "content-type: text/event-stream\n"
#define JSON "content-type: application/json\n"
#define HELLO                                                                                      \
    "{\"id\":\"c\",\"choices\":[{\"index\":0,\"message\":{\"content\":\"hello\"},"                 \
    "\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":1}}"

UNUSED static void answers(struct fixture *f)
{
    refuses(f, 200, JSON, HELLO);
}

/* ---- time ---- */

/* What the timer would do, if it is due by then. */
UNUSED static void pass_ms(struct fixture *f, uint64_t ms)
{
    f->loop.uv.time += ms;
    if (f->x->finished || !alarm_is_set(&f->x->timer) || f->x->timer.due_ms > loop_now_ms(&f->loop))
        return;
    exchange_timer_stop(f->x);
    attempt_tick(f->x);
}

/* How long the back-off that is under way takes; it has to be one. */
UNUSED static uint64_t waits_ms(const struct fixture *f)
{
    assert_true(f->x->backing_off);
    return f->x->backoff_until_ms - exchange_now_ms(f->x);
}

/* ---- what came of it ---- */

#define assert_in(s, text) assert_non_null(str_find(s, str_from(text)))
#define assert_has(b, text) assert_in(buf_str(b), text)
#define assert_has_not(b, text) assert_null(str_find(buf_str(b), str_from(text)))

/* The upstream that is asked now is this host, with this credential. */
#define assert_asks(f, host, credential)                                                           \
    do {                                                                                           \
        being_asked(f);                                                                            \
        assert_has(&(f)->upstream.head, "host: " host "\r\n");                                     \
        assert_has(&(f)->upstream.head, "authorization: Bearer " credential "\r\n");               \
    } while (0)

/* The client was told this, whole. */
#define assert_told(f, code, text)                                                                 \
    do {                                                                                           \
        assert_true((f)->x->finished && (f)->client.ended);                                        \
        assert_int_equal((f)->call.status, code);                                                  \
        assert_has(&(f)->client.body, text);                                                       \
    } while (0)

#endif
