/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/translate.h"

#include <errno.h>
#include <time.h>

#include "gateway/translate_embed.h"
#include "llm/chat_origin.h"
#include "llm/chat_surface.h"
#include "llm/chat_text.h"
#include "llm/generate.h"
#include "llm/messages.h"
#include "llm/quirks.h"
#include "llm/responses.h"

#define ID_DIGITS 24u
/* What is read of a body takes up to this much for each of its bytes: `{"role":"user"}` becomes two
 * structs. */
#define READ_FACTOR 32u
#define DROPPED_NAME_MAX 64u
#define DROPPED_BYTES_MAX 1024u
/* Less than this is not counted: the threads would fight for the counter at every request. */
#define COUNTED_MIN 8192u

struct translation {
    struct arena home; /* where it lives itself, for as long as the stream */
    struct chat_request *request;
    struct arena asked; /* that, and what was read of the body; goes when content has gone */
    struct arena told;  /* decoder and writer; goes with the attempt */
    bool read;
    bool marked; /* what was read bears marks of other makers (llm/chat_origin.h) */
    struct chat_origin_sieve sieve;
    uint32_t unread_count; /* of request->dropped: what reading alone has left out */
    const struct chat_surface *surface;
    struct chat_answer_facts facts;
    struct embedding *embedding; /* in the place of request and facts; NULL on other surfaces */
    struct buf body;             /* what the attempt's target is asked */
    uint64_t counted;            /* of body and `asked`, in the gateway's bytes in flight */
    bool array; /* the client has asked for its stream as one JSON array (Google's) */
    struct buf spare;
    /* Of the attempt. */
    const struct dialect *dialect;
    struct chat_decoder *decoder;
    struct chat_writer *writer; /* NULL: the answer's bytes pass */
    struct chat_origin_marker marker;
    bool encoded; /* false: so have the request's */
    bool cut;     /* … but for thinking that another maker sealed */
    /* Of the call that is under way. */
    struct buf *out; /* NULL: events are collected for a whole answer */
    int err;
    bool content, ended, failed;
    bool any; /* elements of the array were written */
};

static bool is_count(const struct exchange *x)
{
    return x->surface->id == SURFACE_COUNT_TOKENS;
}

/* What this exchange is asked in.  Embeddings and the like have but one API. */
static enum chat_dialect dialect_of(const struct exchange *x, const struct conf_target *t)
{
    bool responses =
        t->api == API_RESPONSES || (t->api == API_EITHER && x->surface->dialect == CHAT_RESPONSES);

    return responses && x->surface->any_dialect && x->surface->id != SURFACE_EMBEDDINGS
               ? CHAT_RESPONSES
               : t->provider->dialect;
}

bool translate_applies(const struct exchange *x, const struct conf_target *t)
{
    return dialect_of(x, t) != CHAT_OPENAI || x->surface->dialect != CHAT_OPENAI;
}

bool translate_can_serve(const struct exchange *x, const struct conf_target *t)
{
    if (x->surface->id == SURFACE_EMBEDDINGS)
        return translate_embed_can_serve(t);
    return x->surface->any_dialect || t->provider->dialect == x->surface->dialect;
}

bool translate_passes(const struct exchange *x)
{
    const struct translation *t = x->translation;

    return t == NULL || (t->writer == NULL && t->embedding == NULL);
}

bool translate_as_it_came(const struct exchange *x)
{
    return translate_passes(x) && !x->translation->array;
}

bool translate_array(struct exchange *x)
{
    return x->surface->dialect == CHAT_GEMINI && x->req.stream &&
           !str_eq(generate_parameter(x->mem, x->call->query, STR("alt")), STR("sse"));
}

void translate_cannot_serve(struct exchange *x, const struct conf_target *t)
{
    const struct conf_provider *p = t->provider;
    struct str what = x->surface->action.len > 0 ? x->surface->action : x->surface->path;
    bool embeds = x->surface->id == SURFACE_EMBEDDINGS;

    exchange_fail(x, is_count(x) ? FAULT_NOT_SUPPORTED : FAULT_BAD_REQUEST, STR("model"),
                  "%.*s speaks the dialect of %s: %.*s cannot be translated for it%s.",
                  STR_ARG(p->name), dialect_get(p->dialect)->name, STR_ARG(what),
                  embeds ? ", since it has no embeddings" : "");
}

