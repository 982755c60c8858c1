/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/translation.h"

#include <time.h>

#include "gateway/translate.h"

#define ID_DIGITS 24u
/* What is read of a body takes up to this much for each of its bytes: `{"role":"user"}` becomes two
 * structs. */
#define READ_FACTOR 32u
/* Less than this is not counted: the threads would fight for the counter at every request. */
#define COUNTED_MIN 8192u

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

struct translation *translation_of(struct exchange *x)
{
    return x->translation != NULL ? x->translation : translation_new(x);
}

/* What was read and written of a body is held beside it, and is limited with it. */
bool translation_count(struct exchange *x, struct translation *t)
{
    const size_t held = t->asked.used + t->body.cap;

    if (held < COUNTED_MIN || http_call_hold(x->call, held))
        return true;
    exchange_fail(x, FAULT_OVERLOADED, STR(""), "limits.in_flight_bytes is reached.");
    return false;
}

static void forget_question(struct exchange *x, struct translation *t)
{
    buf_done(&t->body);
    arena_done(&t->asked);
    t->facts.request = t->request = NULL;
    http_call_let_go(x->call);
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