enum chat_framing translate_framing(const struct exchange *x)
{
    return x->translation->dialect->framing;
}

/* ---- the request ---- */

static bool out_of_room(struct exchange *x)
{
    exchange_fail(x, FAULT_OVERLOADED, STR(""), "limits.exchange_bytes is reached.");
    return false;
}

static bool refuse(struct exchange *x, const struct chat_problem *p)
{
    if (p->fault == FAULT_NONE || p->why.ptr == NULL)
        return out_of_room(x);
    exchange_fail(x, p->fault, p->param, "%.*s", STR_ARG(p->why));
    return false;
}

static bool name_answer(struct exchange *x, struct translation *t)
{
    char *id = arena_bytes(&t->home, ID_DIGITS);
    struct timespec now;

    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    for (unsigned i = 0; id != NULL && i < ID_DIGITS; i++)
        id[i] = "0123456789abcdef"[rand_u64(&x->gl->rand) & 15];
    t->facts = (struct chat_answer_facts){.id = str_make(id, id != NULL ? ID_DIGITS : 0),
                                          .model = arena_dup(&t->home, x->req.model),
                                          .created_s = (uint64_t)now.tv_sec,
                                          .request = t->request};
    return id != NULL && t->facts.model.ptr != NULL;
}

/* What is read of the body needs room by the body's size. */
static size_t asked_max(const struct exchange *x)
{
    const struct conf_limits *l = &x->gl->gw->conf->limits;
    const size_t by_body = READ_FACTOR * x->call->body.len;

    return l->exchange_bytes + (by_body < l->body_bytes ? by_body : l->body_bytes);
}

static struct translation *translation_new(struct exchange *x)
{
    struct arena home = {.max = x->mem->max, .small = true};
    struct translation *t = ARENA_NEW(&home, struct translation);

    if (t == NULL)
        return NULL;
    t->home = home;
    t->body.max = 2 * x->gl->gw->conf->limits.body_bytes;
    t->asked.max = asked_max(x);
    t->request = ARENA_NEW(&t->asked, struct chat_request);
    t->surface = chat_surface_get(x->surface->dialect);
    t->array = translate_array(x);
    x->translation = t;
    if (t->request != NULL && name_answer(x, t))
        return t;
    translate_done(x);
    return NULL;
}

static struct translation *translation_of(struct exchange *x)
{
    return x->translation != NULL ? x->translation : translation_new(x);
}

/* Behind read_once(): a writer looks at what was asked for, and may repeat it.  A whole answer is
 * gathered in the arena, and is as large as it may be. */
static bool begin_answer(struct exchange *x, struct translation *t, enum chat_dialect maker)
{
    const struct conf_limits *l = &x->gl->gw->conf->limits;

    arena_done(&t->told);
    t->told.max =
        l->exchange_bytes + x->call->body.len + (x->req.stream ? 0 : (size_t)l->reply_bytes);
    t->told.small = x->req.stream; /* it stays as long as the stream */
    t->marker = chat_origin_marker(&t->told, maker, x->surface->dialect);
    t->decoder = t->dialect->decoder_new(&t->told);
    t->writer = NULL;
    t->any = false;
    if (t->dialect->id == x->surface->dialect)
        return t->decoder != NULL;
    t->writer = t->surface->writer_new(&t->told, &t->facts);
    return t->decoder != NULL && t->writer != NULL;
}

static bool read_once(struct exchange *x, struct translation *t)
{
    struct chat_problem p = {.fault = FAULT_NONE};

    if (t->read)
        return true;
    t->read = (is_count(x) ? messages_read_count : t->surface->read)(
        &t->asked, x->call->body, x->gl->gw->conf->limits.json_depth, t->request, &p);
    t->request->stream = x->req.stream; /* Gemini's clients say it in the path */
    t->unread_count = t->request->dropped_count;
    if (!t->read)
        return refuse(x, &p);
    t->marked = chat_origin_read(t->request);
    t->sieve.all = t->request->messages;
    t->sieve.all_count = t->request->messages_count;
    return true;
}

/* What the attempt's target was not told. */
static const struct str *dropped_of(const struct translation *t, uint32_t *ret_count)
{
    const struct embedding *e = t->embedding;

    *ret_count = 0;
    if (e != NULL) {
        *ret_count = e->request.dropped_count;
        return e->request.dropped;
    }
    if (t->request == NULL)
        return NULL; /* told, and gone */
    *ret_count = t->request->dropped_count;
    return t->request->dropped;
}

static bool refuse_dropped(struct exchange *x)
{
    struct str names = translate_dropped(x);
    uint32_t count;

    dropped_of(x->translation, &count);
    exchange_fail(x, FAULT_BAD_REQUEST, count == 1 ? names : STR(""),
                  "%.*s cannot be told: %.*s (translation.strict).",
                  STR_ARG(x->attempt.candidate->target->provider->name), STR_ARG(names));
    return false;
}

/* What was read and written of a body is held beside it, and is limited with it. */
static bool count_bytes(struct exchange *x, struct translation *t)
{
    const uint64_t max = x->gl->gw->conf->limits.in_flight_bytes;
    const uint64_t held = t->asked.used + t->body.cap, grown = held - t->counted;

    if (held < COUNTED_MIN || held <= t->counted || max == 0)
        return true;
    t->counted = held;
    if (atomic_fetch_add_explicit(&x->gl->gw->in_flight, grown, memory_order_relaxed) + grown <=
        max)
        return true;
    exchange_fail(x, FAULT_OVERLOADED, STR(""), "limits.in_flight_bytes is reached.");
    return false;
}

static void forget_question(struct exchange *x, struct translation *t)
{
    buf_done(&t->body);
    arena_done(&t->asked);
    t->facts.request = t->request = NULL;
    if (t->counted > 0)
        atomic_fetch_sub_explicit(&x->gl->gw->in_flight, t->counted, memory_order_relaxed);
    t->counted = 0;
}

static bool take_body(struct exchange *x, struct translation *t)
{
    uint32_t dropped;

    if (!count_bytes(x, t))
        return false;
    dropped_of(t, &dropped);
    if (dropped > 0 && x->gl->gw->conf->translation.strict)
        return refuse_dropped(x);
    x->attempt.fetch.request.body[0] = buf_str(&t->body);
    x->attempt.fetch.request.body_count = 1;
    return true;
}

static bool write_embedding(struct exchange *x, struct translation *t, struct str *ret_path)
{
    struct chat_problem p = {.fault = FAULT_NONE};

    t->encoded = true;
    t->body.len = 0;
    arena_done(&t->told);
    t->told.max = x->gl->gw->conf->limits.exchange_bytes;
    if (t->embedding == NULL)
        t->embedding = translate_embed_read(x, &t->asked, &p);
    if (t->embedding == NULL ||
        !translate_embed_write(x, t->embedding, x->attempt.candidate->target, &t->body, ret_path,
                               &p))
        return refuse(x, &p);
    return take_body(x, t);
}

static bool write_body(struct exchange *x, struct translation *t, struct str model)
{
    struct chat_problem p = {.fault = FAULT_NONE};
    enum chat_dialect maker = chat_origin_of(t->dialect->id, model);

    t->encoded = true;
    t->cut = false;
    t->body.len = 0;
    t->request->dropped_count = t->unread_count;
    t->request->model = model;
    t->request->quirks = quirks_find(x->attempt.candidate->target->provider->server, model);
    if (!chat_origin_sift(&t->sieve, t->request, x->surface->dialect, maker))
        return out_of_room(x);
    if (!t->dialect->encode(t->request, model, &t->body, &p))
        return refuse(x, &p);
    if (is_count(x))
        messages_count_only(&t->body);
    return take_body(x, t);
}

/* The body without what the target would refuse all of it for; where nothing may be left out, the
 * target says so itself. */
static bool cut_body(struct exchange *x, struct translation *t, struct openai_request *ret_req)
{
    const struct conf *c = x->gl->gw->conf;
    struct str why = {NULL, 0}, param = {NULL, 0};

    t->body.len = 0;
    return x->surface->dialect == CHAT_RESPONSES && !c->translation.strict &&
           responses_cut_foreign(x->call->body, &t->body) &&
           openai_request_scan(x->mem, x->surface->openai, buf_str(&t->body), c->limits.json_depth,
                               ret_req, &why, &param) == FAULT_NONE;
}

/* Only the model's name changes. */
static bool pass_body(struct exchange *x, struct translation *t, struct str model)
{
    struct http_request_out *r = &x->attempt.fetch.request;
    struct openai_request req = x->req;

    t->encoded = false;
    t->request->model = model;
    t->request->stream = x->req.stream;
    t->cut = cut_body(x, t, &req);
    r->body_count = x->surface->dialect == CHAT_GEMINI
                        ? generate_splice(x->mem, &req, model, r->body)
                        : openai_request_splice(x->mem, &req, model, false, r->body);
    return r->body_count > 0 || out_of_room(x);
}

/* What another maker's model thought must not pass with the rest of the body. */
static bool is_suspect(const struct exchange *x)
{
    struct str body = x->call->body;

    if (x->surface->dialect == CHAT_GEMINI)
        return x->surface->any_dialect && str_find(body, STR(GENERATE_SEALED)) != NULL;
    return (x->surface->any_dialect || is_count(x)) && chat_origin_suspect(body);
}

/* The body has to be read, though it is in the target's own dialect.  What a Responses client was
 * given to keep is whole items, which can be cut out. */
static bool is_mixed(const struct exchange *x)
{
    return is_suspect(x) &&
           (x->surface->dialect != CHAT_RESPONSES || x->gl->gw->conf->translation.strict);
}

/* On the same dialect the query is the client's as well ("?beta=true"). */
static struct str path_of(struct exchange *x, struct translation *t)
{
    struct str path;

    if (t->writer == NULL && x->surface->dialect == CHAT_GEMINI)
        return generate_path(x->mem, t->request->model, x->surface->action, x->call->query);
    path = is_count(x) ? STR("/messages/count_tokens") : t->dialect->path(x->mem, t->request);
    if (path.ptr == NULL || t->writer != NULL || x->call->query.len == 0)
        return path;
    return arena_join(x->mem, (struct str[]){path, STR("?"), x->call->query}, 3);
}

bool translate_request(struct exchange *x, struct str *ret_path)
{
    const struct conf_target *to = x->attempt.candidate->target;
    struct translation *t = translation_of(x);

    if (t == NULL)
        return out_of_room(x);
    t->dialect = dialect_get(dialect_of(x, to));
    if (x->surface->id == SURFACE_EMBEDDINGS)
        return write_embedding(x, t, ret_path);
    if ((t->dialect->id != x->surface->dialect || is_mixed(x)) && !read_once(x, t))
        return false;
    if (!begin_answer(x, t, chat_origin_of(t->dialect->id, to->model)))
        return out_of_room(x);
    if (t->writer == NULL && !(t->marked && is_mixed(x)) ? !pass_body(x, t, to->model)
                                                         : !write_body(x, t, to->model))
        return false;
    *ret_path = path_of(x, t);
    return ret_path->ptr != NULL || out_of_room(x);
}

int translate_own(struct exchange *x)
{
    const struct conf_target *to = x->attempt.candidate->target;
    struct translation *t;

    if (x->translation != NULL)
        x->translation->encoded = x->translation->cut = false;
    if (!is_suspect(x))
        return 0;
    t = translation_of(x);
    if (t == NULL)
        return out_of_room(x) ? 0 : -1;
    t->dialect = dialect_get(to->provider->dialect);
    if (!read_once(x, t))
        return -1;
    if (!t->marked)
        return 0;
    return write_body(x, t, to->model) ? 1 : -1;
}

/* ---- the answer ---- */

static void take_usage(struct openai_watch *w, const struct chat_usage *u)
{
    if (u->source != CHAT_USAGE_REPORTED)
        return;
    w->usage = (struct openai_usage){.source = USAGE_REPORTED,
                                     .prompt = u->input,
                                     .completion = u->output,
                                     .total = u->input + u->output,
                                     .cached = u->cache_read,
                                     .reasoning = u->reasoning};
}

static void take_error(struct exchange *x, const struct chat_event *ev)
{
    struct openai_watch *w = &x->attempt.watch;

    w->fault = ev->fault != FAULT_NONE ? ev->fault : FAULT_UPSTREAM_ERROR;
    w->error_message = json_text_plain(x->mem, ev->text);
    if (ev->retry_after_ms != 0)
        x->attempt.retry_after_ms = ev->retry_after_ms;
}

/* As openai_watch.c counts them: an answer is whole when all choices are. */
static void note_choice(struct openai_watch *w, const struct chat_event *ev)
{
    unsigned word = ev->choice / 64 % COUNTOF(w->seen);
    uint64_t bit = 1ull << ev->choice % 64;

    w->seen[word] |= bit;
    if (ev->kind != CHAT_EV_STOP)
        return;
    w->ended[word] |= bit;
    w->finished = w->seen[0] == w->ended[0] && w->seen[1] == w->ended[1];
    w->choices_finished =
        (uint32_t)(__builtin_popcountll(w->ended[0]) + __builtin_popcountll(w->ended[1]));
}

/* What the event says of the answer; true when it shows something. */
static bool note(struct exchange *x, const struct chat_event *ev)
{
    struct openai_watch *w = &x->attempt.watch;

    switch (ev->kind) {
    case CHAT_EV_TEXT:
    case CHAT_EV_THINKING:
    case CHAT_EV_REFUSAL:
        note_choice(w, ev);
        return ev->text.len > 0;
    case CHAT_EV_CALL:
    case CHAT_EV_RAW:
    case CHAT_EV_REDACTED:
    case CHAT_EV_CITATION:
        note_choice(w, ev);
        return true;
    case CHAT_EV_USAGE:
        take_usage(w, &ev->usage);
        return false;
    case CHAT_EV_STOP:
        note_choice(w, ev);
        return true;
    case CHAT_EV_ERROR:
        take_error(x, ev);
        x->translation->failed = true;
        return false;
    case CHAT_EV_END:
        x->translation->ended = true;
        return false;
    case CHAT_EV_START:
    case CHAT_EV_SIGNATURE:
    case CHAT_EV_ARGS:
    case CHAT_EV_BLOCK_END:
        break;
    }
    return false;
}

/* A stream's end is written when all is known to be well. */
static int tell(struct translation *t, const struct chat_event *ev)
{
    if (t->out == NULL)
        return t->surface->collect(t->writer, ev);
    return ev->kind != CHAT_EV_END ? t->surface->put(t->writer, ev, t->out) : 0;
}

static int tell_marked(struct translation *t, const struct chat_event *ev)
{
    struct chat_event marked;
    int err = 0;

    if (chat_origin_close(&t->marker, ev, &marked))
        err = tell(t, &marked);
    if (err == 0 && !chat_origin_mark(&t->marker, ev, &marked))
        err = -ENOMEM;
    return err == 0 ? tell(t, &marked) : err;
}

static bool on_chat_event(void *ctx, const struct chat_event *ev)
{
    struct exchange *x = ctx;
    struct translation *t = x->translation;

    t->content |= note(x, ev);
    if (t->failed)
        return false;
    if (t->writer != NULL)
        t->err = tell_marked(t, ev);
    return t->err == 0;
}

/* Make elements of an array of the events that `out` has from `from` on; `data`: of an event that
 * passes, instead.  Nothing changes for clients that want a stream of events. */
static int as_array(struct translation *t, struct buf *out, size_t from, struct str data)
{
    struct str sse = str_skip(buf_str(out), from);
    int err;

    if (!t->array || str_eq(data, STR("[DONE]"))) /* which some relays add */
        return 0;
    t->spare.len = 0;
    t->spare.max = out->max;
    err = t->writer == NULL && data.ptr != NULL ? generate_element(data, &t->any, &t->spare)
                                                : generate_array(sse, &t->any, &t->spare);
    out->len = from;
    return err < 0 ? err : buf_put(out, buf_str(&t->spare));
}

static void start(struct translation *t, struct buf *out)
{
    t->out = out;
    t->err = 0;
    t->content = t->failed = false;
}

static enum openai_event_kind kind_of(struct exchange *x)
{
    struct translation *t = x->translation;
    struct openai_watch *w = &x->attempt.watch;

    if (t->failed)
        return OPENAI_EV_ERROR;
    if (t->err < 0) {
        w->fault = FAULT_UPSTREAM_BAD_REPLY;
        w->error_message =
            STR("more than limits.reply_bytes, or limits.exchange_bytes, holds of it");
        return OPENAI_EV_ERROR;
    }
    w->content |= t->content;
    if (t->ended) {
        w->done = true;
        return OPENAI_EV_DONE;
    }
    return t->content ? OPENAI_EV_CONTENT : OPENAI_EV_LIFECYCLE;
}

/* Only the watcher cannot make sense of an event that passes: it passes all the same (R44). */
static bool passes_unread(const struct translation *t, struct str data)
{
    return t->writer == NULL && json_scan(data, JSON_DEPTH_MAX, NULL, NULL, NULL);
}

enum openai_event_kind translate_event(struct exchange *x, struct str name, struct str data,
                                       struct buf *out)
{
    struct translation *t = x->translation;
    bool read;

    start(t, out);
    x->attempt.watch.events++;
    read = t->dialect->decode(t->decoder, name, data, on_chat_event, x) || t->failed || t->err != 0;
    if (!read && !passes_unread(t, data))
        return OPENAI_EV_MALFORMED;
    if (t->err == 0 && !t->failed)
        t->err = as_array(t, out, 0, data);
    return kind_of(x);
}

void translate_over(struct exchange *x, struct buf *out)
{
    struct translation *t = x->translation;

    start(t, out);
    if (t->dialect->decode_end == NULL || x->attempt.watch.done)
        return;
    t->dialect->decode_end(t->decoder, on_chat_event, x);
    if (t->err == 0)
        t->err = as_array(t, out, 0, (struct str){NULL, 0});
    (void)kind_of(x);
}

int translate_end(struct exchange *x, struct buf *out)
{
    struct translation *t = x->translation;
    const struct chat_event end = {.kind = CHAT_EV_END};
    size_t from = out->len;
    int err = t->writer != NULL ? t->surface->put(t->writer, &end, out) : 0;

    if (err == 0)
        err = as_array(t, out, from, (struct str){NULL, 0});
    if (err == 0 && t->array)
        err = buf_put(out, t->any ? STR("]") : STR("[]"));
    if (t->writer != NULL || err < 0)
        return err;
    if (x->attempt.watch.done)
        return 0; /* and it has passed, as it came */
    return x->surface->dialect == CHAT_ANTHROPIC
               ? buf_put(out, STR("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"))
               : 0;
}

/* Events of the Responses API are numbered, and a failed response is told whole: only who wrote the
 * ones before knows how. */
bool translate_error(struct exchange *x, enum fault f, struct str message, struct buf *out)
{
    const struct chat_surface *s = chat_surface_get(x->surface->dialect);
    struct chat_writer *w = x->translation != NULL ? x->translation->writer : NULL;

    if (x->translation != NULL && x->translation->array) {
        bool any = x->translation->any && x->answer.committed;

        x->translation->spare.len = 0;
        return s->error_body(f, message, STR(""), x->request_id, &x->translation->spare) == 0 &&
               generate_element(buf_str(&x->translation->spare), &any, out) == 0 &&
               buf_put(out, STR("]")) == 0;
    }
    if (x->surface->dialect != CHAT_RESPONSES || s == NULL)
        return false;
    return s->error_event(w, f, message, out) == 0;
}

/* ---- a whole answer, and a refusal ---- */

/* A whole answer is told as a stream by a writer, on the same dialect too. */
static bool has_writer(struct exchange *x, struct translation *t)
{
    if (t->writer == NULL && x->req.stream)
        t->writer = t->surface->writer_new(&t->told, &t->facts);
    return t->writer != NULL || !x->req.stream;
}

static enum fault judge_count(struct exchange *x, struct str body, struct str *ret_body)
{
    uint64_t tokens;
    bool count = x->surface->dialect == CHAT_GEMINI ? generate_is_count(body)
                                                    : messages_count_read(body, &tokens);

    *ret_body = body;
    return count ? FAULT_NONE : FAULT_UPSTREAM_BAD_REPLY;
}

enum fault translate_whole(struct exchange *x, struct str body, struct buf *out,
                           struct str *ret_body)
{
    struct translation *t = x->translation;

    if (is_count(x))
        return judge_count(x, body, ret_body);
    if (t->embedding != NULL)
        return translate_embed_whole(x, t->embedding, &t->told, body, out, ret_body);
    if (!has_writer(x, t))
        return FAULT_OVERLOADED;
    start(t, x->req.stream ? out : NULL);
    if (!t->dialect->decode_whole(t->decoder, body, on_chat_event, x) && !t->failed)
        return FAULT_UPSTREAM_BAD_REPLY;
    switch (kind_of(x)) {
    case OPENAI_EV_ERROR:
        return x->attempt.watch.fault;
    case OPENAI_EV_DONE:
        break;
    case OPENAI_EV_LIFECYCLE: /* it is still to be made, as the client wanted (`background`) */
        *ret_body = body;
        return t->writer == NULL ? FAULT_NONE : FAULT_UPSTREAM_BAD_REPLY;
    case OPENAI_EV_CONTENT:
    case OPENAI_EV_USAGE:
    case OPENAI_EV_MALFORMED:
        return FAULT_UPSTREAM_BAD_REPLY;
    }
    if (x->req.stream && as_array(t, out, 0, (struct str){NULL, 0}) < 0)
        return FAULT_UPSTREAM_BAD_REPLY;
    *ret_body = x->req.stream ? buf_str(out) : body;
    if (!x->attempt.watch.finished)
        return FAULT_UPSTREAM_BAD_REPLY;
    if (t->writer == NULL || x->req.stream)
        return FAULT_NONE;
    if (t->surface->write(t->writer, out) < 0)
        return FAULT_UPSTREAM_BAD_REPLY;
    *ret_body = buf_str(out);
    return FAULT_NONE;
}

struct openai_refusal translate_refusal(struct exchange *x, unsigned status, struct str body)
{
    const struct dialect *d = x->translation->dialect;
    struct chat_event ev = {.kind = CHAT_EV_ERROR};
    struct str kind = {NULL, 0};

    d->refusal(x->mem, status, body, &ev);
    if (d->kind_field != NULL)
        kind = http_fields_find(&x->attempt.reply, str_from(d->kind_field));
    if (kind.len > 0)
        d->refusal_kind(x->mem, kind, &ev);
    take_error(x, &ev);
    return (struct openai_refusal){.fault = x->attempt.watch.fault,
                                   .message = x->attempt.watch.error_message};
}

/* ---- */

/* It may be a client's word, and becomes part of a header: only what a name may have. */
static void put_name(char *to, size_t *len, struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (i == DROPPED_NAME_MAX) {
            memcpy(to + *len, "...", 3);
            *len += 3;
            return;
        }
        to[(*len)++] =
            name.ptr[i] > 0x20 && name.ptr[i] < 0x7f && name.ptr[i] != ',' ? name.ptr[i] : '?';
    }
}

struct str translate_dropped(struct exchange *x)
{
    const struct str *names;
    uint32_t count;
    size_t len = 0;
    char *text;

    if (x->translation == NULL)
        return (struct str){NULL, 0};
    if (x->translation->cut)
        return STR("input.reasoning.encrypted_content");
    if (!x->translation->encoded)
        return (struct str){NULL, 0};
    names = dropped_of(x->translation, &count);
    if (count == 0)
        return (struct str){NULL, 0};
    text = arena_bytes(x->mem, DROPPED_BYTES_MAX + DROPPED_NAME_MAX + sizeof(", ......"));
    if (text == NULL)
        return (struct str){NULL, 0};
    for (uint32_t i = 0; i < count; i++) {
        if (len > 0) {
            memcpy(text + len, ", ", 2);
            len += 2;
        }
        if (len >= DROPPED_BYTES_MAX) {
            memcpy(text + len, "...", 3);
            len += 3;
            break;
        }
        put_name(text, &len, names[i]);
    }
    arena_trim(x->mem, text, text + len);
    return str_make(text, len);
}

void translate_lighten(struct exchange *x)
{
    forget_question(x, x->translation);
}

void translate_done(struct exchange *x)
{
    struct translation *t = x->translation;
    struct arena home;

    if (t == NULL)
        return;
    forget_question(x, t);
    buf_done(&t->spare);
    arena_done(&t->told);
    home = t->home;
    arena_done(&home);
    x->translation = NULL;
}
